/* When `once` has nothing left to do. */
#ifndef CORE_IDLE_H
#define CORE_IDLE_H

#include "core/core.h"

struct idle {
	int64_t last_look, last_count; /* monotonic ms */
	bool gave_up;                  /* something still fails that a later run may manage */
};

/* Nothing due, claimed, pending or waiting, and no round of discovery open? Called by core's main thread. */
bool idle_check(struct core *c, struct idle *idle);

#endif
