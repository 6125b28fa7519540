/* Detectors of personal, payment and secret data, of markings and wordings, and of what policies bring of their own. Patterns are
 * compiled into one vectorscan database before the workers are forked; what it finds is confirmed by checks (checks.c) and
 * told masked: never the data itself. In workers; one thread each. The table of detectors stands in detect.c.
 *
 * A policy's own are compiled by the worker that serves its tenant (own.c). */
#ifndef SCAN_DETECT_DETECT_H
#define SCAN_DETECT_DETECT_H

#include "scan/scan.h"

struct detect;

/* key: 64 hexadecimal digits for the hashes of hits, or "" for a random one. Before the cage closes. LOCAL "detectors". */
int detect_new(const char *key, struct detect **ret, struct err *err);
void detect_free(struct detect *d);

/* What policies bring of their own, for all tenants and for the one that is served: JSON lists of
 * {"id", "words": […], "pattern", "near": […], "caseless"}, "" for none. Takes the place of those before; on errors they stay.
 * *ret_refused: patterns that are left out. REMOTE "bad_detectors", LOCAL. */
int detect_own(struct detect *d, const char *common, const char *tenant, int *ret_refused, struct err *err);

enum detect_what {
	DETECT_TEXT,  /* UTF-8, NFKC */
	DETECT_NAME,  /* the same: of a file, or a subject; one line, and a marking may be a part of it */
	DETECT_BYTES, /* anything: only what is made of ASCII is found, and nothing of a policy's own */
};

/* A new item, with a reply that has nothing in it yet. */
void detect_begin(struct detect *d);
/* Looks at a part's words and notes hits in the reply; bounded. */
void detect_look(struct detect *d, struct scan_reply *reply, int part, enum detect_what what, const char *text, size_t len);
/* Was there nothing at all in that part: no hit, and no word that tells of hits in others? */
bool detect_blank(const struct detect *d, const struct scan_reply *reply, int part);
/* The item was looked at: what only all of it tells (cells and the words of their heads lie in two parts of a spreadsheet). */
void detect_end(struct detect *d, struct scan_reply *reply);

/* How many detectors are built in, and their ids. */
size_t detect_count(void);
const char *detect_id(size_t i);

#endif
