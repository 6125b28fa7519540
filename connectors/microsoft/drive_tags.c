/* The cTags that a delta answer left out, asked for in batches of twenty, or one by one where the service has no batches.
 * Called by drive.c on core's job threads. Source: Graph "JSON batching". */
#include "connectors/microsoft/acts.h"

#include "base/timeutil.h"

#include <string.h>
#include <strings.h>

#define BATCH_MAX 20

static int take_tag(struct item_page *page, size_t at, const cJSON *item, struct err *err)
{
	const char *version = ms_drive_version(page->arena, item);

	if (!version)
		return err_memory(err);
	if (json_str(item, "cTag") || json_str(item, "eTag"))
		page->items[at].version = version;
	return 0;
}

/* An item that is gone or may not be read keeps what it has: fetching its content will tell. */
static bool harmless(int status)
{
	return status == 403 || status == 404 || status == 410 || status == 423;
}

static int one(struct connection *c, const char *drive, struct item_page *page, size_t at, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct err why;

	if (ms_drive_item_get(c, drive, page->items[at].id, &doc, &why) == 0)
		return take_tag(page, at, doc, err);
	if (why.class == ERR_GONE || harmless(why.http_status))
		return 0;
	if (err)
		*err = why;
	return -1;
}

static int add_request(cJSON *requests, const char *drive, const char *id, size_t at, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *request = cJSON_CreateObject();
	char number[24];

	if (!request || !cJSON_AddItemToArray(requests, request)) {
		json_free(request);
		return err_memory(err);
	}
	if (url_make(&url, err, "", "/drives/{}/items/{}", drive, id, NULL) < 0)
		return -1;
	snprintf(number, sizeof(number), "%zu", at);
	if (url_query(&url, "$select", "id,cTag,eTag") < 0 || json_set_str(request, "id", number) < 0 ||
		json_set_str(request, "method", "GET") < 0 || json_set_str(request, "url", buf_str(&url)) < 0)
		return err_memory(err);
	return 0;
}

static int throttled(const cJSON *answer, int status, struct err *err)
{
	const cJSON *header, *headers = json_object(answer, "headers");
	int64_t seconds = 0;

	cJSON_ArrayForEach(header, headers)
	{
		if (header->string && strcasecmp(header->string, "Retry-After") == 0)
			json_int64(headers, header->string, &seconds);
	}
	err_set(err, ERR_RETRY, status == 429 ? "throttled" : "server_error", "HTTP %d within a batch", status);
	if (err) {
		err->http_status = status;
		err->retry_at = seconds > 0 && seconds <= 3600 ? time_now_ms() + seconds * 1000 : 0;
		err->scope = status == 429 ? SCOPE_CONNECTION : SCOPE_ITEM;
	}
	return -1;
}

/* Returns 1 when the service has no batches. */
static int batch(struct connection *c, const char *drive, struct item_page *page, const size_t *which, size_t n,
	struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *requests = cJSON_CreateArray(), *answer;
	bool done[BATCH_MAX] = {false};
	struct err why;

	if (json_set(body, "requests", requests) < 0)
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		if (add_request(requests, drive, page->items[which[i]].id, i, err) < 0)
			return -1;
	if (url_make(&url, err, c->graph, "/v1.0/$batch", NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	if (graph_json(c, &call, &doc, &why) < 0) {
		if (graph_refused(&why))
			return 1;
		if (err)
			*err = why;
		return -1;
	}
	cJSON_ArrayForEach(answer, json_array(doc, "responses"))
	{
		int64_t at = json_int64_or(answer, "id", -1), status = json_int64_or(answer, "status", 0);
		if (at < 0 || (size_t)at >= n || done[at])
			return err_set(err, ERR_REMOTE, "bad_answer", "a batch answers what was not asked");
		if (status == 429 || status >= 500)
			return throttled(answer, (int)status, err);
		if (status == 200 && take_tag(page, which[at], json_object(answer, "body"), err) < 0)
			return -1;
		done[at] = status == 200 || harmless((int)status);
	}
	for (size_t i = 0; i < n; i++)
		if (!done[i] && one(c, drive, page, which[i], err) < 0)
			return -1;
	return 0;
}

int ms_drive_ctags(struct connection *c, const char *drive, struct item_page *page, const bool *wanted, struct err *err)
{
	bool batches = true;
	size_t i = 0;

	while (i < page->n_items) {
		size_t which[BATCH_MAX], n = 0;
		for (; i < page->n_items && n < BATCH_MAX; i++)
			if (wanted[i])
				which[n++] = i;
		int r = n > 1 && batches ? batch(c, drive, page, which, n, err) : (n ? 1 : 0);
		if (r < 0)
			return -1;
		batches = batches && (r == 0 || n == 1);
		for (size_t k = 0; r == 1 && k < n; k++)
			if (one(c, drive, page, which[k], err) < 0)
				return -1;
	}
	return 0;
}
