/* Makes the listening socket; see listen.h. */
#include "web/listen.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int listen_unix(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof(addr.sun_path))
		return err_set(err, ERR_REMOTE, "bad_config", "console listen: unix: wants an absolute path of at most %zu bytes",
			sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* What a former run left behind; never anything but a socket. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	if (fd < 0)
		return err_errno(err, "console listen");
	mode_t old = umask(0117);
	int r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	if (r < 0 || listen(fd, 128) < 0)
		return err_errno(err, "console listen: %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* "host:port" of loopback. Returns the length of the address, 0 when it is none. */
static socklen_t parse(const char *where, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;
	const char *colon = strrchr(where, ':');
	char host[64], *end;

	if (!colon || colon == where || colon - where >= (long)sizeof(host))
		return 0;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	if (!*(colon + 1) || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return 0;
	long port = strtol(colon + 1, &end, 10);
	if (*end || port > 65535)
		return 0;
	memset(ret, 0, sizeof(*ret));
	if (strcmp(host, "[::1]") == 0) {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons((unsigned short)port);
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((unsigned short)port);
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) != 1 ||
		(ntohl(v4->sin_addr.s_addr) >> 24) != 127)
		return 0;
	return sizeof(*v4);
}

static int listen_inet(const char *where, int *ret_fd, char *url, size_t url_size, struct err *err)
{
	struct sockaddr_storage addr;
	socklen_t len = parse(where, &addr);
	char text[INET6_ADDRSTRLEN];
	int one = 1;

	if (!len)
		return err_set(err, ERR_REMOTE, "bad_config",
			"console listen: an address of 127.0.0.0/8 or [::1] with a port, or unix:/path is wanted, not \"%s\"", where);
	_cleanup_close_ int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, 128) < 0 ||
		getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return err_errno(err, "console listen: %s", where);
	if (addr.ss_family == AF_INET6) {
		snprintf(url, url_size, "http://[::1]:%u", ntohs(((struct sockaddr_in6 *)(void *)&addr)->sin6_port));
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&addr;
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(url, url_size, "http://%s:%u", text, ntohs(v4->sin_port));
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int web_listen(const char *where, int *ret_fd, char *url, size_t url_size, struct err *err)
{
	if (strncmp(where, "unix:", 5) != 0)
		return listen_inet(where, ret_fd, url, url_size, err);
	if (listen_unix(where + 5, ret_fd, err) < 0)
		return -1;
	snprintf(url, url_size, "%s", where);
	return 0;
}
