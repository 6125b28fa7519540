/* Text of PDF pages; see formats.h. A page's stream shows strings of codes, with a font's name that only its resources explain,
 * which are not in the streams. So each font of a stream takes the smallest of the file's ToUnicode tables that knows all of its
 * codes; without one the bytes are taken for what they look like. Lines are told by where strings stand.
 *
 * Sources: ISO 32000-1, 7.3.4 (strings), 9.4 (text operators), 9.10.3 (ToUnicode). */
#include "scan/text/formats.h"

#include "scan/charset.h"

#include "base/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define MAX_MAPS 128
#define MAX_RANGES 65536
#define MAX_FONTS 256 /* of all streams */
#define MAX_PIECES 65536
#define KEPT_MAX (8u << 20)
#define OPERANDS 8
#define COVER_MAX 20000000u /* strings looked at to find tables for fonts */

struct range {
	uint32_t lo, hi, to, second; /* second: of a ligature, 0 none */
};

struct map {
	unsigned first, n; /* ranges */
	unsigned codes;    /* how many it knows */
	int bytes;         /* of a code */
};

struct font {
	char name[32];
	int stream;
	int map; /* chosen, -1 */
};

struct piece {
	size_t at;
	uint32_t len;
	uint16_t font;
	char before; /* '\n', ' ' or 0 */
};

struct pdf_text {
	struct map maps[MAX_MAPS];
	int n_maps;
	struct range *ranges;
	unsigned n_ranges, cap_ranges;
	struct font fonts[MAX_FONTS];
	int n_fonts;
	struct piece *pieces;
	unsigned n_pieces, cap_pieces;
	struct buf bytes;
	int streams;
};

struct pdf_text *pdf_text_new(void)
{
	struct pdf_text *p = calloc(1, sizeof(*p));

	if (p)
		p->bytes = (struct buf)BUF_INIT(KEPT_MAX);
	return p;
}

static void forget(struct pdf_text *p)
{
	free(p->ranges);
	free(p->pieces);
	buf_wipe(&p->bytes);
	*p = (struct pdf_text){.bytes = BUF_INIT(KEPT_MAX)};
}

void pdf_text_free(struct pdf_text *p)
{
	if (p)
		forget(p);
	free(p);
}

/* ---- tokens ---- */

struct lexer {
	const char *s;
	size_t len, at;
};

enum token { END, NUMBER, NAME, STRING, OPEN, CLOSE, WORD };

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

/* text: of a string its bytes; of a name or word where it stands. */
static enum token next(struct lexer *x, struct buf *string, const char **ret_text, size_t *ret_len)
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

/* ---- what codes mean ---- */

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

static void read_map(struct pdf_text *p, const char *data, size_t len)
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
	while ((t = next(&x, &b, &text, &n)) != END) {
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

static const struct range *look_up(const struct pdf_text *p, const struct map *m, uint32_t code)
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

/* ---- pages ---- */

struct page {
	struct pdf_text *p;
	int stream, font;
	double size, scale;       /* of the font, of the matrix */
	double x, y;              /* where the line begins */
	double shown_x, shown_y;  /* of the last string */
	double chars;             /* shown since then */
	bool any, moved;
};

static int font_of(struct page *g, const char *name, size_t len)
{
	struct pdf_text *p = g->p;
	char short_name[32];

	snprintf(short_name, sizeof(short_name), "%.*s", (int)(len < 31 ? len : 31), name);
	for (int i = p->n_fonts - 1; i >= 0 && p->fonts[i].stream == g->stream; i--)
		if (strcmp(p->fonts[i].name, short_name) == 0)
			return i;
	if (p->n_fonts == MAX_FONTS)
		return MAX_FONTS - 1;
	p->fonts[p->n_fonts] = (struct font){.stream = g->stream, .map = -1};
	memcpy(p->fonts[p->n_fonts].name, short_name, sizeof(short_name));
	return p->n_fonts++;
}

static void show(struct page *g, const struct buf *b)
{
	struct pdf_text *p = g->p;
	double em = fabs(g->size * g->scale), gap = g->x - g->shown_x;
	char before = '\0';

	if (b->len == 0 || b->len > UINT32_MAX)
		return;
	if (em <= 0 || !isfinite(em))
		em = 10;
	if (g->any && g->moved) {
		if (!(fabs(g->y - g->shown_y) < 0.3 * em) || gap < 0)
			before = '\n';
		else if (gap > (g->chars + 0.6) * em)
			before = ' ';
	}
	if (p->n_pieces == p->cap_pieces) {
		unsigned cap = p->cap_pieces ? 2 * p->cap_pieces : 256;
		struct piece *more = cap <= MAX_PIECES ? realloc(p->pieces, cap * sizeof(*more)) : NULL;
		if (!more)
			return;
		p->pieces = more;
		p->cap_pieces = cap;
	}
	size_t at = p->bytes.len, wide = 0;
	if (buf_add(&p->bytes, b->data, b->len) < 0)
		return;
	for (size_t i = 0; i < b->len; i++)
		wide += (unsigned char)b->data[i] < 0x20 || (unsigned char)b->data[i] >= 0x7f;
	if (g->moved || !g->any) {
		g->shown_x = g->x;
		g->shown_y = g->y;
		g->chars = 0;
	}
	g->chars += wide ? (double)b->len / 2 : (double)b->len;
	p->pieces[p->n_pieces++] = (struct piece){at, (uint32_t)b->len, (uint16_t)g->font, g->any ? before : '\n'};
	g->any = true;
	g->moved = false;
}

static bool is(const char *text, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(text, what, len) == 0;
}

static void operate(struct page *g, const char *op, size_t n, const double *v, int have)
{
	if (is(op, n, "Td") || is(op, n, "TD")) {
		if (have >= 2) {
			g->x += v[have - 2] * g->scale;
			g->y += v[have - 1] * g->scale;
		}
		g->moved = true;
	} else if (is(op, n, "Tm") && have >= 6) {
		g->scale = fabs(v[have - 6]) > 0 ? fabs(v[have - 6]) : fabs(v[have - 5]);
		g->x = v[have - 2];
		g->y = v[have - 1];
		g->moved = true;
	} else if (is(op, n, "T*") || is(op, n, "'") || is(op, n, "\"")) {
		g->y -= g->size * g->scale + 1;
		g->moved = true;
	} else if (is(op, n, "BT")) {
		g->x = g->y = 0;
		g->scale = 1;
		g->moved = true;
	}
}

static double number(const char *text, size_t n)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%.*s", (int)(n < sizeof(copy) ? n : sizeof(copy) - 1), text);
	return strtod(copy, NULL);
}

static void read_page(struct pdf_text *p, const char *data, size_t len)
{
	struct page g = {.p = p, .stream = p->streams++, .size = 10, .scale = 1};
	struct lexer x = {data, len, 0};
	_cleanup_buf_ struct buf b = BUF_INIT(65536), last = BUF_INIT(65536);
	double v[OPERANDS];
	int have = 0;
	const char *text = "", *name = "";
	size_t n = 0, name_len = 0;
	bool in_list = false;
	enum token t;

	g.font = font_of(&g, "", 0);
	while ((t = next(&x, &b, &text, &n)) != END) {
		if (t == NUMBER) {
			if (have == OPERANDS) {
				memmove(v, v + 1, sizeof(v) - sizeof(v[0]));
				have--;
			}
			v[have] = number(text, n);
			/* Within a list a number moves what follows: back by a space's width is a space. */
			if (in_list && v[have] < -180 && g.any) {
				struct buf space = {.data = (char[]){" "}, .len = 1, .max = 1};
				show(&g, &space);
			}
			have++;
		} else if (t == NAME) {
			name = text + 1;
			name_len = n - 1;
		} else if (t == OPEN) {
			in_list = *text == '[';
		} else if (t == CLOSE) {
			in_list = false;
		} else if (t == STRING && in_list) {
			show(&g, &b);
		} else if (t == STRING) {
			buf_clear(&last);
			buf_add(&last, b.data, b.len);
		} else if (t == WORD) {
			if (is(text, n, "Tf")) {
				g.font = font_of(&g, name, name_len);
				g.size = have ? v[have - 1] : g.size;
			} else if (is(text, n, "ID")) {
				const char *end = memmem(data + x.at, len - x.at, "EI", 2); /* an inline picture */
				x.at = end ? (size_t)(end - data) + 2 : len;
			} else {
				operate(&g, text, n, v, have);
			}
			if (last.len && (is(text, n, "Tj") || is(text, n, "'") || is(text, n, "\"")))
				show(&g, &last);
			buf_clear(&last);
			have = 0;
		}
	}
}

bool pdf_text_add(struct pdf_text *p, const char *data, size_t len)
{
	size_t n = len < 65536 ? len : 65536;

	if (memmem(data, n, "beginbfchar", 11) || memmem(data, n, "beginbfrange", 12)) {
		read_map(p, data, len);
		return true;
	}
	if (!memmem(data, n, "BT", 2) || (!memmem(data, len, "Tj", 2) && !memmem(data, len, "TJ", 2) && !memmem(data, len, ")'", 2)))
		return false;
	read_page(p, data, len);
	return true;
}

/* ---- all together ---- */

static bool covers(const struct pdf_text *p, const struct map *m, int font, unsigned *budget)
{
	unsigned looked = 0;

	for (unsigned i = 0; i < p->n_pieces && looked < 4000; i++) {
		if (*budget == 0 || --*budget == 0)
			return false;
		const struct piece *k = &p->pieces[i];
		if (k->font != font || (k->len == 1 && p->bytes.data[k->at] == ' '))
			continue;
		if (m->bytes == 2 && k->len % 2)
			return false;
		for (uint32_t b = 0; b + (uint32_t)m->bytes <= k->len; b += (uint32_t)m->bytes, looked++) {
			const unsigned char *d = (const unsigned char *)p->bytes.data + k->at + b;
			if (!look_up(p, m, m->bytes == 2 ? (uint32_t)d[0] << 8 | d[1] : d[0]))
				return false;
		}
	}
	return looked > 0;
}

static void put(struct buf *out, uint32_t c)
{
	utf8proc_uint8_t utf8[4];

	if (c && utf8proc_codepoint_valid((utf8proc_int32_t)c))
		buf_add(out, utf8, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, utf8));
}

static void decode(const struct pdf_text *p, const struct map *m, const struct piece *k, struct buf *out)
{
	for (uint32_t b = 0; b + (uint32_t)m->bytes <= k->len; b += (uint32_t)m->bytes) {
		const unsigned char *d = (const unsigned char *)p->bytes.data + k->at + b;
		uint32_t code = m->bytes == 2 ? (uint32_t)d[0] << 8 | d[1] : d[0];
		const struct range *r = look_up(p, m, code);
		if (!r)
			continue;
		put(out, r->to + (code - r->lo));
		if (r->second)
			put(out, r->second);
	}
}

/* Without a table: ASCII, UTF-16 as the predefined tables for Japanese have it, or what the bytes look like. */
static void guess(const struct pdf_text *p, const struct piece *k, struct buf *out)
{
	const unsigned char *d = (const unsigned char *)p->bytes.data + k->at;
	size_t high = 0, wide = 0, sure = 0; /* kana, ASCII: kanji alone may be either */

	for (uint32_t i = 0; i < k->len; i++)
		high += d[i] >= 0x7f || d[i] < 0x20;
	for (uint32_t i = 0; i + 1 < k->len; i += 2) {
		sure += d[i] == 0 || d[i] == 0x30;
		wide += d[i] == 0 || d[i] == 0x30 || (d[i] >= 0x4e && d[i] <= 0x9f) || d[i] == 0xff || d[i] == 0x20;
	}
	if (!high)
		buf_add(out, d, k->len);
	else if (k->len % 2 == 0 && sure && wide == k->len / 2)
		charset_to_utf8(out, "utf-16be", d, k->len);
	else
		charset_to_utf8(out, "", d, k->len);
}

void pdf_text_end(struct pdf_text *p, struct buf *out)
{
	unsigned budget = COVER_MAX;

	for (int f = 0; f < p->n_fonts && budget; f++)
		for (int m = 0; m < p->n_maps && budget; m++)
			if ((p->fonts[f].map < 0 || p->maps[m].codes < p->maps[p->fonts[f].map].codes) && covers(p, &p->maps[m], f, &budget))
				p->fonts[f].map = m;
	for (unsigned i = 0; i < p->n_pieces; i++) {
		const struct piece *k = &p->pieces[i];
		const struct font *f = &p->fonts[k->font];
		if (k->before)
			buf_addc(out, k->before);
		if (k->len == 1 && p->bytes.data[k->at] == ' ')
			buf_addc(out, ' ');
		else if (f->map >= 0)
			decode(p, &p->maps[f->map], k, out);
		else
			guess(p, k, out);
	}
	if (p->n_pieces || p->n_maps)
		forget(p);
}
