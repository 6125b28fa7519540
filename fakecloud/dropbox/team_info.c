/* team/: the team itself, its members and its namespaces. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

void dbx_team_info(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "name", c->team->name);
	cJSON_AddStringToObject(doc, "team_id", c->team->id);
	cJSON_AddNumberToObject(doc, "num_licensed_users", (double)c->team->member_count + 5);
	cJSON_AddNumberToObject(doc, "num_provisioned_users", (double)c->team->member_count);
	cJSON_AddNumberToObject(doc, "num_used_licenses", (double)c->team->member_count);
	cJSON *policies = cJSON_AddObjectToObject(doc, "policies");
	cJSON_AddItemToObject(policies, "sharing", dbx_sharing_policies());
	dbx_add_tag(policies, "emm_state", "disabled");
	dbx_add_tag(policies, "office_addin", "disabled");
	dbx_add_tag(policies, "suggest_members_policy", "enabled");
	dbx_add_tag(policies, "top_level_content_policy", "everyone");
	dbx_ok(c, doc);
}

void dbx_team_features(struct dbx_call *c)
{
	/* Feature, name of the value's variant, value. */
	static const struct {
		const char *feature, *variant;
		bool on;
	} known[] = {
		{"has_team_shared_dropbox", "has_team_shared_dropbox", false},
		{"has_team_file_events", "enabled", true},
		{"has_team_selective_sync", "has_team_selective_sync", false},
		{"has_distinct_member_homes", "has_distinct_member_homes", false},
	};
	cJSON *doc = cJSON_CreateObject(), *values = cJSON_AddArrayToObject(doc, "values");
	const cJSON *each;

	if (!cJSON_GetArraySize(json_array(c->arg, "features"))) {
		json_free(doc);
		dbx_error(c, "empty_features_list");
		return;
	}
	cJSON_ArrayForEach(each, json_array(c->arg, "features"))
	{
		const char *tag = dbx_tag_of(each);
		if (tag && !strcmp(tag, "upload_api_rate_limit"))
			cJSON_AddItemToArray(values, dbx_union("upload_api_rate_limit/unlimited"));
		for (size_t i = 0; tag && i < ARRAY_SIZE(known); i++) {
			if (strcmp(tag, known[i].feature) != 0)
				continue;
			cJSON *value = dbx_tag(tag), *inner = dbx_add_tag(value, tag, known[i].variant);
			cJSON_AddBoolToObject(inner, known[i].variant, known[i].on);
			cJSON_AddItemToArray(values, value);
		}
	}
	dbx_ok(c, doc);
}

static cJSON *profile(const struct dbx_member *m)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "team_member_id", m->team_member_id);
	cJSON_AddStringToObject(doc, "account_id", m->account_id);
	cJSON_AddStringToObject(doc, "email", m->email);
	cJSON_AddBoolToObject(doc, "email_verified", true);
	cJSON *aliases = cJSON_AddArrayToObject(doc, "secondary_emails");
	const cJSON *alias;
	cJSON_ArrayForEach(alias, m->aliases)
	{
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "email", alias->valuestring);
		cJSON_AddBoolToObject(one, "is_verified", true);
		cJSON_AddItemToArray(aliases, one);
	}
	dbx_add_tag(doc, "status", m->suspended ? "suspended" : "active");
	dbx_add_name(doc, m);
	dbx_add_tag(doc, "membership_type", "full");
	dbx_add_time(doc, "joined_on", m->joined_at);
	if (m->suspended)
		dbx_add_time(doc, "suspended_on", m->joined_at);
	cJSON *groups = cJSON_AddArrayToObject(doc, "groups");
	for (size_t i = 0; i < m->team->group_count; i++) {
		const struct dbx_group *g = &m->team->groups[i];
		for (size_t k = 0; k < g->count; k++)
			if (g->members[k] == m)
				cJSON_AddItemToArray(groups, cJSON_CreateString(g->id));
	}
	/* Homes of members who never had one get the namespace that their account would open. */
	const char *home = m->home ? m->home->id : "1";
	cJSON_AddStringToObject(doc, "member_folder_id", home);
	cJSON_AddStringToObject(doc, "root_folder_id", home);
	return doc;
}

static cJSON *member_info(const struct dbx_member *m, bool v2)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddItemToObject(doc, "profile", profile(m));
	if (!v2) {
		dbx_add_tag(doc, "role", m->admin ? "team_admin" : "member_only");
		return doc;
	}
	cJSON *roles = cJSON_AddArrayToObject(doc, "roles");
	if (m->admin) {
		cJSON *role = cJSON_CreateObject();
		cJSON_AddStringToObject(role, "role_id", "pid_dbtmr:2345");
		cJSON_AddStringToObject(role, "name", "Team admin");
		cJSON_AddStringToObject(role, "description", "Manage everything and access all permissions.");
		cJSON_AddItemToArray(roles, role);
	}
	return doc;
}

void dbx_authenticated_admin(struct dbx_call *c)
{
	const struct dbx_member *admin = dbx_admin(c->team);

	if (!admin) {
		dbx_error(c, "mapping_not_found");
		return;
	}
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddItemToObject(doc, "admin_profile", profile(admin));
	dbx_ok(c, doc);
}

/* One page of a plain list: from and limit are kept in the cursor. */
static size_t page_size(const struct dbx_call *c, int64_t asked)
{
	if (c->team->page_size && asked > c->team->page_size)
		asked = c->team->page_size;
	return (size_t)asked;
}

static char *page_cursor(struct dbx_call *c, const char *kind, size_t at, size_t limit)
{
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_CreateNumber((double)at));
	cJSON_AddItemToArray(list, cJSON_CreateNumber((double)limit));
	return dbx_cursor_new(c, kind, list);
}

static bool page_open(struct dbx_call *c, const char *kind, size_t *ret_at, size_t *ret_limit)
{
	_cleanup_json_ cJSON *list = NULL;

	if (dbx_cursor_open(c->team, kind, json_str(c->arg, "cursor"), &list, NULL) != DBX_CURSOR_OK) {
		dbx_error(c, "invalid_cursor");
		return false;
	}
	*ret_at = (size_t)cJSON_GetArrayItem(list, 0)->valuedouble;
	*ret_limit = (size_t)cJSON_GetArrayItem(list, 1)->valuedouble;
	return true;
}

static void members_page(struct dbx_call *c, const char *kind, size_t at, size_t limit, bool v2)
{
	cJSON *doc = cJSON_CreateObject(), *members = cJSON_AddArrayToObject(doc, "members");

	for (size_t left = limit; at < c->team->member_count && left; at++, left--)
		cJSON_AddItemToArray(members, member_info(c->team->members[at], v2));
	cJSON_AddStringToObject(doc, "cursor", page_cursor(c, kind, at, limit));
	cJSON_AddBoolToObject(doc, "has_more", at < c->team->member_count);
	dbx_ok(c, doc);
}

static void members_next(struct dbx_call *c, const char *kind, bool v2)
{
	size_t at, limit;

	if (page_open(c, kind, &at, &limit))
		members_page(c, kind, at, limit, v2);
}

void dbx_members_list(struct dbx_call *c)
{
	members_page(c, "members", 0, page_size(c, dbx_arg_int(c, "limit", 1000)), false);
}

void dbx_members_list_v2(struct dbx_call *c)
{
	members_page(c, "members_v2", 0, page_size(c, dbx_arg_int(c, "limit", 1000)), true);
}

void dbx_members_continue(struct dbx_call *c)
{
	members_next(c, "members", false);
}

void dbx_members_continue_v2(struct dbx_call *c)
{
	members_next(c, "members_v2", true);
}

static const struct dbx_member *selected(struct dbx_call *c, const cJSON *selector, const char **ret_id)
{
	const char *tag = json_str_or(selector, ".tag", ""), *value = json_str(selector, tag);

	*ret_id = value ? value : "";
	if (!value)
		return NULL;
	if (!strcmp(tag, "team_member_id"))
		return map_get(&c->team->by_member, value);
	return !strcmp(tag, "email") ? map_get(&c->team->by_email, dbx_lower(c->arena, value)) : NULL;
}

static cJSON *info_list(struct dbx_call *c, bool v2)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *each;

	cJSON_ArrayForEach(each, json_array(c->arg, "members"))
	{
		const char *id;
		const struct dbx_member *m = selected(c, each, &id);
		cJSON *item;
		if (m) {
			item = member_info(m, v2);
			cJSON_AddStringToObject(item, ".tag", "member_info");
		} else {
			item = dbx_tag("id_not_found");
			cJSON_AddStringToObject(item, "id_not_found", id);
		}
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

void dbx_members_info(struct dbx_call *c)
{
	dbx_ok(c, info_list(c, false));
}

void dbx_members_info_v2(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddItemToObject(doc, "members_info", info_list(c, true));
	dbx_ok(c, doc);
}

static void namespaces_page(struct dbx_call *c, size_t at, size_t limit)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "namespaces");
	size_t left = limit;

	for (; at < c->team->ns_count && left; at++) {
		const struct dbx_ns *ns = c->team->namespaces[at];
		if (ns->gone)
			continue;
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "name", ns->name);
		cJSON_AddStringToObject(one, "namespace_id", ns->id);
		dbx_add_tag(
			one, "namespace_type", ns->kind == DBX_HOME ? "team_member_folder" : "team_folder");
		if (ns->owner)
			cJSON_AddStringToObject(one, "team_member_id", ns->owner->team_member_id);
		cJSON_AddNumberToObject(one, "quota_limit", 0);
		cJSON_AddItemToArray(list, one);
		left--;
	}
	cJSON_AddStringToObject(doc, "cursor", page_cursor(c, "namespaces", at, limit));
	cJSON_AddBoolToObject(doc, "has_more", at < c->team->ns_count);
	dbx_ok(c, doc);
}

void dbx_namespaces_list(struct dbx_call *c)
{
	namespaces_page(c, 0, page_size(c, dbx_arg_int(c, "limit", 1000)));
}

void dbx_namespaces_continue(struct dbx_call *c)
{
	size_t at, limit;

	if (page_open(c, "namespaces", &at, &limit))
		namespaces_page(c, at, limit);
}

/* ---- groups ---- */

static void groups_page(struct dbx_call *c, size_t at, size_t limit)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "groups");

	for (size_t left = limit; at < c->team->group_count && left; at++, left--) {
		const struct dbx_group *g = &c->team->groups[at];
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "group_name", g->name);
		cJSON_AddStringToObject(one, "group_id", g->id);
		cJSON_AddNumberToObject(one, "member_count", (double)g->count);
		dbx_add_tag(one, "group_management_type", "company_managed");
		cJSON_AddItemToArray(list, one);
	}
	cJSON_AddStringToObject(doc, "cursor", page_cursor(c, "groups", at, limit));
	cJSON_AddBoolToObject(doc, "has_more", at < c->team->group_count);
	dbx_ok(c, doc);
}

void dbx_groups_list(struct dbx_call *c)
{
	groups_page(c, 0, page_size(c, dbx_arg_int(c, "limit", 1000)));
}

void dbx_groups_continue(struct dbx_call *c)
{
	size_t at, limit;

	if (page_open(c, "groups", &at, &limit))
		groups_page(c, at, limit);
}
