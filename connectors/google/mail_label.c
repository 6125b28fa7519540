/* Labels of a mailbox, those that tag, and the one of ours that hides what is quarantined: made where it is missing, hidden where somebody shows
 * it, and its id remembered as the mailbox's place. Called by mail_act.c on core's job threads; two of them may want the label of
 * one mailbox at the same time.
 *
 * Sources: users.labels.list, users.labels.create, users.labels.patch. */
#include "connectors/google/google.h"

#include <string.h>
#include <strings.h>

int mail_labels(struct connection *c, const char *user, cJSON **ret_doc, const cJSON **ret_labels, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (gmail_url(c, &url, err, "/labels", NULL) < 0)
		return -1;
	if (google_get(c, user, buf_str(&url), &doc, err) < 0)
		return mail_error(err);
	if (!json_array(doc, "labels"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of labels that is none");
	*ret_labels = json_array(doc, "labels");
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

const cJSON *mail_label_find(const cJSON *labels, const char *key, const char *value)
{
	const cJSON *label;

	cJSON_ArrayForEach(label, labels)
	{
		if (strcasecmp(json_str_or(label, key, ""), value) == 0 && json_str(label, "id"))
			return label;
	}
	return NULL;
}

static bool is_hidden(const cJSON *label)
{
	return strcmp(json_str_or(label, "labelListVisibility", ""), "labelHide") == 0 &&
		strcmp(json_str_or(label, "messageListVisibility", ""), "hide") == 0;
}

static int place_key(struct buf *key, const char *user, const char *user_id)
{
	return buf_addf(key, "mailbox/%s", user_id ? user_id : user);
}

/* Creates a label, ours or one that people see; or makes the one of that id what ours is. */
static int write_label(struct connection *c, const char *user, const char *name, bool hidden, const char *id, struct buf *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;

	if (!body || json_set_str(body, "name", name) < 0 ||
		json_set_str(body, "labelListVisibility", hidden ? "labelHide" : "labelShow") < 0 ||
		json_set_str(body, "messageListVisibility", hidden ? "hide" : "show") < 0)
		return err_memory(err);
	if ((id ? gmail_url(c, &url, err, "/labels/{}", id, NULL) : gmail_url(c, &url, err, "/labels", NULL)) < 0)
		return -1;
	const struct google_call call = {.method = id ? "PATCH" : "POST", .url = buf_str(&url), .as = user, .json = body};
	if (google_json(c, &call, &doc, err) < 0)
		return mail_error(err);
	const char *made = json_str(doc, "id");
	if (!made || !*made)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new label without an id");
	return buf_adds(ret, made) < 0 ? err_memory(err) : 0;
}

/* 0 and the id, 1 when there is none. */
static int take_label(struct connection *c, const char *user, const char *name, bool hidden, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *labels;

	if (mail_labels(c, user, &doc, &labels, err) < 0)
		return -1;
	const cJSON *label = mail_label_find(labels, "name", name);
	if (!label)
		return 1;
	if (hidden && !is_hidden(label))
		return write_label(c, user, name, hidden, json_str(label, "id"), ret, err);
	return buf_adds(ret, json_str(label, "id")) < 0 ? err_memory(err) : 0;
}

static int find_or_make(struct connection *c, const char *user, const char *name, bool hidden, struct buf *ret, struct err *err)
{
	struct err why = {0};

	int r = take_label(c, user, name, hidden, ret, err);
	if (r <= 0)
		return r;
	if (write_label(c, user, name, hidden, NULL, ret, &why) == 0)
		return 0;
	/* Another thread may make it at the same time. */
	if (why.class != ERR_CHANGED && why.http_status != 400)
		return pass_on(err, &why);
	return take_label(c, user, name, hidden, ret, err) == 0 ? 0 : pass_on(err, &why);
}

int mail_tag_label(struct connection *c, const char *user, const char *name, struct buf *ret, struct err *err)
{
	return find_or_make(c, user, name, false, ret, err);
}

int mail_place(struct connection *c, const char *user, const char *user_id, bool fresh, struct buf *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(1024), id = BUF_INIT(1024);
	const struct connector_env *env = c->api.env;

	if (place_key(&key, user, user_id) < 0)
		return err_memory(err);
	int r = fresh ? 1 : env->place_get(env->ctx, buf_str(&key), &id, err);
	if (r == 1) {
		r = find_or_make(c, user, GOOGLE_QUARANTINE, true, &id, err);
		if (r == 0)
			r = env->place_put(env->ctx, buf_str(&key), buf_str(&id), err);
	}
	if (r < 0)
		return -1;
	return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
}
