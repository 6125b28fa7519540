/* The console's commands: everything that the web role asks core to do, and what the command line does of it.
 *
 * Every command goes one way (console.c): who asks (session → account → role → tenants, from the store) → may they
 * (console_may() with the table's act) → the audit row, durable (no row, no act) → the handler → the audit row of its
 * outcome. Commands run on a pool of threads; they may wait for a provider.
 *
 * Codes of failures beside a provider's own: signed_out, forbidden, not_found, wrong_state, changed, exists,
 * last_operator, bad_request, too_many (with retry_at), bad_password (sign-in and re-entered passwords), bad_code (TOTP,
 * recovery), weak_password, bad_link (one-time link used, unknown or over), bad_state (OAuth state foreign, used or over),
 * no_app (the operator's application is not configured), consent_denied, other_connection, not_held, peer_gone, bad_policy,
 * end_wanted.
 *
 * args → result (JSON objects; times ms UTC; [x] optional)
 *   setup                token, login, name, password, [language] → token, csrf          first operator
 *   sign_in              login, password → token, csrf | challenge (a second factor is wanted; 5 minutes, 5 tries)
 *   sign_in_totp         challenge, code (6 digits or a recovery code) → token, csrf, [recovery_left]
 *   oidc_begin           provider (id in sign_in:), redirect_uri → url, browser (a cookie's value, 10 minutes)
 *   oidc_end             provider, browser, params {state, code, iss, error, …} → token, csrf
 *   password_set         token (of a one-time link), password → login
 *   invitation_open      token → token, csrf, tenant
 *   sign_out             → {}         session_touch → {}         session_revoke  id → {}         sessions_revoke  (all others) → ended
 *   me_update            [name], [language] → {}
 *   me_password          old, new → {}                        ends the account's other sessions
 *   totp_begin           password → secret, url               totp_confirm  code → recovery [10]         totp_remove  password → {}
 *   account_create       login, name, role, tenants [..] or "*", [language] → id, token (of a one-time password link, 24 h)
 *   account_update       id, [name], [language], [role], [tenants], [disabled] → {}
 *   account_reset        id → token, [totp: removed]          also ends its sessions and its second factor
 *   tenant_create        id, name, [language], [trial_ends_at] → id      tenant_update  id, [name], [language], [trial_ends_at] → {}
 *   invitation_create    tenant, [name] → id, token, ends_at            invitation_revoke  id → {}
 *   flow_begin           provider, method, tenant, redirect_uri, [connection] (renews that one), [services] → flow
 *   flow_submit          flow, fields {…} → flow              what was pasted; secrets go to auth and nowhere else
 *   flow_callback        provider, params {state, code, …} → flow        the session must be the one that began it
 *   flow_check           flow → flow                          proves the grant: report and preview
 *   flow_finish          flow, [protect], [backlog_days] → flow, connection
 *   flow_test            flow → flow (finding: uid)           flow_cancel  flow → flow
 *   flow_file            flow, name "certificate" → name, text           what the page offers to download
 *   connection_update    id, [protect], [services], [backlog_days] → {}
 *   connection_check     id → report                          disconnect  id → revoked, proven, by_hand [{text, link}]
 *   restore, delete      id (finding) → state, …              download  id → name, sha256, size, message + descriptor (plain bytes)
 *   finding_show         id → the receipt and details         a look at content, audited
 *   alert_ack            id → {}
 *   policy_rules         tenant → version, may_delete, items [rule], problems [problem]; "*" for tenant: the operator's, which count for all
 *   policy_check         tenant, name, text → rules (how many), problems      policy_test  … → rules, cases, problems (its own cases that went wrong)
 *   policy_put           tenant, name, text, version (0: new) → version, new_version, changed_at, changed_by, problems (warnings); bad_policy
 *                        with problems when it does not compile, changed when somebody was faster
 *   policy_delete        tenant, name, version → {}           policy_restore  tenant, name, from (version), version → version, …
 *   policy_settings      tenant, may_delete → {}
 *   mode_put             tenant, rule, mode ("" as its file says), [was] → mode, touched, seen, days, examples (of protect: what it would
 *                        have touched)
 *   policy_replay        tenant, [name, text] or [rule, mode], [days 30] → days, seen, touched, examples, cut, items
 *   list_add             tenant, kind, value, [approved], [reason], [ends_at] → id         list_remove  id → kind, [value]
 * problem is {"file", "line", "column", "warning", "text"}; rule and example as web/api_policy.c shows them, with times in ms.
 * flow is {"id", "tenant", "provider", "method", "connection", "renew", "step", "facts", "report", "preview", "error", "finding",
 * "ends_at"}; web makes the same of the record for GET /flows/{id} (web_flow()). The facts of each method: core/console_flow.c.
 *
 * redirect_uri is made by web from public_url: PUBLIC/callback/PROVIDER. */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/core.h"
#include "store/console.h"

struct console;

/* Who asks. */
struct console_actor {
	const struct console_session *session; /* NULL: nobody, or local */
	const char *session_hash;              /* "" none */
	bool local;                            /* the control socket */
	unsigned uid;
	const char *address, *agent;
};

/* One request's handler; fills result, and fd when something is to be handed out. Returns the exit code or -1. */
struct console_request {
	struct core *core;
	const struct console_actor *actor;
	const cJSON *args;
	cJSON *result;
	int fd;
	struct arena *arena; /* of this request */
	const char *tenant;  /* whom it is about, "" none */
	const char *object;
};
typedef int console_handler(struct console_request *r, struct err *err);

/* The pool. console_start() also makes the setup link when there is no account. */
int console_start(struct core *c, struct console **ret, struct err *err);
void console_stop(struct console *con);
/* A WEB_REQUEST of the web role: queued; answered by a thread of the pool. -1: malformed. On web's reader thread. */
int console_serve(struct console *con, struct rpc *rpc, struct msg *m);
/* One command, on this thread: for the control socket. */
int console_run(struct core *c, const struct console_actor *actor, const char *command, const cJSON *args, cJSON *result,
	int *ret_fd, struct err *err);
/* A row of the audit trail; actor NULL: sekisho itself. An act begins after its intent was kept, or not at all. */
struct console_note {
	const char *act, *tenant, *object, *phase, *detail; /* detail: JSON */
	int64_t intent;
};
int console_note(struct core *c, const struct console_actor *actor, const struct console_note *n, int64_t *ret_seq, struct err *err);
/* Is there such a command? */
bool console_knows(const char *command);

#endif
