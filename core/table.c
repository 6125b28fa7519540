/* Tables through libsmartcols; see table.h. One thread. */
#include "core/table.h"

#include "core/command.h"

#include <libsmartcols.h>
#include <stdarg.h>

struct table {
	struct libscols_table *tb;
	size_t columns;
};

struct table *table_new(const char *title, ...)
{
	struct table *t = calloc(1, sizeof(*t));
	va_list ap;

	if (!t || !(t->tb = scols_new_table())) {
		free(t);
		return NULL;
	}
	va_start(ap, title);
	for (const char *name = title; name; name = va_arg(ap, const char *)) {
		if (scols_table_new_column(t->tb, name, 0, 0))
			t->columns++;
	}
	va_end(ap);
	return t;
}

void table_row(struct table *t, ...)
{
	va_list ap;
	struct libscols_line *line = t ? scols_table_new_line(t->tb, NULL) : NULL;

	if (!line)
		return;
	va_start(ap, t);
	for (size_t i = 0; i < t->columns; i++)
		scols_line_set_data(line, i, command_text(va_arg(ap, const char *)));
	va_end(ap);
}

void table_print(struct table *t)
{
	if (t)
		scols_print_table(t->tb);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->tb);
	free(t);
}
