/* Configuration of any kind is read or refused with a place, never more. */
#include "base/conf.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"connections", "id", "mode", NULL};
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;

	if (conf_parse("fuzz", (const char *)data, size, &doc, NULL) == 0)
		conf_unknown_keys(doc, conf_root(doc), keys, NULL);
	return 0;
}
