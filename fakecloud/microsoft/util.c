/* Small things of the Microsoft stand-in: containers, ids, JSON shorthand. Used by all its files. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *ms_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

char *ms_strdup(const char *s)
{
	char *p = strdup(s ? s : "");

	if (!p)
		abort();
	return p;
}

char *ms_printf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		abort();
	va_end(ap);
	return p;
}

void ms_vec_add(struct ms_vec *vec, void *p)
{
	if (vec->n == vec->cap) {
		size_t cap = vec->cap ? vec->cap * 2 : 4;
		void **v = reallocarray(vec->v, cap, sizeof(*v));

		if (!v)
			abort();
		vec->v = v;
		vec->cap = cap;
	}
	vec->v[vec->n++] = p;
}

void ms_vec_remove(struct ms_vec *vec, const void *p)
{
	for (size_t i = 0; i < vec->n; i++) {
		if (vec->v[i] != p)
			continue;
		memmove(vec->v + i, vec->v + i + 1, (vec->n - i - 1) * sizeof(*vec->v));
		vec->n--;
		return;
	}
}

static size_t map_hash(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	return (size_t)(h ^ (h >> 29));
}

static struct ms_map_slot *map_slot(const struct ms_map *map, const char *key)
{
	size_t i = map_hash(key) & (map->cap - 1);

	while (map->slots[i].key && strcmp(map->slots[i].key, key))
		i = (i + 1) & (map->cap - 1);
	return &map->slots[i];
}

void *ms_map_get(const struct ms_map *map, const char *key)
{
	return map->cap && key ? map_slot(map, key)->value : NULL;
}

void ms_map_put(struct ms_map *map, const char *key, void *value)
{
	struct ms_map_slot *slot;

	if (map->n * 4 >= map->cap * 3) {
		struct ms_map old = *map;

		map->cap = old.cap ? old.cap * 2 : 64;
		map->slots = ms_alloc(map->cap * sizeof(*map->slots));
		for (size_t i = 0; i < old.cap; i++) {
			if (old.slots[i].key)
				*map_slot(map, old.slots[i].key) = old.slots[i];
		}
		free(old.slots);
	}
	slot = map_slot(map, key);
	if (!slot->key) {
		slot->key = ms_strdup(key);
		map->n++;
	}
	slot->value = value;
}

/* 32 bytes: a digest of the words, or random ones. */
static void id_bytes(const char *const *words, unsigned char out[32])
{
	char hex[65];

	if (!words) {
		random_bytes(out, 32);
		return;
	}
	fc_stable_id(hex, 64, words);
	hex[64] = 0;
	if (hex_decode(out, hex, 32) < 0)
		abort();
}

char *ms_guid(const char *const *words)
{
	unsigned char b[32];

	id_bytes(words, b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	return ms_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static char *base64url_id(const char *prefix, const unsigned char *b, size_t n, const char *suffix)
{
	struct buf out = BUF_INIT(512);

	if (buf_adds(&out, prefix) < 0 || base64url_encode(&out, b, n) < 0 || buf_adds(&out, suffix) < 0)
		abort();
	return buf_take(&out);
}

char *ms_mail_id(const char *prefix, const char *const *words)
{
	unsigned char b[32 + 32] = {0};

	id_bytes(words, b);
	/* Exchange's ids are long; the tail tells nothing. */
	memcpy(b + 32, b, 22);
	return base64url_id(prefix, b, 54, "AAA=");
}

char *ms_drive_id(const char *const *words)
{
	unsigned char b[48] = {0};

	id_bytes(words, b);
	memcpy(b + 32, b + 8, 16);
	return base64url_id("b!", b, 48, "");
}

char *ms_item_id(const char *const *words)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char b[32];
	char out[35] = "01";

	id_bytes(words, b);
	for (int i = 0; i < 32; i++)
		out[2 + i] = alphabet[b[i] & 31];
	return ms_strdup(out);
}

void j_str(cJSON *o, const char *key, const char *value)
{
	if (value)
		cJSON_AddStringToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

void j_num(cJSON *o, const char *key, double value)
{
	cJSON_AddNumberToObject(o, key, value);
}

void j_bool(cJSON *o, const char *key, bool value)
{
	cJSON_AddBoolToObject(o, key, value);
}

void j_time(cJSON *o, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	cJSON_AddStringToObject(o, key, time_format_s(ms, text));
}

void j_time_ms(cJSON *o, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	cJSON_AddStringToObject(o, key, time_format(ms, text));
}

cJSON *j_object(cJSON *o, const char *key)
{
	return cJSON_AddObjectToObject(o, key);
}

cJSON *j_array(cJSON *o, const char *key)
{
	return cJSON_AddArrayToObject(o, key);
}

cJSON *ms_get_any(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItem(object, key) : NULL;
}
