/* Any rule file compiles or is refused with a place, and what compiles decides: the first half of the input is a rule file, the second
 * facts, cut at a line of "---facts". Rules come without patterns of their own: those are vectorscan's, in a child. */
#include "policy/policy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct policy *p, const struct facts *f)
{
	static struct policy_decision d;
	_cleanup_buf_ struct buf text = BUF_INIT(1u << 20);

	policy_decide(p, f, NULL, &d);
	if (d.n_matches > POLICY_MAX_MATCHES || d.matched < d.n_matches || d.action > d.would || (d.needs & ~FACTS_ALL) ||
		(f->known == FACTS_ALL && d.needs))
		__builtin_trap();
	for (int i = 0; i < d.n_matches; i++) {
		const struct policy_match *m = &d.matches[i];
		if (m->part >= f->n_parts || m->hit >= f->n_hits || m->link >= f->n_links || strlen(m->why) >= sizeof(m->why))
			__builtin_trap();
	}
	for (size_t i = 0; i < policy_n_rules(p); i++)
		policy_explain(p, f, i, &text);
	policy_test(p, NULL, NULL, NULL);
	policy_wants(p, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char cut[] = "---facts\n";
	const char *text = (const char *)data, *at = size ? memmem(text, size, cut, sizeof(cut) - 1) : NULL;
	struct policy_source src = {"fuzz.yaml", text, at ? (size_t)(at - text) : size};
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(1u << 20);
	static struct facts f;
	struct policy_problems problems = {.arena = a, .max = 20};

	if (!a || (size && memmem(text, src.len, "pattern", 7)) || policy_compile(&src, 1, &p, &problems, NULL) < 0)
		return 0;
	f = (struct facts){.known = FACTS_ALL};
	check(p, &f);
	f.known = 0;
	check(p, &f);
	if (at && facts_read(at + sizeof(cut) - 1, size - (size_t)(at - text) - sizeof(cut) + 1, a, &f, NULL) == 0)
		check(p, &f);
	return 0;
}
