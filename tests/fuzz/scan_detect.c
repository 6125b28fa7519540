/* Fuzz target: words of documents are made plain and looked at; what is told is bounded and never the digits themselves. */
#include "scan/detect/checks.h"
#include "scan/detect/detect.h"
#include "scan/plain.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detect *detect;
	static struct scan_reply reply;
	_cleanup_buf_ struct buf words = BUF_INIT(1 << 18), plain = BUF_INIT(1 << 18);
	struct err err = {0};
	char digits[32];
	size_t n = 0;

	if (!detect && detect_new("", &detect, &err) < 0)
		__builtin_trap();
	if (size < 1)
		return 0;
	for (size_t i = 1; i < size && n < sizeof(digits); i++)
		digits[n++] = (char)('0' + data[i] % 10);
	if ((check_card(digits, n) && (n < 13 || n > 19)) || (check_my_number(digits, n) && n != 12))
		__builtin_trap();
	buf_add(&words, data + 1, size - 1);
	plain_normal(&plain, buf_str(&words), words.len);
	reply = (struct scan_reply){.n_parts = 1};
	detect_begin(detect);
	/* A copy of its own length, so that one byte beyond is noticed. */
	char *copy = malloc(plain.len ? plain.len : 1);
	if (!copy)
		return 0;
	memcpy(copy, buf_str(&plain), plain.len);
	detect_look(detect, &reply, 0, (enum detect_what)(data[0] / 3 % 3), copy, plain.len);
	free(copy);
	if (reply.n_hits > SCAN_MAX_HITS || reply.n_hits > reply.hits_seen)
		__builtin_trap();
	return 0;
}
