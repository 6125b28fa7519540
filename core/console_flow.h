/* The pieces that the flow's files share: reading one, changing it, showing it; see console_flow.c for what its facts are. */
#ifndef CORE_CONSOLE_FLOW_H
#define CORE_CONSOLE_FLOW_H

#include "core/console_impl.h"

/* A flow while a command works on it: the record with its JSON opened. */
struct flow {
	struct console_flow rec;
	cJSON *config, *grant, *facts;
	char stage[64]; /* its secrets' name in auth */
};
void flow_free(struct flow *f);
#define _cleanup_flow_ _cleanup_(flow_free)

int flow_load(struct console_request *r, const char *id, struct flow *ret, struct err *err);
int flow_save(struct console_request *r, struct flow *f, const char *step, struct err *err);
/* The same with what went wrong, which the page shows: the flow stays where it was, or fails. why is not an error of the call. */
int flow_save_error(struct console_request *r, struct flow *f, const char *step, const struct err *why, struct err *err);
/* result: {"flow": …} */
void flow_result(struct console_request *r, const struct flow *f);
/* The facts for people: without what only core needs. */
cJSON *flow_json(const struct console_flow *f);

/* Puts the grant aside under the flow's stage: fields are {"key_file": text, …} of secrets; the grant becomes what auth says. */
int flow_stage(struct console_request *r, struct flow *f, cJSON *grant, int n, const char *const *names,
	const char *const *secrets, struct err *err);
/* Sends the browser away anew: url into the facts. */
int flow_away(struct console_request *r, struct flow *f, const char *redirect, struct err *err);
/* The application's public facts of settings and auth; NULL after an error "no_app". In the document *ret_doc. */
const cJSON *flow_app(struct console_request *r, const char *provider, cJSON **ret_doc, struct err *err);

#endif
