/* Fuzz target: the readers of scan.h's messages. The first byte chooses one; the rest is the body. What a reader
 * takes must survive being written and read again. */
#include "scan/scan.h"

#include <fcntl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reply(struct msg *m)
{
	struct scan_reply a, b;
	_cleanup_msg_ struct msg again = {0};

	msg_init(&again, SCAN_REPLY, 1);
	if (scan_reply_get(m, &a) == 0 && (scan_reply_put(&again, &a) < 0 || scan_reply_get(&again, &b) < 0))
		__builtin_trap();
}

static void config(struct msg *m)
{
	struct scan_config a, b;
	_cleanup_msg_ struct msg again = {0};

	msg_init(&again, SCAN_CONFIG, 1);
	if (scan_config_get(m, &a) == 0 && (scan_config_put(&again, &a) < 0 || scan_config_get(&again, &b) < 0))
		__builtin_trap();
}

static void info(struct msg *m)
{
	struct scan_info a, b;
	_cleanup_msg_ struct msg again = {0};

	msg_init(&again, SCAN_INFO_REPLY, 1);
	if (scan_info_get(m, &a) == 0 && (scan_info_put(&again, &a) < 0 || scan_info_get(&again, &b) < 0))
		__builtin_trap();
}

static void request(struct msg *m)
{
	struct scan_request a;
	int fd = -1;

	if (msg_put_fd(m, open("/dev/null", O_RDONLY | O_CLOEXEC)) == 0 && scan_request_get(m, &a, &fd) == 0) {
		if (!a.tenant || strlen(a.tenant) > 255 || a.size < 0)
			__builtin_trap();
		close(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct msg *) = {reply, config, info, request};
	_cleanup_msg_ struct msg m = {0};

	if (size < 1)
		return 0;
	msg_init(&m, 0, 1);
	if (size > 1 && buf_add(&m.body, data + 1, size - 1) < 0)
		return 0;
	readers[data[0] % ARRAY_SIZE(readers)](&m);
	return 0;
}
