/* policy: the shipped rules, what they decide, facts written and read. */
#include "policy/policy.h"

#include "cmocka_all.h"

static struct policy *shipped(void)
{
	size_t n;
	const struct policy_source *src = policy_shipped(&n);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct policy_problems problems = {.arena = a, .max = 50};
	struct policy *p = NULL;
	struct err err = {0};

	int r = policy_compile(src, n, &p, &problems, &err);
	for (size_t i = 0; i < problems.n; i++)
		print_message("%s:%d:%d: %s\n", problems.of[i].file, problems.of[i].line, problems.of[i].column, problems.of[i].text);
	if (r < 0)
		fail_msg("%s", err.message);
	assert_int_equal(problems.n, 0);
	return p;
}

static void shipped_cases_hold(void **state)
{
	_cleanup_(policy_freep) struct policy *p = shipped();
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct policy_problems problems = {.arena = a, .max = 50};
	struct err err = {0};
	int cases = 0;

	int r = policy_test(p, &cases, &problems, &err);
	for (size_t i = 0; i < problems.n; i++)
		print_message("%s:%d: %s\n", problems.of[i].file, problems.of[i].line, problems.of[i].text);
	assert_int_equal(r, 0);
	assert_true(cases > (int)policy_n_rules(p));
}

/* What the first version's rules said. */
static void malware_and_unknown(void **state)
{
	static const struct {
		const char *verdict, *reason;
		bool from_provider;
		const char *rule, *severity;
		enum policy_action action;
	} of[] = {
		{"threat", "", false, "malware.engine", "critical", POLICY_QUARANTINE},
		{"threat", "", true, "malware.provider", "critical", POLICY_QUARANTINE},
		{"unknown", "encrypted_archive", false, "unknown.encrypted", "medium", POLICY_REPORT},
		{"unknown", "encrypted_document", false, "unknown.encrypted", "medium", POLICY_REPORT},
		{"unknown", "size_limit", false, "unknown.limit", "medium", POLICY_REPORT},
		{"unknown", "part_size_limit", false, "unknown.limit", "medium", POLICY_REPORT},
		{"unknown", "crashed", false, "unknown.other", "low", POLICY_REPORT},
		{"unknown", "", false, "unknown.other", "low", POLICY_REPORT},
		{"clean", "", false, NULL, NULL, POLICY_NONE},
	};
	_cleanup_(policy_freep) struct policy *p = shipped();
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		*f = (struct facts){.known = FACTS_ALL, .kind = FACTS_FILE, .verdict = of[i].verdict, .reason = of[i].reason, .from_provider = of[i].from_provider};
		policy_decide(p, f, NULL, d);
		assert_int_equal(d->action, of[i].action);
		assert_int_equal(d->matched, of[i].rule ? 1 : 0);
		assert_int_equal(d->needs, 0);
		if (!of[i].rule)
			continue;
		assert_string_equal(d->matches[0].rule->id, of[i].rule);
		assert_string_equal(d->matches[0].rule->severity, of[i].severity);
		assert_int_equal(d->matches[0].mode, POLICY_PROTECT);
		assert_non_null(strstr(d->matches[0].why, "verdict="));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_cases_hold),
		cmocka_unit_test(malware_and_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
