/* Core's side of a recheck; see recheck.h. */
#include "scan/recheck.h"

#include "base/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_MS 10000
#define ANSWER_S 600 /* 8 million signatures take seconds; a process that hangs is given up */

struct recheck {
	int fd;
};

void recheck_close(struct recheck *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r);
}

static int receive(struct recheck *r, uint32_t type, struct msg *ret, struct err *err)
{
	int n = msg_recv(r->fd, ret);

	if (n <= 0)
		return err_set(err, ERR_RETRY, n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? "peer_timeout" : "peer_gone",
			"the recheck ended");
	if (ret->type != type || ret->n_fds)
		return err_set(err, ERR_REMOTE, "bad_reply", "the recheck answered something malformed");
	return 0;
}

static int bad(struct err *err)
{
	return err_set(err, ERR_REMOTE, "bad_reply", "the recheck answered something malformed");
}

int recheck_open(struct scan_client *c, struct recheck **ret, int64_t *ret_signatures, struct err *err)
{
	_cleanup_msg_ struct msg m = {0}, reply = {0}, ready = {0};
	_cleanup_(recheck_closep) struct recheck *r = calloc(1, sizeof(*r));
	const struct timeval patience = {.tv_sec = ANSWER_S};

	if (!r)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	r->fd = -1;
	msg_init(&m, SCAN_RECHECK, 0);
	if (rpc_call(c->rpc, &m, START_MS, &reply, err) < 0)
		return -1;
	if (reply.type != SCAN_RECHECK_REPLY || msg_end(&reply) < 0)
		return bad(err);
	r->fd = msg_take_fd(&reply);
	if (r->fd < 0)
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role could not begin a recheck");
	setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(r->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (receive(r, RECHECK_READY, &ready, err) < 0)
		return -1;
	int64_t n = msg_get_i64(&ready);
	if (msg_end(&ready) < 0 || n < 0)
		return bad(err);
	*ret_signatures = n;
	*ret = TAKE_PTR(r);
	return 0;
}

/* The records travel in a memory file: a message would not hold them. */
static int ask(struct recheck *r, uint32_t type, const struct recheck_record *records, uint32_t n, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};
	size_t len = n * sizeof(*records), at = 0;
	int fd = memfd_create("recheck", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	while (fd >= 0 && at < len) {
		ssize_t w = write(fd, (const char *)records + at, len - at);
		if (w <= 0)
			break;
		at += (size_t)w;
	}
	msg_init(&m, type, 0);
	if (fd < 0 || at < len || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0 || msg_put_u32(&m, n) < 0 ||
		msg_put_fd(&m, fd) < 0) {
		err_errno(err, "recheck");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return msg_send(r->fd, &m) < 0 ? err_set(err, ERR_RETRY, "peer_gone", "the recheck ended") : 0;
}

int recheck_look(struct recheck *r, const struct recheck_record *records, uint32_t n, uint32_t *ret_maybe, uint32_t *ret_n,
	struct err *err)
{
	_cleanup_msg_ struct msg m = {0};
	size_t len;

	if (ask(r, RECHECK_LOOK, records, n, err) < 0 || receive(r, RECHECK_MAYBE, &m, err) < 0)
		return -1;
	const void *indexes = msg_get_bytes(&m, &len);
	if (msg_end(&m) < 0 || len % sizeof(uint32_t) || len / sizeof(uint32_t) > n)
		return bad(err);
	if (len)
		memcpy(ret_maybe, indexes, len);
	*ret_n = (uint32_t)(len / sizeof(uint32_t));
	for (uint32_t i = 0; i < *ret_n; i++)
		if (ret_maybe[i] >= n)
			return bad(err);
	return 0;
}

int recheck_verify(struct recheck *r, const struct recheck_record *records, uint32_t n, struct recheck_found *ret, uint32_t *ret_n,
	struct err *err)
{
	_cleanup_msg_ struct msg m = {0};

	if (ask(r, RECHECK_VERIFY, records, n, err) < 0 || receive(r, RECHECK_FOUND, &m, err) < 0)
		return -1;
	uint32_t found = msg_get_u32(&m);
	if (m.broken || found > n)
		return bad(err);
	for (uint32_t i = 0; i < found; i++) {
		ret[i].record = msg_get_u32(&m);
		const char *name = msg_get_str(&m);
		if (m.broken || !name || ret[i].record >= n)
			return bad(err);
		snprintf(ret[i].name, sizeof(ret[i].name), "%s", name);
	}
	if (msg_end(&m) < 0)
		return bad(err);
	*ret_n = found;
	return 0;
}
