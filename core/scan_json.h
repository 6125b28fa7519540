/* A scan's answer as JSON: shared by the scan command and the service that scans for it. */
#ifndef CORE_SCAN_JSON_H
#define CORE_SCAN_JSON_H

#include "base/json.h"
#include "policy/derive.h"
#include "policy/policy.h"
#include "scan/scan.h"

/* Adds verdict, threats, parts, mail, links and hits to an object. */
void scan_reply_json(const struct scan_reply *r, cJSON *out);

/* Facts of a file that nobody keeps: what its scan tells, and what follows from that for this tenant (NULL: nothing). What is asked of a store or a
 * cloud is not known. Strings point into r and the arena. */
int scan_local_facts(const struct derive_tenant *t, const struct scan_reply *r, bool words, const char *name, struct arena *a,
	struct facts *ret, struct err *err);

/* Adds which rules match; with_facts also "facts", what they were asked about, as facts_print() writes it. */
int scan_rules_json(const struct policy *p, const struct policy_settings *settings, const struct facts *f, bool with_facts, cJSON *out,
	struct err *err);

/* "outer.zip/inner.doc": where a part lies within the item, in out. */
const char *scan_part_path(const struct scan_reply *r, int index, char *out, size_t size);

#endif
