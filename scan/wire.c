/* Whole messages over SOCK_SEQPACKET; see wire.h. Used by the master, generations and workers. */
#include "scan/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct packet {
	uint32_t type;
	uint32_t len;
	uint64_t id;
};

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
};

int wire_pair(int fds[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, "socketpair");
	/* A message stands in the buffer as a whole; the kernel doubles what is asked for, up to what the system allows. */
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &(int){WIRE_MAX}, sizeof(int));
	return 0;
}

int wire_send(int fd, struct msg *m, bool wait)
{
	struct packet p = {m->type, (uint32_t)m->body.len, m->id};
	struct iovec iov[2] = {{&p, sizeof(p)}, {m->body.data, m->body.len}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = m->body.len ? 2 : 1};
	union control control = {0};
	ssize_t n;

	if (m->broken || m->body.len > WIRE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (m->n_fds) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)m->n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)m->n_fds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * (size_t)m->n_fds);
	}
	do
		n = sendmsg(fd, &mh, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	for (int i = 0; i < m->n_fds; i++)
		close(m->fds[i]);
	m->n_fds = 0;
	return 0;
}

static void take_fds(struct msghdr *mh, struct msg *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (msg_put_fd(m, fd) < 0)
				close(fd);
		}
	}
}

int wire_recv(int fd, struct msg *m, bool wait)
{
	char data[WIRE_MAX];
	struct packet p;
	union control control;
	struct iovec iov[2] = {{&p, sizeof(p)}, {data, sizeof(data)}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	ssize_t n;

	msg_init(m, 0, 0);
	do
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -1;
	if (n == 0)
		return 0;
	take_fds(&mh, m);
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n < sizeof(p) || (size_t)n != sizeof(p) + p.len ||
		buf_add(&m->body, data, p.len) < 0) {
		msg_free(m);
		errno = EBADMSG;
		return -1;
	}
	m->type = p.type;
	m->id = p.id;
	return 1;
}
