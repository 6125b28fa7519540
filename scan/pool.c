/* Workers: given items, timed, replaced; see role.h. Part of the master.
 *
 * A worker belongs to one tenant from its first item on. For each that may scan at the same time there is one
 * that keeps its tenant (and what it knows of its files), and one more, nobody's yet, stands ready, so that a
 * turn of another tenant does not wait for a fork. */
#include "scan/role.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SPARE 1
#define START_MS 20000  /* until a worker is caged and says so */
#define STATUS_MS 2000  /* until the generation tells how a worker died */
#define GIVE_MS 10000   /* more for an item before which detectors are prepared */
#define RETRY_MS 10000  /* between tries to cage one */
#define MAX_REQUEUES 5

static int64_t grace(int64_t deadline_ms)
{
	int64_t g = 250 + deadline_ms / 20;

	return g > 2000 ? 2000 : g;
}

int pool_count(const struct role *r, const struct generation_state *gen)
{
	int n = gen->forks;

	for (const struct worker *w = r->workers; w; w = w->next)
		n += w->gen == gen && w->state != WORKER_GONE;
	return n;
}

int pool_ready(const struct role *r, const struct generation_state *gen)
{
	int n = 0;

	for (const struct worker *w = r->workers; w; w = w->next)
		n += w->gen == gen && (w->state == WORKER_IDLE || w->state == WORKER_BUSY);
	return n;
}

static int busy(const struct role *r)
{
	int n = 0;

	for (const struct worker *w = r->workers; w; w = w->next)
		n += w->job && w->job->sample < 0;
	return n;
}

void pool_start(struct role *r, struct generation_state *gen, pid_t pid, int fd)
{
	struct worker *w = calloc(1, sizeof(*w));

	gen->forks--;
	if (!w) {
		close(fd);
		return;
	}
	w->gen = gen;
	w->fd = fd;
	w->pid = pid;
	w->state = WORKER_STARTING;
	w->kill_at = time_monotonic_ms() + START_MS;
	w->next = r->workers;
	r->workers = w;
}

static void kill_worker(struct worker *w)
{
	_cleanup_msg_ struct msg m = {0};

	w->killed = true;
	if (w->pid <= 0)
		return;
	msg_init(&m, WIRE_KILL, 0);
	msg_put_i64(&m, w->pid);
	if (wire_send(w->gen->fd, &m, false) < 0)
		log_warn("scan.kill", "pid=%d error=%s", (int)w->pid, strerror(errno));
}

static void send_reply(struct role *r, const struct job *job, const struct scan_reply *reply)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, SCAN_REPLY, job->id | RPC_REPLY);
	if (scan_reply_put(&m, reply) < 0 || role_send(r, &m) < 0)
		r->failed = true;
}

static void fill_versions(const struct generation_state *gen, struct scan_reply *reply)
{
	memcpy(reply->engine, gen->info.engine, sizeof(reply->engine));
	memcpy(reply->signatures, gen->info.signatures, sizeof(reply->signatures));
}

void pool_answer(struct role *r, struct job *job, enum scan_status status, const char *reason)
{
	struct scan_reply reply = {.status = status, .verdict = VERDICT_UNKNOWN};

	snprintf(reply.reason, sizeof(reply.reason), "%s", reason);
	if (r->serving)
		fill_versions(r->serving, &reply);
	send_reply(r, job, &reply);
	job_free(job);
}

static void forget(struct role *r, struct worker *w)
{
	for (struct worker **p = &r->workers; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

/* Closing its socket ends it; the generation reaps it and says so, which then finds nobody. */
void pool_retire(struct role *r, struct worker *w)
{
	forget(r, w);
}

static void cage_failed(struct role *r, struct worker *w, const char *why)
{
	if (!r->sandbox_down)
		log_error("scan.sandbox", "error=\"%s\" nothing=scanned", why);
	r->sandbox_down = true;
	snprintf(r->sandbox, sizeof(r->sandbox), "unavailable: %.100s", why);
	w->gen->fork_after = time_monotonic_ms() + RETRY_MS;
	forget(r, w);
	role_changed(r);
}

/* The job of a worker that ended: once more on another worker, or unknown. */
static void job_lost(struct role *r, struct worker *w, int status, bool with_generation)
{
	struct job *job = TAKE_PTR(w->job);

	if (!job)
		return;
	const char *reason = "crashed";
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		reason = "sandbox";
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !with_generation && !w->killed)
		reason = "memory"; /* the kernel took it for its memory */
	log_warn("scan.worker_lost", "tenant=%s reason=%s signal=%d status=%d crashes=%d size=%lld", job->tenant,
		w->timed_out ? "timeout" : reason, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		WIFEXITED(status) ? WEXITSTATUS(status) : 0, job->crashes, (long long)job->size);
	if (job->sample >= 0) {
		swap_sample_done(r, w, job, NULL);
		return;
	}
	queue_done(&r->queue, job->tenant);
	if (w->timed_out) {
		pool_answer(r, job, SCAN_TIMEOUT, "timeout");
	} else if (with_generation && job->requeued++ < MAX_REQUEUES) {
		if (queue_return(&r->queue, job) < 0)
			pool_answer(r, job, SCAN_ERROR, "error");
	} else if (++job->crashes < 2) {
		if (queue_return(&r->queue, job) < 0)
			pool_answer(r, job, SCAN_ERROR, "error");
	} else {
		pool_answer(r, job, SCAN_CRASHED, reason);
	}
}

static void gone(struct worker *w)
{
	close(w->fd);
	w->fd = -1;
	w->state = WORKER_GONE;
	w->kill_at = 0;
	w->gone_at = time_monotonic_ms();
}

static void on_ready(struct role *r, struct worker *w, struct msg *m)
{
	const char *layers = msg_get_str(m), *failed = msg_get_str(m);

	if (msg_end(m) < 0 || w->state != WORKER_STARTING || !layers || strlen(layers) >= sizeof(r->sandbox)) {
		kill_worker(w);
		gone(w);
		return;
	}
	if (failed) {
		cage_failed(r, w, failed);
		return;
	}
	bool changed = r->sandbox_down || strcmp(r->sandbox, layers) != 0;
	w->state = WORKER_IDLE;
	w->kill_at = 0;
	w->used_at = time_monotonic_ms();
	r->sandbox_down = false;
	snprintf(r->sandbox, sizeof(r->sandbox), "%s", layers);
	if (changed)
		log_line(r->config.sandbox ? LOG_INFO_ : LOG_WARN_, "scan.sandbox", "layers=\"%s\"", layers);
}

static void on_reply(struct role *r, struct worker *w, struct msg *m)
{
	struct scan_reply reply;

	/* What a worker says is checked; one that says nonsense has been taken over or broken. */
	if (w->state != WORKER_BUSY || !w->job || m->id != w->job->id || scan_reply_get(m, &reply) < 0) {
		log_error("scan.bad_reply", "pid=%d", (int)w->pid);
		kill_worker(w);
		gone(w);
		return;
	}
	struct job *job = TAKE_PTR(w->job);
	w->state = WORKER_IDLE;
	w->kill_at = 0;
	w->items++;
	w->used_at = time_monotonic_ms();
	fill_versions(w->gen, &reply);
	if (job->sample >= 0) {
		swap_sample_done(r, w, job, &reply);
		return;
	}
	queue_done(&r->queue, job->tenant);
	send_reply(r, job, &reply);
	explicit_bzero(reply.passwords, sizeof(reply.passwords));
	job_free(job);
	if (w->items >= r->config.limits.worker_items || w->gen != r->serving)
		pool_retire(r, w);
}

void pool_readable(struct role *r, struct worker *w)
{
	_cleanup_msg_ struct msg m = {0};
	int n = wire_recv(w->fd, &m, false);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 1 && m.type == SCAN_READY && m.n_fds == 0) {
		on_ready(r, w, &m);
	} else if (n == 1 && m.type == SCAN_REPLY && m.n_fds == 0) {
		on_reply(r, w, &m);
	} else {
		if (n != 0)
			kill_worker(w);
		if (w->pid < 0)
			cage_failed(r, w, strerror(-(int)w->pid));
		else
			gone(w);
	}
}

void pool_died(struct role *r, struct generation_state *gen, pid_t pid, int status)
{
	struct worker *w = r->workers;

	while (w && (w->gen != gen || w->pid != pid))
		w = w->next;
	if (!w)
		return;
	/* Its last word may still lie in the socket. */
	if (w->fd >= 0)
		pool_readable(r, w);
	for (w = r->workers; w && (w->gen != gen || w->pid != pid);)
		w = w->next;
	if (!w)
		return;
	if (w->state == WORKER_STARTING)
		gen->fork_after = time_monotonic_ms() + 1000;
	job_lost(r, w, status, false);
	forget(r, w);
}

void pool_generation_gone(struct role *r, struct generation_state *gen)
{
	struct worker *next;

	for (struct worker *w = r->workers; w; w = next) {
		next = w->next;
		if (w->gen != gen)
			continue;
		job_lost(r, w, SIGKILL, true);
		forget(r, w);
	}
}

void pool_give(struct role *r, struct worker *w, struct job *job)
{
	_cleanup_msg_ struct msg m = {0};
	struct scan_request req = {.tenant = "", .name = job->name, .size = job->size, .deadline_ms = job->deadline_ms,
		.words = job->words, .tell_passwords = job->tell_passwords, .n_passwords = job->n_passwords};
	/* The descriptor is kept for a second try; the worker gets a copy. */
	int fd = fcntl(job->fd, F_DUPFD_CLOEXEC, 3);

	for (int i = 0; i < job->n_passwords; i++)
		req.passwords[i] = job->passwords[i];
	msg_init(&m, SCAN_REQUEST, job->id);
	w->job = job;
	w->state = WORKER_BUSY;
	w->timed_out = false;
	w->kill_at = time_monotonic_ms() + job->deadline_ms + grace(job->deadline_ms);
	if (job->sample < 0 && strcmp(w->tenant, job->tenant) != 0) {
		snprintf(w->tenant, sizeof(w->tenant), "%s", job->tenant);
		w->stint_at = time_monotonic_ms();
	}
	/* First what policies look for, when it is not what this worker knows. */
	bool give = job->sample < 0 && job->words && w->given != r->given.version;
	if (give)
		w->kill_at += GIVE_MS;
	if (give && given_send(&r->given, job->tenant, w->fd) == 0)
		w->given = r->given.version;
	if (fd < 0 || (give && w->given != r->given.version) || scan_request_put(&m, &req, fd) < 0 || wire_send(w->fd, &m, false) < 0) {
		log_warn("scan.give", "pid=%d error=%s", (int)w->pid, strerror(errno));
		kill_worker(w);
		gone(w);
	}
}

/* An idle worker of the tenant, else one that is nobody's. */
static struct worker *worker_for(struct role *r, const char *tenant)
{
	struct worker *fresh = NULL;

	for (struct worker *w = r->workers; w; w = w->next) {
		if (w->gen != r->serving || w->state != WORKER_IDLE)
			continue;
		if (strcmp(w->tenant, tenant) == 0)
			return w;
		if (!w->tenant[0])
			fresh = w;
	}
	return fresh;
}

/* A worker that goes on with its tenant while its stint lasts, or while nobody else waits. */
static bool go_on(struct role *r, int64_t now)
{
	for (struct worker *w = r->workers; w; w = w->next) {
		if (w->gen != r->serving || w->state != WORKER_IDLE || !w->tenant[0] || !queue_has(&r->queue, w->tenant))
			continue;
		if (now - w->stint_at >= STINT_MS) {
			const char *turn = queue_turn(&r->queue);
			if (turn && strcmp(turn, w->tenant) != 0)
				continue;
			w->stint_at = now;
		}
		pool_give(r, w, queue_take(&r->queue, w->tenant));
		return true;
	}
	return false;
}

static bool give_turn(struct role *r, int64_t now)
{
	const char *turn = queue_turn(&r->queue);
	struct worker *w = turn ? worker_for(r, turn) : NULL;

	if (!w)
		return false;
	if (strcmp(w->tenant, turn) == 0)
		w->stint_at = now;
	pool_give(r, w, queue_take(&r->queue, turn));
	return true;
}

/* The idle worker that was used longest ago and whose tenant has nothing waiting, if any; else any idle one
 * whose turn is over. */
static struct worker *to_retire(struct role *r)
{
	struct worker *best = NULL;
	bool best_waits = true;

	for (struct worker *w = r->workers; w; w = w->next) {
		if (w->gen != r->serving || w->state != WORKER_IDLE || !w->tenant[0])
			continue;
		bool waits = queue_has(&r->queue, w->tenant);
		if (!best || (best_waits && !waits) || (best_waits == waits && w->used_at < best->used_at)) {
			best = w;
			best_waits = waits;
		}
	}
	return best;
}

void pool_ask(struct role *r, struct generation_state *gen, int want, int64_t now)
{
	while (now >= gen->fork_after && pool_count(r, gen) < want) {
		_cleanup_msg_ struct msg m = {0};
		msg_init(&m, WIRE_FORK, 0);
		if (wire_send(gen->fd, &m, false) < 0)
			return;
		gen->forks++;
	}
}

static void drop_waiting(struct role *r, const char *reason)
{
	const char *turn;

	while ((turn = queue_turn(&r->queue))) {
		struct job *job = queue_take(&r->queue, turn);
		queue_done(&r->queue, job->tenant);
		pool_answer(r, job, SCAN_ERROR, reason);
	}
}

void pool_work(struct role *r, int64_t now)
{
	struct generation_state *gen = r->serving;

	if (!gen)
		return;
	while (busy(r) < r->n_workers && (go_on(r, now) || give_turn(r, now)))
		;
	if (r->sandbox_down)
		drop_waiting(r, "sandbox");
	/* One more than stand ready is one too many, unless it is nobody's. */
	int fresh = gen->forks, count = pool_count(r, gen);
	for (const struct worker *w = r->workers; w; w = w->next)
		fresh += w->gen == gen && (w->state == WORKER_STARTING || w->state == WORKER_IDLE) && !w->tenant[0];
	if (fresh < SPARE && count >= r->n_workers + SPARE) {
		struct worker *w = to_retire(r);
		if (w)
			pool_retire(r, w);
	}
	pool_ask(r, gen, r->n_workers + SPARE, now);
}

int64_t pool_tick(struct role *r, int64_t now)
{
	int64_t next = INT64_MAX;
	struct worker *after;

	for (struct worker *w = r->workers; w; w = after) {
		after = w->next;
		if (w->kill_at && now >= w->kill_at) {
			kill_worker(w); /* again, should the generation not have taken it */
			w->timed_out = true;
			w->kill_at = now + 1000;
		}
		if (w->state == WORKER_GONE && now - w->gone_at >= STATUS_MS) {
			kill_worker(w);
			job_lost(r, w, SIGABRT, false);
			forget(r, w);
			continue;
		}
		int64_t at = w->state == WORKER_GONE ? w->gone_at + STATUS_MS : w->kill_at ? w->kill_at : INT64_MAX;
		if (at < next)
			next = at;
	}
	for (const struct generation_state *g = r->generations; g; g = g->next)
		if (g->fork_after > now && g->fork_after < next)
			next = g->fork_after;
	return next;
}
