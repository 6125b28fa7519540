/* What the auth role takes away from itself at start: core dumps, being traced, being swapped. Its main, once. */
#ifndef AUTH_HARDEN_H
#define AUTH_HARDEN_H

void harden_process(void);

#endif
