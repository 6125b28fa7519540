/* What the files of the console's commands share; nobody else includes it. */
#ifndef CORE_CONSOLE_IMPL_H
#define CORE_CONSOLE_IMPL_H

#include "auth/client.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/console.h"

#include <string.h>

#define TOKEN_BYTES 32 /* of every random token: twice what ASVS asks of a session's */
#define TOKEN_LEN (2 * TOKEN_BYTES + 1)

/* The handlers; names, arguments and results are in console.h. */
console_handler console_setup, console_sign_in, console_sign_in_totp, console_oidc_begin, console_oidc_end, console_password_set,
	console_invitation_open, console_sign_out, console_session_touch, console_session_revoke, console_sessions_revoke;
console_handler console_me_update, console_me_password, console_totp_begin, console_totp_confirm, console_totp_remove;
console_handler console_account_create, console_account_update, console_account_reset, console_tenant_create,
	console_tenant_update, console_invitation_create, console_invitation_revoke, console_setup_link;
console_handler console_flow_begin, console_flow_submit, console_flow_callback, console_flow_check, console_flow_finish,
	console_flow_test, console_flow_cancel, console_flow_file;
console_handler console_connection_update, console_connection_check, console_disconnect, console_restore, console_delete,
	console_download, console_finding_show, console_alert_ack;
console_handler console_policy_rules, console_policy_check, console_policy_test, console_policy_replay, console_policy_put,
	console_policy_delete, console_policy_restore, console_policy_settings, console_mode_put, console_list_add, console_list_remove;

/* ---- errors ---- */

int console_bad(struct err *err, const char *what); /* REMOTE "bad_request" */
int console_no_memory(struct err *err);

/* ---- arguments ---- */

/* A text of 1 to max bytes, without control characters. NULL after an error. */
const char *console_text(struct console_request *r, const char *key, size_t max, struct err *err);
/* A short word as ids are: letters, digits, '-', '_', '.', beginning with a letter or digit. */
const char *console_word(struct console_request *r, const char *key, struct err *err);
/* "ja" or "en"; the fallback when it is not there. NULL after an error. */
const char *console_language(struct console_request *r, const char *fallback, struct err *err);
/* tenants: a list, or "*" → a set (in the arena); *ret NULL is all. */
int console_tenants(struct console_request *r, const char **ret, struct err *err);

/* ---- auth ---- */

/* Asks auth; *ret must be freed with auth_texts_free(). */
int console_ask(struct core *c, enum auth_message type, int n, const char *const *texts, struct auth_texts *ret, struct err *err);
#define _cleanup_texts_ _cleanup_(auth_texts_free)

/* ---- tokens and sessions ---- */

void console_token(char token[TOKEN_LEN], char hash[CONSOLE_HASH_LEN]);
/* Begins a session of an account or of an invitation, ends the one that the request came with, and puts token and csrf into
 * the result. */
int console_begin(struct console_request *r, const struct console_account *a, const struct console_invitation *i,
	struct err *err);
int console_password_ok(const char *password, const char *login, struct err *err);
/* Hashes and sets it. */
int console_password_store(struct core *c, const char *account, const char *password, struct err *err);
/* Is this the account's? Costs the same when it has none. 0, or -1 with "bad_password". */
int console_password_check(struct core *c, const char *account, const char *password, struct err *err);
/* Tries at signing in (console_limit.c): slower and slower for one address and login, and for one address with all that it
 * tries; never for a login alone, so that nobody locks others out. console_limit() counts a try at a login before it is
 * made, with login "" it only looks at the address: RETRY "too_many" with retry_at when it comes too early. */
int console_limit(struct core *c, const char *login, const char *address, struct err *err);
void console_limit_failed(struct core *c, const char *address);
void console_limit_clear(struct core *c, const char *login, const char *address);

#endif
