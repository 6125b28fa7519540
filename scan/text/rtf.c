/* Text of RTF; see formats.h. Control words are passed over but for those that stand for characters; groups that hold fonts,
 * styles, pictures and the like show nothing. Source: Rich Text Format Specification 1.9.1. */
#include "scan/text/formats.h"

#include "scan/charset.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define DEPTH 128

struct rtf {
	struct buf *out;
	struct buf bytes; /* of the code page, not read yet */
	char charset[24];
	bool hidden[DEPTH];
	int skip[DEPTH]; /* characters behind \u that stand for it in old programs */
	int depth, beyond; /* beyond: groups deeper than that */
	int left; /* of those to be passed over */
	uint32_t surrogate;
};

static void flush(struct rtf *r)
{
	if (r->bytes.len)
		charset_to_utf8(r->out, r->charset, r->bytes.data, r->bytes.len);
	buf_clear(&r->bytes);
}

static void byte(struct rtf *r, char c)
{
	if (r->left > 0) {
		r->left--;
		return;
	}
	if (!r->hidden[r->depth] && buf_addc(&r->bytes, c) < 0)
		flush(r);
}

static void character(struct rtf *r, uint32_t c)
{
	utf8proc_uint8_t utf8[4];

	if (r->hidden[r->depth])
		return;
	if (c >= 0xd800 && c < 0xdc00) {
		r->surrogate = c;
		return;
	}
	if (c >= 0xdc00 && c < 0xe000 && r->surrogate)
		c = 0x10000 + ((r->surrogate - 0xd800) << 10) + (c - 0xdc00);
	r->surrogate = 0;
	flush(r);
	if (c && utf8proc_codepoint_valid((utf8proc_int32_t)c))
		buf_add(r->out, utf8, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, utf8));
}

static bool is(const char *word, size_t n, const char *what)
{
	return strlen(what) == n && memcmp(word, what, n) == 0;
}

static void control(struct rtf *r, const char *word, size_t n, long value, bool has_value)
{
	static const char *const silent[] = {"fonttbl", "colortbl", "stylesheet", "pict", "object", "objdata", "themedata", "colorschememapping", "datastore", "listtable",
		"listoverridetable", "rsidtbl", "generator", "latentstyles", "filetbl", "revtbl", "xmlnstbl", "fontemb", "blipuid", NULL};
	static const char *const lines[] = {"par", "line", "row", "sect", "page", "nestrow", NULL}, *const cells[] = {"cell", "tab", "nestcell", NULL};

	for (const char *const *s = silent; *s; s++)
		if (is(word, n, *s))
			r->hidden[r->depth] = true;
	for (const char *const *s = lines; *s; s++)
		if (is(word, n, *s))
			character(r, '\n');
	for (const char *const *s = cells; *s; s++)
		if (is(word, n, *s))
			character(r, '\t');
	if (is(word, n, "u") && has_value) {
		character(r, (uint32_t)(value & 0xffff));
		r->left = r->skip[r->depth];
	} else if (is(word, n, "uc") && has_value && value >= 0 && value < 16) {
		r->skip[r->depth] = (int)value;
	} else if (is(word, n, "ansicpg") && value > 0 && value < 100000) {
		snprintf(r->charset, sizeof(r->charset), value == 65001 ? "UTF-8" : "CP%ld", value);
	} else if (is(word, n, "emdash") || is(word, n, "endash")) {
		character(r, 0x2013);
	}
}

void text_rtf(struct buf *out, const char *s, size_t len)
{
	struct rtf r = {.out = out, .bytes = BUF_INIT(1 << 16), .charset = "CP1252", .skip = {1}};

	for (size_t i = 0; i < len;) {
		char c = s[i++];
		if (c == '{') {
			if (r.depth + 1 == DEPTH) {
				r.beyond++;
			} else {
				r.depth++;
				r.hidden[r.depth] = r.hidden[r.depth - 1];
				r.skip[r.depth] = r.skip[r.depth - 1];
			}
			r.left = 0;
		} else if (c == '}') {
			if (r.beyond)
				r.beyond--;
			else if (r.depth)
				r.depth--;
			r.left = 0;
		} else if (c == '\\' && i < len) {
			size_t n = 0;
			while (i + n < len && n < 32 && ((s[i + n] | 0x20) >= 'a' && (s[i + n] | 0x20) <= 'z'))
				n++;
			if (n == 0) {
				c = s[i++];
				if (c == '\'' && i + 1 < len) {
					char digits[3] = {s[i], s[i + 1], '\0'};
					i += 2;
					byte(&r, (char)strtoul(digits, NULL, 16));
				} else if (c == '*') {
					r.hidden[r.depth] = true;
				} else if (c == '~') {
					byte(&r, ' ');
				} else if (c == '_' ) {
					byte(&r, '-');
				} else if (c == '\\' || c == '{' || c == '}') {
					byte(&r, c);
				} else if (c == '\n' || c == '\r') {
					character(&r, '\n');
				}
				continue;
			}
			const char *word = s + i;
			char digits[12];
			size_t d = 0;
			i += n;
			while (i < len && d < sizeof(digits) - 1 && ((s[i] >= '0' && s[i] <= '9') || (d == 0 && s[i] == '-')))
				digits[d++] = s[i++];
			digits[d] = '\0';
			if (i < len && s[i] == ' ')
				i++;
			long value = strtol(digits, NULL, 10);
			if (is(word, n, "bin") && value > 0)
				i += (size_t)value < len - i ? (size_t)value : len - i;
			else
				control(&r, word, n, value, d > 0);
		} else if (c != '\r' && c != '\n') {
			byte(&r, c);
		}
	}
	flush(&r);
	buf_free(&r.bytes);
}
