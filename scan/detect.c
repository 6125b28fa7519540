/* Detectors; see detect.h. vectorscan finds rows of digits and words of context in one pass over the bytes; a row is then
 * taken apart into groups, as people write numbers, and each group or row of groups that could be a number is checked. */
#include "scan/detect.h"

#include "scan/checks.h"

#include "base/encode.h"

#include <hs.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define NEAR 120      /* bytes between a number and a word that tells of it */
#define MAX_GROUPS 24 /* of digits in a row; more is a table or noise */
#define MAX_PENDING 64
#define SEEN 8192
#define MAX_WORDS 256 /* remembered places of words, of one part */

enum { SCAN_HIT_CARD, SCAN_HIT_MY_NUMBER };
enum { ID_DIGITS, ID_CARD_WORD, ID_MY_NUMBER_WORD, ID_EXPIRY_WORD };

static const char *const patterns[] = {
	"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{2}",
	"カード番号|クレジットカード|カード会社|credit card|card (number|no)|\\bvisa\\b|master ?card|\\bjcb\\b|amex|american express",
	"マイナンバー|個人番号|特定個人情報|my ?number|individual number",
	"有効期限|セキュリティコード|expir(y|es|ation)|valid thru|\\bcv[vc]2?\\b|security code",
};
static const unsigned pattern_ids[] = {ID_DIGITS, ID_CARD_WORD, ID_MY_NUMBER_WORD, ID_EXPIRY_WORD};
static const unsigned pattern_flags[] = {0, HS_FLAG_CASELESS, HS_FLAG_CASELESS, HS_FLAG_CASELESS};

struct detect {
	hs_database_t *db;
	hs_scratch_t *scratch;
	uint8_t key[32];
	size_t n_seen;
	uint64_t seen[SEEN];
};

struct place {
	size_t at;
	int kind;
};

struct look {
	struct detect *d;
	struct scan_reply *reply;
	int part;
	const char *text;
	size_t len;
	size_t done; /* rows of digits before this are looked at */
	int n_words, n_hits;
	struct place words[MAX_WORDS], hits[MAX_PENDING];
};

int detect_new(const char *key, struct detect **ret, struct err *err)
{
	struct detect *d = calloc(1, sizeof(*d));
	hs_compile_error_t *wrong = NULL;

	if (!d)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (hs_valid_platform() != HS_SUCCESS) {
		free(d);
		return err_set(err, ERR_LOCAL, "detectors", "this processor lacks SSE4.2");
	}
	if (hs_compile_multi(patterns, pattern_flags, pattern_ids, ARRAY_SIZE(patterns), HS_MODE_BLOCK, NULL, &d->db, &wrong) != HS_SUCCESS ||
		hs_alloc_scratch(d->db, &d->scratch) != HS_SUCCESS) {
		err_set(err, ERR_LOCAL, "detectors", "patterns: %s", wrong ? wrong->message : "out of memory");
		hs_free_compile_error(wrong);
		detect_free(d);
		return -1;
	}
	if (strlen(key) != 64 || hex_decode(d->key, key, sizeof(d->key)) < 0)
		random_bytes(d->key, sizeof(d->key));
	*ret = d;
	return 0;
}

void detect_free(struct detect *d)
{
	if (!d)
		return;
	hs_free_scratch(d->scratch);
	hs_free_database(d->db);
	free(d);
}

static void hash_hit(const struct detect *d, const char *detector, const char *text, size_t n, uint8_t mac[32])
{
	_cleanup_buf_ struct buf b = BUF_INIT(4096);
	unsigned len = 32;

	buf_add(&b, detector, strlen(detector) + 1);
	buf_add(&b, text, n);
	HMAC(EVP_sha256(), d->key, sizeof(d->key), (const unsigned char *)buf_str(&b), b.len, mac, &len);
	if (b.data)
		explicit_bzero(b.data, b.len);
}

/* Is it the first time? A table of what was found in all parts so far; when it is full, nothing is new any more. */
static bool is_new(struct detect *d, int part, const uint8_t mac[32])
{
	uint64_t v;

	memcpy(&v, mac, sizeof(v));
	v = (v ^ (uint64_t)part * 0x9e3779b97f4a7c15u) | 1;
	for (size_t i = v >> 32 & (SEEN - 1);; i = (i + 1) & (SEEN - 1)) {
		if (d->seen[i] == v || (d->n_seen == SEEN / 2 && !d->seen[i]))
			return false;
		if (!d->seen[i]) {
			d->seen[i] = v;
			d->n_seen++;
			return true;
		}
	}
}

/* The last four digits of a card, as receipts show them; of an individual's number the last one. */
static void mask(char out[48], size_t n, size_t shown, const char *digits)
{
	snprintf(out, 48, "%.*s%.*s", (int)(n - shown), "********************", (int)shown, digits + n - shown);
}

static const char *const names[] = {"payment_card", "my_number"};

static void add_hit(struct look *l, int kind, const char *digits, size_t n, size_t at)
{
	struct scan_reply *r = l->reply;
	uint8_t mac[32];

	hash_hit(l->d, names[kind], digits, n, mac);
	bool first = is_new(l->d, l->part, mac);
	r->hits_seen++;
	if (l->n_hits < MAX_PENDING)
		l->hits[l->n_hits++] = (struct place){at, kind};
	for (int i = 0; i < r->n_hits; i++) {
		if (r->hits[i].part == l->part && strcmp(r->hits[i].detector, names[kind]) == 0) {
			r->hits[i].count++;
			r->hits[i].distinct += first;
			return;
		}
	}
	if (r->n_hits == SCAN_MAX_HITS)
		return;
	struct scan_hit *h = &r->hits[r->n_hits++];
	*h = (struct scan_hit){.part = l->part, .count = 1, .distinct = 1, .offset = (int64_t)at};
	snprintf(h->detector, sizeof(h->detector), "%s", names[kind]);
	mask(h->masked, n, kind == SCAN_HIT_CARD ? 4 : 1, digits);
	hex_encode(h->hash, mac, 16);
}

struct group {
	size_t at;
	int len;
	char behind; /* the separator, 0 at the row's end */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number stands alone: no letter, and no sign that makes it a part of something else, touches it. */
static bool stands_alone(const struct look *l, size_t from, size_t to)
{
	static const char before[] = "._/#$+%-&?\\", after[] = "_/%@\\";
	unsigned char c = from > 0 ? (unsigned char)l->text[from - 1] : 0, e = to < l->len ? (unsigned char)l->text[to] : 0;

	if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && c < 0x80 && strchr(before, c)))
		return false;
	if (((e | 0x20) >= 'a' && (e | 0x20) <= 'z') || (e && e < 0x80 && strchr(after, e)))
		return false;
	return !((e == '.' || e == '-') && to + 1 < l->len && is_digit(l->text[to + 1]));
}

/* n groups from g on as one number, when they are of these lengths, with one kind of separator, and nothing of the same
 * kind beside them. */
static size_t join(const struct look *l, const struct group *g, int at, int n_groups, const char *lengths, char *digits)
{
	int n = (int)strlen(lengths);
	size_t len = 0;

	if (at + n > n_groups)
		return 0;
	for (int i = 0; i < n; i++) {
		if (g[at + i].len != lengths[i] - '0' || (i < n - 1 && g[at + i].behind != g[at].behind))
			return 0;
		memcpy(digits + len, l->text + g[at + i].at, (size_t)g[at + i].len);
		len += (size_t)g[at + i].len;
	}
	if (at + n < n_groups && g[at + n - 1].behind == g[at].behind && g[at + n].len == g[at + n - 1].len)
		return 0;
	if (at > 0 && g[at - 1].behind == g[at].behind && g[at - 1].len == g[at].len)
		return 0;
	return len;
}

static void look_at_groups(struct look *l, const struct group *g, int n)
{
	static const char *const cards[] = {"4444", "465", "464", "44443"};

	for (int i = 0; i < n; i++) {
		const char *one = l->text + g[i].at;
		char digits[32];
		size_t len;
		if (g[i].len >= 13 && g[i].len <= 19 && stands_alone(l, g[i].at, g[i].at + (size_t)g[i].len) && check_card(one, (size_t)g[i].len))
			add_hit(l, SCAN_HIT_CARD, one, (size_t)g[i].len, g[i].at);
		if (g[i].len == 12 && stands_alone(l, g[i].at, g[i].at + 12) && check_my_number(one, 12))
			add_hit(l, SCAN_HIT_MY_NUMBER, one, 12, g[i].at);
		for (size_t c = 0; c < ARRAY_SIZE(cards); c++) {
			len = join(l, g, i, n, cards[c], digits);
			if (len && stands_alone(l, g[i].at, g[i + (int)strlen(cards[c]) - 1].at + (size_t)g[i + (int)strlen(cards[c]) - 1].len) &&
				check_card(digits, len))
				add_hit(l, SCAN_HIT_CARD, digits, len, g[i].at);
		}
		len = join(l, g, i, n, "444", digits);
		if (len && stands_alone(l, g[i].at, g[i + 2].at + 4) && check_my_number(digits, len))
			add_hit(l, SCAN_HIT_MY_NUMBER, digits, len, g[i].at);
		explicit_bzero(digits, sizeof(digits));
	}
}

/* The row of digits around a place that vectorscan found. */
static void look_at_row(struct look *l, size_t end)
{
	struct group groups[MAX_GROUPS];
	size_t from = end;
	int n = 0;

	while (from > l->done && (is_digit(l->text[from - 1]) ||
		((l->text[from - 1] == ' ' || l->text[from - 1] == '-') && from - 1 > l->done && is_digit(l->text[from - 2]))))
		from--;
	size_t at = from;
	while (at < l->len && is_digit(l->text[at])) {
		size_t to = at;
		while (to < l->len && is_digit(l->text[to]))
			to++;
		bool more = to + 1 < l->len && (l->text[to] == ' ' || l->text[to] == '-') && is_digit(l->text[to + 1]);
		if (n < MAX_GROUPS)
			groups[n++] = (struct group){at, (int)(to - at < 100 ? to - at : 100), more ? l->text[to] : '\0'};
		at = more ? to + 1 : to;
		if (!more)
			break;
		if (n == MAX_GROUPS) {
			/* A table: looked at piece by piece, the last groups once more with what follows. */
			look_at_groups(l, groups, n - 5);
			memmove(groups, groups + n - 5, 5 * sizeof(groups[0]));
			n = 5;
		}
	}
	l->done = at;
	look_at_groups(l, groups, n);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct look *l = context;

	if (id != ID_DIGITS) {
		if (l->n_words < MAX_WORDS)
			l->words[l->n_words++] = (struct place){(size_t)to, (int)id};
		return 0;
	}
	if (to > l->done)
		look_at_row(l, (size_t)to);
	return 0;
}

/* Which words stand near the hits of this look. */
static void add_context(struct look *l)
{
	static const int words[] = {[SCAN_HIT_CARD] = ID_CARD_WORD, [SCAN_HIT_MY_NUMBER] = ID_MY_NUMBER_WORD};

	for (int h = 0; h < l->n_hits; h++) {
		bool near = false;
		for (int w = 0; w < l->n_words; w++) {
			size_t a = l->words[w].at, b = l->hits[h].at;
			near |= l->words[w].kind == words[l->hits[h].kind] && (a > b ? a - b : b - a) <= NEAR;
		}
		for (int i = 0; near && i < l->reply->n_hits; i++)
			if (l->reply->hits[i].part == l->part && strcmp(l->reply->hits[i].detector, names[l->hits[h].kind]) == 0)
				l->reply->hits[i].near = true;
	}
}

void detect_begin(struct detect *d)
{
	if (!d)
		return;
	memset(d->seen, 0, d->n_seen ? sizeof(d->seen) : 0);
	d->n_seen = 0;
}

void detect_look(struct detect *d, struct scan_reply *reply, int part, const char *text, size_t len)
{
	struct look l = {.d = d, .reply = reply, .part = part, .text = text, .len = len};

	if (!d || len < 12 || len > UINT32_MAX || part < 0)
		return;
	hs_scan(d->db, text, (unsigned)len, 0, d->scratch, on_match, &l);
	add_context(&l);
}
