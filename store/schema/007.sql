-- Hashes of the parts of every content that was judged, so that new signatures can be asked about it without its bytes: 76
-- bytes a part (SHA-256, SHA-1, MD5, size). risky: it holds what may run. seen_at: to the day, when an item last ended with it.
CREATE TABLE part_hashes (
	id INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL UNIQUE,
	hashes BLOB NOT NULL,
	risky INTEGER NOT NULL,
	seen_at INTEGER NOT NULL
) STRICT;
