/* Messages to the auth role: whatever bytes come as a body, taking them apart never reads beyond them, and what is taken is
 * within its bounds. */
#include "auth/request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_msg_ struct msg m = {0};
	struct auth_request req;
	struct err err;

	msg_init(&m, AUTH_CONFIG + (size ? data[0] : 0) % 27u, 1);
	if (size < 1 || buf_add(&m.body, data + 1, size - 1) < 0 || auth_request_parse(&m, &req, &err) < 0 || err.class != ERR_NONE)
		return 0;
	if (req.connection && (strlen(req.connection) == 0 || strlen(req.connection) > 90))
		__builtin_trap();
	if (req.to && (strlen(req.to) == 0 || strlen(req.to) > 90))
		__builtin_trap();
	if (req.type == AUTH_TOKEN && (!req.subject || strlen(req.subject) > 320))
		__builtin_trap();
	if (req.type == AUTH_PUT && (req.n_names > MSG_MAX_FDS || !req.grant || strlen(req.tenant) > 63))
		__builtin_trap();
	return 0;
}
