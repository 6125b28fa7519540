/* Cells of a binary workbook; see formats.h. Texts stand once in a table that goes over several records; cells name them by
 * number, so that a table is read as it is seen: cells parted by tabs, rows by lines. */
#include "scan/text/formats.h"

#include "scan/charset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STRINGS 1000000u
#define STRINGS_MAX (32u << 20)

enum { FORMULA = 0x06, HEADER = 0x14, FOOTER = 0x15, NOTE = 0x1c, CONTINUE = 0x3c, BOUNDSHEET = 0x85, MULRK = 0xbd, RSTRING = 0xd6, SST = 0xfc, LABELSST = 0xfd,
	NUMBER = 0x203, LABEL = 0x204, STRING = 0x207, RK = 0x27e, TXO = 0x1b6, BOF_8 = 0x809 };

/* A record with those that continue it: characters that go over a border begin anew with a byte of flags. */
struct record {
	const uint8_t *d;
	size_t len;  /* of the stream from here on */
	size_t at;
	size_t left; /* of the piece that is read */
};

struct book {
	struct buf *out, strings;
	uint32_t *starts;
	uint32_t n, cap;
	bool wide_form; /* BIFF8 */
	int row;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* The next piece, when one continues it. */
static bool go_on(struct record *r)
{
	if (r->left || r->at + 4 > r->len || get16(r->d + r->at) != CONTINUE)
		return false;
	size_t n = get16(r->d + r->at + 2);
	r->at += 4;
	r->left = n < r->len - r->at ? n : r->len - r->at;
	return r->left > 0;
}

static bool take(struct record *r, uint8_t *out, size_t n)
{
	while (n) {
		if (!r->left && !go_on(r))
			return false;
		size_t k = n < r->left ? n : r->left;
		if (out) {
			memcpy(out, r->d + r->at, k);
			out += k;
		}
		r->at += k;
		r->left -= k;
		n -= k;
	}
	return true;
}

/* cch characters, with or without high bytes, into UTF-8. */
static bool characters(struct record *r, size_t n, bool wide, struct buf *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 18);

	while (n) {
		uint8_t flags, c[2] = {0};
		if (!r->left) {
			if (!go_on(r) || !take(r, &flags, 1))
				return false;
			wide = flags & 1;
		}
		if (!take(r, c, wide ? 2 : 1))
			return false;
		buf_addc(&b, (char)c[0]);
		buf_addc(&b, (char)c[1]);
		n--;
	}
	if (b.len)
		charset_to_utf8(out, "utf-16le", b.data, b.len);
	return true;
}

/* XLUnicodeRichExtendedString */
static bool rich_string(struct record *r, struct buf *out)
{
	uint8_t head[3], n2[2] = {0}, n4[4] = {0};

	if (!take(r, head, 3) || ((head[2] & 8) && !take(r, n2, 2)) || ((head[2] & 4) && !take(r, n4, 4)))
		return false;
	return characters(r, get16(head), head[2] & 1, out) && take(r, NULL, 4u * get16(n2)) && take(r, NULL, get32(n4));
}

static void read_strings(struct book *b, struct record *r)
{
	uint8_t counts[8];
	uint32_t n;

	if (!take(r, counts, 8))
		return;
	n = get32(counts + 4);
	for (uint32_t i = 0; i < n && b->n < MAX_STRINGS; i++) {
		if (b->n + 1 >= b->cap) {
			uint32_t cap = b->cap ? 2 * b->cap : 1024;
			uint32_t *more = realloc(b->starts, cap * sizeof(*more));
			if (!more)
				return;
			b->starts = more;
			b->cap = cap;
		}
		b->starts[b->n] = (uint32_t)b->strings.len;
		bool ok = rich_string(r, &b->strings);
		b->starts[++b->n] = (uint32_t)b->strings.len;
		if (!ok)
			return;
	}
}

static void cell(struct book *b, const uint8_t *d)
{
	int row = get16(d);

	buf_addc(b->out, row == b->row ? '\t' : '\n');
	b->row = row;
}

static void number(struct book *b, double v)
{
	if (!isfinite(v))
		return;
	buf_addf(b->out, v == floor(v) && fabs(v) < 1e19 ? "%.0f" : "%.10g", v);
}

static double double_of(const uint8_t *d)
{
	uint64_t v = get32(d) | (uint64_t)get32(d + 4) << 32;
	double f;

	memcpy(&f, &v, sizeof(f));
	return f;
}

/* A number in four bytes: an integer or the upper part of a floating one, perhaps a hundredth. */
static double rk_of(const uint8_t *d)
{
	uint32_t v = get32(d);
	uint64_t high = (uint64_t)(v & ~3u) << 32;
	double f;

	if (v & 2)
		f = (double)((int32_t)v >> 2);
	else
		memcpy(&f, &high, sizeof(f));
	return v & 1 ? f / 100 : f;
}

/* A text within the record itself: in the form of 1997 with flags, before that bytes of some code page. */
static void text(struct book *b, struct record *r, size_t chars_len)
{
	uint8_t n[2] = {0}, flags = 0;

	if (!take(r, n, chars_len))
		return;
	if (b->wide_form) {
		if (take(r, &flags, 1))
			characters(r, get16(n), flags & 1, b->out);
		return;
	}
	size_t len = get16(n) < r->left ? get16(n) : r->left;
	charset_to_utf8(b->out, "", r->d + r->at, len);
}

static void look_at_record(struct book *b, unsigned type, struct record *r)
{
	const uint8_t *d = r->d + r->at;
	size_t n = r->left;

	switch (type) {
	case SST:
		read_strings(b, r);
		break;
	case LABELSST:
		if (n >= 10 && get32(d + 6) < b->n) {
			uint32_t i = get32(d + 6);
			cell(b, d);
			buf_add(b->out, buf_str(&b->strings) + b->starts[i], b->starts[i + 1] - b->starts[i]);
		}
		break;
	case LABEL:
	case RSTRING:
		if (n >= 8) {
			cell(b, d);
			take(r, NULL, 6);
			text(b, r, 2);
		}
		break;
	case NUMBER:
	case FORMULA:
		if (n >= 14 && !(type == FORMULA && get16(d + 12) == 0xffff)) {
			cell(b, d);
			number(b, double_of(d + 6));
		} else if (n >= 14) {
			cell(b, d); /* its text follows in a record of its own */
		}
		break;
	case RK:
		if (n >= 10) {
			cell(b, d);
			number(b, rk_of(d + 6));
		}
		break;
	case MULRK:
		for (size_t at = 4; at + 6 <= n - (n >= 2 ? 2 : n); at += 6) {
			cell(b, d);
			number(b, rk_of(d + at + 2));
		}
		break;
	case STRING:
		text(b, r, 2);
		break;
	case BOUNDSHEET:
		if (n >= 8) {
			buf_addc(b->out, '\n');
			take(r, NULL, 6);
			text(b, r, 1);
		}
		break;
	case HEADER:
	case FOOTER:
		if (n > 3) {
			buf_addc(b->out, '\n');
			text(b, r, b->wide_form ? 2 : 1);
		}
		break;
	case TXO:
		/* Its text stands in the record that continues it. */
		if (n >= 12 && get16(d + 10)) {
			size_t chars = get16(d + 10);
			take(r, NULL, n);
			buf_addc(b->out, '\n');
			characters(r, chars, false, b->out);
		}
		break;
	default:
		break;
	}
}

void text_biff(struct buf *out, const uint8_t *data, size_t len)
{
	struct book b = {.out = out, .strings = BUF_INIT(STRINGS_MAX), .row = -1};

	for (size_t at = 0; at + 4 <= len;) {
		unsigned type = get16(data + at);
		size_t n = get16(data + at + 2);
		at += 4;
		if (n > len - at)
			n = len - at;
		struct record r = {.d = data, .len = len, .at = at, .left = n};
		if (type == BOF_8) {
			b.wide_form = n < 2 || get16(data + at) >= 0x0600;
			b.row = -1;
		}
		look_at_record(&b, type, &r);
		at += n;
	}
	buf_addc(out, '\n');
	free(b.starts);
	buf_free(&b.strings);
}
