/* What a handler reads of a call and how it answers: masks, error bodies in each API's form, headers that
 * also work for a part of a batch. */
#include "fakecloud/google/google.h"

#include "base/units.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define ANSWER_TYPE "application/json; charset=UTF-8"

void gg_header(struct gg_call *c, const char *name, const char *value)
{
	if (!c->inner)
		fc_set_header(c->res, name, value);
}

/* Finds a header in the text of a batch part's inner request. */
static const char *inner_header(struct gg_call *c, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = c->inner; *p;) {
		size_t len = strcspn(p, "\r\n");
		if (len > n && p[n] == ':' && !strncasecmp(p, name, n)) {
			const char *v = p + n + 1;
			const char *end = p + len;
			while (v < end && (*v == ' ' || *v == '\t'))
				v++;
			return arena_dupn(c->req->arena, v, (size_t)(end - v));
		}
		p += len;
		p += strspn(p, "\r\n");
	}
	return NULL;
}

const char *gg_request_header(struct gg_call *c, const char *name)
{
	const char *v = c->inner ? inner_header(c, name) : NULL;

	return v ? v : fc_header(c->req, name);
}

const char *gg_query(struct gg_call *c, const char *name)
{
	return fc_query(c->req, name);
}

bool gg_flag(struct gg_call *c, const char *name, bool fallback)
{
	const char *v = gg_query(c, name);

	if (!v)
		return fallback;
	return !*v || !strcasecmp(v, "true") || !strcmp(v, "1");
}

int gg_page_size(struct gg_call *c, const char *name, int fallback, int max)
{
	const char *v = gg_query(c, name);
	int64_t n = fallback;

	if (v && *v && units_int(v, INT32_MIN, INT32_MAX, &n) < 0)
		return -1;
	if (v && *v && n < 1)
		return c->route->api == GG_GMAIL && n == 0 ? fallback : -1;
	if (n > max)
		n = max;
	if (c->tenant->page_size && n > c->tenant->page_size)
		n = c->tenant->page_size;
	return (int)n;
}

const char *gg_base(struct gg_call *c)
{
	if (c->req->host && *c->req->host)
		return arena_printf(c->req->arena, "http://%s", c->req->host);
	return fc_url(GG);
}

cJSON *gg_body(struct gg_call *c)
{
	if (!c->body_tried) {
		c->body_tried = true;
		if (!c->body_len)
			c->body = cJSON_CreateObject();
		else if (json_parse(c->body_text, c->body_len, &c->body, NULL) < 0)
			c->body = NULL;
		else if (!cJSON_IsObject(c->body)) {
			json_free(c->body);
			c->body = NULL;
		}
	}
	if (!c->body)
		gg_error(c, 400, c->route->api == GG_GMAIL ? "badRequest" : "parseError",
			c->route->api == GG_GMAIL ? "Invalid JSON payload received." : "Parse Error");
	return c->body;
}

static int reply_print(struct gg_call *c, int status, cJSON *doc)
{
	c->res->status = status;
	c->res->blob = NULL;
	buf_clear(&c->res->body);
	if (json_print(doc, &c->res->body) < 0)
		c->res->status = 500;
	json_free(doc);
	gg_header(c, "Content-Type", ANSWER_TYPE);
	gg_header(c, "Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
	gg_header(c, "X-Content-Type-Options", "nosniff");
	return status < 400 ? 0 : -1;
}

int gg_reply(struct gg_call *c, cJSON *doc)
{
	mask_apply(c->mask, doc);
	return reply_print(c, 200, doc);
}

int gg_reply_empty(struct gg_call *c, int status)
{
	c->res->status = status;
	buf_clear(&c->res->body);
	return 0;
}

static const char *status_word(int status)
{
	switch (status) {
	case 400:
		return "INVALID_ARGUMENT";
	case 401:
		return "UNAUTHENTICATED";
	case 403:
		return "PERMISSION_DENIED";
	case 404:
		return "NOT_FOUND";
	case 409:
		return "ABORTED";
	case 412:
		return "FAILED_PRECONDITION";
	case 429:
		return "RESOURCE_EXHAUSTED";
	case 503:
		return "UNAVAILABLE";
	default:
		return status >= 500 ? "INTERNAL" : "UNKNOWN";
	}
}

static int error_send(struct gg_call *c, int status, const char *reason, const char *kind,
	const char *location, const char *text)
{
	cJSON *doc = cJSON_CreateObject();
	cJSON *error = cJSON_AddObjectToObject(doc, "error");
	cJSON *one = cJSON_CreateObject();

	cJSON_AddNumberToObject(error, "code", status);
	cJSON_AddStringToObject(error, "message", text);
	cJSON_AddStringToObject(one, "message", text);
	cJSON_AddStringToObject(one, "domain",
		strstr(reason, "RateLimit") || strstr(reason, "rateLimit") || strstr(reason, "dailyLimit")
			? "usageLimits"
			: "global");
	cJSON_AddStringToObject(one, "reason", reason);
	if (location) {
		cJSON_AddStringToObject(one, "location", location);
		cJSON_AddStringToObject(one, "locationType", kind);
	}
	cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "errors"), one);
	if (c->route && c->route->api == GG_GMAIL)
		cJSON_AddStringToObject(error, "status",
			!strcmp(reason, "failedPrecondition") ? "FAILED_PRECONDITION" : status_word(status));
	else if (status == 401 || !strcmp(reason, "insufficientPermissions"))
		cJSON_AddStringToObject(error, "status", status_word(status));
	if (!strcmp(reason, "insufficientPermissions")) {
		cJSON *info = cJSON_CreateObject();
		cJSON_AddStringToObject(info, "@type", "type.googleapis.com/google.rpc.ErrorInfo");
		cJSON_AddStringToObject(info, "reason", "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
		cJSON_AddStringToObject(info, "domain", "googleapis.com");
		cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "details"), info);
	}
	return reply_print(c, status, doc);
}

int gg_error(struct gg_call *c, int status, const char *reason, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8192);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return error_send(c, status, reason, NULL, NULL, buf_str(&b));
}

int gg_error_at(struct gg_call *c, int status, const char *reason, const char *kind, const char *location,
	const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8192);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return error_send(c, status, reason, kind, location, buf_str(&b));
}
