/* What is read from an item while it is scanned, beside the scan: mails by GMime, pages for their links, and all words by the detectors. inspect.c shows
 * each part as libclamav unpacks it; nothing is unpacked a second time but mails, whose names and charsets libclamav does
 * not tell. In workers; one thread; one a worker. */
#ifndef SCAN_READER_H
#define SCAN_READER_H

#include "scan/detect/detect.h"
#include "scan/mail.h"
#include "scan/reason.h"

struct reader;
struct passwords;

/* detect: may be NULL. */
struct reader *reader_new(const struct scan_limits *limits, struct detect *detect); /* NULL when memory ran out */
void reader_free(struct reader *r);

/* Detectors changed. */
void reader_forget(struct reader *r);

/* Before the cage closes, once for all workers. */
void reader_init(void);

/* A scan begins. reply: where what is read is noted; it stays the caller's. */
void reader_begin(struct reader *r, bool words, struct scan_reply *reply);
void reader_end(struct reader *r);

/* Does libclamav's type, or the content itself, say that it is a mail? */
bool reader_is_mail(const char *type, const uint8_t *data, size_t len);

/* A mail opens, as the part of that index (or, with top, as the item itself): REASON_NONE, or why it is not all known.
 * Closed in reverse order. */
enum reason reader_mail_open(struct reader *r, int part, bool top, const uint8_t *data, size_t len);
void reader_mail_close(struct reader *r);

/* What the texts of the item's mails told as passwords so far; at most SCAN_MAX_FOUND. */
const struct passwords *reader_passwords(const struct reader *r);

/* A part is there, with its digest: what it is called in the mails around it, NULL when they do not tell. */
const char *reader_part(struct reader *r, int part, const char *type, const uint8_t *data, size_t len, const uint8_t *digest);

/* What lies beside the parts of the mails so far and must be scanned, too: each a mail of its own. NULL when there is
 * none. The caller frees it. */
char *reader_next_beside(struct reader *r, size_t *ret_len, int *ret_part);

#endif
