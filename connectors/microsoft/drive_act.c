/* Containing a file: its sharing written down and removed, then moved into the drive's quarantine folder; and back. Called
 * by microsoft.c on core's job threads.
 *
 * Every step asks first where the file is. Receipt: drive, id, name, size, ctag, etag, hashes, parent {id, path},
 * permissions (direct ones in full), versions, place {id, inheritance}, held_name when the move had to rename,
 * kept_permissions; after a restore restored_to when the old folder was gone, not_restored.
 * Sources: Graph "driveItem: move", "List permissions", "driveItem: permanentDelete", "itemRetentionLabel". */
#include "connectors/microsoft/acts.h"

#include <string.h>
#include <strings.h>

#define CONFLICT "@microsoft.graph.conflictBehavior"
#define BYPASS "Prefer: bypass-shared-lock"

int ms_drive_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (ms_drive_item_get(c, json_str(receipt, "drive"), json_str(receipt, "id"), &doc, err) < 0)
		return -1;
	if (!json_str(json_object(doc, "parentReference"), "id"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without a folder");
	*ret = TAKE_PTR(doc);
	return 0;
}

static bool in_folder(const cJSON *item, const char *folder)
{
	return folder && strcmp(json_str_or(json_object(item, "parentReference"), "id", ""), folder) == 0;
}

static const char *place_id(const cJSON *receipt)
{
	return json_str(json_object(receipt, "place"), "id");
}

static const char *home_id(const cJSON *receipt)
{
	return json_str(json_object(receipt, "parent"), "id");
}

/* Renames and moves in one call. name and if_match may be NULL. */
static int move(struct connection *c, const cJSON *receipt, const char *folder, const char *name, const char *if_match,
	cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *parent = cJSON_CreateObject();

	if (json_set(body, "parentReference", parent) < 0 || json_set_str(parent, "id", folder) < 0 ||
		json_set_str(body, "name", name) < 0 || json_set_str(body, CONFLICT, "rename") < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}", json_str(receipt, "drive"), json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, CONFLICT, "rename") < 0)
		return err_memory(err);
	const struct graph_call call = {.method = "PATCH", .url = buf_str(&url), .prefer = BYPASS, .if_match = if_match,
		.json = body};
	if (graph_json(c, &call, &doc, err) < 0)
		return -1;
	if (!json_str(json_object(doc, "parentReference"), "id")) {
		json_free(TAKE_PTR(doc));
		if (ms_drive_look(c, receipt, &doc, err) < 0)
			return -1;
	}
	if (!in_folder(doc, folder))
		return err_set(err, ERR_RETRY, "not_effective", "the file was moved, but not to where it should be");
	*ret = TAKE_PTR(doc);
	return 0;
}

/* Is it still the content that was planned for? The plan looked at the cTag, whatever the item's version was made of. */
bool ms_drive_same_content(const cJSON *receipt, const cJSON *item)
{
	const char *ctag = json_str(receipt, "ctag"), *now = json_str(item, "cTag");
	const cJSON *before = json_object(receipt, "hashes"), *hashes = json_object(json_object(item, "file"), "hashes");

	if (ctag && now)
		return strcmp(ctag, now) == 0;
	if (ms_drive_version_is(item, json_str_or(receipt, "version", "")))
		return true;
	/* An eTag alone changes with the sharing that we remove, too. */
	return before && before->child && cJSON_Compare(before, hashes, true) &&
		json_size(receipt, "size") == json_size(item, "size");
}

/* Where a file is goes into the receipt as the place to come back to. */
static int set_parent(cJSON *receipt, const cJSON *item, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	cJSON *parent = cJSON_CreateObject();

	if (!a || json_set(receipt, "parent", parent) < 0 ||
		json_set_str(parent, "id", json_str(json_object(item, "parentReference"), "id")) < 0 ||
		json_set_str(parent, "path", ms_drive_path(a, item)) < 0 ||
		json_set_str(receipt, "name", json_str(item, "name")) < 0)
		return err_memory(err);
	return 0;
}

/* ---- the plan ---- */

/* For people and for proof; a service that does not list them stops nothing. */
static int note_versions(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *list = cJSON_CreateArray();
	const cJSON *version;

	if (json_set(receipt, "versions", list) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/versions", json_str(receipt, "drive"), json_str(receipt, "id"),
		    NULL) < 0)
		return -1;
	if (url_query_int(&url, "$top", 20) < 0)
		return err_memory(err);
	graph_get(c, buf_str(&url), NULL, &doc, NULL);
	cJSON_ArrayForEach(version, json_array(doc, "value"))
	{
		cJSON *entry = cJSON_CreateObject();
		if (!entry || !cJSON_AddItemToArray(list, entry) || json_set_str(entry, "id", json_str(version, "id")) < 0 ||
			json_set_str(entry, "modified", json_str(version, "lastModifiedDateTime")) < 0 ||
			json_set_int(entry, "size", json_size(version, "size")) < 0)
			return err_memory(err);
		if (cJSON_GetArraySize(list) >= 20)
			break;
	}
	return 0;
}

int ms_drive_note(cJSON *receipt, const cJSON *item, struct err *err)
{
	const cJSON *hashes = json_object(json_object(item, "file"), "hashes");

	if (json_set_int(receipt, "size", json_size(item, "size")) < 0 ||
		json_set_str(receipt, "ctag", json_str(item, "cTag")) < 0 ||
		json_set_str(receipt, "etag", json_str(item, "eTag")) < 0 ||
		(hashes && json_set(receipt, "hashes", cJSON_Duplicate(hashes, true)) < 0))
		return err_memory(err);
	return set_parent(receipt, item, err);
}

int ms_drive_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	const char *drive = json_str(context, "drive");
	_cleanup_buf_ struct buf folder = BUF_INIT(4096), note = BUF_INIT(4096);
	_cleanup_json_ cJSON *now = NULL, *direct = NULL;
	cJSON *place = cJSON_CreateObject();
	struct err why;

	if (json_set(receipt, "place", place) < 0 || json_set_str(receipt, "drive", drive) < 0 ||
		json_set_str(receipt, "owner", stream->owner) < 0 || json_set_str(receipt, "id", item->id) < 0)
		return err_memory(err);
	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	if (!ms_drive_version_is(now, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (ms_share_list(c, drive, item->id, &direct, NULL, &why) < 0) {
		/* Sharing that nobody tells of is no reason to leave a threat where it is. */
		if (!graph_refused(&why))
			return pass_on(err, &why);
		if (!(direct = cJSON_CreateArray()) ||
			json_note(receipt, "kept_permissions", "they cannot be listed: %.200s", why.message) < 0)
			return err_memory(err);
	}
	if (ms_drive_note(receipt, now, err) < 0 ||
		note_versions(c, receipt, err) < 0 || ms_drive_place(c, drive, false, &folder, &note, err) < 0)
		return -1;
	if (json_set(receipt, "permissions", TAKE_PTR(direct)) < 0 || json_set_str(place, "id", buf_str(&folder)) < 0 ||
		json_set_str(place, "inheritance", buf_str(&note)) < 0)
		return err_memory(err);
	if (ms_share_fit(receipt, err) < 0)
		return -1;
	if (strcmp(buf_str(&note), "broken") != 0 &&
		json_note(place, "notes", "who may read the drive may also read the quarantine folder: set quarantine_owner") < 0)
		return err_memory(err);
	if (in_folder(now, buf_str(&folder))) {
		/* It lies there since an act whose receipt nobody has any more. */
		_cleanup_buf_ struct buf root = BUF_INIT(4096);
		cJSON *parent = json_object(receipt, "parent");
		if (ms_drive_root(c, drive, &root, err) < 0)
			return -1;
		if (json_set_str(parent, "id", buf_str(&root)) < 0 || json_set_str(parent, "path", "/") < 0 ||
			json_note(receipt, "not_restored", "the folder that it was in before is not known") < 0)
			return err_memory(err);
	}
	return 0;
}

/* ---- quarantine ---- */

/* A move that is refused for good: by a retention label or a hold, or by a missing permission? */
static int refused(struct connection *c, const cJSON *receipt, const struct err *why, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *label = NULL;
	bool held = strcasestr(why->message, "retention") || strcasestr(why->message, "hold ") ||
		strcasestr(why->message, "on hold");

	if (!held && graph_url(c, &url, err, "/drives/{}/items/{}/retentionLabel", json_str(receipt, "drive"),
			     json_str(receipt, "id"), NULL) == 0 &&
		graph_get(c, buf_str(&url), NULL, &label, NULL) == 0)
		held = *json_str_or(label, "name", "") != '\0';
	if (!held)
		return pass_on(err, why);
	int status = why->http_status;
	err_set(err, ERR_REMOTE, "held", "retention forbids moving the file; its sharing was removed (HTTP %d)", status);
	if (err)
		err->http_status = status;
	return -1;
}

/* The file is another one than was planned for, and its sharing may have been removed already: that is undone. */
static int changed(struct connection *c, cJSON *receipt, struct err *err)
{
	if (ms_share_restore(c, json_str(receipt, "drive"), json_str(receipt, "id"), receipt, err) < 0)
		return -1;
	return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
}

/* One try of the move. Returns 0 done, 1 look again and try again. */
static int move_away(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL, *moved = NULL;
	struct err why;

	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	if (in_folder(now, place_id(receipt)))
		return 0;
	if (!ms_drive_same_content(receipt, now))
		return changed(c, receipt, err);
	if (move(c, receipt, place_id(receipt), NULL, json_str(now, "eTag"), &moved, &why) == 0) {
		const char *name = json_str(moved, "name");
		if (name && strcmp(name, json_str_or(receipt, "name", "")) != 0 && json_set_str(receipt, "held_name", name) < 0)
			return err_memory(err);
		return 0;
	}
	if (why.http_status == 412)
		return 1;
	if (why.class == ERR_CHANGED) {
		/* The service does not rename: a name that nobody else has. */
		_cleanup_buf_ struct buf name = BUF_INIT(1024);
		if (buf_addf(&name, "%.36s %.200s", json_str_or(receipt, "op", ""), json_str_or(receipt, "name", "")) < 0)
			return err_memory(err);
		if (move(c, receipt, place_id(receipt), buf_str(&name), json_str(now, "eTag"), &moved, err) < 0)
			return -1;
		return json_set_str(receipt, "held_name", buf_str(&name)) < 0 ? err_memory(err) : 0;
	}
	if (why.class == ERR_GONE) {
		/* The file is there, so the folder is not. */
		_cleanup_buf_ struct buf folder = BUF_INIT(4096), note = BUF_INIT(4096);
		if (ms_drive_place(c, json_str(receipt, "drive"), true, &folder, &note, err) < 0)
			return -1;
		if (json_set_str(json_object(receipt, "place"), "id", buf_str(&folder)) < 0 ||
			json_set_str(json_object(receipt, "place"), "inheritance", buf_str(&note)) < 0)
			return err_memory(err);
		return 1;
	}
	if (why.http_status == 403 || why.http_status == 423)
		return refused(c, receipt, &why, err);
	return pass_on(err, &why);
}

int ms_drive_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *drive = json_str(receipt, "drive"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL;
	int r = 1;

	if (!place_id(receipt))
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a place");
	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	bool there = in_folder(now, place_id(receipt));
	if (!there && !ms_drive_same_content(receipt, now))
		return again ? changed(c, receipt, err) :
			       err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	/* Its owner may have moved it in the meantime: there it shall come back to. */
	if (!there && !in_folder(now, home_id(receipt)) && set_parent(receipt, now, err) < 0)
		return -1;
	if (ms_share_remove(c, drive, id, receipt, err) < 0)
		return -1;
	for (int tries = 0; r == 1 && tries < 3; tries++)
		r = move_away(c, receipt, err);
	if (r == 1)
		return err_set(err, ERR_RETRY, "conflict", "the file keeps being changed while it is moved");
	return r;
}

/* ---- restore ---- */

static int move_home(struct connection *c, cJSON *receipt, struct err *err)
{
	const char *name = json_str(receipt, "name");
	_cleanup_buf_ struct buf root = BUF_INIT(4096);
	_cleanup_json_ cJSON *moved = NULL;
	struct err why;

	int r = home_id(receipt) ? move(c, receipt, home_id(receipt), name, NULL, &moved, &why) :
				   err_set(&why, ERR_GONE, "not_found", "no folder");
	if (r < 0 && (why.class == ERR_GONE || (why.class == ERR_REMOTE && why.http_status == 400))) {
		/* The file is there, so the folder is not. */
		if (json_note(receipt, "not_restored", "its folder %.300s is gone: it came back to the drive's root",
			    json_str_or(json_object(receipt, "parent"), "path", "")) < 0)
			return err_memory(err);
		if (ms_drive_root(c, json_str(receipt, "drive"), &root, err) < 0)
			return -1;
		r = move(c, receipt, buf_str(&root), name, NULL, &moved, &why);
		if (r == 0 && json_set_str(receipt, "restored_to", buf_str(&root)) < 0)
			return err_memory(err);
	}
	if (r < 0)
		return pass_on(err, &why);
	const char *got = json_str(moved, "name");
	if (name && got && strcmp(got, name) != 0 &&
		json_note(receipt, "not_restored", "its name %.200s was taken: it is called %.200s now", name, got) < 0)
		return err_memory(err);
	return 0;
}

int ms_drive_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;

	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	bool home = in_folder(now, home_id(receipt)) || in_folder(now, json_str(receipt, "restored_to"));
	if (!home && in_folder(now, place_id(receipt))) {
		if (move_home(c, receipt, err) < 0)
			return -1;
	} else if (!home) {
		/* Somebody took it out by other means; where it is now is their choice, or an earlier try's. */
		if (json_set_str(receipt, "restored_to", json_str(json_object(now, "parentReference"), "id")) < 0 ||
			json_note(receipt, "not_restored", "it was not in quarantine any more and stays where it is") < 0)
			return err_memory(err);
	}
	return ms_share_restore(c, json_str(receipt, "drive"), json_str(receipt, "id"), receipt, err);
}

/* ---- looking, reading, deleting ---- */

int ms_drive_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	_cleanup_json_ cJSON *now = NULL;
	struct err why;

	if (!a)
		return err_memory(err);
	if (ms_drive_look(c, receipt, &now, &why) < 0)
		return why.class == ERR_GONE ? 0 : pass_on(err, &why);
	ret->exists = true;
	ret->quarantined = in_folder(now, place_id(receipt));
	ret->restored = in_folder(now, home_id(receipt)) || in_folder(now, json_str(receipt, "restored_to"));
	const char *path = ms_drive_path(a, now), *version = ms_drive_version(a, now);
	snprintf(ret->place, sizeof(ret->place), "%.300s%s%.200s", path ? path : "", path && path[1] ? "/" : "",
		json_str_or(now, "name", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

int ms_drive_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	return ms_drive_bytes(c, json_str(receipt, "drive"), json_str(receipt, "id"), content, ret, err);
}

int ms_drive_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), plain = BUF_INIT(GRAPH_URL_MAX);
	const char *drive = json_str(receipt, "drive"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL;
	struct err why;

	if (graph_url(c, &url, err, "/drives/{}/items/{}/permanentDelete", drive, id, NULL) < 0 ||
		graph_url(c, &plain, err, "/drives/{}/items/{}", drive, id, NULL) < 0)
		return -1;
	if (ms_drive_look(c, receipt, &now, &why) < 0)
		return why.class == ERR_GONE ? 0 : pass_on(err, &why);
	if (!in_folder(now, place_id(receipt)))
		return err_set(err, ERR_CHANGED, "not_quarantined", "the file is not in quarantine any more");
	struct graph_call call = {.method = "POST", .url = buf_str(&url)};
	int r = graph_json(c, &call, NULL, &why);
	/* National clouds have no permanentDelete. */
	if (r < 0 && graph_refused(&why) && why.http_status != 403) {
		call = (struct graph_call){.method = "DELETE", .url = buf_str(&plain)};
		r = graph_json(c, &call, NULL, &why);
	}
	if (r == 0 || why.class == ERR_GONE)
		return 0;
	return pass_on(err, &why);
}
