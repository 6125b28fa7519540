/* The table of parts that one worker has found clean, so that office files which share themes, styles, fonts
 * and logos are not scanned again.
 *
 * libclamav has such a cache of its own; it is off here, because it also answers for archives and documents:
 * a second look at one would then show none of the parts within, neither the encrypted member that made it
 * unknown nor the macro that a policy asks for. This table holds only parts with nothing below them.
 *
 * A key is the SHA-256 of the content's SHA-256, its type and the types around it (signatures may ask for them). One
 * table a worker and so a tenant; it dies with the worker. One thread. */
#ifndef SCAN_CLEAN_H
#define SCAN_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clean_table;

struct clean_key {
	uint8_t hash[32];
};

struct clean_table *clean_new(void); /* NULL when memory ran out */
void clean_free(struct clean_table *t);

/* False when the digest cannot be made. context: a string that names the types. digest: the content's SHA-256, of which
 * and the context the key is made, so that the content is read once for both. */
bool clean_key(struct clean_table *t, const char *context, const void *data, size_t len, struct clean_key *ret,
	uint8_t digest[32]);
bool clean_has(const struct clean_table *t, const struct clean_key *key);
void clean_add(struct clean_table *t, const struct clean_key *key);

#endif
