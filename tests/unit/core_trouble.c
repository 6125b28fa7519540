/* A feed that loses its place again and again is listed anew ever more seldom, and each stream counts for itself. */
#include "core/core.h"
#include "tests/unit/cmocka_all.h"

#include "base/timeutil.h"

static int64_t wait_of(struct core *c, int64_t stream)
{
	int64_t now = time_now_ms(), at = trouble_lost(c, stream);

	return at > now ? at - now : 0;
}

static void lost_places_wait_longer(void **state)
{
	struct core c = {0};
	int64_t longest = 0;

	pthread_mutex_init(&c.lost_lock, NULL);
	assert_true(wait_of(&c, 1) < 100);
	for (int i = 0; i < 40; i++) {
		int64_t wait = wait_of(&c, 1);
		assert_true(wait >= 900 && wait <= 15 * 60000);
		longest = wait > longest ? wait : longest;
	}
	assert_true(longest > 60000);
	assert_true(wait_of(&c, 2) < 100);
	/* Many of them: bounded, and whoever made room is new again. */
	for (int64_t s = 3; s < 10000; s++)
		assert_true(wait_of(&c, s) < 100);
	assert_true(c.n_lost <= 4096);
	trouble_end(&c);
	pthread_mutex_destroy(&c.lost_lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lost_places_wait_longer)};

	return cmocka_run_group_tests_name("core-trouble", tests, NULL, NULL);
}
