/* The watch over one scan: it sees each part through libclamav's callbacks, keeps our own limits, compares what
 * containers announce with what came out of them, and turns all of it into a reply.
 *
 * libclamav says "clean" for much that it did not look at. Here clean is what remains when no reason against
 * it was found; a threat wins over reasons, a reason over clean. One struct inspect a worker; one thread. */
#ifndef SCAN_INSPECT_H
#define SCAN_INSPECT_H

#include "scan/scan.h"

#include <clamav.h>

struct inspect;
struct detect;

/* image_hashes: compute them for signatures that ask for them. detect: the engine's, may be NULL. NULL when memory ran out. */
struct inspect *inspect_new(const struct scan_limits *limits, bool image_hashes, struct detect *detect);
void inspect_free(struct inspect *i);

/* The detectors changed: parts that held nothing may hold something now. */
void inspect_forget(struct inspect *i);

/* Sets the callbacks of an engine that is not compiled yet. Their context is a struct inspect. */
void inspect_attach(struct cl_engine *engine);

/* Scans the content and fills the reply but for engine, signatures and times. */
void inspect_run(struct inspect *i, struct cl_engine *engine, const struct scan_request *req, const void *data, size_t len,
	struct scan_reply *ret);

/* libclamav's messages, as they come through cl_set_clcb_msg() with the scan's context: a failed write or
 * allocation is swallowed by many of its parsers and would end as clean. */
void inspect_message(struct inspect *i, enum cl_msg severity, const char *text);

#endif
