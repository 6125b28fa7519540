/* The way of one item: known verdict? → content → scan → policy → commit (judge.c). Runs on the item threads.
 *
 * Whatever goes wrong, an item ends as scanned, unknown with a reason, or pending with a time to try again; it is never
 * dropped and never clean by default. */
#include "core/item.h"

#include "base/log.h"
#include "base/timeutil.h"
#include "core/content.h"
#include "core/crash.h"
#include "core/pairs.h"
#include "scan/client.h"

#include <fcntl.h>
#include <string.h>

#define SCAN_QUEUE_MS 600000
#define ATTEMPTS_REMOTE 3  /* answers that make no sense */
#define ATTEMPTS_ITEM 10   /* troubles that only this item has: a few minutes of back-off */

void core_item(const struct store_item *s, struct item *ret)
{
	*ret = (struct item){.kind = (enum item_kind)s->kind, .id = s->remote_id, .version = s->version, .service = s->service,
		.name = s->name, .path = s->path, .owner = s->owner, .size = s->size, .changed_at = s->changed_at,
		.hash_kind = s->hash_kind, .hash = s->hash, .provider_threat = s->provider_threat, .context = s->context,
		.message_id = s->message_id, .from = s->from, .to = s->to, .subject = s->subject,
		.received_at = s->received_at};
}

static void add_threat(struct work *w, const char *name, const char *part)
{
	cJSON *t = cJSON_CreateObject();

	cJSON_AddStringToObject(t, "name", name);
	cJSON_AddStringToObject(t, "part", part);
	cJSON_AddItemToArray(w->threats, t);
}

static void unknown(struct work *w, const char *reason)
{
	w->verdict = VERDICT_UNKNOWN;
	w->reason = arena_dup(w->a, reason);
}

static void provider_says(struct work *w, const char *words)
{
	char name[160];

	snprintf(name, sizeof(name), "Provider.%s", *words ? words : "Malware");
	w->verdict = VERDICT_THREAT;
	w->from_provider = true;
	add_threat(w, name, "");
}

static void take_cached(struct work *w, const struct store_verdict *v)
{
	w->cached = true;
	w->verdict = strcmp(v->verdict, "threat") == 0 ? VERDICT_THREAT :
		strcmp(v->verdict, "clean") == 0       ? VERDICT_CLEAN :
							 VERDICT_UNKNOWN;
	w->reason = v->reason;
	cJSON *threats = NULL;
	if (v->threats && json_parse(v->threats, strlen(v->threats), &threats, NULL) == 0) {
		cJSON_Delete(w->threats);
		w->threats = threats;
	}
	snprintf(w->digests.sha256, sizeof(w->digests.sha256), "%s", v->sha256);
	w->digests.size = v->size;
}

/* What is known of the content beside the verdict, from the detectors of now. Is it enough for the rules? */
static bool known_content(struct work *w)
{
	struct scan_reply *reply = arena_alloc(w->a, sizeof(*reply));
	const char *json;
	struct err err;
	bool words;

	if (!reply || store_content_get(w->c->store, w->digests.sha256, w->rules->detectors, w->a, &json, &err) < 0 ||
		content_read(json, strlen(json), reply, &words, &err) < 0)
		return false;
	w->reply = reply;
	w->words = words;
	return words || !(w->rules->wants & FACTS_WORDS);
}

/* The whole of what was said of a content before. What is bad needs nothing more. */
static bool take_known(struct work *w, const struct store_verdict *v)
{
	take_cached(w, v);
	return known_content(w) || w->verdict == VERDICT_THREAT;
}

static void forget_known(struct work *w)
{
	w->cached = false;
	w->verdict = 0;
	w->reason = "";
	w->reply = NULL;
	w->words = false;
	w->digests = (struct digests){0};
	cJSON_Delete(w->threats);
	w->threats = cJSON_CreateArray();
}

/* What said "encrypted" may open now, by a password that came. */
static bool may_open(struct work *w, const struct store_verdict *v)
{
	return strncmp(v->reason, "encrypted", 9) == 0 && pairs_may_open(w);
}

/* Known content by the provider's strong hash: no download. Only a complete judgement counts. */
static bool known_by_hash(struct work *w)
{
	struct store_verdict v;
	struct err err;

	if (!w->item.hash_kind || !w->item.hash || w->item.size < 0)
		return false;
	if (store_verdict_by_hash(w->c->store, w->item.hash_kind, w->item.hash, w->item.size, w->engine.engine,
		    w->engine.signatures, w->a, &v, &err) < 0)
		return false;
	if (!may_open(w, &v) && take_known(w, &v))
		return true;
	forget_known(w);
	return false;
}

/* An item that was judged before, by what was recorded then: no download when only rules or sharing are others. */
static bool known_by_record(struct work *w)
{
	struct store_seen seen;
	struct store_verdict v;
	struct err err;

	if (!w->rec->again || store_seen_get(w->c->store, w->rec->id, w->a, &seen, &err) < 0 || !*seen.sha256 ||
		store_verdict_get(w->c->store, seen.sha256, w->engine.engine, w->engine.signatures, w->a, &v, &err) < 0)
		return false;
	/* A password may have come since. */
	if (w->rec->again != AGAIN_SHARING && strncmp(v.reason, "encrypted", 9) == 0)
		return false;
	if (take_known(w, &v))
		return true;
	forget_known(w);
	return false;
}

static int scan_with(struct work *w, struct content *content, const struct secrets *passwords, struct err *err)
{
	struct scan_request req = {.tenant = w->l->config.tenant, .name = w->item.name, .size = content_size(content),
		.deadline_ms = w->c->set->limits.time_ms, .words = w->rules->wants & FACTS_WORDS};
	struct scan_reply *reply = arena_alloc(w->a, sizeof(*reply));
	struct peer_link *link = peer_get(&w->c->scan, 30000);

	for (int i = 0; i < passwords->n; i++)
		req.passwords[req.n_passwords++] = passwords->of[i];
	if (!reply || !link) {
		peer_put(link);
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role is restarting");
	}
	struct scan_client client = {.rpc = link->rpc};
	int fd = fcntl(content_fd(content), F_DUPFD_CLOEXEC, 0);
	int r = fd < 0 ? err_errno(err, "dup") : scan_client_scan(&client, &req, fd, SCAN_QUEUE_MS, reply, err);
	peer_put(link);
	if (r < 0)
		return -1;
	if ((reply->status == SCAN_CRASHED || reply->status == SCAN_TIMEOUT) && w->rec->crashes == 0)
		return err_set(err, ERR_RETRY, "worker", "a worker ended over this item: %s", reply->reason);
	w->reply = reply;
	w->words = req.words;
	w->scanned = true;
	w->verdict = reply->verdict;
	w->reason = reply->reason;
	cJSON_Delete(w->threats);
	w->threats = cJSON_CreateArray();
	for (int i = 0; i < reply->n_threats; i++)
		add_threat(w, reply->threats[i].name, reply->threats[i].part);
	snprintf(w->engine.engine, sizeof(w->engine.engine), "%s", reply->engine);
	snprintf(w->engine.signatures, sizeof(w->engine.signatures), "%s", reply->signatures);
	return 0;
}

/* Once, and once more with what other mails tell and the tenant's list has when something in it stayed closed. */
static int scan_bytes(struct work *w, struct content *content, struct err *err)
{
	struct secrets passwords = {0};
	int mails = 0, r;

	r = scan_with(w, content, &passwords, err);
	if (r < 0 || !pairs_closed(w))
		return r;
	r = pairs_ask(w, &passwords, &mails, err);
	pairs_list(w, &passwords);
	if (r == 0 && passwords.n > 0) {
		log_info("item.passwords", "mails=%d", mails);
		r = scan_with(w, content, &passwords, err);
	}
	secrets_wipe(&passwords);
	return r;
}

/* Are these the bytes that the list spoke of? A sign-in page with status 200 is not, nor is a newer version. */
static bool as_listed(const struct work *w)
{
	const struct item *i = &w->item;
	const char *mine = !i->hash || !i->hash_kind       ? NULL :
		strcmp(i->hash_kind, "sha256") == 0  ? w->digests.sha256 :
		strcmp(i->hash_kind, "sha1") == 0    ? w->digests.sha1 :
		strcmp(i->hash_kind, "dropbox") == 0 ? w->digests.dropbox :
						       NULL;

	if (mine)
		return strcasecmp(mine, i->hash) == 0;
	return i->kind != ITEM_FILE || !w->l->connector->exact_sizes || i->size < 0 || i->size == w->digests.size;
}

static int judge_bytes(struct work *w, struct content *content, struct err *err)
{
	struct store_verdict v;

	if (store_verdict_get(w->c->store, w->digests.sha256, w->engine.engine, w->engine.signatures, w->a, &v, err) == 0 &&
		!may_open(w, &v)) {
		struct digests keep = w->digests;
		bool known = take_known(w, &v);
		if (!known)
			forget_known(w);
		w->digests = keep;
		if (known)
			return 0;
	}
	return scan_bytes(w, content, err);
}

static int fetch_and_scan(struct work *w, int64_t *ret_wanted, struct err *err)
{
	_cleanup_(content_freep) struct content *content = NULL;
	struct content_info info = {0};

	if (content_new(w->c->budget, w->item.size, w->c->set->limits.item, DIGEST_SHA256 | DIGEST_SHA1 | DIGEST_DROPBOX,
		    &content, err) < 0)
		return -1;
	int r = w->l->connector->open_content(w->l->connection, &w->info, &w->item, content, &info, err);
	*ret_wanted = content_wanted(content);
	if (r < 0)
		return -1;
	if (info.provider_threat[0]) {
		provider_says(w, info.provider_threat);
		return 0;
	}
	if (content_finish(content, &w->digests, err) < 0)
		return -1;
	if (w->item.received_at <= 0)
		w->item.received_at = info.received_at;
	w->hashed = true;
	crash_point("item.fetched");
	bool listed = info.any_size || as_listed(w);
	if (!listed && w->rec->attempts < ATTEMPTS_REMOTE)
		return err_set(err, ERR_RETRY, "not_as_listed", "what came (%ld bytes) is not what the list says (%ld bytes)",
			(long)w->digests.size, (long)w->item.size);
	if (judge_bytes(w, content, err) < 0)
		return -1;
	/* They say nothing about the item, unless they are bad. */
	if (!listed && w->verdict == VERDICT_CLEAN) {
		w->hashed = false;
		unknown(w, "not_as_listed");
	}
	return 0;
}

/* Troubles that are not the item's own are waited for as long as they last. */
static bool trouble_of_all(const struct err *err)
{
	static const char *const codes[] = {"throttled", "network", "budget", "peer_gone", "peer_timeout", "busy", "disk_full"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	return err->class == ERR_AUTH || err->class == ERR_CONSENT;
}

/* An error's meaning for this item: try again, or end as unknown. 0 when the item was ended or deferred. */
static int trouble(struct work *w, const struct err *err, int64_t wanted)
{
	struct err local;
	bool passing = err->class == ERR_RETRY || err->class == ERR_LOCAL || err->class == ERR_CANCELLED ||
		err->class == ERR_AUTH || err->class == ERR_CONSENT;
	const char *reason = err->code;

	if (err->class == ERR_CANCELLED)
		return STORE_WRITE(w->c, "item.release", store_item_release(w->c->store, &w->rec->id, 1, &local), &local);
	bool connections = trouble_connection(w->c, w->l, err);
	if (err->class == ERR_GONE)
		reason = "gone";
	else if (err->class == ERR_CHANGED)
		reason = "changed";
	else if (err->class == ERR_TOO_BIG && strcmp(err->code, "bad_json") != 0)
		reason = "size_limit";
	bool again = passing && (connections || trouble_of_all(err) || w->rec->attempts < ATTEMPTS_ITEM);
	if ((err->class == ERR_REMOTE || err->class == ERR_CURSOR) && strcmp(err->code, "forbidden") != 0 &&
		strcmp(err->code, "not_downloadable") != 0 && strcmp(err->code, "export_too_big") != 0 &&
		strcmp(err->code, "no_content") != 0)
		again = w->rec->attempts < ATTEMPTS_REMOTE;
	if (strcmp(err->code, "budget") != 0)
		log_err(LOG_INFO_, again ? "item.deferred" : "item.unknown", err);
	if (again)
		return STORE_WRITE(w->c, "item.defer",
			store_item_defer(w->c->store, w->rec->id, trouble_next(err, w->rec->attempts), err->code,
				strcmp(err->code, "worker") == 0, strcmp(err->code, "budget") == 0 ? wanted : -1, &local), &local);
	unknown(w, reason);
	return judge_item(w, &local) < 0 ? -1 : judge_finish(w, &local);
}

static void process(struct core *c, const struct store_item *rec)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(8 << 20);
	_cleanup_(live_putp) struct live *l = NULL;
	_cleanup_(rules_putp) struct rules *rules = NULL;
	struct work w = {.c = c, .rec = rec, .a = a, .threats = cJSON_CreateArray()};
	int64_t wanted = -1;
	struct err err;
	int r = -1;

	w.reason = "";
	if (!a || !w.threats || core_info(c, &w.engine) < 0)
		err_set(&err, ERR_CANCELLED, "stopping", "stopping");
	else if (live_get(c, rec->connection, &l, &err) == 0 && store_stream_get(c->store, rec->stream, a, &w.stream, &err) == 0 &&
		rules_get(c, rec->tenant, &rules, &err) == 0)
		r = 0;
	w.l = l;
	w.rules = rules;
	if (r < 0 || !l || !rules) {
		/* Without its connection there is nothing to ask; it waits until there is one again. */
		struct err local;
		log_err(LOG_WARN_, "item.waits", &err);
		if (STORE_WRITE(c, "item.defer",
			    store_item_defer(c->store, rec->id, time_now_ms() + 60000, err.code, false, -1, &local), &local) < 0)
			log_warn("item.store", "the item stays claimed until its lease ends");
		cJSON_Delete(w.threats);
		return;
	}
	core_stream_info(&w.stream, &w.info);
	core_item(rec, &w.item);
	if (w.item.provider_threat)
		provider_says(&w, w.item.provider_threat);
	else if (!known_by_record(&w) && !known_by_hash(&w))
		r = fetch_and_scan(&w, &wanted, &err);
	if (r == 0)
		r = judge_item(&w, &err);
	if (r == 0 && (r = judge_finish(&w, &err)) == 0)
		pairs_done(&w);
	if (r < 0 && trouble(&w, &err, wanted) < 0)
		log_warn("item.store", "the item stays claimed until its lease ends");
	cJSON_Delete(w.threats);
	/* Containing starts at once on this thread, while everything is warm. */
	if (w.finding) {
		int64_t next;
		action_job(c, w.finding, &next);
	}
}

bool item_jobs(struct core *c, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
	struct store_item *items;
	size_t n = 0;
	struct err err;
	int64_t now = time_now_ms();
	char id[24];

	*ret_next = 0;
	if (!a || store_item_claim(c->store, now, now + JOB_LEASE_MS, ITEM_CLAIM_BATCH, a, &items, &n, ret_next, &err) < 0)
		return a && trouble_store(c, "item.claim", &err);
	for (size_t i = 0; i < n; i++) {
		if (core_stopping(c)) {
			store_item_release(c->store, &items[i].id, 1, &err);
			continue;
		}
		snprintf(id, sizeof(id), "%ld", (long)items[i].id);
		log_push("tenant", items[i].tenant);
		log_push("connection", items[i].connection);
		log_push("item", id);
		crash_point("item.claimed");
		process(c, &items[i]);
		log_pop();
		log_pop();
		log_pop();
	}
	return n > 0;
}
