/* POST …/messages: a draft from MIME (base64, text/plain) or from JSON. Source: Graph v1.0, "Create message".
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/units.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_MAX (150u << 20)

/* Does it begin with a header field? */
static bool looks_like_mime(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] > ' ' && s[n] < 127 && s[n] != ':')
		n++;
	return n && n < len && s[n] == ':';
}

static void header_text(struct buf *out, const char *name, const char *text)
{
	bool plain = true;

	for (const char *p = text; *p; p++)
		plain = plain && *p >= ' ' && *p < 127;
	buf_addf(out, "%s: ", name);
	if (plain) {
		buf_addf(out, "%s\r\n", text);
		return;
	}
	buf_adds(out, "=?utf-8?B?");
	base64_encode(out, text, strlen(text));
	buf_adds(out, "?=\r\n");
}

static void recipients(struct buf *out, const char *name, const cJSON *list)
{
	const cJSON *one;
	bool first = true;

	cJSON_ArrayForEach(one, list)
	{
		const cJSON *mail = json_get(one, "emailAddress");
		const char *address = json_str(mail, "address");
		if (!address || strpbrk(address, "\r\n<>"))
			continue;
		buf_addf(out, first ? "%s: <%s>" : ",\r\n <%s>", first ? name : address, address);
		first = false;
	}
	if (!first)
		buf_adds(out, "\r\n");
}

static void base64_lines(struct buf *out, const char *data, size_t len)
{
	for (size_t at = 0; at < len; at += 57) {
		base64_encode(out, data + at, len - at < 57 ? len - at : 57);
		buf_adds(out, "\r\n");
	}
}

static void body_part(struct buf *out, const cJSON *doc)
{
	const char *type = json_str_or(json_get(doc, "body"), "contentType", "text");
	const char *text = json_str_or(json_get(doc, "body"), "content", "");

	buf_addf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		strcasecmp(type, "html") ? "plain" : "html");
	base64_lines(out, text, strlen(text));
}

static void attachment_part(struct buf *out, const cJSON *one)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(MESSAGE_MAX), name = BUF_INIT(16 << 10);
	const char *bytes = json_str_or(one, "contentBytes", ""), *id = json_str(one, "contentId");
	const char *type = json_str_or(one, "contentType", "application/octet-stream");

	base64_decode(&raw, bytes, strlen(bytes));
	url_encode(&name, json_str_or(one, "name", "attachment"), "");
	buf_addf(out, "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n",
		strpbrk(type, "\r\n") ? "application/octet-stream" : type);
	buf_addf(out, "Content-Disposition: %s; filename*=utf-8''%s\r\n", json_bool(one, "isInline") ? "inline" : "attachment",
		buf_str(&name));
	if (id && !strpbrk(id, "\r\n<>"))
		buf_addf(out, "Content-ID: <%s>\r\n", id);
	buf_adds(out, "\r\n");
	base64_lines(out, buf_str(&raw), raw.len);
}

/* MIME of a message that came as JSON. */
static void compose(struct ms_ctx *c, const cJSON *doc, const char *sender, struct buf *out)
{
	const cJSON *attachments = json_array(doc, "attachments"), *one;
	const char *id = json_str(doc, "internetMessageId");
	char boundary[33];

	random_hex(boundary, 16);
	header_text(out, "Subject", json_str_or(doc, "subject", ""));
	buf_addf(out, "From: <%s>\r\n",
		json_str_or(json_get(json_get(doc, "from"), "emailAddress"), "address", sender));
	recipients(out, "To", json_get(doc, "toRecipients"));
	recipients(out, "Cc", json_get(doc, "ccRecipients"));
	recipients(out, "Bcc", json_get(doc, "bccRecipients"));
	recipients(out, "Reply-To", json_get(doc, "replyTo"));
	header_text(out, "Message-ID", id ? id : ms_fmt(c, "<%s@%s>", boundary, c->t->domain));
	buf_adds(out, "MIME-Version: 1.0\r\n");
	if (!attachments || !attachments->child) {
		body_part(out, doc);
		return;
	}
	buf_addf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
	body_part(out, doc);
	cJSON_ArrayForEach(one, attachments)
	{
		buf_addf(out, "--%s\r\n", boundary);
		attachment_part(out, one);
	}
	buf_addf(out, "--%s--\r\n", boundary);
}

/* PidTagMessageFlags as an extended property: a message whose unsent bit is clear is no draft, one with the read bit is read. */
static bool set_flags(struct ms_ctx *c, const cJSON *doc, struct ms_message *m)
{
	const cJSON *one;
	int64_t flags;

	cJSON_ArrayForEach(one, json_array(doc, "singleValueExtendedProperties"))
	{
		const char *id = json_str(one, "id"), *value = json_str(one, "value");
		if (!id || !value) {
			ms_error(c, 400, "ErrorInvalidExtendedProperty", "An extended property needs an id and a value.");
			return false;
		}
		if (strcasecmp(id, "Integer 0x0E07") != 0 && strcasecmp(id, "Integer 0xE07") != 0)
			continue;
		if (units_int(value, 0, INT32_MAX, &flags) < 0) {
			ms_error(c, 400, "ErrorInvalidExtendedPropertyValue", "'%.60s' is no integer.", value);
			return false;
		}
		m->is_draft = flags & 8;
		m->is_read = flags & 1;
	}
	if (cJSON_IsBool(json_get(doc, "isRead")))
		m->is_read = json_bool(doc, "isRead");
	return true;
}

void ms_message_import(struct ms_ctx *c)
{
	struct ms_mailbox *box = ms_need_box(c);
	struct ms_folder *f = box ? ms_need_folder(c, box, c->n_args > 1 ? c->arg[1] : "drafts") : NULL;
	const char *type = ms_header(c, "Content-Type");
	const cJSON *doc = NULL;
	_cleanup_buf_ struct buf mime = BUF_INIT(MESSAGE_MAX);
	struct ms_message *m;

	if (!f)
		return;
	if (type && !strncasecmp(type, "text/plain", 10)) {
		const cJSON *text = c->in ? json_get(c->in, "body") : NULL;
		const char *data = c->in ? cJSON_GetStringValue(text) : buf_str(c->req->body);
		size_t len = data ? (c->in ? strlen(data) : c->req->body->len) : 0;
		if (!len || base64_decode(&mime, data, len) < 0) {
			ms_error(c, 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.");
			return;
		}
		if (!looks_like_mime(buf_str(&mime), mime.len)) {
			ms_error(c, 400, "ErrorMimeContentInvalid", "The MIME content is invalid.");
			return;
		}
	} else {
		doc = ms_body(c);
		if (!doc) {
			ms_error(c, 400, "RequestBodyRead", "The request body is not a JSON object.");
			return;
		}
		compose(c, doc, box->user->upn, &mime);
	}
	m = ms_message_add(f, fc_blob_from_bytes(buf_str(&mime), mime.len), NULL, fc_now());
	m->is_draft = true;
	m->is_read = true;
	if (!set_flags(c, doc, m)) {
		ms_message_move(m, ms_folder_find(box, "recoverableitemspurges"), false);
		return;
	}
	ms_notify(c->t, "messages", f->id, "created", m->immutable);
	ms_one(c, 201, m, ms_message_json, ms_messages_context(c, NULL), true);
}
