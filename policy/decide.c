/* Deciding: all rules on one item; see policy.h. Any thread. */
#include "policy/impl.h"

#include <string.h>

static int by_rule(const void *key, const void *entry)
{
	return strcmp(key, ((const struct policy_setting *)entry)->rule);
}

static enum policy_mode mode_of(const struct rule *r, const struct policy_settings *settings)
{
	const struct policy_setting *s = settings && settings->n ?
		bsearch(r->pub.id, settings->of, settings->n, sizeof(*settings->of), by_rule) : NULL;

	return s ? s->mode : r->pub.mode;
}

static void raise_action(enum policy_action *to, enum policy_action by)
{
	if (by > *to)
		*to = by;
}

void policy_decide(const struct policy *p, const struct facts *f, const struct policy_settings *settings, struct policy_decision *ret)
{
	struct scratch *s = scratch_take(p, f);

	ret->action = ret->would = POLICY_NONE;
	ret->needs = 0;
	ret->n_matches = ret->matched = 0;
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];
		enum policy_mode mode = mode_of(r, settings);
		if (mode == POLICY_OFF)
			continue;
		enum truth t = node_value(s, r->root);
		if (t == UNKNOWN)
			ret->needs |= node_needs(s, r->root);
		if (t != TRUE)
			continue;
		enum policy_action action = r->pub.action;
		if (action == POLICY_DELETE && !(settings && settings->may_delete))
			action = POLICY_QUARANTINE;
		raise_action(&ret->would, action);
		if (mode == POLICY_PROTECT)
			raise_action(&ret->action, action);
		ret->matched++;
		if (ret->n_matches == POLICY_MAX_MATCHES)
			continue;
		struct policy_match *m = &ret->matches[ret->n_matches++];
		m->rule = &r->pub;
		m->mode = mode;
		why_match(s, r->root, m);
	}
	ret->needs &= FACTS_ALL;
	scratch_return(p, s);
}
