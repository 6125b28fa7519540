/* The Box provider of fakecloud: its routes, who may call them, and what it gives the server (struct
 * fc_provider). Called by the server with the state lock held. */
#include "fakecloud/box/consent.h"

#include "base/cleanup.h"
#include "base/ioutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_SEGMENTS 12

#define R BX_SCOPE_READ
#define W (BX_SCOPE_READ | BX_SCOPE_WRITE)
#define U BX_SCOPE_USERS
#define G BX_SCOPE_GROUPS
#define H BX_SCOPE_WEBHOOK
#define UPLOAD 256u /* counts against the limit of uploads */
#define SEARCH 512u

/* A "*" in a pattern is a parameter. More special patterns come first. */
static const struct route {
	const char *method, *pattern;
	void (*call)(struct bx_ctx *c);
	unsigned flags;
} routes[] = {
	{"OPTIONS", "files/content", bx_do_content_preflight, R},
	{"POST", "files/content", bx_do_content_post, W | UPLOAD},
	{"POST", "files/upload_sessions", bx_do_session_new, W | UPLOAD},
	{"GET", "files/upload_sessions/*", bx_do_session_get, W},
	{"PUT", "files/upload_sessions/*", bx_do_session_put, W},
	{"DELETE", "files/upload_sessions/*", bx_do_session_delete, W},
	{"GET", "files/upload_sessions/*/parts", bx_do_session_parts, W},
	{"POST", "files/upload_sessions/*/commit", bx_do_session_commit, W},
	{"GET", "files/*", bx_do_file_get, R},
	{"POST", "files/*", bx_do_file_restore, W},
	{"PUT", "files/*", bx_do_file_put, W},
	{"DELETE", "files/*", bx_do_file_delete, W},
	{"GET", "files/*/content", bx_do_content_get, R},
	{"POST", "files/*/content", bx_do_content_new_version, W | UPLOAD},
	{"OPTIONS", "files/*/content", bx_do_version_preflight, R},
	{"POST", "files/*/upload_sessions", bx_do_session_version, W | UPLOAD},
	{"POST", "files/*/copy", bx_do_file_copy, W},
	{"GET", "files/*/collaborations", bx_do_file_collabs, R},
	{"GET", "files/*/comments", bx_do_file_comments, R},
	{"GET", "files/*/tasks", bx_do_file_tasks, R},
	{"GET", "files/*/trash", bx_do_file_trash_get, R},
	{"DELETE", "files/*/trash", bx_do_file_trash_delete, W},
	{"GET", "files/*/versions", bx_do_versions_list, R},
	{"POST", "files/*/versions/current", bx_do_version_promote, W},
	{"GET", "files/*/versions/*", bx_do_version_get, R},
	{"PUT", "files/*/versions/*", bx_do_version_put, W},
	{"DELETE", "files/*/versions/*", bx_do_version_delete, W},
	{"GET", "files/*/metadata", bx_do_meta_list, R},
	{"GET", "files/*/metadata/*/*", bx_do_meta_get, R},
	{"POST", "files/*/metadata/*/*", bx_do_meta_post, W},
	{"PUT", "files/*/metadata/*/*", bx_do_meta_put, W},
	{"DELETE", "files/*/metadata/*/*", bx_do_meta_delete, W},
	{"GET", "folders/*/metadata", bx_do_meta_list, R},
	{"GET", "folders/*/metadata/*/*", bx_do_meta_get, R},
	{"POST", "folders/*/metadata/*/*", bx_do_meta_post, W},
	{"PUT", "folders/*/metadata/*/*", bx_do_meta_put, W},
	{"DELETE", "folders/*/metadata/*/*", bx_do_meta_delete, W},
	{"GET", "folders/trash/items", bx_do_trash_items, R},
	{"POST", "folders", bx_do_folder_create, W},
	{"GET", "folders/*", bx_do_folder_get, R},
	{"POST", "folders/*", bx_do_folder_restore, W},
	{"PUT", "folders/*", bx_do_folder_put, W},
	{"DELETE", "folders/*", bx_do_folder_delete, W},
	{"GET", "folders/*/items", bx_do_folder_items, R},
	{"POST", "folders/*/copy", bx_do_folder_copy, W},
	{"GET", "folders/*/collaborations", bx_do_folder_collabs, R},
	{"GET", "folders/*/trash", bx_do_folder_trash_get, R},
	{"DELETE", "folders/*/trash", bx_do_folder_trash_delete, W},
	{"GET", "collaborations", bx_do_collab_pending, R},
	{"POST", "collaborations", bx_do_collab_post, W},
	{"GET", "collaborations/*", bx_do_collab_get, R},
	{"PUT", "collaborations/*", bx_do_collab_put, W},
	{"DELETE", "collaborations/*", bx_do_collab_delete, W},
	{"GET", "users/me", bx_do_users_me, 0},
	{"GET", "users", bx_do_users_list, U},
	{"POST", "users", bx_do_user_post, U},
	{"GET", "users/*", bx_do_user_get, 0},
	{"PUT", "users/*", bx_do_user_put, U},
	{"DELETE", "users/*", bx_do_user_delete, U},
	{"PUT", "users/*/folders/0", bx_do_user_transfer, U | W},
	{"GET", "users/*/memberships", bx_do_user_memberships, G},
	{"GET", "groups", bx_do_groups_list, G},
	{"POST", "groups", bx_do_group_post, G},
	{"GET", "groups/*", bx_do_group_get, G},
	{"PUT", "groups/*", bx_do_group_put, G},
	{"DELETE", "groups/*", bx_do_group_delete, G},
	{"GET", "groups/*/memberships", bx_do_group_members, G},
	{"GET", "groups/*/collaborations", bx_do_group_collabs, G},
	{"POST", "group_memberships", bx_do_member_post, G},
	{"GET", "group_memberships/*", bx_do_member_get, G},
	{"PUT", "group_memberships/*", bx_do_member_put, G},
	{"DELETE", "group_memberships/*", bx_do_member_delete, G},
	{"GET", "events", bx_do_events_get, 0},
	{"OPTIONS", "events", bx_do_events_options, 0},
	{"GET", "webhooks", bx_do_hooks_list, H},
	{"POST", "webhooks", bx_do_hook_post, H},
	{"GET", "webhooks/*", bx_do_hook_get, H},
	{"PUT", "webhooks/*", bx_do_hook_put, H},
	{"DELETE", "webhooks/*", bx_do_hook_delete, H},
	{"GET", "metadata_templates/enterprise", bx_do_templates_list, R},
	{"GET", "metadata_templates/global", bx_do_templates_global, R},
	{"POST", "metadata_templates/schema", bx_do_template_post, R},
	{"GET", "metadata_templates", bx_do_templates_of_instance, R},
	{"GET", "metadata_templates/*/*/schema", bx_do_template_get, R},
	{"PUT", "metadata_templates/*/*/schema", bx_do_template_put, R},
	{"DELETE", "metadata_templates/*/*/schema", bx_do_template_delete, R},
	{"GET", "metadata_templates/*", bx_do_template_by_id, R},
	{"GET", "search", bx_do_search, R | SEARCH},
	{"GET", "recent_items", bx_do_recent, R},
	{"GET", "shared_items", bx_do_shared_item, R},
};

static bool fits(const char *pattern, const char *const *segments, int n, const char **ids)
{
	int at = 0, found = 0;

	for (const char *p = pattern;; p++) {
		size_t len = strcspn(p, "/");
		if (at == n)
			return false;
		if (len == 1 && *p == '*')
			ids[found++] = segments[at];
		else if (strlen(segments[at]) != len || strncmp(segments[at], p, len) != 0)
			return false;
		at++;
		p += len;
		if (!*p)
			return at == n;
	}
}

/* ---- who calls ---- */

static const struct {
	unsigned bit;
	const char *name;
} scope_names[] = {
	{BX_SCOPE_WRITE, "root_readwrite"},
	{BX_SCOPE_READ, "root_readonly"},
	{BX_SCOPE_USERS, "manage_managed_users"},
	{BX_SCOPE_GROUPS, "manage_groups"},
	{BX_SCOPE_WEBHOOK, "manage_webhook"},
	{BX_SCOPE_ENTERPRISE, "manage_enterprise_properties"},
};

static bool scopes_ok(struct bx_ctx *c, unsigned want)
{
	for (size_t i = 0; i < ARRAY_SIZE(scope_names); i++) {
		if (want & scope_names[i].bit & ~c->t->scopes) {
			bx_insufficient_scope(c, scope_names[i].name);
			return false;
		}
	}
	return true;
}

/* The as-user header: the application's account and administrators may act as a managed user of their
 * enterprise, when the application was given that right. */
static bool as_user(struct bx_ctx *c)
{
	const char *id = fc_header(c->req, "As-User");
	struct bx_user *u;

	if (!id || !*id)
		return true;
	u = bx_find(c->t, id, BX_USER);
	if (u == c->principal)
		return true;
	if (!c->t->as_user || !(c->t->scopes & BX_SCOPE_USERS) || !bx_is_admin(c) || !u || u->deleted ||
		strcmp(u->status, "active") != 0) {
		bx_error(c, 403, "forbidden", "Forbidden - the as-user header is not allowed for this user");
		return false;
	}
	c->user = u;
	return true;
}

static bool authenticate(struct bx_ctx *c)
{
	c->token = fc_token_of(c->req);
	if (!c->token && !fc_header(c->req, "Authorization"))
		c->token = fc_token_find("box", fc_query(c->req, "access_token"));
	if (c->token) {
		c->t = bx_tenant_named(c->token->tenant);
		c->req->tenant = c->token->tenant;
	}
	if (!c->t || c->token->revoked || bx_client_gone(c->t, c->token->client) || c->token->expires_at <= fc_now()) {
		bx_unauthorized(c);
		return false;
	}
	c->principal = *c->token->subject ? bx_find(c->t, c->token->subject, BX_USER) : c->t->service;
	if (!c->principal || c->principal->deleted) {
		bx_unauthorized(c);
		return false;
	}
	c->user = c->principal;
	return as_user(c);
}

static bool throttled(struct bx_ctx *c, unsigned flags)
{
	char name[96];
	int wait;

	snprintf(name, sizeof(name), "box/%s/%s", c->t->name, c->user->login);
	wait = fc_throttle(name, 1, 1000, 60000);
	if (!wait && flags & UPLOAD) {
		snprintf(name, sizeof(name), "box-upload/%s/%s", c->t->name, c->user->login);
		wait = fc_throttle(name, 1, 240, 60000);
	}
	if (!wait && flags & SEARCH) {
		snprintf(name, sizeof(name), "box-search/%s/%s", c->t->name, c->user->login);
		wait = fc_throttle(name, 1, 6, 1000);
	}
	if (!wait)
		return false;
	fc_set_headerf(c->res, "Retry-After", "%d", wait);
	bx_error(c, 429, "rate_limit_exceeded", "Request rate limit exceeded, please try again later");
	return true;
}

static void api(struct bx_ctx *c, const char *const *segments, int n)
{
	const struct route *found = NULL;
	bool known = false;

	while (n > 0 && !*segments[n - 1]) /* a trailing slash is taken */
		n--;
	for (size_t i = 0; i < ARRAY_SIZE(routes) && !found; i++) {
		const char *ids[ARRAY_SIZE(c->id)] = {NULL};
		if (!fits(routes[i].pattern, segments, n, ids))
			continue;
		known = true;
		if (strcmp(routes[i].method, c->req->method) != 0)
			continue;
		found = &routes[i];
		memcpy(c->id, ids, sizeof(ids));
	}
	if (!authenticate(c))
		return;
	if (!found) {
		bx_error(c, known ? 405 : 404, known ? "method_not_allowed" : "not_found",
			known ? "Method Not Allowed" : "Not Found");
		return;
	}
	c->fields = fc_query(c->req, "fields");
	if (c->fields && !*c->fields)
		c->fields = NULL;
	if (scopes_ok(c, found->flags & BX_SCOPE_ALL) && !throttled(c, found->flags))
		found->call(c);
}

static void handle(struct fc_request *req, struct fc_response *res)
{
	const char *s[MAX_SEGMENTS + 1];
	int n = fc_path_split(req, s, MAX_SEGMENTS);
	struct bx_ctx c = {.req = req, .res = res, .prefix = "/2.0"};
	const char *const *rest = s;

	if (n > 0 && !strcmp(s[0], "api")) {
		rest++;
		n--;
		c.prefix = "/api/2.0";
	}
	if (n >= 2 && !strcmp(rest[0], "2.0")) {
		api(&c, rest + 1, n - 1);
		return;
	}
	if (bx_portal(req, res))
		return;
	bool post = !strcmp(req->method, "POST");
	if (n == 2 && !strcmp(rest[0], "oauth2") && !strcmp(rest[1], "token") && post)
		bx_oauth_token(req, res);
	else if (n == 2 && !strcmp(rest[0], "oauth2") && !strcmp(rest[1], "revoke") && post)
		bx_oauth_revoke(req, res);
	else if (n >= 1 && !strcmp(rest[n - 1], "authorize"))
		bx_oauth_authorize(req, res);
	else if (n >= 3 && !strcmp(rest[0], "d"))
		bx_download(req, res);
	else if (n >= 2 && (!strcmp(rest[0], "s") || !strcmp(rest[0], "v") || !strcmp(rest[0], "shared")))
		bx_shared_page(req, res);
	else if (n >= 1 && !strcmp(rest[0], "subscribe"))
		bx_subscribe(req, res);
	else
		bx_error(&c, 404, "not_found", "Not Found");
}

/* ---- what the server asks ---- */

static bool quarantined(const struct bx_item *it)
{
	if (it->lock && it->lock->no_download && (!it->lock->expires_at || it->lock->expires_at > fc_now()))
		return true;
	for (const struct bx_item *p = it->parent; p; p = p->parent) {
		/* In the transit folder a file is still on its way. */
		if (!strncasecmp(p->name, "sekisho-quarantine", 18))
			return strncasecmp(p->name + 18, "-transit", 8) != 0;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static cJSON *sorted(struct bx_list *words)
{
	cJSON *list = cJSON_CreateArray();

	if (words->n)
		qsort(words->at, words->n, sizeof(words->at[0]), by_text);
	for (size_t i = 0; i < words->n; i++) {
		cJSON_AddItemToArray(list, cJSON_CreateString(words->at[i]));
		free(words->at[i]);
	}
	free(words->at);
	return list;
}

/* Direct sharing as GET /state words it. */
static cJSON *sharing(const struct bx_item *it)
{
	struct bx_list words = {0};
	const struct bx_link *link = bx_link_live(it);
	char text[400];

	for (size_t i = 0; i < it->collabs.n; i++) {
		const struct bx_collab *k = it->collabs.at[i];
		if (!bx_collab_live(k))
			continue;
		snprintf(text, sizeof(text), "%s:%s:%s", k->group ? "group" : "user",
			k->group  ? k->group->name
			: k->user ? k->user->login
				  : k->email,
			bx_role_rights(k->role) & BX_EDIT ? "write" : "read");
		bx_push(&words, bx_strdup(text));
	}
	if (link && strcmp(link->access, "collaborators") != 0) {
		snprintf(text, sizeof(text), "link:%s:%s",
			strcmp(link->access, "open") ? "organization" : "anonymous",
			link->can_edit ? "edit" : "view");
		bx_push(&words, bx_strdup(text));
	}
	return sorted(&words);
}

/* Tags as they are, and metadata as "SCOPE.TEMPLATE.KEY=VALUE". */
static cJSON *labels(const struct bx_item *it)
{
	struct bx_list words = {0};
	const cJSON *tag, *value;

	cJSON_ArrayForEach(tag, it->tags) bx_push(&words, bx_strdup(tag->valuestring));
	for (size_t i = 0; i < it->instances.n; i++) {
		const struct bx_instance *m = it->instances.at[i];
		cJSON_ArrayForEach(value, m->values)
		{
			_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
			buf_addf(&text, "%s.%s.%s=", strncmp(m->template->scope, "enterprise", 10) ? m->template->scope : "enterprise",
				m->template->key, value->string);
			if (cJSON_IsString(value))
				buf_adds(&text, value->valuestring);
			else
				json_print(value, &text);
			bx_push(&words, bx_strdup(buf_str(&text)));
		}
	}
	return sorted(&words);
}

static void place_of(const struct bx_item *folder, struct buf *out)
{
	if (!folder->parent)
		return;
	place_of(folder->parent, out);
	buf_addf(out, "/%s", folder->name);
}

static void state_of(const struct bx_item *folder, cJSON *items)
{
	_cleanup_buf_ struct buf place = BUF_INIT(1 << 20);

	place_of(folder, &place);
	for (size_t i = 0; i < folder->children.n; i++) {
		struct bx_item *it = folder->children.at[i];
		if (it->kind == BX_FOLDER) {
			state_of(it, items);
			continue;
		}
		struct bx_version *v = bx_current(it);
		const struct digests *d = fc_blob_digests(v->blob, DIGEST_SHA256);
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "provider", "box");
		cJSON_AddStringToObject(o, "tenant", it->tenant->name);
		cJSON_AddStringToObject(o, "service", "box");
		bx_id(o, "id", it->id);
		cJSON_AddStringToObject(o, "owner", it->owner->login);
		cJSON_AddStringToObject(o, "place", place.len ? place.data : "/");
		cJSON_AddStringToObject(o, "name", it->name);
		bx_num(o, "size", fc_blob_size(v->blob));
		cJSON_AddStringToObject(o, "sha256", d ? d->sha256 : "");
		cJSON_AddItemToObject(o, "labels", labels(it));
		cJSON_AddItemToObject(o, "sharing", sharing(it));
		bx_id(o, "version", v->id);
		cJSON_AddBoolToObject(o, "quarantined", quarantined(it));
		cJSON_AddItemToArray(items, o);
	}
}

static void state(cJSON *items)
{
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		struct bx_tenant *t = bx_tenants()->at[i];
		for (size_t k = 0; k < t->users.n; k++)
			state_of(((struct bx_user *)t->users.at[k])->root, items);
		state_of(t->service->root, items);
		for (size_t k = 0; k < t->services.n; k++)
			state_of(((struct bx_user *)t->services.at[k])->root, items);
	}
}

static int connection(struct bx_tenant *t, struct buf *yaml, const char *dir)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16), path = BUF_INIT(4096);
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	cJSON *app = cJSON_AddObjectToObject(doc, "boxAppSettings");

	cJSON_AddStringToObject(app, "clientID", t->client_id);
	cJSON_AddStringToObject(app, "clientSecret", t->client_secret);
	cJSON *auth = cJSON_AddObjectToObject(app, "appAuth");
	cJSON_AddStringToObject(auth, "publicKeyID", t->public_key_id);
	cJSON_AddStringToObject(auth, "privateKey", t->key->private_encrypted_pem);
	cJSON_AddStringToObject(auth, "passphrase", t->key->passphrase);
	cJSON_AddStringToObject(doc, "enterpriseID", t->enterprise);
	if (json_print(doc, &text) < 0 || buf_addf(&path, "%s/%s-box.json", dir, t->name) < 0 ||
		io_write_file(path.data, text.data, text.len, 0600, NULL) < 0)
		return -1;
	return buf_addf(yaml,
		"  - id: %s-box\n    tenant: %s\n    provider: box\n    mode: protect\n    backlog: all\n"
		"    services: [files]\n    endpoints: {api: \"%s\", upload: \"%s\"}\n"
		"    grant: {type: jwt, config_file: %s-box.json}\n",
		t->name, t->name, fc_url("box"), fc_url("box"), t->name);
}

static int connections(struct buf *yaml, const char *dir)
{
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		if (connection(bx_tenants()->at[i], yaml, dir) < 0)
			return -1;
	}
	return 0;
}

static void consent(const char *tenant, bool revoked)
{
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		struct bx_tenant *t = bx_tenants()->at[i];
		if (tenant && strcmp(t->name, tenant) != 0)
			continue;
		t->revoked = revoked;
		bx_installs_withdraw(t, revoked);
		bx_refresh_withdraw(t, revoked);
		if (revoked)
			fc_token_revoke_all("box", t->name);
	}
}

static void revoke_consent(const char *tenant)
{
	consent(tenant, true);
}

static void restore_consent(const char *tenant)
{
	consent(tenant, false);
}

/* Positions given out so far name a log that is no more; see events.c. */
static void expire_cursors(const char *tenant)
{
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		struct bx_tenant *t = bx_tenants()->at[i];
		if (!tenant || !strcmp(t->name, tenant))
			t->cursor_epoch++;
	}
}

const struct fc_provider fc_box = {
	.name = "box",
	.seed = bx_seed,
	.handle = handle,
	.state = state,
	.connections = connections,
	.console = bx_console,
	.revoke = revoke_consent,
	.restore_consent = restore_consent,
	.expire_cursors = expire_cursors,
};
