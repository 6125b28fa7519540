/* Answers as the Dropbox interface words them: results, unions of errors (409), plain text (400). */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void dbx_ok(struct dbx_call *c, cJSON *doc)
{
	if (c->route->style == DBX_DOWNLOAD) {
		dbx_ok_blob(c, doc, NULL, NULL);
		return;
	}
	fc_json(c->res, 200, doc ? doc : cJSON_CreateNull());
}

/* JSON in ASCII, for a header. */
static char *header_json(struct arena *arena, const cJSON *doc)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(1 << 20), out = BUF_INIT(4 << 20);

	if (json_print(doc, &plain) < 0)
		return NULL;
	const char *p = buf_str(&plain);
	for (size_t at = 0; at < plain.len;) {
		size_t one = utf8_length(p + at, plain.len - at);
		if (one <= 1 && p[at] != 0x7f) {
			buf_addc(&out, p[at++]);
			continue;
		}
		/* json_quote() escapes one character between its quotes. */
		_cleanup_buf_ struct buf quoted = BUF_INIT(64);
		_cleanup_free_ char *character = strndup(p + at, one ? one : 1);
		json_quote(&quoted, character, true);
		buf_add(&out, quoted.data + 1, quoted.len - 2);
		at += one ? one : 1;
	}
	return arena_dupn(arena, buf_str(&out), out.len);
}

void dbx_ok_blob(struct dbx_call *c, cJSON *doc, struct fc_blob *blob, const char *type)
{
	fc_set_header(c->res, "Dropbox-API-Result", header_json(c->arena, doc));
	fc_set_header(c->res, "Content-Type", type ? type : "application/octet-stream");
	fc_set_header(c->res, "Cache-Control", "no-cache");
	const char *rev = json_str(doc, "rev");
	if (rev)
		fc_set_headerf(c->res, "ETag", "W/\"%s\"", rev);
	c->res->blob = blob;
	json_free(doc);
}

cJSON *dbx_union(const char *chain)
{
	size_t len = strcspn(chain, "/");
	_cleanup_free_ char *tag = strndup(chain, len);

	if (!tag)
		abort();
	cJSON *doc = dbx_tag(tag);
	if (chain[len])
		cJSON_AddItemToObject(doc, tag, dbx_union(chain + len + 1));
	return doc;
}

void dbx_error_doc(struct dbx_call *c, int status, const char *chain, cJSON *error)
{
	/* The tail of the summary varies at the real address too, so that nobody compares it. */
	static const char *const tails[] = {"", ".", "..", "..."};
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "error_summary",
		arena_printf(c->arena, "%s/%s", chain, tails[fc_next() % ARRAY_SIZE(tails)]));
	cJSON_AddItemToObject(doc, "error", error);
	fc_json(c->res, status, doc);
}

void dbx_error(struct dbx_call *c, const char *chain)
{
	dbx_error_doc(c, 409, chain, dbx_union(chain));
}

const char *dbx_chain(struct dbx_call *c, const char *fmt, ...)
{
	char text[DBX_CHAIN_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return arena_dup(c->arena, text);
}

void dbx_errorf(struct dbx_call *c, const char *fmt, ...)
{
	char text[DBX_CHAIN_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dbx_error(c, text);
}

void dbx_bad(struct dbx_call *c, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	va_list ap;

	buf_addf(&text, "Error in call to API function \"%s\": ", c->route->name);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	fc_text(c->res, 400, "text/plain; charset=utf-8", buf_str(&text));
}

static void too_many(struct dbx_call *c, const char *reason, int wait_s)
{
	cJSON *error = cJSON_CreateObject();

	dbx_add_tag(error, "reason", reason);
	cJSON_AddNumberToObject(error, "retry_after", wait_s);
	dbx_error_doc(c, 429, reason, error);
	fc_set_headerf(c->res, "Retry-After", "%d", wait_s);
}

bool dbx_may_write(struct dbx_call *c, const struct dbx_ns *ns)
{
	/* No figures are published; a namespace takes about five writes a second one after another. */
	int wait_s = fc_throttle(
		arena_printf(c->arena, "dropbox %s ns %s", c->team->tenant, ns->id), 1, 50, 10000);

	if (wait_s)
		too_many(c, "too_many_write_operations", wait_s);
	return !wait_s;
}

int64_t dbx_arg_int(const struct dbx_call *c, const char *key, int64_t fallback)
{
	return json_int64_or(c->arg, key, fallback);
}

bool dbx_arg_bool(const struct dbx_call *c, const char *key, bool fallback)
{
	const cJSON *v = json_get(c->arg, key);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}
