/* Files of Box: looking at them, changing, locking, moving, copying, deleting. Called by the router with the
 * state lock held. */
#include "fakecloud/box/box.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>

void bx_do_file_get(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_VIEW);

	if (!it || bx_not_modified(c, it->etag))
		return;
	fc_set_headerf(c->res, "ETag", "\"%u\"", it->etag);
	fc_json(c->res, 200, bx_item_json(c, it, BX_STANDARD, c->fields));
}

/* ---- changes ---- */

/* Where a body's parent leads; NULL after an error was answered. */
static struct bx_item *destination(struct bx_ctx *c, const cJSON *parent)
{
	char number[32];
	const char *id = json_id(parent, "id", number, sizeof(number));
	const char *user_id = json_str(parent, "user_id");

	if (!id) {
		bx_invalid(c, 400, "bad_request", "parent", "'parent' needs an 'id'");
		return NULL;
	}
	if (user_id) {
		struct bx_user *u = bx_find(c->t, user_id, BX_USER);
		if (strcmp(id, "0") != 0) {
			bx_invalid(c, 400, "bad_request", "user_id",
				"Moving to a non-root folder with user_id is not allowed");
			return NULL;
		}
		if (!u || (u != c->user && !bx_is_admin(c))) {
			bx_forbidden(c);
			return NULL;
		}
		return u->root;
	}
	return bx_item_for(c, arena_dup(c->req->arena, id), BX_FOLDER, BX_UPLOAD);
}

/* Checks name and parent of a PUT; *ret_parent and *ret_name stay NULL where nothing changes. False after an
 * error. */
static bool placing(struct bx_ctx *c, struct bx_item *it, const cJSON *body, struct bx_item **ret_parent,
	const char **ret_name)
{
	const cJSON *parent = json_object(body, "parent");
	const char *name = json_str(body, "name");
	struct bx_item *to = it->parent, *other;

	if (name && !bx_name_ok(c, name))
		return false;
	if (parent && !(to = destination(c, parent)))
		return false;
	if (bx_below(to, it)) {
		bx_error(c, 400, "cyclical_folder_structure",
			"Folder cannot be moved or copied to itself or a sub-folder of itself");
		return false;
	}
	other = to != it->parent || name ? bx_child(to, name ? name : it->name) : NULL;
	if (other && other != it) {
		bx_conflict(c, other);
		return false;
	}
	/* In the viewer's eyes an item that others share lies in the viewer's root already. */
	bool same = to == it->parent || (to == c->user->root && bx_shown_at_root(c->user, it));
	*ret_parent = same ? NULL : to;
	*ret_name = name && strcmp(name, it->name) != 0 ? name : NULL;
	return true;
}

static void place(struct bx_ctx *c, struct bx_item *it, struct bx_item *to, const char *name)
{
	if (to) {
		cJSON *details = cJSON_CreateObject();
		bx_id(details, "previous_parent_id", it->parent->id);
		if (to->owner != it->owner) /* it leaves the sight of its old owner */
			bx_event(it, c->user, NULL, "ITEM_TRASH", NULL);
		bx_detach(it);
		bx_attach(it, to);
		if (to->owner != it->owner)
			bx_set_owner(it, to->owner);
		bx_event(it, c->user, "MOVE", "ITEM_MOVE", details);
	}
	if (name) {
		bx_rename(it, name);
		bx_event(it, c->user, "RENAME", "ITEM_RENAME", NULL);
	}
}

static void put_lock(struct bx_ctx *c, struct bx_item *it, const cJSON *lock)
{
	int64_t expires = 0;

	if (cJSON_IsNull(lock)) {
		if (it->lock)
			bx_event(it, c->user, "UNLOCK", "LOCK_DESTROY", NULL);
		free(it->lock);
		it->lock = NULL;
		return;
	}
	if (!it->lock)
		it->lock = bx_alloc(sizeof(*it->lock));
	if (json_str(lock, "expires_at"))
		time_parse(json_str(lock, "expires_at"), &expires);
	*it->lock = (struct bx_lock){.id = bx_new_id(),
		.by = c->user,
		.created_at = fc_now(),
		.expires_at = expires,
		.no_download = json_bool(lock, "is_download_prevented")};
	bx_event(it, c->user, "LOCK", "LOCK_CREATE", NULL);
}

static bool lock_body_ok(struct bx_ctx *c, const cJSON *lock)
{
	const char *access = json_str(lock, "access"), *type = json_str(lock, "type"),
		   *at = json_str(lock, "expires_at");
	int64_t ms;

	if (!lock || cJSON_IsNull(lock))
		return true;
	if (cJSON_IsObject(lock) && (!access || !strcmp(access, "lock")) &&
		(!type || !strcmp(type, "lock")) && (access || type) && (!at || time_parse(at, &ms) == 0))
		return true;
	bx_invalid(c, 400, "bad_request", "lock", "Invalid value for lock");
	return false;
}

static void put_texts(struct bx_ctx *c, struct bx_item *it, const cJSON *body)
{
	const char *description = json_str(body, "description");
	const cJSON *tags = json_array(body, "tags");

	if (description && strcmp(description, it->description) != 0) {
		bx_set(&it->description, description);
		bx_event(it, c->user, "ITEM_MODIFY", "ITEM_MODIFY", NULL);
	}
	if (tags) {
		bool more = cJSON_GetArraySize(tags) > cJSON_GetArraySize(it->tags);
		cJSON_Delete(it->tags);
		it->tags = cJSON_Duplicate(tags, true);
		if (more)
			bx_event(it, c->user, NULL, "TAG_ITEM_CREATE", NULL);
	}
}

/* The reference gives lists of tags at least one entry, and takes the last tag off all the same. */
static bool tags_ok(struct bx_ctx *c, const cJSON *tags)
{
	const cJSON *tag;
	bool ok = !tags || (cJSON_IsArray(tags) && cJSON_GetArraySize(tags) <= 100);

	cJSON_ArrayForEach(tag, tags) ok = ok && cJSON_IsString(tag) && *tag->valuestring;
	if (!ok)
		bx_invalid(c, 400, "bad_request", "tags", "Invalid value for tags");
	return ok;
}

/* Files and folders alike. */
static void put_item(struct bx_ctx *c, struct bx_item *it)
{
	struct bx_item *to = NULL;
	const char *name = NULL;
	cJSON *body = bx_body(c, false);
	const cJSON *lock = json_get(body, "lock");

	if (!body || !placing(c, it, body, &to, &name))
		return;
	/* The precondition does not guard moves. */
	if (!to && !bx_match_ok(c, it->etag))
		return;
	if (!lock_body_ok(c, lock) || !tags_ok(c, json_get(body, "tags")) || !bx_link_body_ok(c, it, json_get(body, "shared_link")) ||
		!bx_lock_ok(c, it))
		return;
	unsigned need =
		(to || name || lock || json_get(body, "description") || json_get(body, "tags") ? BX_EDIT
											       : 0) |
		(json_get(body, "shared_link") ? BX_SHARE : 0);
	if ((bx_rights(c->user, it) & need) != need) {
		bx_forbidden(c);
		return;
	}
	place(c, it, to, name);
	put_texts(c, it, body);
	if (lock && it->kind == BX_FILE)
		put_lock(c, it, lock);
	bx_link_set(c, it, json_get(body, "shared_link"));
	if (json_get(body, "can_non_owners_invite"))
		it->restrict_invites = !json_bool(body, "can_non_owners_invite");
	bx_touch(it, c->user);
	fc_json(c->res, 200, bx_item_json(c, it, BX_STANDARD, c->fields));
}

void bx_do_file_put(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_VIEW);
	if (it)
		put_item(c, it);
}

void bx_do_folder_put(struct bx_ctx *c)
{
	struct bx_item *it;

	if (!strcmp(c->id[0], "0")) {
		bx_forbidden(c);
		return;
	}
	it = bx_item_for(c, c->id[0], BX_FOLDER, BX_VIEW);
	if (!it) {
		/* A PUT with a parent also takes a folder out of the trash. */
		struct bx_item *trashed = bx_find(c->t, c->id[0], BX_FOLDER);
		if (!trashed || trashed->gone || !trashed->trashed_at ||
			!json_object(fc_body_json(c->req), "parent") ||
			!(bx_rights(c->user, trashed) & BX_EDIT))
			return;
		bx_do_folder_restore(c);
		if (c->res->status == 201)
			c->res->status = 200;
		return;
	}
	put_item(c, it);
}

/* ---- deleting ---- */

static void to_trash(struct bx_ctx *c, struct bx_item *it)
{
	bx_event(it, c->user, "DELETE", "ITEM_TRASH",
		it->kind == BX_FILE ? bx_version_details(bx_current(it)) : NULL);
	bx_detach(it);
	it->trashed_at = fc_now();
	it->trashed_by = c->user;
	bx_touch(it, c->user);
	bx_push(&c->t->trash, it);
	if (c->t->hard_delete) {
		it->gone = true;
		bx_drop(&c->t->trash, it);
	}
}

void bx_do_file_delete(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_EDIT);

	if (!it || !bx_match_ok(c, it->etag) || !bx_lock_ok(c, it))
		return;
	to_trash(c, it);
	bx_none(c);
}

void bx_do_folder_delete(struct bx_ctx *c)
{
	struct bx_item *it;

	if (!strcmp(c->id[0], "0")) {
		bx_forbidden(c);
		return;
	}
	it = bx_item_for(c, c->id[0], BX_FOLDER, BX_EDIT);
	if (!it || !bx_match_ok(c, it->etag))
		return;
	if (it->children.n && !bx_truth(c, "recursive")) {
		bx_error(c, 400, "folder_not_empty", "Cannot delete - folder not empty");
		return;
	}
	to_trash(c, it);
	bx_none(c);
}

/* ---- copies ---- */

static struct bx_item *copy_tree(struct bx_ctx *c, const struct bx_item *from, struct bx_item *to,
	const char *name, const struct bx_version *version)
{
	struct bx_item *it = bx_item_new(to, from->kind, bx_new_id(), name, c->user, fc_now());

	it->content_created_at = from->content_created_at;
	it->content_modified_at = from->content_modified_at;
	it->malware = from->malware;
	bx_set(&it->description, from->description);
	bx_instances_copy(from, it);
	if (from->kind == BX_FILE) {
		bx_version_add(
			it, bx_new_id(), version ? version->blob : bx_current(from)->blob, c->user, fc_now());
	}
	for (size_t i = 0; i < from->children.n; i++) {
		struct bx_item *child = from->children.at[i];
		if (child != it) /* a folder copied into its own parent */
			copy_tree(c, child, it, child->name, NULL);
	}
	return it;
}

static void copy_item(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it, *to, *other;
	const struct bx_version *version = NULL;
	cJSON *body = bx_body(c, false);
	const char *name, *version_id;

	if (!body)
		return;
	if (kind == BX_FOLDER && !strcmp(c->id[0], "0")) {
		bx_error(c, 500, "internal_server_error", "Internal Server Error");
		return;
	}
	it = bx_item_for(c, c->id[0], kind, BX_DOWNLOAD);
	if (!it || !(to = destination(c, json_object(body, "parent"))))
		return;
	if (bx_below(to, it)) {
		bx_error(c, 400, "cyclical_folder_structure",
			"Folder cannot be moved or copied to itself or a sub-folder of itself");
		return;
	}
	name = json_str_or(body, "name", it->name);
	version_id = json_str(body, "version");
	for (size_t i = 0; version_id && kind == BX_FILE && i < it->versions.n; i++) {
		struct bx_version *v = it->versions.at[i];
		if (v->id == strtoull(version_id, NULL, 10) && !v->trashed_at)
			version = v;
	}
	if (version_id && kind == BX_FILE && !version) {
		bx_not_found(c, BX_OTHER, version_id);
		return;
	}
	if (!bx_name_ok(c, name))
		return;
	if ((other = bx_child(to, name))) {
		bx_conflict(c, other);
		return;
	}
	if (it->malware || (it->lock && it->lock->no_download && it->lock->by != c->user)) {
		bx_error(c, 403, it->malware ? "forbidden_by_policy" : "access_denied_item_locked",
			it->malware ? "Access denied - forbidden by policy" : "Access denied - item locked");
		return;
	}
	it = copy_tree(c, it, to, name, version);
	bx_event(it, c->user, "COPY", "ITEM_COPY",
		it->kind == BX_FILE ? bx_version_details(bx_current(it)) : NULL);
	fc_json(c->res, 201, bx_item_json(c, it, BX_STANDARD, c->fields));
}

void bx_do_file_copy(struct bx_ctx *c)
{
	copy_item(c, BX_FILE);
}

void bx_do_folder_copy(struct bx_ctx *c)
{
	copy_item(c, BX_FOLDER);
}

/* Nobody comments or gives tasks here. */
static void empty_list(struct bx_ctx *c, bool paged)
{
	struct bx_page page = {0};

	if (!bx_item_for(c, c->id[0], BX_FILE, BX_VIEW) || (paged && bx_page_get(c, 100, 1000, false, &page) < 0))
		return;
	cJSON *o = cJSON_CreateObject();
	bx_num(o, "total_count", 0);
	cJSON_AddArrayToObject(o, "entries");
	if (paged) {
		bx_num(o, "limit", page.limit);
		bx_num(o, "offset", page.offset);
	}
	fc_json(c->res, 200, o);
}

void bx_do_file_comments(struct bx_ctx *c)
{
	empty_list(c, true);
}

void bx_do_file_tasks(struct bx_ctx *c)
{
	empty_list(c, false);
}
