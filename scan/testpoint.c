/* What a worker does that has been taken over; see testpoint.h. Runs in workers of tests. */
#include "scan/testpoint.h"

#ifdef SEKISHO_CRASH_POINTS

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define PREFIX "sekisho-testpoint:"

static bool armed(void)
{
	const char *e = getenv("SEKISHO_SCAN_TEST");

	return e && strcmp(e, "1") == 0;
}

/* The outcome travels as the name of a threat. */
static bool tell(struct scan_reply *ret, const char *what, long value)
{
	*ret = (struct scan_reply){.status = SCAN_OK, .verdict = VERDICT_THREAT, .n_threats = 1};
	snprintf(ret->threats[0].name, sizeof(ret->threats[0].name), "%.40s %ld", what, value);
	return true;
}

static long fill_folder(void)
{
	static char block[65536];
	long written = 0;

	for (int n = 0; n < 1000; n++) {
		char path[64];
		snprintf(path, sizeof(path), "fill%d", n);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return written;
		ssize_t k;
		while ((k = write(fd, block, sizeof(block))) > 0)
			written += k;
		close(fd);
		if (errno == ENOSPC)
			return written;
	}
	return written;
}

/* As many bytes as can be had in files that nobody can find any more. */
static long fill_removed(void)
{
	static char block[1 << 20];
	long written = 0;

	for (int n = 0; n < 60; n++) {
		int fd = open("removed", O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			break;
		unlink("removed");
		ssize_t k;
		while ((k = write(fd, block, sizeof(block))) > 0)
			written += k;
	}
	return written;
}

/* Descriptors that take something, beside the socket; the item is sealed. */
static long write_to_all(int sock)
{
	long n = 0;

	for (int fd = 3; fd < 4096; fd++)
		n += fd != sock && write(fd, "x", 1) > 0;
	return n;
}

static long eat_memory(void)
{
	long eaten = 0;

	for (;;) {
		char *p = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return eaten;
		memset(p, 1, 16 << 20);
		eaten += 16;
	}
}

static long count_root(void)
{
	DIR *d = opendir("/");
	struct dirent *e;
	long n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return d ? n : -errno;
}

static bool run(const char *verb, int sock, struct scan_reply *ret)
{
	if (strcmp(verb, "crash") == 0)
		__builtin_trap();
	if (strcmp(verb, "abort") == 0)
		abort();
	if (strcmp(verb, "exit") == 0)
		_exit(3);
	if (strcmp(verb, "hang") == 0)
		for (;;)
			poll(NULL, 0, -1);
	if (strcmp(verb, "spin") == 0)
		for (;;)
			__asm__ volatile("" ::: "memory");
	if (strcmp(verb, "nonsense") == 0) {
		static char verb_nonsense[] = "nonsense";
		struct iovec iov = {verb_nonsense, sizeof(verb_nonsense)};
		struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
		sendmsg(sock, &mh, MSG_NOSIGNAL);
		for (;;)
			poll(NULL, 0, -1);
	}
	if (strcmp(verb, "socket") == 0)
		return tell(ret, verb, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	if (strcmp(verb, "exec") == 0)
		return tell(ret, verb, syscall(SYS_execve, "/bin/true", NULL, NULL));
	if (strcmp(verb, "fork") == 0)
		return tell(ret, verb, syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
	if (strcmp(verb, "code") == 0)
		return tell(ret, verb, (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	if (strcmp(verb, "ptrace") == 0)
		return tell(ret, verb, syscall(SYS_ptrace, 0, 0, NULL, NULL));
	if (strncmp(verb, "call ", 5) == 0)
		return tell(ret, "call", syscall(strtol(verb + 5, NULL, 10), 0, 0, 0, 0, 0, 0));
	if (strncmp(verb, "signal ", 7) == 0) /* one that the list allows to oneself */
		return tell(ret, "signal", syscall(SYS_tgkill, strtol(verb + 7, NULL, 10), strtol(verb + 7, NULL, 10), SIGABRT));
	if (strcmp(verb, "raise limits") == 0) {
		const struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
		return tell(ret, "limits", setrlimit(RLIMIT_DATA, &l) == 0 || setrlimit(RLIMIT_FSIZE, &l) == 0 ||
			setrlimit(RLIMIT_NOFILE, &l) == 0);
	}
	if (strcmp(verb, "write") == 0)
		return tell(ret, verb, write_to_all(sock));
	if (strcmp(verb, "removed") == 0)
		return tell(ret, verb, fill_removed() >> 20);
	if (strncmp(verb, "readlink ", 9) == 0) {
		char path[64];
		return tell(ret, "readlink", readlink(verb + 9, path, sizeof(path)) < 0 ? -errno : 0);
	}
	if (strcmp(verb, "root") == 0)
		return tell(ret, verb, count_root());
	if (strcmp(verb, "fill") == 0)
		return tell(ret, verb, fill_folder() >> 20);
	if (strcmp(verb, "memory") == 0)
		return tell(ret, verb, eat_memory());
	if (strcmp(verb, "user") == 0)
		return tell(ret, verb, (long)getuid());
	if (strcmp(verb, "pid") == 0)
		return tell(ret, verb, (long)getpid());
	if (strcmp(verb, "descriptors") == 0) {
		long n = 0;
		for (int fd = 0; fd < 256; fd++)
			n += fcntl(fd, F_GETFD) >= 0;
		return tell(ret, verb, n);
	}
	if (strncmp(verb, "open ", 5) == 0) {
		int fd = open(verb + 5, O_RDONLY);
		return tell(ret, "open", fd < 0 ? -errno : fd);
	}
	if (strncmp(verb, "create ", 7) == 0) {
		int fd = open(verb + 7, O_WRONLY | O_CREAT, 0600);
		tell(ret, "create", fd < 0 ? -errno : fd);
		close(fd);
		return true;
	}
	return false;
}

bool testpoint_run(const void *data, size_t len, int sock, struct scan_reply *ret)
{
	char verb[128];

	if (len < sizeof(PREFIX) || len - sizeof(PREFIX) + 1 >= sizeof(verb) ||
		memcmp(data, PREFIX, sizeof(PREFIX) - 1) != 0 || !armed())
		return false;
	size_t n = len - (sizeof(PREFIX) - 1);
	memcpy(verb, (const char *)data + sizeof(PREFIX) - 1, n);
	verb[n] = '\0';
	return run(verb, sock, ret);
}

void testpoint_load(const char *path)
{
	if (strstr(path, "testpoint-crash") && armed())
		abort();
}

#endif
