/* The core role's state: made once by core_role_main(), passed to every job. Everything that more than one thread
 * changes says under which lock. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/rpc.h"
#include "connectors/connector.h"
#include "core/settings.h"
#include "scan/scan.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

enum core_mode {
	MODE_SERVE,   /* until stopped */
	MODE_ONCE,    /* until nothing is left */
	MODE_COMMAND, /* only what the control socket asks for; no jobs */
};

/* Messages between supervisor and core. */
enum supervisor_message {
	SUP_PEER = 1, /* supervisor → core: str role, one descriptor */
	SUP_STOP,     /* supervisor → core */
	SUP_READY,    /* core → supervisor: str for people */
	SUP_PING,     /* core → supervisor: still alive */
	SUP_ENDING,   /* core → supervisor: core ends by itself; the others will see their sockets close */
};

/* Another role as core sees it. It may be replaced at any time; calls hold a reference. */
struct peer {
	const char *name;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct peer_link *link; /* NULL until the supervisor sends one */
};

struct peer_link {
	struct rpc *rpc;
	atomic_int refs;
};

void peer_init(struct peer *p, const char *name);
/* Makes rpc (taken) the link; the old one ends when its last call returns. Whoever gets a link finds its role configured,
 * so configuring comes before. */
int peer_publish(struct peer *p, struct rpc *rpc, struct err *err);
/* Waits up to timeout_ms for a live link. NULL when none came. Give it back with peer_put(). */
struct peer_link *peer_get(struct peer *p, int64_t timeout_ms);
void peer_put(struct peer_link *link);
void peer_end(struct peer *p);

/* Sleeping threads and what wakes them: one counter for "something changed". */
struct wake {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint64_t count;
};

void wake_init(struct wake *w);
void wake_all(struct wake *w);
uint64_t wake_count(struct wake *w);
/* Returns when the count is no longer seen, or after timeout_ms. */
void wake_wait(struct wake *w, uint64_t seen, int64_t timeout_ms);

struct console;
struct lists_watch;
struct policy_set;
struct live;
struct token_cache;

struct core {
	const struct settings *set;
	enum core_mode mode;
	struct store *store;
	struct http *http;
	struct content_budget *budget;
	struct rpc *supervisor;
	struct peer auth, scan, web;
	struct wake wake;
	atomic_bool stopping;
	int exit_code;

	pthread_mutex_t live_lock;
	struct live *live; /* opened connections */

	pthread_mutex_t info_lock;
	struct scan_info info; /* what judges now; engine "" until the scan role said so */
	char rejudged[96];     /* the signatures by which everything seen lately was judged again */
	pthread_cond_t info_came;

	struct console *console;
	struct lists_watch *lists; /* of bad hosts and protected domains; made with policies */
	struct policy_set *policies;
	char console_url[512]; /* where the web role listens, under info_lock; "" until it said so */
	bool setup_offered; /* the main thread's own */
	_Atomic int64_t tidied_at;

	pthread_mutex_t lost_lock;
	struct lost_place *lost; /* streams that lost their place lately */
	int n_lost;

	pthread_mutex_t store_lock;
	int64_t store_bad_since, store_said_at; /* monotonic; 0: it writes */

	struct store_prune prune; /* the pruning thread's: how far it has got */
	int64_t prune_at;         /* and when it goes on; 0: not known yet */
	atomic_int rejudge_failures; /* in a row */
	atomic_bool rules_looked;    /* what was seen lately was judged by the rules that this run began with */

	pthread_mutex_t running_lock;
	char running[16][64]; /* connections with a discovery round under way */
	int n_running;
};

bool core_stopping(struct core *c);
void core_stop(struct core *c);

/* ---- the other roles (roles.c) ---- */

/* Configures "auth", "scan" or "web" by its socket (fd is taken) and publishes it as the peer. */
int roles_meet(struct core *c, const char *role, int fd, struct err *err);
/* A copy of what judges now; waits until the engine is loaded. -1 when stopping. */
int core_info(struct core *c, struct scan_info *ret);

/* ---- live connections (live.c) ---- */

/* An opened connection: its record's copy, its connector and the connector's own state. Reference counted. */
struct live {
	struct live *next;
	struct core *core;
	struct connection_config config;
	cJSON *grant;
	const struct connector *connector;
	struct connection *connection;
	struct connector_env env; /* the connector keeps a pointer to it */
	struct token_cache *tokens;
	char auth_id[80]; /* id in the auth role: another one while a grant is being proven */
	int backlog;
	int64_t backlog_since, created_at;
	int refs;  /* under live_lock */
	bool stale; /* replaced: closes with its last reference */
};

/* Errors: GONE "not_found" (unknown or disconnected), and what the connector's open gives. */
int live_get(struct core *c, const char *connection, struct live **ret, struct err *err);
void live_put(struct live *l);
/* One that is not in the store yet, to prove its grant. */
int live_open(struct core *c, const cJSON *config, const cJSON *grant, const char *auth_id, struct live **ret,
	struct err *err);
/* After the record changed: the next live_get() opens it anew. */
void live_forget(struct core *c, const char *connection);
void live_end(struct core *c);
DEFINE_CLEANUP(struct live *, live_put)

/* ---- trouble (trouble.c): what an error pauses, and for how long ---- */

/* Of a connection: pauses it, changes its state, stores the event when the state changed. Returns true when the error
 * was the connection's (nothing further to do for the stream or item but to wait). */
bool trouble_connection(struct core *c, struct live *l, const struct err *err);
/* When to try again after so many failures in a row. */
int64_t trouble_next(const struct err *err, int failures);
/* A stream's place was lost: when to list it anew. At once the first time; a feed that loses it again within the hour waits
 * longer each time, so that one that turns in circles is not listed for ever. */
int64_t trouble_lost(struct core *c, int64_t stream);
void trouble_end(struct core *c);
/* The store refused to write. True, after a moment: for want of room, or because the database is away, so call it again;
 * what a job holds in its hands is not let go for that. False: for another reason, or core is stopping. Says so once,
 * then once a minute. */
bool trouble_store(struct core *c, const char *what, const struct err *err);
/* It wrote again. */
void trouble_store_over(struct core *c);
/* For how long it has refused, ms; 0: it does not. */
int64_t trouble_store_lasts(struct core *c);
/* Repeats a call that writes to the store until that is not what it fails of. */
#define STORE_WRITE(c, what, call, err)                                                                      \
	({                                                                                                   \
		int write_r;                                                                                 \
		do                                                                                           \
			write_r = (call);                                                                    \
		while (write_r < 0 && trouble_store(c, what, err));                                          \
		if (write_r >= 0)                                                                            \
			trouble_store_over(c);                                                               \
		write_r;                                                                                     \
	})

/* ---- jobs: each returns true when it found something to do ---- */

bool poll_job(struct core *c, int64_t *ret_next);
/* How often at most a provider lets the service's streams be asked; 0: as the schedule says. */
int64_t poll_least(const struct core *c, const char *provider, const char *service);
bool item_jobs(struct core *c, int64_t *ret_next);
bool action_job(struct core *c, int64_t finding, int64_t *ret_next);
/* Rounds of discovery and grant checks that are due. */
bool discover_job(struct core *c, int64_t *ret_next);
/* When the next round is due (0: now) and how many failed in a row. */
void discover_due(struct core *c, const char *connection, int64_t *ret_at, int *ret_failures);
int discover_set_due(struct core *c, const char *connection, int64_t at, int failures, struct err *err);
/* Keeps what a grant's check said; and a connection that failed before and works now is connected again, and says so once. */
int discover_report(struct core *c, struct live *l, const struct grant_report *report, struct err *err);
int discover_back(struct core *c, struct live *l, struct err *err);
/* The organisation's people, when a day is over since the last time (people_job.c). */
int people_round(struct core *c, struct live *l, struct err *err);
/* When it is due, when it last worked (0: never), and what went wrong since; "" nothing. */
void people_state(struct store *s, const char *connection, int64_t *ret_next, int64_t *ret_synced, char *code, size_t size);
bool outbox_job(struct core *c, int64_t *ret_next);
/* Canary calls, the ends of grants, silent feeds, trials (watch_job.c). */
/* The alert that goes with a connection's state: opened, brought up to date, or ended. */
void watch_state(struct core *c, const struct connection_config *config, enum conn_state state, const struct err *why);
/* Of a well connection: when its key or consent ends (0: never), and feeds that nobody has seen for a long time. */
void watch_end(struct core *c, const struct connection_config *k, int64_t ends, int64_t now);
void watch_silence(struct core *c, const struct connection_config *k, int64_t now);
/* All alerts of a connection that was ended. */
void watch_ended(struct core *c, const struct connection_config *config);
bool canary_job(struct core *c, int64_t *ret_next);
bool watch_job(struct core *c, int64_t *ret_next);
/* Everything seen lately is judged by new signatures (rejudge_job.c). */
bool rejudge_job(struct core *c, int64_t *ret_next);
/* … and by rules that changed (rejudge_rules.c). */
bool rejudge_rules_job(struct core *c, int64_t *ret_next);
/* Is that still to come, or the engine not loaded yet? *ret_failures: how often it failed in a row. */
bool rejudge_due(struct core *c, int *ret_failures);
/* A finding says that this content is a threat: where else the tenant has it, it is judged again. */
void rejudge_copies(struct core *c, const char *tenant, const char *sha256);
/* The hashes of a scanned content and its parts, for store_result; *ret_risky: it holds what may run. How many. */
size_t rejudge_hashes(const struct scan_reply *r, struct store_part_hash *out, bool *ret_risky);
/* The next rows of what is older than the retention allows. */
bool prune_job(struct core *c, int64_t *ret_next);

/* ---- shared pieces ---- */

void core_stream_info(const struct store_stream *s, struct stream_info *ret);
void core_item(const struct store_item *s, struct item *ret);

#define JOB_LEASE_MS 900000
/* Items that an item thread takes at once. With more, the later ones wait for the containing of the earlier ones while
 * other threads are idle, and claiming costs too little for it to be felt. */
#define ITEM_CLAIM_BATCH 1

/* The role's main. fd: the socket to the supervisor. */
int core_role_main(const char *config_path, enum core_mode mode, int fd);

#endif
