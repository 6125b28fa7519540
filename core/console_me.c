/* What a person changes of the own account: name, language, password, second factor. On the console's threads. */
#include "core/console_impl.h"

#include <stdlib.h>

#define RECOVERY_CODES 10

static int me(struct console_request *r, struct console_account *ret, struct err *err)
{
	return store_account_get(r->core->store, r->actor->session->account, r->arena, ret, err);
}

int console_me_update(struct console_request *r, struct err *err)
{
	struct console_account a;

	if (me(r, &a, err) < 0)
		return -1;
	if (json_get(r->args, "name") && !(a.name = console_text(r, "name", 200, err)))
		return -1;
	if (!(a.language = console_language(r, a.language, err)))
		return -1;
	return store_account_update(r->core->store, &a, err);
}

/* The password again, before what matters is changed: tries are slowed down like those of a sign-in. */
static int confirm(struct console_request *r, const struct console_account *a, const char *key, struct err *err)
{
	if (console_limit(r->core, a->login, r->actor->address, err) < 0 ||
		console_password_check(r->core, a->id, json_str_or(r->args, key, ""), err) < 0)
		return -1;
	console_limit_clear(r->core, a->login, r->actor->address);
	return 0;
}

int console_me_password(struct console_request *r, struct err *err)
{
	const char *new = json_str_or(r->args, "new", "");
	struct console_account a;

	if (me(r, &a, err) < 0 || confirm(r, &a, "old", err) < 0 || console_password_ok(new, a.login, err) < 0 ||
		console_password_store(r->core, a.id, new, err) < 0)
		return -1;
	return store_session_end_all(r->core->store, a.id, r->actor->session->id, NULL, err);
}

int console_totp_begin(struct console_request *r, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	struct console_account a;

	if (me(r, &a, err) < 0)
		return -1;
	if (a.totp)
		return err_set(err, ERR_CHANGED, "wrong_state", "the second factor is on already: remove it first");
	/* Who signs in by OpenID Connect alone has no password to ask for. */
	if (a.has_password && confirm(r, &a, "password", err) < 0)
		return -1;
	if (console_ask(r->core, AUTH_TOTP_MAKE, AUTH_ASK(a.id, a.login), &t, err) < 0)
		return -1;
	if (t.n < 2)
		return err_set(err, ERR_REMOTE, "bad_answer", "auth made no secret");
	cJSON_AddStringToObject(r->result, "secret", t.text[0]);
	cJSON_AddStringToObject(r->result, "url", t.text[1]);
	return 0;
}

int console_totp_confirm(struct console_request *r, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	const char *code = console_text(r, "code", 20, err), *hashes[RECOVERY_CODES];
	char plain[RECOVERY_CODES][17], hash[RECOVERY_CODES][CONSOLE_HASH_LEN], shown[20];
	struct console_account a;

	if (!code || me(r, &a, err) < 0)
		return -1;
	if (a.totp)
		return err_set(err, ERR_CHANGED, "wrong_state", "the second factor is on already");
	if (console_limit(r->core, a.login, r->actor->address, err) < 0)
		return -1;
	if (console_ask(r->core, AUTH_TOTP_CHECK, AUTH_ASK(a.id, code, "0"), &t, err) < 0 || t.n < 1) {
		if (t.n < 1 && (err->class == ERR_RETRY || err->class == ERR_LOCAL))
			return -1;
		return err_set(err, ERR_AUTH, "bad_code", "this code is wrong: is the telephone's clock right?");
	}
	console_limit_clear(r->core, a.login, r->actor->address);
	for (int i = 0; i < RECOVERY_CODES; i++) {
		random_hex(plain[i], 8);
		console_hash(plain[i], hash[i]);
		hashes[i] = hash[i];
	}
	if (store_totp_set(r->core->store, a.id, true, strtoll(t.text[0], NULL, 10), hashes, RECOVERY_CODES, err) < 0)
		return -1;
	cJSON *list = cJSON_AddArrayToObject(r->result, "recovery");
	for (int i = 0; i < RECOVERY_CODES; i++) {
		snprintf(shown, sizeof(shown), "%.4s-%.4s-%.4s-%.4s", plain[i], plain[i] + 4, plain[i] + 8, plain[i] + 12);
		cJSON_AddItemToArray(list, cJSON_CreateString(shown));
	}
	explicit_bzero(plain, sizeof(plain));
	/* Whoever signed in without it signs in again. */
	return store_session_end_all(r->core->store, a.id, r->actor->session->id, NULL, err);
}

int console_totp_remove(struct console_request *r, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};
	struct console_account a;

	if (me(r, &a, err) < 0)
		return -1;
	if (!a.totp)
		return 9;
	if (a.has_password && confirm(r, &a, "password", err) < 0)
		return -1;
	if (store_totp_set(r->core->store, a.id, false, 0, NULL, 0, err) < 0)
		return -1;
	return console_ask(r->core, AUTH_TOTP_FORGET, AUTH_ASK(a.id), &t, err);
}
