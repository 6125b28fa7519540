/* What the web role takes away from itself once its socket is open: core dumps, being traced, new privileges; files other than
 * the store's, the network beyond what is open already, and programs. What the system does not allow is logged and done without.
 *
 * Landlock leaves reading below the store's folder (SQLite), time zones and shared libraries that are mapped already; seccomp
 * refuses to make or connect sockets (SQLite), to start programs and to trace. With PostgreSQL sockets must stay. */
#include "web/impl.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_ALL = (1 << 13) - 1, /* Landlock version 1: everything it knows */
};

/* Lets what is below folder be touched in these ways. A folder that is not there needs no rule. */
static void allow(int set, const char *folder, uint64_t how)
{
	struct {
		uint64_t allowed;
		int32_t parent;
	} __attribute__((packed)) rule = {.allowed = how};
	_cleanup_close_ int dir = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);

	rule.parent = dir;
	if (dir >= 0 && syscall(SYS_landlock_add_rule, set, 1, &rule, 0) < 0)
		log_warn("harden.files", "folder=%s message=\"%s\"", folder, strerror(errno));
}

static void folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, size, "%.*s", (int)(slash ? slash - path : 1), slash ? path : ".");
}

/* A reader of an SQLite store in WAL mode maps the shared index beside it for writing; it creates nothing. */
static void limit_files(const char *store, const char *socket_path)
{
	uint64_t handled = FS_ALL;
	char folder[1024];

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1u) < 1) {
		log_info("harden.files", "message=\"this kernel has no Landlock\"");
		return;
	}
	_cleanup_close_ int set = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0u);
	if (set < 0) {
		log_warn("harden.files", "message=\"%s\"", strerror(errno));
		return;
	}
	if (strncmp(store, "sqlite:", 7) == 0) {
		folder_of(store + 7, folder, sizeof(folder));
		allow(set, folder, FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE);
	} else {
		/* libpq: the client's certificates and the resolver's files. */
		allow(set, "/etc", FS_READ_FILE | FS_READ_DIR);
		allow(set, "/var/run/postgresql", FS_READ_FILE | FS_READ_DIR);
	}
	allow(set, "/usr/share/zoneinfo", FS_READ_FILE | FS_READ_DIR);
	if (socket_path) {
		folder_of(socket_path, folder, sizeof(folder));
		allow(set, folder, FS_REMOVE_FILE); /* our own socket, at the end */
	}
	if (syscall(SYS_landlock_restrict_self, set, 0u) < 0)
		log_warn("harden.files", "message=\"%s\"", strerror(errno));
}

static void limit_calls(bool sockets)
{
	static const int never[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(bpf),
		SCMP_SYS(perf_event_open), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(userfaultfd),
		SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(io_uring_setup), SCMP_SYS(setns),
		SCMP_SYS(unshare), SCMP_SYS(fork), SCMP_SYS(vfork)};
	static const int network[] = {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen)};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), never[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(network) && !sockets; i++)
		seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), network[i], 0);
	int r = seccomp_load(f);
	if (r < 0)
		log_warn("harden.calls", "message=\"%s\"", strerror(-r));
	seccomp_release(f);
}

void web_harden(const char *store, const char *socket_path)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		log_warn("harden.core", "message=\"%s\"", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		log_warn("harden.dumpable", "message=\"%s\"", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		log_warn("harden.privileges", "message=\"%s\"", strerror(errno));
		return;
	}
	limit_files(store, socket_path);
	limit_calls(strncmp(store, "sqlite:", 7) != 0);
}
