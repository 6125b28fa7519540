/* The facts of one item, put together for policy: what a worker told of its bytes, what the feed told of the item, and, when a
 * decision needs it, who has access, who the owner is, and what the correspondence was so far. On item threads; the recorded
 * form on any. */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include "core/policy_set.h"
#include "policy/facts.h"
#include "store/policy.h"

/* Whatever is known of the item. Everything outlives the facts. */
struct facts_source {
	struct core *c;
	struct live *l;
	const struct rules *rules;
	const struct stream_info *stream;
	const struct item *item;
	const struct scan_reply *reply; /* NULL: nobody looked at its bytes */
	bool words;                     /* … and detectors were asked */
	const char *verdict, *reason;
	bool from_provider;
	const cJSON *threats;
	const char *sha256; /* "" not known */
	int64_t size, now;
	struct arena *arena;
};

/* What costs nothing. */
int facts_begin(const struct facts_source *s, struct facts *f, struct err *err);
/* Fills in groups of enum facts_group; those that cannot be had stay unknown, and that is no error. Errors: those of the store, and
 * of a provider that is worth asking again. */
int facts_fill(const struct facts_source *s, unsigned groups, struct facts *f, struct err *err);

/* Of a file that nobody keeps: what a worker told of it, and its name. */
void facts_reply(const struct scan_reply *r, bool words, const char *name, struct arena *a, struct facts *ret);

/* ---- the recorded form ---- */

/* The item's own, without what is known of its bytes by their hash. Appends. */
int facts_record(const struct facts *f, struct buf *out);
/* For people who look at a finding: bounded. Appends. */
int facts_show(const struct facts *f, struct buf *out);
/* Both parts together again. GONE "no_facts" when nothing usable was recorded. */
int facts_recorded(const struct store_seen *seen, struct arena *a, struct facts *ret, struct err *err);
/* Parts, hits and links of a content alone, from what store_content_get() gave. */
int facts_content(const char *json, size_t len, struct arena *a, struct facts *ret, struct err *err);

#endif
