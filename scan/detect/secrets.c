/* Private keys, access keys and tokens: vectorscan finds what each begins with, here the rest is looked at. Examples from
 * manuals (all of one letter, EXAMPLE, dots) are none. Called by detect.c. */
#include "scan/detect/impl.h"

#include "base/encode.h"

#include <string.h>

enum kind { PLAIN, KEY, AWS_SECRET, AZURE_SECRET, SAS, GCP_FILE, WEB_TOKEN, HOOK };

/* Characters of what follows the beginning. */
#define ALNUM 1
#define UPPER 2     /* and digits */
#define HEX 3
#define URL64 4     /* letters, digits, - and _ */
#define BASE64 5
#define DASHED 6    /* letters, digits and - */
#define DOTTED 7    /* letters, digits, -, _ and . */

struct token {
	const char *begin; /* a pattern for vectorscan: literal */
	enum detector detector;
	enum kind kind;
	int class;
	size_t min, max;
};

static const struct token tokens[] = {
	{"PRIVATE KEY-----", PRIVATE_KEY, KEY, BASE64, 64, 0},
	{"PRIVATE KEY BLOCK-----", PRIVATE_KEY, KEY, BASE64, 64, 0},
	{"ENCRYPTED PRIVATE KEY ----", PRIVATE_KEY, KEY, BASE64, 64, 0},
	{"PuTTY-User-Key-File-", PRIVATE_KEY, KEY, BASE64, 64, 0},
	{"AKIA", AWS, PLAIN, UPPER, 16, 16},
	{"ASIA", AWS, PLAIN, UPPER, 16, 16},
	{"aws_secret_access_key", AWS, AWS_SECRET, BASE64, 40, 40},
	{"AWS_SECRET_ACCESS_KEY", AWS, AWS_SECRET, BASE64, 40, 40},
	{"ecretAccessKey", AWS, AWS_SECRET, BASE64, 40, 40},
	{"AccountKey=", AZURE, AZURE_SECRET, BASE64, 88, 88},
	{"SharedAccessKey=", AZURE, AZURE_SECRET, BASE64, 44, 44},
	{"8Q~", AZURE, PLAIN, DOTTED, 31, 40},
	{"sig=", AZURE, SAS, BASE64, 43, 64},
	{"AIza", GCP, PLAIN, URL64, 35, 35},
	{"GOCSPX-", GCP, PLAIN, URL64, 28, 28},
	{"\"private_key_id\"", GCP, GCP_FILE, HEX, 40, 40},
	{"ghp_", GITHUB, PLAIN, ALNUM, 36, 36},
	{"gho_", GITHUB, PLAIN, ALNUM, 36, 36},
	{"ghu_", GITHUB, PLAIN, ALNUM, 36, 36},
	{"ghs_", GITHUB, PLAIN, ALNUM, 36, 36},
	{"ghr_", GITHUB, PLAIN, ALNUM, 36, 76},
	{"github_pat_", GITHUB, PLAIN, URL64, 82, 82},
	{"glpat-", GITLAB, PLAIN, DOTTED, 20, 64},
	{"gldt-", GITLAB, PLAIN, URL64, 20, 64},
	{"glrt-", GITLAB, PLAIN, DOTTED, 20, 64},
	{"glptt-", GITLAB, PLAIN, HEX, 40, 40},
	{"xoxb-", SLACK, PLAIN, DASHED, 24, 255},
	{"xoxp-", SLACK, PLAIN, DASHED, 24, 255},
	{"xoxa-", SLACK, PLAIN, DASHED, 24, 255},
	{"xoxr-", SLACK, PLAIN, DASHED, 24, 255},
	{"xoxs-", SLACK, PLAIN, DASHED, 24, 255},
	{"xapp-", SLACK, PLAIN, DASHED, 40, 255},
	{"hooks.slack.com/services/", SLACK, HOOK, ALNUM, 20, 64},
	{"eyJ", JWT, WEB_TOKEN, URL64, 10, 0},
	{"npm_", NPM, PLAIN, ALNUM, 36, 36},
	{"pypi-AgEIcHlwaS5vcmc", PYPI, PLAIN, URL64, 50, 400},
	{"sk_live_", STRIPE, PLAIN, ALNUM, 24, 247},
	{"rk_live_", STRIPE, PLAIN, ALNUM, 24, 247},
	{"SG\\.", SENDGRID, PLAIN, DOTTED, 66, 66},
	{"sk-ant-", AI, PLAIN, URL64, 80, 200},
	{"sk-proj-", AI, PLAIN, URL64, 40, 200},
	{"T3BlbkFJ", AI, PLAIN, ALNUM, 20, 20},
};

size_t secrets_count(void)
{
	return sizeof(tokens) / sizeof(tokens[0]);
}

const char *secrets_pattern(size_t i)
{
	return tokens[i].begin;
}

static bool of_class(char c, int class)
{
	switch (class) {
	case UPPER:
		return is_upper(c) || is_digit(c);
	case HEX:
		return is_digit(c) || (c >= 'a' && c <= 'f');
	case URL64:
		return is_word(c) || c == '-';
	case BASE64:
		return is_letter(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
	case DASHED:
		return is_letter(c) || is_digit(c) || c == '-';
	case DOTTED:
		return is_word(c) || c == '-' || c == '.';
	default:
		return is_letter(c) || is_digit(c);
	}
}

static size_t run(const struct look *l, size_t at, int class)
{
	size_t n = 0;

	while (at + n < l->len && n < 4096 && of_class(l->text[at + n], class))
		n++;
	return n;
}

/* Too few different characters, or the words that manuals put there. */
static bool is_example(const char *s, size_t n)
{
	static const char *const words[] = {"EXAMPLE", "example", "xxxxxx", "XXXXXX", "YOUR_", "your_", "your-", "YOUR-", "0123456789", "1234567890", "abcdefgh",
		"ABCDEFGH", "....", "REPLACE", "placeholder", "PLACEHOLDER", "dummy", "DUMMY", "changeme"};
	bool seen[256] = {false};
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		different += !seen[(unsigned char)s[i]];
		seen[(unsigned char)s[i]] = true;
	}
	if (different < (n < 24 ? 6 : 9))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(s, n, words[i], strlen(words[i])))
			return true;
	return false;
}

static void add(struct look *l, const struct token *t, size_t from, size_t to, const char *shown, size_t shown_len)
{
	char masked[48];

	snprintf(masked, sizeof(masked), "%.*s********", (int)(shown_len > 36 ? 36 : shown_len), shown);
	look_add(l, t->detector, from, to, l->text + from, to - from, masked);
	if (to > l->token_done)
		l->token_done = to;
}

/* Where a line ends that is a field of a key's head ("Proc-Type: 4,ENCRYPTED"), 0 when it is none. */
static size_t field_end(const struct look *l, size_t at, size_t end)
{
	size_t name = 0;

	while (at + name < end && (is_word(l->text[at + name]) || l->text[at + name] == '-'))
		name++;
	if (name == 0 || at + name >= end || l->text[at + name] != ':')
		return 0;
	while (at < end && l->text[at] != '\n' && !(l->text[at] == '\\' && at + 1 < end && l->text[at + 1] == 'n'))
		at++;
	return at;
}

/* Base64 in lines behind the head, with fields of a head of its own before it; also as one string with \n written out. */
static bool has_body(const struct look *l, size_t at, size_t *ret_end)
{
	size_t n = 0, end = at + 1200 < l->len ? at + 1200 : l->len, longest = 0;

	for (size_t i = at; i < end && n < 64;) {
		size_t field = n == 0 ? field_end(l, i, end) : 0, r = run(l, i, BASE64);
		if (field) {
			i = field;
		} else if (r) {
			longest = r > longest ? r : longest;
			n += r;
			i += r;
			*ret_end = i;
		} else if (l->text[i] == '\\' && i + 1 < end && strchr("nr", l->text[i + 1])) {
			i += 2;
		} else if (l->text[i] && strchr(" \t\r\n\"'>,", l->text[i])) {
			i++;
		} else {
			return false;
		}
	}
	return n >= 64 && longest >= 16;
}

static void look_at_key(struct look *l, const struct token *t, size_t end)
{
	size_t begin = end - strlen(t->begin), from = begin, stop = end;
	const char *text = l->text;

	if (strncmp(t->begin, "PuTTY", 5) == 0) {
		size_t body = end + 2000 < l->len ? 2000 : l->len - end;
		const char *lines = memmem(text + end, body, "Private-Lines:", 14);
		size_t at = lines ? (size_t)(lines - text) + 14 : 0;
		while (lines && at < l->len && (is_digit(text[at]) || (text[at] && strchr(" \r\n", text[at]))) && at < (size_t)(lines - text) + 40)
			at++; /* how many lines they are; pages have empty ones between */
		if (lines && (text[end] == '2' || text[end] == '3') && run(l, at, BASE64) >= 24)
			add(l, t, begin, at, text + begin, strlen(t->begin) + 1);
		return;
	}
	while (from > 0 && begin - from < 40 && text[from - 1] != '\n' && text[from - 1] != '"' && text[from - 1] != '\'' && text[from - 1] != '>')
		from--;
	const char *head = memmem(text + from, begin - from, "-- BEGIN ", 9);
	if (!head)
		head = memmem(text + from, begin - from, "-----BEGIN ", 11);
	if (!head || !has_body(l, end, &stop))
		return;
	from = (size_t)(head - text);
	add(l, t, from, stop, head, end - from);
}

static bool decode_json(const char *s, size_t n, const char *want)
{
	char in[768], out[768];
	size_t len = 0;
	unsigned bits = 0, value = 0;

	n = n > sizeof(in) ? sizeof(in) : n;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		unsigned v = is_upper(c) ? (unsigned)(c - 'A') : is_letter(c) ? (unsigned)(c - 'a') + 26 : is_digit(c) ? (unsigned)(c - '0') + 52 : c == '-' ? 62 : 63;
		value = value << 6 | v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[len++] = (char)(value >> bits & 0xff);
		}
	}
	return len > 4 && out[0] == '{' && memmem(out, len, want, strlen(want));
}

static void look_at_web_token(struct look *l, const struct token *t, size_t begin)
{
	size_t head = run(l, begin, URL64), body, sign, at = begin + head;

	if (head < 12 || at + 1 >= l->len || l->text[at] != '.')
		return;
	body = run(l, at + 1, URL64);
	at += 1 + body;
	if (body < 10 || at + 1 >= l->len || l->text[at] != '.')
		return;
	sign = run(l, at + 1, URL64);
	if (sign < 20 || !decode_json(l->text + begin, head, "\"alg\"") || !decode_json(l->text + begin + head + 1, body, "\""))
		return;
	add(l, t, begin, at + 1 + sign, l->text + begin, 3);
}

/* Past what stands between a name and its value: quotes, colons, equals signs, arrows, spaces. */
static size_t value_at(const struct look *l, size_t at)
{
	size_t n = 0;

	while (at + n < l->len && n < 12 && l->text[at + n] && strchr(" \t\"':=>", l->text[at + n]))
		n++;
	return at + n;
}

static void look_at_value(struct look *l, const struct token *t, size_t begin, size_t end)
{
	size_t at = t->kind == AZURE_SECRET || t->kind == SAS ? end : value_at(l, end), n = run(l, at, t->class);
	const char *v = l->text + at;

	if (t->kind == SAS) {
		/* A signature in an address of shared storage: percent signs are its + / and =. */
		n = 0;
		while (at + n < l->len && n < 120 && (of_class(v[n], BASE64) || v[n] == '%'))
			n++;
		size_t back = begin > 400 ? 400 : begin, ahead = l->len - at - n < 400 ? l->len - at - n : 400;
		if (!memmem(l->text + begin - back, back, "sv=20", 5) && !memmem(v + n, ahead, "sv=20", 5))
			return;
		if (n < 44 || !(v[n - 1] == '=' || memcmp(v + n - 3, "%3D", 3) == 0 || memcmp(v + n - 3, "%3d", 3) == 0))
			return;
	} else if (n < t->min || n > t->max) {
		return;
	} else if (t->kind == AZURE_SECRET && (v[n - 1] != '=' || memcmp(v, "Eby8vdM02xNO", 12) == 0)) {
		return; /* the storage emulator's is public */
	}
	if (!is_example(v, n))
		add(l, t, begin, at + n, l->text + begin, end - begin);
}

void secrets_look(struct look *l, size_t i, size_t end)
{
	const struct token *t = &tokens[i];
	size_t begin = end - (strlen(t->begin) - (strchr(t->begin, '\\') ? 1 : 0)), n;

	if (end <= l->token_done && t->kind != KEY)
		return;
	char before = begin > 0 ? l->text[begin - 1] : '\0';
	switch (t->kind) {
	case KEY:
		look_at_key(l, t, end);
		return;
	case WEB_TOKEN:
		if (!is_word(before) && before != '-' && before != '.')
			look_at_web_token(l, t, begin);
		return;
	case AWS_SECRET:
	case AZURE_SECRET:
	case SAS:
	case GCP_FILE:
		look_at_value(l, t, begin, end);
		return;
	case HOOK:
		n = run(l, end, DOTTED);
		if (l->text[end < l->len ? end : end - 1] == 'T' && end + n < l->len && l->text[end + n] == '/') {
			size_t second = run(l, end + n + 1, DOTTED), third = 0;
			if (end + n + 1 + second < l->len && l->text[end + n + 1 + second] == '/')
				third = run(l, end + n + second + 2, ALNUM);
			size_t from = end + n + second + 2;
			if (third >= t->min && third <= t->max && !is_example(l->text + from, third))
				add(l, t, begin, from + third, l->text + begin, end - begin);
		}
		return;
	case PLAIN:
		break;
	}
	if (t->detector == AI && t->class == ALNUM) {
		/* The middle of an older key: letters on both sides. */
		size_t left = 0;
		while (left < begin && left < 120 && is_word(l->text[begin - 1 - left]))
			left++;
		n = run(l, end, ALNUM);
		if (left >= 20 && begin >= left + 3 && memcmp(l->text + begin - left - 3, "sk-", 3) == 0 && n >= 20)
			add(l, t, begin - left - 3, end + n, "sk-", 3);
		return;
	}
	if (t->detector == AZURE) {
		/* Three characters stand before the mark of a client's secret. */
		if (begin < 3 || !of_class(l->text[begin - 1], DOTTED) || !of_class(l->text[begin - 3], DOTTED))
			return;
		n = run(l, end, DOTTED);
		if (n >= t->min && n <= t->max && !is_example(l->text + end, n))
			add(l, t, begin - 3, end + n, "***8Q~", 6);
		return;
	}
	n = run(l, end, t->class);
	if (is_word(before) || n < t->min || n > t->max || is_example(l->text + end, n))
		return;
	if (t->detector == SENDGRID && l->text[end + 22 < l->len ? end + 22 : end] != '.')
		return;
	add(l, t, begin, end + n, l->text + begin, end - begin);
}
