/* The engine of one generation: loaded once, then shared copy-on-write by the workers that are forked from it.
 * Used by the generation process (load) and its workers (scan); one thread. */
#ifndef SCAN_ENGINE_H
#define SCAN_ENGINE_H

#include "scan/database.h"
#include "scan/scan.h"

struct cl_engine;
struct detect;

struct engine {
	struct cl_engine *cl;
	struct scan_info info; /* engine, signatures, count, built_at, builtin_only */
	struct detect *detect; /* NULL where they cannot run */
	bool image_hashes;     /* some signature asks for fuzzy hashes of images */
};

struct engine_watch {
	/* A file is about to be read; a crash now is its fault. */
	void (*loading)(void *ctx, const char *path);
	/* It is left out. */
	void (*refused)(void *ctx, const char *path, const char *why);
	void *ctx;
};

/* Once a process, before anything else of libclamav. */
int engine_init(struct err *err);

/* Loads the built-in set and the files of db that are not left out; files that libclamav refuses are marked
 * left_out, told to watch, and loading starts again without them. Errors: REMOTE "bad_signatures" when even
 * the built-in set does not load, LOCAL. */
int engine_load(const struct scan_config *config, struct database *db, const struct engine_watch *watch,
	struct engine *ret, struct err *err);
/* Only on errors and in tests: a process with a loaded engine leaves by _exit(), freeing takes seconds. */
void engine_free(struct engine *e);

/* Huge pages for what was loaded: fork() copies page tables, and there are fewer then. Best effort. */
void engine_settle(void);
/* Opens every charset that libclamav may ask iconv for, so that nothing is loaded later; keeps them open. */
void engine_warm(void);

#endif
