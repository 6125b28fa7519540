/* Typed messages between the roles, over SOCK_SEQPACKET-like framing on a stream socketpair:
 * a header {type, id, length} and a body of fields, with at most one descriptor (SCM_RIGHTS).
 *
 * A body is written field by field and must be read the same way to its end: msg_end() is the check that a
 * message was well-formed, and its failure ends the connection to the sender. No field is longer than
 * MSG_MAX. The reader never trusts a length. Functions on one struct msg: one thread. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MSG_MAX (1u << 20)
#define MSG_MAX_FDS 4

struct msg {
	uint32_t type;
	uint64_t id; /* of the request; the reply has the same */
	struct buf body;
	size_t at;   /* read position */
	bool broken; /* a read went beyond the end or a field was malformed */
	int fds[MSG_MAX_FDS]; /* owned */
	int n_fds;
};

void msg_init(struct msg *m, uint32_t type, uint64_t id);
void msg_free(struct msg *m);
#define _cleanup_msg_ _cleanup_(msg_free)

int msg_put_u32(struct msg *m, uint32_t v);
int msg_put_i64(struct msg *m, int64_t v);
int msg_put_str(struct msg *m, const char *s); /* NULL is written as NULL */
int msg_put_bytes(struct msg *m, const void *data, size_t len);
int msg_put_err(struct msg *m, const struct err *err);
/* Takes ownership of fd. -1 when there are MSG_MAX_FDS already (fd stays the caller's). */
int msg_put_fd(struct msg *m, int fd);

/* Readers return a zero value and mark the message broken when the field is not there. Strings are
 * NUL-checked and point into the body. */
uint32_t msg_get_u32(struct msg *m);
int64_t msg_get_i64(struct msg *m);
const char *msg_get_str(struct msg *m);
const void *msg_get_bytes(struct msg *m, size_t *ret_len);
void msg_get_err(struct msg *m, struct err *ret);
int msg_take_fd(struct msg *m); /* the first one left; -1 when there is none (not "broken") */
/* Everything read, nothing left, nothing broken? 0 or -1. */
int msg_end(struct msg *m);

/* Blocking, whole message. Send: errno on failure (EPIPE: the peer is gone). Descriptors are closed here
 * after sending. Not for two threads at once on one socket. */
int msg_send(int fd, struct msg *m);
/* 1 a message, 0 end of file, -1 error or malformed framing. m is initialised by the call. */
int msg_recv(int fd, struct msg *m);

#endif
