/* Lines of hash signature files: what is read stays within its line and its bounds, and written out again reads the same. */
#include "scan/hash_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 160

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(const char *line, size_t len, const char *name, size_t name_len)
{
	if (name_len < 1 || name_len > HASH_NAME_MAX || name < line || name_len > len || name - line > (ptrdiff_t)(len - name_len))
		abort();
}

static void again(const struct hash_signature *s)
{
	static const size_t bytes[] = {[HASH_MD5] = 16, [HASH_SHA1] = 20, [HASH_SHA256] = 32};
	char text[64 + 24 + HASH_NAME_MAX + 8];
	size_t at = 0;
	struct hash_signature t = {0};

	for (size_t i = 0; i < bytes[s->kind]; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%02X", s->digest[i]);
	at += s->size < 0 ? (size_t)snprintf(text + at, sizeof(text) - at, ":*:") :
			    (size_t)snprintf(text + at, sizeof(text) - at, ":%lld:", (long long)s->size);
	memcpy(text + at, s->name, s->name_len);
	at += s->name_len;
	memcpy(text + at, ":73", 3);
	if (!hash_line_read(text, at + 3, LEVEL, &t) || t.kind != s->kind || t.size != s->size || t.name_len != s->name_len ||
		memcmp(t.name, s->name, s->name_len) != 0 || memcmp(t.digest, s->digest, bytes[s->kind]) != 0)
		abort();
	/* Of an engine that is older than the signature. */
	if (hash_line_read(text, at + 3, 72, &t))
		abort();
}

static void one(const uint8_t *data, size_t len)
{
	/* Exactly as long as it is, so that a byte too far is seen. */
	char *line = malloc(len ? len : 1);
	struct hash_signature s = {0};
	size_t name_len = 0;

	memcpy(line, data, len);
	if (hash_line_read(line, len, LEVEL, &s)) {
		within(line, len, s.name, s.name_len);
		if (s.kind > HASH_SHA256 || s.size < -1)
			abort();
		again(&s);
	}
	const char *name = hash_line_ignored(line, len, &name_len);
	if (name)
		within(line, len, name, name_len);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) - at : size - at;
		one(data + at, len);
		at += len + 1;
	}
	return 0;
}
