/* What derive.c, derive_mail.c and derive_links.c share; nobody else includes it. */
#ifndef POLICY_DERIVE_IMPL_H
#define POLICY_DERIVE_IMPL_H

#include "policy/derive.h"
#include "policy/lookalike.h"

struct derive_entry {
	const char *value;
	bool approved;
};
struct derive_entries {
	size_t n;
	struct derive_entry *of; /* sorted by value */
};
struct derive_executive {
	const char *name;
	char keys[512];
};

struct derive_tenant {
	struct arena *arena;
	size_t n_own;
	const char **own; /* sorted */
	size_t n_looks;
	struct lookalike *looks; /* own and protected */
	struct derive_entries senders, domains, links;
	size_t n_executives;
	struct derive_executive *executives;
	int64_t until;
};

/* The registrable domain of the sender when the provider recorded that the mail is truly of it; else "". */
const char *derive_proven(const struct scan_mail *m, const char *provider);

/* The entry of a host or of one above it, NULL. */
const struct derive_entry *derive_entry_of_host(const struct derive_entries *e, const char *host);
const struct derive_entry *derive_entry_of(const struct derive_entries *e, const char *value);

#endif
