/* Applications of Box and who let them in: a seeded enterprise's own (JWT, client credentials and OAuth in one), and the
 * operator's two (--console): one by JWT, which enterprises authorize in their admin console, and one by OAuth, which
 * users let in. State lock held. */
#ifndef FAKECLOUD_BOX_CONSENT_H
#define FAKECLOUD_BOX_CONSENT_H

#include "fakecloud/box/box.h"
#include "fakecloud/grant.h"
#include "fakecloud/page.h"

struct bx_client {
	const char *id, *secret, *key_id;
	const struct fc_keypair *key;
	struct bx_tenant *t; /* whose it is; NULL: the operator's */
	bool server, oauth;  /* which grants it has */
};

/* ---- consent.c ---- */
bool bx_client_find(const char *id, struct bx_client *ret);
/* The enterprise does not let that client in (any more). */
bool bx_client_gone(const struct bx_tenant *t, const char *client);
/* The account that a server application has in the enterprise; NULL when it is not let in. */
struct bx_user *bx_client_service(struct bx_tenant *t, const struct bx_client *client);
/* The enterprise that a server application means: by "enterprise" and its id, or "user" and the user's. NULL: none that
 * let it in. */
struct bx_tenant *bx_client_tenant(const struct bx_client *client, const char *type, const char *id);
void bx_installs_withdraw(struct bx_tenant *t, bool withdrawn);
/* Start page, admin console; false: no such page. */
bool bx_portal(struct fc_request *req, struct fc_response *res);
int bx_console(struct buf *apps, struct buf *sign_in, const char *dir);

/* ---- grants.c ---- */
void bx_code_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client);
void bx_refresh_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client);
void bx_jwt_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client);
char *bx_code_new(struct bx_user *user, const struct bx_client *client, const char *redirect);
char *bx_refresh_new(struct bx_user *user, const char *client, struct fc_token *access);
/* By a refresh token, or the access token that came with it: revoking one ends both. */
void bx_refresh_revoke(const struct bx_client *client, const char *text);
/* Of all applications: a seeded one's end for good, the operator's can be given back. */
void bx_refresh_withdraw(struct bx_tenant *t, bool withdrawn);

/* ---- oauth.c ---- */
void bx_oauth_issue(struct fc_response *res, struct bx_user *user, const char *client, bool refresh);

#endif
