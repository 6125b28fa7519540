/* ID tokens and the key sets to check them with; see grant.h. */
#include "fakecloud/grant.h"

#include "base/encode.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(X509 *, X509_free)

static struct fc_keypair *key_of(const char *provider)
{
	static struct fc_keypair *made[2];
	struct fc_keypair **key = &made[!strcmp(provider, "microsoft")];

	if (!*key)
		*key = fc_keypair_new(provider);
	return *key;
}

const char *idtoken_certificate(const char *provider, const char **ret_kid)
{
	const struct fc_keypair *key = key_of(provider);

	*ret_kid = key->certificate_sha1;
	return key->certificate_pem;
}

static void add_part(struct buf *b, cJSON *doc)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 << 10);

	json_print(doc, &text);
	base64url_encode(b, buf_str(&text), text.len);
	json_free(doc);
}

char *idtoken_sign(struct arena *arena, const char *provider, cJSON *claims)
{
	const struct fc_keypair *pair = key_of(provider);
	_cleanup_buf_ struct buf b = BUF_INIT(128 << 10);
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pair->private_pem, -1);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	cJSON *header = cJSON_CreateObject();

	cJSON_AddStringToObject(header, "typ", "JWT");
	cJSON_AddStringToObject(header, "alg", "RS256");
	cJSON_AddStringToObject(header, "kid", pair->certificate_sha1);
	add_part(&b, header);
	buf_addc(&b, '.');
	add_part(&b, claims);
	if (!key || !ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, signature, &len, (const unsigned char *)buf_str(&b), b.len) != 1)
		abort();
	buf_addc(&b, '.');
	base64url_encode(&b, signature, len);
	return arena_dup(arena, buf_str(&b));
}

static void add_number(cJSON *jwk, const char *name, const EVP_PKEY *key, const char *param)
{
	_cleanup_(BN_freep) BIGNUM *n = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(4096);
	unsigned char bytes[1024];

	if (EVP_PKEY_get_bn_param(key, param, &n) != 1 || BN_num_bytes(n) > (int)sizeof(bytes))
		abort();
	base64url_encode(&text, bytes, (size_t)BN_bn2bin(n, bytes));
	cJSON_AddStringToObject(jwk, name, buf_str(&text));
}

static void add_certificate(cJSON *jwk, const char *pem)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem, -1);
	_cleanup_(X509_freep) X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(16 << 10);
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len <= 0)
		abort();
	base64_encode(&text, der, (size_t)len);
	OPENSSL_free(der);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(jwk, "x5c"), cJSON_CreateString(buf_str(&text)));
}

cJSON *idtoken_keys(const char *provider)
{
	const struct fc_keypair *pair = key_of(provider);
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pair->public_pem, -1);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	cJSON *doc = cJSON_CreateObject(), *jwk = cJSON_CreateObject();

	if (!key)
		abort();
	cJSON_AddItemToArray(cJSON_AddArrayToObject(doc, "keys"), jwk);
	cJSON_AddStringToObject(jwk, "kty", "RSA");
	cJSON_AddStringToObject(jwk, "use", "sig");
	cJSON_AddStringToObject(jwk, "kid", pair->certificate_sha1);
	if (!strcmp(provider, "microsoft")) {
		cJSON_AddStringToObject(jwk, "x5t", pair->certificate_sha1);
		add_certificate(jwk, pair->certificate_pem);
	} else {
		cJSON_AddStringToObject(jwk, "alg", "RS256");
	}
	add_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N);
	add_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E);
	return doc;
}

static char *hash_text(struct arena *arena, const char *a, const char *b, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	_cleanup_buf_ struct buf text = BUF_INIT(128), in = BUF_INIT(8192);

	buf_addf(&in, "%s%s", a, b);
	if (EVP_Digest(buf_str(&in), in.len, digest, &len, EVP_sha256(), NULL) != 1)
		abort();
	base64url_encode(&text, digest, n);
	return arena_dup(arena, buf_str(&text));
}

char *idtoken_at_hash(struct arena *arena, const char *access_token)
{
	return hash_text(arena, access_token, "", 16);
}

char *idtoken_pairwise(struct arena *arena, const char *client, const char *user)
{
	return hash_text(arena, client, user, 32);
}
