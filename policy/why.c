/* Why a rule matched, in a line; and what each of its conditions came to, as a tree. Any thread. */
#include "policy/impl.h"

#include "base/encode.h"
#include "base/i18n.h"
#include "base/json.h"
#include "base/timeutil.h"

#include <string.h>

#define VALUE_BYTES 60

static bool is_set(struct scratch *s, uint32_t node, int row, bool unknown)
{
	const struct node *v = &s->p->nodes[node];
	const uint64_t *b = node_bits(s, node) + (unknown ? s->p->domains[v->domain].words : 0);

	return b[row >> 6] >> (row & 63) & 1;
}

static int first_row(struct scratch *s, uint32_t node)
{
	int n = domain_n(s->p, s->p->nodes[node].domain, s->f);

	for (int i = 0; i < n; i++)
		if (is_set(s, node, i, false))
			return i;
	return -1;
}

/* ---- the line ---- */

struct line {
	struct scratch *s;
	struct policy_match *m;
	size_t len;
};

static void add(struct line *l, const char *text, size_t n)
{
	size_t room = sizeof(l->m->why) - 1 - l->len;

	if (n > room)
		n = room;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) /* no half character */
		n--;
	for (size_t i = 0; i < n; i++)
		l->m->why[l->len + i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	l->len += n;
	l->m->why[l->len] = '\0';
}

static void add_word(struct line *l, const char *name, const char *value, size_t len)
{
	char piece[256];

	while (len > 0 && len < strlen(value) && ((unsigned char)value[len] & 0xc0) == 0x80)
		len--;
	int n = snprintf(piece, sizeof(piece), "%s%s=%.*s", l->len ? " " : "", name, (int)len, value);
	if (l->len + (size_t)n < sizeof(l->m->why) && !strstr(l->m->why, piece + (l->len ? 1 : 0)))
		add(l, piece, (size_t)n);
}

/* A fact's value as text: into buf, or where it lies. */
static const char *value_text(const struct fact *f, const void *record, char *buf, size_t size)
{
	int64_t v;

	switch (f->type) {
	case FACT_TEXT: return fact_text(f, record);
	case FACT_BOOL: return fact_number(f, record) ? "true" : "false";
	case FACT_WORD: return fact_word(f, fact_number(f, record));
	case FACT_TIME: return time_format_s(fact_number(f, record), buf);
	default:
		v = fact_number(f, record);
		snprintf(buf, size, "%lld", (long long)v);
		return buf;
	}
}

static const void *record_of(const struct scratch *s, int domain, int row)
{
	const struct domain *d = &s->p->domains[domain];

	return d->list ? (const char *)s->f + d->list->at + (size_t)row * d->table->record : (const void *)s->f;
}

static void add_fact(struct line *l, int domain, int row, const struct fact *f)
{
	char buf[TIME_RFC3339_LEN];
	const struct domain *d = &l->s->p->domains[domain];

	if (!f || !d->table) {
		const struct facts_list *list = (const void *)((const char *)l->s->f + d->list->at);
		const char *text = list->of[row] ? list->of[row] : "";
		add_word(l, d->list->name, text, strnlen(text, VALUE_BYTES));
		return;
	}
	const char *text = value_text(f, record_of(l->s, domain, row), buf, sizeof(buf));
	add_word(l, f->name, text, strnlen(text, VALUE_BYTES));
}

/* Which row it is, for people. */
static void add_row(struct line *l, int domain, int row)
{
	static const char *const names[][2] = {[D_PART] = {"path", "type"}, [D_HIT] = {"detector", "count"}, [D_LINK] = {"host", NULL}};

	if (domain != D_PART && domain != D_HIT && domain != D_LINK)
		return;
	int *at = domain == D_PART ? &l->m->part : domain == D_HIT ? &l->m->hit : &l->m->link;
	if (*at < 0)
		*at = row;
	for (int i = 0; i < 2 && names[domain][i]; i++) {
		const struct fact *f = facts_find(l->s->p->domains[domain].table, names[domain][i]);
		char buf[TIME_RFC3339_LEN];
		if (*value_text(f, record_of(l->s, domain, row), buf, sizeof(buf)))
			add_fact(l, domain, row, f);
	}
}

static void why(struct line *l, uint32_t index, int row);

/* The first row of another domain that made it true; for a part, one of its own. */
static void why_over(struct line *l, const struct node *v, int row)
{
	const struct policy *p = l->s->p;
	int over = (int)v->column, n = domain_n(p, over, l->s->f), counted = 0, first = -1;
	int64_t sum = 0;
	char number[32];

	for (int i = 0; i < n; i++) {
		int part = over == D_HIT ? l->s->f->hits[i].part : over == D_LINK ? l->s->f->links[i].part : -1;
		if ((v->domain == D_PART && part != row) || (v->n && !is_set(l->s, p->args[v->first], i, false)))
			continue;
		first = first < 0 ? i : first;
		counted++;
		sum += v->op == N_SUM ? fact_number(v->fact, record_of(l->s, over, i)) : 0;
	}
	const char *name = p->domains[over].list->name;
	if (v->op == N_SUM) {
		char what[64];
		snprintf(what, sizeof(what), "%s.%s", name, v->fact->name);
		snprintf(number, sizeof(number), "%lld", (long long)sum);
		add_word(l, what, number, strlen(number));
	} else if (v->op == N_COUNT) {
		snprintf(number, sizeof(number), "%d", counted);
		add_word(l, name, number, strlen(number));
	}
	if (first < 0)
		return;
	if (v->n && v->op != N_COUNT && v->op != N_SUM)
		why(l, p->args[v->first], first);
	add_row(l, over, first);
}

static void why(struct line *l, uint32_t index, int row)
{
	const struct policy *p = l->s->p;
	const struct node *v = &p->nodes[index];

	switch (v->op) {
	case N_ALL:
		for (uint32_t i = 0; i < v->n; i++)
			why(l, p->args[v->first + i], row);
		break;
	case N_ANY:
		for (uint32_t i = 0; i < v->n; i++) {
			if (is_set(l->s, p->args[v->first + i], row, false)) {
				why(l, p->args[v->first + i], row);
				break;
			}
		}
		break;
	case N_NOT: /* what is not there says nothing, but a fact that is something else does */
		v = &p->nodes[p->args[v->first]];
		if (v->op >= N_EQUAL && v->op <= N_RANGE && v->fact && v->domain != D_ITEM)
			add_fact(l, v->domain, row, v->fact);
		break;
	case N_INSIDE: break;
	case N_AT: {
		int part = v->domain == D_HIT ? l->s->f->hits[row].part : l->s->f->links[row].part;
		why(l, p->args[v->first], part);
		break;
	}
	case N_SOME:
	case N_EVERY:
	case N_COUNT:
	case N_SUM: why_over(l, v, row); break;
	default: add_fact(l, v->domain, row, v->fact);
	}
}

void why_match(struct scratch *s, uint32_t node, struct policy_match *ret)
{
	struct line l = {.s = s, .m = ret};

	ret->part = ret->link = ret->hit = -1;
	ret->why[0] = '\0';
	why(&l, node, 0);
	/* A hit or link alone tells its part, too. */
	if (ret->part < 0 && ret->hit >= 0)
		ret->part = s->f->hits[ret->hit].part;
	if (ret->part < 0 && ret->link >= 0)
		ret->part = s->f->links[ret->link].part;
	if (ret->part >= domain_n(s->p, D_PART, s->f))
		ret->part = -1;
}

/* ---- the tree ---- */

static void describe_texts(const struct policy *p, const struct node *v, struct buf *b)
{
	static const char *const words[] = {[N_EQUAL] = "", [N_GLOB] = "glob ", [N_CONTAINS] = "contains ", [N_BEGINS] = "begins ", [N_ENDS] = "ends "};

	buf_addf(b, "%s: %s", v->fact ? v->fact->name : p->domains[v->domain].list->name, words[v->op]);
	for (uint32_t i = 0; i < v->n; i++) {
		if (i == 5) {
			buf_addf(b, " … (%u)", v->n);
			break;
		}
		const char *text = p->constants[p->args[v->first + i]].text;
		buf_addf(b, *text ? "%s%.80s" : "%s\"\"", i ? ", " : "", text);
	}
}

static void describe_range(const struct node *v, struct buf *b)
{
	buf_addf(b, "%s: ", v->fact->name);
	if (v->fact->type == FACT_BOOL)
		buf_adds(b, v->min ? "true" : "false");
	else if (v->fact->type == FACT_WORD)
		buf_adds(b, fact_word(v->fact, v->min));
	else if (v->min == v->max)
		buf_addf(b, "%lld", (long long)v->min);
	else if (v->max == INT64_MAX)
		buf_addf(b, "min %lld", (long long)v->min);
	else if (v->min == INT64_MIN)
		buf_addf(b, "max %lld", (long long)v->max);
	else
		buf_addf(b, "min %lld max %lld", (long long)v->min, (long long)v->max);
}

static void describe(const struct policy *p, const struct node *v, struct buf *b)
{
	switch (v->op) {
	case N_ALL: buf_adds(b, "all"); break;
	case N_ANY: buf_adds(b, "any"); break;
	case N_NOT: buf_adds(b, "not"); break;
	case N_INSIDE: buf_adds(b, "inside"); break;
	case N_AT: buf_adds(b, "part"); break;
	case N_SOME: buf_addf(b, "%s: any", p->domains[v->column].list->name); break;
	case N_EVERY: buf_addf(b, "%s: all", p->domains[v->column].list->name); break;
	case N_COUNT:
	case N_SUM:
		buf_addf(b, "%s: %s%s", p->domains[v->column].list->name, v->op == N_SUM ? "sum of " : "count", v->op == N_SUM ? v->fact->name : "");
		if (v->min != INT64_MIN)
			buf_addf(b, " min %lld", (long long)v->min);
		if (v->max != INT64_MAX)
			buf_addf(b, " max %lld", (long long)v->max);
		break;
	case N_RANGE: describe_range(v, b); break;
	default: describe_texts(p, v, b);
	}
}

static cJSON *explain(struct scratch *s, uint32_t index, int depth)
{
	static const char *const truths[] = {"false", "true", "unknown"};
	const struct policy *p = s->p;
	const struct node *v = &p->nodes[index];
	_cleanup_buf_ struct buf text = BUF_INIT(2048);
	cJSON *o = cJSON_CreateObject();
	char value[TIME_RFC3339_LEN];

	describe(p, v, &text);
	cJSON_AddStringToObject(o, "condition", buf_str(&text));
	if (v->domain == D_ITEM) {
		cJSON_AddStringToObject(o, "result", truths[node_value(s, index)]);
		if (v->op >= N_EQUAL && v->op <= N_RANGE)
			cJSON_AddStringToObject(o, "value", value_text(v->fact, s->f, value, sizeof(value)));
	} else {
		int rows = domain_n(p, v->domain, s->f), yes = 0;
		for (int i = 0; i < rows; i++)
			yes += is_set(s, index, i, false);
		cJSON_AddNumberToObject(o, "rows", rows);
		cJSON_AddNumberToObject(o, "true", yes);
		if (first_row(s, index) >= 0)
			cJSON_AddNumberToObject(o, "first", first_row(s, index));
	}
	bool test = v->op >= N_EQUAL && v->op <= N_RANGE;
	cJSON *list = !test && v->n && depth < 40 ? cJSON_AddArrayToObject(o, "conditions") : NULL;
	for (uint32_t i = 0; list && i < v->n; i++)
		cJSON_AddItemToArray(list, explain(s, p->args[v->first + i], depth + 1));
	return o;
}

int policy_explain(const struct policy *p, const struct facts *f, size_t rule, struct buf *out)
{
	if (rule >= p->n_rules)
		return -1;
	struct scratch *s = scratch_take(p, f);
	_cleanup_json_ cJSON *doc = explain(s, p->rules[rule].root, 0);
	scratch_return(p, s);
	return json_print(doc, out);
}
