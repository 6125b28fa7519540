/* Charsets; see charset.h. iconv does the work; here is what it needs to be told: which table a label really means,
 * what to do with bytes that the label does not explain, and ISO-2022-JP as mail programs write it. */
#include "scan/charset.h"

#include "base/encode.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define JIS "ISO-2022-JP"

/* Labels that mean more than their standard: programs write the vendor's superset under the standard's name. */
static const char *real_name(const char *charset)
{
	static const char *const names[][2] = {
		{"shift_jis", "CP932"}, {"shift-jis", "CP932"}, {"sjis", "CP932"}, {"x-sjis", "CP932"}, {"ms_kanji", "CP932"},
		{"windows-31j", "CP932"}, {"cswindows31j", "CP932"}, {"cp932", "CP932"}, {"ms932", "CP932"},
		{"euc-jp", "EUC-JP-MS"}, {"x-euc-jp", "EUC-JP-MS"}, {"eucjp", "EUC-JP-MS"}, {"ujis", "EUC-JP-MS"},
		{"iso-2022-jp", JIS}, {"csiso2022jp", JIS}, {"iso-2022-jp-1", JIS}, {"iso-2022-jp-2", JIS}, {"iso-2022-jp-ms", JIS},
		{"cp50220", JIS}, {"cp50221", JIS}, {"jis", JIS},
		{"gb2312", "GB18030"}, {"gbk", "GB18030"}, {"cp936", "GB18030"}, {"euc-cn", "GB18030"}, {"x-gbk", "GB18030"},
		{"gb18030", "GB18030"}, {"big5", "BIG5-HKSCS"}, {"x-x-big5", "BIG5-HKSCS"}, {"cp950", "CP950"},
		{"ks_c_5601-1987", "CP949"}, {"euc-kr", "CP949"}, {"iso-8859-1", "CP1252"}, {"latin1", "CP1252"},
		{"utf8", "UTF-8"}, {"utf-8", "UTF-8"}, {"us-ascii", ""}, {"ascii", ""}, {"unknown-8bit", ""}, {"x-unknown", ""},
		{"utf-16", "UTF-16"}, {"unicode", "UTF-16"}, {"ucs-2", "UTF-16"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(charset, names[i][0]) == 0)
			return names[i][1];
	return charset;
}

/* Appends what iconv makes of it and counts in *ret_bad what it could not read. -1: the buffer is full; -2: no such
 * charset. */
static int convert(struct buf *out, const char *from, const char *data, size_t len, size_t *ret_bad)
{
	iconv_t cd = iconv_open("UTF-8", from);
	char *in = (char *)(uintptr_t)data;
	int r = 0;

	*ret_bad = 0;
	if (cd == (iconv_t)-1)
		return -2;
	while (len > 0 && r == 0) {
		char chunk[4096], *o = chunk;
		size_t left = sizeof(chunk);
		size_t done = iconv(cd, &in, &len, &o, &left);
		int failed = errno;
		r = buf_add(out, chunk, (size_t)(o - chunk));
		if (done != (size_t)-1 || failed == E2BIG || r < 0)
			continue;
		/* One byte is passed over; a cut sequence at the end is one bad character. */
		++*ret_bad;
		r = buf_add(out, "\xef\xbf\xbd", 3);
		in++;
		len = failed == EINVAL ? 0 : len - 1;
	}
	iconv_close(cd);
	return r;
}

int charset_exact(struct buf *out, const char *charset, const void *data, size_t len)
{
	size_t bad = 0;

	return convert(out, charset, data, len, &bad) < 0 || bad ? -1 : 0;
}

static bool is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* UTF-16 without a mark: the half of each pair that is mostly zero, or the same small number, is the high one. */
static const char *utf16_order(const unsigned char *d, size_t len)
{
	size_t even = 0, odd = 0;

	if (len >= 2 && ((d[0] == 0xff && d[1] == 0xfe) || (d[0] == 0xfe && d[1] == 0xff)))
		return d[0] == 0xff ? "UTF-16LE" : "UTF-16BE";
	for (size_t i = 0; i + 1 < len && i < 4096; i += 2) {
		even += d[i] == 0 || d[i] == 0x30;
		odd += d[i + 1] == 0 || d[i + 1] == 0x30;
	}
	return odd > even ? "UTF-16LE" : "UTF-16BE";
}

/* ISO-2022-JP as it is sent: with the rows of NEC and IBM in it (①, ㈱, 髙), half-width kana, shifts that a line's end
 * forgets, and sequences whose escape byte a gateway took away. iconv's table knows none of that; that of EUC-JP-MS has all
 * these characters at the same places with the high bits set, so the shifts are resolved here and the rest is left to it. */
static int convert_jis(struct buf *out, const char *data, size_t len, size_t *ret_bad)
{
	_cleanup_buf_ struct buf euc = BUF_INIT(len * 3 + 16);
	bool bare = !memchr(data, 0x1b, len) && memmem(data, len, "$B", 2) && memmem(data, len, "(B", 2);
	enum { ASCII, KANJI, KANJI2, KANA } set = ASCII;
	size_t i = 0;

	while (i < len) {
		const unsigned char *p = (const unsigned char *)data + i;
		size_t left = len - i, skip = bare ? 0 : 1;
		if ((p[0] == 0x1b || (bare && (p[0] == '$' || (p[0] == '(' && set != ASCII)))) && left > skip + 1) {
			const unsigned char *e = p + skip;
			size_t n = 0;
			if (e[0] == '$' && (e[1] == 'B' || e[1] == '@'))
				set = KANJI, n = 2;
			else if (e[0] == '(' && e[1] == 'I')
				set = KANA, n = 2;
			else if (e[0] == '(')
				set = ASCII, n = 2;
			else if (left > skip + 2 && e[0] == '$' && e[1] == '(')
				set = e[2] == 'D' ? KANJI2 : KANJI, n = 3;
			if (n) {
				i += skip + n;
				continue;
			}
		}
		if (p[0] == 0x0e || p[0] == 0x0f) {
			set = p[0] == 0x0e ? KANA : ASCII;
			i++;
			continue;
		}
		if (p[0] == '\n' || p[0] == '\r')
			set = ASCII;
		if ((set == KANJI || set == KANJI2) && left > 1 && p[0] > 0x20 && p[0] < 0x7f && p[1] > 0x20 && p[1] < 0x7f) {
			const char pair[] = {(char)0x8f, (char)(p[0] | 0x80), (char)(p[1] | 0x80)};
			buf_add(&euc, set == KANJI2 ? pair : pair + 1, set == KANJI2 ? 3 : 2);
			i += 2;
		} else if (set == KANA && p[0] > 0x20 && p[0] < 0x60) {
			const char kana[] = {(char)0x8e, (char)(p[0] | 0x80)};
			buf_add(&euc, kana, 2);
			i++;
		} else {
			buf_addc(&euc, (char)p[0]);
			i++;
		}
	}
	return convert(out, "EUC-JP-MS", buf_str(&euc), euc.len, ret_bad);
}

/* Control characters of the second kind: nobody writes them, and tables map what is none of theirs to them. */
static bool has_controls(const char *utf8, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if ((unsigned char)utf8[i] == 0xc2 && (unsigned char)utf8[i + 1] < 0xa0)
			return true;
	return false;
}

/* Bytes without a label, or whose label does not fit: the first charset that explains all of them. */
static int guess(struct buf *out, const char *data, size_t len)
{
	static const char *const tries[] = {"EUC-JP-MS", "CP932", "GB18030"};
	size_t before = out->len, bad;

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		int r = convert(out, tries[i], data, len, &bad);
		if (r == 0 && bad == 0 && !has_controls(buf_str(out) + before, out->len - before))
			return 0;
		if (out->data)
			out->data[before] = '\0';
		out->len = before;
		if (r == -1)
			return -1;
	}
	return 1;
}

int charset_to_utf8(struct buf *out, const char *charset, const void *data, size_t len)
{
	const char *bytes = data, *name = real_name(charset ? charset : "");
	bool escapes = memchr(bytes, 0x1b, len) && (memmem(bytes, len, "\x1b$", 2) || memmem(bytes, len, "\x1b(", 2));
	size_t before = out->len, bad = 0;
	int r;

	if (len == 0)
		return 0;
	if (strcasecmp(name, "UTF-16") == 0)
		name = utf16_order(data, len);
	if (strncasecmp(name, "UTF-16", 6) == 0 && len >= 2 && ((unsigned char)bytes[0] ^ (unsigned char)bytes[1]) == 1 &&
		(unsigned char)bytes[0] >= 0xfe)
		bytes += 2, len -= 2;
	if (strcmp(name, JIS) == 0 || (!*name && escapes)) {
		r = convert_jis(out, bytes, len, &bad);
	} else if (!*name || strcmp(name, "UTF-8") == 0) {
		if (is_utf8(bytes, len))
			return buf_add(out, bytes, len);
		r = 0;
		bad = 1;
		name = "UTF-8";
	} else {
		r = convert(out, name, bytes, len, &bad);
		if (r == -2) {
			if (is_utf8(bytes, len))
				return buf_add(out, bytes, len);
			name = "CP1252";
			bad = 1;
			r = 0;
		}
	}
	/* Nothing wrong, or a little within what else makes sense. */
	if (r < 0 || bad == 0 || (out->len > before && bad * 20 < len))
		return r;
	if (out->data)
		out->data[before] = '\0';
	out->len = before;
	r = guess(out, bytes, len);
	if (r <= 0)
		return r;
	if (strcmp(name, "UTF-8") == 0)
		return utf8_clean(out, bytes, len, false);
	return strcmp(name, JIS) == 0 ? convert_jis(out, bytes, len, &bad) : convert(out, name, bytes, len, &bad);
}
