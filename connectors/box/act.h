/* What an act on one file of Box holds while it runs, and its parts: where the file is and its way (transit.c), its sharing
 * (share.c), what is done without moving it (label.c, unshare.c), the notice in its place (notice.c). Called by act.c on core's
 * job threads. See box.h for errors. */
#ifndef CONNECTORS_BOX_ACT_H
#define CONNECTORS_BOX_ACT_H

#include "connectors/box/box.h"
#include "connectors/box/place.h"

#include <string.h>

enum box_where { BOX_GONE, BOX_HOME, BOX_IN_TRANSIT, BOX_HELD };

struct act {
	struct connection *c;
	cJSON *receipt;
	const char *file, *user, *place;
	const char *transit; /* NULL in receipts of before there was one */
	cJSON *now; /* the file as it is; NULL when gone */
	enum box_where where;
	bool locked; /* by us: the receipt says so, and downloads are prevented */
	const char *as; /* who sees it, after act_find(); NULL: the service account */
	struct err *err;
};

const char *act_parent(const cJSON *file);
const char *act_version(const cJSON *file);
/* Where is it? The service account sees it in its own folders, the owner outside of them. */
int act_look(struct act *x);
/* The same for acts that leave it where it is: x->now as its owner sees it, or, in our folders, as x->as does. */
int act_find(struct act *x);
/* PUT on the file; takes body. user NULL: the service account. */
int act_change(struct act *x, const char *user, cJSON *body, struct err *err);
/* Moves with a name; when the name is taken there, once more with one that is not (1). user NULL: the service account. */
int act_move_to(struct act *x, const char *user, const char *folder, const char *name);

/* To the quarantine folder, or locked at home where moving is refused. CHANGED: it was written to since it was judged, and
 * lies at home again. Back: to the place of the receipt, or to the owner's root. The folders of the way are closed after
 * each, whatever came of it. */
int act_take(struct act *x);
int act_give(struct act *x);
/* After a crash: nobody of ours is left in the transit folder, nor (by older versions) in the quarantine. */
int act_close(struct act *x);

/* Writes link and collaborations down in the receipt. */
int act_share_note(struct act *x, const cJSON *file);
/* Removes both, acting as user (NULL: the service account). strict: what cannot be removed is an error; else the move may
 * end it, or allow it to be ended then. */
int act_share_remove(struct act *x, const char *user, bool strict);
int act_share_restore(struct act *x);
/* One collaboration into the receipt's list. */
int act_collaboration_note(struct act *x, cJSON *out, const cJSON *e);
int act_collaborations_restore(struct act *x);
int act_link_note(struct act *x, const cJSON *link);
/* Makes the link of the receipt, or gives one that is there the old access. *ret (may be NULL): it is as it was. */
int act_link_restore(struct act *x);
/* Has that time come? */
bool act_is_over(const char *at);

/* ACT_TAG: one of the file's tags, which people see beside its name (label.c). */
int act_tag_plan(struct act *x, const char *tag, const cJSON *file);
int act_tag(struct act *x);
int act_tag_restore(struct act *x);
int act_tag_observe(struct act *x, struct observation *ret);

/* ACT_UNSHARE: the open link is narrowed, outsiders' collaborations end (unshare.c). Errors: REMOTE "not_effective" when all
 * access from outside comes from a folder above, which is named. */
int act_unshare_plan(struct act *x, const cJSON *file);
int act_unshare(struct act *x, bool again);
int act_unshare_restore(struct act *x);
int act_unshare_observe(struct act *x, struct observation *ret);

/* ACT_REPLACE: a text file beside where the file was (notice.c). What cannot be left is noted under "open". */
int act_notice_plan(struct act *x, const char *text);
int act_notice_leave(struct act *x);
int act_notice_take(struct act *x);

#endif
