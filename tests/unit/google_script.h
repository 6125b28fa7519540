/* A scripted Google for unit tests: http_call() of net/http.h is replaced by one that compares each request with the next
 * step of a script and gives its answer. One thread. */
#ifndef TESTS_GOOGLE_SCRIPT_H
#define TESTS_GOOGLE_SCRIPT_H

#include "connectors/google/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ADMIN "boss@aoba.test"
#define HANA "hana@aoba.test"
#define DRIVE_TEST "https://drive.test"

struct step {
	const char *method; /* NULL: GET */
	const char *url;    /* found in the request's URL */
	int status;         /* 0: 200 */
	const char *body;   /* of the answer */
	const char *as;     /* whose token; NULL: any; "-": none */
	const char *wants;  /* found in the request's URL or body */
};

/* The steps, ended by one without a URL; each is used once, in order. */
void script(const struct step *steps);
/* All steps were used. */
void script_end(void);

/* A connection whose places are forgotten at each opening. */
struct connection *script_open(unsigned services);
void script_close(struct connection *c);
/* A remembered place; NULL when there is none. */
const char *script_place(const char *key);
void script_remember(const char *key, const char *value);
struct content *script_content(void);
extern const struct connector connector_google;

#endif
