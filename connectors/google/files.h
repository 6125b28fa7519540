/* What the files of the Drive half of the Google connector give each other. Any thread. Identities (`as`) are addresses of
 * users to act as. Sources: Drive v3 discovery document, guides "Manage shared drives", "Share files", "Download files". */
#ifndef CONNECTORS_GOOGLE_FILES_H
#define CONNECTORS_GOOGLE_FILES_H

#include "connectors/google/google.h"

#define FILE_FIELDS                                                                                                    \
	"id,name,mimeType,size,headRevisionId,md5Checksum,sha256Checksum,createdTime,modifiedTime,parents,driveId,"    \
	"ownedByMe,owners(emailAddress),trashed,explicitlyTrashed,shortcutDetails(targetId)"
#define FILE_ACT_FIELDS FILE_FIELDS ",contentRestrictions,copyRequiresWriterPermission"

/* ---- one file (file.c) ---- */

/* What its content is at: a blob's head revision (else a hash), a Google document's time of change. In the arena. */
const char *file_version(struct arena *a, const cJSON *file);
bool file_version_is(const cJSON *file, const char *version);
int file_get(struct connection *c, const char *as, const char *id, const char *fields, cJSON **ret, struct err *err);
/* "/a/b" of the folder that holds it, as far as `as` can see; asks for one folder after the other. */
const char *file_path(struct connection *c, struct arena *a, const char *as, const cJSON *file, struct err *err);
const char *file_parent(const cJSON *file); /* NULL when it is not known */
/* Who acts on what a stream holds. */
const char *file_actor(const cJSON *context);

/* Was its content written to since it had that version? (file_written.c) */
int file_written(struct connection *c, const char *as, const cJSON *file, const char *version, bool *ret, struct err *err);

/* ---- bytes (file_bytes.c) ---- */

/* The office type that a Google document is exported as; NULL for a blob; "" when there is none. */
const char *file_export_type(const char *mime);
int file_bytes(struct connection *c, const char *as, const char *id, const char *mime, const char *version,
	struct content *content, struct content_info *ret, struct err *err);

/* ---- sharing of one file (file_share.c); direct: not inherited and not the owner's ---- */

/* All, the owner's and inherited ones too, as they came; each has an id. */
int share_all(struct connection *c, const char *as, const char *id, cJSON **ret, struct err *err);
/* Of those the direct ones, with what restoring needs. */
int share_direct(const cJSON *all, cJSON **ret, struct err *err);
/* The same grantee's in a list; NULL. */
const cJSON *share_find(const cJSON *list, const cJSON *permission);
/* 0 also when it is gone already. */
int share_delete(struct connection *c, const char *as, const char *id, const char *permission, struct err *err);
int share_list(struct connection *c, const char *as, const char *id, cJSON **ret_direct, struct err *err);
/* Writes direct permissions into the receipt, as many as fit beside the rest; how many more there were under permissions_cut. */
int share_note(cJSON *receipt, const cJSON *direct, struct err *err);
/* Deletes all direct ones. receipt: those it does not hold yet are added to it first; NULL: they are nobody's. What Google
 * refuses to delete is noted in it under kept_permissions. */
int share_remove(struct connection *c, const char *as, const char *id, cJSON *receipt, struct err *err);
/* Brings those of the receipt back that are not there; what cannot be is listed under not_restored. */
int share_restore(struct connection *c, const char *as, const char *id, cJSON *receipt, struct err *err);

/* ---- shared drives' members (members.c) ---- */

/* Whom to act as in a shared drive: its member with the widest role, the administrator before others. 0 and the address and
 * role, or 1 when there is nobody. */
int members_actor(struct connection *c, const char *drive, struct buf *ret_address, struct buf *ret_role, struct err *err);
/* Makes a user a member of a drive of ours; as the administrator. May be repeated, as may clearing. */
int members_join(struct connection *c, const char *drive, const char *address, const char *role, struct err *err);
/* Ends all memberships but the administrator's, who becomes its manager when he is not. */
int members_clear(struct connection *c, const char *drive, struct err *err);
/* Is the administrator its only member, an organizer? */
int members_only_admin(struct connection *c, const char *drive, bool *ret, struct err *err);

/* ---- the quarantine drive, and the one on the way to it (file_place.c) ---- */

enum file_place { PLACE_QUARANTINE, PLACE_TRANSIT, PLACES };

/* Its id, made when there is none. fresh: the remembered one is no use. */
int file_place(struct connection *c, enum file_place place, bool fresh, struct buf *ret, struct err *err);
/* The remembered id, "" when none is. */
int file_place_known(struct connection *c, enum file_place place, struct buf *ret, struct err *err);
/* Is a shared drive of drives.list one of ours? */
int file_place_is(struct connection *c, const cJSON *drive, bool *ret, struct err *err);

/* ---- between an owner's drive and the quarantine (file_transit.c) ---- */

/* Moves a file from its only parent to another folder. The answer has FILE_ACT_FIELDS. */
int file_move(struct connection *c, const char *as, const cJSON *file, const char *folder, cJSON **ret, struct err *err);
/* From its home to the receipt's place; from there to a folder that its user reaches. */
int transit_take(struct connection *c, const cJSON *receipt, const cJSON *file, cJSON **ret, struct err *err);
int transit_give(struct connection *c, const cJSON *receipt, const cJSON *file, const char *folder, cJSON **ret,
	struct err *err);
/* Does it lie in the transit drive? */
int transit_has(struct connection *c, const cJSON *file, bool *ret, struct err *err);
/* Puts everybody out of the transit drive and takes what lies there on to the receipt's place, unless that was done. left:
 * something was seen there. */
int transit_settle(struct connection *c, const cJSON *receipt, bool left, struct err *err);

/* ---- acts (file_act.c), and what stands in for a move that is refused (file_lock.c) ---- */

int file_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err);
int file_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err);
int file_restore(struct connection *c, cJSON *receipt, bool again, struct err *err);
int file_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);
int file_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err);
int file_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err);

/* Into the trash, or out of it, as its user. */
int file_set_trashed(struct connection *c, const cJSON *receipt, bool trashed, cJSON **ret, struct err *err);
/* Makes the file read-only and not to be copied by readers; where that is refused, too, trashes it. The receipt says what was
 * done and why. */
int file_lock(struct connection *c, cJSON *receipt, const struct err *why, struct err *err);
/* Takes that off again. */
int file_release(struct connection *c, cJSON *receipt, const cJSON *now, struct err *err);
bool file_locked(const cJSON *file);

#endif
