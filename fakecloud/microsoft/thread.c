/* The state of Teams: teams, channels, chats, their messages; seeding them and posting to them (POST /post). Source:
 * Graph v1.0, team, channel, chat, chatMessage. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ms_team *ms_team_new(struct ms_tenant *t, const char *name)
{
	struct ms_team *team = ms_alloc(sizeof(*team));

	*team = (struct ms_team){.tenant = t, .created = t->created};
	team->id = ms_guid(MS_WORDS(t->name, "microsoft", "teams", name));
	team->name = ms_strdup(name);
	team->nick = ms_strdup(name);
	for (char *p = team->nick; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		if (!plain)
			*p = '-';
	}
	team->site = ms_site_named(t, name);
	if (!team->site) {
		team->site = ms_site_new(t, name, NULL);
		ms_drive_new(t, team->site, NULL, "Documents");
	}
	ms_vec_add(&t->teams, team);
	return team;
}

struct ms_team *ms_team_find(struct ms_tenant *t, const char *id)
{
	for (size_t i = 0; id && i < t->teams.n; i++) {
		struct ms_team *team = t->teams.v[i];
		if (!strcasecmp(team->id, id) || !strcmp(team->name, id))
			return team;
	}
	return NULL;
}

static struct ms_thread *thread_new(struct ms_tenant *t, const char *name)
{
	struct ms_thread *th = ms_alloc(sizeof(*th));

	*th = (struct ms_thread){.tenant = t, .created = t->created};
	th->name = ms_strdup(name);
	return th;
}

struct ms_thread *ms_channel_new(struct ms_team *team, const char *name)
{
	struct ms_thread *th = thread_new(team->tenant, name);
	struct ms_drive *d = team->site->drives.n ? team->site->drives.v[0] : NULL;
	char hex[33];

	fc_stable_id(hex, 32, MS_WORDS(team->id, "channel", name));
	th->id = ms_printf("19:%s@thread.tacv2", hex);
	th->team = team;
	ms_vec_add(&team->channels, th);
	if (d && !ms_item_child(d->root, name) && ms_name_ok(name))
		ms_item_add(d, d->root, name, true, MS_WORDS(d->id, "channel folder", name), d->created);
	return th;
}

static bool same_members(const struct ms_thread *th, const struct ms_vec *users)
{
	if (th->members.n != users->n)
		return false;
	for (size_t i = 0; i < users->n; i++) {
		bool there = false;
		for (size_t k = 0; k < users->n; k++)
			there |= th->members.v[k] == users->v[i];
		if (!there)
			return false;
	}
	return true;
}

struct ms_thread *ms_chat_new(struct ms_tenant *t, const char *addresses)
{
	struct ms_vec users = {0};
	struct ms_thread *th;
	const char *p = addresses;

	while (*p) {
		size_t n = strcspn(p, ",");
		char *upn = ms_strdup(p + strspn(p, " "));
		upn[strcspn(upn, ",")] = 0;
		if (*upn)
			ms_vec_add(&users, ms_user_add(t, upn, true));
		free(upn);
		p += n;
		p += *p == ',';
	}
	for (size_t i = 0; i < t->chats.n; i++) {
		if (same_members(t->chats.v[i], &users))
			return t->chats.v[i];
	}
	if (users.n < 2)
		return NULL;
	th = thread_new(t, addresses);
	th->members = users;
	if (users.n == 2) {
		const struct ms_user *a = users.v[0], *b = users.v[1];
		th->id = ms_printf("19:%s_%s@unq.gbl.spaces", a->id, b->id);
	} else {
		char hex[33];
		fc_stable_id(hex, 32, MS_WORDS(t->name, "chat", addresses));
		th->id = ms_printf("19:%s@thread.v2", hex);
	}
	ms_vec_add(&t->chats, th);
	return th;
}

static void hosted_add(struct ms_post *post, const cJSON *list)
{
	const cJSON *one;
	int n = 0;

	cJSON_ArrayForEach(one, list)
	{
		_cleanup_buf_ struct buf raw = BUF_INIT(64 << 20);
		const char *bytes = json_str(one, "contentBytes"), *type = json_str_or(one, "contentType", "image/png");
		struct ms_hosted *h;
		if (!bytes || base64_decode(&raw, bytes, strlen(bytes)) < 0)
			continue;
		h = ms_alloc(sizeof(*h));
		h->id = ms_mail_id("aWQ9eF8w", MS_WORDS(post->thread->id, post->id, ms_printf("%d", n++)));
		h->id[56] = 0;
		h->type = ms_strdup(type);
		h->blob = fc_blob_from_bytes(buf_str(&raw), raw.len);
		ms_vec_add(&post->hosted, h);
	}
}

static struct ms_post *post_new(struct ms_thread *th, struct ms_post *parent, const cJSON *message, int64_t when)
{
	struct ms_post *post = ms_alloc(sizeof(*post));
	const char *from = json_str(message, "from"), *created = json_str(message, "created");
	const cJSON *reply;

	*post = (struct ms_post){.thread = th, .parent = parent, .created = when};
	if (created)
		time_parse(created, &post->created);
	post->modified = post->created;
	/* Ids are times in milliseconds, each once in its thread. */
	int64_t id = post->created;
	do {
		free(post->id);
		post->id = ms_printf("%lld", (long long)id++);
	} while (ms_map_get(&th->ids, post->id));
	ms_map_put(&th->ids, post->id, post);
	post->body = ms_strdup(json_str_or(message, "body", ""));
	post->subject = json_str(message, "subject") ? ms_strdup(json_str(message, "subject")) : NULL;
	post->from = from ? ms_user_add(th->tenant, from, true) : NULL;
	if (th->team && post->from) {
		ms_vec_remove(&th->team->members, post->from);
		ms_vec_add(&th->team->members, post->from);
	}
	if (json_array(message, "attachments"))
		post->attachments = cJSON_Duplicate(json_array(message, "attachments"), true);
	ms_vec_add(parent ? &parent->replies : &th->posts, post);
	ms_log(&th->log, post, 'c');
	if (parent)
		ms_log(&th->log, parent, 'u');
	hosted_add(post, json_array(message, "hostedContents"));
	cJSON_ArrayForEach(reply, json_array(message, "replies")) post_new(th, post, reply, post->created + 1);
	return post;
}

struct ms_post *ms_post_add(struct ms_thread *th, const cJSON *message, int64_t when)
{
	return post_new(th, NULL, message, when);
}

int ms_post_call(const cJSON *body, const char **ret_why)
{
	struct ms_tenant *t = ms_tenant_named(json_str_or(body, "tenant", ""));
	const char *chat = json_str(body, "chat"), *channel = json_str_or(body, "channel", "General"), *id;
	struct ms_team *team;
	struct ms_thread *th = NULL;
	struct ms_post *parent = NULL;

	*ret_why = "no such tenant";
	if (!t)
		return 404;
	*ret_why = "from and body are required";
	if (!json_str(body, "from") || !json_str(body, "body"))
		return 400;
	*ret_why = "no such team, channel or chat";
	if (chat) {
		for (size_t i = 0; !th && i < t->chats.n; i++) {
			struct ms_thread *one = t->chats.v[i];
			if (!strcmp(one->id, chat) || !strcmp(one->name, chat))
				th = one;
		}
		if (!th && strchr(chat, ','))
			th = ms_chat_new(t, chat);
	} else if ((team = ms_team_find(t, json_str(body, "team")))) {
		for (size_t i = 0; !th && i < team->channels.n; i++) {
			struct ms_thread *one = team->channels.v[i];
			if (!strcmp(one->id, channel) || !strcasecmp(one->name, channel))
				th = one;
		}
	}
	if (!th)
		return 404;
	id = json_str(body, "replyToId");
	for (size_t i = 0; id && i < th->posts.n; i++) {
		struct ms_post *one = th->posts.v[i];
		if (!strcmp(one->id, id))
			parent = one;
	}
	*ret_why = NULL;
	struct ms_post *post = post_new(th, parent, body, fc_now());
	ms_notify(t, "posts", th->id, "created", post->id);
	return 201;
}

static void post_state(struct ms_tenant *t, struct ms_post *post, cJSON *items)
{
	struct ms_thread *th = post->thread;
	cJSON *o = cJSON_CreateObject();
	struct digests d;
	char *place = th->team ? ms_printf("/%s/%s", th->team->name, th->name) : ms_printf("/%s", th->name);
	/* A message's own id is unique within its chat or channel only: findings say which. */
	char *id = th->team ? ms_printf("channel:%s/%s/%s", th->team->id, th->id, post->id) :
			      ms_printf("chat:%s/%s", th->id, post->id);
	char version[32];
	const char *action = json_str(post->policy, "dlpAction");

	digest_bytes(DIGEST_SHA256, post->body, strlen(post->body), &d);
	snprintf(version, sizeof(version), "%lld", (long long)post->modified);
	j_str(o, "provider", "microsoft");
	j_str(o, "tenant", t->name);
	j_str(o, "service", "teams");
	j_str(o, "id", id);
	j_str(o, "owner", post->from ? post->from->upn : "");
	j_str(o, "place", place);
	j_str(o, "name", post->subject ? post->subject : "");
	j_num(o, "size", (double)strlen(post->body));
	j_str(o, "sha256", d.sha256);
	j_array(o, "labels");
	j_array(o, "sharing");
	j_str(o, "version", version);
	j_bool(o, "quarantined", action && strstr(action, "blockAccess"));
	cJSON_AddItemToArray(items, o);
	free(place);
	free(id);
	for (size_t i = 0; i < post->replies.n; i++)
		post_state(t, post->replies.v[i], items);
}

void ms_team_state(struct ms_tenant *t, cJSON *items)
{
	for (size_t i = 0; i < t->teams.n; i++) {
		struct ms_team *team = t->teams.v[i];
		for (size_t k = 0; k < team->channels.n; k++) {
			struct ms_thread *th = team->channels.v[k];
			for (size_t p = 0; p < th->posts.n; p++)
				post_state(t, th->posts.v[p], items);
		}
	}
	for (size_t i = 0; i < t->chats.n; i++) {
		struct ms_thread *th = t->chats.v[i];
		for (size_t p = 0; p < th->posts.n; p++)
			post_state(t, th->posts.v[p], items);
	}
}
