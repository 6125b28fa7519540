/* Where the console listens: loopback addresses and UNIX sockets, nothing else. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "base/err.h"

#include <stddef.h>

/* where: "127.0.0.1:8480", "[::1]:8480", "localhost:8480" (127.0.0.1), port 0 for any; "unix:/path", mode 0660, for the
 * group that the reverse proxy is in. url: "http://127.0.0.1:8480" or "unix:/path". Errors: REMOTE "bad_config". */
int web_listen(const char *where, int *ret_fd, char *url, size_t url_size, struct err *err);

#endif
