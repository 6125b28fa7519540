/* A rule's own cases: do they come out as they say? Any thread. */
#include "policy/impl.h"

#include "base/i18n.h"

#include <string.h>

static bool expected(const struct conf_node *n)
{
	return conf_get(n, "match")->text[0] == 't';
}

static int run_case(const struct policy *p, const struct rule *r, const struct conf_node *n, int number, struct facts *facts,
	struct policy_problems *problems)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct facts_reader reader = {.arena = a};
	char needs[FACTS_GROUPS_TEXT], text[400];

	if (!a || facts_read_node(&reader, conf_get(n, "facts"), facts) < 0)
		return problem_add(problems, r->pub.file, n->line, n->column, false, a ? reader.text : "out of memory");
	struct scratch *s = scratch_take(p, facts);
	enum truth t = node_value(s, r->root);
	facts_groups_text(t == UNKNOWN ? node_needs(s, r->root) & FACTS_ALL : 0, needs, sizeof(needs));
	scratch_return(p, s);
	if (t != UNKNOWN && (t == TRUE) == expected(n))
		return 0;
	if (t == UNKNOWN)
		snprintf(text, sizeof(text), _("%s: case %d cannot be decided: it lacks facts (%s)"), r->pub.id, number, needs);
	else if (t == TRUE)
		snprintf(text, sizeof(text), _("%s: case %d should not match, but does"), r->pub.id, number);
	else
		snprintf(text, sizeof(text), _("%s: case %d should match, but does not"), r->pub.id, number);
	return problem_add(problems, r->pub.file, n->line, n->column, false, text);
}

int policy_test(const struct policy *p, int *ret_cases, struct policy_problems *problems, struct err *err)
{
	_cleanup_free_ struct facts *facts = malloc(sizeof(*facts));
	int cases = 0, wrong = 0;

	if (!facts)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (uint32_t i = 0; i < p->n_rules; i++) {
		int number = 0;
		for (const struct conf_node *n = p->rules[i].cases->child; n; n = n->next) {
			cases++;
			wrong += run_case(p, &p->rules[i], n, ++number, facts, problems) < 0;
		}
	}
	if (ret_cases)
		*ret_cases = cases;
	if (wrong)
		return err_set(err, ERR_REMOTE, "bad_policy", _("%d of %d cases went wrong"), wrong, cases);
	return 0;
}
