/* What follows from a mail's head and from links: from outside or not, who it pretends to be, what looks like a protected
 * domain, what lists name. Pure functions over what the scan worker took apart (scan/scan.h: hosts, skeletons, names) and
 * what the tenant says; they compare strings and parse none. No I/O, no clock; any thread. Called by core/facts.c.
 *
 * The order there: derive_tenant_new() once a tenant, kept while store_policy_revision() and its own domains stand;
 * lists_get() for each item; derive_mail() and derive_links() with what the store knows, or without (derive_contact() and
 * derive_person() say what to ask for). */
#ifndef POLICY_DERIVE_H
#define POLICY_DERIVE_H

#include "policy/facts.h"
#include "policy/lists.h"
#include "scan/scan.h"
#include "store/policy.h"

/* A tenant's domains and lists, made fit for looking up. Immutable; shared by threads. */
struct derive_tenant;

/* own: "|a|b|" as store_domains() gives it. list: store_list_all(…, kind 0, …); entries of other kinds are passed over. All
 * is copied. Errors: LOCAL. */
int derive_tenant_new(const char *own, const struct store_list_entry *list, size_t n, struct derive_tenant **ret, struct err *err);
void derive_tenant_free(struct derive_tenant *t);
DEFINE_CLEANUP(struct derive_tenant *, derive_tenant_free)
/* When the first of its entries ends and it must be made anew, ms UTC; 0: none does. */
int64_t derive_tenant_until(const struct derive_tenant *t);

/* What is known of the item beside its scan. */
struct derive_item {
	const char *provider; /* "microsoft" "google": whose Authentication-Results are believed */
	const char *owner;    /* the mailbox's address */
	bool sent;            /* it lies among what the owner sent */
	int64_t time;         /* received, ms UTC */
	const struct store_contact *contact; /* of derive_contact(); NULL: not asked for, contacts of 0: never before */
	const struct store_person *person;   /* who has one of derive_person()'s names; NULL: nobody, or not asked for */
};

/* Is anything of this item asked of the correspondence, and of whom? "" : of nobody. Outgoing mails: nobody. */
const char *derive_contact(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i);
/* "|a|b|": names of persons (person_keys() in scan/person.h) of whom one may be a colleague's, "" when it is no question: not
 * from outside, or no name. Each is asked for by store_person_named(). */
const char *derive_person(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i);

/* Everything of f->mail. Strings of f point into m, t and i, which must outlive it, or into the arena; none into lists. */
int derive_mail(const struct derive_tenant *t, const struct lists *lists, const struct scan_mail *m, const struct derive_item *i,
	struct arena *a, struct facts_mail *f, struct err *err);

/* f->links, n_links, links_seen. seen: first_at of each link's domain, as store_hosts_get() gave it for the domains in the order
 * of r->links (0: never; NULL: not asked for: age_days is then -1, and FACTS_HISTORY is not known). */
int derive_links(const struct derive_tenant *t, const struct lists *lists, const struct scan_reply *r, const int64_t *seen, int64_t time,
	struct arena *a, struct facts *f, struct err *err);

/* The protected domain that a host looks like, "" none; domain is its registrable one, skeleton as scan/host.h made it. The
 * tenant's own domains are protected, and those of LIST_PROTECTED and of the files. What is one of them, or below one, looks
 * like none. */
const char *derive_lookalike(const struct derive_tenant *t, const struct lists *lists, const char *host, const char *domain,
	const char *skeleton);

/* Is it one of the tenant's own domains, or below one? */
bool derive_is_own(const struct derive_tenant *t, const char *host);

/* Who is to be remembered of an item that ended (struct store_result): the sender of what came in, recipients of what went
 * out; and the domains that links led to. Fills up to max; returns how many. */
size_t derive_contacts(const struct derive_tenant *t, const struct facts_mail *f, const char **ret, size_t max);
size_t derive_hosts(const struct facts *f, const char **ret, size_t max);

#endif
