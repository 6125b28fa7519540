/* Notices: what ACT_REPLACE leaves where an item was, a mail or a small text file. Called by the connectors, any thread.
 *
 * A notice is ours and nobody's item: feeds leave it out, so that no rule judges it. Which ones are ours is remembered with the
 * connection's places, by id and version; neither a name nor a Message-ID proves anything, because anybody can write them. */
#ifndef CONNECTORS_NOTICE_H
#define CONNECTORS_NOTICE_H

#include "connectors/common.h"

#define NOTICE_MAX 4096       /* bytes of its text */
#define NOTICE_FILE_MAX 8192  /* a file of more bytes is none */
#define NOTICE_ID_PREFIX "<sekisho-notice."

/* The Message-ID of an act's notice, always the same for the same act. */
int notice_message_id(const char *op, struct buf *ret, struct err *err);
/* Could it be one, by its Message-ID or by its name and size? Asked first, because it costs nothing. */
bool notice_maybe_mail(const char *message_id);
bool notice_maybe_file(const char *name, int64_t size);

/* "invoice.exe.txt" in the place of "invoice.exe". */
int notice_file_name(const char *name, struct buf *ret, struct err *err);

struct notice_mail {
	const char *address; /* of the mailbox: sender and recipient */
	const char *subject; /* as it came */
	const char *text, *message_id;
	int64_t date;        /* ms UTC */
};
/* The mail as RFC 5322 text. Errors: LOCAL. */
int notice_mime(const struct notice_mail *m, struct buf *ret, struct err *err);

/* Durable when it returns. */
int notice_remember(const struct connector_env *env, const char *id, const char *version, struct err *err);
/* Is it the notice that was written, and nobody wrote to it since? */
int notice_is_ours(const struct connector_env *env, const char *id, const char *version, bool *ret, struct err *err);
/* Takes them off a page of a feed. */
int notice_filter(const struct connector_env *env, struct item_page *page, struct err *err);

#endif
