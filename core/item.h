/* What item_job.c (getting at the bytes) and judge.c (what they mean) share of one item. Nobody else includes it. */
#ifndef CORE_ITEM_H
#define CORE_ITEM_H

#include "core/facts.h"

struct work {
	struct core *c;
	struct live *l;
	const struct store_item *rec;
	struct item item;
	struct store_stream stream;
	struct stream_info info;
	struct scan_info engine;
	struct rules *rules;
	struct arena *a;
	/* what is known of the bytes: */
	enum scan_verdict verdict;
	const char *reason;
	cJSON *threats; /* array; owned */
	bool from_provider;
	struct digests digests;
	bool hashed;    /* digests are of the item's bytes */
	bool cached;    /* judged before */
	struct scan_reply *reply; /* what a worker told; NULL: nothing is known beside the verdict */
	bool words;     /* … and detectors were asked */
	bool scanned;   /* … just now */
	bool noted_closed; /* as one that waits for a password (pairs.c), … */
	int64_t asked[4];  /* and these mails were asked for it */
	int n_asked;
	/* what it means: */
	struct facts *facts;
	struct policy_decision *decision;
	int64_t finding;
};

/* The facts and the decision; what it needs beside them is asked for, but for words, which only a scan can give. */
int judge_item(struct work *w, struct err *err);
/* The item's end, in one transaction. */
int judge_finish(struct work *w, struct err *err);

/* What an action asks of a connector, as kept with the finding (act_plan.c). */
struct act_plan {
	enum policy_action kind;     /* that is done; POLICY_NONE or POLICY_REPORT: nothing */
	enum policy_action asked;    /* by the rule; another one when the service cannot do that */
	const struct policy_match *match; /* the rule that asks; NULL none */
	bool would;                  /* monitor: nothing is done */
};
/* What the decision comes to for this connection and service: the nearest weaker act where one cannot be done. */
void act_plan(const struct work *w, struct act_plan *ret);
/* Its JSON for the finding: tag, notice, what was asked instead; "" when there is nothing to say. Appends. */
int act_print(const struct work *w, const struct act_plan *p, struct buf *out);

#endif
