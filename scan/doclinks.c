/* Links of documents; see doclinks.h. No parsers of the formats: each way of writing a link has a mark that stands before it, and
 * what is malformed gives no link. */
#include "scan/doclinks.h"

#include "scan/charset.h"
#include "scan/plain.h"
#include "scan/url.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>

#define TEXT_LOOKED (1u << 20) /* of plain text, and of words of XML */
#define RAW_LOOKED (16u << 20)
#define INFLATED_MAX (8u << 20)  /* of one PDF file's object streams */
#define MARKS_MAX 2000           /* looked at in one part */

static const char *find(const char *s, const char *end, const char *what, size_t len)
{
	return s < end ? memmem(s, (size_t)(end - s), what, len) : NULL;
}

/* ---- XML ---- */

static void undo_entities(struct buf *out, const char *s, size_t len)
{
	static const char *const names[][2] = {{"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&#38;", "&"}, {"&#x26;", "&"}};

	for (size_t i = 0; i < len;) {
		size_t k = 0;
		while (k < ARRAY_SIZE(names) && (s[i] != '&' || len - i < strlen(names[k][0]) || memcmp(s + i, names[k][0], strlen(names[k][0])) != 0))
			k++;
		buf_adds(out, k < ARRAY_SIZE(names) ? names[k][1] : "");
		if (k == ARRAY_SIZE(names))
			buf_addc(out, s[i]);
		i += k < ARRAY_SIZE(names) ? strlen(names[k][0]) : 1;
	}
}

static void add_value(struct links *l, int part, const char *s, const char *end)
{
	_cleanup_buf_ struct buf url = BUF_INIT(URL_MAX);
	const char *quote = s < end && (*s == '"' || *s == '\'') ? memchr(s + 1, *s, (size_t)(end - s - 1)) : NULL;

	if (!quote)
		return;
	undo_entities(&url, s + 1, (size_t)(quote - s - 1));
	links_add(l, "", buf_str(&url), url.len, "", 0, part);
}

/* <Relationship … Target="http://…" TargetMode="External"/>, xlink:href="http://…", HYPERLINK "http://…" in a field. */
static void read_xml(struct links *l, int part, const char *s, size_t len)
{
	_cleanup_buf_ struct buf words = BUF_INIT(TEXT_LOOKED);
	const char *end = s + len;
	int n = 0;

	for (const char *p = s; n < MARKS_MAX && (p = find(p, end, "<Relationship ", 14)); n++) {
		const char *close = memchr(p, '>', (size_t)(end - p)), *target;
		if (!close)
			break;
		target = find(p, close, " Target=", 8);
		if (target && find(p, close, "External", 8))
			add_value(l, part, target + 8, close);
		p = close;
	}
	for (const char *p = s; n < MARKS_MAX && (p = find(p, end, "xlink:href=", 11)); n++) {
		p += 11;
		if (p + 5 < end && (memcmp(p + 1, "http", 4) == 0 || memcmp(p + 1, "ftp:", 4) == 0 || memcmp(p + 1, "//", 2) == 0))
			add_value(l, part, p, end);
	}
	plain_xml(&words, s, len < 4 * TEXT_LOOKED ? len : 4 * TEXT_LOOKED);
	links_in_text(l, buf_str(&words), words.len, part);
}

/* ---- PDF ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* "(…)" with escapes, or "<hex>"; UTF-16 with a mark becomes UTF-8. */
static void pdf_string(struct buf *out, const char *s, const char *end)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(URL_MAX);
	int depth = 0, half = -1;

	for (const char *p = s; p < end && raw.len < URL_MAX - 1; p++) {
		if (*s == '<') {
			int v = hex(*p);
			if (*p == '>')
				break;
			if (v >= 0 && half >= 0)
				buf_addc(&raw, (char)(half * 16 + v));
			half = v < 0 ? half : half >= 0 ? -1 : v;
			continue;
		}
		if (*p == '(' && depth++ == 0)
			continue;
		if (*p == ')' && --depth == 0)
			break;
		if (*p == '\\' && p + 1 < end) {
			p++;
			if (*p >= '0' && *p <= '7') {
				int v = 0, k = 0;
				for (; k < 3 && p + k < end && p[k] >= '0' && p[k] <= '7'; k++)
					v = v * 8 + p[k] - '0';
				buf_addc(&raw, (char)v);
				p += k - 1;
				continue;
			}
			if (*p == '\r' || *p == '\n')
				continue;
		}
		buf_addc(&raw, *p);
	}
	bool wide = raw.len > 2 && memcmp(raw.data, "\xfe\xff", 2) == 0;
	charset_to_utf8(out, wide ? "utf-16" : "", buf_str(&raw), raw.len);
}

static void pdf_actions(struct links *l, int part, const char *s, size_t len)
{
	const char *end = s + len;
	int n = 0;

	for (const char *p = s; n < MARKS_MAX && (p = find(p, end, "/URI", 4)); n++) {
		for (p += 4; p < end && strchr(" \t\r\n", *p); p++)
			;
		if (p >= end || (*p != '(' && *p != '<'))
			continue;
		_cleanup_buf_ struct buf url = BUF_INIT(4 * URL_MAX);
		pdf_string(&url, p, end);
		links_add(l, "", buf_str(&url), url.len, "", 0, part);
	}
}

/* Most files keep their dictionaries in compressed object streams. */
static void pdf_object_streams(struct links *l, int part, const char *s, size_t len)
{
	const char *end = s + len;
	char *out = malloc(INFLATED_MAX);
	size_t left = INFLATED_MAX;
	int n = 0;

	for (const char *p = s; out && left && n < MARKS_MAX && (p = find(p, end, "/ObjStm", 7)); n++) {
		const char *data = find(p, p + 1024 < end ? p + 1024 : end, "stream", 6);
		p += 7;
		if (!data)
			continue;
		data += 6;
		data += data < end && *data == '\r';
		data += data < end && *data == '\n';
		z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)(end - data), .next_out = (Bytef *)out, .avail_out = (uInt)left};
		if (inflateInit(&z) != Z_OK)
			break;
		inflate(&z, Z_SYNC_FLUSH);
		size_t got = left - z.avail_out;
		inflateEnd(&z);
		pdf_actions(l, part, out, got);
		left -= got;
	}
	free(out);
}

/* ---- fields and monikers ---- */

/* HYPERLINK "http://…", of bytes (step 1) or UTF-16LE (step 2). */
static void fields(struct links *l, int part, const char *s, size_t len, size_t step)
{
	static const char narrow[] = "HYPERLINK", wide[] = "H\0Y\0P\0E\0R\0L\0I\0N\0K";
	const char *end = s + len;
	int n = 0;

	for (const char *p = s; n < MARKS_MAX && (p = find(p, end, step == 1 ? narrow : wide, step == 1 ? 9 : 18)); n++) {
		char url[2048];
		size_t k = 0;
		p += 9 * step;
		for (size_t gap = 0; gap < 8 && p < end && *p != '"'; gap++)
			p += step;
		if (p >= end || *p != '"')
			continue;
		for (p += step; p + step <= end && *p != '"' && k + 4 < sizeof(url); p += step) {
			if (step == 2 && p[1]) /* beyond Latin-1 there is no address without percent signs */
				break;
			url[k++] = *p;
		}
		if (p < end && *p == '"' && k)
			links_add(l, "", url, k, "", 0, part);
	}
}

/* Excel's and PowerPoint's hyperlinks: the class of a moniker, a length, an address in UTF-16LE. */
static void monikers(struct links *l, int part, const char *s, size_t len)
{
	static const char moniker[] = "\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\x00\xaa\x00\x4b\xa9\x0b";
	const char *end = s + len;
	int n = 0;

	for (const char *p = s; n < MARKS_MAX && (p = find(p, end, moniker, 16)); n++) {
		_cleanup_buf_ struct buf url = BUF_INIT(4 * URL_MAX);
		p += 16;
		if (end - p < 8)
			break;
		size_t bytes = (unsigned char)p[0] | (size_t)(unsigned char)p[1] << 8;
		p += 4;
		if (bytes > (size_t)(end - p))
			continue;
		size_t k = 0;
		while (k + 2 <= bytes && (p[k] || p[k + 1]))
			k += 2;
		charset_to_utf8(&url, "utf-16le", p, k);
		links_add(l, "", buf_str(&url), url.len, "", 0, part);
	}
}

/* ---- texts ---- */

static void read_text(struct links *l, int part, const char *s, size_t len, bool wide)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(4 * TEXT_LOOKED);

	charset_to_utf8(&utf8, wide ? "utf-16" : "", s, len < TEXT_LOOKED ? len : TEXT_LOOKED);
	if (utf8.data)
		utf8.len = links_unfold(utf8.data, utf8.len);
	links_in_text(l, buf_str(&utf8), utf8.len, part);
}

/* A shortcut's target and arguments stand in it as they are, narrow or wide. */
static void read_shortcut(struct links *l, int part, const char *s, size_t len)
{
	_cleanup_buf_ struct buf narrow = BUF_INIT(TEXT_LOOKED);

	for (size_t i = 0; i < len && i < TEXT_LOOKED; i++)
		if (s[i] || (i + 1 < len && !s[i + 1]))
			buf_addc(&narrow, s[i] && (unsigned char)s[i] < 0x7f ? s[i] : '\n');
	links_in_text(l, buf_str(&narrow), narrow.len, part);
}

static bool begins(const uint8_t *data, size_t len, const char *with, size_t n)
{
	return len >= n && memcmp(data, with, n) == 0;
}

void doclinks_read(struct links *l, int part, const char *type, const uint8_t *data, size_t len)
{
	const char *s = (const char *)data;
	size_t n = len < RAW_LOOKED ? len : RAW_LOOKED;

	if (strcmp(type, "CL_TYPE_PDF") == 0 || begins(data, n, "%PDF", 4)) {
		pdf_actions(l, part, s, n);
		pdf_object_streams(l, part, s, n);
	} else if (begins(data, n, "{\\rt", 4)) {
		fields(l, part, s, n, 1);
	} else if (begins(data, n, "\xd0\xcf\x11\xe0", 4)) {
		fields(l, part, s, n, 1);
		fields(l, part, s, n, 2);
		monikers(l, part, s, n);
	} else if (strcmp(type, "CL_TYPE_LNK") == 0 || begins(data, n, "L\0\0\0\x01\x14\x02\0", 8)) {
		read_shortcut(l, part, s, n);
	} else if (begins(data, n, "<?xml", 5) || begins(data, n, "\xef\xbb\xbf<?xml", 8) || begins(data, n, "<Relationships", 14)) {
		read_xml(l, part, s, n);
	} else if (strncmp(type, "CL_TYPE_TEXT_", 13) == 0) {
		read_text(l, part, s, n, strncmp(type, "CL_TYPE_TEXT_UTF16", 18) == 0);
	} else if (strcmp(type, "CL_TYPE_BINARY_DATA") == 0 && n && !memchr(data, 0, n < 8192 ? n : 8192)) {
		read_text(l, part, s, n, false); /* a charset of Japan */
	}
}
