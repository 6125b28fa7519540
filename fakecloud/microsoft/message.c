/* The calls on messages: list, get, move, mark, delete, and the translation of ids. Source: Graph v1.0, message.
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOT_FOUND "The specified object was not found in the store."

struct ms_message *ms_message_find(const struct ms_mailbox *box, const char *id)
{
	return ms_map_get(&box->by_id, id);
}

struct ms_message *ms_need_message(struct ms_ctx *c, int arg)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *f = NULL;
	struct ms_message *m;

	if (!box)
		return NULL;
	if (c->n_seg > 2 && !strcasecmp(c->seg[2], "mailFolders")) {
		f = ms_need_folder(c, box, c->arg[1]);
		if (!f)
			return NULL;
		arg++;
	}
	m = ms_message_find(box, c->arg[arg]);
	if (m && (!f || m->folder == f))
		return m;
	if (m || ms_mail_id_ok(c->arg[arg]))
		ms_error(c, 404, "ErrorItemNotFound", NOT_FOUND);
	else
		ms_error(c, 400, "ErrorInvalidIdMalformed", "Id is malformed.");
	return NULL;
}

const char *ms_messages_context(struct ms_ctx *c, const struct ms_folder *f)
{
	const char *user = c->arg[0];

	return f ? ms_fmt(c, "users('%s')/mailFolders('%s')/messages", user, f->id)
		 : ms_fmt(c, "users('%s')/messages", user);
}

int ms_newest_first(const void *pa, const void *pb)
{
	const struct ms_message *a = *(const struct ms_message *const *)pa, *b = *(const struct ms_message *const *)pb;

	if (a->received != b->received)
		return a->received > b->received ? -1 : 1;
	return a->number > b->number ? -1 : 1;
}

void ms_message_list(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *only = NULL;
	struct ms_vec all = {0};
	size_t n = 0;

	if (!box || (c->n_args > 1 && !(only = ms_need_folder(c, box, c->arg[1]))))
		return;
	for (size_t i = 0; i < box->folders.n; i++)
		n += ((struct ms_folder *)box->folders.v[i])->messages.n;
	all.v = arena_alloc(c->req->arena, (n + 1) * sizeof(*all.v));
	for (size_t i = 0; all.v && i < box->folders.n; i++) {
		struct ms_folder *f = box->folders.v[i];
		if (only ? f != only : (f->deleted || !ms_folder_below(f, box->root)))
			continue;
		if (f->messages.n)
			memcpy(all.v + all.n, f->messages.v, f->messages.n * sizeof(*all.v));
		all.n += f->messages.n;
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), ms_newest_first);
	struct ms_source src = {.v = all.v,
		.n = all.n,
		.make = ms_message_json,
		.context = ms_messages_context(c, only),
		.top = 10,
		.max_top = 1000,
		.by_skip = true,
		.keep_id = true};
	ms_list(c, &src);
}

static void answer(struct ms_ctx *c, int status, struct ms_message *m)
{
	ms_one(c, status, m, ms_message_json, ms_messages_context(c, NULL), true);
}

void ms_message_get(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);

	if (m)
		answer(c, 200, m);
}

void ms_message_mime(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);

	if (m)
		ms_blob(c, m->blob, "text/plain");
}

/* If-Match: the change key it was read with. */
static bool guard(struct ms_ctx *c, const struct ms_message *m)
{
	const char *match = ms_header(c, "If-Match");
	char key[MS_CHANGE_KEY];

	ms_change_key(m, key);
	if (!match || !strcmp(match, "*") || strstr(match, key))
		return true;
	ms_error(c, 412, "ErrorIrresolvableConflict",
		"The send or update operation could not be performed because the change key passed in the request does not "
		"match the current change key for the item.");
	return false;
}

static const char *one_of(const char *value, const char *const *words)
{
	for (; value && *words; words++) {
		if (!strcasecmp(value, *words))
			return *words;
	}
	return NULL;
}

/* Properties of a sent or received message that can be changed. */
static bool patch_ok(struct ms_ctx *c, const cJSON *body)
{
	static const char *const known[] = {"categories", "isRead", "flag", "importance", "inferenceClassification",
		"isDeliveryReceiptRequested", "isReadReceiptRequested", NULL};
	const cJSON *f, *one;

	cJSON_ArrayForEach(f, body)
	{
		bool good = f->string[0] == '@' || one_of(f->string, known) != NULL;
		if (!good) {
			ms_error(c, 400, "ErrorInvalidPropertySet", "Set action is invalid for property '%.100s'.", f->string);
			return false;
		}
		if (!strcmp(f->string, "categories")) {
			good = cJSON_IsArray(f);
			cJSON_ArrayForEach(one, f) good = good && cJSON_IsString(one);
		} else if (!strcmp(f->string, "isRead")) {
			good = cJSON_IsBool(f);
		} else if (!strcmp(f->string, "flag")) {
			good = cJSON_IsObject(f);
		}
		if (!good) {
			ms_error(c, 400, "RequestBodyRead", "Cannot convert the value of '%.100s' to its type.", f->string);
			return false;
		}
	}
	return true;
}

void ms_message_patch(struct ms_ctx *c)
{
	static const char *const levels[] = {"low", "normal", "high", NULL};
	static const char *const statuses[] = {"notFlagged", "complete", "flagged", NULL};
	static const char *const inferences[] = {"focused", "other", NULL};
	struct ms_message *m = ms_need_message(c, 1);
	const cJSON *body = ms_body(c), *v, *one;
	const char *word;

	if (!m || !guard(c, m))
		return;
	if (!body) {
		ms_error(c, 400, "RequestBodyRead", "The request body is not a JSON object.");
		return;
	}
	if (!patch_ok(c, body))
		return;
	v = json_get(body, "categories");
	if (v) {
		m->categories.n = 0;
		cJSON_ArrayForEach(one, v) ms_vec_add(&m->categories, ms_strdup(one->valuestring));
	}
	if (json_get(body, "isRead"))
		m->is_read = json_bool(body, "isRead");
	if ((word = one_of(json_str(json_get(body, "flag"), "flagStatus"), statuses)))
		m->flag = word;
	if ((word = one_of(json_str(body, "importance"), levels)))
		m->importance = word;
	if ((word = one_of(json_str(body, "inferenceClassification"), inferences)))
		m->inference = word;
	ms_message_touch(m);
	ms_notify(c->t, "messages", m->folder->id, "updated", m->immutable);
	answer(c, 200, m);
}

void ms_message_delete(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct ms_folder *bin, *dumpster;

	if (!m || !guard(c, m))
		return;
	bin = ms_folder_find(m->box, "deleteditems");
	dumpster = ms_folder_find(m->box, "recoverableitemsdeletions");
	if (m->folder == dumpster || ms_folder_below(m->folder, ms_folder_find(m->box, "recoverableitemspurges"))) {
		ms_error(c, 403, "ErrorAccessDenied", "Items of this folder cannot be deleted.");
		return;
	}
	ms_notify(c->t, "messages", m->folder->id, "deleted", m->immutable);
	ms_message_move(m, ms_folder_below(m->folder, bin) ? dumpster : bin, true);
	ms_empty(c, 204);
}

void ms_message_purge(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);

	if (!m)
		return;
	ms_message_move(m, ms_folder_find(m->box, "recoverableitemspurges"), false);
	ms_empty(c, 204);
}

void ms_message_move_call(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct ms_folder *to = m ? ms_destination(c, m->box) : NULL;

	if (!to)
		return;
	ms_message_move(m, to, to->well_known && !strcmp(to->well_known, "deleteditems"));
	ms_notify(c->t, "messages", to->id, "created", m->immutable);
	answer(c, 201, m);
}

void ms_message_copy_call(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1), *copy;
	struct ms_folder *to = m ? ms_destination(c, m->box) : NULL;

	if (!to)
		return;
	copy = ms_message_copy(m, to);
	ms_notify(c->t, "messages", to->id, "created", copy->immutable);
	answer(c, 201, copy);
}

/* The id of a message in a format; ewsId and entryId are the regular one in standard base64. */
static char *id_in(struct ms_ctx *c, const struct ms_message *m, const char *format)
{
	char *id = ms_fmt(c, "%s", strcasestr(format, "immutable") ? m->immutable : m->id);

	if (strncasecmp(format, "rest", 4)) {
		for (char *p = id; *p; p++)
			*p = *p == '-' ? '/' : *p == '_' ? '+' : *p;
	}
	return id;
}

void ms_translate_ids(struct ms_ctx *c)
{
	static const char *const formats[] = {
		"entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId", NULL};
	struct ms_mailbox *box = ms_need_box(c);
	const cJSON *body = ms_body(c), *ids = ms_get_any(body, "inputIds"), *one;
	const cJSON *from = ms_get_any(body, "sourceIdType"), *to = ms_get_any(body, "targetIdType");
	cJSON *doc, *value;

	if (!box)
		return;
	if (!cJSON_IsArray(ids) || !cJSON_IsString(from) || !cJSON_IsString(to) || !one_of(from->valuestring, formats) ||
		!one_of(to->valuestring, formats) || cJSON_GetArraySize(ids) > 1000) {
		ms_error(c, 400, "ErrorInvalidArgument",
			"inputIds (at most 1000), sourceIdType and targetIdType are required.");
		return;
	}
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#Collection(microsoft.graph.convertIdResult)", c->base));
	value = j_array(doc, "value");
	cJSON_ArrayForEach(one, ids)
	{
		cJSON *o = cJSON_CreateObject();
		char *id = ms_fmt(c, "%s", cJSON_IsString(one) ? one->valuestring : "");
		const struct ms_message *m;
		cJSON_AddItemToArray(value, o);
		j_str(o, "sourceId", id);
		if (strncasecmp(from->valuestring, "rest", 4)) {
			id = ms_fmt(c, "%s", id);
			for (char *p = id; *p; p++)
				*p = *p == '/' ? '-' : *p == '+' ? '_' : *p;
		}
		m = ms_message_find(box, id);
		if (m) {
			j_str(o, "targetId", id_in(c, m, to->valuestring));
			continue;
		}
		cJSON *error = j_object(o, "errorDetails");
		j_str(error, "code", ms_mail_id_ok(id) ? "ErrorItemNotFound" : "ErrorInvalidIdMalformed");
		j_str(error, "message", NOT_FOUND);
	}
	ms_json(c, 200, doc);
}
