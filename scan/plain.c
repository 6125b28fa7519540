/* Words of documents; see plain.h. Not parsers: what is malformed gives other words, and nothing else depends on them. */
#include "scan/plain.h"

#include "base/encode.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

static bool ends(const char *name, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(name, what, len) == 0;
}

/* Elements within a word (w:r, w:t, w:rPr …) join; the ends of these part. */
static bool parts_words(const char *name, size_t len)
{
	static const char *const list[] = {"/w:p", "/a:p", "/si", "/c", "/v", "/row", "w:tab/", "w:br/", "/text:p", "/text:h",
		"/table:table-cell", "/p", "/td", "/div", "br/"};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (ends(name, len, list[i]))
			return true;
	return false;
}

static size_t entity(struct buf *out, const char *s, size_t len)
{
	static const char *const names[][2] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"}};
	utf8proc_uint8_t utf8[4];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i][0]);
		if (len >= n && memcmp(s, names[i][0], n) == 0) {
			buf_adds(out, names[i][1]);
			return n;
		}
	}
	if (len > 3 && s[1] == '#') {
		char digits[12], *end;
		bool hex = s[2] == 'x';
		snprintf(digits, sizeof(digits), "%.*s", (int)(len - 2 < 11 ? len - 2 : 11), s + 2);
		unsigned long cp = strtoul(digits + hex, &end, hex ? 16 : 10);
		if (*end == ';' && cp > 0 && utf8proc_codepoint_valid((utf8proc_int32_t)(cp & 0x7fffffff)) && cp < 0x110000) {
			buf_add(out, utf8, (size_t)utf8proc_encode_char((utf8proc_int32_t)cp, utf8));
			return (size_t)(end - digits) + 3;
		}
	}
	buf_addc(out, '&');
	return 1;
}

void plain_xml(struct buf *out, const char *xml, size_t len)
{
	for (size_t i = 0; i < len;) {
		if (xml[i] == '<') {
			const char *end = memchr(xml + i, '>', len - i);
			size_t stop = end ? (size_t)(end - xml) : len, name = i + 1;
			size_t n = 0;
			while (name + n < stop && (unsigned char)xml[name + n] > 0x20)
				n++;
			if (parts_words(xml + name, n))
				buf_addc(out, '\n');
			i = stop + 1;
		} else if (xml[i] == '&') {
			i += entity(out, xml + i, len - i);
		} else {
			size_t from = i;
			while (i < len && xml[i] != '<' && xml[i] != '&')
				i++;
			if (buf_add(out, xml + from, i - from) < 0)
				return;
		}
	}
}

void plain_pdf(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '(') {
			for (i++; i < len && s[i] != ')'; i++) {
				if (s[i] == '\\' && i + 1 < len)
					i++;
				if (buf_addc(out, s[i]) < 0)
					return;
			}
		} else if ((s[i] == 'T' && i + 1 < len && strchr("dDm*", s[i + 1])) || (s[i] == 'E' && i + 1 < len && s[i + 1] == 'T')) {
			buf_addc(out, '\n');
		}
	}
}

/* Is the character its own NFKC, whatever stands beside it? ASCII, kana and kanji, which most of a Japanese text is. */
static bool is_plain(const unsigned char *s, size_t n)
{
	if (n == 1)
		return true;
	if (n != 3)
		return false;
	unsigned cp = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	return (cp >= 0x3001 && cp <= 0x3029) || (cp >= 0x3041 && cp <= 0x3096) || (cp >= 0x30a1 && cp <= 0x30fe) ||
		(cp >= 0x4e00 && cp <= 0x9fff);
}

static void compose(struct buf *out, const char *s, size_t len)
{
	utf8proc_uint8_t *done = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &done,
		UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE);

	buf_add(out, n >= 0 ? (const char *)done : s, n >= 0 ? (size_t)n : len);
	free(done);
}

static bool is_number(const unsigned char *s, size_t n)
{
	return (n >= 1 && s[0] >= '0' && s[0] <= '9') || (n >= 3 && s[0] == 0xef && s[1] == 0xbc && s[2] >= 0x90 && s[2] <= 0x99);
}

/* A sign that people type for the hyphen of a number: long vowels, minus signs, rules. Only between digits. */
static bool is_hyphen(const char *text, size_t len, size_t at)
{
	const unsigned char *s = (const unsigned char *)text + at;

	if (s[0] != 0xe2 && s[0] != 0xe3 && s[0] != 0xef)
		return false;
	bool dash = (s[0] == 0xe3 && s[1] == 0x83 && s[2] == 0xbc) || (s[0] == 0xef && s[1] == 0xbd && s[2] == 0xb0) ||
		(s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0x90 && s[2] <= 0x95) || (s[0] == 0xe2 && s[1] == 0x88 && s[2] == 0x92) ||
		(s[0] == 0xe2 && s[1] == 0x94 && (s[2] == 0x80 || s[2] == 0x81));
	if (!dash || !is_number(s + 3, len - at - 3))
		return false;
	return (at >= 1 && is_number(s - 1, 1)) || (at >= 3 && is_number(s - 3, 3));
}

void plain_normal(struct buf *out, const char *s, size_t len)
{
	size_t from = 0, last = 0; /* not written yet; the last plain character of it, which may compose with what follows */
	bool other = false;        /* since from */

	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		if (n == 3 && is_hyphen(s, len, i)) {
			if (other)
				compose(out, s + from, i - from);
			else
				buf_add(out, s + from, i - from);
			buf_addc(out, '-');
			from = last = i += 3;
			other = false;
			continue;
		}
		if (n == 0) {
			/* No UTF-8: what the detectors see always is. */
			if (other)
				compose(out, s + from, i - from);
			else
				buf_add(out, s + from, i - from);
			buf_add(out, "\xef\xbf\xbd", 3);
			from = last = ++i;
			other = false;
			continue;
		}
		bool plain = is_plain((const unsigned char *)s + i, n);
		if (!plain && !other) {
			buf_add(out, s + from, last - from);
			from = last;
			other = true;
		} else if (plain && other) {
			compose(out, s + from, i - from);
			from = i;
			other = false;
		}
		last = i;
		i += n;
	}
	if (other)
		compose(out, s + from, len - from);
	else
		buf_add(out, s + from, len - from);
}
