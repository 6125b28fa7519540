/* Local files through the scan role and the rules, for commands: `scan` and `policy explain`. One thread. */
#ifndef CORE_LOCAL_SCAN_H
#define CORE_LOCAL_SCAN_H

#include "core/command.h"

struct local_scan;

/* paths: rule files beside the configured ones, for a scan role of our own. By a running service, which may take its time to lend its engine, or by a scan role that ends with local_scan_close(). */
int local_scan_open(struct command_line *cl, const char *const *paths, size_t n, struct local_scan **ret, struct err *err);
void local_scan_close(struct local_scan *s);
DEFINE_CLEANUP(struct local_scan *, local_scan_close)

/* What scan_reply_json() says of a regular file, its SHA-256 and size; with facts also what the rules were asked about. */
int local_scan_file(struct local_scan *s, const char *path, int fd, bool facts, cJSON *out, struct err *err);

#endif
