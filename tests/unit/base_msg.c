/* base/msg and base/rpc: whole messages with descriptors, hostile bodies and framing, calls from many threads. */
#include "base/rpc.h"

#include "base/ioutil.h"
#include "cmocka_all.h"

#include <pthread.h>
#include <sys/socket.h>

static void round_trip(void **state)
{
	int sv[2];
	struct msg m, got;
	struct err e = {.class = ERR_RETRY, .code = "x", .message = "y"}, e2;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	msg_init(&m, 7, 9);
	msg_put_u32(&m, 1);
	msg_put_str(&m, NULL);
	msg_put_str(&m, "関所");
	msg_put_err(&m, &e);
	msg_put_fd(&m, io_memfd("a", NULL));
	msg_put_fd(&m, io_memfd("b", NULL));
	assert_int_equal(msg_send(sv[0], &m), 0);
	msg_free(&m);
	assert_int_equal(msg_recv(sv[1], &got), 1);
	assert_int_equal(got.type, 7);
	assert_int_equal(msg_get_u32(&got), 1);
	assert_null(msg_get_str(&got));
	assert_string_equal(msg_get_str(&got), "関所");
	msg_get_err(&got, &e2);
	assert_int_equal(e2.class, ERR_RETRY);
	assert_int_equal(msg_end(&got), 0);
	assert_int_equal(got.n_fds, 2);
	msg_free(&got);
	close(sv[0]);
	assert_int_equal(msg_recv(sv[1], &got), 0);
	close(sv[1]);
}

static void wrong_fields_break(void **state)
{
	struct msg m;

	msg_init(&m, 1, 1);
	msg_put_u32(&m, 5);
	assert_null(msg_get_str(&m));
	assert_true(m.broken);
	assert_int_equal(msg_end(&m), -1);
	msg_free(&m);
	msg_init(&m, 1, 1);
	buf_add(&m.body, "s\xff\xff\xff\x7f" "abc", 8); /* a length beyond the body */
	assert_null(msg_get_str(&m));
	assert_true(m.broken);
	msg_free(&m);
	msg_init(&m, 1, 1);
	buf_add(&m.body, "s\x03\x00\x00\x00" "a\0c\0", 9); /* a NUL inside */
	assert_null(msg_get_str(&m));
	assert_true(m.broken);
	msg_free(&m);
	msg_init(&m, 1, 1);
	msg_put_u32(&m, 5);
	assert_int_equal(msg_end(&m), -1); /* something left */
	msg_free(&m);
}

static void bad_framing_is_refused(void **state)
{
	int sv[2];
	struct msg got;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(io_write_all(sv[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27), 0);
	assert_int_equal(msg_recv(sv[1], &got), -1);
	close(sv[0]);
	close(sv[1]);
}

static int echo(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct msg reply;
	uint32_t v = msg_get_u32(m);

	if (msg_end(m) < 0)
		return -1;
	msg_init(&reply, m->type + 1, m->id);
	msg_put_u32(&reply, v * 2);
	int r = rpc_reply(rpc, &reply);
	msg_free(&reply);
	return r;
}

static void *caller(void *arg)
{
	struct rpc *rpc = arg;

	for (uint32_t i = 0; i < 300; i++) {
		struct msg m, reply;
		msg_init(&m, 1, 0);
		msg_put_u32(&m, i);
		if (rpc_call(rpc, &m, 20000, &reply, NULL) < 0 || msg_get_u32(&reply) != i * 2)
			return (void *)1;
		msg_free(&m);
		msg_free(&reply);
	}
	return NULL;
}

static void calls_from_many_threads(void **state)
{
	const struct rpc_ops ops = {.serve = echo};
	struct rpc *a, *b;
	pthread_t t[4];
	int sv[2];
	struct err err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(rpc_new("a", sv[0], &ops, NULL, &a, NULL), 0);
	assert_int_equal(rpc_new("b", sv[1], &ops, NULL, &b, NULL), 0);
	/* both ways at once */
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, caller, i % 2 ? a : b);
	for (int i = 0; i < 4; i++) {
		void *bad;
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	rpc_free(a);
	struct msg m, reply;
	msg_init(&m, 1, 0);
	msg_put_u32(&m, 1);
	assert_int_equal(rpc_call(b, &m, 2000, &reply, &err), -1);
	assert_string_equal(err.code, "peer_gone");
	msg_free(&m);
	rpc_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(wrong_fields_break),
		cmocka_unit_test(bad_framing_is_refused), cmocka_unit_test(calls_from_many_threads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
