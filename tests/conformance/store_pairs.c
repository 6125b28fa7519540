/* Mails that belong together (store/pairs.h), and the finding that is brought up to date when one was opened. */
#include "tests/conformance/store_suite.h"

#include "store/pairs.h"

#include <string.h>

#define DAY INT64_C(86400000)

static struct store_pair pair(int64_t item, unsigned flags, int64_t at, char a, char b)
{
	struct store_pair p = {.item = item, .stream = item % 2, .tenant = "aoba", .flags = flags, .at = at, .n_keys = 2};

	memset(p.keys[0], a, PAIR_KEY);
	memset(p.keys[1], b, PAIR_KEY);
	memset(p.message, (int)item, PAIR_KEY);
	return p;
}

static void put(struct fixture *f, const struct store_pair *p)
{
	ok(store_pair_put(f->s, p, T0, T0 - 7 * DAY, &f->err));
}

static size_t find(struct fixture *f, const struct store_pair *p, unsigned flags, struct store_pair_found **ret, int64_t *noted)
{
	size_t n;

	ok(store_pair_find(f->s, p, flags, 7 * DAY, T0 - 3600000, 3, f->a, ret, &n, noted, &f->err));
	return n;
}

static void they_find_each_other(void **state)
{
	struct fixture *f = *state;
	struct store_pair_found *found;
	int64_t noted;
	const struct store_pair closed = pair(1, PAIR_CLOSED, T0, 'a', 'b'), tells = pair(2, PAIR_TELLS, T0 + 1000, 'x', 'b'),
				both = pair(3, PAIR_TELLS | PAIR_CLOSED, T0 - 500, 'a', 'b'), old = pair(4, PAIR_TELLS, T0 - 8 * DAY, 'a', 'b'),
				others = pair(5, PAIR_TELLS, T0, 'y', 'z');
	struct store_pair elsewhere = pair(6, PAIR_TELLS, T0, 'a', 'b');

	elsewhere.tenant = "sora";
	put(f, &closed);
	put(f, &tells);
	put(f, &both);
	put(f, &old);
	put(f, &others);
	put(f, &elsewhere);
	assert_int_equal(find(f, &closed, PAIR_TELLS, &found, &noted), 2);
	assert_int_equal(found[0].item, 3);
	assert_int_equal(found[1].item, 2);
	assert_int_equal(found[1].stream, 0);
	assert_int_equal(found[1].at, T0 + 1000);
	assert_int_equal(found[1].message[0], 2);
	assert_int_equal(noted, 4); /* by the key b */
	assert_int_equal(find(f, &tells, PAIR_CLOSED, &found, &noted), 2);
	assert_int_equal(found[0].item, 1);
	/* It is closed no more. */
	struct store_pair opened = closed;
	opened.flags = 0;
	put(f, &opened);
	assert_int_equal(find(f, &tells, PAIR_CLOSED, &found, &noted), 1);
}

static void the_nearest_first_and_not_all(void **state)
{
	struct fixture *f = *state;
	struct store_pair_found *found;
	int64_t noted;
	const struct store_pair closed = pair(100, PAIR_CLOSED, T0, 'a', 'b');

	for (int64_t i = 1; i <= 20; i++) {
		const struct store_pair p = pair(i, PAIR_TELLS, T0 + (i % 2 ? 1 : -1) * i * 1000, 'a', 'b');
		put(f, &p);
	}
	assert_int_equal(find(f, &closed, PAIR_TELLS, &found, &noted), 3);
	assert_int_equal(found[0].item, 1);
	assert_int_equal(found[2].item, 3);
	assert_int_equal(noted, 20);
	const int64_t ids[] = {1, 2};
	ok(store_pair_tried(f->s, "aoba", ids, 2, &f->err));
	ok(store_pair_tried(f->s, "sora", ids, 2, &f->err));
	find(f, &closed, PAIR_TELLS, &found, &noted);
	assert_int_equal(found[0].tries, 1);
	assert_int_equal(found[2].tries, 0);
}

static void old_ones_go(void **state)
{
	struct fixture *f = *state;
	struct store_pair_found *found;
	int64_t noted;
	const struct store_pair one = pair(1, PAIR_TELLS, T0, 'a', 'b'), two = pair(2, PAIR_TELLS, T0, 'a', 'c'), asks = pair(3, PAIR_CLOSED, T0, 'a', 'd');

	ok(store_pair_put(f->s, &one, T0 - 9 * DAY, T0 - 16 * DAY, &f->err));
	assert_int_equal(find(f, &asks, PAIR_TELLS, &found, &noted), 1);
	ok(store_pair_put(f->s, &two, T0, T0 - 7 * DAY, &f->err));
	assert_int_equal(find(f, &asks, PAIR_TELLS, &found, &noted), 1);
	assert_int_equal(found[0].item, 2);
}

static void a_finding_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	int64_t stream, item, id = 0, again_id = 0, n = 0;

	put_connection(f, "c1", "aoba");
	stream = put_stream(f, "c1", "s");
	put_item(f, stream, "m", "1", LANE_LIVE);
	item = claim_one(f, T0, "m");
	struct store_finding one = {.uid = "u1", .tenant = "aoba", .connection = "c1", .name = "mail", .verdict = "unknown", .reason = "encrypted_archive",
		.threats = "[]", .rules = "[]", .action_kind = "", .action_state = "none", .verdict_at = T0};
	struct store_result r = {.item = item, .state = ITEM_UNKNOWN, .reason = "encrypted_archive", .now = T0, .finding = &one};
	ok(store_item_finish(f->s, &r, &id, &f->err));
	ok(store_item_again(f->s, &item, 1, LANE_LIVE, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(claim_one(f, T0 + 1000, "m"), item);
	struct store_finding now = one;
	now.verdict = "threat";
	now.reason = "";
	now.threats = "[{\"name\":\"X\",\"part\":\"\"}]";
	now.action_kind = "quarantine";
	now.action_state = "planned";
	now.op_id = "op";
	now.verdict_at = T0 + 1000;
	now.name = "another";
	r = (struct store_result){.item = item, .state = ITEM_SCANNED, .reason = "", .now = T0 + 1000, .finding = &now, .renews = id};
	ok(store_item_finish(f->s, &r, &again_id, &f->err));
	assert_int_equal(again_id, id);
	struct store_finding got = finding_get(f, "u1");
	assert_string_equal(got.verdict, "threat");
	assert_string_equal(got.action_state, "planned");
	assert_string_equal(got.name, "mail");
	assert_int_equal(got.verdict_at, T0 + 1000);
	/* And its action can be taken. */
	struct store_finding claimed;
	int64_t next;
	ok(store_action_claim(f->s, 0, T0 + 2000, T0 + 2000 + LEASE, f->a, &claimed, &next, &f->err));
	assert_int_equal(claimed.id, id);
	check_counts(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_find_each_other, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(the_nearest_first_and_not_all, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(old_ones_go, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(a_finding_is_brought_up_to_date, suite_setup, suite_teardown),
	};

	return SUITE_RUN("pairs", tests);
}
