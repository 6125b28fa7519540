/* files/search_v2: by name, over what the caller can read of his path root. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

#define SEARCH_MAX 10000

struct search {
	const char *query; /* lower case */
	struct dbx_ns *ns;
	const char *prefix;
	bool deleted;
	size_t at, limit;
	const cJSON *extensions;
};

static bool has_ending(const cJSON *extensions, const char *key)
{
	const char *dot = strrchr(key, '.');
	const cJSON *each;

	if (!cJSON_GetArraySize(extensions))
		return true;
	cJSON_ArrayForEach(each, extensions)
	{
		if (dot && cJSON_IsString(each) &&
			!strcmp(dot + 1,
				each->valuestring[0] == '.' ? each->valuestring + 1 : each->valuestring))
			return true;
	}
	return false;
}

static bool matches(const struct search *s, const struct dbx_slot *slot)
{
	size_t n = strlen(s->prefix);
	const char *name = strrchr(slot->key, '/');

	if (!name || slot->purged || (slot->node != NULL) == s->deleted)
		return false;
	if (strncmp(slot->key, s->prefix, n) != 0 || slot->key[n] != '/')
		return false;
	return strstr(name + 1, s->query) && has_ending(s->extensions, slot->key);
}

static void answer(struct dbx_call *c, struct search *s)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "matches");
	size_t left = s->limit;

	for (; s->at < s->ns->log_count; s->at++) {
		const struct dbx_slot *slot = s->ns->log[s->at];
		if (slot->seq != s->at || !matches(s, slot))
			continue;
		if (!left--)
			break;
		cJSON *match = cJSON_CreateObject(), *meta = dbx_add_tag(match, "metadata", "metadata");
		cJSON_AddItemToObject(meta, "metadata",
			slot->node ? dbx_metadata(c, slot->node, true) : dbx_metadata_deleted(c, slot));
		dbx_add_tag(match, "match_type", "filename");
		cJSON_AddItemToArray(list, match);
	}
	bool more = s->at < s->ns->log_count && s->at < SEARCH_MAX;
	cJSON_AddBoolToObject(doc, "has_more", more);
	if (more) {
		cJSON *place = cJSON_CreateArray();
		cJSON_AddItemToArray(place, cJSON_CreateString(s->ns->id));
		cJSON_AddItemToArray(place, cJSON_CreateString(s->prefix));
		cJSON_AddItemToArray(place, cJSON_CreateString(s->query));
		cJSON_AddItemToArray(place, cJSON_CreateBool(s->deleted));
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)s->at));
		cJSON_AddItemToArray(place, cJSON_CreateNumber((double)s->limit));
		cJSON_AddItemToArray(
			place, s->extensions ? cJSON_Duplicate(s->extensions, true) : cJSON_CreateArray());
		cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, "search", place));
	}
	dbx_ok(c, doc);
}

void dbx_search(struct dbx_call *c)
{
	const cJSON *options = json_object(c->arg, "options");
	const char *path = json_str_or(options, "path", ""), *query = json_str(c->arg, "query");
	const char *status = dbx_tag_of(json_get(options, "file_status"));
	struct dbx_place at;

	if (strlen(query) > 1000) {
		dbx_bad(c, "request body: query: must have at most 1000 characters");
		return;
	}
	const char *wrong = dbx_resolve(c, path, &at);
	if (wrong || !at.node || !at.node->folder) {
		dbx_errorf(c, "path/%s", wrong ? wrong : at.node ? "not_folder" : "not_found");
		return;
	}
	int64_t limit = json_int64_or(options, "max_results", 100);
	if (limit < 1 || limit > 1000) {
		dbx_bad(c, "request body: options: max_results: %lld is not within range (1, 1000)",
			(long long)limit);
		return;
	}
	if (c->team->page_size && limit > c->team->page_size)
		limit = c->team->page_size;
	struct search s = {.query = dbx_lower(c->arena, query),
		.ns = at.ns,
		.prefix = at.key,
		.deleted = status && !strcmp(status, "deleted"),
		.limit = (size_t)limit,
		.extensions = json_array(options, "file_extensions")};
	answer(c, &s);
}

void dbx_search_continue(struct dbx_call *c)
{
	_cleanup_json_ cJSON *place = NULL;

	if (dbx_cursor_open(c->team, "search", json_str(c->arg, "cursor"), &place, NULL) != DBX_CURSOR_OK) {
		dbx_error(c, "invalid_argument");
		return;
	}
	struct search s = {
		.ns = map_get(&c->team->by_ns, cJSON_GetArrayItem(place, 0)->valuestring),
		.prefix = cJSON_GetArrayItem(place, 1)->valuestring,
		.query = cJSON_GetArrayItem(place, 2)->valuestring,
		.deleted = cJSON_IsTrue(cJSON_GetArrayItem(place, 3)),
		.at = (size_t)cJSON_GetArrayItem(place, 4)->valuedouble,
		.limit = (size_t)cJSON_GetArrayItem(place, 5)->valuedouble,
		.extensions = cJSON_GetArrayItem(place, 6),
	};
	if (!s.ns || !dbx_can_read(c, s.ns))
		dbx_error(c, "path/not_found");
	else
		answer(c, &s);
}
