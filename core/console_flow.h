/* A flow's record, which the steps share (console_flow.c, console_prove.c): making it, keeping it, showing it. What its facts
 * are says console_flow.c. On the console's threads. */
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

/* These three fill *ret, which is zeroed before and freed after, whether they fail or not.
 * flow_new(): of the request's tenant and session; a connection that is renewed, or "" for a new one. It is not kept yet. */
int flow_new(struct console_request *r, const struct connector *k, const char *method, const char *connection, struct flow *ret,
	struct err *err);
int flow_load(struct console_request *r, const char *id, struct flow *ret, struct err *err);
/* The flow of this session that the state among the request's params was made for. */
int flow_of_state(struct console_request *r, const char *provider, struct flow *ret, struct err *err);

int flow_save(struct console_request *r, struct flow *f, const char *step, struct err *err);
/* The same with what went wrong, which the page shows: the flow stays where it was, or fails. why is not an error of the call. */
int flow_save_error(struct console_request *r, struct flow *f, const char *step, const struct err *why, struct err *err);
/* result: {"flow": …} */
void flow_result(struct console_request *r, const struct flow *f);

#endif
