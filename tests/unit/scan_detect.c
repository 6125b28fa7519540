/* Detectors: check digits, the forms that people write numbers in, look-alikes; precision and recall on a corpus that is
 * made here, printed. What is told never holds the number. */
#include "scan/checks.h"
#include "scan/detect.h"
#include "scan/plain.h"

#include "base/timeutil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct detect *detect;
static uint64_t seed = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

static void look(struct scan_reply *r, const char *text)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(1 << 20);

	*r = (struct scan_reply){.n_parts = 1};
	plain_normal(&plain, text, strlen(text));
	detect_begin(detect);
	detect_look(detect, r, 0, buf_str(&plain), plain.len);
}

static void random_digits(char *out, int n, const char *prefix)
{
	snprintf(out, (size_t)n + 1, "%s", prefix);
	for (int i = (int)strlen(prefix); i < n; i++)
		out[i] = (char)('0' + rnd(10));
	out[n] = '\0';
}

/* The last digit is tried until the number is one. */
static void make(char *out, int n, const char *prefix, bool (*check)(const char *, size_t))
{
	do {
		random_digits(out, n, prefix);
		for (char c = '0'; c <= '9'; c++) {
			out[n - 1] = c;
			if (check(out, (size_t)n))
				return;
		}
	} while (1);
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
		{"4111" " 1111 1111 1112", 0, 0, false},
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
	detect_look(other, &c, 0, "123456789018", 12);
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

static void test_documents(void **state)
{
	_cleanup_buf_ struct buf xml = BUF_INIT(4096), pdf = BUF_INIT(4096), wide = BUF_INIT(4096);
	static const char runs[] = "<w:p><w:r><w:t>4111" "1111</w:t></w:r><w:r><w:rPr/><w:t>11111111</w:t></w:r></w:p><w:p><w:t>&#x30AB;&amp;</w:t></w:p>";
	static const char page[] = "BT /F1 12 Tf [(4111)-20(1111)10(1111 1111)] TJ T* (a\\)b) Tj ET";

	plain_xml(&xml, runs, strlen(runs));
	assert_string_equal(buf_str(&xml), "4111" "111111111111\nカ&\n");
	plain_pdf(&pdf, page, strlen(page));
	assert_non_null(strstr(buf_str(&pdf), "4111" "11111111 1111\na)b"));
	plain_normal(&wide, "ｶﾞ１２㈱か\xe3\x82\x99漢", strlen("ｶﾞ１２㈱か\xe3\x82\x99漢"));
	assert_string_equal(buf_str(&wide), "ガ12(株)が漢");
}

static const char *const contexts[][2] = {{"クレジットカード番号は", "visa "}, {"マイナンバー：", "my number "}};

static void add_filler(struct buf *b)
{
	static const char *const lines[] = {"注文番号 %s の発送が完了しました\n", "order %s shipped\n", "電話 %s まで\n", "%s,株式会社青葉,請求書\n", "ref#%s;\n"};
	char digits[32];

	random_digits(digits, 10 + (int)rnd(10), "");
	char line[256];
	const char *f = lines[rnd(ARRAY_SIZE(lines))];
	const char *at = strstr(f, "%s");
	snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - f), f, digits, at + 2);
	buf_adds(b, line);
}

/* Documents, half of them with a number in context among filler, half with look-alikes in their place: a number with another
 * check digit, or a good one within a longer word. A document is found when a hit has its word near. */
static const char *const names[] = {"payment_card", "my_number"};

static void measure(int kind, double *ret_precision, double *ret_recall)
{
	static const struct {
		int n;
		const char *prefix;
	} cards[] = {{16, "4"}, {16, "51"}, {16, "2221"}, {15, "37"}, {16, "3530"}, {14, "36"}, {16, "6011"}, {16, "62"}};
	int right = 0, wrong = 0, missed = 0;

	for (int i = 0; i < 4000; i++) {
		_cleanup_buf_ struct buf doc = BUF_INIT(1 << 16);
		char digits[32], shown[64] = "";
		bool positive = i % 2 == 0, card = kind == 0;
		int c = (int)rnd(ARRAY_SIZE(cards)), n = card ? cards[c].n : 12, way = (int)rnd(4);
		make(digits, n, card ? cards[c].prefix : "", card ? check_card : check_my_number);
		if (!positive && rnd(2))
			digits[n - 1] = (char)('0' + (digits[n - 1] - '0' + 1 + (int)rnd(9)) % 10);
		else if (!positive)
			snprintf(shown, sizeof(shown), "x%s", digits);
		for (int k = shown[0] ? n : 0; k < n; k++) {
			bool cut = way >= 2 && k && (n == 16 || n == 12 ? k % 4 == 0 : k == 4 || k == 10);
			char piece[8];
			if (way == 1)
				snprintf(piece, sizeof(piece), "\xef\xbc%c", (char)(0x90 + digits[k] - '0'));
			else
				snprintf(piece, sizeof(piece), "%s%c", cut ? way == 2 ? " " : "-" : "", digits[k]);
			size_t at = strlen(shown);
			snprintf(shown + at, sizeof(shown) - at, "%s", piece);
			if (at + 4 >= sizeof(shown))
				break;
		}
		for (int k = 0; k < 5; k++)
			add_filler(&doc);
		buf_addf(&doc, "%s%s\n", contexts[kind][rnd(2)], shown[0] ? shown : digits);
		for (int k = 0; k < 5; k++)
			add_filler(&doc);
		struct scan_reply r;
		bool found = false;
		look(&r, buf_str(&doc));
		for (int k = 0; k < r.n_hits; k++)
			found |= strcmp(r.hits[k].detector, names[kind]) == 0 && r.hits[k].near;
		right += found && positive;
		wrong += found && !positive;
		missed += !found && positive;
	}
	*ret_precision = (double)right / (right + wrong);
	*ret_recall = (double)right / (right + missed);
}

static void test_precision(void **state)
{
	for (int k = 0; k < 2; k++) {
		double precision, recall;
		measure(k, &precision, &recall);
		print_message("%s: precision %.4f, recall %.4f\n", names[k], precision, recall);
		assert_true(recall > 0.999);
		assert_true(precision > 0.9);
	}
}

/* A million random numbers of 12 to 16 digits: no more hits than check digits and ranges allow, none with context. */
static void test_random(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(32 << 20);
	static struct scan_reply r;
	int counts[2] = {0};

	for (int i = 0; i < 1000000; i++) {
		char digits[32];
		random_digits(digits, 12 + i % 5, "");
		buf_addf(&b, "%s\n", digits);
	}
	r = (struct scan_reply){.n_parts = 1};
	int64_t from = time_monotonic_ns();
	detect_look(detect, &r, 0, buf_str(&b), b.len);
	double ms = (double)(time_monotonic_ns() - from) / 1e6;
	for (int i = 0; i < r.n_hits; i++) {
		counts[strcmp(r.hits[i].detector, "my_number") == 0] = r.hits[i].count;
		assert_false(r.hits[i].near);
	}
	print_message("of 1,000,000 random numbers: %d payment cards (theory 7,768), %d My Numbers (theory 20,000), %.0f MB/s\n",
		counts[0], counts[1], (double)b.len / ms / 1000);
	assert_in_range(counts[0], 7768 - 500, 7768 + 500);
	assert_in_range(counts[1], 20000 - 700, 20000 + 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_masked),
		cmocka_unit_test(test_documents),
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
