/* Encrypted archives through libarchive; see zip.h. Only writes: nothing is parsed. */
#include "base/zip.h"

#include "base/buf.h"
#include "base/encode.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The last part of the name without anything that could lead out of a folder; the ending says not to open it. */
static void safe_name(const char *name, struct buf *out)
{
	const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');

	if (back > slash)
		slash = back;
	if (slash)
		name = slash + 1;
	_cleanup_buf_ struct buf clean = BUF_INIT(2000);
	utf8_clean(&clean, name, strnlen(name, 200), true);
	for (const char *p = buf_str(&clean); *p; p++)
		buf_addc(out, strchr("/\\:*?\"<>|", *p) ? '_' : *p);
	if (!out->len || strcmp(buf_str(out), ".") == 0 || strcmp(buf_str(out), "..") == 0) {
		buf_clear(out);
		buf_adds(out, "item");
	}
	buf_adds(out, ".quarantined");
}

static int fail(struct archive *a, struct err *err)
{
	return err_set(err, ERR_LOCAL, "archive", "%s", archive_error_string(a) ? archive_error_string(a) : "failed");
}

static int copy(struct archive *a, int fd, struct err *err)
{
	char chunk[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		if (archive_write_data(a, chunk, (size_t)n) != n)
			return fail(a, err);
		at += n;
	}
	return n < 0 ? err_errno(err, "reading the item") : 0;
}

int zip_encrypted_fd(int out, const char *name, int fd, const char *password, struct err *err)
{
	_cleanup_buf_ struct buf member = BUF_INIT(3000);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "reading the item");
	safe_name(name, &member);
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	int r = -1;
	if (!a || !e) {
		err_set(err, ERR_LOCAL, "memory", "out of memory");
	} else if (archive_write_set_format_zip(a) != ARCHIVE_OK ||
		archive_write_set_options(a, "zip:encryption=aes256") != ARCHIVE_OK ||
		archive_write_set_passphrase(a, password) != ARCHIVE_OK || archive_write_open_fd(a, out) != ARCHIVE_OK) {
		fail(a, err);
	} else {
		archive_entry_set_pathname_utf8(e, buf_str(&member));
		archive_entry_set_size(e, st.st_size);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0600);
		if (archive_write_header(a, e) != ARCHIVE_OK)
			fail(a, err);
		else if (copy(a, fd, err) == 0)
			r = archive_write_close(a) == ARCHIVE_OK ? 0 : fail(a, err);
	}
	archive_entry_free(e);
	archive_write_free(a);
	return r;
}

int zip_encrypted(const char *path, const char *name, int fd, const char *password, struct err *err)
{
	_cleanup_close_ int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (out < 0)
		return err_errno(err, "%s", path);
	if (zip_encrypted_fd(out, name, fd, password, err) == 0)
		return 0;
	unlink(path);
	return err_prefix(err, "%s", path);
}
