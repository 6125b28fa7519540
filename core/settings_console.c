/* The console's part of sekisho.yaml: where it listens, the operator's applications at the providers, and who signs in
 * through OpenID Connect. Applications become one JSON object as auth/apps.h wants it, with absolute file names: this
 * reader opens none of the files. */
#include "core/settings.h"

#include "base/json.h"
#include "base/units.h"
#include "net/http.h"

#include <ctype.h>
#include <string.h>

struct reader {
	const struct conf_doc *doc;
	const char *dir;
	struct err *err;
};

/* What an application of a provider may say; each of `files` is the name of a file. */
static const struct app_keys {
	const char *provider;
	const char *texts[4], *files[5], *endpoints[6];
} app_keys[] = {
	{"microsoft", {"client_id"}, {"certificate_file", "key_file", "client_secret_file"}, {"login", "graph"}},
	{"google", {NULL}, {"key_file"}, {"token", "gmail", "drive", "directory"}},
	{"box", {"client_id"}, {"config_file", "client_secret_file"}, {"authorize", "api", "upload"}},
	{"dropbox", {"app_key"}, {"app_secret_file"}, {"authorize", "api", "content", "notify"}},
};

static int no_memory(struct reader *r)
{
	return err_set(r->err, ERR_LOCAL, "memory", "out of memory");
}

/* They become part of addresses and of signed claims. */
static int add_text(struct reader *r, const struct conf_node *map, const char *key, cJSON *out)
{
	const struct conf_node *n = conf_get(map, key);

	if (!n)
		return 0;
	if (n->kind != CONF_SCALAR || !*n->text || strlen(n->text) > 200 || strpbrk(n->text, " \t\r\n/?#\"\\"))
		return conf_complain(r->doc, n, r->err, "'%s' wants a short text without spaces and slashes", key);
	return cJSON_AddStringToObject(out, key, n->text) ? 0 : no_memory(r);
}

static int add_file(struct reader *r, const struct conf_node *map, const char *key, cJSON *out)
{
	const struct conf_node *n = conf_get(map, key);
	char path[4096];

	if (!n)
		return 0;
	if (n->kind != CONF_SCALAR || !*n->text)
		return conf_complain(r->doc, n, r->err, "'%s' wants the name of a file", key);
	if (snprintf(path, sizeof(path), "%s%s%s", n->text[0] == '/' ? "" : r->dir, n->text[0] == '/' ? "" : "/", n->text) >=
		(int)sizeof(path))
		return conf_complain(r->doc, n, r->err, "the path is too long");
	return cJSON_AddStringToObject(out, key, path) ? 0 : no_memory(r);
}

static int add_url(struct reader *r, const struct conf_node *n, const char *key, cJSON *out)
{
	char url[512];

	if (n->kind != CONF_SCALAR || !http_url_ok(n->text) || strlen(n->text) >= sizeof(url) - 1)
		return conf_complain(r->doc, n, r->err, "an https:// address is wanted (http:// for loopback addresses alone)");
	snprintf(url, sizeof(url), "%s", n->text);
	size_t len = strlen(url);
	while (len && url[len - 1] == '/')
		url[--len] = '\0';
	return cJSON_AddStringToObject(out, key, url) ? 0 : no_memory(r);
}

/* Each application has to be whole: a half one would fail in front of a customer. */
static int check_app(struct reader *r, const struct conf_node *n, const char *provider, const cJSON *app)
{
	const char *what = NULL;
	bool key = json_str(app, "certificate_file") && json_str(app, "key_file");

	if (strcmp(provider, "microsoft") == 0 && (!json_str(app, "client_id") || key == (json_str(app, "client_secret_file") != NULL)))
		what = "client_id, and either certificate_file and key_file or client_secret_file";
	else if (strcmp(provider, "google") == 0 && !json_str(app, "key_file"))
		what = "key_file";
	else if (strcmp(provider, "box") == 0 && ((json_str(app, "client_id") != NULL) != (json_str(app, "client_secret_file") != NULL) ||
							 (!json_str(app, "client_id") && !json_str(app, "config_file"))))
		what = "config_file, or client_id and client_secret_file, or all three";
	else if (strcmp(provider, "dropbox") == 0 && !json_str(app, "app_key"))
		what = "app_key, and app_secret_file unless it has none";
	return what ? conf_complain(r->doc, n, r->err, "an application of %s wants %s", provider, what) : 0;
}

static int read_app(struct reader *r, const struct conf_node *n, const struct app_keys *k, cJSON *out)
{
	cJSON *app = cJSON_AddObjectToObject(out, k->provider), *ends = cJSON_AddObjectToObject(app, "endpoints");
	const char *known[16] = {"endpoints"};
	int count = 1;

	for (int i = 0; k->texts[i]; i++)
		known[count++] = k->texts[i];
	for (int i = 0; k->files[i]; i++)
		known[count++] = k->files[i];
	if (conf_unknown_keys(r->doc, n, known, r->err) < 0)
		return -1;
	for (int i = 0; k->texts[i]; i++)
		if (add_text(r, n, k->texts[i], app) < 0)
			return -1;
	for (int i = 0; k->files[i]; i++)
		if (add_file(r, n, k->files[i], app) < 0)
			return -1;
	const struct conf_node *given = conf_get(n, "endpoints");
	if (given && conf_unknown_keys(r->doc, given, k->endpoints, r->err) < 0)
		return -1;
	for (const struct conf_node *e = given ? given->child : NULL; e; e = e->next)
		if (add_url(r, e, e->key, ends) < 0)
			return -1;
	return check_app(r, n, k->provider, app);
}

static int read_apps(struct reader *r, const struct conf_node *map, cJSON *out)
{
	static const char *const providers[] = {"microsoft", "google", "box", "dropbox", NULL};

	if (!map)
		return 0;
	if (conf_unknown_keys(r->doc, map, providers, r->err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(app_keys); i++) {
		const struct conf_node *n = conf_get(map, app_keys[i].provider);
		if (n && read_app(r, n, &app_keys[i], out) < 0)
			return -1;
	}
	return 0;
}

/* ---- sign_in ---- */

static const char *const roles[] = {"operator", "admin", "desk", "auditor", NULL};

/* Who may sign in without having an account before: gets one with this role. */
static int read_accounts(struct reader *r, const struct conf_node *list, cJSON *out)
{
	static const char *const keys[] = {"email", "subject", "role", "tenants", NULL};

	for (const struct conf_node *n = list->child; n; n = n->next) {
		cJSON *one = cJSON_CreateObject(), *tenants;
		cJSON_AddItemToArray(out, one);
		if (conf_unknown_keys(r->doc, n, keys, r->err) < 0)
			return -1;
		const struct conf_node *email = conf_get(n, "email"), *role = conf_get(n, "role"), *list_of = conf_get(n, "tenants");
		bool known = false;
		for (int i = 0; role && role->kind == CONF_SCALAR && roles[i]; i++)
			known = known || strcmp(roles[i], role->text) == 0;
		if (!email || email->kind != CONF_SCALAR || !strchr(email->text, '@') || strlen(email->text) > 200)
			return conf_complain(r->doc, email ? email : n, r->err, "'email' wants an address");
		if (!known)
			return conf_complain(r->doc, role ? role : n, r->err, "'role' is operator, admin, desk or auditor");
		if (strcmp(role->text, "operator") != 0 && (!list_of || list_of->kind != CONF_LIST || !list_of->child))
			return conf_complain(r->doc, list_of ? list_of : n, r->err, "'tenants' wants a list: [aoba]");
		char lower[201];
		size_t len = 0;
		for (; email->text[len]; len++)
			lower[len] = (char)tolower((unsigned char)email->text[len]);
		lower[len] = '\0';
		cJSON_AddStringToObject(one, "email", lower);
		cJSON_AddStringToObject(one, "role", role->text);
		const struct conf_node *subject = conf_get(n, "subject");
		if (subject && (subject->kind != CONF_SCALAR || !*subject->text || strlen(subject->text) > 200))
			return conf_complain(r->doc, subject, r->err, "'subject' wants the provider's own id of the person");
		if (subject)
			cJSON_AddStringToObject(one, "subject", subject->text);
		tenants = cJSON_AddArrayToObject(one, "tenants");
		for (const struct conf_node *t = list_of ? list_of->child : NULL; t; t = t->next)
			if (t->kind == CONF_SCALAR)
				cJSON_AddItemToArray(tenants, cJSON_CreateString(t->text));
	}
	return 0;
}

static int read_provider(struct reader *r, const struct conf_node *n, cJSON *apps, cJSON *sign_in)
{
	static const char *const keys[] = {"id", "title", "issuer", "client_id", "client_secret_file", "trust_email", "accounts",
		NULL};
	const struct conf_node *id = conf_get(n, "id"), *title = conf_get(n, "title"), *issuer = conf_get(n, "issuer"),
			       *accounts = conf_get(n, "accounts");
	cJSON *one = cJSON_CreateObject(), *app = cJSON_CreateObject();
	char name[40];

	cJSON_AddItemToArray(sign_in, one);
	if (conf_unknown_keys(r->doc, n, keys, r->err) < 0) {
		cJSON_Delete(app);
		return -1;
	}
	const char *word = id && id->kind == CONF_SCALAR ? id->text : "";
	bool fits = *word && strlen(word) <= 20 && strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(word);
	snprintf(name, sizeof(name), "oidc:%.20s", word);
	if (!fits || json_get(apps, name)) {
		cJSON_Delete(app);
		return conf_complain(r->doc, id ? id : n, r->err, "'id' wants a short word of a-z, 0-9 and '-', each once");
	}
	cJSON_AddItemToObject(apps, name, app);
	cJSON_AddStringToObject(one, "id", word);
	cJSON_AddStringToObject(one, "title", title && title->kind == CONF_SCALAR && *title->text ? title->text : word);
	if (!issuer || issuer->kind != CONF_SCALAR || !http_url_ok(issuer->text) || strlen(issuer->text) > 400)
		return conf_complain(r->doc, issuer ? issuer : n, r->err, "'issuer' wants an https:// address");
	/* As it is: an issuer is compared byte by byte. */
	cJSON_AddStringToObject(app, "issuer", issuer->text);
	if (!conf_get(n, "client_id"))
		return conf_complain(r->doc, n, r->err, "'client_id' is missing");
	if (add_text(r, n, "client_id", app) < 0 || add_file(r, n, "client_secret_file", app) < 0)
		return -1;
	const struct conf_node *trust = conf_get(n, "trust_email");
	if (trust && (trust->kind != CONF_SCALAR || (strcmp(trust->text, "true") != 0 && strcmp(trust->text, "false") != 0)))
		return conf_complain(r->doc, trust, r->err, "'trust_email' wants true or false");
	cJSON_AddBoolToObject(one, "trust_email", trust && strcmp(trust->text, "true") == 0);
	cJSON *out = cJSON_AddArrayToObject(one, "accounts");
	if (accounts && accounts->kind != CONF_LIST)
		return conf_complain(r->doc, accounts, r->err, "'accounts' wants a list of {email, role, tenants}");
	return accounts ? read_accounts(r, accounts, out) : 0;
}

static int read_console(struct reader *r, const struct conf_node *map, struct settings *s)
{
	static const char *const keys[] = {"listen", "public_url", "idle", "session", NULL};
	const struct conf_node *n;

	if (!map)
		return 0;
	if (conf_unknown_keys(r->doc, map, keys, r->err) < 0)
		return -1;
	if ((n = conf_get(map, "listen"))) {
		bool ok = n->kind == CONF_SCALAR && strlen(n->text) < sizeof(s->console_listen) &&
			(strcmp(n->text, "off") == 0 || strncmp(n->text, "unix:/", 6) == 0 || strncmp(n->text, "127.", 4) == 0 ||
				strncmp(n->text, "[::1]:", 6) == 0);
		if (!ok)
			return conf_complain(r->doc, n, r->err,
				"'listen' is a loopback address with a port, unix:/PATH, or off; a reverse proxy makes it public");
		snprintf(s->console_listen, sizeof(s->console_listen), "%s", n->text);
	}
	if ((n = conf_get(map, "public_url"))) {
		const char *host = n->kind == CONF_SCALAR ? strstr(n->text, "://") : NULL;
		size_t len = host ? strlen(n->text) : 0;
		if (!host || !http_url_ok(n->text) || len >= sizeof(s->console_url))
			return conf_complain(r->doc, n, r->err, "'public_url' wants an https:// address (http:// for loopback alone)");
		snprintf(s->console_url, sizeof(s->console_url), "%s", n->text);
		while (s->console_url[len - 1] == '/')
			s->console_url[--len] = '\0';
		if (strpbrk(s->console_url + (host - n->text) + 3, "/?#@"))
			return conf_complain(r->doc, n, r->err, "'public_url' is a scheme and a host: the console has a host of its own");
	}
	const struct {
		const char *key;
		int64_t min, max, *to;
	} spans[] = {{"idle", 60000, 12 * 3600000, &s->session_idle}, {"session", 300000, 7 * 86400000, &s->session_max}};
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		if ((n = conf_get(map, spans[i].key)) && (n->kind != CONF_SCALAR || units_duration(n->text, spans[i].to) < 0 ||
								 *spans[i].to < spans[i].min || *spans[i].to > spans[i].max))
			return conf_complain(r->doc, n, r->err, "'%s' wants a time such as 30 min", spans[i].key);
	return 0;
}

static int print(struct reader *r, const cJSON *doc, char *out, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT(size - 1);

	if (json_print(doc, &text) < 0)
		return err_set(r->err, ERR_REMOTE, "bad_config", "'apps' and 'sign_in' are too long");
	snprintf(out, size, "%s", buf_str(&text));
	return 0;
}

int settings_console(const struct conf_doc *doc, const char *dir, struct settings *s, struct err *err)
{
	struct reader r = {.doc = doc, .dir = dir, .err = err};
	const struct conf_node *root = conf_root(doc), *sign_in = conf_get(root, "sign_in");
	_cleanup_json_ cJSON *apps = cJSON_CreateObject(), *list = cJSON_CreateArray();

	if (!apps || !list)
		return no_memory(&r);
	if (read_console(&r, conf_get(root, "console"), s) < 0 || read_apps(&r, conf_get(root, "apps"), apps) < 0)
		return -1;
	if (sign_in && sign_in->kind != CONF_LIST)
		return conf_complain(doc, sign_in, err, "'sign_in' wants a list of {id, title, issuer, client_id, client_secret_file}");
	for (const struct conf_node *n = sign_in ? sign_in->child : NULL; n; n = n->next)
		if (read_provider(&r, n, apps, list) < 0)
			return -1;
	return print(&r, apps, s->apps, sizeof(s->apps)) < 0 ? -1 : print(&r, list, s->sign_in, sizeof(s->sign_in));
}
