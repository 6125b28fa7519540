/* A connections file: YAML read into records that `connect` sends to the service. Runs in the command's own
 * process; secrets are not read here, only named, and travel as open descriptors to the auth role. */
#ifndef CORE_CONNFILE_H
#define CORE_CONNFILE_H

#include "base/conf.h"
#include "base/json.h"

#define CONNFILE_SECRETS 4

struct connfile_entry {
	char id[64], tenant[64], provider[16];
	cJSON *config; /* {"id","tenant","provider","protect","services","endpoints":{…},"backlog":…,"page_size"} */
	cJSON *grant;  /* public keys of the grant, with token_url and scopes; no secrets */
	int n_secrets;
	char secret_names[CONNFILE_SECRETS][32]; /* "key_file" */
	int secret_fds[CONNFILE_SECRETS];        /* open, owned */
};

struct connfile {
	struct connfile_entry *entries;
	size_t n;
};

/* Errors: REMOTE "bad_config" with name:line:column; LOCAL when the file cannot be read. */
int connfile_load(const char *path, struct connfile *ret, struct err *err);
/* The same of a text in hand; relative file names start at dir. */
int connfile_parse(const char *name, const char *text, const char *dir, struct connfile *ret, struct err *err);
void connfile_free(struct connfile *f);

/* Adds to a grant where its tokens come from and what they are for: what the auth role must know beside the secrets. */
void connfile_complete(const cJSON *config, cJSON *grant);

/* What a grant of a provider asks for, for `connect PROVIDER`: the n-th type's name and its keys, public ones first, then
 * names of files; ended by NULL. Returns false when there is no n-th. */
struct connfile_grant {
	const char *type;
	const char *const *keys, *const *files;
};
bool connfile_grant_type(const char *provider, int n, struct connfile_grant *ret);

#endif
