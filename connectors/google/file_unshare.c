/* Who has access to a file, and ending what reaches outside: "anyone", and whoever is of no own domain; and back. Called by google.c
 * on core's job threads.
 *
 * Only what belongs to the file itself ends. What it has from a folder or from its shared drive's members stays: the act then says
 * "not_effective" and where it comes from. Receipt: user, user_id, id, name, permissions (those that end), undone.
 * Sources: Drive "Share files, folders, and drives", permissions.list (permissionDetails), Directory domains.list, users.list. */
#include "connectors/google/files.h"

#include <string.h>
#include <strings.h>

static bool type_is(const cJSON *permission, const char *type)
{
	return strcmp(json_str_or(permission, "type", ""), type) == 0;
}

static bool is_anyone(const cJSON *permission)
{
	return type_is(permission, "anyone");
}

/* "bob@partner.example", "@partner.example", or "" for nobody of outside. */
static int outsider(const cJSON *permission, const cJSON *domains, struct buf *ret)
{
	const char *address = json_str(permission, "emailAddress"), *domain = json_str(permission, "domain");
	int r = 0;

	if (json_bool(permission, "deleted"))
		return 0;
	if (type_is(permission, "domain"))
		r = buf_addf(ret, "@%s", domain ? domain : "");
	else if (type_is(permission, "user") || type_is(permission, "group"))
		r = buf_adds(ret, address ? address : "");
	if (r == 0 && domain_is_own(domains, buf_str(ret)))
		buf_clear(ret);
	return r;
}

static bool reaches_out(const cJSON *permission, const cJSON *domains)
{
	_cleanup_buf_ struct buf who = BUF_INIT(1024);

	return is_anyone(permission) || outsider(permission, domains, &who) < 0 || who.len > 0;
}

int file_sharing(struct connection *c, const cJSON *context, const char *id, struct sharing *ret, struct err *err)
{
	_cleanup_json_ cJSON *all = NULL, *domains = NULL;
	struct sharing out = {.arena = ret->arena, .expires = true};
	const cJSON *permission;

	if (own_domains(c, &domains, err) < 0 || share_all(c, file_actor(context), id, &all, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, all)
	{
		_cleanup_buf_ struct buf who = BUF_INIT(1024);
		if (is_anyone(permission)) {
			out.public_link = true;
			out.expires = out.expires && json_str(permission, "expirationTime");
		}
		if (outsider(permission, domains, &who) < 0)
			return err_memory(err);
		if (who.len && sharing_add_outside(&out, buf_str(&who), err) < 0)
			return -1;
		out.organisation_link = out.organisation_link || (type_is(permission, "domain") && !who.len);
	}
	out.expires = out.expires && out.public_link;
	*ret = out;
	return 0;
}

/* ---- the act ---- */

/* What is there, split. */
struct split {
	cJSON *ends;      /* direct ones that reach out, with what restoring needs */
	char from[128];   /* id of the folder or drive that lets somebody in from outside; "" none */
};

static void split_free(struct split *s)
{
	json_free(s->ends);
}

#define _cleanup_split_ _cleanup_(split_free)

/* Where an inherited permission comes from; NULL for one that is the file's own alone. */
static const cJSON *inherited(const cJSON *permission)
{
	const cJSON *detail;

	cJSON_ArrayForEach(detail, json_array(permission, "permissionDetails"))
	{
		if (json_bool(detail, "inherited"))
			return detail;
	}
	return NULL;
}

static int split_now(struct connection *c, const cJSON *receipt, const cJSON *domains, struct split *ret, struct err *err)
{
	_cleanup_json_ cJSON *all = NULL, *direct = NULL;
	_cleanup_split_ struct split s = {0};
	cJSON *permission, *next;

	if (share_all(c, json_str(receipt, "user"), json_str(receipt, "id"), &all, err) < 0 || share_direct(all, &direct, err) < 0)
		return -1;
	for (permission = direct->child; permission; permission = next) {
		next = permission->next;
		if (!reaches_out(permission, domains))
			cJSON_Delete(cJSON_DetachItemViaPointer(direct, permission));
	}
	cJSON_ArrayForEach(permission, all)
	{
		const cJSON *detail = inherited(permission);
		if (detail && reaches_out(permission, domains))
			snprintf(s.from, sizeof(s.from), "%.120s", json_str_or(detail, "inheritedFrom", "?"));
	}
	s.ends = TAKE_PTR(direct);
	*ret = s;
	s = (struct split){0};
	return 0;
}

static int not_effective(struct connection *c, const cJSON *receipt, const char *from, struct err *err)
{
	_cleanup_json_ cJSON *folder = NULL;

	file_get(c, json_str(receipt, "user"), from, "id,name", &folder, NULL);
	return err_set(err, ERR_REMOTE, "not_effective", "%.200s lets in whoever is outside: end that there",
		json_str_or(folder, "name", "its folder or shared drive"));
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL, *domains = NULL;
	_cleanup_split_ struct split s = {0};

	if (json_set_str(receipt, "user", file_actor(context)) < 0)
		return err_memory(err);
	if (file_get(c, file_actor(context), item->id, FILE_FIELDS, &now, err) < 0)
		return -1;
	if (!file_version_is(now, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (json_set_str(receipt, "name", json_str(now, "name")) < 0)
		return err_memory(err);
	if (own_domains(c, &domains, err) < 0 || split_now(c, receipt, domains, &s, err) < 0)
		return -1;
	if (!s.ends->child && *s.from)
		return not_effective(c, receipt, s.from, err);
	return share_note(receipt, s.ends, err);
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *user = json_str(receipt, "user"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL, *domains = NULL;
	_cleanup_split_ struct split s = {0};
	struct err why = {0}, refused = {0};
	const cJSON *permission;
	bool written = false;

	if (file_get(c, user, id, FILE_FIELDS, &now, err) < 0 ||
		file_written(c, user, now, json_str_or(receipt, "version", ""), &written, err) < 0)
		return -1;
	if (written) {
		/* Nobody judged what it is now; an earlier try may have come as far as to end something. */
		if (again && share_restore(c, user, id, receipt, &why) < 0 && err_passing(&why))
			return pass_on(err, &why);
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	}
	if (own_domains(c, &domains, err) < 0 || split_now(c, receipt, domains, &s, err) < 0 || share_note(receipt, s.ends, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, s.ends)
	{
		if (share_delete(c, user, id, json_str(permission, "id"), &why) == 0)
			continue;
		if (why.class != ERR_REMOTE && why.class != ERR_CHANGED)
			return pass_on(err, &why);
		refused = why;
	}
	if (*s.from)
		return not_effective(c, receipt, s.from, err);
	if (refused.class != ERR_NONE)
		return err_set(err, ERR_REMOTE, "not_effective", "Google refuses to end it: %.200s", refused.message);
	return 0;
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *user = json_str(receipt, "user"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *now = NULL;

	if (file_get(c, user, id, "id", &now, err) < 0 || share_restore(c, user, id, receipt, err) < 0)
		return -1;
	return MEM_OK(json_set_bool(receipt, "undone", true) == 0, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *list = json_array(receipt, "permissions"), *permission;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *now = NULL, *domains = NULL;
	_cleanup_split_ struct split s = {0};
	struct err why = {0};

	if (!a)
		return err_memory(err);
	if (file_get(c, json_str(receipt, "user"), json_str(receipt, "id"), FILE_FIELDS, &now, &why) < 0)
		return err_not_there(&why) ? 0 : pass_on(err, &why);
	if (own_domains(c, &domains, err) < 0 || split_now(c, receipt, domains, &s, err) < 0)
		return -1;
	bool all = list && list->child;
	cJSON_ArrayForEach(permission, list)
	{
		all = all && share_find(s.ends, permission);
	}
	const char *version = file_version(a, now);
	ret->exists = true;
	ret->quarantined = !s.ends->child && !*s.from;
	ret->restored = all || json_bool(receipt, "undone");
	snprintf(ret->place, sizeof(ret->place), "%.500s", json_str_or(now, "name", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

const struct google_act file_unshare = {
	.kind = ACT_UNSHARE,
	.name = "unshare",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
};
