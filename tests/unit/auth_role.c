/* The auth role: tokens, one renewal for all who ask, slow and failing addresses, clocks, what is refused. */
#include "tests/unit/auth_harness.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <sys/socket.h>
#include <sys/stat.h>

static void test_tokens(void **state)
{
	struct fixture *f = *state;

	role_put_microsoft(f);
	role_put_google(f);
	role_put_box(f);
	role_put_dropbox(f, "dropbox", "/dropbox");
	role_gives(f, "m365", "", false, "token-1-app");
	role_gives(f, "m365", "", false, "token-1-app");	 /* kept */
	role_gives(f, "m365", "somebody", false, "token-1-app"); /* its subject does not matter */
	role_gives(f, "m365", "", true, "token-2-app");
	role_gives(f, "google", "sato@aoba.example", false, "token-3-sato@aoba.example");
	role_gives(f, "google", "", false, "token-4-admin@aoba.example");
	role_gives(f, "google", "sato@aoba.example", false, "token-3-sato@aoba.example");
	role_gives(f, "box", "", false, "token-5-4711");
	role_gives(f, "dropbox", "", false, "token-6-");
	assert_int_equal(provider_asked(), 6);
	assert_non_null(strstr(provider_seen(p.agent), "sekisho"));

	struct auth_listed *list;
	size_t n;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	assert_int_equal(auth_client_list(f->rpc, a, &list, &n, NULL), 0);
	assert_int_equal(n, 4);
	assert_string_equal(list[3].connection, "m365");
	assert_true(llabs(list[3].ends_at - time_now_ms() - 86400 * 1000) < 120000);
	assert_int_equal(list[0].ends_at, 0);

	/* After a restart the secrets are there again. */
	role_stop(f);
	role_start(f);
	role_gives(f, "box", "", false, "token-7-4711");
}

static void test_single_flight(void **state)
{
	struct fixture *f = *state;
	struct asker askers[16];

	role_put_dropbox(f, "dropbox", "");
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 400;
	pthread_mutex_unlock(&p.lock);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
			askers[i] = (struct asker){.f = f, .id = "dropbox", .renew = round == 1};
			pthread_create(&askers[i].thread, NULL, role_ask_main, &askers[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
			pthread_join(askers[i].thread, NULL);
			assert_int_equal(askers[i].result, 0);
			assert_string_equal(askers[i].token, askers[0].token);
		}
		assert_int_equal(provider_asked(), round + 1);
	}
}

static void test_slow_address(void **state)
{
	struct fixture *f = *state;
	struct asker slow[30];
	char id[16];
	char ids[ARRAY_SIZE(slow)][16];

	/* Thirty connections whose token address hangs, of one that answers. */
	struct net_server *hanging = provider_server(), *own = p.server;
	p.server = hanging;
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		snprintf(ids[i], sizeof(id), "slow%zu", i);
		role_put_dropbox(f, ids[i], "/hang");
	}
	p.server = own;
	role_put_dropbox(f, "quick", "");
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		slow[i] = (struct asker){.f = f, .id = ids[i]};
		pthread_create(&slow[i].thread, NULL, role_ask_main, &slow[i]);
	}
	usleep(300 * 1000);
	struct asker quick = {.f = f, .id = "quick"};
	role_ask_main(&quick);
	assert_int_equal(quick.result, 0);
	assert_true(quick.took < 2000);
	role_put_dropbox(f, "another", ""); /* the vault is not blocked either */
	shutdown(f->fd, SHUT_RDWR);	    /* the role ends, and those under way with it */
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

	role_put_microsoft(f);
	role_put_google(f);
	role_put_box(f);
	for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
		provider_clock(ahead[i]);
		for (size_t k = 0; k < ARRAY_SIZE(ids); k++) {
			int before = provider_asked();
			if (role_token(f, ids[k], "", true, got, &err) < 0)
				fail_msg("%s: %s", ids[k], err.message);
			/* Google takes what is not yet over, so a clock ahead of ours does not matter there.
			 */
			bool took_two = !(i == 0 && k == 1);
			assert_int_equal(provider_asked(), before + 1 + took_two);
			/* The correction stays. */
			assert_int_equal(role_token(f, ids[k], "", true, got, &err), 0);
			assert_int_equal(provider_asked(), before + 2 + took_two);
		}
	}
	/* Where the Date says that our clock is right, once is enough. */
	provider_clock(0);
	assert_int_equal(role_token(f, "m365", "", true, got, &err), 0);
	int before = provider_asked();
	pthread_mutex_lock(&p.lock);
	p.ignores_time = true;
	pthread_mutex_unlock(&p.lock);
	err = role_refuses(f, "m365", ERR_RETRY, "AADSTS700024");
	assert_non_null(strstr(err.message, "clock"));
	assert_int_equal(provider_asked(), before + 1);
}

static void test_new_jti(void **state)
{
	struct fixture *f = *state;
	char got[128];

	role_put_box(f);
	provider_behave(JTI_ONCE);
	assert_int_equal(role_token(f, "box", "", false, got, NULL), 0);
	assert_int_equal(provider_asked(), 2);
	assert_string_not_equal(provider_seen(p.jti), provider_seen(p.last_jti));
	assert_true(strlen(provider_seen(p.jti)) >= 16);
}

static void test_failures(void **state)
{
	static const struct {
		enum behaviour b;
		enum err_class class;
		const char *code;
	} cases[] = {
		{FAIL_500, ERR_RETRY, "server_error"},
		{HTML, ERR_RETRY, "not_json"},
		{REDIRECT, ERR_REMOTE, "redirected"},
		{NO_TOKEN, ERR_REMOTE, "bad_answer"},
		{ODD_TOKEN, ERR_REMOTE, "bad_answer"},
		{REVOKED, ERR_CONSENT, "invalid_grant"},
		{HANG, ERR_RETRY, "network"},
	};
	struct fixture *f = *state;
	char id[16];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(id, sizeof(id), "c%zu", i);
		role_put_dropbox(f, id, "");
		role_gives(f, id, "", false, "token-1-");
		provider_behave(cases[i].b);
		struct err err = role_refuses(f, id, cases[i].class, cases[i].code);
		assert_int_equal(err.scope, SCOPE_CONNECTION);
		if (cases[i].class == ERR_RETRY)
			assert_true(err.retry_at > time_now_ms());
		provider_behave(GIVE);
		pthread_mutex_lock(&p.lock);
		p.tokens = 0;
		pthread_mutex_unlock(&p.lock);
	}
}

static void test_throttled(void **state)
{
	struct fixture *f = *state;

	role_put_google(f);
	role_put_dropbox(f, "dropbox", "");
	provider_behave(FAIL_429);
	struct err err = role_refuses(f, "google", ERR_RETRY, "throttled");
	assert_true(err.retry_at > time_now_ms() + 50000);
	/* Until then nobody asks, for no user of the connection; other connections are not held up. */
	char got[128];
	for (int i = 0; i < 5; i++) {
		assert_int_equal(role_token(f, "google", "sato@aoba.example", false, got, &err), -1);
		assert_string_equal(err.code, "throttled");
		assert_true(err.retry_at > time_now_ms() + 50000);
	}
	assert_int_equal(provider_asked(), 1);
	provider_behave(GIVE);
	role_gives(f, "dropbox", "", false, "token-2-");
	/* A grant that is connected anew is tried at once. */
	role_put_google(f);
	role_gives(f, "google", "", false, "token-3-admin@aoba.example");
}

static void test_renewed_in_time(void **state)
{
	struct fixture *f = *state;
	char got[128];
	int64_t begin = time_monotonic_ms();

	pthread_mutex_lock(&p.lock);
	p.life_s = 3;
	pthread_mutex_unlock(&p.lock);
	role_put_dropbox(f, "dropbox", "");
	role_gives(f, "dropbox", "", false, "token-1-");
	/* Renewed at 2.4 s, in the background: nobody waits for it. */
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 100;
	pthread_mutex_unlock(&p.lock);
	do {
		assert_int_equal(role_token(f, "dropbox", "", false, got, NULL), 0);
		usleep(20000);
	} while (strcmp(got, "token-1-") == 0 && time_monotonic_ms() - begin < 20000);
	assert_true(time_monotonic_ms() - begin >= 2300);
	assert_string_equal(got, "token-2-");
}

static void test_replaced_on_the_way(void **state)
{
	struct fixture *f = *state;
	struct asker a = {.f = f, .id = "dropbox"};

	role_put_dropbox(f, "dropbox", "");
	pthread_mutex_lock(&p.lock);
	p.delay_ms = 500;
	pthread_mutex_unlock(&p.lock);
	pthread_create(&a.thread, NULL, role_ask_main, &a);
	usleep(200 * 1000);
	role_put_dropbox(f, "dropbox", ""); /* while a token of the old one is on its way */
	pthread_join(a.thread, NULL);
	assert_int_equal(a.result, 0);
	role_gives(f, "dropbox", "", false, "token-2-");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", NULL), 0);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf facts = BUF_INIT(65536);
	_cleanup_free_ char *huge = malloc(70001);
	const char *good = "{\"type\":\"refresh_token\",\"app_key\":\"key\",\"token_url\":\"https://"
			   "127.0.0.1:1/oauth2/token\"}";
	struct err err;

	memset(huge, 'x', 70000);
	huge[70000] = '\0';
	assert_int_equal(role_put_as(f, "d", "aoba", "dropbox", good,
				 S("app_secret_file", huge, "refresh_token_file", "r"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_secret");
	assert_int_equal(role_put_as(f, "d", "aoba", "dropbox", good,
				 S("app_secret_file", "", "refresh_token_file", "r"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_secret");
	assert_int_equal(
		role_put_as(f, "d", "aoba", "dropbox", good, S("app_secret_file", "x"), &facts, &err), -1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(
		role_put_as(f, "d", "aoba", "dropbox", good,
			S("app_secret_file", "x", "refresh_token_file", "r", "more", "m"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(role_put_as(f, "d", "aoba", "dropbox", "[]",
				 S("app_secret_file", "x", "refresh_token_file", "r"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_grant");
	assert_int_equal(role_put_as(f, "d", "aoba", "dropbox", good,
				 S("grant", "x", "refresh_token_file", "r"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_request");
	assert_int_equal(
		role_put_as(f, "two words", "aoba", "dropbox", good, S("app_secret_file", "x"), &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_request");
	assert_int_equal(auth_client_forget(f->rpc, "", &err), -1);
	assert_string_equal(err.code, "bad_request");

	/* A pipe in the place of a file would block us for ever. */
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(auth_client_put(f->rpc, "d", "aoba", "dropbox", good, 1, S("app_secret_file"),
				 &ends[0], &facts, &err),
		-1);
	assert_string_equal(err.code, "bad_secret");
	close(ends[1]);
	role_refuses(f, "d", ERR_GONE, "no_grant"); /* nothing of all that was kept */
}

static void test_configuration(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct err err;

	role_put_dropbox(f, "dropbox", "");
	assert_int_equal(auth_client_configure(f->rpc, f->dir, NULL, NULL, NULL, &err), -1);
	assert_string_equal(err.code, "bad_request");
	role_stop(f);

	role_start_unconfigured(f);
	role_refuses(f, "dropbox", ERR_LOCAL, "not_configured");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), -1);
	assert_string_equal(err.code, "not_configured");
	/* A wrong key is told, and the right one taken afterwards. */
	snprintf(path, sizeof(path), "%s/other", f->dir);
	FILE *key = fopen(path, "w");
	fprintf(key, "%064d\n", 7);
	fchmod(fileno(key), 0600);
	fclose(key);
	assert_int_equal(auth_client_configure(f->rpc, f->dir, path, NULL, NULL, &err), -1);
	assert_string_equal(err.code, "wrong_key");
	assert_int_equal(auth_client_configure(f->rpc, f->dir, NULL, NULL, NULL, &err), 0);
	role_gives(f, "dropbox", "", false, "token-1-");
}

static void test_malformed(void **state)
{
	struct fixture *f = *state;
	static const uint32_t types[] = {
		AUTH_TOKEN, AUTH_PUT, AUTH_LIST, AUTH_CONFIG, AUTH_OK, 0, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct msg m, reply;
		struct err err;
		msg_init(&m, types[i], 0);
		msg_put_i64(&m, 1); /* no request begins, or is, so */
		assert_int_equal(rpc_call(f->rpc, &m, 5000, &reply, &err), -1);
		assert_string_equal(err.code, "peer_gone");
		msg_free(&m);
		role_stop(f);
		role_start(f);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, role_setup, role_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {TEST(test_tokens), TEST(test_single_flight),
		TEST(test_slow_address), TEST(test_clock), TEST(test_new_jti), TEST(test_failures),
		TEST(test_throttled), TEST(test_renewed_in_time), TEST(test_replaced_on_the_way),
		TEST(test_refused), TEST(test_configuration), TEST(test_malformed)};

	log_set_level(getenv("SEKISHO_LOG") ? LOG_INFO_ : LOG_ERROR_);
	return cmocka_run_group_tests_name("auth_role", tests, role_make_keys, role_free_keys);
}
