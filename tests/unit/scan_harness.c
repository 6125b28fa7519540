/* Starting and asking a scan role from tests; see scan_harness.h. */
#include "tests/unit/scan_harness.h"

#include "scan/sandbox.h"

#include "base/ioutil.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

void harness_main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		_exit(scan_role_main(argv[2][0] - '0'));
}

/* Some containers allow no cage. The tests of it are skipped there, the others run without. */
static bool cage_is_possible(const struct scan_config *config)
{
#ifdef SANITIZED
	/* The sanitizer's runtime needs /proc, its own system calls and terabytes of address space. */
	return false;
#endif
	struct sandbox_ids ids = {.uid = geteuid(), .gid = getegid()};
	int status = 1;
	sandbox_choose(config, &ids);
	pid_t pid = sandbox_clone(&ids);

	if (pid == 0) {
		char layers[128];
		struct err err = {0};
		int keep = open("/dev/null", O_RDONLY);
		_exit(sandbox_enter(config, &ids, &keep, layers, sizeof(layers), &err) < 0 || sandbox_lock(ids.cage, &err) < 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "no cage is to be had here (namespaces, Landlock, seccomp): workers run without\n");
	return false;
}

void harness_init(struct harness *h)
{
	*h = (struct harness){0};
	snprintf(h->dir, sizeof(h->dir), "/tmp/sekisho-scan-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->signatures, sizeof(h->signatures), "%s/signatures", h->dir);
	assert_int_equal(mkdir(h->signatures, 0755), 0);
	scan_limits_default(&h->config.limits);
	h->config.limits.item = 8 << 20;
	h->config.limits.part = 1 << 20;
	h->config.limits.total = 16 << 20;
	h->config.limits.depth = 10;
	h->config.limits.parts = 200;
	h->config.limits.time_ms = 100000;
	h->config.limits.worker_tmpfs = 64 << 20;
	h->config.workers = 2;
	h->config.n_dirs = 1;
	h->config.watch_ms = 500;
	h->config.settle_ms = 200;
	snprintf(h->config.dirs[0], sizeof(h->config.dirs[0]), "%s", h->signatures);
	snprintf(h->config.state, sizeof(h->config.state), "%s/state", h->dir);
	h->config.sandbox = true;
	h->config.sandbox = cage_is_possible(&h->config);
}

/* What a container's runtime forbids by its own filter, or the kernel lacks. */
static int forbid(bool landlock)
{
	const int flags = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -1;

	for (int bit = 1; bit > 0 && bit <= CLONE_NEWNET; bit <<= 1)
		if (flags & bit)
			r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, (scmp_datum_t)(unsigned)bit, (scmp_datum_t)(unsigned)bit));
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0);
	r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0);
	if (landlock)
		r = r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
	r = r ? r : seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

static int give_up_powers(const struct harness *h)
{
	const uid_t nobody = 65534;

	if (h->plain_user && (setgroups(0, NULL) < 0 || setresgid(nobody, nobody, nobody) < 0 || setresuid(nobody, nobody, nobody) < 0))
		return -1;
	if (!h->no_namespaces)
		return 0;
	if (!h->plain_user && geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : forbid(h->no_landlock);
}

static int chown_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return lchown(path, 65534, 65534);
}

static int on_message(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct harness *h = ctx;

	if (m->type == SCAN_CHANGED)
		__atomic_add_fetch(&h->changes, 1, __ATOMIC_RELAXED);
	return 0;
}

static void on_gone(void *ctx, struct rpc *rpc)
{
}

void harness_start(struct harness *h)
{
	static const struct rpc_ops ops = {on_message, on_gone};
	int pair[2];
	struct err err = {0};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	if (h->plain_user)
		assert_int_equal(nftw(h->dir, chown_one, 16, FTW_PHYS), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		char role[] = "--role", number[] = "5", self[] = "/proc/self/exe";
		char *argv[] = {self, role, number, NULL};
		if (give_up_powers(h) < 0)
			_exit(126);
		if (pair[1] == 5)
			fcntl(5, F_SETFD, 0);
		else
			dup2(pair[1], 5);
		execv(self, argv);
		_exit(127);
	}
	close(pair[1]);
	assert_int_equal(scan_client_configure(pair[0], &h->config), 0);
	assert_int_equal(rpc_new("scan", pair[0], &ops, h, &h->rpc, &err), 0);
	h->client.rpc = h->rpc;
}

void harness_stop(struct harness *h)
{
	int status;

	if (!h->rpc)
		return;
	rpc_free(h->rpc);
	h->rpc = NULL;
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void harness_free(struct harness *h)
{
	harness_stop(h);
	nftw(h->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool wait_for(struct harness *h, const char *from, struct scan_info *ret)
{
	int64_t end = time_monotonic_ms() + 300000;
	struct err err = {0};

	while (time_monotonic_ms() < end) {
		if (scan_client_info(&h->client, ret, &err) < 0)
			return false;
		if (ret->loaded_at && !ret->loading &&
			(!from || strcmp(ret->signatures, from) != 0 || ret->refused[0]))
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

bool harness_ready(struct harness *h, struct scan_info *ret)
{
	return wait_for(h, NULL, ret);
}

bool harness_changed(struct harness *h, const char *from, struct scan_info *ret)
{
	return wait_for(h, from, ret);
}

int harness_memfd(const void *data, size_t len)
{
	struct err err = {0};
	int fd = io_memfd("item", &err);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, data, len), 0);
	assert_int_equal(io_memfd_seal(fd, &err), 0);
	return fd;
}

void harness_scan(struct harness *h, const char *tenant, const void *data, size_t len, struct scan_reply *ret)
{
	const struct scan_request req = {.tenant = tenant, .name = "item", .size = (int64_t)len, .deadline_ms = 100000, .words = true};
	struct err err = {0};

	if (scan_client_scan(&h->client, &req, harness_memfd(data, len), 300000, ret, &err) < 0)
		fail_msg("scan: %s %s", err.code, err.message);
}

void harness_scan_file(struct harness *h, const char *tenant, const char *path, struct scan_reply *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT(256 << 20);
	struct err err = {0};

	if (io_read_file(path, &b, &err) < 0)
		fail_msg("%s: %s", path, err.message);
	harness_scan(h, tenant, b.data ? b.data : "", b.len, ret);
}

void harness_write(struct harness *h, const char *name, const void *data, size_t len)
{
	char path[512];
	struct err err = {0};

	snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	if (io_write_file(path, data, len, 0644, &err) < 0)
		fail_msg("%s: %s", path, err.message);
}

bool harness_samples(struct harness *h)
{
	int status;
	char out[256];
	pid_t pid = fork();

	snprintf(out, sizeof(out), "%s/samples", h->dir);
	if (pid == 0) {
		execlp("python3", "python3", SAMPLES_SCRIPT, out, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *harness_sample(struct harness *h, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/samples/%s", h->dir, name);
	return path;
}
