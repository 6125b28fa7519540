/* What deciding costs: 1,000 rules on an item of 200 parts, as the bound says (1 ms). Prints one JSON object. The rules are
 * different from each other in every text, so that little of one serves another. */
#include "base/buf.h"
#include "policy/policy.h"

#include <string.h>
#include <time.h>

#define RULES 1000
#define PARTS 200
#define ROUNDS 300

static void write_rules(struct buf *b)
{
	buf_adds(b, "rules:\n");
	for (int i = 0; i < RULES; i++) {
		buf_addf(b, "- id: r.%d\n  title: Rule %d\n  severity: low\n  category: file\n", i, i);
		switch (i % 5) {
		case 0:
			buf_addf(b, "  when: {kind: mail, mail.from: {not: 'user%d@*'}, parts: {any: {name: '*secret%d*.doc*', size: {min: %d}}}}\n", i, i, i);
			break;
		case 1:
			buf_addf(b, "  when: {mail.subject: {contains: [payment%d, 請求%d]}, parts: {none: {type: [pe, kind%d]}}}\n", i, i, i);
			break;
		case 2:
			buf_addf(b, "  when: {any: [{parts: {any: {executable: true, extension: [e%d, f%d]}}}, {parts: {count: {of: {depth: {min: %d}}, min: 3}}}]}\n", i, i,
				i);
			break;
		case 3:
			buf_addf(b, "  when: {hits: {any: {detector: my_number, near: true, count: {min: %d}}}, parts: {any: {path: '*/dir%d/*'}}}\n", 1000 + i, i);
			break;
		default:
			buf_addf(b, "  when: {links: {any: {host: ['*.bad%d.example', evil%d.example], approved: false}}, size: {min: %d kB}}\n", i, i, 1 + i % 7);
		}
		buf_adds(b, "  cases: [{match: true, facts: {}}, {match: false, facts: {}}]\n");
	}
}

static void make_facts(struct facts *f, struct arena *a)
{
	static const char *const types[] = {"pdf", "ooxml.word", "image", "html", "zip"};

	*f = (struct facts){.known = FACTS_ALL, .kind = FACTS_MAIL, .name = "3月分の請求書を送付します", .size = 5 << 20, .verdict = "clean", .reason = ""};
	f->mail.from = "tanaka@customer.example";
	f->mail.subject = f->name;
	f->n_parts = f->parts_seen = PARTS;
	for (int i = 0; i < PARTS; i++) {
		struct facts_part *p = &f->parts[i];
		p->parent = i ? (i - 1) / 4 : -1;
		p->depth = 1 + i / 50;
		p->name = arena_printf(a, "secretary_report_%d.docx", i);
		p->path = arena_printf(a, "archive.zip/folder%d/%s", i, p->name);
		p->type = types[i % 5];
		p->extension = "docx";
		p->size = 1000 * i;
	}
	f->n_hits = f->hits_seen = FACTS_MAX_HITS;
	for (int i = 0; i < FACTS_MAX_HITS; i++)
		f->hits[i] = (struct facts_hit){.detector = i % 2 ? "my_number" : "phone_jp", .part = i, .count = i, .distinct = i, .near = i % 3 == 0};
	f->n_links = f->links_seen = FACTS_MAX_LINKS;
	for (int i = 0; i < FACTS_MAX_LINKS; i++)
		f->links[i] = (struct facts_link){.host = arena_printf(a, "www%d.bad.example", i), .part = i};
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of this thread's processor time: other work of the machine is not counted. */
static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT(2u << 20);
	_cleanup_(arena_freep) struct arena *a = arena_new(8 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	int64_t took[ROUNDS];
	struct err err = {0};

	write_rules(&text);
	const struct policy_source src = {"bench.yaml", buf_str(&text), text.len};
	int64_t start = cpu_ns();
	if (!a || !f || !d || policy_compile(&src, 1, &p, NULL, &err) < 0) {
		fprintf(stderr, "policy bench: %s\n", err.message);
		return 1;
	}
	int64_t compiled = cpu_ns() - start;
	make_facts(f, a);
	for (int i = 0; i < ROUNDS; i++) {
		start = cpu_ns();
		policy_decide(p, f, NULL, d);
		took[i] = cpu_ns() - start;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_value);
	printf("{\"rules\":%d,\"parts\":%d,\"matched\":%d,\"compile_ms\":%.1f,\"decide_us_median\":%.0f,\"decide_us_p99\":%.0f}\n", RULES, PARTS, d->matched,
		(double)compiled / 1e6, (double)took[ROUNDS / 2] / 1e3, (double)took[ROUNDS * 99 / 100] / 1e3);
	return 0;
}
