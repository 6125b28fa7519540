/* A password-protected archive of one held item: ZIP with AES-256 (WinZip AE-2), which common tools open.
 * A library of its own (zip_dep), for it needs libarchive. Any thread. */
#ifndef BASE_ZIP_H
#define BASE_ZIP_H

#include "base/err.h"

/* Writes path (mode 0600; must not exist) with one member: the base name of `name`, made safe. Reads fd from its start. */
int zip_encrypted(const char *path, const char *name, int fd, const char *password, struct err *err);
/* The same into an open descriptor. */
int zip_encrypted_fd(int out, const char *name, int fd, const char *password, struct err *err);

#endif
