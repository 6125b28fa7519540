/* What codes of PDF fonts mean (ToUnicode tables), and the tokens of streams; see pdf_impl.h. */
#include "scan/text/pdf_impl.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\0';
}

static bool is_delimiter(char c)
{
	return is_space(c) || c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']' || c == '{' || c == '}' || c == '/' || c == '%';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In parentheses, with escapes; nested ones belong to it. */
static void read_string(struct lexer *x, struct buf *out)
{
	int depth = 1;

	for (x->at++; x->at < x->len; x->at++) {
		char c = x->s[x->at];
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
		if (c != '\\' || x->at + 1 >= x->len) {
			buf_addc(out, c);
			continue;
		}
		c = x->s[++x->at];
		if (c >= '0' && c <= '7') {
			int v = 0, n = 0;
			while (n < 3 && x->at + (size_t)n < x->len && x->s[x->at + (size_t)n] >= '0' && x->s[x->at + (size_t)n] <= '7')
				v = v * 8 + x->s[x->at + (size_t)n++] - '0';
			x->at += (size_t)n - 1;
			buf_addc(out, (char)(v & 0xff));
		} else if (c == '\r' || c == '\n') {
			if (c == '\r' && x->at + 1 < x->len && x->s[x->at + 1] == '\n')
				x->at++;
		} else {
			buf_addc(out, c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == 'b' ? '\b' : c == 'f' ? '\f' : c);
		}
	}
	x->at++;
}

static void read_hex(struct lexer *x, struct buf *out)
{
	int high = -1;

	for (x->at++; x->at < x->len && x->s[x->at] != '>'; x->at++) {
		int v = hex_value(x->s[x->at]);
		if (v < 0)
			continue;
		if (high < 0) {
			high = v;
		} else {
			buf_addc(out, (char)(high << 4 | v));
			high = -1;
		}
	}
	if (high >= 0)
		buf_addc(out, (char)(high << 4));
	x->at++;
}

enum token pdf_next(struct lexer *x, struct buf *string, const char **ret_text, size_t *ret_len)
{
	buf_clear(string);
	for (;;) {
		while (x->at < x->len && is_space(x->s[x->at]))
			x->at++;
		if (x->at >= x->len)
			return END;
		if (x->s[x->at] != '%')
			break;
		while (x->at < x->len && x->s[x->at] != '\n' && x->s[x->at] != '\r')
			x->at++;
	}
	const char *from = x->s + x->at;
	size_t start = x->at;
	*ret_text = from;
	switch (*from) {
	case '(':
		read_string(x, string);
		return STRING;
	case '<':
		if (x->at + 1 < x->len && from[1] == '<') {
			x->at += 2;
			return OPEN;
		}
		read_hex(x, string);
		return STRING;
	case '[':
		x->at++;
		return OPEN;
	case ']':
	case ')':
	case '>':
	case '{':
	case '}':
		x->at++;
		return CLOSE;
	default:
		break;
	}
	x->at++;
	while (x->at < x->len && !is_delimiter(x->s[x->at]))
		x->at++;
	*ret_len = x->at - start;
	if (*from == '/')
		return NAME;
	return strchr("+-.0123456789", *from) ? NUMBER : WORD;
}

static uint32_t code_of(const struct buf *b)
{
	uint32_t v = 0;

	for (size_t i = 0; i < b->len && i < 4; i++)
		v = v << 8 | (unsigned char)b->data[i];
	return v;
}

static uint32_t unicode_of(const struct buf *b, uint32_t *ret_second)
{
	const unsigned char *d = (const unsigned char *)buf_str(b);
	uint32_t first = b->len >= 2 ? (uint32_t)d[0] << 8 | d[1] : b->len ? d[0] : 0, second = b->len >= 4 ? (uint32_t)d[2] << 8 | d[3] : 0;

	*ret_second = 0;
	if (first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000)
		return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
	*ret_second = second;
	return first;
}

static void add_range(struct pdf_text *p, struct map *m, uint32_t lo, uint32_t hi, uint32_t to, uint32_t second)
{
	if (hi < lo || hi - lo > 0xffff || p->n_ranges == MAX_RANGES)
		return;
	if (p->n_ranges == p->cap_ranges) {
		unsigned cap = p->cap_ranges ? 2 * p->cap_ranges : 256;
		struct range *more = realloc(p->ranges, cap * sizeof(*more));
		if (!more)
			return;
		p->ranges = more;
		p->cap_ranges = cap;
	}
	p->ranges[p->n_ranges++] = (struct range){lo, hi, to, second};
	m->n++;
	m->codes += hi - lo + 1;
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void pdf_map_read(struct pdf_text *p, const char *data, size_t len)
{
	struct lexer x = {data, len, 0};
	_cleanup_buf_ struct buf b = BUF_INIT(4096);
	enum { NONE, SPACE, CHARS, RANGES } in = NONE;
	struct map *m = &p->maps[p->n_maps];
	uint32_t values[2] = {0};
	const char *text;
	size_t n;
	int have = 0;
	bool list = false;
	enum token t;

	if (p->n_maps == MAX_MAPS)
		return;
	*m = (struct map){.first = p->n_ranges, .bytes = 2};
	while ((t = pdf_next(&x, &b, &text, &n)) != END) {
		if (t == WORD) {
			in = n == 19 && memcmp(text, "begincodespacerange", 19) == 0 ? SPACE : n == 11 && memcmp(text, "beginbfchar", 11) == 0 ? CHARS :
				n == 12 && memcmp(text, "beginbfrange", 12) == 0                                                                   ? RANGES :
																		     NONE;
			have = 0;
			list = false;
		} else if (t == OPEN && in == RANGES && have == 2) {
			list = true;
		} else if (t == CLOSE && list) {
			list = false;
			have = 0;
		} else if (t == STRING && in == SPACE) {
			m->bytes = b.len == 1 ? 1 : 2;
		} else if (t == STRING && in != NONE) {
			uint32_t second, to;
			if (have < (in == CHARS ? 1 : 2)) {
				values[have++] = code_of(&b);
				continue;
			}
			to = unicode_of(&b, &second);
			if (in == CHARS) {
				add_range(p, m, values[0], values[0], to, second);
				have = 0;
			} else if (list) {
				add_range(p, m, values[0], values[0], to, second);
				values[0]++;
			} else {
				add_range(p, m, values[0], values[1], to, second);
				have = 0;
			}
		}
	}
	if (m->n) {
		qsort(p->ranges + m->first, m->n, sizeof(*p->ranges), compare);
		p->n_maps++;
	}
}

const struct range *pdf_map_find(const struct pdf_text *p, const struct map *m, uint32_t code)
{
	unsigned lo = 0, hi = m->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		const struct range *r = &p->ranges[m->first + mid];
		if (code < r->lo)
			hi = mid;
		else if (code > r->hi)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}
