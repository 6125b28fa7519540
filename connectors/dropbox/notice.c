/* The notice that stands where a file was: NAME.txt in its folder. Called by dropbox.c on core's job threads, after the file was taken
 * away and before it comes back.
 *
 * It is ours when its content_hash is: so it is found again after a crash, and left alone once somebody wrote into it. Receipt:
 * "notice" (the text), "notice_id". Sources: files.stone (upload, mode add). */
#include "connectors/dropbox/dropbox.h"
#include "connectors/notice.h"

#include "base/digest.h"

#include <string.h>

#define NAMES 2

int dbx_notice_plan(cJSON *receipt, const char *text, struct err *err)
{
	if (!text || !*text || strlen(text) > NOTICE_MAX)
		return err_set(err, ERR_LOCAL, "bad_act", "a notice without a text, or with too long a one");
	return json_set_str(receipt, "act", "replace") < 0 || json_set_str(receipt, "notice", text) < 0 ? err_memory(err) : 0;
}

static bool is_ours(const cJSON *file, const char *text)
{
	struct digests d;

	return digest_bytes(DIGEST_DROPBOX, text, strlen(text), &d) == 0 && strcmp(json_str_or(file, "content_hash", ""), d.dropbox) == 0;
}

/* The n-th path to try. */
static int path_of(const cJSON *receipt, int n, struct buf *ret, struct err *err)
{
	const char *path = json_str_or(receipt, "path", "/"), *slash = strrchr(path, '/');
	_cleanup_buf_ struct buf name = BUF_INIT(4096);

	if (!slash || notice_file_name(slash + 1, &name, err) < 0)
		return slash ? -1 : err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a place");
	buf_clear(ret);
	if (buf_add(ret, path, (size_t)(slash - path) + 1) < 0 ||
		(n > 0 && buf_addf(ret, "sekisho %.8s ", json_str_or(receipt, "op", "")) < 0) || buf_adds(ret, buf_str(&name)) < 0)
		return err_memory(err);
	return 0;
}

/* 0: ours lies there (*ret); 1: nothing does; 2: something else. */
static int look(struct connection *c, const struct dbx_as *as, const char *path, const char *text, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	struct err why;

	if (json_set_str(arg, "path", path) < 0)
		return err_memory(err);
	if (dbx_object(c, as, "files/get_metadata", arg, &doc, &why) < 0)
		return why.class == ERR_GONE ? 1 : dbx_refused(&why) ? 2 : pass_on(err, &why);
	if (!is_ours(doc, text))
		return 2;
	*ret = TAKE_PTR(doc);
	return 0;
}

/* As look(). */
static int upload(struct connection *c, const struct dbx_as *as, const char *path, const char *text, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	struct err why;

	if (json_set_str(arg, "path", path) < 0 || json_set_str(arg, "mode", "add") < 0 || json_set_bool(arg, "autorename", false) < 0 ||
		json_set_bool(arg, "mute", true) < 0)
		return err_memory(err);
	if (dbx_upload(c, as, "files/upload", arg, text, strlen(text), &doc, &why) < 0) {
		if (why.class == ERR_CHANGED)
			return look(c, as, path, text, ret, err);
		if (dbx_refused(&why) || why.class == ERR_GONE) {
			if (err)
				*err = why;
			return 2;
		}
		return pass_on(err, &why);
	}
	if (!json_str(doc, "id"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a new file without an id");
	*ret = TAKE_PTR(doc);
	return 0;
}

/* The feed leaves it out as long as nobody writes into it. */
static int remember(struct connection *c, cJSON *receipt, const cJSON *file, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const char *id = json_str_or(file, "id", ""), *version = a ? dbx_version(a, file) : NULL;

	if (!a || json_set_str(receipt, "notice_id", id) < 0)
		return err_memory(err);
	return version ? notice_remember(c->api.env, id, version, err) : 0;
}

int dbx_notice_leave(struct connection *c, cJSON *receipt, struct err *err)
{
	const char *text = json_str_or(receipt, "notice", "");
	_cleanup_buf_ struct buf path = BUF_INIT(DBX_PATH_MAX);
	_cleanup_json_ cJSON *file = NULL;
	struct err why = {0};
	struct dbx_as as;
	int r = 2;

	if (dbx_as_of(json_object(receipt, "home"), &as, err) < 0)
		return -1;
	for (int n = 0; r > 0 && n < NAMES; n++) {
		if (path_of(receipt, n, &path, err) < 0)
			return -1;
		if ((r = upload(c, &as, buf_str(&path), text, &file, &why)) < 0)
			return pass_on(err, &why);
	}
	if (r > 0)
		return json_note(receipt, "open", "no notice could be left in its place: %.200s", why.class ? why.message : "the name is taken") < 0 ?
			err_memory(err) : 0;
	return remember(c, receipt, file, err);
}

static int find(struct connection *c, const struct dbx_as *as, const cJSON *receipt, cJSON **ret, struct err *err)
{
	const char *id = json_str(receipt, "notice_id"), *text = json_str_or(receipt, "notice", "");
	_cleanup_buf_ struct buf path = BUF_INIT(DBX_PATH_MAX);
	struct err why;

	if (id && dbx_file(c, as, id, ret, &why) == 0)
		return 0;
	if (id)
		return why.class == ERR_GONE || dbx_refused(&why) ? 0 : pass_on(err, &why);
	for (int n = 0; !*ret && n < NAMES; n++)
		if (path_of(receipt, n, &path, err) < 0 || look(c, as, buf_str(&path), text, ret, err) < 0)
			return -1;
	return 0;
}

int dbx_notice_take(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL, *arg = cJSON_CreateObject();
	struct dbx_as as;
	struct err why;

	if (dbx_as_of(json_object(receipt, "home"), &as, err) < 0 || find(c, &as, receipt, &file, err) < 0)
		return -1;
	if (!file)
		return 0;
	if (!is_ours(file, json_str_or(receipt, "notice", "")))
		return json_note(receipt, "not_restored", "the notice in its place was changed and stays") < 0 ? err_memory(err) : 0;
	if (json_set_str(arg, "path", json_str(file, "id")) < 0 || json_set_str(arg, "parent_rev", json_str(file, "rev")) < 0)
		return err_memory(err);
	if (dbx_call(c, &as, "files/delete_v2", arg, NULL, &why) == 0 || why.class == ERR_GONE)
		return 0;
	if (!dbx_refused(&why) && why.class != ERR_CHANGED)
		return pass_on(err, &why);
	return json_note(receipt, "not_restored", "the notice in its place could not be taken away: %.150s", why.message) < 0 ?
		err_memory(err) : 0;
}
