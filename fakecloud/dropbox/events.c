/* team_log/: the audit events of a team. Changes through the interface append them; the seed made none. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 200000

static const struct event_kind {
	const char *type, *category, *description;
} kinds[] = {
	{"file_add", "file_operations", "Added files and/or folders"},
	{"file_copy", "file_operations", "Copied files and/or folders"},
	{"file_delete", "file_operations", "Deleted files and/or folders"},
	{"file_edit", "file_operations", "Edited files"},
	{"file_locking_lock_status_changed", "file_operations", "Locked/unlocked editing for a file"},
	{"file_move", "file_operations", "Moved files and/or folders"},
	{"file_permanently_delete", "file_operations", "Permanently deleted files and/or folders"},
	{"file_rename", "file_operations", "Renamed files and/or folders"},
	{"file_restore", "file_operations", "Restored deleted files and/or folders"},
	{"shared_content_add_member", "sharing", "Added users and/or groups to shared file/folder"},
	{"shared_content_remove_member", "sharing", "Removed user/group from shared file/folder"},
	{"shared_link_create", "sharing", "Created shared link"},
	{"shared_link_disable", "sharing", "Removed shared link"},
	{"team_folder_change_status", "team_folders", "Changed archival status of team folder"},
	{"team_folder_create", "team_folders", "Created team folder in active status"},
	{"team_folder_permanently_delete", "team_folders", "Permanently deleted archived team folder"},
};

static cJSON *user_info(const struct dbx_member *m)
{
	cJSON *doc = dbx_tag("team_member");

	cJSON_AddStringToObject(doc, "account_id", m->account_id);
	cJSON_AddStringToObject(doc, "display_name", m->display);
	cJSON_AddStringToObject(doc, "email", m->email);
	cJSON_AddStringToObject(doc, "team_member_id", m->team_member_id);
	return doc;
}

static cJSON *asset(const struct dbx_node *node, const struct dbx_slot *slot)
{
	cJSON *doc = dbx_tag(node->folder ? "folder" : "file"), *path = cJSON_AddObjectToObject(doc, "path");
	const char *full = *slot->display ? slot->display : "/", *name = strrchr(full, '/');

	cJSON_AddStringToObject(path, "contextual", full);
	cJSON *relative = cJSON_AddObjectToObject(path, "namespace_relative");
	cJSON_AddStringToObject(relative, "ns_id", slot->ns->id);
	cJSON_AddStringToObject(relative, "relative_path", full);
	cJSON_AddBoolToObject(relative, "is_shared_namespace", slot->ns->kind == DBX_TEAM_FOLDER);
	cJSON_AddStringToObject(doc, "display_name", *slot->display ? name + 1 : node->name);
	cJSON_AddStringToObject(doc, "file_id", node->id);
	if (!node->folder && node->version)
		cJSON_AddNumberToObject(doc, "file_size", (double)fc_blob_size(node->version->blob));
	return doc;
}

static struct dbx_event *event_new(struct dbx_team *team)
{
	if (team->event_count == team->event_cap) {
		team->event_cap = team->event_cap ? team->event_cap * 2 : 256;
		team->events = reallocarray(team->events, team->event_cap, sizeof(*team->events));
		if (!team->events)
			abort();
	}
	struct dbx_event *e = &team->events[team->event_count++];
	*e = (struct dbx_event){.at = dbx_seconds(fc_now())};
	return e;
}

void dbx_event(struct dbx_call *c, const char *type, const struct dbx_node *node, const struct dbx_slot *from,
	struct dbx_member *participant, cJSON *details)
{
	const struct event_kind *kind = NULL;
	struct dbx_member *actor = c->member ? c->member : dbx_admin(c->team);
	char request[33], tag[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i].type, type))
			kind = &kinds[i];
	}
	if (!kind || c->team->event_count >= EVENTS_MAX) {
		json_free(details);
		return;
	}
	struct dbx_event *e = event_new(c->team);
	e->type = kind->type;
	e->category = kind->category;
	e->who[0] = e->who[1] = actor;
	e->who[2] = participant;
	cJSON *doc = e->doc = cJSON_CreateObject();
	dbx_add_time(doc, "timestamp", e->at);
	dbx_add_tag(doc, "event_category", kind->category);
	bool admin = c->as_admin || !c->member;
	if (actor) {
		cJSON *who = dbx_add_tag(doc, "actor", admin ? "admin" : "user");
		cJSON_AddItemToObject(who, admin ? "admin" : "user", user_info(actor));
	}
	random_hex(request, 16);
	cJSON *method = dbx_add_tag(cJSON_AddObjectToObject(doc, "origin"), "access_method", "api");
	cJSON_AddStringToObject(method, "request_id", request);
	cJSON_AddBoolToObject(doc, "involve_non_team_member", false);
	if (c->member) {
		cJSON *context = user_info(c->member);
		cJSON_AddItemToObject(doc, "context", context);
	} else {
		dbx_add_tag(doc, "context", "team");
	}
	if (participant) {
		cJSON *one = dbx_tag("user");
		cJSON_AddItemToObject(one, "user", user_info(participant));
		cJSON_AddItemToArray(cJSON_AddArrayToObject(doc, "participants"), one);
	}
	cJSON *assets = cJSON_AddArrayToObject(doc, "assets");
	if (from)
		cJSON_AddItemToArray(assets, asset(node, from));
	cJSON_AddItemToArray(assets, asset(node, node->slot));
	cJSON *what = dbx_add_tag(doc, "event_type", type);
	cJSON_AddStringToObject(
		what, "description", arena_printf(c->arena, "(%s) %s", kind->category, kind->description));
	if (!details)
		details = cJSON_CreateObject();
	snprintf(tag, sizeof(tag), "%s_details", type);
	cJSON_AddStringToObject(details, ".tag", tag);
	if (from) {
		cJSON *pair = cJSON_CreateObject();
		cJSON_AddNumberToObject(pair, "src_asset_index", 0);
		cJSON_AddNumberToObject(pair, "dest_asset_index", 1);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(details, "relocate_action_details"), pair);
	}
	cJSON_AddItemToObject(doc, "details", details);
}

struct filter {
	size_t at, limit;
	int64_t start, end; /* 0: open */
	const char *category, *type, *account;
};

static bool fits(const struct dbx_event *e, const struct filter *f)
{
	if ((f->start && e->at < f->start) || (f->end && e->at >= f->end))
		return false;
	if ((*f->category && strcmp(f->category, e->category) != 0) ||
		(*f->type && strcmp(f->type, e->type) != 0))
		return false;
	if (!*f->account)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(e->who); i++) {
		if (e->who[i] && !strcmp(e->who[i]->account_id, f->account))
			return true;
	}
	return false;
}

static void answer(struct dbx_call *c, struct filter *f)
{
	cJSON *doc = cJSON_CreateObject(), *events = cJSON_AddArrayToObject(doc, "events"),
	      *place = cJSON_CreateArray();

	for (size_t left = f->limit; f->at < c->team->event_count && left; f->at++) {
		if (!fits(&c->team->events[f->at], f))
			continue;
		cJSON_AddItemToArray(events, cJSON_Duplicate(c->team->events[f->at].doc, true));
		left--;
	}
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)f->at));
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)f->limit));
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)f->start));
	cJSON_AddItemToArray(place, cJSON_CreateNumber((double)f->end));
	cJSON_AddItemToArray(place, cJSON_CreateString(f->category));
	cJSON_AddItemToArray(place, cJSON_CreateString(f->type));
	cJSON_AddItemToArray(place, cJSON_CreateString(f->account));
	cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, "events", place));
	cJSON_AddBoolToObject(doc, "has_more", f->at < c->team->event_count);
	dbx_ok(c, doc);
}

void dbx_get_events(struct dbx_call *c)
{
	const cJSON *time = json_object(c->arg, "time");
	const char *start = json_str(time, "start_time"), *end = json_str(time, "end_time");
	const char *category = dbx_tag_of(json_get(c->arg, "category"));
	const char *type = dbx_tag_of(json_get(c->arg, "event_type"));
	struct filter f = {.limit = (size_t)dbx_arg_int(c, "limit", 1000),
		.category = category ? category : "",
		.type = type ? type : "",
		.account = json_str_or(c->arg, "account_id", "")};

	if ((start && time_parse(start, &f.start) < 0) || (end && time_parse(end, &f.end) < 0) ||
		(start && end && f.end < f.start)) {
		dbx_error(c, "invalid_time_range");
		return;
	}
	if (category && type) {
		dbx_error(c, "invalid_filters");
		return;
	}
	if (*f.account && !map_get(&c->team->by_account, f.account)) {
		dbx_error(c, "account_id_not_found");
		return;
	}
	if (c->team->page_size && f.limit > (size_t)c->team->page_size)
		f.limit = (size_t)c->team->page_size;
	answer(c, &f);
}

void dbx_events_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *place = NULL;
	cJSON *error;
	char when[TIME_RFC3339_LEN];

	switch (dbx_cursor_open(c->team, "events", json_str(c->arg, "cursor"), &place, NULL)) {
	case DBX_CURSOR_LOST:
		/* The value is the time to resume at. */
		error = dbx_tag("reset");
		cJSON_AddStringToObject(error, "reset", time_format_s(c->team->lost_at, when));
		dbx_error_doc(c, 409, "reset", error);
		return;
	case DBX_CURSOR_BAD:
		dbx_error(c, "bad_cursor");
		return;
	default:
		break;
	}
	struct filter f = {
		.at = (size_t)cJSON_GetArrayItem(place, 0)->valuedouble,
		.limit = (size_t)cJSON_GetArrayItem(place, 1)->valuedouble,
		.start = (int64_t)cJSON_GetArrayItem(place, 2)->valuedouble,
		.end = (int64_t)cJSON_GetArrayItem(place, 3)->valuedouble,
		.category = cJSON_GetArrayItem(place, 4)->valuestring,
		.type = cJSON_GetArrayItem(place, 5)->valuestring,
		.account = cJSON_GetArrayItem(place, 6)->valuestring,
	};
	answer(c, &f);
}
