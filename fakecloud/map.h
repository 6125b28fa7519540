/* A hash table from text to pointers, for the tables of fakecloud (tokens, items by id or path). It copies
 * keys and never owns values. Not thread-safe: callers hold the state lock. Running out of memory ends the
 * process, as everywhere in fakecloud. */
#ifndef FAKECLOUD_MAP_H
#define FAKECLOUD_MAP_H

#include <stddef.h>

struct map_entry;

/* All zero is an empty table. */
struct map {
	struct map_entry **slots;
	size_t size;  /* slots, a power of two or 0 */
	size_t count; /* entries */
};

void *map_get(const struct map *m, const char *key); /* NULL when missing */
/* Sets (or replaces) and returns the lasting copy of the key. */
const char *map_put(struct map *m, const char *key, void *value);
/* Takes it out; returns its value, NULL when it was missing. The copy of the key is freed. */
void *map_del(struct map *m, const char *key);

/* One entry after another in no order: start with *cursor 0; false at the end. No change in between. */
int map_next(const struct map *m, size_t *cursor, const char **ret_key, void **ret_value);
void map_clear(struct map *m);

#endif
