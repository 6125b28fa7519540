/* Digests in one pass; see digest.h. One digester belongs to one thread at a time. */
#include "base/digest.h"

#include "base/buf.h"
#include "base/encode.h"

#include <openssl/evp.h>
#include <string.h>

#define DROPBOX_BLOCK (4 << 20)
#define QX_BITS 160
#define QX_BYTES 20

struct digester {
	unsigned which;
	EVP_MD_CTX *sha256, *sha1, *md5;
	EVP_MD_CTX *block, *blocks; /* Dropbox: of the block, of the blocks' digests */
	size_t block_len;
	unsigned char column[QX_BITS]; /* bytes whose index is i mod 160, XORed together */
	uint64_t size;
};

static EVP_MD_CTX *start(const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		abort(); /* OpenSSL without SHA-2 or memory for it: nothing below would be true */
	return ctx;
}

struct digester *digester_new(unsigned which)
{
	struct digester *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->which = which;
	if (which & DIGEST_SHA256)
		d->sha256 = start(EVP_sha256());
	if (which & DIGEST_SHA1)
		d->sha1 = start(EVP_sha1());
	if (which & DIGEST_MD5)
		d->md5 = start(EVP_md5());
	if (which & DIGEST_DROPBOX) {
		d->block = start(EVP_sha256());
		d->blocks = start(EVP_sha256());
	}
	return d;
}

static void end_block(struct digester *d)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_DigestFinal_ex(d->block, sum, &n);
	EVP_DigestUpdate(d->blocks, sum, n);
	EVP_DigestInit_ex(d->block, EVP_sha256(), NULL);
	d->block_len = 0;
}

static void dropbox_update(struct digester *d, const unsigned char *p, size_t len)
{
	while (len) {
		size_t n = DROPBOX_BLOCK - d->block_len < len ? DROPBOX_BLOCK - d->block_len : len;
		EVP_DigestUpdate(d->block, p, n);
		d->block_len += n;
		p += n;
		len -= n;
		if (d->block_len == DROPBOX_BLOCK)
			end_block(d);
	}
}

/* Byte i goes in at bit 11·i mod 160, which depends on i mod 160 alone: XOR the columns first, place them
 * once at the end. */
static void quickxor_update(struct digester *d, const unsigned char *p, size_t len)
{
	size_t at = (size_t)(d->size % QX_BITS);

	while (len) {
		size_t n = QX_BITS - at < len ? QX_BITS - at : len;
		for (size_t i = 0; i < n; i++)
			d->column[at + i] ^= p[i];
		p += n;
		len -= n;
		at = 0;
	}
}

static void quickxor_finish(const struct digester *d, char out[29])
{
	unsigned char state[QX_BYTES] = {0};

	for (unsigned i = 0; i < QX_BITS; i++) {
		unsigned bit = 11 * i % QX_BITS, byte = bit / 8, shift = bit % 8;
		state[byte] ^= (unsigned char)(d->column[i] << shift);
		if (shift)
			state[(byte + 1) % QX_BYTES] ^= (unsigned char)(d->column[i] >> (8 - shift));
	}
	for (unsigned i = 0; i < 8; i++)
		state[12 + i] ^= (unsigned char)(d->size >> (8 * i));
	_cleanup_buf_ struct buf b = BUF_INIT(64);
	base64_encode(&b, state, sizeof(state));
	snprintf(out, 29, "%s", buf_str(&b));
}

void digester_update(struct digester *d, const void *data, size_t len)
{
	if (d->sha256)
		EVP_DigestUpdate(d->sha256, data, len);
	if (d->sha1)
		EVP_DigestUpdate(d->sha1, data, len);
	if (d->md5)
		EVP_DigestUpdate(d->md5, data, len);
	if (d->block)
		dropbox_update(d, data, len);
	if (d->which & DIGEST_QUICKXOR)
		quickxor_update(d, data, len);
	d->size += len;
}

static void hex_final(EVP_MD_CTX *ctx, char *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!ctx)
		return;
	EVP_DigestFinal_ex(ctx, sum, &n);
	hex_encode(out, sum, n);
}

void digester_finish(struct digester *d, struct digests *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = (int64_t)d->size;
	hex_final(d->sha256, ret->sha256);
	hex_final(d->sha1, ret->sha1);
	hex_final(d->md5, ret->md5);
	if (d->blocks) {
		if (d->block_len)
			end_block(d);
		hex_final(d->blocks, ret->dropbox);
	}
	if (d->which & DIGEST_QUICKXOR)
		quickxor_finish(d, ret->quickxor);
	digester_free(d);
}

void digester_free(struct digester *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->sha256);
	EVP_MD_CTX_free(d->sha1);
	EVP_MD_CTX_free(d->md5);
	EVP_MD_CTX_free(d->block);
	EVP_MD_CTX_free(d->blocks);
	free(d);
}

int digest_bytes(unsigned which, const void *data, size_t len, struct digests *ret)
{
	struct digester *d = digester_new(which);

	if (!d)
		return -1;
	digester_update(d, data, len);
	digester_finish(d, ret);
	return 0;
}

int digest_fd(unsigned which, int fd, struct digests *ret)
{
	_cleanup_free_ char *chunk = malloc(1 << 16);
	struct digester *d = digester_new(which);
	off_t at = 0;
	ssize_t n = -1;

	while (chunk && d && (n = pread(fd, chunk, 1 << 16, at)) > 0) {
		digester_update(d, chunk, (size_t)n);
		at += n;
	}
	if (n < 0) {
		digester_free(d);
		return -1;
	}
	digester_finish(d, ret);
	return 0;
}
