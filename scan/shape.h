/* What the first bytes and the type of a part say about whether libclamav can look into it. Pure functions on
 * untrusted bytes; in workers only. */
#ifndef SCAN_SHAPE_H
#define SCAN_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape {
	SHAPE_PLAIN,     /* nothing need come out of it */
	SHAPE_ARCHIVE,   /* members must come out of it, or be announced */
	SHAPE_STREAM,    /* one compressed stream: exactly what is in it must come out */
	SHAPE_OPAQUE,    /* compressed or packed in a way that libclamav does not know */
	SHAPE_ENCRYPTED, /* an encrypted message or document */
};

/* type: libclamav's name. May look at all of the bytes for a few compressed types. */
enum shape shape_of(const char *type, const uint8_t *data, size_t len);

/* ZIP and what is built on it: libclamav announces each member twice, from the directory and from the member. */
bool shape_is_zip(const char *type);

/* Does the part, a member of an archive, say that its neighbours are encrypted? */
bool shape_is_encrypted_manifest(const char *name, const uint8_t *data, size_t len);

/* Does a ZIP archive end where the content ends? */
bool shape_has_zip_end(const uint8_t *data, size_t len);

/* The directory of a ZIP archive, entry by entry; names are bytes as they stand there, without an end. At most 65,536. */
struct zip_walk {
	const uint8_t *at, *end;
	int left;
};
struct zip_entry {
	const char *name;
	size_t name_len;
	uint16_t flags, method;
};
void shape_zip_walk(const uint8_t *data, size_t len, struct zip_walk *ret);
bool shape_zip_next(struct zip_walk *w, struct zip_entry *ret);

/* A stream this small may hold up to five bytes, which libclamav does not look at. */
bool shape_is_empty_stream(const char *type, const uint8_t *data, size_t len);

#endif
