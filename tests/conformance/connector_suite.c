/* The groups of cases that every connector passes; see connector_suite.h. One thread, one fakecloud per group.
 *
 * The cases of a group share what was followed before, as core does: they run in order. */
#include "connector_cases.h"

/* How the next group is set up: cmocka's group setup takes no argument. */
static struct {
	const struct suite_target *target;
	int page_size;
	const struct faulty_options *faults;
} group;

static int group_start(void **state)
{
	struct suite *s = NULL;

	suite_start(group.target, group.page_size, group.faults, &s);
	*state = follow_new(s);
	return 0;
}

static int group_stop(void **state)
{
	struct follow *f = *state;

	if (!f)
		return 0;
	struct suite *s = f->suite;
	follow_free(f);
	suite_stop(s);
	return 0;
}

/* ---- groups ---- */

#define COMMON_CASES                                                                                                   \
	cmocka_unit_test(test_grant), cmocka_unit_test(test_streams), cmocka_unit_test(test_listing),                  \
		cmocka_unit_test(test_content), cmocka_unit_test(test_describe), cmocka_unit_test(test_new),           \
		cmocka_unit_test(test_changed), cmocka_unit_test(test_renamed), cmocka_unit_test(test_removed),        \
		cmocka_unit_test(test_lost_cursors), cmocka_unit_test(test_contain_file),                              \
		cmocka_unit_test(test_contain_mail), cmocka_unit_test(test_contain_chat),                              \
		cmocka_unit_test(test_changed_between), cmocka_unit_test(test_gone), cmocka_unit_test(test_remove),    \
		cmocka_unit_test(test_people), cmocka_unit_test(test_sharing), cmocka_unit_test(test_sharing_mark),    \
		cmocka_unit_test(test_act_tag), cmocka_unit_test(test_act_unshare), cmocka_unit_test(test_act_replace), \
		cmocka_unit_test(test_act_block), cmocka_unit_test(test_act_changed),                                  \
		cmocka_unit_test(test_act_notice_taken_over), cmocka_unit_test(test_act_delete)

static const struct CMUnitTest straight[] = {
	COMMON_CASES,
	cmocka_unit_test(test_act_unsupported),
	cmocka_unit_test(test_act_repeats),
	cmocka_unit_test(test_act_lost_answers),
	cmocka_unit_test(test_bad_cursor),
	cmocka_unit_test(test_backlog_none),
	cmocka_unit_test(test_repeats),
	cmocka_unit_test(test_lost_answers),
	cmocka_unit_test(test_bad_answers),
	cmocka_unit_test(test_bad_answers_to_acts),
	cmocka_unit_test(test_tokens),
	cmocka_unit_test(test_revoked),
};

static const struct CMUnitTest through_faults[] = {COMMON_CASES};

/* What was deleted while the place was lost is not reported, so nothing of that here. */
static const struct CMUnitTest lost_places[] = {
	cmocka_unit_test(test_streams),
	cmocka_unit_test(test_listing),
	cmocka_unit_test(test_new),
	cmocka_unit_test(test_changed),
	cmocka_unit_test(test_renamed),
	cmocka_unit_test(test_lost_cursors),
	cmocka_unit_test(test_contain_file),
	cmocka_unit_test(test_contain_mail),
	cmocka_unit_test(test_contain_chat),
	cmocka_unit_test(test_changed_between),
};

int suite_main(const struct suite_target *target)
{
	static const struct faulty_options often = {.seed = 1, .fail_every = 3, .lose_every = 2, .repeat_every = 3,
		.cut = 1, .reorder = true};
	static const struct faulty_options cuts = {.seed = 7, .fail_every = 7, .lose_every = 3, .repeat_every = 2, .cut = 2,
		.reorder = true};
	static const struct faulty_options loses = {.seed = 3, .fail_every = 5, .lose_every = 3, .cursor_every = 7};
	int failed = 0;

	if (!getenv("FAKECLOUD")) {
		fprintf(stderr, "FAKECLOUD names no executable: skipped\n");
		return 77;
	}
	group.target = target;
	failed += cmocka_run_group_tests_name("straight", straight, group_start, group_stop);
	if (target->own)
		failed += _cmocka_run_group_tests("its own", target->own, target->n_own, group_start, group_stop);
	group.page_size = 2;
	failed += cmocka_run_group_tests_name("small pages", through_faults, group_start, group_stop);
	group.faults = &often;
	failed += cmocka_run_group_tests_name("faults often", through_faults, group_start, group_stop);
	group.page_size = 0;
	group.faults = &cuts;
	failed += cmocka_run_group_tests_name("faults and cuts", through_faults, group_start, group_stop);
	group.faults = &loses;
	failed += cmocka_run_group_tests_name("lost places", lost_places, group_start, group_stop);
	return failed ? 1 : 0;
}
