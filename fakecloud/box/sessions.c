/* Chunked uploads of Box: sessions, their parts, and the commit that makes a file of them. Called by the
 * router with the state lock held. */
#include "fakecloud/box/upload.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MIN_SIZE 20000000
#define PART_SIZE 8388608
#define LIFE_MS (7ll * 86400 * 1000)

struct part {
	char id[9];
	int64_t offset, size;
	char sha1[41];
	char *data;
};

struct session {
	char id[33];
	struct bx_tenant *t;
	struct bx_user *user;
	struct bx_item *folder, *file; /* one of them */
	char *name;
	int64_t size, expires_at;
	struct bx_list parts; /* struct part, by offset */
};

static struct map sessions;

static int64_t total_parts(const struct session *s)
{
	return (s->size + PART_SIZE - 1) / PART_SIZE;
}

static cJSON *session_json(struct bx_ctx *c, const struct session *s)
{
	static const char *const names[][2] = {{"upload_part", ""}, {"commit", "/commit"}, {"abort", ""},
		{"list_parts", "/parts"}, {"status", ""}, {"log_event", "/log"}};
	cJSON *o = cJSON_CreateObject(), *ends;

	cJSON_AddStringToObject(o, "id", s->id);
	cJSON_AddStringToObject(o, "type", "upload_session");
	bx_time(o, "session_expires_at", s->expires_at);
	bx_num(o, "part_size", PART_SIZE);
	bx_num(o, "total_parts", total_parts(s));
	bx_num(o, "num_parts_processed", (int64_t)s->parts.n);
	ends = cJSON_AddObjectToObject(o, "session_endpoints");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cJSON_AddStringToObject(ends, names[i][0],
			arena_printf(c->req->arena, "%s%s/files/upload_sessions/%s%s", bx_base(c), c->prefix,
				s->id, names[i][1]));
	return o;
}

static struct session *session_new(struct bx_ctx *c, const cJSON *body, const char *name)
{
	struct session *s;
	int64_t size;

	if (!json_get(body, "file_size")) {
		bx_error(c, 400, "missing_file_size", "'file_size' was not provided");
		return NULL;
	}
	if (!json_int64(body, "file_size", &size) || size < 0) {
		bx_error(c, 400, "invalid_file_size", "'file_size' was not a valid number");
		return NULL;
	}
	if (size < MIN_SIZE) {
		bx_error(c, 400, "file_size_too_small",
			"'file_size' is below the minimum of uploads via this API");
		return NULL;
	}
	s = bx_alloc(sizeof(*s));
	random_hex(s->id, 16);
	for (char *p = s->id; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 32 : *p);
	s->t = c->t;
	s->user = c->user;
	s->name = bx_strdup(name);
	s->size = size;
	s->expires_at = fc_now() + LIFE_MS;
	map_put(&sessions, s->id, s);
	return s;
}

void bx_do_session_new(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false), *parent;
	const char *name = json_str(body, "file_name"), *id;
	struct bx_item *to;
	struct session *s;
	char number[32];

	if (!body)
		return;
	id = json_id(body, "folder_id", number, sizeof(number));
	if (!id) {
		bx_error(c, 400, "missing_destination", "No 'folder_id' was provided");
		return;
	}
	if (!name) {
		bx_error(c, 400, "missing_file_name", "'file_name' was not provided");
		return;
	}
	parent = cJSON_CreateObject();
	cJSON_AddStringToObject(parent, "id", id);
	to = bx_upload_target(c, parent, name);
	json_free(parent);
	if (to && (s = session_new(c, body, name))) {
		s->folder = to;
		fc_json(c->res, 201, session_json(c, s));
	}
}

void bx_do_session_version(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	struct bx_item *it;
	struct session *s;

	if (!body || !(it = bx_upload_existing(c, json_str(body, "file_name"))))
		return;
	if ((s = session_new(c, body, json_str(body, "file_name")))) {
		s->file = it;
		fc_json(c->res, 201, session_json(c, s));
	}
}

static struct session *session_of(struct bx_ctx *c)
{
	struct session *s = map_get(&sessions, c->id[0]);

	if (s && s->t == c->t && s->user == c->user && s->expires_at > fc_now())
		return s;
	bx_error(c, 404, "not_found", "Upload session not found");
	return NULL;
}

static void session_end(struct session *s)
{
	for (size_t i = 0; i < s->parts.n; i++) {
		struct part *p = s->parts.at[i];
		free(p->data);
		free(p);
	}
	free(s->parts.at);
	map_del(&sessions, s->id);
	free(s->name);
	free(s);
}

void bx_do_session_get(struct bx_ctx *c)
{
	struct session *s = session_of(c);
	if (s)
		fc_json(c->res, 200, session_json(c, s));
}

void bx_do_session_delete(struct bx_ctx *c)
{
	struct session *s = session_of(c);
	if (s) {
		session_end(s);
		bx_none(c);
	}
}

/* ---- parts ---- */

static cJSON *part_json(const struct part *p)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "part_id", p->id);
	bx_num(o, "offset", p->offset);
	bx_num(o, "size", p->size);
	cJSON_AddStringToObject(o, "sha1", p->sha1);
	return o;
}

/* "sha=BASE64" against bytes' SHA-1 in hex. */
static bool digest_fits(const char *header, const char *sha1)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(64);
	char hex[129];

	if (!header || strncasecmp(header, "sha=", 4) != 0 ||
		base64_decode(&raw, header + 4, strlen(header + 4)) < 0 || raw.len != 20)
		return false;
	hex_encode(hex, raw.data, raw.len);
	return !strcmp(hex, sha1);
}

static bool range_ok(struct bx_ctx *c, const struct session *s, int64_t *ret_offset)
{
	const char *header = fc_header(c->req, "Content-Range");
	int64_t from, to, total, len = (int64_t)c->req->body->len;
	char end;

	if (!header || sscanf(header, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64 "%c", &from, &to, &total,
			       &end) != 3) {
		bx_error(c, 400, "bad_request", "Missing or malformed Content-Range");
		return false;
	}
	bool last = to + 1 == s->size;
	if (total != s->size || from < 0 || to < from || to >= s->size || from % PART_SIZE ||
		to - from + 1 != len || (!last && len != PART_SIZE) || len > PART_SIZE) {
		bx_error(c, 416, "range_mismatch",
			"The content range does not match a specified range for the session");
		return false;
	}
	*ret_offset = from;
	return true;
}

void bx_do_session_put(struct bx_ctx *c)
{
	struct session *s = session_of(c);
	const char *digest = fc_header(c->req, "Digest");
	const struct buf *body = c->req->body;
	struct digests d;
	int64_t offset;
	cJSON *o;

	if (!s || !range_ok(c, s, &offset))
		return;
	if (digest_bytes(DIGEST_SHA1, buf_str(body), body->len, &d) < 0)
		abort();
	if (!digest || !*digest) {
		bx_error(c, 400, "bad_request", "Missing Digest");
		return;
	}
	if (!digest_fits(digest, d.sha1)) {
		bx_error(c, 412, "sha1_mismatch", "The digest does not match what was received");
		return;
	}
	size_t at = 0;
	while (at < s->parts.n && ((struct part *)s->parts.at[at])->offset < offset)
		at++;
	struct part *p = at < s->parts.n ? s->parts.at[at] : NULL;
	if (p && p->offset == offset && strcmp(p->sha1, d.sha1) != 0) {
		bx_error(c, 409, "range_overlaps_existing_range",
			"The part conflicts with another part that was uploaded");
		return;
	}
	if (!p || p->offset != offset) {
		p = bx_alloc(sizeof(*p));
		random_hex(p->id, 4);
		for (char *q = p->id; *q; q++)
			*q = (char)(*q >= 'a' && *q <= 'f' ? *q - 32 : *q);
		p->offset = offset;
		p->size = (int64_t)body->len;
		snprintf(p->sha1, sizeof(p->sha1), "%s", d.sha1);
		p->data = bx_alloc(body->len);
		memcpy(p->data, body->data, body->len);
		bx_push(&s->parts, NULL);
		memmove(&s->parts.at[at + 1], &s->parts.at[at],
			(s->parts.n - 1 - at) * sizeof(s->parts.at[0]));
		s->parts.at[at] = p;
	}
	o = cJSON_CreateObject();
	cJSON_AddItemToObject(o, "part", part_json(p));
	fc_json(c->res, 200, o);
}

void bx_do_session_parts(struct bx_ctx *c)
{
	struct session *s = session_of(c);
	cJSON *entries;
	struct bx_page page;

	if (!s || bx_page_get(c, 1000, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, s->parts.n); i++)
		cJSON_AddItemToArray(entries, part_json(s->parts.at[i]));
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)s->parts.n, entries, NULL, NULL));
}

/* ---- commit ---- */

/* The list of the body against what was uploaded: every part, once, whole. */
static bool parts_ok(struct bx_ctx *c, const struct session *s, const cJSON *list)
{
	const cJSON *one;
	int64_t covered = 0;
	size_t named = 0;

	cJSON_ArrayForEach(one, list)
	{
		const char *id = json_str_or(one, "part_id", "");
		bool found = false;
		for (size_t i = 0; i < s->parts.n && !found; i++) {
			const struct part *p = s->parts.at[i];
			found = !strcasecmp(p->id, id) &&
				json_int64_or(one, "offset", p->offset) == p->offset &&
				json_int64_or(one, "size", p->size) == p->size;
		}
		if (!found) {
			bx_invalid(c, 400, "bad_request", "parts", "A part of the list was not uploaded");
			return false;
		}
		named++;
	}
	for (size_t i = 0; i < s->parts.n; i++)
		covered += ((const struct part *)s->parts.at[i])->size;
	if (!cJSON_IsArray(list) || named != s->parts.n || covered != s->size) {
		bx_invalid(c, 400, "bad_request", "parts", "The parts do not make up the whole file");
		return false;
	}
	return true;
}

static struct fc_blob *assemble(const struct session *s)
{
	char *all = bx_alloc((size_t)s->size);
	struct fc_blob *blob;

	for (size_t i = 0; i < s->parts.n; i++) {
		const struct part *p = s->parts.at[i];
		memcpy(all + p->offset, p->data, (size_t)p->size);
	}
	blob = fc_blob_from_bytes(all, (size_t)s->size);
	free(all);
	return blob;
}

void bx_do_session_commit(struct bx_ctx *c)
{
	struct session *s = session_of(c);
	cJSON *body = s ? bx_body(c, false) : NULL;
	const cJSON *attributes = json_object(body, "attributes");
	struct fc_blob *blob;
	struct bx_item *other;

	if (!body || !parts_ok(c, s, json_get(body, "parts")))
		return;
	if (s->file && !bx_match_ok(c, s->file->etag))
		return;
	if (s->file ? s->file->gone || bx_trashed(s->file) : s->folder->gone || bx_trashed(s->folder)) {
		bx_error(c, 404, "not_found", "Not Found");
		return;
	}
	if (s->folder && (other = bx_child(s->folder, s->name))) {
		bx_conflict(c, other);
		return;
	}
	blob = assemble(s);
	if (!digest_fits(fc_header(c->req, "Digest"), fc_blob_digests(blob, DIGEST_SHA1)->sha1)) {
		bx_error(c, 412, "sha1_mismatch", "The digest does not match the whole file");
		return;
	}
	if (s->file)
		bx_upload_version(c, s->file, s->name, blob, attributes, 201);
	else
		bx_upload_new(c, s->folder, s->name, blob, attributes);
	session_end(s);
}
