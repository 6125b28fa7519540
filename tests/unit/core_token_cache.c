/* The tokens that core keeps for a moment: their times, their room, their end. */
#include "tests/unit/cmocka_all.h"

#include "core/token_cache.h"

#include <string.h>

#define NOW 1000000
#define WALL 1800000000000ll
#define HOUR 3600000

static bool has(struct token_cache *t, const char *subject, int64_t now, int64_t wall, const char *token)
{
	_cleanup_wipe_ struct buf b = BUF_INIT(TOKEN_CACHE_MAX);

	if (!token_cache_get(t, subject, now, wall, &b))
		return false;
	assert_string_equal(buf_str(&b), token);
	return true;
}

static void kept_for_a_while(void **state)
{
	struct token_cache *t = token_cache_new();

	assert_false(has(t, "", NOW, WALL, ""));
	token_cache_put(t, "", "one", WALL + HOUR, NOW, WALL);
	token_cache_put(t, "hana@aoba.example", "two", WALL + HOUR, NOW, WALL);
	assert_true(has(t, "", NOW, WALL, "one"));
	assert_true(has(t, "hana@aoba.example", NOW + TOKEN_CACHE_KEEP_MS - 1, WALL, "two"));
	assert_false(has(t, "hana@aoba.example", NOW + TOKEN_CACHE_KEEP_MS, WALL, "two"));
	assert_true(has(t, "", NOW, WALL, "one"));
	/* The wall clock jumped, or the token is about to end. */
	assert_false(has(t, "", NOW, WALL + HOUR - TOKEN_CACHE_MARGIN_MS, "one"));
	token_cache_put(t, "", "short", WALL + TOKEN_CACHE_MARGIN_MS, NOW, WALL);
	assert_false(has(t, "", NOW, WALL, "short"));
	token_cache_free(t);
}

static void replaced_and_dropped(void **state)
{
	struct token_cache *t = token_cache_new();

	token_cache_put(t, "", "one", WALL + HOUR, NOW, WALL);
	token_cache_put(t, "", "another", WALL + HOUR, NOW, WALL);
	assert_true(has(t, "", NOW, WALL, "another"));
	token_cache_drop(t, "");
	token_cache_drop(t, "nobody");
	assert_false(has(t, "", NOW, WALL, ""));
	token_cache_free(t);
}

static void bounded(void **state)
{
	struct token_cache *t = token_cache_new();
	static char token[TOKEN_CACHE_MAX];
	char subject[32];

	memset(token, 'x', sizeof(token));
	token[2047] = '\0';
	for (int i = 0; i < 1000; i++) {
		snprintf(subject, sizeof(subject), "user%d", i);
		token_cache_put(t, subject, token, WALL + HOUR, NOW, WALL);
	}
	int kept = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(subject, sizeof(subject), "user%d", i);
		bool found = has(t, subject, NOW, WALL, token);
		assert_true(found || i < 999);
		kept += found;
	}
	assert_in_range(kept, 30, 32);
	/* One that leaves no room for its subject is not kept, and puts nobody out. */
	memset(token, 'x', sizeof(token));
	token[TOKEN_CACHE_MAX - 1] = '\0';
	token_cache_put(t, "huge", token, WALL + HOUR, NOW, WALL);
	assert_false(has(t, "huge", NOW, WALL, token));
	token[2047] = '\0';
	assert_true(has(t, "user999", NOW, WALL, token));
	token_cache_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_for_a_while),
		cmocka_unit_test(replaced_and_dropped),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
