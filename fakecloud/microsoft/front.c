/* What stands before Graph's routes: taking the request apart, the token, and the addresses beside /v1.0 (login,
 * pre-authenticated downloads). State lock held. */
#include "fakecloud/microsoft/app.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

static const char *decode(struct ms_ctx *c, const char *s, size_t len, bool form)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);

	if (url_decode(&b, s, len, form) < 0)
		return ms_fmt(c, "%.*s", (int)len, s);
	return ms_fmt(c, "%s", buf_str(&b));
}

/* Links begin with what the client used: the Host that came (and X-Forwarded-* of a proxy that ends TLS). */
const char *ms_base(struct fc_request *req, const char *real_host)
{
	const char *proto = fc_header(req, "X-Forwarded-Proto");
	const char *host = fc_header(req, "X-Forwarded-Host");
	const char *text;

	if (!host || !*host)
		host = req->host;
	if (!host || !*host)
		return fc_url("microsoft");
	if (!proto || (strcmp(proto, "http") && strcmp(proto, "https")))
		proto = real_host && strstr(real_host, host) ? "https" : "http";
	text = arena_printf(req->arena, "%s://%s", proto, host);
	return text ? text : fc_url("microsoft");
}

void ms_query_parse(struct ms_ctx *c, const char *query)
{
	for (const char *p = query; p && *p && c->n_params < (int)ARRAY_SIZE(c->param);) {
		size_t n = strcspn(p, "&"), k = strcspn(p, "=&");
		if (k) {
			c->param[c->n_params].key = decode(c, p, k, true);
			c->param[c->n_params++].value = k < n ? decode(c, p + k + 1, n - k - 1, true) : "";
		}
		p += n;
		p += *p == '&';
	}
}

void ms_path_parse(struct ms_ctx *c, const char *path)
{
	c->n_seg = 0;
	while (*path && c->n_seg < (int)ARRAY_SIZE(c->seg)) {
		size_t n = strcspn(path, "/");
		if (n)
			c->seg[c->n_seg++] = decode(c, path, n, false);
		path += n;
		path += *path == '/';
	}
}

static void unauthorized(struct ms_ctx *c, const char *message)
{
	ms_set_header(c, "WWW-Authenticate",
		"Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", "
		"client_id=\"00000003-0000-0000-c000-000000000000\"");
	ms_error(c, 401, "InvalidAuthenticationToken", "%s", message);
}

static bool authorized(struct ms_ctx *c)
{
	const char *value = fc_header(c->req, "Authorization");

	if (!value || strncasecmp(value, "Bearer ", 7) || !value[7 + strspn(value + 7, " ")]) {
		unauthorized(c, "Access token is empty.");
		return false;
	}
	c->token = fc_token_of(c->req);
	if (!c->token) {
		unauthorized(c, "IDX14100: JWT is not well formed, there are no dots (.).");
		return false;
	}
	c->t = ms_tenant_named(c->token->tenant);
	if (!c->t || c->token->revoked) {
		unauthorized(c, "Access token validation failure.");
		return false;
	}
	c->req->tenant = c->t->name;
	if (c->token->expires_at <= fc_now()) {
		unauthorized(c, "Lifetime validation failed, the token is expired.");
		return false;
	}
	return true;
}

static void ids(struct ms_ctx *c)
{
	const char *client = fc_header(c->req, "client-request-id");

	uuid_new(c->request_id);
	c->client_request_id = client && *client && strlen(client) < 128 ? client : c->request_id;
	fc_set_header(c->res, "request-id", c->request_id);
	fc_set_header(c->res, "client-request-id", c->client_request_id);
	fc_set_header(c->res, "Cache-Control", "private");
	fc_set_header(c->res, "Strict-Transport-Security", "max-age=31536000");
	fc_set_header(c->res, "x-ms-ags-diagnostic",
		"{\"ServerInfo\":{\"DataCenter\":\"Loopback\",\"Slice\":\"E\",\"Ring\":\"1\",\"ScaleUnit\":\"000\","
		"\"RoleInstance\":\"FAKE0000\"}}");
}

static void preferences(struct ms_ctx *c)
{
	c->immutable = ms_prefers(c, "IdType=\"ImmutableId\"") || ms_prefers(c, "IdType=ImmutableId");
	if (c->immutable)
		ms_set_header(c, "Preference-Applied", "IdType=\"ImmutableId\"");
}

void ms_call(struct ms_ctx *c, const char *path, const char *query)
{
	size_t n = strcspn(path + 1, "/") + 1;

	c->beta = !strncmp(path, "/beta", n);
	if (strncmp(path, "/v1.0", n) && !c->beta) {
		ms_error(c, 400, "BadRequest", "Invalid version: %.*s.", (int)n - 1, path + 1);
		return;
	}
	c->path = path;
	c->raw_query = query;
	c->n_params = 0;
	ms_query_parse(c, query);
	ms_path_parse(c, path + n);
	preferences(c);
	ms_dispatch(c);
}

/* The Graph client takes a link that begins with http for a path below the version ("/v1.0/http://host/v1.0/…"): such
 * a call is meant as the link. */
static const char *link_within(const char *path)
{
	const char *p = strstr(path, "/http:/");

	if (!p || p - path > 6)
		return path;
	p += 7;
	p += *p == '/';
	p = strchr(p, '/');
	return p ? p : path;
}

static bool is_login(const char *path)
{
	return strstr(path, "/oauth2/") || strstr(path, "/.well-known/") || strstr(path, "/discovery/") ||
	       strstr(path, "/adminconsent");
}

static void handle(struct fc_request *req, struct fc_response *res)
{
	static const char graph[] =
		"graph.microsoft.com graph.microsoft.us dod-graph.microsoft.us microsoftgraph.chinacloudapi.cn";
	struct ms_ctx *c = arena_alloc(req->arena, sizeof(*c));
	const char *path;

	if (!c) {
		res->status = 500;
		return;
	}
	*c = (struct ms_ctx){.req = req, .res = res, .method = req->method, .raw_query = req->query};
	ids(c);
	path = link_within(req->path);
	if (strncmp(path, "/v1.0", 5) && strncmp(path, "/beta", 5)) {
		if (ms_portal(c, path))
			return;
		if (is_login(path)) {
			ms_login(c);
			return;
		}
		c->base = ms_base(req, graph);
		ms_query_parse(c, req->query);
		ms_path_parse(c, path);
		if (ms_preauth(c))
			return;
	}
	c->base = ms_base(req, graph);
	if (!authorized(c))
		return;
	if (!strcmp(path, "/v1.0/$batch") || !strcmp(path, "/v1.0/%24batch") || !strcmp(path, "/beta/$batch"))
		ms_batch(c);
	else
		ms_call(c, path, req->query);
}

static void state(cJSON *items)
{
	struct ms_tenant *t;

	for (size_t i = 0; (t = ms_tenant_nth(i)); i++) {
		ms_mail_state(t, items);
		ms_drive_state(t, items);
		ms_team_state(t, items);
	}
}

static void each(const char *tenant, void (*fn)(struct ms_tenant *t))
{
	struct ms_tenant *t;

	for (size_t i = 0; (t = ms_tenant_nth(i)); i++) {
		if (!tenant || !strcmp(t->name, tenant))
			fn(t);
	}
	fc_changed();
}

static void revoke_one(struct ms_tenant *t)
{
	t->revoked = true;
	ms_installs_withdraw(t, true);
}

static void restore_one(struct ms_tenant *t)
{
	t->revoked = false;
	ms_installs_withdraw(t, false);
}

static void expire_one(struct ms_tenant *t)
{
	t->epoch++;
}

static void withdraw(const char *tenant)
{
	each(tenant, revoke_one);
}

static void restore_consent(const char *tenant)
{
	each(tenant, restore_one);
}

static void expire_cursors(const char *tenant)
{
	each(tenant, expire_one);
}

const struct fc_provider fc_microsoft = {
	.name = "microsoft",
	.seed = ms_seed,
	.handle = handle,
	.state = state,
	.connections = ms_connections,
	.console = ms_console,
	.revoke = withdraw,
	.restore_consent = restore_consent,
	.expire_cursors = expire_cursors,
	.post = ms_post_call,
};
