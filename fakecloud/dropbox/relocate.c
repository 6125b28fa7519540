/* Moving and copying, one at a time and in batches. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

#define RELOCATE_MAX 10000
#define SYNC_MAX 20 /* entries of a batch that is answered at once */

static void copy_tree(struct dbx_call *c, const struct dbx_node *from, struct dbx_node *parent,
	const char *name, struct dbx_node **ret)
{
	struct dbx_node *node = dbx_node_add(parent, name, from->folder, NULL);

	if (ret)
		*ret = node;
	if (!from->folder) {
		node->malware = from->malware;
		dbx_version_add(
			node, from->version->blob, from->version->client_modified, fc_now(), c->member, NULL);
	}
	for (const struct dbx_node *child = from->child; child; child = child->next)
		copy_tree(c, child, node, child->name, NULL);
}

static bool within(const struct dbx_place *inner, const struct dbx_place *outer)
{
	size_t n = strlen(outer->key);

	return inner->ns == outer->ns && !strncmp(inner->key, outer->key, n) &&
	       (inner->key[n] == '/' || !inner->key[n]);
}

/* Both ends, all conditions. NULL, or a chain below RelocationError. */
static const char *check(struct dbx_call *c, const char *from, const char *to, bool copy, bool autorename,
	bool transfer, struct dbx_place *ret_from, struct dbx_place *ret_to)
{
	const char *wrong = dbx_resolve(c, from, ret_from);

	if (wrong || !ret_from->node)
		return dbx_chain(c, "from_lookup/%s", wrong ? wrong : "not_found");
	const struct dbx_node *node = ret_from->node;
	/* An id as the target means the place of that very thing. */
	wrong = dbx_resolve(c, to, ret_to);
	if (wrong)
		return dbx_chain(c, "to/%s", !strcmp(wrong, "not_found") ? "no_write_permission" : wrong);
	bool top = node->mount || node == ret_from->ns->root;
	if (top)
		return copy ? "cant_copy_shared_folder" : "cant_move_shared_folder";
	if (!copy && !dbx_can_write(c, ret_from->ns))
		return "from_write/no_write_permission";
	if (!dbx_can_write(c, ret_to->ns))
		return "to/no_write_permission";
	if (!copy && node->lock && node->lock != c->member)
		return "from_lookup/locked";
	if (ret_from->ns == ret_to->ns && !strcmp(ret_from->key, ret_to->key) && !autorename)
		return copy ? (node->folder ? "to/conflict/folder" : "to/conflict/file")
			    : "duplicated_or_nested_paths";
	if (node->folder && within(ret_to, ret_from) && strcmp(ret_from->key, ret_to->key) != 0)
		return copy ? "duplicated_or_nested_paths" : "cant_move_folder_into_itself";
	if (dbx_count(node) > RELOCATE_MAX)
		return "too_many_files";
	if (ret_to->node && !autorename)
		return ret_to->node->folder ? "to/conflict/folder" : "to/conflict/file";
	/* Homes belong to members, team folders to the team. */
	if (!copy && !transfer && ret_from->ns->owner != ret_to->ns->owner)
		return "cant_transfer_ownership";
	return NULL;
}

const char *dbx_relocate(struct dbx_call *c, const char *from, const char *to, bool copy, bool autorename,
	bool transfer, struct dbx_node **ret_node)
{
	struct dbx_place source, target;
	struct dbx_node *parent;
	const char *name;

	const char *wrong = check(c, from, to, copy, autorename, transfer, &source, &target);
	if (wrong)
		return wrong;
	struct dbx_slot *old = source.node->slot;
	wrong = dbx_parent_make(c, &target, &parent, &name);
	if (wrong)
		return dbx_chain(c, "to/%s", wrong);
	if (target.node)
		name = dbx_free_name(c, parent, name, false);
	if (copy) {
		copy_tree(c, source.node, parent, name, ret_node);
		dbx_event(c, "file_copy", *ret_node, old, NULL, NULL);
		return NULL;
	}
	bool rename = source.node->parent == (parent->mount ? parent->mount->root : parent);
	dbx_node_move(source.node, parent, name);
	*ret_node = source.node;
	dbx_event(c, rename ? "file_rename" : "file_move", source.node, old, NULL, NULL);
	return NULL;
}

static cJSON *relocate_one(struct dbx_call *c, bool copy)
{
	struct dbx_node *node = NULL;
	struct dbx_place from, to;
	const char *source = json_str(c->arg, "from_path"), *target = json_str(c->arg, "to_path");

	if (!copy && !dbx_resolve(c, source, &from) && !dbx_may_write(c, from.ns))
		return NULL;
	if (!dbx_resolve(c, target, &to) && (copy || from.ns != to.ns) && !dbx_may_write(c, to.ns))
		return NULL;
	const char *wrong = dbx_relocate(c, source, target, copy, dbx_arg_bool(c, "autorename", false),
		dbx_arg_bool(c, "allow_ownership_transfer", false), &node);
	if (wrong) {
		dbx_error(c, wrong);
		return NULL;
	}
	return dbx_metadata(c, node, true);
}

static void answer_v2(struct dbx_call *c, cJSON *meta)
{
	if (!meta)
		return;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddItemToObject(doc, "metadata", meta);
	dbx_ok(c, doc);
}

void dbx_move_v1(struct dbx_call *c)
{
	cJSON *meta = relocate_one(c, false);

	if (meta)
		dbx_ok(c, meta);
}

void dbx_copy_v1(struct dbx_call *c)
{
	cJSON *meta = relocate_one(c, true);

	if (meta)
		dbx_ok(c, meta);
}

void dbx_move_v2(struct dbx_call *c)
{
	answer_v2(c, relocate_one(c, false));
}

void dbx_copy_v2(struct dbx_call *c)
{
	answer_v2(c, relocate_one(c, true));
}

static void batch(struct dbx_call *c, bool copy)
{
	cJSON *doc = dbx_tag("complete"), *entries = cJSON_AddArrayToObject(doc, "entries");
	const cJSON *list = json_array(c->arg, "entries"), *each;

	cJSON_ArrayForEach(each, list)
	{
		struct dbx_node *node = NULL;
		const char *from = json_str(each, "from_path"), *to = json_str(each, "to_path");
		const char *wrong =
			from && to ? dbx_relocate(c, from, to, copy, dbx_arg_bool(c, "autorename", false),
					     dbx_arg_bool(c, "allow_ownership_transfer", false), &node)
				   : "from_lookup/malformed_path";
		cJSON *entry = dbx_tag(wrong ? "failure" : "success");
		if (wrong)
			cJSON_AddItemToObject(
				entry, "failure", dbx_union(dbx_chain(c, "relocation_error/%s", wrong)));
		else
			cJSON_AddItemToObject(entry, "success", dbx_metadata(c, node, true));
		cJSON_AddItemToArray(entries, entry);
	}
	dbx_ok(c, cJSON_GetArraySize(list) > SYNC_MAX ? dbx_job_new(c, doc) : doc);
}

void dbx_move_batch(struct dbx_call *c)
{
	batch(c, false);
}

void dbx_copy_batch(struct dbx_call *c)
{
	batch(c, true);
}
