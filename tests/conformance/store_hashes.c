/* Hashes of parts: kept with the item's end, listed, and what new signatures make of them. */
#include "tests/conformance/store_suite.h"

#include "store/hashes.h"

#include <string.h>

static int64_t seen_with(struct fixture *f, int64_t stream, const char *id, const char *sha256, bool risky)
{
	struct store_part_hash parts[3] = {0};
	int64_t finding;

	for (int i = 0; i < 3; i++) {
		memset(parts[i].sha256, sha256[0], 32);
		parts[i].md5[0] = (unsigned char)i;
		parts[i].size[7] = (unsigned char)(i + 1);
	}
	put_item(f, stream, id, "1", LANE_LIVE);
	int64_t item = claim_one(f, T0, id);
	const struct store_result r = {.item = item, .state = ITEM_SCANNED, .now = T0, .sha256 = sha256, .size = 10, .verdict = "clean",
		.engine = "e", .signatures = "1", .content = sha256, .part_hashes = parts, .n_part_hashes = 3, .risky = risky};
	ok(store_item_finish(f->s, &r, &finding, &f->err));
	return item;
}

static void parts_come_back_once_a_content(void **state)
{
	struct fixture *f = *state;
	struct store_hashes *l;
	size_t n;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	seen_with(f, t, "a", SHA_A, false);
	seen_with(f, t, "b", SHA_A, false);
	seen_with(f, t, "c", SHA_B, true);
	ok(store_hashes_list(f->s, T0, 0, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(l[0].n, 3);
	assert_int_equal(l[0].parts[2].md5[0], 2);
	assert_int_equal(l[0].parts[2].size[7], 3);
	assert_false(l[0].risky);
	assert_true(l[1].risky);
	ok(store_hashes_list(f->s, T0, l[0].id, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_hashes_list(f->s, T0 + 2 * INT64_C(86400000), 0, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_hashes_tidy(f->s, T0 + 2 * INT64_C(86400000), &f->err));
	ok(store_hashes_list(f->s, 0, 0, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
}

static void what_is_bad_now_is_pending_wherever_it_lies(void **state)
{
	struct fixture *f = *state;
	struct store_verdict v;
	unsigned char sha256[32];
	int64_t n;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "midori");
	int64_t t1 = put_stream(f, "c1", "s1"), t2 = put_stream(f, "c2", "s1");
	seen_with(f, t1, "a", SHA_A, false);
	seen_with(f, t2, "b", SHA_A, false);
	seen_with(f, t1, "c", SHA_B, false);
	memset(sha256, 0xaa, sizeof(sha256));
	ok(store_hashes_found(f->s, sha256, 10, "[{\"name\":\"X\",\"part\":\"\"}]", "e", "2", T0, &n, &f->err));
	assert_int_equal(n, 2);
	ok(store_verdict_get(f->s, SHA_A, "e", "2", f->a, &v, &f->err));
	assert_string_equal(v.verdict, "threat");
	assert_int_equal(stream_get(f, t1).pending, 1);
	assert_int_equal(stream_get(f, t2).pending, 1);
	check_counts(f);
	/* It is known as a threat already. */
	ok(store_hashes_found(f->s, sha256, 10, "[]", "e", "3", T0, &n, &f->err));
	assert_int_equal(n, 0);
}

static void copies_of_a_tenant_are_looked_at_again(void **state)
{
	struct fixture *f = *state;
	int64_t n;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "aoba");
	put_connection(f, "c3", "midori");
	int64_t t1 = put_stream(f, "c1", "s1"), t2 = put_stream(f, "c2", "s1"), t3 = put_stream(f, "c3", "s1");
	seen_with(f, t1, "a", SHA_A, false);
	seen_with(f, t2, "b", SHA_A, false);
	seen_with(f, t3, "c", SHA_A, false);
	ok(store_hashes_again(f->s, "aoba", SHA_A, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(stream_get(f, t3).pending, 0);
	ok(store_hashes_again(f->s, "aoba", "no hash", &n, &f->err));
	assert_int_equal(n, 0);
	check_counts(f);
}

static void fresh_risky_ones_are_fetched_again(void **state)
{
	struct fixture *f = *state;
	struct store_item *l;
	int64_t n;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	seen_with(f, t, "a", SHA_A, false);
	seen_with(f, t, "b", SHA_B, true);
	ok(store_hashes_fetch(f->s, T0 + 1, 10, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_hashes_fetch(f->s, T0, 10, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(claim_items(f, T0, 10, &l), 1);
	assert_string_equal(l[0].remote_id, "b");
	assert_int_equal(l[0].lane, LANE_BACKLOG);
	assert_int_equal(l[0].again, 0);
	check_counts(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
	const struct CMUnitTest tests[] = {
		T(parts_come_back_once_a_content),
		T(what_is_bad_now_is_pending_wherever_it_lies),
		T(copies_of_a_tenant_are_looked_at_again),
		T(fresh_risky_ones_are_fetched_again),
	};

	return SUITE_RUN("hashes", tests);
}
