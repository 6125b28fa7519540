/* The scan role's main; see scan.h and role.h. One poll loop over core's socket, the generations, the workers
 * and the folders. */
#include "scan/role.h"

#include "scan/names.h"

#include "scan/folder.h"
#include "scan/recheck.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAX_POLL 1100
#define CONTENT_MAX ((1ll << 30) - (1ll << 20)) /* beyond it libclamav is not to be trusted (CVE-2025-20260) */

int role_send(struct role *r, struct msg *m)
{
	return msg_send(r->core, m);
}

void role_changed(struct role *r)
{
	_cleanup_msg_ struct msg m = {0};
	struct scan_info info;

	swap_info(r, &info);
	msg_init(&m, SCAN_CHANGED, 0);
	if (scan_info_put(&m, &info) < 0 || role_send(r, &m) < 0)
		r->failed = true;
}

static int answer_info(struct role *r, struct msg *request)
{
	_cleanup_msg_ struct msg m = {0};
	struct scan_info info;

	if (msg_end(request) < 0 || request->n_fds)
		return -1;
	swap_info(r, &info);
	msg_init(&m, SCAN_INFO_REPLY, request->id | RPC_REPLY);
	return scan_info_put(&m, &info) < 0 || role_send(r, &m) < 0 ? -1 : 0;
}

/* Core has one at a time: whoever asks for another has given up the last. */
static void end_recheck(struct role *r)
{
	if (r->recheck <= 0)
		return;
	kill(r->recheck, SIGKILL);
	while (waitpid(r->recheck, NULL, 0) < 0 && errno == EINTR)
		;
	r->recheck = 0;
}

/* A process for core alone: the role only starts it, and takes its end. */
static int start_recheck(struct role *r, struct msg *request)
{
	_cleanup_msg_ struct msg m = {0};
	struct err err;
	int fd;

	if (msg_end(request) < 0 || request->n_fds)
		return -1;
	msg_init(&m, SCAN_RECHECK_REPLY, request->id | RPC_REPLY);
	end_recheck(r);
	if (recheck_start(&r->config, &r->recheck, &fd, &err) < 0)
		log_err(LOG_WARN_, "scan.recheck", &err);
	else if (msg_put_fd(&m, fd) < 0)
		close(fd);
	return role_send(r, &m);
}

static void reap_recheck(struct role *r)
{
	if (r->recheck > 0 && waitpid(r->recheck, NULL, WNOHANG) != 0)
		r->recheck = 0;
}

/* Content must not change under the engine: a memory file is sealed; of a file on disk (a spool for large
 * items) the worker gets a descriptor that reads only. */
static int check_content(struct job *job)
{
	struct stat st;
	const int want = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int seals = fcntl(job->fd, F_GET_SEALS), flags = fcntl(job->fd, F_GETFL);
	char path[64];

	if (flags < 0 || fstat(job->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != job->size)
		return -1;
	/* A plain file on a tmpfs answers as well, with this alone: a spool that lies there. */
	if (seals >= 0 && seals != F_SEAL_SEAL)
		return (seals & want) == want ? 0 : -1;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", job->fd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	close(job->fd);
	job->fd = fd;
	return 0;
}

static int accept_item(struct role *r, struct msg *m)
{
	struct scan_request req;
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -1;
	job->fd = -1;
	job->sample = -1;
	job->id = m->id;
	if (scan_request_get(m, &req, &job->fd) < 0) {
		job_free(job);
		return -1;
	}
	snprintf(job->tenant, sizeof(job->tenant), "%s", req.tenant[0] ? req.tenant : "-");
	name_copy(job->name, sizeof(job->name), req.name ? name_base(req.name) : "", SIZE_MAX);
	job->size = req.size;
	job->words = req.words;
	job->tell_passwords = req.tell_passwords;
	if (req.n_passwords > 0) {
		job->passwords = calloc((size_t)req.n_passwords, sizeof(*job->passwords));
		for (; job->passwords && job->n_passwords < req.n_passwords; job->n_passwords++)
			snprintf(job->passwords[job->n_passwords], SCAN_PASSWORD_MAX, "%s", req.passwords[job->n_passwords]);
	}
	job->deadline_ms = req.deadline_ms > 0 && req.deadline_ms < r->config.limits.time_ms ? req.deadline_ms :
											       r->config.limits.time_ms;
	if (check_content(job) < 0) {
		log_warn("scan.bad_content", "tenant=%s size=%lld", job->tenant, (long long)job->size);
		pool_answer(r, job, SCAN_ERROR, "error");
	} else if (job->size > r->config.limits.item) {
		pool_answer(r, job, SCAN_LIMIT, "size_limit");
	} else if (queue_add(&r->queue, job) < 0) {
		pool_answer(r, job, SCAN_ERROR, "error");
	}
	return 0;
}

static void core_readable(struct role *r)
{
	_cleanup_msg_ struct msg m = {0};
	int n = msg_recv(r->core, &m), rc = -1;

	if (n != 1) {
		if (n < 0)
			log_error("scan.core", "error=\"malformed message\"");
		r->failed = true;
		return;
	}
	if (m.type == SCAN_REQUEST)
		rc = accept_item(r, &m);
	else if (m.type == SCAN_INFO)
		rc = answer_info(r, &m);
	else if (m.type == SCAN_RECHECK)
		rc = start_recheck(r, &m);
	else if (m.type == SCAN_DETECTORS)
		rc = given_take(&r->given, &m);
	if (rc < 0) {
		log_error("scan.core", "error=\"malformed message\" type=%u", m.type);
		r->failed = true;
	}
}

static bool is_worker(const struct role *r, const struct worker *w)
{
	for (const struct worker *x = r->workers; x; x = x->next)
		if (x == w)
			return true;
	return false;
}

static bool is_generation(const struct role *r, const struct generation_state *g)
{
	for (const struct generation_state *x = r->generations; x; x = x->next)
		if (x == g)
			return true;
	return false;
}

struct polled {
	struct pollfd fds[MAX_POLL];
	struct worker *workers[MAX_POLL];
	struct generation_state *generations[MAX_POLL];
	int n;
};

static void add(struct polled *p, int fd, struct worker *w, struct generation_state *g)
{
	if (p->n == MAX_POLL)
		return;
	p->fds[p->n] = (struct pollfd){.fd = fd, .events = POLLIN};
	p->workers[p->n] = w;
	p->generations[p->n++] = g;
}

static void gather(struct role *r, struct polled *p)
{
	p->n = 0;
	/* With too much waiting core is not read: it waits in its socket. */
	add(p, r->queue.waiting < QUEUE_MAX ? r->core : -1, NULL, NULL);
	add(p, r->watch.inotify, NULL, NULL);
	for (struct generation_state *g = r->generations; g; g = g->next)
		add(p, g->fd, NULL, g);
	for (struct worker *w = r->workers; w; w = w->next)
		if (w->fd >= 0)
			add(p, w->fd, w, NULL);
}

static void handle(struct role *r, struct polled *p, int64_t now)
{
	/* Workers first: an answer frees one for what core brings. What one handler frees is skipped after. */
	for (int i = p->n - 1; i >= 0 && !r->failed; i--) {
		if (!p->fds[i].revents)
			continue;
		if (p->workers[i]) {
			if (is_worker(r, p->workers[i]) && p->workers[i]->fd == p->fds[i].fd)
				pool_readable(r, p->workers[i]);
		} else if (p->generations[i]) {
			if (is_generation(r, p->generations[i]))
				swap_readable(r, p->generations[i]);
		} else if (i == 0) {
			core_readable(r);
		} else {
			watch_readable(r, now);
		}
	}
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void loop(struct role *r)
{
	struct polled *p = calloc(1, sizeof(*p));

	while (p && !r->failed) {
		int64_t now = time_monotonic_ms();
		int64_t at = pool_tick(r, now);
		reap_recheck(r);
		at = earliest(at, watch_tick(r, now));
		at = earliest(at, swap_tick(r, now));
		swap_work(r, now);
		pool_work(r, now);
		if (r->failed)
			break;
		/* The items just given out have their ends as well. */
		at = earliest(at, pool_tick(r, time_monotonic_ms()));
		gather(r, p);
		int64_t wait = at == INT64_MAX ? 3600000 : at - time_monotonic_ms();
		if (poll(p->fds, (nfds_t)p->n, wait < 0 ? 0 : (int)earliest(wait, 3600000)) < 0 && errno != EINTR)
			break;
		handle(r, p, time_monotonic_ms());
	}
	free(p);
}

static int configure(struct role *r)
{
	_cleanup_msg_ struct msg m = {0};
	struct rlimit l;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (msg_recv(r->core, &m) != 1 || m.type != SCAN_CONFIG || scan_config_get(&m, &r->config) < 0)
		return -1;
	struct scan_limits *limits = &r->config.limits;
	if (limits->item > CONTENT_MAX || limits->part > CONTENT_MAX)
		log_warn("scan.limits", "item=%lld part=%lld max=%lld", (long long)limits->item, (long long)limits->part,
			(long long)CONTENT_MAX);
	limits->item = limits->item > CONTENT_MAX ? CONTENT_MAX : limits->item;
	limits->part = limits->part > CONTENT_MAX ? CONTENT_MAX : limits->part;
	r->n_workers = r->config.workers > 0 ? r->config.workers : processors > 0 ? (int)processors : 1;
	/* Each waiting item is a descriptor. */
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	return 0;
}

int scan_role_main(int fd)
{
	struct role *r = calloc(1, sizeof(*r));

	log_open("scan");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* inherited by all below; no set-user-id program is of use here */
	if (!r)
		return 1;
	r->core = fd;
	r->watch.inotify = -1;
	if (configure(r) < 0) {
		log_error("scan.start", "error=\"no configuration\"");
		free(r);
		return 1;
	}
	if (!r->config.sandbox)
		log_warn("scan.sandbox", "layers=off hint=\"workers are not caged: for tests only\"");
	folder_sweep(r->config.state);
	watch_open(r, time_monotonic_ms());
	swap_load(r);
	loop(r);
	while (r->generations)
		swap_free(r, r->generations);
	watch_close(r);
	const char *turn;
	while ((turn = queue_turn(&r->queue))) {
		struct job *job = queue_take(&r->queue, turn);
		queue_done(&r->queue, job->tenant);
		job_free(job);
	}
	database_free(&r->known);
	given_free(&r->given);
	close(r->core);
	free(r);
	return 0;
}
