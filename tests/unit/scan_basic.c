/* The scan role end to end: started, asked, three verdicts, information, bad requests. */
#include "tests/unit/scan_harness.h"

#include "scan/builtin.h"

#include "base/ioutil.h"

#include <fcntl.h>
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

static void test_info(void **state)
{
	struct harness *h = *state;
	struct scan_info info;
	struct err err = {0};

	assert_int_equal(scan_client_info(&h->client, &info, &err), 0);
	assert_true(info.builtin_only);
	assert_int_equal(info.workers, 2);
	assert_true(info.count > 0);
	assert_int_equal(info.built_at, 0);
	assert_non_null(strstr(info.engine, "ClamAV"));
	assert_non_null(strstr(info.signatures, BUILTIN_VERSION));
	assert_string_equal(info.refused, "");
	if (h->config.sandbox) {
		assert_non_null(strstr(info.sandbox, "seccomp"));
		assert_non_null(strstr(info.sandbox, "namespaces"));
	} else {
		assert_string_equal(info.sandbox, "off");
	}
}

static void test_three_verdicts(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	struct scan_reply r;

	assert_int_equal(builtin_eicar(&eicar), 0);
	harness_scan(h, "aoba", eicar.data, eicar.len, &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
	assert_int_equal(r.status, SCAN_OK);
	assert_true(r.n_threats >= 1);
	assert_non_null(strstr(r.threats[0].name, "EICAR"));
	assert_string_equal(r.threats[0].part, "");
	assert_true(r.elapsed_us > 0);

	harness_scan(h, "aoba", "hello world\n", 12, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	assert_string_equal(r.reason, "");
	assert_non_null(strstr(r.signatures, BUILTIN_VERSION));

	/* zstd: libclamav cannot look into it and says clean. */
	harness_scan(h, "aoba", "\x28\xb5\x2f\xfd\x04\x58\x31\x00\x00hello", 14, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "not_unpacked");
}

/* Whatever field comes first: Gmail's own begin with MIME-Version. */
static void test_mails_begin_anyhow(void **state)
{
	static const char *const first[] = {"MIME-Version: 1.0", "Authentication-Results: mx.google.com; spf=pass", "Cc: c@aoba.example",
		"Content-Type: multipart/mixed; boundary=bb", "X-Mailer: y", "Received: from a by b; Sat, 28 Nov 2026 10:00:00 +0900", "Subject: x"};
	struct harness *h = *state;

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		_cleanup_buf_ struct buf mail = BUF_INIT(4096);
		struct scan_reply r;
		buf_addf(&mail, "%s\r\nFrom: \"T\" <t@x.example>\r\nTo: s@aoba.example\r\nDate: Sat, 28 Nov 2026 10:00:00 +0900\r\n%s%s\r\n"
				"--bb\r\nContent-Type: text/plain\r\n\r\nhello\r\n--bb\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n\r\n%%PDF-1.4\r\n--bb--\r\n",
			first[i], i == 0 ? "" : "MIME-Version: 1.0\r\n", i == 3 ? "" : "Content-Type: multipart/mixed; boundary=bb\r\n");
		harness_scan(h, "aoba", mail.data, mail.len, &r);
		if (!r.mail.present)
			fail_msg("no mail: %s", first[i]);
		assert_string_equal(r.mail.addresses[0].address, "t@x.example");
	}
}

static void test_tiny(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;

	for (size_t len = 0; len <= 6; len++) {
		harness_scan(h, "aoba", "abcdef", len, &r);
		assert_int_equal(r.verdict, VERDICT_CLEAN);
	}
}

static void test_item_size(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	size_t limit = (size_t)h->config.limits.item;
	struct scan_reply r;
	char *data = calloc(1, limit + 1);

	assert_non_null(data);
	memset(data, 'a', limit + 1);
	harness_scan(h, "aoba", data, limit - 1, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	harness_scan(h, "aoba", data, limit, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
	harness_scan(h, "aoba", data, limit + 1, &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_int_equal(r.status, SCAN_LIMIT);
	assert_string_equal(r.reason, "size_limit");
	/* A threat at the edge is seen. */
	assert_int_equal(builtin_eicar(&eicar), 0);
	memcpy(data, eicar.data, eicar.len);
	harness_scan(h, "aoba", data, limit, &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
	free(data);
}

static void test_refuses_unsealed(void **state)
{
	struct harness *h = *state;
	const struct scan_request req = {.tenant = "aoba", .size = 5, .deadline_ms = 1000};
	struct scan_reply r;
	struct err err = {0};
	int fd = io_memfd("unsealed", &err);

	assert_int_equal(io_write_all(fd, "hello", 5), 0);
	assert_int_equal(scan_client_scan(&h->client, &req, fd, 10000, &r, &err), 0);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "error");
	assert_int_equal(r.status, SCAN_ERROR);
}

static void test_file_on_disk(void **state)
{
	struct harness *h = *state;
	const struct scan_request req = {.tenant = "aoba", .size = 12, .deadline_ms = 1000};
	struct scan_reply r;
	struct err err = {0};
	int fd = open(h->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, "hello world\n", 12), 0);
	assert_int_equal(scan_client_scan(&h->client, &req, fd, 10000, &r, &err), 0);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
}

static void test_wrong_size(void **state)
{
	struct harness *h = *state;
	const struct scan_request req = {.tenant = "aoba", .size = 13, .deadline_ms = 1000};
	struct scan_reply r;
	struct err err = {0};

	assert_int_equal(scan_client_scan(&h->client, &req, harness_memfd("hello world\n", 12), 10000, &r, &err), 0);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "error");
}

static void test_many_tenants(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;

	for (int i = 0; i < 30; i++) {
		char tenant[16];
		snprintf(tenant, sizeof(tenant), "t%d", i % 5);
		harness_scan(h, tenant, "hello world\n", 12, &r);
		assert_int_equal(r.verdict, VERDICT_CLEAN);
	}
}

int main(int argc, char **argv)
{
	harness_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_three_verdicts),
		cmocka_unit_test(test_mails_begin_anyhow),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_item_size),
		cmocka_unit_test(test_refuses_unsealed),
		cmocka_unit_test(test_file_on_disk),
		cmocka_unit_test(test_wrong_size),
		cmocka_unit_test(test_many_tenants),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
