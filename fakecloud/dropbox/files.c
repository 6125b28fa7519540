/* files/: metadata, folders, deleting. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

#define BATCH_FILES_MAX 10000

void dbx_get_metadata(struct dbx_call *c)
{
	const char *path = json_str(c->arg, "path");
	struct dbx_place at;

	const char *wrong = dbx_resolve(c, path, &at);
	if (wrong) {
		dbx_errorf(c, "path/%s", wrong);
		return;
	}
	if (!*at.key && at.ns == c->base) {
		dbx_bad(c, "request body: path: The root folder is unsupported.");
		return;
	}
	if (at.rev && (!at.node || at.node->version != at.rev)) {
		cJSON *doc = dbx_metadata_version(c, at.rev);
		cJSON_AddStringToObject(doc, ".tag", "file");
		dbx_ok(c, doc);
		return;
	}
	if (!at.node) {
		if (dbx_arg_bool(c, "include_deleted", false) && at.slot && !at.slot->purged)
			dbx_ok(c, dbx_metadata_deleted(c, at.slot));
		else
			dbx_error(c, "path/not_found");
		return;
	}
	cJSON *doc = dbx_metadata(c, at.node, true);
	if (dbx_arg_bool(c, "include_has_explicit_shared_members", false) && !at.node->folder)
		cJSON_AddBoolToObject(doc, "has_explicit_shared_members", at.node->grants.count > 0);
	dbx_ok(c, doc);
}

/* NULL, or a chain below WriteError. */
static const char *create_folder(struct dbx_call *c, const char *path, bool autorename, struct dbx_node **ret)
{
	struct dbx_place at;
	struct dbx_node *parent;
	const char *name;

	const char *wrong = dbx_resolve(c, path, &at);
	if (wrong)
		return !strcmp(wrong, "not_found") ? "no_write_permission" : wrong;
	if (!dbx_can_write(c, at.ns))
		return "no_write_permission";
	if (at.node && !autorename)
		return at.node->folder ? "conflict/folder" : "conflict/file";
	wrong = dbx_parent_make(c, &at, &parent, &name);
	if (wrong)
		return wrong;
	if (at.node)
		name = dbx_free_name(c, parent, name, false);
	*ret = dbx_node_add(parent, name, true, NULL);
	return NULL;
}

static struct dbx_node *create_one(struct dbx_call *c)
{
	struct dbx_node *node = NULL;
	struct dbx_place at;

	if (!dbx_resolve(c, json_str(c->arg, "path"), &at) && !dbx_may_write(c, at.ns))
		return NULL;
	const char *wrong =
		create_folder(c, json_str(c->arg, "path"), dbx_arg_bool(c, "autorename", false), &node);
	if (wrong)
		dbx_errorf(c, "path/%s", wrong);
	return node;
}

void dbx_create_folder(struct dbx_call *c)
{
	const struct dbx_node *node = create_one(c);

	if (node)
		dbx_ok(c, dbx_metadata(c, node, false));
}

void dbx_create_folder_v2(struct dbx_call *c)
{
	const struct dbx_node *node = create_one(c);

	if (!node)
		return;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddItemToObject(doc, "metadata", dbx_metadata(c, node, false));
	dbx_ok(c, doc);
}

void dbx_create_folder_batch(struct dbx_call *c)
{
	cJSON *doc = dbx_tag("complete"), *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *path;

	cJSON_ArrayForEach(path, json_array(c->arg, "paths"))
	{
		struct dbx_node *node = NULL;
		const char *wrong = cJSON_IsString(path)
					    ? create_folder(c, path->valuestring,
						      dbx_arg_bool(c, "autorename", false), &node)
					    : "malformed_path";
		cJSON *entry = dbx_tag(wrong ? "failure" : "success");
		if (wrong)
			cJSON_AddItemToObject(entry, "failure", dbx_union(dbx_chain(c, "path/%s", wrong)));
		else
			cJSON_AddItemToObject(entry, "metadata", dbx_metadata(c, node, false));
		cJSON_AddItemToArray(entries, entry);
	}
	dbx_ok(c, dbx_arg_bool(c, "force_async", false) ? dbx_job_new(c, doc) : doc);
}

/* What may be deleted: NULL, or a chain below DeleteError. */
static const char *find_deletable(
	struct dbx_call *c, const char *path, const char *parent_rev, struct dbx_place *ret)
{
	const char *wrong = dbx_resolve(c, path, ret);

	if (wrong || !ret->node)
		return dbx_chain(c, "path_lookup/%s", wrong ? wrong : "not_found");
	struct dbx_node *node = ret->node;
	if (node == ret->ns->root || node->mount)
		return ret->ns->kind == DBX_TEAM_FOLDER || node->mount ? "path_write/team_folder"
								       : "path_lookup/malformed_path";
	if (!dbx_can_write(c, ret->ns))
		return "path_write/no_write_permission";
	if (parent_rev && (node->folder || strcmp(node->version->rev, parent_rev) != 0))
		return node->folder ? "path_write/conflict/folder" : "path_write/conflict/file";
	if (node->lock && node->lock != c->member)
		return "path_lookup/locked";
	if (dbx_count(node) > BATCH_FILES_MAX)
		return "too_many_files";
	return NULL;
}

const char *dbx_delete(struct dbx_call *c, const cJSON *entry, cJSON **ret_meta)
{
	const char *path = json_str(entry, "path");
	struct dbx_place at;

	const char *wrong = path ? find_deletable(c, path, json_str(entry, "parent_rev"), &at)
				 : "path_lookup/malformed_path";
	if (wrong)
		return wrong;
	*ret_meta = dbx_metadata(c, at.node, true);
	dbx_event(c, "file_delete", at.node, NULL, NULL, NULL);
	dbx_node_remove(at.node);
	return NULL;
}

static cJSON *delete_one(struct dbx_call *c)
{
	struct dbx_place at;
	cJSON *meta = NULL;

	if (!dbx_resolve(c, json_str(c->arg, "path"), &at) && !dbx_may_write(c, at.ns))
		return NULL;
	const char *wrong = dbx_delete(c, c->arg, &meta);
	if (wrong)
		dbx_error(c, wrong);
	return meta;
}

void dbx_delete_v1(struct dbx_call *c)
{
	cJSON *meta = delete_one(c);

	if (meta)
		dbx_ok(c, meta);
}

void dbx_delete_v2(struct dbx_call *c)
{
	cJSON *meta = delete_one(c);

	if (!meta)
		return;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddItemToObject(doc, "metadata", meta);
	dbx_ok(c, doc);
}

void dbx_delete_batch(struct dbx_call *c)
{
	cJSON *doc = dbx_tag("complete"), *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *each;

	cJSON_ArrayForEach(each, json_array(c->arg, "entries"))
	{
		cJSON *meta = NULL;
		const char *wrong = dbx_delete(c, each, &meta);
		cJSON *entry = dbx_tag(wrong ? "failure" : "success");
		cJSON_AddItemToObject(entry, wrong ? "failure" : "metadata", wrong ? dbx_union(wrong) : meta);
		cJSON_AddItemToArray(entries, entry);
	}
	dbx_ok(c, dbx_job_new(c, doc));
}

static void purge(struct dbx_slot *slot)
{
	for (struct dbx_version *v = slot->versions; v; v = v->older_of_slot)
		v->purged = true;
	slot->versions = NULL;
	slot->purged = true;
}

void dbx_permanently_delete(struct dbx_call *c)
{
	const char *path = json_str(c->arg, "path");
	struct dbx_place at;
	const char *key;
	void *value;

	const char *wrong = dbx_resolve(c, path, &at);
	if (wrong || !at.slot || (!at.node && at.slot->purged)) {
		dbx_errorf(c, "path_lookup/%s", wrong ? wrong : "not_found");
		return;
	}
	if (!dbx_may_write(c, at.ns))
		return;
	if (at.node) {
		wrong = find_deletable(c, path, json_str(c->arg, "parent_rev"), &at);
		if (wrong) {
			dbx_error(c, wrong);
			return;
		}
		dbx_event(c, "file_permanently_delete", at.node, NULL, NULL, NULL);
		dbx_node_remove(at.node);
	} else if (!dbx_can_write(c, at.ns)) {
		dbx_error(c, "path_write/no_write_permission");
		return;
	}
	/* Readers still learn of the deletion from the log if they knew the path; listings do not show it. */
	size_t n = strlen(at.key), cursor = 0;
	while (map_next(&at.ns->slots, &cursor, &key, &value)) {
		struct dbx_slot *slot = value;
		if (!slot->node && !strncmp(key, at.key, n) && (!key[n] || key[n] == '/'))
			purge(slot);
	}
	dbx_ok(c, NULL);
}
