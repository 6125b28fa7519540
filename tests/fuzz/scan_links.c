/* Addresses, texts with addresses in them, documents' links, names of people, Authentication-Results: whatever comes, what is told
 * stays within its bounds and is UTF-8 as the wire form wants it. */
#include "base/encode.h"
#include "scan/authres.h"
#include "scan/doclinks.h"
#include "scan/links.h"
#include "scan/person.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		if (n == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			abort();
		i += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"CL_TYPE_PDF", "CL_TYPE_TEXT_ASCII", "CL_TYPE_TEXT_UTF16LE", "CL_TYPE_BINARY_DATA", "CL_TYPE_LNK", "CL_TYPE_XML"};
	static struct scan_link list[SCAN_MAX_LINKS];
	struct links l = {.list = list};
	struct scan_auth a;
	char keys[512];

	if (size < 1)
		return 0;
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	links_in_text(&l, text, size - 1, 0);
	links_add(&l, "https://base.example/a/", text, size - 1, text, size - 1, 0);
	doclinks_read(&l, 0, types[data[0] % 6], data + 1, size - 1);
	if (l.n > SCAN_MAX_LINKS || l.n > l.seen)
		abort();
	for (int i = 0; i < l.n; i++) {
		check(list[i].url);
		check(list[i].text);
		check(list[i].host);
		check(list[i].domain);
		check(list[i].skeleton);
		check(list[i].text_host);
		check(list[i].text_domain);
		if (!list[i].url[0] || (list[i].flags & ~SCAN_LINK_ALL))
			abort();
	}
	authres_read(text, &a);
	check(a.server);
	check(a.spf_domain);
	check(a.dkim_domain);
	check(a.dmarc_domain);
	person_keys(text, keys, sizeof(keys));
	free(text);
	return 0;
}
