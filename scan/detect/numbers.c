/* Rows of digits, taken apart into groups as people write numbers; each group, or row of groups, that could be a number is
 * checked. Called by detect.c for each row that vectorscan finds. */
#include "scan/detect/checks.h"
#include "scan/detect/impl.h"

#include <string.h>

#define MAX_GROUPS 36 /* of digits in a row; more is a table or noise */
#define OVERLAP 12    /* groups of the longest number */

struct group {
	size_t at;
	int len;
	char behind; /* what parts it from the next: ' ', '-' (with spaces or without), '(' or ')', '?' anything else, 0 the end */
};

/* How long the signs between two groups are, 0 when no digit follows them. */
static size_t separator(const struct look *l, size_t at, char *ret_kind)
{
	size_t n = 0;
	char kind = '\0';

	while (n < 4 && at + n < l->len && strchr(" -()", l->text[at + n]) && l->text[at + n]) {
		char c = l->text[at + n++];
		if (c == ' ' && kind == ' ')
			kind = '?';
		else if (c != ' ' && (kind == '\0' || kind == ' '))
			kind = c;
		else if (c != ' ' && kind != c)
			kind = c == '-' || kind == '-' ? ')' : '?';
		else if (kind == '\0')
			kind = c;
		else if (c == kind && c != ' ')
			kind = '?';
	}
	if (n == 0 || n > 3 || at + n >= l->len || !is_digit(l->text[at + n]))
		return 0;
	*ret_kind = kind;
	return n;
}

static unsigned char byte_at(const struct look *l, size_t at)
{
	return at < l->len ? (unsigned char)l->text[at] : 0;
}

/* A number stands alone: no letter, and no sign that makes it a part of something else, touches it. */
static bool stands_alone(const struct look *l, size_t from, size_t to)
{
	static const char before[] = "._/#$+%&?\\=", after[] = "_/%@\\";
	char c = from > 0 ? l->text[from - 1] : '\0', e = (char)byte_at(l, to);

	if (is_letter(c) || is_digit(c) || (c > 0 && strchr(before, c)))
		return c == '=' && !memchr(l->text + (from > 40 ? from - 40 : 0), '?', from > 40 ? 40 : from) && !is_letter(e) && !is_digit(e);
	if (c == '-' && from > 1 && is_word(l->text[from - 2]))
		return false;
	if (is_letter(e) || is_digit(e) || (e > 0 && strchr(after, e)))
		return false;
	return !((e == '.' || e == '-') && is_word((char)byte_at(l, to + 1)));
}

struct row {
	const struct group *g;
	int n;
};

/* n groups from g on as one number, when they are of these lengths, with one kind of separator, and nothing of the same
 * kind beside them. */
static size_t join(const struct look *l, struct row r, int at, const char *lengths, char *digits)
{
	const struct group *g = r.g;
	int n = (int)strlen(lengths);
	size_t len = 0;

	if (at + n > r.n)
		return 0;
	for (int i = 0; i < n; i++) {
		if (g[at + i].len != lengths[i] - '0' || (i < n - 1 && (g[at + i].behind != g[at].behind || !strchr(" -", g[at].behind))))
			return 0;
		memcpy(digits + len, l->text + g[at + i].at, (size_t)g[at + i].len);
		len += (size_t)g[at + i].len;
	}
	if (at + n < r.n && g[at + n - 1].behind == g[at].behind && (g[at].behind == '-' || g[at + n].len == g[at + n - 1].len))
		return 0;
	if (at > 0 && g[at - 1].behind == g[at].behind && (g[at].behind == '-' || g[at - 1].len == g[at].len))
		return 0;
	return len;
}

static size_t end_of(const struct group *g)
{
	return g->at + (size_t)g->len;
}

static void number(struct look *l, enum detector detector, size_t from, size_t to, const char *digits, size_t n)
{
	char masked[48];

	look_mask(masked, digits, n, detector == CARD || detector == CORPORATE ? 4 : detector == MY_NUMBER || detector == LICENCE ? 1 : 2);
	look_add(l, detector, from, to, digits, n, masked);
}

static void whole(struct look *l, size_t from, size_t to, const char *digits, size_t n)
{
	if (n >= 13 && check_card(digits, n) && !(n == 13 && check_jan(digits, n)))
		number(l, CARD, from, to, digits, n);
	if (n == 12 && check_my_number(digits, n))
		number(l, MY_NUMBER, from, to, digits, n);
	if (n == 12 && check_licence(digits, n))
		number(l, LICENCE, from, to, digits, n);
	if (n == 13 && check_corporate(digits, n))
		number(l, CORPORATE, from, to, digits, n);
}

/* Registration numbers of invoices are a corporation's number behind a T. */
static bool after_t(const struct look *l, size_t at)
{
	return at > 0 && (l->text[at - 1] | 0x20) == 't' && (at == 1 || !is_word(l->text[at - 2]));
}

/* The account's number follows what kind it is, or stands below it. */
static void account(struct look *l, const struct group *g, const char *digits)
{
	size_t n = (size_t)g->len, from = g->at;
	char masked[48];

	look_mask(masked, digits, n, 2);
	bool named = look_near(l, 1u << C_ACCOUNT_NUMBER, from, 40), kind = named || look_near(l, 1u << C_ACCOUNT, from, 40);
	if (!kind) {
		if (n == 7)
			look_add_cell(l, ACCOUNT, C_ACCOUNT_NUMBER, from, end_of(g), digits, n, masked);
		return;
	}
	if (n == 8 && kind && digits[7] == '1')
		look_add_in_context(l, ACCOUNT, 1u << C_BANK, from, end_of(g), digits, n, masked); /* the post office's */
	else if (n == 7 && named)
		look_add(l, ACCOUNT, from, end_of(g), digits, n, masked);
	else if (n == 7 || named)
		look_add_in_context(l, ACCOUNT, 1u << C_BANK, from, end_of(g), digits, n, masked);
}

/* Passports of Japan begin with one of these; only they are taken with a space between letters and digits. */
static bool spaced_passport(const struct look *l, const struct group *g)
{
	static const char *const words[] = {"NO", "TO", "NR", "ME", NULL};
	const char *at = l->text + (g->at < 3 ? 0 : g->at - 3);

	if (g->at < 3 || g->len != 7 || at[2] != ' ' || !is_upper(at[0]) || !strchr("TMNZ", at[0]) || !is_upper(at[1]))
		return false;
	for (const char *const *w = words; *w; w++)
		if (memcmp(at, *w, 2) == 0)
			return false;
	return true;
}

/* Two letters, digits, and of residence cards two letters again. */
static void lettered(struct look *l, const struct group *g)
{
	const char *t = l->text;
	size_t space = spaced_passport(l, g), from = g->at - 2 - space, to = end_of(g);
	char text[16], masked[48];

	if (g->at < 2 || !is_upper(t[from]) || !is_upper(t[from + 1]) || (from > 0 && (is_word(t[from - 1]) || t[from - 1] == '-')))
		return;
	if (g->len == 8 && to + 2 <= l->len && is_upper(t[to]) && is_upper(t[to + 1]) && !is_word((char)byte_at(l, to + 2)) && byte_at(l, to + 2) != '-') {
		memcpy(text, t + from, 12);
		look_mask(masked, text, 12, 0);
		look_add(l, RESIDENCE, from, to + 2, text, 12, masked);
	} else if (g->len == 7 && !is_word((char)byte_at(l, to)) && byte_at(l, to) != '-') {
		memcpy(text, t + from, 2);
		memcpy(text + 2, t + g->at, 7);
		look_mask(masked, text, 9, 0);
		look_add_in_context(l, PASSPORT, 1u << C_PASSPORT, from, to, text, 9, masked);
	}
}

static void one_group(struct look *l, const struct group *g)
{
	size_t from = g->at, to = end_of(g), n = (size_t)g->len;
	const char *digits = l->text + from;
	char masked[48];

	if (n == 7 || n == 8)
		lettered(l, g);
	if (n == 13 && after_t(l, from) && check_corporate(digits, n))
		number(l, CORPORATE, from, to, digits, n);
	if (n < 6 || n > 19 || !stands_alone(l, from, to))
		return;
	if (n >= 12) {
		whole(l, from, to, digits, n);
		return;
	}
	if (n == 9 && check_ssn(digits, n)) {
		look_mask(masked, digits, n, 2);
		look_add_in_context(l, SSN, 1u << C_SSN, from, to, digits, n, masked);
	}
	if ((n == 10 || n == 11) && check_phone(digits, n, 0, 0)) {
		look_mask(masked, digits, n, 2);
		look_add_in_context(l, PHONE, 1u << C_PHONE, from, to, digits, n, masked);
	}
	account(l, g, digits);
}

/* 03-1234-5678, (03)1234-5678, 03(1234)5678, +81-3-1234-5678, +81 (0)90 … */
static void phone(struct look *l, struct row r, int i)
{
	char digits[16] = "0", masked[48];
	const struct group *g = r.g;
	size_t from = g[i].at, first = 0, n;
	int at = i;

	if (g[i].len == 2 && memcmp(l->text + from, "81", 2) == 0 && from > 0 && l->text[from - 1] == '+') {
		at++;
		from--;
		if (at < r.n && g[at].len == 1 && l->text[g[at].at] == '0')
			at++;
		n = 1;
	} else {
		if (l->text[from] != '0')
			return;
		if (from > 0 && l->text[from - 1] == '(')
			from--;
		n = 0;
	}
	if (at + 2 >= r.n || (from > 0 && (is_word(l->text[from - 1]) || (l->text[from - 1] > 0 && strchr("-./#", l->text[from - 1])))))
		return;
	for (int k = 0; k < 3; k++) {
		const struct group *p = &g[at + k];
		if (p->len > 5 || (k == 2 ? p->len != 4 && p->len != 3 : p->behind == '?' || p->behind == 0) || n + (size_t)p->len > 11)
			return;
		memcpy(digits + n, l->text + p->at, (size_t)p->len);
		n += (size_t)p->len;
		if (k == 0)
			first = n;
	}
	size_t to = end_of(&g[at + 2]);
	char e = (char)byte_at(l, to);
	if (is_word(e) || (g[at + 2].behind == '-') || ((e == '-' || e == '.') && is_word((char)byte_at(l, to + 1))) ||
		!check_phone(digits, n, first, (size_t)g[at + 1].len))
		return;
	look_mask(masked, digits, n, 2);
	look_add(l, PHONE, from, to, digits, n, masked);
}

static void joined(struct look *l, struct row r, int i)
{
	static const char *const forms[] = {"4444", "465", "464", "44443", "444", "1444", "324"};

	for (size_t c = 0; c < sizeof(forms) / sizeof(forms[0]); c++) {
		char digits[32] = "", masked[48];
		size_t len = join(l, r, i, forms[c], digits), from = r.g[i].at;
		if (!len)
			continue;
		size_t to = end_of(&r.g[i + (int)strlen(forms[c]) - 1]);
		if (len == 13 && after_t(l, from) && check_corporate(digits, len)) {
			number(l, CORPORATE, from, to, digits, len);
		} else if (!stands_alone(l, from, to)) {
			;
		} else if (len == 9) {
			look_mask(masked, digits, len, 2);
			if (check_ssn(digits, len))
				look_add(l, SSN, from, to, digits, len, masked);
		} else {
			whole(l, from, to, digits, len);
		}
		explicit_bzero(digits, sizeof(digits));
	}
}

/* Letters and digits in fours, with the country before them; the row of digits lies somewhere within. */
static void iban(struct look *l, size_t at)
{
	const char *t = l->text;
	size_t from = at, limit = at > 44 ? at - 44 : 0;
	char text[40], masked[48];

	while (from > limit && (is_upper(t[from - 1]) || is_digit(t[from - 1]) || (t[from - 1] == ' ' && from - 1 > limit && is_word(t[from - 2]))))
		from--;
	for (; from < at + 2 && from + 4 < l->len; from++) {
		if (!is_upper(t[from]) || !is_upper(t[from + 1]) || !is_digit(t[from + 2]) || !is_digit(t[from + 3]) || (from > 0 && is_word(t[from - 1])))
			continue;
		size_t want = check_iban_length(t + from), n = 0, to = from;
		while (to < l->len && n < want && (is_upper(t[to]) || is_digit(t[to]) || (t[to] == ' ' && n && t[to - 1] != ' '))) {
			if (t[to] != ' ')
				text[n++] = t[to];
			to++;
		}
		if (n < 15 || n != want || is_word((char)byte_at(l, to)) || !check_iban(text, n))
			continue;
		look_mask(masked, text, n, 2);
		memcpy(masked, text, 2);
		look_add(l, IBAN, from, to, text, n, masked);
		if (to > l->row_done)
			l->row_done = to;
		return;
	}
}

/* A form's boxes: each digit by itself, which is told from a row of measurements by the words beside it. */
static void boxes(struct look *l, struct row r, int i)
{
	char digits[16] = "", masked[48];
	size_t from = r.g[i].at, len;

	if (r.g[i].len != 1 || !(len = join(l, r, i, "111111111111", digits)) || !check_my_number(digits, len))
		return;
	size_t to = end_of(&r.g[i + 11]);
	look_mask(masked, digits, len, 1);
	if (stands_alone(l, from, to))
		look_add_in_context(l, MY_NUMBER, 1u << C_MY_NUMBER, from, to, digits, len, masked);
	explicit_bzero(digits, sizeof(digits));
}

static void look_at_groups(struct look *l, struct row r, int n)
{
	for (int i = 0; i < n; i++) {
		one_group(l, &r.g[i]);
		if (r.n > 1 && r.g[i].behind) {
			joined(l, r, i);
			phone(l, r, i);
			boxes(l, r, i);
		}
	}
}

void numbers_row(struct look *l, size_t end)
{
	struct group groups[MAX_GROUPS];
	size_t from = end;
	int n = 0;

	/* Back to where the row begins: digits with up to three signs between them. */
	while (from > l->row_done) {
		size_t k = from;
		while (k > l->row_done && from - k < 3 && l->text[k - 1] && strchr(" -()", l->text[k - 1]))
			k--;
		if (k == l->row_done || !is_digit(l->text[k - 1]))
			break;
		from = k - 1;
	}
	size_t at = from;
	if (from > 0 && (is_upper(l->text[from - 1]) || (l->text[from - 1] == ' ' && from > 1 && is_upper(l->text[from - 2]))))
		iban(l, from);
	if (l->row_done > at)
		return;
	while (at < l->len && is_digit(l->text[at])) {
		size_t to = at, sep = 0;
		char kind = '\0';
		while (to < l->len && is_digit(l->text[to]))
			to++;
		sep = separator(l, to, &kind);
		groups[n++] = (struct group){at, (int)(to - at < 100 ? to - at : 100), sep ? kind : '\0'};
		at = to + sep;
		if (!sep)
			break;
		if (n == MAX_GROUPS) {
			/* A table: looked at piece by piece, the last groups once more with what follows. */
			look_at_groups(l, (struct row){groups, n}, n - OVERLAP);
			memmove(groups, groups + n - OVERLAP, OVERLAP * sizeof(groups[0]));
			n = OVERLAP;
		}
	}
	l->row_done = at;
	look_at_groups(l, (struct row){groups, n}, n);
}
