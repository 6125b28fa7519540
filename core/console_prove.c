/* Proving a grant, showing what it reaches, keeping it, and the test detection that goes through the same scan and policy as
 * everything else. On the console's threads. */
#include "core/console_flow.h"

#include "auth/client.h"
#include "base/ioutil.h"
#include "core/grants.h"
#include "events/catalogue.h"
#include "scan/client.h"

#include <fcntl.h>

#define PREVIEW_PAGES 8
#define PREVIEW_MS 15000
#define PREVIEW_SERVICES 8
#define PREVIEW_NAMES 5
#define DAY_MS 86400000ll

/* ---- what it reaches ---- */

struct seen_service {
	const char *service;
	int64_t streams, not_reached;
	int owners;
	cJSON *names;
	char last[256]; /* streams of one owner come together */
};

static struct seen_service *service_of(struct seen_service *list, int *n, const char *service)
{
	for (int i = 0; i < *n; i++)
		if (strcmp(list[i].service, service) == 0)
			return &list[i];
	if (*n == PREVIEW_SERVICES)
		return NULL;
	list[*n] = (struct seen_service){.service = service, .names = cJSON_CreateArray()};
	return &list[(*n)++];
}

static void count_page(struct console_request *r, const struct stream_page *page, struct seen_service *list, int *n)
{
	for (size_t i = 0; i < page->n_streams; i++) {
		const struct stream_info *s = &page->streams[i];
		struct seen_service *of = service_of(list, n, arena_dup(r->arena, s->service ? s->service : ""));
		const char *owner = s->owner && *s->owner ? s->owner : s->name ? s->name : "";
		if (!of || !of->service)
			continue;
		of->streams++;
		of->not_reached += s->state > STREAM_ACTIVE;
		if (strncmp(of->last, owner, sizeof(of->last) - 1) == 0)
			continue;
		snprintf(of->last, sizeof(of->last), "%s", owner);
		of->owners++;
		if (cJSON_GetArraySize(of->names) < PREVIEW_NAMES)
			cJSON_AddItemToArray(of->names, cJSON_CreateString(owner));
	}
}

/* {complete, services: [{service, streams, owners, not_reached, names}]}: the first pages of what will be followed. A failure
 * here is shown beside what was found. */
static const char *preview(struct console_request *r, struct live *l)
{
	struct seen_service list[PREVIEW_SERVICES];
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	_cleanup_free_ char *cursor = NULL;
	int64_t until = time_monotonic_ms() + PREVIEW_MS;
	bool complete = false;
	struct err err;
	int n = 0;

	for (int pages = 0; pages < PREVIEW_PAGES && time_monotonic_ms() < until && !core_stopping(r->core); pages++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
		struct stream_page page = {.arena = a};
		if (!a)
			break;
		if (l->connector->list_streams(l->connection, cursor, &page, &err) < 0) {
			cJSON_AddStringToObject(doc, "error", err.code);
			break;
		}
		count_page(r, &page, list, &n);
		char *next = page.next ? strdup(page.next) : NULL;
		complete = !page.next;
		free(cursor);
		cursor = next;
		if (!cursor)
			break;
	}
	cJSON_AddBoolToObject(doc, "complete", complete);
	cJSON *services = cJSON_AddArrayToObject(doc, "services");
	for (int i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "service", list[i].service);
		cJSON_AddNumberToObject(o, "streams", (double)list[i].streams);
		cJSON_AddNumberToObject(o, "owners", list[i].owners);
		cJSON_AddNumberToObject(o, "not_reached", (double)list[i].not_reached);
		cJSON_AddItemToObject(o, "names", list[i].names);
		cJSON_AddItemToArray(services, o);
	}
	return json_print(doc, &text) < 0 ? "" : arena_dup(r->arena, buf_str(&text));
}

/* Microsoft writes the permissions of the moment into a token that lives for an hour: what an administrator allowed since
 * the last look is in a new one. Failing is the check's to say. */
static void ask_anew(struct console_request *r, const struct flow *f)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(65536);
	bool looked = (f->rec.error && *f->rec.error) || (f->rec.report && *f->rec.report);
	struct peer_link *auth = looked && strcmp(f->rec.provider, "microsoft") == 0 ? peer_get(&r->core->auth, 10000) : NULL;
	struct err ignored = {0};
	int64_t ends_at;

	if (!auth)
		return;
	(void)auth_client_token(auth->rpc, f->stage, NULL, true, &token, &ends_at, &ignored);
	peer_put(auth);
}

int console_flow_check(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	_cleanup_(live_putp) struct live *l = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	struct grant_report report = {.arena = a};
	struct err why = {0};

	if (!a || flow_load(r, r->object, &f, err) < 0)
		return a ? -1 : console_no_memory(err);
	if (strcmp(f.rec.step, "proving") != 0 && strcmp(f.rec.step, "preview") != 0)
		return err_set(err, ERR_CHANGED, "wrong_state", "there is no grant to prove yet");
	ask_anew(r, &f);
	if (grants_prove(r->core, f.config, f.grant, f.stage, &l, &report, &why) < 0) {
		/* The page asks again: what an administrator just allowed may take minutes to arrive. */
		if (flow_save_error(r, &f, "proving", &why, err) < 0)
			return -1;
		flow_result(r, &f);
		return 9;
	}
	grants_report_json(doc, l->connector, &l->config, &report);
	if (json_print(doc, &text) < 0)
		return console_no_memory(err);
	f.rec.error = "";
	f.rec.report = arena_dup(r->arena, buf_str(&text));
	f.rec.preview = preview(r, l);
	if (!f.rec.report || !f.rec.preview)
		return console_no_memory(err);
	if (flow_save(r, &f, "preview", err) < 0)
		return -1;
	flow_result(r, &f);
	return 0;
}

/* ---- keeping ---- */

static int read_wishes(struct console_request *r, cJSON *config, struct err *err)
{
	const cJSON *protect = json_get(r->args, "protect"), *days = json_get(r->args, "backlog_days");
	int64_t n = 0;

	if (protect && !cJSON_IsBool(protect))
		return console_bad(err, "'protect' is true or false");
	if (protect) {
		cJSON_DeleteItemFromObjectCaseSensitive(config, "protect");
		cJSON_AddBoolToObject(config, "protect", cJSON_IsTrue(protect));
	}
	if (!days)
		return 0;
	if (!cJSON_IsNull(days) && (!json_int64(r->args, "backlog_days", &n) || n < 0 || n > 36500))
		return console_bad(err, "'backlog_days' wants a number of days, 0 for none, null for all");
	cJSON_DeleteItemFromObjectCaseSensitive(config, "backlog");
	cJSON_DeleteItemFromObjectCaseSensitive(config, "backlog_since");
	cJSON_AddNumberToObject(config, "backlog", cJSON_IsNull(days) ? BACKLOG_ALL : n ? BACKLOG_SINCE : BACKLOG_NONE);
	cJSON_AddNumberToObject(config, "backlog_since", n ? (double)(time_now_ms() - n * DAY_MS) : 0);
	return 0;
}

/* The name that was free an hour ago may be taken. */
static int still_free(struct console_request *r, const struct flow *f, struct err *err)
{
	struct store_connection c;

	if (f->rec.renew)
		return 0;
	if (store_connection_get(r->core->store, f->rec.connection, r->arena, &c, err) == 0)
		return err_set(err, ERR_CHANGED, "changed", "another connection got this name meanwhile: begin anew");
	return err->class == ERR_GONE ? 0 : -1;
}

int console_flow_finish(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	_cleanup_(live_putp) struct live *l = NULL;
	struct grant_report report = {.arena = r->arena};

	if (flow_load(r, r->object, &f, err) < 0)
		return -1;
	if (strcmp(f.rec.step, "preview") != 0)
		return err_set(err, ERR_CHANGED, "wrong_state", "the grant has not been proven yet");
	if (read_wishes(r, f.config, err) < 0 || still_free(r, &f, err) < 0)
		return -1;
	/* Proven again: it is this grant that is kept, not the one of some minutes ago. */
	if (grants_prove(r->core, f.config, f.grant, f.stage, &l, &report, err) < 0 ||
		grants_save(r->core, l, f.config, f.grant, f.stage, &report, err) < 0)
		return -1;
	/* A key pair that was made for it is the connection's now. */
	char key[64];
	struct err ignored;
	snprintf(key, sizeof(key), "key~%s", f.rec.id);
	if (strcmp(f.rec.method, "certificate") == 0)
		grants_unstage(r->core, key, &ignored);
	if (flow_save(r, &f, "done", err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "connection", f.rec.connection);
	flow_result(r, &f);
	return 0;
}

/* ---- the test detection ---- */

/* The EICAR test file (eicar.org): harmless, and found by every engine. In pieces, so that no scanner takes us for it. */
static int test_content(struct core *c, struct content **ret, struct digests *d, struct err *err)
{
	static const char *const pieces[] = {"X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-", "FILE!$H+H*"};
	_cleanup_(content_freep) struct content *content = NULL;

	if (content_new(c->budget, 68, c->set->limits.item, DIGEST_SHA256, &content, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		if (content_write(content, pieces[i], strlen(pieces[i]), err) < 0)
			return -1;
	if (content_finish(content, d, err) < 0)
		return -1;
	*ret = TAKE_PTR(content);
	return 0;
}

static int scan_test(struct console_request *r, const struct flow *f, struct scan_reply *reply, struct digests *d, struct err *err)
{
	_cleanup_(content_freep) struct content *content = NULL;
	struct scan_info info;

	if (test_content(r->core, &content, d, err) < 0)
		return -1;
	if (core_info(r->core, &info) < 0)
		return err_set(err, ERR_CANCELLED, "stopping", "stopping");
	struct scan_request req = {.tenant = f->rec.tenant, .name = "sekisho-test.txt", .size = d->size,
		.deadline_ms = r->core->set->limits.time_ms};
	struct peer_link *link = peer_get(&r->core->scan, 10000);
	if (!link)
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role is not there");
	struct scan_client client = {.rpc = link->rpc};
	int lent = fcntl(content_fd(content), F_DUPFD_CLOEXEC, 0);
	int code = lent < 0 ? err_errno(err, "dup") : scan_client_scan(&client, &req, lent, 120000, reply, err);
	peer_put(link);
	return code;
}

static int keep_test(struct console_request *r, struct flow *f, const struct scan_reply *reply, const struct digests *d, struct err *err)
{
	_cleanup_json_ cJSON *threats = cJSON_CreateArray();
	_cleanup_buf_ struct buf text = BUF_INIT(65536), event = BUF_INIT(262144);
	struct scan_info info;
	char uid[37], event_uid[37], remote[60];
	int64_t now = time_now_ms();

	if (reply->verdict != VERDICT_THREAT)
		return err_set(err, ERR_LOCAL, "test_not_found", "the test file was not taken for a threat: see 'sekisho doctor'");
	for (int i = 0; i < reply->n_threats; i++) {
		cJSON *t = cJSON_CreateObject();
		cJSON_AddStringToObject(t, "name", reply->threats[i].name);
		cJSON_AddStringToObject(t, "part", reply->threats[i].part);
		cJSON_AddItemToArray(threats, t);
	}
	if (json_print(threats, &text) < 0 || core_info(r->core, &info) < 0)
		return console_no_memory(err);
	uuid_new(uid);
	uuid_new(event_uid);
	snprintf(remote, sizeof(remote), "sekisho-test/%s", uid);
	const struct store_finding found = {.uid = uid, .tenant = f->rec.tenant, .connection = f->rec.connection,
		.provider = f->rec.provider, .service = f->rec.provider, .stream_name = "test", .remote_id = remote, .version = "test",
		.name = "sekisho-test.txt", .path = "", .owner = "", .sha256 = d->sha256, .size = d->size, .verdict = "threat",
		.reason = STORE_TEST_REASON, .threats = buf_str(&text), .engine = info.engine, .signatures = info.signatures,
		.rules = "[{\"id\":\"sekisho.test\",\"severity\":\"info\"}]", .action_kind = "quarantine", .action_state = "would",
		.action_error = "", .case_id = "", .changed_at = now, .seen_at = now, .verdict_at = now};
	if (event_detection(&event, event_uid, &found, "info") < 0)
		return console_no_memory(err);
	const struct store_event e = {.uid = event_uid, .json = buf_str(&event)};
	if (store_finding_test(r->core->store, &found, &e, err) < 0)
		return -1;
	f->rec.finding = arena_dup(r->arena, uid);
	return f->rec.finding ? 0 : console_no_memory(err);
}

int console_flow_test(struct console_request *r, struct err *err)
{
	_cleanup_flow_ struct flow f = {0};
	_cleanup_free_ struct scan_reply *reply = calloc(1, sizeof(*reply));
	struct digests d;

	if (!reply)
		return console_no_memory(err);
	if (flow_load(r, r->object, &f, err) < 0)
		return -1;
	if (strcmp(f.rec.step, "done") != 0)
		return err_set(err, ERR_CHANGED, "wrong_state", "the connection is not made yet");
	/* One is enough to see that it works. */
	if (!*f.rec.finding && (scan_test(r, &f, reply, &d, err) < 0 || keep_test(r, &f, reply, &d, err) < 0 ||
				       flow_save(r, &f, "done", err) < 0))
		return -1;
	wake_all(&r->core->wake);
	flow_result(r, &f);
	return 0;
}
