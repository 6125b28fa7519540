/* The Drive half: files of My Drives and shared drives, who may do what, and the log of changes.
 *
 * A file has one parent. In My Drive it has an owner, in a shared drive none. Permissions stand on an item
 * and hold for everything below; a shared drive's members are the permissions of its top folder, whose id is
 * the drive's. */
#ifndef FAKECLOUD_GOOGLE_DRIVE_H
#define FAKECLOUD_GOOGLE_DRIVE_H

#include "fakecloud/google/google.h"

enum gd_role { GD_NONE, GD_READER, GD_COMMENTER, GD_WRITER, GD_FILE_ORGANIZER, GD_ORGANIZER, GD_OWNER };
enum gd_grantee { GD_USER, GD_GROUP, GD_DOMAIN, GD_ANYONE };

struct gd_perm {
	char id[32];
	enum gd_grantee type;
	enum gd_role role;
	char *email, *domain; /* NULL where it does not apply */
	struct gg_user *user; /* of this tenant, else NULL */
	bool discoverable;
	int64_t expires_at; /* 0 never */
};

struct gd_revision {
	char id[64];
	struct fc_blob *blob;
	int64_t modified;
	const struct gg_user *by;
	char *mime, *name;
	bool keep;
};

struct gd_file {
	struct gg_tenant *tenant;
	char id[64];
	char *name, *mime;
	struct gd_file *parent; /* NULL for the top folders */
	struct gd_file **children;
	size_t nchildren;
	struct gg_user *owner;	/* NULL in a shared drive */
	struct gd_drive *drive; /* NULL in My Drive */
	struct gd_revision *revisions;
	size_t nrevisions; /* the last one is the head; a Google-native document's is what export gives */
	struct gd_perm *perms;
	size_t nperms;
	int64_t created, modified, trashed_at;
	int64_t version;
	const struct gg_user *last_user, *trasher;
	bool trashed; /* by itself */
	bool starred, malware, copy_requires_writer, writers_cannot_share, inherit_disabled;
	bool restricted_readers, restricted_writers; /* downloadRestrictions.itemDownloadRestriction */
	char *description, *color, *original_name;
	cJSON *properties, *app_properties, *restrictions; /* NULL when empty */
	char *target_id, *target_mime;			   /* of a shortcut */
	char resource_key[24];				   /* "": links alone open it */
	char client[128];				   /* that created it: for drive.file */
	bool gone;
	size_t index; /* in tenant->all */
	int64_t mark; /* scratch of changes.list */
	unsigned mark_run;
};

struct gd_drive {
	struct gd_file *root;
	char *name, *request_id, *color;
	int64_t created;
	bool *hidden; /* by user index */
	size_t nhidden;
	cJSON *restrictions;
	bool gone;
};

struct gd_event {
	struct gd_file *file;
	struct gd_drive *drive;	     /* it concerns the drive itself when file is NULL */
	struct gd_drive *from_drive; /* the file left it */
	int64_t time;
	const struct gg_user *actor;
	int *lost; /* indices of users whose log it left; ended by -1, NULL none */
	const char *what;
};

/* ---- drive_file.c: the tree ---- */
struct gd_file *gd_file_new(struct gg_tenant *t, const char *id, const char *name, const char *mime,
	struct gd_file *parent, struct gg_user *owner, struct gd_drive *drive, int64_t when);
void gd_file_revise(
	struct gd_file *f, struct fc_blob *blob, const struct gg_user *by, int64_t when, const char *id);
void gd_attach(struct gd_file *f, struct gd_file *parent);  /* takes it from where it is */
const struct gd_revision *gd_head(const struct gd_file *f); /* NULL for folders and shortcuts */
bool gd_is_folder(const struct gd_file *f);
bool gd_is_native(const struct gd_file *f); /* a Google document: no folder, no shortcut */
bool gd_trashed(const struct gd_file *f);   /* itself or a folder above */
bool gd_below(const struct gd_file *f, const struct gd_file *top); /* f is top or below it */
struct gd_drive *gd_drive_new(struct gg_tenant *t, const char *id, const char *name, int64_t when);
struct gd_drive *gd_drive_find(const struct gg_tenant *t, const char *id);
const char *gd_mime_of(const char *name); /* by extension */
void gd_set(char **field, const char *value);

/* ---- drive_access.c: who may do what ---- */
enum gd_role gd_role_of(const struct gd_file *f, const struct gg_user *u);
/* Without links and domain-wide grants: whether it stands in the user's own lists and log. */
bool gd_in_corpus(const struct gd_file *f, const struct gg_user *u);
bool gd_readable(struct gg_call *c, const struct gd_file *f);
bool gd_can_share(const struct gd_file *f, const struct gg_user *u);
bool gd_can_download(const struct gd_file *f, const struct gg_user *u);
bool gd_can_modify(
	const struct gd_file *f, const struct gg_user *u); /* content: read-only restrictions count */
const char *gd_role_name(enum gd_role role);
int gd_role_parse(const char *name, enum gd_role *ret);
struct gd_perm *gd_perm_find(const struct gd_file *f, const char *id);
struct gd_perm *gd_perm_add(
	struct gd_file *f, const struct gd_perm *p); /* raises an existing one of that grantee */
void gd_perm_remove(struct gd_file *f, const char *id);
void gd_perm_user(struct gg_tenant *t, const char *email, enum gd_role role, struct gd_perm *ret);

/* A change that may take access away: before it gd_watch_begin() on the top of what changes, after it
 * gd_watch_end(), which logs an event for each file whose viewers changed, and for the top one always. */
struct gd_watch {
	struct gd_file **files;
	size_t n;
	bool *had; /* n × users */
	struct gd_drive **drives;
};
void gd_watch_begin(struct gd_watch *w, struct gd_file *top);
void gd_watch_end(struct gd_watch *w, const struct gg_user *actor, const char *what);
/* The plain case: nobody lost or won anything. */
void gd_event_add(struct gd_file *f, const struct gg_user *actor, const char *what);
void gd_event_drive(struct gd_drive *d, const struct gg_user *actor, const char *what, int *lost);

/* ---- drive_json.c ---- */
cJSON *gd_file_json(struct gg_call *c, struct gd_file *f, const struct mask *m);
/* A permission as it shows on an item: given on the item itself, come down from above, or both. */
struct gd_grant {
	const struct gd_perm *direct, *inherited; /* one may be NULL */
	const struct gd_file *from;		  /* of the inherited one */
};
struct gd_grant *gd_grants(struct arena *a, const struct gd_file *f, size_t *ret_n);
cJSON *gd_perm_json(struct gg_call *c, const struct gd_grant *g, const struct gd_file *f);
cJSON *gd_user_json(struct gg_call *c, const struct gg_user *u);
cJSON *gd_drive_json(struct gg_call *c, const struct gd_drive *d);
cJSON *gd_revision_json(
	struct gg_call *c, const struct gd_file *f, const struct gd_revision *r, const struct mask *m);
const char *const *gd_export_types(const char *mime); /* NULL when nothing can be exported */

/* ---- drive_query.c ---- */
struct gd_query;
/* NULL with *ret_missing: the id of a parent that is not there, or NULL for a malformed query. */
struct gd_query *gd_query_parse(struct gg_call *c, const char *text, const char **ret_missing);
bool gd_query_match(struct gg_call *c, const struct gd_query *q, struct gd_file *f);

/* ---- handlers' helpers ---- */
/* The file of an id or alias when the caller may see it; NULL after 404 was answered. */
struct gd_file *gd_file_of(struct gg_call *c, const char *id);
int gd_forbidden(struct gg_call *c); /* insufficientFilePermissions */
bool gd_all_drives(struct gg_call *c);
int gd_check_service(struct gg_call *c);	    /* Drive may be off for the user */
int gd_page_offset(struct gg_call *c, size_t *ret); /* of list page tokens */
void gd_page_next(struct gg_call *c, cJSON *doc, size_t next);
bool gd_domain_admin(struct gg_call *c, const struct gd_file *f); /* useDomainAdminAccess granted */
int gd_bad_acknowledgment(struct gg_call *c);
int gd_send_media(struct gg_call *c, struct gd_file *f, const struct gd_revision *r);

/* drive_move.c */
/* The folder of an id that may take children of the caller; NULL after an error was answered. */
struct gd_file *gd_folder_of(struct gg_call *c, const char *id);
/* addParents and removeParents; *ret_to stays NULL when nothing moves. */
int gd_moves_read(struct gg_call *c, struct gd_file *f, struct gd_file **ret_to);
/* It and all below now lie in that shared drive, or (NULL) in somebody's My Drive. */
void gd_set_place(struct gd_file *f, struct gd_drive *drive, struct gg_user *owner);

int gd_about(struct gg_call *c);
int gd_files_list(struct gg_call *c);
int gd_files_get(struct gg_call *c);
int gd_files_create(struct gg_call *c);
int gd_files_update(struct gg_call *c);
int gd_files_copy(struct gg_call *c);
int gd_files_delete(struct gg_call *c);
int gd_files_empty_trash(struct gg_call *c);
int gd_files_generate_ids(struct gg_call *c);
int gd_files_export(struct gg_call *c);
int gd_files_download(struct gg_call *c);
int gd_files_watch(struct gg_call *c);
int gd_files_labels(struct gg_call *c);
int gd_files_modify_labels(struct gg_call *c);
int gd_comments_list(struct gg_call *c);
int gd_comments_get(struct gg_call *c);
int gd_operations_get(struct gg_call *c);
int gd_operation_content(struct gg_call *c);
int gd_permissions_list(struct gg_call *c);
int gd_permissions_get(struct gg_call *c);
int gd_permissions_create(struct gg_call *c);
int gd_permissions_update(struct gg_call *c);
int gd_permissions_delete(struct gg_call *c);
int gd_revisions_list(struct gg_call *c);
int gd_revisions_get(struct gg_call *c);
int gd_revisions_update(struct gg_call *c);
int gd_revisions_delete(struct gg_call *c);
int gd_changes_start(struct gg_call *c);
int gd_changes_list(struct gg_call *c);
int gd_changes_watch(struct gg_call *c);
int gd_drives_list(struct gg_call *c);
int gd_drives_get(struct gg_call *c);
int gd_drives_create(struct gg_call *c);
int gd_drives_update(struct gg_call *c);
int gd_drives_delete(struct gg_call *c);
int gd_drives_hide(struct gg_call *c);
int gd_drives_unhide(struct gg_call *c);

#endif
