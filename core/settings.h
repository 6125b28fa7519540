/* sekisho.yaml: every key, its default and its limits. Read once by each process that needs it; never changed. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "base/conf.h"
#include "scan/scan.h"

#define SETTINGS_PATHS 16

struct settings {
	char state[512];    /* absolute */
	char key_file[512]; /* "" : the systemd credential, else STATE/key */
	char store[640];    /* "sqlite:…/store.db" or "postgresql://…" */
	char ca_file[512];  /* "" : the system's */
	int n_signatures;
	char signatures[SETTINGS_PATHS][512];
	int n_policy;
	char policy[SETTINGS_PATHS][512]; /* rule files, or folders of them */
	int n_lists;
	struct settings_list {
		char kind[24]; /* "bad_hosts" "bad_links" "protected_domains" */
		char path[512];
	} lists[3 * SETTINGS_PATHS];
	struct scan_limits limits;
	int64_t in_flight;       /* bytes of content between provider and worker */
	char console_listen[128]; /* "127.0.0.1:8480", "unix:/run/…" or "off" */
	char console_url[512];
	char language[8];
	char time_zone[64];
	int64_t session_idle, session_max; /* ms: of an administrator's or operator's session */
	char apps[16384];   /* JSON: the operator's applications and OpenID clients, as auth/apps.h wants them */
	char sign_in[8192]; /* JSON list of {id, title, trust_email, accounts: [{email, subject, role, tenants}]} */
	int64_t poll_fast, poll_slow, discover, canary; /* ms */
	int64_t poll_least; /* in place of what connectors say their provider allows (Teams alone today); 0: what they say */
	int64_t retain_events, retain_items, retain_pairs; /* ms */
	int64_t rejudge_known, rejudge_fetch; /* ms: how far back new signatures look, by hashes and by bytes; 0: not at all */
	int workers;    /* scan workers; 0: one a processor */
	int threads;    /* of item jobs, most of which wait for a provider; 0: 2 × workers + 8 */
	bool sandbox;
};

/* path NULL: the default file, whose absence means defaults. Errors: REMOTE "bad_config" with line and column,
 * LOCAL when the file cannot be read. */
int settings_load(const char *path, struct settings *ret, struct err *err);

/* Of settings.c alone: console, apps, sign_in (settings_console.c). dir: where relative file names start. */
int settings_console(const struct conf_doc *doc, const char *dir, struct settings *s, struct err *err);

#define SETTINGS_DEFAULT_FILE "/etc/sekisho/sekisho.yaml"

#endif
