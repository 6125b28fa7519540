-- What policies keep: files with their versions, modes, options, lists; facts that were recorded; people.

-- text NULL: deleted with that version. The one with the highest version counts.
CREATE TABLE policies (
	tenant TEXT NOT NULL,
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	text TEXT,
	changed_at INTEGER NOT NULL,
	changed_by TEXT NOT NULL,
	PRIMARY KEY (tenant, name, version)
) STRICT;

CREATE TABLE modes (
	tenant TEXT NOT NULL,
	rule TEXT NOT NULL,
	mode INTEGER NOT NULL,
	changed_at INTEGER NOT NULL,
	changed_by TEXT NOT NULL,
	PRIMARY KEY (tenant, rule)
) STRICT;

CREATE TABLE options (
	tenant TEXT NOT NULL,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT;
INSERT INTO counters (name, value) VALUES ('policy', 0);

CREATE TABLE lists (
	id INTEGER PRIMARY KEY,
	tenant TEXT NOT NULL,
	kind INTEGER NOT NULL,
	approved INTEGER NOT NULL,
	value TEXT NOT NULL,
	reason TEXT NOT NULL,
	author TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lists_value ON lists (tenant, kind, value);

-- One row a content and set of detectors that looked at it: what is known of the bytes, whoever has them. facts NULL: nothing but
-- the hash. used_at: about when an item ended with it, to the day.
CREATE TABLE contents (
	id INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL,
	detectors TEXT NOT NULL,
	facts TEXT,
	used_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX contents_sha256 ON contents (sha256, detectors);

-- content: of contents, 0 not known. facts: the item's own. again: why a judged item is pending once more.
ALTER TABLE items ADD COLUMN content INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN sharing_mark TEXT;
ALTER TABLE items ADD COLUMN facts TEXT;
CREATE INDEX items_content ON items (content) WHERE content > 0;

-- facts: for whoever looks at it. act: what the action wants beside its kind.
ALTER TABLE findings ADD COLUMN facts TEXT;
ALTER TABLE findings ADD COLUMN act TEXT;
CREATE INDEX findings_sha256 ON findings (sha256) WHERE sha256 IS NOT NULL;
DROP INDEX findings_held;
CREATE INDEX findings_held ON findings (tenant) WHERE action_kind IN ('quarantine', 'replace', 'delete') AND action_state = 'done';

CREATE TABLE people (
	connection TEXT NOT NULL,
	address TEXT NOT NULL,
	name TEXT NOT NULL,
	name_key TEXT NOT NULL,
	org_unit TEXT NOT NULL,
	job_title TEXT NOT NULL,
	aliases TEXT NOT NULL,
	member_of TEXT NOT NULL,
	round_mark INTEGER NOT NULL,
	PRIMARY KEY (connection, address)
) STRICT;
CREATE INDEX people_address ON people (address);
CREATE INDEX people_named ON people (name_key) WHERE name_key <> '';
CREATE TABLE aliases (
	connection TEXT NOT NULL,
	alias TEXT NOT NULL,
	address TEXT NOT NULL,
	round_mark INTEGER NOT NULL,
	PRIMARY KEY (alias, connection)
) STRICT;
CREATE INDEX aliases_of ON aliases (connection, round_mark);
CREATE TABLE domains (
	connection TEXT NOT NULL PRIMARY KEY,
	domains TEXT NOT NULL,
	synced_at INTEGER NOT NULL
) STRICT;
