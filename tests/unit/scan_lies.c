/* Where libclamav says clean without having looked, and where its limits lie (faults 15 to 20): every sample of
 * scan_samples.py with the verdict it must get. None of those that hide something may end as clean. */
#include "tests/unit/scan_harness.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MARKER "sekisho-unit-test-marker-0123456789abcdef"

static const struct expected {
	const char *sample;
	const char *verdict;
	const char *reason;   /* of unknown; NULL: any */
	const char *fallback; /* another verdict that is as good: a threat for an unknown */
} expected[] = {
	/* 15: bombs */
	{"flat-bomb.zip", "unknown", "total_size_limit", NULL},
	{"nested-bomb.zip", "unknown", "total_size_limit", NULL},
	{"overlapping.zip", "unknown", "not_unpacked", NULL},
	{"small-by-its-word.zip", "unknown", "part_size_limit", "threat"},
	/* 16: depth */
	{"deep50.zip", "unknown", "depth_limit", "threat"},
	{"deep50.gz", "unknown", "depth_limit", "threat"},
	/* 17, 18: mail */
	{"clean.eml", "clean", "", NULL},
	{"marker.eml", "threat", "", NULL},
	{"nested.eml", "threat", "", NULL},
	{"two-types.eml", "threat", "", NULL},
	{"open-boundary.eml", "threat", "", NULL},
	{"rfc2231.eml", "threat", "", NULL},
	{"cp932.eml", "threat", "", NULL},
	{"broken-escapes.eml", "threat", "", NULL},
	{"rtl.eml", "threat", "", NULL},
	{"huge-header.eml", "threat", "", "unknown"},
	{"many-headers.eml", "threat", "", "unknown"},
	{"many-parts.eml", "threat", "", "unknown"},
	/* 19: encrypted */
	{"encrypted.zip", "unknown", "encrypted_archive", NULL},
	{"encrypted-aes.zip", "unknown", "encrypted_archive", NULL},
	{"encrypted.7z", "unknown", "encrypted_archive", NULL},
	{"encrypted-names.7z", "unknown", "encrypted_archive", NULL},
	{"encrypted-within.eml", "unknown", "encrypted_archive", NULL},
	{"encrypted-and-threat.zip", "threat", "", NULL},
	{"encrypted.pdf", "unknown", "encrypted_document", NULL},
	{"encrypted.docx", "unknown", "encrypted_document", NULL},
	{"encrypted.doc", "unknown", "encrypted_document", NULL},
	{"encrypted.xls", "unknown", "encrypted_document", NULL},
	{"message.pgp", "unknown", "encrypted_document", NULL},
	{"smime.p7m", "unknown", "encrypted_document", NULL},
	/* 20: one below, at and one above each limit; what lies behind a cut */
	{"part-1.zip", "clean", "", NULL},
	{"part+0.zip", "clean", "", NULL},
	{"part+1.zip", "unknown", "part_size_limit", NULL},
	{"part-1-marker.zip", "threat", "", NULL},
	{"part+0-marker.zip", "threat", "", NULL},
	{"part+1-marker.zip", "unknown", "part_size_limit", "threat"},
	{"part-1-marker.tar", "threat", "", NULL},
	{"part+0-marker.tar", "threat", "", NULL},
	{"part+1-marker.tar", "unknown", "part_size_limit", "threat"},
	{"part-1-marker.gz", "threat", "", NULL},
	{"part+0-marker.gz", "threat", "", NULL},
	{"part+1-marker.gz", "unknown", "part_size_limit", "threat"},
	{"large.gz", "unknown", "part_size_limit", NULL},
	{"large.bz2", "unknown", "part_size_limit", NULL},
	{"large.xz", "unknown", "part_size_limit", NULL},
	{"depth-1.zip", "clean", "", NULL},
	{"depth+0.zip", "clean", "", NULL},
	{"depth+1.zip", "unknown", "depth_limit", NULL},
	{"depth-1-marker.zip", "threat", "", NULL},
	{"depth+0-marker.zip", "threat", "", NULL},
	{"depth+1-marker.zip", "unknown", "depth_limit", "threat"},
	{"parts-1.zip", "clean", "", NULL},
	{"parts+0.zip", "clean", "", NULL},
	{"parts+1.zip", "unknown", "parts_limit", NULL},
	{"parts-1-marker.zip", "threat", "", NULL},
	{"parts+0-marker.zip", "threat", "", NULL},
	{"parts+1-marker.zip", "unknown", "parts_limit", "threat"},
	{"total-1.zip", "clean", "", NULL},
	{"total+0.zip", "clean", "", NULL},
	{"total+1.zip", "unknown", "total_size_limit", NULL},
	{"behind-cut.zip", "unknown", "part_size_limit", "threat"},
	{"behind-cut-stored.zip", "unknown", "part_size_limit", "threat"},
	{"behind-cut-bzip2.zip", "unknown", "part_size_limit", "threat"},
	/* members that are announced and do not come, or come short; formats that are not looked into */
	{"lying.zip", "unknown", "not_unpacked", "threat"},
	{"lzma.zip", "unknown", "not_unpacked", "threat"},
	{"polyglot.txt", "unknown", "not_unpacked", "threat"},
	{"broken.7z", "unknown", "not_unpacked", NULL},
	{"nothing.rar", "unknown", "not_unpacked", NULL},
	{"two-streams.bz2", "unknown", "not_unpacked", "threat"},
	{"two-streams.gz", "threat", "", NULL},
	{"two-streams.xz", "threat", "", NULL},
	{"package.deb", "unknown", "not_unpacked", NULL},
	/* and what is looked into */
	{"marker.zip", "threat", "", NULL},
	{"marker-stored.zip", "threat", "", NULL},
	{"bzip2.zip", "threat", "", NULL},
	{"marker.tar", "threat", "", NULL},
	{"marker.tar.gz", "threat", "", NULL},
	{"marker.gz", "threat", "", NULL},
	{"marker.bz2", "threat", "", NULL},
	{"marker.xz", "threat", "", NULL},
	{"marker.7z", "threat", "", NULL},
	{"ppmd.7z", "threat", "", NULL},
	{"marker.cab", "threat", "", NULL},
	{"marker.docx", "threat", "", NULL},
	{"marker.pdf", "threat", "", NULL},
	{"clean.zip", "clean", "", NULL},
	{"clean-stored.zip", "clean", "", NULL},
	{"empty.zip", "clean", "", NULL},
	{"clean.tar", "clean", "", NULL},
	{"clean.gz", "clean", "", NULL},
	{"clean.bz2", "clean", "", NULL},
	{"clean.xz", "clean", "", NULL},
	{"empty.gz", "clean", "", NULL},
	{"empty.bz2", "clean", "", NULL},
	{"empty.xz", "clean", "", NULL},
	{"clean.cab", "clean", "", NULL},
	{"clean.docx", "clean", "", NULL},
	{"clean-stored.docx", "clean", "", NULL},
	{"macros.docm", "clean", "", NULL},
	{"clean.doc", "clean", "", NULL},
	{"clean.xls", "clean", "", NULL},
	{"clean.pdf", "clean", "", NULL},
	{"clean.html", "clean", "", NULL},
	{"utf16.html", "clean", "", NULL},
	{"clean.rtf", "clean", "", NULL},
};

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));
	struct scan_info info;
	char line[256] = "Test.Marker:0:*:";

	harness_init(h);
	for (const char *p = MARKER; *p; p++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%02x", (unsigned char)*p);
	harness_write(h, "signatures/marker.ndb", line, strlen(line));
	if (!harness_samples(h)) {
		fprintf(stderr, "skipped: python3 cannot make the samples\n");
		harness_free(h);
		exit(77);
	}
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

static int check(struct harness *h, const struct expected *e, struct scan_reply *r)
{
	FILE *f = fopen(harness_sample(h, e->sample), "r");

	if (!f) {
		print_message("%s: not made here (no 7z)\n", e->sample);
		return 0;
	}
	fclose(f);
	harness_scan_file(h, "aoba", harness_sample(h, e->sample), r);
	const char *v = scan_verdict_name(r->verdict);
	if ((strcmp(v, e->verdict) == 0 && (!e->reason || strcmp(r->reason, e->reason) == 0)) ||
		(e->fallback && strcmp(v, e->fallback) == 0))
		return 0;
	print_error("%s: %s %s, wanted %s %s\n", e->sample, v, r->reason, e->verdict, e->reason);
	return 1;
}

static void test_every_sample(void **state)
{
	struct scan_reply r;
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		wrong += check(*state, &expected[i], &r);
	assert_int_equal(wrong, 0);
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Every wrapping of scan_formats.py: the marker is found, or it is said that nobody looked; what is harmless is clean,
 * and so is what the README names as beyond us. */
static void test_every_format(void **state)
{
	struct harness *h = *state;
	FILE *f = fopen(harness_sample(h, "formats.list"), "r");
	char name[128];
	int wrong = 0, count = 0;

	assert_non_null(f);
	while (fgets(name, sizeof(name), f)) {
		struct scan_reply r;
		name[strcspn(name, "\n")] = '\0';
		harness_scan_file(h, "kiso", harness_sample(h, name), &r);
		count++;
		bool clean = begins(name, "harmless") || begins(name, "beyond");
		if ((r.verdict == VERDICT_CLEAN) == clean && (!begins(name, "encrypted") || begins(r.reason, "encrypted")))
			continue;
		print_error("%s: %s %s\n", name, scan_verdict_name(r.verdict), r.reason);
		wrong++;
	}
	fclose(f);
	assert_int_equal(wrong, 0);
	assert_true(count > 100);
}

/* What a worker remembers must not change what it says: the same again, and in reverse. */
static void test_every_sample_again(void **state)
{
	struct scan_reply r;
	int wrong = 0;

	for (size_t i = ARRAY_SIZE(expected); i-- > 0;)
		wrong += check(*state, &expected[i], &r);
	assert_int_equal(wrong, 0);
}

static void test_parts_do_not_depend_on_memory(void **state)
{
	struct harness *h = *state;
	static const char *const samples[] = {"clean.zip", "clean.docx", "clean-stored.docx", "macros.docm", "clean.eml",
		"encrypted-and-threat.zip"};

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct scan_reply first, again;
		FILE *f = fopen(harness_sample(h, samples[i]), "r");
		if (!f)
			continue;
		fclose(f);
		/* A tenant of its own, so a fresh worker. */
		harness_scan_file(h, samples[i], harness_sample(h, samples[i]), &first);
		harness_scan_file(h, samples[i], harness_sample(h, samples[i]), &again);
		assert_int_equal(first.n_parts, again.n_parts);
		assert_int_equal(first.parts_seen, again.parts_seen);
		for (int p = 0; p < first.n_parts; p++) {
			assert_string_equal(first.parts[p].name, again.parts[p].name);
			assert_string_equal(first.parts[p].type, again.parts[p].type);
			assert_int_equal(first.parts[p].macros, again.parts[p].macros);
			assert_int_equal(first.parts[p].encrypted, again.parts[p].encrypted);
		}
	}
}

static const struct scan_part *part(const struct scan_reply *r, const char *name)
{
	for (int i = 0; i < r->n_parts; i++)
		if (strcmp(r->parts[i].name, name) == 0)
			return &r->parts[i];
	return NULL;
}

static void test_facts(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;

	harness_scan_file(h, "aoba", harness_sample(h, "macros.docm"), &r);
	assert_int_equal(r.parts[0].depth, 0);
	assert_string_equal(r.parts[0].type, "CL_TYPE_OOXML_WORD");
	assert_true(r.parts[0].macros);
	assert_non_null(part(&r, "vbaProject.bin"));
	assert_true(part(&r, "vbaProject.bin")->macros);
	assert_string_equal(part(&r, "vbaProject.bin")->type, "CL_TYPE_MSOLE2");
	harness_scan_file(h, "aoba", harness_sample(h, "clean.zip"), &r);
	assert_int_equal(part(&r, "a.txt")->size, 5000);
	assert_false(r.parts[0].macros);
	assert_int_equal(r.parts_seen, 2); /* tiny members are not looked at */
	harness_scan_file(h, "aoba", harness_sample(h, "depth-1-marker.zip"), &r);
	assert_non_null(strstr(r.threats[0].part, "inner8.zip/inner7.zip"));
	assert_string_equal(r.threats[0].name, "Test.Marker.UNOFFICIAL");
	/* The tree: each part below its parent, by index; what lies in an encrypted archive is told by name. */
	for (int i = 1; i < r.n_parts; i++) {
		assert_int_equal(r.parts[i].parent, i - 1);
		assert_int_equal(r.parts[i].depth, r.parts[i - 1].depth + 1);
		assert_int_equal(strlen(r.parts[i].sha256), 64);
	}
	harness_scan_file(h, "aoba", harness_sample(h, "clean.zip"), &r);
	{
		_cleanup_buf_ struct buf text = BUF_INIT(8192);
		char hex[65];
		static const char line[] = "x the quarterly figures of the branch\n";
		uint8_t digest[32];
		while (text.len < 5000)
			buf_add(&text, line, sizeof(line) - 1);
		SHA256((const unsigned char *)text.data, 5000, digest);
		hex_encode(hex, digest, sizeof(digest));
		assert_string_equal(part(&r, "a.txt")->sha256, hex);
		assert_int_equal(part(&r, "a.txt")->parent, 0);
	}
	FILE *made = fopen(harness_sample(h, "encrypted-within.eml"), "r");
	if (made) {
		fclose(made);
		harness_scan_file(h, "aoba", harness_sample(h, "encrypted-within.eml"), &r);
		const struct scan_part *member = part(&r, "marker-file.txt");
		assert_non_null(member);
		assert_true(member->encrypted);
		assert_int_equal(member->size, 5000);
		assert_string_equal(member->sha256, "");
		assert_string_equal(r.parts[member->parent].type, "CL_TYPE_ZIP");
		assert_true(r.parts[member->parent].encrypted);
	}
	harness_scan_file(h, "aoba", harness_sample(h, "encrypted.docx"), &r);
	assert_true(r.parts[0].encrypted);
	/* Names as a person reads them, in parts and threats. */
	harness_scan_file(h, "aoba", harness_sample(h, "cp932.eml"), &r);
	assert_non_null(part(&r, "会議.bin"));
	assert_string_equal(r.threats[0].part, "会議.bin");
	assert_true(r.mail.present);
	assert_string_equal(r.mail.addresses[0].address, "a@aoba.example");
	harness_scan_file(h, "aoba", harness_sample(h, "rtl.eml"), &r);
	assert_true(part(&r, "invoice\\u202efdp.exe")->rtl_override);
	harness_scan_file(h, "aoba", harness_sample(h, "epilogue.eml"), &r);
	assert_string_equal(r.parts[r.n_parts - 1].name, "m.bin"); /* behind the last boundary */
}

/* What the item is called tells of volumes that nobody can look into alone. */
static void test_item_names(void **state)
{
	static const struct {
		const char *name;
		enum scan_verdict verdict;
		bool two;
	} cases[] = {{"/x/backup.7z.002", VERDICT_UNKNOWN, false}, {"b.part2.rar", VERDICT_UNKNOWN, false}, {"b.z01", VERDICT_UNKNOWN, false},
		{"請求書.pdf.exe", VERDICT_CLEAN, true}, {"a.002", VERDICT_CLEAN, false}, {NULL, VERDICT_CLEAN, false}};
	static const char bytes[] = "\x81\x92 anything that has no mark of its own \xf0\xe1";
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct scan_request req = {.tenant = "aoba", .name = cases[i].name, .size = sizeof(bytes), .deadline_ms = 60000};
		struct err err = {0};
		struct scan_reply r;
		assert_int_equal(scan_client_scan(&h->client, &req, harness_memfd(bytes, sizeof(bytes)), 300000, &r, &err), 0);
		assert_int_equal(r.verdict, cases[i].verdict);
		assert_int_equal(r.parts[0].double_extension, cases[i].two);
		assert_string_equal(r.reason, r.verdict == VERDICT_UNKNOWN ? "not_unpacked" : "");
	}
}

static void test_time(void **state)
{
	struct harness *h = *state;
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);
	struct err err = {0};
	struct scan_reply r;

	/* The bomb takes a second; it has 100 ms. */
	assert_int_equal(io_read_file(harness_sample(h, "nested-bomb.zip"), &b, &err), 0);
	const struct scan_request req = {.tenant = "aoba", .size = (int64_t)b.len, .deadline_ms = 100};
	assert_int_equal(scan_client_scan(&h->client, &req, harness_memfd(b.data, b.len), 60000, &r, &err), 0);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	if (strcmp(r.reason, "time_limit") != 0 && strcmp(r.reason, "timeout") != 0)
		fail_msg("reason %s", r.reason);
}

int main(int argc, char **argv)
{
	harness_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sample),
		cmocka_unit_test(test_every_sample_again),
		cmocka_unit_test(test_every_format),
		cmocka_unit_test(test_parts_do_not_depend_on_memory),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_item_names),
		cmocka_unit_test(test_time),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
