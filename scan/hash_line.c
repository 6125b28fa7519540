/* See hash_line.h. */
#include "scan/hash_line.h"

#include <string.h>

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_number(const char **at, const char *end, int64_t *ret)
{
	const char *p = *at;
	int64_t v = 0;

	while (p < end && *p >= '0' && *p <= '9' && v < INT64_MAX / 20)
		v = v * 10 + (*p++ - '0');
	if (p == *at)
		return false;
	*at = p;
	*ret = v;
	return true;
}

bool hash_line_read(const char *line, size_t len, unsigned engine_level, struct hash_signature *s)
{
	const char *end = line + len, *colon = memchr(line, ':', len), *p;
	size_t hex = colon ? (size_t)(colon - line) : 0;
	int64_t least = 0, greatest = INT64_MAX;

	if (hex != 32 && hex != 40 && hex != 64)
		return false;
	s->kind = hex == 32 ? HASH_MD5 : hex == 40 ? HASH_SHA1 : HASH_SHA256;
	for (size_t i = 0; i < hex / 2; i++) {
		int a = hex_digit(line[2 * i]), b = hex_digit(line[2 * i + 1]);
		if (a < 0 || b < 0)
			return false;
		s->digest[i] = (uint8_t)(a << 4 | b);
	}
	p = colon + 1;
	if (p < end && *p == '*') {
		s->size = -1;
		p++;
	} else if (!read_number(&p, end, &s->size)) {
		return false;
	}
	if (p >= end || *p++ != ':')
		return false;
	s->name = p;
	while (p < end && *p != ':')
		p++;
	s->name_len = (size_t)(p - s->name);
	if (p < end && (p++, p < end) && *p != ':' && !read_number(&p, end, &least))
		return false;
	if (p < end && *p == ':' && p + 1 < end && (p++, !read_number(&p, end, &greatest)))
		return false;
	return s->name_len > 0 && s->name_len <= HASH_NAME_MAX && (int64_t)engine_level >= least && (int64_t)engine_level <= greatest;
}

const char *hash_line_ignored(const char *line, size_t len, size_t *ret_len)
{
	const char *name = line, *end = line + len, *colon = memchr(line, ':', len);
	const char *second = colon ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;

	if (second)
		name = second + 1;
	else if (colon)
		end = colon;
	if (end == name || end - name > HASH_NAME_MAX)
		return NULL;
	*ret_len = (size_t)(end - name);
	return name;
}
