/* Content of Drive: alt=media, export, the long-running files.download, revisions. */
#include "fakecloud/google/drive.h"

#include "base/encode.h"
#include "base/units.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define EXPORT_MAX (10 << 20)
#define OPERATION_LIFE_MS 86400000LL

static int send_blob(struct gg_call *c, struct fc_blob *blob, const char *type)
{
	c->res->status = 200;
	c->res->blob = blob;
	gg_header(c, "Content-Type", type);
	gg_header(c, "Cache-Control", "private, max-age=0, must-revalidate");
	return 0;
}

int gd_bad_acknowledgment(struct gg_call *c)
{
	return gg_error_at(c, 403, "invalidAbuseAcknowledgment", "parameter", "acknowledgeAbuse",
		"The acknowledgeAbuse query parameter should only be set when the file has been identified "
		"as "
		"abusive.");
}

/* Malware goes to its owner or a drive's organizer who says so, and to nobody else. */
static int abuse_check(struct gg_call *c, const struct gd_file *f)
{
	bool said = gg_flag(c, "acknowledgeAbuse", false);

	if (said && !f->malware)
		return gd_bad_acknowledgment(c);
	if (f->malware && (!said || gd_role_of(f, c->user) < GD_ORGANIZER))
		return gg_error(c, 403, "cannotDownloadAbusiveFile",
			"This file has been identified as malware or spam and cannot be downloaded.");
	return 0;
}

static int download_check(struct gg_call *c, const struct gd_file *f, const struct gd_revision *r)
{
	/* Tokens for metadata alone see no content. */
	if (!gg_has_scope(c->token, "drive drive.file drive.readonly drive.meet.readonly drive.appdata "
				    "drive.photos.readonly"))
		return gg_error(c, 403, "insufficientPermissions",
			"Insufficient Permission: Request had insufficient authentication scopes.");
	if (!r || gd_is_native(f))
		return gg_error_at(c, 403, "fileNotDownloadable", "parameter", "alt",
			"Only files with binary content can be downloaded. Use Export with Docs Editors "
			"files.");
	if (abuse_check(c, f) < 0)
		return -1;
	if (!gd_can_download(f, c->user))
		return gg_error(c, 403, "cannotDownloadFile", "This file cannot be downloaded by the user.");
	return 0;
}

int gd_send_media(struct gg_call *c, struct gd_file *f, const struct gd_revision *r)
{
	if (download_check(c, f, r) < 0)
		return -1;
	return send_blob(c, r->blob, r->mime);
}

static bool exportable(const struct gd_file *f, const char *type)
{
	const char *const *t = gd_is_native(f) ? gd_export_types(f->mime) : NULL;

	for (; t && *t; t++) {
		if (!strcasecmp(*t, type))
			return true;
	}
	return false;
}

static int export_check(struct gg_call *c, const struct gd_file *f, const char *type)
{
	if (!gd_is_native(f) || !gd_head(f))
		return gg_error(c, 403, "fileNotExportable", "Export only supports Docs Editors files.");
	if (!exportable(f, type))
		return gg_error(c, 400, "badRequest", "The requested conversion is not supported.");
	if (!gd_can_download(f, c->user))
		return gg_error(c, 403, "cannotExportFile", "This file cannot be exported by the user.");
	return 0;
}

int gd_files_export(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);
	const char *type = gg_query(c, "mimeType");

	if (!f)
		return -1;
	if (!type || !*type)
		return gg_error_at(
			c, 400, "required", "parameter", "mimeType", "Required parameter: mimeType");
	if (export_check(c, f, type) < 0)
		return -1;
	if (fc_blob_size(gd_head(f)->blob) > EXPORT_MAX)
		return gg_error(c, 403, "exportSizeLimitExceeded", "This file is too large to be exported.");
	return send_blob(c, gd_head(f)->blob, type);
}

/* ---- files.download ---- */

struct operation {
	char id[48];
	struct gg_tenant *tenant;
	const struct gg_user *user;
	struct fc_blob *blob;
	const char *type;
	int64_t created;
	int polls;
};

static struct map operations;

static cJSON *operation_json(struct gg_call *c, const struct operation *op, bool done)
{
	cJSON *doc = cJSON_CreateObject(), *o;

	cJSON_AddStringToObject(doc, "name", op->id);
	o = cJSON_AddObjectToObject(doc, "metadata");
	cJSON_AddStringToObject(o, "@type", "type.googleapis.com/google.apps.drive.v3.DownloadFileMetadata");
	if (!done)
		return doc;
	cJSON_AddBoolToObject(doc, "done", true);
	o = cJSON_AddObjectToObject(doc, "response");
	cJSON_AddStringToObject(o, "@type", "type.googleapis.com/google.apps.drive.v3.DownloadFileResponse");
	cJSON_AddStringToObject(o, "downloadUri",
		arena_printf(
			c->req->arena, "%s/drive/v3/operations/%s/content?alt=media", gg_base(c), op->id));
	cJSON_AddBoolToObject(o, "partialDownloadAllowed", true);
	return doc;
}

static const struct gd_revision *revision_of(const struct gd_file *f, const char *id)
{
	if (!strcmp(id, "head"))
		return gd_head(f);
	for (size_t i = 0; i < f->nrevisions; i++) {
		if (!strcmp(f->revisions[i].id, id))
			return &f->revisions[i];
	}
	return NULL;
}

int gd_files_download(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);
	const char *type = gg_query(c, "mimeType"), *revision = gg_query(c, "revisionId");
	const struct gd_revision *r = f ? gd_head(f) : NULL;
	struct operation *op;

	if (!f)
		return -1;
	if (revision && *revision && !(r = revision_of(f, revision)))
		return gg_error_at(
			c, 404, "notFound", "parameter", "revisionId", "Revision not found: %s.", revision);
	if (gd_is_native(f)) {
		if (!type || !*type)
			type = gd_export_types(f->mime) ? gd_export_types(f->mime)[0] : "";
		if (export_check(c, f, type) < 0)
			return -1;
	} else {
		if (type && *type)
			return gg_error_at(c, 400, "invalid", "parameter", "mimeType",
				"The mimeType can only be set for Google Workspace documents.");
		if (download_check(c, f, r) < 0)
			return -1;
		type = r->mime;
	}
	op = gg_alloc(sizeof(*op));
	gg_new_id(op->id, 40, "op");
	op->tenant = c->tenant;
	op->user = c->user;
	op->blob = r->blob;
	op->type = gg_dup(type);
	op->created = fc_now();
	map_put(&operations, op->id, op);
	return gg_reply(c, operation_json(c, op, false));
}

static struct operation *operation_of(struct gg_call *c)
{
	const char *id =
		gg_has_prefix(c->var[0], "operations/") ? c->var[0] + strlen("operations/") : c->var[0];
	struct operation *op = map_get(&operations, id);

	if (op && op->user == c->user && op->created + OPERATION_LIFE_MS > fc_now())
		return op;
	gg_error_at(c, 404, "notFound", "parameter", "name", "Operation not found: %s.", id);
	return NULL;
}

int gd_operations_get(struct gg_call *c)
{
	struct operation *op = operation_of(c);

	/* The first look finds it still at work. */
	return op ? gg_reply(c, operation_json(c, op, op->polls++ > 0)) : -1;
}

int gd_operation_content(struct gg_call *c)
{
	struct operation *op = operation_of(c);

	return op ? send_blob(c, op->blob, op->type) : -1;
}

/* ---- revisions ---- */

static struct gd_file *revised(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);

	if (!f)
		return NULL;
	if (gd_role_of(f, c->user) < GD_WRITER) {
		gg_error(c, 403, "insufficientFilePermissions",
			"The user does not have sufficient permissions for this file.");
		return NULL;
	}
	if (!f->nrevisions) {
		gg_error(c, 403, "revisionsNotSupported", "The file does not support revisions.");
		return NULL;
	}
	return f;
}

int gd_revisions_list(struct gg_call *c)
{
	struct gd_file *f = revised(c);
	int max = gg_page_size(c, "pageSize", 200, 1000);
	size_t from;
	cJSON *doc, *list;

	if (!f || gd_page_offset(c, &from) < 0)
		return -1;
	if (max < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "pageSize", "Invalid value");
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#revisionList");
	list = cJSON_AddArrayToObject(doc, "revisions");
	for (size_t i = from; i < f->nrevisions && i < from + (size_t)max; i++)
		cJSON_AddItemToArray(
			list, gd_revision_json(c, f, &f->revisions[i], mask_sub(c->mask, "revisions")));
	if (f->nrevisions > from + (size_t)max)
		gd_page_next(c, doc, from + (size_t)max);
	return gg_reply(c, doc);
}

static struct gd_revision *revision_named(struct gg_call *c, struct gd_file *f)
{
	const struct gd_revision *r = f ? revision_of(f, c->var[1]) : NULL;

	if (f && !r)
		gg_error_at(
			c, 404, "notFound", "parameter", "revisionId", "Revision not found: %s.", c->var[1]);
	return r ? &f->revisions[r - f->revisions] : NULL;
}

int gd_revisions_get(struct gg_call *c)
{
	struct gd_file *f = revised(c);
	struct gd_revision *r = revision_named(c, f);
	const char *alt = gg_query(c, "alt");

	if (!r)
		return -1;
	if (alt && !strcmp(alt, "media"))
		return gd_send_media(c, f, r);
	return gg_reply(c, gd_revision_json(c, f, r, c->mask));
}

int gd_revisions_update(struct gg_call *c)
{
	struct gd_file *f = revised(c);
	struct gd_revision *r = revision_named(c, f);
	cJSON *body = r ? gg_body(c) : NULL;
	const cJSON *keep;

	if (!body)
		return -1;
	keep = json_get(body, "keepForever");
	if (cJSON_IsBool(keep))
		r->keep = cJSON_IsTrue(keep);
	return gg_reply(c, gd_revision_json(c, f, r, c->mask));
}

int gd_revisions_delete(struct gg_call *c)
{
	struct gd_file *f = revised(c);
	struct gd_revision *r = revision_named(c, f);

	if (!r)
		return -1;
	if (gd_is_native(f))
		return gg_error(c, 403, "revisionDeletionNotSupported",
			"The file does not support deletion of revisions.");
	if (f->nrevisions == 1)
		return gg_error(
			c, 403, "cannotDeleteOnlyRevision", "The only revision of a file cannot be deleted.");
	size_t i = (size_t)(r - f->revisions);
	memmove(r, r + 1, (f->nrevisions - i - 1) * sizeof(*r));
	f->nrevisions--;
	gd_event_add(f, c->user, "edit");
	return gg_reply_empty(c, 204);
}
