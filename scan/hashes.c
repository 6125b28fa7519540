/* Reading hash signatures; see hashes.h. */
#include "scan/hashes.h"

#include "base/log.h"

#include <archive.h>
#include <archive_entry.h>
#include <clamav.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CVD_HEADER 512
#define BUFFER (1u << 20) /* a longer line is no signature */
#define IGNORED_MAX 100000

enum member { MEMBER_OTHER, MEMBER_HASHES, MEMBER_GOOD, MEMBER_IGNORED };

struct hashes {
	struct database db;
	int next_file;
	int fd;                  /* the file at hand, -1 */
	struct archive *archive; /* NULL: a loose file */
	enum member member;      /* of what is read now */
	bool in_member, ignoring; /* ignoring: the first round, which only gathers names */
	unsigned engine_level;
	char *buffer;
	size_t at, len;
	bool end; /* of the member */
	char **ignored;
	size_t n_ignored, ignored_cap;
};

static enum member member_of(const char *name)
{
	static const struct {
		const char *extension;
		enum member member;
	} known[] = {{".hdb", MEMBER_HASHES}, {".hsb", MEMBER_HASHES}, {".fp", MEMBER_GOOD}, {".sfp", MEMBER_GOOD},
		{".ign", MEMBER_IGNORED}, {".ign2", MEMBER_IGNORED}};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(known); i++)
		if (strcasecmp(dot, known[i].extension) == 0)
			return known[i].member;
	return MEMBER_OTHER;
}

static bool is_container(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcasecmp(dot, ".cvd") == 0 || strcasecmp(dot, ".cld") == 0 || strcasecmp(dot, ".cud") == 0);
}

static void close_file(struct hashes *h)
{
	if (h->archive)
		archive_read_free(h->archive);
	h->archive = NULL;
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->in_member = false;
}

static bool wanted(const struct hashes *h, enum member m)
{
	return h->ignoring ? m == MEMBER_IGNORED : m == MEMBER_HASHES || m == MEMBER_GOOD;
}

static void begin_member(struct hashes *h, enum member m)
{
	h->member = m;
	h->in_member = true;
	h->at = h->len = 0;
	h->end = false;
}

/* A container is a head of 512 bytes with a tar behind it, packed or not. */
static bool open_container(struct hashes *h, const char *path)
{
	if (lseek(h->fd, CVD_HEADER, SEEK_SET) < 0 || !(h->archive = archive_read_new()))
		return false;
	archive_read_support_filter_gzip(h->archive);
	archive_read_support_format_tar(h->archive);
	if (archive_read_open_fd(h->archive, h->fd, BUFFER) != ARCHIVE_OK) {
		log_warn("scan.hashes", "file=%s error=\"%s\"", path, archive_error_string(h->archive));
		return false;
	}
	return true;
}

static bool open_file(struct hashes *h)
{
	const struct database_file *f = &h->db.files[h->next_file++];
	enum member m = member_of(f->path);

	if (f->left_out || (!is_container(f->path) && !wanted(h, m)))
		return false;
	h->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (h->fd < 0) {
		log_warn("scan.hashes", "file=%s error=\"%s\"", f->path, strerror(errno));
		return false;
	}
	if (is_container(f->path)) {
		if (open_container(h, f->path))
			return true;
		close_file(h);
		return false;
	}
	begin_member(h, m);
	return true;
}

/* The next member that is wanted, of this file or a later one. */
static bool next_member(struct hashes *h)
{
	struct archive_entry *e;

	for (;;) {
		while (h->archive) {
			int r = archive_read_next_header(h->archive, &e);
			if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
				if (r != ARCHIVE_EOF)
					log_warn("scan.hashes", "file=%s error=\"%s\"", h->db.files[h->next_file - 1].path, archive_error_string(h->archive));
				close_file(h);
				break;
			}
			const char *name = archive_entry_pathname(e);
			if (name && wanted(h, member_of(name))) {
				begin_member(h, member_of(name));
				return true;
			}
		}
		close_file(h);
		if (h->next_file >= h->db.n_files)
			return false;
		if (open_file(h) && !h->archive)
			return true;
	}
}

static bool fill(struct hashes *h)
{
	memmove(h->buffer, h->buffer + h->at, h->len - h->at);
	h->len -= h->at;
	h->at = 0;
	if (h->len == BUFFER)
		h->len = 0; /* no line is that long: what it is does not matter */
	ssize_t n;
	do
		n = h->archive ? archive_read_data(h->archive, h->buffer + h->len, BUFFER - h->len) :
				 read(h->fd, h->buffer + h->len, BUFFER - h->len);
	while (n < 0 && !h->archive && errno == EINTR);
	if (n <= 0) {
		h->end = true;
		return false;
	}
	h->len += (size_t)n;
	return true;
}

/* NULL at the end of the member; not NUL-terminated. */
static const char *next_line(struct hashes *h, size_t *ret_len)
{
	for (;;) {
		const char *line = h->buffer + h->at, *end = memchr(line, '\n', h->len - h->at);
		if (!end && !h->end && fill(h))
			continue;
		line = h->buffer + h->at;
		if (!end && h->at == h->len)
			return NULL;
		size_t len = end ? (size_t)(end - line) : h->len - h->at;
		h->at += len + (end ? 1 : 0);
		if (len && line[len - 1] == '\r')
			len--;
		*ret_len = len;
		return line;
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_ignored(const struct hashes *h, const struct hash_signature *s)
{
	char name[HASH_NAME_MAX + 1], *key = name;

	if (h->n_ignored == 0)
		return false;
	memcpy(name, s->name, s->name_len);
	name[s->name_len] = '\0';
	return bsearch(&key, h->ignored, h->n_ignored, sizeof(char *), compare_names) != NULL;
}

static int gather_ignored(struct hashes *h, const char *line, size_t len, struct err *err)
{
	const char *name = hash_line_ignored(line, len, &len);

	if (!name || h->n_ignored == IGNORED_MAX)
		return 0;
	if (h->n_ignored == h->ignored_cap) {
		size_t cap = h->ignored_cap ? h->ignored_cap * 2 : 64;
		char **more = realloc(h->ignored, cap * sizeof(*more));
		if (!more)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		h->ignored = more;
		h->ignored_cap = cap;
	}
	if (!(h->ignored[h->n_ignored] = strndup(name, len)))
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	h->n_ignored++;
	return 0;
}

static int read_ignored(struct hashes *h, struct err *err)
{
	const char *line;
	size_t len;

	h->ignoring = true;
	while (next_member(h))
		while ((line = next_line(h, &len)))
			if (gather_ignored(h, line, len, err) < 0)
				return -1;
	if (h->n_ignored)
		qsort(h->ignored, h->n_ignored, sizeof(char *), compare_names);
	h->ignoring = false;
	h->next_file = 0;
	return 0;
}

int hashes_open(const struct scan_config *config, struct hashes **ret, struct err *err)
{
	_cleanup_(hashes_freep) struct hashes *h = calloc(1, sizeof(*h));

	if (!h || !(h->buffer = malloc(BUFFER)))
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	h->fd = -1;
	h->engine_level = cl_retflevel();
	if (database_list(config, &h->db, err) < 0 || read_ignored(h, err) < 0)
		return -1;
	*ret = TAKE_PTR(h);
	return 0;
}

int hashes_next(struct hashes *h, struct hash_signature *ret)
{
	const char *line;
	size_t len;

	for (;;) {
		if (!h->in_member && !next_member(h))
			return 0;
		while ((line = next_line(h, &len))) {
			struct hash_signature s = {.good = h->member == MEMBER_GOOD, .unofficial = !h->archive};
			if (!hash_line_read(line, len, h->engine_level, &s) || is_ignored(h, &s))
				continue;
			*ret = s;
			return 1;
		}
		h->in_member = false;
	}
}

void hashes_free(struct hashes *h)
{
	if (!h)
		return;
	close_file(h);
	database_free(&h->db);
	for (size_t i = 0; i < h->n_ignored; i++)
		free(h->ignored[i]);
	free(h->ignored);
	free(h->buffer);
	free(h);
}
