/* Containing a file: its sharing written down and ended, then moved into the quarantine team folder; and back. Called by
 * dropbox.c on core's job threads.
 *
 * Every step asks first where the file is. Receipt: id, home {ns, user or admin}, path and path_lower below it, name, size,
 * rev, content_hash, links, members, place and transit (namespaces), held (its name in quarantine), held_path,
 * kept_sharing; after a restore restored_to when the old path was taken, not_restored.
 * Where no quarantine folder can be had (deletes), the file is deleted in the revision that was judged: trash.c.
 * Sources: files.stone, sharing.stone; README.md says why it goes through the transit folder. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define HELD_NAME_MAX 240 /* Dropbox takes 255 characters */

static int changed(struct err *err)
{
	return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
}

static int gone(struct err *err)
{
	return err_set(err, ERR_GONE, "gone", "the file is gone");
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

/* ---- the plan ---- */

/* Where a file is goes into the receipt as the place to come back to. */
int dbx_note_home(cJSON *receipt, const cJSON *file, struct err *err)
{
	const char *path = json_str(file, "path_display"), *lower = json_str(file, "path_lower");

	if (!lower || json_set_str(receipt, "path", path ? path : lower) < 0 ||
		json_set_str(receipt, "path_lower", lower) < 0 || json_set_str(receipt, "name", json_str(file, "name")) < 0)
		return lower ? err_memory(err) : err_set(err, ERR_REMOTE, "bad_answer", "a file without a path");
	return 0;
}

int dbx_note_identity(cJSON *receipt, const struct dbx_as *as, struct err *err)
{
	cJSON *home = cJSON_CreateObject();

	if (json_set(receipt, "home", home) < 0 || json_set_str(home, "ns", as->ns) < 0 ||
		json_set_str(home, "user", as->user) < 0 || json_set_str(home, "admin", as->user ? NULL : as->admin) < 0)
		return err_memory(err);
	return 0;
}

/* Both team folders, as far as they are needed. */
static int note_places(struct connection *c, cJSON *receipt, const char *admin, bool via, struct err *err)
{
	_cleanup_buf_ struct buf place = BUF_INIT(DBX_ID_MAX), transit = BUF_INIT(DBX_ID_MAX);
	struct err why;

	cJSON_DeleteItemFromObjectCaseSensitive(receipt, "deletes");
	if (dbx_place_find(c, admin, DBX_QUARANTINE, &place, &why) < 0 ||
		(via && dbx_place_find(c, admin, DBX_TRANSIT, &transit, &why) < 0)) {
		if (strcmp(why.code, "no_place") != 0 && strcmp(why.code, "place_shared") != 0)
			return pass_on(err, &why);
		cJSON_DeleteItemFromObjectCaseSensitive(receipt, "place");
		cJSON_DeleteItemFromObjectCaseSensitive(receipt, "transit");
		return json_set_bool(receipt, "deletes", true) < 0 ? err_memory(err) : dbx_trash_note(c, why.message, err);
	}
	if (dbx_trash_note(c, NULL, err) < 0)
		return -1;
	if (json_set_str(receipt, "place", buf_str(&place)) < 0 ||
		(via && json_set_str(receipt, "transit", buf_str(&transit)) < 0))
		return err_memory(err);
	return 0;
}

static int note_file(cJSON *receipt, const cJSON *file, struct err *err)
{
	const char *name = json_str(file, "name"), *op = json_str_or(receipt, "op", "");
	_cleanup_buf_ struct buf held = BUF_INIT(2048);

	if (!name || !*name || strchr(name, '/'))
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without a name");
	if (buf_addf(&held, "%.64s", op) < 0 ||
		(characters(name) + characters(op) < HELD_NAME_MAX && (buf_addc(&held, ' ') < 0 || buf_adds(&held, name) < 0)))
		return err_memory(err);
	if (json_set_str(receipt, "held", buf_str(&held)) < 0 || json_set_int(receipt, "size", json_size(file, "size")) < 0 ||
		json_set_str(receipt, "rev", json_str(file, "rev")) < 0 ||
		json_set_str(receipt, "content_hash", json_str(file, "content_hash")) < 0)
		return err_memory(err);
	return dbx_note_home(receipt, file, err);
}

/* It was moved to another namespace after it was judged: from there it shall be taken, and there it shall come back to. */
static int adopt(struct connection *c, struct held *h, cJSON *receipt, struct err *err)
{
	const char *in = json_str(json_object(h->file, "sharing_info"), "parent_shared_folder_id");
	_cleanup_buf_ struct buf ns = BUF_INIT(DBX_ID_MAX), member = BUF_INIT(DBX_ID_MAX), email = BUF_INIT(DBX_ID_MAX),
		admin = BUF_INIT(DBX_ID_MAX);

	/* In somebody else's home it can be reached only as that member, whom Dropbox does not name. */
	if (!in)
		return gone(err);
	if (buf_adds(&ns, in) < 0 || buf_adds(&admin, h->admin.admin) < 0)
		return err_memory(err);
	if (dbx_folder_member(c, buf_str(&admin), in, &member, &email, err) < 0)
		return -1;
	/* Team folders have members too; there the administrator's hand is the steadier one. */
	const struct dbx_as inside = {.admin = buf_str(&admin), .ns = buf_str(&ns)};
	_cleanup_json_ cJSON *info = NULL, *arg = cJSON_CreateObject();
	if (!arg || json_set_str(arg, "shared_folder_id", in) < 0)
		return err_memory(err);
	if (dbx_object(c, &(struct dbx_as){.admin = buf_str(&admin)}, "sharing/get_folder_metadata", arg, &info, NULL) < 0)
		info = NULL;
	bool team = json_bool(info, "is_team_folder") || json_bool(info, "is_inside_team_folder") || !member.len;
	const struct dbx_as as = {.user = team ? NULL : buf_str(&member), .admin = inside.admin, .ns = inside.ns};
	if (dbx_note_identity(receipt, &as, err) < 0 || note_places(c, receipt, buf_str(&admin), !team, err) < 0)
		return -1;
	dbx_held_close(h);
	if (dbx_held_open(c, receipt, h, err) < 0)
		return -1;
	if (dbx_held_look(c, h, err) < 0)
		return -1;
	return h->where == HELD_HOME ? 0 : gone(err);
}

int dbx_act_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf admin = BUF_INIT(DBX_ID_MAX);
	_cleanup_json_ cJSON *links = NULL, *members = NULL;
	_cleanup_held_ struct held h = {0};
	struct dbx_as home;

	if (dbx_as_of(context, &home, err) < 0 || dbx_admin_if_any(c, &admin, err) < 0 || dbx_note_identity(receipt, &home, err) < 0)
		return -1;
	if (json_set_str(receipt, "owner", stream->owner) < 0 || json_set_str(receipt, "id", item->id) < 0)
		return err_memory(err);
	if (note_places(c, receipt, admin.len ? buf_str(&admin) : NULL, home.user != NULL, err) < 0 || dbx_held_open(c, receipt, &h, err) < 0 ||
		dbx_held_look(c, &h, err) < 0)
		return -1;
	if (h.where == HELD_NOWHERE)
		return gone(err);
	if (h.where == HELD_ELSEWHERE && adopt(c, &h, receipt, err) < 0)
		return -1;
	if (h.where == HELD_HOME && !dbx_version_is(h.file, item->version))
		return changed(err);
	if (note_file(receipt, h.file, err) < 0)
		return -1;
	if (h.where != HELD_HOME) {
		/* It lies there since an act whose receipt nobody has any more. */
		_cleanup_buf_ struct buf path = BUF_INIT(DBX_PATH_MAX);
		if (buf_addf(&path, "/%s", item->name ? item->name : json_str(h.file, "name")) < 0 ||
			json_set_str(receipt, "path", buf_str(&path)) < 0 ||
			json_set_str(receipt, "path_lower", buf_str(&path)) < 0 ||
			json_note(receipt, "not_restored", "the folder that it was in before is not known") < 0)
			return err_memory(err);
	}
	const struct dbx_as *as = h.where == HELD_HOME ? &h.home : h.where == HELD_PLACE ? &h.admin : &h.passer;
	if (dbx_share_list(c, as, item->id, receipt, &links, &members, err) < 0)
		return -1;
	if (json_set(receipt, "links", TAKE_PTR(links)) < 0 || json_set(receipt, "members", TAKE_PTR(members)) < 0)
		return err_memory(err);
	return 0;
}

/* ---- quarantine ---- */

static int note_held(cJSON *receipt, const struct held *h, struct err *err)
{
	return json_set_str(receipt, "held_path", json_str(h->file, "path_display")) < 0 ? err_memory(err) : 0;
}

static int quarantine_from_home(struct connection *c, struct held *h, cJSON *receipt, bool again, struct err *err)
{
	const char *version = json_str_or(receipt, "version", "");
	struct err why;

	if (!dbx_version_is(h->file, version)) {
		/* Its sharing may have been ended already: that is undone. */
		if (again && dbx_share_restore(c, &h->home, h->id, receipt, err) < 0)
			return -1;
		return changed(err);
	}
	/* Its owner may have moved it in the meantime: there it shall come back to. */
	if (dbx_note_home(receipt, h->file, err) < 0 || dbx_share_remove(c, &h->home, h->id, receipt, err) < 0)
		return -1;
	if (json_bool(receipt, "deletes")) {
		if (dbx_trash_take(c, h, receipt, &why) == 0)
			return 0;
	} else if (dbx_held_take(c, h, json_str_or(receipt, "held", "held"), version, &why) == 0) {
		return 0;
	} else if (dbx_refused(&why)) {
		/* No way leads there, or none for this file. */
		if (dbx_held_look(c, h, err) < 0)
			return -1;
		if (h->where != HELD_HOME)
			return pass_on(err, &why);
		if (json_set_bool(receipt, "deletes", true) < 0)
			return err_memory(err);
		if (dbx_trash_decide(c, receipt, err) < 0)
			return -1;
		return quarantine_from_home(c, h, receipt, again, err);
	}
	if (why.class == ERR_CHANGED && dbx_share_restore(c, &h->home, h->id, receipt, err) < 0)
		return -1;
	return pass_on(err, &why);
}

int dbx_act_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_held_ struct held h = {0};
	bool deletes = json_bool(receipt, "deletes");

	if (!deletes && again && dbx_trash_decided(c, receipt, &deletes, err) < 0)
		return -1;
	if (deletes && json_set_bool(receipt, "deletes", true) < 0)
		return err_memory(err);
	if (dbx_held_open(c, receipt, &h, err) < 0 || dbx_held_look(c, &h, err) < 0)
		return -1;
	/* An earlier try deleted it, or its owner did: its revision is kept either way. */
	if (h.where == HELD_NOWHERE && again && deletes)
		return json_set_bool(receipt, "deleted", true) < 0 ? err_memory(err) : 0;
	if (h.where == HELD_NOWHERE)
		return gone(err);
	if (h.where == HELD_ELSEWHERE && adopt(c, &h, receipt, err) < 0)
		return -1;
	if (h.where == HELD_HOME) {
		if (quarantine_from_home(c, &h, receipt, again, err) < 0)
			return -1;
		if (json_bool(receipt, "deleted"))
			return 0;
	} else if (dbx_held_take(c, &h, json_str_or(receipt, "held", "held"), json_str_or(receipt, "version", ""), err) < 0) {
		return -1;
	}
	/* What was shared by others shows only here, to an administrator. */
	if (dbx_share_remove(c, &h.admin, h.id, receipt, err) < 0)
		return -1;
	return note_held(receipt, &h, err);
}

/* ---- restore ---- */

/* A transit folder may have been archived since. */
static int refresh_transit(struct connection *c, struct held *h, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf transit = BUF_INIT(DBX_ID_MAX);

	if (!h->home.user || h->where != HELD_PLACE)
		return 0;
	if (dbx_place_find(c, h->admin.admin, DBX_TRANSIT, &transit, err) < 0)
		return -1;
	if (json_set_str(receipt, "transit", buf_str(&transit)) < 0)
		return err_memory(err);
	h->passer.ns = json_str(receipt, "transit");
	return 0;
}

static int note_return(cJSON *receipt, const struct held *h, struct err *err)
{
	const char *lower = json_str_or(h->file, "path_lower", ""), *path = json_str_or(h->file, "path_display", lower);

	if (strcmp(lower, json_str_or(receipt, "path_lower", "")) == 0 || strcmp(lower, json_str_or(receipt, "restored_to", "")) == 0)
		return 0;
	if (json_set_str(receipt, "restored_to", lower) < 0 ||
		json_note(receipt, "not_restored", "its place %.300s was taken: it is at %.300s now",
			json_str_or(receipt, "path", ""), path) < 0)
		return err_memory(err);
	return 0;
}

int dbx_act_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_held_ struct held h = {0};

	if (dbx_held_open(c, receipt, &h, err) < 0 || dbx_held_look(c, &h, err) < 0)
		return -1;
	if (json_bool(receipt, "deleted") && h.where == HELD_NOWHERE && dbx_trash_return(c, &h, receipt, err) < 0)
		return -1;
	if (h.where == HELD_NOWHERE)
		return gone(err);
	if (h.where == HELD_ELSEWHERE) {
		/* Somebody took it out by other means; where it is now is their choice. */
		return json_note(receipt, "not_restored", "it was not in quarantine any more and stays where it is") < 0 ?
			err_memory(err) : 0;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(receipt, "deleted");
	if (refresh_transit(c, &h, receipt, err) < 0 || dbx_held_return(c, &h, json_str_or(receipt, "path", ""), err) < 0 ||
		note_return(receipt, &h, err) < 0)
		return -1;
	return dbx_share_restore(c, &h.home, h.id, receipt, err);
}

/* ---- looking, reading, deleting ---- */

int dbx_act_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	static const char *const prefixes[] = {[HELD_HOME] = "", [HELD_TRANSIT] = "/" DBX_TRANSIT, [HELD_PLACE] = "/" DBX_QUARANTINE,
		[HELD_ELSEWHERE] = ""};
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	_cleanup_held_ struct held h = {0};

	if (!a)
		return err_memory(err);
	if (dbx_held_open(c, receipt, &h, err) < 0 || dbx_held_look(c, &h, err) < 0)
		return -1;
	if (h.where == HELD_NOWHERE && json_bool(receipt, "deleted")) {
		ret->exists = ret->quarantined = true;
		snprintf(ret->place, sizeof(ret->place), "deleted: %.450s", json_str_or(receipt, "path", ""));
		return 0;
	}
	if (h.where == HELD_NOWHERE)
		return 0;
	const char *path = json_str_or(h.file, "path_display", json_str_or(h.file, "name", ""));
	const char *lower = json_str_or(h.file, "path_lower", ""), *version = dbx_version(a, h.file);
	ret->exists = true;
	ret->quarantined = h.where == HELD_PLACE;
	ret->restored = h.where == HELD_HOME && (strcmp(lower, json_str_or(receipt, "path_lower", "")) == 0 ||
							strcmp(lower, json_str_or(receipt, "restored_to", "")) == 0);
	snprintf(ret->place, sizeof(ret->place), "%s%.450s", prefixes[h.where], path);
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

int dbx_act_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_held_ struct held h = {0};

	if (dbx_held_open(c, receipt, &h, err) < 0 || dbx_held_look(c, &h, err) < 0)
		return -1;
	if (h.where == HELD_NOWHERE && json_bool(receipt, "deleted"))
		return dbx_content_rev(c, &h.home, json_str_or(receipt, "rev", ""), content, ret, err);
	if (h.where == HELD_NOWHERE)
		return gone(err);
	const struct dbx_as anywhere = {.admin = h.admin.admin};
	const struct dbx_as *as = h.where == HELD_HOME ? &h.home : h.where == HELD_PLACE ? &h.admin :
		h.where == HELD_TRANSIT					? &h.passer : &anywhere;
	return dbx_content_now(c, as, h.file, content, ret, err);
}

/* path: an id, or where a file was that is deleted already. 0 also when there is nothing any more. */
static int delete_for_good(struct connection *c, const struct held *h, const char *path, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	struct err why;

	if (!arg || json_set_str(arg, "path", path) < 0)
		return err_memory(err);
	if (dbx_call(c, &h->admin, "files/permanently_delete", arg, NULL, &why) == 0 || why.class == ERR_GONE)
		return 0;
	if (why.class == ERR_CONSENT)
		/* The rest of the grant works on without it. */
		return err_set(err, ERR_REMOTE, "forbidden", "%.300s", why.message);
	return pass_on(err, &why);
}

int dbx_act_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err)
{
	const char *held_path = json_str(receipt, "held_path");
	_cleanup_held_ struct held h = {0};

	if (dbx_held_open(c, receipt, &h, err) < 0 || dbx_held_look(c, &h, err) < 0)
		return -1;
	if (h.where == HELD_NOWHERE && json_bool(receipt, "deleted"))
		return dbx_trash_purge(c, &h, receipt, err);
	if (h.where == HELD_PLACE)
		return delete_for_good(c, &h, h.id, err);
	if (h.where != HELD_NOWHERE)
		return err_set(err, ERR_CHANGED, "not_quarantined", "the file is not in quarantine any more");
	/* An earlier try may have deleted it and failed to do so for good. */
	return again && held_path ? delete_for_good(c, &h, held_path, err) : 0;
}
