/* Passwords that mails announce, and texts that only speak of passwords (scan/passwords.h). Pure. */
#include "scan/passwords.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_announced(void **state)
{
	static const char *const texts[][2] = {
		{"パスワード：abc123", "abc123"},
		{"パスワード:abc123", "abc123"},
		{"先ほどお送りしたファイルのパスワードです。\n\nAb#12345\n\nよろしくお願いいたします。", "Ab#12345"},
		{"解凍パスワード\n「Ab#12345」", "Ab#12345"},
		{"「Ab12345」がパスワードです。", "Ab12345"},
		{"Here is the password for the archive I just sent:\n\nAb#12345\n", "Ab#12345"},
		{"Use Ab#12345 as the password to unzip it.", "Ab#12345"},
		{"パスワードは abc123 です。", "abc123"},
		{"パスワードはabc123です。", "abc123"},
		{"添付ファイルのパスワードは「さくら2024」です。", "さくら2024"},
		{"解凍パスワードは以下の通りです。\n\nXyz-99\n\nよろしくお願いいたします。", "Xyz-99"},
		{"パスワードをお知らせします。\r\n\r\n■ Kx9!pq_2\r\n\r\n以上", "Kx9!pq_2"},
		{"パスワードは下記のとおりです。\r\n━━━━━━━━\r\n　Kx9!pq_2\r\n━━━━━━━━\r\n", "Kx9!pq_2"},
		{"【パスワード】\r\nhT5-wq8Z\r\n", "hT5-wq8Z"},
		{"パスワードは以下です\n  mitsumori.zip\n  qwerty7\n", "qwerty7"},
		{"【パスワード】hT5-wq8Z\r\n", "hT5-wq8Z"},
		{"[解凍パスワード]: 1234", "1234"},
		{"ﾊﾟｽﾜｰﾄﾞ：abc123", "abc123"},
		{"ＰＷ：ａｂｃ１２３", "abc123"},
		{"PW: abc123", "abc123"},
		{"pw=Zz-11", "Zz-11"},
		{"PW：20240401", "20240401"},
		{"PASS: hogehoge99", "hogehoge99"},
		{"パスワード　abc123", "abc123"},
		{"暗証番号は 8842 になります", "8842"},
		{"The password is abc123.", "abc123"},
		{"The password to open the attached file is: S3cret!", "S3cret!"},
		{"Password: sunshine", "sunshine"},
		{"Password for invoice.zip is \"blue horse 7\"", "blue horse 7"},
		{"The password for the archive is as follows:\n\n   Tr0ub4dor&3\n\nRegards", "Tr0ub4dor&3"},
		{"Password:\nTr0ub4dor&3\n", "Tr0ub4dor&3"},
		{"passcode - below\r\n\r\nQQ77zz\r\n", "QQ77zz"},
		{"解凍用PW→ab12cd", "ab12cd"},
		{"パスワード（半角英数）：ab12cd", "ab12cd"},
		{"パスワード：<ab12cd>", "ab12cd"},
		{"パスワード：ab12cd（大文字小文字を区別します）", "ab12cd"},
		{"Zipファイルのパスワードは『P@ssw0rd!』となります", "P@ssw0rd!"},
		{"-Xy12 のパスワードではなく、パスワードは次の通りです\n-Xy12\n", "-Xy12"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct passwords p = {0};
		bool found = passwords_find(&p, SCAN_MAX_FOUND, texts[i][0], strlen(texts[i][0])), has = false;
		for (int n = 0; n < p.n; n++)
			has |= strcmp(p.of[n], texts[i][1]) == 0;
		if (!found || !has)
			fail_msg("%s: %d found, first %s", texts[i][0], p.n, p.n ? p.of[0] : "");
	}
}

static void test_spoken_of(void **state)
{
	static const char *const texts[] = {
		"いつもお世話になっております。見積書を送付します。",
		"パスワードは別途メールにてお送りいたします。\n\n山田太郎\nTEL 03-1234-5678\nyamada@example.jp",
		"パスワードは別メールでお送りします。",
		"パスワードをお忘れの方はこちら\nhttps://example.jp/reset",
		"パスワードの再設定は https://example.jp/reset?x=1 からお願いします。",
		"The password will be sent separately.",
		"The password will follow in the next email.\n\nBest regards,\nBob",
		"Your password will expire in 3 days.",
		"Please change your password: https://example.com/change",
		"Password reset\n\nhttps://example.com/reset",
		"This file is password protected.",
		"password: ********",
		"The password is not required",
		"Enter your password below",
		"Compass: north. Passing the exam: good12",
		"PWM: 50Hz and pwd-less login",
		"The spa: wonderful1. map: x1y2z3",
		"パスワードは担当者の内線番号です。ご不明な点は総務まで。",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct passwords p = {0};
		if (passwords_find(&p, SCAN_MAX_FOUND, texts[i], strlen(texts[i])) || p.n)
			fail_msg("%s: announces %s", texts[i], p.n ? p.of[0] : "");
	}
}

static void test_bounds(void **state)
{
	struct passwords p = {0};
	char text[200 * 64] = "";
	size_t n = 0;

	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "password: secret%d\n", i);
	assert_true(passwords_find(&p, SCAN_MAX_FOUND, text, n));
	assert_true(p.n <= SCAN_MAX_FOUND);
	passwords_wipe(&p);
	assert_int_equal(p.n, 0);
	memset(text, 'a', sizeof(text));
	memcpy(text, "password: ", 10);
	assert_false(passwords_find(&p, SCAN_MAX_FOUND, text, sizeof(text)));
	passwords_add(&p, "a", SIZE_MAX);
	passwords_add(&p, "a", SIZE_MAX);
	passwords_add(&p, "", SIZE_MAX);
	assert_int_equal(p.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_announced), cmocka_unit_test(test_spoken_of), cmocka_unit_test(test_bounds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
