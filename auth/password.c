/* Passwords and one-time codes; see password.h. */
#include "auth/password.h"

#include "base/encode.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#define STEP_S 30

int password_make(const char *password, struct buf *ret, struct err *err)
{
	char hash[crypto_pwhash_STRBYTES];
	size_t len = strlen(password);

	if (len == 0 || len > PASSWORD_MAX)
		return err_set(err, ERR_REMOTE, "bad_password", "a password of 1 to %d bytes is wanted", PASSWORD_MAX);
	if (sodium_init() < 0 || crypto_pwhash_str(hash, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
					 crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0 ||
		buf_adds(ret, hash) < 0)
		return err_set(err, ERR_LOCAL, "memory", "no memory for a password's hash");
	return 0;
}

enum password_answer password_check(const char *hash, const char *password)
{
	char padded[crypto_pwhash_STRBYTES] = {0};
	size_t len = strlen(password);

	if (sodium_init() < 0 || strlen(hash) >= sizeof(padded) || len > PASSWORD_MAX)
		return PASSWORD_WRONG;
	memcpy(padded, hash, strlen(hash));
	if (crypto_pwhash_str_verify(padded, password, len) != 0)
		return PASSWORD_WRONG;
	return crypto_pwhash_str_needs_rehash(padded, crypto_pwhash_OPSLIMIT_INTERACTIVE,
		       crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0 ?
		PASSWORD_RIGHT :
		PASSWORD_AGAIN;
}

/* ---- one-time codes ---- */

int totp_make(struct buf *ret, struct err *err)
{
	unsigned char secret[TOTP_SECRET];

	random_bytes(secret, sizeof(secret));
	int r = buf_add(ret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return r < 0 ? err_set(err, ERR_LOCAL, "memory", "out of memory") : 0;
}

/* RFC 4648, 6; TOTP_SECRET is a multiple of five bytes, so there is no padding. */
static int base32(const struct buf *in, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const unsigned char *p = (const unsigned char *)buf_str(in);
	unsigned bits = 0, value = 0;

	for (size_t i = 0; i < in->len; i++) {
		value = value << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			if (buf_addc(out, digits[value >> (bits - 5) & 31]) < 0)
				return -1;
	}
	return 0;
}

int totp_show(const struct buf *secret, const char *label, struct buf *ret_base32, struct buf *ret_url, struct err *err)
{
	if (base32(secret, ret_base32) < 0 || buf_adds(ret_url, "otpauth://totp/sekisho:") < 0 ||
		url_encode(ret_url, label, "") < 0 ||
		buf_addf(ret_url, "?secret=%s&issuer=sekisho&algorithm=SHA1&digits=6&period=%d", buf_str(ret_base32), STEP_S) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return 0;
}

void totp_code(const struct buf *secret, int64_t step, char ret[7])
{
	unsigned char counter[8], mac[EVP_MAX_MD_SIZE] = {0};
	unsigned len = 0;

	for (int i = 0; i < 8; i++)
		counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	HMAC(EVP_sha1(), buf_str(secret), (int)secret->len, counter, sizeof(counter), mac, &len);
	/* RFC 4226, 5.3: the last nibble says where to take 31 bits. */
	unsigned at = mac[19] & 15;
	uint32_t n = ((uint32_t)mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	snprintf(ret, 7, "%06u", (unsigned)(n % 1000000));
	OPENSSL_cleanse(mac, sizeof(mac));
}

int64_t totp_check(const struct buf *secret, const char *code, int64_t now, int64_t last)
{
	int64_t found = 0;
	char want[7];

	if (strlen(code) != 6 || strspn(code, "0123456789") != 6)
		return 0;
	for (int64_t step = now / STEP_S - 1; step <= now / STEP_S + 1; step++) {
		totp_code(secret, step, want);
		if (CRYPTO_memcmp(want, code, 6) == 0 && step > last)
			found = step;
	}
	OPENSSL_cleanse(want, sizeof(want));
	return found;
}
