/* Sharing of one file: written down, removed, and brought back. Called by drive_act.c on core's job threads.
 *
 * Only what belongs to the file itself is touched: permissions without inheritedFrom, and never the owner's. A link that
 * is made anew has a new address; that, and what cannot be made anew, goes into the receipt's not_restored.
 * Sources: Graph "List who has access to a file", "Delete a sharing permission", "Send a sharing invitation",
 * "Create a sharing link". */
#include "connectors/microsoft/acts.h"

#include <string.h>

#define PAGES_MAX 100
#define SHARES_MAX_BYTES 40960 /* of those in a receipt */
#define NOTES_MAX 20
#define MIN_DATE "0001-01-01" /* how the service writes "never" */

static bool has_role(const cJSON *permission, const char *role)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, json_array(permission, "roles"))
	{
		const char *s = cJSON_GetStringValue(entry);
		if (s && strcmp(s, role) == 0)
			return true;
	}
	return false;
}

/* Who it is, in as few words as tell it: files that are shared with hundreds must fit into a receipt. */
static cJSON *slim(const cJSON *set)
{
	static const char *const kinds[] = {"user", "group", "siteUser", "siteGroup", "application", "device"};
	static const char *const words[] = {"id", "email", "loginName", "displayName"};
	cJSON *out = cJSON_CreateObject();

	for (size_t i = 0; out && i < ARRAY_SIZE(kinds); i++) {
		const cJSON *who = json_object(set, kinds[i]);
		cJSON *less = who ? cJSON_CreateObject() : NULL;
		bool named = false;
		if (!who || (i >= 2 && out->child)) {
			json_free(less);
			continue;
		}
		for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
			const char *word = json_str(who, words[k]);
			if (word && *word && !(k == 3 && named) && json_set_str(less, words[k], word) == 0)
				named = true;
		}
		if (json_set(out, kinds[i], less) < 0) {
			json_free(out);
			return NULL;
		}
	}
	return out;
}

static cJSON *slim_any(const cJSON *value)
{
	const cJSON *set;
	cJSON *out = cJSON_CreateArray();

	if (!cJSON_IsArray(value)) {
		json_free(out);
		return slim(value);
	}
	cJSON_ArrayForEach(set, value)
	{
		cJSON *one = slim(set);
		if (!one || !cJSON_AddItemToArray(out, one)) {
			json_free(one);
			json_free(out);
			return NULL;
		}
	}
	return out;
}

/* What restoring needs of a permission. */
cJSON *ms_share_trim(const cJSON *permission)
{
	static const char *const kept[] = {"id", "roles", "link", "grantedToV2", "grantedTo", "grantedToIdentitiesV2",
		"grantedToIdentities", "invitation", "expirationDateTime", "hasPassword"};
	cJSON *out = cJSON_CreateObject();

	for (size_t i = 0; out && i < ARRAY_SIZE(kept); i++) {
		const cJSON *value = json_get(permission, kept[i]);
		if (!value || cJSON_IsNull(value) || (i == 4 && json_get(permission, "grantedToV2")) ||
			(i == 6 && json_get(permission, "grantedToIdentitiesV2")))
			continue;
		bool identities = strncmp(kept[i], "grantedTo", 9) == 0;
		if (json_set(out, kept[i], identities ? slim_any(value) : cJSON_Duplicate(value, true)) < 0) {
			json_free(out);
			return NULL;
		}
	}
	cJSON_DeleteItemFromObjectCaseSensitive(json_object(out, "link"), "webHtml");
	return out;
}

int ms_share_all(struct connection *c, const char *drive, const char *id, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *all = cJSON_CreateArray();

	if (!all)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/permissions", drive, id, NULL) < 0)
		return -1;
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		cJSON *value, *permission;
		const char *next;
		if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0 || graph_list(c, doc, &value, &next, err) < 0)
			return -1;
		while ((permission = value->child)) {
			cJSON_DetachItemViaPointer(value, permission);
			if (has_role(permission, "owner"))
				json_free(permission);
			else if (!cJSON_AddItemToArray(all, permission))
				return err_memory(err);
		}
		if (!next) {
			*ret = TAKE_PTR(all);
			return 0;
		}
		buf_clear(&url);
		if (buf_adds(&url, next) < 0)
			return err_memory(err);
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a file's permissions does not end");
}

int ms_share_list(struct connection *c, const char *drive, const char *id, cJSON **ret_direct, bool *ret_inherited,
	struct err *err)
{
	_cleanup_json_ cJSON *all = NULL, *direct = cJSON_CreateArray();
	const cJSON *permission;
	bool inherited = false;

	if (!direct)
		return err_memory(err);
	if (ms_share_all(c, drive, id, &all, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, all)
	{
		inherited = inherited || json_object(permission, "inheritedFrom");
		if (json_object(permission, "inheritedFrom"))
			continue;
		cJSON *copy = ms_share_trim(permission);
		if (!copy || !cJSON_AddItemToArray(direct, copy)) {
			json_free(copy);
			return err_memory(err);
		}
	}
	*ret_direct = TAKE_PTR(direct);
	if (ret_inherited)
		*ret_inherited = inherited;
	return 0;
}

int ms_share_fit(cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(SHARES_MAX_BYTES);
	cJSON *list = json_array(receipt, "permissions"), *entry = list ? list->child : NULL;
	int cut = (int)json_int64_or(receipt, "permissions_cut", 0), before = cut;

	for (cJSON *next; entry; entry = next) {
		next = entry->next;
		if (json_print(entry, &text) == 0)
			continue;
		cJSON_Delete(cJSON_DetachItemViaPointer(list, entry));
		cut++;
	}
	if (cut == before)
		return 0;
	return json_set_int(receipt, "permissions_cut", cut) < 0 ||
			json_note(receipt, "not_restored", "it is shared with so many that %d of them were not written down", cut) < 0 ?
		err_memory(err) :
		0;
}

/* Hundreds of refusals say no more than a few. */
static bool has_room(const cJSON *receipt, const char *key)
{
	return cJSON_GetArraySize(json_array(receipt, key)) < NOTES_MAX;
}

/* ---- removing ---- */

static bool known(const cJSON *list, const cJSON *permission)
{
	const cJSON *entry;
	const char *id = json_str_or(permission, "id", "");

	cJSON_ArrayForEach(entry, list)
	{
		if (strcmp(json_str_or(entry, "id", ""), id) == 0)
			return true;
	}
	return false;
}

int ms_share_delete(struct connection *c, const char *drive, const char *id, const char *permission, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	struct err why;

	if (graph_url(c, &url, err, "/drives/{}/items/{}/permissions/{}", drive, id, permission, NULL) < 0)
		return -1;
	if (graph_json(c, &(struct graph_call){.method = "DELETE", .url = buf_str(&url)}, NULL, &why) == 0 ||
		why.class == ERR_GONE)
		return 0;
	if (err)
		*err = why;
	return -1;
}

int ms_share_remove(struct connection *c, const char *drive, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *direct = NULL;
	const cJSON *permission;
	struct err list_why;

	if (ms_share_list(c, drive, id, &direct, NULL, &list_why) < 0) {
		if (graph_refused(&list_why))
			return json_note(receipt, "kept_permissions", "they cannot be listed: %.200s", list_why.message) < 0 ?
				err_memory(err) :
				0;
		if (err)
			*err = list_why;
		return -1;
	}
	cJSON_ArrayForEach(permission, direct)
	{
		const char *pid = json_str(permission, "id");
		struct err why;
		if (!pid || !*pid)
			return err_set(err, ERR_REMOTE, "bad_answer", "a permission without an id");
		/* Shared since the plan was made: to be brought back as well. */
		cJSON *list = json_array(receipt, "permissions");
		if (!list && json_set(receipt, "permissions", list = cJSON_CreateArray()) < 0)
			return err_memory(err);
		if (!known(list, permission) && !json_get(receipt, "permissions_cut") && !cJSON_AddItemToArray(list, cJSON_Duplicate(permission, true)))
			return err_memory(err);
		if (ms_share_delete(c, drive, id, pid, &why) == 0)
			continue;
		if (why.class != ERR_REMOTE && why.class != ERR_CHANGED) {
			if (err)
				*err = why;
			return -1;
		}
		/* An inherited one that does not say so, or one that a policy keeps: the move takes care of the first. */
		if (has_room(receipt, "kept_permissions") &&
			json_note(receipt, "kept_permissions", "%.100s: %.200s", pid, why.message) < 0)
			return err_memory(err);
	}
	return ms_share_fit(receipt, err);
}

/* ---- bringing back ---- */

static const cJSON *grantee(const cJSON *permission)
{
	const cJSON *v2 = json_object(permission, "grantedToV2");

	return v2 ? v2 : json_object(permission, "grantedTo");
}

/* {"email": …} or {"objectId": …} of an identity set; NULL when nobody that can be invited. */
static cJSON *recipient(const cJSON *set)
{
	static const char *const kinds[] = {"user", "group"};
	cJSON *out = cJSON_CreateObject();
	int r = -1;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r < 0; i++) {
		const cJSON *who = json_object(set, kinds[i]);
		const char *email = json_str(who, "email"), *id = json_str(who, "id");
		if (email && *email)
			r = json_set_str(out, "email", email);
		else if (id && *id)
			r = json_set_str(out, "objectId", id);
	}
	const char *login = json_str(json_object(set, "siteUser"), "loginName");
	const char *name = login ? strrchr(login, '|') : NULL;
	if (r < 0 && name && strchr(name, '@'))
		r = json_set_str(out, "email", name + 1);
	if (r < 0) {
		json_free(out);
		return NULL;
	}
	return out;
}

/* The addresses that a permission is for: its grantee, its invitation, or a link's people. */
static cJSON *recipients(const cJSON *permission)
{
	cJSON *out = cJSON_CreateArray(), *one = NULL;
	const char *invited = json_str(json_object(permission, "invitation"), "email");
	const cJSON *people = json_array(permission, "grantedToIdentitiesV2"), *who;

	if (!people)
		people = json_array(permission, "grantedToIdentities");
	if (grantee(permission) && (one = recipient(grantee(permission)))) {
		cJSON_AddItemToArray(out, one);
	} else if (invited && (one = cJSON_CreateObject())) {
		cJSON_AddStringToObject(one, "email", invited);
		cJSON_AddItemToArray(out, one);
	}
	cJSON_ArrayForEach(who, people)
	{
		one = recipient(who);
		if (one)
			cJSON_AddItemToArray(out, one);
	}
	return out;
}

/* Whom or what a permission is for, as one text to compare by. */
static void key_of(const cJSON *permission, struct buf *out)
{
	_cleanup_json_ cJSON *to = recipients(permission);
	const cJSON *link = json_object(permission, "link");

	if (link)
		buf_addf(out, "link %s %s ", json_str_or(link, "type", ""), json_str_or(link, "scope", ""));
	if (!link || strcmp(json_str_or(link, "scope", ""), "users") == 0)
		json_print(to, out);
	if (!link)
		json_print(json_array(permission, "roles"), out);
}

const cJSON *ms_share_find(const cJSON *now, const cJSON *permission)
{
	_cleanup_buf_ struct buf want = BUF_INIT(65536);
	const cJSON *entry;

	key_of(permission, &want);
	cJSON_ArrayForEach(entry, now)
	{
		_cleanup_buf_ struct buf have = BUF_INIT(65536);
		key_of(entry, &have);
		if (strcmp(buf_str(&want), buf_str(&have)) == 0)
			return entry;
	}
	return NULL;
}

static int set_expiry(cJSON *body, const cJSON *permission)
{
	const char *at = json_str(permission, "expirationDateTime");

	return at && strncmp(at, MIN_DATE, strlen(MIN_DATE)) != 0 ? json_set_str(body, "expirationDateTime", at) : 0;
}

int ms_share_link(struct connection *c, const char *drive, const char *id, const cJSON *permission, cJSON *receipt,
	struct err *err)
{
	const cJSON *link = json_object(permission, "link");
	const char *type = json_str(link, "type"), *scope = json_str(link, "scope");
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (!body || json_set_str(body, "type", type) < 0 || json_set_str(body, "scope", scope) < 0 ||
		json_set_bool(body, "retainInheritedPermissions", true) < 0 || set_expiry(body, permission) < 0)
		return err_memory(err);
	if (scope && strcmp(scope, "users") == 0 &&
		(json_set(body, "recipients", recipients(permission)) < 0 || json_set_bool(body, "sendNotification", false) < 0))
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/createLink", drive, id, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	if (graph_json(c, &call, &doc, err) < 0)
		return -1;
	if (json_bool(link, "preventsDownload") && !json_bool(json_object(doc, "link"), "preventsDownload") &&
		json_note(receipt, "not_restored", "the link (%.20s, %.20s) lets people download now", type ? type : "",
			scope ? scope : "") < 0)
		return err_memory(err);
	const char *before = json_str(link, "webUrl"), *now = json_str(json_object(doc, "link"), "webUrl");
	if (now && before && strcmp(now, before) != 0 && has_room(receipt, "not_restored") &&
		json_note(receipt, "not_restored", "the link (%.20s, %.20s) has a new address: %.500s", type ? type : "",
			scope ? scope : "", now) < 0)
		return err_memory(err);
	if (json_bool(permission, "hasPassword") &&
		json_note(receipt, "not_restored", "the link (%.20s, %.20s) has no password any more", type ? type : "",
			scope ? scope : "") < 0)
		return err_memory(err);
	return 0;
}

static int invite(struct connection *c, const char *drive, const char *id, const cJSON *permission, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *to = recipients(permission);
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	const cJSON *roles = json_array(permission, "roles");

	if (!to || cJSON_GetArraySize(to) == 0)
		return err_set(err, ERR_REMOTE, "no_recipient", "it is for nobody that can be invited");
	if (!body || json_set(body, "recipients", TAKE_PTR(to)) < 0 ||
		json_set(body, "roles", roles ? cJSON_Duplicate(roles, true) : cJSON_CreateArray()) < 0 ||
		json_set_bool(body, "requireSignIn", true) < 0 || json_set_bool(body, "sendInvitation", false) < 0 ||
		json_set_bool(body, "retainInheritedPermissions", true) < 0 || set_expiry(body, permission) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/invite", drive, id, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	return graph_json(c, &call, NULL, err);
}

int ms_share_restore(struct connection *c, const char *drive, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;
	const cJSON *permission;

	if (cJSON_GetArraySize(json_array(receipt, "permissions")) == 0)
		return 0;
	if (ms_share_list(c, drive, id, &now, NULL, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, json_array(receipt, "permissions"))
	{
		bool is_link = json_object(permission, "link") != NULL;
		struct err why;
		if (ms_share_find(now, permission))
			continue;
		int r = is_link ? ms_share_link(c, drive, id, permission, receipt, &why) : invite(c, drive, id, permission, &why);
		if (r == 0)
			continue;
		if (why.class != ERR_REMOTE && why.class != ERR_CHANGED) {
			if (err)
				*err = why;
			return -1;
		}
		_cleanup_buf_ struct buf who = BUF_INIT(4096);
		key_of(permission, &who);
		if (has_room(receipt, "not_restored") &&
			json_note(receipt, "not_restored", "sharing %.300s: %.200s", buf_str(&who), why.message) < 0)
			return err_memory(err);
	}
	return 0;
}
