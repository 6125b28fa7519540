/* Workers that crash, hang, eat memory, say nonsense or try what they may not (fault 28), and the cage from
 * within. Needs the crash points (-Dcrash_points=true). */
#include "tests/unit/scan_harness.h"

#include "base/timeutil.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));
	struct scan_info info;

	setenv("SEKISHO_SCAN_TEST", "1", 1);
	harness_init(h);
	h->config.limits.time_ms = 1500;
	h->config.limits.worker_memory = 64 << 20;
	harness_start(h);
	*state = h;
	return harness_ready(h, &info) ? 0 : -1;
}

static int teardown(void **state)
{
	harness_free(*state);
	free(*state);
	return 0;
}

static void probe(struct harness *h, const char *verb, struct scan_reply *r)
{
	char text[128];

	snprintf(text, sizeof(text), "sekisho-testpoint:%s", verb);
	harness_scan(h, "aoba", text, strlen(text), r);
}

/* The number that a probe told, or a value that no probe tells. */
static long told(const struct scan_reply *r)
{
	const char *space = r->n_threats ? strrchr(r->threats[0].name, ' ') : NULL;

	return space ? strtol(space + 1, NULL, 10) : -999999;
}

static void still_works(struct harness *h)
{
	struct scan_reply r;

	harness_scan(h, "aoba", "hello world\n", 12, &r);
	assert_int_equal(r.verdict, VERDICT_CLEAN);
}

static void unknown(const struct scan_reply *r, enum scan_status status, const char *reason)
{
	assert_int_equal(r->verdict, VERDICT_UNKNOWN);
	assert_int_equal(r->status, status);
	assert_string_equal(r->reason, reason);
}

static void test_crash(void **state)
{
	struct scan_reply r;

	probe(*state, "crash", &r);
	unknown(&r, SCAN_CRASHED, "crashed");
	still_works(*state);
	probe(*state, "abort", &r);
	unknown(&r, SCAN_CRASHED, "crashed");
	probe(*state, "exit", &r);
	unknown(&r, SCAN_CRASHED, "crashed");
	still_works(*state);
}

static void test_hang(void **state)
{
	struct scan_reply r;
	int64_t from = time_monotonic_ms();

	probe(*state, "hang", &r);
	unknown(&r, SCAN_TIMEOUT, "timeout");
	assert_true(time_monotonic_ms() - from < 5000);
	probe(*state, "spin", &r);
	unknown(&r, SCAN_TIMEOUT, "timeout");
	still_works(*state);
}

static void test_nonsense(void **state)
{
	struct scan_reply r;

	probe(*state, "nonsense", &r);
	unknown(&r, SCAN_CRASHED, "crashed");
	still_works(*state);
}

/* Neither waits for the other's crashes. */
static void test_others_go_on(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;

	for (int i = 0; i < 5; i++) {
		probe(h, "crash", &r);
		harness_scan(h, "kiso", "hello world\n", 12, &r);
		assert_int_equal(r.verdict, VERDICT_CLEAN);
	}
}

static void test_cage(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;
	static const char *const killed[] = {"socket", "exec", "fork", "code", "ptrace"};

	if (!h->config.sandbox)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(killed); i++) {
		probe(h, killed[i], &r);
		unknown(&r, SCAN_CRASHED, "sandbox");
	}
	probe(h, "root", &r);
	assert_true(told(&r) == 1 || told(&r) == -EACCES); /* the private folder alone; with Landlock not even that */
	probe(h, "open /etc/passwd", &r);
	assert_int_equal(told(&r), -ENOENT);
	probe(h, "open /proc/self/maps", &r);
	assert_int_equal(told(&r), -ENOENT);
	probe(h, "open ../../../../etc/passwd", &r);
	assert_int_equal(told(&r), -ENOENT);
	probe(h, "create /x", &r);
	assert_int_equal(told(&r), -EACCES);
	probe(h, "create /t/x", &r);
	assert_true(told(&r) > 2);
	probe(h, "pid", &r);
	assert_int_equal(told(&r), 1);
	probe(h, "user", &r);
	assert_true(told(&r) >= 64200 && told(&r) < 64200 + 256);
	probe(h, "descriptors", &r);
	assert_true(told(&r) <= 5); /* stdin, stdout, stderr, the socket, the item */
}

static void test_space(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;
	long tmpfs = (long)(h->config.limits.worker_tmpfs >> 20), memory = (long)(h->config.limits.worker_memory >> 20);

	if (!h->config.sandbox)
		skip();
	probe(h, "fill", &r);
	assert_true(told(&r) > tmpfs / 2 && told(&r) <= tmpfs);
	probe(h, "memory", &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
	assert_true(told(&r) <= memory && told(&r) > memory / 2);
	still_works(h);
}

struct storm {
	struct harness *h;
	const char *tenant;
	const char *text;
	int count;
	int clean;
};

static void *storm(void *arg)
{
	struct storm *s = arg;

	for (int i = 0; i < s->count; i++) {
		const struct scan_request req = {.tenant = s->tenant, .size = (int64_t)strlen(s->text), .deadline_ms = 1000};
		struct scan_reply r = {0};
		struct err err = {0};
		if (scan_client_scan(&s->h->client, &req, harness_memfd(s->text, strlen(s->text)), 60000, &r, &err) == 0)
			s->clean += r.verdict == VERDICT_CLEAN;
	}
	return NULL;
}

/* Many at once, one tenant of which crashes its workers all the time: everybody gets an answer. */
static void test_many_at_once(void **state)
{
	static const char *const tenants[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct storm s[8];
	pthread_t t[8];

	for (int i = 0; i < 8; i++) {
		s[i] = (struct storm){.h = *state, .tenant = tenants[i], .text = i == 3 ? "sekisho-testpoint:crash" : "hello world\n",
			.count = i == 3 ? 10 : 100};
		pthread_create(&t[i], NULL, storm, &s[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(s[i].clean, i == 3 ? 0 : 100);
	}
}

/* Where a worker cannot be caged nothing is scanned: everything is unknown, and the information says why. */
static void test_no_cage_no_scan(void **state)
{
	struct harness h;
	struct scan_reply r;
	struct scan_info info;

	harness_init(&h);
	if (!h.config.sandbox) {
		harness_free(&h);
		skip();
	}
	h.no_namespaces = true;
	harness_start(&h);
	assert_true(harness_ready(&h, &info));
	assert_non_null(strstr(info.sandbox, "unavailable"));
	harness_scan(&h, "aoba", "hello world\n", 12, &r);
	unknown(&r, SCAN_ERROR, "sandbox");
	harness_free(&h);
}

int main(int argc, char **argv)
{
	harness_main(argc, argv);
#ifndef SEKISHO_CRASH_POINTS
	fprintf(stderr, "skipped: built without crash points\n");
	return 77;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_others_go_on),
		cmocka_unit_test(test_cage),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_no_cage_no_scan),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
