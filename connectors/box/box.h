/* The inner contract of the Box connector: calls that act as a user, and what its files give each other. Straight-line,
 * without state between calls; any of core's job threads. Sources: Box API reference 2024.0 and guides; see README.md. */
#ifndef CONNECTORS_BOX_BOX_H
#define CONNECTORS_BOX_BOX_H

#include "connectors/common.h"

#include <pthread.h>

#define BOX_QUARANTINE "sekisho-quarantine" /* folder of the service account */
#define BOX_TRANSIT "sekisho-quarantine-transit" /* another, which its owner enters for the moment of a move */
#define BOX_SHIELD "Box Shield"              /* who says that a file is malware */
#define BOX_FIELDS                                                                                                   \
	"id,type,name,size,sha1,etag,file_version,parent,path_collection,owned_by,shared_link,item_status,lock,"     \
	"modified_at,trashed_at,tags,has_collaborations,is_accessible_via_shared_link"

struct connection {
	struct api api;
	const char *base; /* endpoint "api" */
	const char *upload; /* endpoint "upload" */
	struct box_people *people; /* who belongs to the enterprise, read now and then (people.c) */
	pthread_mutex_t people_lock;
	/* Held while a user is in the transit folder: files pass it one at a time. */
	pthread_mutex_t door;
};

/* url_make() below {api}/2.0. */
#define box_url(c, url, err, pattern, ...) url_make(url, err, (c)->base, "/2.0" pattern, __VA_ARGS__)

struct box_call {
	const char *method; /* NULL: GET */
	const char *url;
	const char *user;   /* as-user; NULL or "": the service account itself */
	const char *if_match;
	const cJSON *json;
	const void *body; /* in place of json */
	size_t body_len;
	const char *content_type;
	struct content *content;
};

/* Errors carry Box's code in the message; beside connector.h's codes: CHANGED "name_taken", CHANGED "already_there", REMOTE "policy" (a Shield
 * rule refuses), RETRY "busy_tree". ret_doc NULL: the body does not matter. */
int box_json(struct connection *c, const struct box_call *call, cJSON **ret_doc, struct err *err);
int box_get(struct connection *c, const char *url, const char *user, cJSON **ret_doc, struct err *err);
int box_download(struct connection *c, const struct box_call *call, struct http_response *ret, struct err *err);
/* Box does not do what was asked, and asking again changes nothing: not allowed, not there, not offered. */
bool box_refused(const struct err *err);
void box_refine(const struct http_response *r, const cJSON *doc, struct err *err);

/* The file with BOX_FIELDS; an answer about another one is REMOTE "bad_answer". */
int box_file(struct connection *c, const char *id, const char *user, cJSON **ret, struct err *err);
/* Fills *ret from a file's JSON; reader: as whom it was seen, who stands for an owner that Box does not name. -1 with
 * REMOTE "bad_answer". */
int box_item(struct arena *a, const cJSON *file, const char *reader, struct item *ret, struct err *err);
/* "/a/b" of path_collection, without the root. */
const char *box_path(struct arena *a, const cJSON *file);

/* After a 403 to a call as user, which *err holds: 1 when it concerns that one thing only (or a user who is not the
 * enterprise's or not active), -1 when nothing at all may be done as this user any more, with CONSENT and scope
 * connection, or when that cannot be told now. Without this, a shrunk grant would look like an empty feed. */
int box_refused_alone(struct connection *c, const char *user, struct err *err);

/* Ids are digits; anything else reaches no header. */
bool box_is_id(const char *id);

/* A page of the managed users with id, login, name and status. cursor NULL: the first; *ret_next: of the next, empty at the
 * end. */
int box_users(struct connection *c, const char *cursor, int limit, cJSON **ret_doc, struct buf *ret_next, struct err *err);

/* ---- people.c ---- */

void box_people_free(struct box_people *p);
/* Does the address belong to the enterprise: one of its users', or of a domain of theirs that is not a public mail
 * service's? Errors: REMOTE "forbidden" without manage_managed_users. */
int box_inside(struct connection *c, const char *address, bool *ret, struct err *err);
int box_list_people(struct connection *c, const char *cursor, struct people_page *ret, struct err *err);

/* ---- sharing.c ---- */

int box_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err);
/* What a file's JSON tells of its sharing, in the arena; people: what was seen of its collaborations, NULL when nobody looked. */
const char *box_sharing_mark(struct arena *a, const cJSON *file, const char *people);
/* A number for who collaborates and how, whatever the order. */
uint64_t box_people_hash(const cJSON *collaborations);

/* Did we leave this file in another one's place, and nobody wrote to it since? (notice.c) */
int box_is_notice(struct connection *c, const cJSON *file, bool *ret, struct err *err);

/* The contract's functions, by file. */
int box_check_grant(struct connection *c, struct grant_report *ret, struct err *err);
int box_list_streams(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err);
int box_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err);
int box_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err);
int box_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err);
int box_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err);
int box_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err);
int box_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err);
int box_remove(struct connection *c, const char *receipt, bool again, struct err *err);
int box_content(struct connection *c, const char *id, const char *version, const char *user, struct content *content,
	struct content_info *ret, struct err *err);

#endif
