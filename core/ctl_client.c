/* The commands' side of the control socket; see command.h. */
#include "core/command.h"

#include "base/ioutil.h"
#include "core/control.h"
#include "core/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define START_MS 60000

struct ctl {
	int fd;
	pid_t own; /* the supervisor started for us; 0: there was a service */
};

static int connect_socket(const char *state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control.sock", state) >= (int)sizeof(addr.sun_path))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int why = errno;
		close(fd);
		errno = why;
		fd = -1;
	}
	return fd;
}

bool ctl_service_runs(const struct command_line *cl)
{
	_cleanup_close_ int fd = connect_socket(cl->set.state);

	return fd >= 0 || errno == EACCES || errno == EPERM; /* another user's */
}

/* In the child. */
static void be_supervisor(struct command_line *cl, bool scan, int ready_fd)
{
	struct supervisor_options o = {.config = cl->config, .mode = MODE_COMMAND, .scan = scan, .ready_fd = ready_fd};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* On a person's terminal only what needs attention is said. */
	setenv("SEKISHO_LOG", "warn", 0);
	_exit(supervisor_run(&o));
}

static int start_own(struct command_line *cl, bool scan, struct ctl *ctl, struct err *err)
{
	int pipe_fds[2];
	char line[800];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	fflush(NULL);
	ctl->own = fork();
	if (ctl->own == 0) {
		close(pipe_fds[0]);
		be_supervisor(cl, scan, pipe_fds[1]);
	}
	close(pipe_fds[1]);
	struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
	int r = poll(&p, 1, START_MS);
	ssize_t n = r == 1 ? read(pipe_fds[0], line, sizeof(line)) : -1;
	close(pipe_fds[0]);
	if (ctl->own < 0 || n <= 0)
		return err_set(err, ERR_LOCAL, "not_started", "the service's processes did not start; see the messages above");
	ctl->fd = connect_socket(cl->set.state);
	return ctl->fd < 0 ? err_errno(err, "%s/control.sock", cl->set.state) : 0;
}

int ctl_open(struct command_line *cl, bool scan, struct ctl **ret, struct err *err)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));

	if (!ctl)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	ctl->fd = connect_socket(cl->set.state);
	if (ctl->fd < 0 && start_own(cl, scan, ctl, err) < 0) {
		ctl_close(ctl);
		return -1;
	}
	*ret = ctl;
	return 0;
}

bool ctl_is_service(const struct ctl *ctl)
{
	return ctl->own == 0;
}

void ctl_close(struct ctl *ctl)
{
	if (!ctl)
		return;
	if (ctl->fd >= 0)
		close(ctl->fd);
	if (ctl->own > 0) {
		kill(ctl->own, SIGTERM);
		while (waitpid(ctl->own, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(ctl);
}

static int error_of(const cJSON *e, int code, struct err *err)
{
	const char *class = json_str_or(e, "class", "");
	enum err_class c = ERR_LOCAL;

	for (int i = ERR_RETRY; i <= ERR_CANCELLED; i++)
		if (strcmp(err_class_name((enum err_class)i), class) == 0)
			c = (enum err_class)i;
	err_set(err, c, json_str_or(e, "code", "error"), "%s", json_str_or(e, "message", "failed"));
	err->http_status = (int)json_int64_or(e, "status", 0);
	snprintf(err->request_id, sizeof(err->request_id), "%s", json_str_or(e, "request_id", ""));
	return -1;
}

int ctl_call(struct ctl *ctl, const char *command, const cJSON *args, const int *fds, int n_fds, int *ret_code, cJSON **ret,
	int *ret_fd, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(MSG_MAX - 1000);
	struct msg m, reply;

	msg_init(&m, CTL_REQUEST, 1);
	msg_put_str(&m, command);
	if (args ? json_print(args, &text) < 0 : buf_adds(&text, "{}") < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	msg_put_str(&m, buf_str(&text));
	for (int i = 0; i < n_fds; i++)
		msg_put_fd(&m, fds[i]);
	int r = msg_send(ctl->fd, &m);
	msg_free(&m);
	if (r < 0 || msg_recv(ctl->fd, &reply) != 1)
		return err_set(err, ERR_RETRY, "service_gone", "the service ended before it answered");
	int code = (int)msg_get_i64(&reply);
	const char *result = msg_get_str(&reply);
	_cleanup_json_ cJSON *doc = NULL;
	r = msg_end(&reply) < 0 || !result ? -1 : json_parse(result, strlen(result), &doc, err);
	if (ret_fd)
		*ret_fd = msg_take_fd(&reply);
	msg_free(&reply);
	if (r < 0)
		return err_set(err, ERR_LOCAL, "bad_reply", "the service's answer makes no sense");
	if (json_object(doc, "error"))
		return error_of(json_object(doc, "error"), code, err);
	*ret_code = code;
	*ret = TAKE_PTR(doc);
	return 0;
}
