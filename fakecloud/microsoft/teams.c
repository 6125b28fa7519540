/* The calls on teams, channels and chats, but for their messages (posts.c). Source: Graph v1.0, team, channel, chat.
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include <string.h>
#include <strings.h>

static void not_found(struct ms_ctx *c, const char *what)
{
	ms_error(c, 404, "NotFound", "%s was not found.", what);
}

struct ms_team *ms_need_team(struct ms_ctx *c)
{
	struct ms_team *team = ms_team_find(c->t, c->arg[0]);

	if (team && !strcasecmp(team->id, c->arg[0]))
		return team;
	not_found(c, "No team with that id");
	return NULL;
}

struct ms_thread *ms_need_channel(struct ms_ctx *c)
{
	struct ms_team *team = ms_need_team(c);

	for (size_t i = 0; team && i < team->channels.n; i++) {
		struct ms_thread *th = team->channels.v[i];
		if (!strcmp(th->id, c->arg[1]))
			return th;
	}
	if (team)
		not_found(c, "No channel with that id");
	return NULL;
}

struct ms_thread *ms_need_chat(struct ms_ctx *c)
{
	for (size_t i = 0; i < c->t->chats.n; i++) {
		struct ms_thread *th = c->t->chats.v[i];
		if (!strcmp(th->id, c->arg[0]))
			return th;
	}
	not_found(c, "No chat with that id");
	return NULL;
}

cJSON *ms_team_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_team *team = one;
	cJSON *o = cJSON_CreateObject();

	j_str(o, "id", team->id);
	j_time(o, "createdDateTime", team->created);
	j_str(o, "displayName", team->name);
	j_str(o, "description", team->name);
	j_str(o, "internalId", team->channels.n ? ((struct ms_thread *)team->channels.v[0])->id : NULL);
	j_str(o, "classification", NULL);
	j_str(o, "specialization", "none");
	j_str(o, "visibility", "private");
	j_str(o, "webUrl", ms_fmt(c, "https://teams.example/l/team/%s", team->id));
	j_bool(o, "isArchived", false);
	j_str(o, "tenantId", c->t->directory);
	return o;
}

static void team_list(struct ms_ctx *c)
{
	struct ms_source src = {
		.v = c->t->teams.v, .n = c->t->teams.n, .make = ms_team_json, .context = "teams", .top = 100, .max_top = 999};

	ms_list(c, &src);
}

static void team_get(struct ms_ctx *c)
{
	struct ms_team *team = ms_need_team(c);

	if (team)
		ms_one(c, 200, team, ms_team_json, "teams", true);
}

static bool is_member(const struct ms_vec *members, const struct ms_user *u)
{
	for (size_t i = 0; i < members->n; i++) {
		if (members->v[i] == u)
			return true;
	}
	return false;
}

static void joined(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);
	struct ms_vec in = {.v = arena_alloc(c->req->arena, (c->t->teams.n + 1) * sizeof(void *))};

	if (!u) {
		not_found(c, "The user");
		return;
	}
	for (size_t i = 0; in.v && i < c->t->teams.n; i++) {
		if (is_member(&((struct ms_team *)c->t->teams.v[i])->members, u))
			in.v[in.n++] = c->t->teams.v[i];
	}
	struct ms_source src = {.v = in.v, .n = in.n, .make = ms_team_json, .context = "teams", .top = 100, .max_top = 999};
	ms_list(c, &src);
}

static cJSON *member_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_user *u = one;
	cJSON *o = cJSON_CreateObject();
	char *id = ms_mail_id("MCMjMCMj", MS_WORDS(c->arg[0], u->id));

	j_str(o, "@odata.type", "#microsoft.graph.aadUserConversationMember");
	j_str(o, "id", id);
	free(id);
	j_array(o, "roles");
	j_str(o, "displayName", u->display);
	j_time(o, "visibleHistoryStartDateTime", 0);
	j_str(o, "userId", u->id);
	j_str(o, "email", u->upn);
	j_str(o, "tenantId", c->t->directory);
	return o;
}

static void members(struct ms_ctx *c, const struct ms_vec *who, const char *context)
{
	struct ms_source src = {
		.v = who->v, .n = who->n, .make = member_json, .context = context, .top = 100, .max_top = 999, .keep_id = true};

	ms_list(c, &src);
}

static void team_members(struct ms_ctx *c)
{
	struct ms_team *team = ms_need_team(c);

	if (team)
		members(c, &team->members, ms_fmt(c, "teams('%s')/members", team->id));
}

static cJSON *channel_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_thread *th = one;
	cJSON *o = cJSON_CreateObject();

	j_str(o, "id", th->id);
	j_time(o, "createdDateTime", th->created);
	j_str(o, "displayName", th->name);
	j_str(o, "description", NULL);
	j_str(o, "email", "");
	j_str(o, "tenantId", c->t->directory);
	j_str(o, "webUrl", ms_fmt(c, "https://teams.example/l/channel/%s", th->id));
	j_str(o, "membershipType", "standard");
	j_bool(o, "isArchived", false);
	return o;
}

static void channel_list(struct ms_ctx *c)
{
	struct ms_team *team = ms_need_team(c);

	if (!team)
		return;
	struct ms_source src = {.v = team->channels.v,
		.n = team->channels.n,
		.make = channel_json,
		.context = ms_fmt(c, "teams('%s')/channels", team->id),
		.top = 100,
		.max_top = 999,
		.keep_id = true};
	ms_list(c, &src);
}

static void channel_get(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);

	if (th)
		ms_one(c, 200, th, channel_json, ms_fmt(c, "teams('%s')/channels", th->team->id), true);
}

static void channel_folder(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_drive *d;
	struct ms_item *it;

	if (!th)
		return;
	d = th->team->site->drives.n ? th->team->site->drives.v[0] : NULL;
	it = d ? ms_item_child(d->root, th->name) : NULL;
	if (it)
		ms_item_one(c, 200, it);
	else
		ms_error(c, 404, "itemNotFound", "Folder location for this channel is not ready yet.");
}

cJSON *ms_chat_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_thread *th = one;
	cJSON *o = cJSON_CreateObject();
	int64_t last = th->created;

	for (size_t i = 0; i < th->posts.n; i++) {
		const struct ms_post *p = th->posts.v[i];
		last = p->modified > last ? p->modified : last;
	}
	j_str(o, "id", th->id);
	j_str(o, "topic", NULL);
	j_time_ms(o, "createdDateTime", th->created);
	j_time_ms(o, "lastUpdatedDateTime", last);
	j_str(o, "chatType", th->members.n > 2 ? "group" : "oneOnOne");
	j_str(o, "webUrl", ms_fmt(c, "https://teams.example/l/chat/%s/0", th->id));
	j_str(o, "tenantId", c->t->directory);
	j_str(o, "onlineMeetingInfo", NULL);
	if (ms_expands(c, "members") && !sel->only_also) {
		cJSON *list = j_array(o, "members");
		for (size_t i = 0; i < th->members.n; i++)
			cJSON_AddItemToArray(list, member_json(c, th->members.v[i], sel));
	}
	return o;
}

static void user_chats(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);
	struct ms_vec in = {.v = arena_alloc(c->req->arena, (c->t->chats.n + 1) * sizeof(void *))};

	if (!u) {
		not_found(c, "The user");
		return;
	}
	for (size_t i = 0; in.v && i < c->t->chats.n; i++) {
		if (is_member(&((struct ms_thread *)c->t->chats.v[i])->members, u))
			in.v[in.n++] = c->t->chats.v[i];
	}
	struct ms_source src = {.v = in.v,
		.n = in.n,
		.make = ms_chat_json,
		.context = "chats",
		.top = 20,
		.max_top = 50,
		.refuse_top = true,
		.keep_id = true};
	ms_list(c, &src);
}

static void chat_get(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);

	if (th)
		ms_one(c, 200, th, ms_chat_json, "chats", true);
}

static void chat_members(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);

	if (th)
		members(c, &th->members, ms_fmt(c, "chats('%s')/members", th->id));
}

#define TEAMS                                                                                                          \
	"Team.ReadBasic.All TeamSettings.Read.All TeamSettings.ReadWrite.All Group.Read.All Group.ReadWrite.All "          \
	"Directory.Read.All Directory.ReadWrite.All"
#define CHANNELS                                                                                                       \
	"Channel.ReadBasic.All ChannelSettings.Read.All ChannelSettings.ReadWrite.All Group.Read.All "                     \
	"Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
#define FOLDER "Files.Read.All Files.ReadWrite.All Group.Read.All Group.ReadWrite.All Sites.Read.All Sites.ReadWrite.All"
#define CHATS "Chat.ReadBasic.All Chat.Read.All Chat.ReadWrite.All"
#define CHANNEL_READ "ChannelMessage.Read.All Group.Read.All Group.ReadWrite.All"
#define CHANNEL_BLOCK "ChannelMessage.UpdatePolicyViolation.All Teamwork.Migrate.All"
#define CHAT_READ "Chat.Read.All Chat.ReadWrite.All Group.Read.All Group.ReadWrite.All"
#define CHAT_BLOCK "Chat.UpdatePolicyViolation.All Chat.ReadWrite.All Group.ReadWrite.All Teamwork.Migrate.All"
#define CH "teams/{}/channels/{}"
#define CM CH "/messages/{}"
#define CHAT "chats/{}"

const struct ms_route ms_team_routes[] = {
	{"GET", "teams", team_list, MS_TEAMS, "Team.ReadBasic.All TeamSettings.Read.All TeamSettings.ReadWrite.All", 0},
	{"GET", "teams/{}", team_get, MS_TEAMS, TEAMS, 0},
	{"GET", "teams/{}/members", team_members, MS_TEAMS, "TeamMember.Read.All TeamMember.ReadWrite.All", 0},
	{"GET", "users/{}/joinedTeams", joined, MS_TEAMS, TEAMS " User.Read.All User.ReadWrite.All", 0},
	{"GET", "teams/{}/channels", channel_list, MS_TEAMS, CHANNELS, 0},
	{"GET", "teams/{}/allChannels", channel_list, MS_TEAMS, CHANNELS, 0},
	{"GET", "teams/{}/channels/getAllMessages", ms_team_all_messages, MS_TEAMS, "ChannelMessage.Read.All", 0},
	{"GET", CH, channel_get, MS_TEAMS, CHANNELS, 0},
	{"GET", CH "/filesFolder", channel_folder, MS_FILES, FOLDER, 1},
	{"GET", CH "/messages", ms_channel_messages, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CH "/messages/delta", ms_channel_delta, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CM, ms_channel_message, MS_TEAMS, CHANNEL_READ, 0},
	{"PATCH", CM, ms_channel_message_patch, MS_TEAMS, CHANNEL_BLOCK, 0},
	{"GET", CM "/replies", ms_channel_replies, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CM "/replies/{}", ms_channel_message, MS_TEAMS, CHANNEL_READ, 0},
	{"PATCH", CM "/replies/{}", ms_channel_message_patch, MS_TEAMS, CHANNEL_BLOCK, 0},
	{"GET", CM "/hostedContents", ms_channel_hosted, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CM "/hostedContents/{}/$value", ms_channel_hosted_value, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CM "/replies/{}/hostedContents", ms_channel_hosted, MS_TEAMS, CHANNEL_READ, 0},
	{"GET", CM "/replies/{}/hostedContents/{}/$value", ms_channel_hosted_value, MS_TEAMS, CHANNEL_READ, 0},
	{"POST", CM "/softDelete", ms_channel_message, MS_TEAMS, "-", 0},
	{"POST", CM "/undoSoftDelete", ms_channel_message, MS_TEAMS, "-", 0},
	{"POST", CM "/replies/{}/softDelete", ms_channel_message, MS_TEAMS, "-", 0},
	{"POST", CM "/replies/{}/undoSoftDelete", ms_channel_message, MS_TEAMS, "-", 0},
	{"GET", "users/{}/chats", user_chats, MS_TEAMS, CHATS, 0},
	{"GET", "users/{}/chats/getAllMessages", ms_user_all_messages, MS_TEAMS, "Chat.Read.All Chat.ReadWrite.All", 0},
	{"POST", "users/{}/chats/{}/messages/{}/softDelete", chat_get, MS_TEAMS, "-", 0},
	{"POST", "users/{}/chats/{}/messages/{}/undoSoftDelete", chat_get, MS_TEAMS, "-", 0},
	{"GET", CHAT, chat_get, MS_TEAMS, CHATS, 0},
	{"GET", CHAT "/members", chat_members, MS_TEAMS,
		CHATS " ChatMember.Read.All ChatMember.ReadWrite.All Chat.Manage.Chat", 0},
	{"GET", CHAT "/messages", ms_chat_messages, MS_TEAMS, "Chat.Read.All Chat.ReadWrite.All", 0},
	{"GET", CHAT "/messages/{}", ms_chat_message, MS_TEAMS, CHAT_READ, 0},
	{"PATCH", CHAT "/messages/{}", ms_chat_message_patch, MS_TEAMS, CHAT_BLOCK, 0},
	{"GET", CHAT "/messages/{}/hostedContents", ms_chat_hosted, MS_TEAMS, CHAT_READ, 0},
	{"GET", CHAT "/messages/{}/hostedContents/{}/$value", ms_chat_hosted_value, MS_TEAMS, CHAT_READ, 0},
	{0},
};
