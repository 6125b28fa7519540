/* The control socket: how the commands of the same machine ask a running service for something. STATE/control.sock,
 * mode 0600 in a folder of mode 0700; only root and the service's own user are served.
 *
 * Wire: base/msg.h. Request: CTL_REQUEST, str command, str arguments (JSON object), up to MSG_MAX_FDS descriptors.
 * Answer: CTL_RESULT, i64 exit code, str result (JSON), at most one descriptor; or AUTH-style error as
 * {"error": {"code", "class", "message"}} in the result. One request after another on a connection. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "core/core.h"

enum control_message { CTL_REQUEST = 0x300, CTL_RESULT };

struct control;

/* Starts the accepting thread; each client gets a thread of its own (at most 16). */
int control_start(struct core *c, struct control **ret, struct err *err);
void control_stop(struct control *ctl);

/* One request's handler: fills result (an object) and returns the exit code; *ret_fd: a descriptor to send, or left
 * at -1. fds are lent. On error fills *err and returns -1. */
struct control_request {
	struct core *core;
	const cJSON *args;
	struct msg *msg; /* descriptors: msg_take_fd() */
	cJSON *result;
	int fd;
	unsigned uid; /* who asks */
};
typedef int control_handler(struct control_request *r, struct err *err);

control_handler control_connect, control_disconnect, control_restore, control_delete, control_download, control_scan,
	control_info, control_check, control_revoke_all, control_console,
	control_vault_rotate, control_vault_backup, control_vault_restore;

#endif
