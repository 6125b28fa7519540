/* Encoded words; see words.h. GMime 3.2 decodes those of one charset in a row together and loses what follows the first
 * one's padding, and it knows ISO-2022-JP by its standard only. So words are decoded here and handed to it in UTF-8. */
#include "scan/words.h"

#include "scan/charset.h"

#include "base/encode.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

struct word {
	const char *charset;
	size_t charset_len;
	char encoding;
	const char *text;
	size_t len;
	const char *end; /* behind it */
};

static bool find_word(const char *s, struct word *ret)
{
	struct word w = {.charset = s + 2};

	if (strncmp(s, "=?", 2) != 0)
		return false;
	w.charset_len = strcspn(w.charset, "? \t\r\n");
	const char *q = w.charset + w.charset_len;
	if (q[0] != '?' || w.charset_len == 0 || w.charset_len > 60 || !q[1] || q[2] != '?')
		return false;
	w.encoding = (char)(q[1] | 0x20);
	w.text = q + 3;
	const char *end = strstr(w.text, "?=");
	if (!end || (w.encoding != 'b' && w.encoding != 'q') || end - w.text > 8192)
		return false;
	w.len = (size_t)(end - w.text);
	if (memchr(w.text, '?', w.len))
		return false;
	w.end = end + 2;
	*ret = w;
	return true;
}

static void decode_word(struct buf *out, const struct word *w)
{
	unsigned char in[8193], text[8192 + 16];
	guint32 save = 0;
	int state = 0;
	size_t n = w->len;

	memcpy(in, w->text, n);
	for (size_t i = 0; w->encoding == 'q' && i < n; i++)
		if (in[i] == '_')
			in[i] = ' ';
	n = w->encoding == 'b' ? g_mime_encoding_base64_decode_step(in, n, text, &state, &save) :
				 g_mime_encoding_quoted_decode_step(in, n, text, &state, &save);
	buf_add(out, text, n);
}

static int emit(struct buf *out, const struct buf *utf8, bool again)
{
	if (!again)
		return buf_add(out, buf_str(utf8), utf8->len);
	if (buf_adds(out, "=?utf-8?B?") < 0 || base64_encode(out, buf_str(utf8), utf8->len) < 0)
		return -1;
	return buf_adds(out, "?=");
}

/* A row of words, joined: characters may be cut between two of one charset. Returns what stands behind it. */
static const char *read_row(struct buf *out, struct word *w, bool again)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(1 << 20);
	const char *end = w->end;
	bool more = true;

	while (more) {
		_cleanup_buf_ struct buf bytes = BUF_INIT(1 << 18);
		char charset[64];
		snprintf(charset, sizeof(charset), "%.*s", (int)w->charset_len, w->charset);
		charset[strcspn(charset, "*")] = '\0'; /* RFC 2231: a language follows */
		do {
			decode_word(&bytes, w);
			end = w->end;
			more = find_word(end + strspn(end, " \t\r\n"), w);
		} while (more && strlen(charset) == w->charset_len && strncasecmp(w->charset, charset, w->charset_len) == 0);
		charset_to_utf8(&utf8, charset, buf_str(&bytes), bytes.len);
	}
	return emit(out, &utf8, again) < 0 ? NULL : end;
}

int words_read(struct buf *out, const char *raw, bool again)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(out->max);
	size_t len = raw ? strnlen(raw, out->max / 4) : 0;
	bool foreign = false;

	for (size_t i = 0; i < len; i++)
		foreign |= (unsigned char)raw[i] >= 0x80 || raw[i] == 0x1b;
	if ((foreign ? charset_to_utf8(&utf8, "", raw, len) : buf_add(&utf8, raw ? raw : "", len)) < 0)
		return -1;
	const char *s = buf_str(&utf8);
	s += strspn(s, " \t\r\n");
	while (*s) {
		struct word w;
		if (find_word(s, &w)) {
			if (!(s = read_row(out, &w, again)))
				return -1;
			continue;
		}
		if (*s == '\r' || *s == '\n') {
			/* What folds a line is one space. */
			s += strspn(s, " \t\r\n");
			if (*s && buf_addc(out, ' ') < 0)
				return -1;
			continue;
		}
		if (buf_addc(out, *s++) < 0)
			return -1;
	}
	return 0;
}
