/* Upload sessions: made by createUploadSession, filled by PUTs of ranges to an address that needs no token.
 * Source: Graph v1.0, "driveItem: createUploadSession". State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SESSION_LIFE_MS (INT64_C(15) * 60 * 60 * 1000)
#define SESSION_MAX ((size_t)1 << 30)

static cJSON *session_json(struct ms_ctx *c, const struct ms_upload *up, bool with_url)
{
	cJSON *doc = cJSON_CreateObject(), *ranges;

	j_time(doc, "expirationDateTime", up->expires);
	ranges = j_array(doc, "nextExpectedRanges");
	cJSON_AddItemToArray(ranges, cJSON_CreateString(ms_fmt(c, "%zu-", up->data.len)));
	if (with_url)
		j_str(doc, "uploadUrl",
			ms_fmt(c, "%s/_api/v2.0/drives/%s/items/%s/uploadSession?overwrite=%s&rename=%s&tempauth=%s",
				ms_content_base(c), up->drive->id, up->item ? up->item->id : up->parent->id,
				strcmp(up->conflict, "replace") ? "False" : "True", strcmp(up->conflict, "rename") ? "False" : "True",
				up->id));
	return doc;
}

void ms_upload_create(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c), *item = json_get(body, "item"), *info = json_get(item, "fileSystemInfo");
	/* By id the item is meant to be replaced; by path the default is to fail. */
	bool by_id = c->item && !strchr(c->path, ':');
	const char *conflict = ms_conflict(c, body, by_id ? "replace" : "fail");
	const char *created = json_str(info, "createdDateTime"), *modified = json_str(info, "lastModifiedDateTime");
	const char *name = json_str(item, "name");
	struct ms_upload *up;

	if (!conflict)
		return;
	if (c->item && c->item->folder) {
		ms_error(c, 400, "invalidRequest", "A folder has no content.");
		return;
	}
	if (c->item && !strcmp(conflict, "fail")) {
		ms_name_taken(c);
		return;
	}
	if (c->item && !strcmp(conflict, "replace") && !ms_item_guard(c, c->item))
		return;
	if (!c->item && !ms_name_check(c, c->missing[c->n_missing - 1]))
		return;
	up = ms_alloc(sizeof(*up));
	*up = (struct ms_upload){.drive = c->drive, .conflict = conflict, .total = -1, .data = BUF_INIT(SESSION_MAX)};
	up->id = ms_guid(NULL);
	up->expires = fc_now() + SESSION_LIFE_MS;
	if (c->item) {
		up->parent = c->item->parent;
		up->item = strcmp(conflict, "replace") ? NULL : c->item;
		up->name = ms_strdup(name && *name && ms_name_ok(name) && by_id ? name : c->item->name);
	} else {
		up->name = ms_strdup(c->missing[c->n_missing - 1]);
		up->parent = ms_make_parents(c);
		if (!up->parent)
			return;
	}
	if (created)
		time_parse(created, &up->fs_created);
	if (modified)
		time_parse(modified, &up->fs_modified);
	ms_vec_add(&c->t->uploads, up);
	cJSON *doc = session_json(c, up, true);
	cJSON *context = cJSON_CreateString(ms_fmt(c, "%s/v1.0/$metadata#microsoft.graph.uploadSession", c->base));
	cJSON_AddItemToObject(doc, "@odata.context", context);
	ms_json(c, 200, doc);
}

/* All bytes are there. */
static void finish(struct ms_ctx *c, struct ms_upload *up)
{
	struct ms_item *old = ms_item_child(up->parent, up->name), *it = up->item;
	struct fc_blob *blob;
	int status = 200;

	c->drive = up->drive;
	if ((it && it->deleted) || up->parent->deleted) {
		ms_error(c, 404, "itemNotFound", "The resource could not be found.");
		return;
	}
	if (!it && old && !strcmp(up->conflict, "replace"))
		it = old;
	if (it && it->checked_out) {
		ms_error(c, 423, "resourceLocked", "The resource you are attempting to access is locked.");
		return;
	}
	if (!it && old && !strcmp(up->conflict, "fail")) {
		ms_name_taken(c);
		return;
	}
	blob = fc_blob_from_bytes(buf_str(&up->data), up->data.len);
	if (!it) {
		const char *name = old ? ms_item_free_name(c, up->parent, up->name) : up->name;
		it = ms_item_add(up->drive, up->parent, name, false, NULL, fc_now());
		status = 201;
	}
	ms_item_content(it, blob, NULL, fc_now());
	if (up->fs_created)
		it->fs_created = up->fs_created;
	if (up->fs_modified)
		it->fs_modified = up->fs_modified;
	up->done = true;
	buf_free(&up->data);
	ms_item_one(c, status, it);
}

static void put(struct ms_ctx *c, struct ms_upload *up)
{
	const char *range = ms_header(c, "Content-Range");
	int64_t from, to, total;
	size_t len = c->req->body->len;
	char tail;

	if (!range || sscanf(range, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64 "%c", &from, &to, &total, &tail) != 3 ||
		from < 0 || to < from || total <= to) {
		ms_error(c, 400, "invalidRequest", "The Content-Range header is missing or malformed.");
		return;
	}
	if ((up->total >= 0 && total != up->total) || (int64_t)len != to - from + 1) {
		ms_error(c, 400, "invalidRequest", "The Content-Range header does not fit the content or the ranges before.");
		return;
	}
	if (from != (int64_t)up->data.len) {
		ms_error_inner(c, 416, "invalidRange",
			from < (int64_t)up->data.len ? "fragmentOverlap" : "fragmentOutOfOrder",
			"The uploaded fragment has already been received or does not follow the ones before.");
		return;
	}
	if (total > (int64_t)SESSION_MAX || buf_add(&up->data, buf_str(c->req->body), len) < 0) {
		ms_error(c, 507, "quotaLimitReached", "The user has reached their quota limit.");
		return;
	}
	up->total = total;
	if ((int64_t)up->data.len < total)
		ms_json(c, 202, session_json(c, up, false));
	else
		finish(c, up);
}

void ms_upload_call(struct ms_ctx *c, struct ms_upload *up)
{
	if (up->done || up->expires < fc_now()) {
		ms_error(c, 404, "itemNotFound", "The upload session was not found.");
		return;
	}
	if (!strcmp(c->method, "PUT")) {
		put(c, up);
	} else if (!strcmp(c->method, "GET")) {
		ms_json(c, 200, session_json(c, up, false));
	} else if (!strcmp(c->method, "DELETE")) {
		up->done = true;
		buf_free(&up->data);
		ms_empty(c, 204);
	} else {
		ms_wrong_method(c);
	}
}
