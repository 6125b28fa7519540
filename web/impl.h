/* What the files of the web role share: the role's state, one call of the API, and the pieces that handlers are made of.
 * Nobody outside web/ includes it. Handlers run on connection threads; what is shared is const after the start, the store
 * and the rpc socket are safe to use from any thread. */
#ifndef WEB_IMPL_H
#define WEB_IMPL_H

#include "base/rpc.h"
#include "store/console.h"
#include "web/http.h"
#include "web/text.h"

#include <pthread.h>

#define WEB_COOKIE "__Host-sekisho"
#define WEB_BROWSER_COOKIE "__Host-sekisho-browser" /* of an OIDC sign-in under way */
#define WEB_LIST_MAX 200

struct web {
	struct rpc *rpc;        /* to core */
	cJSON *config;          /* owns the texts below */
	const char *store_name, *time_zone;
	enum web_language language;
	const cJSON *sign_in, *apps;
	char public_url[600];   /* without a slash at the end: origin, perhaps with nothing behind it */
	char listen_url[256];   /* "" for a UNIX socket */
	bool proxied;           /* public_url is configured: X-Forwarded-For's last element is our proxy's */
	pthread_mutex_t lock;   /* of the store's opening */
	struct store *store;    /* NULL until it can be opened */
};

/* One call of the API. */
struct web_call {
	struct web *w;
	struct web_request *q;
	struct web_answer *a;
	enum web_language language; /* of the reader */
	bool signed_in;
	struct console_session session; /* when signed_in */
	const char *token;              /* the cookie's; "" */
	char hash[CONSOLE_HASH_LEN];    /* of it; "" */
	char address[64];
	const char *param[2];           /* the path's {…}, decoded */
	cJSON *body;                    /* of a change: an object; owned by route.c */
};

typedef void web_handler(struct web_call *c);

/* What a route wants of its caller, beside the enum console_act. */
#define WEB_PUBLIC (-1)  /* no session, and no CSRF token: sign-in and one-time links */
#define WEB_SESSION (-2) /* any session, one of an invitation, too */

struct web_route {
	const char *method, *path; /* "/api/v1/findings/{id}" */
	int act;
	web_handler *handler;
};

/* ---- route.c ---- */
void web_handle(void *ctx, struct web_request *q, struct web_answer *a);
void web_refused(void *ctx, struct web_request *q, int status, struct web_answer *a);
/* The store, opened read-only; NULL after an error was answered. */
struct store *web_store(struct web_call *c);
extern const struct web_route web_routes_session[], web_routes_manage[], web_routes_see[], web_routes_findings[],
	web_routes_connect[], web_routes_policy[], web_routes_lists[]; /* path NULL ends */

/* ---- explain.c ---- */
/* What happened, whose turn it is and what to do next: {code, message, turn, next, provider?: {code, request_id, message}}.
 * By code where we know it, else by class ("consent", "auth", "retry", …; "" unknown). detail: the technical message, "" none. */
struct web_trouble {
	const char *code, *class, *detail, *request_id;
};
cJSON *web_explanation(enum web_language language, const struct web_trouble *t);
int web_status_of(const struct web_trouble *t);
void web_fail(struct web_call *c, int status, const struct web_trouble *t); /* {"error": explanation}; status 0: by the code */
void web_fail_code(struct web_call *c, const char *code);
void web_fail_err(struct web_call *c, const struct err *err);
web_handler web_get_explanation;

/* ---- ask.c ---- */
/* Sends a command to core; takes args (NULL: none). 0 with the result (free it; fd: the descriptor, -1 none; ret_fd may be
 * NULL), or -1 after the failure was answered. *ret_code: 0 or 9; may be NULL. */
int web_ask(struct web_call *c, const char *command, cJSON *args, cJSON **ret, int *ret_fd, int *ret_code);
/* Asks and answers with what came: 200 and the result. */
void web_ask_answer(struct web_call *c, const char *command, cJSON *args, int status);
/* The body's members of these names (ended by NULL), for commands whose arguments are the body's. */
cJSON *web_args(struct web_call *c, const char *const *names);
cJSON *web_id_args(const char *id); /* {"id": id} */

/* ---- present.c: records as the API shows them ---- */
void web_add_time(cJSON *o, const char *key, int64_t ms);
void web_add_text(cJSON *o, const char *key, const char *s); /* NULL gives null */
cJSON *web_json_or_null(const char *text);
cJSON *web_set_json(const char *tenants);                    /* ["*"] or the names */
cJSON *web_finding(const struct store_finding *f);
cJSON *web_connection(struct web_call *c, const struct console_connection *k);
cJSON *web_stream(struct web_call *c, const struct store_stream *s);
cJSON *web_alert(struct web_call *c, const struct console_alert *a);
cJSON *web_flow(struct web_call *c, const struct console_flow *f);
/* Core's flow (its JSON) as the API shows it: times, and the error explained. Takes flow. */
cJSON *web_flow_json(struct web_call *c, cJSON *flow);
cJSON *web_session(struct web_call *c, const struct console_session *s);
cJSON *web_account(const struct console_account *a);
cJSON *web_tenant(const struct console_tenant *t);
cJSON *web_invitation(const struct console_invitation *i);
cJSON *web_audit(const struct console_audit *a);
cJSON *web_totals(const struct console_totals *t);

/* ---- lists ---- */
/* What came in ?name=: a number (fallback when it is none), an instant (RFC 3339; 0), a text of at most 200 bytes (NULL). */
int64_t web_number(struct web_call *c, const char *name, int64_t fallback);
int64_t web_time(struct web_call *c, const char *name);
const char *web_text_of(struct web_call *c, const char *name);
/* ?limit=, 50 by default; answers 400 and returns 0 when it is none from 1 to 200. */
size_t web_limit(struct web_call *c);
/* ?next=, "" none; 400 and NULL when it is too long. */
const char *web_next(struct web_call *c);
/* {items, next}: next NULL ends. Takes items. */
void web_answer_list(struct web_call *c, cJSON *items, const char *next);

/* ---- providers.c ---- */
/* Each way of connecting: what is read and changed, which permissions and why, whether the operator has set it up. */
cJSON *web_providers(struct web_call *c);

/* ---- callback.c, assets.c ---- */
void web_callback(struct web_call *c, const char *provider);
/* Answers an asset or the shell of the pages; false when there is no such address. */
bool web_asset(struct web_call *c);

/* ---- qr.c ---- */
/* {"size": modules, "path": SVG path data}; NULL when it does not fit. */
cJSON *web_qr(const char *text);

/* ---- harden.c ---- */
/* Once the listening socket is open, before there is any other thread: threads made later inherit it. store: "sqlite:PATH" or "postgresql://…". */
void web_harden(const char *store, const char *socket_path);

#endif
