/* Box's pages: where a user grants access (/api/oauth2/authorize), and the admin console where an enterprise authorizes
 * server applications; and the operator's applications. Source: "Authorize with OAuth 2.0", "Platform app approval". */
#include "fakecloud/box/consent.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TITLE "Box"
#define PERMISSIONS                                                                                                    \
	"root_readwrite manage_managed_users manage_groups manage_webhook manage_enterprise_properties"

/* The operator's server application in an enterprise. */
struct install {
	struct bx_tenant *t;
	struct bx_user *service;
	bool withdrawn;
};

static struct {
	char server_id[33], server_secret[33], key_id[9], oauth_id[33], oauth_secret[33];
	const struct fc_keypair *key;
	struct bx_list installs; /* struct install */
} operator; /* ids are empty when none was made */

bool bx_client_find(const char *id, struct bx_client *ret)
{
	struct bx_tenant *t = bx_tenant_of_client(id);

	if (t)
		*ret = (struct bx_client){t->client_id, t->client_secret, t->public_key_id, t->key, t, true, true};
	else if (id && *id && !strcmp(id, operator.server_id))
		*ret = (struct bx_client){
			operator.server_id, operator.server_secret, operator.key_id, operator.key, NULL, true, false};
	else if (id && *id && !strcmp(id, operator.oauth_id))
		*ret = (struct bx_client){operator.oauth_id, operator.oauth_secret, "", NULL, NULL, false, true};
	else
		return false;
	return true;
}

static struct install *install_of(const struct bx_tenant *t)
{
	for (size_t i = 0; i < operator.installs.n; i++) {
		struct install *in = operator.installs.at[i];
		if (in->t == t)
			return in;
	}
	return NULL;
}

/* The operator's OAuth application is in nobody's hands but its users': its tokens end one by one. */
bool bx_client_gone(const struct bx_tenant *t, const char *client)
{
	if (!strcmp(client, t->client_id))
		return t->revoked;
	if (strcmp(client, operator.server_id) != 0)
		return false;
	const struct install *in = install_of(t);
	return !in || in->withdrawn;
}

struct bx_user *bx_client_service(struct bx_tenant *t, const struct bx_client *client)
{
	if (bx_client_gone(t, client->id))
		return NULL;
	return client->t ? t->service : client->server ? install_of(t)->service : NULL;
}

struct bx_tenant *bx_client_tenant(const struct bx_client *client, const char *type, const char *id)
{
	if (client->t || !id)
		return client->t;
	for (size_t i = 0; i < operator.installs.n; i++) {
		struct install *in = operator.installs.at[i];
		if (!in->withdrawn && (!strcmp(type, "user") ? bx_find(in->t, id, BX_USER) != NULL : !strcmp(in->t->enterprise, id)))
			return in->t;
	}
	return NULL;
}

void bx_installs_withdraw(struct bx_tenant *t, bool withdrawn)
{
	struct install *in = install_of(t);

	if (in)
		in->withdrawn = withdrawn;
}

static void install_add(struct bx_tenant *t)
{
	struct install *in = install_of(t);
	char login[160];

	if (!in) {
		in = bx_alloc(sizeof(*in));
		in->t = t;
		snprintf(login, sizeof(login), "AutomationUser_%s_%.10s@boxdevedition.com", t->enterprise, operator.server_id);
		in->service = bx_user_new(t, bx_seed_id(t, "user", "operator"), "sekisho (operator)", login);
		in->service->service = true;
		in->service->app_user = true;
		bx_drop(&t->users, in->service);
		bx_push(&t->services, in->service);
		bx_push(&operator.installs, in);
	}
	in->withdrawn = false;
}

/* ---- where a user grants access ---- */

static void failure(struct fc_response *res, const char *code, const char *text)
{
	page_failure(res, 400, TITLE, "The application asked for access in a wrong way", code, text);
}

static void accounts(struct buf *b, struct bx_tenant *t, const char *chosen)
{
	if (t->admin)
		page_account(b, t->admin->login, "administrator", chosen);
	for (size_t i = 0; i < t->users.n; i++) {
		const struct bx_user *u = t->users.at[i];
		if (u != t->admin && !u->deleted && !strcmp(u->status, "active"))
			page_account(b, u->login, "user", chosen);
	}
}

static void page(struct fc_request *req, struct fc_response *res, const struct bx_client *client)
{
	const char *hint = fc_query(req, "box_login");
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Grant access to Box", NULL);
	page_addf(&b, "<p><strong id=\"application\">%s</strong> asks to:</p>\n", client->t ? client->t->name : "sekisho (operator)");
	page_words(&b, "permissions", PERMISSIONS);
	buf_adds(&b, "<form id=\"consent\" method=\"post\">\n<label for=\"account\">Account</label>\n<select id=\"account\" name=\"account\">\n");
	if (client->t)
		accounts(&b, client->t, hint);
	for (size_t i = 0; !client->t && i < bx_tenants()->n; i++)
		accounts(&b, bx_tenants()->at[i], hint);
	buf_adds(&b, "</select>\n");
	page_decide(&b, "Grant access to Box", "Deny access to Box");
	page_send(res, 200, &b);
}

static struct bx_user *account(const struct bx_client *client, const char *login)
{
	if (!login)
		return client->t ? client->t->admin : bx_tenants()->n ? ((struct bx_tenant *)bx_tenants()->at[0])->admin : NULL;
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		struct bx_tenant *t = bx_tenants()->at[i];
		struct bx_user *u = client->t && client->t != t ? NULL : bx_user_by_login(t, login);
		if (u && !u->service && !u->deleted && !strcmp(u->status, "active"))
			return u;
	}
	return NULL;
}

void bx_oauth_authorize(struct fc_request *req, struct fc_response *res)
{
	const char *type = fc_query(req, "response_type"), *redirect = fc_query(req, "redirect_uri");
	const char *state = fc_query(req, "state"), *who, *decision;
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);
	struct bx_client client;
	struct bx_user *user;

	if (!bx_client_find(fc_query(req, "client_id"), &client) || !client.oauth)
		return failure(res, "invalid_client_id", "The client id is not known, or its application does not use OAuth.");
	if (!type || strcmp(type, "code") != 0)
		return failure(res, "unsupported_response_type", "The response type must be code.");
	if (client.t && (!redirect || !*redirect))
		redirect = "https://localhost/"; /* what the application has configured */
	if (!redirect || !(client.t ? redirect_ok(redirect) : redirect_registered(redirect, "box")))
		return failure(res, "redirect_uri_mismatch", "The redirect URI does not match the ones that the application has configured.");
	if (client.t)
		req->tenant = client.t->name;
	decision = page_decision(req, &who);
	if (!decision)
		return page(req, res, &client);
	user = account(&client, who);
	if (!strcmp(decision, "allow") && !user)
		return failure(res, "access_denied", "There is no such user, or the user is inactive.");
	if (state)
		form_add(&query, "state", state);
	if (!strcmp(decision, "deny")) {
		form_add(&query, "error", "access_denied");
		form_add(&query, "error_description", "The user denied access to your application");
	} else {
		req->tenant = user->tenant->name;
		form_add(&query, "code", bx_code_new(user, &client, redirect));
	}
	page_redirect(res, redirect, &query, false);
}

/* ---- the admin console ---- */

static void start(struct fc_response *res)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Enterprises", NULL);
	buf_adds(&b, "<table id=\"tenants\"><thead><tr><th>Enterprise</th><th>Enterprise ID</th><th>Administrator</th><th></th></tr></thead>\n");
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		const struct bx_tenant *t = bx_tenants()->at[i];
		page_addf(&b,
			"<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td><a href=\"/master/platform-apps?enterprise=%s\">Admin "
			"Console of %s</a><br><a href=\"/developers/console?enterprise=%s\">Developer Console of %s</a></td></tr>\n",
			t->name, t->enterprise, t->admin ? t->admin->login : "—", t->enterprise, t->name, t->enterprise, t->name);
	}
	buf_adds(&b, "</table>\n");
	page_send(res, 200, &b);
}

/* NULL, or what is wrong. */
static const char *act(struct fc_request *req, struct bx_tenant *t, const char *what)
{
	const char *given = page_field(req, "client_id");
	struct bx_client client;
	char id[40] = "";

	if (given) {
		given += strspn(given, " \t\r\n");
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(given, " \t\r\n"), given);
	}
	if (!bx_client_find(id, &client) || (client.t && client.t != t))
		return "The client ID was not found.";
	if (!client.server)
		return "This application authenticates users by OAuth 2.0: it needs no authorization here.";
	bool remove = !strcmp(what, "remove");
	if (client.t)
		t->revoked = remove;
	else if (remove)
		bx_installs_withdraw(t, true);
	else
		install_add(t);
	if (remove)
		fc_token_revoke_client("box", t->name, client.id);
	fc_changed();
	return NULL;
}

static void row(struct buf *b, const char *name, const char *id)
{
	page_addf(b,
		"<tr><td>%s</td><td><code>%s</code></td><td><form method=\"post\"><input type=\"hidden\" name=\"client_id\" "
		"value=\"%s\"><button name=\"do\" value=\"remove\" aria-label=\"Revoke %s\">Revoke</button></form></td></tr>\n",
		name, id, id, name);
}

static struct bx_tenant *asked_tenant(struct fc_request *req)
{
	const char *id = fc_query(req, "enterprise");

	for (size_t i = 0; id && i < bx_tenants()->n; i++) {
		if (!strcmp(((struct bx_tenant *)bx_tenants()->at[i])->enterprise, id))
			return bx_tenants()->at[i];
	}
	return NULL;
}

static void admin_console(struct fc_request *req, struct fc_response *res)
{
	const char *what = page_field(req, "do"), *why = NULL;
	struct bx_tenant *t = asked_tenant(req);
	struct buf b = BUF_INIT(PAGE_MAX);

	if (!t) {
		start(res);
		return;
	}
	req->tenant = t->name;
	if (what)
		why = act(req, t, what);
	page_open(&b, TITLE, "Platform Apps Manager", NULL);
	page_addf(&b,
		"<p>Admin Console of <strong>%s</strong>, Enterprise ID <code id=\"enterprise-id\">%s</code>, signed in as <span "
		"id=\"administrator\">%s</span></p>\n",
		t->name, t->enterprise, t->admin ? t->admin->login : "—");
	if (why)
		page_addf(&b, "<p role=\"alert\" id=\"error-description\">%s</p>\n", why);
	else if (what)
		buf_adds(&b, "<p role=\"status\" id=\"done\">Saved.</p>\n");
	buf_adds(&b, "<form id=\"add\" method=\"post\">\n<label for=\"client-id\">Client ID</label><input id=\"client-id\" name=\"client_id\" "
		     "required>\n<p>The app will be able to:</p>\n");
	page_words(&b, "permissions", PERMISSIONS " as-user");
	buf_adds(&b, "<button id=\"authorize\" name=\"do\" value=\"add\">Authorize</button>\n</form>\n<table "
		     "id=\"apps\"><thead><tr><th>App</th><th>Client ID</th><th></th></tr></thead><tbody>\n");
	if (!t->revoked)
		row(&b, "sekisho", t->client_id);
	const struct install *in = install_of(t);
	if (in && !in->withdrawn)
		row(&b, "sekisho (operator)", operator.server_id);
	buf_adds(&b, "</tbody></table>\n");
	page_send(res, why ? 400 : 200, &b);
}

/* config.json as the developer console gives it. */
static int config_file(const struct bx_client *client, const char *enterprise, struct buf *out)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	cJSON *app = cJSON_AddObjectToObject(doc, "boxAppSettings"), *auth;

	cJSON_AddStringToObject(app, "clientID", client->id);
	cJSON_AddStringToObject(app, "clientSecret", client->secret);
	auth = cJSON_AddObjectToObject(app, "appAuth");
	cJSON_AddStringToObject(auth, "publicKeyID", client->key_id);
	cJSON_AddStringToObject(auth, "privateKey", client->key->private_encrypted_pem);
	cJSON_AddStringToObject(auth, "passphrase", client->key->passphrase);
	cJSON_AddStringToObject(doc, "enterpriseID", enterprise);
	return json_print(doc, out);
}

/* The developer console of a customer who brings an own application: the seeded one, which the seed let in. */
static void developer_console(struct fc_request *req, struct fc_response *res)
{
	struct bx_tenant *t = asked_tenant(req);
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	struct buf b = BUF_INIT(PAGE_MAX);
	struct bx_client client;

	if (!t) {
		start(res);
		return;
	}
	req->tenant = t->name;
	page_open(&b, TITLE, "My Platform Apps", NULL);
	page_addf(&b, "<p>Enterprise <strong>%s</strong>, app with server authentication: client ID <code id=\"client-id\">%s</code></p>\n",
		t->name, t->client_id);
	buf_adds(&b, "<form method=\"post\"><button id=\"create-key\" name=\"do\" value=\"key\">Generate a public/private "
		     "keypair</button></form>\n");
	if (page_field(req, "do") && bx_client_find(t->client_id, &client) && config_file(&client, t->enterprise, &text) == 0)
		page_addf(&b, "<label for=\"config-json\">config.json</label><textarea id=\"config-json\" readonly>%s</textarea>\n",
			buf_str(&text));
	page_addf(&b, "<p><a href=\"/master/platform-apps?enterprise=%s\">Admin Console</a></p>\n", t->enterprise);
	page_send(res, 200, &b);
}

bool bx_portal(struct fc_request *req, struct fc_response *res)
{
	if (page_start_wanted(req))
		start(res);
	else if (!strcmp(req->path, "/developers/console"))
		developer_console(req, res);
	else if (!strcmp(req->path, "/master/platform-apps") || !strcmp(req->path, "/master/custom-apps"))
		admin_console(req, res);
	else
		return false;
	return true;
}

/* ---- --console ---- */

static int write_config(const char *dir)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	struct bx_client client;

	/* The operator's own enterprise is nobody's here. */
	if (!bx_client_find(operator.server_id, &client) || config_file(&client, "100000001", &text) < 0)
		return -1;
	return fc_write_beside(dir, "operator-box.json", buf_str(&text));
}

int bx_console(struct buf *yaml, struct buf *sign_in, const char *dir)
{
	const char *url = fc_url("box");

	fc_stable_id(operator.server_id, 32, (const char *const[]){"box", "operator", "server", NULL});
	fc_stable_id(operator.oauth_id, 32, (const char *const[]){"box", "operator", "oauth", NULL});
	fc_stable_id(operator.key_id, 8, (const char *const[]){"box", "operator", "key", NULL});
	random_hex(operator.server_secret, 16);
	random_hex(operator.oauth_secret, 16);
	operator.key = fc_keypair_new("sekisho operator");
	if (write_config(dir) < 0 || fc_write_beside(dir, "operator-box-secret.txt", operator.oauth_secret) < 0)
		return -1;
	return buf_addf(yaml,
		"  box: {config_file: operator-box.json, client_id: \"%s\", client_secret_file: operator-box-secret.txt, endpoints: "
		"{authorize: \"%s/api/oauth2/authorize\", api: \"%s\", upload: \"%s\"}}\n",
		operator.oauth_id, url, url, url);
}
