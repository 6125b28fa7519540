/* A growing byte buffer with a maximum. Growing past it fails and keeps what was there.
 * The content is always NUL-terminated (the NUL is not counted), so data may be used as a string where
 * it holds none inside. Not thread-safe. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty and never grown; use buf_str() for a string */
	size_t len;
	size_t cap;
	size_t max; /* bytes, without the NUL */
};

#define BUF_INIT(maximum) {.max = (maximum)}

/* Each returns 0, or -1 when the maximum is reached or memory ran out; the buffer then stays as it was. */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
int buf_reserve(struct buf *b, size_t more);

/* "" for an empty buffer. */
const char *buf_str(const struct buf *b);

/* Empties it, keeping the memory. */
void buf_clear(struct buf *b);

/* Frees the memory; the buffer can be used again. buf_wipe() overwrites it first: for secrets. */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b);

/* Hands the memory to the caller (free()); NULL only when memory ran out. */
char *buf_take(struct buf *b);

#define _cleanup_buf_ _cleanup_(buf_free)
#define _cleanup_wipe_ _cleanup_(buf_wipe)

/* An arena: many small allocations that live and die together (one page of items, one request).
 * Returns NULL when the maximum is reached or memory ran out. Not thread-safe. */
struct arena;

struct arena *arena_new(size_t max);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_dup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_dupn(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

DEFINE_CLEANUP(struct arena *, arena_free)

#endif
