/* The auth role: takes core's requests, answers them; see auth.h. Owns the vault, the token cache and the threads.
 *
 * Threads: the reader of rpc takes requests apart and answers what is in memory; `desk`, one thread, does what touches
 * the vault, in the order it came; `pool` does what waits on a provider. */
#include "auth/role.h"

#include "auth/auth.h"
#include "auth/grant.h"
#include "auth/harden.h"
#include "auth/kek.h"
#include "auth/role_impl.h"
#include "auth/secret.h"
#include "base/log.h"
#include "base/ioutil.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <string.h>

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

void grant_changed(struct role *role, const char *connection)
{
	renew_forget(role->renewer, connection);
	tokens_drop(role->tokens, connection);
	learn(role, connection);
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

/* A change of the key that was interrupted after the vault's commit: the staged key is the one that fits. */
static int open_with_staged_key(struct role *role, struct vault **ret, struct err *err)
{
	unsigned char kek[SEAL_KEY];

	if (kek_staged(role->key_path, kek) < 0 || vault_open(role->state, kek, ret, NULL) < 0)
		return -1; /* err says already that the key is wrong */
	OPENSSL_cleanse(kek, sizeof(kek));
	log_info("key.settled", "path=%s", role->key_path);
	return kek_settle(role->key_path, err);
}

static int open_vault(struct role *role, const struct auth_request *req, struct err *err)
{
	unsigned char kek[SEAL_KEY];
	struct err local;

	err = err ? err : &local;
	if (io_mkdirs(req->state, 0700, err) < 0 ||
		kek_path(req->state, req->key_file, role->key_path, sizeof(role->key_path), &role->key_ours, err) < 0 ||
		kek_load(req->state, req->key_file, !vault_exists(req->state), kek, err) < 0)
		return -1;
	snprintf(role->state, sizeof(role->state), "%s", req->state);
	int r = vault_open(req->state, kek, &role->vault, err);
	OPENSSL_cleanse(kek, sizeof(kek));
	if (r < 0 && role->key_ours && strcmp(err->code, "wrong_key") == 0)
		r = open_with_staged_key(role, &role->vault, err);
	return r;
}

static void release(struct role *role)
{
	tokens_free(role->tokens);
	renewer_free(role->renewer);
	oidc_free(role->oidc);
	pendings_free(role->pendings);
	http_free(role->http);
	vault_close(role->vault);
	apps_free(role->apps);
	role->oidc = NULL;
	role->pendings = NULL;
	role->apps = NULL;
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
	if (apps_load(task->req.apps, &role->apps, err) < 0 || open_vault(role, &task->req, err) < 0 ||
		http_new(&http, &role->http, err) < 0 || pendings_new(&role->pendings, err) < 0 ||
		oidc_new(role->http, &role->oidc, err) < 0 ||
		renewer_new(role->vault, role->apps, role->http, &role->renewer, err) < 0 ||
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
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		grant_changed(role, ids[i]);
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
		task->run = auth_put;
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
	case AUTH_REVOKE:
		task->run = revoke_grant;
		where = role->pool;
		break;
	default: /* the parser lets no other through, AUTH_TOKEN went another way */
		task->run = auth_console_handler(role, req->type, &where);
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
	static const struct pool_limits slow = {.threads = 1, .queue = 64, .per_key = 1, .per_group = 1};
	static const struct pool_limits wide = {.threads = 16, .queue = 8192, .per_key = 4, .per_group = 10};
	static const struct rpc_ops ops = {.serve = serve, .gone = gone};

	if (pool_new("auth.desk", &desk, &role->desk, err) < 0 || pool_new("auth.pool", &wide, &role->pool, err) < 0 ||
		pool_new("auth.slow", &slow, &role->slow, err) < 0) {
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
	pool_free(role.slow);
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
