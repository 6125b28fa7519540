/* The Box provider's inner contract: its state, and what its files give one another.
 *
 * Everything here runs with fakecloud's state lock held and lives as long as the process. Numeric ids are
 * unique in a tenant over all kinds of objects; id 0 is each user's own root folder and stands in no table.
 * Times are ms since the epoch. Running out of memory ends the process, as everywhere in fakecloud. Source:
 * the Box Platform API 2024.0 (OpenAPI) and Box's guides to events, uploads, downloads and JWT. */
#ifndef FAKECLOUD_BOX_H
#define FAKECLOUD_BOX_H

#include "fakecloud/fc.h"
#include "fakecloud/map.h"

enum bx_kind { BX_FILE, BX_FOLDER, BX_USER, BX_GROUP, BX_COLLAB, BX_OTHER };

/* What a user may do with an item; roles of collaborations are sets of these. */
#define BX_VIEW 1u
#define BX_DOWNLOAD 2u
#define BX_UPLOAD 4u
#define BX_EDIT 8u   /* rename, move, new version, lock, delete */
#define BX_SHARE 16u /* shared links */
#define BX_INVITE 32u
#define BX_OWN 64u

/* A growing array of pointers. */
struct bx_list {
	void **at;
	size_t n, cap;
};

struct bx_user {
	enum bx_kind kind;
	uint64_t id;
	struct bx_tenant *tenant;
	char *name, *login, *external_id, *job_title, *phone, *address, *language, *timezone;
	const char *role;   /* admin, coadmin, user */
	const char *status; /* active, inactive */
	bool service;	    /* the application's own account */
	bool app_user;	    /* is_platform_access_only */
	bool deleted;
	int64_t created_at, modified_at;
	int64_t space_amount;
	struct bx_item *root;
	struct bx_list collabs; /* struct bx_collab: granted to this user directly */
	struct bx_list groups;	/* struct bx_member */
	struct bx_list recent;	/* struct bx_item, latest last */
};

struct bx_version {
	uint64_t id;
	struct fc_blob *blob;
	char *name;
	unsigned number;
	int64_t created_at, modified_at, ready_at;
	int64_t trashed_at, restored_at;
	struct bx_user *modified_by, *trashed_by, *restored_by;
};

struct bx_link {
	char token[33];
	const char *access;
	char *password, *vanity;
	int64_t unshared_at;
	bool can_download, can_edit;
	unsigned downloads;
};

struct bx_lock {
	uint64_t id;
	struct bx_user *by;
	int64_t created_at, expires_at;
	bool no_download;
};

/* One metadata instance on an item. */
struct bx_instance {
	struct bx_template *template;
	char id[37];
	int version;
	cJSON *values;
};

struct bx_item {
	enum bx_kind kind;
	uint64_t id;
	struct bx_tenant *tenant;
	struct bx_user *owner;
	struct bx_item *parent; /* NULL for a root folder only; kept while in the trash */
	char *name, *description;
	uint32_t name_hash; /* of the name in lower case */
	size_t slot;	    /* place in the parent's children */
	unsigned etag, sequence;
	int64_t created_at, modified_at, content_created_at, content_modified_at;
	struct bx_user *created_by, *modified_by;
	int64_t trashed_at; /* 0 when not itself put into the trash */
	struct bx_user *trashed_by;
	bool gone; /* deleted for good */
	bool malware;
	bool restrict_invites; /* folders: can_non_owners_invite false */
	struct bx_link *link;
	struct bx_lock *lock;
	cJSON *tags;
	struct bx_list children;  /* struct bx_item, folders */
	struct bx_list versions;  /* struct bx_version, files, the current one last */
	struct bx_list collabs;	  /* struct bx_collab on this item */
	struct bx_list instances; /* struct bx_instance */
};

struct bx_collab {
	enum bx_kind kind;
	uint64_t id;
	struct bx_item *item;
	struct bx_user *user; /* or group, or an address that is no user's */
	struct bx_group *group;
	char *email;
	const char *role;
	const char *status; /* accepted, pending, rejected */
	bool access_only, view_path;
	int64_t created_at, modified_at, acknowledged_at, expires_at;
	struct bx_user *created_by;
	bool gone;
};

struct bx_member {
	enum bx_kind kind;
	uint64_t id;
	struct bx_user *user;
	struct bx_group *group;
	const char *role; /* member, admin */
	int64_t created_at, modified_at;
	bool gone;
};

struct bx_group {
	enum bx_kind kind;
	uint64_t id;
	char *name, *description, *provenance, *external_id;
	const char *invitability, *viewability;
	int64_t created_at, modified_at;
	struct bx_list members, collabs;
	bool gone;
};

struct bx_template {
	char id[37];
	char *scope, *key, *display;
	bool hidden, copy_instance;
	cJSON *fields; /* as they are given out */
	bool gone;
};

/* One happening. Which feeds show it: the enterprise's when `admin` is set, the users' when `own` is. */
struct bx_event {
	int64_t at;
	const char *admin, *own; /* event types, or NULL */
	struct bx_item *item;
	struct bx_user *by, *user; /* user: about a user instead of an item */
	struct bx_user **seen_by;  /* who could see it, NULL for the item's owner alone; ended by NULL */
	uint64_t id;
	cJSON *details;
	char *name;		/* the item's name then, NULL when it is still the same */
	struct bx_item *parent; /* its parent then */
};

struct bx_webhook {
	uint64_t id;
	enum bx_kind target_kind;
	uint64_t target;
	char *address;
	cJSON *triggers;
	struct bx_user *by;
	int64_t created_at;
	bool gone;
};

struct bx_tenant {
	const char *name;
	char enterprise[16], client_id[33], client_secret[33], public_key_id[9];
	struct fc_keypair *key;
	struct bx_list users, groups, collabs, webhooks, templates, trash;
	struct map ids; /* decimal id -> the object; each begins with its enum bx_kind */
	struct bx_user *admin, *service;
	struct bx_list services; /* accounts of the operator's applications (consent.c) */
	struct bx_event *events;
	size_t n_events, cap_events;
	unsigned cursor_epoch;
	bool revoked, as_user, hard_delete;
	unsigned scopes;
	int page_size;
	int download_delay_s;
};

#define BX_SCOPE_READ 1u
#define BX_SCOPE_WRITE 2u
#define BX_SCOPE_USERS 4u
#define BX_SCOPE_GROUPS 8u
#define BX_SCOPE_WEBHOOK 16u
#define BX_SCOPE_ENTERPRISE 32u
#define BX_SCOPE_ALL 63u

/* One call: who acts, on what. */
struct bx_ctx {
	struct fc_request *req;
	struct fc_response *res;
	struct bx_tenant *t;
	struct bx_user *user;	   /* acted as */
	struct bx_user *principal; /* whose token it is */
	struct fc_token *token;
	const char *id[3]; /* the path's parameters, in order */
	const char *fields;
	const char *prefix; /* "/2.0" or "/api/2.0" */
};

/* ---- state.c ---- */
void *bx_alloc(size_t size);
char *bx_strdup(const char *s);
void bx_set(char **field, const char *value);
void bx_push(struct bx_list *list, void *p);
void bx_drop(struct bx_list *list, const void *p); /* keeps the order */
struct bx_list *bx_tenants(void);
struct bx_tenant *bx_tenant_new(const char *name);
struct bx_tenant *bx_tenant_of_client(const char *client_id);
struct bx_tenant *bx_tenant_named(const char *name);
uint64_t bx_new_id(void); /* for what an API call makes */
/* A stable id of 12 digits from words, free in the tenant. */
uint64_t bx_seed_id(struct bx_tenant *t, const char *what, const char *path);
void bx_register(struct bx_tenant *t, uint64_t id, void *object);
void bx_unregister(struct bx_tenant *t, uint64_t id);
void *bx_find(
	struct bx_tenant *t, const char *id, enum bx_kind kind); /* NULL when there is none of the kind */
struct bx_user *bx_user_new(struct bx_tenant *t, uint64_t id, const char *name, const char *login);
struct bx_user *bx_user_by_login(struct bx_tenant *t, const char *login);
struct bx_item *bx_item_new(struct bx_item *parent, enum bx_kind kind, uint64_t id, const char *name,
	struct bx_user *by, int64_t at);
struct bx_version *bx_version_add(
	struct bx_item *file, uint64_t id, struct fc_blob *blob, struct bx_user *by, int64_t at);
struct bx_version *bx_current(const struct bx_item *file);
struct bx_item *bx_child(const struct bx_item *folder, const char *name);
void bx_rename(struct bx_item *it, const char *name);
void bx_attach(struct bx_item *it, struct bx_item *parent);
void bx_detach(struct bx_item *it);
void bx_touch(struct bx_item *it, struct bx_user *by);	      /* etag, sequence, modified */
void bx_set_owner(struct bx_item *it, struct bx_user *owner); /* with everything below */
int64_t bx_size(const struct bx_item *it);
const char *bx_sha1(const struct bx_version *v);
bool bx_below(const struct bx_item *it, const struct bx_item *folder); /* or the folder itself */

/* ---- access.c ---- */
unsigned bx_role_rights(const char *role);
const char *bx_role_word(const char *role); /* the constant of that name, NULL when there is none */
unsigned bx_rights(const struct bx_user *user, const struct bx_item *it);
/* Does the user see the item, but not its parent: it lies in that user's root folder then. */
bool bx_shown_at_root(const struct bx_user *user, const struct bx_item *it);
bool bx_trashed(const struct bx_item *it); /* it or a folder above it */
/* Looks an item up and checks the rights; NULL after an error was answered. */
struct bx_item *bx_item_for(struct bx_ctx *c, const char *id, enum bx_kind kind, unsigned rights);
/* Answers 403 unless the item's lock (if any) lets the user change it. */
bool bx_lock_ok(struct bx_ctx *c, struct bx_item *it);
/* Answers 412 when If-Match was given and does not fit. */
bool bx_match_ok(struct bx_ctx *c, unsigned etag);
/* Answers 304 when If-None-Match fits. */
bool bx_not_modified(struct bx_ctx *c, unsigned etag);
bool bx_is_admin(const struct bx_ctx *c); /* may the caller manage the enterprise */
bool bx_need_admin(struct bx_ctx *c); /* the same; false: answered */
struct bx_collab *bx_collab_new(struct bx_item *it, struct bx_user *user, struct bx_group *group,
	const char *email, const char *role, struct bx_user *by, uint64_t id);
void bx_collab_end(struct bx_collab *k);
bool bx_collab_live(const struct bx_collab *k); /* neither removed nor run out */

/* ---- reply.c ---- */
cJSON *bx_error_doc(struct bx_ctx *c, int status, const char *code, const char *message, cJSON *info);
void bx_error(struct bx_ctx *c, int status, const char *code, const char *message);
void bx_error_info(struct bx_ctx *c, int status, const char *code, const char *message, cJSON *info);
/* context_info.errors with one entry. */
void bx_invalid(struct bx_ctx *c, int status, const char *code, const char *name, const char *message);
void bx_not_found(struct bx_ctx *c, enum bx_kind kind, const char *id);
void bx_forbidden(struct bx_ctx *c);
void bx_conflict(struct bx_ctx *c, struct bx_item *with);
void bx_unauthorized(struct bx_ctx *c);
void bx_insufficient_scope(struct bx_ctx *c, const char *scope);
void bx_none(struct bx_ctx *c);			       /* 204 */
void bx_str(cJSON *o, const char *key, const char *s); /* NULL gives null */
void bx_time(cJSON *o, const char *key, int64_t ms);   /* 0 gives null */
void bx_id(cJSON *o, const char *key, uint64_t id);
void bx_num(cJSON *o, const char *key, int64_t n);
char *bx_time_text(int64_t ms, char out[40]);
const char *bx_base(struct bx_ctx *c); /* "http://HOST" as the client knows it */
/* A JSON object body; NULL after 400 was answered. An empty body is an empty object when `optional`. */
cJSON *bx_body(struct bx_ctx *c, bool optional);
bool bx_truth(struct bx_ctx *c, const char *parameter);
/* Name rules of files and folders; answers 400 and returns false. */
bool bx_name_ok(struct bx_ctx *c, const char *name);

/* Paging, by offset or by marker. bx_page_get() answers 400 and returns -1 on a bad parameter. */
struct bx_page {
	int64_t limit;
	int64_t offset; /* by marker: the key that the marker holds */
	bool marker;
};
int bx_page_get(struct bx_ctx *c, int64_t standard, int64_t maximum, bool marker_only, struct bx_page *ret);
/* The collection of entries; total counts all. order may be NULL. */
cJSON *bx_page_doc(
	const struct bx_page *p, int64_t total, cJSON *entries, const char *order, const char *direction);
size_t bx_page_end(const struct bx_page *p, size_t total);
void bx_next_marker(cJSON *o, int64_t key);

/* ---- present.c, present_item.c ---- */
enum bx_shape { BX_MINI, BX_STANDARD };
cJSON *bx_user_mini(const struct bx_user *u);
cJSON *bx_user_json(const struct bx_user *u, const char *fields);
cJSON *bx_group_mini(const struct bx_group *g);
cJSON *bx_group_json(const struct bx_group *g, const char *fields);
cJSON *bx_collab_json(struct bx_ctx *c, const struct bx_collab *k, const char *fields);
cJSON *bx_version_mini(const struct bx_version *v);
cJSON *bx_version_json(const struct bx_item *file, const struct bx_version *v, const char *fields);
bool bx_wants(const char *fields, const char *name); /* is name in the list; NULL list: no */
/* fields: the list of the query, or NULL for the shape's own. */
cJSON *bx_item_json(struct bx_ctx *c, const struct bx_item *it, enum bx_shape shape, const char *fields);
cJSON *bx_trash_json(struct bx_ctx *c, const struct bx_item *it, const char *fields, bool restored);
/* One page of items as a collection; sorts the list and frees its memory. */
cJSON *bx_items_page(struct bx_ctx *c, struct bx_list *items, const struct bx_page *page, const char *fields);
/* What a user sees in a folder; the list's memory is the caller's. */
void bx_list_folder(const struct bx_user *user, const struct bx_item *folder, struct bx_list *ret);
/* The shared link, NULL when there is none or it has run out. */
const struct bx_link *bx_link_live(const struct bx_item *it);

/* ---- events.c ---- */
/* details is taken over. user is set for happenings about a user. */
void bx_event(struct bx_item *it, struct bx_user *by, const char *admin, const char *own, cJSON *details);
void bx_event_user(struct bx_user *about, struct bx_user *by, const char *admin, cJSON *details);
void bx_event_seed(struct bx_item *file, const char *admin, const char *own, int64_t at, cJSON *details);
void bx_events_sort(struct bx_tenant *t);
cJSON *bx_version_details(const struct bx_version *v);

/* ---- metadata.c, templates.c ---- */
#define BX_CLASSIFICATION "securityClassification-6VMVochwUWo"
void bx_templates_standard(struct bx_tenant *t);
struct bx_template *bx_template_get(struct bx_tenant *t, const char *scope, const char *key);
cJSON *bx_instance_json(const struct bx_item *it, const struct bx_instance *m);
struct bx_instance *bx_instance_of(const struct bx_item *it, const char *scope, const char *key);
cJSON *bx_classification(const struct bx_item *it); /* NULL when there is none */
void bx_instances_copy(const struct bx_item *from, struct bx_item *to);
/* Checks one value against its field. */
bool bx_value_ok(const struct bx_template *m, const char *key, const cJSON *value);

/* ---- seed.c ---- */
int bx_seed(const char *tenant, const char *dir);

/* ---- oauth.c, consent.c; grants in consent.h ---- */
void bx_oauth_token(struct fc_request *req, struct fc_response *res);
void bx_oauth_revoke(struct fc_request *req, struct fc_response *res);
void bx_oauth_authorize(struct fc_request *req, struct fc_response *res);
void bx_oauth_error(struct fc_response *res, int status, const char *error, const char *description);

/* ---- content.c ---- */
void bx_link_set(struct bx_ctx *c, struct bx_item *it, const cJSON *body); /* shared_link of a PUT */
bool bx_link_body_ok(struct bx_ctx *c, const struct bx_item *it, const cJSON *body);
void bx_download(struct fc_request *req, struct fc_response *res); /* the pre-authenticated address */
void bx_shared_page(struct fc_request *req, struct fc_response *res);
void bx_subscribe(struct fc_request *req, struct fc_response *res); /* long poll */
struct bx_item *bx_link_find(const char *token, struct bx_tenant *t);

/* ---- handlers of the routes; named as the operations ---- */
/* clang-format off */
#define BX_HANDLERS(X) \
	X(file_get) X(file_put) X(file_delete) X(file_copy) X(file_restore) X(file_trash_get) X(file_trash_delete) \
	X(content_get) X(file_collabs) X(file_comments) X(file_tasks) X(content_preflight) \
	X(content_post) X(content_new_version) X(version_preflight) \
	X(session_new) X(session_version) X(session_get) X(session_put) X(session_delete) X(session_parts) \
	X(session_commit) \
	X(versions_list) X(version_get) X(version_delete) X(version_put) X(version_promote) \
	X(folder_get) X(folder_items) X(folder_create) X(folder_put) X(folder_delete) X(folder_copy) \
	X(folder_restore) X(folder_trash_get) X(folder_trash_delete) X(trash_items) X(folder_collabs) \
	X(collab_get) X(collab_put) X(collab_delete) X(collab_post) X(collab_pending) \
	X(users_list) X(users_me) X(user_get) X(user_post) X(user_put) X(user_delete) X(user_transfer) \
	X(user_memberships) \
	X(groups_list) X(group_get) X(group_post) X(group_put) X(group_delete) X(group_members) X(group_collabs) \
	X(member_post) X(member_get) X(member_put) X(member_delete) \
	X(events_get) X(events_options) \
	X(hooks_list) X(hook_get) X(hook_post) X(hook_put) X(hook_delete) \
	X(templates_list) X(templates_global) X(templates_of_instance) X(template_get) X(template_by_id) \
	X(template_post) X(template_put) X(template_delete) \
	X(meta_list) X(meta_get) X(meta_post) X(meta_put) X(meta_delete) \
	X(search) X(recent) X(shared_item)
/* clang-format on */
#define X(name) void bx_do_##name(struct bx_ctx *c);
BX_HANDLERS(X)
#undef X

#endif
