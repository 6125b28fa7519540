/* A set-associative table of digests with a moving hand; see clean.h. Used by a worker's callbacks. */
#include "scan/clean.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SETS 8192u /* a power of two; with the ways 1 MiB of digests, touched as they fill */
#define WAYS 4u

struct clean_table {
	EVP_MD_CTX *digest;
	EVP_MD *sha256;
	uint8_t used[SETS]; /* entries of a set that hold something */
	uint8_t hand[SETS]; /* the next to be replaced */
	struct clean_key keys[SETS][WAYS];
};

struct clean_table *clean_new(void)
{
	struct clean_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->digest = EVP_MD_CTX_new();
	t->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!t->digest || !t->sha256) {
		clean_free(t);
		return NULL;
	}
	return t;
}

void clean_free(struct clean_table *t)
{
	if (!t)
		return;
	EVP_MD_CTX_free(t->digest);
	EVP_MD_free(t->sha256);
	free(t);
}

static bool digest_of(struct clean_table *t, const char *context, const void *data, size_t len, uint8_t out[32])
{
	return EVP_DigestInit_ex2(t->digest, t->sha256, NULL) == 1 &&
		(!context || EVP_DigestUpdate(t->digest, context, strlen(context) + 1) == 1) &&
		EVP_DigestUpdate(t->digest, data, len) == 1 && EVP_DigestFinal_ex(t->digest, out, NULL) == 1;
}

bool clean_key(struct clean_table *t, const char *context, const void *data, size_t len, struct clean_key *ret,
	uint8_t digest[32])
{
	return digest_of(t, NULL, data, len, digest) && digest_of(t, context, digest, 32, ret->hash);
}

static unsigned set_of(const struct clean_key *key)
{
	return (key->hash[0] | (unsigned)key->hash[1] << 8) % SETS;
}

bool clean_has(const struct clean_table *t, const struct clean_key *key)
{
	unsigned set = set_of(key);

	for (unsigned i = 0; i < t->used[set]; i++)
		if (memcmp(&t->keys[set][i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

void clean_add(struct clean_table *t, const struct clean_key *key)
{
	unsigned set = set_of(key);

	if (clean_has(t, key))
		return;
	if (t->used[set] < WAYS) {
		t->keys[set][t->used[set]++] = *key;
		return;
	}
	t->keys[set][t->hand[set]] = *key;
	t->hand[set] = (uint8_t)((t->hand[set] + 1u) % WAYS);
}
