/* Policies of tenants: files with their versions, modes, options; and the number that says when any of it changed. */
#include "store/impl.h"

#define VERSIONS_KEPT 20
#define VERSIONS_MAX 200

int policy_changed(struct db *db, struct err *err)
{
	int64_t n = db_run(db, "UPDATE counters SET value = value + 1 WHERE name = 'policy'", DB_NONE, err);

	return n < 0 ? -1 : n == 1 ? 0 : err_set(err, ERR_LOCAL, "corrupt", "the store lost its count of policies");
}

int store_policy_revision(struct store *s, int64_t *ret, struct err *err)
{
	struct store_query q = {.sql = "SELECT value FROM counters WHERE name = 'policy'", .size = sizeof(int64_t), .read = read_number};
	_cleanup_(arena_freep) struct arena *a = arena_new(4096);

	q.arena = a;
	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n != 1)
		return err_set(err, ERR_LOCAL, "corrupt", "the store lost its count of policies");
	*ret = *(int64_t *)q.found;
	return 0;
}

/* ---- files ---- */

struct put {
	const struct store_policy_file *file;
	int64_t version;
};

static int put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct put *p = ctx;
	const struct store_policy_file *f = p->file;
	int64_t last = 0, there = 0;
	int r = db_get_int(db, "SELECT version FROM policies WHERE tenant = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1 FOR UPDATE",
		DB_ARGS(DB_T(f->tenant), DB_T(f->name)), &last, err);

	if (r < 0 || (r > 0 && db_get_int(db,
				       "SELECT CASE WHEN text IS NULL THEN 0 ELSE version END FROM policies"
				       " WHERE tenant = ?1 AND name = ?2 AND version = ?3",
				       DB_ARGS(DB_T(f->tenant), DB_T(f->name), DB_I(last)), &there, err) < 0))
		return -1;
	if (there != f->version)
		return err_set(err, ERR_CHANGED, "changed", there ? "%s was changed by somebody else meanwhile" : "%s is not there any more",
			f->name);
	p->version = last + 1;
	if (db_run(db,
		    "INSERT INTO policies (tenant, name, version, text, changed_at, changed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		    DB_ARGS(DB_T(f->tenant), DB_T(f->name), DB_I(p->version), DB_T(f->text), DB_I(f->changed_at),
			    DB_T(str0(f->changed_by))),
		    err) < 0 ||
		db_run(db, "DELETE FROM policies WHERE tenant = ?1 AND name = ?2 AND version <= ?3",
			DB_ARGS(DB_T(f->tenant), DB_T(f->name), DB_I(p->version - VERSIONS_KEPT)), err) < 0)
		return -1;
	return policy_changed(db, err);
}

int store_policy_put(struct store *s, const struct store_policy_file *f, int64_t *ret_version, struct err *err)
{
	struct put p = {.file = f};

	if (store_write(s, put, &p, err) < 0)
		return -1;
	if (ret_version)
		*ret_version = p.version;
	return 0;
}

static void read_file(struct db_row *r, void *item)
{
	struct store_policy_file *f = item;

	f->tenant = db_row_text0(r);
	f->name = db_row_text0(r);
	f->version = db_row_int(r);
	f->text = db_row_text(r);
	f->changed_at = db_row_int(r);
	f->changed_by = db_row_text0(r);
}

int store_policy_list(struct store *s, const char *tenants, struct arena *a, struct store_policy_file **ret, size_t *ret_n,
	struct err *err)
{
	const struct db_arg args[] = {DB_T(tenants)};
	struct store_query q = {.sql = "SELECT p.tenant, p.name, p.version, p.text, p.changed_at, p.changed_by FROM policies p"
				       " WHERE p.text IS NOT NULL AND p.version = (SELECT max(o.version) FROM policies o"
				       " WHERE o.tenant = p.tenant AND o.name = p.name) AND " IN_TENANTS("p.tenant", "?1")
				       " ORDER BY p.tenant, p.name",
		.args = args, .n_args = 1, .size = sizeof(struct store_policy_file), .read = read_file, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

int store_policy_versions(struct store *s, const char *tenant, const char *name, struct arena *a, struct store_policy_file **ret,
	size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant), DB_T(name), DB_I(VERSIONS_MAX)};
	struct store_query q = {.sql = "SELECT tenant, name, version, text, changed_at, changed_by FROM policies"
				       " WHERE tenant = ?1 AND name = ?2 ORDER BY version DESC LIMIT ?3",
		.args = args, .n_args = 3, .size = sizeof(struct store_policy_file), .read = read_file, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

/* ---- modes and options ---- */

static int mode_put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct store_policy_mode *m = ctx;
	int64_t n = m->mode < 0 ? db_run(db, "DELETE FROM modes WHERE tenant = ?1 AND rule = ?2",
					  DB_ARGS(DB_T(m->tenant), DB_T(m->rule)), err) :
				  db_run(db,
					  "INSERT INTO modes (tenant, rule, mode, changed_at, changed_by) VALUES (?1, ?2, ?3, ?4, ?5)"
					  " ON CONFLICT (tenant, rule) DO UPDATE SET mode = excluded.mode,"
					  " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
					  DB_ARGS(DB_T(m->tenant), DB_T(m->rule), DB_I(m->mode), DB_I(m->changed_at),
						  DB_T(str0(m->changed_by))),
					  err);

	return n < 0 ? -1 : policy_changed(db, err);
}

int store_mode_put(struct store *s, const struct store_policy_mode *m, struct err *err)
{
	struct store_policy_mode mode = *m;

	if (m->mode > 2)
		return err_set(err, ERR_LOCAL, "store", "%d is no mode of a rule", m->mode);
	return store_write(s, mode_put, &mode, err);
}

static void read_mode(struct db_row *r, void *item)
{
	struct store_policy_mode *m = item;

	m->tenant = db_row_text0(r);
	m->rule = db_row_text0(r);
	m->mode = (int)db_row_int(r);
	m->changed_at = db_row_int(r);
	m->changed_by = db_row_text0(r);
}

int store_mode_list(struct store *s, const char *tenant, struct arena *a, struct store_policy_mode **ret, size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant)};
	struct store_query q = {.sql = "SELECT tenant, rule, mode, changed_at, changed_by FROM modes WHERE tenant = ?1 ORDER BY rule",
		.args = args, .n_args = 1, .size = sizeof(struct store_policy_mode), .read = read_mode, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

struct option {
	const char *tenant, *name, *value;
};

static int option_put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct option *o = ctx;
	int64_t n = !o->value ? db_run(db, "DELETE FROM options WHERE tenant = ?1 AND name = ?2",
					DB_ARGS(DB_T(o->tenant), DB_T(o->name)), err) :
				db_run(db,
					"INSERT INTO options (tenant, name, value) VALUES (?1, ?2, ?3)"
					" ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
					DB_ARGS(DB_T(o->tenant), DB_T(o->name), DB_T(o->value)), err);

	return n < 0 ? -1 : policy_changed(db, err);
}

int store_option_put(struct store *s, const char *tenant, const char *name, const char *value, struct err *err)
{
	struct option o = {.tenant = tenant, .name = name, .value = value};

	return store_write(s, option_put, &o, err);
}

static void read_value(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text0(r);
}

int store_option_get(struct store *s, const char *tenant, const char *name, struct buf *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant), DB_T(name)};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct store_query q = {.sql = "SELECT value FROM options WHERE tenant = ?1 AND name = ?2", .args = args, .n_args = 2,
		.size = sizeof(char *), .read = read_value, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "%s has no %s", tenant, name);
	return buf_adds(ret, *(const char **)q.found) < 0 ? err_set(err, ERR_TOO_BIG, "too_big", "%s is too long", name) : 0;
}
