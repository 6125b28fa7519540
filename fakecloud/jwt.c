/* JWT assertions (RFC 7515, 7523) as the token addresses of the providers take them, verified by OpenSSL.
 * State lock held or not: no state. */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define JWT_MAX (64 << 10)

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(BIO *, BIO_free)

struct split {
	const char *part[3];
	size_t len[3];
};

static int jwt_split(const char *jwt, struct split *ret)
{
	const char *dot1 = jwt ? strchr(jwt, '.') : NULL;
	const char *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;

	if (!dot2 || strchr(dot2 + 1, '.') || strlen(jwt) > JWT_MAX)
		return -1;
	*ret = (struct split){
		.part = {jwt, dot1 + 1, dot2 + 1},
		.len = {(size_t)(dot1 - jwt), (size_t)(dot2 - dot1 - 1), strlen(dot2 + 1)},
	};
	return 0;
}

static int decode_object(const char *text, size_t len, cJSON **ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT(JWT_MAX);
	cJSON *doc;

	if (base64_decode(&b, text, len) < 0 || json_parse(buf_str(&b), b.len, &doc, NULL) < 0)
		return -1;
	if (!cJSON_IsObject(doc)) {
		json_free(doc);
		return -1;
	}
	*ret = doc;
	return 0;
}

int fc_jwt_peek(const char *jwt, cJSON **ret_header, cJSON **ret_claims)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	struct split s;

	if (jwt_split(jwt, &s) < 0 || decode_object(s.part[0], s.len[0], &header) < 0 ||
		decode_object(s.part[1], s.len[1], &claims) < 0)
		return -1;
	*ret_header = TAKE_PTR(header);
	*ret_claims = TAKE_PTR(claims);
	return 0;
}

static const EVP_MD *alg_digest(const char *alg)
{
	if (strlen(alg) != 5 || (strncmp(alg, "RS", 2) != 0 && strncmp(alg, "PS", 2) != 0))
		return NULL;
	return !strcmp(alg + 2, "256")	 ? EVP_sha256()
	       : !strcmp(alg + 2, "384") ? EVP_sha384()
	       : !strcmp(alg + 2, "512") ? EVP_sha512()
					 : NULL;
}

static bool signature_holds(const char *alg, const EVP_MD *md, const char *pem, const struct split *s,
	const struct buf *signature)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem, -1);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;

	if (!key || !ctx || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
		EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key) != 1)
		return false;
	if (*alg == 'P' && (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
				   EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) != 1))
		return false;
	/* Header, dot and claims lie side by side. */
	size_t signed_len = s->len[0] + 1 + s->len[1];
	return EVP_DigestVerify(ctx, (const unsigned char *)buf_str(signature), signature->len,
		       (const unsigned char *)s->part[0], signed_len) == 1;
}

int fc_jwt_verify(const char *jwt, const char *algorithms, const char *public_key_pem, cJSON **ret_header,
	cJSON **ret_claims, const char **ret_why)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	_cleanup_buf_ struct buf signature = BUF_INIT(4096);
	struct split s;

	*ret_why = "malformed";
	if (fc_jwt_peek(jwt, &header, &claims) < 0 || jwt_split(jwt, &s) < 0 ||
		base64_decode(&signature, s.part[2], s.len[2]) < 0)
		return -1;
	const char *alg = json_str_or(header, "alg", "");
	const EVP_MD *md = alg_digest(alg);
	*ret_why = "algorithm";
	if (!md || !fc_has_word(algorithms, alg, strlen(alg)))
		return -1;
	*ret_why = "signature";
	if (!signature_holds(alg, md, public_key_pem, &s, &signature))
		return -1;
	*ret_why = NULL;
	*ret_header = TAKE_PTR(header);
	*ret_claims = TAKE_PTR(claims);
	return 0;
}

bool fc_aud_ok(const struct fc_request *req, const char *aud, const char *real, const char *path)
{
	if (!aud)
		return false;
	if (real && !strcmp(aud, real))
		return true;
	const char *host = !strncmp(aud, "https://", 8)	 ? aud + 8
			   : !strncmp(aud, "http://", 7) ? aud + 7
							 : NULL;
	const char *slash = host ? strchr(host, '/') : NULL;
	if (!slash)
		return false;
	size_t len = strlen(slash), want = strlen(path), host_len = (size_t)(slash - host);
	if (len < want || strcmp(slash + len - want, path) != 0)
		return false;
	const char *own = fc_url(req->provider);
	own = !strncmp(own, "http://", 7) ? own + 7 : own;
	return (req->host && strlen(req->host) == host_len && !strncmp(req->host, host, host_len)) ||
	       (strlen(own) == host_len && !strncmp(own, host, host_len));
}
