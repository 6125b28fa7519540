/* See scan_json.h. Any thread. */
#include "core/scan_json.h"

#include "policy/policy.h"

void scan_reply_json(const struct scan_reply *r, cJSON *out)
{
	struct policy_facts facts = {.verdict = r->verdict, .reason = r->reason};
	struct policy_decision d;

	cJSON *verdict = cJSON_AddObjectToObject(out, "verdict");
	cJSON_AddStringToObject(verdict, "status", scan_verdict_name(r->verdict));
	if (r->reason[0])
		cJSON_AddStringToObject(verdict, "reason", r->reason);
	else
		cJSON_AddNullToObject(verdict, "reason");
	cJSON *threats = cJSON_AddArrayToObject(verdict, "threats");
	for (int i = 0; i < r->n_threats; i++) {
		cJSON *t = cJSON_CreateObject();
		cJSON_AddStringToObject(t, "name", r->threats[i].name);
		cJSON_AddStringToObject(t, "part", r->threats[i].part);
		cJSON_AddItemToArray(threats, t);
	}
	cJSON_AddStringToObject(verdict, "engine", r->engine);
	cJSON_AddStringToObject(verdict, "signatures", r->signatures);
	policy_decide(&facts, &d);
	cJSON *rules = cJSON_AddArrayToObject(out, "rules");
	for (int i = 0; i < d.n_matches; i++) {
		cJSON *m = cJSON_CreateObject();
		cJSON_AddStringToObject(m, "id", d.matches[i].id);
		cJSON_AddStringToObject(m, "severity", d.matches[i].severity);
		cJSON_AddItemToArray(rules, m);
	}
	cJSON *parts = cJSON_AddArrayToObject(out, "parts");
	for (int i = 0; i < r->n_parts; i++) {
		cJSON *p = cJSON_CreateObject();
		cJSON_AddStringToObject(p, "name", r->parts[i].name);
		cJSON_AddStringToObject(p, "type", r->parts[i].type);
		cJSON_AddNumberToObject(p, "size", (double)r->parts[i].size);
		cJSON_AddNumberToObject(p, "depth", r->parts[i].depth);
		cJSON_AddBoolToObject(p, "encrypted", r->parts[i].encrypted);
		cJSON_AddBoolToObject(p, "macros", r->parts[i].macros);
		cJSON_AddItemToArray(parts, p);
	}
	cJSON_AddNumberToObject(out, "parts_seen", r->parts_seen);
	cJSON_AddNumberToObject(out, "elapsed_ms", (double)r->elapsed_us / 1000);
}
