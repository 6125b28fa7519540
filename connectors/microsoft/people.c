/* The organisation's people with their groups, for rules about users, groups and colleagues, and its own domains. Called by
 * microsoft.c on core's job threads.
 *
 * A page of users brings their groups along; the service gives twenty of each user's at most, so who has that many is asked about
 * by himself. Direct memberships of groups alone: neither roles nor groups within groups. Guests are left out. Where the groups may
 * not be read, the people come without them and the page says so. The cursor is the link to the next page, behind "plain:" once
 * groups were refused.
 * Sources: Graph "List users", "List a user's direct memberships", "Use query parameters" ($expand of directory objects). */
#include "connectors/microsoft/graph.h"

#include <string.h>
#include <strings.h>

#define PLAIN "plain:"
#define PAGE 100
#define EXPANDED_MAX 20
#define GROUP_PAGES_MAX 10
#define GROUPS_MAX 200
#define USER_SELECT "id,displayName,mail,userPrincipalName,proxyAddresses,otherMails,department,jobTitle,userType"

/* ---- one person ---- */

static int add(cJSON *list, const char *text, struct err *err)
{
	cJSON *one = text && *text ? cJSON_CreateString(text) : NULL;

	if (one && !cJSON_AddItemToArray(list, one)) {
		cJSON_Delete(one);
		return err_memory(err);
	}
	return 0;
}

/* Groups by their address, else by their name; roles and administrative units are none. false: the service tells ids alone. */
static bool add_groups(cJSON *groups, const cJSON *list, struct err *err, int *ret_r)
{
	const cJSON *one;
	bool named = true;

	*ret_r = 0;
	cJSON_ArrayForEach(one, list)
	{
		const char *type = json_str_or(one, "@odata.type", "#microsoft.graph.group");
		const char *mail = json_str(one, "mail"), *name = json_str(one, "displayName");
		if (strcmp(type, "#microsoft.graph.group") != 0 || cJSON_GetArraySize(groups) >= GROUPS_MAX)
			continue;
		named = named && (mail || name);
		/* Both: a rule may name either. */
		if (*ret_r == 0 && (add(groups, mail, err) < 0 || add(groups, name, err) < 0))
			*ret_r = -1;
	}
	return named;
}

/* Asks for all groups of one user. */
static int ask_groups(struct connection *c, const char *id, cJSON *groups, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	int r;

	if (graph_url(c, &url, err, "/users/{}/memberOf", id, NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,displayName,mail") < 0 || url_query_int(&url, "$top", PAGE) < 0)
		return err_memory(err);
	for (int page = 0; page < GROUP_PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const char *next;
		cJSON *value;
		if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0 || graph_list(c, doc, &value, &next, err) < 0)
			return -1;
		add_groups(groups, value, err, &r);
		if (r < 0)
			return -1;
		if (!next)
			return 0;
		buf_clear(&url);
		if (buf_adds(&url, next) < 0)
			return err_memory(err);
	}
	return 0;
}

/* "SMTP:a@b" and "smtp:a@b" are addresses, "SIP:…" and "X500:…" are not mail's. */
static int add_addresses(const cJSON *user, const char *primary, cJSON *aliases, struct err *err)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(user, "proxyAddresses"))
	{
		const char *text = cJSON_GetStringValue(one);
		if (text && strncasecmp(text, "smtp:", 5) == 0 && strcasecmp(text + 5, primary) != 0 && add(aliases, text + 5, err) < 0)
			return -1;
	}
	const char *upn = json_str(user, "userPrincipalName");
	if (upn && strchr(upn, '@') && strcasecmp(upn, primary) != 0 && add(aliases, upn, err) < 0)
		return -1;
	cJSON_ArrayForEach(one, json_array(user, "otherMails"))
	{
		const char *text = cJSON_GetStringValue(one);
		if (text && strcasecmp(text, primary) != 0 && add(aliases, text, err) < 0)
			return -1;
	}
	return 0;
}

/* 1: nobody of ours. */
static int read_person(struct connection *c, struct arena *a, const cJSON *user, bool plain, struct person *ret, const char **missing,
	struct err *err)
{
	const char *mail = json_str(user, "mail"), *upn = json_str(user, "userPrincipalName"), *id = json_str(user, "id");
	const char *address = mail && strchr(mail, '@') ? mail : upn;
	_cleanup_json_ cJSON *aliases = cJSON_CreateArray(), *groups = cJSON_CreateArray();
	const cJSON *list = json_array(user, "memberOf");
	struct person p = {0};
	struct err why;
	int r = 0;

	if (!aliases || !groups)
		return err_memory(err);
	if (!id || !address || !strchr(address, '@') || strcasecmp(json_str_or(user, "userType", "Member"), "Guest") == 0)
		return 1;
	if (!plain && !add_groups(groups, list, err, &r))
		*missing = "groups: the permission GroupMember.Read.All";
	if (r < 0 || add_addresses(user, address, aliases, err) < 0)
		return -1;
	if (!plain && cJSON_GetArraySize(list) >= EXPANDED_MAX && ask_groups(c, id, groups, &why) < 0) {
		if (!graph_refused(&why))
			return pass_on(err, &why);
		*missing = "groups: some people's cannot be listed";
	}
	p.address = text_lower(arena_dup(a, address));
	p.name = arena_dup(a, json_str_or(user, "displayName", ""));
	p.org_unit = arena_dup(a, json_str_or(user, "department", ""));
	p.job_title = arena_dup(a, json_str_or(user, "jobTitle", ""));
	p.aliases = arena_strings(a, aliases, true);
	p.groups = arena_strings(a, groups, false);
	if (!p.address || !p.name || !p.org_unit || !p.job_title || !p.aliases || !p.groups)
		return err_memory(err);
	*ret = p;
	return 0;
}

/* ---- pages ---- */

static int first_url(struct connection *c, bool plain, struct buf *url, struct err *err)
{
	if (graph_url(c, url, err, "/users", NULL) < 0)
		return -1;
	if (url_query_int(url, "$top", c->page_size > 0 && c->page_size < PAGE ? c->page_size : PAGE) < 0 ||
		url_query(url, "$select", USER_SELECT) < 0 ||
		(!plain && url_query(url, "$expand", "memberOf($select=id,displayName,mail)") < 0))
		return err_memory(err);
	return 0;
}

static int add_domains(struct connection *c, struct people_page *page, struct err *err)
{
	_cleanup_json_ cJSON *domains = NULL;
	const cJSON *one;
	struct err why;

	if (ms_own_domains(c, &domains, &why) < 0) {
		if (!graph_refused(&why))
			return pass_on(err, &why);
		page->missing = "the organisation's domains: the permission Organization.Read.All";
		return 0;
	}
	page->domains = arena_alloc(page->arena, ((size_t)cJSON_GetArraySize(domains) + 1) * sizeof(*page->domains));
	if (!page->domains)
		return err_memory(err);
	cJSON_ArrayForEach(one, domains)
	{
		const char *copy = text_lower(arena_dup(page->arena, cJSON_GetStringValue(one)));
		if (!copy)
			return err_memory(err);
		page->domains[page->n_domains++] = copy;
	}
	return 0;
}

int ms_people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err)
{
	bool plain = cursor && strncmp(cursor, PLAIN, strlen(PLAIN)) == 0;
	const char *link = plain ? cursor + strlen(PLAIN) : cursor, *next;
	struct people_page page = {.arena = ret->arena};
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *user;
	struct err why;

	if (link && *link && !graph_link_ok(c, link))
		return err_set(err, ERR_REMOTE, "bad_cursor", "the cursor's link is none of Microsoft Graph's");
	if (link && *link ? buf_adds(&url, link) < 0 : first_url(c, plain, &url, err) < 0)
		return link && *link ? err_memory(err) : -1;
	int r = graph_get(c, buf_str(&url), NULL, &doc, &why);
	if (r < 0 && !plain && !link && graph_refused(&why)) {
		/* The groups, or the people? */
		plain = true;
		buf_clear(&url);
		if (first_url(c, plain, &url, err) < 0)
			return -1;
		r = graph_get(c, buf_str(&url), NULL, &doc, &why);
	}
	if (r < 0) {
		if (why.class == ERR_REMOTE && why.http_status == 403)
			snprintf(why.code, sizeof(why.code), "forbidden");
		return pass_on(err, &why);
	}
	if (plain)
		page.missing = "groups: the permission GroupMember.Read.All";
	if (graph_list(c, doc, &value, &next, err) < 0 || (!cursor && add_domains(c, &page, err) < 0))
		return -1;
	page.people = arena_alloc(page.arena, ((size_t)cJSON_GetArraySize(value) + 1) * sizeof(*page.people));
	if (!page.people)
		return err_memory(err);
	cJSON_ArrayForEach(user, value)
	{
		r = read_person(c, page.arena, user, plain, &page.people[page.n_people], &page.missing, err);
		if (r < 0)
			return -1;
		page.n_people += r == 0;
	}
	if (next && !(page.next = arena_printf(page.arena, "%s%s", plain ? PLAIN : "", next)))
		return err_memory(err);
	*ret = page;
	return 0;
}
