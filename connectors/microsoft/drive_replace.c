/* Replacing a file: it goes into quarantine as by drive_act.c, and a small text file with its name and ".txt" lies where it was; and
 * back. Called by microsoft.c on core's job threads.
 *
 * The names that a notice may have follow from the act, so a repeat finds what an earlier try wrote: it is that when its bytes are
 * the notice's. Back again the notice is deleted, unless somebody wrote to it. Receipt: as drive_act.c's, and notice {text, id,
 * version; lost: it cannot be made, and why}. Source: Graph "Upload or replace the contents of a driveItem". */
#include "connectors/microsoft/acts.h"

#include "base/digest.h"

#include <string.h>

static cJSON *notice_of(const cJSON *receipt)
{
	return json_object(receipt, "notice");
}

static const char *text_of(const cJSON *receipt)
{
	return json_str_or(notice_of(receipt), "text", "");
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	cJSON *notice = cJSON_CreateObject();

	/* A file of nothing is no notice. */
	if (json_set(receipt, "notice", notice) < 0 ||
		json_set_str(notice, "text", act->notice && *act->notice ? act->notice : "sekisho") < 0)
		return err_memory(err);
	return ms_drive_plan(c, context, stream, item, receipt, err);
}

/* Its first name, and the one to take when that is somebody else's. */
static int name_of(const cJSON *receipt, int which, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf longer = BUF_INIT(4096);
	const char *name = json_str_or(receipt, "name", "");
	struct digests d = {0};
	const char *op = json_str_or(receipt, "op", "");

	if (which == 0)
		return notice_file_name(name, ret, err);
	if (digest_bytes(DIGEST_SHA256, op, strlen(op), &d) < 0 || buf_addf(&longer, "%s.%.8s", name, d.sha256) < 0)
		return err_memory(err);
	return notice_file_name(buf_str(&longer), ret, err);
}

static int url_of(struct connection *c, const cJSON *receipt, const char *folder, const char *name, bool content, struct buf *url,
	struct err *err)
{
	const char *drive = json_str(receipt, "drive");

	return content ? graph_url(c, url, err, "/drives/{}/items/{}:/{}:/content", drive, folder, name, NULL) :
			 graph_url(c, url, err, "/drives/{}/items/{}:/{}", drive, folder, name, NULL);
}

/* Has the file the notice's text? By its size first. quickXorHash, which every drive gives, tells the rest: nobody gains by
 * forging a notice. */
static bool is_notice(const cJSON *receipt, const cJSON *file)
{
	const char *text = text_of(receipt), *hash = json_str(json_object(json_object(file, "file"), "hashes"), "quickXorHash");
	struct digests d = {0};

	return json_size(file, "size") == (int64_t)strlen(text) && hash &&
		digest_bytes(DIGEST_QUICKXOR, text, strlen(text), &d) == 0 && strcmp(hash, d.quickxor) == 0;
}

/* What has the name in the folder: 0 and the file, 1 nothing. */
static int named(struct connection *c, const cJSON *receipt, const char *folder, const char *name, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	struct err why;

	if (url_of(c, receipt, folder, name, false, &url, err) < 0)
		return -1;
	if (graph_get(c, buf_str(&url), NULL, ret, &why) == 0)
		return 0;
	return why.class == ERR_GONE ? 1 : pass_on(err, &why);
}

/* 0 and the file; 1 when the name is somebody else's. What has the name may be ours: written by an earlier try, or by this very
 * call, when the connection broke and it was sent again. */
static int put_file(struct connection *c, const cJSON *receipt, const char *folder, const char *name, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *there = NULL;
	struct err why;

	if (url_of(c, receipt, folder, name, true, &url, err) < 0)
		return -1;
	if (url_query(&url, "@microsoft.graph.conflictBehavior", "fail") < 0)
		return err_memory(err);
	const struct graph_call call = {.method = "PUT", .url = buf_str(&url), .text = text_of(receipt)};
	if (graph_json(c, &call, ret, &why) == 0)
		return 0;
	if (why.class != ERR_CHANGED)
		return pass_on(err, &why);
	int r = named(c, receipt, folder, name, &there, err);
	if (r < 0)
		return -1;
	if (r == 1)
		return err_set(err, ERR_RETRY, "conflict", "the notice's name was taken for a moment");
	if (!is_notice(receipt, there))
		return 1;
	*ret = TAKE_PTR(there);
	return 0;
}

static int put_notice(struct connection *c, cJSON *receipt, struct err *err)
{
	const char *folder = json_str(json_object(receipt, "parent"), "id");
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	_cleanup_json_ cJSON *file = NULL;
	cJSON *notice = notice_of(receipt);
	struct err why = {0};
	int r = 1;

	if (!a)
		return err_memory(err);
	if (json_str(notice, "id"))
		return 0; /* made before; when it is gone somebody threw it away */
	for (int which = 0; r == 1 && which < 2 && folder; which++) {
		_cleanup_buf_ struct buf name = BUF_INIT(8192);
		if (name_of(receipt, which, &name, err) < 0)
			return -1;
		r = put_file(c, receipt, folder, buf_str(&name), &file, &why);
	}
	/* The file is contained whether or not somebody is told in its place. */
	if (r == 1 || (r < 0 && graph_refused(&why)))
		return MEM_OK(json_set_str(notice, "lost", r == 1 ? "its names are taken" : why.message) == 0 &&
			json_note(receipt, "notes", "no notice in its place: %.200s", r == 1 ? "its names are taken" : why.message) == 0, err);
	if (r < 0)
		return pass_on(err, &why);
	const char *id = json_str(file, "id"), *version = ms_drive_version(a, file);
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new file without an id");
	if (!version || json_set_str(notice, "id", id) < 0 || json_set_str(notice, "version", version) < 0)
		return err_memory(err);
	return notice_remember(c->api.env, json_str(notice, "id"), version, err);
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return ms_drive_quarantine(c, receipt, again, err) < 0 ? -1 : put_notice(c, receipt, err);
}

/* The notice as it is now, ours or not: 0 and the file, 1 when there is none. */
static int find(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	const char *drive = json_str(receipt, "drive"), *id = json_str(notice_of(receipt), "id");
	const char *folder = json_str(json_object(receipt, "parent"), "id");
	struct err why;

	if (id) {
		if (ms_drive_item_get(c, drive, id, ret, &why) == 0)
			return 0;
		return why.class == ERR_GONE ? 1 : pass_on(err, &why);
	}
	for (int which = 0; which < 2 && folder; which++) {
		_cleanup_buf_ struct buf name = BUF_INIT(8192);
		_cleanup_json_ cJSON *there = NULL;
		if (name_of(receipt, which, &name, err) < 0)
			return -1;
		int r = named(c, receipt, folder, buf_str(&name), &there, err);
		if (r < 0)
			return -1;
		if (r == 0 && is_notice(receipt, there)) {
			*ret = TAKE_PTR(there);
			return 0;
		}
	}
	return 1;
}

static bool is_untouched(const cJSON *receipt, const cJSON *file)
{
	const char *version = json_str(notice_of(receipt), "version");

	return is_notice(receipt, file) || (version && ms_drive_version_is(file, version));
}

static int remove_notice(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *file = NULL;
	struct err why;

	int r = find(c, receipt, &file, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!is_untouched(receipt, file))
		return MEM_OK(json_set_bool(notice_of(receipt), "kept", true) == 0 &&
			json_note(receipt, "notes", "the notice %.200s was written to: it stays", json_str_or(file, "name", "")) == 0, err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}", json_str(receipt, "drive"), json_str(file, "id"), NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "DELETE", .url = buf_str(&url), .if_match = json_str(file, "eTag")};
	if (graph_json(c, &call, NULL, &why) == 0 || why.class == ERR_GONE)
		return 0;
	if (why.class == ERR_CHANGED)
		return err_set(err, ERR_RETRY, "conflict", "the notice is being written to");
	return pass_on(err, &why);
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return ms_drive_restore(c, receipt, again, err) < 0 ? -1 : remove_notice(c, receipt, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *notice = notice_of(receipt);
	_cleanup_json_ cJSON *there = NULL;

	if (ms_drive_observe(c, receipt, ret, err) < 0)
		return -1;
	/* That a notice was thrown away makes the file no less contained; one that was never made has to be. */
	bool told = json_str(notice, "id") || json_str(notice, "lost");
	if (!ret->restored && (told || !ret->quarantined))
		return 0;
	int r = find(c, receipt, &there, err);
	if (r < 0)
		return -1;
	ret->quarantined = ret->quarantined && (told || r == 0);
	ret->restored = ret->restored && (r == 1 || json_bool(notice, "kept"));
	return 0;
}

const struct graph_act ms_drive_replace = {
	.kind = ACT_REPLACE,
	.name = "replace",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
	.held = true,
};
