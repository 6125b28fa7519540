/* What extensions promise: the tables behind types.h. Pure functions; in workers. */
#ifndef SCAN_TYPE_NAMES_H
#define SCAN_TYPE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define TYPE_EXTENSION_MAX 24

/* The script that text with this extension is, NULL. */
const char *type_script(const char *extension);
/* Does a short type run when it is opened? */
bool type_runs(const char *type);
/* Does the extension promise something else than this short type, where that matters? */
bool type_mismatch(const char *extension, const char *type);

#endif
