/* The script player; see google_script.h. */
#include "google_script.h"

#include "net/transfer.h"

static const struct step *next;
static struct connection_config config;
static struct connector_env env;
static cJSON *grant, *places;

void script(const struct step *steps)
{
	next = steps;
}

void script_end(void)
{
	if (next && next->url)
		fail_msg("was never asked for: %s %s", next->method ? next->method : "GET", next->url);
}

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	const struct step *s = next;
	const char *body = req->body ? req->body : "";

	if (!s || !s->url)
		fail_msg("not in the script: %s %s", req->method, req->url);
	next++;
	if (strcmp(req->method, s->method ? s->method : "GET") != 0 || !strstr(req->url, s->url))
		fail_msg("wanted %s %s, came %s %s", s->method ? s->method : "GET", s->url, req->method, req->url);
	if (s->as && strcmp(s->as, req->bearer ? req->bearer : "-") != 0)
		fail_msg("%s as %s instead of %s", req->url, req->bearer ? req->bearer : "nobody", s->as);
	/* A token never goes to another host. */
	if (req->bearer && strncmp(req->url, DRIVE_TEST "/", strlen(DRIVE_TEST) + 1) != 0 &&
		strncmp(req->url, "https://gmail.test/", 19) != 0 && strncmp(req->url, "https://directory.test/", 23) != 0)
		fail_msg("a token went to %s", req->url);
	if (s->wants && !strstr(req->url, s->wants) && !strstr(body, s->wants))
		fail_msg("%s %s without %s: %s", req->method, req->url, s->wants, body);
	*ret = (struct http_response){.status = s->status ? s->status : 200, .body = BUF_INIT(1 << 20),
		.headers_arena = arena_new(4096)};
	response_facts(ret);
	if (req->content && ret->status == 200)
		return content_write(req->content, s->body, strlen(s->body), err);
	return buf_adds(&ret->body, s->body ? s->body : "{}");
}

/* The token of somebody is his address. */
static int env_token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	if (strncmp(subject, "nobody", 6) == 0) {
		err_set(err, ERR_GONE, "invalid_grant", "Invalid email or User ID");
		return err_scope(err, SCOPE_STREAM);
	}
	return buf_adds(ret, subject);
}

static int env_place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	const char *value = json_str(places, key);

	return value ? buf_adds(ret, value) : 1;
}

static int env_place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	return json_set_str(places, key, value);
}

const char *script_place(const char *key)
{
	return json_str(places, key);
}

void script_remember(const char *key, const char *value)
{
	json_set_str(places, key, value);
}

struct connection *script_open(unsigned services)
{
	struct connection *c = NULL;
	struct err err;

	config = (struct connection_config){.id = "c", .tenant = "aoba", .provider = "google", .protect = true,
		.services = services, .n_endpoints = 3, .endpoints = {{"gmail", "https://gmail.test"}, {"drive", DRIVE_TEST},
			{"directory", "https://directory.test"}}};
	grant = cJSON_CreateObject();
	places = cJSON_CreateObject();
	json_set_str(grant, "subject", ADMIN);
	json_set_str(grant, "client_id", "1234567890");
	config.grant = grant;
	env = (struct connector_env){.token = env_token, .place_get = env_place_get, .place_put = env_place_put};
	if (connector_google.open(&config, &env, &c, &err) < 0)
		fail_msg("%s", err.message);
	return c;
}

void script_close(struct connection *c)
{
	connector_google.close(c);
	json_free(grant);
	json_free(places);
}

struct content *script_content(void)
{
	static struct content_budget *budget;
	struct content *content = NULL;
	struct err err;

	if (!budget && content_budget_new(64 << 20, NULL, 64 << 20, &budget, &err) < 0)
		fail_msg("%s", err.message);
	if (content_new(budget, -1, 16 << 20, DIGEST_SHA256, &content, &err) < 0)
		fail_msg("%s", err.message);
	return content;
}
