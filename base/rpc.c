/* Calls over a message socket; see rpc.h.
 *
 * Threads: the reader owns receiving; senders share `send_lock`; waiting calls form a list under `lock`. */
#include "base/rpc.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct wait {
	struct wait *next;
	uint64_t id;
	struct msg *reply;
	bool done;
	pthread_cond_t cond;
};

struct rpc {
	const char *name;
	int fd;
	struct rpc_ops ops;
	void *ctx;
	pthread_t reader;
	pthread_mutex_t lock, send_lock;
	struct wait *waiting;
	uint64_t next_id;
	bool dead;
};

/* Gives a reply to its waiter; false when nobody waits for that id. */
static bool deliver(struct rpc *rpc, struct msg *m)
{
	bool found = false;

	pthread_mutex_lock(&rpc->lock);
	for (struct wait *w = rpc->waiting; w; w = w->next) {
		if (w->id != m->id || w->done)
			continue;
		*w->reply = *m;
		w->done = true;
		pthread_cond_signal(&w->cond);
		found = true;
		break;
	}
	pthread_mutex_unlock(&rpc->lock);
	return found;
}

/* Ids that this side gave have the top bit set, so that requests and replies never share an id. */
#define OWN_ID (1ull << 63)

static void *reader_main(void *arg)
{
	struct rpc *rpc = arg;
	struct msg m;
	int r;

	while ((r = msg_recv(rpc->fd, &m)) == 1) {
		if (m.id & OWN_ID) {
			m.id &= ~OWN_ID;
			if (deliver(rpc, &m))
				continue;
			msg_free(&m); /* its caller gave up */
			continue;
		}
		r = rpc->ops.serve ? rpc->ops.serve(rpc->ctx, rpc, &m) : -1;
		msg_free(&m);
		if (r < 0) {
			log_error("rpc.malformed", "peer=%s type=%u", rpc->name, m.type);
			break;
		}
	}
	pthread_mutex_lock(&rpc->lock);
	rpc->dead = true;
	for (struct wait *w = rpc->waiting; w; w = w->next)
		pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&rpc->lock);
	shutdown(rpc->fd, SHUT_RDWR);
	if (rpc->ops.gone)
		rpc->ops.gone(rpc->ctx, rpc);
	return NULL;
}

int rpc_new(const char *name, int fd, const struct rpc_ops *ops, void *ctx, struct rpc **ret, struct err *err)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));

	if (!rpc)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	rpc->name = name;
	rpc->fd = fd;
	rpc->ops = *ops;
	rpc->ctx = ctx;
	pthread_mutex_init(&rpc->lock, NULL);
	pthread_mutex_init(&rpc->send_lock, NULL);
	int r = pthread_create(&rpc->reader, NULL, reader_main, rpc);
	if (r != 0) {
		errno = r;
		err_errno(err, "starting a thread");
		free(rpc);
		return -1;
	}
	*ret = rpc;
	return 0;
}

void rpc_free(struct rpc *rpc)
{
	if (!rpc)
		return;
	shutdown(rpc->fd, SHUT_RDWR);
	pthread_join(rpc->reader, NULL);
	close(rpc->fd);
	pthread_mutex_destroy(&rpc->lock);
	pthread_mutex_destroy(&rpc->send_lock);
	free(rpc);
}

bool rpc_alive(struct rpc *rpc)
{
	pthread_mutex_lock(&rpc->lock);
	bool alive = !rpc->dead;
	pthread_mutex_unlock(&rpc->lock);
	return alive;
}

static int send_locked(struct rpc *rpc, struct msg *m)
{
	pthread_mutex_lock(&rpc->send_lock);
	int r = msg_send(rpc->fd, m);
	pthread_mutex_unlock(&rpc->send_lock);
	return r;
}

static void unlink_wait(struct rpc *rpc, struct wait *w)
{
	for (struct wait **p = &rpc->waiting; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			return;
		}
	}
}

int rpc_call(struct rpc *rpc, struct msg *m, int64_t timeout_ms, struct msg *ret_reply, struct err *err)
{
	struct wait w = {.reply = ret_reply};
	pthread_condattr_t attr;
	struct timespec until;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w.cond, &attr);
	pthread_condattr_destroy(&attr);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}

	pthread_mutex_lock(&rpc->lock);
	w.id = ++rpc->next_id;
	w.next = rpc->waiting;
	rpc->waiting = &w;
	pthread_mutex_unlock(&rpc->lock);

	m->id = w.id;
	bool sent = send_locked(rpc, m) == 0, too_long = !sent && errno == EMSGSIZE;

	pthread_mutex_lock(&rpc->lock);
	int wait_result = 0;
	while (sent && !w.done && !rpc->dead && wait_result == 0)
		wait_result = pthread_cond_timedwait(&w.cond, &rpc->lock, &until);
	unlink_wait(rpc, &w);
	bool done = w.done;
	pthread_mutex_unlock(&rpc->lock);
	pthread_cond_destroy(&w.cond);
	if (done)
		return 0;
	if (too_long)
		return err_set(err, ERR_LOCAL, "message_too_long", "message to %s too long", rpc->name);
	if (wait_result == ETIMEDOUT)
		return err_set(err, ERR_RETRY, "peer_timeout", "no answer from %s in time", rpc->name);
	return err_set(err, ERR_RETRY, "peer_gone", "%s is gone", rpc->name);
}

int rpc_reply(struct rpc *rpc, struct msg *m)
{
	m->id |= OWN_ID;
	return send_locked(rpc, m);
}

int rpc_notify(struct rpc *rpc, struct msg *m)
{
	m->id = 0;
	return send_locked(rpc, m);
}
