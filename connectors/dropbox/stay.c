/* Acts that leave a file where it is: what they share. Called by dropbox.c on core's job threads.
 *
 * Receipt: "act" ("tag", "unshare"), id, home {ns, user or admin}, path, path_lower, name, version, and what label.c and unshare.c
 * add; "restored" after it was undone. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

static bool is_tag(const cJSON *receipt)
{
	return strcmp(json_str_or(receipt, "act", ""), "tag") == 0;
}

bool dbx_stays(const cJSON *receipt)
{
	return is_tag(receipt) || strcmp(json_str_or(receipt, "act", ""), "unshare") == 0;
}

static void close_stay(struct stay *s)
{
	json_free(s->file);
	buf_free(&s->admin_id);
}
#define _cleanup_stay_ _cleanup_(close_stay)

static int look(struct stay *s, struct err *err)
{
	struct err why;

	json_free(s->file);
	s->file = NULL;
	if (dbx_file(s->c, &s->home, s->id, &s->file, &why) == 0)
		return 0;
	s->file = NULL;
	return why.class == ERR_GONE ? 0 : pass_on(err, &why);
}

static int open_stay(struct stay *s, struct connection *c, cJSON *receipt, struct err *err)
{
	*s = (struct stay){.c = c, .receipt = receipt, .admin_id = BUF_INIT(DBX_ID_MAX), .id = json_str(receipt, "id")};
	if (!s->id)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a file");
	if (dbx_as_of(json_object(receipt, "home"), &s->home, err) < 0)
		return -1;
	/* Who administers may have changed since. */
	if (s->home.admin) {
		if (dbx_admin(c, &s->admin_id, err) < 0)
			return -1;
		s->home.admin = buf_str(&s->admin_id);
	}
	return look(s, err);
}

static int gone(struct err *err)
{
	return err_set(err, ERR_GONE, "gone", "the file is not there any more");
}

int dbx_stay_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_stay_ struct stay s = {0};
	struct dbx_as home;

	if (dbx_as_of(context, &home, err) < 0 || dbx_note_identity(receipt, &home, err) < 0)
		return -1;
	if (json_set_str(receipt, "act", act->kind == ACT_TAG ? "tag" : "unshare") < 0 ||
		json_set_str(receipt, "owner", stream->owner) < 0 || json_set_str(receipt, "id", item->id) < 0)
		return err_memory(err);
	if (open_stay(&s, c, receipt, err) < 0)
		return -1;
	if (!s.file)
		return gone(err);
	if (!dbx_version_is(s.file, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (dbx_note_home(receipt, s.file, err) < 0)
		return -1;
	return act->kind == ACT_TAG ? dbx_label_plan(&s, act->tag, err) : dbx_unshare_plan(&s, err);
}

int dbx_stay_do(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_stay_ struct stay s = {0};

	if (open_stay(&s, c, receipt, err) < 0)
		return -1;
	if (!s.file)
		return gone(err);
	if (!dbx_version_is(s.file, json_str_or(receipt, "version", ""))) {
		/* An earlier try may have got some way. */
		if (again && !is_tag(receipt) && dbx_unshare_undo(&s, err) < 0)
			return -1;
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(receipt, "restored");
	return is_tag(receipt) ? dbx_label_set(&s, true, err) : dbx_unshare_end(&s, again, err);
}

int dbx_stay_undo(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_stay_ struct stay s = {0};

	if (open_stay(&s, c, receipt, err) < 0)
		return -1;
	if (!s.file)
		return gone(err);
	if ((is_tag(receipt) ? dbx_label_set(&s, false, err) : dbx_unshare_undo(&s, err)) < 0)
		return -1;
	return json_set_bool(receipt, "restored", true) < 0 ? err_memory(err) : 0;
}

int dbx_stay_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *copy = cJSON_Duplicate(receipt, true);
	_cleanup_stay_ struct stay s = {0};

	if (!a || !copy)
		return err_memory(err);
	if (open_stay(&s, c, copy, err) < 0)
		return -1;
	if (!s.file)
		return 0;
	if ((is_tag(copy) ? dbx_label_observe(&s, ret, err) : dbx_unshare_observe(&s, ret, err)) < 0)
		return -1;
	const char *version = dbx_version(a, s.file);
	ret->exists = true;
	snprintf(ret->place, sizeof(ret->place), "%.500s", json_str_or(s.file, "path_display", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

int dbx_stay_content(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *copy = cJSON_Duplicate(receipt, true);
	_cleanup_stay_ struct stay s = {0};

	if (!copy)
		return err_memory(err);
	if (open_stay(&s, c, copy, err) < 0)
		return -1;
	return s.file ? dbx_content_now(c, &s.home, s.file, content, ret, err) : gone(err);
}
