/* The writer thread: it alone has the writing connection. Calls queue up; what waits when the last commit is done is
 * run in one transaction, each call in its own savepoint, so that many threads pay for one sync together. A call
 * that fails undoes itself alone. When the database gives the whole transaction up, or the commit fails, each call
 * is run again by itself, so that only the one that cannot be done fails.
 *
 * writer_call() comes from any thread; everything else here runs on the writer thread. */
#include "store/impl.h"

#include "base/log.h"

#include <signal.h>
#include <string.h>

#define BATCH_MAX 64
#define ALONE_TRIES 3

struct call {
	int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err);
	void *ctx;
	struct err err;
	int result;
	bool done;
	bool again; /* to be run alone */
	pthread_cond_t finished;
	struct call *next;
};

struct writer {
	struct store *store;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t queued;
	struct call *head, **tail;
	bool stop;
};

/* One call in a transaction of its own. */
static void run_alone(struct writer *w, struct call *c)
{
	for (int i = 0; i < ALONE_TRIES; i++) {
		err_clear(&c->err);
		const struct memory before = w->store->memory;
		c->result = db_begin(w->db, true, &c->err);
		if (c->result < 0)
			return;
		c->result = c->fn(w->store, w->db, c->ctx, &c->err);
		if (c->result == 0) {
			/* A commit whose answer got lost may have happened: not again. */
			c->result = db_commit(w->db, &c->err);
			if (c->result < 0)
				w->store->memory = before;
			return;
		}
		w->store->memory = before;
		bool lost = !w->db->driver->in_transaction(w->db);
		db_rollback(w->db);
		/* A deadlock with another node is worth another try at once, a dead connection is not. */
		if (c->err.class != ERR_RETRY || lost)
			return;
	}
}

static int run_in_savepoint(struct writer *w, struct call *c, bool *ret_lost)
{
	const struct memory before = w->store->memory;

	if (db_savepoint(w->db, &c->err) < 0) {
		*ret_lost = true;
		return -1;
	}
	int r = c->fn(w->store, w->db, c->ctx, &c->err);
	if (r == 0 && db_release(w->db, &c->err) == 0)
		return 0;
	w->store->memory = before;
	if (db_rollback_to(w->db, NULL) < 0)
		*ret_lost = true;
	return -1;
}

/* How many of them were run: fewer when a commit cannot wait. */
static size_t run_batch(struct writer *w, struct call **calls, size_t n)
{
	const struct memory before = w->store->memory;
	struct err err = {0};
	bool lost = false;
	size_t good = 0;

	w->db->commit_soon = false;
	if (n == 1) {
		run_alone(w, calls[0]);
		return 1;
	}
	if (db_begin(w->db, true, &err) < 0) {
		for (size_t i = 0; i < n; i++) {
			calls[i]->result = -1;
			calls[i]->err = err;
		}
		return n;
	}
	for (size_t i = 0; i < n && !lost; i++) {
		if (w->db->commit_soon) {
			n = i;
			break;
		}
		calls[i]->result = run_in_savepoint(w, calls[i], &lost);
		if (calls[i]->result == 0)
			good++;
		else if (lost)
			err = calls[i]->err;
		else if (calls[i]->err.class == ERR_RETRY)
			calls[i]->again = true;
	}
	if (!lost && good > 0)
		lost = db_commit(w->db, &err) < 0;
	else
		db_rollback(w->db);
	if (lost)
		w->store->memory = before;
	/* A database that is out of reach would let each one wait anew. */
	bool away = err.class == ERR_RETRY;
	for (size_t i = 0; i < n; i++) {
		if (lost && !away) {
			/* Those that failed for reasons of their own before it was lost fail again. */
			calls[i]->again = true;
		} else if (lost || (calls[i]->result == 0 && away)) {
			calls[i]->again = false;
			calls[i]->result = -1;
			calls[i]->err = err;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (calls[i]->again)
			run_alone(w, calls[i]);
	return n;
}

static void answer(struct writer *w, struct call **calls, size_t n)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < n; i++) {
		calls[i]->done = true;
		/* Under the lock: the caller's record is gone as soon as it sees this. */
		pthread_cond_signal(&calls[i]->finished);
	}
	pthread_mutex_unlock(&w->lock);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct call *batch[BATCH_MAX];

	pthread_setname_np(pthread_self(), "store");
	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (!w->head) {
			pthread_mutex_unlock(&w->lock);
			w->db->driver->tidy(w->db, true);
			pthread_mutex_lock(&w->lock);
		}
		while (!w->head && !w->stop)
			pthread_cond_wait(&w->queued, &w->lock);
		if (!w->head)
			break;
		size_t n = 0;
		while (w->head && n < BATCH_MAX) {
			batch[n++] = w->head;
			w->head = w->head->next;
		}
		if (!w->head)
			w->tail = &w->head;
		pthread_mutex_unlock(&w->lock);
		for (size_t at = 0, ran; at < n; at += ran) {
			ran = run_batch(w, batch + at, n - at);
			answer(w, batch + at, ran);
		}
		w->db->driver->tidy(w->db, false);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int writer_call(struct writer *w, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err)
{
	struct call c = {.fn = fn, .ctx = ctx};

	pthread_cond_init(&c.finished, NULL);
	pthread_mutex_lock(&w->lock);
	*w->tail = &c;
	w->tail = &c.next;
	pthread_cond_signal(&w->queued);
	while (!c.done)
		pthread_cond_wait(&c.finished, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&c.finished);
	if (c.result < 0 && err)
		*err = c.err;
	return c.result;
}

int writer_start(struct store *s, struct db *db, struct writer **ret, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	sigset_t all, old;

	if (!w)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	w->store = s;
	w->db = db;
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->queued, NULL);
	/* Signals are the business of the process's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		free(w);
		return err_set(err, ERR_LOCAL, "store", "cannot start the store's thread: %s", strerror(r));
	}
	*ret = w;
	return 0;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->queued);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	db_close(w->db);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->queued);
	free(w);
}
