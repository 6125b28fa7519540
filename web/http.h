/* The HTTP server of the web role on libmicrohttpd: limits, reading a whole request, writing an answer with the headers
 * that every answer has. Knows nothing of routes.
 *
 * A thread a connection, at most WEB_CONNECTIONS of them; another thread ends connections whose request does not arrive
 * within WEB_ARRIVAL_MS, however slowly its bytes come. The handler runs on the connection's thread and may block. */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

#define WEB_CONNECTIONS 256
#define WEB_ARRIVAL_MS 20000       /* from the first byte of a request to its last */
#define WEB_IDLE_S 60              /* between two requests of one connection */
#define WEB_BODY_MAX (64 << 10)
#define WEB_TARGET_MAX 8192        /* path and query */
#define WEB_HEADERS_MAX (24 << 10) /* of one request, target and our answer's headers included */
#define WEB_ANSWER_MAX (8 << 20)

/* Lives as long as the handler runs. Texts are never NULL unless said so; what is not there is "". */
struct web_request {
	struct arena *arena;
	const char *method;
	const char *path;  /* as it came, still escaped, without the query */
	const char *query; /* as it came, without "?" */
	const char *host, *origin, *site, *type, *csrf, *cookie, *language, *if_none_match, *forwarded, *agent;
	const char *address; /* of the client: the peer's, "unix" for a UNIX socket */
	const char *body;
	size_t body_len;
};

struct web_answer {
	int status;
	const char *type;      /* NULL: application/json */
	struct buf body;
	const void *fixed;     /* in place of body: bytes that never go away */
	size_t fixed_len;
	int fd;                /* in place of body: a regular file or memfd, from its beginning; owned; -1 none */
	const char *cache;     /* Cache-Control; NULL: no-store */
	const char *etag;      /* NULL: none */
	const char *location;  /* of a redirect; NULL: none */
	const char *allow;     /* with 405 */
	const char *download;  /* file name that the browser saves it under, ASCII; NULL: none */
	const char *password;  /* of what is downloaded, in X-Sekisho-Password; NULL: none */
	char cookies[2][320];  /* Set-Cookie; "" none */
};

struct web_server_config {
	int fd; /* listening; see listen.h; the server's from now on, also after a failure */
	void *ctx;
	/* Fills the answer; called for every whole request. Errors of the request itself (too long, malformed) come as
	 * `refused`: status 400, 413, 414, 431 with no request data but method and path. */
	void (*handle)(void *ctx, struct web_request *q, struct web_answer *a);
	void (*refused)(void *ctx, struct web_request *q, int status, struct web_answer *a);
};

struct web_server;

int web_server_start(const struct web_server_config *c, struct web_server **ret, struct err *err);
void web_server_stop(struct web_server *s);

/* The value of a cookie, in the request's arena; "" when it is not there. */
const char *web_cookie(const struct web_request *q, const char *name);
/* A decoded value of the query, in the request's arena; NULL when it is not there or malformed. */
const char *web_query(const struct web_request *q, const char *name);
/* Writes a JSON document into the answer; takes doc. */
void web_answer_json(struct web_answer *a, int status, cJSON *doc);

#endif
