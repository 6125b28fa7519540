/* Encrypted content, opened with passwords: ZIP (ZipCrypto and AES) by libarchive, PDF by qpdf. What comes out lies in memory
 * and is scanned by inspect_open.c. Everything has a cap: bytes, members, tries, time. In workers, on untrusted content; one
 * thread. What neither library opens (7z and RAR with encryption) stays closed: README.md says so. */
#ifndef SCAN_OPEN_H
#define SCAN_OPEN_H

#include "scan/passwords.h"

#define OPEN_TRIES_MAX 2000 /* of one item: a password on a member */

enum open_kind { OPEN_NONE, OPEN_ZIP, OPEN_PDF, OPEN_OFFICE };

/* Is it something encrypted that could be opened? Cheap: of a ZIP the directory is looked at, of a PDF one word is looked for. */
enum open_kind open_kind_of(const char *type, const uint8_t *data, size_t len);

struct opened {
	char name[256];  /* UTF-8; "" none */
	const uint8_t *data; /* until the next call */
	size_t len;
};

enum open_result {
	OPEN_MEMBER, /* *ret is one; there may be more */
	OPEN_END,    /* nothing encrypted is left */
	OPEN_CLOSED, /* something is, and no password opens it */
	OPEN_SIZE,   /* a member is larger than max */
	OPEN_TIME,   /* over the deadline, or too many tries */
	OPEN_MEMORY,
};

struct opening;
/* data and passwords stay the caller's and outlive it. tries: counted over all of an item. NULL when memory ran out. */
struct opening *opening_new(enum open_kind kind, const uint8_t *data, size_t len, const struct passwords *passwords, int max_members, int *tries);
void opening_free(struct opening *o);

/* The next thing that was encrypted and is not any more. max: its bytes; until: of time_monotonic_ms(). */
enum open_result opening_next(struct opening *o, size_t max, int64_t until, struct opened *ret);
/* How many encrypted members came out so far. */
int opening_count(const struct opening *o);

#endif
