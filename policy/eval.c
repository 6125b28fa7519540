/* The values of conditions for one item. A node's value is a row of bits, one for each row of its domain (the item has one), true
 * ones and unknown ones; what was computed for one rule is there for the next. Columns are taken out of the facts when a rule
 * first asks. All memory is in a scratch, of which the rule set keeps a pool: deciding allocates nothing once it runs. */
#include "policy/impl.h"

#include <string.h>

#define ROWS_OF(words) ((size_t)(words) * 64)

/* A text column: hashes, pairs, pointers, lengths, each of all rows. */
struct texts {
	uint64_t *hash, *pairs;
	const char **text;
	uint32_t *len;
};

static size_t column_rows(const struct policy *p, const struct column *c)
{
	return c->domain == D_ITEM ? 1 : ROWS_OF(p->domains[c->domain].words);
}

static size_t column_size(const struct policy *p, const struct column *c)
{
	size_t rows = column_rows(p, c);

	return c->text ? rows * (2 * sizeof(uint64_t) + sizeof(char *)) + (rows * sizeof(uint32_t) + 7) / 8 * 8 : rows * sizeof(int64_t);
}

static struct texts texts_at(const struct scratch *s, const struct column *c)
{
	size_t rows = column_rows(s->p, c);
	char *at = s->columns + c->at;

	return (struct texts){(uint64_t *)(void *)at, (uint64_t *)(void *)at + rows, (const char **)(void *)(at + rows * 16),
		(uint32_t *)(void *)(at + rows * (16 + sizeof(char *)))};
}

static struct scratch *scratch_new(const struct policy *p)
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->node_round = calloc(p->n_nodes + 1, sizeof(*s->node_round));
	s->column_round = calloc(p->n_columns + 1, sizeof(*s->column_round));
	s->values = calloc(p->value_words + 1, sizeof(*s->values));
	s->columns = calloc(p->column_bytes + 1, 1);
	if (s->node_round && s->column_round && s->values && s->columns)
		return s;
	free(s->node_round);
	free(s->column_round);
	free(s->values);
	free(s->columns);
	free(s);
	return NULL;
}

int scratch_prepare(struct policy *p)
{
	p->column_bytes = 0;
	for (uint32_t i = 0; i < p->n_columns; i++) {
		p->columns[i].at = p->column_bytes;
		p->column_bytes += column_size(p, &p->columns[i]);
	}
	return (p->idle = scratch_new(p)) ? 0 : -1;
}

/* Takes one of the pool or makes one more; when there is no memory, waits for one that comes back. */
struct scratch *scratch_take(const struct policy *p, const struct facts *f)
{
	struct policy *own = (struct policy *)(uintptr_t)p; /* the pool is all that changes in a rule set */
	struct scratch *s = NULL;

	pthread_mutex_lock(&own->lock);
	if (!own->idle) {
		pthread_mutex_unlock(&own->lock);
		s = scratch_new(p);
		pthread_mutex_lock(&own->lock);
	}
	while (!s && !own->idle)
		pthread_cond_wait(&own->returned, &own->lock);
	if (!s) {
		s = own->idle;
		own->idle = s->next;
	}
	pthread_mutex_unlock(&own->lock);
	s->next = NULL;
	s->p = p;
	s->f = f;
	s->known = f->known | FACT_ALWAYS;
	for (int i = 0; i < p->n_domains; i++)
		s->n[i] = domain_n(p, i, f);
	if (++s->round == 0) {
		memset(s->node_round, 0, p->n_nodes * sizeof(*s->node_round));
		memset(s->column_round, 0, p->n_columns * sizeof(*s->column_round));
		s->round = 1;
	}
	return s;
}

void scratch_return(const struct policy *p, struct scratch *s)
{
	struct policy *own = (struct policy *)(uintptr_t)p;

	pthread_mutex_lock(&own->lock);
	s->next = own->idle;
	own->idle = s;
	pthread_cond_signal(&own->returned);
	pthread_mutex_unlock(&own->lock);
}

void scratch_free_all(struct policy *p)
{
	while (p->idle) {
		struct scratch *s = p->idle;
		p->idle = s->next;
		free(s->node_round);
		free(s->column_round);
		free(s->values);
		free(s->columns);
		free(s);
	}
}

/* ---- columns ---- */

int domain_n(const struct policy *p, int domain, const struct facts *f)
{
	const struct domain *d = &p->domains[domain];

	if (!d->list)
		return 1;
	if (d->table)
		return fact_rows_n(d->table, f);
	const struct facts_list *list = (const void *)((const char *)f + d->list->at);
	return list->n < 0 ? 0 : list->n > FACTS_MAX_LIST ? FACTS_MAX_LIST : list->n;
}

static const void *row_of(const struct policy *p, int domain, const struct facts *f, int i)
{
	const struct domain *d = &p->domains[domain];

	return d->list ? (const char *)f + d->list->at + (size_t)i * d->table->record : (const void *)f;
}

static void fill(struct scratch *s, uint32_t index)
{
	const struct column *c = &s->p->columns[index];
	const struct domain *d = &s->p->domains[c->domain];
	int n = s->n[c->domain];

	if (s->column_round[index] == s->round)
		return;
	s->column_round[index] = s->round;
	if (!c->text) {
		int64_t *v = (int64_t *)(void *)(s->columns + c->at);
		for (int i = 0; i < n; i++)
			v[i] = fact_number(c->fact, row_of(s->p, c->domain, s->f, i));
		return;
	}
	struct texts t = texts_at(s, c);
	for (int i = 0; i < n; i++) {
		struct text_key key;
		if (d->table) {
			t.text[i] = fact_text(c->fact, row_of(s->p, c->domain, s->f, i));
		} else {
			const struct facts_list *list = (const void *)((const char *)s->f + d->list->at);
			t.text[i] = list->of[i] ? list->of[i] : "";
		}
		text_key(t.text[i], &key);
		t.hash[i] = key.hash;
		t.pairs[i] = key.pairs;
		t.len[i] = key.len;
	}
}

/* ---- tests ---- */

static void set(uint64_t *bits, int i)
{
	bits[i >> 6] |= 1ull << (i & 63);
}

static bool get(const uint64_t *bits, int i)
{
	return bits[i >> 6] >> (i & 63) & 1;
}

/* Bits of all rows that there are. */
static void fill_bits(uint64_t *bits, int n, unsigned words)
{
	for (unsigned w = 0; w < words; w++) {
		int left = n - (int)w * 64;
		bits[w] = left >= 64 ? ~0ull : left > 0 ? (1ull << left) - 1 : 0;
	}
}

static int count(const uint64_t *bits, unsigned words)
{
	int n = 0;

	for (unsigned w = 0; w < words; w++)
		n += __builtin_popcountll(bits[w]);
	return n;
}

/* Of up to 64 rows at a time: those whose word is this one, or holds all bits of it. Constant shifts: these two loops are what deciding
 * spends its time in. */
static uint64_t equal_bits(const uint64_t *value, uint64_t wanted, int n)
{
	uint64_t bits = 0;

	for (int i = 0; i < n; i++)
		bits = bits >> 1 | (uint64_t)(value[i] == wanted) << 63;
	return n > 0 ? bits >> (64 - n) : 0;
}

static uint64_t holding_bits(const uint64_t *value, uint64_t wanted, int n)
{
	uint64_t bits = 0;

	for (int i = 0; i < n; i++)
		bits = bits >> 1 | (uint64_t)((wanted & ~value[i]) == 0) << 63;
	return n > 0 ? bits >> (64 - n) : 0;
}

static int rows_in(int n, int from)
{
	return n - from < 64 ? n - from : 64;
}

static void test_equal(struct scratch *s, const struct node *v, const struct texts *t, int n, uint64_t *bits)
{
	const struct policy *p = s->p;

	for (uint32_t a = 0; a < v->n; a++) {
		const struct constant *c = &p->constants[p->args[v->first + a]];
		for (int from = 0; from < n; from += 64) {
			uint64_t may = equal_bits(t->hash + from, c->key.hash, rows_in(n, from));
			for (; may; may &= may - 1) {
				int i = from + __builtin_ctzll(may);
				if (t->len[i] == c->key.len && text_equal(t->text[i], c->text, c->key.len))
					set(bits, i);
			}
		}
	}
}

static bool test_one(enum node_op op, const struct constant *c, const struct texts *t, int i)
{
	switch (op) {
	case N_GLOB: return text_glob(c->text, t->text[i], t->len[i]);
	case N_CONTAINS: return text_contains(t->text[i], t->len[i], c->text, c->key.len);
	case N_BEGINS: return t->len[i] >= c->key.len && text_equal(t->text[i], c->text, c->key.len);
	default: return t->len[i] >= c->key.len && text_equal(t->text[i] + t->len[i] - c->key.len, c->text, c->key.len);
	}
}

/* A text that lacks a pair of neighbouring letters of the constant cannot hold it: few texts are ever compared. */
static void test_texts(struct scratch *s, const struct node *v, const struct texts *t, int n, uint64_t *bits)
{
	const struct policy *p = s->p;

	for (uint32_t a = 0; a < v->n; a++) {
		const struct constant *c = &p->constants[p->args[v->first + a]];
		uint64_t want = v->op == N_GLOB ? c->glob_pairs : c->key.pairs;
		for (int from = 0; from < n; from += 64) {
			uint64_t may = holding_bits(t->pairs + from, want, rows_in(n, from)) & ~bits[from >> 6];
			for (; may; may &= may - 1)
				if (test_one(v->op, c, t, from + __builtin_ctzll(may)))
					set(bits, from + __builtin_ctzll(may));
		}
	}
}

static void test_range(struct scratch *s, const struct node *v, int n, uint64_t *bits)
{
	const int64_t *value = (const int64_t *)(void *)(s->columns + s->p->columns[v->column].at);

	for (int from = 0; from < n; from += 64) {
		uint64_t word = 0;
		int rows = rows_in(n, from);
		for (int i = 0; i < rows; i++)
			word = word >> 1 | (uint64_t)((value[from + i] >= v->min) & (value[from + i] <= v->max)) << 63;
		bits[from >> 6] = word >> (64 - rows);
	}
}

/* ---- over the rows of another domain ---- */

static const uint64_t *bits_of(struct scratch *s, uint32_t node);

/* lo: rows that are true (or their sum), hi: with those that may be; of `all` of them. */
static enum truth judge(const struct node *v, int64_t lo, int64_t hi, int64_t all)
{
	switch (v->op) {
	case N_SOME: return lo > 0 ? TRUE : hi > 0 ? UNKNOWN : FALSE;
	case N_EVERY: return all == 0 || hi < all ? FALSE : lo == all ? TRUE : UNKNOWN;
	default: break;
	}
	if (lo >= v->min && hi <= v->max)
		return TRUE;
	return hi < v->min || lo > v->max ? FALSE : UNKNOWN;
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t amount(const struct scratch *s, const struct node *v, int over, int i)
{
	int64_t x = v->op == N_SUM ? fact_number(v->fact, row_of(s->p, over, s->f, i)) : 1;

	return x < 0 ? 0 : x;
}

static void over_item(struct scratch *s, const struct node *v, uint64_t *value)
{
	const struct policy *p = s->p;
	int over = (int)v->column, n = s->n[over];
	unsigned words = p->domains[over].words;
	int64_t lo = 0, hi = 0;

	if (p->domains[over].group & ~s->known) {
		value[1] = 1;
		return;
	}
	const uint64_t *bits = v->n ? bits_of(s, p->args[v->first]) : NULL;
	if (v->op == N_SUM) {
		for (int i = 0; i < n; i++) {
			lo = !bits || get(bits, i) ? plus(lo, amount(s, v, over, i)) : lo;
			hi = bits && get(bits + words, i) ? plus(hi, amount(s, v, over, i)) : hi;
		}
		hi = plus(lo, hi);
	} else if (bits) {
		lo = count(bits, words);
		hi = lo + count(bits + words, words);
	} else {
		/* All of them, also those beyond what is described. */
		const struct domain *d = &p->domains[over];
		int seen = d->table ? *(const int *)(const void *)((const char *)s->f + d->table->at_seen) :
			((const struct facts_list *)(const void *)((const char *)s->f + d->list->at))->seen;
		lo = hi = seen > n ? seen : n;
	}
	enum truth t = judge(v, lo, hi, n);
	value[0] = t == TRUE;
	value[1] = t == UNKNOWN;
}

static int part_of(const struct scratch *s, int domain, int i)
{
	int part = domain == D_HIT ? s->f->hits[i].part : s->f->links[i].part;

	return part >= 0 && part < s->n[D_PART] ? part : -1;
}

/* For each part, over its own hits or links. */
static void over_part(struct scratch *s, const struct node *v, uint64_t *value)
{
	const struct policy *p = s->p;
	int over = (int)v->column, n = s->n[over], parts = s->n[D_PART];
	unsigned words = p->domains[over].words, own = p->domains[D_PART].words;
	int64_t lo[FACTS_MAX_PARTS] = {0}, hi[FACTS_MAX_PARTS] = {0}, all[FACTS_MAX_PARTS] = {0};

	if (p->domains[over].group & ~s->known) {
		fill_bits(value + own, parts, own);
		return;
	}
	const uint64_t *bits = v->n ? bits_of(s, p->args[v->first]) : NULL;
	for (int i = 0; i < n; i++) {
		int part = part_of(s, over, i);
		if (part < 0)
			continue;
		bool yes = !bits || get(bits, i), maybe = yes || (bits && get(bits + words, i));
		all[part]++;
		lo[part] = yes ? plus(lo[part], amount(s, v, over, i)) : lo[part];
		hi[part] = maybe ? plus(hi[part], amount(s, v, over, i)) : hi[part];
	}
	for (int i = 0; i < parts; i++) {
		enum truth t = judge(v, lo[i], hi[i], all[i]);
		if (t == TRUE)
			set(value, i);
		else if (t == UNKNOWN)
			set(value + own, i);
	}
}

/* Parts that lie in a part for which the child holds. */
static void inside(struct scratch *s, const struct node *v, uint64_t *value)
{
	unsigned own = s->p->domains[D_PART].words;
	const uint64_t *bits = bits_of(s, s->p->args[v->first]);
	int n = s->n[D_PART];

	for (int i = 0; i < n; i++) {
		int up = s->f->parts[i].parent;
		if (up < 0 || up >= i)
			continue;
		if (get(bits, up) || get(value, up))
			set(value, i);
		else if (get(bits + own, up) || get(value + own, up))
			set(value + own, i);
	}
}

static void at_part(struct scratch *s, const struct node *v, uint64_t *value)
{
	unsigned own = s->p->domains[v->domain].words, words = s->p->domains[D_PART].words;
	int n = s->n[v->domain];

	if (FACTS_CONTENT & ~s->known) {
		fill_bits(value + own, n, own);
		return;
	}
	const uint64_t *bits = bits_of(s, s->p->args[v->first]);
	for (int i = 0; i < n; i++) {
		int part = part_of(s, v->domain, i);
		if (part >= 0 && get(bits, part))
			set(value, i);
		else if (part >= 0 && get(bits + words, part))
			set(value + own, i);
	}
}

/* ---- all nodes ---- */

static void join(struct scratch *s, const struct node *v, int n, uint64_t *value)
{
	const struct policy *p = s->p;
	unsigned words = p->domains[v->domain].words;
	uint64_t full[4];
	bool all = v->op == N_ALL;

	fill_bits(full, n, words);
	for (unsigned w = 0; w < words; w++) /* in between: true ones, and those that are true or unknown */
		value[w] = value[words + w] = all ? full[w] : 0;
	for (uint32_t c = 0; c < v->n; c++) {
		const uint64_t *b = bits_of(s, p->args[v->first + c]);
		uint64_t left = 0;
		for (unsigned w = 0; w < words; w++) {
			uint64_t may = b[w] | b[words + w];
			value[w] = all ? value[w] & b[w] : value[w] | b[w];
			value[words + w] = all ? value[words + w] & may : value[words + w] | may;
			left |= all ? value[words + w] : full[w] & ~value[w];
		}
		if (!left)
			break;
	}
	for (unsigned w = 0; w < words; w++)
		value[words + w] &= ~value[w];
}

static void negate(struct scratch *s, const struct node *v, int n, uint64_t *value)
{
	unsigned words = s->p->domains[v->domain].words;
	const uint64_t *b = bits_of(s, s->p->args[v->first]);
	uint64_t full[4];

	fill_bits(full, n, words);
	for (unsigned w = 0; w < words; w++) {
		value[w] = full[w] & ~(b[w] | b[words + w]);
		value[words + w] = b[words + w];
	}
}

static void test(struct scratch *s, const struct node *v, int n, uint64_t *value)
{
	unsigned words = s->p->domains[v->domain].words;

	if (v->groups & ~s->known) {
		fill_bits(value + words, n, words);
		return;
	}
	fill(s, v->column);
	if (v->op == N_RANGE) {
		test_range(s, v, n, value);
		return;
	}
	struct texts t = texts_at(s, &s->p->columns[v->column]);
	if (v->op == N_EQUAL)
		test_equal(s, v, &t, n, value);
	else
		test_texts(s, v, &t, n, value);
}

/* As deep as a rule is nested, which its file's limit bounds. */
static const uint64_t *bits_of(struct scratch *s, uint32_t index)
{
	const struct node *v = &s->p->nodes[index];
	uint64_t *value = s->values + v->at;
	int n = s->n[v->domain];

	if (s->node_round[index] == s->round)
		return value;
	s->node_round[index] = s->round;
	memset(value, 0, 2 * s->p->domains[v->domain].words * sizeof(*value));
	switch (v->op) {
	case N_ALL:
	case N_ANY: join(s, v, n, value); break;
	case N_NOT: negate(s, v, n, value); break;
	case N_SOME:
	case N_EVERY:
	case N_COUNT:
	case N_SUM:
		if (v->domain == D_ITEM)
			over_item(s, v, value);
		else
			over_part(s, v, value);
		break;
	case N_INSIDE: inside(s, v, value); break;
	case N_AT: at_part(s, v, value); break;
	default: test(s, v, n, value);
	}
	return value;
}

const uint64_t *node_bits(struct scratch *s, uint32_t node)
{
	return bits_of(s, node);
}

enum truth node_value(struct scratch *s, uint32_t node)
{
	const uint64_t *v = bits_of(s, node);

	return v[0] & 1 ? TRUE : v[1] & 1 ? UNKNOWN : FALSE;
}

unsigned node_needs(struct scratch *s, uint32_t index)
{
	const struct policy *p = s->p;
	const struct node *v = &p->nodes[index];
	unsigned words = p->domains[v->domain].words, needs = 0;
	const uint64_t *b = bits_of(s, index);

	if (count(b + words, words) == 0)
		return 0;
	if (v->op >= N_EQUAL && v->op <= N_RANGE)
		return v->groups & ~s->known;
	if (v->op >= N_SOME && v->op <= N_SUM && (p->domains[v->column].group & ~s->known))
		return p->domains[v->column].group & ~s->known;
	if (v->op == N_AT && (FACTS_CONTENT & ~s->known))
		return FACTS_CONTENT;
	for (uint32_t i = 0; i < v->n; i++)
		needs |= node_needs(s, p->args[v->first + i]);
	return needs ? needs : v->groups & ~s->known;
}
