/* The vault: what it keeps comes back, and nothing else does: other keys, copied rows, changed bytes, open
 * files. */
#include "auth/kek.h"
#include "auth/vault.h"
#include "tests/unit/auth_keys.h"
#include "tests/unit/cmocka_all.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

struct fixture {
	char dir[64], db[80], key[80];
	unsigned char kek[SEAL_KEY];
	struct vault *vault;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	unsetenv("CREDENTIALS_DIRECTORY");
	test_folder_new(f->dir);
	snprintf(f->db, sizeof(f->db), "%s/vault.db", f->dir);
	snprintf(f->key, sizeof(f->key), "%s/key", f->dir);
	random_bytes(f->kek, sizeof(f->kek));
	*state = f;
	return vault_open(f->dir, f->kek, &f->vault, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vault_close(f->vault);
	test_folder_remove(f->dir);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *connection, const char *tenant, const char *provider,
	const char *secret)
{
	struct vault_record r = {.n = 2, .ends_at = 1234567890123};

	snprintf(r.connection, sizeof(r.connection), "%s", connection);
	snprintf(r.tenant, sizeof(r.tenant), "%s", tenant);
	snprintf(r.provider, sizeof(r.provider), "%s", provider);
	const char *const purposes[] = {"grant", "client_secret_file"}, *const values[] = {
										"{\"type\":\"x\"}", secret};
	for (int i = 0; i < 2; i++) {
		snprintf(r.items[i].purpose, sizeof(r.items[i].purpose), "%s", purposes[i]);
		r.items[i].value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		assert_int_equal(buf_adds(&r.items[i].value, values[i]), 0);
	}
	assert_int_equal(vault_put(f->vault, &r, NULL), 0);
	vault_record_free(&r);
}

static void holds(struct fixture *f, const char *connection, const char *secret)
{
	struct vault_record r = {0};
	struct err err;

	if (vault_load(f->vault, connection, &r, &err) < 0)
		fail_msg("%s: %s", connection, err.message);
	assert_int_equal(r.n, 2);
	assert_string_equal(buf_str(&vault_record_item(&r, "client_secret_file")->value), secret);
	assert_int_equal(r.ends_at, 1234567890123);
	vault_record_free(&r);
}

static void fails(struct fixture *f, const char *connection, const char *code)
{
	struct vault_record r = {0};
	struct err err;

	assert_int_equal(vault_load(f->vault, connection, &r, &err), -1);
	assert_string_equal(err.code, code);
	assert_int_equal(r.n, 0);
}

static void reopen(struct fixture *f)
{
	struct err err;

	vault_close(f->vault);
	f->vault = NULL;
	if (vault_open(f->dir, f->kek, &f->vault, &err) < 0)
		fail_msg("%s", err.message);
}

/* From outside, as somebody would who may write the file. */
static void tamper(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_true(sqlite3_changes(db) > 0);
	sqlite3_close(db);
}

static bool file_has(const char *path, const void *what, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 24);

	assert_int_equal(io_read_file(path, &b, NULL), 0);
	return memmem(b.data, b.len, what, len) != NULL;
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;

	put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
	put(f, "kashi-box", "kashi", "box", "");
	holds(f, "aoba-m365", "hunter2");
	holds(f, "kashi-box", "");
	fails(f, "none", "no_grant");
	reopen(f);
	holds(f, "aoba-m365", "hunter2");
	put(f, "aoba-m365", "aoba", "microsoft", "hunter3");
	holds(f, "aoba-m365", "hunter3");
	assert_false(file_has(f->db, "hunter3", 7));

	struct vault_listed *list;
	size_t n;
	assert_int_equal(vault_list(f->vault, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].connection, "aoba-m365");
	free(list);
}

static void test_sealing(void **state)
{
	_cleanup_buf_ struct buf aad = BUF_INIT(64), other = BUF_INIT(64), a = BUF_INIT(256),
				 b = BUF_INIT(256), out = BUF_INIT(256);
	unsigned char key[SEAL_KEY] = {1}, wrong[SEAL_KEY] = {2};

	assert_int_equal(buf_adds(&aad, "a"), 0);
	assert_int_equal(buf_adds(&other, "b"), 0);
	assert_int_equal(seal(key, &aad, "text", 4, &a), 0);
	assert_int_equal(seal(key, &aad, "text", 4, &b), 0);
	assert_int_equal(a.len, 4 + SEAL_OVERHEAD);
	assert_memory_not_equal(a.data, b.data, 12); /* nonces differ */
	assert_int_equal(unseal(key, &aad, a.data, a.len, &out), 0);
	assert_string_equal(buf_str(&out), "text");
	assert_int_equal(unseal(wrong, &aad, a.data, a.len, &out), -1);
	assert_int_equal(unseal(key, &other, a.data, a.len, &out), -1);
	for (size_t i = 0; i < a.len; i++) {
		a.data[i] ^= 1;
		assert_int_equal(unseal(key, &aad, a.data, a.len, &out), -1);
		a.data[i] ^= 1;
	}
	for (size_t len = 0; len < a.len; len++)
		assert_int_equal(unseal(key, &aad, a.data, len, &out), -1);
	assert_int_equal(out.len, 4);
}

static void test_wrong_key(void **state)
{
	struct fixture *f = *state;
	unsigned char wrong[SEAL_KEY];
	struct vault *v = NULL;
	struct err err;

	put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
	random_bytes(wrong, sizeof(wrong));
	assert_int_equal(vault_open(f->dir, wrong, &v, &err), -1);
	assert_string_equal(err.code, "wrong_key");
	assert_int_equal(err.class, ERR_LOCAL);
	assert_null(v);
	reopen(f);
	holds(f, "aoba-m365", "hunter2");
}

/* Each copies something that belongs to another row, or turns something; nothing of it opens. */
static void test_tampered(void **state)
{
	static const char *const changes[] = {
		/* another tenant's secret, with its data key, under our name */
		"UPDATE value SET sealed=(SELECT sealed FROM value WHERE connection='kashi-m365' AND "
		"purpose='client_secret_file')"
		" WHERE connection='aoba-m365' AND purpose='client_secret_file'",
		"UPDATE data_key SET sealed=(SELECT sealed FROM data_key WHERE tenant='kashi') WHERE "
		"tenant='aoba'",
		/* the same tenant's, of another connection; and of another purpose */
		"UPDATE value SET sealed=(SELECT sealed FROM value WHERE connection='aoba-two' AND "
		"purpose='client_secret_file')"
		" WHERE connection='aoba-m365' AND purpose='client_secret_file'",
		"UPDATE value SET sealed=(SELECT sealed FROM value WHERE connection='aoba-m365' AND "
		"purpose='grant')"
		" WHERE connection='aoba-m365' AND purpose='client_secret_file'",
		/* the connection moved to another tenant or provider, or said to be of another version */
		"UPDATE connection SET tenant='kashi' WHERE id='aoba-m365'",
		"UPDATE connection SET provider='box' WHERE id='aoba-m365'",
		"UPDATE connection SET version=version+1 WHERE id='aoba-m365'",
		/* bytes */
		"UPDATE value SET sealed=zeroblob(40) WHERE connection='aoba-m365' AND purpose='grant'",
		"UPDATE value SET sealed=x'' WHERE connection='aoba-m365' AND purpose='grant'",
		"UPDATE data_key SET sealed=zeroblob(60) WHERE tenant='aoba'",
		"UPDATE connection SET tenant=printf('%.200c', 'x') WHERE id='aoba-m365'",
		"UPDATE value SET sealed=zeroblob(200000) WHERE connection='aoba-m365' AND purpose='grant'",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
		put(f, "aoba-two", "aoba", "microsoft", "other");
		put(f, "kashi-m365", "kashi", "microsoft", "theirs");
		tamper(f, changes[i]);
		fails(f, "aoba-m365", "vault_corrupt");
		holds(f, "kashi-m365", "theirs"); /* others go on */
		teardown(state);
		setup(state);
		f = *state;
	}
	/* An old row of the same connection, put back after its secret was replaced. */
	put(f, "aoba-m365", "aoba", "microsoft", "stolen");
	tamper(f, "CREATE TABLE old AS SELECT * FROM value; INSERT INTO old SELECT 'v', version, id FROM "
		  "connection");
	put(f, "aoba-m365", "aoba", "microsoft", "fresh");
	tamper(f, "UPDATE value SET sealed=(SELECT o.sealed FROM old o WHERE o.connection='aoba-m365' AND "
		  "o.purpose=value.purpose)");
	fails(f, "aoba-m365", "vault_corrupt");
}

/* The state folder may lie behind a symbolic link; the vault itself may not be one. */
static void test_links(void **state)
{
	struct fixture *f = *state;
	char link_path[80], other[96];
	struct err err;

	put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
	vault_close(f->vault);
	f->vault = NULL;
	snprintf(link_path, sizeof(link_path), "%s-link", f->dir);
	assert_int_equal(symlink(f->dir, link_path), 0);
	assert_int_equal(vault_open(link_path, f->kek, &f->vault, &err), 0);
	holds(f, "aoba-m365", "hunter2");
	vault_close(f->vault);
	f->vault = NULL;
	unlink(link_path);
	snprintf(other, sizeof(other), "%s/elsewhere", f->dir);
	assert_int_equal(rename(f->db, other), 0);
	assert_int_equal(symlink(other, f->db), 0);
	assert_int_equal(vault_open(f->dir, f->kek, &f->vault, &err), -1);
	assert_string_equal(err.code, "system");
	assert_null(f->vault);
}

static void test_damaged_file(void **state)
{
	struct fixture *f = *state;
	struct err err;

	put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
	vault_close(f->vault);
	f->vault = NULL;
	_cleanup_close_ int fd = open(f->db, O_WRONLY);
	assert_int_equal(pwrite(fd, "this is no database at all, really", 34, 0), 34);
	assert_int_equal(vault_open(f->dir, f->kek, &f->vault, &err), -1);
	assert_string_equal(err.code, "vault_corrupt");
	assert_null(f->vault);
}

static void test_replace(void **state)
{
	struct fixture *f = *state;
	struct vault_record r = {0}, stale = {0};
	_cleanup_buf_ struct buf value = BUF_INIT(64);
	int64_t version = 0;
	struct err err;

	put(f, "aoba-m365", "aoba", "microsoft", "first");
	assert_int_equal(vault_load(f->vault, "aoba-m365", &r, NULL), 0);
	assert_int_equal(vault_load(f->vault, "aoba-m365", &stale, NULL), 0);
	buf_adds(&value, "second");
	assert_int_equal(vault_replace(f->vault, &r, "client_secret_file", &value, &version, &err), 0);
	assert_true(version > r.version);
	holds(f, "aoba-m365", "second");
	/* Who read before that must not write over it. */
	assert_int_equal(vault_replace(f->vault, &stale, "client_secret_file", &value, &version, &err), -1);
	assert_int_equal(err.class, ERR_CHANGED);
	r.version = version;
	assert_int_equal(vault_replace(f->vault, &r, "no_such", &value, &version, &err), -1);
	assert_int_equal(vault_forget(f->vault, "aoba-m365", &err), 0);
	assert_int_equal(vault_replace(f->vault, &r, "client_secret_file", &value, &version, &err), -1);
	assert_int_equal(err.class, ERR_GONE);
	vault_record_free(&r);
	vault_record_free(&stale);
}

static void test_rename(void **state)
{
	struct fixture *f = *state;
	struct err err;

	put(f, "aoba-m365", "aoba", "microsoft", "old");
	put(f, "aoba-m365~new", "aoba", "microsoft", "new");
	assert_int_equal(vault_rename(f->vault, "aoba-m365~new", "aoba-m365", &err), 0);
	holds(f, "aoba-m365", "new");
	fails(f, "aoba-m365~new", "no_grant");
	assert_int_equal(vault_rename(f->vault, "aoba-m365~new", "aoba-m365", &err), -1);
	assert_int_equal(err.class, ERR_GONE);
	put(f, "kashi~new", "kashi", "microsoft", "x");
	assert_int_equal(vault_rename(f->vault, "kashi~new", "aoba-m365", &err), -1);
	assert_string_equal(err.code, "other_connection");
	put(f, "box~new", "aoba", "box", "x");
	assert_int_equal(vault_rename(f->vault, "box~new", "aoba-m365", &err), -1);
	assert_string_equal(err.code, "other_connection");
	holds(f, "aoba-m365", "new");
	holds(f, "kashi~new", "x");
}

static void test_forget(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	sqlite3_stmt *s;
	unsigned char sealed[64], key[64];

	put(f, "aoba-m365", "aoba", "microsoft", "hunter2");
	put(f, "kashi-box", "kashi", "box", "theirs");
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
			"SELECT (SELECT sealed FROM value WHERE connection='aoba-m365' AND "
			"purpose='client_secret_file'), (SELECT sealed FROM data_key WHERE tenant='aoba')",
			-1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	memcpy(sealed, sqlite3_column_blob(s, 0), 32);
	memcpy(key, sqlite3_column_blob(s, 1), 60);
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_true(file_has(f->db, sealed, 32));
	assert_true(file_has(f->db, key, 60));

	assert_int_equal(vault_forget(f->vault, "aoba-m365", NULL), 0);
	assert_int_equal(vault_forget(f->vault, "aoba-m365", NULL), 0);
	fails(f, "aoba-m365", "no_grant");
	assert_false(file_has(f->db, sealed, 32));
	assert_false(file_has(f->db, key, 60));
	holds(f, "kashi-box", "theirs");
}

static void test_file_modes(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	unsigned char kek[SEAL_KEY];
	struct err err;

	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(f->db, 0644), 0);
	reopen(f);
	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* The key: made once, with mode 0600, the same afterwards. */
	assert_int_equal(kek_load(f->dir, NULL, true, kek, &err), 0);
	assert_int_equal(stat(f->key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	unsigned char again[SEAL_KEY];
	assert_int_equal(kek_load(f->dir, NULL, true, again, &err), 0);
	assert_memory_equal(kek, again, SEAL_KEY);
	static const mode_t bad[] = {0644, 0640, 0660, 0604, 0700, 04600};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(chmod(f->key, bad[i]), 0);
		assert_int_equal(kek_load(f->dir, NULL, true, again, &err), -1);
		assert_string_equal(err.code, "key_mode");
		assert_non_null(strstr(err.message, "chmod 0600"));
		assert_int_equal(kek_load(f->dir, f->key, true, again, &err), -1);
		assert_string_equal(err.code, "key_mode");
	}
	assert_int_equal(chmod(f->key, 0400), 0);
	assert_int_equal(kek_load("/nonexistent", f->key, false, again, &err), 0);
	assert_memory_equal(kek, again, SEAL_KEY);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->key, 1234, 0), 0);
		assert_int_equal(kek_load(f->dir, NULL, true, again, &err), -1);
		assert_string_equal(err.code, "key_mode");
	}
	/* With a vault there and the key gone, no new key may be made in silence. */
	assert_int_equal(unlink(f->key), 0);
	assert_true(vault_exists(f->dir));
	assert_int_equal(kek_load(f->dir, NULL, !vault_exists(f->dir), again, &err), -1);
	assert_string_equal(err.code, "key_missing");
	assert_int_equal(kek_load(f->dir, f->key, true, again, &err), -1);
	assert_int_equal(access(f->key, F_OK), -1);
}

static void test_key_forms(void **state)
{
	struct fixture *f = *state;
	unsigned char raw[SEAL_KEY], got[SEAL_KEY];
	char text[128];
	_cleanup_buf_ struct buf b64 = BUF_INIT(64);
	struct err err;

	for (int i = 0; i < SEAL_KEY; i++)
		raw[i] = (unsigned char)(i * 7 + 200);
	assert_int_equal(kek_parse((const char *)raw, SEAL_KEY, got), 0);
	assert_memory_equal(raw, got, SEAL_KEY);
	hex_encode(text, raw, SEAL_KEY);
	strncat(text, "\n", 2);
	assert_int_equal(kek_parse(text, strlen(text), got), 0);
	assert_memory_equal(raw, got, SEAL_KEY);
	assert_int_equal(base64_encode(&b64, raw, SEAL_KEY), 0);
	snprintf(text, sizeof(text), "  %s\r\n", buf_str(&b64));
	assert_int_equal(kek_parse(text, strlen(text), got), 0);
	assert_memory_equal(raw, got, SEAL_KEY);
	static const char *const bad[] = {"", "short", "zz",
		"0123456789012345678901234567890123456789012345678901234567890",
		"g123456789012345678901234567890123456789012345678901234567890123",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(kek_parse(bad[i], strlen(bad[i]), got), -1);

	/* systemd's credential goes before STATE/key. */
	char path[96];
	snprintf(path, sizeof(path), "%s/sekisho-key", f->dir);
	assert_int_equal(io_write_file(path, raw, SEAL_KEY, 0440, NULL), 0);
	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	memset(got, 0, sizeof(got));
	assert_int_equal(kek_load(f->dir, NULL, true, got, &err), 0);
	assert_memory_equal(raw, got, SEAL_KEY);
	assert_int_equal(access(f->key, F_OK), -1);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(io_write_file(f->key, "rubbish", 7, 0600, NULL), 0);
	assert_int_equal(kek_load(f->dir, NULL, true, got, &err), -1);
	assert_string_equal(err.code, "bad_key_file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test(test_sealing),
		cmocka_unit_test_setup_teardown(test_wrong_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tampered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_forms, setup, teardown),
	};

	return cmocka_run_group_tests_name("auth_vault", tests, NULL, NULL);
}
