/* A message's body from another process, read with fields that its bytes choose: it ends or is called broken. */
#include "base/msg.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_msg_ struct msg m = {0};
	struct err err;
	size_t n;

	msg_init(&m, 1, 1);
	if (size < 1 || buf_add(&m.body, data + 1, size - 1) < 0)
		return 0;
	for (unsigned i = 0; i < 32 && !m.broken && m.at < m.body.len; i++) {
		switch ((data[0] + i) % 5) {
		case 0: msg_get_u32(&m); break;
		case 1: msg_get_i64(&m); break;
		case 2: {
			const char *s = msg_get_str(&m);
			if (s && strlen(s) > size)
				__builtin_trap();
			break;
		}
		case 3: msg_get_bytes(&m, &n); break;
		default: msg_get_err(&m, &err); break;
		}
	}
	msg_end(&m);
	return 0;
}
