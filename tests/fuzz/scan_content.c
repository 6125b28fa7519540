/* Fuzz target: our own looks at content within workers: OLE2 directories, shapes of formats, true types, hidden members. The first byte chooses
 * the type that libclamav would have named. */
#include "scan/hidden.h"
#include "scan/ole2.h"
#include "scan/shape.h"
#include "scan/types.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"CL_TYPE_BINARY_DATA", "CL_TYPE_MSOLE2", "CL_TYPE_GZ", "CL_TYPE_BZ", "CL_TYPE_XZ",
		"CL_TYPE_7ZSFX", "CL_TYPE_RARSFX", "CL_TYPE_ZIP", "CL_TYPE_MAIL", "CL_TYPE_HTML", "CL_TYPE_TEXT_ASCII"};
	static const char *const names[] = {"a.pdf", "a.js", "a.docx", ""};
	struct ole2_facts facts;
	struct type_facts about;

	if (size < 1)
		return 0;
	const char *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	/* A copy of its own length, so that one byte beyond is noticed. */
	uint8_t *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	uint8_t *end = realloc(copy, size - 1 ? size - 1 : 1);
	copy = end ? end : copy;
	ole2_look(copy, size - 1, &facts);
	if (shape_of(type, copy, size - 1) == SHAPE_STREAM)
		shape_is_empty_stream(type, copy, size - 1);
	shape_has_zip_end(copy, size - 1);
	shape_is_encrypted_manifest("META-INF/manifest.xml", copy, size - 1);
	hidden_in_zip(copy, size - 1);
	hidden_in_text(type, copy, size - 1);
	scan_type_look(type, copy, size - 1, names[data[0] / 64], &about);
	free(copy);
	return 0;
}
