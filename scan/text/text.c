/* Which format's words are in a part; see text.h. */
#include "scan/text/text.h"

#include "scan/charset.h"
#include "scan/plain.h"
#include "scan/text/formats.h"

#include <string.h>

#define EMPTY 4096 /* places of the table of parts without any finding */

struct text {
	struct detect *detect;
	bool wanted;
	struct scan_reply *reply;
	struct pdf_text *pdf;
	int pdf_part; /* of the file that streams come from now; -1 */
	uint8_t empty[EMPTY][16];
};

struct text *text_new(struct detect *detect)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->detect = detect;
	t->pdf_part = -1;
	t->pdf = pdf_text_new();
	if (!t->pdf) {
		free(t);
		return NULL;
	}
	return t;
}

void text_free(struct text *t)
{
	if (!t)
		return;
	pdf_text_free(t->pdf);
	free(t);
}

void text_forget(struct text *t)
{
	memset(t->empty, 0, sizeof(t->empty));
}

void text_begin(struct text *t, bool wanted, struct scan_reply *reply)
{
	t->wanted = wanted && t->detect;
	t->reply = reply;
	if (t->wanted)
		detect_begin(t->detect);
}

bool text_wanted(const struct text *t)
{
	return t->wanted && t->reply;
}

/* Digits and letters of full width are made plain before the detectors see them. */
void text_look(struct text *t, int part, enum detect_what what, const char *utf8, size_t len)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(2 * TEXT_MAX);
	size_t ascii = 0;

	if (!text_wanted(t) || len == 0)
		return;
	while (ascii < len && (unsigned char)utf8[ascii] < 0x80)
		ascii++;
	if (ascii < len) {
		buf_reserve(&plain, len < TEXT_MAX ? len : TEXT_MAX);
		plain_normal(&plain, utf8, len);
		utf8 = buf_str(&plain);
		len = plain.len;
	}
	detect_look(t->detect, t->reply, part, what, utf8, len);
}

/* All streams of a PDF file were there. */
static void end_pdf(struct text *t)
{
	_cleanup_buf_ struct buf words = BUF_INIT(TEXT_MAX);

	if (t->pdf_part < 0)
		return;
	pdf_text_end(t->pdf, &words);
	text_look(t, t->pdf_part, DETECT_TEXT, buf_str(&words), words.len);
	t->pdf_part = -1;
}

/* What files are called says something of them, too. */
void text_end(struct text *t)
{
	if (text_wanted(t)) {
		end_pdf(t);
		for (int i = 0; i < t->reply->n_parts; i++)
			text_look(t, i, DETECT_NAME, t->reply->parts[i].name, strlen(t->reply->parts[i].name));
		detect_end(t->detect, t->reply);
	}
	t->reply = NULL;
}

static uint8_t *place(const struct text *t, const uint8_t *digest)
{
	return (uint8_t *)(uintptr_t)t->empty[(digest[30] << 8 | digest[31]) % EMPTY];
}

bool text_known(const struct text *t, const uint8_t *digest)
{
	return digest && memcmp(place(t, digest), digest, 16) == 0;
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

/* XML by its first bytes, or by its name where it has no declaration. */
static bool is_xml(const struct text *t, int part, const uint8_t *data, size_t len)
{
	const char *name = part < t->reply->n_parts ? t->reply->parts[part].name : "";
	size_t n = strlen(name);

	if (begins(data, len, "<?xml") || begins(data, len, "\xef\xbb\xbf<?xml"))
		return true;
	return len > 1 && data[0] == '<' && n > 4 && (strcmp(name + n - 4, ".xml") == 0 || (n > 5 && strcmp(name + n - 5, ".rels") == 0));
}

/* A table in a charset of Japan has bytes that libclamav takes for binary. */
static bool is_text(const uint8_t *data, size_t len)
{
	size_t n = len < 8192 ? len : 8192, odd = 0, zeros[2] = {0};

	for (size_t i = 0; i < n; i++) {
		if (data[i] == 0)
			zeros[i & 1]++;
		else if (data[i] < 0x20 && !strchr("\t\n\r\f\x1b\x0e\x0f", data[i]))
			odd++;
	}
	if ((begins(data, len, "\xff\xfe") || begins(data, len, "\xfe\xff")) && odd * 100 < n)
		return true;
	if (zeros[0] + zeros[1] == 0)
		return odd * 100 <= n;
	/* UTF-16 without a mark: zeros on one side alone, and many of them. */
	return odd * 100 < n && ((zeros[0] == 0) != (zeros[1] == 0)) && (zeros[0] + zeros[1]) * 6 > n;
}

static void look_at_plain(struct text *t, int part, const uint8_t *data, size_t len, bool wide)
{
	_cleanup_buf_ struct buf words = BUF_INIT(2 * TEXT_MAX);

	charset_to_utf8(&words, wide ? "utf-16" : "", data, len);
	if (wide && begins((const uint8_t *)buf_str(&words), words.len, "<?xml")) {
		_cleanup_buf_ struct buf plain = BUF_INIT(TEXT_MAX);
		plain_xml(&plain, buf_str(&words), words.len);
		text_look(t, part, DETECT_TEXT, buf_str(&plain), plain.len);
		return;
	}
	text_look(t, part, DETECT_TEXT, buf_str(&words), words.len);
}

static void look_at_part(struct text *t, int part, const char *type, const uint8_t *data, size_t len)
{
	static const char *const none[] = {"CL_TYPE_MAIL", "CL_TYPE_ZIP", "CL_TYPE_OOXML", "CL_TYPE_ODF", "CL_TYPE_GZ", "CL_TYPE_BZ", "CL_TYPE_XZ",
		"CL_TYPE_7Z", "CL_TYPE_RAR", "CL_TYPE_MSCAB", "CL_TYPE_POSIX_TAR", "CL_TYPE_OLD_TAR", "CL_TYPE_CPIO", "CL_TYPE_JPEG", "CL_TYPE_PNG", "CL_TYPE_GIF", "CL_TYPE_TIFF", "CL_TYPE_GRAPHICS",
		"CL_TYPE_MSEXE", "CL_TYPE_ELF", "CL_TYPE_PDF", NULL};
	_cleanup_buf_ struct buf words = BUF_INIT(TEXT_MAX);
	size_t n = len < TEXT_MAX ? len : TEXT_MAX;

	if (is_one_of(type, none))
		return;
	if (strcmp(type, "CL_TYPE_MSOLE2") == 0 || begins(data, len, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		if (!text_ole2(&words, data, len))
			detect_look(t->detect, t->reply, part, DETECT_BYTES, (const char *)data, len);
		text_look(t, part, DETECT_TEXT, buf_str(&words), words.len);
	} else if (begins(data, len, "{\\rt")) {
		text_rtf(&words, (const char *)data, n);
		text_look(t, part, DETECT_TEXT, buf_str(&words), words.len);
	} else if (is_xml(t, part, data, n)) {
		plain_xml(&words, (const char *)data, n);
		text_look(t, part, DETECT_TEXT, buf_str(&words), words.len);
	} else if (strncmp(type, "CL_TYPE_TEXT_", 13) == 0 || strcmp(type, "CL_TYPE_SCRIPT") == 0) {
		look_at_plain(t, part, data, n, strncmp(type, "CL_TYPE_TEXT_UTF16", 18) == 0);
	} else if (is_text(data, n)) {
		look_at_plain(t, part, data, n, memchr(data, 0, n < 8192 ? n : 8192) != NULL);
	} else {
		detect_look(t->detect, t->reply, part, DETECT_BYTES, (const char *)data, len);
	}
}

/* The PDF file that a stream is of, -1. Those beyond the described parts count as the file itself. */
static int pdf_of(const struct text *t, int part)
{
	const struct scan_reply *r = t->reply;

	if (part == t->pdf_part)
		return part;
	int up = part < r->n_parts ? r->parts[part].parent : -1;
	return up >= 0 && strcmp(r->parts[up].type, "CL_TYPE_PDF") == 0 ? up : -1;
}

void text_part(struct text *t, int part, const char *type, const uint8_t *data, size_t len, const uint8_t *digest)
{
	if (!text_wanted(t) || part < 0)
		return;
	int before = t->reply->hits_seen, pdf = strcmp(type, "CL_TYPE_PDF") == 0 ? part : pdf_of(t, part);
	if (pdf != t->pdf_part) {
		end_pdf(t);
		t->pdf_part = pdf;
	}
	if (strcmp(type, "CL_TYPE_PDF") == 0 || (pdf >= 0 && pdf_text_add(t->pdf, (const char *)data, len < TEXT_MAX ? len : TEXT_MAX)) || text_known(t, digest))
		return;
	look_at_part(t, part, type, data, len);
	if (digest && t->reply->hits_seen == before && detect_blank(t->detect, t->reply, part))
		memcpy(place(t, digest), digest, 16);
}
