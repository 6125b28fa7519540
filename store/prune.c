/* Forgetting what is old and what nothing refers to, a little at a time: one call is one short transaction, so that the
 * work of the day does not wait for it. Called by core's pruning thread.
 *
 * Streams, findings, what was released and the counters stay. Of an item its identity stays, in a tenth of the room,
 * because a cloud still holds it and may list it again at any time. */
#include "store/impl.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)
#define BATCH 250           /* rows looked at in one call */
#define STALE_MS (7 * DAY_MS) /* a verdict of other signatures: long enough for taking an update back */
#define IDENT_MAX 16

struct prune {
	const struct store_retention *keep;
	struct store_prune at, next;
};

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- events ---- */

/* Marks the day; what was there at the end of a day that is old enough, and every sink has, goes. */
static int events(struct db *db, struct prune *p, struct err *err)
{
	int64_t day = p->keep->now / DAY_MS, old = (p->keep->now - p->keep->events_ms) / DAY_MS;
	int64_t marked = 0, confirmed = 0, first = 0;

	if (db_run(db,
		    "INSERT INTO days (day, seq) SELECT CAST(?1 AS BIGINT), value FROM counters WHERE name = 'events'"
		    " ON CONFLICT (day) DO NOTHING",
		    DB_ARGS(DB_I(day)), err) < 0 ||
		db_get_int(db, "SELECT coalesce(max(seq), 0) FROM days WHERE day < ?1", DB_ARGS(DB_I(old)), &marked, err) < 0 ||
		db_get_int(db, "SELECT coalesce(min(seq), 0) FROM sinks", DB_NONE, &confirmed, err) < 0 ||
		db_get_int(db, "SELECT coalesce(min(seq), 0) FROM events", DB_NONE, &first, err) < 0)
		return -1;
	int64_t last = at_most(marked, confirmed);
	if (first == 0 || first > last) {
		p->next.phase = PRUNE_ITEMS;
		/* The days before: their marks are used up, unless a sink is behind. */
		return marked == 0 || confirmed < marked ? 0 :
			db_run(db, "DELETE FROM days WHERE day < ?1", DB_ARGS(DB_I(old)), err) < 0 ? -1 : 0;
	}
	int64_t n = db_run(db, "DELETE FROM events WHERE seq <= ?1", DB_ARGS(DB_I(at_most(last, first + BATCH - 1))), err);
	if (n < 0)
		return -1;
	p->next.events += n;
	return 0;
}

/* ---- items ---- */

struct old_item {
	int64_t id, connection;
	unsigned char ident[IDENT_MAX];
	size_t ident_len;
	bool forget; /* it would be judged again anyway when it comes back */
};

/* Fills list with what may go; *ret_more: there may be old ones behind this batch. */
static int old_items(struct db *db, struct prune *p, struct db_list *list, bool *ret_more, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int64_t before = p->keep->now - p->keep->items_ms;
	bool any_old = false;
	int r, n = 0;

	if (db_start(db,
		    "SELECT id, connection, ident, state, finding, reason, done_at, seen_at FROM items WHERE id > ?1"
		    " ORDER BY id LIMIT ?2",
		    DB_ARGS(DB_I(p->at.item), DB_I(BATCH)), &st, err) < 0)
		return -1;
	for (; (r = db_step(st, err)) > 0; n++) {
		int state = (int)db_int(st, 3);
		const char *reason = str0(db_text(st, 5));
		p->next.item = db_int(st, 0);
		any_old = any_old || db_int(st, 7) < before;
		if (state == ITEM_PENDING || db_int(st, 4) != 0 || db_int(st, 6) >= before)
			continue;
		struct old_item *i = db_list_add(list, err);
		if (!i)
			return -1;
		i->id = db_int(st, 0);
		i->connection = db_int(st, 1);
		i->ident_len = db_blob(st, 2, i->ident, sizeof(i->ident));
		i->forget = state == ITEM_UNKNOWN && (strcmp(reason, "gone") == 0 || strcmp(reason, "superseded") == 0 ||
							     strcmp(reason, "changed") == 0);
	}
	/* Ids follow the time of seeing: a batch without one that is old is followed by none. */
	*ret_more = n == BATCH && any_old;
	return r;
}

static int items(struct db *db, struct prune *p, struct err *err)
{
	_cleanup_(db_list_free) struct db_list list = DB_LIST(struct old_item);
	bool more;

	if (old_items(db, p, &list, &more, err) < 0)
		return -1;
	for (size_t k = 0; k < list.n; k++) {
		const struct old_item *i = (const struct old_item *)list.data + k;
		if (i->ident_len > IDENT_MAX)
			return err_set(err, ERR_LOCAL, "corrupt", "the identity of item %lld is damaged", (long long)i->id);
		/* It may have come back to work since, on another node. */
		int64_t n = db_run(db, "DELETE FROM items WHERE id = ?1 AND state <> 1 AND finding = 0", DB_ARGS(DB_I(i->id)), err);
		if (n < 0)
			return -1;
		p->next.items += n;
		if (n && !i->forget &&
			db_run(db, "INSERT INTO known (connection, ident) VALUES (?1, ?2) ON CONFLICT (connection, ident) DO NOTHING",
				DB_ARGS(DB_I(i->connection), DB_B(i->ident, i->ident_len)), err) < 0)
			return -1;
	}
	if (!more)
		p->next.phase = PRUNE_CONTENTS;
	return 0;
}

/* ---- what was known of bytes that no item has any more ---- */

static int contents(struct db *db, struct prune *p, struct err *err)
{
	int64_t last = 0;
	/* An item that ends just now with one of them has marked it as used. */
	int64_t n = db_run(db,
		"DELETE FROM contents WHERE id > ?1 AND id <= ?2 AND used_at < ?3"
		" AND NOT EXISTS (SELECT 1 FROM items WHERE items.content = contents.id AND items.content > 0)",
		DB_ARGS(DB_I(p->at.content), DB_I(p->at.content + BATCH), DB_I(p->keep->now - DAY_MS)), err);

	if (n < 0 || db_get_int(db, "SELECT coalesce(max(id), 0) FROM contents", DB_NONE, &last, err) < 0)
		return -1;
	p->next.contents += n;
	p->next.content = p->at.content + BATCH;
	if (p->next.content >= last) {
		p->next.phase = PRUNE_VERDICTS;
		p->next.content = 0;
	}
	return 0;
}

/* ---- the verdict cache ---- */

struct old_key {
	unsigned char key[sizeof(((struct store_prune *)0)->key)];
	size_t len;
	int64_t kind, size;
};

static int old_verdicts(struct db *db, struct prune *p, struct db_list *list, int *ret_n, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	const struct store_retention *keep = p->keep;
	int r;

	*ret_n = 0;
	if (db_start(db,
		    "SELECT sha256, CASE WHEN judged_at < ?2 AND NOT (engine = ?3 AND signatures = ?4) THEN 1 ELSE 0 END"
		    " FROM verdicts WHERE sha256 > ?1 ORDER BY sha256 LIMIT ?5",
		    DB_ARGS(DB_B(p->at.key, p->at.key_len), DB_I(keep->now - STALE_MS), DB_T(keep->engine),
			    DB_T(keep->signatures), DB_I(BATCH)),
		    &st, err) < 0)
		return -1;
	for (; (r = db_step(st, err)) > 0; (*ret_n)++) {
		p->next.key_len = at_most((int64_t)db_blob(st, 0, p->next.key, sizeof(p->next.key)), sizeof(p->next.key));
		if (!db_int(st, 1))
			continue;
		struct old_key *k = db_list_add(list, err);
		if (!k)
			return -1;
		memcpy(k->key, p->next.key, sizeof(k->key));
		k->len = p->next.key_len;
	}
	return r;
}

static int verdicts(struct db *db, struct prune *p, struct err *err)
{
	_cleanup_(db_list_free) struct db_list list = DB_LIST(struct old_key);
	int n;

	if (old_verdicts(db, p, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct old_key *k = (const struct old_key *)list.data + i;
		int64_t gone = db_run(db, "DELETE FROM verdicts WHERE sha256 = ?1 AND NOT (engine = ?2 AND signatures = ?3)",
			DB_ARGS(DB_B(k->key, k->len), DB_T(p->keep->engine), DB_T(p->keep->signatures)), err);
		if (gone < 0)
			return -1;
		p->next.verdicts += gone;
	}
	if (n < BATCH) {
		p->next.phase = PRUNE_HASHES;
		p->next.key_len = 0;
		p->next.kind = p->next.size = 0;
	}
	return 0;
}

/* Hashes of providers that lead to no verdict any more. */
static int lost_hashes(struct db *db, struct prune *p, struct db_list *list, int *ret_n, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r;

	*ret_n = 0;
	if (db_start(db,
		    "SELECT h.kind, h.hash, h.size, CASE WHEN v.sha256 IS NULL THEN 1 ELSE 0 END FROM hashes h"
		    " LEFT JOIN verdicts v ON v.sha256 = h.sha256 WHERE (h.kind, h.hash, h.size) > (?1, ?2, ?3)"
		    " ORDER BY h.kind, h.hash, h.size LIMIT ?4",
		    DB_ARGS(DB_I(p->at.kind), DB_B(p->at.key, p->at.key_len), DB_I(p->at.size), DB_I(BATCH)), &st, err) < 0)
		return -1;
	for (; (r = db_step(st, err)) > 0; (*ret_n)++) {
		p->next.kind = db_int(st, 0);
		p->next.key_len = at_most((int64_t)db_blob(st, 1, p->next.key, sizeof(p->next.key)), sizeof(p->next.key));
		p->next.size = db_int(st, 2);
		if (!db_int(st, 3))
			continue;
		struct old_key *k = db_list_add(list, err);
		if (!k)
			return -1;
		*k = (struct old_key){.len = p->next.key_len, .kind = p->next.kind, .size = p->next.size};
		memcpy(k->key, p->next.key, sizeof(k->key));
	}
	return r;
}

static int hashes(struct db *db, struct prune *p, struct err *err)
{
	_cleanup_(db_list_free) struct db_list list = DB_LIST(struct old_key);
	int n;

	if (lost_hashes(db, p, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct old_key *k = (const struct old_key *)list.data + i;
		if (db_run(db, "DELETE FROM hashes WHERE kind = ?1 AND hash = ?2 AND size = ?3",
			    DB_ARGS(DB_I(k->kind), DB_B(k->key, k->len), DB_I(k->size)), err) < 0)
			return -1;
	}
	if (n < BATCH) {
		p->next.phase = PRUNE_CONTACTS;
		p->next.key_len = 0;
	}
	return 0;
}

/* Whom and what the tenant has not met again for as long as events are kept. */
static int history(struct db *db, struct prune *p, struct err *err)
{
	bool contacts = p->at.phase == PRUNE_CONTACTS, more;

	if (history_prune(db, contacts, p->keep->now - p->keep->events_ms, p->next.key, &p->next.key_len, BATCH, &more, err) < 0)
		return -1;
	if (!more) {
		p->next.phase = contacts ? PRUNE_HOSTS : PRUNE_DONE;
		p->next.key_len = 0;
	}
	return 0;
}

static int prune(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct prune *p = ctx;

	p->next = p->at;
	switch (p->at.phase) {
	case PRUNE_EVENTS:
		return events(db, p, err);
	case PRUNE_ITEMS:
		return items(db, p, err);
	case PRUNE_CONTENTS:
		return contents(db, p, err);
	case PRUNE_VERDICTS:
		return verdicts(db, p, err);
	case PRUNE_HASHES:
		return hashes(db, p, err);
	case PRUNE_CONTACTS:
	case PRUNE_HOSTS:
		return history(db, p, err);
	case PRUNE_DONE:
		break;
	}
	return 0;
}

int store_prune(struct store *s, const struct store_retention *keep, struct store_prune *at, struct err *err)
{
	struct prune p = {.keep = keep, .at = *at};

	if (store_write(s, prune, &p, err) < 0)
		return -1;
	*at = p.next;
	return 0;
}
