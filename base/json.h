/* Strict JSON: cJSON (RFC 8259) behind a scanner that refuses what cJSON lets through.
 *
 * json_parse() refuses: duplicate keys in one object, nesting beyond JSON_MAX_DEPTH, raw control characters
 * in strings, bad escapes, bytes behind the value, anything but one value. Three things it mends, because a
 * provider's file name must not stop a feed: bytes that are not UTF-8, lone surrogates and \u0000 become
 * U+FFFD. Integers beyond 2^53 become strings of their digits (cJSON would round them): read ids and 64-bit
 * numbers with json_id() and json_int64(), which take both forms.
 *
 * Look-ups compare keys case-sensitively and return NULL for a missing key, a NULL object or a wrong type,
 * so that chains need one check. All values belong to the document. Not thread-safe per document. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

/* Errors: REMOTE "bad_json" (message has the byte offset), TOO_BIG "bad_json" beyond depth, LOCAL memory. */
int json_parse(const char *text, size_t len, cJSON **ret_doc, struct err *err);

static inline void json_free(cJSON *doc)
{
	cJSON_Delete(doc);
}
DEFINE_CLEANUP(cJSON *, json_free)
/* Overwrites every text of a document that holds secrets. NULL is taken. */
void json_wipe(cJSON *doc);
#define _cleanup_json_ _cleanup_(json_freep)

cJSON *json_get(const cJSON *object, const char *key);
/* A path of keys, ended by NULL: json_path(doc, "file", "hashes", NULL). */
cJSON *json_path(const cJSON *object, ...) __attribute__((sentinel));
const char *json_str(const cJSON *object, const char *key); /* NULL unless a string */
const char *json_str_or(const cJSON *object, const char *key, const char *fallback);
bool json_bool(const cJSON *object, const char *key); /* false unless true */
/* Takes numbers without a fraction and strings of digits; returns false when it is neither. */
bool json_int64(const cJSON *object, const char *key, int64_t *ret);
int64_t json_int64_or(const cJSON *object, const char *key, int64_t fallback);
cJSON *json_array(const cJSON *object, const char *key);  /* NULL unless an array */
cJSON *json_object(const cJSON *object, const char *key); /* NULL unless an object */
/* An id given as string or integer, as text; writes into buf for a number. NULL when neither. */
const char *json_id(const cJSON *object, const char *key, char *buf, size_t size);

/* Compact text of a document, appended to b. -1 when it does not fit or memory ran out. */
int json_print(const cJSON *doc, struct buf *b);

/* Appends a JSON string literal (with quotes) of UTF-8 text; invalid bytes become U+FFFD. ascii_only escapes
 * everything above 0x7E as \uXXXX (surrogate pairs outside the BMP), as HTTP headers need it. */
int json_quote(struct buf *b, const char *s, bool ascii_only);

/* Finds the string value of a key at the top level of a JSON object without building a document: for bodies
 * that are mostly one huge string (Gmail's raw). Gives the bytes between the quotes, still escaped. The whole
 * text is checked as json_parse() does, duplicate keys aside. Errors: as json_parse(); GONE "no_key". */
int json_find_string(const char *text, size_t len, const char *key, size_t *ret_at, size_t *ret_len, struct err *err);

/* Checks the grammar and writes a mended copy to out (may be NULL: check only). The scanner under all above;
 * see json_scan.c. */
int json_scan(const char *text, size_t len, struct buf *out, struct err *err);

#endif
