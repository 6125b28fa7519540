/* A player of scripts for unit tests of the Dropbox connector: http_call() of net/http.h is replaced by one that compares
 * each request with the next step and gives its answer. One thread. */
#ifndef TESTS_DROPBOX_SCRIPT_H
#define TESTS_DROPBOX_SCRIPT_H

#include "connectors/dropbox/dropbox.h"

#include "cmocka_all.h"

#define API "https://api.test"
#define CONTENT "https://content.test"

struct step {
	const char *route;  /* found in the request's URL */
	int status;         /* 0: 200 */
	const char *body;
	const char *header; /* of the answer: "name: value", lower-case name */
	const char *wants;  /* found in the request's body or headers */
	const char *not;    /* and this is not */
};

#define STREAM {.remote_id = "ns/7", .service = "dropbox", .context = "{\"ns\":\"7\",\"user\":\"dbmid:u\"}"}
#define HASH "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"
#define FILE_OF(id, rev, path)                                                                                         \
	"{\".tag\":\"file\",\"name\":\"n.txt\",\"path_lower\":\"" path "\",\"path_display\":\"" path "\",\"id\":\"id:" id "\",\"rev\":\"" rev  \
	"\",\"size\":3,\"client_modified\":\"2026-11-01T00:00:00Z\",\"server_modified\":\"2026-11-02T00:00:00Z\","                   \
	"\"content_hash\":\"" HASH "\"}"
#define ADMIN_STEP                                                                                                     \
	{.route = "team/token/get_authenticated_admin", .body = "{\"admin_profile\":{\"team_member_id\":\"dbmid:admin\"}}"}

/* A connection whose calls play the steps, ended by one without a route; nothing is remembered yet. */
struct connection *script_start(const struct step *steps);
/* All steps were used. */
void script_end(struct connection *c);
/* Forgets the steps that are left. */
void script_drop(void);
int script_renewed(void);         /* tokens asked for anew since script_start() */
const char *script_place(void);   /* what was remembered last; "" nothing */
const struct connector *script_connector(void);

#endif
