/* The web role's main: meets core, starts the server, ends when core does; see web.h. The main thread waits; requests run on
 * threads of http.c. */
#include "web/web.h"

#include "base/log.h"
#include "web/impl.h"
#include "web/listen.h"

#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* Core asks nothing of us. */
static int serve_nothing(void *ctx, struct rpc *rpc, struct msg *m)
{
	return -1;
}

static void core_gone(void *ctx, struct rpc *rpc)
{
	sem_post(ctx);
}

static const char *text_or(const cJSON *o, const char *key, const char *fallback)
{
	const char *s = json_str(o, key);

	return s && *s ? s : fallback;
}

/* Reads WEB_CONFIG; takes doc. */
static void configure(struct web *w, cJSON *doc)
{
	const char *public_url = text_or(doc, "public_url", "");
	size_t n = strlen(public_url);

	w->config = doc;
	w->store_name = text_or(doc, "store", "");
	w->time_zone = text_or(doc, "time_zone", "UTC");
	w->language = web_language_of(text_or(doc, "language", "ja"), WEB_JA);
	w->sign_in = json_array(doc, "sign_in");
	w->apps = json_object(doc, "apps");
	w->proxied = n > 0;
	while (n && public_url[n - 1] == '/')
		n--;
	snprintf(w->public_url, sizeof(w->public_url), "%.*s", (int)n, public_url);
	pthread_mutex_init(&w->lock, NULL);
}

/* The listening socket; -1 when there is to be none, or none can be made. */
static int open_socket(struct web *w, const char *listen)
{
	char url[256];
	struct err err;
	int fd;

	if (strcmp(listen, "off") == 0)
		return -1;
	if (web_listen(listen, &fd, url, sizeof(url), &err) < 0) {
		log_err(LOG_ERROR_, "web.listen", &err);
		return -1;
	}
	if (strncmp(url, "http", 4) == 0)
		snprintf(w->listen_url, sizeof(w->listen_url), "%s", url);
	if (!w->proxied)
		snprintf(w->public_url, sizeof(w->public_url), "%s", *w->listen_url ? url : "http://localhost");
	log_info("web.listening", "url=%s", url);
	return fd;
}

static struct web_server *start(struct web *w, int fd)
{
	const struct web_server_config config = {.fd = fd, .ctx = w, .handle = web_handle, .refused = web_refused};
	struct web_server *server = NULL;
	struct err err;

	if (fd >= 0 && web_server_start(&config, &server, &err) < 0)
		log_err(LOG_ERROR_, "web.start", &err);
	return server;
}

/* The address that people open, for core's log and links. */
static int announce(struct web *w, bool listening)
{
	_cleanup_msg_ struct msg m;
	char url[700];

	snprintf(url, sizeof(url), "%s/", w->public_url);
	msg_init(&m, WEB_LISTENING, 0);
	msg_put_str(&m, listening ? url : "");
	return rpc_notify(w->rpc, &m);
}

int web_role_main(int fd)
{
	const struct rpc_ops ops = {.serve = serve_nothing, .gone = core_gone};
	_cleanup_msg_ struct msg m = {0};
	struct web w = {0};
	struct err err;
	sem_t gone;
	cJSON *doc;

	log_open("web");
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	sem_init(&gone, 0, 0);
	if (msg_recv(fd, &m) != 1)
		return 0;
	const char *text = m.type == WEB_CONFIG ? msg_get_str(&m) : NULL;
	if (!text || msg_end(&m) < 0 || json_parse(text, strlen(text), &doc, &err) < 0)
		return 1;
	configure(&w, doc);
	const char *listen = text_or(doc, "listen", "off"), *path = strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;
	int socket = open_socket(&w, listen);
	web_harden(w.store_name, path);
	if (rpc_new("core", fd, &ops, &gone, &w.rpc, &err) < 0) {
		log_err(LOG_ERROR_, "web.start", &err);
		return 1;
	}
	struct web_server *server = start(&w, socket);
	announce(&w, server != NULL);
	while (sem_wait(&gone) < 0)
		;
	web_server_stop(server);
	if (server && path)
		unlink(path);
	store_close(w.store);
	rpc_free(w.rpc);
	cJSON_Delete(w.config);
	return 0;
}
