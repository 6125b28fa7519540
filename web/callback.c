/* Where providers and sign-in services send the browser back to: /callback/NAME. The parameters go to core as they came; core
 * knows whether they fit the session. The answer is always a redirect to a page of ours, so that neither code nor state stays
 * in the address bar, the history's next entry or a Referer. Connection threads. */
#include "web/impl.h"

#include "base/encode.h"

#include <string.h>

static const char *const known[] = {"state", "code", "iss", "error", "error_description", "error_subcode", "admin_consent", "tenant", "scope",
	"session_state", "prompt", "hd"};
static const char *const providers[] = {"microsoft", "google", "box", "dropbox"};

static void redirect(struct web_call *c, const char *page, const char *fragment)
{
	_cleanup_buf_ struct buf b = BUF_INIT(2000);

	buf_addf(&b, "%s/%s", c->w->public_url, page);
	if (fragment) {
		buf_addc(&b, '#');
		url_encode(&b, fragment, "");
	}
	c->a->status = 303;
	c->a->type = "text/plain; charset=utf-8";
	c->a->location = arena_dup(c->q->arena, buf_str(&b));
	buf_clear(&c->a->body);
}

/* A parameter that comes twice has two meanings: the request is refused. */
static bool comes_twice(const char *query, const char *name)
{
	size_t n = strlen(name);
	int times = 0;

	for (const char *p = query; p && *p; p = strchr(p, '&'), p = p ? p + 1 : NULL)
		times += strncmp(p, name, n) == 0 && p[n] == '=';
	return times > 1;
}

/* NULL after a redirect. */
static cJSON *params(struct web_call *c)
{
	cJSON *o = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *v = web_query(c->q, known[i]);
		if (comes_twice(c->q->query, known[i])) {
			cJSON_Delete(o);
			redirect(c, "problem", "bad_request");
			return NULL;
		}
		if (v)
			cJSON_AddStringToObject(o, known[i], v);
	}
	return o;
}

/* The answer that web_ask() made of a failure becomes the page that explains it. */
static void redirect_failure(struct web_call *c, const char *fallback)
{
	_cleanup_json_ cJSON *doc = NULL;
	char code[65];

	json_parse(buf_str(&c->a->body), c->a->body.len, &doc, NULL);
	snprintf(code, sizeof(code), "%s", json_str_or(json_object(doc, "error"), "code", fallback));
	redirect(c, "problem", code);
}

static void back_from_sign_in(struct web_call *c)
{
	const char *cookie = web_cookie(c->q, WEB_BROWSER_COOKIE), *dot = strrchr(cookie, '.');
	cJSON *given, *result;

	snprintf(c->a->cookies[1], sizeof(c->a->cookies[1]), WEB_BROWSER_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
	if (!dot) {
		redirect(c, "problem", "bad_state");
		return;
	}
	given = params(c);
	if (!given)
		return;
	cJSON *args = cJSON_CreateObject();
	char provider[65];
	snprintf(provider, sizeof(provider), "%.*s", (int)(dot - cookie > 64 ? 64 : dot - cookie), cookie);
	cJSON_AddStringToObject(args, "provider", provider);
	cJSON_AddStringToObject(args, "browser", dot + 1);
	cJSON_AddItemToObject(args, "params", given);
	if (web_ask(c, "oidc_end", args, &result, NULL, NULL) < 0) {
		redirect_failure(c, "bad_state");
		return;
	}
	snprintf(c->a->cookies[0], sizeof(c->a->cookies[0]), WEB_COOKIE "=%.128s; Path=/; Secure; HttpOnly; SameSite=Lax", json_str_or(result, "token", ""));
	cJSON_Delete(result);
	redirect(c, "", NULL);
}

static void back_from_provider(struct web_call *c, const char *provider)
{
	cJSON *given, *result;
	char page[96];

	if (!c->signed_in) {
		redirect(c, "problem", "signed_out");
		return;
	}
	given = params(c);
	if (!given)
		return;
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "provider", provider);
	cJSON_AddItemToObject(args, "params", given);
	if (web_ask(c, "flow_callback", args, &result, NULL, NULL) < 0) {
		redirect_failure(c, "bad_state");
		return;
	}
	const cJSON *flow = json_object(result, "flow");
	const char *id = json_str_or(flow ? flow : result, "id", json_str_or(result, "flow", ""));
	bool plain = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == strlen(id) && strlen(id) < 80;
	snprintf(page, sizeof(page), "connect/%s", plain ? id : "");
	cJSON_Delete(result);
	redirect(c, page, NULL);
}

void web_callback(struct web_call *c, const char *provider)
{
	if (strcmp(provider, "oidc") == 0) {
		back_from_sign_in(c);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		if (strcmp(provider, providers[i]) == 0) {
			back_from_provider(c, provider);
			return;
		}
	}
	web_fail_code(c, "no_such_page");
}
