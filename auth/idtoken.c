/* Verifies ID tokens; see idtoken.h. */
#include "auth/idtoken.h"

#include "auth/pem.h"
#include "base/encode.h"

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#define SKEW_S 120
#define OLDEST_S (24 * 3600)

DEFINE_CLEANUP(jwt_t *, jwt_free)
DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_REMOTE, "bad_id_token", "the sign-in provider's answer is not to be trusted: %s", what);
}

/* Part n of the compact form as JSON. */
static int read_part(const char *token, int n, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(IDTOKEN_MAX);
	const char *end;

	for (int i = 0; i < n && token; i++) {
		token = strchr(token, '.');
		token = token ? token + 1 : NULL;
	}
	end = token ? strchr(token, '.') : NULL;
	if (!end || base64_decode(&text, token, (size_t)(end - token)) < 0 ||
		json_parse(buf_str(&text), text.len, ret, NULL) < 0 || !cJSON_IsObject(*ret))
		return bad(err, "it is no signed token");
	return 0;
}

/* ---- keys ---- */

static BIGNUM *number(const cJSON *jwk, const char *name)
{
	const char *text = json_str(jwk, name);
	_cleanup_buf_ struct buf bytes = BUF_INIT(2048);

	if (!text || base64_decode(&bytes, text, strlen(text)) < 0 || bytes.len == 0)
		return NULL;
	return BN_bin2bn((const unsigned char *)bytes.data, (int)bytes.len, NULL);
}

static EVP_PKEY *rsa_key(const cJSON *jwk)
{
	_cleanup_(BN_freep) BIGNUM *n = number(jwk, "n");
	_cleanup_(BN_freep) BIGNUM *e = number(jwk, "e");
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	_cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = NULL;
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (!n || !e || !build || !ctx || BN_num_bits(n) < PEM_LEAST_BITS || BN_num_bits(n) > 8192 || BN_num_bits(e) > 64 ||
		!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) ||
		!(params = OSSL_PARAM_BLD_to_param(build)) || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

/* A key that may sign RS256, of that id; without an id only when the set holds no other. */
static const cJSON *find_key(const cJSON *set, const char *kid)
{
	const cJSON *jwk, *found = NULL;
	int usable = 0;

	cJSON_ArrayForEach(jwk, json_array(set, "keys"))
	{
		const char *id = json_str(jwk, "kid");
		if (strcmp(json_str_or(jwk, "kty", ""), "RSA") != 0 || strcmp(json_str_or(jwk, "use", "sig"), "sig") != 0 ||
			strcmp(json_str_or(jwk, "alg", "RS256"), "RS256") != 0)
			continue;
		usable++;
		if (kid ? id && strcmp(id, kid) == 0 : true)
			found = jwk;
	}
	return kid || usable == 1 ? found : NULL;
}

/* ---- the signature ---- */

static int verify_signature(const char *token, const cJSON *jwk, struct err *err)
{
	_cleanup_key_ EVP_PKEY *key = rsa_key(jwk);
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	_cleanup_(jwt_freep) jwt_t *jwt = NULL;
	char *pem = NULL;

	if (!key || !bio || PEM_write_bio_PUBKEY(bio, key) != 1)
		return bad(err, "its key is not a proper RSA key of 2048 bits or more");
	long len = BIO_get_mem_data(bio, &pem);
	if (len <= 0 || jwt_decode(&jwt, token, (const unsigned char *)pem, (int)len) != 0)
		return bad(err, "the signature does not fit");
	/* libjwt takes the algorithm from the token: it is the one pinned before, or nothing was verified. */
	return jwt_get_alg(jwt) == JWT_ALG_RS256 ? 0 : bad(err, "it is not signed by RS256");
}

static int check_header(const cJSON *header, struct err *err)
{
	if (strcmp(json_str_or(header, "alg", ""), "RS256") != 0)
		return bad(err, "it is not signed by RS256");
	if (json_get(header, "crit") || json_get(header, "jwk") || json_get(header, "jku") || json_get(header, "x5u"))
		return bad(err, "its header asks for what is not supported");
	const cJSON *kid = json_get(header, "kid");
	return !kid || cJSON_IsString(kid) ? 0 : bad(err, "its key id is no text");
}

/* ---- the claims ---- */

static bool same(const char *a, const char *b)
{
	return a && b && strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

static bool for_us(const cJSON *claims, const char *client_id)
{
	const cJSON *aud = json_get(claims, "aud"), *one;
	const char *azp = json_str(claims, "azp");
	bool found = cJSON_IsString(aud) && same(aud->valuestring, client_id);

	if (cJSON_IsArray(aud)) {
		cJSON_ArrayForEach(one, aud)
			found = found || (cJSON_IsString(one) && same(one->valuestring, client_id));
		if (cJSON_GetArraySize(aud) > 1 && !azp)
			return false;
	}
	return found && (!json_get(claims, "azp") || same(azp, client_id));
}

static int check_claims(const cJSON *claims, const struct idtoken_want *want, struct err *err)
{
	int64_t exp, iat, nbf;

	if (!same(json_str(claims, "iss"), want->issuer))
		return bad(err, "it is from another issuer");
	if (!for_us(claims, want->client_id))
		return bad(err, "it is meant for another application");
	if (!same(json_str(claims, "nonce"), want->nonce))
		return bad(err, "it belongs to another sign-in");
	if (!json_int64(claims, "exp", &exp) || exp + SKEW_S < want->now)
		return bad(err, "it has ended");
	if (!json_int64(claims, "iat", &iat) || iat > want->now + SKEW_S || iat + OLDEST_S < want->now)
		return bad(err, "it was not made just now");
	if (json_get(claims, "nbf") && (!json_int64(claims, "nbf", &nbf) || nbf > want->now + SKEW_S))
		return bad(err, "it is not valid yet");
	const char *sub = json_str(claims, "sub");
	return sub && *sub && strlen(sub) <= 255 ? 0 : bad(err, "it names nobody");
}

int idtoken_verify(const char *token, const cJSON *keys, const struct idtoken_want *want, cJSON **ret_claims, struct err *err)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;

	if (strlen(token) > IDTOKEN_MAX)
		return bad(err, "it is too long");
	if (read_part(token, 0, &header, err) < 0 || check_header(header, err) < 0)
		return -1;
	const cJSON *jwk = find_key(keys, json_str(header, "kid"));
	if (!jwk)
		return 1;
	if (verify_signature(token, jwk, err) < 0 || read_part(token, 1, &claims, err) < 0 || check_claims(claims, want, err) < 0)
		return -1;
	*ret_claims = TAKE_PTR(claims);
	return 0;
}
