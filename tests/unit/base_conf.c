/* base/conf: places of complaints, what is refused, what is suggested. */
#include "base/conf.h"

#include "cmocka_all.h"

static int parse(const char *text, struct conf_doc **ret, struct err *err)
{
	return conf_parse("f.yaml", text, strlen(text), ret, err);
}

static void reads(void **state)
{
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;

	assert_int_equal(parse("a: 1\nb: [x, \"y\"]\nc: {d: 関所}\n", &doc, NULL), 0);
	struct conf_node *root = conf_root(doc);
	assert_string_equal(conf_get(root, "a")->text, "1");
	assert_true(conf_get(root, "b")->child->next->quoted);
	assert_string_equal(conf_get(conf_get(root, "c"), "d")->text, "関所");
	assert_int_equal(conf_get(root, "b")->line, 2);
	assert_int_equal(conf_get(root, "b")->column, 4);
}

static void complains_with_place(void **state)
{
	static const struct {
		const char *text, *where;
	} bad[] = {{"a: 1\na: 2\n", "f.yaml:2:1"}, {"a: &x 1\n", "f.yaml:1:4"}, {"a: *x\n", "f.yaml:1:4"}, {"a: [1\n", "f.yaml:2:1"},
		{"a: !!int 3\n", "f.yaml:1:4"}, {"a: 1\n---\nb: 2\n", "f.yaml:2:1"}, {"[x]: 1\n", "f.yaml:1:1"}};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct conf_doc *doc = NULL;
		struct err err = {0};
		assert_int_equal(parse(bad[i].text, &doc, &err), -1);
		assert_string_equal(err.code, "bad_config");
		if (strncmp(err.message, bad[i].where, strlen(bad[i].where)) != 0)
			fail_msg("%s: %s", bad[i].text, err.message);
	}
}

static void suggests(void **state)
{
	static const char *const keys[] = {"mode", "tenant", "provider", NULL};
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;
	struct err err = {0};

	assert_int_equal(parse("tenant: a\n\nmdoe: x\n", &doc, NULL), 0);
	assert_int_equal(conf_unknown_keys(doc, conf_root(doc), keys, &err), -1);
	assert_string_equal(err.message, "f.yaml:3:1: unknown key 'mdoe'; did you mean 'mode'?");
}

static void depth_is_bounded(void **state)
{
	char deep[400];
	struct conf_doc *doc = NULL;
	struct err err = {0};

	memset(deep, '[', 200);
	memset(deep + 200, ']', 199);
	deep[399] = '\0';
	assert_int_equal(parse(deep, &doc, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(complains_with_place),
		cmocka_unit_test(suggests), cmocka_unit_test(depth_is_bounded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
