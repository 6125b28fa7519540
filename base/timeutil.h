/* Times: everywhere in the project an instant is `int64_t` milliseconds since the epoch, UTC. */
#ifndef BASE_TIMEUTIL_H
#define BASE_TIMEUTIL_H

#include <stddef.h>
#include <stdint.h>

#define TIME_RFC3339_LEN 40

int64_t time_now_ms(void);       /* wall clock */
int64_t time_monotonic_ms(void); /* for time-outs: never jumps */
int64_t time_monotonic_ns(void);

/* "2026-11-22T03:04:05.678Z"; buffer of TIME_RFC3339_LEN. Returns buf. */
char *time_format(int64_t ms, char *buf);
/* Without the fraction: "2026-11-22T03:04:05Z". */
char *time_format_s(int64_t ms, char *buf);
/* In a zone of the system's database ("Asia/Tokyo"), with its offset: "2026-11-22T12:04:05+09:00". */
char *time_format_zone(int64_t ms, const char *zone, char *buf);

/* RFC 3339 with Z or an offset, any number of fraction digits. Returns 0 or -1. */
int time_parse(const char *s, int64_t *ret_ms);
/* An HTTP date (RFC 9110, 5.6.7: IMF-fixdate). Returns 0 or -1. */
int time_parse_http(const char *s, int64_t *ret_ms);

#endif
