/* The Microsoft stand-in's state: tenants with users, mailboxes, drives, sites and Teams; and the containers that it is
 * made of. State lock held wherever it is touched (microsoft.h). */
#ifndef FAKECLOUD_MICROSOFT_STATE_H
#define FAKECLOUD_MICROSOFT_STATE_H

#include "fakecloud/fc.h"

/* ---- containers (util.c) ---- */

struct ms_vec {
	void **v;
	size_t n, cap;
};

void ms_vec_add(struct ms_vec *vec, void *p);
void ms_vec_remove(struct ms_vec *vec, const void *p); /* keeps the order */

/* Strings to pointers; keys are copied. */
struct ms_map {
	struct ms_map_slot {
		char *key;
		void *value;
	} *slots;
	size_t n, cap; /* n counts emptied slots too */
};

void *ms_map_get(const struct ms_map *map, const char *key);
void ms_map_put(struct ms_map *map, const char *key, void *value); /* NULL takes it away */

void *ms_alloc(size_t size); /* zeroed; aborts when memory ran out */
char *ms_strdup(const char *s);
char *ms_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- ids (util.c): each from words, so that seeded things keep theirs; NULL words: random ---- */

char *ms_guid(const char *const *words);
char *ms_mail_id(const char *prefix, const char *const *words); /* Exchange-like: base64url, case-sensitive */
char *ms_item_id(const char *const *words);                      /* "01" and 32 of A-Z2-7 */
char *ms_drive_id(const char *const *words);                     /* "b!" and base64url */
#define MS_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- state ---- */

struct ms_user {
	char *id, *upn, *display, *given, *surname;
	struct ms_tenant *tenant;
	struct ms_mailbox *box; /* NULL: no licence */
	struct ms_drive *drive; /* NULL: no licence */
	struct ms_site *site;   /* the personal one, NULL: no licence */
	const char *title, *department; /* NULL none */
	const cJSON *aliases;           /* further addresses; NULL none */
	int64_t created;
};

/* One change that a feed delivers: the object, and the id it had there when it left. */
struct ms_change {
	void *what;
	char *gone_id; /* the regular id of a message that left the folder */
	char kind;     /* 'c' created or came, 'u' updated, 'd' left or deleted, 's' sharing changed */
	bool soft;     /* a deletion that can be undone */
	int64_t at;
};

struct ms_mailbox {
	struct ms_user *user;
	struct ms_folder *root; /* msgfolderroot */
	struct ms_vec folders;  /* all, deleted ones too */
	struct ms_vec log;      /* struct ms_change of folders */
	struct ms_map by_id;    /* messages, by regular and immutable id */
	struct ms_map folder_by_id;
	uint64_t next_message;
};

struct ms_folder {
	char *id, *name;
	const char *well_known; /* NULL for users' own */
	struct ms_mailbox *box;
	struct ms_folder *parent;
	bool hidden, deleted;
	struct ms_vec children, messages;
	struct ms_vec log; /* struct ms_change of messages */
};

struct ms_message {
	char *immutable, *id;
	struct ms_mailbox *box;
	struct ms_folder *folder; /* NULL once it is gone for good */
	struct fc_blob *blob;
	cJSON *meta; /* from the headers, made on demand */
	uint64_t number; /* in its mailbox: breaks ties of time */
	int64_t created, modified, received;
	unsigned moves, changes;
	struct ms_vec categories;
	bool is_read, is_draft;
	const char *flag, *importance, *inference;
	signed char attachments; /* hasAttachments: -1 not looked yet */
};

struct ms_perm {
	char *id;
	struct ms_user *user; /* or: */
	char *email, *group;  /* somebody outside; a group of the site */
	char *link_type, *link_scope, *link_url, *share_id; /* of a link */
	struct ms_vec people; /* of a link with scope users: addresses */
	const char *role;     /* read, write, owner */
	char *expires;
	bool password, prevents_download;
};

struct ms_version {
	struct fc_blob *blob;
	unsigned number;
	int64_t modified;
	const struct ms_user *by; /* NULL: the app */
};

struct ms_item {
	char *id, *guid, *name;
	struct ms_drive *drive;
	struct ms_item *parent; /* NULL for the root; of a deleted one: where it was */
	bool folder, deleted, malware, checked_out, inheritance_broken;
	struct ms_vec children;
	struct ms_vec versions; /* struct ms_version, oldest first; of files */
	struct ms_vec perms;    /* direct ones */
	int64_t size, created, modified, fs_created, fs_modified, changed, deleted_at;
	unsigned etag, ctag;
	const struct ms_user *created_by, *modified_by; /* NULL: the app */
	char *description, *mime;
};

struct ms_drive {
	char *id, *name, *web_url, *list_id;
	const char *type; /* business, documentLibrary */
	struct ms_tenant *tenant;
	struct ms_user *owner; /* of business */
	struct ms_site *site;
	struct ms_item *root;
	struct ms_vec items; /* all, deleted ones too, in the order they came */
	struct ms_vec log;   /* struct ms_change */
	int64_t created;
};

struct ms_site {
	char *id, *guid, *web_guid, *name, *web_url;
	struct ms_tenant *tenant;
	struct ms_user *person; /* of a personal site */
	struct ms_vec drives;
	int64_t created;
	bool root;
};

struct ms_team {
	char *id, *name, *nick;
	struct ms_tenant *tenant;
	struct ms_site *site;
	struct ms_vec channels, members;
	int64_t created;
};

/* A channel or a chat. */
struct ms_thread {
	char *id, *name;
	struct ms_tenant *tenant;
	struct ms_team *team;  /* NULL: a chat */
	struct ms_vec members; /* of a chat */
	struct ms_vec posts;   /* top-level ones */
	struct ms_vec log;
	struct ms_map ids; /* of posts and replies */
	int64_t created;
};

struct ms_post {
	char *id, *body, *subject;
	struct ms_thread *thread;
	struct ms_post *parent;
	struct ms_user *from;
	struct ms_vec replies;
	struct ms_vec hosted; /* struct ms_hosted */
	cJSON *attachments, *policy;
	int64_t created, modified;
};

struct ms_hosted {
	char *id, *type;
	struct fc_blob *blob;
};

struct ms_upload {
	char *id, *name;
	struct ms_drive *drive;
	struct ms_item *parent, *item; /* item: NULL for a new name */
	const char *conflict;
	struct buf data;
	int64_t total, expires, fs_created, fs_modified;
	unsigned item_etag;
	bool done;
};

/* A copy that runs "in the background": finished at once, reported as such from the second look on. */
struct ms_job {
	char *id, *result, *code, *message;
	int looks;
};

struct ms_tenant {
	const char *name;
	char *domain, *directory, *client_id, *secret, *display, *host, *my_host;
	struct fc_keypair *key;
	char roles[1536];
	bool revoked;
	int page_size;  /* 0: the provider's own */
	int64_t epoch;  /* cursors of an earlier one are lost */
	int64_t created;
	cJSON *settings;              /* of the seed; lives as long as the tenant */
	struct ms_vec groups;         /* struct ms_team of those that are no teams: name, nick, members alone */
	struct ms_vec users, sites, drives, teams, chats, subscriptions, uploads, jobs;
	struct ms_vec installs; /* struct ms_install of app.h */
	struct ms_map items, drive_by_id;
};

#endif
