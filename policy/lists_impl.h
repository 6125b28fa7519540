/* What lists.c and list_data.c share, and the fuzz target; nobody else includes it. */
#ifndef POLICY_LISTS_IMPL_H
#define POLICY_LISTS_IMPL_H

#include "policy/lists.h"
#include "policy/lookalike.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PREFIX_MIN 4
#define PREFIX_MAX 8 /* more of a digest adds nothing here */
#define MAX_PROTECTED 2000 /* of one file */

/* One file: sorted beginnings of SHA-256, by their length in bytes, each left-aligned in 64 bits; or names. */
struct list_data {
	atomic_int refs;
	enum lists_kind kind;
	char name[128];
	struct {
		uint64_t *of;
		size_t n, cap;
	} prefixes[PREFIX_MAX + 1];
	char **names; /* LISTS_PROTECTED */
	size_t n_names;
};

struct lists {
	atomic_int refs;
	size_t n;
	struct list_data **data;
	const char **protected;
	size_t n_protected, n_looks;
	struct lookalike *looks;
};

/* Fills entries, skipped, short_prefixes of the state. Errors: REMOTE "bad_list", LOCAL. */
int list_data_read(enum lists_kind kind, const char *name, const char *text, size_t len, struct list_data **ret, struct lists_state *state,
	struct err *err);
void list_data_put(struct list_data *d);

#endif
