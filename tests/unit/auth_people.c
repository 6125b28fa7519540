/* What people prove themselves with, and tokens that others sign: passwords, one-time codes, states that are used once, ID tokens
 * (with the hostile ones of RFC 8725), key pairs, and the vault's new keys and backups. */
#include "auth/assertion.h"
#include "auth/idtoken.h"
#include "auth/key_make.h"
#include "auth/kek.h"
#include "auth/password.h"
#include "auth/pem.h"
#include "auth/pending.h"
#include "auth/vault_life.h"
#include "tests/unit/auth_keys.h"
#include "tests/unit/cmocka_all.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

static void test_passwords(void **state)
{
	_cleanup_buf_ struct buf hash = BUF_INIT(256), other = BUF_INIT(256);
	struct err err;

	assert_int_equal(password_make("正しい馬 battery", &hash, &err), 0);
	assert_int_equal(password_make("正しい馬 battery", &other, &err), 0);
	assert_string_not_equal(buf_str(&hash), buf_str(&other));
	assert_non_null(strstr(buf_str(&hash), "$argon2id$"));
	assert_int_equal(password_check(buf_str(&hash), "正しい馬 battery"), PASSWORD_RIGHT);
	assert_int_equal(password_check(buf_str(&hash), "正しい馬 batter"), PASSWORD_WRONG);
	assert_int_equal(password_check("", "x"), PASSWORD_WRONG);
	assert_int_equal(password_check("$argon2id$v=19$m=65536,t=2,p=1$x", "x"), PASSWORD_WRONG);
	assert_int_equal(password_make("", &hash, &err), -1);
	assert_string_equal(err.code, "bad_password");
}

/* RFC 6238, appendix B, the last six of its eight digits. */
static void test_totp(void **state)
{
	static const struct {
		int64_t time;
		const char *code;
	} vectors[] = {{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"},
		{2000000000, "279037"}, {20000000000, "353130"}};
	struct buf secret = BUF_INIT(64);
	_cleanup_buf_ struct buf base32 = BUF_INIT(64), url = BUF_INIT(400);

	assert_int_equal(buf_adds(&secret, "12345678901234567890"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		int64_t step = vectors[i].time / 30;
		assert_int_equal(totp_check(&secret, vectors[i].code, vectors[i].time, 0), step);
		assert_int_equal(totp_check(&secret, vectors[i].code, vectors[i].time + 30, 0), step);
		assert_int_equal(totp_check(&secret, vectors[i].code, vectors[i].time + 60, 0), 0);
		assert_int_equal(totp_check(&secret, vectors[i].code, vectors[i].time, step), 0); /* used */
	}
	assert_int_equal(totp_check(&secret, "28708", 59, 0), 0);
	assert_int_equal(totp_check(&secret, "2870822", 59, 0), 0);
	assert_int_equal(totp_check(&secret, "28708a", 59, 0), 0);
	assert_int_equal(totp_show(&secret, "花子@aoba", &base32, &url, NULL), 0);
	assert_string_equal(buf_str(&base32), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	assert_non_null(strstr(buf_str(&url), "otpauth://totp/sekisho:%E8%8A%B1"));
	buf_free(&secret);
}

static struct pending away(struct pendings *p, const char *kind, const char *session, int64_t now)
{
	struct pending e = {0};

	snprintf(e.kind, sizeof(e.kind), "%s", kind);
	snprintf(e.session, sizeof(e.session), "%s", session);
	pending_add(p, &e, now);
	return e;
}

static void test_pending(void **state)
{
	struct pendings *p = NULL;
	struct pending got;
	struct err err;

	assert_int_equal(pendings_new(&p, &err), 0);
	struct pending a = away(p, "dropbox", "s1", 1000), b = away(p, "dropbox", "s1", 1000);
	assert_int_equal(strlen(a.state), 43);
	assert_string_not_equal(a.state, b.state);
	assert_string_not_equal(a.state, a.verifier);
	assert_int_equal(pending_take(p, a.state, "dropbox", "s1", 2000, &got, &err), 0);
	assert_string_equal(got.verifier, a.verifier);
	assert_int_equal(pending_take(p, a.state, "dropbox", "s1", 2000, &got, &err), -1); /* once */
	assert_string_equal(err.code, "state_unknown");
	/* Another browser, another provider: refused, and spoilt for its owner too. */
	assert_int_equal(pending_take(p, b.state, "dropbox", "s2", 2000, &got, &err), -1);
	assert_int_equal(pending_take(p, b.state, "dropbox", "s1", 2000, &got, &err), -1);
	b = away(p, "dropbox", "s1", 1000);
	assert_int_equal(pending_take(p, b.state, "box", "s1", 2000, &got, &err), -1);
	assert_string_equal(err.code, "state_unknown");
	b = away(p, "dropbox", "s1", 1000);
	assert_int_equal(pending_take(p, b.state, "dropbox", "s1", 1000 + 5 * 60000 + 1, &got, &err), -1);
	assert_string_equal(err.code, "state_expired");
	assert_int_equal(pending_take(p, "", "dropbox", "s1", 2000, &got, &err), -1);
	/* A flood pushes out the oldest, never grows. */
	a = away(p, "dropbox", "s1", 1000);
	for (int i = 0; i < PENDING_MAX; i++)
		away(p, "dropbox", "s9", 1000);
	assert_int_equal(pending_take(p, a.state, "dropbox", "s1", 1000, &got, &err), -1);
	pendings_free(p);
}

/* ---- ID tokens ---- */

#define NOW 1795000000

static void add_number(cJSON *jwk, const char *name, EVP_PKEY *key, const char *param)
{
	BIGNUM *n = NULL;
	unsigned char bytes[1024];
	_cleanup_buf_ struct buf text = BUF_INIT(2048);

	assert_int_equal(EVP_PKEY_get_bn_param(key, param, &n), 1);
	int len = BN_bn2bin(n, bytes);
	BN_free(n);
	base64url_encode(&text, bytes, (size_t)len);
	cJSON_AddStringToObject(jwk, name, buf_str(&text));
}

static cJSON *key_set(EVP_PKEY *key, const char *kid)
{
	cJSON *set = cJSON_CreateObject(), *keys = cJSON_AddArrayToObject(set, "keys"), *jwk = cJSON_CreateObject();

	cJSON_AddItemToArray(keys, jwk);
	cJSON_AddStringToObject(jwk, "kty", "RSA");
	cJSON_AddStringToObject(jwk, "kid", kid);
	add_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N);
	add_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E);
	return set;
}

static cJSON *claims(void)
{
	return cJSON_Parse("{\"iss\":\"https://issuer.example\",\"sub\":\"u1\",\"aud\":\"us\",\"nonce\":\"n1\",\"iat\":1795000000,"
			   "\"exp\":1795000300,\"email\":\"a@b.example\"}");
}

static int verify(const char *token, const cJSON *set, struct err *err)
{
	const struct idtoken_want want = {"https://issuer.example", "us", "n1", NOW};
	_cleanup_json_ cJSON *got = NULL;

	return idtoken_verify(token, set, &want, &got, err);
}

static int sign_and_verify(EVP_PKEY *key, const cJSON *set, const char *change, struct err *err)
{
	_cleanup_json_ cJSON *c = claims(), *more = cJSON_Parse(change), *header = cJSON_CreateObject();
	_cleanup_buf_ struct buf token = BUF_INIT(16384);

	for (cJSON *v = more->child; v; v = v->next) {
		cJSON_DeleteItemFromObjectCaseSensitive(c, v->string);
		if (!cJSON_IsNull(v))
			cJSON_AddItemToObject(c, v->string, cJSON_Duplicate(v, true));
	}
	cJSON_AddStringToObject(header, "kid", "k1");
	assert_int_equal(assertion_sign(ASSERT_RS256, key, header, c, &token, NULL), 0);
	return verify(buf_str(&token), set, err);
}

static void test_id_tokens(void **state)
{
	static const char *const bad[] = {"{\"iss\":\"https://issuer.example/\"}", "{\"aud\":\"them\"}", "{\"aud\":[\"us\",\"them\"]}",
		"{\"aud\":[]}", "{\"aud\":null}", "{\"azp\":\"them\"}", "{\"azp\":7}", "{\"nonce\":\"n2\"}", "{\"nonce\":null}",
		"{\"exp\":1794999000}", "{\"exp\":null}", "{\"exp\":\"soon\"}", "{\"iat\":1795001000}", "{\"iat\":1700000000}",
		"{\"iat\":null}", "{\"nbf\":1795001000}", "{\"sub\":\"\"}", "{\"sub\":null}"};
	static const char *const good[] = {"{}", "{\"aud\":[\"us\"]}", "{\"aud\":[\"us\",\"them\"],\"azp\":\"us\"}",
		"{\"nbf\":1795000000}", "{\"exp\":1794999950}"};
	_cleanup_key_ EVP_PKEY *key = test_key(2048), *other = test_key(2048);
	_cleanup_json_ cJSON *set = key_set(key, "k1"), *unknown = key_set(other, "k2"), *forged = key_set(other, "k1");
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (sign_and_verify(key, set, good[i], &err) != 0)
			fail_msg("%s: %s", good[i], err.message);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (sign_and_verify(key, set, bad[i], &err) != -1)
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(err.code, "bad_id_token");
	}
	assert_int_equal(sign_and_verify(key, unknown, "{}", &err), 1);
	assert_int_equal(sign_and_verify(key, forged, "{}", &err), -1);
}

static void compact(struct buf *out, const char *header, const char *payload)
{
	base64url_encode(out, header, strlen(header));
	buf_addc(out, '.');
	base64url_encode(out, payload, strlen(payload));
	buf_addc(out, '.');
}

/* alg none, HS256 under the public key, another algorithm, keys in the header, extensions, broken forms. */
static void test_hostile_tokens(void **state)
{
	static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\",\"kid\":\"k1\"}", "{\"alg\":\"HS256\",\"kid\":\"k1\"}",
		"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", "{\"alg\":\"RS256\",\"kid\":7}", "{\"alg\":\"RS256\",\"jku\":\"https://evil.example\"}",
		"{\"alg\":\"RS256\",\"kid\":\"k1\",\"jwk\":{}}", "{\"kid\":\"k1\"}", "[]", "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k1\"}"};
	static const char *const broken[] = {"", ".", "..", "...", "a.b", "a.b.c", "e30.e30.", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9..", "\xff.\xff.\xff"};
	_cleanup_key_ EVP_PKEY *key = test_key(2048);
	_cleanup_json_ cJSON *set = key_set(key, "k1"), *c = claims();
	_cleanup_buf_ struct buf payload = BUF_INIT(4096);
	struct err err;

	json_print(c, &payload);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		_cleanup_buf_ struct buf token = BUF_INIT(16384);
		unsigned char mac[32];
		unsigned len = sizeof(mac);
		compact(&token, headers[i], buf_str(&payload));
		BIO *bio = BIO_new(BIO_s_mem());
		char *pem = NULL;
		PEM_write_bio_PUBKEY(bio, key);
		long pem_len = BIO_get_mem_data(bio, &pem);
		HMAC(EVP_sha256(), pem, (int)pem_len, (const unsigned char *)token.data, token.len - 1, mac, &len);
		BIO_free(bio);
		if (i % 2 == 0)
			base64url_encode(&token, mac, len);
		if (verify(buf_str(&token), set, &err) == 0)
			fail_msg("taken: %s", headers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_not_equal(verify(broken[i], set, &err), 0);
	/* A short key in the set. */
	_cleanup_key_ EVP_PKEY *small = test_key(1024);
	_cleanup_json_ cJSON *weak = key_set(small, "k1");
	assert_int_equal(sign_and_verify(small, weak, "{}", &err), -1);
}

static void test_made_keys(void **state)
{
	struct vault_record r = {0};
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_certificate_ X509 *x = NULL;
	char thumbprint[41];
	struct err err;

	assert_int_equal(key_make("sekisho 青葉", 365, &r, thumbprint, &err), 0);
	const struct buf *k = &vault_record_item(&r, "key_file")->value, *c = &vault_record_item(&r, "certificate_file")->value;
	assert_int_equal(pem_private_key(buf_str(k), k->len, NULL, "key", &key, &err), 0);
	assert_int_equal(pem_certificate(buf_str(c), c->len, "certificate", &x, &err), 0);
	assert_true(pem_key_fits(x, key));
	assert_int_equal(X509_verify(x, key), 1);
	assert_null(strstr(buf_str(c), "PRIVATE"));
	assert_int_equal(strspn(thumbprint, "0123456789ABCDEF"), 40);
	vault_record_free(&r);
	assert_int_equal(key_make("", 365, &r, thumbprint, &err), -1);
	assert_int_equal(key_make("x", 100000, &r, thumbprint, &err), -1);
}

/* ---- the vault's life ---- */

static void put(struct vault *v, const char *connection, const char *tenant, const char *secret)
{
	struct vault_record r = {.n = 1};

	snprintf(r.connection, sizeof(r.connection), "%s", connection);
	snprintf(r.tenant, sizeof(r.tenant), "%s", tenant);
	snprintf(r.provider, sizeof(r.provider), "x");
	r.items[0] = (struct vault_item){.purpose = "secret", .value = BUF_INIT(VAULT_VALUE_MAX)};
	buf_adds(&r.items[0].value, secret);
	assert_int_equal(vault_put(v, &r, NULL), 0);
	vault_record_free(&r);
}

static void has(struct vault *v, const char *connection, const char *secret)
{
	struct vault_record r = {0};
	struct err err;

	if (vault_load(v, connection, &r, &err) < 0)
		fail_msg("%s: %s", connection, err.message);
	assert_string_equal(buf_str(&r.items[0].value), secret);
	vault_record_free(&r);
}

static void test_vault_life(void **state)
{
	char dir[64], path[200];
	unsigned char kek[SEAL_KEY], next[SEAL_KEY];
	struct vault *v = NULL, *w = NULL;
	struct vault_record before = {0}, after = {0};
	int64_t n = 0;
	struct err err;

	test_folder_new(dir);
	random_bytes(kek, sizeof(kek));
	random_bytes(next, sizeof(next));
	assert_int_equal(vault_open(dir, kek, &v, &err), 0);
	put(v, "a-1", "a", "one");
	put(v, "a-2", "a", "two");
	put(v, "b-1", "b", "three");
	assert_int_equal(vault_load(v, "a-1", &before, &err), 0);
	assert_int_equal(vault_rotate(v, "a", &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vault_rotate(v, NULL, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_int_equal(vault_load(v, "a-1", &after, &err), 0);
	assert_int_equal(before.version, after.version);
	vault_record_free(&before);
	vault_record_free(&after);
	assert_int_equal(vault_rekey(v, next, &err), 0);
	has(v, "a-2", "two");
	vault_close(v);
	assert_int_equal(vault_open(dir, kek, &v, &err), -1);
	assert_string_equal(err.code, "wrong_key");
	assert_int_equal(vault_open(dir, next, &v, &err), 0);
	has(v, "b-1", "three");
	/* A backup, into another vault with another key. */
	snprintf(path, sizeof(path), "%s/backup", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(vault_backup(v, "short", fd, &n, &err), -1);
	assert_string_equal(err.code, "bad_passphrase");
	assert_int_equal(vault_backup(v, "a passphrase of some length", fd, &n, &err), 0);
	assert_int_equal(n, 3);
	_cleanup_buf_ struct buf bytes = BUF_INIT(1 << 20);
	assert_int_equal(io_read_file(path, &bytes, &err), 0);
	assert_null(memmem(bytes.data, bytes.len, "three", 5));
	char other[300];
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(io_mkdirs(other, 0700, &err), 0);
	assert_int_equal(vault_open(other, kek, &w, &err), 0);
	put(w, "c-1", "c", "four");
	assert_int_equal(vault_restore(w, "another passphrase!", fd, &n, &err), -1);
	assert_string_equal(err.code, "bad_backup");
	assert_int_equal(vault_restore(w, "a passphrase of some length", fd, &n, &err), 0);
	assert_int_equal(n, 3);
	has(w, "a-1", "one");
	has(w, "b-1", "three");
	has(w, "c-1", "four");
	assert_int_equal(ftruncate(fd, (off_t)bytes.len - 1), 0);
	assert_int_equal(vault_restore(w, "a passphrase of some length", fd, &n, &err), -1);
	close(fd);
	vault_close(v);
	vault_close(w);
	test_folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passwords), cmocka_unit_test(test_totp), cmocka_unit_test(test_pending),
		cmocka_unit_test(test_id_tokens), cmocka_unit_test(test_hostile_tokens), cmocka_unit_test(test_made_keys),
		cmocka_unit_test(test_vault_life),
	};

	return cmocka_run_group_tests_name("auth-people", tests, NULL, NULL);
}
