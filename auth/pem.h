/* Private keys and certificates as administrators have them in files. Pure functions; any thread. */
#ifndef AUTH_PEM_H
#define AUTH_PEM_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define PEM_LEAST_BITS 2048

static inline void pem_key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
static inline void pem_certificate_freep(X509 **certificate)
{
	X509_free(*certificate);
}
#define _cleanup_key_ _cleanup_(pem_key_freep)
#define _cleanup_certificate_ _cleanup_(pem_certificate_freep)

/* An RSA private key of at least 2048 bits in PEM (PKCS#8, encrypted when passphrase is given, or PKCS#1). what: names the
 * file in messages. Errors: REMOTE "bad_secret". */
int pem_private_key(const char *text, size_t len, const char *passphrase, const char *what, EVP_PKEY **ret, struct err *err);

/* The first certificate of a PEM file, or one in DER. Errors: REMOTE "bad_secret". */
int pem_certificate(const void *data, size_t len, const char *what, X509 **ret, struct err *err);
/* Does the key belong to it? When does it end (ms UTC)? */
bool pem_key_fits(X509 *certificate, EVP_PKEY *key);
int64_t pem_certificate_ends_at(X509 *certificate);
/* base64url of SHA-256 over the DER: x5t#S256 of RFC 7515, 4.1.8. -1 when memory ran out. */
int pem_thumbprint(X509 *certificate, struct buf *ret);

#endif
