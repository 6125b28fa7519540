/* Webhooks of Box as objects: made, looked at, changed, deleted. Nothing is delivered: the stand-in reaches
 * no other host. Called by the router with the state lock held. */
#include "fakecloud/box/box.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HOOKS 1000

static cJSON *hook_mini(const struct bx_webhook *w)
{
	cJSON *o = cJSON_CreateObject(), *target;

	bx_id(o, "id", w->id);
	cJSON_AddStringToObject(o, "type", "webhook");
	target = cJSON_AddObjectToObject(o, "target");
	bx_id(target, "id", w->target);
	cJSON_AddStringToObject(target, "type", w->target_kind == BX_FILE ? "file" : "folder");
	return o;
}

static cJSON *hook_json(const struct bx_webhook *w)
{
	cJSON *o = hook_mini(w);

	cJSON_AddItemToObject(o, "created_by", bx_user_mini(w->by));
	bx_time(o, "created_at", w->created_at);
	cJSON_AddStringToObject(o, "address", w->address);
	cJSON_AddItemToObject(o, "triggers", cJSON_Duplicate(w->triggers, true));
	return o;
}

void bx_do_hooks_list(struct bx_ctx *c)
{
	cJSON *entries;
	struct bx_page page;
	int64_t total = 0;

	if (bx_page_get(c, 100, 200, true, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = 0; i < c->t->webhooks.n; i++) {
		const struct bx_webhook *w = c->t->webhooks.at[i];
		if (w->by != c->user)
			continue;
		if (total >= page.offset && total < page.offset + page.limit)
			cJSON_AddItemToArray(entries, hook_mini(w));
		total++;
	}
	fc_json(c->res, 200, bx_page_doc(&page, total, entries, NULL, NULL));
}

static struct bx_webhook *hook_of(struct bx_ctx *c)
{
	char text[24];

	for (size_t i = 0; i < c->t->webhooks.n; i++) {
		struct bx_webhook *w = c->t->webhooks.at[i];
		snprintf(text, sizeof(text), "%" PRIu64, w->id);
		if (w->by == c->user && !strcmp(text, c->id[0]))
			return w;
	}
	bx_not_found(c, BX_OTHER, c->id[0]);
	return NULL;
}

void bx_do_hook_get(struct bx_ctx *c)
{
	struct bx_webhook *w = hook_of(c);
	if (w)
		fc_json(c->res, 200, hook_json(w));
}

static bool address_ok(const char *address)
{
	if (!address || strncasecmp(address, "https://", 8) != 0)
		return false;
	const char *host = address + 8, *end = host + strcspn(host, "/?#");
	const char *colon = memchr(host, ':', (size_t)(end - host));
	return end > host && (!colon || !strncmp(colon, ":443", (size_t)(end - colon)));
}

static bool triggers_ok(const cJSON *triggers, enum bx_kind kind)
{
	static const char known[] =
		"FILE.UPLOADED,FILE.PREVIEWED,FILE.DOWNLOADED,FILE.TRASHED,FILE.DELETED,FILE.RESTORED,FILE."
		"COPIED,FILE.MOVED,"
		"FILE.LOCKED,FILE.UNLOCKED,FILE.RENAMED,COMMENT.CREATED,COMMENT.UPDATED,COMMENT.DELETED,"
		"TASK_ASSIGNMENT.CREATED,TASK_ASSIGNMENT.UPDATED,METADATA_INSTANCE.CREATED,METADATA_INSTANCE."
		"UPDATED,"
		"METADATA_INSTANCE.DELETED,FOLDER.CREATED,FOLDER.RENAMED,FOLDER.DOWNLOADED,FOLDER.RESTORED,"
		"FOLDER.DELETED,"
		"FOLDER.COPIED,FOLDER.MOVED,FOLDER.TRASHED,WEBHOOK.DELETED,COLLABORATION.CREATED,"
		"COLLABORATION.ACCEPTED,"
		"COLLABORATION.REJECTED,COLLABORATION.REMOVED,COLLABORATION.UPDATED,SHARED_LINK.DELETED,"
		"SHARED_LINK.CREATED,"
		"SHARED_LINK.UPDATED,SIGN_REQUEST.COMPLETED,SIGN_REQUEST.DECLINED,SIGN_REQUEST.EXPIRED,"
		"SIGN_REQUEST.SIGNER_EMAIL_BOUNCED,SIGN_REQUEST.SIGN_SIGNER_SIGNED,SIGN_REQUEST.SIGN_"
		"DOCUMENT_CREATED,"
		"SIGN_REQUEST.SIGN_ERROR_FINALIZING";
	const cJSON *one;

	if (!cJSON_IsArray(triggers) || !cJSON_GetArraySize(triggers))
		return false;
	cJSON_ArrayForEach(one, triggers)
	{
		size_t n = cJSON_IsString(one) ? strlen(one->valuestring) : 0;
		const char *p = known;
		while (n && p && (strncmp(p, one->valuestring, n) != 0 || (p[n] && p[n] != ',')))
			p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL;
		if (!n || !p || (kind == BX_FILE && !strncmp(one->valuestring, "FOLDER.", 7)))
			return false;
	}
	return true;
}

static bool body_ok(struct bx_ctx *c, const cJSON *body, enum bx_kind kind, bool all)
{
	const cJSON *address = json_get(body, "address"), *triggers = json_get(body, "triggers");

	if ((all || address) && !address_ok(json_str(body, "address"))) {
		bx_invalid(c, 400, "bad_request", "address", "The address must be https on port 443");
		return false;
	}
	if ((all || triggers) && !triggers_ok(triggers, kind)) {
		bx_invalid(c, 400, "bad_request", "triggers", "Invalid triggers for this kind of target");
		return false;
	}
	return true;
}

/* The webhook's target out of a body; NULL after an error. */
static struct bx_item *target_of(struct bx_ctx *c, const cJSON *body)
{
	const cJSON *target = json_object(body, "target");
	const char *type = json_str_or(target, "type", ""), *id;
	char number[32];

	id = json_id(target, "id", number, sizeof(number));
	if (!id || (strcmp(type, "file") != 0 && strcmp(type, "folder") != 0)) {
		bx_invalid(c, 400, "bad_request", "target", "Invalid target");
		return NULL;
	}
	if (!strcmp(id, "0")) {
		bx_invalid(c, 400, "bad_request", "target", "Webhooks cannot be created for the root folder");
		return NULL;
	}
	return bx_item_for(c, arena_dup(c->req->arena, id),
		*type == 'f' && type[1] == 'i' ? BX_FILE : BX_FOLDER, BX_VIEW);
}

static bool target_free(struct bx_ctx *c, const struct bx_item *it, const struct bx_webhook *but)
{
	size_t mine = 0;

	for (size_t i = 0; i < c->t->webhooks.n; i++) {
		const struct bx_webhook *w = c->t->webhooks.at[i];
		if (w == but || w->by != c->user)
			continue;
		mine++;
		if (w->target == it->id) {
			bx_error(c, 409, "conflict",
				"A webhook for this target, application and user already exists");
			return false;
		}
	}
	if (mine < MAX_HOOKS)
		return true;
	bx_error(c, 403, "forbidden", "The limit of webhooks is reached");
	return false;
}

void bx_do_hook_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	struct bx_item *it = body ? target_of(c, body) : NULL;
	struct bx_webhook *w;

	if (!it || !body_ok(c, body, it->kind, true) || !target_free(c, it, NULL))
		return;
	w = bx_alloc(sizeof(*w));
	*w = (struct bx_webhook){.id = bx_new_id(),
		.target_kind = it->kind,
		.target = it->id,
		.address = bx_strdup(json_str(body, "address")),
		.by = c->user,
		.created_at = fc_now(),
		.triggers = cJSON_Duplicate(json_get(body, "triggers"), true)};
	bx_push(&c->t->webhooks, w);
	fc_json(c->res, 201, hook_json(w));
}

void bx_do_hook_put(struct bx_ctx *c)
{
	struct bx_webhook *w = hook_of(c);
	cJSON *body = w ? bx_body(c, false) : NULL;
	struct bx_item *it = NULL;

	if (!body || (json_get(body, "target") && (!(it = target_of(c, body)) || !target_free(c, it, w))))
		return;
	if (!body_ok(c, body, it ? it->kind : w->target_kind, false))
		return;
	if (it) {
		w->target = it->id;
		w->target_kind = it->kind;
	}
	if (json_str(body, "address"))
		bx_set(&w->address, json_str(body, "address"));
	if (json_get(body, "triggers")) {
		json_free(w->triggers);
		w->triggers = cJSON_Duplicate(json_get(body, "triggers"), true);
	}
	fc_json(c->res, 200, hook_json(w));
}

void bx_do_hook_delete(struct bx_ctx *c)
{
	struct bx_webhook *w = hook_of(c);

	if (!w)
		return;
	bx_drop(&c->t->webhooks, w);
	json_free(w->triggers);
	free(w->address);
	free(w);
	bx_none(c);
}
