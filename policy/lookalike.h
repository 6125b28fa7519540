/* Does a host look like a protected domain? Pure; any thread. Used by derive.c. */
#ifndef POLICY_LOOKALIKE_H
#define POLICY_LOOKALIKE_H

#include <stdbool.h>
#include <stddef.h>

/* A domain that is watched, taken apart once. */
struct lookalike {
	const char *name;    /* as it was given, Unicode */
	char core[128];      /* first label of the registrable domain: "aoba" */
	char skeleton[256];  /* of core */
	char suffix[128];    /* behind it: "co.jp" */
	char hyphens[256];   /* name with hyphens for dots: "aoba-co-jp" */
	char plain[256];     /* skeleton of name */
	size_t len;          /* characters of core */
};

/* name is kept by reference. false: not fit to be watched (no registrable domain, or a core of one or two letters). */
bool lookalike_make(const char *name, struct lookalike *ret);

/* domain: the registrable one of host; skeleton: of host. Hosts that are the domain itself or below it are the caller's to
 * leave out. */
bool lookalike_is(const struct lookalike *p, const char *host, const char *domain, const char *skeleton);

#endif
