/* The front of the Microsoft stand-in: takes a call apart, checks its token, permission and budget, finds its
 * handler, and words answers and errors as Graph does. fc_microsoft.handle() starts here; state lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

char *ms_fmt(struct ms_ctx *c, const char *fmt, ...)
{
	static char empty[1];
	_cleanup_buf_ struct buf b = BUF_INIT(16 << 20);
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (buf_vaddf(&b, fmt, ap) == 0)
		s = arena_dupn(c->req->arena, buf_str(&b), b.len);
	va_end(ap);
	return s ? s : empty;
}

const char *ms_header(struct ms_ctx *c, const char *name)
{
	if (c->in) {
		const cJSON *v = ms_get_any(ms_get_any(c->in, "headers"), name);
		return cJSON_IsString(v) ? v->valuestring : NULL;
	}
	return fc_header(c->req, name);
}

const char *ms_param(struct ms_ctx *c, const char *name)
{
	for (int i = 0; i < c->n_params; i++) {
		if (!strcasecmp(c->param[i].key, name))
			return c->param[i].value;
	}
	return NULL;
}

const cJSON *ms_body(struct ms_ctx *c)
{
	const cJSON *doc = c->in ? json_get(c->in, "body") : fc_body_json(c->req);

	return cJSON_IsObject(doc) ? doc : NULL;
}

/* Prefer holds words separated by commas; words may carry values in quotes. */
bool ms_prefers(struct ms_ctx *c, const char *word)
{
	const char *p = ms_header(c, "Prefer");
	size_t len = strlen(word);

	for (; p && *p; p++) {
		if (strncasecmp(p, word, len) == 0)
			return true;
		p = strpbrk(p, ",;");
		if (!p)
			break;
		while (p[1] == ' ')
			p++;
	}
	return false;
}

void ms_set_header(struct ms_ctx *c, const char *name, const char *value)
{
	if (!c->out) {
		fc_set_header(c->res, name, value);
		return;
	}
	cJSON *headers = json_object(c->out, "headers");
	if (!headers)
		headers = j_object(c->out, "headers");
	cJSON_DeleteItemFromObject(headers, name);
	j_str(headers, name, value);
}

static void batched(struct ms_ctx *c, int status, cJSON *body)
{
	cJSON_DeleteItemFromObject(c->out, "status");
	cJSON_DeleteItemFromObject(c->out, "body");
	j_num(c->out, "status", status);
	if (body)
		cJSON_AddItemToObject(c->out, "body", body);
}

void ms_json(struct ms_ctx *c, int status, cJSON *doc)
{
	static const char type[] = "application/json;odata.metadata=minimal;odata.streaming=true;"
				   "IEEE754Compatible=false;charset=utf-8";

	if (c->out) {
		ms_set_header(c, "Content-Type", type);
		batched(c, status, doc);
		return;
	}
	fc_set_header(c->res, "Content-Type", type);
	fc_set_header(c->res, "OData-Version", "4.0");
	fc_json(c->res, status, doc);
}

void ms_empty(struct ms_ctx *c, int status)
{
	if (c->out)
		batched(c, status, NULL);
	else
		c->res->status = status;
}

void ms_bytes(struct ms_ctx *c, const void *data, size_t len, const char *type)
{
	ms_set_header(c, "Content-Type", type);
	if (c->out) {
		_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);
		if (len)
			base64_encode(&b, data, len);
		batched(c, 200, cJSON_CreateString(buf_str(&b)));
		return;
	}
	c->res->status = 200;
	buf_clear(&c->res->body);
	if (buf_add(&c->res->body, data, len) < 0)
		c->res->status = 500;
}

void ms_blob(struct ms_ctx *c, struct fc_blob *blob, const char *type)
{
	if (c->out) {
		_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);
		fc_blob_read(blob, 0, (size_t)fc_blob_size(blob), &b);
		ms_bytes(c, buf_str(&b), b.len, type);
		return;
	}
	ms_set_header(c, "Content-Type", type);
	c->res->status = 200;
	c->res->blob = blob;
}

static void error_send(struct ms_ctx *c, int status, const char *code, const char *inner, const char *message)
{
	cJSON *doc = cJSON_CreateObject(), *error = j_object(doc, "error"), *in;

	j_str(error, "code", code);
	j_str(error, "message", message);
	in = j_object(error, "innerError");
	if (inner)
		j_str(in, "code", inner);
	j_time(in, "date", fc_now());
	j_str(in, "request-id", c->request_id);
	j_str(in, "client-request-id", c->client_request_id);
	ms_json(c, status, doc);
}

void ms_error(struct ms_ctx *c, int status, const char *code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 10);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	error_send(c, status, code, NULL, buf_str(&b));
}

void ms_error_inner(struct ms_ctx *c, int status, const char *code, const char *inner, const char *message)
{
	error_send(c, status, code, inner, message);
}

void ms_no_segment(struct ms_ctx *c, const char *segment)
{
	ms_error(c, 400, "BadRequest", "Resource not found for the segment '%s'.", segment);
}

void ms_wrong_method(struct ms_ctx *c)
{
	ms_error(c, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
}

/* ---- permissions ---- */

/* Does the token carry the role, or one that includes it (…ReadWrite.All has …Read.All in it)? */
static bool holds(const struct ms_ctx *c, const char *role, size_t len)
{
	static const char *const wider[] = {"ReadWrite.All", "Manage.All", "FullControl.All", "ReadWrite"};
	char word[128];

	if (fc_has_word(c->token->scope, role, len))
		return true;
	if (len >= 100)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(wider); i++) {
		static const char *const read[] = {".Read.All", ".ReadBasic.All", ".Read"};
		for (size_t k = 0; k < ARRAY_SIZE(read); k++) {
			size_t r = strlen(read[k]);
			if (len <= r || strncmp(role + len - r, read[k], r))
				continue;
			int n = snprintf(word, sizeof(word), "%.*s.%s", (int)(len - r), role, wider[i]);
			if (n > 0 && fc_has_word(c->token->scope, word, (size_t)n))
				return true;
		}
	}
	return len == 19 && !strncmp(role, "Sites.ReadWrite.All", len) &&
	       (fc_has_word(c->token->scope, "Sites.FullControl.All", 21) || fc_has_word(c->token->scope, "Sites.Manage.All", 16));
}

bool ms_has_role(const struct ms_ctx *c, const char *roles)
{
	for (const char *p = roles; *p;) {
		size_t n = strcspn(p, " ");
		if (holds(c, p, n))
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static void deny(struct ms_ctx *c, enum ms_workload workload, const char *roles)
{
	switch (workload) {
	case MS_MAIL:
		ms_error(c, 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.");
		break;
	case MS_FILES:
		ms_error(c, 403, "accessDenied", "Access denied");
		break;
	case MS_TEAMS:
		ms_error(c, 403, "Forbidden",
			"Missing role permissions on the request. API requires one of '%s'. Roles on the request '%s'.",
			roles, ms_withdrawn(c) ? "" : c->token->scope);
		break;
	default:
		ms_error(c, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
	}
}

/* A published budget: so many units in so much time. */
struct budget {
	const char *name;
	double units;
	int64_t period_ms;
};

static struct budget budget_of(struct ms_ctx *c, enum ms_workload workload)
{
	const char *who = c->n_args ? c->arg[0] : "";

	switch (workload) {
	case MS_MAIL:
		return (struct budget){ms_fmt(c, "ms/mail/%s/%s", c->t->client_id, who), 10000, 600000};
	case MS_FILES:
		return (struct budget){ms_fmt(c, "ms/files/%s", c->t->name), 1250, 60000};
	case MS_TEAMS:
		if (strcasestr(c->path, "messages"))
			return (struct budget){ms_fmt(c, "ms/posts/%s", c->t->name), 20, 1000};
		return (struct budget){ms_fmt(c, "ms/teams/%s", c->t->name), 30, 1000};
	case MS_SUBS:
		return (struct budget){ms_fmt(c, "ms/subs/%s", c->t->name), 1000, 20000};
	default:
		return (struct budget){ms_fmt(c, "ms/dir/%s", c->t->name), 3500, 10000};
	}
}

/* From four fifths on, answers say how much of a budget is used. */
static void announce(struct ms_ctx *c, enum ms_workload workload, const struct budget *b, int wait)
{
	double left = wait ? 0 : fc_throttle_left(b->name, b->units);

	if (left > 0.2)
		return;
	if (workload == MS_FILES) {
		ms_set_header(c, "RateLimit-Limit", ms_fmt(c, "%.0f", b->units));
		ms_set_header(c, "RateLimit-Remaining", ms_fmt(c, "%.0f", left * b->units));
		ms_set_header(c, "RateLimit-Reset",
			ms_fmt(c, "%d", wait ? wait : (int)((1 - left) * (double)b->period_ms / 1000) + 1));
	} else if (workload == MS_DIRECTORY) {
		ms_set_header(c, "x-ms-throttle-limit-percentage", ms_fmt(c, "%.2f", 1 - left));
		ms_set_header(c, "x-ms-throttle-scope", "Tenant_Application/ReadWrite");
	}
}

bool ms_allow(struct ms_ctx *c, enum ms_workload workload, const char *roles, int cost)
{
	struct budget b;
	int wait;

	if (*roles && (ms_withdrawn(c) || *roles == '-' || !ms_has_role(c, roles))) {
		deny(c, workload, *roles == '-' ? "" : roles);
		return false;
	}
	if (workload == MS_FILES && ms_expands(c, "permissions"))
		cost = 5;
	b = budget_of(c, workload);
	wait = fc_throttle(ms_fmt(c, "ms/all/%s", c->t->client_id), 1, 20000, 10000);
	if (!wait)
		wait = fc_throttle(b.name, cost ? cost : 1, b.units, b.period_ms);
	announce(c, workload, &b, wait);
	if (!wait)
		return true;
	ms_set_header(c, "Retry-After", ms_fmt(c, "%d", wait));
	ms_error(c, 429,
		workload == MS_FILES  ? "activityLimitReached"
		: workload == MS_MAIL ? "ApplicationThrottled"
				      : "TooManyRequests",
		"The request has been throttled.");
	return false;
}

/* ---- routing ---- */

/* 1 fits, 0 does not. Fills c->arg. */
static bool route_fits(struct ms_ctx *c, const char *pattern)
{
	int i = 0;

	c->n_args = 0;
	for (const char *p = pattern; *p; i++) {
		size_t n = strcspn(p, "/");
		if (i >= c->n_seg)
			return false;
		if (n == 2 && p[0] == '{')
			c->arg[c->n_args++] = c->seg[i];
		else if (strlen(c->seg[i]) != n || strncasecmp(c->seg[i], p, n))
			return false;
		p += n;
		p += *p == '/';
	}
	return i == c->n_seg;
}

static bool route(struct ms_ctx *c, const struct ms_route *routes, bool *seen)
{
	for (const struct ms_route *r = routes; r->method; r++) {
		if (!route_fits(c, r->pattern))
			continue;
		*seen = true;
		if (strcmp(r->method, c->method))
			continue;
		if (ms_allow(c, r->workload, r->roles, r->cost))
			r->handle(c);
		return true;
	}
	return false;
}

const char *ms_tidy(struct ms_ctx *c, const char *s)
{
	size_t n;

	if (!strncasecmp(s, "microsoft.graph.", 16))
		s += 16;
	n = strlen(s);
	return n > 2 && !strcmp(s + n - 2, "()") ? ms_fmt(c, "%.*s", (int)(n - 2), s) : s;
}

void ms_dispatch(struct ms_ctx *c)
{
	static const struct ms_route *const tables[] = {
		ms_mail_routes, ms_directory_routes, ms_site_routes, ms_team_routes, ms_subscription_routes};
	bool seen = false;

	if (!c->n_seg) {
		ms_error(c, 400, "BadRequest", "Empty Url path.");
		return;
	}
	if (!strcasecmp(c->seg[0], "me")) {
		ms_error(c, 400, "BadRequest", "/me request is only valid with delegated authentication flow.");
		return;
	}
	ms_site_address(c);
	if (ms_drive_call(c))
		return;
	for (int i = 0; i < c->n_seg; i++)
		c->seg[i] = ms_tidy(c, c->seg[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (route(c, tables[i], &seen))
			return;
	}
	if (seen)
		ms_wrong_method(c);
	else
		ms_no_segment(c, c->seg[c->n_seg - 1]);
}
