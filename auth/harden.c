/* Hardening of a process that holds secrets; see harden.h. What the system does not allow is logged and done without. */
#include "auth/harden.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void harden_process(void)
{
	const struct rlimit none = {0, 0}, all = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		log_warn("harden.core", "message=\"%s\"", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		log_warn("harden.dumpable", "message=\"%s\"", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("harden.privileges", "message=\"%s\"", strerror(errno));
	/* All of memory only where no limit can make a later allocation fail; the vault's key page is locked by itself. */
	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0 || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_debug("harden.memory", "message=\"memory may be swapped: %s\"", strerror(errno));
}
