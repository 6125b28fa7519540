/* The people of a Box enterprise: for rules about users and groups, and to tell who is outside. See box.h for threads.
 *
 * The logins of all users are read at most every quarter of an hour (1,000 a call) and kept in the connection; groups, which need
 * manage_groups, with each beginning of the list (a call for the groups, one for each of at most GROUPS_MAX of them).
 * Box knows no list of an enterprise's domains: they are those of its users' addresses, public mail services left out. */
#include "connectors/box/box.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>

#define FRESH_MS (15 * 60000ll)
#define PAGE 1000
#define PAGES_MAX 500
#define GROUPS_MAX 300
#define MEMBERS_PAGES_MAX 20
#define PEOPLE_PAGE 500

struct membership {
	const char *user, *group;
};

struct box_people {
	struct arena *arena;
	int64_t at;
	const char **logins; /* sorted */
	size_t n, cap;
	const char **domains; /* sorted, each once */
	size_t n_domains;
	struct membership *members; /* sorted by user */
	size_t n_members, cap_members;
	bool groups_read, groups_refused;
};

void box_people_free(struct box_people *p)
{
	if (!p)
		return;
	arena_free(p->arena);
	free(p->logins);
	free(p->domains);
	free(p->members);
	free(p);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool find(const char *const *list, size_t n, const char *text)
{
	return n && bsearch(&text, list, n, sizeof(*list), by_text);
}

/* ---- users ---- */

static int add_login(struct box_people *p, const char *login, struct err *err)
{
	char *lower = text_lower(arena_dup(p->arena, login));

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 256;
		const char **more = reallocarray(p->logins, cap, sizeof(*more));
		if (!more)
			return err_memory(err);
		p->logins = more;
		p->cap = cap;
	}
	if (!lower)
		return err_memory(err);
	p->logins[p->n++] = lower;
	return 0;
}

static int find_domains(struct box_people *p, struct err *err)
{
	p->domains = calloc(p->n + 1, sizeof(*p->domains));
	if (!p->domains)
		return err_memory(err);
	for (size_t i = 0; i < p->n; i++) {
		const char *domain = address_domain(p->logins[i]);
		/* Applications' accounts live at Box. */
		if (domain && !domain_is_public(domain) && strcmp(domain, "boxdevedition.com") != 0)
			p->domains[p->n_domains++] = domain;
	}
	if (p->n_domains)
		qsort(p->domains, p->n_domains, sizeof(*p->domains), by_text);
	size_t n = 0;
	for (size_t i = 0; i < p->n_domains; i++)
		if (!n || strcmp(p->domains[n - 1], p->domains[i]) != 0)
			p->domains[n++] = p->domains[i];
	p->n_domains = n;
	return 0;
}

static int add_me(struct connection *c, struct box_people *p, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *me = NULL;

	if (box_url(c, &url, err, "/users/me", NULL) < 0 || box_get(c, buf_str(&url), NULL, &me, err) < 0)
		return -1;
	return json_str(me, "login") ? add_login(p, json_str(me, "login"), err) : 0;
}

static int read_users(struct connection *c, struct box_people *p, struct err *err)
{
	_cleanup_buf_ struct buf at = BUF_INIT(8192);
	int limit = c->api.config->page_size ? c->api.config->page_size : PAGE;

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf next = BUF_INIT(8192);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *user;
		if (box_users(c, at.len ? buf_str(&at) : NULL, limit, &doc, &next, err) < 0)
			return -1;
		cJSON_ArrayForEach(user, json_array(doc, "entries"))
		{
			if (json_str(user, "login") && add_login(p, json_str(user, "login"), err) < 0)
				return -1;
		}
		if (!next.len)
			break;
		buf_clear(&at);
		if (buf_adds(&at, buf_str(&next)) < 0)
			return err_memory(err);
	}
	if (add_me(c, p, err) < 0)
		return -1;
	if (p->n)
		qsort(p->logins, p->n, sizeof(*p->logins), by_text);
	return find_domains(p, err);
}

/* Under the lock. */
static int know_people(struct connection *c, bool anew, struct err *err)
{
	int64_t now = time_now_ms();

	if (!anew && c->people && now - c->people->at < FRESH_MS)
		return 0;
	struct box_people *p = calloc(1, sizeof(*p));
	if (!p || !(p->arena = arena_new(64u << 20))) {
		free(p);
		return err_memory(err);
	}
	p->at = now;
	if (read_users(c, p, err) < 0) {
		if (err->http_status == 403)
			err_become(err, ERR_REMOTE, "forbidden", SCOPE_ITEM);
		box_people_free(p);
		return -1;
	}
	box_people_free(c->people);
	c->people = p;
	return 0;
}

int box_inside(struct connection *c, const char *address, bool *ret, struct err *err)
{
	_cleanup_free_ char *lower = text_lower(strdup(address));

	if (!lower)
		return err_memory(err);
	const char *domain = address_domain(lower);
	pthread_mutex_lock(&c->people_lock);
	int r = know_people(c, false, err);
	if (r == 0)
		*ret = find(c->people->logins, c->people->n, lower) ||
			(domain && find(c->people->domains, c->people->n_domains, domain));
	pthread_mutex_unlock(&c->people_lock);
	return r;
}

/* ---- groups ---- */

static int add_member(struct box_people *p, const char *user, const char *group, struct err *err)
{
	if (p->n_members == p->cap_members) {
		size_t cap = p->cap_members ? p->cap_members * 2 : 256;
		struct membership *more = reallocarray(p->members, cap, sizeof(*more));
		if (!more)
			return err_memory(err);
		p->members = more;
		p->cap_members = cap;
	}
	const char *copy = arena_dup(p->arena, user);
	if (!copy)
		return err_memory(err);
	p->members[p->n_members++] = (struct membership){copy, group};
	return 0;
}

/* A page by offset; *ret_more: there is another. */
static int offset_page(struct connection *c, struct buf *url, int64_t offset, cJSON **ret, bool *ret_more, struct err *err)
{
	if (url_query_int(url, "limit", PAGE) < 0 || url_query_int(url, "offset", offset) < 0)
		return err_memory(err);
	if (box_get(c, buf_str(url), NULL, ret, err) < 0)
		return -1;
	if (!json_array(*ret, "entries"))
		return err_set(err, ERR_REMOTE, "bad_answer", "the groups are no list");
	int n = cJSON_GetArraySize(json_array(*ret, "entries"));
	*ret_more = n > 0 && json_size(*ret, "total_count") > offset + n;
	return 0;
}

static int read_members(struct connection *c, struct box_people *p, const char *id, const char *group, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	int64_t offset = 0;
	bool more = true;

	for (int page = 0; more && page < MEMBERS_PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *e;
		if (box_url(c, &url, err, "/groups/{}/memberships", id, NULL) < 0 || offset_page(c, &url, offset, &doc, &more, err) < 0)
			return -1;
		cJSON_ArrayForEach(e, json_array(doc, "entries"))
		{
			const char *user = json_str(json_object(e, "user"), "id");
			if (user && add_member(p, user, group, err) < 0)
				return -1;
		}
		offset += cJSON_GetArraySize(json_array(doc, "entries"));
	}
	return 0;
}

static int by_user(const void *a, const void *b)
{
	return strcmp(((const struct membership *)a)->user, ((const struct membership *)b)->user);
}

static int read_groups(struct connection *c, struct box_people *p, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	int64_t offset = 0;
	bool more = true;

	for (int n = 0; more && n < GROUPS_MAX;) {
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *e;
		if (box_url(c, &url, err, "/groups", NULL) < 0 || offset_page(c, &url, offset, &doc, &more, err) < 0)
			return -1;
		cJSON_ArrayForEach(e, json_array(doc, "entries"))
		{
			const char *id = json_str(e, "id"), *name = arena_str(p->arena, e, "name");
			if (n++ == GROUPS_MAX || !box_is_id(id) || !name)
				continue;
			if (read_members(c, p, id, name, err) < 0 && err->class != ERR_GONE)
				return -1;
		}
		offset += cJSON_GetArraySize(json_array(doc, "entries"));
	}
	if (p->n_members)
		qsort(p->members, p->n_members, sizeof(*p->members), by_user);
	return 0;
}

/* Without the right to see groups people are told without them. */
static int know_groups(struct connection *c, struct err *err)
{
	struct box_people *p = c->people;

	if (p->groups_read)
		return 0;
	if (read_groups(c, p, err) < 0) {
		if (!box_refused(err))
			return -1;
		p->n_members = 0;
		p->groups_refused = true;
	}
	p->groups_read = true;
	return 0;
}

/* ---- the list ---- */

static const char *const nothing[] = {NULL};

static const char *const *groups_of(const struct box_people *p, struct arena *a, const char *user)
{
	const struct membership key = {.user = user};
	const struct membership *m = p->n_members ? bsearch(&key, p->members, p->n_members, sizeof(*m), by_user) : NULL;
	size_t n = 0;

	if (!m)
		return nothing;
	while (m > p->members && strcmp(m[-1].user, user) == 0)
		m--;
	while (m + n < p->members + p->n_members && strcmp(m[n].user, user) == 0)
		n++;
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));
	for (size_t i = 0; list && i < n; i++)
		if (!(list[i] = arena_dup(a, m[i].group)))
			return NULL;
	if (list)
		list[n] = NULL;
	return list;
}

static int fill_page(const struct box_people *p, const cJSON *list, struct people_page *page, struct err *err)
{
	struct arena *a = page->arena;
	const cJSON *user;

	page->people = arena_alloc(a, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*page->people));
	if (!page->people)
		return err_memory(err);
	cJSON_ArrayForEach(user, list)
	{
		const char *id = json_str(user, "id"), *login = json_str(user, "login");
		if (!id || !login || !strchr(login, '@'))
			continue;
		struct person *one = &page->people[page->n_people++];
		*one = (struct person){.address = text_lower(arena_dup(a, login)), .name = arena_dup(a, json_str_or(user, "name", "")),
			.org_unit = "", .job_title = arena_dup(a, json_str_or(user, "job_title", "")), .aliases = nothing,
			.groups = groups_of(p, a, id)};
		if (!one->address || !one->name || !one->job_title || !one->groups)
			return err_memory(err);
	}
	return 0;
}

static int fill_domains(const struct box_people *p, struct people_page *page, struct err *err)
{
	page->domains = arena_alloc(page->arena, (p->n_domains + 1) * sizeof(*page->domains));
	if (!page->domains)
		return err_memory(err);
	for (size_t i = 0; i < p->n_domains; i++)
		if (!(page->domains[page->n_domains++] = arena_dup(page->arena, p->domains[i])))
			return err_memory(err);
	return 0;
}

int box_list_people(struct connection *c, const char *cursor, struct people_page *ret, struct err *err)
{
	struct people_page page = {.arena = ret->arena};
	_cleanup_buf_ struct buf next = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;

	if (box_users(c, cursor, c->api.config->page_size ? c->api.config->page_size : PEOPLE_PAGE, &doc, &next, err) < 0) {
		if (err->http_status == 403)
			err_become(err, ERR_REMOTE, "forbidden", SCOPE_ITEM);
		return -1;
	}
	pthread_mutex_lock(&c->people_lock);
	int r = know_people(c, !cursor, err);
	if (r == 0)
		r = know_groups(c, err);
	if (r == 0)
		r = fill_page(c->people, json_array(doc, "entries"), &page, err);
	if (r == 0 && !cursor)
		r = fill_domains(c->people, &page, err);
	if (r == 0 && c->people->groups_refused)
		page.missing = "groups: the application lacks manage_groups";
	pthread_mutex_unlock(&c->people_lock);
	if (r < 0)
		return -1;
	if (next.len && !(page.next = arena_dup(page.arena, buf_str(&next))))
		return err_memory(err);
	*ret = page;
	return 0;
}
