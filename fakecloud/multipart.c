/* Multipart bodies (RFC 2046, RFC 7578) as clients really write them. Connection's thread. */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

static const char *find(const char *hay, const char *end, const char *needle, size_t len)
{
	return hay < end ? memmem(hay, (size_t)(end - hay), needle, len) : NULL;
}

/* A parameter of a header value, `name="x"`, `name=x` or (RFC 5987) `name*=UTF-8''x`; in the arena. */
static const char *parameter(struct arena *arena, const char *value, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = value; (p = strchr(p, ';'));) {
		p++;
		p += strspn(p, " \t\r\n");
		if (strncasecmp(p, name, n) != 0)
			continue;
		const char *v = p + n;
		bool extended = *v == '*';
		v += extended;
		if (*v != '=')
			continue;
		v++;
		char *out = arena_alloc(arena, strlen(v) + 1);
		if (!out)
			return NULL;
		size_t len = 0;
		if (*v == '"') {
			for (v++; *v && *v != '"'; v++) {
				if (*v == '\\' && (v[1] == '"' || v[1] == '\\'))
					v++;
				out[len++] = *v;
			}
		} else {
			for (; *v && !strchr("; \t\r\n", *v); v++)
				out[len++] = *v;
		}
		if (!extended)
			return out;
		const char *text = strstr(out, "''");
		_cleanup_buf_ struct buf plain = BUF_INIT(len + 1);
		if (!text || url_decode(&plain, text + 2, strlen(text + 2), false) < 0)
			return NULL;
		return arena_dup(arena, buf_str(&plain));
	}
	return NULL;
}

/* A header of the part's block, unfolded enough for parameters; in the arena. */
static const char *block_header(struct arena *arena, const char *block, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = block; *p;) {
		const char *eol = p;
		do {
			eol = strchr(eol, '\n');
			eol = eol ? eol + 1 : p + strlen(p);
		} while (*eol == ' ' || *eol == '\t');
		if (!strncasecmp(p, name, n) && p[n] == ':') {
			const char *v = p + n + 1;
			v += strspn(v, " \t");
			size_t len = (size_t)(eol - v);
			while (len && strchr(" \t\r\n", v[len - 1]))
				len--;
			return arena_dupn(arena, v, len);
		}
		p = eol;
	}
	return NULL;
}

static void read_part(struct arena *arena, const char *from, const char *to, struct fc_part *ret)
{
	const char *data = to, *head_end = from;

	/* The block ends at the first empty line; a part without headers begins with it. */
	for (const char *p = from; p < to;) {
		const char *nl = memchr(p, '\n', (size_t)(to - p));
		if (!nl)
			break;
		if (nl == p || (nl == p + 1 && *p == '\r')) {
			head_end = p;
			data = nl + 1;
			break;
		}
		p = nl + 1;
	}
	*ret = (struct fc_part){.data = data, .len = (size_t)(to - data)};
	ret->headers = arena_dupn(arena, from, (size_t)(head_end - from));
	if (!ret->headers)
		return;
	ret->type = block_header(arena, ret->headers, "content-type");
	const char *disposition = block_header(arena, ret->headers, "content-disposition");
	if (disposition) {
		ret->name = parameter(arena, disposition, "name");
		ret->filename = parameter(arena, disposition, "filename");
	}
}

int fc_multipart(struct fc_request *req, struct fc_part *ret_parts, int max)
{
	const char *type = fc_header(req, "Content-Type");

	if (!type || strncasecmp(type, "multipart/", 10) != 0)
		return -1;
	const char *boundary = parameter(req->arena, type, "boundary");
	if (!boundary || !*boundary || strlen(boundary) > 200)
		return -1;
	const char *mark = arena_printf(req->arena, "--%s", boundary);
	size_t mark_len = strlen(mark);
	const char *p = buf_str(req->body), *end = p + req->body->len;
	int n = 0;

	const char *at = find(p, end, mark, mark_len);
	while (at && at != p && at[-1] != '\n')
		at = find(at + 1, end, mark, mark_len);
	if (!at)
		return -1;
	for (;;) {
		at += mark_len;
		if (end - at >= 2 && at[0] == '-' && at[1] == '-')
			return n;
		const char *from = memchr(at, '\n', (size_t)(end - at));
		if (!from)
			return -1;
		from++;
		/* The line end before a boundary belongs to the boundary. */
		const char *next = from;
		do {
			next = find(next, end, mark, mark_len);
			if (next && next > from && next[-1] == '\n')
				break;
			next = next ? next + 1 : NULL;
		} while (next);
		if (!next || n == max)
			return -1;
		const char *to = next - 1;
		if (to > from && to[-1] == '\r')
			to--;
		read_part(req->arena, from, to, &ret_parts[n++]);
		at = next;
	}
}
