/* The token cache; see tokens.h.
 *
 * Everything is under one lock, held for look-ups only. An entry is renewed by one job of the pool; who asks meanwhile
 * waits in its list, or gets the old token while that is good. Instants are of the monotonic clock; a token is
 * good only if the wall clock agrees, so that neither a jump of it nor a suspended machine keeps a dead one. */
#include "auth/tokens.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <pthread.h>
#include <string.h>

#define BUCKETS 4096
#define ENTRIES_MAX 65536
#define WAITERS_MAX 4096 /* of one entry */
#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 30000

struct waiter {
	struct waiter *next;
	uint64_t id;
};

struct entry {
	struct entry *next;
	struct tokens *tokens;
	char connection[96];
	char *subject;
	char *token; /* NULL: none */
	int64_t good_until, renew_at; /* monotonic */
	int64_t expires_at;           /* wall clock, as it is told */
	bool renewing;
	bool detached; /* out of the table: the job that renews it frees it */
	struct waiter *waiters;
	int n_waiters;
};

/* What holds for all users of a connection. */
struct link {
	struct link *next;
	char connection[96];
	char origin[128];
	bool one_token; /* the same for all subjects */
	int64_t not_before; /* monotonic: until then the token address is left alone, and err is the answer */
	int failures;
	struct err err;
};

struct tokens {
	struct renewer *renewer;
	struct pool *pool;
	tokens_answer_fn *answer;
	void *ctx;
	pthread_mutex_t lock;
	struct entry *buckets[BUCKETS];
	int n_entries;
	struct link *links;
};

/* ---- entries and links; under the lock ---- */

static unsigned bucket(const char *connection, const char *subject)
{
	uint32_t h = 2166136261u;

	for (const char *p = connection; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	h = (h ^ 0xff) * 16777619u;
	for (const char *p = subject; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return h % BUCKETS;
}

static void wipe_token(struct entry *e)
{
	if (e->token)
		explicit_bzero(e->token, strlen(e->token));
	free(e->token);
	e->token = NULL;
}

static void entry_free(struct entry *e)
{
	wipe_token(e);
	for (struct waiter *w = e->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	free(e->subject);
	free(e);
}

static bool good(const struct entry *e, int64_t now)
{
	return e->token && now < e->good_until && time_now_ms() < e->expires_at;
}

/* Drops what is of no use any more, or everything that is idle. */
static void sweep(struct tokens *t, bool all)
{
	int64_t now = time_monotonic_ms();

	for (int i = 0; i < BUCKETS; i++) {
		for (struct entry **p = &t->buckets[i]; *p;) {
			struct entry *e = *p;
			if (e->renewing || (!all && good(e, now))) {
				p = &e->next;
				continue;
			}
			*p = e->next;
			t->n_entries--;
			entry_free(e);
		}
	}
}

static struct entry *find(struct tokens *t, const char *connection, const char *subject)
{
	struct entry **head = &t->buckets[bucket(connection, subject)];

	for (struct entry *e = *head; e; e = e->next)
		if (strcmp(e->connection, connection) == 0 && strcmp(e->subject, subject) == 0)
			return e;
	if (t->n_entries >= ENTRIES_MAX)
		sweep(t, false);
	if (t->n_entries >= ENTRIES_MAX)
		sweep(t, true);
	struct entry *e = calloc(1, sizeof(*e));
	if (!e || !(e->subject = strdup(subject))) {
		free(e);
		return NULL;
	}
	e->tokens = t;
	snprintf(e->connection, sizeof(e->connection), "%s", connection);
	e->next = *head;
	*head = e;
	t->n_entries++;
	return e;
}

static struct link *find_link(struct tokens *t, const char *connection, bool make)
{
	for (struct link *l = t->links; l; l = l->next)
		if (strcmp(l->connection, connection) == 0)
			return l;
	struct link *l = make ? calloc(1, sizeof(*l)) : NULL;
	if (l) {
		snprintf(l->connection, sizeof(l->connection), "%s", connection);
		l->next = t->links;
		t->links = l;
	}
	return l;
}

/* ---- renewing ---- */

/* After a passing failure the address is left alone for as long as it says, else for a growing while; *err then says
 * until when. */
static void note_failure(struct tokens *t, const char *connection, struct err *err, int64_t now)
{
	struct link *l = find_link(t, connection, true);

	if (!l)
		return;
	int64_t wall = time_now_ms();
	int64_t wait = RETRY_BASE_MS << (l->failures > 5 ? 5 : l->failures);
	l->failures++;
	if (wait > RETRY_CAP_MS)
		wait = RETRY_CAP_MS;
	if (err->retry_at > wall + wait)
		wait = err->retry_at - wall;
	err->retry_at = wall + wait;
	l->err = *err;
	l->not_before = now + wait;
}

static void note_success(struct tokens *t, const char *connection)
{
	struct link *l = find_link(t, connection, false);

	if (l) {
		l->failures = 0;
		l->not_before = 0;
	}
}

/* Keeps a new token; a short life has a short margin. */
static void keep(struct entry *e, char *token, int64_t life, int64_t asked_at)
{
	int64_t margin = life / 10 < 30000 ? life / 10 : 30000;

	wipe_token(e);
	e->token = token;
	e->good_until = asked_at + life - margin;
	e->renew_at = asked_at + life / 5 * 4;
	e->expires_at = time_now_ms() + life - (time_monotonic_ms() - asked_at);
}

static void answer_all(struct tokens *t, struct waiter *waiters, const struct token_answer *answer)
{
	for (struct waiter *w = waiters, *next; w; w = next) {
		next = w->next;
		t->answer(t->ctx, w->id, answer);
		free(w);
	}
}

/* On a thread of the pool. The entry cannot go while it is renewing. */
static void renew_main(void *ctx)
{
	struct entry *e = ctx;
	struct tokens *t = e->tokens;
	_cleanup_wipe_ struct buf token = BUF_INIT(32768);
	struct err err = {0};
	int64_t life = 0, start = time_monotonic_ms();

	/* One allocation, so that no part of a token is left behind by growing. */
	log_push("connection", e->connection);
	int r = buf_reserve(&token, 16384);
	r = r < 0 ? err_set(&err, ERR_LOCAL, "memory", "out of memory") :
		    renew_token(t->renewer, e->connection, e->subject, &token, &life, &err);
	char *copy = r == 0 ? strdup(buf_str(&token)) : NULL;
	if (r == 0 && !copy)
		r = err_set(&err, ERR_LOCAL, "memory", "out of memory");
	if (r < 0)
		log_err(LOG_WARN_, "token.failed", &err);
	log_pop();

	pthread_mutex_lock(&t->lock);
	struct waiter *waiters = e->waiters;
	e->waiters = NULL;
	e->n_waiters = 0;
	e->renewing = false;
	if (r == 0) {
		keep(e, copy, life, start);
		if (!e->detached)
			note_success(t, e->connection);
	} else if (!e->detached && err.class == ERR_RETRY) {
		note_failure(t, e->connection, &err, time_monotonic_ms());
	} else if (err.class != ERR_LOCAL && err.class != ERR_CANCELLED) {
		wipe_token(e); /* the provider does not stand by it any more */
	}
	int64_t expires_at = e->expires_at;
	bool detached = e->detached;
	pthread_mutex_unlock(&t->lock);

	const struct token_answer answer = {r == 0 ? buf_str(&token) : NULL, expires_at, &err};
	answer_all(t, waiters, &answer);
	if (detached)
		entry_free(e);
}

/* The pool ends: nobody is answered. */
static void renew_drop(void *ctx)
{
	struct entry *e = ctx;

	e->renewing = false;
	if (e->detached)
		entry_free(e);
}

static int start_renewal(struct tokens *t, struct entry *e, const struct link *l, struct err *err)
{
	e->renewing = true;
	if (pool_submit(t->pool, e->connection, l ? l->origin : "", renew_main, renew_drop, e, err) == 0)
		return 0;
	e->renewing = false;
	return -1;
}

/* ---- asking ---- */

static int add_waiter(struct entry *e, uint64_t id, struct err *err)
{
	struct waiter *w = e->n_waiters < WAITERS_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return err_set(err, ERR_RETRY, "busy", "too many requests wait for one token");
	w->id = id;
	w->next = e->waiters;
	e->waiters = w;
	e->n_waiters++;
	return 0;
}

/* Under the lock: 1 and a copy of a token; 0: the answer comes later; -1. */
static int get(struct tokens *t, uint64_t id, const char *connection, const char *subject, bool renew, struct buf *ret,
	int64_t *ret_expires_at, struct err *err)
{
	int64_t now = time_monotonic_ms();
	const struct link *l = find_link(t, connection, false);
	struct entry *e = find(t, connection, l && l->one_token ? "" : subject);

	if (!e)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	bool left_alone = l && now < l->not_before;
	if (!renew && good(e, now)) {
		if (now >= e->renew_at && !e->renewing && !left_alone)
			start_renewal(t, e, l, NULL); /* in the background: this one is still good */
		*ret_expires_at = e->expires_at;
		return buf_adds(ret, e->token) < 0 ? err_set(err, ERR_LOCAL, "memory", "out of memory") : 1;
	}
	if (!e->renewing && left_alone) {
		if (err)
			*err = l->err;
		return -1;
	}
	if (add_waiter(e, id, err) < 0)
		return -1;
	if (e->renewing || start_renewal(t, e, l, err) == 0)
		return 0;
	struct waiter *w = e->waiters; /* the one just added */
	e->waiters = w->next;
	e->n_waiters--;
	free(w);
	return -1;
}

void tokens_get(struct tokens *t, uint64_t id, const char *connection, const char *subject, bool renew)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(32768);
	struct err err = {0};
	int64_t expires_at = 0;

	pthread_mutex_lock(&t->lock);
	int r = get(t, id, connection, subject, renew, &token, &expires_at, &err);
	pthread_mutex_unlock(&t->lock);
	if (r == 0)
		return;
	const struct token_answer answer = {r == 1 ? buf_str(&token) : NULL, expires_at, &err};
	t->answer(t->ctx, id, &answer);
}

void tokens_learn(struct tokens *t, const char *connection, const char *origin, bool per_subject)
{
	pthread_mutex_lock(&t->lock);
	struct link *l = find_link(t, connection, true);
	if (l) {
		snprintf(l->origin, sizeof(l->origin), "%s", origin);
		l->one_token = !per_subject;
	}
	pthread_mutex_unlock(&t->lock);
}

void tokens_drop(struct tokens *t, const char *connection)
{
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < BUCKETS; i++) {
		for (struct entry **p = &t->buckets[i]; *p;) {
			struct entry *e = *p;
			if (strcmp(e->connection, connection) != 0) {
				p = &e->next;
				continue;
			}
			*p = e->next;
			t->n_entries--;
			if (e->renewing)
				e->detached = true;
			else
				entry_free(e);
		}
	}
	for (struct link **p = &t->links; *p; p = &(*p)->next) {
		struct link *l = *p;
		if (strcmp(l->connection, connection) != 0)
			continue;
		*p = l->next;
		free(l);
		break;
	}
	pthread_mutex_unlock(&t->lock);
}

bool tokens_peek(struct tokens *t, const char *connection, struct buf *ret)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (struct entry *e = t->buckets[bucket(connection, "")]; e && !found; e = e->next)
		found = strcmp(e->connection, connection) == 0 && !*e->subject && good(e, time_monotonic_ms()) &&
			buf_adds(ret, e->token) == 0;
	pthread_mutex_unlock(&t->lock);
	return found;
}

/* ---- life ---- */

int tokens_new(struct renewer *renewer, struct pool *pool, tokens_answer_fn *answer, void *ctx, struct tokens **ret,
	struct err *err)
{
	struct tokens *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	t->renewer = renewer;
	t->pool = pool;
	t->answer = answer;
	t->ctx = ctx;
	pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return 0;
}

void tokens_free(struct tokens *t)
{
	if (!t)
		return;
	for (int i = 0; i < BUCKETS; i++) {
		for (struct entry *e = t->buckets[i], *next; e; e = next) {
			next = e->next;
			entry_free(e);
		}
	}
	for (struct link *l = t->links, *next; l; l = next) {
		next = l->next;
		free(l);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}
