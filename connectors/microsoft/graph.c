/* Calls to Microsoft Graph and what its errors mean. Called by the other files of this folder, on core's job threads.
 * Sources: Graph "Error responses", "Throttling", "Delta query"; error codes as in README.md. */
#include "connectors/microsoft/graph.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

/* ---- errors ---- */

/* Is one of the codes in the body's error, or in its chain of inner errors? Codes are compared without case. */
static bool has_code(const cJSON *error, const char *const *codes)
{
	for (int depth = 0; error && depth < 5; depth++) {
		const char *code = json_str(error, "code");
		for (const char *const *c = codes; code && *c; c++)
			if (strcasecmp(code, *c) == 0)
				return true;
		const cJSON *inner = json_object(error, "innerError");
		error = inner ? inner : json_object(error, "innererror");
	}
	return false;
}

void graph_refine(const struct http_response *r, const cJSON *doc, struct err *err)
{
	static const char *const lost[] = {"SyncStateNotFound", "SyncStateInvalid", "resyncRequired",
		"resyncChangesApplyDifferences", "resyncChangesUploadDifferences", "resyncApplyDifferences",
		"resyncUploadDifferences", NULL};
	static const char *const no_mailbox[] = {"MailboxNotEnabledForRESTAPI", "MailboxNotHostedInExchangeOnline",
		"MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox", NULL};
	static const char *const malware[] = {"malwareDetected", "virusInfected", NULL};
	static const char *const taken[] = {"nameAlreadyExists", "ErrorFolderExists", NULL};
	static const char *const full[] = {"quotaLimitReached", "insufficientStorage", "ErrorQuotaExceeded", NULL};
	static const char *const item_gone[] = {"ErrorItemNotFound", "ErrorFolderNotFound", "itemNotFound", NULL};
	static const char *const throttled[] = {"TooManyRequests", "activityLimitReached", "ApplicationThrottled", NULL};
	const cJSON *error = json_object(doc, "error");
	const char *code = json_str(error, "code"), *message = json_str(error, "message");

	if (code)
		snprintf(err->message, sizeof(err->message), "HTTP %d %.80s: %.200s", r->status, code, message ? message : "");
	if (!err->request_id[0])
		snprintf(err->request_id, sizeof(err->request_id), "%.90s",
			json_str_or(json_object(error, "innerError"), "request-id", ""));

	if (r->status >= 400 && r->status < 500 && r->status != 429 && has_code(error, lost))
		err_become(err, ERR_CURSOR, "cursor_lost", SCOPE_STREAM);
	else if (r->status < 500 && has_code(error, throttled))
		err_become(err, ERR_RETRY, "throttled", SCOPE_CONNECTION);
	else if ((r->status == 404 || r->status == 403 || r->status == 400) && has_code(error, no_mailbox))
		err_become(err, ERR_REMOTE, "unlicensed", SCOPE_STREAM);
	else if (r->status == 403 && (has_code(error, malware) || http_header(r, "x-virus-infected")))
		err_become(err, ERR_REMOTE, GRAPH_MALWARE, SCOPE_ITEM);
	else if (r->status == 409 && has_code(error, taken))
		err_become(err, ERR_CHANGED, GRAPH_NAME_TAKEN, SCOPE_ITEM);
	else if (r->status == 507 || has_code(error, full))
		err_become(err, ERR_REMOTE, GRAPH_NO_STORAGE, SCOPE_ITEM);
	else if (r->status >= 400 && r->status < 500 && r->status != 401 && has_code(error, item_gone))
		err_become(err, ERR_GONE, "not_found", SCOPE_ITEM);
	else if (r->status == 402)
		err_become(err, ERR_REMOTE, "forbidden", SCOPE_ITEM);
	else if (r->status == 405 || r->status == 501)
		err_become(err, ERR_REMOTE, GRAPH_UNSUPPORTED, SCOPE_ITEM);
	else if (err->class == ERR_RETRY && (r->status == 503 || r->status == 509) && r->retry_at)
		err->scope = SCOPE_CONNECTION;
}

bool graph_refused(const struct err *err)
{
	return (err->class == ERR_REMOTE || err->class == ERR_GONE) &&
		(err->http_status == 400 || err->http_status == 403 || err->http_status == 404 || err->http_status == 405 ||
			err->http_status == 501);
}

/* ---- calls ---- */

#define HEADERS_MAX 4

/* What a call needs beside its own fields, in memory that lives as long as the call. */
struct extras {
	const char *headers[HEADERS_MAX + 1];
	char id[64];
	struct buf match, url;
};

static void extras_free(struct extras *x)
{
	buf_free(&x->match);
	buf_free(&x->url);
}

/* Graph's links name Graph's own host; the endpoint may be another one (a proxy, a mapped port, a path prefix). So of a
 * link only what follows the version counts, and the token goes to the endpoint whatever the link says. */
static const char *below_version(const char *link)
{
	const char *host = strstr(link, "://"), *path = host ? strchr(host + 3, '/') : NULL;
	size_t n = path ? strcspn(path, "?#") : 0;
	const char *version = path ? strstr(path, "/v1.0/") : NULL;

	return version && (size_t)(version - path) < n ? version : NULL;
}

bool graph_link_ok(struct connection *c, const char *link)
{
	return strlen(link) < GRAPH_URL_MAX && below_version(link);
}

static int set_url(struct connection *c, struct extras *x, const char *url, struct err *err)
{
	size_t n = strlen(c->graph);
	const char *rest = strncmp(url, c->graph, n) == 0 && url[n] == '/' ? url + n : below_version(url);

	x->url = (struct buf)BUF_INIT(GRAPH_URL_MAX + 1024);
	if (!rest)
		return err_set(err, ERR_REMOTE, "bad_answer", "a link of Microsoft Graph that leads elsewhere");
	return buf_adds(&x->url, c->graph) < 0 || buf_adds(&x->url, rest) < 0 ? err_memory(err) : 0;
}

static int extras_make(struct connection *c, struct extras *x, const struct graph_call *call, struct api_call *ret,
	struct err *err)
{
	char uuid[37];
	int n = 0;

	uuid_new(uuid);
	snprintf(x->id, sizeof(x->id), "client-request-id: %s", uuid);
	x->headers[n++] = x->id;
	if (call->prefer)
		x->headers[n++] = call->prefer;
	x->match = (struct buf)BUF_INIT(1024);
	if (call->if_match) {
		if (buf_addf(&x->match, "If-Match: %s", call->if_match) < 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "an eTag that does not fit");
		x->headers[n++] = buf_str(&x->match);
	}
	if (set_url(c, x, call->url, err) < 0)
		return -1;
	*ret = (struct api_call){.method = call->method, .url = buf_str(&x->url), .headers = x->headers, .json = call->json,
		.content = call->content};
	if (call->text) {
		ret->body = call->text;
		ret->body_len = strlen(call->text);
		ret->content_type = "text/plain; charset=utf-8";
	}
	return 0;
}

int graph_send(struct connection *c, const struct graph_call *call, struct http_response *ret, struct err *err)
{
	_cleanup_(extras_free) struct extras x = {0};
	struct api_call a;

	return extras_make(c, &x, call, &a, err) < 0 ? -1 : api_send(&c->api, &a, ret, err);
}

int graph_json(struct connection *c, const struct graph_call *call, cJSON **ret_doc, struct err *err)
{
	_cleanup_(extras_free) struct extras x = {0};
	struct api_call a;

	return extras_make(c, &x, call, &a, err) < 0 ? -1 : api_json(&c->api, &a, ret_doc, err);
}

int graph_download(struct connection *c, const struct graph_call *call, struct http_response *ret, struct err *err)
{
	_cleanup_(extras_free) struct extras x = {0};
	struct api_call a;

	return extras_make(c, &x, call, &a, err) < 0 ? -1 : api_download(&c->api, &a, ret, err);
}

int graph_check(struct connection *c, const struct http_response *r, struct err *err)
{
	return api_check(&c->api, r, err);
}

int graph_get(struct connection *c, const char *url, const char *prefer, cJSON **ret_doc, struct err *err)
{
	return graph_json(c, &(struct graph_call){.url = url, .prefer = prefer}, ret_doc, err);
}

int graph_list(struct connection *c, const cJSON *doc, cJSON **ret_value, const char **ret_next, struct err *err)
{
	cJSON *value = json_array(doc, "value");
	const char *next = json_str(doc, "@odata.nextLink");

	if (!value)
		return err_set(err, ERR_REMOTE, "bad_answer", "an answer of Microsoft Graph without a list");
	if (next && !graph_link_ok(c, next))
		return err_set(err, ERR_REMOTE, "bad_answer", "Microsoft Graph names a next page that is none");
	*ret_value = value;
	*ret_next = next;
	return 0;
}
