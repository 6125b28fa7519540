/* Tagging a message: one category more, and off again. Called by microsoft.c on core's job threads.
 *
 * A category needs no entry in the mailbox's master list: without one it shows without a colour. The others stay as they are at the
 * moment of writing; a change by somebody else in between is noticed by the eTag. Receipt: user, id, name, message_id, tag, had (it
 * was there before: then undoing leaves it). Source: Graph "Update message" (categories). */
#include "connectors/microsoft/acts.h"

#include <string.h>
#include <strings.h>

#define TRIES 4

static bool has_category(const cJSON *message, const char *tag)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(message, "categories"))
	{
		const char *have = cJSON_GetStringValue(one);
		if (have && tag && strcasecmp(have, tag) == 0)
			return true;
	}
	return false;
}

/* What separates categories in Outlook cannot be in one. */
static int set_tag(cJSON *receipt, const char *tag)
{
	_cleanup_buf_ struct buf text = BUF_INIT(256);

	for (; *tag; tag++)
		if (buf_addc(&text, *tag == ',' || *tag == ';' || (unsigned char)*tag < ' ' ? ' ' : *tag) < 0)
			return -1;
	return json_set_str(receipt, "tag", buf_str(&text));
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;

	if (!act->tag || !*act->tag)
		return err_set(err, ERR_LOCAL, "bad_act", "a tag without words");
	if (json_set_str(receipt, "user", json_str(context, "user")) < 0 || json_set_str(receipt, "owner", stream->owner) < 0 ||
		json_set_str(receipt, "id", item->id) < 0 || set_tag(receipt, act->tag) < 0)
		return err_memory(err);
	if (ms_mail_look(c, receipt, &message, err) < 0)
		return -1;
	if (!ms_mail_version_is(message, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the draft was changed since it was looked at");
	if (json_set_bool(receipt, "had", has_category(message, json_str(receipt, "tag"))) < 0 ||
		json_set_str(receipt, "message_id", json_str(message, "internetMessageId")) < 0 ||
		json_set_str(receipt, "name", json_str(message, "subject")) < 0)
		return err_memory(err);
	return 0;
}

/* The message's categories with the tag, or without it. */
static cJSON *wanted(const cJSON *message, const char *tag, bool on)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *one;
	bool ok = list != NULL;

	cJSON_ArrayForEach(one, json_array(message, "categories"))
	{
		const char *have = cJSON_GetStringValue(one);
		if (have && strcasecmp(have, tag) != 0)
			ok = ok && cJSON_AddItemToArray(list, cJSON_CreateString(have));
	}
	if (on)
		ok = ok && cJSON_AddItemToArray(list, cJSON_CreateString(tag));
	if (ok)
		return list;
	json_free(list);
	return NULL;
}

/* 0 done, 1 somebody else wrote to it in between. */
static int put_categories(struct connection *c, const cJSON *receipt, const cJSON *message, bool on, struct err *err)
{
	const char *tag = json_str_or(receipt, "tag", "");
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *now = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	struct err why;

	if (!body || json_set(body, "categories", wanted(message, tag, on)) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/users/{}/messages/{}", json_str(receipt, "user"), json_str(receipt, "id"), NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "PATCH", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE,
		.if_match = json_str(message, "@odata.etag"), .json = body};
	if (graph_json(c, &call, &now, &why) < 0)
		return why.http_status == 412 || why.http_status == 409 ? 1 : pass_on(err, &why);
	if (has_category(now, tag) != on)
		return err_set(err, ERR_RETRY, "not_effective", "the category was written, but it does not show");
	return 0;
}

static int bring_about(struct connection *c, cJSON *receipt, bool on, struct err *err)
{
	for (int tries = 0; tries < TRIES; tries++) {
		_cleanup_json_ cJSON *message = NULL;
		if (ms_mail_look(c, receipt, &message, err) < 0)
			return -1;
		if (has_category(message, json_str(receipt, "tag")) == on)
			return 0;
		if (on && !ms_mail_version_is(message, json_str_or(receipt, "version", "1")))
			return err_set(err, ERR_CHANGED, "changed", "the draft was changed since it was looked at");
		int r = put_categories(c, receipt, message, on, err);
		if (r <= 0)
			return r;
	}
	return err_set(err, ERR_RETRY, "conflict", "the message keeps being changed while it is tagged");
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return bring_about(c, receipt, true, err);
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return json_bool(receipt, "had") ? 0 : bring_about(c, receipt, false, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *message = NULL;
	struct err why;

	if (!a)
		return err_memory(err);
	if (ms_mail_look(c, receipt, &message, &why) < 0)
		return why.class == ERR_GONE ? 0 : pass_on(err, &why);
	const char *version = ms_mail_version(a, message);
	ret->exists = true;
	ret->quarantined = has_category(message, json_str(receipt, "tag"));
	ret->restored = !ret->quarantined || json_bool(receipt, "had");
	snprintf(ret->place, sizeof(ret->place), "%.500s", json_str_or(receipt, "tag", ""));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

const struct graph_act ms_mail_tag = {
	.kind = ACT_TAG,
	.name = "tag",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
};
