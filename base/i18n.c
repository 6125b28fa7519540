/* Opens the catalogue of messages; see i18n.h. */
#include "base/i18n.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "sekisho"

const char *i18n_environment(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const char *locale = NULL;

	for (int i = 0; i < 3 && (!locale || !*locale); i++)
		locale = getenv(names[i]);
	if (!locale || !*locale)
		return "ja";
	size_t len = strcspn(locale, "_.@");
	if (len <= 1 || (len == 5 && strncmp(locale, "POSIX", 5) == 0) || (len == 2 && strncmp(locale, "ja", 2) == 0))
		return "ja";
	return "en";
}

/* Beside the binary while it lies in its build folder, else where it was installed. */
static void bind_catalogue(const char *language)
{
	char folder[PATH_MAX], file[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 8);
	const char *found = SEKISHO_LOCALE_DIR;

	folder[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash) {
		memcpy(slash, "/po", 4);
		snprintf(file, sizeof(file), "%s/%s/LC_MESSAGES/" DOMAIN ".mo", folder, language);
		if (access(file, R_OK) == 0)
			found = folder;
	}
	bindtextdomain(DOMAIN, found);
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
}

void i18n_open(const char *language)
{
	/* gettext looks at LANGUAGE in any locale but "C". On glibc from 2.39 on, C.UTF-8 counts as "C" too: so it comes last. */
	static const char *const locales[] = {"ja_JP.UTF-8", "en_US.UTF-8", "C.UTF-8"};

	setlocale(LC_ALL, "C");
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	if (strcmp(language, "en") == 0)
		return;
	setenv("LANGUAGE", language, 1);
	for (int i = 0; i < 3; i++)
		if (setlocale(LC_MESSAGES, locales[i]))
			break;
	bind_catalogue(language);
}
