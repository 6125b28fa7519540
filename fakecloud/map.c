/* The hash table of fakecloud; see map.h. Chained, FNV-1a, grows at a load of one. */
#include "fakecloud/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct map_entry {
	struct map_entry *next;
	void *value;
	uint64_t hash;
	char key[];
};

static uint64_t hash_text(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h ^ h >> 29;
}

static struct map_entry **find(const struct map *m, const char *key, uint64_t hash)
{
	struct map_entry **at = &m->slots[hash & (m->size - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

static void grow(struct map *m)
{
	size_t size = m->size ? m->size * 2 : 64;
	struct map_entry **slots = calloc(size, sizeof(struct map_entry *));

	if (!slots)
		abort();
	for (size_t i = 0; i < m->size; i++) {
		for (struct map_entry *e = m->slots[i], *next; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (size - 1)];
			slots[e->hash & (size - 1)] = e;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->size = size;
}

void *map_get(const struct map *m, const char *key)
{
	if (!m->count || !key)
		return NULL;
	struct map_entry *e = *find(m, key, hash_text(key));
	return e ? e->value : NULL;
}

const char *map_put(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_text(key);

	if (m->count >= m->size)
		grow(m);
	struct map_entry **at = find(m, key, hash);
	if (!*at) {
		size_t len = strlen(key) + 1;
		struct map_entry *e = malloc(sizeof(*e) + len);
		if (!e)
			abort();
		e->next = NULL;
		e->hash = hash;
		memcpy(e->key, key, len);
		*at = e;
		m->count++;
	}
	(*at)->value = value;
	return (*at)->key;
}

void *map_del(struct map *m, const char *key)
{
	if (!m->count)
		return NULL;
	struct map_entry **at = find(m, key, hash_text(key)), *e = *at;
	if (!e)
		return NULL;
	void *value = e->value;
	*at = e->next;
	free(e);
	m->count--;
	return value;
}

int map_next(const struct map *m, size_t *cursor, const char **ret_key, void **ret_value)
{
	/* The cursor is slot number and depth in its chain; chains are short. */
	size_t slot = *cursor >> 16, depth = *cursor & 0xffff;

	for (; slot < m->size; slot++, depth = 0) {
		struct map_entry *e = m->slots[slot];
		for (size_t i = 0; e && i < depth; i++)
			e = e->next;
		if (!e)
			continue;
		*cursor = slot << 16 | (depth + 1);
		if (ret_key)
			*ret_key = e->key;
		if (ret_value)
			*ret_value = e->value;
		return 1;
	}
	return 0;
}

void map_clear(struct map *m)
{
	for (size_t i = 0; i < m->size; i++) {
		for (struct map_entry *e = m->slots[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(m->slots);
	*m = (struct map){0};
}
