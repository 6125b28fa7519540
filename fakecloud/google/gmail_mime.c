/* Reads a message as Gmail shows it: headers, parts, file names, decoded bodies, snippet. Lenient: whatever
 * is broken is shown as well as can be. Works on bytes in memory; all results lie in the arena. */
#include "fakecloud/google/gmail.h"

#include "base/encode.h"

#include <ctype.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define PART_DEPTH 50
#define PARTS_MAX 5000
#define HEADERS_MAX 2000
#define HEADER_BLOCK (256 << 10)

struct reader {
	struct arena *arena;
	size_t parts;
};

/* ---- texts ---- */

/* Appends text of a charset as UTF-8; false when the charset is unknown or the text none of it. */
static bool to_utf8(struct buf *out, const char *charset, const char *s, size_t len)
{
	char name[64];
	iconv_t cd;
	bool ok = true;

	snprintf(name, sizeof(name), "%s", charset && *charset ? charset : "utf-8");
	if (!strcasecmp(name, "cp932") || !strcasecmp(name, "x-sjis") || !strcasecmp(name, "windows-31j"))
		snprintf(name, sizeof(name), "CP932");
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return false;
	char *in = (char *)(uintptr_t)s;
	while (len && ok) {
		char chunk[4096], *o = chunk;
		size_t room = sizeof(chunk);
		size_t r = iconv(cd, &in, &len, &o, &room);
		buf_add(out, chunk, (size_t)(o - chunk));
		if (r == (size_t)-1 && room > 8) /* not for want of room: a bad byte */
			ok = false;
	}
	iconv_close(cd);
	return ok;
}

static void qp_decode(struct buf *out, const char *s, size_t len, bool word)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte;
		if (s[i] == '=' && i + 2 < len && hex_decode(&byte, s + i + 1, 1) == 0) {
			buf_addc(out, (char)byte);
			i += 2;
		} else if (!word && s[i] == '=' && i + 1 < len && s[i + 1] == '\n') {
			i++;
		} else if (!word && s[i] == '=' && i + 2 < len && s[i + 1] == '\r' && s[i + 2] == '\n') {
			i += 2;
		} else {
			buf_addc(out, word && s[i] == '_' ? ' ' : s[i]);
		}
	}
}

/* One encoded word (RFC 2047) at s; its length, or 0 when there is none. */
static size_t encoded_word(struct buf *out, const char *s)
{
	const char *charset = s + 2, *q1, *q2, *end;
	char name[64];
	size_t n;

	if (strncmp(s, "=?", 2) != 0 || !(q1 = strchr(charset, '?')) || !q1[1] || q1[2] != '?')
		return 0;
	q2 = q1 + 2;
	end = strstr(q2 + 1, "?=");
	n = strcspn(charset, "?*");
	if (!end || n >= sizeof(name) || memchr(s, ' ', (size_t)(end - s)))
		return 0;
	memcpy(name, charset, n);
	name[n] = 0;
	_cleanup_buf_ struct buf raw = BUF_INIT(1 << 20);
	if (tolower((unsigned char)q1[1]) == 'q')
		qp_decode(&raw, q2 + 1, (size_t)(end - q2 - 1), true);
	else if (base64_decode(&raw, q2 + 1, (size_t)(end - q2 - 1)) < 0)
		return 0;
	size_t before = out->len;
	if (!to_utf8(out, name, buf_str(&raw), raw.len)) {
		out->len = before;
		utf8_clean(out, buf_str(&raw), raw.len, false);
	}
	return (size_t)(end + 2 - s);
}

static const char *words_decode(struct arena *a, const char *s)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_buf_ struct buf clean = BUF_INIT(4 << 20);

	while (*s) {
		size_t n = encoded_word(&out, s);
		if (n) {
			s += n;
			size_t blank = strspn(s, " \t"); /* between two words it does not count */
			if (blank && !strncmp(s + blank, "=?", 2))
				s += blank;
			continue;
		}
		buf_addc(&out, *s++);
	}
	utf8_clean(&clean, buf_str(&out), out.len, false);
	return arena_dup(a, buf_str(&clean));
}

/* A parameter of a structured header, RFC 2231 continuations and charsets included; NULL when missing. */
static const char *parameter(struct arena *a, const char *value, const char *name)
{
	_cleanup_buf_ struct buf joined = BUF_INIT(1 << 20);
	size_t n = strlen(name);
	bool found = false, percent = false;

	for (const char *p = value; (p = strchr(p, ';'));) {
		p++;
		p += strspn(p, " \t");
		if (strncasecmp(p, name, n) != 0)
			continue;
		const char *v = p + n;
		if (*v == '*') {
			v += 1 + strspn(v + 1, "0123456789");
			if (v[-1] != '*' && *v == '*')
				v++;
		}
		bool star = v[-1] == '*';
		v += strspn(v, " \t");
		if (*v != '=')
			continue;
		v++;
		v += strspn(v, " \t");
		if (*v == '"') {
			for (v++; *v && *v != '"'; v++) {
				if (*v == '\\' && v[1])
					v++;
				buf_addc(&joined, *v);
			}
		} else {
			buf_add(&joined, v, strcspn(v, "; \t"));
		}
		found = true;
		percent |= star;
	}
	if (!found)
		return NULL;
	if (!percent)
		return words_decode(a, buf_str(&joined));
	const char *q1 = strchr(buf_str(&joined), '\''), *q2 = q1 ? strchr(q1 + 1, '\'') : NULL;
	const char *text = q2 ? q2 + 1 : buf_str(&joined);
	_cleanup_buf_ struct buf raw = BUF_INIT(1 << 20), out = BUF_INIT(4 << 20);
	if (url_decode(&raw, text, strlen(text), false) < 0)
		buf_adds(&raw, text);
	char *charset = q1 ? arena_dupn(a, buf_str(&joined), (size_t)(q1 - buf_str(&joined))) : NULL;
	if (!to_utf8(&out, charset, buf_str(&raw), raw.len)) {
		buf_clear(&out);
		utf8_clean(&out, buf_str(&raw), raw.len, false);
	}
	return arena_dup(a, buf_str(&out));
}

/* ---- headers ---- */

/* Reads header lines from *p on; leaves *p behind the empty line. */
static void headers_read(
	struct arena *a, const char **p, const char *end, struct gm_header **ret, size_t *ret_n)
{
	struct gm_header *list = NULL;
	size_t n = 0, room = 0;

	while (*p < end) {
		const char *line = *p, *nl = memchr(line, '\n', (size_t)(end - line));
		const char *stop = nl ? nl : end;
		if (stop == line || (stop == line + 1 && *line == '\r')) {
			*p = nl ? nl + 1 : end;
			break;
		}
		while (nl && nl + 1 < end && (nl[1] == ' ' || nl[1] == '\t')) {
			nl = memchr(nl + 1, '\n', (size_t)(end - nl - 1));
			stop = nl ? nl : end;
		}
		*p = nl ? nl + 1 : end;
		const char *colon = memchr(line, ':', (size_t)(stop - line));
		if (!colon || n >= HEADERS_MAX)
			continue;
		_cleanup_buf_ struct buf v = BUF_INIT(4 << 20);
		for (const char *q = colon + 1; q < stop; q++) {
			if (*q != '\r' && *q != '\n' && *q)
				buf_addc(&v, *q == '\t' ? ' ' : *q);
		}
		const char *text = buf_str(&v);
		text += strspn(text, " ");
		if (n == room) {
			struct gm_header *more = arena_alloc(a, (room ? room * 2 : 16) * sizeof(*more));
			if (n)
				memcpy(more, list, n * sizeof(*more));
			list = more;
			room = room ? room * 2 : 16;
		}
		_cleanup_buf_ struct buf name = BUF_INIT(1 << 20);
		utf8_clean(&name, line, (size_t)(colon - line), false);
		list[n++] = (struct gm_header){arena_dup(a, buf_str(&name)), words_decode(a, text)};
	}
	*ret = list;
	*ret_n = n;
}

const char *gm_part_header(const struct gm_part *p, const char *name)
{
	for (size_t i = 0; i < p->nheaders; i++) {
		if (!strcasecmp(p->headers[i].name, name))
			return p->headers[i].value;
	}
	return NULL;
}

static char *keep(const char *s)
{
	return s ? gg_dup(s) : NULL;
}

void gm_headers_read(struct gm_message *m)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	_cleanup_buf_ struct buf b = BUF_INIT(HEADER_BLOCK);
	int64_t size = fc_blob_size(m->blob);
	size_t want = size < 8192 ? (size_t)size : 8192;
	struct gm_part p = {0};

	if (!a || fc_blob_read(m->blob, 0, want, &b) < 0)
		return;
	if (size > 8192 && !memmem(buf_str(&b), b.len, "\n\r\n", 3) &&
		!memmem(buf_str(&b), b.len, "\n\n", 2)) {
		buf_clear(&b);
		fc_blob_read(m->blob, 0, size < HEADER_BLOCK ? (size_t)size : HEADER_BLOCK, &b);
	}
	const char *at = buf_str(&b);
	headers_read(a, &at, at + b.len, &p.headers, &p.nheaders);
	m->subject = keep(gm_part_header(&p, "Subject"));
	m->from = keep(gm_part_header(&p, "From"));
	m->to = keep(gm_part_header(&p, "To"));
	m->cc = keep(gm_part_header(&p, "Cc"));
	m->message_id = keep(gm_part_header(&p, "Message-ID"));
	const char *refs = gm_part_header(&p, "References"), *reply = gm_part_header(&p, "In-Reply-To");
	if (refs || reply)
		m->references = gg_dup(arena_printf(a, "%s %s", reply ? reply : "", refs ? refs : ""));
}

/* ---- parts ---- */

static struct gm_part *part_parse(struct reader *r, const char *data, const char *end, const char *id,
	int depth, const char *default_type);

static const char *child_id(struct arena *a, const char *id, int n)
{
	return *id ? arena_printf(a, "%s.%d", id, n) : arena_printf(a, "%d", n);
}

/* The start of the next delimiter line at or behind p; *ret_last says whether it ends the multipart. */
static const char *next_boundary(
	const char *p, const char *end, const char *boundary, bool *ret_last, const char **ret_after)
{
	size_t n = strlen(boundary);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		if ((size_t)(stop - p) >= n + 2 && p[0] == '-' && p[1] == '-' &&
			!memcmp(p + 2, boundary, n)) {
			const char *rest = p + 2 + n;
			*ret_last = stop - rest >= 2 && rest[0] == '-' && rest[1] == '-';
			*ret_after = nl ? nl + 1 : end;
			return p;
		}
		p = nl ? nl + 1 : end;
	}
	return NULL;
}

static void children_parse(struct reader *r, struct gm_part *p, const char *boundary, int depth)
{
	const char *end = p->body + p->body_len, *after;
	bool last = false, digest = !strcmp(p->type, "multipart/digest");
	const char *at = next_boundary(p->body, end, boundary, &last, &after);
	struct gm_part **tail = &p->child;
	int n = 0;

	while (at && !last && r->parts < PARTS_MAX) {
		const char *from = after;
		at = next_boundary(from, end, boundary, &last, &after);
		const char *to = at ? at : end;
		if (at && to > from && to[-1] == '\n')
			to--;
		if (at && to > from && to[-1] == '\r')
			to--;
		*tail = part_parse(r, from, to, child_id(r->arena, p->id, n++), depth + 1,
			digest ? "message/rfc822" : "text/plain");
		tail = &(*tail)->next;
	}
}

static struct gm_part *part_parse(struct reader *r, const char *data, const char *end, const char *id,
	int depth, const char *default_type)
{
	struct gm_part *p = arena_alloc(r->arena, sizeof(*p));
	const char *at = data, *type, *disposition, *name = NULL, *boundary;

	r->parts++;
	p->id = id;
	headers_read(r->arena, &at, end, &p->headers, &p->nheaders);
	p->body = at;
	p->body_len = (size_t)(end - at);
	type = gm_part_header(p, "Content-Type");
	disposition = gm_part_header(p, "Content-Disposition");
	p->type = default_type;
	if (type && strcspn(type, "; ")) {
		size_t n = strcspn(type, "; ");
		p->type = memchr(type, '/', n) ? gg_lower(r->arena, arena_dupn(r->arena, type, n))
					       : default_type;
		p->charset = parameter(r->arena, type, "charset");
	}
	if (disposition)
		name = parameter(r->arena, disposition, "filename");
	if (!name && type)
		name = parameter(r->arena, type, "name");
	p->filename = name ? name : "";
	p->encoding = gm_part_header(p, "Content-Transfer-Encoding");
	if (depth >= PART_DEPTH)
		return p;
	boundary = type && !strncmp(p->type, "multipart/", 10) ? parameter(r->arena, type, "boundary") : NULL;
	if (boundary)
		children_parse(r, p, boundary, depth);
	else if (!strcmp(p->type, "message/rfc822") &&
		 (!p->encoding || strncasecmp(p->encoding, "base64", 6) != 0) && r->parts < PARTS_MAX)
		p->child = part_parse(r, p->body, end, child_id(r->arena, p->id, 0), depth + 1, "text/plain");
	return p;
}

struct gm_part *gm_mime_parse(struct arena *a, const char *data, size_t len)
{
	struct reader r = {.arena = a};

	return part_parse(&r, data, data + len, "", 0, "text/plain");
}

int gm_part_decode(const struct gm_part *p, struct buf *out)
{
	const char *e = p->encoding ? p->encoding : "";

	if (!strncasecmp(e, "quoted-printable", 16)) {
		qp_decode(out, p->body, p->body_len, false);
		return 0;
	}
	if (strncasecmp(e, "base64", 6) != 0)
		return buf_add(out, p->body, p->body_len);
	_cleanup_buf_ struct buf clean = BUF_INIT(p->body_len + 1);
	for (size_t i = 0; i < p->body_len; i++) {
		char ch = p->body[i];
		if (isalnum((unsigned char)ch) || ch == '+' || ch == '/')
			buf_addc(&clean, ch);
		else if (ch == '=')
			break;
	}
	if (clean.len % 4 == 1)
		clean.len--;
	return base64_decode(out, buf_str(&clean), clean.len);
}

bool gm_part_inline(const struct gm_part *p)
{
	return !*p->filename && (!strncmp(p->type, "text/", 5) || !strncmp(p->type, "multipart/", 10));
}

/* ---- snippet ---- */

static const struct gm_part *find_text(const struct gm_part *p, const char *type)
{
	for (; p; p = p->next) {
		if (!*p->filename && !strcmp(p->type, type))
			return p;
		const struct gm_part *in = p->child ? find_text(p->child, type) : NULL;
		if (in)
			return in;
	}
	return NULL;
}

char *gm_snippet(struct arena *a, struct gm_part *root)
{
	const struct gm_part *p = find_text(root, "text/plain");
	bool html = !p, tag = false, blank = true;
	_cleanup_buf_ struct buf raw = BUF_INIT(64 << 20), text = BUF_INIT(64 << 20), out = BUF_INIT(8192);
	size_t shown = 0;

	if (!p)
		p = find_text(root, "text/html");
	if (!p || gm_part_decode(p, &raw) < 0)
		return gg_dup("");
	size_t len = raw.len > 65536 ? 65536 : raw.len;
	if (!to_utf8(&text, p->charset, buf_str(&raw), len)) {
		buf_clear(&text);
		utf8_clean(&text, buf_str(&raw), len, false);
	}
	const char *s = buf_str(&text);
	for (size_t i = 0; i < text.len && shown < 200;) {
		size_t n = utf8_length(s + i, text.len - i);
		if (html && s[i] == '<')
			tag = true;
		if (!n || tag || isspace((unsigned char)s[i]) || (unsigned char)s[i] < 32) {
			if (!blank && n)
				buf_addc(&out, ' '), shown++;
			blank = true;
			if (s[i] == '>')
				tag = false;
			i += n ? n : 1;
			continue;
		}
		blank = false;
		if (s[i] == '<')
			buf_adds(&out, "&lt;");
		else if (s[i] == '>')
			buf_adds(&out, "&gt;");
		else if (s[i] == '&' && !html)
			buf_adds(&out, "&amp;");
		else if (s[i] == '"')
			buf_adds(&out, "&quot;");
		else if (s[i] == '\'')
			buf_adds(&out, "&#39;");
		else
			buf_add(&out, s + i, n);
		shown++;
		i += n;
	}
	while (out.len && out.data[out.len - 1] == ' ')
		out.data[--out.len] = 0;
	return gg_dup(buf_str(&out));
}

int gm_date_parse(const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = {
		"%d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M %z", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M"};
	const char *comma = text ? strchr(text, ',') : NULL;
	const char *s = comma ? comma + 1 : text;

	if (!s)
		return -1;
	s += strspn(s, " ");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {0};
		if (!strptime(s, forms[i], &tm))
			continue;
		long offset = tm.tm_gmtoff;
		*ret_ms = ((int64_t)timegm(&tm) - offset) * 1000;
		return 0;
	}
	return -1;
}
