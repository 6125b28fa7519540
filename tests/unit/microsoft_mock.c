/* The script player; see microsoft_mock.h. */
#include "microsoft_mock.h"

#include "net/transfer.h"

#include <strings.h>

static const struct step *script;
static int requests;

void mock_script(const struct step *steps)
{
	script = steps;
	requests = 0;
}

void mock_end(void)
{
	if (script && script->url)
		fail_msg("was never asked for: %s %s", script->method ? script->method : "GET", script->url);
}

int mock_requests(void)
{
	return requests;
}

static bool in_headers(const struct http_request *req, const char *text)
{
	for (const char *const *h = req->headers; h && *h; h++)
		if (strstr(*h, text))
			return true;
	return false;
}

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	const struct step *s = script;

	requests++;
	if (!s || !s->url)
		fail_msg("not in the script: %s %s", req->method, req->url);
	script++;
	if (strcmp(req->method, s->method ? s->method : "GET") != 0 || !strstr(req->url, s->url))
		fail_msg("wanted %s %s, came %s %s", s->method ? s->method : "GET", s->url, req->method, req->url);
	/* The token goes to the endpoint and nowhere else. */
	if (s->anonymous)
		assert_true(!req->bearer && !in_headers(req, "uthorization"));
	else
		assert_true(req->bearer && strncmp(req->url, GRAPH_TEST "/", strlen(GRAPH_TEST) + 1) == 0);
	if (s->wants && !in_headers(req, s->wants) && !(req->body && strstr(req->body, s->wants)))
		fail_msg("%s %s without %s: %s", req->method, req->url, s->wants, req->body ? (const char *)req->body : "");
	int status = s->status ? s->status : 200;
	*ret = (struct http_response){.status = status, .body = BUF_INIT(1 << 20), .headers_arena = arena_new(65536)};
	ret->headers = arena_alloc(ret->headers_arena, sizeof(char *));
	if (s->header)
		ret->headers[ret->n_headers++] = arena_dup(ret->headers_arena, s->header);
	response_facts(ret);
	if (req->content && status == 200)
		return content_write(req->content, s->body, strlen(s->body), err);
	if (s->body)
		buf_adds(&ret->body, s->body);
	return 0;
}

/* ---- the environment ---- */

static struct {
	char key[256], value[256];
} places[8];

static int token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	return buf_adds(ret, "token");
}

static int place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp(places[i].key, key) == 0)
			return buf_adds(ret, places[i].value);
	return 1;
}

static int place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	size_t i = 0;

	while (places[i].key[0] && strcmp(places[i].key, key) != 0)
		assert_true(++i < ARRAY_SIZE(places));
	snprintf(places[i].key, sizeof(places[i].key), "%s", key);
	snprintf(places[i].value, sizeof(places[i].value), "%s", value);
	return 0;
}

static const struct connector_env env = {.token = token, .place_get = place_get, .place_put = place_put};
static struct connection_config config;
static cJSON *grant;

const struct connector *mock_connector(void)
{
	return connector_find("microsoft");
}

struct connection *mock_open(unsigned services, bool protect, const char *grant_text)
{
	struct connection *c = NULL;

	memset(places, 0, sizeof(places));
	config = (struct connection_config){.provider = "microsoft", .protect = protect, .services = services, .n_endpoints = 1,
		.endpoints = {{"graph", GRAPH_TEST}}};
	grant = grant_text ? cJSON_Parse(grant_text) : NULL;
	config.grant = grant;
	assert_int_equal(mock_connector()->open(&config, &env, &c, NULL), 0);
	return c;
}

void mock_close(struct connection *c)
{
	mock_end();
	mock_connector()->close(c);
	json_free(TAKE_PTR(grant));
}

struct content *mock_content(void)
{
	static struct content_budget *budget;
	struct content *content = NULL;

	if (!budget)
		assert_int_equal(content_budget_new(16 << 20, NULL, 16 << 20, &budget, NULL), 0);
	assert_int_equal(content_new(budget, -1, 1 << 20, DIGEST_SHA256, &content, NULL), 0);
	return content;
}
