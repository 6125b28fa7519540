/* Hashes of the parts of what was judged, kept so that new signatures find it without its bytes. The rules of store.h hold. */
#ifndef STORE_HASHES_H
#define STORE_HASHES_H

#include "store/store.h"

struct store_hashes {
	int64_t id;
	unsigned char sha256[32]; /* of the content */
	const struct store_part_hash *parts;
	size_t n;
	bool risky;
};

/* Contents seen at or after `since`, by id from `after` on. */
int store_hashes_list(struct store *s, int64_t since, int64_t after, size_t max, struct arena *a, struct store_hashes **ret,
	size_t *ret_n, struct err *err);
/* A known content is a threat now: its verdict is replaced, and with items of it that were judged otherwise they become pending
 * again in the live lane, in one transaction. *ret_items: how many. Nothing happens to what was called a threat before. */
int store_hashes_found(struct store *s, const unsigned char sha256[32], int64_t size, const char *threats, const char *engine,
	const char *signatures, int64_t now, int64_t *ret_items, struct err *err);
/* Items of this tenant (NULL: all) and content that an earlier judgement let be (their verdict is no threat) become pending again. */
int store_hashes_again(struct store *s, const char *tenant, const char *sha256, int64_t *ret_items, struct err *err);
/* Items of risky contents that ended since then become pending again in the backlog's lane; at most max. */
int store_hashes_fetch(struct store *s, int64_t since, size_t max, int64_t *ret_items, struct err *err);
/* Forgets those last seen before then. */
int store_hashes_tidy(struct store *s, int64_t before, struct err *err);

#endif
