/* The contract of scanning: what core asks of the scan role, and what it gets back.
 *
 * The wire form is a msg (base/msg.h) of type SCAN_REQUEST with one descriptor, answered by SCAN_REPLY with
 * the same id; scan_request_put() and its siblings below are the only code that knows the field order.
 * What a worker says is untrusted: the scan role checks it and core checks it again by scan_reply_get(),
 * which bounds every count and length and refuses the rest. */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H

#include "base/msg.h"

enum scan_message {
	SCAN_REQUEST = 0x200, /* core → scan, one descriptor */
	SCAN_REPLY,           /* scan → core */
	SCAN_INFO,            /* core → scan: what engine and database are loaded? */
	SCAN_INFO_REPLY,
	SCAN_CHANGED,         /* scan → core, no answer wanted: a SCAN_INFO_REPLY body; the database changed */
	SCAN_DETECTORS,       /* core → scan, no answer wanted; master → worker: detectors of policies */
	SCAN_READY,           /* worker → scan, inside the role */
	SCAN_RECHECK,         /* core → scan: known hashes against the signatures of now, see recheck.h */
	SCAN_RECHECK_REPLY,   /* with a socket; without one when it cannot be had */
};

enum scan_verdict { VERDICT_CLEAN = 1, VERDICT_THREAT, VERDICT_UNKNOWN };

enum scan_status { SCAN_OK, SCAN_TIMEOUT, SCAN_CRASHED, SCAN_LIMIT, SCAN_ERROR };

#define SCAN_MAX_PASSWORDS 64
#define SCAN_MAX_FOUND 16 /* passwords that a mail announces */
#define SCAN_PASSWORD_MAX 128 /* bytes, with the NUL */

/* Everything a request says beside the content. Strings are owned by the caller. */
struct scan_request {
	const char *tenant;  /* a worker serves one tenant at a time */
	const char *name;    /* file name, a hint only; may be NULL */
	int64_t size;        /* bytes in the descriptor */
	int64_t deadline_ms; /* time for this item */
	bool words;          /* look at its words, too: detectors and links, at some processor time */
	bool tell_passwords; /* those that the mail announces, in the reply */
	/* Tried on what is encrypted, in this order, after what the item itself says. Never logged; wiped by who made them. */
	int n_passwords;
	const char *passwords[SCAN_MAX_PASSWORDS];
};

/* Limits of the role, from the configuration. */
struct scan_limits {
	int64_t item;      /* bytes of an item: larger ones are not given to a worker */
	int64_t part;      /* bytes of one unpacked part */
	int64_t total;     /* bytes unpacked from one item */
	int depth;         /* nesting */
	int parts;         /* parts of one item */
	int64_t time_ms;
	int64_t worker_memory; /* private bytes a worker may have */
	int64_t worker_tmpfs;
	int worker_items;  /* replaced after so many */
};

#define SCAN_MAX_THREATS 16
#define SCAN_MAX_PARTS 256 /* described in a reply; the counts are of all */

struct scan_threat {
	char name[128]; /* the signature's, UTF-8, printable */
	char part[256]; /* path of names within the item, "" for the item itself */
};

/* A node of the content's tree. The ancestors stand before it: parents by their index lead to the item. */
struct scan_part {
	char name[256]; /* UTF-8, cleaned; "" when it has none */
	char type[48];  /* libclamav's type, "CL_TYPE_ZIP"; "" of an encrypted member, which nobody has seen */
	char true_type[24]; /* in short, for rules (types.h): "pe" "zip" "ooxml.word" …; "" as type */
	char sha256[65]; /* of its content, hex; "" of an encrypted member */
	char sha1[41], md5[33]; /* of what hash signatures are made for: not of pictures and of an office file's own texts */
	int64_t size;
	int depth;
	int parent;     /* index in parts[], smaller than its own; -1: the item itself */
	bool encrypted;
	bool opened;     /* encrypted, and looked at with a password that was found */
	bool executable; /* by its true type: programs, scripts, shortcuts, installers */
	bool mismatch;   /* its extension promises another type */
	bool macros;
	bool rtl_override;     /* its name turns the direction of text around */
	bool double_extension; /* a document's before a program's */
};

/* A mail's head, as GMime reads it: text is UTF-8 and cleaned. Only of an item that is a mail. */
enum scan_field { SCAN_FIELD_FROM, SCAN_FIELD_SENDER, SCAN_FIELD_REPLY_TO, SCAN_FIELD_RETURN_PATH, SCAN_FIELD_TO, SCAN_FIELD_CC };
#define SCAN_MAX_ADDRESSES 32
#define SCAN_MAX_AUTH 8

struct scan_address {
	enum scan_field field;
	char name[128]; /* the display name, decoded */
	char address[256];
	char host[256];     /* behind the @, as its readers see it: Unicode, lower case */
	char domain[128];   /* the registrable one of it (public suffix list); "" none */
	char skeleton[256]; /* of host: equal for hosts that look alike; its last labels are the domain's */
	char keys[512];     /* "|a|b|": names of a person that the display name may mean, as person_keys() makes them */
};

/* One Authentication-Results (RFC 8601), taken apart. */
enum scan_auth_result { SCAN_AUTH_NONE, SCAN_AUTH_PASS, SCAN_AUTH_FAIL, SCAN_AUTH_SOFTFAIL, SCAN_AUTH_NEUTRAL, SCAN_AUTH_ERROR };
struct scan_auth {
	char server[128]; /* who says so: the authserv-id, lower case; "" when there is none */
	enum scan_auth_result spf, dkim, dmarc, compauth; /* dkim: the best of several */
	char spf_domain[128], dkim_domain[128], dmarc_domain[128]; /* what they speak of: smtp.mailfrom, header.d or .i, header.from */
};

struct scan_mail {
	bool present;
	char subject[512];
	char message_id[256];
	char list_id[256];
	char thread[256]; /* the first of References, else In-Reply-To, else its own Message-ID */
	int64_t date; /* ms UTC, as its sender says; 0 when it does not */
	int n_addresses, addresses_seen; /* the senders' first */
	struct scan_address addresses[SCAN_MAX_ADDRESSES];
	int n_auth, auth_seen; /* Authentication-Results, the newest first; who may be believed is derive.c's to say */
	struct scan_auth auth[SCAN_MAX_AUTH];
	char auth_as[16]; /* X-MS-Exchange-Organization-AuthAs, lower case: "internal" "anonymous" …; "" */
};

/* Where something leads, with the text that is shown for it. Nothing of it is ever asked of the network. */
#define SCAN_MAX_LINKS 64
#define SCAN_LINK_PUNYCODE 1u    /* letters beyond ASCII in the host's name (xn--) */
#define SCAN_LINK_MIXED 2u       /* … of scripts that no language mixes within a word */
#define SCAN_LINK_IP 4u          /* an address in numbers, in whatever notation */
#define SCAN_LINK_CREDENTIALS 8u /* something before an @ */
#define SCAN_LINK_REDIRECT 16u   /* a known service that leads on to an address within this one, which is the next in the list */
#define SCAN_LINK_INNER 32u      /* that address */
#define SCAN_LINK_SCRIPT 64u     /* no place but a program or a page in itself: javascript:, vbscript:, data: */
#define SCAN_LINK_ALL 127u
struct scan_link {
	char url[512];   /* whole up to here; what else is told was read from up to 8 KiB */
	char text[128];
	int part;        /* index in parts[] */
	unsigned flags;  /* SCAN_LINK_… */
	char host[256], domain[128], skeleton[256]; /* as of an address; host "" where the scheme has none */
	char text_host[256], text_domain[128];      /* of the address that the shown text is; "" when it is none */
};

/* What one detector found in one part: masked, never the data itself. */
#define SCAN_MAX_HITS 64

struct scan_hit {
	char detector[48]; /* "my_number", "words.confidential" …, or the id of a policy's own: [A-Za-z0-9._-] */
	int part;       /* index in parts[] */
	int count;      /* how often in this part */
	int distinct;   /* … without repeats; counted up to 4,096 in all parts */
	int64_t offset; /* of the first, in the part's words as the detectors read them */
	char masked[48]; /* the first, for people: UTF-8, the secret as stars */
	char hash[33];  /* of the first: keyed, so that repeats are known and the data is not */
	bool near;      /* words that tell of it stand near one of them */
};

/* Why a verdict is unknown; "" otherwise. Stable words, also used by core for what is never scanned:
 *   encrypted_archive encrypted_document size_limit part_size_limit total_size_limit depth_limit parts_limit
 *   time_limit not_unpacked (members announced but not seen) crashed timeout memory sandbox error corrupt
 */
struct scan_reply {
	enum scan_status status;
	enum scan_verdict verdict;
	char reason[48];
	int n_threats;
	struct scan_threat threats[SCAN_MAX_THREATS];
	int n_parts; /* in parts[]; the first is the item itself, at depth 0, unless it is tiny */
	int parts_seen; /* all, with the item and with encrypted members */
	struct scan_part parts[SCAN_MAX_PARTS];
	struct scan_mail mail;
	int n_links, links_seen;
	struct scan_link links[SCAN_MAX_LINKS];
	int n_hits, hits_seen; /* hits[] has one for each detector and part; seen counts what was found */
	struct scan_hit hits[SCAN_MAX_HITS];
	/* Does the mail's text tell a password? Only where the request asks for them they are here; never stored, never logged,
	 * wiped by who asked. */
	bool announces_password;
	int n_passwords;
	char passwords[SCAN_MAX_FOUND][SCAN_PASSWORD_MAX];
	char engine[48];      /* "ClamAV 1.4.3" */
	char signatures[96];  /* identity of the loaded database: version and count, stable for one content */
	int64_t elapsed_us;
	int64_t cpu_us;
};

/* What is loaded. */
struct scan_info {
	char engine[48];
	char signatures[96];
	int64_t count;       /* signatures */
	int64_t built_at;    /* ms UTC, newest database's build time; 0 for the built-in set */
	int64_t loaded_at;
	bool builtin_only;   /* no signature database on the machine: no protection */
	int workers;
	char refused[256];   /* the last database that was refused, and why; "" */
	char sandbox[128];   /* the layers that hold the workers, "" before the first; "off" or "unavailable: …" */
	bool loading;        /* a database is being loaded or tried; with loaded_at 0 nothing is scanned yet */
};

int scan_request_put(struct msg *m, const struct scan_request *req, int fd); /* takes fd */
/* Strings point into m. -1 when malformed. */
int scan_request_get(struct msg *m, struct scan_request *ret, int *ret_fd);
int scan_reply_put(struct msg *m, const struct scan_reply *r);
int scan_reply_get(struct msg *m, struct scan_reply *ret);
int scan_info_put(struct msg *m, const struct scan_info *info);
int scan_info_get(struct msg *m, struct scan_info *ret);

const char *scan_verdict_name(enum scan_verdict v); /* "clean" "threat" "unknown" */
const char *scan_field_name(enum scan_field f);     /* "from" "reply_to" … */
const char *scan_auth_name(enum scan_auth_result r); /* "pass" "softfail" … */

/* Detectors of policies: one JSON object of lists, by tenant; "" is for all of them. */
#define SCAN_DETECTORS_MAX (180u << 10) /* bytes of one tenant's list */

/* Configuration of the role, given at its start in its first message (SCAN_CONFIG below). */
#define SCAN_CONFIG 0x2ff
#define SCAN_MAX_DIRS 16
struct scan_config {
	struct scan_limits limits;
	int workers; /* 0: one a processor */
	int n_dirs;
	char dirs[SCAN_MAX_DIRS][512]; /* signature folders */
	char state[512];               /* STATE/scan: temporary files while loading; made when missing */
	bool sandbox; /* false only with the option that says so loudly; tests under sanitizers need it */
	int64_t watch_ms;  /* how often the folders are looked at beside inotify; 0: 30 s */
	char hit_key[65];  /* 64 hexadecimal digits for the hashes of detectors' hits; "": a random one, for one run */
	int64_t settle_ms; /* a changed folder must rest this long before it is loaded; 0: 2 s */
};
int scan_config_put(struct msg *m, const struct scan_config *c);
int scan_config_get(struct msg *m, struct scan_config *ret);

void scan_limits_default(struct scan_limits *ret);

/* The role's main: fd is the socket to core; the first message on it is SCAN_CONFIG. Returns the exit code
 * when the socket closes. Called in its own process, right after exec. */
int scan_role_main(int fd);

#endif
