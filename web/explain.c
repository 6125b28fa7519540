/* What happened, whose turn it is, what to do next: every failure that people can meet, in both languages. A provider's own
 * code and request id go along for the page to fold away. Any thread. */
#include "web/impl.h"

#include <string.h>

/* Whose turn: "you" the reader, "us" who runs sekisho, "provider" the cloud, "administrator" the cloud's administrator. */
struct explanation {
	const char *code; /* NULL: for the class alone */
	const char *class;
	int status;
	const char *turn;
	const char *message, *next;
};

static const struct explanation known[] = {
	{"signed_out", "", 401, "you", W_("You are not signed in, or your session has ended."), W_("Sign in again.")},
	{"forbidden_here", "", 403, "you", W_("Your role does not allow this."), W_("Ask an operator of sekisho for it.")},
	{"bad_csrf", "", 403, "you", W_("This page was opened in an earlier session, so the change was not made."),
		W_("Load the page again and repeat the change.")},
	{"bad_origin", "", 403, "us", W_("The request came from another website, so it was refused."),
		W_("Open the console at its own address. Behind a reverse proxy, console.public_url must be that address.")},
	{"wrong_host", "", 421, "us", W_("This console does not answer under that host name."),
		W_("Open it at the address in console.public_url.")},
	{"not_found", "gone", 404, "you", W_("There is nothing here, or it is not yours to see."), W_("Go back to the list.")},
	{"no_such_page", "", 404, "you", W_("There is no such page."), W_("Go back to the overview.")},
	{"bad_method", "", 405, "you", W_("This address does not take that kind of request."), W_("See the description of the API.")},
	{"bad_request", "", 400, "you", W_("Something in what was sent is missing or malformed."), W_("Check what you entered and try again.")},
	{"too_large", "", 413, "you", W_("What was sent is too large."), W_("Send less.")},
	{"bad_type", "", 415, "you", W_("The request must be JSON."), W_("Send Content-Type: application/json.")},
	{"wrong_state", "changed", 409, "you", W_("It is not in a state in which this is possible."), W_("Load the page again and look at its state.")},
	{"changed", "changed", 409, "you", W_("It has changed in the meantime."), W_("Load the page again and repeat what you want.")},
	{"exists", "changed", 409, "you", W_("There is one of that name already."), W_("Choose another name.")},
	{"bad_policy", "", 422, "you", W_("These rules have an error, so nothing was changed. The rules that worked go on working."), W_("Correct what is listed, then save again.")},
	{"end_wanted", "", 400, "you", W_("Your role may add this only with an end date of at most a year."), W_("Choose an end date, or ask an administrator.")},
	{"last_operator", "changed", 409, "you", W_("This is the last operator. Without one nobody could manage sekisho."),
		W_("Make another account an operator first.")},
	{"not_held", "", 409, "you", W_("This item is not in quarantine."), W_("Load the page again and look at its state.")},
	{"not_quarantined", "changed", 409, "you", W_("This item is not in quarantine any more."), W_("Load the page again and look at its state.")},
	{"bad_field", "", 400, "you", W_("A value is missing, or has a character that it cannot have."), W_("Check what you pasted and try again.")},
	{"test_not_found", "local", 500, "us", W_("The test file was not recognized as a threat."), W_("The operator runs “sekisho doctor”, which says what is wrong with the scanner.")},
	{"bad_password", "", 403, "you", W_("The login or the password is wrong."), W_("Try again. An operator can reset the password.")},
	{"bad_code", "", 403, "you", W_("The code is wrong, or was used already."),
		W_("Wait for the next code and enter it, or use a recovery code. Check the clock of your phone.")},
	{"weak_password", "", 400, "you", W_("This password is too easy to guess."), W_("Use at least 12 characters that are not a common word.")},
	{"too_many", "retry", 429, "you", W_("There were too many failed attempts."), W_("Wait a moment, then try again.")},
	{"bad_link", "", 410, "administrator", W_("This link was used already, has expired, or was revoked."), W_("Ask the person who sent it for a new one.")},
	{"bad_state", "", 403, "you", W_("The answer of the sign-in page does not belong to this browser session, was used before, or came too late. Nothing was connected."),
		W_("Begin again from this console, in one browser window, and finish within five minutes.")},
	{"state_unknown", "", 403, "you", W_("The answer of the sign-in page does not belong to this browser session, was used before, or came too late. Nothing was connected."),
		W_("Begin again from this console, in one browser window, and finish within five minutes.")},
	{"state_expired", "", 403, "you", W_("More than five minutes passed at the sign-in page. Nothing was connected."), W_("Begin again.")},
	{"mix_up", "", 403, "us", W_("The answer came from another service than the one that was asked. It was refused, and nothing was connected."),
		W_("Begin again. When it happens twice, tell the operator of sekisho.")},
	{"no_app", "", 409, "us", W_("The operator has not set up an application for this way of connecting."),
		W_("Choose another way, or ask the operator to fill in apps: in sekisho.yaml.")},
	{"consent_denied", "consent", 409, "administrator", W_("The permission was not granted at the provider. Nothing was connected."),
		W_("An administrator of that cloud must agree. Begin again with such an account.")},
	{"access_denied", "consent", 409, "administrator", W_("The permission was not granted at the provider. Nothing was connected."),
		W_("An administrator of that cloud must agree. Begin again with such an account.")},
	{"other_connection", "remote", 409, "you", W_("This grant belongs to another organisation than the connection that is to be renewed."),
		W_("Sign in with an administrator of the same organisation.")},
	{"bad_id_token", "", 502, "provider", W_("The sign-in service sent an answer that cannot be trusted."), W_("Try again. When it happens twice, tell the operator of sekisho.")},
	{"no_account", "", 403, "administrator", W_("You signed in, but no account of this console belongs to you."), W_("Ask an operator of sekisho for an account.")},
	{"disabled", "", 403, "administrator", W_("This account is disabled."), W_("Ask an operator of sekisho.")},
	{"invalid_scope", "consent", 502, "administrator", W_("The provider does not know the permissions that were asked for, or the application lacks them."),
		W_("Compare the application's permissions with those on this page, then try again.")},
	{"unauthorized_client", "consent", 502, "administrator", W_("The provider does not know this authorization, or not with exactly these permissions."),
		W_("Authorize the application in the provider's admin console with exactly what this page shows. Google may need up to a day.")},
	{"invalid_grant", "consent", 502, "administrator", W_("The provider does not accept the grant any more."),
		W_("Connect again. When it fails again, check at the provider that the application is still authorized.")},
	{"invalid_client", "auth", 502, "us", W_("The provider does not accept the application's own secret or key."), W_("Renew the application's secret or key.")},
	{"AADSTS700016", "consent", 502, "administrator", W_("The application is not present in this Microsoft 365 organisation: consent was withdrawn, or not given yet."),
		W_("A Global Administrator must give consent again.")},
	{"AADSTS7000222", "auth", 502, "administrator", W_("The application's client secret has expired."), W_("Make a new secret in Entra and paste it, or change to a certificate.")},
	{"AADSTS7000215", "auth", 502, "you", W_("The client secret is wrong."), W_("Paste the secret's value, not its ID.")},
	{"AADSTS700027", "auth", 502, "administrator", W_("Microsoft does not know the certificate yet, or it has expired."),
		W_("Upload the certificate of this page to the application in Entra, wait a minute, and check again.")},
	{"AADSTS90002", "auth", 502, "you", W_("Microsoft knows no directory of that ID."), W_("Check the Directory (tenant) ID.")},
	{"missing_scope", "consent", 409, "administrator", W_("The grant lacks a permission that is needed."), W_("Grant the missing permissions, then check again.")},
	{"scope_missing", "consent", 409, "administrator", W_("The grant lacks a permission that is needed."), W_("Grant the missing permissions, then check again.")},
	{"api_disabled", "consent", 409, "administrator", W_("An API is not enabled in the Google Cloud project."), W_("Enable the Gmail, Drive and Admin SDK APIs in that project, then check again.")},
	{"as_user", "consent", 409, "administrator", W_("The Box application may not act as users."),
		W_("Switch on “Make API calls using the as-user header” and App + Enterprise Access, authorize the application again, then check again.")},
	{"no_admin", "remote", 409, "administrator", W_("The person who linked the application is no administrator any more."), W_("Connect again with an account that is a team administrator.")},
	{"unauthorized", "auth", 502, "administrator", W_("The provider does not accept the access token."), W_("Check the connection. When it stays so, connect again.")},
	{"throttled", "retry", 503, "provider", W_("The provider asks us to slow down."), W_("Nothing needs to be done: sekisho goes on by itself when the provider allows it.")},
	{"network", "retry", 503, "us", W_("The provider cannot be reached over the network."), W_("Check this machine's network and DNS. sekisho tries again by itself.")},
	{"timeout", "retry", 503, "provider", W_("The provider did not answer in time."), W_("sekisho tries again by itself.")},
	{"tls", "remote", 502, "us", W_("The secure connection to the provider failed."), W_("Check this machine's clock and certificates, and whether a proxy sits in between.")},
	{"server_error", "retry", 503, "provider", W_("The provider has a fault."), W_("sekisho tries again by itself. See the provider's status page.")},
	{"peer_gone", "retry", 503, "us", W_("A part of sekisho is just restarting."), W_("Try again in a few seconds.")},
	{"peer_timeout", "retry", 503, "us", W_("It takes longer than expected. It may still be done."), W_("Load the page again in a minute and look at its state.")},
	{"busy", "retry", 503, "us", W_("The store is busy."), W_("Try again in a few seconds.")},
	{"not_ready", "retry", 503, "us", W_("sekisho has just started and is not ready yet."), W_("Try again in a few seconds.")},
	{"disk_full", "local", 500, "us", W_("The disk of this machine is full."), W_("The operator must make room. Nothing was changed.")},
	{"held", "remote", 409, "administrator", W_("A retention rule of the provider forbids this."), W_("Lift the rule for this item, or leave it where it is.")},
	{"no_revocation", "remote", 409, "administrator", W_("This provider has no call to end a grant."), W_("Remove the application in the provider's admin console.")},
	{"silent", "", 409, "provider", W_("No change has come from this feed for a long time, though the connection works."), W_("Check at the provider whether people still work there, and check the connection.")},
	{"ends", "", 409, "administrator", W_("The secret, certificate, key or consent of this connection will end soon."), W_("Renew it before that day. Nothing is lost in the meantime.")},
	{"expired", "", 409, "administrator", W_("The secret, certificate, key or consent of this connection has ended."), W_("Connect again. The place in each feed is kept, so nothing is missed.")},
	{"revoked", "consent", 409, "administrator", W_("The consent for this connection was withdrawn at the provider."), W_("Connect again if that was a mistake. The place in each feed is kept, so nothing is missed.")},
	{"degraded", "", 409, "administrator", W_("This connection works only in part."), W_("Look at its reason, and check the connection.")},
	{"missing", "", 409, "administrator", W_("The grant lacks a permission that is needed."), W_("Grant the missing permissions, then check again.")},
	{"trial", "", 409, "us", W_("The trial of this company ends soon. Its connections will then be ended."), W_("Change the end of the trial if it is to go on.")},
	{"policy", "", 409, "us", W_("A rule file has an error, so it is left out. The rules that worked go on working."), W_("Correct the file at the place that is named. It is read again by itself.")},
	{"canary", "", 409, "us", W_("The hourly test call of this connection failed."), W_("Check the connection.")},
	/* by class */
	{NULL, "consent", 502, "administrator", W_("The provider says that the permission was withdrawn or is not sufficient."), W_("Check the application in the provider's admin console, then connect again.")},
	{NULL, "auth", 502, "us", W_("The provider does not accept the credential."), W_("Check the key, secret or certificate of this connection.")},
	{NULL, "retry", 503, "provider", W_("It does not work just now."), W_("sekisho tries again by itself.")},
	{NULL, "changed", 409, "you", W_("It has changed in the meantime."), W_("Load the page again and repeat what you want.")},
	{NULL, "gone", 404, "you", W_("It does not exist any more."), W_("Go back to the list.")},
	{NULL, "too_big", 413, "you", W_("It is larger than what is allowed."), W_("Use the command line for it, or raise the limit.")},
	{NULL, "remote", 502, "provider", W_("The provider refused, or gave an answer that sekisho does not understand."), W_("Try again later. When it stays so, send the details below to the operator.")},
	{NULL, "local", 500, "us", W_("Something went wrong on this machine."), W_("The operator finds the reason in the log of sekisho.")},
	{NULL, "", 500, "us", W_("Something went wrong."), W_("Try again. When it stays so, send the details below to the operator.")},
};

static const struct explanation *find(const struct web_trouble *t)
{
	const char *code = t->code ? t->code : "", *class = t->class ? t->class : "";

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].code ? strcmp(known[i].code, code) == 0 : strcmp(known[i].class, class) == 0)
			return &known[i];
	return &known[ARRAY_SIZE(known) - 1];
}

int web_status_of(const struct web_trouble *t)
{
	return find(t)->status;
}

cJSON *web_explanation(enum web_language language, const struct web_trouble *t)
{
	const struct explanation *e = find(t);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "code", t->code && *t->code ? t->code : "internal");
	cJSON_AddStringToObject(o, "message", web_text(language, e->message));
	cJSON_AddStringToObject(o, "turn", e->turn);
	cJSON_AddStringToObject(o, "next", web_text(language, e->next));
	if ((t->detail && *t->detail) || (t->request_id && *t->request_id)) {
		cJSON *p = cJSON_AddObjectToObject(o, "provider");
		cJSON_AddStringToObject(p, "code", t->code ? t->code : "");
		cJSON_AddStringToObject(p, "request_id", t->request_id ? t->request_id : "");
		cJSON_AddStringToObject(p, "message", t->detail ? t->detail : "");
	}
	return o;
}

void web_fail(struct web_call *c, int status, const struct web_trouble *t)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToObject(o, "error", web_explanation(c->language, t));
	web_answer_json(c->a, status ? status : web_status_of(t), o);
}

void web_fail_code(struct web_call *c, const char *code)
{
	web_fail(c, 0, &(struct web_trouble){.code = code});
}

void web_fail_err(struct web_call *c, const struct err *err)
{
	/* "forbidden" of core is about our own roles; of a provider it is about its permissions. */
	web_fail(c, 0, &(struct web_trouble){err->code, err_class_name(err->class), err->message, err->request_id});
}

/* What a code means: for pages that a redirect led to, which has room for a code only. */
void web_get_explanation(struct web_call *c)
{
	cJSON *o = web_explanation(c->language, &(struct web_trouble){.code = c->param[0]});

	web_answer_json(c->a, 200, o);
}
