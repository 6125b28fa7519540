/* One rule of a file: its keys, targets and cases. Compiling, one thread. */
#include "policy/impl.h"

#include "base/encode.h"
#include "base/i18n.h"

#include <string.h>

static const char *const severities[] = {"critical", "high", "medium", "low", "info", NULL};
static const char *const categories[] = {"malware", "file", "encrypted", "data", "link", "sender", "sharing", "unknown", NULL};
static const char *const modes[] = {"off", "monitor", "protect", NULL};
static const char *const told[] = {"admin", "desk", "owner", NULL};
static const char *const actions[] = {"none", "report", "tag", "unshare", "block", "replace", "quarantine", "delete", NULL};

const char *policy_action_name(enum policy_action a)
{
	return (unsigned)a < POLICY_ACTIONS ? actions[a] : "none";
}

int policy_action_parse(const char *name, enum policy_action *ret)
{
	for (int i = 0; i < POLICY_ACTIONS; i++) {
		if (strcmp(name, actions[i]) == 0) {
			*ret = (enum policy_action)i;
			return 0;
		}
	}
	return -1;
}

/* A text of one line that people read. */
static int plain_text(struct compiler *c, const struct conf_node *n, size_t max, const char **ret)
{
	if (n->kind != CONF_SCALAR || !*n->text)
		return complain(c, n, "%s", _("a text is expected here"));
	if (strlen(n->text) > max)
		return complain(c, n, _("longer than %d bytes"), (int)max);
	for (const char *s = n->text; *s;) {
		size_t len = utf8_length(s, strlen(s));
		if (len == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			return complain(c, n, "%s", _("control characters and bytes that are no UTF-8 are not taken"));
		s += len;
	}
	*ret = n->text;
	return 0;
}

static int choice(struct compiler *c, const struct conf_node *n, const char *const *words, int *ret)
{
	char all[200] = "";

	for (int i = 0; n->kind == CONF_SCALAR && words[i]; i++) {
		if (strcmp(n->text, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	for (const char *const *w = words; *w; w++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", *w);
	const char *near = n->kind == CONF_SCALAR ? conf_nearest(n->text, words) : NULL;
	if (near)
		return complain(c, n, _("%s: there is no '%.60s'; did you mean '%s'? It is one of: %s"), n->key, n->text, near, all);
	return complain(c, n, _("%s is one of: %s"), n->key, all);
}

/* In both languages, or one text for both. */
static int both_languages(struct compiler *c, const struct conf_node *n, size_t max, const char **ja, const char **en)
{
	static const char *const keys[] = {"ja", "en", NULL};

	if (n->kind == CONF_SCALAR) {
		if (plain_text(c, n, max, ja) < 0)
			return -1;
		*en = *ja;
		return 0;
	}
	if (known_keys(c, n, keys) < 0)
		return -1;
	const struct conf_node *j = conf_get(n, "ja"), *e = conf_get(n, "en");
	if (!j || !e)
		return complain(c, n, _("%s: ja and en are both wanted"), n->key);
	return plain_text(c, j, max, ja) < 0 || plain_text(c, e, max, en) < 0 ? -1 : 0;
}

static int read_id(struct compiler *c, const struct conf_node *rule, const char **ret)
{
	const struct conf_node *n = conf_get(rule, "id");

	if (!n || n->kind != CONF_SCALAR)
		return complain(c, n ? n : rule, "%s", _("a rule wants an id, such as data.customers"));
	size_t len = strlen(n->text);
	if (len == 0 || len > 63 || strspn(n->text, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return complain(c, n, "%s", _("an id is up to 63 of a-z, 0-9, '.', '_' and '-'"));
	*ret = n->text;
	return 0;
}

static int read_notify(struct compiler *c, const struct conf_node *n, const char **ret)
{
	char all[80] = "";

	for (const struct conf_node *e = n->kind == CONF_LIST ? n->child : n; e; e = n->kind == CONF_LIST ? e->next : NULL) {
		int i = 0;
		while (told[i] && (e->kind != CONF_SCALAR || strcmp(e->text, told[i]) != 0))
			i++;
		if (!told[i])
			return complain(c, e, "%s", _("notify: one or more of admin, desk, owner"));
		if (!strstr(all, told[i]))
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? "," : "", told[i]);
	}
	*ret = arena_dup(c->p->arena, all);
	return *ret ? 0 : -1;
}

static int read_tag(struct compiler *c, const struct conf_node *rule, struct policy_rule *r)
{
	const struct conf_node *n = conf_get(rule, "tag");
	size_t characters = 0;

	r->tag = "";
	if (r->action == POLICY_TAG && !n)
		return complain(c, rule, "%s", _("the action tag wants the words of the label: tag: …"));
	if (!n)
		return 0;
	if (r->action != POLICY_TAG)
		return complain_key(c, n, "%s", _("tag belongs to the action tag"));
	if (plain_text(c, n, 160, &r->tag) < 0)
		return -1;
	for (const char *s = r->tag; *s; s++)
		characters += ((unsigned char)*s & 0xc0) != 0x80;
	return characters > 40 ? complain(c, n, "%s", _("a label has at most 40 characters")) : 0;
}

/* ---- targets ---- */

static const char *const target_keys[] = {"tenants", "connections", "providers", "services", "users", "groups", "org_units", NULL};
static const char *const target_facts[] = {"tenant", "connection", "provider", "service", "owner", "groups", "org_unit"};

/* An organisational unit is itself and all below it. */
static uint32_t in_unit(struct compiler *c, const struct conf_node *n, const struct fact *f)
{
	size_t count;
	const char *const *texts = texts_read(c, n, &count);
	uint32_t both[2];

	if (!texts)
		return NO_NODE;
	const char **below = arena_alloc(c->p->arena, (count + 1) * sizeof(*below));
	for (size_t i = 0; below && i < count; i++) {
		size_t len = strlen(texts[i]);
		if (!len)
			return complain(c, n, "%s", _("an empty text is in every text")), NO_NODE;
		below[i] = texts[i][len - 1] == '/' ? texts[i] : arena_printf(c->p->arena, "%s/", texts[i]);
		if (!below[i])
			return NO_NODE;
	}
	both[0] = node_test(c->nodes, D_ITEM, f, N_GLOB, texts, count);
	both[1] = below ? node_test(c->nodes, D_ITEM, f, N_BEGINS, below, count) : NO_NODE;
	return both[0] == NO_NODE || both[1] == NO_NODE ? NO_NODE : node_join(c->nodes, N_ANY, D_ITEM, both, 2);
}

static uint32_t target(struct compiler *c, const struct conf_node *n, size_t which)
{
	const char *key = target_facts[which];
	struct conf_node value = *n, wrap = {.kind = CONF_MAP, .line = n->line, .column = n->column, .child = &value};

	if (n->kind == CONF_MAP)
		return complain(c, n, "%s", _("a text or a list of texts is expected here")), NO_NODE;
	if (strcmp(key, "org_unit") == 0)
		return in_unit(c, n, facts_find(&facts_item, key));
	value.key = key;
	value.next = NULL;
	return condition_read(c, &wrap, D_ITEM);
}

/* all: every key must fit (targets); else any (exceptions). */
static uint32_t read_targets(struct compiler *c, const struct conf_node *map, bool all)
{
	uint32_t nodes[ARRAY_SIZE(target_facts)];
	size_t k = 0;

	if (known_keys(c, map, target_keys) < 0)
		return NO_NODE;
	for (const struct conf_node *n = map->child; n; n = n->next) {
		size_t which = 0;
		while (strcmp(target_keys[which], n->key) != 0)
			which++;
		if ((nodes[k++] = target(c, n, which)) == NO_NODE)
			return NO_NODE;
	}
	if (!k)
		return complain(c, map, "%s", _("nobody is named here")), NO_NODE;
	return node_join(c->nodes, all ? N_ALL : N_ANY, D_ITEM, nodes, k);
}

/* Patterns that are asked for before there is an item; folded. NULL: none are named. */
static const char *const *patterns_of(struct compiler *c, const struct conf_node *map, const char *key)
{
	const struct conf_node *n = map ? conf_get(map, key) : NULL;
	size_t count;
	const char *const *texts = n ? texts_read(c, n, &count) : NULL;
	const char **folded = texts ? arena_alloc(c->p->arena, (count + 1) * sizeof(*folded)) : NULL;

	for (size_t i = 0; folded && i < count; i++) {
		char *s = arena_dup(c->p->arena, texts[i]);
		for (char *t = s; t && *t; t++)
			if (*t >= 'A' && *t <= 'Z')
				*t |= 0x20;
		folded[i] = s ? s : "";
	}
	return folded;
}

/* An exception for some tenants holds for whole tenants only when nothing else narrows it. */
static const char *const *exceptions_of(struct compiler *c, const struct conf_node *map, const char *key)
{
	return map && map->child && !map->child->next ? patterns_of(c, map, key) : NULL;
}

static int read_when(struct compiler *c, const struct conf_node *rule, struct rule *r)
{
	const struct conf_node *when = conf_get(rule, "when"), *targets = conf_get(rule, "targets"), *except = conf_get(rule, "except");
	uint32_t nodes[3];
	size_t k = 0;

	if (!when)
		return complain(c, rule, "%s", _("a rule wants a condition: when: …"));
	if (targets && (nodes[k++] = read_targets(c, targets, true)) == NO_NODE)
		return -1;
	if (except) {
		uint32_t out = read_targets(c, except, false);
		if (out == NO_NODE || (nodes[k++] = node_not(c->nodes, out)) == NO_NODE)
			return -1;
	}
	if ((nodes[k++] = condition_read(c, when, D_ITEM)) == NO_NODE)
		return -1;
	if ((r->root = node_join(c->nodes, N_ALL, D_ITEM, nodes, k)) == NO_NODE)
		return complain(c, rule, _("these rules hold more conditions than %d"), POLICY_MAX_NODES);
	r->groups = c->p->nodes[r->root].groups & FACTS_ALL;
	r->tenants = patterns_of(c, targets, "tenants");
	r->except_tenants = exceptions_of(c, except, "tenants");
	return 0;
}

/* ---- cases ---- */

static int check_case(struct compiler *c, const struct conf_node *n, struct facts *facts, int *matching)
{
	static const char *const keys[] = {"title", "facts", "match", NULL};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct facts_reader reader = {.arena = a};

	if (known_keys(c, n, keys) < 0)
		return -1;
	const struct conf_node *map = conf_get(n, "facts"), *match = conf_get(n, "match");
	if (!map)
		return complain(c, n, "%s", _("a case wants facts"));
	if (!match || match->kind != CONF_SCALAR || (strcmp(match->text, "true") != 0 && strcmp(match->text, "false") != 0))
		return complain(c, match ? match : n, "%s", _("a case says match: true or match: false"));
	if (!a || facts_read_node(&reader, map, facts) < 0) {
		struct conf_node at = {.line = reader.line, .column = reader.column};
		return complain(c, a ? &at : n, "%s", reader.text);
	}
	matching[match->text[0] == 't']++;
	return 0;
}

static int read_cases(struct compiler *c, const struct conf_node *rule, struct rule *r)
{
	_cleanup_free_ struct facts *facts = malloc(sizeof(*facts));
	const struct conf_node *list = conf_get(rule, "cases");
	int matching[2] = {0};

	if (!facts)
		return -1;
	if (!list || list->kind != CONF_LIST)
		return complain(c, list ? list : rule, "%s", _("a rule wants cases: facts that it matches, and facts that it does not"));
	for (const struct conf_node *n = list->child; n; n = n->next) {
		if (++r->pub.n_cases > POLICY_MAX_CASES)
			return complain(c, n, _("more than %d cases"), POLICY_MAX_CASES);
		if (check_case(c, n, facts, matching) < 0)
			return -1;
	}
	if (!matching[1])
		return complain(c, list, "%s", _("a case with match: true is missing"));
	if (!matching[0])
		return complain(c, list, "%s", _("a case with match: false is missing: what is harmless and looks like it?"));
	r->cases = list;
	return 0;
}

/* ---- the rule ---- */

/* The place for a rule of this id: that of an earlier file's, which it replaces. NULL: memory, or said twice. */
static struct rule *place_for(struct compiler *c, const struct conf_node *rule, const char *id)
{
	struct policy *p = c->p;

	for (uint32_t i = 0; i < p->n_rules; i++) {
		if (strcmp(p->rules[i].pub.id, id) != 0)
			continue;
		if (p->rules[i].source != c->source)
			return &p->rules[i];
		complain(c, conf_get(rule, "id"), _("rule '%s' stands here twice; the first is in line %d"), id, p->rules[i].pub.line);
		return NULL;
	}
	if (p->n_rules == POLICY_MAX_RULES) {
		complain(c, rule, _("more than %d rules"), POLICY_MAX_RULES);
		return NULL;
	}
	if (p->n_rules == p->max_rules) {
		uint32_t max = p->max_rules ? p->max_rules * 2 : 64;
		struct rule *more = realloc(p->rules, max * sizeof(*more));
		if (!more) {
			c->memory = true;
			return NULL;
		}
		p->rules = more;
		p->max_rules = max;
	}
	return &p->rules[p->n_rules];
}

int rule_read(struct compiler *c, const struct conf_node *n)
{
	static const char *const keys[] = {"id", "title", "description", "severity", "category", "targets", "except", "when", "action", "tag",
		"mode", "notify", "cases", NULL};
	struct rule r = {.source = c->source, .shipped = c->shipped, .pub = {.file = c->file, .line = n->line, .notify = "", .description_ja = "", .description_en = ""}};
	int action = POLICY_REPORT, mode = POLICY_MONITOR, category = 0;
	size_t errors = c->errors;

	if (known_keys(c, n, keys) < 0 || read_id(c, n, &r.pub.id) < 0)
		return -1;
	const struct conf_node *title = conf_get(n, "title"), *description = conf_get(n, "description"), *severity = conf_get(n, "severity"),
		*kind = conf_get(n, "category"), *act = conf_get(n, "action"), *how = conf_get(n, "mode"), *notify = conf_get(n, "notify");
	if (!title)
		complain(c, n, "%s", _("a rule wants a title: title: {ja: …, en: …}"));
	else
		both_languages(c, title, 200, &r.pub.title_ja, &r.pub.title_en);
	if (description)
		both_languages(c, description, 1500, &r.pub.description_ja, &r.pub.description_en);
	if (!severity)
		complain(c, n, "%s", _("a rule wants a severity: critical, high, medium, low or info"));
	else if (choice(c, severity, severities, &r.rank) == 0)
		r.pub.severity = severities[r.rank];
	if (!kind)
		complain(c, n, "%s", _("a rule wants a category: malware, file, encrypted, data, link, sender, sharing or unknown"));
	else if (choice(c, kind, categories, &category) == 0)
		r.pub.category = categories[category];
	if (act)
		choice(c, act, actions, &action);
	if (how)
		choice(c, how, modes, &mode);
	if (notify)
		read_notify(c, notify, &r.pub.notify);
	r.pub.action = (enum policy_action)action;
	r.pub.mode = (enum policy_mode)mode;
	read_tag(c, n, &r.pub);
	read_when(c, n, &r);
	read_cases(c, n, &r);
	if (c->errors != errors || c->memory)
		return -1;
	struct rule *place = place_for(c, n, r.pub.id);
	if (!place)
		return -1;
	c->p->n_rules += place == &c->p->rules[c->p->n_rules];
	*place = r;
	return 0;
}
