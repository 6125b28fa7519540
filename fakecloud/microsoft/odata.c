/* OData's query options over lists of objects: $select, $filter, $orderby, $top, $skip, $count, $expand, and
 * the paging of plain collections. Source: OData 4.01 URL conventions; Graph "Use query parameters". */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ms_select_parse(struct ms_ctx *c, struct ms_select *ret)
{
	const char *p = ms_param(c, "$select");

	*ret = (struct ms_select){.expand = ms_param(c, "$expand")};
	for (; p && *p && ret->n < (int)ARRAY_SIZE(ret->name);) {
		size_t n = strcspn(p, ",");
		while (n && *p == ' ') {
			p++;
			n--;
		}
		if (n == 1 && *p == '*') {
			ret->n = 0;
			return;
		}
		if (n)
			ret->name[ret->n++] = ms_fmt(c, "%.*s", (int)n, p);
		p += n;
		p += *p == ',';
	}
}

bool ms_wants_named(const struct ms_select *sel, const char *name)
{
	if (sel->also && strstr(sel->also, name))
		return true;
	for (int i = 0; i < sel->n; i++) {
		size_t len = strcspn(sel->name[i], "/"); /* "from/emailAddress" wants "from" */
		if (strlen(name) == len && !strncasecmp(sel->name[i], name, len))
			return true;
	}
	return false;
}

bool ms_wants(const struct ms_select *sel, const char *name)
{
	return (!sel->n && !sel->only_also) || ms_wants_named(sel, name);
}

static bool names(const char *p, const char *name)
{
	size_t len = strlen(name);

	while (p && *p) {
		size_t n = strcspn(p, "(,");
		if (n == len && !strncasecmp(p, name, n))
			return true;
		/* Options in parentheses belong to the one before. */
		for (int depth = 0; *p && (depth || *p != ','); p++)
			depth += (*p == '(') - (*p == ')');
		p += *p == ',';
	}
	return false;
}

void ms_select_apply(const struct ms_select *sel, cJSON *object)
{
	cJSON *next;

	if (!sel->n)
		return;
	for (cJSON *f = object->child; f; f = next) {
		next = f->next;
		if (!strncmp(f->string, "@odata.", 7) || !strcmp(f->string, "@removed") || !strcmp(f->string, "deleted") ||
			(sel->keep_id && !strcmp(f->string, "id")) || names(sel->expand, f->string) || ms_wants_named(sel, f->string))
			continue;
		cJSON_Delete(cJSON_DetachItemViaPointer(object, f));
	}
}

bool ms_expands(struct ms_ctx *c, const char *name)
{
	return names(ms_param(c, "$expand"), name);
}

int ms_page(struct ms_ctx *c, int fallback, int max)
{
	const char *prefer = ms_header(c, "Prefer"), *top = ms_param(c, "$top");
	const char *p = prefer ? strcasestr(prefer, "odata.maxpagesize=") : NULL;
	int64_t n = fallback;

	if (p)
		n = strtoll(p + 18, NULL, 10);
	else if (top)
		n = strtoll(top, NULL, 10);
	if (n < 1)
		n = fallback;
	if (n > max)
		n = max;
	if (c->t->page_size && n > c->t->page_size)
		n = c->t->page_size;
	return (int)n;
}

/* The next page's address: the query as it came, without the old place, with the new one. */
static const char *next_link(struct ms_ctx *c, bool by_skip, int64_t at)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 10);
	char number[32];

	for (int i = 0; i < c->n_params; i++) {
		if (!strcasecmp(c->param[i].key, "$skip") || !strcasecmp(c->param[i].key, "$skiptoken"))
			continue;
		buf_adds(&b, b.len ? "&" : "");
		url_encode(&b, c->param[i].key, "$");
		buf_adds(&b, "=");
		url_encode(&b, c->param[i].value, ",'():");
	}
	snprintf(number, sizeof(number), "%lld", (long long)at);
	if (by_skip) {
		buf_addf(&b, "%s$skip=%s", b.len ? "&" : "", number);
	} else {
		buf_addf(&b, "%s$skiptoken=", b.len ? "&" : "");
		base64url_encode(&b, ms_fmt(c, "RFNwdAIAAQ:%s", number), 11 + strlen(number));
	}
	return ms_fmt(c, "%s%s?%s", c->base, c->path, buf_str(&b));
}

/* 0, or -1 when the token is none of ours. */
static int place(struct ms_ctx *c, int64_t *ret)
{
	const char *skip = ms_param(c, "$skip"), *token = ms_param(c, "$skiptoken");
	_cleanup_buf_ struct buf b = BUF_INIT(256);

	*ret = 0;
	if (token) {
		if (base64_decode(&b, token, strlen(token)) < 0 || strncmp(buf_str(&b), "RFNwdAIAAQ:", 11))
			return -1;
		return units_int(buf_str(&b) + 11, 0, INT32_MAX, ret);
	}
	return skip ? units_int(skip, 0, INT32_MAX, ret) : 0;
}

/* ---- $orderby ---- */

struct order {
	const char *path;
	bool descending;
};

struct sortable {
	void *one;
	cJSON *light;
	size_t at;
};

static const struct order *sort_orders; /* qsort has no context; the state lock is held */
static int sort_n;

static const cJSON *by_path(const cJSON *o, const char *path)
{
	char name[128];

	while (o && *path) {
		size_t n = strcspn(path, "/");
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = 0;
		o = json_get(o, name);
		path += n;
		path += *path == '/';
	}
	return o;
}

static int order_compare(const void *pa, const void *pb)
{
	const struct sortable *a = pa, *b = pb;

	for (int i = 0; i < sort_n; i++) {
		const cJSON *x = by_path(a->light, sort_orders[i].path), *y = by_path(b->light, sort_orders[i].path);
		int r = 0;
		if (cJSON_IsString(x) && cJSON_IsString(y))
			r = strcasecmp(x->valuestring, y->valuestring);
		else if (cJSON_IsNumber(x) && cJSON_IsNumber(y))
			r = (x->valuedouble > y->valuedouble) - (x->valuedouble < y->valuedouble);
		else if (x && y)
			r = cJSON_IsTrue(x) - cJSON_IsTrue(y);
		if (r)
			return sort_orders[i].descending ? -r : r;
	}
	return a->at < b->at ? -1 : 1;
}

static int orders_parse(struct ms_ctx *c, const char *text, struct order *ret, int max)
{
	int n = 0;

	while (text && *text && n < max) {
		size_t len = strcspn(text, ",");
		char *word = ms_fmt(c, "%.*s", (int)len, text + strspn(text, " "));
		char *space = strchr(word, ' ');
		ret[n].descending = space && strcasestr(space, "desc");
		if (space)
			*space = 0;
		ret[n++].path = word;
		text += len;
		text += *text == ',';
	}
	return n;
}

/* The elements that $filter and $search let through, in $orderby's order; in the arena. -1: answered. */
static int narrow(struct ms_ctx *c, const struct ms_source *src, void ***ret_v, size_t *ret_n)
{
	const char *filter = ms_param(c, "$filter"), *orderby = ms_param(c, "$orderby");
	const char *search = ms_param(c, "$search");
	struct ms_select light = {.only_also = true};
	struct order orders[4];
	struct sortable *s;
	char *searched = NULL;
	size_t n = 0;
	int bad = 0;

	*ret_v = src->v;
	*ret_n = src->n;
	if (!filter && !orderby && !search)
		return 0;
	light.also = ms_fmt(c, "%s %s", filter ? filter : "", orderby ? orderby : "");
	if (search) { /* words anywhere: everything is looked at */
		const char *colon = strchr(search, ':');
		light = (struct ms_select){0};
		searched = ms_fmt(c, "%s", colon ? colon + 1 : search + strspn(search, "\""));
		searched[strcspn(searched, "\"")] = 0;
	}
	s = ms_alloc((src->n + 1) * sizeof(*s));
	for (size_t i = 0; i < src->n && !bad; i++) {
		cJSON *o = src->make(c, src->v[i], &light);
		int fits = filter ? ms_filter(filter, o) : 1;
		if (fits == 1 && searched) {
			_cleanup_buf_ struct buf text = BUF_INIT(64 << 20);
			json_print(o, &text);
			fits = strcasestr(buf_str(&text), searched) != NULL;
		}
		bad = fits < 0;
		if (fits == 1)
			s[n++] = (struct sortable){src->v[i], o, i};
		else
			json_free(o);
	}
	if (!bad && orderby) {
		sort_n = orders_parse(c, orderby, orders, (int)ARRAY_SIZE(orders));
		sort_orders = orders;
		qsort(s, n, sizeof(*s), order_compare);
		sort_orders = NULL;
	}
	*ret_v = arena_alloc(c->req->arena, (n + 1) * sizeof(**ret_v));
	for (size_t i = 0; i < n; i++) {
		if (*ret_v)
			(*ret_v)[i] = s[i].one;
		json_free(s[i].light);
	}
	free(s);
	if (bad || !*ret_v) {
		ms_error(c, 400, "BadRequest", "Invalid filter clause: there is a syntax error in '%s'.", filter ? filter : "");
		return -1;
	}
	*ret_n = n;
	return 0;
}

void ms_list(struct ms_ctx *c, const struct ms_source *src)
{
	const char *top = ms_param(c, "$top"), *count = ms_param(c, "$count");
	struct ms_select sel;
	cJSON *doc, *value;
	int64_t at, wanted;
	size_t n, page;
	void **v;

	if (top && (units_int(top, 1, INT32_MAX, &wanted) < 0 || (src->refuse_top && wanted > src->max_top))) {
		ms_error(c, 400, src->by_skip ? "ErrorInvalidUrlQuery" : "BadRequest",
			"Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", top, src->max_top);
		return;
	}
	if (place(c, &at) < 0) {
		ms_error(c, 400, "BadRequest", "Invalid skip token.");
		return;
	}
	if (narrow(c, src, &v, &n) < 0)
		return;
	ms_select_parse(c, &sel);
	sel.keep_id = src->keep_id;
	page = (size_t)ms_page(c, src->top, src->max_top);
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#%s", c->base, src->context));
	if (count && !strcasecmp(count, "true"))
		j_num(doc, "@odata.count", (double)n);
	value = j_array(doc, "value");
	for (size_t i = (size_t)at; i < n && i < (size_t)at + page; i++) {
		cJSON *o = src->make(c, v[i], &sel);
		ms_select_apply(&sel, o);
		cJSON_AddItemToArray(value, o);
	}
	if ((size_t)at + page < n)
		j_str(doc, "@odata.nextLink", next_link(c, src->by_skip, at + (int64_t)page));
	ms_json(c, 200, doc);
}

void ms_one(struct ms_ctx *c, int status, void *one,
	cJSON *(*make)(struct ms_ctx *c, void *one, const struct ms_select *sel), const char *context, bool keep_id)
{
	struct ms_select sel;
	cJSON *doc = cJSON_CreateObject(), *o;

	ms_select_parse(c, &sel);
	sel.keep_id = keep_id;
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#%s/$entity", c->base, context));
	o = make(c, one, &sel);
	ms_select_apply(&sel, o);
	while (o->child) {
		cJSON *f = cJSON_DetachItemViaPointer(o, o->child);
		cJSON_AddItemToArray(doc, f); /* as it is, with its key */
	}
	json_free(o);
	ms_json(c, status, doc);
}
