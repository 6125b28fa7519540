/* Starts, joins and restarts the roles; see supervisor.h. */
#include "core/supervisor.h"

#include "base/ioutil.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define STOP_MS 20000   /* for core to end its jobs */
#define HANG_MS 120000  /* without a sign of life from core */
#define ROLE_FD 3

enum role { ROLE_CORE, ROLE_AUTH, ROLE_SCAN, ROLE_WEB, N_ROLES };
static const char *const role_names[N_ROLES] = {"core", "auth", "scan", "web"};

struct child {
	pid_t pid;
	int64_t started_at; /* monotonic */
	int64_t start_at;   /* when to start it again; 0: it runs or is not wanted */
	int quick_deaths;
};

struct supervisor {
	const struct supervisor_options *o;
	struct child children[N_ROLES];
	int core_fd;
	int signals;
	int64_t stop_by; /* monotonic; 0: not stopping */
	int64_t last_ping;
	int exit_code;
};

static const char *mode_name(enum core_mode m)
{
	return m == MODE_SERVE ? "serve" : m == MODE_ONCE ? "once" : "command";
}

/* In the child: only descriptor 3 and the standard ones go on. Does not return. */
static void exec_role(const struct supervisor *s, enum role role, int fd)
{
	sigset_t none;
	const char *argv[10] = {"sekisho", "--role", role_names[role], "--mode", mode_name(s->o->mode)};
	int n = 5;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd != ROLE_FD && dup2(fd, ROLE_FD) < 0)
		_exit(7);
	fcntl(ROLE_FD, F_SETFD, 0);
	close_range(ROLE_FD + 1, ~0u, 0);
	if (s->o->config) {
		argv[n++] = "--config";
		argv[n++] = s->o->config;
	}
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(7);
}

/* *ret_fd: our end (for core), or core's end of the new role's socket. */
static int start(struct supervisor *s, enum role role, int *ret_fd)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		exec_role(s, role, sv[1]);
	close(sv[1]);
	if (pid < 0) {
		close(sv[0]);
		return -1;
	}
	s->children[role].pid = pid;
	s->children[role].started_at = time_monotonic_ms();
	s->children[role].start_at = 0;
	*ret_fd = sv[0];
	return 0;
}

static int start_peer(struct supervisor *s, enum role role)
{
	_cleanup_msg_ struct msg m = {0};
	int fd;

	msg_init(&m, SUP_PEER, 0);
	if (start(s, role, &fd) < 0)
		return -1;
	msg_put_str(&m, role_names[role]);
	msg_put_fd(&m, fd);
	return msg_send(s->core_fd, &m);
}

static bool wanted(const struct supervisor *s, enum role role)
{
	return role == ROLE_AUTH || (role == ROLE_SCAN && s->o->scan) || (role == ROLE_WEB && s->o->web);
}

static int start_all(struct supervisor *s)
{
	if (start(s, ROLE_CORE, &s->core_fd) < 0)
		return -1;
	s->last_ping = time_monotonic_ms();
	for (enum role r = ROLE_AUTH; r < N_ROLES; r++)
		if (wanted(s, r) && start_peer(s, r) < 0)
			return -1;
	return 0;
}

static void kill_children(struct supervisor *s, int signal)
{
	for (enum role r = 0; r < N_ROLES; r++)
		if (s->children[r].pid > 0)
			kill(s->children[r].pid, signal);
}

static int64_t delay_after_death(struct child *c, int64_t now)
{
	c->quick_deaths = now - c->started_at < 5000 ? c->quick_deaths + 1 : 0;
	int64_t delay = 100ll << (c->quick_deaths > 8 ? 8 : c->quick_deaths);
	return c->quick_deaths ? delay : 0;
}

/* Core is the centre: without it the others hold sockets to nobody, and end. */
static void core_died(struct supervisor *s, int status)
{
	int64_t now = time_monotonic_ms();
	struct child *core = &s->children[ROLE_CORE];

	if (s->core_fd >= 0)
		close(s->core_fd);
	s->core_fd = -1;
	if (s->stop_by || s->o->mode != MODE_SERVE || (WIFEXITED(status) && WEXITSTATUS(status) != 7)) {
		s->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 7;
		s->stop_by = s->stop_by ? s->stop_by : now + STOP_MS;
		return;
	}
	log_error("role.died", "role=core status=%d", status);
	core->start_at = now + delay_after_death(core, now) + 1;
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;
	int64_t now = time_monotonic_ms();

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (enum role r = 0; r < N_ROLES; r++) {
			struct child *c = &s->children[r];
			if (c->pid != pid)
				continue;
			c->pid = 0;
			if (r == ROLE_CORE) {
				core_died(s, status);
			} else if (!s->stop_by) {
				if (s->core_fd >= 0)
					log_warn("role.died", "role=%s status=%d", role_names[r], status);
				c->start_at = now + delay_after_death(c, now) + 1;
			}
		}
	}
}

static void begin_stop(struct supervisor *s)
{
	_cleanup_msg_ struct msg m = {0};

	if (s->stop_by)
		return;
	s->stop_by = time_monotonic_ms() + STOP_MS;
	notify_send("STOPPING=1");
	msg_init(&m, SUP_STOP, 0);
	if (s->core_fd < 0 || msg_send(s->core_fd, &m) < 0)
		kill_children(s, SIGKILL);
}

static void from_core(struct supervisor *s)
{
	struct msg m;

	if (msg_recv(s->core_fd, &m) != 1) {
		/* Its death is told by SIGCHLD. Without having said that it ends, it must not live on cut off from us. */
		if (!s->stop_by && s->children[ROLE_CORE].pid > 0)
			kill(s->children[ROLE_CORE].pid, SIGKILL);
		close(s->core_fd);
		s->core_fd = -1;
		return;
	}
	s->last_ping = time_monotonic_ms();
	if (m.type == SUP_READY) {
		const char *text = msg_get_str(&m);
		notify_send("READY=1");
		if (text && s->o->ready_fd >= 0) {
			/* In one piece: who reads it goes away afterwards. */
			char line[800];
			snprintf(line, sizeof(line), "%s\n", text);
			if (io_write_all(s->o->ready_fd, line, strlen(line)) < 0)
				log_warn("ready.write", "error=%d", errno);
		}
	} else if (m.type == SUP_PING) {
		notify_send("WATCHDOG=1");
	} else if (m.type == SUP_ENDING && !s->stop_by) {
		s->stop_by = time_monotonic_ms() + STOP_MS;
	}
	msg_free(&m);
}

static void restart_due(struct supervisor *s)
{
	int64_t now = time_monotonic_ms();

	if (s->stop_by)
		return;
	struct child *core = &s->children[ROLE_CORE];
	if (core->start_at && now >= core->start_at) {
		for (enum role r = ROLE_AUTH; r < N_ROLES; r++)
			if (s->children[r].pid > 0)
				return; /* they are ending on their own; their turn comes after */
		if (start_all(s) < 0)
			core->start_at = now + 1000;
		return;
	}
	if (s->core_fd < 0)
		return;
	for (enum role r = ROLE_AUTH; r < N_ROLES; r++) {
		struct child *c = &s->children[r];
		if (c->start_at && now >= c->start_at && start_peer(s, r) < 0)
			c->start_at = now + 1000;
	}
}

static void watch(struct supervisor *s)
{
	int64_t now = time_monotonic_ms();

	if (s->stop_by && now > s->stop_by)
		kill_children(s, SIGKILL);
	if (!s->stop_by && s->core_fd >= 0 && now - s->last_ping > HANG_MS) {
		log_error("role.hangs", "role=core");
		kill(s->children[ROLE_CORE].pid, SIGKILL);
		s->last_ping = now;
	}
}

static bool all_gone(const struct supervisor *s)
{
	for (enum role r = 0; r < N_ROLES; r++)
		if (s->children[r].pid > 0)
			return false;
	return true;
}

static void handle_signals(struct supervisor *s)
{
	struct signalfd_siginfo si;

	while (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(s);
		else
			begin_stop(s);
	}
}

int supervisor_run(const struct supervisor_options *o)
{
	struct supervisor s = {.o = o, .core_fd = -1};
	struct rlimit no_core = {0, 0};
	sigset_t set;

	/* Core files would hold tokens. */
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0 || start_all(&s) < 0) {
		log_error("supervisor.start", "error=%s", strerror(errno));
		kill_children(&s, SIGKILL);
		return 7;
	}
	while (!(s.stop_by && s.core_fd < 0 && s.children[ROLE_CORE].pid == 0)) {
		struct pollfd p[2] = {{.fd = s.signals, .events = POLLIN}, {.fd = s.core_fd, .events = POLLIN}};
		if (poll(p, 2, 200) < 0 && errno != EINTR)
			break;
		handle_signals(&s);
		if (s.core_fd >= 0 && p[1].fd == s.core_fd && p[1].revents)
			from_core(&s);
		restart_due(&s);
		watch(&s);
	}
	/* Core is gone; the others see their sockets close. */
	int64_t until = time_monotonic_ms() + 3000;
	while (!all_gone(&s)) {
		if (time_monotonic_ms() > until)
			kill_children(&s, SIGKILL);
		struct pollfd p = {.fd = s.signals, .events = POLLIN};
		poll(&p, 1, 100);
		handle_signals(&s);
	}
	close(s.signals);
	return s.exit_code;
}
