/* policy: facts as JSON and back. */
#include "policy/facts.h"

#include "base/json.h"
#include "policy/table.h"

#include "cmocka_all.h"

static int read_text(const char *json, struct arena *a, struct facts *f, struct err *err)
{
	return facts_read(json, strlen(json), a, f, err);
}

/* Every fact of the table gets a value of its own, so that none is forgotten or mixed up. */
static int next;

static void fill(const struct fact_table *t, void *record, struct arena *a)
{
	for (const struct fact *f = t->of; f < t->of + t->n; f++) {
		void *at = (char *)record + f->at;
		size_t len = strlen(f->name);
		next++;
		if (len > 5 && strcmp(f->name + len - 5, "_seen") == 0) {
			*(int *)at = 100 + next;
			continue;
		}
		if (strcmp(f->name, "parent") == 0 || strcmp(f->name, "part") == 0)
			continue;
		switch (f->type) {
		case FACT_TEXT: *(const char **)at = arena_printf(a, "値 \"%d\"\n", next); break;
		case FACT_BOOL: *(bool *)at = true; break;
		case FACT_INT: *(int *)at = strcmp(f->name, "weekday") == 0 ? 6 : strcmp(f->name, "hour") == 0 ? 23 : next; break;
		case FACT_INT64:
		case FACT_SIZE:
		case FACT_TIME: *(int64_t *)at = 1700000000000 + next; break;
		case FACT_WORD: *(unsigned *)at = 1 + (unsigned)next % 2; break;
		case FACT_LIST:
			((struct facts_list *)at)->n = 2;
			((struct facts_list *)at)->of[0] = arena_printf(a, "a%d", next);
			((struct facts_list *)at)->of[1] = "関所";
			break;
		case FACT_ROWS:
			*(int *)(void *)((char *)record + f->rows->at_n) = 3;
			for (int i = 0; i < 3; i++) {
				void *row = (char *)at + (size_t)i * f->rows->record;
				fill(f->rows, row, a);
				if (f->rows == &facts_part)
					((struct facts_part *)row)->parent = i - 1;
			}
			break;
		case FACT_GROUPS: break;
		}
	}
}

static void comes_back(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f)), *again = calloc(1, sizeof(*again));
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20), twice = BUF_INIT(1 << 20);
	struct err err = {0};

	fill(&facts_item, f, a);
	f->known = FACTS_ALL;
	assert_int_equal(facts_print(f, &text), 0);
	if (facts_read(buf_str(&text), text.len, a, again, &err) < 0)
		fail_msg("%s in %s", err.message, buf_str(&text));
	assert_int_equal(facts_print(again, &twice), 0);
	assert_string_equal(buf_str(&text), buf_str(&twice));
	/* Each fact of the table stands in it. */
	for (size_t i = 0; i < facts_item.n; i++) {
		char key[64];
		const char *dot = strchr(facts_item.of[i].name, '.');
		snprintf(key, sizeof(key), "\"%s\":", dot ? dot + 1 : facts_item.of[i].name);
		if (!strstr(buf_str(&text), key))
			fail_msg("%s is missing", key);
	}
	assert_string_equal(again->mail.from_domain, f->mail.from_domain);
	assert_int_equal(again->parts[2].parent, 1);
	assert_int_equal(again->links[1].age_days, f->links[1].age_days);
	assert_int_equal(again->mail.to.seen, f->mail.to.seen);
	assert_int_equal(again->mail.dmarc, f->mail.dmarc);
}

static void empty_is_left_out(void **state)
{
	struct facts *f = calloc(1, sizeof(*f));
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);

	f->mail.from = "a@example.com";
	facts_print(f, &text);
	assert_string_equal(buf_str(&text), "{\"known\":[]}");
	buf_clear(&text);
	f->known = FACTS_CONTENT | FACTS_PEOPLE;
	f->kind = FACTS_MAIL;
	f->sharing.outside = true; /* not known */
	facts_print(f, &text);
	assert_string_equal(buf_str(&text), "{\"known\":[\"content\",\"people\"],\"kind\":\"mail\",\"mail\":{\"from\":\"a@example.com\"}}");
	free(f);
}

static void does_not_fit(void **state)
{
	struct facts *f = calloc(1, sizeof(*f));
	_cleanup_buf_ struct buf text = BUF_INIT(20);

	f->name = "a name of some length";
	assert_int_equal(facts_print(f, &text), -1);
	free(f);
}

static void refused_with_path(void **state)
{
	static const struct {
		const char *json, *message;
	} bad[] = {
		{"{\"knid\":\"mail\"}", "did you mean 'kind'"},
		{"{\"mail\":{\"form\":\"x\"}}", "did you mean 'mail.from'"},
		{"{\"kind\":\"letter\"}", "kind is one of: file, mail, chat"},
		{"{\"name\":5}", "name: text expected"},
		{"{\"size\":\"5\"}", "size: size expected"},
		{"{\"size\":1.5}", "size: size expected"},
		{"{\"from_provider\":1}", "from_provider: true or false expected"},
		{"{\"parts\":{}}", "parts: rows expected"},
		{"{\"parts\":[{\"naem\":\"x\"}]}", "parts[0].naem: no such fact; did you mean 'name'"},
		{"{\"parts\":[{},{\"parent\":1}]}", "parts[1].parent"},
		{"{\"parts\":[{},{\"parent\":-2}]}", "parts[1].parent"},
		{"{\"hits\":[{\"part\":3}]}", "hits[0].part"},
		{"{\"links\":[{\"part\":-2}]}", "links[0].part"},
		{"{\"known\":[\"all\"]}", "groups are content"},
		{"{\"groups\":[1]}", "groups: list of texts expected"},
		{"{\"hits\":[{\"count\":99999999999}]}", "hits[0].count"},
		{"[]", "an object is expected"},
		{"{\"name\":\"a\",\"name\":\"b\"}", ""},
		{"{", ""},
		{"", ""},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct facts *f = calloc(1, sizeof(*f));

	f->hour = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = {0};
		assert_int_equal(read_text(bad[i].json, a, f, &err), -1);
		assert_string_equal(err.code, "bad_facts");
		if (!strstr(err.message, bad[i].message))
			fail_msg("%s: %s", bad[i].json, err.message);
	}
	assert_int_equal(f->hour, 77); /* untouched */
	free(f);
}

static void bounded(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20), *small = arena_new(100);
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	struct facts *f = calloc(1, sizeof(*f));
	struct err err = {0};

	buf_adds(&text, "{\"hits\":[");
	for (int i = 0; i <= FACTS_MAX_HITS; i++)
		buf_adds(&text, i ? ",{}" : "{}");
	buf_adds(&text, "]}");
	assert_int_equal(read_text(buf_str(&text), a, f, &err), -1);
	assert_non_null(strstr(err.message, "more than 64"));
	assert_int_equal(read_text("{\"name\":\"x\",\"path\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
				   "0123456789012345678901234567890123456789\"}", small, f, &err), -1);
	free(f);
}

static void without_known_all_is_known(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct facts *f = calloc(1, sizeof(*f));

	assert_int_equal(read_text("{\"parts\":[{}],\"name\":null}", a, f, NULL), 0);
	assert_int_equal(f->known, FACTS_ALL);
	assert_int_equal(f->parts_seen, 1);
	assert_int_equal(f->parts[0].parent, -1);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(empty_is_left_out),
		cmocka_unit_test(does_not_fit),
		cmocka_unit_test(refused_with_path),
		cmocka_unit_test(bounded),
		cmocka_unit_test(without_known_all_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
