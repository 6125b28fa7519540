/* The two feeds of Box: the enterprise's events, and the walk through a user's tree (walk.c). See box.h for threads.
 *
 * Cursors are JSON. A tree: {"stack": […], "done": true}. The events: {"position": …, "stack": […]} with folders that were
 * copied or undeleted and wait to be walked, and, after the place was lost, {"after": ms, "back": position in admin_logs,
 * "position": where streaming goes on}. An event is only a hint: events come late, twice and in any order, so each file is
 * looked at as it is now. */
#include "connectors/box/place.h"
#include "connectors/box/walk.h"

#include "base/timeutil.h"

#include <string.h>

#define EVENTS_PAGE 100  /* each event costs a look at its file */
#define LOST_MAX 3        /* places lost in a row: after them the feed begins anew */
#define EMPTY_MAX 20      /* empty pages in a row whose position moves on: then it rests until the next turn */
#define BACK_MS (2 * 3600000ll) /* events surface late: look this much behind the last one seen */

static const char event_types[] = "UPLOAD,EDIT,COPY,MOVE,UNDELETE,ITEM_MODIFY,FILE_VERSION_RESTORE,DELETE,"
				  "FILE_MARKED_MALICIOUS,SHIELD_ALERT,SHARE,ITEM_SHARED_UPDATE,UPDATE_SHARE_EXPIRATION,"
				  "COLLABORATION_INVITE,COLLABORATION_ACCEPT,COLLABORATION_ROLE_CHANGE";

/* Access that grows. What ends makes nothing worse, and is seen when the file is looked at again. */
static bool is_sharing(const char *type)
{
	return strcmp(type, "SHARE") == 0 || strcmp(type, "ITEM_SHARED_UPDATE") == 0 || strcmp(type, "UPDATE_SHARE_EXPIRATION") == 0 ||
		strncmp(type, "COLLABORATION_", 14) == 0;
}

static int finish(struct walk *w, bool more)
{
	w->page->more = more;
	return arena_json(w->page->arena, w->cursor, &w->page->cursor, w->err);
}

static int poll_tree(struct walk *w, const struct poll_request *req, const char *user)
{
	w->page->listing = true;
	if (!req->cursor) {
		/* "From now on": the events bring what comes. */
		bool nothing = req->backlog == BACKLOG_NONE && !req->resync;
		if ((nothing && json_set_bool(w->cursor, "done", true) < 0) || (!nothing && box_walk_push(w, user, "0") < 0))
			return err_memory(w->err);
	}
	if (json_bool(w->cursor, "done"))
		return finish(w, false);
	if (cJSON_GetArraySize(w->stack) > 0 && box_walk_step(w) < 0)
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

/* Was the file looked at for an event of this page? One look serves all of them. */
static bool looked_at(struct walk *w, const char *id, bool malicious)
{
	struct item_page *page = w->page;

	for (size_t i = 0; i < page->n_items; i++) {
		if (strcmp(page->items[i].id, id) != 0)
			continue;
		if (malicious)
			page->items[i].provider_threat = BOX_SHIELD;
		return true;
	}
	for (size_t i = 0; i < page->n_removed; i++)
		if (strcmp(page->removed[i], id) == 0)
			return true;
	return false;
}

/* Whom it is shared with, where somebody is: that others came shows in nothing else. */
static int mark_people(struct walk *w, const cJSON *file, const char *user, struct item *item)
{
	_cleanup_json_ cJSON *list = NULL;
	char text[24];

	if (!json_bool(file, "has_collaborations"))
		return 0;
	if (box_collaborations_all(w->c, "files", item->id, user, &list, w->err) < 0)
		return box_refused(w->err) ? 0 : -1;
	snprintf(text, sizeof(text), ":%016llx", (unsigned long long)box_people_hash(list));
	item->sharing_mark = box_sharing_mark(w->page->arena, file, text);
	return item->sharing_mark ? 0 : err_memory(w->err);
}

/* The file an event speaks of, as it is now. */
static int read_file(struct walk *w, const char *id, const char *user, bool malicious)
{
	_cleanup_json_ cJSON *file = NULL;

	if (looked_at(w, id, malicious))
		return 0;
	if (box_file(w->c, id, user, &file, w->err) < 0) {
		if (w->err->class == ERR_GONE)
			return note_removed(w, id);
		/* Moved out of the enterprise's reach, or has the whole grant shrunk? */
		return w->err->http_status == 403 && box_refused_alone(w->c, user, w->err) == 1 ? 0 : -1;
	}
	bool ours;
	if (box_is_ours(w->c, json_str_or(json_object(file, "parent"), "id", ""), &ours, w->err) < 0)
		return -1;
	if (ours)
		return 0; /* our own quarantine moved it */
	bool notice;
	if (box_is_notice(w->c, file, &notice, w->err) < 0)
		return -1;
	if (notice)
		return 0;
	struct item *item = box_walk_item(w);
	if (!item)
		return err_memory(w->err);
	if (box_item(w->page->arena, file, user, item, w->err) < 0 || mark_people(w, file, user, item) < 0)
		return -1;
	if (malicious)
		item->provider_threat = BOX_SHIELD;
	return 0;
}

/* What an event is about. */
struct subject {
	const char *kind, *id, *user;
	bool malicious;
};

static void find_subject(const cJSON *e, const char *type, struct subject *ret)
{
	const cJSON *source = json_object(e, "source"), *alert = json_object(json_object(e, "additional_details"), "shield_alert");
	bool shield = strcmp(type, "SHIELD_ALERT") == 0;

	*ret = (struct subject){.id = json_str(source, "item_id"), .kind = json_str(source, "item_type"),
		.user = json_str(json_object(source, "owned_by"), "id")};
	ret->malicious = strcmp(type, "FILE_MARKED_MALICIOUS") == 0 ||
		(shield && strcmp(json_str_or(alert, "rule_category", ""), "Malicious Content") == 0);
	if (!ret->id)
		ret->id = json_str(source, "id");
	if (!ret->kind)
		ret->kind = json_str(source, "type");
	/* An alert may name the file in its summary only. */
	if (shield && strcmp(ret->kind ? ret->kind : "", "file") != 0) {
		const cJSON *upload = json_object(json_object(alert, "alert_summary"), "upload_activity");
		ret->id = json_str(upload, "item_id");
		ret->kind = json_str(upload, "item_type");
		ret->user = json_str(json_object(alert, "user"), "id");
	}
	if (!ret->user)
		ret->user = json_str(json_object(e, "created_by"), "id");
}

/* What is in a folder came back, or is shared with others than before. Once, however often the page speaks of it. */
static int walk_folder(struct walk *w, const char *id, const char *user)
{
	const cJSON *e;
	bool ours;

	if (box_is_ours(w->c, id, &ours, w->err) < 0)
		return -1;
	if (ours || strcmp(id, "0") == 0)
		return 0;
	cJSON_ArrayForEach(e, w->stack)
	{
		if (strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(e, 0)) ?: "", user) == 0 &&
			strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(e, 1)) ?: "", id) == 0)
			return 0;
	}
	return box_walk_push(w, user, id);
}

static int read_event(struct walk *w, const cJSON *e)
{
	const char *type = json_str_or(e, "event_type", "");
	int64_t at = json_time(e, "created_at");
	struct subject s;

	if (at && at > json_int64_or(w->cursor, "seen", 0) && json_set_int(w->cursor, "seen", at) < 0)
		return err_memory(w->err);
	find_subject(e, type, &s);
	if (!s.kind || !box_is_id(s.id) || !box_is_id(s.user))
		return 0; /* about no item */
	if (strcmp(s.kind, "folder") == 0)
		return strcmp(type, "COPY") == 0 || strcmp(type, "UNDELETE") == 0 || is_sharing(type) ? walk_folder(w, s.id, s.user) : 0;
	return strcmp(s.kind, "file") == 0 ? read_file(w, s.id, s.user, s.malicious) : 0;
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
	char number[32];

	const char *next = json_id(doc, "next_stream_position", number, sizeof(number));
	if (!list || !next)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "the events are no list with a position");
	size_t n = (size_t)cJSON_GetArraySize(list);
	w->page->items = arena_alloc(w->page->arena, (n + 1) * sizeof(struct item));
	w->page->removed = arena_alloc(w->page->arena, (n + 1) * sizeof(char *));
	w->cap = n;
	if (!w->page->items || !w->page->removed)
		return err_memory(w->err);
	cJSON_ArrayForEach(e, list)
		if (read_event(w, e) < 0)
			return -1;
	*ret_n = n;
	*ret_next = arena_dup(w->page->arena, next);
	return *ret_next ? 0 : err_memory(w->err);
}

/* Box says 400 to a position that it does not know any more. */
static bool place_lost(const struct err *err)
{
	return err->http_status == 400 || err->class == ERR_GONE;
}

/* The place was lost: the year-long log fills the gap, then streaming goes on from now. */
static int begin_back(struct walk *w)
{
	_cleanup_json_ cJSON *doc = NULL;
	char number[32];
	int64_t seen = json_int64_or(w->cursor, "seen", 0), lost = json_int64_or(w->cursor, "lost", 0);

	if (lost >= LOST_MAX) {
		err_set(w->err, ERR_CURSOR, "cursor_lost", "Box: each new place in the events is lost at once");
		return err_scope(w->err, SCOPE_STREAM);
	}
	if (fetch_events(w, "admin_logs_streaming", "now", 0, &doc) < 0)
		return -1;
	const char *now = json_id(doc, "next_stream_position", number, sizeof(number));
	if (!now)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "the events gave no position");
	/* Without a last event: two weeks, which is as far as streaming would have reached. */
	int64_t after = seen ? seen - BACK_MS : time_now_ms() - 14 * 86400000ll;
	if (json_set_str(w->cursor, "position", now) < 0 || json_set_int(w->cursor, "after", after) < 0 ||
		json_set_int(w->cursor, "lost", lost + 1) < 0 || json_set_str(w->cursor, "back", NULL) < 0)
		return err_memory(w->err);
	return finish(w, true);
}

/* Box does not give out its log (or says nothing of the time before): everybody's tree is walked instead. */
static int begin_walk(struct walk *w)
{
	cJSON_DeleteItemFromObjectCaseSensitive(w->cursor, "after");
	if (json_set_str(w->cursor, "back", NULL) < 0)
		return err_memory(w->err);
	return box_walk_push_everybody(w) < 0 ? -1 : finish(w, true);
}

/* A feed that never rests: positions that turn in circles, or that move on for ever without an event. */
static int restless(struct walk *w, const char *next, size_t n, bool *ret, struct err *err)
{
	int64_t empty = n ? 0 : json_int64_or(w->cursor, "empty", 0) + 1;
	bool loops;

	if (cursor_loops(w->cursor, "positions", next, 2, &loops, err) < 0)
		return -1;
	*ret = loops || empty >= EMPTY_MAX;
	if (*ret)
		cursor_loops_clear(w->cursor, "positions");
	return json_set_int(w->cursor, "empty", *ret ? 0 : empty) < 0 ? err_memory(err) : 0;
}

static int poll_back(struct walk *w)
{
	bool rest = false;

	_cleanup_json_ cJSON *doc = NULL;
	const char *next = NULL, *back = json_str(w->cursor, "back");
	size_t n = 0;

	if (fetch_events(w, "admin_logs", back, json_int64_or(w->cursor, "after", 0), &doc) < 0) {
		if (back && place_lost(w->err))
			return begin_back(w);
		return box_refused(w->err) ? begin_walk(w) : -1;
	}
	if (take_events(w, doc, &next, &n) < 0)
		return -1;
	/* An empty page is no end while the position moves; one that stays gives the same page again. */
	if (restless(w, next, n, &rest, w->err) < 0)
		return -1;
	bool end = rest || (back && strcmp(back, next) == 0);
	if (json_set_str(w->cursor, "back", end ? NULL : next) < 0)
		return err_memory(w->err);
	if (end) {
		cJSON_DeleteItemFromObjectCaseSensitive(w->cursor, "after");
		cursor_loops_clear(w->cursor, "positions");
	}
	return finish(w, true);
}

static int poll_events(struct walk *w, const struct poll_request *req)
{
	_cleanup_json_ cJSON *doc = NULL, *context = NULL;
	const char *next = NULL, *position = json_str(w->cursor, "position");
	size_t n = 0;

	if (req->resync && !req->cursor)
		return begin_back(w);
	/* First, so that it stays small. */
	if (cJSON_GetArraySize(w->stack) > 0)
		return box_walk_step(w) < 0 ? -1 : finish(w, true);
	if (json_get(w->cursor, "after"))
		return poll_back(w);
	if (!position) {
		if (own_json(req->stream->context, ERR_LOCAL, &context, w->err) < 0)
			return -1;
		position = json_str_or(context, "start", "now");
	}
	if (fetch_events(w, "admin_logs_streaming", position, 0, &doc) < 0)
		return place_lost(w->err) ? begin_back(w) : -1;
	if (take_events(w, doc, &next, &n) < 0)
		return -1;
	/* A short or empty page is no end; an unchanged position is, for it would give the same page again. */
	bool same = strcmp(position, next) == 0, rest = false;
	if (same)
		cursor_loops_clear(w->cursor, "positions");
	else if (restless(w, next, n, &rest, w->err) < 0)
		return -1;
	if (json_set_str(w->cursor, "position", next) < 0 || json_set_str(w->cursor, "lost", NULL) < 0)
		return err_memory(w->err);
	/* A feed that is silent from its first day on was followed up to here all the same. */
	if (!json_get(w->cursor, "seen") && json_set_int(w->cursor, "seen", time_now_ms()) < 0)
		return err_memory(w->err);
	return finish(w, (!same && !rest) || cJSON_GetArraySize(w->stack) > 0);
}

int box_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	struct walk w = {.c = c, .page = ret, .err = err};
	_cleanup_json_ cJSON *context = NULL;

	if (own_json(req->stream->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	const char *user = json_str(context, "user");
	w.everybody = !user;
	int r = box_walk_open(&w, req->cursor);
	if (r == 0)
		r = user ? poll_tree(&w, req, user) : poll_events(&w, req);
	cJSON_Delete(w.cursor);
	if (r < 0)
		*ret = (struct item_page){.arena = ret->arena};
	return r;
}
