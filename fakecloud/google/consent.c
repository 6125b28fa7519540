/* Domain-wide delegation: the admin console's page, what was entered there, and the operator's service account; see
 * consent.h. Source: "Control API access with domain-wide delegation". Changes work at once here; Google says up to 24 h. */
#include "fakecloud/google/consent.h"

#include "base/encode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TITLE "Google"
#define SCOPES_MAX 4096

struct delegation {
	struct gg_tenant *t;
	char client_id[24];
	char *scopes; /* space-separated */
	bool withdrawn;
};

static struct delegation **delegations;
static size_t ndelegations;
static struct gg_service operator_service; /* without keys: none was made */

/* Those that domains made for themselves. */
struct own {
	struct gg_tenant *t;
	struct gg_service service;
};
static struct own **owns;
static size_t nowns;

const struct gg_service *gg_service_find(const char *client_email)
{
	if (operator_service.keys && !strcasecmp(operator_service.client_email, client_email))
		return &operator_service;
	for (size_t i = 0; i < nowns; i++) {
		if (!strcasecmp(owns[i]->service.client_email, client_email))
			return &owns[i]->service;
	}
	return NULL;
}

static const struct gg_service *own_service(struct gg_tenant *t)
{
	const char *words[] = {t->name, GG, "own service account", NULL};

	for (size_t i = 0; i < nowns; i++) {
		if (owns[i]->t == t)
			return &owns[i]->service;
	}
	struct own *own = gg_alloc(sizeof(*own));
	own->t = t;
	snprintf(own->service.client_email, sizeof(own->service.client_email), "scanner@%.40s.iam.gserviceaccount.com", t->name);
	gg_digits(own->service.client_id, 21, words);
	random_hex(own->service.key_id, 20);
	own->service.keys = fc_keypair_new(t->name);
	GG_PUSH(owns, nowns, own);
	return &own->service;
}

struct gg_tenant *gg_tenant_of_address(const char *email)
{
	const char *at = email ? strchr(email, '@') : NULL;

	for (size_t i = 0; at && i < gg_ntenants; i++) {
		if (!strcasecmp(gg_tenants[i]->domain, at + 1))
			return gg_tenants[i];
	}
	return NULL;
}

static struct delegation *find(const struct gg_tenant *t, const char *client_id)
{
	for (size_t i = 0; i < ndelegations; i++) {
		if (delegations[i]->t == t && !strcmp(delegations[i]->client_id, client_id))
			return delegations[i];
	}
	return NULL;
}

static bool seeded(const char *word, size_t n)
{
	for (const char *const *g = gg_granted; *g; g++) {
		if (strlen(*g) == n && !memcmp(*g, word, n))
			return true;
	}
	return false;
}

/* What an administrator entered for a client stands in place of what the seed granted it. */
bool gg_delegated(struct gg_tenant *t, const char *client_id, const char *scopes)
{
	const struct delegation *d = find(t, client_id);
	bool own = !d && !strcmp(client_id, t->client_id);

	if (d ? d->withdrawn : !own || t->revoked)
		return false;
	for (const char *p = scopes + strspn(scopes, " "); *p;) {
		size_t n = strcspn(p, " ");
		if (own ? !seeded(p, n) : !fc_has_word(d->scopes, p, n))
			return false;
		p += n;
		p += strspn(p, " ");
	}
	return true;
}

void gg_delegations_withdraw(const char *tenant, bool withdrawn)
{
	for (size_t i = 0; i < ndelegations; i++) {
		if (!tenant || !strcmp(delegations[i]->t->name, tenant))
			delegations[i]->withdrawn = withdrawn;
	}
}

/* ---- the page ---- */

/* Commas, spaces and line ends become single spaces. NULL: nothing, too much, or no scope (*ret_bad). */
static char *tidy(struct fc_request *req, const char *text, const char **ret_bad)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SCOPES_MAX);

	*ret_bad = "";
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ", \t\r\n");
		const char *word = arena_dupn(req->arena, p, n);
		p += n;
		p += strspn(p, ", \t\r\n");
		if (!n)
			continue;
		if (strncmp(word, "https://", 8) != 0 && strcmp(word, "openid") && strcmp(word, "email") && strcmp(word, "profile")) {
			*ret_bad = word;
			return NULL;
		}
		if (!fc_has_word(buf_str(&b), word, n) && buf_addf(&b, "%s%s", b.len ? " " : "", word) < 0)
			return NULL;
	}
	return b.len ? gg_dup(buf_str(&b)) : NULL;
}

static bool client_known(const char *id)
{
	if (operator_service.keys && !strcmp(operator_service.client_id, id))
		return true;
	for (size_t i = 0; i < nowns; i++) {
		if (!strcmp(owns[i]->service.client_id, id))
			return true;
	}
	for (size_t i = 0; i < gg_ntenants; i++) {
		if (!strcmp(gg_tenants[i]->client_id, id))
			return true;
	}
	return false;
}

/* NULL, or what is wrong. */
static const char *add(struct fc_request *req, struct gg_tenant *t)
{
	const char *given = page_field(req, "client_id"), *text = page_field(req, "scopes"), *bad;
	char id[24] = "";

	if (given) {
		given += strspn(given, " \t\r\n");
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(given, " \t\r\n"), given);
	}
	if (!*id || !client_known(id))
		return "The client ID is not valid: no service account has it.";
	struct delegation *d = find(t, id);
	if (d && !d->withdrawn && !page_field(req, "overwrite"))
		return "The client ID is already in the list. Choose “Overwrite existing client ID” to replace its scopes.";
	char *scopes = text ? tidy(req, text, &bad) : NULL;
	if (!scopes)
		return text && *text && *bad ? arena_printf(req->arena, "Not a valid OAuth scope: %s", bad) :
					       "At least one OAuth scope is needed.";
	if (!d) {
		d = gg_alloc(sizeof(*d));
		d->t = t;
		snprintf(d->client_id, sizeof(d->client_id), "%s", id);
		GG_PUSH(delegations, ndelegations, d);
	}
	free(d->scopes);
	d->scopes = scopes;
	d->withdrawn = false;
	fc_token_revoke_client(GG, t->name, id);
	return NULL;
}

static const char *take_away(struct fc_request *req, struct gg_tenant *t)
{
	const char *id = page_field(req, "client_id");
	struct delegation *d = id ? find(t, id) : NULL;

	if (!d)
		return "There is no such client in the list.";
	for (size_t i = 0; i < ndelegations; i++) {
		if (delegations[i] == d) {
			delegations[i] = delegations[--ndelegations];
			break;
		}
	}
	fc_token_revoke_client(GG, t->name, d->client_id);
	free(d->scopes);
	free(d);
	return NULL;
}

static void row(struct buf *b, const struct delegation *d)
{
	page_addf(b, "<tr><td><code>%s</code></td><td>", d->client_id);
	page_words(b, "scopes-of-client", d->scopes);
	page_addf(b,
		"</td><td>%s<form method=\"post\"><input type=\"hidden\" name=\"client_id\" value=\"%s\"><button name=\"do\" "
		"value=\"delete\" aria-label=\"Delete %s\">Delete</button></form></td></tr>\n",
		d->withdrawn ? "withdrawn" : "", d->client_id, d->client_id);
}

static struct gg_tenant *asked_tenant(struct fc_request *req)
{
	const char *domain = fc_query(req, "domain");

	for (size_t i = 0; domain && i < gg_ntenants; i++) {
		if (!strcasecmp(gg_tenants[i]->domain, domain))
			return gg_tenants[i];
	}
	return NULL;
}

void gg_delegation_page(struct fc_request *req, struct fc_response *res)
{
	const char *why = NULL, *what = page_field(req, "do");
	struct gg_tenant *t = asked_tenant(req);
	struct buf b = BUF_INIT(PAGE_MAX);

	if (!t) {
		gg_start_page(res);
		return;
	}
	req->tenant = t->name;
	if (what)
		why = !strcmp(what, "delete") ? take_away(req, t) : add(req, t);
	page_open(&b, TITLE, "Domain-wide delegation", NULL);
	page_addf(&b, "<p>Admin console of <strong id=\"domain\">%s</strong>, signed in as <span id=\"administrator\">%s</span></p>\n",
		t->domain, t->admin->email);
	if (why)
		page_addf(&b, "<p role=\"alert\" id=\"error-description\">%s</p>\n", why);
	else if (what)
		buf_adds(&b, "<p role=\"status\" id=\"done\">Saved.</p>\n");
	buf_adds(&b, "<form id=\"add\" method=\"post\">\n<label for=\"client-id\">Client ID</label><input id=\"client-id\" "
		     "name=\"client_id\" inputmode=\"numeric\" required>\n<label for=\"scopes\">OAuth scopes (comma-delimited)</label>"
		     "<textarea id=\"scopes\" name=\"scopes\" required></textarea>\n<p><input id=\"overwrite\" name=\"overwrite\" "
		     "type=\"checkbox\" value=\"1\" style=\"width:auto\"> <label for=\"overwrite\" style=\"display:inline\">Overwrite "
		     "existing client ID</label></p>\n<button id=\"authorize\" name=\"do\" value=\"add\">Authorize</button>\n</form>\n"
		     "<table id=\"delegations\"><thead><tr><th>Client ID</th><th>Scopes</th><th></th></tr></thead><tbody>\n");
	for (size_t i = 0; i < ndelegations; i++) {
		if (delegations[i]->t == t)
			row(&b, delegations[i]);
	}
	buf_adds(&b, "</tbody></table>\n");
	page_send(res, why ? 400 : 200, &b);
	if (what)
		fc_changed();
}

/* ---- key files ---- */

static void key_file(const struct gg_service *s, struct buf *out)
{
	_cleanup_buf_ struct buf uri = BUF_INIT(256), project = BUF_INIT(128);
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	const char *at = strchr(s->client_email, '@') + 1;

	buf_addf(&uri, "%s/token", fc_url(GG));
	buf_addf(&project, "%.*s", (int)strcspn(at, "."), at);
	cJSON_AddStringToObject(doc, "type", "service_account");
	cJSON_AddStringToObject(doc, "project_id", buf_str(&project));
	cJSON_AddStringToObject(doc, "private_key_id", s->key_id);
	cJSON_AddStringToObject(doc, "private_key", s->keys->private_pem);
	cJSON_AddStringToObject(doc, "client_email", s->client_email);
	cJSON_AddStringToObject(doc, "client_id", s->client_id);
	cJSON_AddStringToObject(doc, "token_uri", buf_str(&uri));
	cJSON_AddStringToObject(doc, "universe_domain", "googleapis.com");
	json_print(doc, out);
}

/* The cloud console of a customer who brings an own service account: a key file to paste, a client id to delegate to. */
void gg_key_page(struct fc_request *req, struct fc_response *res)
{
	struct gg_tenant *t = asked_tenant(req);
	_cleanup_buf_ struct buf key = BUF_INIT(1 << 16);
	struct buf b = BUF_INIT(PAGE_MAX);

	if (!t) {
		gg_start_page(res);
		return;
	}
	req->tenant = t->name;
	const struct gg_service *s = own_service(t);
	page_open(&b, TITLE, "Service accounts", NULL);
	page_addf(&b,
		"<p>Project of <strong>%s</strong>: <span id=\"client-email\">%s</span>, client ID <code id=\"client-id\">%s</code></p>\n",
		t->domain, s->client_email, s->client_id);
	buf_adds(&b, "<form method=\"post\"><button id=\"create-key\" name=\"do\" value=\"key\">Create a key (JSON)</button></form>\n");
	if (page_field(req, "do")) {
		key_file(s, &key);
		page_addf(&b,
			"<label for=\"key-json\">Private key (JSON)</label><textarea id=\"key-json\" readonly>%s</textarea>\n",
			buf_str(&key));
	}
	page_addf(&b, "<p><a href=\"/ac/owl/domainwidedelegation?domain=%s\">Domain-wide delegation</a></p>\n", t->domain);
	page_send(res, 200, &b);
}

/* ---- --console ---- */

int gg_console(struct buf *yaml, struct buf *sign_in, const char *dir)
{
	const char *words[] = {"operator", GG, "service account", NULL}, *url = fc_url(GG);
	struct gg_service *s = &operator_service;
	_cleanup_buf_ struct buf key = BUF_INIT(1 << 16);
	char id[96], secret[48];

	snprintf(s->client_email, sizeof(s->client_email), "scanner@sekisho-operator.iam.gserviceaccount.com");
	gg_digits(s->client_id, 21, words);
	random_hex(s->key_id, 20);
	s->keys = fc_keypair_new("sekisho operator");
	gg_signin_client(id, secret);
	key_file(s, &key);
	if (fc_write_beside(dir, "operator-google.json", buf_str(&key)) < 0 ||
		fc_write_beside(dir, "operator-google-secret.txt", secret) < 0)
		return -1;
	if (buf_addf(yaml,
		    "  google: {key_file: operator-google.json, endpoints: {token: \"%s/token\", gmail: \"%s\", drive: \"%s\", "
		    "directory: \"%s\"}}\n",
		    url, url, url, url) < 0)
		return -1;
	if (!gg_ntenants)
		return 0;
	return buf_addf(sign_in,
		"  - {id: google, title: Google, issuer: \"%s\", client_id: %s, client_secret_file: operator-google-secret.txt, "
		"accounts: [{email: \"%s\", subject: \"%s\", role: operator}]}\n",
		url, id, gg_tenants[0]->admin->email, gg_tenants[0]->admin->id);
}
