/* What containers announce and what comes out of them. Layers nest, so both lists are stacks shared by all
 * layers of a scan: each layer remembers where its own begin. One thread; bounded by MEMBERS_MAX. */
#ifndef SCAN_MEMBERS_H
#define SCAN_MEMBERS_H

#include "scan/reason.h"

#include <stdint.h>

#define MEMBERS_MAX (1 << 20)

struct members_store;

/* A layer's lists: where they begin, and how many it announced in all. */
struct members {
	int announced_at, seen_at;
	int count;
};

struct member {
	int64_t size;   /* unpacked */
	int64_t packed; /* as told; 0 when it is not */
	unsigned position;
	bool encrypted;
	uint64_t name;  /* a hash of the last part of its name; 0: it has none */
	bool conflict;  /* told twice, with two sizes */
};

struct members_store *members_store_new(void); /* NULL when memory ran out */
void members_store_free(struct members_store *s);
void members_store_clear(struct members_store *s);

void members_open(const struct members_store *s, struct members *m);
int members_count(const struct members *m);
int members_encrypted(const struct members_store *s, const struct members *m); /* of those announced */
/* twice: the container tells each member twice in a row, with the same position. -1 when memory ran out. */
int members_announced(struct members_store *s, struct members *m, const char *name, const struct member *what,
	bool twice);
int members_seen(struct members_store *s, struct members *m, const char *name, int64_t size);
bool members_known(const struct members_store *s, const struct members *m, const char *name, int64_t size);

/* Compares and forgets the layer's lists: REASON_NONE when all that was announced came out whole. */
enum reason members_compare(struct members_store *s, const struct members *m);

#endif
