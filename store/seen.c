/* What was seen: the contents that were judged and the facts of items, for replay, judging anew, and finding every copy. */
#include "store/impl.h"

#include "base/encode.h"

#include <string.h>

#define HALF_DAY_MS 43200000
#define COPIES_MAX 200

bool sha256_read(const char *hex, unsigned char ret[SHA256_LEN])
{
	return hex && strlen(hex) == 2 * SHA256_LEN && hex_decode(ret, hex, SHA256_LEN) == 0;
}

/* The row is written only when it is new, brings facts, or was not used for long: most items end with a content that is known. */
int content_keep(struct db *db, const struct store_result *r, int64_t *ret, struct err *err)
{
	unsigned char sha256[SHA256_LEN];
	int64_t id = 0;

	*ret = 0;
	if (!sha256_read(r->content, sha256))
		return 0;
	int found = db_get_int(db,
		"SELECT id FROM contents WHERE sha256 = ?1 AND detectors = ?2 AND used_at > ?3 AND (CAST(?4 AS TEXT) IS NULL OR facts = ?4)",
		DB_ARGS(DB_B(sha256, sizeof(sha256)), DB_T(str0(r->detectors)), DB_I(r->now - HALF_DAY_MS), DB_T(r->content_facts)),
		&id, err);
	if (found == 0)
		found = db_get_int(db,
			"INSERT INTO contents (sha256, detectors, facts, used_at) VALUES (?1, ?2, ?3, ?4)"
			" ON CONFLICT (sha256, detectors) DO UPDATE SET facts = coalesce(excluded.facts, contents.facts),"
			" used_at = excluded.used_at RETURNING id",
			DB_ARGS(DB_B(sha256, sizeof(sha256)), DB_T(str0(r->detectors)), DB_T(r->content_facts), DB_I(r->now)),
			&id, err);
	if (found < 0)
		return -1;
	*ret = id;
	return 0;
}

static void read_text(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text0(r);
}

int store_content_get(struct store *s, const char *sha256, const char *detectors, struct arena *a, const char **ret, struct err *err)
{
	unsigned char key[SHA256_LEN];

	if (!sha256_read(sha256, key))
		return err_set(err, ERR_GONE, "not_found", "nothing is known by such a hash");
	const struct db_arg args[] = {DB_B(key, sizeof(key)), DB_T(str0(detectors))};
	struct store_query q = {.sql = "SELECT facts FROM contents WHERE sha256 = ?1 AND detectors = ?2 AND facts IS NOT NULL",
		.args = args, .n_args = 2, .size = sizeof(char *), .read = read_text, .arena = a};
	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "these detectors did not look at that content");
	*ret = *(const char **)q.found;
	return 0;
}

/* ---- items with their facts ---- */

#define SEEN                                                                                                 \
	"SELECT i.id, i.stream, i.kind, c.tenant, c.id, c.provider, coalesce(i.service, s.service), i.remote_id, i.version, i.name,"   \
	" coalesce(f.path, i.path), coalesce(i.owner, s.owner), s.name, t.sha256, i.facts, t.facts, t.detectors, i.size, i.seen_at,"   \
	" i.done_at, coalesce(f.verdict, v.verdict, CASE i.state WHEN 3 THEN 'unknown' ELSE '' END), i.reason, v.engine,"              \
	" v.signatures, i.finding FROM items i JOIN connections c ON c.no = i.connection JOIN streams s ON s.id = i.stream"           \
	" LEFT JOIN contents t ON t.id = i.content LEFT JOIN verdicts v ON v.sha256 = t.sha256"                                        \
	" LEFT JOIN findings f ON f.id = i.finding AND i.finding > 0 WHERE "

static void read_seen(struct db_row *r, void *item)
{
	struct store_seen *e = item;
	unsigned char sha256[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1] = "";

	e->item = db_row_int(r);
	e->stream = db_row_int(r);
	e->kind = (int)db_row_int(r);
	e->tenant = db_row_text0(r);
	e->connection = db_row_text0(r);
	e->provider = db_row_text0(r);
	e->service = db_row_text0(r);
	e->remote_id = db_row_text0(r);
	e->version = db_row_text0(r);
	e->name = db_row_text0(r);
	e->path = db_row_text0(r);
	e->owner = db_row_text0(r);
	e->stream_name = db_row_text0(r);
	if (db_blob(r->st, r->column++, sha256, sizeof(sha256)) == sizeof(sha256))
		hex_encode(hex, sha256, sizeof(sha256));
	e->sha256 = arena_dup(r->arena, hex);
	r->failed = r->failed || !e->sha256;
	e->facts = db_row_text(r);
	e->content = db_row_text(r);
	e->detectors = db_row_text0(r);
	e->size = db_row_int(r);
	e->seen_at = db_row_int(r);
	e->done_at = db_row_int(r);
	e->verdict = db_row_text0(r);
	e->reason = db_row_text0(r);
	e->engine = db_row_text0(r);
	e->signatures = db_row_text0(r);
	e->finding = db_row_int(r);
}

static int seen(struct store *s, const char *sql, const struct db_arg *args, size_t n, struct arena *a, struct store_seen **ret,
	size_t *ret_n, struct err *err)
{
	struct store_query q = {.sql = sql, .args = args, .n_args = n, .size = sizeof(struct store_seen), .read = read_seen, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

int store_seen_list(struct store *s, const char *tenant, int64_t since, int64_t after, size_t max, struct arena *a,
	struct store_seen **ret, size_t *ret_n, struct err *err)
{
	static const char sql[] = SEEN "i.id > ?1 AND i.state IN (2, 3) AND i.done_at >= ?2 AND (CAST(?3 AS TEXT) IS NULL OR c.tenant = ?3)"
				       " ORDER BY i.id LIMIT ?4";
	const struct db_arg args[] = {DB_I(after), DB_I(since), DB_T(tenant), DB_I((int64_t)max)};

	return seen(s, sql, args, ARRAY_SIZE(args), a, ret, ret_n, err);
}

int store_seen_newest(struct store *s, const char *tenant, int64_t since, int64_t below, size_t max, struct arena *a,
	struct store_seen **ret, size_t *ret_n, struct err *err)
{
	static const char sql[] = SEEN "i.id < ?1 AND i.state IN (2, 3) AND i.done_at >= ?2 AND (CAST(?3 AS TEXT) IS NULL OR c.tenant = ?3)"
				       " ORDER BY i.id DESC LIMIT ?4";
	const struct db_arg args[] = {DB_I(below), DB_I(since), DB_T(tenant), DB_I((int64_t)max)};

	return seen(s, sql, args, ARRAY_SIZE(args), a, ret, ret_n, err);
}

int store_seen_get(struct store *s, int64_t item, struct arena *a, struct store_seen *ret, struct err *err)
{
	static const char sql[] = SEEN "i.id = ?1";
	const struct db_arg args[] = {DB_I(item)};
	struct store_seen *list;
	size_t n;

	if (seen(s, sql, args, ARRAY_SIZE(args), a, &list, &n, err) < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_GONE, "not_found", "there is no item %lld", (long long)item);
	*ret = list[0];
	return 0;
}

int store_copies(struct store *s, const char *tenant, const char *sha256, struct arena *a, struct store_seen **ret, size_t *ret_n,
	struct err *err)
{
	/* A finding's item has the content even when it was found by the provider's hash alone. */
	static const char sql[] = SEEN "i.id IN (SELECT o.id FROM contents h JOIN items o ON o.content = h.id AND o.content > 0"
				       " WHERE h.sha256 = ?2 UNION SELECT g.item FROM findings g WHERE g.sha256 = ?3 AND g.tenant = ?1)"
				       " AND c.tenant = ?1 ORDER BY i.id LIMIT ?4";
	unsigned char key[SHA256_LEN];

	*ret = NULL;
	*ret_n = 0;
	if (!sha256_read(sha256, key))
		return 0;
	const struct db_arg args[] = {DB_T(tenant), DB_B(key, sizeof(key)), DB_T(sha256), DB_I(COPIES_MAX)};
	return seen(s, sql, args, ARRAY_SIZE(args), a, ret, ret_n, err);
}
