/* Typed messages on a stream socketpair; see msg.h. */
#include "base/msg.h"

#include "base/ioutil.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MSG_MAGIC 0x73656b69u

/* The header as it is sent; both ends are the same binary on the same machine. */
struct header {
	uint32_t magic;
	uint32_t type;
	uint64_t id;
	uint32_t len;
	uint32_t n_fds;
};

/* A field: one byte of kind before its value, so that a reader that asks for another kind is told. */
enum field_kind { FIELD_U32 = 'u', FIELD_I64 = 'i', FIELD_STR = 's', FIELD_NULL = 'n', FIELD_BYTES = 'b' };

void msg_init(struct msg *m, uint32_t type, uint64_t id)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->id = id;
	m->body.max = MSG_MAX;
}

void msg_free(struct msg *m)
{
	buf_wipe(&m->body); /* bodies may hold access tokens */
	for (int i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->n_fds = 0;
}

static int put(struct msg *m, char kind, const void *data, size_t len)
{
	if (buf_addc(&m->body, kind) < 0 || buf_add(&m->body, data, len) < 0) {
		m->broken = true;
		return -1;
	}
	return 0;
}

int msg_put_u32(struct msg *m, uint32_t v)
{
	return put(m, FIELD_U32, &v, sizeof(v));
}

int msg_put_i64(struct msg *m, int64_t v)
{
	return put(m, FIELD_I64, &v, sizeof(v));
}

int msg_put_bytes(struct msg *m, const void *data, size_t len)
{
	uint32_t n = (uint32_t)len;

	if (len > MSG_MAX || put(m, FIELD_BYTES, &n, sizeof(n)) < 0 || buf_add(&m->body, data, len) < 0) {
		m->broken = true;
		return -1;
	}
	return 0;
}

int msg_put_str(struct msg *m, const char *s)
{
	if (!s)
		return put(m, FIELD_NULL, NULL, 0);
	uint32_t n = (uint32_t)strlen(s);
	/* With its NUL, so that the reader can point into the body. */
	if (strlen(s) > MSG_MAX || put(m, FIELD_STR, &n, sizeof(n)) < 0 || buf_add(&m->body, s, n + 1u) < 0) {
		m->broken = true;
		return -1;
	}
	return 0;
}

int msg_put_err(struct msg *m, const struct err *err)
{
	msg_put_u32(m, (uint32_t)err->class);
	msg_put_u32(m, (uint32_t)err->scope);
	msg_put_i64(m, err->retry_at);
	msg_put_i64(m, err->http_status);
	msg_put_str(m, err->code);
	msg_put_str(m, err->request_id);
	return msg_put_str(m, err->message);
}

int msg_put_fd(struct msg *m, int fd)
{
	if (m->n_fds == MSG_MAX_FDS)
		return -1;
	m->fds[m->n_fds++] = fd;
	return 0;
}

static const char *take(struct msg *m, char kind, size_t len)
{
	if (m->broken || m->body.len - m->at < 1 + len || m->body.data[m->at] != kind) {
		m->broken = true;
		return NULL;
	}
	const char *p = m->body.data + m->at + 1;
	m->at += 1 + len;
	return p;
}

uint32_t msg_get_u32(struct msg *m)
{
	uint32_t v = 0;
	const char *p = take(m, FIELD_U32, sizeof(v));

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

int64_t msg_get_i64(struct msg *m)
{
	int64_t v = 0;
	const char *p = take(m, FIELD_I64, sizeof(v));

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static const char *take_counted(struct msg *m, char kind, size_t extra, size_t *ret_len)
{
	uint32_t n = 0;
	const char *p = take(m, kind, sizeof(n));

	if (!p)
		return NULL;
	memcpy(&n, p, sizeof(n));
	if (m->body.len - m->at < (size_t)n + extra) {
		m->broken = true;
		return NULL;
	}
	p = m->body.data + m->at;
	m->at += (size_t)n + extra;
	*ret_len = n;
	return p;
}

const void *msg_get_bytes(struct msg *m, size_t *ret_len)
{
	size_t n = 0;
	const char *p = take_counted(m, FIELD_BYTES, 0, &n);

	*ret_len = p ? n : 0;
	return p;
}

const char *msg_get_str(struct msg *m)
{
	size_t n = 0;

	if (!m->broken && m->at < m->body.len && m->body.data[m->at] == FIELD_NULL) {
		m->at++;
		return NULL;
	}
	const char *p = take_counted(m, FIELD_STR, 1, &n);
	if (p && strnlen(p, n + 1) != n) {
		m->broken = true;
		return NULL;
	}
	return p;
}

void msg_get_err(struct msg *m, struct err *ret)
{
	struct err e = {0};

	e.class = (enum err_class)msg_get_u32(m);
	e.scope = (enum err_scope)msg_get_u32(m);
	e.retry_at = msg_get_i64(m);
	e.http_status = (int)msg_get_i64(m);
	const char *code = msg_get_str(m), *request_id = msg_get_str(m), *message = msg_get_str(m);
	if (e.class > ERR_CANCELLED || e.scope > SCOPE_NODE || !code || !request_id || !message) {
		m->broken = true;
		return;
	}
	snprintf(e.code, sizeof(e.code), "%s", code);
	snprintf(e.request_id, sizeof(e.request_id), "%s", request_id);
	snprintf(e.message, sizeof(e.message), "%s", message);
	*ret = e;
}

int msg_take_fd(struct msg *m)
{
	for (int i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			return TAKE_FD(m->fds[i]);
	return -1;
}

int msg_end(struct msg *m)
{
	return m->broken || m->at != m->body.len ? -1 : 0;
}

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
};

int msg_send(int fd, struct msg *m)
{
	struct header h = {MSG_MAGIC, m->type, m->id, (uint32_t)m->body.len, (uint32_t)m->n_fds};
	struct iovec iov[2] = {{&h, sizeof(h)}, {m->body.data, m->body.len}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = m->body.len ? 2 : 1};
	union control control = {0};
	ssize_t n;

	if (m->broken) {
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
		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	for (int i = 0; i < m->n_fds; i++)
		close(m->fds[i]);
	m->n_fds = 0;
	size_t sent = (size_t)n;
	while (sent < sizeof(h) + m->body.len) {
		const char *p = sent < sizeof(h) ? (const char *)&h + sent : m->body.data + (sent - sizeof(h));
		size_t left = sent < sizeof(h) ? sizeof(h) - sent : sizeof(h) + m->body.len - sent;
		n = send(fd, p, left, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		sent += (size_t)n;
	}
	return 0;
}

/* Reads len bytes, taking descriptors that come with them. 1, 0 at the end of file before the first byte, -1. */
static int recv_all(int fd, void *data, size_t len, struct msg *m)
{
	char *p = data;
	size_t got = 0;

	while (got < len) {
		union control control;
		struct iovec iov = {p + got, len - got};
		struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
			.msg_controllen = sizeof(control.space)};
		ssize_t n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return got ? -1 : 0;
		got += (size_t)n;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
			if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
				continue;
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < count; i++) {
				int new_fd;
				memcpy(&new_fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
				if (msg_put_fd(m, new_fd) < 0)
					close(new_fd);
			}
		}
		if (mh.msg_flags & MSG_CTRUNC)
			return -1;
	}
	return 1;
}

int msg_recv(int fd, struct msg *m)
{
	struct header h;

	msg_init(m, 0, 0);
	int r = recv_all(fd, &h, sizeof(h), m);
	if (r == 1 && (h.magic != MSG_MAGIC || h.len > MSG_MAX || (int)h.n_fds != m->n_fds))
		r = -1;
	if (r == 1 && h.len) {
		if (buf_reserve(&m->body, h.len) < 0 || recv_all(fd, m->body.data, h.len, m) != 1) {
			r = -1;
		} else {
			m->body.len = h.len;
			m->body.data[h.len] = '\0';
		}
	}
	if (r != 1) {
		msg_free(m);
		return r;
	}
	m->type = h.type;
	m->id = h.id;
	return 1;
}
