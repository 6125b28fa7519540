/* Cells of a table: quoted, on one line, and never a formula. */
#include "web/csv.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static void check(const char *text, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1000);

	assert_int_equal(csv_line(&b, &text, 1), 0);
	assert_string_equal(buf_str(&b), want);
}

static void test_cells(void **state)
{
	check("plain", "\"plain\"\r\n");
	check("請求書.docx", "\"請求書.docx\"\r\n");
	check(NULL, "\"\"\r\n");
	check("say \"no\", twice", "\"say \"\"no\"\", twice\"\r\n");
	check("a\r\nb\x1b[1m", "\"a  b [1m\"\r\n");
	check("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"\r\n");
	check("+1", "\"'+1\"\r\n");
	check("-2+3", "\"'-2+3\"\r\n");
	check("@SUM(A1)", "\"'@SUM(A1)\"\r\n");
	check("  =1", "\"'  =1\"\r\n");
	check("\t=1", "\"' =1\"\r\n");
	check("＝1+1", "\"'＝1+1\"\r\n");
	check("a=b", "\"a=b\"\r\n");
}

static void test_room(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(12);
	const char *const two[] = {"ab", "cd"}, *const more[] = {"efghijkl"};

	assert_int_equal(csv_line(&b, two, 2), 0);
	assert_string_equal(buf_str(&b), "\"ab\",\"cd\"\r\n");
	assert_int_equal(csv_line(&b, more, 1), -1);
	assert_string_equal(buf_str(&b), "\"ab\",\"cd\"\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells), cmocka_unit_test(test_room)};

	return cmocka_run_group_tests_name("web-csv", tests, NULL, NULL);
}
