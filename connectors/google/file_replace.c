/* Replacing a file: it goes into quarantine as by file_act.c, and a small text file with its name and ".txt" lies where it was; and
 * back. Called by google.c on core's job threads.
 *
 * The notice's id is fetched with the plan, so a repeat makes no second one. Back again the notice is deleted, unless somebody wrote to
 * it. Receipt: as file_act.c's, and notice {text, id, version; made; lost: it cannot be made, and why; kept}.
 * Sources: Drive files.generateIds, files.create (uploadType=multipart), files.delete. */
#include "connectors/google/files.h"

#include "base/digest.h"
#include "base/encode.h"

#include <string.h>

#define NOTICE_FIELDS FILE_FIELDS

static cJSON *notice_of(const cJSON *receipt)
{
	return json_object(receipt, "notice");
}

static const char *text_of(const cJSON *receipt)
{
	return json_str_or(notice_of(receipt), "text", "");
}

static int generate_id(struct connection *c, const char *user, cJSON *notice, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (drive_url(c, &url, err, "/files/generateIds", NULL) < 0)
		return -1;
	if (url_query_int(&url, "count", 1) < 0 || url_query(&url, "space", "drive") < 0 || url_query(&url, "type", "files") < 0)
		return err_memory(err);
	if (google_get(c, user, buf_str(&url), &doc, err) < 0)
		return -1;
	const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(json_array(doc, "ids"), 0));
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of new ids that is none");
	return MEM_OK(json_set_str(notice, "id", id) == 0, err);
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	cJSON *notice = cJSON_CreateObject();

	/* A file of nothing is no notice. */
	if (json_set(receipt, "notice", notice) < 0 ||
		json_set_str(notice, "text", act->notice && *act->notice ? act->notice : "sekisho") < 0)
		return err_memory(err);
	if (file_plan(c, context, stream, item, receipt, err) < 0)
		return -1;
	return generate_id(c, json_str(receipt, "user"), notice, err);
}

/* The notice as it is now: 0 and the file, 1 when it is gone or in the trash. */
static int find(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL;
	struct err why = {0};

	if (file_get(c, json_str(receipt, "user"), json_str_or(notice_of(receipt), "id", "-"), NOTICE_FIELDS, &file, &why) < 0)
		return err_not_there(&why) ? 1 : pass_on(err, &why);
	if (json_bool(file, "trashed"))
		return 1;
	*ret = TAKE_PTR(file);
	return 0;
}

static int compose(const cJSON *receipt, const char *boundary, struct buf *out, struct err *err)
{
	_cleanup_json_ cJSON *meta = cJSON_CreateObject();
	_cleanup_buf_ struct buf name = BUF_INIT(4096);
	const char *folder = json_str(json_object(receipt, "parent"), "id");
	cJSON *parents = cJSON_CreateArray();

	if (notice_file_name(json_str_or(receipt, "name", ""), &name, err) < 0) {
		json_free(parents);
		return -1;
	}
	if (json_set(meta, "parents", parents) < 0 || (folder && list_add(parents, folder) < 0) ||
		json_set_str(meta, "id", json_str(notice_of(receipt), "id")) < 0 || json_set_str(meta, "name", buf_str(&name)) < 0 ||
		json_set_str(meta, "mimeType", "text/plain") < 0)
		return err_memory(err);
	if (buf_addf(out, "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n", boundary) < 0 || json_print(meta, out) < 0 ||
		buf_addf(out, "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--%s--\r\n", boundary, text_of(receipt),
			boundary) < 0)
		return err_memory(err);
	return 0;
}

static int create(struct connection *c, const cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf body = BUF_INIT(65536), url = BUF_INIT(GOOGLE_URL_MAX);
	char boundary[33], type[80];

	random_hex(boundary, 16);
	snprintf(type, sizeof(type), "multipart/related; boundary=%s", boundary);
	if (compose(receipt, boundary, &body, err) < 0 || url_make(&url, err, c->drive, "/upload/drive/v3/files", NULL) < 0)
		return -1;
	if (url_query(&url, "uploadType", "multipart") < 0 || url_query(&url, "supportsAllDrives", "true") < 0 ||
		url_query(&url, "fields", "id") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = json_str(receipt, "user"), .body = &body,
		.type = type};
	return google_json(c, &call, NULL, err);
}

static int put_notice(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *file = NULL;
	cJSON *notice = notice_of(receipt);
	struct err why = {0};

	if (!a)
		return err_memory(err);
	if (json_bool(notice, "made"))
		return 0;
	/* 409: an earlier try made it. */
	if (create(c, receipt, &why) < 0 && why.http_status != 409) {
		/* The file is contained whether or not somebody is told in its place. */
		if (!err_refused(&why) && !err_not_there(&why))
			return pass_on(err, &why);
		return MEM_OK(json_set_str(notice, "lost", why.message) == 0 &&
			json_note(receipt, "notes", "no notice in its place: %.200s", why.message) == 0, err);
	}
	int r = find(c, receipt, &file, err);
	if (r < 0 || MEM_OK(json_set_bool(notice, "made", true) == 0, err) < 0)
		return -1;
	if (r == 1)
		return 0; /* somebody threw it away */
	const char *version = file_version(a, file);
	if (!version || json_set_str(notice, "version", version) < 0)
		return err_memory(err);
	return notice_remember(c->api.env, json_str(notice, "id"), version, err);
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return file_quarantine(c, receipt, again, err) < 0 ? -1 : put_notice(c, receipt, err);
}

static bool is_untouched(const cJSON *receipt, const cJSON *file)
{
	const char *version = json_str(notice_of(receipt), "version"), *sha256 = json_str(file, "sha256Checksum");
	const char *text = text_of(receipt);
	struct digests d = {0};

	if (version && file_version_is(file, version))
		return true;
	return sha256 && digest_bytes(DIGEST_SHA256, text, strlen(text), &d) == 0 && strcmp(sha256, d.sha256) == 0;
}

static int remove_notice(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *file = NULL;
	struct err why = {0};

	int r = find(c, receipt, &file, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!is_untouched(receipt, file))
		return MEM_OK(json_set_bool(notice_of(receipt), "kept", true) == 0 &&
			json_note(receipt, "notes", "the notice %.200s was written to: it stays", json_str_or(file, "name", "")) == 0, err);
	if (drive_url(c, &url, err, "/files/{}", json_str(file, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "DELETE", .url = buf_str(&url), .as = json_str(receipt, "user")};
	return google_json(c, &call, NULL, &why) == 0 || err_not_there(&why) ? 0 : pass_on(err, &why);
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return file_restore(c, receipt, again, err) < 0 ? -1 : remove_notice(c, receipt, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *notice = notice_of(receipt);
	_cleanup_json_ cJSON *there = NULL;

	if (file_observe(c, receipt, ret, err) < 0)
		return -1;
	/* That a notice was thrown away makes the file no less contained; one that was never made has to be. */
	bool told = json_bool(notice, "made") || json_str(notice, "lost");
	if (!ret->restored && (told || !ret->quarantined))
		return 0;
	int r = find(c, receipt, &there, err);
	if (r < 0)
		return -1;
	ret->quarantined = ret->quarantined && (told || r == 0);
	ret->restored = ret->restored && (r == 1 || json_bool(notice, "kept"));
	return 0;
}

const struct google_act file_replace = {
	.kind = ACT_REPLACE,
	.name = "replace",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
	.held = true,
};
