/* The words of each format, as a reader sees them; and that they arrive at the detectors, through libclamav, in every charset. */
#include "scan/plain.h"
#include "scan/text/formats.h"
#include "tests/unit/scan_harness.h"

#include <gsf/gsf-outfile-msole.h>
#include <gsf/gsf-output-memory.h>
#include <gsf/gsf-utils.h>
#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define CARD_A "4111" "1111"
#define CARD_B "1111" "1111"

static void encode(struct buf *out, const char *charset, const char *utf8)
{
	iconv_t cd = iconv_open(charset, "UTF-8");
	char chunk[4096], *in = (char *)(uintptr_t)utf8, *o = chunk;
	size_t len = strlen(utf8), left = sizeof(chunk);

	assert_true(cd != (iconv_t)-1);
	assert_true(iconv(cd, &in, &len, &o, &left) != (size_t)-1);
	iconv(cd, NULL, NULL, &o, &left);
	iconv_close(cd);
	buf_add(out, chunk, (size_t)(o - chunk));
}

static void xml(const char *in, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);

	plain_xml(&b, in, strlen(in));
	assert_string_equal(buf_str(&b), want);
}

static void test_xml(void **state)
{
	_cleanup_buf_ struct buf wide = BUF_INIT(4096);
	static const char mixed[] = "ｶﾞ１２㈱か\xe3\x82\x99漢 １２ー３４−５６‐７ カードー １ー";

	xml("<w:p><w:r><w:t>" CARD_A "</w:t></w:r><w:proofErr w:type=\"x\"/><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">" CARD_B
	    "</w:t></w:r></w:p><w:p><w:t>&#x30AB;&amp;</w:t></w:p>", CARD_A CARD_B "\nカ&\n");
	xml("<w:tbl><w:tr><w:tc><w:p><w:t>a</w:t></w:p></w:tc><w:tc><w:p><w:t>b</w:t></w:p></w:tc></w:tr></w:tbl>", "a\tb\n");
	xml("<sst><si><r><t>12</t></r><r><rPr><b/></rPr><t>34</t></r><rPh sb=\"0\"><t>ヨミ</t></rPh></si><si><t>x</t></si></sst>", "1234\nx\n");
	xml("<row r=\"1\"><c r=\"A1\" t=\"s\"><v>7</v></c><c r=\"B1\"><v>123</v></c></row><row><c><v>5</v></c></row>", "\t123\n5\n");
	xml("<text:p>a<text:span>b</text:span><text:s/>c<text:tab/>d</text:p><text:h>e</text:h>", "ab c\td\ne\n");
	xml("<a:p><a:r><a:t>12</a:t></a:r><a:r><a:t>34</a:t></a:r></a:p>", "1234\n");
	xml("<person><no>12</no><zip>34</zip><!-- 5 < 6 --><x a=\"1\"/><![CDATA[a<b]]></person>", "12\n34\na<b\n");
	plain_normal(&wide, mixed, strlen(mixed));
	assert_string_equal(buf_str(&wide), "ガ12(株)が漢 12-34-56-7 カードー 1ー");
	buf_clear(&wide);
	plain_normal(&wide, "a\xff\xe3\x81", 4);
	assert_string_equal(buf_str(&wide), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void pdf(const char *const *streams, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	struct pdf_text *p = pdf_text_new();

	for (; *streams; streams++)
		pdf_text_add(p, *streams, strlen(*streams));
	pdf_text_end(p, &b);
	pdf_text_free(p);
	if (strcmp(buf_str(&b), want) != 0)
		fail_msg("<%s> for <%s>", buf_str(&b), want);
}
#define PDF(want, ...) pdf((const char *const[]){__VA_ARGS__, NULL}, want)

static void test_pdf(void **state)
{
	static const char map[] = "begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0003> <30DE> <0004> <30A4> endbfchar "
				  "2 beginbfrange <0010> <0019> <0030> <0020> <0021> [<90FD> <5E9C>] endbfrange";
	static const char other[] = "1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <21> <2A> <0030> endbfrange";

	PDF("\n" CARD_A "1111 1111\na)b", "BT /F1 12 Tf [(4111)-20(" "1111" ")10(1111 1111)] TJ T* (a\\)b) Tj ET");
	PDF("\na b", "BT /F1 12 Tf [(a)-300(b)] TJ ET");
	/* The table comes behind the page, or before it. */
	PDF("\nマイ123", "BT /F1 12 Tf <00030004001100120013> Tj ET", map);
	PDF("\nマイ123", map, "BT /F1 12 Tf <00030004> Tj <0011> Tj <00120013> Tj ET");
	PDF("\n都府", map, "BT /F1 9 Tf <00200021> Tj ET");
	/* Two fonts, each with the table that knows its codes; a third one without any. */
	PDF("\nマイ012abc", map, other, "BT /F1 12 Tf <00030004> Tj /F2 12 Tf (!\"#) Tj /F3 12 Tf (abc) Tj ET");
	/* Of two tables that know its codes the smaller one, which was made for it. */
	PDF("\nマイ", "begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0000> <00FF> <0100> endbfrange", map, "BT /F1 12 Tf <00030004> Tj ET");
	/* Runs of a line, each placed; a gap is a space, another line a line. */
	PDF("\n1234 9\nx", "BT /F1 10 Tf 1 0 0 1 50 700 Tm (12) Tj ET BT /F1 10 Tf 1 0 0 1 61 700 Tm (34) Tj ET BT 1 0 0 1 200 700 Tm (9) Tj 0 -12 Td (x) Tj ET");
	PDF("\nあ1", "BT /F1 12 Tf <30420031> Tj ET"); /* UTF-16 by a predefined table */
	/* Kanji alone, in a font whose other words tell that it is UTF-16, and by themselves. */
	PDF("\n極秘\nあ1", "BT /F1 12 Tf <697579D8> Tj T* <30420031> Tj ET");
	PDF("\n社外秘", "BT /F1 12 Tf <793E591679D8> Tj ET");
	PDF("\nPassport\tNo", "BT /F1 12 Tf (Passport\tNo) Tj ET");
	PDF("\n漢字", "BT /F1 12 Tf (\\212\\277\\216\\232) Tj ET"); /* CP932 */
	PDF("", "q 1 0 0 1 0 0 cm /Im1 Do Q");
}

static void rtf(const char *in, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);

	text_rtf(&b, in, strlen(in));
	assert_string_equal(buf_str(&b), want);
}

static void test_rtf(void **state)
{
	rtf("{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 Mincho;}}\\f0 \\'83\\'7d\\'83\\'43 " CARD_A "{\\b " CARD_B "}\\par a\\cell b\\row}", "マイ " CARD_A CARD_B "\na\tb\n");
	rtf("{\\rtf1\\uc1 \\u12510?\\u-28411?x\\uc0\\u12452 y{\\*\\generator z;}{\\pict 00ff}\\{\\}}", "マ鄅xイy{}");
	rtf("{\\rtf1 a\\bin3 xyzb", "ab");
}

static void record(struct buf *b, unsigned type, const void *data, size_t len)
{
	const uint8_t head[] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)len, (uint8_t)(len >> 8)};

	buf_add(b, head, 4);
	buf_add(b, data, len);
}

static void workbook(struct buf *b)
{
	static const uint8_t bof[] = {0, 6, 5, 0, 0, 0, 0, 0}, sheet[] = {0, 6, 0x10, 0, 0, 0, 0, 0};
	/* Two texts: マイ12 in UTF-16, cut after its second character, and abc in one byte each. */
	static const uint8_t sst[] = {2, 0, 0, 0, 2, 0, 0, 0, 4, 0, 1, 0xde, 0x30, 0xa4, 0x30}, more[] = {0, '1', '2', 3, 0, 0, 'a', 'b', 'c'};
	static const uint8_t cell_a[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, cell_b[] = {1, 0, 0, 0, 0, 0, 1, 0, 0, 0}, rk[] = {1, 0, 1, 0, 0, 0, 0x1a, 0, 0, 0};
	uint8_t number[14] = {0, 0, 1, 0};
	double v = 123456789018.0;

	memcpy(number + 6, &v, 8);
	record(b, 0x809, bof, sizeof(bof));
	record(b, 0xfc, sst, sizeof(sst));
	record(b, 0x3c, more, sizeof(more));
	record(b, 0x809, sheet, sizeof(sheet));
	record(b, 0xfd, cell_a, sizeof(cell_a));
	record(b, 0x203, number, sizeof(number));
	record(b, 0xfd, cell_b, sizeof(cell_b));
	record(b, 0x27e, rk, sizeof(rk));
}

static void test_biff(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536), out = BUF_INIT(65536);

	workbook(&b);
	text_biff(&out, (const uint8_t *)b.data, b.len);
	assert_string_equal(buf_str(&out), "\nマイ12\t123456789018\nabc\t6\n");
}

static void add_stream(GsfOutfile *file, const char *name, const void *data, size_t len)
{
	GsfOutput *o = gsf_outfile_new_child(file, name, FALSE);

	assert_true(gsf_output_write(o, len, data));
	gsf_output_close(o);
	g_object_unref(o);
}

static void take(GsfOutput *sink, GsfOutfile *file, struct buf *out)
{
	gsf_output_close(GSF_OUTPUT(file));
	buf_add(out, gsf_output_memory_get_bytes(GSF_OUTPUT_MEMORY(sink)), (size_t)gsf_output_size(sink));
	g_object_unref(file);
	g_object_unref(sink);
}

/* Word: two pieces, the first one in UTF-16 with a cell mark, the second in bytes. */
static void word_file(struct buf *out)
{
	GsfOutput *sink = gsf_output_memory_new();
	GsfOutfile *file = gsf_outfile_msole_new(sink);
	uint8_t doc[2048] = {0xec, 0xa5}, table[64] = {2, 28};
	_cleanup_buf_ struct buf text = BUF_INIT(256);

	encode(&text, "UTF-16LE", "個人番号\a1234");
	memcpy(doc + 1024, text.data, text.len);
	memcpy(doc + 1536, "56789018\r", 9);
	doc[0x1a6] = 33; /* the table's size, at its beginning */
	const uint32_t cps[] = {0, 9, 18}, fcs[] = {1024, 1536 * 2 | 0x40000000};
	memcpy(table + 5, cps, sizeof(cps));
	memcpy(table + 5 + 12 + 2, &fcs[0], 4);
	memcpy(table + 5 + 20 + 2, &fcs[1], 4);
	add_stream(file, "WordDocument", doc, sizeof(doc));
	add_stream(file, "0Table", table, sizeof(table));
	take(sink, file, out);
}

static void test_ole2(void **state)
{
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(65536), book = BUF_INIT(65536), wide = BUF_INIT(256);

	word_file(&file);
	assert_true(text_ole2(&out, (const uint8_t *)file.data, file.len));
	assert_string_equal(buf_str(&out), "個人番号\t123456789018\n");
	/* A book, slides and a message in one file: it is read as each. */
	GsfOutput *sink = gsf_output_memory_new();
	GsfOutfile *f = gsf_outfile_msole_new(sink);
	uint8_t slides[64] = {0x0f, 0, 0xe8, 3, 30, 0, 0, 0, 0, 0, 0xa0, 0x0f, 4, 0, 0, 0}, properties[32] = {0};
	encode(&wide, "UTF-16LE", "秘密");
	memcpy(slides + 16, wide.data, 4);
	memcpy(slides + 20, "\0\0\xa8\x0f\x02\0\0\0ok", 10);
	workbook(&book);
	add_stream(f, "Workbook", book.data, book.len);
	add_stream(f, "PowerPoint Document", slides, 38);
	add_stream(f, "__properties_version1.0", properties, sizeof(properties));
	add_stream(f, "__substg1.0_0037001F", wide.data, 4);
	buf_clear(&file);
	take(sink, f, &file);
	buf_clear(&out);
	assert_true(text_ole2(&out, (const uint8_t *)file.data, file.len));
	assert_string_equal(buf_str(&out), "\nマイ12\t123456789018\nabc\t6\n秘密\nok\n秘密\n");
	assert_false(text_ole2(&out, (const uint8_t *)"not one", 7));
}

/* ---- through libclamav ---- */

static void put16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8 & 0xff));
}

static void put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16);
}

/* A ZIP with its members stored: name, content, …, NULL. */
static void zip(struct buf *out, const char *const *members)
{
	_cleanup_buf_ struct buf directory = BUF_INIT(1 << 16);
	unsigned n = 0;

	for (; *members; members += 2, n++) {
		size_t name = strlen(members[0]), size = strlen(members[1]);
		uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)members[1], (unsigned)size), at = (uint32_t)out->len;
		for (int k = 0; k < 2; k++) {
			struct buf *b = k ? &directory : out;
			put32(b, k ? 0x02014b50 : 0x04034b50);
			if (k)
				put16(b, 20);
			put16(b, 20), put16(b, 0), put16(b, 0), put32(b, 0x5a210000), put32(b, crc), put32(b, (uint32_t)size), put32(b, (uint32_t)size);
			put16(b, (unsigned)name), put16(b, 0);
			if (k)
				put16(b, 0), put16(b, 0), put16(b, 0), put32(b, 0), put32(b, at);
			buf_add(b, members[0], name);
			if (!k)
				buf_add(b, members[1], size);
		}
	}
	uint32_t at = (uint32_t)out->len;
	buf_add(out, directory.data, directory.len);
	put32(out, 0x06054b50), put32(out, 0), put16(out, n), put16(out, n), put32(out, (uint32_t)directory.len), put32(out, at), put16(out, 0);
}

static const struct scan_hit *find(struct harness *h, const void *data, size_t len, const char *id)
{
	static struct scan_reply r;

	harness_scan(h, "t", data, len, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	for (int i = 0; i < r.n_hits; i++)
		if (strcmp(r.hits[i].detector, id) == 0)
			return &r.hits[i];
	return NULL;
}

static void test_documents(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	const struct scan_hit *hit;
	static const char *const types[] = {"[Content_Types].xml", "<?xml version=\"1.0\"?><Types><Override PartName=\"/word/document.xml\" ContentType=\"x\"/></Types>"};

	zip(&b, (const char *const[]){types[0], types[1], "_rels/.rels", "<?xml version=\"1.0\"?><Relationships/>", "word/document.xml",
		"<?xml version=\"1.0\"?><w:document><w:p><w:r><w:t>マイナンバー１２３４</w:t></w:r><w:r><w:t>５６７８</w:t></w:r><w:r><w:t>９０１８</w:t></w:r></w:p></w:document>", NULL});
	hit = find(h, b.data, b.len, "my_number");
	assert_non_null(hit);
	assert_true(hit->near);
	assert_int_equal(hit->count, 1);
	/* The words above the numbers lie in another part of a spreadsheet. */
	buf_clear(&b);
	zip(&b, (const char *const[]){types[0], "<?xml version=\"1.0\"?><Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"x\"/></Types>", "xl/worksheets/sheet1.xml",
		"<?xml version=\"1.0\"?><worksheet><row><c t=\"s\"><v>0</v></c></row><row><c><v>" "123456" "789018</v></c></row></worksheet>", "xl/sharedStrings.xml",
		"<?xml version=\"1.0\"?><sst><si><t>個人番号</t></si></sst>", NULL});
	hit = find(h, b.data, b.len, "my_number");
	assert_true(hit && hit->near);
	/* Seven digits are an account's where the file has a column of them. */
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		zip(&b, (const char *const[]){types[0], "<?xml version=\"1.0\"?><Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"x\"/></Types>", "xl/worksheets/sheet1.xml",
			"<?xml version=\"1.0\"?><worksheet><row><c t=\"s\"><v>0</v></c></row><row><c><v>" "1234" "567</v></c></row></worksheet>", "xl/sharedStrings.xml",
			i ? "<?xml version=\"1.0\"?><sst><si><t>口座番号</t></si></sst>" : "<?xml version=\"1.0\"?><sst><si><t>支店別売上</t></si></sst>", NULL});
		hit = find(h, b.data, b.len, "bank_account");
		assert_true(i ? hit && hit->near : !hit);
	}
	buf_clear(&b);
	word_file(&b);
	hit = find(h, b.data, b.len, "my_number");
	assert_true(hit && hit->near);
	static const char page[] = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n"
		"4 0 obj<</Length 60>>stream\nBT /F1 12 Tf (credit card 4111" "1111) Tj (11111111) Tj ET    \nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
		letter[] = "{\\rtf1\\ansi\\ansicpg932 \\'83\\'7d\\'83\\'43\\'83\\'69\\'83\\'93\\'83\\'6f\\'81\\'5b 1234{\\b 5678}9018\\par}";
	hit = find(h, page, strlen(page), "payment_card");
	assert_true(hit && hit->near);
	hit = find(h, letter, strlen(letter), "my_number");
	assert_true(hit && hit->near);
}

static void test_tables(void **state)
{
	static const char *const charsets[] = {"UTF-8", "CP932", "EUC-JP", "ISO-2022-JP", "UTF-16", "UTF-16LE"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
		encode(&b, charsets[i], "氏名,所属,備考,マイナンバー,入社日\r\n山田太郎,営業部第一営業課,なし,１２３４−５６７８−９０１８,2020/04/01\r\n"
					"佐藤花子,総務部人事課採用担当,短時間勤務のため出社は火曜日と木曜日のみとなります。連絡は部長を通してください,123456789018,2021/04/01\r\n");
		const struct scan_hit *hit = find(h, b.data, b.len, "my_number");
		if (!hit || !hit->near || hit->count != 2 || hit->distinct != 1)
			fail_msg("%s: %d %d", charsets[i], hit ? hit->count : 0, hit ? hit->distinct : 0);
	}
}

static int setup(void **state)
{
	static struct harness h;
	struct scan_info info;

	harness_init(&h);
	harness_start(&h);
	*state = &h;
	return harness_ready(&h, &info) ? 0 : -1;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_pdf),
		cmocka_unit_test(test_rtf),
		cmocka_unit_test(test_biff),
		cmocka_unit_test(test_ole2),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_tables),
	};

	harness_main(argc, argv);
	gsf_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
