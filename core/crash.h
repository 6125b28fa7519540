/* Crash points: places on an item's way where a test may end the process, to prove that nothing is lost.
 *
 * SEKISHO_CRASH="name:n" in the environment kills this process with SIGKILL the n-th time it passes the point of that
 * name; compiled in by the build option crash_points. Any thread. */
#ifndef CORE_CRASH_H
#define CORE_CRASH_H

#ifdef SEKISHO_CRASH_POINTS
void crash_point(const char *name);
#else
static inline void crash_point(const char *name)
{
	(void)name;
}
#endif

#endif
