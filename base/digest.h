/* Digests over a stream of bytes: several at once in one pass.
 * Sources: FIPS 180-4 (by OpenSSL); Dropbox "Content hash"; Microsoft "QuickXorHash". */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA256 1u
#define DIGEST_SHA1 2u
#define DIGEST_DROPBOX 4u  /* content_hash: SHA-256 over the SHA-256s of 4 MiB blocks */
#define DIGEST_QUICKXOR 8u /* no cryptographic hash: proves nothing about content */
#define DIGEST_MD5 16u

/* Lower-case hex (base64 for quickxor), "" where not asked for. */
struct digests {
	char sha256[65];
	char sha1[41];
	char dropbox[65];
	char quickxor[29];
	char md5[33];
	int64_t size;
};

struct digester;

/* NULL when memory ran out. */
struct digester *digester_new(unsigned which);
void digester_update(struct digester *d, const void *data, size_t len);
/* Ends it and frees it. */
void digester_finish(struct digester *d, struct digests *ret);
void digester_free(struct digester *d);

/* All at once. */
int digest_bytes(unsigned which, const void *data, size_t len, struct digests *ret);
/* From the beginning of a descriptor, which keeps its offset. -1 with errno on a read error. */
int digest_fd(unsigned which, int fd, struct digests *ret);

#endif
