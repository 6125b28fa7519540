/* Between the files of the Admin SDK: directory.c (people and the table of routes), customer.c, reports.c. */
#ifndef FAKECLOUD_GOOGLE_ADMIN_H
#define FAKECLOUD_GOOGLE_ADMIN_H

#include "fakecloud/google/google.h"

cJSON *ga_object(const char *kind, struct gg_call *c, const char *what); /* with kind and etag */
/* A page of all items, by maxResults and pageToken; takes them over. */
int ga_reply_page(struct gg_call *c, const char *kind, const char *name, cJSON *all, int fallback, int max);
int ga_admin_check(struct gg_call *c);
bool ga_customer_ok(struct gg_call *c, const char *customer);

int gc_orgunits_list(struct gg_call *c);
int gc_orgunits_get(struct gg_call *c);
int gc_customers_get(struct gg_call *c);
int gc_domains_list(struct gg_call *c);
int gc_domains_get(struct gg_call *c);
int gc_domain_aliases_list(struct gg_call *c);
int gc_domain_aliases_get(struct gg_call *c);
int gc_roles_list(struct gg_call *c);
int gc_roles_get(struct gg_call *c);
int gc_assignments_list(struct gg_call *c);
int gc_assignments_get(struct gg_call *c);
int gc_privileges_list(struct gg_call *c);
int gr_activities_list(struct gg_call *c);
int gr_activities_watch(struct gg_call *c);

#endif
