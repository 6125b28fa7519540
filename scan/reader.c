/* Reading beside the scan; see reader.h. */
#include "scan/reader.h"

#include "scan/charset.h"
#include "scan/doclinks.h"
#include "scan/hidden.h"
#include "scan/host.h"
#include "scan/passwords.h"
#include "scan/text/text.h"

#include <string.h>
#include <strings.h>

#define MAX_MAILS 16  /* within each other */
#define MAX_BESIDE 16 /* texts beside parts that are scanned, of one item */
#define PAGE_MAX (1u << 20)

struct beside {
	char *data;
	size_t len;
	int part;
};

struct reader {
	struct scan_limits limits;
	struct text *text;
	bool words; /* they are wanted of this item */
	struct passwords passwords; /* told by its texts */
	struct scan_reply *reply;
	struct links links;
	struct {
		struct mail mail;
		int part;
		bool read;
	} mails[MAX_MAILS];
	int n_mails; /* open; those beyond MAX_MAILS are counted only */
	struct beside beside[MAX_BESIDE];
	int n_beside, beside_given;
};

struct reader *reader_new(const struct scan_limits *limits, struct detect *detect)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct reader){.limits = *limits, .text = text_new(detect)};
	if (!r->text) {
		free(r);
		return NULL;
	}
	return r;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	reader_end(r);
	text_free(r->text);
	free(r);
}

void reader_forget(struct reader *r)
{
	text_forget(r->text);
}

void reader_init(void)
{
	mail_init();
	page_init();
	host_init();
}

void reader_begin(struct reader *r, bool words, struct scan_reply *reply)
{
	reader_end(r);
	r->words = words;
	r->reply = reply;
	text_begin(r->text, words, reply);
	r->links = (struct links){.list = reply->links};
}

void reader_end(struct reader *r)
{
	while (r->n_mails)
		reader_mail_close(r);
	for (int i = 0; i < r->n_beside; i++)
		free(r->beside[i].data);
	r->n_beside = r->beside_given = 0;
	text_end(r->text);
	passwords_wipe(&r->passwords);
	if (r->reply) {
		r->reply->n_links = r->links.n;
		r->reply->links_seen = r->links.seen;
	}
	r->reply = NULL;
}

bool reader_is_mail(const char *type, const uint8_t *data, size_t len)
{
	if (strcmp(type, "CL_TYPE_MAIL") == 0)
		return true;
	/* A mail without Received that says early that it is MIME is a saved page to libclamav. */
	return (strcmp(type, "CL_TYPE_MHTML") == 0 || strncmp(type, "CL_TYPE_TEXT_", 13) == 0 || strncmp(type, "CL_TYPE_HTML", 12) == 0 ||
		strcmp(type, "CL_TYPE_BINARY_DATA") == 0) && mail_is(data, len);
}

/* Where in text beside parts a part begins that somebody may still read: at a boundary, a field of a part's head, or a
 * uuencoded file. NULL when there is nothing of the kind. */
static const char *find_part(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end ? (size_t)(end - line) : len - at;
		if ((n > 2 && strncmp(line, "--", 2) == 0 && line[2] > 0x20) || (n > 8 && strncasecmp(line, "content-", 8) == 0) ||
			(n > 10 && strncmp(line, "begin ", 6) == 0 && strspn(line + 6, "01234567") >= 3))
			return line;
		at += n + 1;
	}
	return NULL;
}

/* As a mail of its own, so that libclamav looks into it. */
static void wrap(struct buf *out, const char *part, size_t len)
{
	size_t line = strcspn(part, "\r\n");

	buf_adds(out, "From: beside@parts.invalid\r\nMIME-Version: 1.0\r\n");
	if (strncmp(part, "--", 2) == 0)
		buf_addf(out, "Content-Type: multipart/mixed; boundary=\"%.*s\"\r\n\r\n", (int)(line < 200 ? line - 2 : 198), part + 2);
	else if (strncasecmp(part, "content-", 8) != 0)
		buf_adds(out, "\r\n");
	buf_add(out, part, len);
}

static void find_passwords(struct reader *r, const struct mail *m, bool top)
{
	bool *told = &r->reply->announces_password;

	if (top && r->reply->mail.present)
		*told |= passwords_find(&r->passwords, SCAN_MAX_FOUND, r->reply->mail.subject, strlen(r->reply->mail.subject));
	for (int i = 0; i < m->n_leaves; i++)
		if (m->leaves[i].is_text)
			*told |= passwords_find(&r->passwords, SCAN_MAX_FOUND, buf_str(&m->text) + m->leaves[i].text_at, m->leaves[i].text_len);
}

const struct passwords *reader_passwords(const struct reader *r)
{
	return &r->passwords;
}

static enum reason keep_beside(struct reader *r, const struct mail *m, int part)
{
	enum reason reason = REASON_NONE;

	for (int i = 0; i < m->n_asides; i++) {
		const char *text = buf_str(&m->beside) + m->asides[i].at, *begin = find_part(text, m->asides[i].len);
		if (hidden_beside_parts(text, m->asides[i].len))
			reason = REASON_NOT_UNPACKED;
		if (!begin)
			continue;
		size_t len = m->asides[i].len - (size_t)(begin - text);
		struct buf b = BUF_INIT(len + 512);
		wrap(&b, begin, len);
		if (r->n_beside == MAX_BESIDE || b.len < len) {
			buf_free(&b);
			return REASON_NOT_UNPACKED;
		}
		r->beside[r->n_beside++] = (struct beside){b.data, b.len, part};
	}
	return reason;
}

enum reason reader_mail_open(struct reader *r, int part, bool top, const uint8_t *data, size_t len)
{
	enum reason reason = REASON_NONE;

	if (r->n_mails++ >= MAX_MAILS)
		return REASON_DEPTH;
	struct mail *m = &r->mails[r->n_mails - 1].mail;
	*m = (struct mail){0};
	r->mails[r->n_mails - 1].part = part;
	if (mail_read(data, len, part < 0 ? 0 : part, r->limits.parts, top ? &r->reply->mail : NULL, &r->links, m) < 0) {
		r->mails[r->n_mails - 1].read = false;
		return REASON_NONE;
	}
	r->mails[r->n_mails - 1].read = true;
	find_passwords(r, m, top);
	if (m->fragment || m->behind_padding)
		reason = REASON_NOT_UNPACKED;
	if (m->too_deep)
		reason = REASON_DEPTH;
	if (m->too_many)
		reason = REASON_PARTS;
	enum reason beside = keep_beside(r, m, part < 0 ? 0 : part);
	return beside < reason ? beside : reason;
}

/* What libclamav did not show as a part of its own counts as the mail's. */
static void look_at_rest(struct reader *r, struct mail *m, int part)
{
	for (int i = 0; i < m->n_leaves; i++)
		if (m->leaves[i].is_text && !m->leaves[i].seen)
			text_look(r->text, part, DETECT_TEXT, buf_str(&m->text) + m->leaves[i].text_at, m->leaves[i].text_len);
	for (int i = 0; i < m->n_asides; i++)
		text_look(r->text, part, DETECT_TEXT, buf_str(&m->beside) + m->asides[i].at, m->asides[i].len);
}

void reader_mail_close(struct reader *r)
{
	if (r->n_mails <= MAX_MAILS && r->mails[r->n_mails - 1].read && r->reply) {
		int part = r->mails[r->n_mails - 1].part < 0 ? 0 : r->mails[r->n_mails - 1].part;
		if (part == 0 && r->reply->mail.present)
			text_look(r->text, 0, DETECT_NAME, r->reply->mail.subject, strlen(r->reply->mail.subject));
		look_at_rest(r, &r->mails[r->n_mails - 1].mail, part);
	}
	if (--r->n_mails < MAX_MAILS && r->mails[r->n_mails].read)
		mail_free(&r->mails[r->n_mails].mail);
}

static bool is_page(const char *type)
{
	return strncmp(type, "CL_TYPE_HTML", 12) == 0; /* also of UTF-16 */
}

static void read_page(struct reader *r, int part, const char *type, const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(4 * PAGE_MAX);
	_cleanup_buf_ struct buf text = BUF_INIT(2 * PAGE_MAX);

	charset_to_utf8(&utf8, strstr(type, "UTF16") ? "utf-16" : "", data, len < PAGE_MAX ? len : PAGE_MAX);
	page_read(buf_str(&utf8), utf8.len, part, &text, &r->links);
	text_look(r->text, part, DETECT_TEXT, buf_str(&text), text.len);
}

static void look_at_part(struct reader *r, int part, const char *type, const uint8_t *data, size_t len, const uint8_t *digest)
{
	text_part(r->text, part, type, data, len, digest);
	if (part >= 0 && r->words && !reader_is_mail(type, data, len))
		doclinks_read(&r->links, part, type, data, len);
}

const char *reader_part(struct reader *r, int part, const char *type, const uint8_t *data, size_t len, const uint8_t *digest)
{
	for (int i = (r->n_mails < MAX_MAILS ? r->n_mails : MAX_MAILS) - 1; digest && i >= 0; i--) {
		struct mail_leaf *leaf = r->mails[i].read ? mail_find(&r->mails[i].mail, digest, (int64_t)len) : NULL;
		if (!leaf && r->mails[i].read && (strncmp(type, "CL_TYPE_TEXT_", 13) == 0 || strcmp(type, "CL_TYPE_HTML") == 0))
			leaf = mail_find_text(&r->mails[i].mail, data, len);
		if (!leaf)
			continue;
		if (leaf->is_text && !leaf->seen && part >= 0)
			text_look(r->text, part, DETECT_TEXT, buf_str(&r->mails[i].mail.text) + leaf->text_at, leaf->text_len);
		else if (!leaf->is_text && part >= 0 && r->words && is_page(type))
			read_page(r, part, type, data, len); /* attached as bytes, as phishing pages are */
		else if (!leaf->is_text)
			look_at_part(r, part, type, data, len, digest);
		leaf->seen |= part >= 0;
		return leaf->name[0] ? leaf->name : NULL;
	}
	if (part < 0 || !r->words)
		return NULL;
	if (is_page(type))
		read_page(r, part, type, data, len);
	else
		look_at_part(r, part, type, data, len, digest);
	return NULL;
}

char *reader_next_beside(struct reader *r, size_t *ret_len, int *ret_part)
{
	if (r->beside_given == r->n_beside)
		return NULL;
	struct beside *b = &r->beside[r->beside_given++];
	*ret_len = b->len;
	*ret_part = b->part;
	return TAKE_PTR(b->data);
}
