/* Labelling a file of Box: a tag, which the web and mobile apps show beside its name. See act.h.
 *
 * Tags are one list that is written whole: it is read first, and written only over the state that was read (if-match). Metadata
 * would come off more cleanly, for Box's reference knows no empty list of tags, but nobody sees it in a folder. Receipt: "tag",
 * "had_tag": it was there before us, "kept_tag": Box did not let it be taken off. */
#include "connectors/box/act.h"

#define TRIES_MAX 4 /* others write at the same time */
#define TAGS_MAX 100 /* Box's own limit */

static bool has_tag(const cJSON *file, const char *tag)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(file, "tags"))
	{
		if (cJSON_IsString(e) && strcmp(e->valuestring, tag) == 0)
			return true;
	}
	return false;
}

int act_tag_plan(struct act *x, const char *tag, const cJSON *file)
{
	if (!tag || !*tag)
		return err_set(x->err, ERR_LOCAL, "bad_act", "a label without words");
	return json_set_str(x->receipt, "tag", tag) < 0 || (has_tag(file, tag) && json_set_bool(x->receipt, "had_tag", true) < 0) ?
		err_memory(x->err) : 0;
}

/* The file's tags with ours, or without it. */
static cJSON *changed_tags(const cJSON *file, const char *tag, bool on)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(file, "tags"))
	{
		if (cJSON_IsString(e) && strcmp(e->valuestring, tag) != 0)
			cJSON_AddItemToArray(list, cJSON_CreateString(e->valuestring));
	}
	if (on)
		cJSON_AddItemToArray(list, cJSON_CreateString(tag));
	return list;
}

static int write_tags(struct act *x, const char *tag, bool on)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();

	if (json_set(body, "tags", changed_tags(x->now, tag, on)) < 0)
		return err_memory(x->err);
	if (box_url(x->c, &url, x->err, "/files/{}", x->file, NULL) < 0)
		return -1;
	const struct box_call call = {.method = "PUT", .url = buf_str(&url), .user = x->as, .json = body,
		.if_match = json_str(x->now, "etag")};
	return box_json(x->c, &call, NULL, x->err);
}

/* 1: Box refuses. */
static int set_tag(struct act *x, const char *tag, bool on)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		if (has_tag(x->now, tag) == on)
			return 0;
		if (write_tags(x, tag, on) < 0 && x->err->http_status != 412)
			return box_refused(x->err) ? 1 : -1;
		if (act_find(x) < 0)
			return -1;
		if (!x->now)
			return err_set(x->err, ERR_GONE, "gone", "Box: the file is gone");
	}
	return has_tag(x->now, tag) == on ? 0 : err_set(x->err, ERR_RETRY, "conflict", "Box: the file's tags are being changed by others");
}

int act_tag(struct act *x)
{
	const char *tag = json_str_or(x->receipt, "tag", "");

	cJSON_DeleteItemFromObjectCaseSensitive(x->receipt, "kept_tag");
	if (cJSON_GetArraySize(json_array(x->now, "tags")) >= TAGS_MAX && !has_tag(x->now, tag))
		return err_set(x->err, ERR_REMOTE, "too_many_tags", "Box: the file has %d tags already", TAGS_MAX);
	return set_tag(x, tag, true) == 0 ? 0 : -1;
}

int act_tag_restore(struct act *x)
{
	const char *tag = json_str_or(x->receipt, "tag", "");

	if (json_bool(x->receipt, "had_tag"))
		return 0;
	int r = set_tag(x, tag, false);
	if (r == 1 && (json_set_bool(x->receipt, "kept_tag", true) < 0 ||
			      json_note(x->receipt, "not_restored", "the tag %.200s, which Box does not take off: %.120s", tag, x->err->message) < 0))
		return err_memory(x->err);
	return r < 0 ? -1 : 0;
}

int act_tag_observe(struct act *x, struct observation *ret)
{
	bool on = has_tag(x->now, json_str_or(x->receipt, "tag", "")), had = json_bool(x->receipt, "had_tag");

	/* One that was there before us stays: then the receipt says which of both is meant. */
	ret->restored = json_bool(x->receipt, "kept_tag") || (had ? json_bool(x->receipt, "restored") : !on);
	ret->quarantined = on && !ret->restored;
	return 0;
}
