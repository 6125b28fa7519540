-- What the console keeps. Hashes are hex SHA-256 of random tokens; a set of tenants is '*' or '|a|b|'.

CREATE TABLE tenants (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	language TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	trial_ends_at INTEGER NOT NULL,
	trial_ended_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tenants_trial ON tenants (trial_ends_at) WHERE trial_ends_at > 0 AND trial_ended_at = 0;
INSERT INTO tenants (id, name, language, created_at, trial_ends_at, trial_ended_at)
	SELECT tenant, tenant, '', min(created_at), 0, 0 FROM connections GROUP BY tenant;

CREATE TABLE accounts (
	id TEXT NOT NULL PRIMARY KEY,
	login TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	language TEXT NOT NULL,
	role INTEGER NOT NULL,
	tenants TEXT NOT NULL,
	disabled INTEGER NOT NULL,
	password TEXT,
	password_at INTEGER NOT NULL,
	totp INTEGER NOT NULL,
	totp_step INTEGER NOT NULL,
	subjects TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	last_sign_in_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery (
	account TEXT NOT NULL,
	hash TEXT NOT NULL,
	PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- Of an account or of an invitation; the other one is ''.
CREATE TABLE sessions (
	hash TEXT NOT NULL PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	account TEXT NOT NULL,
	invitation TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	idle_ms INTEGER NOT NULL,
	ends_at INTEGER NOT NULL,
	address TEXT NOT NULL,
	agent TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account, created_at);
CREATE INDEX sessions_invitation ON sessions (invitation) WHERE invitation <> '';
CREATE INDEX sessions_end ON sessions (ends_at);

CREATE TABLE links (
	hash TEXT NOT NULL PRIMARY KEY,
	kind TEXT NOT NULL,
	account TEXT NOT NULL,
	detail TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL,
	failures INTEGER NOT NULL
) STRICT;
CREATE INDEX links_end ON links (ends_at);

CREATE TABLE failures (
	name TEXT NOT NULL PRIMARY KEY,
	tries INTEGER NOT NULL,
	last_at INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_last ON failures (last_at);

CREATE TABLE invitations (
	id TEXT NOT NULL PRIMARY KEY,
	hash TEXT NOT NULL UNIQUE,
	tenant TEXT NOT NULL,
	name TEXT NOT NULL,
	account TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL,
	opened_at INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL
) STRICT;
CREATE INDEX invitations_tenant ON invitations (tenant, created_at);
CREATE INDEX invitations_created ON invitations (created_at);

CREATE TABLE flows (
	id TEXT NOT NULL PRIMARY KEY,
	tenant TEXT NOT NULL,
	provider TEXT NOT NULL,
	method TEXT NOT NULL,
	connection TEXT NOT NULL,
	renew INTEGER NOT NULL,
	session TEXT NOT NULL,
	account TEXT NOT NULL,
	invitation TEXT NOT NULL,
	step TEXT NOT NULL,
	config TEXT NOT NULL,
	grant_facts TEXT NOT NULL,
	facts TEXT NOT NULL,
	report TEXT NOT NULL,
	preview TEXT NOT NULL,
	error TEXT NOT NULL,
	finding TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX flows_session ON flows (session, created_at);
CREATE INDEX flows_invitation ON flows (invitation, updated_at) WHERE invitation <> '';
CREATE INDEX flows_end ON flows (ends_at);

-- Rows are added and never changed; hash covers the row and the hash before it.
CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	address TEXT NOT NULL,
	act TEXT NOT NULL,
	tenant TEXT NOT NULL,
	object TEXT NOT NULL,
	phase TEXT NOT NULL,
	intent INTEGER NOT NULL,
	detail TEXT NOT NULL,
	previous TEXT NOT NULL,
	hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant, seq);
INSERT INTO counters (name, value) VALUES ('audit', 0);

CREATE TABLE alerts (
	id INTEGER PRIMARY KEY,
	uid TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	tenant TEXT NOT NULL,
	connection TEXT NOT NULL,
	provider TEXT NOT NULL,
	kind TEXT NOT NULL,
	severity INTEGER NOT NULL,
	detail TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	ended_at INTEGER NOT NULL,
	acked_at INTEGER NOT NULL,
	acked_by TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (name) WHERE ended_at = 0;
CREATE INDEX alerts_open_of ON alerts (connection) WHERE ended_at = 0;

-- due_at 0: not given a moment yet.
CREATE TABLE canaries (
	connection TEXT NOT NULL PRIMARY KEY,
	due_at INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	code TEXT NOT NULL
) STRICT;
CREATE INDEX canaries_due ON canaries (due_at);
INSERT INTO canaries (connection, due_at, last_at, code) SELECT id, 0, 0, '' FROM connections WHERE state <> 5;

CREATE INDEX connections_tenant ON connections (tenant, id);
CREATE INDEX findings_tenant ON findings (tenant, id);
CREATE INDEX findings_connection ON findings (connection, id);
CREATE INDEX findings_verdict ON findings (verdict_at);
CREATE INDEX findings_held ON findings (tenant) WHERE action_kind = 'quarantine' AND action_state = 'done';
