/* Files: the listing and the changes of one user's drive or one shared drive, and what a file is. Called by google.c on core's
 * job threads.
 *
 * A file belongs to its owner's stream, whoever it is shared with; files of shared drives belong to the drive's. What is no
 * longer ours in a stream is removed from it. Folders have no content. Trashed files do: others still reach them. The cursor
 * has, beside feed.c's keys, t: the token of the changes to read next, taken before the listing.
 * Sources: Drive "Retrieve changes", changes.list, files.list, "Search query terms", "Google Workspace MIME types". */
#include "connectors/google/files.h"

#include "base/digest.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>

#define DRIVE_PAGE 1000
#define PATH_DEPTH_MAX 30
#define FEED_FIELDS FILE_FIELDS ",permissionIds,hasAugmentedPermissions"
#define CHANGE_FIELDS "nextPageToken,newStartPageToken,changes(changeType,fileId,removed,file(" FEED_FIELDS "))"
#define LIST_FIELDS "nextPageToken,incompleteSearch,files(" FEED_FIELDS ")"

/* Who a stream is of. */
struct whose {
	const char *user;  /* to act as */
	const char *drive; /* shared drive; NULL: the user's own */
};

static struct whose whose(const cJSON *context)
{
	return (struct whose){.user = json_str(context, "user"), .drive = json_str(context, "drive")};
}

const char *file_actor(const cJSON *context)
{
	return json_str(context, "user");
}

/* ---- one file ---- */

static bool is_native(const cJSON *file)
{
	return strncmp(json_str_or(file, "mimeType", ""), "application/vnd.google-apps.", 28) == 0;
}

const char *file_version(struct arena *a, const cJSON *file)
{
	const char *head = json_str(file, "headRevisionId"), *sha256 = json_str(file, "sha256Checksum");
	const char *md5 = json_str(file, "md5Checksum"), *modified = json_str_or(file, "modifiedTime", "");

	if (head && *head)
		return arena_dup(a, head);
	if (sha256 && *sha256)
		return arena_printf(a, "sha256:%s", sha256);
	if (md5 && *md5)
		return arena_printf(a, "md5:%s", md5);
	return arena_printf(a, "modified:%s", modified);
}

bool file_version_is(const cJSON *file, const char *version)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const char *now = a ? file_version(a, file) : NULL;

	return now && strcmp(now, version) == 0;
}

const char *file_parent(const cJSON *file)
{
	const char *parent = cJSON_GetStringValue(cJSON_GetArrayItem(json_array(file, "parents"), 0));

	return parent && *parent ? parent : NULL;
}

int file_get(struct connection *c, const char *as, const char *id, const char *fields, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (drive_url(c, &url, err, "/files/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "fields", fields) < 0)
		return err_memory(err);
	if (google_get(c, as, buf_str(&url), &doc, err) < 0)
		return -1;
	const char *got = json_str(doc, "id");
	if (!got || (strcmp(got, id) != 0 && strcmp(id, "root") != 0))
		return err_set(err, ERR_REMOTE, "bad_answer", "another file than was asked for");
	*ret = TAKE_PTR(doc);
	return 0;
}

const char *file_path(struct connection *c, struct arena *a, const char *as, const cJSON *file, struct err *err)
{
	const char *path = "", *parent = file_parent(file);
	_cleanup_buf_ struct buf next = BUF_INIT(4096);

	for (int depth = 0; parent && depth < PATH_DEPTH_MAX; depth++) {
		_cleanup_json_ cJSON *folder = NULL;
		struct err why = {0};
		if (file_get(c, as, parent, "id,name,parents", &folder, &why) < 0) {
			if (why.class == ERR_GONE || why.class == ERR_REMOTE)
				break; /* in a folder that this user does not see */
			pass_on(err, &why);
			return NULL;
		}
		if (!file_parent(folder))
			break; /* the drive's root */
		path = arena_printf(a, "/%.200s%.2000s", json_str_or(folder, "name", "?"), path);
		buf_clear(&next);
		if (!path || buf_adds(&next, file_parent(folder)) < 0) {
			err_memory(err);
			return NULL;
		}
		parent = buf_str(&next);
	}
	return *path ? path : "/";
}

/* ---- what a page holds ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who has access, as one short text: another one when somebody comes or goes. That somebody's role changes it does not tell. NULL
 * when the file is not shared, or (in a shared drive) with its members alone. */
static int sharing_mark(struct arena *a, const cJSON *file, const char **ret, struct err *err)
{
	const cJSON *ids = json_array(file, "permissionIds"), *one;
	int n = cJSON_GetArraySize(ids);
	_cleanup_free_ const char **sorted = calloc((size_t)n + 1, sizeof(*sorted));
	_cleanup_buf_ struct buf text = BUF_INIT(4u << 20);
	bool anyone = false;
	struct digests d = {0};

	if (!sorted)
		return err_memory(err);
	*ret = NULL;
	/* Its owner is one of them. */
	if (n < 2 || (json_str(file, "driveId") && !json_bool(file, "hasAugmentedPermissions")))
		return 0;
	n = 0;
	cJSON_ArrayForEach(one, ids)
	{
		const char *id = cJSON_GetStringValue(one);
		if (id)
			sorted[n++] = id;
		anyone = anyone || (id && strncmp(id, "anyone", 6) == 0);
	}
	qsort(sorted, (size_t)n, sizeof(*sorted), by_text);
	for (int i = 0; i < n; i++)
		if (buf_addf(&text, "%s\n", sorted[i]) < 0)
			return err_memory(err);
	if (digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &d) < 0 ||
		!(*ret = arena_printf(a, "%s:%.16s", anyone ? "anyone" : "people", d.sha256)))
		return err_memory(err);
	return 0;
}

static int add_item(struct item_page *page, const cJSON *file, const char *skip, struct err *err)
{
	const char *mime = json_str_or(file, "mimeType", ""), *type = file_export_type(mime);
	const char *sha256 = json_str(file, "sha256Checksum");
	struct arena *a = page->arena;

	if (strcmp(mime, GOOGLE_FOLDER) == 0)
		return 0;
	struct item *item = &page->items[page->n_items++];
	*item = (struct item){.kind = ITEM_FILE, .size = is_native(file) ? -1 : json_size(file, "size"), .skip = skip};
	item->id = arena_str(a, file, "id");
	item->name = arena_str(a, file, "name");
	item->version = file_version(a, file);
	/* A file that was brought here keeps the time of its last change from before. */
	int64_t created = json_time(file, "createdTime"), modified = json_time(file, "modifiedTime");
	item->changed_at = created > modified ? created : modified;
	if (sha256 && strlen(sha256) == 64) {
		item->hash_kind = "sha256";
		item->hash = text_lower(arena_dup(a, sha256));
	}
	if (!skip && strcmp(mime, "application/vnd.google-apps.shortcut") == 0)
		item->skip = "shortcut"; /* its target is scanned where it lies */
	else if (!skip && type && !*type)
		item->skip = "no_content";
	else if (!skip && type)
		item->context = arena_printf(a, "{\"mime\":\"%.100s\"}", mime);
	if (!item->id || !*item->id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without an id");
	if (sharing_mark(a, file, &item->sharing_mark, err) < 0)
		return -1;
	return MEM_OK(item->version, err);
}

static int add_removed(struct item_page *page, const char *id, struct err *err)
{
	const char *copy = arena_dup(page->arena, id);

	if (!copy)
		return err_memory(err);
	page->removed[page->n_removed++] = copy;
	return 0;
}

/* Is somebody of the organisation the owner? Asked once per address and page. */
static int is_insider(struct connection *c, const char *address, cJSON *known, bool *ret, struct err *err)
{
	_cleanup_json_ cJSON *user = NULL;
	const char *at = strrchr(address, '@'), *home = strrchr(c->admin, '@');

	if (at && home && same_address(at, home)) {
		*ret = true;
		return 0;
	}
	if (!json_get(known, address)) {
		int r = directory_user(c, address, "primaryEmail", &user, err);
		if (r < 0)
			return -1;
		if (json_set_bool(known, address, r == 0) < 0)
			return err_memory(err);
	}
	*ret = json_bool(known, address);
	return 0;
}

static int add_file(struct connection *c, const struct whose *w, struct item_page *page, const cJSON *file, cJSON *known,
	struct err *err)
{
	const char *drive = json_str(file, "driveId"), *id = json_str_or(file, "id", "");
	const char *owner = json_str(cJSON_GetArrayItem(json_array(file, "owners"), 0), "emailAddress");
	bool insider = false;

	if (w->drive || drive)
		return w->drive && drive && strcmp(w->drive, drive) == 0 ? add_item(page, file, NULL, err) :
									   add_removed(page, id, err);
	if (!owner || json_bool(file, "ownedByMe") || same_address(owner, w->user))
		return add_item(page, file, NULL, err);
	if (is_insider(c, owner, known, &insider, err) < 0)
		return -1;
	return insider ? add_removed(page, id, err) : add_item(page, file, "owned_outside", err);
}

static int room(struct item_page *page, const cJSON *list, struct err *err)
{
	size_t n = (size_t)cJSON_GetArraySize(list) + 1;

	page->items = arena_alloc(page->arena, n * sizeof(*page->items));
	page->removed = arena_alloc(page->arena, n * sizeof(*page->removed));
	return MEM_OK(page->items && page->removed, err);
}

/* ---- the listing ---- */

static int add_drive(struct buf *url, const struct whose *w)
{
	if (url_query(url, "supportsAllDrives", "true") < 0)
		return -1;
	return w->drive ? url_query(url, "driveId", w->drive) : 0;
}

static int start_token(struct connection *c, const struct whose *w, struct feed *f, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (drive_url(c, &url, err, "/changes/startPageToken", NULL) < 0)
		return -1;
	if (add_drive(&url, w) < 0)
		return err_memory(err);
	if (google_get(c, w->user, buf_str(&url), &doc, err) < 0)
		return -1;
	const char *token = json_str(doc, "startPageToken");
	if (!token || !*token)
		return err_set(err, ERR_REMOTE, "bad_answer", "a drive without a place to start from");
	return MEM_OK(json_set_str(f->cursor, "t", token) == 0, err);
}

static int top_of(const struct connection *c)
{
	return c->page_size > 0 && c->page_size < DRIVE_PAGE ? c->page_size : DRIVE_PAGE;
}

static int list_url(struct connection *c, const struct whose *w, const struct poll_request *req, const struct feed *f,
	struct buf *url, struct err *err)
{
	_cleanup_buf_ struct buf q = BUF_INIT(512);
	char since[TIME_RFC3339_LEN];
	int r = 0;

	if (drive_url(c, url, err, "/files", NULL) < 0)
		return -1;
	r |= buf_addf(&q, "mimeType != '" GOOGLE_FOLDER "'%s", w->drive ? "" : " and 'me' in owners");
	if ((req->backlog == BACKLOG_SINCE || req->resync) && req->since > 0) {
		time_format_s(req->since, since);
		r |= buf_addf(&q, " and (modifiedTime >= '%s' or createdTime >= '%s')", since, since);
	}
	r |= add_drive(url, w);
	r |= url_query(url, "corpora", w->drive ? "drive" : "user");
	if (w->drive)
		r |= url_query(url, "includeItemsFromAllDrives", "true");
	r |= url_query_int(url, "pageSize", top_of(c));
	r |= url_query(url, "q", buf_str(&q));
	r |= url_query(url, "fields", LIST_FIELDS);
	if (json_str(f->cursor, "p"))
		r |= url_query(url, "pageToken", json_str(f->cursor, "p"));
	return r < 0 ? err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long") : 0;
}

static int poll_list(struct connection *c, const struct whose *w, const struct poll_request *req, struct feed *f,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL, *known = cJSON_CreateObject();
	const cJSON *file;
	struct err why = {0};

	if (!known)
		return err_memory(err);
	if (list_url(c, w, req, f, &url, err) < 0)
		return -1;
	if (google_get(c, w->user, buf_str(&url), &doc, &why) < 0) {
		if (why.class == ERR_CURSOR)
			return feed_again(f, err) < 0 ? -1 : feed_put(f, true, true, err);
		return pass_on(err, &why);
	}
	const cJSON *files = json_array(doc, "files");
	if (!files && !json_str(doc, "nextPageToken"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of files that is none");
	if (json_bool(doc, "incompleteSearch"))
		return err_set(err, ERR_RETRY, "incomplete", "Drive did not search everything");
	if (room(f->page, files, err) < 0)
		return -1;
	cJSON_ArrayForEach(file, files)
	{
		if (add_file(c, w, f->page, file, known, err) < 0)
			return -1;
	}
	f->page->n_removed = 0; /* what is in other streams was never in this one */
	const char *next = json_str(doc, "nextPageToken");
	if (feed_next(f, next, err) < 0)
		return -1;
	if (!next && json_set_str(f->cursor, "m", "feed") < 0)
		return err_memory(err);
	return feed_put(f, true, true, err);
}

/* ---- the changes ---- */

/* Does the file come again further down the page? Then that entry counts. */
static bool comes_again(const cJSON *change, const char *id)
{
	for (const cJSON *later = change->next; later; later = later->next)
		if (strcmp(json_str_or(later, "fileId", ""), id) == 0)
			return true;
	return false;
}

static int read_changes(struct connection *c, const struct whose *w, const cJSON *changes, struct item_page *page,
	struct err *err)
{
	_cleanup_json_ cJSON *known = cJSON_CreateObject();
	const cJSON *change;

	if (!known || room(page, changes, err) < 0)
		return err_memory(err);
	cJSON_ArrayForEach(change, changes)
	{
		const char *id = json_str(change, "fileId");
		const cJSON *file = json_object(change, "file");
		if (strcmp(json_str_or(change, "changeType", "file"), "file") != 0)
			continue;
		if (!id || !*id)
			return err_set(err, ERR_REMOTE, "bad_answer", "a change without a file");
		if (comes_again(change, id))
			continue;
		if (!json_bool(change, "removed") && !file)
			return err_set(err, ERR_REMOTE, "bad_answer", "a changed file that is not shown");
		if ((json_bool(change, "removed") ? add_removed(page, id, err) : add_file(c, w, page, file, known, err)) < 0)
			return -1;
	}
	return 0;
}

static int poll_changes(struct connection *c, const struct whose *w, struct feed *f, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const char *token = json_str(f->cursor, "t");

	if (!token)
		return cursor_lost(err, "the stored cursor has no token");
	if (drive_url(c, &url, err, "/changes", NULL) < 0)
		return -1;
	if (url_query(&url, "pageToken", token) < 0 || add_drive(&url, w) < 0 ||
		url_query(&url, "includeItemsFromAllDrives", "true") < 0 || url_query(&url, "includeRemoved", "true") < 0 ||
		url_query_int(&url, "pageSize", top_of(c)) < 0 || url_query(&url, "fields", CHANGE_FIELDS) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long");
	if (google_get(c, w->user, buf_str(&url), &doc, err) < 0)
		return -1;
	const char *next = json_str(doc, "nextPageToken"), *start = json_str(doc, "newStartPageToken");
	if (!next && !start)
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of changes that is none");
	if (read_changes(c, w, json_array(doc, "changes"), f->page, err) < 0)
		return -1;
	/* Pages of changes have tokens like the feed's own: "p" only serves to notice a circle. */
	if (feed_next(f, next, err) < 0)
		return -1;
	cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "p");
	if (json_set_str(f->cursor, "t", next ? next : start) < 0)
		return err_memory(err);
	return feed_put(f, next != NULL, false, err);
}

static int file_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	struct item_page page = {.arena = ret->arena};
	struct whose w = whose(context);
	_cleanup_feed_ struct feed f = {0};
	bool list = req->resync || req->backlog != BACKLOG_NONE;
	const char *mode;
	int r;

	if (feed_open(&f, req, &page, &mode, err) < 0)
		return -1;
	if (!mode && start_token(c, &w, &f, err) < 0)
		return -1;
	if (!mode && json_set_str(f.cursor, "m", list ? "list" : "feed") < 0)
		return err_memory(err);
	if (!mode && !list)
		r = feed_put(&f, false, false, err); /* from now on */
	else if (strcmp(json_str(f.cursor, "m"), "list") == 0)
		r = poll_list(c, &w, req, &f, err);
	else
		r = poll_changes(c, &w, &f, err);
	if (r < 0 || notice_filter(c->api.env, &page, err) < 0)
		return -1;
	*ret = page;
	return 0;
}

/* ---- content ---- */

static int file_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *own = NULL;

	if (own_json(item->context, ERR_LOCAL, &own, err) < 0)
		return -1;
	return file_bytes(c, file_actor(context), item->id, json_str_or(own, "mime", ""), item->version, content, ret, err);
}

static int file_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *a, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL;

	if (item->path && item->name)
		return 0;
	if (file_get(c, file_actor(context), item->id, "id,name,parents", &file, err) < 0)
		return -1;
	const char *path = file_path(c, a, file_actor(context), file, err);
	if (!path)
		return -1;
	if (!item->path)
		item->path = path;
	if (!item->name)
		item->name = arena_str(a, file, "name");
	return 0;
}

static const struct google_act *const acts[] = {&file_tag, &file_unshare, &file_replace, NULL};

const struct google_service google_file = {
	.receipt_kind = "file",
	.poll = file_poll,
	.open_content = file_open_content,
	.describe = file_describe,
	.plan = file_plan,
	.quarantine = file_quarantine,
	.restore = file_restore,
	.observe = file_observe,
	.open_held = file_open_held,
	.remove = file_remove,
	.acts = acts,
};
