/* Containing without a quarantine folder: where Dropbox lets us have none, or refuses the way to it, the file is deleted in
 * the very revision that was judged, and comes back from its history. Called by act.c on core's job threads.
 *
 * It is the weaker way: the history ends one day, and a member may bring the file back, which the feed then shows as new.
 * So the grant's report says what is missing, and one refusal is not enough: it may be a proxy's page. Remembered:
 * "refused", why there is no folder; "delete/ACTION", that one file's move was refused "once", or again and it is deleted. Sources: files.stone (delete_v2 with parent_rev, restore, permanently_delete). */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

/* ---- remembering ---- */

int dbx_trash_note(struct connection *c, const char *why, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf known = BUF_INIT(1024);

	if (dbx_trash_reason(c, &known, err) < 0)
		return -1;
	if (!why == !known.len)
		return 0;
	if (env->place_put(env->ctx, "refused", why ? why : "", err) < 0)
		return -1;
	return why ? err_set(err, ERR_RETRY, "no_place", "%.300s", why) : 0;
}

int dbx_trash_reason(struct connection *c, struct buf *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;

	buf_clear(ret);
	return env->place_get(env->ctx, "refused", ret, err) < 0 ? -1 : 0;
}

static int key_of(const cJSON *receipt, struct buf *ret, struct err *err)
{
	const char *op = json_str(receipt, "op");

	if (!op || !*op)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without an action");
	return buf_addf(ret, "delete/%.128s", op) < 0 ? err_memory(err) : 0;
}

int dbx_trash_decide(struct connection *c, const cJSON *receipt, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf key = BUF_INIT(256), value = BUF_INIT(64);

	if (key_of(receipt, &key, err) < 0 || env->place_get(env->ctx, buf_str(&key), &value, err) < 0)
		return -1;
	bool before = value.len > 0;
	if (env->place_put(env->ctx, buf_str(&key), before ? "yes" : "once", err) < 0)
		return -1;
	return before ? 0 : err_set(err, ERR_RETRY, "refused", "the way to the quarantine folder was refused once");
}

int dbx_trash_decided(struct connection *c, const cJSON *receipt, bool *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf key = BUF_INIT(256), value = BUF_INIT(64);

	if (key_of(receipt, &key, err) < 0)
		return -1;
	int r = env->place_get(env->ctx, buf_str(&key), &value, err);
	if (r < 0)
		return -1;
	*ret = r == 0 && strcmp(buf_str(&value), "yes") == 0;
	return 0;
}

/* ---- acting ---- */

int dbx_trash_take(struct connection *c, const struct held *h, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *rev = json_str(h->file, "rev");
	struct err why;

	if (!rev || !*rev)
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without a revision");
	if (!arg || json_set_str(arg, "path", h->id) < 0 || json_set_str(arg, "parent_rev", rev) < 0 ||
		json_set_str(receipt, "rev", rev) < 0)
		return err_memory(err);
	/* What became of it if it is gone by now: its revision is kept all the same. */
	if (dbx_call(c, &h->home, "files/delete_v2", arg, NULL, &why) < 0 && why.class != ERR_GONE)
		return why.class == ERR_CHANGED ?
			err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at") : pass_on(err, &why);
	return json_set_bool(receipt, "deleted", true) < 0 ? err_memory(err) : 0;
}

/* Neither restoring nor deleting may hit what lies at the path now. */
static int path_free(struct connection *c, const struct held *h, const char *path, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	struct err why;

	if (!arg || json_set_str(arg, "path", path) < 0)
		return err_memory(err);
	if (dbx_call(c, &h->home, "files/get_metadata", arg, NULL, &why) == 0)
		return err_set(err, ERR_REMOTE, "place_taken", "%.300s is taken by another file: move that away first", path);
	return why.class == ERR_GONE ? 0 : pass_on(err, &why);
}

int dbx_trash_return(struct connection *c, struct held *h, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	const char *path = json_str_or(receipt, "path", "");
	struct err why;

	if (path_free(c, h, path, err) < 0)
		return -1;
	if (!arg || json_set_str(arg, "path", path) < 0 || json_set_str(arg, "rev", json_str_or(receipt, "rev", "")) < 0)
		return err_memory(err);
	if (dbx_object(c, &h->home, "files/restore", arg, &doc, &why) < 0) {
		if (why.class == ERR_GONE || dbx_refused(&why))
			return err_set(err, ERR_REMOTE, "history_over", "Dropbox does not give the deleted file back: %.200s", why.message);
		return pass_on(err, &why);
	}
	const char *id = json_str(doc, "id");
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a restored file without an id");
	if (strcmp(id, h->id) != 0) {
		if (json_set_str(receipt, "id", id) < 0 || json_note(receipt, "not_restored", "Dropbox gave it a new id") < 0)
			return err_memory(err);
		h->id = json_str(receipt, "id");
	}
	return dbx_held_look(c, h, err);
}

int dbx_trash_purge(struct connection *c, const struct held *h, const cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *path = json_str_or(receipt, "path", "");
	struct err why;

	if (path_free(c, h, path, err) < 0)
		return -1;
	/* With the revision, so that one that appears in between is safe. */
	if (!arg || json_set_str(arg, "path", path) < 0 || json_set_str(arg, "parent_rev", json_str(receipt, "rev")) < 0)
		return err_memory(err);
	if (dbx_call(c, &h->home, "files/permanently_delete", arg, NULL, &why) == 0 || why.class == ERR_GONE)
		return 0;
	return why.class == ERR_CONSENT ? err_set(err, ERR_REMOTE, "forbidden", "%.300s", why.message) : pass_on(err, &why);
}
