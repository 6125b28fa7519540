/* A small HTTP/1.1 server inside a test: raw sockets, so that it can answer as wrongly as a test wants.
 * One thread accepts, one more a connection. */
#ifndef TESTS_UNIT_NET_SERVER_H
#define TESTS_UNIT_NET_SERVER_H

#include "base/buf.h"

#include <stdbool.h>

struct net_server;

struct net_request {
	char method[16];
	char target[4096];
	struct buf head; /* request line and headers as they came */
	struct buf body; /* by Content-Length */
};

/* Writes the answer to fd. Returns true to keep the connection. Runs on the connection's thread. */
typedef bool net_handler(void *ctx, const struct net_request *req, int fd);

struct net_server *net_server_new(net_handler *handle, void *ctx);
void net_server_free(struct net_server *s);
/* "http://127.0.0.1:PORT" */
const char *net_server_url(const struct net_server *s);
int net_server_connections(struct net_server *s); /* accepted so far */
int net_server_requests(struct net_server *s);

/* Value of a header of the request into out; false when it is not there. */
bool net_request_header(const struct net_request *req, const char *name, char *out, size_t size);
/* Bytes to the client; a client that went away is no error. */
void net_send(int fd, const void *data, size_t len);
void net_sends(int fd, const char *text);
/* A whole answer: status line, the given further header lines (each with CRLF), Content-Length, body. */
void net_answer(int fd, const char *status, const char *headers, const void *body, size_t len);
void net_answers(int fd, const char *status, const char *headers, const char *body);

#endif
