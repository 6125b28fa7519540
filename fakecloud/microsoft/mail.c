/* The calls on mail folders, and the table of all mail calls. Source: Graph v1.0, mailFolder. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include <string.h>
#include <strings.h>

#define NOT_FOUND "The specified object was not found in the store."

struct ms_mailbox *ms_need_box(struct ms_ctx *c)
{
	struct ms_user *u = ms_user_find(c->t, c->arg[0]);

	if (!u) {
		ms_error(c, 404, "ErrorInvalidUser", "The requested user '%s' is invalid.", c->arg[0]);
		return NULL;
	}
	if (!u->box)
		ms_error(c, 404, "MailboxNotEnabledForRESTAPI",
			"The mailbox is either inactive, soft-deleted, or is hosted on-premise.");
	return u->box;
}

bool ms_mail_id_ok(const char *id)
{
	size_t n = strlen(id);

	return n > 20 && strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/") == n;
}

struct ms_folder *ms_need_folder(struct ms_ctx *c, struct ms_mailbox *box, const char *id)
{
	struct ms_folder *f = ms_folder_find(box, id);

	if (f)
		return f;
	if (ms_mail_id_ok(id))
		ms_error(c, 404, "ErrorItemNotFound", NOT_FOUND);
	else
		ms_error(c, 400, "ErrorInvalidIdMalformed", "Id is malformed.");
	return NULL;
}

struct ms_folder *ms_destination(struct ms_ctx *c, struct ms_mailbox *box)
{
	const cJSON *id = ms_get_any(ms_body(c), "destinationId");

	if (!cJSON_IsString(id)) {
		ms_error(c, 400, "ErrorInvalidRequest", "The parameter 'DestinationId' is required.");
		return NULL;
	}
	return ms_need_folder(c, box, id->valuestring);
}

static bool with_hidden(struct ms_ctx *c)
{
	const char *v = ms_param(c, "includeHiddenFolders");

	return v && !strcasecmp(v, "true");
}

static cJSON *folder_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_folder *f = one;
	cJSON *o = cJSON_CreateObject();
	int unread = 0, children = 0;

	for (size_t i = 0; i < f->messages.n; i++)
		unread += !((struct ms_message *)f->messages.v[i])->is_read;
	for (size_t i = 0; i < f->children.n; i++)
		children += !((struct ms_folder *)f->children.v[i])->hidden;
	j_str(o, "id", f->id);
	j_str(o, "displayName", f->name);
	j_str(o, "parentFolderId", f->parent ? f->parent->id : f->id);
	j_num(o, "childFolderCount", children);
	j_num(o, "unreadItemCount", unread);
	j_num(o, "totalItemCount", (double)f->messages.n);
	j_bool(o, "isHidden", f->hidden);
	if (ms_expands(c, "childFolders") && !sel->only_also) {
		cJSON *list = j_array(o, "childFolders");
		struct ms_select none = {.only_also = true};
		for (size_t i = 0; i < f->children.n; i++) {
			struct ms_folder *child = f->children.v[i];
			if (!child->hidden || with_hidden(c))
				cJSON_AddItemToArray(list, folder_json(c, child, &none));
		}
	}
	return o;
}

static void folders_list(struct ms_ctx *c, struct ms_folder *parent, const char *context)
{
	struct ms_vec shown = {0};

	shown.v = arena_alloc(c->req->arena, (parent->children.n + 1) * sizeof(*shown.v));
	for (size_t i = 0; shown.v && i < parent->children.n; i++) {
		struct ms_folder *f = parent->children.v[i];
		if (!f->hidden || with_hidden(c))
			shown.v[shown.n++] = f;
	}
	struct ms_source src = {.v = shown.v,
		.n = shown.n,
		.make = folder_json,
		.context = context,
		.top = 10,
		.max_top = 1000,
		.by_skip = true,
		.keep_id = true};
	ms_list(c, &src);
}

static void folder_list(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);

	if (box)
		folders_list(c, box->root, ms_fmt(c, "users('%s')/mailFolders", c->arg[0]));
}

static void folder_children(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *f = box ? ms_need_folder(c, box, c->arg[1]) : NULL;

	if (f)
		folders_list(c, f, ms_fmt(c, "users('%s')/mailFolders('%s')/childFolders", c->arg[0], c->arg[1]));
}

static void folder_answer(struct ms_ctx *c, int status, struct ms_folder *f)
{
	ms_one(c, status, f, folder_json, ms_fmt(c, "users('%s')/mailFolders", c->arg[0]), true);
}

static void folder_create_in(struct ms_ctx *c, struct ms_folder *parent)
{
	const char *name = json_str(ms_body(c), "displayName");

	if (!name || !*name || strlen(name) > 255) {
		ms_error(c, 400, "ErrorInvalidRequest", "The property 'DisplayName' is required when creating the entity.");
		return;
	}
	if (ms_folder_child(parent, name)) {
		ms_error(c, 409, "ErrorFolderExists", "A folder with the specified name already exists.");
		return;
	}
	folder_answer(c, 201, ms_folder_add(parent->box, parent, name, NULL, json_bool(ms_body(c), "isHidden")));
}

static void folder_create(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);

	if (box)
		folder_create_in(c, box->root);
}

static void folder_create_child(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *f = box ? ms_need_folder(c, box, c->arg[1]) : NULL;

	if (f)
		folder_create_in(c, f);
}

/* mailFolders/{}, mailFolders/{}/childFolders/{}: the last id counts. */
static struct ms_folder *folder_of(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);

	return box ? ms_need_folder(c, box, c->arg[c->n_args - 1]) : NULL;
}

static void folder_get(struct ms_ctx *c)
{
	struct ms_folder *f = folder_of(c);

	if (f)
		folder_answer(c, 200, f);
}

static void folder_patch(struct ms_ctx *c)
{
	struct ms_folder *f = folder_of(c), *other;
	const char *name;

	if (!f)
		return;
	name = json_str(ms_body(c), "displayName");
	other = name && f->parent ? ms_folder_child(f->parent, name) : NULL;
	if (!name || !*name) {
		ms_error(c, 400, "ErrorInvalidRequest", "No property that can be updated was given.");
	} else if (f->well_known) {
		ms_error(c, 403, "ErrorAccessDenied", "A distinguished folder cannot be renamed.");
	} else if (other && other != f) {
		ms_error(c, 409, "ErrorFolderExists", "A folder with the specified name already exists.");
	} else {
		f->name = ms_strdup(name);
		ms_log(&f->box->log, f, 'u');
		folder_answer(c, 200, f);
	}
}

static void folder_reparent(struct ms_folder *f, struct ms_folder *to)
{
	struct ms_folder *from = f->parent;

	ms_vec_remove(&from->children, f);
	ms_vec_add(&to->children, f);
	f->parent = to;
	ms_log(&f->box->log, f, 'u');
	ms_log(&f->box->log, to, 'u');
	if (from->parent)
		ms_log(&f->box->log, from, 'u');
}

static void folder_move(struct ms_ctx *c)
{
	struct ms_folder *f = folder_of(c), *to = f ? ms_destination(c, f->box) : NULL;

	if (!to)
		return;
	if (f->well_known || ms_folder_below(to, f)) {
		ms_error(c, 400, "ErrorMoveDistinguishedFolder", "The folder cannot be moved there.");
	} else if (ms_folder_child(to, f->name) && f->parent != to) {
		ms_error(c, 409, "ErrorFolderExists", "A folder with the specified name already exists.");
	} else {
		folder_reparent(f, to);
		folder_answer(c, 200, f);
	}
}

static void folder_purge(struct ms_folder *f)
{
	while (f->children.n)
		folder_purge(f->children.v[0]);
	while (f->messages.n)
		ms_message_move(f->messages.v[0], ms_folder_find(f->box, "recoverableitemsdeletions"), false);
	f->deleted = true;
	ms_vec_remove(&f->parent->children, f);
	ms_log(&f->box->log, f, 'd');
}

static void folder_delete(struct ms_ctx *c)
{
	struct ms_folder *f = folder_of(c), *bin;

	if (!f)
		return;
	if (f->well_known) {
		ms_error(c, 403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.");
		return;
	}
	bin = ms_folder_find(f->box, "deleteditems");
	if (ms_folder_below(f, bin)) {
		folder_purge(f);
	} else {
		char *name = f->name;
		for (int i = 1; ms_folder_child(bin, f->name); i++)
			f->name = ms_printf("%s%d", name, i);
		folder_reparent(f, bin);
	}
	ms_empty(c, 204);
}

static cJSON *folder_gone(struct ms_ctx *c, void *one)
{
	struct ms_folder *f = one;
	cJSON *o;

	if (!f->deleted)
		return NULL;
	o = cJSON_CreateObject();
	j_str(o, "id", f->id);
	j_str(j_object(o, "@removed"), "reason", "deleted");
	return o;
}

static bool folder_left_out(struct ms_ctx *c, void *one)
{
	struct ms_folder *f = one;

	return !f->parent || !ms_folder_below(f, f->box->root) || (f->hidden && !with_hidden(c));
}

static void folder_delta(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);

	if (!box)
		return;
	struct ms_feed feed = {.kind = 'f',
		.scope = box->user->id,
		.context = "Collection(microsoft.graph.mailFolder)",
		.lost_code = "SyncStateNotFound",
		.all = &box->folders,
		.log = &box->log,
		.make = folder_json,
		.gone = folder_gone,
		.hidden = folder_left_out,
		.top = 100,
		.max_top = 1000,
		.life_ms = INT64_C(30) * 86400000,
		.keep_id = true};
	ms_feed(c, &feed);
}

#define READ_BASIC "Mail.ReadBasic.All Mail.Read Mail.ReadWrite"
#define READ "Mail.Read Mail.ReadWrite"
#define WRITE "Mail.ReadWrite"
#define U "users/{}/"
#define F "users/{}/mailFolders/{}"
#define FM "users/{}/mailFolders/{}/messages/{}"
#define M "users/{}/messages/{}"

const struct ms_route ms_mail_routes[] = {
	{"GET", U "mailFolders", folder_list, MS_MAIL, READ_BASIC, 0},
	{"POST", U "mailFolders", folder_create, MS_MAIL, WRITE, 0},
	{"GET", U "mailFolders/delta", folder_delta, MS_MAIL, READ_BASIC, 0},
	{"GET", F, folder_get, MS_MAIL, READ_BASIC, 0},
	{"PATCH", F, folder_patch, MS_MAIL, WRITE, 0},
	{"DELETE", F, folder_delete, MS_MAIL, WRITE, 0},
	{"POST", F "/move", folder_move, MS_MAIL, WRITE, 0},
	{"GET", F "/childFolders", folder_children, MS_MAIL, READ_BASIC, 0},
	{"POST", F "/childFolders", folder_create_child, MS_MAIL, WRITE, 0},
	{"GET", F "/childFolders/{}", folder_get, MS_MAIL, READ_BASIC, 0},
	{"PATCH", F "/childFolders/{}", folder_patch, MS_MAIL, WRITE, 0},
	{"DELETE", F "/childFolders/{}", folder_delete, MS_MAIL, WRITE, 0},
	{"GET", F "/messages", ms_message_list, MS_MAIL, READ_BASIC, 0},
	{"POST", F "/messages", ms_message_import, MS_MAIL, WRITE, 0},
	{"GET", F "/messages/delta", ms_message_delta, MS_MAIL, READ_BASIC, 0},
	{"GET", U "messages", ms_message_list, MS_MAIL, READ_BASIC, 0},
	{"POST", U "messages", ms_message_import, MS_MAIL, WRITE, 0},
	{"POST", U "translateExchangeIds", ms_translate_ids, MS_MAIL, "User.Read.All User.ReadWrite.All", 0},
	{"GET", M, ms_message_get, MS_MAIL, READ_BASIC, 0},
	{"PATCH", M, ms_message_patch, MS_MAIL, WRITE, 0},
	{"DELETE", M, ms_message_delete, MS_MAIL, WRITE, 0},
	{"GET", M "/$value", ms_message_mime, MS_MAIL, READ, 0},
	{"POST", M "/move", ms_message_move_call, MS_MAIL, WRITE, 0},
	{"POST", M "/copy", ms_message_copy_call, MS_MAIL, WRITE, 0},
	{"POST", M "/permanentDelete", ms_message_purge, MS_MAIL, WRITE, 0},
	{"GET", M "/attachments", ms_attachment_list, MS_MAIL, READ, 0},
	{"GET", M "/attachments/{}", ms_attachment_get, MS_MAIL, READ, 0},
	{"DELETE", M "/attachments/{}", ms_attachment_delete, MS_MAIL, WRITE, 0},
	{"GET", M "/attachments/{}/$value", ms_attachment_value, MS_MAIL, READ, 0},
	{"GET", FM, ms_message_get, MS_MAIL, READ_BASIC, 0},
	{"PATCH", FM, ms_message_patch, MS_MAIL, WRITE, 0},
	{"DELETE", FM, ms_message_delete, MS_MAIL, WRITE, 0},
	{"GET", FM "/$value", ms_message_mime, MS_MAIL, READ, 0},
	{"POST", FM "/move", ms_message_move_call, MS_MAIL, WRITE, 0},
	{"POST", FM "/copy", ms_message_copy_call, MS_MAIL, WRITE, 0},
	{"POST", FM "/permanentDelete", ms_message_purge, MS_MAIL, WRITE, 0},
	{"GET", FM "/attachments", ms_attachment_list, MS_MAIL, READ, 0},
	{"GET", FM "/attachments/{}", ms_attachment_get, MS_MAIL, READ, 0},
	{"DELETE", FM "/attachments/{}", ms_attachment_delete, MS_MAIL, WRITE, 0},
	{"GET", FM "/attachments/{}/$value", ms_attachment_value, MS_MAIL, READ, 0},
	{0},
};
