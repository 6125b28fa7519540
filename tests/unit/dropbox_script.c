/* The player of scripts; see dropbox_script.h. */
#include "dropbox_script.h"

#include "net/transfer.h"

static const struct step *script;
static int renewed; /* tokens asked for anew */

static bool carries(const struct http_request *req, const char *text)
{
	for (const char *const *h = req->headers; h && *h; h++)
		if (strstr(*h, text))
			return true;
	return req->body_len && strstr(req->body, text);
}

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	const struct step *s = script;

	if (!s || !s->route)
		fail_msg("not in the script: %s %s", req->url, req->body_len ? (const char *)req->body : "");
	script++;
	assert_string_equal(req->method, "POST");
	if (!strstr(req->url, s->route))
		fail_msg("wanted %s, came %s", s->route, req->url);
	assert_true(req->bearer && (strncmp(req->url, API "/2/", strlen(API) + 3) == 0 ||
					  strncmp(req->url, CONTENT "/2/", strlen(CONTENT) + 3) == 0));
	if (s->wants && !carries(req, s->wants))
		fail_msg("%s without %s: %s", s->route, s->wants, req->body_len ? (const char *)req->body : "");
	assert_false(s->not && carries(req, s->not));
	/* Only ASCII may stand in a header. */
	for (const char *const *h = req->headers; h && *h; h++)
		for (const char *p = *h; *p; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	int status = s->status ? s->status : 200;
	*ret = (struct http_response){.status = status, .body = BUF_INIT(1 << 20), .headers_arena = arena_new(65536)};
	ret->headers = arena_alloc(ret->headers_arena, sizeof(char *));
	if (s->header)
		ret->headers[ret->n_headers++] = arena_dup(ret->headers_arena, s->header);
	response_facts(ret);
	if (req->content && status == 200)
		return content_write(req->content, s->body, strlen(s->body), err);
	return s->body ? buf_adds(&ret->body, s->body) : 0;
}

static int token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	renewed += renew;
	return buf_adds(ret, renew ? "new" : "old");
}

static char place[256];

static int place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	return place[0] ? buf_adds(ret, place) : 1;
}

static int place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	snprintf(place, sizeof(place), "%s", value);
	return 0;
}

static const struct connector_env env = {.token = token, .place_get = place_get, .place_put = place_put};
static const struct connection_config config = {.provider = "dropbox", .protect = true, .services = SERVICE_FILES,
	.n_endpoints = 2, .endpoints = {{"api", API}, {"content", CONTENT}}};

const struct connector *script_connector(void)
{
	return connector_find("dropbox");
}

struct connection *script_start(const struct step *steps)
{
	struct connection *c = NULL;

	script = steps;
	renewed = 0;
	place[0] = '\0';
	assert_int_equal(script_connector()->open(&config, &env, &c, NULL), 0);
	return c;
}

void script_end(struct connection *c)
{
	if (script && script->route)
		fail_msg("was never asked for: %s", script->route);
	script_connector()->close(c);
}

void script_drop(void)
{
	script = NULL;
}

int script_renewed(void)
{
	return renewed;
}

const char *script_place(void)
{
	return place;
}
