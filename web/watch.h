/* Ends connections whose request comes too slowly: libmicrohttpd's own time-out starts anew with every byte.
 *
 * Keyed by descriptor. The library closes a descriptor only after watch_remove(), so that shutdown() never hits another
 * connection. Any thread. */
#ifndef WEB_WATCH_H
#define WEB_WATCH_H


#include "base/err.h"

#include <stdint.h>

struct watch;

int watch_new(int64_t limit_ms, struct watch **ret, struct err *err);
void watch_free(struct watch *w);

void watch_add(struct watch *w, int fd);     /* a new connection: its first request must be here in time */
void watch_arrived(struct watch *w, int fd); /* the request is here; how long we take does not count */
void watch_idle(struct watch *w, int fd);    /* answered; the library's idle time-out, and then our limit, hold for the next */
void watch_remove(struct watch *w, int fd);

#endif
