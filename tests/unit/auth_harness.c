/* The auth role under test, and the provider that it asks; see auth_harness.h. */
#include "tests/unit/auth_harness.h"

#include "auth/role.h"
#include "base/encode.h"
#include "base/timeutil.h"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static char *key_pem, *certificate_pem, *encrypted_pem;
struct provider p;

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
	if (!dot || base64_decode(&text, dot + 1, len) < 0 ||
		json_parse(buf_str(&text), text.len, &doc, NULL) < 0)
		return NULL;
	return doc;
}

/* As the three providers judge times; NULL, or the error's body. */
static const char *time_error(const cJSON *claims, const char *target)
{
	int64_t now = (time_now_ms() + p.clock_ms) / 1000, exp = json_int64_or(claims, "exp", 0),
		iat = json_int64_or(claims, "iat", 0);

	if (strstr(target, "/box/") && (p.ignores_time || exp <= now || exp > now + 60))
		return "{\"error\":\"invalid_grant\",\"error_description\":\"Please check the 'exp' "
		       "claim.\"}";
	if (strstr(target, "/google/") && (p.ignores_time || exp <= now || iat > now + 300))
		return "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a "
		       "short-lived token\"}";
	if (strstr(target, "/ms/") &&
		(p.ignores_time || exp < now - 300 || json_int64_or(claims, "nbf", 0) > now + 300))
		return "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700024: "
		       "times\",\"error_codes\":[700024]}";
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
		wrong = "{\"error\":\"invalid_grant\",\"error_description\":\"Please check the 'jti' "
			"claim.\"}";
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
	snprintf(body, sizeof(body),
		"{\"access_token\":\"token-%d-%.40s\",\"token_type\":\"Bearer\",\"expires_in\":%d%s}",
		p.tokens, claims ? json_str_or(claims, "sub", "") : "", p.life_s, rotated);
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
		net_answers(fd, "200 OK", "Content-Type: text/html\r\n",
			"<html>sign in to the hotel's network</html>");
		break;
	case REDIRECT:
		net_answers(fd, "302 Found", "Location: http://127.0.0.1:1/steal\r\n", "");
		break;
	case NO_TOKEN:
		net_answers(fd, "200 OK", date, "{\"token_type\":\"Bearer\"}");
		break;
	case ODD_TOKEN:
		net_answers(
			fd, "200 OK", date, "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":3600}");
		break;
	case REVOKED:
		net_answers(fd, "400 Bad Request", date,
			"{\"error\":\"invalid_grant\",\"error_description\":\"refresh token is invalid or "
			"revoked\"}");
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

struct net_server *provider_server(void)
{
	return net_server_new(serve, NULL);
}

void provider_behave(enum behaviour b)
{
	pthread_mutex_lock(&p.lock);
	p.behaviour = b;
	pthread_mutex_unlock(&p.lock);
}

int provider_asked(void)
{
	pthread_mutex_lock(&p.lock);
	int n = p.tokens;
	pthread_mutex_unlock(&p.lock);
	return n;
}

/* A copy of one of the provider's texts; two at a time. */
const char *provider_seen(const char *text)
{
	static char copies[2][128];
	static int next;

	next = !next;
	pthread_mutex_lock(&p.lock);
	snprintf(copies[next], sizeof(copies[0]), "%s", text);
	pthread_mutex_unlock(&p.lock);
	return copies[next];
}

int provider_revoked(void)
{
	pthread_mutex_lock(&p.lock);
	int n = p.revokes;
	pthread_mutex_unlock(&p.lock);
	return n;
}

void provider_clock(int64_t ahead_ms)
{
	pthread_mutex_lock(&p.lock);
	p.clock_ms = ahead_ms;
	pthread_mutex_unlock(&p.lock);
}

/* ---- the role ---- */

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

void role_start_unconfigured(struct fixture *f)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, role_main, (void *)(intptr_t)fds[1]), 0);
	f->child = 0;
	connect_role(f, fds[0]);
}

void role_start(struct fixture *f)
{
	struct err err;

	role_start_unconfigured(f);
	if (auth_client_configure(f->rpc, f->dir, NULL, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

/* In a process of its own that ends itself at a crash point. */
void role_start_child(struct fixture *f, const char *crash)
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
	if (auth_client_configure(f->rpc, f->dir, NULL, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

int role_stop(struct fixture *f)
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

int role_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&p, 0, sizeof(p));
	pthread_mutex_init(&p.lock, NULL);
	p.life_s = 3600;
	p.revoke_works = true;
	p.server = provider_server();
	unsetenv("CREDENTIALS_DIRECTORY");
	test_folder_new(f->dir);
	role_start(f);
	*state = f;
	return 0;
}

int role_teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rpc)
		role_stop(f);
	net_server_free(p.server);
	test_folder_remove(f->dir);
	free(f);
	return 0;
}

/* secrets: name, text, …, NULL */
int role_put_as(struct fixture *f, const char *id, const char *tenant, const char *provider,
	const char *grant, const char *const *secrets, struct buf *facts, struct err *err)
{
	const char *names[MSG_MAX_FDS];
	int fds[MSG_MAX_FDS], n = 0;

	for (; secrets[2 * n]; n++) {
		names[n] = secrets[2 * n];
		fds[n] = test_secret_fd(secrets[2 * n + 1]);
	}
	return auth_client_put(f->rpc, id, tenant, provider, grant, n, names, fds, facts, err);
}

void role_put(struct fixture *f, const char *id, const char *tenant, const char *provider, const char *grant,
	const char *const *secrets)
{
	_cleanup_buf_ struct buf facts = BUF_INIT(65536);
	struct err err;

	if (role_put_as(f, id, tenant, provider, grant, secrets, &facts, &err) < 0)
		fail_msg("%s: %s", id, err.message);
}

void role_put_dropbox(struct fixture *f, const char *id, const char *path)
{
	char grant[512];

	snprintf(grant, sizeof(grant),
		"{\"type\":\"refresh_token\",\"app_key\":\"key\",\"token_url\":\"%s%s/oauth2/token\"}",
		net_server_url(p.server), path);
	role_put(f, id, "aoba", "dropbox", grant, S("app_secret_file", "sec", "refresh_token_file", "first"));
}

void role_put_microsoft(struct fixture *f)
{
	char grant[512];

	snprintf(grant, sizeof(grant),
		"{\"type\":\"client_certificate\",\"directory\":\"d\",\"client_id\":\"app\",\"scope\":\"s/"
		".default\","
		"\"token_url\":\"%s/ms/token\"}",
		net_server_url(p.server));
	role_put(f, "m365", "aoba", "microsoft", grant,
		S("certificate_file", certificate_pem, "key_file", key_pem));
}

void role_put_google(struct fixture *f)
{
	char grant[512], uri[128];

	snprintf(uri, sizeof(uri), "%s/google/token", net_server_url(p.server));
	_cleanup_free_ char *file = test_google_key(key_pem, uri);
	snprintf(grant, sizeof(grant),
		"{\"type\":\"service_account\",\"subject\":\"admin@aoba.example\",\"scopes\":\"a b\"}");
	role_put(f, "google", "aoba", "google", grant, S("key_file", file));
}

void role_put_box(struct fixture *f)
{
	char grant[512];
	_cleanup_free_ char *file = test_box_config(encrypted_pem, "pass phrase");

	snprintf(grant, sizeof(grant), "{\"type\":\"jwt\",\"token_url\":\"%s/box/oauth2/token\"}",
		net_server_url(p.server));
	role_put(f, "box", "aoba", "box", grant, S("config_file", file));
}

int role_token(struct fixture *f, const char *id, const char *subject, bool renew, char out[128], struct err *err)
{
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);
	int64_t expires_at = 0;

	if (auth_client_token(f->rpc, id, subject, renew, &b, &expires_at, err) < 0)
		return -1;
	assert_true(expires_at > time_now_ms());
	snprintf(out, 128, "%s", buf_str(&b));
	return 0;
}

void role_gives(struct fixture *f, const char *id, const char *subject, bool renew, const char *want)
{
	char got[128];
	struct err err;

	if (role_token(f, id, subject, renew, got, &err) < 0)
		fail_msg("%s: %s: %s", id, err.code, err.message);
	assert_string_equal(got, want);
}

struct err role_refuses(struct fixture *f, const char *id, enum err_class class, const char *code)
{
	char got[128];
	struct err err = {0};

	assert_int_equal(role_token(f, id, "", true, got, &err), -1);
	if (strcmp(err.code, code) != 0 || err.class != class)
		fail_msg("%s %s: %s", err_class_name(err.class), err.code, err.message);
	return err;
}

int role_make_keys(void **state)
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

int role_free_keys(void **state)
{
	free(key_pem);
	free(encrypted_pem);
	free(certificate_pem);
	return 0;
}

void *role_ask_main(void *arg)
{
	struct asker *a = arg;
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);
	int64_t expires_at, begin = time_monotonic_ms();

	a->result = auth_client_token(a->f->rpc, a->id, "", a->renew, &b, &expires_at, NULL);
	a->took = time_monotonic_ms() - begin;
	snprintf(a->token, sizeof(a->token), "%s", buf_str(&b));
	return NULL;
}
