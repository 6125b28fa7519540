/* The one way that every command goes: who asks, may they, the audit row, the act, the row of its outcome; see console.h. The
 * handlers are in console_*.c. */
#include "core/console_impl.h"

#include "store/policy.h"
#include "web/web.h"

#include <stdarg.h>

/* Where a command's tenant comes from. */
enum about { ABOUT_NOBODY, ABOUT_TENANT, ABOUT_CONNECTION, ABOUT_FINDING, ABOUT_FLOW, ABOUT_ALERT, ABOUT_INVITATION, ABOUT_POLICY, ABOUT_LIST };

enum who {
	PUBLIC, /* before signing in: limited by address, and by what the handler checks */
	SIGNED, /* any session, an invitation's too */
	MAY,    /* whose role has the act */
	LOCAL,  /* the command line alone */
};

enum trail {
	BOTH,    /* a row before and a row after */
	SILENT,  /* changes nothing but when a session was last seen */
	OUTCOME, /* asked again and again by a waiting page: a row when something came of it */
};

static const struct command {
	const char *name;
	enum who who;
	enum console_act act;
	enum about about;
	const char *object; /* the argument that names what it is about */
	enum trail trail;
	console_handler *handler;
} commands[] = {
	{"setup", PUBLIC, 0, ABOUT_NOBODY, "login", BOTH, console_setup},
	{"setup_link", LOCAL, 0, ABOUT_NOBODY, NULL, BOTH, console_setup_link},
	{"sign_in", PUBLIC, 0, ABOUT_NOBODY, "login", BOTH, console_sign_in},
	{"sign_in_totp", PUBLIC, 0, ABOUT_NOBODY, NULL, BOTH, console_sign_in_totp},
	{"oidc_begin", PUBLIC, 0, ABOUT_NOBODY, "provider", SILENT, console_oidc_begin},
	{"oidc_end", PUBLIC, 0, ABOUT_NOBODY, "provider", BOTH, console_oidc_end},
	{"password_set", PUBLIC, 0, ABOUT_NOBODY, NULL, BOTH, console_password_set},
	{"invitation_open", PUBLIC, 0, ABOUT_NOBODY, NULL, BOTH, console_invitation_open},
	{"sign_out", SIGNED, 0, ABOUT_NOBODY, NULL, BOTH, console_sign_out},
	{"session_touch", SIGNED, 0, ABOUT_NOBODY, NULL, SILENT, console_session_touch},
	{"session_revoke", MAY, CONSOLE_SELF, ABOUT_NOBODY, "id", BOTH, console_session_revoke},
	{"sessions_revoke", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_sessions_revoke},
	{"me_update", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_me_update},
	{"me_password", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_me_password},
	{"totp_begin", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_totp_begin},
	{"totp_confirm", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_totp_confirm},
	{"totp_remove", MAY, CONSOLE_SELF, ABOUT_NOBODY, NULL, BOTH, console_totp_remove},
	{"account_create", MAY, CONSOLE_MANAGE, ABOUT_NOBODY, "login", BOTH, console_account_create},
	{"account_update", MAY, CONSOLE_MANAGE, ABOUT_NOBODY, "id", BOTH, console_account_update},
	{"account_reset", MAY, CONSOLE_MANAGE, ABOUT_NOBODY, "id", BOTH, console_account_reset},
	{"tenant_create", MAY, CONSOLE_MANAGE, ABOUT_NOBODY, "id", BOTH, console_tenant_create},
	{"tenant_update", MAY, CONSOLE_MANAGE, ABOUT_NOBODY, "id", BOTH, console_tenant_update},
	{"invitation_create", MAY, CONSOLE_MANAGE, ABOUT_TENANT, "tenant", BOTH, console_invitation_create},
	{"invitation_revoke", MAY, CONSOLE_MANAGE, ABOUT_INVITATION, "id", BOTH, console_invitation_revoke},
	{"flow_begin", MAY, CONSOLE_CONNECT, ABOUT_TENANT, "provider", BOTH, console_flow_begin},
	{"flow_submit", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", BOTH, console_flow_submit},
	/* Who comes back is told by the state, which is bound to the session: the handler compares. */
	{"flow_callback", MAY, CONSOLE_CONNECT, ABOUT_NOBODY, "provider", BOTH, console_flow_callback},
	{"flow_check", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", OUTCOME, console_flow_check},
	{"flow_finish", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", BOTH, console_flow_finish},
	{"flow_test", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", BOTH, console_flow_test},
	{"flow_cancel", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", BOTH, console_flow_cancel},
	{"flow_file", MAY, CONSOLE_CONNECT, ABOUT_FLOW, "flow", BOTH, console_flow_file},
	{"connection_update", MAY, CONSOLE_CHANGE, ABOUT_CONNECTION, "id", BOTH, console_connection_update},
	{"connection_check", MAY, CONSOLE_CHANGE, ABOUT_CONNECTION, "id", BOTH, console_connection_check},
	{"disconnect", MAY, CONSOLE_CHANGE, ABOUT_CONNECTION, "id", BOTH, console_disconnect},
	{"restore", MAY, CONSOLE_HOLD, ABOUT_FINDING, "id", BOTH, console_restore},
	{"delete", MAY, CONSOLE_HOLD, ABOUT_FINDING, "id", BOTH, console_delete},
	{"download", MAY, CONSOLE_HOLD, ABOUT_FINDING, "id", BOTH, console_download},
	{"finding_show", MAY, CONSOLE_READ, ABOUT_FINDING, "id", BOTH, console_finding_show},
	{"alert_ack", MAY, CONSOLE_HOLD, ABOUT_ALERT, "id", BOTH, console_alert_ack},
	{"policy_rules", MAY, CONSOLE_READ, ABOUT_POLICY, NULL, SILENT, console_policy_rules},
	/* Asked again and again while somebody types; they change nothing. */
	{"policy_check", MAY, CONSOLE_POLICY, ABOUT_POLICY, "name", SILENT, console_policy_check},
	{"policy_test", MAY, CONSOLE_POLICY, ABOUT_POLICY, "name", SILENT, console_policy_test},
	{"policy_replay", MAY, CONSOLE_POLICY, ABOUT_TENANT, "name", OUTCOME, console_policy_replay},
	{"policy_put", MAY, CONSOLE_POLICY, ABOUT_POLICY, "name", BOTH, console_policy_put},
	{"policy_delete", MAY, CONSOLE_POLICY, ABOUT_POLICY, "name", BOTH, console_policy_delete},
	{"policy_restore", MAY, CONSOLE_POLICY, ABOUT_POLICY, "name", BOTH, console_policy_restore},
	{"policy_settings", MAY, CONSOLE_POLICY, ABOUT_TENANT, NULL, BOTH, console_policy_settings},
	{"mode_put", MAY, CONSOLE_POLICY, ABOUT_TENANT, "rule", BOTH, console_mode_put},
	/* What the desk may of it: the handlers. */
	{"list_add", MAY, CONSOLE_HOLD, ABOUT_TENANT, NULL, BOTH, console_list_add},
	{"list_remove", MAY, CONSOLE_HOLD, ABOUT_LIST, "id", BOTH, console_list_remove},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

bool console_knows(const char *command)
{
	return find(command) != NULL;
}

int console_bad(struct err *err, const char *what)
{
	return err_set(err, ERR_REMOTE, "bad_request", "%s", what);
}

int console_no_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

/* ---- whom it is about ---- */

static int find_tenant(struct console_request *r, const struct command *k, struct err *err)
{
	const char *id = k->object ? json_str_or(r->args, k->object, "") : "";

	if (strlen(id) > 300)
		return console_bad(err, "a name is too long");
	r->object = id;
	r->tenant = "";
	switch (k->about) {
	case ABOUT_POLICY:
	case ABOUT_TENANT: {
		struct console_tenant t;
		const char *tenant = json_str_or(r->args, "tenant", "");
		/* The operator's files, which count for all: of nobody, so that only who sees every tenant may touch them. */
		if (k->about == ABOUT_POLICY && strcmp(tenant, "*") == 0)
			return 0;
		if (strlen(tenant) > 63)
			return console_bad(err, "which tenant?");
		if (store_tenant_get(r->core->store, tenant, r->arena, &t, err) < 0)
			return -1;
		r->tenant = t.id;
		return 0;
	}
	case ABOUT_CONNECTION: {
		struct store_connection c;
		if (store_connection_get(r->core->store, id, r->arena, &c, err) < 0)
			return -1;
		r->tenant = c.tenant;
		return 0;
	}
	case ABOUT_FINDING: {
		struct store_finding f;
		if (store_finding_get(r->core->store, id, r->arena, &f, err) < 0)
			return -1;
		r->tenant = f.tenant;
		return 0;
	}
	case ABOUT_FLOW: {
		struct console_flow f;
		if (store_flow_get(r->core->store, id, time_now_ms(), r->arena, &f, err) < 0)
			return -1;
		r->tenant = f.tenant;
		return 0;
	}
	case ABOUT_ALERT: {
		struct console_alert a;
		if (store_alert_get(r->core->store, id, r->arena, &a, err) < 0)
			return -1;
		r->tenant = a.tenant;
		return 0;
	}
	case ABOUT_INVITATION: {
		struct console_invitation i;
		if (store_invitation_get(r->core->store, id, r->arena, &i, err) < 0)
			return -1;
		r->tenant = i.tenant;
		return 0;
	}
	case ABOUT_LIST: {
		struct store_list_entry e;
		if (store_list_get(r->core->store, strtoll(id, NULL, 10), r->arena, &e, err) < 0)
			return -1;
		r->tenant = e.tenant;
		return 0;
	}
	default:
		return 0;
	}
}

static int not_there(struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "there is nothing of that name");
}

static int forbidden(struct err *err)
{
	return err_set(err, ERR_CONSENT, "forbidden", "your role does not allow this");
}

/* Whether it may be done. What another tenant has does not exist for whoever may not see it. */
static int check(struct console_request *r, const struct command *k, struct err *err)
{
	const struct console_session *s = r->actor->session;

	if (r->actor->local) {
		bool personal = k->who == SIGNED || k->who == PUBLIC || (k->who == MAY && k->act == CONSOLE_SELF);
		return personal ? console_bad(err, "this is asked for in a browser") : find_tenant(r, k, err);
	}
	if (k->who == LOCAL)
		return forbidden(err);
	if (k->who == PUBLIC)
		return find_tenant(r, k, err);
	if (!s)
		return err_set(err, ERR_AUTH, "signed_out", "sign in first: the session is over");
	if (k->who == SIGNED)
		return find_tenant(r, k, err);
	if (!console_may(s, k->act, NULL)) {
		/* The row of the refusal names what was asked for. */
		struct err ignored;
		if (find_tenant(r, k, &ignored) < 0)
			r->tenant = "";
		return forbidden(err);
	}
	if (find_tenant(r, k, err) < 0)
		return -1;
	if (k->about != ABOUT_NOBODY && !console_may(s, k->act, r->tenant))
		return not_there(err);
	return 0;
}

/* ---- the audit trail ---- */

/* What of the arguments may be kept: no secret is among them; a password of archives stands under "value". Of what was done, what
 * came of it. */
static void detail_of(const struct console_request *r, bool done, const struct err *err, struct buf *out)
{
	static const char *const keys[] = {"provider", "method", "tenant", "connection", "name", "login", "language", "role", "tenants",
		"disabled", "protect", "services", "backlog_days", "trial_ends_at", "rule", "mode", "was", "kind", "approved", "value", "reason", "ends_at",
		"from", "version", "may_delete", "days"};
	static const char *const outcomes[] = {"touched", "seen", "new_version", "kind", "value"};
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	bool secret = strcmp(json_str_or(r->args, "kind", "password"), "password") == 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const cJSON *v = json_get(r->args, keys[i]);
		if (v && !(secret && strcmp(keys[i], "value") == 0))
			cJSON_AddItemToObject(doc, keys[i], cJSON_Duplicate(v, true));
	}
	for (size_t i = 0; done && i < ARRAY_SIZE(outcomes); i++) {
		const cJSON *v = json_get(r->result, outcomes[i]);
		if (v && !json_get(doc, outcomes[i]))
			cJSON_AddItemToObject(doc, outcomes[i], cJSON_Duplicate(v, true));
	}
	if (err) {
		cJSON_AddStringToObject(doc, "code", err->code);
		if (err->request_id[0])
			cJSON_AddStringToObject(doc, "request_id", err->request_id);
	}
	if (r->actor->agent && *r->actor->agent && !err)
		cJSON_AddStringToObject(doc, "agent", r->actor->agent);
	if (json_print(doc, out) < 0) {
		buf_clear(out);
		buf_adds(out, "{}");
	}
}

int console_note(struct core *c, const struct console_actor *actor, const struct console_note *n, int64_t *ret_seq, struct err *err)
{
	const struct console_session *s = actor ? actor->session : NULL;
	char who[80], object[301];

	if (!actor)
		snprintf(who, sizeof(who), "system");
	else if (actor->local)
		snprintf(who, sizeof(who), "local:%u", actor->uid);
	else if (s && *s->account)
		snprintf(who, sizeof(who), "account:%.60s", s->account);
	else if (s)
		snprintf(who, sizeof(who), "invitation:%.60s", s->invitation);
	else
		snprintf(who, sizeof(who), "nobody");
	snprintf(object, sizeof(object), "%s", n->object ? n->object : "");
	const struct console_audit a = {.at = time_now_ms(), .actor = who, .name = s ? s->login : "",
		.role = !actor ? "system" : actor->local ? "local" : s ? console_role_name(s->role) : "",
		.address = actor && actor->address ? actor->address : "", .act = n->act, .tenant = n->tenant ? n->tenant : "",
		.object = object, .phase = n->phase, .intent = n->intent, .detail = n->detail ? n->detail : ""};
	return store_audit_add(c->store, &a, ret_seq, err);
}

static int note(const struct console_request *r, const struct command *k, const char *phase, int64_t intent, const struct err *why,
	int64_t *ret_seq, struct err *err)
{
	_cleanup_buf_ struct buf detail = BUF_INIT(8000);

	detail_of(r, strcmp(phase, "done") == 0, why, &detail);
	const struct console_note n = {.act = k->name, .tenant = r->tenant, .object = r->object, .phase = phase, .intent = intent,
		.detail = buf_str(&detail)};
	return console_note(r->core, r->actor, &n, ret_seq, err);
}

static void note_outcome(const struct console_request *r, const struct command *k, int64_t intent, int code, const struct err *why)
{
	struct err err;

	if (note(r, k, code < 0 ? "failed" : "done", intent, code < 0 ? why : NULL, NULL, &err) < 0)
		log_err(LOG_ERROR_, "audit.outcome", &err);
}

/* ---- running ---- */

static int run(struct console_request *r, const struct command *k, struct err *err)
{
	int64_t intent = 0;
	struct err local;

	if (check(r, k, err) < 0) {
		/* Of a guess at what is not there nothing is kept but that somebody signed in made it. */
		if (r->actor->session && k->trail != SILENT && note(r, k, "refused", 0, err, NULL, &local) < 0)
			log_err(LOG_ERROR_, "audit.refused", &local);
		return -1;
	}
	if (k->who == PUBLIC && !r->actor->local && console_limit(r->core, "", r->actor->address, err) < 0)
		return -1;
	/* No row, no act. */
	if (k->trail == BOTH && note(r, k, "intent", 0, NULL, &intent, err) < 0)
		return err_prefix(err, "it was not done, because the audit trail cannot be written");
	int code = k->handler(r, err);
	/* Wrong passwords, links and states alike. */
	if (code < 0 && k->who == PUBLIC && !r->actor->local && err->class != ERR_RETRY && err->class != ERR_LOCAL)
		console_limit_failed(r->core, r->actor->address);
	if (k->trail == BOTH || (k->trail == OUTCOME && code == 0))
		note_outcome(r, k, intent, code, err);
	return code;
}

int console_run(struct core *c, const struct console_actor *actor, const char *command, const cJSON *args, cJSON *result,
	int *ret_fd, struct err *err)
{
	const struct command *k = find(command);
	_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
	struct console_request r = {.core = c, .actor = actor, .args = args, .result = result, .fd = -1, .arena = a, .tenant = "",
		.object = ""};

	if (!k)
		return err_set(err, ERR_REMOTE, "unknown_command", "no such request: %.60s", command);
	if (!a)
		return console_no_memory(err);
	log_push("command", k->name);
	int code = run(&r, k, err);
	if (code < 0)
		log_err(LOG_INFO_, "console.refused", err);
	log_pop();
	if (code < 0 && r.fd >= 0)
		close(r.fd);
	else
		*ret_fd = r.fd;
	return code;
}
