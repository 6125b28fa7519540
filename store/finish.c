/* The end of an item: its state, its finding with the planned action, the verdict for the cache and the events, in
 * one transaction. */
#include "store/impl.h"

#include <string.h>

#define MINUTE_MS 60000
#define DONE_KEEP_MINUTES 120

struct finish {
	const struct store_result *result;
	int64_t finding;
};

/* How many items were done lately, by the minute, for the forecast. */
static int note_done(struct store *s, struct db *db, int64_t now, struct err *err)
{
	int64_t minute = now / MINUTE_MS;

	int64_t n = db_run(db,
		"INSERT INTO done (minute, node, items) VALUES (?1, ?2, 1)"
		" ON CONFLICT (minute, node) DO UPDATE SET items = done.items + 1",
		DB_ARGS(DB_I(minute), DB_T(s->node)), err);
	if (n < 0 || s->memory.done_minute == minute)
		return n < 0 ? -1 : 0;
	s->memory.done_minute = minute;
	return db_run(db, "DELETE FROM done WHERE minute < ?1", DB_ARGS(DB_I(minute - DONE_KEEP_MINUTES)), err) < 0 ? -1 : 0;
}

/* 1: it was pending and is done now; *ret_stream and the tenant for the events. 0: it was done before. */
static int end_item(struct db *db, const struct store_result *r, int64_t content, int64_t *ret_stream, int64_t *ret_connection,
	struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	/* What only people are shown is forgotten with the item; a finding has its own copy. How to get at its bytes
	 * stays: it may be judged again. */
	if (db_start(db,
		    "UPDATE items SET state = ?2, reason = ?3, done_at = ?4, node = NULL,"
		    " size = CASE WHEN ?5 = 1 AND ?6 >= 0 THEN ?6 ELSE size END,"
		    " message_id = CASE WHEN ?7 = 1 OR finding > 0 THEN message_id END,"
		    " mail_from = CASE WHEN ?7 = 1 OR finding > 0 THEN mail_from END,"
		    " mail_to = CASE WHEN ?7 = 1 OR finding > 0 THEN mail_to END,"
		    " subject = CASE WHEN ?7 = 1 OR finding > 0 THEN subject END,"
		    " content = CASE WHEN ?8 > 0 THEN ?8 ELSE content END, facts = coalesce(?9, facts), again = 0,"
		    " received_at = CASE WHEN received_at <= 0 THEN ?10 ELSE received_at END"
		    " WHERE id = ?1 AND state = 1 RETURNING stream, connection",
		    DB_ARGS(DB_I(r->item), DB_I(r->state), DB_T(str0(r->reason)), DB_I(r->now), DB_I(r->sha256 ? 1 : 0),
			    DB_I(r->size), DB_I(r->finding ? 1 : 0), DB_I(content), DB_T(r->facts), DB_I(r->received_at)),
		    &st, err) < 0)
		return -1;
	int got = db_step(st, err);
	if (got <= 0)
		return got;
	*ret_stream = db_int(st, 0);
	*ret_connection = db_int(st, 1);
	return db_step(st, err) < 0 ? -1 : 1;
}

static int add_events(struct db *db, const struct store_result *r, int64_t connection, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (r->n_events == 0)
		return 0;
	if (db_start(db, "SELECT tenant FROM connections WHERE no = ?1", DB_ARGS(DB_I(connection)), &st, err) < 0 ||
		db_step(st, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_events; i++)
		if (event_insert(db, db_text(st, 0), &r->events[i], err) < 0)
			return -1;
	return 0;
}

/* The earlier finding says what is known now; its name, place and mail stay. */
static int renew(struct db *db, int64_t id, const struct store_finding *f, int64_t *ret, struct err *err)
{
	const char *state = f->action_state && *f->action_state ? f->action_state : "none";
	int64_t n = db_run(db,
		"UPDATE findings SET verdict = ?2, reason = ?3, threats = ?4, engine = ?5, signatures = ?6, rules = ?7, facts = ?8,"
		" action_kind = ?9, action_state = ?10, action_error = ?11, op_id = ?12, act = ?13, verdict_at = ?14, action_attempts = 0,"
		" action_next_try = 0, waiting = ?15, ready_at = 0, node = NULL, sha256 = ?16"
		" WHERE id = ?1 AND action_state IN ('none', 'would', 'failed')",
		DB_ARGS(DB_I(id), DB_T(f->verdict), DB_T(f->reason), DB_T(f->threats), DB_T(f->engine), DB_T(f->signatures), DB_T(f->rules),
			DB_T(f->facts), DB_T(str0(f->action_kind)), DB_T(state), DB_T(str0(f->action_error)), DB_T(f->op_id), DB_T(f->act),
			DB_I(f->verdict_at), DB_I(strcmp(state, "planned") == 0), DB_T(f->sha256)),
		err);
	if (n > 0)
		*ret = id;
	return n < 0 ? -1 : 0;
}

static int finish(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct finish *f = ctx;
	const struct store_result *r = f->result;
	struct counts counts = {.pending = -1};
	int64_t stream = 0, connection = 0, id = 0;

	f->finding = 0;
	int64_t content = 0;
	if (content_keep(db, r, &content, err) < 0)
		return -1;
	int n = end_item(db, r, content, &stream, &connection, err);
	if (n < 0)
		return -1;
	if (n == 0) {
		n = db_get_int(db, "SELECT id FROM items WHERE id = ?1", DB_ARGS(DB_I(r->item)), &id, err);
		return n == 0 ? err_set(err, ERR_GONE, "not_found", "there is no item %lld", (long long)r->item) :
		       n < 0  ? -1 : 0;
	}
	counts_add(&counts, r->state, 1);
	if (r->finding) {
		struct store_finding finding = *r->finding;
		finding.item = r->item;
		finding.stream = stream;
		if (r->renews && renew(db, r->renews, &finding, &f->finding, err) < 0)
			return -1;
		if ((!f->finding && finding_insert(db, &finding, &f->finding, err) < 0) ||
			db_run(db, "UPDATE items SET finding = ?2 WHERE id = ?1", DB_ARGS(DB_I(r->item), DB_I(f->finding)),
				err) < 0)
			return -1;
	}
	if ((r->sha256 && verdict_insert(db, r, err) < 0) || hashes_keep(db, r, err) < 0 || history_note(db, &r->note, err) < 0)
		return -1;
	if (note_done(s, db, r->now, err) < 0 || counts_apply(s, db, stream, &counts, err) < 0)
		return -1;
	return add_events(db, r, connection, err);
}

int store_item_finish(struct store *s, const struct store_result *r, int64_t *ret_finding, struct err *err)
{
	struct finish f = {.result = r};

	if (r->state != ITEM_SCANNED && r->state != ITEM_UNKNOWN && r->state != ITEM_SKIPPED)
		return err_set(err, ERR_LOCAL, "store", "an item cannot end in state %d", (int)r->state);
	if (store_write(s, finish, &f, err) < 0)
		return -1;
	if (ret_finding)
		*ret_finding = f.finding;
	return 0;
}
