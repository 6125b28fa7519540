/* fakecloud's Dropbox: a team without a shared team space. Each member has a home namespace; team folders are
 * namespaces of their own, mounted in the homes of their members.
 *
 * A namespace keeps one slot per path (lower case) that was ever used and a log of changes: an array of slots
 * in the order of their last change. A slot's older places in the log are void, so the log read from any
 * point gives the present state of all that changed since: listing a folder and following its changes are the
 * same walk.
 *
 * Everything runs with the state lock held, and nothing is ever freed. */
#ifndef FAKECLOUD_DROPBOX_DROPBOX_H
#define FAKECLOUD_DROPBOX_DROPBOX_H

#include "fakecloud/fc.h"
#include "fakecloud/map.h"

#define DBX_UPLOAD_MAX ((size_t)150 << 20)
#define DBX_LIST_MAX 2000
#define DBX_CHAIN_MAX 256

struct dbx_version {
	char rev[24];
	struct fc_blob *blob;
	int64_t client_modified, server_modified; /* ms, whole seconds */
	struct dbx_member *by;
	struct dbx_node *node;
	struct dbx_slot *slot;		   /* where it was written */
	struct dbx_version *older_of_node; /* newest first, across moves */
	struct dbx_version *older_of_slot; /* newest first, at this path */
	bool purged;
};

enum dbx_access { DBX_VIEWER, DBX_EDITOR, DBX_OWNER };

/* Access that a file or team folder was given to: a member of the team, or an address outside. */
struct dbx_grant {
	struct dbx_member *member; /* NULL: invited by address */
	const char *email;
	enum dbx_access access;
};

struct dbx_grants {
	struct dbx_grant *list;
	size_t count;
};

/* A file or folder, by id; it outlives its deletion. */
struct dbx_node {
	char id[32];
	const char *name;
	bool folder, live, malware;
	struct dbx_slot *slot; /* where it is, or was last */
	struct dbx_node *parent, *child, *next, *prev;
	struct dbx_ns *mount;	     /* a folder that is the mount point of a team folder */
	struct dbx_version *version; /* of a file */
	struct dbx_grants grants;    /* of a single file */
	cJSON *tags;
	struct dbx_member *lock;
	int64_t locked_at;
};

struct dbx_slot {
	struct dbx_ns *ns;
	const char *key;       /* path in lower case, "" for the root */
	const char *display;   /* as last written */
	const char *parent;    /* key of the parent */
	size_t seq;	       /* its only valid place in the log */
	struct dbx_node *node; /* live, or NULL */
	struct dbx_version *versions;
	int64_t deleted_at;
	bool purged; /* not even a deleted entry any more */
};

enum dbx_ns_kind { DBX_HOME, DBX_TEAM_FOLDER };

struct dbx_ns {
	struct dbx_team *team;
	char id[16]; /* digits */
	enum dbx_ns_kind kind;
	const char *name;
	struct dbx_member *owner; /* of a home */
	bool archived, gone;
	struct dbx_node *root;
	struct map slots;
	struct dbx_slot **log;
	size_t log_count, log_cap;
	struct dbx_grants grants; /* members of a team folder */
};

struct dbx_member {
	struct dbx_team *team;
	char team_member_id[48], account_id[41];
	const char *email, *given, *surname, *display;
	bool admin, suspended;
	int64_t joined_at;
	struct dbx_ns *home; /* NULL while suspended from the seed on */
	const cJSON *aliases; /* secondary addresses; from the seed, may be NULL */
};

struct dbx_link {
	const char *url;
	struct dbx_node *node;
	struct dbx_member *owner;
	const char *audience; /* "public", "team", "no_one" */
	bool edit, password, revoked, no_download;
	int64_t expires_at; /* 0: never */
	int64_t number;
};

struct dbx_session {
	char id[40];
	struct buf data;
	int64_t started_at;
	bool closed, concurrent, used;
	uint64_t received; /* of a concurrent one */
};

struct dbx_job {
	char id[40];
	const char *route; /* whose /check answers it */
	cJSON *result;	   /* the complete status */
	int64_t ready_at;
};

struct dbx_event {
	int64_t at;
	const char *category, *type;
	cJSON *doc;
	struct dbx_member *who[3]; /* actor, context, participant: for the filter */
};

struct dbx_group {
	char id[40];
	const char *name;
	struct dbx_member **members;
	size_t count;
};

struct dbx_team {
	const char *tenant, *name;
	char id[48], app_key[16], app_secret[16], refresh_token[72];
	char pkce_token[72]; /* of a grant that was made without the secret, and is renewed without it */
	bool consent;
	unsigned generation; /* cursors of an older one are lost */
	int64_t lost_at;     /* when that was */
	int page_size;	     /* 0: no cap */
	struct dbx_member **members;
	size_t member_count;
	struct dbx_ns **namespaces;
	size_t ns_count;
	struct map by_member, by_account, by_email, by_ns, by_node, by_rev, by_link, sessions, jobs;
	struct dbx_link **links;
	size_t link_count;
	struct dbx_group *groups;
	size_t group_count;
	struct dbx_event *events;
	size_t event_count, event_cap;
};

enum dbx_style { DBX_RPC, DBX_UPLOAD, DBX_DOWNLOAD };
enum dbx_auth { DBX_USER, DBX_TEAM, DBX_NOAUTH, DBX_REVOKE };
enum dbx_admin { DBX_NO_ADMIN, DBX_WHOLE_TEAM, DBX_TEAM_ADMIN };

struct dbx_call;

struct dbx_route {
	const char *name; /* "files/list_folder" */
	enum dbx_style style;
	enum dbx_auth auth;
	enum dbx_admin admin;
	const char *scope;
	const char *args; /* as args.c reads them; NULL: none */
	void (*handle)(struct dbx_call *c);
};

struct dbx_call {
	struct fc_request *req;
	struct fc_response *res;
	const struct dbx_route *route;
	struct fc_token *token;
	struct dbx_team *team;
	struct dbx_member *member; /* acted as, or the admin who selected himself; NULL for the team */
	enum dbx_admin as_admin;   /* DBX_NO_ADMIN: as a member */
	struct dbx_ns *base;	   /* what paths are relative to */
	const cJSON *arg;
	struct arena *arena;
};

/* ---- team.c: teams, members, namespaces ---- */
struct dbx_team *const *dbx_teams(size_t *ret_count);
struct dbx_team *dbx_team_new(const char *tenant);
struct dbx_team *dbx_team_find(const char *tenant);
struct dbx_member *dbx_member_new(struct dbx_team *team, const char *email, bool suspended);
struct dbx_ns *dbx_ns_new(
	struct dbx_team *team, enum dbx_ns_kind kind, const char *name, struct dbx_member *owner);
/* Shows a team folder in a member's home. */
void dbx_mount(struct dbx_ns *ns, struct dbx_member *member);
void dbx_unmount(struct dbx_ns *ns, struct dbx_member *member);
struct dbx_grant *dbx_grant_find(
	const struct dbx_grants *g, const struct dbx_member *member, const char *email);
void dbx_grant_set(
	struct dbx_grants *g, struct dbx_member *member, const char *email, enum dbx_access access);
void dbx_grant_drop(struct dbx_grants *g, struct dbx_grant *grant);
bool dbx_can_read(const struct dbx_call *c, const struct dbx_ns *ns);
bool dbx_can_write(const struct dbx_call *c, const struct dbx_ns *ns);
struct dbx_member *dbx_admin(const struct dbx_team *team);

/* ---- ids.c ---- */
/* prefix and n characters of base64url from the words, the same at every start. */
void dbx_stable(char *out, size_t size, const char *prefix, size_t n, const char *const *words);
void dbx_new_id(char *out, size_t size, const char *prefix, size_t n, const struct dbx_team *team);
int64_t dbx_seconds(int64_t ms); /* without the fraction */
void dbx_add_time(cJSON *doc, const char *key, int64_t ms);
/* Lower case as paths are compared; in the arena, or lasting when arena is NULL. */
char *dbx_lower(struct arena *arena, const char *s);
cJSON *dbx_tag(const char *tag); /* {".tag": tag} */
cJSON *dbx_add_tag(cJSON *doc, const char *key, const char *tag);
const char *dbx_tag_of(const cJSON *value); /* of "tag" or {".tag": "tag"}; NULL */

/* ---- tree.c: slots, nodes, log ---- */
struct dbx_slot *dbx_slot_get(struct dbx_ns *ns, const char *key); /* NULL when never used */
/* A new folder or file below a live folder; display name as given. id NULL: a new one. */
struct dbx_node *dbx_node_add(struct dbx_node *parent, const char *name, bool folder, const char *id);
/* Adds the version and makes it current; rev NULL: a new one. */
struct dbx_version *dbx_version_add(struct dbx_node *node, struct fc_blob *blob, int64_t client_modified,
	int64_t server_modified, struct dbx_member *by, const char *rev);
/* Takes the node and all below it out of the tree; logs each. */
void dbx_node_remove(struct dbx_node *node);
/* Puts a removed node back at a place (restore). */
void dbx_node_revive(struct dbx_node *node, struct dbx_node *parent, const char *name);
/* Moves node and all below it; files get new revs. */
void dbx_node_move(struct dbx_node *node, struct dbx_node *parent, const char *name);
void dbx_log(struct dbx_slot *slot);
size_t dbx_count(const struct dbx_node *node); /* itself and all below */

/* ---- path.c ---- */
struct dbx_place {
	struct dbx_ns *ns;
	const char *key, *display; /* in ns */
	struct dbx_slot *slot;	   /* NULL when never used */
	struct dbx_node *node;	   /* live, or NULL */
	struct dbx_version *rev;   /* when the path was "rev:…" */
};
/* Finds what a path means to the caller. NULL, or an error tag: "malformed_path", "not_found". A place that
 * holds nothing is none: then node is NULL. */
const char *dbx_resolve(struct dbx_call *c, const char *path, struct dbx_place *ret);
/* The paths of a slot as the caller sees it; false when it is not mounted in the caller's path root. */
bool dbx_shown(const struct dbx_call *c, const struct dbx_slot *slot, const char **ret_lower,
	const char **ret_display);
/* Checks a name that is to be written. NULL or "disallowed_name". */
const char *dbx_name_check(const char *name);
/* Last part of a path, and the folder above as a live node, made with all its parents where missing. NULL, or
 * a chain below WriteError: "conflict/file_ancestor", "disallowed_name". */
const char *dbx_parent_make(
	struct dbx_call *c, const struct dbx_place *at, struct dbx_node **ret_parent, const char **ret_name);
/* "name (1).txt", the first free one beside the place, or "name (conflicted copy).txt". */
const char *dbx_free_name(
	struct dbx_call *c, const struct dbx_node *parent, const char *name, bool conflicted);
struct dbx_node *dbx_child(const struct dbx_node *parent, const char *name);

/* ---- metadata.c ---- */
/* with_tag: where the type is Metadata, whose subtypes are told by a tag. */
cJSON *dbx_metadata(const struct dbx_call *c, const struct dbx_node *node, bool with_tag);
cJSON *dbx_metadata_version(const struct dbx_call *c, const struct dbx_version *v);
cJSON *dbx_metadata_deleted(const struct dbx_call *c, const struct dbx_slot *slot);
bool dbx_downloadable(const struct dbx_node *node);
const char *dbx_media_type(const char *name);

/* ---- route.c, answer.c ---- */
const struct dbx_route *dbx_route_find(const char *name);
void dbx_ok(struct dbx_call *c, cJSON *doc); /* NULL: the answer null */
/* The answer of a download: doc in Dropbox-API-Result. */
void dbx_ok_blob(struct dbx_call *c, cJSON *doc, struct fc_blob *blob, const char *type);
/* 409 with a union's value from a chain of tags: "path/not_found". */
void dbx_error(struct dbx_call *c, const char *chain);
void dbx_errorf(struct dbx_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with the value itself; chain is for the summary. */
void dbx_error_doc(struct dbx_call *c, int status, const char *chain, cJSON *error);
cJSON *dbx_union(const char *chain);
void dbx_bad(struct dbx_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* 400 */
/* True, or the 429 of too many writes in a namespace was answered. */
bool dbx_may_write(struct dbx_call *c, const struct dbx_ns *ns);
const char *dbx_chain(struct dbx_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t dbx_arg_int(const struct dbx_call *c, const char *key, int64_t fallback);
bool dbx_arg_bool(const struct dbx_call *c, const char *key, bool fallback);

/* ---- args.c ---- */
/* NULL, or what is wrong with the argument ("path: expected string, got null"). */
const char *dbx_args_check(struct arena *arena, const char *spec, const cJSON *arg);

/* ---- cursor.c ---- */
/* A cursor from an array whose first element names its kind; taken over. */
char *dbx_cursor_new(struct dbx_call *c, const char *kind, cJSON *list);
enum dbx_cursor { DBX_CURSOR_OK, DBX_CURSOR_BAD, DBX_CURSOR_LOST };
/* Opens one; the document is the caller's. team NULL: any (then *ret_team). */
enum dbx_cursor dbx_cursor_open(struct dbx_team *team, const char *kind, const char *text, cJSON **ret_list,
	struct dbx_team **ret_team);

/* ---- oauth.c, consent.c ---- */
void dbx_oauth_token(struct fc_request *req, struct fc_response *res);
void dbx_oauth_authorize(struct fc_request *req, struct fc_response *res);
void dbx_consent_end(struct dbx_team *team);

/* ---- events.c ---- */
void dbx_event(struct dbx_call *c, const char *type, const struct dbx_node *node, const struct dbx_slot *from,
	struct dbx_member *participant, cJSON *details);

/* ---- account.c ---- */
void dbx_add_name(cJSON *doc, const struct dbx_member *m);
cJSON *dbx_sharing_policies(void);

/* ---- jobs.c ---- */
/* Stores what the check route will answer; returns {".tag": "async_job_id", …}. */
cJSON *dbx_job_new(struct dbx_call *c, cJSON *complete);
void dbx_job_check(struct dbx_call *c);

/* ---- files.c, relocate.c, upload.c, links.c: used by others ---- */
const char *dbx_delete(struct dbx_call *c, const cJSON *entry, cJSON **ret_meta);
const char *dbx_relocate(struct dbx_call *c, const char *from, const char *to, bool copy, bool autorename,
	bool transfer, struct dbx_node **ret_node);
/* Writes content by a CommitInfo. NULL, or a chain below WriteError. */
const char *dbx_commit(
	struct dbx_call *c, const cJSON *commit, struct fc_blob *blob, struct dbx_node **ret_node);
/* The descriptor that serves a link of get_temporary_link. */
void dbx_temporary_get(struct fc_request *req, struct fc_response *res);
struct dbx_link *dbx_link_add(struct dbx_team *team, struct dbx_node *node, struct dbx_member *owner,
	const char *audience, bool edit);

/* ---- seed.c, state.c ---- */
int dbx_seed(const char *tenant, const char *dir);
void dbx_state(cJSON *items);
int dbx_connections(struct buf *yaml, const char *dir);

/* ---- the handlers, one per route ---- */
#define DBX_HANDLER(name) void name(struct dbx_call *c)
DBX_HANDLER(dbx_token_revoke);
DBX_HANDLER(dbx_check_user);
DBX_HANDLER(dbx_get_current_account);
DBX_HANDLER(dbx_get_account);
DBX_HANDLER(dbx_get_account_batch);
DBX_HANDLER(dbx_space_usage);
DBX_HANDLER(dbx_user_features);
DBX_HANDLER(dbx_team_info);
DBX_HANDLER(dbx_team_features);
DBX_HANDLER(dbx_authenticated_admin);
DBX_HANDLER(dbx_members_list);
DBX_HANDLER(dbx_members_list_v2);
DBX_HANDLER(dbx_members_continue);
DBX_HANDLER(dbx_members_continue_v2);
DBX_HANDLER(dbx_members_info);
DBX_HANDLER(dbx_members_info_v2);
DBX_HANDLER(dbx_namespaces_list);
DBX_HANDLER(dbx_namespaces_continue);
DBX_HANDLER(dbx_team_folder_list);
DBX_HANDLER(dbx_team_folder_continue);
DBX_HANDLER(dbx_team_folder_create);
DBX_HANDLER(dbx_team_folder_info);
DBX_HANDLER(dbx_team_folder_rename);
DBX_HANDLER(dbx_team_folder_archive);
DBX_HANDLER(dbx_team_folder_activate);
DBX_HANDLER(dbx_team_folder_delete);
DBX_HANDLER(dbx_list_folder);
DBX_HANDLER(dbx_list_continue);
DBX_HANDLER(dbx_latest_cursor);
DBX_HANDLER(dbx_longpoll);
DBX_HANDLER(dbx_get_metadata);
DBX_HANDLER(dbx_create_folder);
DBX_HANDLER(dbx_create_folder_v2);
DBX_HANDLER(dbx_create_folder_batch);
DBX_HANDLER(dbx_delete_v1);
DBX_HANDLER(dbx_delete_v2);
DBX_HANDLER(dbx_delete_batch);
DBX_HANDLER(dbx_permanently_delete);
DBX_HANDLER(dbx_restore);
DBX_HANDLER(dbx_list_revisions);
DBX_HANDLER(dbx_move_v1);
DBX_HANDLER(dbx_move_v2);
DBX_HANDLER(dbx_copy_v1);
DBX_HANDLER(dbx_copy_v2);
DBX_HANDLER(dbx_move_batch);
DBX_HANDLER(dbx_copy_batch);
DBX_HANDLER(dbx_download);
DBX_HANDLER(dbx_export);
DBX_HANDLER(dbx_temporary_link);
DBX_HANDLER(dbx_upload);
DBX_HANDLER(dbx_session_start);
DBX_HANDLER(dbx_session_start_batch);
DBX_HANDLER(dbx_session_append);
DBX_HANDLER(dbx_session_append_v2);
DBX_HANDLER(dbx_session_append_batch);
DBX_HANDLER(dbx_session_finish);
DBX_HANDLER(dbx_session_finish_batch);
DBX_HANDLER(dbx_session_finish_batch_v2);
DBX_HANDLER(dbx_search);
DBX_HANDLER(dbx_search_continue);
DBX_HANDLER(dbx_lock);
DBX_HANDLER(dbx_unlock);
DBX_HANDLER(dbx_get_lock);
DBX_HANDLER(dbx_links_list);
DBX_HANDLER(dbx_link_create);
DBX_HANDLER(dbx_link_modify);
DBX_HANDLER(dbx_link_revoke);
DBX_HANDLER(dbx_link_metadata);
DBX_HANDLER(dbx_link_file);
DBX_HANDLER(dbx_file_members);
DBX_HANDLER(dbx_file_members_continue);
DBX_HANDLER(dbx_file_member_add);
DBX_HANDLER(dbx_file_member_remove);
DBX_HANDLER(dbx_file_member_remove_2);
DBX_HANDLER(dbx_file_unshare);
DBX_HANDLER(dbx_file_sharing);
DBX_HANDLER(dbx_folder_members);
DBX_HANDLER(dbx_folder_members_continue);
DBX_HANDLER(dbx_folder_member_add);
DBX_HANDLER(dbx_folder_member_remove);
DBX_HANDLER(dbx_folder_metadata);
DBX_HANDLER(dbx_folders_list);
DBX_HANDLER(dbx_folders_continue);
DBX_HANDLER(dbx_groups_list);
DBX_HANDLER(dbx_groups_continue);
DBX_HANDLER(dbx_tag_add);
DBX_HANDLER(dbx_tag_remove);
DBX_HANDLER(dbx_tags_get);
DBX_HANDLER(dbx_get_events);
DBX_HANDLER(dbx_events_continue);

#endif
