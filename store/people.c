/* People of the organisations, brought in by rounds of core's directory job, and the organisations' own domains. */
#include "store/impl.h"

#include <string.h>

struct sync {
	const char *connection, *domains;
	int64_t round;
	const struct store_person *people;
	size_t n;
};

/* "|a|b|": each its row. */
static int add_aliases(struct db *db, const struct sync *y, const struct store_person *p, struct err *err)
{
	for (const char *at = str0(p->aliases); *at;) {
		size_t len = strcspn(at, "|");
		char alias[320];
		if (len > 0 && len < sizeof(alias)) {
			snprintf(alias, sizeof(alias), "%.*s", (int)len, at);
			if (db_run(db,
				    "INSERT INTO aliases (connection, alias, address, round_mark) VALUES (?1, ?2, ?3, ?4)"
				    " ON CONFLICT (alias, connection) DO UPDATE SET address = excluded.address,"
				    " round_mark = excluded.round_mark",
				    DB_ARGS(DB_T(y->connection), DB_T(alias), DB_T(p->address), DB_I(y->round)), err) < 0)
				return -1;
		}
		at += len;
		at += *at == '|';
	}
	return 0;
}

static int sync_page(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct sync *y = ctx;

	for (size_t i = 0; i < y->n; i++) {
		const struct store_person *p = &y->people[i];
		if (db_run(db,
			    "INSERT INTO people (connection, address, name, name_key, org_unit, job_title, aliases, member_of, round_mark)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (connection, address) DO UPDATE SET"
			    " name = excluded.name, name_key = excluded.name_key, org_unit = excluded.org_unit,"
			    " job_title = excluded.job_title, aliases = excluded.aliases, member_of = excluded.member_of,"
			    " round_mark = excluded.round_mark",
			    DB_ARGS(DB_T(y->connection), DB_T(p->address), DB_T(str0(p->name)), DB_T(str0(p->key)),
				    DB_T(str0(p->org_unit)), DB_T(str0(p->job_title)), DB_T(str0(p->aliases)),
				    DB_T(str0(p->groups)), DB_I(y->round)),
			    err) < 0 ||
			add_aliases(db, y, p, err) < 0)
			return -1;
	}
	return 0;
}

int store_people_sync(struct store *s, const char *connection, int64_t round, const struct store_person *p, size_t n, struct err *err)
{
	struct sync y = {.connection = connection, .round = round, .people = p, .n = n};

	return store_write(s, sync_page, &y, err);
}

static int end(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct sync *y = ctx;

	if (db_run(db, "DELETE FROM people WHERE connection = ?1 AND round_mark <> ?2",
		    DB_ARGS(DB_T(y->connection), DB_I(y->round)), err) < 0 ||
		db_run(db, "DELETE FROM aliases WHERE connection = ?1 AND round_mark <> ?2",
			DB_ARGS(DB_T(y->connection), DB_I(y->round)), err) < 0 ||
		db_run(db,
			"INSERT INTO domains (connection, domains, synced_at) VALUES (?1, ?2, ?3) ON CONFLICT (connection)"
			" DO UPDATE SET domains = excluded.domains, synced_at = excluded.synced_at",
			DB_ARGS(DB_T(y->connection), DB_T(str0(y->domains)), DB_I(y->round)), err) < 0)
		return -1;
	return policy_changed(db, err);
}

int store_people_end(struct store *s, const char *connection, int64_t round, const char *domains, struct err *err)
{
	struct sync y = {.connection = connection, .round = round, .domains = domains};

	return store_write(s, end, &y, err);
}

#define COLUMNS "p.connection, p.address, p.name, p.name_key, p.org_unit, p.job_title, p.aliases, p.member_of"
#define OF_TENANT " JOIN connections c ON c.id = p.connection AND c.tenant = ?1 AND c.state <> 5 WHERE "
#define BY_ALIAS                                                                                                      \
	"SELECT " COLUMNS " FROM aliases l JOIN people p ON p.connection = l.connection AND p.address = l.address" OF_TENANT \
	"l.alias = ?2 ORDER BY p.connection LIMIT 1"

static void read_person(struct db_row *r, void *item)
{
	struct store_person *p = item;

	p->connection = db_row_text0(r);
	p->address = db_row_text0(r);
	p->name = db_row_text0(r);
	p->key = db_row_text0(r);
	p->org_unit = db_row_text0(r);
	p->job_title = db_row_text0(r);
	p->aliases = db_row_text0(r);
	p->groups = db_row_text0(r);
}

static int find(struct store *s, const char *sql, const char *tenant, const char *what, struct arena *a, struct store_person *ret,
	struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant), DB_T(what)};
	struct store_query q = {.sql = sql, .args = args, .n_args = 2, .size = sizeof(struct store_person), .read = read_person,
		.arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "nobody of %s is known so", tenant);
	*ret = *(struct store_person *)q.found;
	return 0;
}

int store_person_get(struct store *s, const char *tenant, const char *address, struct arena *a, struct store_person *ret, struct err *err)
{
	if (!address || !*address)
		return err_set(err, ERR_GONE, "not_found", "nobody has no address");
	int r = find(s, "SELECT " COLUMNS " FROM people p" OF_TENANT "p.address = ?2 ORDER BY p.connection LIMIT 1", tenant, address,
		a, ret, err);

	if (r == 0 || err->class != ERR_GONE)
		return r;
	return find(s, BY_ALIAS, tenant, address, a, ret, err);
}

int store_person_named(struct store *s, const char *tenant, const char *key, struct arena *a, struct store_person *ret, struct err *err)
{
	if (!key || !*key)
		return err_set(err, ERR_GONE, "not_found", "nobody has no name");
	int r = find(s,
		"SELECT " COLUMNS " FROM people p" OF_TENANT "p.name_key = ?2 AND p.name_key <> '' ORDER BY p.connection, p.address LIMIT 1",
		tenant, key, a, ret, err);

	if (r == 0 || err->class != ERR_GONE)
		return r;
	return find(s, BY_ALIAS, tenant, key, a, ret, err);
}

static void read_domains(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text0(r);
}

int store_domains(struct store *s, const char *tenant, struct buf *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(tenant)};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct store_query q = {.sql = "SELECT d.domains FROM domains d JOIN connections c ON c.id = d.connection"
				       " WHERE c.tenant = ?1 AND c.state <> 5 AND d.domains <> '' ORDER BY d.connection",
		.args = args, .n_args = 1, .size = sizeof(char *), .read = read_domains, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	for (size_t i = 0; i < q.n; i++) {
		const char *set = ((const char **)q.found)[i];
		/* One bar between two sets. */
		if (buf_adds(ret, i && *set == '|' ? set + 1 : set) < 0)
			return err_set(err, ERR_TOO_BIG, "too_big", "%s has too many domains", tenant);
	}
	return 0;
}
