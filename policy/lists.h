/* Lists of bad hosts, bad addresses and protected domains, in files that others keep up to date (`lists:` of sekisho.yaml).
 *
 * Formats, told by the content line by line, or by a first line "# format: plain|hosts|hash-prefix":
 *   plain        a host ("bad.example": it and everything below it) or an address ("bad.example/path", as its prefix when
 *                it ends with a slash), with or without a scheme
 *   hosts        0.0.0.0 bad.example
 *   hash-prefix  4 to 32 bytes in hex: the beginning of the SHA-256 of a host's and path's expression, as Safe Browsing's
 * Comments begin with # or ! or ;. A file that cannot be read or holds mostly nonsense replaces nothing: what served goes on.
 *
 * struct lists_watch has the files and looks at them when somebody asks, at most every few seconds; struct lists is what
 * they said at one moment: immutable, counted, any thread. */
#ifndef POLICY_LISTS_H
#define POLICY_LISTS_H

#include "base/buf.h"

#include <stddef.h>

enum lists_kind { LISTS_BAD_HOSTS, LISTS_BAD_LINKS, LISTS_PROTECTED };

struct lists;
struct lists_watch;

struct lists_file {
	enum lists_kind kind;
	const char *path;
};
/* Nothing is read yet. Paths are copied. */
int lists_watch_new(const struct lists_file *files, size_t n, struct lists_watch **ret, struct err *err);
void lists_watch_free(struct lists_watch *w);
DEFINE_CLEANUP(struct lists_watch *, lists_watch_free)

/* What serves now; files are looked at when the last look is older than some seconds, and read again when they changed, by
 * one of the callers. Never NULL but when memory ran out at the first time. lists_put() gives it back. */
struct lists *lists_get(struct lists_watch *w);
void lists_put(struct lists *l);
DEFINE_CLEANUP(struct lists *, lists_put)

/* For people: doctor and status. */
struct lists_state {
	const char *path; /* of the watch */
	enum lists_kind kind;
	size_t entries, skipped;
	size_t short_prefixes; /* of four to seven bytes: they hit others, too */
	int64_t loaded_at;     /* ms UTC; 0: never */
	char trouble[320];     /* what is wrong with the file as it is now; "" nothing */
};
size_t lists_states(struct lists_watch *w, struct lists_state *ret, size_t max);

/* The name of the list (its file's) that names this host or address, "" none. host in Unicode or ASCII, lower case; url may be
 * NULL: then hosts only. */
const char *lists_match(const struct lists *l, const char *host, const char *url);

/* Protected domains, for derive.c: sorted, without repeats, lower case, Unicode. */
size_t lists_protected(const struct lists *l, const char *const **ret);
struct lookalike;
size_t lists_looks(const struct lists *l, const struct lookalike **ret); /* the same, taken apart */

#endif
