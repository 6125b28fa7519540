/* The walk through folders, page by page. See walk.h. Called by feed.c.
 *
 * Folders are paged by marker, which Box recommends for large ones; where no marker comes but the total says that there is
 * more, by offset. */
#include "connectors/box/walk.h"

#include "connectors/box/place.h"

#include <string.h>

#define TREE_PAGE 1000
#define USERS_PAGE 100
#define STACK_BYTES 40000 /* of a cursor's CONNECTOR_TEXT_MAX; beyond it a page is cut before its next folder */
#define ENTRY_BYTES 32    /* of a stack's entry beside its ids */
#define MARKER_MAX 4000

/* Where in a folder the walk is. */
struct spot {
	const char *user, *folder;
	const char *marker; /* NULL: by offset; "" is the first page */
	const char *last;   /* id of the last entry that was taken of this page; "" none */
	int64_t offset, total;
};

struct item *box_walk_item(struct walk *w)
{
	if (w->page->n_items == w->cap)
		return NULL;
	return &w->page->items[w->page->n_items++];
}

/* ---- the stack ---- */

static size_t weight(const struct spot *s)
{
	return strlen(s->user) + strlen(s->folder) + ENTRY_BYTES + (s->marker ? strlen(s->marker) + strlen(s->last) : 0);
}

static bool add_text(cJSON *list, const char *text)
{
	return cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static bool add_number(cJSON *list, int64_t n)
{
	return cJSON_AddItemToArray(list, cJSON_CreateNumber((double)n));
}

static int put_spot(struct walk *w, const struct spot *s, int at)
{
	_cleanup_json_ cJSON *e = cJSON_CreateArray();

	if (!e || !add_text(e, s->user) || !add_text(e, s->folder) ||
		(s->marker ? !add_text(e, s->marker) || !add_text(e, s->last) : !add_number(e, s->offset) || !add_number(e, s->total)) ||
		!cJSON_AddItemToArray(w->stack, e))
		return err_memory(w->err);
	TAKE_PTR(e);
	/* What was on top of `at` comes on top again. */
	for (int above = cJSON_GetArraySize(w->stack) - 1 - at; above > 0; above--)
		cJSON_AddItemToArray(w->stack, cJSON_DetachItemFromArray(w->stack, at));
	w->stack_bytes += weight(s);
	return 0;
}

static int push_spot(struct walk *w, const struct spot *s)
{
	return put_spot(w, s, cJSON_GetArraySize(w->stack));
}

int box_walk_push(struct walk *w, const char *user, const char *folder)
{
	const struct spot s = {.user = user, .folder = folder, .marker = "", .last = ""};

	if (!box_is_id(user) || !box_is_id(folder))
		return err_set(w->err, ERR_REMOTE, "bad_answer", "an id that is none");
	return push_spot(w, &s);
}

int box_walk_push_everybody(struct walk *w)
{
	return push_spot(w, &(struct spot){.user = "", .folder = "users", .marker = "", .last = ""});
}

static int64_t number_at(const cJSON *entry, int index)
{
	const cJSON *n = cJSON_GetArrayItem(entry, index);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 9e15 ? (int64_t)n->valuedouble : -1;
}

static bool read_spot(const cJSON *e, struct spot *ret)
{
	const cJSON *place = cJSON_GetArrayItem(e, 2);

	*ret = (struct spot){.user = cJSON_GetStringValue(cJSON_GetArrayItem(e, 0)), .folder = cJSON_GetStringValue(cJSON_GetArrayItem(e, 1)),
		.marker = cJSON_GetStringValue(place), .last = cJSON_GetStringValue(cJSON_GetArrayItem(e, 3)), .offset = number_at(e, 2),
		.total = number_at(e, 3)};
	return ret->user && ret->folder && (ret->marker ? ret->last != NULL : ret->offset >= 0);
}

static int bad_cursor(struct walk *w)
{
	err_set(w->err, ERR_CURSOR, "bad_cursor", "the place in the feed cannot be read");
	return err_scope(w->err, SCOPE_STREAM);
}

int box_walk_open(struct walk *w, const char *cursor)
{
	struct spot s;
	const cJSON *e;

	if (own_json(cursor, ERR_CURSOR, &w->cursor, w->err) < 0)
		return -1;
	w->stack = json_array(w->cursor, "stack");
	if (!w->stack)
		w->stack = cJSON_AddArrayToObject(w->cursor, "stack");
	if (!w->stack)
		return err_memory(w->err);
	cJSON_ArrayForEach(e, w->stack)
	{
		if (!read_spot(e, &s))
			return bad_cursor(w);
		w->stack_bytes += weight(&s);
	}
	return 0;
}

/* ---- one page ---- */

static int ask_folder(struct walk *w, const struct spot *s, cJSON **ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(16384);
	int limit = w->c->api.config->page_size ? w->c->api.config->page_size : TREE_PAGE;

	if (box_url(w->c, &url, w->err, "/folders/{}/items", s->folder, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", BOX_FIELDS) < 0 || url_query_int(&url, "limit", limit) < 0 ||
		(s->marker ? url_query(&url, "usemarker", "true") : url_query_int(&url, "offset", s->offset)) < 0 ||
		(s->marker && *s->marker && url_query(&url, "marker", s->marker) < 0))
		return err_memory(w->err);
	return box_get(w->c, buf_str(&url), s->user, ret, w->err);
}

/* 1: the branch ends here. */
static int fetch_folder(struct walk *w, struct spot *s, cJSON **ret)
{
	if (ask_folder(w, s, ret) == 0)
		return 0;
	/* Without markers, or with one that is not known any more: by offset, from the beginning. */
	if (w->err->http_status == 400 && s->marker) {
		*s = (struct spot){.user = s->user, .folder = s->folder, .total = -1};
		if (ask_folder(w, s, ret) == 0)
			return 0;
	}
	/* A folder that went away, or that only its other owner may list, ends its branch; a user's own root must answer. */
	if (strcmp(s->folder, "0") == 0 && !w->everybody)
		return -1;
	return w->err->class == ERR_GONE ? 1 : w->err->http_status == 403 ? box_refused_alone(w->c, s->user, w->err) : -1;
}

/* Whom a folder's files are shared with, asked once a page and only when one of them is: a file's own collaborations are seen when
 * an event speaks of it. */
static int mark_people(struct walk *w, const cJSON *file, const char *user, struct item *item)
{
	_cleanup_json_ cJSON *list = NULL;

	if (!json_bool(file, "has_collaborations") || !w->folder || strcmp(w->folder, "0") == 0)
		return 0;
	if (!w->people_asked) {
		w->people_asked = true;
		if (box_collaborations_all(w->c, "folders", w->folder, user, &list, w->err) == 0)
			snprintf(w->people, sizeof(w->people), ":%016llx", (unsigned long long)box_people_hash(list));
		else if (!box_refused(w->err))
			return -1;
	}
	item->sharing_mark = box_sharing_mark(w->page->arena, file, w->people);
	return item->sharing_mark ? 0 : err_memory(w->err);
}

/* One entry of a folder. 1: stop behind it (the stack is full). */
static int walk_entry(struct walk *w, const char *user, const cJSON *e)
{
	const char *type = json_str_or(e, "type", ""), *id = json_str(e, "id");
	const char *owner = json_str(json_object(e, "owned_by"), "id");
	_cleanup_json_ cJSON *file = NULL;

	/* What others own comes with its owner's tree; what outsiders own is theirs. */
	if (!id || (owner && strcmp(owner, user) != 0))
		return 0;
	if (strcmp(type, "folder") == 0) {
		if (box_walk_push(w, user, id) < 0)
			return -1;
		return w->stack_bytes > STACK_BYTES;
	}
	if (strcmp(type, "file") != 0)
		return 0;
	/* A list that leaves out what was asked for: the file itself says it. */
	if (!json_str(json_object(e, "file_version"), "id")) {
		if (box_file(w->c, id, user, &file, w->err) < 0)
			return w->err->class == ERR_GONE ? 0 : -1;
		e = file;
	}
	bool notice;
	if (box_is_notice(w->c, e, &notice, w->err) < 0)
		return -1;
	if (notice)
		return 0;
	struct item *item = box_walk_item(w);
	if (!item)
		return err_memory(w->err);
	return box_item(w->page->arena, e, user, item, w->err) < 0 ? -1 : mark_people(w, e, user, item);
}

/* The entry behind the one that was taken last; the whole page when that is not there any more. */
static const cJSON *first_entry(const cJSON *list, const struct spot *s)
{
	const cJSON *e;

	if (s->marker && *s->last)
		cJSON_ArrayForEach(e, list) if (strcmp(json_str_or(e, "id", ""), s->last) == 0) return e->next;
	return list->child;
}

/* What is left of the folder goes below its own folders, at `at`. */
static int put_rest(struct walk *w, const struct spot *s, const cJSON *doc, const cJSON *cut, int64_t seen, int at)
{
	const char *next = json_str(doc, "next_marker");
	int64_t total = json_size(doc, "total_count");
	struct spot rest = *s;

	if (s->marker && cut) {
		rest.last = json_str_or(cut, "id", "");
		return put_spot(w, &rest, at);
	}
	if (s->marker && next && *next) {
		if (strlen(next) > MARKER_MAX || strcmp(next, s->marker) == 0)
			return err_set(w->err, ERR_REMOTE, "bad_answer", "the pages of a folder do not end");
		rest.marker = next;
		rest.last = "";
		return put_spot(w, &rest, at);
	}
	/* No marker, yet more than this: it pages by offset. A list that is cut short goes on, whatever the total says. */
	bool more = s->marker ? !*s->marker && seen > 0 && total > seen : cut || (seen > 0 && (total < 0 || s->offset + seen < total));
	if (!more)
		return 0;
	rest = (struct spot){.user = s->user, .folder = s->folder, .offset = (s->marker ? 0 : s->offset) + seen, .total = total};
	return put_spot(w, &rest, at);
}

/* A page of users: their roots are walked. */
static int step_everybody(struct walk *w, const struct spot *s)
{
	_cleanup_buf_ struct buf next = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *user;

	if (box_users(w->c, *s->marker ? s->marker : NULL, USERS_PAGE, &doc, &next, w->err) < 0)
		return -1;
	if (next.len && push_spot(w, &(struct spot){.user = "", .folder = "users", .marker = buf_str(&next), .last = ""}) < 0)
		return -1;
	cJSON_ArrayForEach(user, json_array(doc, "entries"))
	{
		const char *id = json_str(user, "id");
		if (box_is_id(id) && strcmp(json_str_or(user, "status", "active"), "inactive") != 0 && box_walk_push(w, id, "0") < 0)
			return -1;
	}
	return 0;
}

static int step(struct walk *w, struct spot *s)
{
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *e, *cut = NULL;
	int64_t seen = 0;

	int r = fetch_folder(w, s, &doc);
	if (r != 0)
		return r < 0 ? -1 : 0;
	const cJSON *list = json_array(doc, "entries");
	int64_t total = json_size(doc, "total_count");
	if (!list)
		return err_set(w->err, ERR_REMOTE, "bad_answer", "a folder's items are no list");
	/* Something before this page went away: what moved up to its place must not be passed over. */
	if (!s->marker && total >= 0 && s->total > total && s->offset > 0) {
		int64_t back = s->total - total;
		return push_spot(w, &(struct spot){.user = s->user, .folder = s->folder, .offset = s->offset > back ? s->offset - back : 0,
				   .total = total});
	}
	w->cap = (size_t)cJSON_GetArraySize(list);
	w->page->items = arena_alloc(w->page->arena, (w->cap + 1) * sizeof(struct item));
	if (!w->page->items)
		return err_memory(w->err);
	int place = cJSON_GetArraySize(w->stack);
	w->folder = s->folder;
	w->people_asked = false;
	w->people[0] = '\0';
	for (e = first_entry(list, s); e; e = e->next) {
		r = walk_entry(w, s->user, e);
		if (r < 0)
			return -1;
		seen++;
		if (r > 0 && e->next) {
			cut = e;
			break;
		}
	}
	return put_rest(w, s, doc, cut, cut ? seen : cJSON_GetArraySize(list), place);
}

int box_walk_step(struct walk *w)
{
	_cleanup_json_ cJSON *top = cJSON_DetachItemFromArray(w->stack, cJSON_GetArraySize(w->stack) - 1);
	struct spot s;

	if (!read_spot(top, &s))
		return bad_cursor(w);
	w->stack_bytes -= weight(&s);
	return *s.user ? step(w, &s) : step_everybody(w, &s);
}
