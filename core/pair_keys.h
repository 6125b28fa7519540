/* Which mails belong together: hashes of who wrote to whom, in which thread, about what. Pure; any thread. */
#ifndef CORE_PAIR_KEYS_H
#define CORE_PAIR_KEYS_H

#include "scan/scan.h"
#include "store/pairs.h"

/* Sets keys, n_keys and message. None when it has no sender or nobody to go to. */
void pair_keys(const struct scan_mail *mail, int64_t stream, struct store_pair *p);

/* The subject without what answers, forwards and password mails put around it; "" when too little is left. */
void pair_subject(const char *subject, char *out, size_t size);

#endif
