/* Hidden content; see hidden.h. Called from the inspection callback in a worker.
 * Sources: APPNOTE.TXT 4.3 (ZIP), the yEnc draft 1.3, RFC 2046 5.2.2 (message/partial). */
#include "scan/hidden.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MEMBERS 65536u
#define BASE64_MIN 100u /* characters: an archive of one file has more */

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

struct span {
	size_t from, to; /* a member's data with its header */
};

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static bool has_header(const uint8_t *data, size_t from, size_t to)
{
	return to > from && memmem(data + from, to - from, "PK\x03\x04", 4);
}

/* The last end record whose directory lies before it. */
static bool find_directory(const uint8_t *data, size_t len, size_t *ret_at, size_t *ret_end)
{
	size_t lowest = len > 65557 ? len - 65557 : 0;

	for (size_t at = len >= 22 ? len - 22 : 0; len >= 22; at--) {
		if (memcmp(data + at, "PK\x05\x06", 4) == 0) {
			size_t size = get32(data + at + 12);
			if (size >= 46 && size <= at && memcmp(data + at - size, "PK\x01\x02", 4) == 0) {
				*ret_at = at - size;
				*ret_end = at;
				return true;
			}
		}
		if (at == lowest)
			return false;
	}
	return false;
}

/* The members of the directory as spans; -1 when it is beyond us: its own limits and libclamav then decide. */
static int read_directory(const uint8_t *data, size_t at, size_t end, struct span *spans)
{
	int n = 0;
	size_t directory = at;

	while (at + 46 <= end && memcmp(data + at, "PK\x01\x02", 4) == 0) {
		size_t local = get32(data + at + 42), packed = get32(data + at + 20);
		size_t next = at + 46 + get16(data + at + 28) + get16(data + at + 30) + get16(data + at + 32);
		if (n == (int)MAX_MEMBERS || local == 0xffffffffu || packed == 0xffffffffu || local + 30 > directory ||
			memcmp(data + local, "PK\x03\x04", 4) != 0)
			return -1;
		size_t extra = local + 30 + get16(data + local + 26), body = extra + get16(data + local + 28);
		if (body > directory || packed > directory - body)
			return -1;
		spans[n++] = (struct span){local, body + packed};
		/* No field of a header holds another header. */
		if (has_header(data, local + 4, body))
			return -2;
		at = next;
	}
	return n;
}

bool hidden_in_zip(const uint8_t *data, size_t len)
{
	size_t at, end, reached = 0;

	if (!find_directory(data, len, &at, &end))
		return false; /* without a directory libclamav goes by the members' headers */
	size_t most = (end - at) / 46 + 1;
	_cleanup_free_ struct span *spans = calloc(most < MAX_MEMBERS ? most : MAX_MEMBERS, sizeof(*spans));
	int n = spans ? read_directory(data, at, end, spans) : -1;
	if (n < 0)
		return n == -2;
	qsort(spans, (size_t)n, sizeof(*spans), by_place);
	for (int i = 0; i < n; i++) {
		if (has_header(data, reached, spans[i].from))
			return true;
		reached = spans[i].to > reached ? spans[i].to : reached;
	}
	return has_header(data, reached, at);
}

static bool is_base64(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The beginnings of ZIP, programs, RAR, 7z, OLE2 and gzip in base64, in quotes or behind "base64,". Data URIs in pages
 * are left to libclamav, which unpacks them. */
static const char *const starts[] = {"UEsDB", "TVqQ", "TVpQ", "UmFyIR", "N3q8ry", "0M8R4KGx", "H4sIA"};

static bool has_base64(const uint8_t *d, size_t len, bool page)
{
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t n = strlen(starts[i]);
		for (const uint8_t *p = d; (p = memmem(p, (size_t)(d + len - p), starts[i], n)); p++) {
			size_t at = (size_t)(p - d), to = at;
			bool quoted = at > 0 && (d[at - 1] == '"' || d[at - 1] == '\'' || d[at - 1] == '`');
			bool uri = !page && at > 6 && memcmp(p - 7, "base64,", 7) == 0;
			if (!quoted && !uri)
				continue;
			while (to < len && is_base64(d[to]))
				to++;
			if (to - at >= BASE64_MIN)
				return true;
		}
	}
	return false;
}

static bool has_yenc(const uint8_t *d, size_t len)
{
	const uint8_t *p = memmem(d, len, "=ybegin ", 8);

	return p && (p == d || p[-1] == '\n') && memmem(p, (size_t)(d + len - p), "\n=yend ", 7);
}

static size_t line_end(const uint8_t *d, size_t len, size_t at)
{
	const uint8_t *p = at < len ? memchr(d + at, '\n', len - at) : NULL;

	return p ? (size_t)(p - d) : len;
}

bool hidden_behind_padding(const uint8_t *d, size_t len)
{
	bool padded = false;

	for (size_t at = 0, end; at < len; at = end + 1) {
		size_t n = 0, stop;
		end = stop = line_end(d, len, at);
		while (stop > at && (d[stop - 1] == '\r' || d[stop - 1] == ' ' || d[stop - 1] == '\t'))
			stop--;
		while (at + n < stop && is_base64(d[at + n]))
			n++;
		if (stop == at)
			continue;
		if (padded)
			return n >= 4; /* else the line above a footer */
		/* Padding within the line: then what follows it there counts. */
		for (size_t i = at + n; !padded && n > 0 && i < stop && d[i] == '='; i++) {
			size_t more = 0;
			while (i + 1 + more < stop && is_base64(d[i + 1 + more]))
				more++;
			if (more >= 4)
				return true;
			padded = true;
		}
	}
	return false;
}

bool hidden_beside_parts(const char *text, size_t len)
{
	for (size_t at = 0, end; at < len; at = end + 1) {
		end = line_end((const uint8_t *)text, len, at);
		for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
			if (end - at >= BASE64_MIN / 2 && strncmp(text + at, starts[i], strlen(starts[i])) == 0)
				return true;
	}
	return false;
}

bool hidden_in_text(const char *type, const uint8_t *data, size_t len)
{
	bool mail = strcmp(type, "CL_TYPE_MAIL") == 0, page = strncmp(type, "CL_TYPE_HTML", 12) == 0;

	if (!mail && !page && strncmp(type, "CL_TYPE_TEXT_", 13) != 0 && strcmp(type, "CL_TYPE_SCRIPT") != 0)
		return false;
	return has_yenc(data, len) || has_base64(data, len, page);
}
