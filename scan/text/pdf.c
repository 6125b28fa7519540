/* Text of PDF pages; see formats.h. A page's stream shows strings of codes, with a font's name that only its resources explain,
 * which are not in the streams. So each font of a stream takes the smallest of the file's ToUnicode tables that knows all of its
 * codes; without one the bytes are taken for what they look like. Lines are told by where strings stand.
 *
 * Sources: ISO 32000-1, 7.3.4 (strings), 9.4 (text operators), 9.10.3 (ToUnicode). */
#include "scan/text/pdf_impl.h"

#include "scan/charset.h"

#include "base/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define OPERANDS 8
#define COVER_MAX 20000000u /* strings looked at to find tables for fonts */

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
	while ((t = pdf_next(&x, &b, &text, &n)) != END) {
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
		pdf_map_read(p, data, len);
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
			if (!pdf_map_find(p, m, m->bytes == 2 ? (uint32_t)d[0] << 8 | d[1] : d[0]))
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
		const struct range *r = pdf_map_find(p, m, code);
		if (!r)
			continue;
		put(out, r->to + (code - r->lo));
		if (r->second)
			put(out, r->second);
	}
}

/* What a piece without a table says of being UTF-16: it cannot be, it may be, it is. Kanji alone may be CP932 as well, unless one
 * of them has a second byte that no letter of ASCII has. */
enum wide { NOT_WIDE, MAY_BE_WIDE, WIDE };

static bool is_plain(unsigned char c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

static enum wide is_wide(const struct pdf_text *p, const struct piece *k)
{
	const unsigned char *d = (const unsigned char *)p->bytes.data + k->at;
	size_t high = 0, sure = 0;

	if (k->len % 2)
		return NOT_WIDE;
	for (uint32_t i = 0; i < k->len; i += 2) {
		unsigned char a = d[i], b = d[i + 1];
		bool kanji = a >= 0x4e && a <= 0x9f, sign = a == 0xff || (a >= 0x20 && a <= 0x26) || a == 0x32 || a == 0x33;
		if (a != 0 && a != 0x30 && !kanji && !sign)
			return NOT_WIDE;
		high += !is_plain(a) || !is_plain(b);
		sure += a == 0 || a == 0x30 || (a >= 0x4e && a < 0x7f && !is_plain(b));
	}
	return !high ? NOT_WIDE : sure ? WIDE : MAY_BE_WIDE;
}

/* Without a table: ASCII, UTF-16 as the predefined tables for Japanese have it, or what the bytes look like. A font whose other
 * pieces are UTF-16 has this one in it, too. */
static void guess(const struct pdf_text *p, const struct piece *k, bool wide, struct buf *out)
{
	const unsigned char *d = (const unsigned char *)p->bytes.data + k->at;
	size_t high = 0;

	for (uint32_t i = 0; i < k->len; i++)
		high += !is_plain(d[i]);
	enum wide w = high ? is_wide(p, k) : NOT_WIDE;
	if (w == WIDE || (w == MAY_BE_WIDE && wide))
		charset_to_utf8(out, "utf-16be", d, k->len);
	else if (!high)
		buf_add(out, d, k->len);
	else
		charset_to_utf8(out, "", d, k->len);
}

void pdf_text_end(struct pdf_text *p, struct buf *out)
{
	unsigned budget = COVER_MAX;
	bool wide[MAX_FONTS] = {false};

	for (int f = 0; f < p->n_fonts && budget; f++)
		for (int m = 0; m < p->n_maps && budget; m++)
			if ((p->fonts[f].map < 0 || p->maps[m].codes < p->maps[p->fonts[f].map].codes) && covers(p, &p->maps[m], f, &budget))
				p->fonts[f].map = m;
	for (unsigned i = 0; i < p->n_pieces; i++)
		if (p->fonts[p->pieces[i].font].map < 0 && is_wide(p, &p->pieces[i]) == WIDE)
			wide[p->pieces[i].font] = true;
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
			guess(p, k, wide[k->font], out);
	}
	if (p->n_pieces || p->n_maps)
		forget(p);
}
