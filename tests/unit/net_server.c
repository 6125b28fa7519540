/* The tests' HTTP server; see net_server.h. */
#include "tests/unit/net_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_CONNECTIONS 512

struct connection {
	struct net_server *server;
	int fd;
	pthread_t thread;
};

struct net_server {
	int fd;
	char url[64];
	net_handler *handle;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	bool stop;
	int requests, n;
	struct connection connections[MAX_CONNECTIONS];
};

void net_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void net_sends(int fd, const char *text)
{
	net_send(fd, text, strlen(text));
}

void net_answer(int fd, const char *status, const char *headers, const void *body, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);

	buf_addf(&b, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, headers ? headers : "", len);
	if (len < 65536) {
		buf_add(&b, body, len);
		net_send(fd, b.data, b.len);
		return;
	}
	net_send(fd, b.data, b.len);
	net_send(fd, body, len);
}

void net_answers(int fd, const char *status, const char *headers, const char *body)
{
	net_answer(fd, status, headers, body, strlen(body));
}

bool net_request_header(const struct net_request *req, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	for (const char *p = strstr(buf_str(&req->head), "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, len) != 0 || p[len] != ':')
			continue;
		p += len + 1;
		p += strspn(p, " ");
		snprintf(out, size, "%.*s", (int)strcspn(p, "\r\n"), p);
		return true;
	}
	return false;
}

static bool read_request(int fd, struct net_request *req)
{
	char c, value[32];

	while (req->head.len < 4 || memcmp(req->head.data + req->head.len - 4, "\r\n\r\n", 4) != 0)
		if (recv(fd, &c, 1, 0) != 1 || buf_addc(&req->head, c) < 0)
			return false;
	if (sscanf(req->head.data, "%15s %4095s", req->method, req->target) != 2)
		return false;
	if (!net_request_header(req, "Content-Length", value, sizeof(value)))
		return true;
	for (long left = strtol(value, NULL, 10); left > 0; left--)
		if (recv(fd, &c, 1, 0) != 1 || buf_addc(&req->body, c) < 0)
			return false;
	return true;
}

static void *connection_main(void *arg)
{
	struct connection *c = arg;
	bool keep = true;

	while (keep) {
		struct net_request req = {.head = BUF_INIT(1 << 17), .body = BUF_INIT(1 << 24)};
		keep = read_request(c->fd, &req);
		if (keep) {
			pthread_mutex_lock(&c->server->lock);
			c->server->requests++;
			pthread_mutex_unlock(&c->server->lock);
			keep = c->server->handle(c->server->ctx, &req, c->fd);
		}
		buf_free(&req.head);
		buf_free(&req.body);
	}
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_main(void *arg)
{
	struct net_server *s = arg;
	int fd, one = 1;

	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		pthread_mutex_lock(&s->lock);
		if (s->stop || s->n == MAX_CONNECTIONS) {
			close(fd);
		} else {
			struct connection *c = &s->connections[s->n];
			c->server = s;
			c->fd = fd;
			if (pthread_create(&c->thread, NULL, connection_main, c) == 0)
				s->n++;
			else
				close(fd);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

struct net_server *net_server_new(net_handler *handle, void *ctx)
{
	struct net_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	if (!s)
		abort();
	s->handle = handle;
	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->fd, 64) < 0 ||
		getsockname(s->fd, (struct sockaddr *)&a, &len) < 0 ||
		pthread_create(&s->thread, NULL, accept_main, s) != 0)
		abort();
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	return s;
}

void net_server_free(struct net_server *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < s->n; i++) {
		shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_join(s->connections[i].thread, NULL);
		close(s->connections[i].fd);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *net_server_url(const struct net_server *s)
{
	return s->url;
}

int net_server_connections(struct net_server *s)
{
	pthread_mutex_lock(&s->lock);
	int n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int net_server_requests(struct net_server *s)
{
	pthread_mutex_lock(&s->lock);
	int n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}
