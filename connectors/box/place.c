/* The quarantine place of Box: a folder of the service account, which nobody else can list; and the moments in which a
 * user may move something into it or out of it. See box.h for threads.
 *
 * A user's file can be moved by that user only, and only into a folder in which the user may edit. So for the time of one
 * move the user becomes an editor of the quarantine folder, without a mail about it, and is taken out again. */
#include "connectors/box/box.h"

#include "connectors/box/place.h"

#include <string.h>

static int find_place(struct connection *c, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	const cJSON *e;

	for (int64_t offset = 0;;) {
		_cleanup_json_ cJSON *doc = NULL;
		if (box_url(c, &url, err, "/folders/{}/items", "0", NULL) < 0)
			return -1;
		if (url_query(&url, "fields", "id,type,name") < 0 || url_query(&url, "limit", "1000") < 0 ||
			url_query_int(&url, "offset", offset) < 0)
			return err_memory(err);
		if (box_get(c, buf_str(&url), NULL, &doc, err) < 0)
			return -1;
		const cJSON *list = json_array(doc, "entries");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "a folder's items are no list");
		cJSON_ArrayForEach(e, list)
		{
			offset++;
			if (strcmp(json_str_or(e, "type", ""), "folder") == 0 && strcmp(json_str_or(e, "name", ""), BOX_QUARANTINE) == 0 &&
				json_str(e, "id"))
				return buf_adds(ret_id, json_str(e, "id")) < 0 ? err_memory(err) : 1;
		}
		if (cJSON_GetArraySize(list) == 0 || offset >= json_int64_or(doc, "total_count", 0))
			return 0;
	}
}

static int make_place(struct connection *c, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;

	cJSON_AddStringToObject(body, "name", BOX_QUARANTINE);
	cJSON *parent = cJSON_AddObjectToObject(body, "parent");
	if (!parent || !cJSON_AddStringToObject(parent, "id", "0") || box_url(c, &url, err, "/folders", NULL) < 0)
		return err_memory(err);
	const struct box_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	if (box_json(c, &call, &doc, err) < 0) {
		/* Another thread made it between our looking and making. */
		if (strcmp(err->code, "name_taken") != 0)
			return -1;
		int r = find_place(c, ret_id, err);
		return r == 1 ? 0 : r < 0 ? -1 : err_set(err, ERR_RETRY, "conflict", "Box: the quarantine folder cannot be made");
	}
	const char *id = json_str(doc, "id");
	if (!id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new folder without an id");
	return buf_adds(ret_id, id) < 0 ? err_memory(err) : 0;
}

int box_place(struct connection *c, struct buf *ret_id, struct err *err)
{
	const struct connector_env *env = c->api.env;

	int r = env->place_get(env->ctx, BOX_PLACE, ret_id, err);
	if (r <= 0)
		return r;
	r = find_place(c, ret_id, err);
	if (r < 0 || (r == 0 && make_place(c, ret_id, err) < 0))
		return -1;
	return env->place_put(env->ctx, BOX_PLACE, buf_str(ret_id), err);
}

int box_collaborations(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err)
{
	_cleanup_json_ cJSON *out = cJSON_CreateArray();
	_cleanup_buf_ struct buf url = BUF_INIT(8192), marker = BUF_INIT(4096);
	cJSON *e, *next;

	do {
		_cleanup_json_ cJSON *doc = NULL;
		if (box_url(c, &url, err, "/{}/{}/collaborations", what, id, NULL) < 0)
			return -1;
		if (url_query(&url, "limit", "1000") < 0)
			return err_memory(err);
		if (marker.len && url_query(&url, "marker", buf_str(&marker)) < 0)
			return err_memory(err);
		if (box_get(c, buf_str(&url), user, &doc, err) < 0)
			return -1;
		cJSON *list = json_array(doc, "entries");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "the collaborations are no list");
		for (e = list->child; e; e = next) {
			next = e->next;
			/* Those of the folders above come along: they are not ours to touch. */
			if (strcmp(json_str_or(json_object(e, "item"), "id", ""), id) != 0)
				continue;
			cJSON_AddItemToArray(out, cJSON_DetachItemViaPointer(list, e));
		}
		const char *more = json_str(doc, "next_marker");
		buf_clear(&marker);
		if (more && buf_adds(&marker, more) < 0)
			return err_memory(err);
	} while (marker.len && cJSON_GetArraySize(out) < 5000);
	*ret_list = TAKE_PTR(out);
	return 0;
}

int box_collaboration_delete(struct connection *c, const char *id, const char *user, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	if (box_url(c, &url, err, "/collaborations/{}", id, NULL) < 0)
		return -1;
	const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = user};
	if (box_json(c, &call, NULL, err) < 0 && err->class != ERR_GONE)
		return -1;
	return 0;
}

int box_collaboration_add(struct connection *c, const char *what, const char *id, const cJSON *accessible_by, const char *role,
	const char *as, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	cJSON *item = cJSON_AddObjectToObject(body, "item");

	cJSON_AddStringToObject(item, "type", what);
	cJSON_AddStringToObject(item, "id", id);
	cJSON_AddItemToObject(body, "accessible_by", cJSON_Duplicate(accessible_by, true));
	cJSON_AddStringToObject(body, "role", role);
	if (box_url(c, &url, err, "/collaborations", NULL) < 0)
		return -1;
	if (url_query(&url, "notify", "false") < 0)
		return err_memory(err);
	const struct box_call call = {.method = "POST", .url = buf_str(&url), .user = as, .json = body};
	/* One who is there already: it is as it should be. */
	if (box_json(c, &call, NULL, err) < 0 && strcmp(err->code, "already_there") != 0)
		return -1;
	return 0;
}

int box_door_open(struct connection *c, const char *place, const char *user, struct err *err)
{
	_cleanup_json_ cJSON *who = cJSON_CreateObject();

	cJSON_AddStringToObject(who, "type", "user");
	if (!cJSON_AddStringToObject(who, "id", user))
		return err_memory(err);
	return box_collaboration_add(c, "folder", place, who, "editor", NULL, err);
}

int box_door_close(struct connection *c, const char *place, const char *user, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (box_collaborations(c, "folders", place, NULL, &list, err) < 0)
		return -1;
	cJSON_ArrayForEach(e, list)
	{
		const char *id = json_str(e, "id");
		if (id && strcmp(json_str_or(json_object(e, "accessible_by"), "id", ""), user) == 0 &&
			box_collaboration_delete(c, id, NULL, err) < 0)
			return -1;
	}
	return 0;
}
