/* Keys of mails that belong together; see pair_keys.h. A key more finds a mail more, and costs a try of a password. */
#include "core/pair_keys.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/encode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LEFT_MIN 6 /* bytes of a subject that say something: two kanji */

static void hash(const char *text, uint8_t out[PAIR_KEY])
{
	struct digests d = {0};

	digest_bytes(DIGEST_SHA256, text, strlen(text), &d);
	hex_decode(out, d.sha256, PAIR_KEY);
}

static size_t begins(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strncasecmp(s, *list, strlen(*list)) == 0)
			return strlen(*list);
	return 0;
}

void pair_subject(const char *subject, char *out, size_t size)
{
	static const char *const dropped[] = {"re:", "fw:", "fwd:", "aw:", "返信:", "転送:", "re：", "fw：", "パスワードのお知らせ", "パスワード通知", "パスワードのご連絡", "パスワード送付",
		"解凍パスワード", "パスワード", "ﾊﾟｽﾜｰﾄﾞ", "password for", "password", "について", "の件", "のお知らせ", "通知", "ご連絡", "添付ファイル", "zip", " ", "　", "・", ":", "：", "-", "_",
		"(", ")", "（", "）", NULL};
	static const char *const opening[] = {"【", "[", "［", "〔", NULL}, *const closing[] = {"】", "]", "］", "〕", NULL};
	size_t n = 0;

	for (const char *s = subject; *s && n + 1 < size;) {
		size_t step = begins(s, dropped);
		if (!step && begins(s, opening)) {
			/* 【パスワード】, [list 123]: what stands in brackets is not what it is about. */
			const char *end = s;
			while (*end && !begins(end, closing))
				end++;
			step = *end ? (size_t)(end - s) + begins(end, closing) : 0;
		}
		if (step)
			s += step;
		else
			out[n++] = (char)tolower((unsigned char)*s++);
	}
	out[n] = '\0';
	if (n < LEFT_MIN)
		out[0] = '\0';
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sorted, in lower case, each once. */
static void recipients(const struct scan_mail *mail, struct buf *out)
{
	char list[SCAN_MAX_ADDRESSES][sizeof(mail->addresses[0].address)];
	size_t n = 0;

	for (int i = 0; i < mail->n_addresses; i++) {
		const struct scan_address *a = &mail->addresses[i];
		if ((a->field != SCAN_FIELD_TO && a->field != SCAN_FIELD_CC) || !a->address[0])
			continue;
		for (size_t k = 0; k < sizeof(list[n]); k++)
			list[n][k] = (char)tolower((unsigned char)a->address[k]);
		n++;
	}
	qsort(list, n, sizeof(list[0]), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(list[i], list[i - 1]) != 0)
			buf_addf(out, "|%s", list[i]);
}

static void add(struct store_pair *p, const char *kind, const char *who, const char *whom)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);

	if (!*who || !*whom || p->n_keys == PAIR_KEYS)
		return;
	buf_addf(&b, "%s\n%s\n", kind, who);
	if (buf_adds(&b, whom) < 0)
		return;
	hash(buf_str(&b), p->keys[p->n_keys++]);
}

void pair_keys(const struct scan_mail *mail, int64_t stream, struct store_pair *p)
{
	_cleanup_buf_ struct buf whom = BUF_INIT(16384);
	char from[256] = "", subject[512], mailbox[32];

	p->n_keys = 0;
	memset(p->message, 0, sizeof(p->message));
	for (int i = 0; i < mail->n_addresses && !from[0]; i++)
		if (mail->addresses[i].field == SCAN_FIELD_FROM)
			for (size_t k = 0; k < sizeof(from); k++)
				from[k] = (char)tolower((unsigned char)mail->addresses[i].address[k]);
	const char *at = strrchr(from, '@');
	if (!at)
		return;
	snprintf(mailbox, sizeof(mailbox), "%lld", (long long)stream);
	recipients(mail, &whom);
	pair_subject(mail->subject, subject, sizeof(subject));
	add(p, "sender", from, buf_str(&whom));
	add(p, "domain", at + 1, buf_str(&whom));
	add(p, "thread", mail->thread, buf_str(&whom));
	add(p, "subject", subject, buf_str(&whom));
	/* With Bcc, or other people in copy: the same sender to this mailbox. */
	add(p, "mailbox", from, mailbox);
	hash(mail->message_id[0] ? mail->message_id : mailbox, p->message);
}
