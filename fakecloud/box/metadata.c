/* Metadata instances on Box's files and folders, the classification among them: made, read, patched, removed.
 * Called by the router with the state lock held. */
#include "fakecloud/box/box.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

cJSON *bx_instance_json(const struct bx_item *it, const struct bx_instance *m)
{
	cJSON *o = cJSON_CreateObject();
	const cJSON *one;
	char text[160];

	cJSON_AddStringToObject(o, "$id", m->id);
	snprintf(text, sizeof(text), "%.80s-%.40s", m->template->key, m->template->id);
	cJSON_AddStringToObject(o, "$type", text);
	snprintf(text, sizeof(text), "%s_%" PRIu64, it->kind == BX_FILE ? "file" : "folder", it->id);
	cJSON_AddStringToObject(o, "$parent", text);
	cJSON_AddStringToObject(o, "$scope", m->template->scope);
	cJSON_AddStringToObject(o, "$template", m->template->key);
	cJSON_AddNumberToObject(o, "$typeVersion", 0);
	cJSON_AddNumberToObject(o, "$version", m->version);
	cJSON_AddBoolToObject(o, "$canEdit", true);
	cJSON_ArrayForEach(one, m->values) cJSON_AddItemToObject(o, one->string, cJSON_Duplicate(one, true));
	return o;
}

struct bx_instance *bx_instance_of(const struct bx_item *it, const char *scope, const char *key)
{
	struct bx_template *t = bx_template_get(it->tenant, scope, key);

	for (size_t i = 0; t && i < it->instances.n; i++) {
		struct bx_instance *m = it->instances.at[i];
		if (m->template == t)
			return m;
	}
	return NULL;
}

cJSON *bx_classification(const struct bx_item *it)
{
	static const char *const colors[] = {
		"#FFF5CD", "#FFE0B5", "#FFD1D9", "#E3D4F7", "#C9E3FA", "#C4EFD5", "#CFF0F0", "#FBD0CB"};
	struct bx_instance *m = bx_instance_of(it, "enterprise", BX_CLASSIFICATION);
	const char *name = m ? json_str(m->values, "Box__Security__Classification__Key") : NULL;
	const cJSON *option, *config = NULL;
	cJSON *o;

	if (!name)
		return NULL;
	cJSON_ArrayForEach(option, json_get(cJSON_GetArrayItem(m->template->fields, 0), "options"))
	{
		if (!strcmp(json_str_or(option, "key", ""), name))
			config = json_path(option, "staticConfig", "classification", NULL);
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddStringToObject(o, "definition", json_str_or(config, "classificationDefinition", ""));
	cJSON_AddStringToObject(
		o, "color", colors[(unsigned)json_int64_or(config, "colorID", 0) % ARRAY_SIZE(colors)]);
	return o;
}

static struct bx_instance *instance_new(struct bx_item *it, struct bx_template *t, cJSON *values)
{
	struct bx_instance *m = bx_alloc(sizeof(*m));

	m->template = t;
	uuid_new(m->id);
	m->values = values;
	bx_push(&it->instances, m);
	return m;
}

void bx_instances_copy(const struct bx_item *from, struct bx_item *to)
{
	for (size_t i = 0; i < from->instances.n; i++) {
		const struct bx_instance *m = from->instances.at[i];
		if (m->template->copy_instance && !m->template->gone)
			instance_new(to, m->template, cJSON_Duplicate(m->values, true));
	}
}

/* ---- calls ---- */

static struct bx_item *item_of(struct bx_ctx *c, unsigned rights)
{
	const char *path = c->req->path;
	return bx_item_for(c, c->id[0], strstr(path, "/folders/") ? BX_FOLDER : BX_FILE, rights);
}

static bool is_classification(const struct bx_ctx *c)
{
	return !strcmp(c->id[2], BX_CLASSIFICATION);
}

static void no_instance(struct bx_ctx *c)
{
	bx_error(c, 404, "instance_not_found", "The metadata instance was not found");
}

void bx_do_meta_list(struct bx_ctx *c)
{
	struct bx_item *it = item_of(c, BX_VIEW);
	cJSON *o, *entries;

	if (!it)
		return;
	o = cJSON_CreateObject();
	entries = cJSON_AddArrayToObject(o, "entries");
	for (size_t i = 0; i < it->instances.n; i++) {
		const struct bx_instance *m = it->instances.at[i];
		if (!m->template->gone)
			cJSON_AddItemToArray(entries, bx_instance_json(it, m));
	}
	bx_num(o, "limit", 100);
	fc_json(c->res, 200, o);
}

void bx_do_meta_get(struct bx_ctx *c)
{
	struct bx_item *it = item_of(c, BX_VIEW);
	struct bx_instance *m = it ? bx_instance_of(it, c->id[1], c->id[2]) : NULL;

	if (!it)
		return;
	if (!m) {
		no_instance(c);
		return;
	}
	/* The specification gives reading any instance but the classification the status 201. */
	fc_json(c->res, is_classification(c) ? 200 : 201, bx_instance_json(it, m));
}

static void changed(struct bx_ctx *c, struct bx_item *it, const struct bx_instance *m, const char *event)
{
	cJSON *details = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(details, "metadata");

	cJSON_AddStringToObject(metadata, "type", m->template->key);
	cJSON_AddStringToObject(metadata, "operationParams", "");
	it->sequence++;
	bx_event(it, c->user, event, NULL, details);
}

void bx_do_meta_post(struct bx_ctx *c)
{
	struct bx_item *it = item_of(c, BX_EDIT);
	cJSON *body = it ? bx_body(c, true) : NULL, *values;
	struct bx_template *t;
	const cJSON *one;

	if (!body)
		return;
	t = bx_template_get(c->t, c->id[1], c->id[2]);
	if (!t) {
		bx_error(c, 404, "instance_tuple_not_found", "The metadata template was not found");
		return;
	}
	if (bx_instance_of(it, c->id[1], c->id[2])) {
		bx_error(c, 409, "tuple_already_exists",
			"Tuple with this template already exists on the item");
		return;
	}
	cJSON_ArrayForEach(one, body)
	{
		if (!cJSON_IsObject(body) || !bx_value_ok(t, one->string, one)) {
			bx_error(c, 400, "schema_validation_failed", "The values do not fit the template");
			return;
		}
	}
	values = cJSON_IsObject(body) ? cJSON_Duplicate(body, true) : cJSON_CreateObject();
	struct bx_instance *m = instance_new(it, t, values);
	changed(c, it, m, "METADATA_INSTANCE_CREATE");
	fc_json(c->res, 201, bx_instance_json(it, m));
}

/* The one key that a path names ("/key", RFC 6901), unescaped in the arena; NULL when it names none. */
static char *key_of(struct bx_ctx *c, const char *path)
{
	char *key, *to;

	if (!path || *path != '/' || !path[1] || strchr(path + 1, '/') || path[1] == '$')
		return NULL;
	key = to = arena_dup(c->req->arena, path + 1);
	for (const char *p = key; *p; p++, to++) {
		if (p[0] == '~' && (p[1] == '0' || p[1] == '1')) {
			*to = p[1] == '0' ? '~' : '/';
			p++;
		} else {
			*to = *p;
		}
	}
	*to = '\0';
	return key;
}

/* One operation of RFC 6902 on a copy of the values. */
static bool apply(struct bx_ctx *c, const struct bx_template *t, cJSON *values, const cJSON *o)
{
	const char *op = json_str_or(o, "op", ""), *key = key_of(c, json_str(o, "path"));
	const cJSON *value = json_get(o, "value"), *now = key ? json_get(values, key) : NULL;
	bool moves = !strcmp(op, "move"), copies = !strcmp(op, "copy");
	cJSON *fresh;

	if (!key)
		return false;
	if (!strcmp(op, "test"))
		return now && value && cJSON_Compare(now, value, true);
	if (!strcmp(op, "remove")) {
		if (!now)
			return false;
		cJSON_DeleteItemFromObjectCaseSensitive(values, key);
		return true;
	}
	if (moves || copies) {
		const char *from = key_of(c, json_str(o, "from"));
		value = from ? json_get(values, from) : NULL;
		if (!value || !bx_value_ok(t, key, value))
			return false;
		fresh = cJSON_Duplicate(value, true);
		if (moves)
			cJSON_DeleteItemFromObjectCaseSensitive(values, from);
	} else if (!strcmp(op, "add") || (!strcmp(op, "replace") && now)) {
		if (!value || !bx_value_ok(t, key, value))
			return false;
		fresh = cJSON_Duplicate(value, true);
	} else {
		return false;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(values, key);
	cJSON_AddItemToObject(values, key, fresh);
	return true;
}

void bx_do_meta_put(struct bx_ctx *c)
{
	struct bx_item *it = item_of(c, BX_EDIT);
	cJSON *body = it ? bx_body(c, false) : NULL, *values;
	struct bx_instance *m = body ? bx_instance_of(it, c->id[1], c->id[2]) : NULL;
	const cJSON *o;

	if (!body)
		return;
	if (!m) {
		no_instance(c);
		return;
	}
	values = cJSON_Duplicate(m->values, true);
	bool ok = cJSON_IsArray(body);
	cJSON_ArrayForEach(o, body) ok = ok && apply(c, m->template, values, o);
	if (!ok) {
		json_free(values);
		bx_error(c, 400, "bad_request", "The body is no list of valid JSON Patch operations");
		return;
	}
	json_free(m->values);
	m->values = values;
	m->version++;
	changed(c, it, m, "METADATA_INSTANCE_UPDATE");
	fc_json(c->res, 200, bx_instance_json(it, m));
}

void bx_do_meta_delete(struct bx_ctx *c)
{
	struct bx_item *it = item_of(c, BX_EDIT);
	struct bx_instance *m = it ? bx_instance_of(it, c->id[1], c->id[2]) : NULL;

	if (!it)
		return;
	if (!m) {
		no_instance(c);
		return;
	}
	changed(c, it, m, "METADATA_INSTANCE_DELETE");
	bx_drop(&it->instances, m);
	json_free(m->values);
	free(m);
	bx_none(c);
}
