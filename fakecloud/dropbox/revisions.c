/* files/list_revisions and files/restore. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

static struct dbx_version *older(const struct dbx_version *v, bool by_id)
{
	struct dbx_version *next = by_id ? v->older_of_node : v->older_of_slot;

	while (next && next->purged)
		next = by_id ? next->older_of_node : next->older_of_slot;
	return next;
}

void dbx_list_revisions(struct dbx_call *c)
{
	const char *path = json_str(c->arg, "path"), *before = json_str(c->arg, "before_rev");
	const char *mode = dbx_tag_of(json_get(c->arg, "mode"));
	bool by_id = mode && !strcmp(mode, "id");
	int64_t limit = dbx_arg_int(c, "limit", 10);
	struct dbx_place at;
	struct dbx_version *v = NULL;

	const char *wrong = NULL;
	struct dbx_node *dead = !strncmp(path, "id:", 3) ? map_get(&c->team->by_node, path) : NULL;
	if (dead && !dead->live && dbx_can_read(c, dead->slot->ns))
		at = (struct dbx_place){.ns = dead->slot->ns, .slot = dead->slot, .key = dead->slot->key};
	else
		wrong = dbx_resolve(c, path, &at);
	if (wrong || !at.slot || (!at.slot->versions && !at.node)) {
		dbx_errorf(c, "path/%s", wrong ? wrong : "not_found");
		return;
	}
	if (at.node && at.node->folder) {
		dbx_error(c, "path/not_file");
		return;
	}
	if (before && by_id) {
		dbx_error(c, "before_rev_not_supported");
		return;
	}
	v = by_id ? (at.node ? at.node : at.slot->versions->node)->version : at.slot->versions;
	if (v && v->purged)
		v = older(v, by_id);
	if (before) {
		while (v && strcmp(v->rev, before) != 0)
			v = older(v, by_id);
		if (!v) {
			dbx_error(c, "invalid_before_rev");
			return;
		}
		v = older(v, by_id);
	}
	bool deleted = by_id ? !v || !v->node->live : !at.node;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddBoolToObject(doc, "is_deleted", deleted);
	if (deleted && at.slot->deleted_at)
		dbx_add_time(doc, "server_deleted", at.slot->deleted_at);
	cJSON *entries = cJSON_AddArrayToObject(doc, "entries");
	for (; v && limit > 0; v = older(v, by_id), limit--) {
		cJSON *one = dbx_metadata_version(c, v);
		if (dbx_arg_bool(c, "include_restorable_info", false))
			cJSON_AddBoolToObject(one, "is_restorable", true);
		cJSON_AddItemToArray(entries, one);
	}
	cJSON_AddBoolToObject(doc, "has_more", v != NULL);
	dbx_ok(c, doc);
}

void dbx_restore(struct dbx_call *c)
{
	struct dbx_version *v = map_get(&c->team->by_rev, json_str(c->arg, "rev"));
	struct dbx_place at;
	struct dbx_node *parent, *node;
	const char *name;

	const char *wrong = dbx_resolve(c, json_str(c->arg, "path"), &at);
	if (wrong) {
		dbx_errorf(c, "path_lookup/%s", wrong);
		return;
	}
	if (!dbx_may_write(c, at.ns))
		return;
	if (!at.slot || (!at.slot->versions && !at.node)) {
		dbx_error(c, "path_lookup/not_found");
		return;
	}
	if (!v || v->purged || !dbx_can_read(c, v->slot->ns)) {
		dbx_error(c, "invalid_revision");
		return;
	}
	if (!dbx_can_write(c, at.ns)) {
		dbx_error(c, "path_write/no_write_permission");
		return;
	}
	if (at.node && at.node->folder) {
		dbx_error(c, "path_write/conflict/folder");
		return;
	}
	if (at.node && at.node->lock && at.node->lock != c->member) {
		dbx_error(c, "path_lookup/locked");
		return;
	}
	node = at.node;
	if (!node) {
		wrong = dbx_parent_make(c, &at, &parent, &name);
		if (wrong) {
			dbx_errorf(c, "path_write/%s", wrong);
			return;
		}
		/* A deleted file comes back as itself; one that lives elsewhere by now gets a twin. */
		if (v->node->live) {
			node = dbx_node_add(parent, name, false, NULL);
		} else {
			node = v->node;
			dbx_node_revive(node, parent, name);
		}
	}
	dbx_version_add(node, v->blob, v->client_modified, fc_now(), c->member, NULL);
	node->malware |= v->node->malware;
	dbx_event(c, "file_restore", node, NULL, NULL, NULL);
	dbx_ok(c, dbx_metadata(c, node, false));
}
