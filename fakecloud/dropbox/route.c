/* From a request to a route's handler: token, scope, Select-User and Select-Admin, path root, argument.
 * Exports the provider. */
#include "fakecloud/dropbox/consent.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

/* 401 with a union of AuthError. */
static void refuse(struct dbx_call *c, const char *chain)
{
	dbx_error_doc(c, 401, chain, dbx_union(chain));
	c->res->status = 401;
}

static bool check_scope(struct dbx_call *c)
{
	const char *scope = c->route->scope;
	size_t n = scope ? strlen(scope) : 0;

	if (!scope)
		return true;
	for (const char *p = c->token->scope; (p = strstr(p, scope)); p++) {
		if ((p == c->token->scope || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	}
	cJSON *error = dbx_tag("missing_scope");
	cJSON_AddStringToObject(error, "required_scope", scope);
	dbx_error_doc(c, 401, "missing_scope", error);
	return false;
}

static bool check_token(struct dbx_call *c)
{
	const char *value = fc_header(c->req, "Authorization");

	if (!value) {
		dbx_bad(c, "Must provide HTTP header \"Authorization\" or URL parameter \"authorization\".");
		return false;
	}
	if (strncasecmp(value, "Bearer ", 7) != 0) {
		dbx_bad(c, "Invalid authorization value in HTTP header \"Authorization\": expecting \"Bearer "
			   "<access token>\"");
		return false;
	}
	c->token = fc_token_of(c->req);
	c->team = c->token ? dbx_team_find(c->token->tenant) : NULL;
	if (!c->team || c->token->revoked) {
		refuse(c, "invalid_access_token");
		return false;
	}
	c->req->tenant = c->team->tenant;
	if (c->token->expires_at <= fc_now()) {
		refuse(c, "expired_access_token");
		return false;
	}
	return true;
}

/* The member that a team's token acts as. */
static bool check_select(struct dbx_call *c)
{
	const char *user = fc_header(c->req, "Dropbox-API-Select-User");
	const char *admin = fc_header(c->req, "Dropbox-API-Select-Admin");

	if (c->route->auth == DBX_TEAM && *c->token->subject) {
		dbx_bad(c, "This API function operates on a team, but the OAuth 2 access token you provided is for a "
			   "single Dropbox account.");
		return false;
	}
	if (c->route->auth == DBX_TEAM || c->route->auth == DBX_REVOKE)
		return true;
	if (!user && !admin && *c->token->subject)
		user = c->token->subject;
	if (user && admin) {
		dbx_bad(c, "Only one of \"Dropbox-API-Select-User\" and \"Dropbox-API-Select-Admin\" may be "
			   "given.");
		return false;
	}
	if (!user && !admin) {
		dbx_bad(c, "This API function operates on a single Dropbox account, but the OAuth 2 access "
			   "token you provided "
			   "is for an entire Dropbox Business team.  Since your API app key has team member "
			   "file access "
			   "permissions, you can operate on a team member's Dropbox by providing the "
			   "\"Dropbox-API-Select-User\" HTTP header or \"select_user\" URL parameter to "
			   "specify the exact "
			   "user <https://www.dropbox.com/developers/documentation/http/teams>.");
		return false;
	}
	c->member = map_get(&c->team->by_member, user ? user : admin);
	if (!c->member) {
		refuse(c, user ? "invalid_select_user" : "invalid_select_admin");
		return false;
	}
	if (admin && !c->member->admin) {
		refuse(c, "invalid_select_admin");
		return false;
	}
	if (c->member->suspended || !c->member->home) {
		refuse(c, "user_suspended");
		return false;
	}
	if (admin && c->route->admin == DBX_NO_ADMIN) {
		dbx_bad(c, "This API function does not support the \"Dropbox-API-Select-Admin\" header.");
		return false;
	}
	c->as_admin = admin ? c->route->admin : DBX_NO_ADMIN;
	c->base = c->member->home;
	return true;
}

static bool root_wrong(struct dbx_call *c, bool moved)
{
	if (!moved) {
		dbx_error_doc(c, 422, "no_permission", dbx_tag("no_permission"));
		return false;
	}
	cJSON *error = dbx_tag("invalid_root"), *info = dbx_add_tag(error, "invalid_root", "user");
	cJSON_AddStringToObject(info, "root_namespace_id", c->member->home->id);
	cJSON_AddStringToObject(info, "home_namespace_id", c->member->home->id);
	dbx_error_doc(c, 422, "invalid_root", error);
	return false;
}

static bool check_root(struct dbx_call *c)
{
	const char *text = fc_header(c->req, "Dropbox-API-Path-Root");
	_cleanup_json_ cJSON *doc = NULL;

	if (!text || !c->member)
		return true;
	if (json_parse(text, strlen(text), &doc, NULL) < 0 || !dbx_tag_of(doc)) {
		dbx_bad(c, "HTTP header \"Dropbox-API-Path-Root\": could not decode input as JSON");
		return false;
	}
	const char *tag = dbx_tag_of(doc), *id = cJSON_IsObject(doc) ? json_str(doc, tag) : NULL;
	if (!strcmp(tag, "home"))
		return true;
	if ((strcmp(tag, "root") != 0 && strcmp(tag, "namespace_id") != 0) || !id) {
		dbx_bad(c, "HTTP header \"Dropbox-API-Path-Root\": unknown tag or missing value");
		return false;
	}
	struct dbx_ns *ns = map_get(&c->team->by_ns, id);
	if (!strcmp(tag, "root"))
		return ns == c->member->home || root_wrong(c, true);
	if (!ns || !dbx_can_read(c, ns))
		return root_wrong(c, false);
	c->base = ns;
	return true;
}

/* True when the media type is one of the list; by_browser: text/plain counts only in the form that browsers
 * may send. */
static bool type_is(const char *type, const char *const *allowed, bool by_browser)
{
	size_t len = strcspn(type, ";");
	const char *parameters = type + len;

	while (len && type[len - 1] == ' ')
		len--;
	for (; *allowed; allowed++) {
		if (strlen(*allowed) == len && !strncasecmp(type, *allowed, len))
			return !by_browser || strcmp(*allowed, "text/plain") != 0 ||
			       strstr(parameters, "dropbox-cors-hack");
	}
	return false;
}

static bool check_type(struct dbx_call *c)
{
	static const char *const rpc[] = {"application/json", "text/plain", NULL};
	static const char *const upload[] = {"application/octet-stream", "text/plain", NULL};
	static const char *const download[] = {"", "text/plain", "application/octet-stream", NULL};
	const char *type = fc_header(c->req, "Content-Type");

	switch (c->route->style) {
	case DBX_RPC:
		if ((type && type_is(type, rpc, true)) || !c->req->body->len)
			return true;
		dbx_bad(c,
			"Bad HTTP \"Content-Type\" header: \"%s\".  Expecting one of \"application/json\", "
			"\"application/json; charset=utf-8\", \"text/plain; charset=dropbox-cors-hack\".",
			type ? type : "");
		return false;
	case DBX_UPLOAD:
		if (type && type_is(type, upload, true))
			return true;
		dbx_bad(c,
			"Bad HTTP \"Content-Type\" header: \"%s\".  Expecting one of "
			"\"application/octet-stream\", "
			"\"text/plain; charset=dropbox-cors-hack\".",
			type ? type : "");
		return false;
	default:
		if (!type || type_is(type, download, false))
			return true;
		dbx_bad(c,
			"Bad HTTP \"Content-Type\" header: \"%s\".  Expecting one of \"\", \"text/plain\", "
			"\"text/plain; charset=utf-8\", \"application/octet-stream\", "
			"\"application/octet-stream; charset=utf-8\".",
			type);
		return false;
	}
}

static bool read_argument(struct dbx_call *c, cJSON **ret_owned)
{
	const char *where = "request body", *text;
	cJSON *doc = NULL;

	if (c->route->style == DBX_RPC) {
		if (c->req->body->len)
			doc = fc_body_json(c->req);
		if (c->req->body->len && !doc) {
			dbx_bad(c, "request body: could not decode input as JSON");
			return false;
		}
	} else {
		where = "HTTP header \"Dropbox-API-Arg\"";
		text = fc_header(c->req, "Dropbox-API-Arg");
		if (!text)
			text = fc_query(c->req, "arg");
		if (!text && c->route->args) {
			dbx_bad(c, "Must provide HTTP header \"Dropbox-API-Arg\" or URL parameter \"arg\".");
			return false;
		}
		for (const char *p = text; p && *p; p++) {
			if ((unsigned char)*p > 0x7e && fc_header(c->req, "Dropbox-API-Arg")) {
				dbx_bad(c, "%s: could not decode input as JSON", where);
				return false;
			}
		}
		if (text && json_parse(text, strlen(text), ret_owned, NULL) < 0) {
			dbx_bad(c, "%s: could not decode input as JSON", where);
			return false;
		}
		doc = *ret_owned;
	}
	if (!c->route->args) {
		if (doc && !cJSON_IsNull(doc)) {
			dbx_bad(c, "%s: expected null, got value", where);
			return false;
		}
		return true;
	}
	/* A missing body counts as an empty argument where nothing in it is required. */
	if (!doc)
		doc = *ret_owned = cJSON_CreateObject();
	const char *wrong = dbx_args_check(c->arena, c->route->args, doc);
	if (wrong) {
		dbx_bad(c, "%s: %s", where, wrong);
		return false;
	}
	c->arg = doc;
	return true;
}

static void call(struct dbx_call *c)
{
	_cleanup_json_ cJSON *argument = NULL;

	if (strcmp(c->req->method, "POST") != 0 &&
		!(c->route->style == DBX_DOWNLOAD && !strcmp(c->req->method, "GET"))) {
		dbx_bad(c, "Your request's HTTP method is \"%s\", but this function expects \"POST\".",
			c->req->method);
		return;
	}
	if (c->route->auth != DBX_NOAUTH && (!check_token(c) || !check_select(c) || !check_scope(c)))
		return;
	if (!check_type(c) || !check_root(c) || !read_argument(c, &argument))
		return;
	if (c->member) {
		const char *name =
			arena_printf(c->arena, "dropbox %s %s", c->team->tenant, c->member->team_member_id);
		int wait_s = fc_throttle(name, 1, 600, 60000);
		if (wait_s) {
			cJSON *error = cJSON_CreateObject();
			dbx_add_tag(error, "reason", "too_many_requests");
			cJSON_AddNumberToObject(error, "retry_after", wait_s);
			dbx_error_doc(c, 429, "too_many_requests", error);
			fc_set_headerf(c->res, "Retry-After", "%d", wait_s);
			return;
		}
	}
	c->route->handle(c);
	if (c->team)
		c->req->tenant = c->team->tenant;
}

static void handle(struct fc_request *req, struct fc_response *res)
{
	/* An end-point's address may carry a path before the real one. */
	const char *path = strstr(req->path, "/2/"), *oauth = strstr(req->path, "/oauth2/");
	char id[33];

	random_hex(id, 16);
	fc_set_header(res, "X-Dropbox-Request-Id", id);
	if (dbx_portal(req, res))
		return;
	if (oauth && !strcmp(oauth, "/oauth2/token")) {
		dbx_oauth_token(req, res);
		return;
	}
	if (oauth && !strcmp(oauth, "/oauth2/authorize")) {
		dbx_oauth_authorize(req, res);
		return;
	}
	if (!strncmp(req->path, "/cd/0/get/", 10)) {
		dbx_temporary_get(req, res);
		return;
	}
	const struct dbx_route *route = path ? dbx_route_find(path + 3) : NULL;
	if (!route) {
		if (path)
			fc_text(res, 400, "text/plain; charset=utf-8",
				arena_printf(req->arena, "Unknown API function: \"%s\"", path + 3));
		else
			fc_text(res, 404, "text/plain; charset=utf-8", "Not found");
		return;
	}
	struct dbx_call c = {.req = req, .res = res, .route = route, .arena = req->arena};
	call(&c);
}

static void for_teams(const char *tenant, void (*apply)(struct dbx_team *team))
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	for (size_t i = 0; i < n; i++) {
		if (!tenant || !strcmp(teams[i]->tenant, tenant))
			apply(teams[i]);
	}
}

static void restore_one(struct dbx_team *team)
{
	team->consent = true;
	dbx_links_withdraw(team, false);
}

static void expire_one(struct dbx_team *team)
{
	team->generation++;
	team->lost_at = fc_now();
}

static void revoke_teams(const char *tenant)
{
	for_teams(tenant, dbx_consent_end);
}

static void restore_teams(const char *tenant)
{
	for_teams(tenant, restore_one);
}

static void expire_teams(const char *tenant)
{
	for_teams(tenant, expire_one);
}

const struct fc_provider fc_dropbox = {
	.name = "dropbox",
	.seed = dbx_seed,
	.handle = handle,
	.state = dbx_state,
	.connections = dbx_connections,
	.console = dbx_console,
	.revoke = revoke_teams,
	.restore_consent = restore_teams,
	.expire_cursors = expire_teams,
};
