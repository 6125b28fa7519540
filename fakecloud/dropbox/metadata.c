/* FileMetadata, FolderMetadata and DeletedMetadata as the Stone files describe them. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>
#include <strings.h>

/* Kinds of documents that live in Dropbox only: what they are exported as. */
static const struct export_kind {
	const char *ending, *as, *options[3];
} export_kinds[] = {
	{".paper", "html", {"html", "markdown", NULL}},
	{".papert", "html", {"html", "markdown", NULL}},
	{".gdoc", "docx", {"docx", NULL}},
	{".gsheet", "xlsx", {"xlsx", NULL}},
	{".gslides", "pptx", {"pptx", NULL}},
};

static const struct export_kind *export_kind(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(export_kinds); i++) {
		if (!strcasecmp(dot, export_kinds[i].ending))
			return &export_kinds[i];
	}
	return NULL;
}

bool dbx_downloadable(const struct dbx_node *node)
{
	return !export_kind(node->name);
}

const char *dbx_media_type(const char *name)
{
	static const char *const types[][2] = {{".txt", "text/plain; charset=utf-8"},
		{".html", "text/html; charset=utf-8"}, {".pdf", "application/pdf"}, {".png", "image/png"},
		{".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".zip", "application/zip"},
		{".json", "application/json"}, {".csv", "text/csv; charset=utf-8"}};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++) {
		if (!strcasecmp(dot, types[i][0]))
			return types[i][1];
	}
	return "application/octet-stream";
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_paths(const struct dbx_call *c, cJSON *doc, const struct dbx_slot *slot)
{
	const char *lower, *display;

	if (dbx_shown(c, slot, &lower, &display)) {
		cJSON_AddStringToObject(doc, "path_lower", lower);
		cJSON_AddStringToObject(doc, "path_display", display);
	}
}

/* What lies in a team folder says so. */
static cJSON *add_sharing(const struct dbx_call *c, cJSON *doc, const struct dbx_slot *slot)
{
	if (slot->ns->kind != DBX_TEAM_FOLDER)
		return NULL;
	cJSON_AddStringToObject(doc, "parent_shared_folder_id", slot->ns->id);
	cJSON *info = cJSON_AddObjectToObject(doc, "sharing_info");
	cJSON_AddBoolToObject(info, "read_only", !dbx_can_write(c, slot->ns));
	cJSON_AddStringToObject(info, "parent_shared_folder_id", slot->ns->id);
	return info;
}

static void add_export(cJSON *doc, const char *name)
{
	const struct export_kind *kind = export_kind(name);

	if (!kind)
		return;
	cJSON *info = cJSON_AddObjectToObject(doc, "export_info");
	cJSON_AddStringToObject(info, "export_as", kind->as);
	cJSON *options = cJSON_AddArrayToObject(info, "export_options");
	for (int i = 0; kind->options[i]; i++)
		cJSON_AddItemToArray(options, cJSON_CreateString(kind->options[i]));
}

static void add_lock(const struct dbx_call *c, cJSON *doc, const struct dbx_node *node)
{
	if (!node->lock)
		return;
	cJSON *info = cJSON_AddObjectToObject(doc, "file_lock_info");
	cJSON_AddBoolToObject(info, "is_lockholder", node->lock == c->member);
	cJSON_AddStringToObject(info, "lockholder_name", node->lock->display);
	cJSON_AddStringToObject(info, "lockholder_account_id", node->lock->account_id);
	dbx_add_time(info, "created", node->locked_at);
}

static void add_file(const struct dbx_call *c, cJSON *doc, const struct dbx_node *node,
	const struct dbx_version *v, const char *name)
{
	cJSON_AddStringToObject(doc, "id", node->id);
	dbx_add_time(doc, "client_modified", v->client_modified);
	dbx_add_time(doc, "server_modified", v->server_modified);
	cJSON_AddStringToObject(doc, "rev", v->rev);
	cJSON_AddNumberToObject(doc, "size", (double)fc_blob_size(v->blob));
	bool plain = !export_kind(name);
	cJSON_AddBoolToObject(doc, "is_downloadable", plain);
	add_export(doc, name);
	if (plain)
		cJSON_AddStringToObject(
			doc, "content_hash", fc_blob_digests(v->blob, DIGEST_DROPBOX)->dropbox);
}

cJSON *dbx_metadata(const struct dbx_call *c, const struct dbx_node *node, bool with_tag)
{
	cJSON *doc = with_tag ? dbx_tag(node->folder ? "folder" : "file") : cJSON_CreateObject();
	const struct dbx_ns *mount = node->mount;

	if (!mount && node == node->slot->ns->root)
		mount = node->slot->ns;
	const char *lower, *display;
	bool shown = dbx_shown(c, node->slot, &lower, &display);
	cJSON_AddStringToObject(doc, "name", mount && shown && *display ? last_part(display) : node->name);
	add_paths(c, doc, node->slot);
	if (node->folder) {
		cJSON_AddStringToObject(doc, "id", mount ? mount->root->id : node->id);
		if (mount && mount->kind == DBX_TEAM_FOLDER) {
			cJSON_AddStringToObject(doc, "shared_folder_id", mount->id);
			cJSON *info = cJSON_AddObjectToObject(doc, "sharing_info");
			cJSON_AddBoolToObject(info, "read_only", !dbx_can_write(c, mount));
			cJSON_AddStringToObject(info, "shared_folder_id", mount->id);
			cJSON_AddBoolToObject(info, "traverse_only", false);
			cJSON_AddBoolToObject(info, "no_access", false);
			return doc;
		}
		cJSON *info = add_sharing(c, doc, node->slot);
		if (info) {
			cJSON_AddBoolToObject(info, "traverse_only", false);
			cJSON_AddBoolToObject(info, "no_access", false);
		}
		return doc;
	}
	add_file(c, doc, node, node->version, node->name);
	cJSON *info = add_sharing(c, doc, node->slot);
	if (info && node->version->by)
		cJSON_AddStringToObject(info, "modified_by", node->version->by->account_id);
	add_lock(c, doc, node);
	return doc;
}

cJSON *dbx_metadata_version(const struct dbx_call *c, const struct dbx_version *v)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "name", last_part(v->slot->display));
	add_paths(c, doc, v->slot);
	add_file(c, doc, v->node, v, last_part(v->slot->display));
	cJSON *info = add_sharing(c, doc, v->slot);
	if (info && v->by)
		cJSON_AddStringToObject(info, "modified_by", v->by->account_id);
	return doc;
}

cJSON *dbx_metadata_deleted(const struct dbx_call *c, const struct dbx_slot *slot)
{
	cJSON *doc = dbx_tag("deleted");

	cJSON_AddStringToObject(doc, "name", last_part(slot->display));
	add_paths(c, doc, slot);
	if (slot->ns->kind == DBX_TEAM_FOLDER)
		cJSON_AddStringToObject(doc, "parent_shared_folder_id", slot->ns->id);
	return doc;
}
