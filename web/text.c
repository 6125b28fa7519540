/* Looks texts up; see text.h. */
#include "web/text.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *key, const void *pair)
{
	return strcmp(key, ((const struct web_text_pair *)pair)->text);
}

const char *web_text(enum web_language language, const char *text)
{
	if (language == WEB_EN)
		return text;
	const struct web_text_pair *found = bsearch(text, web_texts, web_n_texts, sizeof(*web_texts), compare);
	return found && *found->ja ? found->ja : text;
}

enum web_language web_language_of(const char *name, enum web_language fallback)
{
	size_t n = strcspn(name, "-_,; ");

	if (n == 2 && strncasecmp(name, "ja", 2) == 0)
		return WEB_JA;
	if (n == 2 && strncasecmp(name, "en", 2) == 0)
		return WEB_EN;
	return fallback;
}

const char *web_language_name(enum web_language language)
{
	return language == WEB_JA ? "ja" : "en";
}
