/* Sites and the drives below sites, users and groups. Source: Graph v1.0, site. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MONTH_MS (INT64_C(30) * 86400000)

struct ms_site *ms_site_new(struct ms_tenant *t, const char *name, struct ms_user *person)
{
	struct ms_site *s = ms_alloc(sizeof(*s));
	_cleanup_buf_ struct buf url = BUF_INIT(64 << 10);
	const char *kind = person ? "personal" : "sites", *host = person ? t->my_host : t->host;

	*s = (struct ms_site){.tenant = t, .person = person, .created = t->created, .root = !*name};
	s->guid = ms_guid(MS_WORDS(t->name, "microsoft", kind, name));
	s->web_guid = ms_guid(MS_WORDS(t->name, "microsoft", kind, name, "web"));
	s->id = ms_printf("%s,%s,%s", host, s->guid, s->web_guid);
	s->name = ms_strdup(person ? person->display : name);
	buf_addf(&url, "https://%s", host);
	if (person) {
		char *flat = ms_strdup(person->upn);
		for (char *p = flat; *p; p++)
			*p = strchr("@.", *p) ? '_' : *p;
		buf_addf(&url, "/personal/%s", flat);
		free(flat);
	} else if (*name) {
		buf_adds(&url, "/sites/");
		url_encode(&url, name, "");
	}
	s->web_url = ms_strdup(buf_str(&url));
	ms_vec_add(&t->sites, s);
	return s;
}

struct ms_site *ms_site_named(struct ms_tenant *t, const char *name)
{
	for (size_t i = 0; i < t->sites.n; i++) {
		struct ms_site *s = t->sites.v[i];
		if (!s->person && !strcasecmp(s->name, name))
			return s;
	}
	return NULL;
}

struct ms_site *ms_site_find(struct ms_tenant *t, const char *id)
{
	for (size_t i = 0; i < t->sites.n; i++) {
		struct ms_site *s = t->sites.v[i];
		if (!strcasecmp(s->id, id) || !strcasecmp(s->guid, id) ||
			(s->root && (!strcasecmp(id, "root") || !strcasecmp(id, t->host))))
			return s;
	}
	return NULL;
}

/* sites/HOST:/sites/NAME: becomes sites/ID. */
void ms_site_address(struct ms_ctx *c)
{
	_cleanup_buf_ struct buf url = BUF_INIT(64 << 10);
	int i, to = 2;
	size_t n;

	if (c->n_seg < 2 || strcasecmp(c->seg[0], "sites"))
		return;
	n = strlen(c->seg[1]);
	if (!n || c->seg[1][n - 1] != ':')
		return;
	buf_addf(&url, "https://%.*s", (int)(n - 1), c->seg[1]);
	for (i = 2; i < c->n_seg; i++) {
		n = strlen(c->seg[i]);
		bool end = n && c->seg[i][n - 1] == ':';
		const char *name = ms_fmt(c, "%.*s", (int)(n - end), c->seg[i]);
		if (*name) {
			buf_addc(&url, '/');
			url_encode(&url, name, "");
		}
		if (end) {
			i++;
			break;
		}
	}
	c->seg[1] = "none";
	for (size_t k = 0; k < c->t->sites.n; k++) {
		struct ms_site *s = c->t->sites.v[k];
		if (!strcasecmp(s->web_url, buf_str(&url)))
			c->seg[1] = s->id;
	}
	while (i < c->n_seg)
		c->seg[to++] = c->seg[i++];
	c->n_seg = to;
}

cJSON *ms_site_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_site *s = one;
	cJSON *o = cJSON_CreateObject(), *x;
	const char *slash = strrchr(s->web_url, '/');

	j_time(o, "createdDateTime", s->created);
	j_str(o, "description", "");
	j_str(o, "id", s->id);
	j_time(o, "lastModifiedDateTime", s->drives.n ? ((struct ms_drive *)s->drives.v[0])->root->changed : s->created);
	j_str(o, "name", s->root || !slash ? "" : slash + 1);
	j_str(o, "webUrl", s->web_url);
	j_str(o, "displayName", s->root ? "Communication site" : s->name);
	j_bool(o, "isPersonalSite", s->person != NULL);
	if (s->root)
		j_object(o, "root");
	x = j_object(o, "siteCollection");
	j_str(x, "hostname", s->person ? s->tenant->my_host : s->tenant->host);
	if (ms_wants_named(sel, "sharepointIds")) {
		x = j_object(o, "sharepointIds");
		j_str(x, "siteId", s->guid);
		j_str(x, "siteUrl", s->web_url);
		j_str(x, "tenantId", s->tenant->directory);
		j_str(x, "webId", s->web_guid);
	}
	if (!sel->only_also && (ms_expands(c, "drive") || ms_expands(c, "drives"))) {
		struct ms_select none = {.only_also = true};
		x = j_array(o, "drives");
		for (size_t i = 0; i < s->drives.n; i++)
			cJSON_AddItemToArray(x, ms_drive_json(c, s->drives.v[i], &none));
		if (s->drives.n && ms_expands(c, "drive"))
			cJSON_AddItemToObject(o, "drive", ms_drive_json(c, s->drives.v[0], &none));
	}
	return o;
}

/* search: what the name has in it, "*" for all. Personal sites come with getAllSites alone. */
static void list_sites(struct ms_ctx *c, bool personal, const char *search)
{
	struct ms_vec found = {.v = arena_alloc(c->req->arena, (c->t->sites.n + 1) * sizeof(void *))};

	for (size_t i = 0; found.v && i < c->t->sites.n; i++) {
		struct ms_site *s = c->t->sites.v[i];
		if ((s->person && !personal) || (search && strcmp(search, "*") && !strcasestr(s->name, search)))
			continue;
		found.v[found.n++] = s;
	}
	struct ms_source src = {
		.v = found.v, .n = found.n, .make = ms_site_json, .context = "sites", .top = 100, .max_top = 999};
	ms_list(c, &src);
}

static void site_list(struct ms_ctx *c)
{
	const char *search = ms_param(c, "search"), *filter = ms_param(c, "$filter");

	/* siteCollection/root ne null finds the root site. */
	if (filter && strstr(filter, "siteCollection/root")) {
		struct ms_site *s = ms_site_find(c->t, "root");
		void *v[] = {s};
		c->n_params = 0;
		struct ms_source src = {.v = v, .n = s ? 1 : 0, .make = ms_site_json, .context = "sites", .top = 100, .max_top = 999};
		ms_list(c, &src);
		return;
	}
	list_sites(c, false, search ? search : ms_param(c, "$search"));
}

static void site_all(struct ms_ctx *c)
{
	list_sites(c, true, NULL);
}

static void site_delta(struct ms_ctx *c)
{
	struct ms_feed feed = {.kind = 's',
		.scope = c->t->directory,
		.context = "sites",
		.lost_code = "resyncRequired",
		.all = &c->t->sites,
		.make = ms_site_json,
		.top = 200,
		.max_top = 999,
		.life_ms = MONTH_MS,
		.keep_id = true};

	ms_feed(c, &feed);
}

static struct ms_site *need_site(struct ms_ctx *c)
{
	struct ms_site *s = ms_site_find(c->t, c->arg[0]);

	if (!s)
		ms_error(c, 404, "itemNotFound", "Requested site could not be found");
	return s;
}

static void site_get(struct ms_ctx *c)
{
	struct ms_site *s = need_site(c);

	if (s)
		ms_one(c, 200, s, ms_site_json, "sites", false);
}

static void site_subsites(struct ms_ctx *c)
{
	struct ms_source src = {.v = NULL, .n = 0, .make = ms_site_json, .context = "sites", .top = 100, .max_top = 999};

	if (need_site(c))
		ms_list(c, &src);
}

static void drives_of(struct ms_ctx *c, struct ms_site *s)
{
	struct ms_source src = {
		.v = s->drives.v, .n = s->drives.n, .make = ms_drive_json, .context = "drives", .top = 100, .max_top = 999};

	ms_list(c, &src);
}

static void site_drives(struct ms_ctx *c)
{
	struct ms_site *s = need_site(c);

	if (s)
		drives_of(c, s);
}

static void user_drives(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);

	if (!u)
		ms_error(c, 404, "ResourceNotFound", "User not found");
	else if (!u->drive)
		ms_error(c, 404, "ResourceNotFound", "User's mysite not found.");
	else
		drives_of(c, u->site);
}

static void group_drives(struct ms_ctx *c)
{
	struct ms_team *g = ms_team_find(c->t, c->arg[0]);

	if (g)
		drives_of(c, g->site);
	else
		ms_error(c, 404, "Request_ResourceNotFound", "Resource '%s' does not exist.", c->arg[0]);
}

static cJSON *recycled_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_item *it = one;
	cJSON *o = cJSON_CreateObject();
	const char *path = ms_item_path(c->req->arena, it->parent);

	j_str(o, "id", it->guid);
	j_str(o, "name", it->name);
	j_num(o, "size", (double)it->size);
	j_time(o, "deletedDateTime", it->deleted_at);
	j_str(o, "deletedFromLocation", ms_fmt(c, "%s%s", it->drive->name, path ? path : ""));
	return o;
}

static void site_recycled(struct ms_ctx *c)
{
	struct ms_site *s = need_site(c);
	struct ms_vec found = {0};
	size_t n = 1;

	if (!s)
		return;
	for (size_t i = 0; i < s->drives.n; i++)
		n += ((struct ms_drive *)s->drives.v[i])->items.n;
	found.v = arena_alloc(c->req->arena, n * sizeof(*found.v));
	for (size_t i = 0; found.v && i < s->drives.n; i++) {
		struct ms_drive *d = s->drives.v[i];
		for (size_t k = 0; k < d->items.n; k++) {
			struct ms_item *it = d->items.v[k];
			/* What went along with its folder lies in the bin inside that folder. */
			if (it->deleted && !it->parent->deleted)
				found.v[found.n++] = it;
		}
	}
	struct ms_source src = {.v = found.v,
		.n = found.n,
		.make = recycled_json,
		.context = ms_fmt(c, "sites('%s')/recycleBin/items", s->id),
		.top = 100,
		.max_top = 999};
	ms_list(c, &src);
}

#define SITES "Sites.Read.All Sites.ReadWrite.All"
#define DRIVES "Files.Read.All Files.ReadWrite.All Sites.Read.All Sites.ReadWrite.All"

const struct ms_route ms_site_routes[] = {
	{"GET", "sites", site_list, MS_FILES, SITES, 2},
	{"GET", "sites/getAllSites", site_all, MS_FILES, SITES, 2},
	{"GET", "sites/delta", site_delta, MS_FILES, SITES, 1},
	{"GET", "sites/{}", site_get, MS_FILES, SITES, 1},
	{"GET", "sites/{}/sites", site_subsites, MS_FILES, SITES, 2},
	{"GET", "sites/{}/drives", site_drives, MS_FILES, DRIVES, 2},
	{"GET", "sites/{}/recycleBin/items", site_recycled, MS_FILES, SITES, 2},
	{"GET", "users/{}/drives", user_drives, MS_FILES, DRIVES, 2},
	{"GET", "groups/{}/drives", group_drives, MS_FILES, DRIVES, 2},
	{0},
};
