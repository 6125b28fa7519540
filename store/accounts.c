/* Accounts of the console: who may sign in, what proves it, and what they see. */
#include "store/impl.h"

#include <string.h>

static int missing(const char *id, struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "there is no account %s", id);
}

/* As the table has it. */
static const char *set_of(const struct console_account *a)
{
	return a->role == CONSOLE_OPERATOR || !a->tenants ? "*" : a->tenants;
}

static int add(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct console_account *a = ctx;
	int64_t n = db_run(db,
		"INSERT INTO accounts (id, login, name, language, role, tenants, disabled, password_at, totp, totp_step, subjects,"
		" created_at, last_sign_in_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, ?8, ?9, 0) ON CONFLICT DO NOTHING",
		DB_ARGS(DB_T(a->id), DB_T(a->login), DB_T(str0(a->name)), DB_T(str0(a->language)), DB_I(a->role),
			DB_T(set_of(a)), DB_I(a->disabled), DB_T(a->subjects ? a->subjects : "{}"), DB_I(a->created_at)),
		err);

	if (n == 0)
		return err_set(err, ERR_CHANGED, "exists", "there is an account %s already", a->login);
	return n < 0 ? -1 : 0;
}

int store_account_add(struct store *s, const struct console_account *a, struct err *err)
{
	struct console_account copy = *a;

	return store_write(s, add, &copy, err);
}

static int update(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct console_account *a = ctx;
	int64_t was = 0, others = 0;

	/* The rows of operators are locked, so that two of them cannot take each other's last colleague away. */
	int r = db_get_int(db, "SELECT CASE WHEN role = 5 AND disabled = 0 THEN 1 ELSE 0 END FROM accounts WHERE id = ?1",
		DB_ARGS(DB_T(a->id)), &was, err);
	if (r <= 0)
		return r < 0 ? -1 : missing(a->id, err);
	if (was && (a->role != CONSOLE_OPERATOR || a->disabled)) {
		if (db_run(db, "UPDATE accounts SET role = role WHERE role = 5 AND disabled = 0", DB_NONE, err) < 0 ||
			db_get_int(db, "SELECT count(*) FROM accounts WHERE role = 5 AND disabled = 0 AND id <> ?1",
				DB_ARGS(DB_T(a->id)), &others, err) < 0)
			return -1;
		if (others == 0)
			return err_set(err, ERR_CHANGED, "last_operator", "this is the last operator: make another one first");
	}
	if (db_run(db,
		    "UPDATE accounts SET name = ?2, language = ?3, role = ?4, tenants = ?5, disabled = ?6 WHERE id = ?1",
		    DB_ARGS(DB_T(a->id), DB_T(str0(a->name)), DB_T(str0(a->language)), DB_I(a->role), DB_T(set_of(a)),
			    DB_I(a->disabled)),
		    err) < 0)
		return -1;
	if (!a->disabled)
		return 0;
	if (db_run(db, "DELETE FROM sessions WHERE account = ?1", DB_ARGS(DB_T(a->id)), err) < 0)
		return -1;
	return db_run(db, "DELETE FROM links WHERE account = ?1", DB_ARGS(DB_T(a->id)), err) < 0 ? -1 : 0;
}

int store_account_update(struct store *s, const struct console_account *a, struct err *err)
{
	struct console_account copy = *a;

	return store_write(s, update, &copy, err);
}

#define COLUMNS                                                                                              \
	"SELECT a.id, a.login, a.name, a.language, a.role, a.tenants, a.disabled, a.totp,"                           \
	" CASE WHEN a.password IS NULL THEN 0 ELSE 1 END, a.created_at, a.password_at, a.last_sign_in_at,"           \
	" (SELECT count(*) FROM recovery r WHERE r.account = a.id), a.subjects FROM accounts a"

static void read_account(struct db_row *r, void *item)
{
	struct console_account *a = item;

	a->id = db_row_text0(r);
	a->login = db_row_text0(r);
	a->name = db_row_text0(r);
	a->language = db_row_text0(r);
	a->role = (enum console_role)db_row_int(r);
	a->tenants = db_row_text0(r);
	a->disabled = db_row_int(r) != 0;
	a->totp = db_row_int(r) != 0;
	a->has_password = db_row_int(r) != 0;
	a->created_at = db_row_int(r);
	a->password_at = db_row_int(r);
	a->last_sign_in_at = db_row_int(r);
	a->recovery_left = (int)db_row_int(r);
	a->subjects = db_row_text0(r);
	if (strcmp(a->tenants, "*") == 0)
		a->tenants = NULL;
}

static int get(struct store *s, const char *sql, const char *key, struct arena *a, struct console_account *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(key)};
	struct store_query q = {.sql = sql, .args = args, .n_args = 1, .size = sizeof(*ret), .read = read_account, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing(key, err);
	*ret = *(struct console_account *)q.found;
	return 0;
}

int store_account_get(struct store *s, const char *id, struct arena *a, struct console_account *ret, struct err *err)
{
	return get(s, COLUMNS " WHERE a.id = ?1", id, a, ret, err);
}

int store_account_by_login(struct store *s, const char *login, struct arena *a, struct console_account *ret, struct err *err)
{
	return get(s, COLUMNS " WHERE a.login = ?1", login, a, ret, err);
}

int store_account_list(struct store *s, const char *after, size_t max, struct arena *a, struct console_account **ret,
	size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(str0(after)), DB_I((int64_t)max)};
	struct store_query q = {.sql = COLUMNS " WHERE a.login > ?1 ORDER BY a.login LIMIT ?2", .args = args, .n_args = 2,
		.size = sizeof(struct console_account), .read = read_account, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

static int number(struct store *s, const char *sql, const char *key, int64_t *ret, bool *ret_found, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const struct db_arg args[] = {DB_T(key)};
	struct store_query q = {.sql = sql, .args = args, .n_args = 1, .size = sizeof(int64_t), .read = read_number, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	*ret_found = q.n > 0;
	*ret = q.n ? *(int64_t *)q.found : 0;
	return 0;
}

int store_account_any(struct store *s, bool *ret, struct err *err)
{
	int64_t one;
	bool found;

	if (number(s, "SELECT 1 FROM accounts WHERE id <> ?1 LIMIT 1", "", &one, &found, err) < 0)
		return -1;
	*ret = found;
	return 0;
}

static int changed(int r, int64_t n, const char *account, struct err *err)
{
	return r < 0 ? -1 : n ? 0 : missing(account, err);
}

int store_account_subject(struct store *s, const char *id, const char *subjects, struct err *err)
{
	int64_t n = 0;
	int r = store_run(s, "UPDATE accounts SET subjects = ?2 WHERE id = ?1", DB_ARGS(DB_T(id), DB_T(subjects)), &n, err);

	return changed(r, n, id, err);
}

static void read_text(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text(r);
}

int store_password_get(struct store *s, const char *account, struct buf *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const struct db_arg args[] = {DB_T(account)};
	struct store_query q = {.sql = "SELECT password FROM accounts WHERE id = ?1 AND password IS NOT NULL", .args = args,
		.n_args = 1, .size = sizeof(const char *), .read = read_text, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing(account, err);
	return buf_adds(ret, *(const char **)q.found) < 0 ? err_set(err, ERR_LOCAL, "store", "out of memory") : 0;
}

int store_password_set(struct store *s, const char *account, const char *hash, int64_t now, struct err *err)
{
	int64_t n = 0;
	int r = store_run(s, "UPDATE accounts SET password = ?2, password_at = ?3 WHERE id = ?1",
		DB_ARGS(DB_T(account), DB_T(hash), DB_I(now)), &n, err);

	return changed(r, n, account, err);
}

struct totp {
	const char *account;
	bool on;
	int64_t step;
	const char *const *recovery;
	size_t n;
};

static int set_totp(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct totp *t = ctx;
	int64_t n = db_run(db, "UPDATE accounts SET totp = ?2, totp_step = ?3 WHERE id = ?1",
		DB_ARGS(DB_T(t->account), DB_I(t->on), DB_I(t->on ? t->step : 0)), err);

	if (n <= 0)
		return n < 0 ? -1 : missing(t->account, err);
	if (db_run(db, "DELETE FROM recovery WHERE account = ?1", DB_ARGS(DB_T(t->account)), err) < 0)
		return -1;
	for (size_t i = 0; t->on && i < t->n; i++)
		if (db_run(db, "INSERT INTO recovery (account, hash) VALUES (?1, ?2)",
			    DB_ARGS(DB_T(t->account), DB_T(t->recovery[i])), err) < 0)
			return -1;
	return 0;
}

int store_totp_set(struct store *s, const char *account, bool on, int64_t step, const char *const *recovery, size_t n,
	struct err *err)
{
	struct totp t = {.account = account, .on = on, .step = step, .recovery = recovery, .n = n};

	return store_write(s, set_totp, &t, err);
}

int store_totp_step(struct store *s, const char *account, int64_t *ret, struct err *err)
{
	bool found;

	if (number(s, "SELECT totp_step FROM accounts WHERE id = ?1", account, ret, &found, err) < 0)
		return -1;
	return found ? 0 : missing(account, err);
}

int store_totp_use(struct store *s, const char *account, int64_t step, struct err *err)
{
	int64_t n;

	if (store_run(s, "UPDATE accounts SET totp_step = ?2 WHERE id = ?1 AND totp = 1 AND totp_step < ?2",
		    DB_ARGS(DB_T(account), DB_I(step)), &n, err) < 0)
		return -1;
	return n ? 0 : err_set(err, ERR_CHANGED, "used", "this code was used already");
}

int store_recovery_use(struct store *s, const char *account, const char *hash, struct err *err)
{
	int64_t n;

	if (store_run(s, "DELETE FROM recovery WHERE account = ?1 AND hash = ?2", DB_ARGS(DB_T(account), DB_T(hash)), &n, err) < 0)
		return -1;
	return n ? 0 : err_set(err, ERR_GONE, "not_found", "there is no such recovery code");
}
