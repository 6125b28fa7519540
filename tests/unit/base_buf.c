/* base/buf: the maximum holds, failure keeps what was there, arenas are bounded. */
#include "base/buf.h"

#include "cmocka_all.h"

static void the_maximum_holds(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(10);

	assert_int_equal(buf_adds(&b, "12345"), 0);
	assert_int_equal(buf_adds(&b, "678901"), -1);
	assert_string_equal(buf_str(&b), "12345");
	assert_int_equal(buf_addf(&b, "%d", 67890), 0);
	assert_int_equal(buf_addc(&b, 'x'), -1);
	assert_string_equal(buf_str(&b), "1234567890");
}

static void arenas_are_bounded(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(10000);

	assert_non_null(arena_alloc(a, 9000));
	assert_null(arena_alloc(a, 9000));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_maximum_holds), cmocka_unit_test(arenas_are_bounded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
