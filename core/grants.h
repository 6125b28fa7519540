/* Grants and the connections that live on them: put a grant aside, prove it, keep it, end it. One implementation for the
 * control socket, the console's flows, trials that end, and revoke-all. Any thread; each call may wait for a provider. */
#ifndef CORE_GRANTS_H
#define CORE_GRANTS_H

#include "core/core.h"

/* What is put aside: secrets go to auth under `stage`, a name that is no connection's. fds are taken in any case. */
struct grant_stage {
	const char *stage;
	const cJSON *config, *grant; /* grant: public keys, type, token_url */
	int n;
	const char *const *names;
	const int *fds;
};
/* *ret: the grant with the public facts that auth found. Errors: what auth says. */
int grants_stage(struct core *c, const struct grant_stage *s, cJSON **ret, struct err *err);
int grants_unstage(struct core *c, const char *stage, struct err *err);

/* Proves it with real calls: token, organisation, a user, a stream. The report lies in its arena. */
int grants_prove(struct core *c, const cJSON *config, const cJSON *grant, const char *stage, struct live **ret,
	struct grant_report *report, struct err *err);
/* Keeps it as a connection: the secrets get the connection's name, the record is written, work begins. A connection of that
 * id keeps its streams and cursors. Errors: REMOTE "other_connection". */
int grants_save(struct core *c, struct live *l, const cJSON *config, const cJSON *grant, const char *stage,
	const struct grant_report *report, struct err *err);

/* organisation, granted (null: the provider does not say), missing, needed, ends_at. */
void grants_report_json(cJSON *out, const struct connector *k, const struct connection_config *config,
	const struct grant_report *report);

/* Revokes at the provider where it can and proves it, forgets the secrets whatever the provider says, and ends the
 * connection with its event; findings and the ledger stay. result: state, revoked, proven, by_hand [{text, link}]. Returns 0,
 * 9 when it was ended before, or -1. reason: "disconnected", "trial_over", "revoke_all". */
int grants_disconnect(struct core *c, const char *id, const char *reason, cJSON *result, struct err *err);

/* Every connection, several at once. result: ended, failed [{id, code, message}], not_revoked [{id, by_hand}], ms. */
int grants_revoke_all(struct core *c, cJSON *result, struct err *err);

#endif
