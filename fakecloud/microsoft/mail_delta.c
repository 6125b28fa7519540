/* The feed of one folder's messages: a listing, newest first, then what came, changed and left. Its query is baked
 * into the links. Source: Graph "Get incremental changes to messages in a folder", message: delta. */
#include "fakecloud/microsoft/microsoft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIFE_MS (INT64_C(30) * 86400000)

struct page {
	struct ms_ctx *c;
	struct ms_folder *f;
	struct ms_select sel;
	const char *filter, *kind; /* kind: changeType, NULL all */
	cJSON *value;
	int room;
};

static bool fits(struct page *p, struct ms_message *m)
{
	struct ms_select light = {.only_also = true, .also = p->filter};
	cJSON *o;
	int r;

	if (!p->filter)
		return true;
	o = ms_message_json(p->c, m, &light);
	r = ms_filter(p->filter, o);
	json_free(o);
	return r == 1;
}

static void give(struct page *p, struct ms_message *m)
{
	cJSON *o = ms_message_json(p->c, m, &p->sel);

	ms_select_apply(&p->sel, o);
	cJSON_AddItemToArray(p->value, o);
	p->room--;
}

/* Behind the place (cur->a: time, cur->b: number). True when there is more. */
static bool listing(struct page *p, struct ms_cursor *cur)
{
	size_t n = p->f->messages.n;
	void **v = arena_alloc(p->c->req->arena, (n + 1) * sizeof(*v));

	if (!v)
		return false;
	if (n) {
		memcpy(v, p->f->messages.v, n * sizeof(*v));
		qsort(v, n, sizeof(*v), ms_newest_first);
	}
	for (size_t i = 0; i < n; i++) {
		struct ms_message *m = v[i];
		if (m->received > cur->a || (m->received == cur->a && m->number >= (uint64_t)cur->b))
			continue;
		if (!p->room)
			return true;
		cur->a = m->received;
		cur->b = (int64_t)m->number;
		if ((!p->kind || !strcasecmp(p->kind, "created")) && fits(p, m))
			give(p, m);
	}
	return false;
}

static void gone(struct page *p, const struct ms_change *ch)
{
	const struct ms_message *m = ch->what;
	cJSON *o = cJSON_CreateObject();

	j_str(o, "@odata.type", "#microsoft.graph.message");
	j_str(o, "id", p->c->immutable ? m->immutable : ch->gone_id);
	j_str(j_object(o, "@removed"), "reason", ch->soft ? "changed" : "deleted");
	cJSON_AddItemToArray(p->value, o);
	p->room--;
}

/* The last change of the message within [i, end). */
static bool last(const struct ms_vec *log, int64_t i, int64_t end)
{
	const struct ms_change *ch = log->v[i];

	for (int64_t k = i + 1; k < end; k++) {
		if (((const struct ms_change *)log->v[k])->what == ch->what)
			return false;
	}
	return true;
}

static bool changes(struct page *p, struct ms_cursor *cur)
{
	int64_t start = cur->log, end = (int64_t)p->f->log.n;

	if (end > start + p->room)
		end = start + p->room;
	for (int64_t i = start; i < end; i++) {
		const struct ms_change *ch = p->f->log.v[i];
		struct ms_message *m = ch->what;
		const char *kind = ch->kind == 'c' ? "created" : ch->kind == 'd' ? "deleted" : "updated";
		if (!last(&p->f->log, i, end) || (p->kind && strcasecmp(p->kind, kind)))
			continue;
		if (ch->kind == 'd')
			gone(p, ch);
		else if (m->folder == p->f && fits(p, m)) /* else its leaving is on a later page */
			give(p, m);
	}
	cur->log = end;
	return end < (int64_t)p->f->log.n;
}

static bool query_ok(struct ms_ctx *c)
{
	const char *filter = ms_param(c, "$filter"), *order = ms_param(c, "$orderby");
	_cleanup_json_ cJSON *probe = cJSON_CreateObject();

	if (ms_param(c, "$search")) {
		ms_error(c, 400, "ErrorInvalidUrlQuery", "The query parameter '$search' is not supported with change tracking.");
		return false;
	}
	if (filter) {
		j_time(probe, "receivedDateTime", fc_now());
		if (!strstr(filter, "receivedDateTime") || ms_filter(filter, probe) < 0) {
			ms_error(c, 400, "ErrorInvalidUrlQueryFilter",
				"Change tracking supports $filter=receivedDateTime+ge+{value} and gt only.");
			return false;
		}
	}
	if (order && strncasecmp(order, "receivedDateTime", 16)) {
		ms_error(c, 400, "ErrorInvalidUrlQuery", "Change tracking supports $orderby=receivedDateTime+desc only.");
		return false;
	}
	return true;
}

void ms_message_delta(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *f = box ? ms_need_folder(c, box, c->arg[1]) : NULL;
	struct ms_cursor cur = {.kind = 'm', .phase = 'e', .a = INT64_MAX, .b = INT64_MAX, .query = c->raw_query};
	struct page p = {.c = c, .f = f};
	const char *token;
	cJSON *doc;
	bool more;

	if (!f)
		return;
	cur.scope = f->id;
	cur.log = (int64_t)f->log.n;
	token = ms_param(c, "$deltatoken");
	if (!token)
		token = ms_param(c, "$skiptoken");
	if (token) {
		int r = ms_cursor_read(c, token, 'm', f->id, LIFE_MS, &cur);
		if (r == -2) {
			ms_set_header(c, "Location",
				ms_fmt(c, "%s%s%s%s", c->base, c->path, *cur.query ? "?" : "", cur.query));
			ms_error(c, 410, "SyncStateNotFound", "The sync state generation is not found; a full sync is required.");
			return;
		}
		if (r < 0) {
			ms_error(c, 400, "ErrorInvalidUrlQuery", "Badly formed token.");
			return;
		}
	} else if (!query_ok(c)) {
		return;
	}
	ms_select_parse(c, &p.sel);
	p.sel.keep_id = true;
	p.filter = ms_param(c, "$filter");
	p.kind = ms_param(c, "changeType");
	p.room = ms_page(c, 10, 1000);
	if (ms_prefers(c, "odata.maxpagesize="))
		ms_set_header(c, "Preference-Applied",
			ms_fmt(c, "%sodata.maxpagesize=%d", c->immutable ? "IdType=\"ImmutableId\", " : "", p.room));
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#Collection(microsoft.graph.message)", c->base));
	p.value = j_array(doc, "value");
	if (cur.phase == 'e') {
		more = listing(&p, &cur);
		if (!more) {
			cur.phase = 'c';
			cur.a = cur.b = 0;
		}
	} else {
		more = changes(&p, &cur);
	}
	ms_page_link(c, doc, &cur, more);
	ms_json(c, 200, doc);
}
