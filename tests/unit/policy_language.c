/* policy: what may stand in a rule file, what it means, and where complaints point. */
#include "policy/policy.h"

#include "cmocka_all.h"

/* A rule around a condition; its cases say nothing of it. */
#define RULE_HEAD "rules:\n- id: t\n  title: T\n  severity: low\n  category: file\n  mode: protect\n"
#define RULE_CASES "  cases:\n  - {match: true, facts: {}}\n  - {match: false, facts: {}}\n"

static int compile_all(const char *text, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	const struct policy_source src = {"t.yaml", text, strlen(text)};

	return policy_compile(&src, 1, ret, problems, err);
}

/* The truth of a condition for facts: 't', 'f' or 'u', which means that it asks for more. */
static char truth(const char *when, const char *facts)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	char *text = arena_printf(a, RULE_HEAD "  when: %s\n" RULE_CASES, when);
	struct err err = {0};

	if (compile_all(text, &p, NULL, &err) < 0)
		fail_msg("%s: %s", when, err.message);
	if (facts_read(facts, strlen(facts), a, f, &err) < 0)
		fail_msg("%s: %s", facts, err.message);
	policy_decide(p, f, NULL, d);
	assert_true(d->matched == 0 || d->needs == 0);
	return d->matched ? 't' : d->needs ? 'u' : 'f';
}

static void conditions(void **state)
{
	static const struct {
		const char *when, *facts;
		char result;
	} of[] = {
		/* texts */
		{"{name: a.txt}", "{\"name\":\"a.txt\"}", 't'},
		{"{name: A.TXT}", "{\"name\":\"a.txt\"}", 't'},
		{"{name: a.txt}", "{\"name\":\"a.txt2\"}", 'f'},
		{"{name: [b, a.txt]}", "{\"name\":\"a.txt\"}", 't'},
		{"{name: '*.txt'}", "{\"name\":\"a.TXT\"}", 't'},
		{"{name: ['*.exe', x]}", "{\"name\":\"x\"}", 't'},
		{"{name: '請求書?.pdf'}", "{\"name\":\"請求書一.pdf\"}", 't'},
		{"{name: '請求書?.pdf'}", "{\"name\":\"請求書.pdf\"}", 'f'},
		{"{name: '*a*b*'}", "{\"name\":\"xxbaxx\"}", 'f'},
		{"{name: '*a*b*'}", "{\"name\":\"xxaxbx\"}", 't'},
		{"{name: {is: 'a*'}}", "{\"name\":\"a*\"}", 't'},
		{"{name: {is: 'a*'}}", "{\"name\":\"ab\"}", 'f'},
		{"{name: {contains: [秘, x]}}", "{\"name\":\"社外秘の件\"}", 't'},
		{"{name: {contains: Invoice}}", "{\"name\":\"your INVOICE 5\"}", 't'},
		{"{name: {begins: re, ends: [pdf, doc]}}", "{\"name\":\"Re: x.pdf\"}", 't'},
		{"{name: {begins: re, ends: [pdf, doc]}}", "{\"name\":\"Re: x.txt\"}", 'f'},
		{"{name: {ends: abc}}", "{\"name\":\"bc\"}", 'f'},
		{"{name: {glob: 'a[b'}}", "{\"name\":\"a[b\"}", 't'},
		{"{name: {not: a}}", "{\"name\":\"b\"}", 't'},
		{"{name: {not: [a, 'b*']}}", "{\"name\":\"bcd\"}", 'f'},
		{"{name: {not: ''}}", "{}", 'f'},
		{"{name: ''}", "{}", 't'},
		{"{name: {contains: a, not: {ends: b}}}", "{\"name\":\"ab\"}", 'f'},
		/* numbers, words, true and false */
		{"{size: {min: 10 MiB}}", "{\"size\":10485760}", 't'},
		{"{size: {min: 10 MiB}}", "{\"size\":10485759}", 'f'},
		{"{size: {max: 5 kB, min: 1}}", "{\"size\":5000}", 't'},
		{"{size: 7}", "{\"size\":7}", 't'},
		{"{kind: mail}", "{\"kind\":\"mail\"}", 't'},
		{"{kind: [mail, chat]}", "{\"kind\":\"file\"}", 'f'},
		{"{kind: {not: mail}}", "{\"kind\":\"file\"}", 't'},
		{"{kind: {not: [mail, file]}}", "{\"kind\":\"file\"}", 'f'},
		{"{mail.dmarc: fail}", "{\"mail\":{\"dmarc\":\"fail\"}}", 't'},
		{"{mail.dmarc: none}", "{}", 't'},
		{"{holiday: true}", "{\"holiday\":true}", 't'},
		{"{holiday: false}", "{}", 't'},
		{"{holiday: {not: true}}", "{\"holiday\":true}", 'f'},
		{"{hour: {from: 22, to: 6}}", "{\"hour\":23}", 't'},
		{"{hour: {from: '22:00', to: '06:00'}}", "{\"hour\":5}", 't'},
		{"{hour: {from: 22, to: 6}}", "{\"hour\":6}", 'f'},
		{"{hour: {from: 9, to: 18}}", "{\"hour\":18}", 'f'},
		{"{hour: {from: 9, to: 18}}", "{\"hour\":9}", 't'},
		{"{hour: {from: 18, to: 0}}", "{\"hour\":0}", 'f'},
		{"{hour: {from: 18, to: 0}}", "{\"hour\":23}", 't'},
		{"{weekday: [sat, sun]}", "{\"weekday\":7}", 't'},
		{"{weekday: {not: [sat, sun]}}", "{\"weekday\":5}", 't'},
		{"{time: {min: 2026-04-01}}", "{\"time\":1775001600000}", 't'},
		{"{time: {max: 2026-04-01T00:00:00+09:00}}", "{\"time\":1775001600000}", 'f'},
		/* joining */
		{"{any: [name: a, name: b]}", "{\"name\":\"b\"}", 't'},
		{"{all: [name: 'a*', name: '*b']}", "{\"name\":\"ab\"}", 't'},
		{"[name: 'a*', {not: {name: ab}}]", "{\"name\":\"ab\"}", 'f'},
		{"{any: {name: a, size: 5}}", "{\"size\":5}", 't'},
		{"{not: {name: a, size: 5}}", "{\"name\":\"a\",\"size\":6}", 't'},
		{"{not: {not: {name: a}}}", "{\"name\":\"a\"}", 't'},
		/* lists */
		{"{groups: Sales}", "{\"groups\":[\"IT\",\"sales\"]}", 't'},
		{"{groups: [x, 'it*']}", "{\"groups\":[\"IT\",\"sales\"]}", 't'},
		{"{groups: {none: Sales}}", "{\"groups\":[\"IT\"]}", 't'},
		{"{mail.to: {all: {ends: '@a.example'}}}", "{\"mail\":{\"to\":[\"x@a.example\",\"y@b.example\"]}}", 'f'},
		{"{mail.to: {count: {of: {not: {ends: '@a.example'}}, min: 2}}}", "{\"mail\":{\"to\":[\"x@c.example\",\"y@b.example\",\"z@a.example\"]}}", 't'},
		{"{mail.to: {count: {min: 50}}}", "{\"mail\":{\"to\":[\"x@c.example\"],\"to_seen\":50}}", 't'},
		{"{threats: {any: {begins: Heuristics.}}}", "{\"threats\":[\"Win.X\"]}", 'f'},
		/* rows */
		{"{parts: {any: {type: pe, size: {min: 5}}}}", "{\"parts\":[{\"type\":\"pe\"},{\"size\":9}]}", 'f'},
		{"{parts: {any: {type: pe, size: {min: 5}}}}", "{\"parts\":[{\"type\":\"pe\",\"size\":9}]}", 't'},
		{"{parts: {all: {type: [pe, zip]}}}", "{\"parts\":[{\"type\":\"zip\"},{\"type\":\"pe\"}]}", 't'},
		{"{parts: {all: {type: [pe, zip]}}}", "{}", 'f'},
		{"{parts: {none: {type: pe}}}", "{}", 't'},
		{"{parts: {count: {of: {macros: true}, min: 2, max: 3}}}", "{\"parts\":[{\"macros\":true},{\"macros\":true},{}]}", 't'},
		{"{parts: {count: {of: {macros: true}, max: 1}}}", "{\"parts\":[{\"macros\":true},{\"macros\":true},{}]}", 'f'},
		{"{parts: {count: {min: 300}}}", "{\"parts\":[{}],\"parts_seen\":300}", 't'},
		{"{parts: {sum: {field: size, min: 1 KiB}}}", "{\"parts\":[{\"size\":1000},{\"size\":24}]}", 't'},
		{"{hits: {sum: {of: {detector: my_number}, field: count, min: 10}}}",
			"{\"parts\":[{},{}],\"hits\":[{\"detector\":\"my_number\",\"count\":6},{\"detector\":\"my_number\",\"count\":4,\"part\":1},{\"detector\":\"iban\",\"count\":1}]}", 't'},
		{"{hits: {sum: {of: {detector: my_number}, field: count, min: 11}}}",
			"{\"hits\":[{\"detector\":\"my_number\",\"count\":6},{\"detector\":\"my_number\",\"count\":4},{\"detector\":\"iban\",\"count\":1}]}", 'f'},
		{"{hits: {any: {detector: 'words.*'}}}", "{\"hits\":[{\"detector\":\"words.payment\"}]}", 't'},
		/* parts within parts, hits within parts, parts of hits */
		{"{parts: {any: {type: pe, inside: {type: zip}}}}", "{\"parts\":[{\"type\":\"zip\"},{\"type\":\"tar\",\"parent\":0},{\"type\":\"pe\",\"parent\":1}]}", 't'},
		{"{parts: {any: {type: zip, inside: {type: zip}}}}", "{\"parts\":[{\"type\":\"zip\"},{\"type\":\"pe\"}]}", 'f'},
		{"{parts: {any: {type: pdf, hits: {any: {detector: iban}}}}}", "{\"parts\":[{\"type\":\"mail\"},{\"type\":\"pdf\"}],\"hits\":[{\"detector\":\"iban\",\"part\":1}]}", 't'},
		{"{parts: {any: {type: pdf, hits: {any: {detector: iban}}}}}", "{\"parts\":[{\"type\":\"mail\"},{\"type\":\"pdf\"}],\"hits\":[{\"detector\":\"iban\"}]}", 'f'},
		{"{parts: {any: {hits: {count: {min: 2}}}}}", "{\"parts\":[{},{}],\"hits\":[{},{\"part\":1}]}", 'f'},
		{"{parts: {any: {hits: {count: {min: 2}}}}}", "{\"parts\":[{},{}],\"hits\":[{\"part\":1},{\"part\":1}]}", 't'},
		{"{parts: {any: {links: {none: {mismatch: true}}, type: html}}}", "{\"parts\":[{\"type\":\"html\"}],\"links\":[{\"mismatch\":true}]}", 'f'},
		{"{hits: {any: {detector: iban, part: {type: pdf}}}}", "{\"parts\":[{\"type\":\"mail\"},{\"type\":\"pdf\"}],\"hits\":[{\"detector\":\"iban\",\"part\":1}]}", 't'},
		{"{links: {any: {part: {type: pdf}}}}", "{\"parts\":[{\"type\":\"mail\"}],\"links\":[{\"part\":-1},{}]}", 'f'},
		{"{links: {any: {age_days: {max: 7}}}}", "{\"links\":[{\"age_days\":-1}]}", 't'},
		/* what is not known */
		{"{sharing.public_link: true}", "{\"known\":[\"content\"]}", 'u'},
		{"{all: [sharing.public_link: true, name: a]}", "{\"known\":[],\"name\":\"b\"}", 'f'},
		{"{any: [sharing.public_link: true, name: a]}", "{\"known\":[],\"name\":\"a\"}", 't'},
		{"{not: {sharing.public_link: true}}", "{\"known\":[]}", 'u'},
		{"{parts: {any: {type: pe}}}", "{\"known\":[\"words\"]}", 'u'},
		{"{hits: {none: {near: true}}}", "{\"known\":[\"content\"]}", 'u'},
		{"{hits: {count: {max: 0}}}", "{\"known\":[\"content\"]}", 'u'},
		{"{links: {any: {listed: {not: ''}, age_days: {max: 1}}}}", "{\"known\":[\"content\",\"words\"],\"links\":[{\"host\":\"a\"}]}", 'f'},
		{"{links: {any: {listed: {not: ''}, age_days: {max: 1}}}}", "{\"known\":[\"content\",\"words\"],\"links\":[{\"listed\":\"a\"}]}", 'u'},
		{"{links: {all: {age_days: {max: 1}}}}", "{\"known\":[\"content\",\"words\"],\"links\":[]}", 'f'},
		{"{groups: [a]}", "{\"known\":[\"content\"]}", 'u'},
		{"{parts: {any: {type: pe, hits: {any: {near: true}}}}}", "{\"known\":[\"content\"],\"parts\":[{\"type\":\"pe\"}]}", 'u'},
		{"{parts: {any: {type: pe, hits: {any: {near: true}}}}}", "{\"known\":[\"content\"],\"parts\":[{\"type\":\"zip\"}]}", 'f'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (truth(of[i].when, of[i].facts) != of[i].result)
			fail_msg("%s for %s: not '%c'", of[i].when, of[i].facts, of[i].result);
}

static void complains(void **state)
{
	static const struct {
		const char *text;
		int line, column;
		const char *what;
	} of[] = {
		{"rules: [\n", 2, 1, ""},
		{"ruels: []\n", 1, 1, "did you mean 'rules'"},
		{"rules: {}\n", 1, 8, "rules is a list"},
		{"rules:\n- x\n", 2, 3, "keys and values"},
		{"rules:\n- {title: T}\n", 2, 3, "wants an id"},
		{"rules:\n- {id: A B}\n", 2, 8, "an id is up to"},
		{RULE_HEAD RULE_CASES, 2, 3, "wants a condition"},
		{RULE_HEAD "  wen: {}\n" RULE_CASES, 7, 3, "did you mean 'when'"},
		{RULE_HEAD "  when: {nmae: x}\n" RULE_CASES, 7, 10, "did you mean 'name'"},
		{RULE_HEAD "  when: {mail.form: x}\n" RULE_CASES, 7, 10, "did you mean 'mail.from'"},
		{RULE_HEAD "  when: {parts: {any: {mail.from: x}}}\n" RULE_CASES, 7, 24, "a fact of the item"},
		{RULE_HEAD "  when: {parts: {any: {tipe: x}}}\n" RULE_CASES, 7, 24, "did you mean 'type'"},
		{RULE_HEAD "  when: {parts: {type: x}}\n" RULE_CASES, 7, 18, "unknown key 'type'"},
		{RULE_HEAD "  when: {parts: true}\n" RULE_CASES, 7, 17, "say any, all, none"},
		{RULE_HEAD "  when: {parts: {count: {of: {type: pe}}}}\n" RULE_CASES, 7, 25, "min or max is missing"},
		{RULE_HEAD "  when: {hits: {sum: {field: near, min: 1}}}\n" RULE_CASES, 7, 30, "no number"},
		{RULE_HEAD "  when: {kind: letter}\n" RULE_CASES, 7, 16, "kind is one of: file, mail, chat"},
		{RULE_HEAD "  when: {holiday: maybe}\n" RULE_CASES, 7, 19, "true or false expected"},
		{RULE_HEAD "  when: {size: {min: big}}\n" RULE_CASES, 7, 22, "such as 10 MiB"},
		{RULE_HEAD "  when: {size: {min: 5, max: 4}}\n" RULE_CASES, 7, 16, "min is greater"},
		{RULE_HEAD "  when: {weekday: someday}\n" RULE_CASES, 7, 19, "a day is expected"},
		{RULE_HEAD "  when: {hour: 24}\n" RULE_CASES, 7, 16, "an hour is expected"},
		{RULE_HEAD "  when: {hour: {from: 3}}\n" RULE_CASES, 7, 16, "from and to belong together"},
		{RULE_HEAD "  when: {verdict: treat}\n" RULE_CASES, 7, 19, "did you mean 'threat'"},
		{RULE_HEAD "  when: {hits: {any: {detector: my_numbr}}}\n" RULE_CASES, 7, 33, "did you mean 'my_number'"},
		{RULE_HEAD "  when: {name: []}\n" RULE_CASES, 7, 16, "empty list"},
		{RULE_HEAD "  when: {name: {contians: x}}\n" RULE_CASES, 7, 17, "did you mean 'contains'"},
		{RULE_HEAD "  when: {name: {contains: ''}}\n" RULE_CASES, 7, 27, "empty text"},
		{RULE_HEAD "  when: {name: '*a*b*c*d*e*f*g*h*i'}\n" RULE_CASES, 7, 16, "stars"},
		{RULE_HEAD "  when: {}\n" RULE_CASES, 7, 9, "a condition is expected"},
		{RULE_HEAD "  when: {name: x}\n  action: quarantain\n" RULE_CASES, 8, 11, "did you mean 'quarantine'"},
		{RULE_HEAD "  when: {name: x}\n  action: tag\n" RULE_CASES, 2, 3, "wants the words"},
		{RULE_HEAD "  when: {name: x}\n  tag: y\n" RULE_CASES, 8, 3, "belongs to the action tag"},
		{RULE_HEAD "  when: {name: x}\n  notify: [boss]\n" RULE_CASES, 8, 12, "admin, desk, owner"},
		{RULE_HEAD "  when: {name: x}\n  targets: {teams: x}\n" RULE_CASES, 8, 13, "unknown key 'teams'"},
		{RULE_HEAD "  when: {name: x}\n  targets: {services: gmial}\n" RULE_CASES, 8, 23, "did you mean 'gmail'"},
		{RULE_HEAD "  when: {name: x}\n", 2, 3, "wants cases"},
		{RULE_HEAD "  when: {name: x}\n  cases: [{match: true, facts: {}}]\n", 8, 10, "match: false is missing"},
		{RULE_HEAD "  when: {name: x}\n  cases: [{match: false, facts: {}}]\n", 8, 10, "match: true is missing"},
		{RULE_HEAD "  when: {name: x}\n  cases: [{match: false, facts: {nmae: y}}]\n", 8, 34, "did you mean 'name'"},
		{RULE_HEAD "  when: {name: x}\n  cases: [{match: false, facts: {size: y}}]\n", 8, 40, "size expected"},
		{RULE_HEAD "  when: {name: x}\n" RULE_CASES "- id: t\n", 11, 3, ""},
		{"detectors:\n- {id: my_number, words: [abc]}\n", 2, 8, "already"},
		{"detectors:\n- {id: x.y}\n", 2, 3, "words or a pattern"},
		{"detectors:\n- {id: x.y, pattern: '('}\n", 2, 22, "its pattern is refused"},
		{"detectors:\n- {id: x.y, pattern: '(?=a)b'}\n", 2, 22, "its pattern is refused"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct policy_problems problems = {.arena = a, .max = 10};
		struct policy *p = NULL;
		struct err err = {0};
		char where[64];
		if (compile_all(of[i].text, &p, &problems, &err) == 0)
			fail_msg("taken: %s", of[i].text);
		assert_null(p);
		assert_string_equal(err.code, "bad_policy");
		assert_true(problems.n >= 1);
		const struct policy_problem *w = &problems.of[0];
		assert_string_equal(w->file, "t.yaml");
		if (w->line != of[i].line || w->column != of[i].column || !strstr(w->text, of[i].what))
			fail_msg("%s\n%d:%d: %s", of[i].text, w->line, w->column, w->text);
		snprintf(where, sizeof(where), "t.yaml:%d:%d: ", w->line, w->column);
		assert_memory_equal(err.message, where, strlen(where));
	}
}

static void all_problems_of_a_file(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct policy_problems problems = {.arena = a, .max = 2};
	struct policy *p = NULL;

	assert_int_equal(compile_all(RULE_HEAD "  when: {nmae: x}\n  action: x\n  notify: y\n" RULE_CASES, &p, &problems, NULL), -1);
	assert_int_equal(problems.n, 2); /* no more than there is room for */
	problems = (struct policy_problems){.arena = a, .max = 20};
	assert_int_equal(compile_all(RULE_HEAD "  when: {nmae: x}\n  action: x\n  notify: y\n" RULE_CASES, &p, &problems, NULL), -1);
	assert_int_equal(problems.n, 3);
}

/* ---- rule sets ---- */

static struct policy *two(const char *first, const char *second)
{
	const struct policy_source src[] = {{"1.yaml", first, strlen(first)}, {"2.yaml", second, strlen(second)}};
	struct policy *p = NULL;
	struct err err = {0};

	if (policy_compile(src, 2, &p, NULL, &err) < 0)
		fail_msg("%s", err.message);
	return p;
}

static void later_files_replace(void **state)
{
	static const char first[] = RULE_HEAD "  when: {name: x}\n  action: delete\n" RULE_CASES;
	static const char second[] = RULE_HEAD "  when: {name: y}\n" RULE_CASES "- {id: u, title: U, severity: high, category: data, when: {name: y}, "
		"cases: [{match: true, facts: {name: y}}, {match: false, facts: {}}]}\n";
	_cleanup_(policy_freep) struct policy *p = two(first, second), *q = two(second, first);
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));

	assert_int_equal(policy_n_rules(p), 2);
	f->known = FACTS_ALL;
	f->name = "x";
	policy_decide(p, f, NULL, d);
	assert_int_equal(d->matched, 0);
	policy_decide(q, f, NULL, d);
	assert_int_equal(d->matched, 1);
	f->name = "y";
	policy_decide(p, f, NULL, d);
	assert_int_equal(d->matched, 2);
	/* The strongest severity first; what only monitors acts on nothing. */
	assert_string_equal(d->matches[0].rule->id, "u");
	assert_int_equal(d->matches[0].mode, POLICY_MONITOR);
	assert_int_equal(d->action, POLICY_REPORT);
	assert_string_not_equal(policy_version(p), policy_version(q));
	assert_int_equal(strlen(policy_version(p)), 64);
}

static void modes_and_deleting(void **state)
{
	static const char text[] = RULE_HEAD "  when: {name: x}\n  action: delete\n" RULE_CASES "- {id: u, title: U, severity: high, category: data, mode: 'off', "
		"action: tag, tag: 印, when: {name: x}, cases: [{match: true, facts: {name: x}}, {match: false, facts: {}}]}\n";
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	const struct policy_setting set[] = {{"t", POLICY_MONITOR}, {"u", POLICY_PROTECT}};
	struct policy_settings settings = {0, set, true};

	assert_int_equal(compile_all(text, &p, NULL, NULL), 0);
	f->name = "x";
	policy_decide(p, f, NULL, d);
	assert_int_equal(d->matched, 1);
	assert_int_equal(d->action, POLICY_QUARANTINE); /* nobody allowed deleting */
	policy_decide(p, f, &settings, d);
	assert_int_equal(d->action, POLICY_DELETE);
	settings.n = 2;
	policy_decide(p, f, &settings, d);
	assert_int_equal(d->matched, 2);
	assert_int_equal(d->action, POLICY_TAG);
	assert_int_equal(d->would, POLICY_DELETE);
	assert_int_equal(d->matches[1].mode, POLICY_MONITOR);
	assert_string_equal(policy_rule_at(p, 0)->tag, "印");
}

static char target(const char *targets, const char *facts)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	struct err err = {0};

	if (compile_all(arena_printf(a, RULE_HEAD "  when: {name: x}\n  %s\n" RULE_CASES, targets), &p, NULL, &err) < 0)
		fail_msg("%s: %s", targets, err.message);
	assert_int_equal(facts_read(facts, strlen(facts), a, f, NULL), 0);
	policy_decide(p, f, NULL, d);
	return d->matched ? 't' : d->needs ? 'u' : 'f';
}

static void targets(void **state)
{
	static const struct {
		const char *targets, *facts;
		char result;
	} of[] = {
		{"targets: {tenants: [aoba, 'b*']}", "{\"name\":\"x\",\"tenant\":\"bee\"}", 't'},
		{"targets: {tenants: [aoba, 'b*']}", "{\"name\":\"x\",\"tenant\":\"cee\"}", 'f'},
		{"targets: {services: gmail, users: '*@a.example'}", "{\"name\":\"x\",\"service\":\"gmail\",\"owner\":\"u@a.example\"}", 't'},
		{"targets: {services: gmail, users: '*@a.example'}", "{\"name\":\"x\",\"service\":\"gmail\",\"owner\":\"u@b.example\"}", 'f'},
		{"targets: {groups: [sales]}", "{\"name\":\"x\",\"groups\":[\"Sales\"]}", 't'},
		{"targets: {groups: [sales]}", "{\"name\":\"x\",\"known\":[]}", 'u'},
		{"targets: {org_units: /Sales}", "{\"name\":\"x\",\"org_unit\":\"/Sales/Tokyo\"}", 't'},
		{"targets: {org_units: /Sales}", "{\"name\":\"x\",\"org_unit\":\"/sales\"}", 't'},
		{"targets: {org_units: /Sales}", "{\"name\":\"x\",\"org_unit\":\"/Salesforce\"}", 'f'},
		{"except: {users: boss@a.example, groups: [IT]}", "{\"name\":\"x\",\"owner\":\"boss@a.example\"}", 'f'},
		{"except: {users: boss@a.example, groups: [IT]}", "{\"name\":\"x\",\"groups\":[\"it\"]}", 'f'},
		{"except: {users: boss@a.example, groups: [IT]}", "{\"name\":\"x\",\"owner\":\"u@a.example\"}", 't'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (target(of[i].targets, of[i].facts) != of[i].result)
			fail_msg("%s for %s: not '%c'", of[i].targets, of[i].facts, of[i].result);
}

static void wants(void **state)
{
	static const char text[] = RULE_HEAD "  when: {sharing.outside: true}\n  targets: {tenants: aoba}\n" RULE_CASES "- {id: u, title: U, severity: high, "
		"category: data, mode: 'off', when: {mail.first_contact: true}, cases: [{match: true, facts: {}}, {match: false, facts: {}}]}\n"
		"- {id: v, title: U, severity: high, category: data, except: {tenants: beta}, when: {hits: {any: {near: true}}}, cases: [{match: true, facts: {}}, "
		"{match: false, facts: {}}]}\n";
	_cleanup_(policy_freep) struct policy *p = NULL;

	assert_int_equal(compile_all(text, &p, NULL, NULL), 0);
	assert_int_equal(policy_wants(p, "aoba"), FACTS_SHARING | FACTS_WORDS);
	assert_int_equal(policy_wants(p, "beta"), 0);
	assert_int_equal(policy_wants(p, "other"), FACTS_WORDS);
}

static void why_it_matched(void **state)
{
	static const char text[] = RULE_HEAD "  when: {kind: mail, parts: {any: {type: pe, inside: {type: zip}}}, hits: {any: {detector: iban, count: {min: 2}}}}\n" RULE_CASES;
	static const char facts[] = "{\"kind\":\"mail\",\"parts\":[{\"type\":\"mail\"},{\"type\":\"zip\",\"name\":\"a.zip\",\"path\":\"a.zip\"},"
		"{\"type\":\"pe\",\"parent\":1,\"path\":\"a.zip/請求書.exe\"}],\"hits\":[{\"detector\":\"iban\",\"count\":1},{\"detector\":\"iban\",\"count\":7,\"part\":1}]}";
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	_cleanup_buf_ struct buf tree = BUF_INIT(1 << 20);

	assert_int_equal(compile_all(text, &p, NULL, NULL), 0);
	assert_int_equal(facts_read(facts, strlen(facts), a, f, NULL), 0);
	policy_decide(p, f, NULL, d);
	assert_int_equal(d->n_matches, 1);
	assert_int_equal(d->matches[0].part, 2);
	assert_int_equal(d->matches[0].hit, 1);
	assert_int_equal(d->matches[0].link, -1);
	assert_non_null(strstr(d->matches[0].why, "kind=mail"));
	assert_non_null(strstr(d->matches[0].why, "path=a.zip/請求書.exe"));
	assert_non_null(strstr(d->matches[0].why, "detector=iban"));
	assert_non_null(strstr(d->matches[0].why, "count=7"));
	assert_int_equal(policy_explain(p, f, 0, &tree), 0);
	assert_non_null(strstr(buf_str(&tree), "\"result\":\"true\""));
	assert_non_null(strstr(buf_str(&tree), "{\"condition\":\"kind: mail\",\"result\":\"true\",\"value\":\"mail\"}"));
	assert_int_equal(policy_explain(p, f, 1, &tree), -1);
}

static void failing_cases_are_told(void **state)
{
	static const char text[] = RULE_HEAD "  when: {name: x}\n  cases:\n  - {match: true, facts: {name: x}}\n  - {match: true, facts: {name: y}}\n"
		"  - {match: false, facts: {name: x}}\n  - {match: false, facts: {name: z}}\n- {id: u, title: U, severity: low, category: data, "
		"when: {sharing.outside: true},\n   cases: [{match: true, facts: {known: []}},\n   {match: false, facts: {}}]}\n";
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems = {.arena = a, .max = 10};
	struct err err = {0};
	int cases = 0;

	assert_int_equal(compile_all(text, &p, NULL, NULL), 0);
	assert_int_equal(policy_test(p, &cases, &problems, &err), -1);
	assert_int_equal(cases, 6);
	assert_int_equal(problems.n, 3);
	assert_int_equal(problems.of[0].line, 10);
	assert_non_null(strstr(problems.of[0].text, "should match"));
	assert_int_equal(problems.of[1].line, 11);
	assert_non_null(strstr(problems.of[1].text, "should not match"));
	assert_int_equal(problems.of[2].line, 14);
	assert_non_null(strstr(problems.of[2].text, "sharing"));
}

static void support(void **state)
{
	static const char text[] = RULE_HEAD "  when: {name: x}\n  targets: {services: [gmail, drive]}\n  action: unshare\n" RULE_CASES;
	const struct policy_support can[] = {{"gmail", 1u << POLICY_QUARANTINE | 1u << POLICY_TAG}, {"drive", 1u << POLICY_UNSHARE},
		{"box", 1u << POLICY_QUARANTINE}};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL, *q = NULL, *r = NULL;
	struct policy_problems problems = {.arena = a, .max = 10};

	assert_int_equal(compile_all(text, &p, NULL, NULL), 0);
	assert_int_equal(policy_check_support(p, can, 3, &problems), -1);
	assert_int_equal(problems.n, 1);
	assert_int_equal(problems.of[0].line, 2);
	assert_non_null(strstr(problems.of[0].text, "gmail"));
	assert_non_null(strstr(problems.of[0].text, "'tag'"));
	/* What the condition itself rules out is no question; what it leaves open is. */
	problems.n = 0;
	assert_int_equal(compile_all(RULE_HEAD "  when: {kind: file, owner: x}\n  action: unshare\n" RULE_CASES, &q, NULL, NULL), 0);
	assert_int_equal(policy_check_support(q, can, 3, &problems), -1);
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.of[0].text, "box"));
	assert_non_null(strstr(problems.of[0].text, "'quarantine'"));
	problems.n = 0;
	assert_int_equal(compile_all(RULE_HEAD "  when: {kind: chat}\n  action: unshare\n" RULE_CASES, &r, NULL, NULL), 0);
	assert_int_equal(policy_check_support(r, can, 3, &problems), 0);
}

static void detectors(void **state)
{
	static const char text[] = "detectors:\n- {id: project.sakura, words: [桜計画, sakura], near: [見積], caseless: false}\n- {id: project.code, pattern: 'PRJ-[0-9]{6}'}\n"
		RULE_HEAD "  when: {hits: {any: {detector: project.code}}}\n" RULE_CASES;
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct err err = {0};

	if (compile_all(text, &p, NULL, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(policy_detectors(p), "[{\"id\":\"project.sakura\",\"words\":[\"桜計画\",\"sakura\"],\"near\":[\"見積\"],\"caseless\":false},"
		"{\"id\":\"project.code\",\"pattern\":\"PRJ-[0-9]{6}\",\"caseless\":true}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(complains),
		cmocka_unit_test(all_problems_of_a_file),
		cmocka_unit_test(later_files_replace),
		cmocka_unit_test(modes_and_deleting),
		cmocka_unit_test(targets),
		cmocka_unit_test(wants),
		cmocka_unit_test(why_it_matched),
		cmocka_unit_test(failing_cases_are_told),
		cmocka_unit_test(support),
		cmocka_unit_test(detectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
