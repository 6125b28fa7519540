/* The organisation's people with their groups, for rules about users, groups and colleagues, and its own domains. Called by google.c
 * on core's job threads.
 *
 * The scopes for groups and domains are beyond those that sekisho needs: the grant's option `groups` asks for them too. Without the one
 * people come without groups and the page says so; without the other the domains are those of people's addresses, which is all that
 * matters for who is outside. A page is as long as may be asked about one by one. The cursor is the page's token, behind "plain:" once
 * groups were refused. Sources: Directory users.list, groups.list (userKey), domains.list, domainAliases.list. */
#include "connectors/google/google.h"

#include <string.h>
#include <strings.h>

#define PLAIN "plain:"
#define PAGE 100
#define GROUP_PAGES_MAX 10
#define USER_PAGES_MAX 100
#define NO_GROUPS "groups: the scope admin.directory.group.readonly"
#define USER_FIELDS                                                                                                    \
	"nextPageToken,users(id,primaryEmail,name(fullName),orgUnitPath,organizations(title,department,primary),aliases," \
	"nonEditableAliases)"

static int list_users(struct connection *c, const char *fields, int top, const char *token, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (directory_url(c, &url, err, "/users", NULL) < 0)
		return -1;
	if (url_query(&url, "customer", "my_customer") < 0 || url_query_int(&url, "maxResults", top) < 0 ||
		url_query(&url, "fields", fields) < 0 || (token && *token && url_query(&url, "pageToken", token) < 0))
		return err_memory(err);
	return google_get(c, c->admin, buf_str(&url), ret, err);
}

/* ---- the own domains ---- */

static int add_domain(cJSON *list, const char *domain, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(300);

	if (!domain || !*domain || buf_adds(&text, domain) < 0)
		return 0;
	text_lower(text.data);
	return MEM_OK(list_add(list, buf_str(&text)) == 0, err);
}

static int add_domain_of(cJSON *list, const char *address, struct err *err)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	/* Google's own, which everybody has as an alias. */
	if (!at || strcasestr(at, ".test-google-a.com"))
		return 0;
	return add_domain(list, at + 1, err);
}

/* 0, or 1 when they may not be read. */
static int listed_domains(struct connection *c, cJSON *list, struct err *err)
{
	static const struct {
		const char *path, *key, *name;
	} lists[] = {{"/customer/my_customer/domains", "domains", "domainName"},
		{"/customer/my_customer/domainaliases", "domainAliases", "domainAliasName"}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *one;
		struct err why = {0};
		if (url_make(&url, err, c->directory, "/admin/directory/v1", NULL) < 0)
			return -1;
		if (buf_adds(&url, lists[i].path) < 0)
			return err_memory(err);
		if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
			if (i == 0)
				return err_optional(&why) ? 1 : pass_on(err, &why);
			if (!err_optional(&why) && !err_not_there(&why))
				return pass_on(err, &why);
		}
		cJSON_ArrayForEach(one, json_array(doc, lists[i].key))
		{
			if (json_bool(one, "verified") && add_domain(list, json_str(one, lists[i].name), err) < 0)
				return -1;
		}
	}
	return list->child ? 0 : 1;
}

/* What people's addresses say: their own and their aliases'. */
static int domains_of_people(struct connection *c, cJSON *list, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	if (add_domain_of(list, c->admin, err) < 0)
		return -1;
	for (int page = 0; page < USER_PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *user, *one;
		if (list_users(c, "nextPageToken,users(primaryEmail,aliases,nonEditableAliases)", 500, buf_str(&token), &doc, err) < 0)
			return -1;
		cJSON_ArrayForEach(user, json_array(doc, "users"))
		{
			if (add_domain_of(list, json_str(user, "primaryEmail"), err) < 0)
				return -1;
			cJSON_ArrayForEach(one, json_array(user, "aliases"))
			{
				if (add_domain_of(list, cJSON_GetStringValue(one), err) < 0)
					return -1;
			}
			cJSON_ArrayForEach(one, json_array(user, "nonEditableAliases"))
			{
				if (add_domain_of(list, cJSON_GetStringValue(one), err) < 0)
					return -1;
			}
		}
		int more = google_next(doc, &token, err);
		if (more <= 0)
			return more;
	}
	return 0;
}

int own_domains(struct connection *c, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;

	int r = domains_get(&c->domains, ret, err);
	if (r <= 0)
		return r;
	if (!(list = cJSON_CreateArray()))
		return err_memory(err);
	r = listed_domains(c, list, err);
	if (r == 1)
		r = domains_of_people(c, list, err);
	if (r < 0 || domains_put(&c->domains, list, err) < 0)
		return -1;
	*ret = TAKE_PTR(list);
	return 0;
}

/* ---- one person ---- */

static int add_text(cJSON *list, const char *text, struct err *err)
{
	return text && *text ? MEM_OK(list_add(list, text) == 0, err) : 0;
}

/* 0, or 1 when groups may not be read. */
static int ask_groups(struct connection *c, const char *id, cJSON *groups, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	for (int page = 0; page < GROUP_PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *one;
		struct err why = {0};
		if (directory_url(c, &url, err, "/groups", NULL) < 0)
			return -1;
		if (url_query(&url, "userKey", id) < 0 || url_query_int(&url, "maxResults", 200) < 0 ||
			url_query(&url, "fields", "nextPageToken,groups(email,name)") < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
			if (err_optional(&why))
				return 1;
			/* Somebody who left a moment ago. */
			return err_not_there(&why) ? 0 : pass_on(err, &why);
		}
		cJSON_ArrayForEach(one, json_array(doc, "groups"))
		{
			/* Both: a rule may name either. */
			if (add_text(groups, json_str(one, "email"), err) < 0 || add_text(groups, json_str(one, "name"), err) < 0)
				return -1;
		}
		int more = google_next(doc, &token, err);
		if (more <= 0)
			return more;
	}
	return 0;
}

/* The job that counts: the one marked as such, else the first. */
static const cJSON *job_of(const cJSON *user)
{
	const cJSON *list = json_array(user, "organizations"), *one;

	cJSON_ArrayForEach(one, list)
	{
		if (json_bool(one, "primary"))
			return one;
	}
	return list ? list->child : NULL;
}

static int read_person(struct connection *c, struct arena *a, const cJSON *user, bool *plain, struct person *ret, struct err *err)
{
	static const char *const keys[] = {"aliases", "nonEditableAliases"};
	_cleanup_json_ cJSON *aliases = cJSON_CreateArray(), *groups = cJSON_CreateArray();
	const char *address = json_str(user, "primaryEmail"), *id = json_str(user, "id");
	const char *unit = json_str_or(user, "orgUnitPath", ""), *department = json_str(job_of(user), "department");
	const cJSON *one;
	struct person p = {0};

	if (!aliases || !groups)
		return err_memory(err);
	if (!address || !*address || !id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a user without an address");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		cJSON_ArrayForEach(one, json_array(user, keys[i]))
		{
			const char *text = cJSON_GetStringValue(one);
			if (text && !strcasestr(text, ".test-google-a.com") && add_text(aliases, text, err) < 0)
				return -1;
		}
	if (!*plain) {
		int r = ask_groups(c, id, groups, err);
		if (r < 0)
			return -1;
		*plain = r == 1;
	}
	p.address = text_lower(arena_dup(a, address));
	p.name = arena_dup(a, json_str_or(json_object(user, "name"), "fullName", ""));
	/* Everybody is in "/" where no units are used. */
	p.org_unit = arena_dup(a, strcmp(unit, "/") == 0 && department ? department : unit);
	p.job_title = arena_dup(a, json_str_or(job_of(user), "title", ""));
	p.aliases = arena_strings(a, aliases, true);
	p.groups = arena_strings(a, groups, false);
	if (!p.address || !p.name || !p.org_unit || !p.job_title || !p.aliases || !p.groups)
		return err_memory(err);
	*ret = p;
	return 0;
}

/* ---- pages ---- */

static int add_domains(struct connection *c, struct people_page *page, struct err *err)
{
	_cleanup_json_ cJSON *domains = NULL;
	const cJSON *one;

	if (own_domains(c, &domains, err) < 0)
		return -1;
	page->domains = arena_alloc(page->arena, ((size_t)cJSON_GetArraySize(domains) + 1) * sizeof(*page->domains));
	if (!page->domains)
		return err_memory(err);
	cJSON_ArrayForEach(one, domains)
	{
		const char *copy = arena_dup(page->arena, cJSON_GetStringValue(one));
		if (!copy)
			return err_memory(err);
		page->domains[page->n_domains++] = copy;
	}
	return 0;
}

int people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err)
{
	bool plain = cursor && strncmp(cursor, PLAIN, strlen(PLAIN)) == 0;
	const char *token = plain ? cursor + strlen(PLAIN) : cursor;
	struct people_page page = {.arena = ret->arena};
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *user;
	struct err why = {0};

	if (list_users(c, USER_FIELDS, c->page_size > 0 && c->page_size < PAGE ? c->page_size : PAGE, token, &doc, &why) < 0) {
		if (why.class == ERR_REMOTE && why.http_status == 403)
			snprintf(why.code, sizeof(why.code), "forbidden");
		return pass_on(err, &why);
	}
	if (!cursor && add_domains(c, &page, err) < 0)
		return -1;
	const cJSON *users = json_array(doc, "users");
	page.people = arena_alloc(page.arena, ((size_t)cJSON_GetArraySize(users) + 1) * sizeof(*page.people));
	if (!page.people)
		return err_memory(err);
	cJSON_ArrayForEach(user, users)
	{
		if (read_person(c, page.arena, user, &plain, &page.people[page.n_people], err) < 0)
			return -1;
		page.n_people++;
	}
	if (plain)
		page.missing = NO_GROUPS;
	const char *next = json_str(doc, "nextPageToken");
	if (next && !(page.next = arena_printf(page.arena, "%s%s", plain ? PLAIN : "", next)))
		return err_memory(err);
	*ret = page;
	return 0;
}
