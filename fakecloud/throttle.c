/* Token buckets: the providers' published costs, and the plain request rate of --rate. State lock held. */
#include "fakecloud/core.h"

#include "base/timeutil.h"

#include <math.h>
#include <stdlib.h>

struct bucket {
	double level;
	int64_t at; /* monotonic ms of the last look */
};

static struct map buckets;
static bool enabled;

void throttle_enable(void)
{
	enabled = true;
}

static int take(const char *name, double cost, double capacity, int64_t period_ms)
{
	struct bucket *b = map_get(&buckets, name);
	int64_t now = time_monotonic_ms();

	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		b->level = capacity;
		b->at = now;
		map_put(&buckets, name, b);
	}
	double per_ms = capacity / (double)period_ms;
	b->level = fmin(capacity, b->level + (double)(now - b->at) * per_ms);
	b->at = now;
	if (b->level >= cost) {
		b->level -= cost;
		return 0;
	}
	double wait_s = ceil((cost - b->level) / per_ms / 1000);
	return wait_s < 1 ? 1 : wait_s > 86400 ? 86400 : (int)wait_s;
}

int fc_throttle(const char *name, double cost, double capacity, int64_t period_ms)
{
	return enabled ? take(name, cost, capacity, period_ms) : 0;
}

double fc_throttle_left(const char *name, double capacity)
{
	const struct bucket *b = enabled ? map_get(&buckets, name) : NULL;

	return b ? b->level / capacity : 1;
}

int throttle_rate(const char *name, double rate)
{
	/* A burst of one second is let through; less than one request a second still lets single ones
	 * through. */
	return rate >= 1 ? take(name, 1, rate, 1000) : take(name, 1, 1, (int64_t)(1000 / rate));
}
