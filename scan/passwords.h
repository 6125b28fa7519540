/* Passwords that the text of a mail tells, in Japanese and English, and the bounded list that they are kept in. Pure but
 * for the list; in workers, on untrusted text. Lists are wiped by whoever made them. */
#ifndef SCAN_PASSWORDS_H
#define SCAN_PASSWORDS_H

#include "scan/scan.h"

#define PASSWORDS_MAX (SCAN_MAX_PASSWORDS + SCAN_MAX_FOUND)

struct passwords {
	int n;
	char of[PASSWORDS_MAX][SCAN_PASSWORD_MAX];
};

/* Unless it is there, too long or there is no room. len: SIZE_MAX for all of it. */
void passwords_add(struct passwords *p, const char *password, size_t len);
void passwords_wipe(struct passwords *p);

/* Adds what the text (UTF-8) announces as a password, up to max in the list. True: it announces one. */
bool passwords_find(struct passwords *p, int max, const char *text, size_t len);

#endif
