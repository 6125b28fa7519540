/* Lists in files: their formats, what is found, what replaces what, and how long it takes. */
#include "policy/lists.h"

#include "base/digest.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/sekisho-lists-XXXXXX";

static const char *path(const char *name)
{
	static char out[4][256];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", dir, name);
	return out[n];
}

/* A file as it was left some time ago: one that was written just now is waited for. */
static void put(const char *name, const char *text, size_t len, int age)
{
	const struct timespec t[2] = {{.tv_sec = time_now_ms() / 1000 - age}, {.tv_sec = time_now_ms() / 1000 - age}};
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, text + at, len - at);
		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_int_equal(futimens(fd, t), 0);
	close(fd);
}

static struct lists_watch *watch(const struct lists_file *files, size_t n)
{
	struct lists_watch *w;
	struct err err;

	assert_int_equal(lists_watch_new(files, n, &w, &err), 0);
	return w;
}

static const char *match(struct lists_watch *w, const char *host, const char *url)
{
	struct lists *l = lists_get(w);
	static char found[128];

	snprintf(found, sizeof(found), "%s", lists_match(l, host, url));
	lists_put(l);
	return found;
}

static void formats(void **state)
{
	struct digests d;
	char text[2048];

	digest_bytes(DIGEST_SHA256, "hashed.test/", 12, &d);
	int n = snprintf(text, sizeof(text), "# format: hash-prefix\n%.8s\n", d.sha256);
	digest_bytes(DIGEST_SHA256, "whole.test/a/b/", 15, &d);
	snprintf(text + n, sizeof(text) - (size_t)n, "%s  # why\r\n", d.sha256);
	put("hashes.txt", text, strlen(text), 10);
	static const char plain[] = "\xef\xbb\xbf# bad ones\n! and\n; more\n\nEvil.TEST\nhttps://sites.test/bad/page?x=1\nsites.test/folder/\n*.wild.test\nxn--wgv71a119e.test\n"
				    "http://192.0.2.9/x\n悪い.test\nwith-remark.test # since May\n";
	put("plain.txt", plain, strlen(plain), 10);
	static const char hosts[] = "127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 ads.test tracker.test # both\n";
	put("hosts", hosts, strlen(hosts), 10);
	const struct lists_file files[] = {{LISTS_BAD_HOSTS, path("hashes.txt")}, {LISTS_BAD_LINKS, path("plain.txt")}, {LISTS_BAD_HOSTS, path("hosts")}};
	struct lists_watch *w = watch(files, 3);
	static const struct {
		const char *host, *url, *list;
	} cases[] = {{"evil.test", NULL, "plain.txt"}, {"a.b.evil.test", "http://a.b.evil.test/x", "plain.txt"}, {"notevil.test", NULL, ""},
		{"evil.test.example", NULL, ""}, {"sites.test", "https://sites.test/bad/page?x=1", "plain.txt"}, {"sites.test", "https://sites.test/bad/page", ""},
		{"sites.test", "https://sites.test/folder/x/y.html?q", "plain.txt"}, {"sites.test", "https://sites.test/./a/../folder//x", "plain.txt"},
		{"sites.test", "https://sites.test/%66older/x", "plain.txt"}, {"sites.test", "https://sites.test/folders", ""}, {"sites.test", NULL, ""},
		{"x.wild.test", NULL, "plain.txt"}, {"日本語.test", NULL, "plain.txt"}, {"悪い.test", "http://悪い.test/", "plain.txt"},
		{"192.0.2.9", "http://192.0.2.9/x", "plain.txt"}, {"192.0.2.8", "http://192.0.2.8/x", ""}, {"with-remark.test", NULL, "plain.txt"},
		{"ads.test", NULL, "hosts"}, {"tracker.test", "https://tracker.test/a", "hosts"}, {"localhost", NULL, ""},
		{"hashed.test", "http://hashed.test/x", "hashes.txt"}, {"w.hashed.test", NULL, "hashes.txt"}, {"whole.test", "http://whole.test/a/b/c", "hashes.txt"},
		{"whole.test", "http://whole.test/a/", ""}, {"", NULL, ""}, {"kita.example", "https://kita.example/", ""}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (strcmp(match(w, cases[i].host, cases[i].url), cases[i].list) != 0)
			fail_msg("%s %s: \"%s\"", cases[i].host, cases[i].url ? cases[i].url : "", match(w, cases[i].host, cases[i].url));
	struct lists_state s[3];
	assert_int_equal(lists_states(w, s, 3), 3);
	assert_int_equal(s[0].entries, 2);
	assert_int_equal(s[0].short_prefixes, 1);
	assert_int_equal(s[1].entries, 8);
	assert_string_equal(s[1].trouble, "");
	lists_watch_free(w);
}

static void wait_for(struct lists_watch *w, const char *host, const char *list)
{
	for (int i = 0; i < 200 && strcmp(match(w, host, NULL), list) != 0; i++)
		usleep(100000);
	assert_string_equal(match(w, host, NULL), list);
}

static void wait_for_trouble(struct lists_watch *w, bool want)
{
	struct lists_state s;

	for (int i = 0; i < 200; i++) {
		lists_states(w, &s, 1);
		if ((s.trouble[0] != '\0') == want)
			return;
		usleep(100000);
	}
	fail_msg("trouble: \"%s\"", s.trouble);
}

/* What changes is read while others look up; what is broken replaces nothing. */
static void files_that_change(void **state)
{
	const struct lists_file files[] = {{LISTS_BAD_HOSTS, path("live.txt")}};

	struct lists_watch *w = watch(files, 1);
	assert_string_equal(match(w, "one.test", NULL), ""); /* it is not there yet */
	wait_for_trouble(w, true);
	put("live.txt", "one.test\n", 9, 20);
	wait_for(w, "one.test", "live.txt");
	wait_for_trouble(w, false);
	put("live.txt", "two.test\n", 9, 15);
	wait_for(w, "two.test", "live.txt");
	assert_string_equal(match(w, "one.test", NULL), "");
	put("live.txt", "<html><body>404 not found</body>\nsorry, nothing here\n", 52, 10);
	wait_for_trouble(w, true);
	assert_string_equal(match(w, "two.test", NULL), "live.txt");
	put("live.txt", "", 0, 8);
	wait_for_trouble(w, true);
	assert_string_equal(match(w, "two.test", NULL), "live.txt");
	put("live.txt", "th\0ree.test\n", 12, 6);
	wait_for_trouble(w, true);
	assert_string_equal(match(w, "two.test", NULL), "live.txt");
	assert_int_equal(unlink(path("live.txt")), 0);
	wait_for_trouble(w, true);
	assert_string_equal(match(w, "two.test", NULL), "live.txt");
	put("live.txt", "three.test\n", 11, 5);
	wait_for(w, "three.test", "live.txt");
	wait_for_trouble(w, false);
	lists_watch_free(w);
}

static void protected_names(void **state)
{
	static const char text[] = "# banks\nMinato-Bank.co.jp\nxn--wgv71a119e.jp\nminato-bank.co.jp\n";
	const struct lists_file files[] = {{LISTS_PROTECTED, path("protected.txt")}};
	const char *const *names;

	put("protected.txt", text, strlen(text), 10);
	struct lists_watch *w = watch(files, 1);
	struct lists *l = lists_get(w);
	assert_int_equal(lists_protected(l, &names), 2);
	assert_string_equal(names[0], "minato-bank.co.jp");
	assert_string_equal(names[1], "日本語.jp");
	assert_string_equal(lists_match(l, "minato-bank.co.jp", NULL), "");
	lists_put(l);
	lists_watch_free(w);
}

static void a_million_lines(void **state)
{
	size_t n = 1000000, len = 0;
	char *text = malloc(n * 32);
	const struct lists_file files[] = {{LISTS_BAD_HOSTS, path("large.txt")}};

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, n * 32 - len, "host-%zu.bad%zu.test\n", i, i % 977);
	put("large.txt", text, len, 10);
	free(text);
	struct lists_watch *w = watch(files, 1);
	int64_t start = time_monotonic_ms();
	struct lists *l = lists_get(w);
	int64_t loaded = time_monotonic_ms() - start;
	assert_string_equal(lists_match(l, "www.host-999999.bad528.test", "https://www.host-999999.bad528.test/a/b/c/d?x=1"), "large.txt");
	start = time_monotonic_ms();
	for (int i = 0; i < 20000; i++)
		assert_string_equal(lists_match(l, "www.shop.kita.example", "https://www.shop.kita.example/a/b/c/d?x=1"), "");
	int64_t looked = time_monotonic_ms() - start;
	print_message("1,000,000 lines in %ld ms; a look-up with four folders %.1f us\n", (long)loaded, (double)looked * 1000 / 20000);
	lists_put(l);
	lists_watch_free(w);
}

static int clean(void **state)
{
	static const char *const files[] = {"hashes.txt", "plain.txt", "hosts", "live.txt", "protected.txt", "large.txt"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(path(files[i]));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats), cmocka_unit_test(files_that_change), cmocka_unit_test(protected_names), cmocka_unit_test(a_million_lines),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, clean);
}
