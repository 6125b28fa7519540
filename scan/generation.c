/* The generation's process; see generation.h. One thread; it never touches content. */
#include "scan/generation.h"

#include "scan/engine.h"
#include "scan/folder.h"
#include "scan/sandbox.h"
#include "scan/wire.h"
#include "scan/worker.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_CHILDREN 1024
#define COUNT_MS 100 /* between counts of what workers have written, where nothing else bounds it */

struct generation {
	const struct scan_config *config;
	struct engine engine;
	int fd;
	struct sandbox_ids ids; /* of the next worker */
	pid_t children[MAX_CHILDREN]; /* not reaped yet, so that a pid to be killed is surely ours */
	int n_children;
};

static void tell(struct generation *g, struct msg *m)
{
	if (wire_send(g->fd, m, true) < 0)
		_exit(0);
}

static void on_loading(void *ctx, const char *path)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, WIRE_LOADING, 0);
	msg_put_str(&m, path);
	tell(ctx, &m);
}

static void on_refused(void *ctx, const char *path, const char *why)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, WIRE_REFUSED, 0);
	msg_put_str(&m, path);
	msg_put_str(&m, why);
	tell(ctx, &m);
}

static int tell_worker(struct generation *g, pid_t pid, int fd)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, WIRE_WORKER, 0);
	msg_put_i64(&m, pid);
	msg_put_fd(&m, fd);
	tell(g, &m);
	return 0;
}

static void fork_worker(struct generation *g)
{
	struct err err = {0};
	int pair[2];

	if (g->n_children == MAX_CHILDREN || wire_pair(pair, &err) < 0) {
		log_err(LOG_ERROR_, "scan.fork", &err);
		return;
	}
	int64_t from = time_monotonic_ns();
	g->ids.slot++;
	pid_t pid = sandbox_clone(&g->ids);
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		worker_main(g->config, &g->engine, pair[1], &g->ids);
	}
	int failed = errno;
	close(pair[1]);
	log_debug("scan.forked", "pid=%d us=%lld", (int)pid, (long long)(time_monotonic_ns() - from) / 1000);
	if (pid < 0) {
		/* The master sees a dead socket, and in place of the pid why. */
		pid = -failed;
	} else {
		g->children[g->n_children++] = pid;
	}
	tell_worker(g, pid, pair[0]);
}

static void kill_worker(struct generation *g, pid_t pid)
{
	for (int i = 0; i < g->n_children; i++)
		if (g->children[i] == pid)
			kill(pid, SIGKILL);
}

/* Without a root of its own a worker's files lie in the state folder, and stay there when it ends. */
static void remove_leftovers(struct generation *g, pid_t pid)
{
	char path[FOLDER_PATH_MAX];

	if (g->ids.cage == CAGE_NAMESPACES)
		return;
	folder_path(g->config->state, pid, path);
	folder_remove(path);
}

/* In a folder on disk nothing but this count holds a worker that has been taken over. */
static void count_folders(struct generation *g)
{
	for (int i = 0; i < g->n_children; i++) {
		char path[FOLDER_PATH_MAX];
		folder_path(g->config->state, g->children[i], path);
		int64_t used = folder_used(path, g->children[i]);
		if (used <= g->config->limits.worker_tmpfs)
			continue;
		log_warn("scan.space", "pid=%d bytes=%lld", (int)g->children[i], (long long)used);
		kill(g->children[i], SIGKILL);
	}
}

static void reap(struct generation *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		_cleanup_msg_ struct msg m = {0};
		for (int i = 0; i < g->n_children; i++)
			if (g->children[i] == pid)
				g->children[i--] = g->children[--g->n_children];
		remove_leftovers(g, pid);
		msg_init(&m, WIRE_DIED, 0);
		msg_put_i64(&m, pid);
		msg_put_i64(&m, status);
		tell(g, &m);
	}
}

static void obey(struct generation *g)
{
	_cleanup_msg_ struct msg m = {0};

	if (wire_recv(g->fd, &m, true) != 1)
		_exit(0);
	if (m.type == WIRE_FORK && msg_end(&m) == 0) {
		fork_worker(g);
	} else if (m.type == WIRE_KILL) {
		pid_t pid = (pid_t)msg_get_i64(&m);
		if (msg_end(&m) < 0)
			_exit(1);
		kill_worker(g, pid);
	} else {
		_exit(1);
	}
}

/* While another generation serves, loading gives way to it; only where the weight can be taken back. */
static bool give_way(bool background)
{
	struct rlimit l;

	if (!background || (geteuid() != 0 && (getrlimit(RLIMIT_NICE, &l) < 0 || l.rlim_cur < 20)))
		return false;
	return setpriority(PRIO_PROCESS, 0, 5) == 0;
}

static int load(struct generation *g, struct database *db, struct err *err)
{
	struct engine_watch watch = {on_loading, on_refused, g};
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, WIRE_LOADED, 0);
	if (engine_init(err) < 0 || engine_load(g->config, db, &watch, &g->engine, err) < 0)
		return -1;
	engine_warm();
	engine_settle();
	scan_info_put(&m, &g->engine.info);
	tell(g, &m);
	return 0;
}

static _Noreturn void run(const struct scan_config *config, struct database *db, bool background, int fd)
{
	struct generation g = {.config = config, .fd = fd, .ids = {.uid = geteuid(), .gid = getegid()}};
	struct err err = {0};
	sigset_t set;

	log_open("scan-generation");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sandbox_choose(config, &g.ids); /* while there is little to fork */
	bool gave_way = give_way(background);
	if (load(&g, db, &err) < 0) {
		_cleanup_msg_ struct msg m = {0};
		log_err(LOG_ERROR_, "scan.load", &err);
		msg_init(&m, WIRE_REFUSED, 0);
		msg_put_str(&m, NULL);
		msg_put_str(&m, err.message);
		tell(&g, &m);
		_exit(1);
	}
	if (gave_way)
		setpriority(PRIO_PROCESS, 0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children < 0)
		_exit(1);
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = children, .events = POLLIN}};
		if (poll(p, 2, g.ids.cage == CAGE_FOLDER && g.n_children ? COUNT_MS : -1) < 0 && errno != EINTR)
			_exit(1);
		if (g.ids.cage == CAGE_FOLDER)
			count_folders(&g);
		if (p[1].revents) {
			struct signalfd_siginfo si;
			while (read(children, &si, sizeof(si)) == sizeof(si))
				;
			reap(&g);
		}
		if (p[0].revents)
			obey(&g);
	}
}

int generation_start(const struct scan_config *config, struct database *db, bool background, pid_t *ret_pid,
	int *ret_fd, struct err *err)
{
	int pair[2];

	if (wire_pair(pair, err) < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0) {
		err_errno(err, "fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid == 0) {
		/* Nothing of the master's: neither the socket to core nor those of other workers. */
		if (pair[1] != 3 && dup2(pair[1], 3) < 0)
			_exit(1);
		syscall(SYS_close_range, 4u, ~0u, 0u);
		run(config, db, background, 3);
	}
	close(pair[1]);
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}
