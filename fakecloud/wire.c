/* Answers written to the socket by hand, because libmicrohttpd would not break the protocol for us: cut
 * short, of a wrong length, a byte at a time, or a reset. Connection's thread, no lock held; the caller
 * returns MHD_NO after. */
#include "fakecloud/core.h"

#include "base/timeutil.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int socket_of(const struct fc_connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};
			if (poll(&p, 1, 60000) <= 0)
				return -1;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

void wire_reset(const struct fc_connection *conn)
{
	int fd = socket_of(conn);
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	/* Dissolving the association makes Linux send RST at once, where closing would send FIN first. */
	if (fd >= 0)
		connect(fd, &none, sizeof(none));
}

bool wire_gone(const struct fc_connection *conn)
{
	int fd = socket_of(conn);
	char c;

	return fd < 0 || recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void wire_send(const struct fc_connection *conn, struct fc_response *res, const struct fault *fault,
	const void *body, size_t len)
{
	_cleanup_buf_ struct buf head = BUF_INIT(1 << 20);
	int fd = socket_of(conn);
	int64_t announced = (int64_t)len, sent = (int64_t)len;

	if (fault->what == FAULT_LENGTH)
		announced = announced + fault->length_delta > 0 ? announced + fault->length_delta : 0;
	if (fault->what == FAULT_CUT && fault->after_bytes < sent)
		sent = fault->after_bytes;
	buf_addf(&head, "HTTP/1.1 %d %s\r\nContent-Length: %lld\r\n", res->status,
		MHD_get_reason_phrase_for((unsigned)res->status), (long long)announced);
	for (size_t i = 0; i < res->headers->count; i++)
		buf_addf(&head, "%s: %s\r\n", res->headers->lines[i].name, res->headers->lines[i].value);
	buf_adds(&head, "\r\n");
	if (fd < 0 || send_all(fd, head.data, head.len) < 0)
		return;
	if (fault->what != FAULT_DRIP) {
		send_all(fd, body, (size_t)sent);
		return;
	}
	struct timespec pause = {fault->interval_ms / 1000, fault->interval_ms % 1000 * 1000000};
	for (size_t at = 0; at < len;) {
		size_t n = len - at < (size_t)fault->chunk ? len - at : (size_t)fault->chunk;
		nanosleep(&pause, NULL);
		if (wire_gone(conn) || send_all(fd, (const char *)body + at, n) < 0)
			return;
		at += n;
	}
}
