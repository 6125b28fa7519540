/* The store: everything sekisho remembers, in domain calls; each is one transaction, durable when it returns.
 *
 * Backends: SQLite (default) and PostgreSQL, behind the same calls and the same conformance suite. No SQL leaves
 * this folder. A store opened for writing belongs to core (one process a SQLite file); its calls may come from any
 * thread and block: one thread owns the writing connection and commits what waits together. Opened read-only, it
 * serves the command line and the web role beside a running service.
 *
 * All text that comes in is copied; all that goes out lies in the arena or record given by the caller. Times are ms
 * UTC. Errors: RETRY "busy"; LOCAL "disk_full", "corrupt", "store"; GONE "not_found". */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* where: "sqlite:/path/store.db" or "postgresql://…". read_only: never creates or migrates. node: this process's name
 * for claims ("host:pid" style, at most 63 bytes). */
int store_open(const char *where, bool read_only, const char *node, struct store **ret, struct err *err);
void store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close)

/* After a restart: what this node had claimed is free again. */
int store_recover(struct store *s, struct err *err);
/* Integrity and free space, for doctor: 0, or -1 with what is wrong. */
int store_check(struct store *s, struct err *err);

/* ---- connections ---- */

enum conn_state { CONN_CONNECTED = 1, CONN_DEGRADED, CONN_REVOKED, CONN_EXPIRED, CONN_DISCONNECTED };
const char *conn_state_name(enum conn_state s);

struct store_connection {
	const char *id, *tenant, *provider;
	bool protect;
	unsigned services;      /* enum service_bits */
	const char *config;     /* JSON: endpoints, page_size, … as core writes it */
	const char *grant;      /* JSON: public facts of the grant */
	int backlog;            /* enum backlog_kind */
	int64_t backlog_since;
	enum conn_state state;
	const char *reason;     /* code of what is wrong; "" */
	const char *message;
	int64_t created_at, last_success_at, last_failure_at, ends_at;
	const char *report;     /* JSON of the last grant check: organisation, granted, missing */
	int64_t paused_until;
};

/* Inserts, or replaces everything but created_at and the counters. */
int store_connection_put(struct store *s, const struct store_connection *c, struct err *err);
int store_connection_get(struct store *s, const char *id, struct arena *a, struct store_connection *ret, struct err *err);
/* All of them, by id. tenant: NULL for all. */
int store_connection_list(struct store *s, const char *tenant, struct arena *a, struct store_connection **ret, size_t *ret_n,
	struct err *err);
/* State, reason, message; a change of state also stores the event (JSON line; NULL for none). *ret_changed (may be
 * NULL) says whether the state was another before: a withdrawn consent is reported once. */
int store_connection_state(struct store *s, const char *id, enum conn_state state, const char *reason, const char *message,
	const char *event_uid, const char *event, bool *ret_changed, struct err *err);
int store_connection_success(struct store *s, const char *id, int64_t now, struct err *err);
int store_connection_pause(struct store *s, const char *id, int64_t until, struct err *err);
int store_connection_report(struct store *s, const char *id, const char *report, int64_t ends_at, struct err *err);

/* ---- streams ---- */

struct store_stream {
	int64_t id;
	const char *connection, *tenant, *provider;
	const char *remote_id, *service, *owner, *name, *context;
	int state; /* enum stream_state */
	const char *reason;
	const char *cursor;   /* NULL: never polled, or lost */
	bool listing;         /* the first enumeration is not done */
	bool resync;          /* the cursor was lost */
	int64_t next_due, last_success_at, created_at;
	int failures;         /* in a row */
	const char *error;    /* code of the last failure; "" */
	/* coverage: seen = scanned + unknown + skipped + pending, always */
	int64_t seen, scanned, unknown, skipped, pending, repeats;
};

/* Upserts what discovery found on one page; round marks them. A known stream keeps its cursor; one that was retired
 * or not active becomes due at once when it is active again. ids: next_due of new ones is now. */
int store_stream_sync(struct store *s, const char *connection, int64_t round, const struct store_stream *streams, size_t n,
	int64_t now, struct err *err);
/* Those of the connection without this round's mark become retired. */
int store_stream_retire(struct store *s, const char *connection, int64_t round, int64_t *ret_n, struct err *err);

#define STORE_CLAIMS_PER_CONNECTION 2

/* Takes the stream that has been due longest, of connections that are connected or degraded and not paused, and
 * claims it for this node until lease; connections of which STORE_CLAIMS_PER_CONNECTION streams are claimed already are
 * passed over, so that one slow provider never takes all threads. GONE "nothing" when none is due; *ret_next (may be NULL): when the next will be,
 * 0 never. */
int store_stream_claim(struct store *s, int64_t now, int64_t lease_until, struct arena *a, struct store_stream *ret,
	int64_t *ret_next, struct err *err);
/* Gives it back after a failure (code NULL: without one, as it was). lost_cursor: cursor becomes NULL and resync true. state: enum stream_state or 0 to keep. */
int store_stream_fail(struct store *s, int64_t id, const char *code, const char *message, int64_t next_due, bool lost_cursor,
	int state, struct err *err);
int store_stream_list(struct store *s, const char *connection, struct arena *a, struct store_stream **ret, size_t *ret_n,
	struct err *err);
/* Makes all active streams of a connection (NULL: of all) due now. */
int store_stream_wake(struct store *s, const char *connection, int64_t now, struct err *err);

/* ---- items ---- */

enum item_state { ITEM_PENDING = 1, ITEM_SCANNED, ITEM_UNKNOWN, ITEM_SKIPPED };
enum lane { LANE_LIVE = 1, LANE_BACKLOG };
/* Why an item that was judged is pending once more; 0: it is not. */
enum item_again {
	AGAIN_SHARING = 1, /* who has access changed: judged from what is recorded, its bytes are not fetched */
	AGAIN_RULES,       /* rules or signatures are others: bytes are fetched only when what is recorded does not do */
};

struct store_item {
	int64_t id;
	int64_t stream;
	const char *connection, *tenant, *provider;
	int kind; /* enum item_kind */
	const char *remote_id, *version, *service, *name, *path, *owner, *hash_kind, *hash, *provider_threat, *context;
	const char *message_id, *from, *to, *subject;
	const char *sharing_mark; /* as struct item's; NULL none. A known version that comes with another one is pending again */
	enum item_again again;
	int64_t size, changed_at, seen_at, received_at;
	enum lane lane;
	enum item_state state;
	const char *reason;   /* of unknown and skipped */
	int attempts, crashes;
	int64_t next_try;
	int64_t finding;      /* of the action it waits for; 0 */
};

struct store_page {
	int64_t stream;
	const struct store_item *items; /* state PENDING, or SKIPPED or UNKNOWN with their reason at once */
	size_t n_items;
	const char *const *removed; /* remote ids: pending versions of them in this stream become unknown "gone" */
	size_t n_removed;
	const char *cursor;
	bool listing, resync; /* the stream's flags from now on */
	bool release;         /* false: more pages follow, keep the claim */
	int64_t next_due;
	int64_t now;
};

/* Cursor, items, counters: one transaction. A known (connection, remote_id, version) is counted as a repeat and else
 * ignored. Older pending versions of the same remote_id become unknown "superseded". *ret_new: how many were new and
 * pending. */
int store_page_commit(struct store *s, const struct store_page *page, int64_t *ret_new, struct err *err);

/* Up to max pending items of one connection (not paused, connected or degraded), the live lane before the backlog,
 * connections in turn; claimed until lease. 0 items is no error. *ret_next: when the earliest deferred one may be tried;
 * 0 never. */
int store_item_claim(struct store *s, int64_t now, int64_t lease_until, size_t max, struct arena *a, struct store_item **ret,
	size_t *ret_n, int64_t *ret_next, struct err *err);
/* From now on this node claims at most so many items of one connection at a time, so that a slow provider leaves some of
 * the threads to others. 0, as at first: any number. Before any thread claims. */
void store_item_share(struct store *s, int items);
/* Not now: attempts + 1 (crashes + 1 when crashed), size stored when it became known (-1: keep). */
int store_item_defer(struct store *s, int64_t id, int64_t next_try, const char *code, bool crashed, int64_t size,
	struct err *err);
/* Claims given back untouched. */
int store_item_release(struct store *s, const int64_t *ids, size_t n, struct err *err);

/* Done items (scanned or unknown) are judged once more: pending again in this lane, in the counters too. Left alone: what is
 * pending or skipped, and what a finding says was contained, released or deleted. Their next finding is another one; the
 * item names the last. *ret_n (may be NULL): how many. */
int store_item_again(struct store *s, const int64_t *ids, size_t n, enum lane lane, int64_t *ret_n, struct err *err);

/* One by its id, with its stream: for actions. GONE "not_found". */
int store_item_get(struct store *s, int64_t id, struct arena *a, struct store_item *ret, struct err *err);
int store_stream_get(struct store *s, int64_t id, struct arena *a, struct store_stream *ret, struct err *err);

struct store_event {
	const char *uid;
	const char *json; /* one line */
};

struct store_finding {
	int64_t id;
	const char *uid;  /* stable, for people and API */
	int64_t item;     /* store_item.id */
	int64_t stream;
	const char *tenant, *connection, *provider, *service, *stream_name;
	const char *remote_id, *version, *name, *path, *owner, *sha256;
	int64_t size;
	const char *message_id, *from, *to, *subject;
	int64_t received_at;
	const char *verdict; /* "threat" "unknown", "clean": a rule matched */
	const char *reason;
	const char *threats; /* JSON array [{"name","part"}] */
	const char *engine, *signatures;
	const char *rules;   /* JSON array [{"id","severity","category","mode","action","why"}] */
	const char *facts;   /* JSON object for whoever looks at it: parts, masked hits, links, sharing; NULL none. Not in lists */
	const char *action_kind;  /* "quarantine" and the other names of enum policy_action; "" none */
	const char *act;     /* JSON object: what the action wants beside its kind (tag, notice); NULL nothing */
	const char *action_state; /* none planned intended done failed restoring restored deleting deleted; would = monitor mode */
	const char *action_error, *op_id, *case_id;
	int64_t changed_at, seen_at, verdict_at, contained_at, restored_at;
	const char *receipt; /* JSON of the connector; NULL before the intent */
	int action_attempts;
	int64_t action_next_try;
};

/* Who wrote, or was written to, and where links led: remembered for the tenant, see store_contact_get(). */
struct store_note {
	const char *tenant; /* NULL: nothing is noted */
	int64_t at;         /* the mail's time, ms UTC */
	const char *mail;   /* Message-ID: the same mail in several mailboxes counts once */
	const char *const *contacts, *const *hosts;
	size_t n_contacts, n_hosts;
};

/* Of one part, as it lies in the store. */
struct store_part_hash {
	unsigned char sha256[32], sha1[20], md5[16];
	unsigned char size[8]; /* big-endian */
};
#define STORE_PART_HASHES_MAX 257 /* of one content: the item and its parts */

struct store_result {
	int64_t item;
	enum item_state state; /* SCANNED, UNKNOWN, SKIPPED */
	const char *reason;
	int64_t now;
	int64_t received_at; /* when a mail came, known since its bytes are; 0: what is there stays */
	int64_t renews; /* an earlier finding of this item that `finding` brings up to date instead of standing beside it: unknown became
			 * something else, or other rules say the same of it and more. Only while nothing was done about it; 0 none */
	const struct store_finding *finding; /* NULL: nothing to find. action_state: "none", "planned" or "would" */
	const struct store_event *events;
	size_t n_events;
	/* the verdict cache, when sha256 is not NULL: */
	const char *sha256;
	int64_t size;
	const char *verdict, *verdict_reason, *threats, *engine, *signatures;
	const char *hash_kind, *hash; /* strong hash by the provider that means the same bytes; NULL none */
	const char *sha1, *dropbox;   /* further hashes of the bytes, as computed; NULL none */
	struct store_note note;
	/* recorded facts (store/policy.h): */
	const char *facts;          /* the item's own; NULL none */
	const char *content;        /* SHA-256 of the bytes; NULL not known */
	const char *content_facts;  /* of those bytes; NULL: what is kept stays */
	const struct store_part_hash *part_hashes; /* of the content, which is the first, and of its parts (store/hashes.h); NULL */
	size_t n_part_hashes;
	bool risky;                 /* it holds what may run */
	const char *detectors;      /* whose facts these are: "" or a version of policies' own detectors */
};

/* The item's end: verdict, finding, planned action, cache and events in one transaction. Of an item that is done
 * already (a claim that ran out) nothing changes and *ret_finding is 0. *ret_finding: the finding's id, 0 when none. */
int store_item_finish(struct store *s, const struct store_result *r, int64_t *ret_finding, struct err *err);

/* ---- the verdict cache ---- */

struct store_verdict {
	const char *sha256;
	int64_t size;
	const char *verdict, *reason, *threats;
};
/* By content and what judged it. GONE "not_found". */
int store_verdict_get(struct store *s, const char *sha256, const char *engine, const char *signatures, struct arena *a,
	struct store_verdict *ret, struct err *err);
/* By a provider's strong hash and size ("sha256", "sha1", "dropbox"). */
int store_verdict_by_hash(struct store *s, const char *kind, const char *hash, int64_t size, const char *engine,
	const char *signatures, struct arena *a, struct store_verdict *ret, struct err *err);

/* ---- findings and actions ---- */

struct finding_filter {
	const char *tenant, *connection, *provider, *service, *verdict, *action_state; /* NULL: any. Of states, those within
		another one (interface: would is none, planned intended, restoring and deleting done) are found by both names */
	int64_t since, until; /* of verdict_at; 0: open */
	int64_t after;        /* id: paging */
	size_t max;           /* 0: 1000 */
	bool quarantined;     /* only those whose item is held, or should be: in quarantine, not tagged or unshared */
	const char *rule, *category; /* matched one of that id, of that category; NULL: any */
	const char *tenants;  /* a set as in console.h; NULL: all */
	bool newest;          /* newest first: then `after` is the id to go below, 0 from the newest */
	const char *search;   /* part of name, path, owner or subject; NULL */
};
int store_finding_list(struct store *s, const struct finding_filter *f, struct arena *a, struct store_finding **ret,
	size_t *ret_n, struct err *err);
struct store_rule_count {
	const char *rule;
	int64_t n; /* findings that name it */
};
/* Of a tenant's findings judged at or after `since`, the newest 20,000. In no order. */
int store_finding_rules(struct store *s, const char *tenant, int64_t since, struct arena *a, struct store_rule_count **ret, size_t *ret_n,
	struct err *err);
/* A test detection, asked for by a person: a finding with its event and without an item, so that coverage counts what the
 * cloud holds and nothing else. Its reason is STORE_TEST_REASON, its action "would": nothing is ever done about it. */
#define STORE_TEST_REASON "test"
int store_finding_test(struct store *s, const struct store_finding *f, const struct store_event *e, struct err *err);
/* By uid or op_id. */
int store_finding_get(struct store *s, const char *uid, struct arena *a, struct store_finding *ret, struct err *err);

/* Takes one finding whose action waits (planned, intended, restoring, deleting) and may be tried; claimed until lease.
 * finding: that one only, or 0 for any. GONE "nothing". */
int store_action_claim(struct store *s, int64_t finding, int64_t now, int64_t lease_until, struct arena *a,
	struct store_finding *ret, int64_t *ret_next, struct err *err);
/* The intent with its receipt: durable before the first call. state: "intended", or unchanged when NULL (a better
 * receipt for what runs already). */
int store_action_intend(struct store *s, int64_t finding, const char *state, const char *receipt, struct err *err);
/* Asks for the undoing of a done (or failed) action, or for the deletion of what is held: state becomes "restoring" or
 * "deleting". CHANGED "wrong_state" otherwise. */
int store_action_ask(struct store *s, int64_t finding, const char *state, const char *op_id, struct err *err);
/* The end of an action: "done", "failed", "restored", "deleted", with the event, in one transaction; or "deleting": it is held
 * (contained_at), and its deletion waits. receipt NULL:
 * keep. With "restored" the (connection, remote_id, sha256) is remembered as released. No effect (and no event) when it
 * is in that state already. details: names what the finding should show now (name, path, owner, mail); NULL: keep. */
int store_action_finish(struct store *s, int64_t finding, const char *state, const char *receipt, const char *error,
	int64_t now, const struct store_event *events, size_t n_events, const struct store_finding *details, struct err *err);
int store_action_defer(struct store *s, int64_t finding, const char *error, int64_t next_try, struct err *err);
/* Was this content of this item released by a restore? */
int store_released(struct store *s, const char *connection, const char *remote_id, const char *sha256, bool *ret,
	struct err *err);

/* ---- quarantine places ---- */

int store_place_get(struct store *s, const char *connection, const char *key, struct buf *ret, struct err *err); /* 0, 1, -1 */
int store_place_put(struct store *s, const char *connection, const char *key, const char *value, struct err *err);

/* ---- events: the outbox ---- */

struct store_outbox {
	int64_t seq; /* gapless order of commit within one store */
	const char *uid, *json;
};
int store_event_add(struct store *s, const char *tenant, const struct store_event *e, struct err *err);
/* What the sink has not confirmed, in order. */
int store_event_next(struct store *s, const char *sink, size_t max, struct arena *a, struct store_outbox **ret, size_t *ret_n,
	struct err *err);
int store_event_confirm(struct store *s, const char *sink, int64_t seq, struct err *err);
/* Everything kept, for the events command: after seq. */
int store_event_list(struct store *s, int64_t after, size_t max, struct arena *a, struct store_outbox **ret, size_t *ret_n,
	struct err *err);

/* ---- how long things are kept ---- */

struct store_retention {
	int64_t now;
	int64_t events_ms; /* events that all sinks have confirmed; correspondence and hosts */
	int64_t items_ms;  /* items that are done and have no finding: their identity stays */
	const char *engine, *signatures; /* what judges now; verdicts of others, a week old, go */
};

/* How far a pass through the store has got. Zeroed: at its beginning. */
struct store_prune {
	enum { PRUNE_EVENTS, PRUNE_ITEMS, PRUNE_CONTENTS, PRUNE_VERDICTS, PRUNE_HASHES, PRUNE_CONTACTS, PRUNE_HOSTS, PRUNE_DONE } phase;
	int64_t events, items, contents, verdicts; /* removed in this pass */
	int64_t item, content, kind, size;        /* the store's own, as is what follows */
	unsigned char key[32];
	size_t key_len;
};

/* The next few rows of a pass. Coverage does not change; what is removed is still a repeat when it is listed again. */
int store_prune(struct store *s, const struct store_retention *keep, struct store_prune *at, struct err *err);

/* ---- how much is left ---- */

struct store_totals {
	int64_t streams_due;     /* active, connected, not paused, due now */
	int64_t streams_claimed;
	int64_t streams_listing; /* first enumeration not done */
	int64_t items_live, items_backlog; /* pending */
	int64_t actions;         /* waiting */
	int64_t events;          /* not confirmed by the sink "file" */
	int64_t items_done_1h;   /* for the forecast */
};
int store_totals(struct store *s, int64_t now, struct store_totals *ret, struct err *err);
/* How many of the pending items and waiting actions in store_totals() cannot be tried before `until`, because their own
 * time or their connection's pause lies behind it. Looks at each of them. */
int store_later(struct store *s, int64_t until, int64_t *ret, struct err *err);
/* What waits for a later try (streams, items, actions) may be tried now. What somebody has claimed is left alone. */
int store_retry_now(struct store *s, int64_t now, struct err *err);
/* Coverage summed over a connection's streams (connection NULL: over all). */
int store_coverage(struct store *s, const char *connection, struct store_stream *ret_sums, struct err *err);

/* A value of the node's own ("discovery/ID" → last round). GONE "not_found". */
int store_meta_get(struct store *s, const char *key, struct buf *ret, struct err *err);
int store_meta_put(struct store *s, const char *key, const char *value, struct err *err);

#endif
