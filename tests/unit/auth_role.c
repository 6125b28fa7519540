/* The whole auth role behind its socket, against a token address that the test makes behave as badly as it wants.
 * Run with "--role" it is the role itself, in a process that may be killed. */
#include "auth/role.h"

#include "auth/client.h"
#include "tests/unit/auth_keys.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/net_server.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

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

static char *key_pem, *certificate_pem, *encrypted_pem;
static struct provider p;

static void http_date(int64_t ms, char *out, size_t size)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, size, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
}

static void field(const struct net_request *req, const char *key, char *out, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);

	form_get(buf_str(&req->body), key, &b);
	snprintf(out, size, "%s", buf_str(&b));
}

/* The claims of the assertion in that field; NULL when there is none. */
static cJSON *claims_of(const struct net_request *req, const char *key)
{
	_cleanup_buf_ struct buf jwt = BUF_INIT(65536), text = BUF_INIT(65536);
	cJSON *doc = NULL;

	if (form_get(buf_str(&req->body), key, &jwt) < 0)
		return NULL;
	const char *dot = strchr(buf_str(&jwt), '.');
	size_t len = dot ? strcspn(dot + 1, ".") : 0;
	if (!dot || base64_decode(&text, dot + 1, len) < 0 || json_parse(buf_str(&text), text.len, &doc, NULL) < 0)
		return NULL;
	return doc;
}

/* As the three providers judge times; NULL, or the error's body. */
static const char *time_error(const cJSON *claims, const char *target)
{
	int64_t now = (time_now_ms() + p.clock_ms) / 1000, exp = json_int64_or(claims, "exp", 0), iat = json_int64_or(claims, "iat", 0);

	if (strstr(target, "/box/") && (p.ignores_time || exp <= now || exp > now + 60))
		return "{\"error\":\"invalid_grant\",\"error_description\":\"Please check the 'exp' claim.\"}";
	if (strstr(target, "/google/") && (p.ignores_time || exp <= now || iat > now + 300))
		return "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a short-lived token\"}";
	if (strstr(target, "/ms/") && (p.ignores_time || exp < now - 300 || json_int64_or(claims, "nbf", 0) > now + 300))
		return "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700024: times\",\"error_codes\":[700024]}";
	return NULL;
}

static bool give(const struct net_request *req, int fd, const char *date)
{
	char body[512], refresh[128], rotated[96] = "";
	_cleanup_json_ cJSON *claims = claims_of(req, "assertion");

	if (!claims)
		claims = claims_of(req, "client_assertion");
	const char *wrong = claims ? time_error(claims, req->target) : NULL;
	snprintf(p.last_jti, sizeof(p.last_jti), "%s", p.jti);
	snprintf(p.jti, sizeof(p.jti), "%s", claims ? json_str_or(claims, "jti", "") : "");
	if (!wrong && p.behaviour == JTI_ONCE) {
		p.behaviour = GIVE;
		wrong = "{\"error\":\"invalid_grant\",\"error_description\":\"Please check the 'jti' claim.\"}";
	}
	field(req, "refresh_token", refresh, sizeof(refresh));
	if (!wrong && p.refresh[0] && refresh[0] && strcmp(refresh, p.refresh) != 0)
		wrong = "{\"error\":\"invalid_grant\",\"error_description\":\"refresh token is malformed\"}";
	if (wrong) {
		net_answers(fd, "400 Bad Request", date, wrong);
		return true;
	}
	if (p.rotates && refresh[0]) {
		random_hex(p.refresh, 8);
		snprintf(rotated, sizeof(rotated), ",\"refresh_token\":\"%s\"", p.refresh);
	}
	snprintf(body, sizeof(body), "{\"access_token\":\"token-%d-%.40s\",\"token_type\":\"Bearer\",\"expires_in\":%d%s}", p.tokens,
		claims ? json_str_or(claims, "sub", "") : "", p.life_s, rotated);
	net_answers(fd, "200 OK", date, body);
	return true;
}

static bool revoke_call(const struct net_request *req, int fd)
{
	p.revokes++;
	field(req, "token", p.revoked_token, sizeof(p.revoked_token));
	net_request_header(req, "Authorization", p.revoked_bearer, sizeof(p.revoked_bearer));
	if (p.revoke_works)
		p.behaviour = REVOKED;
	net_answers(fd, "200 OK", NULL, "null");
	return true;
}

static bool serve(void *ctx, const struct net_request *req, int fd)
{
	char date[64];

	if (strstr(req->target, "/hang")) {
		sleep(4);
		return false;
	}
	pthread_mutex_lock(&p.lock);
	int delay = p.delay_ms;
	pthread_mutex_unlock(&p.lock);
	if (delay)
		usleep((useconds_t)delay * 1000);
	pthread_mutex_lock(&p.lock);
	bool keep = true;
	http_date(time_now_ms() + p.clock_ms, date, sizeof(date));
	net_request_header(req, "User-Agent", p.agent, sizeof(p.agent));
	if (strstr(req->target, "revoke")) {
		keep = revoke_call(req, fd);
		pthread_mutex_unlock(&p.lock);
		return keep;
	}
	p.tokens++;
	switch (p.behaviour) {
	case FAIL_429:
		net_answers(fd, "429 Too Many Requests", "Retry-After: 60\r\n", "{}");
		break;
	case FAIL_500:
		net_answers(fd, "500 Oh", date, "{}");
		break;
	case HTML:
		net_answers(fd, "200 OK", "Content-Type: text/html\r\n", "<html>sign in to the hotel's network</html>");
		break;
	case REDIRECT:
		net_answers(fd, "302 Found", "Location: http://127.0.0.1:1/steal\r\n", "");
		break;
	case NO_TOKEN:
		net_answers(fd, "200 OK", date, "{\"token_type\":\"Bearer\"}");
		break;
	case ODD_TOKEN:
		net_answers(fd, "200 OK", date, "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":3600}");
		break;
	case REVOKED:
		net_answers(fd, "400 Bad Request", date, "{\"error\":\"invalid_grant\",\"error_description\":\"refresh token is invalid or revoked\"}");
		break;
	case HANG:
		keep = false;
		break;
	default:
		keep = give(req, fd, date);
	}
	pthread_mutex_unlock(&p.lock);
	return keep;
}

static void behave(enum behaviour b)
{
	pthread_mutex_lock(&p.lock);
	p.behaviour = b;
	pthread_mutex_unlock(&p.lock);
}

static int asked(void)
{
	pthread_mutex_lock(&p.lock);
	int n = p.tokens;
	pthread_mutex_unlock(&p.lock);
	return n;
}

/* A copy of one of the provider's texts; two at a time. */
static const char *seen(const char *text)
{
	static char copies[2][128];
	static int next;

	next = !next;
	pthread_mutex_lock(&p.lock);
	snprintf(copies[next], sizeof(copies[0]), "%s", text);
	pthread_mutex_unlock(&p.lock);
	return copies[next];
}

static int revoked(void)
{
	pthread_mutex_lock(&p.lock);
	int n = p.revokes;
	pthread_mutex_unlock(&p.lock);
	return n;
}

static void set_clock(int64_t ahead_ms)
{
	pthread_mutex_lock(&p.lock);
	p.clock_ms = ahead_ms;
	pthread_mutex_unlock(&p.lock);
}

/* ---- the role ---- */

struct fixture {
	char dir[64];
	struct rpc *rpc;
	int fd; /* of rpc; lent */
	pthread_t thread;
	pid_t child;
};

static int no_requests(void *ctx, struct rpc *rpc, struct msg *m)
{
	return -1;
}

static void *role_main(void *arg)
{
	auth_role_serve((int)(intptr_t)arg);
	return NULL;
}

static void connect_role(struct fixture *f, int fd)
{
	static const struct rpc_ops ops = {.serve = no_requests};

	f->fd = fd;
	assert_int_equal(rpc_new("auth", fd, &ops, NULL, &f->rpc, NULL), 0);
}

static void start_unconfigured(struct fixture *f)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, role_main, (void *)(intptr_t)fds[1]), 0);
	f->child = 0;
	connect_role(f, fds[0]);
}

static void start(struct fixture *f)
{
	struct err err;

	start_unconfigured(f);
	if (auth_client_configure(f->rpc, f->dir, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

/* In a process of its own that ends itself at a crash point. */
static void start_child(struct fixture *f, const char *crash)
{
	posix_spawn_file_actions_t actions;
	char exe[] = "/proc/self/exe", arg[] = "--role";
	char *const argv[] = {exe, arg, NULL};
	int fds[2];
	struct err err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 3);
	setenv("SEKISHO_CRASH", crash, 1);
	assert_int_equal(posix_spawn(&f->child, exe, &actions, NULL, argv, environ), 0);
	unsetenv("SEKISHO_CRASH");
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	connect_role(f, fds[0]);
	if (auth_client_configure(f->rpc, f->dir, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

static int stop(struct fixture *f)
{
	int status = 0;

	rpc_free(f->rpc);
	f->rpc = NULL;
	if (f->child > 0)
		waitpid(f->child, &status, 0);
	else if (f->child == 0)
		pthread_join(f->thread, NULL);
	f->child = -1;
	return status;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&p, 0, sizeof(p));
	pthread_mutex_init(&p.lock, NULL);
	p.life_s = 3600;
	p.revoke_works = true;
	p.server = net_server_new(serve, NULL);
	unsetenv("CREDENTIALS_DIRECTORY");
	test_folder_new(f->dir);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rpc)
		stop(f);
	net_server_free(p.server);
	test_folder_remove(f->dir);
	free(f);
	return 0;
}

/* secrets: name, text, …, NULL */
static int put_as(struct fixture *f, const char *id, const char *tenant, const char *provider, const char *grant,
	const char *const *secrets, struct buf *facts, struct err *err)
{
	const char *names[MSG_MAX_FDS];
	int fds[MSG_MAX_FDS], n = 0;

	for (; secrets[2 * n]; n++) {
		names[n] = secrets[2 * n];
		fds[n] = test_secret_fd(secrets[2 * n + 1]);
	}
	return auth_client_put(f->rpc, id, tenant, provider, grant, n, names, fds, facts, err);
}

#define S(...) ((const char *const[]){__VA_ARGS__, NULL})

static void put(struct fixture *f, const char *id, const char *tenant, const char *provider, const char *grant,
	const char *const *secrets)
{
	_cleanup_buf_ struct buf facts = BUF_INIT(65536);
	struct err err;

	if (put_as(f, id, tenant, provider, grant, secrets, &facts, &err) < 0)
		fail_msg("%s: %s", id, err.message);
}

static void put_dropbox(struct fixture *f, const char *id, const char *path)
{
	char grant[512];

	snprintf(grant, sizeof(grant), "{\"type\":\"refresh_token\",\"app_key\":\"key\",\"token_url\":\"%s%s/oauth2/token\"}",
		net_server_url(p.server), path);
	put(f, id, "aoba", "dropbox", grant, S("app_secret_file", "sec", "refresh_token_file", "first"));
}

static void put_microsoft(struct fixture *f)
{
	char grant[512];

	snprintf(grant, sizeof(grant), "{\"type\":\"client_certificate\",\"directory\":\"d\",\"client_id\":\"app\",\"scope\":\"s/.default\","
		"\"token_url\":\"%s/ms/token\"}", net_server_url(p.server));
	put(f, "m365", "aoba", "microsoft", grant, S("certificate_file", certificate_pem, "key_file", key_pem));
}

static void put_google(struct fixture *f)
{
	char grant[512], uri[128];

	snprintf(uri, sizeof(uri), "%s/google/token", net_server_url(p.server));
	_cleanup_free_ char *file = test_google_key(key_pem, uri);
	snprintf(grant, sizeof(grant), "{\"type\":\"service_account\",\"subject\":\"admin@aoba.example\",\"scopes\":\"a b\"}");
	put(f, "google", "aoba", "google", grant, S("key_file", file));
}

static void put_box(struct fixture *f)
{
	char grant[512];
	_cleanup_free_ char *file = test_box_config(encrypted_pem, "pass phrase");

	snprintf(grant, sizeof(grant), "{\"type\":\"jwt\",\"token_url\":\"%s/box/oauth2/token\"}", net_server_url(p.server));
	put(f, "box", "aoba", "box", grant, S("config_file", file));
}

static int token(struct fixture *f, const char *id, const char *subject, bool renew, char *out, struct err *err)
{
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);
	int64_t expires_at = 0;

	if (auth_client_token(f->rpc, id, subject, renew, &b, &expires_at, err) < 0)
		return -1;
	assert_true(expires_at > time_now_ms());
	snprintf(out, 128, "%s", buf_str(&b));
	return 0;
}

static void gives(struct fixture *f, const char *id, const char *subject, bool renew, const char *want)
{
	char got[128];
	struct err err;

	if (token(f, id, subject, renew, got, &err) < 0)
		fail_msg("%s: %s: %s", id, err.code, err.message);
	assert_string_equal(got, want);
}

static struct err refuses(struct fixture *f, const char *id, enum err_class class, const char *code)
{
	char got[128];
	struct err err = {0};

	assert_int_equal(token(f, id, "", true, got, &err), -1);
	if (strcmp(err.code, code) != 0 || err.class != class)
		fail_msg("%s %s: %s", err_class_name(err.class), err.code, err.message);
	return err;
}

/* ---- tests ---- */

static void test_tokens(void **state)
{
	struct fixture *f = *state;

	put_microsoft(f);
	put_google(f);
	put_box(f);
	put_dropbox(f, "dropbox", "/dropbox");
	gives(f, "m365", "", false, "token-1-app");
	gives(f, "m365", "", false, "token-1-app"); /* kept */
	gives(f, "m365", "somebody", false, "token-1-app"); /* its subject does not matter */
	gives(f, "m365", "", true, "token-2-app");
	gives(f, "google", "sato@aoba.example", false, "token-3-sato@aoba.example");
	gives(f, "google", "", false, "token-4-admin@aoba.example");
	gives(f, "google", "sato@aoba.example", false, "token-3-sato@aoba.example");
	gives(f, "box", "", false, "token-5-4711");
	gives(f, "dropbox", "", false, "token-6-");
	assert_int_equal(asked(), 6);
	assert_non_null(strstr(seen(p.agent), "sekisho"));

	struct auth_listed *list;
	size_t n;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	assert_int_equal(auth_client_list(f->rpc, a, &list, &n, NULL), 0);
	assert_int_equal(n, 4);
	assert_string_equal(list[3].connection, "m365");
	assert_true(llabs(list[3].ends_at - time_now_ms() - 86400 * 1000) < 120000);
	assert_int_equal(list[0].ends_at, 0);

	/* After a restart the secrets are there again. */
	stop(f);
	start(f);
	gives(f, "box", "", false, "token-7-4711");
}

struct asker {
	struct fixture *f;
	const char *id;
	bool renew;
	pthread_t thread;
	char token[128];
	int result;
	int64_t took;
};

static void *ask_main(void *arg)
{
	struct asker *a = arg;
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);
	int64_t expires_at, begin = time_monotonic_ms();

	a->result = auth_client_token(a->f->rpc, a->id, "", a->renew, &b, &expires_at, NULL);
	a->took = time_monotonic_ms() - begin;
	snprintf(a->token, sizeof(a->token), "%s", buf_str(&b));
	return NULL;
}

static void test_single_flight(void **state)
{
	struct fixture *f = *state;
	struct asker askers[16];

	put_dropbox(f, "dropbox", "");
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 400;
	pthread_mutex_unlock(&p.lock);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
			askers[i] = (struct asker){.f = f, .id = "dropbox", .renew = round == 1};
			pthread_create(&askers[i].thread, NULL, ask_main, &askers[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
			pthread_join(askers[i].thread, NULL);
			assert_int_equal(askers[i].result, 0);
			assert_string_equal(askers[i].token, askers[0].token);
		}
		assert_int_equal(asked(), round + 1);
	}
}

static void test_slow_address(void **state)
{
	struct fixture *f = *state;
	struct asker slow[30];
	char id[16];
	char ids[ARRAY_SIZE(slow)][16];

	/* Thirty connections whose token address hangs, of one that answers. */
	struct net_server *hanging = net_server_new(serve, NULL), *own = p.server;
	p.server = hanging;
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		snprintf(ids[i], sizeof(id), "slow%zu", i);
		put_dropbox(f, ids[i], "/hang");
	}
	p.server = own;
	put_dropbox(f, "quick", "");
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		slow[i] = (struct asker){.f = f, .id = ids[i]};
		pthread_create(&slow[i].thread, NULL, ask_main, &slow[i]);
	}
	usleep(300 * 1000);
	struct asker quick = {.f = f, .id = "quick"};
	ask_main(&quick);
	assert_int_equal(quick.result, 0);
	assert_true(quick.took < 2000);
	put_dropbox(f, "another", ""); /* the vault is not blocked either */
	shutdown(f->fd, SHUT_RDWR); /* the role ends, and those under way with it */
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		pthread_join(slow[i].thread, NULL);
		assert_int_equal(slow[i].result, -1);
	}
	net_server_free(hanging);
}

static void test_clock(void **state)
{
	struct fixture *f = *state;
	static const char *const ids[] = {"m365", "google", "box"};
	static const int64_t ahead[] = {660000, -660000};
	char got[128];
	struct err err;

	put_microsoft(f);
	put_google(f);
	put_box(f);
	for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
		set_clock(ahead[i]);
		for (size_t k = 0; k < ARRAY_SIZE(ids); k++) {
			int before = asked();
			if (token(f, ids[k], "", true, got, &err) < 0)
				fail_msg("%s: %s", ids[k], err.message);
			/* Google takes what is not yet over, so a clock ahead of ours does not matter there. */
			bool took_two = !(i == 0 && k == 1);
			assert_int_equal(asked(), before + 1 + took_two);
			/* The correction stays. */
			assert_int_equal(token(f, ids[k], "", true, got, &err), 0);
			assert_int_equal(asked(), before + 2 + took_two);
		}
	}
	/* Where the Date says that our clock is right, once is enough. */
	set_clock(0);
	assert_int_equal(token(f, "m365", "", true, got, &err), 0);
	int before = asked();
	pthread_mutex_lock(&p.lock);
	p.ignores_time = true;
	pthread_mutex_unlock(&p.lock);
	err = refuses(f, "m365", ERR_RETRY, "AADSTS700024");
	assert_non_null(strstr(err.message, "clock"));
	assert_int_equal(asked(), before + 1);
}

static void test_new_jti(void **state)
{
	struct fixture *f = *state;
	char got[128];

	put_box(f);
	behave(JTI_ONCE);
	assert_int_equal(token(f, "box", "", false, got, NULL), 0);
	assert_int_equal(asked(), 2);
	assert_string_not_equal(seen(p.jti), seen(p.last_jti));
	assert_true(strlen(seen(p.jti)) >= 16);
}

static void test_failures(void **state)
{
	static const struct {
		enum behaviour b;
		enum err_class class;
		const char *code;
	} cases[] = {
		{FAIL_500, ERR_RETRY, "server_error"}, {HTML, ERR_RETRY, "not_json"}, {REDIRECT, ERR_REMOTE, "redirected"},
		{NO_TOKEN, ERR_REMOTE, "bad_answer"}, {ODD_TOKEN, ERR_REMOTE, "bad_answer"}, {REVOKED, ERR_CONSENT, "invalid_grant"},
		{HANG, ERR_RETRY, "network"},
	};
	struct fixture *f = *state;
	char id[16];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(id, sizeof(id), "c%zu", i);
		put_dropbox(f, id, "");
		gives(f, id, "", false, "token-1-");
		behave(cases[i].b);
		struct err err = refuses(f, id, cases[i].class, cases[i].code);
		assert_int_equal(err.scope, SCOPE_CONNECTION);
		if (cases[i].class == ERR_RETRY)
			assert_true(err.retry_at > time_now_ms());
		behave(GIVE);
		pthread_mutex_lock(&p.lock);
		p.tokens = 0;
		pthread_mutex_unlock(&p.lock);
	}
}

static void test_throttled(void **state)
{
	struct fixture *f = *state;

	put_google(f);
	put_dropbox(f, "dropbox", "");
	behave(FAIL_429);
	struct err err = refuses(f, "google", ERR_RETRY, "throttled");
	assert_true(err.retry_at > time_now_ms() + 50000);
	/* Until then nobody asks, for no user of the connection; other connections are not held up. */
	char got[128];
	for (int i = 0; i < 5; i++) {
		assert_int_equal(token(f, "google", "sato@aoba.example", false, got, &err), -1);
		assert_string_equal(err.code, "throttled");
		assert_true(err.retry_at > time_now_ms() + 50000);
	}
	assert_int_equal(asked(), 1);
	behave(GIVE);
	gives(f, "dropbox", "", false, "token-2-");
	/* A grant that is connected anew is tried at once. */
	put_google(f);
	gives(f, "google", "", false, "token-3-admin@aoba.example");
}

static void test_renewed_in_time(void **state)
{
	struct fixture *f = *state;
	char got[128];
	int64_t begin = time_monotonic_ms();

	pthread_mutex_lock(&p.lock);
	p.life_s = 3;
	pthread_mutex_unlock(&p.lock);
	put_dropbox(f, "dropbox", "");
	gives(f, "dropbox", "", false, "token-1-");
	/* Renewed at 2.4 s, in the background: nobody waits for it. */
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 100;
	pthread_mutex_unlock(&p.lock);
	while (asked() < 2 && time_monotonic_ms() - begin < 10000) {
		assert_int_equal(token(f, "dropbox", "", false, got, NULL), 0);
		usleep(20000);
	}
	assert_true(time_monotonic_ms() - begin >= 2300);
	assert_int_equal(token(f, "dropbox", "", false, got, NULL), 0);
	assert_string_equal(got, "token-2-");
}

/* ---- refresh tokens that rotate ---- */

static void expect_refresh(const char *value)
{
	pthread_mutex_lock(&p.lock);
	snprintf(p.refresh, sizeof(p.refresh), "%s", value);
	p.rotates = true;
	pthread_mutex_unlock(&p.lock);
}

static void test_rotation(void **state)
{
	struct fixture *f = *state;
	char got[128];

	expect_refresh("first");
	put_dropbox(f, "dropbox", "");
	for (int i = 0; i < 4; i++)
		assert_int_equal(token(f, "dropbox", "", true, got, NULL), 0);
	stop(f);
	start(f);
	assert_int_equal(token(f, "dropbox", "", false, got, NULL), 0);
	assert_int_equal(asked(), 5);
}

static void sql(struct fixture *f, const char *text)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/vault.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_rotation_not_stored(void **state)
{
	struct fixture *f = *state;
	char got[128];

	expect_refresh("first");
	put_dropbox(f, "dropbox", "");
	sql(f, "CREATE TRIGGER full BEFORE INSERT ON value BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
	refuses(f, "dropbox", ERR_LOCAL, "vault");
	assert_int_equal(asked(), 1);
	/* What cannot be stored is not used, and no further one is asked for. */
	refuses(f, "dropbox", ERR_LOCAL, "vault");
	assert_int_equal(asked(), 1);
	sql(f, "DROP TRIGGER full");
	assert_int_equal(token(f, "dropbox", "", false, got, NULL), 0);
	assert_int_equal(asked(), 2);
}

static void test_rotation_killed(void **state)
{
	struct fixture *f = *state;
	char got[128];
	struct err err;

	/* Stored, and killed before the answer was used: the new one counts. */
	expect_refresh("first");
	put_dropbox(f, "dropbox", "");
	stop(f);
	start_child(f, "auth.rotated:1");
	assert_int_equal(token(f, "dropbox", "", false, got, &err), -1);
	assert_string_equal(err.code, "peer_gone");
	assert_int_equal(WTERMSIG(stop(f)), SIGKILL);
	start(f);
	assert_int_equal(token(f, "dropbox", "", false, got, &err), 0);
	/* Killed before it was stored: what we had is what we have. */
	stop(f);
	start_child(f, "auth.rotate:1");
	char held[64];
	snprintf(held, sizeof(held), "%s", seen(p.refresh));
	assert_int_equal(token(f, "dropbox", "", false, got, &err), -1);
	assert_int_equal(WTERMSIG(stop(f)), SIGKILL);
	assert_string_not_equal(held, seen(p.refresh));
	expect_refresh(held);
	start(f);
	assert_int_equal(token(f, "dropbox", "", false, got, &err), 0);
}

/* ---- the end of grants ---- */

static void test_revoke(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char got[128];

	put_dropbox(f, "dropbox", "/api");
	gives(f, "dropbox", "", false, "token-1-");
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), 0);
	assert_int_equal(revoked(), 1);
	assert_string_equal(seen(p.revoked_bearer), "Bearer token-1-");
	assert_int_equal(asked(), 2); /* the proof */
	refuses(f, "dropbox", ERR_CONSENT, "invalid_grant");
	/* Dead already: nothing to call, and that is proof enough. */
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), 0);
	assert_int_equal(revoked(), 1);

	behave(GIVE);
	pthread_mutex_lock(&p.lock);
	p.revoke_works = false;
	pthread_mutex_unlock(&p.lock);
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), -1);
	assert_string_equal(err.code, "not_revoked");

	put_box(f);
	assert_int_equal(token(f, "box", "", false, got, &err), 0);
	assert_int_equal(auth_client_revoke(f->rpc, "box", &err), -1);
	assert_string_equal(err.code, "no_revocation");
	assert_non_null(strstr(err.message, "Admin Console"));
	assert_string_equal(seen(p.revoked_token), got);
	put_google(f);
	assert_int_equal(auth_client_revoke(f->rpc, "google", &err), -1);
	assert_string_equal(err.code, "no_revocation");
	assert_int_equal(auth_client_revoke(f->rpc, "none", &err), -1);
	assert_string_equal(err.code, "no_grant");
}

static void test_forget_and_rename(void **state)
{
	struct fixture *f = *state;
	struct err err;

	put_dropbox(f, "dropbox", "");
	gives(f, "dropbox", "", false, "token-1-");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), 0);
	refuses(f, "dropbox", ERR_GONE, "no_grant");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), 0);

	put_dropbox(f, "dropbox", "/old");
	gives(f, "dropbox", "", false, "token-2-");
	put_dropbox(f, "dropbox~new", "/new");
	gives(f, "dropbox~new", "", false, "token-3-");
	gives(f, "dropbox", "", false, "token-2-");
	assert_int_equal(auth_client_rename(f->rpc, "dropbox~new", "dropbox", &err), 0);
	refuses(f, "dropbox~new", ERR_GONE, "no_grant");
	gives(f, "dropbox", "", false, "token-4-"); /* not one of the old grant */
	assert_int_equal(auth_client_rename(f->rpc, "dropbox~new", "dropbox", &err), -1);
	assert_string_equal(err.code, "no_grant");
}

static void test_replaced_on_the_way(void **state)
{
	struct fixture *f = *state;
	struct asker a = {.f = f, .id = "dropbox"};

	put_dropbox(f, "dropbox", "");
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 500;
	pthread_mutex_unlock(&p.lock);
	pthread_create(&a.thread, NULL, ask_main, &a);
	usleep(200 * 1000);
	put_dropbox(f, "dropbox", ""); /* while a token of the old one is on its way */
	pthread_join(a.thread, NULL);
	assert_int_equal(a.result, 0);
	gives(f, "dropbox", "", false, "token-2-");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", NULL), 0);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf facts = BUF_INIT(65536);
	_cleanup_free_ char *huge = malloc(70001);
	const char *good = "{\"type\":\"refresh_token\",\"app_key\":\"key\",\"token_url\":\"https://127.0.0.1:1/oauth2/token\"}";
	struct err err;

	memset(huge, 'x', 70000);
	huge[70000] = '\0';
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", good, S("app_secret_file", huge, "refresh_token_file", "r"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_secret");
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", good, S("app_secret_file", "", "refresh_token_file", "r"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_secret");
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", good, S("app_secret_file", "x"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", good, S("app_secret_file", "x", "refresh_token_file", "r", "more", "m"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", "[]", S("app_secret_file", "x", "refresh_token_file", "r"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(put_as(f, "d", "aoba", "dropbox", good, S("grant", "x", "refresh_token_file", "r"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_request");
	assert_int_equal(put_as(f, "two words", "aoba", "dropbox", good, S("app_secret_file", "x"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_request");
	assert_int_equal(auth_client_forget(f->rpc, "", &err), -1);
	assert_string_equal(err.code, "bad_request");

	/* A pipe in the place of a file would block us for ever. */
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(auth_client_put(f->rpc, "d", "aoba", "dropbox", good, 1, S("app_secret_file"), &ends[0], &facts, &err), -1);
	assert_string_equal(err.code, "bad_secret");
	close(ends[1]);
	refuses(f, "d", ERR_GONE, "no_grant"); /* nothing of all that was kept */
}

static void test_configuration(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct err err;

	put_dropbox(f, "dropbox", "");
	assert_int_equal(auth_client_configure(f->rpc, f->dir, NULL, NULL, &err), -1);
	assert_string_equal(err.code, "bad_request");
	stop(f);

	start_unconfigured(f);
	refuses(f, "dropbox", ERR_LOCAL, "not_configured");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), -1);
	assert_string_equal(err.code, "not_configured");
	/* A wrong key is told, and the right one taken afterwards. */
	snprintf(path, sizeof(path), "%s/other", f->dir);
	FILE *key = fopen(path, "w");
	fprintf(key, "%064d\n", 7);
	fchmod(fileno(key), 0600);
	fclose(key);
	assert_int_equal(auth_client_configure(f->rpc, f->dir, path, NULL, &err), -1);
	assert_string_equal(err.code, "wrong_key");
	assert_int_equal(auth_client_configure(f->rpc, f->dir, NULL, NULL, &err), 0);
	gives(f, "dropbox", "", false, "token-1-");
}

static void test_malformed(void **state)
{
	struct fixture *f = *state;
	static const uint32_t types[] = {AUTH_TOKEN, AUTH_PUT, AUTH_LIST, AUTH_CONFIG, AUTH_OK, 0, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct msg m, reply;
		struct err err;
		msg_init(&m, types[i], 0);
		msg_put_i64(&m, 1); /* no request begins, or is, so */
		assert_int_equal(rpc_call(f->rpc, &m, 5000, &reply, &err), -1);
		assert_string_equal(err.code, "peer_gone");
		msg_free(&m);
		stop(f);
		start(f);
	}
}

static int make_keys(void **state)
{
	EVP_PKEY *key = test_key(2048);
	X509 *certificate = test_certificate(key, 86400);

	key_pem = test_key_pem(key, NULL);
	encrypted_pem = test_key_pem(key, "pass phrase");
	certificate_pem = test_certificate_pem(certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return 0;
}

static int free_keys(void **state)
{
	free(key_pem);
	free(encrypted_pem);
	free(certificate_pem);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {TEST(test_tokens), TEST(test_single_flight), TEST(test_slow_address), TEST(test_clock),
		TEST(test_new_jti), TEST(test_failures), TEST(test_throttled), TEST(test_renewed_in_time), TEST(test_rotation),
		TEST(test_rotation_not_stored), TEST(test_rotation_killed), TEST(test_revoke), TEST(test_forget_and_rename),
		TEST(test_replaced_on_the_way), TEST(test_refused), TEST(test_configuration), TEST(test_malformed)};

	log_set_level(getenv("SEKISHO_LOG") ? LOG_INFO_ : LOG_ERROR_);
	if (argc > 1 && strcmp(argv[1], "--role") == 0)
		return auth_role_serve(3);
	return cmocka_run_group_tests_name("auth_role", tests, make_keys, free_keys);
}
