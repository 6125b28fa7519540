/* Fuzz target: passwords in text, and opening of what calls itself an encrypted ZIP, PDF or Office document. The first byte
 * chooses which. */
#include "scan/office.h"
#include "scan/open.h"

#include "base/timeutil.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_it(enum open_kind kind, const uint8_t *data, size_t len)
{
	struct passwords p = {0};
	struct opened m;
	int tries = 0;

	passwords_add(&p, "wrong", SIZE_MAX);
	passwords_add(&p, "Xyz-99", SIZE_MAX);
	struct opening *o = opening_new(kind, data, len, &p, 100, &tries);
	while (o && opening_next(o, 1 << 20, time_monotonic_ms() + 1000, &m) == OPEN_MEMBER)
		if (m.len > 1 << 20)
			abort();
	opening_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"CL_TYPE_ZIP", "CL_TYPE_PDF", "CL_TYPE_MSOLE2"};
	static bool ready;

	if (!ready)
		office_init();
	ready = true;
	if (size < 2)
		return 0;
	if (data[0] % 4 == 3) {
		struct passwords p = {0};
		passwords_find(&p, SCAN_MAX_FOUND, (const char *)data + 1, size - 1);
		if (p.n > SCAN_MAX_FOUND)
			abort();
		return 0;
	}
	/* A copy of its own length, so that one byte beyond is noticed. */
	uint8_t *copy = malloc(size - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	open_kind_of(types[data[0] % 4], copy, size - 1);
	open_it((enum open_kind)(OPEN_ZIP + data[0] % 4), copy, size - 1);
	free(copy);
	return 0;
}
