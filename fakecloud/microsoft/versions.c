/* Earlier versions of files, newest first. Source: Graph v1.0, driveItemVersion. State lock held; c->item is set. */
#include "fakecloud/microsoft/microsoft.h"

#include <stdlib.h>
#include <string.h>

static cJSON *version_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_version *v = one;
	cJSON *o = cJSON_CreateObject();

	j_str(o, "id", ms_fmt(c, "%u.0", v->number));
	j_time(o, "lastModifiedDateTime", v->modified);
	j_num(o, "size", (double)fc_blob_size(v->blob));
	cJSON_AddItemToObject(o, "lastModifiedBy", ms_identity(c->t, v->by));
	if (ms_wants_named(sel, "@microsoft.graph.downloadUrl") && !c->item->malware)
		j_str(o, "@microsoft.graph.downloadUrl", ms_download_url(c, c->item, v->number));
	return o;
}

static const char *context(struct ms_ctx *c)
{
	return ms_fmt(c, "drives('%s')/items('%s')/versions", c->drive->id, c->item->id);
}

void ms_version_list(struct ms_ctx *c)
{
	size_t n = c->item->versions.n;
	void **v = arena_alloc(c->req->arena, (n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = c->item->versions.v[n - 1 - i];
	struct ms_source src = {.v = v, .n = v ? n : 0, .make = version_json, .context = context(c), .top = 200, .max_top = 999};
	ms_list(c, &src);
}

static struct ms_version *find(struct ms_ctx *c)
{
	for (size_t i = 0; i < c->item->versions.n; i++) {
		struct ms_version *v = c->item->versions.v[i];
		if (!strcmp(c->arg[0], ms_fmt(c, "%u.0", v->number)))
			return v;
	}
	if (c->item->versions.n && !strcmp(c->arg[0], "current"))
		return ms_item_version(c->item);
	ms_error(c, 404, "itemNotFound", "The version could not be found.");
	return NULL;
}

void ms_version_get(struct ms_ctx *c)
{
	struct ms_version *v = find(c);

	if (v)
		ms_one(c, 200, v, version_json, context(c), true);
}

void ms_version_content(struct ms_ctx *c)
{
	struct ms_version *v = find(c);

	if (!v)
		return;
	if (c->item->malware && v == ms_item_version(c->item)) {
		ms_set_header(c, "X-Virus-Infected", "Malware:Win32/Loopback.A");
		ms_error(c, 403, "malwareDetected", "Malware was detected in the requested file.");
		return;
	}
	ms_set_header(c, "Location", ms_download_url(c, c->item, v->number));
	ms_empty(c, 302);
}

void ms_version_restore(struct ms_ctx *c)
{
	struct ms_version *v = find(c);

	if (!v || !ms_item_guard(c, c->item))
		return;
	ms_item_content(c->item, v->blob, NULL, fc_now());
	ms_empty(c, 204);
}
