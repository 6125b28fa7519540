/* The cage of a worker. There are two.
 *
 * CAGE_NAMESPACES, layers outermost first: own namespaces (mount, network, processes, IPC, host name; a user namespace
 * where the role is not root), a root that is an empty tmpfs of limited size, a user of its own (root only), Landlock
 * where the kernel has it, no new privileges, resource limits, and a list of allowed system calls beyond which the
 * kernel kills.
 *
 * CAGE_FOLDER, where namespaces are forbidden (containers, hardened kernels): a folder on disk of its own whose bytes
 * the generation counts, Landlock (which it cannot do without), a user of its own where root may, no capabilities,
 * limits, and a shorter list of system calls. README.md says what it lacks.
 *
 * The generation calls sandbox_choose() and sandbox_clone(), the new worker the rest. */
#ifndef SCAN_SANDBOX_H
#define SCAN_SANDBOX_H

#include "scan/scan.h"

#include <sys/types.h>

#define SANDBOX_TMP "." /* for temporary files: the folder that the worker stands in, the only one there is */

enum sandbox_cage { CAGE_OFF, CAGE_NAMESPACES, CAGE_FOLDER };

struct sandbox_ids {
	enum sandbox_cage cage;
	uid_t uid; /* the role's, outside */
	gid_t gid;
	int slot;  /* a small number of the worker's own, for its user id */
	bool user_namespace;
	char why[96]; /* CAGE_FOLDER: why there are no namespaces */
};

/* Which cage can be had here: tried in a process of its own. Before the engine is loaded, because it forks. */
void sandbox_choose(const struct scan_config *config, struct sandbox_ids *ids);

/* fork(), into new namespaces where ids say so; 0 in the child, -1 with errno. Sets ids->user_namespace on both sides:
 * is there one of users too? That is where the role is not root, or root without the power to make the others. The
 * caller has one thread. */
pid_t sandbox_clone(struct sandbox_ids *ids);

/* In the worker, in this order. keep: the one descriptor that stays open, becomes number 3 and is *keep.
 * layers: a word for each layer, at least 128 bytes.
 * Any layer that cannot be had is an error (LOCAL "sandbox"), but Landlock with namespaces. */
int sandbox_enter(const struct scan_config *config, const struct sandbox_ids *ids, int *keep, char *layers, size_t size,
	struct err *err);
/* The last step, when everything is warm: from here on only the listed calls. */
int sandbox_lock(enum sandbox_cage cage, struct err *err);
/* What holds without a sandbox: other descriptors closed, no core, no new privileges. */
int sandbox_minimum(int *keep, struct err *err);

#endif
