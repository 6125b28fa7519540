/* HTTP for connectors and grants: straight-line calls from any thread, driven by one libcurl multi thread.
 *
 * The rules that hold for every call: redirects are not followed (the caller looks at Location and makes a new
 * request without a token); https, or http to a loopback address only; no netrc, no proxy from the environment
 * unless configured; certificate checks always; a body is bounded in bytes, in ratio when compressed, and in
 * time (connect 10 s; below 1 KiB/s for 30 s ends it; timeout_ms in all). A shorter body than Content-Length
 * is an error. Threads: http_call() blocks its caller; everything of curl runs on the http thread.
 * Sources: RFC 9110, RFC 9112. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/json.h"
#include "net/content.h"

struct http;

struct http_options {
	const char *user_agent; /* "NONISV|sekisho|sekisho/0.1" */
	const char *ca_file;    /* NULL: the system's */
	const char *const *hosts; /* when not NULL: only these "scheme://host[:port]" may be called (ended by NULL) */
	int low_speed_s;          /* below 1 KiB/s for so many seconds ends a transfer; 0: 30 */
};

int http_new(const struct http_options *options, struct http **ret, struct err *err);
/* Fails calls under way, and all later ones, with CANCELLED; for shutting down before the callers are joined. */
void http_cancel(struct http *http);
/* The same, and waits for its thread. */
void http_free(struct http *http);

struct http_request {
	const char *method; /* "GET" */
	const char *url;
	const char *bearer; /* sent as Authorization: Bearer; NULL for none */
	const char *const *headers; /* "Name: value", ended by NULL; may be NULL */
	const void *body;
	size_t body_len;
	const char *content_type; /* of the body */
	size_t max_body;          /* of an answer kept in memory; 0: 8 MiB */
	struct content *content;  /* when set, the body of a 200 or 206 goes there instead */
	int64_t timeout_ms;       /* 0: 60 s; with content: 600 s */
	bool fresh; /* on a new connection: libcurl repeats by itself what a kept one drops, and this must go out once */
};

struct http_response {
	int status;
	struct buf body;
	struct arena *headers_arena; /* owns what http_header() gives */
	char **headers;              /* "name: value", names in lower case */
	size_t n_headers;
	int64_t date_ms;        /* Date header; 0 when none */
	int64_t retry_at;       /* Retry-After, seconds or date, capped at 1 h from now; 0 when none */
	char request_id[96];    /* request-id, x-dropbox-request-id, box-request-id, … */
	int64_t bytes_in;
};

/* 0 for any complete HTTP answer, 4xx and 5xx too. Errors: RETRY "network", "timeout", "truncated", "slow";
 * TOO_BIG "body_too_big"; REMOTE "tls", "bad_url", "http", "bad_header" (a control character in what was to be
 * sent); what content_write() failed with; CANCELLED. With content: a 200 begins it anew, a 206 must go on where it
 * ends, and no Content-Encoding is asked for or taken. The content is written and digested on the caller's thread.
 * On success *ret is filled and must be freed. */
int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err);
void http_response_free(struct http_response *r);
#define _cleanup_response_ _cleanup_(http_response_free)

const char *http_header(const struct http_response *r, const char *name); /* NULL when missing */

/* The status as an error when it is none of 2xx: 429, 503, 504, 509 and other 5xx RETRY "throttled" or
 * "server_error" with retry_at (scope connection for 429); 401 AUTH "unauthorized" (connection); 403 REMOTE
 * "forbidden"; 404, 410 GONE "not_found"; 409, 412 CHANGED "conflict"; 423 RETRY "locked"; 413 TOO_BIG; others
 * REMOTE "http_status". Providers refine the result by the error body. Returns 0 for 2xx. */
int http_check(const struct http_response *r, struct err *err);

/* The body as JSON; a 2xx that is not JSON (an HTML page of a gateway) is RETRY "not_json". */
int http_json(const struct http_response *r, cJSON **ret_doc, struct err *err);

/* Same scheme, host and port? For links that a provider hands out: a token goes only to its own origin. */
bool http_same_origin(const char *url_a, const char *url_b);
/* May this URL be fetched at all: https, or http to loopback. */
bool http_url_ok(const char *url);

/* Does this URL name this machine (127.0.0.0/8, [::1], localhost)? What came from elsewhere must not lead there. */
bool http_url_local(const char *url);

/* Full-jitter back-off: a random wait in [base, min(cap, base·2^attempt)], as an instant from now. */
int64_t http_backoff(int attempt, int64_t base_ms, int64_t cap_ms);

#endif
