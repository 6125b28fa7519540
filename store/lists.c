/* Approved and blocked senders, domains, hashes and links, and the tenant's other lists: one entry a value, with its end. */
#include "store/impl.h"

#define COLUMNS "id, tenant, kind, approved, value, reason, author, created_at, ends_at"

struct add {
	const struct store_list_entry *entry;
	int64_t id;
};

static int add(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct add *a = ctx;
	const struct store_list_entry *e = a->entry;

	if (db_run(db, "DELETE FROM lists WHERE tenant = ?1 AND kind = ?2 AND value = ?3 AND ends_at > 0 AND ends_at <= ?4",
		    DB_ARGS(DB_T(e->tenant), DB_I(e->kind), DB_T(e->value), DB_I(e->created_at)), err) < 0)
		return -1;
	int r = db_get_int(db,
		"INSERT INTO lists (tenant, kind, approved, value, reason, author, created_at, ends_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant, kind, value) DO NOTHING RETURNING id",
		DB_ARGS(DB_T(e->tenant), DB_I(e->kind), DB_I(e->approved), DB_T(e->value), DB_T(str0(e->reason)),
			DB_T(str0(e->author)), DB_I(e->created_at), DB_I(e->ends_at)),
		&a->id, err);
	if (r < 0)
		return -1;
	return r > 0 ? policy_changed(db, err) : err_set(err, ERR_CHANGED, "exists", "it is on a list of %s already", e->tenant);
}

int store_list_add(struct store *s, const struct store_list_entry *e, int64_t *ret_id, struct err *err)
{
	struct add a = {.entry = e};

	if (e->kind < LIST_SENDER || e->kind > LIST_PERSON || !e->value || !*e->value)
		return err_set(err, ERR_LOCAL, "store", "such an entry belongs to no list");
	if (store_write(s, add, &a, err) < 0)
		return -1;
	if (ret_id)
		*ret_id = a.id;
	return 0;
}

static int drop(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const int64_t *id = ctx;
	int64_t n = db_run(db, "DELETE FROM lists WHERE id = ?1", DB_ARGS(DB_I(*id)), err);

	if (n < 0)
		return -1;
	return n > 0 ? policy_changed(db, err) : err_set(err, ERR_GONE, "not_found", "there is no entry %lld", (long long)*id);
}

int store_list_remove(struct store *s, int64_t id, struct err *err)
{
	return store_write(s, drop, &id, err);
}

static void read_entry(struct db_row *r, void *item)
{
	struct store_list_entry *e = item;

	e->id = db_row_int(r);
	e->tenant = db_row_text0(r);
	e->kind = (enum store_list_kind)db_row_int(r);
	e->approved = db_row_int(r) != 0;
	e->value = db_row_text0(r);
	e->reason = db_row_text0(r);
	e->author = db_row_text0(r);
	e->created_at = db_row_int(r);
	e->ends_at = db_row_int(r);
}

int store_list_get(struct store *s, int64_t id, struct arena *a, struct store_list_entry *ret, struct err *err)
{
	const struct db_arg args[] = {DB_I(id)};
	struct store_query q = {.sql = "SELECT " COLUMNS " FROM lists WHERE id = ?1", .args = args, .n_args = 1,
		.size = sizeof(struct store_list_entry), .read = read_entry, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "there is no entry %lld", (long long)id);
	*ret = *(struct store_list_entry *)q.found;
	return 0;
}

int store_list_all(struct store *s, const char *tenant, enum store_list_kind kind, int64_t now, struct arena *a,
	struct store_list_entry **ret, size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant), DB_I(kind), DB_I(now)};
	struct store_query q = {.sql = "SELECT " COLUMNS " FROM lists WHERE tenant = ?1 AND (?2 = 0 OR kind = ?2)"
				       " AND (?3 = 0 OR ends_at = 0 OR ends_at > ?3) ORDER BY kind, value",
		.args = args, .n_args = 3, .size = sizeof(struct store_list_entry), .read = read_entry, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}
