/* base/digest: published vectors; the same result however the bytes are cut. */
#include "base/digest.h"

#include "base/cleanup.h"
#include "cmocka_all.h"

#define ALL (DIGEST_SHA256 | DIGEST_SHA1 | DIGEST_DROPBOX | DIGEST_QUICKXOR | DIGEST_MD5)

static void vectors(void **state)
{
	struct digests d;

	digest_bytes(ALL, "", 0, &d);
	assert_string_equal(d.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(d.dropbox, d.sha256);
	assert_string_equal(d.quickxor, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	digest_bytes(ALL, "abc", 3, &d);
	assert_string_equal(d.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_string_equal(d.md5, "900150983cd24fb0d6963f7d28e17f72");
	assert_string_equal(d.dropbox, "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358");
	assert_string_equal(d.quickxor, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
	unsigned char bytes[2048];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	digest_bytes(ALL, bytes, sizeof(bytes), &d);
	assert_string_equal(d.quickxor, "rxAOGe1RimTF/e+k/mYO5nnSZT8=");
	_cleanup_free_ char *zeros = calloc(1, 4194305);
	digest_bytes(ALL, zeros, 4194305, &d);
	assert_string_equal(d.dropbox, "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6");
}

static void pieces(void **state)
{
	_cleanup_free_ unsigned char *data = malloc(300000);
	struct digests whole, cut;

	for (size_t i = 0; i < 300000; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	digest_bytes(ALL, data, 300000, &whole);
	struct digester *d = digester_new(ALL);
	for (size_t at = 0, step = 1; at < 300000; at += step, step = step * 3 % 977 + 1) {
		if (step > 300000 - at)
			step = 300000 - at;
		digester_update(d, data + at, step);
	}
	digester_finish(d, &cut);
	assert_memory_equal(&whole, &cut, sizeof(cut));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
