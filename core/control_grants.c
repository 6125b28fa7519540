/* Requests about connections: connect, disconnect, check. Each runs on its client's thread; see control.h. */
#include "core/control.h"

#include "auth/client.h"
#include "base/i18n.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <string.h>

#define MAX_SECRETS MSG_MAX_FDS

static void add_report(cJSON *out, const struct grant_report *report)
{
	cJSON_AddStringToObject(out, "organisation", report->organisation ? report->organisation : "");
	cJSON *granted = report->granted ? cJSON_AddArrayToObject(out, "granted") : NULL;
	for (const char *const *p = report->granted; p && *p; p++)
		cJSON_AddItemToArray(granted, cJSON_CreateString(*p));
	cJSON *missing = cJSON_AddArrayToObject(out, "missing");
	for (const char *const *p = report->missing; p && *p; p++)
		cJSON_AddItemToArray(missing, cJSON_CreateString(*p));
	cJSON_AddNumberToObject(out, "ends_at", (double)report->ends_at);
}

/* Hands the secrets' descriptors to auth under a name of its own; public facts come back into the grant. */
static int stage_grant(struct control_request *r, struct rpc *auth, const char *stage, struct buf *facts, struct err *err)
{
	const cJSON *names = json_array(r->args, "secrets"), *n;
	const char *list[MAX_SECRETS];
	int fds[MAX_SECRETS], count = 0;
	_cleanup_buf_ struct buf grant = BUF_INIT(65536);

	cJSON_ArrayForEach(n, names)
	{
		int fd = msg_take_fd(r->msg);
		if (fd < 0 || !cJSON_IsString(n) || count == MAX_SECRETS) {
			if (fd >= 0)
				close(fd);
			return err_set(err, ERR_REMOTE, "bad_request", "secrets and descriptors do not fit");
		}
		list[count] = n->valuestring;
		fds[count++] = fd;
	}
	if (json_print(json_object(r->args, "grant"), &grant) < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "the grant is missing");
	const cJSON *config = json_object(r->args, "config");
	return auth_client_put(auth, stage, json_str_or(config, "tenant", ""), json_str_or(config, "provider", ""),
		buf_str(&grant), count, list, fds, facts, err);
}

static int save(struct control_request *r, struct live *l, const cJSON *grant, const char *stage, struct rpc *auth,
	const struct grant_report *report, struct err *err)
{
	const cJSON *config = json_object(r->args, "config");
	_cleanup_buf_ struct buf config_text = BUF_INIT(65536), grant_text = BUF_INIT(65536);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct store_connection old, rec = {.id = l->config.id, .tenant = l->config.tenant, .provider = l->config.provider,
		.protect = l->config.protect, .services = l->config.services, .backlog = l->backlog,
		.backlog_since = l->backlog_since, .state = CONN_CONNECTED, .reason = "", .message = "",
		.created_at = time_now_ms(), .last_success_at = time_now_ms(), .ends_at = report->ends_at, .report = "{}"};

	if (json_print(config, &config_text) < 0 || json_print(grant, &grant_text) < 0 || !a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	rec.config = buf_str(&config_text);
	rec.grant = buf_str(&grant_text);
	if (store_connection_get(r->core->store, rec.id, a, &old, err) == 0) {
		if (strcmp(old.tenant, rec.tenant) != 0 || strcmp(old.provider, rec.provider) != 0)
			return err_set(err, ERR_REMOTE, "other_connection",
				"the id '%s' belongs to a connection of tenant %s at %s", rec.id, old.tenant, old.provider);
		rec.created_at = old.created_at;
	}
	/* First the secrets, then the record: a crash between leaves secrets that the next connect replaces. */
	if (auth_client_rename(auth, stage, rec.id, err) < 0 || store_connection_put(r->core->store, &rec, err) < 0)
		return -1;
	live_forget(r->core, rec.id);
	if (discover_set_due(r->core, rec.id, 0, 0, err) < 0)
		return -1;
	wake_all(&r->core->wake);
	log_info("connection.saved", "connection=%s", rec.id);
	return 0;
}

/* Proves with real calls: token, organisation, a user, a stream; then keeps it. */
static int prove(struct control_request *r, struct rpc *auth, const char *stage, const char *facts, struct err *err)
{
	_cleanup_json_ cJSON *grant = cJSON_Duplicate(json_object(r->args, "grant"), true), *more = NULL;
	_cleanup_(live_putp) struct live *l = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};

	if (!a || json_parse(facts, strlen(facts), &more, err) < 0)
		return -1;
	for (cJSON *f = more->child, *next; f; f = next) {
		next = f->next;
		cJSON_DeleteItemFromObjectCaseSensitive(grant, f->string);
		cJSON *f2 = cJSON_DetachItemViaPointer(more, f);
		cJSON_AddItemToObject(grant, f2->string, f2);
	}
	if (live_open(r->core, json_object(r->args, "config"), grant, stage, &l, err) < 0 ||
		l->connector->check_grant(l->connection, &report, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "id", l->config.id);
	add_report(r->result, &report);
	if (report.missing && report.missing[0])
		cJSON_AddStringToObject(r->result, "warning", "permissions are missing: what needs them will not be seen");
	if (json_bool(r->args, "dry_run"))
		return 0;
	return save(r, l, grant, stage, auth, &report, err);
}

int control_connect(struct control_request *r, struct err *err)
{
	const cJSON *config = json_object(r->args, "config");
	const char *id = json_str(config, "id");
	_cleanup_buf_ struct buf facts = BUF_INIT(65536);
	char stage[80];

	if (!id || strlen(id) > 60)
		return err_set(err, ERR_REMOTE, "bad_request", "the connection has no id");
	snprintf(stage, sizeof(stage), "%s~new", id);
	struct peer_link *auth = peer_get(&r->core->auth, 10000);
	if (!auth)
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	int code = stage_grant(r, auth->rpc, stage, &facts, err);
	if (code == 0) {
		code = prove(r, auth->rpc, stage, buf_str(&facts), err);
		if (code < 0 || json_bool(r->args, "dry_run"))
			auth_client_forget(auth->rpc, stage, NULL);
	}
	peer_put(auth);
	return code;
}

int control_disconnect(struct control_request *r, struct err *err)
{
	const char *id = json_str(r->args, "id");
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct store_connection rec;
	struct err revoke = {0};

	if (!id || !a || store_connection_get(r->core->store, id, a, &rec, err) < 0)
		return id && a ? -1 : err_set(err, ERR_REMOTE, "bad_request", "which connection?");
	if (rec.state == CONN_DISCONNECTED) {
		cJSON_AddStringToObject(r->result, "state", "disconnected");
		return 9;
	}
	struct peer_link *auth = peer_get(&r->core->auth, 10000);
	if (!auth)
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	bool revoked = auth_client_revoke(auth->rpc, id, &revoke) == 0;
	/* Whatever the provider says, our copy goes. */
	int r2 = auth_client_forget(auth->rpc, id, err);
	peer_put(auth);
	if (r2 < 0)
		return -1;
	live_forget(r->core, id);
	if (store_connection_state(r->core->store, id, CONN_DISCONNECTED, "disconnected", "ended by the administrator", NULL,
		    NULL, NULL, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "state", "disconnected");
	cJSON_AddBoolToObject(r->result, "revoked", revoked);
	if (!revoked)
		cJSON_AddStringToObject(r->result, "by_hand",
			strcmp(revoke.code, "no_revocation") == 0 ?
				N_("this provider has no call that revokes such a grant: remove the application's consent in "
				   "its administration console") :
				revoke.message);
	return 0;
}

/* How far this machine's clock is from the provider's, by the Date of any answer. */
static void add_clock(struct control_request *r, const struct live *l)
{
	_cleanup_response_ struct http_response answer = {0};
	struct http_request req = {.method = "HEAD", .url = l->config.n_endpoints ? l->config.endpoints[0].url : ""};

	if (http_call(r->core->http, &req, &answer, NULL) == 0 && answer.date_ms)
		cJSON_AddNumberToObject(r->result, "clock_offset_ms", (double)(time_now_ms() - answer.date_ms));
}

int control_check(struct control_request *r, struct err *err)
{
	const char *id = json_str(r->args, "id");
	_cleanup_(live_putp) struct live *l = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};

	if (!id || !a || live_get(r->core, id, &l, err) < 0)
		return id && a ? -1 : err_set(err, ERR_REMOTE, "bad_request", "which connection?");
	if (l->connector->check_grant(l->connection, &report, err) < 0)
		return -1;
	add_report(r->result, &report);
	add_clock(r, l);
	return 0;
}
