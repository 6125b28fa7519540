/* Whose turn it is: no tenant starves another, and none waits for a flood to end. Pure bookkeeping. */
#include "scan/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct queue *q, const char *tenant, uint64_t id)
{
	struct job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->fd = -1;
	job->id = id;
	snprintf(job->tenant, sizeof(job->tenant), "%s", tenant);
	assert_int_equal(queue_add(q, job), 0);
}

static uint64_t take(struct queue *q, const char *tenant)
{
	struct job *job = queue_take(q, tenant);

	assert_non_null(job);
	uint64_t id = job->id;
	job_free(job);
	return id;
}

static void test_order(void **state)
{
	struct queue q = {0};

	assert_null(queue_turn(&q));
	for (uint64_t i = 0; i < 100; i++)
		add(&q, "flood", i);
	assert_string_equal(queue_turn(&q), "flood");
	assert_int_equal(take(&q, "flood"), 0);
	add(&q, "small", 1000);
	/* One running against none: the newcomer goes first, however much the other has waiting. */
	assert_string_equal(queue_turn(&q), "small");
	assert_int_equal(take(&q, "small"), 1000);
	assert_false(queue_has(&q, "small"));
	queue_done(&q, "small");
	assert_int_equal(q.waiting, 99);
	/* Put back: before the others of its tenant. */
	struct job *job = queue_take(&q, "flood");
	assert_int_equal(job->id, 1);
	queue_done(&q, "flood");
	assert_int_equal(queue_return(&q, job), 0);
	assert_int_equal(take(&q, "flood"), 1);
	while (queue_has(&q, "flood"))
		take(&q, "flood");
	assert_int_equal(q.waiting, 0);
	for (int i = 0; i < 100; i++)
		queue_done(&q, "flood");
	assert_null(q.tenants);
}

/* Many tenants, one at a time: each gets as many turns as the next. */
static void test_fair(void **state)
{
	struct queue q = {0};
	int turns[10] = {0};

	for (int n = 0; n < 20; n++) {
		for (int t = 0; t < 10; t++) {
			char name[8];
			snprintf(name, sizeof(name), "t%d", t);
			add(&q, name, 0);
			if (t == 3)
				add(&q, name, 0);
		}
	}
	for (int i = 0; i < 100; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%s", queue_turn(&q));
		turns[name[1] - '0']++;
		take(&q, name);
		queue_done(&q, name);
	}
	for (int t = 0; t < 10; t++)
		assert_int_equal(turns[t], 10);
	const char *name;
	while ((name = queue_turn(&q))) {
		char copy[8];
		snprintf(copy, sizeof(copy), "%s", name);
		take(&q, copy);
		queue_done(&q, copy);
	}
	assert_null(q.tenants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_fair)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
