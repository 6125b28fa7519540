/* Calls to the Dropbox API and what its errors mean. Called by the other files of this folder, on core's job threads.
 *
 * Errors are told apart by their chain of ".tag" values, never by error_summary, whose tail varies. A new token is asked
 * for only when Dropbox says that the token itself is no good: the other 401s (a missing scope, a suspended member) would
 * come again. Sources: Dropbox "Error handling", "Path root header modes", auth.stone, common.stone. */
#include "connectors/dropbox/dropbox.h"

#include "base/timeutil.h"

#include <string.h>

#define CHAIN_MAX 200
#define HEADERS_MAX 4
#define ARG_MAX_BYTES (64 * 1024)
#define DOWNLOAD_MS (600 * 1000)

/* ---- tags ---- */

const char *dbx_tag(const cJSON *value)
{
	const char *s = cJSON_GetStringValue(value);

	return s ? s : json_str_or(value, ".tag", "");
}

const char *dbx_tag_of(const cJSON *object, const char *key)
{
	return dbx_tag(json_get(object, key));
}

void dbx_chain(const cJSON *error, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int depth = 0; error && depth < 8; depth++) {
		const char *tag = dbx_tag(error);
		if (!*tag)
			break;
		int n = snprintf(out + len, size - len, "%s%.60s", depth ? "/" : "", tag);
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
		const cJSON *inner = json_get(error, tag);
		/* UploadWriteFailed and its like carry their union in "reason". */
		error = inner ? inner : json_get(error, "reason");
	}
}

int dbx_set_tag(cJSON *object, const char *key, const char *tag)
{
	cJSON *value = cJSON_CreateObject();

	if (json_set(object, key, value) < 0)
		return -1;
	return json_set_str(value, ".tag", tag);
}

cJSON *dbx_choice(const char *tag, const char *value)
{
	cJSON *out = cJSON_CreateObject();

	if (!out || json_set_str(out, ".tag", tag) < 0 || json_set_str(out, tag, value) < 0) {
		json_free(out);
		return NULL;
	}
	return out;
}

/* ---- errors ---- */

struct meaning {
	const char *tag; /* one link of the chain */
	enum err_class class;
	const char *code;
	enum err_scope scope;
};

/* The first that is in the chain counts, so the narrower come first. */
static const struct meaning meanings[] = {
	{"reset", ERR_CURSOR, "cursor_lost", SCOPE_STREAM},
	{"invalid_cursor", ERR_CURSOR, "cursor_lost", SCOPE_STREAM},
	{"too_many_write_operations", ERR_RETRY, "throttled", SCOPE_ITEM},
	{"too_many_requests", ERR_RETRY, "throttled", SCOPE_CONNECTION},
	{"rate_limit", ERR_RETRY, "throttled", SCOPE_ITEM},
	{"internal_error", ERR_RETRY, "server_error", SCOPE_ITEM},
	{"retry_error", ERR_RETRY, "not_ready", SCOPE_ITEM},
	{"in_progress", ERR_RETRY, "not_ready", SCOPE_ITEM},
	{"locked", ERR_RETRY, "locked", SCOPE_ITEM},
	{"restricted_content", ERR_REMOTE, "not_downloadable", SCOPE_ITEM},
	{"unsupported_content_type", ERR_REMOTE, "not_downloadable", SCOPE_ITEM},
	{"unsupported_file", ERR_REMOTE, "not_downloadable", SCOPE_ITEM},
	{"non_exportable", ERR_REMOTE, "not_downloadable", SCOPE_ITEM},
	{"invalid_export_format", ERR_REMOTE, "not_downloadable", SCOPE_ITEM},
	{"not_found", ERR_GONE, "not_found", SCOPE_ITEM},
	{"not_file", ERR_GONE, "not_found", SCOPE_ITEM},
	{"invalid_file", ERR_GONE, "not_found", SCOPE_ITEM},
	{"is_folder", ERR_GONE, "not_found", SCOPE_ITEM},
	{"shared_link_not_found", ERR_GONE, "not_found", SCOPE_ITEM},
	{"not_a_member", ERR_GONE, "no_member", SCOPE_ITEM},
	{"invalid_member", ERR_GONE, "no_member", SCOPE_ITEM},
	{"no_explicit_access", ERR_GONE, "no_member", SCOPE_ITEM},
	{"invalid_id", ERR_GONE, "not_found", SCOPE_ITEM},
	{"invalid_team_folder_id", ERR_GONE, "not_found", SCOPE_ITEM},
	{"conflict", ERR_CHANGED, "conflict", SCOPE_ITEM},
	{"insufficient_space", ERR_REMOTE, "quota", SCOPE_ITEM},
	{"insufficient_quota", ERR_REMOTE, "quota", SCOPE_ITEM},
	{"no_write_permission", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"no_permission", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"access_restricted", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"access_denied", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"shared_link_access_denied", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"operation_suppressed", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"cant_transfer_ownership", ERR_REMOTE, "forbidden", SCOPE_ITEM},
	{"no_access", ERR_REMOTE, "forbidden", SCOPE_ITEM},
};

static bool has_link(const char *chain, const char *tag)
{
	size_t n = strlen(tag);

	for (const char *p = chain; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, tag, n) == 0 && (p[n] == '/' || !p[n]))
			return true;
	}
	return false;
}

static void route_error(const char *chain, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (has_link(chain, meanings[i].tag)) {
			err_become(err, meanings[i].class, meanings[i].code, meanings[i].scope);
			return;
		}
	}
	err_become(err, ERR_REMOTE, *chain ? "refused" : "bad_answer", SCOPE_ITEM);
}

static void auth_error(const cJSON *error, const char *chain, struct err *err)
{
	if (has_link(chain, "missing_scope")) {
		err_become(err, ERR_CONSENT, "missing_scope", SCOPE_CONNECTION);
		snprintf(err->message, sizeof(err->message), "the app lacks the scope %.100s: tick it in the App Console and "
			"link the team again", json_str_or(error, "required_scope", "(not named)"));
	} else if (has_link(chain, "invalid_select_user") || has_link(chain, "user_suspended") ||
		has_link(chain, "invalid_select_admin")) {
		err_become(err, ERR_REMOTE, "forbidden", SCOPE_STREAM);
	} else if (has_link(chain, "route_access_denied")) {
		err_become(err, ERR_REMOTE, "forbidden", SCOPE_ITEM);
	} else {
		err_become(err, ERR_AUTH, "unauthorized", SCOPE_CONNECTION);
	}
}

static void throttled(const cJSON *error, struct err *err)
{
	int64_t after = json_int64_or(error, "retry_after", 0);
	bool writes = strcmp(dbx_tag_of(error, "reason"), "too_many_write_operations") == 0;

	if (!err->retry_at && after > 0)
		err->retry_at = time_now_ms() + (after < 3600 ? after : 3600) * 1000;
	/* Lock contention in one namespace says nothing about the rest of the team. */
	err_become(err, ERR_RETRY, "throttled", writes ? SCOPE_ITEM : SCOPE_CONNECTION);
}

void dbx_refine(const struct http_response *r, const cJSON *doc, struct err *err)
{
	const cJSON *error = json_get(doc, "error");
	char chain[CHAIN_MAX];

	dbx_chain(error, chain, sizeof(chain));
	if (chain[0])
		snprintf(err->message, sizeof(err->message), "HTTP %d %.250s", r->status, chain);
	switch (r->status) {
	case 400:
		/* Plain text. A cursor that is none of Dropbox's is refused here. */
		if (!doc && r->body.len)
			snprintf(err->message, sizeof(err->message), "HTTP 400 %.250s", buf_str(&r->body));
		err_become(err, ERR_REMOTE, "bad_request", SCOPE_ITEM);
		if (!doc && strstr(buf_str(&r->body), "\"cursor\""))
			err_become(err, ERR_CURSOR, "cursor_lost", SCOPE_STREAM);
		/* A scope that the app itself lacks, where 401 speaks of the token. */
		else if (!doc && strstr(buf_str(&r->body), "required scope"))
			err_become(err, ERR_CONSENT, "missing_scope", SCOPE_CONNECTION);
		break;
	case 401:
		auth_error(error, chain, err);
		break;
	case 403:
		err_become(err, ERR_REMOTE, "forbidden", SCOPE_ITEM);
		break;
	case 404:
	case 405:
	case 410:
	case 412:
	case 501:
		/* Items that are gone answer 409: this is a route that is not there. */
		err_become(err, ERR_REMOTE, "http_status", SCOPE_ITEM);
		break;
	case 409:
		route_error(chain, err);
		break;
	case 422:
		if (has_link(chain, "no_permission"))
			err_become(err, ERR_REMOTE, "forbidden", SCOPE_STREAM);
		else
			err_become(err, ERR_CURSOR, "invalid_root", SCOPE_STREAM);
		break;
	case 429:
		throttled(error, err);
		break;
	}
}

bool dbx_passing(const struct err *err)
{
	return err->class == ERR_RETRY || err->class == ERR_AUTH || err->class == ERR_CONSENT || err->class == ERR_CANCELLED ||
		err->class == ERR_LOCAL;
}

bool dbx_refused(const struct err *err)
{
	return err->class == ERR_REMOTE && err->http_status >= 400 && strcmp(err->code, "bad_answer") != 0;
}

/* ---- calls ---- */

/* The headers of a call, in memory that lives as long as the call. */
struct headers {
	const char *list[HEADERS_MAX + 1];
	int n;
	struct buf text[HEADERS_MAX];
};

static void headers_free(struct headers *h)
{
	for (int i = 0; i < h->n; i++)
		buf_free(&h->text[i]);
}

static struct buf *header_new(struct headers *h)
{
	h->text[h->n] = (struct buf)BUF_INIT(ARG_MAX_BYTES);
	return &h->text[h->n++];
}

static int headers_make(struct headers *h, const struct dbx_as *as, const char *arg, struct err *err)
{
	struct buf *b;
	int r = 0;

	if (as && as->user)
		r |= buf_addf(header_new(h), "Dropbox-API-Select-User: %s", as->user);
	else if (as && as->admin)
		r |= buf_addf(header_new(h), "Dropbox-API-Select-Admin: %s", as->admin);
	if (as && as->ns) {
		b = header_new(h);
		r |= buf_adds(b, "Dropbox-API-Path-Root: {\".tag\":\"namespace_id\",\"namespace_id\":");
		r |= json_quote(b, as->ns, true);
		r |= buf_addc(b, '}');
	}
	if (arg) {
		b = header_new(h);
		r |= buf_adds(b, "Dropbox-API-Arg: ");
		r |= buf_adds(b, arg);
	}
	if (r)
		return err_set(err, ERR_TOO_BIG, "request_too_big", "the headers of a request do not fit");
	for (int i = 0; i < h->n; i++)
		h->list[i] = buf_str(&h->text[i]);
	h->list[h->n] = NULL;
	return 0;
}

/* JSON in pure ASCII, as a header needs it: strings are the only place where anything else can stand. */
static int print_ascii(const cJSON *doc, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT(ARG_MAX_BYTES);

	if (json_print(doc, &text) < 0)
		return -1;
	for (const unsigned char *p = (const unsigned char *)buf_str(&text); *p;) {
		char one[8] = "";
		size_t n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
		if (*p == 0x7F) {
			if (buf_adds(out, "\\u007f") < 0)
				return -1;
		} else if (n == 1) {
			if (buf_addc(out, (char)*p) < 0)
				return -1;
		} else {
			_cleanup_buf_ struct buf quoted = BUF_INIT(64);
			snprintf(one, n + 1, "%s", (const char *)p);
			if (json_quote(&quoted, one, true) < 0 || quoted.len < 2 ||
				buf_add(out, quoted.data + 1, quoted.len - 2) < 0)
				return -1;
		}
		while (n-- && *p)
			p++;
	}
	return 0;
}

static bool token_refused(const struct http_response *r)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (r->status != 401)
		return false;
	if (!r->body.len || json_parse(buf_str(&r->body), r->body.len, &doc, NULL) < 0)
		return true;
	const char *tag = dbx_tag_of(doc, "error");
	return !*tag || strcmp(tag, "expired_access_token") == 0 || strcmp(tag, "invalid_access_token") == 0;
}

static int send_once(struct connection *c, struct http_request *req, bool renew, struct http_response *ret,
	struct err *err)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(16384);
	const struct connector_env *env = c->api.env;

	if (env->token(env->ctx, "", renew, &token, err) < 0)
		return -1;
	req->bearer = buf_str(&token);
	int r = http_call(env->http, req, ret, err);
	req->bearer = NULL;
	return r;
}

/* Sends, renews a refused token once, and checks the answer. */
static int send_checked(struct connection *c, struct http_request *req, struct http_response *ret, struct err *err)
{
	_cleanup_response_ struct http_response r = {0};

	if (send_once(c, req, false, &r, err) < 0)
		return -1;
	if (token_refused(&r)) {
		http_response_free(&r);
		r = (struct http_response){0};
		if (send_once(c, req, true, &r, err) < 0)
			return -1;
	}
	if (api_check(&c->api, &r, err) < 0)
		return -1;
	*ret = r;
	r = (struct http_response){0};
	return 0;
}

/* What a second time would do more than once, libcurl must not repeat on its own. */
static bool once_only(const char *route)
{
	static const char *const routes[] = {"files/move_v2", "team/team_folder/create", "sharing/add_folder_member",
		"sharing/add_file_member", "sharing/create_shared_link_with_settings"};

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(route, routes[i]) == 0)
			return true;
	return false;
}

int dbx_call(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(4u << 20);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_(headers_free) struct headers h = {0};
	struct err why;

	if (!err)
		err = &why;
	if (buf_addf(&url, "%s/2/%s", c->api_url, route) < 0 || (arg ? json_print(arg, &body) : buf_adds(&body, "null")) < 0)
		return err_set(err, ERR_TOO_BIG, "request_too_big", "a request does not fit");
	if (headers_make(&h, as, NULL, err) < 0)
		return -1;
	struct http_request req = {.method = "POST", .url = buf_str(&url), .headers = h.list, .body = body.data,
		.body_len = body.len, .content_type = "application/json", .max_body = 32u << 20,
		.fresh = once_only(route)};
	if (send_checked(c, &req, &r, err) < 0)
		return err_prefix(err, "%s", route);
	if (ret_doc && http_json(&r, ret_doc, err) < 0)
		return err_prefix(err, "%s", route);
	return 0;
}

int dbx_object(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (dbx_call(c, as, route, arg, &doc, err) < 0)
		return -1;
	if (!cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "bad_answer", "%s: an answer that is no JSON object", route);
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

int dbx_download(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg,
	struct content *content, cJSON **ret_doc, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), text = BUF_INIT(ARG_MAX_BYTES);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_(headers_free) struct headers h = {0};
	_cleanup_json_ cJSON *doc = NULL;

	if (buf_addf(&url, "%s/2/%s", c->content_url, route) < 0 || print_ascii(arg, &text) < 0)
		return err_set(err, ERR_TOO_BIG, "request_too_big", "a request does not fit");
	if (headers_make(&h, as, buf_str(&text), err) < 0)
		return -1;
	/* No other Content-Type may come with a download. */
	struct http_request req = {.method = "POST", .url = buf_str(&url), .headers = h.list, .body = "", .body_len = 0,
		.content_type = "application/octet-stream", .content = content, .timeout_ms = DOWNLOAD_MS};
	if (send_checked(c, &req, &r, err) < 0)
		return -1;
	const char *result = http_header(&r, "dropbox-api-result");
	if (r.status != 200 || !result)
		return err_set(err, ERR_REMOTE, "not_as_listed", "%s: HTTP %d without Dropbox-API-Result", route, r.status);
	if (json_parse(result, strlen(result), &doc, err) < 0 || !cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "not_as_listed", "%s: a Dropbox-API-Result that cannot be read", route);
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

int dbx_upload(struct connection *c, const struct dbx_as *as, const char *route, const cJSON *arg, const void *body, size_t len,
	cJSON **ret_doc, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), text = BUF_INIT(ARG_MAX_BYTES);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_(headers_free) struct headers h = {0};
	_cleanup_json_ cJSON *doc = NULL;

	if (buf_addf(&url, "%s/2/%s", c->content_url, route) < 0 || print_ascii(arg, &text) < 0)
		return err_set(err, ERR_TOO_BIG, "request_too_big", "a request does not fit");
	if (headers_make(&h, as, buf_str(&text), err) < 0)
		return -1;
	struct http_request req = {.method = "POST", .url = buf_str(&url), .headers = h.list, .body = body, .body_len = len,
		.content_type = "application/octet-stream"};
	if (send_checked(c, &req, &r, err) < 0 || http_json(&r, &doc, err) < 0)
		return err_prefix(err, "%s", route);
	if (!cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "bad_answer", "%s: an answer that is no JSON object", route);
	*ret_doc = TAKE_PTR(doc);
	return 0;
}
