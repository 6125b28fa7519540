/* Small HTTP POSTs to loopback addresses: the validation handshake of subscriptions and their notifications.
 * ms_deliver_validate() runs on the caller's thread and waits up to ten seconds; notifications go out on one thread
 * of this file's own, which is started with the first of them and lives as long as the process. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <netinet/in.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_S 10
#define QUEUE_MAX 10000

struct job {
	char *url, *body;
	struct job *next;
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_more = PTHREAD_COND_INITIALIZER;
static struct job *queue_first, *queue_last;
static int queue_n;
static bool queue_runs;

/* "http://127.0.0.1:8480/hooks" → port and path; -1 when it is not plain http on a loopback address. */
static int target(const char *url, int *ret_port, const char **ret_path)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
	const char *p;
	char *end;

	if (!url || strncmp(url, "http://", 7))
		return -1;
	p = url + 7;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		size_t n = strlen(hosts[i]);
		if (strncasecmp(p, hosts[i], n) || !strchr(":/", p[n]))
			continue;
		long port = 80;
		p += n;
		if (*p == ':') {
			port = strtol(p + 1, &end, 10);
			p = end;
		}
		if (port < 1 || port > 65535 || (*p && *p != '/'))
			return -1;
		*ret_port = (int)port;
		*ret_path = *p ? p : "/";
		return 0;
	}
	return -1;
}

bool ms_deliver_allowed(const char *url)
{
	const char *path;
	int port;

	return target(url, &port, &path) == 0;
}

/* Sends and reads the answer to its end. -1 on any failure. */
static int post(const char *url, const char *extra_query, const char *type, const char *body, struct buf *answer)
{
	struct timeval limit = {.tv_sec = TIMEOUT_S};
	struct sockaddr_in to = {.sin_family = AF_INET};
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	const char *path;
	char chunk[4096];
	ssize_t n;
	int port;

	if (target(url, &port, &path) < 0)
		return -1;
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	buf_addf(&b, "POST %s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n", path,
		*extra_query ? strchr(path, '?') ? "&" : "?" : "", extra_query, port);
	buf_addf(&b, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type, strlen(body), body);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	for (size_t at = 0; at < b.len; at += (size_t)n) {
		n = send(fd, b.data + at, b.len - at, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
	}
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
		if (buf_add(answer, chunk, (size_t)n) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

bool ms_deliver_validate(const char *url, const char *token)
{
	_cleanup_buf_ struct buf query = BUF_INIT(4096), answer = BUF_INIT(64 << 10);
	const char *head, *body;

	buf_adds(&query, "validationToken=");
	url_encode(&query, token, "");
	if (post(url, buf_str(&query), "text/plain; charset=utf-8", "", &answer) < 0)
		return false;
	head = buf_str(&answer);
	body = strstr(head, "\r\n\r\n");
	/* The body may be chunked: the token has to be in it either way. */
	return body && !strncmp(head, "HTTP/1.", 7) && !strncmp(head + 8, " 200", 4) && strcasestr(head, "text/plain") &&
	       strstr(body, token);
}

static void *run(void *arg)
{
	(void)arg;
	for (;;) {
		_cleanup_buf_ struct buf answer = BUF_INIT(64 << 10);
		struct job *job;
		pthread_mutex_lock(&queue_lock);
		while (!queue_first)
			pthread_cond_wait(&queue_more, &queue_lock);
		job = queue_first;
		queue_first = job->next;
		if (!queue_first)
			queue_last = NULL;
		queue_n--;
		pthread_mutex_unlock(&queue_lock);
		post(job->url, "", "application/json; charset=utf-8", job->body, &answer);
		free(job->url);
		free(job->body);
		free(job);
	}
	return NULL;
}

void ms_deliver(const char *url, char *body)
{
	struct job *job = ms_alloc(sizeof(*job));
	pthread_t thread;

	job->url = ms_strdup(url);
	job->body = body ? body : ms_strdup("{}");
	pthread_mutex_lock(&queue_lock);
	if (queue_n >= QUEUE_MAX) {
		pthread_mutex_unlock(&queue_lock);
		free(job->url);
		free(job->body);
		free(job);
		return;
	}
	if (queue_last)
		queue_last->next = job;
	else
		queue_first = job;
	queue_last = job;
	queue_n++;
	if (!queue_runs && pthread_create(&thread, NULL, run, NULL) == 0) {
		pthread_detach(thread);
		queue_runs = true;
	}
	pthread_cond_signal(&queue_more);
	pthread_mutex_unlock(&queue_lock);
}
