/* Google's upload protocols, the same for Drive and Gmail: uploadType=media, multipart (RFC 2387) and
 * resumable with sessions, chunks and status queries. */
#include "fakecloud/google/drive.h"
#include "fakecloud/google/gmail.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK (256 << 10)
#define SESSION_MAX ((size_t)4 << 30)
#define SESSION_LIFE_MS (7 * 86400000LL)

struct session {
	char id[64];
	const char *method; /* that began it */
	struct fc_token *token;
	struct gg_tenant *tenant;
	struct gg_user *user;
	char *metadata, *type;
	size_t metadata_len;
	struct buf data;
	int64_t created;
	int status; /* of the finished upload, 0 before */
	struct buf answer;
};

static struct map sessions;

static void set_media(struct gg_call *c, const char *type, const void *data, size_t len)
{
	c->media = arena_alloc(c->req->arena, sizeof(*c->media));
	*c->media = (struct gg_media){.type = type, .data = data, .len = len};
}

static const char *header_in(const char *headers, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = headers ? headers : ""; *p;) {
		size_t len = strcspn(p, "\r\n");
		if (len > n && p[n] == ':' && !strncasecmp(p, name, n))
			return p + n + 1 + strspn(p + n + 1, " \t");
		p += len;
		p += strspn(p, "\r\n");
	}
	return NULL;
}

static int multipart(struct gg_call *c)
{
	struct fc_part parts[3];
	int n = fc_multipart(c->req, parts, 3);

	if (n != 2)
		return gg_error(c, 400, "badContent", "Malformed multipart body.");
	c->body_text = parts[0].data;
	c->body_len = parts[0].len;
	const char *encoding = header_in(parts[1].headers, "Content-Transfer-Encoding");
	if (encoding && !strncasecmp(encoding, "base64", 6)) {
		_cleanup_buf_ struct buf plain = BUF_INIT(parts[1].len + 1);
		if (base64_decode(&plain, parts[1].data, parts[1].len) < 0)
			return gg_error(c, 400, "badContent", "Malformed base64 in a multipart body.");
		set_media(c, parts[1].type, arena_dupn(c->req->arena, buf_str(&plain), plain.len), plain.len);
		return 1;
	}
	set_media(c, parts[1].type, parts[1].data, parts[1].len);
	return 1;
}

/* A session for what is not there is refused at once. */
static int target_check(struct gg_call *c)
{
	if (c->route->api == GG_GMAIL)
		return gm_open(c) ? 0 : -1;
	return strcmp(c->method, "PATCH") != 0 || gd_file_of(c, c->var[0]) ? 0 : -1;
}

static int session_begin(struct gg_call *c)
{
	const char *type = gg_request_header(c, "X-Upload-Content-Type");
	struct session *s;

	if (!gg_body(c) || target_check(c) < 0)
		return -1;
	s = gg_alloc(sizeof(*s));
	gg_new_id(s->id, 48, "AFwxDe");
	s->method = c->method[0] == 'P' && c->method[1] == 'A' ? "PATCH"
		    : !strcmp(c->method, "PUT")		       ? "PUT"
							       : "POST";
	s->token = c->token;
	s->tenant = c->tenant;
	s->user = c->user;
	s->metadata = gg_alloc(c->body_len + 1);
	memcpy(s->metadata, c->body_text, c->body_len);
	s->metadata_len = c->body_len;
	s->type = gg_dup(type);
	s->data.max = SESSION_MAX;
	s->answer.max = 16 << 20;
	s->created = fc_now();
	map_put(&sessions, s->id, s);
	gg_header(c, "Location",
		arena_printf(c->req->arena, "%s%s?%s%supload_id=%s", gg_base(c), c->req->path, c->req->query,
			*c->req->query ? "&" : "", s->id));
	gg_header(c, "X-GUploader-UploadID", s->id);
	gg_header(c, "Content-Type", "text/plain; charset=utf-8");
	return gg_reply_empty(c, 200);
}

int gg_upload(struct gg_call *c)
{
	const char *how = gg_query(c, "uploadType"), *type = gg_request_header(c, "Content-Type");
	const char *protocol = gg_request_header(c, "X-Goog-Upload-Protocol");

	if (!how)
		how = gg_query(c, "upload_protocol");
	if (!how)
		how = protocol;
	if (!how)
		how = type && !strncasecmp(type, "multipart/", 10) ? "multipart" : "media";
	if (!strcmp(how, "multipart"))
		return multipart(c);
	if (!strcmp(how, "resumable"))
		return session_begin(c);
	if (strcmp(how, "media") != 0 && strcmp(how, "raw") != 0)
		return gg_error(c, 400, "badRequest", "Invalid upload type: %s", how);
	set_media(c, type, c->body_text, c->body_len);
	c->body_len = 0;
	return 1;
}

const char *gg_upload_method(const char *upload_id)
{
	const struct session *s = map_get(&sessions, upload_id);

	return s ? s->method : "POST";
}

static int plain_error(struct gg_call *c, int status, const char *text)
{
	c->res->status = status;
	buf_clear(&c->res->body);
	buf_adds(&c->res->body, text);
	gg_header(c, "Content-Type", "text/plain; charset=utf-8");
	return -1;
}

static int incomplete(struct gg_call *c, const struct session *s)
{
	gg_header(c, "X-GUploader-UploadID", s->id);
	if (s->data.len)
		gg_header(c, "Range", arena_printf(c->req->arena, "bytes=0-%zu", s->data.len - 1));
	return gg_reply_empty(c, 308);
}

/* "bytes A-B/T", "bytes A-B/ *", "bytes * /T". from -1: a status query; total -1: not known yet. */
static int parse_content_range(const char *text, int64_t *ret_from, int64_t *ret_to, int64_t *ret_total)
{
	int64_t from = -1, to = -1, total = -1;
	char *end;

	if (strncasecmp(text, "bytes", 5) != 0)
		return -1;
	text += 5 + strspn(text + 5, " =");
	if (*text == '*') {
		text++;
	} else {
		from = strtoll(text, &end, 10);
		if (end == text || *end != '-' || from < 0)
			return -1;
		text = end + 1;
		to = strtoll(text, &end, 10);
		if (end == text || to < from)
			return -1;
		text = end;
	}
	if (*text++ != '/')
		return -1;
	if (*text != '*') {
		total = strtoll(text, &end, 10);
		if (end == text || *end || total < 0)
			return -1;
	}
	*ret_from = from;
	*ret_to = to;
	*ret_total = total;
	return 0;
}

static int finish(struct gg_call *c, struct session *s)
{
	int r;

	c->token = s->token;
	c->tenant = s->tenant;
	c->user = s->user;
	c->req->tenant = s->tenant->name;
	c->body_text = s->metadata;
	c->body_len = s->metadata_len;
	set_media(c, s->type, buf_str(&s->data), s->data.len);
	if (gg_mask_check(c) < 0)
		return -1;
	r = c->route->handle(c);
	s->status = c->res->status;
	buf_add(&s->answer, buf_str(&c->res->body), c->res->body.len);
	buf_free(&s->data);
	s->data.max = SESSION_MAX;
	return r;
}

int gg_upload_continue(struct gg_call *c, const char *upload_id)
{
	struct session *s = map_get(&sessions, upload_id);
	const char *range = gg_request_header(c, "Content-Range"),
		   *type = gg_request_header(c, "Content-Type");
	const struct buf *body = c->req->body;
	int64_t from = 0, to = (int64_t)body->len - 1, total = (int64_t)body->len;

	if (!s || s->created + SESSION_LIFE_MS < fc_now())
		return plain_error(c, 404, "Not Found");
	c->req->tenant = s->tenant->name;
	if (s->token->revoked)
		return gg_error_at(c, 401, "authError", "header", "Authorization", "Invalid Credentials");
	if (!strcmp(c->req->method, "DELETE")) {
		map_del(&sessions, upload_id);
		return gg_reply_empty(c, 499);
	}
	if (s->status) { /* a repeat gets the same answer */
		c->res->status = s->status;
		buf_add(&c->res->body, buf_str(&s->answer), s->answer.len);
		gg_header(c, "Content-Type", "application/json; charset=UTF-8");
		return 0;
	}
	if (range && parse_content_range(range, &from, &to, &total) < 0)
		return plain_error(c, 400, "Failed to parse Content-Range header.");
	if (!range && s->data.len)
		from = -2;
	if (from == -1) {
		if (body->len)
			return plain_error(c, 400, "Failed to parse Content-Range header.");
		return total == (int64_t)s->data.len ? finish(c, s) : incomplete(c, s);
	}
	if (range && to - from + 1 != (int64_t)body->len)
		return plain_error(c, 400,
			"Invalid request.  The number of bytes is not that of the Content-Range header.");
	if (from != (int64_t)s->data.len)
		return plain_error(
			c, 400, "Invalid request.  The range does not begin where the upload stands.");
	if (total >= 0 && to >= total)
		return plain_error(c, 400, "Invalid request.  The range goes beyond the upload's size.");
	if ((total < 0 || to + 1 < total) && body->len % CHUNK)
		return plain_error(c, 400, "Invalid request.  Chunks must be multiples of 262144 bytes.");
	if (!s->type && type)
		s->type = gg_dup(type);
	if (buf_add(&s->data, buf_str(body), body->len) < 0)
		return plain_error(c, 413, "Request Entity Too Large");
	return total == (int64_t)s->data.len ? finish(c, s) : incomplete(c, s);
}
