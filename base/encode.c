/* Encodings; see encode.h. */
#include "base/encode.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>

static int base64_any(struct buf *out, const void *data, size_t len, const char *alphabet, bool pad)
{
	const unsigned char *p = data;

	if (buf_reserve(out, len / 3 * 4 + 4) < 0)
		return -1;
	for (; len >= 3; p += 3, len -= 3) {
		char q[4] = {alphabet[p[0] >> 2], alphabet[(p[0] & 3) << 4 | p[1] >> 4],
			alphabet[(p[1] & 15) << 2 | p[2] >> 6], alphabet[p[2] & 63]};
		if (buf_add(out, q, 4) < 0)
			return -1;
	}
	if (len) {
		unsigned b1 = len > 1 ? p[1] : 0;
		char q[4] = {alphabet[p[0] >> 2], alphabet[(p[0] & 3) << 4 | b1 >> 4],
			len > 1 ? alphabet[(b1 & 15) << 2] : '=', '='};
		return buf_add(out, q, pad ? 4 : len + 1);
	}
	return 0;
}

int base64_encode(struct buf *out, const void *data, size_t len)
{
	return base64_any(out, data, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

int base64url_encode(struct buf *out, const void *data, size_t len)
{
	return base64_any(out, data, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

int base64_decode(struct buf *out, const char *text, size_t len)
{
	unsigned acc = 0;
	int bits = 0;
	size_t symbols = 0;

	while (len && (text[len - 1] == '=' || text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (buf_reserve(out, len / 4 * 3 + 3) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			continue;
		int v = base64_value((unsigned char)text[i]);
		if (v < 0)
			return -1;
		symbols++;
		acc = acc << 6 | (unsigned)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out->data[out->len++] = (char)(acc >> bits);
		}
	}
	out->data[out->len] = '\0';
	return symbols % 4 == 1 ? -1 : 0;
}

void hex_encode(char *out, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = "0123456789abcdef"[p[i] >> 4];
		*out++ = "0123456789abcdef"[p[i] & 15];
	}
	*out = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(void *out, const char *text, size_t out_len)
{
	unsigned char *p = out;

	for (size_t i = 0; i < out_len; i++) {
		int hi = hex_value(text[2 * i]);
		int lo = hi < 0 ? -1 : hex_value(text[2 * i + 1]);
		if (lo < 0)
			return -1;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return text[2 * out_len] ? -1 : 0;
}

int url_encode(struct buf *out, const char *s, const char *keep)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		int r = (c < 0x80 && isalnum(c)) || strchr("-._~", c) || (keep && strchr(keep, c)) ?
			buf_addc(out, (char)c) :
			buf_addf(out, "%%%02X", c);
		if (r < 0)
			return -1;
	}
	return 0;
}

int url_decode(struct buf *out, const char *s, size_t len, bool plus_is_space)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			int hi = i + 2 < len ? hex_value(s[i + 1]) : -1;
			int lo = hi < 0 ? -1 : hex_value(s[i + 2]);
			if (lo < 0 || hi + lo == 0)
				return -1;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (buf_addc(out, c) < 0)
			return -1;
	}
	return 0;
}

int form_get(const char *form, const char *key, struct buf *out)
{
	_cleanup_buf_ struct buf name = BUF_INIT(4096);

	while (form && *form) {
		size_t len = strcspn(form, "&");
		const char *eq = memchr(form, '=', len);
		size_t name_len = eq ? (size_t)(eq - form) : len;
		buf_clear(&name);
		if (url_decode(&name, form, name_len, true) == 0 && strcmp(buf_str(&name), key) == 0)
			return eq ? url_decode(out, eq + 1, len - name_len - 1, true) : 0;
		form += len;
		if (*form)
			form++;
	}
	return -1;
}

int form_add(struct buf *form, const char *key, const char *value)
{
	if ((form->len && buf_addc(form, '&') < 0) || url_encode(form, key, NULL) < 0 || buf_addc(form, '=') < 0)
		return -1;
	return url_encode(form, value, NULL);
}

size_t utf8_length(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		(p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Characters that reorder text or hide: U+200B..200F, 202A..202E, 2066..2069, FEFF; C1 controls. */
static unsigned hidden_char(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return p[1];
	if (n != 3)
		return 0;
	unsigned cp = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	bool hidden = (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
		(cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
	return hidden ? cp : 0;
}

int utf8_clean(struct buf *out, const char *s, size_t len, bool for_terminal)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		unsigned char c = (unsigned char)s[i];
		unsigned hidden = for_terminal && n > 1 ? hidden_char(s + i, n) : 0;
		int r;
		if (n == 0)
			r = buf_add(out, "\xef\xbf\xbd", 3);
		else if (for_terminal && (c < 0x20 || c == 0x7f))
			r = buf_addf(out, "\\x%02x", c);
		else if (hidden)
			r = buf_addf(out, "\\u%04x", hidden);
		else
			r = buf_add(out, s + i, n);
		if (r < 0)
			return -1;
		i += n ? n : 1;
	}
	return 0;
}

void random_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	while (n) {
		ssize_t r = getrandom(p, n, 0);
		if (r <= 0)
			abort(); /* without randomness no token, id or nonce is safe */
		p += r;
		n -= (size_t)r;
	}
}

void random_hex(char *out, size_t n)
{
	unsigned char raw[64];

	for (; n; out += 2 * (n < sizeof(raw) ? n : sizeof(raw)), n -= n < sizeof(raw) ? n : sizeof(raw)) {
		size_t k = n < sizeof(raw) ? n : sizeof(raw);
		random_bytes(raw, k);
		hex_encode(out, raw, k);
	}
}

void uuid_new(char out[37])
{
	unsigned char r[16];
	char hex[33];

	random_bytes(r, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	hex_encode(hex, r, sizeof(r));
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
