/* OData's $filter, the part that the Graph reference uses: comparisons, and/or/not, startswith, endswith,
 * contains, path/any(x:x eq …). Evaluated while it is read, over the object as it would be answered. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32

struct reader {
	const char *p;
	int depth;
	bool bad;
};

enum kind { NONE, TEXT, NUMBER, BOOL, LIST };

struct value {
	enum kind kind;
	char text[1024];
	double number;
	bool yes;
	const cJSON *list;
};

struct scope {
	const cJSON *object;
	const char *variable; /* of any(): stands for element */
	const cJSON *element;
};

static bool either(struct reader *r, const struct scope *s);

static void spaces(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t' || *r->p == '\n')
		r->p++;
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);

	spaces(r);
	if (strncasecmp(r->p, w, n) || (r->p[n] && !strchr(" ()", r->p[n])))
		return false;
	r->p += n;
	return true;
}

static bool sign(struct reader *r, char ch)
{
	spaces(r);
	if (*r->p != ch)
		return false;
	r->p++;
	return true;
}

static void from_json(const cJSON *v, struct value *ret)
{
	if (cJSON_IsString(v)) {
		ret->kind = TEXT;
		snprintf(ret->text, sizeof(ret->text), "%s", v->valuestring);
	} else if (cJSON_IsNumber(v)) {
		ret->kind = NUMBER;
		ret->number = v->valuedouble;
	} else if (cJSON_IsBool(v)) {
		ret->kind = BOOL;
		ret->yes = cJSON_IsTrue(v);
	} else if (cJSON_IsArray(v)) {
		ret->kind = LIST;
		ret->list = v;
	}
}

/* A property path, walked as far as it goes; stops before any(. */
static void property(struct reader *r, const struct scope *s, struct value *ret)
{
	const cJSON *at = s->object;
	bool first = true;

	for (;;) {
		size_t n = strcspn(r->p, " /(),'");
		char name[128];
		if (!n || n >= sizeof(name)) {
			r->bad = true;
			return;
		}
		memcpy(name, r->p, n);
		name[n] = 0;
		if (!strcasecmp(name, "any") && r->p[n] == '(')
			break;
		if (first && s->variable && !strcmp(name, s->variable))
			at = s->element;
		else
			at = json_get(at, name);
		first = false;
		r->p += n;
		if (*r->p != '/')
			break;
		r->p++;
	}
	from_json(at, ret);
}

static void operand(struct reader *r, const struct scope *s, struct value *ret)
{
	size_t n = 0;

	*ret = (struct value){.kind = NONE};
	spaces(r);
	if (*r->p == '\'') {
		r->p++;
		while (*r->p && (*r->p != '\'' || r->p[1] == '\'')) {
			r->p += *r->p == '\'';
			if (n + 1 < sizeof(ret->text))
				ret->text[n++] = *r->p;
			r->p++;
		}
		r->bad |= *r->p != '\'';
		r->p += *r->p == '\'';
		ret->kind = TEXT;
	} else if ((*r->p >= '0' && *r->p <= '9') || *r->p == '-') {
		n = strcspn(r->p, " ),");
		if (n >= sizeof(ret->text)) {
			r->bad = true;
			return;
		}
		memcpy(ret->text, r->p, n);
		char *end;
		ret->number = strtod(ret->text, &end);
		/* Dates and GUIDs begin with digits as well. */
		ret->kind = *end ? TEXT : NUMBER;
		r->p += n;
	} else if (word(r, "true") || word(r, "false")) {
		ret->kind = BOOL;
		ret->yes = r->p[-2] == 'u';
	} else if (!word(r, "null")) {
		property(r, s, ret);
	}
}

static int compare(const struct value *a, const struct value *b, bool *ret_comparable)
{
	int64_t x, y;

	*ret_comparable = a->kind == b->kind && a->kind != NONE && a->kind != LIST;
	if (!*ret_comparable)
		return a->kind != b->kind;
	if (a->kind == NUMBER)
		return (a->number > b->number) - (a->number < b->number);
	if (a->kind == BOOL)
		return a->yes - b->yes;
	if (!time_parse(a->text, &x) && !time_parse(b->text, &y))
		return (x > y) - (x < y);
	return strcasecmp(a->text, b->text);
}

static bool relation(struct reader *r, const struct scope *s, const struct value *left)
{
	static const char *const ops[] = {"eq", "ne", "gt", "ge", "lt", "le"};
	struct value right;
	bool can;
	int i, d;

	for (i = 0; i < 6 && !word(r, ops[i]); i++)
		;
	if (i == 6) {
		if (left->kind != BOOL)
			r->bad = true;
		return left->yes;
	}
	operand(r, s, &right);
	d = compare(left, &right, &can);
	switch (i) {
	case 0:
		return d == 0;
	case 1:
		return d != 0;
	case 2:
		return can && d > 0;
	case 3:
		return can && d >= 0;
	case 4:
		return can && d < 0;
	default:
		return can && d <= 0;
	}
}

/* startswith(a,b), endswith, contains */
static bool function(struct reader *r, const struct scope *s, int which)
{
	struct value a, b;
	size_t la, lb;

	operand(r, s, &a);
	if (!sign(r, ','))
		r->bad = true;
	operand(r, s, &b);
	if (!sign(r, ')'))
		r->bad = true;
	if (a.kind != TEXT || b.kind != TEXT)
		return false;
	la = strlen(a.text);
	lb = strlen(b.text);
	if (which == 0)
		return !strncasecmp(a.text, b.text, lb);
	if (which == 1)
		return la >= lb && !strcasecmp(a.text + la - lb, b.text);
	return strcasestr(a.text, b.text) != NULL;
}

/* path/any(x:predicate): the predicate is read once for each element. */
static bool any(struct reader *r, const struct scope *s, const struct value *list)
{
	char variable[32];
	size_t n;
	const char *start;
	bool hit = false;
	const cJSON *e;
	struct scope inner = {.object = s->object, .variable = variable};
	struct reader dry;

	r->p += 4;
	spaces(r);
	n = strcspn(r->p, " :)");
	if (n >= sizeof(variable)) {
		r->bad = true;
		return false;
	}
	memcpy(variable, r->p, n);
	variable[n] = 0;
	r->p += n;
	if (!sign(r, ':')) { /* any(): is there one at all */
		if (!sign(r, ')'))
			r->bad = true;
		return list->kind == LIST && list->list->child;
	}
	start = r->p;
	cJSON_ArrayForEach(e, list->list)
	{
		dry = (struct reader){start, r->depth, false};
		inner.element = e;
		hit |= either(&dry, &inner);
	}
	inner.element = NULL;
	either(r, &inner);
	if (!sign(r, ')'))
		r->bad = true;
	return hit;
}

static bool term(struct reader *r, const struct scope *s)
{
	static const char *const functions[] = {"startswith", "endswith", "contains"};
	struct value left;
	bool v;

	if (r->bad || ++r->depth > DEPTH_MAX) {
		r->bad = true;
		return false;
	}
	spaces(r);
	if (word(r, "not")) {
		v = !term(r, s);
		r->depth--;
		return v;
	}
	if (sign(r, '(')) {
		v = either(r, s);
		if (!sign(r, ')'))
			r->bad = true;
		r->depth--;
		return v;
	}
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(functions[i]);
		if (!strncasecmp(r->p, functions[i], n) && r->p[n] == '(') {
			r->p += n + 1;
			struct value result = {.kind = BOOL};
			result.yes = function(r, s, i);
			r->depth--;
			return relation(r, s, &result);
		}
	}
	operand(r, s, &left);
	r->depth--;
	if (!strncasecmp(r->p, "any(", 4))
		return any(r, s, &left);
	return relation(r, s, &left);
}

static bool both(struct reader *r, const struct scope *s)
{
	bool v = term(r, s);

	while (!r->bad && word(r, "and"))
		v = term(r, s) && v;
	return v;
}

static bool either(struct reader *r, const struct scope *s)
{
	bool v = both(r, s);

	while (!r->bad && word(r, "or"))
		v = both(r, s) || v;
	return v;
}

int ms_filter(const char *expression, const cJSON *object)
{
	struct reader r = {expression, 0, false};
	struct scope s = {.object = object};
	bool v = either(&r, &s);

	spaces(&r);
	return r.bad || *r.p ? -1 : v;
}
