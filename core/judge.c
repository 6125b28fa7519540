/* What an item comes to: facts → decision → what it needs beside them → finding with its planned act → the item's end. On item
 * threads. */
#include "core/item.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/content.h"
#include "core/crash.h"
#include "events/catalogue.h"

#include <string.h>

#define ROUNDS 4
#define MAX_NOTED 32 /* correspondents, and domains of links, of one item */
#define SHOW_MAX 65536

static void source_of(const struct work *w, struct facts_source *s)
{
	*s = (struct facts_source){.c = w->c, .l = w->l, .rules = w->rules, .stream = &w->info, .item = &w->item, .reply = w->reply,
		.words = w->words, .verdict = scan_verdict_name(w->verdict), .reason = w->reason, .from_provider = w->from_provider,
		.threats = w->threats, .sha256 = w->digests.sha256, .size = w->hashed || w->cached ? w->digests.size : w->item.size,
		.now = time_now_ms(), .arena = w->a};
}

int judge_item(struct work *w, struct err *err)
{
	struct facts_source s;

	source_of(w, &s);
	w->facts = w->facts ? w->facts : arena_alloc(w->a, sizeof(*w->facts));
	w->decision = w->decision ? w->decision : arena_alloc(w->a, sizeof(*w->decision));
	if (!w->facts || !w->decision)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (facts_begin(&s, w->facts, err) < 0)
		return -1;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned known = w->facts->known;
		policy_decide(w->rules->policy, w->facts, &w->rules->settings, w->decision);
		unsigned missing = w->decision->needs & ~known;
		if (!missing || facts_fill(&s, missing, w->facts, err) < 0)
			return missing ? -1 : 0;
		if (w->facts->known == known)
			break;
	}
	return 0;
}

/* What the engine could not finish for reasons of this moment is no lasting judgement of the content. */
static bool lasting(const struct work *w)
{
	static const char *const passing[] = {"crashed", "timeout", "memory", "sandbox", "error", "time_limit"};

	if (w->from_provider || !w->hashed)
		return false;
	if (w->verdict != VERDICT_UNKNOWN)
		return true;
	for (size_t i = 0; w->reason && i < ARRAY_SIZE(passing); i++)
		if (strcmp(w->reason, passing[i]) == 0)
			return false;
	return w->reason != NULL;
}

/* Mail headers, path and owner for people; a finding without them is still a finding. */
static void describe(struct work *w)
{
	struct err err;

	if (!w->l->connector->describe)
		return;
	if (w->l->connector->describe(w->l->connection, &w->info, &w->item, w->a, &err) < 0)
		log_err(LOG_INFO_, "item.describe", &err);
}

static const char *rules_json(struct work *w)
{
	static const char *const modes[] = {"off", "monitor", "protect"};
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	for (int i = 0; i < w->decision->n_matches; i++) {
		const struct policy_match *m = &w->decision->matches[i];
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", m->rule->id);
		cJSON_AddStringToObject(o, "severity", m->rule->severity);
		cJSON_AddStringToObject(o, "category", m->rule->category);
		cJSON_AddStringToObject(o, "mode", modes[m->mode]);
		cJSON_AddStringToObject(o, "action", policy_action_name(m->rule->action));
		cJSON_AddStringToObject(o, "why", m->why);
		cJSON_AddItemToArray(list, o);
	}
	json_print(list, &out);
	return arena_dup(w->a, buf_str(&out));
}

static int fill_finding(struct work *w, const char *threats, int64_t now, struct store_finding *f, struct err *err)
{
	_cleanup_buf_ struct buf show = BUF_INIT(SHOW_MAX), act = BUF_INIT(16384);
	struct act_plan plan;
	char uid[37], op[37];

	uuid_new(uid);
	uuid_new(op);
	act_plan(w, &plan);
	if (act_print(w, &plan, &act) < 0)
		return err_set(err, ERR_LOCAL, "memory", "what the act wants is too long");
	/* Facts that are too many to show are no reason to be silent. */
	if (facts_show(w->facts, &show) < 0)
		buf_clear(&show);
	*f = (struct store_finding){.uid = arena_dup(w->a, uid), .item = w->rec->id, .stream = w->rec->stream,
		.tenant = w->l->config.tenant, .connection = w->l->config.id, .provider = w->l->config.provider,
		.service = w->item.service, .stream_name = w->stream.name, .remote_id = w->item.id,
		.version = w->item.version, .name = w->item.name, .path = w->item.path, .owner = w->item.owner,
		.sha256 = w->digests.sha256, .size = w->hashed || w->cached ? w->digests.size : w->item.size,
		.message_id = w->item.message_id, .from = w->item.from, .to = w->item.to, .subject = w->item.subject,
		.received_at = w->item.received_at, .verdict = scan_verdict_name(w->verdict), .reason = w->reason,
		.threats = threats, .engine = w->from_provider ? w->l->config.provider : w->engine.engine,
		.signatures = w->from_provider ? "" : w->engine.signatures, .rules = rules_json(w),
		.facts = show.len ? arena_dup(w->a, buf_str(&show)) : NULL,
		.action_kind = plan.kind > POLICY_REPORT ? policy_action_name(plan.kind) : "",
		.act = act.len ? arena_dup(w->a, buf_str(&act)) : NULL,
		.action_state = plan.kind <= POLICY_REPORT ? "none" : plan.would ? "would" : "planned",
		.action_error = plan.kind != plan.asked ? "unsupported" : "",
		.op_id = arena_dup(w->a, op), .case_id = "", .changed_at = w->item.changed_at, .seen_at = w->rec->seen_at,
		.verdict_at = now};
	return 0;
}

/* What is not there any more, or came back as another version, is counted but nothing to act on. */
static bool went_away(const char *reason)
{
	return strcmp(reason, "gone") == 0 || strcmp(reason, "superseded") == 0 || strcmp(reason, "changed") == 0;
}

/* Judged once more, with the same result: that was told. */
static int told_before(struct work *w, bool *ret, struct err *err)
{
	const struct finding_filter filter = {.connection = w->l->config.id, .after = w->rec->finding - 1, .max = 1};
	struct store_finding *list;
	size_t n;

	*ret = false;
	if (!w->rec->again || w->rec->finding <= 0)
		return 0;
	if (store_finding_list(w->c->store, &filter, w->a, &list, &n, err) < 0)
		return -1;
	if (n == 0 || list[0].id != w->rec->finding || strcmp(list[0].verdict, scan_verdict_name(w->verdict)) != 0)
		return 0;
	const char *rules = list[0].rules ? list[0].rules : "";
	for (int i = 0; i < w->decision->n_matches; i++) {
		char id[160];
		snprintf(id, sizeof(id), "\"id\":\"%s\"", w->decision->matches[i].rule->id);
		if (!strstr(rules, id))
			return 0;
	}
	/* In protect mode what was only told before is to be done now. */
	struct act_plan plan;
	act_plan(w, &plan);
	*ret = plan.kind <= POLICY_REPORT || plan.would || strcmp(list[0].action_state, "would") != 0;
	return 0;
}

/* The item's last finding, when this judgement brings it up to date rather than standing beside it: it said that it could not be
 * opened, or the same of the content, by other rules. What was done about is history. */
struct earlier {
	int64_t id;
	const char *uid;
	bool closed; /* it could not be opened */
};

static int find_earlier(struct work *w, struct earlier *ret, struct err *err)
{
	const struct finding_filter filter = {.connection = w->l->config.id, .after = w->rec->finding - 1, .max = 1};
	struct store_finding *list;
	size_t n;

	*ret = (struct earlier){0};
	if (!w->rec->again || w->rec->finding <= 0)
		return 0;
	if (store_finding_list(w->c->store, &filter, w->a, &list, &n, err) < 0)
		return -1;
	if (n == 0 || list[0].id != w->rec->finding ||
		(strcmp(list[0].action_state, "none") != 0 && strcmp(list[0].action_state, "would") != 0 && strcmp(list[0].action_state, "failed") != 0))
		return 0;
	ret->closed = w->verdict != VERDICT_UNKNOWN && strcmp(list[0].verdict, "unknown") == 0 && strncmp(list[0].reason, "encrypted", 9) == 0;
	if (ret->closed || strcmp(list[0].verdict, scan_verdict_name(w->verdict)) == 0) {
		ret->id = list[0].id;
		ret->uid = list[0].uid;
	}
	return 0;
}

/* Is there anything to tell? */
static int matters(struct work *w, bool *ret, struct err *err)
{
	bool released = false, told = false;

	*ret = false;
	if (w->decision->n_matches == 0 || w->facts->hash_approved || (w->verdict == VERDICT_UNKNOWN && went_away(w->reason)))
		return 0;
	if (w->digests.sha256[0] &&
		store_released(w->c->store, w->l->config.id, w->item.id, w->digests.sha256, &released, err) < 0)
		return -1;
	if (!released && told_before(w, &told, err) < 0)
		return -1;
	*ret = !released && !told;
	return 0;
}

int judge_finish(struct work *w, struct err *err)
{
	_cleanup_buf_ struct buf threats = BUF_INIT(65536), event = BUF_INIT(262144), own = BUF_INIT(262144),
				 content = BUF_INIT(CONTENT_JSON_MAX);
	struct store_finding f;
	char uid[37];
	struct store_event e = {.uid = uid};
	struct store_part_hash hashes[STORE_PART_HASHES_MAX];
	bool tell;
	struct earlier earlier;
	int64_t now = time_now_ms();
	struct store_result r = {.item = w->rec->id, .now = now, .reason = w->reason ? w->reason : "",
		.received_at = w->item.received_at, .state = w->verdict == VERDICT_UNKNOWN ? ITEM_UNKNOWN : ITEM_SCANNED};

	if (matters(w, &tell, err) < 0 || find_earlier(w, &earlier, err) < 0)
		return -1;
	tell |= earlier.closed;
	json_print(w->threats, &threats);
	if (tell) {
		describe(w);
		if (fill_finding(w, buf_str(&threats), now, &f, err) < 0)
			return -1;
		if (earlier.id) {
			f.uid = earlier.uid;
			f.reason = earlier.closed && w->verdict == VERDICT_CLEAN ? "opened_later" : f.reason;
			r.renews = earlier.id;
		}
		uuid_new(uid);
		if (event_detection(&event, uid, &f, w->decision->n_matches ? w->decision->matches[0].rule->severity : "info") < 0)
			return err_set(err, ERR_LOCAL, "memory", "the event is too large");
		e.json = buf_str(&event);
		r.finding = &f;
		r.events = &e;
		r.n_events = 1;
	}
	if (lasting(w)) {
		r.sha256 = w->digests.sha256;
		r.size = w->digests.size;
		r.verdict = scan_verdict_name(w->verdict);
		r.verdict_reason = r.reason;
		r.threats = buf_str(&threats);
		r.engine = w->engine.engine;
		r.signatures = w->engine.signatures;
		r.sha1 = w->digests.sha1;
		r.dropbox = w->digests.dropbox;
		if (w->scanned && w->reply && content_print(w->reply, w->words, &content) == 0)
			r.content_facts = buf_str(&content);
	}
	if (w->hashed || w->cached)
		r.content = w->digests.sha256;
	if (w->hashed && w->scanned && w->reply) {
		r.part_hashes = hashes;
		r.n_part_hashes = rejudge_hashes(w->reply, hashes, &r.risky);
	}
	r.detectors = w->rules->detectors;
	const char *contacts[MAX_NOTED], *hosts[MAX_NOTED];
	if (w->reply && !went_away(r.reason))
		r.note = (struct store_note){.tenant = w->l->config.tenant, .at = w->facts->time > 0 ? w->facts->time : now,
			.mail = w->reply->mail.message_id, .contacts = contacts, .hosts = hosts,
			.n_contacts = w->reply->mail.present ? derive_contacts(w->rules->derive, &w->facts->mail, contacts, MAX_NOTED) : 0,
			.n_hosts = derive_hosts(w->facts, hosts, MAX_NOTED)};
	/* More than that is nothing to replay; the finding was made by all of it. */
	if (!went_away(r.reason) && facts_record(w->facts, &own) == 0)
		r.facts = buf_str(&own);
	crash_point("item.judged");
	if (STORE_WRITE(w->c, "item.finish", store_item_finish(w->c->store, &r, &w->finding, err), err) < 0)
		return -1;
	crash_point("item.done");
	if (w->verdict != VERDICT_CLEAN || tell)
		log_info("item.judged", "verdict=%s reason=%s rules=%d action=%s", scan_verdict_name(w->verdict), r.reason,
			w->decision->n_matches, tell ? f.action_state : "none");
	/* The same content may lie elsewhere, from a time when nobody knew. */
	if (tell && w->verdict == VERDICT_THREAT && !w->from_provider && w->digests.sha256[0])
		rejudge_copies(w->c, w->l->config.tenant, w->digests.sha256);
	/* Containing starts only for what is planned. */
	if (!tell || strcmp(f.action_state, "planned") != 0)
		w->finding = 0;
	return 0;
}
