/* Databases that come, go and are broken (faults 26, 27): the old one stays until a better one serves. */
#include "tests/unit/scan_harness.h"

#include "base/ioutil.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));

	setenv("SEKISHO_SCAN_TEST", "1", 1);
	harness_init(h);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	free(*state);
	return 0;
}

static void put(struct harness *h, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "signatures/%s", name);
	harness_write(h, path, text, strlen(text));
}

static void take(struct harness *h, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", h->signatures, name);
	assert_int_equal(unlink(path), 0);
}

static enum scan_verdict verdict(struct harness *h, const char *text)
{
	struct scan_reply r;

	harness_scan(h, "aoba", text, strlen(text), &r);
	return r.verdict;
}

#define ALPHA "Test.Alpha:0:*:616c7068612d6d61726b6572\n" /* alpha-marker */
#define BETA "Test.Beta:0:*:626574612d6d61726b6572\n"

static void test_swap(void **state)
{
	struct harness *h = *state;
	struct scan_info first, info;

	harness_start(h);
	assert_true(harness_ready(h, &first));
	assert_true(first.builtin_only);
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_CLEAN);
	put(h, "a.ndb", ALPHA);
	assert_true(harness_changed(h, first.signatures, &info));
	assert_string_equal(info.refused, "");
	assert_false(info.builtin_only);
	assert_true(info.built_at > 0);
	assert_int_equal(info.count, first.count + 1);
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
	assert_true(h->changes >= 2);

	put(h, "b.ndb", BETA);
	struct scan_info both;
	assert_true(harness_changed(h, info.signatures, &both));
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_THREAT);
	take(h, "b.ndb");
	assert_true(harness_changed(h, both.signatures, &info));
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_CLEAN);
}

/* The identity is the content's: the same again after a restart and with other times. */
static void test_identity(void **state)
{
	struct harness *h = *state;
	struct scan_info info, again;

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	harness_stop(h);
	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &again));
	assert_string_equal(info.signatures, again.signatures);
}

static void test_broken_at_start(void **state)
{
	struct harness *h = *state;
	struct scan_info info;

	put(h, "a.ndb", ALPHA);
	put(h, "broken.yar", "rule Broken { strings: $a = \"abc condition: $a }\n");
	put(h, "broken.ndb", "Test.Broken:0:*:zzzz\n");
	harness_start(h);
	assert_true(harness_ready(h, &info));
	assert_non_null(strstr(info.refused, "broken."));
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
}

/* A new file that is broken is left out; the others that came with it serve. */
static void test_broken_new_file(void **state)
{
	struct harness *h = *state;
	struct scan_info first, info;

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &first));
	put(h, "new.ldb", "nonsense;;;\n");
	put(h, "b.ndb", BETA);
	for (int i = 0; i < 100; i++) {
		assert_true(harness_changed(h, first.signatures, &info));
		if (strcmp(info.signatures, first.signatures) != 0)
			break;
		usleep(50000);
	}
	assert_non_null(strstr(info.refused, "new.ldb"));
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_THREAT);
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
}

/* A file that serves and is replaced by something broken: everything stays as it is. */
static void test_broken_replacement(void **state)
{
	struct harness *h = *state;
	struct scan_info first, info;

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &first));
	put(h, "a.ndb", "Test.Broken:0:*:zzzz\n");
	assert_true(harness_changed(h, first.signatures, &info));
	assert_non_null(strstr(info.refused, "a.ndb"));
	assert_string_equal(info.signatures, first.signatures);
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
	/* Mended: served, and nothing is refused any more. */
	put(h, "a.ndb", BETA);
	for (int i = 0; i < 200 && (info.refused[0] || strcmp(info.signatures, first.signatures) == 0); i++) {
		struct err err = {0};
		usleep(50000);
		assert_int_equal(scan_client_info(&h->client, &info, &err), 0);
	}
	assert_string_equal(info.refused, "");
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_THREAT);
}

/* It loads, but finds threats in clean files. */
static void test_finds_everything(void **state)
{
	struct harness *h = *state;
	struct scan_info first, info;

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &first));
	put(h, "greedy.ndb", "Test.Greedy:0:*:6d656574696e67\n"); /* "meeting", as in the samples */
	put(h, "b.ndb", BETA);
	for (int i = 0; i < 200; i++) {
		assert_true(harness_changed(h, first.signatures, &info));
		if (strcmp(info.signatures, first.signatures) != 0)
			break;
		usleep(50000);
	}
	assert_non_null(strstr(info.refused, "greedy.ndb"));
	assert_int_equal(verdict(h, "a meeting"), VERDICT_CLEAN);
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_THREAT);
	/* An ignore list or a false-positive hash must not hide the known bad samples either. */
	put(h, "hide.ign2", "Sekisho.EICAR-Test-File\nYARA.Sekisho_EICAR_Disguised\n");
	usleep(1500000);
	struct scan_reply r;
	harness_scan(h, "aoba", "here is a beta-marker", 21, &r);
	assert_int_equal(r.verdict, VERDICT_THREAT);
}

/* A file whose reading kills the loader is named and left out. */
static void test_crashing_file(void **state)
{
	struct harness *h = *state;
	struct scan_info info;

#ifndef SEKISHO_CRASH_POINTS
	skip();
#endif
	put(h, "a.ndb", ALPHA);
	put(h, "testpoint-crash.ndb", BETA);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	assert_non_null(strstr(info.refused, "testpoint-crash.ndb"));
	assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
	assert_int_equal(verdict(h, "here is a beta-marker"), VERDICT_CLEAN);
}

struct stream {
	struct harness *h;
	bool stop;
	int answers, wrong;
};

static void *stream(void *arg)
{
	struct stream *s = arg;
	static const char text[] = "here is an alpha-marker";

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		const struct scan_request req = {.tenant = "aoba", .size = sizeof(text) - 1, .deadline_ms = 5000};
		struct scan_reply r = {0};
		struct err err = {0};
		int rc = scan_client_scan(&s->h->client, &req, harness_memfd(text, sizeof(text) - 1), 30000, &r, &err);
		s->answers++;
		s->wrong += rc < 0 || r.verdict != VERDICT_THREAT;
	}
	return NULL;
}

/* Reloaded under load: every answer right, none missing. */
static void test_no_gap(void **state)
{
	struct harness *h = *state;
	struct scan_info info;
	struct stream s[2] = {{.h = h}, {.h = h}};
	pthread_t t[2];

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, stream, &s[i]);
	for (int i = 0; i < 3; i++) {
		struct scan_info next;
		char text[128];
		snprintf(text, sizeof(text), "Test.Round%d:0:*:%08x%08x\n", i, 0xabcdef01u + (unsigned)i, 0x12345678u);
		put(h, "round.ndb", text);
		assert_true(harness_changed(h, info.signatures, &next));
		info = next;
	}
	for (int i = 0; i < 2; i++) {
		__atomic_store_n(&s[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(t[i], NULL);
		assert_true(s[i].answers > 50);
		assert_int_equal(s[i].wrong, 0);
	}
}

/* The serving generation is killed: it comes back, and items wait for it. */
static void test_generation_killed(void **state)
{
	struct harness *h = *state;
	struct scan_info info;
	char command[64], line[32] = "";

	put(h, "a.ndb", ALPHA);
	harness_start(h);
	assert_true(harness_ready(h, &info));
	/* Its generation is the role's only child. */
	snprintf(command, sizeof(command), "/proc/%d/task/%d/children", (int)h->pid, (int)h->pid);
	FILE *f = fopen(command, "r");
	if (!f || !fgets(line, sizeof(line), f)) {
		if (f)
			fclose(f);
		skip();
	}
	fclose(f);
	pid_t child = (pid_t)strtol(line, NULL, 10);
	assert_true(child > 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(verdict(h, "here is an alpha-marker"), VERDICT_THREAT);
}

int main(int argc, char **argv)
{
	harness_main(argc, argv);
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_swap),
		T(test_identity),
		T(test_broken_at_start),
		T(test_broken_new_file),
		T(test_broken_replacement),
		T(test_finds_everything),
		T(test_crashing_file),
		T(test_no_gap),
		T(test_generation_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
