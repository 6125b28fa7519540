/* The file sink: OCSF events as lines of JSON in DIR/events.ndjson, synced before they are confirmed, rotated by size
 * to events-<time>.ndjson. A torn last line of a crash is cut off when the file is opened, and events whose uid stands
 * in its last part are not written twice. See sink.h for threads. */
#include "events/sink.h"

#include "base/cleanup.h"
#include "base/ioutil.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ROTATE_BYTES (64 << 20)
#define TAIL_BYTES (1 << 20)

struct sink {
	char dir[3000];
	char path[3100];
	int fd;
	off_t size;
	struct buf tail; /* the end of what an earlier process wrote: to recognise repeats; empty later */
};

static int open_file(struct sink *s, struct err *err)
{
	s->fd = open(s->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return err_errno(err, "%s", s->path);
	struct stat st;
	if (fstat(s->fd, &st) < 0)
		return err_errno(err, "%s", s->path);
	s->size = st.st_size;
	return 0;
}

/* Reads the last part and cuts what stands behind its last line end. */
static int mend_tail(struct sink *s, struct err *err)
{
	off_t from = s->size > TAIL_BYTES ? s->size - TAIL_BYTES : 0;
	size_t len = (size_t)(s->size - from);

	if (buf_reserve(&s->tail, len) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	while (s->tail.len < len) {
		ssize_t n = pread(s->fd, s->tail.data + s->tail.len, len - s->tail.len, from + (off_t)s->tail.len);
		if (n <= 0)
			break;
		s->tail.len += (size_t)n;
	}
	if (s->tail.data)
		s->tail.data[s->tail.len] = '\0';
	size_t keep = s->tail.len;
	while (keep && s->tail.data[keep - 1] != '\n')
		keep--;
	if (keep != s->tail.len) {
		if (ftruncate(s->fd, from + (off_t)keep) < 0)
			return err_errno(err, "%s", s->path);
		s->size = from + (off_t)keep;
		s->tail.len = keep;
		s->tail.data[keep] = '\0';
	}
	return 0;
}

static void file_close(struct sink *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	buf_free(&s->tail);
	free(s);
}

static int file_open(const char *where, struct sink **ret, struct err *err)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	s->fd = -1;
	s->tail.max = TAIL_BYTES + 1;
	snprintf(s->dir, sizeof(s->dir), "%s", where);
	snprintf(s->path, sizeof(s->path), "%s/events.ndjson", s->dir);
	if (io_mkdirs(s->dir, 0700, err) < 0 || open_file(s, err) < 0 || mend_tail(s, err) < 0) {
		file_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

static int rotate(struct sink *s, struct err *err)
{
	char old[3300], now[TIME_RFC3339_LEN];

	time_format(time_now_ms(), now);
	snprintf(old, sizeof(old), "%s/events-%s.ndjson", s->dir, now);
	if (rename(s->path, old) < 0)
		return err_errno(err, "%s", old);
	close(s->fd);
	s->fd = -1;
	return open_file(s, err);
}

static size_t file_send(struct sink *s, const struct store_outbox *events, size_t n, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(128 << 20);

	if (s->fd < 0 && open_file(s, err) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (s->tail.len && memmem(s->tail.data, s->tail.len, events[i].uid, strlen(events[i].uid)))
			continue;
		if (buf_adds(&out, events[i].json) < 0 || buf_addc(&out, '\n') < 0) {
			err_set(err, ERR_LOCAL, "memory", "out of memory");
			return 0;
		}
	}
	off_t before = s->size;
	if (io_write_all(s->fd, buf_str(&out), out.len) < 0 || fdatasync(s->fd) < 0) {
		err_errno(err, "%s", s->path);
		/* Half a line must not stay: the same events come again. */
		if (ftruncate(s->fd, before) < 0) {
			close(s->fd);
			s->fd = -1;
		}
		err->class = ERR_RETRY;
		return 0;
	}
	s->size = before + (off_t)out.len;
	if (out.len)
		buf_free(&s->tail); /* new events went out: what comes now was never written */
	if (s->size > ROTATE_BYTES && rotate(s, err) < 0)
		return n;
	return n;
}

const struct sink_class sink_file = {.name = "file", .open = file_open, .send = file_send, .close = file_close};
