/* Collaborations of Box, and our two folders. See box.h for threads and errors. */
#ifndef CONNECTORS_BOX_PLACE_H
#define CONNECTORS_BOX_PLACE_H

#include "connectors/box/box.h"

/* Direct collaborations of a file or folder (what: "files", "folders"), as an array to free; and with those of the folders
 * above. */
int box_collaborations(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err);
int box_collaborations_all(struct connection *c, const char *what, const char *id, const char *user, cJSON **ret_list,
	struct err *err);
/* The address of who collaborates: NULL for groups, and where Box names none. */
const char *box_collaborator(const cJSON *collaboration);
int box_collaboration_delete(struct connection *c, const char *id, const char *user, struct err *err);

struct box_collaboration {
	const char *what; /* "file" or "folder" */
	const char *id;   /* of that */
	const cJSON *who; /* accessible_by */
	const char *role;
	const char *expires_at; /* may be NULL */
	bool access_only;
};

/* Who reaches a file from outside the enterprise (sharing.c). */
struct box_above {
	const char *what;   /* for people: "a public link", an address */
	const char *folder; /* its name */
};
struct box_access {
	struct arena *arena;
	cJSON *list;              /* all collaborations */
	const cJSON **own;        /* outsiders' of the file itself */
	size_t n_own;
	struct box_above *above;  /* what comes from folders */
	size_t n_above;
	const char **outside;     /* addresses in lower case, each once */
	size_t n_outside;
	bool link_above, company_above;
	bool unknown;             /* Box refuses to list the collaborations */
	struct err why;
};

/* file: as box_file() gave it to user. */
int box_access_read(struct connection *c, const cJSON *file, const char *user, struct box_access *ret, struct err *err);
void box_access_free(struct box_access *a);

/* No mail is sent; one that is there already is fine. ret_id (may be NULL): the new one's id is appended. */
int box_collaboration_add(struct connection *c, const struct box_collaboration *k, const char *as, struct buf *ret_id,
	struct err *err);

/* A folder of the service account of that name (BOX_QUARANTINE, BOX_TRANSIT): known and still there, found or made. */
int box_place(struct connection *c, const char *name, struct buf *ret_id, struct err *err);
/* The ids that are known, without asking Box: is the folder one of ours? */
int box_is_ours(struct connection *c, const char *folder, bool *ret, struct err *err);

#endif
