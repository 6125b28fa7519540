/* The two feeds of Box: the enterprise's events, and the walk through a user's tree. See box.h for threads.
 *
 * Cursors are JSON. A tree: {"stack": [[folder, offset], …], "done": true}. The events: {"position": …, "stack":
 * [[user, folder, offset], …]} with folders that were copied or undeleted and wait to be walked, or, after the place
 * was lost, {"after": ms, "back": position in admin_logs, "position": where streaming goes on}. */
#include "connectors/box/box.h"

#include "base/timeutil.h"

#include <string.h>

#define TREE_PAGE 1000
#define EVENTS_PAGE 100  /* each event costs a look at its file */
#define STACK_MAX 1500   /* beyond it a page is cut before its next folder */
#define BACK_MS (2 * 3600000ll) /* events surface late: look this much behind the last one seen */

static const char event_types[] = "UPLOAD,EDIT,COPY,MOVE,UNDELETE,ITEM_MODIFY,DELETE,FILE_MARKED_MALICIOUS,SHIELD_ALERT";

struct walk {
	struct connection *c;
	struct item_page *page;
	cJSON *cursor, *stack;
	size_t cap; /* of page->items */
	struct err *err;
};

static struct item *new_item(struct walk *w)
{
	if (w->page->n_items == w->cap)
		return NULL;
	return &w->page->items[w->page->n_items++];
}

static int push(struct walk *w, const char *user, const char *folder, int64_t offset)
{
	cJSON *e = cJSON_CreateArray();

	if (!e)
		return err_memory(w->err);
	cJSON_AddItemToArray(e, cJSON_CreateString(user));
	cJSON_AddItemToArray(e, cJSON_CreateString(folder));
	cJSON_AddItemToArray(e, cJSON_CreateNumber((double)offset));
	return cJSON_AddItemToArray(w->stack, e) ? 0 : err_memory(w->err);
}

static int fetch_folder(struct walk *w, const char *user, const char *folder, int64_t offset, cJSON **ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	int limit = w->c->api.config->page_size ? w->c->api.config->page_size : TREE_PAGE;

	if (box_url(w->c, &url, w->err, "/folders/{}/items", folder, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", BOX_FIELDS) < 0 || url_query_int(&url, "limit", limit) < 0 ||
		url_query_int(&url, "offset", offset) < 0)
		return err_memory(w->err);
	if (box_get(w->c, buf_str(&url), user, ret, w->err) == 0)
		return 0;
	/* A folder that went away, or that only its other owner may list, ends its branch; the root must answer. */
	if ((w->err->class == ERR_GONE || w->err->http_status == 403) && strcmp(folder, "0") != 0)
		return 1;
	return -1;
}

/* One entry of a folder. 1: stop behind it (the stack is full). */
static int walk_entry(struct walk *w, const char *user, const cJSON *e)
{
	const char *type = json_str_or(e, "type", ""), *id = json_str(e, "id");
	const char *owner = json_str(json_object(e, "owned_by"), "id");

	/* What others own comes with its owner's tree; what outsiders own is theirs. */
	if (!id || (owner && strcmp(owner, user) != 0))
		return 0;
	if (strcmp(type, "folder") == 0) {
		if (push(w, user, id, 0) < 0)
			return -1;
		return cJSON_GetArraySize(w->stack) > STACK_MAX;
	}
	if (strcmp(type, "file") != 0)
		return 0;
	struct item *item = new_item(w);
	return item ? box_item(w->page->arena, e, item, w->err) : err_memory(w->err);
}

/* One page of the folder on top of the stack. */
static int walk_step(struct walk *w)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_json_ cJSON *top = cJSON_DetachItemFromArray(w->stack, cJSON_GetArraySize(w->stack) - 1);
	const char *user = cJSON_GetStringValue(cJSON_GetArrayItem(top, 0)), *folder = cJSON_GetStringValue(cJSON_GetArrayItem(top, 1));
	const cJSON *at = cJSON_GetArrayItem(top, 2), *e;
	int64_t offset = cJSON_IsNumber(at) ? (int64_t)at->valuedouble : 0, seen = 0;

	if (!user || !folder)
		return err_set(w->err, ERR_CURSOR, "bad_cursor", "the place in the tree cannot be read");
	int r = fetch_folder(w, user, folder, offset, &doc);
	if (r != 0)
		return r < 0 ? -1 : 0;
	const cJSON *list = json_array(doc, "entries");
	int64_t total = json_int64_or(doc, "total_count", -1);
	if (!list)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "a folder's items are no list");
	int64_t n = cJSON_GetArraySize(list);
	w->page->items = arena_alloc(w->page->arena, (size_t)(n + 1) * sizeof(struct item));
	w->cap = (size_t)n;
	if (!w->page->items)
		return err_memory(w->err);
	/* The rest of this folder stays below its folders on the stack; its offset is put in when it is known. */
	int place = cJSON_GetArraySize(w->stack);
	if (push(w, user, folder, 0) < 0)
		return -1;
	cJSON_ArrayForEach(e, list)
	{
		r = walk_entry(w, user, e);
		if (r < 0)
			return -1;
		seen++;
		if (r > 0)
			break;
	}
	cJSON *rest = cJSON_GetArrayItem(w->stack, place);
	bool more = total >= 0 ? offset + seen < total : seen > 0;
	if (n == 0 || !more)
		cJSON_DeleteItemFromArray(w->stack, place);
	else
		cJSON_SetNumberValue(cJSON_GetArrayItem(rest, 2), (double)(offset + seen));
	return 0;
}

static int finish(struct walk *w, bool more)
{
	w->page->more = more;
	return arena_json(w->page->arena, w->cursor, &w->page->cursor, w->err);
}

static int open_walk(struct walk *w, const char *cursor)
{
	if (own_json(cursor, ERR_CURSOR, &w->cursor, w->err) < 0)
		return -1;
	w->stack = json_array(w->cursor, "stack");
	if (!w->stack)
		w->stack = cJSON_AddArrayToObject(w->cursor, "stack");
	return w->stack ? 0 : err_memory(w->err);
}

static int poll_tree(struct walk *w, const struct poll_request *req, const char *user)
{
	w->page->listing = true;
	if (!req->cursor) {
		/* "From now on": the events bring what comes. */
		bool nothing = req->backlog == BACKLOG_NONE && !req->resync;
		if ((nothing && json_set_bool(w->cursor, "done", true) < 0) || (!nothing && push(w, user, "0", 0) < 0))
			return err_memory(w->err);
	}
	if (json_bool(w->cursor, "done"))
		return finish(w, false);
	if (cJSON_GetArraySize(w->stack) > 0 && walk_step(w) < 0)
		return -1;
	bool more = cJSON_GetArraySize(w->stack) > 0;
	if (!more && json_set_bool(w->cursor, "done", true) < 0)
		return err_memory(w->err);
	return finish(w, more);
}

/* ---- events ---- */

static int note_removed(struct walk *w, const char *id)
{
	const char *copy = arena_dup(w->page->arena, id);

	if (!copy)
		return err_memory(w->err);
	w->page->removed[w->page->n_removed++] = copy;
	return 0;
}

static bool is_ours(const cJSON *file, const char *place)
{
	return *place && strcmp(json_str_or(json_object(file, "parent"), "id", ""), place) == 0;
}

/* The file an event speaks of, as it is now. */
static int read_file(struct walk *w, const char *id, const char *user, bool malicious, const char *place)
{
	_cleanup_json_ cJSON *file = NULL;

	if (box_file(w->c, id, user, &file, w->err) < 0) {
		if (w->err->class == ERR_GONE)
			return note_removed(w, id);
		return w->err->http_status == 403 ? 0 : -1; /* moved out of the enterprise's reach */
	}
	if (is_ours(file, place))
		return 0; /* our own quarantine moved it */
	struct item *item = new_item(w);
	if (!item || box_item(w->page->arena, file, item, w->err) < 0)
		return item ? -1 : err_memory(w->err);
	if (malicious)
		item->provider_threat = "Box Shield";
	return 0;
}

static int read_event(struct walk *w, const cJSON *e, const char *place)
{
	const char *type = json_str_or(e, "event_type", "");
	const cJSON *source = json_object(e, "source");
	const char *id = json_str(source, "item_id"), *kind = json_str(source, "item_type");
	const char *user = json_str(json_object(source, "owned_by"), "id");
	int64_t at = json_time(e, "created_at");

	if (at && at > json_int64_or(w->cursor, "seen", 0) && json_set_int(w->cursor, "seen", at) < 0)
		return err_memory(w->err);
	if (!id)
		id = json_str(source, "id");
	if (!kind)
		kind = json_str(source, "type");
	if (!user)
		user = json_str(json_object(e, "created_by"), "id");
	if (!id || !kind || !user)
		return 0; /* about no item */
	if (strcmp(kind, "folder") == 0)
		return strcmp(type, "COPY") == 0 || strcmp(type, "UNDELETE") == 0 ? push(w, user, id, 0) : 0;
	if (strcmp(kind, "file") != 0)
		return 0;
	if (strcmp(type, "DELETE") == 0)
		return note_removed(w, id);
	bool alert = strcmp(type, "SHIELD_ALERT") == 0 &&
		strcmp(json_str_or(json_object(json_object(e, "additional_details"), "shield_alert"), "rule_category", ""),
			"Malicious Content") == 0;
	return read_file(w, id, user, alert || strcmp(type, "FILE_MARKED_MALICIOUS") == 0, place);
}

static int fetch_events(struct walk *w, const char *stream, const char *position, int64_t after, cJSON **ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(16384);
	char t[TIME_RFC3339_LEN];
	int limit = w->c->api.config->page_size ? w->c->api.config->page_size : EVENTS_PAGE;

	if (limit > EVENTS_PAGE)
		limit = EVENTS_PAGE;
	if (box_url(w->c, &url, w->err, "/events", NULL) < 0)
		return -1;
	if (url_query(&url, "stream_type", stream) < 0 || url_query_int(&url, "limit", limit) < 0 ||
		(position && url_query(&url, "stream_position", position) < 0) || url_query(&url, "event_type", event_types) < 0 ||
		(after && url_query(&url, "created_after", time_format_s(after, t)) < 0))
		return err_memory(w->err);
	return box_get(w->c, buf_str(&url), NULL, ret, w->err);
}

/* Reads a page of events into items. *ret_next: the position behind it. */
static int take_events(struct walk *w, const cJSON *doc, const char **ret_next, size_t *ret_n)
{
	const cJSON *list = json_array(doc, "entries"), *e;
	_cleanup_buf_ struct buf place = BUF_INIT(200);
	char number[32];
	const struct connector_env *env = w->c->api.env;

	const char *next = json_id(doc, "next_stream_position", number, sizeof(number));
	if (!list || !next)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "the events are no list with a position");
	if (env->place_get(env->ctx, BOX_PLACE, &place, w->err) < 0)
		return -1;
	size_t n = (size_t)cJSON_GetArraySize(list);
	w->page->items = arena_alloc(w->page->arena, (n + 1) * sizeof(struct item));
	w->page->removed = arena_alloc(w->page->arena, (n + 1) * sizeof(char *));
	w->cap = n;
	if (!w->page->items || !w->page->removed)
		return err_memory(w->err);
	cJSON_ArrayForEach(e, list)
		if (read_event(w, e, buf_str(&place)) < 0)
			return -1;
	*ret_n = n;
	*ret_next = arena_dup(w->page->arena, next);
	return *ret_next ? 0 : err_memory(w->err);
}

/* The place was lost: the year-long log fills the gap, then streaming goes on from now. */
static int begin_back(struct walk *w)
{
	_cleanup_json_ cJSON *doc = NULL;
	char number[32];
	int64_t seen = json_int64_or(w->cursor, "seen", 0);

	if (fetch_events(w, "admin_logs_streaming", "now", 0, &doc) < 0)
		return -1;
	const char *now = json_id(doc, "next_stream_position", number, sizeof(number));
	if (!now)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "the events gave no position");
	/* Without a last event: two weeks, which is as far as streaming would have reached. */
	int64_t after = seen ? seen - BACK_MS : time_now_ms() - 14 * 86400000ll;
	if (json_set_str(w->cursor, "position", now) < 0 || json_set_int(w->cursor, "after", after) < 0 ||
		json_set_str(w->cursor, "back", NULL) < 0)
		return err_memory(w->err);
	return finish(w, true);
}

static int poll_back(struct walk *w)
{
	_cleanup_json_ cJSON *doc = NULL;
	const char *next = NULL, *back = json_str(w->cursor, "back");
	size_t n = 0;

	if (fetch_events(w, "admin_logs", back, json_int64_or(w->cursor, "after", 0), &doc) < 0 ||
		take_events(w, doc, &next, &n) < 0)
		return -1;
	bool end = n == 0 || (back && strcmp(back, next) == 0);
	if (json_set_str(w->cursor, "back", end ? NULL : next) < 0)
		return err_memory(w->err);
	if (end)
		cJSON_DeleteItemFromObjectCaseSensitive(w->cursor, "after");
	return finish(w, true);
}

/* Box says 400 to a position that it does not know any more. */
static bool place_lost(const struct err *err)
{
	return err->http_status == 400 || err->class == ERR_GONE;
}

static int poll_events(struct walk *w, const struct poll_request *req)
{
	_cleanup_json_ cJSON *doc = NULL, *context = NULL;
	const char *next = NULL, *position = json_str(w->cursor, "position");
	size_t n = 0;

	if (req->resync && !req->cursor)
		return begin_back(w);
	if (json_get(w->cursor, "after"))
		return poll_back(w);
	if (cJSON_GetArraySize(w->stack) > 0)
		return walk_step(w) < 0 ? -1 : finish(w, true);
	if (!position) {
		if (own_json(req->stream->context, ERR_LOCAL, &context, w->err) < 0)
			return -1;
		position = json_str_or(context, "start", "now");
	}
	if (fetch_events(w, "admin_logs_streaming", position, 0, &doc) < 0)
		return place_lost(w->err) ? begin_back(w) : -1;
	if (take_events(w, doc, &next, &n) < 0)
		return -1;
	/* A short or empty page is no end; an unchanged position without entries is. */
	bool same = strcmp(position, next) == 0;
	if (json_set_str(w->cursor, "position", next) < 0)
		return err_memory(w->err);
	return finish(w, (n > 0 || !same) || cJSON_GetArraySize(w->stack) > 0);
}

int box_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	struct walk w = {.c = c, .page = ret, .err = err};
	_cleanup_json_ cJSON *context = NULL;

	if (own_json(req->stream->context, ERR_LOCAL, &context, err) < 0 || open_walk(&w, req->cursor) < 0)
		return -1;
	const char *user = json_str(context, "user");
	int r = user ? poll_tree(&w, req, user) : poll_events(&w, req);
	cJSON_Delete(w.cursor);
	return r;
}
