/* The scan role as core sees it: calls that block, over an rpc peer. Any thread. */
#ifndef SCAN_CLIENT_H
#define SCAN_CLIENT_H

#include "scan/scan.h"

#include "base/rpc.h"

struct scan_client {
	struct rpc *rpc; /* the caller's */
};

/* The first message to a new role. fd: its socket, before rpc_new(). errno on failure. */
int scan_client_configure(int fd, const struct scan_config *config);

/* Scans the descriptor (taken in every case) and waits. Errors mean that nothing was said of the item:
 * RETRY "peer_gone", "peer_timeout"; REMOTE "bad_reply". wait_ms: beside the item's own deadline the time it may
 * stand in the queue. */
int scan_client_scan(struct scan_client *c, const struct scan_request *req, int fd, int64_t wait_ms,
	struct scan_reply *ret, struct err *err);
/* Gives the detectors of policies (see SCAN_DETECTORS) in place of those before; again after each start of the role. Items that
 * are scanned already go on with what they have, those asked for afterwards have these. REMOTE "bad_detectors": no JSON object of
 * lists; TOO_BIG "bad_detectors". */
int scan_client_detectors(struct scan_client *c, const char *json, struct err *err);
int scan_client_info(struct scan_client *c, struct scan_info *ret, struct err *err);

#endif
