/* Rule files for commands: what is shipped, what sekisho.yaml names, what the command line names. The service's way is policy_set.h. Any
 * thread. */
#ifndef CORE_RULE_FILES_H
#define CORE_RULE_FILES_H

#include "core/settings.h"
#include "policy/policy.h"

/* The shipped rules, those of the settings and those of the paths (of a folder: its *.yaml, by name), as sources; later ones replace
 * rules of the same id. */
int rule_files_read(const struct settings *set, const char *const *paths, size_t n, struct arena *a, struct policy_source **ret, size_t *ret_n, struct err *err);

/* And compiled. problems may be NULL. */
int rule_files_compile(const struct settings *set, const char *const *paths, size_t n, struct policy **ret, struct policy_problems *problems, struct err *err);

/* What each service can do with its items, by the connectors' tables: for policy_check_support(). */
size_t rule_files_support(struct policy_support *ret, size_t max);
#define RULE_FILES_SERVICES 32

#endif
