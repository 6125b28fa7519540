/* Who is outside: the organisation's own domains, and struct sharing filled in. Called by the connectors, any thread. */
#ifndef CONNECTORS_OUTSIDE_H
#define CONNECTORS_OUTSIDE_H

#include "connectors/common.h"

#include <pthread.h>

#define OUTSIDE_MAX 64            /* addresses that struct sharing tells */
#define DOMAINS_FOR_MS (10 * 60 * 1000) /* so long are the own domains remembered */

/* The own domains, remembered by an opened connection: its only state of that kind. */
struct own_domains {
	pthread_mutex_t lock;
	cJSON *list; /* lock; of strings */
	int64_t at;  /* lock */
};

void domains_init(struct own_domains *d);
void domains_free(struct own_domains *d);
/* A copy in *ret (freed by the caller); 1 when none are known or they are too old. */
int domains_get(struct own_domains *d, cJSON **ret, struct err *err);
/* Remembers a copy. */
int domains_put(struct own_domains *d, const cJSON *list, struct err *err);

/* Is the address ("a@b", or a domain "@b") of one of the domains? In any case. Without an @ it is: nobody can tell. */
bool domain_is_own(const cJSON *domains, const char *address);

/* Adds somebody to ret->outside, once, in small letters; counts those that do not fit. */
int sharing_add_outside(struct sharing *s, const char *address, struct err *err);

/* ---- lists in arenas, for people ---- */

/* The strings of a list, ended by NULL, each once and in small letters when small; never NULL but for memory. */
const char *const *arena_strings(struct arena *a, const cJSON *list, bool small);

#endif
