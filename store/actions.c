/* Actions: what is done about findings, step by step, and what a restore released.
 *
 *   planned → intended → done | failed | deleting      (none and would never move)
 *   done | failed → restoring → restored | failed | done
 *   done | failed → deleting → deleted | failed | done
 *
 * planned, intended, restoring and deleting wait for work: those are claimed. */
#include "store/impl.h"

#include <string.h>

#define CLAIM_TRIES 5

struct claim {
	int64_t finding, now, lease_until, next;
	struct arena *arena;
	bool found;
	struct store_finding row;
};

/* The one asked for may be taken though its connection is paused: somebody waits for it. 1, 0, -1. */
static int find_one(struct db *db, struct claim *c, int64_t *ret, struct err *err)
{
	int64_t ready = 0;

	int r = db_get_int(db, "SELECT ready_at FROM findings WHERE id = ?1 AND waiting = 1", DB_ARGS(DB_I(c->finding)), &ready,
		err);
	if (r <= 0)
		return r;
	if (ready > c->now) {
		c->next = ready;
		return 0;
	}
	*ret = c->finding;
	return 1;
}

static int find_any(struct db *db, struct claim *c, int64_t *ret, struct err *err)
{
	int64_t next = 0;

	/* Few wait at a time; those of connections that cannot work now are stepped over. */
	int r = db_get_int(db,
		"SELECT f.id FROM findings f JOIN connections c ON c.id = f.connection WHERE f.waiting = 1 AND f.ready_at <= ?1"
		" AND c.state IN (1, 2) AND c.paused_until <= ?1 ORDER BY f.ready_at, f.id LIMIT 1",
		DB_ARGS(DB_I(c->now)), ret, err);
	if (r != 0)
		return r;
	r = db_get_int(db,
		"SELECT coalesce(min(CASE WHEN f.ready_at > c.paused_until THEN f.ready_at ELSE c.paused_until END), 0)"
		" FROM findings f JOIN connections c ON c.id = f.connection WHERE f.waiting = 1 AND c.state IN (1, 2)",
		DB_NONE, &next, err);
	if (r > 0)
		c->next = next;
	return r < 0 ? -1 : 0;
}

static int claim(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct claim *c = ctx;
	int64_t id = 0, n = 0;
	int r;

	c->found = false;
	c->next = 0;
	if (store_follow_clock(s, db, c->now, err) < 0)
		return -1;
	/* Another node may be faster: then the next one. */
	for (int i = 0; i < CLAIM_TRIES && n == 0; i++) {
		r = c->finding ? find_one(db, c, &id, err) : find_any(db, c, &id, err);
		if (r <= 0)
			return r;
		n = db_run(db, "UPDATE findings SET node = ?2, ready_at = ?3 WHERE id = ?1 AND waiting = 1 AND ready_at <= ?4",
			DB_ARGS(DB_I(id), DB_T(s->node), DB_I(c->lease_until), DB_I(c->now)), err);
	}
	if (n < 0)
		return -1;
	c->next = c->now;
	if (n == 0)
		return 0;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	if (db_start(db, "SELECT " FINDING_COLUMNS ", NULL FROM findings f WHERE f.id = ?1", DB_ARGS(DB_I(id)), &st, err) < 0)
		return -1;
	r = db_step(st, err);
	if (r <= 0)
		return r;
	c->found = true;
	return finding_read(st, c->arena, &c->row, err);
}

int store_action_claim(struct store *s, int64_t finding, int64_t now, int64_t lease_until, struct arena *a,
	struct store_finding *ret, int64_t *ret_next, struct err *err)
{
	struct claim c = {.finding = finding, .now = now, .lease_until = lease_until, .arena = a};

	if (store_write(s, claim, &c, err) < 0)
		return -1;
	if (ret_next)
		*ret_next = c.next;
	if (!c.found)
		return err_set(err, ERR_GONE, "nothing", "no action waits");
	*ret = c.row;
	return 0;
}

struct step {
	int64_t finding;
	const char *state, *receipt, *error, *op_id;
	int64_t now;
	const struct store_event *events;
	size_t n_events;
	const struct store_finding *details;
};

/* What the finding is now: for a step that changed nothing. */
static int wrong_state(struct db *db, const struct step *p, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, "SELECT action_state FROM findings WHERE id = ?1", DB_ARGS(DB_I(p->finding)), &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(err, ERR_GONE, "not_found", "there is no finding %lld", (long long)p->finding);
	return err_set(err, ERR_CHANGED, "wrong_state", "the action of finding %lld is %s", (long long)p->finding,
		str0(db_text(st, 0)));
}

static int intend(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct step *p = ctx;
	int64_t n = db_run(db,
		"UPDATE findings SET receipt = ?2, action_state = coalesce(?3, action_state) WHERE id = ?1 AND waiting = 1"
		" AND (CAST(?3 AS TEXT) IS NULL OR action_state IN ('planned', 'intended'))",
		DB_ARGS(DB_I(p->finding), DB_T(p->receipt), DB_T(p->state)), err);

	return n < 0 ? -1 : n > 0 ? 0 : wrong_state(db, p, err);
}

int store_action_intend(struct store *s, int64_t finding, const char *state, const char *receipt, struct err *err)
{
	struct step p = {.finding = finding, .state = state, .receipt = receipt};

	if (state && strcmp(state, "intended") != 0)
		return err_set(err, ERR_LOCAL, "store", "%s is no intent", state);
	return store_write(s, intend, &p, err);
}

static int ask(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct step *p = ctx;
	int64_t n = db_run(db,
		"UPDATE findings SET action_state = ?2, op_id = coalesce(?3, op_id), action_error = '', action_attempts = 0,"
		" action_next_try = 0, waiting = 1, ready_at = 0, node = NULL"
		" WHERE id = ?1 AND action_state IN ('done', 'failed') AND (action_kind IN " HOLDING
		" OR (?2 = 'restoring' AND action_kind IN ('tag', 'unshare', 'block')))",
		DB_ARGS(DB_I(p->finding), DB_T(p->state), DB_T(p->op_id)), err);

	return n < 0 ? -1 : n > 0 ? 0 : wrong_state(db, p, err);
}

int store_action_ask(struct store *s, int64_t finding, const char *state, const char *op_id, struct err *err)
{
	struct step p = {.finding = finding, .state = state, .op_id = op_id};

	if (strcmp(state, "restoring") != 0 && strcmp(state, "deleting") != 0)
		return err_set(err, ERR_LOCAL, "store", "%s cannot be asked for", state);
	return store_write(s, ask, &p, err);
}

static int set_details(struct db *db, int64_t finding, const struct store_finding *d, struct err *err)
{
	return db_run(db,
		       "UPDATE findings SET name = coalesce(?2, name), path = coalesce(?3, path), owner = coalesce(?4, owner),"
		       " message_id = coalesce(?5, message_id), mail_from = coalesce(?6, mail_from),"
		       " mail_to = coalesce(?7, mail_to), subject = coalesce(?8, subject),"
		       " received_at = CASE WHEN ?9 > 0 THEN ?9 ELSE received_at END WHERE id = ?1",
		       DB_ARGS(DB_I(finding), DB_T(d->name), DB_T(d->path), DB_T(d->owner), DB_T(d->message_id), DB_T(d->from),
			       DB_T(d->to), DB_T(d->subject), DB_I(d->received_at)),
		       err) < 0 ? -1 : 0;
}

/* What follows from the new state. */
static int after_finish(struct db *db, struct step *p, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (p->details && set_details(db, p->finding, p->details, err) < 0)
		return -1;
	if (strcmp(p->state, "restored") == 0 &&
		db_run(db,
			"INSERT INTO released (connection, remote_id, sha256) SELECT connection, remote_id, sha256 FROM findings"
			" WHERE id = ?1 AND sha256 IS NOT NULL AND remote_id IS NOT NULL"
			" ON CONFLICT (connection, remote_id, sha256) DO NOTHING",
			DB_ARGS(DB_I(p->finding)), err) < 0)
		return -1;
	if (p->n_events == 0)
		return 0;
	if (db_start(db, "SELECT tenant FROM findings WHERE id = ?1", DB_ARGS(DB_I(p->finding)), &st, err) < 0 ||
		db_step(st, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n_events; i++)
		if (event_insert(db, db_text(st, 0), &p->events[i], err) < 0)
			return -1;
	return 0;
}

static int finish(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct step *p = ctx;
	int64_t id = 0;
	int64_t n = db_run(db,
		"UPDATE findings SET action_state = ?2, receipt = coalesce(?3, receipt), action_error = ?4,"
		" waiting = CASE WHEN ?2 = 'deleting' THEN 1 ELSE 0 END, ready_at = 0, action_attempts = 0, action_next_try = 0,"
		" node = NULL, contained_at = CASE WHEN ?2 IN ('done', 'deleting') AND contained_at = 0 THEN ?5 ELSE contained_at END,"
		" restored_at = CASE WHEN ?2 = 'restored' THEN ?5 ELSE restored_at END WHERE id = ?1 AND waiting = 1",
		DB_ARGS(DB_I(p->finding), DB_T(p->state), DB_T(p->receipt), DB_T(str0(p->error)), DB_I(p->now)), err);

	if (n != 0)
		return n < 0 ? -1 : after_finish(db, p, err);
	int r = db_get_int(db, "SELECT id FROM findings WHERE id = ?1 AND action_state = ?2",
		DB_ARGS(DB_I(p->finding), DB_T(p->state)), &id, err);
	return r > 0 ? 0 : r < 0 ? -1 : wrong_state(db, p, err);
}

int store_action_finish(struct store *s, int64_t finding, const char *state, const char *receipt, const char *error,
	int64_t now, const struct store_event *events, size_t n_events, const struct store_finding *details, struct err *err)
{
	static const char *const ends[] = {"done", "failed", "restored", "deleted", "deleting"};
	struct step p = {.finding = finding, .state = state, .receipt = receipt, .error = error, .now = now, .events = events,
		.n_events = n_events, .details = details};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (strcmp(state, ends[i]) == 0)
			return store_write(s, finish, &p, err);
	return err_set(err, ERR_LOCAL, "store", "%s is no end of an action", state);
}

static int defer(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct step *p = ctx;
	int64_t id = 0;
	int64_t n = db_run(db,
		"UPDATE findings SET node = NULL, action_next_try = ?2, ready_at = ?2, action_error = ?3,"
		" action_attempts = action_attempts + 1 WHERE id = ?1 AND waiting = 1 AND (node IS NULL OR node = ?4)",
		DB_ARGS(DB_I(p->finding), DB_I(p->now), DB_T(str0(p->error)), DB_T(s->node)), err);

	if (n != 0)
		return n < 0 ? -1 : 0;
	int r = db_get_int(db, "SELECT id FROM findings WHERE id = ?1", DB_ARGS(DB_I(p->finding)), &id, err);
	return r > 0 ? 0 : r < 0 ? -1 : wrong_state(db, p, err);
}

int store_action_defer(struct store *s, int64_t finding, const char *error, int64_t next_try, struct err *err)
{
	struct step p = {.finding = finding, .error = error, .now = next_try};

	return store_write(s, defer, &p, err);
}

struct released {
	const char *connection, *remote_id, *sha256;
	bool found;
};

static int released(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct released *q = ctx;
	int64_t one;
	int r = db_get_int(db, "SELECT 1 FROM released WHERE connection = ?1 AND remote_id = ?2 AND sha256 = ?3",
		DB_ARGS(DB_T(q->connection), DB_T(q->remote_id), DB_T(q->sha256)), &one, err);

	q->found = r > 0;
	return r < 0 ? -1 : 0;
}

int store_released(struct store *s, const char *connection, const char *remote_id, const char *sha256, bool *ret,
	struct err *err)
{
	struct released q = {.connection = connection, .remote_id = remote_id, .sha256 = str0(sha256)};

	if (store_read(s, released, &q, err) < 0)
		return -1;
	*ret = q.found;
	return 0;
}
