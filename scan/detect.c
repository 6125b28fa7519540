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
#define MAX_WORDS 256 /* remembered places of words, of one part */

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

static void hash_hit(const struct detect *d, enum scan_hit_kind kind, const char *digits, size_t n, char out[33])
{
	uint8_t text[32], mac[32];
	unsigned len = sizeof(mac);

	text[0] = (uint8_t)kind;
	memcpy(text + 1, digits, n);
	HMAC(EVP_sha256(), d->key, sizeof(d->key), text, n + 1, mac, &len);
	hex_encode(out, mac, 16);
	explicit_bzero(text, sizeof(text));
}

static void add_hit(struct look *l, enum scan_hit_kind kind, const char *digits, size_t n, size_t at)
{
	struct scan_reply *r = l->reply;

	r->hits_seen++;
	if (l->n_hits < MAX_PENDING)
		l->hits[l->n_hits++] = (struct place){at, (int)kind};
	for (int i = 0; i < r->n_hits; i++) {
		if (r->hits[i].part == l->part && r->hits[i].kind == kind) {
			r->hits[i].count++;
			return;
		}
	}
	if (r->n_hits == SCAN_MAX_HITS)
		return;
	struct scan_hit *h = &r->hits[r->n_hits++];
	*h = (struct scan_hit){.kind = kind, .part = l->part, .count = 1, .offset = (int64_t)at};
	hash_hit(l->d, kind, digits, n, h->hash);
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
	static const unsigned bits[] = {[ID_CARD_WORD] = SCAN_NEAR_CARD, [ID_MY_NUMBER_WORD] = SCAN_NEAR_MY_NUMBER,
		[ID_EXPIRY_WORD] = SCAN_NEAR_EXPIRY};

	for (int h = 0; h < l->n_hits; h++) {
		unsigned near = 0;
		for (int w = 0; w < l->n_words; w++) {
			size_t a = l->words[w].at, b = l->hits[h].at;
			if ((a > b ? a - b : b - a) <= NEAR)
				near |= bits[l->words[w].kind];
		}
		for (int i = 0; i < l->reply->n_hits; i++)
			if (l->reply->hits[i].part == l->part && (int)l->reply->hits[i].kind == l->hits[h].kind)
				l->reply->hits[i].near |= near;
	}
}

void detect_look(struct detect *d, struct scan_reply *reply, int part, const char *text, size_t len)
{
	struct look l = {.d = d, .reply = reply, .part = part, .text = text, .len = len};

	if (!d || len < 12 || len > UINT32_MAX || part < 0)
		return;
	hs_scan(d->db, text, (unsigned)len, 0, d->scratch, on_match, &l);
	add_context(&l);
}
