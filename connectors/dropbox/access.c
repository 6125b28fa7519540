/* Who reaches a file beside its owner: links and people from outside the team. Called by unshare.c and, for core, dropbox.c on core's
 * job threads.
 *
 * Costs: the file, its links, its members, and the name of the shared folder when somebody comes with it. An invitation names an
 * address only; it is from outside when its domain is no member's. Sources: sharing.stone. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGES_MAX 100

void dbx_access_free(struct dbx_access *a)
{
	json_free(a->links);
	json_free(a->members);
	*a = (struct dbx_access){0};
}

struct reader {
	struct connection *c;
	const struct dbx_as *as;
	const cJSON *file;
	struct dbx_access *access;
	cJSON *domains;     /* when they were needed */
	cJSON *folder;      /* metadata of the shared folder around it */
	bool folder_asked;
};

static const char *folder_name(struct reader *r)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *id = json_str(json_object(r->file, "sharing_info"), "parent_shared_folder_id");

	if (!r->folder_asked && id && json_set_str(arg, "shared_folder_id", id) == 0 &&
		dbx_object(r->c, r->as, "sharing/get_folder_metadata", arg, &r->folder, NULL) < 0)
		r->folder = NULL;
	r->folder_asked = true;
	return json_str_or(r->folder, "name", "shared with them");
}

static int add(struct reader *r, const cJSON *entry, const char *id, const char *email, const char *name, struct err *err)
{
	const char *access = dbx_tag_of(entry, "access_type");
	cJSON *m = cJSON_CreateObject();

	if (json_set_str(m, "id", id) < 0 || json_set_str(m, "email", email) < 0 || json_set_str(m, "name", name) < 0 ||
		json_set_str(m, "access", access) < 0 ||
		(json_bool(entry, "is_inherited") && json_set_str(m, "folder", folder_name(r)) < 0) ||
		!cJSON_AddItemToArray(r->access->members, m)) {
		json_free(m);
		return err_memory(err);
	}
	return 0;
}

static bool counts(const cJSON *entry)
{
	const char *access = dbx_tag_of(entry, "access_type");

	return strcmp(access, "owner") != 0 && strcmp(access, "traverse") != 0 && strcmp(access, "no_access") != 0;
}

static int read_page(struct reader *r, const cJSON *doc, struct err *err)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(doc, "users"))
	{
		const cJSON *user = json_object(e, "user");
		if (counts(e) && cJSON_IsFalse(json_get(user, "same_team")) &&
			add(r, e, json_str(user, "account_id"), json_str(user, "email"), NULL, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(e, json_array(doc, "groups"))
	{
		const cJSON *group = json_object(e, "group");
		if (counts(e) && cJSON_IsFalse(json_get(group, "same_team")) &&
			add(r, e, json_str(group, "group_id"), NULL, json_str(group, "group_name"), err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(e, json_array(doc, "invitees"))
	{
		const char *email = json_str(json_object(e, "invitee"), "email");
		if (!counts(e) || !email)
			continue;
		if (!r->domains && dbx_domains(r->c, &r->domains, err) < 0)
			return -1;
		if (!domain_is_own(r->domains, email) && add(r, e, NULL, email, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int read_members(struct reader *r, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *route = "sharing/list_file_members";

	if (!arg || json_set_str(arg, "file", json_str(r->file, "id")) < 0 || json_set_bool(arg, "include_inherited", true) < 0 ||
		json_set_int(arg, "limit", 300) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		if (dbx_object(r->c, r->as, route, arg, &doc, err) < 0)
			return -1;
		if (!json_array(doc, "users"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of a file's members that is none");
		if (read_page(r, doc, err) < 0)
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

int dbx_access_read(struct connection *c, const struct dbx_as *as, const cJSON *file, struct dbx_access *ret, struct err *err)
{
	struct dbx_access a = {.links = cJSON_CreateArray(), .members = cJSON_CreateArray()};
	struct reader r = {.c = c, .as = as, .file = file, .access = &a};
	struct err why = {0};
	bool ok = a.links && a.members;

	if (!ok)
		err_memory(&why);
	if (ok && dbx_links_list(c, as, json_str(file, "id"), true, a.links, &why) < 0) {
		a.links_unknown = ok = dbx_refused(&why);
		a.why = why;
	}
	if (ok && read_members(&r, &why) < 0) {
		a.members_unknown = ok = dbx_refused(&why);
		a.why = why;
	}
	json_free(r.domains);
	json_free(r.folder);
	if (!ok) {
		dbx_access_free(&a);
		return pass_on(err, &why);
	}
	*ret = a;
	return 0;
}

int dbx_sharing_read(struct connection *c, const cJSON *stream_context, const struct item *item, struct sharing *ret,
	struct err *err)
{
	_cleanup_(dbx_access_free) struct dbx_access a = {0};
	struct sharing s = {.arena = ret->arena, .password = true, .expires = true};
	_cleanup_json_ cJSON *file = NULL;
	const cJSON *e;
	struct dbx_as as;

	if (dbx_as_of(stream_context, &as, err) < 0 || dbx_file(c, &as, item->id, &file, err) < 0 ||
		dbx_access_read(c, &as, file, &a, err) < 0)
		return -1;
	/* Half of it is better than nothing; nothing is no answer. */
	if (a.links_unknown && a.members_unknown)
		return pass_on(err, &a.why);
	cJSON_ArrayForEach(e, a.links)
	{
		const char *audience = json_str_or(e, "audience", "");
		bool open = strcmp(audience, "public") == 0;
		s.public_link |= open;
		s.organisation_link |= strcmp(audience, "team") == 0;
		/* Of all that are open: one without is as good as none. */
		s.password &= !open || json_bool(e, "password");
		s.expires &= !open || json_str(e, "expires") != NULL;
	}
	s.password &= s.public_link;
	s.expires &= s.public_link;
	cJSON_ArrayForEach(e, a.members)
	{
		if (json_str(e, "email") && sharing_add_outside(&s, json_str(e, "email"), err) < 0)
			return -1;
	}
	*ret = s;
	return 0;
}
