/* The end of `once`; see idle.h. */
#include "core/idle.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <string.h>

/* A stream or connection that failed is waited for this long; more is "worth retrying" later. */
#define PATIENCE_MS 600000
#define PATIENCE_FAILURES 8

/* Is a failed stream still expected to come round? */
static bool stream_waits(const struct store_stream *s, int64_t now, struct idle *idle)
{
	if (s->state != STREAM_ACTIVE || (!s->failures && !s->listing))
		return false;
	if (!s->failures)
		return s->next_due <= now;
	if (s->failures < PATIENCE_FAILURES && s->next_due - now < PATIENCE_MS)
		return true;
	idle->gave_up = true;
	return false;
}

static bool connection_waits(struct core *c, const struct store_connection *k, struct idle *idle)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	struct store_stream *streams;
	int64_t now = time_now_ms();
	int64_t due;
	int failures;
	size_t n;
	struct err err;

	if (k->state == CONN_DISCONNECTED)
		return false;
	/* A withdrawn consent may have been given back: the round that finds out is waited for, once. */
	discover_due(c, k->id, &due, &failures);
	if (due <= now && k->paused_until <= now)
		return true;
	if (k->state == CONN_REVOKED || k->state == CONN_EXPIRED) {
		idle->gave_up = true;
		return false;
	}
	if (k->paused_until > now) {
		if (k->paused_until - now < PATIENCE_MS && k->state == CONN_CONNECTED)
			return true;
		idle->gave_up = true;
		return false;
	}
	if (failures && failures < PATIENCE_FAILURES && due - now < PATIENCE_MS)
		return true;
	if (failures)
		idle->gave_up = true;
	if (!a || store_stream_list(c->store, k->id, a, &streams, &n, &err) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (stream_waits(&streams[i], now, idle))
			return true;
	return false;
}

/* Is all that is left put off for longer than we are patient? A long Retry-After does that. */
static bool put_off(struct core *c, struct idle *idle, int64_t left)
{
	int64_t now = time_monotonic_ms(), later;
	struct err err;

	/* It looks at every item, and there may be millions. */
	if (now - idle->last_count < 1000)
		return false;
	idle->last_count = now;
	if (store_later(c->store, time_now_ms() + PATIENCE_MS, &later, &err) < 0 || later < left)
		return false;
	idle->gave_up = true;
	return true;
}

bool idle_check(struct core *c, struct idle *idle)
{
	_cleanup_(arena_freep) struct arena *a = NULL;
	struct store_connection *list;
	struct store_totals t;
	struct err err;
	size_t n;

	int64_t now = time_monotonic_ms();
	if (now - idle->last_look < 50)
		return false;
	idle->last_look = now;
	if (store_totals(c->store, time_now_ms(), &t, &err) < 0)
		return false;
	if (t.streams_due || t.streams_claimed || t.events)
		return false;
	idle->gave_up = false;
	int failures;
	if (!atomic_load(&c->rules_looked))
		return false;
	if (rejudge_due(c, &failures)) {
		if (failures < PATIENCE_FAILURES)
			return false;
		idle->gave_up = true;
	}
	if (t.items_live + t.items_backlog + t.actions && !put_off(c, idle, t.items_live + t.items_backlog + t.actions))
		return false;
	a = arena_new(16 << 20);
	if (!a || store_connection_list(c->store, NULL, a, &list, &n, &err) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (connection_waits(c, &list[i], idle))
			return false;
	return true;
}
