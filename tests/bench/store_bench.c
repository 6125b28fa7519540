/* How fast the store is when it is large: page commits a second, and claims with their ends by eight threads, on a
 * store that holds a million items of which a hundred thousand are pending.
 *
 *   store_bench [--items N] [--store sqlite:PATH|postgresql://…] [--json]
 *
 * Without --store it makes an SQLite store in a temporary folder (TMPDIR or /var/tmp: not in memory) and removes it. */
#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "base/units.h"
#include "store/store.h"

#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS 50
#define STREAMS 20 /* of each */
#define PAGE 1000
#define THREADS 8
#define CLAIM 8
#define WORK_SECONDS 10

struct bench {
	struct store *s;
	int64_t stream[CONNECTIONS * STREAMS];
	int64_t n_items, next;
	volatile bool stop;
};

static void must(int r, const struct err *err)
{
	if (r == 0)
		return;
	fprintf(stderr, "store_bench: %s: %s\n", err->code, err->message);
	exit(1);
}

static void make_streams(struct bench *b)
{
	struct err err = {0};

	for (int c = 0; c < CONNECTIONS; c++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		char id[32];
		snprintf(id, sizeof(id), "connection-%d", c);
		const struct store_connection k = {.id = id, .tenant = id, .provider = "microsoft", .state = CONN_CONNECTED,
			.created_at = time_now_ms()};
		must(store_connection_put(b->s, &k, &err), &err);
		struct store_stream t[STREAMS] = {0}, *l;
		for (int i = 0; i < STREAMS; i++) {
			t[i].remote_id = arena_printf(a, "mail/user%d@tenant%d.example/inbox", i, c);
			t[i].service = "exchange";
			t[i].owner = arena_printf(a, "user%d@tenant%d.example", i, c);
			t[i].name = "Inbox";
			t[i].state = 1;
		}
		size_t n;
		must(store_stream_sync(b->s, id, 1, t, STREAMS, time_now_ms(), &err), &err);
		must(store_stream_list(b->s, id, a, &l, &n, &err), &err);
		for (size_t i = 0; i < n && i < STREAMS; i++)
			b->stream[c * STREAMS + (int)i] = l[i].id;
	}
}

/* A page like Exchange's: ids of 150 characters, most of them the mailbox's. Time in ns. */
static int64_t commit_page(struct bench *b, int stream, enum item_state item_state, enum lane lane)
{
	static _Atomic int64_t number;
	_cleanup_(arena_freep) struct arena *a = arena_new(8 << 20);
	struct err err = {0};
	struct store_item *items = arena_alloc(a, PAGE * sizeof(*items));

	for (int i = 0; i < PAGE; i++) {
		char random[33];
		random_hex(random, 16);
		items[i] = (struct store_item){.kind = 2,
			.remote_id = arena_printf(a, "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AcxWXvqyRbEepWl6kWW-x5QAAAgEMAAAAcxWXvqyRbEe"
				"pWl6kWW-x5Q%06dAAAAAAEMAAAAcxWXvqyRbEepWl6kWW%s=", stream, random),
			.version = arena_printf(a, "CQAAABYAAABzFZe%016llx", (unsigned long long)number++),
			.name = "Re: 御見積書の件", .path = "/Inbox", .size = 40000, .changed_at = time_now_ms(), .lane = lane,
			.state = item_state, .reason = item_state == ITEM_SKIPPED ? "out_of_scope" : "",
			.message_id = arena_printf(a, "<%s@mail.example>", random), .from = "sender@partner.example",
			.to = "user@tenant.example", .subject = "Re: 御見積書の件", .received_at = time_now_ms()};
	}
	const struct store_page p = {.stream = b->stream[stream], .items = items, .n_items = PAGE,
		.cursor = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=long", .release = true,
		.next_due = time_now_ms() + 300000, .now = time_now_ms()};
	int64_t start = time_monotonic_ns();
	must(store_page_commit(b->s, &p, NULL, &err), &err);
	return time_monotonic_ns() - start;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

struct work {
	struct bench *b;
	int64_t done, claims, claim_ns, claim_max_ns;
};

static void *work(void *arg)
{
	struct work *w = arg;
	struct err err = {0};

	while (!w->b->stop) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct store_item *items;
		size_t n;
		int64_t now = time_now_ms(), start = time_monotonic_ns();
		must(store_item_claim(w->b->s, now, now + 600000, CLAIM, a, &items, &n, NULL, &err), &err);
		int64_t took = time_monotonic_ns() - start;
		w->claims++;
		w->claim_ns += took;
		if (took > w->claim_max_ns)
			w->claim_max_ns = took;
		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++) {
			char sha[65];
			random_hex(sha, 32);
			const struct store_result r = {.item = items[i].id, .state = ITEM_SCANNED, .reason = "",
				.now = time_now_ms(), .sha256 = sha, .size = 40000, .verdict = "clean", .engine = "clamav 1.4.6",
				.signatures = "27000"};
			must(store_item_finish(w->b->s, &r, NULL, &err), &err);
			w->done++;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"items", required_argument, NULL, 'n'}, {"store", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'}, {0}};
	struct bench b = {.n_items = 1000000};
	char dir[256] = "", where[512];
	const char *store = NULL, *tmp = getenv("TMPDIR");
	struct err err = {0};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n' && units_int(optarg, 20000, 100000000, &b.n_items) == 0)
			continue;
		if (c == 's')
			store = optarg;
		else if (c == 'j')
			json = true;
		else
			return 2;
	}
	snprintf(where, sizeof(where), "%s", store ? store : "");
	if (!store) {
		snprintf(dir, sizeof(dir), "%s/sekisho-bench-XXXXXX", tmp ? tmp : "/var/tmp");
		if (!mkdtemp(dir))
			return 1;
		snprintf(where, sizeof(where), "sqlite:%s/store.db", dir);
	}
	must(store_open(where, false, "bench", &b.s, &err), &err);
	make_streams(&b);

	int64_t pages = b.n_items / PAGE, pending = pages / 10;
	int64_t *ns = calloc((size_t)pages, sizeof(*ns));
	if (!ns)
		return 1;
	int64_t start = time_monotonic_ns();
	for (int64_t i = 0; i < pages; i++)
		ns[i] = commit_page(&b, (int)(i % (CONNECTIONS * STREAMS)), i < pages - pending ? ITEM_SKIPPED : ITEM_PENDING,
			i % 20 == 0 ? LANE_LIVE : LANE_BACKLOG);
	double fill = (double)(time_monotonic_ns() - start) / 1e9;
	/* The last tenth, of pending items, on the store at its full size. */
	int64_t *last = ns + pages - pending;
	double sum = 0;
	for (int64_t i = 0; i < pending; i++)
		sum += (double)last[i];
	qsort(last, (size_t)pending, sizeof(*last), by_size);
	double page_ms = sum / (double)pending / 1e6, p99_ms = (double)last[pending * 99 / 100] / 1e6;

	struct work w[THREADS] = {0};
	pthread_t threads[THREADS];
	start = time_monotonic_ns();
	for (int i = 0; i < THREADS; i++) {
		w[i].b = &b;
		pthread_create(&threads[i], NULL, work, &w[i]);
	}
	for (int i = 0; i < WORK_SECONDS * 10; i++)
		usleep(100000);
	b.stop = true;
	int64_t done = 0, claims = 0, claim_ns = 0, worst = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		done += w[i].done;
		claims += w[i].claims;
		claim_ns += w[i].claim_ns;
		worst = w[i].claim_max_ns > worst ? w[i].claim_max_ns : worst;
	}
	double seconds = (double)(time_monotonic_ns() - start) / 1e9;
	struct store_totals t;
	start = time_monotonic_ns();
	must(store_totals(b.s, time_now_ms(), &t, &err), &err);
	double totals_ms = (double)(time_monotonic_ns() - start) / 1e6;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	store_close(b.s);
	if (dir[0]) {
		static const char *const files[] = {"", "-wal", "-shm", ".lock"};
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			char path[600];
			snprintf(path, sizeof(path), "%s%s", where + 7, files[i]);
			unlink(path);
		}
		rmdir(dir);
	}
	free(ns);
	printf(json ? "{\"items\":%lld,\"pages_per_s\":%.1f,\"page_ms\":%.1f,\"page_p99_ms\":%.1f,\"done_per_s\":%.0f,"
		      "\"claim_ms\":%.2f,\"claim_max_ms\":%.1f,\"totals_ms\":%.1f,\"rss_mib\":%.1f}\n"
		    : "%lld items stored, %.1f pages of 1000 items a second overall\n"
		      "page of pending items on the full store: %.1f ms, p99 %.1f ms\n"
		      "claimed and finished by 8 threads: %.0f items/s, a claim takes %.2f ms, at most %.1f ms\n"
		      "totals %.1f ms, memory at most %.1f MiB\n",
		(long long)b.n_items, (double)pages / fill, page_ms, p99_ms, (double)done / seconds,
		(double)claim_ns / 1e6 / (double)(claims ? claims : 1), (double)worst / 1e6, totals_ms,
		(double)usage.ru_maxrss / 1024);
	return 0;
}
