/* Content on its way to a scan worker; see content.h. Owns the byte budget and the memory and spool files.
 * Called by connectors and by http_call() on core's job threads; a content belongs to one thread at a time,
 * only the budget's counters are shared. */
#include "net/content.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/ioutil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define STEP (256 << 10) /* reserved at first when the size is not known, and the least step of growth */
#define SPOOL_PREFIX "spool-"

struct content_budget {
	pthread_mutex_t lock;
	int64_t total, used, peak;
	int64_t memory_max;
	char *spool_dir; /* NULL: memory only */
};

struct content {
	struct content_budget *budget;
	int fd;
	bool spooled;
	bool finished;
	int64_t size, max, reserved, wanted;
	unsigned which;
	struct digester *digester;
};

/* A crash between making a spool file and unlinking it leaves a name behind (only where O_TMPFILE is not known). */
static void remove_left_overs(const char *dir)
{
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, SPOOL_PREFIX, strlen(SPOOL_PREFIX)) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

int content_budget_new(int64_t bytes, const char *spool_dir, int64_t memory_max, struct content_budget **ret,
	struct err *err)
{
	if (spool_dir && io_mkdirs(spool_dir, 0700, err) < 0)
		return -1;
	struct content_budget *b = calloc(1, sizeof(*b));
	char *dir = spool_dir ? strdup(spool_dir) : NULL;
	if (!b || (spool_dir && !dir)) {
		free(b);
		free(dir);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	pthread_mutex_init(&b->lock, NULL);
	b->total = bytes;
	b->memory_max = dir ? memory_max : INT64_MAX;
	b->spool_dir = dir;
	if (dir)
		remove_left_overs(dir);
	*ret = b;
	return 0;
}

void content_budget_free(struct content_budget *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b->spool_dir);
	free(b);
}

int64_t content_budget_used(struct content_budget *b)
{
	pthread_mutex_lock(&b->lock);
	int64_t used = b->used;
	pthread_mutex_unlock(&b->lock);
	return used;
}

int64_t content_budget_peak(struct content_budget *b)
{
	pthread_mutex_lock(&b->lock);
	int64_t peak = b->peak;
	pthread_mutex_unlock(&b->lock);
	return peak;
}

static bool budget_take(struct content_budget *b, int64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	bool fits = bytes <= b->total - b->used;
	if (fits) {
		b->used += bytes;
		if (b->used > b->peak)
			b->peak = b->used;
	}
	pthread_mutex_unlock(&b->lock);
	return fits;
}

static void budget_give(struct content_budget *b, int64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	b->used -= bytes;
	pthread_mutex_unlock(&b->lock);
}

static int too_big(const struct content *c, int64_t size, struct err *err)
{
	return err_set(err, ERR_TOO_BIG, "size_limit", "%" PRId64 " bytes, above the limit of %" PRId64, size, c->max);
}

/* Brings the reservation up to `bytes`. */
static int reserve(struct content *c, int64_t bytes, struct err *err)
{
	if (bytes <= c->reserved)
		return 0;
	if (bytes > c->wanted)
		c->wanted = bytes;
	if (bytes > c->budget->total)
		return err_set(err, ERR_TOO_BIG, "size_limit", "%" PRId64 " bytes, above the whole budget of %" PRId64,
			bytes, c->budget->total);
	if (!budget_take(c->budget, bytes - c->reserved))
		return err_set(err, ERR_RETRY, "budget", "no room for %" PRId64 " bytes of content now", bytes);
	c->reserved = bytes;
	return 0;
}

static int open_spool(const char *dir, struct err *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return err_errno(err, "spool file in %s", dir);
	/* This file system has no unnamed files: take the name away at once. */
	char name[sizeof(SPOOL_PREFIX) + 32];
	snprintf(name, sizeof(name), SPOOL_PREFIX);
	random_hex(name + strlen(SPOOL_PREFIX), 16);
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_errno(err, "spool folder %s", dir);
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "spool file in %s", dir);
	if (unlinkat(dir_fd, name, 0) < 0) {
		err_errno(err, "spool file in %s", dir);
		close(fd);
		return -1;
	}
	return fd;
}

/* Moves what was written from memory to a spool file. */
static int to_spool(struct content *c, struct err *err)
{
	_cleanup_free_ char *chunk = malloc(STEP);
	off_t at = 0;
	ssize_t n;

	if (!chunk)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	_cleanup_close_ int fd = open_spool(c->budget->spool_dir, err);
	if (fd < 0)
		return -1;
	while ((n = pread(c->fd, chunk, STEP, at)) > 0) {
		if (io_write_all(fd, chunk, (size_t)n) < 0)
			return err_errno(err, "writing to the spool");
		at += n;
	}
	if (n < 0 || at != c->size)
		return err_errno(err, "reading a memory file");
	close(c->fd);
	c->fd = TAKE_FD(fd);
	c->spooled = true;
	return 0;
}

int content_new(struct content_budget *b, int64_t expected, int64_t max, unsigned digests, struct content **ret,
	struct err *err)
{
	struct content *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	c->budget = b;
	c->fd = -1;
	c->max = max;
	c->which = digests;
	c->digester = digester_new(digests);
	if (!c->digester) {
		err_set(err, ERR_LOCAL, "memory", "out of memory");
		goto fail;
	}
	if (expected > max) {
		too_big(c, expected, err);
		goto fail;
	}
	if (reserve(c, expected >= 0 ? expected : max < STEP ? max : STEP, err) < 0)
		goto fail;
	c->spooled = expected > b->memory_max;
	c->fd = c->spooled ? open_spool(b->spool_dir, err) : io_memfd("content", err);
	if (c->fd < 0)
		goto fail;
	*ret = c;
	return 0;
fail:
	content_free(c);
	return -1;
}

void content_free(struct content *c)
{
	if (!c)
		return;
	budget_give(c->budget, c->reserved);
	digester_free(c->digester);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

int content_expect(struct content *c, int64_t size, struct err *err)
{
	if (size > c->max)
		return too_big(c, size, err);
	return reserve(c, size, err);
}

/* Room for `size` bytes; beyond what was expected the reservation doubles, so that a long content of unknown
 * length asks seldom. */
static int grow(struct content *c, int64_t size, struct err *err)
{
	if (size <= c->reserved)
		return 0;
	int64_t step = c->reserved > STEP ? c->reserved : STEP;
	int64_t want = size - c->reserved > step ? size : c->reserved + step;
	if (want > c->max)
		want = c->max;
	if (want > c->budget->total && size <= c->budget->total)
		want = c->budget->total;
	if (reserve(c, want, NULL) == 0)
		return 0;
	return reserve(c, size, err);
}

int content_write(struct content *c, const void *data, size_t len, struct err *err)
{
	if (c->finished)
		return err_set(err, ERR_LOCAL, "content_finished", "content written to after its end");
	if ((uint64_t)len > (uint64_t)(c->max - c->size))
		return too_big(c, c->size + (int64_t)len, err);
	if (grow(c, c->size + (int64_t)len, err) < 0)
		return -1;
	if (!c->spooled && c->size + (int64_t)len > c->budget->memory_max && to_spool(c, err) < 0)
		return -1;
	if (io_write_all(c->fd, data, len) < 0)
		return err_errno(err, "writing content");
	digester_update(c->digester, data, len);
	c->size += (int64_t)len;
	return 0;
}

int content_restart(struct content *c, struct err *err)
{
	if (c->finished)
		return err_set(err, ERR_LOCAL, "content_finished", "content written to after its end");
	struct digester *fresh = digester_new(c->which);
	if (!fresh)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (ftruncate(c->fd, 0) < 0 || lseek(c->fd, 0, SEEK_SET) < 0) {
		digester_free(fresh);
		return err_errno(err, "emptying content");
	}
	digester_free(c->digester);
	c->digester = fresh;
	c->size = 0;
	return 0;
}

/* A spool file cannot be sealed: give away a descriptor that cannot write. */
static int read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int content_finish(struct content *c, struct digests *ret, struct err *err)
{
	if (c->finished)
		return err_set(err, ERR_LOCAL, "content_finished", "content finished twice");
	if (!c->spooled && io_memfd_seal(c->fd, err) < 0)
		return -1;
	if (c->spooled) {
		int fd = read_only(c->fd);
		if (fd < 0)
			return err_errno(err, "opening a spool file for reading");
		close(c->fd);
		c->fd = fd;
	}
	if (lseek(c->fd, 0, SEEK_SET) < 0)
		return err_errno(err, "rewinding content");
	c->finished = true;
	digester_finish(TAKE_PTR(c->digester), ret);
	budget_give(c->budget, c->reserved - c->size);
	c->reserved = c->size;
	return 0;
}

int content_fd(const struct content *c)
{
	return c->fd;
}

int64_t content_size(const struct content *c)
{
	return c->size;
}

int64_t content_wanted(const struct content *c)
{
	return c->wanted > c->reserved ? c->wanted : c->reserved;
}
