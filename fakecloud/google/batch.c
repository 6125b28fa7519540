/* Batch requests: multipart/mixed of application/http, at most 100 calls, answered in order. */
#include "fakecloud/google/google.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define BATCH_MAX 100

static const char *reason_phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {{200, "OK"}, {204, "No Content"}, {400, "Bad Request"}, {401, "Unauthorized"},
		{403, "Forbidden"}, {404, "Not Found"}, {409, "Conflict"}, {412, "Precondition Failed"},
		{429, "Too Many Requests"}};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].status == status)
			return all[i].text;
	}
	return status >= 500 ? "Internal Server Error" : "Unknown";
}

/* The part's own header line, copied; "" when missing. */
static const char *part_header(struct arena *a, const char *headers, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = headers ? headers : ""; *p;) {
		size_t len = strcspn(p, "\r\n");
		if (len > n && p[n] == ':' && !strncasecmp(p, name, n)) {
			const char *v = p + n + 1, *end = p + len;
			while (v < end && (*v == ' ' || *v == '\t'))
				v++;
			return arena_dupn(a, v, (size_t)(end - v));
		}
		p += len;
		p += strspn(p, "\r\n");
	}
	return "";
}

/* One inner call. Its text: request line, headers, empty line, body. */
static void run_part(
	struct fc_request *req, const struct fc_part *part, struct buf *out, const char *boundary)
{
	struct arena *a = req->arena;
	const char *text = arena_dupn(a, part->data, part->len);
	const char *id = part_header(a, part->headers, "Content-ID");
	size_t line = strcspn(text, "\r\n");
	char *request = arena_dupn(a, text, line);
	const char *rest = text + line;
	struct fc_request inner = *req;
	struct fc_response res = {.status = 200, .body = BUF_INIT((size_t)1 << 30)};
	struct gg_call c = {.req = &inner, .res = &res};
	char *save = NULL;

	rest += *rest == '\r';
	rest += *rest == '\n';
	const char *crlf = strstr(rest, "\r\n\r\n"), *lf = strstr(rest, "\n\n");
	bool empty = *rest == '\n' || gg_has_prefix(rest, "\r\n"); /* no headers at all */
	const char *end = empty ? rest : crlf && (!lf || crlf < lf) ? crlf : lf;
	const char *body = !end ? "" : empty ? rest + (*rest == '\r' ? 2 : 1) : end + (end == crlf ? 4 : 2);
	c.inner = end ? arena_dupn(a, rest, (size_t)(end - rest)) : rest;
	c.method = strtok_r(request, " ", &save);
	char *target = strtok_r(NULL, " ", &save);
	struct buf inner_body = BUF_INIT((size_t)1 << 30);
	size_t body_len = strlen(body);
	while (body_len && (body[body_len - 1] == '\r' || body[body_len - 1] == '\n'))
		body_len--;
	buf_add(&inner_body, body, body_len);
	if (!c.method || !target) {
		res.status = 400;
		buf_adds(&res.body,
			"{\"error\":{\"code\":400,\"message\":\"Failed to parse the request line\"}}");
	} else {
		if (gg_has_prefix(target, "https://") || gg_has_prefix(target, "http://")) {
			char *slash = strchr(strstr(target, "//") + 2, '/');
			target = slash ? slash : target;
		}
		char *q = strchr(target, '?');
		inner.method = c.method;
		inner.query = q ? q + 1 : "";
		if (q)
			*q = 0;
		inner.path = target;
		inner.body = &inner_body;
		gg_dispatch(&c);
		if (res.blob) { /* media is not for batches */
			res.status = 403;
			buf_clear(&res.body);
			buf_adds(&res.body,
				"{\"error\":{\"code\":403,\"message\":\"Batch requests do not allow media "
				"downloads.\"}}");
		}
		if (inner.tenant)
			req->tenant = inner.tenant;
	}
	buf_addf(out, "--%s\r\nContent-Type: application/http\r\n", boundary);
	if (*id) /* "<x>" is answered by "<response-x>" */
		buf_addf(out, "Content-ID: %sresponse-%s\r\n", *id == '<' ? "<" : "", id + (*id == '<'));
	buf_addf(out, "\r\nHTTP/1.1 %d %s\r\n", res.status, reason_phrase(res.status));
	if (res.body.len)
		buf_addf(out, "Content-Type: application/json; charset=UTF-8\r\nContent-Length: %zu\r\n",
			res.body.len);
	buf_adds(out, "\r\n");
	buf_add(out, buf_str(&res.body), res.body.len);
	buf_adds(out, "\r\n");
	buf_free(&res.body);
	buf_free(&inner_body);
	json_free(c.body);
}

void gg_batch_handle(struct fc_request *req, struct fc_response *res)
{
	struct fc_part *parts = arena_alloc(req->arena, sizeof(*parts) * (BATCH_MAX + 1));
	char boundary[40], hex[33];
	int n;

	if (strcmp(req->method, "POST") != 0)
		return fc_text(res, 405, "text/html; charset=UTF-8", "<title>Error 405</title>\n");
	n = fc_multipart(req, parts, BATCH_MAX + 1);
	if (n < 1 || n > BATCH_MAX) {
		cJSON *doc = cJSON_CreateObject();
		cJSON *error = cJSON_AddObjectToObject(doc, "error");
		const char *text =
			n < 1 ? "Failed to parse batch request, error: 0 items. Received batch body."
			      : "The batch request exceeds the limit of 100 calls.";
		cJSON_AddNumberToObject(error, "code", 400);
		cJSON_AddStringToObject(error, "message", text);
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "message", text);
		cJSON_AddStringToObject(one, "domain", "global");
		cJSON_AddStringToObject(one, "reason", "badRequest");
		cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "errors"), one);
		cJSON_AddStringToObject(error, "status", "INVALID_ARGUMENT");
		return fc_json(res, 400, doc);
	}
	random_hex(hex, 12);
	snprintf(boundary, sizeof(boundary), "batch_%s", hex);
	for (int i = 0; i < n; i++)
		run_part(req, &parts[i], &res->body, boundary);
	buf_addf(&res->body, "--%s--\r\n", boundary);
	res->status = 200;
	fc_set_headerf(res, "Content-Type", "multipart/mixed; boundary=%s", boundary);
}
