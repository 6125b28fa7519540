/* Known good and bad content, on which a new database is tried before it serves. Pure functions. */
#ifndef SCAN_SAMPLES_H
#define SCAN_SAMPLES_H

#include "scan/scan.h"

struct sample {
	const char *name;
	enum scan_verdict expect;
};

/* NULL behind the last. */
const struct sample *sample_get(int index);
/* A sealed memory file with the sample's bytes. */
int sample_open(int index, int *ret_fd, int64_t *ret_size, struct err *err);

#endif
