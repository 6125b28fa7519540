/* What json_parse() takes, cJSON prints back to something that json_parse() takes again; look-ups never fault. */
#include "base/json.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ cJSON *doc = NULL, *again = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 24);
	size_t at, len;
	char id[64];
	int64_t n;

	if (json_find_string((const char *)data, size, "raw", &at, &len, NULL) == 0 && at + len > size)
		__builtin_trap();
	if (json_parse((const char *)data, size, &doc, NULL) < 0)
		return 0;
	json_id(doc, "id", id, sizeof(id));
	json_int64(doc, "size", &n);
	json_path(doc, "a", "b", NULL);
	if (json_print(doc, &text) == 0 && json_parse(buf_str(&text), text.len, &again, NULL) < 0)
		__builtin_trap();
	return 0;
}
