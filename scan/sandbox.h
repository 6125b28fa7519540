/* The cage of a worker. Layers, outermost first: own namespaces (mount, network, processes, IPC, host name;
 * a user namespace where the role is not root), a root that is an empty tmpfs of limited size, a user of its
 * own (root only), Landlock where the kernel has it, no new privileges, resource limits, and a list of allowed
 * system calls beyond which the kernel kills. The generation calls sandbox_clone(), the new worker the rest. */
#ifndef SCAN_SANDBOX_H
#define SCAN_SANDBOX_H

#include "scan/scan.h"

#include <sys/types.h>

#define SANDBOX_TMP "/t" /* the only folder there is */

/* fork() into new namespaces; 0 in the child, -1 with errno. Without `on` a plain fork. *user_namespace says, on
 * both sides, whether there is one of users too: where the role is not root, or root without the power to make the
 * others. The caller has one thread. */
pid_t sandbox_clone(bool on, bool *user_namespace);

struct sandbox_ids {
	uid_t uid; /* the role's, outside */
	gid_t gid;
	int slot;  /* a small number of the worker's own, for its user id */
	bool user_namespace;
};

/* In the worker, in this order. keep: the one descriptor that stays open, becomes number 3 and is *keep.
 * layers: a word for each layer, at least 128 bytes.
 * Any layer but Landlock that cannot be had is an error (LOCAL "sandbox"). */
int sandbox_enter(const struct scan_limits *limits, const struct sandbox_ids *ids, int *keep, char *layers, size_t size,
	struct err *err);
/* The last step, when everything is warm: from here on only the listed calls. */
int sandbox_lock(struct err *err);
/* What holds without a sandbox: other descriptors closed, no core, no new privileges. */
int sandbox_minimum(int *keep, struct err *err);

#endif
