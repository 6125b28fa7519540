/* Admin consent (v2.0 and v1) with its page, and what the pages of the login host share: the application and redirect
 * address of a request, accounts, failures. Source: "Admin consent on the Microsoft identity platform", "Microsoft Entra
 * authentication and authorization error codes". */
#include "fakecloud/microsoft/app.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define TITLE "Microsoft"
#define OTHERS 3 /* people who are no administrators, for each tenant in the list */

void ms_failure(struct ms_ctx *c, int code, const char *text)
{
	page_failure(c->res, code == 700016 || code == 50011 || code == 900144 ? 400 : 403, TITLE, "Sorry, but we're having trouble signing you in",
		ms_fmt(c, "AADSTS%d:", code), text);
}

struct ms_app *ms_request_app(struct ms_ctx *c)
{
	const char *id = fc_query(c->req, "client_id"), *redirect = fc_query(c->req, "redirect_uri");
	struct ms_tenant *t = ms_tenant_find(c->seg[0]);
	struct ms_app *app = ms_app_find(id);
	bool any = !strcasecmp(c->seg[0], "common") || !strcasecmp(c->seg[0], "organizations");

	if (!id || !*id || !redirect || !*redirect) {
		ms_failure(c, 900144,
			ms_fmt(c, "The request body must contain the following parameter: '%s'.", id && *id ? "redirect_uri" : "client_id"));
		return NULL;
	}
	if (!t && !any) {
		ms_failure(c, 90002, ms_fmt(c, "Tenant '%.100s' not found. Check to make sure you have the correct tenant ID.", c->seg[0]));
		return NULL;
	}
	if (t)
		c->req->tenant = t->name;
	if (!app || (t && app->home && app->home != t)) {
		ms_failure(c, 700016,
			ms_fmt(c, "Application with identifier '%.100s' was not found in the directory '%s'. This can happen if the "
				  "application has not been installed by the administrator of the tenant.",
				id, t ? t->display : "Microsoft"));
		return NULL;
	}
	if (!ms_app_redirect_ok(app, redirect)) {
		ms_failure(c, 50011,
			ms_fmt(c, "The redirect URI '%.500s' specified in the request does not match the redirect URIs configured for the "
				  "application '%s'.",
				redirect, app->client_id));
		return NULL;
	}
	return app;
}

struct ms_user *ms_account(struct ms_ctx *c, const char *address)
{
	struct ms_tenant *only = ms_tenant_find(c->seg[0]), *t;
	struct ms_user *u = NULL;

	if (!address) /* whoever is first in the list */
		return only ? ms_admin(only) : (t = ms_tenant_nth(0)) ? ms_admin(t) : NULL;
	if (only)
		return ms_user_find(only, address);
	for (size_t i = 0; !u && (t = ms_tenant_nth(i)); i++)
		u = ms_user_find(t, address);
	return u;
}

static void accounts_of(struct ms_tenant *t, struct buf *b, const char *chosen, bool admins)
{
	const struct ms_user *admin = ms_admin(t);
	int others = 0;

	if (admin)
		page_account(b, admin->upn, "administrator", chosen);
	for (size_t i = 0; i < t->users.n; i++) {
		const struct ms_user *u = t->users.v[i];
		bool asked = chosen && !strcasecmp(chosen, u->upn);
		if (u != admin && (!admins || others++ < OTHERS || asked))
			page_account(b, u->upn, "no administrator", chosen);
	}
}

void ms_accounts(struct ms_ctx *c, struct buf *b, bool admins_first)
{
	struct ms_tenant *only = ms_tenant_find(c->seg[0]), *t;
	const char *chosen = fc_query(c->req, "login_hint");

	buf_adds(b, "<form id=\"consent\" method=\"post\">\n<label for=\"account\">Account</label>\n"
		    "<select id=\"account\" name=\"account\">\n");
	if (only)
		accounts_of(only, b, chosen, admins_first);
	for (size_t i = 0; !only && (t = ms_tenant_nth(i)); i++)
		accounts_of(t, b, chosen, admins_first);
	buf_adds(b, "</select>\n");
}

static void page(struct ms_ctx *c, const struct ms_app *app)
{
	struct ms_tenant *first = ms_tenant_nth(0);
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Permissions requested", NULL);
	page_addf(&b,
		"<p>Review for your organization: <strong id=\"application\">%s</strong> (application id <code>%s</code>) would like "
		"to use, without a signed-in user:</p>\n",
		app->name, app->client_id);
	page_words(&b, "permissions", app->home ? app->home->roles : first ? first->roles : "");
	buf_adds(&b, "<p>If you accept, this app gets access to the specified resources for all users in your organization.</p>\n");
	ms_accounts(c, &b, true);
	page_decide(&b, "Accept", "Cancel");
	page_send(c->res, 200, &b);
}

static void back(struct ms_ctx *c, const struct buf *query)
{
	_cleanup_buf_ struct buf all = BUF_INIT(64 << 10);
	const char *state = fc_query(c->req, "state");

	buf_add(&all, buf_str(query), query->len);
	if (state)
		form_add(&all, "state", state);
	page_redirect(c->res, fc_query(c->req, "redirect_uri"), &all, false);
}

static void denied(struct ms_ctx *c)
{
	_cleanup_buf_ struct buf query = BUF_INIT(16 << 10);

	form_add(&query, "error", "access_denied");
	form_add(&query, "error_subcode", "cancel");
	form_add(&query, "error_description",
		ms_fmt(c, "AADSTS65004: User declined to consent to access the app. Trace ID: %s Correlation ID: %s", c->request_id,
			c->client_request_id));
	back(c, &query);
}

void ms_admin_consent(struct ms_ctx *c)
{
	_cleanup_buf_ struct buf query = BUF_INIT(16 << 10);
	bool v2 = c->n_seg == 3;
	const char *account, *decision, *scope = fc_query(c->req, "scope");
	struct ms_app *app = ms_request_app(c);
	struct ms_user *u;

	if (!app)
		return;
	if (v2 && (!scope || !*scope)) {
		ms_failure(c, 900144, "The request body must contain the following parameter: 'scope'.");
		return;
	}
	decision = page_decision(c->req, &account);
	if (!decision) {
		page(c, app);
		return;
	}
	if (!strcmp(decision, "deny")) {
		denied(c);
		return;
	}
	u = ms_account(c, account);
	if (!u || (app->home && app->home != u->tenant)) {
		ms_failure(c, 50020, "The user account does not exist in the tenant and cannot access the application in that tenant.");
		return;
	}
	c->req->tenant = u->tenant->name;
	if (u != ms_admin(u->tenant)) {
		page_failure(c->res, 403, TITLE, "Need admin approval", "AADSTS90094:",
			ms_fmt(c, "%s needs permission to access resources in your organization that only an admin can grant. Please ask an "
				  "admin to grant permission to this app before you can use it.",
				app->name));
		return;
	}
	struct ms_install *in = ms_install_add(u->tenant, app);
	in->consented = true;
	in->withdrawn = false;
	form_add(&query, "admin_consent", "True");
	form_add(&query, "tenant", u->tenant->directory);
	if (v2)
		form_add(&query, "scope", scope);
	back(c, &query);
	fc_changed();
}
