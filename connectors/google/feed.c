/* Cursors of Google's feeds: which list is being read, and the page token in it. Called by mail.c and file.c on core's job
 * threads.
 *
 * The cursor is JSON: m ("list": what was there before; "feed": changes), p (page token of the list), again (how often the
 * list was begun anew), pages (marks of this run, to notice a circle), and what the service keeps in it.
 * Sources: Drive files.list (nextPageToken: a rejected one is discarded and the list begun again), Gmail history.list. */
#include "connectors/google/google.h"

#include <string.h>

#define AGAIN_MAX 3

int cursor_lost(struct err *err, const char *why)
{
	err_set(err, ERR_CURSOR, "cursor_lost", "%s", why);
	return err_scope(err, SCOPE_STREAM);
}

int feed_open(struct feed *f, const struct poll_request *req, struct item_page *page, const char **ret_mode, struct err *err)
{
	_cleanup_json_ cJSON *cursor = NULL;

	if (own_json(req->cursor, ERR_CURSOR, &cursor, err) < 0)
		return -1;
	const char *mode = json_str(cursor, "m");
	if (req->cursor && (!mode || (strcmp(mode, "list") != 0 && strcmp(mode, "feed") != 0)))
		return cursor_lost(err, "the stored cursor is none of this feed");
	*f = (struct feed){.cursor = TAKE_PTR(cursor), .page = page};
	*ret_mode = mode;
	return 0;
}

void feed_close(struct feed *f)
{
	json_free(f->cursor);
	f->cursor = NULL;
}

int feed_put(struct feed *f, bool more, bool listing, struct err *err)
{
	if (arena_json(f->page->arena, f->cursor, &f->page->cursor, err) < 0)
		return -1;
	f->page->more = more;
	f->page->listing = listing;
	return 0;
}

int feed_next(struct feed *f, const char *token, struct err *err)
{
	bool loops = false;

	if (!token) {
		cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "p");
		cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "again");
		cursor_loops_clear(f->cursor, "pages");
		return 0;
	}
	if (cursor_loops(f->cursor, "pages", token, 1, &loops, err) < 0)
		return -1;
	if (loops) {
		err_set(err, ERR_CURSOR, "page_loop", "the list gives the same page over and over");
		return err_scope(err, SCOPE_STREAM);
	}
	return MEM_OK(json_set_str(f->cursor, "p", token) == 0, err);
}

int feed_again(struct feed *f, struct err *err)
{
	int64_t again = json_int64_or(f->cursor, "again", 0);

	if (!json_str(f->cursor, "p") || again < 0 || again >= AGAIN_MAX)
		return cursor_lost(err, "the page token was refused");
	cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "p");
	cursor_loops_clear(f->cursor, "pages");
	return MEM_OK(json_set_int(f->cursor, "again", again + 1) == 0, err);
}
