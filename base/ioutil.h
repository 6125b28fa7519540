/* Small wrappers of system calls: whole reads and writes, files, sealed memory files, sockets. */
#ifndef BASE_IOUTIL_H
#define BASE_IOUTIL_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

int io_write_all(int fd, const void *data, size_t len); /* errno on failure */
/* Whole file into b (up to its maximum; TOO_BIG "file_too_big" beyond). Refuses what is no regular file. */
int io_read_file(const char *path, struct buf *b, struct err *err);
int io_read_fd(int fd, struct buf *b, struct err *err);
/* Writes beside it, syncs, renames, syncs the folder: the old content or the new, never half of it. */
int io_write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err);
/* The same for a file that was written before. */
int io_rename(const char *from, const char *to, struct err *err);
int io_mkdirs(const char *path, mode_t mode, struct err *err);

/* An unnamed memory file, close-on-exec, sealable. */
int io_memfd(const char *name, struct err *err);
/* No more writing, growing or shrinking. */
int io_memfd_seal(int fd, struct err *err);

/* Maps a descriptor for reading; *ret_len 0 gives NULL. Undo with io_unmap(). */
int io_map(int fd, const void **ret, size_t *ret_len, struct err *err);
void io_unmap(const void *p, size_t len);

#endif
