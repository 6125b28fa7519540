/* How often somebody may try to sign in; see console_impl.h. Any thread. */
#include "core/console_impl.h"

#include <arpa/inet.h>

#define LOGIN_FREE 5           /* tries at one login from one address before they are slowed down */
#define LOGIN_WINDOW 86400000  /* without a try for so long, all is forgotten */
#define ADDRESS_FREE 50        /* failures from one address, whatever was tried */
#define ADDRESS_WINDOW 900000
#define DELAY_MAX 900000

/* The address as it is counted: of IPv6 the network that one customer has. */
static void address_key(const char *address, char *out, size_t size)
{
	unsigned char v6[16];

	if (strchr(address, ':') && inet_pton(AF_INET6, address, v6) == 1 && memcmp(v6, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) != 0)
		snprintf(out, size, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64", v6[0], v6[1], v6[2], v6[3], v6[4], v6[5], v6[6], v6[7]);
	else
		snprintf(out, size, "%.60s", address);
}

static int64_t delay(int64_t over)
{
	return over > 9 ? DELAY_MAX : (int64_t)1000 << over;
}

static int look(struct core *c, const char *key, int64_t free_tries, int64_t window, struct err *err)
{
	int64_t n, last, now = time_now_ms();

	if (store_failure_get(c->store, key, now, window, &n, &last, err) < 0)
		return -1;
	if (n < free_tries || now >= last + delay(n - free_tries))
		return 0;
	err_set(err, ERR_RETRY, "too_many", "too many tries: wait a moment");
	if (err)
		err->retry_at = last + delay(n - free_tries);
	return -1;
}

int console_limit(struct core *c, const char *login, const char *address, struct err *err)
{
	char from[80], key[400];

	address_key(address, from, sizeof(from));
	snprintf(key, sizeof(key), "|%s", from);
	if (!*login)
		return look(c, key, ADDRESS_FREE, ADDRESS_WINDOW, err);
	snprintf(key, sizeof(key), "%.250s|%s", login, from);
	if (look(c, key, LOGIN_FREE, LOGIN_WINDOW, err) < 0)
		return -1;
	return store_failure_add(c->store, key, time_now_ms(), LOGIN_WINDOW, NULL, err);
}

void console_limit_failed(struct core *c, const char *address)
{
	char from[80], key[100];
	struct err err;

	address_key(address, from, sizeof(from));
	snprintf(key, sizeof(key), "|%s", from);
	if (store_failure_add(c->store, key, time_now_ms(), ADDRESS_WINDOW, NULL, &err) < 0)
		log_err(LOG_WARN_, "console.limit", &err);
}

void console_limit_clear(struct core *c, const char *login, const char *address)
{
	char from[80], key[400];
	struct err err;

	address_key(address, from, sizeof(from));
	snprintf(key, sizeof(key), "%.250s|%s", login, from);
	if (store_failure_clear(c->store, key, &err) < 0)
		log_err(LOG_WARN_, "console.limit", &err);
}
