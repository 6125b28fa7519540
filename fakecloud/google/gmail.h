/* The Gmail half: a mailbox, its messages, labels, threads and history. Ids and history numbers are those of
 * the real API in form: 16 hex digits, and one rising uint64 of the mailbox. */
#ifndef FAKECLOUD_GOOGLE_GMAIL_H
#define FAKECLOUD_GOOGLE_GMAIL_H

#include "fakecloud/google/google.h"

enum gm_system {
	GM_INBOX,
	GM_SENT,
	GM_DRAFT,
	GM_SPAM,
	GM_TRASH,
	GM_UNREAD,
	GM_STARRED,
	GM_IMPORTANT,
	GM_CHAT,
	GM_CATEGORY_PERSONAL,
	GM_CATEGORY_SOCIAL,
	GM_CATEGORY_PROMOTIONS,
	GM_CATEGORY_UPDATES,
	GM_CATEGORY_FORUMS,
	GM_SYSTEM_COUNT,
};

struct gm_label {
	char id[32];
	char *name;
	const char *list_visibility, *message_visibility; /* static words */
	char *background, *text;			  /* colours, NULL when unset */
	bool system, gone;
};

struct gm_thread;

struct gm_message {
	char id[20];
	struct gm_box *box;
	struct gm_thread *thread;
	struct fc_blob *blob;
	unsigned *labels; /* indices into box->labels, in the order they were set */
	size_t nlabels;
	int64_t date; /* internalDate */
	uint64_t history;
	char *subject, *from, *to, *cc, *message_id, *references; /* decoded; NULL when missing */
	char *snippet;						  /* made on first demand */
	int has_attachment;					  /* -1: not looked at yet */
	bool gone;
};

struct gm_thread {
	char id[20];
	struct gm_message **messages;
	size_t n;
};

enum gm_event { GM_ADDED = 1, GM_DELETED = 2, GM_LABELED = 4, GM_UNLABELED = 8 };

struct gm_history {
	uint64_t id;
	enum gm_event what;
	struct gm_message *message;
	unsigned *labels; /* of the message afterwards */
	size_t nlabels;
	unsigned *changed; /* added or removed ones */
	size_t nchanged;
};

struct gm_box {
	struct gg_user *user;
	struct gm_label **labels;
	size_t nlabels;
	unsigned next_label;
	struct gm_message **messages; /* those gone stay, marked */
	size_t nmessages;
	bool sorted; /* newest first, by (date, id) */
	struct map by_id, by_message_id, threads;
	struct gm_history *history;
	size_t nhistory;
	uint64_t history_id, history_floor; /* start ids below the floor are lost */
};

/* gmail_box.c */
struct gm_box *gm_box_new(struct gg_user *user);
struct gm_message *gm_message_add(struct gm_box *box, const char *id, struct fc_blob *blob, int64_t date,
	struct gm_thread *thread);	     /* without labels and history yet: gm_message_begin() follows */
void gm_message_begin(struct gm_message *m); /* its history starts: messageAdded */
void gm_message_delete(struct gm_message *m);
bool gm_has(const struct gm_message *m, unsigned label);
void gm_label_set(struct gm_message *m, unsigned label); /* without history */
/* Adds and removes, with history records for what really changed. */
void gm_relabel(
	struct gm_message *m, const unsigned *add, size_t nadd, const unsigned *remove, size_t nremove);
int gm_label_find(const struct gm_box *box, const char *id);	    /* index, -1 */
int gm_label_find_name(const struct gm_box *box, const char *name); /* any case */
unsigned gm_label_add(
	struct gm_box *box, const char *name, const char *list_visibility, const char *message_visibility);
void gm_sort(struct gm_box *box);
struct gm_message *gm_message_find(const struct gm_box *box, const char *id);
struct gm_thread *gm_thread_find(const struct gm_box *box, const char *id);
void gm_history_lose(struct gm_box *box);
size_t gm_thread_size(const struct gm_thread *t); /* without those gone */

/* gmail_mime.c */
struct gm_header {
	const char *name, *value; /* unfolded, encoded words decoded */
};
struct gm_part {
	struct gm_header *headers;
	size_t nheaders;
	const char *type;     /* lower case */
	const char *filename; /* "" when none */
	const char *charset, *encoding;
	const char *body; /* still encoded */
	size_t body_len;
	const char *id; /* "", "0", "1.2" */
	struct gm_part *child, *next;
};
struct gm_part *gm_mime_parse(struct arena *a, const char *data, size_t len);
const char *gm_part_header(const struct gm_part *p, const char *name); /* NULL */
int gm_part_decode(const struct gm_part *p, struct buf *out);
bool gm_part_inline(const struct gm_part *p); /* its text comes along in payload.body.data */
/* The header block alone: for seeding. Fills the message's subject and so on. */
void gm_headers_read(struct gm_message *m);
char *gm_snippet(struct arena *a, struct gm_part *root); /* malloc'ed */
int gm_date_parse(const char *text, int64_t *ret_ms);	 /* RFC 5322 */

/* gmail_query.c */
struct gm_query;
struct gm_query *gm_query_parse(struct arena *a, struct gm_box *box, const char *text);
bool gm_query_match(struct arena *a, const struct gm_query *q, struct gm_message *m);
bool gm_query_spam_trash(const struct gm_query *q); /* asks for spam or trash by itself */

/* gmail_read.c */
struct gm_box *gm_open(struct gg_call *c); /* the mailbox of userId, or NULL after an error was answered */
struct gm_message *gm_message_of(struct gg_call *c, struct gm_box *box, const char *id);
cJSON *gm_message_json(struct gg_call *c, struct gm_message *m, const char *format, const struct mask *mask);
cJSON *gm_message_short(const struct gm_message *m, bool labels);
int gm_format_check(struct gg_call *c, const char **ret_format, bool raw_allowed);
void gm_add_labels(cJSON *o, const char *name, const struct gm_box *box, const unsigned *labels, size_t n);
int gm_message_data(const struct gm_message *m, struct buf *out);
/* A listing's parameters, taken once for messages and threads. */
struct gm_listing {
	int *labels;
	size_t nlabels;
	struct gm_query *query;
	bool spam_trash;
	int max;
	int64_t after_date; /* page token: those behind (date, id) */
	const char *after_id;
};
int gm_listing_read(struct gg_call *c, struct gm_box *box, struct gm_listing *ret);
bool gm_listing_takes(struct gg_call *c, const struct gm_listing *l, struct gm_message *m);
bool gm_listing_behind(const struct gm_listing *l, int64_t date, const char *id);
/* gmail_write.c: label ids of a body's array, or -1 after an error was answered */
int gm_labels_of(struct gg_call *c, struct gm_box *box, const char *key, bool reserved_too, unsigned **ret,
	size_t *ret_n);
int gm_trash_one(struct gm_message *m);
void gm_untrash_one(struct gm_message *m);

int gm_profile(struct gg_call *c);
int gm_messages_list(struct gg_call *c);
int gm_messages_get(struct gg_call *c);
int gm_attachments_get(struct gg_call *c);
int gm_messages_insert(struct gg_call *c);
int gm_messages_import(struct gg_call *c);
int gm_messages_modify(struct gg_call *c);
int gm_messages_batch_modify(struct gg_call *c);
int gm_messages_batch_delete(struct gg_call *c);
int gm_messages_trash(struct gg_call *c);
int gm_messages_untrash(struct gg_call *c);
int gm_messages_delete(struct gg_call *c);
int gm_labels_list(struct gg_call *c);
int gm_labels_get(struct gg_call *c);
int gm_labels_create(struct gg_call *c);
int gm_labels_update(struct gg_call *c);
int gm_labels_patch(struct gg_call *c);
int gm_labels_delete(struct gg_call *c);
int gm_history_list(struct gg_call *c);
int gm_watch(struct gg_call *c);
int gm_stop(struct gg_call *c);
int gm_threads_list(struct gg_call *c);
int gm_threads_get(struct gg_call *c);
int gm_threads_modify(struct gg_call *c);
int gm_threads_trash(struct gg_call *c);
int gm_threads_untrash(struct gg_call *c);
int gm_settings(struct gg_call *c);
int gm_filters_get(struct gg_call *c);

#endif
