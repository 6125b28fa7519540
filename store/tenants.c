/* Tenants, and the invitations of their administrators. */
#include "store/impl.h"

#include <string.h>

static int missing(const char *what, const char *id, struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "there is no %s %s", what, id);
}

int store_tenant_add(struct store *s, const struct console_tenant *t, struct err *err)
{
	int64_t n;

	if (store_run(s,
		    "INSERT INTO tenants (id, name, language, created_at, trial_ends_at, trial_ended_at)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT DO NOTHING",
		    DB_ARGS(DB_T(t->id), DB_T(str0(t->name)), DB_T(str0(t->language)), DB_I(t->created_at), DB_I(t->trial_ends_at)),
		    &n, err) < 0)
		return -1;
	return n ? 0 : err_set(err, ERR_CHANGED, "exists", "there is a tenant %s already", t->id);
}

int store_tenant_update(struct store *s, const struct console_tenant *t, struct err *err)
{
	int64_t n;

	/* A trial that is given a new end has not ended. */
	if (store_run(s,
		    "UPDATE tenants SET name = ?2, language = ?3,"
		    " trial_ended_at = CASE WHEN trial_ends_at = ?4 THEN trial_ended_at ELSE 0 END, trial_ends_at = ?4 WHERE id = ?1",
		    DB_ARGS(DB_T(t->id), DB_T(str0(t->name)), DB_T(str0(t->language)), DB_I(t->trial_ends_at)), &n, err) < 0)
		return -1;
	return n ? 0 : missing("tenant", t->id, err);
}

#define TENANTS                                                                                              \
	"SELECT t.id, t.name, t.language, t.created_at, t.trial_ends_at, t.trial_ended_at,"                          \
	" (SELECT count(*) FROM connections c WHERE c.tenant = t.id AND c.state <> 5),"                              \
	" (SELECT count(*) FROM alerts x WHERE x.tenant = t.id AND x.ended_at = 0) FROM tenants t"

static void read_tenant(struct db_row *r, void *item)
{
	struct console_tenant *t = item;

	t->id = db_row_text0(r);
	t->name = db_row_text0(r);
	t->language = db_row_text0(r);
	t->created_at = db_row_int(r);
	t->trial_ends_at = db_row_int(r);
	t->trial_ended_at = db_row_int(r);
	t->connections = db_row_int(r);
	t->alerts = db_row_int(r);
}

int store_tenant_get(struct store *s, const char *id, struct arena *a, struct console_tenant *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(id)};
	struct store_query q = {.sql = TENANTS " WHERE t.id = ?1", .args = args, .n_args = 1, .size = sizeof(*ret),
		.read = read_tenant, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing("tenant", id, err);
	*ret = *(struct console_tenant *)q.found;
	return 0;
}

int store_tenant_list(struct store *s, const char *tenants, const char *after, size_t max, struct arena *a,
	struct console_tenant **ret, size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenants), DB_T(str0(after)), DB_I((int64_t)max)};
	struct store_query q = {.sql = TENANTS " WHERE " IN_TENANTS("t.id", "?1") " AND t.id > ?2 ORDER BY t.id LIMIT ?3",
		.args = args, .n_args = 3, .size = sizeof(struct console_tenant), .read = read_tenant, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

int store_tenant_over(struct store *s, int64_t now, struct arena *a, struct console_tenant *ret, int64_t *ret_next,
	struct err *err)
{
	struct store_query q = {
		.sql = TENANTS " WHERE t.trial_ends_at > 0 AND t.trial_ended_at = 0 ORDER BY t.trial_ends_at, t.id LIMIT 1",
		.size = sizeof(*ret), .read = read_tenant, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	const struct console_tenant *t = q.found;
	if (q.n && t->trial_ends_at <= now) {
		*ret = *t;
		return 0;
	}
	if (ret_next)
		*ret_next = q.n ? t->trial_ends_at : 0;
	return err_set(err, ERR_GONE, "nothing", "no trial is over");
}

int store_tenant_ended(struct store *s, const char *id, int64_t now, struct err *err)
{
	int64_t n;

	if (store_run(s, "UPDATE tenants SET trial_ended_at = ?2 WHERE id = ?1", DB_ARGS(DB_T(id), DB_I(now)), &n, err) < 0)
		return -1;
	return n ? 0 : missing("tenant", id, err);
}

/* ---- invitations ---- */

const char *console_invitation_state(const struct console_invitation *i, int64_t now)
{
	if (i->connected)
		return "connected";
	if (i->revoked_at)
		return "revoked";
	if (i->flow && *i->flow)
		return "connecting";
	if (i->opened_at)
		return "opened";
	return i->ends_at <= now ? "expired" : "sent";
}

int store_invitation_add(struct store *s, const struct console_invitation *i, struct err *err)
{
	return store_run(s,
		"INSERT INTO invitations (id, hash, tenant, name, account, created_at, ends_at, opened_at, revoked_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0)",
		DB_ARGS(DB_T(i->id), DB_T(i->hash), DB_T(i->tenant), DB_T(str0(i->name)), DB_T(str0(i->account)),
			DB_I(i->created_at), DB_I(i->ends_at)),
		NULL, err);
}

/* How far it got: its latest flow, and how many are done. */
#define INVITATIONS                                                                                          \
	"SELECT i.id, i.tenant, i.name, i.account, i.created_at, i.ends_at, i.opened_at, i.revoked_at,"              \
	" coalesce(f.id, ''), coalesce(f.provider, ''), coalesce(f.step, ''),"                                       \
	" (SELECT count(*) FROM flows d WHERE d.invitation = i.id AND d.invitation <> '' AND d.step = 'done')"      \
	" FROM invitations i LEFT JOIN flows f ON f.id = (SELECT l.id FROM flows l WHERE l.invitation = i.id"        \
	" AND l.invitation <> '' ORDER BY l.updated_at DESC, l.id LIMIT 1)"

static void read_invitation(struct db_row *r, void *item)
{
	struct console_invitation *i = item;

	i->id = db_row_text0(r);
	i->tenant = db_row_text0(r);
	i->name = db_row_text0(r);
	i->account = db_row_text0(r);
	i->created_at = db_row_int(r);
	i->ends_at = db_row_int(r);
	i->opened_at = db_row_int(r);
	i->revoked_at = db_row_int(r);
	i->flow = db_row_text0(r);
	i->provider = db_row_text0(r);
	i->step = db_row_text0(r);
	i->connected = db_row_int(r);
	i->hash = "";
}

int store_invitation_get(struct store *s, const char *id, struct arena *a, struct console_invitation *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(id)};
	struct store_query q = {.sql = INVITATIONS " WHERE i.id = ?1", .args = args, .n_args = 1, .size = sizeof(*ret),
		.read = read_invitation, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing("invitation", id, err);
	*ret = *(struct console_invitation *)q.found;
	return 0;
}

struct opened {
	const char *hash;
	int64_t now;
	struct arena *arena;
	struct console_invitation found;
};

static int open_it(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct opened *o = ctx;
	int64_t n = db_run(db,
		"UPDATE invitations SET opened_at = ?2 WHERE hash = ?1 AND opened_at = 0 AND revoked_at = 0 AND ends_at > ?2",
		DB_ARGS(DB_T(o->hash), DB_I(o->now)), err);
	const struct db_arg args[] = {DB_T(o->hash)};
	struct store_query q = {.sql = INVITATIONS " WHERE i.hash = ?1", .args = args, .n_args = 1, .size = sizeof(o->found),
		.read = read_invitation, .arena = o->arena};

	if (n <= 0)
		return n < 0 ? -1 : err_set(err, ERR_GONE, "not_found", "this link is unknown, was used, or is over");
	if (query_rows(db, &q, err) < 0)
		return -1;
	o->found = *(struct console_invitation *)q.found;
	return 0;
}

int store_invitation_open(struct store *s, const char *hash, int64_t now, struct arena *a, struct console_invitation *ret,
	struct err *err)
{
	struct opened o = {.hash = hash, .now = now, .arena = a};

	if (store_write(s, open_it, &o, err) < 0)
		return -1;
	*ret = o.found;
	return 0;
}

static int revoke_it(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct opened *o = ctx;
	int64_t n = db_run(db, "UPDATE invitations SET revoked_at = ?2 WHERE id = ?1 AND revoked_at = 0",
		DB_ARGS(DB_T(o->hash), DB_I(o->now)), err);

	if (n <= 0)
		return n < 0 ? -1 : missing("open invitation", o->hash, err);
	return db_run(db, "DELETE FROM sessions WHERE invitation = ?1 AND invitation <> ''", DB_ARGS(DB_T(o->hash)), err) < 0 ? -1 : 0;
}

int store_invitation_revoke(struct store *s, const char *id, int64_t now, struct err *err)
{
	struct opened o = {.hash = id, .now = now};

	return store_write(s, revoke_it, &o, err);
}

int store_invitation_list(struct store *s, const char *tenant, int64_t before, size_t max, struct arena *a,
	struct console_invitation **ret, size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant), DB_I(before), DB_I((int64_t)max)};
	struct store_query q = {.sql = INVITATIONS " WHERE (CAST(?1 AS TEXT) IS NULL OR i.tenant = ?1)"
					       " AND (?2 = 0 OR i.created_at < ?2) ORDER BY i.created_at DESC, i.id LIMIT ?3",
		.args = args, .n_args = 3, .size = sizeof(struct console_invitation), .read = read_invitation, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}
