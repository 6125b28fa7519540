/* Sessions of the console: who is signed in, until when. A session's role and tenants are its account's of the moment, so
 * that taking a right away works at once. */
#include "store/impl.h"

#include <string.h>

#define KEEP_MS (24 * 3600000ll) /* of what ended, for nobody but the reader of a backup */

static int missing(const char *what, struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "there is no such %s", what);
}

static int add(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct console_session_new *n = ctx;

	if (db_run(db,
		    "INSERT INTO sessions (hash, id, account, invitation, created_at, seen_at, idle_ms, ends_at, address, agent)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)",
		    DB_ARGS(DB_T(n->hash), DB_T(n->id), DB_T(str0(n->account)), DB_T(str0(n->invitation)), DB_I(n->now),
			    DB_I(n->idle_ms), DB_I(n->ends_at), DB_T(str0(n->address)), DB_T(str0(n->agent))),
		    err) < 0)
		return -1;
	return db_run(db, "UPDATE accounts SET last_sign_in_at = ?2 WHERE id = ?1",
		       DB_ARGS(DB_T(str0(n->account)), DB_I(n->now)), err) < 0 ? -1 : 0;
}

int store_session_add(struct store *s, const struct console_session_new *n, struct err *err)
{
	struct console_session_new copy = *n;

	return store_write(s, add, &copy, err);
}

#define COLUMNS                                                                                              \
	"SELECT s.id, s.account, s.invitation, coalesce(a.login, i.name, ''), coalesce(a.name, i.name, ''),"         \
	" coalesce(a.language, t.language, ''), CASE WHEN s.invitation <> '' THEN 1 ELSE coalesce(a.role, 0) END,"  \
	" CASE WHEN s.invitation <> '' THEN '|' || i.tenant || '|' ELSE coalesce(a.tenants, '|') END,"              \
	" s.created_at, s.seen_at, s.seen_at + s.idle_ms, s.ends_at, s.address, s.agent, coalesce(a.totp, 0)"        \
	" FROM sessions s LEFT JOIN accounts a ON a.id = s.account LEFT JOIN invitations i ON i.id = s.invitation"   \
	" LEFT JOIN tenants t ON t.id = i.tenant"
#define ALIVE                                                                                                \
	" AND s.ends_at > ?2 AND s.seen_at + s.idle_ms > ?2"                                                         \
	" AND ((s.invitation = '' AND a.disabled = 0) OR (s.invitation <> '' AND i.revoked_at = 0))"

static void read_session(struct db_row *r, void *item)
{
	struct console_session *o = item;

	o->id = db_row_text0(r);
	o->account = db_row_text0(r);
	o->invitation = db_row_text0(r);
	o->login = db_row_text0(r);
	o->name = db_row_text0(r);
	o->language = db_row_text0(r);
	o->role = (enum console_role)db_row_int(r);
	o->tenants = db_row_text0(r);
	o->created_at = db_row_int(r);
	o->seen_at = db_row_int(r);
	o->idle_at = db_row_int(r);
	o->ends_at = db_row_int(r);
	o->address = db_row_text0(r);
	o->agent = db_row_text0(r);
	o->totp = db_row_int(r) != 0;
	if (o->role == CONSOLE_OPERATOR || strcmp(o->tenants, "*") == 0)
		o->tenants = NULL;
}

int store_session_get(struct store *s, const char *hash, int64_t now, struct arena *a, struct console_session *ret,
	struct err *err)
{
	const struct db_arg args[] = {DB_T(hash), DB_I(now)};
	struct store_query q = {.sql = COLUMNS " WHERE s.hash = ?1" ALIVE, .args = args, .n_args = 2,
		.size = sizeof(struct console_session), .read = read_session, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing("session", err);
	*ret = *(struct console_session *)q.found;
	return 0;
}

int store_session_list(struct store *s, const char *account, int64_t now, struct arena *a, struct console_session **ret,
	size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(account), DB_I(now)};
	struct store_query q = {.sql = COLUMNS " WHERE s.account = ?1 AND s.account <> ''" ALIVE
					       " ORDER BY s.created_at DESC, s.id LIMIT 200",
		.args = args, .n_args = 2, .size = sizeof(struct console_session), .read = read_session, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

int store_session_touch(struct store *s, const char *hash, int64_t now, struct err *err)
{
	return store_run(s, "UPDATE sessions SET seen_at = ?2 WHERE hash = ?1 AND seen_at < ?2",
		DB_ARGS(DB_T(hash), DB_I(now)), NULL, err);
}

int store_session_end(struct store *s, const char *id, const char *account, struct err *err)
{
	int64_t n;

	if (store_run(s, "DELETE FROM sessions WHERE id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR account = ?2)",
		    DB_ARGS(DB_T(id), DB_T(account)), &n, err) < 0)
		return -1;
	return n ? 0 : missing("session", err);
}

int store_session_end_all(struct store *s, const char *account, const char *keep, int64_t *ret_n, struct err *err)
{
	return store_run(s, "DELETE FROM sessions WHERE account = ?1 AND account <> '' AND id <> ?2",
		DB_ARGS(DB_T(account), DB_T(str0(keep))), ret_n, err);
}

static int tidy(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char *const old[] = {
		"DELETE FROM sessions WHERE ends_at < ?1",
		"DELETE FROM links WHERE ends_at < ?1",
		"DELETE FROM failures WHERE last_at < ?1",
		"DELETE FROM flows WHERE ends_at < ?1 AND step <> 'done'",
	};
	const int64_t *before = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(old); i++)
		if (db_run(db, old[i], DB_ARGS(DB_I(*before)), err) < 0)
			return -1;
	return 0;
}

int store_console_tidy(struct store *s, int64_t now, struct err *err)
{
	int64_t before = now - KEEP_MS;

	return store_write(s, tidy, &before, err);
}
