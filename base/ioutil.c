/* System call wrappers; see ioutil.h. */
#include "base/ioutil.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_fd(int fd, struct buf *b, struct err *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read");
		if (buf_add(b, chunk, (size_t)n) < 0)
			return err_set(err, ERR_TOO_BIG, "file_too_big", "larger than %zu bytes", b->max);
	}
	return 0;
}

int io_read_file(const char *path, struct buf *b, struct err *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_LOCAL, "not_a_file", "%s: not a regular file", path);
	return io_read_fd(fd, b, err) < 0 ? err_prefix(err, "%s", path) : 0;
}

static int sync_parent(const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s", path);
	char *slash = strrchr(dir, '/');
	if (!slash)
		snprintf(dir, sizeof(dir), ".");
	else
		slash[slash == dir] = '\0';
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

int io_write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	char tmp[4096];

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", path);
	unlink(tmp);
	_cleanup_close_ int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_errno(err, "%s", tmp);
	if (io_write_all(fd, data, len) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0 || sync_parent(path) < 0) {
		err_errno(err, "%s", path);
		unlink(tmp);
		return -1;
	}
	return 0;
}

int io_rename(const char *from, const char *to, struct err *err)
{
	return rename(from, to) < 0 || sync_parent(to) < 0 ? err_errno(err, "%s", to) : 0;
}

int io_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char dir[4096];

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", path);
	for (char *p = dir + 1;; p++) {
		if (*p != '/' && *p)
			continue;
		char c = *p;
		*p = '\0';
		if (mkdir(dir, mode) < 0 && errno != EEXIST)
			return err_errno(err, "%s", dir);
		*p = c;
		if (!c)
			return 0;
	}
}

int io_memfd(const char *name, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? err_errno(err, "memfd_create") : fd;
}

int io_memfd_seal(int fd, struct err *err)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return err_errno(err, "sealing a memory file");
	return 0;
}

int io_map(int fd, const void **ret, size_t *ret_len, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "fstat");
	if (st.st_size == 0) {
		*ret = NULL;
		*ret_len = 0;
		return 0;
	}
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_errno(err, "mmap");
	*ret = p;
	*ret_len = (size_t)st.st_size;
	return 0;
}

void io_unmap(const void *p, size_t len)
{
	if (p)
		munmap((void *)(uintptr_t)p, len);
}
