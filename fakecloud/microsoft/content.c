/* Content by redirect to pre-authenticated addresses: /content answers 302, the address carries its own authority
 * in a signed query, is valid for minutes and wants no Authorization. Upload sessions and copy monitors lie beside
 * it. Source: Graph v1.0, "Download driveItem content". State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_LIFE_MS (15 * 60 * 1000)
#define MIB250 (250 << 20)

/* A digest over a secret of this process and the text; the text is bounded, so that no extension works. */
static const char *seal(struct ms_ctx *c, const char *text)
{
	static char secret[65];
	char hex[41];

	if (!*secret)
		random_hex(secret, 32);
	fc_stable_id(hex, 40, MS_WORDS(secret, text, secret));
	hex[40] = 0;
	return ms_fmt(c, "%s", hex);
}

/* The real service keeps content at another host, so clients drop the token on the way there. Here the host's name
 * alone can make that difference: the two names of the loopback stand in for each other. */
const char *ms_content_base(struct ms_ctx *c)
{
	if (!strncmp(c->base, "http://127.0.0.1:", 17))
		return ms_fmt(c, "http://localhost:%s", c->base + 17);
	if (!strncmp(c->base, "http://localhost:", 17))
		return ms_fmt(c, "http://127.0.0.1:%s", c->base + 17);
	return c->base;
}

char *ms_download_url(struct ms_ctx *c, const struct ms_item *it, unsigned version)
{
	const char *query = ms_fmt(c, "UniqueId=%%7B%s%%7D&Item=%s&Version=%u&Translate=false&ApiVersion=2.0&tempauth=v1.%lld",
		it->guid, it->id, version, (long long)(fc_now() + URL_LIFE_MS));

	return ms_fmt(c, "%s/_layouts/15/download.aspx?%s.%s", ms_content_base(c), query, seal(c, query));
}

static void refuse(struct ms_ctx *c, const char *why)
{
	ms_set_header(c, "WWW-Authenticate", "Bearer realm=\"\"");
	ms_error(c, 401, "unauthenticated", "%s", why);
}

static void infected(struct ms_ctx *c)
{
	ms_set_header(c, "X-Virus-Infected", "Malware:Win32/Loopback.A");
	ms_error(c, 403, "malwareDetected", "Malware was detected in the requested file.");
}

static void file_headers(struct ms_ctx *c, const struct ms_item *it)
{
	_cleanup_buf_ struct buf name = BUF_INIT(16 << 10);

	url_encode(&name, it->name, "");
	ms_set_header(c, "Content-Disposition",
		ms_fmt(c, "attachment;filename=\"download\";filename*=utf-8''%s", buf_str(&name)));
	ms_set_header(c, "ETag", ms_etag(c, it));
}

static void download(struct ms_ctx *c)
{
	const char *query = c->req->query, *dot = strrchr(query, '.'), *auth = strstr(query, "tempauth=v1.");
	const char *id = ms_param(c, "Item"), *number = ms_param(c, "Version");
	struct ms_item *it = NULL;
	struct ms_version *v;
	struct ms_tenant *t;

	if (fc_header(c->req, "Authorization")) {
		refuse(c, "The address is pre-authenticated and takes no Authorization header.");
		return;
	}
	if (!auth || !dot || dot < auth + 12 || !id || !number ||
		strcmp(dot + 1, seal(c, ms_fmt(c, "%.*s", (int)(dot - query), query)))) {
		refuse(c, "The signature of the address does not hold.");
		return;
	}
	if (strtoll(auth + 12, NULL, 10) < fc_now()) {
		refuse(c, "The address has expired.");
		return;
	}
	for (size_t i = 0; !it && (t = ms_tenant_nth(i)); i++)
		it = ms_map_get(&t->items, id);
	if (!it) {
		ms_error(c, 404, "itemNotFound", "The resource could not be found.");
		return;
	}
	c->req->tenant = it->drive->tenant->name;
	if (it->malware) {
		infected(c);
		return;
	}
	v = ms_item_version(it);
	for (size_t i = 0; strcmp(number, "0") && i < it->versions.n; i++) {
		struct ms_version *one = it->versions.v[i];
		if (one->number == strtoul(number, NULL, 10))
			v = one;
	}
	file_headers(c, it);
	ms_blob(c, v->blob, "application/octet-stream");
}

void ms_item_download(struct ms_ctx *c)
{
	const char *none = ms_header(c, "If-None-Match");
	struct ms_item *it = c->item;

	if (it->folder || !ms_item_version(it)) {
		ms_error(c, 400, "invalidRequest", "Folders have no content.");
		return;
	}
	if (ms_param(c, "format")) {
		ms_error(c, 406, "notSupported", "Conversion to the format is not supported.");
		return;
	}
	if (it->malware) {
		if (!c->beta || !ms_prefers(c, "forceInfectedDownload")) {
			infected(c);
			return;
		}
		ms_blob(c, ms_item_version(it)->blob, "application/octet-stream");
		return;
	}
	if (none && (!strcmp(none, ms_etag(c, it)) || !strcmp(none, ms_ctag(c->req->arena, it)))) {
		ms_empty(c, 304);
		return;
	}
	ms_set_header(c, "Location", ms_download_url(c, it, 0));
	ms_empty(c, 302);
}

void ms_item_upload(struct ms_ctx *c)
{
	const char *conflict = ms_conflict(c, NULL, "replace");
	struct ms_item *it = c->item;
	struct fc_blob *blob;

	if (!conflict)
		return;
	if (c->in) {
		ms_error(c, 400, "invalidRequest", "Content cannot be uploaded within a batch.");
		return;
	}
	if (c->req->body->len > MIB250) {
		ms_error(c, 413, "requestEntityTooLarge", "Content of more than 250 MB wants an upload session.");
		return;
	}
	if (it && it->folder) {
		ms_name_taken(c);
		return;
	}
	if (it && ms_header(c, "If-None-Match") && !strcmp(ms_header(c, "If-None-Match"), "*")) {
		ms_error(c, 412, "resourceModified", "The item exists already.");
		return;
	}
	if (it && !strcmp(conflict, "fail") && ms_param(c, "@microsoft.graph.conflictBehavior")) {
		ms_name_taken(c);
		return;
	}
	blob = fc_blob_from_bytes(buf_str(c->req->body), c->req->body->len);
	if (it && strcmp(conflict, "rename")) {
		if (!ms_item_guard(c, it))
			return;
		ms_item_content(it, blob, NULL, fc_now());
		ms_item_one(c, 200, it);
		return;
	}
	const char *name = it ? ms_item_free_name(c, it->parent, it->name) : c->missing[c->n_missing - 1];
	if (!ms_name_check(c, name))
		return;
	struct ms_item *parent = it ? it->parent : ms_make_parents(c);
	if (!parent)
		return;
	it = ms_item_add(c->drive, parent, name, false, NULL, fc_now());
	ms_item_content(it, blob, NULL, fc_now());
	ms_item_one(c, 201, it);
}

static void monitor(struct ms_ctx *c, const char *id)
{
	struct ms_tenant *t;
	struct ms_job *job = NULL;
	cJSON *doc;

	for (size_t i = 0; !job && (t = ms_tenant_nth(i)); i++) {
		for (size_t k = 0; k < t->jobs.n; k++) {
			struct ms_job *one = t->jobs.v[k];
			if (!strcmp(one->id, id)) {
				job = one;
				c->req->tenant = t->name;
			}
		}
	}
	if (!job) {
		ms_error(c, 404, "itemNotFound", "The operation is not known.");
		return;
	}
	doc = cJSON_CreateObject();
	j_str(doc, "operation", "ItemCopy");
	if (!job->looks++) {
		j_num(doc, "percentageComplete", 50);
		j_str(doc, "status", "inProgress");
		ms_json(c, 202, doc);
		return;
	}
	if (job->code) {
		cJSON *error = j_object(doc, "error");
		j_str(doc, "status", "failed");
		j_str(error, "code", job->code);
		j_str(error, "message", job->message);
	} else {
		j_num(doc, "percentageComplete", 100);
		j_str(doc, "resourceId", job->result);
		j_str(doc, "status", "completed");
	}
	ms_json(c, 200, doc);
}

bool ms_preauth(struct ms_ctx *c)
{
	const char *session = ms_param(c, "tempauth");
	struct ms_tenant *t;

	if (c->n_seg == 3 && !strcmp(c->seg[0], "_layouts") && !strcmp(c->seg[2], "download.aspx")) {
		if (strcmp(c->method, "GET") && strcmp(c->method, "HEAD"))
			ms_wrong_method(c);
		else
			download(c);
		return true;
	}
	if (c->n_seg == 4 && !strcmp(c->seg[0], "_api") && !strcmp(c->seg[2], "monitor")) {
		monitor(c, c->seg[3]);
		return true;
	}
	if (c->n_seg < 3 || strcmp(c->seg[0], "_api") || strcmp(c->seg[c->n_seg - 1], "uploadSession"))
		return false;
	for (size_t i = 0; session && (t = ms_tenant_nth(i)); i++) {
		for (size_t k = 0; k < t->uploads.n; k++) {
			struct ms_upload *up = t->uploads.v[k];
			if (strcmp(up->id, session))
				continue;
			c->t = t;
			c->req->tenant = t->name;
			ms_upload_call(c, up);
			return true;
		}
	}
	ms_error(c, 404, "itemNotFound", "The upload session was not found.");
	return true;
}
