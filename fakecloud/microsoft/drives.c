/* Addresses of drives and items, by id and by path, and the table of the calls on them. Source: Graph v1.0,
 * "Addressing resources in a drive". State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define READ "Files.Read.All Files.ReadWrite.All Sites.Read.All Sites.ReadWrite.All"
#define READ_GROUP READ " Group.Read.All Group.ReadWrite.All"
#define WRITE "Files.ReadWrite.All Sites.ReadWrite.All"

struct item_route {
	const char *method, *tail;
	void (*handle)(struct ms_ctx *c);
	const char *roles;
	int cost;
	bool creates; /* the item need not be there */
};

static const struct item_route item_routes[] = {
	{"GET", "", ms_item_get, READ_GROUP, 1, false},
	{"PATCH", "", ms_item_patch, WRITE, 2, false},
	{"DELETE", "", ms_item_remove, WRITE, 2, false},
	{"GET", "children", ms_item_children, READ, 2, false},
	{"POST", "children", ms_item_create, WRITE, 2, false},
	{"GET", "content", ms_item_download, READ, 1, false},
	{"PUT", "content", ms_item_upload, WRITE, 2, true},
	{"GET", "contentStream", ms_item_download, READ, 1, false},
	{"POST", "createUploadSession", ms_upload_create, "Sites.ReadWrite.All Files.ReadWrite.All", 2, true},
	{"POST", "copy", ms_item_copy_call, WRITE, 2, false},
	{"POST", "createLink", ms_create_link, WRITE, 5, false},
	{"POST", "invite", ms_invite, WRITE, 5, false},
	{"POST", "permanentDelete", ms_item_remove, "Files.ReadWrite.All", 2, false},
	{"POST", "restore", ms_item_refuse, "-", 2, false},
	{"POST", "checkout", ms_item_checkout, WRITE, 2, false},
	{"POST", "checkin", ms_item_checkin, WRITE, 2, false},
	{"POST", "discardCheckout", ms_item_checkin, WRITE, 2, false},
	{"POST", "extractSensitivityLabels", ms_item_labels, READ, 2, false},
	{"GET", "listItem", ms_item_list_item, "Sites.Read.All", 1, false},
	{"GET", "retentionLabel", ms_item_retention, "Files.Read.All", 1, false},
	{"GET", "delta", ms_drive_delta, READ, 1, false},
	{"GET", "permissions", ms_perm_list, READ, 5, false},
	{"GET", "permissions/{}", ms_perm_get, READ, 5, false},
	{"PATCH", "permissions/{}", ms_perm_patch, WRITE, 5, false},
	{"DELETE", "permissions/{}", ms_perm_delete, WRITE, 5, false},
	{"GET", "versions", ms_version_list, READ, 2, false},
	{"GET", "versions/{}", ms_version_get, READ, 1, false},
	{"GET", "versions/{}/content", ms_version_content, READ, 1, false},
	{"POST", "versions/{}/restoreVersion", ms_version_restore, WRITE, 2, false},
};

bool ms_item_guard(struct ms_ctx *c, struct ms_item *it)
{
	const char *match = ms_header(c, "If-Match");

	if (match && strcmp(match, "*")) {
		/* Quotes belong to the tag; some clients strip them. */
		const char *etag = ms_etag(c, it), *ctag = ms_ctag(c->req->arena, it);
		const char *bare = strncmp(match, "W/", 2) ? match : match + 2;
		size_t n = strlen(bare);
		bool same = !strcmp(bare, etag) || (ctag && !strcmp(bare, ctag)) ||
			    (n + 2 == strlen(etag) && !strncmp(etag + 1, bare, n));
		if (!same) {
			ms_error(c, 412, "resourceModified",
				"The resource being updated has changed since the caller last read it (eTag mismatch).");
			return false;
		}
	}
	if (it->checked_out) {
		ms_error(c, 423, "resourceLocked", "The resource you are attempting to access is locked.");
		return false;
	}
	return true;
}

const char *ms_conflict(struct ms_ctx *c, const cJSON *body, const char *fallback)
{
	static const char key[] = "@microsoft.graph.conflictBehavior";
	static const char *const words[] = {"fail", "replace", "rename"};
	const char *v = ms_param(c, key);

	if (!v)
		v = json_str(body, key);
	if (!v)
		v = json_str(json_get(body, "item"), key);
	if (!v)
		v = ms_param(c, "@name.conflictBehavior");
	if (!v)
		return fallback;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(v, words[i]))
			return words[i];
	}
	ms_error(c, 400, "invalidRequest", "The value of @microsoft.graph.conflictBehavior is not valid.");
	return NULL;
}

bool ms_name_check(struct ms_ctx *c, const char *name)
{
	if (ms_name_ok(name))
		return true;
	ms_error(c, 400, "invalidRequest", "The provided name cannot contain any of the following characters or is too long.");
	return false;
}

void ms_name_taken(struct ms_ctx *c)
{
	ms_error(c, 409, "nameAlreadyExists", "The specified item name already exists.");
}

static void not_found(struct ms_ctx *c)
{
	ms_error(c, 404, "itemNotFound", "The resource could not be found.");
}

/* ---- which drive ---- */

/* 0 no drive's address, else how many segments; fills c->drive, or answers and sets *answered. */
static int drive_of(struct ms_ctx *c, bool *answered, struct ms_item **shared)
{
	const char *const *s = c->seg;
	struct ms_user *u;
	struct ms_site *site = NULL;

	if (c->n_seg >= 2 && !strcasecmp(s[0], "drives")) {
		c->drive = ms_map_get(&c->t->drive_by_id, s[1]);
		if (!c->drive) {
			*answered = true;
			if (strncmp(s[1], "b!", 2))
				ms_error(c, 400, "invalidRequest", "The provided drive id appears to be malformed, or does not "
								   "represent a valid drive.");
			else
				not_found(c);
		}
		return 2;
	}
	if (c->n_seg >= 3 && !strcasecmp(s[0], "shares")) {
		if (strcasecmp(s[2], "driveItem") && strcasecmp(s[2], "root"))
			return 0;
		*shared = ms_share_find(c, s[1]);
		*answered = !*shared;
		if (*answered)
			ms_error(c, 404, "itemNotFound", "The sharing link no longer exists, or you do not have permission to access it.");
		else
			c->drive = (*shared)->drive;
		return 3;
	}
	if (c->n_seg < 3 || (strcasecmp(s[2], "drive") && !(c->n_seg > 3 && !strcasecmp(s[2], "drives"))))
		return 0;
	if (!strcasecmp(s[0], "users")) {
		u = ms_user_find(c->t, s[1]);
		if (!u)
			ms_error(c, 404, "ResourceNotFound", "User not found");
		else if (!u->drive)
			ms_error(c, 404, "ResourceNotFound", "User's mysite not found.");
		*answered = !u || !u->drive;
		site = *answered ? NULL : u->site;
	} else if (!strcasecmp(s[0], "sites")) {
		site = ms_site_find(c->t, s[1]);
		*answered = !site;
		if (!site)
			ms_error(c, 404, "itemNotFound", "Requested site could not be found");
	} else if (!strcasecmp(s[0], "groups")) {
		struct ms_team *team = ms_team_find(c->t, s[1]);
		site = team ? team->site : NULL;
		*answered = !site;
		if (!site)
			ms_error(c, 404, "Request_ResourceNotFound", "Resource '%s' does not exist.", s[1]);
	} else {
		return 0;
	}
	if (*answered)
		return 3;
	if (strcasecmp(s[2], "drives")) {
		c->drive = site->drives.n ? site->drives.v[0] : NULL;
	} else {
		c->drive = ms_map_get(&c->t->drive_by_id, s[3]);
		if (c->drive && c->drive->site != site)
			c->drive = NULL;
	}
	*answered = !c->drive;
	if (!c->drive)
		not_found(c);
	return strcasecmp(s[2], "drives") ? 3 : 4;
}

/* ---- which item ---- */

/* Where the tail begins; *ret_path .. tail are names when the address is a path. -1: no item's address. */
static int item_span(struct ms_ctx *c, int i, bool *by_path, int *path, int *path_end)
{
	size_t n = strlen(c->seg[i]);

	if (!strcasecmp(c->seg[i], "root")) {
		return i + 1;
	} else if (!strcasecmp(c->seg[i], "root:")) {
		i++;
	} else if (!strcasecmp(c->seg[i], "items") && i + 1 < c->n_seg) {
		n = strlen(c->seg[i + 1]);
		i += 2;
		if (!n || c->seg[i - 1][n - 1] != ':')
			return i;
	} else {
		return -1;
	}
	*by_path = true;
	*path = i;
	while (i < c->n_seg) {
		n = strlen(c->seg[i]);
		if (n && c->seg[i][n - 1] == ':') {
			c->seg[i] = ms_fmt(c, "%.*s", (int)(n - 1), c->seg[i]);
			*path_end = i + (n > 1);
			return i + 1;
		}
		i++;
	}
	*path_end = i;
	return i;
}

static bool tail_fits(struct ms_ctx *c, int at, const char *tail)
{
	int i = at;

	c->n_args = 0;
	for (const char *p = tail; *p; i++) {
		size_t n = strcspn(p, "/");
		if (i >= c->n_seg)
			return false;
		if (n == 2 && *p == '{')
			c->arg[c->n_args++] = c->seg[i];
		else if (strlen(c->seg[i]) != n || strncasecmp(c->seg[i], p, n))
			return false;
		p += n;
		p += *p == '/';
	}
	return i == c->n_seg;
}

static const struct item_route *route_find(struct ms_ctx *c, int tail)
{
	bool seen = false;

	for (int i = tail; i < c->n_seg; i++)
		c->seg[i] = ms_tidy(c, c->seg[i]);
	/* delta(token='…'): the function form */
	if (tail + 1 == c->n_seg && !strncasecmp(c->seg[tail], "delta(token=", 12)) {
		char *token = ms_fmt(c, "%s", c->seg[tail] + 12 + strspn(c->seg[tail] + 12, "'\""));
		token[strcspn(token, "'\")")] = 0;
		if (c->n_params < (int)ARRAY_SIZE(c->param)) {
			c->param[c->n_params].key = "token";
			c->param[c->n_params++].value = token;
		}
		c->seg[tail] = "delta";
	}
	for (size_t i = 0; i < ARRAY_SIZE(item_routes); i++) {
		if (!tail_fits(c, tail, item_routes[i].tail))
			continue;
		seen = true;
		if (!strcmp(item_routes[i].method, c->method))
			return &item_routes[i];
	}
	if (seen)
		ms_wrong_method(c);
	else
		ms_no_segment(c, c->seg[c->n_seg - 1]);
	return NULL;
}

static void item_walk(struct ms_ctx *c, int path, int path_end)
{
	struct ms_item *at = c->item, *child;

	for (int i = path; i < path_end; i++) {
		child = at->folder ? ms_item_child(at, c->seg[i]) : NULL;
		if (child) {
			at = child;
			continue;
		}
		c->parent = at;
		c->item = NULL;
		while (i < path_end)
			c->missing[c->n_missing++] = c->seg[i++];
		return;
	}
	c->item = at;
	c->parent = at->parent;
}

struct ms_item *ms_make_parents(struct ms_ctx *c)
{
	struct ms_item *at = c->parent;

	for (int i = 0; i + 1 < c->n_missing; i++) {
		if (!ms_name_check(c, c->missing[i]))
			return NULL;
		at = ms_item_add(c->drive, at, c->missing[i], true, NULL, fc_now());
	}
	return at;
}

static void drive_get(struct ms_ctx *c)
{
	if (strcmp(c->method, "GET")) {
		ms_wrong_method(c);
		return;
	}
	if (ms_allow(c, MS_FILES, READ, 1))
		ms_one(c, 200, c->drive, ms_drive_json, "drives", true);
}

static void item_call(struct ms_ctx *c, int at, struct ms_item *shared)
{
	int path = 0, path_end = 0, tail = at;
	const struct item_route *r;
	bool by_path = false;

	if (!shared)
		tail = item_span(c, at, &by_path, &path, &path_end);
	if (tail < 0) {
		ms_no_segment(c, c->seg[at]);
		return;
	}
	r = route_find(c, tail);
	/* A feed from its beginning costs as much as a list. */
	int cost = r && r->handle == ms_drive_delta && !ms_param(c, "token") ? 2 : r ? r->cost : 0;
	if (!r || !ms_allow(c, MS_FILES, shared ? WRITE : r->roles, cost))
		return;
	if (shared) {
		c->item = shared;
	} else if (!strncasecmp(c->seg[at], "root", 4)) {
		c->item = c->drive->root;
	} else {
		const char *id = at + 1 < c->n_seg && c->seg[at + 1] ? c->seg[at + 1] : "";
		size_t n = strcspn(id, ":");
		c->item = ms_map_get(&c->t->items, ms_fmt(c, "%.*s", (int)n, id));
		if (!strcasecmp(id, "root") || !strcasecmp(id, "root:"))
			c->item = c->drive->root;
		if (c->item && c->item->drive != c->drive)
			c->item = NULL;
		if (!c->item) {
			not_found(c);
			return;
		}
	}
	c->parent = c->item->parent;
	if (by_path)
		item_walk(c, path, path_end);
	if (!c->item && (!r->creates || !c->parent->folder)) {
		not_found(c);
		return;
	}
	r->handle(c);
}

bool ms_drive_call(struct ms_ctx *c)
{
	struct ms_item *shared = NULL;
	bool answered = false;
	int at;

	/* Whose drive it is must not be told to those who may not know. */
	if (c->n_seg && (!strcasecmp(c->seg[0], "drives") || !strcasecmp(c->seg[0], "shares") ||
				(c->n_seg > 2 && !strcasecmp(c->seg[2], "drive"))) &&
		(ms_withdrawn(c) || !ms_has_role(c, READ_GROUP))) {
		ms_error(c, 403, "accessDenied", "Access denied");
		return true;
	}
	at = drive_of(c, &answered, &shared);
	if (!at)
		return false;
	if (answered)
		return true;
	if (at == c->n_seg && !shared)
		drive_get(c);
	else
		item_call(c, at, shared);
	return true;
}

/* ---- shares ---- */

static struct ms_item *by_url(struct ms_ctx *c, const char *url)
{
	char *plain;
	size_t n;

	for (size_t i = 0; i < c->t->drives.n; i++) {
		struct ms_drive *d = c->t->drives.v[i];
		struct ms_item *at = d->root;
		const char *p;
		n = strlen(d->web_url);
		if (strncasecmp(url, d->web_url, n) || (url[n] && url[n] != '/'))
			continue;
		for (p = url + n; *p && *p != '?' && at;) {
			_cleanup_buf_ struct buf name = BUF_INIT(4096);
			size_t len = strcspn(++p, "/?");
			if (len && url_decode(&name, p, len, false) == 0)
				at = ms_item_child(at, buf_str(&name));
			p += len;
		}
		if (at)
			return at;
	}
	plain = ms_fmt(c, "%s", url);
	plain[strcspn(plain, "?")] = 0;
	for (size_t i = 0; i < c->t->drives.n; i++) {
		struct ms_drive *d = c->t->drives.v[i];
		for (size_t k = 0; k < d->items.n; k++) {
			struct ms_item *it = d->items.v[k];
			for (size_t p = 0; p < it->perms.n && !it->deleted; p++) {
				const struct ms_perm *perm = it->perms.v[p];
				if (perm->link_url && !strcasecmp(perm->link_url, plain))
					return it;
			}
		}
	}
	return NULL;
}

struct ms_item *ms_share_find(struct ms_ctx *c, const char *token)
{
	_cleanup_buf_ struct buf url = BUF_INIT(16 << 10);

	if (strncmp(token, "u!", 2) || base64_decode(&url, token + 2, strlen(token + 2)) < 0)
		return NULL;
	return by_url(c, ms_fmt(c, "%s", buf_str(&url)));
}
