/* The signature folders: which files they hold, whether they changed, and in what order they are read.
 * The master watches with it, a generation loads with it; one thread each. */
#ifndef SCAN_DATABASE_H
#define SCAN_DATABASE_H

#include "scan/scan.h"

#define DATABASE_MAX_FILES 4096

struct database_file {
	char *path;
	int64_t size;
	int64_t mtime_ns;
	uint64_t inode;
	int order;    /* libclamav reads ignore lists first and the daily database before others */
	bool left_out; /* refused: not read again until it changes */
};

struct database {
	struct database_file *files;
	int n_files;
};

/* Lists what libclamav takes in the folders, sorted by order and path. A folder that cannot be read is logged
 * and counts as empty. -1 when memory ran out or there are too many files. */
int database_list(const struct scan_config *config, struct database *ret, struct err *err);
void database_free(struct database *d);
/* The same files with the same sizes and times? What is left out is not compared. */
bool database_same(const struct database *a, const struct database *b);
struct database_file *database_find(struct database *d, const char *path);
/* Marks what old has left out and d has unchanged. */
void database_keep_left_out(struct database *d, const struct database *old);

/* SHA-256 over the contents in order, in hex: the same for the same content wherever it lies. */
int database_digest(const struct database *d, char out[65], struct err *err);

#endif
