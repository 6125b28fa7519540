/* The one error record of the project: owned by the caller, of fixed size, without allocation.
 *
 * Functions that can fail return 0, or -1 with *err filled; outputs (`ret_x`) stay untouched on failure.
 * `err` may be NULL where the caller does not care. The class says what to do, the scope to whom. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_class {
	ERR_NONE,
	ERR_RETRY,     /* passing: not before retry_at (0: the scheduler's own back-off) */
	ERR_AUTH,      /* the credential is wrong or not accepted; a new token may help once */
	ERR_CONSENT,   /* the administrator's grant was withdrawn, or lacks a permission */
	ERR_CURSOR,    /* the feed lost our place: start again from the beginning */
	ERR_GONE,      /* what was asked for does not exist any more */
	ERR_CHANGED,   /* it changed between looking and acting */
	ERR_TOO_BIG,   /* beyond a limit of ours or of the provider's */
	ERR_REMOTE,    /* the other side answered something wrong, or refuses for good */
	ERR_LOCAL,     /* this machine: memory, disk, descriptors, our own defects */
	ERR_CANCELLED, /* shutting down */
};

/* What an error stops; the scheduler pauses exactly that. */
enum err_scope { SCOPE_ITEM, SCOPE_STREAM, SCOPE_CONNECTION, SCOPE_NODE };

struct err {
	enum err_class class;
	enum err_scope scope;
	int64_t retry_at; /* ms since the epoch, UTC; 0 when not known */
	int http_status;  /* 0 when no answer came */
	char code[64];    /* stable and short, for logs, reasons and tests: "forbidden", "bad_json" */
	char request_id[96];
	char message[320]; /* for people; never holds a secret */
};

/* Fills *err (when not NULL) and returns -1, so that `return err_set(…)` reads as it should.
 * The scope is SCOPE_ITEM; err_scope() widens it. */
int err_set(struct err *err, enum err_class class, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for a failed system call: class LOCAL, code "system", the message ends in strerror(errno).
 * Keeps errno. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message. Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the scope; returns -1. */
int err_scope(struct err *err, enum err_scope scope);

void err_clear(struct err *err);

const char *err_class_name(enum err_class class); /* "retry", "auth", … */
const char *err_scope_name(enum err_scope scope);

/* The process's exit code for an error: 5 worth retrying, 6 not worth it, 1 otherwise. */
int err_exit_code(const struct err *err);

#endif
