/* Changing a mailbox: insert and import (JSON or uploaded), labels of messages, trash, deletion. */
#include "fakecloud/google/gmail.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define IDS_MAX 1000
#define LABELS_MAX 100
#define RAW_MAX ((size_t)150 << 20)

int gm_labels_of(struct gg_call *c, struct gm_box *box, const char *key, bool reserved_too, unsigned **ret,
	size_t *ret_n)
{
	cJSON *body = gg_body(c), *list, *e;
	unsigned *labels = arena_alloc(c->req->arena, sizeof(*labels) * LABELS_MAX);
	size_t n = 0;

	if (!body)
		return -1;
	list = json_get(body, key);
	if (list && !cJSON_IsArray(list) && !cJSON_IsNull(list))
		return gg_error(c, 400, "invalidArgument", "Invalid value at '%s'", key);
	cJSON_ArrayForEach(e, list)
	{
		int label = cJSON_IsString(e) ? gm_label_find(box, e->valuestring) : -1;
		bool reserved = label == GM_SENT || label == GM_DRAFT || label == GM_CHAT;
		if (label < 0 || (reserved && !reserved_too))
			return gg_error(c, 400, "invalidArgument", "Invalid label: %s",
				cJSON_IsString(e) ? e->valuestring : "");
		if (n == LABELS_MAX)
			return gg_error(c, 400, "invalidArgument", "Too many labels");
		labels[n++] = (unsigned)label;
	}
	*ret = labels;
	*ret_n = n;
	return 0;
}

/* ---- insert, import ---- */

/* The message's bytes, from the upload or from `raw`. */
static int raw_of(struct gg_call *c, struct buf *out)
{
	cJSON *body = gg_body(c);
	const char *raw;

	if (!body)
		return -1;
	if (c->media) {
		const char *type = c->media->type;
		if (type && strncasecmp(type, "message/", 8) != 0 &&
			strncasecmp(type, "application/octet-stream", 24) != 0)
			return gg_error(c, 400, "badContent",
				"Media type '%s' is not supported. Valid media types: [message/rfc822]",
				type);
		if (c->media->len > RAW_MAX || buf_add(out, c->media->data, c->media->len) < 0)
			return gg_error(c, 413, "uploadTooLarge", "Request Entity Too Large");
	} else {
		raw = json_str(body, "raw");
		if (raw && base64_decode(out, raw, strlen(raw)) < 0)
			return gg_error(c, 400, "invalidArgument",
				"Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed");
	}
	if (!out->len)
		return gg_error(c, 400, "invalidArgument",
			"'raw' RFC822 payload message string or uploading message via /upload/* URL "
			"required");
	return 0;
}

static int insert(struct gg_call *c, bool import)
{
	struct gm_box *box = gm_open(c);
	_cleanup_buf_ struct buf raw = BUF_INIT(RAW_MAX);
	const char *source = gg_query(c, "internalDateSource"), *thread_id;
	struct gm_thread *thread = NULL;
	unsigned *labels;
	size_t n;
	char id[20];

	if (!box || raw_of(c, &raw) < 0 || gm_labels_of(c, box, "labelIds", true, &labels, &n) < 0)
		return -1;
	if (source && *source && strcmp(source, "receivedTime") != 0 && strcmp(source, "dateHeader") != 0)
		return gg_error(c, 400, "invalidArgument", "Invalid value at 'internalDateSource'");
	thread_id = json_str(gg_body(c), "threadId");
	if (thread_id && *thread_id && !(thread = gm_thread_find(box, thread_id)))
		return gg_error(c, 404, "notFound", "Requested entity was not found.");
	random_hex(id, 8);
	id[0] = '1'; /* as of this decade */
	struct gm_message *m =
		gm_message_add(box, id, fc_blob_from_bytes(buf_str(&raw), raw.len), fc_now(), thread);
	bool by_header = source && *source ? !strcmp(source, "dateHeader") : import;
	if (by_header) {
		_cleanup_(arena_freep) struct arena *a = arena_new((size_t)1 << 30);
		struct gm_part *root = a ? gm_mime_parse(a, buf_str(&raw), raw.len) : NULL;
		if (root)
			gm_date_parse(gm_part_header(root, "Date"), &m->date);
	}
	for (size_t i = 0; i < n; i++)
		gm_label_set(m, labels[i]);
	if (import && !json_get(gg_body(c), "labelIds")) { /* delivered like any mail */
		gm_label_set(m, GM_UNREAD);
		gm_label_set(m, GM_INBOX);
	}
	if (gg_flag(c, "deleted", false)) { /* for the archive alone: never seen in the mailbox */
		m->gone = true;
		map_del(&box->by_id, m->id);
	} else {
		gm_message_begin(m);
	}
	return gg_reply(c, gm_message_short(m, true));
}

int gm_messages_insert(struct gg_call *c)
{
	return insert(c, false);
}

int gm_messages_import(struct gg_call *c)
{
	return insert(c, true);
}

/* ---- labels of messages ---- */

struct change {
	unsigned *add, *remove;
	size_t nadd, nremove;
};

static int change_of(struct gg_call *c, struct gm_box *box, struct change *ret)
{
	struct change ch;

	if (gm_labels_of(c, box, "addLabelIds", false, &ch.add, &ch.nadd) < 0 ||
		gm_labels_of(c, box, "removeLabelIds", false, &ch.remove, &ch.nremove) < 0)
		return -1;
	if (!ch.nadd && !ch.nremove)
		return gg_error(c, 400, "invalidArgument", "No label add or removes specified");
	for (size_t i = 0; i < ch.nadd; i++) {
		for (size_t k = 0; k < ch.nremove; k++) {
			if (ch.add[i] == ch.remove[k])
				return gg_error(c, 400, "invalidArgument",
					"Cannot both add and remove the same label");
		}
	}
	*ret = ch;
	return 0;
}

int gm_messages_modify(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_message *m = box ? gm_message_of(c, box, c->var[1]) : NULL;
	struct change ch;

	if (!m || change_of(c, box, &ch) < 0)
		return -1;
	gm_relabel(m, ch.add, ch.nadd, ch.remove, ch.nremove);
	return gg_reply(c, gm_message_short(m, true));
}

static int ids_of(struct gg_call *c, cJSON **ret)
{
	cJSON *body = gg_body(c), *e;

	if (!body)
		return -1;
	*ret = json_array(body, "ids");
	if (!cJSON_GetArraySize(*ret))
		return gg_error(c, 400, "invalidArgument", "No message ids specified");
	if (cJSON_GetArraySize(*ret) > IDS_MAX)
		return gg_error(c, 400, "invalidArgument", "Too many message ids: at most 1000");
	cJSON_ArrayForEach(e, *ret)
	{
		if (!cJSON_IsString(e) || !*e->valuestring ||
			strspn(e->valuestring, "0123456789abcdefABCDEF") != strlen(e->valuestring))
			return gg_error(c, 400, "invalidArgument", "Invalid ids value");
	}
	return 0;
}

int gm_messages_batch_modify(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct change ch;
	cJSON *ids, *e;

	if (!box || ids_of(c, &ids) < 0 || change_of(c, box, &ch) < 0)
		return -1;
	cJSON_ArrayForEach(e, ids)
	{
		struct gm_message *m = gm_message_find(box, e->valuestring);
		if (m)
			gm_relabel(m, ch.add, ch.nadd, ch.remove, ch.nremove);
	}
	return gg_reply_empty(c, 204);
}

int gm_messages_batch_delete(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	cJSON *ids, *e;

	if (!box || ids_of(c, &ids) < 0)
		return -1;
	cJSON_ArrayForEach(e, ids)
	{
		struct gm_message *m = gm_message_find(box, e->valuestring);
		if (m)
			gm_message_delete(m);
	}
	return gg_reply_empty(c, 204);
}

int gm_trash_one(struct gm_message *m)
{
	static const unsigned add[] = {GM_TRASH}, remove[] = {GM_INBOX, GM_SPAM};

	gm_relabel(m, add, 1, remove, 2);
	return 0;
}

void gm_untrash_one(struct gm_message *m)
{
	static const unsigned remove[] = {GM_TRASH};

	gm_relabel(m, NULL, 0, remove, 1);
}

int gm_messages_trash(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_message *m = box ? gm_message_of(c, box, c->var[1]) : NULL;

	if (!m)
		return -1;
	gm_trash_one(m);
	return gg_reply(c, gm_message_short(m, true));
}

int gm_messages_untrash(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_message *m = box ? gm_message_of(c, box, c->var[1]) : NULL;

	if (!m)
		return -1;
	gm_untrash_one(m);
	return gg_reply(c, gm_message_short(m, true));
}

int gm_messages_delete(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_message *m = box ? gm_message_of(c, box, c->var[1]) : NULL;

	if (!m)
		return -1;
	gm_message_delete(m);
	return gg_reply_empty(c, 204);
}
