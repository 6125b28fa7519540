/* Tenants, users, groups and what the directory tells of them. Source: Graph v1.0, organization, domain, user, group.
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include <string.h>
#include <strings.h>

#define WEEK_MS (INT64_C(7) * 86400000)
#define GROUPS                                                                                                         \
	"Group.ReadBasic.All GroupMember.Read.All Group.Read.All Group.ReadWrite.All Directory.Read.All "                  \
	"Directory.ReadWrite.All Group.ManageProtection.All"

static struct ms_vec tenants;

struct ms_tenant *ms_tenant_nth(size_t n)
{
	return n < tenants.n ? tenants.v[n] : NULL;
}

struct ms_tenant *ms_tenant_find(const char *directory)
{
	for (size_t i = 0; i < tenants.n; i++) {
		struct ms_tenant *t = tenants.v[i];
		if (!strcasecmp(t->directory, directory) || !strcasecmp(t->domain, directory))
			return t;
	}
	return NULL;
}

struct ms_tenant *ms_tenant_named(const char *name)
{
	for (size_t i = 0; i < tenants.n; i++) {
		struct ms_tenant *t = tenants.v[i];
		if (!strcmp(t->name, name))
			return t;
	}
	return NULL;
}

struct ms_tenant *ms_tenant_add(struct ms_tenant *t)
{
	ms_vec_add(&tenants, t);
	return t;
}

struct ms_user *ms_user_find(const struct ms_tenant *t, const char *id)
{
	for (size_t i = 0; id && i < t->users.n; i++) {
		struct ms_user *u = t->users.v[i];
		if (!strcasecmp(u->upn, id) || !strcasecmp(u->id, id))
			return u;
	}
	return NULL;
}

struct ms_user *ms_user_add(struct ms_tenant *t, const char *upn, bool licensed)
{
	struct ms_user *u = ms_user_find(t, upn);
	size_t n = strcspn(upn, "@");

	if (u)
		return u;
	u = ms_alloc(sizeof(*u));
	*u = (struct ms_user){.tenant = t, .created = t->created};
	u->id = ms_guid(MS_WORDS(t->name, "microsoft", "users", upn));
	u->upn = ms_strdup(upn);
	u->display = ms_printf("%.*s", (int)n, upn);
	if (u->display[0] >= 'a' && u->display[0] <= 'z')
		u->display[0] = (char)(u->display[0] - 32);
	u->given = ms_strdup(u->display);
	u->given[strcspn(u->given, ".")] = 0;
	u->surname = ms_strdup(strchr(u->display, '.') ? strchr(u->display, '.') + 1 : "");
	ms_vec_add(&t->users, u);
	if (licensed) {
		u->box = ms_mailbox_new(u);
		u->site = ms_site_new(t, u->upn, u);
		u->drive = ms_drive_new(t, u->site, u, "OneDrive");
	}
	return u;
}

/* The teams' groups, and those that are no teams. */
static struct ms_vec all_groups(struct ms_ctx *c)
{
	const struct ms_vec *const from[] = {&c->t->teams, &c->t->groups};
	struct ms_vec all = {.v = arena_alloc(c->req->arena, (c->t->teams.n + c->t->groups.n + 1) * sizeof(*all.v))};

	for (size_t i = 0; all.v && i < ARRAY_SIZE(from); i++)
		for (size_t k = 0; k < from[i]->n; k++)
			all.v[all.n++] = from[i]->v[k];
	return all;
}

/* $expand=memberOf: twenty at most. Who may not read groups gets their ids alone. */
static void add_groups(struct ms_ctx *c, const struct ms_user *u, cJSON *o)
{
	bool named = ms_has_role(c, GROUPS);
	cJSON *list = j_array(o, "memberOf");
	int room = 20;

	const struct ms_vec all = all_groups(c);
	for (size_t i = 0; i < all.n && room; i++) {
		const struct ms_team *g = all.v[i];
		for (size_t k = 0; k < g->members.n; k++) {
			cJSON *one;
			if (g->members.v[k] != u || !room)
				continue;
			one = cJSON_CreateObject();
			j_str(one, "@odata.type", "#microsoft.graph.group");
			j_str(one, "id", g->id);
			j_str(one, "displayName", named ? g->name : NULL);
			j_str(one, "mail", named && g->site ? ms_fmt(c, "%s@%s", g->nick, c->t->domain) : NULL);
			cJSON_AddItemToArray(list, one);
			room--;
		}
	}
}

cJSON *ms_user_json(struct ms_ctx *c, void *user, const struct ms_select *sel)
{
	struct ms_user *u = user;
	cJSON *o = cJSON_CreateObject(), *list;
	const cJSON *one;
	const char *nick = ms_fmt(c, "%.*s", (int)strcspn(u->upn, "@"), u->upn);

	j_array(o, "businessPhones");
	j_str(o, "displayName", u->display);
	j_str(o, "givenName", u->given);
	j_str(o, "jobTitle", u->title);
	j_str(o, "mail", u->upn);
	j_str(o, "mobilePhone", NULL);
	j_str(o, "officeLocation", NULL);
	j_str(o, "preferredLanguage", NULL);
	j_str(o, "surname", *u->surname ? u->surname : NULL);
	j_str(o, "userPrincipalName", u->upn);
	j_str(o, "id", u->id);
	/* Everything below comes by name alone. */
	if (ms_wants_named(sel, "accountEnabled"))
		j_bool(o, "accountEnabled", true);
	if (ms_wants_named(sel, "userType"))
		j_str(o, "userType", "Member");
	if (ms_wants_named(sel, "mailNickname"))
		j_str(o, "mailNickname", nick);
	if (ms_wants_named(sel, "createdDateTime"))
		j_time(o, "createdDateTime", u->created);
	if (ms_wants_named(sel, "department"))
		j_str(o, "department", u->department);
	if (ms_wants_named(sel, "usageLocation"))
		j_str(o, "usageLocation", "JP");
	if (ms_wants_named(sel, "proxyAddresses")) {
		list = j_array(o, "proxyAddresses");
		cJSON_AddItemToArray(list, cJSON_CreateString(ms_fmt(c, "SMTP:%s", u->upn)));
		cJSON_ArrayForEach(one, u->aliases)
		{
			if (cJSON_IsString(one))
				cJSON_AddItemToArray(list, cJSON_CreateString(ms_fmt(c, "smtp:%s", one->valuestring)));
		}
	}
	if (ms_wants_named(sel, "otherMails"))
		j_array(o, "otherMails");
	if (ms_wants_named(sel, "assignedLicenses")) {
		list = j_array(o, "assignedLicenses");
		if (u->box) {
			cJSON *licence = cJSON_CreateObject();
			j_array(licence, "disabledPlans");
			j_str(licence, "skuId", "6fd2c87f-b296-42f0-b197-1e91e994b900");
			cJSON_AddItemToArray(list, licence);
		}
	}
	if (ms_wants_named(sel, "mySite") && u->site)
		j_str(o, "mySite", u->site->web_url);
	if (ms_expands(c, "memberOf") && !sel->only_also)
		add_groups(c, u, o);
	return o;
}

static void user_list(struct ms_ctx *c)
{
	struct ms_source src = {.v = c->t->users.v,
		.n = c->t->users.n,
		.make = ms_user_json,
		.context = "users",
		.top = 100,
		.max_top = 999,
		.refuse_top = true};

	ms_list(c, &src);
}

static void user_count(struct ms_ctx *c)
{
	const char *text = ms_fmt(c, "%zu", c->t->users.n);

	ms_bytes(c, text, strlen(text), "text/plain");
}

static struct ms_user *need_user(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);

	if (!u)
		ms_error(c, 404, "Request_ResourceNotFound",
			"Resource '%s' does not exist or one of its queried reference-property objects are not present.", c->arg[0]);
	return u;
}

static void user_get(struct ms_ctx *c)
{
	struct ms_user *u = need_user(c);

	if (u)
		ms_one(c, 200, u, ms_user_json, "users", false);
}

static void user_delta(struct ms_ctx *c)
{
	struct ms_feed feed = {.kind = 'u',
		.scope = c->t->directory,
		.context = "users",
		.lost_code = "syncStateNotFound",
		.all = &c->t->users,
		.make = ms_user_json,
		.top = 100,
		.max_top = 999,
		.life_ms = WEEK_MS,
		.keep_id = true};

	ms_feed(c, &feed);
}

static void user_revoke(struct ms_ctx *c)
{
	cJSON *doc;

	if (!need_user(c))
		return;
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#Edm.Boolean", c->base));
	j_bool(doc, "value", true);
	ms_json(c, 200, doc);
}

static cJSON *group_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_team *g = one;
	cJSON *o = cJSON_CreateObject(), *list;
	const char *mail = ms_fmt(c, "%s@%s", g->nick, c->t->domain);

	j_str(o, "id", g->id);
	j_str(o, "deletedDateTime", NULL);
	j_str(o, "classification", NULL);
	j_time(o, "createdDateTime", g->created);
	j_str(o, "description", g->name);
	j_str(o, "displayName", g->name);
	list = j_array(o, "groupTypes");
	if (g->site)
		cJSON_AddItemToArray(list, cJSON_CreateString("Unified"));
	j_str(o, "mail", g->site ? mail : NULL);
	j_bool(o, "mailEnabled", g->site != NULL);
	j_str(o, "mailNickname", g->nick);
	list = j_array(o, "proxyAddresses");
	if (g->site)
		cJSON_AddItemToArray(list, cJSON_CreateString(ms_fmt(c, "SMTP:%s", mail)));
	list = j_array(o, "resourceProvisioningOptions");
	if (g->site)
		cJSON_AddItemToArray(list, cJSON_CreateString("Team"));
	j_bool(o, "securityEnabled", !g->site);
	j_str(o, "visibility", "Private");
	if (ms_expands(c, "members") && !sel->only_also) {
		struct ms_select none = {0};
		list = j_array(o, "members");
		for (size_t i = 0; i < g->members.n; i++)
			cJSON_AddItemToArray(list, ms_user_json(c, g->members.v[i], &none));
	}
	return o;
}

static void group_list(struct ms_ctx *c)
{
	const struct ms_vec all = all_groups(c);
	struct ms_source src = {.v = all.v,
		.n = all.n,
		.make = group_json,
		.context = "groups",
		.top = 100,
		.max_top = 999,
		.refuse_top = true};

	ms_list(c, &src);
}

static struct ms_team *need_group(struct ms_ctx *c)
{
	const struct ms_vec all = all_groups(c);
	struct ms_team *g = NULL;

	for (size_t i = 0; i < all.n && !g; i++)
		if (!strcasecmp(((struct ms_team *)all.v[i])->id, c->arg[0]))
			g = all.v[i];
	if (!g) {
		ms_error(c, 404, "Request_ResourceNotFound",
			"Resource '%s' does not exist or one of its queried reference-property objects are not present.", c->arg[0]);
		return NULL;
	}
	return g;
}

static void group_get(struct ms_ctx *c)
{
	struct ms_team *g = need_group(c);

	if (g)
		ms_one(c, 200, g, group_json, "groups", false);
}

static void group_delta(struct ms_ctx *c)
{
	struct ms_feed feed = {.kind = 'g',
		.scope = c->t->directory,
		.context = "groups",
		.lost_code = "syncStateNotFound",
		.all = &c->t->teams,
		.make = group_json,
		.top = 100,
		.max_top = 999,
		.life_ms = WEEK_MS,
		.keep_id = true};

	ms_feed(c, &feed);
}

static cJSON *member_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	cJSON *o = cJSON_CreateObject(), *user = ms_user_json(c, one, sel);

	j_str(o, "@odata.type", "#microsoft.graph.user");
	while (user->child)
		cJSON_AddItemToArray(o, cJSON_DetachItemViaPointer(user, user->child));
	json_free(user);
	return o;
}

static void group_members(struct ms_ctx *c)
{
	struct ms_team *g = need_group(c);

	if (!g)
		return;
	struct ms_source src = {.v = g->members.v,
		.n = g->members.n,
		.make = member_json,
		.context = "directoryObjects",
		.top = 100,
		.max_top = 999,
		.refuse_top = true};
	ms_list(c, &src);
}

static cJSON *group_of_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	cJSON *o = group_json(c, one, sel);

	j_str(o, "@odata.type", "#microsoft.graph.group");
	return o;
}

static void user_member_of(struct ms_ctx *c)
{
	struct ms_user *u = need_user(c);
	struct ms_vec in = {0};

	if (!u)
		return;
	const struct ms_vec all = all_groups(c);
	in.v = arena_alloc(c->req->arena, (all.n + 1) * sizeof(*in.v));
	for (size_t i = 0; in.v && i < all.n; i++) {
		struct ms_team *g = all.v[i];
		for (size_t k = 0; k < g->members.n; k++) {
			if (g->members.v[k] == u)
				in.v[in.n++] = g;
		}
	}
	struct ms_source src = {
		.v = in.v, .n = in.n, .make = group_of_json, .context = "directoryObjects", .top = 100, .max_top = 999};
	ms_list(c, &src);
}

static cJSON *domain_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	cJSON *o = cJSON_CreateObject(), *list;
	const char *name = one;

	j_str(o, "authenticationType", "Managed");
	j_str(o, "availabilityStatus", NULL);
	j_str(o, "id", name);
	j_bool(o, "isAdminManaged", true);
	j_bool(o, "isDefault", true);
	j_bool(o, "isInitial", true);
	j_bool(o, "isRoot", true);
	j_bool(o, "isVerified", true);
	list = j_array(o, "supportedServices");
	cJSON_AddItemToArray(list, cJSON_CreateString("Email"));
	cJSON_AddItemToArray(list, cJSON_CreateString("OfficeCommunicationsOnline"));
	j_num(o, "passwordValidityPeriodInDays", 2147483647);
	j_num(o, "passwordNotificationWindowInDays", 14);
	j_str(o, "state", NULL);
	return o;
}

static void domain_list(struct ms_ctx *c)
{
	void *v[] = {c->t->domain};
	struct ms_source src = {.v = v, .n = 1, .make = domain_json, .context = "domains", .top = 100, .max_top = 999};

	ms_list(c, &src);
}

static void domain_get(struct ms_ctx *c)
{
	if (strcasecmp(c->arg[0], c->t->domain))
		ms_error(c, 404, "Request_ResourceNotFound", "Resource '%s' does not exist.", c->arg[0]);
	else
		ms_one(c, 200, c->t->domain, domain_json, "domains", false);
}

static cJSON *organization_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_tenant *t = one;
	cJSON *o = cJSON_CreateObject(), *x;

	j_str(o, "id", t->directory);
	j_str(o, "deletedDateTime", NULL);
	j_array(o, "businessPhones");
	j_str(o, "city", NULL);
	j_str(o, "country", NULL);
	j_str(o, "countryLetterCode", "JP");
	j_time(o, "createdDateTime", t->created);
	j_str(o, "displayName", t->display);
	j_array(o, "marketingNotificationEmails");
	j_str(o, "onPremisesLastSyncDateTime", NULL);
	j_str(o, "onPremisesSyncEnabled", NULL);
	j_str(o, "postalCode", NULL);
	j_str(o, "preferredLanguage", "ja");
	j_array(o, "securityComplianceNotificationMails");
	j_array(o, "securityComplianceNotificationPhones");
	j_str(o, "state", NULL);
	j_str(o, "street", NULL);
	j_array(o, "technicalNotificationMails");
	j_str(o, "tenantType", "AAD");
	j_array(o, "assignedPlans");
	j_array(o, "provisionedPlans");
	x = cJSON_CreateObject();
	j_str(x, "capabilities", "Email, OfficeCommunicationsOnline");
	j_bool(x, "isDefault", true);
	j_bool(x, "isInitial", true);
	j_str(x, "name", t->domain);
	j_str(x, "type", "Managed");
	cJSON *list = j_array(o, "verifiedDomains");
	const cJSON *name;
	cJSON_AddItemToArray(list, x);
	cJSON_ArrayForEach(name, json_array(t->settings, "domains"))
	{
		if (!cJSON_IsString(name))
			continue;
		x = cJSON_CreateObject();
		j_str(x, "capabilities", "Email");
		j_bool(x, "isDefault", false);
		j_bool(x, "isInitial", false);
		j_str(x, "name", name->valuestring);
		j_str(x, "type", "Managed");
		cJSON_AddItemToArray(list, x);
	}
	return o;
}

static void organization_list(struct ms_ctx *c)
{
	void *v[] = {c->t};
	struct ms_source src = {
		.v = v, .n = 1, .make = organization_json, .context = "organization", .top = 100, .max_top = 999};

	ms_list(c, &src);
}

static void organization_get(struct ms_ctx *c)
{
	if (strcasecmp(c->arg[0], c->t->directory))
		ms_error(c, 404, "Request_ResourceNotFound", "Resource '%s' does not exist.", c->arg[0]);
	else
		ms_one(c, 200, c->t, organization_json, "organization", false);
}

#define USERS "User.Read.All User.ReadBasic.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
#define USERS_DELTA "User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
#define MEMBERS                                                                                                        \
	"GroupMember.ReadBasic.All GroupMember.Read.All GroupMember.ReadWrite.All Group.ReadBasic.All Group.Read.All "     \
	"Group.ReadWrite.All Directory.Read.All"
#define ORGANIZATION                                                                                                   \
	"Organization.Read.All Organization.ReadWrite.All Directory.Read.All Directory.ReadWrite.All User.Read.All"
#define DOMAINS "Domain.Read.All Domain.ReadWrite.All Directory.Read.All"

const struct ms_route ms_directory_routes[] = {
	{"GET", "users", user_list, MS_DIRECTORY, USERS, 0},
	{"GET", "users/delta", user_delta, MS_DIRECTORY, USERS_DELTA, 0},
	{"GET", "users/$count", user_count, MS_DIRECTORY, USERS, 0},
	{"GET", "users/{}", user_get, MS_DIRECTORY, USERS, 0},
	{"GET", "users/{}/memberOf", user_member_of, MS_DIRECTORY,
		"Directory.Read.All Directory.ReadWrite.All Group.ReadBasic.All GroupMember.ReadBasic.All", 0},
	{"POST", "users/{}/revokeSignInSessions", user_revoke, MS_DIRECTORY,
		"User.RevokeSessions.All Directory.ReadWrite.All User.ReadWrite.All", 0},
	{"GET", "groups", group_list, MS_DIRECTORY, GROUPS, 0},
	{"GET", "groups/delta", group_delta, MS_DIRECTORY, GROUPS, 0},
	{"GET", "groups/{}", group_get, MS_DIRECTORY, GROUPS, 0},
	{"GET", "groups/{}/members", group_members, MS_DIRECTORY, MEMBERS, 0},
	{"GET", "organization", organization_list, MS_DIRECTORY, ORGANIZATION, 0},
	{"GET", "organization/{}", organization_get, MS_DIRECTORY, ORGANIZATION, 0},
	{"GET", "domains", domain_list, MS_DIRECTORY, DOMAINS, 0},
	{"GET", "domains/{}", domain_get, MS_DIRECTORY, DOMAINS, 0},
	{0},
};
