/* See folder.h. No function follows a symbolic link: what is in the folder is the worker's word. */
#include "scan/folder.h"

#include "base/cleanup.h"
#include "base/ioutil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "worker-"
#define MAX_DEPTH 32
#define MAX_ENTRIES 100000 /* counted at once; more are as bad as too many bytes */

void folder_path(const char *state, pid_t pid, char out[FOLDER_PATH_MAX])
{
	snprintf(out, FOLDER_PATH_MAX, "%s/" PREFIX "%d", state, (int)pid);
}

int folder_make(const char *path, struct err *err)
{
	folder_remove(path); /* of an earlier process with the same number */
	return io_mkdirs(path, 0700, err);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void folder_remove(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void folder_sweep(const char *state)
{
	DIR *d = opendir(state);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[FOLDER_PATH_MAX];
		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
			snprintf(path, sizeof(path), "%s/%s", state, e->d_name) < (int)sizeof(path))
			folder_remove(path);
	}
	if (d)
		closedir(d);
}

/* Takes fd. */
static int64_t count(int fd, int depth, int *left)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int64_t sum = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d))) {
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (--*left < 0 || depth > MAX_DEPTH) {
			sum = INT64_MAX / 4;
			break;
		}
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (int64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode))
			sum += count(openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth + 1, left);
	}
	closedir(d);
	return sum;
}

static int64_t count_removed(pid_t pid)
{
	char path[64];
	int64_t sum = 0;
	struct dirent *e;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		struct stat st;
		char link[64];
		/* A memory file has no link either; it is the item. */
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link));
		if (n > 0 && (n < 7 || memcmp(link, "/memfd:", 7) != 0) && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
			S_ISREG(st.st_mode) && st.st_nlink == 0)
			sum += (int64_t)st.st_blocks * 512;
	}
	if (d)
		closedir(d);
	return sum;
}

int64_t folder_used(const char *path, pid_t pid)
{
	int left = MAX_ENTRIES;

	return count(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0, &left) + count_removed(pid);
}
