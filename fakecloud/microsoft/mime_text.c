/* Text inside messages: encoded words (RFC 2047), parameters (RFC 2231), charsets, addresses. Pure functions over
 * the request's arena. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *arena_text(struct arena *a, const char *s, size_t len)
{
	static char empty[1];
	char *copy = arena_dupn(a, s, len);

	return copy ? copy : empty;
}

static char *cleaned(struct arena *a, const char *data, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);

	utf8_clean(&b, data, len, false);
	return arena_text(a, buf_str(&b), b.len);
}

char *ms_mime_utf8(struct arena *a, const char *charset, const char *data, size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64 << 20);
	char name[64], *in, chunk[4096], *p;
	size_t left = len, room;
	iconv_t cd;

	if (!charset || !*charset || !strcasecmp(charset, "utf-8") || !strcasecmp(charset, "us-ascii"))
		return cleaned(a, data, len);
	/* What Japanese mail calls ISO-2022-JP and Shift_JIS has the vendors' characters too. */
	snprintf(name, sizeof(name), "%s",
		!strcasecmp(charset, "shift_jis")     ? "CP932"
		: !strcasecmp(charset, "iso-2022-jp") ? "ISO-2022-JP-3"
						      : charset);
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return cleaned(a, data, len);
	in = arena_text(a, data, len);
	while (left) {
		p = chunk;
		room = sizeof(chunk);
		size_t r = iconv(cd, &in, &left, &p, &room);
		buf_add(&out, chunk, (size_t)(p - chunk));
		if (r == (size_t)-1 && left && p == chunk) {
			buf_adds(&out, "\xef\xbf\xbd");
			in++;
			left--;
		}
	}
	iconv_close(cd);
	return cleaned(a, buf_str(&out), out.len);
}

static int hex_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = (char)(ch | 0x20);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static void unquote(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '=' && i + 2 < len && hex_value(s[i + 1]) >= 0 && hex_value(s[i + 2]) >= 0) {
			buf_addc(out, (char)(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2])));
			i += 2;
		} else {
			buf_addc(out, s[i] == '_' ? ' ' : s[i]);
		}
	}
}

/* One encoded word at s; returns its length, 0 when it is none. */
static size_t encoded_word(struct arena *a, const char *s, struct buf *out)
{
	const char *charset, *kind, *text, *end;
	_cleanup_buf_ struct buf raw = BUF_INIT(1 << 20);
	char *name;

	if (s[0] != '=' || s[1] != '?')
		return 0;
	charset = s + 2;
	kind = strchr(charset, '?');
	if (!kind || !kind[1] || kind[2] != '?')
		return 0;
	text = kind + 3;
	end = strstr(text, "?=");
	if (!end)
		return 0;
	name = arena_text(a, charset, (size_t)(kind - charset));
	name[strcspn(name, "*")] = 0; /* RFC 2231: a language may follow */
	if ((kind[1] | 0x20) == 'b') {
		if (base64_decode(&raw, text, (size_t)(end - text)) < 0)
			return 0;
	} else if ((kind[1] | 0x20) == 'q') {
		unquote(&raw, text, (size_t)(end - text));
	} else {
		return 0;
	}
	buf_adds(out, ms_mime_utf8(a, name, buf_str(&raw), raw.len));
	return (size_t)(end + 2 - s);
}

char *ms_mime_words(struct arena *a, const char *s)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	bool was_word = false;

	while (s && *s) {
		size_t n = encoded_word(a, s, &out);
		if (n) {
			s += n;
			was_word = true;
			continue;
		}
		if (was_word) {
			/* White space between two encoded words is not part of the text. */
			size_t space = strspn(s, " \t");
			if (space && s[space] == '=' && s[space + 1] == '?') {
				s += space;
				was_word = false;
				continue;
			}
		}
		was_word = false;
		buf_addc(&out, *s++);
	}
	return cleaned(a, buf_str(&out), out.len);
}

/* The raw value of one parameter, quotes taken off; NULL when missing. */
static char *raw_param(struct arena *a, const char *value, const char *name)
{
	size_t len = strlen(name);
	const char *p = value;

	while ((p = strchr(p, ';'))) {
		_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
		p++;
		p += strspn(p, " \t");
		if (strncasecmp(p, name, len) || p[len + strspn(p + len, " \t")] != '=') {
			/* Over a quoted string, which may hold semicolons. */
			const char *quote = strchr(p, '"'), *semi = strchr(p, ';');
			if (quote && semi && quote < semi) {
				for (p = quote + 1; *p && *p != '"'; p++)
					p += *p == '\\' && p[1];
			}
			continue;
		}
		p += len + strspn(p + len, " \t") + 1;
		p += strspn(p, " \t");
		if (*p == '"') {
			for (p++; *p && *p != '"'; p++) {
				p += *p == '\\' && p[1];
				buf_addc(&out, *p);
			}
		} else {
			size_t n = strcspn(p, "; \t");
			buf_add(&out, p, n);
		}
		return arena_text(a, buf_str(&out), out.len);
	}
	return NULL;
}

/* RFC 2231: charset'language'percent-encoded */
static char *extended(struct arena *a, const char *text, const char **charset)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);

	if (charset) {
		const char *first = strchr(text, '\''), *second = first ? strchr(first + 1, '\'') : NULL;
		if (second) {
			*charset = arena_text(a, text, (size_t)(first - text));
			text = second + 1;
		}
	}
	for (; *text; text++) {
		if (*text == '%' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
			buf_addc(&out, (char)(hex_value(text[1]) << 4 | hex_value(text[2])));
			text += 2;
		} else {
			buf_addc(&out, *text);
		}
	}
	return arena_text(a, buf_str(&out), out.len);
}

char *ms_mime_param(struct arena *a, const char *value, const char *name)
{
	_cleanup_buf_ struct buf all = BUF_INIT(1 << 20);
	const char *charset = "utf-8";
	char key[64], *v;

	if (!value)
		return NULL;
	v = raw_param(a, value, name);
	if (v)
		return ms_mime_words(a, v);
	snprintf(key, sizeof(key), "%s*", name);
	v = raw_param(a, value, key);
	if (v) {
		v = extended(a, v, &charset);
		return ms_mime_utf8(a, charset, v, strlen(v));
	}
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%s*%d*", name, i);
		v = raw_param(a, value, key);
		if (v) {
			buf_adds(&all, extended(a, v, i ? NULL : &charset));
			continue;
		}
		snprintf(key, sizeof(key), "%s*%d", name, i);
		v = raw_param(a, value, key);
		if (!v)
			break;
		buf_adds(&all, v);
	}
	return all.len ? ms_mime_utf8(a, charset, buf_str(&all), all.len) : NULL;
}

static void address_add(struct arena *a, cJSON *list, char *text)
{
	char *open = strrchr(text, '<'), *name = text, *address;
	cJSON *one, *mail;
	size_t n;

	if (open) {
		*open = 0;
		address = open + 1;
		address[strcspn(address, ">")] = 0;
	} else {
		char *paren = strchr(text, '(');
		if (paren)
			*paren = 0;
		address = text;
		name = text + strlen(text);
	}
	address += strspn(address, " \t");
	for (n = strlen(address); n && strchr(" \t", address[n - 1]); n--)
		address[n - 1] = 0;
	name += strspn(name, " \t\"");
	for (n = strlen(name); n && strchr(" \t\"", name[n - 1]); n--)
		name[n - 1] = 0;
	if (!*address && !*name)
		return;
	one = cJSON_CreateObject();
	mail = j_object(one, "emailAddress");
	j_str(mail, "name", *name ? ms_mime_words(a, name) : cleaned(a, address, strlen(address)));
	j_str(mail, "address", cleaned(a, address, strlen(address)));
	cJSON_AddItemToArray(list, one);
}

cJSON *ms_mime_addresses(struct arena *a, const char *value)
{
	cJSON *list = cJSON_CreateArray();
	const char *p = value;

	while (p && *p) {
		bool quoted = false, angle = false;
		const char *q = p;
		for (; *q && (quoted || angle || (*q != ',' && *q != ';')); q++) {
			if (*q == '\\' && q[1])
				q++;
			else if (*q == '"')
				quoted = !quoted;
			else if (!quoted && (*q == '<' || *q == '>'))
				angle = *q == '<';
			else if (!quoted && *q == ':' && !angle) /* a group's name */
				p = q + 1;
		}
		address_add(a, list, arena_text(a, p, (size_t)(q - p)));
		p = q + (*q != 0);
	}
	return list;
}
