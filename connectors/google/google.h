/* The inner contract of the Google Workspace connector: one opened connection, calls to Gmail v1, Drive v3 and Directory v1,
 * and what the files of this folder give each other. Everything is straight-line and runs on any of core's job threads.
 *
 * Every call acts as somebody: the user whose mailbox or drive it is, or the administrator of the grant. State that outlives
 * a call is the locks around the shared drives of ours, the list of exports that Google still prepares, and the organisation's own domains. Sources: the discovery documents of the three interfaces; see README.md. */
#ifndef CONNECTORS_GOOGLE_GOOGLE_H
#define CONNECTORS_GOOGLE_GOOGLE_H

#include "connectors/notice.h"
#include "connectors/outside.h"

#include <pthread.h>

#define GOOGLE_URL_MAX 32768
#define GOOGLE_QUARANTINE "sekisho-quarantine" /* the label of a mailbox, the shared drive */
#define GOOGLE_TRANSIT GOOGLE_QUARANTINE "-transit" /* the shared drive on the way there */
#define GOOGLE_FOLDER "application/vnd.google-apps.folder"
#define EXPORTS_MAX 32

/* An export under way: Google makes a new one for each request, so the one that was begun is remembered. */
struct export {
	char key[80];        /* digest of file, version and type */
	char operation[256];
	int64_t begun_at;
};

struct connection {
	struct api api;
	const char *gmail, *drive, *directory; /* the endpoints */
	const char *admin; /* the administrator's address */
	int page_size;     /* 0: each list's own */
	pthread_mutex_t place_lock;   /* finding or making the shared drives; held over a few calls */
	pthread_mutex_t transit_lock; /* the transit drive, its members, and the flag; taken before place_lock */
	bool transit_settled;         /* nobody is in it and nothing lies in it */
	struct own_domains domains;
	pthread_mutex_t exports_lock;
	struct export exports[EXPORTS_MAX];
};

/* ---- calls (call.c) ---- */

#define gmail_url(c, url, err, pattern, ...) url_make(url, err, (c)->gmail, "/gmail/v1/users/me" pattern, __VA_ARGS__)
#define drive_url(c, url, err, pattern, ...) url_make(url, err, (c)->drive, "/drive/v3" pattern, __VA_ARGS__)
#define directory_url(c, url, err, pattern, ...) \
	url_make(url, err, (c)->directory, "/admin/directory/v1" pattern, __VA_ARGS__)

struct google_call {
	const char *method; /* NULL: GET */
	const char *url;
	const char *as;     /* the address to act as */
	const cJSON *json;
	const struct buf *body; /* instead of json, with its type */
	const char *type;
	struct content *content;
	size_t max_body;
};

/* api_json(), api_download() as somebody. Errors carry Google's reason in the message. */
int google_json(struct connection *c, const struct google_call *call, cJSON **ret_doc, struct err *err);
int google_get(struct connection *c, const char *as, const char *url, cJSON **ret_doc, struct err *err);
int google_download(struct connection *c, const struct google_call *call, struct http_response *ret, struct err *err);
/* The token of the page behind this one, in place of what token holds. 1, or 0: this is the last. */
int google_next(const cJSON *doc, struct buf *token, struct err *err);
/* The hook of struct api. */
void google_refine(const struct http_response *r, const cJSON *doc, struct err *err);

/* Codes of class REMOTE beside those of connector.h. */
#define GOOGLE_MALWARE "malware"              /* Google refuses the download */
#define GOOGLE_PRECONDITION "precondition"    /* Gmail's way to say that a user has no mailbox */

/* No answer about the thing asked for: it has to be asked again, or the grant has to be mended. */
bool err_passing(const struct err *err);
/* The provider understood and will not do it: forbidden, invalid, not offered. */
bool err_refused(const struct err *err);
/* The thing asked for is not there, or not for who asked. */
bool err_not_there(const struct err *err);
/* Nobody can act as that user: deleted, suspended or renamed. */
bool err_no_user(const struct err *err);
bool same_address(const char *a, const char *b);
/* Does a list of strings hold s? */
bool list_has(const cJSON *list, const char *s);
int list_add(cJSON *list, const char *s); /* once; -1 when memory ran out */

/* ---- page tokens in cursors (feed.c) ---- */

struct feed {
	cJSON *cursor; /* owned */
	struct item_page *page;
};

/* Reads req->cursor; *ret_mode is "list", "feed", or NULL for the first time. Errors: CURSOR. */
int feed_open(struct feed *f, const struct poll_request *req, struct item_page *page, const char **ret_mode, struct err *err);
void feed_close(struct feed *f);
#define _cleanup_feed_ _cleanup_(feed_close)
/* The page's cursor from f->cursor. */
int feed_put(struct feed *f, bool more, bool listing, struct err *err);
/* Goes to another page of the same list: its token, or NULL for the list's end. Errors: CURSOR "page_loop". */
int feed_next(struct feed *f, const char *token, struct err *err);
/* A page token was refused: begins its list anew, at most a few times. Returns 0 when the cursor now stands at the
 * beginning, -1 with CURSOR in err when it was tried before. */
int feed_again(struct feed *f, struct err *err);
int cursor_lost(struct err *err, const char *why);

/* ---- services ---- */

int streams_list(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err);
int grant_check(struct connection *c, struct grant_report *ret, struct err *err);
/* The scopes of the connection's services, with `comma` between them as the Admin console takes them. */
int grant_scopes(const struct connection *c, const char *comma, struct buf *ret);
/* A refusal of class CONSENT says what the administrator has to do: the scopes as the line to paste. Returns -1. */
int grant_explain(const struct connection *c, struct err *err);

/* An act beside containing: its receipts say "act": its name. As those of struct google_service. */
struct google_act {
	enum act_kind kind;
	const char *name; /* "tag" */
	int (*plan)(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
		const struct act_request *act, cJSON *receipt, struct err *err);
	int (*quarantine)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*restore)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*observe)(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
	bool held; /* the item itself is in quarantine then: it may be removed for good */
};

/* Chosen by the stream's remote id or the receipt's kind. The receipt comes parsed; quarantine and restore change it in place
 * into the one to keep. */
struct google_service {
	const char *receipt_kind; /* "mail", "file" */
	int (*poll)(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
		struct err *err);
	int (*open_content)(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
		struct content_info *ret, struct err *err);
	int (*describe)(struct connection *c, const cJSON *context, struct item *item, struct arena *arena,
		struct err *err);
	int (*plan)(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
		cJSON *receipt, struct err *err);
	int (*quarantine)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*restore)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*observe)(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
	int (*open_held)(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
		struct err *err);
	int (*remove)(struct connection *c, const cJSON *receipt, bool again, struct err *err);
	const struct google_act *const *acts; /* beside containing; ended by NULL */
};

extern const struct google_service google_mail, google_file;
extern const struct google_act mail_tag, mail_replace, file_tag, file_unshare, file_replace;

/* Who has access to a file now; fills ret. */
int file_sharing(struct connection *c, const cJSON *context, const char *id, struct sharing *ret, struct err *err);
int people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err);
/* The organisation's own domains, freed by the caller. Asked for once in a while. */
int own_domains(struct connection *c, cJSON **ret, struct err *err);
/* Is a scope missing that is not needed, or is it refused? */
bool err_optional(const struct err *err);

/* Is a domain user of that address or id: 0 and the record, 1 when there is none. fields: of the record. */
int directory_user(struct connection *c, const char *key, const char *fields, cJSON **ret, struct err *err);

/* ---- mail ---- */

int mail_bytes(struct connection *c, const char *user, const char *id, struct content *content, struct content_info *ret,
	struct err *err);
/* A code of Gmail's as core knows it. */
int mail_error(struct err *err);

/* All labels of the mailbox; *ret_labels lies in *ret_doc. */
int mail_labels(struct connection *c, const char *user, cJSON **ret_doc, const cJSON **ret_labels, struct err *err);
/* The one whose key ("id", "name") has the value, in any case; NULL. */
const cJSON *mail_label_find(const cJSON *labels, const char *key, const char *value);
/* The id of our label in the mailbox, added to ret. fresh: the remembered one is gone. user_id may be NULL. */
int mail_place(struct connection *c, const char *user, const char *user_id, bool fresh, struct buf *ret, struct err *err);

/* The id of a label that people see, made when there is none. */
int mail_tag_label(struct connection *c, const char *user, const char *name, struct buf *ret, struct err *err);

/* The message with its labels. Errors: GONE. */
int mail_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err);
/* POST …/trash, …/untrash or …/modify of it. body, ret may be NULL. */
int mail_post(struct connection *c, const cJSON *receipt, const char *pattern, const cJSON *body, cJSON **ret, struct err *err);
/* Adds and takes off, at most a hundred labels either way. */
int mail_modify(struct connection *c, const cJSON *receipt, const cJSON *add, const cJSON *remove, cJSON **ret, struct err *err);
/* Labels that come with what a message is; Gmail lets nobody add or remove them. */
bool mail_label_fixed(const char *label);

int mail_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err);
int mail_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err);
int mail_restore(struct connection *c, cJSON *receipt, bool again, struct err *err);
int mail_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
int mail_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err);
int mail_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err);

#endif
