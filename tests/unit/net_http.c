/* http_call() against a server that misbehaves: faults 1, 4 to 8 and 37 of the fault list at this layer. */
#include "net/http.h"
#include "net/url.h"
#include "tests/unit/net_server.h"

#include "base/timeutil.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

struct fixture {
	struct net_server *server, *other;
	struct http *http;
	pthread_mutex_t lock;
	char target[4096], authorization[256], accept[256]; /* of the last request */
	int other_requests;
	bool other_had_token;
};

static bool serve_other(void *ctx, const struct net_request *req, int fd)
{
	struct fixture *f = ctx;
	char value[64];

	f->other_requests++;
	f->other_had_token = net_request_header(req, "Authorization", value, sizeof(value));
	net_answers(fd, "200 OK", NULL, "elsewhere");
	return true;
}

/* `size` zero bytes as gzip. */
static void gzip_zeros(size_t size, struct buf *out)
{
	static unsigned char zeros[65536], packed[65536];
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	while (size || z.avail_in) {
		if (!z.avail_in) {
			z.next_in = zeros;
			z.avail_in = (unsigned)(size < sizeof(zeros) ? size : sizeof(zeros));
			size -= z.avail_in;
		}
		z.next_out = packed;
		z.avail_out = sizeof(packed);
		assert_true(deflate(&z, Z_NO_FLUSH) >= 0);
		assert_int_equal(buf_add(out, packed, sizeof(packed) - z.avail_out), 0);
	}
	int r;
	do {
		z.next_out = packed;
		z.avail_out = sizeof(packed);
		r = deflate(&z, Z_FINISH);
		assert_int_equal(buf_add(out, packed, sizeof(packed) - z.avail_out), 0);
	} while (r == Z_OK);
	deflateEnd(&z);
}

/* Made before a test begins: packing takes longer than the client waits for a slow server. */
static struct {
	size_t size;
	struct buf packed;
} bombs[] = {{100000, BUF_INIT(1 << 24)}, {9000000, BUF_INIT(1 << 24)}, {150000000, BUF_INIT(1 << 24)}};

static int pack(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		gzip_zeros(bombs[i].size, &bombs[i].packed);
	return 0;
}

static int unpack(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		buf_free(&bombs[i].packed);
	return 0;
}

static bool answer_gzip(int fd, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		if (bombs[i].size == size)
			net_answer(fd, "200 OK", "Content-Encoding: gzip\r\n", bombs[i].packed.data, bombs[i].packed.len);
	return true;
}

static bool answer_headers(int fd, int n, size_t each)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 24);

	buf_adds(&b, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < n; i++) {
		buf_addf(&b, "X-%d: ", i);
		for (size_t k = 0; k < each; k++)
			buf_addc(&b, 'x');
		buf_adds(&b, "\r\n");
	}
	buf_adds(&b, "Content-Length: 0\r\n\r\n");
	net_send(fd, b.data, b.len);
	return true;
}

static bool serve(void *ctx, const struct net_request *req, int fd)
{
	struct fixture *f = ctx;
	const char *t = req->target;
	char line[256], date[64] = "";

	pthread_mutex_lock(&f->lock);
	snprintf(f->target, sizeof(f->target), "%s", t);
	f->authorization[0] = f->accept[0] = '\0';
	net_request_header(req, "Authorization", f->authorization, sizeof(f->authorization));
	net_request_header(req, "Accept-Encoding", f->accept, sizeof(f->accept));
	pthread_mutex_unlock(&f->lock);
	if (strcmp(t, "/redirect") == 0) {
		snprintf(line, sizeof(line), "Location: %s/stolen\r\n", net_server_url(f->other));
		net_answers(fd, "302 Found", line, "");
	} else if (strcmp(t, "/echo") == 0) {
		net_answer(fd, "200 OK", "Request-Id: abc-1\r\nX-Twice:  two words \r\n", req->body.data, req->body.len);
	} else if (strcmp(t, "/head") == 0) {
		net_answer(fd, "200 OK", NULL, req->head.data, req->head.len);
	} else if (strcmp(t, "/truncated") == 0) {
		net_sends(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
		return false;
	} else if (strcmp(t, "/reset") == 0) {
		return false;
	} else if (strcmp(t, "/drip") == 0) {
		net_sends(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
		for (int i = 0; i < 100; i++) {
			net_sends(fd, "x");
			usleep(100 * 1000);
		}
	} else if (strcmp(t, "/never") == 0) {
		sleep(3);
		return false;
	} else if (strncmp(t, "/gzip/", 6) == 0) {
		return answer_gzip(fd, (size_t)strtoul(t + 6, NULL, 10));
	} else if (strcmp(t, "/long-headers") == 0) {
		return answer_headers(fd, 20, 5000);
	} else if (strcmp(t, "/many-headers") == 0) {
		return answer_headers(fd, 1000, 2);
	} else if (strcmp(t, "/html") == 0) {
		net_answers(fd, "200 OK", "Content-Type: text/html\r\n", "<html>gateway</html>");
	} else if (strcmp(t, "/empty") == 0) {
		net_answers(fd, "200 OK", NULL, "");
	} else if (strncmp(t, "/429/", 5) == 0) {
		if (strcmp(t, "/429/seconds") == 0)
			snprintf(line, sizeof(line), "Retry-After: 7\r\n");
		else if (strcmp(t, "/429/date") == 0)
			/* The server's clock is years behind ours: the difference of its own dates counts. */
			snprintf(line, sizeof(line), "Date: Sun, 06 Nov 2011 08:49:37 GMT\r\n"
				"Retry-After: Sun, 06 Nov 2011 08:49:57 GMT\r\n");
		else if (strcmp(t, "/429/absurd") == 0)
			snprintf(line, sizeof(line), "Retry-After: 99999999999999999999\r\n");
		else if (strcmp(t, "/429/nonsense") == 0)
			snprintf(line, sizeof(line), "Retry-After: soon\r\n");
		else
			line[0] = '\0';
		net_answers(fd, "429 Too Many Requests", line, date);
	} else if (strncmp(t, "/status/", 8) == 0) {
		snprintf(line, sizeof(line), "%s Whatever", t + 8);
		net_answers(fd, line, NULL, "{}");
	} else {
		net_answers(fd, "200 OK", NULL, "hello");
	}
	return true;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_options o = {.user_agent = "NONISV|sekisho|test", .low_speed_s = 1};

	pthread_mutex_init(&f->lock, NULL);
	f->server = net_server_new(serve, f);
	f->other = net_server_new(serve_other, f);
	*state = f;
	return http_new(&o, &f->http, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_free(f->http);
	net_server_free(f->server);
	net_server_free(f->other);
	free(f);
	return 0;
}

static const char *url(struct fixture *f, const char *path)
{
	static __thread char u[4096];

	snprintf(u, sizeof(u), "%s%s", net_server_url(f->server), path);
	return u;
}

static int get(struct fixture *f, const char *path, struct http_response *res, struct err *err)
{
	struct http_request req = {.method = "GET", .url = url(f, path), .bearer = "secret-token", .timeout_ms = 30000};

	return http_call(f->http, &req, res, err);
}

static void fails(struct fixture *f, const char *path, enum err_class class, const char *code)
{
	struct http_response res;
	struct err err;

	assert_int_equal(get(f, path, &res, &err), -1);
	assert_string_equal(err.code, code);
	assert_int_equal(err.class, class);
}

static void test_plain(void **state)
{
	struct fixture *f = *state;
	_cleanup_response_ struct http_response res = {0};
	struct http_request req = {.method = "POST", .url = url(f, "/echo"), .body = "a=1", .body_len = 3,
		.content_type = "application/x-www-form-urlencoded"};
	struct err err;

	assert_int_equal(http_call(f->http, &req, &res, &err), 0);
	assert_int_equal(res.status, 200);
	assert_string_equal(buf_str(&res.body), "a=1");
	assert_string_equal(res.request_id, "abc-1");
	assert_string_equal(http_header(&res, "x-TWICE"), "two words");
	assert_null(http_header(&res, "x-twic"));
	assert_string_equal(f->authorization, "");
	assert_string_equal(f->accept, "gzip");
}

static void test_what_is_sent(void **state)
{
	struct fixture *f = *state;
	static const char *const headers[] = {"Dropbox-API-Arg: {\"a\":1}", NULL};
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL};

	for (const char *const *m = methods; *m; m++) {
		_cleanup_response_ struct http_response res = {0};
		struct http_request req = {.method = *m, .url = url(f, "/head"), .headers = headers, .bearer = "t0ken"};
		assert_int_equal(http_call(f->http, &req, &res, NULL), 0);
		const char *head = buf_str(&res.body);
		assert_memory_equal(head, *m, strlen(*m));
		assert_non_null(strstr(head, "\r\nDropbox-API-Arg: {\"a\":1}\r\n"));
		assert_non_null(strstr(head, "\r\nAuthorization: Bearer t0ken\r\n"));
		assert_non_null(strstr(head, "\r\nUser-Agent: NONISV|sekisho|test\r\n"));
		assert_null(strstr(head, "Content-Type"));
		assert_null(strstr(head, "Expect"));
		if ((*m)[0] == 'P')
			assert_non_null(strstr(head, "\r\nContent-Length: 0\r\n"));
	}
}

static void test_redirect(void **state)
{
	struct fixture *f = *state;
	_cleanup_response_ struct http_response res = {0}, second = {0};
	struct err err;

	assert_int_equal(get(f, "/redirect", &res, &err), 0);
	assert_int_equal(res.status, 302);
	assert_int_equal(f->other_requests, 0);
	assert_string_equal(f->authorization, "Bearer secret-token");
	const char *location = http_header(&res, "location");
	assert_false(http_same_origin(location, url(f, "/")));
	struct http_request req = {.method = "GET", .url = location};
	assert_int_equal(http_call(f->http, &req, &second, &err), 0);
	assert_int_equal(f->other_requests, 1);
	assert_false(f->other_had_token);
	assert_string_equal(buf_str(&second.body), "elsewhere");
}

static void test_truncated(void **state)
{
	fails(*state, "/truncated", ERR_RETRY, "truncated");
	fails(*state, "/reset", ERR_RETRY, "network");
}

static void test_slow(void **state)
{
	struct fixture *f = *state;
	struct http_response res;
	struct err err;
	int64_t start = time_monotonic_ms();

	fails(f, "/drip", ERR_RETRY, "slow");
	assert_true(time_monotonic_ms() - start < 9000); /* the whole takes 10 s */
	struct http_request req = {.method = "GET", .url = url(f, "/never"), .timeout_ms = 300};
	assert_int_equal(http_call(f->http, &req, &res, &err), -1);
	assert_string_equal(err.code, "timeout");
	assert_int_equal(err.class, ERR_RETRY);
	struct http_request nobody = {.method = "GET", .url = "http://127.0.0.1:1/"};
	assert_int_equal(http_call(f->http, &nobody, &res, &err), -1);
	assert_string_equal(err.code, "network");
}

static void test_too_big(void **state)
{
	struct fixture *f = *state;
	_cleanup_response_ struct http_response res = {0};
	struct http_response none;
	struct err err;

	/* Honest compression is unpacked. */
	assert_int_equal(get(f, "/gzip/100000", &res, &err), 0);
	assert_int_equal(res.body.len, 100000);
	assert_true(res.bytes_in < 1000);
	/* Beyond the kept size, whatever the ratio. */
	fails(f, "/gzip/9000000", ERR_TOO_BIG, "body_too_big");
	/* Beyond the ratio, although so much would be kept. */
	struct http_request req = {.method = "GET", .url = url(f, "/gzip/150000000"), .max_body = 1 << 29};
	assert_int_equal(http_call(f->http, &req, &none, &err), -1);
	assert_string_equal(err.code, "body_too_big");
	assert_non_null(strstr(err.message, "hundred"));
	fails(f, "/long-headers", ERR_REMOTE, "http");
	fails(f, "/many-headers", ERR_REMOTE, "http");
}

static void test_html(void **state)
{
	struct fixture *f = *state;
	_cleanup_response_ struct http_response res = {0};
	cJSON *doc = NULL;
	struct err err;

	assert_int_equal(get(f, "/html", &res, &err), 0);
	assert_int_equal(http_json(&res, &doc, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "not_json");
	assert_null(doc);
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *path;
		int64_t low, high; /* seconds from now; 0: no hint */
	} cases[] = {
		{"/429/seconds", 6, 7},
		{"/429/date", 19, 20},
		{"/429/absurd", 3599, 3600},
		{"/429/nonsense", 0, 0},
		{"/429/none", 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_response_ struct http_response res = {0};
		struct err err;
		int64_t now = time_now_ms();
		assert_int_equal(get(*state, cases[i].path, &res, &err), 0);
		assert_int_equal(http_check(&res, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_int_equal(err.scope, SCOPE_CONNECTION);
		assert_string_equal(err.code, "throttled");
		assert_int_equal(err.http_status, 429);
		if (cases[i].high == 0) {
			assert_int_equal(err.retry_at, 0);
			continue;
		}
		assert_in_range(err.retry_at - now, cases[i].low * 1000, cases[i].high * 1000 + 1000);
	}
}

static void test_statuses(void **state)
{
	static const struct {
		const char *path;
		enum err_class class;
		const char *code;
	} cases[] = {
		{"/status/301", ERR_REMOTE, "http_status"}, {"/status/400", ERR_REMOTE, "http_status"},
		{"/status/401", ERR_AUTH, "unauthorized"}, {"/status/403", ERR_REMOTE, "forbidden"},
		{"/status/404", ERR_GONE, "not_found"}, {"/status/409", ERR_CHANGED, "conflict"},
		{"/status/410", ERR_GONE, "not_found"}, {"/status/412", ERR_CHANGED, "conflict"},
		{"/status/413", ERR_TOO_BIG, "too_big"}, {"/status/423", ERR_RETRY, "locked"},
		{"/status/500", ERR_RETRY, "server_error"}, {"/status/503", ERR_RETRY, "server_error"},
		{"/status/504", ERR_RETRY, "server_error"}, {"/status/509", ERR_RETRY, "throttled"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_response_ struct http_response res = {0};
		struct err err;
		assert_int_equal(get(*state, cases[i].path, &res, &err), 0);
		assert_int_equal(http_check(&res, &err), -1);
		assert_int_equal(err.class, cases[i].class);
		assert_string_equal(err.code, cases[i].code);
	}
}

static void test_reuse(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		_cleanup_response_ struct http_response res = {0};
		assert_int_equal(get(f, "/", &res, NULL), 0);
	}
	assert_int_equal(net_server_connections(f->server), 1);
	_cleanup_response_ struct http_response res = {0};
	struct http_request req = {.method = "GET", .url = url(f, "/"), .fresh = true};
	assert_int_equal(http_call(f->http, &req, &res, NULL), 0);
	assert_int_equal(net_server_connections(f->server), 2);
}

static void test_refused_requests(void **state)
{
	struct fixture *f = *state;
	static const char *const split[] = {"X-Name: a\r\nAuthorization: b", NULL};
	static const char *const newline[] = {"X-Name: a\nb", NULL};
	static const char *const nameless[] = {": a", NULL};
	const struct http_request requests[] = {
		{.method = "GET", .url = url(f, "/"), .headers = split},
		{.method = "GET", .url = url(f, "/"), .headers = newline},
		{.method = "GET", .url = url(f, "/"), .headers = nameless},
		{.method = "GET", .url = url(f, "/"), .bearer = "a\r\nX: y"},
		{.method = "GET", .url = url(f, "/"), .bearer = ""},
		{.method = "POST", .url = url(f, "/"), .content_type = "a\nb"},
		{.method = "GET / HTTP/1.1", .url = url(f, "/")},
	};
	static const char *const urls[] = {"http://example.com/", "ftp://127.0.0.1/", "file:///etc/passwd", "",
		"http://127.0.0.1\r\n/", "https://user:pass@127.0.0.1/", "http://127.0.0.1@example.com/"};
	struct http_response res;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		assert_int_equal(http_call(f->http, &requests[i], &res, &err), -1);
		assert_string_equal(err.code, "bad_header");
	}
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct http_request req = {.method = "GET", .url = urls[i]};
		assert_int_equal(http_call(f->http, &req, &res, &err), -1);
		assert_string_equal(err.code, "bad_url");
	}
	assert_int_equal(net_server_requests(f->server), 0);
}

static void test_allowed_hosts(void **state)
{
	struct fixture *f = *state;
	const char *hosts[] = {net_server_url(f->server), NULL};
	struct http_options o = {.hosts = hosts};
	struct http_request good = {.method = "GET", .url = url(f, "/")};
	struct http_request bad = {.method = "GET", .url = net_server_url(f->other)};
	_cleanup_response_ struct http_response res = {0};
	struct http_response none;
	struct http *http;
	struct err err;

	assert_int_equal(http_new(&o, &http, NULL), 0);
	assert_int_equal(http_call(http, &good, &res, &err), 0);
	assert_int_equal(http_call(http, &bad, &none, &err), -1);
	assert_string_equal(err.code, "bad_url");
	assert_int_equal(f->other_requests, 0);
	http_free(http);
}

static void *call_main(void *arg)
{
	struct fixture *f = arg;
	struct http_response res;
	static __thread struct err err;

	int r = get(f, "/never", &res, &err);
	return r < 0 && err.class == ERR_CANCELLED ? arg : NULL;
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[8];
	void *ok;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_main, f), 0);
	while (net_server_requests(f->server) < (int)ARRAY_SIZE(threads))
		usleep(1000);
	int64_t start = time_monotonic_ms();
	http_free(f->http);
	f->http = NULL;
	assert_true(time_monotonic_ms() - start < 2500); /* the server says nothing for 3 s */
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &ok);
		assert_non_null(ok);
	}
}

static void test_backoff(void **state)
{
	for (int i = 0; i < 200; i++) {
		int64_t wait = http_backoff(i, 1000, 64000) - time_now_ms();
		assert_in_range(wait, 990, i >= 6 ? 64000 : 1000 << i);
	}
}

static void test_urls(void **state)
{
	static const char *const good[] = {"https://graph.microsoft.com/v1.0/users?$top=1", "http://127.0.0.1:8080",
		"http://127.8.9.10/", "http://[::1]:80/x", "http://localhost:1/", "HTTPS://EXAMPLE.com"};
	static const char *const bad[] = {"http://example.com", "http://127.0.0.1.example.com/", "http://[::2]/",
		"http://localhost.example.com/", "http://10.0.0.1/", "http://0.0.0.0/", "graph.microsoft.com",
		"//graph.microsoft.com", "https://", "javascript:alert(1)", "https://a b/", "https://a\tb/",
		"https://u@h/", "http://[fe80::1%25lo]/", "http://[::ffff:10.0.0.1]/"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!http_url_ok(good[i]))
			fail_msg("%s refused", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (http_url_ok(bad[i]))
			fail_msg("%s taken", bad[i]);
	assert_true(http_same_origin("https://A.example/x?y", "https://a.example:443/z"));
	assert_true(http_same_origin("http://127.0.0.1:80/", "http://127.0.0.1/a"));
	assert_false(http_same_origin("https://a.example/", "http://a.example/"));
	assert_false(http_same_origin("https://a.example/", "https://a.example:444/"));
	assert_false(http_same_origin("https://a.example/", "https://b.a.example/"));
	assert_false(http_same_origin("https://a.example@b.example/", "https://a.example/"));
	assert_false(http_same_origin("", ""));
}

/* 39: where a name must not lead. */
static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		bool ok, with_loopback;
	} all[] = {{"8.8.8.8", true, true}, {"10.1.2.3", true, true}, {"127.0.0.1", false, true}, {"127.255.0.1", false, true},
		{"169.254.169.254", false, false}, {"169.255.0.1", true, true}, {"0.0.0.0", false, false}, {"0.1.2.3", false, false},
		{"224.0.0.1", false, false}, {"255.255.255.255", false, false}, {"::1", false, true}, {"::", false, false},
		{"fe80::1", false, false}, {"ff02::1", false, false}, {"2001:db8::1", true, true}, {"::ffff:127.0.0.1", false, true},
		{"::ffff:169.254.169.254", false, false}, {"::ffff:8.8.8.8", true, true}, {"64:ff9b::a9fe:a9fe", false, false},
		{"::127.0.0.1", false, false}};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct sockaddr_in a4 = {.sin_family = AF_INET};
		struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
		bool four = inet_pton(AF_INET, all[i].text, &a4.sin_addr) == 1;
		if (!four)
			assert_int_equal(inet_pton(AF_INET6, all[i].text, &a6.sin6_addr), 1);
		const struct sockaddr *a = four ? (const struct sockaddr *)(const void *)&a4 : (const struct sockaddr *)(const void *)&a6;
		if (url_address_ok(a, false) != all[i].ok || url_address_ok(a, true) != all[i].with_loopback)
			fail_msg("%s", all[i].text);
	}
	assert_true(http_url_local("https://localhost/x"));
	assert_true(http_url_local("http://127.9.9.9:1/"));
	assert_true(http_url_local("https://[::1]:8/"));
	assert_false(http_url_local("https://graph.microsoft.com/"));
	assert_false(http_url_local("https://localhost.evil.example/"));
	assert_false(http_url_local("nonsense"));
}

/* The address is looked at before anything is sent, and trying again does not help. */
static void test_forbidden_addresses(void **state)
{
	static const char *const urls[] = {"https://169.254.169.254/latest/meta-data", "https://0.0.0.0/", "https://[fe80::1]/"};
	struct http *http = NULL;
	const struct http_options options = {.user_agent = "test"};

	assert_int_equal(http_new(&options, &http, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct http_response res = {0};
		const struct http_request req = {.method = "GET", .url = urls[i]};
		struct err err = {0};
		assert_int_equal(http_call(http, &req, &res, &err), -1);
		assert_string_equal(err.code, "bad_address");
		assert_int_equal(err.class, ERR_REMOTE);
	}
	http_free(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redirect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_big, setup, teardown),
		cmocka_unit_test_setup_teardown(test_html, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allowed_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_forbidden_addresses),
	};

	return cmocka_run_group_tests_name("net_http", tests, pack, unpack);
}
