/* What other rules, or another mode of one, would have done with what was seen: recorded facts are judged twice, by the rules that
 * count and by those that are tried, the newest first: where it stops early, the oldest are left out. Nothing is fetched and nothing
 * changed. On the console's threads. */
#include "core/console_impl.h"
#include "core/console_replay.h"
#include "core/facts.h"

#define PAGE 200
#define DAY_MS 86400000ll
#define ITEMS_MAX 100000
#define TIME_MS 60000 /* a page waits for it */
#define EXAMPLES 10
#define COUNTS_MAX 4000

struct example {
	const char *name, *owner, *path, *why;
	int64_t at, finding;
};

/* Of one rule: items that match now and then, and those that it takes, marks or hides. */
struct count {
	const char *rule, *title_ja, *title_en;
	int64_t was, now, touched_was, touched, differ;
	int n_examples; /* the newest */
	struct example examples[EXAMPLES];
};

struct replay {
	struct core *core;
	struct arena *arena;   /* of what is kept */
	const char *rule;      /* the one whose items are the examples; NULL: those that are treated otherwise */
	int64_t seen, touched;
	bool cut;
	size_t n;
	struct count *of;
	int n_examples;
	struct example examples[EXAMPLES];
};

static bool touches(const struct policy_match *m)
{
	return m && m->mode == POLICY_PROTECT && m->rule->action > POLICY_REPORT;
}

static const struct policy_match *match_of(const struct policy_decision *d, const char *rule)
{
	for (int i = 0; i < d->n_matches; i++)
		if (strcmp(d->matches[i].rule->id, rule) == 0)
			return &d->matches[i];
	return NULL;
}

static struct count *count_of(struct replay *r, const struct policy_rule *rule)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->of[i].rule, rule->id) == 0)
			return &r->of[i];
	if (r->n == COUNTS_MAX)
		return NULL;
	struct count *c = &r->of[r->n];
	*c = (struct count){.rule = arena_dup(r->arena, rule->id), .title_ja = arena_dup(r->arena, rule->title_ja),
		.title_en = arena_dup(r->arena, rule->title_en)};
	if (!c->rule || !c->title_ja || !c->title_en)
		return NULL;
	r->n++;
	return c;
}

static const char *short_of(struct replay *r, const char *s, size_t max)
{
	return s ? arena_dupn(r->arena, s, strnlen(s, max)) : NULL;
}

static void add_example(struct replay *r, struct example *list, int *n, const struct store_seen *seen, const struct facts *f,
	const char *why)
{
	const char *name = f->kind == FACTS_MAIL && f->mail.subject && *f->mail.subject ? f->mail.subject : seen->name;

	if (*n == EXAMPLES)
		return;
	list[(*n)++] = (struct example){.name = short_of(r, name, 300), .owner = short_of(r, seen->owner, 200), .path = short_of(r, seen->path, 300),
		.why = short_of(r, why, 255), .at = seen->done_at, .finding = seen->finding};
}

/* One rule's two answers about one item; either may be NULL. */
static int compare_rule(struct replay *r, const struct store_seen *seen, const struct facts *f, const struct policy_match *was,
	const struct policy_match *now, struct err *err)
{
	struct count *c = count_of(r, now ? now->rule : was->rule);

	if (!c)
		return console_no_memory(err);
	c->was += was != NULL;
	c->now += now != NULL;
	c->touched_was += touches(was);
	c->touched += touches(now);
	if (was && now && touches(was) == touches(now))
		return 0;
	c->differ++;
	add_example(r, c->examples, &c->n_examples, seen, f, now ? now->why : was->why);
	return 0;
}

static int compare(struct replay *r, const struct store_seen *seen, const struct facts *f, const struct policy_decision *was,
	const struct policy_decision *now, struct err *err)
{
	for (int i = 0; i < now->n_matches; i++)
		if (compare_rule(r, seen, f, match_of(was, now->matches[i].rule->id), &now->matches[i], err) < 0)
			return -1;
	for (int i = 0; i < was->n_matches; i++)
		if (!match_of(now, was->matches[i].rule->id) && compare_rule(r, seen, f, &was->matches[i], NULL, err) < 0)
			return -1;
	const struct policy_match *one = r->rule ? match_of(now, r->rule) : NULL;
	bool touched = r->rule ? touches(one) : now->action > POLICY_REPORT && now->action != was->action;
	r->seen++;
	r->touched += touched;
	if (touched)
		add_example(r, r->examples, &r->n_examples, seen, f, one ? one->why : now->n_matches ? now->matches[0].why : "");
	return 0;
}

static int judge(struct replay *r, const struct store_seen *seen, const struct console_replay *k, struct policy_decision *was,
	struct policy_decision *now, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
	struct facts *f = a ? arena_alloc(a, sizeof(*f)) : NULL;
	struct err none;

	if (!f)
		return console_no_memory(err);
	/* Of what was seen before facts were kept nothing can be said. */
	if (facts_recorded(seen, a, f, &none) < 0)
		return none.class == ERR_LOCAL ? console_no_memory(err) : 0;
	policy_decide(k->rules->policy, f, &k->rules->settings, was);
	policy_decide(k->policy, f, k->settings, now);
	return compare(r, seen, f, was, now, err);
}

static int run(struct replay *r, const char *tenant, const struct console_replay *k, struct err *err)
{
	_cleanup_free_ struct policy_decision *d = calloc(2, sizeof(*d));
	int64_t since = time_now_ms() - k->days * DAY_MS, below = INT64_MAX, end = time_monotonic_ms() + TIME_MS;
	size_t n = PAGE;

	if (!d)
		return console_no_memory(err);
	while (n == PAGE && !r->cut) {
		_cleanup_(arena_freep) struct arena *page = arena_new(256 << 20);
		struct store_seen *list;
		if (!page)
			return console_no_memory(err);
		if (store_seen_newest(r->core->store, tenant, since, below, PAGE, page, &list, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (judge(r, &list[i], k, &d[0], &d[1], err) < 0)
				return -1;
		below = n ? list[n - 1].item : below;
		r->cut = n == PAGE && (r->seen >= ITEMS_MAX || time_monotonic_ms() > end || core_stopping(r->core));
	}
	return 0;
}

/* ---- as an answer ---- */

static void add_text(cJSON *o, const char *key, const char *s)
{
	if (s && *s)
		cJSON_AddStringToObject(o, key, s);
	else
		cJSON_AddNullToObject(o, key);
}

/* The finding's own id, by its number. */
static const char *uid_of(struct replay *r, const char *tenant, int64_t finding)
{
	const struct finding_filter filter = {.tenant = tenant, .after = finding - 1, .max = 1};
	struct store_finding *list;
	struct err err;
	size_t n;

	if (!finding || store_finding_list(r->core->store, &filter, r->arena, &list, &n, &err) < 0 || !n || list[0].id != finding)
		return NULL;
	return list[0].uid;
}

/* The newest first. */
static void add_examples(struct replay *r, const char *tenant, cJSON *to, const struct example *examples, int n)
{
	cJSON *list = cJSON_AddArrayToObject(to, "examples");

	for (int i = 0; i < n; i++) {
		const struct example *e = &examples[i];
		cJSON *o = cJSON_CreateObject();
		add_text(o, "finding", uid_of(r, tenant, e->finding));
		add_text(o, "name", e->name);
		add_text(o, "owner", e->owner);
		add_text(o, "path", e->path);
		cJSON_AddNumberToObject(o, "at", (double)e->at);
		cJSON_AddStringToObject(o, "why", e->why ? e->why : "");
		cJSON_AddItemToArray(list, o);
	}
}

static void answer(struct replay *r, const char *tenant, const struct console_replay *k, cJSON *to)
{
	cJSON_AddNumberToObject(to, "days", k->days);
	cJSON_AddNumberToObject(to, "seen", (double)r->seen);
	cJSON_AddNumberToObject(to, "touched", (double)r->touched);
	add_examples(r, tenant, to, r->examples, r->n_examples);
	cJSON_AddBoolToObject(to, "cut", r->cut);
	cJSON *items = cJSON_AddArrayToObject(to, "items");
	for (size_t i = 0; i < r->n; i++) {
		struct count *c = &r->of[i];
		if (!c->differ)
			continue;
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "rule", c->rule);
		cJSON_AddStringToObject(o, "title_ja", c->title_ja);
		cJSON_AddStringToObject(o, "title_en", c->title_en);
		cJSON_AddNumberToObject(o, "was", (double)c->was);
		cJSON_AddNumberToObject(o, "now", (double)c->now);
		cJSON_AddNumberToObject(o, "touched_was", (double)c->touched_was);
		cJSON_AddNumberToObject(o, "touched", (double)c->touched);
		add_examples(r, tenant, o, c->examples, c->n_examples);
		cJSON_AddItemToArray(items, o);
	}
}

int console_replay(struct core *c, const char *tenant, const struct console_replay *k, cJSON *result, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(256 << 20);
	struct replay r = {.core = c, .arena = a, .rule = k->rule};

	r.of = a ? arena_alloc(a, COUNTS_MAX * sizeof(*r.of)) : NULL;
	if (!r.of)
		return console_no_memory(err);
	if (run(&r, tenant, k, err) < 0)
		return -1;
	answer(&r, tenant, k, result);
	return 0;
}

struct policy_setting *console_setting(const struct policy_settings *s, const char *rule, enum policy_mode mode, struct arena *a, size_t *ret_n)
{
	struct policy_setting *of = arena_alloc(a, (s->n + 1) * sizeof(*of));
	size_t n = 0;
	bool there = false;

	for (size_t i = 0; of && i < s->n; i++) {
		int by = strcmp(s->of[i].rule, rule);
		if (by >= 0 && !there) {
			of[n++] = (struct policy_setting){.rule = rule, .mode = mode};
			there = true;
		}
		if (by != 0)
			of[n++] = s->of[i];
	}
	if (of && !there)
		of[n++] = (struct policy_setting){.rule = rule, .mode = mode};
	*ret_n = n;
	return of;
}
