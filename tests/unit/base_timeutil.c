/* base/timeutil: what is read and written, and what is refused. */
#include "base/timeutil.h"

#include "cmocka_all.h"

static void reads(void **state)
{
	int64_t ms;
	char buf[TIME_RFC3339_LEN];

	assert_int_equal(time_parse("2026-11-22T12:04:05.678901+09:00", &ms), 0);
	assert_string_equal(time_format(ms, buf), "2026-11-22T03:04:05.678Z");
	assert_string_equal(time_format_s(ms, buf), "2026-11-22T03:04:05Z");
	assert_string_equal(time_format_zone(ms, "Asia/Tokyo", buf), "2026-11-22T12:04:05+09:00");
	assert_int_equal(time_parse("1969-12-31T23:59:59.5Z", &ms), 0);
	assert_string_equal(time_format(ms, buf), "1969-12-31T23:59:59.500Z");
	assert_int_equal(time_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &ms), 0);
	assert_true(ms == 784111777000);
}

static void refuses(void **state)
{
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T12:04:05", "2026-13-22T12:04:05Z", "2026-11-22T24:04:05Z",
		"2026-11-22T12:04:05Zx", "2026-11-22T12:04:05.Z", "2026-11-22T12:04:05+9:00"};
	static const char *const bad_http[] = {"", "tomorrow", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 JST",
		"Sun, 99 Nov 1994 08:49:37 GMT"};
	int64_t ms;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(time_parse(bad[i], &ms), -1);
	for (size_t i = 0; i < sizeof(bad_http) / sizeof(bad_http[0]); i++)
		assert_int_equal(time_parse_http(bad_http[i], &ms), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(refuses)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
