/* Connections: what they are, their state, how long they are paused. */
#include "store/impl.h"

#include "base/timeutil.h"

#include <string.h>

const char *conn_state_name(enum conn_state s)
{
	static const char *const names[] = {"unknown", "connected", "degraded", "revoked", "expired", "disconnected"};

	return (size_t)s < ARRAY_SIZE(names) ? names[s] : "unknown";
}

static int not_found(const char *id, struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "there is no connection %s", id);
}

/* All nodes write to these few rows, after each poll: whoever has locked one takes nothing more. */
static void commit_soon(struct db *db)
{
	db->commit_soon = !db->sole;
}

static int put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct store_connection *c = ctx;
	static const char sql[] =
		"INSERT INTO connections (id, tenant, provider, protect, services, config, grant_facts, backlog,"
		" backlog_since, state, reason, message, created_at, last_success_at, last_failure_at, ends_at, report,"
		" paused_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
		" ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, provider = excluded.provider,"
		" protect = excluded.protect, services = excluded.services, config = excluded.config,"
		" grant_facts = excluded.grant_facts, backlog = excluded.backlog, backlog_since = excluded.backlog_since,"
		" state = excluded.state, reason = excluded.reason, message = excluded.message,"
		" last_success_at = CASE WHEN excluded.last_success_at > connections.last_success_at"
		" THEN excluded.last_success_at ELSE connections.last_success_at END,"
		" last_failure_at = CASE WHEN excluded.last_failure_at > connections.last_failure_at"
		" THEN excluded.last_failure_at ELSE connections.last_failure_at END,"
		" ends_at = excluded.ends_at, report = excluded.report, paused_until = excluded.paused_until";

	commit_soon(db);
	if (db_run(db,
		    "INSERT INTO tenants (id, name, language, created_at, trial_ends_at, trial_ended_at)"
		    " VALUES (?1, ?1, '', ?2, 0, 0) ON CONFLICT DO NOTHING",
		    DB_ARGS(DB_T(str0(c->tenant)), DB_I(c->created_at)), err) < 0 ||
		(c->state != CONN_DISCONNECTED &&
			db_run(db, "INSERT INTO canaries (connection, due_at, last_at, code) VALUES (?1, 0, 0, '')"
				   " ON CONFLICT DO NOTHING", DB_ARGS(DB_T(c->id)), err) < 0))
		return -1;
	return db_run(db, sql,
		       DB_ARGS(DB_T(c->id), DB_T(str0(c->tenant)), DB_T(str0(c->provider)), DB_I(c->protect),
			       DB_I(c->services), DB_T(c->config), DB_T(c->grant), DB_I(c->backlog),
			       DB_I(c->backlog_since), DB_I(c->state), DB_T(str0(c->reason)), DB_T(str0(c->message)),
			       DB_I(c->created_at), DB_I(c->last_success_at), DB_I(c->last_failure_at), DB_I(c->ends_at),
			       DB_T(c->report), DB_I(c->paused_until)),
		       err) < 0 ? -1 : 0;
}

int store_connection_put(struct store *s, const struct store_connection *c, struct err *err)
{
	struct store_connection copy = *c;

	return store_write(s, put, &copy, err);
}

struct list {
	const char *id, *tenant;
	struct arena *arena;
	struct store_connection *found;
	size_t n;
};

static int read_one(struct db_stmt *st, struct arena *a, struct store_connection *c, struct err *err)
{
	struct db_row r = {.st = st, .arena = a};

	c->id = db_row_text(&r);
	c->tenant = db_row_text(&r);
	c->provider = db_row_text(&r);
	c->protect = db_row_int(&r) != 0;
	c->services = (unsigned)db_row_int(&r);
	c->config = db_row_text(&r);
	c->grant = db_row_text(&r);
	c->backlog = (int)db_row_int(&r);
	c->backlog_since = db_row_int(&r);
	c->state = (enum conn_state)db_row_int(&r);
	c->reason = db_row_text0(&r);
	c->message = db_row_text0(&r);
	c->created_at = db_row_int(&r);
	c->last_success_at = db_row_int(&r);
	c->last_failure_at = db_row_int(&r);
	c->ends_at = db_row_int(&r);
	c->report = db_row_text(&r);
	c->paused_until = db_row_int(&r);
	return db_row_end(&r, err);
}

static int list(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct list *l = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	_cleanup_(db_list_free) struct db_list rows = DB_LIST(struct store_connection);
	void *found;
	int r;

	if (db_start(db,
		    "SELECT id, tenant, provider, protect, services, config, grant_facts, backlog, backlog_since, state,"
		    " reason, message, created_at, last_success_at, last_failure_at, ends_at, report, paused_until"
		    " FROM connections WHERE (CAST(?1 AS TEXT) IS NULL OR id = ?1)"
		    " AND (CAST(?2 AS TEXT) IS NULL OR tenant = ?2) ORDER BY id",
		    DB_ARGS(DB_T(l->id), DB_T(l->tenant)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct store_connection *c = db_list_add(&rows, err);
		if (!c || read_one(st, l->arena, c, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, l->arena, &found, &l->n, err) < 0)
		return -1;
	l->found = found;
	return 0;
}

int store_connection_get(struct store *s, const char *id, struct arena *a, struct store_connection *ret, struct err *err)
{
	struct list l = {.id = id, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	if (l.n == 0)
		return not_found(id, err);
	*ret = l.found[0];
	return 0;
}

int store_connection_list(struct store *s, const char *tenant, struct arena *a, struct store_connection **ret, size_t *ret_n,
	struct err *err)
{
	struct list l = {.tenant = tenant, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

struct change {
	const char *id;
	enum conn_state state;
	const char *reason, *message;
	struct store_event event;
	bool changed;
};

static int change_state(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct change *c = ctx;
	_cleanup_(arena_freep) struct arena *a = arena_new(4096);
	int64_t state = 0;
	char *tenant = NULL;

	commit_soon(db);

	{
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		if (db_start(db, "SELECT state, tenant FROM connections WHERE id = ?1", DB_ARGS(DB_T(c->id)), &st, err) < 0)
			return -1;
		int r = db_step(st, err);
		if (r <= 0)
			return r < 0 ? -1 : not_found(c->id, err);
		state = db_int(st, 0);
		tenant = a ? arena_dup(a, str0(db_text(st, 1))) : NULL;
		if (!tenant)
			return err_set(err, ERR_LOCAL, "store", "out of memory");
	}
	c->changed = state != (int64_t)c->state;
	if (db_run(db,
		    "UPDATE connections SET state = ?2, reason = ?3, message = ?4,"
		    " last_failure_at = CASE WHEN ?5 > 0 THEN ?5 ELSE last_failure_at END WHERE id = ?1",
		    DB_ARGS(DB_T(c->id), DB_I(c->state), DB_T(str0(c->reason)), DB_T(str0(c->message)),
			    DB_I(c->state == CONN_CONNECTED ? 0 : time_now_ms())),
		    err) < 0)
		return -1;
	/* Nobody asks after what was ended. */
	if (c->state == CONN_DISCONNECTED &&
		db_run(db, "DELETE FROM canaries WHERE connection = ?1", DB_ARGS(DB_T(c->id)), err) < 0)
		return -1;
	return c->changed && c->event.json ? event_insert(db, tenant, &c->event, err) : 0;
}

int store_connection_state(struct store *s, const char *id, enum conn_state state, const char *reason, const char *message,
	const char *event_uid, const char *event, bool *ret_changed, struct err *err)
{
	struct change c = {.id = id, .state = state, .reason = reason, .message = message,
		.event = {.uid = event_uid, .json = event}};

	if (store_write(s, change_state, &c, err) < 0)
		return -1;
	if (ret_changed)
		*ret_changed = c.changed;
	return 0;
}

struct stamp {
	const char *id, *report;
	int64_t at;
};

static int changed_one(int64_t changes, const char *id, struct err *err)
{
	if (changes < 0)
		return -1;
	return changes == 0 ? not_found(id, err) : 0;
}

static int success(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct stamp *p = ctx;

	commit_soon(db);
	return changed_one(db_run(db, "UPDATE connections SET last_success_at = ?2 WHERE id = ?1",
				   DB_ARGS(DB_T(p->id), DB_I(p->at)), err), p->id, err);
}

int store_connection_success(struct store *s, const char *id, int64_t now, struct err *err)
{
	struct stamp p = {.id = id, .at = now};

	return store_write(s, success, &p, err);
}

static int pause_until(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct stamp *p = ctx;

	commit_soon(db);
	return changed_one(db_run(db, "UPDATE connections SET paused_until = ?2 WHERE id = ?1",
				   DB_ARGS(DB_T(p->id), DB_I(p->at)), err), p->id, err);
}

int store_connection_pause(struct store *s, const char *id, int64_t until, struct err *err)
{
	struct stamp p = {.id = id, .at = until};

	return store_write(s, pause_until, &p, err);
}

static int report(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct stamp *p = ctx;

	commit_soon(db);
	return changed_one(db_run(db, "UPDATE connections SET report = ?2, ends_at = ?3 WHERE id = ?1",
				   DB_ARGS(DB_T(p->id), DB_T(p->report), DB_I(p->at)), err), p->id, err);
}

int store_connection_report(struct store *s, const char *id, const char *text, int64_t ends_at, struct err *err)
{
	struct stamp p = {.id = id, .report = text, .at = ends_at};

	return store_write(s, report, &p, err);
}

int store_connection_options(struct store *s, const struct store_connection *c, struct err *err)
{
	int64_t n = 0;

	if (store_run(s,
		    "UPDATE connections SET protect = ?2, services = ?3, backlog = ?4, backlog_since = ?5, config = ?6 WHERE id = ?1",
		    DB_ARGS(DB_T(c->id), DB_I(c->protect), DB_I(c->services), DB_I(c->backlog), DB_I(c->backlog_since),
			    DB_T(c->config)),
		    &n, err) < 0)
		return -1;
	return changed_one(n, c->id, err);
}
