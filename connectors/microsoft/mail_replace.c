/* Replacing a message: it goes into quarantine as by mail_act.c, and a notice lies where it was, under its subject; and back. Called
 * by microsoft.c on core's job threads.
 *
 * The notice is created in the folder, nobody sends it. Its Message-ID follows from the act, so a repeat finds it. Receipt: as
 * mail_act.c's, and notice {text, message_id, id; lost: it cannot be made, and why}.
 * Sources: Graph "Create message", "singleValueLegacyExtendedProperty" (PidTagMessageFlags: without its unsent bit it is no
 * draft), "List messages" ($filter). */
#include "connectors/microsoft/acts.h"

#include <string.h>

#define FLAGS "Integer 0x0E07"
#define NOTICE_SELECT "id,internetMessageId,parentFolderId,isDraft,changeKey,lastModifiedDateTime"

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
	if (notice_message_id(json_str_or(receipt, "op", ""), &id, err) < 0 || ms_mail_plan(c, context, stream, item, receipt, err) < 0)
		return -1;
	return MEM_OK(json_set_str(notice, "message_id", buf_str(&id)) == 0, err);
}

/* The notices as they are now, by their Message-ID: one, none, or two when a connection broke and the call was sent again. What was
 * deleted is not among them. */
static int find(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	const char *user = json_str(receipt, "user"), *message_id = json_str_or(notice_of(receipt), "message_id", "");
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), filter = BUF_INIT(512);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *next;

	if (graph_url(c, &url, err, "/users/{}/messages", user, NULL) < 0)
		return -1;
	if (buf_addf(&filter, "internetMessageId eq '%s'", message_id) < 0 || url_query(&url, "$select", NOTICE_SELECT) < 0 ||
		url_query(&url, "$filter", buf_str(&filter)) < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, err) < 0)
		return -1;
	cJSON *list = json_array(doc, "value");
	if (!list)
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of messages that is none");
	for (cJSON *one = list->child; one; one = next) {
		bool deleted = false;
		next = one->next;
		if (!json_str(one, "id") || strcmp(json_str_or(one, "internetMessageId", ""), message_id) != 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "another message than was asked for");
		if (ms_mail_deleted(c, user, one, &deleted, err) < 0)
			return -1;
		if (deleted)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, one));
	}
	*ret = cJSON_DetachItemFromObjectCaseSensitive(doc, "value");
	return 0;
}

static int delete_one(struct connection *c, const cJSON *receipt, const char *id, struct err *err)
{
	const char *user = json_str(receipt, "user");
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), plain = BUF_INIT(GRAPH_URL_MAX);
	struct err why;

	if (graph_url(c, &url, err, "/users/{}/messages/{}/permanentDelete", user, id, NULL) < 0 ||
		graph_url(c, &plain, err, "/users/{}/messages/{}", user, id, NULL) < 0)
		return -1;
	struct graph_call call = {.method = "POST", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE};
	int r = graph_json(c, &call, NULL, &why);
	/* National clouds have no permanentDelete. */
	if (r < 0 && graph_refused(&why) && why.class != ERR_GONE) {
		call = (struct graph_call){.method = "DELETE", .url = buf_str(&plain), .prefer = GRAPH_IMMUTABLE};
		r = graph_json(c, &call, NULL, &why);
	}
	return r == 0 || why.class == ERR_GONE ? 0 : pass_on(err, &why);
}

static int add_address(cJSON *to, const char *name, const char *address)
{
	cJSON *mail = cJSON_CreateObject();

	return json_set(to, "emailAddress", mail) < 0 || json_set_str(mail, "name", name) < 0 ||
			json_set_str(mail, "address", address) < 0 ?
		-1 :
		0;
}

static cJSON *compose(const cJSON *receipt)
{
	cJSON *doc = cJSON_CreateObject(), *body = cJSON_CreateObject(), *from = cJSON_CreateObject();
	cJSON *list = cJSON_CreateArray(), *to = cJSON_CreateObject(), *more = cJSON_CreateArray(), *flags = cJSON_CreateObject();
	const char *owner = json_str_or(receipt, "owner", "");
	int r = json_set(doc, "body", body) | json_set(doc, "from", from) | json_set(doc, "toRecipients", list) |
		json_set(doc, "singleValueExtendedProperties", more);

	r |= cJSON_AddItemToArray(list, to) && cJSON_AddItemToArray(more, flags) ? 0 : -1;
	if (r < 0) {
		json_free(doc);
		return NULL;
	}
	r |= json_set_str(doc, "subject", json_str_or(receipt, "name", ""));
	r |= json_set_str(doc, "internetMessageId", json_str(notice_of(receipt), "message_id"));
	r |= json_set_str(body, "contentType", "text") | json_set_str(body, "content", json_str(notice_of(receipt), "text"));
	r |= add_address(from, "sekisho", owner) | add_address(to, owner, owner);
	r |= json_set_bool(doc, "isRead", false);
	/* Of received mail, not read: without the bit of what is not sent yet. */
	r |= json_set_str(flags, "id", FLAGS) | json_set_str(flags, "value", "4");
	if (r == 0)
		return doc;
	json_free(doc);
	return NULL;
}

static int create(struct connection *c, const cJSON *receipt, const char *folder, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *body = compose(receipt);
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (!body)
		return err_memory(err);
	if (graph_url(c, &url, err, "/users/{}/mailFolders/{}/messages", json_str(receipt, "user"), folder, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE, .json = body};
	return graph_json(c, &call, ret, err);
}

/* Takes the id of the first notice and ends the others; none: 1. */
static int take(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *list = NULL;

	if (!a)
		return err_memory(err);
	if (find(c, receipt, &list, err) < 0)
		return -1;
	if (!list->child)
		return 1;
	for (cJSON *more = list->child->next; more; more = more->next)
		if (delete_one(c, receipt, json_str(more, "id"), err) < 0)
			return -1;
	const char *id = json_str(list->child, "id"), *version = ms_mail_version(a, list->child);
	if (!version || json_set_str(notice_of(receipt), "id", id) < 0)
		return err_memory(err);
	return notice_remember(c->api.env, id, version, err);
}

static int put_notice(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const char *home = json_str_or(json_object(receipt, "parent"), "id", "inbox");
	_cleanup_json_ cJSON *made = NULL;
	cJSON *notice = notice_of(receipt);
	struct err why;

	/* What was made and is gone its reader threw away. */
	if (json_str(notice, "id"))
		return 0;
	int r = again ? take(c, receipt, err) : 1;
	if (r <= 0)
		return r;
	r = create(c, receipt, home, &made, &why);
	if (r < 0 && why.class == ERR_GONE)
		r = create(c, receipt, "inbox", &made, &why);
	/* The message is contained whether or not somebody is told in its place. */
	if (r < 0 && graph_refused(&why))
		return MEM_OK(json_set_str(notice, "lost", why.message) == 0 &&
			json_note(receipt, "notes", "no notice in its place: %.200s", why.message) == 0, err);
	if (r < 0)
		return pass_on(err, &why);
	r = take(c, receipt, err);
	return r > 0 ? err_set(err, ERR_RETRY, "not_effective", "the notice was made, but it does not show") : r;
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return ms_mail_quarantine(c, receipt, again, err) < 0 ? -1 : put_notice(c, receipt, again, err);
}

static int remove_notice(struct connection *c, const cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *one;

	if (find(c, receipt, &list, err) < 0)
		return -1;
	cJSON_ArrayForEach(one, list)
	{
		if (delete_one(c, receipt, json_str(one, "id"), err) < 0)
			return -1;
	}
	return 0;
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	return ms_mail_restore(c, receipt, again, err) < 0 ? -1 : remove_notice(c, receipt, err);
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *notice = notice_of(receipt);
	_cleanup_json_ cJSON *there = NULL;

	if (ms_mail_observe(c, receipt, ret, err) < 0)
		return -1;
	/* That a notice was thrown away makes the message no less contained; one that was never made has to be. */
	bool told = json_str(notice, "id") || json_str(notice, "lost");
	if (!ret->restored && (told || !ret->quarantined))
		return 0;
	if (find(c, receipt, &there, err) < 0)
		return -1;
	ret->quarantined = ret->quarantined && (told || there->child);
	ret->restored = ret->restored && !there->child;
	return 0;
}

const struct graph_act ms_mail_replace = {
	.kind = ACT_REPLACE,
	.name = "replace",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
	.held = true,
};
