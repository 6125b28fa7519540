/* A message as Graph shows it, made from its MIME. Source: Graph v1.0, message resource. State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_MAX (256u << 20)
#define PREVIEW_CHARS 255

/* Text of HTML: tags, scripts and comments out, the common entities resolved. */
static char *html_text(struct ms_ctx *c, const char *html)
{
	static const struct {
		const char *name, *text;
	} entities[] = {{"&nbsp;", " "}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 20);

	for (const char *p = html; *p;) {
		size_t i;
		if (*p == '<') {
			const char *end = NULL;
			if (!strncasecmp(p, "<style", 6))
				end = strcasestr(p, "</style>");
			else if (!strncasecmp(p, "<script", 7))
				end = strcasestr(p, "</script>");
			else if (!strncmp(p, "<!--", 4))
				end = strstr(p, "-->");
			if (!strncasecmp(p, "<br", 3) || !strncasecmp(p, "</p", 3) || !strncasecmp(p, "</div", 5))
				buf_adds(&b, "\r\n");
			end = strchr(end ? end : p, '>');
			if (!end)
				break;
			p = end + 1;
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(entities); i++) {
			if (!strncmp(p, entities[i].name, strlen(entities[i].name)))
				break;
		}
		if (i < ARRAY_SIZE(entities)) {
			buf_adds(&b, entities[i].text);
			p += strlen(entities[i].name);
		} else {
			buf_addc(&b, *p++);
		}
	}
	return ms_fmt(c, "%s", buf_str(&b));
}

static const char *preview(struct ms_ctx *c, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT(16 << 10);
	int chars = 0;

	for (const char *p = text; *p && chars < PREVIEW_CHARS; chars++) {
		size_t n = utf8_length(p, strlen(p));
		if (!n)
			break;
		if (strchr(" \t\r\n", *p)) {
			buf_addc(&b, ' ');
			p += strspn(p, " \t\r\n");
		} else {
			buf_add(&b, p, n);
			p += n;
		}
	}
	return ms_fmt(c, "%s", buf_str(&b) + strspn(buf_str(&b), " "));
}

/* What only a look into the whole message tells: body, preview, attachments. */
static void content(struct ms_ctx *c, struct ms_message *m, const struct ms_select *sel, cJSON *o, bool basic)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(MESSAGE_MAX);
	struct ms_mime *mime = arena_alloc(c->req->arena, sizeof(*mime));
	bool as_text = ms_prefers(c, "outlook.body-content-type=\"text\"");
	const char *body = "", *text;
	bool html;

	if (!mime || fc_blob_read(m->blob, 0, (size_t)fc_blob_size(m->blob), &raw) < 0)
		return;
	ms_mime_parse(c->req->arena, buf_str(&raw), raw.len, mime);
	m->attachments = 0;
	for (int i = 0; i < mime->n; i++)
		m->attachments |= mime->part[i].attachment && !mime->part[i].inline_;
	if (basic)
		return;
	html = mime->html >= 0;
	if (html || mime->text >= 0)
		body = ms_mime_text(c->req->arena, mime, &mime->part[html ? mime->html : mime->text]);
	text = html ? html_text(c, body) : body;
	if (ms_wants(sel, "bodyPreview"))
		j_str(o, "bodyPreview", preview(c, text));
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "uniqueBody" : "body";
		if (i ? !ms_wants_named(sel, key) : !ms_wants(sel, key))
			continue;
		cJSON *b = j_object(o, key);
		j_str(b, "contentType", html && !as_text ? "html" : "text");
		j_str(b, "content", as_text ? text : body);
	}
}

static void people(struct ms_message *m, const struct ms_select *sel, cJSON *o)
{
	static const char *const keys[] = {"sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo"};
	const cJSON *meta = ms_message_meta(m);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const cJSON *v = json_get(meta, keys[i]);
		if (v && ms_wants(sel, keys[i]))
			cJSON_AddItemToObject(o, keys[i], cJSON_Duplicate(v, true));
	}
}

static void conversation(struct ms_ctx *c, struct ms_message *m, cJSON *o)
{
	const cJSON *meta = ms_message_meta(m);
	const char *thread = json_str_or(meta, "thread", json_str_or(meta, "internetMessageId", m->immutable));
	const char *first = ms_fmt(c, "%.*s", (int)strcspn(thread, " "), thread);
	char *id = ms_mail_id("AAQkAGUwM", MS_WORDS(m->box->user->upn, "conversation", first));
	_cleanup_buf_ struct buf index = BUF_INIT(128);
	unsigned char b[22];
	char hex[45];

	fc_stable_id(hex, 44, MS_WORDS("index", first));
	hex[44] = 0;
	j_str(o, "conversationId", id);
	free(id);
	if (hex_decode(b, hex, sizeof(b)) == 0 && base64_encode(&index, b, sizeof(b)) == 0)
		j_str(o, "conversationIndex", buf_str(&index));
}

static void flags(struct ms_message *m, cJSON *o)
{
	const cJSON *meta = ms_message_meta(m);

	j_str(o, "importance", m->importance ? m->importance : json_str_or(meta, "importance", "normal"));
	j_bool(o, "isDeliveryReceiptRequested", false);
	j_bool(o, "isReadReceiptRequested", json_bool(meta, "receipt"));
	j_bool(o, "isRead", m->is_read);
	j_bool(o, "isDraft", m->is_draft);
	j_str(o, "inferenceClassification", m->inference);
	j_str(j_object(o, "flag"), "flagStatus", m->flag);
}

cJSON *ms_message_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_message *m = one;
	const cJSON *meta = ms_message_meta(m), *date = json_get(meta, "date");
	bool basic = !ms_has_role(c, "Mail.Read");
	cJSON *o = cJSON_CreateObject(), *list;
	char key[MS_CHANGE_KEY];
	const char *mid = json_str(meta, "internetMessageId");

	ms_change_key(m, key);
	j_str(o, "@odata.etag", ms_fmt(c, "W/\"%s\"", key));
	j_str(o, "id", ms_message_id(c, m));
	j_time(o, "createdDateTime", m->created);
	j_time(o, "lastModifiedDateTime", m->modified);
	j_str(o, "changeKey", key);
	list = j_array(o, "categories");
	for (size_t i = 0; i < m->categories.n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(m->categories.v[i]));
	j_time(o, "receivedDateTime", m->received);
	j_time(o, "sentDateTime", date ? (int64_t)date->valuedouble : m->received);
	if (!mid)
		mid = ms_fmt(c, "<%.32s@%s>", m->immutable + 40, c->t->domain);
	j_str(o, "internetMessageId", mid);
	j_str(o, "subject", json_str_or(meta, "subject", ""));
	flags(m, o);
	j_str(o, "parentFolderId", m->folder ? m->folder->id : NULL);
	conversation(c, m, o);
	j_str(o, "webLink",
		ms_fmt(c, "https://outlook.office365.example/owa/?ItemID=%s&exvsurl=1&viewmodel=ReadMessageItem", m->id));
	if ((m->attachments < 0 && ms_wants(sel, "hasAttachments")) ||
		(!basic && (ms_wants(sel, "body") || ms_wants(sel, "bodyPreview") || ms_wants_named(sel, "uniqueBody"))))
		content(c, m, sel, o, basic);
	if (ms_wants(sel, "hasAttachments"))
		j_bool(o, "hasAttachments", m->attachments > 0);
	people(m, sel, o);
	if (ms_wants_named(sel, "internetMessageHeaders")) {
		_cleanup_buf_ struct buf head = BUF_INIT(1 << 20);
		int64_t size = fc_blob_size(m->blob);
		fc_blob_read(m->blob, 0, size < (1 << 20) ? (size_t)size : 1 << 20, &head);
		cJSON_AddItemToObject(o, "internetMessageHeaders", ms_mime_headers(buf_str(&head), head.len));
	}
	if (!basic && !sel->only_also && ms_expands(c, "attachments"))
		cJSON_AddItemToObject(o, "attachments", ms_attachments_json(c, m));
	return o;
}
