/* Requests about connections: connect, disconnect, revoke-all, check. Each runs on its client's thread; see control.h. */
#include "core/control.h"

#include "base/timeutil.h"
#include "core/grants.h"

#include <string.h>

#define MAX_SECRETS MSG_MAX_FDS

/* The descriptors of the request beside their names. */
static int take_secrets(struct control_request *r, const char **list, int *fds, int *ret_n, struct err *err)
{
	const cJSON *names = json_array(r->args, "secrets"), *n;
	int count = 0;

	cJSON_ArrayForEach(n, names)
	{
		int fd = msg_take_fd(r->msg);
		if (fd < 0 || !cJSON_IsString(n) || count == MAX_SECRETS) {
			if (fd >= 0)
				close(fd);
			while (count)
				close(fds[--count]);
			return err_set(err, ERR_REMOTE, "bad_request", "secrets and descriptors do not fit");
		}
		list[count] = n->valuestring;
		fds[count++] = fd;
	}
	*ret_n = count;
	return 0;
}

/* Proves with real calls: token, organisation, a user, a stream; then keeps it. */
static int prove(struct control_request *r, const char *stage, const cJSON *grant, struct err *err)
{
	const cJSON *config = json_object(r->args, "config");
	_cleanup_(live_putp) struct live *l = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (grants_prove(r->core, config, grant, stage, &l, &report, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "id", l->config.id);
	grants_report_json(r->result, l->connector, &l->config, &report);
	if (report.missing && report.missing[0])
		cJSON_AddStringToObject(r->result, "warning", "permissions are missing: what needs them will not be seen");
	if (json_bool(r->args, "dry_run"))
		return 0;
	return grants_save(r->core, l, config, grant, stage, &report, err);
}

int control_connect(struct control_request *r, struct err *err)
{
	const cJSON *config = json_object(r->args, "config");
	const char *id = json_str(config, "id"), *names[MAX_SECRETS];
	_cleanup_json_ cJSON *grant = NULL;
	int fds[MAX_SECRETS], n = 0;
	char stage[80];

	if (!id || strlen(id) > 60)
		return err_set(err, ERR_REMOTE, "bad_request", "the connection has no id");
	snprintf(stage, sizeof(stage), "%s~new", id);
	if (take_secrets(r, names, fds, &n, err) < 0)
		return -1;
	const struct grant_stage s = {.stage = stage, .config = config, .grant = json_object(r->args, "grant"), .n = n, .names = names,
		.fds = fds};
	if (grants_stage(r->core, &s, &grant, err) < 0)
		return -1;
	int code = prove(r, stage, grant, err);
	if (code < 0 || json_bool(r->args, "dry_run"))
		grants_unstage(r->core, stage, NULL);
	return code;
}

int control_disconnect(struct control_request *r, struct err *err)
{
	const char *id = json_str(r->args, "id");

	if (!id)
		return err_set(err, ERR_REMOTE, "bad_request", "which connection?");
	return grants_disconnect(r->core, id, "disconnected", r->result, err);
}

int control_revoke_all(struct control_request *r, struct err *err)
{
	return grants_revoke_all(r->core, r->result, err);
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
	grants_report_json(r->result, l->connector, &l->config, &report);
	add_clock(r, l);
	return 0;
}
