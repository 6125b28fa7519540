/* Log lines on stderr: one line an event, key=value, keys in English, values cleaned for the terminal.
 *   2026-11-22T03:04:05.678Z INFO core poll.done tenant=aoba stream=12 items=3
 * Fields pushed on the current thread (tenant, connection, stream, item) are added to each line.
 * Never pass a secret. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* role: a static string ("core"). Level from SEKISHO_LOG (debug, info, warn, error), info by default. */
void log_open(const char *role);
void log_set_level(enum log_level level);

/* fmt gives the rest of the line: "key=%s key=%d". Values with spaces: use LOG_Q, which quotes. */
void log_line(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define log_debug(event, ...) log_line(LOG_DEBUG_, event, __VA_ARGS__)
#define log_info(event, ...) log_line(LOG_INFO_, event, __VA_ARGS__)
#define log_warn(event, ...) log_line(LOG_WARN_, event, __VA_ARGS__)
#define log_error(event, ...) log_line(LOG_ERROR_, event, __VA_ARGS__)
/* An error record with its class, code, status, request id and message. */
void log_err(enum log_level level, const char *event, const struct err *err);

/* Fields of this thread, ended by log_pop(); value is copied (cut at 120 bytes). At most 8 deep. */
void log_push(const char *key, const char *value);
void log_pop(void);

#endif
