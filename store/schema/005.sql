-- Who the tenant has had mail with, and where links have led: by a hash of tenant and address or domain (history.c). mail: a hash
-- of the last one counted, so that copies in several mailboxes count once.
CREATE TABLE contacts (
	hash BLOB NOT NULL,
	first_at INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	mails INTEGER NOT NULL,
	mail BLOB NOT NULL,
	PRIMARY KEY (hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE hosts (
	hash BLOB NOT NULL,
	first_at INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	PRIMARY KEY (hash)
) STRICT, WITHOUT ROWID;
