/* A connector that misbehaves as told, around another one: for the conformance suite and for tests of core.
 *
 * It keeps to the contract of connector.h: everything it does may happen with a real provider. It fails calls before they
 * reach the provider, loses the answer of calls that took effect, gives pages twice, in another order and in pieces.
 * Any thread. */
#ifndef CONNECTORS_FAULTY_H
#define CONNECTORS_FAULTY_H

#include "connectors/connector.h"

/* Each: 0 never, N every N-th call of that kind, counted from the seed on. */
struct faulty_options {
	unsigned seed;
	int fail_every;   /* fails with RETRY "injected" and nothing happened */
	int lose_every;   /* is carried out and then fails with RETRY "injected" (acts and plans only) */
	int repeat_every; /* a poll gives its page without moving on, so that it comes again */
	int cursor_every; /* a poll that has a cursor fails with CURSOR */
	int cut;          /* pages of a poll come in pieces of at most so many items */
	bool reorder;     /* items of a page in another order (the last of several versions stays last) */
};

/* Its open() refuses: wrap what another connector opened. The functions that the inner one lacks fail with
 * REMOTE "unsupported". */
extern const struct connector connector_faulty;

/* Takes inner over; close() of connector_faulty closes it too. */
int faulty_wrap(const struct connector *connector, struct connection *inner, const struct faulty_options *options,
	struct connection **ret, struct err *err);

#endif
