/* Nodes of conditions: a flat table in which children stand before their parents. What is asked twice, in one rule or in a thousand,
 * is one node. Used while compiling, by one thread. */
#include "policy/impl.h"

#include <string.h>

#define NODE_TABLE (1u << 17)     /* places for 60,000 nodes */
#define CONSTANT_TABLE (1u << 21) /* a file of 2 MiB holds fewer; see constant_of() */

struct nodes {
	struct policy *p;
	uint32_t *by_key; /* NODE_TABLE: index + 1 */
	uint32_t *by_text;
	uint32_t text_places, texts;
};

struct nodes *nodes_new(struct policy *p)
{
	struct nodes *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->p = p;
	n->text_places = 1024;
	n->by_key = calloc(NODE_TABLE, sizeof(*n->by_key));
	n->by_text = calloc(n->text_places, sizeof(*n->by_text));
	if (!n->by_key || !n->by_text) {
		nodes_free(n);
		return NULL;
	}
	return n;
}

void nodes_free(struct nodes *n)
{
	if (!n)
		return;
	free(n->by_key);
	free(n->by_text);
	free(n);
}

/* Room for more entries in a growing table. */
static int grow(void *table, uint32_t n, uint32_t more, uint32_t *max, size_t size)
{
	void **t = table;

	if (n + more <= *max)
		return 0;
	uint32_t want = *max ? *max : 256;
	while (want < n + more)
		want *= 2;
	void *bigger = realloc(*t, (size_t)want * size);
	if (!bigger)
		return -1;
	*t = bigger;
	*max = want;
	return 0;
}

static int more_places(struct nodes *n)
{
	uint32_t places = n->text_places * 2;
	uint32_t *table = places <= CONSTANT_TABLE ? calloc(places, sizeof(*table)) : NULL;

	if (!table)
		return -1;
	for (uint32_t i = 0; i < n->p->n_constants; i++) {
		uint32_t at = (uint32_t)n->p->constants[i].key.hash & (places - 1);
		while (table[at])
			at = (at + 1) & (places - 1);
		table[at] = i + 1;
	}
	free(n->by_text);
	n->by_text = table;
	n->text_places = places;
	return 0;
}

/* The number of a text, folded; NO_NODE when memory ran out. */
static uint32_t constant_of(struct nodes *n, const char *text)
{
	struct policy *p = n->p;
	struct text_key key;

	text_key(text, &key);
	uint32_t at = (uint32_t)key.hash & (n->text_places - 1);
	for (; n->by_text[at]; at = (at + 1) & (n->text_places - 1)) {
		const struct constant *c = &p->constants[n->by_text[at] - 1];
		if (c->key.hash == key.hash && c->key.len == key.len && text_equal(c->text, text, key.len))
			return n->by_text[at] - 1;
	}
	char *copy = arena_dup(p->arena, text);
	if (!copy || grow(&p->constants, p->n_constants, 1, &p->max_constants, sizeof(*p->constants)) < 0)
		return NO_NODE;
	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	p->constants[p->n_constants] = (struct constant){copy, key, text_glob_pairs(copy)};
	n->by_text[at] = ++p->n_constants;
	if (p->n_constants * 2 > n->text_places && more_places(n) < 0)
		return NO_NODE;
	return p->n_constants - 1;
}

static uint32_t column_of(struct policy *p, int domain, const struct fact *f, bool text)
{
	for (uint32_t i = 0; i < p->n_columns; i++)
		if (p->columns[i].domain == domain && p->columns[i].fact == f)
			return i;
	if (grow(&p->columns, p->n_columns, 1, &p->max_columns, sizeof(*p->columns)) < 0)
		return NO_NODE;
	p->columns[p->n_columns] = (struct column){.domain = (uint8_t)domain, .fact = f, .text = text};
	return p->n_columns++;
}

int node_list_domain(struct nodes *n, const struct fact *list)
{
	struct policy *p = n->p;

	for (int i = D_LISTS; i < p->n_domains; i++)
		if (p->domains[i].list == list)
			return i;
	if (p->n_domains == MAX_DOMAINS)
		return -1;
	p->domains[p->n_domains] = (struct domain){.list = list, .group = list->group, .words = 1};
	return p->n_domains++;
}

static uint64_t hash_node(const struct policy *p, const struct node *v, const uint32_t *args)
{
	uint64_t h = 0xcbf29ce484222325ull;
	const uint64_t words[] = {v->op, v->domain, v->column, (uint64_t)(uintptr_t)v->fact, (uint64_t)v->min, (uint64_t)v->max, v->n};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
	for (uint32_t i = 0; i < v->n; i++)
		h = (h ^ args[i]) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
	return h;
}

static bool same(const struct policy *p, const struct node *a, const struct node *v, const uint32_t *args)
{
	return a->op == v->op && a->domain == v->domain && a->column == v->column && a->fact == v->fact && a->min == v->min && a->max == v->max &&
		a->n == v->n && (v->n == 0 || memcmp(p->args + a->first, args, v->n * sizeof(*args)) == 0);
}

/* Work of a node at the worst, in comparisons of one text. */
static uint64_t work(const struct policy *p, const struct node *v)
{
	uint64_t rows = p->domains[v->domain].words * 64u;

	if (v->domain == D_ITEM)
		rows = 1;
	switch (v->op) {
	case N_EQUAL: return rows * (1 + v->n / 8);
	case N_BEGINS:
	case N_ENDS: return rows * v->n;
	case N_CONTAINS: return rows * v->n * 2;
	case N_GLOB: return rows * v->n * 4;
	case N_RANGE: return rows / 4 + 1;
	default: return rows / 16 + 2;
	}
}

static uint32_t intern(struct nodes *n, struct node *v, const uint32_t *args)
{
	struct policy *p = n->p;
	uint32_t at = (uint32_t)hash_node(p, v, args) & (NODE_TABLE - 1);

	for (; n->by_key[at]; at = (at + 1) & (NODE_TABLE - 1))
		if (same(p, &p->nodes[n->by_key[at] - 1], v, args))
			return n->by_key[at] - 1;
	if (p->n_nodes == POLICY_MAX_NODES || grow(&p->nodes, p->n_nodes, 1, &p->max_nodes, sizeof(*p->nodes)) < 0 ||
		grow(&p->args, p->n_args, v->n, &p->max_args, sizeof(*p->args)) < 0)
		return NO_NODE;
	if (v->n)
		memcpy(p->args + p->n_args, args, v->n * sizeof(*args));
	v->first = p->n_args;
	p->n_args += v->n;
	v->at = (uint32_t)p->value_words;
	p->value_words += 2 * p->domains[v->domain].words;
	uint64_t cost = work(p, v);
	p->cost += cost;
	/* What is looked at first: a node costs what is below it, too. */
	if (v->op < N_EQUAL || v->op > N_RANGE)
		for (uint32_t i = 0; i < v->n; i++)
			cost += p->nodes[args[i]].cost;
	v->cost = (uint16_t)(cost < 60000 ? cost : 60000);
	p->nodes[p->n_nodes] = *v;
	n->by_key[at] = ++p->n_nodes;
	return p->n_nodes - 1;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned group_of(const struct policy *p, int domain, const struct fact *f)
{
	unsigned group = p->domains[domain].group | (f ? f->group : 0);

	if (group == 0 && strcmp(f->name, "kind") != 0 && strcmp(f->name, "provider") != 0 && strcmp(f->name, "service") != 0)
		return FACT_ALWAYS;
	return group;
}

uint32_t node_test(struct nodes *n, int domain, const struct fact *f, enum node_op op, const char *const *texts, size_t n_texts)
{
	_cleanup_free_ uint32_t *args = calloc(n_texts + 1, sizeof(*args));
	struct node v = {.op = (uint8_t)op, .domain = (uint8_t)domain, .fact = f, .n = (uint32_t)n_texts};

	if (!args)
		return NO_NODE;
	for (size_t i = 0; i < n_texts; i++)
		if ((args[i] = constant_of(n, texts[i])) == NO_NODE)
			return NO_NODE;
	qsort(args, n_texts, sizeof(*args), by_number);
	v.groups = group_of(n->p, domain, f);
	if ((v.column = column_of(n->p, domain, f, true)) == NO_NODE)
		return NO_NODE;
	return intern(n, &v, args);
}

uint32_t node_range(struct nodes *n, int domain, const struct fact *f, int64_t min, int64_t max)
{
	struct node v = {.op = N_RANGE, .domain = (uint8_t)domain, .fact = f, .min = min, .max = max};

	v.groups = group_of(n->p, domain, f);
	if ((v.column = column_of(n->p, domain, f, false)) == NO_NODE)
		return NO_NODE;
	return intern(n, &v, NULL);
}

uint32_t node_join(struct nodes *n, enum node_op op, int domain, const uint32_t *children, size_t n_children)
{
	const struct policy *p = n->p;
	struct node v = {.op = (uint8_t)op, .domain = (uint8_t)domain};

	if (n_children == 1)
		return children[0];
	_cleanup_free_ uint32_t *sorted = calloc(n_children + 1, sizeof(*sorted));
	if (!sorted)
		return NO_NODE;
	memcpy(sorted, children, n_children * sizeof(*children));
	/* The cheap ones first; of one cost by number. A condition holds few children; a long list is one test. */
	for (size_t i = 1; i < n_children; i++) {
		uint32_t x = sorted[i];
		size_t j = i;
		for (; j > 0 && (p->nodes[sorted[j - 1]].cost > p->nodes[x].cost ||
			(p->nodes[sorted[j - 1]].cost == p->nodes[x].cost && sorted[j - 1] > x)); j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = x;
	}
	for (size_t i = 0; i < n_children; i++) {
		const struct node *c = &p->nodes[sorted[i]];
		v.groups |= c->groups;
		v.n += v.n == 0 || sorted[i] != sorted[v.n - 1];
		sorted[v.n - 1] = sorted[i];
	}
	if (v.n == 1)
		return sorted[0];
	uint32_t r = intern(n, &v, sorted);
	return r;
}

uint32_t node_not(struct nodes *n, uint32_t child)
{
	const struct node *c = &n->p->nodes[child];
	struct node v = {.op = N_NOT, .domain = c->domain, .groups = c->groups, .n = 1};

	if (c->op == N_NOT)
		return n->p->args[c->first];
	return intern(n, &v, &child);
}

uint32_t node_over(struct nodes *n, enum node_op op, int domain, int over, uint32_t child, const struct fact *fact, int64_t min, int64_t max)
{
	struct node v = {.op = (uint8_t)op, .domain = (uint8_t)domain, .fact = fact, .min = min, .max = max, .n = child == NO_NODE ? 0 : 1};

	v.groups = n->p->domains[over].group | (child == NO_NODE ? 0 : n->p->nodes[child].groups);
	v.column = (uint32_t)over; /* no column of its own: the domain that is counted */
	return intern(n, &v, &child);
}
