/* Mails by GMime; see mail.h. */
#include "scan/mail.h"

#include "scan/authres.h"
#include "scan/charset.h"
#include "scan/hidden.h"
#include "scan/host.h"
#include "scan/names.h"
#include "scan/person.h"
#include "scan/words.h"

#include <gmime/gmime.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define LEAF_TEXT_MAX (1u << 20) /* bytes of one text, before it is made UTF-8 */
#define LOOSE_START 0xcbf29ce484222325u
#define HEADERS_MAX 4096         /* looked at */
#define HEADER_MAX (1u << 20)

void mail_init(void)
{
	g_mime_init();
}

bool mail_is(const uint8_t *d, size_t len)
{
	static const char *const fields[] = {"from", "to", "subject", "date", "received", "mime-version", "message-id",
		"return-path", "content-type", "delivered-to", "x-original-to", "reply-to", "sender", "cc", "dkim-signature",
		"authentication-results", "arc-seal", "received-spf"};
	int known = 0, lines = 0;

	for (size_t at = 0; at < len && lines < 50 && known < 3; lines++) {
		const uint8_t *end = memchr(d + at, '\n', len - at);
		size_t next = end ? (size_t)(end - d) + 1 : len, n = 0;
		if (d[at] == '\r' || d[at] == '\n')
			break;
		if ((d[at] == ' ' || d[at] == '\t') && lines > 0) {
			at = next;
			continue;
		}
		while (at + n < next && d[at + n] > 0x20 && d[at + n] < 0x7f && d[at + n] != ':')
			n++;
		if (n == 0 || at + n >= next || d[at + n] != ':')
			break;
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			known += strlen(fields[i]) == n && strncasecmp((const char *)d + at, fields[i], n) == 0;
		at = next;
	}
	return known >= 2;
}

static GMimeParserOptions *options_new(void)
{
	static const char *fallback[] = {"utf-8", "cp932", "gb18030", "iso-8859-1", NULL};
	GMimeParserOptions *o = g_mime_parser_options_new();

	g_mime_parser_options_set_address_compliance_mode(o, GMIME_RFC_COMPLIANCE_LOOSE);
	g_mime_parser_options_set_parameter_compliance_mode(o, GMIME_RFC_COMPLIANCE_LOOSE);
	g_mime_parser_options_set_rfc2047_compliance_mode(o, GMIME_RFC_COMPLIANCE_LOOSE);
	g_mime_parser_options_set_allow_addresses_without_domain(o, TRUE);
	g_mime_parser_options_set_fallback_charsets(o, fallback);
	return o;
}

static void read_address(struct scan_address *out, const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;
	struct host h;

	name_copy(out->address, sizeof(out->address), address, SIZE_MAX);
	if (!at || !host_read(at + 1, strcspn(at + 1, "> \t"), &h))
		return;
	snprintf(out->host, sizeof(out->host), "%s", h.name);
	snprintf(out->domain, sizeof(out->domain), "%s", h.domain);
	snprintf(out->skeleton, sizeof(out->skeleton), "%s", h.skeleton);
}

static void add_addresses(struct scan_mail *h, enum scan_field field, InternetAddressList *list, int depth)
{
	int n = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < n; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		if (INTERNET_ADDRESS_IS_GROUP(a)) {
			if (depth < 4)
				add_addresses(h, field, internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), depth + 1);
			continue;
		}
		h->addresses_seen++;
		if (h->n_addresses == SCAN_MAX_ADDRESSES)
			continue;
		struct scan_address *out = &h->addresses[h->n_addresses++];
		*out = (struct scan_address){.field = field};
		name_copy(out->name, sizeof(out->name), internet_address_get_name(a), SIZE_MAX);
		person_keys(out->name, out->keys, sizeof(out->keys));
		if (INTERNET_ADDRESS_IS_MAILBOX(a))
			read_address(out, internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a)));
	}
}

static void read_addresses(struct scan_mail *h, GMimeParserOptions *options, enum scan_field field, GMimeHeader *header)
{
	_cleanup_buf_ struct buf value = BUF_INIT(HEADER_MAX);

	words_read(&value, g_mime_header_get_raw_value(header), true);
	InternetAddressList *list = internet_address_list_parse(options, buf_str(&value));
	if (!list)
		return;
	add_addresses(h, field, list, 0);
	g_object_unref(list);
}

/* Of several the first is shown. */
static void read_text_header(char *out, size_t size, GMimeHeader *header)
{
	_cleanup_buf_ struct buf value = BUF_INIT(HEADER_MAX);

	if (!out[0]) {
		words_read(&value, g_mime_header_get_raw_value(header), false);
		name_copy(out, size, buf_str(&value), value.len);
	}
}

/* The first id of References is the thread's beginning; a mail that answers none begins one. */
static void read_thread(struct scan_mail *h, GMimeHeaderList *headers)
{
	static const char *const fields[] = {"References", "In-Reply-To"};

	for (size_t i = 0; i < ARRAY_SIZE(fields) && !h->thread[0]; i++) {
		GMimeHeader *header = g_mime_header_list_get_header(headers, fields[i]);
		const char *value = header ? g_mime_header_get_value(header) : NULL, *from = value ? strchr(value, '<') : NULL;
		if (from)
			name_copy(h->thread, sizeof(h->thread), from + 1, strcspn(from + 1, "> \t\r\n"));
	}
	if (!h->thread[0])
		memcpy(h->thread, h->message_id, sizeof(h->thread));
}

static void read_header(struct scan_mail *h, GMimeHeader *header, const char *name)
{
	if (strcasecmp(name, "Subject") == 0)
		read_text_header(h->subject, sizeof(h->subject), header);
	else if (strcasecmp(name, "List-Id") == 0)
		read_text_header(h->list_id, sizeof(h->list_id), header);
	else if (strcasecmp(name, "X-MS-Exchange-Organization-AuthAs") == 0)
		read_text_header(h->auth_as, sizeof(h->auth_as), header);
	else if (strcasecmp(name, "Authentication-Results") == 0 && h->auth_seen++ < SCAN_MAX_AUTH)
		authres_read(g_mime_header_get_raw_value(header), &h->auth[h->n_auth++]);
}

static void read_head(struct scan_mail *h, GMimeParserOptions *options, GMimeMessage *message)
{
	/* Senders first: many recipients must not crowd them out. */
	static const char *const fields[] = {[SCAN_FIELD_FROM] = "From", [SCAN_FIELD_SENDER] = "Sender",
		[SCAN_FIELD_REPLY_TO] = "Reply-To", [SCAN_FIELD_RETURN_PATH] = "Return-Path", [SCAN_FIELD_TO] = "To", [SCAN_FIELD_CC] = "Cc"};
	GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
	int n = g_mime_header_list_get_count(headers);

	h->present = true;
	for (size_t f = 0; f <= ARRAY_SIZE(fields); f++) {
		for (int i = 0; i < n && i < HEADERS_MAX; i++) {
			GMimeHeader *header = g_mime_header_list_get_header_at(headers, i);
			const char *name = g_mime_header_get_name(header);
			if (name && f == ARRAY_SIZE(fields))
				read_header(h, header, name);
			else if (name && strcasecmp(name, fields[f]) == 0)
				read_addresses(h, options, (enum scan_field)f, header);
		}
	}
	name_copy(h->message_id, sizeof(h->message_id), g_mime_message_get_message_id(message), SIZE_MAX);
	read_thread(h, headers);
	GDateTime *date = g_mime_message_get_date(message);
	if (date && g_date_time_to_unix(date) > 0)
		h->date = g_date_time_to_unix(date) * 1000;
}

/* A part's name: where a mail program looks for it, in that order. */
static void read_name(GMimePart *part, GMimeParserOptions *options, char *out, size_t size)
{
	static const char *const fields[][2] = {{"Content-Disposition", "filename"}, {"Content-Type", "name"}};
	GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(part));

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(fields) && !out[0]; i++) {
		_cleanup_buf_ struct buf value = BUF_INIT(HEADER_MAX);
		GMimeHeader *header = g_mime_header_list_get_header(headers, fields[i][0]);
		const char *params = NULL;
		if (header && words_read(&value, g_mime_header_get_raw_value(header), true) == 0)
			params = strchr(buf_str(&value), ';');
		GMimeParamList *list = params ? g_mime_param_list_parse(options, params + 1) : NULL;
		GMimeParam *p = list ? g_mime_param_list_get_parameter(list, fields[i][1]) : NULL;
		if (p)
			name_copy(out, size, g_mime_param_get_value(p), SIZE_MAX);
		if (list)
			g_object_unref(list);
	}
}

/* The bytes of a part as they stand in the mail; the parser keeps places rather than copies. */
static bool raw_of(GMimePart *part, const uint8_t *data, size_t len, const uint8_t **ret, size_t *ret_len)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *s = content ? g_mime_data_wrapper_get_stream(content) : NULL;

	if (!s || !GMIME_IS_STREAM_MEM(s) || s->bound_start < 0 || (uint64_t)s->bound_start > len)
		return false;
	uint64_t end = s->bound_end < 0 || (uint64_t)s->bound_end > len ? len : (uint64_t)s->bound_end;
	if (end < (uint64_t)s->bound_start)
		return false;
	*ret = data + s->bound_start;
	*ret_len = (size_t)(end - (uint64_t)s->bound_start);
	return true;
}

static uint64_t hash_loose(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] > 0x20)
			h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return h;
}

/* Decodes a part for its digest, and keeps the beginning of it when it is text. */
static int decode(GMimePart *part, struct buf *keep, struct mail_leaf *leaf)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *raw = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char chunk[65536];
	ssize_t n;

	if (!raw || !md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(md);
		return -1;
	}
	GMimeStream *s = g_mime_stream_filter_new(raw);
	GMimeFilter *f = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE);
	g_mime_stream_reset(raw);
	g_mime_stream_filter_add(GMIME_STREAM_FILTER(s), f);
	while ((n = g_mime_stream_read(s, chunk, sizeof(chunk))) > 0) {
		EVP_DigestUpdate(md, chunk, (size_t)n);
		leaf->size += n;
		if (keep)
			leaf->loose = hash_loose(leaf->loose, chunk, (size_t)n);
		if (keep && keep->len < keep->max)
			buf_add(keep, chunk, (size_t)n < keep->max - keep->len ? (size_t)n : keep->max - keep->len);
	}
	g_object_unref(f);
	g_object_unref(s);
	unsigned len = 32;
	EVP_DigestFinal_ex(md, leaf->digest, &len);
	EVP_MD_CTX_free(md);
	return 0;
}

/* A page may name its charset itself. */
static void page_charset(const struct buf *page, char *out, size_t size)
{
	const char *head = buf_str(page), *p = strcasestr(head, "charset=");

	out[0] = '\0';
	if (!p || p - head > 2048)
		return;
	p += 8 + strspn(p + 8, "\"' ");
	snprintf(out, size, "%.*s", (int)strcspn(p, "\"'>;/ \t\r\n"), p);
}

struct walk {
	const uint8_t *data;
	size_t len;
	int part, max_leaves;
	struct links *links;
	GMimeParserOptions *options;
	struct mail *m;
};

static void read_text(struct walk *w, GMimeContentType *type, const struct buf *raw, struct mail_leaf *leaf)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(4 * LEAF_TEXT_MAX);
	const char *named = type ? g_mime_content_type_get_parameter(type, "charset") : NULL;
	bool html = type && g_mime_content_type_is_type(type, "text", "html");
	struct mail *m = w->m;
	char charset[64] = "";

	if (named)
		snprintf(charset, sizeof(charset), "%s", named);
	else if (html)
		page_charset(raw, charset, sizeof(charset));
	charset_to_utf8(&utf8, charset, buf_str(raw), raw->len);
	leaf->is_text = true;
	leaf->text_at = m->text.len;
	if (html)
		page_read(buf_str(&utf8), utf8.len, w->part, &m->text, w->links);
	else
		buf_add(&m->text, buf_str(&utf8), utf8.len);
	leaf->text_len = m->text.len - leaf->text_at;
	if (!html && utf8.data)
		utf8.len = links_unfold(utf8.data, utf8.len);
	if (!html)
		links_in_text(w->links, buf_str(&utf8), utf8.len, w->part);
}

static void walk_part(struct walk *w, GMimePart *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
	_cleanup_buf_ struct buf raw = BUF_INIT(LEAF_TEXT_MAX);
	struct mail *m = w->m;
	const uint8_t *bytes;
	size_t n;

	if (m->n_leaves == w->max_leaves) {
		m->too_many = true;
		return;
	}
	if (m->n_leaves == m->leaves_cap) {
		int cap = m->leaves_cap ? m->leaves_cap * 2 : 16;
		struct mail_leaf *more = realloc(m->leaves, (size_t)cap * sizeof(*more));
		if (!more) {
			m->too_many = true;
			return;
		}
		m->leaves = more;
		m->leaves_cap = cap;
	}
	struct mail_leaf *leaf = &m->leaves[m->n_leaves];
	*leaf = (struct mail_leaf){.loose = LOOSE_START};
	bool text = !type || g_mime_content_type_is_type(type, "text", "*");
	if (decode(part, text ? &raw : NULL, leaf) < 0)
		return;
	m->n_leaves++;
	read_name(part, w->options, leaf->name, sizeof(leaf->name));
	if (text)
		read_text(w, type, &raw, leaf);
	if (g_mime_part_get_content_encoding(part) == GMIME_CONTENT_ENCODING_BASE64 && raw_of(part, w->data, w->len, &bytes, &n))
		m->behind_padding |= hidden_behind_padding(bytes, n);
}

static void add_aside(struct mail *m, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (len && strchr(" \t\r\n", *text))
		text++, len--;
	if (len <= 5)
		return;
	size_t at = m->beside.len;
	if (m->n_asides == MAIL_ASIDES || buf_add(&m->beside, text, len) < 0)
		m->too_many = true;
	else
		m->asides[m->n_asides++] = (struct mail_aside){at, len};
}

static void walk(struct walk *w, GMimeObject *o, int depth)
{
	if (!o)
		return;
	if (depth == MAIL_DEPTH) {
		w->m->too_deep = true;
		return;
	}
	if (GMIME_IS_MULTIPART(o)) {
		GMimeMultipart *multi = GMIME_MULTIPART(o);
		add_aside(w->m, g_mime_multipart_get_prologue(multi));
		for (int i = 0, n = g_mime_multipart_get_count(multi); i < n; i++)
			walk(w, g_mime_multipart_get_part(multi, i), depth + 1);
		add_aside(w->m, g_mime_multipart_get_epilogue(multi));
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
		if (inner)
			walk(w, g_mime_message_get_mime_part(inner), depth + 1);
	} else if (GMIME_IS_PART(o)) {
		w->m->fragment |= GMIME_IS_MESSAGE_PARTIAL(o);
		walk_part(w, GMIME_PART(o));
	}
}

int mail_read(const uint8_t *data, size_t len, int part, int max_leaves, struct scan_mail *head, struct links *links,
	struct mail *ret)
{
	/* GMime reads memory through an array of its own kind; this one is only lent and never grows. */
	GByteArray array = {.data = (guint8 *)(uintptr_t)data, .len = (guint)len};
	struct mail m = {.text = BUF_INIT(MAIL_TEXT_MAX), .beside = BUF_INIT(len)};
	struct walk w = {.data = data, .len = len, .part = part, .max_leaves = max_leaves, .links = links, .m = &m};

	if (len > G_MAXINT)
		return -1;
	GMimeParserOptions *options = w.options = options_new();
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(&array);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE);
	GMimeMessage *message = g_mime_parser_construct_message(parser, options);
	if (message) {
		if (head)
			read_head(head, options, message);
		walk(&w, g_mime_message_get_mime_part(message), 0);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
	if (!message)
		return -1;
	*ret = m;
	return 0;
}

void mail_free(struct mail *m)
{
	free(m->leaves);
	m->leaves = NULL;
	m->n_leaves = m->leaves_cap = 0;
	buf_free(&m->text);
	buf_free(&m->beside);
}

struct mail_leaf *mail_find(struct mail *m, const uint8_t digest[32], int64_t size)
{
	for (int i = 0; i < m->n_leaves; i++)
		if (m->leaves[i].size == size && memcmp(m->leaves[i].digest, digest, 32) == 0)
			return &m->leaves[i];
	return NULL;
}

struct mail_leaf *mail_find_text(struct mail *m, const uint8_t *data, size_t len)
{
	uint64_t h = hash_loose(LOOSE_START, (const char *)data, len);

	for (int i = 0; i < m->n_leaves; i++)
		if (m->leaves[i].is_text && m->leaves[i].loose == h)
			return &m->leaves[i];
	return NULL;
}
