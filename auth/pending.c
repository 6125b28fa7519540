/* Authorizations on their way; see pending.h. */
#include "auth/pending.h"

#include "base/encode.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define LIFE_MS (5 * 60000ll)

struct pendings {
	pthread_mutex_t lock;
	int next; /* the slot to fill */
	struct pending slot[PENDING_MAX]; /* until 0: free */
};

int pendings_new(struct pendings **ret, struct err *err)
{
	struct pendings *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	pthread_mutex_init(&p->lock, NULL);
	*ret = p;
	return 0;
}

void pendings_free(struct pendings *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	OPENSSL_cleanse(p->slot, sizeof(p->slot));
	free(p);
}

static void make_word(char out[44])
{
	unsigned char bytes[32];
	_cleanup_wipe_ struct buf text = BUF_INIT(64);

	random_bytes(bytes, sizeof(bytes));
	base64url_encode(&text, bytes, sizeof(bytes));
	snprintf(out, 44, "%s", buf_str(&text));
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

void pending_add(struct pendings *p, struct pending *entry, int64_t now)
{
	make_word(entry->state);
	make_word(entry->verifier);
	make_word(entry->nonce);
	entry->until = now + LIFE_MS;
	pthread_mutex_lock(&p->lock);
	p->slot[p->next] = *entry;
	p->next = (p->next + 1) % PENDING_MAX;
	pthread_mutex_unlock(&p->lock);
}

static bool same(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

int pending_take(struct pendings *p, const char *state, const char *kind, const char *session, int64_t now, struct pending *ret,
	struct err *err)
{
	struct pending found = {0};

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < PENDING_MAX; i++) {
		if (!p->slot[i].until || !same(p->slot[i].state, state))
			continue;
		found = p->slot[i];
		OPENSSL_cleanse(&p->slot[i], sizeof(p->slot[i]));
	}
	pthread_mutex_unlock(&p->lock);
	if (!found.until || strcmp(found.kind, kind) != 0 || !same(found.session, session)) {
		OPENSSL_cleanse(&found, sizeof(found));
		return err_set(err, ERR_REMOTE, "state_unknown",
			"this authorization was not begun here, in this browser, or was used already: begin again");
	}
	if (found.until < now) {
		OPENSSL_cleanse(&found, sizeof(found));
		return err_set(err, ERR_REMOTE, "state_expired", "the authorization took longer than five minutes: begin again");
	}
	*ret = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return 0;
}
