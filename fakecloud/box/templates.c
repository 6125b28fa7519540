/* Metadata templates of a Box enterprise, the classification among them. Called by the router with the state
 * lock held. */
#include "fakecloud/box/box.h"

#include "base/encode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void full_scope(const struct bx_tenant *t, const char *scope, char out[64])
{
	if (!strcmp(scope, "enterprise"))
		snprintf(out, 64, "enterprise_%s", t->enterprise);
	else
		snprintf(out, 64, "%.50s", scope);
}

struct bx_template *bx_template_get(struct bx_tenant *t, const char *scope, const char *key)
{
	char full[64];

	full_scope(t, scope, full);
	for (size_t i = 0; i < t->templates.n; i++) {
		struct bx_template *m = t->templates.at[i];
		if (!m->gone && !strcmp(m->scope, full) && !strcmp(m->key, key))
			return m;
	}
	return NULL;
}

static void give_id(cJSON *o)
{
	char id[37];

	if (json_str(o, "id"))
		return;
	uuid_new(id);
	cJSON_AddStringToObject(o, "id", id);
}

static void give_ids(cJSON *field)
{
	cJSON *option;

	give_id(field);
	cJSON_ArrayForEach(option, json_get(field, "options")) give_id(option);
}

static struct bx_template *template_new(
	struct bx_tenant *t, const char *scope, const char *key, const char *display, const cJSON *fields)
{
	struct bx_template *m = bx_alloc(sizeof(*m));
	char full[64];
	cJSON *field;

	full_scope(t, scope, full);
	uuid_new(m->id);
	m->scope = bx_strdup(full);
	m->key = bx_strdup(key);
	m->display = bx_strdup(display);
	m->fields = fields ? cJSON_Duplicate(fields, true) : cJSON_CreateArray();
	cJSON_ArrayForEach(field, m->fields) give_ids(field);
	bx_push(&t->templates, m);
	return m;
}

/* Free properties exist everywhere; the classification is what an enterprise with Box Shield has set up. */
void bx_templates_standard(struct bx_tenant *t)
{
	static const char fields[] = "[{\"type\":\"enum\",\"key\":\"Box__Security__Classification__Key\","
				     "\"displayName\":\"Classification\","
				     "\"hidden\":false,\"options\":["
				     "{\"key\":\"Public\",\"staticConfig\":{\"classification\":{\"colorID\":"
				     "4,\"classificationDefinition\":\"For everybody\"}}},"
				     "{\"key\":\"Internal\",\"staticConfig\":{\"classification\":{"
				     "\"colorID\":0,\"classificationDefinition\":\"For employees\"}}},"
				     "{\"key\":\"Confidential\",\"staticConfig\":{\"classification\":{"
				     "\"colorID\":7,\"classificationDefinition\":\"For named people\"}}}]}]";
	cJSON *list = cJSON_Parse(fields);

	template_new(t, "global", "properties", "properties", NULL);
	template_new(t, "enterprise", BX_CLASSIFICATION, "Classification", list);
	json_free(list);
}

static cJSON *template_json(const struct bx_template *m)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", m->id);
	cJSON_AddStringToObject(o, "type", "metadata_template");
	cJSON_AddStringToObject(o, "templateKey", m->key);
	cJSON_AddStringToObject(o, "scope", m->scope);
	cJSON_AddStringToObject(o, "displayName", m->display);
	cJSON_AddBoolToObject(o, "hidden", m->hidden);
	cJSON_AddBoolToObject(o, "copyInstanceOnItemCopy", m->copy_instance);
	cJSON_AddItemToObject(o, "fields", cJSON_Duplicate(m->fields, true));
	return o;
}

static void list_scope(struct bx_ctx *c, bool global)
{
	struct bx_page page;
	cJSON *entries;
	int64_t total = 0;

	if (bx_page_get(c, 100, 1000, true, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = 0; i < c->t->templates.n; i++) {
		const struct bx_template *m = c->t->templates.at[i];
		if (m->gone || !strcmp(m->scope, "global") != global)
			continue;
		if (total >= page.offset && total < page.offset + page.limit)
			cJSON_AddItemToArray(entries, template_json(m));
		total++;
	}
	fc_json(c->res, 200, bx_page_doc(&page, total, entries, NULL, NULL));
}

void bx_do_templates_list(struct bx_ctx *c)
{
	list_scope(c, false);
}

void bx_do_templates_global(struct bx_ctx *c)
{
	list_scope(c, true);
}

static const struct bx_template *find_instance(const struct bx_item *folder, const char *id)
{
	for (size_t i = 0; i < folder->instances.n; i++) {
		const struct bx_instance *m = folder->instances.at[i];
		if (!strcmp(m->id, id))
			return m->template;
	}
	for (size_t i = 0; i < folder->children.n; i++) {
		const struct bx_template *m = find_instance(folder->children.at[i], id);
		if (m)
			return m;
	}
	return NULL;
}

void bx_do_templates_of_instance(struct bx_ctx *c)
{
	const char *id = fc_query(c->req, "metadata_instance_id");
	const struct bx_template *m = NULL;
	struct bx_page page = {.limit = 100, .marker = true};
	cJSON *entries;

	if (!id || !*id) {
		bx_invalid(
			c, 400, "bad_request", "metadata_instance_id", "'metadata_instance_id' is required");
		return;
	}
	for (size_t i = 0; i < c->t->users.n && !m; i++)
		m = find_instance(((struct bx_user *)c->t->users.at[i])->root, id);
	entries = cJSON_CreateArray();
	if (m)
		cJSON_AddItemToArray(entries, template_json(m));
	fc_json(c->res, 200, bx_page_doc(&page, m ? 1 : 0, entries, NULL, NULL));
}

static struct bx_template *template_of(struct bx_ctx *c)
{
	struct bx_template *m = bx_template_get(c->t, c->id[0], c->id[1]);

	if (!m)
		bx_error(c, 404, "not_found", "Template not found");
	return m;
}

void bx_do_template_get(struct bx_ctx *c)
{
	struct bx_template *m = template_of(c);
	if (m)
		fc_json(c->res, 200, template_json(m));
}

void bx_do_template_by_id(struct bx_ctx *c)
{
	for (size_t i = 0; i < c->t->templates.n; i++) {
		const struct bx_template *m = c->t->templates.at[i];
		if (!m->gone && !strcmp(m->id, c->id[0])) {
			fc_json(c->res, 200, template_json(m));
			return;
		}
	}
	bx_error(c, 404, "not_found", "Template not found");
}

/* ---- changes ---- */

static bool key_ok(const char *key)
{
	if (!isalpha((unsigned char)*key) && *key != '_')
		return false;
	for (const char *p = key; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			return false;
	}
	return strlen(key) <= 64;
}

static bool field_ok(const cJSON *field)
{
	static const char types[] = "string,float,date,enum,multiSelect,taxonomy";
	const char *type = json_str(field, "type");

	return type && bx_wants(types, type) && json_str(field, "key") && json_str(field, "displayName");
}

/* "Customer info" becomes "customerInfo". */
static void key_of(const char *display, char out[65])
{
	size_t n = 0;
	bool up = false;

	for (const char *p = display; *p && n < 64; p++) {
		if (isalnum((unsigned char)*p)) {
			out[n] = (char)(up  ? toupper((unsigned char)*p)
					: n ? *p
					    : tolower((unsigned char)*p));
			n++;
		}
		up = !isalnum((unsigned char)*p) && n;
	}
	out[n] = '\0';
	if (!n || !key_ok(out))
		snprintf(out, 65, "template%llu", (unsigned long long)fc_next());
}

void bx_do_template_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	const char *scope = json_str_or(body, "scope", ""), *key = json_str(body, "templateKey");
	const char *display = json_str(body, "displayName");
	const cJSON *fields = json_array(body, "fields"), *field;
	char made[65];

	if (!body || !bx_need_admin(c))
		return;
	if (!strcmp(scope, "global")) {
		bx_forbidden(c);
		return;
	}
	if (strncmp(scope, "enterprise", 10) != 0 || !display || !*display || (key && !key_ok(key))) {
		bx_invalid(
			c, 400, "bad_request", display ? "scope" : "displayName", "Missing or invalid value");
		return;
	}
	cJSON_ArrayForEach(field, fields)
	{
		if (!field_ok(field)) {
			bx_invalid(c, 400, "bad_request", "fields", "Invalid field");
			return;
		}
	}
	if (!key) {
		key_of(display, made);
		key = made;
	}
	if (bx_template_get(c->t, scope, key)) {
		bx_error(c, 409, "conflict", "A template with that key already exists");
		return;
	}
	struct bx_template *m = template_new(c->t, "enterprise", key, display, fields);
	m->hidden = json_bool(body, "hidden");
	m->copy_instance = json_bool(body, "copyInstanceOnItemCopy");
	/* The call for classifications is written down with 200, that for other templates with 201. */
	fc_json(c->res, strcmp(key, BX_CLASSIFICATION) ? 201 : 200, template_json(m));
}

static cJSON *by_key(const cJSON *list, const char *key)
{
	cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		if (key && !strcmp(json_str_or(one, "key", ""), key))
			return one;
	}
	return NULL;
}

static void merge(cJSON *into, const cJSON *data)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, data)
	{
		cJSON_DeleteItemFromObjectCaseSensitive(into, one->string);
		cJSON_AddItemToObject(into, one->string, cJSON_Duplicate(one, true));
	}
}

/* Puts the entries with those keys first, in that order. */
static void reorder(cJSON *list, const cJSON *keys)
{
	const cJSON *key;
	int at = 0;

	cJSON_ArrayForEach(key, keys)
	{
		cJSON *one = cJSON_IsString(key) ? by_key(list, key->valuestring) : NULL;
		if (one)
			cJSON_InsertItemInArray(list, at++, cJSON_DetachItemViaPointer(list, one));
	}
}

static bool option_op(cJSON *field, const char *op, const char *key, const cJSON *data)
{
	cJSON *options = json_array(field, "options"), *one = by_key(options, key);

	if (!field)
		return false;
	if (!options)
		options = cJSON_AddArrayToObject(field, "options");
	if (!strncmp(op, "add", 3)) {
		if (!json_str(data, "key") || by_key(options, json_str(data, "key")))
			return false;
		one = cJSON_Duplicate(data, true);
		give_id(one);
		cJSON_AddItemToArray(options, one);
		return true;
	}
	if (!one)
		return false;
	if (!strncmp(op, "remove", 6))
		cJSON_Delete(cJSON_DetachItemViaPointer(options, one));
	else
		merge(one, data);
	return true;
}

/* One operation on the copy of a template's fields; false when it cannot be done. */
static bool apply(struct bx_template *m, cJSON *fields, const cJSON *o)
{
	const char *op = json_str_or(o, "op", ""), *key = json_str(o, "fieldKey");
	const cJSON *data = json_object(o, "data");
	cJSON *field = by_key(fields, key);

	if (!strcmp(op, "editTemplate")) {
		if (json_str(data, "displayName"))
			bx_set(&m->display, json_str(data, "displayName"));
		if (json_get(data, "hidden"))
			m->hidden = json_bool(data, "hidden");
		if (json_get(data, "copyInstanceOnItemCopy"))
			m->copy_instance = json_bool(data, "copyInstanceOnItemCopy");
		return data != NULL;
	}
	if (!strcmp(op, "addField")) {
		if (!field_ok(data) || by_key(fields, json_str(data, "key")))
			return false;
		field = cJSON_Duplicate(data, true);
		give_ids(field);
		cJSON_AddItemToArray(fields, field);
		return true;
	}
	if (!strcmp(op, "reorderFields")) {
		reorder(fields, json_array(o, "fieldKeys"));
		return true;
	}
	if (!field)
		return false;
	if (!strcmp(op, "editField"))
		merge(field, data);
	else if (!strcmp(op, "removeField"))
		cJSON_Delete(cJSON_DetachItemViaPointer(fields, field));
	else if (!strcmp(op, "reorderEnumOptions"))
		reorder(json_array(field, "options"), json_array(o, "enumOptionKeys"));
	else if (!strcmp(op, "reorderMultiSelectOptions"))
		reorder(json_array(field, "options"), json_array(o, "multiSelectOptionKeys"));
	else if (strstr(op, "EnumOption"))
		return option_op(field, op, json_str(o, "enumOptionKey"), data);
	else if (strstr(op, "MultiSelectOption"))
		return option_op(field, op, json_str(o, "multiSelectOptionKey"), data);
	else
		return false;
	return true;
}

void bx_do_template_put(struct bx_ctx *c)
{
	struct bx_template *m = template_of(c);
	cJSON *body = m ? bx_body(c, false) : NULL, *fields;
	const cJSON *o;

	if (!body || !bx_need_admin(c))
		return;
	fields = cJSON_Duplicate(m->fields, true);
	bool ok = cJSON_IsArray(body);
	cJSON_ArrayForEach(o, body) ok = ok && apply(m, fields, o);
	if (!ok) {
		json_free(fields);
		bx_error(c, 400, "bad_request", "Invalid operations on the template");
		return;
	}
	json_free(m->fields);
	m->fields = fields;
	fc_json(c->res, 200, template_json(m));
}

void bx_do_template_delete(struct bx_ctx *c)
{
	struct bx_template *m = template_of(c);

	if (!m || !bx_need_admin(c))
		return;
	if (!strcmp(m->scope, "global")) {
		bx_forbidden(c);
		return;
	}
	m->gone = true; /* its instances go with it: bx_instance_of() does not see them any more */
	bx_none(c);
}

/* ---- values ---- */

bool bx_value_ok(const struct bx_template *m, const char *key, const cJSON *value)
{
	const cJSON *field = by_key(m->fields, key), *one;
	const char *type;

	if (!strcmp(m->scope, "global"))
		return cJSON_IsString(value);
	if (!field)
		return false;
	type = json_str_or(field, "type", "");
	if (!strcmp(type, "float"))
		return cJSON_IsNumber(value);
	if (!strcmp(type, "enum"))
		return cJSON_IsString(value) && by_key(json_array(field, "options"), value->valuestring);
	if (strcmp(type, "multiSelect") != 0)
		return cJSON_IsString(value);
	cJSON_ArrayForEach(one, value)
	{
		if (!cJSON_IsString(one) || !by_key(json_array(field, "options"), one->valuestring))
			return false;
	}
	return cJSON_IsArray(value);
}
