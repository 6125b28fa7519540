/* Facts of any kind are read or refused; what was read is written and read again as the same. */
#include "policy/facts.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4u << 20);
	_cleanup_buf_ struct buf once = BUF_INIT(4u << 20), twice = BUF_INIT(4u << 20);
	static struct facts f, again;
	struct err err;

	if (!a || facts_read((const char *)data, size, a, &f, &err) < 0)
		return 0;
	if (facts_print(&f, &once) < 0 || facts_read(buf_str(&once), once.len, a, &again, &err) < 0 || facts_print(&again, &twice) < 0 ||
		once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		__builtin_trap();
	return 0;
}
