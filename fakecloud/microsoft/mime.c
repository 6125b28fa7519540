/* The structure of a message: its headers and its parts, found by offsets, nothing copied. A tolerant reader,
 * bounded in depth and number of parts. Sources: RFC 5322, RFC 2045, RFC 2046. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define DEPTH_MAX 16
#define META_ARENA (8u << 20)

/* Bytes before the empty line that ends the headers, with that line. */
size_t ms_mime_head_len(const char *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const char *nl = memchr(data + at, '\n', len - at);
		size_t end = nl ? (size_t)(nl - data) + 1 : len;
		size_t text = end - at - (nl != NULL);
		if (text && data[at + text - 1] == '\r')
			text--;
		if (!text && nl)
			return end;
		at = end;
	}
	return len;
}

/* The next field from *at within the head: name and the unfolded value. */
static bool field(struct arena *a, const char *data, size_t head, size_t *at, const char **name, size_t *name_len,
	char **value)
{
	while (*at < head) {
		size_t start = *at, end = start;
		const char *colon;
		do {
			const char *nl = memchr(data + end, '\n', head - end);
			end = nl ? (size_t)(nl - data) + 1 : head;
		} while (end < head && (data[end] == ' ' || data[end] == '\t'));
		*at = end;
		colon = memchr(data + start, ':', end - start);
		if (!colon)
			continue;
		*name = data + start;
		*name_len = (size_t)(colon - data) - start;
		if (value) {
			size_t from = (size_t)(colon - data) + 1, n = 0;
			char *v = arena_dupn(a, data + from, end - from);
			if (!v)
				return false;
			for (size_t i = 0; i < end - from; i++) {
				if (v[i] != '\r' && v[i] != '\n' && v[i])
					v[n++] = v[i] == '\t' ? ' ' : v[i];
			}
			while (n && v[n - 1] == ' ')
				n--;
			v[n] = 0;
			*value = v + strspn(v, " ");
		}
		return true;
	}
	return false;
}

char *ms_mime_header(struct arena *a, const char *data, size_t len, const char *name)
{
	size_t head = ms_mime_head_len(data, len), at = 0, n, want = strlen(name), before = 0;
	const char *key;

	while (field(a, data, head, &at, &key, &n, NULL)) {
		if (n == want && !strncasecmp(key, name, n)) {
			char *value = NULL;
			/* What is no UTF-8 must not get into an answer. */
			return field(a, data, head, &before, &key, &n, &value) ? ms_mime_utf8(a, NULL, value, strlen(value)) : NULL;
		}
		before = at;
	}
	return NULL;
}

cJSON *ms_mime_headers(const char *data, size_t len)
{
	struct arena *a = arena_new(META_ARENA);
	size_t head = ms_mime_head_len(data, len), at = 0, n;
	cJSON *list = cJSON_CreateArray();
	const char *key;
	char *value;

	while (a && field(a, data, head, &at, &key, &n, &value)) {
		cJSON *one = cJSON_CreateObject();
		char *name = arena_dupn(a, key, n);
		j_str(one, "name", name ? ms_mime_utf8(a, NULL, name, n) : "");
		j_str(one, "value", ms_mime_utf8(a, NULL, value, strlen(value)));
		cJSON_AddItemToArray(list, one);
	}
	arena_free(a);
	return list;
}

/* RFC 5322 date; -1 when it is none. */
static int64_t date(const char *s)
{
	static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M"};

	for (size_t i = 0; s && i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {0};
		const char *rest = strptime(s, forms[i], &tm);
		int64_t shift = 0;
		if (!rest)
			continue;
		rest += strspn(rest, " ");
		if ((*rest == '+' || *rest == '-') && strspn(rest + 1, "0123456789") >= 4) {
			shift = ((rest[1] - '0') * 10 + rest[2] - '0') * 60 + (rest[3] - '0') * 10 + rest[4] - '0';
			shift *= *rest == '-' ? -60 : 60;
		}
		return ((int64_t)timegm(&tm) - shift) * 1000;
	}
	return -1;
}

cJSON *ms_mime_meta(const char *data, size_t len)
{
	static const char *const lists[][2] = {
		{"toRecipients", "To"}, {"ccRecipients", "Cc"}, {"bccRecipients", "Bcc"}, {"replyTo", "Reply-To"}};
	struct arena *a = arena_new(META_ARENA);
	cJSON *meta = cJSON_CreateObject(), *from, *sender;
	const char *v;
	int64_t when;

	if (!a)
		return meta;
	v = ms_mime_header(a, data, len, "Subject");
	j_str(meta, "subject", v ? ms_mime_words(a, v) : "");
	v = ms_mime_header(a, data, len, "Message-ID");
	if (v)
		j_str(meta, "internetMessageId", ms_mime_utf8(a, NULL, v, strlen(v)));
	when = date(ms_mime_header(a, data, len, "Date"));
	if (when >= 0)
		j_num(meta, "date", (double)when);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		cJSON_AddItemToObject(meta, lists[i][0], ms_mime_addresses(a, ms_mime_header(a, data, len, lists[i][1])));
	from = ms_mime_addresses(a, ms_mime_header(a, data, len, "From"));
	sender = ms_mime_addresses(a, ms_mime_header(a, data, len, "Sender"));
	if (from->child) {
		cJSON_AddItemToObject(meta, "from", cJSON_Duplicate(from->child, true));
		cJSON_AddItemToObject(meta, "sender",
			cJSON_Duplicate(sender->child ? sender->child : from->child, true));
	}
	json_free(from);
	json_free(sender);
	v = ms_mime_header(a, data, len, "References");
	if (!v)
		v = ms_mime_header(a, data, len, "In-Reply-To");
	if (v)
		j_str(meta, "thread", v);
	v = ms_mime_header(a, data, len, "Importance");
	if (v && (!strcasecmp(v, "high") || !strcasecmp(v, "low")))
		j_str(meta, "importance", !strcasecmp(v, "high") ? "high" : "low");
	j_bool(meta, "receipt", ms_mime_header(a, data, len, "Disposition-Notification-To") != NULL);
	arena_free(a);
	return meta;
}

struct walk {
	struct arena *a;
	struct ms_mime *m;
	int depth;
};

static void part_leaf(struct walk *w, size_t from, size_t body, size_t to, const char *type, const char *disposition,
	const char *kind)
{
	struct ms_mime *m = w->m;
	struct ms_part *p;
	const char *id;
	bool text;

	if (m->n == (int)ARRAY_SIZE(m->part))
		return;
	p = &m->part[m->n];
	*p = (struct ms_part){.at = body, .len = to > body ? to - body : 0, .from = from, .to = to, .type = kind};
	p->charset = ms_mime_param(w->a, type, "charset");
	p->encoding = ms_mime_header(w->a, m->data + from, to - from, "Content-Transfer-Encoding");
	p->name = ms_mime_param(w->a, disposition, "filename");
	if (!p->name)
		p->name = ms_mime_param(w->a, type, "name");
	p->location = ms_mime_header(w->a, m->data + from, to - from, "Content-Location");
	id = ms_mime_header(w->a, m->data + from, to - from, "Content-ID");
	if (id) {
		char *plain = arena_dup(w->a, id + (*id == '<'));
		if (plain)
			plain[strcspn(plain, ">")] = 0;
		p->content_id = plain;
	}
	text = !strncasecmp(kind, "text/", 5);
	p->attachment = !text || p->name || (disposition && !strncasecmp(disposition, "attachment", 10));
	p->inline_ = (disposition && !strncasecmp(disposition, "inline", 6)) ||
		     (p->content_id && !(disposition && !strncasecmp(disposition, "attachment", 10)));
	if (!p->attachment) {
		if (!strcasecmp(kind, "text/html") && m->html < 0)
			m->html = m->n;
		else if (strcasecmp(kind, "text/html") && m->text < 0)
			m->text = m->n;
		else
			p->attachment = true; /* a second text is what clients show as an attachment */
	}
	m->n++;
}

static void walk(struct walk *w, size_t from, size_t to);

/* The parts between the delimiter lines of a multipart's body. */
static void parts(struct walk *w, size_t at, size_t to, const char *boundary)
{
	const char *d = w->m->data;
	size_t blen = strlen(boundary), start = 0;
	bool open = false;

	while (at < to) {
		const char *nl = memchr(d + at, '\n', to - at);
		size_t end = nl ? (size_t)(nl - d) + 1 : to;
		if (end - at >= blen + 2 && d[at] == '-' && d[at + 1] == '-' && !memcmp(d + at + 2, boundary, blen)) {
			if (open) {
				/* The line end before a delimiter belongs to it. */
				size_t stop = at;
				if (stop > start && d[stop - 1] == '\n')
					stop--;
				if (stop > start && d[stop - 1] == '\r')
					stop--;
				walk(w, start, stop);
			}
			open = !(end - at >= blen + 4 && d[at + blen + 2] == '-' && d[at + blen + 3] == '-');
			if (!open)
				return;
			start = end;
		}
		at = end;
	}
	if (open && start < to)
		walk(w, start, to);
}

static void walk(struct walk *w, size_t from, size_t to)
{
	const char *d = w->m->data + from, *type, *disposition;
	size_t body = from + ms_mime_head_len(d, to - from);
	char *kind, *boundary;

	/* A part may begin with its empty line: no headers at all. */
	type = ms_mime_header(w->a, d, body - from, "Content-Type");
	disposition = ms_mime_header(w->a, d, body - from, "Content-Disposition");
	kind = arena_dup(w->a, type ? type : "text/plain");
	if (!kind)
		return;
	kind[strcspn(kind, "; \t")] = 0;
	if (!*kind)
		kind = arena_dup(w->a, "text/plain");
	boundary = ms_mime_param(w->a, type, "boundary");
	if (kind && !strncasecmp(kind, "multipart/", 10) && boundary && *boundary && w->depth < DEPTH_MAX) {
		w->depth++;
		parts(w, body, to, boundary);
		w->depth--;
		return;
	}
	if (kind)
		part_leaf(w, from, body, to, type, disposition, kind);
}

void ms_mime_parse(struct arena *a, const char *data, size_t len, struct ms_mime *ret)
{
	struct walk w = {.a = a, .m = ret};

	ret->data = data;
	ret->len = len;
	ret->n = 0;
	ret->html = ret->text = -1;
	walk(&w, 0, len);
}

static void quoted_printable(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char hex[2] = {0};
		if (s[i] != '=') {
			buf_addc(out, s[i]);
			continue;
		}
		if (i + 1 < len && s[i + 1] == '\n') {
			i++;
		} else if (i + 2 < len && s[i + 1] == '\r' && s[i + 2] == '\n') {
			i += 2;
		} else if (i + 2 < len && hex_decode(hex, s + i + 1, 1) == 0) {
			buf_addc(out, hex[0]);
			i += 2;
		} else {
			buf_addc(out, s[i]);
		}
	}
}

int ms_mime_content(const struct ms_mime *m, const struct ms_part *p, struct buf *out)
{
	const char *data = m->data + p->at;

	if (p->encoding && !strncasecmp(p->encoding, "base64", 6)) {
		/* What is no base64 ends it, as mail clients do. */
		size_t n = 0;
		while (n < p->len && (strchr("+/=\r\n \t", data[n]) ? data[n] != 0
								      : ((data[n] | 0x20) >= 'a' && (data[n] | 0x20) <= 'z') ||
										(data[n] >= '0' && data[n] <= '9')))
			n++;
		_cleanup_buf_ struct buf clean = BUF_INIT(out->max);
		for (size_t i = 0; i < n; i++) {
			if (!strchr(" \t\r\n", data[i]))
				buf_addc(&clean, data[i]);
		}
		return base64_decode(out, buf_str(&clean), clean.len);
	}
	if (p->encoding && !strncasecmp(p->encoding, "quoted-printable", 16))
		quoted_printable(out, data, p->len);
	else
		return buf_add(out, data, p->len);
	return 0;
}

char *ms_mime_text(struct arena *a, const struct ms_mime *m, const struct ms_part *p)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);

	ms_mime_content(m, p, &b);
	return ms_mime_utf8(a, p->charset, buf_str(&b), b.len);
}
