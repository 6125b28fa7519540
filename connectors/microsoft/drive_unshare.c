/* Who has access to a file, and ending what reaches outside: anonymous links, and whoever is of no own domain; and back. Called by
 * microsoft.c on core's job threads.
 *
 * A link for certain people that has some from outside among them ends and is made anew for the others. What comes from a folder
 * above cannot be ended at the file without breaking its inheritance, which would take it from colleagues: the act then says
 * "not_effective" and which folder it is. Receipt: as drive_act.c's without a place; permissions (those that end), made (links for
 * the colleagues), undone.
 * Sources: Graph "List who has access to a file", "Delete a sharing permission", "permission resource type", "sharingLink". */
#include "connectors/microsoft/acts.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define MIN_DATE "0001-01-01" /* how the service writes "never" */

/* ---- whom a permission is for ---- */

/* Is the login one of a guest, "i:0#.f|membership|bob_partner.example#ext#@aoba.example"? */
static bool is_guest(const char *login)
{
	return login && strcasestr(login, "#ext#");
}

/* The address of an identity set, "" when none is known. */
static const char *address_of(const cJSON *set)
{
	static const char *const kinds[] = {"user", "siteUser", "group"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *email = json_str(json_object(set, kinds[i]), "email");
		if (email && strchr(email, '@'))
			return email;
	}
	const char *login = json_str(json_object(set, "siteUser"), "loginName");
	const char *name = login ? strrchr(login, '|') : NULL;
	return name && strchr(name, '@') ? name + 1 : "";
}

/* SharePoint's claims for everybody and for everybody but guests. */
static bool is_everybody(const cJSON *set)
{
	static const char *const kinds[] = {"siteUser", "siteGroup", "user", "group"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *login = json_str(json_object(set, kinds[i]), "loginName");
		if (login && (strcasestr(login, "spo-grid-all-users") || strncasecmp(login, "c:0(.s|true", 11) == 0))
			return true;
	}
	return false;
}

static bool is_outside(const cJSON *set, const cJSON *domains)
{
	const char *login = json_str(json_object(set, "siteUser"), "loginName"), *address = address_of(set);

	return *address && (is_guest(login) || is_guest(address) || !domain_is_own(domains, address));
}

static const cJSON *grantee(const cJSON *permission)
{
	const cJSON *v2 = json_object(permission, "grantedToV2");

	return v2 ? v2 : json_object(permission, "grantedTo");
}

static const cJSON *people(const cJSON *permission)
{
	const cJSON *v2 = json_array(permission, "grantedToIdentitiesV2");

	return v2 ? v2 : json_array(permission, "grantedToIdentities");
}

static int add_text(cJSON *list, const char *text)
{
	cJSON *one = list ? cJSON_CreateString(text) : NULL;

	if (one && !cJSON_AddItemToArray(list, one))
		cJSON_Delete(one);
	return 1;
}

/* Whom of outside it names. Returns how many; outside (may be NULL) gets their addresses. */
static int outsiders(const cJSON *permission, const cJSON *domains, cJSON *outside)
{
	const char *invited = json_str(json_object(permission, "invitation"), "email");
	const cJSON *one;
	int n = 0;

	if (grantee(permission) && is_outside(grantee(permission), domains))
		n += add_text(outside, address_of(grantee(permission)));
	else if (invited && !domain_is_own(domains, invited))
		n += add_text(outside, invited);
	cJSON_ArrayForEach(one, people(permission))
	{
		if (is_outside(one, domains))
			n += add_text(outside, address_of(one));
	}
	return n;
}

static bool scope_is(const cJSON *permission, const char *scope)
{
	return strcmp(json_str_or(json_object(permission, "link"), "scope", ""), scope) == 0;
}

/* Does it let somebody in who is of no own domain? */
static bool reaches_out(const cJSON *permission, const cJSON *domains)
{
	return scope_is(permission, "anonymous") || outsiders(permission, domains, NULL) > 0;
}

/* ---- the own domains ---- */

int ms_own_domains(struct connection *c, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL, *list = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	const cJSON *one;

	int r = domains_get(&c->domains, ret, err);
	if (r <= 0)
		return r;
	if (graph_url(c, &url, err, "/organization", NULL) < 0)
		return -1;
	if (!(list = cJSON_CreateArray()) || url_query(&url, "$select", "id,verifiedDomains") < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return -1;
	cJSON_ArrayForEach(one, json_array(cJSON_GetArrayItem(json_array(doc, "value"), 0), "verifiedDomains"))
	{
		const char *name = json_str(one, "name");
		cJSON *text = name && *name ? cJSON_CreateString(name) : NULL;
		if (text && !cJSON_AddItemToArray(list, text))
			return err_memory(err);
	}
	/* Nobody would be a colleague. */
	if (!list->child)
		return err_set(err, ERR_REMOTE, "bad_answer", "an organisation without domains");
	if (domains_put(&c->domains, list, err) < 0)
		return -1;
	*ret = TAKE_PTR(list);
	return 0;
}

/* ---- who has access ---- */

static bool expires(const cJSON *permission)
{
	const char *at = json_str(permission, "expirationDateTime");

	return at && *at && strncmp(at, MIN_DATE, strlen(MIN_DATE)) != 0;
}

int ms_drive_sharing(struct connection *c, const char *drive, const char *id, struct sharing *ret, struct err *err)
{
	_cleanup_json_ cJSON *all = NULL, *domains = NULL;
	struct sharing out = {.arena = ret->arena, .password = true, .expires = true};
	const cJSON *permission, *one;

	if (ms_own_domains(c, &domains, err) < 0 || ms_share_all(c, drive, id, &all, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, all)
	{
		_cleanup_json_ cJSON *outside = cJSON_CreateArray();
		if (!outside)
			return err_memory(err);
		if (scope_is(permission, "anonymous")) {
			/* Of several links the most open one counts. */
			out.public_link = true;
			out.password = out.password && json_bool(permission, "hasPassword");
			out.expires = out.expires && expires(permission);
		}
		out.organisation_link = out.organisation_link || scope_is(permission, "organization") ||
			is_everybody(grantee(permission));
		outsiders(permission, domains, outside);
		cJSON_ArrayForEach(one, outside)
		{
			if (sharing_add_outside(&out, cJSON_GetStringValue(one), err) < 0)
				return -1;
		}
	}
	out.password = out.password && out.public_link;
	out.expires = out.expires && out.public_link;
	*ret = out;
	return 0;
}

/* ---- the act ---- */

/* What is there, split: what ends, and the name of a folder that lets somebody in from outside. */
struct split {
	cJSON *all;    /* as they came */
	cJSON *ends;   /* direct ones that reach out; lent from all */
	char folder[300]; /* "" none */
};

static void split_free(struct split *s)
{
	json_free(s->ends);
	json_free(s->all);
}

#define _cleanup_split_ _cleanup_(split_free)

static void name_folder(const cJSON *permission, char out[300])
{
	const char *path = json_str_or(json_object(permission, "inheritedFrom"), "path", "");
	const char *below = strstr(path, "root:");
	_cleanup_buf_ struct buf plain = BUF_INIT(290);

	below = below ? below + 5 : path;
	if (url_decode(&plain, below, strlen(below), false) < 0)
		buf_clear(&plain);
	snprintf(out, 300, "%.290s", *below ? plain.len ? buf_str(&plain) : below : "/");
}

static int split_now(struct connection *c, const cJSON *receipt, const cJSON *domains, struct split *ret, struct err *err)
{
	_cleanup_split_ struct split s = {.ends = cJSON_CreateArray()};
	const cJSON *permission;

	if (!s.ends)
		return err_memory(err);
	if (ms_share_all(c, json_str(receipt, "drive"), json_str(receipt, "id"), &s.all, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, s.all)
	{
		if (!reaches_out(permission, domains))
			continue;
		if (json_object(permission, "inheritedFrom"))
			name_folder(permission, s.folder);
		else if (!json_str(permission, "id"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a permission without an id");
		else if (!cJSON_AddItemReferenceToArray(s.ends, (cJSON *)(uintptr_t)permission))
			return err_memory(err);
	}
	*ret = s;
	s = (struct split){0};
	return 0;
}

/* The link for those of its people who are colleagues; NULL when there are none. */
static cJSON *for_colleagues(const cJSON *permission, const cJSON *domains)
{
	cJSON *copy = scope_is(permission, "users") ? ms_share_trim(permission) : NULL, *list = cJSON_CreateArray();
	const cJSON *one;

	cJSON_ArrayForEach(one, people(permission))
	{
		if (copy && !is_outside(one, domains))
			cJSON_AddItemToArray(list, cJSON_Duplicate(one, true));
	}
	if (cJSON_GetArraySize(list) == 0) {
		json_free(list);
		json_free(copy);
		return NULL;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "grantedToIdentities");
	if (json_set(copy, "grantedToIdentitiesV2", list) < 0) {
		json_free(copy);
		return NULL;
	}
	cJSON *slim = ms_share_trim(copy);
	json_free(copy);
	return slim;
}

static bool has_id(const cJSON *list, const char *id)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		if (strcmp(json_str_or(one, "id", ""), id) == 0)
			return true;
	}
	return false;
}

/* Writes down what ends, and what is made instead, before either is done. */
static int note(cJSON *receipt, const struct split *s, const cJSON *domains, struct err *err)
{
	const cJSON *permission;

	cJSON_ArrayForEach(permission, s->ends)
	{
		cJSON *list = json_array(receipt, "permissions"), *made = json_array(receipt, "made");
		if (has_id(list, json_str(permission, "id")) || json_get(receipt, "permissions_cut"))
			continue;
		cJSON *copy = ms_share_trim(permission), *inside = for_colleagues(permission, domains);
		if (!copy || !cJSON_AddItemToArray(list, copy)) {
			json_free(inside);
			return err_memory(err);
		}
		if (inside && !cJSON_AddItemToArray(made, inside))
			return err_memory(err);
	}
	return ms_share_fit(receipt, err);
}

static int not_effective(const char *folder, struct err *err)
{
	return err_set(err, ERR_REMOTE, "not_effective", "its folder %.280s lets in whoever is outside: end that there", folder);
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL, *domains = NULL;
	_cleanup_split_ struct split s = {0};

	if (json_set_str(receipt, "drive", json_str(context, "drive")) < 0 || json_set_str(receipt, "owner", stream->owner) < 0 ||
		json_set_str(receipt, "id", item->id) < 0 || json_set(receipt, "permissions", cJSON_CreateArray()) < 0 ||
		json_set(receipt, "made", cJSON_CreateArray()) < 0)
		return err_memory(err);
	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	if (!ms_drive_version_is(now, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (ms_drive_note(receipt, now, err) < 0 || ms_own_domains(c, &domains, err) < 0 ||
		split_now(c, receipt, domains, &s, err) < 0)
		return -1;
	if (!s.ends->child && *s.folder)
		return not_effective(s.folder, err);
	return note(receipt, &s, domains, err);
}

/* Links for the colleagues who were on a link that ended. */
static int make_links(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;
	const cJSON *link;

	if (cJSON_GetArraySize(json_array(receipt, "made")) == 0)
		return 0;
	if (ms_share_list(c, json_str(receipt, "drive"), json_str(receipt, "id"), &now, NULL, err) < 0)
		return -1;
	cJSON_ArrayForEach(link, json_array(receipt, "made"))
	{
		_cleanup_json_ cJSON *notes = cJSON_CreateObject();
		struct err why;
		if (ms_share_find(now, link) ||
			ms_share_link(c, json_str(receipt, "drive"), json_str(receipt, "id"), link, notes, &why) == 0)
			continue;
		if (why.class != ERR_REMOTE)
			return pass_on(err, &why);
		if (json_note(receipt, "notes", "no link for the colleagues who had one: %.200s", why.message) < 0)
			return err_memory(err);
	}
	return 0;
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *drive = json_str(receipt, "drive"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL, *domains = NULL;
	_cleanup_split_ struct split s = {0};
	const cJSON *permission;
	struct err why, refused = {0};

	if (ms_drive_look(c, receipt, &now, err) < 0)
		return -1;
	if (!ms_drive_same_content(receipt, now)) {
		/* Nobody judged what it is now; an earlier try may have come as far as to end something. */
		if (again && ms_share_restore(c, drive, id, receipt, &why) < 0 && why.class != ERR_REMOTE)
			return pass_on(err, &why);
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	}
	if (ms_own_domains(c, &domains, err) < 0 || split_now(c, receipt, domains, &s, err) < 0 ||
		note(receipt, &s, domains, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, s.ends)
	{
		if (ms_share_delete(c, drive, id, json_str(permission, "id"), &why) == 0)
			continue;
		if (why.class != ERR_REMOTE)
			return pass_on(err, &why);
		refused = why;
	}
	if (make_links(c, receipt, err) < 0)
		return -1;
	if (*s.folder)
		return not_effective(s.folder, err);
	if (refused.class == ERR_REMOTE)
		return err_set(err, ERR_REMOTE, "not_effective", "the service refuses to end it: %.200s", refused.message);
	return 0;
}

/* The links that were made for colleagues end: they are on the old one again. */
static int end_made(struct connection *c, const cJSON *receipt, struct err *err)
{
	const char *drive = json_str(receipt, "drive"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL;
	const cJSON *link;

	if (cJSON_GetArraySize(json_array(receipt, "made")) == 0)
		return 0;
	if (ms_share_list(c, drive, id, &now, NULL, err) < 0)
		return -1;
	cJSON_ArrayForEach(link, json_array(receipt, "made"))
	{
		const cJSON *there = ms_share_find(now, link);
		struct err why;
		if (there && ms_share_delete(c, drive, id, json_str_or(there, "id", "-"), &why) < 0 && why.class != ERR_REMOTE)
			return pass_on(err, &why);
	}
	return 0;
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;

	if (ms_drive_look(c, receipt, &now, err) < 0 ||
		ms_share_restore(c, json_str(receipt, "drive"), json_str(receipt, "id"), receipt, err) < 0 ||
		end_made(c, receipt, err) < 0)
		return -1;
	return MEM_OK(json_set_bool(receipt, "undone", true) == 0, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(262144);
	_cleanup_json_ cJSON *now = NULL, *domains = NULL, *direct = NULL;
	const cJSON *permission, *list = json_array(receipt, "permissions");
	_cleanup_split_ struct split s = {0};
	struct err why;

	if (!a || !(direct = cJSON_CreateArray()))
		return err_memory(err);
	if (ms_drive_look(c, receipt, &now, &why) < 0)
		return why.class == ERR_GONE ? 0 : pass_on(err, &why);
	if (ms_own_domains(c, &domains, err) < 0 || split_now(c, receipt, domains, &s, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, s.ends)
	{
		if (!cJSON_AddItemToArray(direct, ms_share_trim(permission)))
			return err_memory(err);
	}
	bool all = list && list->child;
	cJSON_ArrayForEach(permission, list)
	{
		all = all && ms_share_find(direct, permission);
	}
	const char *path = ms_drive_path(a, now), *version = ms_drive_version(a, now);
	ret->exists = true;
	ret->quarantined = !s.ends->child && !*s.folder;
	ret->restored = all || json_bool(receipt, "undone");
	snprintf(ret->place, sizeof(ret->place), "%.300s%s%.200s", path ? path : "", path && path[1] ? "/" : "",
		json_str_or(now, "name", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

const struct graph_act ms_drive_unshare = {
	.kind = ACT_UNSHARE,
	.name = "unshare",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
};
