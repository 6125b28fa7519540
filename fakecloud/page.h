/* The shared look of the pages that people see: sign-in, consent, admin consoles, failures. A page is plain HTML that
 * works without a script, says that it is a stand-in, and loads nothing. The providers' handlers call this, with the
 * state lock held; everything is the caller's.
 *
 * For scripts the same on every page: #stand-in (whose stand-in), h1, form#consent with select#account, button#allow
 * (name consent, value "allow") and button#deny ("deny"), ul#permissions; a failure has main#failure with #error-code,
 * #error-description and #request-id.
 *
 * A page's form posts to the page's own address, query and all, so that nothing of the request needs to be carried. */
#ifndef FAKECLOUD_PAGE_H
#define FAKECLOUD_PAGE_H

#include "fakecloud/fc.h"

#define PAGE_MAX ((size_t)8 << 20)

/* Begins the document; provider: "Microsoft". main_id: of the main element, NULL for none. */
void page_open(struct buf *b, const char *provider, const char *title, const char *main_id);
/* As printf, with %s (escaped), %d and %% alone. */
void page_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A list of words that are separated by spaces, as ul with that id. */
void page_words(struct buf *b, const char *id, const char *words);
/* An option of select#account; chosen: the page asked for this one. */
void page_account(struct buf *b, const char *value, const char *note, const char *chosen);
/* The two buttons of a consent, and the end of the form. */
void page_decide(struct buf *b, const char *allow, const char *deny);
/* Ends and sends it; frees b. */
void page_send(struct fc_response *res, int status, struct buf *b);

/* A page that says what went wrong, to the person in front of it. */
void page_failure(struct fc_response *res, int status, const char *provider, const char *title, const char *code,
	const char *description);

/* 302 back to the application. query: a form (base/encode.h); fragment: in the fragment instead. */
void page_redirect(struct fc_response *res, const char *redirect, const struct buf *query, bool fragment);
/* The same for response_mode=form_post (OAuth 2.0 Form Post Response Mode). */
void page_form_post(struct fc_response *res, const char *provider, const char *redirect, const struct buf *query);

/* Does somebody with a browser look at the address itself? A call with a token is none of these. */
bool page_start_wanted(const struct fc_request *req);
/* A field of a posted form: urlencoded or multipart. NULL when missing. */
const char *page_field(struct fc_request *req, const char *name);
/* What the person decided: page_field "consent", or the parameter fakecloud_consent of the query, or the option
 * --auto-consent. NULL: not yet, show the page. Words: "allow" (also "accept"), "deny". *ret_account: who, or NULL. */
const char *page_decision(struct fc_request *req, const char **ret_account);

#endif
