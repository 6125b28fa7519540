/* sharing/: members of single files and of team folders. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

/* One line of a list of members. */
struct entry {
	const struct dbx_member *member;
	const char *email;
	enum dbx_access access;
	bool inherited;
};

static const char *access_name(enum dbx_access access)
{
	return access == DBX_OWNER ? "owner" : access == DBX_EDITOR ? "editor" : "viewer";
}

static cJSON *entry_json(const struct dbx_call *c, const struct entry *e, const cJSON *actions)
{
	cJSON *doc = cJSON_CreateObject();
	const cJSON *action;

	dbx_add_tag(doc, "access_type", access_name(e->access));
	if (actions) {
		cJSON *list = cJSON_AddArrayToObject(doc, "permissions");
		cJSON_ArrayForEach(action, actions)
		{
			cJSON *one = cJSON_CreateObject();
			bool allow = e->access != DBX_OWNER && !e->inherited;
			dbx_add_tag(one, "action", dbx_tag_of(action) ? dbx_tag_of(action) : "remove");
			cJSON_AddBoolToObject(one, "allow", allow);
			if (!allow)
				dbx_add_tag(one, "reason",
					e->inherited ? "target_is_indirect_member" : "target_is_owner");
			cJSON_AddItemToArray(list, one);
		}
	}
	cJSON_AddBoolToObject(doc, "is_inherited", e->inherited);
	if (e->member) {
		cJSON *user = cJSON_AddObjectToObject(doc, "user");
		cJSON_AddStringToObject(user, "account_id", e->member->account_id);
		cJSON_AddStringToObject(user, "email", e->member->email);
		cJSON_AddStringToObject(user, "display_name", e->member->display);
		cJSON_AddBoolToObject(user, "same_team", e->member->team == c->team);
		cJSON_AddStringToObject(user, "team_member_id", e->member->team_member_id);
	} else {
		cJSON *invitee = dbx_add_tag(doc, "invitee", "email");
		cJSON_AddStringToObject(invitee, "email", e->email);
	}
	return doc;
}

/* A page of entries: users and invitees, with a cursor when there are more. */
static cJSON *page(struct dbx_call *c, const char *kind, const char *of, const struct entry *list,
	size_t count, size_t at, size_t limit, bool inherited)
{
	cJSON *doc = cJSON_CreateObject(), *users = cJSON_AddArrayToObject(doc, "users");
	cJSON_AddArrayToObject(doc, "groups");
	cJSON *invitees = cJSON_AddArrayToObject(doc, "invitees");
	const cJSON *actions = json_array(c->arg, "actions");

	if (c->team->page_size && limit > (size_t)c->team->page_size)
		limit = (size_t)c->team->page_size;
	for (size_t left = limit; at < count && left; at++, left--)
		cJSON_AddItemToArray(list[at].member ? users : invitees, entry_json(c, &list[at], actions));
	if (at < count) {
		cJSON *place = cJSON_CreateArray();
		cJSON_AddItemToArray(place, cJSON_CreateString(of));
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)at));
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)limit));
		cJSON_AddItemToArray(place, cJSON_CreateBool(inherited));
		cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, kind, place));
	}
	return doc;
}

static const struct entry *file_entries(
	struct dbx_call *c, const struct dbx_node *node, bool inherited, size_t *ret_count)
{
	const struct dbx_ns *ns = node->slot->ns;
	struct entry *list =
		arena_alloc(c->arena, (node->grants.count + ns->grants.count + 1) * sizeof(*list));
	size_t n = 0;

	if (ns->owner)
		list[n++] =
			(struct entry){.member = ns->owner, .email = ns->owner->email, .access = DBX_OWNER};
	for (size_t i = 0; i < node->grants.count; i++)
		list[n++] = (struct entry){node->grants.list[i].member, node->grants.list[i].email,
			node->grants.list[i].access, false};
	for (size_t i = 0; inherited && i < ns->grants.count; i++)
		list[n++] = (struct entry){
			ns->grants.list[i].member, ns->grants.list[i].email, ns->grants.list[i].access, true};
	*ret_count = n;
	return list;
}

/* The file that `file` names; NULL after the error was answered. */
static struct dbx_node *file_of(struct dbx_call *c, const char *path)
{
	struct dbx_place at;
	const char *wrong = dbx_resolve(c, path, &at);

	if (wrong || !at.node)
		dbx_error(c, "access_error/invalid_file");
	else if (at.node->folder)
		dbx_error(c, "access_error/is_folder");
	else
		return at.node;
	return NULL;
}

void dbx_file_members(struct dbx_call *c)
{
	const struct dbx_node *node = file_of(c, json_str(c->arg, "file"));
	bool inherited = dbx_arg_bool(c, "include_inherited", true);
	size_t count;

	if (!node)
		return;
	const struct entry *list = file_entries(c, node, inherited, &count);
	dbx_ok(c, page(c, "file_members", node->id, list, count, 0, (size_t)dbx_arg_int(c, "limit", 100),
			  inherited));
}

void dbx_file_members_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *place = NULL;
	size_t count;

	if (dbx_cursor_open(c->team, "file_members", json_str(c->arg, "cursor"), &place, NULL) !=
		DBX_CURSOR_OK) {
		dbx_error(c, "invalid_cursor");
		return;
	}
	const struct dbx_node *node = file_of(c, cJSON_GetArrayItem(place, 0)->valuestring);
	if (!node)
		return;
	bool inherited = cJSON_IsTrue(cJSON_GetArrayItem(place, 3));
	const struct entry *list = file_entries(c, node, inherited, &count);
	dbx_ok(c, page(c, "file_members", node->id, list, count,
			  (size_t)cJSON_GetArrayItem(place, 1)->valuedouble,
			  (size_t)cJSON_GetArrayItem(place, 2)->valuedouble, inherited));
}

/* A MemberSelector: a member of the team, or the address of somebody else. False when it is neither. */
static bool select_member(
	struct dbx_call *c, const cJSON *selector, struct dbx_member **ret_member, const char **ret_email)
{
	const char *tag = json_str_or(selector, ".tag", ""), *value = json_str(selector, tag);

	*ret_member = NULL;
	*ret_email = NULL;
	if (!value)
		return false;
	if (!strcmp(tag, "email")) {
		*ret_member = map_get(&c->team->by_email, dbx_lower(c->arena, value));
		*ret_email = value;
		return strchr(value, '@') != NULL;
	}
	*ret_member = map_get(&c->team->by_account, value);
	if (!*ret_member)
		*ret_member = map_get(&c->team->by_member, value);
	return *ret_member != NULL;
}

static cJSON *level_of(const cJSON *value, enum dbx_access *ret)
{
	const char *tag = dbx_tag_of(value);

	*ret = tag && !strcmp(tag, "editor") ? DBX_EDITOR : DBX_VIEWER;
	return dbx_tag(access_name(*ret));
}

void dbx_file_member_add(struct dbx_call *c)
{
	struct dbx_node *node = file_of(c, json_str(c->arg, "file"));
	const cJSON *each;
	enum dbx_access access;

	if (!node)
		return;
	if (!dbx_can_write(c, node->slot->ns)) {
		dbx_error(c, "access_error/no_permission");
		return;
	}
	cJSON *list = cJSON_CreateArray();
	cJSON_ArrayForEach(each, json_array(c->arg, "members"))
	{
		struct dbx_member *member;
		const char *email;
		cJSON *one = cJSON_CreateObject(),
		      *level = level_of(json_get(c->arg, "access_level"), &access);
		cJSON_AddItemToObject(one, "member", cJSON_Duplicate(each, true));
		if (select_member(c, each, &member, &email)) {
			dbx_grant_set(&node->grants, member, email, access);
			cJSON_AddItemToObject(dbx_add_tag(one, "result", "success"), "success", level);
			cJSON *details = cJSON_CreateObject();
			dbx_add_tag(details, "shared_content_access_level", access_name(access));
			dbx_event(c, "shared_content_add_member", node, NULL, member, details);
		} else {
			json_free(level);
			cJSON_AddItemToObject(one, "result", dbx_union("member_error/invalid_member"));
		}
		cJSON_AddItemToArray(list, one);
	}
	dbx_ok(c, list);
}

/* Removes; false after an error was answered. */
static bool file_member_remove(struct dbx_call *c)
{
	struct dbx_node *node = file_of(c, json_str(c->arg, "file"));
	struct dbx_member *member;
	const char *email;

	if (!node)
		return false;
	if (!dbx_can_write(c, node->slot->ns)) {
		dbx_error(c, "access_error/no_permission");
		return false;
	}
	struct dbx_grant *grant = select_member(c, json_get(c->arg, "member"), &member, &email)
					  ? dbx_grant_find(&node->grants, member, email)
					  : NULL;
	if (!grant) {
		dbx_error_doc(c, 409, "no_explicit_access", dbx_tag("no_explicit_access"));
		return false;
	}
	cJSON *details = cJSON_CreateObject();
	dbx_add_tag(details, "shared_content_access_level", access_name(grant->access));
	dbx_grant_drop(&node->grants, grant);
	dbx_event(c, "shared_content_remove_member", node, NULL, member, details);
	return true;
}

void dbx_file_member_remove(struct dbx_call *c)
{
	if (file_member_remove(c))
		dbx_ok(c, dbx_tag("success"));
}

void dbx_file_member_remove_2(struct dbx_call *c)
{
	if (file_member_remove(c))
		dbx_ok(c, dbx_tag("success"));
}

void dbx_file_unshare(struct dbx_call *c)
{
	struct dbx_node *node = file_of(c, json_str(c->arg, "file"));

	if (!node)
		return;
	if (!dbx_can_write(c, node->slot->ns)) {
		dbx_error(c, "access_error/no_permission");
		return;
	}
	node->grants.count = 0;
	dbx_ok(c, NULL);
}

static void add_owner_team(const struct dbx_call *c, cJSON *doc)
{
	cJSON *team = cJSON_AddObjectToObject(doc, "owner_team");

	cJSON_AddStringToObject(team, "id", c->team->id);
	cJSON_AddStringToObject(team, "name", c->team->name);
}

static void add_policy(cJSON *doc)
{
	cJSON *policy = cJSON_AddObjectToObject(doc, "policy");

	dbx_add_tag(policy, "member_policy", "anyone");
	dbx_add_tag(policy, "resolved_member_policy", "anyone");
	dbx_add_tag(policy, "acl_update_policy", "editors");
	dbx_add_tag(policy, "shared_link_policy", "anyone");
	dbx_add_tag(policy, "viewer_info_policy", "enabled");
}

void dbx_file_sharing(struct dbx_call *c)
{
	const struct dbx_node *node = file_of(c, json_str(c->arg, "file"));
	const char *lower, *display;

	if (!node)
		return;
	const struct dbx_ns *ns = node->slot->ns;
	cJSON *doc = cJSON_CreateObject();
	dbx_add_tag(doc, "access_type",
		ns->owner == c->member ? "owner"
		: dbx_can_write(c, ns) ? "editor"
				       : "viewer");
	cJSON_AddStringToObject(doc, "id", node->id);
	cJSON_AddStringToObject(doc, "name", node->name);
	add_owner_team(c, doc);
	if (ns->kind == DBX_TEAM_FOLDER)
		cJSON_AddStringToObject(doc, "parent_shared_folder_id", ns->id);
	if (dbx_shown(c, node->slot, &lower, &display)) {
		cJSON_AddStringToObject(doc, "path_lower", lower);
		cJSON_AddStringToObject(doc, "path_display", display);
	}
	add_policy(doc);
	cJSON_AddStringToObject(doc, "preview_url",
		arena_printf(c->arena, "https://www.dropbox.com/scl/fi/%s", node->id + 3));
	dbx_ok(c, doc);
}

/* ---- team folders ---- */

static struct dbx_ns *folder_of(struct dbx_call *c, const char *prefix)
{
	struct dbx_ns *ns = map_get(&c->team->by_ns, json_str(c->arg, "shared_folder_id"));

	if (!ns || ns->kind != DBX_TEAM_FOLDER || ns->gone)
		dbx_errorf(c, "%sinvalid_id", prefix);
	else if (!dbx_can_read(c, ns))
		dbx_errorf(c, "%snot_a_member", prefix);
	else
		return ns;
	return NULL;
}

static const struct entry *folder_entries(struct dbx_call *c, const struct dbx_ns *ns)
{
	struct entry *list = arena_alloc(c->arena, (ns->grants.count + 1) * sizeof(*list));

	for (size_t i = 0; i < ns->grants.count; i++)
		list[i] = (struct entry){ns->grants.list[i].member, ns->grants.list[i].email,
			ns->grants.list[i].access, false};
	return list;
}

void dbx_folder_members(struct dbx_call *c)
{
	const struct dbx_ns *ns = folder_of(c, "");

	if (ns)
		dbx_ok(c, page(c, "folder_members", ns->id, folder_entries(c, ns), ns->grants.count, 0,
				  (size_t)dbx_arg_int(c, "limit", 1000), false));
}

void dbx_folder_members_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *place = NULL;

	if (dbx_cursor_open(c->team, "folder_members", json_str(c->arg, "cursor"), &place, NULL) !=
		DBX_CURSOR_OK) {
		dbx_error(c, "invalid_cursor");
		return;
	}
	const struct dbx_ns *ns = map_get(&c->team->by_ns, cJSON_GetArrayItem(place, 0)->valuestring);
	if (!ns || !dbx_can_read(c, ns))
		dbx_error(c, "access_error/invalid_id");
	else
		dbx_ok(c, page(c, "folder_members", ns->id, folder_entries(c, ns), ns->grants.count,
				  (size_t)cJSON_GetArrayItem(place, 1)->valuedouble,
				  (size_t)cJSON_GetArrayItem(place, 2)->valuedouble, false));
}

void dbx_folder_member_add(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_of(c, "access_error/");
	const cJSON *each;

	if (!ns)
		return;
	if (!dbx_can_write(c, ns)) {
		dbx_error(c, "no_permission");
		return;
	}
	cJSON_ArrayForEach(each, json_array(c->arg, "members"))
	{
		struct dbx_member *member;
		const char *email;
		enum dbx_access access;
		const cJSON *selector = json_get(each, "member");
		if (!select_member(c, selector, &member, &email)) {
			const char *tag = dbx_tag_of(selector);
			bool by_id = tag && !strcmp(tag, "dropbox_id");
			const char *why = by_id ? "invalid_dropbox_id" : "invalid_email";
			cJSON *error = dbx_tag("bad_member"), *inner = dbx_add_tag(error, "bad_member", why);
			cJSON_AddStringToObject(inner, why, json_str_or(selector, tag ? tag : "", ""));
			dbx_error_doc(c, 409, dbx_chain(c, "bad_member/%s", why), error);
			return;
		}
		json_free(level_of(json_get(each, "access_level"), &access));
		dbx_grant_set(&ns->grants, member, email, access);
		if (member)
			dbx_mount(ns, member);
		cJSON *details = cJSON_CreateObject();
		dbx_add_tag(details, "shared_content_access_level", access_name(access));
		dbx_event(c, "shared_content_add_member", ns->root, NULL, member, details);
	}
	dbx_ok(c, NULL);
}

void dbx_folder_member_remove(struct dbx_call *c)
{
	struct dbx_ns *ns = folder_of(c, "access_error/");
	struct dbx_member *member;
	const char *email;

	if (!ns)
		return;
	if (!dbx_can_write(c, ns)) {
		dbx_error(c, "no_permission");
		return;
	}
	struct dbx_grant *grant = select_member(c, json_get(c->arg, "member"), &member, &email)
					  ? dbx_grant_find(&ns->grants, member, email)
					  : NULL;
	if (!grant) {
		dbx_error(c, "member_error/not_a_member");
		return;
	}
	dbx_grant_drop(&ns->grants, grant);
	if (member)
		dbx_unmount(ns, member);
	dbx_event(c, "shared_content_remove_member", ns->root, NULL, member, cJSON_CreateObject());
	dbx_ok(c, dbx_job_new(c, dbx_tag("complete")));
}

static cJSON *folder_metadata(struct dbx_call *c, const struct dbx_ns *ns)
{
	cJSON *doc = cJSON_CreateObject();
	const char *lower, *display;

	dbx_add_tag(doc, "access_type", dbx_can_write(c, ns) ? "editor" : "viewer");
	cJSON_AddBoolToObject(doc, "is_inside_team_folder", false);
	cJSON_AddBoolToObject(doc, "is_team_folder", true);
	add_owner_team(c, doc);
	if (dbx_shown(c, ns->root->slot, &lower, &display) && *lower) {
		cJSON_AddStringToObject(doc, "path_lower", lower);
		cJSON_AddStringToObject(doc, "path_display", display);
	}
	cJSON_AddStringToObject(doc, "name", ns->name);
	add_policy(doc);
	cJSON_AddStringToObject(
		doc, "preview_url", arena_printf(c->arena, "https://www.dropbox.com/scl/fo/%s", ns->id));
	cJSON_AddStringToObject(doc, "shared_folder_id", ns->id);
	dbx_add_time(doc, "time_invited", c->member->joined_at);
	dbx_add_tag(doc, "access_inheritance", "inherit");
	cJSON_AddStringToObject(doc, "folder_id", ns->root->id);
	return doc;
}

void dbx_folder_metadata(struct dbx_call *c)
{
	const struct dbx_ns *ns = folder_of(c, "");

	if (ns)
		dbx_ok(c, folder_metadata(c, ns));
}

static void folders_page(struct dbx_call *c, size_t at, size_t limit)
{
	cJSON *doc = cJSON_CreateObject(), *entries = cJSON_AddArrayToObject(doc, "entries");

	if (c->team->page_size && limit > (size_t)c->team->page_size)
		limit = (size_t)c->team->page_size;
	for (size_t left = limit; at < c->team->ns_count; at++) {
		const struct dbx_ns *ns = c->team->namespaces[at];
		if (ns->kind != DBX_TEAM_FOLDER || !dbx_can_read(c, ns))
			continue;
		if (!left--)
			break;
		cJSON_AddItemToArray(entries, folder_metadata(c, ns));
	}
	if (at < c->team->ns_count) {
		cJSON *place = cJSON_CreateArray();
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)at));
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)limit));
		cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, "folders", place));
	}
	dbx_ok(c, doc);
}

void dbx_folders_list(struct dbx_call *c)
{
	folders_page(c, 0, (size_t)dbx_arg_int(c, "limit", 1000));
}

void dbx_folders_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *place = NULL;

	if (dbx_cursor_open(c->team, "folders", json_str(c->arg, "cursor"), &place, NULL) != DBX_CURSOR_OK)
		dbx_error(c, "invalid_cursor");
	else
		folders_page(c, (size_t)cJSON_GetArrayItem(place, 0)->valuedouble,
			(size_t)cJSON_GetArrayItem(place, 1)->valuedouble);
}
