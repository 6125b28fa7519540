/* Tagging a message: a label that its reader sees, and off again. Called by google.c on core's job threads.
 *
 * The label is made in the mailbox when it is missing, and stays there when it is taken off the message: others may have it. Receipt:
 * user, user_id, id, name, tag, label (its id), had (it was there before: then undoing leaves it).
 * Sources: Gmail "Manage labels", users.labels.create, users.messages.modify. */
#include "connectors/google/google.h"

#include <string.h>

#define TRIES 3

static const char *label_id(const cJSON *receipt)
{
	return json_str_or(receipt, "label", "");
}

static bool has_tag(const cJSON *receipt, const cJSON *message)
{
	return *label_id(receipt) && list_has(json_array(message, "labelIds"), label_id(receipt));
}

static int take_label(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(1024);

	if (mail_tag_label(c, json_str(receipt, "user"), json_str_or(receipt, "tag", ""), &id, err) < 0)
		return -1;
	return MEM_OK(json_set_str(receipt, "label", buf_str(&id)) == 0, err);
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;

	if (!act->tag || !*act->tag)
		return err_set(err, ERR_LOCAL, "bad_act", "a tag without words");
	if (json_set_str(receipt, "user", json_str(context, "user")) < 0 || json_set_str(receipt, "tag", act->tag) < 0 ||
		json_set_str(receipt, "name", item->subject) < 0)
		return err_memory(err);
	if (mail_look(c, receipt, &message, err) < 0 || take_label(c, receipt, err) < 0)
		return -1;
	return MEM_OK(json_set_bool(receipt, "had", has_tag(receipt, message)) == 0, err);
}

static int put_label(struct connection *c, const cJSON *receipt, bool on, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray(), *none = cJSON_CreateArray();

	if (!list || !none || list_add(list, label_id(receipt)) < 0)
		return err_memory(err);
	return mail_modify(c, receipt, on ? list : none, on ? none : list, ret, err);
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	struct err why = {0};

	if (mail_look(c, receipt, &message, err) < 0)
		return -1;
	for (int tries = 0; tries < TRIES; tries++) {
		_cleanup_json_ cJSON *now = NULL;
		if (has_tag(receipt, message))
			return 0;
		if (put_label(c, receipt, true, &now, &why) == 0) {
			json_free(message);
			message = TAKE_PTR(now);
			continue;
		}
		/* Somebody deleted the label. */
		if (why.http_status != 400 && why.http_status != 404)
			return pass_on(err, &why);
		if (take_label(c, receipt, err) < 0)
			return -1;
	}
	return why.class != ERR_NONE ? pass_on(err, &why) :
				       err_set(err, ERR_RETRY, "not_effective", "the message was labelled, but it does not show");
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL, *now = NULL;

	if (json_bool(receipt, "had"))
		return 0;
	if (mail_look(c, receipt, &message, err) < 0)
		return -1;
	if (!has_tag(receipt, message))
		return 0;
	if (put_label(c, receipt, false, &now, err) < 0)
		return -1;
	return has_tag(receipt, now) ? err_set(err, ERR_RETRY, "not_effective", "the label was taken off, but it does not show") : 0;
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	struct err why = {0};

	if (mail_look(c, receipt, &message, &why) < 0)
		return why.http_status == 404 && why.class == ERR_GONE ? 0 : pass_on(err, &why);
	ret->exists = true;
	ret->quarantined = has_tag(receipt, message);
	ret->restored = !ret->quarantined || json_bool(receipt, "had");
	snprintf(ret->place, sizeof(ret->place), "%.500s", json_str_or(receipt, "tag", ""));
	snprintf(ret->version, sizeof(ret->version), "1");
	return 0;
}

const struct google_act mail_tag = {
	.kind = ACT_TAG,
	.name = "tag",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
};
