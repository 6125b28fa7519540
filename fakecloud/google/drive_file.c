/* Drive's tree of files and drives, without any question of who may see them. */
#include "fakecloud/google/drive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void gd_set(char **field, const char *value)
{
	char *copy = gg_dup(value);

	free(*field);
	*field = copy;
}

bool gd_is_folder(const struct gd_file *f)
{
	return !strcmp(f->mime, GG_FOLDER);
}

bool gd_is_native(const struct gd_file *f)
{
	return gg_has_prefix(f->mime, GG_NATIVE) && !gd_is_folder(f) && strcmp(f->mime, GG_SHORTCUT) != 0;
}

const struct gd_revision *gd_head(const struct gd_file *f)
{
	return f->nrevisions ? &f->revisions[f->nrevisions - 1] : NULL;
}

bool gd_trashed(const struct gd_file *f)
{
	for (; f; f = f->parent) {
		if (f->trashed)
			return true;
	}
	return false;
}

bool gd_below(const struct gd_file *f, const struct gd_file *top)
{
	for (; f; f = f->parent) {
		if (f == top)
			return true;
	}
	return false;
}

static void detach(struct gd_file *f)
{
	struct gd_file *p = f->parent;

	for (size_t i = 0; p && i < p->nchildren; i++) {
		if (p->children[i] == f) {
			memmove(p->children + i, p->children + i + 1,
				(p->nchildren - i - 1) * sizeof(*p->children));
			p->nchildren--;
			break;
		}
	}
	f->parent = NULL;
}

void gd_attach(struct gd_file *f, struct gd_file *parent)
{
	if (f->parent)
		detach(f);
	f->parent = parent;
	if (parent)
		GG_PUSH(parent->children, parent->nchildren, f);
}

struct gd_file *gd_file_new(struct gg_tenant *t, const char *id, const char *name, const char *mime,
	struct gd_file *parent, struct gg_user *owner, struct gd_drive *drive, int64_t when)
{
	struct gd_file *f = gg_alloc(sizeof(*f));

	f->tenant = t;
	if (id)
		snprintf(f->id, sizeof(f->id), "%s", id);
	else
		gg_new_id(f->id, 32, "1");
	f->name = gg_dup(name);
	f->mime = gg_dup(mime);
	f->owner = owner;
	f->drive = drive;
	f->created = f->modified = when;
	f->version = 1;
	f->last_user = owner;
	f->index = t->nall;
	gd_attach(f, parent);
	GG_PUSH(t->all, t->nall, f);
	map_put(&t->files, f->id, f);
	return f;
}

void gd_file_revise(
	struct gd_file *f, struct fc_blob *blob, const struct gg_user *by, int64_t when, const char *id)
{
	struct gd_revision r = {.blob = blob, .modified = when, .by = by};

	if (id)
		snprintf(r.id, sizeof(r.id), "%s", id);
	else
		gg_new_id(r.id, 44, "0B");
	r.mime = gg_dup(f->mime);
	r.name = gg_dup(f->original_name ? f->original_name : f->name);
	GG_PUSH(f->revisions, f->nrevisions, r);
}

struct gd_drive *gd_drive_new(struct gg_tenant *t, const char *id, const char *name, int64_t when)
{
	struct gd_drive *d = gg_alloc(sizeof(*d));
	char fresh[24];

	if (!id) {
		gg_new_id(fresh, 14, "0A");
		snprintf(fresh + 16, sizeof(fresh) - 16, "PVA");
		id = fresh;
	}
	d->name = gg_dup(name);
	d->created = when;
	d->root = gd_file_new(t, id, name, GG_FOLDER, NULL, NULL, d, when);
	GG_PUSH(t->drives, t->ndrives, d);
	return d;
}

struct gd_drive *gd_drive_find(const struct gg_tenant *t, const char *id)
{
	for (size_t i = 0; id && i < t->ndrives; i++) {
		if (!t->drives[i]->gone && !strcmp(t->drives[i]->root->id, id))
			return t->drives[i];
	}
	return NULL;
}

const char *gd_mime_of(const char *name)
{
	static const struct {
		const char *ext, *mime;
	} types[] = {
		{"7z", "application/x-7z-compressed"},
		{"bat", "application/x-msdos-program"},
		{"bmp", "image/bmp"},
		{"csv", "text/csv"},
		{"css", "text/css"},
		{"dll", "application/x-msdownload"},
		{"doc", "application/msword"},
		{"docm", "application/vnd.ms-word.document.macroEnabled.12"},
		{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"eml", "message/rfc822"},
		{"exe", "application/x-msdos-program"},
		{"gif", "image/gif"},
		{"gz", "application/gzip"},
		{"htm", "text/html"},
		{"html", "text/html"},
		{"iso", "application/x-iso9660-image"},
		{"jar", "application/java-archive"},
		{"jpeg", "image/jpeg"},
		{"jpg", "image/jpeg"},
		{"js", "text/javascript"},
		{"json", "application/json"},
		{"lzh", "application/x-lzh-compressed"},
		{"md", "text/markdown"},
		{"mp3", "audio/mpeg"},
		{"mp4", "video/mp4"},
		{"msi", "application/x-msi"},
		{"odt", "application/vnd.oasis.opendocument.text"},
		{"pdf", "application/pdf"},
		{"png", "image/png"},
		{"ppt", "application/vnd.ms-powerpoint"},
		{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
		{"rar", "application/vnd.rar"},
		{"rtf", "application/rtf"},
		{"svg", "image/svg+xml"},
		{"tar", "application/x-tar"},
		{"txt", "text/plain"},
		{"xls", "application/vnd.ms-excel"},
		{"xlsm", "application/vnd.ms-excel.sheet.macroEnabled.12"},
		{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"xml", "text/xml"},
		{"zip", "application/zip"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++) {
		if (!strcasecmp(dot + 1, types[i].ext))
			return types[i].mime;
	}
	return "application/octet-stream";
}
