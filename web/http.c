/* Requests and answers over libmicrohttpd; see http.h. Threads: the library's listener, one a connection, and watch.c's. */
#include "web/http.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/log.h"
#include "web/watch.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

struct web_server {
	struct web_server_config config;
	struct MHD_Daemon *daemon;
	struct watch *watch;
};

/* One request on its way in. */
struct exchange {
	struct web_request q;
	struct buf body;
	char address[INET6_ADDRSTRLEN];
	bool begun, answered;
	int refuse; /* status; 0: none */
};

/* libmicrohttpd's: the target as it came, before it touches it. The result is the request's state from here on. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct exchange *x = calloc(1, sizeof(*x));
	struct arena *a = arena_new(1 << 20);

	if (!x || !a) {
		free(x);
		arena_free(a);
		return NULL;
	}
	x->q.arena = a;
	x->body.max = WEB_BODY_MAX;
	if (strlen(uri) > WEB_TARGET_MAX)
		x->refuse = MHD_HTTP_URI_TOO_LONG;
	else {
		char *path = arena_dup(a, uri), *query = path ? strchr(path, '?') : NULL;
		if (query)
			*query++ = '\0';
		x->q.path = path;
		x->q.query = query;
	}
	x->q.path = x->q.path ? x->q.path : "";
	x->q.query = x->q.query ? x->q.query : "";
	return x;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
	struct web_server *s = cls;
	struct exchange *x = *state;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info)
		watch_idle(s->watch, info->connect_fd);
	if (x) {
		buf_wipe(&x->body); /* it may have held a password */
		arena_free(x->q.arena);
		free(x);
	}
	*state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode what)
{
	struct web_server *s = cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!info)
		return;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		watch_add(s->watch, info->connect_fd);
	else
		watch_remove(s->watch, info->connect_fd);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *s)
{
	return strlen(s);
}

/* A header that must come once: NULL when it came twice. */
struct one_header {
	const char *name, *value;
	int n;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct one_header *h = cls;

	if (strcasecmp(key, h->name) == 0) {
		h->value = value ? value : "";
		h->n++;
	}
	return MHD_YES;
}

static const char *header(struct MHD_Connection *mhd, struct exchange *x, const char *name)
{
	struct one_header h = {.name = name, .value = ""};

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header, &h);
	if (h.n > 1)
		x->refuse = MHD_HTTP_BAD_REQUEST;
	return h.value;
}

/* X-Forwarded-For may come in several lines; the last element of the last is our proxy's word. */
static const char *last_header(struct MHD_Connection *mhd, const char *name)
{
	struct one_header h = {.name = name, .value = ""};

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header, &h);
	return h.value;
}

static void read_address(struct MHD_Connection *mhd, struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	const void *from = NULL;

	if (sa && sa->sa_family == AF_INET)
		from = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa && sa->sa_family == AF_INET6)
		from = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (!from || !inet_ntop(sa->sa_family, from, x->address, sizeof(x->address)))
		snprintf(x->address, sizeof(x->address), "unix");
	x->q.address = x->address;
}

static void begin(struct exchange *x, struct MHD_Connection *mhd, const char *method)
{
	struct web_request *q = &x->q;

	x->begun = true;
	q->method = method;
	q->host = header(mhd, x, "Host");
	q->origin = header(mhd, x, "Origin");
	q->site = header(mhd, x, "Sec-Fetch-Site");
	q->type = header(mhd, x, "Content-Type");
	q->csrf = header(mhd, x, "X-CSRF-Token");
	q->cookie = header(mhd, x, "Cookie");
	q->language = last_header(mhd, "Accept-Language");
	q->if_none_match = last_header(mhd, "If-None-Match");
	q->agent = last_header(mhd, "User-Agent");
	q->forwarded = last_header(mhd, "X-Forwarded-For");
	/* Two lengths, or a length and chunks, are two ways to read what follows. */
	const char *length = header(mhd, x, "Content-Length"), *coding = header(mhd, x, "Transfer-Encoding");
	if (*length && *coding)
		x->refuse = MHD_HTTP_BAD_REQUEST;
	if (*length && (strspn(length, "0123456789") != strlen(length) || strlen(length) > 9 || strtol(length, NULL, 10) > WEB_BODY_MAX))
		x->refuse = MHD_HTTP_CONTENT_TOO_LARGE;
	read_address(mhd, x);
}

/* ---- answers ---- */

/* No colon and no line end can stand in what becomes a header: the library refuses line ends, we never pass any. */
static void add(struct MHD_Response *r, const char *name, const char *value)
{
	if (value && *value && !strpbrk(value, "\r\n"))
		MHD_add_response_header(r, name, value);
}

static const char *const always[][2] = {
	{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "same-origin"},
	{"Permissions-Policy", "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), geolocation=(), gyroscope=(), "
		"magnetometer=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Embedder-Policy", "require-corp"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"X-Robots-Tag", "noindex, nofollow"},
};

static struct MHD_Response *response_of(struct web_answer *a)
{
	struct stat st;

	if (a->fd >= 0) {
		if (fstat(a->fd, &st) < 0 || !S_ISREG(st.st_mode))
			return NULL;
		int fd = TAKE_FD(a->fd);
		struct MHD_Response *r = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
		if (!r)
			close(fd);
		return r;
	}
	if (a->fixed)
		return MHD_create_response_from_buffer(a->fixed_len, (void *)(uintptr_t)a->fixed, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(a->body.len, (void *)(uintptr_t)buf_str(&a->body), MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result queue(struct MHD_Connection *mhd, struct web_answer *a)
{
	char disposition[192];
	struct MHD_Response *r = response_of(a);

	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add(r, always[i][0], always[i][1]);
	if (a->status != MHD_HTTP_NO_CONTENT && a->status != MHD_HTTP_NOT_MODIFIED)
		add(r, "Content-Type", a->type ? a->type : "application/json");
	add(r, "Cache-Control", a->cache ? a->cache : "no-store");
	add(r, "ETag", a->etag);
	add(r, "Location", a->location);
	add(r, "Allow", a->allow);
	add(r, "X-Sekisho-Password", a->password);
	if (a->download) {
		snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", a->download);
		add(r, "Content-Disposition", disposition);
	}
	for (size_t i = 0; i < ARRAY_SIZE(a->cookies); i++)
		add(r, "Set-Cookie", a->cookies[i]);
	enum MHD_Result result = MHD_queue_response(mhd, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result serve(struct web_server *s, struct MHD_Connection *mhd, struct exchange *x)
{
	struct web_answer a = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .body = BUF_INIT(WEB_ANSWER_MAX), .fd = -1};

	x->answered = true;
	x->q.body = buf_str(&x->body);
	x->q.body_len = x->body.len;
	if (x->refuse)
		s->config.refused(s->config.ctx, &x->q, x->refuse, &a);
	else
		s->config.handle(s->config.ctx, &x->q, &a);
	enum MHD_Result r = queue(mhd, &a);
	if (a.fd >= 0)
		close(a.fd);
	buf_wipe(&a.body);
	return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
	const char *data, size_t *size, void **state)
{
	struct web_server *s = cls;
	struct exchange *x = *state;

	if (!x)
		return MHD_NO;
	if (!x->begun) {
		begin(x, mhd, method);
		/* An answer before the body ends the connection after it: nobody sends us what we do not want. */
		return x->refuse ? serve(s, mhd, x) : MHD_YES;
	}
	if (*size) {
		if (buf_add(&x->body, data, *size) < 0)
			x->refuse = MHD_HTTP_CONTENT_TOO_LARGE;
		*size = 0;
		return MHD_YES;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		watch_arrived(s->watch, info->connect_fd);
	return x->answered ? MHD_YES : serve(s, mhd, x);
}

int web_server_start(const struct web_server_config *c, struct web_server **ret, struct err *err)
{
	struct web_server *s = calloc(1, sizeof(*s));
	_cleanup_close_ int fd = c->fd;

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	s->config = *c;
	if (watch_new(WEB_ARRIVAL_MS, &s->watch, err) < 0)
		goto fail;
	s->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
		0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_HEADERS_MAX,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!s->daemon) {
		err_set(err, ERR_LOCAL, "server", "the HTTP server did not start");
		goto fail;
	}
	TAKE_FD(fd);
	*ret = s;
	return 0;
fail:
	watch_free(s->watch);
	free(s);
	return -1;
}

void web_server_stop(struct web_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	watch_free(s->watch);
	free(s);
}

/* ---- what handlers use ---- */

const char *web_cookie(const struct web_request *q, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = q->cookie; *p;) {
		p += strspn(p, " ;");
		size_t len = strcspn(p, ";");
		if (len > n && strncmp(p, name, n) == 0 && p[n] == '=') {
			const char *v = arena_dupn(q->arena, p + n + 1, len - n - 1);
			return v ? v : "";
		}
		p += len;
	}
	return "";
}

const char *web_query(const struct web_request *q, const char *name)
{
	_cleanup_buf_ struct buf b = BUF_INIT(WEB_TARGET_MAX);

	if (form_get(q->query, name, &b) < 0)
		return NULL;
	return arena_dup(q->arena, buf_str(&b));
}

void web_answer_json(struct web_answer *a, int status, cJSON *doc)
{
	buf_clear(&a->body);
	a->status = status;
	if (!doc || json_print(doc, &a->body) < 0) {
		log_error("web.answer", "message=\"the answer does not fit\"");
		a->status = 500;
		buf_clear(&a->body);
		buf_adds(&a->body, "{\"error\":{\"code\":\"internal\",\"message\":\"\",\"turn\":\"us\",\"next\":\"\"}}");
	}
	cJSON_Delete(doc);
}
