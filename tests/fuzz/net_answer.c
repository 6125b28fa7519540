/* What is read out of an answer's headers and out of addresses: URLs, origins, Retry-After, the request's id. The input is
 * a list of lines: a URL, another, then headers. */
#include "net/http.h"
#include "net/transfer.h"

#include "base/timeutil.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	char *lines[LINES];
	size_t n = 0;

	if (buf_add(&text, data, size) < 0)
		return 0;
	for (char *p = text.data; p && n < LINES;) {
		lines[n++] = p;
		p = memchr(p, '\n', (size_t)(text.data + text.len - p));
		if (p)
			*p++ = '\0';
	}
	if (n < 2)
		return 0;
	if (http_same_origin(lines[0], lines[1]) != http_same_origin(lines[1], lines[0]))
		__builtin_trap();
	if (http_url_ok(lines[0]) && !http_same_origin(lines[0], lines[0]))
		__builtin_trap();
	struct http_response r = {.status = 429, .headers = lines + 2, .n_headers = n - 2};
	struct err err;
	int64_t before = time_now_ms();
	response_facts(&r);
	if (r.retry_at && (r.retry_at < before || r.retry_at > time_now_ms() + 3600 * 1000))
		__builtin_trap();
	if (http_check(&r, &err) == 0 || err.retry_at != r.retry_at)
		__builtin_trap();
	return 0;
}
