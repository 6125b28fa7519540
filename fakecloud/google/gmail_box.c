/* A mailbox's structures and every change of them; each change writes the history that the feed gives. */
#include "fakecloud/google/gmail.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *id, *list, *message;
} system_labels[GM_SYSTEM_COUNT] = {
	[GM_INBOX] = {"INBOX", NULL, NULL},
	[GM_SENT] = {"SENT", NULL, NULL},
	[GM_DRAFT] = {"DRAFT", NULL, NULL},
	[GM_SPAM] = {"SPAM", "labelHide", "hide"},
	[GM_TRASH] = {"TRASH", "labelHide", "hide"},
	[GM_UNREAD] = {"UNREAD", NULL, NULL},
	[GM_STARRED] = {"STARRED", NULL, NULL},
	[GM_IMPORTANT] = {"IMPORTANT", "labelHide", "hide"},
	[GM_CHAT] = {"CHAT", "labelHide", "hide"},
	[GM_CATEGORY_PERSONAL] = {"CATEGORY_PERSONAL", "labelHide", "hide"},
	[GM_CATEGORY_SOCIAL] = {"CATEGORY_SOCIAL", "labelHide", "hide"},
	[GM_CATEGORY_PROMOTIONS] = {"CATEGORY_PROMOTIONS", "labelHide", "hide"},
	[GM_CATEGORY_UPDATES] = {"CATEGORY_UPDATES", "labelHide", "hide"},
	[GM_CATEGORY_FORUMS] = {"CATEGORY_FORUMS", "labelHide", "hide"},
};

struct gm_box *gm_box_new(struct gg_user *user)
{
	struct gm_box *box = gg_alloc(sizeof(*box));

	box->user = user;
	box->next_label = 1;
	box->history_id = box->history_floor = 1000;
	for (size_t i = 0; i < GM_SYSTEM_COUNT; i++) {
		struct gm_label *l = gg_alloc(sizeof(*l));
		snprintf(l->id, sizeof(l->id), "%s", system_labels[i].id);
		l->name = gg_dup(l->id);
		l->list_visibility = system_labels[i].list;
		l->message_visibility = system_labels[i].message;
		l->system = true;
		GG_PUSH(box->labels, box->nlabels, l);
	}
	return box;
}

/* ---- labels ---- */

int gm_label_find(const struct gm_box *box, const char *id)
{
	for (size_t i = 0; i < box->nlabels; i++) {
		if (!box->labels[i]->gone && !strcmp(box->labels[i]->id, id))
			return (int)i;
	}
	return -1;
}

int gm_label_find_name(const struct gm_box *box, const char *name)
{
	for (size_t i = 0; i < box->nlabels; i++) {
		if (!box->labels[i]->gone && !strcasecmp(box->labels[i]->name, name))
			return (int)i;
	}
	return -1;
}

unsigned gm_label_add(
	struct gm_box *box, const char *name, const char *list_visibility, const char *message_visibility)
{
	struct gm_label *l = gg_alloc(sizeof(*l));

	snprintf(l->id, sizeof(l->id), "Label_%u", box->next_label++);
	l->name = gg_dup(name);
	l->list_visibility = list_visibility;
	l->message_visibility = message_visibility;
	GG_PUSH(box->labels, box->nlabels, l);
	return (unsigned)box->nlabels - 1;
}

bool gm_has(const struct gm_message *m, unsigned label)
{
	for (size_t i = 0; i < m->nlabels; i++) {
		if (m->labels[i] == label)
			return true;
	}
	return false;
}

void gm_label_set(struct gm_message *m, unsigned label)
{
	if (!gm_has(m, label))
		GG_PUSH(m->labels, m->nlabels, label);
}

static void label_unset(struct gm_message *m, unsigned label)
{
	for (size_t i = 0; i < m->nlabels; i++) {
		if (m->labels[i] == label) {
			memmove(m->labels + i, m->labels + i + 1, (m->nlabels - i - 1) * sizeof(*m->labels));
			m->nlabels--;
			return;
		}
	}
}

/* ---- history ---- */

static unsigned *copy_labels(const unsigned *labels, size_t n)
{
	unsigned *p = gg_alloc(n * sizeof(*p));

	if (n)
		memcpy(p, labels, n * sizeof(*p));
	return p;
}

static void record(struct gm_message *m, enum gm_event what, const unsigned *changed, size_t nchanged)
{
	struct gm_box *box = m->box;
	unsigned char step;

	random_bytes(&step, 1); /* ids rise and are not contiguous */
	box->history_id += 1 + step % 7;
	m->history = box->history_id;
	struct gm_history h = {.id = box->history_id,
		.what = what,
		.message = m,
		.labels = copy_labels(m->labels, m->nlabels),
		.nlabels = m->nlabels,
		.changed = copy_labels(changed, nchanged),
		.nchanged = nchanged};
	GG_PUSH(box->history, box->nhistory, h);
	fc_changed();
}

void gm_history_lose(struct gm_box *box)
{
	box->history_id += 1000;
	box->history_floor = box->history_id;
	for (size_t i = 0; i < box->nhistory; i++) {
		free(box->history[i].labels);
		free(box->history[i].changed);
	}
	free(box->history);
	box->history = NULL;
	box->nhistory = 0;
}

void gm_relabel(
	struct gm_message *m, const unsigned *add, size_t nadd, const unsigned *remove, size_t nremove)
{
	_cleanup_free_ unsigned *really = gg_alloc((nadd + nremove + 1) * sizeof(*really));
	size_t n = 0;

	for (size_t i = 0; i < nadd; i++) {
		if (!gm_has(m, add[i])) {
			gm_label_set(m, add[i]);
			really[n++] = add[i];
		}
	}
	if (n)
		record(m, GM_LABELED, really, n);
	n = 0;
	for (size_t i = 0; i < nremove; i++) {
		if (gm_has(m, remove[i])) {
			label_unset(m, remove[i]);
			really[n++] = remove[i];
		}
	}
	if (n)
		record(m, GM_UNLABELED, really, n);
}

/* ---- messages and threads ---- */

/* The subject without its reply marks: what has to agree within a thread. */
static const char *base_subject(const char *s)
{
	for (;;) {
		s += strspn(s, " \t");
		if (!strncasecmp(s, "re:", 3) || !strncasecmp(s, "fw:", 3))
			s += 3;
		else if (!strncasecmp(s, "fwd:", 4))
			s += 4;
		else
			return s;
	}
}

/* The thread of the last referenced message that we have and whose subject agrees. */
static struct gm_thread *thread_of(const struct gm_box *box, const struct gm_message *m)
{
	struct gm_thread *found = NULL;

	for (const char *p = m->references; p && (p = strchr(p, '<')); p++) {
		size_t len = strcspn(p, ">");
		char key[512];
		if (len + 2 > sizeof(key) || p[len] != '>')
			continue;
		memcpy(key, p, len + 1);
		key[len + 1] = 0;
		struct gm_message *other = map_get(&box->by_message_id, key);
		if (other && !other->gone &&
			!strcasecmp(base_subject(other->subject ? other->subject : ""),
				base_subject(m->subject ? m->subject : "")))
			found = other->thread;
	}
	return found;
}

struct gm_message *gm_message_add(
	struct gm_box *box, const char *id, struct fc_blob *blob, int64_t date, struct gm_thread *thread)
{
	struct gm_message *m = gg_alloc(sizeof(*m));

	snprintf(m->id, sizeof(m->id), "%s", id);
	m->box = box;
	m->blob = blob;
	m->date = date;
	m->has_attachment = -1;
	gm_headers_read(m);
	if (!thread)
		thread = thread_of(box, m);
	if (!thread) {
		thread = gg_alloc(sizeof(*thread));
		snprintf(thread->id, sizeof(thread->id), "%s", id);
		map_put(&box->threads, thread->id, thread);
	}
	m->thread = thread;
	GG_PUSH(thread->messages, thread->n, m);
	GG_PUSH(box->messages, box->nmessages, m);
	box->sorted = false;
	map_put(&box->by_id, m->id, m);
	if (m->message_id && !map_get(&box->by_message_id, m->message_id))
		map_put(&box->by_message_id, m->message_id, m);
	return m;
}

void gm_message_begin(struct gm_message *m)
{
	record(m, GM_ADDED, NULL, 0);
}

void gm_message_delete(struct gm_message *m)
{
	if (m->gone)
		return;
	m->gone = true;
	record(m, GM_DELETED, NULL, 0);
	map_del(&m->box->by_id, m->id);
	if (m->message_id && map_get(&m->box->by_message_id, m->message_id) == m)
		map_del(&m->box->by_message_id, m->message_id);
}

static int newest_first(const void *a, const void *b)
{
	const struct gm_message *x = *(struct gm_message *const *)a, *y = *(struct gm_message *const *)b;

	if (x->date != y->date)
		return x->date < y->date ? 1 : -1;
	return strcmp(y->id, x->id);
}

void gm_sort(struct gm_box *box)
{
	if (!box->sorted && box->nmessages)
		qsort(box->messages, box->nmessages, sizeof(*box->messages), newest_first);
	box->sorted = true;
}

struct gm_message *gm_message_find(const struct gm_box *box, const char *id)
{
	return map_get(&box->by_id, id);
}

size_t gm_thread_size(const struct gm_thread *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->messages[i]->gone;
	return n;
}

struct gm_thread *gm_thread_find(const struct gm_box *box, const char *id)
{
	struct gm_thread *t = map_get(&box->threads, id);

	return t && gm_thread_size(t) ? t : NULL;
}
