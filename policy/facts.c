/* Facts as JSON and back, by the table of table.c. Any thread; no state. */
#include "policy/facts.h"

#include "base/i18n.h"
#include "base/json.h"
#include "base/timeutil.h"
#include "base/units.h"
#include "policy/impl.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

/* ---- writing ---- */

struct printer {
	struct buf *out;
	const char *open; /* the name whose inner object is open: "mail", and its length */
	size_t open_len;
	bool comma;
	int failed;
};

static void put(struct printer *p, const char *text)
{
	p->failed |= buf_adds(p->out, text);
}

/* The key of a fact, opening and closing the object that its name's first half names. */
static void put_key(struct printer *p, const struct fact *f)
{
	const char *dot = strchr(f->name, '.');
	size_t len = dot ? (size_t)(dot - f->name) : 0;

	if (p->open_len && (len != p->open_len || strncmp(p->open, f->name, len) != 0)) {
		put(p, "}");
		p->open_len = 0;
		p->comma = true;
	}
	if (p->comma)
		put(p, ",");
	if (len && !p->open_len) {
		p->failed |= buf_addf(p->out, "\"%.*s\":{", (int)len, f->name);
		p->open = f->name;
		p->open_len = len;
	}
	p->failed |= buf_addf(p->out, "\"%s\":", dot ? dot + 1 : f->name);
	p->comma = true;
}

static void put_text(struct printer *p, const struct fact *f, const char *text)
{
	if (!text || !*text)
		return;
	put_key(p, f);
	p->failed |= json_quote(p->out, text, false);
}

static void put_number(struct printer *p, const struct fact *f, int64_t v)
{
	if (v == 0)
		return;
	put_key(p, f);
	p->failed |= buf_addf(p->out, "%lld", (long long)v);
}

static void put_list(struct printer *p, const struct fact *f, const struct facts_list *list)
{
	if (list->n <= 0)
		return;
	put_key(p, f);
	for (int i = 0; i < list->n && i < FACTS_MAX_LIST; i++) {
		put(p, i ? "," : "[");
		p->failed |= json_quote(p->out, list->of[i] ? list->of[i] : "", false);
	}
	put(p, "]");
}

static void put_groups(struct printer *p, const struct fact *f, unsigned groups)
{
	bool any = false;

	put_key(p, f);
	put(p, "[");
	for (unsigned bit = 1; bit <= FACTS_ALL; bit <<= 1) {
		if (groups & bit)
			p->failed |= buf_addf(p->out, "%s\"%s\"", any ? "," : "", facts_group_name(bit));
		any = any || (groups & bit);
	}
	put(p, "]");
}

static void put_record(struct printer *p, const struct fact_table *t, const void *record, const struct facts *facts);

static void put_rows(struct printer *p, const struct fact *f, const struct facts *facts)
{
	int n = fact_rows_n(f->rows, facts);

	if (n <= 0)
		return;
	put_key(p, f);
	for (int i = 0; i < n; i++) {
		struct printer inner = {.out = p->out};
		put(p, i ? "," : "[");
		put_record(&inner, f->rows, (const char *)facts + f->at + (size_t)i * f->rows->record, facts);
		p->failed |= inner.failed;
	}
	put(p, "]");
}

static void put_record(struct printer *p, const struct fact_table *t, const void *record, const struct facts *facts)
{
	put(p, "{");
	for (const struct fact *f = t->of; f < t->of + t->n; f++) {
		const char *at = (const char *)record + f->at;
		if (f->group & ~facts->known)
			continue;
		switch (f->type) {
		case FACT_TEXT: put_text(p, f, *(const char *const *)(const void *)at); break;
		case FACT_BOOL:
			if (fact_number(f, record)) {
				put_key(p, f);
				put(p, "true");
			}
			break;
		case FACT_WORD: put_text(p, f, fact_number(f, record) ? fact_word(f, fact_number(f, record)) : ""); break;
		case FACT_INT:
		case FACT_INT64:
		case FACT_SIZE:
		case FACT_TIME: put_number(p, f, fact_number(f, record)); break;
		case FACT_LIST: put_list(p, f, (const struct facts_list *)(const void *)at); break;
		case FACT_ROWS: put_rows(p, f, facts); break;
		case FACT_GROUPS: put_groups(p, f, facts->known); break;
		}
	}
	put(p, p->open_len ? "}}" : "}");
}

int facts_print(const struct facts *f, struct buf *out)
{
	struct printer p = {.out = out};

	put_record(&p, &facts_item, f, f);
	return p.failed ? -1 : 0;
}

/* ---- values of a record, for all who read facts ---- */

int64_t fact_number(const struct fact *f, const void *record)
{
	const void *at = (const char *)record + f->at;

	switch (f->type) {
	case FACT_BOOL: return *(const bool *)at;
	case FACT_INT: return *(const int *)at;
	case FACT_INT64:
	case FACT_SIZE:
	case FACT_TIME: return *(const int64_t *)at;
	case FACT_WORD: return *(const unsigned *)at; /* enums of facts.h have no negative values */
	default: return 0;
	}
}

const char *fact_text(const struct fact *f, const void *record)
{
	const char *s = *(const char *const *)(const void *)((const char *)record + f->at);

	return s ? s : "";
}

const char *fact_word(const struct fact *f, int64_t value)
{
	for (int64_t i = 0; f->words[i]; i++)
		if (i == value)
			return f->words[i];
	return "";
}

int fact_rows_n(const struct fact_table *t, const struct facts *facts)
{
	int n = *(const int *)(const void *)((const char *)facts + t->at_n);

	return n < 0 ? 0 : n > (int)t->max ? (int)t->max : n;
}

/* ---- reading ---- */

static int whole_number(const char *text, int64_t *ret)
{
	char *end;

	if (strspn(text, "-0123456789") != strlen(text) || !*text || strlen(text) > 19)
		return -1;
	*ret = strtoll(text, &end, 10);
	return *end || end == text ? -1 : 0;
}

int fact_parse_number(const struct fact *f, const char *text, int64_t *ret)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	if (f->type == FACT_SIZE)
		return units_size(text, ret);
	if (f->type == FACT_TIME) {
		char day[40];
		if (strlen(text) == 10 && text[4] == '-') {
			snprintf(day, sizeof(day), "%sT00:00:00Z", text);
			return time_parse(day, ret);
		}
		return time_parse(text, ret) == 0 ? 0 : whole_number(text, ret);
	}
	if (strcmp(f->name, "weekday") == 0)
		for (int i = 0; i < 7; i++)
			if (strcmp(text, days[i]) == 0) {
				*ret = i + 1;
				return 0;
			}
	if (whole_number(text, ret) < 0)
		return -1;
	if (strcmp(f->name, "weekday") == 0 && (*ret < 0 || *ret > 7))
		return -1;
	if (strcmp(f->name, "hour") == 0 && (*ret < 0 || *ret > 23))
		return -1;
	return f->type == FACT_INT && (*ret < INT_MIN || *ret > INT_MAX) ? -1 : 0;
}

int facts_wrong(struct facts_reader *r, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	r->line = at->line;
	r->column = at->column;
	return -1;
}

static int wrong_type(struct facts_reader *r, const struct conf_node *n, const struct fact *f, const char *where)
{
	if (f->type == FACT_WORD) {
		char all[160] = "";
		for (const char *const *w = f->words; *w; w++)
			if (**w)
				snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", *w);
		return facts_wrong(r, n, _("%s%s is one of: %s"), where, f->name, all);
	}
	return facts_wrong(r, n, _("%s%s: %s expected"), where, f->name, facts_type_name(f->type));
}

static const char *keep(struct facts_reader *r, const struct conf_node *n)
{
	const char *s = arena_dup(r->arena, n->text);

	if (!s)
		facts_wrong(r, n, "%s", _("more than there is room for"));
	return s;
}

static int read_list(struct facts_reader *r, const struct conf_node *n, const struct fact *f, const char *where, struct facts_list *ret)
{
	if (n->kind != CONF_LIST)
		return wrong_type(r, n, f, where);
	for (const struct conf_node *c = n->child; c; c = c->next) {
		if (c->kind != CONF_SCALAR || (r->json && !c->quoted))
			return wrong_type(r, c, f, where);
		if (ret->n == FACTS_MAX_LIST)
			return facts_wrong(r, c, _("%s%s: more than %d"), where, f->name, FACTS_MAX_LIST);
		if (!(ret->of[ret->n] = keep(r, c)))
			return -1;
		ret->n++;
	}
	return 0;
}

static int read_groups(struct facts_reader *r, const struct conf_node *n, const struct fact *f, unsigned *ret)
{
	if (n->kind != CONF_LIST)
		return wrong_type(r, n, f, "");
	*ret = 0;
	for (const struct conf_node *c = n->child; c; c = c->next) {
		unsigned bit = 1;
		while (bit <= FACTS_ALL && (c->kind != CONF_SCALAR || strcmp(c->text, facts_group_name(bit)) != 0))
			bit <<= 1;
		if (bit > FACTS_ALL)
			return facts_wrong(r, c, _("known: groups are content, words, sharing, people, history"));
		*ret |= bit;
	}
	return 0;
}

static int read_number(struct facts_reader *r, const struct conf_node *n, const struct fact *f, const char *where, void *at)
{
	int64_t v = 0;

	if (n->kind != CONF_SCALAR)
		return wrong_type(r, n, f, where);
	if (f->type == FACT_BOOL) {
		if (n->quoted || (strcmp(n->text, "true") != 0 && strcmp(n->text, "false") != 0))
			return wrong_type(r, n, f, where);
		*(bool *)at = n->text[0] == 't';
		return 0;
	}
	if (f->type == FACT_WORD) {
		while (f->words[v] && (!*f->words[v] || strcmp(f->words[v], n->text) != 0))
			v++;
		if (!f->words[v])
			return wrong_type(r, n, f, where);
		*(unsigned *)at = (unsigned)v;
		return 0;
	}
	if ((n->quoted && f->type != FACT_TIME) || (fact_parse_number(f, n->text, &v) < 0 && whole_number(n->text, &v) < 0))
		return wrong_type(r, n, f, where);
	if (f->type == FACT_INT && (v < INT_MIN || v > INT_MAX))
		return wrong_type(r, n, f, where);
	if (f->type == FACT_INT)
		*(int *)at = (int)v;
	else
		*(int64_t *)at = v;
	return 0;
}

static int read_record(struct facts_reader *r, const struct conf_node *map, const struct fact_table *t, const char *where, const char *prefix,
	void *record, struct facts *facts);

static int read_rows(struct facts_reader *r, const struct conf_node *n, const struct fact *f, struct facts *facts)
{
	int *count = (int *)(void *)((char *)facts + f->rows->at_n);

	if (n->kind != CONF_LIST)
		return wrong_type(r, n, f, "");
	for (const struct conf_node *c = n->child; c; c = c->next) {
		char where[64];
		if (*count == (int)f->rows->max)
			return facts_wrong(r, c, _("%s: more than %d"), f->name, (int)f->rows->max);
		snprintf(where, sizeof(where), "%s[%d].", f->name, *count);
		void *row = (char *)facts + f->at + (size_t)*count * f->rows->record;
		if (f->rows == &facts_part && *count == 0)
			((struct facts_part *)row)->parent = -1;
		if (read_record(r, c, f->rows, where, "", row, facts) < 0)
			return -1;
		if (f->rows == &facts_part && (((struct facts_part *)row)->parent < -1 || ((struct facts_part *)row)->parent >= *count))
			return facts_wrong(r, c, _("%sparent: a part lies in one that stands before it"), where);
		++*count;
	}
	return 0;
}

static int unknown_fact(struct facts_reader *r, const struct conf_node *n, const struct fact_table *t, const char *where, const char *name)
{
	const struct conf_node at = {.line = n->key_line, .column = n->key_column};
	const char *near = facts_nearest(t, name);

	if (near)
		return facts_wrong(r, &at, _("%s%.60s: no such fact; did you mean '%s'?"), where, name, near);
	return facts_wrong(r, &at, _("%s%.60s: no such fact; 'sekisho policy facts' lists them"), where, name);
}

/* prefix: "mail." within the object of that name. */
static int read_record(struct facts_reader *r, const struct conf_node *map, const struct fact_table *t, const char *where, const char *prefix,
	void *record, struct facts *facts)
{
	if (map->kind != CONF_MAP)
		return facts_wrong(r, map, _("%s%s: an object is expected"), where, prefix);
	for (const struct conf_node *n = map->child; n; n = n->next) {
		char name[128];
		snprintf(name, sizeof(name), "%s%s", prefix, n->key);
		const struct fact *f = facts_find(t, name);
		if (!f && !*prefix && t == &facts_item && (strcmp(n->key, "mail") == 0 || strcmp(n->key, "sharing") == 0)) {
			snprintf(name, sizeof(name), "%s.", n->key);
			if (read_record(r, n, t, where, name, record, facts) < 0)
				return -1;
			continue;
		}
		if (!f)
			return unknown_fact(r, n, t, where, name);
		void *at = (char *)record + f->at;
		int e = 0;
		switch (f->type) {
		case FACT_TEXT:
			if (n->kind != CONF_SCALAR || (r->json && !n->quoted))
				return wrong_type(r, n, f, where);
			e = (*(const char **)at = keep(r, n)) ? 0 : -1;
			break;
		case FACT_LIST: e = read_list(r, n, f, where, at); break;
		case FACT_ROWS: e = read_rows(r, n, f, facts); break;
		case FACT_GROUPS: e = read_groups(r, n, f, at); break;
		default: e = read_number(r, n, f, where, at);
		}
		if (e < 0)
			return -1;
	}
	return 0;
}

static void raise_to(int *seen, int n)
{
	if (*seen < n)
		*seen = n;
}

static int check_places(struct facts_reader *r, const struct conf_node *map, const struct facts *f)
{
	/* Parts that are not known may be many. */
	int parts = !(f->known & FACTS_CONTENT) ? FACTS_MAX_PARTS : f->n_parts ? f->n_parts : 1;

	for (int i = 0; i < f->n_hits; i++)
		if (f->hits[i].part < -1 || f->hits[i].part >= parts)
			return facts_wrong(r, map, _("hits[%d].part: there is no such part"), i);
	for (int i = 0; i < f->n_links; i++)
		if (f->links[i].part < -1 || f->links[i].part >= parts)
			return facts_wrong(r, map, _("links[%d].part: there is no such part"), i);
	return 0;
}

int facts_read_node(struct facts_reader *r, const struct conf_node *map, struct facts *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->known = FACTS_ALL;
	if (read_record(r, map, &facts_item, "", "", ret, ret) < 0 || check_places(r, map, ret) < 0)
		return -1;
	raise_to(&ret->parts_seen, ret->n_parts);
	raise_to(&ret->hits_seen, ret->n_hits);
	raise_to(&ret->links_seen, ret->n_links);
	raise_to(&ret->groups.seen, ret->groups.n);
	raise_to(&ret->threats.seen, ret->threats.n);
	raise_to(&ret->mail.to.seen, ret->mail.to.n);
	raise_to(&ret->sharing.outside_addresses.seen, ret->sharing.outside_addresses.n);
	return 0;
}

/* JSON as the tree that the reader knows. null is as if it were not there. NULL: memory. */
static struct conf_node *tree_of(const cJSON *doc, struct arena *a)
{
	struct conf_node *n = arena_alloc(a, sizeof(*n)), **tail = n ? &n->child : NULL;

	if (!n)
		return NULL;
	n->kind = cJSON_IsObject(doc) ? CONF_MAP : cJSON_IsArray(doc) ? CONF_LIST : CONF_SCALAR;
	n->quoted = cJSON_IsString(doc);
	if (cJSON_IsString(doc))
		n->text = doc->valuestring;
	else if (cJSON_IsNumber(doc) && doc->valuedouble > -9e15 && doc->valuedouble < 9e15 && doc->valuedouble == (double)(int64_t)doc->valuedouble)
		n->text = arena_printf(a, "%lld", (long long)doc->valuedouble);
	else
		n->text = cJSON_IsTrue(doc) ? "true" : cJSON_IsFalse(doc) ? "false" : "?";
	if (n->kind == CONF_SCALAR)
		return n->text ? n : NULL;
	for (const cJSON *c = doc->child; c; c = c->next) {
		if (cJSON_IsNull(c))
			continue;
		if (!(*tail = tree_of(c, a)))
			return NULL;
		(*tail)->key = c->string;
		tail = &(*tail)->next;
	}
	return n;
}

#define TREE_BYTES (64u << 20)

int facts_read(const char *json, size_t len, struct arena *a, struct facts *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_(arena_freep) struct arena *nodes = arena_new(TREE_BYTES);
	_cleanup_free_ struct facts *facts = malloc(sizeof(*facts));
	struct facts_reader r = {.arena = a, .json = true};

	if (!nodes || !facts)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (json_parse(json, len, &doc, err) < 0) {
		if (err && err->class != ERR_LOCAL)
			snprintf(err->code, sizeof(err->code), "bad_facts");
		return -1;
	}
	const struct conf_node *tree = tree_of(doc, nodes);
	if (!tree)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (facts_read_node(&r, tree, facts) < 0)
		return err_set(err, ERR_REMOTE, "bad_facts", "%s", r.text);
	*ret = *facts;
	return 0;
}
