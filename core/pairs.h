/* Passwords for what stays closed: the tenant's list, and the mails before or after that the same people sent to the same people
 * (store/pairs.h). Item threads. Passwords are in memory only, while one item is judged, and wiped. */
#ifndef CORE_PAIRS_H
#define CORE_PAIRS_H

#include "core/item.h"

#define PAIRS_MAILS 4 /* of others, fetched for one that is closed */

struct secrets {
	int n;
	char of[SCAN_MAX_PASSWORDS][SCAN_PASSWORD_MAX];
};

/* Did something stay closed? */
bool pairs_closed(const struct work *w);
/* The tenant's list, from the vault. Without it an item is scanned all the same. */
void pairs_list(struct work *w, struct secrets *ret);
/* May a judgement that said "encrypted" be another one now? */
bool pairs_may_open(struct work *w);

/* The item was scanned (w->reply) and is a mail in which something stayed closed: notes it, and adds what others' texts tell. *ret_mails: how
 * many were asked. RETRY when one cannot be fetched for reasons of the moment. */
int pairs_ask(struct work *w, struct secrets *s, int *ret_mails, struct err *err);
/* The item is done: a mail that tells a password brings those back that wait for one, a closed one itself when one came meanwhile. */
void pairs_done(struct work *w);
void secrets_wipe(struct secrets *s);

#endif
