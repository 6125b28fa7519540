/* Requests about findings and content: restore, delete, download, scan, info. Each runs on its client's thread; see
 * control.h. */
#include "core/control.h"

#include "base/encode.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "core/facts.h"
#include "core/scan_json.h"
#include "scan/client.h"

#include <fcntl.h>
#include <string.h>

#define ACT_WAIT_MS 120000
#define SCAN_QUEUE_MS 600000

static int find(struct control_request *r, struct arena *a, struct store_finding *ret, struct err *err)
{
	const char *uid = json_str(r->args, "id");

	if (!uid || !a)
		return err_set(err, ERR_REMOTE, "bad_request", "which finding?");
	return store_finding_get(r->core->store, uid, a, ret, err);
}

/* Asks for the act, helps to do it, and waits until it ended one way or the other. */
static int act(struct control_request *r, const char *asked, const char *wanted, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	struct store_finding f;
	int64_t until = time_monotonic_ms() + ACT_WAIT_MS, next;
	char op[37];

	if (find(r, a, &f, err) < 0)
		return -1;
	if (strcmp(f.action_state, wanted) == 0) {
		cJSON_AddStringToObject(r->result, "state", wanted);
		return 9;
	}
	uuid_new(op);
	if (strcmp(f.action_state, asked) != 0 && store_action_ask(r->core->store, f.id, asked, op, err) < 0)
		return strcmp(err->code, "wrong_state") != 0 ? -1 :
			err_set(err, ERR_REMOTE, "wrong_state", "nothing is in quarantine for this finding: its state is %s", f.action_state);
	do {
		uint64_t seen = wake_count(&r->core->wake);
		action_job(r->core, f.id, &next);
		if (find(r, a, &f, err) < 0)
			return -1;
		if (strcmp(f.action_state, asked) != 0)
			break;
		wake_wait(&r->core->wake, seen, 300);
	} while (time_monotonic_ms() < until && !core_stopping(r->core));
	cJSON_AddStringToObject(r->result, "id", f.uid);
	cJSON_AddStringToObject(r->result, "state", f.action_state);
	if (f.action_error && *f.action_error)
		cJSON_AddStringToObject(r->result, "note", f.action_error);
	_cleanup_json_ cJSON *receipt = NULL;
	if (f.receipt && json_parse(f.receipt, strlen(f.receipt), &receipt, NULL) == 0 && json_array(receipt, "not_restored"))
		cJSON_AddItemToObject(r->result, "not_restored", cJSON_Duplicate(json_array(receipt, "not_restored"), true));
	if (strcmp(f.action_state, wanted) == 0) {
		if (strcmp(wanted, "restored") == 0 && f.sha256 && *f.sha256)
			cJSON_AddStringToObject(r->result, "sha256", f.sha256);
		return 0;
	}
	if (strcmp(f.action_state, asked) == 0)
		return err_set(err, ERR_RETRY, "pending", "not done yet; the service goes on trying (%s)", f.action_error);
	return err_set(err, ERR_REMOTE, f.action_error && *f.action_error ? f.action_error : "failed",
		"it could not be done: %s", f.action_error);
}

int control_restore(struct control_request *r, struct err *err)
{
	return act(r, "restoring", "restored", err);
}

int control_delete(struct control_request *r, struct err *err)
{
	return act(r, "deleting", "deleted", err);
}

int control_download(struct control_request *r, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(content_freep) struct content *content = NULL;
	_cleanup_(live_putp) struct live *l = NULL;
	struct content_info info = {0};
	struct store_finding f;
	struct digests d;

	if (find(r, a, &f, err) < 0)
		return -1;
	bool held = strcmp(f.action_kind, "quarantine") == 0 || strcmp(f.action_kind, "replace") == 0 || strcmp(f.action_kind, "delete") == 0;
	if (!f.receipt || !held || strcmp(f.action_state, "done") != 0)
		return err_set(err, ERR_REMOTE, "not_held", "the item is not in quarantine (%s)", f.action_state);
	if (live_get(r->core, f.connection, &l, err) < 0 ||
		content_new(r->core->budget, f.size, r->core->set->limits.item, DIGEST_SHA256, &content, err) < 0 ||
		l->connector->open_held(l->connection, f.receipt, content, &info, err) < 0)
		return -1;
	if (info.provider_threat[0])
		return err_set(err, ERR_REMOTE, "provider_refuses", "the provider does not give it out: %s", info.provider_threat);
	if (content_finish(content, &d, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "name", f.name ? f.name : "item");
	cJSON_AddStringToObject(r->result, "sha256", d.sha256);
	cJSON_AddNumberToObject(r->result, "size", (double)d.size);
	cJSON_AddBoolToObject(r->result, "message", f.message_id && *f.message_id);
	r->fd = dup(content_fd(content));
	return r->fd < 0 ? err_errno(err, "dup") : 0;
}

/* Which of a tenant's rules ("": everybody's) match, by what the file alone tells. */
static int add_rules(struct control_request *r, const struct scan_reply *reply, bool words, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_(rules_putp) struct rules *rules = NULL;
	struct facts *f = a ? arena_alloc(a, sizeof(*f)) : NULL;

	if (!f)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (rules_get(r->core, json_str_or(r->args, "tenant", ""), &rules, err) < 0)
		return -1;
	if (scan_local_facts(rules->derive, reply, words, json_str_or(r->args, "name", ""), a, f, err) < 0)
		return -1;
	return scan_rules_json(rules->policy, &rules->settings, f, json_bool(r->args, "facts"), r->result, err);
}

int control_scan(struct control_request *r, struct err *err)
{
	_cleanup_close_ int fd = msg_take_fd(r->msg);
	_cleanup_(content_freep) struct content *content = NULL;
	_cleanup_free_ struct scan_reply *reply = calloc(1, sizeof(*reply));
	char chunk[65536];
	struct digests d;
	struct scan_info info;
	off_t at = 0;
	ssize_t n;

	if (fd < 0 || !reply)
		return err_set(err, ERR_REMOTE, "bad_request", "nothing to scan");
	/* A copy: the file may change or shrink while it is looked at. */
	if (content_new(r->core->budget, -1, r->core->set->limits.item, DIGEST_SHA256, &content, err) < 0)
		return -1;
	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		if (content_write(content, chunk, (size_t)n, err) < 0)
			return -1;
		at += n;
	}
	if (n < 0)
		return err_errno(err, "reading it");
	if (content_finish(content, &d, err) < 0)
		return -1;
	if (core_info(r->core, &info) < 0)
		return err_set(err, ERR_CANCELLED, "stopping", "stopping");
	struct scan_request req = {.tenant = "", .name = json_str(r->args, "name"), .size = d.size,
		.deadline_ms = r->core->set->limits.time_ms, .words = true};
	struct peer_link *link = peer_get(&r->core->scan, 10000);
	if (!link)
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role is not there");
	struct scan_client client = {.rpc = link->rpc};
	int lent = fcntl(content_fd(content), F_DUPFD_CLOEXEC, 0);
	int code = lent < 0 ? err_errno(err, "dup") : scan_client_scan(&client, &req, lent, SCAN_QUEUE_MS, reply, err);
	peer_put(link);
	if (code < 0)
		return -1;
	scan_reply_json(reply, r->result);
	if (add_rules(r, reply, req.words, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "sha256", d.sha256);
	cJSON_AddNumberToObject(r->result, "size", (double)d.size);
	return 0;
}

int control_info(struct control_request *r, struct err *err)
{
	struct scan_info info;

	if (json_bool(r->args, "wait") ? core_info(r->core, &info) < 0 : false)
		return err_set(err, ERR_CANCELLED, "stopping", "stopping");
	pthread_mutex_lock(&r->core->info_lock);
	info = r->core->info;
	pthread_mutex_unlock(&r->core->info_lock);
	cJSON_AddStringToObject(r->result, "engine", info.engine);
	cJSON_AddStringToObject(r->result, "signatures", info.signatures);
	cJSON_AddNumberToObject(r->result, "count", (double)info.count);
	cJSON_AddNumberToObject(r->result, "built_at", (double)info.built_at);
	cJSON_AddBoolToObject(r->result, "builtin_only", info.builtin_only);
	cJSON_AddNumberToObject(r->result, "workers", info.workers);
	cJSON_AddStringToObject(r->result, "refused", info.refused);
	cJSON_AddStringToObject(r->result, "sandbox", info.sandbox);
	cJSON_AddNumberToObject(r->result, "in_flight", (double)content_budget_used(r->core->budget));
	cJSON_AddNumberToObject(r->result, "in_flight_peak", (double)content_budget_peak(r->core->budget));
	return 0;
}
