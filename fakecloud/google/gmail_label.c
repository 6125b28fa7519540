/* Labels of a mailbox, and the settings that the discovery document has (all empty here). */
#include "fakecloud/google/gmail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 225

static const char *one_of(const char *const *words, const char *s)
{
	for (; *words; words++) {
		if (!strcmp(*words, s))
			return *words;
	}
	return NULL;
}

static cJSON *label_json(const struct gm_label *l)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", l->id);
	cJSON_AddStringToObject(o, "name", l->name);
	if (l->message_visibility)
		cJSON_AddStringToObject(o, "messageListVisibility", l->message_visibility);
	if (l->list_visibility)
		cJSON_AddStringToObject(o, "labelListVisibility", l->list_visibility);
	cJSON_AddStringToObject(o, "type", l->system ? "system" : "user");
	if (l->background) {
		cJSON *color = cJSON_AddObjectToObject(o, "color");
		cJSON_AddStringToObject(color, "textColor", l->text);
		cJSON_AddStringToObject(color, "backgroundColor", l->background);
	}
	return o;
}

int gm_labels_list(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	cJSON *doc, *list;

	if (!box)
		return -1;
	doc = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(doc, "labels");
	for (size_t i = 0; i < box->nlabels; i++) {
		if (!box->labels[i]->gone)
			cJSON_AddItemToArray(list, label_json(box->labels[i]));
	}
	return gg_reply(c, doc);
}

static int label_of(struct gg_call *c, struct gm_box *box)
{
	int i = gm_label_find(box, c->var[1]);

	if (i < 0)
		gg_error(c, 404, "notFound", "Requested entity was not found.");
	return i;
}

int gm_labels_get(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	int index = box ? label_of(c, box) : -1;
	int messages = 0, unread = 0, threads = 0, threads_unread = 0;
	size_t cursor = 0;
	void *value;

	if (index < 0)
		return -1;
	while (map_next(&box->threads, &cursor, NULL, &value)) {
		const struct gm_thread *t = value;
		int n = 0, u = 0;
		for (size_t i = 0; i < t->n; i++) {
			const struct gm_message *m = t->messages[i];
			bool takes = !m->gone && gm_has(m, (unsigned)index);
			n += takes;
			u += takes && gm_has(m, GM_UNREAD);
		}
		messages += n;
		unread += u;
		threads += n > 0;
		threads_unread += u > 0;
	}
	cJSON *o = label_json(box->labels[index]);
	cJSON_AddNumberToObject(o, "messagesTotal", messages);
	cJSON_AddNumberToObject(o, "messagesUnread", unread);
	cJSON_AddNumberToObject(o, "threadsTotal", threads);
	cJSON_AddNumberToObject(o, "threadsUnread", threads_unread);
	return gg_reply(c, o);
}

/* Checks a name for a label other than `self` (-1: a new one). */
static int name_check(struct gg_call *c, const struct gm_box *box, const char *name, int self)
{
	static const char *const reserved[] = {"inbox", "sent", "drafts", "draft", "spam", "trash", "unread",
		"starred", "important", "chat", "chats", "all mail", NULL};
	int other;

	if (!name || !*name)
		return gg_error(c, 400, "invalidArgument", "No label name specified");
	for (const char *const *r = reserved; *r; r++) {
		if (!strcasecmp(*r, name))
			return gg_error(c, 400, "invalidArgument", "Invalid label name");
	}
	if (strlen(name) > NAME_MAX_LEN || name[0] == '/' || name[strlen(name) - 1] == '/' || name[0] == ' ')
		return gg_error(c, 400, "invalidArgument", "Invalid label name");
	other = gm_label_find_name(box, name);
	if (other >= 0 && other != self)
		return gg_error(c, 409, "aborted", "Label name exists or conflicts");
	return 0;
}

/* What a body says of a label; NULL where it is silent. */
struct wish {
	const char *name, *list, *message, *text, *background;
};

static int wish_of(struct gg_call *c, struct wish *ret)
{
	static const char *const list_words[] = {"labelShow", "labelShowIfUnread", "labelHide", NULL};
	static const char *const message_words[] = {"show", "hide", NULL};
	cJSON *body = gg_body(c), *color;
	const char *s;
	struct wish w = {0};

	if (!body)
		return -1;
	w.name = json_str(body, "name");
	if ((s = json_str(body, "labelListVisibility")) && !(w.list = one_of(list_words, s)))
		return gg_error(c, 400, "invalidArgument", "Invalid value at 'label.label_list_visibility'");
	if ((s = json_str(body, "messageListVisibility")) && !(w.message = one_of(message_words, s)))
		return gg_error(
			c, 400, "invalidArgument", "Invalid value at 'label.message_list_visibility'");
	color = json_object(body, "color");
	if (color) {
		w.text = json_str(color, "textColor");
		w.background = json_str(color, "backgroundColor");
		if (!w.text || !w.background || *w.text != '#' || *w.background != '#')
			return gg_error(c, 400, "invalidArgument", "Invalid color");
	}
	*ret = w;
	return 0;
}

static void set_color(struct gm_label *l, const struct wish *w)
{
	if (!w->text)
		return;
	free(l->text);
	free(l->background);
	l->text = gg_dup(w->text);
	l->background = gg_dup(w->background);
}

int gm_labels_create(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct wish w;

	if (!box || wish_of(c, &w) < 0 || name_check(c, box, w.name, -1) < 0)
		return -1;
	unsigned i = gm_label_add(box, w.name, w.list ? w.list : "labelShow", w.message ? w.message : "show");
	set_color(box->labels[i], &w);
	return gg_reply(c, label_json(box->labels[i]));
}

static int change(struct gg_call *c, bool whole)
{
	struct gm_box *box = gm_open(c);
	int index = box ? label_of(c, box) : -1;
	struct wish w;

	if (index < 0 || wish_of(c, &w) < 0)
		return -1;
	struct gm_label *l = box->labels[index];
	if (l->system)
		return gg_error(c, 400, "invalidArgument", "Invalid update request");
	const char *id = json_str(gg_body(c), "id");
	if (id && strcmp(id, l->id) != 0)
		return gg_error(c, 400, "invalidArgument", "Label id does not match");
	if ((whole || w.name) && name_check(c, box, w.name, index) < 0)
		return -1;
	if (w.name) {
		free(l->name);
		l->name = gg_dup(w.name);
	}
	if (w.list || whole)
		l->list_visibility = w.list ? w.list : "labelShow";
	if (w.message || whole)
		l->message_visibility = w.message ? w.message : "show";
	set_color(l, &w);
	return gg_reply(c, label_json(l));
}

int gm_labels_update(struct gg_call *c)
{
	return change(c, true);
}

int gm_labels_patch(struct gg_call *c)
{
	return change(c, false);
}

int gm_labels_delete(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	int index = box ? label_of(c, box) : -1;
	unsigned remove;

	if (index < 0)
		return -1;
	if (box->labels[index]->system)
		return gg_error(c, 400, "invalidArgument", "Invalid delete request");
	remove = (unsigned)index;
	for (size_t i = 0; i < box->nmessages; i++) {
		if (!box->messages[i]->gone)
			gm_relabel(box->messages[i], NULL, 0, &remove, 1);
	}
	box->labels[index]->gone = true;
	return gg_reply_empty(c, 204);
}

int gm_settings(struct gg_call *c)
{
	return gm_open(c) ? gg_reply(c, cJSON_CreateObject()) : -1;
}

int gm_filters_get(struct gg_call *c)
{
	return gm_open(c) ? gg_error(c, 404, "notFound", "Requested entity was not found.") : -1;
}
