/* What the store keeps for policies: what tenants set, their lists, recorded facts, what was seen before, people. The rules of
 * store.h hold: one transaction each, any thread, arenas; tenant sets and times as in console.h.
 *
 * A tenant's rules: the shipped ones and the files of `policy:` are everybody's; here are the files that its administrator
 * wrote in the console, the modes that were chosen for rules, and approved and blocked entries. */
#ifndef STORE_POLICY_H
#define STORE_POLICY_H

#include "store/console.h"

/* ---- files and modes ---- */

struct store_policy_file {
	const char *tenant; /* "" everybody's: the operator's own */
	const char *name;   /* "invoices.yaml" */
	const char *text;
	int64_t version;    /* rises with each change; 0: it must not be there yet */
	int64_t changed_at;
	const char *changed_by;
};
/* A file that did not compile is never put here: core compiles first. CHANGED "changed" when its version is another one now. text
 * NULL deletes. Earlier versions are kept (the last 20). */
int store_policy_put(struct store *s, const struct store_policy_file *f, int64_t *ret_version, struct err *err);
int store_policy_list(struct store *s, const char *tenants, struct arena *a, struct store_policy_file **ret, size_t *ret_n,
	struct err *err);
int store_policy_versions(struct store *s, const char *tenant, const char *name, struct arena *a, struct store_policy_file **ret,
	size_t *ret_n, struct err *err);

struct store_policy_mode {
	const char *tenant, *rule;
	int mode; /* enum policy_mode; -1 deletes */
	int64_t changed_at;
	const char *changed_by;
};
int store_mode_put(struct store *s, const struct store_policy_mode *m, struct err *err);
int store_mode_list(struct store *s, const char *tenant, struct arena *a, struct store_policy_mode **ret, size_t *ret_n, struct err *err);
/* A tenant's further settings: "may_delete" ("true": rules may delete), "notice_ja", "notice_en" (text left in place of what was
 * taken away), "contact" (whom to ask). value NULL deletes. get: GONE "not_found". */
int store_option_put(struct store *s, const char *tenant, const char *name, const char *value, struct err *err);
int store_option_get(struct store *s, const char *tenant, const char *name, struct buf *ret, struct err *err);
/* Rises with every change of files, modes, options, lists and people: caches ask for it. */
int store_policy_revision(struct store *s, int64_t *ret, struct err *err);

/* ---- approved and blocked ---- */

enum store_list_kind { LIST_SENDER = 1, LIST_DOMAIN, LIST_HASH, LIST_LINK, LIST_PASSWORD, LIST_PROTECTED, LIST_PERSON };
/* LIST_PASSWORD: tried on encrypted archives (never shown again; the value is the name
 * under which the vault has it: core/kept.h); LIST_PROTECTED: domains
 * whose look-alikes are told; LIST_PERSON: an executive's display name. */
struct store_list_entry {
	int64_t id;
	const char *tenant;
	enum store_list_kind kind;
	bool approved;       /* else blocked; of the last three kinds always true */
	const char *value;   /* lower case; SHA-256 in hex; of links host and path */
	const char *reason, *author;
	int64_t created_at, ends_at; /* 0: no end */
};
/* CHANGED "exists": one of the same tenant, kind and value holds at created_at (approved or blocked). An ended one gives way. */
int store_list_add(struct store *s, const struct store_list_entry *e, int64_t *ret_id, struct err *err);
int store_list_remove(struct store *s, int64_t id, struct err *err); /* GONE "not_found" */
int store_list_get(struct store *s, int64_t id, struct arena *a, struct store_list_entry *ret, struct err *err);
/* Those that hold at `now` (0: ended ones, too), by kind and value; kind 0: all. */
int store_list_all(struct store *s, const char *tenant, enum store_list_kind kind, int64_t now, struct arena *a,
	struct store_list_entry **ret, size_t *ret_n, struct err *err);

/* ---- recorded facts ---- */

/* Kept with the item's end by store_item_finish() (struct store_result) and as long as the item; replay and re-judging go
 * through them. What is known of the bytes is kept once for each content and set of detectors that looked at it, what is the
 * item's own with the item; core/facts.h puts both together. */
struct store_seen {
	int64_t item, stream;
	int kind; /* enum item_kind */
	const char *tenant, *connection, *provider, *service, *remote_id, *version, *name, *path, *owner, *stream_name;
	const char *sha256;    /* "" not known */
	const char *facts;     /* the item's own, as facts_print() wrote them; NULL none */
	const char *content;   /* of its bytes; NULL none */
	const char *detectors; /* that looked at them; "" the built-in ones alone */
	int64_t size, seen_at, done_at;
	const char *verdict, *reason, *engine, *signatures; /* verdict: "" when nobody judged the bytes (skipped, pending) */
	int64_t finding; /* 0: none; the latest */
};
/* Done items of a tenant (NULL: all) that ended at or after `since`, by id from `after` on. */
int store_seen_list(struct store *s, const char *tenant, int64_t since, int64_t after, size_t max, struct arena *a,
	struct store_seen **ret, size_t *ret_n, struct err *err);
/* The same, the newest first: by id from `below` down, which is INT64_MAX in the beginning. */
int store_seen_newest(struct store *s, const char *tenant, int64_t since, int64_t below, size_t max, struct arena *a,
	struct store_seen **ret, size_t *ret_n, struct err *err);
/* One by its item. GONE "not_found". */
int store_seen_get(struct store *s, int64_t item, struct arena *a, struct store_seen *ret, struct err *err);
/* Everything of a tenant with this content, in all its clouds: done items, pending ones and findings' items; at most 200. */
int store_copies(struct store *s, const char *tenant, const char *sha256, struct arena *a, struct store_seen **ret, size_t *ret_n,
	struct err *err);
/* What is known of a content, from these detectors. GONE "not_found". */
int store_content_get(struct store *s, const char *sha256, const char *detectors, struct arena *a, const char **ret, struct err *err);

/* ---- correspondence and hosts ---- */

/* Kept by hash only, written with the item's end (struct store_result.note), pruned with the retention of
 * events. */
struct store_contact {
	int64_t first_at, last_at; /* of mails, ms UTC */
	int64_t count;             /* 0: never */
};
/* An address's mails with the tenant so far, in and out. No error when there were none. */
int store_contact_get(struct store *s, const char *tenant, const char *address, struct store_contact *ret, struct err *err);
/* When links first led to each of these domains, 0: never. "" gives 0. ret has n. */
int store_hosts_get(struct store *s, const char *tenant, const char *const *domains, size_t n, int64_t *ret, struct err *err);

/* ---- people ---- */

struct store_person {
	const char *connection, *address, *name, *org_unit, *job_title;
	const char *key; /* the name as store_person_named() looks for it; "" none */
	const char *aliases, *groups; /* "|a|b|". Aliases: other addresses, and keys of other names, which hold no @ */
};
/* One page of a round. store_people_end() keeps the organisation's own domains and removes people of earlier rounds. */
int store_people_sync(struct store *s, const char *connection, int64_t round, const struct store_person *p, size_t n, struct err *err);
int store_people_end(struct store *s, const char *connection, int64_t round, const char *domains /* "|a|b|" */, struct err *err);
/* By address or alias. GONE "not_found". */
int store_person_get(struct store *s, const char *tenant, const char *address, struct arena *a, struct store_person *ret, struct err *err);
/* A person of the tenant by display name, compared after NFKC, case folding and without spaces: key made by the caller. Also
 * by another name of theirs. */
int store_person_named(struct store *s, const char *tenant, const char *key, struct arena *a, struct store_person *ret, struct err *err);
/* Own domains of the tenant over all connections: "|a|b|"; nothing is appended when none is known. */
int store_domains(struct store *s, const char *tenant, struct buf *ret, struct err *err);

#endif
