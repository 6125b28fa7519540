/* Pages beside signing in: the start page (who is who, and what a wizard needs to paste), the admin centre where a tenant
 * registers its own application, uploads its certificate, makes a secret and consents to its permissions, and removes
 * applications again; and userinfo. The addresses are fakecloud's own: the real ones are parts of one big script. */
#include "fakecloud/microsoft/app.h"

#include <string.h>
#include <strings.h>

#define TITLE "Microsoft"

static void start(struct ms_ctx *c)
{
	struct buf b = BUF_INIT(PAGE_MAX);
	struct ms_tenant *t;

	page_open(&b, TITLE, "Directories", NULL);
	buf_adds(&b, "<table id=\"tenants\"><thead><tr><th>Directory</th><th>Tenant ID</th><th>Administrator</th><th></th></tr></thead>\n");
	for (size_t i = 0; (t = ms_tenant_nth(i)); i++) {
		const struct ms_user *admin = ms_admin(t);
		page_addf(&b, "<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td><a href=\"/entra/apps?tenant=%s\">Admin center of %s</a></td></tr>\n",
			t->domain, t->directory, admin ? admin->upn : "—", t->domain, t->domain);
	}
	buf_adds(&b, "</table>\n");
	page_send(c->res, 200, &b);
}

/* ---- the admin centre ---- */

/* The application that stands there before anybody registered one: the customer's own, without certificate. */
static void ensure_own(struct ms_tenant *t)
{
	for (size_t i = 0; i < t->installs.n; i++) {
		const struct ms_app *app = ((struct ms_install *)t->installs.v[i])->app;
		if (app->home == t && strcasecmp(app->client_id, t->client_id))
			return;
	}
	ms_install_in(t, t->client_id);
	_cleanup_free_ char *id = ms_guid(MS_WORDS(t->name, "microsoft", "own application"));
	ms_install_add(t, ms_app_new(t, id, "Security scanner"));
}

/* What a form asked for. NULL, or what went wrong; *ret_secret: a new one, shown once. */
static const char *act(struct ms_ctx *c, struct ms_tenant *t, const char **ret_done, const char **ret_secret)
{
	const char *what = page_field(c->req, "do"), *id = page_field(c->req, "client_id"), *text;
	struct ms_install *in = id ? ms_install_in(t, id) : NULL;
	struct fc_part parts[16];
	int n;

	if (!what)
		return "Nothing was asked for.";
	if (!strcmp(what, "register")) {
		_cleanup_free_ char *fresh = ms_guid(NULL);
		text = page_field(c->req, "name");
		if (!text || !*text || strlen(text) > 120)
			return "A name of 1 to 120 characters is needed.";
		ms_install_add(t, ms_app_new(t, fresh, text));
		*ret_done = "The application was registered.";
		return NULL;
	}
	if (!in)
		return "There is no such application in this directory.";
	if (!strcmp(what, "upload")) {
		text = page_field(c->req, "certificate");
		const char *data = text, *why;
		size_t len = text ? strlen(text) : 0;
		n = fc_multipart(c->req, parts, ARRAY_SIZE(parts));
		for (int i = 0; i < n; i++) {
			if (parts[i].name && !strcmp(parts[i].name, "file") && parts[i].len) {
				data = parts[i].data;
				len = parts[i].len;
			}
		}
		if (!in->app->home)
			return "Certificates of this application are managed by its publisher.";
		if ((why = ms_app_add_certificate(in->app, data, len)))
			return why;
		*ret_done = "The certificate was added.";
	} else if (!strcmp(what, "secret") && in->app->home) {
		*ret_secret = ms_app_add_secret(in->app);
		*ret_done = "The client secret was added. Copy its value now: it is not shown again.";
	} else if (!strcmp(what, "grant")) {
		in->consented = true;
		in->withdrawn = false;
		*ret_done = "Successfully granted admin consent for the requested permissions.";
	} else if (!strcmp(what, "remove") && !in->app->home) {
		in->consented = false;
		*ret_done = "The application was removed from this directory.";
	} else {
		return "This cannot be done here.";
	}
	fc_changed();
	return NULL;
}

static void button(struct buf *b, int n, const char *what, const char *client_id, const char *label)
{
	page_addf(b,
		"<form method=\"post\"><input type=\"hidden\" name=\"client_id\" value=\"%s\"><button id=\"app-%d-%s\" name=\"do\" "
		"value=\"%s\">%s</button></form>\n",
		client_id, n, what, what, label);
}

static void own_app(struct buf *b, int n, const struct ms_install *in)
{
	const struct ms_app *app = in->app;

	page_addf(b,
		"<section aria-labelledby=\"app-%d-name\">\n<h2 id=\"app-%d-name\">%s</h2>\n<p>Application (client) ID: <code "
		"id=\"app-%d-client-id\">%s</code></p>\n<p>API permissions: <span id=\"app-%d-consent\">%s</span></p>\n",
		n, n, app->name, n, app->client_id, n,
		in->withdrawn	? "withdrawn" :
		in->consented	? "granted" :
				  "not granted");
	buf_adds(b, "<ul>");
	for (size_t i = 0; i < app->certs.n; i++) {
		const struct ms_cert *cert = app->certs.v[i];
		page_addf(b, "<li>Certificate %s, thumbprint <code>%s</code></li>", cert->subject, cert->sha1_hex);
	}
	page_addf(b, "<li>Client secrets: %d</li></ul>\n", (int)app->secrets.n);
	page_addf(b,
		"<form method=\"post\" enctype=\"multipart/form-data\"><input type=\"hidden\" name=\"client_id\" value=\"%s\">\n"
		"<label for=\"app-%d-certificate\">Certificate (PEM)</label><textarea id=\"app-%d-certificate\" "
		"name=\"certificate\"></textarea>\n<label for=\"app-%d-file\">or a file (.cer, .pem, .crt)</label><input id=\"app-%d-file\" "
		"type=\"file\" name=\"file\">\n<button id=\"app-%d-upload\" name=\"do\" value=\"upload\">Upload certificate</button></form>\n",
		app->client_id, n, n, n, n, n);
	button(b, n, "secret", app->client_id, "New client secret");
	button(b, n, "grant", app->client_id, "Grant admin consent");
	buf_adds(b, "</section>\n");
}

static void admin_center(struct ms_ctx *c)
{
	struct ms_tenant *t = ms_tenant_find(fc_query(c->req, "tenant") ? fc_query(c->req, "tenant") : "");
	const char *done = NULL, *secret = NULL, *why = NULL;
	struct buf b = BUF_INIT(PAGE_MAX);
	int n = 0;

	if (!t) {
		start(c);
		return;
	}
	c->req->tenant = t->name;
	ensure_own(t);
	if (!strcmp(c->method, "POST"))
		why = act(c, t, &done, &secret);
	page_open(&b, TITLE, "App registrations", NULL);
	if (done)
		page_addf(&b, "<p role=\"status\" id=\"done\">%s</p>\n", done);
	if (secret)
		page_addf(&b, "<p>Value: <code id=\"new-secret\">%s</code></p>\n", secret);
	if (why)
		page_addf(&b, "<p role=\"alert\" id=\"error-description\">%s</p>\n", why);
	page_addf(&b,
		"<p>Directory <span id=\"directory-name\">%s</span>, Directory (tenant) ID: <code id=\"directory-id\">%s</code></p>\n",
		t->domain, t->directory);
	/* The seeded application comes last: its credentials are in the connections file. */
	for (size_t i = 0; i < t->installs.n; i++) {
		const struct ms_install *in = t->installs.v[i];
		if (in->app->home && strcasecmp(in->app->client_id, t->client_id))
			own_app(&b, ++n, in);
	}
	buf_adds(&b, "<section><h2>Register an application</h2>\n<form method=\"post\"><label for=\"register-name\">Name</label><input "
		     "id=\"register-name\" name=\"name\" required maxlength=\"120\">\n<button id=\"register\" name=\"do\" "
		     "value=\"register\">Register</button></form></section>\n<section><h2>Enterprise applications</h2>\n<ul "
		     "id=\"enterprise\">\n");
	for (size_t i = 0; i < t->installs.n; i++) {
		const struct ms_install *in = t->installs.v[i];
		if (in->app->home || ms_install_gone(in))
			continue;
		page_addf(&b, "<li>%s, application ID <code>%s</code>\n", in->app->name, in->app->client_id);
		button(&b, ++n, "remove", in->app->client_id, "Delete");
		buf_adds(&b, "</li>\n");
	}
	buf_adds(&b, "</ul></section>\n");
	page_send(c->res, why ? 400 : 200, &b);
}

/* OpenID Connect Core 5.3. */
static void userinfo(struct ms_ctx *c)
{
	const struct fc_token *token = fc_token_of(c->req);
	struct ms_tenant *t = token && !token->revoked && token->expires_at > fc_now() ? ms_tenant_named(token->tenant) : NULL;
	struct ms_user *u = t ? ms_user_find(t, token->subject) : NULL;
	cJSON *doc;

	if (!u) {
		fc_set_header(c->res, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
		ms_error(c, 401, "InvalidAuthenticationToken", "Access token validation failure.");
		return;
	}
	c->req->tenant = t->name;
	doc = cJSON_CreateObject();
	j_str(doc, "sub", idtoken_pairwise(c->req->arena, token->client, u->id));
	j_str(doc, "name", u->display);
	j_str(doc, "given_name", u->given);
	j_str(doc, "family_name", u->surname);
	j_str(doc, "email", u->upn);
	fc_json(c->res, 200, doc);
}

bool ms_portal(struct ms_ctx *c, const char *path)
{
	if (page_start_wanted(c->req))
		start(c);
	else if (!strcmp(path, "/entra/apps"))
		admin_center(c);
	else if (!strcmp(path, "/oidc/userinfo"))
		userinfo(c);
	else
		return false;
	return true;
}
