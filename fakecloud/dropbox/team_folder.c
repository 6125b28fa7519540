/* team/team_folder/: team folders and their states. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>
#include <strings.h>

static cJSON *metadata(const struct dbx_ns *ns)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "team_folder_id", ns->id);
	cJSON_AddStringToObject(doc, "name", ns->name);
	dbx_add_tag(doc, "status", ns->archived ? "archived" : "active");
	cJSON_AddBoolToObject(doc, "is_team_shared_dropbox", false);
	dbx_add_tag(doc, "sync_setting", "default");
	cJSON_AddArrayToObject(doc, "content_sync_settings");
	cJSON_AddNumberToObject(doc, "quota_limit", 0);
	return doc;
}

static struct dbx_ns *find(const struct dbx_call *c, const char *id)
{
	struct dbx_ns *ns = map_get(&c->team->by_ns, id);

	return ns && ns->kind == DBX_TEAM_FOLDER && !ns->gone ? ns : NULL;
}

static void page(struct dbx_call *c, size_t at, size_t limit)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "team_folders"), *place;
	size_t left = limit;

	for (; at < c->team->ns_count && left; at++) {
		const struct dbx_ns *ns = c->team->namespaces[at];
		if (ns->kind == DBX_TEAM_FOLDER && !ns->gone) {
			cJSON_AddItemToArray(list, metadata(ns));
			left--;
		}
	}
	bool more = false;
	for (size_t i = at; i < c->team->ns_count; i++)
		more |= c->team->namespaces[i]->kind == DBX_TEAM_FOLDER && !c->team->namespaces[i]->gone;
	place = cJSON_CreateArray();
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)at));
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)limit));
	cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, "team_folders", place));
	cJSON_AddBoolToObject(doc, "has_more", more);
	dbx_ok(c, doc);
}

void dbx_team_folder_list(struct dbx_call *c)
{
	int64_t limit = dbx_arg_int(c, "limit", 1000);

	if (c->team->page_size && limit > c->team->page_size)
		limit = c->team->page_size;
	page(c, 0, (size_t)limit);
}

void dbx_team_folder_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *list = NULL;

	if (dbx_cursor_open(c->team, "team_folders", json_str(c->arg, "cursor"), &list, NULL) !=
		DBX_CURSOR_OK)
		dbx_error(c, "invalid_cursor");
	else
		page(c, (size_t)cJSON_GetArrayItem(list, 0)->valuedouble,
			(size_t)cJSON_GetArrayItem(list, 1)->valuedouble);
}

/* NULL, or the tag of what is wrong with a new name. */
static const char *name_wrong(const struct dbx_call *c, const char *name, const struct dbx_ns *self)
{
	if (dbx_name_check(name) || strchr(name, '/'))
		return "invalid_folder_name";
	for (size_t i = 0; i < c->team->ns_count; i++) {
		const struct dbx_ns *ns = c->team->namespaces[i];
		if (ns != self && ns->kind == DBX_TEAM_FOLDER && !ns->gone && !strcasecmp(ns->name, name))
			return "folder_name_already_used";
	}
	return NULL;
}

void dbx_team_folder_create(struct dbx_call *c)
{
	const char *name = json_str(c->arg, "name"), *wrong = name_wrong(c, name, NULL);

	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	/* A new team folder has no members: only administrators reach it until some are added. */
	struct dbx_ns *ns = dbx_ns_new(c->team, DBX_TEAM_FOLDER, name, NULL);
	dbx_event(c, "team_folder_create", ns->root, NULL, NULL, NULL);
	dbx_ok(c, metadata(ns));
}

void dbx_team_folder_info(struct dbx_call *c)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *id;

	cJSON_ArrayForEach(id, json_array(c->arg, "team_folder_ids"))
	{
		const char *text = cJSON_IsString(id) ? id->valuestring : "";
		const struct dbx_ns *ns = find(c, text);
		cJSON *item;
		if (ns) {
			item = metadata(ns);
			cJSON_AddStringToObject(item, ".tag", "team_folder_metadata");
		} else {
			item = dbx_tag("id_not_found");
			cJSON_AddStringToObject(item, "id_not_found", text);
		}
		cJSON_AddItemToArray(list, item);
	}
	dbx_ok(c, list);
}

/* The folder of the argument in the wanted state; NULL after the error was answered. */
static struct dbx_ns *folder_in(struct dbx_call *c, bool archived)
{
	struct dbx_ns *ns = find(c, json_str(c->arg, "team_folder_id"));

	if (!ns)
		dbx_error(c, "access_error/invalid_team_folder_id");
	else if (ns->archived != archived)
		dbx_errorf(c, "status_error/%s", ns->archived ? "archived" : "active");
	else
		return ns;
	return NULL;
}

void dbx_team_folder_rename(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_in(c, false);
	const char *name = json_str(c->arg, "name"), *wrong = ns ? name_wrong(c, name, ns) : NULL;

	if (!ns)
		return;
	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	ns->name = strdup(name);
	ns->root->name = ns->name;
	for (size_t i = 0; i < ns->grants.count; i++) {
		if (ns->grants.list[i].member) {
			dbx_unmount(ns, ns->grants.list[i].member);
			dbx_mount(ns, ns->grants.list[i].member);
		}
	}
	dbx_ok(c, metadata(ns));
}

static void status_event(struct dbx_call *c, const struct dbx_ns *ns)
{
	cJSON *details = cJSON_CreateObject();

	dbx_add_tag(details, "new_value", ns->archived ? "archived" : "active");
	dbx_add_tag(details, "previous_value", ns->archived ? "active" : "archived");
	dbx_event(c, "team_folder_change_status", ns->root, NULL, NULL, details);
}

void dbx_team_folder_archive(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_in(c, false);

	if (!ns)
		return;
	for (size_t i = 0; i < ns->grants.count; i++) {
		if (ns->grants.list[i].member)
			dbx_unmount(ns, ns->grants.list[i].member);
	}
	ns->grants.count = 0;
	ns->archived = true;
	status_event(c, ns);
	cJSON *doc = metadata(ns);
	cJSON_AddStringToObject(doc, ".tag", "complete");
	dbx_ok(c, dbx_arg_bool(c, "force_async_off", false) ? doc : dbx_job_new(c, doc));
}

void dbx_team_folder_activate(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_in(c, true);

	if (!ns)
		return;
	ns->archived = false;
	status_event(c, ns);
	dbx_ok(c, metadata(ns));
}

void dbx_team_folder_delete(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_in(c, true);

	if (!ns)
		return;
	dbx_event(c, "team_folder_permanently_delete", ns->root, NULL, NULL, NULL);
	ns->gone = true;
	while (ns->root->child)
		dbx_node_remove(ns->root->child);
	dbx_ok(c, NULL);
}
