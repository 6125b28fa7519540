/* The console's commands against a real store and a real auth role: who may do what, signing in and its limits, links, the
 * audit trail. No web and no provider: those are in tests/scenarios and tests/browser. */
#include "auth/client.h"
#include "auth/role.h"
#include "base/encode.h"
#include "base/timeutil.h"
#include "core/console.h"
#include "store/fault.h"
#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD "correct horse battery staple"

struct fixture {
	struct core core;
	struct settings set;
	char dir[64];
	pthread_t auth;
	int auth_fd;
	struct arena *a;
};

static void *auth_main(void *arg)
{
	auth_role_serve(*(int *)arg);
	return NULL;
}

static int serve_nothing(void *ctx, struct rpc *rpc, struct msg *m)
{
	return -1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct rpc_ops ops = {.serve = serve_nothing};
	char where[128];
	struct rpc *rpc;
	struct err err = {0};
	int fds[2];

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/sekisho-console-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	memset(&f->set, 0, sizeof(f->set));
	snprintf(f->set.state, sizeof(f->set.state), "%s", f->dir);
	snprintf(f->set.language, sizeof(f->set.language), "ja");
	snprintf(f->set.apps, sizeof(f->set.apps), "{}");
	snprintf(f->set.sign_in, sizeof(f->set.sign_in), "[]");
	f->set.session_idle = 1800000;
	f->set.session_max = 12 * 3600000;
	f->core.set = &f->set;
	snprintf(where, sizeof(where), "sqlite:%s/store.db", f->dir);
	store_fault_install();
	store_fault_clear();
	assert_int_equal(store_open(where, false, "node", &f->core.store, &err), 0);
	wake_init(&f->core.wake);
	pthread_mutex_init(&f->core.live_lock, NULL);
	pthread_mutex_init(&f->core.info_lock, NULL);
	peer_init(&f->core.auth, "auth");
	peer_init(&f->core.scan, "scan");
	peer_init(&f->core.web, "web");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	f->auth_fd = fds[1];
	assert_int_equal(pthread_create(&f->auth, NULL, auth_main, &f->auth_fd), 0);
	assert_int_equal(rpc_new("auth", fds[0], &ops, NULL, &rpc, &err), 0);
	if (auth_client_configure(rpc, f->dir, NULL, NULL, "{}", &err) < 0)
		fail_msg("auth: %s", err.message);
	assert_int_equal(peer_publish(&f->core.auth, rpc, &err), 0);
	f->a = arena_new(64 << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];

	store_fault_clear();
	peer_end(&f->core.auth);
	pthread_join(f->auth, NULL);
	store_close(f->core.store);
	arena_free(f->a);
	static const char *const files[] = {"store.db", "store.db-wal", "store.db-shm", "store.db.lock", "vault.db", "vault.db-wal",
		"vault.db-shm", "key"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(command, sizeof(command), "%s/%s", f->dir, files[i]);
		unlink(command);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

/* ---- asking ---- */

struct answer {
	int code;
	struct err err;
	cJSON *result;
};

static void forget(struct answer *a)
{
	cJSON_Delete(a->result);
}
#define _cleanup_answer_ __attribute__((cleanup(forget)))

/* hash: of a session, "" none, NULL local. args: JSON. */
static struct answer ask(struct fixture *f, const char *hash, const char *address, const char *command, const char *args)
{
	struct answer a = {.result = cJSON_CreateObject()};
	struct console_session s;
	struct console_actor actor = {.session_hash = hash ? hash : "", .local = !hash, .uid = 1000, .address = address, .agent = "test"};
	_cleanup_json_ cJSON *doc = NULL;
	int fd = -1;

	if (json_parse(args, strlen(args), &doc, &a.err) < 0)
		fail_msg("%s: %s", args, a.err.message);
	if (hash && *hash && store_session_get(f->core.store, hash, time_now_ms(), f->a, &s, &a.err) == 0)
		actor.session = &s;
	err_clear(&a.err);
	a.code = console_run(&f->core, &actor, command, doc, a.result, &fd, &a.err);
	if (fd >= 0)
		close(fd);
	return a;
}

static const char *text(struct fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *text(struct fixture *f, const char *fmt, ...)
{
	char out[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, sizeof(out), fmt, ap);
	va_end(ap);
	return arena_dup(f->a, out);
}

/* A part of the answer, which must be there; kept in the arena. */
static const char *part(struct fixture *f, struct answer a, const char *key)
{
	if (a.code < 0)
		fail_msg("%s: %s", a.err.code, a.err.message);
	const char *s = json_str(a.result, key);
	if (!s)
		fail_msg("no '%s' in the answer", key);
	s = arena_dup(f->a, s);
	cJSON_Delete(a.result);
	return s;
}

static void fine(struct answer a)
{
	if (a.code < 0)
		fail_msg("%s: %s", a.err.code, a.err.message);
	cJSON_Delete(a.result);
}

static void refused(struct answer a, const char *code)
{
	if (a.code >= 0 || strcmp(a.err.code, code) != 0)
		fail_msg("wanted %s, got %d %s: %s", code, a.code, a.err.code, a.err.message);
	cJSON_Delete(a.result);
}

static const char *hash_of(struct fixture *f, const char *token)
{
	char hash[CONSOLE_HASH_LEN];

	console_hash(token, hash);
	return arena_dup(f->a, hash);
}

static const char *an_account(struct fixture *f, const char *login, const char *role, const char *tenants)
{
	const char *token = part(f, ask(f, NULL, "", "account_create", text(f,
		"{\"login\":\"%s\",\"name\":\"x\",\"role\":\"%s\",\"tenants\":%s}", login, role, tenants)), "token");

	fine(ask(f, "", "192.0.2.1", "password_set", text(f, "{\"token\":\"%s\",\"password\":\"" PASSWORD "\"}", token)));
	return token;
}

static struct answer sign_in(struct fixture *f, const char *login, const char *password, const char *address)
{
	return ask(f, "", address, "sign_in", text(f, "{\"login\":\"%s\",\"password\":\"%s\"}", login, password));
}

static const char *session(struct fixture *f, const char *login)
{
	return hash_of(f, part(f, sign_in(f, login, PASSWORD, "192.0.2.1"), "token"));
}

/* ---- the tests ---- */

#define FIRST "{\"token\":\"%s\",\"login\":\"Op@Sekisho.example\",\"name\":\"運用\",\"password\":\"%s\",\"language\":\"ja\"}"
#define ANSWER "{\"challenge\":\"%s\",\"code\":\"%s\"}"
#define NEW_PASSWORD "{\"token\":\"%s\",\"password\":\"" PASSWORD "\"}"

static void the_first_account_by_a_link(void **state)
{
	struct fixture *f = *state;
	const char *old = part(f, ask(f, NULL, "", "setup_link", "{}"), "token"), *token = part(f, ask(f, NULL, "", "setup_link", "{}"), "token");

	refused(ask(f, "", "192.0.2.1", "setup_link", "{}"), "forbidden");
	/* The newest link alone works, once, and not with a bad password. */
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, old, PASSWORD)), "bad_link");
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, "password1234")), "weak_password");
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, "123456789012")), "weak_password");
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, "abcabcabcabc")), "weak_password");
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, "short")), "weak_password");
	const char *hash = hash_of(f, part(f, ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, PASSWORD)), "token"));
	struct console_session s;
	assert_int_equal(store_session_get(f->core.store, hash, time_now_ms(), f->a, &s, NULL), 0);
	assert_int_equal(s.role, CONSOLE_OPERATOR);
	assert_string_equal(s.login, "op@sekisho.example");
	refused(ask(f, "", "192.0.2.1", "setup", text(f, FIRST, token, PASSWORD)), "bad_link");
	refused(ask(f, NULL, "", "setup_link", "{}"), "wrong_state");
}

static int64_t tries(struct fixture *f, const char *key)
{
	int64_t n = -1, last;

	assert_int_equal(store_failure_get(f->core.store, key, time_now_ms(), 86400000, &n, &last, NULL), 0);
	return n;
}

/* As if it had been tried so often just now. */
static void tried(struct fixture *f, const char *key, int times)
{
	while (times--)
		assert_int_equal(store_failure_add(f->core.store, key, time_now_ms(), 86400000, NULL, NULL), 0);
}

static void passwords_and_how_often_they_are_tried(void **state)
{
	struct fixture *f = *state;

	fine(ask(f, NULL, "", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"));
	an_account(f, "taro@aoba.example", "admin", "[\"aoba\"]");
	refused(sign_in(f, "nobody@aoba.example", PASSWORD, "192.0.2.9"), "bad_password");
	refused(sign_in(f, "taro@aoba.example", "wrong horse battery staple", "192.0.2.9"), "bad_password");
	fine(sign_in(f, "TARO@aoba.example", PASSWORD, "192.0.2.9"));
	/* Each wrong password is counted, for login and address together and for the address alone. */
	for (int i = 0; i < 3; i++)
		refused(sign_in(f, "taro@aoba.example", "wrong horse battery staple", "203.0.113.5"), "bad_password");
	assert_int_equal(tries(f, "taro@aoba.example|203.0.113.5"), 3);
	assert_int_equal(tries(f, "|203.0.113.5"), 3);
	/* Who guesses is slowed down; who knows the password is not locked out from elsewhere. */
	tried(f, "taro@aoba.example|203.0.113.5", 12);
	_cleanup_answer_ struct answer a = sign_in(f, "taro@aoba.example", PASSWORD, "203.0.113.5");
	assert_string_equal(a.err.code, "too_many");
	assert_in_range(a.err.retry_at - time_now_ms(), 600000, 900000);
	fine(sign_in(f, "taro@aoba.example", PASSWORD, "192.0.2.9"));
	assert_int_equal(tries(f, "taro@aoba.example|192.0.2.9"), 0);
	/* One customer's whole IPv6 network counts as one. */
	refused(sign_in(f, "taro@aoba.example", "x", "2001:db8:1:2::1"), "bad_password");
	refused(sign_in(f, "taro@aoba.example", "x", "2001:db8:1:2::2"), "bad_password");
	assert_int_equal(tries(f, "taro@aoba.example|2001:0db8:0001:0002::/64"), 2);
	tried(f, "taro@aoba.example|2001:0db8:0001:0002::/64", 13);
	refused(sign_in(f, "taro@aoba.example", PASSWORD, "2001:db8:1:2:ffff::1"), "too_many");
	fine(sign_in(f, "taro@aoba.example", PASSWORD, "2001:db8:1:3::1"));
	/* Whoever tries much from one address, whatever it is, is slowed down, too. */
	for (int i = 0; i < 2; i++)
		refused(ask(f, "", "198.51.100.7", "password_set", text(f, "{\"token\":\"guess-%d\",\"password\":\"" PASSWORD "\"}", i)), "bad_link");
	assert_int_equal(tries(f, "|198.51.100.7"), 2);
	tried(f, "|198.51.100.7", 60);
	refused(sign_in(f, "taro@aoba.example", PASSWORD, "198.51.100.7"), "too_many");
	refused(ask(f, "", "198.51.100.7", "invitation_open", "{\"token\":\"x\"}"), "too_many");
	/* The slowness itself is not counted: it ends. */
	assert_int_equal(tries(f, "|198.51.100.7"), 62);
}

static void sessions_are_new_and_end(void **state)
{
	struct fixture *f = *state;
	struct console_session s;

	an_account(f, "op@sekisho.example", "operator", "\"*\"");
	an_account(f, "desk@sekisho.example", "desk", "\"*\"");
	const char *one = session(f, "op@sekisho.example"), *two = session(f, "op@sekisho.example");
	/* A session that a browser brings along to a sign-in is ended by it: nobody can plant one. */
	const char *three = hash_of(f, part(f, ask(f, one, "192.0.2.1", "sign_in",
		"{\"login\":\"op@sekisho.example\",\"password\":\"" PASSWORD "\"}"), "token"));
	refused(ask(f, one, "192.0.2.1", "me_update", "{\"name\":\"x\"}"), "signed_out");
	fine(ask(f, three, "192.0.2.1", "me_update", "{\"name\":\"x\"}"));
	assert_int_equal(store_session_get(f->core.store, two, time_now_ms(), f->a, &s, NULL), 0);
	assert_true(s.idle_at - s.seen_at == 1800000 && s.ends_at - s.created_at == 12 * 3600000);
	fine(ask(f, three, "192.0.2.1", "session_revoke", text(f, "{\"id\":\"%s\"}", s.id)));
	refused(ask(f, two, "192.0.2.1", "sign_out", "{}"), "signed_out");
	/* Another person's is not there. */
	const char *desk = session(f, "desk@sekisho.example");
	assert_int_equal(store_session_get(f->core.store, desk, time_now_ms(), f->a, &s, NULL), 0);
	assert_int_equal(s.idle_at - s.seen_at, 8 * 3600000);
	refused(ask(f, three, "192.0.2.1", "session_revoke", text(f, "{\"id\":\"%s\"}", s.id)), "not_found");
	/* A new password ends the others and leaves this one. */
	const char *four = session(f, "op@sekisho.example");
	refused(ask(f, three, "192.0.2.1", "me_password", "{\"old\":\"wrong\",\"new\":\"another horse battery staple\"}"), "bad_password");
	refused(ask(f, three, "192.0.2.1", "me_password", "{\"old\":\"" PASSWORD "\",\"new\":\"qwertyuiop12\"}"), "weak_password");
	fine(ask(f, three, "192.0.2.1", "me_password", "{\"old\":\"" PASSWORD "\",\"new\":\"another horse battery staple\"}"));
	refused(ask(f, four, "192.0.2.1", "sign_out", "{}"), "signed_out");
	fine(ask(f, three, "192.0.2.1", "sign_out", "{}"));
	refused(ask(f, three, "192.0.2.1", "sign_out", "{}"), "signed_out");
	refused(sign_in(f, "op@sekisho.example", PASSWORD, "192.0.2.1"), "bad_password");
	/* Disabled is out at once, and does not come in again. */
	struct console_account a;
	assert_int_equal(store_account_by_login(f->core.store, "desk@sekisho.example", f->a, &a, NULL), 0);
	fine(ask(f, NULL, "", "account_update", text(f, "{\"id\":\"%s\",\"disabled\":true}", a.id)));
	refused(ask(f, desk, "192.0.2.1", "session_touch", "{}"), "signed_out");
	refused(sign_in(f, "desk@sekisho.example", PASSWORD, "192.0.2.1"), "bad_password");
	assert_int_equal(store_account_by_login(f->core.store, "op@sekisho.example", f->a, &a, NULL), 0);
	refused(ask(f, NULL, "", "account_update", text(f, "{\"id\":\"%s\",\"disabled\":true}", a.id)), "last_operator");
}

/* RFC 6238 as an authenticator does it, to have codes: SHA-1, 30 s, 6 digits. */
static const char *totp_code(struct fixture *f, const char *secret, int64_t at_ms);

static void second_factors(void **state)
{
	struct fixture *f = *state;

	an_account(f, "op@sekisho.example", "operator", "\"*\"");
	const char *in = session(f, "op@sekisho.example");
	refused(ask(f, in, "192.0.2.1", "totp_begin", "{\"password\":\"wrong\"}"), "bad_password");
	_cleanup_answer_ struct answer begun = ask(f, in, "192.0.2.1", "totp_begin", "{\"password\":\"" PASSWORD "\"}");
	assert_int_equal(begun.code, 0);
	const char *secret = json_str(begun.result, "secret");
	assert_non_null(strstr(json_str(begun.result, "url"), "otpauth://totp/"));
	refused(ask(f, in, "192.0.2.1", "totp_confirm", "{\"code\":\"000000\"}"), "bad_code");
	const char *code = totp_code(f, secret, time_now_ms());
	_cleanup_answer_ struct answer on = ask(f, in, "192.0.2.1", "totp_confirm", text(f, "{\"code\":\"%s\"}", code));
	assert_int_equal(on.code, 0);
	assert_int_equal(cJSON_GetArraySize(json_array(on.result, "recovery")), 10);
	const char *recovery = cJSON_GetStringValue(cJSON_GetArrayItem(json_array(on.result, "recovery"), 3));
	/* The password alone gives a challenge and no session. */
	const char *challenge = part(f, sign_in(f, "op@sekisho.example", PASSWORD, "192.0.2.1"), "challenge");
	/* The code that turned it on was used. */
	refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, code)), "bad_code");
	const char *next = totp_code(f, secret, time_now_ms() + 30000);
	fine(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, next)));
	refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, next)), "bad_link");
	challenge = part(f, sign_in(f, "op@sekisho.example", PASSWORD, "192.0.2.1"), "challenge");
	refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, next)), "bad_code");
	const char *again = hash_of(f, part(f, ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, recovery)), "token"));
	challenge = part(f, sign_in(f, "op@sekisho.example", PASSWORD, "192.0.2.1"), "challenge");
	refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, recovery)), "bad_code");
	/* Five tries at one challenge. */
	for (int i = 0; i < 4; i++)
		refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, "000000")), "bad_code");
	refused(ask(f, "", "192.0.2.1", "sign_in_totp", text(f, ANSWER, challenge, "000000")), "bad_link");
	fine(ask(f, again, "192.0.2.1", "totp_remove", "{\"password\":\"" PASSWORD "\"}"));
	session(f, "op@sekisho.example");
}

static void links_to_passwords_and_invitations(void **state)
{
	struct fixture *f = *state;

	fine(ask(f, NULL, "", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"));
	refused(ask(f, NULL, "", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"), "exists");
	refused(ask(f, NULL, "", "tenant_create", "{\"id\":\"a|b\",\"name\":\"青葉\"}"), "bad_request");
	refused(ask(f, NULL, "", "invitation_create", "{\"tenant\":\"nope\"}"), "not_found");
	_cleanup_answer_ struct answer i = ask(f, NULL, "", "invitation_create", "{\"tenant\":\"aoba\",\"name\":\"花子\"}");
	assert_int_equal(i.code, 0);
	const char *open = text(f, "{\"token\":\"%s\"}", json_str(i.result, "token"));
	const char *hash = hash_of(f, part(f, ask(f, "", "192.0.2.1", "invitation_open", open), "token"));
	refused(ask(f, "", "192.0.2.1", "invitation_open", open), "bad_link");
	/* It leads through connecting, and to nothing else. */
	refused(ask(f, hash, "192.0.2.1", "flow_begin", "{\"tenant\":\"nope\",\"provider\":\"box\",\"method\":\"config\"}"), "not_found");
	fine(ask(f, hash, "192.0.2.1", "flow_begin", "{\"tenant\":\"aoba\",\"provider\":\"box\",\"method\":\"config\"}"));
	refused(ask(f, hash, "192.0.2.1", "me_update", "{\"name\":\"x\"}"), "forbidden");
	refused(ask(f, hash, "192.0.2.1", "invitation_create", "{\"tenant\":\"aoba\"}"), "forbidden");
	fine(ask(f, NULL, "", "invitation_revoke", text(f, "{\"id\":\"%s\"}", json_str(i.result, "id"))));
	refused(ask(f, hash, "192.0.2.1", "session_touch", "{}"), "signed_out");
	/* A reset makes the link before it worthless. */
	const char *first = part(f, ask(f, NULL, "", "account_create",
		"{\"login\":\"a@x\",\"name\":\"x\",\"role\":\"auditor\",\"tenants\":[\"aoba\"]}"), "token");
	struct console_account a;
	assert_int_equal(store_account_by_login(f->core.store, "a@x", f->a, &a, NULL), 0);
	const char *second = part(f, ask(f, NULL, "", "account_reset", text(f, "{\"id\":\"%s\"}", a.id)), "token");
	refused(ask(f, "", "192.0.2.1", "password_set", text(f, NEW_PASSWORD, first)), "bad_link");
	fine(ask(f, "", "192.0.2.1", "password_set", text(f, NEW_PASSWORD, second)));
	refused(ask(f, "", "192.0.2.1", "password_set", text(f, NEW_PASSWORD, second)), "bad_link");
}

/* Each command, by whom: 'y' the rights let it through (whatever else it then finds wrong), 'f' forbidden, 'n' not there, 's' signed
 * out. In order: nobody, invited of aoba, auditor, desk and admin of aoba, operator; then desk and admin of sora. */
static const struct {
	const char *command, *args, *who;
} rights[] = {
	{"me_update", "{\"name\":\"x\"}", "sfyyyyyy"},
	{"session_revoke", "{\"id\":\"x\"}", "sfyyyyyy"},
	{"sessions_revoke", "{}", "sfyyyyyy"},
	{"me_password", "{}", "sfyyyyyy"},
	{"totp_begin", "{}", "sfyyyyyy"},
	{"totp_confirm", "{}", "sfyyyyyy"},
	{"totp_remove", "{}", "sfyyyyyy"},
	{"account_create", "{}", "sffffyff"},
	{"account_update", "{\"id\":\"x\"}", "sffffyff"},
	{"account_reset", "{\"id\":\"x\"}", "sffffyff"},
	{"tenant_create", "{}", "sffffyff"},
	{"tenant_update", "{\"id\":\"aoba\"}", "sffffyff"},
	{"invitation_create", "{\"tenant\":\"aoba\"}", "sffffyff"},
	{"invitation_revoke", "{\"id\":\"INVITATION\"}", "sffffyff"},
	{"flow_begin", "{\"tenant\":\"aoba\",\"provider\":\"x\"}", "syffyyfn"},
	{"flow_submit", "{\"flow\":\"FLOW\"}", "syffyyfn"},
	{"flow_callback", "{\"provider\":\"box\"}", "syffyyfy"},
	{"flow_check", "{\"flow\":\"FLOW\"}", "syffyyfn"},
	{"flow_finish", "{\"flow\":\"FLOW\"}", "syffyyfn"},
	{"flow_test", "{\"flow\":\"FLOW\"}", "syffyyfn"},
	{"flow_file", "{\"flow\":\"FLOW\",\"name\":\"x\"}", "syffyyfn"},
	{"connection_update", "{\"id\":\"aoba-box\",\"protect\":1}", "sfffyyfn"},
	{"connection_check", "{\"id\":\"aoba-box\"}", "sfffyyfn"},
	{"restore", "{\"id\":\"FINDING\"}", "sffyyynn"},
	{"delete", "{\"id\":\"FINDING\"}", "sffyyynn"},
	{"download", "{\"id\":\"FINDING\"}", "sffyyynn"},
	{"finding_show", "{\"id\":\"FINDING\"}", "sfyyyynn"},
	{"alert_ack", "{\"id\":\"ALERT\"}", "sffyyynn"},
	{"disconnect", "{\"id\":\"aoba-box\"}", "sfffyyfn"},
	{"setup_link", "{}", "ffffffff"},
	{"no_such", "{}", "uuuuuuuu"},
};

static void put_connection(struct fixture *f, const char *id, const char *tenant)
{
	const struct store_connection c = {.id = id, .tenant = tenant, .provider = "box", .services = 2,
		.config = text(f, "{\"id\":\"%s\",\"tenant\":\"%s\",\"provider\":\"box\",\"services\":2,\"endpoints\":{\"api\":\"http://127.0.0.1:9\",\"upload\":\"http://127.0.0.1:9\"}}", id, tenant),
		.grant = "{\"type\":\"jwt\"}", .state = CONN_CONNECTED, .created_at = time_now_ms()};

	assert_int_equal(store_connection_put(f->core.store, &c, NULL), 0);
}

static const char *replaced(struct fixture *f, const char *s, const char *word, const char *by)
{
	const char *at = strstr(s, word);

	return at ? text(f, "%.*s%s%s", (int)(at - s), s, by, at + strlen(word)) : s;
}

static void role_by_command_by_tenant(void **state)
{
	struct fixture *f = *state;
	const char *hashes[8] = {""};
	struct err err;
	struct http_options options = {.user_agent = "test"};

	assert_int_equal(http_new(&options, &f->core.http, &err), 0);
	fine(ask(f, NULL, "", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"));
	fine(ask(f, NULL, "", "tenant_create", "{\"id\":\"sora\",\"name\":\"空\"}"));
	hashes[1] = hash_of(f, part(f, ask(f, "", "192.0.2.1", "invitation_open", text(f, "{\"token\":\"%s\"}",
		part(f, ask(f, NULL, "", "invitation_create", "{\"tenant\":\"aoba\"}"), "token"))), "token"));
	an_account(f, "auditor@aoba", "auditor", "[\"aoba\"]");
	an_account(f, "desk@aoba", "desk", "[\"aoba\"]");
	an_account(f, "admin@aoba", "admin", "[\"aoba\"]");
	an_account(f, "op@sekisho", "operator", "[]");
	an_account(f, "desk@sora", "desk", "[\"sora\"]");
	an_account(f, "admin@sora", "admin", "[\"sora\"]");
	hashes[2] = session(f, "auditor@aoba");
	hashes[3] = session(f, "desk@aoba");
	hashes[4] = session(f, "admin@aoba");
	hashes[5] = session(f, "op@sekisho");
	hashes[6] = session(f, "desk@sora");
	hashes[7] = session(f, "admin@sora");
	put_connection(f, "aoba-box", "aoba");
	const struct store_finding finding = {.uid = "F-AOBA", .tenant = "aoba", .connection = "aoba-box", .provider = "box", .verdict = "threat",
		.action_kind = "quarantine", .verdict_at = 1};
	const struct store_event e = {"e1", "{}"};
	assert_int_equal(store_finding_test(f->core.store, &finding, &e, &err), 0);
	const struct console_alert alert = {.uid = "A-AOBA", .key = "state/aoba-box", .tenant = "aoba", .connection = "aoba-box", .kind = "revoked",
		.severity = 4, .created_at = 1};
	assert_int_equal(store_alert_raise(f->core.store, &alert, NULL, NULL, &err), 0);
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		for (int who = 0; who < 8; who++) {
			/* Each gets its own: what the one before did may have used it up. */
			char id[37];
			uuid_new(id);
			const struct console_flow flow = {.id = id, .tenant = "aoba", .provider = "box", .method = "config", .session = "x",
				.step = "paste", .created_at = time_now_ms(), .updated_at = time_now_ms(), .ends_at = time_now_ms() + 3600000};
			assert_int_equal(store_flow_put(f->core.store, &flow, &err), 0);
			const char *args = replaced(f, replaced(f, replaced(f, rights[i].args, "FLOW", id), "FINDING", "F-AOBA"), "ALERT", "A-AOBA");
			if (strstr(args, "INVITATION")) {
				_cleanup_answer_ struct answer v = ask(f, NULL, "", "invitation_create", "{\"tenant\":\"aoba\"}");
				args = replaced(f, args, "INVITATION", json_str(v.result, "id"));
			}
			_cleanup_answer_ struct answer a = ask(f, hashes[who], "192.0.2.1", rights[i].command, args);
			const char *code = a.code < 0 ? a.err.code : "";
			bool status = a.err.http_status != 0;
			char got = strcmp(code, "signed_out") == 0 ? 's' : strcmp(code, "forbidden") == 0 && !status ? 'f' :
				strcmp(code, "unknown_command") == 0 ? 'u' :
				strcmp(code, "not_found") == 0 && strstr(a.err.message, "nothing of that name") ? 'n' : 'y';
			if (got != rights[i].who[who])
				fail_msg("%s by %d: wanted %c, got %c (%s: %s)", rights[i].command, who, rights[i].who[who], got, code, a.err.message);
		}
	}
	http_free(f->core.http);
}

static int64_t rows(struct fixture *f, const char *act, const char *phase)
{
	const struct audit_filter filter = {.act = act, .max = 200};
	struct console_audit *list;
	int64_t found = 0;
	size_t n;

	assert_int_equal(store_audit_list(f->core.store, &filter, f->a, &list, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		found += strcmp(list[i].phase, phase) == 0;
		assert_null(strstr(list[i].detail, PASSWORD));
	}
	return found;
}

static void no_row_no_act(void **state)
{
	struct fixture *f = *state;
	struct audit_check check;
	struct console_tenant t;
	struct err err;

	an_account(f, "op@sekisho.example", "operator", "\"*\"");
	const char *in = session(f, "op@sekisho.example");
	fine(ask(f, in, "192.0.2.1", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"));
	assert_int_equal(rows(f, "tenant_create", "intent"), 1);
	assert_int_equal(rows(f, "tenant_create", "done"), 1);
	refused(ask(f, in, "192.0.2.1", "tenant_create", "{\"id\":\"aoba\",\"name\":\"青葉\"}"), "exists");
	assert_int_equal(rows(f, "tenant_create", "failed"), 1);
	refused(ask(f, in, "192.0.2.1", "me_password", "{\"old\":\"x" PASSWORD "\",\"new\":\"" PASSWORD "\"}"), "bad_password");
	assert_int_equal(rows(f, "me_password", "failed"), 1);
	/* On a disk that is full nothing is done; and when it can be written again, it is. */
	store_fault_disk_full(1);
	_cleanup_answer_ struct answer a = ask(f, in, "192.0.2.1", "tenant_create", "{\"id\":\"sora\",\"name\":\"空\"}");
	assert_true(a.code < 0);
	assert_string_equal(a.err.code, "disk_full");
	assert_non_null(strstr(a.err.message, "it was not done, because the audit trail cannot be written"));
	assert_int_equal(store_tenant_get(f->core.store, "sora", f->a, &t, &err), -1);
	store_fault_clear();
	assert_int_equal(rows(f, "tenant_create", "intent"), 2);
	fine(ask(f, in, "192.0.2.1", "tenant_create", "{\"id\":\"sora\",\"name\":\"空\"}"));
	/* From each write on: an act that happened has its intent. */
	for (int n = 1; n <= 12; n++) {
		const char *id = text(f, "t%d", n);
		int64_t before = rows(f, "tenant_create", "intent");
		store_fault_disk_full(n);
		struct answer one = ask(f, in, "192.0.2.1", "tenant_create", text(f, "{\"id\":\"%s\",\"name\":\"x\"}", id));
		store_fault_clear();
		forget(&one);
		bool there = store_tenant_get(f->core.store, id, f->a, &t, &err) == 0;
		if (there)
			assert_int_equal(rows(f, "tenant_create", "intent"), before + 1);
	}
	assert_int_equal(store_audit_verify(f->core.store, NULL, &check, &err), 0);
	assert_null(check.what);
}

static struct console_alert *open_alerts(struct fixture *f, size_t *ret_n)
{
	const struct alert_filter filter = {.open = true, .max = 50};
	struct console_alert *list;

	assert_int_equal(store_alert_list(f->core.store, &filter, f->a, &list, ret_n, NULL), 0);
	return list;
}

static size_t events(struct fixture *f)
{
	struct store_outbox *list;
	size_t n;

	assert_int_equal(store_event_list(f->core.store, 0, 100, f->a, &list, &n, NULL), 0);
	return n;
}

/* Each step once, however often it is looked at; a new end is the end of the alert. */
static void the_end_of_a_grant_is_counted_down(void **state)
{
	static const struct {
		int64_t hours; /* left */
		int severity;  /* 0: no alert */
		size_t events; /* in all */
	} steps[] = {{31 * 24, 0, 0}, {30 * 24, 2, 1}, {29 * 24, 2, 1}, {8 * 24, 2, 1}, {7 * 24, 3, 2}, {2 * 24, 3, 2}, {24, 4, 3}, {2, 4, 3},
		{0, 5, 4}, {-48, 5, 4}, {300 * 24, 0, 5}, {299 * 24, 0, 5}};
	struct fixture *f = *state;
	const struct connection_config k = {.id = "aoba-box", .tenant = "aoba", .provider = "box"};
	int64_t now = time_now_ms();
	size_t n;

	put_connection(f, "aoba-box", "aoba");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (int again = 0; again < 2; again++)
			watch_end(&f->core, &k, now + steps[i].hours * 3600000, now);
		const struct console_alert *a = open_alerts(f, &n);
		assert_int_equal(n, steps[i].severity ? 1 : 0);
		if (n) {
			assert_int_equal(a->severity, steps[i].severity);
			assert_string_equal(a->kind, steps[i].hours > 0 ? "ends" : "expired");
		}
		assert_int_equal(events(f), steps[i].events);
	}
	watch_end(&f->core, &k, 0, now);
	assert_int_equal(events(f), 5);
}

static void a_silent_feed_is_an_alert(void **state)
{
	struct fixture *f = *state;
	const struct connection_config k = {.id = "aoba-box", .tenant = "aoba", .provider = "box"};
	const struct store_stream streams[] = {{.remote_id = "1", .service = "box", .owner = "taro", .name = "All files", .state = STREAM_ACTIVE},
		{.remote_id = "2", .service = "box", .owner = "hana", .name = "All files", .state = STREAM_FORBIDDEN}};
	int64_t now = time_now_ms();
	size_t n;

	f->set.canary = 3600000;
	f->set.poll_slow = 300000;
	f->set.poll_least = 86400000;
	put_connection(f, "aoba-box", "aoba");
	assert_int_equal(store_stream_sync(f->core.store, "aoba-box", 1, streams, 2, now, NULL), 0);
	watch_silence(&f->core, &k, now + 3599000);
	open_alerts(f, &n);
	assert_int_equal(n, 0);
	watch_silence(&f->core, &k, now + 3700000);
	watch_silence(&f->core, &k, now + 7200000);
	const struct console_alert *a = open_alerts(f, &n);
	assert_int_equal(n, 1);
	assert_string_equal(a->kind, "silent");
	assert_non_null(strstr(a->detail, "\"streams\":1"));
	assert_int_equal(events(f), 1);
	/* It speaks again. */
	struct store_stream t;
	assert_int_equal(store_stream_claim(f->core.store, now, now + 1000, f->a, &t, NULL, NULL), 0);
	const struct store_page page = {.stream = t.id, .cursor = "c", .release = true, .next_due = now, .now = now + 7200000};
	assert_int_equal(store_page_commit(f->core.store, &page, NULL, NULL), 0);
	watch_silence(&f->core, &k, now + 7300000);
	open_alerts(f, &n);
	assert_int_equal(n, 0);
	assert_int_equal(events(f), 2);
}

/* ---- an authenticator ---- */

static size_t base32(const char *s, unsigned char *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint64_t bits = 0;
	int have = 0;
	size_t n = 0;

	for (; *s && strchr(alphabet, *s); s++) {
		bits = bits << 5 | (uint64_t)(strchr(alphabet, *s) - alphabet);
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	return n;
}

#include <openssl/hmac.h>

static const char *totp_code(struct fixture *f, const char *secret, int64_t at_ms)
{
	unsigned char key[128], counter[8], mac[64];
	uint64_t step = (uint64_t)(at_ms / 30000);
	unsigned len = 0;

	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)step;
	assert_non_null(HMAC(EVP_sha1(), key, (int)base32(secret, key), counter, 8, mac, &len));
	unsigned at = mac[len - 1] & 15;
	unsigned value = (unsigned)(mac[at] & 0x7f) << 24 | (unsigned)mac[at + 1] << 16 | (unsigned)mac[at + 2] << 8 | mac[at + 3];
	return text(f, "%06u", value % 1000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(the_first_account_by_a_link), TEST(passwords_and_how_often_they_are_tried),
		TEST(sessions_are_new_and_end), TEST(second_factors), TEST(links_to_passwords_and_invitations),
		TEST(role_by_command_by_tenant), TEST(no_row_no_act), TEST(the_end_of_a_grant_is_counted_down),
		TEST(a_silent_feed_is_an_alert)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
