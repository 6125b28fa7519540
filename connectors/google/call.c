/* Calls to Google and what its errors mean. Called by the other files of this folder, on core's job threads.
 * Sources: Gmail, Drive "Resolve errors"; Drive "Usage limits"; google.api ErrorInfo; error reasons as in README.md. */
#include "connectors/google/google.h"

#include "base/timeutil.h"

#include <string.h>
#include <strings.h>

#define DAILY_WAIT_MS (15 * 60 * 1000)

/* ---- errors ---- */

static bool is_one(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

/* The old shape (errors[].reason), else the new one (details[].reason), else the status. */
static const char *reason_of(const cJSON *error)
{
	const char *reason = json_str(cJSON_GetArrayItem(json_array(error, "errors"), 0), "reason");
	const cJSON *detail;

	cJSON_ArrayForEach(detail, json_array(error, "details"))
	{
		if (json_str(detail, "reason") && (!reason || strcmp(reason, "forbidden") == 0))
			reason = json_str(detail, "reason");
	}
	return reason ? reason : json_str_or(error, "status", "");
}

static void throttled(struct err *err, const char *reason)
{
	/* A user's own limit stops that user alone. */
	bool user = strcmp(reason, "userRateLimitExceeded") == 0;

	err_become(err, ERR_RETRY, "throttled", user ? SCOPE_STREAM : SCOPE_CONNECTION);
	if (!err->retry_at && strcmp(reason, "dailyLimitExceeded") == 0)
		err->retry_at = time_now_ms() + DAILY_WAIT_MS;
}

void google_refine(const struct http_response *r, const cJSON *doc, struct err *err)
{
	static const char *const limits[] = {"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded",
		"quotaExceeded", "sharingRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", NULL};
	static const char *const scopes[] = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", NULL};
	static const char *const off[] = {"accessNotConfigured", "SERVICE_DISABLED", NULL};
	static const char *const refused[] = {"cannotDownloadFile", "downloadQuotaExceeded", NULL};
	static const char *const nothing[] = {"fileNotDownloadable", "fileNotExportable", NULL};
	static const char *const precondition[] = {"failedPrecondition", "FAILED_PRECONDITION", NULL};
	const cJSON *error = json_object(doc, "error"), *first = cJSON_GetArrayItem(json_array(error, "errors"), 0);
	const char *reason = reason_of(error), *message = json_str_or(error, "message", "");

	if (error)
		snprintf(err->message, sizeof(err->message), "HTTP %d %.80s: %.200s", r->status, reason, message);
	if (r->status == 501)
		err_become(err, ERR_REMOTE, "unsupported", SCOPE_ITEM); /* asking again changes nothing */
	if (r->status != 400 && r->status != 403 && r->status != 429)
		return;
	if (is_one(reason, limits))
		throttled(err, reason);
	else if (r->status == 429)
		return;
	else if (is_one(reason, scopes) || strstr(message, "insufficient authentication scopes"))
		err_become(err, ERR_CONSENT, "scope_missing", SCOPE_CONNECTION);
	else if (is_one(reason, off))
		err_become(err, ERR_CONSENT, "api_disabled", SCOPE_CONNECTION);
	else if (strcmp(reason, "domainPolicy") == 0)
		err_become(err, ERR_REMOTE, "unlicensed", SCOPE_STREAM);
	else if (strcmp(reason, "cannotDownloadAbusiveFile") == 0)
		err_become(err, ERR_REMOTE, GOOGLE_MALWARE, SCOPE_ITEM);
	else if (is_one(reason, refused))
		err_become(err, ERR_REMOTE, "not_downloadable", SCOPE_ITEM);
	else if (is_one(reason, nothing))
		err_become(err, ERR_REMOTE, "no_content", SCOPE_ITEM);
	else if (strcmp(reason, "exportSizeLimitExceeded") == 0)
		err_become(err, ERR_REMOTE, "export_too_big", SCOPE_ITEM);
	else if (r->status == 400 && is_one(reason, precondition))
		err_become(err, ERR_REMOTE, GOOGLE_PRECONDITION, SCOPE_ITEM);
	else if (r->status == 400 && strcmp(json_str_or(first, "location", ""), "pageToken") == 0)
		err_become(err, ERR_CURSOR, "cursor_lost", SCOPE_STREAM);
}

bool err_passing(const struct err *err)
{
	return err->class == ERR_RETRY || err->class == ERR_AUTH || err->class == ERR_CONSENT || err->class == ERR_CANCELLED ||
		err->class == ERR_LOCAL;
}

bool err_refused(const struct err *err)
{
	return err->class == ERR_REMOTE && err->http_status >= 400 && strcmp(err->code, "bad_answer") != 0;
}

bool err_not_there(const struct err *err)
{
	return err->class == ERR_GONE && !err_no_user(err);
}

bool err_no_user(const struct err *err)
{
	return err->class == ERR_GONE && err->http_status != 404 && err->http_status != 410;
}

bool err_optional(const struct err *err)
{
	return (err->class == ERR_CONSENT && strcmp(err->code, "scope_missing") == 0) || err_refused(err);
}

bool same_address(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

/* ---- lists of strings ---- */

bool list_has(const cJSON *list, const char *s)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, list)
	{
		const char *have = cJSON_GetStringValue(entry);
		if (have && s && strcmp(have, s) == 0)
			return true;
	}
	return false;
}

int list_add(cJSON *list, const char *s)
{
	if (list_has(list, s))
		return 0;
	cJSON *entry = cJSON_CreateString(s);
	if (!entry || !cJSON_AddItemToArray(list, entry)) {
		cJSON_Delete(entry);
		return -1;
	}
	return 0;
}

/* ---- calls ---- */

static struct api_call as_api(const struct google_call *call)
{
	return (struct api_call){.method = call->method, .url = call->url, .subject = call->as, .json = call->json,
		.body = call->body ? call->body->data : NULL, .body_len = call->body ? call->body->len : 0,
		.content_type = call->type, .content = call->content, .max_body = call->max_body};
}

int google_json(struct connection *c, const struct google_call *call, cJSON **ret_doc, struct err *err)
{
	const struct api_call a = as_api(call);

	return api_json(&c->api, &a, ret_doc, err) < 0 ? grant_explain(c, err) : 0;
}

int google_get(struct connection *c, const char *as, const char *url, cJSON **ret_doc, struct err *err)
{
	return google_json(c, &(struct google_call){.url = url, .as = as}, ret_doc, err);
}

int google_download(struct connection *c, const struct google_call *call, struct http_response *ret, struct err *err)
{
	const struct api_call a = as_api(call);

	return api_download(&c->api, &a, ret, err) < 0 ? grant_explain(c, err) : 0;
}

int directory_user(struct connection *c, const char *key, const char *fields, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	struct err why = {0};

	if (directory_url(c, &url, err, "/users/{}", key, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", fields) < 0)
		return err_memory(err);
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
		/* Addresses of other organisations are "not authorized" or an invalid input. */
		if (why.http_status == 404 || (why.class == ERR_REMOTE && (why.http_status == 403 || why.http_status == 400)))
			return 1;
		return pass_on(err, &why);
	}
	if (!json_str(doc, "primaryEmail"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a user without an address");
	*ret = TAKE_PTR(doc);
	return 0;
}

int google_next(const cJSON *doc, struct buf *token, struct err *err)
{
	const char *next = json_str(doc, "nextPageToken");

	if (!next)
		return 0;
	buf_clear(token);
	return buf_adds(token, next) < 0 ? err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long") : 1;
}
