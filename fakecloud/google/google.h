/* The Google Workspace half of fakecloud: what its files share. One port answers for oauth2, gmail, drive,
 * directory and reports; paths are the real ones. Everything runs on a connection's thread with the state
 * lock held, and the state lives as long as the process (plain malloc, never freed), as fc.h says.
 *
 * Names: gg_ is common, gm_ Gmail, gd_ Drive. A handler returns what gg_reply() or gg_error() returned. */
#ifndef FAKECLOUD_GOOGLE_H
#define FAKECLOUD_GOOGLE_H

#include "fakecloud/fc.h"
#include "fakecloud/map.h"

#include <time.h>

#define GG "google"
#define GG_FOLDER "application/vnd.google-apps.folder"
#define GG_SHORTCUT "application/vnd.google-apps.shortcut"
#define GG_NATIVE "application/vnd.google-apps."

struct gm_box;
struct gd_file;
struct gd_drive;
struct gd_event;

/* ---- people ---- */

struct gg_user {
	struct gg_tenant *tenant;
	const char *email;
	char id[24];	  /* of the directory: 21 digits */
	char perm_id[24]; /* of Drive permissions: 20 digits */
	const char *given, *family, *full;
	bool admin, service; /* service: the service account itself, in no directory */
	bool licensed;
	int index; /* in tenant->users */
	int64_t created;
	const char *title, *department; /* NULL none */
	const cJSON *aliases;           /* further addresses; NULL none */
	struct gm_box *mail;
	struct gd_file *root; /* My Drive */
};

struct gg_tenant {
	const char *name, *domain; /* interned */
	char customer_id[16];
	struct gg_user **users;
	size_t nusers;
	struct map by_email; /* lower-case address or id -> user */
	struct gg_user *admin, *service;
	/* credentials */
	char client_email[96], client_id[24], key_id[41];
	struct fc_keypair *keys;
	char oauth_id[96], oauth_secret[48], refresh_token[96];
	bool refresh_revoked;
	bool revoked;
	int page_size; /* cap of listings, 0 none */
	cJSON *settings; /* of the seed; lives as long as the tenant */
	/* Drive */
	struct map files; /* id -> gd_file */
	struct gd_file **all;
	size_t nall;
	struct gd_drive **drives;
	size_t ndrives;
	struct gd_event *events;
	size_t nevents;
	int64_t event_base;  /* number of events[0] */
	int64_t event_floor; /* page tokens below are lost */
	int generation;	     /* counts lost cursors: part of list tokens */
};

extern struct gg_tenant **gg_tenants;
extern size_t gg_ntenants;

struct gg_tenant *gg_tenant_of_service(const char *client_email);
struct gg_user *gg_user_find(const struct gg_tenant *t, const char *email_or_id); /* any case; NULL */
struct gg_user *gg_user_add(struct gg_tenant *t, const char *email);

/* ---- one call ---- */

enum gg_api { GG_GMAIL, GG_DRIVE, GG_ADMIN };

struct gg_call;
struct mask;

struct gg_route {
	const char *method;
	const char *path; /* without the leading '/'; {} takes one segment, {*} the rest */
	enum gg_api api;
	int cost;	      /* quota units */
	const char *scopes;   /* short names, space-separated */
	const char *schema;   /* of the answer: checks `fields`; NULL: no body */
	const char *defaults; /* mask when the call has no `fields`; NULL: everything */
	int (*handle)(struct gg_call *c);
	bool upload; /* may carry media on /upload */
};

struct gg_media {
	const char *type; /* NULL when not said */
	const void *data;
	size_t len;
};

struct gg_call {
	struct fc_request *req;
	struct fc_response *res;
	const char *inner; /* headers of a part of a batch; NULL when it is a request of its own */
	const char *method;
	const struct gg_route *route;
	const char *var[4]; /* what {} took */
	struct gg_tenant *tenant;
	struct gg_user *user; /* whom the token acts for */
	struct fc_token *token;
	bool upload; /* came by /upload or /resumable */
	cJSON *body; /* owned; see gg_body() */
	bool body_tried;
	const void *body_text; /* of an upload: the metadata; else the request's body */
	size_t body_len;
	struct gg_media *media; /* NULL when none came */
	struct mask *mask;	/* NULL: everything */
};

/* route.c */
int gg_dispatch(struct gg_call *c);
int gg_mask_check(struct gg_call *c); /* sets c->mask from `fields`, or answers */
bool gg_has_scope(const struct fc_token *token, const char *names);
extern const char
	*const gg_granted[]; /* full scope names that the tenant's administrator delegated; NULL ends */

extern const struct gg_route gm_routes[], gd_routes[], ga_routes[]; /* ended by a NULL method */

/* params.c */
int gg_params_check(struct gg_call *c); /* values that the documents do not allow are answered with 400 */

/* reply.c */
int gg_reply(struct gg_call *c, cJSON *doc);	   /* 200, masked; takes doc over */
int gg_reply_empty(struct gg_call *c, int status); /* 204 or so */
int gg_error(struct gg_call *c, int status, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* with location and locationType: location "fileId" of a "parameter", "Authorization" of a "header" */
int gg_error_at(struct gg_call *c, int status, const char *reason, const char *kind, const char *location,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void gg_header(struct gg_call *c, const char *name, const char *value);
const char *gg_request_header(struct gg_call *c, const char *name);
const char *gg_query(struct gg_call *c, const char *name);
bool gg_flag(struct gg_call *c, const char *name, bool fallback); /* "true", "1"; "" counts as true */
/* Page size within 1..max (the tenant's cap applied); -1 when it is no number. */
int gg_page_size(struct gg_call *c, const char *name, int fallback, int max);
/* Body as an object: an empty one when nothing came; NULL after an error was answered. */
cJSON *gg_body(struct gg_call *c);
const char *gg_base(struct gg_call *c); /* "http://host:port" as the client sees us */

/* mask.c: `fields` */
/* schema: checked against, NULL for none. NULL with *ret_bad when the text is wrong. */
struct mask *mask_parse(struct arena *a, const char *text, const char *schema, const char **ret_bad);
void mask_apply(const struct mask *m, cJSON *node);
/* Does the mask take that field of the object? NULL mask takes all. */
bool mask_wants(const struct mask *m, const char *name);
const struct mask *mask_sub(const struct mask *m, const char *name); /* mask within; NULL: everything */
/* schema.c: "name name:Type …" of a type, NULL when unknown */
const char *schema_type(const char *type);

/* util.c */
void *gg_alloc(size_t size);
char *gg_dup(const char *s);
/* Room for one more behind n entries of `size` bytes. */
void *gg_grow(void *array, size_t n, size_t size);
#define GG_PUSH(array, n, value)                                                                             \
	do {                                                                                                 \
		(array) = gg_grow((array), (n), sizeof(*(array)));                                           \
		(array)[(n)++] = (value);                                                                    \
	} while (0)
void gg_digits(char *out, size_t n, const char *const *words); /* n stable decimal digits */
/* A new id of n letters and digits after a prefix. */
void gg_new_id(char *out, size_t n, const char *prefix);
char *gg_lower(struct arena *a, const char *s);
cJSON *gg_add_time(cJSON *o, const char *name, int64_t ms); /* RFC 3339 */
cJSON *gg_add_i64(cJSON *o, const char *name, int64_t v);   /* as a string */
/* base64url with padding, as Google writes bytes. */
int gg_base64(struct buf *out, const void *data, size_t len);
bool gg_has_prefix(const char *s, const char *prefix);
bool gg_contains_ci(const char *hay, const char *needle); /* letters beyond ASCII compare by byte */
int gg_watch_reply(struct gg_call *c, const char *uri, int64_t default_life_ms, int64_t max_life_ms);
int gg_watch_stop(struct gg_call *c);

/* upload.c: reads an upload into c->media and c->body_text, or answers (a session's address, an error).
 * Returns 1 when the handler should go on, else what was answered. */
int gg_upload(struct gg_call *c);
/* A request to a session's address; routes when the upload is complete. */
int gg_upload_continue(struct gg_call *c, const char *upload_id);
const char *gg_upload_method(const char *upload_id); /* that began the session; "" when there is none */

/* token.c, batch.c */
void gg_token_handle(struct fc_request *req, struct fc_response *res);
void gg_revoke_handle(struct fc_request *req, struct fc_response *res);
void gg_tokeninfo_handle(struct fc_request *req, struct fc_response *res);
void gg_batch_handle(struct fc_request *req, struct fc_response *res);
void gg_handle(struct fc_request *req, struct fc_response *res);

/* seed.c, state.c */
int gg_seed(const char *tenant, const char *dir);
int64_t gg_file_time(const char *path); /* mtime in ms */
void gg_state(cJSON *items);
int gg_connections(struct buf *yaml, const char *dir);

#endif
