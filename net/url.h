/* Judging addresses, beside http_url_ok() and http_same_origin() of net/http.h. Pure functions, any thread. */
#ifndef NET_URL_H
#define NET_URL_H

#include "net/http.h"

#include <sys/socket.h>

#define URL_MAX 65536 /* bytes: next links of the providers run to many KiB */

/* A host as a URL has it: 127.0.0.0/8, [::1] or localhost (which libcurl resolves by itself, never by DNS). */
bool url_host_is_loopback(const char *host);
/* May this address be connected to: no link-local one, none that means this machine unless the URL says so by itself. */
bool url_address_ok(const struct sockaddr *address, bool loopback);
/* By the scheme; for a URL that http_url_ok() took. */
bool url_is_https(const char *url);

#endif
