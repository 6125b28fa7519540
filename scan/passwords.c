/* Announced passwords; see passwords.h.
 *
 * A word for password, then a sign that leads to it (a colon, は, "is", a bracket), then a run of ASCII or something in
 * quotes; or nothing more on that line and the password alone on one of the next. Text is made NFKC first: "：" is ":" then and
 * "ＰＷ" is "PW". What is wrongly taken for a password costs a try and nothing else. */
#include "scan/passwords.h"

#include "scan/plain.h"

#include "base/encode.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX (256u << 10) /* of a text is looked at */
#define REACH 160u            /* bytes between the word and the sign */
#define NEXT_LINES 5          /* looked at below the word's */
#define SHORTEST 3

void passwords_add(struct passwords *p, const char *password, size_t len)
{
	size_t n = strnlen(password, len);

	if (n == 0 || n >= SCAN_PASSWORD_MAX || p->n == PASSWORDS_MAX)
		return;
	for (int i = 0; i < p->n; i++)
		if (strlen(p->of[i]) == n && memcmp(p->of[i], password, n) == 0)
			return;
	memcpy(p->of[p->n], password, n);
	p->of[p->n++][n] = '\0';
}

void passwords_wipe(struct passwords *p)
{
	explicit_bzero(p, sizeof(*p));
}

struct text {
	struct passwords *p;
	int max;
	bool found;
};

static bool is_any(const char *s, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == len && strncasecmp(s, *list, len) == 0)
			return true;
	return false;
}

/* The length of the listed beginning of s, 0. */
static size_t begins_any(const char *s, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) <= len && strncasecmp(s, *list, strlen(*list)) == 0)
			return strlen(*list);
	return 0;
}

static bool has_any(const char *s, size_t len, const char *const *list)
{
	for (size_t i = 0; i < len; i++)
		if (begins_any(s + i, len - i, list))
			return true;
	return false;
}

/* Words that stand where a password would, and are none. */
static bool is_word(const char *s, size_t len)
{
	static const char *const words[] = {"the", "for", "and", "you", "your", "will", "sent", "send", "separately", "separate", "following", "follows", "below",
		"next", "email", "e-mail", "mail", "message", "file", "files", "zip", "7z", "rar", "pdf", "attached", "attachment", "archive", "open", "here",
		"none", "null", "n/a", "required", "protected", "expired", "incorrect", "wrong", "set", "not", "case", "sensitive", "case-sensitive", "password", "passwd",
		"reset", "change", "changed", "that", "this", "provided", "available", "enclosed", "are", "was", "now", "same", "different", "different.", "correct",
		"valid", "invalid", "also", "being", "going", "shown", "listed", "written", "given", "too", "strong", "weak", "secret", "safe", "http", "https", "tel", "fax", NULL};

	return is_any(s, len, words);
}

static bool is_place(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);

	if (memmem(s, len, "://", 3) || (len > 4 && strncasecmp(s, "www.", 4) == 0))
		return true;
	/* name@host.tld */
	return at && at > s && memchr(at, '.', len - (size_t)(at - s)) && at[1] != '.' && s[len - 1] != '.' && isalpha((unsigned char)s[len - 1]) &&
		strcspn(s, "!#$%^&*()=~|?<>") >= len;
}

static bool is_token(unsigned char c)
{
	return c > 0x20 && c < 0x7f;
}

static void add(struct text *t, const char *s, size_t len)
{
	bool alnum = false;

	for (size_t i = 0; i < len; i++)
		alnum |= isalnum((unsigned char)s[i]) || (unsigned char)s[i] >= 0x80;
	for (size_t i = 0, n; i < len; i += n)
		if ((n = utf8_length(s + i, len - i)) == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return;
	if (!alnum || len < SHORTEST || len >= SCAN_PASSWORD_MAX || is_word(s, len) || is_place(s, len) || t->p->n >= t->max)
		return;
	t->found = true;
	passwords_add(t->p, s, len);
}

/* As it is written and without what closes a sentence or a bracket around it. */
static void add_token(struct text *t, const char *s, size_t len)
{
	size_t inner = len, from = 0;

	while (from < len && strchr("\"'`<([{", s[from]))
		from++;
	while (inner > from && strchr("\"'`>)]}.,;:(<[{", s[inner - 1]))
		inner--;
	add(t, s + from, inner - from);
	if (inner - from == len)
		return;
	if (!is_word(s + from, inner - from))
		add(t, s, len);
	/* Only the sentence's end away, or the bracket's beginning. */
	if (from == 0 && inner + 1 < len)
		add(t, s, inner + 1);
}

static size_t character(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return n < len ? n : len;
}

static const char *const opening[] = {"「", "『", "【", "〔", "《", "“", "‘", "\"", "'", "`", "<", "〈", NULL};
static const char *const closing[] = {"」", "』", "】", "〕", "》", "”", "’", "\"", "'", "`", ">", "〉", NULL};

/* Something in quotes or brackets at s: adds it. The bytes that it takes, 0 when there is none. */
static size_t quoted(struct text *t, const char *s, size_t len)
{
	for (size_t i = 0; opening[i]; i++) {
		size_t o = strlen(opening[i]), c = strlen(closing[i]);
		if (len < o || memcmp(s, opening[i], o) != 0)
			continue;
		const char *end = memmem(s + o, len - o, closing[i], c);
		if (!end || end == s + o || (size_t)(end - s - (long)o) >= SCAN_PASSWORD_MAX)
			return 0;
		const char *from = s + o, *to = end;
		while (from < to && *from == ' ')
			from++;
		while (to > from && to[-1] == ' ')
			to--;
		add(t, from, (size_t)(to - from));
		return (size_t)(end - s) + c;
	}
	return 0;
}

static const char *const bullets[] = {"■", "□", "●", "○", "◆", "◇", "・", "※", "▼", "▽", "★", "☆", "→", "⇒", "➡", "▶", ">", "*", "-", "=", "_", "#", "~", "|", "─",
	"━", "＝", "…", "+", "•", "◎", " ", "\t", NULL};

/* A line that is the password and nothing else. 1: it was; 0: it says something else; -1: nothing stands there. */
static int alone(struct text *t, const char *s, size_t len)
{
	const char *whole = s;
	size_t n, whole_len = len;

	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
		len--, whole_len--;
	while (len && (n = begins_any(s, len, bullets)))
		s += n, len -= n;
	if (len == 0) {
		/* A password of signs alone is taken for a rule between paragraphs. */
		return -1;
	}
	size_t q = quoted(t, s, len);
	if (q)
		return 1;
	for (n = 0; n < len && is_token((unsigned char)s[n]);)
		n++;
	/* Behind it may stand です and its like, but no other words. */
	size_t rest = n;
	static const char *const after[] = {"です", "になります", "となります", "でございます", "。", "、", ".", " ", "である", NULL};
	size_t step;
	while (rest < len && (step = begins_any(s + rest, len - rest, after)))
		rest += step;
	if (n < SHORTEST || rest < len)
		return 0;
	/* The file's name stands between. */
	static const char *const files[] = {".zip", ".7z", ".rar", ".pdf", ".xls", ".xlsx", ".doc", ".docx", ".exe", NULL};
	for (size_t i = 0; files[i]; i++)
		if (n > strlen(files[i]) && strncasecmp(s + n - strlen(files[i]), files[i], strlen(files[i])) == 0)
			return -1;
	bool before = t->found;
	add_token(t, s, n);
	/* "-Xy" may begin with what looks like a bullet. */
	while (whole_len && (*whole == ' ' || *whole == '\t' || *whole == '>'))
		whole++, whole_len--;
	if (whole < s && is_token((unsigned char)*whole) && (size_t)(s - whole) <= 2)
		add_token(t, whole, (size_t)(s - whole) + n);
	return t->found != before || t->found;
}

static const char *line_end(const char *s, const char *end)
{
	const char *p = memchr(s, '\n', (size_t)(end - s));

	return p ? p : end;
}

static void below(struct text *t, const char *s, const char *end)
{
	for (int i = 0; i < NEXT_LINES && s < end; i++) {
		const char *stop = line_end(s, end);
		if (alone(t, s, (size_t)(stop - s)) >= 0)
			return;
		s = stop + 1;
	}
}

/* The sentence about the password ends with this line: "…のパスワードです。", "the password for the file I sent:". */
static bool ends_line(const char *s, const char *stop)
{
	static const char *const ends[] = {"です", "です。", "になります", "になります。", "でございます。", "となります。", "をお送りします。", "を送付します。", "を送付いたします。", "をお送りいたします。", ":", NULL};
	size_t len = (size_t)(stop - s);

	while (len && (s[len - 1] == ' ' || s[len - 1] == '\r'))
		len--;
	for (size_t i = 0; ends[i]; i++) {
		size_t n = strlen(ends[i]);
		if (len >= n && len < 80 && memcmp(s + len - n, ends[i], n) == 0)
			return true;
	}
	return false;
}

/* What stands before the word: "use abc123 as the password", "「abc123」がパスワードです". It must look like a password by itself. */
static void ahead(struct text *t, const char *text, const char *at)
{
	static const char *const joins[] = {" as the ", " as your ", " as a ", " as ", " is the ", " is your ", "を", "が", NULL};
	const char *end = at, *from;
	bool digit = false, letter = false;
	size_t i = 0;

	for (; joins[i]; i++) {
		size_t n = strlen(joins[i]);
		if ((size_t)(at - text) > n && strncasecmp(at - n, joins[i], n) == 0) {
			end = at - n;
			break;
		}
	}
	if (!joins[i])
		return;
	if (end - text > 3 && memcmp(end - 3, "」", 3) == 0)
		end -= 3;
	for (from = end; from > text && end - from < SCAN_PASSWORD_MAX && is_token((unsigned char)from[-1]); from--) {
		digit |= isdigit((unsigned char)from[-1]) != 0;
		letter |= isalpha((unsigned char)from[-1]) != 0;
	}
	if (digit && letter)
		add_token(t, from, (size_t)(end - from));
}

/* Looks from behind the word for the sign that leads to the password. */
static void behind(struct text *t, const char *s, const char *end)
{
	static const char *const signs[] = {":", "=", "\t", "→", "⇒", "➡", "は", "が", "is ", "was ", "→", "「", "『", "【", "〔", "《", "“", NULL};
	static const char *const elsewhere[] = {"別途", "別メール", "別の", "後ほど", "のちほど", "追って", "後送", "次のメール", "次メール", "続けて", "separate", "another", "will be sent",
		"follow-up", "following e", "next e", "next m", "忘れ", "再発行", "再設定", "変更", "reset", "forgot", "expire", "change", NULL};
	const char *stop = line_end(s, end), *limit = stop;
	bool sign = false;

	if ((size_t)(limit - s) > REACH)
		limit = s + REACH;
	const char *p = s;
	size_t step;
	/* "【パスワード】abc" */
	while (p < limit && (step = begins_any(p, (size_t)(limit - p), closing)))
		p += step;
	bool titled = p > s;
	while (p < limit && (*p == ' ' || *p == '\t'))
		p++;
	/* "PW abc123": nothing but a space between them. It must look like a password by itself. */
	if (p > s && p < limit && is_token((unsigned char)*p)) {
		size_t n = 0;
		bool digit = false, letter = false;
		for (; p + n < limit && is_token((unsigned char)p[n]); n++) {
			digit |= isdigit((unsigned char)p[n]) != 0;
			letter |= isalpha((unsigned char)p[n]) != 0;
		}
		if ((digit && letter) || (titled && digit))
			add_token(t, p, n);
	}
	for (p = s; p < limit; p += character(p, (size_t)(limit - p))) {
		size_t n = begins_any(p, (size_t)(limit - p), signs);
		if (n == 0 || (*p >= 'a' && *p <= 'z' && p > s && p[-1] != ' ') || (*p == ':' && limit - p > 2 && p[1] == '/'))
			continue;
		const char *at = p;
		size_t q = quoted(t, at, (size_t)(stop - at));
		if (q) {
			if (t->found)
				return;
			p = at + q - 1;
			sign = true;
			continue;
		}
		sign = true;
		for (at += n; at < stop && (*at == ' ' || *at == '\t' || *at == ':' || *at == '=');)
			at++;
		if (quoted(t, at, (size_t)(stop - at)) && t->found)
			return;
		for (n = 0; at + n < stop && is_token((unsigned char)at[n]);)
			n++;
		if (n >= SHORTEST && !is_word(at, n)) {
			add_token(t, at, n);
			if (t->found)
				return;
		}
	}
	if (t->found || has_any(s, (size_t)(stop - s), elsewhere))
		return;
	/* Nothing on its line; it must end there, or say that it is below. */
	static const char *const leads[] = {"以下", "下記", "次の", "お知らせ", "ご連絡", "お伝え", "below", "follow", NULL};
	for (p = s; p < stop && (*p == ' ' || *p == '\r' || begins_any(p, (size_t)(stop - p), closing) || begins_any(p, (size_t)(stop - p), bullets)); )
		p += character(p, (size_t)(stop - p));
	if (stop < end && (p >= stop || has_any(s, (size_t)(stop - s), leads) || (sign && (size_t)(stop - s) < 24) || ends_line(s, stop)))
		below(t, stop + 1, end);
}

/* The word for password that begins at s, in bytes; 0. Short ones must stand alone. */
static size_t word_at(const char *text, const char *s, const char *end)
{
	static const char *const words[] = {"解凍パスワード", "開封パスワード", "復号パスワード", "パスワード", "パスフレーズ", "パスコード", "暗証番号", "暗証コード", "解凍キー", "復号キー", "解凍パス", "開封パス", "解除キー", "復号パス",
		"password", "passwd", "passcode", "passphrase", "pass phrase", "pass code", "pass word", NULL};
	static const char *const alone[] = {"pw", "pwd", "pass", "p/w", "pin", NULL};
	size_t n = begins_any(s, (size_t)(end - s), words);

	if (n) {
		/* passwords, パスワードリセット: what is spoken of is another thing. */
		return s + n < end && isalnum((unsigned char)s[n]) ? 0 : n;
	}
	for (size_t i = 0; alone[i]; i++) {
		n = strlen(alone[i]);
		if ((size_t)(end - s) < n || strncasecmp(s, alone[i], n) != 0)
			continue;
		bool before = s == text || (!isalnum((unsigned char)s[-1]) && s[-1] != '-' && s[-1] != '_' && s[-1] != '.');
		bool after = s + n == end || (!isalnum((unsigned char)s[n]) && s[n] != '-' && s[n] != '_' && s[n] != '.');
		if (before && after)
			return n;
	}
	return 0;
}

/* Is there any of the words at all? Most texts have none, and then nothing is made of them. */
static bool worth(const char *s, size_t len)
{
	/* パス, half-width ﾊﾟｽ, 暗証, 解凍, 復号, 解除 as they stand; the rest by its first letter. */
	static const char *const ja[] = {"パス", "ﾊﾟｽ", "暗証", "解凍", "復号", "解除", "開封"};

	for (size_t i = 0; i < sizeof(ja) / sizeof(ja[0]); i++)
		if (memmem(s, len, ja[i], strlen(ja[i])))
			return true;
	for (size_t i = 0; i + 1 < len; i++) {
		unsigned char c = (unsigned char)s[i] | 0x20, d = (unsigned char)s[i + 1] | 0x20;
		if (c == 'p' && (d == 'a' || d == 'w' || d == 'i' || s[i + 1] == '/'))
			return true;
		/* full-width Ｐ and ｐ */
		if (i + 2 < len && (unsigned char)s[i] == 0xef && (((unsigned char)s[i + 1] == 0xbc && (unsigned char)s[i + 2] == 0xb0) ||
			((unsigned char)s[i + 1] == 0xbd && (unsigned char)s[i + 2] == 0x90)))
			return true;
	}
	return false;
}

bool passwords_find(struct passwords *p, int max, const char *text, size_t len)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(4 * TEXT_MAX);
	struct text t = {.p = p, .max = max < PASSWORDS_MAX ? max : PASSWORDS_MAX};
	bool any = false;

	len = len < TEXT_MAX ? len : TEXT_MAX;
	if (!worth(text, len))
		return false;
	plain_normal(&plain, text, len);
	const char *s = buf_str(&plain), *end = s + plain.len;
	for (const char *at = s; at < end && p->n < t.max;) {
		size_t n = word_at(s, at, end);
		if (n) {
			t.found = false;
			behind(&t, at + n, end);
			if (!t.found)
				ahead(&t, s, at);
			any |= t.found;
		}
		at += n ? n : character(at, (size_t)(end - at));
	}
	explicit_bzero(plain.data, plain.data ? plain.len : 0);
	return any;
}
