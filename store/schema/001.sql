-- The store's tables. Written once in SQLite's dialect; postgres.c puts its own type names in place of these.
-- Times are ms UTC, 0 for never; flags are 0 or 1. States are the numbers of the enums in store.h and
-- connector.h: item state 1 is pending, stream state 1 active, connection states 1 and 2 connected and degraded.

CREATE TABLE connections (
	no INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	tenant TEXT NOT NULL,
	provider TEXT NOT NULL,
	protect INTEGER NOT NULL,
	services INTEGER NOT NULL,
	config TEXT,
	grant_facts TEXT,
	backlog INTEGER NOT NULL,
	backlog_since INTEGER NOT NULL,
	state INTEGER NOT NULL,
	reason TEXT NOT NULL,
	message TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	last_success_at INTEGER NOT NULL,
	last_failure_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL,
	report TEXT,
	paused_until INTEGER NOT NULL
) STRICT;

-- ready_at: when it may be taken: next_due while nobody has it, the end of the lease while node has it.
CREATE TABLE streams (
	id INTEGER PRIMARY KEY,
	connection INTEGER NOT NULL,
	state INTEGER NOT NULL,
	ready_at INTEGER NOT NULL,
	next_due INTEGER NOT NULL,
	node TEXT,
	round_mark INTEGER NOT NULL,
	listing INTEGER NOT NULL,
	resync INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	last_success_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	error TEXT NOT NULL,
	reason TEXT NOT NULL,
	remote_id TEXT NOT NULL,
	service TEXT,
	owner TEXT,
	name TEXT,
	context TEXT,
	cursor TEXT,
	UNIQUE (connection, remote_id)
) STRICT;
CREATE INDEX streams_due ON streams (ready_at, id) WHERE state = 1;
CREATE INDEX streams_due_of ON streams (connection, ready_at, id) WHERE state = 1;
CREATE INDEX streams_claimed ON streams (connection, ready_at) WHERE node IS NOT NULL;

-- Coverage, apart from the stream so that the end of an item does not rewrite a long cursor. A stream has one small
-- row for each slot; nodes that share a store write to different slots, so that none waits for another, and a slot
-- alone may be below zero. Summed: seen = scanned + unknown + skipped + pending, always.
CREATE TABLE counts (
	stream INTEGER NOT NULL,
	slot INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	scanned INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	pending INTEGER NOT NULL,
	repeats INTEGER NOT NULL,
	PRIMARY KEY (stream, slot)
) STRICT, WITHOUT ROWID;

-- ident: the first 16 bytes of SHA-256(remote_id, NUL, version): the identity within a connection, in a tenth of
-- the room that provider ids take in an index.
CREATE TABLE items (
	id INTEGER PRIMARY KEY,
	ident BLOB NOT NULL,
	connection INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	state INTEGER NOT NULL,
	lane INTEGER NOT NULL,
	ready_at INTEGER NOT NULL,
	next_try INTEGER NOT NULL,
	node TEXT,
	attempts INTEGER NOT NULL,
	crashes INTEGER NOT NULL,
	finding INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	size INTEGER NOT NULL,
	changed_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	done_at INTEGER NOT NULL,
	reason TEXT NOT NULL,
	remote_id TEXT NOT NULL,
	version TEXT NOT NULL,
	service TEXT,
	name TEXT,
	path TEXT,
	owner TEXT,
	hash_kind TEXT,
	hash TEXT,
	provider_threat TEXT,
	message_id TEXT,
	mail_from TEXT,
	mail_to TEXT,
	subject TEXT,
	context TEXT
) STRICT;
CREATE UNIQUE INDEX items_identity ON items (connection, ident);
-- state is in it so that counting and looking need no row.
CREATE INDEX items_ready ON items (lane, connection, ready_at, id, state) WHERE state = 1;
CREATE INDEX items_pending ON items (connection, remote_id) WHERE state = 1;
CREATE INDEX items_claimed ON items (node) WHERE node IS NOT NULL;

CREATE TABLE done (
	minute INTEGER NOT NULL,
	node TEXT NOT NULL,
	items INTEGER NOT NULL,
	PRIMARY KEY (minute, node)
) STRICT;

-- waiting: 1 while action_state asks for work (planned, intended, restoring, deleting).
CREATE TABLE findings (
	id INTEGER PRIMARY KEY,
	uid TEXT NOT NULL UNIQUE,
	item INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	tenant TEXT NOT NULL,
	connection TEXT NOT NULL,
	provider TEXT,
	service TEXT,
	stream_name TEXT,
	remote_id TEXT,
	version TEXT,
	name TEXT,
	path TEXT,
	owner TEXT,
	sha256 TEXT,
	size INTEGER NOT NULL,
	message_id TEXT,
	mail_from TEXT,
	mail_to TEXT,
	subject TEXT,
	received_at INTEGER NOT NULL,
	verdict TEXT,
	reason TEXT,
	threats TEXT,
	engine TEXT,
	signatures TEXT,
	rules TEXT,
	action_kind TEXT NOT NULL,
	action_state TEXT NOT NULL,
	action_error TEXT NOT NULL,
	op_id TEXT,
	case_id TEXT,
	changed_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	verdict_at INTEGER NOT NULL,
	contained_at INTEGER NOT NULL,
	restored_at INTEGER NOT NULL,
	receipt TEXT,
	action_attempts INTEGER NOT NULL,
	action_next_try INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	ready_at INTEGER NOT NULL,
	node TEXT
) STRICT;
CREATE INDEX findings_waiting ON findings (ready_at, id) WHERE waiting = 1;
CREATE INDEX findings_op ON findings (op_id) WHERE op_id IS NOT NULL;

CREATE TABLE released (
	connection TEXT NOT NULL,
	remote_id TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	PRIMARY KEY (connection, remote_id, sha256)
) STRICT;

-- One row a content: what the last engine and signatures said of it. Others make it a miss.
CREATE TABLE verdicts (
	sha256 BLOB NOT NULL PRIMARY KEY,
	size INTEGER NOT NULL,
	engine TEXT NOT NULL,
	signatures TEXT NOT NULL,
	verdict TEXT NOT NULL,
	reason TEXT NOT NULL,
	threats TEXT,
	judged_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- kind: 1 sha1, 2 dropbox.
CREATE TABLE hashes (
	kind INTEGER NOT NULL,
	hash BLOB NOT NULL,
	size INTEGER NOT NULL,
	sha256 BLOB NOT NULL,
	PRIMARY KEY (kind, hash, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE places (
	connection TEXT NOT NULL,
	place TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (connection, place)
) STRICT;

CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	uid TEXT NOT NULL UNIQUE,
	tenant TEXT NOT NULL,
	json TEXT NOT NULL
) STRICT;
CREATE TABLE sinks (
	name TEXT NOT NULL PRIMARY KEY,
	seq INTEGER NOT NULL
) STRICT;
CREATE TABLE counters (
	name TEXT NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('events', 0);

CREATE TABLE meta (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
