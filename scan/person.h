/* Names of people as keys that are equal when they mean the same person: NFKC, case folded, without spaces, honorifics, job
 * titles, companies and remarks around; Latin words in the order of the alphabet, because family names stand on either
 * side. Pure functions; in workers on untrusted text, in core on the directory's. */
#ifndef SCAN_PERSON_H
#define SCAN_PERSON_H

#include <stddef.h>

/* "|a|b|": what a display name may mean, the most likely first; "" when it is no person's name. Of a directory's entry the
 * first one is kept (person_key()); what a mail shows is looked up by all. */
void person_keys(const char *name, char *ret, size_t size);
void person_key(const char *name, char *ret, size_t size);

#endif
