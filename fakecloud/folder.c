/* Folders on the disk: of seeds, which providers read, and of credentials, which they write beside each other for whoever
 * connects to them. Without state: any thread. */
#include "fakecloud/core.h"

#include "base/ioutil.h"

#include <string.h>
#include <sys/stat.h>

bool fc_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

cJSON *fc_read_json(const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 << 20);
	cJSON *doc = NULL;

	if (io_read_file(path, &text, NULL) < 0 || json_parse(buf_str(&text), text.len, &doc, NULL) < 0)
		return NULL;
	return doc;
}

int fc_write_beside(const char *dir, const char *name, const char *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT(8192);

	if (buf_addf(&path, "%s/%s", dir, name) < 0)
		return -1;
	return io_write_file(buf_str(&path), text, strlen(text), 0600, NULL);
}
