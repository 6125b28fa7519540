/* Upload sessions: content in pieces, then one commit. */
#include "fakecloud/dropbox/dropbox.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_MAX ((size_t)2 << 30)
#define SESSION_LIFE_MS (7 * 86400000ll)
#define BLOCK ((uint64_t)4 << 20)

static struct dbx_session *session_new(struct dbx_call *c)
{
	struct dbx_session *s = calloc(1, sizeof(*s));
	const char *type = dbx_tag_of(json_get(c->arg, "session_type"));

	if (!s)
		abort();
	dbx_new_id(s->id, sizeof(s->id), "pid_upload_session:", 16, c->team);
	s->data.max = SESSION_MAX;
	s->started_at = fc_now();
	s->concurrent = type && !strcmp(type, "concurrent");
	map_put(&c->team->sessions, s->id, s);
	return s;
}

/* True when the sent bytes have the hash that came with them, or none came. */
static bool hash_fits(struct dbx_call *c)
{
	const char *hash = json_str(c->arg, "content_hash");
	struct digests d;

	return !hash || (digest_bytes(DIGEST_DROPBOX, buf_str(c->req->body), c->req->body->len, &d) == 0 &&
				!strcmp(hash, d.dropbox));
}

void dbx_session_start(struct dbx_call *c)
{
	const char *type = dbx_tag_of(json_get(c->arg, "session_type"));
	bool concurrent = type && !strcmp(type, "concurrent"), close = dbx_arg_bool(c, "close", false);

	if (c->req->body->len > DBX_UPLOAD_MAX) {
		dbx_error(c, "payload_too_large");
		return;
	}
	if (concurrent && (c->req->body->len || close)) {
		dbx_error(c, close ? "concurrent_session_close_not_allowed"
				   : "concurrent_session_data_not_allowed");
		return;
	}
	if (!hash_fits(c)) {
		dbx_error(c, "content_hash_mismatch");
		return;
	}
	struct dbx_session *s = session_new(c);
	buf_add(&s->data, buf_str(c->req->body), c->req->body->len);
	s->closed = close;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "session_id", s->id);
	dbx_ok(c, doc);
}

void dbx_session_start_batch(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(doc, "session_ids");

	for (int64_t n = dbx_arg_int(c, "num_sessions", 0); n > 0; n--)
		cJSON_AddItemToArray(ids, cJSON_CreateString(session_new(c)->id));
	dbx_ok(c, doc);
}

static struct dbx_session *session_find(struct dbx_call *c, const char *id)
{
	struct dbx_session *s = map_get(&c->team->sessions, id);

	return s && !s->used && fc_now() - s->started_at < SESSION_LIFE_MS ? s : NULL;
}

static cJSON *offset_error(uint64_t correct)
{
	cJSON *error = dbx_tag("incorrect_offset");

	cJSON_AddNumberToObject(error, "correct_offset", (double)correct);
	return error;
}

/* Adds bytes at an offset. NULL, or the value of an UploadSessionLookupError. */
static cJSON *append(struct dbx_session *s, uint64_t offset, const char *data, size_t len, bool close)
{
	if (!s)
		return dbx_union("not_found");
	if (s->closed && (len || !s->concurrent))
		return dbx_union("closed");
	if (offset + len > SESSION_MAX)
		return dbx_union("too_large");
	if (s->concurrent) {
		if (offset % BLOCK)
			return dbx_union("concurrent_session_invalid_offset");
		if (len % BLOCK && !close)
			return dbx_union("concurrent_session_invalid_data_size");
		if (s->data.len < offset + len) {
			size_t more = (size_t)(offset + len) - s->data.len;
			if (buf_reserve(&s->data, more) < 0)
				return dbx_union("too_large");
			memset(s->data.data + s->data.len, 0, more + 1);
			s->data.len += more;
		}
		if (len)
			memcpy(s->data.data + offset, data, len);
		s->received += len;
	} else {
		if (offset != s->data.len)
			return offset_error(s->data.len);
		if (buf_add(&s->data, data, len) < 0)
			return dbx_union("too_large");
	}
	s->closed |= close;
	return NULL;
}

static void append_one(struct dbx_call *c, const char *id, uint64_t offset)
{
	if (c->req->body->len > DBX_UPLOAD_MAX) {
		dbx_error(c, "payload_too_large");
		return;
	}
	if (!hash_fits(c)) {
		dbx_error(c, "content_hash_mismatch");
		return;
	}
	cJSON *error = append(session_find(c, id), offset, buf_str(c->req->body), c->req->body->len,
		dbx_arg_bool(c, "close", false));
	if (error)
		dbx_error_doc(c, 409, arena_dup(c->arena, dbx_tag_of(error)), error);
	else
		dbx_ok(c, NULL);
}

void dbx_session_append(struct dbx_call *c)
{
	append_one(c, json_str(c->arg, "session_id"), (uint64_t)dbx_arg_int(c, "offset", 0));
}

/* The cursor of an argument: session and offset. */
static bool cursor_of(const cJSON *arg, const char **ret_id, uint64_t *ret_offset)
{
	const cJSON *cursor = json_object(arg, "cursor");
	int64_t offset;

	*ret_id = json_str(cursor, "session_id");
	if (!*ret_id || !json_int64(cursor, "offset", &offset) || offset < 0)
		return false;
	*ret_offset = (uint64_t)offset;
	return true;
}

void dbx_session_append_v2(struct dbx_call *c)
{
	const char *id;
	uint64_t offset;

	if (cursor_of(c->arg, &id, &offset))
		append_one(c, id, offset);
	else
		dbx_error(c, "not_found");
}

void dbx_session_append_batch(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject(), *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *each;
	uint64_t at = 0, total = 0;

	cJSON_ArrayForEach(each, json_array(c->arg, "entries")) total +=
		(uint64_t)json_int64_or(each, "length", 0);
	const char *wrong = c->req->body->len > DBX_UPLOAD_MAX ? "payload_too_large"
			    : total != c->req->body->len       ? "length_mismatch"
			    : !hash_fits(c)		       ? "content_hash_mismatch"
							       : NULL;
	if (wrong) {
		json_free(doc);
		dbx_error(c, wrong);
		return;
	}
	cJSON_ArrayForEach(each, json_array(c->arg, "entries"))
	{
		const char *id;
		uint64_t offset;
		size_t len = (size_t)json_int64_or(each, "length", 0);
		cJSON *error = cursor_of(each, &id, &offset)
				       ? append(session_find(c, id), offset, buf_str(c->req->body) + at, len,
						 json_bool(each, "close"))
				       : dbx_union("not_found");
		cJSON *entry = dbx_tag(error ? "failure" : "success");
		if (error)
			cJSON_AddItemToObject(entry, "failure", error);
		cJSON_AddItemToArray(entries, entry);
		at += len;
	}
	dbx_ok(c, doc);
}

/* Adds the last bytes and commits. NULL, or the value of an UploadSessionFinishError; *ret_chain is its
 * summary. */
static cJSON *finish(struct dbx_call *c, const cJSON *entry, const char *data, size_t len,
	bool must_be_closed, struct dbx_node **ret_node, const char **ret_chain)
{
	const cJSON *commit = json_object(entry, "commit");
	const char *id, *wrong = NULL;
	uint64_t offset;
	cJSON *error = NULL;

	struct dbx_session *s = cursor_of(entry, &id, &offset) ? session_find(c, id) : NULL;
	if (!s)
		error = dbx_union("not_found");
	else if (s->concurrent && len)
		wrong = "concurrent_session_data_not_allowed";
	else if (s->concurrent && !s->closed)
		wrong = "concurrent_session_not_closed";
	else if (s->concurrent && s->received != s->data.len)
		wrong = "concurrent_session_missing_data";
	else if (must_be_closed && !s->closed)
		error = dbx_union("not_closed");
	else if (offset != s->data.len)
		error = offset_error(s->data.len);
	else if (len)
		error = append(s, offset, data, len, false);
	if (error) {
		*ret_chain = dbx_chain(c, "lookup_failed/%s", dbx_tag_of(error));
		cJSON *outer = dbx_tag("lookup_failed");
		cJSON_AddItemToObject(outer, "lookup_failed", error);
		return outer;
	}
	if (!wrong) {
		struct fc_blob *blob = fc_blob_from_bytes(buf_str(&s->data), s->data.len);
		wrong = dbx_commit(c, commit, blob, ret_node);
		if (!wrong) {
			buf_free(&s->data);
			s->used = true;
			return NULL;
		}
		wrong = dbx_chain(c, "path/%s", wrong);
	}
	*ret_chain = wrong;
	return dbx_union(wrong);
}

void dbx_session_finish(struct dbx_call *c)
{
	struct dbx_node *node = NULL;
	const char *chain = NULL;

	if (!hash_fits(c)) {
		dbx_error(c, "content_hash_mismatch");
		return;
	}
	struct dbx_place at;
	if (!dbx_resolve(c, json_str(json_get(c->arg, "commit"), "path"), &at) && !dbx_may_write(c, at.ns))
		return;
	cJSON *error = finish(c, c->arg, buf_str(c->req->body), c->req->body->len, false, &node, &chain);
	if (error)
		dbx_error_doc(c, 409, chain, error);
	else
		dbx_ok(c, dbx_metadata(c, node, false));
}

static cJSON *finish_all(struct dbx_call *c, const char *tag)
{
	cJSON *doc = tag ? dbx_tag(tag) : cJSON_CreateObject(),
	      *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *each;

	cJSON_ArrayForEach(each, json_array(c->arg, "entries"))
	{
		struct dbx_node *node = NULL;
		const char *chain;
		cJSON *error = finish(c, each, NULL, 0, true, &node, &chain);
		cJSON *entry;
		if (error) {
			entry = dbx_tag("failure");
			cJSON_AddItemToObject(entry, "failure", error);
		} else {
			/* FileMetadata has no subtypes: its fields stand beside the tag. */
			entry = dbx_metadata(c, node, false);
			cJSON_AddStringToObject(entry, ".tag", "success");
		}
		cJSON_AddItemToArray(entries, entry);
	}
	return doc;
}

void dbx_session_finish_batch(struct dbx_call *c)
{
	dbx_ok(c, dbx_job_new(c, finish_all(c, "complete")));
}

void dbx_session_finish_batch_v2(struct dbx_call *c)
{
	dbx_ok(c, finish_all(c, NULL));
}
