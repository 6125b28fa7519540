/* base/encode and base/units: vectors of RFC 4648, hostile text, numbers as people write them. */
#include "base/encode.h"
#include "base/units.h"

#include "cmocka_all.h"

static void base64(void **state)
{
	static const char *const v[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		_cleanup_buf_ struct buf e = BUF_INIT(100), d = BUF_INIT(100), u = BUF_INIT(100);
		base64_encode(&e, v[i][0], strlen(v[i][0]));
		assert_string_equal(buf_str(&e), v[i][1]);
		assert_int_equal(base64_decode(&d, v[i][1], strlen(v[i][1])), 0);
		assert_string_equal(buf_str(&d), v[i][0]);
		base64url_encode(&u, v[i][0], strlen(v[i][0]));
		assert_int_equal(u.len, strcspn(v[i][1], "="));
	}
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	assert_int_equal(base64_decode(&b, "Zm9v*", 5), -1);
	buf_clear(&b);
	assert_int_equal(base64_decode(&b, "Zm9vY", 5), -1);
	buf_clear(&b);
	assert_int_equal(base64_decode(&b, "-_-_\r\n", 6), 0);
	assert_int_equal(b.len, 3);
}

static void urls(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(100), d = BUF_INIT(100);

	url_encode(&b, "a b/日~", NULL);
	assert_string_equal(buf_str(&b), "a%20b%2F%E6%97%A5~");
	assert_int_equal(url_decode(&d, buf_str(&b), b.len, false), 0);
	assert_string_equal(buf_str(&d), "a b/日~");
	assert_int_equal(url_decode(&d, "%00", 3, false), -1);
	assert_int_equal(url_decode(&d, "%4", 2, false), -1);
	buf_clear(&d);
	assert_int_equal(form_get("x=1&a+b=c%26d&y", "a b", &d), 0);
	assert_string_equal(buf_str(&d), "c&d");
	assert_int_equal(form_get("x=1", "y", &d), -1);
}

static void hex(void **state)
{
	char out[9];
	unsigned char raw[4];

	hex_encode(out, "\x00\xff\x10\xab", 4);
	assert_string_equal(out, "00ff10ab");
	assert_int_equal(hex_decode(raw, "00FF10ab", 4), 0);
	assert_memory_equal(raw, "\x00\xff\x10\xab", 4);
	assert_int_equal(hex_decode(raw, "00FF10a", 4), -1);
	assert_int_equal(hex_decode(raw, "00FF10ab0", 4), -1);
}

static void utf8(void **state)
{
	assert_int_equal(utf8_length("\xc0\x80", 2), 0);         /* overlong */
	assert_int_equal(utf8_length("\xed\xa0\x80", 3), 0);     /* surrogate */
	assert_int_equal(utf8_length("\xf4\x90\x80\x80", 4), 0); /* beyond U+10FFFF */
	assert_int_equal(utf8_length("\xe6\x97", 2), 0);         /* cut */
	assert_int_equal(utf8_length("\xf0\xa0\xae\xb7", 4), 4);
	_cleanup_buf_ struct buf b = BUF_INIT(200);
	utf8_clean(&b, "a\x1b[31m\xe2\x80\xae" "b\xff", 11, true);
	assert_string_equal(buf_str(&b), "a\\x1b[31m\\u202eb\xef\xbf\xbd");
}

static void units(void **state)
{
	int64_t v;

	assert_true(units_size("100 MiB", &v) == 0 && v == 104857600);
	assert_true(units_size("5KB", &v) == 0 && v == 5000);
	assert_int_equal(units_size("-1", &v), -1);
	assert_int_equal(units_size("9999999999999 TiB", &v), -1);
	assert_int_equal(units_size("1 mib", &v), -1);
	assert_true(units_duration("30 d", &v) == 0 && v == 2592000000);
	assert_int_equal(units_duration("30", &v), -1);
}

static void ids(void **state)
{
	char a[37], b[37];

	uuid_new(a);
	uuid_new(b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '4');
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(base64), cmocka_unit_test(urls), cmocka_unit_test(hex),
		cmocka_unit_test(utf8), cmocka_unit_test(units), cmocka_unit_test(ids)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
