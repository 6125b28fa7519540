/* The master of the scan role: what its files share. One process, one thread, one poll loop; no engine, no
 * content but as descriptors it passes on.
 *
 *   role.c      the loop, core's messages
 *   queue.c     waiting items by tenant, and whose turn it is
 *   pool.c      workers: forked, given items, timed, replaced
 *   swap.c      generations: loaded, tried, swapped in, drained
 *   watch.c     the signature folders
 *   given.c     detectors of policies
 *
 * All times are of time_monotonic_ms(). */
#ifndef SCAN_ROLE_H
#define SCAN_ROLE_H

#include "scan/database.h"
#include "scan/wire.h"

#include <sys/types.h>

#define TENANT_MAX 256
#define RPC_REPLY (1ull << 63) /* how base/rpc.c tells answers from requests on the wire */
#define QUEUE_MAX 1024 /* items waiting; with more, core's socket is not read */
#define STINT_MS 1000  /* a worker serves its tenant this long before others that wait have their turn */

/* One item on its way. */
struct job {
	struct job *next;
	uint64_t id; /* core's, for the reply */
	char tenant[TENANT_MAX];
	char name[1024]; /* a hint; "" */
	int fd;
	int64_t size;
	int64_t deadline_ms;
	bool words, tell_passwords;
	int n_passwords;
	char (*passwords)[SCAN_PASSWORD_MAX]; /* owned, wiped with the job */
	int crashes;
	int requeued;
	int sample; /* index, when it is a try-out's; -1 */
};

struct tenant {
	struct tenant *next;
	char name[TENANT_MAX];
	struct job *first, **last;
	int running;
	int64_t turn; /* when it was last given a worker; smaller goes first */
};

struct queue {
	struct tenant *tenants;
	int waiting;
	int64_t turns;
};

/* Detectors of policies by tenant, "" for all; as JSON lists. */
struct given_list {
	char *tenant, *json;
};
struct given {
	uint64_t version; /* 0: none were given yet */
	int n;
	struct given_list *of;
};

enum worker_state { WORKER_STARTING, WORKER_IDLE, WORKER_BUSY, WORKER_GONE };

struct worker {
	struct worker *next;
	struct generation_state *gen;
	enum worker_state state;
	int fd;
	pid_t pid;
	char tenant[TENANT_MAX]; /* "" while nobody's */
	struct job *job;
	uint64_t given; /* version of the detectors that it has */
	int items;
	int64_t stint_at;
	int64_t used_at;
	int64_t kill_at;   /* BUSY or STARTING; 0: none */
	int64_t gone_at;   /* GONE: its status is waited for */
	bool timed_out;
	bool killed; /* by us */
};

enum generation_stage { GEN_LOADING, GEN_TRYING, GEN_WARMING, GEN_SERVING, GEN_DRAINING };

struct generation_state {
	struct generation_state *next;
	enum generation_stage stage;
	pid_t pid;
	int fd;
	struct database db;
	struct scan_info info;
	char loading[1024]; /* the file that it reads now */
	int forks;          /* asked for and not come yet */
	int sample;         /* next of the try-out */
	int64_t started_at;
	int64_t fork_after; /* back-off when workers do not start */
};

struct watch {
	int inotify; /* -1: none to be had, the clock alone */
	int64_t look_at;  /* next periodic look */
	int64_t dirty_at; /* last sign of change; 0: none */
	struct database last; /* as seen when it last changed, to see it rest */
	bool has_last;
};

struct role {
	struct scan_config config;
	int core;
	int n_workers; /* that scan at the same time */
	struct queue queue;
	struct worker *workers;
	struct generation_state *generations;
	struct generation_state *serving; /* NULL until the first is ready */
	struct watch watch;
	struct given given;
	struct database known; /* what was last loaded, or refused as a whole */
	int load_tries;
	int64_t start_after; /* back-off when no database at all can serve */
	char refused[256];
	char sandbox[128];
	bool sandbox_down; /* workers cannot be caged: nothing is scanned */
	bool failed;       /* core is gone or sent nonsense */
	pid_t recheck;     /* the process that compares known hashes; 0 none */
};

/* queue.c */
int queue_add(struct queue *q, struct job *job); /* takes it; -1 when memory ran out */
/* Puts it before the others of its tenant. */
int queue_return(struct queue *q, struct job *job);
bool queue_has(const struct queue *q, const char *tenant);
/* Whose turn it is, NULL when nobody waits: the tenant with the fewest workers, then the longest without a turn. */
const char *queue_turn(const struct queue *q);
struct job *queue_take(struct queue *q, const char *tenant); /* counts it as running */
void queue_done(struct queue *q, const char *tenant);
void job_free(struct job *job);

/* pool.c */
void pool_start(struct role *r, struct generation_state *gen, pid_t pid, int fd);
void pool_readable(struct role *r, struct worker *w);
void pool_died(struct role *r, struct generation_state *gen, pid_t pid, int status);
void pool_generation_gone(struct role *r, struct generation_state *gen);
/* Gives out what waits, retires and asks for workers. */
void pool_work(struct role *r, int64_t now);
/* Kills what is over its time. Returns when it must be called again, INT64_MAX for never. */
int64_t pool_tick(struct role *r, int64_t now);
void pool_give(struct role *r, struct worker *w, struct job *job);
void pool_retire(struct role *r, struct worker *w);
int pool_count(const struct role *r, const struct generation_state *gen);
/* Asks the generation for workers until it has, or will have, as many as wanted. */
void pool_ask(struct role *r, struct generation_state *gen, int want, int64_t now);
int pool_ready(const struct role *r, const struct generation_state *gen);
/* Answers core without a worker. Frees the job. */
void pool_answer(struct role *r, struct job *job, enum scan_status status, const char *reason);

/* swap.c */
void swap_load(struct role *r); /* starts a generation from the folders as they are */
void swap_readable(struct role *r, struct generation_state *gen);
void swap_sample_done(struct role *r, struct worker *w, struct job *job, const struct scan_reply *reply);
void swap_work(struct role *r, int64_t now);
int64_t swap_tick(struct role *r, int64_t now);
void swap_info(const struct role *r, struct scan_info *ret);
bool swap_loading(const struct role *r);
void swap_free(struct role *r, struct generation_state *gen);

/* watch.c */
void watch_open(struct role *r, int64_t now);
void watch_readable(struct role *r, int64_t now);
int64_t watch_tick(struct role *r, int64_t now);
void watch_close(struct role *r);

/* given.c */
int given_take(struct given *g, struct msg *m); /* -1: malformed; g stays as it was */
int given_send(const struct given *g, const char *tenant, int fd); /* to a worker; errno */
void given_free(struct given *g);

/* role.c */
void role_changed(struct role *r); /* tells core SCAN_CHANGED */
int role_send(struct role *r, struct msg *m);

#endif
