/* The two folders of the service account: the quarantine, which nobody else can list, and the transit folder, into which a
 * file's owner is let for one move (transit.c). Found again by name, made when there is none, emptied of collaborators. And
 * the calls about collaborations. See box.h for threads. */
#include "connectors/box/place.h"

#include <string.h>

#define PAGES_MAX 100
#define NAMES_MAX 9 /* "sekisho-quarantine-9" */

/* ---- collaborations ---- */

const char *box_collaborator(const cJSON *collaboration)
{
	const cJSON *who = json_object(collaboration, "accessible_by");
	const char *login = json_str(who, "login");

	if (strcmp(json_str_or(who, "type", "user"), "group") == 0)
		return NULL;
	/* An invitation that waits names an address only. */
	return login && *login ? login : json_str(collaboration, "invite_email");
}

/* Takes those that are the thing's own; those of the folders above come along and are not ours to touch. id NULL: all. */
static void take_direct(cJSON *list, const char *id, cJSON *out)
{
	cJSON *e, *next;

	for (e = list->child; e; e = next) {
		const cJSON *item = json_object(e, "item");
		next = e->next;
		if (!item || !id || strcmp(json_str_or(item, "id", id), id) == 0)
			cJSON_AddItemToArray(out, cJSON_DetachItemViaPointer(list, e));
	}
}

/* The query of the next page: by marker, or by offset where the list has none. 1: that was all. */
static int next_page(const cJSON *doc, int64_t seen, struct buf *more, struct err *err)
{
	const char *marker = json_str(doc, "next_marker");
	int64_t total = json_size(doc, "total_count"), offset = json_size(doc, "offset");
	bool by_marker = marker && *marker;

	buf_clear(more);
	/* Lists by marker may give a total as well; only lists by offset say where they are. */
	if (!by_marker && (offset < 0 || total <= seen))
		return 1;
	if (by_marker ? buf_adds(more, marker) < 0 : buf_addf(more, "%lld", (long long)seen) < 0)
		return err_memory(err);
	return 0;
}

static int list_collaborations(struct connection *c, const char *what, const char *id, const char *user, bool all, cJSON **ret_list,
	struct err *err)
{
	_cleanup_json_ cJSON *out = cJSON_CreateArray();
	_cleanup_buf_ struct buf url = BUF_INIT(8192), more = BUF_INIT(4096);
	bool by_marker = false;
	int64_t seen = 0;

	if (!out)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		if (box_url(c, &url, err, "/{}/{}/collaborations", what, id, NULL) < 0)
			return -1;
		if (url_query(&url, "limit", "1000") < 0 ||
			(more.len && url_query(&url, by_marker ? "marker" : "offset", buf_str(&more)) < 0))
			return err_memory(err);
		if (box_get(c, buf_str(&url), user, &doc, err) < 0)
			return -1;
		cJSON *list = json_array(doc, "entries");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "the collaborations are no list");
		int n = cJSON_GetArraySize(list);
		seen += n;
		take_direct(list, all ? NULL : id, out);
		by_marker = json_str(doc, "next_marker") != NULL;
		int end = n == 0 && !by_marker ? 1 : next_page(doc, seen, &more, err);
		if (end < 0)
			return -1;
		if (end) {
			*ret_list = TAKE_PTR(out);
			return 0;
		}
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of collaborations does not end");
}

int box_collaborations(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err)
{
	return list_collaborations(c, what, id, user, false, ret_list, err);
}

int box_collaborations_all(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err)
{
	return list_collaborations(c, what, id, user, true, ret_list, err);
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

int box_collaboration_add(struct connection *c, const struct box_collaboration *k, const char *as, struct buf *ret_id,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	cJSON *item = cJSON_AddObjectToObject(body, "item");

	if (json_set_str(item, "type", k->what) < 0 || json_set_str(item, "id", k->id) < 0 ||
		json_set(body, "accessible_by", cJSON_Duplicate(k->who, true)) < 0 || json_set_str(body, "role", k->role) < 0 ||
		json_set_str(body, "expires_at", k->expires_at) < 0 ||
		(k->access_only && json_set_bool(body, "is_access_only", true) < 0))
		return err_memory(err);
	if (box_url(c, &url, err, "/collaborations", NULL) < 0)
		return -1;
	if (url_query(&url, "notify", "false") < 0)
		return err_memory(err);
	const struct box_call call = {.method = "POST", .url = buf_str(&url), .user = as, .json = body};
	if (box_json(c, &call, ret_id ? &doc : NULL, err) < 0) /* one who is there already: it is as it should be */
		return strcmp(err->code, "already_there") == 0 ? 0 : -1;
	return ret_id && json_str(doc, "id") && buf_adds(ret_id, json_str(doc, "id")) < 0 ? err_memory(err) : 0;
}

/* ---- the folders ---- */

/* Others can put a folder of that name into our root by sharing it with us: only our own counts. */
static int my_id(struct connection *c, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *me = NULL;

	if (box_url(c, &url, err, "/users/me", NULL) < 0 || box_get(c, buf_str(&url), NULL, &me, err) < 0)
		return -1;
	const char *id = json_str(me, "id");
	if (!id)
		return err_set(err, ERR_REMOTE, "bad_answer", "the service account has no id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

static int clear_collaborators(struct connection *c, const char *folder, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (box_collaborations(c, "folders", folder, NULL, &list, err) < 0)
		return box_refused(err) ? 0 : -1;
	cJSON_ArrayForEach(e, list)
	{
		if (json_str(e, "id") && strcmp(json_str_or(e, "role", ""), "owner") != 0 &&
			box_collaboration_delete(c, json_str(e, "id"), NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* 1: found. */
static int match_place(const cJSON *list, const char *name, const char *me, struct buf *ret_id, struct err *err)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, list)
	{
		const char *id = json_str(e, "id"), *owner = json_str(json_object(e, "owned_by"), "id");
		if (id && strcmp(json_str_or(e, "type", ""), "folder") == 0 && strcasecmp(json_str_or(e, "name", ""), name) == 0 &&
			owner && strcmp(owner, me) == 0)
			return buf_adds(ret_id, id) < 0 ? err_memory(err) : 1;
	}
	return 0;
}

static int find_place(struct connection *c, const char *name, const char *me, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192), more = BUF_INIT(4096);
	bool by_marker = false;
	int64_t seen = 0;

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		if (box_url(c, &url, err, "/folders/{}/items", "0", NULL) < 0)
			return -1;
		if (url_query(&url, "fields", "id,type,name,owned_by") < 0 || url_query(&url, "limit", "1000") < 0 ||
			(by_marker && url_query(&url, "usemarker", "true") < 0) ||
			(more.len && url_query(&url, by_marker ? "marker" : "offset", buf_str(&more)) < 0))
			return err_memory(err);
		if (box_get(c, buf_str(&url), NULL, &doc, err) < 0)
			return -1;
		const cJSON *list = json_array(doc, "entries");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "a folder's items are no list");
		int r = match_place(list, name, me, ret_id, err);
		if (r != 0)
			return r;
		seen += cJSON_GetArraySize(list);
		by_marker = json_str(doc, "next_marker") != NULL;
		r = cJSON_GetArraySize(list) == 0 && !by_marker ? 1 : next_page(doc, seen, &more, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of our own folders does not end");
}

static int make_place(struct connection *c, const char *name, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	cJSON *parent = cJSON_AddObjectToObject(body, "parent");

	if (json_set_str(body, "name", name) < 0 || json_set_str(parent, "id", "0") < 0)
		return err_memory(err);
	if (box_url(c, &url, err, "/folders", NULL) < 0)
		return -1;
	const struct box_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	if (box_json(c, &call, &doc, err) < 0)
		return -1;
	const char *id = json_str(doc, "id");
	if (!id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new folder without an id");
	return buf_adds(ret_id, id) < 0 ? err_memory(err) : 0;
}

/* Under the name or, when a foreign folder has it, the next one. */
static int find_or_make(struct connection *c, const char *name, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf me = BUF_INIT(200);
	char other[80];

	if (my_id(c, &me, err) < 0)
		return -1;
	for (int n = 1; n <= NAMES_MAX; n++) {
		snprintf(other, sizeof(other), n > 1 ? "%.60s-%d" : "%.60s", name, n);
		int r = find_place(c, other, buf_str(&me), ret_id, err);
		if (r > 0)
			return clear_collaborators(c, buf_str(ret_id), err);
		if (r < 0)
			return -1;
		if (make_place(c, other, ret_id, err) == 0)
			return 0;
		if (strcmp(err->code, "name_taken") != 0)
			return -1;
		/* Perhaps another thread made it between our looking and making. */
		r = find_place(c, other, buf_str(&me), ret_id, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	return err_set(err, ERR_RETRY, "conflict", "Box: the folder %.60s cannot be made", name);
}

/* 1: it is gone. */
static int still_there(struct connection *c, const char *id, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;

	if (box_url(c, &url, err, "/folders/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", "id,item_status") < 0)
		return err_memory(err);
	if (box_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return err->class == ERR_GONE ? 1 : -1;
	return strcmp(json_str_or(doc, "item_status", "active"), "active") != 0;
}

static const char *key_of(const char *name)
{
	return strcmp(name, BOX_QUARANTINE) == 0 ? "quarantine" : "transit";
}

int box_place(struct connection *c, const char *name, struct buf *ret_id, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf id = BUF_INIT(200);

	int r = env->place_get(env->ctx, key_of(name), &id, err);
	if (r == 0)
		r = still_there(c, buf_str(&id), err);
	if (r < 0)
		return -1;
	if (r == 1) {
		buf_clear(&id);
		if (find_or_make(c, name, &id, err) < 0 || env->place_put(env->ctx, key_of(name), buf_str(&id), err) < 0)
			return -1;
	}
	return buf_adds(ret_id, buf_str(&id)) < 0 ? err_memory(err) : 0;
}

int box_is_ours(struct connection *c, const char *folder, bool *ret, struct err *err)
{
	static const char *const names[] = {BOX_QUARANTINE, BOX_TRANSIT};
	const struct connector_env *env = c->api.env;

	*ret = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_buf_ struct buf id = BUF_INIT(200);
		int r = env->place_get(env->ctx, key_of(names[i]), &id, err);
		if (r < 0)
			return -1;
		if (r == 0 && *folder && strcmp(buf_str(&id), folder) == 0)
			*ret = true;
	}
	return 0;
}
