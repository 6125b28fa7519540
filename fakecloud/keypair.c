/* Key pairs and self-signed certificates for the credentials that fakecloud hands out. Made at start, before
 * any thread. */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define OWN_KEYS 12

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(X509 *, X509_free)

/* The text of a memory BIO, which is freed. */
static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	if (!text)
		abort();
	BIO_free(bio);
	return text;
}

static X509 *certificate_new(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
	unsigned char serial[8];

	if (!cert)
		abort();
	random_bytes(serial, sizeof(serial));
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 2 * 365 * 86400L);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, subject);
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	return cert;
}

static void thumbprint(X509 *cert, const EVP_MD *md, char *out, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT(128);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	X509_digest(cert, md, digest, &len);
	base64url_encode(&text, digest, len);
	snprintf(out, size, "%s", buf_str(&text));
}

/* The first tenants have keys of their own; many tenants take turns with those, because making one costs a tenth of a
 * second. Who signs is known by client and certificate, so that nobody is taken for another. */
static EVP_PKEY *next_key(void)
{
	static EVP_PKEY *made[OWN_KEYS];
	static size_t count;
	EVP_PKEY **key = &made[count++ % OWN_KEYS];

	if (!*key)
		*key = EVP_RSA_gen(2048);
	if (*key)
		EVP_PKEY_up_ref(*key);
	return *key;
}

struct fc_keypair *fc_keypair_new(const char *common_name)
{
	struct fc_keypair *pair = calloc(1, sizeof(*pair));
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = next_key();

	if (!pair || !key)
		abort();
	random_hex(pair->passphrase, 16);

	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	pair->private_pem = bio_text(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(
		bio, key, EVP_aes_256_cbc(), pair->passphrase, (int)strlen(pair->passphrase), NULL, NULL);
	pair->private_encrypted_pem = bio_text(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(bio, key);
	pair->public_pem = bio_text(bio);

	_cleanup_(X509_freep) X509 *cert = certificate_new(key, common_name);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, cert);
	pair->certificate_pem = bio_text(bio);
	thumbprint(cert, EVP_sha256(), pair->certificate_sha256, sizeof(pair->certificate_sha256));
	thumbprint(cert, EVP_sha1(), pair->certificate_sha1, sizeof(pair->certificate_sha1));
	return pair;
}
