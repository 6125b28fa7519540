/* Flows: connecting a cloud step by step. Begin, what is pasted, coming back from the provider, giving up. The flow's
 * record is in console_flow_record.c; proving, keeping and the test detection are in console_prove.c. On the console's threads.
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

static void set_text(cJSON *o, const char *key, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, key);
	cJSON_AddStringToObject(o, key, value);
}

/* ---- the operator's applications ---- */

/* The application's public facts of settings and auth; NULL after an error "no_app". In the document *ret_doc. */
static const cJSON *find_app(struct console_request *r, const char *provider, cJSON **ret_doc, struct err *err)
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

/* Sends the browser away anew: url into the facts. */
static int send_away(struct console_request *r, struct flow *f, const char *redirect, struct err *err)
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
		return send_away(r, f, redirect, err);
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
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_flow_ struct flow f = {0};
	const cJSON *app = NULL;

	if (!m || !k || !r->actor->session)
		return console_bad(err, "no such provider and method");
	if (m->app && (!(app = find_app(r, m->app, &doc, err)) || check_app(m, app, err) < 0))
		return -1;
	if (flow_new(r, k, m->name, connection, &f, err) < 0)
		return -1;
	add_needed(f.facts, k, m);
	if (prepare(r, &f, m, app, err) < 0 || flow_save(r, &f, m->way == WAY_AWAY ? "away" : "paste", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

/* ---- the grant aside ---- */

/* Puts the grant aside under the flow's stage: names and secrets are what was pasted; the grant becomes what auth says. */
static int put_aside(struct console_request *r, struct flow *f, cJSON *grant, int n, const char *const *names,
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
		if (send_away(r, &f, json_str_or(f.facts, "redirect_uri", ""), err) < 0 || flow_save(r, &f, "away", err) < 0)
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
	if (put_aside(r, &f, grant, n, names, secrets, err) < 0)
		return -1;
	if (strcmp(m->provider, "google") == 0 && json_str(f.grant, "client_number"))
		set_text(f.facts, "client_number", json_str(f.grant, "client_number"));
	if (flow_save(r, &f, "proving", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

/* ---- coming back ---- */

static int after_consent(struct console_request *r, struct flow *f, const cJSON *facts, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL, *grant = cJSON_CreateObject();
	const cJSON *app = find_app(r, f->rec.provider, &doc, err);
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
	return put_aside(r, f, grant, 0, NULL, NULL, err);
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
