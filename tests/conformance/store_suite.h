/* What the store's conformance tests share: a fresh store for each test, on SQLite always and on PostgreSQL when
 * SEKISHO_TEST_POSTGRES holds a connection URL; short ways to put things in and to look at them.
 *
 * On SQLite they run a second time while one write in thirty fails as on a full disk (store/fault.h): calls that fail so
 * are called again, and nothing else may be different.
 *
 * Every helper fails the running test when the call fails. Time in the tests is what they say it is. */
#ifndef TESTS_STORE_SUITE_H
#define TESTS_STORE_SUITE_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define T0 INT64_C(1600000000000) /* a now, before any real one: a restart shortens what lies far ahead of the clock */
#define LEASE 60000
#define ENUM_STREAM_ACTIVE 1
#define ENUM_STREAM_FORBIDDEN 3
#define ENUM_STREAM_RETIRED 4
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
	struct store *s;
	struct arena *a;
	struct err err;
	char where[1200];
	char dir[64];    /* of the SQLite file */
	char schema[64]; /* on PostgreSQL */
};

/* cmocka's set-up and tear-down of one test. */
int suite_setup(void **state);
int suite_teardown(void **state);
/* Runs the tests on each database there is; the number of failures. */
#define SUITE_RUN(name, tests) suite_run(name, tests, sizeof(tests) / sizeof((tests)[0]))
int suite_run(const char *name, const struct CMUnitTest *tests, size_t n);
/* The same without the run on a full disk. */
int suite_run_plain(const char *name, const struct CMUnitTest *tests, size_t n);
bool suite_on_postgres(void);
void suite_make(struct fixture *f); /* a place for a store, without opening it */
void suite_drop(struct fixture *f);
void suite_reopen(struct fixture *f, const char *node);

/* Calls again while it is an injected fault that made it fail. */
#define again(call)                                                                                          \
	({                                                                                                   \
		int again_r;                                                                                 \
		do {                                                                                         \
			again_r = (call);                                                                    \
		} while (again_r < 0 && suite_injected(&f->err));                                            \
		again_r;                                                                                     \
	})
bool suite_injected(const struct err *err);
#define ok(call) suite_ok(again(call), &f->err, #call, __FILE__, __LINE__)
void suite_ok(int r, const struct err *err, const char *call, const char *file, int line);
#define fails(call, class, code) suite_fails(again(call), &f->err, class, code, #call, __FILE__, __LINE__)
void suite_fails(int r, struct err *err, enum err_class class, const char *code, const char *call, const char *file, int line);

void put_connection(struct fixture *f, const char *id, const char *tenant);
/* A new stream of the connection, active and due; its id. */
int64_t put_stream(struct fixture *f, const char *connection, const char *remote_id);
int64_t stream_id(struct fixture *f, const char *connection, const char *remote_id);
struct store_stream stream_get(struct fixture *f, int64_t id);
struct store_item an_item(const char *remote_id, const char *version, enum lane lane);
/* Commits a page with these items; how many were new. */
int64_t put_items(struct fixture *f, int64_t stream, const struct store_item *items, size_t n);
int64_t put_item(struct fixture *f, int64_t stream, const char *remote_id, const char *version, enum lane lane);
/* Claims at this time; how many. */
size_t claim_items(struct fixture *f, int64_t now, size_t max, struct store_item **ret);
/* One item that must be there; its id. */
int64_t claim_one(struct fixture *f, int64_t now, const char *remote_id);
struct store_item item_get(struct fixture *f, int64_t id);
void finish_item(struct fixture *f, int64_t item, enum item_state state, const char *reason);
/* An item that ends with a threat and a planned quarantine; the finding's id. */
int64_t put_finding(struct fixture *f, int64_t item, const char *uid, const char *action_state);
struct store_finding finding_get(struct fixture *f, const char *uid);
size_t count_events(struct fixture *f);
/* Every stream: seen = scanned + unknown + skipped + pending, and each number equals the rows that there are. */
void check_counts(struct fixture *f);

#endif
