/* The ways of connecting, in the administrator's words: what is read, what is changed, which permissions and why. The
 * permissions are those that connectors/NAME/README.md lists. Any thread. */
#include "web/impl.h"

#include <string.h>

#define SCOPES 16

struct scope {
	const char *name, *why; /* why: W_ */
	bool changes;           /* used by protect mode only */
};

struct method {
	const char *name, *app; /* app: key in apps: that it needs; NULL none. needs: what that must have, too */
	const char *title, *how, *needs;
};

struct provider {
	const char *name, *title;
	const char *services;
	const char *reads, *changes; /* W_ */
	struct method methods[4];
	struct scope scopes[SCOPES];
};

static const struct provider all[] = {
	{"microsoft", "Microsoft 365", "mail files teams",
		W_("Mail in all mailboxes, files in OneDrive and SharePoint, messages in Teams, and the list of users. New and changed ones are read and scanned; nothing of a clean one is kept."),
		W_("In monitor mode nothing. In protect mode a dangerous mail moves to a hidden folder, a dangerous file is unshared and moved to a place that only administrators reach, a dangerous Teams message is blocked. All of it can be undone."),
		{
			{"consent", "microsoft", W_("Consent (recommended)"), W_("You sign in at Microsoft as a Global Administrator and agree. Nothing needs to be copied."), NULL},
			{"certificate", NULL, W_("Your own application, with a certificate"), W_("You register an application in Entra and upload a certificate that is made here. The private key never leaves sekisho."), NULL},
			{"secret", NULL, W_("Your own application, with a client secret"), W_("You register an application in Entra and paste its client secret. A certificate is safer."), NULL},
		},
		{
			{"User.Read.All", W_("to find the mailboxes and drives"), false},
			{"Organization.Read.All", W_("to show whose organisation it is"), false},
			{"Mail.ReadWrite", W_("to read mail, and to move dangerous mail away and back"), false},
			{"Files.ReadWrite.All", W_("to read files, and to move dangerous files away and back"), false},
			{"Sites.ReadWrite.All", W_("the same in SharePoint"), false},
			{"Team.ReadBasic.All", W_("to find the teams"), false},
			{"Channel.ReadBasic.All", W_("to find their channels"), false},
			{"ChannelMessage.Read.All", W_("to read channel messages"), false},
			{"Chat.Read.All", W_("to read chat messages"), false},
			{"ChannelMessage.UpdatePolicyViolation.All", W_("to block a dangerous channel message"), true},
			{"Chat.UpdatePolicyViolation.All", W_("to block a dangerous chat message"), true},
		}},
	{"google", "Google Workspace", "mail files",
		W_("Mail in all mailboxes, files in My Drive and shared drives, and the list of users. New and changed ones are read and scanned; nothing of a clean one is kept."),
		W_("In monitor mode nothing. In protect mode a dangerous mail loses its labels and gets a hidden one, a dangerous file is unshared and moved to a shared drive of the administrator. All of it can be undone."),
		{
			{"delegation", "google", W_("Domain-wide delegation"), W_("You paste a client ID and one line of scopes in the Google Admin console. This page checks until it works."), NULL},
			{"key", NULL, W_("Your own service account"), W_("You make a service account in your own Google Cloud project and paste its JSON key."), NULL},
		},
		{
			{"https://www.googleapis.com/auth/admin.directory.user.readonly", W_("to find the users"), false},
			{"https://www.googleapis.com/auth/gmail.modify", W_("to read mail, and to label dangerous mail and bring it back"), false},
			{"https://www.googleapis.com/auth/drive", W_("to read files, and to move dangerous files away and back"), false},
		}},
	{"box", "Box", "files",
		W_("Files of all users of the enterprise, its events, and the list of users. New and changed ones are read and scanned; nothing of a clean one is kept."),
		W_("In monitor mode nothing. In protect mode a dangerous file is unshared and moved to a folder of the application's own account. It can be undone."),
		{
			{"jwt", "box", W_("Authorize the application (JWT)"), W_("You authorize the application in the Box Admin Console and paste your enterprise ID."), "config_file"},
			{"config", NULL, W_("Your own application (JWT)"), W_("You make an application in the Box developer console and paste its configuration file."), NULL},
			{"oauth", "box", W_("Sign in at Box"), W_("For plans without custom applications: you sign in at Box as an administrator and agree."), "client_secret_file"},
		},
		{
			{"root_readwrite", W_("to read files, and to move dangerous files away and back"), false},
			{"manage_managed_users", W_("to find the users"), false},
			{"manage_enterprise_properties", W_("to follow the enterprise's events"), false},
			{"manage_groups", W_("for policies about groups"), false},
		}},
	{"dropbox", "Dropbox Business", "files",
		W_("Files of all members, team folders and shared folders, and the list of members. New and changed ones are read and scanned; nothing of a clean one is kept."),
		W_("In monitor mode nothing. In protect mode a dangerous file is unshared and moved to a team folder without members. It can be undone."),
		{
			{"oauth", "dropbox", W_("Sign in at Dropbox"), W_("You sign in at Dropbox as a team administrator and agree. Nothing needs to be copied."), NULL},
		},
		{
			{"team_info.read", W_("to show whose team it is"), false},
			{"members.read", W_("to find the members"), false},
			{"account_info.read", W_("to know who agreed"), false},
			{"team_data.member", W_("to act as a member, whose files these are"), false},
			{"team_data.content.read", W_("to read team folders"), false},
			{"files.metadata.read", W_("to follow changes"), false},
			{"files.content.read", W_("to read files"), false},
			{"sharing.read", W_("to know who reaches a file"), false},
			{"team_data.content.write", W_("for the quarantine folder"), true},
			{"files.content.write", W_("to move dangerous files away and back"), true},
			{"sharing.write", W_("to end sharing and bring it back"), true},
			{"files.permanent_delete", W_("to delete held files for good, when you ask for it"), true},
			{"files.metadata.write", W_("to tag files, when a policy says so"), true},
			{"groups.read", W_("for policies about groups"), false},
		}},
};

static cJSON *words(const char *text)
{
	cJSON *a = cJSON_CreateArray();
	char word[32];

	while (*text) {
		size_t n = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		cJSON_AddItemToArray(a, cJSON_CreateString(word));
		text += n + (text[n] == ' ');
	}
	return a;
}

static bool configured(struct web_call *c, const struct method *m)
{
	const cJSON *app = m->app ? json_object(c->w->apps, m->app) : NULL, *has;

	if (!m->app || (app && !m->needs))
		return true;
	cJSON_ArrayForEach(has, json_array(app, "has"))
	{
		if (cJSON_IsString(has) && strcmp(has->valuestring, m->needs) == 0)
			return true;
	}
	return false;
}

static cJSON *provider_json(struct web_call *c, const struct provider *p)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", p->name);
	cJSON_AddStringToObject(o, "title", p->title);
	cJSON_AddItemToObject(o, "services", words(p->services));
	cJSON_AddStringToObject(o, "reads", web_text(c->language, p->reads));
	cJSON_AddStringToObject(o, "changes", web_text(c->language, p->changes));
	cJSON *methods = cJSON_AddArrayToObject(o, "methods");
	for (const struct method *m = p->methods; m < p->methods + ARRAY_SIZE(p->methods) && m->name; m++) {
		cJSON *x = cJSON_CreateObject();
		cJSON_AddStringToObject(x, "id", m->name);
		cJSON_AddStringToObject(x, "title", web_text(c->language, m->title));
		cJSON_AddStringToObject(x, "how", web_text(c->language, m->how));
		cJSON_AddBoolToObject(x, "configured", configured(c, m));
		cJSON_AddItemToArray(methods, x);
	}
	cJSON *scopes = cJSON_AddArrayToObject(o, "permissions");
	for (const struct scope *s = p->scopes; s < p->scopes + SCOPES && s->name; s++) {
		cJSON *x = cJSON_CreateObject();
		cJSON_AddStringToObject(x, "name", s->name);
		cJSON_AddStringToObject(x, "why", web_text(c->language, s->why));
		cJSON_AddBoolToObject(x, "changes", s->changes);
		cJSON_AddItemToArray(scopes, x);
	}
	return o;
}

cJSON *web_providers(struct web_call *c)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		cJSON_AddItemToArray(a, provider_json(c, &all[i]));
	return a;
}
