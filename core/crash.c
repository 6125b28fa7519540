/* Crash points; see crash.h. */
#include "core/crash.h"

#ifdef SEKISHO_CRASH_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void crash_point(const char *name)
{
	static atomic_long passed;
	const char *want = getenv("SEKISHO_CRASH");
	size_t len = strlen(name);

	if (!want || strncmp(want, name, len) != 0 || want[len] != ':')
		return;
	if (atomic_fetch_add(&passed, 1) + 1 == strtol(want + len + 1, NULL, 10))
		kill(getpid(), SIGKILL);
}

#endif
