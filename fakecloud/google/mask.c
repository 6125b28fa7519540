/* The `fields` parameter of Google's APIs: "kind,files(id,owners/emailAddress),files/capabilities". Parsed
 * into a tree, checked against the answer's schema, applied to the finished answer. */
#include "fakecloud/google/google.h"

#include <string.h>

#define MASK_DEPTH 20

struct mask {
	const char *name; /* "*" for all */
	struct mask *child, *next;
	bool whole; /* named without a part of it: everything below */
};

struct parser {
	struct arena *arena;
	const char *p;
	const char *bad;
};

static struct mask *node_get(struct parser *ps, struct mask *parent, const char *name, size_t len)
{
	struct mask **at = &parent->child;

	for (; *at; at = &(*at)->next) {
		if (strlen((*at)->name) == len && !memcmp((*at)->name, name, len))
			return *at;
	}
	struct mask *m = arena_alloc(ps->arena, sizeof(*m));
	m->name = arena_dupn(ps->arena, name, len);
	*at = m;
	return m;
}

/* The part of a schema's text behind "name:", or "" for a leaf; NULL when it has no such field. "*" lets all
 * pass. */
static const char *schema_field(struct arena *a, const char *type, const char *name)
{
	if (!type || !strcmp(type, "*"))
		return "*";
	const char *fields = schema_type(type);
	size_t n = strlen(name);
	if (!fields)
		return *type ? "*" : NULL;
	for (const char *p = fields; *p;) {
		size_t len = strcspn(p, " ");
		if (len >= n && !memcmp(p, name, n) && (len == n || p[n] == ':'))
			return len == n ? "" : arena_dupn(a, p + n + 1, len - n - 1);
		p += len;
		p += strspn(p, " ");
	}
	return NULL;
}

static void parse_list(struct parser *ps, struct mask *parent, const char *type, int depth);

static void parse_item(struct parser *ps, struct mask *parent, const char *type, int depth)
{
	const char *start = ps->p;

	for (;;) {
		while (*ps->p == ' ')
			ps->p++;
		size_t len = strcspn(ps->p, ",/() ");
		if (!len || depth > MASK_DEPTH) {
			ps->bad = start;
			return;
		}
		struct mask *m = node_get(ps, parent, ps->p, len);
		const char *sub = "*";
		if (strcmp(m->name, "*") != 0) {
			sub = schema_field(ps->arena, type, m->name);
			if (!sub) {
				ps->bad = m->name;
				return;
			}
		}
		ps->p += len;
		while (*ps->p == ' ')
			ps->p++;
		if (*ps->p == '/') {
			ps->p++;
			parent = m;
			type = sub;
			depth++;
			continue;
		}
		if (*ps->p == '(') {
			ps->p++;
			parse_list(ps, m, sub, depth + 1);
			if (ps->bad)
				return;
			if (*ps->p != ')') {
				ps->bad = start;
				return;
			}
			ps->p++;
			while (*ps->p == ' ')
				ps->p++;
			return;
		}
		m->whole = true;
		return;
	}
}

static void parse_list(struct parser *ps, struct mask *parent, const char *type, int depth)
{
	for (;;) {
		parse_item(ps, parent, type, depth);
		if (ps->bad || *ps->p != ',')
			return;
		ps->p++;
	}
}

struct mask *mask_parse(struct arena *a, const char *text, const char *schema, const char **ret_bad)
{
	struct parser ps = {.arena = a, .p = text};
	struct mask *root = arena_alloc(a, sizeof(*root));

	parse_list(&ps, root, schema, 0);
	if (!ps.bad && *ps.p)
		ps.bad = text;
	if (ps.bad) {
		*ret_bad = ps.bad;
		return NULL;
	}
	return root;
}

static const struct mask *mask_find(const struct mask *m, const char *name)
{
	const struct mask *star = NULL;

	for (const struct mask *c = m->child; c; c = c->next) {
		if (!strcmp(c->name, name))
			return c;
		if (!strcmp(c->name, "*"))
			star = c;
	}
	return star;
}

bool mask_wants(const struct mask *m, const char *name)
{
	return !m || m->whole || mask_find(m, name);
}

const struct mask *mask_sub(const struct mask *m, const char *name)
{
	static const struct mask none = {.name = ""};

	if (!m || m->whole)
		return NULL;
	const struct mask *c = mask_find(m, name);
	if (!c)
		return &none;
	return c->whole ? NULL : c;
}

void mask_apply(const struct mask *m, cJSON *node)
{
	if (!m || m->whole || !node)
		return;
	if (cJSON_IsArray(node)) {
		for (cJSON *e = node->child; e; e = e->next)
			mask_apply(m, e);
		return;
	}
	if (!cJSON_IsObject(node))
		return;
	for (cJSON *e = node->child, *next; e; e = next) {
		next = e->next;
		const struct mask *c = mask_find(m, e->string);
		if (!c)
			cJSON_Delete(cJSON_DetachItemViaPointer(node, e));
		else
			mask_apply(c, e);
	}
}
