/* The auth role: refresh tokens that rotate, also when the disk is full or the process is killed; revoking,
 * forgetting, renaming. */
#include "tests/unit/auth_harness.h"

#include "auth/role.h"
#include "base/log.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

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
	role_put_dropbox(f, "dropbox", "");
	for (int i = 0; i < 4; i++)
		assert_int_equal(role_token(f, "dropbox", "", true, got, NULL), 0);
	role_stop(f);
	role_start(f);
	assert_int_equal(role_token(f, "dropbox", "", false, got, NULL), 0);
	assert_int_equal(provider_asked(), 5);
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
	role_put_dropbox(f, "dropbox", "");
	sql(f, "CREATE TRIGGER full BEFORE INSERT ON value BEGIN SELECT RAISE(ABORT, 'database or disk is "
	       "full'); END");
	role_refuses(f, "dropbox", ERR_LOCAL, "vault");
	assert_int_equal(provider_asked(), 1);
	/* What cannot be stored is not used, and no further one is asked for. */
	role_refuses(f, "dropbox", ERR_LOCAL, "vault");
	assert_int_equal(provider_asked(), 1);
	sql(f, "DROP TRIGGER full");
	assert_int_equal(role_token(f, "dropbox", "", false, got, NULL), 0);
	assert_int_equal(provider_asked(), 2);
}

static void test_rotation_killed(void **state)
{
	struct fixture *f = *state;
	char got[128];
	struct err err;

	/* Stored, and killed before the answer was used: the new one counts. */
	expect_refresh("first");
	role_put_dropbox(f, "dropbox", "");
	role_stop(f);
	role_start_child(f, "auth.rotated:1");
	assert_int_equal(role_token(f, "dropbox", "", false, got, &err), -1);
	assert_string_equal(err.code, "peer_gone");
	assert_int_equal(WTERMSIG(role_stop(f)), SIGKILL);
	role_start(f);
	assert_int_equal(role_token(f, "dropbox", "", false, got, &err), 0);
	/* Killed before it was stored: what we had is what we have. */
	role_stop(f);
	role_start_child(f, "auth.rotate:1");
	char held[64];
	snprintf(held, sizeof(held), "%s", provider_seen(p.refresh));
	assert_int_equal(role_token(f, "dropbox", "", false, got, &err), -1);
	assert_int_equal(WTERMSIG(role_stop(f)), SIGKILL);
	assert_string_not_equal(held, provider_seen(p.refresh));
	expect_refresh(held);
	role_start(f);
	assert_int_equal(role_token(f, "dropbox", "", false, got, &err), 0);
}

/* ---- the end of grants ---- */

static void test_revoke(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char got[128];

	role_put_dropbox(f, "dropbox", "/api");
	role_gives(f, "dropbox", "", false, "token-1-");
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), 0);
	assert_int_equal(provider_revoked(), 1);
	assert_string_equal(provider_seen(p.revoked_bearer), "Bearer token-1-");
	assert_int_equal(provider_asked(), 2); /* the proof */
	role_refuses(f, "dropbox", ERR_CONSENT, "invalid_grant");
	/* Dead already: nothing to call, and that is proof enough. */
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), 0);
	assert_int_equal(provider_revoked(), 1);

	provider_behave(GIVE);
	pthread_mutex_lock(&p.lock);
	p.revoke_works = false;
	pthread_mutex_unlock(&p.lock);
	assert_int_equal(auth_client_revoke(f->rpc, "dropbox", &err), -1);
	assert_string_equal(err.code, "not_revoked");

	role_put_box(f);
	assert_int_equal(role_token(f, "box", "", false, got, &err), 0);
	assert_int_equal(auth_client_revoke(f->rpc, "box", &err), -1);
	assert_string_equal(err.code, "no_revocation");
	assert_non_null(strstr(err.message, "Admin Console"));
	assert_string_equal(provider_seen(p.revoked_token), got);
	role_put_google(f);
	assert_int_equal(auth_client_revoke(f->rpc, "google", &err), -1);
	assert_string_equal(err.code, "no_revocation");
	assert_int_equal(auth_client_revoke(f->rpc, "none", &err), -1);
	assert_string_equal(err.code, "no_grant");
}

static void test_forget_and_rename(void **state)
{
	struct fixture *f = *state;
	struct err err;

	role_put_dropbox(f, "dropbox", "");
	role_gives(f, "dropbox", "", false, "token-1-");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), 0);
	role_refuses(f, "dropbox", ERR_GONE, "no_grant");
	assert_int_equal(auth_client_forget(f->rpc, "dropbox", &err), 0);

	role_put_dropbox(f, "dropbox", "/old");
	role_gives(f, "dropbox", "", false, "token-2-");
	role_put_dropbox(f, "dropbox~new", "/new");
	role_gives(f, "dropbox~new", "", false, "token-3-");
	role_gives(f, "dropbox", "", false, "token-2-");
	assert_int_equal(auth_client_rename(f->rpc, "dropbox~new", "dropbox", &err), 0);
	role_refuses(f, "dropbox~new", ERR_GONE, "no_grant");
	role_gives(f, "dropbox", "", false, "token-4-"); /* not one of the old grant */
	assert_int_equal(auth_client_rename(f->rpc, "dropbox~new", "dropbox", &err), -1);
	assert_string_equal(err.code, "no_grant");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, role_setup, role_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {TEST(test_rotation), TEST(test_rotation_not_stored),
		TEST(test_rotation_killed), TEST(test_revoke), TEST(test_forget_and_rename)};

	log_set_level(getenv("SEKISHO_LOG") ? LOG_INFO_ : LOG_ERROR_);
	if (argc > 1 && strcmp(argv[1], "--role") == 0)
		return auth_role_serve(3);
	return cmocka_run_group_tests_name("auth_ends", tests, role_make_keys, role_free_keys);
}
