/* Text of binary office files; see formats.h. libgsf follows the sectors; what the streams hold is read here as far as it is text.
 *
 * Sources: [MS-DOC] 2.5.1 (FIB), 2.8.35 (pieces), [MS-XLS] 2.4 (records), 2.5.293 (strings), [MS-PPT] 2.9 (text atoms),
 * [MS-OXMSG] 2.4 (properties). */
#include "scan/text/formats.h"

#include "scan/charset.h"

#include <gsf/gsf-infile-msole.h>
#include <gsf/gsf-infile.h>
#include <gsf/gsf-input-memory.h>
#include <string.h>

#define STREAM_MAX (64u << 20)
#define MAX_PARTS 20000 /* of text in one file, or properties */
#define MAX_DEPTH 8

struct bytes {
	const uint8_t *d;
	size_t len;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* The whole stream, in memory that the caller frees. */
static uint8_t *read_stream(GsfInput *in, size_t *ret_len)
{
	gsf_off_t size = in ? gsf_input_size(in) : 0;

	if (size <= 0 || size > STREAM_MAX)
		return NULL;
	uint8_t *d = malloc((size_t)size);
	if (d && !gsf_input_read(in, (size_t)size, d)) {
		free(d);
		return NULL;
	}
	*ret_len = (size_t)size;
	return d;
}

static uint8_t *read_named(GsfInfile *file, const char *name, size_t *ret_len)
{
	GsfInput *in = gsf_infile_child_by_name(file, name);
	uint8_t *d = read_stream(in, ret_len);

	if (in)
		g_object_unref(in);
	return d;
}

/* Marks of Word for cells, fields and the like are no words. */
static void add_utf16(struct buf *out, const uint8_t *d, size_t bytes)
{
	_cleanup_buf_ struct buf clean = BUF_INIT(bytes + 2);

	for (size_t i = 0; i + 1 < bytes; i += 2) {
		uint16_t c = get16(d + i);
		if (c == 0x07)
			c = '\t';
		else if (c == 0x0d || c == 0x0b || c == 0x0c || c == 0)
			c = '\n';
		else if (c < 0x20 && c != '\t' && c != '\n')
			continue;
		else if (c == 0x1e || c == 0x2011)
			c = '-';
		buf_addc(&clean, (char)(c & 0xff));
		buf_addc(&clean, (char)(c >> 8));
	}
	if (clean.len)
		charset_to_utf8(out, "utf-16le", clean.data, clean.len);
}

static void add_bytes(struct buf *out, const char *charset, const uint8_t *d, size_t n)
{
	_cleanup_buf_ struct buf clean = BUF_INIT(n);

	for (size_t i = 0; i < n; i++)
		if (d[i] == 0x07)
			buf_addc(&clean, '\t');
		else if (d[i] == 0x0d || d[i] == 0x0b || d[i] == 0x0c || d[i] == 0)
			buf_addc(&clean, '\n');
		else if (d[i] >= 0x20 || d[i] == '\t' || d[i] == '\n')
			buf_addc(&clean, (char)d[i]);
	if (clean.len)
		charset_to_utf8(out, charset, clean.data, clean.len);
}

/* ---- Word ---- */

/* The table of pieces: where each lies in the document's stream, and whether it has one byte a character or two. */
static void add_pieces(struct buf *out, struct bytes doc, const uint8_t *table, size_t len)
{
	size_t n = len >= 16 ? (len - 4) / 12 : 0;

	for (size_t i = 0; i < n && i < MAX_PARTS; i++) {
		uint32_t from = get32(table + 4 * i), to = get32(table + 4 * (i + 1)), fc = get32(table + 4 * (n + 1) + 8 * i + 2);
		bool narrow = (fc & 0x40000000) != 0;
		uint64_t at = narrow ? (fc & 0x3fffffff) / 2 : fc & 0x3fffffff, bytes = (uint64_t)(to - from) * (narrow ? 1 : 2);
		if (to < from || at > doc.len)
			continue;
		if (bytes > doc.len - at)
			bytes = doc.len - at;
		if (narrow)
			add_bytes(out, "CP1252", doc.d + at, (size_t)bytes);
		else
			add_utf16(out, doc.d + at, (size_t)bytes);
	}
}

static void read_word(struct buf *out, GsfInfile *file, struct bytes doc)
{
	size_t len = 0;

	if (doc.len < 0x200)
		return;
	if (get16(doc.d) != 0xa5ec) {
		/* Word 95 and before: one run of bytes in some code page. */
		uint32_t from = get32(doc.d + 0x18), to = get32(doc.d + 0x1c);
		if (from < to && to <= doc.len)
			add_bytes(out, "", doc.d + from, to - from);
		return;
	}
	uint8_t *table = read_named(file, get16(doc.d + 0x0a) & 0x0200 ? "1Table" : "0Table", &len);
	uint32_t at = get32(doc.d + 0x1a2), size = get32(doc.d + 0x1a6);
	if (table && at <= len && size <= len - at) {
		const uint8_t *p = table + at, *end = p + size;
		while (end - p > 5 && *p == 1)
			p += 3 + get16(p + 1) < end - p ? 3 + get16(p + 1) : end - p;
		if (end - p > 5 && *p == 2) {
			uint32_t n = get32(p + 1);
			add_pieces(out, doc, p + 5, n <= (size_t)(end - p - 5) ? n : (size_t)(end - p - 5));
		}
	}
	free(table);
}

/* ---- PowerPoint ---- */

static void read_slides(struct buf *out, const uint8_t *d, size_t len, int depth)
{
	for (size_t at = 0; at + 8 <= len;) {
		uint16_t kind = get16(d + at), type = get16(d + at + 2);
		size_t n = get32(d + at + 4);
		at += 8;
		if (n > len - at)
			n = len - at;
		if ((kind & 0x0f) == 0x0f && depth < MAX_DEPTH) {
			read_slides(out, d + at, n, depth + 1);
		} else if (type == 0x0fa0 || type == 0x0fba) {
			add_utf16(out, d + at, n);
			buf_addc(out, '\n');
		} else if (type == 0x0fa8) {
			add_bytes(out, "CP1252", d + at, n);
			buf_addc(out, '\n');
		}
		at += n;
	}
}

/* ---- Outlook ---- */

/* Properties are streams of their own, named by number and type; those of recipients and attachments lie in folders. */
static void read_message(struct buf *out, GsfInfile *folder, int depth, int *budget)
{
	for (int i = 0, n = gsf_infile_num_children(folder); i < n && --*budget > 0; i++) {
		GsfInput *child = gsf_infile_child_by_index(folder, i);
		const char *name = gsf_infile_name_by_index(folder, i);
		size_t len = 0;
		uint8_t *d = NULL;
		if (child && GSF_IS_INFILE(child) && gsf_infile_num_children(GSF_INFILE(child)) > 0 && depth < MAX_DEPTH)
			read_message(out, GSF_INFILE(child), depth + 1, budget);
		else if (name && strncmp(name, "__substg1.0_", 12) == 0 && strlen(name) == 20 && (d = read_stream(child, &len))) {
			if (strcmp(name + 16, "001F") == 0)
				add_utf16(out, d, len);
			else if (strcmp(name + 16, "001E") == 0)
				add_bytes(out, "", d, len);
			buf_addc(out, '\n');
		}
		free(d);
		if (child)
			g_object_unref(child);
	}
}

bool text_ole2(struct buf *out, const uint8_t *data, size_t len)
{
	static const char *const names[] = {"WordDocument", "Workbook", "Book", "PowerPoint Document", "DocumentText"};
	GsfInput *memory = gsf_input_memory_new(data, (gsf_off_t)len, FALSE);
	GsfInfile *file = memory ? gsf_infile_msole_new(memory, NULL) : NULL;
	int budget = MAX_PARTS;
	bool known = false;

	for (size_t i = 0; file && i < ARRAY_SIZE(names); i++) {
		size_t n = 0;
		uint8_t *d = read_named(file, names[i], &n);
		known |= d != NULL;
		if (d && i == 0)
			read_word(out, file, (struct bytes){d, n});
		else if (d && i < 3)
			text_biff(out, d, n);
		else if (d && i == 3)
			read_slides(out, d, n, 0);
		else if (d)
			charset_to_utf8(out, "utf-16", d, n); /* Ichitaro, whose text stands in one piece */
		free(d);
	}
	GsfInput *properties = file ? gsf_infile_child_by_name(file, "__properties_version1.0") : NULL;
	if (properties) {
		g_object_unref(properties);
		read_message(out, file, 0, &budget);
		known = true;
	}
	if (file)
		g_object_unref(file);
	if (memory)
		g_object_unref(memory);
	return known;
}
