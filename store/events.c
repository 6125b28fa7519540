/* The outbox: events in the order of their commits, and how far each sink has got. */
#include "store/impl.h"

int event_insert(struct db *db, const char *tenant, const struct store_event *e, struct err *err)
{
	int64_t seq = 0;

	int r = db_get_int(db, "SELECT seq FROM events WHERE uid = ?1", DB_ARGS(DB_T(e->uid)), &seq, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	/* The counter's row stays locked until the commit: numbers have no gaps and follow the order of commits, with
	 * several nodes too. */
	r = db_get_int(db, "UPDATE counters SET value = value + 1 WHERE name = 'events' RETURNING value", DB_NONE, &seq, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_LOCAL, "corrupt", "the store lost its event counter");
	db->commit_soon = !db->sole;
	return db_run(db, "INSERT INTO events (seq, uid, tenant, json) VALUES (?1, ?2, ?3, ?4)",
		       DB_ARGS(DB_I(seq), DB_T(e->uid), DB_T(str0(tenant)), DB_T(e->json)), err) < 0 ? -1 : 0;
}

struct add {
	const char *tenant;
	const struct store_event *event;
};

static int add(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct add *a = ctx;

	return event_insert(db, a->tenant, a->event, err);
}

int store_event_add(struct store *s, const char *tenant, const struct store_event *e, struct err *err)
{
	struct add a = {.tenant = tenant, .event = e};

	return store_write(s, add, &a, err);
}

struct list {
	const char *sink;
	int64_t after;
	size_t max;
	struct arena *arena;
	struct store_outbox *found;
	size_t n;
};

static int list(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct list *l = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	_cleanup_(db_list_free) struct db_list rows = DB_LIST(struct store_outbox);
	void *found;
	int r;

	if (l->sink && db_get_int(db, "SELECT seq FROM sinks WHERE name = ?1", DB_ARGS(DB_T(l->sink)), &l->after, err) < 0)
		return -1;
	if (db_start(db, "SELECT seq, uid, json FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
		    DB_ARGS(DB_I(l->after), DB_I((int64_t)l->max)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct db_row row = {.st = st, .arena = l->arena};
		struct store_outbox *o = db_list_add(&rows, err);
		if (!o)
			return -1;
		o->seq = db_row_int(&row);
		o->uid = db_row_text0(&row);
		o->json = db_row_text0(&row);
		if (db_row_end(&row, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, l->arena, &found, &l->n, err) < 0)
		return -1;
	l->found = found;
	return 0;
}

int store_event_next(struct store *s, const char *sink, size_t max, struct arena *a, struct store_outbox **ret, size_t *ret_n,
	struct err *err)
{
	struct list l = {.sink = sink, .max = max, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

int store_event_list(struct store *s, int64_t after, size_t max, struct arena *a, struct store_outbox **ret, size_t *ret_n,
	struct err *err)
{
	struct list l = {.after = after, .max = max, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

struct confirm {
	const char *sink;
	int64_t seq;
};

static int confirm(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct confirm *c = ctx;

	/* Never backwards, and never beyond what there is. */
	return db_run(db,
		       "INSERT INTO sinks (name, seq) SELECT CAST(?1 AS TEXT), CASE WHEN value < ?2 THEN value ELSE ?2 END"
		       " FROM counters WHERE name = 'events'"
		       " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > sinks.seq",
		       DB_ARGS(DB_T(c->sink), DB_I(c->seq)), err) < 0 ? -1 : 0;
}

int store_event_confirm(struct store *s, const char *sink, int64_t seq, struct err *err)
{
	struct confirm c = {.sink = sink, .seq = seq};

	return store_write(s, confirm, &c, err);
}
