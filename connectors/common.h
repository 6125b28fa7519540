/* What all connectors share: building URLs, calls that renew a refused token once, downloads through a
 * pre-authenticated redirect, bodies that are one huge base64 string, and cursors kept as JSON.
 *
 * Everything here is straight-line and without state of its own: any thread, several at once. Errors are those
 * of connector.h and net/http.h, refined by the provider's hook. */
#ifndef CONNECTORS_COMMON_H
#define CONNECTORS_COMMON_H

#include "connectors/connector.h"

/* ---- URLs ---- */

/* base and pattern, each "{}" of the pattern replaced by the next argument, percent-encoded as one path
 * segment ("/" too); the arguments end with NULL. out is emptied first.
 *   url_make(&url, graph, "/v1.0/users/{}/messages/{}", user, id, NULL)
 * Errors: LOCAL "bad_url" when counts differ, an argument is empty, or "." or ".." (it would name another
 * resource); TOO_BIG when out is full. */
int url_make(struct buf *out, struct err *err, const char *base, const char *pattern, ...) __attribute__((sentinel));
/* Adds "?key=value" or "&key=value"; the key is written as it is ("$top"), the value encoded but for ",:$*()/'". */
int url_query(struct buf *url, const char *key, const char *value);
int url_query_int(struct buf *url, const char *key, int64_t value);

/* ---- calls ---- */

struct api {
	const struct connection_config *config;
	const struct connector_env *env;
	/* Looks at an answer that is no 2xx, whose error *err already holds by http_check(), and makes it more
	 * exact. doc: the body as JSON, NULL when it is none. May be NULL. May set err->class to ERR_NONE to
	 * say that the answer is to be taken as a success. */
	void (*refine)(const struct http_response *r, const cJSON *doc, struct err *err);
};

struct api_call {
	const char *method;  /* NULL: GET */
	const char *url;
	const char *subject; /* whose token; NULL: "" */
	bool anonymous;      /* no token at all */
	const char *const *headers; /* ended by NULL; may be NULL */
	const cJSON *json;   /* body as JSON; or */
	const void *body;
	size_t body_len;
	const char *content_type;
	size_t max_body;          /* 0: the default of net/http.h */
	struct content *content;  /* for the body of a 200 */
	int64_t timeout_ms;
};

/* Sends with a token; after a 401 once more with a renewed one. 0 for any complete answer. */
int api_send(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err);
/* The answer's error, refined; 0 for 2xx (and what refine calls a success). A 401 is AUTH: the renewed token
 * did not help. */
int api_check(const struct api *api, const struct http_response *r, struct err *err);
/* Both. */
int api_do(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err);
/* Both, and the body as a JSON object. ret_doc NULL: the body does not matter. A 2xx that is JSON but no object
 * is REMOTE "bad_answer". */
int api_json(const struct api *api, const struct api_call *call, cJSON **ret_doc, struct err *err);

/* Downloads into call->content: the first request carries the token; when it answers with a redirect, the
 * address is fetched by fresh requests without any of the call's headers or its token, https only (or what the
 * call itself uses on loopback), three hops at most. An answer 401, 403, 404 or 410 there is RETRY "url_expired": core
 * calls again and gets a new address. *ret is the answer that the bytes came with (status 200), or the first
 * one's when it needs no redirect; free it. Errors of the first request are those of api_check(). */
int api_download(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err);

/* Takes the string value of `key` from the JSON object that an answer holds, decodes it as base64 of either
 * alphabet and writes it to content in pieces. The answer is held in memory: call->max_body bounds it.
 * Errors: REMOTE "bad_answer" when the key is missing or is no base64. */
int base64_string_into(const char *json, size_t len, const char *key, struct content *content, struct err *err);

/* ---- reading answers ---- */

/* RFC 3339 as ms, 0 when missing or malformed. */
int64_t json_time(const cJSON *object, const char *key);
/* A size or count: -1 when missing, malformed or negative. */
int64_t json_size(const cJSON *object, const char *key);
/* Strings of the document into the arena; NULL when missing. */
char *arena_str(struct arena *a, const cJSON *object, const char *key);
/* ASCII letters made small, in place; NULL stays NULL. For hashes in hex, which are compared byte by byte. */
char *text_lower(char *s);
/* Behind the "@" of an address; NULL when there is none. */
const char *address_domain(const char *address);
/* A mail service that anybody may have an address at: no organisation's own, whoever uses it. */
bool domain_is_public(const char *domain);
/* doc as text in the arena, at most CONNECTOR_TEXT_MAX. Errors: TOO_BIG "cursor_too_big"; LOCAL. */
int arena_json(struct arena *a, const cJSON *doc, const char **ret, struct err *err);

/* LOCAL "memory", for failed allocations. */
int err_memory(struct err *err);
/* Did an earlier one of several allocations or JSON additions fail? */
#define MEM_OK(x, err) ((x) ? 0 : err_memory(err))

/* ---- errors ---- */

/* What an answer really means: class, code and scope anew; message and status stay. */
void err_become(struct err *err, enum err_class class, const char *code, enum err_scope scope);
/* *why into *err, which may be NULL; -1. */
int pass_on(struct err *err, const struct err *why);

/* ---- JSON that we write ourselves: cursors, contexts, receipts ---- */

/* Parses a text of our own of at most CONNECTOR_TEXT_MAX bytes; NULL text gives an empty object.
 * Errors: class as given ("bad_cursor" for CURSOR, else "bad_receipt"). */
int own_json(const char *text, enum err_class class, cJSON **ret, struct err *err);
/* Sets or replaces; a NULL value removes the key. -1 when memory ran out. */
int json_set_str(cJSON *object, const char *key, const char *value);
int json_set_int(cJSON *object, const char *key, int64_t value); /* within 2^53 */
int json_set_bool(cJSON *object, const char *key, bool value);
int json_set(cJSON *object, const char *key, cJSON *value); /* takes value, also on failure; NULL fails */
/* A list of strings under key, made when missing; the same text is added once. */
int json_note(cJSON *object, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Notes a mark (a link, the ids of a page) of this run in the cursor and tells whether it came `hits` times
 * before: constant space, any length of cycle (Brent). name: which run of marks. */
int cursor_loops(cJSON *cursor, const char *name, const char *mark, int hits, bool *ret_loops, struct err *err);
/* The run ended well: forget its marks. */
void cursor_loops_clear(cJSON *cursor, const char *name);

#endif
