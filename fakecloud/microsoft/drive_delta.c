/* The feed of a drive: everything there is, then what changed. Ancestors of what changed come along, so an item may
 * occur several times in one run; the last occurrence counts. Source: Graph v1.0, driveItem: delta. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/timeutil.h"

#include <string.h>
#include <strings.h>

#define LIFE_MS (INT64_C(30) * 86400000)

struct page {
	struct ms_ctx *c;
	struct ms_select sel;
	cJSON *value;
	bool sharing; /* Prefer: deltashowsharingchanges */
	struct ms_vec given;
};

static void give(struct page *p, struct ms_item *it, bool sharing_changed)
{
	cJSON *o = ms_item_delta_json(p->c, it, &p->sel);

	if (p->sharing && sharing_changed)
		j_str(o, "@microsoft.graph.sharedChanged", "True");
	cJSON_AddItemToArray(p->value, o);
}

static bool given(const struct page *p, const struct ms_item *it)
{
	for (size_t i = 0; i < p->given.n; i++) {
		if (p->given.v[i] == it)
			return true;
	}
	return false;
}

static void give_ancestors(struct page *p, struct ms_item *it)
{
	if (!it || it->deleted || given(p, it))
		return;
	give_ancestors(p, it->parent);
	ms_vec_add(&p->given, it);
	give(p, it, false);
}

/* cur->a: the place in drive->items; cur->b: only what changed after this time. True when there is more. */
static bool listing(struct page *p, struct ms_cursor *cur, int room)
{
	const struct ms_vec *items = &p->c->drive->items;

	for (; cur->a < (int64_t)items->n; cur->a++) {
		struct ms_item *it = items->v[cur->a];
		if (cur->b >= 0 ? it->changed <= cur->b && it->parent : it->deleted)
			continue;
		if (!room--)
			return true;
		give(p, it, false);
	}
	return false;
}

static bool changes(struct page *p, struct ms_cursor *cur, int room)
{
	const struct ms_vec *log = &p->c->drive->log;
	int64_t end = (int64_t)log->n;

	if (end > cur->log + room)
		end = cur->log + room;
	for (int64_t i = cur->log; i < end; i++) {
		const struct ms_change *ch = log->v[i];
		bool last = true, shared = ch->kind == 's';
		for (int64_t k = i + 1; k < end && last; k++)
			last = ((const struct ms_change *)log->v[k])->what != ch->what;
		for (int64_t k = cur->log; k < i && last; k++)
			shared |= ((const struct ms_change *)log->v[k])->what == ch->what &&
				  ((const struct ms_change *)log->v[k])->kind == 's';
		if (!last)
			continue;
		struct ms_item *it = ch->what;
		if (!it->deleted)
			give_ancestors(p, it->parent);
		ms_vec_add(&p->given, it);
		give(p, it, shared);
	}
	cur->log = end;
	return end < (int64_t)log->n;
}

static void lost(struct ms_ctx *c, const struct ms_cursor *old)
{
	struct ms_cursor fresh = {.kind = 'd',
		.phase = 'e',
		.scope = c->drive->id,
		.log = (int64_t)c->drive->log.n,
		.b = -1,
		.query = old->query};

	ms_set_header(c, "Location",
		ms_fmt(c, "%s/v1.0/drives/%s/root/delta?token=%s", c->base, c->drive->id, ms_cursor_write(c, &fresh)));
	ms_error_inner(c, 410, "resyncRequired", "resyncChangesApplyDifferences",
		"Resync required. Replace any local items with the server's version (including deletes) if you're sure that the "
		"service was up to date with your local changes when you last sync'd.");
}

void ms_drive_delta(struct ms_ctx *c)
{
	struct ms_cursor cur = {
		.kind = 'd', .phase = 'e', .scope = c->drive->id, .log = (int64_t)c->drive->log.n, .b = -1, .query = c->raw_query};
	const char *token = ms_param(c, "token");
	struct page p = {.c = c};
	cJSON *doc;
	bool more;
	int64_t since;

	if (c->item != c->drive->root) {
		ms_error(c, 400, "invalidRequest", "Delta is supported at the root of a drive only.");
		return;
	}
	if (token && !strcasecmp(token, "latest")) {
		cur.phase = 'c';
	} else if (token && time_parse(token, &since) == 0) {
		cur.b = since;
	} else if (token && *token) {
		int r = ms_cursor_read(c, token, 'd', c->drive->id, LIFE_MS, &cur);
		if (r == -2) {
			lost(c, &cur);
			return;
		}
		if (r < 0) {
			ms_error(c, 400, "invalidRequest", "The provided token is malformed.");
			return;
		}
	}
	/* A cursor that begins carries no token of its own in the baked query. */
	if (cur.query == c->raw_query && token) {
		const char *select = ms_param(c, "$select"), *top = ms_param(c, "$top");
		cur.query = ms_fmt(c, "%s%s%s%s", select ? "$select=" : "", select ? select : "", top ? "&$top=" : "",
			top ? top : "");
	}
	ms_select_parse(c, &p.sel);
	p.sharing = ms_prefers(c, "deltashowsharingchanges");
	int room = ms_page(c, 200, 1000);
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#Collection(driveItem)", c->base));
	p.value = j_array(doc, "value");
	if (cur.phase == 'e') {
		more = listing(&p, &cur, room);
		if (!more) {
			cur.phase = 'c';
			cur.a = 0;
		}
	} else {
		more = changes(&p, &cur, room);
	}
	ms_page_link(c, doc, &cur, more);
	free(p.given.v);
	ms_json(c, 200, doc);
}
