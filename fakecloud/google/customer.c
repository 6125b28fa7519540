/* Admin SDK: the customer itself: organisational units, domains, roles. */
#include "fakecloud/google/admin.h"

#include "base/units.h"

#include <string.h>
#include <strings.h>

#define ROLE_ID 13801188331880449LL

static int customer_check(struct gg_call *c, const char *customer)
{
	if (ga_admin_check(c) < 0)
		return -1;
	if (!ga_customer_ok(c, customer))
		return gg_error(c, 400, "invalid", "Invalid Input: customer");
	return 0;
}

static cJSON *orgunit_json(struct gg_call *c)
{
	cJSON *o = ga_object("admin#directory#orgUnit", c, "/");

	cJSON_AddStringToObject(o, "name", c->tenant->domain);
	cJSON_AddStringToObject(o, "orgUnitPath", "/");
	cJSON_AddStringToObject(
		o, "orgUnitId", arena_printf(c->req->arena, "id:03%s", c->tenant->customer_id + 1));
	return o;
}

int gc_orgunits_list(struct gg_call *c)
{
	const char *type = gg_query(c, "type"), *path = gg_query(c, "orgUnitPath");

	if (customer_check(c, c->var[0]) < 0)
		return -1;
	if (path && *path && strcmp(path, "/") != 0)
		return gg_error(c, 404, "notFound", "Org unit not found");
	cJSON *doc = ga_object("admin#directory#orgUnits", c, "all");
	if (type && !strcmp(type, "allIncludingParent"))
		cJSON_AddItemToArray(cJSON_AddArrayToObject(doc, "organizationUnits"), orgunit_json(c));
	return gg_reply(c, doc);
}

int gc_orgunits_get(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	const char *id = arena_printf(c->req->arena, "id:03%s", c->tenant->customer_id + 1);
	if (*c->var[1] && strcmp(c->var[1], "/") != 0 && strcmp(c->var[1], id) != 0)
		return gg_error(c, 404, "notFound", "Org unit not found");
	return gg_reply(c, orgunit_json(c));
}

int gc_customers_get(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	cJSON *doc = ga_object("admin#directory#customer", c, "");
	cJSON_AddStringToObject(doc, "id", c->tenant->customer_id);
	cJSON_AddStringToObject(doc, "customerDomain", c->tenant->domain);
	cJSON_AddStringToObject(doc, "alternateEmail", "");
	gg_add_time(doc, "customerCreationTime", c->tenant->admin->created);
	cJSON_AddStringToObject(doc, "language", "ja");
	return gg_reply(c, doc);
}

static cJSON *domain_json(struct gg_call *c, const char *name)
{
	cJSON *o = ga_object("admin#directory#domain", c, name);

	cJSON_AddStringToObject(o, "domainName", name);
	cJSON_AddBoolToObject(o, "isPrimary", !strcmp(name, c->tenant->domain));
	cJSON_AddBoolToObject(o, "verified", true);
	gg_add_i64(o, "creationTime", c->tenant->admin->created);
	return o;
}

int gc_domains_list(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	cJSON *doc = ga_object("admin#directory#domains", c, "all"), *list = cJSON_AddArrayToObject(doc, "domains");
	const cJSON *one;
	cJSON_AddItemToArray(list, domain_json(c, c->tenant->domain));
	cJSON_ArrayForEach(one, json_array(c->tenant->settings, "domains"))
	{
		if (cJSON_IsString(one))
			cJSON_AddItemToArray(list, domain_json(c, one->valuestring));
	}
	return gg_reply(c, doc);
}

int gc_domains_get(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	if (strcasecmp(c->var[1], c->tenant->domain) != 0)
		return gg_error(c, 404, "notFound", "Domain not found.");
	return gg_reply(c, domain_json(c, c->tenant->domain));
}

int gc_domain_aliases_list(struct gg_call *c)
{
	return customer_check(c, c->var[0]) < 0
		       ? -1
		       : gg_reply(c, ga_object("admin#directory#domainAliases", c, "all"));
}

int gc_domain_aliases_get(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	return gg_error(c, 404, "notFound", "Domain alias does not exist.");
}

static const struct {
	const char *name, *description;
} roles[] = {{"_SEED_ADMIN_ROLE", "Google Workspace Administrator Seed Role"},
	{"_GROUPS_ADMIN_ROLE", "Groups Administrator"},
	{"_USER_MANAGEMENT_ADMIN_ROLE", "User Management Administrator"}};

static cJSON *role_json(struct gg_call *c, size_t i)
{
	cJSON *o = ga_object("admin#directory#role", c, roles[i].name);

	gg_add_i64(o, "roleId", ROLE_ID + 10 * (int64_t)i);
	cJSON_AddStringToObject(o, "roleName", roles[i].name);
	cJSON_AddStringToObject(o, "roleDescription", roles[i].description);
	cJSON_AddBoolToObject(o, "isSystemRole", true);
	cJSON_AddBoolToObject(o, "isSuperAdminRole", i == 0);
	cJSON_AddArrayToObject(o, "rolePrivileges");
	return o;
}

/* Its place among the roles, or -1. */
static int role_find(const char *text)
{
	int64_t id;

	for (size_t i = 0; units_int(text, 0, INT64_MAX, &id) == 0 && i < ARRAY_SIZE(roles); i++) {
		if (id == ROLE_ID + 10 * (int64_t)i)
			return (int)i;
	}
	return -1;
}

int gc_roles_list(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	cJSON *all = cJSON_CreateArray();
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		cJSON_AddItemToArray(all, role_json(c, i));
	return ga_reply_page(c, "admin#directory#roles", "items", all, 100, 100);
}

int gc_roles_get(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	int i = role_find(c->var[1]);
	return i < 0 ? gg_error(c, 404, "notFound", "Resource Not Found: roleId")
		     : gg_reply(c, role_json(c, (size_t)i));
}

static cJSON *assignment_json(struct gg_call *c)
{
	cJSON *o = ga_object("admin#directory#roleAssignment", c, "super");

	gg_add_i64(o, "roleAssignmentId", ROLE_ID + 1);
	gg_add_i64(o, "roleId", ROLE_ID);
	cJSON_AddStringToObject(o, "assignedTo", c->tenant->admin->id);
	cJSON_AddStringToObject(o, "assigneeType", "user");
	cJSON_AddStringToObject(o, "scopeType", "CUSTOMER");
	return o;
}

int gc_assignments_list(struct gg_call *c)
{
	const char *key = gg_query(c, "userKey"), *role = gg_query(c, "roleId");

	if (customer_check(c, c->var[0]) < 0)
		return -1;
	struct gg_user *u = key ? gg_user_find(c->tenant, key) : NULL;
	cJSON *all = cJSON_CreateArray();
	if ((!key || u == c->tenant->admin) && (!role || role_find(role) == 0))
		cJSON_AddItemToArray(all, assignment_json(c));
	return ga_reply_page(c, "admin#directory#roleAssignments", "items", all, 100, 200);
}

int gc_assignments_get(struct gg_call *c)
{
	int64_t id;

	if (customer_check(c, c->var[0]) < 0)
		return -1;
	if (units_int(c->var[1], 0, INT64_MAX, &id) < 0 || id != ROLE_ID + 1)
		return gg_error(c, 404, "notFound", "Resource Not Found: roleAssignmentId");
	return gg_reply(c, assignment_json(c));
}

int gc_privileges_list(struct gg_call *c)
{
	if (customer_check(c, c->var[0]) < 0)
		return -1;
	cJSON *doc = ga_object("admin#directory#privileges", c, "all");
	cJSON_AddArrayToObject(doc, "items");
	return gg_reply(c, doc);
}
