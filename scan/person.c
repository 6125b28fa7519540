/* Names of people; see person.h. */
#include "scan/person.h"

#include "base/buf.h"
#include "base/encode.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#define NAME_MAX_BYTES 512
#define TOKENS 8
#define KEY_CHARS 40

struct token {
	const char *s;
	size_t len;
	bool latin;
};

/* What stands before or behind a name in Japanese, with or without a space; the longer ones first. */
static const char *const titles[] = {"代表取締役社長", "代表取締役会長", "代表取締役副社長", "代表取締役", "取締役社長", "取締役会長", "専務取締役",
	"常務取締役", "社外取締役", "常務執行役員", "専務執行役員", "執行役員", "取締役", "監査役", "事業部長", "本部長", "支店長", "副社長", "理事長", "社長",
	"会長", "部長", "課長", "係長", "次長", "専務", "常務", "所長", "室長", "店長", "主任", "代表", "顧問", "先生", "さま", "サマ", "さん", "サン", "様", "殿", "氏"};

static const char *const latin_titles[] = {"mr", "mrs", "ms", "miss", "dr", "prof", "san", "sama", "sir", "ceo", "cfo", "coo", "cto", "cio",
	"president", "director", "manager", "chairman", "chief", "executive", "officer", "phd", "jr", "sr", "vp", "from", "the", "of"};

/* Old and new forms of one character in names. */
static const char *const forms[][2] = {{"髙", "高"}, {"﨑", "崎"}, {"嵜", "崎"}, {"澤", "沢"}, {"齋", "斎"}, {"齊", "斎"}, {"斉", "斎"}, {"邊", "辺"},
	{"邉", "辺"}, {"濱", "浜"}, {"濵", "浜"}, {"廣", "広"}, {"國", "国"}, {"嶋", "島"}, {"櫻", "桜"}, {"眞", "真"}, {"惠", "恵"}, {"德", "徳"},
	{"榮", "栄"}, {"實", "実"}, {"淵", "渕"}, {"瀨", "瀬"}, {"曾", "曽"}, {"冨", "富"}, {"藪", "薮"}, {"龍", "竜"}};

/* NFKC, case folded, one form of each character. */
static void normal(struct buf *out, const char *name)
{
	utf8proc_uint8_t *s = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)strnlen(name, NAME_MAX_BYTES), &s,
		UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);

	for (utf8proc_ssize_t i = 0; i < n;) {
		size_t step = utf8_length((const char *)s + i, (size_t)(n - i)), f = 0;
		if (step == 0)
			break;
		while (f < ARRAY_SIZE(forms) && (strlen(forms[f][0]) != step || memcmp(s + i, forms[f][0], step) != 0))
			f++;
		if (f < ARRAY_SIZE(forms))
			buf_adds(out, forms[f][1]);
		else
			buf_add(out, s + i, step);
		i += (utf8proc_ssize_t)step;
	}
	free(s);
}

static size_t chars(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Off both ends of a word, as long as two characters are left. A word that is a title is nothing afterwards. */
static void strip_titles(struct token *t)
{
	for (bool again = true; again && t->len;) {
		again = false;
		for (size_t i = 0; i < ARRAY_SIZE(titles) && !again; i++) {
			size_t n = strlen(titles[i]);
			if (t->len < n)
				continue;
			bool all = t->len == n, room = t->len > n && chars(t->s, t->len - n) >= 2;
			if (memcmp(t->s + t->len - n, titles[i], n) == 0 && (all || room)) {
				t->len -= n;
				again = true;
			} else if (memcmp(t->s, titles[i], n) == 0 && n > 3 && (all || room)) {
				t->s += n;
				t->len -= n;
				again = true;
			}
		}
	}
}

static bool is_latin_title(const struct token *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(latin_titles); i++)
		if (strlen(latin_titles[i]) == t->len && memcmp(latin_titles[i], t->s, t->len) == 0)
			return true;
	return false;
}

static bool is_latin(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		/* ASCII, Latin-1 and its extensions: up to U+024F. */
		if (c >= 0x80 && !(c >= 0xc3 && c <= 0xc9) && (c & 0xc0) != 0x80)
			return false;
	}
	return true;
}

/* Hepburn's syllables from U+30A1 on; small letters join the one before. */
static const char *const kana[] = {"a", "a", "i", "i", "u", "u", "e", "e", "o", "o", "ka", "ga", "ki", "gi", "ku", "gu", "ke", "ge", "ko", "go", "sa", "za",
	"shi", "ji", "su", "zu", "se", "ze", "so", "zo", "ta", "da", "chi", "ji", "", "tsu", "zu", "te", "de", "to", "do", "na", "ni", "nu", "ne", "no", "ha", "ba",
	"pa", "hi", "bi", "pi", "fu", "bu", "pu", "he", "be", "pe", "ho", "bo", "po", "ma", "mi", "mu", "me", "mo", "ya", "ya", "yu", "yu", "yo", "yo", "ra", "ri",
	"ru", "re", "ro", "wa", "wa", "i", "e", "o", "n", "vu"};

/* One word of kana alone, in Latin letters: its length, 0 when it is something else. */
static size_t romaji(const struct token *t, char *out, size_t size)
{
	size_t n = 0;
	bool twice = false;

	for (size_t i = 0; i < t->len; i += 3) {
		const unsigned char *s = (const unsigned char *)t->s + i;
		if (t->len - i < 3 || s[0] != 0xe3)
			return 0;
		int c = (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
		c += c >= 0x3041 && c <= 0x3094 ? 0x60 : 0;
		if (c == 0x30fc) /* what makes a vowel long */
			continue;
		if (c < 0x30a1 || c > 0x30f4 || n + 5 > size)
			return 0;
		const char *as = kana[c - 0x30a1];
		bool small = c == 0x30e3 || c == 0x30e5 || c == 0x30e7; /* ya, yu, yo */
		if (small && n && out[n - 1] == 'i') {
			n--;
			as += n && (out[n - 1] == 'h' || out[n - 1] == 'j'); /* sha, cha, ja; but kya */
		}
		if (twice && *as)
			out[n++] = *as;
		twice = c == 0x30c3; /* the small tsu */
		memcpy(out + n, as, strlen(as));
		n += strlen(as);
	}
	return n;
}

/* Long vowels are written in many ways: "Tarou", "Taroh", "Tarō" are "taro". Never longer. */
static size_t short_vowels(char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i], d = i + 1 < len ? (unsigned char)s[i + 1] : 0;
		if ((c == 0xc5 && (d == 0x8d || d == 0xab)) || (c == 0xc3 && (d == 0xb4 || d == 0xbb))) { /* ō ū ô û */
			s[n++] = d == 0x8d || d == 0xb4 ? 'o' : 'u';
			i++;
			continue;
		}
		s[n++] = s[i];
		bool vowel = d && strchr("aeiouy", (int)d);
		if (c == 'o' && (d == 'u' || d == 'o' || (d == 'h' && (i + 2 >= len || !strchr("aeiouy", s[i + 2])))))
			i++;
		else if (c == 'u' && vowel && d == 'u')
			i++;
	}
	return n;
}

static void add(char *ret, size_t size, const char *key, size_t len)
{
	size_t have = strlen(ret);

	if (len == 0 || memchr(key, '|', len) || chars(key, len) > KEY_CHARS || have + len + 3 > size)
		return;
	for (const char *p = ret; *p == '|' && p[1];) {
		size_t n = strcspn(p + 1, "|");
		if (n == len && memcmp(p + 1, key, len) == 0)
			return;
		p += n + 1;
	}
	if (!have)
		ret[have++] = '|';
	memcpy(ret + have, key, len);
	memcpy(ret + have + len, "|", 2);
}

/* Letters only, the words in the order of the alphabet: "Taro Yamada" is "YAMADA, Taro". One word is nobody's whole name. */
static void add_latin(const struct token *t, int n, char *ret, size_t size)
{
	struct token words[TOKENS];
	char key[NAME_MAX_BYTES];
	int k = 0;
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		if (!t[i].latin || is_latin_title(&t[i]))
			continue;
		int at = k++;
		for (; at > 0; at--) {
			size_t m = words[at - 1].len < t[i].len ? words[at - 1].len : t[i].len;
			int c = memcmp(words[at - 1].s, t[i].s, m);
			if (c < 0 || (c == 0 && words[at - 1].len <= t[i].len))
				break;
			words[at] = words[at - 1];
		}
		words[at] = t[i];
	}
	if (k < 2 || k > 4)
		return;
	for (int i = 0; i < k; i++) {
		if (len + words[i].len + 2 > sizeof(key))
			return;
		if (len)
			key[len++] = ' ';
		memcpy(key + len, words[i].s, words[i].len);
		len += short_vowels(key + len, words[i].len);
	}
	if (len >= 6)
		add(ret, size, key, len);
}

static void add_range(const struct token *t, int from, int to, size_t least, char *ret, size_t size)
{
	char key[NAME_MAX_BYTES];
	size_t len = 0;

	for (int i = from; i < to; i++) {
		if (len + t[i].len >= sizeof(key))
			return;
		memcpy(key + len, t[i].s, t[i].len);
		len += t[i].len;
	}
	if (chars(key, len) >= least)
		add(ret, size, key, len);
}

/* A name in kana as it is written in Latin letters. */
static void add_kana(const struct token *all, int n_all, char *ret, size_t size)
{
	char latin[TOKENS][64];
	struct token t[TOKENS] = {0};
	int n = 0;

	for (int i = 0; i < n_all; i++) {
		struct token word = all[i];
		if (word.latin)
			return;
		strip_titles(&word);
		size_t len = word.len ? romaji(&word, latin[n], sizeof(latin[n])) : 0;
		if (word.len && len < 2)
			return;
		if (len) {
			t[n] = (struct token){latin[n], len, true};
			n++;
		}
	}
	if (n == 2)
		add_latin(t, n, ret, size);
}

/* All of it, and with a company or a department before or behind: a name has one or two words. */
static void add_other(const struct token *all, int n_all, char *ret, size_t size)
{
	struct token t[TOKENS];
	int n = 0;

	for (int i = 0; i < n_all; i++) {
		struct token word = all[i];
		if (word.latin)
			continue;
		strip_titles(&word);
		if (word.len)
			t[n++] = word;
	}
	if (n == 0)
		return;
	add_range(t, 0, n, 2, ret, size);
	for (int words = 2; words >= 1; words--) {
		if (words >= n)
			continue;
		add_range(t, n - words, n, 3, ret, size);
		add_range(t, 0, words, 3, ret, size);
	}
}

/* Also the dot within foreign names in katakana; of full width NFKC left nothing. */
static size_t separator(const char *s, size_t len)
{
	if (strchr(" \t\r\n,._'\"", *s))
		return 1;
	return len >= 3 && memcmp(s, "・", 3) == 0 ? 3 : 0;
}

static void read_segment(const char *s, size_t len, char *ret, size_t size)
{
	struct token t[TOKENS];
	int n = 0;

	for (size_t i = 0; i < len && n < TOKENS;) {
		size_t from = i;
		while (i < len && !separator(s + i, len - i))
			i++;
		if (i > from)
			t[n++] = (struct token){s + from, i - from, is_latin(s + from, i - from)};
		while (i < len && separator(s + i, len - i))
			i += separator(s + i, len - i);
	}
	add_other(t, n, ret, size);
	add_latin(t, n, ret, size);
	add_kana(t, n, ret, size);
}

/* Brackets and the like part what is the name from what is said about it. */
static size_t segment_end(const char *s, const char **ret_next)
{
	static const char *const marks[] = {"(", ")", "[", "]", "<", ">", "【", "】", "「", "」", "『", "』", "〈", "〉", "《", "》", "/", "|", ":", ";",
		" - ", " – ", " — ", "@", " via ", "経由", " on behalf of ", "■", "●", "★", "◆"};

	for (size_t i = 0; s[i]; i++) {
		for (size_t m = 0; m < ARRAY_SIZE(marks); m++) {
			size_t n = strlen(marks[m]);
			if (strncmp(s + i, marks[m], n) == 0) {
				*ret_next = s + i + n;
				return i;
			}
		}
	}
	*ret_next = s + strlen(s);
	return strlen(s);
}

void person_keys(const char *name, char *ret, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8 * NAME_MAX_BYTES);

	ret[0] = '\0';
	normal(&b, name);
	for (const char *s = buf_str(&b), *next; *s; s = next) {
		size_t n = segment_end(s, &next);
		read_segment(s, n, ret, size);
	}
}

void person_key(const char *name, char *ret, size_t size)
{
	char keys[NAME_MAX_BYTES];

	person_keys(name, keys, sizeof(keys));
	snprintf(ret, size, "%.*s", keys[0] ? (int)strcspn(keys + 1, "|") : 0, keys[0] ? keys + 1 : "");
}
