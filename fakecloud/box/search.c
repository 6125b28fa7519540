/* Box's search, by names and descriptions, over what the caller can see. Called by the router with the state
 * lock held. */
#include "fakecloud/box/box.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct query {
	const char *text, *type, *extensions, *owners, *trash;
	int64_t from[2], to[2]; /* created, updated */
	int64_t small, big;
	const char *ancestors;
};

static int bad(struct bx_ctx *c, const char *code, const char *name)
{
	bx_invalid(c, 400, code, name, "Missing or invalid value");
	return -1;
}

/* "from,to" of times; either may be missing. */
static int times_of(struct bx_ctx *c, const char *name, int64_t *from, int64_t *to)
{
	const char *text = fc_query(c->req, name);
	char *copy, *comma;

	*from = INT64_MIN;
	*to = INT64_MAX;
	if (!text || !*text)
		return 0;
	copy = arena_dup(c->req->arena, text);
	for (char *p = copy; *p; p++)
		*p = *p == ' ' ? '+' : *p;
	comma = strchr(copy, ',');
	if (!comma)
		return bad(c, "invalid_parameter", name);
	*comma = '\0';
	if ((*copy && time_parse(copy, from) < 0) || (comma[1] && time_parse(comma + 1, to) < 0))
		return bad(c, "invalid_parameter", name);
	return 0;
}

static int query_of(struct bx_ctx *c, struct query *q)
{
	const char *size = fc_query(c->req, "size_range"), *scope = fc_query(c->req, "scope");

	*q = (struct query){.text = fc_query(c->req, "query"),
		.type = fc_query(c->req, "type"),
		.big = INT64_MAX,
		.extensions = fc_query(c->req, "file_extensions"),
		.owners = fc_query(c->req, "owner_user_ids"),
		.trash = fc_query(c->req, "trash_content"),
		.ancestors = fc_query(c->req, "ancestor_folder_ids")};
	if ((!q->text || !*q->text) && !fc_query(c->req, "mdfilters"))
		return bad(c, "missing_parameter", "query");
	if (scope && !strcmp(scope, "enterprise_content")) {
		bx_error(c, 403, "forbidden", "The scope 'enterprise_content' is not enabled");
		return -1;
	}
	if (size && *size) {
		const char *comma = strchr(size, ',');
		if (strspn(size, "0123456789,") != strlen(size) || !comma)
			return bad(c, "invalid_parameter", "size_range");
		q->small = strtoll(size, NULL, 10);
		q->big = comma[1] ? strtoll(comma + 1, NULL, 10) : INT64_MAX;
	}
	if (times_of(c, "created_at_range", &q->from[0], &q->to[0]) < 0)
		return -1;
	return times_of(c, "updated_at_range", &q->from[1], &q->to[1]);
}

/* Every word of the query occurs in the name or the description; a query in quotes as a whole. */
static bool text_fits(const struct bx_item *it, const char *text)
{
	char word[256];

	if (!text || !*text)
		return true;
	for (const char *p = text; *p;) {
		size_t len;
		p += strspn(p, " ");
		const char *from = p;
		if (*p == '"') {
			from = ++p;
			len = strcspn(p, "\"");
			p += len + (p[len] == '"');
		} else {
			len = strcspn(p, " ");
			p += len;
		}
		snprintf(word, sizeof(word), "%.*s", (int)(len < 255 ? len : 255), from);
		if (*word && !strcasestr(it->name, word) && !strcasestr(it->description, word))
			return false;
	}
	return true;
}

static bool fits(const struct bx_item *it, const struct query *q)
{
	const char *dot = strrchr(it->name, '.');
	char owner[24];

	if (q->type && *q->type && strcmp(q->type, it->kind == BX_FILE ? "file" : "folder") != 0)
		return false;
	if (q->extensions && *q->extensions &&
		(it->kind != BX_FILE || !dot || !bx_wants(q->extensions, dot + 1)))
		return false;
	snprintf(owner, sizeof(owner), "%" PRIu64, it->owner->id);
	if (q->owners && *q->owners && !bx_wants(q->owners, owner))
		return false;
	if (it->created_at < q->from[0] || it->created_at > q->to[0] || it->modified_at < q->from[1] ||
		it->modified_at > q->to[1])
		return false;
	if (q->small > 0 || q->big < INT64_MAX) {
		int64_t size = bx_size(it);
		if (size < q->small || size > q->big)
			return false;
	}
	return text_fits(it, q->text);
}

static void collect(const struct bx_item *folder, const struct query *q, struct bx_list *found)
{
	for (size_t i = 0; i < folder->children.n; i++) {
		struct bx_item *it = folder->children.at[i];
		if (fits(it, q))
			bx_push(found, it);
		collect(it, q, found);
	}
}

static int latest_first(const void *a, const void *b)
{
	const struct bx_item *const *x = a, *const *y = b;
	return (*x)->modified_at < (*y)->modified_at ? 1 : (*x)->modified_at > (*y)->modified_at ? -1 : 0;
}

/* Where to look: the given folders, or all that the caller sees from the root. */
static int places_of(struct bx_ctx *c, const struct query *q, struct bx_list *roots)
{
	if (!q->ancestors || !*q->ancestors) {
		bx_push(roots, c->user->root);
		for (size_t i = 0; i < c->t->collabs.n; i++) {
			struct bx_collab *k = c->t->collabs.at[i];
			if (k->item->owner != c->user && !bx_trashed(k->item) &&
				bx_shown_at_root(c->user, k->item))
				bx_push(roots, k->item);
		}
		return 0;
	}
	char *list = arena_dup(c->req->arena, q->ancestors), *save = NULL;
	for (char *id = strtok_r(list, ", ", &save); id; id = strtok_r(NULL, ", ", &save)) {
		struct bx_item *folder = bx_item_for(c, id, BX_FOLDER, BX_VIEW);
		if (!folder)
			return -1;
		bx_push(roots, folder);
	}
	return 0;
}

void bx_do_search(struct bx_ctx *c)
{
	struct bx_list roots = {0}, found = {0};
	struct bx_page page;
	struct query q;
	cJSON *entries, *o;

	if (query_of(c, &q) < 0 || bx_page_get(c, 30, 200, false, &page) < 0)
		return;
	if (places_of(c, &q, &roots) < 0) {
		free(roots.at);
		return;
	}
	bool trashed = q.trash && !strcmp(q.trash, "trashed_only");
	for (size_t i = 0; i < roots.n && !trashed; i++) {
		struct bx_item *it = roots.at[i];
		if (it->parent && it->owner != c->user && fits(it, &q))
			bx_push(&found, it);
		collect(it, &q, &found);
	}
	for (size_t i = 0; q.trash && strcmp(q.trash, "non_trashed_only") != 0 && i < c->t->trash.n; i++) {
		struct bx_item *it = c->t->trash.at[i];
		if (it->owner == c->user && fits(it, &q))
			bx_push(&found, it);
	}
	free(roots.at);
	if (found.n)
		qsort(found.at, found.n, sizeof(found.at[0]), latest_first);
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, found.n); i++)
		cJSON_AddItemToArray(entries, bx_item_json(c, found.at[i], BX_STANDARD, c->fields));
	page.marker = false;
	o = bx_page_doc(&page, (int64_t)found.n, entries, NULL, NULL);
	cJSON_AddStringToObject(o, "type", "search_results_items");
	free(found.at);
	fc_json(c->res, 200, o);
}
