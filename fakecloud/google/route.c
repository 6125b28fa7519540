/* From a request to its handler: the addresses that are none of an API, then token, scopes, route, mask,
 * quota. */
#include "fakecloud/google/consent.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define REALM "Bearer realm=\"https://accounts.google.com/\""
#define SEGMENTS 24

static const char *short_scope(const char *scope, size_t len, size_t *ret_len)
{
	static const char root[] = "https://www.googleapis.com/auth/", mail[] = "https://mail.google.com/";

	if (len == sizeof(mail) - 1 && !memcmp(scope, mail, len)) {
		*ret_len = 4;
		return "mail";
	}
	if (len > sizeof(root) - 1 && !memcmp(scope, root, sizeof(root) - 1)) {
		*ret_len = len - (sizeof(root) - 1);
		return scope + sizeof(root) - 1;
	}
	*ret_len = len;
	return scope;
}

bool gg_has_scope(const struct fc_token *token, const char *names)
{
	for (const char *p = token->scope; *p;) {
		size_t len = strcspn(p, " "), n;
		const char *s = short_scope(p, len, &n);
		if (n && fc_has_word(names, s, n))
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

/* Matches the segments from `from` on against a route's path. */
static bool match(struct gg_call *c, const char *pattern, const char **seg, int n)
{
	int i = 0, v = 0;

	for (const char *p = pattern; *p;) {
		size_t len = strcspn(p, "/");
		if (len == 3 && !memcmp(p, "{*}", 3)) {
			_cleanup_buf_ struct buf rest = BUF_INIT(8192);
			for (; i < n; i++)
				buf_addf(&rest, "%s%s", rest.len ? "/" : "", seg[i]);
			c->var[v] = arena_dup(c->req->arena, buf_str(&rest));
			return true;
		}
		if (i >= n)
			return false;
		if (len == 2 && !memcmp(p, "{}", 2))
			c->var[v++] = seg[i];
		else if (strlen(seg[i]) != len || memcmp(seg[i], p, len) != 0)
			return false;
		i++;
		p += len;
		if (*p == '/')
			p++;
	}
	return i == n;
}

static const struct gg_route *find(struct gg_call *c, const char **seg, int n, bool *ret_path_known)
{
	static const struct gg_route *const tables[] = {gm_routes, gd_routes, ga_routes};

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct gg_route *r = tables[t]; r->method; r++) {
			if (!match(c, r->path, seg, n))
				continue;
			*ret_path_known = true;
			if (!strcmp(r->method, c->method))
				return r;
		}
	}
	return NULL;
}

static int not_found(struct gg_call *c, bool path_known)
{
	c->res->status = path_known ? 405 : 404;
	buf_clear(&c->res->body);
	buf_addf(&c->res->body,
		"<!DOCTYPE html>\n<html lang=en>\n<title>Error %d</title>\n<p>The requested URL was not "
		"found on this "
		"server.\n",
		c->res->status);
	gg_header(c, "Content-Type", "text/html; charset=UTF-8");
	return -1;
}

static int token_check(struct gg_call *c)
{
	const char *value = gg_request_header(c, "Authorization");
	const char *text = gg_query(c, "access_token");

	if (value && !strncasecmp(value, "Bearer ", 7))
		text = value + 7 + strspn(value + 7, " ");
	else if (!text)
		text = gg_query(c, "oauth_token");
	if (!text) {
		gg_header(c, "WWW-Authenticate", REALM);
		return gg_error_at(c, 401, "required", "header", "Authorization",
			"Request is missing required authentication credential. Expected OAuth 2 access "
			"token, login "
			"cookie or other valid authentication credential.");
	}
	c->token = fc_token_find(GG, text);
	if (c->token)
		c->req->tenant = c->token->tenant;
	if (!c->token || c->token->revoked || c->token->expires_at <= fc_now()) {
		gg_header(c, "WWW-Authenticate", REALM ", error=\"invalid_token\"");
		return gg_error_at(c, 401, "authError", "header", "Authorization",
			c->route->api == GG_DRIVE ? "Invalid Credentials"
						  : "Request had invalid authentication credentials. "
						    "Expected OAuth 2 access token, login "
						    "cookie or other valid authentication credential.");
	}
	for (size_t i = 0; i < gg_ntenants && !c->tenant; i++) {
		if (!strcmp(gg_tenants[i]->name, c->token->tenant))
			c->tenant = gg_tenants[i];
	}
	c->user = c->tenant ? gg_user_find(c->tenant, c->token->subject) : NULL;
	if (!c->user)
		return gg_error_at(c, 401, "authError", "header", "Authorization", "Invalid Credentials");
	if (!gg_has_scope(c->token, c->route->scopes)) {
		gg_header(c, "WWW-Authenticate", REALM ", error=\"insufficient_scope\"");
		return gg_error(c, 403, "insufficientPermissions",
			c->route->api == GG_DRIVE
				? "Insufficient Permission: Request had insufficient authentication scopes."
				: "Request had insufficient authentication scopes.");
	}
	return 0;
}

/* Reading a file's content costs more than reading of it. */
static int cost_of(struct gg_call *c)
{
	const char *alt = gg_query(c, "alt");

	return c->route->api == GG_DRIVE && alt && !strcmp(alt, "media") && c->route->cost < 200
		       ? 200
		       : c->route->cost;
}

/* Per user, and per project, which is a tenant's here. */
static int quota_check(struct gg_call *c)
{
	bool mail = c->route->api == GG_GMAIL;
	const char *project =
		arena_printf(c->req->arena, "google/%s/%s", mail ? "gmail" : "drive", c->tenant->name);
	const char *user = arena_printf(c->req->arena, "%s/%s", project, c->user->email);
	int cost = cost_of(c);

	if (c->route->api == GG_ADMIN)
		return 0;
	bool user_waits = fc_throttle(user, cost, mail ? 6000 : 325000, 60000);
	if (!user_waits && !fc_throttle(project, cost, mail ? 1200000 : 1000000, 60000))
		return 0;
	if (mail)
		return gg_error(c, 429, "rateLimitExceeded",
			"Quota exceeded for quota metric 'Queries' and limit 'Queries per minute%s' "
			"of service 'gmail.googleapis.com'.",
			user_waits ? " per user" : "");
	return user_waits ? gg_error(c, 403, "userRateLimitExceeded", "User Rate Limit Exceeded")
			  : gg_error(c, 403, "rateLimitExceeded", "Rate Limit Exceeded");
}

int gg_mask_check(struct gg_call *c)
{
	const char *fields = gg_query(c, "fields"), *bad = NULL;
	const char *alt = gg_query(c, "alt");

	if (!fields && !c->inner)
		fields = gg_request_header(c, "X-Goog-FieldMask");
	if (alt && !strcmp(alt, "media"))
		fields = NULL;
	if (fields && *fields) {
		c->mask = mask_parse(c->req->arena, fields, c->route->schema, &bad);
		if (!c->mask && c->route->api == GG_DRIVE)
			return gg_error_at(c, 400, "invalidParameter", "parameter", "fields",
				"Invalid field selection %s", bad);
		if (!c->mask)
			return gg_error(c, 400, "badRequest", "Request contains an invalid argument.");
	} else if (c->route->defaults) {
		c->mask = mask_parse(c->req->arena, c->route->defaults, NULL, &bad);
	}
	return 0;
}

int gg_dispatch(struct gg_call *c)
{
	const char *seg[SEGMENTS];
	const char *alt;
	bool known = false;
	int n = fc_path_split(c->req, seg, SEGMENTS), from = 0, r;

	c->body_text = buf_str(c->req->body);
	c->body_len = c->req->body->len;
	if (n > 2 && !strcmp(seg[0], "resumable") && !strcmp(seg[1], "upload"))
		from = 2;
	else if (n > 1 && !strcmp(seg[0], "upload"))
		from = 1;
	c->upload = from > 0;
	const char *upload_id = c->upload ? gg_query(c, "upload_id") : NULL;
	if (upload_id)
		c->method = gg_upload_method(upload_id);
	c->route = find(c, seg + from, n - from, &known);
	if (!c->route || (c->upload && !c->route->upload))
		return not_found(c, known && !c->upload);
	if (c->upload && c->inner)
		return gg_error(c, 400, "badRequest", "Batch requests do not allow media uploads.");
	if (upload_id)
		return gg_upload_continue(c, upload_id);
	r = token_check(c);
	if (r < 0)
		return r;
	alt = gg_query(c, "alt");
	if (alt && strcmp(alt, "json") != 0 && strcmp(alt, "media") != 0)
		return gg_error_at(
			c, 400, "invalidParameter", "parameter", "alt", "Invalid value '%s'.", alt);
	if (gg_mask_check(c) < 0 || gg_params_check(c) < 0 || quota_check(c) < 0)
		return -1;
	if (c->upload) {
		r = gg_upload(c);
		if (r != 1)
			return r;
	}
	return c->route->handle(c);
}

static bool path_is(const char *path, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(path, *names))
			return true;
	}
	return false;
}

void gg_handle(struct fc_request *req, struct fc_response *res)
{
	static const char *const token[] = {
		"/token", "/oauth2/v4/token", "/oauth2/v3/token", "/o/oauth2/token", NULL};
	static const char *const revoke[] = {"/revoke", "/o/oauth2/revoke", NULL};
	static const char *const info[] = {
		"/tokeninfo", "/oauth2/v3/tokeninfo", "/oauth2/v1/tokeninfo", NULL};
	struct gg_call c = {.req = req, .res = res, .method = req->method};
	struct fc_request as_get;
	const char *override;

	if (gg_page(req, res))
		return;
	if (path_is(req->path, token))
		return gg_token_handle(req, res);
	if (path_is(req->path, revoke))
		return gg_revoke_handle(req, res);
	if (path_is(req->path, info))
		return gg_tokeninfo_handle(req, res);
	if (!strcmp(req->path, "/batch") || gg_has_prefix(req->path, "/batch/"))
		return gg_batch_handle(req, res);
	override = fc_header(req, "X-HTTP-Method-Override");
	if (override && !strcmp(req->method, "POST")) {
		const char *type = fc_header(req, "Content-Type");
		static const struct buf empty;
		as_get = *req;
		c.method = arena_dup(req->arena, override);
		if (type && !strncasecmp(type, "application/x-www-form-urlencoded", 33)) {
			as_get.query = arena_dupn(req->arena, buf_str(req->body), req->body->len);
			as_get.body = &empty;
		}
		c.req = &as_get;
	}
	gg_dispatch(&c);
	if (c.req != req)
		req->tenant = c.req->tenant;
	json_free(c.body);
}
