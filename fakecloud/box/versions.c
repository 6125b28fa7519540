/* Past versions of Box's files: list, look at, trash, restore, promote. Called by the router with the state
 * lock held. */
#include "fakecloud/box/box.h"

#include <inttypes.h>
#include <string.h>

static struct bx_version *find(struct bx_ctx *c, const struct bx_item *it, const char *id)
{
	for (size_t i = 0; i < it->versions.n; i++) {
		struct bx_version *v = it->versions.at[i];
		char text[24];
		snprintf(text, sizeof(text), "%" PRIu64, v->id);
		if (!strcmp(text, id))
			return v;
	}
	bx_not_found(c, BX_OTHER, id);
	return NULL;
}

/* A list of `fields` or, for NULL, everything. */
static cJSON *shown(struct bx_ctx *c, const struct bx_item *it, const struct bx_version *v)
{
	return bx_version_json(it, v, c->fields);
}

/* Newest first, without the current one. */
void bx_do_versions_list(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_VIEW);
	cJSON *entries;
	struct bx_page page;

	if (!it || bx_page_get(c, 1000, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	size_t past = it->versions.n - 1;
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, past); i++)
		cJSON_AddItemToArray(entries, shown(c, it, it->versions.at[past - 1 - i]));
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)past, entries, NULL, NULL));
}

void bx_do_version_get(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_VIEW);
	struct bx_version *v = it ? find(c, it, c->id[1]) : NULL;

	if (v)
		fc_json(c->res, 200, shown(c, it, v));
}

void bx_do_version_delete(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_EDIT);
	struct bx_version *v = it ? find(c, it, c->id[1]) : NULL;

	if (!v || !bx_match_ok(c, it->etag) || !bx_lock_ok(c, it))
		return;
	if (v == bx_current(it)) {
		bx_forbidden(c);
		return;
	}
	if (v->trashed_at) {
		bx_not_found(c, BX_OTHER, c->id[1]);
		return;
	}
	v->trashed_at = fc_now();
	v->trashed_by = c->user;
	bx_none(c);
}

void bx_do_version_put(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_EDIT);
	cJSON *body = it ? bx_body(c, false) : NULL;
	struct bx_version *v = body ? find(c, it, c->id[1]) : NULL;

	if (!v)
		return;
	if (!cJSON_IsNull(json_get(body, "trashed_at"))) {
		bx_invalid(c, 400, "bad_request", "trashed_at", "'trashed_at' can only be set to null");
		return;
	}
	if (v->trashed_at) {
		v->trashed_at = 0;
		v->trashed_by = NULL;
		v->restored_at = v->modified_at = fc_now();
		v->restored_by = c->user;
		bx_event(it, c->user, "FILE_VERSION_RESTORE", NULL, bx_version_details(v));
	}
	fc_json(c->res, 200, shown(c, it, v));
}

void bx_do_version_promote(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_EDIT);
	cJSON *body = it ? bx_body(c, false) : NULL;
	char number[32];
	const char *id = json_id(body, "id", number, sizeof(number)), *type = json_str(body, "type");
	struct bx_version *v;

	if (!body)
		return;
	if (!id || (type && strcmp(type, "file_version") != 0)) {
		bx_invalid(c, 400, "bad_request", "id", "A file version is required");
		return;
	}
	v = find(c, it, id);
	if (!v || !bx_lock_ok(c, it))
		return;
	if (v->trashed_at) {
		bx_not_found(c, BX_OTHER, id);
		return;
	}
	bx_touch(it, c->user);
	v = bx_version_add(it, bx_new_id(), v->blob, c->user, it->modified_at);
	bx_event(it, c->user, "FILE_VERSION_RESTORE", "ITEM_MAKE_CURRENT_VERSION", bx_version_details(v));
	fc_json(c->res, 201, shown(c, it, v));
}
