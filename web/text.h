/* The console's texts in the reader's language. Its catalogue (po/console/) is compiled into the binary, for one process
 * speaks both languages at once, which gettext() does not. Pages have the same catalogue as JSON. Any thread. */
#ifndef WEB_TEXT_H
#define WEB_TEXT_H

enum web_language { WEB_JA, WEB_EN };

/* Marks a text for the catalogue; web_text() translates it where it is shown. */
#define W_(text) (text)

/* text itself when there is no translation. Never freed. */
const char *web_text(enum web_language language, const char *text);
/* "ja", "en-GB, …" → the language; fallback for any other. */
enum web_language web_language_of(const char *name, enum web_language fallback);
const char *web_language_name(enum web_language language);

/* Made at build time by texts.py, sorted by the bytes of text. */
struct web_text_pair {
	const char *text, *ja;
};
extern const struct web_text_pair web_texts[];
extern const unsigned web_n_texts;

#endif
