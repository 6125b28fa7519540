/* A short list of tokens under a lock; see token_cache.h. Job threads of core. */
#include "core/token_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next; /* older ones */
	size_t size;        /* of subject and token with their ends */
	int64_t until;      /* monotonic */
	int64_t expires_at; /* wall clock */
	const char *token;  /* behind the subject */
	char subject[];
};

struct token_cache {
	pthread_mutex_t lock;
	struct entry *newest;
	size_t used;
};

struct token_cache *token_cache_new(void)
{
	struct token_cache *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void take_out(struct token_cache *t, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	t->used -= e->size;
	explicit_bzero(e->subject, e->size);
	free(e);
}

void token_cache_free(struct token_cache *t)
{
	if (!t)
		return;
	while (t->newest)
		take_out(t, &t->newest);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct entry **find(struct token_cache *t, const char *subject)
{
	struct entry **p = &t->newest;

	while (*p && strcmp((*p)->subject, subject) != 0)
		p = &(*p)->next;
	return p;
}

static bool good(int64_t expires_at, int64_t wall)
{
	return expires_at - wall > TOKEN_CACHE_MARGIN_MS;
}

bool token_cache_get(struct token_cache *t, const char *subject, int64_t now, int64_t wall, struct buf *ret)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	struct entry **p = find(t, subject);
	if (*p && now < (*p)->until && good((*p)->expires_at, wall))
		found = buf_adds(ret, (*p)->token) == 0;
	else if (*p)
		take_out(t, p);
	pthread_mutex_unlock(&t->lock);
	return found;
}

void token_cache_put(struct token_cache *t, const char *subject, const char *token, int64_t expires_at, int64_t now,
	int64_t wall)
{
	size_t head = strlen(subject) + 1, tail = strlen(token) + 1;

	if (!good(expires_at, wall) || head > TOKEN_CACHE_MAX || tail > TOKEN_CACHE_MAX - head)
		return;
	struct entry *e = malloc(sizeof(*e) + head + tail);
	if (!e)
		return;
	memcpy(e->subject, subject, head);
	memcpy(e->subject + head, token, tail);
	e->token = e->subject + head;
	e->size = head + tail;
	e->until = now + TOKEN_CACHE_KEEP_MS;
	e->expires_at = expires_at;
	pthread_mutex_lock(&t->lock);
	struct entry **p = find(t, subject);
	if (*p)
		take_out(t, p);
	while (t->used + e->size > TOKEN_CACHE_MAX) {
		for (p = &t->newest; (*p)->next;)
			p = &(*p)->next;
		take_out(t, p);
	}
	e->next = t->newest;
	t->newest = e;
	t->used += e->size;
	pthread_mutex_unlock(&t->lock);
}

void token_cache_drop(struct token_cache *t, const char *subject)
{
	pthread_mutex_lock(&t->lock);
	struct entry **p = find(t, subject);
	if (*p)
		take_out(t, p);
	pthread_mutex_unlock(&t->lock);
}
