/* The rules that count: shipped ones, the operator's files (`policy:` of sekisho.yaml), and what each tenant's administrator keeps in
 * the store, compiled for each tenant and kept until one of them changes.
 *
 * A file that does not compile, or asks for what a provider cannot do, never replaces one that does: what served goes on, with an
 * alert, a line in the log and one in doctor, each with the file's line and column. Any thread. */
#ifndef CORE_POLICY_SET_H
#define CORE_POLICY_SET_H

#include "core/core.h"
#include "policy/derive.h"
#include "policy/policy.h"

#define DETECTORS_LEN 17

/* What one tenant's items are judged by at one moment. Immutable, counted. */
struct rules {
	atomic_int refs;
	struct arena *arena;
	const char *tenant;
	struct policy *policy;
	struct policy_settings settings;
	struct derive_tenant *derive;
	struct store_list_entry *list; /* of the tenant, ended ones too */
	size_t n_list;
	unsigned wants;                /* enum facts_group */
	bool directory;                /* people of the tenant are known */
	char detectors[DETECTORS_LEN]; /* which own detectors look at its contents; "" the built-in ones alone */
	const char *contact;           /* whom people may ask; "" */
	const char *notice_ja, *notice_en; /* in place of what is taken away; "" the usual one */
};

struct policy_set;

int policy_set_new(struct core *c, struct policy_set **ret, struct err *err);
void policy_set_free(struct policy_set *s);

/* At most a second old. Never the wrong tenant's; the shipped rules at least. Give it back with rules_put(). */
int rules_get(struct core *c, const char *tenant, struct rules **ret, struct err *err);
void rules_put(struct rules *r);
DEFINE_CLEANUP(struct rules *, rules_put)
/* Something was changed by ourselves: the next rules_get() looks at once. */
void rules_changed(struct core *c);

/* Is the value on the tenant's list now? 0 no, 1 approved, -1 blocked. */
int rules_listed(const struct rules *r, enum store_list_kind kind, const char *value, int64_t now);

/* The tenant's rules with one file more (or another text of it; name NULL: none more) and no change to what serves: for checking,
 * testing, replaying. problems may be NULL. Errors as of policy_compile(). */
int rules_try(struct core *c, const char *tenant, const char *name, const char *text, struct policy **ret, struct policy_problems *problems,
	struct err *err);
/* The operator's files alone, on the shipped rules: for doctor and the policy command, without a store. */
int rules_files(const struct settings *set, struct policy **ret, struct policy_problems *problems, struct err *err);

/* The files of `lists:`, not read yet; core's own are c->lists. */
int rules_lists(const struct settings *set, struct lists_watch **ret, struct err *err);

/* The scan role is another one: it has none of the policies' own detectors yet. */
void rules_detectors_lost(struct core *c);

#endif
