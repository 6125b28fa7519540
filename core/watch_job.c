/* Watching over the grants: an hourly call for each connection (a canary), how long its keys and consent last, feeds that have
 * fallen silent, trials that end; and what becomes an alert. On the canary and watch threads; watch_state() on any. */
#include "core/core.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/console.h"
#include "core/grants.h"
#include "events/catalogue.h"

#include <string.h>

#define DAY_MS 86400000ll
#define CANARY_LEASE_MS 600000
#define SILENT_MS 3600000 /* at least */
#define TIDY_MS 600000

/* ---- alerts ---- */

static void key_of(const char *kind, const struct connection_config *c, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", kind, c->id);
}

/* with_event: the alert is the only word of it; a change of state has said so already. */
static void raise_alert(struct core *c, const struct connection_config *k, const char *key_kind, const char *kind, int severity,
	const cJSON *detail, bool with_event)
{
	_cleanup_buf_ struct buf text = BUF_INIT(16384), event = BUF_INIT(65536);
	char uid[37], event_uid[37], key[100];
	struct store_event e = {.uid = event_uid};
	bool fresh = false;
	struct err err;

	uuid_new(uid);
	uuid_new(event_uid);
	key_of(key_kind, k, key, sizeof(key));
	if (json_print(detail, &text) < 0 ||
		(with_event && event_alert(&event, event_uid, k, kind, severity, false, json_str(detail, "message")) < 0))
		return;
	e.json = buf_str(&event);
	const struct console_alert a = {.uid = uid, .key = key, .tenant = k->tenant, .connection = *k->provider ? k->id : "", .provider = k->provider,
		.kind = kind, .severity = severity, .detail = buf_str(&text), .created_at = time_now_ms()};
	if (store_alert_raise(c->store, &a, with_event ? &e : NULL, &fresh, &err) < 0)
		log_err(LOG_ERROR_, "alert.store", &err);
	else if (fresh)
		log_line(LOG_WARN_, "alert", "connection=%s kind=%s severity=%d", k->id, kind, severity);
}

static void end_alert(struct core *c, const struct connection_config *k, const char *key_kind, bool with_event)
{
	_cleanup_buf_ struct buf event = BUF_INIT(65536);
	char event_uid[37], key[100];
	struct store_event e = {.uid = event_uid};
	bool ended = false;
	struct err err;

	uuid_new(event_uid);
	key_of(key_kind, k, key, sizeof(key));
	if (with_event && event_alert(&event, event_uid, k, key_kind, 1, true, NULL) < 0)
		return;
	e.json = buf_str(&event);
	if (store_alert_end(c->store, key, time_now_ms(), with_event ? &e : NULL, &ended, &err) < 0)
		log_err(LOG_ERROR_, "alert.store", &err);
	else if (ended)
		log_info("alert.ended", "connection=%s kind=%s", k->id, key_kind);
}

void watch_state(struct core *c, const struct connection_config *config, enum conn_state state, const struct err *why)
{
	_cleanup_json_ cJSON *detail = cJSON_CreateObject();

	if (state == CONN_CONNECTED || state == CONN_DISCONNECTED) {
		end_alert(c, config, "state", false);
		return;
	}
	cJSON_AddStringToObject(detail, "code", why ? why->code : "");
	cJSON_AddStringToObject(detail, "message", why ? why->message : "");
	if (why && why->request_id[0])
		cJSON_AddStringToObject(detail, "request_id", why->request_id);
	raise_alert(c, config, "state", conn_state_name(state), state == CONN_DEGRADED ? 3 : 4, detail, false);
}

void watch_ended(struct core *c, const struct connection_config *config)
{
	static const char *const kinds[] = {"state", "ends", "missing", "silent"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		end_alert(c, config, kinds[i], false);
}

/* ---- what a canary looks at ---- */

/* Of key, certificate, secret or consent, what ends first. */
static int64_t first_end(const struct store_connection *rec)
{
	_cleanup_json_ cJSON *grant = NULL;
	int64_t key = 0;

	if (rec->grant && json_parse(rec->grant, strlen(rec->grant), &grant, NULL) == 0)
		key = json_int64_or(grant, "key_ends_at", 0);
	if (!key || (rec->ends_at && rec->ends_at < key))
		return rec->ends_at;
	return key;
}

void watch_end(struct core *c, const struct connection_config *k, int64_t ends, int64_t now)
{
	static const struct {
		int days, severity;
	} steps[] = {{0, 5}, {1, 4}, {7, 3}, {30, 2}};
	_cleanup_json_ cJSON *detail = cJSON_CreateObject();
	size_t i = 0;
	char text[120], at[TIME_RFC3339_LEN];

	while (ends && i < ARRAY_SIZE(steps) && ends > now + steps[i].days * DAY_MS)
		i++;
	if (!ends || i == ARRAY_SIZE(steps)) {
		end_alert(c, k, "ends", true);
		return;
	}
	int64_t days = ends > now ? (ends - now + DAY_MS - 1) / DAY_MS : 0;
	snprintf(text, sizeof(text), ends > now ? "the grant ends on %s, in %ld days" : "the grant ended on %s", time_format_s(ends, at), (long)days);
	cJSON_AddStringToObject(detail, "message", text);
	cJSON_AddNumberToObject(detail, "ends_at", (double)ends);
	cJSON_AddNumberToObject(detail, "days", (double)days);
	raise_alert(c, k, "ends", ends > now ? "ends" : "expired", steps[i].severity, detail, true);
}

static void look_at_missing(struct core *c, const struct connection_config *k, const struct grant_report *report)
{
	_cleanup_json_ cJSON *detail = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(detail, "missing");

	for (const char *const *p = report->missing; p && *p; p++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*p));
	if (!cJSON_GetArraySize(list)) {
		end_alert(c, k, "missing", true);
		return;
	}
	cJSON_AddStringToObject(detail, "message", "permissions are missing: what needs them is not seen");
	raise_alert(c, k, "missing", "missing", 3, detail, true);
}

/* An active stream that nobody has been able to look at for a long time, though the connection is well. */
void watch_silence(struct core *c, const struct connection_config *k, int64_t now)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(512 << 20);
	_cleanup_json_ cJSON *detail = cJSON_CreateObject();
	int64_t fast = 4 * c->set->poll_slow > SILENT_MS ? 4 * c->set->poll_slow : SILENT_MS, oldest = 0;
	struct store_stream *list;
	struct err err;
	int silent = 0;
	size_t n;

	/* A schedule in seconds is somebody trying things out. */
	if (c->set->canary < SILENT_MS)
		fast = 4 * c->set->poll_slow > c->set->canary ? 4 * c->set->poll_slow : c->set->canary;
	if (!a || store_stream_list(c->store, k->id, a, &list, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		int64_t last = list[i].last_success_at ? list[i].last_success_at : list[i].created_at;
		int64_t least = 3 * poll_least(c, k->provider, list[i].service);
		if (list[i].state != STREAM_ACTIVE || now - last < (least ? least : fast))
			continue;
		if (!silent++) {
			cJSON_AddStringToObject(detail, "stream", list[i].name ? list[i].name : "");
			cJSON_AddStringToObject(detail, "owner", list[i].owner ? list[i].owner : "");
			cJSON_AddStringToObject(detail, "code", list[i].error ? list[i].error : "");
		}
		oldest = !oldest || last < oldest ? last : oldest;
	}
	if (!silent) {
		end_alert(c, k, "silent", true);
		return;
	}
	cJSON_AddNumberToObject(detail, "streams", silent);
	cJSON_AddNumberToObject(detail, "since", (double)oldest);
	cJSON_AddStringToObject(detail, "message", "feeds are silent: nothing of them was seen for a long time");
	raise_alert(c, k, "silent", "silent", 4, detail, true);
}

static int canary(struct core *c, struct live *l, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	struct grant_report report = {.arena = a};
	struct store_connection rec;
	int64_t now = time_now_ms();

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (l->connector->check_grant(l->connection, &report, err) < 0 || discover_report(c, l, &report, err) < 0 ||
		discover_back(c, l, err) < 0 || store_connection_get(c->store, l->config.id, a, &rec, err) < 0)
		return -1;
	watch_end(c, &l->config, first_end(&rec), now);
	look_at_missing(c, &l->config, &report);
	watch_silence(c, &l->config, now);
	return 0;
}

bool canary_job(struct core *c, int64_t *ret_next)
{
	_cleanup_(live_putp) struct live *l = NULL;
	int64_t now = time_now_ms();
	char id[64];
	struct err err, local;

	*ret_next = 0;
	if (store_canary_claim(c->store, now, now + CANARY_LEASE_MS, c->set->canary, id, ret_next, &err) < 0) {
		if (err.class != ERR_GONE)
			log_err(LOG_WARN_, "canary.claim", &err);
		return false;
	}
	log_push("connection", id);
	int r = live_get(c, id, &l, &err);
	if (r == 0)
		r = canary(c, l, &err);
	bool cancelled = r < 0 && err.class == ERR_CANCELLED;
	if (r < 0 && !cancelled) {
		log_err(LOG_INFO_, "canary.failed", &err);
		if (l)
			trouble_connection(c, l, &err);
	}
	/* Its moment in the hour stays its own. */
	if (store_canary_done(c->store, id, time_now_ms(), cancelled ? now : now + c->set->canary, r < 0 ? err.code : "", &local) < 0)
		log_err(LOG_WARN_, "canary.store", &local);
	log_pop();
	return true;
}

/* ---- trials ---- */

static int end_connection(struct core *c, const struct store_connection *k, struct err *err)
{
	_cleanup_json_ cJSON *result = cJSON_CreateObject();
	struct console_note n = {.act = "disconnect", .tenant = k->tenant, .object = k->id, .phase = "intent",
		.detail = "{\"reason\":\"trial_over\"}"};
	struct err local;

	if (console_note(c, NULL, &n, &n.intent, err) < 0)
		return -1;
	int r = grants_disconnect(c, k->id, "trial_over", result, err);
	n.phase = r < 0 ? "failed" : "done";
	if (console_note(c, NULL, &n, NULL, &local) < 0)
		log_err(LOG_ERROR_, "audit.outcome", &local);
	return r < 0 ? -1 : 0;
}

static int end_trial(struct core *c, const struct console_tenant *t, struct arena *a, struct err *err)
{
	struct connection_config k = {0};
	_cleanup_json_ cJSON *detail = cJSON_CreateObject();
	struct store_connection *list;
	int ended = 0;
	size_t n;

	if (store_connection_list(c->store, t->id, a, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].state == CONN_DISCONNECTED)
			continue;
		if (end_connection(c, &list[i], err) < 0)
			return -1;
		ended++;
	}
	snprintf(k.tenant, sizeof(k.tenant), "%s", t->id);
	snprintf(k.id, sizeof(k.id), "%s", t->id);
	cJSON_AddStringToObject(detail, "message", "the trial is over: its connections were ended");
	cJSON_AddNumberToObject(detail, "connections", ended);
	raise_alert(c, &k, "trial", "trial", 4, detail, true);
	log_info("trial.over", "tenant=%s connections=%d", t->id, ended);
	return store_tenant_ended(c->store, t->id, time_now_ms(), err);
}

/* Trials that end within a month, with more weight as the day comes nearer; and those that were given more time. */
static int look_at_trials(struct core *c, struct arena *a, int64_t now, struct err *err)
{
	struct console_tenant *list;
	const char *after = "";
	size_t n;

	do {
		if (store_tenant_list(c->store, NULL, after, CONSOLE_LIST_MAX, a, &list, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			const struct console_tenant *t = &list[i];
			int64_t left = t->trial_ends_at - now;
			struct connection_config k = {0};
			_cleanup_json_ cJSON *detail = cJSON_CreateObject();
			after = t->id;
			snprintf(k.tenant, sizeof(k.tenant), "%s", t->id);
			snprintf(k.id, sizeof(k.id), "%s", t->id);
			if (t->trial_ended_at || (!t->trial_ends_at && !t->alerts))
				continue;
			if (!t->trial_ends_at || left > 30 * DAY_MS) {
				end_alert(c, &k, "trial", true);
				continue;
			}
			cJSON_AddStringToObject(detail, "message", "the trial ends soon: its connections will then be ended");
			cJSON_AddNumberToObject(detail, "ends_at", (double)t->trial_ends_at);
			cJSON_AddNumberToObject(detail, "days", (double)((left + DAY_MS - 1) / DAY_MS));
			raise_alert(c, &k, "trial", "trial", left > 7 * DAY_MS ? 1 : left > DAY_MS ? 2 : 3, detail, true);
		}
	} while (n == CONSOLE_LIST_MAX);
	return 0;
}

/* ---- flows that came to nothing ---- */

static int end_flows(struct core *c, struct arena *a, struct err *err)
{
	struct console_flow *list;
	struct err ignored;
	char name[64];
	size_t n;

	if (store_flow_over(c->store, time_now_ms(), 50, a, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		static const char *const kinds[] = {"flow", "key"};
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			snprintf(name, sizeof(name), "%s~%.40s", kinds[k], list[i].id);
			/* It may never have got so far. */
			if (grants_unstage(c, name, &ignored) < 0 && ignored.class == ERR_RETRY)
				return 0;
		}
		list[i].step = "cancelled";
		if (store_flow_put(c->store, &list[i], err) < 0)
			return -1;
	}
	return 0;
}

bool watch_job(struct core *c, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	int64_t now = time_now_ms(), trial = 0;
	struct console_tenant t;
	struct err err = {0};

	*ret_next = now + 60000;
	if (!a)
		return false;
	if (store_tenant_over(c->store, now, a, &t, &trial, &err) == 0) {
		log_push("tenant", t.id);
		if (end_trial(c, &t, a, &err) < 0)
			log_err(LOG_ERROR_, "trial.end", &err);
		log_pop();
		return false;
	}
	if (trial && trial < *ret_next)
		*ret_next = trial;
	if (now - atomic_load(&c->tidied_at) < TIDY_MS)
		return false;
	atomic_store(&c->tidied_at, now);
	if (look_at_trials(c, a, now, &err) < 0 || end_flows(c, a, &err) < 0 || store_console_tidy(c->store, now, &err) < 0)
		log_err(LOG_WARN_, "console.tidy", &err);
	return false;
}
