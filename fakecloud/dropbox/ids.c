/* Ids, times, tags and the comparison form of paths for fakecloud's Dropbox. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

void dbx_stable(char *out, size_t size, const char *prefix, size_t n, const char *const *words)
{
	char hex[65];
	unsigned char raw[32];
	_cleanup_buf_ struct buf text = BUF_INIT(128);

	fc_stable_id(hex, 64, words);
	if (hex_decode(raw, hex, sizeof(raw)) < 0 || base64url_encode(&text, raw, sizeof(raw)) < 0)
		abort();
	snprintf(out, size, "%s%.*s", prefix, (int)n, buf_str(&text));
}

void dbx_new_id(char *out, size_t size, const char *prefix, size_t n, const struct dbx_team *team)
{
	char number[24], when[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)fc_next());
	snprintf(when, sizeof(when), "%lld", (long long)fc_now());
	dbx_stable(out, size, prefix, n,
		(const char *const[]){team->tenant, "dropbox", "new", prefix, number, when, NULL});
}

int64_t dbx_seconds(int64_t ms)
{
	return ms - (ms % 1000 + 1000) % 1000;
}

void dbx_add_time(cJSON *doc, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	cJSON_AddStringToObject(doc, key, time_format_s(ms, text));
}

/* Appends a code point in UTF-8; out has room. */
static size_t put(char *out, unsigned cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

static unsigned get(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	return len == 1	  ? u[0]
	       : len == 2 ? (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu)
	       : len == 3
		       ? (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu)
		       : (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

char *dbx_lower(struct arena *arena, const char *s)
{
	static locale_t utf8;
	size_t len = strlen(s), n = 0;
	char *out = arena ? arena_alloc(arena, 2 * len + 1) : malloc(2 * len + 1);

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!out)
		abort();
	for (size_t at = 0; at < len;) {
		size_t one = utf8_length(s + at, len - at);
		unsigned cp = one ? get(s + at, one) : (unsigned char)s[at];
		if (cp < 0x80 && cp >= 'A' && cp <= 'Z')
			n += put(out + n, cp + 32);
		else if (one > 1 && utf8)
			n += put(out + n, (unsigned)towlower_l((wint_t)cp, utf8));
		else
			out[n++] = s[at];
		at += one ? one : 1;
	}
	out[n] = '\0';
	return out;
}

cJSON *dbx_tag(const char *tag)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, ".tag", tag);
	return doc;
}

cJSON *dbx_add_tag(cJSON *doc, const char *key, const char *tag)
{
	cJSON *value = dbx_tag(tag);

	cJSON_AddItemToObject(doc, key, value);
	return value;
}

const char *dbx_tag_of(const cJSON *value)
{
	return cJSON_IsString(value) ? value->valuestring : json_str(value, ".tag");
}
