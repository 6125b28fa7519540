/* The words of an item's parts, whatever they are written in, for the detectors: each format's text is taken out of the bytes that
 * libclamav unpacked, made UTF-8 and NFKC, and looked at. In workers, on untrusted bytes; one thread; one a worker.
 *
 * What was looked at and held nothing is remembered by its digest: documents share themes, styles and fonts. */
#ifndef SCAN_TEXT_TEXT_H
#define SCAN_TEXT_TEXT_H

#include "scan/detect/detect.h"

#include "base/buf.h"

#define TEXT_MAX (16u << 20) /* of one part */

struct text;

struct text *text_new(struct detect *detect); /* detect: may be NULL. NULL when memory ran out */
void text_free(struct text *t);

/* Detectors changed: what was known to be empty is no more. */
void text_forget(struct text *t);
void text_begin(struct text *t, bool wanted, struct scan_reply *reply);
/* Looks at names, and at what only the whole item tells. */
void text_end(struct text *t);
bool text_wanted(const struct text *t);

/* Words that are UTF-8 already. */
void text_look(struct text *t, int part, enum detect_what what, const char *utf8, size_t len);
/* Any part: type is libclamav's name of it, digest may be NULL. Of what is packed or a picture there are none. */
void text_part(struct text *t, int part, const char *type, const uint8_t *data, size_t len, const uint8_t *digest);
/* The part holds nothing; may it be passed over when it comes again? */
bool text_known(const struct text *t, const uint8_t *digest);

#endif
