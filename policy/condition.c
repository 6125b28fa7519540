/* What stands behind `when:`, read into nodes. A map is all of its keys, a list all of its entries; a key is all, any, not, a fact,
 * or rows of facts with a quantifier. Compiling, one thread. */
#include "policy/impl.h"

#include "base/i18n.h"

#include <string.h>

#define MAX_JOIN 500 /* conditions beside each other */

static uint32_t made(struct compiler *c, const struct conf_node *at, uint32_t node)
{
	if (node == NO_NODE)
		complain(c, at, _("these rules hold more conditions than %d"), POLICY_MAX_NODES);
	return node;
}

const char *const *texts_read(struct compiler *c, const struct conf_node *n, size_t *ret_n)
{
	size_t count = 1;

	if (n->kind == CONF_MAP) {
		complain(c, n, "%s", _("a text or a list of texts is expected here"));
		return NULL;
	}
	if (n->kind == CONF_LIST) {
		count = 0;
		for (const struct conf_node *e = n->child; e; e = e->next)
			count++;
	}
	if (count == 0) {
		complain(c, n, "%s", _("an empty list never matches"));
		return NULL;
	}
	const char **texts = arena_alloc(c->p->arena, (count + 1) * sizeof(*texts));
	if (!texts) {
		c->memory = true;
		return NULL;
	}
	size_t i = 0;
	for (const struct conf_node *e = n->kind == CONF_LIST ? n->child : n; e; e = n->kind == CONF_LIST ? e->next : NULL) {
		if (e->kind != CONF_SCALAR) {
			complain(c, e, "%s", _("a text is expected here"));
			return NULL;
		}
		if (strlen(e->text) > POLICY_TEXT_BYTES) {
			complain(c, e, _("longer than %d bytes"), POLICY_TEXT_BYTES);
			return NULL;
		}
		texts[i++] = e->text;
	}
	*ret_n = count;
	return texts;
}

/* ---- texts ---- */

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

/* The place of the i-th text, for a complaint. */
static const struct conf_node *entry(const struct conf_node *n, size_t i)
{
	if (n->kind != CONF_LIST)
		return n;
	const struct conf_node *e = n->child;
	while (i-- && e->next)
		e = e->next;
	return e;
}

static int check_glob(struct compiler *c, const struct conf_node *at, const char *pattern)
{
	int stars = 0;

	for (const char *s = pattern; *s; s++)
		stars += *s == '*';
	if (stars > POLICY_MAX_STARS)
		return complain(c, at, _("more than %d stars in one pattern: it would cost too much"), POLICY_MAX_STARS);
	return 0;
}

/* Words that there are: a slip of the pen would never match, and nobody would notice. */
static int check_word(struct compiler *c, const struct conf_node *at, const struct fact *f, const char *text)
{
	if (!f || !*text)
		return 0;
	if (strcmp(f->name, "detector") == 0) {
		if (detector_known(c->p, text))
			return 0;
		const char *near = conf_nearest(text, f->words);
		if (near)
			return complain(c, at, _("there is no detector '%.60s'; did you mean '%s'?"), text, near);
		return complain(c, at, _("there is no detector '%.60s'; a file may define one under 'detectors'"), text);
	}
	if (!f->words)
		return 0;
	for (const char *const *w = f->words; *w; w++)
		if (strcmp(*w, text) == 0)
			return 0;
	const char *near = conf_nearest(text, f->words);
	if (strcmp(f->name, "type") == 0) { /* the scanner may know more than this table */
		if (near)
			warn_at(c, at, _("'%.60s' is no usual %s; did you mean '%s'?"), text, f->name, near);
		return 0;
	}
	if (near)
		return complain(c, at, _("there is no %s '%.60s'; did you mean '%s'?"), f->name, text, near);
	return complain(c, at, _("there is no %s '%.60s'"), f->name, text);
}

static uint32_t text_is(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f, bool globs)
{
	size_t count, exact = 0, patterns = 0;
	const char *const *texts = texts_read(c, n, &count);

	if (!texts)
		return NO_NODE;
	const char **sorted = arena_alloc(c->p->arena, (count + 1) * sizeof(*sorted));
	if (!sorted) {
		c->memory = true;
		return NO_NODE;
	}
	for (size_t i = 0; i < count; i++) {
		const struct conf_node *at = count > 64 ? n : entry(n, i);
		bool glob = globs && is_glob(texts[i]);
		if (glob ? check_glob(c, at, texts[i]) < 0 : check_word(c, at, f, texts[i]) < 0)
			return NO_NODE;
		if (glob)
			sorted[count - 1 - patterns++] = texts[i];
		else
			sorted[exact++] = texts[i];
	}
	uint32_t both[2], k = 0;
	if (exact)
		both[k++] = made(c, n, node_test(c->nodes, domain, f, N_EQUAL, sorted, exact));
	if (patterns)
		both[k++] = made(c, n, node_test(c->nodes, domain, f, N_GLOB, sorted + exact, patterns));
	for (uint32_t i = 0; i < k; i++)
		if (both[i] == NO_NODE)
			return NO_NODE;
	return made(c, n, node_join(c->nodes, N_ANY, domain, both, k));
}

static uint32_t text_piece(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f, enum node_op op)
{
	size_t count;
	const char *const *texts = texts_read(c, n, &count);

	if (!texts)
		return NO_NODE;
	for (size_t i = 0; i < count; i++) {
		if (!*texts[i]) {
			complain(c, count > 64 ? n : entry(n, i), "%s", _("an empty text is in every text"));
			return NO_NODE;
		}
		if (op == N_GLOB && check_glob(c, n, texts[i]) < 0)
			return NO_NODE;
	}
	return made(c, n, node_test(c->nodes, domain, f, op, texts, count));
}

static uint32_t fact_test(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f);

static uint32_t negated(struct compiler *c, const struct conf_node *n, uint32_t node)
{
	return node == NO_NODE ? NO_NODE : made(c, n, node_not(c->nodes, node));
}

static uint32_t text_operator(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f)
{
	if (strcmp(n->key, "is") == 0)
		return text_is(c, n, domain, f, false);
	if (strcmp(n->key, "not") == 0)
		return negated(c, n, fact_test(c, n, domain, f));
	if (strcmp(n->key, "glob") == 0)
		return text_piece(c, n, domain, f, N_GLOB);
	if (strcmp(n->key, "contains") == 0)
		return text_piece(c, n, domain, f, N_CONTAINS);
	if (strcmp(n->key, "begins") == 0)
		return text_piece(c, n, domain, f, N_BEGINS);
	return text_piece(c, n, domain, f, N_ENDS);
}

/* ---- numbers, words, true and false ---- */

static int number(struct compiler *c, const struct conf_node *n, const struct fact *f, int64_t *ret)
{
	char hour[4];
	const char *text = n->text;

	if (n->kind != CONF_SCALAR)
		return complain(c, n, _("%s: %s expected"), f->name, facts_type_name(f->type));
	if (strcmp(f->name, "hour") == 0 && strlen(text) == 5 && strcmp(text + 2, ":00") == 0) {
		snprintf(hour, sizeof(hour), "%.2s", text);
		text = hour;
	}
	if (fact_parse_number(f, text, ret) == 0)
		return 0;
	if (f->type == FACT_SIZE)
		return complain(c, n, _("%s: a size is expected, such as 10 MiB"), f->name);
	if (f->type == FACT_TIME)
		return complain(c, n, _("%s: a time is expected, such as 2026-04-01 or 2026-04-01T09:00:00+09:00"), f->name);
	if (strcmp(f->name, "weekday") == 0)
		return complain(c, n, _("%s: a day is expected: mon, tue, wed, thu, fri, sat, sun"), f->name);
	if (strcmp(f->name, "hour") == 0)
		return complain(c, n, _("%s: an hour is expected, 0 to 23"), f->name);
	return complain(c, n, _("%s: %s expected"), f->name, facts_type_name(f->type));
}

static int word(struct compiler *c, const struct conf_node *n, const struct fact *f, int64_t *ret)
{
	char all[160] = "";

	if (n->kind == CONF_SCALAR && f->type == FACT_BOOL && !n->quoted && (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)) {
		*ret = n->text[0] == 't';
		return 0;
	}
	if (f->type == FACT_BOOL)
		return complain(c, n, _("%s: %s expected"), f->name, facts_type_name(f->type));
	for (int64_t i = 0; n->kind == CONF_SCALAR && f->words[i]; i++) {
		if (*f->words[i] && strcmp(f->words[i], n->text) == 0) {
			*ret = i;
			return 0;
		}
	}
	for (const char *const *w = f->words; *w; w++)
		if (**w)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", *w);
	return complain(c, n, _("%s is one of: %s"), f->name, all);
}

static uint32_t number_is(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f)
{
	uint32_t nodes[MAX_JOIN];
	size_t k = 0;

	if (n->kind == CONF_LIST && !n->child)
		return complain(c, n, "%s", _("an empty list never matches")), NO_NODE;
	for (const struct conf_node *e = n->kind == CONF_LIST ? n->child : n; e; e = n->kind == CONF_LIST ? e->next : NULL) {
		int64_t v;
		if (k == MAX_JOIN)
			return complain(c, n, _("more than %d beside each other"), MAX_JOIN), NO_NODE;
		if ((f->type == FACT_BOOL || f->type == FACT_WORD ? word(c, e, f, &v) : number(c, e, f, &v)) < 0)
			return NO_NODE;
		if ((nodes[k++] = made(c, e, node_range(c->nodes, domain, f, v, v))) == NO_NODE)
			return NO_NODE;
	}
	return made(c, n, node_join(c->nodes, N_ANY, domain, nodes, k));
}

/* min and max, both belonging to it; NULL where there is none. */
static int limits(struct compiler *c, const struct conf_node *at, const struct conf_node *low, const struct conf_node *high, const struct fact *f,
	int64_t *min, int64_t *max)
{
	*min = INT64_MIN;
	*max = INT64_MAX;
	if ((low && number(c, low, f, min) < 0) || (high && number(c, high, f, max) < 0))
		return -1;
	if (*min > *max)
		return complain(c, at, "%s", _("min is greater than max: it never matches"));
	return 0;
}

/* From one hour until another, which may be of the next day. */
static uint32_t hours(struct compiler *c, const struct conf_node *map, int domain, const struct fact *f)
{
	const struct conf_node *first = conf_get(map, "from"), *last = conf_get(map, "to");
	uint32_t both[2];
	int64_t from, to;

	if (!first || !last)
		return complain(c, map, "%s", _("hour: from and to belong together")), NO_NODE;
	if (number(c, first, f, &from) < 0 || number(c, last, f, &to) < 0)
		return NO_NODE;
	if (from == to)
		return complain(c, map, "%s", _("hour: from and to are the same")), NO_NODE;
	if (from < to)
		return made(c, map, node_range(c->nodes, domain, f, from, to - 1));
	both[0] = made(c, map, node_range(c->nodes, domain, f, from, 23));
	both[1] = to > 0 ? made(c, map, node_range(c->nodes, domain, f, 0, to - 1)) : both[0];
	if (both[0] == NO_NODE || both[1] == NO_NODE)
		return NO_NODE;
	return made(c, map, node_join(c->nodes, N_ANY, domain, both, 2));
}

static uint32_t number_operators(struct compiler *c, const struct conf_node *map, int domain, const struct fact *f)
{
	static const char *const plain[] = {"is", "not", "min", "max", NULL}, *const hour[] = {"is", "not", "min", "max", "from", "to", NULL},
		*const simple[] = {"is", "not", NULL};
	const struct conf_node *low = conf_get(map, "min"), *high = conf_get(map, "max"), *is = conf_get(map, "is"), *no = conf_get(map, "not");
	bool of_day = strcmp(f->name, "hour") == 0;
	uint32_t nodes[4];
	size_t k = 0;
	int64_t min, max;

	if (known_keys(c, map, f->type == FACT_BOOL || f->type == FACT_WORD ? simple : of_day ? hour : plain) < 0)
		return NO_NODE;
	if (!map->child)
		return complain(c, map, "%s", _("nothing is asked here")), NO_NODE;
	if (is)
		nodes[k++] = number_is(c, is, domain, f);
	if (no)
		nodes[k++] = negated(c, no, number_is(c, no, domain, f));
	if (low || high) {
		if (limits(c, map, low, high, f, &min, &max) < 0)
			return NO_NODE;
		nodes[k++] = made(c, map, node_range(c->nodes, domain, f, min, max));
	}
	if (of_day && (conf_get(map, "from") || conf_get(map, "to")))
		nodes[k++] = hours(c, map, domain, f);
	for (size_t i = 0; i < k; i++)
		if (nodes[i] == NO_NODE)
			return NO_NODE;
	return made(c, map, node_join(c->nodes, N_ALL, domain, nodes, k));
}

/* ---- one fact; f NULL: an entry of a list ---- */

static uint32_t fact_test(struct compiler *c, const struct conf_node *n, int domain, const struct fact *f)
{
	static const char *const operators[] = {"is", "not", "glob", "contains", "begins", "ends", NULL};
	uint32_t nodes[6];
	size_t k = 0;

	if (f && f->type != FACT_TEXT)
		return n->kind == CONF_MAP ? number_operators(c, n, domain, f) : number_is(c, n, domain, f);
	if (n->kind != CONF_MAP)
		return text_is(c, n, domain, f, true);
	if (known_keys(c, n, operators) < 0)
		return NO_NODE;
	if (!n->child)
		return complain(c, n, "%s", _("nothing is asked here")), NO_NODE;
	for (const struct conf_node *o = n->child; o; o = o->next)
		if ((nodes[k++] = text_operator(c, o, domain, f)) == NO_NODE)
			return NO_NODE;
	return made(c, n, node_join(c->nodes, N_ALL, domain, nodes, k));
}

/* ---- rows ---- */

static uint32_t over_child(struct compiler *c, const struct conf_node *n, int over)
{
	return c->p->domains[over].table ? condition_read(c, n, over) : fact_test(c, n, over, NULL);
}

static uint32_t counted(struct compiler *c, const struct conf_node *n, int domain, int over)
{
	static const char *const of_count[] = {"of", "min", "max", NULL}, *const of_sum[] = {"of", "field", "min", "max", NULL};
	static const struct fact whole = {.name = "count", .type = FACT_INT64};
	const struct fact_table *table = c->p->domains[over].table;
	bool sum = n->key[0] == 's';
	const struct fact *field = NULL;
	uint32_t child = NO_NODE;
	int64_t min, max;

	if (known_keys(c, n, sum ? of_sum : of_count) < 0)
		return NO_NODE;
	const struct conf_node *of = conf_get(n, "of"), *low = conf_get(n, "min"), *high = conf_get(n, "max"), *name = conf_get(n, "field");
	if (!low && !high)
		return complain(c, n, "%s", _("min or max is missing")), NO_NODE;
	if (sum) {
		if (!table || !name || name->kind != CONF_SCALAR)
			return complain(c, n, "%s", _("sum wants a field that is a number: count, distinct or size")), NO_NODE;
		field = facts_find(table, name->text);
		if (!field || (field->type != FACT_INT && field->type != FACT_INT64 && field->type != FACT_SIZE))
			return complain(c, name, _("'%.60s' is no number that could be summed up"), name->text), NO_NODE;
	}
	if (limits(c, n, low, high, sum ? field : &whole, &min, &max) < 0)
		return NO_NODE;
	if (of && (child = over_child(c, of, over)) == NO_NODE)
		return NO_NODE;
	return made(c, n, node_over(c->nodes, sum ? N_SUM : N_COUNT, domain, over, child, field, min, max));
}

static uint32_t rows(struct compiler *c, const struct conf_node *n, int domain, int over)
{
	static const char *const quantifiers[] = {"any", "all", "none", "count", "sum", NULL};
	uint32_t nodes[5];
	size_t k = 0;

	if (!c->p->domains[over].table && n->kind != CONF_MAP) { /* groups: [a, b]: in one of them */
		uint32_t child = fact_test(c, n, over, NULL);
		return child == NO_NODE ? NO_NODE : made(c, n, node_over(c->nodes, N_SOME, domain, over, child, NULL, 0, 0));
	}
	if (n->kind != CONF_MAP || !n->child)
		return complain(c, n, _("%s: say any, all, none, count or sum"), n->key ? n->key : ""), NO_NODE;
	if (known_keys(c, n, quantifiers) < 0)
		return NO_NODE;
	for (const struct conf_node *q = n->child; q; q = q->next) {
		uint32_t node;
		if (strcmp(q->key, "count") == 0 || strcmp(q->key, "sum") == 0) {
			node = counted(c, q, domain, over);
		} else {
			node = over_child(c, q, over);
			if (node != NO_NODE)
				node = made(c, q, node_over(c->nodes, strcmp(q->key, "all") == 0 ? N_EVERY : N_SOME, domain, over, node, NULL, 0, 0));
			if (strcmp(q->key, "none") == 0)
				node = negated(c, q, node);
		}
		if (node == NO_NODE)
			return NO_NODE;
		nodes[k++] = node;
	}
	return made(c, n, node_join(c->nodes, N_ALL, domain, nodes, k));
}

/* ---- maps of conditions ---- */

static int unknown_name(struct compiler *c, const struct conf_node *n, int domain)
{
	const struct fact_table *t = c->p->domains[domain].table;
	const char *near = facts_nearest(t, n->key);

	if (t != &facts_item && facts_find(&facts_item, n->key))
		return complain_key(c, n, _("'%s' is a fact of the item, not of a %s: ask for it outside"), n->key, t->name);
	if (near)
		return complain_key(c, n, _("unknown fact '%.60s'; did you mean '%s'?"), n->key, near);
	return complain_key(c, n, _("unknown fact '%.60s'; 'sekisho policy facts' lists them"), n->key);
}

static uint32_t joined(struct compiler *c, const struct conf_node *n, int domain, enum node_op op);

static uint32_t one(struct compiler *c, const struct conf_node *n, int domain)
{
	if (strcmp(n->key, "all") == 0 || strcmp(n->key, "any") == 0)
		return joined(c, n, domain, n->key[1] == 'l' ? N_ALL : N_ANY);
	if (strcmp(n->key, "not") == 0)
		return negated(c, n, joined(c, n, domain, N_ALL));
	if (domain == D_PART && strcmp(n->key, "hits") == 0)
		return rows(c, n, domain, D_HIT);
	if (domain == D_PART && strcmp(n->key, "links") == 0)
		return rows(c, n, domain, D_LINK);
	if (domain == D_PART && strcmp(n->key, "inside") == 0) {
		uint32_t child = condition_read(c, n, D_PART);
		return child == NO_NODE ? NO_NODE : made(c, n, node_over(c->nodes, N_INSIDE, domain, D_PART, child, NULL, 0, 0));
	}
	if ((domain == D_HIT || domain == D_LINK) && strcmp(n->key, "part") == 0) {
		uint32_t child = condition_read(c, n, D_PART);
		return child == NO_NODE ? NO_NODE : made(c, n, node_over(c->nodes, N_AT, domain, D_PART, child, NULL, 0, 0));
	}
	const struct fact *f = facts_find(c->p->domains[domain].table, n->key);
	if (!f || f->type == FACT_GROUPS)
		return unknown_name(c, n, domain), NO_NODE;
	if (f->type == FACT_ROWS)
		return rows(c, n, domain, f->rows == &facts_part ? D_PART : f->rows == &facts_hit ? D_HIT : D_LINK);
	if (f->type == FACT_LIST) {
		int over = node_list_domain(c->nodes, f);
		return over < 0 ? made(c, n, NO_NODE) : rows(c, n, domain, over);
	}
	return fact_test(c, n, domain, f);
}

/* The keys of a map, or the entries of a list, which are maps themselves. */
static uint32_t joined(struct compiler *c, const struct conf_node *n, int domain, enum node_op op)
{
	uint32_t nodes[MAX_JOIN];
	size_t k = 0;

	if (n->kind == CONF_SCALAR || !n->child)
		return complain(c, n, "%s", _("a condition is expected here: facts and what they are")), NO_NODE;
	for (const struct conf_node *e = n->child; e; e = e->next) {
		if (k == MAX_JOIN)
			return complain(c, e, _("more than %d beside each other"), MAX_JOIN), NO_NODE;
		uint32_t node = n->kind == CONF_LIST ? condition_read(c, e, domain) : one(c, e, domain);
		if (node == NO_NODE)
			return NO_NODE;
		nodes[k++] = node;
	}
	return made(c, n, node_join(c->nodes, op, domain, nodes, k));
}

uint32_t condition_read(struct compiler *c, const struct conf_node *when, int domain)
{
	return joined(c, when, domain, N_ALL);
}
