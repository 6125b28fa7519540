/* AES-256-GCM by OpenSSL; see seal.h. */
#include "auth/seal.h"

#include "base/encode.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>

#define NONCE 12
#define TAG 16

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

int seal(const unsigned char key[SEAL_KEY], const struct buf *aad, const void *plain, size_t len, struct buf *ret)
{
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char nonce[NONCE];
	int n = 0, last = 0;

	if (!ctx || len > INT_MAX / 2 || aad->len > INT_MAX / 2 || buf_reserve(ret, len + SEAL_OVERHEAD) < 0)
		return -1;
	unsigned char *out = (unsigned char *)ret->data + ret->len;
	random_bytes(nonce, sizeof(nonce));
	if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
		EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)buf_str(aad), (int)aad->len) != 1 ||
		EVP_EncryptUpdate(ctx, out + NONCE, &n, plain, (int)len) != 1 ||
		EVP_EncryptFinal_ex(ctx, out + NONCE + n, &last) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + len) != 1)
		return -1;
	memcpy(out, nonce, NONCE);
	ret->len += len + SEAL_OVERHEAD;
	ret->data[ret->len] = '\0';
	return 0;
}

int unseal(const unsigned char key[SEAL_KEY], const struct buf *aad, const void *sealed, size_t len, struct buf *ret)
{
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *in = sealed;
	unsigned char tag[TAG];
	int n = 0, last = 0;

	if (!ctx || len < SEAL_OVERHEAD || len > INT_MAX / 2 || aad->len > INT_MAX / 2 ||
		buf_reserve(ret, len - SEAL_OVERHEAD) < 0)
		return -1;
	size_t plain_len = len - SEAL_OVERHEAD;
	unsigned char *out = (unsigned char *)ret->data + ret->len;
	memcpy(tag, in + len - TAG, TAG);
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, in) != 1 ||
		EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)buf_str(aad), (int)aad->len) != 1 ||
		EVP_DecryptUpdate(ctx, out, &n, in + NONCE, (int)plain_len) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
		EVP_DecryptFinal_ex(ctx, out + n, &last) != 1) {
		OPENSSL_cleanse(out, plain_len); /* unverified plain text must not be seen */
		return -1;
	}
	ret->len += plain_len;
	ret->data[ret->len] = '\0';
	return 0;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

unsigned char *seal_key_page(void)
{
	void *p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Where locking is not allowed the page can be swapped: no reason to refuse service. */
	(void)mlock(p, page_size());
	madvise(p, page_size(), MADV_DONTDUMP);
	return p;
}

void seal_key_page_free(unsigned char *page)
{
	if (!page)
		return;
	OPENSSL_cleanse(page, page_size());
	munmap(page, page_size());
}
