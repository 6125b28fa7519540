/* The verdict cache: what was said of a content, found by its SHA-256 or by a strong hash of the provider's. Only
 * what the same engine and signatures said is a hit. */
#include "store/impl.h"

#include "base/encode.h"

#include <string.h>

enum hash_no { HASH_SHA256, HASH_SHA1, HASH_DROPBOX, HASH_NONE }; /* sha1 and dropbox as in the schema */

struct hash {
	enum hash_no kind;
	unsigned char bytes[SHA256_LEN];
	size_t len;
};

/* false for kinds that prove nothing and for what is no hash of that kind: providers may say what they like. */
static bool hash_read(const char *kind, const char *hex, struct hash *ret)
{
	enum hash_no no = !kind ? HASH_NONE : strcmp(kind, "sha256") == 0 ? HASH_SHA256 : strcmp(kind, "sha1") == 0 ? HASH_SHA1 :
			strcmp(kind, "dropbox") == 0 ? HASH_DROPBOX : HASH_NONE;
	struct hash h = {.kind = no, .len = no == HASH_SHA1 ? 20 : SHA256_LEN};

	if (no == HASH_NONE || !hex || strlen(hex) != h.len * 2 || hex_decode(h.bytes, hex, h.len) < 0)
		return false;
	*ret = h;
	return true;
}

static int hash_insert(struct db *db, const char *kind, const char *hex, int64_t size, const struct hash *sha256,
	struct err *err)
{
	struct hash h;

	if (size < 0 || !hash_read(kind, hex, &h) || h.kind == HASH_SHA256)
		return 0;
	return db_run(db,
		       "INSERT INTO hashes (kind, hash, size, sha256) VALUES (?1, ?2, ?3, ?4)"
		       " ON CONFLICT (kind, hash, size) DO UPDATE SET sha256 = excluded.sha256"
		       " WHERE hashes.sha256 <> excluded.sha256",
		       DB_ARGS(DB_I(h.kind), DB_B(h.bytes, h.len), DB_I(size), DB_B(sha256->bytes, sha256->len)),
		       err) < 0 ? -1 : 0;
}

int verdict_insert(struct db *db, const struct store_result *r, struct err *err)
{
	struct hash h;

	if (!r->verdict || !hash_read("sha256", r->sha256, &h))
		return 0;
	if (db_run(db,
		    "INSERT INTO verdicts (sha256, size, engine, signatures, verdict, reason, threats, judged_at)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (sha256) DO UPDATE SET size = excluded.size,"
		    " engine = excluded.engine, signatures = excluded.signatures, verdict = excluded.verdict,"
		    " reason = excluded.reason, threats = excluded.threats, judged_at = excluded.judged_at",
		    DB_ARGS(DB_B(h.bytes, h.len), DB_I(r->size), DB_T(str0(r->engine)), DB_T(str0(r->signatures)),
			    DB_T(r->verdict), DB_T(str0(r->verdict_reason)), DB_T(r->threats), DB_I(r->now)),
		    err) < 0)
		return -1;
	if (hash_insert(db, r->hash_kind, r->hash, r->size, &h, err) < 0 ||
		hash_insert(db, "sha1", r->sha1, r->size, &h, err) < 0)
		return -1;
	return hash_insert(db, "dropbox", r->dropbox, r->size, &h, err);
}

struct lookup {
	struct hash hash;
	int64_t size; /* -1: any */
	const char *engine, *signatures;
	struct arena *arena;
	struct store_verdict found;
};

static int lookup(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char by_content[] =
		"SELECT sha256, size, verdict, reason, threats FROM verdicts"
		" WHERE sha256 = ?2 AND engine = ?4 AND signatures = ?5 AND (?3 < 0 OR size = ?3) AND ?1 >= 0";
	static const char by_hash[] =
		"SELECT v.sha256, v.size, v.verdict, v.reason, v.threats FROM hashes h JOIN verdicts v ON v.sha256 = h.sha256"
		" WHERE h.kind = ?1 AND h.hash = ?2 AND h.size = ?3 AND v.size = ?3 AND v.engine = ?4 AND v.signatures = ?5";
	struct lookup *l = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, l->hash.kind == HASH_SHA256 ? by_content : by_hash,
		    DB_ARGS(DB_I(l->hash.kind), DB_B(l->hash.bytes, l->hash.len), DB_I(l->size), DB_T(l->engine),
			    DB_T(l->signatures)),
		    &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_GONE, "not_found", "no verdict of these signatures is known");
	struct db_row row = {.st = st, .arena = l->arena};
	char hex[SHA256_LEN * 2 + 1];
	unsigned char sha256[SHA256_LEN] = {0};
	if (db_blob(st, row.column++, sha256, sizeof(sha256)) != sizeof(sha256))
		return err_set(err, ERR_LOCAL, "corrupt", "a verdict's hash is damaged");
	hex_encode(hex, sha256, sizeof(sha256));
	l->found.sha256 = arena_dup(l->arena, hex);
	l->found.size = db_row_int(&row);
	l->found.verdict = db_row_text0(&row);
	l->found.reason = db_row_text0(&row);
	l->found.threats = db_row_text(&row);
	if (!l->found.sha256)
		row.failed = true;
	return db_row_end(&row, err);
}

static int find(struct store *s, const char *kind, const char *hash, int64_t size, const char *engine, const char *signatures,
	struct arena *a, struct store_verdict *ret, struct err *err)
{
	struct lookup l = {.size = size, .engine = str0(engine), .signatures = str0(signatures), .arena = a};

	if (!hash_read(kind, hash, &l.hash))
		return err_set(err, ERR_GONE, "not_found", "no verdict is known by such a hash");
	if (store_read(s, lookup, &l, err) < 0)
		return -1;
	*ret = l.found;
	return 0;
}

int store_verdict_get(struct store *s, const char *sha256, const char *engine, const char *signatures, struct arena *a,
	struct store_verdict *ret, struct err *err)
{
	return find(s, "sha256", sha256, -1, engine, signatures, a, ret, err);
}

int store_verdict_by_hash(struct store *s, const char *kind, const char *hash, int64_t size, const char *engine,
	const char *signatures, struct arena *a, struct store_verdict *ret, struct err *err)
{
	if (size < 0)
		return err_set(err, ERR_GONE, "not_found", "a hash without the size proves too little");
	return find(s, kind, hash, size, engine, signatures, a, ret, err);
}
