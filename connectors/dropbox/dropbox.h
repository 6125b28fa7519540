/* The inner contract of the Dropbox connector: one opened connection, calls to the Dropbox API v2 with a team token, and
 * what the files of this folder give each other. Straight-line, on any of core's job threads; the only state between
 * calls are the locks below. Sources: the API's Stone files,
 * Dropbox "Team files guide", "Detecting changes guide", "Error handling"; see README.md. */
#ifndef CONNECTORS_DROPBOX_DROPBOX_H
#define CONNECTORS_DROPBOX_DROPBOX_H

#include "connectors/outside.h"

#include <pthread.h>

#define DBX_ID_MAX 512
#define DBX_QUARANTINE "sekisho-quarantine"       /* team folder; administrators only */
#define DBX_TRANSIT "sekisho-quarantine-transit"  /* team folder; members are in it for the moment of a move */
#define DBX_PATH_MAX 16384

struct connection {
	struct api api;
	const char *api_url, *content_url; /* endpoints */
	int page_size;                     /* 0: each call's own */
	pthread_mutex_t transit;           /* one file passes through the transit folder at a time */
	pthread_mutex_t places;            /* one thread looks for our folders, or makes them, at a time */
	struct own_domains domains;        /* of the members' addresses */
};

/* ---- calls (api.c) ---- */

/* As whom, and below which namespace. A member (Select-User), or an administrator (Select-Admin); with neither it is the
 * team itself, for the routes below team/. */
struct dbx_as {
	const char *user;  /* "dbmid:…" */
	const char *admin; /* "dbmid:…" */
	const char *ns;    /* Path-Root; NULL: none */
};

/* Calls an RPC route ("files/get_metadata"). arg NULL: the route takes none. ret_doc: any JSON value, NULL when it does
 * not matter (a route that returns nothing answers null). Errors: those of connector.h; CHANGED "conflict" when something
 * is in the way, REMOTE "refused" for tags that we do not know; err->message ends in the chain of tags. */
int dbx_call(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, cJSON **ret_doc,
	struct err *err);
/* The same; the answer must be an object. */
int dbx_object(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, cJSON **ret_doc,
	struct err *err);
/* Calls a route of the content host whose answer are bytes; *ret_doc is Dropbox-API-Result. */
int dbx_download(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg,
	struct content *content, cJSON **ret_doc, struct err *err);

/* Calls a route of the content host that takes bytes; the answer must be an object. */
int dbx_upload(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, const void *body, size_t len,
	cJSON **ret_doc, struct err *err);

/* The hook of struct api. */
void dbx_refine(const struct http_response *r, const cJSON *doc, struct err *err);
/* ".tag" of a union's value, given as an object or as a mere string; "" when there is none. */
const char *dbx_tag(const cJSON *value);
const char *dbx_tag_of(const cJSON *object, const char *key);
/* The tags of an error from the outside in, joined by "/": "path/not_found". */
void dbx_chain(const cJSON *error, char *out, size_t size);
/* Is the error one that another try can end, or that concerns the whole connection? Such must reach core as it is. */
bool dbx_passing(const struct err *err);
/* Does the answer say that this call is not to be had: no such route, not on this plan, not for us, or tags that we do not
 * know? What can be done without it goes on without it. */
bool dbx_refused(const struct err *err);

/* {key: {".tag": tag}}; {"": …} for none. -1 when memory ran out. */
int dbx_set_tag(cJSON *object, const char *key, const char *tag);
/* {".tag": tag, tag: value}. NULL when memory ran out. */
cJSON *dbx_choice(const char *tag, const char *value);

/* ---- identities (identity.c) ---- */

/* The administrator to act as: the one who linked the app, else the first active team admin. Into ret (emptied first).
 * Errors: REMOTE "no_admin". */
int dbx_admin(struct connection *c, struct buf *ret, struct err *err);
/* The same, with "" when there is none. */
int dbx_admin_if_any(struct connection *c, struct buf *ret, struct err *err);
/* profile and status of members, by "team_member_id" and up to 100 of them: an array of {profile, roles}, those that are
 * not found left out. */
int dbx_members(struct connection *c, const char *const *ids, size_t n, cJSON **ret, struct err *err);
bool dbx_member_active(const cJSON *profile);
/* The best team member to act as in a shared folder: into ret_id and ret_email; "" when there is none. */
int dbx_folder_member(struct connection *c, const char *admin, const char *ns, struct buf *ret_id, struct buf *ret_email,
	struct err *err);
/* The identity that a stream's context or a receipt names, lent from it; -1 LOCAL when there is none. */
int dbx_as_of(const cJSON *object, struct dbx_as *ret, struct err *err);

/* ---- files (content.c) ---- */

/* Metadata of a file by id, as seen by `as` below its namespace: ret_doc has a path_lower. Errors: GONE when it is not
 * there (or is elsewhere). */
int dbx_file(struct connection *c, const struct dbx_as *as, const char *id, cJSON **ret, struct err *err);
/* What the content is at: "content_hash@server_modified", else "rev:…". In the arena; NULL when there is neither. */
const char *dbx_version(struct arena *a, const cJSON *file);
bool dbx_version_is(const cJSON *file, const char *version);
/* After a move, which makes a new revision: are the bytes still those of `version`? */
bool dbx_same_content(const cJSON *file, const char *version);
/* "/a/b" of path_display "/a/b/c". */
const char *dbx_parent(struct arena *a, const char *path);
/* Can it only be exported? */
bool dbx_is_exported(const cJSON *file);

int dbx_content_open(struct connection *c, const cJSON *stream_context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err);
int dbx_content_describe(struct connection *c, const cJSON *stream_context, struct item *item, struct arena *arena,
	struct err *err);
/* Bytes of a revision, of a deleted file too. */
int dbx_content_rev(struct connection *c, const struct dbx_as *as, const char *rev, struct content *content,
	struct content_info *ret, struct err *err);
/* Bytes of a file as it is now. */
int dbx_content_now(struct connection *c, const struct dbx_as *as, const cJSON *file, struct content *content,
	struct content_info *ret, struct err *err);

/* ---- the services of connector.h ---- */

int dbx_grant_check(struct connection *c, struct grant_report *ret, struct err *err);
int dbx_streams_list(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err);
int dbx_feed_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err);

/* ---- quarantine ---- */

/* Is this one of our team folders, by name? */
bool dbx_place_is_ours(const char *name);
/* The namespace of a team folder of ours, found or made; nobody is a member of it. base: DBX_QUARANTINE or DBX_TRANSIT.
 * Errors: REMOTE "no_place" or "place_shared" when there can be none. */
int dbx_place_find(struct connection *c, const char *admin, const char *base, struct buf *ret, struct err *err);

/* Lists what is shared of the file itself: links and members, as they go into receipts. A list that Dropbox refuses is
 * empty, and the receipt says so. */
int dbx_share_list(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, cJSON **ret_links,
	cJSON **ret_members, struct err *err);
/* Ends all sharing of the file itself; what the receipt does not hold yet is added to it first. */
int dbx_share_remove(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, struct err *err);
/* Brings back what the receipt holds and is not there; the rest goes into not_restored. */
int dbx_share_restore(struct connection *c, const struct dbx_as *as, const char *id, cJSON *receipt, struct err *err);

/* Parts of these. Links as {url, audience, access, expires, password, no_download, folder (of a folder above: its name)}, members
 * as {id, email, name, access}. above: links of the folders above, too. */
int dbx_links_list(struct connection *c, const struct dbx_as *as, const char *id, bool above, cJSON *out, struct err *err);
const char *dbx_link_audience(const cJSON *permissions);
cJSON *dbx_share_known(cJSON *receipt, const char *key);
bool dbx_share_has_link(const cJSON *list, const cJSON *link, bool by_url);
bool dbx_share_has_member(const cJSON *list, const cJSON *member);
int dbx_share_revoke(struct connection *c, const struct dbx_as *as, const cJSON *link, cJSON *receipt, struct err *err);
int dbx_share_expel(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *member, cJSON *receipt,
	struct err *err);
int dbx_share_link(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *link, cJSON *receipt,
	struct err *err);
int dbx_share_invite(struct connection *c, const struct dbx_as *as, const char *id, const cJSON *member, cJSON *receipt,
	struct err *err);

/* ---- who has access (access.c) ---- */

struct dbx_access {
	cJSON *links;   /* all that open the file */
	cJSON *members; /* outsiders: as above, with "folder" when they come with one */
	bool links_unknown, members_unknown; /* Dropbox refuses to list them */
	struct err why; /* of the last of these */
};

int dbx_access_read(struct connection *c, const struct dbx_as *as, const cJSON *file, struct dbx_access *ret, struct err *err);
void dbx_access_free(struct dbx_access *a);
int dbx_sharing_read(struct connection *c, const cJSON *stream_context, const struct item *item, struct sharing *ret,
	struct err *err);

/* ---- people (people.c) ---- */

int dbx_people_list(struct connection *c, const char *cursor, struct people_page *ret, struct err *err);
/* The own domains; freed by the caller. */
int dbx_domains(struct connection *c, cJSON **ret, struct err *err);

/* ---- acts that leave the file where it is (stay.c, label.c, unshare.c) ---- */

struct stay {
	struct connection *c;
	cJSON *receipt;
	struct dbx_as home;   /* admin may be lent from admin_id */
	struct buf admin_id;
	const char *id;
	cJSON *file;          /* metadata; NULL when it is not there any more */
};

/* Is the receipt one of these? */
bool dbx_stays(const cJSON *receipt);
int dbx_stay_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err);
int dbx_stay_do(struct connection *c, cJSON *receipt, bool again, struct err *err);
int dbx_stay_undo(struct connection *c, cJSON *receipt, bool again, struct err *err);
int dbx_stay_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
int dbx_stay_content(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err);

int dbx_label_plan(struct stay *s, const char *tag, struct err *err);
int dbx_label_set(struct stay *s, bool on, struct err *err);
int dbx_label_observe(struct stay *s, struct observation *ret, struct err *err);

/* Errors: REMOTE "not_effective" when all access from outside comes from folders above, or stays. */
int dbx_unshare_plan(struct stay *s, struct err *err);
int dbx_unshare_end(struct stay *s, bool again, struct err *err);
int dbx_unshare_undo(struct stay *s, struct err *err);
int dbx_unshare_observe(struct stay *s, struct observation *ret, struct err *err);

/* ---- the notice in a file's place (notice.c) ---- */

int dbx_notice_plan(cJSON *receipt, const char *text, struct err *err);
/* What cannot be left is noted under "open". */
int dbx_notice_leave(struct connection *c, cJSON *receipt, struct err *err);
int dbx_notice_take(struct connection *c, cJSON *receipt, struct err *err);

/* Where a file of a receipt is. */
enum held_where { HELD_NOWHERE, HELD_HOME, HELD_TRANSIT, HELD_PLACE, HELD_ELSEWHERE };

struct held {
	struct dbx_as home;   /* of the receipt */
	struct dbx_as admin;  /* ns: the place */
	struct dbx_as passer; /* administrator below the transit folder; ns NULL when the receipt needs none */
	struct buf admin_id;
	const char *id;
	enum held_where where;
	cJSON *file; /* metadata there */
};

int dbx_held_open(struct connection *c, const cJSON *receipt, struct held *h, struct err *err);
void dbx_held_close(struct held *h);
#define _cleanup_held_ _cleanup_(dbx_held_close)
/* Looks again. */
int dbx_held_look(struct connection *c, struct held *h, struct err *err);
/* From where it is to the quarantine folder, under the name `held`; h is looked at anew after each step. Errors: CHANGED
 * when the content is no longer `version` (it is back home then), RETRY when the way is not open yet. */
int dbx_held_take(struct connection *c, struct held *h, const char *held, const char *version, struct err *err);
/* From the quarantine folder to `path` below the home namespace; another name is taken when that is taken. */
int dbx_held_return(struct connection *c, struct held *h, const char *path, struct err *err);

/* Without a quarantine folder (trash.c): "deletes" in the receipt, then "deleted". */

/* Deletes the file at home, in the revision that was looked at. Errors: CHANGED. */
int dbx_trash_take(struct connection *c, const struct held *h, cJSON *receipt, struct err *err);
/* Brings it back to its path; h is looked at anew. Errors: REMOTE "place_taken", "history_over". */
int dbx_trash_return(struct connection *c, struct held *h, cJSON *receipt, struct err *err);
/* Deletes for good what was deleted. */
int dbx_trash_purge(struct connection *c, const struct held *h, const cJSON *receipt, struct err *err);
/* A move was refused and the file is to be deleted: remembered before it is, for a crash may follow. Errors: RETRY "refused"
 * the first time. */
int dbx_trash_decide(struct connection *c, const cJSON *receipt, struct err *err);
int dbx_trash_decided(struct connection *c, const cJSON *receipt, bool *ret, struct err *err);
/* Why there is no quarantine folder, for people; why NULL: there is one. Errors: RETRY "no_place" the first time. */
int dbx_trash_note(struct connection *c, const char *why, struct err *err);
int dbx_trash_reason(struct connection *c, struct buf *ret, struct err *err);

/* Into the receipt: whose file it is, and the place to come back to. */
int dbx_note_identity(cJSON *receipt, const struct dbx_as *as, struct err *err);
int dbx_note_home(cJSON *receipt, const cJSON *file, struct err *err);

int dbx_act_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err);
int dbx_act_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err);
int dbx_act_restore(struct connection *c, cJSON *receipt, bool again, struct err *err);
int dbx_act_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
int dbx_act_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err);
int dbx_act_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err);

#endif
