/* What a handler reads of a request: headers, query, form, path, JSON body. Runs on the connection's thread.
 */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

const char *fc_header(const struct fc_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn->mhd, MHD_HEADER_KIND, name);
}

/* Decoded copy in the arena; text with a bad escape stays as it came. */
static char *decoded(struct fc_request *req, const char *s, size_t len, bool form)
{
	_cleanup_buf_ struct buf b = BUF_INIT(FC_BODY_MAX);

	if (url_decode(&b, s, len, form) < 0)
		return arena_dupn(req->arena, s, len);
	return arena_dupn(req->arena, buf_str(&b), b.len);
}

static const char *pairs_get(struct fc_request *req, const char *pairs, size_t len, const char *name, int n)
{
	const char *end = pairs + len;

	while (pairs < end) {
		const char *amp = memchr(pairs, '&', (size_t)(end - pairs));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(pairs, '=', (size_t)(stop - pairs));
		const char *key_end = eq ? eq : stop;
		const char *key = decoded(req, pairs, (size_t)(key_end - pairs), true);
		if (key && strcmp(key, name) == 0 && n-- == 0)
			return eq ? decoded(req, eq + 1, (size_t)(stop - eq - 1), true) : "";
		pairs = stop + 1;
	}
	return NULL;
}

const char *fc_query_nth(struct fc_request *req, const char *name, int n)
{
	return pairs_get(req, req->query, strlen(req->query), name, n);
}

const char *fc_query(struct fc_request *req, const char *name)
{
	return fc_query_nth(req, name, 0);
}

const char *fc_form(struct fc_request *req, const char *name)
{
	const char *type = fc_header(req, "Content-Type");
	const char *value = NULL;

	if (!type || !strncasecmp(type, "application/x-www-form-urlencoded", 33))
		value = pairs_get(req, buf_str(req->body), req->body->len, name, 0);
	return value ? value : fc_query(req, name);
}

cJSON *fc_body_json(struct fc_request *req)
{
	struct fc_connection *conn = req->conn;

	if (!conn->json_tried) {
		conn->json_tried = true;
		if (json_parse(buf_str(req->body), req->body->len, &conn->json, NULL) < 0)
			conn->json = NULL;
	}
	return conn->json;
}

int fc_path_split(struct fc_request *req, const char **ret_segments, int max)
{
	const char *p = req->path;
	int n = 0;

	while (*p) {
		while (*p == '/')
			p++;
		if (!*p)
			break;
		size_t len = strcspn(p, "/");
		if (n == max)
			break;
		ret_segments[n++] = decoded(req, p, len, false);
		p += len;
	}
	return n;
}
