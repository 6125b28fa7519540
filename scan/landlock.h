/* Landlock for a worker: one folder, no network, no signals to outside. Linux 5.13 and later. */
#ifndef SCAN_LANDLOCK_H
#define SCAN_LANDLOCK_H

#include "base/err.h"

/* *ret_version 0: the kernel has none, which is no error. */
int landlock_confine(const char *folder, int *ret_version, struct err *err);

#endif
