/* files/tags/: what people write beside a file or folder. Only members come here: the routes know no administrator. */
#include "fakecloud/dropbox/dropbox.h"

#include <ctype.h>
#include <string.h>

#define TAGS_MAX 20
#define TAG_CHARACTERS 32

/* The thing that is tagged; NULL after the error was answered. */
static struct dbx_node *node_of(struct dbx_call *c, const char *path, bool write)
{
	struct dbx_place at;
	const char *wrong = dbx_resolve(c, path, &at);

	if (wrong || !at.node) {
		dbx_errorf(c, "path/%s", wrong ? wrong : "not_found");
		return NULL;
	}
	if (write && !dbx_can_write(c, at.ns)) {
		dbx_error(c, "path/restricted_content");
		return NULL;
	}
	return at.node;
}

/* Letters, digits and "_" of any script; NULL after 400. */
static const char *text_of(struct dbx_call *c)
{
	const char *text = json_str(c->arg, "tag_text");
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		n += (*p & 0xC0) != 0x80;
		if (*p < 0x80 && !isalnum(*p) && *p != '_') {
			dbx_bad(c, "request body: tag_text: '%s' did not match pattern '[\\w]+'", text);
			return NULL;
		}
	}
	if (n > TAG_CHARACTERS) {
		dbx_bad(c, "request body: tag_text: '%s' must be at most 32 characters", text);
		return NULL;
	}
	return dbx_lower(c->arena, text);
}

static int find(const struct dbx_node *node, const char *text)
{
	for (int i = 0; i < cJSON_GetArraySize(node->tags); i++)
		if (!strcmp(cJSON_GetArrayItem(node->tags, i)->valuestring, text))
			return i;
	return -1;
}

void dbx_tag_add(struct dbx_call *c)
{
	const char *text = text_of(c);
	struct dbx_node *node = text ? node_of(c, json_str(c->arg, "path"), true) : NULL;

	if (!node)
		return;
	if (!node->tags)
		node->tags = cJSON_CreateArray();
	if (find(node, text) < 0 && cJSON_GetArraySize(node->tags) >= TAGS_MAX) {
		dbx_error(c, "too_many_tags");
		return;
	}
	if (find(node, text) < 0)
		cJSON_AddItemToArray(node->tags, cJSON_CreateString(text));
	fc_changed();
	dbx_ok(c, NULL);
}

void dbx_tag_remove(struct dbx_call *c)
{
	const char *text = text_of(c);
	struct dbx_node *node = text ? node_of(c, json_str(c->arg, "path"), true) : NULL;
	int at = node ? find(node, text) : -1;

	if (!node)
		return;
	if (at < 0) {
		dbx_error(c, "tag_not_present");
		return;
	}
	cJSON_DeleteItemFromArray(node->tags, at);
	fc_changed();
	dbx_ok(c, NULL);
}

void dbx_tags_get(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "paths_to_tags");
	const cJSON *path, *tag;

	cJSON_ArrayForEach(path, json_array(c->arg, "paths"))
	{
		const struct dbx_node *node = node_of(c, path->valuestring, false);
		if (!node) {
			json_free(doc);
			return;
		}
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "path", path->valuestring);
		cJSON *tags = cJSON_AddArrayToObject(one, "tags");
		cJSON_ArrayForEach(tag, node->tags)
		{
			cJSON *t = dbx_tag("user_generated_tag");
			cJSON_AddStringToObject(t, "tag_text", tag->valuestring);
			cJSON_AddItemToArray(tags, t);
		}
		cJSON_AddItemToArray(list, one);
	}
	dbx_ok(c, doc);
}
