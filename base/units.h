/* Numbers as people write them in configuration files. Each returns 0, or -1 when the text is none. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "100 MiB", "64KiB", "5 MB", "1024" (bytes). */
int units_size(const char *s, int64_t *ret_bytes);
/* "120 s", "5 min", "2 h", "30 d", "250 ms"; a bare number is refused. */
int units_duration(const char *s, int64_t *ret_ms);
/* A whole decimal number within the limits. */
int units_int(const char *s, int64_t min, int64_t max, int64_t *ret);
/* "12.3 MiB" into buf; returns buf. */
char *units_size_text(int64_t bytes, char *buf, size_t size);
/* "3 min", "2 h 10 min", in the language of i18n_open(); returns buf. */
char *units_duration_text(int64_t ms, char *buf, size_t size);

#endif
