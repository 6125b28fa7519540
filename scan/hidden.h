/* Content that lies where libclamav does not look for any: ZIP members that the directory does not name, encodings
 * within text. Pure functions on untrusted bytes; in workers only. */
#ifndef SCAN_HIDDEN_H
#define SCAN_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A member's header between, before or within the members that the directory of a ZIP names: programs that read from
 * the front unpack it. data begins with a member. */
bool hidden_in_zip(const uint8_t *data, size_t len);

/* Text, pages, mails: a yEnc file, an archive or program in base64 that a script puts together. type: libclamav's name. */
bool hidden_in_text(const char *type, const uint8_t *data, size_t len);

/* The body of a mail's part in base64, exactly: does it go on behind its padding? libclamav stops there, some mail programs do
 * not. */
bool hidden_behind_padding(const uint8_t *body, size_t len);

/* Text beside a mail's parts: a line that begins an archive or program in base64. */
bool hidden_beside_parts(const char *text, size_t len);

#endif
