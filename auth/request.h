/* The messages that core sends to the auth role, taken apart: the only code that knows the field order on this side. */
#ifndef AUTH_REQUEST_H
#define AUTH_REQUEST_H

#include "auth/auth.h"
#include "base/msg.h"

struct auth_request {
	enum auth_message type;
	/* Strings point into the message. */
	const char *connection, *to; /* to: of AUTH_RENAME */
	const char *subject;
	bool renew;
	const char *state, *key_file, *ca_file, *apps;
	const char *tenant, *provider, *grant;
	int n_names;
	const char *names[MSG_MAX_FDS];
	const char *args[5]; /* of the console's requests */
};

/* -1 when the message is malformed (its sender is cut off). A request that is well-formed and asks for something
 * impossible gives 0 and *ret_err with class REMOTE "bad_request" (class NONE otherwise). */
int auth_request_parse(struct msg *m, struct auth_request *ret, struct err *ret_err);

#endif
