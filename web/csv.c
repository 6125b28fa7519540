/* CSV; see csv.h. */
#include "web/csv.h"

#include <string.h>

/* Would a spreadsheet calculate it? Blanks in front do not hide it; the full-width forms count as well. */
static bool is_formula(const char *text)
{
	static const char *const wide[] = {"\xef\xbc\x9d" /* ＝ */, "\xef\xbc\x8b" /* ＋ */, "\xef\xbc\x8d" /* － */, "\xef\xbc\xa0" /* ＠ */};

	if (*text == '\t' || *text == '\r' || *text == '\n')
		return true;
	text += strspn(text, " \xc2\xa0");
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (strncmp(text, wide[i], strlen(wide[i])) == 0)
			return true;
	return *text && strchr("=+-@|%", *text) != NULL;
}

static int cell(struct buf *out, const char *text)
{
	if (buf_addc(out, '"') < 0 || (is_formula(text) && buf_addc(out, '\'') < 0))
		return -1;
	for (; *text; text++) {
		/* Line ends and other control characters have no business in a cell. */
		char c = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
		if ((c == '"' && buf_addc(out, '"') < 0) || buf_addc(out, c) < 0)
			return -1;
	}
	return buf_addc(out, '"');
}

int csv_line(struct buf *out, const char *const *texts, size_t n)
{
	size_t before = out->len;

	for (size_t i = 0; i < n; i++) {
		if ((i && buf_addc(out, ',') < 0) || cell(out, texts[i] ? texts[i] : "") < 0)
			goto full;
	}
	if (buf_adds(out, "\r\n") == 0)
		return 0;
full:
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}
