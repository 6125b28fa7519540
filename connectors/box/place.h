/* Collaborations of Box, and the quarantine folder's door. See box.h for threads and errors. */
#ifndef CONNECTORS_BOX_PLACE_H
#define CONNECTORS_BOX_PLACE_H

#include "connectors/box/box.h"

/* Direct collaborations of a file or folder (what: "files", "folders"), as an array to free. */
int box_collaborations(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err);
int box_collaboration_delete(struct connection *c, const char *id, const char *user, struct err *err);
/* what: "file" or "folder"; no mail is sent; one that is there already is fine. */
int box_collaboration_add(struct connection *c, const char *what, const char *id, const cJSON *accessible_by, const char *role,
	const char *as, struct err *err);

/* The user may edit in the quarantine folder, or not any more. Safe to repeat. */
int box_door_open(struct connection *c, const char *place, const char *user, struct err *err);
int box_door_close(struct connection *c, const char *place, const char *user, struct err *err);

#endif
