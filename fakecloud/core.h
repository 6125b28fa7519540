/* What the parts of fakecloud's own server share; providers use fc.h only.
 *
 * State (tokens, throttles, journal, faults, the providers' own) is the process's and lies behind one lock,
 * the state lock: fc_lock(). Each connection has its thread; it holds the lock while a handler runs and while
 * a journal entry or fault is looked at, and never while it sleeps, sends or receives. */
#ifndef FAKECLOUD_CORE_H
#define FAKECLOUD_CORE_H

#include "fakecloud/fc.h"
#include "fakecloud/map.h"

#include <microhttpd.h>

#define FC_BODY_MAX ((size_t)300 << 20)
#define FC_ANSWER_MAX ((size_t)1 << 30)
#define FC_PROVIDERS 4

struct fc_headers {
	struct fc_header_line {
		char *name, *value;
	} * lines;
	size_t count;
};

struct fc_connection {
	struct MHD_Connection *mhd;
	cJSON *json; /* of fc_body_json() */
	bool json_tried;
};

struct fc_options {
	const char *seed, *ports_file, *connections, *console;
	const char *redirects[16];
	int n_redirects;
	bool auto_consent;
	int64_t latency_ms;
	double rate; /* requests per second and tenant of each provider; 0: no limits */
};

/* ---- state.c: lock, clock, ids ---- */
void fc_lock(void);
void fc_unlock(void);
/* With the lock held: waits until fc_changed() or ms passed. */
void fc_wait(int64_t ms);
void fc_clock_advance(int64_t ms);
void fc_set_url(const char *provider, const char *url);

/* ---- server.c ---- */
const struct fc_provider *const *fc_providers(void); /* those compiled in, ended by NULL */
const char *const *fc_provider_names(void);	     /* all four, ended by NULL */
/* Binds the four ports and the control port (fc_url() then knows them). */
int server_bind(struct err *err);
/* Answers from now on, on libmicrohttpd's threads. */
int server_start(const struct fc_options *options, struct err *err);

/* ---- control.c ---- */
void control_handle(struct fc_request *req, struct fc_response *res);

/* ---- response.c ---- */
void response_reset(struct fc_response *res);
void response_free(struct fc_response *res);
const char *response_header(const struct fc_response *res, const char *name);
/* The provider's own error for a condition of the transport: 429, 500, 503 … Retry-After when seconds >= 0.
 */
void response_provider_error(struct fc_response *res, const char *provider, int status, int retry_after_s);

/* ---- blob.c ---- */
/* An open descriptor of it (caller closes), or -1 with *ret_data when it lies in memory. -2 when it is gone.
 */
int blob_open(const struct fc_blob *blob, const void **ret_data);

/* ---- throttle.c ---- */
void throttle_enable(void);
/* Takes one request from the bucket of --rate; seconds to wait, 0 when it may go on. */
int throttle_rate(const char *name, double rate);

/* ---- journal.c (state lock held) ---- */
struct journal_line {
	int64_t time;
	const char *provider, *tenant, *fault; /* interned; NULL when none */
	char *method, *path;		       /* path with query, secrets blotted out */
	int status;			       /* 0: no answer was sent */
	int64_t bytes_in, bytes_out, number;
};
void journal_add(const struct fc_request *req, int status, int64_t bytes_out, const char *fault);
void journal_print(int64_t since, struct buf *out);

/* ---- fault.c (state lock held, but for fault_send) ---- */
enum fault_what {
	FAULT_STATUS,
	FAULT_DELAY,
	FAULT_CUT,
	FAULT_LENGTH,
	FAULT_RESET,
	FAULT_REDIRECT,
	FAULT_DRIP,
	FAULT_DROP_REPLY,
};
struct fault {
	enum fault_what what;
	int status;
	int64_t delay_ms, after_bytes, length_delta, interval_ms, chunk;
	const cJSON *headers;  /* of doc */
	char *body, *location; /* the fault's own, live as long as the process */
	size_t body_len;
	bool has_body;
};
/* The first fault that is due for this request is counted and copied. At most one applies, but any number of
 * delays, which are summed up in *ret_delay_ms. */
bool fault_take(const struct fc_request *req, struct fault *ret, int64_t *ret_delay_ms);
const char *fault_name(enum fault_what what);
/* Checks and adds one fault or a list of them; nothing is added when one is wrong (*ret_why, in arena). */
int fault_add(const cJSON *doc, struct arena *arena, const char **ret_why);
void fault_clear(void);
cJSON *fault_list(void);

/* ---- wire.c: answers that no proper HTTP server would give, written by hand ---- */
/* Sends the response in the fault's way and ends the connection. */
void wire_send(const struct fc_connection *conn, struct fc_response *res, const struct fault *fault,
	const void *body, size_t len);
void wire_reset(const struct fc_connection *conn);
/* True when the peer has closed. */
bool wire_gone(const struct fc_connection *conn);

#endif
