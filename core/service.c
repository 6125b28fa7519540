/* The core role: opens what it owns, hears from the supervisor, runs the job threads, and ends in order. The other roles are
 * met in roles.c.
 *
 * Threads: poll (POLLERS), items, actions, discovery, outbox, control (control.c), one reader per peer, curl's (net/),
 * the store's writer, and this main one, which pings the supervisor and knows when "once" has nothing left. */
#include "core/core.h"

#include "base/ioutil.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/console.h"
#include "core/control.h"
#include "core/idle.h"
#include "core/policy_set.h"
#include "events/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define POLLERS 8
#define ACTORS 4
#define DISCOVERERS 2
#define CANARIES 2
#define MAX_THREADS 300
#define PEER_WAIT_MS 30000
#define ONCE_STORE_MS 30000 /* for so long once waits for room on the disk */

struct worker {
	struct core *core;
	const char *name;
	bool (*job)(struct core *c, int64_t *ret_next);
	pthread_t thread;
};

struct service {
	struct core core;
	struct settings set;
	int lock_fd;
	struct sink *sink;
	int64_t sink_retry_at, sink_sent;
	struct worker workers[MAX_THREADS];
	int n_workers;
	struct control *control;
};

bool core_stopping(struct core *c)
{
	return atomic_load(&c->stopping);
}

void core_stop(struct core *c)
{
	atomic_store(&c->stopping, true);
	wake_all(&c->wake);
	pthread_mutex_lock(&c->info_lock);
	pthread_cond_broadcast(&c->info_came);
	pthread_mutex_unlock(&c->info_lock);
}

/* ---- the supervisor ---- */

static int serve_supervisor(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct core *c = ctx;
	struct err err;

	if (m->type == SUP_STOP && msg_end(m) == 0) {
		core_stop(c);
		return 0;
	}
	const char *role = msg_get_str(m);
	int fd = msg_take_fd(m);
	if (m->type != SUP_PEER || !role || fd < 0)
		return -1;
	if (roles_meet(c, role, fd, &err) < 0) {
		log_err(LOG_ERROR_, "peer.failed", &err);
		/* A vault that cannot be opened will not open by trying: say it and end. */
		if (err.class != ERR_RETRY && strcmp(role, "auth") == 0) {
			c->exit_code = 1;
			core_stop(c);
		}
	}
	return 0;
}

static void supervisor_gone(void *ctx, struct rpc *rpc)
{
	core_stop(ctx);
}

/* ---- threads ---- */

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct core *c = w->core;

	prctl(PR_SET_NAME, w->name);
	while (!core_stopping(c)) {
		uint64_t seen = wake_count(&c->wake);
		int64_t next = 0;
		bool worked = w->job(c, &next);
		if (worked)
			continue;
		int64_t wait = next ? next - time_now_ms() : 5000;
		wake_wait(&c->wake, seen, wait < 5 ? 5 : wait > 5000 ? 5000 : wait);
	}
	return NULL;
}

static bool act(struct core *c, int64_t *ret_next)
{
	return action_job(c, 0, ret_next);
}

bool outbox_job(struct core *c, int64_t *ret_next)
{
	struct service *s = (struct service *)(void *)c;
	char dir[600];
	struct err err = {0};

	*ret_next = s->sink_retry_at;
	if (s->sink_retry_at > time_now_ms())
		return false;
	*ret_next = time_now_ms() + 200;
	snprintf(dir, sizeof(dir), "%s/events", c->set->state);
	int r = s->sink ? 0 : sink_file.open(dir, &s->sink, &err);
	if (r == 0)
		r = outbox_turn(c->store, &sink_file, s->sink, &s->sink_sent, &err);
	if (r < 0) {
		log_err(LOG_ERROR_, "events.write", &err);
		*ret_next = s->sink_retry_at = http_backoff(3, 500, 10000);
		return false;
	}
	s->sink_retry_at = 0;
	return r > 0;
}

static int add_worker(struct service *s, const char *name, bool (*job)(struct core *, int64_t *), int n, struct err *err)
{
	for (int i = 0; i < n && s->n_workers < MAX_THREADS; i++) {
		struct worker *w = &s->workers[s->n_workers];
		*w = (struct worker){.core = &s->core, .name = name, .job = job};
		int r = pthread_create(&w->thread, NULL, worker_main, w);
		if (r) {
			errno = r;
			return err_errno(err, "starting a thread");
		}
		s->n_workers++;
	}
	return 0;
}

static int start_threads(struct service *s, struct err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int workers = s->set.workers ? s->set.workers : (int)(cpus > 0 ? cpus : 1);
	int threads = s->set.threads ? s->set.threads : 2 * workers + 8;

	/* One connection never has all of them. */
	if (threads > 1)
		store_item_share(s->core.store, (threads > 3 ? threads - 2 : threads - 1) * ITEM_CLAIM_BATCH);

	if (add_worker(s, "outbox", outbox_job, 1, err) < 0)
		return -1;
	if (s->core.mode == MODE_COMMAND)
		return 0;
	if (add_worker(s, "prune", prune_job, 1, err) < 0 || add_worker(s, "discover", discover_job, DISCOVERERS, err) < 0 || add_worker(s, "poll", poll_job, POLLERS, err) < 0 ||
		add_worker(s, "item", item_jobs, threads, err) < 0 || add_worker(s, "rejudge", rejudge_job, 1, err) < 0 ||
		add_worker(s, "rejudge-rules", rejudge_rules_job, 1, err) < 0)
		return -1;
	if (s->core.mode == MODE_SERVE && (add_worker(s, "canary", canary_job, CANARIES, err) < 0 ||
						  add_worker(s, "watch", watch_job, 1, err) < 0))
		return -1;
	return add_worker(s, "action", act, ACTORS, err);
}

/* ---- start and end ---- */

static int lock_state(struct service *s, struct err *err)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/lock", s->set.state);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_errno(err, "%s", path);
	/* The one before us may be ending. */
	for (int i = 0; i < 50; i++) {
		if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		struct timespec t = {.tv_nsec = 100000000};
		nanosleep(&t, NULL);
	}
	return err_set(err, ERR_RETRY, "running", "another sekisho runs on %s", s->set.state);
}

static int open_all(struct service *s, struct err *err)
{
	struct core *c = &s->core;
	char path[700], node[64];

	if (io_mkdirs(s->set.state, 0700, err) < 0 || lock_state(s, err) < 0)
		return -1;
	snprintf(node, sizeof(node), "node");
	if (gethostname(node, sizeof(node) - 1) < 0)
		return err_errno(err, "gethostname");
	if (store_open(s->set.store, false, node, &c->store, err) < 0 || store_recover(c->store, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/spool", s->set.state);
	if (io_mkdirs(path, 0700, err) < 0 ||
		content_budget_new(s->set.in_flight, path, s->set.limits.item / 2, &c->budget, err) < 0)
		return -1;
	if (policy_set_new(c, &c->policies, err) < 0)
		return -1;
	struct http_options options = {.user_agent = "NONISV|sekisho|sekisho/0.1",
		.ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL};
	return http_new(&options, &c->http, err);
}

static void stop_all(struct service *s)
{
	struct core *c = &s->core;

	core_stop(c);
	control_stop(s->control);
	http_cancel(c->http);
	console_stop(c->console);
	/* Calls under way end with CANCELLED, so that no job waits for a slow provider. */
	http_free(TAKE_PTR(c->http));
	peer_end(&c->scan);
	peer_end(&c->auth);
	peer_end(&c->web);
	for (int i = 0; i < s->n_workers; i++)
		pthread_join(s->workers[i].thread, NULL);
	live_end(c);
	policy_set_free(c->policies);
	lists_watch_free(c->lists);
	trouble_end(c);
	sink_file.close(s->sink);
	store_close(c->store);
	content_budget_free(c->budget);
}

static void tell(struct core *c, enum supervisor_message what)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, what, 0);
	if (rpc_notify(c->supervisor, &m) < 0)
		core_stop(c);
}

/* Without an account the console is of no use: the way to the first one is printed once, when web listens. */
static void offer_setup(struct core *c)
{
	const struct console_actor local = {.local = true, .uid = geteuid(), .address = "", .agent = "", .session_hash = ""};
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = cJSON_CreateObject();
	char url[512];
	struct err err;
	bool any;
	int fd = -1;

	pthread_mutex_lock(&c->info_lock);
	snprintf(url, sizeof(url), "%s", c->console_url);
	pthread_mutex_unlock(&c->info_lock);
	if (c->setup_offered || !url[0])
		return;
	c->setup_offered = true;
	if (store_account_any(c->store, &any, &err) < 0 || any)
		return;
	if (console_run(c, &local, "setup_link", args, result, &fd, &err) < 0)
		log_err(LOG_ERROR_, "console.setup", &err);
	else
		log_info("console.setup", "message=\"nobody can sign in yet: open this link once\" url=%s/setup#%s", url,
			json_str_or(result, "token", ""));
}

static void ready(struct core *c)
{
	_cleanup_msg_ struct msg m = {0};
	char text[700];

	snprintf(text, sizeof(text), "ready");
	msg_init(&m, SUP_READY, 0);
	msg_put_str(&m, text);
	if (rpc_notify(c->supervisor, &m) < 0)
		core_stop(c);
}

/* Is it true that nothing can be written, or did nobody have anything to write since? */
static bool store_writes(struct core *c)
{
	struct err err;

	if (store_meta_put(c->store, "written", "", &err) < 0) {
		log_err(LOG_ERROR_, "core.end", &err);
		return false;
	}
	trouble_store_over(c);
	return true;
}

static void run(struct service *s)
{
	struct core *c = &s->core;
	int64_t last_ping = 0;
	struct idle idle = {0};

	while (!core_stopping(c)) {
		int64_t now = time_monotonic_ms();
		if (now - last_ping > 2000) {
			tell(c, SUP_PING);
			last_ping = now;
		}
		if (c->mode == MODE_SERVE)
			offer_setup(c);
		if (c->mode == MODE_ONCE && trouble_store_lasts(c) > ONCE_STORE_MS && !store_writes(c)) {
			c->exit_code = 5;
			break;
		}
		if (c->mode == MODE_ONCE && idle_check(c, &idle)) {
			c->exit_code = idle.gave_up ? 5 : 0;
			break;
		}
		wake_wait(&c->wake, wake_count(&c->wake), c->mode == MODE_ONCE ? 50 : 1000);
	}
}

/* Once means: look at everything now, whatever the schedule says. */
static int begin_once(struct core *c, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
	struct store_connection *list;
	size_t n;

	if (c->mode != MODE_ONCE)
		return 0;
	if (!a || store_connection_list(c->store, NULL, a, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (discover_set_due(c, list[i].id, 0, 0, err) < 0 || store_connection_pause(c->store, list[i].id, 0, err) < 0)
			return -1;
	}
	return store_retry_now(c->store, time_now_ms(), err);
}

int core_role_main(const char *config_path, enum core_mode mode, int fd)
{
	static struct service service; /* the role's one state: too large for a stack */
	struct service *s = &service;
	struct core *c = &s->core;
	const struct rpc_ops ops = {.serve = serve_supervisor, .gone = supervisor_gone};
	struct err err = {0};

	log_open("core");
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	/* One arena per thread would cost megabytes for each of them. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
	c->mode = mode;
	c->set = &s->set;
	s->lock_fd = -1;
	wake_init(&c->wake);
	pthread_mutex_init(&c->live_lock, NULL);
	pthread_mutex_init(&c->info_lock, NULL);
	pthread_mutex_init(&c->running_lock, NULL);
	pthread_mutex_init(&c->lost_lock, NULL);
	pthread_mutex_init(&c->store_lock, NULL);
	pthread_cond_init(&c->info_came, NULL);
	peer_init(&c->auth, "auth");
	peer_init(&c->scan, "scan");
	peer_init(&c->web, "web");
	if (settings_load(config_path, &s->set, &err) < 0 || open_all(s, &err) < 0 ||
		(mode == MODE_SERVE && console_start(c, &c->console, &err) < 0) || rpc_new("supervisor", fd, &ops, c, &c->supervisor, &err) < 0) {
		log_err(LOG_ERROR_, "core.start", &err);
		return strcmp(err.code, "bad_config") == 0 ? 2 : strcmp(err.code, "running") == 0 ? 5 : 1;
	}
	struct peer_link *auth = peer_get(&c->auth, PEER_WAIT_MS);
	peer_put(auth);
	if (!auth)
		log_error("core.start", "message=\"the auth role did not start\"");
	if (!auth || begin_once(c, &err) < 0 || control_start(c, &s->control, &err) < 0 || start_threads(s, &err) < 0) {
		if (err.class)
			log_err(LOG_ERROR_, "core.start", &err);
		c->exit_code = 1;
		core_stop(c);
	} else {
		ready(c);
		run(s);
	}
	tell(c, SUP_ENDING);
	stop_all(s);
	rpc_free(c->supervisor);
	return c->exit_code;
}
