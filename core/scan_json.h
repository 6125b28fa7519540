/* A scan's answer as JSON and as an exit code: shared by the scan command and the service that scans for it. */
#ifndef CORE_SCAN_JSON_H
#define CORE_SCAN_JSON_H

#include "base/json.h"
#include "scan/scan.h"

/* Adds status, reason, threats, rules, parts, engine and signatures to an object. */
void scan_reply_json(const struct scan_reply *r, cJSON *out);

#endif
