/* history.list, watch and stop, threads, and the table of Gmail's routes. */
#include "fakecloud/google/gmail.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static cJSON *history_message(const struct gm_history *h, bool labels)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", h->message->id);
	cJSON_AddStringToObject(o, "threadId", h->message->thread->id);
	if (labels)
		gm_add_labels(o, "labelIds", h->message->box, h->labels, h->nlabels);
	return o;
}

static cJSON *history_json(const struct gm_history *h)
{
	cJSON *o = cJSON_CreateObject(), *one = cJSON_CreateObject();
	const char *name = h->what == GM_ADDED	   ? "messagesAdded"
			   : h->what == GM_DELETED ? "messagesDeleted"
			   : h->what == GM_LABELED ? "labelsAdded"
						   : "labelsRemoved";

	gg_add_i64(o, "id", (int64_t)h->id);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "messages"), history_message(h, false));
	cJSON_AddItemToObject(one, "message", history_message(h, true));
	if (h->what == GM_LABELED || h->what == GM_UNLABELED)
		gm_add_labels(one, "labelIds", h->message->box, h->changed, h->nchanged);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, name), one);
	return o;
}

static int types_of(struct gg_call *c, unsigned *ret)
{
	static const struct {
		const char *name;
		enum gm_event what;
	} types[] = {{"messageAdded", GM_ADDED}, {"messageDeleted", GM_DELETED}, {"labelAdded", GM_LABELED},
		{"labelRemoved", GM_UNLABELED}};
	const char *s;
	unsigned mask = 0;

	for (int i = 0; (s = fc_query_nth(c->req, "historyTypes", i)); i++) {
		unsigned found = 0;
		for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
			if (!strcmp(types[k].name, s))
				found = types[k].what;
		}
		if (!found)
			return gg_error(
				c, 400, "invalidArgument", "Invalid value at 'history_types': \"%s\"", s);
		mask |= found;
	}
	*ret = mask ? mask : 15;
	return 0;
}

static bool listed(const unsigned *labels, size_t n, unsigned label)
{
	for (size_t i = 0; i < n; i++) {
		if (labels[i] == label)
			return true;
	}
	return false;
}

int gm_history_list(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	const char *start = gg_query(c, "startHistoryId"), *token = gg_query(c, "pageToken"),
		   *label = gg_query(c, "labelId");
	int max, n = 0, filter = -1;
	int64_t from, after;
	unsigned types = 0;
	cJSON *doc, *list = NULL;

	if (!box)
		return -1;
	max = gg_page_size(c, "maxResults", 100, 500);
	if (max < 0)
		return gg_error(c, 400, "invalidArgument", "Invalid maxResults");
	if (!start || units_int(start, 0, INT64_MAX, &from) < 0)
		return gg_error(c, 400, "invalidArgument",
			start ? "Invalid startHistoryId" : "Missing startHistoryId");
	if (types_of(c, &types) < 0)
		return -1;
	if (label && *label && (filter = gm_label_find(box, label)) < 0)
		return gg_error(c, 400, "invalidArgument", "Invalid label: %s", label);
	after = from;
	if (token && *token && (*token != 'h' || units_int(token + 1, from, INT64_MAX, &after) < 0))
		return gg_error(c, 400, "invalidArgument", "Invalid pageToken");
	if ((uint64_t)from < box->history_floor || (uint64_t)after < box->history_floor)
		return gg_error(c, 404, "notFound", "Requested entity was not found.");
	doc = cJSON_CreateObject();
	for (size_t i = 0; i < box->nhistory; i++) {
		const struct gm_history *h = &box->history[i];
		if (h->id <= (uint64_t)after || !(h->what & types))
			continue;
		if (filter >= 0 && !listed(h->labels, h->nlabels, (unsigned)filter) &&
			!listed(h->changed, h->nchanged, (unsigned)filter))
			continue;
		if (n == max) {
			cJSON *last = list->child->prev; /* the list's end, as cJSON keeps it */
			cJSON_AddStringToObject(doc, "nextPageToken",
				arena_printf(c->req->arena, "h%s", json_str(last, "id")));
			break;
		}
		if (!list)
			list = cJSON_AddArrayToObject(doc, "history");
		cJSON_AddItemToArray(list, history_json(h));
		n++;
	}
	gg_add_i64(doc, "historyId", (int64_t)box->history_id);
	return gg_reply(c, doc);
}

int gm_watch(struct gg_call *c)
{
	static const char *const filters[] = {"labelFilterBehavior", "labelFilterAction"};
	struct gm_box *box = gm_open(c);
	cJSON *body = box ? gg_body(c) : NULL, *doc;
	unsigned *labels;
	size_t n;

	if (!body)
		return -1;
	const char *topic = json_str_or(body, "topicName", "");
	if (!gg_has_prefix(topic, "projects/") || !strstr(topic, "/topics/"))
		return gg_error(c, 400, "invalidArgument",
			"Invalid topicName does not match projects/sekisho-%s/topics/*", c->tenant->name);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		const char *how = json_str(body, filters[i]);
		if (how && strcasecmp(how, "include") != 0 && strcasecmp(how, "exclude") != 0)
			return gg_error(
				c, 400, "invalidArgument", "Invalid value at '%s': \"%s\"", filters[i], how);
	}
	if (gm_labels_of(c, box, "labelIds", true, &labels, &n) < 0)
		return -1;
	doc = cJSON_CreateObject();
	gg_add_i64(doc, "historyId", (int64_t)box->history_id);
	gg_add_i64(doc, "expiration", fc_now() + 7 * 86400000LL);
	return gg_reply(c, doc);
}

int gm_stop(struct gg_call *c)
{
	return gm_open(c) ? gg_reply_empty(c, 204) : -1;
}

/* ---- threads ---- */

static struct gm_thread *thread_of(struct gg_call *c, struct gm_box *box)
{
	struct gm_thread *t = box ? gm_thread_find(box, c->var[1]) : NULL;

	if (box && !t)
		gg_error(c, 404, "notFound", "Requested entity was not found.");
	return t;
}

static uint64_t thread_history(const struct gm_thread *t)
{
	uint64_t id = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->messages[i]->history > id)
			id = t->messages[i]->history;
	}
	return id;
}

int gm_threads_list(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_listing l;
	struct map seen = {0};
	const struct gm_message *last = NULL;
	cJSON *doc, *list = NULL;
	int n = 0, total = 0;
	bool more = false;

	if (!box || gm_listing_read(c, box, &l) < 0)
		return -1;
	gm_sort(box);
	doc = cJSON_CreateObject();
	for (size_t i = 0; i < box->nmessages; i++) {
		struct gm_message *m = box->messages[i];
		if (!gm_listing_takes(c, &l, m) || map_get(&seen, m->thread->id))
			continue;
		map_put(&seen, m->thread->id, m); /* a thread stands where its newest match does */
		total++;
		if (more || !gm_listing_behind(&l, m->date, m->id))
			continue;
		if (n == l.max) {
			more = true;
			continue;
		}
		if (!list)
			list = cJSON_AddArrayToObject(doc, "threads");
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", m->thread->id);
		cJSON_AddStringToObject(o, "snippet", m->snippet ? m->snippet : "");
		gg_add_i64(o, "historyId", (int64_t)thread_history(m->thread));
		cJSON_AddItemToArray(list, o);
		last = m;
		n++;
	}
	map_clear(&seen);
	if (more)
		cJSON_AddStringToObject(doc, "nextPageToken",
			arena_printf(c->req->arena, "n%" PRId64 "_%s", last->date, last->id));
	cJSON_AddNumberToObject(doc, "resultSizeEstimate", total);
	return gg_reply(c, doc);
}

static cJSON *thread_json(struct gg_call *c, const struct gm_thread *t, const char *format)
{
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(o, "id", t->id);
	if (format)
		gg_add_i64(o, "historyId", (int64_t)thread_history(t));
	list = cJSON_AddArrayToObject(o, "messages");
	for (size_t i = 0; i < t->n; i++) {
		struct gm_message *m = t->messages[i];
		if (!m->gone)
			cJSON_AddItemToArray(
				list, format ? gm_message_json(c, m, format, mask_sub(c->mask, "messages"))
					     : gm_message_short(m, true));
	}
	return o;
}

int gm_threads_get(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_thread *t;
	const char *format;

	if (!box || gm_format_check(c, &format, false) < 0 || !(t = thread_of(c, box)))
		return -1;
	return gg_reply(c, thread_json(c, t, format));
}

int gm_threads_modify(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_thread *t = thread_of(c, box);
	unsigned *add, *remove;
	size_t nadd, nremove;

	if (!t || gm_labels_of(c, box, "addLabelIds", false, &add, &nadd) < 0 ||
		gm_labels_of(c, box, "removeLabelIds", false, &remove, &nremove) < 0)
		return -1;
	if (!nadd && !nremove)
		return gg_error(c, 400, "invalidArgument", "No label add or removes specified");
	for (size_t i = 0; i < t->n; i++) {
		if (!t->messages[i]->gone)
			gm_relabel(t->messages[i], add, nadd, remove, nremove);
	}
	return gg_reply(c, thread_json(c, t, NULL));
}

static int thread_trash(struct gg_call *c, bool away)
{
	struct gm_thread *t = thread_of(c, gm_open(c));

	if (!t)
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		if (t->messages[i]->gone)
			continue;
		if (away)
			gm_trash_one(t->messages[i]);
		else
			gm_untrash_one(t->messages[i]);
	}
	return gg_reply(c, thread_json(c, t, NULL));
}

int gm_threads_trash(struct gg_call *c)
{
	return thread_trash(c, true);
}

int gm_threads_untrash(struct gg_call *c)
{
	return thread_trash(c, false);
}

/* ---- routes ---- */

#define U "gmail/v1/users/{}/"
#define S_MODIFY "mail gmail.modify"
#define S_CONTENT S_MODIFY " gmail.readonly"
#define S_READ S_CONTENT " gmail.metadata"
#define S_LABELS S_MODIFY " gmail.labels"
#define S_INSERT S_MODIFY " gmail.insert"
#define S_SETTINGS S_CONTENT " gmail.settings.basic"

const struct gg_route gm_routes[] = {
	{"GET", U "profile", GG_GMAIL, 1, S_READ " gmail.compose", "g.Profile", NULL, gm_profile, false},
	{"POST", U "watch", GG_GMAIL, 100, S_READ, "g.WatchResponse", NULL, gm_watch, false},
	{"POST", U "stop", GG_GMAIL, 50, S_READ, NULL, NULL, gm_stop, false},
	{"GET", U "history", GG_GMAIL, 2, S_READ, "g.ListHistoryResponse", NULL, gm_history_list, false},
	{"GET", U "labels", GG_GMAIL, 1, S_READ " gmail.labels", "g.ListLabelsResponse", NULL, gm_labels_list,
		false},
	{"POST", U "labels", GG_GMAIL, 5, S_LABELS, "g.Label", NULL, gm_labels_create, false},
	{"GET", U "labels/{}", GG_GMAIL, 1, S_READ " gmail.labels", "g.Label", NULL, gm_labels_get, false},
	{"PUT", U "labels/{}", GG_GMAIL, 5, S_LABELS, "g.Label", NULL, gm_labels_update, false},
	{"PATCH", U "labels/{}", GG_GMAIL, 5, S_LABELS, "g.Label", NULL, gm_labels_patch, false},
	{"DELETE", U "labels/{}", GG_GMAIL, 5, S_LABELS, NULL, NULL, gm_labels_delete, false},
	{"GET", U "messages", GG_GMAIL, 5, S_READ, "g.ListMessagesResponse", NULL, gm_messages_list, false},
	{"POST", U "messages", GG_GMAIL, 25, S_INSERT, "g.Message", NULL, gm_messages_insert, true},
	{"POST", U "messages/import", GG_GMAIL, 25, S_INSERT, "g.Message", NULL, gm_messages_import, true},
	{"POST", U "messages/batchModify", GG_GMAIL, 50, S_MODIFY, NULL, NULL, gm_messages_batch_modify,
		false},
	{"POST", U "messages/batchDelete", GG_GMAIL, 50, "mail", NULL, NULL, gm_messages_batch_delete, false},
	{"GET", U "messages/{}", GG_GMAIL, 20, S_READ, "g.Message", NULL, gm_messages_get, false},
	{"DELETE", U "messages/{}", GG_GMAIL, 10, "mail", NULL, NULL, gm_messages_delete, false},
	{"POST", U "messages/{}/modify", GG_GMAIL, 5, S_MODIFY, "g.Message", NULL, gm_messages_modify, false},
	{"POST", U "messages/{}/trash", GG_GMAIL, 20, S_MODIFY, "g.Message", NULL, gm_messages_trash, false},
	{"POST", U "messages/{}/untrash", GG_GMAIL, 20, S_MODIFY, "g.Message", NULL, gm_messages_untrash,
		false},
	{"GET", U "messages/{}/attachments/{}", GG_GMAIL, 20, S_CONTENT, "g.MessagePartBody", NULL,
		gm_attachments_get, false},
	{"GET", U "threads", GG_GMAIL, 10, S_READ, "g.ListThreadsResponse", NULL, gm_threads_list, false},
	{"GET", U "threads/{}", GG_GMAIL, 40, S_READ, "g.Thread", NULL, gm_threads_get, false},
	{"POST", U "threads/{}/modify", GG_GMAIL, 10, S_MODIFY, "g.Thread", NULL, gm_threads_modify, false},
	{"POST", U "threads/{}/trash", GG_GMAIL, 20, S_MODIFY, "g.Thread", NULL, gm_threads_trash, false},
	{"POST", U "threads/{}/untrash", GG_GMAIL, 20, S_MODIFY, "g.Thread", NULL, gm_threads_untrash, false},
	{"GET", U "settings/delegates", GG_GMAIL, 1, S_SETTINGS, "g.ListDelegatesResponse", NULL, gm_settings,
		false},
	{"GET", U "settings/filters", GG_GMAIL, 1, S_SETTINGS, "g.ListFiltersResponse", NULL, gm_settings,
		false},
	{"GET", U "settings/filters/{}", GG_GMAIL, 1, S_SETTINGS, "g.Filter", NULL, gm_filters_get, false},
	{"GET", U "settings/forwardingAddresses", GG_GMAIL, 1, S_SETTINGS,
		"g.ListForwardingAddressesResponse", NULL, gm_settings, false},
	{0},
};
