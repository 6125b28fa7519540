/* Dropbox's pages: the authorization page (/oauth2/authorize), and the admin console's connected applications; and the
 * operator's application. Source: the OAuth guide and the reference of /oauth2/authorize. Team scopes make it a team link,
 * which an administrator of the team has to approve. */
#include "fakecloud/dropbox/consent.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TITLE "Dropbox"
#define CODE_LIFE_MS 600000

static char operator_key[16], operator_secret[16]; /* empty: none was made */
static struct dbx_grant_link **links;
static size_t nlinks;

bool dbx_client_find(const char *key, struct dbx_client *ret)
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	if (!key || !*key)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(teams[i]->app_key, key)) {
			*ret = (struct dbx_client){teams[i]->app_key, teams[i]->app_secret, teams[i]};
			return true;
		}
	}
	if (strcmp(key, operator_key) != 0)
		return false;
	*ret = (struct dbx_client){operator_key, operator_secret, NULL};
	return true;
}

struct dbx_grant_link *dbx_link_new(struct dbx_team *team, const char *scope, const char *subject, bool pkce)
{
	struct dbx_grant_link *link = calloc(1, sizeof(*link));

	links = reallocarray(links, nlinks + 1, sizeof(struct dbx_grant_link *));
	if (!link || !links)
		abort();
	*link = (struct dbx_grant_link){.team = team, .scope = strdup(scope), .subject = strdup(subject), .pkce = pkce};
	random_hex(link->refresh, 32);
	links[nlinks++] = link;
	return link;
}

struct dbx_grant_link *dbx_link_of(const char *refresh)
{
	for (size_t i = 0; i < nlinks; i++) {
		if (!strcmp(links[i]->refresh, refresh))
			return links[i];
	}
	return NULL;
}

void dbx_links_withdraw(struct dbx_team *team, bool withdrawn)
{
	for (size_t i = 0; i < nlinks; i++) {
		if (links[i]->team == team)
			links[i]->withdrawn = withdrawn;
	}
}

void dbx_links_end(struct dbx_team *team)
{
	for (size_t i = 0; i < nlinks; i++) {
		if (links[i]->team == team)
			links[i]->ended = true;
	}
	fc_token_revoke_client("dropbox", team->tenant, operator_key);
}

/* ---- the authorization page ---- */

/* Scopes of a team; asking for one makes the link the team's. No scopes asked: all that the application has. */
static bool of_team(const char *scope)
{
	static const char *const starts[] = {"team_", "members.", "events.", "groups.", "sessions."};

	if (!scope || !*scope)
		return true;
	for (const char *p = scope + strspn(scope, " "); *p;) {
		for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
			if (!strncmp(p, starts[i], strlen(starts[i])))
				return true;
		}
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return strstr(scope, ".team_") != NULL;
}

static void failure(struct fc_response *res, const char *code, const char *text)
{
	page_failure(res, 400, TITLE, "More details about this error", code, text);
}

static void accounts(struct buf *b, struct dbx_team *team)
{
	for (size_t i = 0; i < team->member_count; i++) {
		if (team->members[i]->admin && !team->members[i]->suspended)
			page_account(b, team->members[i]->email, "team administrator", NULL);
	}
	for (size_t i = 0; i < team->member_count; i++) {
		if (!team->members[i]->admin && !team->members[i]->suspended)
			page_account(b, team->members[i]->email, "member", NULL);
	}
}

static void page(struct fc_request *req, struct fc_response *res, const struct dbx_client *client)
{
	const char *scope = fc_query(req, "scope");
	struct buf b = BUF_INIT(PAGE_MAX);
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	page_open(&b, TITLE, of_team(scope) ? "Connect an app to your team" : "Connect an app to your Dropbox", NULL);
	page_addf(&b, "<p><strong id=\"application\">%s</strong> would like access to the %s with:</p>\n",
		client->team ? client->team->name : "sekisho (operator)",
		of_team(scope) ? "team's files, members and activity" : "files of your Dropbox");
	page_words(&b, "permissions", scope && *scope ? scope : dbx_all_scopes);
	buf_adds(&b, "<form id=\"consent\" method=\"post\">\n<label for=\"account\">Account</label>\n<select id=\"account\" name=\"account\">\n");
	if (client->team)
		accounts(&b, client->team);
	for (size_t i = 0; !client->team && i < n; i++)
		accounts(&b, teams[i]);
	buf_adds(&b, "</select>\n");
	page_decide(&b, "Allow", "Cancel");
	page_send(res, 200, &b);
}

static struct dbx_member *account(const struct dbx_client *client, const char *email)
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);
	_cleanup_free_ char *lower = email ? dbx_lower(NULL, email) : NULL;

	if (!email)
		return client->team ? dbx_admin(client->team) : n ? dbx_admin(teams[0]) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct dbx_member *m = client->team && client->team != teams[i] ? NULL : map_get(&teams[i]->by_email, lower);
		if (m && !m->suspended)
			return m;
	}
	return NULL;
}

/* Without a redirect address the person carries the code over. */
static void show_code(struct fc_response *res, const char *code)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Access code generated", NULL);
	page_addf(&b, "<p>Enter this code into the app to finish: <code id=\"authorization-code\">%s</code></p>\n", code);
	page_send(res, 200, &b);
}

static void decided(struct fc_request *req, struct fc_response *res, const struct dbx_client *client, struct dbx_member *m)
{
	const char *redirect = fc_query(req, "redirect_uri"), *state = fc_query(req, "state");
	const char *access = fc_query(req, "token_access_type"), *scope = fc_query(req, "scope");
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);

	if (m) {
		req->tenant = m->team->tenant;
		struct fc_code *code = code_new(req, "dropbox", m->team->tenant, client->key,
			of_team(scope) ? "" : m->team_member_id, "", CODE_LIFE_MS);
		code->offline = access && !strcmp(access, "offline");
		if (!redirect)
			return show_code(res, code->text);
		form_add(&query, "code", code->text);
	} else {
		form_add(&query, "error", "access_denied");
		form_add(&query, "error_description",
			"The user chose not to give your app access to their Dropbox account.");
		if (!redirect)
			return failure(res, "access_denied", "The app was given no access.");
	}
	if (state)
		form_add(&query, "state", state);
	page_redirect(res, redirect, &query, false);
}

void dbx_oauth_authorize(struct fc_request *req, struct fc_response *res)
{
	const char *redirect = fc_query(req, "redirect_uri"), *type = fc_query(req, "response_type");
	const char *scope = fc_query(req, "scope"), *access = fc_query(req, "token_access_type"), *who, *decision, *bad;
	struct dbx_client client;

	if (!dbx_client_find(fc_query(req, "client_id"), &client))
		return failure(res, "invalid_client_id", "Invalid client_id: this app does not exist.");
	if (!type || strcmp(type, "code") != 0)
		return failure(res, "invalid_response_type", "Invalid response_type: must be \"code\".");
	if (redirect && !(client.team ? redirect_ok(redirect) : redirect_registered(redirect, "dropbox")))
		return failure(res, "invalid_redirect_uri",
			"Invalid redirect_uri: it must exactly match one of the redirect URIs registered for the app.");
	if (access && strcmp(access, "offline") && strcmp(access, "online"))
		return failure(res, "invalid_token_access_type", "Invalid token_access_type: must be \"offline\" or \"online\".");
	if ((bad = code_challenge_wrong(req)))
		return failure(res, "invalid_code_challenge", bad);
	if (scope && (bad = dbx_not_granted(req->arena, dbx_all_scopes, scope)))
		return failure(res, "invalid_scope",
			arena_printf(req->arena, "The app does not have the requested scope \"%s\".", bad));
	if (client.team)
		req->tenant = client.team->tenant;
	decision = page_decision(req, &who);
	if (!decision)
		return page(req, res, &client);
	if (!strcmp(decision, "deny"))
		return decided(req, res, &client, NULL);
	struct dbx_member *m = account(&client, who);
	if (!m)
		return failure(res, "access_denied", "There is no such member, or the member is suspended.");
	if (of_team(scope) && !m->admin)
		return page_failure(res, 403, TITLE, "A team admin must approve this app", "team_admin_required",
			"This app asks for access to your whole team. Only a team admin can connect it: send your team admin the "
			"link, or sign in as one.");
	decided(req, res, &client, m);
}

/* ---- the admin console ---- */

static void start(struct fc_response *res)
{
	struct buf b = BUF_INIT(PAGE_MAX);
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	page_open(&b, TITLE, "Teams", NULL);
	buf_adds(&b, "<table id=\"tenants\"><thead><tr><th>Team</th><th>Team ID</th><th>Administrator</th><th></th></tr></thead>\n");
	for (size_t i = 0; i < n; i++) {
		const struct dbx_member *admin = dbx_admin(teams[i]);
		page_addf(&b,
			"<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td><a href=\"/team/admin/settings/app_integrations?team=%s\">"
			"Connected apps of %s</a></td></tr>\n",
			teams[i]->name, teams[i]->id, admin ? admin->email : "—", teams[i]->tenant, teams[i]->name);
	}
	buf_adds(&b, "</table>\n");
	page_send(res, 200, &b);
}

static void connected(struct fc_request *req, struct fc_response *res)
{
	const char *name = fc_query(req, "team"), *what = page_field(req, "do");
	struct dbx_team *team = name ? dbx_team_find(name) : NULL;
	struct buf b = BUF_INIT(PAGE_MAX);
	int live = 0;

	if (!team)
		return start(res);
	req->tenant = team->tenant;
	if (what && !strcmp(what, "disconnect")) {
		dbx_links_end(team);
		fc_changed();
	}
	page_open(&b, TITLE, "Apps linked to the team", NULL);
	page_addf(&b, "<p>Team <strong>%s</strong>, <code id=\"team-id\">%s</code></p>\n", team->name, team->id);
	if (what)
		buf_adds(&b, "<p role=\"status\" id=\"done\">Saved.</p>\n");
	for (size_t i = 0; i < nlinks; i++)
		live += links[i]->team == team && !links[i]->ended && !links[i]->withdrawn;
	buf_adds(&b, "<ul id=\"apps\">\n");
	if (live)
		page_addf(&b,
			"<li>sekisho (operator), app key <code>%s</code><form method=\"post\"><button id=\"disconnect\" name=\"do\" "
			"value=\"disconnect\">Disconnect</button></form></li>\n",
			operator_key);
	buf_adds(&b, "</ul>\n");
	page_send(res, 200, &b);
}

bool dbx_portal(struct fc_request *req, struct fc_response *res)
{
	if (page_start_wanted(req))
		start(res);
	else if (!strcmp(req->path, "/team/admin/settings/app_integrations"))
		connected(req, res);
	else
		return false;
	return true;
}

/* ---- --console ---- */

int dbx_console(struct buf *yaml, struct buf *sign_in, const char *dir)
{
	const char *url = fc_url("dropbox");
	_cleanup_buf_ struct buf path = BUF_INIT(1 << 16);

	fc_stable_id(operator_key, 15, (const char *const[]){"operator", "dropbox", "app", NULL});
	random_hex(operator_secret, 7);
	if (buf_addf(&path, "%s/operator-dropbox-secret.txt", dir) < 0 ||
		io_write_file(path.data, operator_secret, strlen(operator_secret), 0600, NULL) < 0)
		return -1;
	return buf_addf(yaml,
		"  dropbox: {app_key: \"%s\", app_secret_file: operator-dropbox-secret.txt, endpoints: {authorize: "
		"\"%s/oauth2/authorize\", api: \"%s\", content: \"%s\", notify: \"%s\"}}\n",
		operator_key, url, url, url, url);
}
