/* A bounded pool of threads for work that waits on the network, fair between connections and token addresses: one that
 * is slow holds some of the threads, never all. Any thread. */
#ifndef AUTH_POOL_H
#define AUTH_POOL_H

#include "base/err.h"

struct pool;

struct pool_limits {
	int threads;
	int queue;    /* jobs waiting */
	int per_key;  /* threads that work for one key at a time */
	int per_group;
};

/* name: static, for the log. */
int pool_new(const char *name, const struct pool_limits *limits, struct pool **ret, struct err *err);
/* Finishes what runs, drops what waits, joins the threads. */
void pool_free(struct pool *p);

/* run: called on a thread of the pool; drop: instead of it when the pool ends first; one of them is called once and
 * owns ctx. key and group ("" belongs to none) are cut at 127 bytes. Errors: RETRY "busy" when too many wait. */
int pool_submit(struct pool *p, const char *key, const char *group, void (*run)(void *ctx), void (*drop)(void *ctx),
	void *ctx, struct err *err);

#endif
