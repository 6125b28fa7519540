/* What was found, in the reply: one hit for a detector and part, the first one masked and hashed by a key, the rest counted.
 * Called by detect.c and own.c, within a look. */
#include "scan/detect/impl.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static void hash_hit(const struct detect *d, const char *id, const char *text, size_t n, char out[33])
{
	_cleanup_wipe_ struct buf b = BUF_INIT(65536);
	uint8_t mac[32];
	unsigned len = sizeof(mac);

	buf_add(&b, id, strlen(id) + 1);
	buf_add(&b, text, n);
	HMAC(EVP_sha256(), d->key, sizeof(d->key), (const unsigned char *)buf_str(&b), b.len, mac, &len);
	hex_encode(out, mac, 16);
}

bool hits_new(struct detect *d, int part, unsigned detector, const char *text, size_t n)
{
	uint64_t v = d->quick[0] ^ ((uint64_t)part << 16 | detector);

	for (size_t i = 0; i < n; i++)
		v = ((v ^ (unsigned char)text[i]) * 0x9e3779b97f4a7c15u) ^ v >> 29;
	v = ((v ^ d->quick[1]) * 0xbf58476d1ce4e5b9u ^ v >> 31) | 1;
	for (size_t i = v >> 32 & (SEEN - 1);; i = (i + 1) & (SEEN - 1)) {
		if (d->seen[i] == v)
			return false;
		if (!d->seen[i]) {
			if (d->n_seen == SEEN / 2)
				return false;
			d->seen[i] = v;
			d->n_seen++;
			return true;
		}
	}
}

static void merge(struct scan_hit *into, const struct scan_hit *h)
{
	into->count += h->count;
	into->distinct += h->distinct;
	into->near |= h->near;
}

/* With all places taken: the detector that has the most of them gives one up, so that each has one in the end. -1: it is this
 * one itself, and what it found counts with its last. */
static int make_room(struct scan_reply *r, const char *id)
{
	int most = -1, last = -1, best = 0;

	for (int i = 0; i < r->n_hits; i++) {
		int n = 0;
		for (int k = 0; k < r->n_hits; k++)
			n += strcmp(r->hits[k].detector, r->hits[i].detector) == 0;
		if (n > best)
			best = n, most = i;
		if (strcmp(r->hits[i].detector, id) == 0)
			last = i;
	}
	if (last >= 0 || best < 2)
		return -1;
	for (int k = r->n_hits - 1; k > most; k--) {
		if (strcmp(r->hits[k].detector, r->hits[most].detector) == 0) {
			merge(&r->hits[most], &r->hits[k]);
			return k;
		}
	}
	return -1;
}

/* The place of a detector's hit in this part, a new one where there is none; -1 when there is no room for it at all. */
static int place_of(struct look *l, const char *id, bool *ret_new)
{
	struct scan_reply *r = l->reply;
	int same = -1;

	*ret_new = false;
	for (int i = 0; i < r->n_hits; i++) {
		if (strcmp(r->hits[i].detector, id) != 0)
			continue;
		same = i;
		if (r->hits[i].part == l->part)
			return i;
	}
	int i = r->n_hits < SCAN_MAX_HITS ? r->n_hits++ : make_room(r, id);
	if (i < 0)
		return same;
	r->hits[i] = (struct scan_hit){.part = l->part};
	snprintf(r->hits[i].detector, sizeof(r->hits[i].detector), "%s", id);
	*ret_new = true;
	return i;
}

int look_note(struct look *l, const char *id, unsigned key, bool near, size_t from, const char *canonical, size_t n, const char *masked)
{
	struct scan_reply *r = l->reply;
	bool first = hits_new(l->d, l->part, key, canonical, n), fresh;
	int i = place_of(l, id, &fresh);

	r->hits_seen++;
	if (i < 0)
		return -1;
	struct scan_hit *h = &r->hits[i];
	h->count++;
	h->distinct += first || h->distinct == 0;
	h->near |= near;
	if (fresh) {
		h->offset = (int64_t)from;
		snprintf(h->masked, sizeof(h->masked), "%s", masked);
		hash_hit(l->d, id, canonical, n, h->hash);
	}
	return i;
}
