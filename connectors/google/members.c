/* Members of shared drives: whom to act as in one, and who is in those of ours for how long. Called by streams.c,
 * file_place.c and file_transit.c on core's job threads.
 *
 * All calls are the administrator's, with the domain administrator's access, so that he needs no membership himself.
 * Sources: Drive "Manage shared drives as domain administrators", permissions.list/create/delete (useDomainAdminAccess). */
#include "connectors/google/files.h"

#include <string.h>

#define PAGES_MAX 200
#define CANDIDATES_MAX 8
#define MEMBER_FIELDS "nextPageToken,permissions(id,type,role,emailAddress,deleted)"

static int member_url(struct connection *c, const char *drive, struct buf *url, struct err *err)
{
	if (drive_url(c, url, err, "/files/{}/permissions", drive, NULL) < 0)
		return -1;
	return MEM_OK(url_query(url, "supportsAllDrives", "true") == 0 && url_query(url, "useDomainAdminAccess", "true") == 0,
		err);
}

static int list_members(struct connection *c, const char *drive, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *all = cJSON_CreateArray();
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	if (!all)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		if (member_url(c, drive, &url, err) < 0)
			return -1;
		if (url_query_int(&url, "pageSize", 100) < 0 || url_query(&url, "fields", MEMBER_FIELDS) < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, c->admin, buf_str(&url), &doc, err) < 0)
			return -1;
		cJSON *list = json_array(doc, "permissions");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of members that is none");
		while (cJSON_GetArraySize(list))
			cJSON_AddItemToArray(all, cJSON_DetachItemFromArray(list, 0));
		int more = google_next(doc, &token, err);
		if (more == 0) {
			*ret = TAKE_PTR(all);
			return 0;
		}
		if (more < 0)
			return -1;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a drive's members does not end");
}

static bool is_user(const cJSON *member, const char *address)
{
	return strcmp(json_str_or(member, "type", ""), "user") == 0 && same_address(json_str(member, "emailAddress"), address);
}

/* ---- whom to act as ---- */

/* Is it a user of the organisation whose account works? */
static int may_act(struct connection *c, const char *address, bool *ret, struct err *err)
{
	_cleanup_json_ cJSON *user = NULL;

	if (same_address(address, c->admin)) {
		*ret = true;
		return 0;
	}
	int r = directory_user(c, address, "primaryEmail,suspended,archived", &user, err);
	if (r < 0)
		return -1;
	*ret = r == 0 && !json_bool(user, "suspended") && !json_bool(user, "archived") &&
		same_address(json_str(user, "primaryEmail"), address);
	return 0;
}

int members_actor(struct connection *c, const char *drive, struct buf *ret_address, struct buf *ret_role, struct err *err)
{
	/* Folders with limited access show themselves to organizers alone: the wider the role, the more is seen. */
	static const char *const roles[] = {"organizer", "fileOrganizer", "writer", "commenter", "reader"};
	_cleanup_json_ cJSON *members = NULL;
	int asked = 0;

	if (list_members(c, drive, &members, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(roles) * 2; i++) {
		const char *role = roles[i / 2];
		bool admin = i % 2 == 0, ok = false; /* the administrator first */
		const cJSON *member;
		cJSON_ArrayForEach(member, members)
		{
			const char *address = json_str(member, "emailAddress");
			if (!address || strcmp(json_str_or(member, "role", ""), role) != 0 || !is_user(member, address) ||
				json_bool(member, "deleted") || same_address(address, c->admin) != admin || asked >= CANDIDATES_MAX)
				continue;
			asked += !admin;
			if (may_act(c, address, &ok, err) < 0)
				return -1;
			if (ok)
				return buf_adds(ret_address, address) < 0 || buf_adds(ret_role, role) < 0 ? err_memory(err) : 0;
		}
	}
	return 1;
}

/* ---- of our drives ---- */

int members_join(struct connection *c, const char *drive, const char *address, const char *role, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (!body || json_set_str(body, "type", "user") < 0 || json_set_str(body, "role", role) < 0 ||
		json_set_str(body, "emailAddress", address) < 0)
		return err_memory(err);
	if (member_url(c, drive, &url, err) < 0)
		return -1;
	if (url_query(&url, "sendNotificationEmail", "false") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = c->admin, .json = body};
	return google_json(c, &call, NULL, err);
}

static int end_membership(struct connection *c, const char *drive, const cJSON *member, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	const char *id = json_str(member, "id");
	struct err why = {0};

	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a member without an id");
	if (drive_url(c, &url, err, "/files/{}/permissions/{}", drive, id, NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "useDomainAdminAccess", "true") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "DELETE", .url = buf_str(&url), .as = c->admin};
	if (google_json(c, &call, NULL, &why) == 0 || why.http_status == 404)
		return 0;
	return pass_on(err, &why);
}

static bool is_managed(const cJSON *members, const char *address)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, members)
	{
		if (is_user(member, address) && strcmp(json_str_or(member, "role", ""), "organizer") == 0)
			return true;
	}
	return false;
}

int members_clear(struct connection *c, const char *drive, struct err *err)
{
	_cleanup_json_ cJSON *members = NULL;
	const cJSON *member;

	if (list_members(c, drive, &members, err) < 0)
		return -1;
	/* After another administrator took over he is none yet. */
	if (!is_managed(members, c->admin) && members_join(c, drive, c->admin, "organizer", err) < 0)
		return -1;
	cJSON_ArrayForEach(member, members)
	{
		if (!is_user(member, c->admin) && end_membership(c, drive, member, err) < 0)
			return -1;
	}
	return 0;
}

int members_only_admin(struct connection *c, const char *drive, bool *ret, struct err *err)
{
	_cleanup_json_ cJSON *members = NULL;

	if (list_members(c, drive, &members, err) < 0)
		return -1;
	const cJSON *first = cJSON_GetArrayItem(members, 0);
	*ret = cJSON_GetArraySize(members) == 1 && is_user(first, c->admin) &&
		strcmp(json_str_or(first, "role", ""), "organizer") == 0;
	return 0;
}
