/* The process of a recheck; see recheck.h. One thread; it holds no content and no engine, only hashes. */
#include "scan/recheck.h"

#include "scan/hashes.h"
#include "scan/names.h"
#include "scan/sandbox.h"
#include "scan/wire.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIGNATURES_MAX (64u << 20)
#define SLOTS 65536 /* the table's first two bytes */

/* The first 8 bytes of every hash, sorted; begin[]: where those with these first two bytes begin. */
struct table {
	uint64_t *keys;
	size_t n, cap;
	size_t begin[SLOTS + 1];
};

static uint64_t key_of(const uint8_t *digest)
{
	uint64_t k = 0;

	for (int i = 0; i < 8; i++)
		k = k << 8 | digest[i];
	return k;
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int add_key(struct table *t, uint64_t key)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 1u << 20;
		uint64_t *more = cap <= SIGNATURES_MAX ? realloc(t->keys, cap * sizeof(*more)) : NULL;
		if (!more)
			return -1;
		t->keys = more;
		t->cap = cap;
	}
	t->keys[t->n++] = key;
	return 0;
}

/* By the first two bytes at once, then each of the 65,536 piles: in the cache, unlike a sort of all. */
static int sort(struct table *t)
{
	uint64_t *sorted = malloc((t->n + 1) * sizeof(*sorted));

	if (!sorted)
		return -1;
	memset(t->begin, 0, sizeof(t->begin));
	for (size_t i = 0; i < t->n; i++)
		t->begin[(t->keys[i] >> 48) + 1]++;
	for (size_t s = 0; s < SLOTS; s++)
		t->begin[s + 1] += t->begin[s];
	for (size_t i = 0; i < t->n; i++) {
		size_t slot = t->keys[i] >> 48;
		sorted[t->begin[slot]++] = t->keys[i];
	}
	memmove(t->begin + 1, t->begin, SLOTS * sizeof(t->begin[0]));
	t->begin[0] = 0;
	for (size_t s = 0; s < SLOTS; s++)
		if (t->begin[s + 1] - t->begin[s] > 1)
			qsort(sorted + t->begin[s], t->begin[s + 1] - t->begin[s], sizeof(*sorted), compare_keys);
	free(t->keys);
	t->keys = sorted;
	t->cap = t->n;
	return 0;
}

static bool holds(const struct table *t, const uint8_t *digest)
{
	uint64_t key = key_of(digest);
	size_t low = t->begin[key >> 48], high = t->begin[(key >> 48) + 1];

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->keys[mid] == key)
			return true;
		if (t->keys[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static int read_all(const struct scan_config *config, struct table *t, struct err *err)
{
	_cleanup_(hashes_freep) struct hashes *h = NULL;
	struct hash_signature s;

	if (hashes_open(config, &h, err) < 0)
		return -1;
	while (hashes_next(h, &s) > 0)
		if (!s.good && add_key(t, key_of(s.digest)) < 0)
			return err_set(err, ERR_LOCAL, "memory", "too many signatures");
	return sort(t) < 0 ? err_set(err, ERR_LOCAL, "memory", "out of memory") : 0;
}

/* ---- what core asks ---- */

static struct recheck_record *map_records(struct msg *m, uint32_t max, uint32_t *ret_n)
{
	struct stat st;
	uint32_t n = msg_get_u32(m);
	_cleanup_close_ int fd = msg_take_fd(m);

	if (msg_end(m) < 0 || fd < 0 || n == 0 || n > max || fstat(fd, &st) < 0 || (uint64_t)st.st_size != n * sizeof(struct recheck_record))
		return NULL;
	struct recheck_record *r = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	*ret_n = n;
	return r == MAP_FAILED ? NULL : r;
}

static int look(const struct table *t, struct msg *m, struct msg *answer)
{
	uint32_t n, found = 0;
	struct recheck_record *r = map_records(m, RECHECK_BATCH, &n);
	uint32_t *maybe = r ? malloc(n * sizeof(*maybe)) : NULL;
	int rc = -1;

	for (uint32_t i = 0; maybe && i < n; i++)
		if (holds(t, r[i].sha256) || holds(t, r[i].sha1) || holds(t, r[i].md5))
			maybe[found++] = i;
	if (maybe) {
		msg_init(answer, RECHECK_MAYBE, 0);
		rc = msg_put_bytes(answer, maybe, found * sizeof(*maybe));
	}
	free(maybe);
	if (r)
		munmap(r, n * sizeof(*r));
	return rc;
}

struct candidate {
	uint64_t key; /* of one of its three hashes */
	uint32_t record;
	enum hash_kind kind;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static const uint8_t *digest_of(const struct recheck_record *r, enum hash_kind kind)
{
	return kind == HASH_MD5 ? r->md5 : kind == HASH_SHA1 ? r->sha1 : r->sha256;
}

static size_t digest_len(enum hash_kind kind)
{
	return kind == HASH_MD5 ? 16 : kind == HASH_SHA1 ? 20 : 32;
}

struct verify {
	struct recheck_record *records;
	uint32_t n;
	struct candidate *candidates;
	struct recheck_found *found; /* of each record: name "" while it is not found */
	bool *good;                  /* of each record: its content is known to be harmless */
};

static void compare_with(struct verify *v, const struct hash_signature *s)
{
	struct candidate want = {.key = key_of(s->digest)};
	const struct candidate *c = bsearch(&want, v->candidates, 3 * v->n, sizeof(*c), compare_candidates);

	if (!c)
		return;
	while (c > v->candidates && c[-1].key == want.key)
		c--;
	for (; c < v->candidates + 3 * v->n && c->key == want.key; c++) {
		const struct recheck_record *r = &v->records[c->record];
		if (c->kind != s->kind || memcmp(digest_of(r, c->kind), s->digest, digest_len(c->kind)) != 0 ||
			(s->size >= 0 && (uint64_t)s->size != r->size))
			continue;
		if (s->good) {
			for (uint32_t i = 0; i < v->n; i++)
				v->good[i] |= v->records[i].content == r->content;
		} else if (!v->found[c->record].name[0]) {
			char name[160];
			snprintf(name, sizeof(name), "%.*s%s", (int)(s->name_len < 128 ? s->name_len : 128), s->name, s->unofficial ? ".UNOFFICIAL" : "");
			name_copy(v->found[c->record].name, sizeof(v->found[c->record].name), name, SIZE_MAX);
		}
	}
}

static int answer_found(const struct verify *v, struct msg *answer)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n; i++)
		n += v->found[i].name[0] && !v->good[i];
	msg_init(answer, RECHECK_FOUND, 0);
	int r = msg_put_u32(answer, n);
	for (uint32_t i = 0; i < v->n && r == 0; i++)
		if (v->found[i].name[0] && !v->good[i])
			r = msg_put_u32(answer, i) < 0 || msg_put_str(answer, v->found[i].name) < 0 ? -1 : 0;
	return r;
}

static int verify(const struct scan_config *config, struct msg *m, struct msg *answer)
{
	_cleanup_(hashes_freep) struct hashes *h = NULL;
	struct verify v = {0};
	struct hash_signature s;
	struct err err;
	int r = -1;

	v.records = map_records(m, RECHECK_VERIFIES, &v.n);
	if (!v.records)
		return -1;
	if (hashes_open(config, &h, &err) < 0) {
		munmap(v.records, v.n * sizeof(*v.records));
		return -1;
	}
	v.candidates = calloc(3 * v.n, sizeof(*v.candidates));
	v.found = calloc(v.n, sizeof(*v.found));
	v.good = calloc(v.n, sizeof(*v.good));
	if (v.candidates && v.found && v.good) {
		for (uint32_t i = 0; i < v.n; i++)
			for (enum hash_kind k = HASH_MD5; k <= HASH_SHA256; k++)
				v.candidates[3 * i + k] = (struct candidate){key_of(digest_of(&v.records[i], k)), i, k};
		qsort(v.candidates, 3 * v.n, sizeof(*v.candidates), compare_candidates);
		while (hashes_next(h, &s) > 0)
			compare_with(&v, &s);
		r = answer_found(&v, answer);
	}
	free(v.candidates);
	free(v.found);
	free(v.good);
	munmap(v.records, v.n * sizeof(*v.records));
	return r;
}

/* ---- the process ---- */

static int serve(const struct scan_config *config, const struct table *t, int fd)
{
	_cleanup_msg_ struct msg m = {0}, answer = {0};

	if (msg_recv(fd, &m) != 1)
		return -1;
	int r = m.type == RECHECK_LOOK   ? look(t, &m, &answer) :
		m.type == RECHECK_VERIFY ? verify(config, &m, &answer) :
					   -1;
	return r < 0 ? -1 : msg_send(fd, &answer);
}

static _Noreturn void run(const struct scan_config *config, int fd)
{
	_cleanup_msg_ struct msg ready = {0};
	struct table *t = calloc(1, sizeof(*t));
	struct err err = {0};
	int64_t from = time_monotonic_ms();

	log_open("scan-recheck");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	setpriority(PRIO_PROCESS, 0, 10); /* what is scanned now goes first */
	if (config->sandbox && sandbox_lock(CAGE_FOLDER, &err) < 0) {
		log_err(LOG_ERROR_, "scan.recheck", &err);
		_exit(1);
	}
	if (!t || read_all(config, t, &err) < 0) {
		log_err(LOG_ERROR_, "scan.recheck", &err);
		_exit(1);
	}
	log_info("scan.recheck", "signatures=%zu ms=%lld", t->n, (long long)(time_monotonic_ms() - from));
	msg_init(&ready, RECHECK_READY, 0);
	msg_put_i64(&ready, (int64_t)t->n);
	if (msg_send(fd, &ready) < 0)
		_exit(1);
	while (serve(config, t, fd) == 0)
		;
	_exit(0);
}

int recheck_start(const struct scan_config *config, pid_t *ret_pid, int *ret_fd, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	pid_t pid = fork();
	if (pid < 0) {
		err_errno(err, "fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid == 0) {
		if (pair[1] != 3 && dup2(pair[1], 3) < 0)
			_exit(1);
		syscall(SYS_close_range, 4u, ~0u, 0u);
		run(config, 3);
	}
	close(pair[1]);
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}
