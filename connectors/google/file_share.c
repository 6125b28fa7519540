/* Sharing of one file: written down, removed, and brought back. Called by file_act.c on core's job threads.
 *
 * Only what belongs to the file itself is touched: neither what it inherits from a folder or a shared drive, nor its owner. A
 * link keeps its address when it is shared anew, because the address is the file's. Nobody gets a mail about it.
 * Sources: Drive "Share files, folders, and drives", permissions.list, permissions.create (sendNotificationEmail). */
#include "connectors/google/files.h"

#include <string.h>

#define PAGES_MAX 200
#define SHARE_FIELDS                                                                                                   \
	"nextPageToken,permissions(id,type,role,emailAddress,domain,allowFileDiscovery,expirationTime,view,"           \
	"pendingOwner,deleted,permissionDetails(permissionType,role,inherited,inheritedFrom))"

/* The role that is given on the file itself: of the part that is not inherited. NULL: all of it is. */
static const char *direct_role(const cJSON *permission)
{
	const cJSON *details = json_array(permission, "permissionDetails"), *detail;

	if (cJSON_GetArraySize(details) == 0)
		return json_str_or(permission, "role", "");
	cJSON_ArrayForEach(detail, details)
	{
		if (!json_bool(detail, "inherited"))
			return json_str_or(detail, "role", json_str_or(permission, "role", ""));
	}
	return NULL;
}

/* What restoring needs of a permission; NULL when memory ran out. */
static cJSON *trim(const cJSON *permission, const char *role)
{
	static const char *const kept[] = {"id", "type", "emailAddress", "domain", "allowFileDiscovery", "expirationTime",
		"view", "pendingOwner", "deleted"};
	cJSON *out = cJSON_CreateObject();
	int r = out ? json_set_str(out, "role", role) : -1;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kept); i++) {
		const cJSON *value = json_get(permission, kept[i]);
		if (value && !cJSON_IsNull(value) && !cJSON_IsFalse(value))
			r = json_set(out, kept[i], cJSON_Duplicate(value, true));
	}
	if (r < 0) {
		json_free(out);
		return NULL;
	}
	return out;
}

static int add_direct(cJSON *direct, const cJSON *permission, struct err *err)
{
	const char *role = direct_role(permission);

	if (!role || strcmp(role, "owner") == 0)
		return 0;
	cJSON *copy = trim(permission, role);
	if (!copy || !cJSON_AddItemToArray(direct, copy)) {
		json_free(copy);
		return err_memory(err);
	}
	return 0;
}

static int permissions_url(struct connection *c, const char *id, struct buf *url, struct err *err)
{
	if (drive_url(c, url, err, "/files/{}/permissions", id, NULL) < 0)
		return -1;
	return MEM_OK(url_query(url, "supportsAllDrives", "true") == 0, err);
}

int share_all(struct connection *c, const char *as, const char *id, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *all = cJSON_CreateArray();
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	if (!all)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		cJSON *permission;
		if (permissions_url(c, id, &url, err) < 0)
			return -1;
		if (url_query_int(&url, "pageSize", 100) < 0 || url_query(&url, "fields", SHARE_FIELDS) < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, as, buf_str(&url), &doc, err) < 0)
			return -1;
		cJSON *list = json_array(doc, "permissions");
		if (!list)
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of permissions that is none");
		while ((permission = list->child)) {
			cJSON_DetachItemViaPointer(list, permission);
			if (!cJSON_AddItemToArray(all, permission))
				return err_memory(err);
			if (!json_str(permission, "id"))
				return err_set(err, ERR_REMOTE, "bad_answer", "a permission without an id");
		}
		int more = google_next(doc, &token, err);
		if (more == 0) {
			*ret = TAKE_PTR(all);
			return 0;
		}
		if (more < 0)
			return -1;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a file's permissions does not end");
}

int share_direct(const cJSON *all, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *direct = cJSON_CreateArray();
	const cJSON *permission;

	if (!direct)
		return err_memory(err);
	cJSON_ArrayForEach(permission, all)
	{
		if (add_direct(direct, permission, err) < 0)
			return -1;
	}
	*ret = TAKE_PTR(direct);
	return 0;
}

int share_list(struct connection *c, const char *as, const char *id, cJSON **ret_direct, struct err *err)
{
	_cleanup_json_ cJSON *all = NULL;

	return share_all(c, as, id, &all, err) < 0 ? -1 : share_direct(all, ret_direct, err);
}

/* ---- writing down ---- */

#define KEPT_BYTES 30000 /* of permissions in a receipt: some 250 */
#define NOTES_MAX 20
#define NOT_RESTORED_MAX 60

static size_t weight(const cJSON *doc)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONNECTOR_TEXT_MAX);

	return json_print(doc, &text) < 0 ? CONNECTOR_TEXT_MAX : text.len;
}

/* The same grantee: ids are the grantee's. */
const cJSON *share_find(const cJSON *list, const cJSON *permission)
{
	const char *id = json_str_or(permission, "id", ""), *view = json_str_or(permission, "view", "");
	const cJSON *entry;

	cJSON_ArrayForEach(entry, list)
	{
		if (strcmp(json_str_or(entry, "id", ""), id) == 0 && strcmp(json_str_or(entry, "view", ""), view) == 0)
			return entry;
	}
	return NULL;
}

int share_note(cJSON *receipt, const cJSON *direct, struct err *err)
{
	cJSON *list = json_array(receipt, "permissions");
	const cJSON *permission;
	int cut = 0;

	if (!list && json_set(receipt, "permissions", list = cJSON_CreateArray()) < 0)
		return err_memory(err);
	size_t used = weight(list);
	cJSON_ArrayForEach(permission, direct)
	{
		if (share_find(list, permission))
			continue;
		used += weight(permission) + 1;
		if (used > KEPT_BYTES)
			cut++;
		else if (!cJSON_AddItemToArray(list, cJSON_Duplicate(permission, true)))
			return err_memory(err);
	}
	/* Those that were cut before and are gone by now stay counted. */
	if (cut > json_int64_or(receipt, "permissions_cut", 0))
		return MEM_OK(json_set_int(receipt, "permissions_cut", cut) == 0, err);
	return 0;
}

/* ---- removing ---- */

int share_delete(struct connection *c, const char *as, const char *id, const char *permission, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	struct err why = {0};

	if (drive_url(c, &url, err, "/files/{}/permissions/{}", id, permission, NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "DELETE", .url = buf_str(&url), .as = as};
	if (google_json(c, &call, NULL, &why) == 0 || why.http_status == 404)
		return 0;
	return pass_on(err, &why);
}

int share_remove(struct connection *c, const char *as, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *direct = NULL;
	struct err first = {0};
	const cJSON *permission;

	if (share_list(c, as, id, &direct, &first) < 0) {
		if (!err_refused(&first) && !err_not_there(&first))
			return pass_on(err, &first);
		/* Containing goes on: the move ends what the folder gave, the rest is said. */
		return MEM_OK(!receipt || json_note(receipt, "kept_permissions", "its sharing cannot be read: %.200s",
						  first.message) == 0, err);
	}
	/* What was shared since the plan was made is to be brought back as well. */
	if (receipt && share_note(receipt, direct, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, direct)
	{
		struct err why = {0};
		if (share_delete(c, as, id, json_str(permission, "id"), &why) == 0)
			continue;
		if (why.class != ERR_REMOTE && why.class != ERR_CHANGED)
			return pass_on(err, &why);
		/* An inherited one that does not say so: the move takes care of it. */
		if (receipt && cJSON_GetArraySize(json_array(receipt, "kept_permissions")) < NOTES_MAX &&
			json_note(receipt, "kept_permissions", "%.100s: %.200s", json_str(permission, "id"), why.message) < 0)
			return err_memory(err);
	}
	return 0;
}

/* ---- bringing back ---- */

static int create_one(struct connection *c, const char *as, const char *id, const cJSON *permission, struct err *err)
{
	static const char *const kept[] = {"type", "role", "emailAddress", "domain", "allowFileDiscovery", "expirationTime",
		"view"};
	const char *type = json_str_or(permission, "type", "");
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const cJSON *value = json_get(permission, kept[i]);
		if (value && json_set(body, kept[i], cJSON_Duplicate(value, true)) < 0)
			return err_memory(err);
	}
	if (permissions_url(c, id, &url, err) < 0)
		return -1;
	if ((strcmp(type, "user") == 0 || strcmp(type, "group") == 0) && url_query(&url, "sendNotificationEmail", "false") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = as, .json = body};
	return google_json(c, &call, NULL, err);
}

int share_restore(struct connection *c, const char *as, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;
	struct err first = {0};
	const cJSON *permission;

	if (cJSON_GetArraySize(json_array(receipt, "permissions")) == 0)
		return 0;
	if (share_list(c, as, id, &now, &first) < 0) {
		if (!err_refused(&first))
			return pass_on(err, &first);
		return MEM_OK(json_note(receipt, "not_restored", "its sharing: %.200s", first.message) == 0, err);
	}
	cJSON_ArrayForEach(permission, json_array(receipt, "permissions"))
	{
		const char *who = json_str_or(permission, "emailAddress", json_str_or(permission, "domain", "anyone"));
		struct err why = {0};
		if (share_find(now, permission))
			continue;
		int r = json_bool(permission, "deleted") ?
			err_set(&why, ERR_REMOTE, "deleted", "the account was deleted before") :
			create_one(c, as, id, permission, &why);
		if (r == 0 && json_bool(permission, "pendingOwner") &&
			json_note(receipt, "not_restored", "the offer of ownership to %.200s", who) < 0)
			return err_memory(err);
		if (r == 0)
			continue;
		if (why.class != ERR_REMOTE && why.class != ERR_CHANGED)
			return pass_on(err, &why);
		if (cJSON_GetArraySize(json_array(receipt, "not_restored")) < NOT_RESTORED_MAX &&
			json_note(receipt, "not_restored", "sharing with %.200s (%.20s): %.200s", who,
				json_str_or(permission, "role", ""), why.message) < 0)
			return err_memory(err);
	}
	int64_t cut = json_int64_or(receipt, "permissions_cut", 0);
	if (cut > 0 && json_note(receipt, "not_restored", "%lld more whom it was shared with: they are not written down",
			       (long long)cut) < 0)
		return err_memory(err);
	return 0;
}
