/* Detectors of personal and payment data: patterns are compiled into one vectorscan database before the workers are forked,
 * what they find is confirmed by checks.c, and told masked: never the data itself. In workers; one thread each. */
#ifndef SCAN_DETECT_H
#define SCAN_DETECT_H

#include "scan/scan.h"

struct detect;

/* key: 64 hexadecimal digits for the hashes of hits, or "" for a random one. Before the cage closes. LOCAL "detectors". */
int detect_new(const char *key, struct detect **ret, struct err *err);
void detect_free(struct detect *d);

/* A new item: nothing was found in it yet. */
void detect_begin(struct detect *d);

/* Looks at a part's bytes, or its words, and notes hits in the reply; bounded. */
void detect_look(struct detect *d, struct scan_reply *reply, int part, const char *text, size_t len);

#endif
