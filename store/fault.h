/* Faults below SQLite, for tests alone: a VFS around the system's that runs out of room, fails to sync, and knows what
 * a power cut would leave on the disk. It is linked into test programs only and takes the place of the default VFS, so
 * the store itself has no hook for it.
 *
 * One for the process; any thread. Only databases opened after store_fault_install() are covered, and their main file
 * and log (not the shared-memory file, which does not outlive a power cut). */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <stdbool.h>

void store_fault_install(void);

/* The disk is full from the n-th write on (1: the next one), until store_fault_clear(). */
void store_fault_disk_full(int nth);
/* Each write fails with this chance in a thousand, as on a full disk; the seed makes it repeatable. */
void store_fault_writes(int per_mille, unsigned seed);
/* Each sync fails. */
void store_fault_sync(void);
/* No faults from now on. */
void store_fault_clear(void);
/* How many faults there were since the last clear. */
int store_fault_count(void);

/* From now on (before the database is opened) remembers what is synced and what is not. */
void store_fault_record(bool on);
/* Writes into the folder what the disk would hold had the power gone at this moment: everything that was synced; of
 * what was not, any part, in units of 512 bytes, in any order. 0 or -1. */
int store_fault_power_cut(const char *folder, unsigned seed);

#endif
