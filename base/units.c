/* Sizes, durations and numbers in configuration; see units.h. */
#include "base/units.h"

#include "base/cleanup.h"
#include "base/i18n.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* A decimal number, spaces, a unit of the table (NULL name ends it; "" is "none given"). */
static int parse(const char *s, const struct unit *units, int64_t *ret)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *s - '0', &value))
			return -1;
	while (*s == ' ')
		s++;
	for (; units->name; units++)
		if (strcmp(s, units->name) == 0)
			return __builtin_mul_overflow(value, units->factor, ret) ? -1 : 0;
	return -1;
}

int units_size(const char *s, int64_t *ret_bytes)
{
	static const struct unit units[] = {{"", 1}, {"B", 1}, {"KB", 1000}, {"kB", 1000}, {"MB", 1000000},
		{"GB", 1000000000}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1LL << 40}, {NULL, 0}};

	return parse(s, units, ret_bytes);
}

int units_duration(const char *s, int64_t *ret_ms)
{
	static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"m", 60000}, {"h", 3600000},
		{"d", 86400000}, {NULL, 0}};

	return parse(s, units, ret_ms);
}

int units_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	static const struct unit units[] = {{"", 1}, {NULL, 0}};
	int64_t v;

	if (parse(s, units, &v) < 0 || v < min || v > max)
		return -1;
	*ret = v;
	return 0;
}

char *units_size_text(int64_t bytes, char *buf, size_t size)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	int i = -1;

	while (v >= 1024 && i < 3) {
		v /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(buf, size, "%" PRId64 " B", bytes);
	else
		snprintf(buf, size, "%.1f %s", v, names[i]);
	return buf;
}

char *units_duration_text(int64_t ms, char *buf, size_t size)
{
	long long s = ms / 1000;

	if (s < 60)
		snprintf(buf, size, _("%lld s"), s);
	else if (s < 3600)
		snprintf(buf, size, _("%lld min"), s / 60);
	else if (s < 86400)
		snprintf(buf, size, _("%lld h %lld min"), s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, _("%lld d %lld h"), s / 86400, s / 3600 % 24);
	return buf;
}
