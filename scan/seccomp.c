/* The list of system calls of a worker that scans; see sandbox.h. Anything else kills the process.
 *
 * The first group is what libclamav was seen to use on documents, mails, archives, programs and images; the
 * second what the C library needs for memory and what a dying process says; the third the socket to the
 * master. openat cannot be left out: the private root and Landlock confine it. */
#include "scan/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static const int plain[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(lseek), SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(getdents64), SCMP_SYS(fcntl),
	SCMP_SYS(dup), SCMP_SYS(ftruncate), SCMP_SYS(getcwd),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(uname), SCMP_SYS(umask),

	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),

	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll),
};

/* What Landlock does not hold: with a root of its own there is nothing to reach by them. */
static const int by_path[] = {SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(readlink), SCMP_SYS(readlinkat)};

static int allow(scmp_filter_ctx ctx, enum sandbox_cage cage)
{
	int r = 0;

	/* Elsewhere modes are not changed, which libclamav asks for of what it has made itself, and links not read. */
	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++)
		r = r ? r : seccomp_rule_add(ctx, cage == CAGE_NAMESPACES ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(i < 2 ? 0 : EACCES), by_path[i], 0);


	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain[i], 0);
	/* No memory that is both written and run: nothing here makes code. */
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* abort() signals itself. */
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0),
		SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* The C library asks for terminals when it opens streams; there are none. */
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	return r;
}

int sandbox_lock(enum sandbox_cage cage, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!ctx)
		return err_set(err, ERR_LOCAL, "sandbox", "seccomp: out of memory");
	int r = allow(ctx, cage);
	r = r ? r : seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0)
		return err_set(err, ERR_LOCAL, "sandbox", "seccomp: %s", strerror(-r));
	return 0;
}
