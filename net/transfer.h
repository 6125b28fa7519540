/* One HTTP exchange as libcurl sees it: how the handle is set up, and what its callbacks do with the answer.
 * Used by http.c alone (and response.c's helpers by transfer.c).
 *
 * Threads: a transfer is made and freed by the caller's thread; between being queued and `done` everything but
 * the fields marked "lock" belongs to the http thread. Bytes of a content go through `pipe`, which the caller
 * empties, so that the http thread neither hashes nor writes to a disk. */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include "net/http.h"

#include <curl/curl.h>
#include <pthread.h>

#define TRANSFER_PIPE (256 << 10)        /* bytes waiting for the caller before the transfer is paused */
#define TRANSFER_MAX_HEADERS 256
#define TRANSFER_MAX_HEADER_BYTES 65536  /* all headers of an answer together */
#define TRANSFER_RATIO_FROM (64 << 20)   /* decoded bytes from which on the ratio counts */
#define TRANSFER_RATIO 100

struct transfer {
	struct transfer *next;      /* lock: in the queue of new ones, then among the running */
	struct transfer *next_kick; /* lock */
	const struct http_request *req;
	CURL *easy;
	struct curl_slist *send_headers;
	char curl_error[CURL_ERROR_SIZE];
	int64_t started, timeout_ms; /* monotonic ms */

	struct http_response res;
	size_t header_bytes;
	size_t max_body;
	int64_t decoded;
	bool body_begun, to_content;
	struct err err; /* found by a callback; class NONE otherwise */
	bool local;     /* the URL names this machine by itself */
	bool forbidden; /* a name led to an address that is not connected to */

	pthread_mutex_t *lock;
	pthread_cond_t cond; /* lock */
	struct buf pipe;     /* lock */
	int64_t expect;      /* lock: Content-Length of a body for the content, -1 when not known */
	bool restart;        /* lock: a 200, the content begins anew */
	int64_t resume_at;   /* lock: a 206 goes on from here, -1 when it does not say */
	bool head_known;     /* lock: the three above are set */
	bool paused;         /* lock */
	bool kicked;         /* lock: in the list of those to look at */
	bool cancel;         /* lock: the caller wants no more */
	bool done;           /* lock */
	CURLcode result;
};

struct transfer_options {
	const char *user_agent, *ca_file;
	int low_speed_s;
};

/* Checks the request and sets the handle up. Errors: REMOTE "bad_header", "bad_url"; LOCAL. */
int transfer_new(const struct http_request *req, const struct transfer_options *options, pthread_mutex_t *lock,
	struct transfer **ret, struct err *err);
void transfer_free(struct transfer *t);

/* On the http thread, when libcurl is done without an error: settles an answer that had no body. */
void transfer_end(struct transfer *t);

/* libcurl's result and what the callbacks found, as 0 or an error. */
int transfer_result(struct transfer *t, struct err *err);

/* Of response.c: fills date_ms, retry_at and request_id from the headers. */
void response_facts(struct http_response *r);
/* An instant from a Retry-After header: at least 1 s, at most 1 h from now; 0 when it makes no sense. date: the
 * answer's Date, 0 when none. */
int64_t response_retry_at(const char *retry_after, int64_t now, int64_t date);

#endif
