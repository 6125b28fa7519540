/* Encrypted content of an item: kept while it is scanned, opened when all of the item's text is known, and what comes out
 * scanned as parts below it. Part of inspect.c, in a worker, on its one thread.
 *
 * A reason "encrypted" is put off as long as there is something to try. Whatever is not opened whole is noted in the end:
 * a wrong password, a missing one, a limit. Content that is not encrypted comes through here in open_kind_of() alone. */
#include "scan/inspect_impl.h"

#include "scan/names.h"
#include "scan/reader.h"

#include "base/timeutil.h"

#include <string.h>

/* A copy, because libclamav's memory goes with the layer; the item itself stays where it is. */
void kept_add(struct inspect *i, struct layer *l, const uint8_t *data, size_t len)
{
	enum open_kind kind = l->part < 0 || l->derived ? OPEN_NONE : open_kind_of(l->type, data, len);

	l->kept = -1;
	if (kind == OPEN_NONE)
		return;
	i->unkept |= 1u << kind;
	if (i->n_kept == MAX_KEPT)
		return;
	struct kept *k = &i->kept[i->n_kept];
	*k = (struct kept){.kind = kind, .part = l->part, .level = l->level, .data = data, .len = len};
	if (l->level > 0) {
		if ((int64_t)(i->kept_bytes + len) > i->limits.part || !(k->copy = malloc(len)))
			return;
		memcpy(k->copy, data, len);
		k->data = k->copy;
		i->kept_bytes += len;
	}
	snprintf(k->type, sizeof(k->type), "%s", l->type);
	parts_path(i, k->path, sizeof(k->path));
	l->kept = i->n_kept++;
	i->unkept &= ~(1u << kind);
}

void kept_clear(struct inspect *i)
{
	for (int n = 0; n < i->n_kept; n++)
		free(i->kept[n].copy);
	i->n_kept = 0;
	i->kept_bytes = 0;
	i->told = i->unkept = 0;
}

/* libclamav looks at some content twice; what it made itself of a layer counts as that layer. */
static struct kept *kept_of(struct inspect *i)
{
	int n = i->n_layers - 1;

	while (n > 0 && i->layers[n].derived && i->layers[n].kept < 0)
		n--;
	return n >= 0 && i->layers[n].kept >= 0 ? &i->kept[i->layers[n].kept] : NULL;
}

void inspect_closed(struct inspect *i, enum reason reason)
{
	struct kept *k = kept_of(i);

	if (!k) {
		inspect_note(i, reason);
		return;
	}
	k->reason = reason;
	k->closed = true;
	i->n_reasons++; /* nobody around it is remembered as clean */
}

/* libclamav says so in the end, when the layers are gone. Of archives its announcement of members has told already. */
void inspect_told(struct inspect *i, const char *name, enum reason reason)
{
	if (strstr(name, "Encrypted.Zip"))
		i->told |= 1u << OPEN_ZIP;
	else if (strstr(name, "Encrypted.PDF"))
		i->told |= 1u << OPEN_PDF;
	else if (strstr(name, "Encrypted.OLE2") || strstr(name, "Encrypted.Doc"))
		i->told |= 1u << OPEN_OFFICE;
	else
		inspect_note(i, reason);
	/* Of those that encrypt their directory, no member tells of it. */
	if (strstr(name, "Encrypted.7Zip"))
		parts_mark_closed(i, "CL_TYPE_7Z");
	else if (strstr(name, "Encrypted.RAR"))
		parts_mark_closed(i, "CL_TYPE_RAR");
	i->n_reasons++;
}

void kept_told(struct inspect *i)
{
	for (int kind = OPEN_ZIP; kind <= OPEN_OFFICE; kind++) {
		enum reason reason = kind == OPEN_ZIP ? REASON_ENCRYPTED_ARCHIVE : REASON_ENCRYPTED_DOCUMENT;
		bool some = false;
		if (!(i->told & 1u << kind))
			continue;
		for (int n = 0; n < i->n_kept; n++) {
			struct kept *k = &i->kept[n];
			if ((int)k->kind != kind || k->tried)
				continue;
			/* Which of several PDFs it was is not told; those that are open to everybody open without a password. */
			if (kind == OPEN_PDF) {
				k->closed = true;
				k->reason = reason;
			}
			some |= k->closed;
		}
		if (!some || (i->unkept & 1u << kind))
			inspect_note(i, reason);
	}
	i->told = 0;
}

void kept_close(struct inspect *i, const struct layer *l)
{
	if (l->kept >= 0)
		i->kept[l->kept].n_encrypted = members_encrypted(i->store, &l->members);
}

/* Scans one thing that came out, as a part of its own. */
static void scan_opened(struct inspect *i, struct cl_engine *engine, const struct kept *k, const struct opened *m, int64_t until)
{
	int64_t left = until - time_monotonic_ms();

	if (left <= 0) {
		inspect_note(i, REASON_TIME);
		return;
	}
	i->base = k->level + 1;
	i->top_seen = false;
	i->opened_name = m->name;
	i->layers[0] = (struct layer){.level = k->level, .part = k->part, .kept = -1, .reasons = i->n_reasons, .found = i->n_found};
	snprintf(i->layers[0].type, sizeof(i->layers[0].type), "%s", k->type);
	snprintf(i->layers[0].name, sizeof(i->layers[0].name), "%s", k->path);
	members_open(i->store, &i->layers[0].members);
	i->n_layers = 1;
	inspect_scan(i, engine, m->data, m->len, left);
	i->opened_name = NULL;
}

/* A member of up to five bytes is clean by rule, and libclamav shows none; it was opened all the same. */
static void tell_tiny(struct inspect *i, const struct kept *k, const struct opened *m)
{
	int n = parts_find_closed(i, k->part, m->name);

	if (n >= 0)
		i->reply->parts[n].opened = true;
}

static enum open_result open_one(struct inspect *i, struct cl_engine *engine, const struct kept *k, int64_t until)
{
	struct opening *o = opening_new(k->kind, k->data, k->len, &i->passwords, i->limits.parts, &i->tries);
	enum open_result r = o ? OPEN_MEMBER : OPEN_MEMORY;

	while (r == OPEN_MEMBER) {
		struct opened m;
		int64_t room = i->limits.total - i->total;
		if (room > i->limits.part)
			room = i->limits.part;
		r = opening_next(o, room < 0 ? 0 : (size_t)room, until, &m);
		if (r == OPEN_MEMBER && m.len > 5)
			scan_opened(i, engine, k, &m, until);
		else if (r == OPEN_MEMBER)
			tell_tiny(i, k, &m);
		if (i->reason <= REASON_DEPTH) /* a limit: nothing more will change the outcome */
			break;
	}
	/* The directory must have named as many as libclamav saw. */
	if (r == OPEN_END && o && opening_count(o) < k->n_encrypted)
		r = OPEN_CLOSED;
	opening_free(o);
	return r;
}

void kept_open(struct inspect *i, struct cl_engine *engine, const struct scan_request *req, int64_t until)
{
	i->tries = 0;
	i->passwords = *reader_passwords(i->reader);
	for (int n = 0; n < req->n_passwords; n++)
		passwords_add(&i->passwords, req->passwords[n], SIZE_MAX);
	/* What comes out may be encrypted, too: then the list grows. */
	for (int n = 0; n < i->n_kept; n++) {
		struct kept *k = &i->kept[n];
		if (!k->closed)
			continue;
		k->tried = true;
		switch (open_one(i, engine, k, until)) {
		case OPEN_END:
			i->reply->parts[k->part].opened = true;
			break;
		case OPEN_SIZE:
			inspect_note(i, i->limits.total - i->total < i->limits.part ? REASON_TOTAL_SIZE : REASON_PART_SIZE);
			break;
		case OPEN_MEMORY:
			inspect_note(i, REASON_MEMORY);
			break;
		case OPEN_TIME:
			if (time_monotonic_ms() >= until)
				inspect_note(i, REASON_TIME);
			inspect_note(i, k->reason);
			break;
		case OPEN_MEMBER:
		case OPEN_CLOSED:
			inspect_note(i, k->reason);
			break;
		}
		free(k->copy);
		k->copy = NULL;
		i->kept_bytes -= k->level > 0 ? k->len : 0;
		/* Texts of mails within may have told more. */
		const struct passwords *found = reader_passwords(i->reader);
		for (int f = 0; f < found->n; f++)
			passwords_add(&i->passwords, found->of[f], SIZE_MAX);
	}
	passwords_wipe(&i->passwords);
}
