/* Threads that write to a store and say what was acknowledged, and the look at what a store holds after its writer was
 * killed or the power went: everything acknowledged, nothing by halves. */
#ifndef TESTS_STORE_WRITERS_H
#define TESTS_STORE_WRITERS_H

#include "store/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define WRITERS 4
#define WRITERS_PAGE 5

/* How much was acknowledged, by thread. Each thread has the stream "s" of the connection "cN" to itself. */
struct acknowledged {
	atomic_int pages, done, contained;
};

struct writers;

/* Makes the connections and streams when they are not there yet. */
int writers_prepare(struct store *s, struct err *err);
/* Starts the threads, on a store that was prepared; they end when a call fails, or when they are told to. */
struct writers *writers_start(struct store *s, struct acknowledged ack[WRITERS]);
void writers_stop(struct writers *w);
/* Fails the running test when something acknowledged is missing, or something is half there. The store is open; path:
 * of its SQLite file for an integrity check, or NULL. */
void writers_verify(struct store *s, const struct acknowledged ack[WRITERS], const char *path);

#endif
