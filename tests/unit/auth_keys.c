/* Keys for the tests of auth; see auth_keys.h. */
#include "tests/unit/auth_keys.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define MUST(x)                                                                                              \
	do {                                                                                                 \
		if (!(x)) {                                                                                  \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                              \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

EVP_PKEY *test_key(int bits)
{
	EVP_PKEY *key = EVP_RSA_gen((unsigned)bits);

	MUST(key);
	return key;
}

static char *bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	BIO_free(bio);
	MUST(text);
	return text;
}

char *test_key_pem(EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
		     passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
	return bio_text(bio);
}

X509 *test_certificate(EVP_PKEY *key, long ends_s)
{
	X509 *c = X509_new();

	MUST(c && X509_set_version(c, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c), 1));
	MUST(X509_gmtime_adj(X509_getm_notBefore(c), -3600) && X509_gmtime_adj(X509_getm_notAfter(c), ends_s));
	MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)"aoba", -1, -1, 0));
	MUST(X509_set_issuer_name(c, X509_get_subject_name(c)) && X509_set_pubkey(c, key) && X509_sign(c, key, EVP_sha256()));
	return c;
}

char *test_certificate_pem(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(PEM_write_bio_X509(bio, certificate) == 1);
	return bio_text(bio);
}

void test_thumbprint(X509 *certificate, char *out)
{
	unsigned char der[8192], *p = der, sum[32];
	_cleanup_buf_ struct buf b = BUF_INIT(64);
	int len = i2d_X509(certificate, NULL);

	MUST(len > 0 && len < (int)sizeof(der));
	i2d_X509(certificate, &p);
	MUST(EVP_Digest(der, (size_t)len, sum, NULL, EVP_sha256(), NULL) == 1);
	MUST(base64url_encode(&b, sum, sizeof(sum)) == 0);
	snprintf(out, 64, "%s", buf_str(&b));
}

static cJSON *decode(const char *text, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	cJSON *doc = NULL;

	/* base64url alone: no padding, none of the other alphabet. */
	for (size_t i = 0; i < len; i++)
		MUST(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text[i]));
	if (base64_decode(&b, text, len) == 0)
		json_parse(buf_str(&b), b.len, &doc, NULL);
	return doc;
}

static bool signature_holds(EVP_PKEY *key, const char *alg, const char *input, size_t input_len, const struct buf *signature)
{
	const EVP_MD *md = strcmp(alg + 2, "384") == 0 ? EVP_sha384() : strcmp(alg + 2, "512") == 0 ? EVP_sha512() : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params;

	MUST(EVP_DigestVerifyInit(ctx, &params, md, NULL, key) == 1);
	if (alg[0] == 'P')
		MUST(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(params, 32) == 1);
	int r = EVP_DigestVerify(ctx, (const unsigned char *)buf_str(signature), signature->len, (const unsigned char *)input,
		input_len);
	EVP_MD_CTX_free(ctx);
	return r == 1;
}

bool test_jwt_verify(const char *jwt, const char *alg, EVP_PKEY *key, cJSON **ret_header, cJSON **ret_claims)
{
	const char *dot1 = strchr(jwt, '.'), *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	_cleanup_buf_ struct buf signature = BUF_INIT(4096);

	if (!dot2 || base64_decode(&signature, dot2 + 1, strlen(dot2 + 1)) < 0)
		return false;
	*ret_header = decode(jwt, (size_t)(dot1 - jwt));
	*ret_claims = decode(dot1 + 1, (size_t)(dot2 - dot1 - 1));
	return *ret_header && *ret_claims && strcmp(json_str_or(*ret_header, "alg", ""), alg) == 0 &&
		strcmp(json_str_or(*ret_header, "typ", ""), "JWT") == 0 &&
		signature_holds(key, alg, jwt, (size_t)(dot2 - jwt), &signature);
}

int test_secret_fd(const char *text)
{
	int fd = io_memfd("secret", NULL);

	MUST(fd >= 0 && io_write_all(fd, text, strlen(text)) == 0);
	return fd;
}

void test_folder_new(char out[64])
{
	snprintf(out, 64, "/tmp/sekisho-auth-XXXXXX");
	MUST(mkdtemp(out));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void test_folder_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *print(cJSON *doc)
{
	char *text = cJSON_Print(doc);

	cJSON_Delete(doc);
	MUST(text);
	return text;
}

char *test_box_config(const char *key_pem, const char *passphrase)
{
	cJSON *doc = cJSON_CreateObject(), *app = cJSON_AddObjectToObject(doc, "boxAppSettings"),
	      *auth = cJSON_AddObjectToObject(app, "appAuth");

	cJSON_AddStringToObject(app, "clientID", "box-client");
	cJSON_AddStringToObject(app, "clientSecret", "box-secret+/=&");
	cJSON_AddStringToObject(auth, "publicKeyID", "key1");
	cJSON_AddStringToObject(auth, "privateKey", key_pem);
	cJSON_AddStringToObject(auth, "passphrase", passphrase);
	cJSON_AddStringToObject(doc, "enterpriseID", "4711");
	return print(doc);
}

char *test_google_key(const char *key_pem, const char *token_uri)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "type", "service_account");
	cJSON_AddStringToObject(doc, "client_email", "sekisho@project.iam.gserviceaccount.com");
	cJSON_AddStringToObject(doc, "client_id", "1234567890");
	cJSON_AddStringToObject(doc, "private_key_id", "kid-7");
	cJSON_AddStringToObject(doc, "private_key", key_pem);
	cJSON_AddStringToObject(doc, "token_uri", token_uri);
	return print(doc);
}
