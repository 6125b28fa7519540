/* Our two team folders: the quarantine, which only administrators reach, and the transit folder, into which a member is let
 * for the moment in which a file of theirs passes. Found again by name, made when there is none, emptied of members. Called
 * by act.c on core's job threads, one at a time in this process; another node may be making them, and Dropbox lets only one make a
 * folder of a name.
 *
 * Remembered as "team-folder/NAME". Sources: team.stone (team_folder/…), sharing.stone (folder members). */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGES_MAX 1000
#define NAMES_MAX 9 /* "…", "…-2" to "…-9": an archived folder keeps its name */
#define ROUNDS_MAX 3

static void name_of(const char *base, int k, char *out, size_t size)
{
	if (k == 1)
		snprintf(out, size, "%s", base);
	else
		snprintf(out, size, "%s-%d", base, k);
}

bool dbx_place_is_ours(const char *name)
{
	static const char *const bases[] = {DBX_QUARANTINE, DBX_TRANSIT};
	char ours[64];

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		for (int k = 1; k <= NAMES_MAX; k++) {
			name_of(bases[i], k, ours, sizeof(ours));
			if (strcasecmp(name, ours) == 0)
				return true;
		}
	}
	return false;
}

static bool is_active(const cJSON *folder)
{
	return strcmp(dbx_tag_of(folder, "status"), "active") == 0;
}

/* ---- members ---- */

static int expel(struct connection *c, const struct dbx_as *as, const char *ns, const char *kind, const char *who,
	struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	struct err why;

	if (!arg || json_set_str(arg, "shared_folder_id", ns) < 0 || json_set(arg, "member", dbx_choice(kind, who)) < 0 ||
		json_set_bool(arg, "leave_a_copy", false) < 0)
		return err_memory(err);
	if (dbx_call(c, as, "sharing/remove_folder_member", arg, NULL, &why) == 0 || why.class == ERR_GONE)
		return 0;
	if (dbx_passing(&why))
		return pass_on(err, &why);
	return err_set(err, ERR_REMOTE, "place_shared", "%.100s may reach the quarantine folder and cannot be removed from it: "
		"%.150s", who, why.message);
}

static int expel_all(struct connection *c, const struct dbx_as *as, const char *ns, const cJSON *doc, struct err *err)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, json_array(doc, "users"))
	{
		const char *id = json_str(json_object(entry, "user"), "account_id");
		if (id && !json_bool(entry, "is_inherited") && expel(c, as, ns, "dropbox_id", id, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, json_array(doc, "groups"))
	{
		const char *id = json_str(json_object(entry, "group"), "group_id");
		if (id && !json_bool(entry, "is_inherited") && expel(c, as, ns, "dropbox_id", id, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, json_array(doc, "invitees"))
	{
		const char *email = json_str(json_object(entry, "invitee"), "email");
		if (email && expel(c, as, ns, "email", email, err) < 0)
			return -1;
	}
	return 0;
}

/* Somebody may have made a folder of our name, or added people to ours. */
static int clear_members(struct connection *c, const char *admin, const char *ns, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *route = "sharing/list_folder_members";
	const struct dbx_as as = {.admin = admin};

	if (!arg || json_set_str(arg, "shared_folder_id", ns) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		struct err why;
		if (dbx_object(c, &as, route, arg, &doc, &why) < 0)
			return strcmp(why.code, "no_member") == 0 ? 0 : pass_on(err, &why);
		if (!json_array(doc, "users"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of a folder's members that is none");
		if (expel_all(c, &as, ns, doc, err) < 0)
			return -1;
		const char *next = json_str(doc, "cursor");
		if (!next || !*next)
			return 0;
		json_free(arg);
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
		route = "sharing/list_folder_members/continue";
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a folder's members does not end");
}

/* ---- finding and making ---- */

/* Is the remembered folder still there and in use? 0 yes, 1 no, or nobody says so. */
static int still_there(struct connection *c, const char *ns, struct err *err)
{
	struct err why;

	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	cJSON *ids = cJSON_CreateArray();

	if (json_set(arg, "team_folder_ids", ids) < 0 || !cJSON_AddItemToArray(ids, cJSON_CreateString(ns)))
		return err_memory(err);
	if (dbx_call(c, NULL, "team/team_folder/get_info", arg, &doc, &why) < 0)
		return dbx_refused(&why) ? 1 : pass_on(err, &why);
	const cJSON *first = cJSON_IsArray(doc) ? cJSON_GetArrayItem(doc, 0) : NULL;
	if (!first || !*dbx_tag(first))
		return err_set(err, ERR_REMOTE, "bad_answer", "a team folder's description that is none");
	const cJSON *inner = json_object(first, "team_folder_metadata");
	return is_active(inner ? inner : first) ? 0 : 1;
}

/* All team folders, as one array of {name, team_folder_id, status}: only those of our names. */
static int list_ours(struct connection *c, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *ours = cJSON_CreateArray();
	const char *route = "team/team_folder/list";

	if (!arg || !ours || json_set_int(arg, "limit", 1000) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *folder;
		if (dbx_object(c, NULL, route, arg, &doc, err) < 0)
			return -1;
		if (!json_array(doc, "team_folders"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of team folders that is none");
		cJSON_ArrayForEach(folder, json_array(doc, "team_folders"))
		{
			if (dbx_place_is_ours(json_str_or(folder, "name", "")) &&
				!cJSON_AddItemToArray(ours, cJSON_Duplicate(folder, true)))
				return err_memory(err);
		}
		const char *next = json_str(doc, "cursor");
		if (!json_bool(doc, "has_more") || !next) {
			*ret = TAKE_PTR(ours);
			return 0;
		}
		json_free(arg);
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
		route = "team/team_folder/list/continue";
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of team folders does not end");
}

static const cJSON *by_name(const cJSON *list, const char *name)
{
	const cJSON *folder;

	cJSON_ArrayForEach(folder, list)
	{
		if (strcasecmp(json_str_or(folder, "name", ""), name) == 0)
			return folder;
	}
	return NULL;
}

/* 0 made; 1 the name is taken. */
static int create(struct connection *c, const char *name, struct buf *ret, struct err *err)
{
	for (int synced = 0; synced < 2; synced++) {
		_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
		struct err why;
		if (!arg || json_set_str(arg, "name", name) < 0 ||
			(!synced && dbx_set_tag(arg, "sync_setting", "not_synced") < 0))
			return err_memory(err);
		if (dbx_object(c, NULL, "team/team_folder/create", arg, &doc, &why) == 0) {
			const char *id = json_str(doc, "team_folder_id");
			if (!id || !*id || strlen(id) >= DBX_ID_MAX)
				return err_set(err, ERR_REMOTE, "bad_answer", "a new team folder without an id");
			return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		if (strstr(why.message, "folder_name_already_used"))
			return 1;
		/* Not all teams have selective sync. */
		if (!synced && strstr(why.message, "sync_settings_error"))
			continue;
		return pass_on(err, &why);
	}
	return err_set(err, ERR_REMOTE, "no_place", "Dropbox does not let us make the team folder %s", name);
}

/* 0 found or made; 1 look again: somebody else made it right now. last: such a name counts as taken. */
static int find_or_make(struct connection *c, const char *base, bool last, struct buf *ret, bool *ret_made, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	char name[64];

	if (list_ours(c, &list, err) < 0)
		return -1;
	for (int k = 1; k <= NAMES_MAX; k++) {
		name_of(base, k, name, sizeof(name));
		const cJSON *folder = by_name(list, name);
		const char *id = json_str(folder, "team_folder_id");
		if (folder && is_active(folder) && id && *id && strlen(id) < DBX_ID_MAX)
			return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		if (folder)
			continue;
		int r = create(c, name, ret, err);
		*ret_made = r == 0;
		if (r <= 0 || !last)
			return r;
	}
	return err_set(err, ERR_REMOTE, "no_place", "all names of the team folder %s are taken", base);
}

static int place_find(struct connection *c, const char *admin, const char *base, struct buf *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf key = BUF_INIT(256), id = BUF_INIT(DBX_ID_MAX);
	_cleanup_buf_ struct buf was = BUF_INIT(DBX_ID_MAX);
	bool made = false;
	int r = 1;

	buf_clear(ret);
	if (buf_addf(&key, "team-folder/%s", base) < 0)
		return err_memory(err);
	int known = env->place_get(env->ctx, buf_str(&key), &id, err);
	if (known < 0)
		return -1;
	if (known == 0 && id.len) {
		r = still_there(c, buf_str(&id), err);
		if (r < 0)
			return -1;
		if (r == 0)
			return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
	}
	if (buf_adds(&was, buf_str(&id)) < 0)
		return err_memory(err);
	buf_clear(&id);
	for (int round = 0; r == 1 && round < ROUNDS_MAX; round++)
		r = find_or_make(c, base, round + 1 == ROUNDS_MAX, &id, &made, err);
	if (r < 0)
		return -1;
	if (r == 1)
		return err_set(err, ERR_RETRY, "busy", "the team folder %s is being made", base);
	struct err why;
	/* A folder that we made has nobody in it, whether or not that can be seen. */
	bool ours = made || strcmp(buf_str(&was), buf_str(&id)) == 0;
	if (clear_members(c, admin, buf_str(&id), &why) < 0 && !(ours && dbx_refused(&why)))
		return pass_on(err, &why);
	if (env->place_put(env->ctx, buf_str(&key), buf_str(&id), err) < 0)
		return -1;
	return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
}

int dbx_place_find(struct connection *c, const char *admin, const char *base, struct buf *ret, struct err *err)
{
	struct err why;

	if (!admin)
		return err_set(err, ERR_REMOTE, "no_place", "the team has no active administrator to act as");
	pthread_mutex_lock(&c->places);
	int r = place_find(c, admin, base, ret, &why);
	pthread_mutex_unlock(&c->places);
	if (r == 0)
		return 0;
	if (!dbx_refused(&why))
		return pass_on(err, &why);
	return err_set(err, ERR_REMOTE, "no_place", "Dropbox does not let us have the team folder %s: make it by hand, for "
		"administrators only (%.120s)", base, why.message);
}
