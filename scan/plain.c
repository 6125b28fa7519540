/* Words of documents; see plain.h. Not parsers: what is malformed gives other words, and nothing else depends on them. */
#include "scan/plain.h"

#include "base/encode.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

enum boundary { JOINS, LINE, CELL, ROW, TAB, SPACE, PHONETIC };

static bool is(const char *name, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(name, what, len) == 0;
}

static bool is_any(const char *name, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (is(name, len, *list))
			return true;
	return false;
}

/* What a tag means for the words around it: elements within a word (w:r, w:t, w:rPr …) join, the ends of paragraphs, cells and
 * of anything unknown part. name: as it stands, with the slash of an end before it or that of an empty element behind it. */
static enum boundary boundary_of(const char *name, size_t len)
{
	static const char *const inline_[] = {"t", "r", "rPr", "b", "i", "u", "s", "sz", "color", "rFont", "family", "charset", "scheme", "vertAlign", "strike", "phoneticPr", "is",
		"v", "a", "em", "strong", "span", "font", "sub", "sup", NULL};
	bool end = *name == '/', empty = len > 1 && name[len - 1] == '/';

	name += end;
	len -= (size_t)end + (size_t)empty;
	const char *colon = memchr(name, ':', len < 16 ? len : 16);
	if (!colon) {
		if (is(name, len, "rPh"))
			return PHONETIC;
		if (!end && !empty)
			return is(name, len, "br") ? LINE : JOINS;
		if (is(name, len, "c") || is(name, len, "td") || is(name, len, "th"))
			return CELL;
		if (is(name, len, "row") || is(name, len, "tr"))
			return ROW;
		return is_any(name, len, inline_) ? JOINS : LINE;
	}
	size_t prefix = (size_t)(colon - name);
	const char *local = colon + 1;
	size_t n = len - prefix - 1;
	if (is(name, prefix, "w") || is(name, prefix, "a")) {
		if (is(local, n, "p"))
			return end || empty ? LINE : JOINS;
		if (n == 2 && local[0] == 't' && end)
			return local[1] == 'c' ? CELL : local[1] == 'r' ? ROW : JOINS;
		return is(local, n, "tab") ? TAB : is(local, n, "br") || is(local, n, "cr") ? LINE : JOINS;
	}
	if (is(name, prefix, "text")) {
		if (is(local, n, "p") || is(local, n, "h"))
			return end || empty ? LINE : JOINS;
		return is(local, n, "tab") ? TAB : is(local, n, "line-break") ? LINE : is(local, n, "s") ? SPACE : JOINS;
	}
	if (is(name, prefix, "table") && end)
		return is(local, n, "table-cell") ? CELL : ROW;
	return end || empty ? LINE : JOINS;
}

static char last(const struct buf *b)
{
	return b->len ? b->data[b->len - 1] : '\n';
}

static void part(struct buf *out, enum boundary b)
{
	switch (b) {
	case JOINS:
	case PHONETIC:
		break;
	case LINE:
		if (last(out) != '\n')
			buf_addc(out, '\n');
		break;
	case CELL:
	case ROW:
		/* A cell ends with its last paragraph, a row with its last cell. */
		if (out->len && (last(out) == '\n' || (b == ROW && last(out) == '\t')))
			out->data[out->len - 1] = b == CELL ? '\t' : '\n';
		else
			buf_addc(out, b == CELL ? '\t' : '\n');
		break;
	case TAB:
		buf_addc(out, '\t');
		break;
	case SPACE:
		buf_addc(out, ' ');
		break;
	}
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

/* What the tag at i means; returns what stands behind it. */
static size_t tag(struct buf *out, const char *xml, size_t len, size_t i, bool *hidden)
{
	const char *end;
	size_t name = i + 1, n = 0;

	if (len - i > 9 && memcmp(xml + i, "<![CDATA[", 9) == 0) {
		end = memmem(xml + i, len - i, "]]>", 3);
		buf_add(out, xml + i + 9, (end ? (size_t)(end - xml) : len) - i - 9);
		return end ? (size_t)(end - xml) + 3 : len;
	}
	if (len - i > 4 && memcmp(xml + i, "<!--", 4) == 0) {
		end = memmem(xml + i, len - i, "-->", 3);
		return end ? (size_t)(end - xml) + 3 : len;
	}
	end = memchr(xml + i, '>', len - i);
	size_t stop = end ? (size_t)(end - xml) : len;
	while (name + n < stop && (unsigned char)xml[name + n] > 0x20)
		n++;
	if (n == 0)
		return stop + 1;
	if (stop > name + n && xml[stop - 1] == '/' && xml[name + n - 1] != '/') {
		/* An empty element with attributes: the same as one without. */
		enum boundary b = boundary_of(xml + name, n);
		part(out, b == JOINS && memchr(xml + name, ':', n) && strncmp(xml + name, "w:", 2) != 0 && strncmp(xml + name, "a:", 2) != 0 &&
			strncmp(xml + name, "text:", 5) != 0 ? LINE : b);
		return stop + 1;
	}
	enum boundary b = boundary_of(xml + name, n);
	/* How names are read aloud stands beside them; a cell of t="s" holds a number of a text elsewhere. */
	if (b == PHONETIC)
		*hidden = xml[name] != '/';
	else if (n == 1 && xml[name] == 'c' && memmem(xml + name, stop - name, "t=\"s\"", 5))
		*hidden = true;
	else if (b == CELL)
		*hidden = false;
	part(out, b);
	return stop + 1;
}

void plain_xml(struct buf *out, const char *xml, size_t len)
{
	bool hidden = false;

	for (size_t i = 0; i < len;) {
		if (xml[i] == '<') {
			i = tag(out, xml, len, i, &hidden);
		} else if (xml[i] == '&' && !hidden) {
			i += entity(out, xml + i, len - i);
		} else {
			const char *next = memchr(xml + i, '<', len - i);
			size_t stop = next ? (size_t)(next - xml) : len;
			const char *amp = hidden ? NULL : memchr(xml + i, '&', stop - i);
			if (amp && (size_t)(amp - xml) > i)
				stop = (size_t)(amp - xml);
			if (!hidden && buf_add(out, xml + i, stop - i) < 0)
				return;
			i = stop;
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
