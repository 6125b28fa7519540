/* Containing a Teams message: blocked by a policy violation, and unblocked. Called by microsoft.c on core's job threads.
 *
 * The message stays where it is; its readers see a notice instead, ACT_BLOCK's own words or ours. Attached files are contained in their drives. No
 * application may delete a message, so there is no remove. Receipt: chat, or team, channel and reply_to; id; before (the
 * dlpAction that was there); notice. Source: Graph "Update chatMessage" (policyViolation). */
#include "connectors/microsoft/acts.h"

#include <string.h>

#define NOTICE "This message was blocked because it contains dangerous content."

static bool is_blocked(const cJSON *message)
{
	return strstr(json_str_or(json_object(message, "policyViolation"), "dlpAction", ""), "blockAccess") != NULL;
}

static bool version_is(const cJSON *message, const char *version)
{
	return strcmp(json_str_or(message, "lastEditedDateTime", "1"), version) == 0;
}

static int look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	const struct teams_ref ref = ms_teams_ref_of(receipt, NULL);

	return ms_teams_get(c, &ref, ret, err);
}

static int set_action(struct connection *c, const cJSON *receipt, const char *action, bool notice, struct err *err)
{
	const struct teams_ref ref = ms_teams_ref_of(receipt, NULL);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *violation = cJSON_CreateObject(), *tip = notice ? cJSON_CreateObject() : NULL;

	if (json_set(body, "policyViolation", violation) < 0 || json_set_str(violation, "dlpAction", action) < 0 ||
		json_set_str(violation, "verdictDetails", "none") < 0)
		return err_memory(err);
	if (notice && (json_set(violation, "policyTip", tip) < 0 || json_set_str(tip, "generalText", json_str_or(receipt, "notice", NOTICE)) < 0 ||
			      json_set(tip, "matchedConditionDescriptions", cJSON_CreateArray()) < 0))
		return err_memory(err);
	if (ms_teams_url(c, &ref, &url, err) < 0)
		return -1;
	return graph_json(c, &(struct graph_call){.method = "PATCH", .url = buf_str(&url), .json = body}, NULL, err);
}

int ms_teams_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *own = NULL, *message = NULL;

	if (own_json(item->context, ERR_LOCAL, &own, err) < 0)
		return -1;
	const struct teams_ref ref = ms_teams_ref_of(own, context);
	if (json_set_str(receipt, "chat", ref.chat) < 0 || json_set_str(receipt, "team", ref.team) < 0 ||
		json_set_str(receipt, "channel", ref.channel) < 0 || json_set_str(receipt, "reply_to", ref.reply_to) < 0 ||
		json_set_str(receipt, "id", ref.id) < 0 || json_set_str(receipt, "owner", stream->owner) < 0 ||
		json_set_str(receipt, "name", item->name) < 0)
		return err_memory(err);
	if (ms_teams_get(c, &ref, &message, err) < 0)
		return -1;
	if (!version_is(message, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the message was edited since it was looked at");
	const char *before = json_str(json_object(message, "policyViolation"), "dlpAction");
	/* Blocked by somebody else already: undoing ours must not undo theirs. */
	return json_set_str(receipt, "before", before) < 0 ? err_memory(err) : 0;
}

int ms_teams_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;

	if (look(c, receipt, &message, err) < 0)
		return -1;
	if (is_blocked(message))
		return 0;
	if (!version_is(message, json_str_or(receipt, "version", "1")))
		return err_set(err, ERR_CHANGED, "changed", "the message was edited since it was looked at");
	return set_action(c, receipt, "blockAccess", true, err);
}

int ms_teams_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *before = json_str_or(receipt, "before", "none");
	_cleanup_json_ cJSON *message = NULL;

	if (look(c, receipt, &message, err) < 0)
		return -1;
	if (!is_blocked(message) || strstr(before, "blockAccess"))
		return 0;
	return set_action(c, receipt, before, false, err);
}

int ms_teams_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	struct err why;

	if (look(c, receipt, &message, &why) < 0) {
		if (why.class == ERR_GONE)
			return 0; /* exists: false */
		if (err)
			*err = why;
		return -1;
	}
	ret->exists = true;
	ret->quarantined = is_blocked(message);
	ret->restored = !ret->quarantined || strstr(json_str_or(receipt, "before", ""), "blockAccess");
	snprintf(ret->place, sizeof(ret->place), "%s", json_str(receipt, "chat") ? "chat" : "channel");
	snprintf(ret->version, sizeof(ret->version), "%.500s", json_str_or(message, "lastEditedDateTime", "1"));
	return 0;
}

int ms_teams_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	const struct teams_ref ref = ms_teams_ref_of(receipt, NULL);

	return ms_teams_bytes(c, &ref, content, ret, err);
}

static int plan_block(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	if (act->notice && *act->notice && json_set_str(receipt, "notice", act->notice) < 0)
		return err_memory(err);
	return ms_teams_plan(c, context, stream, item, receipt, err);
}

/* Containing a message is blocking it: the act differs by its words alone. */
const struct graph_act ms_teams_block = {
	.kind = ACT_BLOCK,
	.name = "block",
	.plan = plan_block,
	.quarantine = ms_teams_quarantine,
	.restore = ms_teams_restore,
	.observe = ms_teams_observe,
};
