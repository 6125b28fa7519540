/* The commands: one function each, in the process that the user started. Data goes to stdout, messages to stderr;
 * exit codes: 0 done, 1 error, 2 usage, 5 worth retrying, 6 not worth retrying, 7 fatal, 9 nothing to do. */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "base/json.h"
#include "core/settings.h"
#include "store/store.h"

struct command_line {
	const char *config; /* --config */
	bool json;          /* --json */
	bool dry_run, follow, verify, yes, kek;
	const char *from, *tenant, *connection, *provider, *service, *state, *verdict, *since, *until, *output, *password_file, *name, *role, *rule, *category;
	int argc; /* what is left after the options */
	char **argv;
	struct settings set;
};

int command_serve(struct command_line *cl);
int command_once(struct command_line *cl);
int command_connect(struct command_line *cl);
int command_connections(struct command_line *cl);
int command_disconnect(struct command_line *cl);
int command_status(struct command_line *cl);
int command_findings(struct command_line *cl);
int command_quarantine(struct command_line *cl);
int command_scan(struct command_line *cl);
int command_policy(struct command_line *cl);
int command_events(struct command_line *cl);
int command_doctor(struct command_line *cl);
int command_accounts(struct command_line *cl);
int command_tenants(struct command_line *cl);
int command_invite(struct command_line *cl);
int command_setup_link(struct command_line *cl);
int command_lists(struct command_line *cl);
int command_may_delete(struct command_line *cl); /* policy delete */
int command_replay(struct command_line *cl); /* policy replay */
int command_audit(struct command_line *cl);
int command_revoke_all(struct command_line *cl);
int command_vault(struct command_line *cl);

/* ---- shared by them ---- */

/* "sekisho: message" on stderr; returns the exit code of the error. */
int command_error(const struct err *err);
int command_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The store, read-only. GONE "no_store" when sekisho never ran here. */
int command_store(struct command_line *cl, struct store **ret, struct err *err);

/* Are the filters words that there are? 0, or the exit code after saying what would be right. */
int command_filters(const struct command_line *cl);
/* Do the tenant and the connection asked for exist? GONE "not_found": a slip of the pen must not look like good news. */
int command_known(const struct command_line *cl, struct store *store, struct err *err);

/* One JSON document as a line on stdout. */
void command_print(const cJSON *doc);
/* Text for a terminal: control and bidirectional characters made visible. Static per call slot (8 of them). */
const char *command_text(const char *s);
/* RFC 3339 in the configured zone, "" for 0; the same slots. */
const char *command_time(const struct command_line *cl, int64_t ms);
/* "2026-11-22", RFC 3339, or a span such as "24 h" before now. */
int command_parse_time(const char *s, int64_t *ret);

/* ---- talking to the service (or to one that is started for the occasion) ---- */

struct ctl;

/* Connects to the running service; when there is none, starts the roles (with scan only when asked) as children of this
 * process for as long as the ctl is open. */
int ctl_open(struct command_line *cl, bool scan, struct ctl **ret, struct err *err);
void ctl_close(struct ctl *ctl);
DEFINE_CLEANUP(struct ctl *, ctl_close)
bool ctl_is_service(const struct ctl *ctl);
/* Does a service run on this state? */
bool ctl_service_runs(const struct command_line *cl);
/* One request. fds are taken. *ret_code: its exit code; *ret: the result; an error in the result becomes *err and -1. */
int ctl_call(struct ctl *ctl, const char *command, const cJSON *args, const int *fds, int n_fds, int *ret_code, cJSON **ret,
	int *ret_fd, struct err *err);

/* What a disconnected connection's administrator must still do at the provider. */
void command_by_hand(const cJSON *result);

/* A finding as `findings --json` prints it. */
cJSON *finding_json(const struct store_finding *f);

#endif
