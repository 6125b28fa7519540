/* Mails of the same people, one of which brings something closed and another the password for it. Kept by hashes of who wrote to
 * whom and for a window only; no password is ever here. Called by core/pairs.c; the rules of store.h hold. */
#ifndef STORE_PAIRS_H
#define STORE_PAIRS_H

#include "store/store.h"

#define PAIR_CLOSED 1u /* something in it stayed closed */
#define PAIR_TELLS 2u  /* its text tells a password */

#define PAIR_KEY 16    /* bytes */
#define PAIR_KEYS 6    /* of one mail */

struct store_pair {
	int64_t item, stream;
	const char *tenant;
	unsigned flags;
	uint8_t message[PAIR_KEY];
	int64_t at;  /* the mail's time */
	int n_keys;
	uint8_t keys[PAIR_KEYS][PAIR_KEY];
};
/* Keeps it, or replaces its flags; flags 0 forgets it. Rows noted before `before` are removed on the way, some at a time. */
int store_pair_put(struct store *s, const struct store_pair *p, int64_t now, int64_t before, struct err *err);

struct store_pair_found {
	int64_t item, stream, at;
	int tries;
	uint8_t message[PAIR_KEY];
};
/* Others with one of its keys and all of these flags, whose time is within `window` of its own, the nearest first, at most max.
 * *ret_noted: how many rows its busiest key got since `since`. */
int store_pair_find(struct store *s, const struct store_pair *p, unsigned flags, int64_t window, int64_t since, size_t max, struct arena *a,
	struct store_pair_found **ret, size_t *ret_n, int64_t *ret_noted, struct err *err);
/* Counts a try of each of them. */
int store_pair_tried(struct store *s, const char *tenant, const int64_t *items, size_t n, struct err *err);

#endif
