/* Keys and certificates by OpenSSL; see pem.h. */
#include "auth/pem.h"

#include "base/encode.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

DEFINE_CLEANUP(BIO *, BIO_free)

/* Gives the passphrase, or none; without this OpenSSL would ask on the terminal. */
static int give_passphrase(char *out, int size, int writing, void *ctx)
{
	const char *passphrase = ctx;
	size_t len = passphrase ? strlen(passphrase) : 0;

	if (!passphrase || len > (size_t)size)
		return -1;
	memcpy(out, passphrase, len);
	return (int)len;
}

int pem_private_key(const char *text, size_t len, const char *passphrase, const char *what, EVP_PKEY **ret, struct err *err)
{
	_cleanup_(BIO_freep) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)(uintptr_t)passphrase);
	ERR_clear_error();
	if (!key && strstr(text, "ENCRYPTED"))
		return err_set(err, ERR_REMOTE, "bad_secret",
			passphrase ? "%s: the passphrase does not open the private key" :
				     "%s: the private key is encrypted: give one without a passphrase (openssl pkey -in FILE)",
			what);
	if (!key)
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: no private key in PEM form (BEGIN PRIVATE KEY)", what);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: an RSA key is wanted", what);
	if (EVP_PKEY_get_bits(key) < PEM_LEAST_BITS || EVP_PKEY_get_bits(key) > 8192)
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: an RSA key of 2048 to 8192 bits is wanted, this has %d", what,
			EVP_PKEY_get_bits(key));
	*ret = TAKE_PTR(key);
	return 0;
}

int pem_certificate(const void *data, size_t len, const char *what, X509 **ret, struct err *err)
{
	_cleanup_(BIO_freep) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(data, (int)len) : NULL;
	X509 *certificate = NULL;

	if (bio)
		certificate = PEM_read_bio_X509(bio, NULL, give_passphrase, NULL);
	if (!certificate && len <= LONG_MAX) {
		const unsigned char *p = data;
		certificate = d2i_X509(NULL, &p, (long)len);
	}
	ERR_clear_error();
	if (!certificate)
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: no certificate (BEGIN CERTIFICATE)", what);
	*ret = certificate;
	return 0;
}

bool pem_key_fits(X509 *certificate, EVP_PKEY *key)
{
	bool fits = X509_check_private_key(certificate, key) == 1;

	ERR_clear_error();
	return fits;
}

int64_t pem_certificate_ends_at(X509 *certificate)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

int pem_thumbprint(X509 *certificate, struct buf *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		return -1;
	return base64url_encode(ret, digest, len);
}
