/* What connectors share of calls and answers; see common.h. Called by connectors on core's job threads. */
#include "connectors/common.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define HOPS_MAX 3
#define DOWNLOAD_MS (600 * 1000)
#define BODY_MAX (4u << 20) /* of a request that we write */

int err_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

void err_become(struct err *err, enum err_class class, const char *code, enum err_scope scope)
{
	err->class = class;
	err->scope = scope;
	snprintf(err->code, sizeof(err->code), "%s", code);
}

int pass_on(struct err *err, const struct err *why)
{
	if (err)
		*err = *why;
	return -1;
}

char *text_lower(char *s)
{
	for (char *p = s; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

const char *address_domain(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	return at && at > address && at[1] ? at + 1 : NULL;
}

bool domain_is_public(const char *domain)
{
	static const char *const domains[] = {"gmail.com", "googlemail.com", "outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp",
		"live.com", "live.jp", "msn.com", "yahoo.com", "yahoo.co.jp", "ymail.ne.jp", "icloud.com", "me.com", "mac.com", "aol.com",
		"proton.me", "protonmail.com", "gmx.com", "gmx.net", "mail.com", "zoho.com", "qq.com", "163.com", "126.com", "naver.com",
		"docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp", "nifty.com", "biglobe.ne.jp", "ocn.ne.jp",
		"so-net.ne.jp", "excite.co.jp", "goo.jp", "infoseek.jp"};

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++)
		if (strcasecmp(domain, domains[i]) == 0)
			return true;
	return false;
}

int url_make(struct buf *out, struct err *err, const char *base, const char *pattern, ...)
{
	const char *arg = NULL;
	bool full, odd = false;
	va_list ap;

	buf_clear(out);
	full = buf_adds(out, base) < 0;
	va_start(ap, pattern);
	for (const char *p = pattern; *p && !full && !odd; p++) {
		if (p[0] == '{' && p[1] == '}') {
			arg = va_arg(ap, const char *);
			odd = !arg || !*arg || strcmp(arg, ".") == 0 || strcmp(arg, "..") == 0;
			full = !odd && url_encode(out, arg, "!,@:=") < 0;
			p++;
		} else {
			full = buf_addc(out, *p) < 0;
		}
	}
	if (!full && !odd)
		odd = va_arg(ap, const char *) != NULL;
	va_end(ap);
	if (full)
		return err_set(err, ERR_TOO_BIG, "bad_url", "an address does not fit: %.80s", pattern);
	return odd ? err_set(err, ERR_LOCAL, "bad_url", "an address lacks a part: %.80s", pattern) : 0;
}

int url_query(struct buf *url, const char *key, const char *value)
{
	char mark = strchr(buf_str(url), '?') ? '&' : '?';

	if (buf_addc(url, mark) < 0 || buf_adds(url, key) < 0 || buf_addc(url, '=') < 0)
		return -1;
	return url_encode(url, value, ",:$*()/'");
}

int url_query_int(struct buf *url, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return url_query(url, key, text);
}

/* ---- calls ---- */

static int send_once(const struct api *api, const struct api_call *call, bool renew, struct http_response *ret,
	struct err *err)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(16384);
	_cleanup_buf_ struct buf body = BUF_INIT(BODY_MAX);
	struct http_request req = {
		.method = call->method ? call->method : "GET",
		.url = call->url,
		.headers = call->headers,
		.body = call->body,
		.body_len = call->body_len,
		.content_type = call->content_type,
		.max_body = call->max_body,
		.content = call->content,
		.timeout_ms = call->timeout_ms,
	};

	if (call->json) {
		if (json_print(call->json, &body) < 0)
			return err_set(err, ERR_TOO_BIG, "request_too_big", "the body of a request does not fit");
		req.body = buf_str(&body);
		req.body_len = body.len;
		req.content_type = "application/json";
	}
	if (!call->anonymous) {
		if (api->env->token(api->env->ctx, call->subject ? call->subject : "", renew, &token, err) < 0)
			return -1;
		req.bearer = buf_str(&token);
	}
	return http_call(api->env->http, &req, ret, err);
}

int api_send(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err)
{
	struct http_response r = {0};

	if (send_once(api, call, false, &r, err) < 0)
		return -1;
	if (r.status == 401 && !call->anonymous) {
		http_response_free(&r);
		r = (struct http_response){0};
		if (send_once(api, call, true, &r, err) < 0)
			return -1;
	}
	*ret = r;
	return 0;
}

int api_check(const struct api *api, const struct http_response *r, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct err own;

	if (!err)
		err = &own;
	if (http_check(r, err) == 0)
		return 0;
	if (api->refine) {
		if (r->body.len)
			json_parse(buf_str(&r->body), r->body.len, &doc, NULL);
		api->refine(r, doc, err);
		if (err->class == ERR_NONE)
			return 0;
	}
	return -1;
}

int api_do(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err)
{
	_cleanup_response_ struct http_response r = {0};

	if (api_send(api, call, &r, err) < 0 || api_check(api, &r, err) < 0)
		return -1;
	*ret = r;
	r = (struct http_response){0};
	return 0;
}

int api_json(const struct api *api, const struct api_call *call, cJSON **ret_doc, struct err *err)
{
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;

	if (api_do(api, call, &r, err) < 0)
		return -1;
	if (!ret_doc)
		return 0;
	if (http_json(&r, &doc, err) < 0)
		return -1;
	if (!cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "bad_answer", "an answer that is no JSON object");
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

/* ---- downloads ---- */

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The pre-authenticated address speaks for itself; what it answers says nothing about our grant. */
static int redirected_error(const struct http_response *r, struct err *err)
{
	switch (r->status) {
	case 401:
	case 403:
	case 404:
	case 410:
		err_set(err, ERR_RETRY, "url_expired", "the download address answers %d: another one is needed", r->status);
		break;
	default:
		if (http_check(r, err) == 0)
			err_set(err, ERR_RETRY, "bad_download", "the download address answers %d", r->status);
	}
	if (err) {
		err->http_status = r->status;
		err->retry_at = r->retry_at;
	}
	return -1;
}

/* Where a Location leads that was answered to `from`; an absolute path stays on that host (RFC 9110, 10.2.2). */
static char *resolve(const char *from, const char *location)
{
	const char *host = strstr(from, "://");
	char *url = NULL;

	if (location[0] != '/' || location[1] == '/' || !host)
		return strdup(location);
	int origin = (int)(host + 3 - from + (ptrdiff_t)strcspn(host + 3, "/?#"));
	return asprintf(&url, "%.*s%s", origin, from, location) < 0 ? NULL : url;
}

static int follow(const struct api *api, const struct api_call *call, const char *location, int hops,
	struct http_response *ret, struct err *err)
{
	_cleanup_free_ char *url = resolve(call->url, location);
	bool plain_ok = strncasecmp(call->url, "http:", 5) == 0, local = http_url_local(call->url);

	for (; url && hops > 0; hops--) {
		_cleanup_response_ struct http_response r = {0};
		const struct http_request req = {
			.method = "GET",
			.url = url,
			.content = call->content,
			.max_body = call->max_body,
			.timeout_ms = call->timeout_ms ? call->timeout_ms : DOWNLOAD_MS,
		};
		/* An answer that came by TLS never leads to an unprotected address, one from elsewhere never to this machine. */
		if (!http_url_ok(url) || (!plain_ok && strncasecmp(url, "https:", 6) != 0) || (!local && http_url_local(url)))
			return err_set(err, ERR_REMOTE, "bad_redirect", "a download was redirected to a forbidden address");
		if (http_call(api->env->http, &req, &r, err) < 0)
			return -1;
		if (r.status == 200) {
			*ret = r;
			r = (struct http_response){0};
			return 0;
		}
		const char *next = is_redirect(r.status) ? http_header(&r, "location") : NULL;
		if (!next)
			return redirected_error(&r, err);
		char *to = resolve(url, next);
		free(url);
		url = to;
	}
	return url ? err_set(err, ERR_RETRY, "too_many_redirects", "a download is redirected over and over") : err_memory(err);
}

int api_download(const struct api *api, const struct api_call *call, struct http_response *ret, struct err *err)
{
	_cleanup_response_ struct http_response r = {0};
	struct api_call first = *call;

	if (!first.timeout_ms)
		first.timeout_ms = DOWNLOAD_MS;
	if (api_send(api, &first, &r, err) < 0)
		return -1;
	if (is_redirect(r.status)) {
		const char *location = http_header(&r, "location");
		if (!location)
			return err_set(err, ERR_RETRY, "bad_answer", "HTTP %d without Location", r.status);
		return follow(api, call, location, HOPS_MAX, ret, err);
	}
	if (api_check(api, &r, err) < 0)
		return -1;
	if (r.status != 200) {
		/* 202: still being made; 206: nobody asked for a part. */
		err_set(err, ERR_RETRY, "not_ready", "HTTP %d instead of the content", r.status);
		if (err) {
			err->http_status = r.status;
			err->retry_at = r.retry_at;
		}
		return -1;
	}
	*ret = r;
	r = (struct http_response){0};
	return 0;
}

/* ---- base64 in JSON ---- */

/* The character at text[*at] of a JSON string, moving *at on; -1 for an escape that base64 cannot need. */
static int plain_char(const char *text, size_t len, size_t *at)
{
	char c = text[(*at)++];

	if (c != '\\')
		return (unsigned char)c;
	if (*at >= len)
		return -1;
	c = text[(*at)++];
	switch (c) {
	case '/':
		return '/';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 'u': {
		char digits[5] = "";
		unsigned char two[2];
		if (*at + 4 > len)
			return -1;
		memcpy(digits, text + *at, 4);
		if (hex_decode(two, digits, 2) < 0 || two[0])
			return -1;
		*at += 4;
		return two[1];
	}
	default:
		return -1;
	}
}

int base64_string_into(const char *json, size_t len, const char *key, struct content *content, struct err *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(65536);
	char piece[65536]; /* symbols, in groups of four but for the last */
	size_t at, n, used = 0;
	struct err why;

	if (json_find_string(json, len, key, &at, &n, &why) < 0) {
		if (why.class == ERR_GONE)
			return err_set(err, ERR_REMOTE, "bad_answer", "an answer without \"%s\"", key);
		if (err)
			*err = why;
		return -1;
	}
	if (content_expect(content, (int64_t)(n / 4 * 3), err) < 0)
		return -1;
	for (size_t i = 0, end = n; i < end || used;) {
		while (i < end && used < sizeof(piece)) {
			int c = plain_char(json + at, end, &i);
			if (c < 0)
				return err_set(err, ERR_REMOTE, "bad_answer", "\"%s\" is no base64", key);
			if (c != '\n' && c != '\r')
				piece[used++] = (char)c;
		}
		buf_clear(&bytes);
		if (used && base64_decode(&bytes, piece, used) < 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "\"%s\" is no base64", key);
		if (bytes.len && content_write(content, bytes.data, bytes.len, err) < 0)
			return -1;
		used = 0;
	}
	return 0;
}
