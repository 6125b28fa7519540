/* One Teams message: its address, its state, its author, and the document that is scanned in its place. Called by teams.c and
 * teams_act.c on core's job threads.
 *
 * A message is scanned as a small HTML page: its subject, its body, its cards' texts and the links of its attachments.
 * Attached files lie in drives and are scanned there; inline pictures (hostedContents) are not fetched.
 * Source: Graph "chatMessage resource type". */
#include "connectors/microsoft/acts.h"

#include <string.h>

struct teams_ref ms_teams_ref_of(const cJSON *object, const cJSON *stream_context)
{
	struct teams_ref ref = {
		.chat = json_str(object, "chat"),
		.team = json_str(object, "team"),
		.channel = json_str(object, "channel"),
		.reply_to = json_str(object, "reply_to"),
		.id = json_str(object, "id"),
	};

	if (!ref.chat && !ref.team) {
		ref.team = json_str(stream_context, "team");
		ref.channel = json_str(stream_context, "channel");
	}
	return ref;
}

int ms_teams_url(struct connection *c, const struct teams_ref *ref, struct buf *url, struct err *err)
{
	if (ref->chat)
		return graph_url(c, url, err, "/chats/{}/messages/{}", ref->chat, ref->id, NULL);
	if (ref->reply_to)
		return graph_url(c, url, err, "/teams/{}/channels/{}/messages/{}/replies/{}", ref->team, ref->channel,
			ref->reply_to, ref->id, NULL);
	return graph_url(c, url, err, "/teams/{}/channels/{}/messages/{}", ref->team, ref->channel, ref->id, NULL);
}

int ms_teams_get(struct connection *c, const struct teams_ref *ref, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (ms_teams_url(c, ref, &url, err) < 0 || graph_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return -1;
	if (strcmp(json_str_or(doc, "id", ""), ref->id) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "another Teams message than was asked for");
	if (json_str(doc, "deletedDateTime"))
		return err_set(err, ERR_GONE, "not_found", "the message was deleted");
	*ret = TAKE_PTR(doc);
	return 0;
}

const char *ms_teams_version(struct arena *a, const cJSON *message)
{
	return arena_dup(a, json_str_or(message, "lastEditedDateTime", "1"));
}

/* ---- content ---- */

static int put(struct buf *out, const char *text, struct err *err)
{
	return buf_adds(out, text) < 0 ? err_set(err, ERR_TOO_BIG, "size_limit", "a Teams message is too large") : 0;
}

static int put_escaped(struct buf *out, const char *text, struct err *err)
{
	for (; *text; text++) {
		const char *as = *text == '&' ? "&amp;" :
			*text == '<'	      ? "&lt;" :
			*text == '>'	      ? "&gt;" :
			*text == '"'	      ? "&quot;" :
						NULL;
		if ((as ? buf_adds(out, as) : buf_addc(out, *text)) < 0)
			return err_set(err, ERR_TOO_BIG, "size_limit", "a Teams message is too large");
	}
	return 0;
}

static int put_attachment(struct buf *out, const cJSON *attachment, struct err *err)
{
	const char *url = json_str(attachment, "contentUrl"), *name = json_str(attachment, "name");
	const char *card = json_str(attachment, "content");

	if (url && (put(out, "<p><a href=\"", err) < 0 || put_escaped(out, url, err) < 0 || put(out, "\">", err) < 0 ||
			   put_escaped(out, name ? name : url, err) < 0 || put(out, "</a></p>\n", err) < 0))
		return -1;
	if (card && (put(out, "<pre>", err) < 0 || put_escaped(out, card, err) < 0 || put(out, "</pre>\n", err) < 0))
		return -1;
	return 0;
}

static int compose(const cJSON *message, struct buf *out, struct err *err)
{
	const cJSON *body = json_object(message, "body"), *attachment;
	bool html = strcasecmp(json_str_or(body, "contentType", "text"), "html") == 0;
	const char *text = json_str_or(body, "content", "");

	if (put(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>", err) < 0 ||
		put_escaped(out, json_str_or(message, "subject", ""), err) < 0 || put(out, "</title></head><body>\n", err) < 0 ||
		(html ? put(out, text, err) : put_escaped(out, text, err)) < 0 || put(out, "\n", err) < 0)
		return -1;
	cJSON_ArrayForEach(attachment, json_array(message, "attachments"))
	{
		if (put_attachment(out, attachment, err) < 0)
			return -1;
	}
	return put(out, "</body></html>\n", err);
}

int ms_teams_bytes(struct connection *c, const struct teams_ref *ref, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf page = BUF_INIT(16u << 20);
	_cleanup_json_ cJSON *message = NULL;

	if (ms_teams_get(c, ref, &message, err) < 0 || compose(message, &page, err) < 0 ||
		content_write(content, page.data, page.len, err) < 0)
		return -1;
	*ret = (struct content_info){0};
	snprintf(ret->version, sizeof(ret->version), "%.500s", json_str_or(message, "lastEditedDateTime", "1"));
	return 0;
}

int ms_teams_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *own = NULL;

	if (own_json(item->context, ERR_LOCAL, &own, err) < 0)
		return -1;
	const struct teams_ref ref = ms_teams_ref_of(own, context);
	return ms_teams_bytes(c, &ref, content, ret, err);
}

int ms_teams_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *arena, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *own = NULL, *user = NULL;
	struct err why;

	if (own_json(item->context, ERR_LOCAL, &own, err) < 0)
		return -1;
	const char *id = json_str(own, "from");
	if (!id || !*id || (item->from && strchr(item->from, '@')))
		return 0;
	if (graph_url(c, &url, err, "/users/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,userPrincipalName") < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), NULL, &user, &why) < 0) {
		/* Somebody of another organisation, or who left. */
		if (why.class == ERR_GONE || why.class == ERR_REMOTE)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	const char *address = json_str(user, "userPrincipalName");
	if (address && *address) {
		item->from = arena_dup(arena, address);
		item->owner = item->from;
	}
	return 0;
}
