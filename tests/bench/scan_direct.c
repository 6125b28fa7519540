/* The floor: libclamav called directly by forked processes on a list of files, with the same database and
 * nothing around it. Prints files a second and processor time; one JSON object on the last line.
 *
 *   scan-bench-direct LIST DATABASE PROCESSES [--passes N]
 *
 * The engine's limits are those of scan_limits_default(), its cache of clean parts is on, its other settings
 * are what clamscan takes: this is what the role is measured against. */
#include "tests/bench/scan_common.h"

#include "scan/scan.h"

#include "base/timeutil.h"

#include <clamav.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct shared {
	int next; /* of the list, taken atomically: as fair as the role's queue */
	int infected;
	int errors;
};

static struct cl_engine *load(const char *dir)
{
	unsigned n = 0;
	struct scan_limits l;
	struct cl_engine *e = cl_engine_new();

	scan_limits_default(&l);
	if (!e || cl_load(dir, e, &n, CL_DB_STDOPT) != CL_SUCCESS)
		return NULL;
	cl_engine_set_num(e, CL_ENGINE_MAX_FILESIZE, l.item);
	cl_engine_set_num(e, CL_ENGINE_MAX_SCANSIZE, l.total);
	cl_engine_set_num(e, CL_ENGINE_MAX_RECURSION, l.depth);
	cl_engine_set_num(e, CL_ENGINE_MAX_FILES, l.parts);
	cl_engine_set_num(e, CL_ENGINE_MAX_SCANTIME, l.time_ms);
	if (cl_engine_compile(e) != CL_SUCCESS)
		return NULL;
	fprintf(stderr, "%u signatures\n", n);
	return e;
}

static _Noreturn void work(struct cl_engine *e, const struct bench_list *list, int total, struct shared *s)
{
	struct cl_scan_options options = {.general = CL_SCAN_GENERAL_HEURISTICS, .parse = ~0u,
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX};
	int i;

	while ((i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < total) {
		const char *name = NULL;
		unsigned long scanned = 0;
		int fd = open(list->paths[i % list->n], O_RDONLY);
		cl_error_t rc = fd < 0 ? CL_EOPEN : cl_scandesc(fd, NULL, &name, &scanned, e, &options);
		if (rc == CL_VIRUS)
			__atomic_add_fetch(&s->infected, 1, __ATOMIC_RELAXED);
		else if (rc != CL_CLEAN)
			__atomic_add_fetch(&s->errors, 1, __ATOMIC_RELAXED);
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct bench_list list;
	int passes = 1;

	if (argc != 4 && !(argc == 6 && strcmp(argv[4], "--passes") == 0)) {
		fprintf(stderr, "usage: %s LIST DATABASE PROCESSES [--passes N]\n", argv[0]);
		return 2;
	}
	if (argc == 6)
		passes = (int)strtol(argv[5], NULL, 10);
	bench_read_list(argv[1], &list);
	int processes = (int)strtol(argv[3], NULL, 10), total = list.n * passes;
	struct cl_engine *e = cl_init(CL_INIT_DEFAULT) == CL_SUCCESS ? load(argv[2]) : NULL;
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!e || s == MAP_FAILED) {
		fprintf(stderr, "%s: cannot be loaded\n", argv[2]);
		return 1;
	}
	int64_t from = time_monotonic_ms();
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			work(e, &list, total, s);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	double wall = (double)(time_monotonic_ms() - from) / 1000;
	struct rusage children;
	getrusage(RUSAGE_CHILDREN, &children);
	printf("{\"files\": %d, \"seconds\": %.3f, \"files_per_second\": %.3f, \"engine_cpu\": %.3f, \"infected\": %d, "
	       "\"errors\": %d}\n",
		total, wall, total / wall, bench_cpu(&children), s->infected, s->errors);
	fflush(stdout);
	_exit(0);
}
