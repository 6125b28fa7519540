/* Signs assertions; see assertion.h. */
#include "auth/assertion.h"

#include "base/encode.h"

#include <jwt.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define TEXT_MAX 16384

DEFINE_CLEANUP(jwt_t *, jwt_free)
DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

static const struct {
	const char *name;
	jwt_alg_t jwt; /* NONE: not by libjwt */
} algorithms[] = {
	[ASSERT_RS256] = {"RS256", JWT_ALG_RS256},
	[ASSERT_RS384] = {"RS384", JWT_ALG_RS384},
	[ASSERT_RS512] = {"RS512", JWT_ALG_RS512},
	[ASSERT_PS256] = {"PS256", JWT_ALG_NONE},
};

int assertion_algorithm(const char *name, enum assertion_algorithm *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (strcmp(algorithms[i].name, name) == 0) {
			*ret = (enum assertion_algorithm)i;
			return 0;
		}
	}
	return -1;
}

static int failed(struct err *err)
{
	return err_set(err, ERR_LOCAL, "signing", "an assertion could not be signed");
}

/* ---- by libjwt ---- */

/* libjwt takes a key as PEM text; the memory behind it is wiped by OpenSSL when the BIO goes. */
static BIO *pem_of(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		return NULL;
	}
	return bio;
}

static int sign_by_libjwt(jwt_alg_t alg, EVP_PKEY *key, const char *header, const char *claims, struct buf *ret)
{
	_cleanup_(jwt_freep) jwt_t *jwt = NULL;
	_cleanup_(BIO_freep) BIO *bio = pem_of(key);
	char *pem = NULL;
	long len = bio ? BIO_get_mem_data(bio, &pem) : 0;

	if (len <= 0 || jwt_new(&jwt) != 0 || jwt_set_alg(jwt, alg, (const unsigned char *)pem, (int)len) != 0 ||
		jwt_add_headers_json(jwt, header) != 0 || jwt_add_grants_json(jwt, claims) != 0)
		return -1;
	char *text = jwt_encode_str(jwt);
	if (!text)
		return -1;
	int r = buf_adds(ret, text);
	explicit_bzero(text, strlen(text));
	free(text); /* no allocator of our own was set */
	return r;
}

/* ---- by OpenSSL ---- */

static int sign_ps256(EVP_PKEY *key, const struct buf *input, struct buf *ret)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL; /* ctx owns it */
	unsigned char signature[1024];
	size_t len = sizeof(signature);

	if (!ctx || EVP_DigestSignInit(ctx, &params, EVP_sha256(), NULL, key) != 1 ||
		EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(params, 32) != 1 ||
		EVP_DigestSign(ctx, signature, &len, (const unsigned char *)buf_str(input), input->len) != 1)
		return -1;
	return base64url_encode(ret, signature, len);
}

static int sign_by_openssl(EVP_PKEY *key, const char *header, const char *claims, struct buf *ret)
{
	_cleanup_wipe_ struct buf all = BUF_INIT(TEXT_MAX);
	_cleanup_buf_ struct buf input = BUF_INIT(TEXT_MAX);

	if (base64url_encode(&input, header, strlen(header)) < 0 || buf_addc(&input, '.') < 0 ||
		base64url_encode(&input, claims, strlen(claims)) < 0 || buf_add(&all, input.data, input.len) < 0 ||
		buf_addc(&all, '.') < 0 || sign_ps256(key, &input, &all) < 0)
		return -1;
	return buf_add(ret, all.data, all.len);
}

int assertion_sign(enum assertion_algorithm alg, EVP_PKEY *key, const cJSON *header, const cJSON *claims, struct buf *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *head = header ? cJSON_Duplicate(header, true) : cJSON_CreateObject();
	_cleanup_buf_ struct buf head_text = BUF_INIT(TEXT_MAX), claims_text = BUF_INIT(TEXT_MAX);
	bool by_libjwt = algorithms[alg].jwt != JWT_ALG_NONE;

	if (!head || json_print(claims, &claims_text) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	/* libjwt puts alg in by itself. */
	if ((!by_libjwt && !cJSON_AddStringToObject(head, "alg", algorithms[alg].name)) ||
		!cJSON_AddStringToObject(head, "typ", "JWT") || json_print(head, &head_text) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	int r = by_libjwt ? sign_by_libjwt(algorithms[alg].jwt, key, buf_str(&head_text), buf_str(&claims_text), ret) :
			    sign_by_openssl(key, buf_str(&head_text), buf_str(&claims_text), ret);
	return r < 0 ? failed(err) : 0;
}
