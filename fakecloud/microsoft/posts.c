/* Messages of channels and chats: list, feed, get, block by policy, hosted contents. Source: Graph v1.0, chatMessage.
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EIGHT_MONTHS_MS (INT64_C(240) * 86400000)

static cJSON *post_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_post *p = one;
	struct ms_thread *th = p->thread;
	cJSON *o = cJSON_CreateObject(), *x;

	j_str(o, "id", p->id);
	j_str(o, "replyToId", p->parent ? p->parent->id : NULL);
	j_str(o, "etag", ms_fmt(c, "%lld", (long long)p->modified));
	j_str(o, "messageType", "message");
	j_time_ms(o, "createdDateTime", p->created);
	j_time_ms(o, "lastModifiedDateTime", p->modified);
	j_str(o, "lastEditedDateTime", NULL);
	j_str(o, "deletedDateTime", NULL);
	j_str(o, "subject", p->subject);
	j_str(o, "summary", NULL);
	j_str(o, "chatId", th->team ? NULL : th->id);
	j_str(o, "importance", "normal");
	j_str(o, "locale", "en-us");
	j_str(o, "webUrl",
		th->team ? ms_fmt(c, "https://teams.example/l/message/%s/%s?groupId=%s", th->id, p->id, th->team->id) : NULL);
	if (th->team) {
		x = j_object(o, "channelIdentity");
		j_str(x, "teamId", th->team->id);
		j_str(x, "channelId", th->id);
	} else {
		j_str(o, "channelIdentity", NULL);
	}
	if (p->policy)
		cJSON_AddItemToObject(o, "policyViolation", cJSON_Duplicate(p->policy, true));
	else
		j_str(o, "policyViolation", NULL);
	j_str(o, "eventDetail", NULL);
	if (p->from) {
		x = j_object(o, "from");
		j_str(x, "application", NULL);
		j_str(x, "device", NULL);
		x = j_object(x, "user");
		j_str(x, "@odata.type", "#microsoft.graph.teamworkUserIdentity");
		j_str(x, "id", p->from->id);
		j_str(x, "displayName", p->from->display);
		j_str(x, "userIdentityType", "aadUser");
		j_str(x, "tenantId", c->t->directory);
	} else {
		j_str(o, "from", NULL);
	}
	x = j_object(o, "body");
	j_str(x, "contentType", "html");
	j_str(x, "content", p->body);
	if (p->attachments)
		cJSON_AddItemToObject(o, "attachments", cJSON_Duplicate(p->attachments, true));
	else
		j_array(o, "attachments");
	j_array(o, "mentions");
	j_array(o, "reactions");
	if (!p->parent && !sel->only_also && ms_expands(c, "replies")) {
		x = j_array(o, "replies");
		for (size_t i = 0; i < p->replies.n; i++) {
			struct ms_select none = {.only_also = true};
			cJSON_AddItemToArray(x, post_json(c, p->replies.v[i], &none));
		}
	}
	return o;
}

static int newest_first(const void *pa, const void *pb)
{
	const struct ms_post *a = *(const struct ms_post *const *)pa, *b = *(const struct ms_post *const *)pb;

	if (a->modified != b->modified)
		return a->modified > b->modified ? -1 : 1;
	return strcmp(b->id, a->id);
}

/* Of some threads; with replies where chats and exports show them flat. */
static void list(struct ms_ctx *c, struct ms_thread *const *threads, size_t n, bool replies, const char *context, int top,
	int max_top)
{
	struct ms_vec all = {0};
	size_t room = 1;

	for (size_t i = 0; i < n; i++)
		room += threads[i]->log.n;
	all.v = arena_alloc(c->req->arena, room * sizeof(*all.v));
	for (size_t i = 0; all.v && i < n; i++) {
		for (size_t k = 0; k < threads[i]->posts.n; k++) {
			struct ms_post *p = threads[i]->posts.v[k];
			all.v[all.n++] = p;
			for (size_t r = 0; replies && r < p->replies.n; r++)
				all.v[all.n++] = p->replies.v[r];
		}
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), newest_first);
	struct ms_source src = {.v = all.v,
		.n = all.n,
		.make = post_json,
		.context = context,
		.top = top,
		.max_top = max_top,
		.refuse_top = true,
		.keep_id = true};
	ms_list(c, &src);
}

void ms_channel_messages(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);

	if (th)
		list(c, &th, 1, false, ms_fmt(c, "teams('%s')/channels('%s')/messages", c->arg[0], th->id), 20, 50);
}

void ms_chat_messages(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);

	if (th)
		list(c, &th, 1, true, ms_fmt(c, "chats('%s')/messages", th->id), 20, 50);
}

void ms_team_all_messages(struct ms_ctx *c)
{
	struct ms_team *team = ms_need_team(c);
	struct ms_thread **v;

	if (!team)
		return;
	v = arena_alloc(c->req->arena, (team->channels.n + 1) * sizeof(*v));
	for (size_t i = 0; v && i < team->channels.n; i++)
		v[i] = team->channels.v[i];
	list(c, v, v ? team->channels.n : 0, true, "Collection(microsoft.graph.chatMessage)", 20, 1000);
}

void ms_user_all_messages(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);
	struct ms_thread **v = arena_alloc(c->req->arena, (c->t->chats.n + 1) * sizeof(*v));
	size_t n = 0;

	if (!u) {
		ms_error(c, 404, "NotFound", "The user was not found.");
		return;
	}
	for (size_t i = 0; v && i < c->t->chats.n; i++) {
		struct ms_thread *th = c->t->chats.v[i];
		for (size_t k = 0; k < th->members.n; k++) {
			if (th->members.v[k] == u)
				v[n++] = th;
		}
	}
	list(c, v, n, true, "Collection(microsoft.graph.chatMessage)", 20, 1000);
}

/* The feed of a channel has its top-level messages; what replies change makes their parent come again. */
static bool is_reply(struct ms_ctx *c, void *one)
{
	return ((struct ms_post *)one)->parent != NULL;
}

void ms_channel_delta(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);

	if (!th)
		return;
	struct ms_feed feed = {.kind = 't',
		.scope = th->id,
		.context = "Collection(microsoft.graph.chatMessage)",
		.lost_code = "SyncStateNotFound",
		.all = &th->posts,
		.log = &th->log,
		.make = post_json,
		.hidden = is_reply,
		.top = 20,
		.max_top = 50,
		.life_ms = EIGHT_MONTHS_MS,
		.keep_id = true};
	ms_feed(c, &feed);
}

/* The message whose id is arg[at], or its reply arg[at + 1] when `replies` lies between. NULL: answered. */
static struct ms_post *need_post(struct ms_ctx *c, struct ms_thread *th, int at)
{
	const struct ms_vec *in = &th->posts;
	struct ms_post *found = NULL;
	bool reply = false;

	for (int i = 0; i < c->n_seg; i++)
		reply |= !strcasecmp(c->seg[i], "replies");
	for (int level = 0; level <= (reply ? 1 : 0); level++) {
		const struct ms_vec *here = in;
		found = NULL;
		for (size_t i = 0; i < here->n && !found; i++) {
			struct ms_post *p = here->v[i];
			if (!strcmp(p->id, c->arg[at + level]))
				found = p;
			/* Chats are flat. */
			for (size_t r = 0; !found && !th->team && r < p->replies.n; r++) {
				if (!strcmp(((struct ms_post *)p->replies.v[r])->id, c->arg[at + level]))
					found = p->replies.v[r];
			}
		}
		if (!found)
			break;
		in = &found->replies;
	}
	if (!found)
		ms_error(c, 404, "NotFound", "NotFound");
	return found;
}

static const char *context(struct ms_ctx *c, const struct ms_thread *th)
{
	return th->team ? ms_fmt(c, "teams('%s')/channels('%s')/messages", th->team->id, th->id)
			: ms_fmt(c, "chats('%s')/messages", th->id);
}

void ms_channel_message(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_post *p = th ? need_post(c, th, 2) : NULL;

	if (p)
		ms_one(c, 200, p, post_json, context(c, th), true);
}

void ms_chat_message(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);
	struct ms_post *p = th ? need_post(c, th, 1) : NULL;

	if (p)
		ms_one(c, 200, p, post_json, context(c, th), true);
}

void ms_channel_replies(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_post *p = NULL;

	for (size_t i = 0; th && i < th->posts.n; i++) {
		if (!strcmp(((struct ms_post *)th->posts.v[i])->id, c->arg[2]))
			p = th->posts.v[i];
	}
	if (!p) {
		if (th)
			ms_error(c, 404, "NotFound", "NotFound");
		return;
	}
	struct ms_source src = {.v = p->replies.v,
		.n = p->replies.n,
		.make = post_json,
		.context = ms_fmt(c, "%s('%s')/replies", context(c, th), p->id),
		.top = 20,
		.max_top = 50,
		.refuse_top = true,
		.keep_id = true};
	ms_list(c, &src);
}

/* Comma-separated words out of a list; NULL stays. */
static bool flags_ok(const cJSON *v, const char *const *words)
{
	const char *p;

	if (!v || cJSON_IsNull(v))
		return true;
	if (!cJSON_IsString(v))
		return false;
	for (p = v->valuestring; *p;) {
		const char *const *w;
		p += strspn(p, ", ");
		size_t n = strcspn(p, ", ");
		for (w = words; *w && (strlen(*w) != n || strncasecmp(*w, p, n)); w++)
			;
		if (!*w)
			return false;
		p += n;
	}
	return true;
}

static bool violation_ok(const cJSON *v)
{
	static const char *const dlp[] = {"none", "notifySender", "blockAccess", "blockAccessExternal", NULL};
	static const char *const user[] = {"none", "override", "reportFalsePositive", NULL};
	static const char *const verdict[] = {"none", "allowFalsePositiveOverride", "allowOverrideWithoutJustification",
		"allowOverrideWithJustification", NULL};

	return cJSON_IsObject(v) && flags_ok(json_get(v, "dlpAction"), dlp) && flags_ok(json_get(v, "userAction"), user) &&
	       flags_ok(json_get(v, "verdictDetails"), verdict);
}

static void patch(struct ms_ctx *c, struct ms_post *p)
{
	const cJSON *body = ms_body(c), *v = json_get(body, "policyViolation"), *f;
	bool alone = body != NULL;

	cJSON_ArrayForEach(f, body) alone = alone && (f->string[0] == '@' || !strcmp(f->string, "policyViolation"));
	if (!v || !alone) {
		ms_error(c, 400, "BadRequest", "With application permissions only policyViolation can be updated.");
		return;
	}
	if (!violation_ok(v) && !cJSON_IsNull(v)) {
		ms_error(c, 400, "BadRequest", "The policyViolation is not valid.");
		return;
	}
	json_free(p->policy);
	p->policy = cJSON_IsNull(v) ? NULL : cJSON_Duplicate(v, true);
	p->modified = fc_now();
	ms_log(&p->thread->log, p, 'u');
	if (p->parent)
		ms_log(&p->thread->log, p->parent, 'u');
	ms_notify(c->t, "posts", p->thread->id, "updated", p->id);
	ms_empty(c, 204);
}

void ms_channel_message_patch(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_post *p = th ? need_post(c, th, 2) : NULL;

	if (p)
		patch(c, p);
}

void ms_chat_message_patch(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);
	struct ms_post *p = th ? need_post(c, th, 1) : NULL;

	if (p)
		patch(c, p);
}

static cJSON *hosted_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_hosted *h = one;
	cJSON *o = cJSON_CreateObject();

	j_str(o, "id", h->id);
	j_str(o, "contentBytes", NULL);
	j_str(o, "contentType", NULL);
	return o;
}

static void hosted_list(struct ms_ctx *c, struct ms_post *p)
{
	struct ms_source src = {.v = p->hosted.v,
		.n = p->hosted.n,
		.make = hosted_json,
		.context = ms_fmt(c, "%s('%s')/hostedContents", context(c, p->thread), p->id),
		.top = 20,
		.max_top = 50,
		.keep_id = true};

	ms_list(c, &src);
}

static void hosted_value(struct ms_ctx *c, struct ms_post *p)
{
	for (size_t i = 0; i < p->hosted.n; i++) {
		struct ms_hosted *h = p->hosted.v[i];
		if (!strcmp(h->id, c->arg[c->n_args - 1])) {
			ms_blob(c, h->blob, h->type);
			return;
		}
	}
	ms_error(c, 404, "NotFound", "NotFound");
}

void ms_channel_hosted(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_post *p = th ? need_post(c, th, 2) : NULL;

	if (p)
		hosted_list(c, p);
}

void ms_channel_hosted_value(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_channel(c);
	struct ms_post *p = th ? need_post(c, th, 2) : NULL;

	if (p)
		hosted_value(c, p);
}

void ms_chat_hosted(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);
	struct ms_post *p = th ? need_post(c, th, 1) : NULL;

	if (p)
		hosted_list(c, p);
}

void ms_chat_hosted_value(struct ms_ctx *c)
{
	struct ms_thread *th = ms_need_chat(c);
	struct ms_post *p = th ? need_post(c, th, 1) : NULL;

	if (p)
		hosted_value(c, p);
}
