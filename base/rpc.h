/* Requests and replies over one message socket, for many threads at once.
 *
 * One reader thread a peer: replies wake the waiting caller by id; requests from the peer go to `serve`,
 * on the reader thread, which must not block (hand long work to another thread and answer later by
 * rpc_reply()). When the peer goes away or sends a malformed message, all waiting calls fail with
 * RETRY "peer_gone" and `gone` is called once, on the reader thread. */
#ifndef BASE_RPC_H
#define BASE_RPC_H

#include "base/msg.h"

struct rpc;

struct rpc_ops {
	/* A request came; m is only lent. Returns -1 when it is malformed: ends the connection. */
	int (*serve)(void *ctx, struct rpc *rpc, struct msg *m);
	void (*gone)(void *ctx, struct rpc *rpc);
};

/* Takes the socket over. name: a static string for the log. */
int rpc_new(const char *name, int fd, const struct rpc_ops *ops, void *ctx, struct rpc **ret, struct err *err);
/* Ends the reader and fails all calls; waits for the reader thread. Not from `serve`. */
void rpc_free(struct rpc *rpc);
bool rpc_alive(struct rpc *rpc);

/* Sends m (its id is set here, its descriptors are taken) and waits for the answer; reply is initialised by
 * the call on success. Errors: RETRY "peer_gone", RETRY "peer_timeout" after timeout_ms. Any thread. */
int rpc_call(struct rpc *rpc, struct msg *m, int64_t timeout_ms, struct msg *ret_reply, struct err *err);

/* Answers a request (m->id is the request's). Any thread. */
int rpc_reply(struct rpc *rpc, struct msg *m);
/* A message that wants no answer. Any thread. */
int rpc_notify(struct rpc *rpc, struct msg *m);

#endif
