/* Forgetting what is older than the retention says: passes through the store, a few rows at a time. Runs on a thread of
 * its own, which has `prune` and `prune_at` of struct core to itself. */
#include "core/core.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <string.h>

#define DAY_MS 86400000ll
#define KEY "prune/next"
#define BETWEEN_MS 10 /* the work of the day goes first */

/* When the next pass is due is kept in the store, so that a restart does not begin anew. */
static int64_t kept(struct core *c)
{
	_cleanup_buf_ struct buf value = BUF_INIT(32);
	struct err err;

	return store_meta_get(c->store, KEY, &value, &err) < 0 ? 0 : strtoll(buf_str(&value), NULL, 10);
}

/* A day, or less where things are kept for less. */
static int64_t interval(const struct settings *set)
{
	return set->retain_items < DAY_MS ? set->retain_items : DAY_MS;
}

static void end_pass(struct core *c, int64_t now)
{
	const struct store_prune *p = &c->prune;
	struct err err;
	char value[24];

	if (p->events || p->items || p->verdicts)
		log_info("prune.done", "items=%ld events=%ld verdicts=%ld", (long)p->items, (long)p->events, (long)p->verdicts);
	c->prune = (struct store_prune){0};
	c->prune_at = now + interval(c->set);
	snprintf(value, sizeof(value), "%ld", (long)c->prune_at);
	if (STORE_WRITE(c, "prune.next", store_meta_put(c->store, KEY, value, &err), &err) < 0)
		log_err(LOG_ERROR_, "prune.next", &err);
}

bool prune_job(struct core *c, int64_t *ret_next)
{
	struct scan_info engine;
	struct err err;
	int64_t now = time_now_ms();

	/* A clock that was set back does not put it off. */
	if (!c->prune_at || c->prune_at > now + interval(c->set)) {
		c->prune_at = kept(c);
		if (!c->prune_at || c->prune_at > now + interval(c->set))
			c->prune_at = now;
	}
	*ret_next = c->prune_at;
	if (c->prune_at > now || core_info(c, &engine) < 0)
		return false;
	const struct store_retention keep = {.now = now, .events_ms = c->set->retain_events, .items_ms = c->set->retain_items,
		.engine = engine.engine, .signatures = engine.signatures};
	if (store_prune(c->store, &keep, &c->prune, &err) < 0) {
		if (!trouble_store(c, "prune", &err) && !core_stopping(c))
			log_err(LOG_ERROR_, "prune", &err);
		*ret_next = now + 60000;
		c->prune_at = *ret_next;
		return false;
	}
	trouble_store_over(c);
	if (c->prune.phase == PRUNE_DONE)
		end_pass(c, now);
	else
		*ret_next = now + BETWEEN_MS;
	return false;
}
