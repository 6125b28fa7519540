/* The walk through folders, page by page, with what is left of it in a cursor. See box.h for threads.
 *
 * The cursor's "stack" holds [user, folder, place, …]: place is a marker (text) followed by the id of the last entry taken of
 * its page, or, where Box pages by offset, a number followed by the total. ["", users page] stands for everybody. */
#ifndef CONNECTORS_BOX_WALK_H
#define CONNECTORS_BOX_WALK_H

#include "connectors/box/box.h"

struct walk {
	struct connection *c;
	struct item_page *page;
	cJSON *cursor, *stack;
	size_t cap;         /* of page->items */
	size_t stack_bytes; /* about what the stack takes in the cursor */
	bool everybody;     /* of all users: one that refuses does not end it */
	const char *folder; /* of the page, and whom it is shared with, once that was asked */
	bool people_asked;
	char people[24];
	struct err *err;
};

/* cursor NULL: an empty one. The caller deletes w->cursor. */
int box_walk_open(struct walk *w, const char *cursor);
int box_walk_push(struct walk *w, const char *user, const char *folder);
int box_walk_push_everybody(struct walk *w);
/* One page of the folder on top of the stack. */
int box_walk_step(struct walk *w);
/* The page's next item, NULL when it is full. */
struct item *box_walk_item(struct walk *w);

#endif
