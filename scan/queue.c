/* Items that wait, by tenant; see role.h. Pure bookkeeping of the master. */
#include "scan/role.h"

#include <stdlib.h>
#include <string.h>

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->fd >= 0)
		close(job->fd);
	if (job->passwords)
		explicit_bzero(job->passwords, (size_t)job->n_passwords * sizeof(*job->passwords));
	free(job->passwords);
	free(job);
}

static struct tenant *find(const struct queue *q, const char *name)
{
	struct tenant *t = q->tenants;

	while (t && strcmp(t->name, name) != 0)
		t = t->next;
	return t;
}

static struct tenant *find_or_add(struct queue *q, const char *name)
{
	struct tenant *t = find(q, name);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->last = &t->first;
	t->turn = q->turns;
	t->next = q->tenants;
	q->tenants = t;
	return t;
}

static void drop_if_empty(struct queue *q, struct tenant *t)
{
	if (t->first || t->running > 0)
		return;
	for (struct tenant **p = &q->tenants; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			free(t);
			return;
		}
	}
}

int queue_add(struct queue *q, struct job *job)
{
	struct tenant *t = find_or_add(q, job->tenant);

	if (!t)
		return -1;
	job->next = NULL;
	*t->last = job;
	t->last = &job->next;
	q->waiting++;
	return 0;
}

int queue_return(struct queue *q, struct job *job)
{
	struct tenant *t = find_or_add(q, job->tenant);

	if (!t)
		return -1;
	job->next = t->first;
	if (!t->first)
		t->last = &job->next;
	t->first = job;
	q->waiting++;
	return 0;
}

bool queue_has(const struct queue *q, const char *tenant)
{
	const struct tenant *t = find(q, tenant);

	return t && t->first;
}

const char *queue_turn(const struct queue *q)
{
	const struct tenant *best = NULL;

	for (const struct tenant *t = q->tenants; t; t = t->next)
		if (t->first && (!best || t->running < best->running ||
					(t->running == best->running && t->turn < best->turn)))
			best = t;
	return best ? best->name : NULL;
}

struct job *queue_take(struct queue *q, const char *tenant)
{
	struct tenant *t = find(q, tenant);
	struct job *job = t ? t->first : NULL;

	if (!job)
		return NULL;
	t->first = job->next;
	if (!t->first)
		t->last = &t->first;
	job->next = NULL;
	t->running++;
	t->turn = ++q->turns;
	q->waiting--;
	return job;
}

void queue_done(struct queue *q, const char *tenant)
{
	struct tenant *t = find(q, tenant);

	if (!t)
		return;
	t->running--;
	drop_if_empty(q, t);
}
