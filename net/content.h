/* Content on its way from a provider to a scan worker: bytes in an unnamed memory file, or beyond a size in an
 * unlinked file of the spool folder; digests are taken while it is written. Nothing has a name on disk.
 *
 * A global byte budget bounds what all contents hold together. A content reserves its expected size when it is
 * made and more as it grows; when the budget is spent, growing fails with RETRY "budget" and content_wanted()
 * says how much to reserve next time. Nobody ever waits while holding a part.
 * One content belongs to one thread at a time; the budget is shared by all. */
#ifndef NET_CONTENT_H
#define NET_CONTENT_H

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct content_budget;

/* spool_dir: for contents above memory_max bytes; NULL: memory only. */
int content_budget_new(int64_t bytes, const char *spool_dir, int64_t memory_max, struct content_budget **ret,
	struct err *err);
void content_budget_free(struct content_budget *b);
int64_t content_budget_used(struct content_budget *b);
int64_t content_budget_peak(struct content_budget *b);

struct content;

/* expected: bytes, or -1 when not known (256 KiB are reserved); max: the item limit.
 * Errors: RETRY "budget"; TOO_BIG "size_limit" when expected is above max; LOCAL. */
int content_new(struct content_budget *b, int64_t expected, int64_t max, unsigned digests, struct content **ret,
	struct err *err);
void content_free(struct content *c);
DEFINE_CLEANUP(struct content *, content_free)

/* The whole size became known (Content-Length): reserves the rest. Errors as content_new(). */
int content_expect(struct content *c, int64_t size, struct err *err);
/* Errors: TOO_BIG "size_limit", RETRY "budget", LOCAL "disk_full", "system". */
int content_write(struct content *c, const void *data, size_t len, struct err *err);
/* Empties it for another attempt; keeps the reservation. */
int content_restart(struct content *c, struct err *err);
/* Ends writing: seals a memory file, gives the digests. Once. */
int content_finish(struct content *c, struct digests *ret, struct err *err);

int content_fd(const struct content *c); /* lent; read-only use after finishing */
int64_t content_size(const struct content *c);
int64_t content_wanted(const struct content *c);

#endif
