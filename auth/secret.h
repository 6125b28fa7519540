/* Reading files of secrets without leaving copies in memory. Any thread. */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include "base/buf.h"
#include "base/err.h"

/* The whole regular file behind fd, from its beginning, in one allocation; ret is empty before and wiped by the caller.
 * Errors: REMOTE "bad_secret" (no regular file, empty, or above ret's maximum); LOCAL. name: for the message. */
int secret_read(int fd, const char *name, struct buf *ret, struct err *err);

/* A secret of one line (client secret, refresh token): without the white space around it; printable ASCII, at least
 * one character. Errors: REMOTE "bad_secret". The pointer is into text and ret_len gives its length. */
int secret_line(const struct buf *text, const char *name, const char **ret, size_t *ret_len, struct err *err);

#endif
