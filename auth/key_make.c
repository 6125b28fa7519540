/* Makes key pairs; see key_make.h. */
#include "auth/key_make.h"

#include "auth/pem.h"
#include "base/encode.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#define BITS 3072
#define DAYS_MOST 730

DEFINE_CLEANUP(BIO *, BIO_free)

static int failed(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_LOCAL, "signing", "a key pair could not be made");
}

static X509 *certify(EVP_PKEY *key, const char *common_name, int days)
{
	_cleanup_certificate_ X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	BIGNUM *serial = BN_new();

	bool ok = name && serial && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 && X509_set_version(x, 2) == 1 &&
		BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) && X509_gmtime_adj(X509_getm_notBefore(x), -300) &&
		X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1 &&
		X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0;
	BN_free(serial);
	return ok ? TAKE_PTR(x) : NULL;
}

/* The memory behind a private key's text is wiped by OpenSSL when the BIO goes. */
static int keep(struct vault_record *r, const char *purpose, BIO *bio)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);
	struct vault_item *item = &r->items[r->n++];

	item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	snprintf(item->purpose, sizeof(item->purpose), "%s", purpose);
	return len <= 0 || buf_reserve(&item->value, (size_t)len) < 0 ? -1 : buf_add(&item->value, text, (size_t)len);
}

static int fill(struct vault_record *r, EVP_PKEY *key, X509 *x)
{
	_cleanup_(BIO_freep) BIO *private = BIO_new(BIO_s_secmem());
	_cleanup_(BIO_freep) BIO *public = BIO_new(BIO_s_mem());
	_cleanup_(BIO_freep) BIO *grant = BIO_new_mem_buf("{\"type\":\"made_key\"}", -1);

	return private && public && grant && PEM_write_bio_PKCS8PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1 &&
			PEM_write_bio_X509(public, x) == 1 && keep(r, "certificate_file", public) == 0 &&
			keep(r, "key_file", private) == 0 && keep(r, "grant", grant) == 0 ?
		0 :
		-1;
}

int key_make(const char *common_name, int days, struct vault_record *r, char thumbprint[41], struct err *err)
{
	size_t len = strlen(common_name);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;

	if (len == 0 || len > 64 || days < 1 || days > DAYS_MOST)
		return err_set(err, ERR_REMOTE, "bad_request", "a name of 1 to 64 bytes and 1 to %d days are wanted", DAYS_MOST);
	_cleanup_key_ EVP_PKEY *key = EVP_RSA_gen(BITS);
	_cleanup_certificate_ X509 *x = key ? certify(key, common_name, days) : NULL;
	if (!x || fill(r, key, x) < 0 || X509_digest(x, EVP_sha1(), digest, &digest_len) != 1 || digest_len != 20)
		return failed(err);
	r->ends_at = pem_certificate_ends_at(x);
	hex_encode(thumbprint, digest, digest_len);
	for (char *p = thumbprint; *p; p++)
		*p = (char)(*p >= 'a' ? *p - 32 : *p);
	return 0;
}
