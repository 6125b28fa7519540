/* The table of facts in policy/README.md is the one of policy/table.c, and the examples there compile and keep what their cases promise.
 *   policy-test-doc README.md            checks
 *   policy-test-doc README.md --write    puts the table in */
#include "base/ioutil.h"
#include "policy/policy.h"
#include "policy/table.h"

#include <string.h>

static const char begin[] = "<!-- facts: written by policy-test-doc --write -->\n", end[] = "<!-- /facts -->";

static void put_table(struct buf *b, const struct fact_table *t, const char *head)
{
	buf_addf(b, "\n%s\n\n| fact | is | known after | meaning | 意味 |\n| --- | --- | --- | --- | --- |\n", head);
	for (const struct fact *f = t->of; f < t->of + t->n; f++) {
		buf_addf(b, "| `%s` | %s", f->name, facts_type_word(f->type));
		if (f->type == FACT_WORD)
			for (const char *const *w = f->words; *w; w++)
				buf_addf(b, "%s%s", **w ? w == f->words || (w == f->words + 1 && !**f->words) ? ": " : ", " : "", *w);
		buf_addf(b, " | %s | %s | %s |\n", facts_group_name(f->group), f->en, f->ja);
	}
}

static int check_example(const char *text, size_t len, int line)
{
	size_t n;
	const struct policy_source *shipped = policy_shipped(&n);
	struct policy_source src[64];
	struct policy *p = NULL;
	struct err err = {0};
	int cases;

	memcpy(src, shipped, n * sizeof(*src));
	src[n] = (struct policy_source){"example", text, len};
	if (policy_compile(src, n + 1, &p, NULL, &err) < 0 || policy_test(p, &cases, NULL, &err) < 0) {
		fprintf(stderr, "the example of line %d: %s\n", line, err.message);
		policy_free(p);
		return -1;
	}
	policy_free(p);
	return 0;
}

static int check_examples(const char *text)
{
	int wrong = 0, found = 0;

	for (const char *at = text; (at = strstr(at, "\n```yaml\n")) != NULL;) {
		const char *start = at + 9, *stop = strstr(start, "\n```");
		int line = 2;
		for (const char *c = text; c < start; c++)
			line += *c == '\n';
		if (!stop)
			return -1;
		if (strncmp(start, "rules:", 6) == 0 || strncmp(start, "detectors:", 10) == 0) {
			found++;
			wrong += check_example(start, (size_t)(stop - start) + 1, line) < 0;
		}
		at = stop;
	}
	if (!found)
		fprintf(stderr, "no examples were found\n");
	return wrong || !found ? -1 : 0;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1u << 20), table = BUF_INIT(1u << 20), out = BUF_INIT(2u << 20);
	struct err err = {0};

	if (argc < 2 || io_read_file(argv[1], &text, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	put_table(&table, &facts_item, "Of the item:");
	put_table(&table, &facts_part, "Of a part (`parts`):");
	put_table(&table, &facts_hit, "Of a hit (`hits`):");
	put_table(&table, &facts_link, "Of a link (`links`):");
	const char *a = strstr(buf_str(&text), begin), *b = a ? strstr(a, end) : NULL;
	if (!b) {
		fprintf(stderr, "%s: the marks are missing\n", argv[1]);
		return 1;
	}
	a += strlen(begin);
	buf_add(&out, text.data, (size_t)(a - text.data));
	buf_addf(&out, "%s\n%s", buf_str(&table), b);
	if (argc > 2 && strcmp(argv[2], "--write") == 0)
		return io_write_file(argv[1], out.data, out.len, 0644, &err) < 0;
	if (strcmp(buf_str(&out), buf_str(&text)) != 0) {
		fprintf(stderr, "%s is not what the table says: run build/policy/policy-test-doc %s --write\n", argv[1], argv[1]);
		return 1;
	}
	return check_examples(buf_str(&text)) < 0;
}
