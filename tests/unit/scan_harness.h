/* A scan role of the test's own: the test's program executes itself again as the role, over a socketpair. */
#ifndef TESTS_UNIT_SCAN_HARNESS_H
#define TESTS_UNIT_SCAN_HARNESS_H

#include "scan/client.h"

#include <sys/types.h>

struct harness {
	pid_t pid;
	struct rpc *rpc;
	struct scan_client client;
	char dir[128];   /* of the test's own, below it "signatures" and "state" */
	char signatures[160];
	int changes;     /* SCAN_CHANGED messages that came */
	bool no_namespaces; /* start the role as containers do: no namespaces, no mounts, without CAP_SYS_ADMIN */
	bool no_landlock;   /* with no_namespaces: by a kernel without it */
	bool plain_user;    /* by an ordinary user (only root can) */
	struct scan_config config;
};

/* To be called first in main(): does not return in the role's process. */
void harness_main(int argc, char **argv);

/* A config with small limits fit for tests; the folder is made. */
void harness_init(struct harness *h);
void harness_start(struct harness *h);
void harness_stop(struct harness *h);
/* Stops it when it runs, removes the folder. */
void harness_free(struct harness *h);

/* Waits until a database serves and nothing is being loaded. False after 60 s. */
bool harness_ready(struct harness *h, struct scan_info *ret);
/* The same until the signatures' identity differs from `from` or something was refused. */
bool harness_changed(struct harness *h, const char *from, struct scan_info *ret);

/* Content into a sealed memory file. */
int harness_memfd(const void *data, size_t len);
/* Scans bytes for a tenant. Fails the test on any error of transport. */
void harness_scan(struct harness *h, const char *tenant, const void *data, size_t len, struct scan_reply *ret);
void harness_scan_file(struct harness *h, const char *tenant, const char *path, struct scan_reply *ret);

/* Writes a file below h->dir. */
void harness_write(struct harness *h, const char *name, const void *data, size_t len);
/* Runs the sample maker (scan_samples.py) into h->dir/samples; false when there is no python3. */
bool harness_samples(struct harness *h);
/* Path of a sample: in a static buffer. */
const char *harness_sample(struct harness *h, const char *name);

#endif
