/* How files and folders look in answers of Box, as the acting user sees them: a table of fields for each
 * kind, of which the mini and standard forms and the `fields` parameter pick. Called by the handlers with the
 * state lock held. */
#include "fakecloud/box/box.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct field {
	const char *name;
	enum { IN_MINI, IN_STANDARD, ON_DEMAND } level;
	void (*put)(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name);
};

static cJSON *root_mini(void)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "folder");
	cJSON_AddStringToObject(o, "id", "0");
	cJSON_AddNullToObject(o, "sequence_id");
	cJSON_AddNullToObject(o, "etag");
	cJSON_AddStringToObject(o, "name", "All Files");
	return o;
}

static bool is_root(const struct bx_item *it)
{
	return !it->parent;
}

static void put_count(const struct bx_item *it, cJSON *o, const char *name, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	bx_str(o, name, is_root(it) ? NULL : text);
}

static void put_etag(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	put_count(it, o, name, it->etag);
}

static void put_sequence(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	put_count(it, o, name, it->sequence);
}

static void put_name(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddStringToObject(o, name, it->name);
}

static void put_sha1(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddStringToObject(o, name, bx_sha1(bx_current(it)));
}

static void put_version(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddItemToObject(o, name, bx_version_mini(bx_current(it)));
}

static void put_description(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddStringToObject(o, name, it->description);
}

static void put_size(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	bx_num(o, name, bx_size(it));
}

/* The way from the viewer's root: folders that the viewer does not see are no part of it. */
static void put_path(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON *path = cJSON_CreateObject(), *entries = cJSON_CreateArray();

	if (!is_root(it)) {
		for (const struct bx_item *p = it;
			!bx_shown_at_root(c->user, p) && p->parent && p->parent->parent;) {
			p = p->parent;
			cJSON_InsertItemInArray(entries, 0, bx_item_json(c, p, BX_MINI, NULL));
		}
		cJSON_InsertItemInArray(entries, 0, root_mini());
	}
	bx_num(path, "total_count", cJSON_GetArraySize(entries));
	cJSON_AddItemToObject(path, "entries", entries);
	cJSON_AddItemToObject(o, name, path);
}

static void put_parent(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	if (is_root(it))
		cJSON_AddNullToObject(o, name);
	else if (bx_shown_at_root(c->user, it) || is_root(it->parent))
		cJSON_AddItemToObject(o, name, root_mini());
	else
		cJSON_AddItemToObject(o, name, bx_item_json(c, it->parent, BX_MINI, NULL));
}

static void put_time(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	int64_t at = !strcmp(name, "created_at")	    ? it->created_at
		     : !strcmp(name, "modified_at")	    ? it->modified_at
		     : !strcmp(name, "content_created_at")  ? it->content_created_at
		     : !strcmp(name, "content_modified_at") ? it->content_modified_at
		     : !strcmp(name, "trashed_at")	    ? it->trashed_at
		     : it->trashed_at			    ? it->trashed_at + 30ll * 86400000
							    : 0; /* purged_at */
	bx_time(o, name, at);
}

static void put_user(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	const struct bx_user *u = !strcmp(name, "created_by")	 ? it->created_by
				  : !strcmp(name, "modified_by") ? it->modified_by
								 : it->owner;
	cJSON_AddItemToObject(o, name, bx_user_mini(u));
}

const struct bx_link *bx_link_live(const struct bx_item *it)
{
	return it->link && (!it->link->unshared_at || it->link->unshared_at > fc_now()) ? it->link : NULL;
}

static void put_link(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	const struct bx_link *l = bx_link_live(it);

	if (!l) {
		cJSON_AddNullToObject(o, name);
		return;
	}
	const char *base = bx_base(c), *dot = strrchr(it->name, '.');
	const char *permission = it->kind == BX_FILE && l->can_edit ? "can_edit"
				 : l->can_download		    ? "can_download"
								    : "can_preview";
	cJSON *s = cJSON_AddObjectToObject(o, name);
	cJSON_AddStringToObject(s, "url", arena_printf(c->req->arena, "%s/s/%s", base, l->token));
	bx_str(s, "download_url",
		it->kind == BX_FILE && l->can_download
			? arena_printf(c->req->arena, "%s/shared/static/%s%s", base, l->token,
				  dot && strlen(dot) < 12 && !strpbrk(dot, " %?#\"") ? dot : "")
			: NULL);
	bx_str(s, "vanity_url", l->vanity ? arena_printf(c->req->arena, "%s/v/%s", base, l->vanity) : NULL);
	bx_str(s, "vanity_name", l->vanity);
	cJSON_AddStringToObject(s, "access", l->access);
	cJSON_AddStringToObject(s, "accessed", l->access); /* the schema requires it, for "access" */
	cJSON_AddStringToObject(s, "effective_access", l->access);
	cJSON_AddStringToObject(s, "effective_permission", permission);
	bx_time(s, "unshared_at", l->unshared_at);
	cJSON_AddBoolToObject(s, "is_password_enabled", l->password != NULL);
	cJSON *p = cJSON_AddObjectToObject(s, "permissions");
	cJSON_AddBoolToObject(p, "can_download", l->can_download);
	cJSON_AddBoolToObject(p, "can_preview", true);
	cJSON_AddBoolToObject(p, "can_edit", it->kind == BX_FILE && l->can_edit);
	bx_num(s, "download_count", l->downloads);
	bx_num(s, "preview_count", 0);
}

static void put_status(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddStringToObject(o, name, it->gone ? "deleted" : bx_trashed(it) ? "trashed" : "active");
}

static void put_null(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddNullToObject(o, name);
}

static void put_true(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddBoolToObject(o, name, true);
}

static void put_false(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddBoolToObject(o, name, false);
}

static void put_number(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", bx_current(it)->number);
	cJSON_AddStringToObject(o, name, text);
}

static void put_zero(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	bx_num(o, name, 0);
}

static void put_permissions(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	unsigned r = is_root(it) ? bx_role_rights("owner") : bx_rights(c->user, it);
	bool locked = it->lock && it->lock->no_download && it->lock->by != c->user;
	cJSON *p = cJSON_AddObjectToObject(o, name);

	cJSON_AddBoolToObject(p, "can_download", r & BX_DOWNLOAD && !locked);
	cJSON_AddBoolToObject(p, "can_upload", (r & BX_UPLOAD) != 0);
	cJSON_AddBoolToObject(p, "can_rename", r & BX_EDIT && !is_root(it));
	cJSON_AddBoolToObject(p, "can_delete", r & BX_EDIT && !is_root(it));
	cJSON_AddBoolToObject(p, "can_share", r & BX_SHARE && !is_root(it));
	cJSON_AddBoolToObject(p, "can_invite_collaborator", r & BX_INVITE && !is_root(it));
	cJSON_AddBoolToObject(p, "can_set_share_access", r & BX_EDIT && !is_root(it));
	cJSON_AddBoolToObject(p, "can_apply_watermark", false);
	if (it->kind != BX_FILE)
		return;
	cJSON_AddBoolToObject(p, "can_preview", (r & BX_VIEW) != 0);
	cJSON_AddBoolToObject(p, "can_comment", (r & BX_EDIT) != 0);
	cJSON_AddBoolToObject(p, "can_annotate", (r & BX_EDIT) != 0);
	cJSON_AddBoolToObject(p, "can_view_annotations_all", true);
	cJSON_AddBoolToObject(p, "can_view_annotations_self", true);
}

static void put_tags(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	if (it->tags && cJSON_GetArraySize(it->tags)) /* the schema knows no empty list */
		cJSON_AddItemToObject(o, name, cJSON_Duplicate(it->tags, true));
}

static void put_lock(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	const struct bx_lock *l = it->lock;

	if (!l || (l->expires_at && l->expires_at <= fc_now())) {
		cJSON_AddNullToObject(o, name);
		return;
	}
	cJSON *lock = cJSON_AddObjectToObject(o, name);
	cJSON_AddStringToObject(lock, "type", "lock");
	bx_id(lock, "id", l->id);
	cJSON_AddItemToObject(lock, "created_by", bx_user_mini(l->by));
	bx_time(lock, "created_at", l->created_at);
	if (l->expires_at)
		bx_time(lock, "expired_at", l->expires_at);
	cJSON_AddBoolToObject(lock, "is_download_prevented", l->no_download);
	cJSON_AddNullToObject(lock, "app_type");
}

static void put_extension(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	const char *dot = strrchr(it->name, '.');
	cJSON_AddStringToObject(o, name, dot ? dot + 1 : "");
}

static void put_watermark(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddBoolToObject(cJSON_AddObjectToObject(o, name), "is_watermarked", false);
}

static void put_linked(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	bool linked = false;
	for (const struct bx_item *p = it; p && !linked; p = p->parent)
		linked = bx_link_live(p) != NULL;
	cJSON_AddBoolToObject(o, name, linked);
}

static void put_roles(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	static const char *const file[] = {"editor", "viewer"};
	static const char *const folder[] = {"editor", "viewer", "previewer", "uploader",
		"previewer uploader", "viewer uploader", "co-owner"};

	cJSON_AddItemToObject(o, name,
		it->kind == BX_FILE ? cJSON_CreateStringArray(file, ARRAY_SIZE(file))
				    : cJSON_CreateStringArray(folder, ARRAY_SIZE(folder)));
}

static void put_levels(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	static const char *const level[] = {"collaborators", "company", "open"};
	cJSON_AddItemToObject(o, name, cJSON_CreateStringArray(level, ARRAY_SIZE(level)));
}

static void put_options(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	static const char *const option[] = {"can_preview", "can_download", "can_edit"};
	cJSON_AddItemToObject(o, name, cJSON_CreateStringArray(option, ARRAY_SIZE(option)));
}

static void put_has_collabs(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	bool has = false;
	for (const struct bx_item *p = it; p && !has; p = p->parent)
		has = p->collabs.n > 0;
	cJSON_AddBoolToObject(o, name, has);
}

static void put_invites(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddBoolToObject(o, name, !it->restrict_invites);
}

static void put_uploader(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddStringToObject(o, name, bx_current(it)->modified_by->name);
}

static void put_classification(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON *k = bx_classification(it);
	cJSON_AddItemToObject(o, name, k ? k : cJSON_CreateNull());
}

/* fields=metadata.SCOPE.TEMPLATE,…: metadata: {SCOPE: {TEMPLATE: instance}}. */
static void put_metadata(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON *all = cJSON_AddObjectToObject(o, name);
	char path[256];

	for (size_t i = 0; i < it->instances.n; i++) {
		const struct bx_instance *m = it->instances.at[i];
		snprintf(path, sizeof(path), "metadata.%.100s.%.100s", m->template->scope, m->template->key);
		const char *scope = m->template->scope;
		if (!bx_wants(c->fields, path)) {
			snprintf(path, sizeof(path), "metadata.enterprise.%.100s", m->template->key);
			if (!bx_wants(c->fields, path))
				continue;
			scope = "enterprise";
		}
		cJSON *of = cJSON_GetObjectItemCaseSensitive(all, scope);
		if (!of)
			of = cJSON_AddObjectToObject(all, scope);
		cJSON_AddItemToObject(of, m->template->key, bx_instance_json(it, m));
	}
}

static void put_representations(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	cJSON_AddArrayToObject(cJSON_AddObjectToObject(o, name), "entries");
}

static void put_children(struct bx_ctx *c, const struct bx_item *it, cJSON *o, const char *name)
{
	struct bx_list items = {0};
	struct bx_page page = {.limit = 100};

	if (c->req->path && bx_page_get(c, 100, 1000, false, &page) < 0)
		page = (struct bx_page){.limit = 100};
	page.marker = false;
	bx_list_folder(c->user, it, &items);
	cJSON_AddItemToObject(o, name, bx_items_page(c, &items, &page, NULL));
}

static const struct field file_fields[] = {
	{"file_version", IN_MINI, put_version},
	{"sequence_id", IN_MINI, put_sequence},
	{"etag", IN_MINI, put_etag},
	{"sha1", IN_MINI, put_sha1},
	{"name", IN_MINI, put_name},
	{"description", IN_STANDARD, put_description},
	{"size", IN_STANDARD, put_size},
	{"path_collection", IN_STANDARD, put_path},
	{"created_at", IN_STANDARD, put_time},
	{"modified_at", IN_STANDARD, put_time},
	{"trashed_at", IN_STANDARD, put_time},
	{"purged_at", IN_STANDARD, put_time},
	{"content_created_at", IN_STANDARD, put_time},
	{"content_modified_at", IN_STANDARD, put_time},
	{"created_by", IN_STANDARD, put_user},
	{"modified_by", IN_STANDARD, put_user},
	{"owned_by", IN_STANDARD, put_user},
	{"shared_link", IN_STANDARD, put_link},
	{"parent", IN_STANDARD, put_parent},
	{"item_status", IN_STANDARD, put_status},
	{"version_number", ON_DEMAND, put_number},
	{"comment_count", ON_DEMAND, put_zero},
	{"permissions", ON_DEMAND, put_permissions},
	{"tags", ON_DEMAND, put_tags},
	{"lock", ON_DEMAND, put_lock},
	{"extension", ON_DEMAND, put_extension},
	{"is_package", ON_DEMAND, put_false},
	{"watermark_info", ON_DEMAND, put_watermark},
	{"is_accessible_via_shared_link", ON_DEMAND, put_linked},
	{"allowed_invitee_roles", ON_DEMAND, put_roles},
	{"is_externally_owned", ON_DEMAND, put_false},
	{"has_collaborations", ON_DEMAND, put_has_collabs},
	{"metadata", ON_DEMAND, put_metadata},
	{"expires_at", ON_DEMAND, put_null},
	{"representations", ON_DEMAND, put_representations},
	{"classification", ON_DEMAND, put_classification},
	{"uploader_display_name", ON_DEMAND, put_uploader},
	{"disposition_at", ON_DEMAND, put_null},
	{"shared_link_permission_options", ON_DEMAND, put_options},
	{"is_associated_with_app_item", ON_DEMAND, put_false},
	{NULL, ON_DEMAND, NULL},
};

static const struct field folder_fields[] = {
	{"sequence_id", IN_MINI, put_sequence},
	{"etag", IN_MINI, put_etag},
	{"name", IN_MINI, put_name},
	{"created_at", IN_STANDARD, put_time},
	{"modified_at", IN_STANDARD, put_time},
	{"description", IN_STANDARD, put_description},
	{"size", IN_STANDARD, put_size},
	{"path_collection", IN_STANDARD, put_path},
	{"created_by", IN_STANDARD, put_user},
	{"modified_by", IN_STANDARD, put_user},
	{"trashed_at", IN_STANDARD, put_time},
	{"purged_at", IN_STANDARD, put_time},
	{"content_created_at", IN_STANDARD, put_time},
	{"content_modified_at", IN_STANDARD, put_time},
	{"owned_by", IN_STANDARD, put_user},
	{"shared_link", IN_STANDARD, put_link},
	{"folder_upload_email", IN_STANDARD, put_null},
	{"parent", IN_STANDARD, put_parent},
	{"item_status", IN_STANDARD, put_status},
	{"item_collection", IN_STANDARD, put_children},
	{"has_collaborations", ON_DEMAND, put_has_collabs},
	{"permissions", ON_DEMAND, put_permissions},
	{"tags", ON_DEMAND, put_tags},
	{"can_non_owners_invite", ON_DEMAND, put_invites},
	{"is_externally_owned", ON_DEMAND, put_false},
	{"metadata", ON_DEMAND, put_metadata},
	{"is_collaboration_restricted_to_enterprise", ON_DEMAND, put_false},
	{"allowed_shared_link_access_levels", ON_DEMAND, put_levels},
	{"allowed_invitee_roles", ON_DEMAND, put_roles},
	{"watermark_info", ON_DEMAND, put_watermark},
	{"is_accessible_via_shared_link", ON_DEMAND, put_linked},
	{"can_non_owners_view_collaborators", ON_DEMAND, put_true},
	{"classification", ON_DEMAND, put_classification},
	{"is_associated_with_app_item", ON_DEMAND, put_false},
	{NULL, ON_DEMAND, NULL},
};

cJSON *bx_item_json(struct bx_ctx *c, const struct bx_item *it, enum bx_shape shape, const char *fields)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", it->kind == BX_FILE ? "file" : "folder");
	bx_id(o, "id", it->id);
	for (const struct field *f = it->kind == BX_FILE ? file_fields : folder_fields; f->name; f++) {
		if (f->level == IN_MINI || (fields ? bx_wants(fields, f->name)
						   : shape == BX_STANDARD && f->level == IN_STANDARD))
			f->put(c, it, o, f->name);
	}
	return o;
}

/* An item that lies in the trash, or came back from it: fewer fields, none of them left out. */
cJSON *bx_trash_json(struct bx_ctx *c, const struct bx_item *it, const char *fields, bool restored)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", it->kind == BX_FILE ? "file" : "folder");
	bx_id(o, "id", it->id);
	for (const struct field *f = it->kind == BX_FILE ? file_fields : folder_fields; f->name; f++) {
		if (f->level == ON_DEMAND || !strcmp(f->name, "item_collection") ||
			(fields && f->level != IN_MINI && !bx_wants(fields, f->name)))
			continue;
		if (!strcmp(f->name, "shared_link")) {
			cJSON_AddNullToObject(o, f->name);
		} else if (!strcmp(f->name, "path_collection") && !restored) {
			cJSON *path = cJSON_AddObjectToObject(o, f->name), *trash = cJSON_CreateObject();
			bx_num(path, "total_count", 1);
			cJSON_AddStringToObject(trash, "type", "folder");
			cJSON_AddStringToObject(trash, "id", "1");
			cJSON_AddNullToObject(trash, "sequence_id");
			cJSON_AddNullToObject(trash, "etag");
			cJSON_AddStringToObject(trash, "name", "Trash");
			cJSON_AddItemToArray(cJSON_AddArrayToObject(path, "entries"), trash);
		} else {
			f->put(c, it, o, f->name);
		}
	}
	return o;
}
