/* Signing in and out: the first account, passwords, second factors, OpenID Connect, invitations, sessions. On the console's
 * threads. Sources: OWASP ASVS 5 (6, 7), RFC 6238. */
#include "core/console_impl.h"

#include <ctype.h>

#define LONG_IDLE_MS (8 * 3600000ll) /* of the desk, which looks on; and of who goes away to another console */
#define CHALLENGE_MS 300000
#define CHALLENGE_TRIES 5
#define BROWSER_MS 600000

static int begin_session(struct console_request *r, enum console_role role, const char *account, const char *invitation,
	struct err *err)
{
	char token[TOKEN_LEN], hash[CONSOLE_HASH_LEN], csrf[CONSOLE_HASH_LEN], id[37], agent[201];
	const struct settings *set = r->core->set;
	int64_t now = time_now_ms();

	uuid_new(id);
	console_token(token, hash);
	console_csrf(token, csrf);
	snprintf(agent, sizeof(agent), "%s", r->actor->agent ? r->actor->agent : "");
	const struct console_session_new n = {.hash = hash, .id = id, .account = account, .invitation = invitation,
		.address = r->actor->address, .agent = agent, .now = now,
		.idle_ms = role == CONSOLE_DESK || role == CONSOLE_INVITED ? LONG_IDLE_MS : set->session_idle,
		.ends_at = now + set->session_max};
	if (store_session_add(r->core->store, &n, err) < 0)
		return -1;
	/* A new one at each sign-in; the one before ends, whoever's it was. */
	if (r->actor->session) {
		struct err ignored;
		store_session_end(r->core->store, r->actor->session->id, NULL, &ignored);
	}
	cJSON_AddStringToObject(r->result, "token", token);
	cJSON_AddStringToObject(r->result, "csrf", csrf);
	explicit_bzero(token, sizeof(token));
	return 0;
}

int console_begin(struct console_request *r, const struct console_account *a, const struct console_invitation *i,
	struct err *err)
{
	return a ? begin_session(r, a->role, a->id, "", err) : begin_session(r, CONSOLE_INVITED, "", i->id, err);
}

/* Lower case, as logins are kept; NULL after an error. */
static const char *login_of(struct console_request *r, struct err *err)
{
	const char *s = console_text(r, "login", 200, err);
	char *copy = s ? arena_dup(r->arena, s) : NULL;

	for (char *p = copy; p && *p; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (*p == ' ' || *p == '|') {
			console_bad(err, "a login has no spaces: an e-mail address is best");
			return NULL;
		}
	}
	return copy;
}

static int bad_link(struct err *err)
{
	if (err->class == ERR_GONE)
		err_set(err, ERR_GONE, "bad_link", "this link is unknown, was used, or is over: ask for a new one");
	return -1;
}

/* Looks whether the link of `token` is good, and gives its hash. */
static int link_of(struct console_request *r, const char *kind, char hash[CONSOLE_HASH_LEN], const char **ret_account,
	const char **ret_detail, struct err *err)
{
	const char *token = console_text(r, strcmp(kind, "totp") == 0 ? "challenge" : strcmp(kind, "browser") == 0 ? "browser" : "token", 200, err);

	if (!token)
		return -1;
	console_hash(token, hash);
	if (store_link_get(r->core->store, hash, kind, time_now_ms(), r->arena, ret_account, ret_detail, err) < 0)
		return bad_link(err);
	return 0;
}

int console_setup(struct console_request *r, struct err *err)
{
	char hash[CONSOLE_HASH_LEN], id[37];
	const char *login = login_of(r, err), *name = login ? console_text(r, "name", 200, err) : NULL,
		   *password = json_str_or(r->args, "password", "");
	const char *language = name ? console_language(r, r->core->set->language, err) : NULL;
	bool any;

	if (!language || link_of(r, "setup", hash, NULL, NULL, err) < 0 || console_password_ok(password, login, err) < 0 ||
		store_account_any(r->core->store, &any, err) < 0)
		return -1;
	if (any)
		return err_set(err, ERR_CHANGED, "wrong_state", "the first account was made already: sign in");
	if (store_link_use(r->core->store, hash, "setup", time_now_ms(), err) < 0)
		return bad_link(err);
	uuid_new(id);
	const struct console_account a = {.id = id, .login = login, .name = name, .language = language, .role = CONSOLE_OPERATOR,
		.created_at = time_now_ms()};
	if (store_account_add(r->core->store, &a, err) < 0 || console_password_store(r->core, id, password, err) < 0)
		return -1;
	log_info("console.first_account", "login=\"%s\"", login);
	return console_begin(r, &a, NULL, err);
}

/* ---- password and second factor ---- */

static int challenge(struct console_request *r, const struct console_account *a, struct err *err)
{
	char token[TOKEN_LEN], hash[CONSOLE_HASH_LEN];

	console_token(token, hash);
	if (store_link_add(r->core->store, hash, "totp", a->id, a->login, time_now_ms(), time_now_ms() + CHALLENGE_MS, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "challenge", token);
	return 0;
}

int console_sign_in(struct console_request *r, struct err *err)
{
	const char *login = login_of(r, err), *password = json_str_or(r->args, "password", "");
	struct console_account a = {0};

	if (!login || console_limit(r->core, login, r->actor->address, err) < 0)
		return -1;
	bool known = store_account_by_login(r->core->store, login, r->arena, &a, err) == 0;
	if (!known && err->class != ERR_GONE)
		return -1;
	bool usable = known && !a.disabled;
	if (console_password_check(r->core, usable ? a.id : "", password, err) < 0)
		return -1;
	if (a.totp)
		return challenge(r, &a, err);
	console_limit_clear(r->core, login, r->actor->address);
	return console_begin(r, &a, NULL, err);
}

static int bad_code(struct err *err)
{
	return err_set(err, ERR_AUTH, "bad_code", "this code is wrong, was used, or is over");
}

/* Six digits are a time step's code, which is used once; anything else a recovery code. */
static int use_code(struct console_request *r, const char *account, const char *code, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	char number[24], plain[64], hash[CONSOLE_HASH_LEN];
	int64_t step;
	size_t n = 0;

	if (strlen(code) == 6 && strspn(code, "0123456789") == 6) {
		if (store_totp_step(r->core->store, account, &step, err) < 0)
			return -1;
		snprintf(number, sizeof(number), "%lld", (long long)step);
		if (console_ask(r->core, AUTH_TOTP_CHECK, AUTH_ASK(account, code, number), &t, err) < 0)
			return err->class == ERR_RETRY || err->class == ERR_LOCAL ? -1 : bad_code(err);
		if (t.n < 1 || store_totp_use(r->core->store, account, strtoll(t.text[0], NULL, 10), err) < 0)
			return t.n < 1 || err->class == ERR_CHANGED ? bad_code(err) : -1;
		return 0;
	}
	for (const char *p = code; *p && n + 1 < sizeof(plain); p++)
		if (isalnum((unsigned char)*p))
			plain[n++] = (char)tolower((unsigned char)*p);
	plain[n] = '\0';
	console_hash(plain, hash);
	if (store_recovery_use(r->core->store, account, hash, err) < 0)
		return err->class == ERR_GONE ? bad_code(err) : -1;
	log_warn("console.recovery_code", "account=%s", account);
	return 0;
}

int console_sign_in_totp(struct console_request *r, struct err *err)
{
	const char *account, *login, *code = console_text(r, "code", 100, err);
	char hash[CONSOLE_HASH_LEN];
	struct console_account a;
	struct err local;

	if (!code || link_of(r, "totp", hash, &account, &login, err) < 0)
		return -1;
	r->object = login;
	/* Each try is counted before it is made; the one too many finds the challenge gone. */
	if (store_link_fail(r->core->store, hash, CHALLENGE_TRIES + 1, err) < 0 ||
		link_of(r, "totp", hash, &account, &login, err) < 0 || store_account_get(r->core->store, account, r->arena, &a, err) < 0)
		return -1;
	if (a.disabled || use_code(r, account, code, err) < 0)
		return a.disabled ? bad_code(err) : -1;
	/* Two answers to one challenge: one session. */
	if (store_link_use(r->core->store, hash, "totp", time_now_ms(), err) < 0)
		return bad_link(err);
	console_limit_clear(r->core, a.login, r->actor->address);
	if (store_account_get(r->core->store, account, r->arena, &a, &local) == 0)
		cJSON_AddNumberToObject(r->result, "recovery_left", a.recovery_left);
	return console_begin(r, &a, NULL, err);
}

int console_password_set(struct console_request *r, struct err *err)
{
	const char *account, *password = json_str_or(r->args, "password", "");
	char hash[CONSOLE_HASH_LEN];
	struct console_account a;

	if (link_of(r, "password", hash, &account, NULL, err) < 0 ||
		store_account_get(r->core->store, account, r->arena, &a, err) < 0 ||
		console_password_ok(password, a.login, err) < 0)
		return -1;
	r->object = a.login;
	if (store_link_use(r->core->store, hash, "password", time_now_ms(), err) < 0)
		return bad_link(err);
	if (console_password_store(r->core, account, password, err) < 0 ||
		store_session_end_all(r->core->store, account, NULL, NULL, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "login", a.login);
	return 0;
}

/* ---- OpenID Connect ---- */

static const cJSON *sign_in_of(const cJSON *list, const char *id)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		if (strcmp(json_str_or(one, "id", ""), id) == 0)
			return one;
	}
	return NULL;
}

static int sign_in_settings(struct console_request *r, cJSON **ret_list, const cJSON **ret, char kind[40], struct err *err)
{
	const char *id = console_word(r, "provider", err);

	if (!id || json_parse(r->core->set->sign_in, strlen(r->core->set->sign_in), ret_list, err) < 0)
		return -1;
	*ret = sign_in_of(*ret_list, id);
	snprintf(kind, 40, "oidc:%.20s", id);
	return *ret ? 0 : err_set(err, ERR_REMOTE, "no_app", "signing in with '%s' is not configured", id);
}

int console_oidc_begin(struct console_request *r, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	_cleanup_texts_ struct auth_texts t = {0};
	char browser[TOKEN_LEN], hash[CONSOLE_HASH_LEN], kind[40];
	const char *redirect = console_text(r, "redirect_uri", 800, err);
	const cJSON *one;

	if (!redirect || sign_in_settings(r, &list, &one, kind, err) < 0)
		return -1;
	/* Bound to this browser by a cookie: nobody is signed in yet. */
	console_token(browser, hash);
	if (store_link_add(r->core->store, hash, "browser", "", kind, time_now_ms(), time_now_ms() + BROWSER_MS, err) < 0 ||
		console_ask(r->core, AUTH_CODE_BEGIN, AUTH_ASK(kind, "", "", redirect, hash), &t, err) < 0)
		return -1;
	if (t.n < 2)
		return err_set(err, ERR_REMOTE, "bad_answer", "auth gave no address");
	cJSON_AddStringToObject(r->result, "url", t.text[1]);
	cJSON_AddStringToObject(r->result, "browser", browser);
	return 0;
}

/* The account that a person's identity belongs to: the one tied to it, else the one of a verified address, else one that the
 * settings promise. Tied from then on, so that a later owner of the address is somebody else. */
static int account_of(struct console_request *r, const cJSON *one, const cJSON *facts, struct console_account *ret, struct err *err)
{
	const char *provider = json_str_or(one, "id", ""), *subject = json_str_or(facts, "subject", "");
	_cleanup_json_ cJSON *subjects = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(8000), email = BUF_INIT(300);
	const cJSON *listed = NULL, *a;

	for (const char *p = json_str_or(facts, "email", ""); *p; p++)
		buf_addc(&email, (char)tolower((unsigned char)*p));
	bool trusted = email.len && (json_bool(facts, "email_verified") || json_bool(one, "trust_email"));
	cJSON_ArrayForEach(a, json_array(one, "accounts"))
	{
		const char *want = json_str(a, "subject");
		bool same_address = strcmp(json_str_or(a, "email", ""), buf_str(&email)) == 0;
		if (want ? strcmp(want, subject) == 0 : trusted && same_address) {
			listed = a;
			break;
		}
	}
	const char *login = listed ? json_str_or(listed, "email", "") : trusted ? buf_str(&email) : "";
	if (!*subject || !*login)
		return err_set(err, ERR_AUTH, "no_account", "the sign-in provider did not say who you are in a way that can be trusted");
	r->object = arena_dup(r->arena, login);
	int found = store_account_by_login(r->core->store, login, r->arena, ret, err);
	if (found < 0 && err->class != ERR_GONE)
		return -1;
	if (found < 0 && !listed)
		return err_set(err, ERR_AUTH, "no_account", "there is no account for this address: ask an operator");
	if (found < 0) {
		struct console_request of = *r;
		const char *set = NULL;
		char id[37];
		of.args = listed;
		uuid_new(id);
		enum console_role role = console_role_from(json_str_or(listed, "role", ""));
		if (role != CONSOLE_OPERATOR && console_tenants(&of, &set, err) < 0)
			return -1;
		*ret = (struct console_account){.id = arena_dup(r->arena, id), .login = arena_dup(r->arena, login),
			.name = arena_dup(r->arena, json_str_or(facts, "name", login)), .language = r->core->set->language, .role = role,
			.tenants = set, .subjects = "{}", .created_at = time_now_ms()};
		if (store_account_add(r->core->store, ret, err) < 0)
			return -1;
	}
	if (ret->disabled)
		return err_set(err, ERR_AUTH, "no_account", "this account is disabled");
	if (json_parse(ret->subjects, strlen(ret->subjects), &subjects, err) < 0)
		return -1;
	const char *tied = json_str(subjects, provider);
	if (tied)
		return strcmp(tied, subject) == 0 ? 0 :
			err_set(err, ERR_AUTH, "no_account", "this account belongs to another person at the sign-in provider");
	cJSON_AddStringToObject(subjects, provider, subject);
	if (json_print(subjects, &text) < 0)
		return console_no_memory(err);
	return store_account_subject(r->core->store, ret->id, buf_str(&text), err);
}

int console_oidc_end(struct console_request *r, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL, *facts = NULL;
	_cleanup_texts_ struct auth_texts t = {0};
	_cleanup_buf_ struct buf params = BUF_INIT(65536);
	char hash[CONSOLE_HASH_LEN], kind[40];
	const char *begun;
	struct console_account a;
	const cJSON *one;

	if (sign_in_settings(r, &list, &one, kind, err) < 0)
		return -1;
	if (link_of(r, "browser", hash, NULL, &begun, err) < 0 || strcmp(begun, kind) != 0 ||
		store_link_use(r->core->store, hash, "browser", time_now_ms(), err) < 0)
		return err->class == ERR_LOCAL || err->class == ERR_RETRY ? -1 :
			err_set(err, ERR_AUTH, "bad_state", "this sign-in was not begun in this browser, was used, or is over: begin again");
	if (json_print(json_object(r->args, "params"), &params) < 0)
		return console_bad(err, "the callback's parameters are missing");
	if (console_ask(r->core, AUTH_CODE_END, AUTH_ASK(kind, hash, buf_str(&params)), &t, err) < 0) {
		if (strncmp(err->code, "state_", 6) == 0)
			return err_set(err, ERR_AUTH, "bad_state", "this sign-in was used already, or is over: begin again");
		return -1;
	}
	if (t.n < 1 || json_parse(t.text[0], strlen(t.text[0]), &facts, err) < 0)
		return -1;
	return account_of(r, one, facts, &a, err) < 0 ? -1 : console_begin(r, &a, NULL, err);
}

/* ---- invitations and sessions ---- */

int console_invitation_open(struct console_request *r, struct err *err)
{
	const char *token = console_text(r, "token", 200, err);
	char hash[CONSOLE_HASH_LEN];
	struct console_invitation i;

	if (!token)
		return -1;
	console_hash(token, hash);
	if (store_invitation_open(r->core->store, hash, time_now_ms(), r->arena, &i, err) < 0)
		return bad_link(err);
	r->tenant = i.tenant;
	r->object = i.id;
	cJSON_AddStringToObject(r->result, "tenant", i.tenant);
	return console_begin(r, NULL, &i, err);
}

int console_sign_out(struct console_request *r, struct err *err)
{
	return store_session_end(r->core->store, r->actor->session->id, NULL, err);
}

int console_session_touch(struct console_request *r, struct err *err)
{
	return store_session_touch(r->core->store, r->actor->session_hash, time_now_ms(), err);
}

int console_session_revoke(struct console_request *r, struct err *err)
{
	const char *id = console_text(r, "id", 64, err);

	return id ? store_session_end(r->core->store, id, r->actor->session->account, err) : -1;
}

int console_sessions_revoke(struct console_request *r, struct err *err)
{
	int64_t n = 0;

	if (store_session_end_all(r->core->store, r->actor->session->account, r->actor->session->id, &n, err) < 0)
		return -1;
	cJSON_AddNumberToObject(r->result, "ended", (double)n);
	return 0;
}
