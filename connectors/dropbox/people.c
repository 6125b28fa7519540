/* The people of a team, for rules about users and groups, and its own domains. Called by access.c and, for core, dropbox.c on core's job
 * threads.
 *
 * Costs: a call for each 1,000 members; groups, whose scope is groups.read, with each page. Dropbox tells no titles and no
 * departments. Own domains are those of the members' addresses, public mail services left out. Sources: team.stone. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGE 1000
#define PAGES_MAX 500

static int members_page(struct connection *c, const char *at, cJSON **ret, const char **ret_next, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	int limit = c->page_size > 0 && c->page_size < PAGE ? c->page_size : PAGE;

	if (!arg || (at ? json_set_str(arg, "cursor", at) : json_set_int(arg, "limit", limit)) < 0)
		return err_memory(err);
	if (dbx_object(c, NULL, at ? "team/members/list/continue_v2" : "team/members/list_v2", arg, &doc, err) < 0)
		return -1;
	if (!json_array(doc, "members"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of members that is none");
	const char *next = json_bool(doc, "has_more") ? json_str(doc, "cursor") : NULL;
	if (next && at && strcmp(next, at) == 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "the list of members does not end");
	*ret_next = next;
	*ret = TAKE_PTR(doc);
	return 0;
}

/* ---- domains ---- */

static int add_domain(cJSON *list, const char *email)
{
	const char *domain = address_domain(email);

	if (!domain || domain_is_public(domain) || (cJSON_GetArraySize(list) > 0 && domain_is_own(list, email)))
		return 0;
	char *lower = text_lower(strdup(domain));
	bool ok = lower && cJSON_AddItemToArray(list, cJSON_CreateString(lower));
	free(lower);
	return ok ? 0 : -1;
}

static int read_domains(struct connection *c, cJSON *list, struct err *err)
{
	_cleanup_buf_ struct buf at = BUF_INIT(CONNECTOR_TEXT_MAX);

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const char *next;
		const cJSON *member;
		if (members_page(c, at.len ? buf_str(&at) : NULL, &doc, &next, err) < 0)
			return -1;
		cJSON_ArrayForEach(member, json_array(doc, "members"))
		{
			const cJSON *profile = json_object(member, "profile");
			if (strcmp(dbx_tag_of(profile, "status"), "removed") != 0 && add_domain(list, json_str(profile, "email")) < 0)
				return err_memory(err);
		}
		if (!next)
			break;
		buf_clear(&at);
		if (buf_adds(&at, next) < 0)
			return err_memory(err);
	}
	return 0;
}

static int find_domains(struct connection *c, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();

	if (!list)
		return err_memory(err);
	if (read_domains(c, list, err) < 0 || domains_put(&c->domains, list, err) < 0)
		return -1;
	*ret = TAKE_PTR(list);
	return 0;
}

int dbx_domains(struct connection *c, cJSON **ret, struct err *err)
{
	int r = domains_get(&c->domains, ret, err);

	return r == 1 ? find_domains(c, ret, err) : r;
}

/* ---- groups ---- */

/* {id: name}. 1: they may not be read. */
static int read_groups(struct connection *c, cJSON *out, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	const char *route = "team/groups/list";
	struct err why;

	if (!arg || json_set_int(arg, "limit", PAGE) < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *group;
		if (dbx_object(c, NULL, route, arg, &doc, &why) < 0)
			return why.class == ERR_CONSENT || dbx_refused(&why) ? 1 : pass_on(err, &why);
		cJSON_ArrayForEach(group, json_array(doc, "groups"))
		{
			const char *id = json_str(group, "group_id"), *name = json_str(group, "group_name");
			if (id && *id && name && json_set_str(out, id, name) < 0)
				return err_memory(err);
		}
		const char *next = json_str(doc, "cursor");
		if (!json_bool(doc, "has_more") || !next)
			return 0;
		json_free(arg);
		arg = cJSON_CreateObject();
		if (!arg || json_set_str(arg, "cursor", next) < 0)
			return err_memory(err);
		route = "team/groups/list/continue";
	}
	return 0;
}

/* ---- the list ---- */

static const char *const *names_of(struct arena *a, const cJSON *profile, const cJSON *groups)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	const cJSON *id;

	cJSON_ArrayForEach(id, json_array(profile, "groups"))
	{
		const char *text = cJSON_GetStringValue(id), *name = text ? json_str(groups, text) : NULL;
		if (name && !cJSON_AddItemToArray(list, cJSON_CreateString(name)))
			return NULL;
	}
	return list ? arena_strings(a, list, false) : NULL;
}

static const char *const *aliases_of(struct arena *a, const cJSON *profile)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(profile, "secondary_emails"))
	{
		/* Anybody can claim one that is not proved. */
		if (json_bool(e, "is_verified") && json_str(e, "email") && !cJSON_AddItemToArray(list, cJSON_CreateString(json_str(e, "email"))))
			return NULL;
	}
	return list ? arena_strings(a, list, true) : NULL;
}

static int put_person(struct people_page *page, const cJSON *profile, const cJSON *groups, struct err *err)
{
	const char *email = json_str(profile, "email");
	struct arena *a = page->arena;

	if (!email || !strchr(email, '@') || strcmp(dbx_tag_of(profile, "status"), "removed") == 0)
		return 0;
	struct person *p = &page->people[page->n_people++];
	*p = (struct person){.address = text_lower(arena_dup(a, email)), .name = arena_dup(a, json_str_or(json_object(profile, "name"), "display_name", "")),
		.org_unit = "", .job_title = "", .aliases = aliases_of(a, profile), .groups = names_of(a, profile, groups)};
	return p->address && p->name && p->aliases && p->groups ? 0 : err_memory(err);
}

static int put_domains(struct connection *c, struct people_page *page, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *one;

	if (find_domains(c, &list, err) < 0)
		return -1;
	page->domains = arena_alloc(page->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*page->domains));
	if (!page->domains)
		return err_memory(err);
	cJSON_ArrayForEach(one, list)
		if (!(page->domains[page->n_domains++] = arena_dup(page->arena, one->valuestring)))
			return err_memory(err);
	return 0;
}

int dbx_people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL, *groups = cJSON_CreateObject();
	struct people_page page = {.arena = ret->arena};
	const char *next;
	const cJSON *member;
	struct err why;

	if (!groups)
		return err_memory(err);
	if (members_page(c, cursor, &doc, &next, &why) < 0)
		return why.class == ERR_CONSENT ? err_set(err, ERR_REMOTE, "forbidden", "%.300s", why.message) : pass_on(err, &why);
	int r = read_groups(c, groups, err);
	if (r < 0)
		return -1;
	if (r == 1)
		page.missing = "groups: the app lacks the scope groups.read";
	page.people = arena_alloc(page.arena, ((size_t)cJSON_GetArraySize(json_array(doc, "members")) + 1) * sizeof(*page.people));
	if (!page.people)
		return err_memory(err);
	cJSON_ArrayForEach(member, json_array(doc, "members"))
	{
		if (put_person(&page, json_object(member, "profile"), groups, err) < 0)
			return -1;
	}
	if (!cursor && put_domains(c, &page, err) < 0)
		return -1;
	if (next && !(page.next = arena_dup(page.arena, next)))
		return err_memory(err);
	*ret = page;
	return 0;
}
