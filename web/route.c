/* From a request to its handler: host, address, session, origin, CSRF, rights, body; in that order, so that nobody without a
 * session learns more than that. Connection threads. */
#include "web/impl.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <openssl/crypto.h>
#include <string.h>

#define TOUCH_MS 60000

static const struct web_route *const tables[] = {web_routes_session, web_routes_manage, web_routes_see, web_routes_findings, web_routes_connect,
	web_routes_policy, web_routes_lists};

struct store *web_store(struct web_call *c)
{
	struct web *w = c->w;
	struct err err;

	pthread_mutex_lock(&w->lock);
	if (!w->store && store_open(w->store_name, true, "web", &w->store, &err) < 0) {
		log_err(LOG_WARN_, "web.store", &err);
		w->store = NULL;
	}
	struct store *s = w->store;
	pthread_mutex_unlock(&w->lock);
	if (!s)
		web_fail_code(c, "not_ready");
	return s;
}

/* ---- where the request came from and was sent to ---- */

static const char *authority(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? p + 3 : "";
}

/* A page of another site that had its name resolve to us (DNS rebinding) brings its own name in Host. */
static bool host_is_ours(const struct web *w, const char *host)
{
	const char *own = authority(w->listen_url), *port = strrchr(own, ':');

	if (strcasecmp(host, authority(w->public_url)) == 0)
		return true;
	if (!*w->listen_url)
		return !w->proxied && strcasecmp(host, "localhost") == 0;
	if (strcasecmp(host, own) == 0)
		return true;
	return strncasecmp(host, "localhost", 9) == 0 && port && strcmp(host + 9, port) == 0;
}

static bool origin_is_ours(const struct web *w, const struct web_request *q)
{
	if (!*q->origin)
		return !*q->site || strcmp(q->site, "same-origin") == 0 || strcmp(q->site, "none") == 0;
	if (strcasecmp(q->origin, w->public_url) == 0)
		return true;
	/* Directly, without the proxy: the page's own address, which the check of Host has found to be ours. */
	return strncmp(q->origin, "http://", 7) == 0 && strcasecmp(q->origin + 7, q->host) == 0 && *w->listen_url &&
		strcasecmp(q->host, authority(w->public_url)) != 0;
}

static void read_address(struct web_call *c)
{
	const char *from = c->q->forwarded, *comma = strrchr(from, ',');

	snprintf(c->address, sizeof(c->address), "%.60s", c->q->address);
	if (!c->w->proxied || !*from)
		return;
	from = comma ? comma + 1 : from;
	from += strspn(from, " ");
	size_t n = strspn(from, "0123456789abcdefABCDEF.:[]");
	if (n && n < 60 && !from[n])
		snprintf(c->address, sizeof(c->address), "%s", from);
}

/* ---- who ---- */

/* A token is hex or base64url; anything else in the cookie is no token of ours. */
static bool token_looks_right(const char *t)
{
	size_t n = strspn(t, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

	return n >= 32 && n <= 128 && !t[n];
}

/* Fills session; false after an answer. Without a cookie, or with one of an ended session, signed_in stays false. */
static bool find_session(struct web_call *c)
{
	struct err err;

	c->token = web_cookie(c->q, WEB_COOKIE);
	if (!token_looks_right(c->token)) {
		c->token = "";
		return true;
	}
	struct store *s = web_store(c);
	if (!s)
		return false;
	console_hash(c->token, c->hash);
	if (store_session_get(s, c->hash, time_now_ms(), c->q->arena, &c->session, &err) == 0) {
		c->signed_in = true;
		c->language = web_language_of(c->q->language, web_language_of(c->session.language, c->w->language));
		return true;
	}
	c->hash[0] = '\0';
	if (err.class == ERR_GONE)
		return true;
	web_fail_err(c, &err);
	return false;
}

static bool csrf_is_right(const struct web_call *c)
{
	char want[CONSOLE_HASH_LEN];

	console_csrf(c->token, want);
	return strlen(c->q->csrf) == strlen(want) && CRYPTO_memcmp(c->q->csrf, want, strlen(want)) == 0;
}

/* What a person does moves the session's idle end; what a page asks by itself (?poll=1) does not. */
static void touch(struct web_call *c)
{
	struct web_answer unheard = {.body = BUF_INIT(65536), .fd = -1};
	struct web_call own = *c;
	cJSON *result;

	if (time_now_ms() - c->session.seen_at < TOUCH_MS || web_query(c->q, "poll"))
		return;
	own.a = &unheard;
	if (web_ask(&own, "session_touch", NULL, &result, NULL, NULL) == 0)
		cJSON_Delete(result);
	buf_free(&unheard.body);
}

/* ---- which route ---- */

/* Does the path fit? Fills the decoded parts in place of {…}; a part with a slash, a control character or a bad escape
 * fits nothing. */
static bool fits(struct web_call *c, const char *pattern, const char *path)
{
	int n = 0;

	for (;;) {
		size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
		if (*pattern == '{') {
			_cleanup_buf_ struct buf b = BUF_INIT(1024);
			if (!have || n >= (int)ARRAY_SIZE(c->param) || url_decode(&b, path, have, false) < 0 ||
				strpbrk(buf_str(&b), "/\\"))
				return false;
			for (const char *p = buf_str(&b); *p; p++)
				if ((unsigned char)*p < 0x20 || *p == 0x7f)
					return false;
			c->param[n] = arena_dup(c->q->arena, buf_str(&b));
			if (!c->param[n++])
				return false;
		} else if (want != have || strncmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
		if (!*pattern || !*path)
			return !*pattern && !*path;
		pattern++;
		path++;
	}
}

/* *ret_allow: the methods of the path when the method is another. */
static const struct web_route *find_route(struct web_call *c, const char **ret_allow)
{
	_cleanup_buf_ struct buf allow = BUF_INIT(128);
	const char *method = strcmp(c->q->method, "HEAD") == 0 ? "GET" : c->q->method;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct web_route *r = tables[t]; r->path; r++) {
			if (!fits(c, r->path, c->q->path))
				continue;
			if (strcmp(r->method, method) == 0)
				return r;
			buf_addf(&allow, "%s%s", allow.len ? ", " : "", r->method);
		}
	}
	*ret_allow = allow.len ? arena_dup(c->q->arena, buf_str(&allow)) : NULL;
	return NULL;
}

/* ---- the body ---- */

static bool read_body(struct web_call *c)
{
	const char *type = c->q->type;
	struct err err;

	if (!c->q->body_len) {
		c->body = cJSON_CreateObject();
		return true;
	}
	/* A form of another site cannot send this type without asking first. */
	if (strncasecmp(type, "application/json", 16) != 0 || (type[16] && type[16] != ';' && type[16] != ' ')) {
		web_fail_code(c, "bad_type");
		return false;
	}
	if (json_parse(c->q->body, c->q->body_len, &c->body, &err) < 0 || !cJSON_IsObject(c->body)) {
		web_fail_code(c, "bad_request");
		return false;
	}
	return true;
}

static bool is_change(const struct web_request *q)
{
	return strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0;
}

static bool fail(struct web_call *c, const char *code)
{
	web_fail_code(c, code);
	return false;
}

/* May this call go on? Answers when not. */
static bool admitted(struct web_call *c, const struct web_route *r)
{
	if (r && r->act == WEB_PUBLIC)
		return !is_change(c->q) || origin_is_ours(c->w, c->q) || fail(c, "bad_origin");
	if (!c->signed_in)
		return fail(c, "signed_out");
	if (!r)
		return true;
	if (is_change(c->q) && !origin_is_ours(c->w, c->q))
		return fail(c, "bad_origin");
	if (is_change(c->q) && !csrf_is_right(c))
		return fail(c, "bad_csrf");
	if (r->act != WEB_SESSION && !console_may(&c->session, (enum console_act)r->act, NULL))
		return fail(c, "forbidden_here");
	return true;
}

static void handle_api(struct web_call *c)
{
	const char *allow = NULL;
	const struct web_route *r = find_route(c, &allow);

	if (!find_session(c) || !admitted(c, r))
		return;
	if (!r) {
		c->a->allow = allow;
		web_fail_code(c, allow ? "bad_method" : "not_found");
		return;
	}
	if (is_change(c->q) && !read_body(c))
		return;
	if (c->signed_in)
		touch(c);
	r->handler(c);
}

static void answer_text(struct web_answer *a, int status, const char *text)
{
	a->status = status;
	a->type = "text/plain; charset=utf-8";
	a->fixed = text;
	a->fixed_len = strlen(text);
}

static void handle_other(struct web_call *c)
{
	const char *path = c->q->path;

	if (is_change(c->q)) {
		c->a->allow = "GET, HEAD";
		web_fail_code(c, "bad_method");
	} else if (strcmp(path, "/health") == 0) {
		answer_text(c->a, 200, "sekisho is running\n");
	} else if (strncmp(path, "/callback/", 10) == 0) {
		if (find_session(c))
			web_callback(c, path + 10);
	} else if (!web_asset(c)) {
		web_fail_code(c, "no_such_page");
	}
}

static void begin(struct web_call *c, struct web *w, struct web_request *q, struct web_answer *a)
{
	*c = (struct web_call){.w = w, .q = q, .a = a, .token = "", .language = web_language_of(q->language ? q->language : "", w->language)};
}

void web_handle(void *ctx, struct web_request *q, struct web_answer *a)
{
	struct web_call c;

	begin(&c, ctx, q, a);
	read_address(&c);
	if (!host_is_ours(c.w, q->host) && strcmp(q->path, "/health") != 0)
		web_fail_code(&c, "wrong_host");
	else if (strncmp(q->path, "/api/v1/", 8) == 0 && strcmp(q->path, "/api/v1/openapi.json") != 0)
		handle_api(&c);
	else
		handle_other(&c);
	cJSON_Delete(c.body);
}

void web_refused(void *ctx, struct web_request *q, int status, struct web_answer *a)
{
	struct web_call c;

	begin(&c, ctx, q, a);
	web_fail(&c, status, &(struct web_trouble){.code = status == 413 ? "too_large" : "bad_request"});
}
