/* Replacing a message: it goes into quarantine as by mail_act.c, and a notice gets the labels that it had, under its subject; and
 * back. Called by google.c on core's job threads.
 *
 * The notice is inserted, nobody sends it, in a conversation of its own: one with the message would show that. Its Message-ID
 * follows from the act, so a repeat finds it. Back again it goes into the trash, because gmail.modify deletes nothing for good.
 * Receipt: as mail_act.c's, and notice {text, message_id, id; lost: it cannot be made, and why}.
 * Sources: users.messages.insert, users.messages.list (q: rfc822msgid). */
#include "connectors/google/google.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <string.h>

static cJSON *notice_of(const cJSON *receipt)
{
	return json_object(receipt, "notice");
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(256);
	cJSON *notice = cJSON_CreateObject();

	if (json_set(receipt, "notice", notice) < 0 || json_set_str(notice, "text", act->notice ? act->notice : "") < 0)
		return err_memory(err);
	if (notice_message_id(json_str_or(receipt, "op", ""), &id, err) < 0 || mail_plan(c, context, stream, item, receipt, err) < 0)
		return -1;
	return MEM_OK(json_set_str(notice, "message_id", buf_str(&id)) == 0, err);
}

/* The feed gives messages without subjects; what the plan was not told is asked for. */
static int subject_of(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *one;

	if (json_str(receipt, "name"))
		return 0;
	if (gmail_url(c, &url, err, "/messages/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "format", "metadata") < 0 || url_query(&url, "metadataHeaders", "Subject") < 0)
		return err_memory(err);
	if (google_get(c, json_str(receipt, "user"), buf_str(&url), &doc, err) < 0)
		return mail_error(err);
	cJSON_ArrayForEach(one, json_array(json_object(doc, "payload"), "headers"))
	{
		if (same_address(json_str(one, "name"), "Subject"))
			return MEM_OK(json_set_str(receipt, "name", json_str_or(one, "value", "")) == 0, err);
	}
	return 0;
}

/* The notices that are there, the trash not counted: one, none, or two when a connection broke and the call was sent again. */
static int find(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	const char *message_id = json_str_or(notice_of(receipt), "message_id", "<>");
	int len = (int)strlen(message_id) - 2; /* without its brackets */
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX), q = BUF_INIT(512);
	_cleanup_json_ cJSON *doc = NULL, *list = NULL;
	const cJSON *one;

	if (gmail_url(c, &url, err, "/messages", NULL) < 0)
		return -1;
	if (!(list = cJSON_CreateArray()) || buf_addf(&q, "rfc822msgid:%.*s", len > 0 ? len : 0, message_id + 1) < 0 || url_query(&url, "q", buf_str(&q)) < 0)
		return err_memory(err);
	if (google_get(c, json_str(receipt, "user"), buf_str(&url), &doc, err) < 0)
		return mail_error(err);
	cJSON_ArrayForEach(one, json_array(doc, "messages"))
	{
		if (json_str(one, "id") && list_add(list, json_str(one, "id")) < 0)
			return err_memory(err);
	}
	*ret = TAKE_PTR(list);
	return 0;
}

/* Acts on a notice as on a message of its own. */
static int trash(struct connection *c, const cJSON *receipt, const char *id, struct err *err)
{
	_cleanup_json_ cJSON *who = cJSON_CreateObject();
	struct err why = {0};

	if (!who || json_set_str(who, "user", json_str(receipt, "user")) < 0 || json_set_str(who, "id", id) < 0)
		return err_memory(err);
	if (mail_post(c, who, "/trash", NULL, NULL, &why) == 0 || (why.class == ERR_GONE && why.http_status == 404))
		return 0;
	return pass_on(err, &why);
}

/* Where the message was, but not its reader's moods; a notice is not read yet. */
static cJSON *labels_for(const cJSON *receipt)
{
	static const char *const moods[] = {"UNREAD", "STARRED", "IMPORTANT", "TRASH", "SPAM"};
	cJSON *out = cJSON_CreateArray();
	const cJSON *label;

	cJSON_ArrayForEach(label, json_array(receipt, "labels"))
	{
		const char *s = cJSON_GetStringValue(label);
		bool skip = !s || mail_label_fixed(s) || strncmp(s, "CATEGORY_", 9) == 0;
		for (size_t i = 0; i < ARRAY_SIZE(moods) && !skip; i++)
			skip = strcmp(s, moods[i]) == 0;
		if (!skip && list_add(out, s) < 0) {
			json_free(out);
			return NULL;
		}
	}
	if (list_add(out, "UNREAD") < 0) {
		json_free(out);
		return NULL;
	}
	return out;
}

static int insert(struct connection *c, cJSON *receipt, struct err *err)
{
	const cJSON *notice = notice_of(receipt);
	_cleanup_buf_ struct buf mime = BUF_INIT(65536), raw = BUF_INIT(131072), url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();

	if (subject_of(c, receipt, err) < 0)
		return -1;
	const struct notice_mail mail = {.address = json_str(receipt, "user"), .subject = json_str_or(receipt, "name", ""),
		.text = json_str_or(notice, "text", ""), .message_id = json_str_or(notice, "message_id", ""), .date = time_now_ms()};
	if (notice_mime(&mail, &mime, err) < 0)
		return -1;
	if (base64url_encode(&raw, mime.data, mime.len) < 0 || !body || json_set_str(body, "raw", buf_str(&raw)) < 0 ||
		json_set(body, "labelIds", labels_for(receipt)) < 0)
		return err_memory(err);
	if (gmail_url(c, &url, err, "/messages", NULL) < 0)
		return -1;
	if (url_query(&url, "internalDateSource", "receivedTime") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = json_str(receipt, "user"), .json = body};
	return google_json(c, &call, NULL, err) < 0 ? mail_error(err) : 0;
}

/* Takes the id of the first notice and ends the others; none: 1. */
static int take(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;

	if (find(c, receipt, &list, err) < 0)
		return -1;
	if (!list->child)
		return 1;
	for (const cJSON *more = list->child->next; more; more = more->next)
		if (notice_remember(c->api.env, cJSON_GetStringValue(more), "1", err) < 0 ||
			trash(c, receipt, cJSON_GetStringValue(more), err) < 0)
			return -1;
	const char *id = cJSON_GetStringValue(list->child);
	if (json_set_str(notice_of(receipt), "id", id) < 0)
		return err_memory(err);
	return notice_remember(c->api.env, id, "1", err);
}

static int put_notice(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	cJSON *notice = notice_of(receipt);
	struct err why = {0};

	/* What was made and is gone its reader threw away. */
	if (json_str(notice, "id"))
		return 0;
	int r = again ? take(c, receipt, err) : 1;
	if (r <= 0)
		return r;
	if (insert(c, receipt, &why) < 0) {
		/* The message is contained whether or not somebody is told in its place. */
		if (!err_refused(&why))
			return pass_on(err, &why);
		return MEM_OK(json_set_str(notice, "lost", why.message) == 0 &&
			json_note(receipt, "notes", "no notice in its place: %.200s", why.message) == 0, err);
	}
	r = take(c, receipt, err);
	return r > 0 ? err_set(err, ERR_RETRY, "not_effective", "the notice was made, but it does not show") : r;
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return mail_quarantine(c, receipt, again, err) < 0 ? -1 : put_notice(c, receipt, again, err);
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *one;

	if (mail_restore(c, receipt, again, err) < 0 || find(c, receipt, &list, err) < 0)
		return -1;
	cJSON_ArrayForEach(one, list)
	{
		if (trash(c, receipt, cJSON_GetStringValue(one), err) < 0)
			return -1;
	}
	return 0;
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *notice = notice_of(receipt);
	_cleanup_json_ cJSON *list = NULL;

	if (mail_observe(c, receipt, ret, err) < 0)
		return -1;
	/* That a notice was thrown away makes the message no less contained; one that was never made has to be. */
	bool told = json_str(notice, "id") || json_str(notice, "lost");
	if (!ret->restored && (told || !ret->quarantined))
		return 0;
	if (find(c, receipt, &list, err) < 0)
		return -1;
	ret->quarantined = ret->quarantined && (told || list->child);
	ret->restored = ret->restored && !list->child;
	return 0;
}

const struct google_act mail_replace = {
	.kind = ACT_REPLACE,
	.name = "replace",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
	.held = true,
};
