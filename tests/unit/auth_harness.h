/* What the tests of the auth role share: a token address that behaves as badly as a test wants, the role behind its socket
 * (in a thread, or in a process that may be killed), and grants of all kinds for it. */
#ifndef TESTS_UNIT_AUTH_HARNESS_H
#define TESTS_UNIT_AUTH_HARNESS_H

#include "auth/client.h"
#include "tests/unit/auth_keys.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/net_server.h"

#include <pthread.h>

/* ---- the provider ---- */

enum behaviour { GIVE, FAIL_429, FAIL_500, HTML, REDIRECT, NO_TOKEN, REVOKED, JTI_ONCE, HANG, ODD_TOKEN };

struct provider {
	pthread_mutex_t lock;
	struct net_server *server;
	enum behaviour behaviour;
	int64_t clock_ms;  /* its clock ahead of ours */
	bool ignores_time; /* says it is the time, whatever comes */
	bool rotates, revoke_works;
	int delay_ms, life_s;
	int tokens, revokes;
	char refresh[64], jti[64], last_jti[64], revoked_token[64], revoked_bearer[128], agent[64];
};

extern struct provider p; /* under its lock once the role runs */

struct net_server *provider_server(void); /* another one of its kind */
void provider_behave(enum behaviour b);
int provider_asked(void);   /* requests for tokens so far */
int provider_revoked(void); /* calls to revoke */
void provider_clock(int64_t ahead_ms);
/* A copy of one of its texts; two at a time. */
const char *provider_seen(const char *text);

/* ---- the role ---- */

struct fixture {
	char dir[64];
	struct rpc *rpc;
	int fd; /* of rpc; lent */
	pthread_t thread;
	pid_t child;
};

/* Of a cmocka group and of each test. A test program's main() serves as the role when it is called with "--role". */
int role_make_keys(void **state);
int role_free_keys(void **state);
int role_setup(void **state); /* a provider, and a configured role */
int role_teardown(void **state);

void role_start(struct fixture *f);
void role_start_unconfigured(struct fixture *f);
/* In a process of its own that ends itself at a crash point ("name:1"). */
void role_start_child(struct fixture *f, const char *crash);
int role_stop(struct fixture *f); /* gives the child's status */

/* secrets: name, text, …, NULL */
#define S(...) ((const char *const[]){__VA_ARGS__, NULL})
int role_put_as(struct fixture *f, const char *id, const char *tenant, const char *provider, const char *grant,
	const char *const *secrets, struct buf *facts, struct err *err);
void role_put(struct fixture *f, const char *id, const char *tenant, const char *provider, const char *grant,
	const char *const *secrets);
/* path: before "/oauth2/token" */
void role_put_dropbox(struct fixture *f, const char *id, const char *path);
void role_put_microsoft(struct fixture *f); /* "m365" */
void role_put_google(struct fixture *f);    /* "google" */
void role_put_box(struct fixture *f);       /* "box" */

int role_token(struct fixture *f, const char *id, const char *subject, bool renew, char out[128], struct err *err);
/* The token that is wanted, or the test fails. */
void role_gives(struct fixture *f, const char *id, const char *subject, bool renew, const char *want);
/* The error that is wanted, or the test fails. */
struct err role_refuses(struct fixture *f, const char *id, enum err_class class, const char *code);

/* One thread that asks for a token. */
struct asker {
	struct fixture *f;
	const char *id;
	bool renew;
	pthread_t thread;
	char token[128];
	int result;
	int64_t took;
};
void *role_ask_main(void *arg);

#endif
