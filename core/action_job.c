/* Containing and undoing: intent, call, look, record. Runs on the action threads, and on an item thread right after
 * its verdict.
 *
 * The order is the promise: the receipt is durable before the first call that changes anything; a call is "set the
 * state", so that a repeat has no second effect; the end and its event are one transaction. After a crash the state in
 * the store says where to go on, and the connector looks before it acts (again = true). */
#include "core/core.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/crash.h"
#include "events/catalogue.h"

#include <string.h>

#define ATTEMPTS 60

struct act {
	struct core *c;
	struct live *l;
	struct store_finding f;
	struct store_item rec;
	struct store_stream stream;
	struct stream_info info;
	struct item item;
	struct arena *a;
	struct buf receipt;
};

static int end(struct act *x, const char *state, const char *error, const char *receipt, struct err *err)
{
	_cleanup_buf_ struct buf json = BUF_INIT(262144);
	char uid[37];
	int64_t now = time_now_ms();

	uuid_new(uid);
	if (event_action(&json, uid, &x->f, state, error, now) < 0)
		return err_set(err, ERR_LOCAL, "memory", "the event is too large");
	struct store_event e = {.uid = uid, .json = buf_str(&json)};
	crash_point("action.observed");
	if (STORE_WRITE(x->c, "action.finish",
		    store_action_finish(x->c->store, x->f.id, state, receipt, error, now, &e, 1, NULL, err), err) < 0)
		return -1;
	crash_point("action.done");
	log_info("action.end", "finding=%s state=%s error=%s", x->f.uid, state, error);
	return 0;
}

/* What the finding's action asks of the connector. Deleting begins as quarantine. */
static int request_of(struct act *x, struct act_request *ret, struct err *err)
{
	static const struct {
		const char *name;
		enum act_kind kind;
	} kinds[] = {{"quarantine", ACT_QUARANTINE}, {"delete", ACT_DELETE}, {"tag", ACT_TAG}, {"unshare", ACT_UNSHARE},
		{"replace", ACT_REPLACE}, {"block", ACT_BLOCK}};
	_cleanup_json_ cJSON *act = NULL;
	size_t i = 0;

	while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i].name, x->f.action_kind) != 0)
		i++;
	if (i == ARRAY_SIZE(kinds))
		return err_set(err, ERR_LOCAL, "bad_action", "nothing is known of the action %s", x->f.action_kind);
	if (x->f.act && json_parse(x->f.act, strlen(x->f.act), &act, err) < 0)
		return -1;
	*ret = (struct act_request){.kind = kinds[i].kind, .tag = arena_dup(x->a, json_str_or(act, "tag", "")),
		.notice = arena_dup(x->a, json_str_or(act, "notice", ""))};
	return ret->tag && ret->notice ? 0 : err_set(err, ERR_LOCAL, "memory", "out of memory");
}

/* Is the item kept away from people, rather than marked or changed where it lies? */
static bool holds(const struct act *x)
{
	return strcmp(x->f.action_kind, "quarantine") == 0 || strcmp(x->f.action_kind, "replace") == 0 ||
		strcmp(x->f.action_kind, "delete") == 0;
}

static int contain(struct act *x, struct err *err)
{
	const struct connector *k = x->l->connector;
	bool again = strcmp(x->f.action_state, "intended") == 0;
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct observation seen = {0};
	struct act_request act;

	if (again) {
		buf_adds(&x->receipt, x->f.receipt ? x->f.receipt : "");
	} else {
		if (request_of(x, &act, err) < 0 ||
			k->plan(x->l->connection, &x->info, &x->item, &act, x->f.op_id, &x->receipt, err) < 0)
			return -1;
		crash_point("action.planned");
		if (store_action_intend(x->c->store, x->f.id, "intended", buf_str(&x->receipt), err) < 0)
			return -1;
		x->f.action_state = "intended";
	}
	crash_point("action.intended");
	if (k->quarantine(x->l->connection, buf_str(&x->receipt), again, &out, err) < 0)
		return -1;
	crash_point("action.called");
	const char *receipt = out.len ? buf_str(&out) : buf_str(&x->receipt);
	if (k->observe(x->l->connection, receipt, &seen, err) < 0)
		return -1;
	if (!seen.exists)
		return err_set(err, ERR_GONE, "gone", "the item is gone");
	if (!seen.quarantined)
		return err_set(err, ERR_RETRY, "not_effective", "%s had no effect yet (the item is in %s)", x->f.action_kind,
			seen.place);
	/* From now on it is held; its deletion is the next thing that waits, for whoever comes by. */
	return end(x, strcmp(x->f.action_kind, "delete") == 0 ? "deleting" : "done", "", receipt, err);
}

/* The bytes that came back are those that were judged. */
static int prove_hash(struct act *x, const char *receipt, struct err *err)
{
	_cleanup_(content_freep) struct content *content = NULL;
	struct content_info info = {0};
	struct digests d;

	if (!holds(x) || !x->f.sha256 || !*x->f.sha256 || !x->l->connector->open_held)
		return 0;
	if (content_new(x->c->budget, x->f.size, x->c->set->limits.item, DIGEST_SHA256, &content, err) < 0 ||
		x->l->connector->open_held(x->l->connection, receipt, content, &info, err) < 0)
		return -1;
	/* The provider does not give it out, or not the same bytes twice: place and version stand for it. */
	if (info.provider_threat[0] || info.rendered)
		return 0;
	if (content_finish(content, &d, err) < 0)
		return -1;
	if (strcmp(d.sha256, x->f.sha256) != 0)
		return err_set(err, ERR_REMOTE, "hash_differs", "what came back has SHA-256 %s, held was %s", d.sha256,
			x->f.sha256);
	return 0;
}

static int restore(struct act *x, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct observation seen = {0};
	bool again = x->f.action_attempts > 0;

	crash_point("restore.begin");
	/* A claim that was lost before anything was written looks like a first try: so look always. */
	if (x->l->connector->restore(x->l->connection, x->f.receipt, true, &out, err) < 0)
		return -1;
	crash_point("restore.called");
	const char *receipt = out.len ? buf_str(&out) : x->f.receipt;
	if (x->l->connector->observe(x->l->connection, receipt, &seen, err) < 0)
		return -1;
	if (!seen.exists || seen.quarantined)
		return err_set(err, again ? ERR_REMOTE : ERR_RETRY, "not_effective", "the item did not come back (it is in %s)",
			seen.place);
	if (prove_hash(x, receipt, err) < 0)
		return -1;
	return end(x, "restored", seen.restored ? "" : "not in its old place", receipt, err);
}

static int run(struct act *x, struct err *err)
{
	if (strcmp(x->f.action_state, "restoring") == 0)
		return restore(x, err);
	if (strcmp(x->f.action_state, "deleting") == 0) {
		if (!x->l->connector->remove)
			return err_set(err, ERR_REMOTE, "unsupported", "%s has no way to delete it", x->l->connector->title);
		if (x->l->connector->remove(x->l->connection, x->f.receipt, x->f.action_attempts > 0, err) < 0 &&
			err->class != ERR_GONE)
			return -1;
		return end(x, "deleted", "", NULL, err);
	}
	return contain(x, err);
}

/* An answer that makes no sense says nothing about the item: a proxy's page, garbage on the line. */
static bool nonsense(const struct err *err)
{
	static const char *const codes[] = {"bad_answer", "bad_json", "not_json", "http", "truncated"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	return err->http_status >= 300 && err->http_status < 400;
}

/* An act that failed: later again, or failed for good and said so. */
static void trouble(struct act *x, const struct err *err)
{
	struct err local;
	bool holding = strcmp(x->f.action_state, "planned") == 0 || strcmp(x->f.action_state, "intended") == 0;
	bool waits = err->class == ERR_RETRY || err->class == ERR_LOCAL || err->class == ERR_CANCELLED ||
		err->class == ERR_AUTH || err->class == ERR_CONSENT || nonsense(err);
	bool ours = x->l && trouble_connection(x->c, x->l, err);

	log_err(LOG_WARN_, "action.failed", err);
	if (err->class == ERR_CANCELLED || ours || (waits && x->f.action_attempts < ATTEMPTS) ||
		(err->class == ERR_REMOTE && x->f.action_attempts < 2 && strcmp(err->code, "held") != 0)) {
		if (STORE_WRITE(x->c, "action.defer",
			    store_action_defer(x->c->store, x->f.id, err->code, trouble_next(err, x->f.action_attempts), &local),
			    &local) < 0)
			log_err(LOG_ERROR_, "action.store", &local);
		return;
	}
	/* A restore or deletion that cannot be done leaves the item in quarantine, where it was. */
	if (end(x, holding ? "failed" : "done", err->code, NULL, &local) < 0)
		log_err(LOG_ERROR_, "action.store", &local);
}

bool action_job(struct core *c, int64_t finding, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(live_putp) struct live *l = NULL;
	struct act x = {.c = c, .a = a, .receipt = BUF_INIT(CONNECTOR_TEXT_MAX)};
	struct err err;
	int64_t now = time_now_ms();

	*ret_next = 0;
	/* An item's thread (finding) goes on: the finding waits in the store. */
	if (!a || store_action_claim(c->store, finding, now, now + JOB_LEASE_MS, a, &x.f, ret_next, &err) < 0)
		return a && !finding && trouble_store(c, "action.claim", &err);
	log_push("tenant", x.f.tenant);
	log_push("connection", x.f.connection);
	log_push("finding", x.f.uid);
	crash_point("action.claimed");
	int r = live_get(c, x.f.connection, &l, &err);
	x.l = l;
	if (r == 0)
		r = store_item_get(c->store, x.f.item, a, &x.rec, &err);
	if (r == 0)
		r = store_stream_get(c->store, x.f.stream, a, &x.stream, &err);
	if (r == 0) {
		core_stream_info(&x.stream, &x.info);
		core_item(&x.rec, &x.item);
		r = run(&x, &err);
	}
	if (r < 0)
		trouble(&x, &err);
	buf_free(&x.receipt);
	wake_all(&c->wake);
	log_pop();
	log_pop();
	log_pop();
	return true;
}
