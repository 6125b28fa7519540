/* One suite that every connector passes: against fakecloud, straight and through connectors/faulty.h.
 *
 * A provider's file (connector_microsoft.c, …) gives a struct suite_target and a main() that calls suite_main(). The
 * target seeds a small company, gets tokens, and does what users do by the provider's own calls; the suite plays core.
 * fakecloud's executable comes from $FAKECLOUD. One thread, one fakecloud per group of tests. */
#ifndef TESTS_CONNECTOR_SUITE_H
#define TESTS_CONNECTOR_SUITE_H

#include "base/encode.h"
#include "connectors/connector.h"
#include "connectors/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SUITE_TENANT "aoba"
#define SUITE_MARKER "SUITE-MARKER-7c1e" /* in the content of the seeded items that are contained */

struct suite;

struct suite_target {
	const char *connector;  /* "microsoft" */
	const char *connection; /* id in the connections file that fakecloud writes: "aoba-m365" */
	unsigned services;
	const char *unlicensed; /* the user of the seed that has none of the services; NULL none */
	bool undated_mail;      /* the provider lists mail by id alone, without times */
	bool ending_streams;    /* some streams list once and then ask nothing any more: another one brings what is new */
	bool silent_removals;   /* the feed does not say by id what is gone: it shows at the download */

	/* Writes the seed with suite_seed(). It must hold the items that are named below. */
	void (*seed)(struct suite *s);
	/* A fresh access token to act as subject, by the provider's token call. */
	int (*token)(struct suite *s, const char *subject, struct buf *ret, struct err *err);

	/* Items of the seed to contain: names as in GET /state. The file is shared with a colleague, with guest@partner.example where
	 * the provider has people from outside, and by an anonymous link. NULL: none. */
	const char *threat_file, *threat_mail, *threat_chat_body;
	const char *group;   /* that mio is in; NULL none */
	bool marks_sharing;  /* the feed tells of a file's sharing */

	/* Cases of this provider alone: run straight, in a group of their own. */
	const struct CMUnitTest *own;
	size_t n_own;

	/* What users do. Ids are malloc'd. NULL: the service is not offered. */
	char *(*add_file)(struct suite *s, const char *name, const char *text);
	void (*change_file)(struct suite *s, const char *id, const char *text);
	void (*rename_file)(struct suite *s, const char *id, const char *name);
	void (*delete_file)(struct suite *s, const char *id);
	char *(*add_mail)(struct suite *s, const char *mime);
	void (*delete_mail)(struct suite *s, const char *id); /* for good */
};

/* Runs the groups: straight, in small pages, and through faults. Returns main()'s result; 77 (skipped) without
 * $FAKECLOUD. */
int suite_main(const struct suite_target *target);

/* ---- for targets (connector_fixture.c) ---- */

/* path below TENANT/: "microsoft/users/mio@aoba.example/drive/a.txt" */
void suite_seed(struct suite *s, const char *path, const char *content);
/* A scalar of the connection's entry: "grant", "client_id" (NULL for the second: a top key). */
const char *suite_option(struct suite *s, const char *map, const char *key);
/* The folder of the connections file, and a whole file in it. */
void suite_read(struct suite *s, const char *file, struct buf *ret);
const char *suite_url(struct suite *s, const char *endpoint);
/* A call of a user's or administrator's, with a token for subject ("" none of anybody, NULL no token). Fails the test unless
 * the status is 2xx. Returns the body as JSON, or NULL when it is none; freed by the caller. */
cJSON *suite_call(struct suite *s, const char *subject, const char *method, const char *url, const char *type,
	const void *body, size_t len);
struct http *suite_http(struct suite *s);

/* ---- the fixture (connector_fixture.c) ---- */

enum bad_token { TOKEN_GOOD, TOKEN_BAD_ONCE, TOKEN_BAD };

int suite_start(const struct suite_target *target, int page_size, const struct faulty_options *faults, struct suite **ret);
void suite_stop(struct suite *s);

const struct suite_target *suite_target(struct suite *s);
const struct connector *suite_connector(struct suite *s);
struct connection *suite_connection(struct suite *s);
bool suite_is_faulty(struct suite *s);
void suite_token_mode(struct suite *s, enum bad_token mode);
struct content_budget *suite_budget(struct suite *s);
/* Was it remembered as a notice of ours? Feeds leave those out. */
bool suite_is_notice(struct suite *s, const char *id);
/* Forgets the remembered quarantine places, as after a crash right behind their making. */
void suite_forget_places(struct suite *s);

/* The control address. */
cJSON *suite_control(struct suite *s, const char *method, const char *path, const char *body);
/* GET /state, this provider's items. */
cJSON *suite_state(struct suite *s);
/* The state of one item as comparable text: place, name, labels, sharing, hash; fails when it is missing. Freed by the
 * caller. */
char *suite_state_text(struct suite *s, const char *service, const char *id);
/* Arms one fault: the fields of a fault without its provider. */
void suite_fault(struct suite *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends all; returns how often they hit. */
int suite_faults_end(struct suite *s);

/* ---- playing core (connector_follow.c) ---- */

struct seen_stream {
	struct stream_info info; /* owned */
	char *cursor;
	bool resync;
};

struct seen_item {
	struct item item; /* owned strings */
	size_t stream;
	bool removed;
};

struct follow {
	struct suite *suite;
	struct arena *arena; /* owns all */
	struct seen_stream *streams;
	size_t n_streams;
	struct seen_item *items; /* each (id, version) once, in the order of coming */
	size_t n_items;
	enum backlog_kind backlog;
	int lost;  /* cursors lost on the way */
	int pages; /* polled */
};

struct follow *follow_new(struct suite *s);
void follow_free(struct follow *f);
/* Lists all streams; those known keep their cursors. */
void follow_streams(struct follow *f);
/* Polls all active streams until each is caught up. Fails the test on an error that core could not handle. */
void follow_poll(struct follow *f);
/* One poll of a stream, its page taken over as core would. Returns what poll() returns. */
int follow_page(struct follow *f, size_t stream, bool *ret_more, struct err *err);
/* The newest version of an item that was seen; NULL when there is none. */
struct seen_item *follow_find(struct follow *f, const char *id);
struct seen_item *follow_find_name(struct follow *f, enum item_kind kind, const char *name);
size_t follow_versions(struct follow *f, const char *id);
/* Is state id the item's? Teams' ids are unique in their channel only, so findings put that before them. */
bool same_id(const char *item_id, const char *state_id);

/* The acts, with core's way to repeat them after RETRY. The receipt is replaced. */
int act_plan(struct follow *f, const struct seen_item *it, struct buf *receipt, struct err *err);
int act_plan_as(struct follow *f, const struct seen_item *it, const struct act_request *act, struct buf *receipt, struct err *err);
int act_quarantine(struct follow *f, struct buf *receipt, struct err *err);
int act_restore(struct follow *f, struct buf *receipt, struct err *err);
void act_observe(struct follow *f, const char *receipt, struct observation *ret);
/* The SHA-256 of an item's content; "" when the provider refuses it as malware. */
int act_hash(struct follow *f, const struct seen_item *it, char sha256[65], struct err *err);
int act_hash_held(struct follow *f, const char *receipt, char sha256[65], struct err *err);

#endif
