/* Look-ups, printing and quoting around cJSON; see json.h. */
#include "base/json.h"

#include "base/encode.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

int json_parse(const char *text, size_t len, cJSON **ret_doc, struct err *err)
{
	/* The mended copy grows at most threefold (each bad byte becomes three). */
	_cleanup_buf_ struct buf copy = BUF_INIT(len * 3 + 16);

	if (buf_reserve(&copy, len) < 0)
		return err_set(err, ERR_LOCAL, "memory", "JSON: out of memory");
	if (json_scan(text, len, &copy, err) < 0)
		return -1;
	cJSON *doc = cJSON_ParseWithLength(buf_str(&copy), copy.len);
	if (!doc)
		return err_set(err, ERR_LOCAL, "memory", "JSON: out of memory");
	*ret_doc = doc;
	return 0;
}

void json_wipe(cJSON *doc)
{
	for (; doc; doc = doc->next) {
		if (cJSON_IsString(doc))
			explicit_bzero(doc->valuestring, strlen(doc->valuestring));
		json_wipe(doc->child);
	}
}

cJSON *json_get(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

cJSON *json_path(const cJSON *object, ...)
{
	cJSON *at = NULL;
	const char *key;
	va_list ap;

	va_start(ap, object);
	while ((key = va_arg(ap, const char *))) {
		at = json_get(object, key);
		object = at;
	}
	va_end(ap);
	return at;
}

const char *json_str(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(json_get(object, key));
}

const char *json_str_or(const cJSON *object, const char *key, const char *fallback)
{
	const char *s = json_str(object, key);

	return s ? s : fallback;
}

bool json_bool(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(json_get(object, key));
}

bool json_int64(const cJSON *object, const char *key, int64_t *ret)
{
	const cJSON *v = json_get(object, key);

	if (cJSON_IsNumber(v)) {
		if (v->valuedouble != floor(v->valuedouble) || fabs(v->valuedouble) > 9007199254740992.0)
			return false;
		*ret = (int64_t)v->valuedouble;
		return true;
	}
	const char *s = cJSON_GetStringValue(v);
	if (!s || !*s)
		return false;
	const char *digits = *s == '-' ? s + 1 : s;
	if (strspn(digits, "0123456789") != strlen(digits) || strlen(digits) == 0 || strlen(digits) > 19)
		return false;
	bool ok = true;
	int64_t value = 0;
	for (; *digits && ok; digits++)
		ok = !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, *digits - '0', &value);
	if (!ok)
		return false;
	*ret = *s == '-' ? -value : value;
	return true;
}

int64_t json_int64_or(const cJSON *object, const char *key, int64_t fallback)
{
	int64_t v;

	return json_int64(object, key, &v) ? v : fallback;
}

cJSON *json_array(const cJSON *object, const char *key)
{
	cJSON *v = json_get(object, key);

	return cJSON_IsArray(v) ? v : NULL;
}

cJSON *json_object(const cJSON *object, const char *key)
{
	cJSON *v = json_get(object, key);

	return cJSON_IsObject(v) ? v : NULL;
}

const char *json_id(const cJSON *object, const char *key, char *buf, size_t size)
{
	const char *s = json_str(object, key);
	int64_t n;

	if (s)
		return s;
	if (!json_int64(object, key, &n))
		return NULL;
	snprintf(buf, size, "%" PRId64, n);
	return buf;
}

int json_print(const cJSON *doc, struct buf *b)
{
	char *text = cJSON_PrintUnformatted(doc);

	if (!text)
		return -1;
	int r = buf_adds(b, text);
	cJSON_free(text);
	return r;
}

/* One code point as JSON escapes it in ASCII. */
static int quote_code_point(struct buf *b, const char *s, size_t n)
{
	unsigned cp = (unsigned char)s[0];

	if (n == 2)
		cp = (cp & 0x1fu) << 6 | ((unsigned char)s[1] & 0x3fu);
	else if (n == 3)
		cp = (cp & 0x0fu) << 12 | ((unsigned char)s[1] & 0x3fu) << 6 | ((unsigned char)s[2] & 0x3fu);
	else if (n == 4)
		cp = (cp & 0x07u) << 18 | ((unsigned char)s[1] & 0x3fu) << 12 | ((unsigned char)s[2] & 0x3fu) << 6 |
			((unsigned char)s[3] & 0x3fu);
	if (cp < 0x10000)
		return buf_addf(b, "\\u%04x", cp);
	cp -= 0x10000;
	return buf_addf(b, "\\u%04x\\u%04x", 0xd800 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
}

int json_quote(struct buf *b, const char *s, bool ascii_only)
{
	size_t len = strlen(s);
	int r = buf_addc(b, '"');

	for (size_t i = 0; i < len && r == 0;) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\') {
			r = buf_addf(b, "\\%c", c);
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			r = buf_addf(b, "\\u%04x", c);
			i++;
		} else if (c < 0x80) {
			r = buf_addc(b, (char)c);
			i++;
		} else {
			size_t n = utf8_length(s + i, len - i);
			const char *p = n ? s + i : "\xef\xbf\xbd";
			size_t pn = n ? n : 3;
			r = ascii_only ? quote_code_point(b, p, pn) : buf_add(b, p, pn);
			i += n ? n : 1;
		}
	}
	return r < 0 ? r : buf_addc(b, '"');
}
