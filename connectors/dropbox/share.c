/* Sharing of one file: its own links and members, written down, ended, and brought back. Called by act.c on core's job
 * threads.
 *
 * What comes from a folder above is not touched: the move ends it. A link made anew has a new address; a link with a
 * password cannot be made anew, for nobody knows the password. Links that other members made of a file in a shared
 * folder are seen only by an administrator, once the file is in quarantine. Sources: sharing.stone. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGES_MAX 100

/* ---- links ---- */

const char *dbx_link_audience(const cJSON *permissions)
{
	static const struct { const char *visibility, *audience; } map[] = {{"public", "public"}, {"password", "public"},
		{"team_only", "team"}, {"team_and_password", "team"}};
	const char *audience = dbx_tag_of(permissions, "effective_audience");
	const char *visibility = dbx_tag_of(permissions, "resolved_visibility");

	if (*audience)
		return audience;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (strcmp(visibility, map[i].visibility) == 0)
			return map[i].audience;
	return "no_one";
}

/* What restoring needs of a link. */
static cJSON *trim_link(const cJSON *link)
{
	const cJSON *permissions = json_object(link, "link_permissions");
	const cJSON *download = json_get(permissions, "allow_download");
	bool password = json_bool(permissions, "require_password") ||
		strstr(dbx_tag_of(permissions, "resolved_visibility"), "password");
	cJSON *out = cJSON_CreateObject();

	if (!out || json_set_str(out, "url", json_str(link, "url")) < 0 ||
		json_set_str(out, "audience", dbx_link_audience(permissions)) < 0 ||
		json_set_str(out, "access", dbx_tag_of(permissions, "link_access_level")) < 0 ||
		json_set_str(out, "expires", json_str(link, "expires")) < 0 ||
		(password && json_set_bool(out, "password", true) < 0) ||
		(cJSON_IsFalse(download) && json_set_bool(out, "no_download", true) < 0)) {
		json_free(out);
		return NULL;
	}
	return out;
}

static int add(cJSON *list, cJSON *entry, struct err *err)
{
	if (entry && cJSON_AddItemToArray(list, entry))
		return 0;
	json_free(entry);
	return err_memory(err);
}

/* A link of a folder above says so. */
static cJSON *trim_any_link(const cJSON *link, const char *id)
{
	const char *of = json_str(link, "id");
	cJSON *out = trim_link(link);

	if (out && of && strcmp(of, id) != 0 && json_set_str(out, "folder", json_str_or(link, "name", "?")) < 0) {
		json_free(out);
		return NULL;
	}
	return out;
}

int dbx_links_list(struct connection *c, const struct dbx_as *as, const char *id, bool above, cJSON *out, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();

	if (!arg || json_set_str(arg, "path", id) < 0 || json_set_bool(arg, "direct_only", !above) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *link;
		if (dbx_object(c, as, "sharing/list_shared_links", arg, &doc, err) < 0)
			return -1;
		if (!json_array(doc, "links"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of links that is none");
		cJSON_ArrayForEach(link, json_array(doc, "links"))
		{
			const char *of = json_str(link, "id");
			if (!json_str(link, "url"))
				return err_set(err, ERR_REMOTE, "bad_answer", "a link without an address");
			if (!above && of && strcmp(of, id) != 0)
				continue;
			if (add(out, trim_any_link(link, id), err) < 0)
				return -1;
		}
		const char *next = json_str(doc, "cursor");
		if (!json_bool(doc, "has_more") || !next)
			return 0;
		if (json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a file's links does not end");
}

/* ---- members ---- */

static int add_member(cJSON *out, const cJSON *entry, const char *id, const char *email, const char *name, struct err *err)
{
	const char *access = dbx_tag_of(entry, "access_type");
	cJSON *m;

	if (json_bool(entry, "is_inherited") || strcmp(access, "owner") == 0 || strcmp(access, "traverse") == 0 ||
		strcmp(access, "no_access") == 0)
		return 0;
	if (!id && !email)
		return err_set(err, ERR_REMOTE, "bad_answer", "a member of a file who is nobody");
	m = cJSON_CreateObject();
	if (!m || json_set_str(m, "id", id) < 0 || json_set_str(m, "email", email) < 0 || json_set_str(m, "name", name) < 0 ||
		json_set_str(m, "access", access) < 0) {
		json_free(m);
		return err_memory(err);
	}
	return add(out, m, err);
}

static int read_members(const cJSON *doc, cJSON *out, struct err *err)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, json_array(doc, "users"))
	{
		const cJSON *user = json_object(entry, "user");
		if (add_member(out, entry, json_str(user, "account_id"), json_str(user, "email"), NULL, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, json_array(doc, "groups"))
	{
		const cJSON *group = json_object(entry, "group");
		if (add_member(out, entry, json_str(group, "group_id"), NULL, json_str(group, "group_name"), err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, json_array(doc, "invitees"))
	{
		if (add_member(out, entry, NULL, json_str(json_object(entry, "invitee"), "email"), NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int list_members(struct connection *c, const struct dbx_as *as, const char *id, cJSON *out, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *route = "sharing/list_file_members";

	if (!arg || json_set_str(arg, "file", id) < 0 || json_set_bool(arg, "include_inherited", false) < 0 ||
		json_set_int(arg, "limit", 300) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		if (dbx_object(c, as, route, arg, &doc, err) < 0)
			return -1;
		if (!json_array(doc, "users"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of a file's members that is none");
		if (read_members(doc, out, err) < 0)
			return -1;
		const char *next = json_str(doc, "cursor");
		if (!next || !*next)
			return 0;
		json_free(arg);
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
		route = "sharing/list_file_members/continue";
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a file's members does not end");
}

/* What cannot be listed cannot be ended, but the move ends most of it. */
static int unlisted(cJSON *receipt, const char *what, const struct err *why, struct err *err)
{
	if (!dbx_refused(why))
		return pass_on(err, why);
	return json_note(receipt, "kept_sharing", "%s: %.200s", what, why->message) < 0 ? err_memory(err) : 0;
}

int dbx_share_list(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, cJSON **ret_links,
	cJSON **ret_members, struct err *err)
{
	_cleanup_json_ cJSON *links = cJSON_CreateArray(), *members = cJSON_CreateArray();
	struct err why;

	if (!links || !members)
		return err_memory(err);
	if (dbx_links_list(c, as, id, false, links, &why) < 0 && unlisted(receipt, "its links are not known", &why, err) < 0)
		return -1;
	if (list_members(c, as, id, members, &why) < 0 && unlisted(receipt, "its members are not known", &why, err) < 0)
		return -1;
	*ret_links = TAKE_PTR(links);
	*ret_members = TAKE_PTR(members);
	return 0;
}

/* ---- comparing ---- */

static bool same(const cJSON *a, const cJSON *b, const char *key)
{
	return strcmp(json_str_or(a, key, ""), json_str_or(b, key, "")) == 0;
}

bool dbx_share_has_link(const cJSON *list, const cJSON *link, bool by_url)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, list)
	{
		if (by_url ? same(entry, link, "url") : same(entry, link, "audience") && same(entry, link, "access"))
			return true;
	}
	return false;
}

bool dbx_share_has_member(const cJSON *list, const cJSON *member)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, list)
	{
		if (json_str(member, "id") && json_str(entry, "id") ? same(entry, member, "id") :
								     json_str(member, "email") && same(entry, member, "email"))
			return true;
	}
	return false;
}

/* The list of a receipt, made when missing. */
cJSON *dbx_share_known(cJSON *receipt, const char *key)
{
	cJSON *list = json_array(receipt, key);

	if (!list) {
		list = cJSON_CreateArray();
		if (json_set(receipt, key, list) < 0)
			return NULL;
	}
	return list;
}

static cJSON *selector(const cJSON *member)
{
	const char *id = json_str(member, "id");

	return id ? dbx_choice("dropbox_id", id) : dbx_choice("email", json_str_or(member, "email", ""));
}

static const char *who(const cJSON *member)
{
	const char *email = json_str(member, "email");

	return email ? email : json_str_or(member, "name", json_str_or(member, "id", "?"));
}

/* ---- ending ---- */

/* What Dropbox refuses is noted, for the move may end it; what may pass is for core. */
static int refused(cJSON *receipt, const char *what, const struct err *why, struct err *err)
{
	if (why->class == ERR_GONE)
		return 0;
	if (dbx_passing(why))
		return pass_on(err, why);
	return json_note(receipt, "kept_sharing", "%.200s: %.200s", what, why->message) < 0 ? err_memory(err) : 0;
}

int dbx_share_revoke(struct connection *c, const struct dbx_as *as, const cJSON *link, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	struct err why;

	if (!arg || json_set_str(arg, "url", json_str(link, "url")) < 0)
		return err_memory(err);
	if (dbx_call(c, as, "sharing/revoke_shared_link", arg, NULL, &why) == 0)
		return 0;
	return refused(receipt, json_str_or(link, "url", ""), &why, err);
}

int dbx_share_expel(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *member,
	cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	struct err why;

	if (!arg || json_set_str(arg, "file", id) < 0 || json_set(arg, "member", selector(member)) < 0)
		return err_memory(err);
	if (dbx_object(c, as, "sharing/remove_file_member_2", arg, &doc, &why) < 0)
		return refused(receipt, who(member), &why, err);
	if (strcmp(dbx_tag(doc), "member_error") == 0) {
		char chain[200];
		dbx_chain(json_get(doc, "member_error"), chain, sizeof(chain));
		if (!strstr(chain, "no_explicit_access") && !strstr(chain, "invalid_member") &&
			json_note(receipt, "kept_sharing", "%.200s: %s", who(member), chain) < 0)
			return err_memory(err);
		return 0;
	}
	return strcmp(dbx_tag(doc), "success") == 0 ? 0 : err_set(err, ERR_REMOTE, "bad_answer", "a removal without a result");
}

int dbx_share_remove(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *links = NULL, *members = NULL;
	const cJSON *entry;

	if (dbx_share_list(c, as, id, receipt, &links, &members, err) < 0)
		return -1;
	cJSON *known_links = dbx_share_known(receipt, "links"), *known_members = dbx_share_known(receipt, "members");
	if (!known_links || !known_members)
		return err_memory(err);
	/* Shared since the plan was made: to be brought back as well. */
	cJSON_ArrayForEach(entry, links)
	{
		if ((!dbx_share_has_link(known_links, entry, true) && add(known_links, cJSON_Duplicate(entry, true), err) < 0) ||
			dbx_share_revoke(c, as, entry, receipt, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, members)
	{
		if ((!dbx_share_has_member(known_members, entry) && add(known_members, cJSON_Duplicate(entry, true), err) < 0) ||
			dbx_share_expel(c, as, id, entry, receipt, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- bringing back ---- */

int dbx_share_link(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *link, cJSON *receipt,
	struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	const char *access = json_str_or(link, "access", ""), *audience = json_str_or(link, "audience", "");
	struct err why;

	if (json_bool(link, "password"))
		return json_note(receipt, "not_restored", "the link %.300s had a password, which nobody can tell: make a new one",
			       json_str_or(link, "url", "")) < 0 ? err_memory(err) : 0;
	cJSON *settings = cJSON_CreateObject();
	if (json_set(arg, "settings", settings) < 0 || json_set_str(arg, "path", id) < 0 ||
		dbx_set_tag(settings, "audience", audience) < 0 || (*access && dbx_set_tag(settings, "access", access) < 0) ||
		json_set_str(settings, "expires", json_str(link, "expires")) < 0 ||
		(json_bool(link, "no_download") && json_set_bool(settings, "allow_download", false) < 0))
		return err_memory(err);
	if (dbx_object(c, as, "sharing/create_shared_link_with_settings", arg, &doc, &why) < 0) {
		if (strstr(why.message, "shared_link_already_exists"))
			return 0;
		if (dbx_passing(&why))
			return pass_on(err, &why);
		return json_note(receipt, "not_restored", "the link (%.20s, %.20s): %.200s", audience, access, why.message) < 0 ?
			err_memory(err) : 0;
	}
	const char *url = json_str(doc, "url");
	if (!url)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new link without an address");
	if (strcmp(url, json_str_or(link, "url", "")) != 0 &&
		json_note(receipt, "not_restored", "the link (%.20s, %.20s) has a new address: %.500s", audience, access, url) < 0)
		return err_memory(err);
	return 0;
}

int dbx_share_invite(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *member, cJSON *receipt,
	struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	cJSON *list = cJSON_CreateArray();
	char chain[200] = "";
	struct err why;

	if (json_set(arg, "members", list) < 0 || !cJSON_AddItemToArray(list, selector(member)) ||
		json_set_str(arg, "file", id) < 0 || json_set_bool(arg, "quiet", true) < 0 ||
		dbx_set_tag(arg, "access_level", json_str_or(member, "access", "viewer")) < 0)
		return err_memory(err);
	if (dbx_call(c, as, "sharing/add_file_member", arg, &doc, &why) < 0) {
		if (dbx_passing(&why))
			return pass_on(err, &why);
		return json_note(receipt, "not_restored", "sharing with %.200s: %.200s", who(member), why.message) < 0 ?
			err_memory(err) : 0;
	}
	const cJSON *result = cJSON_IsArray(doc) ? json_get(cJSON_GetArrayItem(doc, 0), "result") : NULL;
	if (!*dbx_tag(result))
		return err_set(err, ERR_REMOTE, "bad_answer", "an invitation without a result");
	if (strcmp(dbx_tag(result), "member_error") != 0)
		return 0;
	dbx_chain(json_get(result, "member_error"), chain, sizeof(chain));
	return json_note(receipt, "not_restored", "sharing with %.200s: %s", who(member), chain) < 0 ? err_memory(err) : 0;
}

int dbx_share_restore(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *links = NULL, *members = NULL;
	const cJSON *entry;

	if (cJSON_GetArraySize(json_array(receipt, "links")) == 0 && cJSON_GetArraySize(json_array(receipt, "members")) == 0)
		return 0;
	if (dbx_share_list(c, as, id, receipt, &links, &members, err) < 0)
		return -1;
	cJSON_ArrayForEach(entry, json_array(receipt, "members"))
	{
		if (!dbx_share_has_member(members, entry) && dbx_share_invite(c, as, id, entry, receipt, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, json_array(receipt, "links"))
	{
		if (!dbx_share_has_link(links, entry, false) && dbx_share_link(c, as, id, entry, receipt, err) < 0)
			return -1;
	}
	return 0;
}
