/* The Microsoft stand-in's private header: what its files call of each other.
 *
 * Everything runs inside fc_microsoft.handle(), that is, with fakecloud's state lock held: nothing here locks.
 * State is malloc'd and lives as long as the process (fc.h). What one answer needs comes from the request's
 * arena or from cJSON. Times are milliseconds since the epoch, UTC.
 *
 * Sources: the Microsoft Graph v1.0 reference and its CSDL, the Microsoft identity platform documents on client
 * credentials and certificate credentials. */
#ifndef FAKECLOUD_MICROSOFT_H
#define FAKECLOUD_MICROSOFT_H

#include "fakecloud/microsoft/state.h"

struct ms_tenant *ms_tenant_nth(size_t n); /* NULL behind the last */
struct ms_tenant *ms_tenant_find(const char *directory_or_domain);
struct ms_tenant *ms_tenant_named(const char *name);
struct ms_tenant *ms_tenant_add(struct ms_tenant *t);
struct ms_user *ms_user_find(const struct ms_tenant *t, const char *id_or_upn);
struct ms_user *ms_user_add(struct ms_tenant *t, const char *upn, bool licensed); /* or the one there is */

/* ---- one call (graph.c) ---- */

struct ms_ctx {
	struct fc_request *req;
	struct fc_response *res;
	struct ms_tenant *t;
	struct fc_token *token;
	const char *method;
	const char *path;   /* "/v1.0/users/…", still encoded */
	const char *raw_query;
	const char *seg[48]; /* behind the version, decoded */
	int n_seg;
	const char *arg[12]; /* what stood for the {} of the route */
	int n_args;
	struct {
		const char *key, *value;
	} param[48];
	int n_params;
	char request_id[37];
	const char *client_request_id;
	const char *base; /* "http://127.0.0.1:4711": what links begin with */
	bool beta, immutable;
	/* Inside /$batch: */
	const cJSON *in; /* the request's object */
	cJSON *out;      /* the response's object */
	/* Where /drives/… and its aliases led: */
	struct ms_drive *drive;
	struct ms_item *item, *parent;
	const char *missing[48]; /* path addressing: the part of the path below parent that is not there */
	int n_missing;
};

const char *ms_header(struct ms_ctx *c, const char *name);
const char *ms_param(struct ms_ctx *c, const char *name); /* of the query, decoded */
const cJSON *ms_body(struct ms_ctx *c); /* JSON object; NULL when it is none */
/* Key of an object in any case, as action parameters come. */
cJSON *ms_get_any(const cJSON *object, const char *key);
/* Is `word` among the values of the Prefer header(s)? */
bool ms_prefers(struct ms_ctx *c, const char *word);

void ms_set_header(struct ms_ctx *c, const char *name, const char *value);
void ms_json(struct ms_ctx *c, int status, cJSON *doc);
void ms_empty(struct ms_ctx *c, int status);
void ms_blob(struct ms_ctx *c, struct fc_blob *blob, const char *type);
void ms_bytes(struct ms_ctx *c, const void *data, size_t len, const char *type);
void ms_error(struct ms_ctx *c, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with innerError.code. */
void ms_error_inner(struct ms_ctx *c, int status, const char *code, const char *inner, const char *message);
char *ms_fmt(struct ms_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* arena; never NULL */
/* A segment without OData's function form and the namespace before it. */
const char *ms_tidy(struct ms_ctx *c, const char *segment);
bool ms_has_role(const struct ms_ctx *c, const char *roles); /* any of the space-separated ones */
/* One call: routes it, checks permission and budget, answers. Authorization is the caller's. */
void ms_dispatch(struct ms_ctx *c);

enum ms_workload { MS_DIRECTORY, MS_MAIL, MS_FILES, MS_TEAMS, MS_SUBS };
struct ms_route {
	const char *method, *pattern; /* "users/{}/mailFolders" */
	void (*handle)(struct ms_ctx *c);
	enum ms_workload workload;
	const char *roles; /* any of them; "" none needed, "-" no application permission exists */
	int cost;          /* resource units (files), else 0 */
};
/* Was the consent behind the token withdrawn (app.c)? */
bool ms_withdrawn(const struct ms_ctx *c);
/* Answers 403 or 429 and returns false when the call may not go on. */
bool ms_allow(struct ms_ctx *c, enum ms_workload workload, const char *roles, int cost);
void ms_no_segment(struct ms_ctx *c, const char *segment);
void ms_wrong_method(struct ms_ctx *c);

extern const struct ms_route ms_directory_routes[], ms_mail_routes[], ms_site_routes[], ms_team_routes[],
	ms_subscription_routes[]; /* each ended by a NULL method */

/* JSON shorthand (util.c); NULL strings become null. */
void j_str(cJSON *o, const char *key, const char *value);
void j_num(cJSON *o, const char *key, double value);
void j_bool(cJSON *o, const char *key, bool value);
void j_time(cJSON *o, const char *key, int64_t ms);  /* whole seconds */
void j_time_ms(cJSON *o, const char *key, int64_t ms); /* with milliseconds */
cJSON *j_object(cJSON *o, const char *key);
cJSON *j_array(cJSON *o, const char *key);

/* ---- OData (odata.c, filter.c) ---- */

struct ms_select {
	const char *name[96];
	int n; /* 0: everything that comes by default */
	bool keep_id;
	const char *also; /* a filter or order whose properties are wanted too */
	bool only_also;
	const char *expand; /* $expand: what it names stays */
};

void ms_select_parse(struct ms_ctx *c, struct ms_select *ret);
bool ms_wants(const struct ms_select *sel, const char *name);       /* by default or by name */
bool ms_wants_named(const struct ms_select *sel, const char *name); /* by name alone */
void ms_select_apply(const struct ms_select *sel, cJSON *object);
/* Does $expand name it? */
bool ms_expands(struct ms_ctx *c, const char *name);

/* -1: the expression is malformed. Else whether the object satisfies it. */
int ms_filter(const char *expression, const cJSON *object);

struct ms_source {
	void **v;
	size_t n;
	cJSON *(*make)(struct ms_ctx *c, void *one, const struct ms_select *sel);
	const char *context; /* behind "$metadata#" */
	int top, max_top;
	bool refuse_top; /* a $top beyond max_top is an error, else it is cut */
	bool by_skip;    /* links say $skip=N, as Outlook's do */
	bool keep_id;
};

void ms_list(struct ms_ctx *c, const struct ms_source *src);
/* One object, with $select applied. */
void ms_one(struct ms_ctx *c, int status, void *one,
	cJSON *(*make)(struct ms_ctx *c, void *one, const struct ms_select *sel), const char *context, bool keep_id);

/* A place in a feed, carried in links as one opaque word. */
struct ms_cursor {
	char kind;          /* 'm' messages, 'f' mail folders, 'd' drive, 't' thread, 'u' users, 'g' groups, 's' sites */
	char phase;         /* 'e' listing what is there, 'c' changes */
	const char *scope;  /* id of the thing followed */
	int64_t issued, epoch;
	int64_t log;        /* changes up to here were seen, or are covered by the listing */
	int64_t a, b;       /* place in the listing */
	const char *query;  /* of the first request: baked in */
	bool link;          /* it came by a delta link, not by a next link */
};

const char *ms_cursor_write(struct ms_ctx *c, const struct ms_cursor *cur);
/* 0; -1 malformed or of something else; -2 lost. On success the baked query's parameters are in force. */
int ms_cursor_read(struct ms_ctx *c, const char *word, char kind, const char *scope, int64_t life_ms,
	struct ms_cursor *ret);
/* Page size: Prefer: odata.maxpagesize, $top, fallback; within 1 and max; capped by the seed. */
int ms_page(struct ms_ctx *c, int fallback, int max);
/* Ends a page: adds @odata.nextLink or @odata.deltaLink with the cursor. param: "token", "$skiptoken"/"$deltatoken". */
void ms_page_link(struct ms_ctx *c, cJSON *doc, const struct ms_cursor *cur, bool more);

/* A whole feed over a list with a log, for the simple ones (users, groups, sites, folders, threads). */
struct ms_feed {
	char kind;
	const char *scope, *context, *lost_code;
	struct ms_vec *all, *log; /* log may be NULL */
	cJSON *(*make)(struct ms_ctx *c, void *one, const struct ms_select *sel);
	/* The entry of something gone: sets *ret_gone; NULL: nothing ever goes. */
	cJSON *(*gone)(struct ms_ctx *c, void *one);
	bool (*hidden)(struct ms_ctx *c, void *one); /* leave it out; may be NULL */
	int top, max_top;
	int64_t life_ms;
	bool keep_id;
};
void ms_feed(struct ms_ctx *c, const struct ms_feed *feed);
struct ms_change *ms_log(struct ms_vec *log, void *what, char kind);

/* ---- the parts ---- */

/* front.c */
const char *ms_base(struct fc_request *req, const char *real_host); /* "http://host" */
void ms_query_parse(struct ms_ctx *c, const char *query);
void ms_path_parse(struct ms_ctx *c, const char *path); /* encoded, without the version */
void ms_call(struct ms_ctx *c, const char *path, const char *query); /* "/v1.0/…"; token checked before */

void ms_login(struct ms_ctx *c); /* token and discovery (login.c) */
void ms_batch(struct ms_ctx *c); /* batch.c */

/* directory.c */
cJSON *ms_user_json(struct ms_ctx *c, void *user, const struct ms_select *sel);
cJSON *ms_team_json(struct ms_ctx *c, void *team, const struct ms_select *sel);

/* mailbox.c: the state */
struct ms_mailbox *ms_mailbox_new(struct ms_user *user);
struct ms_folder *ms_folder_add(struct ms_mailbox *box, struct ms_folder *parent, const char *name, const char *id,
	bool hidden);
struct ms_folder *ms_folder_find(struct ms_mailbox *box, const char *id_or_well_known);
struct ms_folder *ms_folder_child(struct ms_folder *parent, const char *name);
struct ms_folder *ms_folder_seed(struct ms_mailbox *box, struct ms_folder *parent, const char *name);
bool ms_folder_below(const struct ms_folder *f, const struct ms_folder *top); /* or the same */
struct ms_message *ms_message_add(struct ms_folder *folder, struct fc_blob *blob, const char *const *words,
	int64_t received);
void ms_message_move(struct ms_message *m, struct ms_folder *to, bool soft);
struct ms_message *ms_message_copy(struct ms_message *m, struct ms_folder *to);
int ms_newest_first(const void *a, const void *b); /* of messages, for qsort() */
void ms_message_touch(struct ms_message *m);
const char *ms_message_id(const struct ms_ctx *c, const struct ms_message *m);
#define MS_CHANGE_KEY 48
void ms_change_key(const struct ms_message *m, char out[MS_CHANGE_KEY]);
const cJSON *ms_message_meta(struct ms_message *m);
void ms_mail_state(struct ms_tenant *t, cJSON *items);

/* mail.c: folders; message.c, message_json.c, import.c, mail_delta.c, attachment.c */
struct ms_mailbox *ms_need_box(struct ms_ctx *c);   /* of arg[0]; NULL: answered */
struct ms_folder *ms_need_folder(struct ms_ctx *c, struct ms_mailbox *box, const char *id); /* NULL: answered */
struct ms_folder *ms_destination(struct ms_ctx *c, struct ms_mailbox *box); /* of destinationId; NULL: answered */
struct ms_message *ms_need_message(struct ms_ctx *c, int arg); /* arg: which {} is its id; NULL: answered */
struct ms_message *ms_message_find(const struct ms_mailbox *box, const char *id);
bool ms_mail_id_ok(const char *id);
cJSON *ms_message_json(struct ms_ctx *c, void *message, const struct ms_select *sel);
const char *ms_messages_context(struct ms_ctx *c, const struct ms_folder *f); /* f NULL: the whole mailbox */
void ms_message_list(struct ms_ctx *c);
void ms_message_get(struct ms_ctx *c);
void ms_message_mime(struct ms_ctx *c);
void ms_message_patch(struct ms_ctx *c);
void ms_message_delete(struct ms_ctx *c);
void ms_message_purge(struct ms_ctx *c);
void ms_message_move_call(struct ms_ctx *c);
void ms_message_copy_call(struct ms_ctx *c);
void ms_message_import(struct ms_ctx *c);
void ms_message_delta(struct ms_ctx *c);
void ms_translate_ids(struct ms_ctx *c);
void ms_attachment_list(struct ms_ctx *c);
void ms_attachment_get(struct ms_ctx *c);
void ms_attachment_value(struct ms_ctx *c);
void ms_attachment_delete(struct ms_ctx *c);
cJSON *ms_attachments_json(struct ms_ctx *c, struct ms_message *m);

/* mime.c, mime_text.c: messages after RFC 5322, 2045 to 2047, 2231 */
struct ms_part {
	size_t at, len;       /* its content, still encoded, in the message */
	size_t from, to;      /* with its delimiter line and headers: what deleting it takes out */
	const char *type, *charset, *encoding, *name, *content_id, *location; /* NULL when missing */
	bool inline_, attachment;
};
struct ms_mime {
	const char *data;
	size_t len;
	struct ms_part part[128]; /* leaves and enclosed messages */
	int n;
	int html, text; /* the body's; -1 none */
};
void ms_mime_parse(struct arena *a, const char *data, size_t len, struct ms_mime *ret);
int ms_mime_content(const struct ms_mime *m, const struct ms_part *p, struct buf *out);
char *ms_mime_text(struct arena *a, const struct ms_mime *m, const struct ms_part *p); /* UTF-8; never NULL */
cJSON *ms_mime_meta(const char *data, size_t len);
/* Header value, unfolded, in the arena; NULL when missing. */
char *ms_mime_header(struct arena *a, const char *data, size_t len, const char *name);
cJSON *ms_mime_headers(const char *data, size_t len); /* [{name, value}] */
size_t ms_mime_head_len(const char *data, size_t len);
char *ms_mime_words(struct arena *a, const char *s); /* encoded words to UTF-8 */
char *ms_mime_param(struct arena *a, const char *value, const char *name);
char *ms_mime_utf8(struct arena *a, const char *charset, const char *data, size_t len);
cJSON *ms_mime_addresses(struct arena *a, const char *value);

/* drive.c: the state */
struct ms_drive *ms_drive_new(struct ms_tenant *t, struct ms_site *site, struct ms_user *owner, const char *name);
struct ms_item *ms_item_add(struct ms_drive *d, struct ms_item *parent, const char *name, bool folder,
	const char *const *words, int64_t when);
struct ms_item *ms_item_child(const struct ms_item *parent, const char *name); /* names in any case */
void ms_item_content(struct ms_item *it, struct fc_blob *blob, const struct ms_user *by, int64_t when);
void ms_item_changed(struct ms_item *it, char kind); /* into the feed; 'u' counts the eTag up */
int ms_item_move(struct ms_item *it, struct ms_item *to, const char *name);
void ms_item_delete(struct ms_item *it);
struct ms_item *ms_item_copy(struct ms_item *it, struct ms_item *to, const char *name, bool history);
bool ms_item_below(const struct ms_item *it, const struct ms_item *top);
struct ms_version *ms_item_version(const struct ms_item *it);
char *ms_item_free_name(struct ms_ctx *c, const struct ms_item *parent, const char *name);
bool ms_name_ok(const char *name);
struct ms_perm *ms_perm_add(struct ms_item *it, const char *role, const char *const *words);
void ms_perm_seed(struct ms_item *it, const char *text);
void ms_perm_link(struct ms_item *it, struct ms_perm *p, const char *type, const char *scope);
void ms_drive_state(struct ms_tenant *t, cJSON *items);
char *ms_item_path(struct arena *a, const struct ms_item *it); /* "/a/b", "" for the root */

/* drive_json.c */
cJSON *ms_item_json(struct ms_ctx *c, void *item, const struct ms_select *sel);
cJSON *ms_item_delta_json(struct ms_ctx *c, struct ms_item *it, const struct ms_select *sel);
cJSON *ms_drive_json(struct ms_ctx *c, void *drive, const struct ms_select *sel);
cJSON *ms_perm_json(struct ms_ctx *c, const struct ms_item *it, const struct ms_item *from, const struct ms_perm *p);
cJSON *ms_perms_json(struct ms_ctx *c, const struct ms_item *it);
cJSON *ms_identity(const struct ms_tenant *t, const struct ms_user *user);
char *ms_item_url(struct arena *a, const struct ms_item *it);
char *ms_etag(struct ms_ctx *c, const struct ms_item *it);
char *ms_ctag(struct arena *a, const struct ms_item *it);

/* drives.c: addresses below a drive, and their table; items.c, content.c, upload.c, sharing.c, versions.c,
 * drive_delta.c: the calls on c->item */
bool ms_drive_call(struct ms_ctx *c); /* false: the path leads to no drive */
bool ms_item_guard(struct ms_ctx *c, struct ms_item *it); /* If-Match, locks: false: answered */
/* fail, replace or rename: of the query, of the body or of body.item; NULL when malformed (answered). */
const char *ms_conflict(struct ms_ctx *c, const cJSON *body, const char *fallback);
bool ms_name_check(struct ms_ctx *c, const char *name); /* false: answered */
void ms_name_taken(struct ms_ctx *c);
void ms_item_one(struct ms_ctx *c, int status, struct ms_item *it);
void ms_item_get(struct ms_ctx *c);
void ms_item_children(struct ms_ctx *c);
void ms_item_create(struct ms_ctx *c);
void ms_item_patch(struct ms_ctx *c);
void ms_item_remove(struct ms_ctx *c);
void ms_item_copy_call(struct ms_ctx *c);
void ms_item_checkout(struct ms_ctx *c);
void ms_item_checkin(struct ms_ctx *c);
void ms_item_refuse(struct ms_ctx *c);
void ms_item_labels(struct ms_ctx *c);
void ms_item_list_item(struct ms_ctx *c);
void ms_item_retention(struct ms_ctx *c);
void ms_item_download(struct ms_ctx *c);
void ms_item_upload(struct ms_ctx *c);
void ms_upload_create(struct ms_ctx *c);
void ms_upload_call(struct ms_ctx *c, struct ms_upload *up);
void ms_drive_delta(struct ms_ctx *c);
void ms_perm_list(struct ms_ctx *c);
void ms_perm_get(struct ms_ctx *c);
void ms_perm_patch(struct ms_ctx *c);
void ms_perm_delete(struct ms_ctx *c);
void ms_invite(struct ms_ctx *c);
void ms_create_link(struct ms_ctx *c);
void ms_version_list(struct ms_ctx *c);
void ms_version_get(struct ms_ctx *c);
void ms_version_content(struct ms_ctx *c);
void ms_version_restore(struct ms_ctx *c);
struct ms_item *ms_share_find(struct ms_ctx *c, const char *token);
/* The folders of a path that are not there yet are made; the last one is returned. */
struct ms_item *ms_make_parents(struct ms_ctx *c);
/* Addresses outside /v1.0 that carry their own authority: downloads, upload sessions, monitors. */
bool ms_preauth(struct ms_ctx *c);
const char *ms_content_base(struct ms_ctx *c); /* what their addresses begin with */
char *ms_download_url(struct ms_ctx *c, const struct ms_item *it, unsigned version); /* 0: whatever is current */

/* sites.c, thread.c, subscriptions.c */
struct ms_site *ms_site_new(struct ms_tenant *t, const char *name, struct ms_user *person);
struct ms_site *ms_site_find(struct ms_tenant *t, const char *id);
struct ms_site *ms_site_named(struct ms_tenant *t, const char *name);
void ms_site_address(struct ms_ctx *c); /* by path to by id */
cJSON *ms_site_json(struct ms_ctx *c, void *site, const struct ms_select *sel);
struct ms_team *ms_team_new(struct ms_tenant *t, const char *name);
struct ms_team *ms_team_find(struct ms_tenant *t, const char *id_or_name);
struct ms_thread *ms_channel_new(struct ms_team *team, const char *name);
struct ms_thread *ms_chat_new(struct ms_tenant *t, const char *addresses); /* "a@x,b@x"; or the one there is */
struct ms_post *ms_post_add(struct ms_thread *thread, const cJSON *message, int64_t fallback_time);
/* teams.c: of the route's arguments; NULL: answered */
struct ms_team *ms_need_team(struct ms_ctx *c);
struct ms_thread *ms_need_channel(struct ms_ctx *c);
struct ms_thread *ms_need_chat(struct ms_ctx *c);
cJSON *ms_chat_json(struct ms_ctx *c, void *chat, const struct ms_select *sel);
/* posts.c */
void ms_team_all_messages(struct ms_ctx *c);
void ms_user_all_messages(struct ms_ctx *c);
void ms_channel_messages(struct ms_ctx *c);
void ms_channel_delta(struct ms_ctx *c);
void ms_channel_message(struct ms_ctx *c);
void ms_channel_message_patch(struct ms_ctx *c);
void ms_channel_replies(struct ms_ctx *c);
void ms_channel_hosted(struct ms_ctx *c);
void ms_channel_hosted_value(struct ms_ctx *c);
void ms_chat_messages(struct ms_ctx *c);
void ms_chat_message(struct ms_ctx *c);
void ms_chat_message_patch(struct ms_ctx *c);
void ms_chat_hosted(struct ms_ctx *c);
void ms_chat_hosted_value(struct ms_ctx *c);
void ms_team_state(struct ms_tenant *t, cJSON *items);
/* deliver.c: POSTs to loopback addresses alone. */
bool ms_deliver_allowed(const char *url); /* http on a loopback address */
/* The validation handshake: did the address answer 200 with the token as text/plain within 10 s? Waits. */
bool ms_deliver_validate(const char *url, const char *token);
/* Sends later, on a thread of its own, once; what fails is dropped. Takes body over. */
void ms_deliver(const char *url, char *body);
int ms_post_call(const cJSON *body, const char **ret_why);
/* Something changed: tells the subscriptions to it. kind and scope: "messages" and the folder's id, "drives" and
 * the drive's, "posts" and the thread's. id: of what changed, NULL when the provider does not say. */
void ms_notify(struct ms_tenant *t, const char *kind, const char *scope, const char *change, const char *id);

/* seed.c */
int ms_seed(const char *tenant, const char *dir);
int ms_connections(struct buf *yaml, const char *dir);

#endif
