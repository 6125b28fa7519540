/* Containing a message: one hidden label per mailbox instead of all others (mail_label.c), and back. Called by google.c
 * on core's job threads.
 *
 * Receipt: user, user_id, id, thread, internal_date, labels (ids, all of them), place {id}, kept_labels (those that Google
 * lets nobody take off: the message stays visible there). Every step looks first; one call does the whole change.
 * Sources: Gmail "Manage labels" (which system labels may be applied), users.messages.modify. */
#include "connectors/google/google.h"

#include <string.h>

#define LABELS_PER_CALL 100

/* ---- looking and labelling ---- */

int mail_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (gmail_url(c, &url, err, "/messages/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "format", "minimal") < 0)
		return err_memory(err);
	if (google_get(c, json_str(receipt, "user"), buf_str(&url), &doc, err) < 0)
		return mail_error(err);
	if (strcmp(json_str_or(doc, "id", ""), json_str(receipt, "id")) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "another message than was asked for");
	*ret = TAKE_PTR(doc);
	return 0;
}

static const char *place_id(const cJSON *receipt)
{
	return json_str_or(json_object(receipt, "place"), "id", "");
}

/* Labels that come with what a message is; Gmail lets nobody add or remove them. */
bool mail_label_fixed(const char *label)
{
	return strcmp(label, "SENT") == 0 || strcmp(label, "DRAFT") == 0 || strcmp(label, "CHAT") == 0;
}

/* POST …/trash, …/untrash or …/modify. ret may be NULL. */
int mail_post(struct connection *c, const cJSON *receipt, const char *pattern, const cJSON *body, cJSON **ret,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (gmail_url(c, &url, err, "/messages/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (buf_adds(&url, pattern) < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = json_str(receipt, "user"), .json = body};
	if (google_json(c, &call, &doc, err) < 0)
		return mail_error(err);
	if (!json_str(doc, "id"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a changed message without an id");
	if (ret)
		*ret = TAKE_PTR(doc);
	return 0;
}

/* At most a hundred labels either way; more come with the next look. */
int mail_modify(struct connection *c, const cJSON *receipt, const cJSON *add, const cJSON *remove, cJSON **ret,
	struct err *err)
{
	const cJSON *const from[] = {add, remove};
	static const char *const keys[] = {"addLabelIds", "removeLabelIds"};
	_cleanup_json_ cJSON *body = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		cJSON *list = cJSON_CreateArray();
		const cJSON *label;
		if (json_set(body, keys[i], list) < 0)
			return err_memory(err);
		cJSON_ArrayForEach(label, from[i])
		{
			if (cJSON_GetArraySize(list) < LABELS_PER_CALL && list_add(list, cJSON_GetStringValue(label)) < 0)
				return err_memory(err);
		}
	}
	return mail_post(c, receipt, "/modify", body, ret, err);
}

/* Labels of `from` that are not in `but` (which may be NULL), without fixed ones and `not`. */
static cJSON *difference(const cJSON *from, const cJSON *but, const char *not)
{
	cJSON *out = cJSON_CreateArray();
	const cJSON *label;

	cJSON_ArrayForEach(label, from)
	{
		const char *s = cJSON_GetStringValue(label);
		if (!s || mail_label_fixed(s) || list_has(but, s) || strcmp(s, not) == 0)
			continue;
		if (list_add(out, s) < 0) {
			json_free(out);
			return NULL;
		}
	}
	return out;
}

/* ---- quarantine ---- */

/* ours: without that label, which is where it is brought to. */
static int note_labels(cJSON *receipt, const cJSON *message, const char *ours, struct err *err)
{
	cJSON *kept = cJSON_CreateArray(), *all = cJSON_CreateArray();
	const cJSON *label;

	if (json_set(receipt, "labels", all) < 0 || json_set(receipt, "kept_labels", kept) < 0)
		return err_memory(err);
	cJSON_ArrayForEach(label, json_array(message, "labelIds"))
	{
		const char *s = cJSON_GetStringValue(label);
		if (!s || strcmp(s, ours) == 0)
			continue;
		if (list_add(all, s) < 0 || (mail_label_fixed(s) && list_add(kept, s) < 0))
			return err_memory(err);
	}
	if (cJSON_GetArraySize(kept) &&
		json_note(receipt, "notes", "Gmail lets nobody take these labels off, the message stays to be found by them") < 0)
		return err_memory(err);
	return 0;
}

int mail_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	const char *user = json_str(context, "user");
	_cleanup_buf_ struct buf label = BUF_INIT(1024);
	_cleanup_json_ cJSON *message = NULL;
	cJSON *place = cJSON_CreateObject();

	if (json_set(receipt, "place", place) < 0 || json_set_str(receipt, "user", user) < 0)
		return err_memory(err);
	if (mail_look(c, receipt, &message, err) < 0 || mail_place(c, user, json_str(context, "id"), false, &label, err) < 0 ||
		note_labels(receipt, message, buf_str(&label), err) < 0)
		return -1;
	if (json_set_str(place, "id", buf_str(&label)) < 0 || json_set_str(receipt, "name", item->subject) < 0 ||
		json_set_str(receipt, "thread", json_str(message, "threadId")) < 0 ||
		json_set_str(receipt, "internal_date", json_str(message, "internalDate")) < 0)
		return err_memory(err);
	cJSON *labels = json_array(receipt, "labels");
	int known = cJSON_GetArraySize(labels), fixed = cJSON_GetArraySize(json_array(receipt, "kept_labels"));
	if (!list_has(json_array(message, "labelIds"), buf_str(&label)) || known > fixed)
		return 0;
	/* It has ours alone since an act whose receipt nobody has any more; or its reader put it on. */
	if ((!known && list_add(labels, "INBOX") < 0) || json_note(receipt, "not_restored", "the labels that it had before are not known") < 0)
		return err_memory(err);
	return 0;
}

/* The remembered label is gone: another one. */
static int other_place(struct connection *c, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf label = BUF_INIT(1024);

	if (mail_place(c, json_str(receipt, "user"), json_str(receipt, "user_id"), true, &label, err) < 0)
		return -1;
	return MEM_OK(json_set_str(json_object(receipt, "place"), "id", buf_str(&label)) == 0, err);
}

static int add_ours(struct connection *c, cJSON *receipt, const cJSON *message, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *remove = difference(json_array(message, "labelIds"), NULL, place_id(receipt));
	_cleanup_json_ cJSON *add = cJSON_CreateArray();

	if (!remove || !add || list_add(add, place_id(receipt)) < 0)
		return err_memory(err);
	return mail_modify(c, receipt, add, remove, ret, err);
}

int mail_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	struct err why = {0};

	if (mail_look(c, receipt, &message, err) < 0)
		return -1;
	/* Its owner may have labelled it in the meantime: as it is now it shall come back. */
	if (!list_has(json_array(message, "labelIds"), place_id(receipt)) && note_labels(receipt, message, "", err) < 0)
		return -1;
	for (int tries = 0; tries < 4; tries++) {
		const cJSON *labels = json_array(message, "labelIds");
		_cleanup_json_ cJSON *rest = difference(labels, NULL, place_id(receipt)), *now = NULL;
		if (!rest)
			return err_memory(err);
		if (list_has(labels, place_id(receipt)) && cJSON_GetArraySize(rest) == 0)
			return 0;
		int r = *place_id(receipt) ? add_ours(c, receipt, message, &now, &why) :
					     err_set(&why, ERR_REMOTE, "no_place", "no label");
		if (r < 0 && (why.class == ERR_GONE || why.class == ERR_REMOTE) &&
			(why.http_status == 400 || why.http_status == 404 || !why.http_status)) {
			/* Our label is gone, or the message, or trash has its own way out. */
			if (other_place(c, receipt, err) < 0)
				return -1;
			if (tries > 0 && list_has(labels, "TRASH") && mail_post(c, receipt, "/untrash", NULL, NULL, err) < 0)
				return -1;
			if (mail_look(c, receipt, &now, err) < 0)
				return -1;
		} else if (r < 0) {
			return pass_on(err, &why);
		}
		json_free(message);
		message = TAKE_PTR(now);
	}
	return why.class != ERR_NONE ? pass_on(err, &why) :
				       err_set(err, ERR_RETRY, "not_effective", "the message was labelled, but it does not show");
}

/* ---- restore ---- */

/* Takes labels that the mailbox does not have any more off the list; *ret_any: were there any? */
static int drop_missing(struct connection *c, cJSON *receipt, cJSON *add, bool *ret_any, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *labels;
	bool any = false;

	if (mail_labels(c, json_str(receipt, "user"), &doc, &labels, err) < 0)
		return -1;
	for (int i = cJSON_GetArraySize(add) - 1; i >= 0; i--) {
		const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(add, i));
		if (mail_label_find(labels, "id", id))
			continue;
		cJSON *lost = json_array(receipt, "lost_labels");
		if (!lost && json_set(receipt, "lost_labels", lost = cJSON_CreateArray()) < 0)
			return err_memory(err);
		if (list_add(lost, id) < 0 ||
			json_note(receipt, "not_restored", "its label %.100s was deleted in the meantime", id) < 0)
			return err_memory(err);
		cJSON_DeleteItemFromArray(add, i);
		any = true;
	}
	*ret_any = any;
	return 0;
}

/* Nobody has its bytes then: they lay in the mailbox alone. */
static int purged(struct err *err)
{
	if (!err || err->class != ERR_GONE || err->http_status != 404)
		return -1;
	snprintf(err->code, sizeof(err->code), "gone");
	return err_prefix(err, "it was deleted for good while it was held");
}

/* Where its reader, or Gmail, threw it while it was held: it comes back from there, too. */
static int thrown(const cJSON *receipt, const cJSON *labels, cJSON *out)
{
	static const char *const places[] = {"TRASH", "SPAM"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (list_has(labels, places[i]) && !list_has(json_array(receipt, "labels"), places[i]) &&
			list_add(out, places[i]) < 0)
			return -1;
	return 0;
}

static int give_back(struct connection *c, cJSON *receipt, const cJSON *labels, cJSON *add, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *remove = cJSON_CreateArray();
	struct err why = {0};
	bool dropped = false;

	if (!remove || list_add(remove, place_id(receipt)) < 0 || thrown(receipt, labels, remove) < 0)
		return err_memory(err);
	if (mail_modify(c, receipt, add, remove, ret, &why) == 0)
		return 0;
	if (why.http_status != 400 && why.http_status != 404)
		return pass_on(err, &why);
	if (drop_missing(c, receipt, add, &dropped, err) < 0)
		return -1;
	if (list_has(add, "TRASH")) {
		/* Before our own label goes: a repeat must see that it is not done. */
		if (mail_post(c, receipt, "/trash", NULL, NULL, err) < 0)
			return -1;
		for (int i = cJSON_GetArraySize(add) - 1; i >= 0; i--)
			if (strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(add, i)), "TRASH") == 0)
				cJSON_DeleteItemFromArray(add, i);
	} else if (list_has(remove, "TRASH")) {
		if (mail_post(c, receipt, "/untrash", NULL, NULL, err) < 0)
			return -1;
		cJSON_DeleteItemFromArray(remove, 1);
	} else if (!dropped) {
		return pass_on(err, &why);
	}
	return mail_modify(c, receipt, add, remove, ret, err);
}

int mail_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;

	if (mail_look(c, receipt, &message, err) < 0)
		return purged(err);
	for (int tries = 0; tries < 4; tries++) {
		const cJSON *labels = json_array(message, "labelIds");
		_cleanup_json_ cJSON *add = difference(json_array(receipt, "labels"), labels, place_id(receipt)), *now = NULL;
		if (!add)
			return err_memory(err);
		if (!list_has(labels, place_id(receipt))) {
			/* Somebody took it out by other means; its labels are their choice now, or an earlier try's. */
			if (tries == 0 && cJSON_GetArraySize(add) &&
				(json_set_bool(receipt, "left_as_is", true) < 0 ||
					json_note(receipt, "not_restored", "it was not in quarantine any more and stays as it is") < 0))
				return err_memory(err);
			return 0;
		}
		if (give_back(c, receipt, labels, add, &now, err) < 0)
			return -1;
		json_free(message);
		message = TAKE_PTR(now);
	}
	return err_set(err, ERR_RETRY, "not_effective", "the message's labels were given back, but it does not show");
}

/* ---- looking, reading, deleting ---- */

/* Do the labels that say where a message is stand as the receipt has them? */
static bool is_home(const cJSON *receipt, const cJSON *labels)
{
	static const char *const moods[] = {"UNREAD", "STARRED", "IMPORTANT"}; /* its reader's, at any moment */
	_cleanup_json_ cJSON *missing = difference(json_array(receipt, "labels"), labels, place_id(receipt));
	const cJSON *label;

	if (!missing || json_bool(receipt, "left_as_is"))
		return missing != NULL;
	cJSON_ArrayForEach(label, missing)
	{
		const char *s = cJSON_GetStringValue(label);
		bool mood = strncmp(s, "CATEGORY_", 9) == 0 || list_has(json_array(receipt, "lost_labels"), s);
		for (size_t i = 0; i < ARRAY_SIZE(moods); i++)
			mood = mood || strcmp(s, moods[i]) == 0;
		if (!mood)
			return false;
	}
	return true;
}

int mail_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(sizeof(ret->place) - 1);
	const cJSON *label;
	struct err why = {0};

	if (mail_look(c, receipt, &message, &why) < 0)
		return why.http_status == 404 && why.class == ERR_GONE ? 0 : pass_on(err, &why);
	const cJSON *labels = json_array(message, "labelIds");
	_cleanup_json_ cJSON *rest = difference(labels, NULL, place_id(receipt));
	if (!rest)
		return err_memory(err);
	bool ours = list_has(labels, place_id(receipt));
	ret->exists = true;
	ret->quarantined = ours && cJSON_GetArraySize(rest) == 0;
	ret->restored = !ours && is_home(receipt, labels);
	cJSON_ArrayForEach(label, labels)
	{
		const char *s = cJSON_GetStringValue(label);
		if (s)
			buf_addf(&text, "%s%s", text.len ? ", " : "",
				strcmp(s, place_id(receipt)) == 0 ? GOOGLE_QUARANTINE : s);
	}
	snprintf(ret->place, sizeof(ret->place), "%s", buf_str(&text));
	snprintf(ret->version, sizeof(ret->version), "1");
	return 0;
}

int mail_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	if (mail_bytes(c, json_str(receipt, "user"), json_str(receipt, "id"), content, ret, err) < 0)
		return purged(err);
	return 0;
}

/* Into the trash: the scope that deletes for good is not asked for. Gmail empties it after 30 days. */
int mail_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *message = NULL;
	struct err why = {0};

	if (mail_look(c, receipt, &message, &why) < 0)
		return why.http_status == 404 && why.class == ERR_GONE ? 0 : pass_on(err, &why);
	const cJSON *labels = json_array(message, "labelIds");
	if (!list_has(labels, place_id(receipt)))
		return err_set(err, ERR_CHANGED, "not_quarantined", "the message is not in quarantine any more");
	if (list_has(labels, "TRASH"))
		return 0;
	return mail_post(c, receipt, "/trash", NULL, NULL, err);
}
