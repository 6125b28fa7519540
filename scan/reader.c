/* Reading beside the scan; see reader.h. */
#include "scan/reader.h"

#include "scan/charset.h"
#include "scan/hidden.h"
#include "scan/host.h"
#include "scan/plain.h"

#include <string.h>
#include <strings.h>

#define MAX_MAILS 16  /* within each other */
#define MAX_BESIDE 16 /* texts beside parts that are scanned, of one item */
#define PAGE_MAX (1u << 20)
#define WORDS_MAX (16u << 20) /* of one part, for the detectors */

struct beside {
	char *data;
	size_t len;
	int part;
};

struct reader {
	struct scan_limits limits;
	struct detect *detect;
	bool words; /* they are wanted of this item */
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

	if (r)
		*r = (struct reader){.limits = *limits, .detect = detect};
	return r;
}

void reader_free(struct reader *r)
{
	if (r)
		reader_end(r);
	free(r);
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
	if (words)
		detect_begin(r->detect);
	r->reply = reply;
	r->links = (struct links){.list = reply->links};
}

void reader_end(struct reader *r)
{
	while (r->n_mails)
		reader_mail_close(r);
	for (int i = 0; i < r->n_beside; i++)
		free(r->beside[i].data);
	r->n_beside = r->beside_given = 0;
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
	return (strncmp(type, "CL_TYPE_TEXT_", 13) == 0 || strncmp(type, "CL_TYPE_HTML", 12) == 0 ||
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
	if (m->fragment || m->behind_padding)
		reason = REASON_NOT_UNPACKED;
	if (m->too_deep)
		reason = REASON_DEPTH;
	if (m->too_many)
		reason = REASON_PARTS;
	enum reason beside = keep_beside(r, m, part < 0 ? 0 : part);
	return beside < reason ? beside : reason;
}

/* Words, in UTF-8: digits and letters of full width are made plain before the detectors see them. */
static void look_at_words(struct reader *r, int part, const char *utf8, size_t len)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(2 * WORDS_MAX);
	size_t ascii = 0;

	if (!r->detect || !r->words)
		return;
	while (ascii < len && (unsigned char)utf8[ascii] < 0x80)
		ascii++;
	if (ascii == len) {
		detect_look(r->detect, r->reply, part, utf8, len);
		return;
	}
	plain_normal(&plain, utf8, len);
	detect_look(r->detect, r->reply, part, buf_str(&plain), plain.len);
}

/* What libclamav did not show as a part of its own counts as the mail's. */
static void look_at_rest(struct reader *r, struct mail *m, int part)
{
	for (int i = 0; i < m->n_leaves; i++)
		if (m->leaves[i].is_text && !m->leaves[i].seen)
			look_at_words(r, part, buf_str(&m->text) + m->leaves[i].text_at, m->leaves[i].text_len);
	for (int i = 0; i < m->n_asides; i++)
		look_at_words(r, part, buf_str(&m->beside) + m->asides[i].at, m->asides[i].len);
}

void reader_mail_close(struct reader *r)
{
	if (r->n_mails <= MAX_MAILS && r->mails[r->n_mails - 1].read && r->reply) {
		int part = r->mails[r->n_mails - 1].part < 0 ? 0 : r->mails[r->n_mails - 1].part;
		if (part == 0 && r->reply->mail.present)
			look_at_words(r, 0, r->reply->mail.subject, strlen(r->reply->mail.subject));
		look_at_rest(r, &r->mails[r->n_mails - 1].mail, part);
	}
	if (--r->n_mails < MAX_MAILS && r->mails[r->n_mails].read)
		mail_free(&r->mails[r->n_mails].mail);
}

static void read_page(struct reader *r, int part, const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct buf utf8 = BUF_INIT(4 * PAGE_MAX);
	_cleanup_buf_ struct buf text = BUF_INIT(2 * PAGE_MAX);

	charset_to_utf8(&utf8, "", data, len < PAGE_MAX ? len : PAGE_MAX);
	page_read(buf_str(&utf8), utf8.len, part, &text, &r->links);
	look_at_words(r, part, buf_str(&text), text.len);
}

static bool begins(const uint8_t *data, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(data, with, strlen(with)) == 0;
}

static bool is_one_of(const char *type, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(type, *list, strlen(*list)) == 0)
			return true;
	return false;
}

/* Words of whatever it is; of what is packed or a picture there are none. */
static void look_at_part(struct reader *r, int part, const char *type, const uint8_t *data, size_t len)
{
	static const char *const none[] = {"CL_TYPE_MAIL", "CL_TYPE_ZIP", "CL_TYPE_OOXML", "CL_TYPE_ODF", "CL_TYPE_GZ", "CL_TYPE_BZ", "CL_TYPE_XZ",
		"CL_TYPE_7Z", "CL_TYPE_RAR", "CL_TYPE_MSCAB", "CL_TYPE_JPEG", "CL_TYPE_PNG", "CL_TYPE_GIF", "CL_TYPE_TIFF", "CL_TYPE_GRAPHICS",
		"CL_TYPE_MSEXE", "CL_TYPE_ELF", "CL_TYPE_PDF", NULL};
	static const char *const text[] = {"CL_TYPE_TEXT_", "CL_TYPE_SCRIPT", "CL_TYPE_XML", "CL_TYPE_BINARY_DATA", NULL};
	size_t n = len < WORDS_MAX ? len : WORDS_MAX;

	if (!r->detect || !r->words || is_one_of(type, none))
		return;
	bool xml = begins(data, len, "<?xml") || begins(data, len, "\xef\xbb\xbf<?xml");
	if (xml || (is_one_of(type, text) && memmem(data, n < 4096 ? n : 4096, "BT", 2) && memmem(data, n < 65536 ? n : 65536, "Tj", 2))) {
		_cleanup_buf_ struct buf words = BUF_INIT(WORDS_MAX);
		if (xml)
			plain_xml(&words, (const char *)data, n);
		else
			plain_pdf(&words, (const char *)data, n);
		look_at_words(r, part, buf_str(&words), words.len);
	} else if (strncmp(type, "CL_TYPE_TEXT_", 13) == 0 || strcmp(type, "CL_TYPE_SCRIPT") == 0) {
		_cleanup_buf_ struct buf words = BUF_INIT(2 * WORDS_MAX);
		bool wide = strncmp(type, "CL_TYPE_TEXT_UTF16", 18) == 0;
		charset_to_utf8(&words, wide ? "utf-16" : "", data, n);
		look_at_words(r, part, buf_str(&words), words.len);
	} else {
		detect_look(r->detect, r->reply, part, (const char *)data, len);
	}
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
			look_at_words(r, part, buf_str(&r->mails[i].mail.text) + leaf->text_at, leaf->text_len);
		else if (!leaf->is_text)
			look_at_part(r, part, type, data, len);
		leaf->seen |= part >= 0;
		return leaf->name[0] ? leaf->name : NULL;
	}
	if (part < 0 || !r->words)
		return NULL;
	if (strcmp(type, "CL_TYPE_HTML") == 0)
		read_page(r, part, data, len);
	else
		look_at_part(r, part, type, data, len);
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
