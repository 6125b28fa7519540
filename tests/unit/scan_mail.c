/* Mails in every charset that they come in, with names and links as a person reads them; names and what they betray. */
#include "scan/charset.h"
#include "scan/mail.h"
#include "scan/names.h"
#include "scan/words.h"

#include "base/encode.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

static void word(struct buf *out, const char *charset, const char *real, const char *utf8)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(4096);

	encode(&raw, real, utf8);
	buf_addf(out, "=?%s?B?", charset);
	base64_encode(out, raw.data, raw.len);
	buf_adds(out, "?=");
}

static void check_text(const char *charset, const void *bytes, size_t len, const char *want)
{
	_cleanup_buf_ struct buf out = BUF_INIT(4096);

	charset_to_utf8(&out, charset, bytes, len);
	assert_string_equal(buf_str(&out), want);
}

#define CHECK(charset, bytes, want) check_text(charset, bytes, sizeof(bytes) - 1, want)

static void test_charsets(void **state)
{
	static const char *const japanese[][2] = {{"ISO-2022-JP", "ISO-2022-JP"}, {"Shift_JIS", "CP932"}, {"x-sjis", "CP932"},
		{"EUC-JP", "EUC-JP"}, {"UTF-8", "UTF-8"}, {"GB18030", "GB18030"}, {"gb2312", "GBK"}, {"utf-16le", "UTF-16LE"},
		{"utf-16", "UTF-16BE"}, {"utf-16", "UTF-16LE"}, {"", "UTF-8"}, {"", "ISO-2022-JP"}, {"us-ascii", "EUC-JP"},
		{"", "CP932"}, {"no-such-charset", "UTF-8"}, {"utf-8", "CP932"}};

	for (size_t i = 0; i < ARRAY_SIZE(japanese); i++) {
		_cleanup_buf_ struct buf raw = BUF_INIT(4096);
		encode(&raw, japanese[i][1], "請求書のご確認をお願いします。123");
		check_text(japanese[i][0], raw.data, raw.len, "請求書のご確認をお願いします。123");
	}
	CHECK("", "\x83\x7d\x83\x43\x83\x69\x83\x93\x83\x6f\x81\x5b", "マイナンバー"); /* CP932 that EUC's table takes, too */
	CHECK("big5", "\xb5\x6f\xb2\xbc", "發票");
	CHECK("koi8-r", "\xf3\xde\xa3\xd4", "Счёт");
	/* Outlook's ISO-2022-JP: row 13, half-width kana, and no way back to ASCII before the line's end. */
	CHECK("iso-2022-jp", "\x1b$B-!-j\x1b(B 1", "①㈱ 1");
	CHECK("iso-2022-jp", "\x1b(I1\x1b(B2", "ｱ2");
	CHECK("iso-2022-jp", "\x1b$B4A;z\nabc", "漢字\nabc");
	CHECK("iso-2022-jp", "$B4A;z(B abc", "漢字 abc"); /* the escape bytes are lost */
	CHECK("iso-2022-jp", "\x1b$B4A;", "漢;");         /* cut within a character */
	_cleanup_buf_ struct buf words = BUF_INIT(4096);
	/* Padding in the first of two words; a character cut between them; what Outlook writes; a comma within a word. */
	words_read(&words, "=?utf-8?B?44GCYQ==?=\r\n =?UTF-8?B?44GE?= =?utf-8?B?44E=?= =?utf-8?B?hg==?= x", false);
	assert_string_equal(buf_str(&words), "あaいう x");
	buf_clear(&words);
	words_read(&words, "=?ISO-2022-JP?B?GyRCLWobKEI=?= =?cp932?Q?=8A=BF_b?=  =?bad", false);
	assert_string_equal(buf_str(&words), "㈱漢 b  =?bad");
	buf_clear(&words);
	words_read(&words, "=?utf-8?Q?a=2C_=22b=22?= <c@d.example>", true);
	assert_string_equal(buf_str(&words), "=?utf-8?B?YSwgImIi?= <c@d.example>");
	CHECK("utf-8", "a\xff" "b", "a\xef\xbf\xbd" "b");
	CHECK("cp932", "\x8a\xbf\x8e", "漢\xef\xbf\xbd");
}

static void build(struct buf *m, const char *charset, const char *real)
{
	_cleanup_buf_ struct buf page = BUF_INIT(8192), text = BUF_INIT(8192);

	encode(&text, real, "ご確認ください。https://evil.example/login?x=1をクリック。");
	encode(&page, real, "<p>銀行<a href=\"http&#58;//evil.example/a\">https://bank.example/ <b>ログイン</b></a><script>x</script>"
		"<form action='https://evil.example/f'></form> www.plain.example です");
	buf_adds(m, "Return-Path: <bounce@evil.example>\r\nAuthentication-Results: mx.aoba.example; spf=fail;\r\n dmarc=fail\r\n"
		"Authentication-Results: inner; spf=pass\r\nDate: Sat, 28 Nov 2026 09:00:00 +0900\r\nMessage-ID: <x1@evil.example>\r\n"
		"List-Id: <news.evil.example>\r\nFrom: ");
	word(m, charset, real, "山田 太郎");
	buf_adds(m, " <taro@evil.example>\r\nReply-To: reply@other.example\r\nTo: g: c@aoba.example, d@aoba.example;\r\nSubject: ");
	word(m, charset, real, "【重要】請求書");
	buf_adds(m, "\r\n ");
	word(m, charset, real, "の件");
	buf_adds(m, "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\npre\r\n--=_b\r\n");
	buf_addf(m, "Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", charset);
	base64_encode(m, text.data, text.len);
	buf_addf(m, "\r\n--=_b\r\nContent-Type: text/html; charset=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", charset);
	base64_encode(m, page.data, page.len);
	buf_adds(m, "\r\n--=_b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
		"filename*0*=utf-8''%E8%AB%8B; filename*1*=%E6%B1%82%E6%9B%B8.pdf\r\n\r\none\r\n--=_b\r\nContent-Type: text/csv; name=\"");
	word(m, charset, real, "見積書.csv");
	buf_adds(m, "\"\r\n\r\ntwo\r\n--=_b\r\nContent-Disposition: attachment; filename=\"");
	encode(m, "CP932", "表計算ソ.doc");
	buf_adds(m, "\"\r\n\r\nthree\r\n--=_b\r\nContent-Disposition: attachment; filename=\"");
	encode(m, "ISO-2022-JP", "写真.jpg");
	buf_adds(m, "\"\r\n\r\nfour\r\n--=_b--\r\nbehind the last one\r\n");
}

static bool has_link(const struct links *l, const char *url, const char *text)
{
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->list[i].url, url) == 0 && strcmp(l->list[i].text, text) == 0)
			return true;
	return false;
}

static void test_mail(void **state)
{
	static const char *const charsets[][2] = {{"iso-2022-jp", "ISO-2022-JP"}, {"Shift_JIS", "CP932"}, {"euc-jp", "EUC-JP"},
		{"utf-8", "UTF-8"}, {"gb18030", "GB18030"}};

	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT(65536);
		struct scan_link list[SCAN_MAX_LINKS];
		struct links links = {.list = list};
		struct scan_mail h = {0};
		struct mail m;

		build(&b, charsets[i][0], charsets[i][1]);
		assert_true(mail_is((const uint8_t *)b.data, b.len));
		assert_int_equal(mail_read((const uint8_t *)b.data, b.len, 0, 100, &h, &links, &m), 0);
		assert_string_equal(h.subject, "【重要】請求書の件");
		assert_string_equal(h.message_id, "x1@evil.example");
		assert_string_equal(h.list_id, "<news.evil.example>");
		assert_int_equal(h.date, 1795824000000);
		assert_int_equal(h.n_addresses, 5);
		assert_string_equal(h.addresses[0].name, "山田 太郎");
		assert_string_equal(h.addresses[0].address, "taro@evil.example");
		assert_int_equal(h.addresses[1].field, SCAN_FIELD_REPLY_TO);
		assert_string_equal(h.addresses[2].address, "bounce@evil.example");
		assert_string_equal(h.addresses[4].address, "d@aoba.example");
		assert_int_equal(h.n_auth, 2);
		assert_string_equal(h.auth[0].server, "mx.aoba.example");
		assert_int_equal(h.auth[0].spf, SCAN_AUTH_FAIL);
		assert_int_equal(h.auth[0].dmarc, SCAN_AUTH_FAIL);
		assert_string_equal(h.auth[1].server, "inner");
		assert_int_equal(h.auth[1].spf, SCAN_AUTH_PASS);
		assert_int_equal(m.n_leaves, 6);
		assert_memory_equal(buf_str(&m.text) + m.leaves[0].text_at, "ご確認", strlen("ご確認"));
		assert_null(memmem(buf_str(&m.text), m.text.len, "script", 6));
		assert_string_equal(m.leaves[2].name, "請求書.pdf");
		assert_string_equal(m.leaves[3].name, "見積書.csv");
		assert_string_equal(m.leaves[4].name, "表計算ソ.doc");
		assert_string_equal(m.leaves[5].name, "写真.jpg");
		assert_true(has_link(&links, "https://evil.example/login?x=1", "https://evil.example/login?x=1"));
		assert_true(has_link(&links, "http://evil.example/a", "https://bank.example/ ログイン"));
		assert_true(has_link(&links, "https://evil.example/f", ""));
		assert_true(has_link(&links, "www.plain.example", "www.plain.example"));
		assert_int_equal(links.n, 4);
		assert_int_equal(m.n_asides, 1);
		assert_memory_equal(buf_str(&m.beside) + m.asides[0].at, "behind the last one", m.asides[0].len);
		assert_false(m.behind_padding || m.fragment || m.too_deep || m.too_many);
		mail_free(&m);
	}
}

/* Depth, many parts, many recipients: bounded, and said so. */
static void test_bounds(void **state)
{
	_cleanup_buf_ struct buf deep = BUF_INIT(4 << 20), wide = BUF_INIT(4 << 20);
	struct scan_link list[SCAN_MAX_LINKS];
	struct links links = {.list = list};
	struct scan_mail h = {0};
	struct mail m;

	buf_adds(&deep, "From: a@b.example\r\nTo: x@b.example\r\n");
	for (int i = 0; i < 5000; i++)
		buf_addf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	buf_adds(&deep, "\r\ntext\r\n");
	assert_int_equal(mail_read((const uint8_t *)deep.data, deep.len, 0, 100, &h, &links, &m), 0);
	assert_true(m.too_deep);
	mail_free(&m);
	memset(&h, 0, sizeof(h));
	buf_adds(&wide, "From: last@b.example\r\nTo: ");
	for (int i = 0; i < 3000; i++)
		buf_addf(&wide, "a%d@b.example,\r\n ", i);
	buf_adds(&wide, "z@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 300; i++)
		buf_addf(&wide, "--b\r\n\r\nhttp://h%d.example/\r\n", i);
	assert_int_equal(mail_read((const uint8_t *)wide.data, wide.len, 0, 100, &h, &links, &m), 0);
	assert_true(m.too_many);
	assert_int_equal(m.n_leaves, 100);
	assert_int_equal(h.addresses_seen, 3002);
	assert_int_equal(h.n_addresses, SCAN_MAX_ADDRESSES);
	assert_string_equal(h.addresses[0].address, "last@b.example");
	assert_int_equal(links.n, SCAN_MAX_LINKS);
	assert_int_equal(links.seen, 100);
	mail_free(&m);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool rtl, two, volume;
	} cases[] = {
		{"請求書.pdf", false, false, false},
		{"請求書\xe2\x80\xae" "fdp.exe", true, false, false},
		{"請求書\\u202efdp.exe", true, false, false},
		{"請求書.pdf.exe", false, true, false},
		{"請求書.pdf                .exe", false, true, false},
		{"a/b.pdf/c.exe", false, false, false},
		{"setup.exe", false, false, false},
		{"v1.2.exe", false, false, false},
		{"backup.tar.gz", false, false, false},
		{"a.7z.002", false, false, true},
		{"a.7z.001", false, false, false},
		{"a.z01", false, false, true},
		{"a.r00", false, false, true},
		{"a.part1.rar", false, false, false},
		{"a.part02.rar", false, false, true},
		{"a.zip.010", false, false, true},
		{"x.tar.123", false, false, true},
		{"release.2.123", false, false, false},
		{"photo.123", false, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct name_facts f;
		name_look(cases[i].name, &f);
		if (f.rtl != cases[i].rtl || f.double_extension != cases[i].two || f.later_volume != cases[i].volume)
			fail_msg("%s: %d %d %d", cases[i].name, f.rtl, f.double_extension, f.later_volume);
	}
}

/* Rows are lines, and cells are parted by tabs, however the source is broken. */
static void test_page_tables(void **state)
{
	static const char html[] = "<p>x</p><table>\n <tr>\n  <th>注文番号</th>\n  <th><p>金額</p></th>\n </tr>\n <tr><td>\n   <p>12</p>\n  </td>\n"
				   "  <td><b>3</b>4</td></tr></table><p>y</p>";
	_cleanup_buf_ struct buf text = BUF_INIT(8192);
	static struct scan_link list[SCAN_MAX_LINKS];
	struct links l = {.list = list};

	page_read(html, strlen(html), 0, &text, &l);
	assert_non_null(strstr(buf_str(&text), "\n注文番号\t金額\n"));
	assert_non_null(strstr(buf_str(&text), "\n12\t34\ny"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_tables),
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_names),
	};

	mail_init();
	page_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
