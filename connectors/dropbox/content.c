/* One file: its metadata, version and bytes. Called by the other files of this folder, on core's job threads.
 *
 * A file's version is its content_hash and the time at which Dropbox got it: a revision changes with moves and renames
 * too, these with the content alone; the time tells a content that came back from the first time it was there, and it is
 * Dropbox's own: client_modified is whatever a writer says. Documents
 * that can only be exported have no hash; their version is the revision. Files are downloaded by id, and what was
 * delivered must be what was listed: a revision would still be readable after its file was deleted.
 * Sources: files.stone, Dropbox "Content hash". */
#include "connectors/dropbox/dropbox.h"

#include <ctype.h>
#include <string.h>

static bool is_hash(const char *s)
{
	size_t n = 0;

	while (s && isxdigit((unsigned char)s[n]))
		n++;
	return s && n == 64 && !s[n];
}

const char *dbx_version(struct arena *a, const cJSON *file)
{
	const char *hash = json_str(file, "content_hash"), *rev = json_str(file, "rev");

	if (is_hash(hash))
		return arena_printf(a, "%s@%.40s", hash, json_str_or(file, "server_modified", ""));
	return rev && *rev ? arena_printf(a, "rev:%s", rev) : NULL;
}

bool dbx_version_is(const cJSON *file, const char *version)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const char *now = a ? dbx_version(a, file) : NULL;

	return now && strcmp(now, version) == 0;
}

bool dbx_same_content(const cJSON *file, const char *version)
{
	const char *hash = json_str(file, "content_hash");

	/* Without a hash there is nothing to compare: the revision changed with the move. */
	return strncmp(version, "rev:", 4) == 0 || (is_hash(hash) && strncmp(version, hash, 64) == 0);
}

const char *dbx_parent(struct arena *a, const char *path)
{
	const char *end = path ? strrchr(path, '/') : NULL;

	if (!end)
		return NULL;
	return end == path ? arena_dup(a, "/") : arena_dupn(a, path, (size_t)(end - path));
}

int dbx_file(struct connection *c, const struct dbx_as *as, const char *id, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;

	if (!arg || json_set_str(arg, "path", id) < 0)
		return err_memory(err);
	if (dbx_object(c, as, "files/get_metadata", arg, &doc, err) < 0)
		return -1;
	if (!*dbx_tag(doc) || strcmp(json_str_or(doc, "id", ""), id) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "another file than was asked for");
	if (strcmp(dbx_tag(doc), "file") != 0)
		return err_set(err, ERR_GONE, "not_found", "the file was deleted");
	/* Somewhere in the team, but not below the namespace that we look at. */
	if (as->ns && !json_str(doc, "path_lower"))
		return err_set(err, ERR_GONE, "elsewhere", "the file is in another namespace");
	*ret = TAKE_PTR(doc);
	return 0;
}

bool dbx_is_exported(const cJSON *file)
{
	const cJSON *downloadable = json_get(file, "is_downloadable");

	return downloadable && !cJSON_IsTrue(downloadable);
}

/* ---- bytes ---- */

static void fill_info(struct content_info *ret, const cJSON *file, const char *hash)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const char *version = a ? dbx_version(a, file) : NULL;

	*ret = (struct content_info){0};
	if (is_hash(hash)) {
		snprintf(ret->hash_kind, sizeof(ret->hash_kind), "dropbox");
		snprintf(ret->hash, sizeof(ret->hash), "%s", hash);
	}
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
}

/* version NULL: whatever it is now. */
static int fetch(struct connection *c, const struct dbx_as *as, const char *id, bool exported, const char *version,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;

	if (!arg || json_set_str(arg, "path", id) < 0)
		return err_memory(err);
	if (dbx_download(c, as, exported ? "files/export" : "files/download", arg, content, &doc, err) < 0)
		return -1;
	const cJSON *file = exported ? json_object(doc, "file_metadata") : doc;
	if (version && !dbx_version_is(file, version))
		return err_set(err, ERR_GONE, "superseded", "the content has changed since it was listed");
	fill_info(ret, file,
		exported ? json_str(json_object(doc, "export_metadata"), "export_hash") : json_str(file, "content_hash"));
	return 0;
}

static int bytes(struct connection *c, const struct dbx_as *as, const char *id, bool exported, const char *version,
	struct content *content, struct content_info *ret, struct err *err)
{
	struct err why;

	if (fetch(c, as, id, exported, version, content, ret, &why) == 0)
		return 0;
	/* What the listing says of it can be out of date, or missing. */
	if (!exported && why.http_status == 409 && strstr(why.message, "unsupported_file"))
		return fetch(c, as, id, true, version, content, ret, err);
	return pass_on(err, &why);
}

int dbx_content_rev(struct connection *c, const struct dbx_as *as, const char *rev, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(256);

	if (buf_addf(&path, "rev:%s", rev) < 0)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a revision that does not fit");
	return bytes(c, as, buf_str(&path), false, NULL, content, ret, err);
}

int dbx_content_now(struct connection *c, const struct dbx_as *as, const cJSON *file, struct content *content,
	struct content_info *ret, struct err *err)
{
	return bytes(c, as, json_str(file, "id"), dbx_is_exported(file), NULL, content, ret, err);
}

int dbx_content_open(struct connection *c, const cJSON *stream_context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	struct dbx_as as;

	if (dbx_as_of(stream_context, &as, err) < 0 || own_json(item->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	return bytes(c, &as, item->id, json_bool(context, "export"), item->version, content, ret, err);
}

int dbx_content_describe(struct connection *c, const cJSON *stream_context, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_json_ cJSON *file = NULL;
	struct dbx_as as;

	if (item->path && item->name)
		return 0;
	if (dbx_as_of(stream_context, &as, err) < 0 || dbx_file(c, &as, item->id, &file, err) < 0)
		return -1;
	if (!item->path)
		item->path = dbx_parent(arena, json_str(file, "path_display"));
	if (!item->name)
		item->name = arena_str(arena, file, "name");
	return 0;
}
