/* Judging again what was seen, for the console's pages: core/console_replay.c. */
#ifndef CORE_CONSOLE_REPLAY_H
#define CORE_CONSOLE_REPLAY_H

#include "core/policy_set.h"

struct console_replay {
	const struct rules *rules; /* that count */
	const struct policy *policy; /* that are tried, with these settings */
	const struct policy_settings *settings;
	const char *rule; /* whose items are counted as touched; NULL: those that would be treated otherwise */
	int days;
};
/* Into result: days, seen, touched, examples, cut, items; core/console.h says more. */
int console_replay(struct core *c, const char *tenant, const struct console_replay *k, cJSON *result, struct err *err);
/* The settings with another mode of one rule, in their order. NULL: no memory. */
struct policy_setting *console_setting(const struct policy_settings *s, const char *rule, enum policy_mode mode, struct arena *a,
	size_t *ret_n);

#endif
