/* Detectors that policies bring of their own: words, a regular expression, words that stand near. Compiled by the worker that
 * serves their tenant, into a database beside the built-in one; matching is linear whatever a pattern looks like, and what
 * costs too much to prepare was refused when the policy was compiled. In workers; one thread. */
#ifndef SCAN_DETECT_OWN_H
#define SCAN_DETECT_OWN_H

#include "scan/detect/impl.h"

#define OWN_MAX 400      /* of all tenants together with the tenant's own */
#define OWN_WORDS 4000   /* words and patterns of them */

struct own;

/* Both are JSON lists (see detect_own()); "" is an empty one. *ret is NULL when there are none. What vectorscan refuses is left
 * out and counted. Errors: REMOTE "bad_detectors", LOCAL. */
int own_new(const char *common, const char *tenant, struct own **ret, int *ret_refused, struct err *err);
void own_free(struct own *o);

/* Looks at text (UTF-8) within a look that is under way. */
void own_look(struct own *o, struct look *l);

#endif
