/* A mail, taken apart by GMime: who wrote it, to whom, what the receiving server thought of it, the names of its
 * attachments, its texts as UTF-8, the links in them, and what lies beside its parts where mail programs show nothing.
 * libclamav unpacks the same mail for the scan; its names and charsets are not to be had from it, so parts are matched by
 * their digest. In workers, on untrusted bytes; one thread. */
#ifndef SCAN_MAIL_H
#define SCAN_MAIL_H

#include "scan/page.h"

#define MAIL_DEPTH 40          /* parts within parts; libclamav ends earlier */
#define MAIL_ASIDES 16
#define MAIL_TEXT_MAX (4u << 20) /* of all texts of a mail, as UTF-8 */

struct mail_leaf {
	char name[256];     /* as a person reads it; "" when it has none */
	uint8_t digest[32]; /* SHA-256 of the decoded content */
	int64_t size;
	size_t text_at, text_len; /* in mail.text */
	bool is_text;
	uint64_t loose;     /* of text: a hash of all but white space, which libclamav changes */
	bool seen;          /* the caller's mark */
};

/* Text beside the parts: before the first boundary or behind the last. In mail.beside. */
struct mail_aside {
	size_t at, len;
};

struct mail {
	int n_leaves, leaves_cap;
	struct mail_leaf *leaves;
	struct buf text;
	int n_asides;
	struct mail_aside asides[MAIL_ASIDES];
	struct buf beside;
	bool too_deep, too_many; /* not all of it was walked */
	bool fragment;           /* a piece of a larger one (message/partial) */
	bool behind_padding;     /* base64 goes on where it ended */
};

/* Once a process, before the cage closes. */
void mail_init(void);

/* Does it begin as a mail, whatever libclamav calls it? */
bool mail_is(const uint8_t *data, size_t len);

/* data is not needed afterwards. part: where its links are found; head: may be NULL.
 * -1 when it is no mail at all or memory ran out. */
int mail_read(const uint8_t *data, size_t len, int part, int max_leaves, struct scan_mail *head, struct links *links,
	struct mail *ret);
void mail_free(struct mail *m);

/* The leaf whose content this is, NULL. */
struct mail_leaf *mail_find(struct mail *m, const uint8_t digest[32], int64_t size);

/* The text leaf that differs in white space at most, NULL. */
struct mail_leaf *mail_find_text(struct mail *m, const uint8_t *data, size_t len);

#endif
