/* The wire forms: what is written is read, and everything malformed is refused. No process is started. */
#include "scan/clean.h"
#include "scan/members.h"
#include "scan/ole2.h"
#include "scan/reason.h"
#include "scan/scan.h"
#include "scan/wire.h"

#include "base/ioutil.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* Replies are too large for many of them on one stack. */
static void fill(struct scan_reply *r)
{
	*r = (struct scan_reply){.status = SCAN_OK, .verdict = VERDICT_THREAT, .n_threats = SCAN_MAX_THREATS,
		.n_parts = SCAN_MAX_PARTS, .parts_seen = 1000, .elapsed_us = 5, .cpu_us = 4};
	for (int i = 0; i < SCAN_MAX_THREATS; i++) {
		memset(r->threats[i].name, 'n', sizeof(r->threats[i].name) - 1);
		memset(r->threats[i].part, 'p', sizeof(r->threats[i].part) - 1);
	}
	for (int i = 0; i < SCAN_MAX_PARTS; i++) {
		memset(r->parts[i].name, 'n', sizeof(r->parts[i].name) - 1);
		memset(r->parts[i].type, 't', sizeof(r->parts[i].type) - 1);
		memset(r->parts[i].sha256, 'a', sizeof(r->parts[i].sha256) - 1);
		r->parts[i].depth = i;
		r->parts[i].parent = i - 1;
		r->parts[i].size = i;
		r->parts[i].macros = i & 1;
	}
	r->mail = (struct scan_mail){.present = true, .date = 5, .n_addresses = SCAN_MAX_ADDRESSES, .addresses_seen = 500,
		.n_auth = SCAN_MAX_AUTH, .auth_seen = SCAN_MAX_AUTH};
	memset(r->mail.subject, 's', sizeof(r->mail.subject) - 1);
	memset(r->mail.message_id, 'm', sizeof(r->mail.message_id) - 1);
	memset(r->mail.list_id, 'l', sizeof(r->mail.list_id) - 1);
	for (int i = 0; i < SCAN_MAX_ADDRESSES; i++) {
		r->mail.addresses[i].field = (enum scan_field)(i % (SCAN_FIELD_CC + 1));
		memset(r->mail.addresses[i].name, 'n', sizeof(r->mail.addresses[i].name) - 1);
		memset(r->mail.addresses[i].address, 'a', sizeof(r->mail.addresses[i].address) - 1);
		memset(r->mail.addresses[i].host, 'h', sizeof(r->mail.addresses[i].host) - 1);
		memset(r->mail.addresses[i].domain, 'd', sizeof(r->mail.addresses[i].domain) - 1);
		memset(r->mail.addresses[i].skeleton, 's', sizeof(r->mail.addresses[i].skeleton) - 1);
		memset(r->mail.addresses[i].keys, 'k', sizeof(r->mail.addresses[i].keys) - 1);
	}
	for (int i = 0; i < SCAN_MAX_AUTH; i++)
		r->mail.auth[i] = (struct scan_auth){.server = "mx.example", .spf = SCAN_AUTH_ERROR, .dkim = SCAN_AUTH_PASS,
			.dmarc = SCAN_AUTH_FAIL, .compauth = SCAN_AUTH_SOFTFAIL, .spf_domain = "s.example", .dkim_domain = "d.example",
			.dmarc_domain = "f.example"};
	snprintf(r->mail.auth_as, sizeof(r->mail.auth_as), "anonymous");
	r->n_links = SCAN_MAX_LINKS;
	r->links_seen = 5000;
	for (int i = 0; i < SCAN_MAX_LINKS; i++) {
		memset(r->links[i].url, 'u', sizeof(r->links[i].url) - 1);
		memset(r->links[i].text, 't', sizeof(r->links[i].text) - 1);
		memset(r->links[i].host, 'h', sizeof(r->links[i].host) - 1);
		memset(r->links[i].domain, 'd', sizeof(r->links[i].domain) - 1);
		memset(r->links[i].skeleton, 's', sizeof(r->links[i].skeleton) - 1);
		memset(r->links[i].text_host, 't', sizeof(r->links[i].text_host) - 1);
		memset(r->links[i].text_domain, 'o', sizeof(r->links[i].text_domain) - 1);
		r->links[i].flags = (unsigned)i & SCAN_LINK_ALL;
		r->links[i].part = i;
	}
	r->n_hits = SCAN_MAX_HITS;
	r->hits_seen = 700;
	for (int i = 0; i < SCAN_MAX_HITS; i++) {
		r->hits[i] = (struct scan_hit){.part = i, .count = i + 1, .distinct = i + 1, .offset = i, .near = i & 1};
		memset(r->hits[i].detector, 'd', sizeof(r->hits[i].detector) - 1);
		memset(r->hits[i].masked, '*', sizeof(r->hits[i].masked) - 1);
		memset(r->hits[i].hash, 'f', 32);
	}
	memset(r->engine, 'e', sizeof(r->engine) - 1);
	memset(r->signatures, 's', sizeof(r->signatures) - 1);
}

static int through(const struct scan_reply *in, struct scan_reply *out)
{
	_cleanup_msg_ struct msg m;

	msg_init(&m, SCAN_REPLY, 1);
	assert_int_equal(scan_reply_put(&m, in), 0);
	return scan_reply_get(&m, out);
}

static void test_reply(void **state)
{
	static struct scan_reply in, out;

	fill(&in);
	memset(&out, 0, sizeof(out));
	assert_int_equal(through(&in, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	/* The fullest one fits a packet. */
	_cleanup_msg_ struct msg m;
	msg_init(&m, SCAN_REPLY, 1);
	assert_int_equal(scan_reply_put(&m, &in), 0);
	assert_true(m.body.len < WIRE_MAX);
	int pair[2];
	struct err err = {0};
	_cleanup_msg_ struct msg got = {0};
	assert_int_equal(wire_pair(pair, &err), 0);
	assert_int_equal(wire_send(pair[0], &m, true), 0);
	assert_int_equal(wire_recv(pair[1], &got, true), 1);
	assert_int_equal(scan_reply_get(&got, &out), 0);
	close(pair[0]);
	close(pair[1]);
}

static void refuse(struct scan_reply *r)
{
	static struct scan_reply out;

	out.n_parts = 77;
	assert_int_equal(through(r, &out), -1);
	assert_int_equal(out.n_parts, 77);
}

static void test_reply_refused(void **state)
{
	static struct scan_reply r;
	static struct scan_reply clean = {.status = SCAN_OK, .verdict = VERDICT_CLEAN};

	r = clean, r.verdict = (enum scan_verdict)0, refuse(&r);
	r = clean, r.verdict = (enum scan_verdict)4, refuse(&r);
	r = clean, r.status = (enum scan_status)9, refuse(&r);
	r = clean, r.status = SCAN_CRASHED, refuse(&r);
	r = clean, r.elapsed_us = -1, refuse(&r);
	r = clean, snprintf(r.reason, sizeof(r.reason), "error"), refuse(&r);
	r = clean, r.verdict = VERDICT_UNKNOWN, refuse(&r);
	r = clean, r.verdict = VERDICT_UNKNOWN, snprintf(r.reason, sizeof(r.reason), "because"), refuse(&r);
	r = clean, r.verdict = VERDICT_THREAT, refuse(&r);
	r = clean, r.n_threats = 1, snprintf(r.threats[0].name, 8, "x"), refuse(&r);
	r = clean, r.n_parts = 1, refuse(&r);
	clean.parts[0].parent = -1;
	r = clean, r.parts_seen = r.n_parts = 1, r.parts[0].size = -1, refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, r.parts[0].depth = -1, refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, r.parts[0].depth = 1, refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, r.parts[0].parent = 0, refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, snprintf(r.parts[0].sha256, 8, "abc"), refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, memset(r.parts[0].sha256, 'A', 64), refuse(&r);
	clean.parts[1].depth = 1;
	r = clean, r.parts_seen = r.n_parts = 2, r.parts[1].parent = -1, refuse(&r); /* two roots */
	r = clean, r.parts_seen = r.n_parts = 2, r.parts[1].parent = 1, refuse(&r);  /* its own parent */
	r = clean, r.parts_seen = r.n_parts = 2, r.parts[1].parent = 2, refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 2, r.parts[1].depth = 0, refuse(&r);   /* not below its parent */
	r = clean, r.parts_seen = r.n_parts = 1, snprintf(r.parts[0].name, 8, "a\x1b[2J"), refuse(&r);
	r = clean, r.parts_seen = r.n_parts = 1, snprintf(r.parts[0].name, 8, "\xff\xfe"), refuse(&r);
	r = clean, r.parts_seen = -1, refuse(&r);
	r = clean, r.n_links = r.links_seen = 1, snprintf(r.links[0].url, 8, "x"), refuse(&r); /* of a part that is not there */
	r = clean, r.parts_seen = r.n_parts = r.n_links = r.links_seen = 1, refuse(&r);         /* leads nowhere */
	snprintf(r.links[0].url, 8, "x"), r.links[0].flags = SCAN_LINK_ALL + 1, refuse(&r);
	r = clean, r.mail.present = true, r.mail.n_auth = r.mail.auth_seen = 1, r.mail.auth[0].dmarc = (enum scan_auth_result)6, refuse(&r);
	r = clean, r.mail.present = true, r.mail.date = -1, refuse(&r);
	const struct scan_hit hit = {.detector = "my_number", .count = 2, .distinct = 1, .masked = "****", .hash = "0123456789abcdef0123456789abcdef"};
	r = clean, r.n_hits = r.hits_seen = 1, r.hits[0] = hit, refuse(&r); /* no such part */
	clean.parts_seen = clean.n_parts = clean.n_hits = clean.hits_seen = 1;
	clean.hits[0] = hit;
	assert_int_equal(through(&clean, &r), 0);
	r = clean, r.hits[0].count = 0, refuse(&r);
	r = clean, r.hits[0].distinct = 0, refuse(&r);
	r = clean, r.hits[0].distinct = 3, refuse(&r);
	r = clean, r.hits[0].offset = -1, refuse(&r);
	r = clean, snprintf(r.hits[0].hash, 33, "4111"), refuse(&r);
	r = clean, r.hits[0].detector[0] = '\0', refuse(&r);
	r = clean, r.hits[0].detector[2] = ' ', refuse(&r);
	r = clean, r.hits[0].masked[0] = '\n', refuse(&r);
	clean.n_hits = clean.hits_seen = 0;
	r = clean, r.mail.present = true, r.mail.n_addresses = 1, refuse(&r);
	r = clean, r.mail.present = true, r.mail.n_addresses = r.mail.addresses_seen = 1, r.mail.addresses[0].field = (enum scan_field)6, refuse(&r);
	r = clean, r.mail.present = true, snprintf(r.mail.subject, 8, "a\nb"), refuse(&r);
	r = clean, r.mail.present = true, r.mail.n_auth = 1, refuse(&r);
}

static void test_reply_cut(void **state)
{
	static struct scan_reply in, out;
	_cleanup_msg_ struct msg m;

	fill(&in);
	msg_init(&m, SCAN_REPLY, 1);
	assert_int_equal(scan_reply_put(&m, &in), 0);
	size_t full = m.body.len;
	for (size_t n = 0; n < full; n += n < 100 ? 1 : 97) {
		m.body.len = n;
		m.at = 0;
		m.broken = false;
		assert_int_equal(scan_reply_get(&m, &out), -1);
	}
	m.body.len = full;
	m.at = 0;
	m.broken = false;
	msg_put_u32(&m, 1);
	assert_int_equal(scan_reply_get(&m, &out), -1); /* something behind it */
}

static void test_request(void **state)
{
	const struct scan_request in = {.tenant = "aoba", .name = NULL, .size = 5, .deadline_ms = 7};
	struct scan_request out;
	struct err err = {0};
	_cleanup_msg_ struct msg m, bare, two;
	int fd = -1;

	msg_init(&m, SCAN_REQUEST, 1);
	assert_int_equal(scan_request_put(&m, &in, io_memfd("x", &err)), 0);
	assert_int_equal(scan_request_get(&m, &out, &fd), 0);
	assert_string_equal(out.tenant, "aoba");
	assert_null(out.name);
	assert_int_equal(out.size, 5);
	assert_true(fd >= 0);
	close(fd);
	msg_init(&bare, SCAN_REQUEST, 1);
	msg_put_str(&bare, "aoba");
	msg_put_str(&bare, NULL);
	msg_put_i64(&bare, 5);
	msg_put_i64(&bare, 7);
	assert_int_equal(scan_request_get(&bare, &out, &fd), -1); /* no descriptor */
	msg_init(&two, SCAN_REQUEST, 1);
	msg_put_str(&two, NULL); /* no tenant */
	msg_put_str(&two, NULL);
	msg_put_i64(&two, 5);
	msg_put_i64(&two, 7);
	msg_put_fd(&two, io_memfd("x", &err));
	assert_int_equal(scan_request_get(&two, &out, &fd), -1);
}

static void test_config(void **state)
{
	struct scan_config in = {.workers = 2, .n_dirs = 2, .sandbox = true, .settle_ms = 5}, out = {0};
	_cleanup_msg_ struct msg m, bad;

	scan_limits_default(&in.limits);
	snprintf(in.dirs[0], sizeof(in.dirs[0]), "/var/lib/clamav");
	snprintf(in.dirs[1], sizeof(in.dirs[1]), "/x");
	snprintf(in.state, sizeof(in.state), "/state");
	msg_init(&m, SCAN_CONFIG, 0);
	assert_int_equal(scan_config_put(&m, &in), 0);
	assert_int_equal(scan_config_get(&m, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	in.limits.parts = 0;
	msg_init(&bad, SCAN_CONFIG, 0);
	assert_int_equal(scan_config_put(&bad, &in), 0);
	assert_int_equal(scan_config_get(&bad, &out), -1);
}

static void test_info(void **state)
{
	struct scan_info in = {.engine = "ClamAV", .signatures = "x", .count = 5, .loading = true, .sandbox = "off"}, out = {0};
	_cleanup_msg_ struct msg m;

	msg_init(&m, SCAN_INFO_REPLY, 0);
	assert_int_equal(scan_info_put(&m, &in), 0);
	assert_int_equal(scan_info_get(&m, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void test_packets(void **state)
{
	int pair[2];
	struct err err = {0};
	_cleanup_msg_ struct msg m, got;

	assert_int_equal(wire_pair(pair, &err), 0);
	msg_init(&m, 9, 10);
	msg_put_str(&m, "hello");
	msg_put_fd(&m, io_memfd("x", &err));
	assert_int_equal(wire_send(pair[0], &m, true), 0);
	assert_int_equal(wire_recv(pair[1], &got, true), 1);
	assert_int_equal(got.type, 9);
	assert_int_equal(got.id, 10);
	assert_string_equal(msg_get_str(&got), "hello");
	assert_int_equal(got.n_fds, 1);
	msg_free(&got);
	assert_int_equal(wire_recv(pair[1], &got, false), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(send(pair[0], "abc", 3, 0), 3);
	assert_int_equal(wire_recv(pair[1], &got, true), -1);
	assert_int_equal(errno, EBADMSG);
	close(pair[0]);
	assert_int_equal(wire_recv(pair[1], &got, true), 0);
	close(pair[1]);
}

static void announce(struct members_store *s, struct members *l, const char *name, int64_t size, unsigned pos, bool twice)
{
	const struct member m = {.size = size, .packed = size / 2, .position = pos};

	assert_int_equal(members_announced(s, l, name, &m, twice), 0);
}

static void test_members(void **state)
{
	struct members_store *s = members_store_new();
	struct members l, inner;

	members_open(s, &l);
	announce(s, &l, "a/b.txt", 100, 1, true);
	announce(s, &l, "a/b.txt", 100, 1, true);
	announce(s, &l, "d/", 0, 2, true);
	announce(s, &l, "tiny", 5, 3, true);
	assert_int_equal(members_seen(s, &l, "b.txt", 100), 0);
	/* A container within does not disturb. */
	members_open(s, &inner);
	announce(s, &inner, "x", 50, 1, true);
	assert_int_equal(members_compare(s, &inner), REASON_NOT_UNPACKED);
	assert_int_equal(members_compare(s, &l), REASON_NONE);

	members_open(s, &l);
	announce(s, &l, "a", 100, 1, true);
	assert_int_equal(members_seen(s, &l, "a", 60), 0);
	assert_int_equal(members_compare(s, &l), REASON_CORRUPT); /* came short */

	members_open(s, &l);
	announce(s, &l, "a", 100, 1, true);
	announce(s, &l, "a", 90, 1, true);
	assert_int_equal(members_seen(s, &l, "a", 100), 0);
	assert_int_equal(members_compare(s, &l), REASON_NOT_UNPACKED); /* told with two sizes */

	members_open(s, &l);
	announce(s, &l, "a", 100, 1, false);
	announce(s, &l, "a", 100, 1, false);
	assert_int_equal(members_seen(s, &l, "a", 100), 0);
	assert_int_equal(members_compare(s, &l), REASON_NOT_UNPACKED); /* two announced, one seen */
	members_store_free(s);
	members_store_free(NULL);
}

static void test_names(void **state)
{
	enum reason r = REASON_NONE;

	assert_int_equal(reason_of_name("Win.Trojan.X-1", &r), FOUND_THREAT);
	assert_int_equal(reason_of_name("Heuristics.Phishing.Email.SpoofedDomain", &r), FOUND_PHISHING);
	assert_int_equal(reason_of_name("Heuristics.Limits.Exceeded.MaxFileSize", &r), FOUND_REASON);
	assert_int_equal(r, REASON_PART_SIZE);
	assert_int_equal(reason_of_name("Heuristics.Limits.Exceeded.EmailHeaders", &r), FOUND_REASON);
	assert_int_equal(r, REASON_PARTS);
	assert_int_equal(reason_of_name("Heuristics.Encrypted.PDF", &r), FOUND_REASON);
	assert_int_equal(r, REASON_ENCRYPTED_DOCUMENT);
	assert_int_equal(reason_of_name("Heuristics.Encrypted.RAR", &r), FOUND_REASON);
	assert_int_equal(r, REASON_ENCRYPTED_ARCHIVE);
	assert_int_equal(reason_of_name("Heuristics.OLE2.ContainsMacros.VBA", &r), FOUND_MACROS);
	assert_int_equal(reason_of_name("Heuristics.Broken.Media.PNG.X", &r), FOUND_NOTHING);
	assert_int_equal(reason_of_name("Heuristics.W32.Parite.B", &r), FOUND_THREAT);
	assert_int_equal(reason_of_message("cli_writen: write error: No space left on device\n"), REASON_TOTAL_SIZE);
	assert_int_equal(reason_of_message("something else"), REASON_NONE);
}

static void test_clean_table(void **state)
{
	struct clean_table *t = clean_new();
	struct clean_key a, b;
	uint8_t digest[32];

	assert_true(clean_key(t, "X|Y", "data", 4, &a, digest));
	assert_true(clean_key(t, "X|Z", "data", 4, &b, digest));
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_false(clean_has(t, &a));
	clean_add(t, &a);
	assert_true(clean_has(t, &a));
	assert_false(clean_has(t, &b));
	for (int i = 0; i < 100000; i++) {
		struct clean_key k;
		clean_key(t, "", &i, sizeof(i), &k, digest);
		clean_add(t, &k);
		assert_true(clean_has(t, &k));
	}
	clean_free(t);
	clean_free(NULL);
}

static void test_ole2_short(void **state)
{
	unsigned char data[1024] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	struct ole2_facts f;

	for (size_t n = 0; n <= sizeof(data); n++)
		ole2_look(data, n, &f);
	memset(data + 8, 0xff, sizeof(data) - 8);
	data[30] = 9, data[31] = 0;
	ole2_look(data, sizeof(data), &f);
	memset(data + 8, 0, sizeof(data) - 8); /* a chain that points at itself */
	data[30] = 9;
	ole2_look(data, sizeof(data), &f);
	assert_false(f.encrypted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_reply_refused),
		cmocka_unit_test(test_reply_cut),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_clean_table),
		cmocka_unit_test(test_ole2_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
