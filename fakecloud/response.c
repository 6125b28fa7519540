/* What a handler writes of a response, and the providers' own words for failures of the transport.
 * Connection's thread. */
#include "fakecloud/core.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void fc_set_header(struct fc_response *res, const char *name, const char *value)
{
	struct fc_headers *h = res->headers;

	for (size_t i = 0; i < h->count; i++) {
		if (!strcasecmp(h->lines[i].name, name)) {
			free(h->lines[i].value);
			h->lines[i].value = strdup(value);
			return;
		}
	}
	struct fc_header_line *lines = reallocarray(h->lines, h->count + 1, sizeof(*lines));
	if (!lines)
		abort();
	h->lines = lines;
	h->lines[h->count++] = (struct fc_header_line){strdup(name), strdup(value)};
}

void fc_set_headerf(struct fc_response *res, const char *name, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	fc_set_header(res, name, buf_str(&b));
}

const char *response_header(const struct fc_response *res, const char *name)
{
	for (size_t i = 0; i < res->headers->count; i++) {
		if (!strcasecmp(res->headers->lines[i].name, name))
			return res->headers->lines[i].value;
	}
	return NULL;
}

void fc_json(struct fc_response *res, int status, cJSON *doc)
{
	res->status = status;
	buf_clear(&res->body);
	if (doc && json_print(doc, &res->body) < 0)
		res->status = 500;
	json_free(doc);
	if (!response_header(res, "Content-Type"))
		fc_set_header(res, "Content-Type", "application/json");
}

void fc_text(struct fc_response *res, int status, const char *type, const char *text)
{
	res->status = status;
	buf_clear(&res->body);
	buf_adds(&res->body, text);
	fc_set_header(res, "Content-Type", type);
}

static void headers_clear(struct fc_headers *h)
{
	for (size_t i = 0; i < h->count; i++) {
		free(h->lines[i].name);
		free(h->lines[i].value);
	}
	free(h->lines);
	*h = (struct fc_headers){0};
}

void response_reset(struct fc_response *res)
{
	struct fc_headers *h = res->headers;
	struct buf body = res->body;

	headers_clear(h);
	buf_clear(&body);
	*res = (struct fc_response){.status = 200, .body = body, .headers = h};
}

void response_free(struct fc_response *res)
{
	headers_clear(res->headers);
	buf_free(&res->body);
}

static const char *graph_code(int status)
{
	switch (status) {
	case 429:
		return "TooManyRequests";
	case 503:
		return "serviceNotAvailable";
	case 504:
		return "timeout";
	case 401:
		return "InvalidAuthenticationToken";
	case 403:
		return "accessDenied";
	case 404:
		return "itemNotFound";
	case 410:
		return "resyncRequired";
	default:
		return status >= 500 ? "generalException" : "invalidRequest";
	}
}

static const char *box_code(int status)
{
	switch (status) {
	case 429:
		return "rate_limit_exceeded";
	case 401:
		return "unauthorized";
	case 403:
		return "access_denied_insufficient_permissions";
	case 404:
		return "not_found";
	case 503:
		return "unavailable";
	default:
		return status >= 500 ? "internal_server_error" : "bad_request";
	}
}

static const char *google_reason(int status)
{
	switch (status) {
	case 429:
		return "rateLimitExceeded";
	case 401:
		return "authError";
	case 403:
		return "forbidden";
	case 404:
		return "notFound";
	default:
		return status >= 500 ? "backendError" : "badRequest";
	}
}

static cJSON *error_document(const char *provider, int status, int retry_after_s)
{
	static const char message[] = "The request could not be served.";
	cJSON *doc = cJSON_CreateObject();

	if (!strcmp(provider, "microsoft")) {
		cJSON *error = cJSON_AddObjectToObject(doc, "error");
		cJSON_AddStringToObject(error, "code", graph_code(status));
		cJSON_AddStringToObject(error, "message", message);
	} else if (!strcmp(provider, "google")) {
		cJSON *error = cJSON_AddObjectToObject(doc, "error");
		cJSON_AddNumberToObject(error, "code", status);
		cJSON_AddStringToObject(error, "message", message);
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "message", message);
		cJSON_AddStringToObject(one, "domain", status == 429 ? "usageLimits" : "global");
		cJSON_AddStringToObject(one, "reason", google_reason(status));
		cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "errors"), one);
	} else if (!strcmp(provider, "box")) {
		cJSON_AddStringToObject(doc, "type", "error");
		cJSON_AddNumberToObject(doc, "status", status);
		cJSON_AddStringToObject(doc, "code", box_code(status));
		cJSON_AddStringToObject(doc, "message", message);
		cJSON_AddStringToObject(doc, "request_id", "0000000000");
	} else if (status == 429) { /* Dropbox: other failures of the transport are plain text */
		cJSON_AddStringToObject(doc, "error_summary", "too_many_requests/..");
		cJSON *error = cJSON_AddObjectToObject(doc, "error");
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(error, "reason"), ".tag", "too_many_requests");
		cJSON_AddNumberToObject(error, "retry_after", retry_after_s > 0 ? retry_after_s : 1);
	} else {
		json_free(doc);
		return NULL;
	}
	return doc;
}

void response_provider_error(struct fc_response *res, const char *provider, int status, int retry_after_s)
{
	response_reset(res);
	cJSON *doc = error_document(provider, status, retry_after_s);
	if (doc)
		fc_json(res, status, doc);
	else
		fc_text(res, status, "text/plain; charset=utf-8", "The request could not be served.");
	if (retry_after_s >= 0)
		fc_set_headerf(res, "Retry-After", "%d", retry_after_s);
}
