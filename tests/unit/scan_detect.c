/* Detectors: check digits, the forms that people write numbers in, look-alikes. What is told never holds the number. Precision
 * and recall are measured in scan_corpus.c. */
#include "scan/detect/checks.h"
#include "scan/detect/detect.h"
#include "scan/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct detect *detect;
static void look(struct scan_reply *r, const char *text)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(1 << 20);

	*r = (struct scan_reply){.n_parts = 1};
	plain_normal(&plain, text, strlen(text));
	detect_begin(detect);
	detect_look(detect, r, 0, DETECT_TEXT, buf_str(&plain), plain.len);
}

static void test_checks(void **state)
{
	/* The networks' test numbers, put together from pieces. */
	static const char *const cards[] = {"411111" "1111111111", "555555" "5555554444", "222300" "3122003222", "378282" "246310005",
		"353011" "1333300000", "305693" "09025904", "601111" "1111111117", "620000" "0000000005"};

	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		char wrong[32];
		assert_true(check_card(cards[i], strlen(cards[i])));
		snprintf(wrong, sizeof(wrong), "%s", cards[i]);
		for (size_t k = 4; k < strlen(wrong); k++) {
			wrong[k] = (char)('0' + (wrong[k] - '0' + 1) % 10);
			assert_false(check_card(wrong, strlen(wrong)));
			wrong[k] = cards[i][k];
		}
	}
	assert_false(check_card("0000000000000000", 16));
	assert_false(check_card("9111111111111111", 16));
	assert_true(check_my_number("123456789018", 12)); /* the example of the ordinance's explanations */
	for (char c = '0'; c <= '9'; c++) {
		char n[] = "12345678901x";
		n[11] = c;
		assert_int_equal(check_my_number(n, 12), c == '8');
	}
	assert_false(check_my_number("000000000000", 12));
	assert_false(check_my_number("1234567890180", 13));
}

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		int cards, numbers;
		bool near;
	} cases[] = {
		{"カード番号: 4111" " 1111 1111 1111 有効期限 12/29", 1, 0, true},
		{"credit card 4111" "-1111-1111-1111", 1, 0, true},
		{"4111" "111111111111", 1, 0, false},
		{"４１１１" "１１１１１１１１１１１１", 1, 0, false},
		{"３７８２　８２２４６３　１０００５", 1, 0, false}, /* full width, with ideographic spaces */
		{"マイナンバー１２３４－５６７８－９０１８", 0, 1, true},
		{"個人番号は1234" "56789018です", 0, 1, true},
		{"1234 5678 9018", 0, 1, false},
		{"a,123456789018,b\n123456789018", 0, 2, false},
		{"山田 123456789018 0312345678", 0, 1, false},
		/* and what only looks like it */
		{"マイナンバー 123456789019", 0, 0, false},
		{"注文番号 123456789018", 0, 0, false},        /* called something else */
		{"4111" " 1111 1111 1112", 0, 0, false},
		{"個人番号 1 2 3 4 5 6 7 8 9 0 1 8", 0, 1, true},   /* a form's boxes */
		{"1 2 3 4 5 6 7 8 9 0 1 8", 0, 0, false},
		{"カード JAN 4512345678906", 0, 0, false},
		{"クレジット 4512345678906", 0, 0, false},      /* an article's number in what was Visa's range of 13 digits */
		{"注文番号,支払方法\n4111" "111111111111,クレジットカード\n4242" "424242424242,クレジットカード", 0, 0, false},
		{"管理番号\tマイナンバー提出日\n123456789018\t2026/4/1", 0, 0, false},
		{"会員番号\tカード番号\n123456789018\t4111" "111111111111", 1, 0, true},
		{"会員番号 (カード番号),名\n4111" "111111111111,a", 1, 0, true},
		{"4111" " 1111-1111 1111", 0, 0, false},          /* not one kind of separator */
		{"id=x4111" "111111111111", 0, 0, false},
		{"4111" "1111111111111234567", 0, 0, false},       /* longer than any */
		{"0.4111" "111111111111", 0, 0, false},
		{"4111" "111111111111.5", 0, 0, false},
		{"https://x.example/4111" "111111111111", 0, 0, false},
		{"a4111" "1111-1111-1111-1111", 0, 0, false},
		{"550e8400-e29b-41d4-a716-123456789018", 0, 0, false},
		{"1234 5678 9018 1234", 0, 0, false},
		{"1234 5678 9018 1234 5678 9018", 0, 0, false},
		{"(03) 1234-5678 9018", 0, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scan_reply r;
		int cards = 0, numbers = 0;
		bool near = false;
		look(&r, cases[i].text);
		for (int k = 0; k < r.n_hits; k++) {
			cards += strcmp(r.hits[k].detector, "payment_card") == 0 ? r.hits[k].count : 0;
			numbers += strcmp(r.hits[k].detector, "my_number") == 0 ? r.hits[k].count : 0;
			near |= r.hits[k].near;
		}
		if (cards != cases[i].cards || numbers != cases[i].numbers || near != cases[i].near)
			fail_msg("%s: %d cards, %d numbers, near %d", cases[i].text, cards, numbers, near);
	}
}

/* What each other detector finds, and its twins: the same signs with another meaning. */
static void test_detectors(void **state)
{
	static const struct {
		const char *text, *detector;
		int count;
		bool near;
	} cases[] = {
		{"登録番号 T7000" "012050002", "corporate_number", 1, true},
		{"法人番号：7-0000-1205" "-0002", "corporate_number", 1, true},
		{"JAN 4901234567894", "corporate_number", 0, false},
		{"運転免許証 第3099" "12345660号", "driving_licence", 1, true},
		{"運転免許証 第3099" "12345650号", "driving_licence", 0, false},
		{"旅券番号 TK1234567", "passport_jp", 1, true},
		{"TK1234567 パスポート", "passport_jp", 1, true},
		{"パスポート TK 1234567", "passport_jp", 1, true},
		{"パスポート NO 1234567", "passport_jp", 0, false},
		{"商品コード TK1234567", "passport_jp", 0, false},
		{"在留カード番号：AB12345678CD", "residence_card", 1, true},
		{"ＡＢ１２３４５６７８ＣＤ", "residence_card", 1, false},
		{"XAB12345678CD", "residence_card", 0, false},
		{"みずほ銀行 青葉支店 普通 1234567 カ）アオバ", "bank_account", 1, true},
		{"口座番号: 7654321", "bank_account", 1, true},
		{"普通 ７６５４３２１\nアオバ銀行", "bank_account", 1, true},
		{"銀行名,支店名,種別,口座番号,名義\n青葉,本店,普通,1234567,カ\n若葉,駅前,普通,2234567,キ", "bank_account", 2, true},
		{"普通郵便でお送りします。番号 1234567", "bank_account", 0, false},
		{"Bank: Aoba, account number 123456789", "bank_account", 1, true},
		{"郵便番号1234567", "bank_account", 0, false},
		{"電話 03-1234-5678", "phone_jp", 1, true},
		{"(03) 1234-5678", "phone_jp", 1, false},
		{"03(1234)5678 / 0120-123-456 / 090-1234-5678 / 0467-12-3456", "phone_jp", 4, false},
		{"+81-3-1234-5678, +81 90 1234 5678, +81 (0)3-1234-5678", "phone_jp", 3, false},
		{"０３ー１２３４ー５６７８", "phone_jp", 1, false},
		{"TEL 0312345678", "phone_jp", 1, true},
		{"0312345678", "phone_jp", 0, false},
		{"2026-11-28 12-34-56 0-123-45678-9 01-02-03 1234-56-7890", "phone_jp", 0, false},
		{"住所: 東京都千代田区霞が関1-2-3", "address_jp", 1, true},
		{"〒150-0002 渋谷区渋谷２丁目３番", "address_jp", 1, true},
		{"大阪府大阪市北区中之島1丁目", "address_jp", 1, false},
		{"東京都では市区町村ごとに異なります。1月から", "address_jp", 0, false},
		{"東京都渋谷区のイベントに12名が参加", "address_jp", 0, false},
		{"IBAN DE89 3704" " 0044 0532 0130 00", "iban", 1, true},
		{"GB29NWBK" "60161331926819.", "iban", 1, false},
		{"FR14 2004 1010" " 0505 0001 3M02 606", "iban", 1, false},
		{"DE89 3704" " 0044 0532 0130 01", "iban", 0, false},
		{"SSN: 219-09" "-9998", "us_ssn", 1, true},
		{"219-09" "-9998", "us_ssn", 1, false},
		{"social security number 2190" "99998", "us_ssn", 1, true},
		{"2190" "99998, 666-12-3456, 912-34-5678, 219-09-9999, 123-00-4567", "us_ssn", 0, false},
		{"AKIA" "Q3EGRZ7LKTBMWY5D", "aws_key", 1, true},
		{"AKIA" "IOSFODNN7EXAMPLE", "aws_key", 0, false},
		{"aws_secret_access_key = wJalr" "XUtnFEMI/K7MDENG/bPxRfiCYzq8Qk3Tn7w", "aws_key", 1, true},
		{"AccountName=a;AccountKey=" "q7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt6ZvQ5XrN3mBpUhCjOaSyGeDl1F0TqIu7wEx4RzV9bKdYcMnHsQ==;x", "azure_key", 1, true},
		{"AIza" "SyD3kQ9xT7mWc1VbN5pRzL8uHf2JgEiAo4w", "gcp_key", 1, true},
		{"token ghp_" "q7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt", "github_token", 1, true},
		{"token ghp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "github_token", 0, false},
		{"glpat-" "q7Hc1zT0oPwVb9sKdEu4", "gitlab_token", 1, true},
		{"xoxb-" "748213905617-8829104736152-q7Hc1zT0oPwVb9sKdEu4YxRf", "slack_token", 1, true},
		{"https://hooks.slack.com/services/" "T0Q7HC1ZT/B9SKDEU4Y/q7Hc1zT0oPwVb9sKdEu4YxRf", "slack_token", 1, true},
		{"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" ".eyJzdWIiOiI5ODc2NSIsIm5hbWUiOiJBb2JhIn0.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ", "jwt", 1, true},
		{"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 は見出しだけ", "jwt", 0, false},
		{"npm_" "q7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt", "npm_token", 1, true},
		{"sk_live_" "q7Hc1zT0oPwVb9sKdEu4YxRf", "stripe_key", 1, true},
		{"sk_test_" "q7Hc1zT0oPwVb9sKdEu4YxRf", "stripe_key", 0, false},
		{"-----BEGIN RSA PRIVATE" " KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\nMIIEowIBAAKCAQEAq7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt6ZvQ5XrN3mBp\n"
		 "UhCjOaSyGeDl1F0TqIu7wEx4RzV9bKdYcMnHs", "private_key", 1, true},
		{"{\"private_key\": \"-----BEGIN PRIVATE" " KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Hc1zT0oPwVb9\\nsKdEu4YxRfMn", "private_key", 1, true},
		{"-----BEGIN PGP PRIVATE" " KEY BLOCK-----\nVersion: GnuPG v2\n\nlQOYBF0Xq7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt6ZvQ5XrN3mBpUhCjOaSyGeDl1F0TqIu7wEx4", "private_key", 1, true},
		{"PuTTY-User-Key-File-3: ssh-ed25519\n\nPrivate-Lines: 1\n\nq7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt6ZvQ5Xr=", "private_key", 1, true},
		{"-----BEGIN RSA PRIVATE" " KEY-----\n...\n-----END RSA PRIVATE" " KEY-----", "private_key", 0, false},
		{"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq7Hc1zT0oPwVb9sKdEu4YxRfMn2JgLiA8kWt6Zv", "private_key", 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scan_reply r;
		int count = 0;
		bool near = false;
		look(&r, cases[i].text);
		for (int k = 0; k < r.n_hits; k++) {
			if (strcmp(r.hits[k].detector, cases[i].detector) == 0)
				count = r.hits[k].count, near = r.hits[k].near;
		}
		if (count != cases[i].count || near != cases[i].near)
			fail_msg("%s: %d %s, near %d", cases[i].text, count, cases[i].detector, near);
	}
}

static void test_masked(void **state)
{
	struct scan_reply a, b, c;
	struct detect *other = NULL;
	struct err err = {0};

	look(&a, "個人番号 123456789018");
	look(&b, "1234-5678-9018 と個人番号");
	assert_string_equal(a.hits[0].hash, b.hits[0].hash); /* a repeat is known, however it is written */
	assert_int_equal(b.hits[0].offset, 0);
	assert_null(memmem(&a, sizeof(a), "123456789018", 12));
	assert_null(memmem(&b, sizeof(b), "56789018", 8));
	assert_string_equal(a.hits[0].masked, "***********8");
	look(&c, "4111" "-1111-1111-1111 and again 4111" "111111111111, 4242" "424242424242");
	assert_string_equal(c.hits[0].masked, "************1111");
	assert_int_equal(c.hits[0].count, 3);
	assert_int_equal(c.hits[0].distinct, 2);
	assert_int_equal(detect_new("", &other, &err), 0);
	c = (struct scan_reply){.n_parts = 1};
	detect_begin(other);
	detect_look(other, &c, 0, DETECT_TEXT, "123456789018", 12);
	assert_string_not_equal(a.hits[0].hash, c.hits[0].hash); /* by its key alone */
	detect_free(other);
	/* Bounded: one hit for a kind and part, however many. */
	_cleanup_buf_ struct buf many = BUF_INIT(1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_adds(&many, "123456789018 \n");
	look(&a, buf_str(&many));
	assert_int_equal(a.n_hits, 1);
	assert_int_equal(a.hits[0].count, 20000);
	assert_int_equal(a.hits[0].distinct, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_detectors),
		cmocka_unit_test(test_masked),
	};
	struct err err = {0};

	if (detect_new("", &detect, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.message);
		return 77;
	}
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	detect_free(detect);
	return r;
}
