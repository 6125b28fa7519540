/* Applications of the Microsoft identity platform: whose they are, what they sign with, and which directories let them in.
 * Three kinds: each seeded tenant's own (with the certificate and secret of the connections file), those that a tenant's
 * administrator registers in the admin centre, and the operator's multi-tenant one (--console). State lock held. */
#ifndef FAKECLOUD_MICROSOFT_APP_H
#define FAKECLOUD_MICROSOFT_APP_H

#include "fakecloud/grant.h"
#include "fakecloud/microsoft/microsoft.h"
#include "fakecloud/page.h"

struct ms_cert {
	char *public_pem, *subject;
	char sha1[28], sha256[44]; /* base64url, as x5t and x5t#S256 */
	char sha1_hex[41];
};

struct ms_app {
	char *client_id, *name;
	struct ms_tenant *home; /* NULL: multi-tenant */
	struct ms_vec certs;	/* struct ms_cert */
	struct ms_vec secrets;	/* char * */
};

/* An application in a directory (its service principal). */
struct ms_install {
	struct ms_app *app;
	struct ms_tenant *t;
	bool consented; /* to the application permissions */
	bool withdrawn; /* by POST /revoke, or removed */
};

/* ---- app.c ---- */
struct ms_app *ms_app_find(const char *client_id); /* of all; NULL */
struct ms_install *ms_install_in(struct ms_tenant *t, const char *client_id); /* NULL: not known there */
struct ms_install *ms_install_add(struct ms_tenant *t, struct ms_app *app); /* or the one there is */
bool ms_install_gone(const struct ms_install *in); /* the directory does not let it in (any more) */
void ms_installs_withdraw(struct ms_tenant *t, bool withdrawn);
struct ms_app *ms_app_new(struct ms_tenant *home, const char *client_id, const char *name);
/* PEM or DER. NULL, or what is wrong. */
const char *ms_app_add_certificate(struct ms_app *app, const char *data, size_t len);
const char *ms_app_add_secret(struct ms_app *app);
bool ms_app_secret_ok(const struct ms_app *app, const char *secret);
bool ms_app_redirect_ok(const struct ms_app *app, const char *uri);
struct ms_user *ms_admin(const struct ms_tenant *t); /* NULL: a tenant without users */
int ms_console(struct buf *apps, struct buf *sign_in, const char *dir);

/* ---- login.c ---- */
void ms_login_error(struct ms_ctx *c, int status, const char *error, int code, const char *text);
/* The client's certificate or secret; false: answered. */
bool ms_client_ok(struct ms_ctx *c, struct ms_tenant *t, const struct ms_app *app, const char *client_id);
const char *ms_authority(struct ms_ctx *c); /* what issuers and addresses of discovery begin with */

/* ---- consent.c, signin.c, portal.c ---- */
void ms_admin_consent(struct ms_ctx *c);
void ms_authorize(struct ms_ctx *c);
void ms_signin_token(struct ms_ctx *c, const char *client_id); /* authorization_code and refresh_token */
bool ms_portal(struct ms_ctx *c, const char *path);	       /* start page, admin centre, userinfo; false: no such page */
/* The application and redirect address of an authorization request, checked; NULL: a failure page was sent. */
struct ms_app *ms_request_app(struct ms_ctx *c);
/* Whose account was chosen: address → user, in the tenant of the path when it names one. NULL: none such. */
struct ms_user *ms_account(struct ms_ctx *c, const char *address);
void ms_accounts(struct ms_ctx *c, struct buf *b, bool admins_first); /* select#account */
/* The failure page of the login host, with "AADSTS<code>". */
void ms_failure(struct ms_ctx *c, int code, const char *text);

#endif
