/* Drive's resources as JSON. What the mask does not take is not computed: digests read content. */
#include "fakecloud/google/drive.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct out {
	struct gg_call *c;
	cJSON *o;
	const struct mask *mask;
};

static bool wants(const struct out *w, const char *name)
{
	return mask_wants(w->mask, name);
}

static void put(const struct out *w, const char *name, const char *value)
{
	if (value && wants(w, name))
		cJSON_AddStringToObject(w->o, name, value);
}

static void put_bool(const struct out *w, const char *name, bool value)
{
	if (wants(w, name))
		cJSON_AddBoolToObject(w->o, name, value);
}

static void put_time(const struct out *w, const char *name, int64_t ms)
{
	if (wants(w, name))
		gg_add_time(w->o, name, ms);
}

static void put_i64(const struct out *w, const char *name, int64_t value)
{
	if (wants(w, name))
		gg_add_i64(w->o, name, value);
}

static void put_copy(const struct out *w, const char *name, const cJSON *value)
{
	if (value && wants(w, name))
		cJSON_AddItemToObject(w->o, name, cJSON_Duplicate(value, true));
}

cJSON *gd_user_json(struct gg_call *c, const struct gg_user *u)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "kind", "drive#user");
	cJSON_AddStringToObject(o, "displayName", u->service ? u->email : u->full);
	cJSON_AddBoolToObject(o, "me", u == c->user);
	cJSON_AddStringToObject(o, "permissionId", u->perm_id);
	cJSON_AddStringToObject(o, "emailAddress", u->email);
	return o;
}

static void put_user(const struct out *w, const char *name, const struct gg_user *u)
{
	if (u && wants(w, name))
		cJSON_AddItemToObject(w->o, name, gd_user_json(w->c, u));
}

/* ---- files ---- */

static cJSON *capabilities(struct gg_call *c, const struct gd_file *f)
{
	enum gd_role role = gd_role_of(f, c->user);
	bool folder = gd_is_folder(f), shared = f->drive != NULL, root = !f->parent;
	bool edit = role >= GD_WRITER, owner = role >= GD_OWNER, modify = gd_can_modify(f, c->user);
	bool manage = shared ? role >= GD_FILE_ORGANIZER : owner,
	     organizer = shared ? role >= GD_ORGANIZER : owner;
	bool restricted = f->restrictions != NULL;
	const struct {
		const char *name;
		int value; /* -1: not populated */
	} all[] = {
		{"canAcceptOwnership", shared ? -1 : 0},
		{"canAddChildren", folder && edit},
		{"canAddFolderFromAnotherDrive", shared ? folder && role >= GD_FILE_ORGANIZER : -1},
		{"canAddMyDriveParent", shared ? -1 : 0},
		{"canChangeCopyRequiresWriterPermission", edit},
		{"canChangeItemDownloadRestriction", organizer},
		{"canChangeSecurityUpdateEnabled", 0},
		{"canChangeViewersCanCopyContent", edit},
		{"canComment", role >= GD_COMMENTER && !folder},
		{"canCopy", !folder && gd_can_download(f, c->user)},
		{"canDelete", organizer && !root},
		{"canDeleteChildren", shared ? folder && role >= GD_ORGANIZER : -1},
		{"canDisableInheritedPermissions", folder && organizer && !f->inherit_disabled},
		{"canDownload", !folder && gd_can_download(f, c->user)},
		{"canEdit", edit},
		{"canEnableInheritedPermissions", folder && organizer && f->inherit_disabled},
		{"canListChildren", folder},
		{"canModifyContent", modify},
		{"canModifyContentRestriction", edit && !folder},
		{"canModifyEditorContentRestriction", edit && !folder},
		{"canModifyLabels", edit},
		{"canModifyOwnerContentRestriction", organizer && !folder},
		{"canMoveChildrenOutOfDrive", shared ? folder && role >= GD_ORGANIZER : -1},
		{"canMoveChildrenOutOfTeamDrive", shared ? folder && role >= GD_ORGANIZER : -1},
		{"canMoveChildrenWithinDrive", folder && edit},
		{"canMoveChildrenWithinTeamDrive", shared ? folder && edit : -1},
		{"canMoveItemIntoTeamDrive", owner && !folder && !root},
		{"canMoveItemOutOfDrive", shared ? role >= GD_ORGANIZER && !root : owner && !root},
		{"canMoveItemOutOfTeamDrive", shared ? role >= GD_ORGANIZER && !root : -1},
		{"canMoveItemWithinDrive", (shared ? manage : edit) && !root},
		{"canMoveItemWithinTeamDrive", shared ? manage && !root : -1},
		{"canMoveTeamDriveItem", shared ? manage && !root : -1},
		{"canReadDrive", shared ? role != GD_NONE : -1},
		{"canReadLabels", !folder},
		{"canReadRevisions", !folder && edit},
		{"canReadTeamDrive", shared ? role != GD_NONE : -1},
		{"canRemoveChildren", shared ? 0 : folder && edit},
		{"canRemoveContentRestriction", restricted && edit},
		{"canRemoveMyDriveParent", shared ? -1 : owner},
		{"canRename", modify && !root},
		{"canShare", gd_can_share(f, c->user)},
		{"canTrash", manage && !root},
		{"canTrashChildren", shared ? folder && role >= GD_FILE_ORGANIZER : -1},
		{"canUntrash", manage && !root},
	};
	cJSON *o = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].value >= 0)
			cJSON_AddBoolToObject(o, all[i].name, all[i].value);
	}
	return o;
}

static void put_blob(const struct out *w, const struct gd_file *f, const struct gd_revision *r)
{
	unsigned which = (wants(w, "md5Checksum") ? DIGEST_MD5 : 0) |
			 (wants(w, "sha1Checksum") ? DIGEST_SHA1 : 0) |
			 (wants(w, "sha256Checksum") ? DIGEST_SHA256 : 0);
	const char *dot = strrchr(f->name, '.');
	const char *ext = dot && dot[1] && dot != f->name ? dot + 1 : "";
	size_t n = strlen(f->name);

	if (which) {
		const struct digests *d = fc_blob_digests(r->blob, which);
		put(w, "md5Checksum", d->md5);
		put(w, "sha1Checksum", d->sha1);
		put(w, "sha256Checksum", d->sha256);
	}
	put(w, "headRevisionId", r->id);
	put(w, "originalFilename", f->original_name ? f->original_name : f->name);
	put(w, "fileExtension", ext);
	put(w, "fullFileExtension", n > 7 && !strcasecmp(f->name + n - 7, ".tar.gz") ? f->name + n - 6 : ext);
	put(w, "webContentLink",
		arena_printf(w->c->req->arena, "https://drive.google.com/uc?id=%s&export=download", f->id));
}

static void put_exports(const struct out *w, const struct gd_file *f)
{
	const char *const *types = gd_export_types(f->mime);

	if (!types || !wants(w, "exportLinks"))
		return;
	cJSON *links = cJSON_AddObjectToObject(w->o, "exportLinks");
	for (; *types; types++)
		cJSON_AddStringToObject(links, *types,
			arena_printf(w->c->req->arena, "%s/drive/v3/files/%s/export?mimeType=%s",
				gg_base(w->c), f->id, *types));
}

static void put_links(const struct out *w, const struct gd_file *f)
{
	struct arena *a = w->c->req->arena;
	const char *kind = !strcmp(f->mime, GG_NATIVE "document")	? "document"
			   : !strcmp(f->mime, GG_NATIVE "spreadsheet")	? "spreadsheets"
			   : !strcmp(f->mime, GG_NATIVE "presentation") ? "presentation"
									: NULL;

	if (gd_is_folder(f))
		put(w, "webViewLink", arena_printf(a, "https://drive.google.com/drive/folders/%s", f->id));
	else if (kind)
		put(w, "webViewLink",
			arena_printf(a, "https://docs.google.com/%s/d/%s/edit?usp=drivesdk", kind, f->id));
	else
		put(w, "webViewLink",
			arena_printf(a, "https://drive.google.com/file/d/%s/view?usp=drivesdk", f->id));
	put(w, "iconLink",
		arena_printf(a, "https://drive-thirdparty.googleusercontent.com/16/type/%s", f->mime));
}

static void put_sharing(const struct out *w, const struct gd_file *f)
{
	bool ids = wants(w, "permissionIds"),
	     full = wants(w, "permissions") && !f->drive && gd_can_share(f, w->c->user);
	size_t n;

	if (!f->drive) {
		bool shared = false;
		for (const struct gd_file *p = f; p && !shared; p = p->parent)
			shared = p->nperms > 0;
		put_bool(w, "shared", shared);
		put_bool(w, "ownedByMe", f->owner == w->c->user);
		put_bool(w, "writersCanShare", !f->writers_cannot_share);
		if (f->owner && wants(w, "owners"))
			cJSON_AddItemToArray(
				cJSON_AddArrayToObject(w->o, "owners"), gd_user_json(w->c, f->owner));
		const struct gd_perm *mine = gd_perm_find(f, w->c->user->perm_id);
		if (mine && f->owner != w->c->user) {
			put_time(w, "sharedWithMeTime", f->created);
			put_user(w, "sharingUser", f->owner);
		}
	} else {
		put(w, "driveId", f->drive->root->id);
		put(w, "teamDriveId", f->drive->root->id);
		put_bool(w, "hasAugmentedPermissions", f != f->drive->root && f->nperms > 0);
	}
	if (!ids && !full)
		return;
	struct gd_grant *g = gd_grants(w->c->req->arena, f, &n);
	cJSON *id_list = ids ? cJSON_AddArrayToObject(w->o, "permissionIds") : NULL;
	cJSON *list = full ? cJSON_AddArrayToObject(w->o, "permissions") : NULL;
	for (size_t i = 0; i < n; i++) {
		if (ids)
			cJSON_AddItemToArray(id_list,
				cJSON_CreateString(g[i].direct ? g[i].direct->id : g[i].inherited->id));
		if (full)
			cJSON_AddItemToArray(list, gd_perm_json(w->c, &g[i], f));
	}
}

static void put_restrictions(const struct out *w, const struct gd_file *f)
{
	if (wants(w, "downloadRestrictions") && !gd_is_folder(f)) {
		cJSON *o = cJSON_AddObjectToObject(w->o, "downloadRestrictions");
		cJSON *item = cJSON_AddObjectToObject(o, "itemDownloadRestriction");
		cJSON_AddBoolToObject(item, "restrictedForReaders", f->restricted_readers);
		cJSON_AddBoolToObject(item, "restrictedForWriters", f->restricted_writers);
		item = cJSON_AddObjectToObject(o, "effectiveDownloadRestrictionWithContext");
		cJSON_AddBoolToObject(
			item, "restrictedForReaders", f->restricted_readers || f->copy_requires_writer);
		cJSON_AddBoolToObject(item, "restrictedForWriters", f->restricted_writers);
	}
	put_copy(w, "contentRestrictions", f->restrictions);
	put_bool(w, "copyRequiresWriterPermission", f->copy_requires_writer);
	put_bool(w, "viewersCanCopyContent", !f->copy_requires_writer);
	put_bool(w, "inheritedPermissionsDisabled", f->inherit_disabled);
}

cJSON *gd_file_json(struct gg_call *c, struct gd_file *f, const struct mask *m)
{
	struct out w = {.c = c, .o = cJSON_CreateObject(), .mask = m};
	const struct gd_revision *head = gd_head(f);
	bool native = gd_is_native(f);

	put(&w, "kind", "drive#file");
	put(&w, "id", f->id);
	put(&w, "name", f->drive && f == f->drive->root ? f->drive->name : f->name);
	put(&w, "mimeType", f->mime);
	put(&w, "description", f->description);
	put_bool(&w, "starred", f->starred);
	put_bool(&w, "trashed", gd_trashed(f));
	put_bool(&w, "explicitlyTrashed", f->trashed);
	if (f->drive && f->trashed) {
		put_time(&w, "trashedTime", f->trashed_at);
		put_user(&w, "trashingUser", f->trasher);
	}
	if (f->parent && wants(&w, "parents") && gd_role_of(f->parent, c->user) != GD_NONE)
		cJSON_AddItemToArray(
			cJSON_AddArrayToObject(w.o, "parents"), cJSON_CreateString(f->parent->id));
	put_copy(&w, "properties", f->properties);
	put_copy(&w, "appProperties", f->app_properties);
	if (wants(&w, "spaces"))
		cJSON_AddItemToArray(cJSON_AddArrayToObject(w.o, "spaces"), cJSON_CreateString("drive"));
	put_i64(&w, "version", f->version);
	put_links(&w, f);
	put_bool(&w, "hasThumbnail", false);
	put_i64(&w, "thumbnailVersion", 0);
	put_bool(&w, "viewedByMe", false);
	put_time(&w, "createdTime", f->created);
	put_time(&w, "modifiedTime", f->modified);
	put_bool(&w, "modifiedByMe", f->last_user == c->user);
	if (f->last_user == c->user)
		put_time(&w, "modifiedByMeTime", f->modified);
	put_user(&w, "lastModifyingUser", f->last_user);
	put_sharing(&w, f);
	if (wants(&w, "capabilities"))
		cJSON_AddItemToObject(w.o, "capabilities", capabilities(c, f));
	put_restrictions(&w, f);
	put_bool(&w, "isAppAuthorized", !strcmp(f->client, c->token->client));
	put(&w, "folderColorRgb", f->color ? f->color : gd_is_folder(f) ? "#8f8f8f" : NULL);
	if (head)
		put_i64(&w, "size", fc_blob_size(head->blob));
	put_i64(&w, "quotaBytesUsed", head && !native ? fc_blob_size(head->blob) : 0);
	if (head && !native)
		put_blob(&w, f, head);
	if (native)
		put_exports(&w, f);
	put(&w, "resourceKey", *f->resource_key ? f->resource_key : NULL);
	if (wants(&w, "linkShareMetadata")) {
		cJSON *o = cJSON_AddObjectToObject(w.o, "linkShareMetadata");
		cJSON_AddBoolToObject(o, "securityUpdateEligible", *f->resource_key != 0);
		cJSON_AddBoolToObject(o, "securityUpdateEnabled", true);
	}
	if (f->target_id && wants(&w, "shortcutDetails")) {
		cJSON *o = cJSON_AddObjectToObject(w.o, "shortcutDetails");
		cJSON_AddStringToObject(o, "targetId", f->target_id);
		cJSON_AddStringToObject(o, "targetMimeType", f->target_mime);
	}
	return w.o;
}

/* ---- the rest ---- */

cJSON *gd_revision_json(
	struct gg_call *c, const struct gd_file *f, const struct gd_revision *r, const struct mask *m)
{
	struct out w = {.c = c, .o = cJSON_CreateObject(), .mask = m};
	bool native = gd_is_native(f);

	put(&w, "kind", "drive#revision");
	put(&w, "id", r->id);
	put(&w, "mimeType", r->mime);
	put_time(&w, "modifiedTime", r->modified);
	put_user(&w, "lastModifyingUser", r->by);
	put_bool(&w, "published", false);
	if (native) {
		put_exports(&w, f);
		return w.o;
	}
	put_bool(&w, "keepForever", r->keep);
	put(&w, "originalFilename", r->name);
	put_i64(&w, "size", fc_blob_size(r->blob));
	if (wants(&w, "md5Checksum"))
		put(&w, "md5Checksum", fc_blob_digests(r->blob, DIGEST_MD5)->md5);
	return w.o;
}

cJSON *gd_drive_json(struct gg_call *c, const struct gd_drive *d)
{
	static const char *const restrictions[] = {"adminManagedRestrictions", "copyRequiresWriterPermission",
		"domainUsersOnly", "driveMembersOnly", "sharingFoldersRequiresOrganizerPermission"};
	enum gd_role role = gd_role_of(d->root, c->user);
	bool organizer = role >= GD_ORGANIZER, edit = role >= GD_WRITER, manage = role >= GD_FILE_ORGANIZER;
	const struct {
		const char *name;
		bool value;
	} caps[] = {
		{"canAddChildren", edit},
		{"canChangeCopyRequiresWriterPermissionRestriction", organizer},
		{"canChangeDomainUsersOnlyRestriction", organizer},
		{"canChangeDownloadRestriction", organizer},
		{"canChangeDriveBackground", organizer},
		{"canChangeDriveMembersOnlyRestriction", organizer},
		{"canChangeSharingFoldersRequiresOrganizerPermissionRestriction", organizer},
		{"canComment", role >= GD_COMMENTER},
		{"canCopy", role >= GD_READER},
		{"canDeleteChildren", organizer},
		{"canDeleteDrive", organizer},
		{"canDownload", role >= GD_READER},
		{"canEdit", edit},
		{"canListChildren", role >= GD_READER},
		{"canManageMembers", organizer},
		{"canReadRevisions", edit},
		{"canRename", edit},
		{"canRenameDrive", organizer},
		{"canResetDriveRestrictions", organizer},
		{"canShare", organizer},
		{"canTrashChildren", manage},
	};
	cJSON *o = cJSON_CreateObject(), *sub;
	size_t me = (size_t)c->user->index;

	cJSON_AddStringToObject(o, "kind", "drive#drive");
	cJSON_AddStringToObject(o, "id", d->root->id);
	cJSON_AddStringToObject(o, "name", d->name);
	cJSON_AddStringToObject(o, "colorRgb", d->color ? d->color : "#4ca0e6");
	gg_add_time(o, "createdTime", d->created);
	cJSON_AddBoolToObject(o, "hidden", me < d->nhidden && d->hidden[me]);
	sub = cJSON_AddObjectToObject(o, "restrictions");
	for (size_t i = 0; i < ARRAY_SIZE(restrictions); i++)
		cJSON_AddBoolToObject(sub, restrictions[i], json_bool(d->restrictions, restrictions[i]));
	sub = cJSON_AddObjectToObject(o, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		cJSON_AddBoolToObject(sub, caps[i].name, caps[i].value);
	return o;
}

const char *const *gd_export_types(const char *mime)
{
#define OFFICE "application/vnd.openxmlformats-officedocument."
	static const char *const document[] = {OFFICE "wordprocessingml.document",
		"application/vnd.oasis.opendocument.text", "application/rtf", "application/pdf", "text/plain",
		"text/html", "application/zip", "application/epub+zip", "text/markdown", NULL};
	static const char *const sheet[] = {OFFICE "spreadsheetml.sheet",
		"application/x-vnd.oasis.opendocument.spreadsheet",
		"application/vnd.oasis.opendocument.spreadsheet", "application/pdf", "application/zip",
		"text/csv", "text/tab-separated-values", NULL};
	static const char *const slides[] = {OFFICE "presentationml.presentation",
		"application/vnd.oasis.opendocument.presentation", "application/pdf", "text/plain",
		"image/jpeg", "image/png", "image/svg+xml", NULL};
	static const char *const drawing[] = {
		"application/pdf", "image/jpeg", "image/png", "image/svg+xml", NULL};
	static const char *const script[] = {"application/vnd.google-apps.script+json", NULL};

	if (!gg_has_prefix(mime, GG_NATIVE))
		return NULL;
	mime += strlen(GG_NATIVE);
	return !strcmp(mime, "document")       ? document
	       : !strcmp(mime, "spreadsheet")  ? sheet
	       : !strcmp(mime, "presentation") ? slides
	       : !strcmp(mime, "drawing")      ? drawing
	       : !strcmp(mime, "script")       ? script
					       : NULL;
}
