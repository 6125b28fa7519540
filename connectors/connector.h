/* The contract of a connector: what core asks of one provider's API.
 *
 * A connector is a const table. Its code is straight-line and runs on core's job threads, several at once for
 * one connection; it never sleeps, retries, logs or touches the store: it returns a classified error and core
 * decides. Outputs are allocated in the page's or result's arena; strings that come from the provider are
 * UTF-8 (base/json.h mends them) and otherwise untrusted. Cursors, ids and contexts are opaque to core, at most
 * CONNECTOR_TEXT_MAX bytes.
 *
 * Errors: AUTH after one renewed token did not help; CONSENT when the grant was withdrawn or lacks a permission
 * (scope connection), CURSOR when a feed lost its place (scope stream), GONE, CHANGED, TOO_BIG, RETRY with
 * retry_at; REMOTE with one of the stable codes: "forbidden", "unlicensed" (mailbox or drive not provisioned),
 * "not_downloadable", "export_too_big", "no_content", "bad_answer", "held" (retention forbids the act). */
#ifndef CONNECTORS_CONNECTOR_H
#define CONNECTORS_CONNECTOR_H

#include "base/buf.h"
#include "base/json.h"
#include "net/content.h"
#include "net/http.h"

#define CONNECTOR_TEXT_MAX 65536

enum service_bits { SERVICE_MAIL = 1, SERVICE_FILES = 2, SERVICE_TEAMS = 4 };

struct connection_endpoint {
	char name[16]; /* "graph" */
	char url[512]; /* without a slash at the end; may hold a path prefix */
};

/* What a connection is, without secrets. Owned by core, valid as long as the opened connection. */
struct connection_config {
	char id[64];
	char tenant[64];
	char provider[16];
	bool protect; /* false: monitor */
	unsigned services;
	int n_endpoints;
	struct connection_endpoint endpoints[8];
	const cJSON *grant; /* public facts of the grant: client_id, directory, subject, enterprise_id, … */
	int page_size;      /* entries asked for per page; 0: the connector's own */
};

const char *connection_endpoint(const struct connection_config *c, const char *name); /* never NULL for known names */

/* What core gives a connector. Any thread; blocking. */
struct connector_env {
	struct http *http;
	void *ctx;
	/* Access token to act as `subject` ("" for the connection itself; a user's address for Google, ignored by
	 * others), appended to ret (wipe it). renew: the last one was refused with 401, get another. */
	int (*token)(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err);
	/* Quarantine places by a key of the connector's ("mailbox/USER"): 0 and the value appended, or 1 when not
	 * known, or -1. place_put() is durable when it returns. */
	int (*place_get)(void *ctx, const char *key, struct buf *ret, struct err *err);
	int (*place_put)(void *ctx, const char *key, const char *value, struct err *err);
};

struct connection; /* the connector's own */

/* ---- streams ---- */

enum stream_state { STREAM_ACTIVE = 1, STREAM_UNLICENSED, STREAM_FORBIDDEN, STREAM_RETIRED };

struct stream_info {
	const char *remote_id; /* stable, unique within the connection: "mail/USER/FOLDER" */
	const char *service;   /* "exchange", "gmail", "onedrive", … */
	const char *owner;     /* user's address, or the site's, shared drive's, team folder's name */
	const char *name;      /* for people: "Inbox", "Documents" */
	const char *context;   /* the connector's JSON for poll(); may be NULL */
	enum stream_state state;
	const char *reason;    /* for people, when not active */
};

struct stream_page {
	struct arena *arena; /* made by the caller */
	struct stream_info *streams;
	size_t n_streams;
	const char *next; /* cursor of the next call; NULL: that was all */
};

/* ---- items ---- */

enum item_kind { ITEM_FILE = 1, ITEM_MESSAGE, ITEM_CHAT };

struct item {
	enum item_kind kind;
	const char *id;      /* as findings and fakecloud's state show it */
	const char *version; /* changes with the content, not with names or labels; (id, version) is the identity */
	const char *service; /* NULL: the stream's */
	const char *name;    /* file name; subject of a message */
	const char *path;    /* of the parent for people, "/a/b"; NULL when not known */
	const char *owner;   /* NULL: the stream's */
	int64_t size;        /* bytes, -1 not known */
	int64_t changed_at;  /* ms UTC: received, or modified; 0 not known */
	const char *hash_kind; /* strong hash by the provider: "sha256", "sha1", "dropbox"; NULL none */
	const char *hash;      /* lower-case hex */
	const char *provider_threat; /* the provider calls it malware: its words; NULL otherwise */
	const char *skip;      /* it has no content to scan: the stable reason ("no_content", "folder_shortcut") */
	const char *context;   /* the connector's JSON for open_content() and plan(); may be NULL */
	const char *sharing_mark; /* what the feed tells of its sharing, in any form that changes when that does ("public",
		"outside:3"); "" or NULL: not shared, or not told. A known version that comes with another mark is judged again, with none
		it is not: what is shared no more has become no worse. */
	/* messages: */
	const char *message_id, *from, *to, *subject;
	int64_t received_at;
};

struct item_page {
	struct arena *arena; /* made by the caller */
	struct item *items;  /* created or changed; duplicates and disorder are allowed */
	size_t n_items;
	const char **removed; /* ids that are gone from this stream */
	size_t n_removed;
	const char *cursor;   /* to commit together with the items */
	bool more;            /* call again at once; false: caught up */
	bool listing;         /* this page belongs to the enumeration of what was there before, not to the feed */
};

enum backlog_kind { BACKLOG_NONE, BACKLOG_SINCE, BACKLOG_ALL };

struct poll_request {
	const struct stream_info *stream;
	const char *cursor;   /* NULL: the first time, or after CURSOR */
	enum backlog_kind backlog;
	int64_t since;        /* with BACKLOG_SINCE; older items may be left out or given, core filters too */
	bool resync;          /* the cursor was lost: list everything from `since`, whatever the backlog says */
};

/* What came beside the bytes. */
struct content_info {
	char provider_threat[128]; /* the provider refused it as malware: no bytes, a finding */
	char version[512];         /* of what was really delivered; "" when not known */
	char hash_kind[16], hash[72]; /* the provider's hash of what was delivered; "" when none */
	bool rendered; /* the provider makes the bytes anew each time (an export): their hash proves nothing */
	int64_t received_at; /* ms UTC: when a mail came, where the content's answer tells and the list did not; 0 not known */
	bool any_size; /* the provider rewrites such files: neither size nor hash of its lists need be theirs */
};

/* ---- acts ---- */

/* What may be asked of a provider beside containing. */
enum act_kind {
	ACT_QUARANTINE = 1,
	ACT_DELETE,  /* first into quarantine, then for good: plan() and quarantine() of it are those of ACT_QUARANTINE */
	ACT_TAG,     /* category, label, metadata; the item stays */
	ACT_UNSHARE, /* public links and access from outside end; the item stays */
	ACT_REPLACE, /* into quarantine, and a notice (a small text file, or a mail) in its place */
	ACT_BLOCK,   /* a chat message is hidden (policyViolation) */
};
struct act_request {
	enum act_kind kind;
	const char *tag;    /* of ACT_TAG: words of the label, at most 40 characters */
	const char *notice; /* of ACT_REPLACE: UTF-8 text, at most 4,096 bytes; also what ACT_BLOCK shows */
};
/* A connector's table of what it can do: a bit (1u << enum act_kind) each, by service. */
struct act_support {
	const char *service; /* "exchange"; NULL ends the list */
	unsigned acts;
};

/* Who has access beside the owner. Addresses are lower case. */
struct sharing {
	struct arena *arena; /* made by the caller */
	bool public_link;       /* anyone with the link, or listed for all */
	bool organisation_link; /* all of the organisation */
	bool password, expires; /* of the public link */
	const char **outside;   /* addresses (or domains, "@example.com") of no own domain */
	size_t n_outside, outside_seen; /* at most 64 are told */
};

/* People of the organisation, for rules about users, groups and colleagues. */
struct person {
	const char *address; /* lower case */
	const char *name;
	const char *org_unit;  /* "/Sales/Tokyo", department; "" */
	const char *job_title; /* "" */
	const char *const *aliases, *const *groups; /* ended by NULL; groups by their name or address */
};
struct people_page {
	struct arena *arena; /* made by the caller */
	struct person *people;
	size_t n_people;
	const char **domains; /* the organisation's own, with the first page */
	size_t n_domains;
	const char *missing;  /* what cannot be read with this grant, for people ("groups: …"); NULL: nothing */
	const char *next;     /* cursor of the next call; NULL: that was all */
};

/* A receipt is a JSON object of the connector's, at most CONNECTOR_TEXT_MAX; core stores it before the act. */

/* Where an item is now, seen by id. */
struct observation {
	bool exists;
	bool quarantined; /* as the receipt wants it: in its place, or tagged, unshared, blocked, replaced */
	bool restored;    /* where the receipt says it was */
	char place[512];  /* for people */
	char version[512];
};

struct grant_report {
	struct arena *arena; /* made by the caller */
	const char *organisation; /* name for people */
	const char *organisation_id;
	const char *const *granted; /* scopes or permissions, ended by NULL; NULL when the provider does not say */
	const char *const *missing; /* needed by the services asked for, yet not granted */
	int64_t ends_at;            /* consent or key; 0 not known */
};

/* The provider forbids to ask streams of this service more often. */
struct poll_least {
	const char *service; /* as in struct stream_info */
	int64_t ms;
};

struct connector {
	const char *name; /* "microsoft" */
	const char *title; /* "Microsoft 365" */
	const char *const *endpoints; /* name, default url, name, default url, …, NULL */
	const char *const *needs;     /* scopes or permissions and what for, in pairs, ended by NULL */
	unsigned services;
	const struct poll_least *poll_least; /* ended by one without a service; NULL: the schedule alone counts */
	bool exact_sizes; /* its lists give every file's size, and it is that of the bytes: others are not that file */

	/* config and env outlive the connection. */
	int (*open)(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
		struct err *err);
	void (*close)(struct connection *c);

	/* Proves the grant with real calls: token, organisation, one user, one stream. */
	int (*check_grant)(struct connection *c, struct grant_report *ret, struct err *err);
	/* Pages through everything that can be followed. cursor NULL: from the beginning. */
	int (*list_streams)(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err);
	int (*poll)(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err);
	int (*open_content)(struct connection *c, const struct stream_info *stream, const struct item *item,
		struct content *content, struct content_info *ret, struct err *err);

	/* Fills what a finding should show and the feed did not give (mail headers, path, owner); into arena. NULL:
	 * nothing to add. */
	int (*describe)(struct connection *c, const struct stream_info *stream, struct item *item, struct arena *arena,
		struct err *err);

	/* Looks, makes sure that what the act needs exists (the quarantine place, the label), and writes the receipt: everything
	 * needed to do the act and to undo it (its kind, place, name, sharing, labels, versions, hash). Changes nothing of the
	 * item. act NULL: ACT_QUARANTINE. REMOTE "unsupported" for what `acts` does not list. */
	int (*plan)(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
		const char *op_id, struct buf *receipt, struct err *err);
	/* Carries out the act: brings about the state that the receipt describes (contained: unshared, then moved or locked). Safe to repeat:
	 * again says that an earlier call may have got any distance, so look first. receipt_out: the receipt to
	 * keep from now on. Errors: CHANGED when the item is no longer the version planned for. */
	int (*quarantine)(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err);
	/* Undoes it: place, name, labels, sharing as far as it can be brought back; what cannot is listed in the
	 * receipt under "not_restored": [text, …]. Safe to repeat. */
	int (*restore)(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err);
	int (*observe)(struct connection *c, const char *receipt, struct observation *ret, struct err *err);
	/* The quarantined item's bytes, to prove a restore and for downloads. */
	int (*open_held)(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
		struct err *err);
	/* Deletes the quarantined item for good. NULL: unsupported. */
	int (*remove)(struct connection *c, const char *receipt, bool again, struct err *err);

	const struct act_support *acts; /* NULL: ACT_QUARANTINE alone, of every service */
	/* Who has access to a file now. NULL: the provider cannot be asked. */
	int (*sharing)(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
		struct err *err);
	/* Pages through the organisation's people. cursor NULL: from the beginning. NULL: unsupported. Where people themselves may not
	 * be read, REMOTE "forbidden"; where only their groups, titles or the domains may not, the page says so in `missing`: rules
	 * about them then have nothing to go by, and status says so. */
	int (*list_people)(struct connection *c, const char *cursor, struct people_page *ret, struct err *err);
};

/* NULL when there is none of that name; registry.c holds the list. */
const struct connector *connector_find(const char *name);
const struct connector *const *connector_all(void); /* ended by NULL */

/* For tests of one connector and of the suite: a wrapper with the same contract that fails, repeats, reorders
 * and cuts as told; see faulty.h. */

#endif
