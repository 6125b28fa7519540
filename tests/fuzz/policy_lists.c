/* Files of lists: any bytes are a list or are refused; a look-up of any host and address ends. */
#include "policy/lists_impl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct list_data *d = NULL;
	struct lists_state state = {0};
	struct err err;

	if (size < 2)
		return 0;
	size_t n = data[0] < size ? data[0] : size - 1;
	char *host = strndup((const char *)data + 1, n > 250 ? 250 : n);
	if (list_data_read((enum lists_kind)(data[1] % 3), "f", (const char *)data + 1, size - 1, &d, &state, &err) == 0) {
		struct lists l = {.n = 1, .data = &d};
		char url[1024];
		snprintf(url, sizeof(url), "http://%s", host);
		lists_match(&l, host, url);
		list_data_put(d);
	}
	free(host);
	return 0;
}
