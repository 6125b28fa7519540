/* The connector's table, calls to Box and their errors, one file's facts and bytes. See box.h for threads. */
#include "connectors/box/box.h"

#include <string.h>

/* ---- errors ---- */

static void set(struct err *err, enum err_class class, const char *code)
{
	err->class = class;
	snprintf(err->code, sizeof(err->code), "%s", code);
}

void box_refine(const struct http_response *r, const cJSON *doc, struct err *err)
{
	const char *code = json_str_or(doc, "code", "");
	const char *id = json_str(doc, "request_id");

	if (id)
		snprintf(err->request_id, sizeof(err->request_id), "%s", id);
	if (*code) {
		char text[240];
		snprintf(text, sizeof(text), "Box: %.60s: %.160s", code, json_str_or(doc, "message", ""));
		snprintf(err->message, sizeof(err->message), "%s", text);
	}
	if (r->status == 202) {
		set(err, ERR_RETRY, "not_ready");
		err->retry_at = r->retry_at;
	} else if (strcmp(code, "item_name_in_use") == 0) {
		set(err, ERR_CHANGED, "name_taken");
	} else if (strcmp(code, "user_already_collaborator") == 0) {
		set(err, ERR_CHANGED, "already_there");
	} else if (strcmp(code, "operation_blocked_temporary") == 0) {
		set(err, ERR_RETRY, "busy_tree");
	} else if (strcmp(code, "forbidden_by_policy") == 0) {
		set(err, ERR_REMOTE, "policy");
	} else if (strcmp(code, "trashed") == 0) {
		set(err, ERR_GONE, "trashed");
	} else if (r->status == 403 && (strcmp(code, "access_denied_insufficient_permissions") == 0 ||
					       strcmp(code, "access_denied_item_locked") == 0)) {
		set(err, ERR_REMOTE, "forbidden");
	}
}

bool box_refused(const struct err *err)
{
	int s = err->http_status;

	return s == 400 || s == 403 || s == 404 || s == 405 || s == 410 || s == 501;
}

/* ---- calls ---- */

struct headers {
	char as_user[80];
	char match[200];
	const char *list[3];
};

static int headers_make(struct headers *h, const struct box_call *call, struct err *err)
{
	int n = 0;

	if (call->user && *call->user) {
		if (!box_is_id(call->user))
			return err_set(err, ERR_REMOTE, "bad_answer", "a user id that is no number");
		snprintf(h->as_user, sizeof(h->as_user), "as-user: %s", call->user);
		h->list[n++] = h->as_user;
	}
	if (call->if_match) {
		if (strlen(call->if_match) > 100 || strpbrk(call->if_match, "\r\n"))
			return err_set(err, ERR_REMOTE, "bad_answer", "an etag that does not fit");
		snprintf(h->match, sizeof(h->match), "if-match: %s", call->if_match);
		h->list[n++] = h->match;
	}
	h->list[n] = NULL;
	return 0;
}

int box_json(struct connection *c, const struct box_call *call, cJSON **ret_doc, struct err *err)
{
	struct headers h;

	if (headers_make(&h, call, err) < 0)
		return -1;
	const struct api_call a = {.method = call->method, .url = call->url, .headers = h.list, .json = call->json,
		.body = call->body, .body_len = call->body_len, .content_type = call->content_type};
	return api_json(&c->api, &a, ret_doc, err);
}

int box_get(struct connection *c, const char *url, const char *user, cJSON **ret_doc, struct err *err)
{
	const struct box_call call = {.url = url, .user = user};

	return box_json(c, &call, ret_doc, err);
}

int box_download(struct connection *c, const struct box_call *call, struct http_response *ret, struct err *err)
{
	struct headers h;

	if (headers_make(&h, call, err) < 0)
		return -1;
	const struct api_call a = {.url = call->url, .headers = h.list, .content = call->content};
	return api_download(&c->api, &a, ret, err);
}

/* ---- one file ---- */

bool box_is_id(const char *id)
{
	return id && *id && strlen(id) <= 40 && strspn(id, "0123456789") == strlen(id);
}

/* Where Box names no version, the content stands for it, or the count of changes. */
static int make_version(cJSON *file, struct err *err)
{
	const char *sha1 = json_str(file, "sha1"), *etag = json_str(file, "etag");
	cJSON *version = cJSON_CreateObject();
	char text[140];

	if (!sha1 && !etag) {
		cJSON_Delete(version);
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without a version");
	}
	snprintf(text, sizeof(text), "%s:%.120s", sha1 ? "sha1" : "etag", sha1 ? sha1 : etag);
	if (json_set_str(version, "id", text) < 0) {
		cJSON_Delete(version);
		return err_memory(err);
	}
	return json_set(file, "file_version", version) < 0 ? err_memory(err) : 0;
}

int box_file(struct connection *c, const char *id, const char *user, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *file = NULL;

	if (box_url(c, &url, err, "/files/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", BOX_FIELDS) < 0)
		return err_memory(err);
	if (box_get(c, buf_str(&url), user, &file, err) < 0)
		return -1;
	if (strcmp(json_str_or(file, "id", ""), id) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "an answer that is not about the file");
	if (!json_str(json_object(file, "file_version"), "id") && make_version(file, err) < 0)
		return -1;
	*ret = TAKE_PTR(file);
	return 0;
}

const char *box_path(struct arena *a, const cJSON *file)
{
	_cleanup_buf_ struct buf path = BUF_INIT(32768);
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(json_object(file, "path_collection"), "entries"))
	{
		if (strcmp(json_str_or(e, "id", ""), "0") == 0)
			continue;
		if (buf_addf(&path, "/%s", json_str_or(e, "name", "?")) < 0)
			break;
	}
	return arena_dup(a, path.len ? buf_str(&path) : "/");
}

int box_item(struct arena *a, const cJSON *file, const char *reader, struct item *ret, struct err *err)
{
	const cJSON *owner = json_object(file, "owned_by"), *version = json_object(file, "file_version");
	const char *id = json_str(file, "id"), *v = json_str(version, "id"), *user = json_str_or(owner, "id", reader);

	if (!id || !v || !*user)
		return err_set(err, ERR_REMOTE, "bad_answer", "a file without id, version or owner");
	const char *sha1 = arena_str(a, file, "sha1");
	*ret = (struct item){.kind = ITEM_FILE, .id = arena_dup(a, id), .version = arena_dup(a, v),
		.name = arena_str(a, file, "name"), .path = box_path(a, file), .owner = arena_str(a, owner, "login"),
		.size = json_size(file, "size"), .changed_at = json_time(file, "modified_at"),
		.hash_kind = sha1 && strlen(sha1) == 40 ? "sha1" : NULL,
		.hash = sha1 && strlen(sha1) == 40 ? sha1 : NULL, .context = arena_printf(a, "{\"user\":\"%.40s\"}", user),
		.sharing_mark = box_sharing_mark(a, file, NULL)};
	return ret->sharing_mark && ret->id && ret->version && ret->path && ret->context ? 0 : err_memory(err);
}

int box_content(struct connection *c, const char *id, const char *version, const char *user, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_response_ struct http_response r = {0};

	if (box_url(c, &url, err, "/files/{}/content", id, NULL) < 0)
		return -1;
	if (version && box_is_id(version) && url_query(&url, "version", version) < 0)
		return err_memory(err);
	const struct box_call call = {.url = buf_str(&url), .user = user, .content = content};
	if (box_download(c, &call, &r, err) < 0) {
		if (strcmp(err->code, "policy") != 0)
			return -1;
		snprintf(ret->provider_threat, sizeof(ret->provider_threat), "%s", BOX_SHIELD);
		return 0;
	}
	/* Right after an upload Box is not ready to give it out. */
	if (r.status == 202) {
		err_set(err, ERR_RETRY, "not_ready", "Box: the file is not ready for download yet");
		err->retry_at = r.retry_at;
		return -1;
	}
	snprintf(ret->version, sizeof(ret->version), "%s", version ? version : "");
	return 0;
}

static int open_content(struct connection *c, const struct stream_info *stream, const struct item *item,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;

	if (own_json(item->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	return box_content(c, item->id, item->version, json_str(context, "user"), content, ret, err);
}

/* ---- the table ---- */

static int box_open(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
	struct err *err)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return err_memory(err);
	c->api = (struct api){.config = config, .env = env, .refine = box_refine};
	c->base = connection_endpoint(config, "api");
	c->upload = connection_endpoint(config, "upload");
	pthread_mutex_init(&c->door, NULL);
	pthread_mutex_init(&c->people_lock, NULL);
	*ret = c;
	return 0;
}

static void box_close(struct connection *c)
{
	if (!c)
		return;
	box_people_free(c->people);
	pthread_mutex_destroy(&c->people_lock);
	pthread_mutex_destroy(&c->door);
	free(c);
}

static const char *const endpoints[] = {"api", "https://api.box.com", "upload", "https://upload.box.com", NULL};

static const char *const needs[] = {
	"root_readwrite", "read files, and move what is dangerous",
	"manage_managed_users", "find the users and act in their folders (App + Enterprise Access, as-user)",
	"manage_enterprise_properties", "follow the enterprise's events",
	"manage_groups", "rules about groups (optional)",
	NULL,
};

static const struct act_support acts[] = {
	{"box", 1u << ACT_QUARANTINE | 1u << ACT_DELETE | 1u << ACT_TAG | 1u << ACT_UNSHARE | 1u << ACT_REPLACE},
	{NULL, 0},
};

const struct connector connector_box = {
	.name = "box",
	.title = "Box",
	.endpoints = endpoints,
	.needs = needs,
	.services = SERVICE_FILES,
	.open = box_open,
	.close = box_close,
	.check_grant = box_check_grant,
	.list_streams = box_list_streams,
	.poll = box_poll,
	.open_content = open_content,
	.plan = box_plan,
	.quarantine = box_quarantine,
	.restore = box_restore,
	.observe = box_observe,
	.open_held = box_open_held,
	.remove = box_remove,
	.acts = acts,
	.sharing = box_sharing,
	.list_people = box_list_people,
};
