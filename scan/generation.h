/* A generation: a process that loads one database and forks workers which share it.
 *
 * The master starts it by a plain fork() (the master has one thread and no engine), talks to it over one
 * socket and ends it by closing that socket; its workers then die with it. Messages: wire.h. */
#ifndef SCAN_GENERATION_H
#define SCAN_GENERATION_H

#include "scan/database.h"

#include <sys/types.h>

/* Starts one; db is copied by the fork. background: another generation serves meanwhile, so load with less
 * weight where the process may take it back afterwards. */
int generation_start(const struct scan_config *config, struct database *db, bool background, pid_t *ret_pid,
	int *ret_fd, struct err *err);

#endif
