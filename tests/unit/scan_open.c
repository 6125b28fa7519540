/* Encrypted content and the passwords for it (fault 19): archives and documents made here, in mails that tell the password and in
 * others, with the request's list, nested, too large, with wrong passwords. Through the whole role, caged. */
#include "tests/unit/scan_harness.h"
#include "tests/unit/scan_locked.h"

#include "scan/builtin.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));
	struct scan_info info;

	harness_init(h);
	harness_start(h);
	*state = h;
	return harness_ready(h, &info) ? 0 : -1;
}

static int teardown(void **state)
{
	harness_free(*state);
	free(*state);
	return 0;
}

static void scan(struct harness *h, const struct buf *b, const char *password, bool tell, struct scan_reply *ret)
{
	struct scan_request req = {.tenant = "aoba", .name = "item", .size = (int64_t)b->len, .deadline_ms = 100000, .tell_passwords = tell};
	struct err err = {0};

	if (password) {
		req.passwords[req.n_passwords++] = "not-this-one";
		req.passwords[req.n_passwords++] = password;
	}
	if (scan_client_scan(&h->client, &req, harness_memfd(b->data, b->len), 300000, ret, &err) < 0)
		fail_msg("scan: %s %s", err.code, err.message);
}

static const struct scan_part *part_named(const struct scan_reply *r, const char *name)
{
	for (int i = 0; i < r->n_parts; i++)
		if (strcmp(r->parts[i].name, name) == 0)
			return &r->parts[i];
	fail_msg("no part is called %s", name);
	return NULL;
}

static void mail_of(struct buf *out, const char *charset, const char *encoded_text, const char *file, const struct buf *content)
{
	buf_addf(out, "From: sato@partner.example\r\nTo: ito@aoba.example\r\nSubject: =?UTF-8?B?6KaL56mN?=\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=%s\r\n\r\n%s\r\n", charset, encoded_text);
	if (content) {
		buf_addf(out, "--b\r\nContent-Type: application/octet-stream; name=\"%s\"\r\nContent-Disposition: attachment; filename=\"%s\"\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\n", file, file);
		locked_base64(out, content);
	}
	buf_adds(out, "\r\n--b--\r\n");
}

static void test_zip_with_list(void **state)
{
	static const char *const ways[] = {"traditional", "aes128", "aes256"};
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_buf_ struct buf good = BUF_INIT(1 << 20), bad = BUF_INIT(1 << 20);
		const struct locked_file plain[] = {{"memo.txt", "The meeting is on Monday.\n", 26}, {"plan.txt", "Nothing else.\n", 14}};
		const struct locked_file evil[] = {{"memo.txt", "The meeting is on Monday.\n", 26}, {"run.com", eicar.data, eicar.len}};
		locked_zip(&good, ways[i], "Xyz-99", plain, 2);
		locked_zip(&bad, ways[i], "Xyz-99", evil, 2);

		scan(h, &good, NULL, false, &r);
		assert_int_equal(r.verdict, VERDICT_UNKNOWN);
		assert_string_equal(r.reason, "encrypted_archive");
		assert_true(part_named(&r, "memo.txt")->encrypted);
		assert_false(part_named(&r, "memo.txt")->opened);

		scan(h, &good, "wrong", false, &r);
		assert_int_equal(r.verdict, VERDICT_UNKNOWN);

		scan(h, &good, "Xyz-99", false, &r);
		if (r.verdict != VERDICT_CLEAN)
			fail_msg("%s: %s %s", ways[i], scan_verdict_name(r.verdict), r.reason);
		assert_true(r.parts[0].encrypted && r.parts[0].opened);
		const struct scan_part *memo = part_named(&r, "memo.txt");
		assert_true(memo->encrypted && memo->opened);
		assert_string_equal(memo->true_type, "text");
		assert_int_equal(memo->parent, 0);
		assert_int_equal(memo->depth, 1);
		assert_int_equal(strlen(memo->sha256), 64);
		assert_int_equal(r.n_parts, 3);
		assert_int_equal(r.parts_seen, 3);

		scan(h, &bad, "Xyz-99", false, &r);
		assert_int_equal(r.verdict, VERDICT_THREAT);
		assert_string_equal(r.threats[0].part, "run.com");
		scan(h, &bad, "wrong", false, &r);
		assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	}
}

static void test_same_mail(void **state)
{
	static const struct {
		const char *charset, *text;
	} mails[] = {
		{"utf-8", "解凍パスワードは以下の通りです。\r\n\r\nXyz-99\r\n"},
		{"utf-8", "パスワード：Ｘｙｚ－９９"},
		{"utf-8", "The password is Xyz-99.\r\n"},
		{"iso-2022-jp", "\x1b$B%Q%9%o!<%I!'\x1b(BXyz-99\r\n"},
		{"shift_jis", "\x83p\x83X\x83\x8f\x81[\x83h\x82\xcd\x81uXyz-99\x81v\x82\xc5\x82\xb7\x81" "B\r\n"},
		{"euc-jp", "\xa5\xd1\xa5\xb9\xa5\xef\xa1\xbc\xa5\xc9\xa1\xa7Xyz-99\r\n"},
	};
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	for (size_t i = 0; i < ARRAY_SIZE(mails); i++) {
		for (int evil = 0; evil < 2; evil++) {
			_cleanup_buf_ struct buf zip = BUF_INIT(1 << 20), mail = BUF_INIT(1 << 20);
			/* 見積書.txt in CP932 */
			const struct locked_file files[] = {{"\x8c\xa9\x90\xcf\x8f\x91.txt", evil ? eicar.data : "10,000 yen", evil ? eicar.len : 10}};
			locked_zip(&zip, i % 2 ? "aes256" : "traditional", "Xyz-99", files, 1);
			mail_of(&mail, mails[i].charset, mails[i].text, "a.zip", &zip);
			scan(h, &mail, NULL, false, &r);
			if (r.verdict != (evil ? VERDICT_THREAT : VERDICT_CLEAN))
				fail_msg("%s %zu: %s %s", mails[i].charset, i, scan_verdict_name(r.verdict), r.reason);
			assert_true(r.announces_password);
			assert_int_equal(r.n_passwords, 0); /* nobody asked */
			if (evil)
				assert_string_equal(r.threats[0].part, "a.zip/見積書.txt");
			const struct scan_part *p = part_named(&r, "見積書.txt");
			assert_true(p->opened);
			assert_string_equal(r.parts[p->parent].name, "a.zip");
		}
	}
}

static void test_told_on_request(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf mail = BUF_INIT(1 << 16), plain = BUF_INIT(1 << 16);
	struct scan_reply r;

	mail_of(&mail, "utf-8", "PW: Xyz-99", NULL, NULL);
	scan(h, &mail, NULL, true, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	assert_true(r.announces_password);
	assert_int_equal(r.n_passwords, 1);
	assert_string_equal(r.passwords[0], "Xyz-99");
	mail_of(&plain, "utf-8", "The password will be sent separately.", NULL, NULL);
	scan(h, &plain, NULL, true, &r);
	assert_false(r.announces_password);
	assert_int_equal(r.n_passwords, 0);
}

static void test_wrong_in_mail(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf zip = BUF_INIT(1 << 20), mail = BUF_INIT(1 << 20);
	const struct locked_file files[] = {{"a.txt", "10,000 yen", 10}};
	struct scan_reply r;

	locked_zip(&zip, "aes256", "Xyz-99", files, 1);
	mail_of(&mail, "utf-8", "パスワード：Xyz-98", "a.zip", &zip);
	scan(h, &mail, NULL, false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "encrypted_archive");
	assert_false(part_named(&r, "a.zip")->opened);
}

/* A wrong password passes ZipCrypto's check of one byte once in 256: 400 archives, none is clean by a wrong one. */
static void test_chance(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;

	for (int i = 0; i < 400; i++) {
		_cleanup_buf_ struct buf zip = BUF_INIT(1 << 16);
		const struct locked_file files[] = {{"a.txt", "10,000 yen for each of them", 27}};
		char password[16];
		snprintf(password, sizeof(password), "wrong-%d", i);
		locked_zip(&zip, "traditional", "Xyz-99", files, 1);
		scan(h, &zip, password, false, &r);
		assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	}
}

static void test_nested(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128), inner = BUF_INIT(1 << 20), outer = BUF_INIT(1 << 20), mail = BUF_INIT(1 << 20);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	const struct locked_file evil[] = {{"run.com", eicar.data, eicar.len}};
	locked_zip(&inner, "traditional", "second-2", evil, 1);
	const struct locked_file one[] = {{"inner.zip", inner.data, inner.len}};
	locked_zip(&outer, "aes256", "first-1", one, 1);
	mail_of(&mail, "utf-8", "password: first-1\r\npassword: second-2\r\n", "outer.zip", &outer);
	scan(h, &mail, NULL, false, &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
	assert_string_equal(r.threats[0].part, "outer.zip/inner.zip/run.com");
	assert_true(part_named(&r, "inner.zip")->opened);
	/* Only the outer one opens. */
	scan(h, &outer, "first-1", false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "encrypted_archive");
}

/* Members of an archive by different passwords, and one that nobody knows. */
static void test_mixed(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf zip = BUF_INIT(1 << 20);
	const struct locked_file files[] = {{"a.txt", "10,000 yen", 10}};
	struct scan_reply r;

	locked_zip(&zip, "plain", "", files, 1);
	scan(h, &zip, "Xyz-99", false, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	assert_false(r.parts[0].encrypted);
}

static void test_bomb(void **state)
{
	struct harness *h = *state;
	size_t len = (size_t)h->config.limits.part + 1000;
	_cleanup_buf_ struct buf one = BUF_INIT(64 << 20), many = BUF_INIT(64 << 20), zip = BUF_INIT(64 << 20);
	char *zeros = calloc(1, len);
	char names[24][8];
	struct locked_file files[24];
	struct scan_reply r;

	/* One member beyond the limit of a part. */
	const struct locked_file big[] = {{"big", zeros, len}};
	locked_zip(&one, "aes256", "Xyz-99", big, 1);
	scan(h, &one, "Xyz-99", false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_int_equal(r.status, SCAN_LIMIT);
	assert_string_equal(r.reason, "part_size_limit");
	/* 42.zip, encrypted: archives of archives, each within the limit of a part. */
	const struct locked_file leaf[] = {{"0.dll", zeros, (size_t)h->config.limits.part - 1000}};
	locked_zip(&many, "traditional", "42", leaf, 1);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(names[i], sizeof(names[i]), "%zu.zip", i);
		files[i] = (struct locked_file){names[i], many.data, many.len};
	}
	locked_zip(&zip, "traditional", "42", files, ARRAY_SIZE(files));
	scan(h, &zip, "42", false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "total_size_limit");
	free(zeros);
}

static void test_pdf(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf good = BUF_INIT(1 << 20), bad = BUF_INIT(1 << 20), eicar = BUF_INIT(128);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	locked_pdf(&good, "Xyz-99", "Timetable", 9);
	locked_pdf(&bad, "Xyz-99", eicar.data, eicar.len);
	scan(h, &good, NULL, false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "encrypted_document");
	scan(h, &good, "wrong", false, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	scan(h, &good, "Xyz-99", false, &r);
	if (r.verdict != VERDICT_CLEAN)
		fail_msg("pdf: %s %s", scan_verdict_name(r.verdict), r.reason);
	assert_true(r.parts[0].opened);
	scan(h, &bad, "Xyz-99", false, &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
}

static void test_office(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	for (int agile = 0; agile < 2; agile++) {
		_cleanup_buf_ struct buf package = BUF_INIT(1 << 20), evil = BUF_INIT(1 << 20), good = BUF_INIT(1 << 20), bad = BUF_INIT(1 << 20);
		const struct locked_file parts[] = {{"[Content_Types].xml", "<Types/>", 8}, {"word/document.xml", "<w:p>Hello</w:p>", 16}};
		const struct locked_file with[] = {parts[0], parts[1], {"word/embeddings/run.com", eicar.data, eicar.len}};
		locked_zip(&package, "plain", "", parts, 2);
		locked_zip(&evil, "plain", "", with, 3);
		locked_office(&good, agile, "さくら-99", &package);
		locked_office(&bad, agile, "さくら-99", &evil);
		scan(h, &good, "wrong", false, &r);
		assert_int_equal(r.verdict, VERDICT_UNKNOWN);
		assert_string_equal(r.reason, "encrypted_document");
		assert_string_equal(r.parts[0].true_type, "ole2.encrypted");
		scan(h, &good, "さくら-99", false, &r);
		if (r.verdict != VERDICT_CLEAN)
			fail_msg("office %d: %s %s", agile, scan_verdict_name(r.verdict), r.reason);
		assert_true(r.parts[0].opened);
		scan(h, &bad, "さくら-99", false, &r);
		assert_int_equal(r.verdict, VERDICT_THREAT);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_zip_with_list), cmocka_unit_test(test_same_mail), cmocka_unit_test(test_told_on_request),
		cmocka_unit_test(test_wrong_in_mail), cmocka_unit_test(test_chance), cmocka_unit_test(test_nested), cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_bomb), cmocka_unit_test(test_pdf), cmocka_unit_test(test_office)};

	harness_main(argc, argv);
	return cmocka_run_group_tests(tests, setup, teardown);
}
