/* A scripted Microsoft Graph for unit tests: http_call() of net/http.h is replaced by one that compares each request with
 * the next step of a script and gives its answer. One thread. */
#ifndef TESTS_MICROSOFT_MOCK_H
#define TESTS_MICROSOFT_MOCK_H

#include "connectors/microsoft/acts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct step {
	const char *method;   /* NULL: GET */
	const char *url;      /* found in the request's URL */
	int status;           /* 0: 200 */
	const char *body;     /* of the answer */
	const char *header;   /* of the answer: "name: value", lower-case name */
	const char *wants;    /* found in the request's body, or in its headers */
	bool anonymous;       /* the request must not have a token */
};

/* The steps, ended by one without a URL; each is used once, in order. */
void mock_script(const struct step *steps);
/* All steps were used. */
void mock_end(void);
int mock_requests(void); /* since mock_script() */

/* A connection to https://graph.test whose places are forgotten at each mock_open(). */
struct connection *mock_open(unsigned services, bool protect, const char *grant);
void mock_close(struct connection *c);
extern const struct connector *mock_connector(void);
struct content *mock_content(void);

#define GRAPH_TEST "https://graph.test"

#endif
