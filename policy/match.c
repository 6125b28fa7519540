/* Comparing texts: bounded, without allocation, ASCII letters without case. Any thread. */
#include "policy/impl.h"

#include <string.h>

static inline unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static inline uint64_t pair_bit(unsigned char a, unsigned char b)
{
	return 1ull << (((unsigned)a * 31 + b * 7u + (b >> 3)) & 63);
}

void text_key(const char *s, struct text_key *ret)
{
	uint64_t hash = 0xcbf29ce484222325ull, pairs = 0;
	unsigned char before = 0;
	uint32_t len = 0;

	for (; s[len] && len < TEXT_CUT; len++) {
		unsigned char c = fold((unsigned char)s[len]);
		hash = (hash ^ c) * 0x100000001b3ull;
		if (len)
			pairs |= pair_bit(before, c);
		before = c;
	}
	*ret = (struct text_key){hash, pairs, len};
}

bool text_equal(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (fold((unsigned char)a[i]) != fold((unsigned char)b[i]))
			return false;
	return true;
}

bool text_contains(const char *s, size_t len, const char *what, size_t n)
{
	if (n > len)
		return false;
	if (n == 0)
		return true;
	for (size_t i = 0; i + n <= len; i++)
		if (fold((unsigned char)s[i]) == (unsigned char)what[0] && text_equal(s + i, what, n))
			return true;
	return false;
}

/* Bytes of the character at s: a question mark stands for a whole one. */
static size_t character(const char *s, size_t len)
{
	size_t n = 1;

	while (n < len && n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Only the last star is ever tried again: the time is at most the product of both lengths. */
bool text_glob(const char *pattern, const char *s, size_t len)
{
	const char *star = NULL, *end = s + len, *again = s;

	while (s < end) {
		if (*pattern == '*') {
			star = ++pattern;
			again = s;
		} else if (*pattern == '?') {
			pattern++;
			s += character(s, (size_t)(end - s));
		} else if (*pattern && (unsigned char)*pattern == fold((unsigned char)*s)) {
			pattern++;
			s++;
		} else if (star) {
			again += character(again, (size_t)(end - again));
			s = again;
			pattern = star;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

uint64_t text_glob_pairs(const char *pattern)
{
	uint64_t pairs = 0;

	for (; pattern[0] && pattern[1]; pattern++)
		if (!strchr("*?", pattern[0]) && !strchr("*?", pattern[1]))
			pairs |= pair_bit((unsigned char)pattern[0], (unsigned char)pattern[1]);
	return pairs;
}
