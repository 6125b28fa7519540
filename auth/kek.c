/* Finds, reads and makes the key-encryption key; see kek.h. */
#include "auth/kek.h"

#include "auth/secret.h"
#include "base/encode.h"
#include "base/ioutil.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

int kek_parse(const char *text, size_t len, unsigned char ret[SEAL_KEY])
{
	_cleanup_wipe_ struct buf b = BUF_INIT(256);
	char hex[2 * SEAL_KEY + 1];

	if (len == SEAL_KEY) {
		memcpy(ret, text, SEAL_KEY);
		return 0;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len == 2 * SEAL_KEY) {
		memcpy(hex, text, len);
		hex[len] = '\0';
		int r = hex_decode(ret, hex, SEAL_KEY);
		OPENSSL_cleanse(hex, sizeof(hex));
		return r;
	}
	if (len < 43 || len > 44 || base64_decode(&b, text, len) < 0 || b.len != SEAL_KEY)
		return -1;
	memcpy(ret, b.data, SEAL_KEY);
	return 0;
}

static int check_mode(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_LOCAL, "key_mode", "%s: not a regular file", path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_LOCAL, "key_mode", "%s belongs to another user: chown it to the user of the service", path);
	if ((st.st_mode & 07777) != 0600 && (st.st_mode & 07777) != 0400)
		return err_set(err, ERR_LOCAL, "key_mode", "%s has mode %04o and others may read it: chmod 0600 %s", path,
			(unsigned)(st.st_mode & 07777), path);
	return 0;
}

/* check: not for systemd's credentials, whose folder is private and whose owner and mode are systemd's affair. */
static int read_key(const char *path, bool check, unsigned char ret[SEAL_KEY], struct err *err)
{
	_cleanup_wipe_ struct buf b = BUF_INIT(1024);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (check && check_mode(path, fd, err) < 0)
		return -1;
	if (secret_read(fd, path, &b, err) < 0 || kek_parse(buf_str(&b), b.len, ret) < 0)
		return err_set(err, ERR_LOCAL, "bad_key_file",
			"%s: a key of 32 bytes is wanted, as 64 hex digits or base64 (openssl rand -hex 32)", path);
	return 0;
}

static int make_key(const char *path, unsigned char ret[SEAL_KEY], struct err *err)
{
	unsigned char key[SEAL_KEY];
	char text[2 * SEAL_KEY + 2];

	random_bytes(key, sizeof(key));
	hex_encode(text, key, sizeof(key));
	text[2 * SEAL_KEY] = '\n';
	int r = io_write_file(path, text, 2 * SEAL_KEY + 1, 0600, err);
	if (r == 0) {
		memcpy(ret, key, SEAL_KEY);
		log_info("key.made", "path=%s", path);
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

int kek_path(const char *state, const char *key_file, char *path, size_t size, bool *ret_ours, struct err *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	int n;

	if (!key_file && credentials && snprintf(path, size, "%s/sekisho-key", credentials) < (int)size && access(path, F_OK) == 0) {
		*ret_ours = false;
		return 0;
	}
	n = key_file ? snprintf(path, size, "%s", key_file) : snprintf(path, size, "%s/key", state);
	if (n >= (int)size)
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", state);
	*ret_ours = true;
	return 0;
}

static int staged_path(const char *path, char *out)
{
	return snprintf(out, PATH_MAX, "%s.next", path) < PATH_MAX ? 0 : -1;
}

int kek_stage(const char *path, const unsigned char *key, unsigned char ret[SEAL_KEY], struct err *err)
{
	char staged[PATH_MAX], text[2 * SEAL_KEY + 2];

	if (staged_path(path, staged) < 0)
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", path);
	if (!key)
		return make_key(staged, ret, err);
	hex_encode(text, key, SEAL_KEY);
	text[2 * SEAL_KEY] = '\n';
	int r = io_write_file(staged, text, 2 * SEAL_KEY + 1, 0600, err);
	OPENSSL_cleanse(text, sizeof(text));
	if (r == 0)
		memcpy(ret, key, SEAL_KEY);
	return r;
}

int kek_settle(const char *path, struct err *err)
{
	char staged[PATH_MAX];

	if (staged_path(path, staged) < 0)
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", path);
	return io_rename(staged, path, err);
}

int kek_staged(const char *path, unsigned char ret[SEAL_KEY])
{
	char staged[PATH_MAX];

	return staged_path(path, staged) == 0 && access(staged, F_OK) == 0 ? read_key(staged, true, ret, NULL) : -1;
}

int kek_load(const char *state, const char *key_file, bool make, unsigned char ret[SEAL_KEY], struct err *err)
{
	char path[PATH_MAX];
	bool ours;

	if (kek_path(state, key_file, path, sizeof(path), &ours, err) < 0)
		return -1;
	if (key_file || !ours)
		return read_key(path, ours, ret, err);
	if (access(path, F_OK) == 0)
		return read_key(path, true, ret, err);
	if (errno != ENOENT)
		return err_errno(err, "%s", path);
	if (!make)
		return err_set(err, ERR_LOCAL, "key_missing",
			"%s is missing, and the vault cannot be read without it: bring it back, or remove %s/vault.db and connect anew",
			path, state);
	return make_key(path, ret, err);
}
