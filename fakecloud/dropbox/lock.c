/* files/lock_file_batch and its family. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

enum lock_act { LOCK, UNLOCK, LOOK };

static cJSON *lock_json(const struct dbx_node *node)
{
	cJSON *doc = cJSON_CreateObject(),
	      *content = dbx_add_tag(doc, "content", node->lock ? "single_user" : "unlocked");

	if (node->lock) {
		dbx_add_time(content, "created", node->locked_at);
		cJSON_AddStringToObject(content, "lock_holder_account_id", node->lock->account_id);
		cJSON_AddStringToObject(content, "lock_holder_team_id", node->lock->team->id);
	}
	return doc;
}

static cJSON *failure(cJSON *error)
{
	cJSON *entry = dbx_tag("failure");

	cJSON_AddItemToObject(entry, "failure", error);
	return entry;
}

static void log_change(struct dbx_call *c, const struct dbx_node *node, bool locked)
{
	cJSON *details = cJSON_CreateObject();

	dbx_add_tag(details, "previous_value", locked ? "unlocked" : "locked");
	dbx_add_tag(details, "new_value", locked ? "locked" : "unlocked");
	dbx_event(c, "file_locking_lock_status_changed", node, NULL, NULL, details);
}

static cJSON *one(struct dbx_call *c, const char *path, enum lock_act act)
{
	struct dbx_place at;
	const char *wrong = path ? dbx_resolve(c, path, &at) : "malformed_path";

	if (wrong || !at.node)
		return failure(dbx_union(dbx_chain(c, "path_lookup/%s", wrong ? wrong : "not_found")));
	struct dbx_node *node = at.node;
	if (node->folder)
		return failure(dbx_union("path_lookup/not_file"));
	if (act != LOOK && !dbx_can_write(c, at.ns))
		return failure(dbx_union("no_write_permission"));
	if (act == LOCK && at.ns->kind == DBX_HOME && !node->grants.count)
		return failure(dbx_union("file_not_shared"));
	if (act != LOOK && node->lock && node->lock != c->member && !(act == UNLOCK && c->as_admin)) {
		cJSON *error = dbx_tag("lock_conflict");
		cJSON_AddItemToObject(error, "lock", lock_json(node));
		return failure(error);
	}
	if (act == LOCK && !node->lock) {
		node->lock = c->member;
		node->locked_at = dbx_seconds(fc_now());
		log_change(c, node, true);
	} else if (act == UNLOCK && node->lock) {
		node->lock = NULL;
		log_change(c, node, false);
	}
	cJSON *entry = dbx_tag("success");
	cJSON_AddItemToObject(entry, "metadata", dbx_metadata(c, node, true));
	cJSON_AddItemToObject(entry, "lock", lock_json(node));
	return entry;
}

static void all(struct dbx_call *c, enum lock_act act)
{
	cJSON *doc = cJSON_CreateObject(), *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *each;

	cJSON_ArrayForEach(each, json_array(c->arg, "entries"))
		cJSON_AddItemToArray(entries, one(c, json_str(each, "path"), act));
	dbx_ok(c, doc);
}

void dbx_lock(struct dbx_call *c)
{
	all(c, LOCK);
}

void dbx_unlock(struct dbx_call *c)
{
	all(c, UNLOCK);
}

void dbx_get_lock(struct dbx_call *c)
{
	all(c, LOOK);
}
