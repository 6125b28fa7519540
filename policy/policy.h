/* Policy: what the facts of an item mean for it. Rules are data (YAML files); a compiled rule set is immutable, and deciding
 * is a pure function of rules, facts and settings: no I/O, no clock, any thread. All rules run; the strongest action wins; the
 * decision lists every match. The language is described in policy/README.md, the facts in facts.h. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/facts.h"

/* Weakest first. What a provider supports is in its connector's table. */
enum policy_action {
	POLICY_NONE,
	POLICY_REPORT,
	POLICY_TAG,        /* category, label, metadata: marks, changes nothing else */
	POLICY_UNSHARE,    /* ends public links and access from outside */
	POLICY_BLOCK,      /* hides a chat message (policyViolation) */
	POLICY_REPLACE,    /* the item into quarantine, a notice in its place */
	POLICY_QUARANTINE,
	POLICY_DELETE,     /* only where the tenant allows it */
};
#define POLICY_ACTIONS 8
const char *policy_action_name(enum policy_action a); /* "none" "report" "tag" … */
int policy_action_parse(const char *name, enum policy_action *ret);

/* How a rule runs for a tenant. Its file says the first one; the tenant's administrator may choose another. */
enum policy_mode { POLICY_OFF, POLICY_MONITOR, POLICY_PROTECT };

struct policy; /* compiled, immutable, shared by threads */

struct policy_source {
	const char *name; /* of the file, for messages */
	const char *text;
	size_t len;
};

struct policy_problem {
	const char *file; /* a source's name */
	int line, column; /* from 1; 0: the file as a whole */
	bool warning;
	char text[400];   /* for people, in the process's language; says what is allowed */
};
struct policy_problems {
	struct arena *arena; /* the caller's */
	size_t n, max;       /* not more than max are kept, n counts those kept */
	struct policy_problem *of;
};

/* The rules that are shipped; later sources may replace a rule by its id. *ret_n of them. */
const struct policy_source *policy_shipped(size_t *ret_n);

/* With one error at least, -1 with REMOTE "bad_policy" (the first problem's text) and nothing is returned. problems may be
 * NULL. Patterns are compiled here with limits on time and memory; one that is beyond them is an error that names its cost. */
int policy_compile(const struct policy_source *src, size_t n, struct policy **ret, struct policy_problems *problems, struct err *err);
void policy_free(struct policy *p);
DEFINE_CLEANUP(struct policy *, policy_free)
const char *policy_version(const struct policy *p); /* hex, of all sources: pinned in findings */

/* What may not be left out of the facts for any rule that is on: enum facts_group. */
unsigned policy_wants(const struct policy *p, const char *tenant);

/* The rules' own patterns and words (detectors: of the files), as one text for the scan role (scan/detect.h says its form);
 * "" when there are none. */
const char *policy_detectors(const struct policy *p);

struct policy_rule {
	const char *id, *title_ja, *title_en, *severity; /* "critical" "high" "medium" "low" "info" */
	const char *description_ja, *description_en;     /* what to do about it; "" */
	const char *category; /* "malware" "file" "encrypted" "data" "link" "sender" "sharing" "unknown" */
	enum policy_action action;
	enum policy_mode mode; /* of the file */
	const char *tag;       /* of POLICY_TAG: the label's words */
	const char *notify;    /* "" or names with commas: "admin,owner" */
	const char *file;
	int line;
	int n_cases;
};
size_t policy_n_rules(const struct policy *p);
const struct policy_rule *policy_rule_at(const struct policy *p, size_t i);

/* What the tenant says: a rule's mode by its id; where there is none, the file's counts. */
struct policy_setting {
	const char *rule;
	enum policy_mode mode;
};
struct policy_settings {
	size_t n;
	const struct policy_setting *of; /* sorted by rule (strcmp) */
	bool may_delete; /* the tenant allows POLICY_DELETE; else quarantine takes its place */
};

struct policy_match {
	const struct policy_rule *rule;
	enum policy_mode mode;
	int part, link, hit; /* indexes of the first that made it match; -1 */
	char why[256];       /* the facts that did it, for people and logs: "hits.detector=my_number count=12 near" */
};
#define POLICY_MAX_MATCHES 64

struct policy_decision {
	enum policy_action action; /* strongest of the rules in protect mode */
	enum policy_action would;  /* strongest of all: what it would be if all that match protected */
	unsigned needs;            /* enum facts_group: facts are missing that could change the decision; fill in and ask again */
	int n_matches, matched;    /* matched: all */
	struct policy_match matches[POLICY_MAX_MATCHES]; /* strongest severity first */
};

/* settings: may be NULL. *ret is overwritten. */
void policy_decide(const struct policy *p, const struct facts *f, const struct policy_settings *settings, struct policy_decision *ret);

/* What each condition of a rule (policy_rule_at()) came to for these facts, as one JSON object {condition, result, value, conditions};
 * of conditions over rows: rows, true, first. Appends. */
int policy_explain(const struct policy *p, const struct facts *f, size_t rule, struct buf *out);

/* Runs the rules' own cases: those that went wrong are problems at the case's line. -1: at least one. */
int policy_test(const struct policy *p, int *ret_cases, struct policy_problems *problems, struct err *err);

/* Can the action be carried out? Of shipped rules it is only a warning. services: what a connector's table says (enum policy_action bits by kind of item). Rules whose
 * action some targeted service cannot do are problems naming the nearest that works. */
struct policy_support {
	const char *service;  /* "exchange" */
	unsigned actions;     /* 1u << enum policy_action */
};
int policy_check_support(const struct policy *p, const struct policy_support *support, size_t n, struct policy_problems *problems);

#endif
