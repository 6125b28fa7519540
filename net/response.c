/* What an HTTP answer means: its headers, its status as an error, its body as JSON, how long to wait; see http.h.
 * Called by connectors and grants on their own threads; no state. */
#include "net/http.h"

#include "base/encode.h"
#include "base/timeutil.h"
#include "net/transfer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define RETRY_AFTER_CAP_MS (3600 * 1000)
#define RETRY_AFTER_LEAST_MS 1000

void http_response_free(struct http_response *r)
{
	if (!r)
		return;
	buf_wipe(&r->body); /* token answers come this way */
	arena_free(r->headers_arena);
	memset(r, 0, sizeof(*r));
}

const char *http_header(const struct http_response *r, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < r->n_headers; i++) {
		const char *h = r->headers[i];
		if (strncasecmp(h, name, len) == 0 && h[len] == ':')
			return h[len + 1] == ' ' ? h + len + 2 : h + len + 1;
	}
	return NULL;
}

/* Milliseconds to wait, or -1 when the text is neither a number of seconds nor a date. */
static int64_t retry_after_ms(const char *text, int64_t now, int64_t date)
{
	int64_t at;

	if (isdigit((unsigned char)*text)) {
		size_t digits = strspn(text, "0123456789");
		if (text[digits] && text[digits] != '.') /* Graph has sent fractions */
			return -1;
		int64_t seconds = 0;
		for (size_t i = 0; i < digits && seconds < RETRY_AFTER_CAP_MS; i++)
			seconds = seconds * 10 + (text[i] - '0');
		return seconds * 1000;
	}
	if (time_parse_http(text, &at) < 0)
		return -1;
	/* By the sender's own clock, so that a clock that is off on either side does not matter. */
	int64_t wait = at - (date ? date : now);
	return wait > 0 ? wait : 0;
}

int64_t response_retry_at(const char *retry_after, int64_t now, int64_t date)
{
	int64_t wait = retry_after ? retry_after_ms(retry_after, now, date) : -1;

	if (wait < 0)
		return 0;
	if (wait > RETRY_AFTER_CAP_MS)
		wait = RETRY_AFTER_CAP_MS;
	if (wait < RETRY_AFTER_LEAST_MS)
		wait = RETRY_AFTER_LEAST_MS;
	return now + wait;
}

/* Once all headers are there. */
void response_facts(struct http_response *r)
{
	static const char *const names[] = {"request-id", "x-ms-request-id", "x-dropbox-request-id", "box-request-id",
		"x-request-id", "x-goog-request-id", "x-guploader-uploadid", "client-request-id"};
	const char *date = http_header(r, "date");
	int64_t at;

	if (date && time_parse_http(date, &at) == 0)
		r->date_ms = at;
	r->retry_at = response_retry_at(http_header(r, "retry-after"), time_now_ms(), r->date_ms);
	for (size_t i = 0; i < ARRAY_SIZE(names) && !r->request_id[0]; i++) {
		const char *value = http_header(r, names[i]);
		size_t n = 0;
		for (; value && *value && n + 1 < sizeof(r->request_id); value++)
			if (*value > ' ' && *value < 0x7f)
				r->request_id[n++] = *value;
		r->request_id[n] = '\0';
	}
}

static int status_error(const struct http_response *r, struct err *err)
{
	int s = r->status;

	if (s == 429) {
		err_set(err, ERR_RETRY, "throttled", "HTTP 429: too many requests");
		return err_scope(err, SCOPE_CONNECTION);
	}
	if (s == 401) {
		err_set(err, ERR_AUTH, "unauthorized", "HTTP 401: the token is not accepted");
		return err_scope(err, SCOPE_CONNECTION);
	}
	if (s == 509 || (s == 503 && r->retry_at))
		return err_set(err, ERR_RETRY, "throttled", "HTTP %d: the provider asks to wait", s);
	if (s >= 500)
		return err_set(err, ERR_RETRY, "server_error", "HTTP %d: the provider failed", s);
	switch (s) {
	case 403:
		return err_set(err, ERR_REMOTE, "forbidden", "HTTP 403: not allowed");
	case 404:
	case 410:
		return err_set(err, ERR_GONE, "not_found", "HTTP %d: not there", s);
	case 409:
	case 412:
		return err_set(err, ERR_CHANGED, "conflict", "HTTP %d: not in the state that was expected", s);
	case 413:
		return err_set(err, ERR_TOO_BIG, "too_big", "HTTP 413: too large for the provider");
	case 423:
		return err_set(err, ERR_RETRY, "locked", "HTTP 423: locked at the moment");
	default:
		return err_set(err, ERR_REMOTE, "http_status", "HTTP %d", s);
	}
}

int http_check(const struct http_response *r, struct err *err)
{
	if (r->status >= 200 && r->status < 300)
		return 0;
	status_error(r, err);
	if (err) {
		err->http_status = r->status;
		err->retry_at = r->retry_at;
		snprintf(err->request_id, sizeof(err->request_id), "%s", r->request_id);
	}
	return -1;
}

int http_json(const struct http_response *r, cJSON **ret_doc, struct err *err)
{
	struct err why;

	if (json_parse(buf_str(&r->body), r->body.len, ret_doc, &why) == 0)
		return 0;
	if (r->status >= 200 && r->status < 300 && why.class == ERR_REMOTE) {
		const char *type = http_header(r, "content-type");
		err_set(&why, ERR_RETRY, "not_json", "HTTP %d whose body is no JSON (%.60s)", r->status, type ? type : "no type");
	}
	why.http_status = r->status;
	why.retry_at = why.class == ERR_RETRY ? r->retry_at : 0;
	snprintf(why.request_id, sizeof(why.request_id), "%s", r->request_id);
	if (err)
		*err = why;
	return -1;
}

int64_t http_backoff(int attempt, int64_t base_ms, int64_t cap_ms)
{
	int64_t most = base_ms;
	uint64_t r;

	for (int i = 0; i < attempt && most < cap_ms; i++)
		most = most > cap_ms / 2 ? cap_ms : most * 2;
	if (most > cap_ms)
		most = cap_ms;
	if (most < base_ms)
		most = base_ms;
	random_bytes(&r, sizeof(r));
	return time_now_ms() + base_ms + (int64_t)(r % (uint64_t)(most - base_ms + 1));
}
