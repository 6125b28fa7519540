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
	case ERR_CURSOR:
		return failures > 2 ? http_backoff(failures, 1000, 10 * MINUTE) : now;
	case ERR_CANCELLED:
		return now;
	case ERR_AUTH:
	case ERR_CONSENT:
		return http_backoff(failures, 5000, 10 * MINUTE);
	default:
		return http_backoff(failures, 2000, 10 * MINUTE);
	}
}

static void set_state(struct core *c, struct live *l, enum conn_state state, const struct err *err)
{
	_cleanup_buf_ struct buf json = BUF_INIT(65536);
	char uid[37];
	bool changed = false;
	struct err local;

	uuid_new(uid);
	event_connection(&json, uid, &l->config, conn_state_name(state), err);
	if (store_connection_state(c->store, l->config.id, state, err->code, err->message, uid, buf_str(&json), &changed,
		    &local) < 0)
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
	if (store_connection_pause(c->store, l->config.id, until, &local) < 0)
		log_err(LOG_ERROR_, "connection.pause", &local);
	return true;
}
