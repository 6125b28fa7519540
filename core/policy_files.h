/* The texts that rules are made of: the operator's files as they were when they last made sense, and tenants' files from the store.
 * Of policy_set.c alone, which has the lock. */
#ifndef CORE_POLICY_FILES_H
#define CORE_POLICY_FILES_H

#include "core/core.h"
#include "policy/policy.h"

struct policy_files;

int policy_files_new(const struct settings *set, struct policy_files **ret, struct err *err);
void policy_files_free(struct policy_files *f);
/* Reads what changed. True: the texts are others now. */
bool policy_files_look(struct core *c, struct policy_files *f);
/* A tenant's rules; files of its own that do not compile are left out, with an alert. */
int policy_files_compile(struct core *c, struct policy_files *f, const char *tenant, struct arena *a, struct policy **ret, struct err *err);
/* The same with another text of one file, and no mercy. */
int policy_files_try(struct core *c, struct policy_files *f, const char *tenant, const char *name, const char *text, struct arena *a,
	struct policy **ret, struct policy_problems *problems, struct err *err);
int policy_files_check(const struct settings *set, struct policy **ret, struct policy_problems *problems, struct err *err);

#endif
