/* The auth role: takes core's requests, answers them; see auth.h. Owns the vault, the token cache and the threads.
 *
 * Threads: the reader of rpc takes requests apart and answers what is in memory; `desk`, one thread, does what touches
 * the vault, in the order it came; `pool` does what waits on a provider. */
#include "auth/role.h"

#include "auth/auth.h"
#include "auth/grant.h"
#include "auth/harden.h"
#include "auth/kek.h"
#include "auth/pool.h"
#include "auth/renew.h"
#include "auth/request.h"
#include "auth/secret.h"
#include "auth/tokens.h"
#include "base/log.h"
#include "base/ioutil.h"
#include "base/rpc.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct role {
	struct rpc *rpc;
	struct pool *desk, *pool;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool gone;  /* lock */
	bool ready; /* lock: what follows is there, and stays until the end */
	struct vault *vault;
	struct http *http;
	struct renewer *renewer;
	struct tokens *tokens;
};

/* A request on its way to a thread. */
struct task {
	struct role *role;
	struct rpc *rpc;
	struct msg msg; /* owns what the request points to, and the descriptors */
	struct auth_request req;
	int (*run)(struct task *task, struct msg *reply, struct err *err);
};

/* ---- answers; any thread ---- */

static void send_error(struct rpc *rpc, uint64_t id, const struct err *err)
{
	_cleanup_msg_ struct msg reply = {0};

	msg_init(&reply, AUTH_ERR, id);
	msg_put_err(&reply, err);
	rpc_reply(rpc, &reply);
}

static void token_answered(void *ctx, uint64_t id, const struct token_answer *answer)
{
	struct role *role = ctx;
	_cleanup_msg_ struct msg reply = {0};

	msg_init(&reply, AUTH_TOKEN_REPLY, id);
	if (!answer->token) {
		send_error(role->rpc, id, answer->err);
		return;
	}
	msg_put_str(&reply, answer->token);
	msg_put_i64(&reply, answer->expires_at);
	rpc_reply(role->rpc, &reply);
}

/* ---- what is done on the desk's thread ---- */

/* Learns of one connection what the cache has to know. */
static void learn(struct role *role, const char *connection)
{
	char origin[256];
	bool per_subject;

	if (renew_describe(role->renewer, connection, origin, sizeof(origin), &per_subject))
		tokens_learn(role->tokens, connection, origin, per_subject);
}

static int learn_all(struct role *role, struct err *err)
{
	_cleanup_free_ struct vault_listed *list = NULL;
	size_t n;

	if (vault_list(role->vault, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		learn(role, list[i].connection);
	log_info("vault.open", "connections=%zu", n);
	return 0;
}

static int open_vault(const struct auth_request *req, struct vault **ret, struct err *err)
{
	unsigned char kek[SEAL_KEY];

	if (io_mkdirs(req->state, 0700, err) < 0 ||
		kek_load(req->state, req->key_file, !vault_exists(req->state), kek, err) < 0)
		return -1;
	int r = vault_open(req->state, kek, ret, err);
	OPENSSL_cleanse(kek, sizeof(kek));
	return r;
}

static void release(struct role *role)
{
	tokens_free(role->tokens);
	renewer_free(role->renewer);
	http_free(role->http);
	vault_close(role->vault);
	role->tokens = NULL;
	role->renewer = NULL;
	role->http = NULL;
	role->vault = NULL;
}

static bool is_ready(struct role *role)
{
	pthread_mutex_lock(&role->lock);
	bool ready = role->ready;
	pthread_mutex_unlock(&role->lock);
	return ready;
}

static int configure(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	const struct http_options http = {.user_agent = "NONISV|sekisho|sekisho/0.1", .ca_file = task->req.ca_file};

	if (is_ready(role))
		return err_set(err, ERR_REMOTE, "bad_request", "the role is configured already");
	if (open_vault(&task->req, &role->vault, err) < 0 || http_new(&http, &role->http, err) < 0 ||
		renewer_new(role->vault, role->http, &role->renewer, err) < 0 ||
		tokens_new(role->renewer, role->pool, token_answered, role, &role->tokens, err) < 0 ||
		learn_all(role, err) < 0) {
		release(role);
		return -1;
	}
	pthread_mutex_lock(&role->lock);
	role->ready = true;
	pthread_mutex_unlock(&role->lock);
	return 0;
}

/* The grant's secrets out of the descriptors, beside its public part. */
static int read_secrets(struct task *task, struct vault_record *record, struct err *err)
{
	const struct auth_request *req = &task->req;

	for (int i = 0; i < req->n_names; i++) {
		_cleanup_close_ int fd = msg_take_fd(&task->msg);
		struct vault_item *item = &record->items[record->n++];
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		snprintf(item->purpose, sizeof(item->purpose), "%s", req->names[i]);
		if (secret_read(fd, req->names[i], &item->value, err) < 0)
			return -1;
	}
	struct vault_item *item = &record->items[record->n++];
	item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	snprintf(item->purpose, sizeof(item->purpose), "grant");
	return buf_adds(&item->value, req->grant) < 0 ? grant_no_memory(err) : 0;
}

/* The checked grant as the vault keeps it: with its token address, and with nothing that it does not want. */
static int settle(struct grant *g, struct err *err)
{
	struct vault_item *text = vault_record_item(&g->record, "grant");

	if (!g->token_url[0])
		return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs 'token_url'");
	if (!json_str(g->json, "token_url") && !cJSON_AddStringToObject(g->json, "token_url", g->token_url))
		return grant_no_memory(err);
	buf_clear(&text->value);
	if (json_print(g->json, &text->value) < 0)
		return grant_no_memory(err);
	for (int i = 0; i < g->record.n; i++) {
		const char *purpose = g->record.items[i].purpose;
		bool wanted = strcmp(purpose, "grant") == 0;
		for (const char *const *s = g->kind->secrets; *s; s++)
			wanted = wanted || strcmp(*s, purpose) == 0;
		if (!wanted)
			return err_set(err, ERR_REMOTE, "bad_grant", "a grant of type %s has no '%s'", g->kind->type, purpose);
	}
	return 0;
}

static int put(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	const struct auth_request *req = &task->req;
	struct vault_record record = {0};
	struct grant g = {0};
	_cleanup_json_ cJSON *facts = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	snprintf(record.connection, sizeof(record.connection), "%s", req->connection);
	snprintf(record.tenant, sizeof(record.tenant), "%s", req->tenant);
	snprintf(record.provider, sizeof(record.provider), "%s", req->provider);
	if (!facts || read_secrets(task, &record, err) < 0) {
		vault_record_free(&record);
		return facts ? -1 : grant_no_memory(err);
	}
	if (grant_open(&record, &g, err) < 0)
		return -1;
	int r = g.kind->check(&g, facts, &g.record.ends_at, err);
	if (r == 0 && g.record.ends_at)
		cJSON_AddNumberToObject(facts, "key_ends_at", (double)g.record.ends_at);
	if (r == 0)
		r = settle(&g, err);
	if (r == 0 && json_print(facts, &text) < 0)
		r = grant_no_memory(err);
	if (r == 0)
		r = vault_put(role->vault, &g.record, err);
	if (r == 0) {
		renew_forget(role->renewer, req->connection);
		tokens_drop(role->tokens, req->connection);
		learn(role, req->connection);
		reply->type = AUTH_PUT_REPLY;
		msg_put_str(reply, buf_str(&text));
		log_info("grant.put", "tenant=%s connection=%s type=%s", req->tenant, req->connection, g.kind->type);
	}
	grant_close(&g);
	return r;
}

static int forget(struct task *task, struct msg *reply, struct err *err)
{
	const char *connection = task->req.connection;
	struct role *role = task->role;

	if (vault_forget(role->vault, connection, err) < 0)
		return -1;
	renew_forget(role->renewer, connection);
	tokens_drop(role->tokens, connection);
	log_info("grant.forgotten", "connection=%s", connection);
	return 0;
}

static int rename_grant(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	const char *const ids[] = {task->req.connection, task->req.to};

	if (strcmp(ids[0], ids[1]) == 0)
		return 0;
	if (vault_rename(role->vault, ids[0], ids[1], err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		renew_forget(role->renewer, ids[i]);
		tokens_drop(role->tokens, ids[i]);
	}
	learn(role, ids[1]);
	return 0;
}

static int list(struct task *task, struct msg *reply, struct err *err)
{
	_cleanup_free_ struct vault_listed *all = NULL;
	size_t n;

	if (vault_list(task->role->vault, &all, &n, err) < 0)
		return -1;
	reply->type = AUTH_LIST_REPLY;
	msg_put_u32(reply, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		msg_put_str(reply, all[i].connection);
		msg_put_i64(reply, all[i].ends_at);
	}
	return 0;
}

/* ---- on the pool's threads ---- */

static int revoke_grant(struct task *task, struct msg *reply, struct err *err)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(32768);
	struct role *role = task->role;
	const char *connection = task->req.connection;
	bool have = tokens_peek(role->tokens, connection, &token);
	int r = renew_revoke(role->renewer, connection, have ? buf_str(&token) : NULL, err);

	/* Whatever came of it: what was given out is not to be given out again. */
	tokens_drop(role->tokens, connection);
	learn(role, connection);
	log_info("grant.revoke", "connection=%s result=%s", connection, r == 0 ? "revoked" : err->code);
	return r;
}

/* ---- requests; on the reader's thread ---- */

static void task_free(void *ctx)
{
	struct task *task = ctx;

	msg_free(&task->msg);
	free(task);
}

static void task_main(void *ctx)
{
	struct task *task = ctx;
	_cleanup_msg_ struct msg reply = {0};
	struct err err = {0};

	msg_init(&reply, AUTH_OK, task->msg.id);
	int r = task->run == configure || is_ready(task->role) ?
		task->run(task, &reply, &err) :
		err_set(&err, ERR_LOCAL, "not_configured", "the auth role was not configured");
	if (r == 0 && reply.broken)
		r = err_set(&err, ERR_LOCAL, "message_too_long", "the answer does not fit into a message");
	if (r == 0)
		rpc_reply(task->rpc, &reply);
	else
		send_error(task->rpc, task->msg.id, &err);
	task_free(task);
}

static int hand_over(struct role *role, struct rpc *rpc, struct msg *m, const struct auth_request *req, struct err *err)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return grant_no_memory(err);
	/* The message is only lent, its content is not: an empty one is left behind. */
	*task = (struct task){.role = role, .rpc = rpc, .msg = *m, .req = *req};
	msg_init(m, m->type, m->id);
	struct pool *where = role->desk;
	switch (req->type) {
	case AUTH_CONFIG:
		task->run = configure;
		break;
	case AUTH_PUT:
		task->run = put;
		break;
	case AUTH_FORGET:
		task->run = forget;
		break;
	case AUTH_RENAME:
		task->run = rename_grant;
		break;
	case AUTH_LIST:
		task->run = list;
		break;
	default: /* AUTH_REVOKE: the parser lets no other through, AUTH_TOKEN went another way */
		task->run = revoke_grant;
		where = role->pool;
		break;
	}
	if (pool_submit(where, "", "", task_main, task_free, task, err) == 0)
		return 0;
	*m = task->msg;
	free(task);
	return -1;
}

static int serve(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct role *role = ctx;
	struct auth_request req;
	struct err err;

	if (auth_request_parse(m, &req, &err) < 0)
		return -1;
	if (err.class == ERR_NONE && req.type == AUTH_TOKEN) {
		if (is_ready(role)) {
			tokens_get(role->tokens, m->id, req.connection, req.subject, req.renew);
			return 0;
		}
		err_set(&err, ERR_LOCAL, "not_configured", "the auth role was not configured");
	}
	if (err.class == ERR_NONE && hand_over(role, rpc, m, &req, &err) == 0)
		return 0;
	send_error(rpc, m->id, &err);
	return 0;
}

static void gone(void *ctx, struct rpc *rpc)
{
	struct role *role = ctx;

	pthread_mutex_lock(&role->lock);
	role->gone = true;
	pthread_cond_signal(&role->changed);
	pthread_mutex_unlock(&role->lock);
}

/* ---- life ---- */

static int start(struct role *role, int fd, struct err *err)
{
	static const struct pool_limits desk = {.threads = 1, .queue = 1024, .per_key = 1, .per_group = 1};
	static const struct pool_limits wide = {.threads = 16, .queue = 8192, .per_key = 4, .per_group = 10};
	static const struct rpc_ops ops = {.serve = serve, .gone = gone};

	if (pool_new("auth.desk", &desk, &role->desk, err) < 0 || pool_new("auth.pool", &wide, &role->pool, err) < 0) {
		close(fd);
		return -1;
	}
	/* role->rpc is read by pool threads, which begin to work only for requests: under the lock for them. */
	struct rpc *rpc;
	pthread_mutex_lock(&role->lock);
	int r = rpc_new("core", fd, &ops, role, &rpc, err);
	if (r == 0)
		role->rpc = rpc;
	pthread_mutex_unlock(&role->lock);
	return r;
}

int auth_role_serve(int fd)
{
	struct role role = {0};
	struct err err = {0};

	pthread_mutex_init(&role.lock, NULL);
	pthread_cond_init(&role.changed, NULL);
	int r = start(&role, fd, &err);
	if (r < 0) {
		log_err(LOG_ERROR_, "auth.start", &err);
	} else {
		pthread_mutex_lock(&role.lock);
		while (!role.gone)
			pthread_cond_wait(&role.changed, &role.lock);
		pthread_mutex_unlock(&role.lock);
	}
	/* First nobody configures any more, then calls under way end, then their threads; answers go nowhere. */
	pool_free(role.desk);
	if (role.http)
		http_cancel(role.http);
	pool_free(role.pool);
	release(&role);
	rpc_free(role.rpc);
	pthread_cond_destroy(&role.changed);
	pthread_mutex_destroy(&role.lock);
	return r < 0 ? 7 : 0;
}

int auth_role_main(int fd)
{
	log_open("auth");
	signal(SIGPIPE, SIG_IGN);
	harden_process();
	return auth_role_serve(fd);
}
