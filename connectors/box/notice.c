/* The notice that stands where a file of Box was: NAME.txt in its folder, the owner's. See act.h.
 *
 * It is ours when its bytes are, which Box's sha1 tells, also in the answer to a name that is taken: so it is found again after a
 * crash, and is left alone once somebody wrote into it. Receipt: "notice" (the text), "notice_id". */
#include "connectors/box/act.h"
#include "connectors/notice.h"

#include "base/digest.h"
#include "base/encode.h"

#define NAMES 2

int act_notice_plan(struct act *x, const char *text)
{
	if (!text || !*text || strlen(text) > NOTICE_MAX)
		return err_set(x->err, ERR_LOCAL, "bad_act", "a notice without a text, or with too long a one");
	return json_set_str(x->receipt, "notice", text) < 0 ? err_memory(x->err) : 0;
}

static int our_hash(const struct act *x, char sha1[41])
{
	const char *text = json_str_or(x->receipt, "notice", "");
	struct digests d;

	if (digest_bytes(DIGEST_SHA1, text, strlen(text), &d) < 0)
		return err_memory(x->err);
	snprintf(sha1, 41, "%s", d.sha1);
	return 0;
}

/* The n-th name to try. */
static int put_place(struct act *x, cJSON *body, int n)
{
	_cleanup_buf_ struct buf name = BUF_INIT(1024);
	char text[1100];

	if (notice_file_name(json_str_or(x->receipt, "name", "file"), &name, x->err) < 0)
		return -1;
	if (n == 0)
		snprintf(text, sizeof(text), "%s", buf_str(&name));
	else
		snprintf(text, sizeof(text), "sekisho %.8s %.1000s", json_str_or(x->receipt, "op", ""), buf_str(&name));
	return json_set_str(body, "name", text) < 0 ||
			json_set_str(cJSON_AddObjectToObject(body, "parent"), "id", json_str_or(x->receipt, "parent", "0")) < 0 ?
		err_memory(x->err) : 0;
}

/* Sends as the owner. 0: *ret_id is the new file's, or that of ours which has the name (emptied when neither). 1: another file
 * has the name. 2: Box refuses. */
static int ask(struct act *x, struct api_call *call, struct buf *ret_id)
{
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;
	char sha1[41], as_user[80];
	const char *headers[] = {as_user, NULL};

	buf_clear(ret_id);
	if (our_hash(x, sha1) < 0)
		return -1;
	if (!box_is_id(x->user))
		return err_set(x->err, ERR_LOCAL, "bad_receipt", "a user id that is no number");
	snprintf(as_user, sizeof(as_user), "as-user: %s", x->user);
	call->headers = headers;
	if (api_send(&x->c->api, call, &r, x->err) < 0)
		return -1;
	if (r.body.len && json_parse(buf_str(&r.body), r.body.len, &doc, NULL) < 0)
		doc = NULL;
	const cJSON *found = cJSON_GetArrayItem(json_array(doc, "entries"), 0);
	if (r.status == 409) {
		const cJSON *info = json_get(json_object(doc, "context_info"), "conflicts");
		found = cJSON_IsArray(info) ? cJSON_GetArrayItem(info, 0) : info;
		if (strcmp(json_str_or(found, "type", ""), "file") != 0 || strcmp(json_str_or(found, "sha1", ""), sha1) != 0)
			return 1;
	} else if (api_check(&x->c->api, &r, x->err) < 0) {
		return box_refused(x->err) ? 2 : -1;
	}
	return box_is_id(json_str(found, "id")) && buf_adds(ret_id, json_str(found, "id")) < 0 ? err_memory(x->err) : 0;
}

/* Is it there? As ask(). */
static int look(struct act *x, int n, struct buf *ret_id)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();

	if (put_place(x, body, n) < 0 || json_set_int(body, "size", (int64_t)strlen(json_str_or(x->receipt, "notice", ""))) < 0)
		return err_memory(x->err);
	if (box_url(x->c, &url, x->err, "/files/content", NULL) < 0)
		return -1;
	struct api_call call = {.method = "OPTIONS", .url = buf_str(&url), .json = body};
	return ask(x, &call, ret_id);
}

static int upload(struct act *x, int n, struct buf *ret_id)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192), attributes = BUF_INIT(16384), body = BUF_INIT(65536), type = BUF_INIT(200);
	_cleanup_json_ cJSON *place = cJSON_CreateObject();
	char mark[33];

	if (put_place(x, place, n) < 0)
		return -1;
	random_hex(mark, 16);
	if (url_make(&url, x->err, x->c->upload, "/api/2.0/files/content", NULL) < 0)
		return -1;
	if (json_print(place, &attributes) < 0 || buf_addf(&type, "multipart/form-data; boundary=%s", mark) < 0 ||
		buf_addf(&body, "--%s\r\nContent-Disposition: form-data; name=\"attributes\"\r\nContent-Type: application/json\r\n\r\n%s\r\n"
			"--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notice.txt\"\r\nContent-Type: text/plain\r\n\r\n",
			mark, buf_str(&attributes), mark) < 0 ||
		buf_adds(&body, json_str_or(x->receipt, "notice", "")) < 0 || buf_addf(&body, "\r\n--%s--\r\n", mark) < 0)
		return err_memory(x->err);
	struct api_call call = {.method = "POST", .url = buf_str(&url), .body = body.data, .body_len = body.len,
		.content_type = buf_str(&type)};
	return ask(x, &call, ret_id);
}

/* The feed leaves it out as long as nobody writes into it. */
static int remember(struct act *x, const char *id)
{
	_cleanup_json_ cJSON *file = NULL;

	if (box_file(x->c, id, x->user, &file, x->err) < 0)
		return box_refused(x->err) ? 0 : -1;
	return notice_remember(x->c->api.env, id, act_version(file), x->err);
}

int act_notice_leave(struct act *x)
{
	_cleanup_buf_ struct buf id = BUF_INIT(200);
	int r = 1;

	for (int n = 0; r == 1 && n < NAMES; n++)
		r = upload(x, n, &id);
	if (r < 0)
		return -1;
	if (r > 0 || !id.len)
		return json_note(x->receipt, "open", "no notice could be left in its place: %.200s",
			       r == 2 ? x->err->message : "both names are taken") < 0 ? err_memory(x->err) : 0;
	if (json_set_str(x->receipt, "notice_id", buf_str(&id)) < 0)
		return err_memory(x->err);
	return remember(x, buf_str(&id));
}

static int find(struct act *x, struct buf *ret_id)
{
	const char *known = json_str(x->receipt, "notice_id");

	if (known)
		return buf_adds(ret_id, known) < 0 ? err_memory(x->err) : 0;
	for (int n = 0; n < NAMES && !ret_id->len; n++)
		if (look(x, n, ret_id) < 0)
			return -1;
	return 0;
}

/* Out of the trash, too, where that is allowed. */
static int purge(struct act *x, const char *id)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	if (box_url(x->c, &url, x->err, "/files/{}/trash", id, NULL) < 0)
		return -1;
	const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = x->user};
	return box_json(x->c, &call, NULL, x->err) < 0 && !box_refused(x->err) ? -1 : 0;
}

int act_notice_take(struct act *x)
{
	_cleanup_buf_ struct buf id = BUF_INIT(200), url = BUF_INIT(8192);
	_cleanup_json_ cJSON *file = NULL;
	char sha1[41];

	if (our_hash(x, sha1) < 0 || find(x, &id) < 0)
		return -1;
	if (!id.len)
		return 0;
	if (box_file(x->c, buf_str(&id), x->user, &file, x->err) < 0)
		return box_refused(x->err) ? 0 : -1;
	if (strcmp(json_str_or(file, "sha1", ""), sha1) != 0)
		return json_note(x->receipt, "not_restored", "the notice in its place was changed and stays") < 0 ? err_memory(x->err) : 0;
	if (box_url(x->c, &url, x->err, "/files/{}", buf_str(&id), NULL) < 0)
		return -1;
	const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = x->user, .if_match = json_str(file, "etag")};
	if (box_json(x->c, &call, NULL, x->err) < 0 && x->err->class != ERR_GONE) {
		if (!box_refused(x->err))
			return -1;
		return json_note(x->receipt, "not_restored", "the notice in its place could not be taken away: %.120s", x->err->message) < 0 ?
			err_memory(x->err) : 0;
	}
	return purge(x, buf_str(&id));
}

int box_is_notice(struct connection *c, const cJSON *file, bool *ret, struct err *err)
{
	const char *id = json_str(file, "id"), *version = json_str(json_object(file, "file_version"), "id");

	*ret = false;
	if (!id || !version || !notice_maybe_file(json_str(file, "name"), json_size(file, "size")))
		return 0;
	return notice_is_ours(c->api.env, id, version, ret, err);
}
