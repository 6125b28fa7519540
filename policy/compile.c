/* From files to a compiled rule set; see policy.h. One thread at a time works on one rule set, until it is compiled. */
#include "policy/impl.h"

#include "base/digest.h"
#include "base/i18n.h"

#include <stdarg.h>
#include <string.h>

#define ARENA_BYTES (256u << 20)
#define ALL_SOURCES (16u << 20)

/* ---- problems ---- */

int problem_add(struct policy_problems *to, const char *file, int line, int column, bool warning, const char *text)
{
	if (!to || to->n >= to->max)
		return -1;
	if (!to->of && !(to->of = arena_alloc(to->arena, to->max * sizeof(*to->of))))
		return -1;
	struct policy_problem *p = &to->of[to->n];
	*p = (struct policy_problem){.file = arena_dup(to->arena, file ? file : ""), .line = line, .column = column, .warning = warning};
	if (!p->file)
		p->file = "";
	snprintf(p->text, sizeof(p->text), "%s", text);
	to->n++;
	return -1;
}

static void note(struct compiler *c, int line, int column, bool warning, const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

static void note(struct compiler *c, int line, int column, bool warning, const char *fmt, va_list ap)
{
	char text[400];

	vsnprintf(text, sizeof(text), fmt, ap);
	problem_add(c->problems, c->file, line, column, warning, text);
	if (warning)
		return;
	if (c->errors++ == 0 && line)
		err_set(c->err, ERR_REMOTE, "bad_policy", "%.80s:%d:%d: %s", c->file, line, column, text);
	else if (c->errors == 1)
		err_set(c->err, ERR_REMOTE, "bad_policy", "%.80s: %s", c->file, text);
}

int complain(struct compiler *c, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(c, at ? at->line : 0, at ? at->column : 0, false, fmt, ap);
	va_end(ap);
	return -1;
}

int complain_key(struct compiler *c, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(c, at->key_line, at->key_column, false, fmt, ap);
	va_end(ap);
	return -1;
}

void warn_at(struct compiler *c, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(c, at ? at->line : 0, at ? at->column : 0, true, fmt, ap);
	va_end(ap);
}

int known_keys(struct compiler *c, const struct conf_node *map, const char *const *keys)
{
	int r = 0;

	if (map->kind != CONF_MAP)
		return complain(c, map, "%s", _("keys and values are expected here"));
	for (const struct conf_node *n = map->child; n; n = n->next) {
		const char *const *k = keys;
		char all[200] = "";
		while (*k && strcmp(*k, n->key) != 0)
			k++;
		if (*k)
			continue;
		const char *near = conf_nearest(n->key, keys);
		for (k = keys; *k && !near; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", *k);
		r = near ? complain_key(c, n, _("unknown key '%.60s'; did you mean '%s'?"), n->key, near) :
			   complain_key(c, n, _("unknown key '%.60s'; known here: %s"), n->key, all);
	}
	return r;
}

/* ---- files ---- */

static int parse_source(struct compiler *c, const struct policy_source *src)
{
	struct err err = {0};
	struct conf_doc *doc = NULL;
	int line = 0, column = 0;

	if (src->len > POLICY_MAX_SOURCE)
		return complain(c, NULL, _("larger than %d KiB"), (int)(POLICY_MAX_SOURCE >> 10));
	if (conf_parse("", src->text, src->len, &doc, &err) < 0) {
		/* ":12:3: what is wrong" */
		int at = 0;
		if (sscanf(err.message, ":%d:%d: %n", &line, &column, &at) < 2)
			at = 0;
		struct conf_node place = {.line = line, .column = column};
		if (err.class == ERR_LOCAL)
			c->memory = true;
		return complain(c, line ? &place : NULL, "%s", err.message + at);
	}
	c->p->docs[c->p->n_docs++] = doc;
	return 0;
}

static int read_detectors(struct compiler *c)
{
	static const char *const keys[] = {"rules", "detectors", NULL};
	const struct conf_node *root = conf_root(c->doc), *list = NULL;

	if (known_keys(c, root, keys) < 0)
		return -1;
	list = conf_get(root, "detectors");
	return list ? detectors_read(c, list) : 0;
}

static void read_rules(struct compiler *c)
{
	const struct conf_node *list = conf_get(conf_root(c->doc), "rules");

	if (!list)
		return;
	if (list->kind != CONF_LIST) {
		complain(c, list, "%s", _("rules is a list: each rule begins with '- id:'"));
		return;
	}
	for (const struct conf_node *n = list->child; n && !c->memory; n = n->next)
		rule_read(c, n);
}

static int by_severity(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->pub.line != y->pub.line ? (x->pub.line < y->pub.line ? -1 : 1) : strcmp(x->pub.id, y->pub.id);
}

static int version_of(struct policy *p, const struct policy_source *src, size_t n)
{
	struct digester *d = digester_new(DIGEST_SHA256);
	struct digests sums;

	if (!d)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t len = src[i].len;
		digester_update(d, src[i].name, strlen(src[i].name) + 1);
		digester_update(d, &len, sizeof(len));
		digester_update(d, src[i].text, src[i].len);
	}
	digester_finish(d, &sums);
	memcpy(p->version, sums.sha256, sizeof(p->version));
	return 0;
}

static bool is_shipped(const struct policy_source *src)
{
	size_t n;
	const struct policy_source *of = policy_shipped(&n);

	for (size_t i = 0; i < n; i++)
		if (src->text == of[i].text)
			return true;
	return false;
}

static int read_all(struct compiler *c, const struct policy_source *src, size_t n)
{
	_cleanup_free_ struct conf_doc **of = calloc(n + 1, sizeof(*of));
	size_t total = 0;

	if (!of || !(c->p->docs = calloc(n + 1, sizeof(*c->p->docs))))
		return -1;
	for (size_t i = 0; i < n; i++)
		total += src[i].len < POLICY_MAX_SOURCE ? src[i].len : 0;
	c->file = n ? src[0].name : "";
	if (n > POLICY_MAX_SOURCES || total > ALL_SOURCES)
		return complain(c, NULL, _("more than %d files, or more than %d MiB in all"), POLICY_MAX_SOURCES, (int)(ALL_SOURCES >> 20));
	for (size_t i = 0; i < n && !c->memory; i++) {
		c->file = arena_dup(c->p->arena, src[i].name);
		c->source = (uint32_t)i;
		if (!c->file)
			return -1;
		if (parse_source(c, &src[i]) < 0)
			continue;
		of[i] = c->doc = c->p->docs[c->p->n_docs - 1];
		if (read_detectors(c) < 0)
			of[i] = NULL;
	}
	/* Rules come second: they may name detectors of any file. */
	for (size_t i = 0; i < n && !c->memory; i++) {
		c->file = arena_dup(c->p->arena, src[i].name);
		c->source = (uint32_t)i;
		c->shipped = is_shipped(&src[i]);
		if ((c->doc = of[i]))
			read_rules(c);
	}
	if (c->memory)
		return -1;
	if (c->errors == 0 && c->p->cost > POLICY_MAX_COST) {
		char cost[24];
		snprintf(cost, sizeof(cost), "%llu", (unsigned long long)c->p->cost);
		complain(c, NULL, _("these rules could cost %s comparisons an item; at most %d are allowed: fewer patterns, or begins and ends in place of stars"),
			cost, (int)POLICY_MAX_COST);
	}
	if (c->errors == 0 && detectors_prove(c) < 0)
		return -1;
	return c->errors ? -1 : 0;
}

int policy_compile(const struct policy_source *src, size_t n, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = calloc(1, sizeof(*p));
	_cleanup_(nodes_freep) struct nodes *nodes = NULL;
	struct err first = {0};
	struct compiler c = {.p = p, .problems = problems, .err = &first};

	if (!p)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->returned, NULL);
	p->detectors_text = (struct buf)BUF_INIT(4u << 20);
	p->domains[D_ITEM] = (struct domain){&facts_item, NULL, 0, 1};
	p->domains[D_PART] = (struct domain){&facts_part, facts_find(&facts_item, "parts"), FACTS_CONTENT, FACTS_MAX_PARTS / 64};
	p->domains[D_HIT] = (struct domain){&facts_hit, facts_find(&facts_item, "hits"), FACTS_WORDS, (FACTS_MAX_HITS + 63) / 64};
	p->domains[D_LINK] = (struct domain){&facts_link, facts_find(&facts_item, "links"), FACTS_WORDS, (FACTS_MAX_LINKS + 63) / 64};
	p->n_domains = D_LISTS;
	if (!(p->arena = arena_new(ARENA_BYTES)) || !(nodes = nodes_new(p)))
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	c.nodes = nodes;
	if (read_all(&c, src, n) < 0) {
		if (err && c.errors)
			*err = first;
		return c.errors ? -1 : err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	if (p->n_rules)
		qsort(p->rules, p->n_rules, sizeof(*p->rules), by_severity);
	if (version_of(p, src, n) < 0 || detectors_print(p) < 0 || scratch_prepare(p) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	*ret = TAKE_PTR(p);
	return 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	scratch_free_all(p);
	for (size_t i = 0; i < p->n_docs; i++)
		conf_free(p->docs[i]);
	free(p->docs);
	free(p->nodes);
	free(p->args);
	free(p->constants);
	free(p->columns);
	free(p->rules);
	free(p->detectors);
	buf_free(&p->detectors_text);
	arena_free(p->arena);
	pthread_cond_destroy(&p->returned);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- what is known of it ---- */

const char *policy_version(const struct policy *p)
{
	return p->version;
}

const char *policy_detectors(const struct policy *p)
{
	return buf_str(&p->detectors_text);
}

size_t policy_n_rules(const struct policy *p)
{
	return p->n_rules;
}

const struct policy_rule *policy_rule_at(const struct policy *p, size_t i)
{
	return i < p->n_rules ? &p->rules[i].pub : NULL;
}

static bool one_fits(const char *const *patterns, const char *text)
{
	for (; patterns && *patterns; patterns++)
		if (text_glob(*patterns, text, strlen(text)))
			return true;
	return false;
}

unsigned policy_wants(const struct policy *p, const char *tenant)
{
	unsigned groups = 0;

	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];
		if (r->pub.mode != POLICY_OFF && (!r->tenants || one_fits(r->tenants, tenant)) && !one_fits(r->except_tenants, tenant))
			groups |= r->groups;
	}
	return groups;
}

/* ---- what a provider can do ---- */

/* Could the rule match anything of this service? It is asked with nothing known but the service and what kind of items it has. */
static bool concerns(const struct policy *p, const struct rule *r, const char *service, struct facts *f)
{
	bool mail = strcmp(service, "exchange") == 0 || strcmp(service, "gmail") == 0, chat = strcmp(service, "teams") == 0;

	*f = (struct facts){.service = service, .kind = mail ? FACTS_MAIL : chat ? FACTS_CHAT : FACTS_FILE};
	f->provider = strcmp(service, "gmail") == 0 || strcmp(service, "drive") == 0 ? "google" :
		strcmp(service, "box") == 0 || strcmp(service, "dropbox") == 0 ? service : "microsoft";
	struct scratch *s = scratch_take(p, f);
	s->known = 0;
	enum truth t = node_value(s, r->root);
	scratch_return(p, s);
	return t != FALSE;
}

/* The strongest weaker action that the service can do; else the weakest stronger one. */
static enum policy_action nearest_action(unsigned can, enum policy_action wanted)
{
	can |= 1u << POLICY_NONE | 1u << POLICY_REPORT;
	for (int a = (int)wanted - 1; a > POLICY_REPORT; a--)
		if (can & 1u << a)
			return (enum policy_action)a;
	for (int a = (int)wanted + 1; a <= POLICY_QUARANTINE; a++)
		if (can & 1u << a)
			return (enum policy_action)a;
	return POLICY_REPORT;
}

int policy_check_support(const struct policy *p, const struct policy_support *support, size_t n, struct policy_problems *problems)
{
	_cleanup_free_ struct facts *facts = malloc(sizeof(*facts));
	int wrong = 0;

	if (!facts)
		return -1;
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];
		if (r->pub.action <= POLICY_REPORT)
			continue;
		for (size_t s = 0; s < n; s++) {
			char text[400];
			if ((support[s].actions & 1u << r->pub.action) || !concerns(p, r, support[s].service, facts))
				continue;
			snprintf(text, sizeof(text), _("%s: %s cannot do '%s'; the nearest that it can do is '%s'"), r->pub.id, support[s].service,
				policy_action_name(r->pub.action), policy_action_name(nearest_action(support[s].actions, r->pub.action)));
			/* What is shipped must not keep the service from running. */
			problem_add(problems, r->pub.file, r->pub.line, 1, r->shipped, text);
			wrong += !r->shipped;
		}
	}
	return wrong ? -1 : 0;
}
