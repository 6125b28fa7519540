-- What is left of an item that was done long ago and that nothing refers to: that it is known. A lost cursor brings all
-- that a cloud holds once more, and none of it may be taken for new.
CREATE TABLE known (
	connection INTEGER NOT NULL,
	ident BLOB NOT NULL,
	PRIMARY KEY (connection, ident)
) STRICT, WITHOUT ROWID;

-- How many events there were on a day: which are old, without a time in each.
CREATE TABLE days (
	day INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	PRIMARY KEY (day)
) STRICT, WITHOUT ROWID;
