/* Keys, certificates and the judging of assertions for the tests of auth: made and verified with OpenSSL alone, so that
 * what auth signs is checked by other code than its own. */
#ifndef TESTS_UNIT_AUTH_KEYS_H
#define TESTS_UNIT_AUTH_KEYS_H

#include "base/json.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

EVP_PKEY *test_key(int bits);
/* PKCS#8 in PEM, encrypted when there is a passphrase; free(). */
char *test_key_pem(EVP_PKEY *key, const char *passphrase);
/* Self-signed, from now - 1 h to now + ends_s. */
X509 *test_certificate(EVP_PKEY *key, long ends_s);
char *test_certificate_pem(X509 *certificate);
/* base64url of SHA-256 over the DER, in a buffer of 64 bytes. */
void test_thumbprint(X509 *certificate, char *out);
/* Takes a compact JWT apart; true when the signature holds for that algorithm and the header names it. The documents are
 * the caller's. */
bool test_jwt_verify(const char *jwt, const char *alg, EVP_PKEY *key, cJSON **ret_header, cJSON **ret_claims);

/* A descriptor of an unnamed file with that content, at its beginning. */
int test_secret_fd(const char *text);
/* Folder under /tmp; removes it with everything in it. */
void test_folder_new(char out[64]);
void test_folder_remove(const char *path);

/* Box's config.json and Google's key file; free(). */
char *test_box_config(const char *key_pem, const char *passphrase);
char *test_google_key(const char *key_pem, const char *token_uri);

#endif
