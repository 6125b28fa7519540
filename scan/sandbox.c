/* Namespaces, root or folder, user, limits; see sandbox.h. Runs in a fresh worker, which has one thread. */
#include "scan/sandbox.h"

#include "scan/folder.h"
#include "scan/landlock.h"

#include "base/ioutil.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define UID_FIRST 64200u /* of workers when the role is root: of the range that distributions leave free */
#define UID_COUNT 256u
#define PRIVATE "/t" /* in the own root */
#define MAX_FILES 64 /* descriptors: libclamav opens one or two a layer */

pid_t sandbox_clone(struct sandbox_ids *ids)
{
	unsigned long flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
	pid_t pid = -1;

	ids->user_namespace = false;
	if (ids->cage != CAGE_NAMESPACES)
		return fork();
	if (geteuid() == 0) {
		pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
		if (pid >= 0 || errno != EPERM)
			return pid;
	}
	ids->user_namespace = true;
	return (pid_t)syscall(SYS_clone, flags | CLONE_NEWUSER, NULL, NULL, NULL, 0);
}

static int refuse(struct err *err, const char *layer)
{
	int e = errno;

	return err_set(err, ERR_LOCAL, "sandbox", "%s: %s", layer, strerror(e));
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : io_write_all(fd, text, strlen(text));
}

/* In a user namespace of our own: an id that nobody has stands for the role's user. */
static int map_user(uid_t uid, gid_t gid, struct err *err)
{
	char line[64];

	if (write_file("/proc/self/setgroups", "deny") < 0)
		return refuse(err, "setgroups");
	snprintf(line, sizeof(line), "%u %u 1", UID_FIRST, uid);
	if (write_file("/proc/self/uid_map", line) < 0)
		return refuse(err, "uid_map");
	snprintf(line, sizeof(line), "%u %u 1", UID_FIRST, gid);
	if (write_file("/proc/self/gid_map", line) < 0)
		return refuse(err, "gid_map");
	return 0;
}

/* The old root is unmounted, not hidden: nothing of the machine can be named any more. */
static int change_root(const struct scan_limits *limits, uid_t owner, struct err *err)
{
	char options[160];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return refuse(err, "private mounts");
	snprintf(options, sizeof(options), "mode=0755,size=%lld,nr_inodes=20000", (long long)limits->worker_tmpfs);
	if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return refuse(err, "tmpfs");
	if (chdir("/tmp") < 0 || mkdir("." PRIVATE, 0700) < 0 ||
		(owner != geteuid() && chown("." PRIVATE, owner, owner) < 0))
		return refuse(err, "private folder");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return refuse(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return refuse(err, "leaving the old root");
	return 0;
}

static int become(uid_t uid, struct err *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return refuse(err, "own user");
	return 0;
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};

	if (syscall(SYS_capset, &head, none) < 0)
		return refuse(err, "capabilities");
	return 0;
}

/* "VmSize" or "VmData" of this process in bytes, 0 when it cannot be read. */
static int64_t memory_of(const char *key)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	size_t n = strlen(key);

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			return strtoll(line + n + 1, NULL, 10) * 1024;
	return 0;
}

static int set_limit(int what, rlim_t value)
{
	struct rlimit l = {value, value};

	return setrlimit((__rlimit_resource_t)what, &l);
}

/* RLIMIT_DATA holds private writable memory, of which the shared engine is most: what is there now, and the
 * allowance. RLIMIT_AS also holds mapped files: the item, and the parts in the tmpfs. */
static int set_limits(const struct scan_limits *l, int64_t data, int64_t space, int64_t file, struct err *err)
{
	int64_t mapped = l->item + l->worker_tmpfs;
	const struct rlimit cpu = {RLIM_INFINITY, RLIM_INFINITY};

	if (data == 0 || space == 0)
		return err_set(err, ERR_LOCAL, "sandbox", "limits: /proc/self/status cannot be read");
	signal(SIGXFSZ, SIG_IGN); /* a write beyond it fails and is noted */
	if (set_limit(RLIMIT_DATA, (rlim_t)(data + l->worker_memory)) < 0 ||
		set_limit(RLIMIT_AS, (rlim_t)(space + l->worker_memory + mapped)) < 0 ||
		set_limit(RLIMIT_CORE, 0) < 0 || set_limit(RLIMIT_NOFILE, MAX_FILES) < 0 ||
		set_limit(RLIMIT_FSIZE, (rlim_t)file) < 0 || set_limit(RLIMIT_MEMLOCK, 0) < 0 ||
		set_limit(RLIMIT_MSGQUEUE, 0) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0)
		return refuse(err, "limits");
	return 0;
}

static int keep_one(int *keep, struct err *err)
{
	if (*keep != 3) {
		if (dup3(*keep, 3, O_CLOEXEC) < 0)
			return refuse(err, "descriptors");
		*keep = 3;
	}
	if (syscall(SYS_close_range, 4u, ~0u, 0u) < 0)
		return refuse(err, "descriptors");
	return 0;
}

/* What it would say to a terminal or a journal would be the content's words. */
static int mute(struct err *err)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return refuse(err, "descriptors");
	return 0;
}

int sandbox_minimum(int *keep, struct err *err)
{
	if (keep_one(keep, err) < 0)
		return -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || set_limit(RLIMIT_CORE, 0) < 0)
		return refuse(err, "no new privileges");
	return 0;
}

/* Changing the user clears some of it, so it comes behind. */
static int lay_down_powers(struct err *err)
{
	if (drop_capabilities(err) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return refuse(err, "no new privileges");
	return 0;
}

static int enter_namespaces(const struct scan_limits *limits, const struct sandbox_ids *ids, char *layers, size_t size,
	struct err *err)
{
	bool root = !ids->user_namespace;
	uid_t uid = root ? UID_FIRST + (unsigned)ids->slot % UID_COUNT : UID_FIRST;
	int64_t data = memory_of("VmData"), space = memory_of("VmSize");
	int landlock = 0;

	if ((!root && map_user(ids->uid, ids->gid, err) < 0) || change_root(limits, uid, err) < 0)
		return -1;
	if (sethostname("worker", 6) < 0)
		return refuse(err, "host name");
	if (root && become(uid, err) < 0)
		return -1;
	if (lay_down_powers(err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || chdir(PRIVATE) < 0)
		return refuse(err, "private folder");
	if (landlock_confine(PRIVATE, &landlock, err) < 0 || set_limits(limits, data, space, limits->worker_tmpfs, err) < 0)
		return -1;
	snprintf(layers, size, "namespaces, private root, %s, no new privileges, limits, seccomp",
		root ? "own user" : "user namespace");
	if (landlock)
		snprintf(layers + strlen(layers), size - strlen(layers), ", landlock %d", landlock);
	return 0;
}

/* Files are as large as a part may be: what a worker has removed and holds open is not always to be counted. */
static int64_t largest_file(const struct scan_limits *l)
{
	int64_t part = (l->item > l->part ? l->item : l->part) + (1 << 20);

	return part < l->worker_tmpfs ? part : l->worker_tmpfs;
}

/* Stays as dumpable as it is: the generation counts by /proc what it has open. */
static int enter_folder(const struct scan_config *config, const struct sandbox_ids *ids, char *layers, size_t size,
	struct err *err)
{
	const struct scan_limits *limits = &config->limits;
	uid_t uid = UID_FIRST + (unsigned)ids->slot % UID_COUNT;
	int64_t data = memory_of("VmData"), space = memory_of("VmSize");
	bool own = geteuid() == 0;
	int landlock = 0;
	char path[FOLDER_PATH_MAX];
	struct err ignored;

	folder_path(config->state, getpid(), path);
	if (folder_make(path, err) < 0)
		return -1;
	if (chdir(path) < 0)
		return refuse(err, "private folder");
	/* Root may have lost the power to be someone else; then it stays root, without any power. */
	if (own && chown(".", uid, uid) < 0)
		own = false;
	if (own && become(uid, &ignored) < 0) {
		own = false;
		if (chown(".", geteuid(), getegid()) < 0)
			return refuse(err, "private folder");
	}
	if (lay_down_powers(err) < 0)
		return -1;
	prctl(PR_SET_DUMPABLE, 1);
	if (landlock_confine(".", &landlock, err) < 0)
		return -1;
	if (!landlock)
		return err_set(err, ERR_LOCAL, "sandbox", "no namespaces (%s) and no Landlock", ids->why);
	if (set_limits(limits, data, space, largest_file(limits), err) < 0)
		return -1;
	snprintf(layers, size, "second cage: landlock %d, counted folder%s, no new privileges, limits, seccomp", landlock,
		own ? ", own user" : "");
	return 0;
}

int sandbox_enter(const struct scan_config *config, const struct sandbox_ids *ids, int *keep, char *layers, size_t size,
	struct err *err)
{
	if (keep_one(keep, err) < 0 || mute(err) < 0)
		return -1;
	return ids->cage == CAGE_NAMESPACES ? enter_namespaces(&config->limits, ids, layers, size, err) :
					      enter_folder(config, ids, layers, size, err);
}

/* The child says by its exit code what errno was; 0: it is caged. */
static int try_namespaces(const struct scan_config *config)
{
	struct sandbox_ids ids = {.cage = CAGE_NAMESPACES, .uid = geteuid(), .gid = getegid()};
	int status = 0;
	pid_t pid = sandbox_clone(&ids);

	if (pid < 0)
		return errno;
	if (pid == 0) {
		char layers[128];
		struct err err = {0};
		int keep = open("/dev/null", O_RDONLY | O_CLOEXEC);
		errno = EPERM;
		_exit(sandbox_enter(config, &ids, &keep, layers, sizeof(layers), &err) == 0 ? 0 : errno ? errno & 127 : EPERM);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

void sandbox_choose(const struct scan_config *config, struct sandbox_ids *ids)
{
	int e = config->sandbox ? try_namespaces(config) : 0;

	ids->cage = config->sandbox ? CAGE_NAMESPACES : CAGE_OFF;
	/* What passes is waited for in the better cage. */
	if (e == 0 || e == EAGAIN || e == ENOMEM)
		return;
	ids->cage = CAGE_FOLDER;
	snprintf(ids->why, sizeof(ids->why), "%s", strerror(e));
}
