/* Content: a file below the seed folder, bytes in memory, or (larger) an unnamed temporary file. Immutable
 * and never freed; digests are kept once computed. Creating, reading and digests run under the state lock,
 * blob_open() on any thread. */
#include "fakecloud/core.h"

#include "base/ioutil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IN_MEMORY_MAX (256 << 10)

struct fc_blob {
	char *path; /* of the seed; else NULL */
	char *data; /* in memory; else NULL */
	int fd;	    /* of an unnamed file; else -1 */
	int64_t size;
	unsigned have;
	struct digests digests;
};

static struct fc_blob *blob_new(int64_t size)
{
	struct fc_blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		abort();
	blob->fd = -1;
	blob->size = size;
	return blob;
}

struct fc_blob *fc_blob_from_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, R_OK) < 0)
		return NULL;
	struct fc_blob *blob = blob_new(st.st_size);
	blob->path = strdup(path);
	return blob;
}

static int unnamed_file(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : io_memfd("fakecloud-content", NULL);
}

struct fc_blob *fc_blob_from_bytes(const void *data, size_t len)
{
	struct fc_blob *blob = blob_new((int64_t)len);

	if (len > IN_MEMORY_MAX) {
		blob->fd = unnamed_file();
		if (blob->fd >= 0 && io_write_all(blob->fd, data, len) == 0)
			return blob;
		if (blob->fd >= 0)
			close(blob->fd);
		blob->fd = -1;
	}
	blob->data = malloc(len + 1);
	if (!blob->data)
		abort();
	if (len)
		memcpy(blob->data, data, len);
	return blob;
}

int64_t fc_blob_size(const struct fc_blob *blob)
{
	return blob->size;
}

int blob_open(const struct fc_blob *blob, const void **ret_data)
{
	if (blob->data) {
		*ret_data = blob->data;
		return -1;
	}
	int fd = blob->path ? open(blob->path, O_RDONLY | O_CLOEXEC) : fcntl(blob->fd, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 ? fd : -2;
}

const struct digests *fc_blob_digests(struct fc_blob *blob, unsigned which)
{
	if ((blob->have & which) == which)
		return &blob->digests;
	const void *data = NULL;
	unsigned all = blob->have | which;
	struct digests d = {0};
	_cleanup_close_ int fd = blob_open(blob, &data);
	if (fd >= 0 ? digest_fd(all, fd, &d) == 0
		    : data && digest_bytes(all, data, (size_t)blob->size, &d) == 0) {
		blob->digests = d;
		blob->have = all;
	}
	return &blob->digests;
}

int fc_blob_read(struct fc_blob *blob, int64_t offset, size_t len, struct buf *out)
{
	const void *data = NULL;

	if (offset < 0 || offset > blob->size)
		return -1;
	if ((int64_t)len > blob->size - offset)
		len = (size_t)(blob->size - offset);
	_cleanup_close_ int fd = blob_open(blob, &data);
	if (fd < 0)
		return data ? buf_add(out, (const char *)data + offset, len) : -1;
	if (buf_reserve(out, len) < 0)
		return -1;
	while (len) {
		ssize_t n = pread(fd, out->data + out->len, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		offset += n;
		len -= (size_t)n;
	}
	return 0;
}
