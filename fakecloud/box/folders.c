/* Folders of Box: looking into them and making them; and the trash, for files and folders alike. Called by
 * the router with the state lock held. */
#include "fakecloud/box/box.h"

#include <stdlib.h>
#include <string.h>

void bx_do_folder_get(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FOLDER, BX_VIEW);
	struct bx_page page;

	if (!it || bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	if (it->parent) {
		if (bx_not_modified(c, it->etag))
			return;
		fc_set_headerf(c->res, "ETag", "\"%u\"", it->etag);
	}
	fc_json(c->res, 200, bx_item_json(c, it, BX_STANDARD, c->fields));
}

void bx_do_folder_items(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FOLDER, BX_VIEW);
	struct bx_list items = {0};
	struct bx_page page;

	if (!it || bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	if (!page.marker && fc_query(c->req, "marker") && *fc_query(c->req, "marker")) {
		bx_invalid(c, 400, "bad_request", "marker", "'marker' needs 'usemarker'");
		return;
	}
	bx_list_folder(c->user, it, &items);
	fc_json(c->res, 200, bx_items_page(c, &items, &page, c->fields));
}

void bx_do_folder_create(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	const cJSON *parent = json_object(body, "parent");
	const char *name = json_str(body, "name"), *id;
	struct bx_item *to, *it;
	char number[32];

	if (!body)
		return;
	id = json_id(parent, "id", number, sizeof(number));
	if (!id) {
		bx_invalid(c, 400, "bad_request", "parent", "'parent' is required");
		return;
	}
	if (!bx_name_ok(c, name))
		return;
	to = bx_item_for(c, arena_dup(c->req->arena, id), BX_FOLDER, BX_UPLOAD);
	if (!to)
		return;
	if ((it = bx_child(to, name))) {
		bx_conflict(c, it);
		return;
	}
	it = bx_item_new(to, BX_FOLDER, bx_new_id(), name, c->user, fc_now());
	if (json_str(body, "description"))
		bx_set(&it->description, json_str(body, "description"));
	bx_event(it, c->user, "UPLOAD", "ITEM_CREATE", NULL);
	fc_json(c->res, 201, bx_item_json(c, it, BX_STANDARD, c->fields));
}

/* ---- the trash ---- */

static bool in_own_trash(const struct bx_ctx *c, const struct bx_item *it)
{
	return !it->gone &&
	       (it->owner == c->user || it->trashed_by == c->user || (bx_rights(c->user, it) & BX_OWN));
}

/* Only what was itself put into the trash can be had from it. */
static struct bx_item *trashed_item(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it = bx_find(c->t, c->id[0], kind);

	if (it && it->trashed_at && in_own_trash(c, it))
		return it;
	bx_not_found(c, kind, c->id[0]);
	return NULL;
}

void bx_do_trash_items(struct bx_ctx *c)
{
	struct bx_list items = {0};
	struct bx_page page;

	if (bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	for (size_t i = 0; i < c->t->trash.n; i++) {
		if (in_own_trash(c, c->t->trash.at[i]))
			bx_push(&items, c->t->trash.at[i]);
	}
	fc_json(c->res, 200, bx_items_page(c, &items, &page, c->fields));
}

static void trash_get(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it = trashed_item(c, kind);
	if (it)
		fc_json(c->res, 200, bx_trash_json(c, it, c->fields, false));
}

static void trash_delete(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it = trashed_item(c, kind);

	if (!it)
		return;
	it->gone = true;
	bx_drop(&c->t->trash, it);
	while (it->collabs.n)
		bx_collab_end(it->collabs.at[0]);
	bx_none(c);
}

static void restore(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it, *to, *other;
	cJSON *body = bx_body(c, true);
	const char *name, *id;
	char number[32];

	if (!body)
		return;
	it = bx_find(c->t, c->id[0], kind);
	if (it && !it->trashed_at && !bx_trashed(it) && !it->gone && bx_rights(c->user, it)) {
		bx_error(c, 404, "not_trashed", "Item is not trashed");
		return;
	}
	it = trashed_item(c, kind);
	if (!it)
		return;
	name = json_str_or(body, "name", it->name);
	if (!bx_name_ok(c, name))
		return;
	/* The given parent counts only when the old one is no more. */
	to = it->parent;
	if (to->gone || bx_trashed(to)) {
		id = json_id(json_object(body, "parent"), "id", number, sizeof(number));
		if (!id) {
			bx_error(c, 403, "access_denied_insufficient_permissions",
				"Access denied - the parent folder is not accessible");
			return;
		}
		to = bx_item_for(c, arena_dup(c->req->arena, id), BX_FOLDER, BX_UPLOAD);
		if (!to)
			return;
	} else if (to->parent && !(bx_rights(c->user, to) & BX_UPLOAD)) {
		bx_forbidden(c);
		return;
	}
	if ((other = bx_child(to, name))) {
		bx_conflict(c, other);
		return;
	}
	it->trashed_at = 0;
	it->trashed_by = NULL;
	bx_drop(&c->t->trash, it);
	bx_rename(it, name);
	bx_attach(it, to);
	if (to->owner != it->owner)
		bx_set_owner(it, to->owner);
	bx_touch(it, c->user);
	bx_event(it, c->user, "UNDELETE", "ITEM_UNDELETE_VIA_TRASH",
		kind == BX_FILE ? bx_version_details(bx_current(it)) : NULL);
	fc_json(c->res, 201, bx_trash_json(c, it, c->fields, true));
}

void bx_do_file_trash_get(struct bx_ctx *c)
{
	trash_get(c, BX_FILE);
}

void bx_do_folder_trash_get(struct bx_ctx *c)
{
	trash_get(c, BX_FOLDER);
}

void bx_do_file_trash_delete(struct bx_ctx *c)
{
	trash_delete(c, BX_FILE);
}

void bx_do_folder_trash_delete(struct bx_ctx *c)
{
	trash_delete(c, BX_FOLDER);
}

void bx_do_file_restore(struct bx_ctx *c)
{
	restore(c, BX_FILE);
}

void bx_do_folder_restore(struct bx_ctx *c)
{
	restore(c, BX_FOLDER);
}
