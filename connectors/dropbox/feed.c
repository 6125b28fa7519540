/* The feed of one namespace: list_folder, then list_folder/continue. Called by dropbox.c on core's job threads.
 *
 * The cursor is JSON: at (Dropbox's cursor), list (the first enumeration runs), loops (marks of this run). Deletions carry
 * a path and no id, so nothing is made of them; a file that is gone says so when it is downloaded. Mounted folders are
 * left out: each namespace is a stream of its own. Sources: files.stone, Dropbox "Detecting changes guide". */
#include "connectors/dropbox/dropbox.h"
#include "connectors/notice.h"

#include <string.h>

#define PAGE 2000
#define SAME_CURSOR_MAX 2

/* ---- entries ---- */

/* What the list tells: people of its own, the folder that it is shared with. Links show in nothing that is followed. */
static const char *sharing_mark(struct arena *a, const cJSON *entry)
{
	const char *in = json_str(json_object(entry, "sharing_info"), "parent_shared_folder_id");

	return arena_printf(a, "%s%s%.60s", json_bool(entry, "has_explicit_shared_members") ? "people" : "", in ? ",folder:" : "", in ? in : "");
}

static bool read_entry(struct arena *a, const cJSON *entry, struct item *item, bool *ret_memory)
{
	const char *path = json_str(entry, "path_display"), *hash = json_str(entry, "content_hash");
	_cleanup_json_ cJSON *context = NULL;

	*item = (struct item){.kind = ITEM_FILE, .size = json_size(entry, "size")};
	item->id = arena_str(a, entry, "id");
	item->name = arena_str(a, entry, "name");
	item->path = dbx_parent(a, path);
	item->version = dbx_version(a, entry);
	item->changed_at = json_time(entry, "server_modified");
	if (!item->changed_at)
		item->changed_at = json_time(entry, "client_modified");
	if (hash && item->version && strncmp(item->version, hash, 64) == 0) {
		item->hash_kind = "dropbox";
		item->hash = arena_dup(a, hash);
	}
	item->sharing_mark = sharing_mark(a, entry);
	if (!item->sharing_mark)
		*ret_memory = true;
	if (json_object(entry, "symlink_info"))
		item->skip = "no_content";
	if (dbx_is_exported(entry)) {
		/* Its size is not that of what is exported. */
		item->size = -1;
		context = cJSON_CreateObject();
		if (!context || json_set_bool(context, "export", true) < 0 || arena_json(a, context, &item->context, NULL) < 0)
			*ret_memory = true;
	}
	return item->id && *item->id && item->version;
}

static int read_page(struct connection *c, const cJSON *entries, struct item_page *page, struct err *err)
{
	size_t n = (size_t)cJSON_GetArraySize(entries);
	const cJSON *entry;
	bool memory = false;

	page->items = arena_alloc(page->arena, (n + 1) * sizeof(*page->items));
	if (!page->items)
		return err_memory(err);
	cJSON_ArrayForEach(entry, entries)
	{
		const char *tag = dbx_tag(entry);
		if (!*tag)
			return err_set(err, ERR_REMOTE, "bad_answer", "an entry of a folder without a kind");
		if (strcmp(tag, "file") != 0)
			continue;
		/* Passing over it would lose it without a word. */
		if (!read_entry(page->arena, entry, &page->items[page->n_items], &memory))
			return err_set(err, ERR_REMOTE, "bad_answer", "a file without an id or a revision");
		struct item *item = &page->items[page->n_items];
		bool notice = false;
		if (notice_maybe_file(item->name, item->size) && notice_is_ours(c->api.env, item->id, item->version, &notice, err) < 0)
			return -1;
		page->n_items += !notice;
	}
	return memory ? err_memory(err) : 0;
}

/* ---- places ---- */

static cJSON *list_arg(const struct connection *c)
{
	cJSON *arg = cJSON_CreateObject();
	int64_t limit = c->page_size > 0 && c->page_size < PAGE ? c->page_size : PAGE;

	if (!arg || json_set_str(arg, "path", "") < 0 || json_set_bool(arg, "recursive", true) < 0 ||
		json_set_bool(arg, "include_deleted", true) < 0 || json_set_bool(arg, "include_mounted_folders", false) < 0 ||
		json_set_bool(arg, "include_non_downloadable_files", true) < 0 ||
		json_set_bool(arg, "include_has_explicit_shared_members", true) < 0 || json_set_int(arg, "limit", limit) < 0) {
		json_free(arg);
		return NULL;
	}
	return arg;
}

static int put_cursor(cJSON *cursor, const char *at, bool more, struct item_page *page, struct err *err)
{
	bool loops = false;

	if (!at || !*at)
		return err_set(err, ERR_REMOTE, "bad_answer", "a folder's listing without a cursor");
	if (more && cursor_loops(cursor, "loops", at, SAME_CURSOR_MAX, &loops, err) < 0)
		return -1;
	if (loops) {
		err_set(err, ERR_CURSOR, "page_loop", "the feed gives the same cursor over and over");
		return err_scope(err, SCOPE_STREAM);
	}
	if (!more) {
		cursor_loops_clear(cursor, "loops");
		cJSON_DeleteItemFromObjectCaseSensitive(cursor, "list");
	}
	if (json_set_str(cursor, "at", at) < 0)
		return err_memory(err);
	page->more = more;
	return arena_json(page->arena, cursor, &page->cursor, err);
}

int dbx_feed_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *cursor = NULL, *arg = NULL, *doc = NULL;
	struct item_page page = {.arena = ret->arena};
	struct dbx_as as;

	if (dbx_as_of(context, &as, err) < 0 || own_json(req->cursor, ERR_CURSOR, &cursor, err) < 0)
		return -1;
	const char *at = json_str(cursor, "at");
	if (req->cursor && !at) {
		err_set(err, ERR_CURSOR, "bad_cursor", "a stored cursor that is none");
		return err_scope(err, SCOPE_STREAM);
	}
	if (at) {
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", at) < 0)
			return err_memory(err);
	} else if (!(arg = list_arg(c))) {
		return err_memory(err);
	}
	if (!at && req->backlog == BACKLOG_NONE && !req->resync) {
		if (dbx_object(c, &as, "files/list_folder/get_latest_cursor", arg, &doc, err) < 0 ||
			put_cursor(cursor, json_str(doc, "cursor"), false, &page, err) < 0)
			return -1;
		*ret = page;
		return 0;
	}
	if (!at && json_set_bool(cursor, "list", true) < 0)
		return err_memory(err);
	if (dbx_object(c, &as, at ? "files/list_folder/continue" : "files/list_folder", arg, &doc, err) < 0)
		return -1;
	const cJSON *entries = json_array(doc, "entries");
	if (!entries || !cJSON_IsBool(json_get(doc, "has_more")))
		return err_set(err, ERR_REMOTE, "bad_answer", "a folder's listing without entries");
	page.listing = json_bool(cursor, "list");
	if (read_page(c, entries, &page, err) < 0 ||
		put_cursor(cursor, json_str(doc, "cursor"), json_bool(doc, "has_more"), &page, err) < 0)
		return -1;
	*ret = page;
	return 0;
}
