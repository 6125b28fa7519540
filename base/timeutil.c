/* Clocks and their written forms; see timeutil.h. No state but the C library's time zone (set under a lock). */
#include "base/timeutil.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t time_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t time_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t time_monotonic_ms(void)
{
	return time_monotonic_ns() / 1000000;
}

static time_t whole_seconds(int64_t ms)
{
	return (time_t)(ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000));
}

static char *format(int64_t ms, char *buf, bool fraction)
{
	time_t s = whole_seconds(ms);
	struct tm tm;

	gmtime_r(&s, &tm);
	size_t n = strftime(buf, TIME_RFC3339_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	if (fraction)
		n += (size_t)snprintf(buf + n, TIME_RFC3339_LEN - n, ".%03d", (int)(ms - (int64_t)s * 1000));
	snprintf(buf + n, TIME_RFC3339_LEN - n, "Z");
	return buf;
}

char *time_format(int64_t ms, char *buf)
{
	return format(ms, buf, true);
}

char *time_format_s(int64_t ms, char *buf)
{
	return format(ms, buf, false);
}

char *time_format_zone(int64_t ms, const char *zone, char *buf)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	time_t s = whole_seconds(ms);
	struct tm tm;

	/* localtime_r() knows only the process's zone, which TZ names: set it under a lock. */
	pthread_mutex_lock(&lock);
	const char *now = getenv("TZ");
	if (zone && (!now || strcmp(now, zone) != 0)) {
		setenv("TZ", zone, 1);
		tzset();
	}
	localtime_r(&s, &tm);
	pthread_mutex_unlock(&lock);
	size_t n = strftime(buf, TIME_RFC3339_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	long off = tm.tm_gmtoff / 60;
	snprintf(buf + n, TIME_RFC3339_LEN - n, "%c%02ld:%02ld", off < 0 ? '-' : '+', labs(off) / 60, labs(off) % 60);
	return buf;
}

/* Exactly n digits at *s; moves on. -1 when they are not there. */
static int digits(const char **s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*s)[i]))
			return -1;
		value = value * 10 + ((*s)[i] - '0');
	}
	*s += n;
	return value;
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

int time_parse(const char *s, int64_t *ret_ms)
{
	struct tm tm = {0};
	int year, month, day, h, m, sec, ms = 0, offset = 0;

	if ((year = digits(&s, 4)) < 0 || !skip(&s, '-') || (month = digits(&s, 2)) < 1 || !skip(&s, '-') ||
		(day = digits(&s, 2)) < 1)
		return -1;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return -1;
	s++;
	if ((h = digits(&s, 2)) < 0 || !skip(&s, ':') || (m = digits(&s, 2)) < 0 || !skip(&s, ':') ||
		(sec = digits(&s, 2)) < 0)
		return -1;
	if (month > 12 || day > 31 || h > 23 || m > 59 || sec > 60)
		return -1;
	if (skip(&s, '.')) {
		int scale = 100;
		if (!isdigit((unsigned char)*s))
			return -1;
		for (; isdigit((unsigned char)*s); s++, scale /= 10)
			ms += (*s - '0') * scale;
	}
	if (*s == 'Z' || *s == 'z') {
		s++;
	} else if (*s == '+' || *s == '-') {
		int sign = *s++ == '-' ? -1 : 1, oh, om;
		if ((oh = digits(&s, 2)) < 0 || !skip(&s, ':') || (om = digits(&s, 2)) < 0 || oh > 23 || om > 59)
			return -1;
		offset = sign * (oh * 60 + om);
	} else {
		return -1;
	}
	if (*s)
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = sec;
	*ret_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
	return 0;
}

int time_parse_http(const char *s, int64_t *ret_ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char month[4] = "", zone[8] = "";

	const char *comma = strchr(s, ',');
	if (!comma || strlen(comma) > 40)
		return -1;
	if (sscanf(comma + 1, " %2d %3s %4d %2d:%2d:%2d %7s", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec, zone) != 7)
		return -1;
	const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (!at || (at - months) % 3 || strcmp(zone, "GMT") != 0 || tm.tm_year < 1970 || tm.tm_mday < 1 ||
		tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}
