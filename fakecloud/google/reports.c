/* Admin SDK, Reports: the audit feed of Drive, made from the same log as changes.list; other applications are
 * empty. */
#include "fakecloud/google/admin.h"
#include "fakecloud/google/drive.h"

#include "base/timeutil.h"
#include "base/units.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *const applications[] = {"access_transparency", "admin", "calendar", "chat", "drive", "gcp",
	"gmail", "gplus", "groups", "groups_enterprise", "jamboard", "login", "meet", "mobile", "rules",
	"saml", "token", "user_accounts", "context_aware_access", "chrome", "data_studio", "keep", "vault",
	"gemini_in_workspace_apps", "classroom", "assignments", "cloud_search", "tasks", "data_migration",
	"meet_hardware", "directory_sync", "ldap", "profile", "access_evaluation", "admin_data_action",
	"contacts", "takeout", "graduation", NULL};

static int check(struct gg_call *c, struct gg_user **ret_user)
{
	bool known = false;

	for (const char *const *a = applications; *a; a++)
		known |= !strcmp(*a, c->var[1]);
	if (ga_admin_check(c) < 0)
		return -1;
	if (!known)
		return gg_error(c, 400, "invalid", "Invalid value '%s' for applicationName.", c->var[1]);
	*ret_user = NULL;
	if (strcmp(c->var[0], "all") != 0 && !(*ret_user = gg_user_find(c->tenant, c->var[0])))
		return gg_error(c, 404, "notFound", "Resource Not Found: userKey");
	return 0;
}

static void parameter(cJSON *list, const char *name, const char *value)
{
	cJSON *p = cJSON_CreateObject();

	cJSON_AddStringToObject(p, "name", name);
	cJSON_AddStringToObject(p, "value", value);
	cJSON_AddItemToArray(list, p);
}

static cJSON *activity(struct gg_call *c, const struct gd_event *e, int64_t number)
{
	cJSON *o = ga_object("admin#reports#activity", c, arena_printf(c->req->arena, "%" PRId64, number));
	cJSON *id = cJSON_AddObjectToObject(o, "id"), *actor = cJSON_AddObjectToObject(o, "actor");
	cJSON *event = cJSON_CreateObject(), *list;

	gg_add_time(id, "time", e->time);
	gg_add_i64(id, "uniqueQualifier", number);
	cJSON_AddStringToObject(id, "applicationName", "drive");
	cJSON_AddStringToObject(id, "customerId", c->tenant->customer_id);
	cJSON_AddStringToObject(actor, "callerType", "USER");
	cJSON_AddStringToObject(actor, "email", e->actor->email);
	cJSON_AddStringToObject(actor, "profileId", e->actor->id);
	cJSON_AddStringToObject(o, "ipAddress", "127.0.0.1");
	cJSON_AddStringToObject(event, "type", strstr(e->what, "access") ? "acl_change" : "access");
	cJSON_AddStringToObject(event, "name", e->what);
	list = cJSON_AddArrayToObject(event, "parameters");
	if (e->file) {
		parameter(list, "doc_id", e->file->id);
		parameter(list, "doc_title", e->file->name);
		parameter(list, "doc_type",
			gd_is_folder(e->file)	? "folder"
			: gd_is_native(e->file) ? "document"
						: "unknown");
		if (e->file->owner)
			parameter(list, "owner", e->file->owner->email);
	}
	if (e->drive)
		parameter(list, "shared_drive_id", e->drive->root->id);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "events"), event);
	return o;
}

int gr_activities_list(struct gg_call *c)
{
	const char *start = gg_query(c, "startTime"), *end = gg_query(c, "endTime"),
		   *name = gg_query(c, "eventName");
	const char *token = gg_query(c, "pageToken");
	int64_t from = INT64_MIN, to = INT64_MAX, at;
	int max = gg_page_size(c, "maxResults", 1000, 1000), n = 0;
	struct gg_tenant *t = c->tenant;
	struct gg_user *user;
	cJSON *doc, *items = NULL;

	if (check(c, &user) < 0)
		return -1;
	if ((start && time_parse(start, &from) < 0) || (end && time_parse(end, &to) < 0))
		return gg_error(c, 400, "invalid", "Invalid Input: time");
	if (max < 0)
		return gg_error(c, 400, "invalid", "Invalid Input: maxResults");
	at = (int64_t)t->nevents - 1;
	if (token && *token && (*token != 'A' || units_int(token + 1, 0, at + 1, &at) < 0))
		return gg_error(c, 400, "invalid", "Invalid Input: pageToken");
	doc = ga_object("admin#reports#activities", c, c->var[1]);
	for (; at >= 0 && !strcmp(c->var[1], "drive"); at--) { /* newest first */
		const struct gd_event *e = &t->events[at];
		if (!e->actor || e->time < from || e->time > to || (user && e->actor != user) ||
			(name && *name && strcmp(name, e->what) != 0))
			continue;
		if (n++ == max) {
			cJSON_AddStringToObject(
				doc, "nextPageToken", arena_printf(c->req->arena, "A%" PRId64, at));
			break;
		}
		if (!items)
			items = cJSON_AddArrayToObject(doc, "items");
		cJSON_AddItemToArray(items, activity(c, e, t->event_base + at));
	}
	return gg_reply(c, doc);
}

int gr_activities_watch(struct gg_call *c)
{
	struct gg_user *user;

	if (check(c, &user) < 0)
		return -1;
	return gg_watch_reply(c,
		arena_printf(c->req->arena,
			"admin.googleapis.com/admin/reports/v1/activity/users/%s/applications/%s", c->var[0],
			c->var[1]),
		6 * 3600000LL, 6 * 3600000LL);
}
