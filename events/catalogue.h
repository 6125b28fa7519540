/* The event catalogue: everything that sekisho reports, as OCSF 1.5.0 objects, one line of JSON each.
 *
 * Classes used: 2004 Detection Finding (with the rule as its policy), 2006 Data Security Finding (rules of data and sharing), 7002 File Remediation Activity (contain, restore, delete of files), 4009 Email
 * Activity (the same of mail; activity_name says which), 6003 API Activity (a connection's state). Source: the OCSF
 * schema 1.5.0. Pure functions but for the clock; each appends one line without its line end. */
#ifndef EVENTS_CATALOGUE_H
#define EVENTS_CATALOGUE_H

#include "connectors/connector.h"
#include "store/store.h"

/* A finding was made. */
int event_detection(struct buf *out, const char *uid, const struct store_finding *f, const char *severity);
/* An action ended: state "done", "failed", "restored" or "deleted"; "deleting": it is held, its deletion follows. */
int event_action(struct buf *out, const char *uid, const struct store_finding *f, const char *state, const char *error,
	int64_t now);
/* A connection's state changed; err says why (NULL: nothing wrong). */
int event_connection(struct buf *out, const char *uid, const struct connection_config *c, const char *state,
	const struct err *err);

/* An alert opened or ended: of a connection (c->id), or of a tenant alone. detail: for people, or NULL. */
int event_alert(struct buf *out, const char *uid, const struct connection_config *c, const char *kind, int severity, bool ended,
	const char *detail);

#endif
