/* What pdf.c (pages) and pdf_map.c (tokens, tables of codes) share. For those two only. */
#ifndef SCAN_TEXT_PDF_IMPL_H
#define SCAN_TEXT_PDF_IMPL_H

#include "scan/text/formats.h"

#define MAX_MAPS 128
#define MAX_RANGES 65536
#define MAX_FONTS 256 /* of all streams */
#define MAX_PIECES 65536
#define KEPT_MAX (8u << 20)

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

struct lexer {
	const char *s;
	size_t len, at;
};

enum token { END, NUMBER, NAME, STRING, OPEN, CLOSE, WORD };

/* ret_text: of a name, number or word where it stands; string: of a string its bytes. */
enum token pdf_next(struct lexer *x, struct buf *string, const char **ret_text, size_t *ret_len);

/* A table, kept in p while there is room. */
void pdf_map_read(struct pdf_text *p, const char *data, size_t len);
/* NULL: the table does not know the code. */
const struct range *pdf_map_find(const struct pdf_text *p, const struct map *m, uint32_t code);

#endif
