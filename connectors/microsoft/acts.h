/* What the files of one service of the Microsoft connector give each other: mail.c with mail_act.c, drive.c with
 * drive_*.c, teams.c with teams_act.c. Signatures as in struct graph_service. */
#ifndef CONNECTORS_MICROSOFT_ACTS_H
#define CONNECTORS_MICROSOFT_ACTS_H

#include "connectors/microsoft/graph.h"

#define GRAPH_ACTS(service)                                                                                            \
	int service##_plan(struct connection *c, const cJSON *context, const struct stream_info *stream,               \
		const struct item *item, cJSON *receipt, struct err *err);                                              \
	int service##_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err);                   \
	int service##_restore(struct connection *c, cJSON *receipt, bool again, struct err *err);                      \
	int service##_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err);   \
	int service##_open_held(struct connection *c, const cJSON *receipt, struct content *content,                   \
		struct content_info *ret, struct err *err);                                                             \
	int service##_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err);

GRAPH_ACTS(ms_mail)
GRAPH_ACTS(ms_drive)
GRAPH_ACTS(ms_teams) /* but teams_remove() */

/* What acts on a message look at: folder, categories, version; with Graph's eTag. */
int ms_mail_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err);
/* Does it lie where deleted messages go? */
int ms_mail_deleted(struct connection *c, const char *user, const cJSON *message, bool *ret, struct err *err);
const char *ms_mail_version(struct arena *a, const cJSON *message);
/* The same of a file, whose folder is known then. */
int ms_drive_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err);
/* Is it still the content that was planned for? */
bool ms_drive_same_content(const cJSON *receipt, const cJSON *item);
/* Size, tags, hashes, folder and name into the receipt. */
int ms_drive_note(cJSON *receipt, const cJSON *item, struct err *err);

/* mail_tag.c, mail_replace.c, drive_unshare.c, drive_replace.c, teams_act.c */
extern const struct graph_act ms_mail_tag, ms_mail_replace, ms_drive_unshare, ms_drive_replace, ms_teams_block;

/* A message's MIME bytes. */
int ms_mail_bytes(struct connection *c, const char *user, const char *id, struct content *content, struct content_info *ret,
	struct err *err);
/* Is the message still what `version` says? */
bool ms_mail_version_is(const cJSON *message, const char *version);

/* A file's bytes, through its pre-authenticated address. */
int ms_drive_bytes(struct connection *c, const char *drive, const char *id, struct content *content,
	struct content_info *ret, struct err *err);
int ms_drive_root(struct connection *c, const char *drive, struct buf *ret_id, struct err *err);
/* Fills the versions of the wanted items by their cTags, which the feed left out. */
int ms_drive_ctags(struct connection *c, const char *drive, struct item_page *page, const bool *wanted, struct err *err);

/* ---- sharing of one item (drive_share.c); direct: not inherited and not the owner's ---- */

/* All but the owners', inherited ones too, as they came. */
int ms_share_all(struct connection *c, const char *drive, const char *id, cJSON **ret, struct err *err);
/* What restoring needs of a permission; NULL when memory ran out. */
cJSON *ms_share_trim(const cJSON *permission);
/* The one in the list that gives the same to the same people; NULL. */
const cJSON *ms_share_find(const cJSON *now, const cJSON *permission);
/* Makes the link anew; what differs is noted in the receipt. */
int ms_share_link(struct connection *c, const char *drive, const char *id, const cJSON *permission, cJSON *receipt,
	struct err *err);
/* ret_inherited (may be NULL): are there inherited ones? */
int ms_share_list(struct connection *c, const char *drive, const char *id, cJSON **ret_direct, bool *ret_inherited,
	struct err *err);
/* Makes the receipt's permissions fit: those beyond are dropped and counted in permissions_cut. A file that is shared with
 * thousands is contained all the same. */
int ms_share_fit(cJSON *receipt, struct err *err);
/* 0 also when it is gone already. */
int ms_share_delete(struct connection *c, const char *drive, const char *id, const char *permission, struct err *err);
/* Deletes all direct ones, after making sure that the receipt holds them; those that the service refuses to delete are
 * noted in it. */
int ms_share_remove(struct connection *c, const char *drive, const char *id, cJSON *receipt, struct err *err);
/* Brings those of the receipt back that are not there; what cannot be is listed under not_restored. */
int ms_share_restore(struct connection *c, const char *drive, const char *id, cJSON *receipt, struct err *err);

/* ---- Teams messages ---- */

/* Which message: of a channel (team, channel, perhaps reply_to) or of a chat. Strings are lent. */
struct teams_ref {
	const char *chat, *team, *channel, *reply_to, *id;
};

/* From a receipt or an item's context, with the stream's context where the first has no channel. */
struct teams_ref ms_teams_ref_of(const cJSON *object, const cJSON *stream_context);
int ms_teams_url(struct connection *c, const struct teams_ref *ref, struct buf *url, struct err *err);
/* Errors: GONE, also for a message that its author deleted. */
int ms_teams_get(struct connection *c, const struct teams_ref *ref, cJSON **ret, struct err *err);
/* Changes when the message is edited. In the arena. */
const char *ms_teams_version(struct arena *a, const cJSON *message);
/* The document to scan. */
int ms_teams_bytes(struct connection *c, const struct teams_ref *ref, struct content *content, struct content_info *ret,
	struct err *err);
/* Of graph_channel and graph_chat. ms_teams_describe() finds the author's address, which messages do not carry. */
int ms_teams_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err);
int ms_teams_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *arena, struct err *err);

#endif
