/* What an error stops and for how long: the one place that turns classes and scopes into pauses and states. Any thread. */
#include "core/core.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "events/catalogue.h"

#include <string.h>

#define MINUTE 60000ll

int64_t trouble_next(const struct err *err, int failures)
{
	int64_t now = time_now_ms();

	switch (err->class) {
	case ERR_RETRY:
		/* A provider that names a time knows best; jitter spreads those who were told the same. */
		if (err->retry_at > now)
			return err->retry_at + (http_backoff(0, 1, 500) - now);
		if (strcmp(err->code, "budget") == 0)
			return http_backoff(0, 20, 200);
		return http_backoff(failures, 1000, 64000);
	case ERR_CANCELLED:
		return now;
	case ERR_AUTH:
	case ERR_CONSENT:
		return http_backoff(failures, 5000, 10 * MINUTE);
	default:
		return http_backoff(failures, 2000, 10 * MINUTE);
	}
}

/* ---- the store ---- */

#define STORE_PAUSE_MS 500
#define STORE_SAY_MS MINUTE

bool trouble_store(struct core *c, const char *what, const struct err *err)
{
	bool again = strcmp(err->code, "disk_full") == 0 || strcmp(err->code, "busy") == 0;
	int64_t now = time_monotonic_ms();

	if (!again || core_stopping(c))
		return false;
	pthread_mutex_lock(&c->store_lock);
	bool say = !c->store_said_at || now - c->store_said_at >= STORE_SAY_MS;
	if (!c->store_bad_since)
		c->store_bad_since = now;
	if (say)
		c->store_said_at = now;
	pthread_mutex_unlock(&c->store_lock);
	if (say)
		log_err(LOG_ERROR_, what, err);
	/* Not on the wake: others who fail as well would wake us all the time. */
	for (int i = 0; i < STORE_PAUSE_MS / 50 && !core_stopping(c); i++) {
		struct timespec t = {.tv_nsec = 50000000};
		nanosleep(&t, NULL);
	}
	return !core_stopping(c);
}

void trouble_store_over(struct core *c)
{
	pthread_mutex_lock(&c->store_lock);
	int64_t since = c->store_bad_since;
	c->store_bad_since = c->store_said_at = 0;
	pthread_mutex_unlock(&c->store_lock);
	if (since) {
		log_info("store.writes", "message=\"the store can be written to again\" after_ms=%ld",
			(long)(time_monotonic_ms() - since));
		wake_all(&c->wake);
	}
}

int64_t trouble_store_lasts(struct core *c)
{
	pthread_mutex_lock(&c->store_lock);
	int64_t since = c->store_bad_since;
	pthread_mutex_unlock(&c->store_lock);
	return since ? time_monotonic_ms() - since : 0;
}

/* ---- streams that lost their place ---- */

#define LOST_FORGET (60 * MINUTE)
#define LOST_WAIT_MAX (15 * MINUTE)
#define LOST_MAX 4096 /* remembered at once; the one longest ago makes room */

struct lost_place {
	int64_t stream, at; /* at: monotonic */
	int times;          /* in a row, each within LOST_FORGET of the one before */
};

/* The entry of that stream, or one to be filled. Under the lock; NULL when memory ran out. */
static struct lost_place *lost_entry(struct core *c, int64_t stream, int64_t now)
{
	struct lost_place *oldest = NULL;

	for (int i = 0; i < c->n_lost; i++) {
		struct lost_place *p = &c->lost[i];
		if (p->stream == stream)
			return p;
		if (!oldest || p->at < oldest->at)
			oldest = p;
	}
	if (c->n_lost < LOST_MAX && (!oldest || now - oldest->at < LOST_FORGET)) {
		struct lost_place *bigger = reallocarray(c->lost, (size_t)c->n_lost + 1, sizeof(*bigger));
		if (!bigger)
			return NULL;
		c->lost = bigger;
		oldest = &c->lost[c->n_lost++];
	}
	*oldest = (struct lost_place){.stream = stream};
	return oldest;
}

int64_t trouble_lost(struct core *c, int64_t stream)
{
	int64_t now = time_monotonic_ms();
	int times = 1;

	pthread_mutex_lock(&c->lost_lock);
	struct lost_place *p = lost_entry(c, stream, now);
	if (p) {
		times = p->times = p->times && now - p->at < LOST_FORGET ? p->times + 1 : 1;
		p->at = now;
	}
	pthread_mutex_unlock(&c->lost_lock);
	return times == 1 ? time_now_ms() : http_backoff(times, 1000, LOST_WAIT_MAX);
}

void trouble_end(struct core *c)
{
	free(c->lost);
	c->lost = NULL;
	c->n_lost = 0;
}

/* ---- connections ---- */

static void set_state(struct core *c, struct live *l, enum conn_state state, const struct err *err)
{
	_cleanup_buf_ struct buf json = BUF_INIT(65536);
	char uid[37];
	bool changed = false;
	struct err local;

	uuid_new(uid);
	event_connection(&json, uid, &l->config, conn_state_name(state), err);
	if (STORE_WRITE(c, "connection.state",
		    store_connection_state(c->store, l->config.id, state, err->code, err->message, uid, buf_str(&json),
			    &changed, &local), &local) < 0)
		log_err(LOG_ERROR_, "connection.state", &local);
	if (changed) {
		log_line(LOG_WARN_, "connection.changed", "connection=%s state=%s code=%s", l->config.id,
			conn_state_name(state), err->code);
		wake_all(&c->wake);
	}
	watch_state(c, &l->config, state, err);
}

/* A withdrawn consent is told from a passing refusal by asking once more, with a call that must work. */
static bool consent_is_gone(struct live *l)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};
	struct err again;

	if (!a || l->connector->check_grant(l->connection, &report, &again) == 0)
		return false;
	return again.class == ERR_CONSENT;
}

bool trouble_connection(struct core *c, struct live *l, const struct err *err)
{
	struct err local;

	if (err->class == ERR_CONSENT) {
		if (!consent_is_gone(l))
			return false;
		set_state(c, l, CONN_REVOKED, err);
		return true;
	}
	if (err->scope != SCOPE_CONNECTION && err->class != ERR_AUTH)
		return false;
	if (err->class == ERR_AUTH)
		set_state(c, l, CONN_DEGRADED, err);
	int64_t until = trouble_next(err, err->class == ERR_AUTH ? 4 : 1);
	if (STORE_WRITE(c, "connection.pause", store_connection_pause(c->store, l->config.id, until, &local), &local) < 0)
		log_err(LOG_ERROR_, "connection.pause", &local);
	return true;
}
