/* POST /$batch: up to 20 calls in one, each with its own status; in the order they came, after those that they
 * depend on. Source: Graph "Combine multiple requests in one HTTP call using JSON batching". */
#include "fakecloud/microsoft/microsoft.h"

#include <string.h>
#include <strings.h>

#define BATCH_MAX 20

static const cJSON *by_id(const cJSON *list, const char *id)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		const char *own = json_str(one, "id");
		if (own && !strcasecmp(own, id))
			return one;
	}
	return NULL;
}

static bool check(struct ms_ctx *c, const cJSON *requests)
{
	const cJSON *one, *dep;
	int n = cJSON_GetArraySize(requests);

	if (!cJSON_IsArray(requests) || !n) {
		ms_error(c, 400, "BadRequest", "Invalid batch payload format.");
		return false;
	}
	if (n > BATCH_MAX) {
		ms_error(c, 400, "BadRequest", "Number of batch request steps exceeds the maximum value of %d.", BATCH_MAX);
		return false;
	}
	cJSON_ArrayForEach(one, requests)
	{
		const char *id = json_str(one, "id");
		if (!id || !json_str(one, "method") || !json_str(one, "url") || by_id(requests, id) != one) {
			ms_error(c, 400, "BadRequest",
				"Request step id, method and url are required, and ids must be unique in a batch.");
			return false;
		}
		cJSON_ArrayForEach(dep, json_array(one, "dependsOn"))
		{
			if (!cJSON_IsString(dep) || !by_id(requests, dep->valuestring)) {
				ms_error(c, 400, "BadRequest", "Request '%s' depends on a request that is not there.", id);
				return false;
			}
		}
	}
	return true;
}

/* 1 ready, 0 waits for another, -1 one that it needs has failed. */
static int ready(const cJSON *one, const cJSON *responses)
{
	const cJSON *dep;

	cJSON_ArrayForEach(dep, json_array(one, "dependsOn"))
	{
		const cJSON *done = by_id(responses, dep->valuestring);
		if (!done)
			return 0;
		if (json_int64_or(done, "status", 500) >= 400)
			return -1;
	}
	return 1;
}

static const char *method_of(const char *word)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!strcasecmp(word, methods[i]))
			return methods[i];
	}
	return "";
}

static void run(struct ms_ctx *outer, const cJSON *one, cJSON *out, bool failed)
{
	struct ms_ctx *c = arena_alloc(outer->req->arena, sizeof(*c));
	const char *url = json_str(one, "url"), *query = strchr(url, '?');

	j_str(out, "id", json_str(one, "id"));
	if (!c) {
		j_num(out, "status", 500);
		return;
	}
	*c = (struct ms_ctx){.req = outer->req,
		.res = outer->res,
		.t = outer->t,
		.token = outer->token,
		.client_request_id = outer->client_request_id,
		.base = outer->base,
		.beta = outer->beta,
		.in = one,
		.out = out};
	memcpy(c->request_id, outer->request_id, sizeof(c->request_id));
	c->method = method_of(json_str(one, "method"));
	if (failed) {
		ms_error(c, 424, "FailedDependency", "A request that this one depends on has failed.");
		return;
	}
	url = query ? ms_fmt(c, "%.*s", (int)(query - url), url) : url;
	ms_call(c, ms_fmt(c, "/%s%s%s", outer->beta ? "beta" : "v1.0", *url == '/' ? "" : "/", url),
		query ? query + 1 : "");
	if (!json_get(out, "status"))
		j_num(out, "status", 500);
}

void ms_batch(struct ms_ctx *c)
{
	const cJSON *requests = json_get(ms_body(c), "requests"), *one;
	cJSON *doc, *responses;
	bool moved = true;

	if (strcmp(c->method, "POST")) {
		ms_wrong_method(c);
		return;
	}
	if (!check(c, requests))
		return;
	doc = cJSON_CreateObject();
	responses = j_array(doc, "responses");
	while (moved) {
		moved = false;
		cJSON_ArrayForEach(one, requests)
		{
			int r = by_id(responses, json_str(one, "id")) ? 0 : ready(one, responses);
			if (!r)
				continue;
			cJSON *out = cJSON_CreateObject();
			run(c, one, out, r < 0);
			cJSON_AddItemToArray(responses, out);
			moved = true;
		}
	}
	/* What is left depends on itself. */
	cJSON_ArrayForEach(one, requests)
	{
		if (by_id(responses, json_str(one, "id")))
			continue;
		cJSON *out = cJSON_CreateObject();
		run(c, one, out, true);
		cJSON_AddItemToArray(responses, out);
	}
	ms_json(c, 200, doc);
}
