/* Uploads of Box in one request: the preflight, new files and new versions as multipart bodies whose
 * attributes come before the content. Called by the router with the state lock held. */
#include "fakecloud/box/upload.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PARTS 8
#define MAX_UPLOAD 5368709120ll

/* ---- what every kind of upload ends in ---- */

static void set_times(struct bx_item *it, const cJSON *attributes)
{
	const char *created = json_str(attributes, "content_created_at");
	const char *modified = json_str(attributes, "content_modified_at");

	if (created)
		time_parse(created, &it->content_created_at);
	if (modified)
		time_parse(modified, &it->content_modified_at);
}

static void finish(struct bx_ctx *c, struct bx_item *it, int status, bool fresh)
{
	struct bx_version *v = bx_current(it);
	cJSON *o = cJSON_CreateObject();

	v->ready_at = c->t->download_delay_s ? fc_now() + c->t->download_delay_s * 1000ll : 0;
	bx_event(it, c->user, fresh ? "UPLOAD" : "EDIT", "ITEM_UPLOAD", bx_version_details(v));
	bx_num(o, "total_count", 1);
	cJSON_AddItemToArray(
		cJSON_AddArrayToObject(o, "entries"), bx_item_json(c, it, BX_STANDARD, c->fields));
	fc_json(c->res, status, o);
}

void bx_upload_new(
	struct bx_ctx *c, struct bx_item *to, const char *name, struct fc_blob *blob, const cJSON *attributes)
{
	struct bx_item *it = bx_item_new(to, BX_FILE, bx_new_id(), name, c->user, fc_now());

	bx_version_add(it, bx_new_id(), blob, c->user, it->created_at);
	set_times(it, attributes);
	if (json_str(attributes, "description"))
		bx_set(&it->description, json_str(attributes, "description"));
	finish(c, it, 201, true);
}

void bx_upload_version(struct bx_ctx *c, struct bx_item *it, const char *name, struct fc_blob *blob,
	const cJSON *attributes, int status)
{
	if (name && strcmp(name, it->name) != 0)
		bx_rename(it, name);
	bx_touch(it, c->user);
	it->content_modified_at = it->modified_at;
	bx_version_add(it, bx_new_id(), blob, c->user, it->modified_at);
	it->malware = false; /* what the provider knew was about the old content */
	set_times(it, attributes);
	finish(c, it, status, false);
}

/* ---- may it be uploaded ---- */

struct bx_item *bx_upload_target(struct bx_ctx *c, const cJSON *parent, const char *name)
{
	char number[32];
	const char *id = json_id(parent, "id", number, sizeof(number));
	struct bx_item *to, *other;

	if (!id) {
		bx_invalid(c, 400, "bad_request", "parent", "'parent' is required");
		return NULL;
	}
	if (!bx_name_ok(c, name))
		return NULL;
	to = bx_item_for(c, arena_dup(c->req->arena, id), BX_FOLDER, BX_UPLOAD);
	if (to && (other = bx_child(to, name))) {
		bx_conflict(c, other);
		return NULL;
	}
	return to;
}

struct bx_item *bx_upload_existing(struct bx_ctx *c, const char *name)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_EDIT), *other;

	if (!it || !bx_match_ok(c, it->etag) || !bx_lock_ok(c, it))
		return NULL;
	if (name && strcmp(name, it->name) != 0) {
		if (!bx_name_ok(c, name))
			return NULL;
		other = bx_child(it->parent, name);
		if (other && other != it) {
			bx_conflict(c, other);
			return NULL;
		}
	}
	return it;
}

static void accepted(struct bx_ctx *c, const char *path)
{
	cJSON *o = cJSON_CreateObject();
	char token[33];

	random_hex(token, 16);
	cJSON_AddStringToObject(
		o, "upload_url", arena_printf(c->req->arena, "%s%s%s", bx_base(c), c->prefix, path));
	cJSON_AddStringToObject(o, "upload_token", token);
	fc_json(c->res, 200, o);
}

static bool size_ok(struct bx_ctx *c, const cJSON *body)
{
	if (json_int64_or(body, "size", 0) <= MAX_UPLOAD)
		return true;
	bx_error(c, 413, "file_size_limit_exceeded", "File size exceeds the folder owner's file size limit");
	return false;
}

void bx_do_content_preflight(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);

	if (body && bx_upload_target(c, json_object(body, "parent"), json_str(body, "name")) &&
		size_ok(c, body))
		accepted(c, "/files/content");
}

void bx_do_version_preflight(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, true);

	if (body && bx_upload_existing(c, json_str(body, "name")) && size_ok(c, body))
		accepted(c, arena_printf(c->req->arena, "/files/%s/content", c->id[0]));
}

/* ---- multipart ---- */

/* Finds attributes and content; *ret_attributes is the caller's. 0, or -1 after an error. */
static int parts_of(
	struct bx_ctx *c, cJSON **ret_attributes, const struct fc_part **ret_file, struct fc_part *parts)
{
	int n = fc_multipart(c->req, parts, MAX_PARTS), attributes = -1, file = -1;

	for (int i = 0; i < n; i++) {
		if (parts[i].name && !strcasecmp(parts[i].name, "attributes"))
			attributes = attributes < 0 ? i : attributes;
		else if (parts[i].filename || (parts[i].name && !strcmp(parts[i].name, "file")))
			file = file < 0 ? i : file;
	}
	if (n < 0 || attributes < 0 || file < 0) {
		bx_error(c, 400, "bad_request", "The request needs the parts 'attributes' and 'file'");
		return -1;
	}
	if (attributes > file) {
		bx_error(c, 400, "metadata_after_file_contents",
			"The attributes must come before the content of the file");
		return -1;
	}
	cJSON *doc;
	if (json_parse(parts[attributes].data, parts[attributes].len, &doc, NULL) < 0 ||
		!cJSON_IsObject(doc)) {
		bx_invalid(c, 400, "bad_request", "attributes", "The attributes are no JSON object");
		return -1;
	}
	*ret_attributes = doc;
	*ret_file = &parts[file];
	return 0;
}

/* Despite its name the header holds a SHA-1 in hex. NULL after an error. */
static struct fc_blob *checked(struct bx_ctx *c, const struct fc_part *file)
{
	const char *want = fc_header(c->req, "Content-MD5");
	struct fc_blob *blob = fc_blob_from_bytes(file->data, file->len);

	if (want && *want && strcasecmp(want, fc_blob_digests(blob, DIGEST_SHA1)->sha1) != 0) {
		bx_error(c, 400, "bad_digest", "The specified content-md5 did not match what we received");
		return NULL;
	}
	return blob;
}

void bx_do_content_post(struct bx_ctx *c)
{
	struct fc_part parts[MAX_PARTS];
	_cleanup_json_ cJSON *attributes = NULL;
	const struct fc_part *file;
	struct bx_item *to;
	struct fc_blob *blob;

	if (parts_of(c, &attributes, &file, parts) < 0)
		return;
	const char *name = json_str(attributes, "name");
	to = bx_upload_target(c, json_object(attributes, "parent"), name ? name : file->filename);
	if (to && (blob = checked(c, file)))
		bx_upload_new(c, to, name ? name : file->filename, blob, attributes);
}

void bx_do_content_new_version(struct bx_ctx *c)
{
	struct fc_part parts[MAX_PARTS];
	_cleanup_json_ cJSON *attributes = NULL;
	const struct fc_part *file;
	struct bx_item *it;
	struct fc_blob *blob;

	if (parts_of(c, &attributes, &file, parts) < 0)
		return;
	it = bx_upload_existing(c, json_str(attributes, "name"));
	if (it && (blob = checked(c, file)))
		bx_upload_version(c, it, json_str(attributes, "name"), blob, attributes, 200);
}
