/* See kept.h. */
#include "core/kept.h"

#include "auth/client.h"
#include "base/encode.h"

#include <string.h>

#define PREFIX "kept:"

static int ask(struct core *c, enum auth_message type, int n, const char *const *texts, struct auth_texts *ret, struct err *err)
{
	struct peer_link *auth = peer_get(&c->auth, 10000);

	if (!auth)
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	int r = auth_client_ask(auth->rpc, type, n, texts, -1, ret, err);
	peer_put(auth);
	return r;
}

static const char *id_of(const char *name)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 ? name + sizeof(PREFIX) - 1 : NULL;
}

int kept_put(struct core *c, const char *tenant, const char *secret, struct arena *a, const char **ret_name, struct err *err)
{
	_cleanup_(auth_texts_free) struct auth_texts t = {0};
	char id[37];

	uuid_new(id);
	const char *name = arena_printf(a, PREFIX "%s", id);
	if (!name)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (ask(c, AUTH_KEEP, AUTH_ASK(id, tenant, secret), &t, err) < 0)
		return -1;
	*ret_name = name;
	return 0;
}

int kept_get(struct core *c, const char *name, struct buf *ret, struct err *err)
{
	_cleanup_(auth_texts_free) struct auth_texts t = {0};
	const char *id = id_of(name);

	if (!id)
		return err_set(err, ERR_GONE, "no_grant", "this is no name of a kept password");
	if (ask(c, AUTH_KEPT, AUTH_ASK(id), &t, err) < 0)
		return -1;
	return t.n == 1 && buf_adds(ret, t.text[0]) == 0 ? 0 : err_set(err, ERR_REMOTE, "bad_answer", "auth sent no text");
}

int kept_forget(struct core *c, const char *name, struct err *err)
{
	_cleanup_(auth_texts_free) struct auth_texts t = {0};
	const char *id = id_of(name);

	return id ? ask(c, AUTH_UNKEEP, AUTH_ASK(id), &t, err) : 0;
}
