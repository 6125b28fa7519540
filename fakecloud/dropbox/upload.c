/* Writing content: files/upload and the rules of a commit. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/timeutil.h"

#include <string.h>

static bool same_content(struct fc_blob *a, struct fc_blob *b)
{
	return fc_blob_size(a) == fc_blob_size(b) && !strcmp(fc_blob_digests(a, DIGEST_DROPBOX)->dropbox,
							     fc_blob_digests(b, DIGEST_DROPBOX)->dropbox);
}

/* What a write mode makes of a file in the way. */
enum outcome { WRITE_OVER, KEEP, CONFLICT };

static enum outcome judge(const cJSON *commit, const struct dbx_node *old, struct fc_blob *blob)
{
	const cJSON *mode = json_get(commit, "mode");
	const char *tag = dbx_tag_of(mode), *rev = json_str(mode, "update");
	bool strict = json_bool(commit, "strict_conflict");

	if (old->folder)
		return CONFLICT;
	if (!strict && same_content(old->version->blob, blob))
		return KEEP;
	if (tag && !strcmp(tag, "overwrite"))
		return WRITE_OVER;
	if (tag && !strcmp(tag, "update") && rev && !strcmp(rev, old->version->rev))
		return WRITE_OVER;
	return CONFLICT;
}

const char *dbx_commit(
	struct dbx_call *c, const cJSON *commit, struct fc_blob *blob, struct dbx_node **ret_node)
{
	const char *path = json_str_or(commit, "path", ""), *modified = json_str(commit, "client_modified");
	const char *tag = dbx_tag_of(json_get(commit, "mode"));
	int64_t client_modified = fc_now();
	struct dbx_place at;
	struct dbx_node *parent, *node;
	const char *name;

	const char *wrong = dbx_resolve(c, path, &at);
	if (wrong)
		return !strcmp(wrong, "not_found") ? "no_write_permission" : wrong;
	if (!dbx_can_write(c, at.ns))
		return "no_write_permission";
	if (modified && time_parse(modified, &client_modified) < 0)
		client_modified = fc_now();
	bool update = tag && !strcmp(tag, "update");
	node = at.node;
	enum outcome how = node						    ? judge(commit, node, blob)
			   : update && json_bool(commit, "strict_conflict") ? CONFLICT
									    : WRITE_OVER;
	if (node && how == KEEP) {
		*ret_node = node;
		return NULL;
	}
	if (how == CONFLICT && !json_bool(commit, "autorename"))
		return node && node->folder ? "conflict/folder" : "conflict/file";
	if (node && how == WRITE_OVER && node->lock && node->lock != c->member)
		return "access_restricted";
	bool edit = node && how == WRITE_OVER;
	if (!edit) {
		wrong = dbx_parent_make(c, &at, &parent, &name);
		if (wrong)
			return wrong;
		if (how == CONFLICT)
			name = dbx_free_name(c, parent, name, update);
		node = dbx_node_add(parent, name, false, NULL);
	}
	dbx_version_add(node, blob, client_modified, fc_now(), c->member, NULL);
	dbx_event(c, edit ? "file_edit" : "file_add", node, NULL, NULL, NULL);
	*ret_node = node;
	return NULL;
}

void dbx_upload(struct dbx_call *c)
{
	const char *hash = json_str(c->arg, "content_hash");
	struct dbx_node *node = NULL;
	struct dbx_place at;

	if (c->req->body->len > DBX_UPLOAD_MAX) {
		dbx_error(c, "payload_too_large");
		return;
	}
	if (!dbx_resolve(c, json_str(c->arg, "path"), &at) && !dbx_may_write(c, at.ns))
		return;
	struct fc_blob *blob = fc_blob_from_bytes(buf_str(c->req->body), c->req->body->len);
	if (hash && strcmp(hash, fc_blob_digests(blob, DIGEST_DROPBOX)->dropbox) != 0) {
		dbx_error(c, "content_hash_mismatch");
		return;
	}
	const char *wrong = dbx_commit(c, c->arg, blob, &node);
	if (!wrong) {
		dbx_ok(c, dbx_metadata(c, node, false));
		return;
	}
	char id[40];
	dbx_new_id(id, sizeof(id), "pid_upload_session:", 16, c->team);
	cJSON *error = dbx_tag("path");
	cJSON_AddItemToObject(error, "reason", dbx_union(wrong));
	cJSON_AddStringToObject(error, "upload_session_id", id);
	dbx_error_doc(c, 409, dbx_chain(c, "path/%s", wrong), error);
}
