/* kill -9 of the process that writes, at any moment, also while it opens and recovers: what was acknowledged is there,
 * and nothing is half there. */
#include "tests/conformance/store_suite.h"
#include "tests/conformance/store_writers.h"

#include <libpq-fe.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ROUNDS 25
#define LONGEST_US 80000

static void write_until_killed(const char *where, struct acknowledged *ack)
{
	struct store *s = NULL;
	struct err err = {0};

	if (store_open(where, false, "node:1", &s, &err) < 0 || store_recover(s, &err) < 0 || writers_prepare(s, &err) < 0)
		_exit(1);
	writers_start(s, ack);
	for (;;)
		pause();
}

/* The server notices after a moment that its client is gone, and may still finish what it was told. */
static void wait_for_server(struct fixture *f)
{
	PGconn *conn = PQconnectdb(getenv("SEKISHO_TEST_POSTGRES"));
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s'", f->schema);
	for (int i = 0; i < 200; i++) {
		PGresult *r = PQexec(conn, sql);
		bool gone = strcmp(PQgetvalue(r, 0, 0), "0") == 0;
		PQclear(r);
		if (gone)
			break;
		usleep(10000);
	}
	PQfinish(conn);
}

static int all_done(const struct acknowledged *ack)
{
	int done = 0;

	for (int i = 0; i < WRITERS; i++)
		done += ack[i].done;
	return done;
}

static void a_killed_writer_loses_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned seed = (unsigned)getpid();
	const size_t size = WRITERS * sizeof(struct acknowledged);
	/* Shared with the children: it holds what they were told. */
	struct acknowledged *ack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(ack != MAP_FAILED);
	store_close(f->s);
	f->s = NULL;
	/* On a busy machine a child may be killed each time before it has done anything: then it gets longer. */
	for (int i = 0; i < ROUNDS || (all_done(ack) == 0 && i < 20 * ROUNDS); i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			write_until_killed(f->where, ack);
		usleep((useconds_t)(rand_r(&seed) % (LONGEST_US * (1 + i / ROUNDS))));
		kill(child, SIGKILL);
		int status;
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		if (suite_on_postgres())
			wait_for_server(f);
		if (i % 3)
			continue; /* the next one recovers, and may be killed at it */
		ok(store_open(f->where, false, "node:1", &f->s, &f->err));
		ok(store_recover(f->s, &f->err));
		ok(writers_prepare(f->s, &f->err));
		writers_verify(f->s, ack, suite_on_postgres() ? NULL : f->where + 7);
		check_counts(f);
		store_close(f->s);
		f->s = NULL;
	}
	int done = all_done(ack);
	print_message("%d items were done meanwhile\n", done);
	assert_true(done > 0);
	munmap(ack, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_killed_writer_loses_nothing, suite_setup, suite_teardown),
	};

	return suite_run_plain("crash", tests, ARRAY_SIZE(tests));
}
