/* Links to the other roles and the wake counter; see core.h. Any thread. */
#include "core/core.h"

#include "base/timeutil.h"

#include <time.h>

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static struct timespec deadline(int64_t timeout_ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += timeout_ms / 1000;
	t.tv_nsec += timeout_ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

void peer_init(struct peer *p, const char *name)
{
	p->name = name;
	p->link = NULL;
	pthread_mutex_init(&p->lock, NULL);
	cond_init(&p->came);
}

void peer_put(struct peer_link *link)
{
	if (!link || atomic_fetch_sub(&link->refs, 1) != 1)
		return;
	rpc_free(link->rpc);
	free(link);
}

int peer_publish(struct peer *p, struct rpc *rpc, struct err *err)
{
	struct peer_link *link = calloc(1, sizeof(*link));

	if (!link) {
		rpc_free(rpc);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	atomic_init(&link->refs, 1);
	link->rpc = rpc;
	pthread_mutex_lock(&p->lock);
	struct peer_link *old = p->link;
	p->link = link;
	pthread_cond_broadcast(&p->came);
	pthread_mutex_unlock(&p->lock);
	peer_put(old);
	return 0;
}

struct peer_link *peer_get(struct peer *p, int64_t timeout_ms)
{
	struct timespec until = deadline(timeout_ms);
	struct peer_link *link = NULL;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		if (p->link && rpc_alive(p->link->rpc)) {
			link = p->link;
			atomic_fetch_add(&link->refs, 1);
			break;
		}
		if (pthread_cond_timedwait(&p->came, &p->lock, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&p->lock);
	return link;
}

void peer_end(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	struct peer_link *old = p->link;
	p->link = NULL;
	pthread_mutex_unlock(&p->lock);
	peer_put(old);
}

void wake_init(struct wake *w)
{
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->cond);
	w->count = 0;
}

void wake_all(struct wake *w)
{
	pthread_mutex_lock(&w->lock);
	w->count++;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

uint64_t wake_count(struct wake *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t count = w->count;
	pthread_mutex_unlock(&w->lock);
	return count;
}

void wake_wait(struct wake *w, uint64_t seen, int64_t timeout_ms)
{
	struct timespec until = deadline(timeout_ms);

	pthread_mutex_lock(&w->lock);
	while (w->count == seen)
		if (pthread_cond_timedwait(&w->cond, &w->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&w->lock);
}
