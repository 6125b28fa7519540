/* Flows: connecting a cloud step by step. Begin, what is pasted, coming back from the provider, giving up. Proving, keeping and
 * the test detection are in console_prove.c. On the console's threads.
 *
 * method            steps                       facts shown                         fields that are pasted
 * microsoft/consent     away → proving → preview    url, client_id                      -
 * microsoft/certificate paste → proving → preview   thumbprint, files: ["certificate"]  directory, client_id
 * microsoft/secret      paste → …                   -                                   directory, client_id, client_secret
 * google/delegation     paste → …                   client_number, scopes, link         subject
 * google/key            paste → …                   link (then client_number, scopes)   key_file (its text), subject
 * box/jwt               paste → …                   client_id, link                     enterprise_id
 * box/config            paste → …                   link                                config_file (its text)
 * box/oauth             away → …                    url, client_id                      -
 * dropbox/oauth         away → …                    url, client_id                      -
 * All of them: "needed": permissions, "fields": what is pasted. A submit without fields of a flow that is away makes a new
 * address (the old one lives five minutes). What was pasted may be corrected until the grant is kept. */
#include "core/console_flow.h"

#include "base/ioutil.h"
#include "core/connfile.h"
#include "core/grants.h"

#define FLOW_MS 3600000
#define BACKLOG_DAYS 30
#define DAY_MS 86400000ll
#define CERTIFICATE_DAYS "730"
#define GOOGLE_LINK "https://admin.google.com/ac/owl/domainwidedelegation"
#define BOX_LINK "https://app.box.com/master/platform-apps"

enum way { WAY_AWAY, WAY_PASTE };

static const struct method {
	const char *provider, *name;
	enum way way;
	const char *app;       /* the operator's application that it needs; NULL none */
	const char *kind;      /* of AUTH_CODE_BEGIN */
	const char *type;      /* of the grant */
	const char *publics[3], *secrets[2]; /* pasted */
} methods[] = {
	{"microsoft", "consent", WAY_AWAY, "microsoft", "microsoft_consent", "client_certificate", {NULL}, {NULL}},
	{"microsoft", "certificate", WAY_PASTE, NULL, NULL, "client_certificate", {"directory", "client_id"}, {NULL}},
	{"microsoft", "secret", WAY_PASTE, NULL, NULL, "client_secret", {"directory", "client_id"}, {"client_secret"}},
	{"google", "delegation", WAY_PASTE, "google", NULL, "service_account", {"subject"}, {NULL}},
	{"google", "key", WAY_PASTE, NULL, NULL, "service_account", {"subject"}, {"key_file"}},
	{"box", "jwt", WAY_PASTE, "box", NULL, "jwt", {"enterprise_id"}, {NULL}},
	{"box", "config", WAY_PASTE, NULL, NULL, "jwt", {NULL}, {"config_file"}},
	{"box", "oauth", WAY_AWAY, "box", "box", "oauth", {NULL}, {NULL}},
	{"dropbox", "oauth", WAY_AWAY, "dropbox", "dropbox", "refresh_token", {NULL}, {NULL}},
};

static const struct method *find_method(const char *provider, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].provider, provider) == 0 && strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* ---- a flow in hand ---- */

void flow_free(struct flow *f)
{
	cJSON_Delete(f->config);
	cJSON_Delete(f->grant);
	cJSON_Delete(f->facts);
}

static int open_json(const char *text, cJSON **ret, struct err *err)
{
	return json_parse(*text ? text : "{}", *text ? strlen(text) : 2, ret, err);
}

static void stage_name(struct flow *f)
{
	snprintf(f->stage, sizeof(f->stage), "flow~%s", f->rec.id);
}

int flow_load(struct console_request *r, const char *id, struct flow *ret, struct err *err)
{
	if (store_flow_get(r->core->store, id, time_now_ms(), r->arena, &ret->rec, err) < 0)
		return -1;
	stage_name(ret);
	return open_json(ret->rec.config, &ret->config, err) < 0 || open_json(ret->rec.grant, &ret->grant, err) < 0 ||
			open_json(ret->rec.facts, &ret->facts, err) < 0 ?
		-1 :
		0;
}

static const char *text_of(struct console_request *r, const cJSON *doc)
{
	_cleanup_buf_ struct buf b = BUF_INIT(262144);

	return json_print(doc, &b) < 0 ? NULL : arena_dup(r->arena, buf_str(&b));
}

int flow_save(struct console_request *r, struct flow *f, const char *step, struct err *err)
{
	f->rec.step = step;
	f->rec.updated_at = time_now_ms();
	f->rec.config = text_of(r, f->config);
	f->rec.grant = text_of(r, f->grant);
	f->rec.facts = text_of(r, f->facts);
	if (!f->rec.config || !f->rec.grant || !f->rec.facts)
		return console_no_memory(err);
	return store_flow_put(r->core->store, &f->rec, err);
}

int flow_save_error(struct console_request *r, struct flow *f, const char *step, const struct err *why, struct err *err)
{
	_cleanup_json_ cJSON *e = cJSON_CreateObject();

	cJSON_AddStringToObject(e, "class", err_class_name(why->class));
	cJSON_AddStringToObject(e, "code", why->code);
	cJSON_AddStringToObject(e, "message", why->message);
	cJSON_AddNumberToObject(e, "status", why->http_status);
	cJSON_AddStringToObject(e, "request_id", why->request_id);
	f->rec.error = text_of(r, e);
	return flow_save(r, f, step, err);
}

static void add_json(cJSON *o, const char *key, const char *text)
{
	cJSON *doc = NULL;

	if (*text && json_parse(text, strlen(text), &doc, NULL) == 0)
		cJSON_AddItemToObject(o, key, doc);
	else
		cJSON_AddNullToObject(o, key);
}

cJSON *flow_json(const struct console_flow *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", f->id);
	cJSON_AddStringToObject(o, "tenant", f->tenant);
	cJSON_AddStringToObject(o, "provider", f->provider);
	cJSON_AddStringToObject(o, "method", f->method);
	cJSON_AddStringToObject(o, "connection", f->connection);
	cJSON_AddBoolToObject(o, "renew", f->renew);
	cJSON_AddStringToObject(o, "step", f->step);
	add_json(o, "facts", f->facts);
	cJSON *facts = json_object(o, "facts");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "state_hash");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "redirect_uri");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "certificate");
	add_json(o, "report", f->report);
	add_json(o, "preview", f->preview);
	add_json(o, "error", f->error);
	cJSON_AddStringToObject(o, "finding", f->finding);
	cJSON_AddNumberToObject(o, "ends_at", (double)f->ends_at);
	return o;
}

void flow_result(struct console_request *r, const struct flow *f)
{
	cJSON_AddItemToObject(r->result, "flow", flow_json(&f->rec));
}

static void set_text(cJSON *o, const char *key, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, key);
	cJSON_AddStringToObject(o, key, value);
}

/* ---- the operator's applications ---- */

const cJSON *flow_app(struct console_request *r, const char *provider, cJSON **ret_doc, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};

	if (console_ask(r->core, AUTH_APPS, 0, NULL, &t, err) < 0)
		return NULL;
	if (t.n < 1 || json_parse(t.text[0], strlen(t.text[0]), ret_doc, err) < 0) {
		err_set(err, ERR_REMOTE, "bad_answer", "auth told no applications");
		return NULL;
	}
	const cJSON *app = json_object(*ret_doc, provider);
	if (!app)
		err_set(err, ERR_REMOTE, "no_app", "the operator's application at %s is not configured", provider);
	return app;
}

static bool app_has(const cJSON *app, const char *file)
{
	const cJSON *f;

	cJSON_ArrayForEach(f, json_array(app, "has"))
	{
		if (cJSON_IsString(f) && strcmp(f->valuestring, file) == 0)
			return true;
	}
	return false;
}

/* ---- beginning ---- */

/* A new id from tenant and provider. */
static int new_connection_id(struct console_request *r, const char *tenant, const char *provider, const char **ret, struct err *err)
{
	struct store_connection c;
	char id[64];

	for (int i = 1; i < 1000; i++) {
		snprintf(id, sizeof(id), i == 1 ? "%.40s-%s" : "%.40s-%s-%d", tenant, provider, i);
		if (store_connection_get(r->core->store, id, r->arena, &c, err) == 0)
			continue;
		if (err->class != ERR_GONE)
			return -1;
		*ret = arena_dup(r->arena, id);
		return 0;
	}
	return err_set(err, ERR_REMOTE, "bad_request", "this tenant has too many connections");
}

static int make_config(struct console_request *r, struct flow *f, const struct connector *k, struct err *err)
{
	cJSON *c = f->config = cJSON_CreateObject(), *ends = cJSON_AddObjectToObject(c, "endpoints");
	const cJSON *list = json_get(r->args, "services"), *one;
	_cleanup_json_ cJSON *apps = NULL;
	unsigned bits = 0;

	/* Where the provider is: as the operator's application has it, for customers' own applications, too. */
	if (json_parse(r->core->set->apps, strlen(r->core->set->apps), &apps, err) < 0)
		return -1;
	const cJSON *given = json_object(json_object(apps, k->name), "endpoints");

	cJSON_ArrayForEach(one, list)
	{
		const char *name = cJSON_IsString(one) ? one->valuestring : "";
		bits |= strcmp(name, "mail") == 0 ? SERVICE_MAIL : strcmp(name, "files") == 0 ? SERVICE_FILES :
			strcmp(name, "teams") == 0 ? SERVICE_TEAMS : 0;
	}
	bits = list ? bits & k->services : k->services;
	cJSON_AddStringToObject(c, "id", f->rec.connection);
	cJSON_AddStringToObject(c, "tenant", f->rec.tenant);
	cJSON_AddStringToObject(c, "provider", f->rec.provider);
	cJSON_AddBoolToObject(c, "protect", false);
	cJSON_AddNumberToObject(c, "backlog", BACKLOG_SINCE);
	cJSON_AddNumberToObject(c, "backlog_since", (double)(time_now_ms() - BACKLOG_DAYS * DAY_MS));
	cJSON_AddNumberToObject(c, "page_size", 0);
	cJSON_AddNumberToObject(c, "services", bits);
	for (const char *const *e = k->endpoints; *e; e += 2)
		cJSON_AddStringToObject(ends, e[0], json_str_or(given, e[0], e[1]));
	return bits ? 0 : console_bad(err, "'services' wants at least one that the provider has: mail, files, teams");
}

/* The connection that is renewed keeps what was set for it. */
static int old_config(struct console_request *r, struct flow *f, const char *id, struct err *err)
{
	struct store_connection c;

	if (store_connection_get(r->core->store, id, r->arena, &c, err) < 0)
		return -1;
	if (strcmp(c.tenant, f->rec.tenant) != 0 || strcmp(c.provider, f->rec.provider) != 0)
		return err_set(err, ERR_GONE, "not_found", "there is no such connection");
	f->rec.connection = c.id;
	f->rec.renew = true;
	return json_parse(c.config, strlen(c.config), &f->config, err);
}

static void add_needed(cJSON *facts, const struct connector *k, const struct method *m)
{
	cJSON *needed = cJSON_AddArrayToObject(facts, "needed"), *fields = cJSON_AddArrayToObject(facts, "fields");

	for (const char *const *p = k->needs; *p; p += 2)
		cJSON_AddItemToArray(needed, cJSON_CreateString(p[0]));
	for (size_t i = 0; i < ARRAY_SIZE(m->publics) && m->publics[i]; i++)
		cJSON_AddItemToArray(fields, cJSON_CreateString(m->publics[i]));
	for (size_t i = 0; i < ARRAY_SIZE(m->secrets) && m->secrets[i]; i++)
		cJSON_AddItemToArray(fields, cJSON_CreateString(m->secrets[i]));
}

int flow_away(struct console_request *r, struct flow *f, const char *redirect, struct err *err)
{
	const struct method *m = find_method(f->rec.provider, f->rec.method);
	_cleanup_texts_ struct auth_texts t = {0};
	char hash[CONSOLE_HASH_LEN];

	if (console_ask(r->core, AUTH_CODE_BEGIN, AUTH_ASK(m->kind, f->stage, f->rec.tenant, redirect, r->actor->session_hash), &t, err) < 0)
		return -1;
	if (t.n < 2)
		return err_set(err, ERR_REMOTE, "bad_answer", "auth gave no address");
	console_hash(t.text[0], hash);
	set_text(f->facts, "url", t.text[1]);
	set_text(f->facts, "state_hash", hash);
	set_text(f->facts, "redirect_uri", redirect);
	return 0;
}

/* The key pair is made by auth; only the certificate leaves it. */
static int make_key(struct console_request *r, struct flow *f, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	char id[64], name[100];

	snprintf(id, sizeof(id), "key~%s", f->rec.id);
	snprintf(name, sizeof(name), "sekisho %.60s", f->rec.tenant);
	if (console_ask(r->core, AUTH_KEY_MAKE, AUTH_ASK(id, f->rec.tenant, name, CERTIFICATE_DAYS), &t, err) < 0)
		return -1;
	if (t.n < 2)
		return err_set(err, ERR_REMOTE, "bad_answer", "auth made no key");
	set_text(f->facts, "certificate", t.text[0]);
	set_text(f->facts, "thumbprint", t.text[1]);
	cJSON *files = cJSON_AddArrayToObject(f->facts, "files");
	cJSON_AddItemToArray(files, cJSON_CreateString("certificate"));
	return 0;
}

static int google_facts(struct flow *f, const char *number, struct err *err)
{
	_cleanup_json_ cJSON *grant = cJSON_CreateObject();

	connfile_complete(f->config, grant);
	_cleanup_buf_ struct buf line = BUF_INIT(2000);
	/* The Admin console wants them with commas. */
	for (const char *p = json_str_or(grant, "scopes", ""); *p; p++)
		buf_addc(&line, *p == ' ' ? ',' : *p);
	set_text(f->facts, "scopes", buf_str(&line));
	set_text(f->facts, "link", GOOGLE_LINK);
	if (number)
		set_text(f->facts, "client_number", number);
	return line.len ? 0 : console_no_memory(err);
}

static int prepare(struct console_request *r, struct flow *f, const struct method *m, const cJSON *app, struct err *err)
{
	if (m->way == WAY_AWAY) {
		const char *redirect = console_text(r, "redirect_uri", 800, err);
		if (!redirect || !http_url_ok(redirect))
			return redirect ? console_bad(err, "'redirect_uri' is no address") : -1;
		set_text(f->facts, "client_id", json_str_or(app, "client_id", json_str_or(app, "app_key", "")));
		return flow_away(r, f, redirect, err);
	}
	if (strcmp(m->name, "certificate") == 0)
		return make_key(r, f, err);
	if (strcmp(m->provider, "google") == 0)
		return google_facts(f, json_str(app, "client_number"), err);
	if (strcmp(m->provider, "box") == 0) {
		set_text(f->facts, "link", BOX_LINK);
		if (app)
			set_text(f->facts, "client_id", json_str_or(app, "jwt_client_id", ""));
	}
	return 0;
}

/* What a method needs of the application, said before anybody is sent away in vain. */
static int check_app(const struct method *m, const cJSON *app, struct err *err)
{
	if (strcmp(m->name, "jwt") == 0 && !app_has(app, "config_file"))
		return err_set(err, ERR_REMOTE, "no_app", "the operator's JWT application at Box is not configured");
	if (strcmp(m->provider, "box") == 0 && strcmp(m->name, "oauth") == 0 && !app_has(app, "client_secret_file"))
		return err_set(err, ERR_REMOTE, "no_app", "the operator's OAuth application at Box is not configured");
	return 0;
}

int console_flow_begin(struct console_request *r, struct err *err)
{
	const char *provider = json_str_or(r->args, "provider", ""), *connection = json_str_or(r->args, "connection", "");
	const struct method *m = find_method(provider, json_str_or(r->args, "method", ""));
	const struct connector *k = m ? connector_find(provider) : NULL;
	const struct console_session *s = r->actor->session;
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_flow_ struct flow f = {0};
	const cJSON *app = NULL;
	char id[37];

	if (!m || !k || !s)
		return console_bad(err, "no such provider and method");
	if (m->app && (!(app = flow_app(r, m->app, &doc, err)) || check_app(m, app, err) < 0))
		return -1;
	uuid_new(id);
	int64_t now = time_now_ms();
	f.rec = (struct console_flow){.id = arena_dup(r->arena, id), .tenant = r->tenant, .provider = k->name, .method = m->name,
		.session = r->actor->session_hash, .account = s->account, .invitation = s->invitation, .report = "", .preview = "",
		.error = "", .finding = "", .created_at = now, .ends_at = now + FLOW_MS};
	stage_name(&f);
	f.grant = cJSON_CreateObject();
	f.facts = cJSON_CreateObject();
	if (!f.rec.id || !f.grant || !f.facts)
		return console_no_memory(err);
	if (*connection ? old_config(r, &f, connection, err) < 0 :
			  new_connection_id(r, r->tenant, k->name, &f.rec.connection, err) < 0 || make_config(r, &f, k, err) < 0)
		return -1;
	add_needed(f.facts, k, m);
	if (prepare(r, &f, m, app, err) < 0 || flow_save(r, &f, m->way == WAY_AWAY ? "away" : "paste", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

/* ---- the grant aside ---- */

int flow_stage(struct console_request *r, struct flow *f, cJSON *grant, int n, const char *const *names,
	const char *const *secrets, struct err *err)
{
	int fds[2];

	connfile_complete(f->config, grant);
	for (int i = 0; i < n; i++) {
		fds[i] = io_memfd("secret", err);
		if (fds[i] >= 0 && io_write_all(fds[i], secrets[i], strlen(secrets[i])) == 0 && lseek(fds[i], 0, SEEK_SET) == 0)
			continue;
		for (int k = 0; k <= i; k++)
			if (fds[k] >= 0)
				close(fds[k]);
		return err_set(err, ERR_LOCAL, "system", "the secret cannot be handed on");
	}
	const struct grant_stage s = {.stage = f->stage, .config = f->config, .grant = grant, .n = n, .names = names, .fds = fds};
	cJSON *made = NULL;
	if (grants_stage(r->core, &s, &made, err) < 0)
		return -1;
	cJSON_Delete(f->grant);
	f->grant = made;
	f->rec.error = f->rec.report = f->rec.preview = "";
	return 0;
}

/* Pasted with spaces and line ends around it. */
static const char *trimmed(struct console_request *r, const char *s)
{
	s += strspn(s, " \t\r\n");
	size_t len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	return arena_dupn(r->arena, s, len);
}

static int read_fields(struct console_request *r, const struct method *m, cJSON *grant, const char **secrets, int *ret_n,
	struct err *err)
{
	const cJSON *fields = json_object(r->args, "fields");

	for (size_t i = 0; i < ARRAY_SIZE(m->publics) && m->publics[i]; i++) {
		const char *v = trimmed(r, json_str_or(fields, m->publics[i], ""));
		/* They become part of addresses and of signed claims. */
		if (!v || !*v || strlen(v) > 200 || strpbrk(v, " \t\r\n/?#\"\\"))
			return err_set(err, ERR_REMOTE, "bad_field", "'%s' is missing, or has a character that it cannot have", m->publics[i]);
		cJSON_AddStringToObject(grant, m->publics[i], v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(m->secrets) && m->secrets[i]; i++) {
		const char *v = trimmed(r, json_str_or(fields, m->secrets[i], ""));
		if (!v || !*v || strlen(v) > 65536)
			return err_set(err, ERR_REMOTE, "bad_field", "'%s' is missing", m->secrets[i]);
		secrets[(*ret_n)++] = v;
	}
	return 0;
}

int console_flow_submit(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	_cleanup_json_ cJSON *grant = cJSON_CreateObject();
	const char *secrets[2], *names[2];
	char key[64];
	int n = 0;

	if (flow_load(r, r->object, &f, err) < 0)
		return -1;
	const struct method *m = find_method(f.rec.provider, f.rec.method);
	bool over = strcmp(f.rec.step, "done") == 0 || strcmp(f.rec.step, "cancelled") == 0;
	if (!m || over)
		return err_set(err, ERR_CHANGED, "wrong_state", "this connecting is over");
	if (m->way == WAY_AWAY) {
		/* Away again: only from the browser that began it. */
		if (strcmp(f.rec.session, r->actor->session_hash) != 0)
			return err_set(err, ERR_CHANGED, "wrong_state", "this connecting was begun in another session: begin anew");
		f.rec.error = "";
		if (flow_away(r, &f, json_str_or(f.facts, "redirect_uri", ""), err) < 0 || flow_save(r, &f, "away", err) < 0)
			return -1;
		flow_result(r, &f);
		return 0;
	}
	if (read_fields(r, m, grant, secrets, &n, err) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		names[i] = strcmp(m->secrets[i], "client_secret") == 0 ? "client_secret_file" : m->secrets[i];
	cJSON_AddStringToObject(grant, "type", m->type);
	if (m->app)
		cJSON_AddStringToObject(grant, "app", m->app);
	snprintf(key, sizeof(key), "key~%s", f.rec.id);
	if (strcmp(m->name, "certificate") == 0)
		cJSON_AddStringToObject(grant, "made_key", key);
	if (flow_stage(r, &f, grant, n, names, secrets, err) < 0)
		return -1;
	if (strcmp(m->provider, "google") == 0 && json_str(f.grant, "client_number"))
		set_text(f.facts, "client_number", json_str(f.grant, "client_number"));
	if (flow_save(r, &f, "proving", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

/* ---- coming back ---- */

/* The flow of this session that a state was made for. */
static int flow_of_state(struct console_request *r, const char *provider, struct flow *ret, struct err *err)
{
	const char *state = json_str_or(json_object(r->args, "params"), "state", "");
	char hash[CONSOLE_HASH_LEN];
	struct console_flow *list;
	size_t n;

	console_hash(state, hash);
	if (store_flow_list(r->core->store, r->actor->session_hash, time_now_ms(), 50, r->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		_cleanup_json_ cJSON *facts = NULL;
		if (strcmp(list[i].provider, provider) != 0 || open_json(list[i].facts, &facts, err) < 0)
			continue;
		if (strcmp(json_str_or(facts, "state_hash", ""), hash) == 0)
			return flow_load(r, list[i].id, ret, err);
	}
	return err_set(err, ERR_AUTH, "bad_state",
		"this answer does not belong to a connecting of this session, was used, or is over: begin again");
}

static int after_consent(struct console_request *r, struct flow *f, const cJSON *facts, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL, *grant = cJSON_CreateObject();
	const cJSON *app = flow_app(r, f->rec.provider, &doc, err);
	const struct method *m = find_method(f->rec.provider, f->rec.method);

	if (!app)
		return -1;
	cJSON_AddStringToObject(grant, "app", f->rec.provider);
	if (strcmp(f->rec.provider, "microsoft") == 0) {
		/* The parameters prove nothing: the check fetches a token of this directory and its organisation. */
		cJSON_AddStringToObject(grant, "type", app_has(app, "certificate_file") ? "client_certificate" : "client_secret");
		cJSON_AddStringToObject(grant, "directory", json_str_or(facts, "directory", ""));
		cJSON_AddStringToObject(grant, "client_id", json_str_or(app, "client_id", ""));
	} else {
		bool dropbox = strcmp(f->rec.provider, "dropbox") == 0;
		cJSON_AddStringToObject(grant, "type", m->type);
		cJSON_AddStringToObject(grant, dropbox ? "app_key" : "client_id",
			json_str_or(app, dropbox ? "app_key" : "client_id", ""));
		cJSON_AddStringToObject(grant, "code_of", f->stage);
	}
	return flow_stage(r, f, grant, 0, NULL, NULL, err);
}

int console_flow_callback(struct console_request *r, struct err *err)
{
	const char *provider = json_str_or(r->args, "provider", "");
	const char *kind = strcmp(provider, "microsoft") == 0 ? "microsoft_consent" : provider;
	_cleanup_flow_ struct flow f = {0};
	_cleanup_texts_ struct auth_texts t = {0};
	_cleanup_json_ cJSON *facts = NULL;
	_cleanup_buf_ struct buf params = BUF_INIT(65536);
	struct err why = {0}, unknown = {0};

	if (json_print(json_object(r->args, "params"), &params) < 0)
		return console_bad(err, "the callback's parameters are missing");
	int found = flow_of_state(r, provider, &f, &unknown);
	/* Asked in any case: an answer that does not fit spoils its state, whoever brings it. */
	int ended = console_ask(r->core, AUTH_CODE_END, AUTH_ASK(kind, r->actor->session_hash, buf_str(&params)), &t, &why);
	if (found < 0) {
		*err = unknown;
		return -1;
	}
	r->tenant = f.rec.tenant;
	r->object = f.rec.id;
	if (!console_may(r->actor->session, CONSOLE_CONNECT, f.rec.tenant))
		return err_set(err, ERR_CONSENT, "forbidden", "your role does not allow this");
	/* A state is used once, however it went. */
	cJSON_DeleteItemFromObjectCaseSensitive(f.facts, "state_hash");
	cJSON_DeleteItemFromObjectCaseSensitive(f.facts, "url");
	if (ended == 0 && (t.n < 1 || json_parse(t.text[0], strlen(t.text[0]), &facts, &why) < 0 ||
				  strcmp(json_str_or(facts, "stage", f.stage), f.stage) != 0))
		ended = err_set(&why, ERR_REMOTE, "bad_answer", "auth's answer belongs to another connecting");
	if (ended == 0)
		ended = after_consent(r, &f, facts, &why);
	if (ended < 0) {
		if (strncmp(why.code, "state_", 6) == 0)
			err_set(&why, ERR_AUTH, "bad_state", "this answer was used already, or came too late: begin again");
		else if (strcmp(why.code, "access_denied") == 0)
			snprintf(why.code, sizeof(why.code), "consent_denied");
		log_err(LOG_INFO_, "console.callback", &why);
		/* The page of the flow shows it; the callback itself was taken. */
		if (flow_save_error(r, &f, "failed", &why, err) < 0)
			return -1;
	} else if (flow_save(r, &f, "proving", err) < 0) {
		return -1;
	}
	flow_result(r, &f);
	return 0;
}

/* ---- the rest ---- */

int console_flow_cancel(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	char key[64];
	struct err ignored;

	if (flow_load(r, r->object, &f, err) < 0)
		return -1;
	if (strcmp(f.rec.step, "done") == 0)
		return err_set(err, ERR_CHANGED, "wrong_state", "the connection is made: disconnect ends it");
	snprintf(key, sizeof(key), "key~%s", f.rec.id);
	/* They may not be there. */
	grants_unstage(r->core, f.stage, &ignored);
	grants_unstage(r->core, key, &ignored);
	if (flow_save(r, &f, "cancelled", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

int console_flow_file(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	char name[100];

	if (flow_load(r, r->object, &f, err) < 0)
		return -1;
	const char *text = json_str(f.facts, "certificate");
	if (!text || strcmp(json_str_or(r->args, "name", ""), "certificate") != 0)
		return err_set(err, ERR_GONE, "not_found", "there is no such file");
	snprintf(name, sizeof(name), "sekisho-%.60s.cer", f.rec.tenant);
	cJSON_AddStringToObject(r->result, "name", name);
	cJSON_AddStringToObject(r->result, "text", text);
	return 0;
}
