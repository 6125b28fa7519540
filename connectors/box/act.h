/* What an act on one file of Box holds while it runs, and its parts: where the file is and its way (transit.c), its sharing
 * (share.c). Called by act.c on core's job threads. See box.h for errors. */
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
	struct err *err;
};

const char *act_parent(const cJSON *file);
const char *act_version(const cJSON *file);
/* Where is it? The service account sees it in its own folders, the owner outside of them. */
int act_look(struct act *x);
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

#endif
