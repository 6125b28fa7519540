-- Mails that bring something closed (flags 1) or tell a password (flags 2), by hashes of who wrote to whom: what one needs the
-- other may have. message: a hash of its Message-ID, so that copies in many mailboxes count once. at: the mail's time; noted_at:
-- when it was seen, by which rows are removed. tries: how often it was put back.
CREATE TABLE pairs (
	tenant TEXT NOT NULL,
	key BLOB NOT NULL,
	item INTEGER NOT NULL,
	flags INTEGER NOT NULL,
	message BLOB NOT NULL,
	stream INTEGER NOT NULL,
	at INTEGER NOT NULL,
	noted_at INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	PRIMARY KEY (tenant, key, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX pairs_noted ON pairs (noted_at);
CREATE INDEX pairs_item ON pairs (tenant, item);
