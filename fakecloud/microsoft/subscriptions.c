/* Subscriptions to change notifications: made with the validation handshake, renewed, ended; and what they send when
 * something changes. Source: Graph v1.0, subscription; "Receive change notifications through webhooks". State lock
 * held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MINUTE_MS INT64_C(60000)

struct sub {
	char *id;
	cJSON *doc; /* as it is answered */
	int64_t expires;
	const char *kind; /* of ms_notify(); NULL: directory objects, which never change */
	char *scope;      /* of ms_notify(); "" all of the kind */
	struct ms_mailbox *box;
	bool immutable, chats;
	int max_minutes;
};

static const char *mailbox_resource(struct ms_ctx *c, struct sub *s, int n)
{
	struct ms_user *u = ms_user_find(c->t, c->seg[1]);
	struct ms_folder *f;
	const char *folder = NULL;

	if (!u || !u->box)
		return NULL;
	s->box = u->box;
	s->kind = "messages";
	s->max_minutes = 10080;
	s->scope = ms_strdup("");
	if (n == 5 && !strcasecmp(c->seg[2], "mailFolders"))
		folder = c->seg[3];
	else if (n == 4 && !strncasecmp(c->seg[2], "mailFolders('", 13))
		folder = ms_fmt(c, "%.*s", (int)strcspn(c->seg[2] + 13, "'"), c->seg[2] + 13);
	if (folder) {
		f = ms_folder_find(u->box, folder);
		if (!f)
			return NULL;
		s->scope = ms_strdup(f->id);
	}
	return "Mail.ReadBasic.All Mail.Read Mail.ReadWrite";
}

static const char *drive_resource(struct ms_ctx *c, struct sub *s, int n)
{
	struct ms_drive *d = NULL;

	if (!strcasecmp(c->seg[0], "drives")) {
		d = ms_map_get(&c->t->drive_by_id, c->seg[1]);
	} else if (n >= 3 && !strcasecmp(c->seg[0], "users")) {
		struct ms_user *u = ms_user_find(c->t, c->seg[1]);
		d = u ? u->drive : NULL;
	} else if (n >= 3) {
		struct ms_site *site = ms_site_find(c->t, c->seg[1]);
		d = site && site->drives.n ? site->drives.v[0] : NULL;
	}
	if (!d)
		return NULL;
	s->kind = "drives";
	s->scope = ms_strdup(d->id);
	s->max_minutes = 42300;
	return "Files.Read.All Files.ReadWrite.All Sites.Read.All Sites.ReadWrite.All";
}

/* The permission that the resource wants; NULL when it cannot be subscribed to. */
static const char *resource_parse(struct ms_ctx *c, const char *resource, struct sub *s)
{
	int n;

	ms_path_parse(c, resource);
	n = c->n_seg;
	for (int i = 0; i < n; i++)
		c->seg[i] = ms_tidy(c, c->seg[i]);
	if (!n)
		return NULL;
	const char *last = c->seg[n - 1];
	s->scope = ms_strdup("");
	if (n >= 3 && !strcasecmp(c->seg[0], "users") && !strcasecmp(last, "messages"))
		return mailbox_resource(c, s, n);
	if (!strcasecmp(last, "root") || (n >= 3 && !strcasecmp(last, "drive")))
		return drive_resource(c, s, n);
	s->kind = "posts";
	s->max_minutes = 4320;
	if (n == 2 && !strcasecmp(last, "getAllMessages")) {
		s->chats = !strcasecmp(c->seg[0], "chats");
		return s->chats ? "Chat.Read.All Chat.ReadWrite.All" : "ChannelMessage.Read.All";
	}
	if (n == 5 && !strcasecmp(c->seg[0], "teams") && !strcasecmp(last, "messages")) {
		s->scope = ms_strdup(c->seg[3]);
		return "ChannelMessage.Read.All";
	}
	if (n == 3 && !strcasecmp(c->seg[0], "chats") && !strcasecmp(last, "messages")) {
		s->scope = ms_strdup(c->seg[1]);
		s->chats = true;
		return "Chat.Read.All Chat.ReadWrite.All";
	}
	s->kind = NULL;
	s->max_minutes = 41760;
	if (!strcasecmp(c->seg[0], "users"))
		return "User.Read.All User.ReadWrite.All Directory.Read.All";
	if (!strcasecmp(c->seg[0], "groups"))
		return "Group.Read.All Group.ReadWrite.All Directory.Read.All";
	return NULL;
}

static bool expiry_ok(struct ms_ctx *c, const char *text, struct sub *s)
{
	int64_t when, now = fc_now();

	if (!text || time_parse(text, &when) < 0 || when <= now) {
		ms_error(c, 400, "InvalidRequest", "expirationDateTime must be a time in the future.");
		return false;
	}
	if (when > now + (s->max_minutes + 1) * MINUTE_MS) {
		ms_error(c, 400, "ValidationError", "Subscription expiration can only be %d minutes in the future.", s->max_minutes);
		return false;
	}
	s->expires = when < now + 45 * MINUTE_MS ? now + 45 * MINUTE_MS : when;
	return true;
}

static bool change_types_ok(struct ms_ctx *c, const char *types, const struct sub *s)
{
	const char *p = types;

	while (p && *p) {
		size_t n = strcspn(p, ",");
		bool good = (n == 7 && (!strncmp(p, "created", n) || !strncmp(p, "updated", n) || !strncmp(p, "deleted", n)));
		if (!good || (s->kind && !strcmp(s->kind, "drives") && strncmp(p, "updated", 7))) {
			p = NULL;
			break;
		}
		p += n;
		p += *p == ',';
	}
	if (p && p != types)
		return true;
	ms_error(c, 400, "InvalidRequest", "The changeType is not supported for this resource.");
	return false;
}

/* Both addresses must answer; those that are not loopback cannot be asked from here and are taken as they are. */
static bool validated(struct ms_ctx *c, const char *url)
{
	char token[37];

	if (!url)
		return true;
	if (ms_deliver_allowed(url)) {
		uuid_new(token);
		if (ms_deliver_validate(url, ms_fmt(c, "Validation: Testing client application reachability for subscription "
						      "Request-Id: %s",
						     token)))
			return true;
	} else if (!strncmp(url, "https://", 8)) {
		return true;
	}
	ms_error(c, 400, "ValidationError",
		"Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.");
	return false;
}

static void create(struct ms_ctx *c)
{
	static const char *const optional[] = {"includeResourceData", "encryptionCertificate", "encryptionCertificateId",
		"latestSupportedTlsVersion", "lifecycleNotificationUrl", "clientState", "notificationQueryOptions"};
	const cJSON *body = ms_body(c), *v;
	const char *resource = json_str(body, "resource"), *url = json_str(body, "notificationUrl");
	const char *types = json_str(body, "changeType"), *lifecycle = json_str(body, "lifecycleNotificationUrl");
	struct sub *s = ms_alloc(sizeof(*s));
	const char *roles;
	int64_t when;

	if (!resource || !url || !types) {
		ms_error(c, 400, "InvalidRequest", "changeType, notificationUrl, resource and expirationDateTime are required.");
		return;
	}
	roles = resource_parse(c, resource, s);
	if (!roles) {
		ms_error(c, 400, "ExtensionError", "The resource '%.200s' cannot be subscribed to.", resource);
		return;
	}
	/* With the message itself in them they live a day. */
	if (s->box && json_bool(body, "includeResourceData"))
		s->max_minutes = 1440;
	if (!ms_allow(c, MS_DIRECTORY, roles, 0) || !change_types_ok(c, types, s) ||
		!expiry_ok(c, json_str(body, "expirationDateTime"), s))
		return;
	if (strlen(json_str_or(body, "clientState", "")) > 128) {
		ms_error(c, 400, "InvalidRequest", "The clientState has more than 128 characters.");
		return;
	}
	time_parse(json_str(body, "expirationDateTime"), &when);
	if (s->max_minutes == 4320 && when > fc_now() + 60 * MINUTE_MS && !lifecycle) {
		ms_error(c, 400, "InvalidRequest", "lifecycleNotificationUrl is required for subscriptions longer than an hour.");
		return;
	}
	if (json_bool(body, "includeResourceData") &&
		(!json_str(body, "encryptionCertificate") || !json_str(body, "encryptionCertificateId"))) {
		ms_error(c, 400, "InvalidRequest", "Resource data wants encryptionCertificate and encryptionCertificateId.");
		return;
	}
	if (!validated(c, url) || !validated(c, lifecycle))
		return;
	s->id = ms_guid(NULL);
	s->immutable = c->immutable;
	s->doc = cJSON_CreateObject();
	j_str(s->doc, "id", s->id);
	j_str(s->doc, "resource", resource);
	j_str(s->doc, "applicationId", c->t->client_id);
	j_str(s->doc, "changeType", types);
	j_str(s->doc, "notificationUrl", url);
	j_time(s->doc, "expirationDateTime", s->expires);
	j_str(s->doc, "creatorId", c->t->client_id);
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		v = json_get(body, optional[i]);
		if (v)
			cJSON_AddItemToObject(s->doc, optional[i], cJSON_Duplicate(v, true));
		else
			j_str(s->doc, optional[i], NULL);
	}
	ms_vec_add(&c->t->subscriptions, s);
	cJSON *doc = cJSON_Duplicate(s->doc, true);
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#subscriptions/$entity", c->base));
	ms_json(c, 201, doc);
}

static void prune(struct ms_tenant *t)
{
	for (size_t i = t->subscriptions.n; i-- > 0;) {
		struct sub *s = t->subscriptions.v[i];
		if (s->expires < fc_now())
			ms_vec_remove(&t->subscriptions, s);
	}
}

static struct sub *need(struct ms_ctx *c)
{
	prune(c->t);
	for (size_t i = 0; i < c->t->subscriptions.n; i++) {
		struct sub *s = c->t->subscriptions.v[i];
		if (!strcmp(s->id, c->arg[0]))
			return s;
	}
	ms_error(c, 404, "ResourceNotFound", "The object was not found.");
	return NULL;
}

static cJSON *sub_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	return cJSON_Duplicate(((struct sub *)one)->doc, true);
}

static void list(struct ms_ctx *c)
{
	prune(c->t);
	struct ms_source src = {.v = c->t->subscriptions.v,
		.n = c->t->subscriptions.n,
		.make = sub_json,
		.context = "subscriptions",
		.top = 100,
		.max_top = 999,
		.keep_id = true};
	ms_list(c, &src);
}

static void get(struct ms_ctx *c)
{
	struct sub *s = need(c);

	if (s)
		ms_one(c, 200, s, sub_json, "subscriptions", true);
}

static void update(struct ms_ctx *c)
{
	struct sub *s = need(c);
	const cJSON *body = ms_body(c);
	const char *url = json_str(body, "notificationUrl");

	if (!s || !expiry_ok(c, json_str(body, "expirationDateTime"), s))
		return;
	if (url && !validated(c, url))
		return;
	cJSON_DeleteItemFromObject(s->doc, "expirationDateTime");
	j_time(s->doc, "expirationDateTime", s->expires);
	if (url) {
		cJSON_DeleteItemFromObject(s->doc, "notificationUrl");
		j_str(s->doc, "notificationUrl", url);
	}
	ms_one(c, 200, s, sub_json, "subscriptions", true);
}

static void end(struct ms_ctx *c)
{
	struct sub *s = need(c);

	if (!s)
		return;
	ms_vec_remove(&c->t->subscriptions, s);
	ms_empty(c, 204);
}

static void reauthorize(struct ms_ctx *c)
{
	if (need(c))
		ms_empty(c, 204);
}

const struct ms_route ms_subscription_routes[] = {
	{"GET", "subscriptions", list, MS_SUBS, "", 0},
	{"POST", "subscriptions", create, MS_SUBS, "", 0},
	{"GET", "subscriptions/{}", get, MS_SUBS, "", 0},
	{"PATCH", "subscriptions/{}", update, MS_SUBS, "", 0},
	{"DELETE", "subscriptions/{}", end, MS_SUBS, "", 0},
	{"POST", "subscriptions/{}/reauthorize", reauthorize, MS_SUBS, "", 0},
	{0},
};

static bool concerns(const struct sub *s, const char *kind, const char *scope)
{
	if (!s->kind || strcmp(s->kind, kind))
		return false;
	if (*s->scope)
		return !strcmp(s->scope, scope);
	if (s->box)
		return ms_map_get(&s->box->folder_by_id, scope) != NULL;
	/* Chats with two members end in unq.gbl.spaces, others in thread.v2; channels in thread.tacv2. */
	return (strstr(scope, "@thread.tacv2") == NULL) == s->chats;
}

void ms_notify(struct ms_tenant *t, const char *kind, const char *scope, const char *change, const char *id)
{
	if (t->subscriptions.n)
		prune(t);
	for (size_t i = 0; i < t->subscriptions.n; i++) {
		const struct sub *s = t->subscriptions.v[i];
		const char *url = json_str(s->doc, "notificationUrl");
		_cleanup_buf_ struct buf resource = BUF_INIT(16 << 10);
		struct buf text = BUF_INIT(64 << 10);
		cJSON *doc, *one, *data;
		if (!concerns(s, kind, scope) || !strstr(json_str_or(s->doc, "changeType", ""), change) ||
			!ms_deliver_allowed(url))
			continue;
		if (s->box && id) {
			const struct ms_message *m = ms_message_find(s->box, id);
			buf_addf(&resource, "Users/%s/Messages/%s", s->box->user->id, m && !s->immutable ? m->id : id);
		} else if (id) {
			buf_addf(&resource, "%s('%s')/messages('%s')", s->chats ? "chats" : "teams", scope, id);
		} else {
			buf_adds(&resource, json_str_or(s->doc, "resource", ""));
		}
		doc = cJSON_CreateObject();
		one = cJSON_CreateObject();
		cJSON_AddItemToArray(j_array(doc, "value"), one);
		j_str(one, "subscriptionId", s->id);
		j_time(one, "subscriptionExpirationDateTime", s->expires);
		j_str(one, "changeType", change);
		j_str(one, "resource", buf_str(&resource));
		j_str(one, "clientState", json_str(s->doc, "clientState"));
		j_str(one, "tenantId", t->directory);
		if (id) {
			data = j_object(one, "resourceData");
			j_str(data, "@odata.type", s->box ? "#Microsoft.Graph.Message" : "#Microsoft.Graph.chatMessage");
			j_str(data, "@odata.id", buf_str(&resource));
			j_str(data, "id", strrchr(buf_str(&resource), '/') && s->box ? strrchr(buf_str(&resource), '/') + 1 : id);
		}
		json_print(doc, &text);
		json_free(doc);
		ms_deliver(url, buf_take(&text));
	}
}
