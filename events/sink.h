/* The contract of a sink: where events go. At least once, in order; an event's uid lets a reader drop repeats.
 *
 * A sink belongs to the outbox thread. send() takes a batch in order and says how many of its first events are safe
 * where they belong (durable, or acknowledged by the other side); those are confirmed in the store and not sent again. */
#ifndef EVENTS_SINK_H
#define EVENTS_SINK_H

#include "base/err.h"
#include "store/store.h"

#include <stddef.h>

struct sink;

struct sink_class {
	const char *name; /* "file": also the name of its offset in the store */
	/* where: what the class understands ("/var/lib/sekisho/events"). */
	int (*open)(const char *where, struct sink **ret, struct err *err);
	/* Returns how many were accepted (0 to n); fewer than n with *err saying why: RETRY for later, REMOTE when the
	 * next event itself is refused. */
	size_t (*send)(struct sink *s, const struct store_outbox *events, size_t n, struct err *err);
	void (*close)(struct sink *s);
};

extern const struct sink_class sink_file;

/* Moves what is waiting in the store to the sink: one batch. 1 something was sent, 0 nothing waits, -1 error. sent: 0 at
 * first and kept by the caller; what the sink has and the store could not be told yet, so that it is not sent again. */
int outbox_turn(struct store *store, const struct sink_class *class, struct sink *sink, int64_t *sent, struct err *err);

#endif
