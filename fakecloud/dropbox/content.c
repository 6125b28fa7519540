/* Downloads, exports and temporary links. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>

#define LINK_LIFE_MS (4 * 3600000ll)

/* A file's version to be read. NULL, or a chain below the route's error, with "path/" before look-up errors.
 */
static const char *find_content(struct dbx_call *c, struct dbx_version **ret)
{
	const char *path = json_str(c->arg, "path"), *rev = json_str(c->arg, "rev");
	struct dbx_place at;

	const char *wrong = dbx_resolve(c, rev ? arena_printf(c->arena, "rev:%s", rev) : path, &at);
	if (wrong || (!at.node && !at.rev))
		return dbx_chain(c, "path/%s", wrong ? wrong : "not_found");
	if (!at.rev && at.node->folder)
		return "path/not_file";
	*ret = at.rev ? at.rev : at.node->version;
	return (*ret)->node->malware ? "path/restricted_content" : NULL;
}

static cJSON *metadata_of(struct dbx_call *c, struct dbx_version *v)
{
	return v->node->live && v->node->version == v ? dbx_metadata(c, v->node, false)
						      : dbx_metadata_version(c, v);
}

void dbx_download(struct dbx_call *c)
{
	struct dbx_version *v;
	const char *wrong = find_content(c, &v);

	if (!wrong && !dbx_downloadable(v->node))
		wrong = "unsupported_file";
	if (wrong)
		dbx_error(c, wrong);
	else
		dbx_ok_blob(c, metadata_of(c, v), v->blob, NULL);
}

void dbx_export(struct dbx_call *c)
{
	struct dbx_version *v;
	const char *wrong = find_content(c, &v), *format = json_str(c->arg, "export_format");

	if (!wrong && dbx_downloadable(v->node))
		wrong = "non_exportable";
	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	cJSON *file = metadata_of(c, v), *each;
	const char *as = json_str(json_object(file, "export_info"), "export_as");
	if (format) {
		as = NULL;
		cJSON_ArrayForEach(each, json_array(json_object(file, "export_info"), "export_options"))
		{
			if (!strcmp(each->valuestring, format))
				as = format;
		}
	}
	if (!as) {
		json_free(file);
		dbx_error(c, "invalid_export_format");
		return;
	}
	const char *name = v->node->name, *dot = strrchr(name, '.');
	cJSON *doc = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(doc, "export_metadata");
	cJSON_AddStringToObject(meta, "name",
		arena_printf(c->arena, "%.*s.%s", (int)(dot ? (size_t)(dot - name) : strlen(name)), name,
			!strcmp(as, "markdown") ? "md" : as));
	cJSON_AddNumberToObject(meta, "size", (double)fc_blob_size(v->blob));
	cJSON_AddStringToObject(meta, "export_hash", fc_blob_digests(v->blob, DIGEST_DROPBOX)->dropbox);
	cJSON_AddItemToObject(doc, "file_metadata", file);
	dbx_ok_blob(c, doc, v->blob, NULL);
}

struct temporary {
	struct dbx_version *version;
	int64_t expires_at;
};

static struct map temporary_links;

void dbx_temporary_link(struct dbx_call *c)
{
	struct dbx_version *v;
	const char *wrong = find_content(c, &v);
	struct temporary *t;
	char secret[65];

	if (wrong && !strcmp(wrong, "path/restricted_content"))
		wrong = "not_allowed";
	if (!wrong && !dbx_downloadable(v->node))
		wrong = "unsupported_file";
	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	*t = (struct temporary){v, fc_now() + LINK_LIFE_MS};
	random_hex(secret, 32);
	map_put(&temporary_links, secret, t);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddItemToObject(doc, "metadata", metadata_of(c, v));
	cJSON_AddStringToObject(doc, "link",
		arena_printf(c->arena, "%s/cd/0/get/file?sig=%s&dl=1", fc_url("dropbox"), secret));
	dbx_ok(c, doc);
}

void dbx_temporary_get(struct fc_request *req, struct fc_response *res)
{
	const struct temporary *t = map_get(&temporary_links, fc_query(req, "sig"));

	if (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0) {
		fc_text(res, 405, "text/plain; charset=utf-8", "Method not allowed");
		return;
	}
	if (!t) {
		fc_text(res, 404, "text/plain; charset=utf-8", "Not found");
		return;
	}
	if (t->expires_at <= fc_now()) {
		fc_text(res, 410, "text/plain; charset=utf-8", "Gone");
		return;
	}
	req->tenant = t->version->slot->ns->team->tenant;
	fc_set_header(res, "Content-Type", dbx_media_type(t->version->node->name));
	res->blob = t->version->blob;
}
