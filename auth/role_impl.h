/* Inside of the auth role: its state and its requests, shared by role.c and role_console.c; nobody else includes it. */
#ifndef AUTH_ROLE_IMPL_H
#define AUTH_ROLE_IMPL_H

#include "auth/apps.h"
#include "auth/code.h"
#include "auth/pool.h"
#include "auth/renew.h"
#include "auth/request.h"
#include "auth/tokens.h"
#include "base/rpc.h"

#include <pthread.h>

struct role {
	struct rpc *rpc;
	struct pool *desk, *pool, *slow; /* slow: one thread, for what takes much memory or processor time */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool gone;  /* lock */
	bool ready; /* lock: what follows is there, and stays until the end */
	char state[600], key_path[600]; /* key_path: of the key-encryption key */
	bool key_ours;                  /* another may be put in its place */
	struct apps *apps;
	struct pendings *pendings;
	struct oidc *oidc;
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

/* What the console asks: which of them, or NULL; and where it runs. */
int (*auth_console_handler(const struct role *role, enum auth_message type, struct pool **ret_where))(struct task *task,
	struct msg *reply, struct err *err);
int auth_put(struct task *task, struct msg *reply, struct err *err);
/* A connection's secrets came or went: what is remembered of it is forgotten and learnt anew. */
void grant_changed(struct role *role, const char *connection);

#endif
