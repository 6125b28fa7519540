/* Query parameters: the names that the discovery documents have for a method, and values that they limit:
 * truth values, numbers with a range, words of a list. Called by route.c before a call is handled, on the
 * server's threads. Gmail and the Admin SDK refuse names that they do not know; Drive lets them by. */
#include "fakecloud/google/google.h"

#include "base/units.h"

#include <string.h>
#include <strings.h>

static int refuse(struct gg_call *c, const char *name, const char *value)
{
	return gg_error_at(c, 400, "invalidParameter", "parameter", name, "Invalid value '%s'.", value);
}

static int flags_check(struct gg_call *c)
{
	static const char *const flags[] = {"acknowledgeAbuse", "deleted", "enforceSingleParent",
		"ignoreDefaultVisibility", "includeCorpusRemovals", "includeDeleted",
		"includeDerivedMembership", "includeIndirectRoleAssignments", "includeItemsFromAllDrives",
		"includeRemoved", "includeSensitiveData", "includeSpamTrash", "includeTeamDriveItems",
		"keepRevisionForever", "moveToNewOwnersRoot", "neverMarkSpam", "prettyPrint",
		"processForCalendar", "removeExpiration", "restrictToMyDrive", "sendNotificationEmail",
		"supportsAllDrives", "supportsTeamDrives", "transferOwnership", "useContentAsIndexableText",
		"useDomainAdminAccess"};
	static const char *const words[] = {"", "true", "false", "1", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *value = gg_query(c, flags[i]);
		bool known = !value;
		for (size_t w = 0; w < ARRAY_SIZE(words) && !known; w++)
			known = !strcasecmp(value, words[w]);
		if (!known)
			return refuse(c, flags[i], value);
	}
	return 0;
}

/* Where a document has no maximum, more is taken as the most that there is. */
static int64_t top_of(const struct gg_call *c, const char *name)
{
	static const struct {
		const char *path, *name;
		int top;
	} tops[] = {{"drive/v3/files", "pageSize", 1000}, {"drive/v3/changes", "pageSize", 1000},
		{"drive/v3/drives", "pageSize", 100}, {"drive/v3/files/{}/permissions", "pageSize", 100},
		{"drive/v3/files/{}/revisions", "pageSize", 1000},
		{"drive/v3/files/{}/comments", "pageSize", 100},
		{"drive/v3/files/{}/listLabels", "maxResults", 100},
		{"drive/v3/files/generateIds", "count", 1000},
		{"admin/directory/v1/users", "maxResults", 500},
		{"admin/directory/v1/customer/{}/roles", "maxResults", 100},
		{"admin/directory/v1/customer/{}/roleassignments", "maxResults", 200},
		{"admin/reports/v1/activity/users/{}/applications/{}", "maxResults", 1000}};

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		if (!strcmp(tops[i].path, c->route->path) && !strcmp(tops[i].name, name))
			return tops[i].top;
	}
	return INT32_MAX;
}

static int numbers_check(struct gg_call *c)
{
	static const char *const numbers[] = {"pageSize", "maxResults", "count"};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const char *value = gg_query(c, numbers[i]);
		int64_t least = c->route->api == GG_GMAIL ? 0 : 1, top = top_of(c, numbers[i]), n;
		if (!value || !*value)
			continue;
		if (units_int(value, INT32_MIN, INT32_MAX, &n) < 0)
			return refuse(c, numbers[i], value);
		if (n < least || n > top)
			return gg_error_at(c, 400, "invalidParameter", "parameter", numbers[i],
				"Invalid value '%s'. Values must be within the range: [%lld, %lld]", value,
				(long long)least, (long long)top);
	}
	return 0;
}

static int words_check(struct gg_call *c)
{
	static const struct {
		const char *path, *name, *words; /* path NULL: of all calls; words between spaces */
	} lists[] = {{NULL, "corpus", " user domain "},

		{NULL, "sortOrder", " ASCENDING DESCENDING "}, {NULL, "projection", " basic custom full "},
		{NULL, "viewType", " admin_view domain_public "},
		{NULL, "event", " add delete makeAdmin undelete update "},
		{"admin/directory/v1/users", "orderBy", " email familyName givenName "},
		{"admin/directory/v1/groups", "orderBy", " email "},
		{"admin/directory/v1/customer/{}/orgunits", "type", " all children allIncludingParent "},
		{NULL, "internalDateSource", " receivedTime dateHeader "}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *value = gg_query(c, lists[i].name);
		if (!value || !*value || (lists[i].path && strcmp(lists[i].path, c->route->path) != 0))
			continue;
		const char *word = arena_printf(c->req->arena, " %s ", value);
		if (strchr(value, ' ') || !strcasestr(lists[i].words, word))
			return refuse(c, lists[i].name, value);
	}
	return 0;
}

/* Names of the methods that have any, beside those that every method takes. */
static const char *names_of(const struct gg_route *route)
{
#define LIST " includeSpamTrash labelIds maxResults pageToken q "
#define USERS                                                                                                \
	" customFieldMask customer domain event maxResults orderBy pageToken projection query showDeleted "  \
	"sortOrder viewType "
#define AUDIT                                                                                                \
	" actorIpAddress customerId endTime eventName filters groupIdFilter maxResults orgUnitID pageToken " \
	"startTime "
#define G "gmail/v1/users/{}/"
#define D "admin/directory/v1/"
#define R "admin/reports/v1/activity/users/{}/applications/{}"
	static const struct {
		const char *method, *path, *names;
	} known[] = {{"GET", G "history", " historyTypes labelId maxResults pageToken startHistoryId "},
		{"GET", G "messages", LIST}, {"GET", G "threads", LIST},
		{"GET", G "messages/{}", " format metadataHeaders "},
		{"GET", G "threads/{}", " format metadataHeaders "},
		{"POST", G "messages", " deleted internalDateSource "},
		{"POST", G "messages/import",
			" deleted internalDateSource neverMarkSpam processForCalendar "},
		{"GET", D "users", USERS}, {"POST", D "users/watch", USERS},
		{"GET", D "users/{}", " customFieldMask projection viewType "},
		{"GET", D "users/{}/aliases", " event "}, {"POST", D "users/{}/aliases/watch", " event "},
		{"GET", D "groups", " customer domain maxResults orderBy pageToken query sortOrder userKey "},
		{"GET", D "groups/{}/members", " includeDerivedMembership maxResults pageToken roles "},
		{"GET", D "customer/{}/orgunits", " orgUnitPath type "},
		{"GET", D "customer/{}/domainaliases", " parentDomainName "},
		{"GET", D "customer/{}/roles", " maxResults pageToken "},
		{"GET", D "customer/{}/roleassignments",
			" includeIndirectRoleAssignments maxResults pageToken roleId userKey "},
		{"GET", R,
			AUDIT "applicationInfoFilter includeSensitiveData networkInfoFilter "
			      "resourceDetailsFilter statusFilter "},
		{"POST", R "/watch", AUDIT}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].path, route->path) && !strcmp(known[i].method, route->method))
			return known[i].names;
	}
	return "";
}

static int names_check(struct gg_call *c)
{
	static const char all[] =
		" access_token alt callback fields key oauth_token prettyPrint quotaUser uploadType "
		"upload_id upload_protocol ";
	const char *names = names_of(c->route);

	for (const char *p = c->route->api == GG_DRIVE ? "" : c->req->query; *p; p += strcspn(p, "&")) {
		p += *p == '&';
		const char *name = arena_dupn(c->req->arena, p, strcspn(p, "=&"));
		const char *word = arena_printf(c->req->arena, " %s ", name);
		if (!*name || *name == '$' || gg_has_prefix(name, "%24") || strstr(all, word) ||
			strstr(names, word))
			continue;
		return gg_error(c, 400, "badRequest",
			"Invalid JSON payload received. Unknown name \"%s\": Cannot bind query parameter. "
			"Field '%s' could not be found in request message.",
			name, name);
	}
	return 0;
}

int gg_params_check(struct gg_call *c)
{
	if (names_check(c) < 0)
		return -1;
	return flags_check(c) < 0 || numbers_check(c) < 0 || words_check(c) < 0 ? -1 : 0;
}
