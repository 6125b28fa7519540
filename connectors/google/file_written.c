/* Was a file's content written to since it was judged? Called by file_act.c on core's job threads.
 *
 * The version of a blob is its content's. That of a Google document is the time of its last change, which an act of ours
 * might move on as well; then its revisions are asked, which come of writing alone.
 * Sources: Drive files.modifiedTime, revisions.list. */
#include "connectors/google/files.h"

#include "base/timeutil.h"

#include <string.h>

#define PAGES_MAX 200
#define REVISION_FIELDS "nextPageToken,revisions(modifiedTime)"

/* When its newest revision was made; 0 when it has none. */
static int newest(struct connection *c, const char *as, const char *id, int64_t *ret, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192);
	int64_t last = 0;

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *revision;
		if (drive_url(c, &url, err, "/files/{}/revisions", id, NULL) < 0)
			return -1;
		if (url_query_int(&url, "pageSize", 1000) < 0 || url_query(&url, "fields", REVISION_FIELDS) < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, as, buf_str(&url), &doc, err) < 0)
			return -1;
		cJSON_ArrayForEach(revision, json_array(doc, "revisions"))
		{
			int64_t at = json_time(revision, "modifiedTime");
			last = at > last ? at : last;
		}
		int more = google_next(doc, &token, err);
		if (more == 0) {
			*ret = last;
			return 0;
		}
		if (more < 0)
			return -1;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a file's revisions does not end");
}

int file_written(struct connection *c, const char *as, const cJSON *file, const char *version, bool *ret, struct err *err)
{
	int64_t judged = 0, last = 0;
	struct err why = {0};

	if (file_version_is(file, version)) {
		*ret = false;
		return 0;
	}
	if (strncmp(version, "modified:", 9) != 0 || time_parse(version + 9, &judged) < 0) {
		*ret = true;
		return 0;
	}
	int r = newest(c, as, json_str_or(file, "id", ""), &last, &why);
	if (r < 0 && !err_refused(&why) && !err_not_there(&why))
		return pass_on(err, &why);
	/* Where that is not told, it counts as written to. */
	*ret = r < 0 || last == 0 || last > judged;
	return 0;
}
