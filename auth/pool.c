/* The pool; see pool.h. Jobs wait in order; a thread takes the first whose key and group are below their limits. */
#include "auth/pool.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define NAME 128

struct job {
	struct job *next;
	char key[NAME], group[NAME];
	void (*run)(void *ctx);
	void (*drop)(void *ctx);
	void *ctx;
};

struct pool {
	const char *name;
	struct pool_limits limits;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a job came or ended, or stop */
	struct job *first, **last;
	int waiting;
	bool stop;
	int n_threads;
	struct job **running; /* by thread; NULL while idle */
	pthread_t *threads;
};

struct worker {
	struct pool *pool;
	int number;
};

static bool below_limits(const struct pool *p, const struct job *job)
{
	int keys = 0, groups = 0;

	for (int i = 0; i < p->limits.threads; i++) {
		const struct job *r = p->running[i];
		keys += r && job->key[0] && strcmp(r->key, job->key) == 0;
		groups += r && job->group[0] && strcmp(r->group, job->group) == 0;
	}
	return keys < p->limits.per_key && groups < p->limits.per_group;
}

/* The next job that may run, out of the queue; NULL when there is none. */
static struct job *take(struct pool *p)
{
	for (struct job **at = &p->first; *at; at = &(*at)->next) {
		struct job *job = *at;
		if (!below_limits(p, job))
			continue;
		*at = job->next;
		if (p->last == &job->next)
			p->last = at;
		p->waiting--;
		return job;
	}
	return NULL;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	int number = w->number;

	free(w);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = NULL;
		while (!p->stop && !(job = take(p)))
			pthread_cond_wait(&p->changed, &p->lock);
		if (!job)
			break;
		p->running[number] = job;
		pthread_mutex_unlock(&p->lock);
		job->run(job->ctx);
		pthread_mutex_lock(&p->lock);
		p->running[number] = NULL;
		free(job);
		/* Its end may let another of the same key run, on any thread. */
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int start_threads(struct pool *p, struct err *err)
{
	for (int i = 0; i < p->limits.threads; i++) {
		struct worker *w = malloc(sizeof(*w));
		if (!w)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		*w = (struct worker){p, i};
		int r = pthread_create(&p->threads[i], NULL, worker_main, w);
		if (r != 0) {
			free(w);
			errno = r;
			return err_errno(err, "starting a thread");
		}
		p->n_threads++;
	}
	return 0;
}

int pool_new(const char *name, const struct pool_limits *limits, struct pool **ret, struct err *err)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	p->name = name;
	p->limits = *limits;
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->threads = calloc((size_t)limits->threads, sizeof(*p->threads));
	p->running = calloc((size_t)limits->threads, sizeof(struct job *));
	if (!p->threads || !p->running)
		err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (!p->threads || !p->running || start_threads(p, err) < 0) {
		pool_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	for (struct job *job = p->first, *next; job; job = next) {
		next = job->next;
		job->drop(job->ctx);
		free(job);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p->running);
	free(p);
}

int pool_submit(struct pool *p, const char *key, const char *group, void (*run)(void *ctx), void (*drop)(void *ctx),
	void *ctx, struct err *err)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	snprintf(job->key, sizeof(job->key), "%s", key);
	snprintf(job->group, sizeof(job->group), "%s", group);
	job->run = run;
	job->drop = drop;
	job->ctx = ctx;
	pthread_mutex_lock(&p->lock);
	bool taken = !p->stop && p->waiting < p->limits.queue;
	if (taken) {
		*p->last = job;
		p->last = &job->next;
		p->waiting++;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	if (taken)
		return 0;
	free(job);
	return err_set(err, ERR_RETRY, "busy", "too many requests wait in %s", p->name);
}
