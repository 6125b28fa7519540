/* Notices in the place of items: names, the mail's text, and which ones are ours; see notice.h. Sources: RFC 5322, RFC 2047,
 * RFC 3834 (Auto-Submitted). */
#include "connectors/notice.h"

#include "base/digest.h"
#include "base/encode.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define WORD_MAX 42 /* bytes of text in an encoded word, which may have 75 characters */
#define LINE_BYTES 57

static int digest(const char *text, char out[65], struct err *err)
{
	struct digests d = {0};

	if (digest_bytes(DIGEST_SHA256, text, strlen(text), &d) < 0)
		return err_memory(err);
	memcpy(out, d.sha256, 65);
	return 0;
}

int notice_message_id(const char *op, struct buf *ret, struct err *err)
{
	char hex[65];

	if (digest(op, hex, err) < 0)
		return -1;
	return buf_addf(ret, NOTICE_ID_PREFIX "%.32s@sekisho.invalid>", hex) < 0 ? err_memory(err) : 0;
}

bool notice_maybe_mail(const char *message_id)
{
	return message_id && strncmp(message_id, NOTICE_ID_PREFIX, strlen(NOTICE_ID_PREFIX)) == 0;
}

bool notice_maybe_file(const char *name, int64_t size)
{
	size_t n = name ? strlen(name) : 0;

	return n > 4 && strcasecmp(name + n - 4, ".txt") == 0 && size <= NOTICE_FILE_MAX;
}

int notice_file_name(const char *name, struct buf *ret, struct err *err)
{
	size_t n = name ? strlen(name) : 0;

	/* Names have at most some 255 characters; the end of a long one is what tells most. */
	for (const char *cut = name; n > 240; cut = name, n = strlen(name)) {
		name = cut + (n - 240);
		while ((*name & 0xc0) == 0x80)
			name++;
	}
	return buf_addf(ret, "%s.txt", n ? name : "notice") < 0 ? err_memory(err) : 0;
}

/* ---- the mail ---- */

/* Encoded words, each of whole characters; control characters are blanks. */
static int add_words(struct buf *out, const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		char piece[WORD_MAX + 1];
		size_t n = len - at < WORD_MAX ? len - at : WORD_MAX;
		while (n > 1 && at + n < len && (text[at + n] & 0xc0) == 0x80)
			n--;
		for (size_t i = 0; i < n; i++)
			piece[i] = (unsigned char)text[at + i] < ' ' || text[at + i] == 127 ? ' ' : text[at + i];
		if (buf_adds(out, at ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?") < 0 || base64_encode(out, piece, n) < 0 ||
			buf_adds(out, "?=") < 0)
			return -1;
		at += n;
	}
	return 0;
}

static int add_date(struct buf *out, int64_t ms)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return -1;
	return buf_addf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_address(const char *s)
{
	if (!s || !strchr(s, '@') || strlen(s) > 320)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s >= 127 || strchr("<>\",;:\\", *s))
			return false;
	return true;
}

int notice_mime(const struct notice_mail *m, struct buf *ret, struct err *err)
{
	const char *address = is_address(m->address) ? m->address : "sekisho@sekisho.invalid";
	size_t len = strlen(m->text), had = ret->len;
	int r = 0;

	r |= buf_addf(ret, "From: sekisho <%s>\r\nTo: <%s>\r\nSubject: ", address, address);
	r |= add_words(ret, m->subject && *m->subject ? m->subject : "sekisho");
	r |= buf_adds(ret, "\r\nDate: ");
	r |= add_date(ret, m->date);
	r |= buf_addf(ret, "\r\nMessage-ID: %s\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		m->message_id);
	for (size_t at = 0; at < len && r == 0; at += LINE_BYTES) {
		r |= base64_encode(ret, m->text + at, len - at < LINE_BYTES ? len - at : LINE_BYTES);
		r |= buf_adds(ret, "\r\n");
	}
	if (r == 0)
		return 0;
	ret->len = had;
	return err_memory(err);
}

/* ---- which are ours ---- */

static int key_of(const char *id, struct buf *key, struct err *err)
{
	char hex[65];

	if (digest(id, hex, err) < 0)
		return -1;
	return buf_addf(key, "notice/%s", hex) < 0 ? err_memory(err) : 0;
}

int notice_remember(const struct connector_env *env, const char *id, const char *version, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(128);

	return key_of(id, &key, err) < 0 ? -1 : env->place_put(env->ctx, buf_str(&key), version, err);
}

int notice_is_ours(const struct connector_env *env, const char *id, const char *version, bool *ret, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(128), known = BUF_INIT(4096);

	if (key_of(id, &key, err) < 0)
		return -1;
	int r = env->place_get(env->ctx, buf_str(&key), &known, err);
	if (r < 0)
		return -1;
	*ret = r == 0 && strcmp(buf_str(&known), version) == 0;
	return 0;
}

int notice_filter(const struct connector_env *env, struct item_page *page, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < page->n_items; i++) {
		const struct item *item = &page->items[i];
		/* Some feeds give messages by id alone. */
		bool ours = item->kind == ITEM_MESSAGE ? !item->message_id || notice_maybe_mail(item->message_id) :
							 notice_maybe_file(item->name, item->size);
		if (ours && notice_is_ours(env, item->id, item->version, &ours, err) < 0)
			return -1;
		if (!ours)
			page->items[n++] = *item;
	}
	page->n_items = n;
	return 0;
}
