/* Fills and names error records; see err.h. Any thread, no state. */
#include "base/err.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void fill(struct err *err, enum err_class class, const char *code, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void fill(struct err *err, enum err_class class, const char *code, const char *fmt, va_list ap)
{
	memset(err, 0, sizeof(*err));
	err->class = class;
	snprintf(err->code, sizeof(err->code), "%s", code);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
}

int err_set(struct err *err, enum err_class class, const char *code, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		fill(err, class, code, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;

	if (err) {
		va_list ap;
		va_start(ap, fmt);
		fill(err, ERR_LOCAL, saved == ENOSPC ? "disk_full" : "system", fmt, ap);
		va_end(ap);
		size_t used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(saved));
	}
	errno = saved;
	return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (err) {
		char old[sizeof(err->message)];
		memcpy(old, err->message, sizeof(old));
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->message, sizeof(err->message), fmt, ap);
		va_end(ap);
		size_t used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s", old);
	}
	return -1;
}

int err_scope(struct err *err, enum err_scope scope)
{
	if (err)
		err->scope = scope;
	return -1;
}

void err_clear(struct err *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}

const char *err_class_name(enum err_class class)
{
	static const char *const names[] = {"none", "retry", "auth", "consent", "cursor", "gone", "changed",
		"too_big", "remote", "local", "cancelled"};

	return (size_t)class < ARRAY_SIZE(names) ? names[class] : "unknown";
}

const char *err_scope_name(enum err_scope scope)
{
	static const char *const names[] = {"item", "stream", "connection", "node"};

	return (size_t)scope < ARRAY_SIZE(names) ? names[scope] : "unknown";
}

int err_exit_code(const struct err *err)
{
	switch (err->class) {
	case ERR_NONE:
		return 0;
	case ERR_RETRY:
	case ERR_CHANGED:
	case ERR_CURSOR:
		return 5;
	case ERR_AUTH:
	case ERR_CONSENT:
	case ERR_GONE:
	case ERR_TOO_BIG:
	case ERR_REMOTE:
		return 6;
	default:
		return 1;
	}
}
