/* Policy: what a verdict means for an item. A pure function of facts: no I/O, no clock, no state.
 *
 * The rules of the first version (see builtin.c), until core decides by policy.h; all run, the strongest action wins, and the decision lists
 * every match. */
#ifndef POLICY_BUILTIN_H
#define POLICY_BUILTIN_H

#include "scan/scan.h"

enum policy_action { POLICY_NONE, POLICY_REPORT, POLICY_QUARANTINE };

struct policy_facts {
	enum scan_verdict verdict;
	const char *reason;      /* of unknown */
	bool from_provider;      /* the provider called it malware */
};

struct policy_match {
	const char *id;       /* "malware.engine" */
	const char *severity; /* "critical" "high" "medium" "low" "info" */
};

#define POLICY_MAX_MATCHES 8

struct policy_decision {
	enum policy_action action;
	int n_matches;
	struct policy_match matches[POLICY_MAX_MATCHES];
};

void builtin_decide(const struct policy_facts *facts, struct policy_decision *ret);

#endif
