/* Who can be acted as: the administrator, members, and the member through whom a shared folder is reached. Called by the
 * other files of this folder, on core's job threads.
 *
 * Members read and write their own homes and the shared folders they are in (Select-User); an administrator reads all and
 * writes the team folders (Select-Admin). Sources: team.stone, sharing.stone (select_admin_mode), "Team files guide". */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGES_MAX 10000
#define CANDIDATES_MAX 20
#define BATCH_MAX 100

bool dbx_member_active(const cJSON *profile)
{
	return strcmp(dbx_tag_of(profile, "status"), "active") == 0;
}

static bool member_id_ok(const char *id)
{
	size_t n = id ? strlen(id) : 0;

	return n > 0 && n < DBX_ID_MAX;
}

/* ---- the administrator ---- */

static bool is_team_admin(const cJSON *member)
{
	const cJSON *role;

	cJSON_ArrayForEach(role, json_array(member, "roles"))
	{
		if (strcasecmp(json_str_or(role, "name", ""), "Team admin") == 0)
			return true;
	}
	return strcmp(dbx_tag_of(member, "role"), "team_admin") == 0;
}

/* The one who linked the app has left, or was never written down: any active team admin serves. Roles have names for
 * people; the older list, which not everybody serves, has tags. old: that one. 1: none found. */
static int find_admin(struct connection *c, bool old, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *route = old ? "team/members/list" : "team/members/list_v2";

	if (!arg || json_set_int(arg, "limit", 1000) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *member;
		if (dbx_object(c, NULL, route, arg, &doc, err) < 0)
			return -1;
		cJSON_ArrayForEach(member, json_array(doc, "members"))
		{
			const cJSON *profile = json_object(member, "profile");
			const char *id = json_str(profile, "team_member_id");
			if (member_id_ok(id) && dbx_member_active(profile) && is_team_admin(member))
				return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		const char *next = json_str(doc, "cursor");
		if (!json_bool(doc, "has_more") || !next)
			break;
		json_free(arg);
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
		route = old ? "team/members/list/continue" : "team/members/list/continue_v2";
	}
	return 1;
}

static int any_admin(struct connection *c, struct buf *ret, struct err *err)
{
	struct err why;
	int r = find_admin(c, false, ret, err);

	if (r == 1 && (r = find_admin(c, true, ret, &why)) < 0) {
		if (!dbx_refused(&why))
			return pass_on(err, &why);
		r = 1;
	}
	if (r <= 0)
		return r;
	err_set(err, ERR_REMOTE, "no_admin", "the team has no active administrator to act as");
	return err_scope(err, SCOPE_CONNECTION);
}

int dbx_admin(struct connection *c, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct err why;

	buf_clear(ret);
	if (dbx_object(c, NULL, "team/token/get_authenticated_admin", NULL, &doc, &why) < 0) {
		/* admin_not_active, mapping_not_found; or nobody can say. */
		return dbx_refused(&why) || why.class == ERR_GONE ? any_admin(c, ret, err) : pass_on(err, &why);
	}
	const char *id = json_str(json_object(doc, "admin_profile"), "team_member_id");
	if (!member_id_ok(id))
		return err_set(err, ERR_REMOTE, "bad_answer", "an administrator without an id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

int dbx_admin_if_any(struct connection *c, struct buf *ret, struct err *err)
{
	struct err why;

	if (dbx_admin(c, ret, &why) == 0)
		return 0;
	buf_clear(ret);
	return strcmp(why.code, "no_admin") == 0 ? 0 : pass_on(err, &why);
}

/* ---- members ---- */

int dbx_members(struct connection *c, const char *const *ids, size_t n, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL, *found = cJSON_CreateArray();
	cJSON *list = cJSON_CreateArray(), *info;

	if (json_set(arg, "members", list) < 0 || !found)
		return err_memory(err);
	for (size_t i = 0; i < n && i < BATCH_MAX; i++)
		if (!cJSON_AddItemToArray(list, dbx_choice("team_member_id", ids[i])))
			return err_memory(err);
	if (dbx_object(c, NULL, "team/members/get_info_v2", arg, &doc, err) < 0)
		return -1;
	if (!json_array(doc, "members_info"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of members that is none");
	cJSON_ArrayForEach(info, json_array(doc, "members_info"))
	{
		/* The fields of member_info stand beside the tag, or below it. */
		cJSON *inner = json_object(info, "member_info");
		cJSON *copy = json_object(inner ? inner : info, "profile") ? cJSON_Duplicate(inner ? inner : info, true) : NULL;
		if (copy && !cJSON_AddItemToArray(found, copy)) {
			json_free(copy);
			return err_memory(err);
		}
	}
	*ret = TAKE_PTR(found);
	return 0;
}

/* ---- shared folders ---- */

struct candidate {
	const char *id;
	int rank;
};

static int rank_of(const char *access)
{
	static const char *const ranks[] = {"viewer_no_comment", "viewer", "editor", "owner"};

	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (strcmp(access, ranks[i]) == 0)
			return (int)i + 1;
	return 0;
}

/* Keeps the best, in order. */
static void consider(struct candidate *list, size_t *n, const char *id, int rank)
{
	size_t at = *n;

	while (at > 0 && list[at - 1].rank < rank)
		at--;
	if (at == CANDIDATES_MAX)
		return;
	if (*n < CANDIDATES_MAX)
		(*n)++;
	memmove(list + at + 1, list + at, (*n - 1 - at) * sizeof(*list));
	list[at] = (struct candidate){.id = id, .rank = rank};
}

static size_t candidates_of(const cJSON *doc, struct candidate *list)
{
	const cJSON *entry;
	size_t n = 0;

	cJSON_ArrayForEach(entry, json_array(doc, "users"))
	{
		const cJSON *user = json_object(entry, "user");
		const char *id = json_str(user, "team_member_id");
		int rank = rank_of(dbx_tag_of(entry, "access_type"));
		if (rank && json_bool(user, "same_team") && member_id_ok(id))
			consider(list, &n, id, rank);
	}
	return n;
}

int dbx_folder_member(struct connection *c, const char *admin, const char *ns, struct buf *ret_id, struct buf *ret_email,
	struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL, *infos = NULL;
	struct candidate list[CANDIDATES_MAX + 1];
	const char *ids[CANDIDATES_MAX];
	const struct dbx_as as = {.admin = admin};
	struct err why;

	buf_clear(ret_id);
	buf_clear(ret_email);
	if (!arg || json_set_str(arg, "shared_folder_id", ns) < 0)
		return err_memory(err);
	/* The first thousand members are enough to choose from. */
	if (dbx_object(c, &as, "sharing/list_folder_members", arg, &doc, &why) < 0)
		return why.class == ERR_GONE || dbx_refused(&why) ? 0 : pass_on(err, &why);
	size_t n = candidates_of(doc, list);
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		ids[i] = list[i].id;
	if (dbx_members(c, ids, n, &infos, &why) < 0) {
		if (!dbx_refused(&why))
			return pass_on(err, &why);
		/* Nobody says who is active; one who is not will be refused, and the stream says so. */
		return buf_adds(ret_id, ids[0]) < 0 ? err_memory(err) : 0;
	}
	for (size_t i = 0; i < n; i++) {
		const cJSON *info;
		cJSON_ArrayForEach(info, infos)
		{
			const cJSON *profile = json_object(info, "profile");
			if (strcmp(json_str_or(profile, "team_member_id", ""), ids[i]) != 0 || !dbx_member_active(profile))
				continue;
			if (buf_adds(ret_id, ids[i]) < 0 || buf_adds(ret_email, json_str_or(profile, "email", "")) < 0)
				return err_memory(err);
			return 0;
		}
	}
	return 0;
}

/* ---- what contexts and receipts say ---- */

int dbx_as_of(const cJSON *object, struct dbx_as *ret, struct err *err)
{
	const struct dbx_as as = {.user = json_str(object, "user"), .admin = json_str(object, "admin"),
		.ns = json_str(object, "ns")};

	if ((!as.user && !as.admin) || !as.ns)
		return err_set(err, ERR_LOCAL, "bad_stream", "a context without an identity");
	*ret = as;
	return 0;
}
