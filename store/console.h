/* What the console keeps: accounts, sessions, tenants, invitations, flows, audit, alerts; and who may do what.
 *
 * The same rules as store/store.h: each call is one transaction, any thread, blocking; text that comes in is copied,
 * what goes out lies in the caller's arena; times are ms UTC, 0 for never. Reading calls work on a store opened
 * read-only. Secrets are here only as SHA-256 of random tokens and as Argon2id strings.
 *
 * A set of tenants is one text: NULL for all, "|aoba|sora|" for these, "|" for none. */
#ifndef STORE_CONSOLE_H
#define STORE_CONSOLE_H

#include "store/store.h"

#define CONSOLE_HASH_LEN 65 /* hex SHA-256 with its NUL */
#define CONSOLE_LIST_MAX 200

/* ---- who may do what: rights.c ---- */

enum console_role { CONSOLE_NOBODY, CONSOLE_INVITED, CONSOLE_AUDITOR, CONSOLE_DESK, CONSOLE_ADMIN, CONSOLE_OPERATOR };
const char *console_role_name(enum console_role r); /* "invited" "auditor" "desk" "admin" "operator"; "nobody" */
enum console_role console_role_from(const char *name); /* CONSOLE_NOBODY for what is none */

/* What is asked, of one tenant. The table is in rights.c. */
enum console_act {
	CONSOLE_SELF,    /* one's own account, sessions and language; signing out */
	CONSOLE_READ,    /* connections, streams, findings, alerts, status, events of a tenant */
	CONSOLE_AUDIT,   /* its audit trail */
	CONSOLE_HOLD,    /* its quarantine: restore, delete, download; acknowledging alerts */
	CONSOLE_CONNECT, /* flows: making and renewing connections */
	CONSOLE_CHANGE,  /* modes, checks, disconnecting */
	CONSOLE_MANAGE,  /* accounts, tenants, invitations */
	CONSOLE_POLICY,  /* rule files, modes, lists without an end; what the desk may do with lists: core/console_lists.c */
};

struct console_session {
	const char *id;      /* for lists and revoking: says nothing of the token */
	const char *account; /* "" for one that an invitation made */
	const char *invitation;
	const char *login, *name, *language;
	enum console_role role;
	const char *tenants; /* set, as above; an operator's is NULL */
	int64_t created_at, seen_at, idle_at, ends_at; /* idle_at: when it ends unless it is used before */
	const char *address, *agent;
	bool totp; /* the account has a second factor */
};

/* tenant NULL: of at least one tenant (the caller then filters by the session's set). MANAGE takes NULL. */
bool console_may(const struct console_session *s, enum console_act act, const char *tenant);
/* Is the tenant in the set? */
bool console_tenant_in(const char *tenants, const char *tenant);
/* The session's CSRF token, made from the cookie's token by both sides; out has CONSOLE_HASH_LEN bytes. */
void console_csrf(const char *token, char *out);
void console_hash(const char *token, char *out);

/* ---- sessions ---- */

struct console_session_new {
	const char *hash; /* of the token */
	const char *id, *account, *invitation, *address, *agent;
	int64_t now, idle_ms, ends_at;
};
/* An account's session also notes when it signed in. */
int store_session_add(struct store *s, const struct console_session_new *n, struct err *err);
/* With its account's role and tenants as they are now. GONE "not_found": unknown, ended, idle for too long, revoked, its
 * account disabled, its invitation revoked. */
int store_session_get(struct store *s, const char *hash, int64_t now, struct arena *a, struct console_session *ret,
	struct err *err);
/* Moves its idle end. */
int store_session_touch(struct store *s, const char *hash, int64_t now, struct err *err);
/* By id; account NULL: whoever's. GONE "not_found". */
int store_session_end(struct store *s, const char *id, const char *account, struct err *err);
/* All of an account, but not keep (an id; NULL: none is kept). *ret_n may be NULL. */
int store_session_end_all(struct store *s, const char *account, const char *keep, int64_t *ret_n, struct err *err);
/* The live ones of an account, newest first. */
int store_session_list(struct store *s, const char *account, int64_t now, struct arena *a, struct console_session **ret,
	size_t *ret_n, struct err *err);
/* Forgets what ended long ago: sessions, links, failures, flows. */
int store_console_tidy(struct store *s, int64_t now, struct err *err);

/* ---- accounts ---- */

struct console_account {
	const char *id;    /* UUID */
	const char *login; /* lower case; an e-mail address where it signs in by OIDC */
	const char *name, *language;
	enum console_role role;
	const char *tenants; /* set */
	bool disabled, totp, has_password;
	int64_t created_at, password_at, last_sign_in_at;
	int recovery_left; /* codes */
	const char *subjects; /* JSON {"OIDC id": "sub"}: whom it is tied to; "{}" */
};
/* CHANGED "exists": the login is taken. */
int store_account_add(struct store *s, const struct console_account *a, struct err *err);
/* Name, language, role, tenants, disabled. Refuses with CHANGED "last_operator" to take away the last operator who is not
 * disabled. Disabling ends its sessions. GONE "not_found". */
int store_account_update(struct store *s, const struct console_account *a, struct err *err);
int store_account_get(struct store *s, const char *id, struct arena *a, struct console_account *ret, struct err *err);
int store_account_by_login(struct store *s, const char *login, struct arena *a, struct console_account *ret, struct err *err);
/* By login, after (a login; "" from the beginning). */
int store_account_list(struct store *s, const char *after, size_t max, struct arena *a, struct console_account **ret,
	size_t *ret_n, struct err *err);
/* Is there any? Without one the console is not set up. */
int store_account_any(struct store *s, bool *ret, struct err *err);
int store_account_subject(struct store *s, const char *id, const char *subjects, struct err *err);

/* For core alone: the Argon2id string. 0, or GONE "not_found" when the account has none. */
int store_password_get(struct store *s, const char *account, struct buf *ret, struct err *err);
int store_password_set(struct store *s, const char *account, const char *hash, int64_t now, struct err *err);

/* The second factor: whether, and the last time step that was used. recovery: SHA-256 of the codes. on false: all of it is
 * forgotten. */
int store_totp_set(struct store *s, const char *account, bool on, int64_t step, const char *const *recovery, size_t n,
	struct err *err);
int store_totp_step(struct store *s, const char *account, int64_t *ret, struct err *err);
/* A step is used once: CHANGED "used" when it is not later than the last one. */
int store_totp_use(struct store *s, const char *account, int64_t step, struct err *err);
/* A recovery code is used once: GONE "not_found". */
int store_recovery_use(struct store *s, const char *account, const char *hash, struct err *err);

/* ---- one-time links and challenges ---- */

/* kind "setup" (the first account), "password" (of an account), "totp" (the password was right), "browser" (an OIDC sign-in
 * under way; detail names it). */
int store_link_add(struct store *s, const char *hash, const char *kind, const char *account, const char *detail, int64_t now,
	int64_t ends_at, struct err *err);
/* Looks without using it up; account and detail into the arena (may be NULL). GONE "not_found". */
int store_link_get(struct store *s, const char *hash, const char *kind, int64_t now, struct arena *a,
	const char **ret_account, const char **ret_detail, struct err *err);
/* Uses it up: only one caller gets 0. */
int store_link_use(struct store *s, const char *hash, const char *kind, int64_t now, struct err *err);
/* A failed try at it: after max it is gone. */
int store_link_fail(struct store *s, const char *hash, int max, struct err *err);
/* Of an account (NULL: of any), all of a kind. */
int store_link_drop(struct store *s, const char *kind, const char *account, struct err *err);

/* ---- failed tries at signing in, by key ("login|address", "|address") ---- */

/* Counts one more. *ret: how many in a row now; those older than window are forgotten. */
int store_failure_add(struct store *s, const char *key, int64_t now, int64_t window, int64_t *ret, struct err *err);
int store_failure_get(struct store *s, const char *key, int64_t now, int64_t window, int64_t *ret_n, int64_t *ret_last,
	struct err *err);
int store_failure_clear(struct store *s, const char *key, struct err *err);

/* ---- tenants ---- */

struct console_tenant {
	const char *id, *name, *language;
	int64_t created_at, trial_ends_at, trial_ended_at; /* trial_ended_at: when its end was carried out */
	/* filled by list and get: */
	int64_t connections, alerts; /* not disconnected; open */
};
/* CHANGED "exists". A tenant that a connections file names gets its row with the connection. */
int store_tenant_add(struct store *s, const struct console_tenant *t, struct err *err);
int store_tenant_update(struct store *s, const struct console_tenant *t, struct err *err); /* name, language, trial_ends_at */
int store_tenant_get(struct store *s, const char *id, struct arena *a, struct console_tenant *ret, struct err *err);
/* By id; tenants: set. */
int store_tenant_list(struct store *s, const char *tenants, const char *after, size_t max, struct arena *a,
	struct console_tenant **ret, size_t *ret_n, struct err *err);
/* One whose trial is over and not carried out; GONE "nothing". *ret_next: when the next one ends, 0 never. */
int store_tenant_over(struct store *s, int64_t now, struct arena *a, struct console_tenant *ret, int64_t *ret_next,
	struct err *err);
int store_tenant_ended(struct store *s, const char *id, int64_t now, struct err *err);

/* ---- invitations ---- */

struct console_invitation {
	const char *id, *hash, *tenant, *name, *account; /* account: who made it */
	int64_t created_at, ends_at, opened_at, revoked_at;
	/* filled by list and get: how far it got */
	const char *flow, *provider, *step; /* of its latest flow; "" */
	int64_t connected;                  /* how many flows are done */
};
const char *console_invitation_state(const struct console_invitation *i, int64_t now); /* "sent" "opened" "connecting" "connected" "expired" "revoked" */
int store_invitation_add(struct store *s, const struct console_invitation *i, struct err *err);
/* Used once: GONE "not_found" when unknown, used, revoked or past its end. */
int store_invitation_open(struct store *s, const char *hash, int64_t now, struct arena *a, struct console_invitation *ret,
	struct err *err);
int store_invitation_get(struct store *s, const char *id, struct arena *a, struct console_invitation *ret, struct err *err);
/* Ends its sessions, too. GONE "not_found". */
int store_invitation_revoke(struct store *s, const char *id, int64_t now, struct err *err);
/* tenant NULL: all; newest first; before: a created_at, 0 for the newest. */
int store_invitation_list(struct store *s, const char *tenant, int64_t before, size_t max, struct arena *a,
	struct console_invitation **ret, size_t *ret_n, struct err *err);

/* ---- flows: connecting, step by step. No secrets in them. ---- */

struct console_flow {
	const char *id;
	const char *tenant, *provider, *method;
	const char *connection;          /* id that it makes or renews */
	bool renew;                      /* the connection was there before: cursors and findings stay */
	const char *session;             /* hash of the session that began it: callbacks must come from it */
	const char *account, *invitation;
	const char *step;                /* "explain" "away" "paste" "proving" "preview" "done" "failed" "cancelled" */
	const char *config, *grant;      /* JSON, as a connection's */
	const char *facts;               /* JSON shown on the page: url, client_id, scopes, certificate, … */
	const char *report;              /* JSON: organisation, granted, needed, missing, ends_at; "" before */
	const char *preview;             /* JSON: users, drives, mailboxes with counts and first names; "" before */
	const char *error;               /* JSON {class, code, message, status, request_id}; "" none */
	const char *finding;             /* uid of the test detection; "" before */
	int64_t created_at, updated_at, ends_at;
};
int store_flow_put(struct store *s, const struct console_flow *f, struct err *err); /* inserts or replaces */
/* GONE "not_found", also when its hour is over and it is not done. */
int store_flow_get(struct store *s, const char *id, int64_t now, struct arena *a, struct console_flow *ret, struct err *err);
/* Those whose hour is over and that came to nothing: their secrets are to be forgotten, then they are cancelled. */
int store_flow_over(struct store *s, int64_t now, size_t max, struct arena *a, struct console_flow **ret, size_t *ret_n,
	struct err *err);
/* Those of a session that are under way, newest first. */
int store_flow_list(struct store *s, const char *session, int64_t now, size_t max, struct arena *a, struct console_flow **ret,
	size_t *ret_n, struct err *err);

/* ---- connections, for people: in pages ---- */

struct connection_filter {
	const char *tenants; /* set */
	const char *tenant, *provider; /* NULL: any */
	int state;           /* enum conn_state; 0: any */
	bool wrong;          /* only degraded, revoked, expired */
	const char *search;  /* part of id, tenant or organisation; NULL */
	const char *after;   /* id; "" or NULL from the beginning */
	size_t max;          /* at most CONSOLE_LIST_MAX */
};
struct console_connection {
	struct store_connection c; /* without config and grant */
	int64_t streams, streams_wrong; /* active; forbidden, unlicensed or failing */
	int64_t seen, pending, findings, alerts;
	int64_t checked_at;        /* last canary call */
	const char *check_code;    /* "" it worked */
};
/* Mode, services, backlog, and config, which says them too. GONE "not_found". */
int store_connection_options(struct store *s, const struct store_connection *c, struct err *err);
int store_connection_page(struct store *s, const struct connection_filter *f, struct arena *a,
	struct console_connection **ret, size_t *ret_n, struct err *err);
/* Numbers for the first page: by state, open alerts, findings of the last 24 hours and held. */
struct console_totals {
	int64_t tenants, connections[6] /* by enum conn_state */, alerts, findings_24h, held, pending;
	int64_t last_success_at; /* the oldest of the connected ones */
};
int store_console_totals(struct store *s, const char *tenants, int64_t now, struct console_totals *ret, struct err *err);

/* ---- audit: append-only, each row chained to the one before by SHA-256 ---- */

struct console_audit {
	int64_t seq, at;
	const char *actor;   /* "account:UUID", "invitation:UUID", "local:UID", "system", "nobody" */
	const char *name;    /* its login, for people */
	const char *role, *address;
	const char *act;     /* the command: "connection_update" */
	const char *tenant, *object; /* "" none */
	const char *phase;   /* "intent" "done" "failed" "refused" */
	int64_t intent;      /* seq of the row this one ends; 0 */
	const char *detail;  /* JSON, no secrets; "" */
	const char *previous, *hash; /* set by the store */
};
/* Durable when it returns: an act begins after this one succeeded, or not at all. */
int store_audit_add(struct store *s, const struct console_audit *a, int64_t *ret_seq, struct err *err);
struct audit_filter {
	const char *tenants; /* set; NULL also gives rows of no tenant */
	const char *tenant, *actor, *act, *object; /* NULL: any */
	int64_t since, until;
	int64_t before; /* seq: newest first, paging; 0 from the newest */
	size_t max;
};
int store_audit_list(struct store *s, const struct audit_filter *f, struct arena *a, struct console_audit **ret, size_t *ret_n,
	struct err *err);
struct audit_check {
	int64_t rows;
	char head[CONSOLE_HASH_LEN]; /* of the last row: worth keeping elsewhere */
	int64_t broken_at;           /* seq of the first row that does not fit; 0: none */
	const char *what;            /* static: "missing" "changed" "order" "cut"; NULL */
};
/* Reads the whole chain. head_was: a head noted before, which must occur in it; NULL. */
int store_audit_verify(struct store *s, const char *head_was, struct audit_check *ret, struct err *err);

/* ---- alerts: something that a person must look at; one open alert a key ---- */

struct console_alert {
	int64_t id;
	const char *uid, *key; /* "revoked/CONNECTION" */
	const char *tenant, *connection, *provider;
	const char *kind;      /* "revoked" "degraded" "ends" "silent" "missing" "expired" "trial" "canary" */
	int severity;          /* 1 info … 5 critical, as OCSF */
	const char *detail;    /* JSON: {code, message, days, ends_at, stream, …} */
	int64_t created_at, ended_at, acked_at;
	const char *acked_by;
};
/* Opens it with its event. When one of that key is open, kind, detail and severity are brought up to date; unless the severity
 * is higher than it was (then it is as if it were new), *ret_new is false and there is no event. */
int store_alert_raise(struct store *s, const struct console_alert *a, const struct store_event *e, bool *ret_new, struct err *err);
/* Ends the open one of the key, if there is one, with its event. */
int store_alert_end(struct store *s, const char *key, int64_t now, const struct store_event *e, bool *ret_ended, struct err *err);
int store_alert_ack(struct store *s, const char *uid, const char *by, int64_t now, struct err *err);
int store_alert_get(struct store *s, const char *uid, struct arena *a, struct console_alert *ret, struct err *err);
struct alert_filter {
	const char *tenants; /* set */
	const char *connection;
	bool open; /* only those */
	int64_t before; /* id; newest first */
	size_t max;
};
int store_alert_list(struct store *s, const struct alert_filter *f, struct arena *a, struct console_alert **ret, size_t *ret_n,
	struct err *err);

/* ---- canaries: one call an hour and connection ---- */

/* Takes the connection (not disconnected) whose call has been due longest, and puts it off to `lease`. New ones get a
 * moment of their own within `spread` from now. GONE "nothing"; *ret_next: when the next is due, 0 never. */
int store_canary_claim(struct store *s, int64_t now, int64_t lease, int64_t spread, char id[64], int64_t *ret_next,
	struct err *err);
int store_canary_done(struct store *s, const char *id, int64_t now, int64_t next, const char *code, struct err *err);

#endif
