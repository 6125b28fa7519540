/* Pending items: claiming them in turn, putting them off, giving them back. Their end is in finish.c.
 *
 * ready_at of an item is 0 while it is fresh, next_try while it is put off and the end of the lease while a node has
 * it; so what may be taken lies at the beginning of the index (lane, connection, ready_at), however much is pending,
 * put off, in work, or waiting for a connection that is paused. */
#include "store/impl.h"

#define ITEM_SELECT                                                                                          \
	"SELECT i.id, i.stream, c.id, c.tenant, c.provider, i.kind, i.remote_id, i.version, "                         \
	"coalesce(i.service, s.service), i.name, i.path, coalesce(i.owner, s.owner), i.hash_kind, i.hash, "           \
	"i.provider_threat, i.context, i.message_id, i.mail_from, i.mail_to, i.subject, i.size, i.changed_at, "       \
	"i.seen_at, i.received_at, i.lane, i.state, i.reason, i.attempts, i.crashes, i.next_try, i.finding, "          \
	"i.sharing_mark, i.again "                                                                                    \
	"FROM items i JOIN streams s ON s.id = i.stream JOIN connections c ON c.no = i.connection WHERE i.id = ?1"

/* 1 found, 0, -1 */
static int read_item(struct db *db, int64_t id, struct arena *a, struct store_item *i, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, ITEM_SELECT, DB_ARGS(DB_I(id)), &st, err) < 0)
		return -1;
	int got = db_step(st, err);
	if (got <= 0)
		return got;
	struct db_row r = {.st = st, .arena = a};
	i->id = db_row_int(&r);
	i->stream = db_row_int(&r);
	i->connection = db_row_text(&r);
	i->tenant = db_row_text(&r);
	i->provider = db_row_text(&r);
	i->kind = (int)db_row_int(&r);
	i->remote_id = db_row_text(&r);
	i->version = db_row_text(&r);
	i->service = db_row_text(&r);
	i->name = db_row_text(&r);
	i->path = db_row_text(&r);
	i->owner = db_row_text(&r);
	i->hash_kind = db_row_text(&r);
	i->hash = db_row_text(&r);
	i->provider_threat = db_row_text(&r);
	i->context = db_row_text(&r);
	i->message_id = db_row_text(&r);
	i->from = db_row_text(&r);
	i->to = db_row_text(&r);
	i->subject = db_row_text(&r);
	i->size = db_row_int(&r);
	i->changed_at = db_row_int(&r);
	i->seen_at = db_row_int(&r);
	i->received_at = db_row_int(&r);
	i->lane = (enum lane)db_row_int(&r);
	i->state = (enum item_state)db_row_int(&r);
	i->reason = db_row_text0(&r);
	i->attempts = (int)db_row_int(&r);
	i->crashes = (int)db_row_int(&r);
	i->next_try = db_row_int(&r);
	i->finding = db_row_int(&r);
	i->sharing_mark = db_row_text(&r);
	i->again = (enum item_again)db_row_int(&r);
	return db_row_end(&r, err) < 0 ? -1 : 1;
}

struct get {
	int64_t id;
	struct arena *arena;
	struct store_item item;
};

static int get(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct get *g = ctx;
	int r = read_item(db, g->id, g->arena, &g->item, err);

	return r > 0 ? 0 : r < 0 ? -1 : err_set(err, ERR_GONE, "not_found", "there is no item %lld", (long long)g->id);
}

int store_item_get(struct store *s, int64_t id, struct arena *a, struct store_item *ret, struct err *err)
{
	struct get g = {.id = id, .arena = a};

	if (store_read(s, get, &g, err) < 0)
		return -1;
	*ret = g.item;
	return 0;
}

/* ---- claiming ---- */

struct claim {
	int64_t now, lease_until, next;
	size_t max, n;
	int64_t room; /* of the connection at hand */
	struct arena *arena;
	struct store_item *items;
};

/* The next connection after this one that has pending items in the lane, in the order of numbers. 1, 0, -1. */
static int next_connection(struct db *db, int lane, int64_t after, int64_t *ret, struct err *err)
{
	return db_get_int(db,
		"SELECT connection FROM items WHERE state = 1 AND lane = ?1 AND connection > ?2 ORDER BY connection LIMIT 1",
		DB_ARGS(DB_I(lane), DB_I(after)), ret, err);
}

static int take(struct store *s, struct db *db, struct claim *c, int lane, int64_t connection, struct err *err)
{
	_cleanup_(db_list_free) struct db_list ids = DB_LIST(int64_t);
	{
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		int r;

		if (db_start(db,
			    "SELECT id FROM items WHERE state = 1 AND lane = ?1 AND connection = ?2 AND ready_at <= ?3"
			    " ORDER BY ready_at, id LIMIT ?4 FOR UPDATE SKIP LOCKED",
			    DB_ARGS(DB_I(lane), DB_I(connection), DB_I(c->now), DB_I(c->room)), &st, err) < 0)
			return -1;
		while ((r = db_step(st, err)) > 0) {
			int64_t *id = db_list_add(&ids, err);
			if (!id)
				return -1;
			*id = db_int(st, 0);
		}
		if (r < 0)
			return -1;
	}
	if (ids.n == 0)
		return 0;
	c->items = arena_alloc(c->arena, ids.n * sizeof(*c->items));
	if (!c->items)
		return err_set(err, ERR_LOCAL, "store", "no room in memory for the claimed items");
	for (size_t i = 0; i < ids.n; i++) {
		int64_t id = ((int64_t *)ids.data)[i];
		if (db_run(db, "UPDATE items SET node = ?2, ready_at = ?3 WHERE id = ?1",
			    DB_ARGS(DB_I(id), DB_T(s->node), DB_I(c->lease_until)), err) < 0)
			return -1;
		int r = read_item(db, id, c->arena, &c->items[i], err);
		if (r <= 0)
			return r < 0 ? -1 : err_set(err, ERR_LOCAL, "store", "item %lld lost its stream", (long long)id);
	}
	c->n = ids.n;
	return 0;
}

/* Takes items of the connection if it may work and has some that are ready; else notes when it will. */
static int try_connection(struct store *s, struct db *db, struct claim *c, int lane, int64_t connection, struct err *err)
{
	int64_t paused = 0, ready = 0;

	int r = db_get_int(db, "SELECT paused_until FROM connections WHERE no = ?1 AND state IN (1, 2)",
		DB_ARGS(DB_I(connection)), &paused, err);
	if (r <= 0)
		return r;
	if (paused > c->now) {
		c->next = earlier(c->next, paused);
		return 0;
	}
	c->room = (int64_t)c->max;
	if (s->memory.share) {
		int64_t claimed = 0;
		if (db_get_int(db, "SELECT count(*) FROM items WHERE node = ?1 AND connection = ?2",
			    DB_ARGS(DB_T(s->node), DB_I(connection)), &claimed, err) < 0)
			return -1;
		if (claimed >= s->memory.share)
			return 0; /* whoever gives one back looks again */
		if (c->room > s->memory.share - claimed)
			c->room = s->memory.share - claimed;
	}
	if (take(s, db, c, lane, connection, err) < 0)
		return -1;
	if (c->n > 0)
		return 0;
	r = db_get_int(db,
		"SELECT ready_at FROM items WHERE state = 1 AND lane = ?1 AND connection = ?2 AND ready_at > ?3"
		" ORDER BY ready_at LIMIT 1",
		DB_ARGS(DB_I(lane), DB_I(connection), DB_I(c->now)), &ready, err);
	if (r > 0)
		c->next = earlier(c->next, ready);
	return r < 0 ? -1 : 0;
}

/* Goes round the connections once, beginning behind the one served last. */
static int claim_lane(struct store *s, struct db *db, struct claim *c, int lane, struct err *err)
{
	int64_t start = s->memory.turn[lane], at = start;
	bool wrapped = false;

	for (;;) {
		int64_t connection = 0;
		int r = next_connection(db, lane, at, &connection, err);
		if (r < 0)
			return -1;
		if (r == 0 || (wrapped && connection > start)) {
			if (wrapped || start == 0)
				return 0;
			wrapped = true;
			at = 0;
			continue;
		}
		if (try_connection(s, db, c, lane, connection, err) < 0)
			return -1;
		at = connection;
		if (c->n > 0) {
			s->memory.turn[lane] = connection;
			return 0;
		}
	}
}

static int claim(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct claim *c = ctx;

	c->n = 0;
	c->next = 0;
	if (store_follow_clock(s, db, c->now, err) < 0)
		return -1;
	for (int lane = LANE_LIVE; lane <= LANE_BACKLOG && c->n == 0; lane++)
		if (claim_lane(s, db, c, lane, err) < 0)
			return -1;
	if (c->n > 0)
		c->next = c->now;
	return 0;
}

void store_item_share(struct store *s, int items)
{
	s->memory.share = items;
}

int store_item_claim(struct store *s, int64_t now, int64_t lease_until, size_t max, struct arena *a, struct store_item **ret,
	size_t *ret_n, int64_t *ret_next, struct err *err)
{
	struct claim c = {.now = now, .lease_until = lease_until, .max = max > CLAIM_MAX ? CLAIM_MAX : max, .arena = a};

	if (store_write(s, claim, &c, err) < 0)
		return -1;
	*ret = c.n > 0 ? c.items : NULL;
	*ret_n = c.n;
	if (ret_next)
		*ret_next = c.next;
	return 0;
}

/* ---- giving back ---- */

struct defer {
	int64_t id, next_try, size;
	const char *code;
	bool crashed;
};

static int defer(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct defer *d = ctx;
	int64_t id = 0;

	/* Done meanwhile, or claimed by another node since: no longer ours to put off. */
	int64_t n = db_run(db,
		"UPDATE items SET node = NULL, next_try = ?2, ready_at = ?2, reason = ?3, attempts = attempts + 1,"
		" crashes = crashes + ?4, size = CASE WHEN ?5 < 0 THEN size ELSE ?5 END"
		" WHERE id = ?1 AND state = 1 AND (node IS NULL OR node = ?6)",
		DB_ARGS(DB_I(d->id), DB_I(d->next_try), DB_T(str0(d->code)), DB_I(d->crashed), DB_I(d->size), DB_T(s->node)),
		err);
	if (n != 0)
		return n < 0 ? -1 : 0;
	int r = db_get_int(db, "SELECT id FROM items WHERE id = ?1", DB_ARGS(DB_I(d->id)), &id, err);
	return r == 0 ? err_set(err, ERR_GONE, "not_found", "there is no item %lld", (long long)d->id) : r < 0 ? -1 : 0;
}

int store_item_defer(struct store *s, int64_t id, int64_t next_try, const char *code, bool crashed, int64_t size,
	struct err *err)
{
	struct defer d = {.id = id, .next_try = next_try, .code = code, .crashed = crashed, .size = size};

	return store_write(s, defer, &d, err);
}

struct ids {
	const int64_t *ids;
	size_t n;
};

static int release(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct ids *l = ctx;

	for (size_t i = 0; i < l->n; i++)
		if (db_run(db, "UPDATE items SET node = NULL, ready_at = next_try WHERE id = ?1 AND state = 1 AND node = ?2",
			    DB_ARGS(DB_I(l->ids[i]), DB_T(s->node)), err) < 0)
			return -1;
	return 0;
}

int store_item_release(struct store *s, const int64_t *ids, size_t n, struct err *err)
{
	struct ids l = {.ids = ids, .n = n};

	return store_write(s, release, &l, err);
}
