/* Attachments, parsed out of the message's MIME on each call. Source: Graph v1.0, attachment. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_MAX (320u << 20)
#define MAX_CONTENT (150u << 20)

struct open {
	struct buf raw;
	struct ms_mime *mime;
};

static bool open_message(struct ms_ctx *c, const struct ms_message *m, struct open *ret)
{
	*ret = (struct open){.raw = BUF_INIT(MESSAGE_MAX)};
	ret->mime = arena_alloc(c->req->arena, sizeof(*ret->mime));
	if (!ret->mime || fc_blob_read(m->blob, 0, (size_t)fc_blob_size(m->blob), &ret->raw) < 0)
		return false;
	ms_mime_parse(c->req->arena, buf_str(&ret->raw), ret->raw.len, ret->mime);
	return true;
}

static void close_message(struct open *o)
{
	buf_free(&o->raw);
}

/* Constant while the attachment stays, whatever becomes of its neighbours. */
static const char *attachment_id(struct ms_ctx *c, const struct ms_message *m, const struct ms_part *p)
{
	char *id = ms_mail_id("AAMkAGUwMDQBEgAQ",
		MS_WORDS(ms_message_id(c, m), "attachment", p->name ? p->name : "", p->content_id ? p->content_id : "",
			ms_fmt(c, "%zu", p->len)));
	const char *copy = ms_fmt(c, "%s", id);

	free(id);
	return copy;
}

static bool is_item(const struct ms_part *p)
{
	return !strncasecmp(p->type, "message/rfc822", 14);
}

static cJSON *attachment_json(struct ms_ctx *c, struct ms_message *m, const struct ms_mime *mime,
	const struct ms_part *p, bool content)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(MAX_CONTENT), text = BUF_INIT(MAX_CONTENT * 2u);
	cJSON *o = cJSON_CreateObject();
	const char *name = p->name;

	ms_mime_content(mime, p, &raw);
	j_str(o, "@odata.type", is_item(p) ? "#microsoft.graph.itemAttachment" : "#microsoft.graph.fileAttachment");
	j_str(o, "@odata.mediaContentType", p->type);
	j_str(o, "id", attachment_id(c, m, p));
	j_time(o, "lastModifiedDateTime", m->modified);
	if (is_item(p)) {
		cJSON *inner = ms_mime_meta(buf_str(&raw), raw.len), *item, *v;
		if (!name)
			name = ms_fmt(c, "%s", json_str_or(inner, "subject", ""));
		if (content) {
			static const char *const keys[] = {"subject", "internetMessageId", "sender", "from", "toRecipients"};
			item = j_object(o, "item");
			j_str(item, "@odata.type", "#microsoft.graph.message");
			for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
				if ((v = json_get(inner, keys[i])))
					cJSON_AddItemToObject(item, keys[i], cJSON_Duplicate(v, true));
			}
		}
		json_free(inner);
	}
	j_str(o, "name", name ? name : "");
	j_str(o, "contentType", is_item(p) ? NULL : p->type);
	j_num(o, "size", (double)raw.len);
	j_bool(o, "isInline", p->inline_);
	if (is_item(p))
		return o;
	j_str(o, "contentId", p->content_id);
	j_str(o, "contentLocation", p->location);
	if (content && (!raw.len || base64_encode(&text, buf_str(&raw), raw.len) == 0))
		j_str(o, "contentBytes", buf_str(&text));
	return o;
}

cJSON *ms_attachments_json(struct ms_ctx *c, struct ms_message *m)
{
	cJSON *list = cJSON_CreateArray();
	struct open open;

	if (open_message(c, m, &open)) {
		for (int i = 0; i < open.mime->n; i++) {
			if (open.mime->part[i].attachment)
				cJSON_AddItemToArray(list, attachment_json(c, m, open.mime, &open.mime->part[i], true));
		}
	}
	close_message(&open);
	return list;
}

struct listed {
	struct ms_message *m;
	struct ms_mime *mime;
	struct ms_part *part;
};

static cJSON *listed_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct listed *l = one;

	return attachment_json(c, l->m, l->mime, l->part, ms_wants(sel, "contentBytes"));
}

static const char *context(struct ms_ctx *c)
{
	return ms_fmt(c, "users('%s')/messages('%s')/attachments", c->arg[0],
		c->arg[c->n_args - (strcasecmp(c->seg[c->n_seg - 1], "attachments") != 0) - 1]);
}

void ms_attachment_list(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct listed *all;
	struct open open;
	void **v;
	size_t n = 0;

	if (!m)
		return;
	if (!open_message(c, m, &open)) {
		close_message(&open);
		ms_error(c, 500, "ErrorInternalServerError", "The message cannot be read.");
		return;
	}
	all = arena_alloc(c->req->arena, sizeof(*all) * (size_t)(open.mime->n + 1));
	v = arena_alloc(c->req->arena, sizeof(*v) * (size_t)(open.mime->n + 1));
	for (int i = 0; all && v && i < open.mime->n; i++) {
		if (!open.mime->part[i].attachment)
			continue;
		all[n] = (struct listed){m, open.mime, &open.mime->part[i]};
		v[n] = &all[n];
		n++;
	}
	struct ms_source src = {.v = v,
		.n = n,
		.make = listed_json,
		.context = context(c),
		.top = 1000,
		.max_top = 1000,
		.by_skip = true,
		.keep_id = true};
	ms_list(c, &src);
	close_message(&open);
}

/* The part that the last {} names; answered and NULL when there is none. */
static struct ms_part *find(struct ms_ctx *c, struct ms_message *m, struct open *open)
{
	const char *id = c->arg[c->n_args - 1];

	if (open_message(c, m, open)) {
		for (int i = 0; i < open->mime->n; i++) {
			if (open->mime->part[i].attachment && !strcmp(attachment_id(c, m, &open->mime->part[i]), id))
				return &open->mime->part[i];
		}
	}
	close_message(open);
	ms_error(c, 404, "ErrorItemNotFound", "The specified object was not found in the store.");
	return NULL;
}

void ms_attachment_get(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct open open;
	struct ms_part *p = m ? find(c, m, &open) : NULL;

	if (!p)
		return;
	struct listed l = {m, open.mime, p};
	ms_one(c, 200, &l, listed_json, context(c), true);
	close_message(&open);
}

void ms_attachment_value(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct open open;
	struct ms_part *p = m ? find(c, m, &open) : NULL;
	_cleanup_buf_ struct buf raw = BUF_INIT(MAX_CONTENT);

	if (!p)
		return;
	ms_mime_content(open.mime, p, &raw);
	ms_bytes(c, buf_str(&raw), raw.len, p->type);
	close_message(&open);
}

void ms_attachment_delete(struct ms_ctx *c)
{
	struct ms_message *m = ms_need_message(c, 1);
	struct open open;
	struct ms_part *p = m ? find(c, m, &open) : NULL;
	_cleanup_buf_ struct buf rest = BUF_INIT(MESSAGE_MAX);
	size_t start, end;

	if (!p)
		return;
	/* With its delimiter line before; the next delimiter stays. A message that is all attachment loses its body. */
	if (p->from == 0) {
		start = p->at;
	} else {
		const char *d = buf_str(&open.raw);
		start = p->from - 1;
		while (start && d[start - 1] != '\n')
			start--;
	}
	end = p->to;
	while (p->from && end < open.raw.len && strchr("\r\n", open.raw.data[end]) && open.raw.data[end - 1] != '\n')
		end++;
	buf_add(&rest, buf_str(&open.raw), start);
	buf_add(&rest, buf_str(&open.raw) + end, open.raw.len - end);
	m->blob = fc_blob_from_bytes(buf_str(&rest), rest.len);
	json_free(m->meta);
	m->meta = NULL;
	m->attachments = -1;
	ms_message_touch(m);
	close_message(&open);
	ms_empty(c, 204);
}
