/* A password-protected archive of one held item: ZIP with AES-256 (WinZip AE-2), which common tools open. */
#ifndef CORE_ZIP_H
#define CORE_ZIP_H

#include "base/err.h"

/* Writes path (mode 0600; must not exist) with one member: the base name of `name`, made safe. Reads fd from its start. */
int zip_encrypted(const char *path, const char *name, int fd, const char *password, struct err *err);

#endif
