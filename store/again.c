/* Done items that are to be judged once more: after new signatures, new rules, or when a password came. */
#include "store/impl.h"

struct again {
	const int64_t *ids;
	size_t n;
	enum lane lane;
	int64_t count;
};

/* What was contained, released or deleted stays as it is: people or an earlier judgement have decided about it. A mark or an
 * ended sharing decides nothing about the content. */
#define UNDECIDED                                                                                            \
	" AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.id = items.finding AND f.action_kind IN"                 \
	" ('quarantine', 'replace', 'delete', 'block') AND f.action_state IN"                                       \
	" ('planned', 'intended', 'done', 'restoring', 'restored', 'deleting', 'deleted'))"

int item_again(struct store *s, struct db *db, int64_t id, enum lane lane, int why, int64_t *ret_n, struct err *err)
{
	struct counts counts = {.pending = 1};
	int64_t stream, state;
	{
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		if (db_start(db, "SELECT stream, state FROM items WHERE id = ?1 AND state IN (2, 3)" UNDECIDED, DB_ARGS(DB_I(id)), &st, err) < 0)
			return -1;
		int got = db_step(st, err);
		if (got <= 0)
			return got;
		stream = db_int(st, 0);
		state = db_int(st, 1);
	}
	/* On another node it may have come back to work since it was looked at. */
	int64_t n = db_run(db,
		"UPDATE items SET state = 1, again = ?4, lane = ?2, reason = '', done_at = 0, ready_at = 0, next_try = 0, attempts = 0,"
		" crashes = 0, node = NULL WHERE id = ?1 AND state = ?3",
		DB_ARGS(DB_I(id), DB_I(lane), DB_I(state), DB_I(why)), err);
	if (n <= 0)
		return (int)n;
	counts_add(&counts, (int)state, -1);
	*ret_n += n;
	return counts_apply(s, db, stream, &counts, err);
}

static int again(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct again *a = ctx;

	a->count = 0;
	for (size_t i = 0; i < a->n; i++)
		if (item_again(s, db, a->ids[i], a->lane, AGAIN_RULES, &a->count, err) < 0)
			return -1;
	return 0;
}

int store_item_again(struct store *s, const int64_t *ids, size_t n, enum lane lane, int64_t *ret_n, struct err *err)
{
	struct again a = {.ids = ids, .n = n, .lane = lane};

	if (store_write(s, again, &a, err) < 0)
		return -1;
	if (ret_n)
		*ret_n = a.count;
	return 0;
}
