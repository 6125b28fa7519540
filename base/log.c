/* Log lines; see log.h. One write() a line, so that lines of several roles do not mix. */
#include "base/log.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/timeutil.h"

#include <stdarg.h>
#include <string.h>

#define LINE_MAX_BYTES 4000
#define FIELDS 8

static struct {
	const char *role;
	enum log_level level;
} the_log = {.role = "sekisho", .level = LOG_INFO_};

struct field {
	char key[24];
	char value[121];
};

static __thread struct field fields[FIELDS];
static __thread int n_fields;

void log_open(const char *role)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	const char *want = getenv("SEKISHO_LOG");

	the_log.role = role;
	for (int i = 0; want && i < (int)ARRAY_SIZE(names); i++)
		if (strcmp(want, names[i]) == 0)
			the_log.level = (enum log_level)i;
}

void log_set_level(enum log_level level)
{
	the_log.level = level;
}

void log_push(const char *key, const char *value)
{
	if (n_fields < FIELDS) {
		snprintf(fields[n_fields].key, sizeof(fields[0].key), "%s", key);
		snprintf(fields[n_fields].value, sizeof(fields[0].value), "%s", value ? value : "");
	}
	n_fields++;
}

void log_pop(void)
{
	if (n_fields > 0)
		n_fields--;
}

/* Appends key=value, in quotes where the value has a space or is empty. */
static void add_field(struct buf *b, const char *key, const char *value)
{
	bool quote = !*value || strpbrk(value, " \"=");

	buf_addf(b, " %s=%s", key, quote ? "\"" : "");
	for (const char *p = value; *p; p++)
		buf_addc(b, *p == '"' ? '\'' : *p);
	if (quote)
		buf_addc(b, '"');
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
	_cleanup_buf_ struct buf raw = BUF_INIT(LINE_MAX_BYTES), line = BUF_INIT(LINE_MAX_BYTES * 4 + 1);
	char now[TIME_RFC3339_LEN];
	va_list ap;

	if (level < the_log.level)
		return;
	buf_addf(&raw, "%s %s %s %s", time_format(time_now_ms(), now), names[level], the_log.role, event);
	for (int i = 0; i < n_fields && i < FIELDS; i++)
		add_field(&raw, fields[i].key, fields[i].value);
	va_start(ap, fmt);
	buf_addc(&raw, ' ');
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	utf8_clean(&line, buf_str(&raw), raw.len, true);
	buf_addc(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* nowhere left to say so */
}

void log_err(enum log_level level, const char *event, const struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(2000);

	add_field(&b, "class", err_class_name(err->class));
	add_field(&b, "code", err->code);
	if (err->http_status)
		buf_addf(&b, " status=%d", err->http_status);
	if (err->request_id[0])
		add_field(&b, "request_id", err->request_id);
	add_field(&b, "message", err->message);
	log_line(level, event, "%s", buf_str(&b) + 1);
}
