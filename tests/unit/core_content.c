/* What a worker told, as JSON for the store and back: nothing is lost, and what makes no sense is not believed. */
#include "base/json.h"
#include "core/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scan_reply *sample(void)
{
	struct scan_reply *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->verdict = VERDICT_UNKNOWN;
	snprintf(r->reason, sizeof(r->reason), "encrypted_archive");
	r->n_threats = 1;
	snprintf(r->threats[0].name, sizeof(r->threats[0].name), "Win.Test \"quoted\"\n");
	r->n_parts = r->parts_seen = 2;
	snprintf(r->parts[0].name, sizeof(r->parts[0].name), "見積書.zip");
	r->parts[0].parent = -1;
	r->parts[0].size = 5000000000;
	snprintf(r->parts[1].true_type, sizeof(r->parts[1].true_type), "ooxml.word");
	r->parts[1].depth = 1;
	r->parts[1].encrypted = r->parts[1].macros = r->parts[1].opened = true;
	r->n_hits = 1;
	r->hits_seen = 7;
	snprintf(r->hits[0].detector, sizeof(r->hits[0].detector), "my_number");
	snprintf(r->hits[0].masked, sizeof(r->hits[0].masked), "********1234");
	r->hits[0].part = 1;
	r->hits[0].count = 7;
	r->hits[0].near = true;
	r->n_links = 1;
	snprintf(r->links[0].url, sizeof(r->links[0].url), "https://例え.example/");
	r->links[0].flags = SCAN_LINK_PUNYCODE | SCAN_LINK_REDIRECT;
	r->mail.present = true;
	snprintf(r->mail.subject, sizeof(r->mail.subject), "パスワードのお知らせ");
	r->mail.n_addresses = 1;
	r->mail.addresses[0].field = SCAN_FIELD_REPLY_TO;
	snprintf(r->mail.addresses[0].address, sizeof(r->mail.addresses[0].address), "a@b.example");
	r->mail.n_auth = 1;
	r->mail.auth[0].dmarc = SCAN_AUTH_FAIL;
	return r;
}

static void there_and_back(void **state)
{
	struct scan_reply *r = sample(), *back = calloc(1, sizeof(*back));
	_cleanup_buf_ struct buf json = BUF_INIT(CONTENT_JSON_MAX), again = BUF_INIT(CONTENT_JSON_MAX);
	struct err err;
	bool words = false;

	assert_non_null(back);
	assert_int_equal(content_print(r, true, &json), 0);
	assert_int_equal(content_read(buf_str(&json), json.len, back, &words, &err), 0);
	assert_true(words);
	assert_memory_equal(back, r, sizeof(*r));
	assert_int_equal(content_print(back, true, &again), 0);
	assert_string_equal(buf_str(&again), buf_str(&json));
	free(back);
	free(r);
}

static void what_makes_no_sense_is_not_believed(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"v\":2,\"verdict\":1}", "{\"v\":1}", "{\"v\":1,\"verdict\":9}",
		"{\"v\":1,\"verdict\":1,\"parts\":[{\"in\":0}]}", "{\"v\":1,\"verdict\":1,\"hits\":[{\"part\":-1}]}",
		"{\"v\":1,\"verdict\":1,\"links\":[{\"part\":256}]}", "{\"v\":1,\"verdict\":1,\"parts\":[1]}",
		"{\"v\":1,\"verdict\":1,\"mail\":{\"addresses\":[{\"field\":77}]}}", "{\"v\":1,\"verdict\":1"};
	struct scan_reply *r = calloc(1, sizeof(*r));
	struct err err;
	bool words;

	assert_non_null(r);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (content_read(bad[i], strlen(bad[i]), r, &words, &err) == 0)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(content_read("{\"v\":1,\"verdict\":1}", 19, r, &words, &err), 0);
	assert_false(words);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(what_makes_no_sense_is_not_believed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
