/* Answers of the Box API that every handler shares: errors in Box's shape, scalars, request bodies, paging.
 */
#include "fakecloud/box/box.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HELP_URL "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/"

cJSON *bx_error_doc(struct bx_ctx *c, int status, const char *code, const char *message, cJSON *info)
{
	cJSON *o = cJSON_CreateObject();
	char id[17];

	(void)c;
	random_hex(id, 8);
	cJSON_AddStringToObject(o, "type", "error");
	cJSON_AddNumberToObject(o, "status", status);
	cJSON_AddStringToObject(o, "code", code);
	if (info)
		cJSON_AddItemToObject(o, "context_info", info);
	else
		cJSON_AddNullToObject(o, "context_info");
	cJSON_AddStringToObject(o, "help_url", HELP_URL);
	cJSON_AddStringToObject(o, "message", message);
	cJSON_AddStringToObject(o, "request_id", id);
	return o;
}

void bx_error_info(struct bx_ctx *c, int status, const char *code, const char *message, cJSON *info)
{
	fc_json(c->res, status, bx_error_doc(c, status, code, message, info));
}

void bx_error(struct bx_ctx *c, int status, const char *code, const char *message)
{
	bx_error_info(c, status, code, message, NULL);
}

void bx_invalid(struct bx_ctx *c, int status, const char *code, const char *name, const char *message)
{
	cJSON *info = cJSON_CreateObject(), *one = cJSON_CreateObject();

	cJSON_AddStringToObject(one, "reason", "invalid_parameter");
	cJSON_AddStringToObject(one, "name", name);
	cJSON_AddStringToObject(one, "message", message);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(info, "errors"), one);
	bx_error_info(c, status, code, status == 404 ? "Not Found" : "Bad Request", info);
}

void bx_not_found(struct bx_ctx *c, enum bx_kind kind, const char *id)
{
	const char *letter = kind == BX_FILE ? "f_" : kind == BX_FOLDER ? "d_" : "";
	const char *name = kind == BX_FILE || kind == BX_FOLDER ? "item"
			   : kind == BX_USER			? "user"
			   : kind == BX_GROUP			? "group"
			   : kind == BX_COLLAB			? "collaboration"
								: "id";
	bx_invalid(c, 404, "not_found", name,
		arena_printf(c->req->arena, "Invalid value '%s%.64s'. Item not found", letter, id));
}

void bx_forbidden(struct bx_ctx *c)
{
	bx_error(c, 403, "access_denied_insufficient_permissions", "Access denied - insufficient permission");
}

void bx_conflict(struct bx_ctx *c, struct bx_item *with)
{
	cJSON *info = cJSON_CreateObject();

	cJSON_AddItemToArray(cJSON_AddArrayToObject(info, "conflicts"), bx_item_json(c, with, BX_MINI, NULL));
	bx_error_info(c, 409, "item_name_in_use", "Item with the same name already exists", info);
}

void bx_unauthorized(struct bx_ctx *c)
{
	fc_set_header(c->res, "WWW-Authenticate",
		"Bearer realm=\"Service\", error=\"invalid_token\", error_description=\"The access token "
		"provided is invalid.\"");
	bx_error(c, 401, "unauthorized", "Unauthorized");
}

void bx_insufficient_scope(struct bx_ctx *c, const char *scope)
{
	fc_set_headerf(c->res, "WWW-Authenticate",
		"Bearer realm=\"Service\", error=\"insufficient_scope\", "
		"error_description=\"The request requires higher privileges than provided by the access "
		"token.\", scope=\"%s\"",
		scope);
	bx_error(c, 403, "insufficient_scope",
		"The request requires higher privileges than provided by the access token.");
}

void bx_none(struct bx_ctx *c)
{
	c->res->status = 204;
}

void bx_str(cJSON *o, const char *key, const char *s)
{
	if (s)
		cJSON_AddStringToObject(o, key, s);
	else
		cJSON_AddNullToObject(o, key);
}

/* Box gives Pacific time. Standard time all the year round here: still an offset that nobody may ignore. */
char *bx_time_text(int64_t ms, char out[40])
{
	time_format_s(ms - 8 * 3600 * 1000, out);
	char *z = strchr(out, 'Z');
	if (z)
		memcpy(z, "-08:00", 7);
	return out;
}

void bx_time(cJSON *o, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_LEN];
	bx_str(o, key, ms ? bx_time_text(ms, text) : NULL);
}

void bx_id(cJSON *o, const char *key, uint64_t id)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, id);
	cJSON_AddStringToObject(o, key, text);
}

void bx_num(cJSON *o, const char *key, int64_t n)
{
	cJSON_AddNumberToObject(o, key, (double)n);
}

const char *bx_base(struct bx_ctx *c)
{
	const char *host = c->req->host;

	/* A mapped port or a proxy shows in Host; addresses that are given out must work from there. */
	if (host && *host && strlen(host) < 256 && (strchr(host, ':') || strstr(host, "localhost")) &&
		!strpbrk(host, "/\\\"'<> @?#"))
		return arena_printf(c->req->arena, "http://%s", host);
	return fc_url("box");
}

cJSON *bx_body(struct bx_ctx *c, bool optional)
{
	static cJSON *empty;
	cJSON *body = c->req->body->len ? fc_body_json(c->req) : NULL;

	if (!c->req->body->len && optional)
		return empty ? empty : (empty = cJSON_CreateObject());
	if (cJSON_IsObject(body) || cJSON_IsArray(body))
		return body;
	bx_error(c, 400, "bad_request",
		"Entity body should be a correctly nested resource attribute name/value pair");
	return NULL;
}

bool bx_truth(struct bx_ctx *c, const char *parameter)
{
	const char *value = fc_query(c->req, parameter);
	return value && (!strcasecmp(value, "true") || !strcmp(value, "1"));
}

bool bx_name_ok(struct bx_ctx *c, const char *name)
{
	size_t len = name ? strlen(name) : 0, points = 0;
	bool bad = !len || !strcmp(name, ".") || !strcmp(name, "..") || name[len - 1] == ' ';

	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)name[i];
		points += (ch & 0xC0) != 0x80;
		bad = bad || ch < 0x20 || ch == 0x7F || ch == '/' || ch == '\\';
	}
	if (bad) {
		bx_invalid(c, 400, "item_name_invalid", "name", "Item name invalid");
		return false;
	}
	if (points > 255) {
		bx_invalid(c, 400, "item_name_too_long", "name", "Item name too long");
		return false;
	}
	return true;
}

/* ---- paging ---- */

static int bad_parameter(struct bx_ctx *c, const char *name, const char *value)
{
	bx_invalid(c, 400, "bad_request", name, arena_printf(c->req->arena, "Invalid value '%.64s'", value));
	return -1;
}

static bool number(const char *s, int64_t *ret)
{
	char *end;
	long long n;

	if (*s < '0' || *s > '9' || strlen(s) > 15)
		return false;
	n = strtoll(s, &end, 10);
	*ret = n;
	return !*end;
}

int bx_page_get(struct bx_ctx *c, int64_t standard, int64_t maximum, bool marker_only, struct bx_page *ret)
{
	const char *limit = fc_query(c->req, "limit"), *offset = fc_query(c->req, "offset");
	const char *marker = fc_query(c->req, "marker");
	struct bx_page p = {.limit = standard, .marker = marker_only || bx_truth(c, "usemarker")};

	if (c->t->page_size > 0 && c->t->page_size < p.limit)
		p.limit = c->t->page_size;
	if (limit && *limit) {
		if (!number(limit, &p.limit) || p.limit < 1)
			return bad_parameter(c, "limit", limit);
		if (p.limit > maximum)
			p.limit = maximum;
	}
	if (p.marker) {
		/* A marker is a number in letters, so that nobody takes it for a number. */
		if (marker && *marker) {
			for (const char *m = marker; *m; m++) {
				if (*m < 'a' || *m > 'j' || m - marker > 15)
					return bad_parameter(c, "marker", marker);
				p.offset = p.offset * 10 + (*m - 'a');
			}
		}
	} else if (offset && *offset) {
		/* Box refuses what lies far out; of folders it says only that it may fail. */
		int64_t most = strstr(c->req->path, "/folders/") && !strstr(c->req->path, "/collaborations") &&
				!strstr(c->req->path, "/trash/") ?
			300000 :
			10000;
		if (!number(offset, &p.offset) || p.offset > most)
			return bad_parameter(c, "offset", offset);
	}
	*ret = p;
	return 0;
}

size_t bx_page_end(const struct bx_page *p, size_t total)
{
	size_t start = (size_t)p->offset < total ? (size_t)p->offset : total;
	return (size_t)p->limit < total - start ? start + (size_t)p->limit : total;
}

void bx_next_marker(cJSON *o, int64_t key)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, key);
	for (char *d = digits; *d; d++)
		*d = (char)('a' + (*d - '0'));
	cJSON_AddStringToObject(o, "next_marker", digits);
}

cJSON *bx_page_doc(
	const struct bx_page *p, int64_t total, cJSON *entries, const char *order, const char *direction)
{
	cJSON *o = cJSON_CreateObject();

	if (!p->marker)
		bx_num(o, "total_count", total);
	cJSON_AddItemToObject(o, "entries", entries);
	bx_num(o, "limit", p->limit);
	if (p->marker) {
		int64_t next = p->offset + cJSON_GetArraySize(entries);
		if (next < total) /* left out on the last page, as Box does */
			bx_next_marker(o, next);
		return o;
	}
	bx_num(o, "offset", p->offset);
	if (order) {
		cJSON *list = cJSON_AddArrayToObject(o, "order");
		for (int i = strcmp(order, "type") != 0 ? 0 : 1; i < 2; i++) {
			cJSON *one = cJSON_CreateObject();
			cJSON_AddStringToObject(one, "by", i ? order : "type");
			cJSON_AddStringToObject(one, "direction", direction);
			cJSON_AddItemToArray(list, one);
		}
	}
	return o;
}
