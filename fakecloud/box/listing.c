/* Listing of folders and of the trash: what a user sees, in which order, page by page. Called by the handlers
 * with the state lock held. */
#include "fakecloud/box/box.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void bx_list_folder(const struct bx_user *user, const struct bx_item *folder, struct bx_list *ret)
{
	for (size_t i = 0; i < folder->children.n; i++)
		bx_push(ret, folder->children.at[i]);
	if (folder != user->root)
		return;
	/* What others share with the user lies in the user's root too. */
	for (size_t i = 0; i < user->tenant->collabs.n; i++) {
		const struct bx_collab *k = user->tenant->collabs.at[i];
		if (k->access_only || k->item->owner == user || bx_trashed(k->item) ||
			!bx_shown_at_root(user, k->item))
			continue;
		size_t n = 0;
		while (n < ret->n && ret->at[n] != k->item)
			n++;
		if (n == ret->n)
			bx_push(ret, k->item);
	}
}

struct order {
	const char *by;
	bool descending;
};

/* Folders and files in one row for markers: kinds apart, then by id. */
static int64_t marker_key(const struct bx_item *it)
{
	return (it->kind == BX_FILE ? 100000000000000 : 0) + (int64_t)it->id;
}

static int spread(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(const void *pa, const void *pb, void *arg)
{
	const struct bx_item *const *a = pa, *const *b = pb;
	const struct order *o = arg;
	int kind = ((*b)->kind == BX_FOLDER) - ((*a)->kind == BX_FOLDER), n;

	if (kind)
		return kind;
	n = !strcmp(o->by, "date")   ? spread((*a)->modified_at, (*b)->modified_at)
	    : !strcmp(o->by, "size") ? spread(bx_size(*a), bx_size(*b))
	    : !strcmp(o->by, "name") ? strcasecmp((*a)->name, (*b)->name)
				     : 0;
	if (!n)
		n = spread((int64_t)(*a)->id, (int64_t)(*b)->id);
	return o->descending ? -n : n;
}

cJSON *bx_items_page(struct bx_ctx *c, struct bx_list *items, const struct bx_page *page, const char *fields)
{
	const char *direction = fc_query(c->req, "direction"), *sort = fc_query(c->req, "sort");
	struct order order = {
		.by = page->marker || (sort && !strcmp(sort, "id")) ? "id"
		      : sort					    ? sort
								    : "name",
		.descending = !page->marker && direction && !strcasecmp(direction, "DESC"),
	};
	cJSON *entries = cJSON_CreateArray(), *o;
	size_t start = 0, end;

	if (items->n)
		qsort_r(items->at, items->n, sizeof(items->at[0]), compare, &order);
	if (page->marker) {
		while (start < items->n && marker_key(items->at[start]) <= page->offset)
			start++;
		end = (size_t)page->limit < items->n - start ? start + (size_t)page->limit : items->n;
	} else {
		start = (size_t)page->offset < items->n ? (size_t)page->offset : items->n;
		end = bx_page_end(page, items->n);
	}
	for (size_t i = start; i < end; i++)
		cJSON_AddItemToArray(entries, bx_item_json(c, items->at[i], BX_MINI, fields));
	if (page->marker) {
		o = cJSON_CreateObject();
		cJSON_AddItemToObject(o, "entries", entries);
		bx_num(o, "limit", page->limit);
		if (end < items->n && end > start)
			bx_next_marker(o, marker_key(items->at[end - 1]));
	} else {
		o = bx_page_doc(
			page, (int64_t)items->n, entries, order.by, order.descending ? "DESC" : "ASC");
	}
	free(items->at);
	*items = (struct bx_list){0};
	return o;
}
