/* Moving in Drive: one parent, and what may cross the border of a shared drive. */
#include "fakecloud/google/drive.h"

#include <string.h>

/* The folder of an id that may take children of the caller; NULL after an error was answered. */
struct gd_file *gd_folder_of(struct gg_call *c, const char *id)
{
	struct gd_file *p = gd_file_of(c, id);

	if (!p)
		return NULL;
	if (!gd_is_folder(p)) {
		gg_error(c, 403, "parentNotAFolder", "The specified parent is not a folder.");
		return NULL;
	}
	if (gd_role_of(p, c->user) < GD_WRITER) {
		gg_error(c, 403, "insufficientParentPermissions",
			"Insufficient permissions for the specified parent.");
		return NULL;
	}
	return p;
}

static bool word_listed(const char *list, const char *word, const struct gg_user *me)
{
	size_t n = strlen(word);

	for (const char *p = list ? list : ""; *p;) {
		p += strspn(p, ", ");
		size_t len = strcspn(p, ", ");
		if (len == n && !strncmp(p, word, n))
			return true;
		if (len == 4 && !strncmp(p, "root", 4) && !strcmp(word, me->root->id))
			return true;
		p += len;
	}
	return false;
}

static int into_drive_check(struct gg_call *c, const struct gd_file *f, const struct gd_file *to)
{
	if (gd_is_folder(f))
		return gg_error(c, 403, "teamDrivesFolderMoveInNotSupported",
			"Moving folders into shared drives is not supported.");
	if (gd_trashed(f))
		return gg_error(c, 403, "cannotMoveTrashedItemIntoTeamDrive",
			"A trashed item cannot be moved into a shared drive.");
	if (f->owner != c->user)
		return gg_error(c, 403, "fileWriterTeamDriveMoveInDisabled",
			"The domain administrator has not allowed writers to move items into a shared "
			"drive.");
	if (gd_role_of(to, f->owner) < GD_WRITER)
		return gg_error(c, 403, "fileOwnerNotMemberOfTeamDrive",
			"The owner of the file is not a member of the shared drive.");
	return 0;
}

/* Whether the caller may move f below `to`. */
static int move_check(struct gg_call *c, const struct gd_file *f, const struct gd_file *to)
{
	enum gd_role role = gd_role_of(f, c->user);

	if (!f->parent)
		return gg_error(c, 403, "cannotMoveTopFolder", "The top folder of a drive cannot be moved.");
	if (role < GD_WRITER)
		return gd_forbidden(c);
	if (gd_below(to, f))
		return gg_error(
			c, 400, "invalid", "A folder cannot be moved into itself or one of its descendants.");
	if (!f->drive && to->drive)
		return into_drive_check(c, f, to);
	if (f->drive && to->drive == f->drive && role < GD_FILE_ORGANIZER)
		return gd_forbidden(c);
	if (f->drive && to->drive != f->drive) {
		if (role < GD_ORGANIZER)
			return gg_error(c, 403, "insufficientFilePermissions",
				"The user does not have sufficient permissions to move this file out of its "
				"shared drive.");
		if (gd_is_folder(f))
			return gg_error(c, 403, "teamDrivesFolderMoveOutNotSupported",
				"Moving folders out of shared drives is not supported.");
	}
	return 0;
}

void gd_set_place(struct gd_file *f, struct gd_drive *drive, struct gg_user *owner)
{
	f->drive = drive;
	if (drive)
		f->owner = NULL;
	else if (!f->owner)
		f->owner = owner;
	if (f->owner) /* the owner's access is ownership now */
		gd_perm_remove(f, f->owner->perm_id);
	for (size_t i = 0; i < f->nchildren; i++)
		gd_set_place(f->children[i], drive, owner);
}

/* addParents and removeParents; *ret_to stays NULL when nothing moves. */
int gd_moves_read(struct gg_call *c, struct gd_file *f, struct gd_file **ret_to)
{
	const char *add = gg_query(c, "addParents"), *remove = gg_query(c, "removeParents");
	size_t n = add ? strcspn(add, ", ") : 0;
	struct gd_file *to;

	if (!n) {
		if (remove && f->parent && word_listed(remove, f->parent->id, c->user))
			return gg_error(c, 403, "cannotRemoveParent", "A file must have exactly one parent.");
		return 0;
	}
	if (add[n] && add[n + strspn(add + n, ", ")])
		return gg_error(c, 403, "cannotAddParent", "Increasing the number of parents is not allowed");
	to = gd_folder_of(c, arena_dupn(c->req->arena, add, n));
	if (!to)
		return -1;
	if (to == f->parent)
		return 0;
	if (move_check(c, f, to) < 0)
		return -1;
	/* A parent that the caller cannot see need not be named. */
	if (!word_listed(remove, f->parent->id, c->user) && gd_role_of(f->parent, c->user) != GD_NONE)
		return f->drive || to->drive ? gg_error(c, 403, "teamDrivesParentLimit",
						       "A shared drive item must have exactly one parent.")
					     : gg_error(c, 403, "cannotAddParent",
						       "Increasing the number of parents is not allowed");
	*ret_to = to;
	return 0;
}
