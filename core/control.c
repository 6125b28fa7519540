/* The control socket's server; see control.h. The handlers are in control_*.c. */
#include "core/control.h"

#include "base/ioutil.h"
#include "base/log.h"
#include "core/console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CLIENTS 16

struct control {
	struct core *core;
	int fd;
	char path[108];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int client_fds[CLIENTS]; /* -1: free */
	int n_clients;
	bool stopping;
};

struct client {
	struct control *ctl;
	int slot, fd;
	unsigned uid;
};

/* Those that change something or look at content have a row in the audit trail before and one after. What is not here may be a
 * command of the console (core/console.h), which sees to its own. */
static const struct command {
	const char *name;
	control_handler *handler;
	bool audited;
} commands[] = {
	{"connect", control_connect, true}, {"disconnect", control_disconnect, true}, {"revoke_all", control_revoke_all, true},
	{"restore", control_restore, true}, {"delete", control_delete, true}, {"download", control_download, true},
	{"scan", control_scan, false}, {"info", control_info, false}, {"check", control_check, false},
	{"console", control_console, false}, {"vault_rotate", control_vault_rotate, true},
	{"vault_backup", control_vault_backup, true}, {"vault_restore", control_vault_restore, true},
};

static void error_result(cJSON *result, const struct err *err)
{
	cJSON *e = cJSON_AddObjectToObject(result, "error");

	cJSON_AddStringToObject(e, "class", err_class_name(err->class));
	cJSON_AddStringToObject(e, "code", err->code);
	cJSON_AddStringToObject(e, "message", err->message);
	if (err->http_status)
		cJSON_AddNumberToObject(e, "status", err->http_status);
	if (err->request_id[0])
		cJSON_AddStringToObject(e, "request_id", err->request_id);
}

static int note(struct control_request *r, const char *act, const char *phase, const struct err *why, int64_t *intent, struct err *err)
{
	const struct console_actor actor = {.local = true, .uid = r->uid, .address = "", .agent = "", .session_hash = ""};
	const cJSON *config = json_object(r->args, "config");
	char detail[100] = "";

	if (why)
		snprintf(detail, sizeof(detail), "{\"code\":\"%.60s\"}", why->code);
	const struct console_note n = {.act = act, .tenant = json_str_or(config, "tenant", ""),
		.object = json_str_or(config, "id", json_str_or(r->args, "id", "")), .phase = phase, .detail = detail,
		.intent = *intent};
	return console_note(r->core, &actor, &n, *intent ? NULL : intent, err);
}

static int run(struct control_request *r, const char *command, struct err *err)
{
	const struct command *k = NULL;
	int64_t intent = 0;
	struct err local;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, command) == 0)
			k = &commands[i];
	if (!k)
		return err_set(err, ERR_REMOTE, "unknown_command", "no such request: %s", command);
	/* No row, no act. */
	if (k->audited && note(r, command, "intent", NULL, &intent, err) < 0)
		return err_prefix(err, "it was not done, because the audit trail cannot be written");
	int code = k->handler(r, err);
	if (k->audited && note(r, command, code < 0 ? "failed" : "done", code < 0 ? err : NULL, &intent, &local) < 0)
		log_err(LOG_ERROR_, "audit.outcome", &local);
	return code;
}

/* One request. -1 ends the client. */
static int serve(struct client *cl, struct msg *m)
{
	const char *command = msg_get_str(m), *args = msg_get_str(m);
	_cleanup_json_ cJSON *doc = NULL, *result = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(MSG_MAX - 1000);
	_cleanup_msg_ struct msg reply = {0};
	struct err err = {0};

	msg_init(&reply, CTL_RESULT, m->id);
	if (m->type != CTL_REQUEST || msg_end(m) < 0 || !command || !args || !result ||
		json_parse(args, strlen(args), &doc, NULL) < 0)
		return -1;
	struct control_request r = {.core = cl->ctl->core, .args = doc, .msg = m, .result = result, .fd = -1,
		.uid = cl->uid};
	log_push("command", command);
	int code = run(&r, command, &err);
	log_pop();
	if (code < 0) {
		error_result(result, &err);
		code = err_exit_code(&err);
	}
	if (json_print(result, &text) < 0)
		buf_adds(&text, "{}");
	msg_put_i64(&reply, code);
	msg_put_str(&reply, buf_str(&text));
	if (r.fd >= 0)
		msg_put_fd(&reply, r.fd);
	return msg_send(cl->fd, &reply);
}

static void *client_main(void *arg)
{
	struct client *cl = arg;
	struct control *ctl = cl->ctl;
	struct msg m;
	int r = 0;

	while (r == 0 && msg_recv(cl->fd, &m) == 1) {
		r = serve(cl, &m);
		msg_free(&m);
	}
	pthread_mutex_lock(&ctl->lock);
	ctl->client_fds[cl->slot] = -1;
	ctl->n_clients--;
	close(cl->fd);
	pthread_cond_signal(&ctl->ended);
	pthread_mutex_unlock(&ctl->lock);
	free(cl);
	return NULL;
}

static bool allowed(int fd, unsigned *ret_uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || (who.uid != 0 && who.uid != geteuid()))
		return false;
	*ret_uid = who.uid;
	return true;
}

static void take_client(struct control *ctl, int fd)
{
	struct client *cl = calloc(1, sizeof(*cl));
	pthread_t thread;
	unsigned uid = 0;
	int slot = 0;

	pthread_mutex_lock(&ctl->lock);
	while (slot < CLIENTS && ctl->client_fds[slot] >= 0)
		slot++;
	if (!cl || slot == CLIENTS || ctl->stopping || !allowed(fd, &uid)) {
		pthread_mutex_unlock(&ctl->lock);
		free(cl);
		close(fd);
		return;
	}
	*cl = (struct client){.ctl = ctl, .slot = slot, .fd = fd, .uid = uid};
	ctl->client_fds[slot] = fd;
	ctl->n_clients++;
	if (pthread_create(&thread, NULL, client_main, cl) == 0) {
		pthread_detach(thread);
	} else {
		ctl->client_fds[slot] = -1;
		ctl->n_clients--;
		close(fd);
		free(cl);
	}
	pthread_mutex_unlock(&ctl->lock);
}

static void *accept_main(void *arg)
{
	struct control *ctl = arg;

	for (;;) {
		struct pollfd p = {.fd = ctl->fd, .events = POLLIN};
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return NULL;
		int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take_client(ctl, fd);
		else if (errno == EINVAL || errno == EBADF)
			return NULL; /* shut down */
	}
}

int control_start(struct core *c, struct control **ret, struct err *err)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (!ctl)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	ctl->core = c;
	pthread_mutex_init(&ctl->lock, NULL);
	pthread_cond_init(&ctl->ended, NULL);
	for (int i = 0; i < CLIENTS; i++)
		ctl->client_fds[i] = -1;
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control.sock", c->set->state) >= (int)sizeof(addr.sun_path)) {
		free(ctl);
		return err_set(err, ERR_LOCAL, "path_too_long", "the state folder's path is too long for a socket");
	}
	memcpy(ctl->path, addr.sun_path, sizeof(ctl->path));
	unlink(ctl->path); /* of a service that died; the lock is ours */
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t old = umask(0177);
	bool ok = ctl->fd >= 0 && bind(ctl->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(ctl->fd, 8) == 0;
	umask(old);
	if (!ok || pthread_create(&ctl->thread, NULL, accept_main, ctl) != 0) {
		err_errno(err, "%s", ctl->path);
		if (ctl->fd >= 0)
			close(ctl->fd);
		free(ctl);
		return -1;
	}
	*ret = ctl;
	return 0;
}

void control_stop(struct control *ctl)
{
	if (!ctl)
		return;
	unlink(ctl->path);
	shutdown(ctl->fd, SHUT_RDWR);
	pthread_join(ctl->thread, NULL);
	close(ctl->fd);
	pthread_mutex_lock(&ctl->lock);
	ctl->stopping = true;
	for (int i = 0; i < CLIENTS; i++)
		if (ctl->client_fds[i] >= 0)
			shutdown(ctl->client_fds[i], SHUT_RD);
	while (ctl->n_clients)
		pthread_cond_wait(&ctl->ended, &ctl->lock);
	pthread_mutex_unlock(&ctl->lock);
	free(ctl);
}
