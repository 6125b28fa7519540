/* What the files of the store share; nobody else includes it.
 *
 * A domain call of store.h packs its arguments and a place for its results into a record on its own stack and hands
 * a function with it to store_write() or store_read(). The function runs inside a transaction on another connection
 * (and, writing, on the writer thread), perhaps more than once when a commit failed: so it resets its results at
 * its beginning, and the call copies them to the caller's outputs only after success. */
#ifndef STORE_IMPL_H
#define STORE_IMPL_H

#include "store/db.h"
#include "store/policy.h"

#include <pthread.h>

/* The number of a stream that is followed, as in the schema. */
#define STREAM_IS_ACTIVE 1

#define READERS_MAX 2
#define CLAIM_MAX 1000 /* items in one claim */

struct writer;

/* The writer thread's own. It is put back when a transaction is undone, as the rows are. */
struct memory {
	int64_t turn[3];     /* by lane: the connection served last */
	int64_t share;       /* items of one connection that this node may have claimed at once; 0: any number */
	int64_t now;         /* the latest time a claim named */
	int64_t done_minute; /* the last one whose start cleaned up behind itself */
};

struct store {
	char where[1024];
	char node[64];
	bool read_only;
	bool sole; /* SQLite: nobody else writes */
	int64_t slot; /* of counts, where this node writes */
	int lock_fd;
	struct writer *writer; /* NULL when read-only */
	pthread_mutex_t lock;  /* of the readers */
	pthread_cond_t returned;
	struct db *reader[READERS_MAX]; /* free ones */
	int n_free, n_readers;
	struct memory memory;
};

/* The schema files in order, ended by NULL; made at build time by schema/embed.sh. */
extern const char *const store_schema[];

int store_db_open(const char *where, bool read_only, struct db **ret, struct err *err);

/* Runs fn in a transaction that is durable when this returns 0. Blocks. */
int store_write(struct store *s, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err);
/* The same on a read-only connection, in one snapshot. */
int store_read(struct store *s, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err);

int writer_start(struct store *s, struct db *db, struct writer **ret, struct err *err);
void writer_stop(struct writer *w); /* after the last call; closes the connection */
int writer_call(struct writer *w, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err);

/* Calls of one statement (query.c): writing, how many rows it changed (ret_n may be NULL); reading, its rows into an array in
 * the arena, each by `read`, which takes the columns in their order. */
int store_run(struct store *s, const char *sql, const struct db_arg *args, size_t n, int64_t *ret_n, struct err *err);
struct store_query {
	const char *sql;
	const struct db_arg *args;
	size_t n_args, size; /* size: of one item */
	void (*read)(struct db_row *row, void *item);
	struct arena *arena;
	void *found;
	size_t n;
};
int store_query(struct store *s, struct store_query *q, struct err *err);
/* The same inside a transaction. */
int query_rows(struct db *db, struct store_query *q, struct err *err);

/* The reader of one number: item is an int64_t. */
void read_number(struct db_row *row, void *item);

/* A column that holds a tenant is in a set: ?N is the set's parameter, written twice. */
#define IN_TENANTS(column, parameter)                                                                        \
	"(CAST(" parameter " AS TEXT) IS NULL OR replace(" parameter ", '|' || " column " || '|', '') <> " parameter ")"

/* ---- shared pieces, inside a transaction ---- */

/* Adds to the outbox; a uid that is there already is left as it is. */
int event_insert(struct db *db, const char *tenant, const struct store_event *e, struct err *err);
/* Adds to the counters of a stream. */
struct counts {
	int64_t seen, scanned, unknown, skipped, pending, repeats;
};
void counts_add(struct counts *c, int state, int64_t by); /* enum item_state */
int counts_apply(struct store *s, struct db *db, int64_t stream, const struct counts *c, struct err *err);
/* A done item is pending once more (again.c); why: enum item_again. */
int item_again(struct store *s, struct db *db, int64_t id, enum lane lane, int why, int64_t *ret_n, struct err *err);
/* The hashes of a content's parts. */
int hashes_keep(struct db *db, const struct store_result *r, struct err *err);
/* Remembers a verdict and the hashes of its bytes. */
int verdict_insert(struct db *db, const struct store_result *r, struct err *err);
/* Something that judgements go by is another now. */
int policy_changed(struct db *db, struct err *err);
/* The row of the content that the result names, made or brought up to date; *ret 0: it names none. */
int content_keep(struct db *db, const struct store_result *r, int64_t *ret, struct err *err);
int finding_insert(struct db *db, const struct store_finding *f, int64_t *ret, struct err *err);
/* The columns of a finding, in the order that finding_read() wants; before FROM comes one more: f.facts, or NULL. */
#define FINDING_COLUMNS                                                                                      \
	"f.id, f.uid, f.item, f.stream, f.tenant, f.connection, f.provider, f.service, f.stream_name, f.remote_id, " \
	"f.version, f.name, f.path, f.owner, f.sha256, f.size, f.message_id, f.mail_from, f.mail_to, f.subject, "    \
	"f.received_at, f.verdict, f.reason, f.threats, f.engine, f.signatures, f.rules, f.action_kind, "            \
	"f.action_state, f.action_error, f.op_id, f.case_id, f.changed_at, f.seen_at, f.verdict_at, "                \
	"f.contained_at, f.restored_at, f.receipt, f.action_attempts, f.action_next_try, f.act"
int finding_read(struct db_stmt *st, struct arena *a, struct store_finding *ret, struct err *err);

/* A clock that was set back must not put off for a day what waits: on a sole store, everything that waits is moved
 * with the clock. Called by each claim. */
int store_follow_clock(struct store *s, struct db *db, int64_t now, struct err *err);

/* "" for NULL. */
static inline const char *str0(const char *s)
{
	return s ? s : "";
}

/* SHA-256 from its hexadecimal form; false for what is none. */
/* Correspondence and hosts (history.c): what an item's end notes; and one batch of pruning from key on, which is moved. */
int history_note(struct db *db, const struct store_note *n, struct err *err);
int history_prune(struct db *db, bool contacts, int64_t before, unsigned char *key, size_t *key_len, int batch, bool *ret_more,
	struct err *err);

#define SHA256_LEN 32
bool sha256_read(const char *hex, unsigned char ret[SHA256_LEN]);

/* Actions that keep the item away from people, so that it can be brought back or deleted. */
#define HOLDING "('quarantine', 'replace', 'delete')"

/* The earlier of two instants, 0 being never. */
static inline int64_t earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

#endif
