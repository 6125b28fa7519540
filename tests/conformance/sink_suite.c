/* The sink contract, for every sink: what is accepted is there, once, in order; a refusal accepts a prefix; a torn end of
 * an earlier process is mended; and the outbox over a store survives a sink that fails now and then. Runs for the file
 * sink, plain and behind a wrapper that fails. */
#include "events/sink.h"
#include "store/fault.h"

#include "base/ioutil.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[] = "/tmp/sekisho-sink-XXXXXX";
static char path[200];

static int remove_entry(const char *p, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(p);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/sekisho-sink-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/events.ndjson", dir);
	return 0;
}

static int teardown(void **state)
{
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static char *content(void)
{
	struct buf b = BUF_INIT(10 << 20);

	assert_int_equal(io_read_file(path, &b, NULL), 0);
	return buf_take(&b);
}

static size_t send_events(struct sink *s, int from, int n, struct err *err)
{
	struct store_outbox list[64];
	char uid[64][40], json[64][100];

	for (int i = 0; i < n; i++) {
		snprintf(uid[i], sizeof(uid[i]), "uid-%04d-0000", from + i);
		snprintf(json[i], sizeof(json[i]), "{\"n\":%d,\"uid\":\"%.30s\"}", from + i, uid[i]);
		list[i] = (struct store_outbox){.seq = from + i, .uid = uid[i], .json = json[i]};
	}
	return sink_file.send(s, list, (size_t)n, err);
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void in_order_and_once(void **state)
{
	struct sink *s;
	struct err err;

	assert_int_equal(sink_file.open(dir, &s, &err), 0);
	assert_int_equal(send_events(s, 1, 20, &err), 20);
	assert_int_equal(send_events(s, 21, 20, &err), 20);
	sink_file.close(s);
	/* The confirmation was lost with a crash: the last ones come again. */
	assert_int_equal(sink_file.open(dir, &s, &err), 0);
	assert_int_equal(send_events(s, 31, 30, &err), 30);
	sink_file.close(s);
	_cleanup_free_ char *text = content();
	assert_int_equal(lines(text), 60);
	const char *at = text;
	for (int i = 1; i <= 60; i++) {
		char want[40];
		snprintf(want, sizeof(want), "{\"n\":%d,", i);
		assert_int_equal(strncmp(at, want, strlen(want)), 0);
		at = strchr(at, '\n') + 1;
	}
}

static void a_torn_line_is_cut(void **state)
{
	struct sink *s;
	struct err err;

	assert_int_equal(sink_file.open(dir, &s, &err), 0);
	assert_int_equal(send_events(s, 1, 3, &err), 3);
	sink_file.close(s);
	int fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(io_write_all(fd, "{\"n\":4,\"ui", 10), 0);
	close(fd);
	assert_int_equal(sink_file.open(dir, &s, &err), 0);
	assert_int_equal(send_events(s, 4, 2, &err), 2);
	sink_file.close(s);
	_cleanup_free_ char *text = content();
	assert_int_equal(lines(text), 5);
	assert_null(strstr(text, "\"ui{"));
}

static void it_is_private(void **state)
{
	struct sink *s;
	struct stat st;

	assert_int_equal(sink_file.open(dir, &s, NULL), 0);
	sink_file.close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_link_is_refused(void **state)
{
	struct sink *s;
	struct err err = {0};

	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(sink_file.open(dir, &s, &err), -1);
	assert_int_equal(err.class, ERR_LOCAL);
}

/* A file that may not grow stands for a full disk: half a line must not stay, and all comes when there is room. */
static void no_room_accepts_nothing(void **state)
{
	struct rlimit old, tight = {500, 500};
	struct sink *s;
	struct err err = {0};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	assert_int_equal(sink_file.open(dir, &s, &err), 0);
	assert_int_equal(send_events(s, 1, 5, &err), 5);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	size_t n = send_events(s, 6, 50, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(n, 0);
	assert_int_equal(err.class, ERR_RETRY);
	assert_int_equal(send_events(s, 6, 50, &err), 50);
	sink_file.close(s);
	_cleanup_free_ char *text = content();
	assert_int_equal(lines(text), 55);
}

/* The wrapper with faults: refuses every second batch, and half of every third. */
struct faulty {
	struct sink *inner;
	int calls;
};
static struct faulty the_faulty;

static size_t faulty_send(struct sink *s, const struct store_outbox *events, size_t n, struct err *err)
{
	int call = ++the_faulty.calls;

	if (call % 2 == 0) {
		err_set(err, ERR_RETRY, "injected", "refused");
		return 0;
	}
	if (call % 3 == 0 && n > 1) {
		size_t half = sink_file.send(the_faulty.inner, events, n / 2, err);
		err_set(err, ERR_RETRY, "injected", "half");
		return half;
	}
	return sink_file.send(the_faulty.inner, events, n, err);
}

static const struct sink_class sink_faulty = {.name = "file", .send = faulty_send};

static void outbox(const struct sink_class *class)
{
	_cleanup_(store_closep) struct store *store = NULL;
	char where[200], uid[40], json[80];
	int64_t sent = 0;
	struct err err;

	snprintf(where, sizeof(where), "sqlite:%s/store.db", dir);
	assert_int_equal(store_open(where, false, "test", &store, &err), 0);
	assert_int_equal(sink_file.open(dir, &the_faulty.inner, &err), 0);
	for (int i = 0; i < 600; i++) {
		snprintf(uid, sizeof(uid), "uid-%04d-0000", i);
		snprintf(json, sizeof(json), "{\"n\":%d,\"uid\":\"%s\"}", i, uid);
		struct store_event e = {.uid = uid, .json = json};
		assert_int_equal(store_event_add(store, "aoba", &e, &err), 0);
		if (i % 97 == 0)
			outbox_turn(store, class, the_faulty.inner, &sent, &err);
	}
	for (int r = 1, turns = 0; r != 0; turns++) {
		assert_true(turns < 100);
		r = outbox_turn(store, class, the_faulty.inner, &sent, &err);
	}
	sink_file.close(the_faulty.inner);
	_cleanup_free_ char *text = content();
	assert_int_equal(lines(text), 600);
	assert_non_null(strstr(text, "uid-0599-0000"));
}

static void outbox_plain(void **state)
{
	outbox(&sink_file);
}

static void outbox_with_faults(void **state)
{
	outbox(&sink_faulty);
}

/* The file has them, the store could not note it: they are not written once more. */
static void outbox_on_a_full_disk(void **state)
{
	_cleanup_(store_closep) struct store *store = NULL;
	struct sink *sink;
	char where[200], uid[40];
	int64_t sent = 0;
	struct err err;

	snprintf(where, sizeof(where), "sqlite:%s/store.db", dir);
	assert_int_equal(store_open(where, false, "test", &store, &err), 0);
	assert_int_equal(sink_file.open(dir, &sink, &err), 0);
	for (int i = 0; i < 20; i++) {
		/* a first batch goes through: the sink no longer looks for repeats */
		snprintf(uid, sizeof(uid), "uid-%04d-0000", i);
		struct store_event e = {.uid = uid, .json = "{}"};
		assert_int_equal(store_event_add(store, "aoba", &e, &err), 0);
		if (i == 9)
			assert_int_equal(outbox_turn(store, &sink_file, sink, &sent, &err), 1);
	}
	store_fault_disk_full(1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(outbox_turn(store, &sink_file, sink, &sent, &err), -1);
		assert_string_equal(err.code, "disk_full");
	}
	store_fault_clear();
	assert_int_equal(outbox_turn(store, &sink_file, sink, &sent, &err), 0);
	sink_file.close(sink);
	_cleanup_free_ char *text = content();
	assert_int_equal(lines(text), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_and_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_torn_line_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_private, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(no_room_accepts_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(outbox_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(outbox_with_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(outbox_on_a_full_disk, setup, teardown),
	};

	store_fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
