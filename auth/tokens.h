/* Access tokens in memory: given out while they are good, renewed at 80 % of their life, one renewal at a time for each
 * (connection, subject) whoever asks. Any thread; tokens_get() never blocks on the network. */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include "auth/pool.h"
#include "auth/renew.h"

struct tokens;

struct token_answer {
	const char *token; /* NULL: see err */
	int64_t expires_at;
	const struct err *err;
};

/* Called once for each request with its id, on any thread. */
typedef void tokens_answer_fn(void *ctx, uint64_t id, const struct token_answer *answer);

/* renewer and pool are lent; the pool must be ended before this is freed. */
int tokens_new(struct renewer *renewer, struct pool *pool, tokens_answer_fn *answer, void *ctx, struct tokens **ret,
	struct err *err);
/* Wipes everything; who still waits gets no answer. */
void tokens_free(struct tokens *t);

/* renew: the token given last was refused. */
void tokens_get(struct tokens *t, uint64_t id, const char *connection, const char *subject, bool renew);

/* Where the connection's token address lies, for the pool's fairness, and whether subjects matter to it. */
void tokens_learn(struct tokens *t, const char *connection, const char *origin, bool per_subject);
/* The grant was replaced or is gone: its tokens are wiped, and those of renewals under way are not kept. */
void tokens_drop(struct tokens *t, const char *connection);
/* A copy of a token of the connection itself that is good now; false when there is none. */
bool tokens_peek(struct tokens *t, const char *connection, struct buf *ret);

#endif
