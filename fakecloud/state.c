/* The state lock, the providers' clock, ids and interned words: what all of fakecloud stands on. Any thread;
 * words and the counter need the state lock. */
#include "fakecloud/core.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t state_changed = PTHREAD_COND_INITIALIZER;
static _Atomic int64_t clock_offset;
static uint64_t counter;
static struct map words, urls;

void fc_lock(void)
{
	pthread_mutex_lock(&state_lock);
}

void fc_unlock(void)
{
	pthread_mutex_unlock(&state_lock);
}

void fc_changed(void)
{
	pthread_cond_broadcast(&state_changed);
}

void fc_wait(int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&state_changed, &state_lock, &until);
}

int64_t fc_now(void)
{
	return time_now_ms() + atomic_load(&clock_offset);
}

void fc_clock_advance(int64_t ms)
{
	atomic_fetch_add(&clock_offset, ms);
	fc_changed();
}

const char *fc_intern(const char *s)
{
	const char *old = map_get(&words, s);

	if (old)
		return old;
	char *copy = strdup(s);
	if (!copy)
		abort();
	map_put(&words, s, copy);
	return copy;
}

void fc_set_url(const char *provider, const char *url)
{
	char *copy = strdup(url);

	if (!copy)
		abort();
	map_put(&urls, provider, copy);
}

const char *fc_url(const char *provider)
{
	const char *url = map_get(&urls, provider);

	return url ? url : "";
}

uint64_t fc_next(void)
{
	return ++counter;
}

void fc_stable_id(char *out, size_t n, const char *const *parts)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned len = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; parts[i]; i++) {
		if (i)
			EVP_DigestUpdate(ctx, "/", 1);
		EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]));
	}
	EVP_DigestFinal_ex(ctx, digest, &len);
	EVP_MD_CTX_free(ctx);
	hex_encode(hex, digest, len);
	if (n > 2 * (size_t)len)
		n = 2 * (size_t)len;
	memcpy(out, hex, n);
	out[n] = '\0';
}
