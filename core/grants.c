/* See grants.h. */
#include "core/grants.h"

#include "auth/client.h"
#include "base/encode.h"
#include "base/i18n.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "events/catalogue.h"

#include <string.h>

#define REVOKERS 8

static int no_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

static struct peer_link *auth_of(struct core *c, struct err *err)
{
	struct peer_link *auth = peer_get(&c->auth, 10000);

	if (!auth)
		err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	return auth;
}

int grants_stage(struct core *c, const struct grant_stage *s, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536), facts = BUF_INIT(65536);
	_cleanup_json_ cJSON *grant = cJSON_Duplicate(s->grant, true), *more = NULL;
	struct peer_link *auth = NULL;

	if (!grant || json_print(s->grant, &text) < 0)
		err_set(err, ERR_REMOTE, "bad_request", "the grant is missing");
	else
		auth = auth_of(c, err);
	if (!auth) {
		for (int i = 0; i < s->n; i++)
			close(s->fds[i]);
		return -1;
	}
	int r = auth_client_put(auth->rpc, s->stage, json_str_or(s->config, "tenant", ""), json_str_or(s->config, "provider", ""),
		buf_str(&text), s->n, s->names, s->fds, &facts, err);
	peer_put(auth);
	if (r < 0 || json_parse(buf_str(&facts), facts.len, &more, err) < 0)
		return -1;
	/* Where the secrets came from is auth's business from now on. */
	cJSON_DeleteItemFromObjectCaseSensitive(grant, "made_key");
	cJSON_DeleteItemFromObjectCaseSensitive(grant, "code_of");
	for (cJSON *f = more->child, *next; f; f = next) {
		next = f->next;
		cJSON_DeleteItemFromObjectCaseSensitive(grant, f->string);
		cJSON *moved = cJSON_DetachItemViaPointer(more, f);
		cJSON_AddItemToObject(grant, moved->string, moved);
	}
	*ret = TAKE_PTR(grant);
	return 0;
}

int grants_unstage(struct core *c, const char *stage, struct err *err)
{
	struct peer_link *auth = auth_of(c, err);

	if (!auth)
		return -1;
	int r = auth_client_forget(auth->rpc, stage, err);
	peer_put(auth);
	return r;
}

int grants_prove(struct core *c, const cJSON *config, const cJSON *grant, const char *stage, struct live **ret,
	struct grant_report *report, struct err *err)
{
	_cleanup_(live_putp) struct live *l = NULL;

	if (live_open(c, config, grant, stage, &l, err) < 0 || l->connector->check_grant(l->connection, report, err) < 0)
		return -1;
	*ret = TAKE_PTR(l);
	return 0;
}

static int report_text(const struct live *l, const struct grant_report *report, struct buf *out)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();

	grants_report_json(doc, l->connector, &l->config, report);
	return json_print(doc, out);
}

int grants_save(struct core *c, struct live *l, const cJSON *config, const cJSON *grant, const char *stage,
	const struct grant_report *report, struct err *err)
{
	_cleanup_buf_ struct buf config_text = BUF_INIT(65536), grant_text = BUF_INIT(65536), told = BUF_INIT(65536);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	const char *id = json_str_or(config, "id", "");
	struct store_connection old, rec = {.id = id, .tenant = l->config.tenant, .provider = l->config.provider,
		.protect = l->config.protect, .services = l->config.services, .backlog = l->backlog,
		.backlog_since = l->backlog_since, .state = CONN_CONNECTED, .reason = "", .message = "",
		.created_at = time_now_ms(), .last_success_at = time_now_ms(), .ends_at = report->ends_at};

	if (json_print(config, &config_text) < 0 || json_print(grant, &grant_text) < 0 || report_text(l, report, &told) < 0 || !a)
		return no_memory(err);
	rec.config = buf_str(&config_text);
	rec.grant = buf_str(&grant_text);
	rec.report = buf_str(&told);
	if (store_connection_get(c->store, rec.id, a, &old, err) == 0) {
		if (strcmp(old.tenant, rec.tenant) != 0 || strcmp(old.provider, rec.provider) != 0)
			return err_set(err, ERR_REMOTE, "other_connection",
				"the id '%s' belongs to a connection of tenant %s at %s", rec.id, old.tenant, old.provider);
		rec.created_at = old.created_at;
	} else if (err->class != ERR_GONE) {
		return -1;
	}
	struct peer_link *auth = auth_of(c, err);
	if (!auth)
		return -1;
	/* First the secrets, then the record: a crash between leaves secrets that the next connect replaces. */
	int r = auth_client_rename(auth->rpc, stage, rec.id, err);
	peer_put(auth);
	if (r < 0 || store_connection_put(c->store, &rec, err) < 0)
		return -1;
	live_forget(c, rec.id);
	if (discover_set_due(c, rec.id, 0, 0, err) < 0 || store_stream_wake(c->store, rec.id, time_now_ms(), err) < 0)
		return -1;
	wake_all(&c->wake);
	log_info("connection.saved", "connection=%s", rec.id);
	return 0;
}

static void add_list(cJSON *out, const char *name, const char *const *list)
{
	cJSON *a = list ? cJSON_AddArrayToObject(out, name) : cJSON_AddNullToObject(out, name);

	for (const char *const *p = list; p && *p; p++)
		cJSON_AddItemToArray(a, cJSON_CreateString(*p));
}

void grants_report_json(cJSON *out, const struct connector *k, const struct connection_config *config,
	const struct grant_report *report)
{
	static const char *const none[] = {NULL};

	cJSON_AddStringToObject(out, "organisation", report->organisation ? report->organisation : "");
	cJSON_AddStringToObject(out, "organisation_id", report->organisation_id ? report->organisation_id : "");
	add_list(out, "granted", report->granted);
	add_list(out, "missing", report->missing ? report->missing : none);
	cJSON *needed = cJSON_AddArrayToObject(out, "needed");
	for (const char *const *p = k->needs; *p; p += 2)
		cJSON_AddItemToArray(needed, cJSON_CreateString(p[0]));
	/* What was granted beyond it: an administrator may want to take it away. */
	cJSON *unused = cJSON_AddArrayToObject(out, "unused");
	for (const char *const *g = report->granted; g && *g; g++) {
		bool used = false;
		for (const char *const *p = k->needs; *p; p += 2)
			used = used || strcmp(p[0], *g) == 0;
		if (!used)
			cJSON_AddItemToArray(unused, cJSON_CreateString(*g));
	}
	cJSON_AddNumberToObject(out, "ends_at", (double)report->ends_at);
}

/* ---- ending ---- */

/* What the administrator has to do where no call does it, or where it did not work. */
static const struct {
	const char *provider, *text, *link;
} by_hand[] = {
	{"microsoft", N_("Delete sekisho's enterprise application in the Entra admin center (Enterprise applications); that withdraws the consent."),
		"https://entra.microsoft.com/#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade"},
	{"google", N_("Remove sekisho's client ID under Security, API controls, Domain-wide delegation in the Google Admin console."),
		"https://admin.google.com/ac/owl/domainwidedelegation"},
	{"box", N_("Remove sekisho's application in the Box Admin Console (Integrations, Platform Apps Manager)."),
		"https://app.box.com/master/platform-apps"},
	{"dropbox", N_("Remove sekisho under Settings, Team apps in the Dropbox admin console."),
		"https://www.dropbox.com/team/admin/settings/team_apps"},
};

static void add_by_hand(cJSON *result, const char *provider, const struct err *why)
{
	cJSON *list = cJSON_AddArrayToObject(result, "by_hand");

	for (size_t i = 0; i < ARRAY_SIZE(by_hand); i++) {
		if (strcmp(by_hand[i].provider, provider) != 0)
			continue;
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "text", by_hand[i].text);
		cJSON_AddStringToObject(one, "link", by_hand[i].link);
		cJSON_AddItemToArray(list, one);
	}
	cJSON_AddStringToObject(result, "not_revoked", why->code);
}

static int end_record(struct core *c, const struct store_connection *rec, const char *reason, struct err *err)
{
	_cleanup_buf_ struct buf json = BUF_INIT(65536);
	struct connection_config config = {0};
	const struct err why = {.class = ERR_GONE, .code = "disconnected", .message = "ended by the administrator"};
	char uid[37];

	snprintf(config.id, sizeof(config.id), "%s", rec->id);
	snprintf(config.tenant, sizeof(config.tenant), "%s", rec->tenant);
	snprintf(config.provider, sizeof(config.provider), "%s", rec->provider);
	uuid_new(uid);
	if (event_connection(&json, uid, &config, "disconnected", &why) < 0)
		return no_memory(err);
	if (store_connection_state(c->store, rec->id, CONN_DISCONNECTED, reason, why.message, uid, buf_str(&json), NULL, err) < 0)
		return -1;
	watch_ended(c, &config);
	return 0;
}

int grants_disconnect(struct core *c, const char *id, const char *reason, cJSON *result, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct store_connection rec;
	struct err revoke = {0};

	if (!a)
		return no_memory(err);
	if (store_connection_get(c->store, id, a, &rec, err) < 0)
		return -1;
	cJSON_AddStringToObject(result, "state", "disconnected");
	if (rec.state == CONN_DISCONNECTED)
		return 9;
	struct peer_link *auth = auth_of(c, err);
	if (!auth)
		return -1;
	bool revoked = auth_client_revoke(auth->rpc, id, &revoke) == 0;
	/* Whatever the provider says, our copy goes. */
	int r = auth_client_forget(auth->rpc, id, err);
	peer_put(auth);
	if (r < 0)
		return -1;
	live_forget(c, id);
	if (end_record(c, &rec, reason, err) < 0)
		return -1;
	wake_all(&c->wake);
	log_info("connection.ended", "connection=%s reason=%s revoked=%d code=%s", id, reason, revoked, revoked ? "" : revoke.code);
	cJSON_AddBoolToObject(result, "revoked", revoked);
	cJSON_AddBoolToObject(result, "proven", revoked); /* auth says yes only after it has tried the token in vain */
	if (!revoked)
		add_by_hand(result, rec.provider, &revoke);
	return 0;
}

struct revoke_all {
	struct core *core;
	const struct store_connection *list;
	size_t n;
	atomic_size_t next;
	pthread_mutex_t lock;
	cJSON *failed, *left;
	int ended;
};

static void *revoker_main(void *arg)
{
	struct revoke_all *all = arg;
	size_t i;

	while ((i = atomic_fetch_add(&all->next, 1)) < all->n && !core_stopping(all->core)) {
		_cleanup_json_ cJSON *result = cJSON_CreateObject(), *one = cJSON_CreateObject();
		struct err err = {0};
		if (all->list[i].state == CONN_DISCONNECTED)
			continue;
		int r = grants_disconnect(all->core, all->list[i].id, "revoke_all", result, &err);
		cJSON_AddStringToObject(one, "id", all->list[i].id);
		pthread_mutex_lock(&all->lock);
		if (r < 0) {
			cJSON_AddStringToObject(one, "code", err.code);
			cJSON_AddStringToObject(one, "message", err.message);
			cJSON_AddItemToArray(all->failed, TAKE_PTR(one));
		} else {
			all->ended += r == 0;
			if (json_array(result, "by_hand")) {
				cJSON_AddItemToObject(one, "by_hand", cJSON_DetachItemFromObjectCaseSensitive(result, "by_hand"));
				cJSON_AddItemToArray(all->left, TAKE_PTR(one));
			}
		}
		pthread_mutex_unlock(&all->lock);
	}
	return NULL;
}

int grants_revoke_all(struct core *c, cJSON *result, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(256 << 20);
	struct store_connection *list;
	struct revoke_all all = {.core = c, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[REVOKERS];
	int64_t begun = time_monotonic_ms();
	int n = 0;

	if (!a)
		return no_memory(err);
	if (store_connection_list(c->store, NULL, a, &list, &all.n, err) < 0)
		return -1;
	all.list = list;
	all.failed = cJSON_AddArrayToObject(result, "failed");
	all.left = cJSON_AddArrayToObject(result, "not_revoked");
	while (n < REVOKERS - 1 && pthread_create(&threads[n], NULL, revoker_main, &all) == 0)
		n++;
	revoker_main(&all);
	while (n)
		pthread_join(threads[--n], NULL);
	cJSON_AddNumberToObject(result, "ended", all.ended);
	cJSON_AddNumberToObject(result, "ms", (double)(time_monotonic_ms() - begun));
	return 0;
}
