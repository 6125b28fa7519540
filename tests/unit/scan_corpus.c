/* Precision and recall of each detector on a corpus that is made here, printed: documents in both languages with what it looks
 * for in context, and as many with look-alikes in its place, all among order numbers, ISBN, JAN codes, tracking numbers, dates,
 * telephones, UUIDs, hashes of commits and base64. A document counts as found when a hit is near its words. */
#include "scan/detect/checks.h"
#include "scan/detect/detect.h"
#include "scan/plain.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DOCUMENTS 1000 /* of each detector */

static struct detect *detect;
static uint64_t seed = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

static void chars(char *out, int n, const char *from)
{
	for (int i = 0; i < n; i++)
		out[i] = from[rnd((unsigned)strlen(from))];
	out[n] = '\0';
}

#define DIGITS "0123456789"
#define HEX "0123456789abcdef"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define MIXED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* One digit is tried until the number is one. */
static void make(char *out, int n, const char *prefix, int at, bool (*check)(const char *, size_t))
{
	for (;;) {
		chars(out, n, DIGITS);
		memcpy(out, prefix, strlen(prefix));
		for (char c = '0'; c <= '9'; c++) {
			out[at] = c;
			if (check(out, (size_t)n))
				return;
		}
	}
}

/* Digits in groups of these lengths ("444", "" for one), with one of the signs that people use, perhaps in full width. */
static void grouped(struct buf *b, const char *digits, const char *lengths)
{
	static const char *const seps[] = {"-", " ", "‐", "−", "ー", "－", "–"};
	const char *sep = seps[rnd(ARRAY_SIZE(seps))];
	bool full = rnd(3) == 0;
	int left = lengths[0] ? lengths[0] - '0' : 99;

	if (lengths[0] && (strcmp(lengths, "324") != 0 || rnd(2)) && rnd(4) == 0)
		sep = "-", full = false;
	for (const char *p = digits; *p; p++) {
		if (left-- == 0) {
			buf_adds(b, sep);
			left = *++lengths - '0' - 1;
		}
		if (full)
			buf_addf(b, "\xef\xbc%c", (char)(0x90 + *p - '0'));
		else
			buf_addc(b, *p);
	}
}

static void filler(struct buf *b)
{
	char d[64];

	switch (rnd(12)) {
	case 0:
		chars(d, 10 + (int)rnd(8), DIGITS), buf_addf(b, "注文番号 %s の発送が完了しました\n", d);
		break;
	case 1:
		chars(d, 12, DIGITS), buf_addf(b, "Your order number %s has shipped\n", d);
		break;
	case 2:
		chars(d, 9, DIGITS), buf_addf(b, "ISBN 978-4-%.2s-%.6s-%c 書籍\n", d, d + 2, d[8]);
		break;
	case 3:
		chars(d, 11, DIGITS), buf_addf(b, "JAN 49%s\n", d);
		break;
	case 4:
		chars(d, 12, DIGITS), buf_addf(b, "お問い合わせ番号 %.4s-%.4s-%.4s\n", d, d + 4, d + 8);
		break;
	case 5:
		buf_addf(b, "2026年%u月%u日 更新 2026/%02u/%02u 14:%02u:%02u\n", rnd(12) + 1, rnd(28) + 1, rnd(12) + 1, rnd(28) + 1, rnd(60), rnd(60));
		break;
	case 6:
		chars(d, 32, HEX), buf_addf(b, "id=%.8s-%.4s-%.4s-%.4s-%.12s\n", d, d + 8, d + 12, d + 16, d + 20);
		break;
	case 7:
		chars(d, 40, HEX), buf_addf(b, "commit %s\n", d);
		break;
	case 8:
		chars(d, 60, MIXED), buf_addf(b, "%s\n", d);
		break;
	case 9:
		buf_adds(b, "いつもお世話になっております。青葉商事の山田です。資料をお送りします。\n");
		break;
	case 10:
		buf_addf(b, "Total %u,%03u JPY (tax %u) for item %u-%u\n", rnd(900) + 100, rnd(1000), rnd(9999), rnd(99), rnd(999));
		break;
	default:
		buf_adds(b, "Please find the minutes of yesterday's meeting attached.\n");
	}
}

/* ---- what is looked for (good) and what looks like it ---- */

static void card(struct buf *b, bool good)
{
	static const struct {
		int n;
		const char *prefix, *form;
	} kinds[] = {{16, "4", "4444"}, {16, "51", "4444"}, {16, "2221", "4444"}, {15, "37", "465"}, {16, "3530", "4444"}, {14, "36", "464"}, {16, "6011", "4444"}};
	int k = (int)rnd(ARRAY_SIZE(kinds)), n = kinds[k].n;
	char d[32];

	make(d, n, kinds[k].prefix, n - 1, check_card);
	if (!good && rnd(2))
		d[n - 1] = (char)('0' + (d[n - 1] - '0' + 1 + (int)rnd(9)) % 10);
	else if (!good)
		buf_adds(b, "注文番号 REF-x"), memmove(d + 1, d, sizeof(d) - 1), d[0] = '9';
	else
		buf_adds(b, rnd(2) ? "クレジットカード番号は" : "visa card number: ");
	grouped(b, d, good && rnd(2) ? kinds[k].form : "");
}

static void my_number(struct buf *b, bool good)
{
	char d[32];

	make(d, 12, "", 11, check_my_number);
	if (!good)
		d[11] = (char)('0' + (d[11] - '0' + 1 + (int)rnd(9)) % 10);
	buf_adds(b, rnd(2) ? "マイナンバー：" : "individual number (my number) ");
	grouped(b, d, rnd(2) ? "444" : "");
}

static void corporate(struct buf *b, bool good)
{
	char d[32];

	make(d, 13, "", 0, check_corporate);
	if (!good)
		d[0] = (char)('1' + (d[0] - '0' + (int)rnd(8)) % 9);
	buf_adds(b, rnd(2) ? "登録番号 T" : "法人番号 ");
	buf_adds(b, d);
}

static void licence(struct buf *b, bool good)
{
	char d[32];

	make(d, 12, "30", 10, check_licence);
	if (!good)
		d[10] = (char)('0' + (d[10] - '0' + 1 + (int)rnd(9)) % 10);
	buf_adds(b, rnd(2) ? "運転免許証番号 " : "driver's license no. ");
	grouped(b, d, rnd(2) ? "444" : "");
}

static void passport(struct buf *b, bool good)
{
	char l[4], d[16];

	chars(l, 2, UPPER), chars(d, 7, DIGITS);
	if (good)
		buf_addf(b, "%s%s%s", rnd(2) ? "旅券番号：" : "Passport No. ", l, d);
	else
		buf_addf(b, rnd(2) ? "品番 %s%s" : "パスポートの予約番号は X%s%s", l, d);
}

static void residence(struct buf *b, bool good)
{
	char l[8], d[16];

	chars(l, 4, UPPER), chars(d, 8, DIGITS);
	buf_addf(b, good ? "在留カード %.2s%s%s" : rnd(2) ? "在留カードの品番 %.2s%s-%s" : "在留カード X%.2s%s%s", l, d, l + 2);
}

static void account(struct buf *b, bool good)
{
	char d[16];

	chars(d, 7, DIGITS);
	if (good)
		buf_addf(b, rnd(2) ? "青葉銀行 駅前支店 普通預金 %s" : "振込先: 若葉信用金庫 口座番号 %s", d);
	else
		buf_addf(b, rnd(2) ? "青葉銀行のATMは普段どおりです。受付 %s" : "普通郵便 追跡 %s", d);
}

static void phone(struct buf *b, bool good)
{
	char d[16];

	chars(d, 8, DIGITS);
	if (good)
		buf_addf(b, rnd(2) ? "電話 03-%.4s-%.4s" : "携帯 090-%.4s-%.4s", d, d + 4);
	else
		buf_addf(b, rnd(2) ? "電話会議 2026-%.2s-%.4s" : "tel 管理番号 %.4s-%.4s-1", d, d + 4);
}

static void address(struct buf *b, bool good)
{
	unsigned x = rnd(20) + 1, y = rnd(20) + 1, way = rnd(3);

	if (good)
		buf_addf(b, way == 0 ? "住所 東京都千代田区霞が関%u-%u-3" : way == 1 ? "〒150-0002 渋谷区渋谷%u丁目%u番" : "所在地：北海道札幌市中央区北%u条西%u丁目", x, y);
	else
		buf_addf(b, way == 0 ? "住所は東京都です。%u件中%u件" : way == 1 ? "大阪府の市町村では%u歳から%u歳" : "京都府京都市の人口は%u万%u人", x, y);
}

static void iban(struct buf *b, bool good)
{
	char d[40];

	do {
		chars(d, 22, DIGITS);
		memcpy(d, "DE", 2);
	} while (!check_iban(d, 22));
	if (!good)
		d[21] = (char)('0' + (d[21] - '0' + 1 + (int)rnd(9)) % 10);
	buf_addf(b, rnd(2) ? "IBAN: %s" : "IBAN %.4s %.4s %.4s %.4s %.4s %.2s", d, d + 4, d + 8, d + 12, d + 16, d + 20);
}

static void ssn(struct buf *b, bool good)
{
	char d[16];

	make(d, 9, "2", 8, check_ssn);
	if (!good)
		memcpy(d + (rnd(2) ? 0 : 2), "000", 3); /* an area or a group that is never given out */
	buf_adds(b, "social security number ");
	grouped(b, d, "324");
}

static void secret(struct buf *b, bool good, const char *prefix, int n, const char *from)
{
	char d[128];

	chars(d, n, from);
	if (good)
		buf_addf(b, "token: %s%s", prefix, d);
	else if (rnd(2))
		memset(d + 3, 'x', (size_t)n - 3), buf_addf(b, "token: %s%s", prefix, d);
	else
		buf_addf(b, "token: q%s%.8s", prefix, d);
}

static void aws(struct buf *b, bool good)
{
	secret(b, good, "AKIA", 16, UPPER "234567");
}
static void github(struct buf *b, bool good)
{
	secret(b, good, "ghp_", 36, MIXED);
}
static void gcp(struct buf *b, bool good)
{
	secret(b, good, "AIza", 35, MIXED "-_");
}
static void npm(struct buf *b, bool good)
{
	secret(b, good, "npm_", 36, MIXED);
}
static void stripe(struct buf *b, bool good)
{
	secret(b, good, good || rnd(2) ? "sk_live_" : "sk_test_", 24, MIXED);
}
static void slack(struct buf *b, bool good)
{
	secret(b, good, "xoxb-", 50, MIXED);
}

static void key(struct buf *b, bool good)
{
	char d[65];

	chars(d, 64, MIXED "+/");
	buf_addf(b, "-----BEGIN %s-----\n%s\n", good ? "RSA PRIVATE" " KEY" : rnd(2) ? "CERTIFICATE" : "RSA PUBLIC KEY", d);
	if (!good)
		buf_addf(b, "-----BEGIN RSA PRIVATE" " KEY-----\n(鍵をここに)\n");
}

static void one_of(struct buf *b, const char *const *list, size_t n)
{
	buf_adds(b, list[rnd((unsigned)n)]);
}

static void confidential(struct buf *b, bool good)
{
	static const char *const yes[] = {"【社外秘】", "社外秘", "【極秘】2027年度 統合計画", "取扱注意", "＜機密＞", "本資料は社外秘です。", "CONFIDENTIAL", "Strictly Confidential",
		"[Confidential] Q3 forecast", "© 2026 Aoba Inc. Confidential", "売上計画（社外秘）", "社 外 秘", "機密文書", "部外秘資料", "■ 極秘 ■", "This document is strictly confidential.",
		"For internal use only", "Company Confidential - do not distribute", "【社外秘・取扱注意】", "※社外秘", "社外秘　取扱注意",
		"この資料は社外秘です", "【取扱注意】人事評価一覧", "STRICTLY CONFIDENTIAL - DO NOT FORWARD", "Page 3 of 10 | Confidential", "Highly Confidential", "INTERNAL USE ONLY", "Confidential Draft"},
		*const no[] = {"社外秘の資料は持ち出さないでください。", "機密保持契約書", "このメールには機密情報が含まれる場合があります。", "取扱注意事項をお読みください。", "極秘裏に進められた計画", "秘密保持契約を締結した",
			"This e-mail and any attachments are confidential and intended solely for the addressee.", "The parties shall keep Confidential Information secret.", "a confidentiality agreement",
			"「社外秘」と書かれた箱", "社外秘ではありません", "機密性の高い業務", "non-confidential summary", "confidential computing is a feature of our servers", "秘密の部屋", "情報の区分（社外秘、極秘、部外秘）の付け方",
			"Please treat the information as confidential if you are asked to do so by the customer", "当社では社外秘文書の管理を徹底しています。", "社外秘文書管理規程",
			"社外秘情報の漏えいについて", "件名：【社外秘】の扱いについて", "機密情報保護方針", "取扱注意：割れ物", "Confidential Information", "Your information will be kept confidential.",
			"Mutual Non-Disclosure and Confidentiality Agreement", "not confidential"};

	one_of(b, good ? yes : no, good ? ARRAY_SIZE(yes) : ARRAY_SIZE(no));
}

static void payment(struct buf *b, bool good)
{
	static const char *const yes[] = {"振込先変更のお知らせ", "弊社の口座を変更いたしました", "お振込先が変わりましたのでご案内します", "至急お振込をお願いします", "新しい口座へご送金ください",
		"We have changed our bank account details", "our bank details have changed", "please use the new bank account", "I need you to buy five gift cards", "urgent wire transfer today",
		"口座変更のご案内", "本日中に300万円を送金してください", "updated payment instructions", "コンビニでiTunesカードを購入し", "弊社の取引銀行が変わりましたので下記口座へ",
		"今回より下記の新口座にお振込みをお願いいたします", "We recently changed banks", "Please process this wire transfer today"},
		*const no[] = {"お振込ありがとうございました。", "振込先は従来どおりです。", "住所変更のお知らせ", "パスワードの変更", "your bank statement is ready", "gift wrapping is available",
			"payment received, thank you", "会議の日程が変わりました", "口座振替のご利用明細", "The account manager will call you", "毎月の給与は指定口座に振り込まれます",
			"The payment is due by the end of the month", "Payment terms: 30 days. Bank details unchanged."};

	one_of(b, good ? yes : no, good ? ARRAY_SIZE(yes) : ARRAY_SIZE(no));
}

static void password(struct buf *b, bool good)
{
	static const char *const yes[] = {"パスワードは Aoba2026! です", "解凍パスワード：x7Hq2", "パスワードは別メールでお送りします", "添付ファイルのパスワードをお知らせします", "zipパスワード: abc", "The password is x7Hq2",
		"Password: x7Hq2", "password for the attached file is x", "the password will follow in a separate email", "展開用パスワード"},
		*const no[] = {"パスワードをお忘れの方はこちら", "パスワードの再設定", "reset your password", "forgot password?", "パスワード管理の規程", "password manager", "合言葉", "パスワードは８文字以上で設定してください",
			"パスワードを変更してください", "ログインパスワードの有効期限が切れました", "password is required", "Your password is about to expire"};

	one_of(b, good ? yes : no, good ? ARRAY_SIZE(yes) : ARRAY_SIZE(no));
}

static void invoice(struct buf *b, bool good)
{
	static const char *const yes[] = {"期日までにお振込みをお願いいたします。", "下記口座へお振り込みください", "お支払いのほどよろしくお願いいたします", "月末までにご入金をお願い申し上げます",
		"指定の口座までお振込ください", "Please remit payment for the attached invoice", "Kindly process the payment", "this invoice is now overdue", "please pay the outstanding balance"},
		*const no[] = {"お支払い方法: クレジットカード", "お支払いが完了しました", "振込手数料は当社が負担します", "ご入金を確認いたしました", "インボイス制度のセミナー", "Thank you for your payment",
			"paid in full", "支払条件は別紙のとおり", "an invoice template"};

	one_of(b, good ? yes : no, good ? ARRAY_SIZE(yes) : ARRAY_SIZE(no));
}

static void sign_in(struct buf *b, bool good)
{
	static const char *const yes[] = {"アカウントが停止されました", "お客様のアカウントは一時的に制限されています。本人の確認をお願いします", "パスワードの有効期限が切れます", "お支払い情報を更新してください", "Your account has been suspended",
		"please verify your account", "Your mailbox password will expire today", "confirm your identity", "カード情報の更新をお願いします"},
		*const no[] = {"会議室の利用を停止", "アカウントを作成する", "パスワードは８文字以上で", "account manager", "verify the calculation", "password manager", "ご登録ありがとうございます", "in limited supply", "契約書の確認をお願いします"};

	one_of(b, good ? yes : no, good ? ARRAY_SIZE(yes) : ARRAY_SIZE(no));
}

static void addresses(struct buf *b, bool good)
{
	char d[16];

	for (int i = 0; i < 30; i++) {
		chars(d, 8, HEX);
		buf_addf(b, "%s@%s.example\n", good ? d : "info", good ? "aoba" : "aoba");
	}
}

static const struct {
	const char *id;
	void (*make)(struct buf *b, bool good);
} kinds[] = {{"payment_card", card}, {"my_number", my_number}, {"corporate_number", corporate}, {"driving_licence", licence}, {"passport_jp", passport},
	{"residence_card", residence}, {"bank_account", account}, {"phone_jp", phone}, {"address_jp", address}, {"iban", iban}, {"us_ssn", ssn}, {"private_key", key},
	{"aws_key", aws}, {"gcp_key", gcp}, {"github_token", github}, {"slack_token", slack}, {"npm_token", npm}, {"stripe_key", stripe},
	{"words.confidential", confidential}, {"words.payment", payment}, {"words.password", password}, {"words.invoice", invoice}, {"words.sign_in", sign_in}, {"many_addresses", addresses}};

static void measure(size_t kind, double *ret_precision, double *ret_recall)
{
	int right = 0, wrong = 0, missed = 0;
	static struct scan_reply r;

	for (int i = 0; i < DOCUMENTS; i++) {
		_cleanup_buf_ struct buf doc = BUF_INIT(1 << 16), plain = BUF_INIT(1 << 16);
		bool good = i % 2 == 0, found = false;
		for (int k = 0; k < 5; k++)
			filler(&doc);
		size_t at = doc.len;
		kinds[kind].make(&doc, good);
		size_t end = doc.len;
		buf_addc(&doc, '\n');
		for (int k = 0; k < 5; k++)
			filler(&doc);
		plain_normal(&plain, buf_str(&doc), doc.len);
		r = (struct scan_reply){.n_parts = 1};
		detect_begin(detect);
		detect_look(detect, &r, 0, DETECT_TEXT, buf_str(&plain), plain.len);
		detect_end(detect, &r);
		for (int k = 0; k < r.n_hits; k++)
			found |= strcmp(r.hits[k].detector, kinds[kind].id) == 0 && r.hits[k].near;
		right += found && good;
		wrong += found && !good;
		missed += !found && good;
		if (getenv("SEKISHO_SHOW_CORPUS") && found != good)
			print_message("%s %s: %.*s\n", kinds[kind].id, good ? "missed" : "false", (int)(end - at), buf_str(&doc) + at);
	}
	*ret_precision = (double)right / (right + wrong);
	*ret_recall = (double)right / (right + missed);
}

static void test_precision(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		double precision, recall;
		measure(k, &precision, &recall);
		print_message("%-20s precision %.3f, recall %.3f\n", kinds[k].id, precision, recall);
		if (recall < 0.99 || precision < 0.95)
			fail_msg("%s", kinds[k].id);
	}
}

/* A million random numbers of 12 to 16 digits: no more hits than check digits and ranges allow, none with context. */
static void test_random(void **state)
{
	static const struct {
		const char *id;
		int theory, within;
	} want[] = {{"payment_card", 7768, 500}, {"my_number", 20000, 700}, {"driving_licence", 10200, 500}, {"corporate_number", 20000, 700}};
	_cleanup_buf_ struct buf b = BUF_INIT(32 << 20);
	static struct scan_reply r;

	for (int i = 0; i < 1000000; i++) {
		char digits[32];
		chars(digits, 12 + i % 5, DIGITS);
		buf_addf(&b, "%s\n", digits);
	}
	r = (struct scan_reply){.n_parts = 1};
	int64_t from = time_monotonic_ns();
	detect_begin(detect);
	detect_look(detect, &r, 0, DETECT_TEXT, buf_str(&b), b.len);
	double ms = (double)(time_monotonic_ns() - from) / 1e6;
	print_message("1,000,000 random numbers, %.0f MB/s:\n", (double)b.len / ms / 1000);
	for (int i = 0; i < r.n_hits; i++) {
		size_t k = 0;
		while (k < ARRAY_SIZE(want) && strcmp(want[k].id, r.hits[i].detector) != 0)
			k++;
		assert_true(k < ARRAY_SIZE(want)); /* nothing else */
		print_message("  %s: %d (theory %d)\n", want[k].id, r.hits[i].count, want[k].theory);
		assert_in_range(r.hits[i].count, want[k].theory - want[k].within, want[k].theory + want[k].within);
		assert_false(r.hits[i].near);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_random),
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
