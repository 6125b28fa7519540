/* policy: rule files that are meant to do harm (faults 40): refused where they are loaded, with a place, in bounded time and memory,
 * and what was compiled before goes on. */
#include "policy/policy.h"

#include "base/timeutil.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "cmocka_all.h"

#define HEAD "rules:\n- id: t\n  title: T\n  severity: low\n  category: file\n"
#define CASES "  cases: [{match: true, facts: {}}, {match: false, facts: {}}]\n"

/* Refused, and the message holds this. */
static void refused(const char *text, size_t len, const char *what)
{
	const struct policy_source src = {"t.yaml", text, len};
	struct policy *p = NULL;
	struct err err = {0};

	if (policy_compile(&src, 1, &p, NULL, &err) == 0)
		fail_msg("taken, instead of: %s", what);
	assert_null(p);
	assert_string_equal(err.code, "bad_policy");
	if (!strstr(err.message, what))
		fail_msg("not '%s': %s", what, err.message);
}

static void refused_text(const char *text, const char *what)
{
	refused(text, strlen(text), what);
}

static void repeat(struct buf *b, const char *s, int n)
{
	while (n-- > 0)
		assert_int_equal(buf_adds(b, s), 0);
}

static void yaml_bombs(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8u << 20);

	refused_text("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nrules: *b\n", "anchors");
	refused_text("rules: *x\n", "aliases");
	refused_text("rules: &x y\n", "anchors");
	refused_text("rules: &x\n  - id: y\n", "anchors");
	refused_text("rules: !!seq []\n", "anchors");
	refused_text("&x rules: []\n", "anchors");
	refused_text("rules: !!python/object x\n", "tags");
	repeat(&b, "[", 1000000);
	refused(b.data, b.len, "nested deeper");
	buf_clear(&b);
	repeat(&b, "{a: ", 500000);
	refused(b.data, b.len, "nested deeper");
	buf_clear(&b);
	repeat(&b, "- ", 900000);
	refused(b.data, b.len, "nested deeper");
	buf_clear(&b);
	for (int i = 0; i < 150000; i++)
		buf_addf(&b, "k%d: 1\n", i);
	refused(b.data, b.len, "more than 1000 keys");
	buf_clear(&b);
	repeat(&b, "# nothing\n", 300000);
	refused(b.data, b.len, "larger than");
	refused("rules: [\xff\xfe]\n", 12, "");
	refused("rules: \0[]\n", 11, "");
}

static void too_many(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8u << 20);

	buf_adds(&b, "rules:\n");
	for (int i = 0; i < 5001; i++)
		buf_addf(&b, "- {id: r%d, title: T, severity: low, category: file, when: {name: a}, cases: [{match: true, facts: {}}, {match: false, facts: {}}]}\n", i);
	refused(b.data, b.len, "more than 5000 rules");
	buf_clear(&b);
	buf_adds(&b, HEAD "  when: {any: [");
	for (int i = 0; i < 600; i++)
		buf_addf(&b, "%s{size: %d}", i ? ", " : "", i);
	buf_adds(&b, "]}\n" CASES);
	refused(b.data, b.len, "more than 500 beside");
	buf_clear(&b);
	buf_adds(&b, HEAD "  when: {name: x}\n  cases:\n");
	repeat(&b, "  - {match: true, facts: {}}\n", 60);
	refused(b.data, b.len, "more than 50 cases");
	buf_clear(&b);
	buf_adds(&b, HEAD "  when: {parts: {any: {name: ");
	repeat(&b, "x", 600);
	buf_adds(&b, "}}}\n" CASES);
	refused(b.data, b.len, "longer than");
	buf_clear(&b);
	buf_adds(&b, HEAD "  when: {name: x}\n  cases: [{match: true, facts: {parts: [");
	repeat(&b, "{},", 300);
	buf_adds(&b, "{}]}}]\n");
	refused(b.data, b.len, "more than 256");
	buf_clear(&b);
	buf_adds(&b, "detectors:\n");
	for (int i = 0; i < 201; i++)
		buf_addf(&b, "- {id: d%d, words: [abc]}\n", i);
	refused(b.data, b.len, "more than 200 detectors");
}

/* Rules that would hold up every item that is judged. */
static void too_dear(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8u << 20);

	buf_adds(&b, HEAD "  when: {parts: {any: {name: [");
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, "%s'*a%d*b*'", i ? ", " : "", i);
	buf_adds(&b, "]}}}\n" CASES);
	refused(b.data, b.len, "comparisons an item");
}

/* The dearest that is taken, against texts made for it: bounded all the same. */
static void dearest_is_bearable(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8u << 20);
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	_cleanup_(policy_freep) struct policy *p = NULL;
	char name[1100];
	struct err err = {0};
	struct rusage before, after;

	buf_adds(&b, HEAD "  when: {parts: {any: {name: [");
	for (int i = 0; i < 50; i++)
		buf_addf(&b, "%s'*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?*aaaaaaaaaaaaaaaaaaaaaaaa%d'", i ? ", " : "", i);
	buf_adds(&b, "]}}}\n" CASES);
	const struct policy_source src = {"t.yaml", b.data, b.len};
	if (policy_compile(&src, 1, &p, NULL, &err) < 0)
		fail_msg("%s", err.message);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	f->known = FACTS_ALL;
	f->n_parts = FACTS_MAX_PARTS;
	for (int i = 0; i < FACTS_MAX_PARTS; i++)
		f->parts[i] = (struct facts_part){.name = name, .parent = -1};
	getrusage(RUSAGE_SELF, &before);
	policy_decide(p, f, NULL, d);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(d->matched, 0);
	assert_true(after.ru_utime.tv_sec - before.ru_utime.tv_sec <= 5);
}

static void detector(const char *pattern, const char *what)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1u << 20);

	buf_addf(&b, "detectors:\n- {id: ok.one, pattern: 'abc[0-9]{3}'}\n- {id: bad.one, pattern: '%s'}\n", pattern);
	refused(b.data, b.len, what);
	assert_true(waitpid(-1, NULL, WNOHANG) < 0); /* nobody was left behind */
}

/* Patterns that explode end in a child; their cost is named. */
static void patterns_that_explode(void **state)
{
	detector("(a|b|c|d){1,200}(e|f){1,200}x(g|h){1,200}", "bad.one");
	detector("(([a-z]{1,30}[0-9]{1,30}){1,30}){1,30}", "bad.one");
	detector("((a{1,100}){1,100}){1,100}", "bad.one");
	detector("(a.{50,90}b|c.{50,90}d|e.{50,90}f){4,8}z", "bad.one");
	detector("(?:.*a){1,900}", "bad.one");
	detector("a**", "bad.one");
	detector("[", "bad.one");
	detector("(?<=x)y", "bad.one");
	detector("(a)\\1", "bad.one");
	detector("x*", "bad.one"); /* finds nothing at every place */
}

static void the_old_ones_go_on(void **state)
{
	size_t n;
	const struct policy_source *shipped = policy_shipped(&n);
	struct policy_source src[32];
	_cleanup_(policy_freep) struct policy *old = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	struct err err = {0};

	memcpy(src, shipped, n * sizeof(*src));
	src[n] = (struct policy_source){"bad.yaml", "rules: [{id: x}]", 16};
	assert_int_equal(policy_compile(src, n, &old, NULL, &err), 0);
	struct policy *p = old;
	assert_int_equal(policy_compile(src, n + 1, &p, NULL, &err), -1);
	assert_ptr_equal(p, old);
	assert_non_null(strstr(err.message, "bad.yaml:1:9"));
	*f = (struct facts){.known = FACTS_ALL, .verdict = "threat"};
	policy_decide(p, f, NULL, d);
	assert_int_equal(d->action, POLICY_QUARANTINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_bombs),
		cmocka_unit_test(too_many),
		cmocka_unit_test(too_dear),
		cmocka_unit_test(dearest_is_bearable),
		cmocka_unit_test(patterns_that_explode),
		cmocka_unit_test(the_old_ones_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
