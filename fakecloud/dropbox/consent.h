/* Who lets which application into a Dropbox team: a seeded team's own application, and the operator's (--console), which
 * teams link by its authorization page. State lock held. */
#ifndef FAKECLOUD_DROPBOX_CONSENT_H
#define FAKECLOUD_DROPBOX_CONSENT_H

#include "fakecloud/dropbox/dropbox.h"
#include "fakecloud/grant.h"
#include "fakecloud/page.h"

struct dbx_client {
	const char *key, *secret;
	struct dbx_team *team; /* whose it is; NULL: the operator's */
};

/* What the operator's application was given by one authorization: as long as its refresh token lives. */
struct dbx_grant_link {
	struct dbx_team *team;
	char refresh[72];
	const char *scope, *subject; /* subject: a member's id when it is one person's, else "" */
	bool pkce;		     /* made without the secret, so renewed without it */
	bool withdrawn, ended;
};

/* ---- consent.c ---- */
bool dbx_client_find(const char *key, struct dbx_client *ret);
struct dbx_grant_link *dbx_link_new(struct dbx_team *team, const char *scope, const char *subject, bool pkce);
struct dbx_grant_link *dbx_link_of(const char *refresh); /* NULL: none of those */
void dbx_links_withdraw(struct dbx_team *team, bool withdrawn);
void dbx_links_end(struct dbx_team *team);
/* Start page, connected apps; false: no such page. */
bool dbx_portal(struct fc_request *req, struct fc_response *res);
int dbx_console(struct buf *apps, struct buf *sign_in, const char *dir);

/* ---- oauth.c ---- */
extern const char dbx_all_scopes[];
/* The first of the asked scopes that is not among the granted; NULL when all are. */
const char *dbx_not_granted(struct arena *arena, const char *granted, const char *asked);

#endif
