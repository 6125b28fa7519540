/* Contents: budget, limits, memory and spool, sealing, digests; and how http_call() fills them. */
#include "net/content.h"
#include "net/http.h"
#include "tests/unit/net_server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define KIB 1024
#define MIB (1024 * KIB)
#define ALL_DIGESTS (DIGEST_SHA256 | DIGEST_SHA1 | DIGEST_DROPBOX | DIGEST_QUICKXOR | DIGEST_MD5)

struct fixture {
	char dir[64], spool[96];
	struct content_budget *budget;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/net-content-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->spool, sizeof(f->spool), "%s/spool", f->dir);
	*state = f;
	return content_budget_new(8 * MIB, f->spool, 1 * MIB, &f->budget, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(content_budget_used(f->budget), 0);
	content_budget_free(f->budget);
	rmdir(f->spool);
	assert_int_equal(rmdir(f->dir), 0); /* nothing was left in it */
	free(f);
	return 0;
}

static void fill(unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(i * 2654435761u >> 13);
}

static void same_bytes(int fd, const void *data, size_t len)
{
	_cleanup_free_ char *back = malloc(len + 1);

	assert_int_equal(pread(fd, back, len + 1, 0), (ssize_t)len);
	assert_memory_equal(back, data, len);
}

static void round_trip(struct fixture *f, size_t len, int64_t expected, bool in_memory)
{
	_cleanup_free_ unsigned char *data = malloc(len + 1);
	struct content *c;
	struct digests got, want;
	struct err err;

	fill(data, len);
	assert_int_equal(content_new(f->budget, expected, 6 * MIB, ALL_DIGESTS, &c, &err), 0);
	/* A first attempt that is given up must leave nothing. */
	assert_int_equal(content_write(c, "rubbish", len < 7 ? len : 7, &err), 0);
	assert_int_equal(content_restart(c, &err), 0);
	for (size_t at = 0; at < len; at += 100000) {
		size_t n = len - at < 100000 ? len - at : 100000;
		assert_int_equal(content_write(c, data + at, n, &err), 0);
	}
	assert_int_equal(content_finish(c, &got, &err), 0);
	assert_int_equal(digest_bytes(ALL_DIGESTS, data, len, &want), 0);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(content_size(c), len);
	assert_int_equal(content_budget_used(f->budget), len);
	same_bytes(content_fd(c), data, len);
	assert_int_equal(lseek(content_fd(c), 0, SEEK_CUR), 0);

	/* Nobody can change it any more. */
	assert_int_equal(write(content_fd(c), "x", 1), -1);
	assert_int_equal(errno, in_memory ? EPERM : EBADF);
	assert_true(ftruncate(content_fd(c), (off_t)len + 1) < 0);
	assert_int_equal(fcntl(content_fd(c), F_GETFD), FD_CLOEXEC);
	if (in_memory)
		assert_int_equal(fcntl(content_fd(c), F_GET_SEALS),
			F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	struct stat st;
	assert_int_equal(fstat(content_fd(c), &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(content_write(c, "x", 1, &err), -1);
	assert_int_equal(content_finish(c, &got, &err), -1);
	content_free(c);
}

static void test_memory_and_spool(void **state)
{
	round_trip(*state, 0, 0, true);
	round_trip(*state, 3, -1, true);
	round_trip(*state, 1 * MIB, 1 * MIB, true);
	round_trip(*state, 1 * MIB + 1, 1 * MIB + 1, false);
	round_trip(*state, 5 * MIB, -1, false); /* begins in memory, goes on in the spool */
	round_trip(*state, 5 * MIB, 100, false); /* more than was said */
	round_trip(*state, 100, 5 * MIB, false); /* less than was said */
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	static char data[1 * MIB];
	struct content *c;
	struct err err;

	assert_int_equal(content_new(f->budget, 1001, 1000, 0, &c, &err), -1);
	assert_int_equal(err.class, ERR_TOO_BIG);
	assert_string_equal(err.code, "size_limit");
	assert_int_equal(content_new(f->budget, -1, 1000, 0, &c, &err), 0);
	assert_int_equal(content_budget_used(f->budget), 1000);
	assert_int_equal(content_expect(c, 1001, &err), -1);
	assert_string_equal(err.code, "size_limit");
	assert_int_equal(content_write(c, data, 1000, &err), 0);
	assert_int_equal(content_write(c, data, 1, &err), -1);
	assert_int_equal(err.class, ERR_TOO_BIG);
	content_free(c);
	/* What the whole budget cannot hold never fits: no use in trying again. */
	assert_int_equal(content_new(f->budget, 9 * MIB, 100 * MIB, 0, &c, &err), -1);
	assert_int_equal(err.class, ERR_TOO_BIG);
}

static void test_budget(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *data = calloc(1, 4 * MIB);
	struct content *a, *b, *none;
	struct err err;

	assert_int_equal(content_new(f->budget, 5 * MIB, 8 * MIB, 0, &a, &err), 0);
	assert_int_equal(content_new(f->budget, -1, 8 * MIB, 0, &b, &err), 0);
	assert_int_equal(content_budget_used(f->budget), 5 * MIB + 256 * KIB);
	assert_int_equal(content_new(f->budget, 3 * MIB, 8 * MIB, 0, &none, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "budget");
	/* Growing stops at the budget, says how much to ask for, and leaves what is there. */
	assert_int_equal(content_write(b, data, 2 * MIB, &err), 0);
	assert_int_equal(content_write(b, data, 4 * MIB, &err), -1);
	assert_string_equal(err.code, "budget");
	assert_true(content_wanted(b) >= 6 * MIB);
	assert_int_equal(content_size(b), 2 * MIB);
	/* When room comes back, it goes on. */
	content_free(a);
	assert_int_equal(content_write(b, data, 4 * MIB, &err), 0);
	assert_true(content_budget_used(f->budget) <= 8 * MIB);
	assert_true(content_budget_peak(f->budget) >= 7 * MIB);
	assert_true(content_budget_peak(f->budget) <= 8 * MIB);
	content_free(b);
}

static void *budget_main(void *arg)
{
	struct fixture *f = arg;
	static const char data[50000];

	for (int i = 0; i < 200; i++) {
		struct content *c;
		if (content_new(f->budget, -1, 4 * MIB, 0, &c, NULL) < 0)
			continue;
		for (int k = 0; k < 20; k++)
			content_write(c, data, sizeof(data), NULL);
		content_free(c);
	}
	return NULL;
}

static void test_budget_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, budget_main, f);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(content_budget_peak(f->budget) <= 8 * MIB);
}

static void test_left_overs(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct content_budget *again;

	snprintf(path, sizeof(path), "%s/spool-0123", f->spool);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(content_budget_new(1, f->spool, 1, &again, NULL), 0);
	content_budget_free(again);
	assert_int_equal(access(path, F_OK), -1);
}

/* ---- filled by http_call() ---- */

#define BODY (3 * MIB)

struct http_fixture {
	struct fixture *f;
	struct net_server *server;
	struct http *http;
	unsigned char *body;
	int cut; /* attempts to cut short */
};

static bool serve(void *ctx, const struct net_request *req, int fd)
{
	struct http_fixture *h = ctx;
	char range[64], head[256];
	long at = 0;

	if (net_request_header(req, "Range", range, sizeof(range)) && strcmp(req->target, "/ignores-range") != 0)
		at = strtol(range + strlen("bytes="), NULL, 10);
	if (strcmp(req->target, "/chunked") == 0) {
		net_sends(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (int i = 0; i < 3; i++) {
			net_sends(fd, "100000\r\n");
			net_send(fd, h->body + i * MIB, MIB);
			net_sends(fd, "\r\n");
		}
		net_sends(fd, "0\r\n\r\n");
		return true;
	}
	if (strcmp(req->target, "/gzip") == 0) {
		net_answers(fd, "200 OK", "Content-Encoding: gzip\r\n", "not asked for");
		return true;
	}
	if (strcmp(req->target, "/empty") == 0) {
		net_answers(fd, "200 OK", NULL, "");
		return true;
	}
	if (strcmp(req->target, "/part") == 0) {
		net_answers(fd, "206 Partial Content", "Content-Range: bytes 5-9/10\r\n", "56789");
		return true;
	}
	if (strcmp(req->target, "/404") == 0) {
		net_answers(fd, "404 Not Found", NULL, "{\"error\":1}");
		return true;
	}
	if (at)
		snprintf(head, sizeof(head), "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %ld-%d/%d\r\n", at, BODY - 1, BODY);
	else
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n");
	net_sends(fd, head);
	snprintf(head, sizeof(head), "Content-Length: %ld\r\n\r\n", BODY - at);
	net_sends(fd, head);
	if (strcmp(req->target, "/cut") == 0 && h->cut-- > 0) {
		net_send(fd, h->body + at, MIB);
		return false;
	}
	net_send(fd, h->body + at, (size_t)(BODY - at));
	return true;
}

static int http_setup(void **state)
{
	struct http_fixture *h = calloc(1, sizeof(*h));
	struct http_options o = {.low_speed_s = 5};
	void *f;

	setup(&f);
	h->f = f;
	h->body = malloc(BODY);
	fill(h->body, BODY);
	h->server = net_server_new(serve, h);
	*state = h;
	return http_new(&o, &h->http, NULL);
}

static int http_teardown(void **state)
{
	struct http_fixture *h = *state;
	void *f = h->f;

	http_free(h->http);
	net_server_free(h->server);
	free(h->body);
	free(h);
	return teardown(&f);
}

static int fetch(struct http_fixture *h, const char *path, struct content *c, struct http_response *ret, struct err *err)
{
	char url[128], range[64];
	const char *const headers[] = {range, NULL};

	snprintf(url, sizeof(url), "%s%s", net_server_url(h->server), path);
	snprintf(range, sizeof(range), "Range: bytes=%d-", (int)content_size(c));
	struct http_request req = {.method = "GET", .url = url, .content = c, .headers = content_size(c) ? headers : NULL};
	return http_call(h->http, &req, ret, err);
}

static void is_body(struct http_fixture *h, struct content *c)
{
	struct digests got, want;

	assert_int_equal(content_finish(c, &got, NULL), 0);
	digest_bytes(DIGEST_SHA256, h->body, BODY, &want);
	assert_string_equal(got.sha256, want.sha256);
}

static void test_download(void **state)
{
	struct http_fixture *h = *state;
	static const char *const paths[] = {"/", "/chunked"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_response_ struct http_response res = {0};
		_cleanup_(content_freep) struct content *c = NULL;
		assert_int_equal(content_new(h->f->budget, -1, 4 * MIB, DIGEST_SHA256, &c, NULL), 0);
		assert_int_equal(fetch(h, paths[i], c, &res, NULL), 0);
		assert_int_equal(res.status, 200);
		assert_int_equal(res.body.len, 0);
		is_body(h, c);
	}
}

static void test_download_resumed(void **state)
{
	struct http_fixture *h = *state;
	static const char *const second[] = {"/cut", "/ignores-range"};

	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		_cleanup_response_ struct http_response res = {0};
		_cleanup_(content_freep) struct content *c = NULL;
		struct http_response none;
		struct err err;
		h->cut = 1;
		assert_int_equal(content_new(h->f->budget, -1, 4 * MIB, DIGEST_SHA256, &c, NULL), 0);
		assert_int_equal(fetch(h, "/cut", c, &none, &err), -1);
		assert_string_equal(err.code, "truncated");
		assert_int_equal(content_size(c), 1 * MIB);
		assert_int_equal(fetch(h, second[i], c, &res, &err), 0);
		assert_int_equal(res.status, i == 0 ? 206 : 200);
		is_body(h, c);
	}
}

static void test_download_errors(void **state)
{
	struct http_fixture *h = *state;
	_cleanup_response_ struct http_response res = {0}, empty = {0};
	struct http_response none;
	struct content *c;
	struct err err;

	assert_int_equal(content_new(h->f->budget, -1, 1 * MIB, DIGEST_SHA256, &c, NULL), 0);
	assert_int_equal(fetch(h, "/", c, &none, &err), -1); /* by Content-Length */
	assert_string_equal(err.code, "size_limit");
	assert_int_equal(content_size(c), 0);
	assert_int_equal(fetch(h, "/chunked", c, &none, &err), -1); /* while it comes */
	assert_string_equal(err.code, "size_limit");
	assert_int_equal(content_restart(c, NULL), 0);
	assert_int_equal(fetch(h, "/gzip", c, &none, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	/* A part nobody asked for is not the whole. */
	assert_int_equal(fetch(h, "/part", c, &none, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_int_equal(content_size(c), 0);
	assert_int_equal(fetch(h, "/404", c, &res, &err), 0);
	assert_string_equal(buf_str(&res.body), "{\"error\":1}");
	assert_int_equal(content_size(c), 0);
	/* A later answer without a body takes the place of what an earlier attempt left. */
	assert_int_equal(content_write(c, "old", 3, NULL), 0);
	assert_int_equal(fetch(h, "/empty", c, &empty, &err), 0);
	assert_int_equal(content_size(c), 0);
	content_free(c);

	struct content *big, *small;
	assert_int_equal(content_new(h->f->budget, 6 * MIB, 6 * MIB, 0, &big, NULL), 0);
	assert_int_equal(content_new(h->f->budget, -1, 6 * MIB, 0, &small, NULL), 0);
	assert_int_equal(fetch(h, "/", small, &none, &err), -1);
	assert_string_equal(err.code, "budget");
	assert_int_equal(content_wanted(small), BODY);
	content_free(big);
	content_free(small);
}

static void *download_main(void *arg)
{
	struct http_fixture *h = arg;
	struct digests want;

	digest_bytes(DIGEST_SHA256, h->body, BODY, &want);
	for (int i = 0; i < 5; i++) {
		_cleanup_response_ struct http_response res = {0};
		_cleanup_(content_freep) struct content *c = NULL;
		struct digests got;
		if (content_new(h->f->budget, 1 * MIB, 4 * MIB, DIGEST_SHA256, &c, NULL) < 0)
			continue;
		/* The budget may be spent by the others: that, and nothing else, may go wrong. */
		struct err err;
		if (fetch(h, i % 2 ? "/" : "/chunked", c, &res, &err) < 0) {
			if (strcmp(err.code, "budget") != 0)
				return NULL;
			continue;
		}
		if (content_finish(c, &got, NULL) < 0 || strcmp(got.sha256, want.sha256) != 0)
			return NULL;
	}
	return arg;
}

static void test_many_downloads(void **state)
{
	struct http_fixture *h = *state;
	pthread_t threads[8];
	void *ok;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, download_main, h);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &ok);
		assert_non_null(ok);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_and_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_overs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_download, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(test_download_resumed, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(test_download_errors, http_setup, http_teardown),
		cmocka_unit_test_setup_teardown(test_many_downloads, http_setup, http_teardown),
	};

	return cmocka_run_group_tests_name("net_content", tests, NULL, NULL);
}
