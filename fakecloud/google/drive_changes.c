/* changes.*: the log as one user or one shared drive sees it. Tokens are event numbers of the tenant's log.
 * Each file stands once in what is still to come, at its latest event. */
#include "fakecloud/google/drive.h"

#include "base/units.h"

#include <inttypes.h>
#include <string.h>

struct view {
	struct gg_call *c;
	struct gd_drive *drive; /* a shared drive's own log; NULL: the user's */
	bool all_drives, removed, my_drive, corpus_removals;
};

enum seen { SEEN_NOT, SEEN_FILE, SEEN_REMOVED, SEEN_DRIVE, SEEN_DRIVE_GONE };

static bool listed(const int *users, int index)
{
	for (; users && *users >= 0; users++) {
		if (*users == index)
			return true;
	}
	return false;
}

static bool in_my_drive(const struct gd_file *f, const struct gg_user *u)
{
	while (f->parent)
		f = f->parent;
	return f == u->root;
}

static enum seen look(const struct view *v, const struct gd_event *e)
{
	const struct gd_file *f = e->file;
	struct gg_user *me = v->c->user;

	if (!f) { /* about a drive itself */
		bool member = !e->drive->gone && gd_role_of(e->drive->root, me) != GD_NONE;
		if (v->drive ? v->drive != e->drive : !v->all_drives)
			return SEEN_NOT;
		if (member)
			return SEEN_DRIVE;
		return listed(e->lost, me->index) || (e->drive->gone && e->lost == NULL) ? SEEN_DRIVE_GONE
											 : SEEN_NOT;
	}
	if (!f->parent && !f->gone)
		return SEEN_NOT;
	if (v->drive) {
		if (f->gone)
			return e->from_drive == v->drive ? SEEN_REMOVED : SEEN_NOT;
		if (f->drive == v->drive)
			return gd_readable(v->c, f) ? SEEN_FILE : SEEN_NOT;
		return e->from_drive == v->drive ? SEEN_REMOVED : SEEN_NOT;
	}
	if (!f->gone &&
		f->drive) { /* in the user's own log only what he did there, or what is shared with him */
		bool mine = gd_in_corpus(f, me) || e->actor == me;
		if (v->all_drives && mine && gd_readable(v->c, f))
			return v->my_drive ? SEEN_NOT : SEEN_FILE;
		return listed(e->lost, me->index) ? SEEN_REMOVED : SEEN_NOT;
	}
	if (gd_in_corpus(f, me) && gd_readable(v->c, f))
		return v->my_drive && !in_my_drive(f, me) ? SEEN_NOT : SEEN_FILE;
	return listed(e->lost, me->index) || (f->gone && e->from_drive && v->all_drives && e->actor == me)
		       ? SEEN_REMOVED
		       : SEEN_NOT;
}

static cJSON *change_json(const struct view *v, const struct gd_event *e, enum seen how)
{
	struct gg_call *c = v->c;
	const struct mask *m = mask_sub(c->mask, "changes");
	cJSON *o = cJSON_CreateObject();
	bool drive = how == SEEN_DRIVE || how == SEEN_DRIVE_GONE;
	bool still = how == SEEN_REMOVED && v->corpus_removals && !e->file->gone && gd_readable(c, e->file);

	cJSON_AddStringToObject(o, "kind", "drive#change");
	cJSON_AddStringToObject(o, "type", drive ? "drive" : "file");
	cJSON_AddStringToObject(o, "changeType", drive ? "drive" : "file");
	gg_add_time(o, "time", e->time);
	cJSON_AddBoolToObject(o, "removed", how == SEEN_REMOVED || how == SEEN_DRIVE_GONE);
	if (drive) {
		cJSON_AddStringToObject(o, "driveId", e->drive->root->id);
		cJSON_AddStringToObject(o, "teamDriveId", e->drive->root->id);
		if (how == SEEN_DRIVE)
			cJSON_AddItemToObject(o, "drive", gd_drive_json(c, e->drive));
		return o;
	}
	cJSON_AddStringToObject(o, "fileId", e->file->id);
	if ((how == SEEN_FILE || still) && mask_wants(m, "file"))
		cJSON_AddItemToObject(o, "file", gd_file_json(c, e->file, mask_sub(m, "file")));
	return o;
}

static int view_read(struct gg_call *c, struct view *ret)
{
	const char *drive = gg_query(c, "driveId");
	struct view v = {.c = c,
		.removed = gg_flag(c, "includeRemoved", true),
		.my_drive = gg_flag(c, "restrictToMyDrive", false),
		.corpus_removals = gg_flag(c, "includeCorpusRemovals", false)};
	bool include =
		gg_flag(c, "includeItemsFromAllDrives", false) || gg_flag(c, "includeTeamDriveItems", false);

	if (!drive)
		drive = gg_query(c, "teamDriveId");
	if (gd_check_service(c) < 0)
		return -1;
	if (include && !gd_all_drives(c))
		return gg_error(c, 400, "badRequest",
			"The supportsAllDrives parameter must be set to true when includeItemsFromAllDrives "
			"is set to true.");
	if (drive && *drive) {
		if (!gd_all_drives(c))
			return gg_error(c, 400, "badRequest",
				"The supportsAllDrives parameter must be set to true when driveId is "
				"specified.");
		v.drive = gd_drive_find(c->tenant, drive);
		if (!v.drive || gd_role_of(v.drive->root, c->user) == GD_NONE)
			return gg_error_at(c, 404, "notFound", "parameter", "driveId",
				"Shared drive not found: %s", drive);
	}
	v.all_drives = include;
	*ret = v;
	return 0;
}

int gd_changes_start(struct gg_call *c)
{
	struct view v;
	cJSON *doc;

	if (view_read(c, &v) < 0)
		return -1;
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#startPageToken");
	gg_add_i64(doc, "startPageToken", c->tenant->event_base + (int64_t)c->tenant->nevents);
	return gg_reply(c, doc);
}

static int token_read(struct gg_call *c, int64_t *ret)
{
	const char *token = gg_query(c, "pageToken");
	int64_t n, end = c->tenant->event_base + (int64_t)c->tenant->nevents;

	if (!token || !*token)
		return gg_error_at(
			c, 400, "required", "parameter", "pageToken", "Required parameter: pageToken");
	if (units_int(token, 0, INT64_MAX, &n) < 0 || n < c->tenant->event_floor || n > end)
		return gg_error_at(c, 400, "invalid", "parameter", "pageToken", "Invalid Value");
	*ret = n < c->tenant->event_base ? c->tenant->event_base : n;
	return 0;
}

int gd_changes_list(struct gg_call *c)
{
	static unsigned run;
	struct gg_tenant *t = c->tenant;
	struct view v;
	int max = gg_page_size(c, "pageSize", 100, 1000), n = 0;
	int64_t from, at, end = t->event_base + (int64_t)t->nevents;
	cJSON *doc, *list;

	if (view_read(c, &v) < 0 || token_read(c, &from) < 0)
		return -1;
	if (max < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "pageSize",
			"Invalid value '%s'. Values must be within the range: [1, 1000]",
			gg_query(c, "pageSize"));
	if (v.drive && !v.all_drives)
		return gg_error(c, 400, "badRequest",
			"The includeItemsFromAllDrives parameter must be set to true when driveId is "
			"specified.");
	run++;
	for (at = from; at < end; at++) { /* the latest one that this view shows, for each file */
		const struct gd_event *e = &t->events[at - t->event_base];
		if (e->file && look(&v, e) != SEEN_NOT) {
			e->file->mark_run = run;
			e->file->mark = at;
		}
	}
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#changeList");
	list = cJSON_CreateArray();
	for (at = from; at < end; at++) {
		const struct gd_event *e = &t->events[at - t->event_base];
		enum seen how;
		if (e->file && (e->file->mark_run != run || e->file->mark != at))
			continue;
		how = look(&v, e);
		if (how == SEEN_NOT || (!v.removed && (how == SEEN_REMOVED || how == SEEN_DRIVE_GONE)))
			continue;
		if (n == max)
			break;
		cJSON_AddItemToArray(list, change_json(&v, e, how));
		n++;
	}
	gg_add_i64(doc, at < end ? "nextPageToken" : "newStartPageToken", at);
	cJSON_AddItemToObject(doc, "changes", list);
	return gg_reply(c, doc);
}

int gd_changes_watch(struct gg_call *c)
{
	struct view v;
	int64_t from;

	if (view_read(c, &v) < 0 || token_read(c, &from) < 0)
		return -1;
	return gg_watch_reply(c,
		arena_printf(c->req->arena, "www.googleapis.com/drive/v3/changes?alt=json&pageToken=%" PRId64,
			from),
		3600000, 7 * 86400000LL);
}
