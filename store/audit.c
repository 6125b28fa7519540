/* The audit trail: rows are added and never changed, and each holds the hash of the one before. Whoever changes, removes or
 * moves one breaks the chain behind it; whoever cuts its end off is found out by the counter, and by a head that was
 * noted elsewhere. */
#include "store/impl.h"

#include "base/digest.h"
#include "base/encode.h"

#include <inttypes.h>
#include <string.h>

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define VERIFY_ROWS 500
#define TEXTS 10 /* in the canonical row */

/* Length before each text, so that no two rows have one canonical form. */
static int row_hash(const struct console_audit *a, const char *previous, char *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	const char *texts[TEXTS] = {previous, a->actor, a->name, a->role, a->address, a->act, a->tenant, a->object, a->phase,
		a->detail};
	struct digests d = {0};

	if (buf_addf(&b, "sekisho audit 1\n%" PRId64 " %" PRId64 " %" PRId64 "\n", a->seq, a->at, a->intent) < 0)
		return -1;
	for (int i = 0; i < TEXTS; i++)
		if (buf_addf(&b, "%zu:", strlen(str0(texts[i]))) < 0 || buf_adds(&b, str0(texts[i])) < 0)
			return -1;
	if (digest_bytes(DIGEST_SHA256, b.data, b.len, &d) < 0)
		return -1;
	memcpy(out, d.sha256, CONSOLE_HASH_LEN);
	return 0;
}

static void read_hash(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text0(r);
}

static int add(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct console_audit *a = ctx;
	_cleanup_(arena_freep) struct arena *arena = arena_new(65536);
	char hash[CONSOLE_HASH_LEN];
	int64_t seq = 0;

	/* The counter's row stays locked until the commit: one chain, with several nodes too. */
	int r = db_get_int(db, "UPDATE counters SET value = value + 1 WHERE name = 'audit' RETURNING value", DB_NONE, &seq, err);
	if (r <= 0 || !arena)
		return r < 0 ? -1 : err_set(err, ERR_LOCAL, "corrupt", "the store lost its audit counter");
	db->commit_soon = !db->sole;
	const struct db_arg before[] = {DB_I(seq - 1)};
	struct store_query q = {.sql = "SELECT hash FROM audit WHERE seq = ?1", .args = before, .n_args = 1,
		.size = sizeof(const char *), .read = read_hash, .arena = arena};
	if (query_rows(db, &q, err) < 0)
		return -1;
	const char *previous = q.n ? *(const char **)q.found : NO_HASH;
	a->seq = seq;
	if (row_hash(a, previous, hash) < 0)
		return err_set(err, ERR_LOCAL, "store", "an audit row is too large");
	return db_run(db,
		       "INSERT INTO audit (seq, at, actor, name, role, address, act, tenant, object, phase, intent, detail, previous,"
		       " hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
		       DB_ARGS(DB_I(seq), DB_I(a->at), DB_T(a->actor), DB_T(a->name), DB_T(a->role), DB_T(a->address), DB_T(a->act),
			       DB_T(a->tenant), DB_T(a->object), DB_T(a->phase), DB_I(a->intent), DB_T(a->detail), DB_T(previous),
			       DB_T(hash)),
		       err) < 0 ? -1 : 0;
}

int store_audit_add(struct store *s, const struct console_audit *in, int64_t *ret_seq, struct err *err)
{
	struct console_audit a = *in;
	const char **texts[] = {&a.actor, &a.name, &a.role, &a.address, &a.act, &a.tenant, &a.object, &a.phase, &a.detail};
	struct buf clean[ARRAY_SIZE(texts)];
	int r = 0;

	/* The hash is over what the database will give back: it keeps valid UTF-8 only. */
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		clean[i] = (struct buf)BUF_INIT(65536);
		if (utf8_clean(&clean[i], str0(*texts[i]), strlen(str0(*texts[i])), false) < 0)
			r = -1;
		*texts[i] = buf_str(&clean[i]);
	}
	if (r < 0)
		err_set(err, ERR_TOO_BIG, "too_big", "an audit row is too large");
	else
		r = store_write(s, add, &a, err);
	if (r == 0 && ret_seq)
		*ret_seq = a.seq;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		buf_free(&clean[i]);
	return r;
}

#define COLUMNS                                                                                              \
	"SELECT seq, at, actor, name, role, address, act, tenant, object, phase, intent, detail, previous, hash FROM audit"

static void read_audit(struct db_row *r, void *item)
{
	struct console_audit *a = item;

	a->seq = db_row_int(r);
	a->at = db_row_int(r);
	a->actor = db_row_text0(r);
	a->name = db_row_text0(r);
	a->role = db_row_text0(r);
	a->address = db_row_text0(r);
	a->act = db_row_text0(r);
	a->tenant = db_row_text0(r);
	a->object = db_row_text0(r);
	a->phase = db_row_text0(r);
	a->intent = db_row_int(r);
	a->detail = db_row_text0(r);
	a->previous = db_row_text0(r);
	a->hash = db_row_text0(r);
}

int store_audit_list(struct store *s, const struct audit_filter *f, struct arena *a, struct console_audit **ret, size_t *ret_n,
	struct err *err)
{
	const struct db_arg args[] = {DB_T(f->tenants), DB_T(f->tenant), DB_T(f->actor), DB_T(f->act), DB_T(f->object),
		DB_I(f->since), DB_I(f->until), DB_I(f->before), DB_I(f->max ? (int64_t)f->max : CONSOLE_LIST_MAX)};
	struct store_query q = {.sql = COLUMNS " WHERE " IN_TENANTS("tenant", "?1")
					       " AND (CAST(?2 AS TEXT) IS NULL OR tenant = ?2)"
					       " AND (CAST(?3 AS TEXT) IS NULL OR actor = ?3)"
					       " AND (CAST(?4 AS TEXT) IS NULL OR act = ?4)"
					       " AND (CAST(?5 AS TEXT) IS NULL OR object = ?5)"
					       " AND (?6 = 0 OR at >= ?6) AND (?7 = 0 OR at < ?7) AND (?8 = 0 OR seq < ?8)"
					       " ORDER BY seq DESC LIMIT ?9",
		.args = args, .n_args = ARRAY_SIZE(args), .size = sizeof(struct console_audit), .read = read_audit, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

struct verify {
	const char *head_was;
	bool head_seen;
	int64_t last; /* by the counter */
	struct audit_check c;
};

/* The rows behind the last one seen. 0: no more. */
static int verify_page(struct verify *v, struct db *db, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	const struct db_arg args[] = {DB_I(v->c.rows), DB_I(VERIFY_ROWS)};
	struct store_query q = {.sql = COLUMNS " WHERE seq > ?1 ORDER BY seq LIMIT ?2", .args = args, .n_args = 2,
		.size = sizeof(struct console_audit), .read = read_audit, .arena = a};
	char hash[CONSOLE_HASH_LEN];

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (query_rows(db, &q, err) < 0)
		return -1;
	const struct console_audit *rows = q.found;
	for (size_t i = 0; i < q.n; i++) {
		const char *what = NULL;
		if (rows[i].seq != v->c.rows + 1)
			what = "missing";
		else if (row_hash(&rows[i], rows[i].previous, hash) < 0 || strcmp(hash, rows[i].hash) != 0)
			what = "changed";
		else if (strcmp(rows[i].previous, v->c.head) != 0)
			what = "order";
		if (what) {
			v->c.broken_at = v->c.rows + 1;
			v->c.what = what;
			return 0;
		}
		v->c.rows = rows[i].seq;
		memcpy(v->c.head, hash, sizeof(hash));
		v->head_seen = v->head_seen || (v->head_was && strcmp(v->head_was, hash) == 0);
	}
	return q.n > 0;
}

static int verify(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct verify *v = ctx;
	int r;

	v->c = (struct audit_check){.head = NO_HASH};
	v->head_seen = false;
	if (db_get_int(db, "SELECT value FROM counters WHERE name = 'audit'", DB_NONE, &v->last, err) < 0)
		return -1;
	while ((r = verify_page(v, db, err)) > 0)
		;
	if (r < 0)
		return -1;
	if (!v->c.what && (v->c.rows < v->last || (v->head_was && !v->head_seen))) {
		v->c.broken_at = v->c.rows + 1;
		v->c.what = "cut";
	}
	return 0;
}

int store_audit_verify(struct store *s, const char *head_was, struct audit_check *ret, struct err *err)
{
	struct verify v = {.head_was = head_was};

	if (store_read(s, verify, &v, err) < 0)
		return -1;
	*ret = v.c;
	return 0;
}
