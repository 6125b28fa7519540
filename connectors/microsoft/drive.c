/* Drives: the delta feed of one drive (OneDrive or a SharePoint library), a file's bytes and its place. Called by
 * microsoft.c on core's job threads.
 *
 * A file's version is its cTag, which changes with content alone. OneDrive for Business leaves the cTag out of delta
 * answers, so it is asked for in batches; files that the backlog option leaves out anyway keep the eTag instead.
 * quickXorHash proves nothing (it is easily forged) and is never given as a hash.
 * Sources: Graph "driveItem: delta", "driveItem: get content", OneDrive "Scan guidance", "JSON batching". */
#include "connectors/microsoft/acts.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define DRIVE_PAGE 200
#define SHARING_CHANGES "Prefer: deltashowsharingchanges" /* who does not know it ignores it */
#define ITEM_SELECT                                                                                                    \
	"id,name,size,eTag,cTag,file,folder,package,deleted,malware,parentReference,publication,lastModifiedDateTime"

/* ---- one item ---- */

const char *ms_drive_version(struct arena *a, const cJSON *item)
{
	const char *ctag = json_str(item, "cTag"), *etag = json_str(item, "eTag");
	const char *xor = json_str(json_object(json_object(item, "file"), "hashes"), "quickXorHash");
	long long size = (long long)json_size(item, "size");

	if (ctag && *ctag)
		return arena_dup(a, ctag);
	if (etag && *etag)
		return arena_printf(a, "etag:%s", etag);
	/* Both may be missing for files that are still being received. */
	return arena_printf(a, "xor:%s:%lld:%s", xor ? xor : "", size, json_str_or(item, "lastModifiedDateTime", ""));
}

static bool is_ctag(const char *version)
{
	return strncmp(version, "etag:", 5) != 0 && strncmp(version, "xor:", 4) != 0;
}

bool ms_drive_version_is(const cJSON *item, const char *version)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *without = NULL;

	if (!a)
		return false;
	if (is_ctag(version))
		return strcmp(version, json_str_or(item, "cTag", "")) == 0;
	without = cJSON_Duplicate(item, true);
	cJSON_DeleteItemFromObjectCaseSensitive(without, "cTag");
	if (strncmp(version, "xor:", 4) == 0)
		cJSON_DeleteItemFromObjectCaseSensitive(without, "eTag");
	const char *now = ms_drive_version(a, without);
	return now && strcmp(now, version) == 0;
}

const char *ms_drive_path(struct arena *a, const cJSON *item)
{
	const char *path = json_str(json_object(item, "parentReference"), "path");
	const char *below = path ? strstr(path, "root:") : NULL;
	_cleanup_buf_ struct buf plain = BUF_INIT(65536);

	if (!path)
		return NULL;
	if (!below || !below[5])
		return arena_dup(a, "/");
	below += 5;
	if (url_decode(&plain, below, strlen(below), false) < 0)
		return arena_dup(a, below);
	return arena_dupn(a, buf_str(&plain), plain.len);
}

int ms_drive_item_get(struct connection *c, const char *drive, const char *id, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (graph_url(c, &url, err, "/drives/{}/items/{}", drive, id, NULL) < 0)
		return -1;
	if (url_query(&url, "$select", ITEM_SELECT) < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return -1;
	if (strcmp(json_str_or(doc, "id", ""), id) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "another file than was asked for");
	if (json_get(doc, "deleted"))
		return err_set(err, ERR_GONE, "not_found", "the file was deleted");
	*ret = TAKE_PTR(doc);
	return 0;
}

/* ---- the feed ---- */

/* What the feed tells of a file's sharing. That it changed comes as an annotation; who got access does not, so the eTag of the
 * moment stands for it. */
static const char *sharing_mark(struct arena *a, const cJSON *entry)
{
	const char *scope = json_str(json_object(entry, "shared"), "scope");
	bool changed = strcasecmp(json_str_or(entry, "@microsoft.graph.sharedChanged", ""), "true") == 0;

	if (!json_object(entry, "shared"))
		return NULL;
	return changed ? arena_printf(a, "%.40s:%.200s", scope ? scope : "users", json_str_or(entry, "eTag", "")) :
			 arena_printf(a, "%.40s", scope ? scope : "users");
}

static void read_item(struct arena *a, const cJSON *entry, struct item *item)
{
	const cJSON *file = json_object(entry, "file"), *malware = json_object(entry, "malware");
	const cJSON *remote = json_object(entry, "remoteItem");
	const char *sha256 = json_str(json_object(file, "hashes"), "sha256Hash");

	*item = (struct item){.kind = ITEM_FILE, .size = json_size(entry, "size")};
	item->id = arena_str(a, entry, "id");
	item->name = arena_str(a, entry, "name");
	item->path = ms_drive_path(a, entry);
	item->changed_at = json_time(entry, "lastModifiedDateTime");
	if (!item->changed_at)
		item->changed_at = json_time(entry, "createdDateTime");
	if (sha256 && strlen(sha256) == 64) {
		item->hash_kind = "sha256";
		item->hash = text_lower(arena_dup(a, sha256));
	}
	if (malware)
		item->provider_threat = arena_dup(a, json_str_or(malware, "description", "malware"));
	if (remote) /* followed in its own drive */
		item->skip = json_object(remote, "folder") ? "folder_shortcut" : "file_shortcut";
	else if (json_object(entry, "package"))
		item->skip = "no_content";
	item->version = ms_drive_version(a, entry);
	item->sharing_mark = sharing_mark(a, entry);
}

/* Folders, the root, and what groups other items have no content of their own. */
static bool is_container(const cJSON *entry)
{
	return (json_object(entry, "folder") || json_object(entry, "root") || json_object(entry, "bundle")) &&
		!json_object(entry, "package") && !json_object(entry, "remoteItem");
}

/* What a page says of its items beside what core wants to know. */
struct marks {
	bool *no_ctag; /* to be asked for */
	bool *held;    /* lies in our quarantine folder */
};

static int read_page(const cJSON *value, const char *place, struct item_page *ret, struct marks *marks, struct err *err)
{
	size_t n = (size_t)cJSON_GetArraySize(value), at = 0;
	_cleanup_free_ bool *again = NULL;
	const cJSON *entry;

	if (ms_feed_repeats(value, &again, err) < 0)
		return -1;
	ret->items = arena_alloc(ret->arena, (n + 1) * sizeof(*ret->items));
	ret->removed = arena_alloc(ret->arena, (n + 1) * sizeof(*ret->removed));
	if (!ret->items || !ret->removed)
		return err_memory(err);
	cJSON_ArrayForEach(entry, value)
	{
		const char *id = json_str(entry, "id");
		if (!id || !*id)
			return err_set(err, ERR_REMOTE, "bad_answer", "a drive's entry without an id");
		if (again[at++])
			continue;
		if (json_get(entry, "deleted")) {
			ret->removed[ret->n_removed++] = arena_dup(ret->arena, id);
			continue;
		}
		if (is_container(entry))
			continue;
		marks->no_ctag[ret->n_items] = !json_str(entry, "cTag");
		marks->held[ret->n_items] = *place && strcmp(json_str_or(json_object(entry, "parentReference"), "id", ""), place) == 0;
		struct item *item = &ret->items[ret->n_items++];
		read_item(ret->arena, entry, item);
		if (!item->id || !item->version)
			return err_memory(err);
	}
	return 0;
}

static int drive_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	const char *drive = json_str(context, "drive");
	_cleanup_buf_ struct buf start = BUF_INIT(GRAPH_URL_MAX), probe = BUF_INIT(GRAPH_URL_MAX);
	struct item_page page = {.arena = ret->arena};
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_feed_ struct feed feed = {0};

	if (ms_feed_open(&feed, c, req, &page, err) < 0)
		return -1;
	feed.page_size = c->page_size > 0 ? c->page_size : DRIVE_PAGE;
	feed.top_in_query = true;
	feed.prefer = SHARING_CHANGES;
	if (graph_url(c, &start, err, "/drives/{}/root/delta", drive, NULL) < 0 ||
		graph_url(c, &probe, err, "/drives/{}", drive, NULL) < 0)
		return -1;
	if ((req->backlog == BACKLOG_NONE && !req->resync ? url_query(&start, "token", "latest") :
		    url_query_int(&start, "$top", ms_feed_top(&feed, feed.page_size))) < 0)
		return err_memory(err);
	int r = ms_feed_fetch(&feed, buf_str(&start), buf_str(&probe), &doc, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		const cJSON *value = json_array(doc, "value");
		size_t n = (size_t)cJSON_GetArraySize(value) + 1;
		_cleanup_free_ bool *no_ctag = calloc(n, sizeof(*no_ctag)), *held = calloc(n, sizeof(*held));
		_cleanup_buf_ struct buf place = BUF_INIT(4096);
		if (!no_ctag || !held)
			return err_memory(err);
		if (ms_drive_place_known(c, drive, &place, err) < 0 ||
			read_page(value, buf_str(&place), &page, &(struct marks){no_ctag, held}, err) < 0)
			return -1;
		for (size_t i = 0; i < page.n_items; i++)
			if (page.items[i].skip || (req->backlog == BACKLOG_SINCE && page.items[i].changed_at &&
							    page.items[i].changed_at < req->since))
				no_ctag[i] = false;
		if (ms_drive_ctags(c, drive, &page, no_ctag, err) < 0 || ms_feed_finish(&feed, doc, err) < 0)
			return -1;
		/* Where no item has a cTag, our own move looks like another version of what we moved. */
		for (size_t i = 0; i < page.n_items; i++)
			if (held[i] && no_ctag[i] && !page.items[i].skip && !is_ctag(page.items[i].version))
				page.items[i].skip = "in_quarantine";
		if (notice_filter(c->api.env, &page, err) < 0)
			return -1;
	}
	*ret = page;
	return 0;
}

/* ---- content ---- */

static const char *type_of(const struct http_response *r)
{
	const char *type = http_header(r, "content-type");

	return type ? type : "";
}

int ms_drive_bytes(struct connection *c, const char *drive, const char *id, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *item = NULL;
	struct err why;

	if (graph_url(c, &url, err, "/drives/{}/items/{}/content", drive, id, NULL) < 0)
		return -1;
	if (graph_download(c, &(struct graph_call){.url = buf_str(&url), .content = content}, &r, &why) == 0) {
		/* A page is not the file, whatever sizes are worth. */
		*ret = (struct content_info){.any_size = strncasecmp(type_of(&r), "text/html", 9) != 0};
		return 0;
	}
	if (why.class != ERR_REMOTE || strcmp(why.code, GRAPH_MALWARE) != 0) {
		if (err)
			*err = why;
		return -1;
	}
	/* Microsoft's own verdict; there is no way to the bytes. */
	ms_drive_item_get(c, drive, id, &item, NULL);
	*ret = (struct content_info){0};
	snprintf(ret->provider_threat, sizeof(ret->provider_threat), "%.120s",
		json_str_or(json_object(item, "malware"), "description", "malwareDetected"));
	return 0;
}

/* Does the service rewrite such files, so that the size in its lists is not that of the bytes? (Seen: onedrive-api-docs
 * #1066, #1723.) */
static bool is_rewritten(const char *name)
{
	static const char *const kinds[] = {"doc", "docm", "docx", "dot", "dotm", "dotx", "heic", "heif", "one", "pot", "potm",
		"potx", "pps", "ppsm", "ppsx", "ppt", "pptm", "pptx", "vsd", "vsdx", "xls", "xlsb", "xlsm", "xlsx", "xlt", "xltm",
		"xltx"};
	const char *dot = name ? strrchr(name, '.') : NULL;

	for (size_t i = 0; dot && i < ARRAY_SIZE(kinds); i++)
		if (strcasecmp(dot + 1, kinds[i]) == 0)
			return true;
	return false;
}

static int drive_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	struct content_info info;

	if (ms_drive_bytes(c, json_str(context, "drive"), item->id, content, &info, err) < 0)
		return -1;
	info.any_size = info.any_size && is_rewritten(item->name);
	*ret = info;
	return 0;
}

static int drive_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (item->path && item->name)
		return 0;
	if (ms_drive_item_get(c, json_str(context, "drive"), item->id, &doc, err) < 0)
		return -1;
	if (!item->path)
		item->path = ms_drive_path(arena, doc);
	if (!item->name)
		item->name = arena_str(arena, doc, "name");
	return 0;
}

static const struct graph_act *const acts[] = {&ms_drive_unshare, &ms_drive_replace, NULL};

const struct graph_service graph_drive = {
	.stream_prefix = "drive/",
	.receipt_kind = "file",
	.poll = drive_poll,
	.open_content = drive_open_content,
	.describe = drive_describe,
	.plan = ms_drive_plan,
	.quarantine = ms_drive_quarantine,
	.restore = ms_drive_restore,
	.observe = ms_drive_observe,
	.open_held = ms_drive_open_held,
	.remove = ms_drive_remove,
	.acts = acts,
};
