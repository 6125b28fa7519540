/* Containing a file: its sharing written down and removed, then moved into the quarantine shared drive; and back. Called by
 * google.c on core's job threads.
 *
 * The way there is file_transit.c's. While a file lies there it belongs to the drive; the move back into its owner's drive makes
 * it his again. Where the organisation has no shared drives, or Google refuses the move, file_lock.c stands in. Every step asks
 * first where the file is.
 *
 * Receipt: user (who acts: the owner, or an organizer of the shared drive), user_id, id, name, mime, size, sha256, drive (its
 * shared drive), parent {id, path}, permissions (direct ones, as many as fit; permissions_cut: how many more), trashed,
 * restrictions, copy_restricted, place {id}, how ("move", "lock", "trash"; "released" after one of the latter), kept_permissions;
 * after a restore restored_to when it came back elsewhere, not_restored.
 * Sources: Drive "Move files between folders", "Manage shared drives", files.delete. */
#include "connectors/google/files.h"

#include <string.h>

#define TRIES 3

static const char *place_id(const cJSON *receipt)
{
	return json_str_or(json_object(receipt, "place"), "id", "");
}

static bool in_place(const cJSON *receipt, const cJSON *file)
{
	const char *drive = json_str(file, "driveId");

	return drive && strcmp(drive, place_id(receipt)) == 0;
}

static bool in_folder(const cJSON *file, const char *folder)
{
	const char *parent = file_parent(file);

	return folder && parent && strcmp(parent, folder) == 0;
}

static bool is_home(const cJSON *receipt, const cJSON *file)
{
	return !in_place(receipt, file) && (in_folder(file, json_str(json_object(receipt, "parent"), "id")) ||
						   in_folder(file, json_str(receipt, "restored_to")));
}

/* The file as its own user sees it, else as the administrator does; the other way round when it should be in quarantine. Out
 * of quarantine its own user's view counts: others may see it without its folder. */
static int look(struct connection *c, const cJSON *receipt, bool held, cJSON **ret, struct err *err)
{
	const char *user = json_str(receipt, "user"), *id = json_str(receipt, "id");
	const char *const who[] = {held ? c->admin : user, held ? user : c->admin};
	_cleanup_json_ cJSON *admins = NULL;
	struct err first = {0}, second = {0};

	if (file_get(c, who[0], id, FILE_ACT_FIELDS, held ? &admins : ret, &first) == 0) {
		if (held && (in_place(receipt, admins) || same_address(user, c->admin)))
			*ret = TAKE_PTR(admins);
		if (!held || !admins)
			return 0;
	} else if (first.class != ERR_GONE || same_address(user, c->admin)) {
		return pass_on(err, &first);
	}
	if (file_get(c, who[1], id, FILE_ACT_FIELDS, ret, &second) == 0)
		return 0;
	if (admins && second.class == ERR_GONE) {
		*ret = TAKE_PTR(admins);
		return 0;
	}
	return pass_on(err, err_not_there(&second) && err_no_user(&first) ? &first : &second);
}

/* What an earlier try left in the transit drive is taken on to the quarantine before it is looked at again. */
static int look_settled(struct connection *c, const cJSON *receipt, bool held, bool again, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL;
	bool left = false;

	if (again && transit_settle(c, receipt, false, err) < 0)
		return -1;
	if (look(c, receipt, held, &file, err) < 0 || transit_has(c, file, &left, err) < 0)
		return -1;
	if (left) {
		json_free(TAKE_PTR(file));
		if (transit_settle(c, receipt, true, err) < 0 || look(c, receipt, true, &file, err) < 0)
			return -1;
	}
	*ret = TAKE_PTR(file);
	return 0;
}

/* What stands in for the move, by the receipt. */
static bool how_is(const cJSON *receipt, const char *how)
{
	return strcmp(json_str_or(receipt, "how", ""), how) == 0;
}

static bool stayed(const cJSON *receipt)
{
	return how_is(receipt, "lock") || how_is(receipt, "trash") || how_is(receipt, "released");
}

static bool is_held(const cJSON *receipt, const cJSON *file)
{
	return in_place(receipt, file) || (how_is(receipt, "lock") && file_locked(file)) ||
		(how_is(receipt, "trash") && json_bool(file, "trashed"));
}

/* ---- the plan ---- */

/* Where a file is goes into the receipt as the place to come back to. */
static int set_home(struct connection *c, cJSON *receipt, const cJSON *file, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	cJSON *parent = cJSON_CreateObject();

	if (!a || json_set(receipt, "parent", parent) < 0)
		return err_memory(err);
	const char *path = file_path(c, a, json_str(receipt, "user"), file, err);
	if (!path)
		return -1;
	if (json_set_str(parent, "id", file_parent(file)) < 0 || json_set_str(parent, "path", path) < 0 ||
		json_set_bool(receipt, "trashed", json_bool(file, "explicitlyTrashed")) < 0 ||
		json_set_bool(receipt, "in_trash", json_bool(file, "trashed")) < 0 ||
		json_set_str(receipt, "drive", json_str(file, "driveId")) < 0 ||
		json_set_str(receipt, "name", json_str(file, "name")) < 0)
		return err_memory(err);
	return 0;
}

static int note_file(cJSON *receipt, const cJSON *file, struct err *err)
{
	const cJSON *restrictions = json_array(file, "contentRestrictions");

	if (json_set_str(receipt, "mime", json_str(file, "mimeType")) < 0 ||
		json_set_str(receipt, "sha256", json_str(file, "sha256Checksum")) < 0 ||
		json_set_int(receipt, "size", json_size(file, "size")) < 0 ||
		json_set_bool(receipt, "copy_restricted", json_bool(file, "copyRequiresWriterPermission")) < 0 ||
		(restrictions && json_set(receipt, "restrictions", cJSON_Duplicate(restrictions, true)) < 0))
		return err_memory(err);
	return 0;
}

/* It lies there since an act whose receipt nobody has any more. */
static int already_there(cJSON *receipt, const cJSON *context, struct err *err)
{
	const char *drive = json_str(context, "drive");
	cJSON *parent = cJSON_CreateObject();

	if (json_set(receipt, "parent", parent) < 0 || json_set_str(parent, "id", drive) < 0 ||
		json_set_str(parent, "path", "/") < 0 || json_set_str(receipt, "drive", drive) < 0 ||
		json_set(receipt, "permissions", cJSON_CreateArray()) < 0 ||
		json_note(receipt, "not_restored", "the folder and the sharing that it had before are not known") < 0)
		return err_memory(err);
	return 0;
}

/* The organisation has no shared drives, or the administrator may not make one. */
static bool no_place_for(const struct err *err)
{
	return err_refused(err) || err_not_there(err);
}

int file_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL, *direct = NULL;
	_cleanup_buf_ struct buf id = BUF_INIT(4096);
	const char *user = file_actor(context);
	cJSON *place = cJSON_CreateObject();
	struct err why = {0};

	if (json_set(receipt, "place", place) < 0 || json_set_str(receipt, "user", user) < 0)
		return err_memory(err);
	if (look(c, receipt, false, &now, err) < 0)
		return -1;
	if (!file_version_is(now, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (note_file(receipt, now, err) < 0)
		return -1;
	/* Without a place for it the act locks it. */
	if (file_place(c, PLACE_QUARANTINE, false, &id, &why) < 0 && !no_place_for(&why))
		return pass_on(err, &why);
	if (json_set_str(place, "id", buf_str(&id)) < 0 || json_set_str(receipt, "name", json_str(now, "name")) < 0)
		return err_memory(err);
	if (in_place(receipt, now))
		return already_there(receipt, context, err);
	if (set_home(c, receipt, now, err) < 0)
		return -1;
	if (share_list(c, user, item->id, &direct, &why) < 0) {
		if (!err_refused(&why) && !err_not_there(&why))
			return pass_on(err, &why);
		direct = cJSON_CreateArray();
	}
	return share_note(receipt, direct, err);
}

/* ---- quarantine ---- */

/* Nobody judged what it is now. An earlier try may have come as far as to unshare it, and to lock or trash it. */
static int changed(struct connection *c, cJSON *receipt, const cJSON *now, bool again, struct err *err)
{
	const char *how = file_locked(now) ? "lock" : json_bool(now, "trashed") && !json_bool(receipt, "in_trash") ? "trash" : NULL;
	struct err why = {0};

	if (again && how && (json_set_str(receipt, "how", how) < 0 || file_release(c, receipt, now, &why) < 0) && err_passing(&why))
		return pass_on(err, &why);
	if (again && share_restore(c, json_str(receipt, "user"), json_str(receipt, "id"), receipt, &why) < 0 && err_passing(&why))
		return pass_on(err, &why);
	return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
}

/* After 404 to a move: the file is gone, the place is gone, or somebody else ended our membership. 0: try again. */
static int after_404(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL, *drive = NULL;
	_cleanup_buf_ struct buf id = BUF_INIT(4096);
	struct err why = {0};

	if (look(c, receipt, false, &file, err) < 0)
		return -1;
	if (*place_id(receipt) && file_get(c, c->admin, place_id(receipt), "id", &drive, &why) == 0)
		return 0;
	if (*place_id(receipt) && !err_not_there(&why))
		return pass_on(err, &why);
	if (file_place(c, PLACE_QUARANTINE, *place_id(receipt) != '\0', &id, err) < 0)
		return -1;
	return MEM_OK(json_set_str(json_object(receipt, "place"), "id", buf_str(&id)) == 0, err);
}

/* He was let in a moment ago, and Google does not know it everywhere yet. */
static bool too_early(const struct err *why)
{
	return strstr(why->message, "fileOwnerNotMemberOfTeamDrive") || strstr(why->message, "teamDriveMembershipRequired");
}

static int stay(struct connection *c, cJSON *receipt, const struct err *why, struct err *err)
{
	if (file_lock(c, receipt, why, err) < 0)
		return -1;
	/* It was taken out of the trash for the move. */
	return how_is(receipt, "lock") && json_bool(receipt, "trashed") ? file_set_trashed(c, receipt, true, NULL, err) : 0;
}

/* 0 with *ret the moved file, 1 when it is locked instead. */
static int move_away(struct connection *c, cJSON *receipt, const cJSON *file, bool again, cJSON **ret, struct err *err)
{
	struct err why = {0};

	for (int tries = 0; tries < TRIES; tries++) {
		int r = 0;
		if (!*place_id(receipt) && after_404(c, receipt, &why) < 0)
			r = -1;
		else if (json_bool(file, "trashed"))
			r = file_set_trashed(c, receipt, false, NULL, &why);
		if (r == 0)
			r = transit_take(c, receipt, file, ret, &why);
		if (r == 0)
			return 0;
		if (err_refused(&why) && too_early(&why) && !again)
			return err_set(err, ERR_RETRY, "not_ready", "its owner is not a member of the transit drive yet");
		if (err_refused(&why) || (!*place_id(receipt) && err_not_there(&why)))
			return stay(c, receipt, &why, err) < 0 ? -1 : 1;
		if (!err_not_there(&why))
			return pass_on(err, &why);
		if (after_404(c, receipt, err) < 0)
			return -1;
	}
	return err_set(err, ERR_RETRY, "conflict", "the file cannot be moved yet: %.200s", why.message);
}

/* 0: it is held; -1 with CHANGED: its owner wrote to it before that, so it was given back. */
static int confirm(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;
	struct err why = {0};
	bool written = false;

	if (look(c, receipt, !stayed(receipt), &now, err) < 0)
		return -1;
	const char *as = in_place(receipt, now) ? c->admin : json_str(receipt, "user");
	if (file_written(c, as, now, json_str_or(receipt, "version", ""), &written, err) < 0)
		return -1;
	if (!written)
		return 0;
	if (file_restore(c, receipt, false, &why) == 0)
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at: it was given back");
	if (err_passing(&why) || strcmp(why.code, "bad_answer") == 0)
		return pass_on(err, &why);
	/* What it was when it was judged is reason enough to hold it. */
	return MEM_OK(json_note(receipt, "notes", "it was changed after it was judged, and cannot be given back: %.200s",
		why.message) == 0, err);
}

int file_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *user = json_str(receipt, "user"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL, *moved = NULL;
	bool written = false;
	int r = 0;

	if (look_settled(c, receipt, again, again, &now, err) < 0)
		return -1;
	if (!in_place(receipt, now)) {
		if (file_written(c, user, now, json_str_or(receipt, "version", ""), &written, err) < 0)
			return -1;
		if (written)
			return changed(c, receipt, now, again, err);
		/* Its owner may have moved it in the meantime: there it shall come back to. */
		if (!is_home(receipt, now) && set_home(c, receipt, now, err) < 0)
			return -1;
		if (share_remove(c, user, id, receipt, err) < 0)
			return -1;
		r = move_away(c, receipt, now, again, &moved, err);
	}
	/* What went along: the former owner's own permission, above all. */
	if (r == 0 && (share_remove(c, c->admin, id, NULL, err) < 0 || MEM_OK(json_set_str(receipt, "how", "move") == 0, err) < 0))
		return -1;
	return r < 0 ? -1 : confirm(c, receipt, err);
}

/* ---- restore ---- */

/* Is the folder that it came from still there to come back to? */
static int home_stands(struct connection *c, const cJSON *receipt, bool *ret, struct err *err)
{
	const char *home = json_str(json_object(receipt, "parent"), "id");
	_cleanup_json_ cJSON *folder = NULL;
	struct err why = {0};

	if (!home) {
		*ret = false;
		return 0;
	}
	if (file_get(c, json_str(receipt, "user"), home, "id,trashed", &folder, &why) < 0 && !err_not_there(&why))
		return pass_on(err, &why);
	*ret = folder && (!json_bool(folder, "trashed") || json_bool(receipt, "in_trash"));
	return 0;
}

/* An address may be somebody else's by now: nobody gets a file that was another's. */
static int find_owner(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *holder = NULL, *owner = NULL;
	const char *id = json_str(receipt, "user_id");

	if (!id)
		return 0; /* of a shared drive */
	if (directory_user(c, json_str(receipt, "user"), "id,primaryEmail", &holder, err) < 0)
		return -1;
	if (!json_str(holder, "id") || strcmp(json_str(holder, "id"), id) == 0)
		return 0;
	int r = directory_user(c, id, "id,primaryEmail", &owner, err);
	if (r < 0)
		return -1;
	if (r > 0 || strcmp(json_str_or(owner, "id", ""), id) != 0)
		return err_set(err, ERR_REMOTE, "forbidden", "its owner is gone, and %.200s is somebody else now",
			json_str(receipt, "user"));
	return MEM_OK(json_set_str(receipt, "user", json_str(owner, "primaryEmail")) == 0, err);
}

static int move_home(struct connection *c, cJSON *receipt, const cJSON *file, struct err *err)
{
	const cJSON *parent = json_object(receipt, "parent");
	const char *drive = json_str(receipt, "drive"), *home = json_str(parent, "id"), *root = drive ? drive : "root";
	_cleanup_json_ cJSON *moved = NULL;
	struct err why = {0};
	bool stands = false;

	if (find_owner(c, receipt, err) < 0 || home_stands(c, receipt, &stands, err) < 0)
		return -1;
	if (stands) {
		if (transit_give(c, receipt, file, home, &moved, &why) == 0)
			return 0;
		if (!err_refused(&why))
			return pass_on(err, &why);
	}
	if (home && strcmp(home, root) != 0 &&
		json_note(receipt, "not_restored", "its folder %.300s is gone: it came back to the drive's root",
			json_str_or(parent, "path", "")) < 0)
		return err_memory(err);
	if (transit_give(c, receipt, file, root, &moved, err) < 0)
		return -1;
	return MEM_OK(json_set_str(receipt, "restored_to", file_parent(moved)) == 0, err);
}

int file_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	bool stays = stayed(receipt), ours = true;
	_cleanup_json_ cJSON *now = NULL;

	if (look_settled(c, receipt, !stays, again, &now, err) < 0)
		return -1;
	if (stays || file_locked(now)) {
		if (file_release(c, receipt, now, err) < 0)
			return -1;
		stays = true;
	} else if (in_place(receipt, now)) {
		if (move_home(c, receipt, now, err) < 0)
			return -1;
	} else {
		/* Somebody took it out by other means; where it is now is their choice, or an earlier try's. */
		ours = is_home(receipt, now);
		if (!ours && (json_set_str(receipt, "restored_to", file_parent(now)) < 0 ||
				     json_note(receipt, "not_restored", "it was not in quarantine any more and stays where it is") < 0))
			return err_memory(err);
	}
	if (share_restore(c, json_str(receipt, "user"), json_str(receipt, "id"), receipt, err) < 0)
		return -1;
	if (!stays && ours && json_bool(receipt, "trashed") && (in_place(receipt, now) || !json_bool(now, "explicitlyTrashed")))
		return file_set_trashed(c, receipt, true, NULL, err);
	return 0;
}

/* ---- looking, reading, deleting ---- */

int file_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	bool transit = false;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *now = NULL;
	const char *folder = "";
	struct err why = {0};

	if (!a)
		return err_memory(err);
	if (look(c, receipt, !stayed(receipt), &now, &why) < 0)
		return err_not_there(&why) ? 0 : pass_on(err, &why);
	if (transit_has(c, now, &transit, err) < 0)
		return -1;
	bool held = is_held(receipt, now);
	ret->exists = true;
	ret->quarantined = held;
	/* What stood in for a move left it where it was. */
	ret->restored = !held && (is_home(receipt, now) || how_is(receipt, "released"));
	if (in_place(receipt, now))
		folder = "/" GOOGLE_QUARANTINE;
	else if (transit)
		folder = "/" GOOGLE_TRANSIT;
	else if (in_folder(now, json_str(json_object(receipt, "parent"), "id")))
		folder = json_str_or(json_object(receipt, "parent"), "path", "");
	const char *version = file_version(a, now);
	snprintf(ret->place, sizeof(ret->place), "%.300s/%.200s", strcmp(folder, "/") == 0 ? "" : folder,
		json_str_or(now, "name", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

int file_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *now = NULL;

	if (!a)
		return err_memory(err);
	if (look_settled(c, receipt, !stayed(receipt), false, &now, err) < 0)
		return -1;
	const char *version = file_version(a, now);
	struct content_info info = {0};
	if (file_bytes(c, in_place(receipt, now) ? c->admin : json_str(receipt, "user"), json_str(receipt, "id"),
		    json_str_or(now, "mimeType", ""), version ? version : "", content, &info, err) < 0)
		return -1;
	snprintf(info.version, sizeof(info.version), "%s", version ? version : "");
	*ret = info;
	return 0;
}

int file_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err)
{
	const char *id = json_str(receipt, "id");
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *now = NULL;
	struct err why = {0};

	if (look_settled(c, receipt, !stayed(receipt), again, &now, &why) < 0)
		return err_not_there(&why) ? 0 : pass_on(err, &why);
	if (!is_held(receipt, now))
		return err_set(err, ERR_CHANGED, "not_quarantined", "the file is not in quarantine any more");
	if (drive_url(c, &url, err, "/files/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "DELETE", .url = buf_str(&url),
		.as = in_place(receipt, now) ? c->admin : json_str(receipt, "user")};
	if (google_json(c, &call, NULL, &why) == 0 || err_not_there(&why))
		return 0;
	return pass_on(err, &why);
}
