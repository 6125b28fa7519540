/* Drives the scan role with a list of files, as core does: each file into a sealed memory file, as many at once
 * as there are workers. Prints files a second, the processor time of the role's processes, and how long answers
 * took; one JSON object on the last line.
 *
 *   scan-bench-role LIST DATABASE WORKERS [--tenants N] [--each] [--test-limits] [--no-sandbox] [--passes N]
 *                   [--reload SECONDS] [--words | --both]
 *
 * --words looks at words, too: links and detectors. --both scans each file twice, without and with, twenty in turns, and prints the
 * workers' processor time of each: their ratio is what the words cost, whatever else the machine does.
 *
 * --each prints the verdict of each file. --reload touches the database's folder after so long, so that a second
 * generation is loaded meanwhile; then the longest pause between answers is of interest. DATABASE "-": built-in. */
#include "tests/bench/scan_common.h"

#include "scan/client.h"

#include "base/ioutil.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct bench {
	struct bench_list list;
	struct scan_client client;
	pthread_mutex_t lock;
	int next, total;
	int tenants;
	bool each, words, both;
	int64_t plain_cpu_us; /* of --both, the scans without words */
	int verdicts[4];
	int64_t *took_us;
	int64_t last_answer, longest_gap;
	int64_t worker_cpu_us;
	int64_t reload_at;
	const char *database;
};

static void scan_next(struct bench *b, int i)
{
	const char *path = b->list.paths[(b->both ? i / 40 * 20 + i % 20 : i) % b->list.n];
	char tenant[32];
	struct err err = {0};
	struct scan_reply reply;
	_cleanup_buf_ struct buf content = BUF_INIT(1 << 30);

	/* With --both twenty files come twice, to workers of their own: what one has seen is not known to the other. */
	bool words = b->both ? i / 20 % 2 : b->words;
	snprintf(tenant, sizeof(tenant), "t%d%s", b->tenants > 1 ? i / 20 % b->tenants : 0, b->both && words ? "w" : "");
	int64_t from = time_monotonic_ns() / 1000;
	int fd = io_memfd("item", &err);
	if (fd < 0 || io_read_file(path, &content, &err) < 0 || (content.len && io_write_all(fd, content.data, content.len) < 0) ||
		io_memfd_seal(fd, &err) < 0) {
		fprintf(stderr, "%s: %s\n", path, err.message);
		exit(1);
	}
	const struct scan_request req = {.tenant = tenant, .name = path, .size = (int64_t)content.len, .deadline_ms = 120000, .words = words};
	if (scan_client_scan(&b->client, &req, fd, 600000, &reply, &err) < 0) {
		fprintf(stderr, "%s: %s %s\n", path, err.code, err.message);
		exit(1);
	}
	int64_t now = time_monotonic_ns() / 1000;
	pthread_mutex_lock(&b->lock);
	b->took_us[i] = now - from;
	b->verdicts[reply.verdict]++;
	b->worker_cpu_us += reply.cpu_us;
	b->plain_cpu_us += words ? 0 : reply.cpu_us;
	if (b->last_answer && now - b->last_answer > b->longest_gap)
		b->longest_gap = now - b->last_answer;
	b->last_answer = now;
	if (b->each) {
		const char *name = strrchr(path, '/');
		printf("%-28s %-8s %-20s parts=%d %lld ms", name ? name + 1 : path, scan_verdict_name(reply.verdict), reply.reason,
			reply.parts_seen, (long long)reply.elapsed_us / 1000);
		for (int t = 0; t < reply.n_threats && t < 3; t++)
			printf(" [%s in \"%s\"]", reply.threats[t].name, reply.threats[t].part);
		for (int p = 0; p < reply.n_parts; p++)
			if (reply.parts[p].macros || reply.parts[p].encrypted)
				printf(" (%s%s%s)", reply.parts[p].name, reply.parts[p].macros ? " macros" : "",
					reply.parts[p].encrypted ? " encrypted" : "");
		printf("\n");
	}
	pthread_mutex_unlock(&b->lock);
}

static void *feed(void *arg)
{
	struct bench *b = arg;

	for (;;) {
		pthread_mutex_lock(&b->lock);
		int i = b->next++;
		bool reload = b->reload_at && time_monotonic_ms() >= b->reload_at;
		if (reload)
			b->reload_at = 0;
		pthread_mutex_unlock(&b->lock);
		if (i >= b->total)
			return NULL;
		if (reload) {
			char path[600];
			snprintf(path, sizeof(path), "%s/touched.ndb", b->database);
			FILE *f = fopen(path, "w");
			if (f) {
				fprintf(f, "Bench.Touched:0:*:%08llx%08llx%08llx\n", (unsigned long long)time_now_ms() & 0xffffffff,
					0xdeadbeefull, (unsigned long long)getpid());
				fclose(f);
			}
		}
		scan_next(b, i);
	}
}

static int on_message(void *ctx, struct rpc *rpc, struct msg *m)
{
	return 0;
}

static void on_gone(void *ctx, struct rpc *rpc)
{
	fprintf(stderr, "the role is gone\n");
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The role's own processor time while it lives: of the master, from /proc. */
static double master_cpu(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user = 0, sys = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f)) {
		const char *p = strrchr(line, ')');
		if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
			user = sys = 0;
	}
	if (f)
		fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static pid_t start_role(const struct scan_config *config, int *ret_fd)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		char self[] = "/proc/self/exe", role[] = "--role", *argv[] = {self, role, NULL};
		if (pair[1] == 5)
			fcntl(5, F_SETFD, 0);
		else
			dup2(pair[1], 5);
		execv(self, argv);
		_exit(127);
	}
	close(pair[1]);
	if (scan_client_configure(pair[0], config) < 0)
		exit(1);
	*ret_fd = pair[0];
	return pid;
}

static void options(int argc, char **argv, struct bench *b, struct scan_config *c, int *passes, int *reload)
{
	for (int i = 4; i < argc; i++) {
		if (strcmp(argv[i], "--each") == 0) {
			b->each = true;
		} else if (strcmp(argv[i], "--no-sandbox") == 0) {
			c->sandbox = false;
		} else if (strcmp(argv[i], "--words") == 0) {
			b->words = true;
		} else if (strcmp(argv[i], "--both") == 0) {
			b->both = true;
		} else if (strcmp(argv[i], "--test-limits") == 0) {
			c->limits.item = 8 << 20;
			c->limits.part = 1 << 20;
			c->limits.total = 16 << 20;
			c->limits.depth = 10;
			c->limits.parts = 200;
			c->limits.worker_tmpfs = 64 << 20;
		} else if (i + 1 < argc && strcmp(argv[i], "--tenants") == 0) {
			b->tenants = (int)strtol(argv[++i], NULL, 10);
		} else if (i + 1 < argc && strcmp(argv[i], "--passes") == 0) {
			*passes = (int)strtol(argv[++i], NULL, 10);
		} else if (i + 1 < argc && strcmp(argv[i], "--reload") == 0) {
			*reload = (int)strtol(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "unknown option %s\n", argv[i]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct rpc_ops ops = {on_message, on_gone};
	struct bench b = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct scan_config c = {.sandbox = true, .n_dirs = 1, .settle_ms = 500, .watch_ms = 1000};
	struct scan_info info = {0};
	struct err err = {0};
	int fd, passes = 1, reload = 0;

	if (argc == 2 && strcmp(argv[1], "--role") == 0)
		return scan_role_main(5);
	if (argc < 4) {
		fprintf(stderr, "usage: %s LIST DATABASE WORKERS [options]\n", argv[0]);
		return 2;
	}
	scan_limits_default(&c.limits);
	c.workers = (int)strtol(argv[3], NULL, 10);
	b.database = strcmp(argv[2], "-") == 0 ? "/nonexistent" : argv[2];
	snprintf(c.dirs[0], sizeof(c.dirs[0]), "%s", b.database);
	char state[] = "/tmp/scan-bench-XXXXXX";
	if (!mkdtemp(state))
		return 1;
	snprintf(c.state, sizeof(c.state), "%s", state);
	options(argc, argv, &b, &c, &passes, &reload);
	bench_read_list(argv[1], &b.list);
	b.total = b.list.n * passes * (b.both ? 2 : 1);
	b.took_us = calloc((size_t)b.total, sizeof(*b.took_us));
	pid_t pid = start_role(&c, &fd);
	if (rpc_new("scan", fd, &ops, &b, &b.client.rpc, &err) < 0)
		return 1;
	int64_t loading = time_monotonic_ms();
	while (scan_client_info(&b.client, &info, &err) == 0 && (!info.loaded_at || info.loading))
		poll(NULL, 0, 50);
	fprintf(stderr, "%s, %s, loaded in %lld ms, %s\n", info.engine, info.signatures,
		(long long)(time_monotonic_ms() - loading), info.sandbox);
	double cpu0 = master_cpu(pid);
	int64_t from = time_monotonic_ms();
	if (reload)
		b.reload_at = from + reload * 1000;
	pthread_t threads[64];
	int n = c.workers < 64 ? c.workers : 64;
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, feed, &b);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	double wall = (double)(time_monotonic_ms() - from) / 1000, cpu_master = master_cpu(pid) - cpu0;
	struct rusage self;
	getrusage(RUSAGE_SELF, &self);
	qsort(b.took_us, (size_t)b.total, sizeof(*b.took_us), compare);
	rpc_free(b.client.rpc);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	remove(state);
	printf("{\"files\": %d, \"seconds\": %.3f, \"files_per_second\": %.3f, \"worker_cpu\": %.3f, \"plain_cpu\": %.3f, \"master_cpu\": %.3f, "
	       "\"feeder_cpu\": %.3f, \"clean\": %d, \"threat\": %d, \"unknown\": %d, \"median_ms\": %.2f, \"p99_ms\": %.2f, "
	       "\"max_ms\": %.2f, \"longest_gap_ms\": %.2f}\n",
		b.total, wall, b.total / wall, (double)b.worker_cpu_us / 1e6, (double)b.plain_cpu_us / 1e6, cpu_master, bench_cpu(&self), b.verdicts[VERDICT_CLEAN],
		b.verdicts[VERDICT_THREAT], b.verdicts[VERDICT_UNKNOWN], (double)b.took_us[b.total / 2] / 1e3,
		(double)b.took_us[b.total * 99 / 100] / 1e3, (double)b.took_us[b.total - 1] / 1e3, (double)b.longest_gap / 1e3);
	return 0;
}
