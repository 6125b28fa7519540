/* Access tokens that core keeps for a moment, so that not every HTTP call asks the auth role. One for each opened
 * connection, owned by it; any thread.
 *
 * A token is kept for at most TOKEN_CACHE_KEEP_MS, and only while it lives for TOKEN_CACHE_MARGIN_MS more, so that what
 * auth decides (renewing early, forgetting a grant) holds here soon after. At most TOKEN_CACHE_MAX bytes; the oldest go
 * first. What leaves is overwritten. */
#ifndef CORE_TOKEN_CACHE_H
#define CORE_TOKEN_CACHE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_CACHE_MAX 65536
#define TOKEN_CACHE_KEEP_MS 60000
#define TOKEN_CACHE_MARGIN_MS 300000

struct token_cache;

struct token_cache *token_cache_new(void); /* NULL when memory ran out */
void token_cache_free(struct token_cache *t);

/* Appends the subject's token to ret (wipe it). now: monotonic ms, wall: ms UTC. */
bool token_cache_get(struct token_cache *t, const char *subject, int64_t now, int64_t wall, struct buf *ret);
/* Keeps a copy in the place of the one before. expires_at: ms UTC. One that cannot be kept is left out silently. */
void token_cache_put(struct token_cache *t, const char *subject, const char *token, int64_t expires_at, int64_t now,
	int64_t wall);
/* The subject's token was refused. */
void token_cache_drop(struct token_cache *t, const char *subject);

#endif
