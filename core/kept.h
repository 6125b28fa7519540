/* Passwords for archives that a tenant keeps (LIST_PASSWORD): the auth role's vault has them, the store only the name under which.
 * Any thread; each call asks auth. Errors: what auth answers; GONE "no_grant"; RETRY "peer_gone". */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "base/buf.h"
#include "core/core.h"

/* *ret_name, in the arena, is what the store keeps as the entry's value. */
int kept_put(struct core *c, const char *tenant, const char *secret, struct arena *a, const char **ret_name, struct err *err);
/* Appends the password; the caller wipes the buffer. */
int kept_get(struct core *c, const char *name, struct buf *ret, struct err *err);
/* 0 also when there is none. */
int kept_forget(struct core *c, const char *name, struct err *err);

#endif
