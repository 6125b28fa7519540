/* A worker's folder on disk, where it has no file system of its own: in the state folder, named by its pid.
 * Made by the worker, counted and removed by its generation; the master sweeps up at its start. */
#ifndef SCAN_FOLDER_H
#define SCAN_FOLDER_H

#include "base/err.h"

#include <sys/types.h>

#define FOLDER_PATH_MAX 640

void folder_path(const char *state, pid_t pid, char out[FOLDER_PATH_MAX]);
int folder_make(const char *path, struct err *err);
void folder_remove(const char *path);
/* Removes what an earlier role left. */
void folder_sweep(const char *state);

/* Bytes on disk in it, and in files that the process still has open and has removed, as far as /proc lets them be
 * seen. */
int64_t folder_used(const char *path, pid_t pid);

#endif
