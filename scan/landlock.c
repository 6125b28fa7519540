/* Landlock by its system calls, glibc has no wrappers; see landlock.h. Source: Linux, userspace-api/landlock. */
#include "scan/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

/* The kernel's structure with all fields of version 6; a shorter size is passed to older kernels. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_ALL_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,    /* version 2 */
	FS_TRUNCATE = 1 << 14, /* 3 */
	FS_IOCTL_DEV = 1 << 15, /* 5 */
	NET_ALL = 3,           /* 4 */
	SCOPE_ALL = 3,         /* 6 */
};

int landlock_confine(const char *folder, int *ret_version, struct err *err)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
	struct ruleset r = {.fs = FS_ALL_1};
	struct path_rule rule = {.allowed = FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_DIR | FS_REMOVE_FILE |
		FS_MAKE_DIR | FS_MAKE_REG};

	if (version < 1) {
		*ret_version = 0;
		return 0;
	}
	if (version >= 2)
		r.fs |= FS_REFER;
	if (version >= 3) {
		r.fs |= FS_TRUNCATE;
		rule.allowed |= FS_TRUNCATE;
	}
	if (version >= 4)
		r.net = NET_ALL;
	if (version >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		r.scoped = SCOPE_ALL;
	size_t size = version >= 6 ? sizeof(r) : version >= 4 ? 16 : 8;
	_cleanup_close_ int set = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0u);
	_cleanup_close_ int dir = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
	rule.parent = dir;
	if (set < 0 || dir < 0 || syscall(SYS_landlock_add_rule, set, 1u, &rule, 0u) < 0 ||
		syscall(SYS_landlock_restrict_self, set, 0u) < 0)
		return err_set(err, ERR_LOCAL, "sandbox", "landlock: %s", strerror(errno));
	*ret_version = (int)version;
	return 0;
}
