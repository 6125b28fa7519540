/* Admin SDK: users and groups of the Directory, and the routes of the whole SDK. Only an administrator may
 * ask, as in the real API. */
#include "fakecloud/google/admin.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

cJSON *ga_object(const char *kind, struct gg_call *c, const char *what)
{
	cJSON *o = cJSON_CreateObject();
	char etag[44];
	const char *words[] = {c->tenant->name, kind, what, NULL};

	fc_stable_id(etag, 43, words);
	cJSON_AddStringToObject(o, "kind", kind);
	cJSON_AddStringToObject(o, "etag", arena_printf(c->req->arena, "\"%s\"", etag));
	return o;
}

int ga_admin_check(struct gg_call *c)
{
	if (!c->user->admin)
		return gg_error(c, 403, "forbidden", "Not Authorized to access this resource/api");
	return 0;
}

bool ga_customer_ok(struct gg_call *c, const char *customer)
{
	return !strcmp(customer, "my_customer") || !strcmp(customer, c->tenant->customer_id);
}

/* Offset of a page token "<offset>", or -1 after an error was answered. */
static int page_from(struct gg_call *c)
{
	const char *token = gg_query(c, "pageToken");
	int64_t n = 0;

	if (token && *token && (strncmp(token, "p~", 2) != 0 || units_int(token + 2, 0, INT32_MAX, &n) < 0)) {
		gg_error(c, 400, "invalid", "Invalid Input: pageToken");
		return -1;
	}
	return (int)n;
}

static void page_token(cJSON *doc, int next)
{
	char text[24];

	snprintf(text, sizeof(text), "p~%d", next);
	cJSON_AddStringToObject(doc, "nextPageToken", text);
}

int ga_reply_page(struct gg_call *c, const char *kind, const char *name, cJSON *all, int fallback, int max)
{
	int n = gg_page_size(c, "maxResults", fallback, max), from = page_from(c),
	    total = cJSON_GetArraySize(all);

	if (from < 0 || n < 0) {
		json_free(all);
		return from < 0 ? -1 : gg_error(c, 400, "invalid", "Invalid Input: maxResults");
	}
	cJSON *doc = ga_object(kind, c, "all"), *list = cJSON_AddArrayToObject(doc, name);
	for (int i = 0; i < total; i++) {
		cJSON *one = cJSON_DetachItemFromArray(all, 0);
		if (i < from || i >= from + n)
			json_free(one);
		else
			cJSON_AddItemToArray(list, one);
	}
	json_free(all);
	if (total > from + n)
		page_token(doc, from + n);
	return gg_reply(c, doc);
}

/* ---- users ---- */

static cJSON *user_json(struct gg_call *c, const struct gg_user *u)
{
	cJSON *o = ga_object("admin#directory#user", c, u->email), *name, *emails, *one;

	cJSON_AddStringToObject(o, "id", u->id);
	cJSON_AddStringToObject(o, "primaryEmail", u->email);
	name = cJSON_AddObjectToObject(o, "name");
	cJSON_AddStringToObject(name, "givenName", u->given);
	cJSON_AddStringToObject(name, "familyName", u->family);
	cJSON_AddStringToObject(name, "fullName", u->full);
	cJSON_AddBoolToObject(o, "isAdmin", u->admin);
	cJSON_AddBoolToObject(o, "isDelegatedAdmin", false);
	gg_add_time(o, "lastLoginTime", u->created + 3600000);
	gg_add_time(o, "creationTime", u->created);
	cJSON_AddBoolToObject(o, "agreedToTerms", true);
	cJSON_AddBoolToObject(o, "suspended", false);
	cJSON_AddBoolToObject(o, "archived", false);
	cJSON_AddBoolToObject(o, "changePasswordAtNextLogin", false);
	cJSON_AddBoolToObject(o, "ipWhitelisted", false);
	emails = cJSON_AddArrayToObject(o, "emails");
	one = cJSON_CreateObject();
	cJSON_AddStringToObject(one, "address", u->email);
	cJSON_AddBoolToObject(one, "primary", true);
	cJSON_AddItemToArray(emails, one);
	if (u->aliases)
		cJSON_AddItemToObject(o, "aliases", cJSON_Duplicate(u->aliases, true));
	if (u->title || u->department) {
		one = cJSON_CreateObject();
		if (u->title)
			cJSON_AddStringToObject(one, "title", u->title);
		if (u->department)
			cJSON_AddStringToObject(one, "department", u->department);
		cJSON_AddBoolToObject(one, "primary", true);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "organizations"), one);
	}
	cJSON_AddStringToObject(o, "customerId", c->tenant->customer_id);
	cJSON_AddStringToObject(o, "orgUnitPath", "/");
	cJSON_AddBoolToObject(o, "isMailboxSetup", u->licensed);
	cJSON_AddBoolToObject(o, "isEnrolledIn2Sv", false);
	cJSON_AddBoolToObject(o, "isEnforcedIn2Sv", false);
	cJSON_AddBoolToObject(o, "includeInGlobalAddressList", true);
	return o;
}

static bool term_matches(const struct gg_user *u, const char *field, bool exact, const char *value)
{
	size_t n = strlen(value);
	const char *have = u->email;

	if (!*field)
		return gg_contains_ci(u->email, value) || gg_contains_ci(u->full, value);
	if (!strcasecmp(field, "isAdmin"))
		return !strcasecmp(value, "true") == u->admin;
	if (!strcasecmp(field, "isSuspended") || !strcasecmp(field, "isDelegatedAdmin"))
		return strcasecmp(value, "true") != 0;
	if (!strcasecmp(field, "orgUnitPath"))
		return !strcmp(value, "/");
	if (!strcasecmp(field, "name"))
		have = u->full;
	else if (!strcasecmp(field, "givenName"))
		have = u->given;
	else if (!strcasecmp(field, "familyName"))
		have = u->family;
	else if (strcasecmp(field, "email") != 0)
		return true;
	if (n && value[n - 1] == '*')
		return !strncasecmp(have, value, n - 1);
	return exact ? !strcasecmp(have, value) : gg_contains_ci(have, value);
}

/* Terms that must all hold: "email:x", "name='x y'", "isAdmin=true", a bare word. */
static bool user_matches(struct gg_call *c, const struct gg_user *u, const char *query)
{
	for (const char *p = query + strspn(query, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, ":= ");
		const char *field = "", *value;
		bool exact = false;
		if (p[len] == ':' || p[len] == '=') {
			field = arena_dupn(c->req->arena, p, len);
			exact = p[len] == '=';
			p += len + 1;
		}
		if (*p == '\'') {
			len = strcspn(p + 1, "'");
			value = arena_dupn(c->req->arena, p + 1, len);
			p += len + 1;
			p += *p == '\'';
		} else {
			len = strcspn(p, " ");
			value = arena_dupn(c->req->arena, p, len);
			p += len;
		}
		if (!term_matches(u, field, exact, value))
			return false;
	}
	return true;
}

static int user_order(const void *a, const void *b, void *how)
{
	const struct gg_user *x = *(struct gg_user *const *)a, *y = *(struct gg_user *const *)b;
	const char *by = how;

	if (!strcmp(by, "familyName"))
		return strcasecmp(x->family, y->family);
	if (!strcmp(by, "givenName"))
		return strcasecmp(x->given, y->given);
	return strcasecmp(x->email, y->email);
}

static int users_list(struct gg_call *c)
{
	const char *customer = gg_query(c, "customer"), *domain = gg_query(c, "domain"),
		   *q = gg_query(c, "query");
	const char *by = gg_query(c, "orderBy"), *view = gg_query(c, "viewType"),
		   *order = gg_query(c, "sortOrder");
	int max = gg_page_size(c, "maxResults", 100, 500), from = page_from(c);
	struct gg_user **all = arena_alloc(c->req->arena, sizeof(*all) * (c->tenant->nusers + 1));
	size_t n = 0;

	if (from < 0)
		return -1;
	if ((!view || strcmp(view, "domain_public") != 0) && ga_admin_check(c) < 0)
		return -1;
	if (!customer && !domain)
		return gg_error(c, 400, "badRequest", "Bad Request");
	if (customer && !ga_customer_ok(c, customer))
		return gg_error(c, 400, "invalid", "Invalid Input: customer");
	if (domain && strcasecmp(domain, c->tenant->domain) != 0)
		return gg_error(c, 404, "notFound", "Domain not found.");
	if (max < 0)
		return gg_error(c, 400, "invalid", "Invalid Input: maxResults");
	bool deleted = gg_flag(c, "showDeleted", false); /* nobody is ever deleted */
	for (size_t i = 0; i < c->tenant->nusers && !deleted; i++) {
		struct gg_user *u = c->tenant->users[i];
		if (!u->service && (!q || user_matches(c, u, q)))
			all[n++] = u;
	}
	char *how = arena_dup(c->req->arena, by ? by : "email");
	qsort_r(all, n, sizeof(*all), user_order, how);
	if (order && !strcmp(order, "DESCENDING")) {
		for (size_t i = 0; i < n / 2; i++) {
			struct gg_user *u = all[i];
			all[i] = all[n - 1 - i];
			all[n - 1 - i] = u;
		}
	}
	cJSON *doc = ga_object("admin#directory#users", c, "all"), *list = NULL;
	for (size_t i = (size_t)from; i < n && i < (size_t)(from + max); i++) {
		if (!list)
			list = cJSON_AddArrayToObject(doc, "users");
		cJSON_AddItemToArray(list, user_json(c, all[i]));
	}
	if (n > (size_t)(from + max))
		page_token(doc, from + max);
	return gg_reply(c, doc);
}

static struct gg_user *user_of(struct gg_call *c, const char *key)
{
	struct gg_user *u = gg_user_find(c->tenant, key);

	if (!u || u->service) {
		gg_error(c, 404, "notFound", "Resource Not Found: userKey");
		return NULL;
	}
	return u;
}

static int users_get(struct gg_call *c)
{
	const char *view = gg_query(c, "viewType");

	if ((!view || strcmp(view, "domain_public") != 0) && ga_admin_check(c) < 0)
		return -1;
	struct gg_user *u = user_of(c, c->var[0]);
	return u ? gg_reply(c, user_json(c, u)) : -1;
}

static int user_things(struct gg_call *c, const char *kind)
{
	if (ga_admin_check(c) < 0 || !user_of(c, c->var[0]))
		return -1;
	return gg_reply(c, ga_object(kind, c, c->var[0]));
}

static int aliases_list(struct gg_call *c)
{
	return user_things(c, "admin#directory#aliases");
}

static int tokens_list(struct gg_call *c)
{
	return user_things(c, "admin#directory#tokenList");
}

static int tokens_get(struct gg_call *c)
{
	if (ga_admin_check(c) < 0 || !user_of(c, c->var[0]))
		return -1;
	return gg_error(c, 404, "notFound", "Resource Not Found: clientId");
}

static int users_sign_out(struct gg_call *c)
{
	if (ga_admin_check(c) < 0 || !user_of(c, c->var[0]))
		return -1;
	return gg_reply_empty(c, 204);
}

static int users_watch(struct gg_call *c)
{
	if (ga_admin_check(c) < 0)
		return -1;
	return gg_watch_reply(
		c, "admin.googleapis.com/admin/directory/v1/users", 6 * 3600000LL, 6 * 3600000LL);
}

/* ---- groups: one with everybody in it, and those of the seed ---- */

struct group {
	const char *name, *email;
	char id[16];
	const cJSON *members; /* addresses; NULL: everybody */
};

static struct group group_make(struct gg_call *c, const char *name, const cJSON *members)
{
	const char *words[] = {c->tenant->name, GG, "group", members ? name : NULL, NULL};
	struct group g = {.name = name, .members = members};

	fc_stable_id(g.id, 15, words);
	g.email = members ? arena_printf(c->req->arena, "group-%s@%s", g.id, c->tenant->domain) :
			    arena_printf(c->req->arena, "all@%s", c->tenant->domain);
	return g;
}

/* By its number; false behind the last. */
static bool group_at(struct gg_call *c, int i, struct group *ret)
{
	const cJSON *one = cJSON_GetArrayItem(json_object(c->tenant->settings, "groups"), i - 1);

	if (i > 0 && !one)
		return false;
	*ret = i == 0 ? group_make(c, "All", NULL) : group_make(c, one->string, one);
	return true;
}

static bool group_has(const struct group *g, const struct gg_user *u)
{
	const cJSON *one;

	if (!g->members)
		return !u->service;
	cJSON_ArrayForEach(one, g->members)
	{
		if (cJSON_IsString(one) && !strcasecmp(one->valuestring, u->email))
			return true;
	}
	return false;
}

static cJSON *group_json(struct gg_call *c, const struct group *g)
{
	cJSON *o = ga_object("admin#directory#group", c, g->email);
	int64_t n = 0;

	for (size_t i = 0; i < c->tenant->nusers; i++)
		n += group_has(g, c->tenant->users[i]);
	cJSON_AddStringToObject(o, "id", g->id);
	cJSON_AddStringToObject(o, "email", g->email);
	cJSON_AddStringToObject(o, "name", g->name);
	cJSON_AddStringToObject(o, "description", "");
	gg_add_i64(o, "directMembersCount", n);
	cJSON_AddBoolToObject(o, "adminCreated", true);
	return o;
}

static int groups_list(struct gg_call *c)
{
	const char *customer = gg_query(c, "customer"), *domain = gg_query(c, "domain"),
		   *key = gg_query(c, "userKey");
	const struct gg_user *u = key ? gg_user_find(c->tenant, key) : NULL;
	struct group g;

	if (ga_admin_check(c) < 0)
		return -1;
	if (!customer && !domain && !key)
		return gg_error(c, 400, "badRequest", "Bad Request");
	if (customer && !ga_customer_ok(c, customer))
		return gg_error(c, 400, "invalid", "Invalid Input: customer");
	if (domain && strcasecmp(domain, c->tenant->domain) != 0)
		return gg_error(c, 404, "notFound", "Domain not found.");
	if (key && !u)
		return gg_error(c, 404, "notFound", "Resource Not Found: userKey");
	cJSON *all = cJSON_CreateArray();
	for (int i = 0; group_at(c, i, &g); i++) {
		if (!u || group_has(&g, u))
			cJSON_AddItemToArray(all, group_json(c, &g));
	}
	return ga_reply_page(c, "admin#directory#groups", "groups", all, 200, 200);
}

static int group_of(struct gg_call *c, struct group *ret)
{
	if (ga_admin_check(c) < 0)
		return -1;
	for (int i = 0; group_at(c, i, ret); i++) {
		if (!strcasecmp(c->var[0], ret->email) || !strcmp(c->var[0], ret->id))
			return 0;
	}
	return gg_error(c, 404, "notFound", "Resource Not Found: groupKey");
}

static int groups_get(struct gg_call *c)
{
	struct group g;

	return group_of(c, &g) < 0 ? -1 : gg_reply(c, group_json(c, &g));
}

static cJSON *member_json(struct gg_call *c, const struct gg_user *u)
{
	cJSON *o = ga_object("admin#directory#member", c, u->email);

	cJSON_AddStringToObject(o, "id", u->id);
	cJSON_AddStringToObject(o, "email", u->email);
	cJSON_AddStringToObject(o, "role", u->admin ? "OWNER" : "MEMBER");
	cJSON_AddStringToObject(o, "type", "USER");
	cJSON_AddStringToObject(o, "status", "ACTIVE");
	return o;
}

static int members_list(struct gg_call *c)
{
	const char *roles = gg_query(c, "roles");
	struct group g;

	if (group_of(c, &g) < 0)
		return -1;
	cJSON *all = cJSON_CreateArray();
	for (size_t i = 0; i < c->tenant->nusers; i++) {
		const struct gg_user *u = c->tenant->users[i];
		if (group_has(&g, u) && (!roles || !*roles || strstr(roles, u->admin ? "OWNER" : "MEMBER")))
			cJSON_AddItemToArray(all, member_json(c, u));
	}
	return ga_reply_page(c, "admin#directory#members", "members", all, 200, 200);
}

static int members_get(struct gg_call *c)
{
	struct group g;

	if (group_of(c, &g) < 0)
		return -1;
	struct gg_user *u = gg_user_find(c->tenant, c->var[1]);
	if (!u || !group_has(&g, u))
		return gg_error(c, 404, "notFound", "Resource Not Found: memberKey");
	return gg_reply(c, member_json(c, u));
}

static int members_has(struct gg_call *c)
{
	struct group g;

	if (group_of(c, &g) < 0)
		return -1;
	struct gg_user *u = gg_user_find(c->tenant, c->var[1]);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddBoolToObject(doc, "isMember", u && group_has(&g, u));
	return gg_reply(c, doc);
}

#define D "admin/directory/v1/"
#define S_USER "admin.directory.user admin.directory.user.readonly"
#define S_GROUP "admin.directory.group admin.directory.group.readonly"
#define S_MEMBER S_GROUP " admin.directory.group.member admin.directory.group.member.readonly"
#define S_DOMAIN "admin.directory.domain admin.directory.domain.readonly"
#define S_ROLE "admin.directory.rolemanagement admin.directory.rolemanagement.readonly"
#define S_ORG "admin.directory.orgunit admin.directory.orgunit.readonly"
#define S_CUST "admin.directory.customer admin.directory.customer.readonly"
#define S_ALIAS S_USER " admin.directory.user.alias admin.directory.user.alias.readonly"
#define S_AUDIT "admin.reports.audit.readonly"
#define R "admin/reports/v1/activity/users/{}/applications/{}"

const struct gg_route ga_routes[] = {
	{"GET", D "users", GG_ADMIN, 1, S_USER " cloud-platform", "a.Users", NULL, users_list, false},
	{"POST", D "users/watch", GG_ADMIN, 1, S_USER, NULL, NULL, users_watch, false},
	{"GET", D "users/{}", GG_ADMIN, 1, S_USER, "a.User", NULL, users_get, false},
	{"GET", D "users/{}/aliases", GG_ADMIN, 1, S_ALIAS, "a.Aliases", NULL, aliases_list, false},
	{"POST", D "users/{}/aliases/watch", GG_ADMIN, 1, S_ALIAS, NULL, NULL, users_watch, false},
	{"POST", D "users/{}/signOut", GG_ADMIN, 1, "admin.directory.user.security", NULL, NULL,
		users_sign_out, false},
	{"GET", D "users/{}/tokens", GG_ADMIN, 1, "admin.directory.user.security", "a.Tokens", NULL,
		tokens_list, false},
	{"GET", D "users/{}/tokens/{}", GG_ADMIN, 1, "admin.directory.user.security", "a.Token", NULL,
		tokens_get, false},
	{"DELETE", D "users/{}/tokens/{}", GG_ADMIN, 1, "admin.directory.user.security", NULL, NULL,
		tokens_get, false},
	{"GET", D "groups", GG_ADMIN, 1, S_GROUP, "a.Groups", NULL, groups_list, false},
	{"GET", D "groups/{}", GG_ADMIN, 1, S_GROUP, "a.Group", NULL, groups_get, false},
	{"GET", D "groups/{}/members", GG_ADMIN, 1, S_MEMBER, "a.Members", NULL, members_list, false},
	{"GET", D "groups/{}/members/{}", GG_ADMIN, 1, S_MEMBER, "a.Member", NULL, members_get, false},
	{"GET", D "groups/{}/hasMember/{}", GG_ADMIN, 1, S_MEMBER, "a.MembersHasMember", NULL, members_has,
		false},
	{"GET", D "customer/{}/orgunits", GG_ADMIN, 1, S_ORG, "a.OrgUnits", NULL, gc_orgunits_list, false},
	{"GET", D "customer/{}/orgunits/{*}", GG_ADMIN, 1, S_ORG, "a.OrgUnit", NULL, gc_orgunits_get, false},
	{"GET", D "customers/{}", GG_ADMIN, 1, S_CUST, "a.Customer", NULL, gc_customers_get, false},
	{"GET", D "customer/{}/domains", GG_ADMIN, 1, S_DOMAIN, "a.Domains2", NULL, gc_domains_list, false},
	{"GET", D "customer/{}/domains/{}", GG_ADMIN, 1, S_DOMAIN, "a.Domains", NULL, gc_domains_get, false},
	{"GET", D "customer/{}/domainaliases", GG_ADMIN, 1, S_DOMAIN, "a.DomainAliases", NULL,
		gc_domain_aliases_list, false},
	{"GET", D "customer/{}/domainaliases/{}", GG_ADMIN, 1, S_DOMAIN, "a.DomainAlias", NULL,
		gc_domain_aliases_get, false},
	{"GET", D "customer/{}/roles", GG_ADMIN, 1, S_ROLE, "a.Roles", NULL, gc_roles_list, false},
	{"GET", D "customer/{}/roles/ALL/privileges", GG_ADMIN, 1, S_ROLE, "a.Privileges", NULL,
		gc_privileges_list, false},
	{"GET", D "customer/{}/roles/{}", GG_ADMIN, 1, S_ROLE, "a.Role", NULL, gc_roles_get, false},
	{"GET", D "customer/{}/roleassignments", GG_ADMIN, 1, S_ROLE, "a.RoleAssignments", NULL,
		gc_assignments_list, false},
	{"GET", D "customer/{}/roleassignments/{}", GG_ADMIN, 1, S_ROLE, "a.RoleAssignment", NULL,
		gc_assignments_get, false},
	{"POST", "admin/directory_v1/channels/stop", GG_ADMIN, 1, S_ALIAS, NULL, NULL, gg_watch_stop, false},
	{"GET", R, GG_ADMIN, 1, S_AUDIT, "r.Activities", NULL, gr_activities_list, false},
	{"POST", R "/watch", GG_ADMIN, 1, S_AUDIT, NULL, NULL, gr_activities_watch, false},
	{"POST", "admin/reports_v1/channels/stop", GG_ADMIN, 1, S_AUDIT, NULL, NULL, gg_watch_stop, false},
	{0},
};
