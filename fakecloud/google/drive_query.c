/* The `q` of Drive's files.list: terms of field, operator, value with and, or, not and brackets. */
#include "fakecloud/google/drive.h"

#include "base/timeutil.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DEPTH 50

enum kind { Q_AND, Q_OR, Q_NOT, Q_TERM };
enum field {
	F_NAME,
	F_FULLTEXT,
	F_MIME,
	F_MODIFIED,
	F_VIEWED,
	F_CREATED,
	F_TRASHED,
	F_STARRED,
	F_PARENTS,
	F_OWNERS,
	F_WRITERS,
	F_READERS,
	F_SHARED_WITH_ME,
	F_PROPERTIES,
	F_APP_PROPERTIES,
	F_VISIBILITY,
	F_TARGET
};
enum op { O_EQ, O_NE, O_LT, O_LE, O_GT, O_GE, O_CONTAINS, O_IN, O_HAS };

struct gd_query {
	enum kind kind;
	enum field field;
	enum op op;
	const char *text, *key; /* key: of properties */
	bool flag;
	int64_t time;
	struct gd_query *left, *right;
};

struct parser {
	struct gg_call *c;
	const char *p;
	const char *missing; /* a parent that is not there */
	bool bad;
};

static const struct {
	const char *name;
	enum field field;
} fields[] = {
	{"name", F_NAME},
	{"title", F_NAME},
	{"fullText", F_FULLTEXT},
	{"mimeType", F_MIME},
	{"modifiedTime", F_MODIFIED},
	{"viewedByMeTime", F_VIEWED},
	{"createdTime", F_CREATED},
	{"trashed", F_TRASHED},
	{"starred", F_STARRED},
	{"parents", F_PARENTS},
	{"owners", F_OWNERS},
	{"writers", F_WRITERS},
	{"readers", F_READERS},
	{"sharedWithMe", F_SHARED_WITH_ME},
	{"properties", F_PROPERTIES},
	{"appProperties", F_APP_PROPERTIES},
	{"visibility", F_VISIBILITY},
	{"shortcutDetails.targetId", F_TARGET},
};

static void blanks(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

static struct gd_query *fail(struct parser *ps)
{
	ps->bad = true;
	return NULL;
}

/* A word that stands alone. */
static bool take(struct parser *ps, const char *word)
{
	size_t n = strlen(word);

	blanks(ps);
	if (strncasecmp(ps->p, word, n) != 0 || isalnum((unsigned char)ps->p[n]))
		return false;
	ps->p += n;
	return true;
}

static const char *take_string(struct parser *ps)
{
	blanks(ps);
	char quote = *ps->p;
	if (quote != '\'' && quote != '"')
		return NULL;
	char *out = arena_alloc(ps->c->req->arena, strlen(ps->p) + 1);
	size_t n = 0;
	for (ps->p++; *ps->p && *ps->p != quote; ps->p++) {
		if (*ps->p == '\\' && ps->p[1])
			ps->p++;
		out[n++] = *ps->p;
	}
	if (!*ps->p)
		return NULL;
	ps->p++;
	return out;
}

static int take_field(struct parser *ps, enum field *ret)
{
	size_t n;

	blanks(ps);
	n = strspn(ps->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) == n && !strncmp(fields[i].name, ps->p, n)) {
			ps->p += n;
			*ret = fields[i].field;
			return 0;
		}
	}
	return -1;
}

static int take_op(struct parser *ps, enum op *ret)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {{"!=", O_NE}, {"<=", O_LE}, {">=", O_GE}, {"=", O_EQ}, {"<", O_LT}, {">", O_GT}};

	blanks(ps);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		size_t n = strlen(ops[i].text);
		if (!strncmp(ps->p, ops[i].text, n)) {
			ps->p += n;
			*ret = ops[i].op;
			return 0;
		}
	}
	*ret = take(ps, "contains") ? O_CONTAINS : take(ps, "has") ? O_HAS : O_IN;
	return *ret == O_IN ? -1 : 0;
}

static bool op_fits(enum field f, enum op op)
{
	switch (f) {
	case F_NAME:
	case F_MIME:
		return op == O_EQ || op == O_NE || op == O_CONTAINS;
	case F_FULLTEXT:
		return op == O_CONTAINS;
	case F_MODIFIED:
	case F_VIEWED:
	case F_CREATED:
		return op <= O_GE;
	case F_PROPERTIES:
	case F_APP_PROPERTIES:
		return op == O_HAS;
	case F_PARENTS:
	case F_OWNERS:
	case F_WRITERS:
	case F_READERS:
		return false;
	default:
		return op == O_EQ || op == O_NE;
	}
}

/* "{ key='x' and value='y' }" */
static struct gd_query *take_property(struct parser *ps, struct gd_query *q)
{
	blanks(ps);
	if (*ps->p++ != '{' || !take(ps, "key"))
		return fail(ps);
	blanks(ps);
	if (*ps->p++ != '=' || !(q->key = take_string(ps)) || !take(ps, "and") || !take(ps, "value"))
		return fail(ps);
	blanks(ps);
	if (*ps->p++ != '=' || !(q->text = take_string(ps)))
		return fail(ps);
	blanks(ps);
	if (*ps->p++ != '}')
		return fail(ps);
	return q;
}

static struct gd_query *term(struct parser *ps)
{
	struct gd_query *q = arena_alloc(ps->c->req->arena, sizeof(*q));

	q->kind = Q_TERM;
	blanks(ps);
	if (*ps->p == '\'' || *ps->p == '"') { /* 'value' in collection */
		q->op = O_IN;
		q->text = take_string(ps);
		if (!q->text || !take(ps, "in") || take_field(ps, &q->field) < 0 ||
			(q->field != F_PARENTS && q->field != F_OWNERS && q->field != F_WRITERS &&
				q->field != F_READERS))
			return fail(ps);
		if (q->field == F_PARENTS) {
			if (!strcmp(q->text, "root"))
				q->text = ps->c->user->root->id;
			struct gd_file *f = map_get(&ps->c->tenant->files, q->text);
			if (!f || !gd_readable(ps->c, f))
				ps->missing = q->text;
		}
		if (!strcmp(q->text, "me"))
			q->text = ps->c->user->email;
		return q;
	}
	if (take_field(ps, &q->field) < 0)
		return fail(ps);
	blanks(ps);
	if (q->field == F_SHARED_WITH_ME && *ps->p != '=' && *ps->p != '!') {
		q->flag = true;
		return q;
	}
	if (take_op(ps, &q->op) < 0 || !op_fits(q->field, q->op))
		return fail(ps);
	if (q->op == O_HAS)
		return take_property(ps, q);
	if (q->field == F_TRASHED || q->field == F_STARRED || q->field == F_SHARED_WITH_ME) {
		q->flag = take(ps, "true");
		if (!q->flag && !take(ps, "false"))
			return fail(ps);
		return q;
	}
	q->text = take_string(ps);
	if (!q->text)
		return fail(ps);
	if (q->field == F_MODIFIED || q->field == F_CREATED || q->field == F_VIEWED) {
		const char *full = strchr(q->text, 'T')
					   ? q->text
					   : arena_printf(ps->c->req->arena, "%sT00:00:00Z", q->text);
		if (time_parse(full, &q->time) < 0 &&
			time_parse(arena_printf(ps->c->req->arena, "%sZ", full), &q->time) < 0)
			return fail(ps);
	}
	return q;
}

static struct gd_query *either(struct parser *ps, int depth);

static struct gd_query *unary(struct parser *ps, int depth)
{
	struct gd_query *q;

	if (depth > DEPTH)
		return fail(ps);
	if (take(ps, "not")) {
		q = arena_alloc(ps->c->req->arena, sizeof(*q));
		q->kind = Q_NOT;
		q->left = unary(ps, depth + 1);
		return q->left ? q : NULL;
	}
	blanks(ps);
	if (*ps->p == '(') {
		ps->p++;
		q = either(ps, depth + 1);
		blanks(ps);
		if (!q || *ps->p != ')')
			return fail(ps);
		ps->p++;
		return q;
	}
	return term(ps);
}

static struct gd_query *pair(struct parser *ps, enum kind kind, struct gd_query *left, struct gd_query *right)
{
	struct gd_query *q = arena_alloc(ps->c->req->arena, sizeof(*q));

	*q = (struct gd_query){.kind = kind, .left = left, .right = right};
	return q;
}

static struct gd_query *both(struct parser *ps, int depth)
{
	struct gd_query *q = unary(ps, depth);

	while (q && take(ps, "and")) {
		struct gd_query *right = unary(ps, depth);
		q = right ? pair(ps, Q_AND, q, right) : NULL;
	}
	return q;
}

static struct gd_query *either(struct parser *ps, int depth)
{
	struct gd_query *q = both(ps, depth);

	while (q && take(ps, "or")) {
		struct gd_query *right = both(ps, depth);
		q = right ? pair(ps, Q_OR, q, right) : NULL;
	}
	return q;
}

struct gd_query *gd_query_parse(struct gg_call *c, const char *text, const char **ret_missing)
{
	struct parser ps = {.c = c, .p = text};
	struct gd_query *q = either(&ps, 0);

	blanks(&ps);
	*ret_missing = NULL;
	if (!q || ps.bad || *ps.p)
		return NULL;
	if (ps.missing) {
		*ret_missing = ps.missing;
		return NULL;
	}
	return q;
}

static bool compare(int64_t a, enum op op, int64_t b)
{
	switch (op) {
	case O_EQ:
		return a == b;
	case O_NE:
		return a != b;
	case O_LT:
		return a < b;
	case O_LE:
		return a <= b;
	case O_GT:
		return a > b;
	default:
		return a >= b;
	}
}

/* name contains: words of the name that begin with it. */
static bool prefix_match(const char *name, const char *text)
{
	size_t n = strlen(text);

	for (const char *p = name; *p; p++) {
		bool begin = p == name || !isalnum((unsigned char)p[-1]) || (p[-1] & 0x80) || (*p & 0x80);
		if (begin && !strncasecmp(p, text, n))
			return true;
	}
	return !n;
}

static bool granted(struct gg_call *c, const struct gd_file *f, const char *email, enum gd_role least)
{
	size_t n;
	struct gd_grant *g = gd_grants(c->req->arena, f, &n);

	for (size_t i = 0; i < n; i++) {
		const struct gd_perm *p = g[i].direct ? g[i].direct : g[i].inherited;
		if (p->email && !strcasecmp(p->email, email) && p->role >= least)
			return true;
	}
	return false;
}

static const char *visibility(const struct gd_file *f)
{
	const char *best = "limited";

	for (const struct gd_file *p = f; p; p = p->parent) {
		for (size_t i = 0; i < p->nperms; i++) {
			const struct gd_perm *g = &p->perms[i];
			if (g->type == GD_ANYONE)
				return g->discoverable ? "anyoneCanFind" : "anyoneWithLink";
			if (g->type == GD_DOMAIN)
				best = g->discoverable ? "domainCanFind" : "domainWithLink";
		}
	}
	return best;
}

static bool term_match(struct gg_call *c, const struct gd_query *q, struct gd_file *f)
{
	bool same = q->op != O_NE;
	const char *v;

	switch (q->field) {
	case F_NAME:
		return q->op == O_CONTAINS ? prefix_match(f->name, q->text)
					   : !strcasecmp(f->name, q->text) == same;
	case F_FULLTEXT:
		return gg_contains_ci(f->name, q->text) || gg_contains_ci(f->description, q->text);
	case F_MIME:
		return q->op == O_CONTAINS ? gg_has_prefix(f->mime, q->text)
					   : !strcmp(f->mime, q->text) == same;
	case F_MODIFIED:
		return compare(f->modified, q->op, q->time);
	case F_CREATED:
		return compare(f->created, q->op, q->time);
	case F_VIEWED:
		return false;
	case F_TRASHED:
		return (gd_trashed(f) == q->flag) == same;
	case F_STARRED:
		return (f->starred == q->flag) == same;
	case F_SHARED_WITH_ME:
		return ((!f->drive && f->owner != c->user && gd_perm_find(f, c->user->perm_id) != NULL) ==
			       q->flag) == same;
	case F_PARENTS:
		return f->parent && !strcmp(f->parent->id, q->text);
	case F_OWNERS:
		return f->owner && !strcasecmp(f->owner->email, q->text);
	case F_WRITERS:
		return granted(c, f, q->text, GD_WRITER);
	case F_READERS:
		return granted(c, f, q->text, GD_READER);
	case F_PROPERTIES:
	case F_APP_PROPERTIES:
		v = json_str(q->field == F_PROPERTIES ? f->properties : f->app_properties, q->key);
		return v && !strcmp(v, q->text);
	case F_VISIBILITY:
		return !strcmp(visibility(f), q->text) == same;
	case F_TARGET:
		return (f->target_id && !strcmp(f->target_id, q->text)) == same;
	}
	return false;
}

bool gd_query_match(struct gg_call *c, const struct gd_query *q, struct gd_file *f)
{
	switch (q->kind) {
	case Q_AND:
		return gd_query_match(c, q->left, f) && gd_query_match(c, q->right, f);
	case Q_OR:
		return gd_query_match(c, q->left, f) || gd_query_match(c, q->right, f);
	case Q_NOT:
		return !gd_query_match(c, q->left, f);
	case Q_TERM:
		return term_match(c, q, f);
	}
	return false;
}
