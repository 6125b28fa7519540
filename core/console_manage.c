/* What operators do: accounts, tenants, invitations, and the link to the first account. On the console's threads, or for the
 * command line. Links are made by whoever shows them: PUBLIC/password#TOKEN, PUBLIC/invitation#TOKEN, PUBLIC/setup#TOKEN. */
#include "core/console_impl.h"

#include <ctype.h>

#define DAY_MS 86400000ll
#define PASSWORD_LINK_MS DAY_MS
#define INVITATION_MS (7 * DAY_MS)
#define SETUP_LINK_MS (7 * DAY_MS)

static int password_link(struct console_request *r, const char *account, struct err *err)
{
	char token[TOKEN_LEN], hash[CONSOLE_HASH_LEN];
	int64_t now = time_now_ms();

	console_token(token, hash);
	/* The newest one alone works. */
	if (store_link_drop(r->core->store, "password", account, err) < 0 ||
		store_link_add(r->core->store, hash, "password", account, "", now, now + PASSWORD_LINK_MS, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "token", token);
	cJSON_AddNumberToObject(r->result, "ends_at", (double)(now + PASSWORD_LINK_MS));
	return 0;
}

static int role_and_tenants(struct console_request *r, struct console_account *a, struct err *err)
{
	const char *role = json_str(r->args, "role");

	if (role) {
		a->role = console_role_from(role);
		if (a->role < CONSOLE_AUDITOR)
			return console_bad(err, "'role' is operator, admin, desk or auditor");
	}
	if (a->role == CONSOLE_OPERATOR) {
		a->tenants = NULL;
		return 0;
	}
	/* Who was an operator has no tenants of his own. */
	if (json_get(r->args, "tenants"))
		return console_tenants(r, &a->tenants, err);
	if (!a->tenants)
		a->tenants = "|";
	return 0;
}

int console_account_create(struct console_request *r, struct err *err)
{
	const char *login = console_text(r, "login", 200, err), *name = login ? console_text(r, "name", 200, err) : NULL;
	struct console_account a = {.name = name, .created_at = time_now_ms(), .tenants = "|"};
	char id[37];

	if (!name || !(a.language = console_language(r, r->core->set->language, err)) || role_and_tenants(r, &a, err) < 0)
		return -1;
	if (a.role == CONSOLE_NOBODY)
		return console_bad(err, "'role' is operator, admin, desk or auditor");
	char *lower = arena_dup(r->arena, login);
	for (char *p = lower; p && *p; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (*p == ' ' || *p == '|')
			return console_bad(err, "a login has no spaces: an e-mail address is best");
	}
	uuid_new(id);
	a.id = id;
	a.login = lower;
	if (!lower)
		return console_no_memory(err);
	if (store_account_add(r->core->store, &a, err) < 0)
		return -1;
	r->object = a.login;
	cJSON_AddStringToObject(r->result, "id", id);
	return password_link(r, id, err);
}

/* By its id; for people at a command line by its login, too. */
static int account_of(struct console_request *r, struct console_account *ret, struct err *err)
{
	const char *id = console_text(r, "id", 200, err);

	if (!id)
		return -1;
	if (store_account_get(r->core->store, id, r->arena, ret, err) == 0)
		return 0;
	return r->actor->local && err->class == ERR_GONE ? store_account_by_login(r->core->store, id, r->arena, ret, err) : -1;
}

int console_account_update(struct console_request *r, struct err *err)
{
	struct console_account a;

	if (account_of(r, &a, err) < 0)
		return -1;
	if (json_get(r->args, "name") && !(a.name = console_text(r, "name", 200, err)))
		return -1;
	if (!(a.language = console_language(r, a.language, err)) || role_and_tenants(r, &a, err) < 0)
		return -1;
	const cJSON *disabled = json_get(r->args, "disabled");
	if (disabled && !cJSON_IsBool(disabled))
		return console_bad(err, "'disabled' is true or false");
	if (disabled)
		a.disabled = cJSON_IsTrue(disabled);
	return store_account_update(r->core->store, &a, err);
}

int console_account_reset(struct console_request *r, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	struct console_account a;

	if (account_of(r, &a, err) < 0)
		return -1;
	if (a.disabled)
		return err_set(err, ERR_CHANGED, "wrong_state", "the account is disabled");
	if (store_session_end_all(r->core->store, a.id, NULL, NULL, err) < 0)
		return -1;
	if (a.totp && (store_totp_set(r->core->store, a.id, false, 0, NULL, 0, err) < 0 ||
			      console_ask(r->core, AUTH_TOTP_FORGET, AUTH_ASK(a.id), &t, err) < 0))
		return -1;
	if (a.totp)
		cJSON_AddStringToObject(r->result, "totp", "removed");
	return password_link(r, a.id, err);
}

/* ---- tenants ---- */

/* null or 0: no trial. */
static int trial_end(struct console_request *r, int64_t *ret, struct err *err)
{
	const cJSON *v = json_get(r->args, "trial_ends_at");

	if (!v)
		return 0;
	*ret = 0;
	if (cJSON_IsNull(v))
		return 0;
	if (!json_int64(r->args, "trial_ends_at", ret) || *ret < 0 || *ret > time_now_ms() + 3660 * DAY_MS)
		return console_bad(err, "'trial_ends_at' wants a time in ms, within ten years");
	return 0;
}

int console_tenant_create(struct console_request *r, struct err *err)
{
	const char *id = console_word(r, "id", err), *name = id ? console_text(r, "name", 200, err) : NULL;
	struct console_tenant t = {.id = id, .name = name, .created_at = time_now_ms()};

	if (!name || !(t.language = console_language(r, r->core->set->language, err)) || trial_end(r, &t.trial_ends_at, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "id", id);
	return store_tenant_add(r->core->store, &t, err);
}

int console_tenant_update(struct console_request *r, struct err *err)
{
	const char *id = console_word(r, "id", err);
	struct console_tenant t;

	if (!id || store_tenant_get(r->core->store, id, r->arena, &t, err) < 0)
		return -1;
	if (json_get(r->args, "name") && !(t.name = console_text(r, "name", 200, err)))
		return -1;
	if (!(t.language = console_language(r, t.language, err)) || trial_end(r, &t.trial_ends_at, err) < 0 ||
		store_tenant_update(r->core->store, &t, err) < 0)
		return -1;
	wake_all(&r->core->wake);
	return 0;
}

/* ---- invitations ---- */

int console_invitation_create(struct console_request *r, struct err *err)
{
	char token[TOKEN_LEN], hash[CONSOLE_HASH_LEN], id[37];
	const char *name = json_get(r->args, "name") ? console_text(r, "name", 200, err) : "";
	int64_t now = time_now_ms();

	if (!name)
		return -1;
	uuid_new(id);
	console_token(token, hash);
	const struct console_invitation i = {.id = id, .hash = hash, .tenant = r->tenant, .name = name,
		.account = r->actor->session ? r->actor->session->account : "", .created_at = now, .ends_at = now + INVITATION_MS};
	if (store_invitation_add(r->core->store, &i, err) < 0)
		return -1;
	r->object = arena_dup(r->arena, id);
	cJSON_AddStringToObject(r->result, "id", id);
	cJSON_AddStringToObject(r->result, "token", token);
	cJSON_AddNumberToObject(r->result, "ends_at", (double)i.ends_at);
	return 0;
}

int console_invitation_revoke(struct console_request *r, struct err *err)
{
	return store_invitation_revoke(r->core->store, r->object, time_now_ms(), err);
}

/* ---- the first account ---- */

int console_setup_link(struct console_request *r, struct err *err)
{
	char token[TOKEN_LEN], hash[CONSOLE_HASH_LEN];
	int64_t now = time_now_ms();
	bool any;

	if (store_account_any(r->core->store, &any, err) < 0)
		return -1;
	if (any)
		return err_set(err, ERR_CHANGED, "wrong_state", "there are accounts already: 'sekisho accounts reset LOGIN' makes a link to a new password");
	console_token(token, hash);
	if (store_link_drop(r->core->store, "setup", NULL, err) < 0 ||
		store_link_add(r->core->store, hash, "setup", "", "", now, now + SETUP_LINK_MS, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "token", token);
	return 0;
}
