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
#include <sys/syscall.h>

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

static void check_killed(struct harness *h, const char *verb)
{
	struct scan_reply r;

	probe(h, verb, &r);
	if (r.verdict != VERDICT_UNKNOWN || strcmp(r.reason, "sandbox") != 0)
		fail_msg("%s: %s %s %ld", verb, scan_verdict_name(r.verdict), r.reason, told(&r));
}

/* What no cage lets pass, whichever it is. */
static void check_cage(struct harness *h)
{
	static const char *const verbs[] = {"socket", "exec", "fork", "code", "ptrace", "raise limits"};
	static const long calls[] = {SYS_kill, SYS_tkill, SYS_mount, SYS_unshare, SYS_setns, SYS_chroot, SYS_pivot_root,
		SYS_setuid, SYS_setresuid, SYS_capset, SYS_prctl, SYS_seccomp, SYS_bpf, SYS_keyctl, SYS_io_uring_setup,
		SYS_userfaultfd, SYS_perf_event_open, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open,
		SYS_memfd_create, SYS_shmget, SYS_msgget, SYS_semget, SYS_mq_open, SYS_connect, SYS_bind, SYS_sendto, SYS_symlink,
		SYS_link, SYS_mknod, SYS_chown, SYS_truncate, SYS_chdir, SYS_fork, SYS_vfork, SYS_clone3, SYS_execveat,
		SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_pkey_mprotect, SYS_personality, SYS_setpriority,
		SYS_sched_setaffinity, SYS_swapon, SYS_reboot, SYS_settimeofday, SYS_init_module, SYS_ioperm, SYS_inotify_init,
		SYS_epoll_create1, SYS_pipe2, SYS_dup2};
	struct scan_reply r;
	char verb[32];

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		check_killed(h, verbs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		snprintf(verb, sizeof(verb), "call %ld", calls[i]);
		check_killed(h, verb);
	}
	snprintf(verb, sizeof(verb), "signal %d", (int)h->pid);
	check_killed(h, verb);
	probe(h, "write", &r);
	assert_int_equal(told(&r), 0);
	probe(h, "descriptors", &r);
	assert_int_equal(told(&r), 5); /* stdin, stdout, stderr, the socket, the item */
	probe(h, "create x", &r);
	assert_true(told(&r) > 2);
	still_works(h);
}

static void test_cage(void **state)
{
	struct harness *h = *state;
	struct scan_reply r;
	struct scan_info info;
	struct err err;

	assert_int_equal(scan_client_info(&h->client, &info, &err), 0);
	if (!strstr(info.sandbox, "namespaces"))
		skip();
	check_cage(h);
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
}

/* Where there are no namespaces: files by Landlock, all else by the list of calls, space by counting. */
static void check_second_cage(bool plain_user)
{
	struct harness h;
	struct scan_reply r;
	struct scan_info info;

	harness_init(&h);
	h.no_namespaces = true;
	h.plain_user = plain_user;
	h.config.limits.worker_memory = 64 << 20;
	if (!h.config.sandbox) {
		harness_free(&h);
		skip();
	}
	harness_start(&h);
	assert_true(harness_ready(&h, &info));
	if (strstr(info.sandbox, "no Landlock")) {
		harness_free(&h);
		skip();
	}
	assert_non_null(strstr(info.sandbox, "second cage"));
	assert_null(strstr(info.sandbox, "namespaces"));
	check_cage(&h);
	static const char *const closed[] = {"open /etc/passwd", "open /proc/self/maps", "open /proc/self/status", "open /proc/1/mem",
		"open ../../../../../etc/passwd", "open /", "open /dev/null", "open ..", "create /tmp/x", "create ../x",
		"readlink /proc/self/exe"};
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		probe(&h, closed[i], &r);
		if (told(&r) != -EACCES && told(&r) != -ENOENT)
			fail_msg("%s: %ld", closed[i], told(&r));
	}
	probe(&h, "user", &r);
	assert_true(plain_user ? told(&r) == 65534 : told(&r) >= 64200 && told(&r) < 64200 + 256);
	/* More than it may: it is killed in the middle, and what it wrote is gone. */
	probe(&h, "fill", &r);
	assert_int_equal(r.verdict, VERDICT_UNKNOWN);
	assert_string_equal(r.reason, "memory");
	probe(&h, "memory", &r);
	assert_true(told(&r) <= 64 && told(&r) > 32);
	/* What can be removed and is still held open: counted where /proc shows it. */
	probe(&h, "removed", &r);
	assert_true(r.verdict == VERDICT_UNKNOWN || told(&r) <= 60 * ((h.config.limits.item >> 20) + 1));
	if (plain_user)
		assert_string_equal(r.reason, "memory");
	still_works(&h);
	char path[400];
	snprintf(path, sizeof(path), "%s/state", h.dir);
	harness_stop(&h);
	harness_start(&h);
	assert_true(harness_ready(&h, &info));
	harness_free(&h);
}

static void test_root_without_power(void **state)
{
	if (geteuid() != 0)
		skip();
	check_second_cage(false);
}

static void test_user_without_namespaces(void **state)
{
	if (geteuid() != 0)
		skip();
	check_second_cage(true);
}

/* The second cage scans as the first does, with temporary files and all. */
static void test_second_cage_scans(void **state)
{
	struct harness h;
	struct scan_reply r;
	struct scan_info info;

	harness_init(&h);
	h.no_namespaces = true;
	if (!h.config.sandbox || !harness_samples(&h)) {
		harness_free(&h);
		skip();
	}
	harness_start(&h);
	assert_true(harness_ready(&h, &info));
	static const char *const samples[] = {"clean.zip", "clean.tar", "clean.docx", "clean.pdf", "clean.eml", "clean.doc", "clean.cab",
		"clean.bz2", "clean.html", "harmless-small.xls"};
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		harness_scan_file(&h, "aoba", harness_sample(&h, samples[i]), &r);
		if (r.verdict != VERDICT_CLEAN)
			fail_msg("%s: %s %s", samples[i], scan_verdict_name(r.verdict), r.reason);
		assert_true(r.parts_seen > 0);
	}
	harness_free(&h);
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
	h.no_namespaces = h.no_landlock = true;
	harness_start(&h);
	assert_true(harness_ready(&h, &info));
	assert_non_null(strstr(info.sandbox, "unavailable"));
	assert_non_null(strstr(info.sandbox, "Landlock"));
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
		cmocka_unit_test(test_root_without_power),
		cmocka_unit_test(test_user_without_namespaces),
		cmocka_unit_test(test_second_cage_scans),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_no_cage_no_scan),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
