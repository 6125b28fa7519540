/* The supervisor: a single-threaded process that starts the roles by executing this binary again, joins them by
 * socketpairs with core at the centre, restarts what dies, and speaks to systemd. It parses nothing and holds nothing. */
#ifndef CORE_SUPERVISOR_H
#define CORE_SUPERVISOR_H

#include "core/core.h"

struct supervisor_options {
	const char *config; /* path as given, or NULL */
	enum core_mode mode;
	bool scan, web;     /* start these roles too */
	int ready_fd;       /* gets the text of SUP_READY and a line end; -1: none */
};

/* Runs until stopped (SIGTERM, SIGINT) or core ended. Returns core's exit code, 7 when the roles cannot be kept alive. */
int supervisor_run(const struct supervisor_options *o);

/* What `sekisho --role NAME …` calls after exec; the role's socket is descriptor 3. */
int role_run(const char *role, const char *config, enum core_mode mode);

#endif
