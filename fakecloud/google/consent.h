/* Who may act for whom at Google, beyond what the seed grants: the operator's service account and OAuth client (--console),
 * domain-wide delegation as administrators enter it, authorization codes. State lock held. */
#ifndef FAKECLOUD_GOOGLE_CONSENT_H
#define FAKECLOUD_GOOGLE_CONSENT_H

#include "fakecloud/google/google.h"
#include "fakecloud/grant.h"
#include "fakecloud/page.h"

struct gg_service {
	char client_email[96], client_id[24], key_id[41];
	const struct fc_keypair *keys;
};

/* ---- consent.c: delegation ---- */
/* The service account of that address that belongs to no seed: the operator's, or one that a domain's administrator made in
 * the cloud console. NULL: none such. */
const struct gg_service *gg_service_find(const char *client_email);
/* Does the tenant's administrator let the client act with all of the scopes (all or nothing)? */
bool gg_delegated(struct gg_tenant *t, const char *client_id, const char *scopes);
struct gg_tenant *gg_tenant_of_address(const char *email); /* by its domain; NULL */
void gg_delegations_withdraw(const char *tenant, bool withdrawn); /* NULL: all */
int gg_console(struct buf *apps, struct buf *sign_in, const char *dir);

/* ---- signin.c: authorization codes ---- */
/* Start page, delegation, authorization, discovery, keys, userinfo; false: no such page. */
bool gg_page(struct fc_request *req, struct fc_response *res);
void gg_start_page(struct fc_response *res);
void gg_delegation_page(struct fc_request *req, struct fc_response *res);
void gg_key_page(struct fc_request *req, struct fc_response *res);
void gg_code_grant(struct fc_request *req, struct fc_response *res);
/* A refresh token that a code brought; false: it is none of those. */
bool gg_refresh_grant(struct fc_request *req, struct fc_response *res);
/* POST /revoke and consent withdrawn end them. */
bool gg_refresh_revoke(const char *text);
/* The operator's OAuth client, for signing in: made by gg_console(). */
void gg_signin_client(char id[96], char secret[48]);

/* ---- token.c ---- */
const char *gg_oauth_param(struct fc_request *req, const char *name);
void gg_oauth_fail(struct fc_response *res, int status, const char *error, const char *description);

#endif
