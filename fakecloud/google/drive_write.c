/* Changing Drive: files.create, update, copy, delete and trash, by the rules of ownership. */
#include "fakecloud/google/drive.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- metadata of a body ---- */

static int bad_time(struct gg_call *c)
{
	return gg_error_at(c, 400, "invalid", "parameter", "modifiedTime", "Invalid value for a time.");
}

/* {"k": "v", "gone": null} into *at. */
static void merge(cJSON **at, const cJSON *wish)
{
	const cJSON *e;

	if (!cJSON_IsObject(wish))
		return;
	if (!*at)
		*at = cJSON_CreateObject();
	cJSON_ArrayForEach(e, wish)
	{
		cJSON_DeleteItemFromObjectCaseSensitive(*at, e->string);
		if (cJSON_IsString(e))
			cJSON_AddStringToObject(*at, e->string, e->valuestring);
	}
	if (!(*at)->child) {
		json_free(*at);
		*at = NULL;
	}
}

static int set_restrictions(struct gg_call *c, struct gd_file *f, const cJSON *list)
{
	enum gd_role role = gd_role_of(f, c->user);
	const cJSON *old, *e;
	cJSON *fresh;

	if (!cJSON_IsArray(list))
		return 0;
	cJSON_ArrayForEach(old, f->restrictions)
	{
		if (json_bool(old, "ownerRestricted") && role < GD_ORGANIZER)
			return gd_forbidden(c);
	}
	fresh = cJSON_CreateArray();
	cJSON_ArrayForEach(e, list)
	{
		const char *reason = json_str(e, "reason");
		if (!json_bool(e, "readOnly"))
			continue;
		if (json_bool(e, "ownerRestricted") && role < GD_ORGANIZER) {
			json_free(fresh);
			return gd_forbidden(c);
		}
		cJSON *o = cJSON_CreateObject();
		cJSON_AddBoolToObject(o, "readOnly", true);
		if (reason)
			cJSON_AddStringToObject(o, "reason", reason);
		cJSON_AddItemToObject(o, "restrictingUser", gd_user_json(c, c->user));
		gg_add_time(o, "restrictionTime", fc_now());
		cJSON_AddStringToObject(o, "type", "globalContentRestriction");
		cJSON_AddBoolToObject(o, "ownerRestricted", json_bool(e, "ownerRestricted"));
		cJSON_AddBoolToObject(o, "systemRestricted", false);
		cJSON_AddItemToArray(fresh, o);
	}
	json_free(f->restrictions);
	f->restrictions = fresh->child ? fresh : NULL;
	if (!f->restrictions)
		json_free(fresh);
	return 0;
}

static void take_bool(const cJSON *body, const char *key, bool *at, bool negate)
{
	const cJSON *v = json_get(body, key);

	if (cJSON_IsBool(v))
		*at = cJSON_IsTrue(v) != negate;
}

/* Everything of a body that create, copy and update share. */
static int apply(struct gg_call *c, struct gd_file *f, const cJSON *body)
{
	const char *s;
	const cJSON *limits = json_path(body, "downloadRestrictions", "itemDownloadRestriction", NULL);

	if ((s = json_str(body, "createdTime")) && time_parse(s, &f->created) < 0)
		return bad_time(c);
	if ((s = json_str(body, "modifiedTime")) && time_parse(s, &f->modified) < 0)
		return bad_time(c);
	if ((s = json_str(body, "name")) && *s)
		gd_set(&f->name, s);
	if ((s = json_str(body, "description")))
		gd_set(&f->description, s);
	if ((s = json_str(body, "folderColorRgb")))
		gd_set(&f->color, s);
	if ((s = json_str(body, "originalFilename")))
		gd_set(&f->original_name, s);
	take_bool(body, "starred", &f->starred, false);
	take_bool(body, "copyRequiresWriterPermission", &f->copy_requires_writer, false);
	take_bool(body, "viewersCanCopyContent", &f->copy_requires_writer, true);
	take_bool(body, "writersCanShare", &f->writers_cannot_share, true);
	take_bool(limits, "restrictedForReaders", &f->restricted_readers, false);
	take_bool(limits, "restrictedForWriters", &f->restricted_writers, false);
	merge(&f->properties, json_get(body, "properties"));
	merge(&f->app_properties, json_get(body, "appProperties"));
	return set_restrictions(c, f, json_get(body, "contentRestrictions"));
}

/* The type that content shall have: the body's, else the upload's, else by name. */
static const char *mime_for(struct gg_call *c, const cJSON *body, const char *name)
{
	const char *mime = json_str(body, "mimeType"), *type = c->media ? c->media->type : NULL;

	if (mime && *mime)
		return mime;
	if (type && *type && strcmp(type, "*/*") != 0)
		return arena_dupn(c->req->arena, type, strcspn(type, "; "));
	return name && c->media ? gd_mime_of(name) : "application/octet-stream";
}

/* ---- where it goes ---- */

static struct gd_file *parent_of(struct gg_call *c, const cJSON *body, struct gd_file *fallback)
{
	const cJSON *parents = json_array(body, "parents");
	int n = cJSON_GetArraySize(parents);

	if (n > 1) {
		gg_error(c, 403, "multipleParentsNotSupported", "A file cannot have more than one parent.");
		return NULL;
	}
	if (!n)
		return fallback;
	return gd_folder_of(c, cJSON_IsString(parents->child) ? parents->child->valuestring : "");
}

static struct gd_file *make(
	struct gg_call *c, const cJSON *body, struct gd_file *parent, const char *name, const char *mime)
{
	const char *id = json_str(body, "id");
	struct gd_file *f;

	if (id && (strlen(id) < 19 || strlen(id) > 60 ||
			  strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
				  strlen(id))) {
		gg_error_at(c, 400, "invalid", "parameter", "file.id", "The provided file ID is not usable.");
		return NULL;
	}
	if (id && map_get(&c->tenant->files, id)) {
		gg_error(c, 409, "fileIdInUse", "A file already exists with the provided ID.");
		return NULL;
	}
	f = gd_file_new(
		c->tenant, id, name, mime, parent, parent->drive ? NULL : c->user, parent->drive, fc_now());
	f->last_user = c->user;
	snprintf(f->client, sizeof(f->client), "%s", c->token->client);
	return f;
}

int gd_files_create(struct gg_call *c)
{
	cJSON *body = gg_body(c);
	const char *name, *mime, *target = json_str(json_get(body, "shortcutDetails"), "targetId");
	struct gd_file *parent, *f, *to = NULL;

	if (!body || gd_check_service(c) < 0 || !(parent = parent_of(c, body, c->user->root)))
		return -1;
	name = json_str(body, "name");
	name = name && *name ? name : "Untitled";
	mime = mime_for(c, body, name);
	if (!strcmp(mime, GG_SHORTCUT)) {
		if (!target)
			return gg_error_at(c, 400, "required", "parameter", "shortcutDetails.targetId",
				"Shortcut target ID is required.");
		to = gd_file_of(c, target);
		if (!to)
			return -1;
		if (!strcmp(to->mime, GG_SHORTCUT))
			return gg_error(c, 403, "shortcutTargetInvalid",
				"The shortcut target type cannot be a shortcut.");
	}
	if (!strcmp(mime, GG_FOLDER) && c->media && c->media->len)
		return gg_error(c, 400, "badRequest", "A folder cannot have content.");
	f = make(c, body, parent, name, mime);
	if (!f)
		return -1;
	if (to) {
		f->target_id = gg_dup(to->id);
		f->target_mime = gg_dup(to->mime);
	}
	if (apply(c, f, body) < 0) {
		gd_attach(f, NULL);
		f->gone = true;
		map_del(&c->tenant->files, f->id);
		return -1;
	}
	if (strcmp(mime, GG_FOLDER) != 0 && !to) {
		gd_file_revise(f,
			fc_blob_from_bytes(c->media ? c->media->data : "", c->media ? c->media->len : 0),
			c->user, f->modified, NULL);
		f->revisions[0].keep = gg_flag(c, "keepRevisionForever", false);
	}
	gd_event_add(f, c->user, "create");
	return gg_reply(c, gd_file_json(c, f, c->mask));
}

/* ---- update ---- */

static int writable_check(struct gg_call *c, const cJSON *body)
{
	static const char *const fixed[] = {"id", "size", "md5Checksum", "sha1Checksum", "sha256Checksum",
		"version", "headRevisionId", "owners", "permissions", "permissionIds", "capabilities",
		"webViewLink", "webContentLink", "driveId", "teamDriveId", "shared", "ownedByMe",
		"lastModifyingUser", "createdTime", "quotaBytesUsed"};

	if (json_get(body, "parents"))
		return gg_error(c, 403, "fieldNotWritable",
			"The parents field is not directly writable in update requests. Use the addParents "
			"and removeParents "
			"parameters instead.");
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (json_get(body, fixed[i]))
			return gg_error(c, 403, "fieldNotWritable",
				"The resource body includes fields which are not directly writable.");
	}
	return 0;
}

static int trash_check(struct gg_call *c, const struct gd_file *f, const cJSON *body)
{
	const cJSON *v = json_get(body, "trashed");

	if (!cJSON_IsBool(v) || cJSON_IsTrue(v) == f->trashed)
		return 0;
	if (!f->parent || gd_role_of(f, c->user) < (f->drive ? GD_FILE_ORGANIZER : GD_OWNER))
		return gd_forbidden(c);
	return 0;
}

/* What the body asks to change beside stars, trash and restrictions needs the right to edit. */
static int edit_check(struct gg_call *c, const struct gd_file *f, const cJSON *body)
{
	enum gd_role role = gd_role_of(f, c->user);
	const cJSON *e, *inherit = json_get(body, "inheritedPermissionsDisabled");

	cJSON_ArrayForEach(e, body)
	{
		const char *k = e->string;
		if (!strcmp(k, "starred") || !strcmp(k, "trashed") || !strcmp(k, "kind"))
			continue;
		if (role < GD_WRITER || (!f->parent && !strcmp(k, "name")))
			return gd_forbidden(c);
		if (!strcmp(k, "name") && !gd_can_modify(f, c->user))
			return gd_forbidden(c);
	}
	if (c->media && !gd_can_modify(f, c->user))
		return gd_forbidden(c);
	if ((cJSON_IsBool(inherit) || json_get(body, "downloadRestrictions")) && role < GD_ORGANIZER)
		return gd_forbidden(c);
	return 0;
}

static void set_trashed(struct gg_call *c, struct gd_file *f, bool on)
{
	f->trashed = on;
	f->trashed_at = on ? fc_now() : 0;
	f->trasher = on ? c->user : NULL;
}

static void take_content(struct gg_call *c, struct gd_file *f, const cJSON *body)
{
	if (!gd_is_native(f) || json_str(body, "mimeType"))
		gd_set(&f->mime, mime_for(c, body, f->name));
	gd_file_revise(f, fc_blob_from_bytes(c->media->data, c->media->len), c->user, fc_now(), NULL);
	f->revisions[f->nrevisions - 1].keep = gg_flag(c, "keepRevisionForever", false);
	f->malware = false;
	f->modified = fc_now();
	f->last_user = c->user;
}

int gd_files_update(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]), *to = NULL;
	cJSON *body = f ? gg_body(c) : NULL;
	const cJSON *trashed, *inherit;
	struct gd_watch w;

	if (!body || writable_check(c, body) < 0 || edit_check(c, f, body) < 0 ||
		trash_check(c, f, body) < 0 || gd_moves_read(c, f, &to) < 0)
		return -1;
	if (c->media && (gd_is_folder(f) || f->target_id))
		return gg_error(
			c, 403, "fileNotUploadable", "Content cannot be uploaded to this kind of file.");
	trashed = json_get(body, "trashed");
	inherit = json_get(body, "inheritedPermissionsDisabled");
	gd_watch_begin(&w, f);
	const char *what = to ? "move" : cJSON_IsTrue(trashed) ? "trash" : c->media ? "edit" : "rename";
	if (apply(c, f, body) < 0) {
		gd_watch_end(&w, c->user, what);
		return -1;
	}
	if (json_get(body, "name") || json_get(body, "description"))
		f->last_user = c->user;
	if ((json_get(body, "name") || json_get(body, "description")) && !json_str(body, "modifiedTime"))
		f->modified = fc_now();
	if (cJSON_IsBool(trashed) && cJSON_IsTrue(trashed) != f->trashed)
		set_trashed(c, f, cJSON_IsTrue(trashed));
	if (cJSON_IsBool(inherit))
		f->inherit_disabled = cJSON_IsTrue(inherit);
	if (c->media)
		take_content(c, f, body);
	if (c->media && json_str(body, "modifiedTime"))
		time_parse(json_str(body, "modifiedTime"), &f->modified);
	if (to) {
		gd_attach(f, to);
		if (to->drive != f->drive)
			gd_set_place(f, to->drive, c->user);
	}
	gd_watch_end(&w, c->user, what);
	return gg_reply(c, gd_file_json(c, f, c->mask));
}

/* ---- copy ---- */

int gd_files_copy(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]), *parent, *copy;
	cJSON *body = f ? gg_body(c) : NULL;
	const struct gd_revision *head = f ? gd_head(f) : NULL;
	const char *name, *mime;

	if (!body)
		return -1;
	if (gd_is_folder(f) || !gd_can_download(f, c->user) || f->malware)
		return gg_error(c, 403, "cannotCopyFile", "This file cannot be copied by the user.");
	parent = f->parent && gd_role_of(f->parent, c->user) >= GD_WRITER ? f->parent : c->user->root;
	parent = parent_of(c, body, parent);
	if (!parent)
		return -1;
	name = json_str(body, "name");
	if (!name || !*name)
		name = arena_printf(c->req->arena, "Copy of %s", f->name);
	mime = json_str(body, "mimeType");
	copy = make(c, body, parent, name, mime && *mime ? mime : f->mime);
	if (!copy)
		return -1;
	gd_set(&copy->description, f->description);
	merge(&copy->properties, f->properties);
	merge(&copy->app_properties, f->app_properties);
	if (f->target_id) {
		copy->target_id = gg_dup(f->target_id);
		copy->target_mime = gg_dup(f->target_mime);
	}
	if (apply(c, copy, body) < 0) {
		gd_attach(copy, NULL);
		copy->gone = true;
		map_del(&c->tenant->files, copy->id);
		return -1;
	}
	if (head)
		gd_file_revise(copy, head->blob, c->user, copy->modified, NULL);
	gd_event_add(copy, c->user, "copy");
	return gg_reply(c, gd_file_json(c, copy, c->mask));
}

/* ---- delete ---- */

static void mark_gone(struct gd_file *f)
{
	f->gone = true;
	map_del(&f->tenant->files, f->id);
	for (size_t i = 0; i < f->nchildren; i++)
		mark_gone(f->children[i]);
}

static void remove_file(struct gg_call *c, struct gd_file *f)
{
	struct gd_watch w;

	gd_watch_begin(&w, f);
	mark_gone(f);
	gd_watch_end(&w, c->user, "delete");
	gd_attach(f, NULL);
}

int gd_files_delete(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);

	if (!f)
		return -1;
	if (!f->parent ||
		gd_role_of(f->drive ? f->parent : f, c->user) < (f->drive ? GD_ORGANIZER : GD_OWNER))
		return gd_forbidden(c);
	remove_file(c, f);
	return gg_reply_empty(c, 204);
}

int gd_files_empty_trash(struct gg_call *c)
{
	struct gd_drive *d = gd_drive_find(c->tenant, gg_query(c, "driveId"));

	if (gd_check_service(c) < 0)
		return -1;
	if (gg_query(c, "driveId") && (!d || gd_role_of(d->root, c->user) < GD_ORGANIZER))
		return d ? gd_forbidden(c)
			 : gg_error_at(c, 404, "notFound", "parameter", "driveId",
				   "Shared drive not found: %s", gg_query(c, "driveId"));
	for (size_t i = 0; i < c->tenant->nall; i++) {
		struct gd_file *f = c->tenant->all[i];
		if (!f->gone && f->trashed && (d ? f->drive == d : f->owner == c->user))
			remove_file(c, f);
	}
	return gg_reply_empty(c, 204);
}
