/* Which known contents would the hash signatures of now find? Asked with hashes alone: no content is read again.
 *
 * A process of its own for each round, forked by the role: it reads all hash signatures once into a table of 8 bytes each,
 * answers batches of records out of it, and reads them once more for the few that seem to match, which are then compared
 * whole. Core talks to it over a socket of its own (base/msg.h framing), so that items being scanned do not wait.
 *
 *   SCAN_RECHECK → SCAN_RECHECK_REPLY with the socket
 *   RECHECK_READY (i64 signatures)                      process → core, first
 *   RECHECK_LOOK (u32 n, descriptor of n records)     → RECHECK_MAYBE (bytes: u32 indexes of records)
 *   RECHECK_VERIFY (u32 n, descriptor of n records)   → RECHECK_FOUND (u32 n, then u32 index and str name each)
 * A content one of whose records is known to be harmless is not found, as with the engine. */
#ifndef SCAN_RECHECK_H
#define SCAN_RECHECK_H

#include "scan/client.h"

enum recheck_message { RECHECK_READY = 0x2c0, RECHECK_LOOK, RECHECK_MAYBE, RECHECK_VERIFY, RECHECK_FOUND };

#define RECHECK_BATCH 50000  /* records in a look */
#define RECHECK_VERIFIES 2000

/* One part of a content, or the content itself. All of one content stand together. */
struct recheck_record {
	uint8_t sha256[32], sha1[20], md5[16];
	uint32_t content; /* a number of the caller's */
	uint64_t size;
};

struct recheck_found {
	uint32_t record; /* index in the batch */
	char name[160];  /* of the signature */
};

/* ---- core's side: blocking, one thread a round ---- */

struct recheck;

/* Waits until the signatures are read (seconds). Errors: RETRY "peer_gone", "peer_timeout"; REMOTE "bad_reply". */
int recheck_open(struct scan_client *c, struct recheck **ret, int64_t *ret_signatures, struct err *err);
/* Indexes of records that may be found, at most n; room for n of them. */
int recheck_look(struct recheck *r, const struct recheck_record *records, uint32_t n, uint32_t *ret_maybe, uint32_t *ret_n,
	struct err *err);
/* Of those, whole contents: what is found, at most n. */
int recheck_verify(struct recheck *r, const struct recheck_record *records, uint32_t n, struct recheck_found *ret, uint32_t *ret_n,
	struct err *err);
void recheck_close(struct recheck *r);
DEFINE_CLEANUP(struct recheck *, recheck_close)

/* ---- the role's side ---- */

/* Forks the process and gives core's end of its socket. The pid is to be waited for. */
int recheck_start(const struct scan_config *config, pid_t *ret_pid, int *ret_fd, struct err *err);

#endif
