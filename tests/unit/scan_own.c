/* Detectors that policies bring: what they find, how they are told, tenants kept apart, a change without losing items. */
#include "tests/unit/scan_harness.h"

#include "scan/detect/detect.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct scan_hit *find(const struct scan_reply *r, const char *id)
{
	for (int i = 0; i < r->n_hits; i++)
		if (strcmp(r->hits[i].detector, id) == 0)
			return &r->hits[i];
	return NULL;
}

static void look(struct detect *d, struct scan_reply *r, const char *text)
{
	*r = (struct scan_reply){.n_parts = 1};
	detect_begin(d);
	detect_look(d, r, 0, DETECT_TEXT, text, strlen(text));
	detect_end(d, r);
}

static void test_kinds(void **state)
{
	static const char list[] = "[{\"id\":\"data.project\",\"words\":[\"青葉計画\",\"Project (A)\"],\"caseless\":true},"
				   "{\"id\":\"data.staff\",\"pattern\":\"S[0-9]{6,8}\",\"near\":[\"社員番号\"],\"caseless\":false},"
				   "{\"id\":\"data.wide\",\"words\":[\"ＡＢＣ\"],\"caseless\":false}]";
	struct detect *d = NULL;
	static struct scan_reply r;
	struct err err = {0};
	int refused = -1;

	assert_int_equal(detect_new("", &d, &err), 0);
	assert_int_equal(detect_own(d, list, "", &refused, &err), 0);
	assert_int_equal(refused, 0);
	look(d, &r, "青葉計画の件。project (a) と青葉計画。ABC");
	assert_non_null(find(&r, "data.project"));
	assert_int_equal(find(&r, "data.project")->count, 3);
	assert_int_equal(find(&r, "data.project")->distinct, 2);
	assert_string_equal(find(&r, "data.project")->masked, "青葉計画");
	assert_true(find(&r, "data.project")->near); /* it needs no words */
	assert_non_null(find(&r, "data.wide"));      /* NFKC on both sides */
	look(d, &r, "社員番号 S1234567, S7654321");
	assert_int_equal(find(&r, "data.staff")->count, 2); /* once each, however long it grew */
	assert_int_equal(find(&r, "data.staff")->distinct, 2);
	assert_string_equal(find(&r, "data.staff")->masked, "********");
	assert_true(find(&r, "data.staff")->near);
	assert_null(memmem(&r, sizeof(r), "S1234567", 8));
	look(d, &r, "S1234567 は社員番号");
	assert_true(find(&r, "data.staff")->near);
	look(d, &r, "S1234567 s1234567");
	assert_false(find(&r, "data.staff")->near);
	assert_int_equal(find(&r, "data.staff")->count, 1);
	/* One that is refused takes no other with it; no JSON leaves what there is. */
	assert_int_equal(detect_own(d, "[{\"id\":\"a\",\"pattern\":\"(\"},{\"id\":\"b\",\"words\":[\"xyzzy\"]}]", "[{\"id\":\"c\",\"words\":[\"plugh\"]}]", &refused, &err), 0);
	assert_int_equal(refused, 1);
	assert_int_equal(detect_own(d, "[{\"id\":\"not an id\",\"words\":[\"ab\"]}]", "", &refused, &err), -1);
	assert_string_equal(err.code, "bad_detectors");
	assert_int_equal(detect_own(d, "{", "", &refused, &err), -1);
	look(d, &r, "xyzzy plugh 青葉計画");
	assert_non_null(find(&r, "b"));
	assert_non_null(find(&r, "c"));
	assert_null(find(&r, "data.project"));
	assert_int_equal(detect_own(d, "", "", &refused, &err), 0);
	look(d, &r, "xyzzy");
	assert_int_equal(r.n_hits, 0);
	detect_free(d);
}

static void scan(struct harness *h, const char *tenant, const char *text, struct scan_reply *r)
{
	struct err err = {0};
	const struct scan_request req = {.tenant = tenant, .name = "a.txt", .size = (int64_t)strlen(text), .deadline_ms = 60000, .words = true};

	if (scan_client_scan(&h->client, &req, harness_memfd(text, strlen(text)), 60000, r, &err) < 0)
		fail_msg("%s %s", err.code, err.message);
	assert_int_equal(r->verdict, VERDICT_CLEAN);
}

static void test_tenants(void **state)
{
	struct harness *h = *state;
	static struct scan_reply r;
	struct err err = {0};
	static const char text[] = "xyzzy plugh frotz and some more words to look at\n";

	scan(h, "a", text, &r);
	assert_int_equal(r.n_hits, 0);
	assert_int_equal(scan_client_detectors(&h->client, "{\"\":[{\"id\":\"all\",\"words\":[\"xyzzy\"]}],\"a\":[{\"id\":\"of.a\",\"words\":[\"plugh\"]}],"
							   "\"b\":[{\"id\":\"of.b\",\"words\":[\"frotz\"]}]}", &err), 0);
	/* The same content again, of which the worker knew that it holds nothing. */
	for (int i = 0; i < 2; i++) {
		scan(h, "a", text, &r);
		assert_true(find(&r, "all") && find(&r, "of.a") && !find(&r, "of.b"));
		scan(h, "b", text, &r);
		assert_true(find(&r, "all") && !find(&r, "of.a") && find(&r, "of.b"));
		scan(h, "c", text, &r);
		assert_true(find(&r, "all") && !find(&r, "of.a") && !find(&r, "of.b"));
	}
	assert_int_equal(scan_client_detectors(&h->client, "{\"a\":{}}", &err), -1);
	assert_string_equal(err.code, "bad_detectors");
	assert_int_equal(scan_client_detectors(&h->client, "[]", &err), -1);
	assert_int_equal(scan_client_detectors(&h->client, "{}", &err), 0);
	scan(h, "a", text, &r);
	assert_int_equal(r.n_hits, 0);
}

struct feeder {
	struct harness *h;
	int done, wrong;
};

static void *feed(void *arg)
{
	struct feeder *f = arg;
	struct err err = {0};
	static const char text[] = "xyzzy and other words\n";
	struct scan_reply *r = calloc(1, sizeof(*r));

	for (int i = 0; i < 60 && r; i++) {
		const struct scan_request req = {.tenant = "a", .size = sizeof(text) - 1, .deadline_ms = 60000, .words = true};
		if (scan_client_scan(&f->h->client, &req, harness_memfd(text, sizeof(text) - 1), 60000, r, &err) < 0 || r->verdict != VERDICT_CLEAN)
			f->wrong++;
		f->done++;
	}
	free(r);
	return NULL;
}

/* Given anew while items are scanned: none is lost, none is unknown. */
static void test_change(void **state)
{
	struct harness *h = *state;
	struct feeder f = {.h = h};
	struct err err = {0};
	pthread_t thread;
	static struct scan_reply r;

	assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
	for (int i = 0; i < 20; i++) {
		char json[200];
		snprintf(json, sizeof(json), "{\"a\":[{\"id\":\"n.%d\",\"words\":[\"xyzzy\"]}]}", i);
		assert_int_equal(scan_client_detectors(&h->client, json, &err), 0);
		scan(h, "a", "xyzzy once more", &r);
		snprintf(json, sizeof(json), "n.%d", i);
		assert_non_null(find(&r, json));
	}
	pthread_join(thread, NULL);
	assert_int_equal(f.done, 60);
	assert_int_equal(f.wrong, 0);
}

static int setup(void **state)
{
	static struct harness h;
	struct scan_info info;

	harness_init(&h);
	harness_start(&h);
	*state = &h;
	return harness_ready(&h, &info) ? 0 : -1;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test_setup_teardown(test_tenants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change, setup, teardown),
	};
	struct detect *d = NULL;
	struct err err = {0};

	harness_main(argc, argv);
	if (detect_new("", &d, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.message);
		return 77;
	}
	detect_free(d);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
