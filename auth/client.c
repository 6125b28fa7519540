/* Requests to the auth role; see client.h. Runs in core, on the thread that asks; no state. */
#include "auth/client.h"

#define QUICK_MS 30000
#define TOKEN_MS 60000
#define REVOKE_MS 120000

static int bad_answer(struct err *err)
{
	return err_set(err, ERR_REMOTE, "bad_answer", "the auth role answered something unexpected");
}

/* Sends m and checks that the answer is of the wanted type; an AUTH_ERR becomes the error it carries. */
static int ask(struct rpc *rpc, struct msg *m, int64_t timeout_ms, uint32_t want, struct msg *ret, struct err *err)
{
	struct msg reply;
	struct err said = {0};

	if (rpc_call(rpc, m, timeout_ms, &reply, err) < 0)
		return -1;
	if (reply.type == want) {
		*ret = reply;
		return 0;
	}
	bool refused = reply.type == AUTH_ERR;
	if (refused)
		msg_get_err(&reply, &said);
	refused = refused && msg_end(&reply) == 0 && said.class != ERR_NONE;
	msg_free(&reply);
	if (!refused)
		return bad_answer(err);
	if (err)
		*err = said;
	return -1;
}

static int ask_ok(struct rpc *rpc, struct msg *m, int64_t timeout_ms, struct err *err)
{
	_cleanup_msg_ struct msg reply = {0};

	if (ask(rpc, m, timeout_ms, AUTH_OK, &reply, err) < 0)
		return -1;
	return msg_end(&reply) < 0 ? bad_answer(err) : 0;
}

int auth_client_configure(struct rpc *rpc, const char *state, const char *key_file, const char *ca_file, const char *apps,
	struct err *err)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, AUTH_CONFIG, 0);
	msg_put_str(&m, state);
	msg_put_str(&m, key_file);
	msg_put_str(&m, ca_file);
	msg_put_str(&m, apps);
	return ask_ok(rpc, &m, QUICK_MS, err);
}

int auth_client_token(struct rpc *rpc, const char *connection, const char *subject, bool renew, struct buf *ret,
	int64_t *ret_expires_at, struct err *err)
{
	_cleanup_msg_ struct msg m, reply = {0};

	msg_init(&m, AUTH_TOKEN, 0);
	msg_put_str(&m, connection);
	msg_put_str(&m, subject ? subject : "");
	msg_put_u32(&m, renew);
	if (ask(rpc, &m, TOKEN_MS, AUTH_TOKEN_REPLY, &reply, err) < 0)
		return -1;
	const char *token = msg_get_str(&reply);
	int64_t expires_at = msg_get_i64(&reply);
	if (msg_end(&reply) < 0 || !token)
		return bad_answer(err);
	if (buf_adds(ret, token) < 0)
		return err_set(err, ERR_LOCAL, "memory", "no room for an access token");
	*ret_expires_at = expires_at;
	return 0;
}

int auth_client_put(struct rpc *rpc, const char *connection, const char *tenant, const char *provider, const char *grant,
	int n, const char *const *names, const int *fds, struct buf *ret_facts, struct err *err)
{
	_cleanup_msg_ struct msg m, reply = {0};
	bool fits = true;

	msg_init(&m, AUTH_PUT, 0);
	msg_put_str(&m, connection);
	msg_put_str(&m, tenant);
	msg_put_str(&m, provider);
	msg_put_str(&m, grant);
	msg_put_u32(&m, (uint32_t)n);
	for (int i = 0; i < n; i++) {
		msg_put_str(&m, names[i]);
		if (msg_put_fd(&m, fds[i]) < 0) {
			close(fds[i]);
			fits = false;
		}
	}
	if (!fits)
		return err_set(err, ERR_LOCAL, "bad_request", "more than %d files of secrets", MSG_MAX_FDS);
	if (ask(rpc, &m, QUICK_MS, AUTH_PUT_REPLY, &reply, err) < 0)
		return -1;
	const char *facts = msg_get_str(&reply);
	if (msg_end(&reply) < 0 || !facts)
		return bad_answer(err);
	return buf_adds(ret_facts, facts) < 0 ? err_set(err, ERR_LOCAL, "memory", "no room for a grant's facts") : 0;
}

static int about(struct rpc *rpc, uint32_t type, const char *connection, int64_t timeout_ms, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, type, 0);
	msg_put_str(&m, connection);
	return ask_ok(rpc, &m, timeout_ms, err);
}

int auth_client_forget(struct rpc *rpc, const char *connection, struct err *err)
{
	return about(rpc, AUTH_FORGET, connection, QUICK_MS, err);
}

int auth_client_revoke(struct rpc *rpc, const char *connection, struct err *err)
{
	return about(rpc, AUTH_REVOKE, connection, REVOKE_MS, err);
}

int auth_client_rename(struct rpc *rpc, const char *from, const char *to, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, AUTH_RENAME, 0);
	msg_put_str(&m, from);
	msg_put_str(&m, to);
	return ask_ok(rpc, &m, QUICK_MS, err);
}

int auth_client_list(struct rpc *rpc, struct arena *arena, struct auth_listed **ret, size_t *ret_n, struct err *err)
{
	_cleanup_msg_ struct msg m, reply = {0};

	msg_init(&m, AUTH_LIST, 0);
	if (ask(rpc, &m, QUICK_MS, AUTH_LIST_REPLY, &reply, err) < 0)
		return -1;
	uint32_t n = msg_get_u32(&reply);
	if (n > MSG_MAX / 2) /* an entry takes more than two bytes */
		return bad_answer(err);
	struct auth_listed *list = arena_alloc(arena, (n + 1) * sizeof(*list));
	if (!list)
		return err_set(err, ERR_LOCAL, "memory", "no room for the list of grants");
	for (uint32_t i = 0; i < n; i++) {
		const char *connection = msg_get_str(&reply);
		list[i].ends_at = msg_get_i64(&reply);
		list[i].connection = connection ? arena_dup(arena, connection) : NULL;
		if (!list[i].connection)
			return bad_answer(err);
	}
	if (msg_end(&reply) < 0)
		return bad_answer(err);
	*ret = list;
	*ret_n = n;
	return 0;
}


void auth_texts_free(struct auth_texts *t)
{
	msg_free(&t->msg);
	t->n = 0;
}

int auth_client_ask(struct rpc *rpc, enum auth_message type, int n, const char *const *texts, int fd, struct auth_texts *ret,
	struct err *err)
{
	_cleanup_msg_ struct msg m;
	struct auth_texts t = {0};

	msg_init(&m, type, 0);
	for (int i = 0; i < n; i++)
		msg_put_str(&m, texts[i]);
	if (fd >= 0)
		msg_put_fd(&m, fd);
	if (ask(rpc, &m, REVOKE_MS, AUTH_TEXT, &t.msg, err) < 0)
		return -1;
	uint32_t count = msg_get_u32(&t.msg);
	for (uint32_t i = 0; i < count && i < ARRAY_SIZE(t.text); i++)
		t.text[t.n++] = msg_get_str(&t.msg);
	bool whole = (size_t)t.n == count;
	for (int i = 0; i < t.n; i++)
		whole = whole && t.text[i];
	if (msg_end(&t.msg) < 0 || !whole) {
		auth_texts_free(&t);
		return bad_answer(err);
	}
	*ret = t;
	return 0;
}
