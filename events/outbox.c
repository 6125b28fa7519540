/* From the store's outbox to a sink; see sink.h. Called by one thread a sink. */
#include "events/sink.h"

#include "base/buf.h"

#define BATCH 256

int outbox_turn(struct store *store, const struct sink_class *class, struct sink *sink, int64_t *sent, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(96 << 20);
	struct store_outbox *events = NULL;
	struct err send_err = {0};
	size_t n = 0;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (*sent && store_event_confirm(store, class->name, *sent, err) < 0)
		return -1;
	*sent = 0;
	if (store_event_next(store, class->name, BATCH, a, &events, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	size_t accepted = class->send(sink, events, n, &send_err);
	if (accepted) {
		*sent = events[accepted - 1].seq;
		if (store_event_confirm(store, class->name, *sent, err) < 0)
			return -1;
		*sent = 0;
	}
	if (accepted == n)
		return 1;
	if (err)
		*err = send_err;
	return -1;
}
