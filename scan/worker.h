/* A worker: forked from a generation, caged, scans one item after the other until its socket closes. */
#ifndef SCAN_WORKER_H
#define SCAN_WORKER_H

#include "scan/engine.h"
#include "scan/sandbox.h"

/* fd: the socket to the master. Never returns. */
_Noreturn void worker_main(const struct scan_config *config, struct engine *engine, int fd, const struct sandbox_ids *ids);

#endif
