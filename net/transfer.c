/* One HTTP exchange: the handle's settings, the callbacks, the meaning of libcurl's results; see transfer.h.
 * transfer_new(), _result() and _free() run on the caller's thread, the callbacks on the http thread. */
#include "net/transfer.h"

#include "base/timeutil.h"
#include "net/url.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_MAX_BODY (8u << 20)
#define CONNECT_MS 10000
#define LOW_SPEED_BYTES 1024
#define LOW_SPEED_S 30

/* ---- what comes back ---- */

static void first_error(struct transfer *t, enum err_class class, const char *code, const char *message)
{
	if (t->err.class == ERR_NONE)
		err_set(&t->err, class, code, "%s", message);
}

static int new_head(struct transfer *t)
{
	arena_free(t->res.headers_arena);
	t->res.headers_arena = arena_new(TRANSFER_MAX_HEADER_BYTES * 2 + TRANSFER_MAX_HEADERS * 64);
	t->res.headers = t->res.headers_arena ?
		arena_alloc(t->res.headers_arena, TRANSFER_MAX_HEADERS * sizeof(char *)) :
		NULL;
	t->res.n_headers = 0;
	return t->res.headers ? 0 : -1;
}

static int add_header(struct transfer *t, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len == 0 || !colon || colon >= line + len || colon == line)
		return 0; /* the empty line, or what is no header */
	if (memchr(line, '\0', len) || t->res.n_headers == TRANSFER_MAX_HEADERS)
		return -1;
	size_t name = (size_t)(colon - line);
	const char *value = colon + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	size_t value_len = (size_t)(line + len - value);
	char *h = arena_alloc(t->res.headers_arena, name + 2 + value_len + 1);
	if (!h)
		return -1;
	for (size_t i = 0; i < name; i++)
		h[i] = (char)tolower((unsigned char)line[i]);
	memcpy(h + name, ": ", 2);
	memcpy(h + name + 2, value, value_len);
	t->res.headers[t->res.n_headers++] = h;
	return 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n;

	t->header_bytes += len;
	if (t->header_bytes > TRANSFER_MAX_HEADER_BYTES) {
		first_error(t, ERR_REMOTE, "http", "the answer's headers are too long");
		return 0;
	}
	if (t->body_begun)
		return len; /* a trailer: nothing of it counts */
	/* A status line begins a head; a 100 or 103 before it is forgotten. */
	if (len > 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		if (new_head(t) == 0)
			return len;
		first_error(t, ERR_LOCAL, "memory", "out of memory");
		return 0;
	}
	if (!t->res.headers || add_header(t, line, len) < 0) {
		first_error(t, ERR_REMOTE, "http", "the answer has too many headers, or a NUL in one");
		return 0;
	}
	return len;
}

static int64_t content_range_start(const char *value)
{
	int64_t at = 0;

	if (!value || strncasecmp(value, "bytes ", 6) != 0 || !isdigit((unsigned char)value[6]))
		return -1;
	for (value += 6; isdigit((unsigned char)*value); value++)
		if (__builtin_mul_overflow(at, 10, &at) || __builtin_add_overflow(at, *value - '0', &at))
			return -1;
	return *value == '-' ? at : -1;
}

/* Before the first byte of a body, or at the end of an answer without one: where does it go? */
static int begin_body(struct transfer *t)
{
	long status = 0;
	curl_off_t length = -1;

	t->body_begun = true;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->to_content = t->req->content && (status == 200 || status == 206);
	if (!t->to_content)
		return 0;
	const char *encoding = http_header(&t->res, "content-encoding");
	if (encoding && strcasecmp(encoding, "identity") != 0) {
		first_error(t, ERR_REMOTE, "http", "content came with an encoding that was not asked for");
		return -1;
	}
	pthread_mutex_lock(t->lock);
	t->expect = length;
	t->restart = status == 200;
	t->resume_at = status == 206 ? content_range_start(http_header(&t->res, "content-range")) : -1;
	t->head_known = true;
	pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(t->lock);
	return 0;
}

static size_t to_pipe(struct transfer *t, const char *data, size_t len)
{
	size_t took = len;

	pthread_mutex_lock(t->lock);
	if (t->cancel) {
		took = 0;
	} else if (t->pipe.len && t->pipe.len + len > TRANSFER_PIPE) {
		t->paused = true;
		took = CURL_WRITEFUNC_PAUSE;
	} else if (buf_add(&t->pipe, data, len) < 0) {
		first_error(t, ERR_LOCAL, "memory", "out of memory");
		took = 0;
	} else {
		pthread_cond_signal(&t->cond);
	}
	pthread_mutex_unlock(t->lock);
	return took;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n;
	curl_off_t wire = 0;

	if (!t->body_begun && begin_body(t) < 0)
		return 0;
	if (t->to_content)
		return to_pipe(t, data, len);
	t->decoded += (int64_t)len;
	curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire);
	if (t->decoded > TRANSFER_RATIO_FROM && t->decoded / TRANSFER_RATIO > wire + CURL_MAX_WRITE_SIZE) {
		first_error(t, ERR_TOO_BIG, "body_too_big", "the answer unpacks to more than a hundred times its size");
		return 0;
	}
	if (buf_add(&t->res.body, data, len) < 0) {
		if (t->res.body.len + len > t->max_body)
			first_error(t, ERR_TOO_BIG, "body_too_big", "the answer is larger than what is taken");
		else
			first_error(t, ERR_LOCAL, "memory", "out of memory");
		return 0;
	}
	return len;
}

void transfer_end(struct transfer *t)
{
	if (!t->body_begun)
		begin_body(t);
}

/* ---- what goes out ---- */

static bool plain_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool token_text(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

static int bad_header(const char *what, struct err *err)
{
	return err_set(err, ERR_REMOTE, "bad_header", "%s has a character that must not be sent", what);
}

static int append(struct transfer *t, const char *header, struct err *err)
{
	struct curl_slist *more = curl_slist_append(t->send_headers, header);

	if (!more)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	t->send_headers = more;
	return 0;
}

static int set_headers(struct transfer *t, struct err *err)
{
	const struct http_request *req = t->req;
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);

	if (append(t, "Expect:", err) < 0)
		return -1;
	if (req->bearer) {
		if (!token_text(req->bearer))
			return bad_header("the access token", err);
		if (buf_addf(&b, "Authorization: Bearer %s", req->bearer) < 0 || append(t, buf_str(&b), err) < 0)
			return bad_header("the access token", err);
	}
	buf_clear(&b);
	if (req->content_type && !plain_text(req->content_type))
		return bad_header("the content type", err);
	/* Without a type nothing is said: libcurl's own guess would be a form. */
	if (buf_addf(&b, req->content_type ? "Content-Type: %s" : "Content-Type:%s",
		    req->content_type ? req->content_type : "") < 0 ||
		append(t, buf_str(&b), err) < 0)
		return bad_header("the content type", err);
	for (const char *const *h = req->headers; h && *h; h++) {
		const char *colon = strchr(*h, ':');
		if (!plain_text(*h) || !colon || colon == *h || strcspn(*h, " \t;") < (size_t)(colon - *h))
			return bad_header("a header", err);
		if (append(t, *h, err) < 0)
			return -1;
	}
	return 0;
}

static int set_method(struct transfer *t, struct err *err)
{
	const struct http_request *req = t->req;
	const char *method = req->method ? req->method : "GET";
	CURLcode r = CURLE_OK;

	for (const char *p = method; *p; p++)
		if (*p < 'A' || *p > 'Z')
			return bad_header("the method", err);
	if (req->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
		r = curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		if (r == CURLE_OK)
			r = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		if (r == CURLE_OK)
			r = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, req->body ? req->body : "");
	} else if (strcmp(method, "HEAD") == 0) {
		r = curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	} else {
		r = curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
	}
	if (r == CURLE_OK)
		r = curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
	return r == CURLE_OK ? 0 : err_set(err, ERR_LOCAL, "curl", "libcurl: %s", curl_easy_strerror(r));
}

#define SET(option, value)                                                                                   \
	do {                                                                                                 \
		r = curl_easy_setopt(t->easy, option, value);                                                \
		if (r != CURLE_OK)                                                                           \
			return err_set(err, ERR_LOCAL, "curl", "libcurl: %s: %s", #option,                   \
				curl_easy_strerror(r));                                                      \
	} while (0)

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = ctx;

	if (url_address_ok(&to->addr, t->local))
		return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	t->forbidden = true;
	return CURL_SOCKET_BAD;
}

static int set_up(struct transfer *t, const struct transfer_options *o, struct err *err)
{
	const struct http_request *req = t->req;
	CURLcode r;

	SET(CURLOPT_URL, req->url);
	SET(CURLOPT_PROTOCOLS_STR, url_is_https(req->url) ? "https" : "http");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, ""); /* none from the environment either */
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* On plain http there is no HTTP/2 to wait for. */
	SET(CURLOPT_PIPEWAIT, url_is_https(req->url) ? 1L : 0L);
	SET(CURLOPT_PATH_AS_IS, 1L); /* ids of the providers may hold dots */
	SET(CURLOPT_USERAGENT, o->user_agent ? o->user_agent : "sekisho");
	if (o->ca_file)
		SET(CURLOPT_CAINFO, o->ca_file);
	if (req->fresh) {
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_FORBID_REUSE, 1L);
	}
	if (!req->content)
		SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)t->timeout_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, o->low_speed_s > 0 ? (long)o->low_speed_s : (long)LOW_SPEED_S);
	SET(CURLOPT_ERRORBUFFER, t->curl_error);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_PRIVATE, t);
	if (set_headers(t, err) < 0 || set_method(t, err) < 0)
		return -1;
	SET(CURLOPT_HTTPHEADER, t->send_headers);
	return 0;
}

int transfer_new(const struct http_request *req, const struct transfer_options *options, pthread_mutex_t *lock,
	struct transfer **ret, struct err *err)
{
	pthread_condattr_t attr;

	if (!http_url_ok(req->url))
		return err_set(err, ERR_REMOTE, "bad_url", "an address that is neither https nor on this machine");
	struct transfer *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	t->req = req;
	t->local = http_url_local(req->url);
	t->lock = lock;
	t->expect = t->resume_at = -1;
	t->max_body = req->max_body ? req->max_body : DEFAULT_MAX_BODY;
	t->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : req->content ? 600 * 1000 : 60 * 1000;
	t->res.body.max = t->max_body;
	t->pipe.max = TRANSFER_PIPE + CURL_MAX_READ_SIZE;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->cond, &attr);
	pthread_condattr_destroy(&attr);
	t->started = time_monotonic_ms();
	t->easy = curl_easy_init();
	if (!t->easy)
		err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (!t->easy || set_up(t, options, err) < 0) {
		transfer_free(t);
		return -1;
	}
	*ret = t;
	return 0;
}

void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	/* The list may hold the bearer token. */
	for (struct curl_slist *h = t->send_headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t->send_headers);
	http_response_free(&t->res);
	buf_free(&t->pipe);
	pthread_cond_destroy(&t->cond);
	free(t);
}

/* ---- what it came to ---- */

static int timed_out(struct transfer *t, struct err *err)
{
	curl_off_t connected = 0;

	if (time_monotonic_ms() - t->started >= t->timeout_ms)
		return err_set(err, ERR_RETRY, "timeout", "no whole answer within %" PRId64 " ms", t->timeout_ms);
	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (connected == 0)
		return err_set(err, ERR_RETRY, "timeout", "no connection within %d s", CONNECT_MS / 1000);
	return err_set(err, ERR_RETRY, "slow", "the answer came at less than 1 KiB/s");
}

int transfer_result(struct transfer *t, struct err *err)
{
	const char *why = t->curl_error[0] ? t->curl_error : curl_easy_strerror(t->result);
	long os_error = 0;

	if (t->err.class != ERR_NONE) {
		if (err)
			*err = t->err;
		return -1;
	}
	if (t->result != CURLE_OK && t->forbidden)
		return err_set(err, ERR_REMOTE, "bad_address", "its name leads to an address of this machine or network that is not connected to");
	switch (t->result) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(t, err);
	case CURLE_PARTIAL_FILE:
		return err_set(err, ERR_RETRY, "truncated", "the answer ended early: %s", why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CIPHER:
		return err_set(err, ERR_REMOTE, "tls", "%s", why);
	case CURLE_SSL_CONNECT_ERROR:
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_error);
		return os_error ? err_set(err, ERR_RETRY, "network", "%s", why) : err_set(err, ERR_REMOTE, "tls", "%s", why);
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* What looks like HTTP/0.9 is no HTTP at all: the rest of a body that was longer than it said. */
		if (strstr(why, "HTTP/0.9"))
			return err_set(err, ERR_RETRY, "network", "%s", why);
		return err_set(err, ERR_REMOTE, "bad_url", "%s", why);
	case CURLE_URL_MALFORMAT:
		return err_set(err, ERR_REMOTE, "bad_url", "%s", why);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return err_set(err, ERR_REMOTE, "http", "%s", why);
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
		return err_set(err, ERR_LOCAL, "curl", "%s", why);
	default: /* resolving, connecting, sending, receiving, a stream reset */
		return err_set(err, ERR_RETRY, "network", "%s", why);
	}
}
