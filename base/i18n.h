/* The language of what people read: tables, messages and help of the commands, through gettext. Logs, JSON keys, states and
 * codes are never translated.
 *
 * i18n_open() is called by a process's main before it has threads; `_()` from any thread after that. */
#ifndef BASE_I18N_H
#define BASE_I18N_H

#include <libintl.h>
#include <stdbool.h>

#define _(text) gettext(text)
/* Marks a text of a table for the catalogue; `_()` translates it where it is shown. */
#define N_(text) (text)

/* "en" or "ja". Characters are UTF-8 whatever the environment says; numbers, dates and sorting stay those of "C". May be
 * called again. "en" always works; another language without a catalogue, or on a system without any locale that lets
 * gettext translate, gives English. Sets LANGUAGE in the environment, which other processes of sekisho ignore. */
void i18n_open(const char *language);

/* The language where no configuration file names one: "en" when the environment's locale (the first of LC_ALL, LC_MESSAGES
 * and LANG that is set) names a language other than Japanese, else "ja". C and POSIX name none. */
const char *i18n_environment(void);

#endif
