/* Points for the tests of the cage and of the master: what an engine taken over by its content could try.
 * Compiled in with the crash points alone, and dead unless the environment has SEKISHO_SCAN_TEST=1. */
#ifndef SCAN_TESTPOINT_H
#define SCAN_TESTPOINT_H

#include "scan/scan.h"

#ifdef SEKISHO_CRASH_POINTS
/* In a worker, before an item is scanned: content that begins with "sekisho-testpoint:" names what to do (see
 * testpoint.c). True when *ret says what came of it. May not return at all. sock: the worker's socket. */
bool testpoint_run(const void *data, size_t len, int sock, struct scan_reply *ret);
/* In a generation, before a file is read: dies when its name has "testpoint-crash". */
void testpoint_load(const char *path);
#else
static inline bool testpoint_run(const void *data, size_t len, int sock, struct scan_reply *ret)
{
	return false;
}
static inline void testpoint_load(const char *path)
{
}
#endif

#endif
