/* The calls on items: read, list, make, change, move, delete, copy, check out. Source: Graph v1.0, driveItem.
 * State lock held; c->item is set. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/timeutil.h"

#include <string.h>
#include <strings.h>

void ms_item_one(struct ms_ctx *c, int status, struct ms_item *it)
{
	ms_one(c, status, it, ms_item_json, ms_fmt(c, "drives('%s')/items", it->drive->id), false);
}

void ms_item_get(struct ms_ctx *c)
{
	const char *none = ms_header(c, "If-None-Match");

	ms_set_header(c, "ETag", ms_etag(c, c->item));
	if (none && (!strcmp(none, ms_etag(c, c->item)) || !strcmp(none, ms_ctag(c->req->arena, c->item)))) {
		ms_empty(c, 304);
		return;
	}
	ms_item_one(c, 200, c->item);
}

void ms_item_children(struct ms_ctx *c)
{
	struct ms_source src = {.v = c->item->children.v,
		.n = c->item->children.n,
		.make = ms_item_json,
		.context = ms_fmt(c, "drives('%s')/items('%s')/children", c->drive->id, c->item->id),
		.top = 200,
		.max_top = 999};

	ms_list(c, &src);
}

/* The times of body.fileSystemInfo. */
static void times_set(struct ms_item *it, const cJSON *body)
{
	const cJSON *info = json_get(body, "fileSystemInfo");
	const char *created = json_str(info, "createdDateTime"), *modified = json_str(info, "lastModifiedDateTime");

	if (created)
		time_parse(created, &it->fs_created);
	if (modified)
		time_parse(modified, &it->fs_modified);
}

void ms_item_create(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c);
	const char *name = json_str(body, "name"), *conflict = ms_conflict(c, body, "fail");
	bool folder = json_get(body, "folder") != NULL;
	struct ms_item *old, *it;

	if (!conflict)
		return;
	if (!c->item->folder || !name || (!folder && !json_get(body, "file"))) {
		ms_error(c, 400, "invalidRequest", "Name and a folder or file facet are required below a folder.");
		return;
	}
	if (!ms_name_check(c, name))
		return;
	old = ms_item_child(c->item, name);
	if (old && !strcmp(conflict, "rename")) {
		name = ms_item_free_name(c, c->item, name);
		old = NULL;
	}
	if (old && (!strcmp(conflict, "fail") || old->folder != folder)) {
		ms_name_taken(c);
		return;
	}
	if (old) { /* replace: a folder that is there stays as it is */
		ms_item_one(c, 200, old);
		return;
	}
	it = ms_item_add(c->drive, c->item, name, folder, NULL, fc_now());
	times_set(it, body);
	if (!folder)
		ms_item_content(it, fc_blob_from_bytes("", 0), NULL, fc_now());
	ms_item_one(c, 201, it);
}

/* Where parentReference leads; NULL: answered. */
static struct ms_item *new_parent(struct ms_ctx *c, const cJSON *ref, struct ms_item *fallback)
{
	const char *drive = json_str(ref, "driveId"), *id = json_str(ref, "id"), *path = json_str(ref, "path");
	struct ms_item *to = fallback;

	if (drive && strcmp(drive, c->drive->id)) {
		ms_error(c, 400, "notSupported", "Moving an item to another drive is not supported using this request.");
		return NULL;
	}
	if (id) {
		to = !strcasecmp(id, "root") ? c->drive->root : ms_map_get(&c->t->items, id);
		if (to && to->drive != c->drive) {
			ms_error(c, 400, "notSupported", "Moving an item to another drive is not supported using this request.");
			return NULL;
		}
	} else if (path) {
		const char *p = strstr(path, "root:");
		to = c->drive->root;
		p = p ? p + 5 : "";
		while (to && *p) {
			size_t n = strcspn(++p, "/");
			if (n)
				to = ms_item_child(to, ms_fmt(c, "%.*s", (int)n, p));
			p += n;
		}
	}
	if (to && to->folder)
		return to;
	ms_error(c, 404, "itemNotFound", "The parent could not be found.");
	return NULL;
}

void ms_item_patch(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c), *ref = json_object(body, "parentReference");
	struct ms_item *it = c->item, *to, *old;
	const char *name = json_str(body, "name"), *conflict, *description = json_str(body, "description");

	if (!ms_item_guard(c, it))
		return;
	if (!body || !(conflict = ms_conflict(c, body, "fail"))) {
		if (!body)
			ms_error(c, 400, "invalidRequest", "The request body is not a JSON object.");
		return;
	}
	if (!it->parent && (ref || name)) {
		ms_error(c, 403, "accessDenied", "The root of a drive cannot be moved or renamed.");
		return;
	}
	if (name && !ms_name_check(c, name))
		return;
	to = ref ? new_parent(c, ref, it->parent) : it->parent;
	if (ref && !to)
		return;
	if (!name)
		name = it->name;
	if (to && ms_item_below(to, it)) {
		ms_error(c, 400, "invalidRequest", "A folder cannot be moved into itself or below itself.");
		return;
	}
	old = to ? ms_item_child(to, name) : NULL;
	if (old && old != it) {
		if (!strcmp(conflict, "fail")) {
			ms_name_taken(c);
			return;
		}
		if (!strcmp(conflict, "rename"))
			name = ms_item_free_name(c, to, name);
		else
			ms_item_delete(old);
	}
	if (description)
		it->description = ms_strdup(description);
	times_set(it, body);
	if (!it->parent || (to == it->parent && !strcmp(name, it->name)))
		ms_item_changed(it, 'u');
	else
		ms_item_move(it, to, name);
	ms_item_one(c, 200, it);
}

void ms_item_remove(struct ms_ctx *c)
{
	if (!c->item->parent) {
		ms_error(c, 403, "accessDenied", "The root of a drive cannot be deleted.");
		return;
	}
	if (!ms_item_guard(c, c->item))
		return;
	ms_item_delete(c->item);
	ms_empty(c, 204);
}

void ms_item_copy_call(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c), *ref = json_object(body, "parentReference");
	const char *name = json_str(body, "name"), *drive = json_str(ref, "driveId"), *id = json_str(ref, "id");
	const char *conflict = ms_conflict(c, body, "fail");
	struct ms_item *to = c->item->parent, *old, *copy;
	struct ms_drive *d = drive ? ms_map_get(&c->t->drive_by_id, drive) : c->drive;
	struct ms_job *job;

	if (!conflict)
		return;
	if (name && !ms_name_check(c, name))
		return;
	if (!name)
		name = c->item->name;
	if (id)
		to = d && !strcasecmp(id, "root") ? d->root : ms_map_get(&c->t->items, id);
	else if (drive)
		to = d ? d->root : NULL;
	if (!to || !to->folder || !d || (drive && to->drive != d)) {
		ms_error(c, 404, "itemNotFound", "The parent could not be found.");
		return;
	}
	job = ms_alloc(sizeof(*job));
	job->id = ms_guid(NULL);
	ms_vec_add(&c->t->jobs, job);
	old = ms_item_child(to, name);
	if (c->item->malware) {
		job->code = ms_strdup("malwareDetected");
		job->message = ms_strdup("Malware detected");
	} else if (old && !strcmp(conflict, "fail")) {
		job->code = ms_strdup("nameAlreadyExists");
		job->message = ms_strdup("Name already exists");
	} else {
		if (old && !strcmp(conflict, "rename"))
			name = ms_item_free_name(c, to, name);
		else if (old && old != c->item)
			ms_item_delete(old);
		copy = ms_item_copy(c->item, to, name, json_bool(body, "includeAllVersionHistory"));
		job->result = ms_strdup(copy->id);
	}
	ms_set_header(c, "Location", ms_fmt(c, "%s/_api/v2.1/monitor/%s", ms_content_base(c), job->id));
	ms_empty(c, 202);
}

void ms_item_checkout(struct ms_ctx *c)
{
	if (c->item->folder) {
		ms_error(c, 400, "invalidRequest", "Only files can be checked out.");
		return;
	}
	if (!ms_item_guard(c, c->item))
		return;
	c->item->checked_out = true;
	ms_item_changed(c->item, 'u');
	ms_empty(c, 204);
}

void ms_item_checkin(struct ms_ctx *c)
{
	if (!c->item->checked_out) {
		ms_error(c, 400, "invalidRequest", "The item is not checked out.");
		return;
	}
	c->item->checked_out = false;
	ms_item_changed(c->item, 'u');
	ms_empty(c, 204);
}

void ms_item_refuse(struct ms_ctx *c)
{
	ms_error(c, 403, "accessDenied", "Access denied");
}

void ms_item_labels(struct ms_ctx *c)
{
	cJSON *doc = cJSON_CreateObject();

	j_str(doc, "@odata.context",
		ms_fmt(c, "%s/v1.0/$metadata#microsoft.graph.extractSensitivityLabelsResult", c->base));
	j_array(doc, "labels");
	ms_json(c, 200, doc);
}

static cJSON *list_item_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_select ids = {.n = 1, .name = {"sharepointIds"}};
	cJSON *o = ms_item_json(c, one, &ids), *fields, *type;
	const struct ms_item *it = one;
	static const char *const drop[] = {"cTag", "size", "file", "folder", "fileSystemInfo", "root", "shared", "malware",
		"publication", "description", "@microsoft.graph.downloadUrl", "permissions", "children"};

	for (size_t i = 0; i < ARRAY_SIZE(drop); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(o, drop[i]);
	cJSON_DeleteItemFromObjectCaseSensitive(o, "id");
	j_str(o, "id", json_str_or(json_get(o, "sharepointIds"), "listItemId", "1"));
	type = j_object(o, "contentType");
	j_str(type, "id", it->folder ? "0x0120" : "0x0101");
	j_str(type, "name", it->folder ? "Folder" : "Document");
	fields = j_object(o, "fields");
	j_str(fields, "@odata.etag", ms_etag(c, it));
	j_str(fields, "id", json_str_or(o, "id", "1"));
	j_str(fields, "FileLeafRef", it->name);
	j_str(fields, "ContentType", it->folder ? "Folder" : "Document");
	j_time(fields, "Created", it->created);
	j_time(fields, "Modified", it->modified);
	return o;
}

void ms_item_list_item(struct ms_ctx *c)
{
	ms_one(c, 200, c->item, list_item_json, ms_fmt(c, "drives('%s')/items('%s')/listItem", c->drive->id, c->item->id), true);
}

void ms_item_retention(struct ms_ctx *c)
{
	ms_error(c, 404, "itemNotFound", "The item has no retention label.");
}
