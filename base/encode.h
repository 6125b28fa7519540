/* Text encodings of bytes (RFC 4648), percent-encoding (RFC 3986), UTF-8, random ids. Pure functions. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

int base64_encode(struct buf *out, const void *data, size_t len);
int base64url_encode(struct buf *out, const void *data, size_t len); /* no padding */
/* Takes both alphabets, padding or none, and skips line ends. -1 on any other byte. */
int base64_decode(struct buf *out, const char *text, size_t len);
void hex_encode(char *out, const void *data, size_t len); /* lower case; 2·len + 1 bytes */
int hex_decode(void *out, const char *text, size_t out_len);

/* Everything but unreserved characters becomes %XX; keep names further characters to leave alone ("/"). */
int url_encode(struct buf *out, const char *s, const char *keep);
/* In place of %XX; plus_is_space for forms. -1 on a bad escape or %00. */
int url_decode(struct buf *out, const char *s, size_t len, bool plus_is_space);
/* The value of a key in a query or form ("a=1&b=2"), decoded. 0 found, -1 not there or malformed. */
int form_get(const char *form, const char *key, struct buf *out);
/* Adds "key=value" (both encoded) to a form, with & where needed. */
int form_add(struct buf *form, const char *key, const char *value);

/* Length of the valid UTF-8 sequence at s (1 to 4), 0 when it is none. No surrogates, no overlong forms. */
size_t utf8_length(const char *s, size_t len);
/* Appends s with invalid bytes as U+FFFD; for_terminal makes control and bidirectional control characters
 * visible as \xNN and \uNNNN. */
int utf8_clean(struct buf *out, const char *s, size_t len, bool for_terminal);

/* A random UUID (RFC 9562, version 4) in 37 bytes. Aborts when the kernel has no randomness. */
void uuid_new(char out[37]);
/* n random bytes as hex in 2·n + 1 bytes. */
void random_hex(char *out, size_t n);
void random_bytes(void *out, size_t n);

#endif
