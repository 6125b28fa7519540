/* The auth role as core sees it: one blocking function a request of auth/auth.h. Any thread.
 *
 * rpc is the connection to the role. Errors: what the role answered; RETRY "peer_gone" or "peer_timeout"; REMOTE
 * "bad_answer". Access tokens are appended to a buffer of the caller's, who wipes it. */
#ifndef AUTH_CLIENT_H
#define AUTH_CLIENT_H

#include "auth/auth.h"
#include "base/buf.h"
#include "base/rpc.h"

/* Once, before anything else. key_file: NULL for the systemd credential, else STATE/key; ca_file: NULL for the system's.
 * Errors: LOCAL "key_missing", "wrong_key", "bad_key_file", "key_mode", "vault_corrupt", "disk_full", "system". */
int auth_client_configure(struct rpc *rpc, const char *state, const char *key_file, const char *ca_file, const char *apps,
	struct err *err);

/* subject: "" for the connection itself. renew: the last token was refused with 401. *ret_expires_at: ms UTC. */
int auth_client_token(struct rpc *rpc, const char *connection, const char *subject, bool renew, struct buf *ret,
	int64_t *ret_expires_at, struct err *err);

/* Checks and keeps a grant's secrets. fds: n descriptors (at most MSG_MAX_FDS), taken over and closed in any case.
 * ret_facts gets the public facts as a JSON object. */
int auth_client_put(struct rpc *rpc, const char *connection, const char *tenant, const char *provider, const char *grant,
	int n, const char *const *names, const int *fds, struct buf *ret_facts, struct err *err);

int auth_client_forget(struct rpc *rpc, const char *connection, struct err *err);
/* Errors: REMOTE "no_revocation", "not_revoked" (the provider said yes, and the grant works on). */
int auth_client_revoke(struct rpc *rpc, const char *connection, struct err *err);
int auth_client_rename(struct rpc *rpc, const char *from, const char *to, struct err *err);

struct auth_listed {
	const char *connection; /* in the arena */
	int64_t ends_at;        /* of the key or certificate; 0: not known, or never */
};

int auth_client_list(struct rpc *rpc, struct arena *arena, struct auth_listed **ret, size_t *ret_n, struct err *err);

/* The console's requests (auth.h): type, its n strings, at most one descriptor (taken; -1 none). *ret: the answer's strings, in
 * a buffer that is wiped with auth_texts_free(). Errors: what the role answered. */
struct auth_texts {
	struct msg msg; /* owns the strings */
	int n;
	const char *text[4];
};
int auth_client_ask(struct rpc *rpc, enum auth_message type, int n, const char *const *texts, int fd, struct auth_texts *ret,
	struct err *err);
void auth_texts_free(struct auth_texts *t);
#define AUTH_ASK(...) (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), (const char *const[]){__VA_ARGS__}

#endif
