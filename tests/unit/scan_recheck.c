/* Known hashes against the signatures of now: what is found, what is not, and that the engine says the same. */
#include "tests/unit/scan_harness.h"

#include "base/digest.h"
#include "base/encode.h"
#include "scan/recheck.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));

	harness_init(h);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	free(*state);
	return 0;
}

static struct recheck_record record_of(uint32_t content, const char *text)
{
	struct recheck_record r = {.content = content, .size = strlen(text)};
	struct digests d;

	assert_int_equal(digest_bytes(DIGEST_SHA256 | DIGEST_SHA1 | DIGEST_MD5, text, strlen(text), &d), 0);
	hex_decode(r.sha256, d.sha256, 32);
	hex_decode(r.sha1, d.sha1, 20);
	hex_decode(r.md5, d.md5, 16);
	return r;
}

static void line(char *out, size_t size, const char *text, unsigned which, const char *behind)
{
	struct digests d;

	digest_bytes(DIGEST_SHA256 | DIGEST_SHA1 | DIGEST_MD5, text, strlen(text), &d);
	snprintf(out + strlen(out), size - strlen(out), "%s:%s\n",
		which == DIGEST_MD5 ? d.md5 : which == DIGEST_SHA1 ? d.sha1 : d.sha256, behind);
}

/* The name by which this record is found, "" when it is not. */
static void ask(struct harness *h, const struct recheck_record *records, uint32_t n, char found[][160])
{
	struct recheck *r = NULL;
	struct recheck_found verified[64];
	uint32_t maybe[64], n_maybe = 0, n_found = 0;
	int64_t signatures;
	struct err err = {0};

	for (uint32_t i = 0; i < n; i++)
		found[i][0] = '\0';
	if (recheck_open(&h->client, &r, &signatures, &err) < 0 || recheck_look(r, records, n, maybe, &n_maybe, &err) < 0)
		fail_msg("recheck: %s", err.message);
	if (n_maybe && recheck_verify(r, records, n, verified, &n_found, &err) < 0)
		fail_msg("verify: %s", err.message);
	recheck_close(r);
	for (uint32_t i = 0; i < n_found; i++)
		snprintf(found[verified[i].record], sizeof(found[0]), "%s", verified[i].name);
}

static const char *const texts[] = {"content by its md5, long enough", "content by its sha-1, long enough", "content by its sha-256, long enough",
	"content that nobody knows", "content of another size", "content known to be good",
	"content by an ignored name", "content for a later engine", "content in a container"};

enum { BY_MD5, BY_SHA1, BY_SHA256, UNKNOWN, OTHER_SIZE, GOOD, IGNORED, LATER, CONTAINED, N_TEXTS };

/* 512 bytes of head, then a packed tar of one file. */
static void make_container(struct harness *h, const char *file, const char *member, const char *text)
{
	static char out[65536];
	size_t used = 0;
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	memset(out, ' ', 512);
	archive_write_set_format_ustar(a);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_memory(a, out + 512, sizeof(out) - 512, &used), ARCHIVE_OK);
	archive_entry_set_pathname(e, member);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)strlen(text));
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, text, strlen(text)), (la_ssize_t)strlen(text));
	archive_entry_free(e);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	harness_write(h, file, out, 512 + used);
}

static void make_database(struct harness *h)
{
	char hdb[2000] = "", hsb[2000] = "", fp[500] = "", behind[100];

	snprintf(behind, sizeof(behind), "%zu:Test.Md5", strlen(texts[BY_MD5]));
	line(hdb, sizeof(hdb), texts[BY_MD5], DIGEST_MD5, behind);
	line(hdb, sizeof(hdb), texts[OTHER_SIZE], DIGEST_MD5, "7:Test.Size");
	snprintf(behind, sizeof(behind), "%zu:Test.Sha1\r", strlen(texts[BY_SHA1]));
	line(hsb, sizeof(hsb), texts[BY_SHA1], DIGEST_SHA1, behind);
	line(hsb, sizeof(hsb), texts[BY_SHA256], DIGEST_SHA256, "*:Test.Sha256:73");
	line(hsb, sizeof(hsb), texts[GOOD], DIGEST_SHA256, "*:Test.Good:73");
	line(hsb, sizeof(hsb), texts[IGNORED], DIGEST_SHA256, "*:Test.Ignored:73");
	line(hsb, sizeof(hsb), texts[LATER], DIGEST_SHA256, "*:Test.Later:9999");
	snprintf(behind, sizeof(behind), "%zu:Test.Good", strlen(texts[GOOD]));
	line(fp, sizeof(fp), texts[GOOD], DIGEST_MD5, behind);
	harness_write(h, "signatures/a.hdb", hdb, strlen(hdb));
	harness_write(h, "signatures/b.hsb", hsb, strlen(hsb));
	harness_write(h, "signatures/c.fp", fp, strlen(fp));
	harness_write(h, "signatures/d.ign2", "Test.Ignored\n", 13);
	/* A container. Without a maker's mark the engine refuses it, so it is put there
	 * when the engine has begun. */
	hdb[0] = '\0';
	snprintf(behind, sizeof(behind), "%zu:Test.Contained", strlen(texts[CONTAINED]));
	line(hdb, sizeof(hdb), texts[CONTAINED], DIGEST_MD5, behind);
	make_container(h, "m.cvd", "main.hdb", hdb);
}

static void test_finds_as_the_engine_does(void **state)
{
	static const char *const expected[] = {"Test.Md5.UNOFFICIAL", "Test.Sha1.UNOFFICIAL", "Test.Sha256.UNOFFICIAL"};
	struct harness *h = *state;
	struct recheck_record records[N_TEXTS];
	char found[N_TEXTS][160], from[400], to[400];
	struct scan_info info;

	make_database(h);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	for (uint32_t i = 0; i < N_TEXTS; i++)
		records[i] = record_of(i, texts[i]);
	ask(h, records, N_TEXTS, found);
	for (uint32_t i = 0; i < N_TEXTS; i++) {
		static struct scan_reply r;
		assert_string_equal(found[i], i < 3 ? expected[i] : "");
		harness_scan(h, "aoba", texts[i], strlen(texts[i]), &r);
		if ((r.verdict == VERDICT_THREAT) != (found[i][0] != '\0'))
			fail_msg("the engine sees '%s' otherwise", texts[i]);
		if (r.n_threats)
			assert_string_equal(r.threats[0].name, found[i]);
	}
	snprintf(from, sizeof(from), "%s/m.cvd", h->dir);
	snprintf(to, sizeof(to), "%s/m.cvd", h->signatures);
	assert_int_equal(rename(from, to), 0);
	ask(h, records, N_TEXTS, found);
	assert_string_equal(found[CONTAINED], "Test.Contained");
}

/* What is harmless by one of its parts is harmless. */
static void test_a_good_part_clears_its_content(void **state)
{
	struct harness *h = *state;
	struct recheck_record records[] = {record_of(1, texts[BY_MD5]), record_of(1, texts[GOOD]), record_of(2, texts[BY_MD5])};
	char found[3][160];
	struct scan_info info;

	make_database(h);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	ask(h, records, 3, found);
	assert_string_equal(found[0], "");
	assert_string_equal(found[1], "");
	assert_string_equal(found[2], "Test.Md5.UNOFFICIAL");
}

static void test_lines_that_are_none(void **state)
{
	static const char bad[] = "\n:::\nabc\nzz345678901234567890123456789012:3:Bad\n"
		"00000000000000000000000000000000:99999999999999999999999:Big\n00000000000000000000000000000000:-1:Negative\n"
		"00000000000000000000000000000000:5:\n00000000000000000000000000000000:5\n";
	struct harness *h = *state;
	struct recheck_record r = record_of(0, texts[BY_MD5]);
	char found[1][160], text[200] = "", *long_line = malloc(3 << 20);
	struct scan_info info;

	/* Put there when the engine has begun: it would refuse the file. */
	harness_start(h);
	assert_true(harness_ready(h, &info));
	line(text, sizeof(text), texts[BY_MD5], DIGEST_MD5, "*:Test.Behind");
	memset(long_line, 'a', 3 << 20);
	memcpy(long_line, bad, sizeof(bad) - 1);
	size_t len = (3 << 20) - strlen(text) - 1;
	long_line[len] = '\n';
	memcpy(long_line + len + 1, text, strlen(text));
	harness_write(h, "signatures/bad.hdb", long_line, 3 << 20);
	free(long_line);
	ask(h, &r, 1, found);
	assert_string_equal(found[0], "Test.Behind.UNOFFICIAL");
}

int main(int argc, char **argv)
{
	harness_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finds_as_the_engine_does, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_good_part_clears_its_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_that_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
