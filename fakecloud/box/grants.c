/* The grants of Box that need more than a secret: JWT assertions, authorization codes and refresh tokens
 * (which are good for one use), and the page that gives out codes. State lock held. */
#include "fakecloud/box/box.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>

#define CODE_LIFE_MS 30000
#define REFRESH_LIFE_MS (60ll * 86400 * 1000)

/* A code or a refresh token; kept for ever, so that a second use is known as one. */
struct ticket {
	char text[65];
	struct bx_tenant *t;
	struct bx_user *user;
	struct fc_token *access; /* issued together with a refresh token */
	int64_t expires_at;
	bool code, used;
	char *redirect;
};

static struct map tickets;

static struct ticket *ticket_new(struct bx_tenant *t, struct bx_user *user, bool code)
{
	struct ticket *k = bx_alloc(sizeof(*k));

	random_hex(k->text, 32);
	k->t = t;
	k->user = user;
	k->code = code;
	k->expires_at = fc_now() + (code ? CODE_LIFE_MS : REFRESH_LIFE_MS);
	map_put(&tickets, k->text, k);
	return k;
}

char *bx_refresh_new(struct bx_tenant *t, struct bx_user *user, struct fc_token *access)
{
	struct ticket *k = ticket_new(t, user, false);
	k->access = access;
	return k->text;
}

/* By the refresh token or by the access token that came with it; revoking one ends both. */
void bx_refresh_revoke(struct bx_tenant *t, const char *text, bool all)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&tickets, &cursor, NULL, &value)) {
		struct ticket *k = value;
		if (k->t != t ||
			!(all || !strcmp(k->text, text) || (k->access && !strcmp(k->access->text, text))))
			continue;
		k->used = true;
		if (k->access)
			k->access->revoked = true;
	}
}

static void claim_error(struct fc_response *res, const char *claim)
{
	char text[80];

	snprintf(text, sizeof(text), "Please check the '%s' claim.", claim);
	bx_oauth_error(res, 400, "invalid_grant", text);
}

/* exp and nbf against the providers' clock; the limit for exp is 60 s ahead. NULL, or the name of the wrong
 * claim; *ret_past when exp lies behind us. */
static const char *times_wrong(const cJSON *claims, bool *ret_past)
{
	int64_t now = fc_now() / 1000, exp, nbf;

	*ret_past = false;
	if (!json_int64(claims, "exp", &exp))
		return "exp";
	*ret_past = exp <= now;
	if (*ret_past || exp > now + 60)
		return "exp";
	if (json_int64(claims, "nbf", &nbf) && nbf > now)
		return "nbf";
	return NULL;
}

static const char *claim_wrong(
	struct fc_request *req, struct bx_tenant *t, const cJSON *claims, struct bx_user **ret_user)
{
	const char *iss = json_str_or(claims, "iss", ""), *jti = json_str_or(claims, "jti", "");
	const char *type = json_str_or(claims, "box_sub_type", "");
	char number[32];
	const char *sub = json_id(claims, "sub", number, sizeof(number));
	size_t jti_len = strlen(jti);

	if (strcmp(iss, t->client_id) != 0)
		return "iss";
	if (strcmp(type, "enterprise") != 0 && strcmp(type, "user") != 0)
		return "box_sub_type";
	const cJSON *aud = json_get(claims, "aud");
	if (cJSON_IsArray(aud) && cJSON_GetArraySize(aud) == 1)
		aud = cJSON_GetArrayItem(aud, 0);
	if (!fc_aud_ok(req, cJSON_IsString(aud) ? aud->valuestring : NULL, "https://api.box.com/oauth2/token",
		    "/oauth2/token"))
		return "aud";
	if (jti_len < 16 || jti_len > 128)
		return "jti";
	if (!sub)
		return "sub";
	*ret_user = !strcmp(type, "user")	  ? bx_find(t, sub, BX_USER)
		    : !strcmp(sub, t->enterprise) ? t->service
						  : NULL;
	if (!*ret_user || (*ret_user)->deleted || strcmp((*ret_user)->status, "active") != 0)
		return "sub";
	return fc_jti_new("box", jti) ? NULL : "jti";
}

int bx_jwt_grant(struct fc_request *req, struct fc_response *res, struct bx_tenant *t)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	const char *assertion = fc_form(req, "assertion"), *why, *kid;
	struct bx_user *user = NULL;
	bool past;

	if (!assertion || !*assertion) {
		bx_oauth_error(res, 400, "invalid_request", "Missing parameter 'assertion'");
		return -1;
	}
	if (t->revoked) {
		bx_oauth_error(
			res, 400, "unauthorized_client", "This app is not authorized by the enterprise");
		return -1;
	}
	if (fc_jwt_verify(assertion, "RS256 RS384 RS512", t->key->public_pem, &header, &claims, &why) < 0) {
		bx_oauth_error(res, 400, "invalid_grant",
			!strcmp(why, "malformed")   ? "Invalid JWT format"
			: !strcmp(why, "algorithm") ? "Please check the 'alg' header."
						    : "OAuth JWT signature verification failed");
		return -1;
	}
	/* Clients without a kid exist; a wrong one names a key that was never registered. */
	kid = json_str(header, "kid");
	if (kid && *kid && strcmp(kid, t->public_key_id) != 0) {
		bx_oauth_error(res, 400, "invalid_grant", "Please check the 'kid' header.");
		return -1;
	}
	why = times_wrong(claims, &past);
	if (past) {
		bx_oauth_error(res, 400, "invalid_grant",
			"Current date time must be before the expiration date time specified in the 'exp' "
			"claim.");
		return -1;
	}
	if (!why)
		why = claim_wrong(req, t, claims, &user);
	if (why) {
		claim_error(res, why);
		return -1;
	}
	bx_oauth_issue(res, t, user, false);
	return 0;
}

void bx_code_grant(struct fc_request *req, struct fc_response *res, struct bx_tenant *t)
{
	const char *code = fc_form(req, "code"), *redirect = fc_form(req, "redirect_uri");
	struct ticket *k = code ? map_get(&tickets, code) : NULL;

	if (!k || !k->code || k->t != t || k->used || t->revoked ||
		(redirect && k->redirect && strcmp(redirect, k->redirect) != 0)) {
		bx_oauth_error(
			res, 400, "invalid_grant", "Auth code doesn't exist or is invalid for the client");
		return;
	}
	if (k->expires_at <= fc_now()) {
		bx_oauth_error(res, 400, "invalid_grant", "The authorization code has expired");
		return;
	}
	k->used = true;
	bx_oauth_issue(res, t, k->user, true);
}

void bx_refresh_grant(struct fc_request *req, struct fc_response *res, struct bx_tenant *t)
{
	const char *text = fc_form(req, "refresh_token");
	struct ticket *k = text ? map_get(&tickets, text) : NULL;

	if (!k || k->code || k->t != t || t->revoked) {
		bx_oauth_error(res, 400, "invalid_grant", "Invalid refresh token");
		return;
	}
	if (k->used || k->expires_at <= fc_now()) {
		bx_oauth_error(res, 400, "invalid_grant", "Refresh token has expired");
		return;
	}
	k->used = true; /* one use: the answer holds the next one */
	bx_oauth_issue(res, t, k->user, true);
}

/* ---- the page where a user agrees ---- */

static void form_html(struct bx_tenant *t, struct fc_response *res)
{
	_cleanup_buf_ struct buf page = BUF_INIT(1 << 16);

	/* Nothing of the request is shown: the form posts to the address that it came from, query and all. */
	buf_addf(&page,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
		"charset=\"utf-8\"><title>Box</title></head><body>\n"
		"<h1>Grant access to Box</h1>\n<p>An application of the enterprise %s asks for access to "
		"your files.</p>\n"
		"<form method=\"post\"><label>Email <input name=\"login\" type=\"email\"></label>\n"
		"<button name=\"consent\" value=\"accept\">Grant access to Box</button>\n"
		"<button name=\"consent\" value=\"deny\">Deny access</button></form>\n</body></html>\n",
		t->enterprise);
	fc_text(res, 200, "text/html; charset=utf-8", buf_str(&page));
}

static void agree(struct fc_request *req, struct fc_response *res, struct bx_tenant *t, const char *redirect)
{
	_cleanup_buf_ struct buf query = BUF_INIT(1 << 14);
	const char *state = fc_query(req, "state"), *consent = fc_form(req, "consent"),
		   *login = fc_form(req, "login");
	struct bx_user *user = login && *login ? bx_user_by_login(t, login) : t->admin;

	if (state)
		form_add(&query, "state", state);
	if ((consent && !strcmp(consent, "deny")) || !user) {
		form_add(&query, "error", "access_denied");
		form_add(&query, "error_description", "The user denied access to your application");
	} else {
		struct ticket *k = ticket_new(t, user, true);
		k->redirect = bx_strdup(redirect);
		form_add(&query, "code", k->text);
	}
	res->status = 302;
	fc_set_headerf(
		res, "Location", "%s%c%s", redirect, strchr(redirect, '?') ? '&' : '?', buf_str(&query));
}

void bx_oauth_authorize(struct fc_request *req, struct fc_response *res)
{
	struct bx_tenant *t = bx_tenant_of_client(fc_query(req, "client_id"));
	const char *type = fc_query(req, "response_type"), *redirect = fc_query(req, "redirect_uri");

	if (!t || !type || strcmp(type, "code") != 0 || (redirect && strpbrk(redirect, "\r\n"))) {
		fc_text(res, 400, "text/html; charset=utf-8",
			"<!DOCTYPE html>\n<html lang=\"en\"><head><title>Box</title></head><body>"
			"<p>The application asked for access in a wrong way.</p></body></html>\n");
		return;
	}
	req->tenant = t->name;
	if (!strcmp(req->method, "POST"))
		agree(req, res, t, redirect && *redirect ? redirect : "https://localhost/");
	else
		form_html(t, res);
}
