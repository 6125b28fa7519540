/* The inner contract of the Microsoft connector: one opened connection, calls to Microsoft Graph v1.0, and what the files
 * of this folder give each other. Everything is straight-line, keeps no state between calls but the organisation's own domains, and runs on any of core's job
 * threads. Sources: Microsoft Graph reference and concepts; see README.md. */
#ifndef CONNECTORS_MICROSOFT_GRAPH_H
#define CONNECTORS_MICROSOFT_GRAPH_H

#include "connectors/notice.h"
#include "connectors/outside.h"

#define GRAPH_URL_MAX 32768
#define GRAPH_QUARANTINE "sekisho-quarantine" /* folder of a mailbox, folder of a drive */
#define GRAPH_IMMUTABLE "Prefer: IdType=\"ImmutableId\""

struct connection {
	struct api api;
	const char *graph;            /* the endpoint */
	const char *quarantine_owner; /* grant's option: who may look into the quarantine folders; NULL none */
	int page_size;                /* 0: each feed's own */
	struct own_domains domains;
};

/* ---- calls (graph.c) ---- */

/* url_make() below {graph}/v1.0. */
#define graph_url(c, url, err, pattern, ...) url_make(url, err, (c)->graph, "/v1.0" pattern, __VA_ARGS__)

struct graph_call {
	const char *method;   /* NULL: GET */
	const char *url;
	const char *prefer;   /* a whole header line; NULL none */
	const char *if_match; /* an eTag; NULL none */
	const cJSON *json;
	const char *text;     /* a body of plain text instead of json */
	struct content *content;
};

/* api_send(), api_json(), api_download() with Graph's headers. Errors carry Graph's code in the message. */
int graph_send(struct connection *c, const struct graph_call *call, struct http_response *ret, struct err *err);
int graph_json(struct connection *c, const struct graph_call *call, cJSON **ret_doc, struct err *err);
int graph_download(struct connection *c, const struct graph_call *call, struct http_response *ret, struct err *err);
int graph_check(struct connection *c, const struct http_response *r, struct err *err);
int graph_get(struct connection *c, const char *url, const char *prefer, cJSON **ret_doc, struct err *err);
/* "value" of a collection and its link to the next page (NULL at the end). Errors: REMOTE "bad_answer" when there is
 * no list, or the link is none of Graph's. */
int graph_list(struct connection *c, const cJSON *doc, cJSON **ret_value, const char **ret_next, struct err *err);
/* Is it a link into this API? Calls take links as they come and send them to the endpoint, whatever host they name. */
bool graph_link_ok(struct connection *c, const char *link);

/* The hook of struct api. */
void graph_refine(const struct http_response *r, const cJSON *doc, struct err *err);

/* Codes that graph_check() gives beside those of connector.h. */
#define GRAPH_MALWARE "malware"              /* Microsoft refuses the download: class REMOTE */
#define GRAPH_NAME_TAKEN "name_taken"        /* class CHANGED */
#define GRAPH_NO_STORAGE "quota"             /* class REMOTE */
#define GRAPH_UNSUPPORTED "unsupported"      /* class REMOTE: 405, 501 */

/* Was the call itself refused (400, 403, 404, 405, 501), as by a cloud, a licence or a proxy that has no such call? Whoever
 * can do without it goes on and says so. */
bool graph_refused(const struct err *err);

/* ---- delta feeds (feed.c) ---- */

struct feed {
	struct connection *c;
	cJSON *cursor;       /* owned */
	struct item_page *page;
	const char *prefer;  /* a whole header line */
	bool top_in_query;   /* $top may be added to links (drives; mail bakes it in) */
	int page_size;
	bool all;            /* everything of the backlog is wanted */
	bool listing;        /* what page->listing will be */
};

/* Reads req->cursor. */
int ms_feed_open(struct feed *f, struct connection *c, const struct poll_request *req, struct item_page *page,
	struct err *err);
void ms_feed_close(struct feed *f);
#define _cleanup_feed_ _cleanup_(ms_feed_close)

/* The page size to ask for: `usual`, or less after time-outs. */
int ms_feed_top(const struct feed *f, int usual);
/* Fetches the cursor's link, or `start` when there is none. Returns 0 with the document; 1 when the page is empty and
 * already complete (another place to start from, a smaller page size): return it; -1 on errors. probe: what answers 404
 * when the stream itself is gone, to tell it from a lost place. */
int ms_feed_fetch(struct feed *f, const char *start, const char *probe, cJSON **ret_doc, struct err *err);
/* Which entries of a page come again further down it: the last occurrence counts. ret is freed by the caller. */
int ms_feed_repeats(const cJSON *value, bool **ret, struct err *err);
/* After the items were read: takes the next or last link of the document into the page's cursor. */
int ms_feed_finish(struct feed *f, const cJSON *doc, struct err *err);
/* The page's cursor from f->cursor. */
int ms_feed_put(struct feed *f, bool more, struct err *err);

/* ---- services ---- */

int ms_streams_list(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err);
int ms_grant_check(struct connection *c, struct grant_report *ret, struct err *err);
int ms_people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err);
/* The verified domains, freed by the caller. Asked for once in a while. */
int ms_own_domains(struct connection *c, cJSON **ret, struct err *err);

/* An act beside containing: its receipts say "act": its name. As those of struct graph_service. */
struct graph_act {
	enum act_kind kind;
	const char *name; /* "tag" */
	int (*plan)(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
		const struct act_request *act, cJSON *receipt, struct err *err);
	int (*quarantine)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*restore)(struct connection *c, cJSON *receipt, bool again, struct err *err);
	int (*observe)(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
	bool held; /* the item itself is in quarantine then: it may be removed for good */
};

/* What a service of Microsoft 365 does; chosen by the stream's remote id or the receipt's kind. The receipt comes parsed;
 * quarantine and restore change it in place into the one to keep. */
struct graph_service {
	const char *stream_prefix; /* "mail/" */
	const char *receipt_kind;  /* "mail" */
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
	int (*remove)(struct connection *c, const cJSON *receipt, bool again, struct err *err); /* NULL: unsupported */
	const struct graph_act *const *acts; /* beside containing; ended by NULL */
};

extern const struct graph_service graph_mail, graph_drive, graph_channel, graph_chat;

/* ---- mail ---- */

/* Key of a mailbox's quarantine place. */
int ms_mail_place_key(struct buf *out, const char *user);
/* Is this mailFolder ours? place: id of the known one, "" when not known. */
bool ms_mail_folder_is_ours(const cJSON *folder, const char *place);
/* The id of the mailbox's quarantine folder, made when there is none. fresh: the remembered one is no use. */
int ms_mail_place(struct connection *c, const char *user, bool fresh, struct buf *ret, struct err *err);

/* ---- drives ---- */

/* What an item's content is at: cTag, else "etag:…" or "xor:…:size". In the arena. */
const char *ms_drive_version(struct arena *a, const cJSON *item);
/* Is the item's content still what `version` says? */
bool ms_drive_version_is(const cJSON *item, const char *version);
int ms_drive_item_get(struct connection *c, const char *drive, const char *id, cJSON **ret, struct err *err);
/* Who has access to a file now; fills ret. */
int ms_drive_sharing(struct connection *c, const char *drive, const char *id, struct sharing *ret, struct err *err);
/* "/a/b" of a parentReference. */
const char *ms_drive_path(struct arena *a, const cJSON *item);
/* The id of the drive's quarantine folder as it is remembered; nothing when it is not. */
int ms_drive_place_known(struct connection *c, const char *drive, struct buf *ret_id, struct err *err);
/* The id of the drive's quarantine folder, made when there is none; note: how its inheritance stands. */
int ms_drive_place(struct connection *c, const char *drive, bool fresh, struct buf *ret_id, struct buf *ret_note,
	struct err *err);

#endif
