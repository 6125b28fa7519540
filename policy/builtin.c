/* The built-in rules; see builtin.h. Called on job threads and by the scan command. */
#include "policy/builtin.h"

#include "base/cleanup.h"

#include <string.h>

struct rule {
	struct policy_match match;
	enum policy_action action;
	bool (*when)(const struct policy_facts *f);
};

static bool engine_threat(const struct policy_facts *f)
{
	return f->verdict == VERDICT_THREAT && !f->from_provider;
}

static bool provider_threat(const struct policy_facts *f)
{
	return f->verdict == VERDICT_THREAT && f->from_provider;
}

static bool closed_archive(const struct policy_facts *f)
{
	return f->verdict == VERDICT_UNKNOWN && f->reason && strncmp(f->reason, "encrypted", 9) == 0;
}

static bool beyond_limit(const struct policy_facts *f)
{
	return f->verdict == VERDICT_UNKNOWN && f->reason && strstr(f->reason, "limit");
}

static bool other_unknown(const struct policy_facts *f)
{
	return f->verdict == VERDICT_UNKNOWN && !closed_archive(f) && !beyond_limit(f);
}

static const struct rule rules[] = {
	{{"malware.engine", "critical"}, POLICY_QUARANTINE, engine_threat},
	{{"malware.provider", "critical"}, POLICY_QUARANTINE, provider_threat},
	{{"unknown.encrypted", "medium"}, POLICY_REPORT, closed_archive},
	{{"unknown.limit", "medium"}, POLICY_REPORT, beyond_limit},
	{{"unknown.other", "low"}, POLICY_REPORT, other_unknown},
};

void builtin_decide(const struct policy_facts *facts, struct policy_decision *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(rules) && ret->n_matches < POLICY_MAX_MATCHES; i++) {
		if (!rules[i].when(facts))
			continue;
		ret->matches[ret->n_matches++] = rules[i].match;
		if (rules[i].action > ret->action)
			ret->action = rules[i].action;
	}
}
