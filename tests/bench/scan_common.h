/* What the two scanning benchmarks share: the list of files, and the clock. */
#ifndef TESTS_BENCH_SCAN_COMMON_H
#define TESTS_BENCH_SCAN_COMMON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct bench_list {
	char **paths;
	int n;
};

/* One path a line. Exits on errors. */
static inline void bench_read_list(const char *path, struct bench_list *ret)
{
	FILE *f = fopen(path, "r");
	char line[4096];

	*ret = (struct bench_list){0};
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		ret->paths = realloc(ret->paths, sizeof(char *) * (size_t)(ret->n + 1));
		if (!line[0] || !ret->paths)
			continue;
		ret->paths[ret->n++] = strdup(line);
	}
	if (!f || ret->n == 0) {
		fprintf(stderr, "%s: no list of files\n", path);
		exit(1);
	}
	fclose(f);
}

static inline double bench_cpu(const struct rusage *u)
{
	return (double)u->ru_utime.tv_sec + (double)u->ru_stime.tv_sec +
		(double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

#endif
