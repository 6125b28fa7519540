/* Files of secrets; see secret.h. */
#include "auth/secret.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>

int secret_read(int fd, const char *name, struct buf *ret, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: not a regular file", name);
	if (st.st_size == 0 || (uint64_t)st.st_size > ret->max)
		return err_set(err, ERR_REMOTE, "bad_secret", "%s: a file of 1 to %zu bytes is wanted", name, ret->max);
	/* Room for everything at once: a growing buffer would leave parts of the secret behind. */
	if (buf_reserve(ret, (size_t)st.st_size) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	while (ret->len < (size_t)st.st_size) {
		ssize_t n = pread(fd, ret->data + ret->len, (size_t)st.st_size - ret->len, (off_t)ret->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s", name);
		if (n == 0)
			break;
		ret->len += (size_t)n;
	}
	ret->data[ret->len] = '\0';
	return 0;
}

int secret_line(const struct buf *text, const char *name, const char **ret, size_t *ret_len, struct err *err)
{
	const char *s = buf_str(text);
	size_t len = text->len;

	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			len = 0;
	if (len == 0)
		return err_set(err, ERR_REMOTE, "bad_secret",
			"%s: one line of printable characters is wanted: put nothing but the secret into the file", name);
	*ret = s;
	*ret_len = len;
	return 0;
}
