/* The health page on libmicrohttpd; see web.h. One thread of the library's own, and the main one that waits for core. */
#include "web/web.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
	static const char *const headers[][2] = {
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cache-Control", "no-store"},
	};
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	enum MHD_Result result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **state)
{
	static int seen;

	if (!*state) { /* first call: headers only */
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) { /* a body nobody asked for */
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed\n");
	if (strcmp(url, "/health") != 0 && strcmp(url, "/") != 0)
		return answer(connection, MHD_HTTP_NOT_FOUND, "not found\n");
	return answer(connection, MHD_HTTP_OK, "sekisho is running\n");
}

/* "127.0.0.1:8480"; loopback only in this version. */
static int parse_listen(const char *listen, struct sockaddr_in *ret)
{
	char host[64];
	const char *colon = strrchr(listen, ':');
	char *end;

	if (!colon || colon - listen >= (long)sizeof(host))
		return -1;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
	long port = strtol(colon + 1, &end, 10);
	memset(ret, 0, sizeof(*ret));
	ret->sin_family = AF_INET;
	if (*end || port < 0 || port > 65535 || inet_pton(AF_INET, host, &ret->sin_addr) != 1 ||
		(ntohl(ret->sin_addr.s_addr) >> 24) != 127)
		return -1;
	ret->sin_port = htons((unsigned short)port);
	return 0;
}

/* Starts the server; url gets its address, "" when there is none. */
static struct MHD_Daemon *start(const char *where, char *url, size_t size)
{
	struct sockaddr_in addr;

	url[0] = '\0';
	if (strcmp(where, "off") == 0)
		return NULL;
	if (parse_listen(where, &addr) < 0) {
		log_error("web.start", "listen=%s message=\"an address of 127.0.0.0/8 with a port is wanted\"", where);
		return NULL;
	}
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, NULL,
		MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 15u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
	const union MHD_DaemonInfo *info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (info)
		snprintf(url, size, "http://127.0.0.1:%u/", info->port);
	else
		log_error("web.start", "listen=%s error=\"%s\"", where, strerror(errno));
	return daemon;
}

int web_role_main(int fd)
{
	_cleanup_msg_ struct msg m = {0}, reply = {0};
	char url[64];

	log_open("web");
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	msg_init(&reply, WEB_LISTENING, 0);
	if (msg_recv(fd, &m) != 1)
		return 0;
	const char *config = msg_get_str(&m);
	_cleanup_json_ cJSON *doc = NULL;
	if (m.type != WEB_CONFIG || !config || msg_end(&m) < 0 || json_parse(config, strlen(config), &doc, NULL) < 0)
		return 1;
	struct MHD_Daemon *daemon = start(json_str_or(doc, "listen", "off"), url, sizeof(url));
	msg_put_str(&reply, url);
	if (msg_send(fd, &reply) < 0)
		return 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;
	while (poll(&p, 1, -1) < 0 || read(fd, &byte, 1) > 0)
		;
	if (daemon)
		MHD_stop_daemon(daemon);
	return 0;
}
