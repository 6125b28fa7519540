/* The tree of parts in a scan's reply: which layer is described, below which, and what is marked on it.
 *
 * Called by inspect.c within libclamav's callbacks, in a worker, on its one thread. Layers are more than parts: what
 * libclamav made of a layer itself is none of the item's, and the reply has room for SCAN_MAX_PARTS. */
#include "scan/inspect_impl.h"
#include "scan/names.h"
#include "scan/types.h"

#include "base/buf.h"
#include "base/digest.h"

#include <string.h>

int parts_parent(const struct inspect *i, int layer)
{
	while (--layer >= 0)
		if (i->layers[layer].part >= 0)
			return i->layers[layer].part;
	return -1;
}

void parts_add(struct inspect *i, struct layer *l, int64_t size)
{
	struct scan_reply *r = i->reply;

	l->part = -1;
	if (l->derived)
		return;
	r->parts_seen++;
	if (l->level > 0) {
		if (r->parts_seen - 1 > i->limits.parts)
			inspect_note(i, REASON_PARTS);
		i->total += size;
		if (i->total > i->limits.total)
			inspect_note(i, REASON_TOTAL_SIZE);
		if (size > i->limits.part)
			inspect_note(i, REASON_PART_SIZE);
		if ((int)l->level > i->limits.depth)
			inspect_note(i, REASON_DEPTH);
	}
	int parent = parts_parent(i, i->n_layers - 1);
	/* What was opened stands there already, by its name. */
	int told = i->opened_name && l->level == i->base ? parts_find_closed(i, parent, l->name) : -1;
	if (told >= 0) {
		struct scan_part *p = &r->parts[told];
		r->parts_seen--;
		l->part = told;
		p->size = size;
		p->opened = true;
		name_copy(p->type, sizeof(p->type), l->type, SIZE_MAX);
		return;
	}
	if (r->n_parts == SCAN_MAX_PARTS || (parent < 0) != (r->n_parts == 0) || (parent < 0) != (l->level == 0))
		return;
	l->part = r->n_parts++;
	struct scan_part *p = &r->parts[l->part];
	*p = (struct scan_part){.size = size, .depth = (int)l->level, .parent = parent};
	name_of_member(p->name, sizeof(p->name), l->name);
	name_copy(p->type, sizeof(p->type), l->type, SIZE_MAX);
	p->encrypted = p->opened = i->opened_name && l->level == i->base;
}

int parts_find_closed(const struct inspect *i, int parent, const char *name)
{
	const struct scan_reply *r = i->reply;

	for (int n = parent + 1; n < r->n_parts; n++)
		if (r->parts[n].parent == parent && r->parts[n].encrypted && !r->parts[n].opened && !r->parts[n].type[0] &&
			strcmp(r->parts[n].name, name) == 0)
			return n;
	return -1;
}

void parts_add_encrypted(struct inspect *i, const struct layer *l, const char *name, int64_t size)
{
	struct scan_reply *r = i->reply;
	struct scan_part p = {.size = size, .depth = (int)l->level + 1, .parent = parts_parent(i, i->n_layers), .encrypted = true};

	if (r->n_parts == 0 || r->n_parts == SCAN_MAX_PARTS)
		return;
	name_of_member(p.name, sizeof(p.name), name);
	for (int n = p.parent + 1; n < r->n_parts; n++)
		if (r->parts[n].parent == p.parent && r->parts[n].encrypted && !r->parts[n].type[0] &&
			strcmp(r->parts[n].name, p.name) == 0)
			return;
	r->parts[r->n_parts++] = p;
	r->parts_seen++;
}

void parts_hash(struct scan_reply *r, int part, const void *data, size_t len)
{
	static const char *const pictures[] = {"CL_TYPE_GRAPHICS", "CL_TYPE_JPEG", "CL_TYPE_PNG", "CL_TYPE_GIF", "CL_TYPE_TIFF"};
	struct scan_part *p = &r->parts[part];
	const char *around = p->parent >= 0 ? r->parts[p->parent].type : "";
	struct digests d;

	for (size_t i = 0; part > 0 && i < ARRAY_SIZE(pictures); i++)
		if (strncmp(p->type, pictures[i], strlen(pictures[i])) == 0)
			return;
	if ((strncmp(around, "CL_TYPE_OOXML", 13) == 0 || strncmp(around, "CL_TYPE_ODF", 11) == 0) &&
		(strncmp(p->type, "CL_TYPE_TEXT", 12) == 0 || strncmp(p->type, "CL_TYPE_XML", 11) == 0))
		return;
	if (digest_bytes(DIGEST_SHA1 | DIGEST_MD5, data, len, &d) < 0)
		return;
	memcpy(p->sha1, d.sha1, sizeof(p->sha1));
	memcpy(p->md5, d.md5, sizeof(p->md5));
}

void parts_mark_encrypted(struct inspect *i, const struct layer *l)
{
	if (l->part >= 0)
		i->reply->parts[l->part].encrypted = true;
}

void parts_mark_closed(struct inspect *i, const char *type)
{
	struct scan_reply *r = i->reply;

	for (int n = 0; n < r->n_parts; n++) {
		bool opened = false;
		for (int k = n + 1; k < r->n_parts && !opened; k++)
			opened = r->parts[k].parent == n;
		if (!opened && strncmp(r->parts[n].type, type, strlen(type)) == 0)
			r->parts[n].encrypted = true;
	}
}

void parts_mark_macros(struct inspect *i)
{
	for (int n = i->n_layers - 1; n >= 0 && n >= i->n_layers - 2; n--)
		if (i->layers[n].part >= 0)
			i->reply->parts[i->layers[n].part].macros = true;
}

/* A mail's owner sees its subject, which promises no type. */
void parts_look_at_type(struct inspect *i, struct layer *l, const uint8_t *data, size_t len)
{
	const char *name = l->level > 0 ? l->name : l->mail ? "" : i->name;
	struct type_facts f;

	if (l->part < 0 || !data)
		return;
	scan_type_look(l->mail ? "CL_TYPE_MAIL" : l->type, data, len, name, &f);
	struct scan_part *p = &i->reply->parts[l->part];
	snprintf(p->true_type, sizeof(p->true_type), "%s", f.name);
	p->executable = f.executable;
	p->mismatch = f.mismatch;
}

/* The item's own name is left out of paths; a mail has none (what its owner sees is the subject). */
void parts_look_at_name(struct inspect *i, struct layer *l)
{
	const char *name = l->level == 0 ? i->name : l->name;
	struct name_facts f;

	if (l->derived || (l->level == 0 && l->mail))
		return;
	name_look(name, &f);
	if (f.later_volume)
		inspect_note(i, REASON_NOT_UNPACKED);
	if (l->part < 0)
		return;
	struct scan_part *p = &i->reply->parts[l->part];
	if (l->level == 0)
		name_copy(p->name, sizeof(p->name), name, SIZE_MAX);
	p->rtl_override = f.rtl;
	p->double_extension = f.double_extension;
}

void parts_path(const struct inspect *i, char *out, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);

	for (int n = 0; n < i->n_layers; n++) {
		const struct layer *l = &i->layers[n];
		if (l->level == 0 || l->derived || !l->name[0])
			continue;
		if (b.len)
			buf_addc(&b, '/');
		buf_adds(&b, l->name);
	}
	name_copy(out, size, buf_str(&b), b.len);
}
