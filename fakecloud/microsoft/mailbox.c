/* The state of mailboxes: folders, messages, their ids and what the feeds say of them. Called by the mail calls and
 * at seeding. Ids: a message has an immutable one and a regular one, which a move changes ("Obtain immutable
 * identifiers for Outlook resources"); folders' ids are constant. */
#include "fakecloud/microsoft/microsoft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX (1u << 20)

/* Well-known folders: name, displayName, and whether it lies below the top of the mailbox, hidden or not. */
static const struct {
	const char *well_known, *display;
	char where; /* 't' below msgfolderroot, 'h' the same but hidden, 'r' in the dumpster, out of the listings */
} defaults[] = {
	{"inbox", "Inbox", 't'},
	{"drafts", "Drafts", 't'},
	{"sentitems", "Sent Items", 't'},
	{"deleteditems", "Deleted Items", 't'},
	{"junkemail", "Junk Email", 't'},
	{"archive", "Archive", 't'},
	{"outbox", "Outbox", 't'},
	{"conversationhistory", "Conversation History", 't'},
	{"syncissues", "Sync Issues", 'h'},
	{"clutter", "Clutter", 'h'},
	{"recoverableitemsroot", "Recoverable Items", 'r'},
	{"recoverableitemsdeletions", "Deletions", 'r'},
	{"recoverableitemspurges", "Purges", 'r'},
};

struct ms_folder *ms_folder_add(struct ms_mailbox *box, struct ms_folder *parent, const char *name, const char *id,
	bool hidden)
{
	struct ms_folder *f = ms_alloc(sizeof(*f));

	*f = (struct ms_folder){.box = box, .parent = parent, .hidden = hidden};
	f->name = ms_strdup(name);
	f->id = id ? ms_strdup(id) : ms_mail_id("AAMkAGUwM", NULL);
	ms_map_put(&box->folder_by_id, f->id, f);
	ms_vec_add(&box->folders, f);
	if (parent) {
		ms_vec_add(&parent->children, f);
		ms_log(&box->log, f, 'c');
	}
	return f;
}

struct ms_mailbox *ms_mailbox_new(struct ms_user *user)
{
	struct ms_mailbox *box = ms_alloc(sizeof(*box));
	struct ms_folder *dumpster = NULL;
	const char *t = user->tenant->name;

	box->user = user;
	for (size_t i = 0; i < ARRAY_SIZE(defaults) + 1; i++) {
		const char *wk = i ? defaults[i - 1].well_known : "msgfolderroot";
		char where = i ? defaults[i - 1].where : 't';
		char *id = ms_mail_id("AAMkAGUwM", MS_WORDS(t, "microsoft", user->upn, "mail", wk));
		struct ms_folder *f = ms_folder_add(box, !i ? NULL : where == 'r' ? dumpster : box->root,
			i ? defaults[i - 1].display : "Top of Information Store", id, where == 'h');
		f->well_known = wk;
		if (!i)
			box->root = f;
		if (where == 'r' && !dumpster)
			dumpster = f;
		free(id);
	}
	return box;
}

struct ms_folder *ms_folder_find(struct ms_mailbox *box, const char *id)
{
	struct ms_folder *f = ms_map_get(&box->folder_by_id, id);

	if (f)
		return f->deleted ? NULL : f;
	for (size_t i = 0; i < box->folders.n; i++) {
		f = box->folders.v[i];
		if (f->well_known && !strcasecmp(f->well_known, id))
			return f;
	}
	return NULL;
}

struct ms_folder *ms_folder_child(struct ms_folder *parent, const char *name)
{
	for (size_t i = 0; i < parent->children.n; i++) {
		struct ms_folder *f = parent->children.v[i];
		if (!strcasecmp(f->name, name))
			return f;
	}
	return NULL;
}

struct ms_folder *ms_folder_seed(struct ms_mailbox *box, struct ms_folder *parent, const char *name)
{
	struct ms_folder *f = ms_folder_child(parent, name);
	char *id;

	if (!f && parent == box->root)
		f = ms_folder_find(box, name);
	if (f && !f->hidden)
		return f;
	id = ms_mail_id("AAMkAGUwM",
		MS_WORDS(box->user->tenant->name, "microsoft", box->user->upn, "mail", parent->id, name));
	f = ms_folder_add(box, parent, name, id, false);
	free(id);
	return f;
}

bool ms_folder_below(const struct ms_folder *f, const struct ms_folder *top)
{
	for (; f; f = f->parent) {
		if (f == top)
			return true;
	}
	return false;
}

static void regular_id(struct ms_message *m)
{
	char moves[24];

	snprintf(moves, sizeof(moves), "%u", m->moves);
	free(m->id);
	m->id = ms_mail_id("AAMkAGUwMDQ", MS_WORDS(m->immutable, moves));
	ms_map_put(&m->box->by_id, m->id, m);
}

static void folder_counts_changed(struct ms_folder *f)
{
	if (f->parent)
		ms_log(&f->box->log, f, 'u');
}

static struct ms_message *message_new(struct ms_folder *folder, struct fc_blob *blob, const char *const *words)
{
	struct ms_message *m = ms_alloc(sizeof(*m));

	*m = (struct ms_message){.box = folder->box,
		.folder = folder,
		.blob = blob,
		.attachments = -1,
		.flag = "notFlagged",
		.inference = "focused"};
	m->number = ++folder->box->next_message;
	m->immutable = ms_mail_id("AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A", words);
	ms_map_put(&folder->box->by_id, m->immutable, m);
	regular_id(m);
	ms_vec_add(&folder->messages, m);
	return m;
}

struct ms_message *ms_message_add(struct ms_folder *folder, struct fc_blob *blob, const char *const *words,
	int64_t received)
{
	struct ms_message *m = message_new(folder, blob, words);

	m->created = m->modified = m->received = received;
	ms_log(&folder->log, m, 'c');
	if (!words)
		folder_counts_changed(folder);
	return m;
}

static void leave(struct ms_message *m, bool soft)
{
	struct ms_change *ch = ms_log(&m->folder->log, m, 'd');

	ch->gone_id = ms_strdup(m->id);
	ch->soft = soft;
	ms_vec_remove(&m->folder->messages, m);
	folder_counts_changed(m->folder);
}

void ms_message_touch(struct ms_message *m)
{
	m->changes++;
	m->modified = fc_now();
	if (m->folder)
		ms_log(&m->folder->log, m, 'u');
}

void ms_message_move(struct ms_message *m, struct ms_folder *to, bool soft)
{
	leave(m, soft);
	ms_map_put(&m->box->by_id, m->id, NULL);
	m->folder = to;
	if (!to) {
		ms_map_put(&m->box->by_id, m->immutable, NULL);
		return;
	}
	m->moves++;
	m->changes++;
	m->modified = fc_now();
	regular_id(m);
	ms_vec_add(&to->messages, m);
	ms_log(&to->log, m, 'c');
	folder_counts_changed(to);
}

struct ms_message *ms_message_copy(struct ms_message *m, struct ms_folder *to)
{
	struct ms_message *copy = message_new(to, m->blob, NULL);

	copy->created = copy->modified = fc_now();
	copy->received = m->received;
	copy->is_read = m->is_read;
	copy->is_draft = m->is_draft;
	copy->importance = m->importance;
	copy->flag = m->flag;
	copy->inference = m->inference;
	for (size_t i = 0; i < m->categories.n; i++)
		ms_vec_add(&copy->categories, ms_strdup(m->categories.v[i]));
	ms_log(&to->log, copy, 'c');
	folder_counts_changed(to);
	return copy;
}

const char *ms_message_id(const struct ms_ctx *c, const struct ms_message *m)
{
	return c->immutable ? m->immutable : m->id;
}

void ms_change_key(const struct ms_message *m, char out[MS_CHANGE_KEY])
{
	char changes[24], hex[33];

	snprintf(changes, sizeof(changes), "%u", m->changes);
	fc_stable_id(hex, 32, MS_WORDS(m->immutable, "change", changes));
	hex[32] = 0;
	snprintf(out, MS_CHANGE_KEY, "CQAAAB%s", hex);
}

const cJSON *ms_message_meta(struct ms_message *m)
{
	if (!m->meta) {
		_cleanup_buf_ struct buf b = BUF_INIT(HEAD_MAX);
		int64_t size = fc_blob_size(m->blob);
		fc_blob_read(m->blob, 0, size < HEAD_MAX ? (size_t)size : HEAD_MAX, &b);
		m->meta = ms_mime_meta(buf_str(&b), b.len);
	}
	return m->meta;
}

static void folder_path(const struct ms_folder *f, struct buf *out)
{
	if (f->parent)
		folder_path(f->parent, out);
	if (f->parent)
		buf_addf(out, "/%s", f->name);
}

static bool folder_quarantined(const struct ms_folder *f)
{
	for (; f; f = f->parent) {
		if (f->hidden)
			return true;
	}
	return false;
}

static void message_state(struct ms_tenant *t, struct ms_message *m, cJSON *items)
{
	_cleanup_buf_ struct buf place = BUF_INIT(64 << 10);
	char version[MS_CHANGE_KEY];
	cJSON *o = cJSON_CreateObject(), *labels;

	folder_path(m->folder, &place);
	ms_change_key(m, version);
	j_str(o, "provider", "microsoft");
	j_str(o, "tenant", t->name);
	j_str(o, "service", "exchange");
	j_str(o, "id", m->immutable);
	j_str(o, "owner", m->box->user->upn);
	j_str(o, "place", buf_str(&place));
	j_str(o, "name", json_str_or(ms_message_meta(m), "subject", ""));
	j_num(o, "size", (double)fc_blob_size(m->blob));
	j_str(o, "sha256", fc_blob_digests(m->blob, DIGEST_SHA256)->sha256);
	labels = j_array(o, "labels");
	for (size_t i = 0; i < m->categories.n; i++)
		cJSON_AddItemToArray(labels, cJSON_CreateString(m->categories.v[i]));
	j_array(o, "sharing");
	j_str(o, "version", version);
	j_bool(o, "quarantined", folder_quarantined(m->folder));
	cJSON_AddItemToArray(items, o);
}

void ms_mail_state(struct ms_tenant *t, cJSON *items)
{
	for (size_t u = 0; u < t->users.n; u++) {
		struct ms_mailbox *box = ((struct ms_user *)t->users.v[u])->box;
		for (size_t f = 0; box && f < box->folders.n; f++) {
			struct ms_folder *folder = box->folders.v[f];
			/* The dumpster holds what is deleted. */
			if (folder->deleted || !ms_folder_below(folder, box->root))
				continue;
			for (size_t i = 0; i < folder->messages.n; i++)
				message_state(t, folder->messages.v[i], items);
		}
	}
}
